//! `replay`, `state`, `inspect` and `recover` as a user meets them.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use schwabot::event::{Class, DataDefect, Defect, Event, PairId, Stamp, Vantage};
use schwabot::ledger::{Batch, Writer, WriterOptions};
use schwabot::time::Timestamp;

use crate::support::TestResult;
use crate::support::cli::{Place, interrupt, program, run, walk};
use crate::support::notes;

fn ledger(place: &Place) -> TestResult<String> {
    let file = place.write("AAA_USDT-1m.csv", &walk(1, 400))?;
    let ledger = place.arg("l");
    assert_eq!(run(&["backtest", "--data", &file, "--ledger", &ledger])?.code, Some(0));
    Ok(ledger)
}

#[test]
fn replay_shows_every_record_once_with_the_promised_fields() -> TestResult {
    let place = Place::new()?;
    let ledger = ledger(&place)?;
    let ran = run(&["replay", &ledger, "--format", "jsonl"])?;
    let mut sequence = 0;
    for line in ran.out.lines() {
        let json: serde_json::Value = serde_json::from_str(line)?;
        assert_eq!(json["sequence"], sequence);
        sequence += 1;
        let fields: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let wanted =
            ["cause", "class", "digest", "kind", "payload", "sequence", "time", "type", "vantage"];
        assert_eq!(fields, wanted);
        assert_eq!(json["cause"].is_null(), json["class"] == "input");
    }
    let inspected = run(&["inspect", &ledger, "--format", "json"])?.json()?;
    assert_eq!(inspected["records"], sequence);
    assert_eq!(inspected["end"], "closed");
    Ok(())
}

#[test]
fn replay_filters_by_range_kind_and_cause() -> TestResult {
    let place = Place::new()?;
    let ledger = ledger(&place)?;
    let lines = |args: &[&str]| -> TestResult<Vec<serde_json::Value>> {
        let ran = run(&[&["replay", &ledger, "--format", "jsonl"], args].concat())?;
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        Ok(ran.out.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    };
    let some = lines(&["--from", "3", "--to", "5"])?;
    assert_eq!(some.iter().map(|r| r["sequence"].as_u64().unwrap()).collect::<Vec<_>>(), [3, 4, 5]);
    let trades = lines(&["--kind", "trade_closed"])?;
    assert!(!trades.is_empty() && trades.iter().all(|r| r["kind"] == "trade_closed"));
    assert_eq!(trades, lines(&["--kind", "0x0207"])?);
    let cause = &trades[0]["cause"];
    let caused = lines(&["--cause", &cause.to_string()])?;
    assert!(caused.contains(&trades[0]) && caused.iter().all(|r| r["cause"] == *cause));
    assert_eq!(run(&["replay", &ledger, "--kind", "miracle"])?.code, Some(2));
    let csv = run(&["replay", &ledger, "--format", "csv", "--from", "2", "--to", "2"])?.out;
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    assert_eq!(rows.headers()?.len(), 8);
    let row = rows.records().next().unwrap()?;
    assert_eq!((&row[0], &row[1], &row[4]), ("2", "bar", "2021-05-03T00:01:00Z"));
    Ok(())
}

#[test]
fn another_programs_records_are_shown_as_hex_and_its_state_is_refused() -> TestResult {
    let place = Place::new()?;
    let path = place.path("notes");
    let options = notes::options(schwabot::ledger::SyncMode::End, 1 << 16);
    let mut writer = schwabot::ledger::Writer::<notes::Note>::open(&path, &options)?;
    writer.append(&notes::step(&[1, 2]))?;
    writer.close()?;
    let path = place.arg("notes");
    let ran = run(&["replay", &path, "--format", "jsonl"])?;
    let first: serde_json::Value = serde_json::from_str(ran.out.lines().next().unwrap())?;
    assert_eq!((first["kind"].as_str(), first["sequence"].as_u64()), (Some("0x0100"), Some(0)));
    assert!(first["payload"].as_str().unwrap().starts_with("0100000000000000"));
    assert_eq!(
        run(&["inspect", &path, "--format", "json"])?.json()?["application"],
        "notes-for-tests"
    );
    let ran = run(&["state", &path])?;
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("notes-for-tests"), "{}", ran.err);
    Ok(())
}

#[test]
fn a_state_at_a_time_is_the_state_after_the_last_step_before_the_first_later_input() -> TestResult {
    let place = Place::new()?;
    let ledger = ledger(&place)?;
    let state = |at: &str| -> TestResult<serde_json::Value> {
        run(&["state", &ledger, "--at", at, "--format", "json"])?.json()
    };
    // The bars become known at 00:01, 00:02 and so on; two records stand before the first.
    let early = state("2021-05-03T00:00:59Z")?;
    assert_eq!(
        (early["records"].as_u64(), early["summary"]["counters"]["bars"].as_u64()),
        (Some(2), Some(0))
    );
    assert_eq!(state("2021-05-03T00:01:00Z")?["summary"]["counters"]["bars"], 1);
    assert_eq!(state("2021-05-03T03:19:30Z")?["summary"]["counters"]["bars"], 199);
    let by_sequence = state("100")?;
    assert_eq!(by_sequence["records"], 101);
    let past = run(&["state", &ledger, "--at", "100000"])?;
    assert_eq!(past.code, Some(2));
    assert!(past.err.contains("100000"), "{}", past.err);
    Ok(())
}

#[test]
fn every_part_of_the_state_is_one_json_object_and_readable_text() -> TestResult {
    let place = Place::new()?;
    let ledger = ledger(&place)?;
    for what in ["summary", "trades", "positions", "metrics", "data", "findings", "config"] {
        let json = run(&["state", &ledger, what, "--format", "json"])?;
        assert_eq!((json.code, json.err.as_str()), (Some(0), ""), "{what}");
        assert!(json.json()?.get(what).is_some_and(|value| !value.is_null()), "{}", json.out);
        let text = run(&["state", &ledger, what])?;
        assert_eq!(text.code, Some(0));
        assert!(!text.out.contains('\u{1b}'), "colours in a pipe");
    }
    let trades = run(&["state", &ledger, "trades", "--format", "json"])?.json()?;
    let all = trades["trades"].as_array().unwrap();
    let args = ["state", &ledger, "trades", "--offset", "1", "--limit", "2", "--format", "json"];
    assert_eq!(run(&args)?.json()?["trades"].as_array().unwrap(), &all[1..3]);
    let args = ["state", &ledger, "trades", "--symbol", "BBB/USDT", "--format", "json"];
    assert_eq!(run(&args)?.json()?["trades"], serde_json::json!([]));
    Ok(())
}

#[test]
fn words_in_the_data_cannot_command_the_terminal() -> TestResult {
    let place = Place::new()?;
    // The market's readers refuse such words; a forged ledger holds them all the same.
    let reason = "low \u{1b}[2J\u{9b}31m\u{202e}\r\n".to_owned();
    let defect = Defect::Malformed { field: "\u{7}low".to_owned(), reason };
    let event = Event::DataDefect(DataDefect { pair: PairId(0), row: 1, defect });
    let path = place.path("l\u{1b}[2J");
    let mut writer = Writer::<Event>::open(&path, &WriterOptions::default())?;
    let mut step = Batch::new();
    let time = Timestamp::from_nanos(0);
    step.push(&event, &Stamp::new(Class::Input, Vantage::Imported, time))?;
    writer.append(&step)?;
    writer.close()?;
    let ledger = place.arg("l\u{1b}[2J");
    let mut shown = vec![
        run(&["inspect", &ledger])?.out,
        run(&["inspect", &ledger, "--format", "json"])?.out,
        run(&["state", &ledger, "findings"])?.out,
        run(&["verify", &format!("{ledger}-nothing")])?.err,
    ];
    for format in ["text", "jsonl", "csv"] {
        let out = run(&["replay", &ledger, "--format", format])?.out;
        assert!(out.contains("low"), "{out:?}");
        shown.push(out);
    }
    for text in shown {
        assert!(!text.is_empty());
        let obeyed = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(obeyed), "{text:?}");
    }
    Ok(())
}

#[test]
fn nothing_is_made_where_there_is_no_ledger() -> TestResult {
    let place = Place::new()?;
    let nothing = place.arg("nothing");
    for command in ["replay", "state", "inspect", "recover", "verify"] {
        let ran = run(&[command, &nothing])?;
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{command}");
        assert!(ran.err.contains("no ledger"), "{}", ran.err);
        assert!(!place.path("nothing").exists(), "{command} made something");
    }
    Ok(())
}

#[test]
fn recover_leaves_a_closed_ledger_alone_and_names_what_it_drops_from_a_torn_one() -> TestResult {
    let place = Place::new()?;
    let ledger = ledger(&place)?;
    let segment = place.path("l/segments/000000000000.seg");
    let before = fs::read(&segment)?;
    let ran = run(&["recover", &ledger])?;
    assert_eq!(ran.code, Some(0));
    assert!(ran.out.contains("nothing to recover"), "{}", ran.out);
    assert_eq!(fs::read(&segment)?, before);
    assert_eq!(fs::read_dir(place.path("l/segments"))?.count(), 2, "the segment and its index");
    // As a crash leaves it: no CLOSE frame, half a frame behind the last whole one, full length.
    let full = u64::from_le_bytes(before[80..88].try_into()?);
    let close = before.len() - schwabot::ledger::frame::FRAME_HEADER_BYTES;
    let file = OpenOptions::new().write(true).open(&segment)?;
    file.set_len(close as u64)?;
    file.set_len(full)?;
    std::os::unix::fs::FileExt::write_all_at(&file, &[7; 100], close as u64)?;
    let ran = run(&["recover", &ledger])?;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("100 bytes"), "{}", ran.out);
    let inspected = run(&["inspect", &ledger, "--format", "json"])?.json()?;
    assert_eq!(inspected["end"], "closed");
    assert!(inspected["segments"][1]["recovery"].as_str().unwrap().contains("100 are dead"));
    assert_eq!(run(&["replay", &ledger, "--kind", "recovered"])?.out.lines().count(), 1);
    assert!(run(&["recover", &ledger])?.out.contains("nothing to recover"));
    Ok(())
}

#[test]
fn a_damaged_ledger_is_never_recovered() -> TestResult {
    let place = Place::new()?;
    let ledger = ledger(&place)?;
    let segment = place.path("l/segments/000000000000.seg");
    let mut bytes = fs::read(&segment)?;
    bytes[5_000] ^= 1;
    fs::write(&segment, &bytes)?;
    for command in ["recover", "replay", "state"] {
        let ran = run(&[command, &ledger])?;
        assert_eq!(ran.code, Some(2), "{command}: {}", ran.out);
        assert!(ran.err.contains("damaged"), "{}", ran.err);
    }
    assert_eq!(fs::read(&segment)?, bytes);
    bytes[5_000] ^= 1;
    fs::write(&segment, &bytes)?;
    assert_eq!(run(&["recover", &ledger])?.code, Some(0));
    fs::remove_file(place.path("l/ledger.id"))?;
    for command in [&["recover"][..], &["demo", "--ledger"]] {
        let ran = run(&[command, &[&*ledger]].concat())?;
        assert_eq!(ran.code, Some(2), "{command:?}: {}", ran.out);
        assert!(ran.err.contains("ledger.id is lost or damaged"), "{}", ran.err);
    }
    assert!(!place.path("l/ledger.id").exists());
    Ok(())
}

#[test]
fn replay_follows_what_a_later_run_adds_until_ctrl_c() -> TestResult {
    let place = Place::new()?;
    let ledger = ledger(&place)?;
    let size = run(&["inspect", &ledger, "--format", "json"])?.json()?["records"].as_u64();
    let mut command = program(&["replay", &ledger, "--follow", "--format", "jsonl"]);
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || -> TestResult<serde_json::Value> {
        Ok(serde_json::from_str(&lines.next().ok_or("the output ended")??)?)
    };
    for sequence in 0..size.unwrap() {
        assert_eq!(next()?["sequence"], sequence);
    }
    let file = place.arg("AAA_USDT-1m.csv");
    let again = run(&["backtest", "--data", &file, "--ledger", &ledger, "--append"])?;
    assert_eq!(again.code, Some(0), "{}", again.err);
    for sequence in size.unwrap()..size.unwrap() * 2 {
        assert_eq!(next()?["sequence"], sequence);
    }
    interrupt(&child)?;
    assert_eq!(child.wait()?.code(), Some(130));
    Ok(())
}
