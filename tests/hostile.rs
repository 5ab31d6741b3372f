//! Input from strangers: no path leaves its directory, nothing commands the terminal, what is no
//! file is not waited for, and what has no end is not read to it.
//!
//! The bounds on memory are in `limits.rs`; data files have their own tests (`market_files.rs`).

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use schwabot::checkpoint::{KeyKind, Policy, Receipt};
use schwabot::erasure::KeyRing;
use schwabot::event::{
    Class, DataDefect, Defect, Direction, Event, EvidenceKey, Leg, PairId, PairMemoryAppended,
    Stamp, Trigger, Vantage,
};
use schwabot::export::{compare_memory_stack, memory_stack, write_memory_stack};
use schwabot::ledger::clock::{Machine, Stopwatch};
use schwabot::ledger::disk::RealDisk;
use schwabot::ledger::{Batch, Reader, Writer, WriterOptions};
use schwabot::time::Timestamp;
use schwabot::units::Ratio;

use crate::support::TestResult;
use crate::support::cli::{Place, Ran, program, run};
use crate::support::keys::key;

/// How long the program may take to refuse what it will not read.
const REFUSAL_MAX: Duration = Duration::from_secs(20);

fn ledger_of(path: &Path, events: &[Event]) {
    let mut writer = Writer::<Event>::open(path, &WriterOptions::default()).unwrap();
    let mut step = Batch::new();
    for event in events {
        let stamp = Stamp::new(event.class(), Vantage::Imported, Timestamp::from_nanos(0));
        step.push(event, &stamp).unwrap();
    }
    writer.append(&step).unwrap();
    writer.close().unwrap();
}

/// All files below a directory.
fn files_below(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.insert(path);
        }
    }
    found
}

#[track_caller]
fn commands_nothing(ran: &Ran) {
    for text in [&ran.out, &ran.err] {
        let turns =
            |c: char| matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
        let obeyed = |c: char| (c.is_control() && c != '\n') || turns(c);
        assert!(!text.contains(obeyed), "{text:?}");
    }
    assert!(!ran.out.is_empty() || !ran.err.is_empty(), "nothing was said");
}

fn case_of(from: &str, to: &str) -> Event {
    let leg = Leg { from: from.to_owned(), to: to.to_owned() };
    let (trigger, direction) = (Trigger::ALL[0], Direction::Up);
    let key = EvidenceKey { leg, trigger, direction, word_bits: 4 };
    Event::PairMemoryAppended(PairMemoryAppended { key, net_return: Ratio::ZERO, success: false })
}

#[test]
fn no_name_in_a_ledger_makes_an_export_write_outside_its_directory() -> TestResult {
    let place = Place::new()?;
    let ledger = place.path("ledger");
    let names = [("../../../outside", "x"), ("/etc/x", "y"), ("a\\b", "\u{1b}[2J"), ("..", "..")];
    let mut events: Vec<Event> = names.iter().map(|(from, to)| case_of(from, to)).collect();
    // Two legs whose names differ only by what is rewritten stay two.
    events.extend([case_of("a/b", "c"), case_of("a%2fb", "c"), case_of("BTC", "ETH")]);
    ledger_of(&ledger, &events);
    let before = files_below(&place.path(""));
    let stack = memory_stack(&Reader::open(&ledger)?)?;
    let folder = place.path("deep/er/export");
    write_memory_stack(&stack, &folder)?;
    let made: Vec<PathBuf> = files_below(&place.path("")).difference(&before).cloned().collect();
    assert!(made.iter().all(|path| path.starts_with(&folder)), "{made:?}");
    assert_eq!(made.len(), 4 + events.len(), "four files, and one a leg: {made:?}");
    assert!(folder.join("hash_memory_bank/BTC→ETH_bit4.json").is_file(), "plain names stay");
    assert_eq!(compare_memory_stack(&stack, &folder)?, []);
    Ok(())
}

#[test]
fn an_export_is_compared_without_following_links_or_reading_devices() -> TestResult {
    let place = Place::new()?;
    let ledger = place.path("ledger");
    ledger_of(&ledger, &[case_of("BTC", "ETH")]);
    let stack = memory_stack(&Reader::open(&ledger)?)?;
    let folder = place.path("export");
    write_memory_stack(&stack, &folder)?;
    std::fs::remove_file(folder.join("export.json"))?;
    // A device without an end, and a pipe whose other end nobody holds.
    std::os::unix::fs::symlink("/dev/zero", folder.join("export.json"))?;
    let pipe = folder.join("hash_memory_bank/BTC→ETH_bit4.json");
    std::fs::remove_file(&pipe)?;
    make_pipe(&pipe)?;
    let differences = compare_memory_stack(&stack, &folder)?;
    assert_eq!(differences.len(), 2, "{differences:?}");
    Ok(())
}

fn make_pipe(path: &Path) -> TestResult {
    let made = std::process::Command::new("mkfifo").arg(path).status()?;
    assert!(made.success());
    Ok(())
}

#[test]
fn names_of_subjects_and_of_logs_are_no_paths() -> TestResult {
    let place = Place::new()?;
    let keys = place.path("keys");
    let ring = KeyRing::open(Arc::new(RealDisk), Arc::new(Machine), &keys)?;
    ring.create("../../outside")?;
    ring.create("/etc/passwd")?;
    assert!(ring.create("a\nb").is_err(), "a name is one line");
    let state = place.path("state");
    let logs = [key("../../outside", KeyKind::Log, 1).verifier().clone()];
    let witness = schwabot::checkpoint::Witness::open(
        key("w", KeyKind::Cosigner, 2),
        logs.to_vec(),
        &state,
        Arc::new(RealDisk),
        Arc::new(Machine),
    )?;
    let root = schwabot::hash::empty_root();
    let origin = "../../outside".to_owned();
    let mut note =
        schwabot::checkpoint::Note::new(schwabot::checkpoint::Checkpoint { origin, size: 0, root });
    note.sign(&key("../../outside", KeyKind::Log, 1), 0);
    let request = schwabot::checkpoint::Request { old: 0, proof: vec![], note };
    assert_eq!(witness.add_checkpoint(request.to_string().as_bytes()).status, 200);
    let made = files_below(&place.path(""));
    assert!(made.iter().all(|path| path.starts_with(&keys) || path.starts_with(&state)));
    assert_eq!(made.len(), 4, "two keys, a lock, a note: {made:?}");
    assert_eq!(witness.checkpoint("../state/lock").status, 404, "an address is no path either");
    Ok(())
}

#[test]
fn a_zip_is_read_and_never_unpacked_whatever_its_entries_are_called() -> TestResult {
    let place = Place::new()?;
    let candles = "date,open,high,low,close,volume\n2021-04-20,2,4,1,3,10\n";
    for (number, name) in
        ["../../outside.csv", "/etc/outside.csv", "a\u{1b}[2J.csv"].iter().enumerate()
    {
        let zip = crate::support::market::zip(&[(name, candles.as_bytes())])?;
        let path = place.path(&format!("BTC_USDT-1d-{number}.zip"));
        std::fs::write(&path, zip)?;
        let before = files_below(&place.path(""));
        let file = crate::support::market::named(&path);
        let read = crate::support::market::read(&[file], &crate::support::market::STRICT)?;
        assert_eq!(read.bars().len(), 1);
        assert_eq!(files_below(&place.path("")), before);
    }
    Ok(())
}

#[test]
fn no_argument_and_no_name_of_a_file_commands_the_terminal() -> TestResult {
    let evil = "x\u{1b}[31m\u{9b}2J\u{7}\u{202e}\u{61c}";
    for arguments in [
        vec![evil],
        vec!["demo", evil],
        vec!["demo", "--cycles", evil],
        vec!["verify", "l", "--level", evil],
        vec!["check", "f", "--vkey", evil],
        vec!["backtest", "--data", evil],
        vec!["backtest", "--config", evil],
        vec!["backtest", "--data", "A/B=x", "--cash", evil],
        vec!["inspect", evil],
        vec!["state", "l", evil],
    ] {
        let ran = run(&arguments)?;
        assert_eq!(ran.code, Some(2), "{arguments:?}");
        commands_nothing(&ran);
    }
    let not_text = program(&[OsStr::from_bytes(b"\x1b[31m\xff")]).output()?;
    assert!(!not_text.stderr.contains(&0x1b) && not_text.status.code() == Some(2));
    assert_eq!(run(&["--help"])?.code, Some(0), "help is no refusal");
    Ok(())
}

#[test]
fn no_word_of_a_settings_or_commands_file_commands_the_terminal() -> TestResult {
    let place = Place::new()?;
    let evil = "\u{1b}[31m\u{202e}\u{61c}\u{85}\u{2028}";
    let candles = "date,open,high,low,close,volume\n2021-04-20,2,4,1,3,10\n";
    let data = format!("BTC/USDT={}", place.write("a-1d.csv", candles)?);
    for settings in [
        format!("strategy = \"{evil}\""),
        format!("\"{evil}\" = 1"),
        evil.to_owned(),
        format!("fee = '{evil}'"),
        format!("[param]\n'{evil}' = 1"),
        format!("[cash]\n'{evil}' = 1"),
        format!("[instrument.'{evil}']\ntick = 1"),
    ] {
        let config = place.write("run.toml", &settings)?;
        let ran = run(&["backtest", "--data", &data, "--config", &config])?;
        assert_eq!(ran.code, Some(2), "{settings:?}: {}", ran.out);
        commands_nothing(&ran);
    }
    for line in [
        evil.to_owned(),
        format!("{{\"time\": \"{evil}\", \"action\": \"clean_up\"}}"),
        format!("{{\"time\": \"2021-04-20\", \"action\": \"{evil}\"}}"),
        format!("{{\"time\": \"2021-04-20\", \"action\": \"flip_bits\", \"word\": \"{evil}\"}}"),
        format!("{{\"{evil}\": 1}}"),
    ] {
        let commands = place.write("c.jsonl", &line)?;
        let ran = run(&["backtest", "--data", &data, "--commands", &commands])?;
        assert_eq!(ran.code, Some(2), "{line:?}: {}", ran.out);
        commands_nothing(&ran);
    }
    Ok(())
}

#[test]
fn no_word_of_a_ledger_turns_the_reading_direction() -> TestResult {
    let place = Place::new()?;
    let (field, reason) = ("\u{61c}low".to_owned(), "\u{61c}high\u{2066}".to_owned());
    let defect = Defect::Malformed { field, reason };
    let event = Event::DataDefect(DataDefect { pair: PairId(0), row: 1, defect });
    assert_eq!(event.class(), Class::Input);
    let ledger = place.arg("l");
    ledger_of(Path::new(&ledger), &[event]);
    for format in ["text", "jsonl", "csv"] {
        let ran = run(&["replay", &ledger, "--format", format])?;
        assert!(ran.out.contains("low"), "{}", ran.out);
        commands_nothing(&ran);
    }
    Ok(())
}

/// Files without an end: each is refused, in time and with words.
#[test]
fn a_device_or_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for() -> TestResult {
    let place = Place::new()?;
    let candles = "date,open,high,low,close,volume\n2021-04-20,2,4,1,3,10\n";
    let data = format!("BTC/USDT={}", place.write("a-1d.csv", candles)?);
    let ledger = place.arg("ledger");
    ledger_of(Path::new(&ledger), &[case_of("BTC", "ETH")]);
    let pipe = place.arg("pipe");
    make_pipe(Path::new(&pipe))?;
    let pipe_data = format!("BTC/USDT={pipe}");
    let device = "/dev/zero";
    for arguments in [
        vec!["backtest", "--data", &data, "--config", device],
        vec!["backtest", "--data", &data, "--commands", device],
        vec!["backtest", "--data", &data, "--commands", &pipe],
        vec!["backtest", "--data", "BTC/USDT=/dev/zero"],
        vec!["backtest", "--data", &pipe_data],
        vec!["verify", &ledger, "--policy", device],
        vec!["verify", &ledger, "--against", &pipe],
        vec!["check", device, "--policy", device],
        vec!["checkpoint", &ledger, "--key", device],
        vec!["inspect", &pipe],
    ] {
        let begun = Stopwatch::start();
        let ran = run(&arguments)?;
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}{}", ran.out, ran.err);
        assert!(!ran.err.is_empty(), "{arguments:?}");
        assert!(begun.elapsed() < REFUSAL_MAX, "{arguments:?}");
    }
    Ok(())
}

#[test]
fn a_receipt_of_more_than_a_record_is_none() -> TestResult {
    let log = key("example.com/bot", KeyKind::Log, 1);
    for (bytes, taken) in [(65_535, true), (65_536, false)] {
        let record = vec![7; bytes];
        let root = schwabot::hash::leaf(&record);
        let origin = "example.com/bot".to_owned();
        let checkpoint = schwabot::checkpoint::Checkpoint { origin, size: 1, root };
        let mut note = schwabot::checkpoint::Note::new(checkpoint);
        note.sign(&log, 0);
        let text = Receipt { record, sequence: 0, path: vec![], note }.to_string();
        let parsed = Receipt::parse(text.as_bytes());
        assert_eq!(parsed.is_ok(), taken, "{bytes} bytes");
        if let Ok(receipt) = parsed {
            receipt.verify(&Policy::of_log(log.verifier().clone()))?;
        }
    }
    Ok(())
}
