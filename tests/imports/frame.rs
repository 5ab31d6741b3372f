//! What holds for every format: whole or not at all, once, and outside every run.

use std::ops::ControlFlow;

use schwabot::import::{FileOutcome, ImportRequest, import};
use schwabot::ledger::WriterOptions;
use serde_json::json;

use crate::bench::Bench;
use crate::support::TestResult;
use crate::support::cli::run;

/// So many klines of a minute, from a minute on.
fn klines(from: u64, count: u64) -> String {
    let row = |minute: u64| {
        let open = (29_000_000 + minute) * 60_000;
        let close = minute % 7 + 1;
        format!("{open},{close},9,1,{close},1.5,{},30,7,5,15,0\n", open + 59_999)
    };
    (from..from + count).map(row).collect()
}

#[test]
fn a_dry_run_tells_all_and_writes_nothing() -> TestResult {
    let bench = Bench::new();
    let file = bench.file("BTCUSDT-1m.csv", klines(0, 5));
    let report = bench.import(&file, &["--dry-run"])?;
    assert_eq!(report["outcome"], "would_import");
    assert_eq!(report["facts"], json!({"imported_bar": 5}));
    assert!(!bench.ledger().exists());
    Ok(())
}

#[test]
fn a_file_that_was_imported_is_not_imported_again() -> TestResult {
    let bench = Bench::new();
    let file = bench.file("BTCUSDT-1m.csv", klines(0, 5));
    bench.import(&file, &[])?;
    let before = bench.records()?;
    assert_eq!(before.len(), 7, "a beginning, five bars, an end");
    let again = bench.import(&file, &[])?;
    assert_eq!(again["outcome"], "already_imported");
    assert_eq!(bench.records()?, before);
    assert_eq!(bench.verified()?, Some(0));
    Ok(())
}

#[test]
fn where_files_overlap_only_what_is_new_goes_in_and_what_differs_is_told() -> TestResult {
    let bench = Bench::new();
    bench.import(&bench.file("BTCUSDT-1m.csv", klines(0, 5)), &[])?;
    let overlapping = klines(3, 5).replacen(",9,1,", ",8,1,", 1);
    let report = bench.import(&bench.file("BTCUSDT-1m.csv", overlapping), &[])?;
    assert_eq!(report["facts"], json!({"imported_bar": 3}));
    assert_eq!((&report["duplicates"], &report["contradictions"]), (&json!(1), &json!(1)));
    assert_eq!(report["faults"], json!({"contradiction": 1}));
    assert_eq!(bench.payloads("imported_bar")?.len(), 8);
    // Under another label it is somebody else's.
    let other = bench.file("BTCUSDT-1m.csv", klines(0, 5));
    assert_eq!(bench.import(&other, &["--label", "mine"])?["facts"], json!({"imported_bar": 5}));
    assert_eq!(bench.verified()?, Some(0));
    Ok(())
}

#[test]
fn rows_that_come_again_in_a_file_go_in_once() -> TestResult {
    let bench = Bench::new();
    let rows = klines(0, 3) + &klines(1, 1) + &klines(5, 1);
    let report = bench.import(&bench.file("BTCUSDT-1m.csv", rows), &[])?;
    assert_eq!(report["facts"], json!({"imported_bar": 4}));
    assert_eq!(report["figures"]["dups"], 1);
    assert_eq!(report["faults"], json!({"gap": 1, "duplicate": 1, "disorder": 1}));
    assert_eq!(report["figures"]["missing_minutes"], 2);
    Ok(())
}

#[test]
fn an_import_beside_a_run_changes_nothing_of_the_run() -> TestResult {
    let bench = Bench::new();
    let ledger = bench.ledger();
    let ledger = ledger.to_str().unwrap();
    let demo = run(&["demo", "--cycles", "300", "--ledger", ledger])?;
    assert_eq!(demo.code, Some(0), "{}", demo.err);
    let state = |what: &str| -> TestResult<serde_json::Value> {
        let mut json = run(&["state", ledger, what, "--format", "json"])?.json()?;
        json.as_object_mut().ok_or("no object")?.retain(|name, _| name == what);
        Ok(json)
    };
    let (summary, trades) = (state("summary")?, state("trades")?);
    bench.import(&bench.file("BTCUSDT-1m.csv", klines(0, 5)), &[])?;
    assert_eq!((state("summary")?, state("trades")?), (summary, trades));
    assert_eq!(bench.verified()?, Some(0));
    Ok(())
}

#[test]
fn a_run_may_follow_an_import_and_is_verified_beside_it() -> TestResult {
    let bench = Bench::new();
    let file = bench.file("BTCUSDT-1m.csv", klines(0, 200));
    bench.import(&file, &[])?;
    let (ledger, file) = (bench.ledger(), file.to_str().unwrap());
    let args = ["backtest", "--data", file, "--append", "--ledger", ledger.to_str().unwrap()];
    let ran = run(&args)?;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let verified = run(&["verify", ledger.to_str().unwrap(), "--format", "json"])?;
    assert_eq!(verified.code, Some(0), "{}", verified.out);
    let vantage = &verified.json()?["vantage"];
    assert!(vantage["imported"].as_u64() > Some(400), "both count as imported: {vantage}");
    Ok(())
}

#[test]
fn an_unknown_file_is_refused_with_the_formats_that_are_known() -> TestResult {
    let bench = Bench::new();
    let said = bench.refused(&bench.file("BTCUSDT-1m.csv", "hello\nworld\n"), &[])?;
    assert!(said.contains("unknown format: it begins with `hello`; known are "), "{said}");
    assert!(said.contains(", binance-klines, ") && said.contains(", fix-log, "), "{said}");
    Ok(())
}

#[test]
fn a_checksum_file_beside_a_file_must_agree_and_is_recorded() -> TestResult {
    let bench = Bench::new();
    let file = bench.file("BTCUSDT-1m.csv", klines(0, 2));
    let digest = schwabot::hash::sha256(klines(0, 2).as_bytes());
    bench.file("BTCUSDT-1m.csv.CHECKSUM", format!("{}  BTCUSDT-1m.csv\n", "0".repeat(64)));
    assert!(bench.refused(&file, &[])?.contains("its checksum file says SHA-256 0000"));
    bench.file("BTCUSDT-1m.csv.CHECKSUM", format!("{digest}  BTCUSDT-1m.csv\n"));
    assert_eq!(bench.import(&file, &[])?["checksum_matched"], true);
    assert_eq!(bench.payloads("import_started")?[0]["checksum_matched"], true);
    Ok(())
}

#[test]
fn hostile_files_are_refused_and_the_ledger_stays_as_it_was() -> TestResult {
    let bench = Bench::new();
    let whole = klines(0, 50);
    let cut = &whole[..whole.len() - 10];
    let cases: [(&str, Vec<u8>, &str); 5] = [
        ("cut", cut.as_bytes().to_vec(), "fields instead of 12"),
        ("utf16", b"\xff\xfe1\x006\x00".to_vec(), "unknown format"),
        ("control", (whole.clone() + "1\u{1b}\n").into_bytes(), "control character"),
        ("encoding", [klines(0, 1).into_bytes(), b"\xff\n".to_vec()].concat(), "not UTF-8"),
        ("empty", Vec::new(), "it is empty"),
    ];
    for (name, bytes, words) in cases {
        let file = bench.file("BTCUSDT-1m.csv", bytes);
        let said = bench.refused(&file, &[])?;
        assert!(said.contains("BTCUSDT-1m.csv") && said.contains(words), "{name}: {said}");
    }
    Ok(())
}

#[test]
fn an_import_that_is_stopped_between_its_passes_or_within_the_second_can_be_done_again()
-> TestResult {
    let bench = Bench::new();
    let files = vec![(bench.file("BTCUSDT-1m.csv", klines(0, 5)), None)];
    let request = ImportRequest { files, ..ImportRequest::default() };
    let options = WriterOptions::default();
    for (looks, written) in [(3, false), (8, true)] {
        let mut left = looks;
        let report = import(&bench.ledger(), &request, &options, &mut |_| {
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        assert!(report.stopped);
        assert_eq!(bench.ledger().exists(), written);
    }
    assert_eq!(bench.payloads("imported_bar")?.len(), 3);
    assert!(bench.payloads("import_ended")?.is_empty());
    assert_eq!(bench.verified()?, Some(0));
    let report = import(&bench.ledger(), &request, &options, &mut |_| ControlFlow::Continue(()))?;
    assert_eq!(report.files[0].outcome, FileOutcome::Imported);
    assert_eq!((report.files[0].tally.new_facts(), report.files[0].tally.duplicates), (2, 3));
    assert_eq!(bench.payloads("imported_bar")?.len(), 5);
    assert_eq!(bench.verified()?, Some(0));
    Ok(())
}

#[test]
fn files_of_one_command_may_overlap_and_a_dry_run_says_the_same() -> TestResult {
    let bench = Bench::new();
    let files = [("BTCUSDT-1m-a.csv", klines(0, 5)), ("BTCUSDT-1m-b.csv", klines(3, 5))];
    let files = files.iter().map(|(name, text)| (bench.file(name, text), None)).collect();
    let mut request = ImportRequest { files, dry_run: true, ..ImportRequest::default() };
    let mut told = Vec::new();
    for dry_run in [true, false] {
        request.dry_run = dry_run;
        let watch = &mut |_: &_| ControlFlow::Continue(());
        let report = import(&bench.ledger(), &request, &WriterOptions::default(), watch)?;
        told.push(report.files.into_iter().map(|file| file.tally).collect::<Vec<_>>());
    }
    assert_eq!(told[0], told[1]);
    assert_eq!((told[1][1].new_facts(), told[1][1].duplicates), (3, 2));
    assert_eq!(bench.verified()?, Some(0));
    Ok(())
}

#[test]
fn a_second_file_at_fault_keeps_the_first_one_out() -> TestResult {
    let bench = Bench::new();
    let good = bench.file("BTCUSDT-1m.csv", klines(0, 5));
    let bad = bench.file("ETHUSDT-1m.csv", klines(0, 5) + "1,2\n");
    let (ledger, good, bad) = (bench.ledger(), good.to_str().unwrap(), bad.to_str().unwrap());
    let ran = run(&["import", ledger.to_str().unwrap(), good, bad])?;
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("ETHUSDT-1m.csv: line 6"), "{}", ran.err);
    assert!(!ledger.exists());
    Ok(())
}

#[test]
fn a_ledger_whose_run_has_not_ended_takes_no_import() -> TestResult {
    let bench = Bench::new();
    let samples = crate::support::samples::events();
    let start = samples.into_iter().find(|event| event.name() == "run_started").unwrap();
    let mut writer = schwabot::ledger::Writer::open(&bench.ledger(), &WriterOptions::default())?;
    let mut batch = schwabot::ledger::Batch::new();
    let (class, vantage) = (start.class(), schwabot::event::Vantage::Operator);
    let time = schwabot::time::Timestamp::from_nanos(0);
    batch.push(&start, &schwabot::event::Stamp::new(class, vantage, time))?;
    writer.append(&batch)?;
    writer.close()?;
    let ran = bench.run(&bench.file("BTCUSDT-1m.csv", klines(0, 5)), &[])?;
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("the run at record 0 has not ended"), "{}", ran.err);
    assert_eq!(bench.records()?.len(), 1);
    Ok(())
}

#[test]
fn a_packed_file_is_bounded_and_one_that_was_cut_is_refused() -> TestResult {
    use std::io::Write as _;
    let gzip = |bytes: &[u8]| -> TestResult<Vec<u8>> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes)?;
        Ok(encoder.finish()?)
    };
    let bench = Bench::new();
    let whole = gzip(klines(0, 500).as_bytes())?;
    let said = bench.refused(&bench.file("BTCUSDT-1m.csv.gz", &whole[..whole.len() - 9]), &[])?;
    assert!(said.contains("cannot unpack"), "{said}");
    let bomb = gzip(&[klines(0, 1).as_bytes(), &b" \n".repeat(20 << 20)].concat())?;
    let said = bench.refused(&bench.file("BTCUSDT-1m.csv.gz", bomb), &[])?;
    assert!(said.contains("unpacked bytes for each stored byte"), "{said}");
    let report = bench.import(&bench.file("BTCUSDT-1m.csv.gz", whole), &[])?;
    assert_eq!(report["rows"], 500);
    Ok(())
}

#[test]
fn bars_that_differ_only_behind_the_digits_of_their_fields_contradict_each_other() -> TestResult {
    let bench = Bench::new();
    let rows = klines(0, 1).replacen(",9,1,", ",9.00000000000001,1,", 1);
    bench.import(&bench.file("BTCUSDT-1m.csv", &rows), &[])?;
    let other = rows.replacen(",9.00000000000001,", ",9.00000000000002,", 1);
    let file = bench.file("BTCUSDT-1m.csv", other);
    let report = bench.import(&file, &["--dry-run"])?;
    assert_eq!((&report["duplicates"], &report["contradictions"]), (&json!(0), &json!(1)));
    let told = bench.run(&file, &["--dry-run"])?.out;
    assert!(told.contains("another market or account? give --label"), "{told}");
    Ok(())
}

#[test]
fn a_label_of_the_ledgers_own_is_refused() -> TestResult {
    let bench = Bench::new();
    let file = bench.file("BTCUSDT-1m.csv", klines(0, 1));
    let said = bench.refused(&file, &["--label", "@run"])?;
    assert!(said.contains("what begins with `@` is the ledger's own"), "{said}");
    let request = ImportRequest {
        files: vec![(file, None)],
        label: Some("@other".to_owned()),
        ..ImportRequest::default()
    };
    let asked = import(&bench.ledger(), &request, &WriterOptions::default(), &mut |_| {
        ControlFlow::Continue(())
    });
    assert!(asked.unwrap_err().to_string().starts_with("label `@other`: "));
    assert!(!bench.ledger().exists(), "nothing was written");
    Ok(())
}
