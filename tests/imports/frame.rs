//! What holds for every format: whole or not at all, once, and outside every run.

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
    // And a run may follow.
    let again = run(&["verify", ledger, "--format", "json"])?.json()?;
    assert_eq!(again["verdict"], "intact");
    Ok(())
}

#[test]
fn an_unknown_file_is_refused_with_the_formats_that_are_known() -> TestResult {
    let bench = Bench::new();
    let said = bench.refused(&bench.file("BTCUSDT-1m.csv", "hello\nworld\n"), &[])?;
    assert!(said.contains("unknown format: it begins with `hello`; known are binance-klines"));
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
