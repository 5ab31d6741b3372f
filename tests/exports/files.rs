//! The files of an export: whole or not there, and never in the way of others.

use std::cell::Cell;

use schwabot::export::{ExportError, Request, Table, TableFormat, export_table, export_vcp};

use crate::support::TestResult;
use crate::support::cli::run;
use crate::{ledger, open};

fn names(place: &crate::support::cli::Place) -> TestResult<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(place.path(""))? {
        names.push(entry?.file_name().into_string().unwrap());
    }
    names.sort();
    Ok(names)
}

#[test]
fn what_is_stopped_on_the_way_leaves_nothing() -> TestResult {
    let (place, path) = ledger(2_000)?;
    let reader = open(&path)?;
    for looks in [0, 1, 2] {
        let left = Cell::new(looks);
        let go_on = || {
            let now = left.get();
            left.set(now - i32::from(now > 0));
            now > 0
        };
        let request = Request { go_on: &go_on, ..Request::default() };
        let csv = place.path("rows.csv");
        let done = export_table(&reader, Table::Records, TableFormat::Csv, &csv, &request);
        assert!(matches!(done, Err(ExportError::Stopped)), "{done:?}");
        left.set(looks);
        let done = export_vcp(&reader, &place.path("events"), &request);
        assert!(matches!(done, Err(ExportError::Stopped)), "{done:?}");
        assert_eq!(names(&place)?, ["ledger"]);
    }
    Ok(())
}

#[test]
fn a_damaged_log_is_named_and_leaves_no_file() -> TestResult {
    let (place, path) = ledger(2_000)?;
    let segment = path.join("segments/000000000000.seg");
    let mut bytes = std::fs::read(&segment)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes)?;
    let ledger = path.display().to_string();
    let out = place.arg("rows.csv");
    // The range ends long before the damage: the head that would be stated does not.
    let ran = run(&["export", &ledger, "--to", "csv", &out, "--what", "bars", "--to-seq", "10"])?;
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("segment 0"), "{}", ran.err);
    assert_eq!(names(&place)?, ["ledger"]);
    Ok(())
}

#[test]
fn files_that_are_there_are_replaced_only_when_that_is_asked_for() -> TestResult {
    let (place, path) = ledger(200)?;
    let ledger = path.display().to_string();
    let out = place.write("rows.csv", "mine")?;
    let export = ["export", &ledger, "--to", "csv", &out, "--what", "bars"];
    assert_eq!(run(&export)?.code, Some(2));
    assert_eq!(std::fs::read_to_string(&out)?, "mine");
    // The file beside a CSV is looked after as well.
    std::fs::remove_file(&out)?;
    place.write("rows.csv.json", "mine")?;
    assert_eq!(run(&export)?.code, Some(2));
    assert_eq!(names(&place)?, ["ledger", "rows.csv.json"]);
    let forced: Vec<&str> = export.iter().copied().chain(["--force"]).collect();
    assert_eq!(run(&forced)?.code, Some(0));
    assert_eq!(names(&place)?, ["ledger", "rows.csv", "rows.csv.json"]);
    Ok(())
}

#[test]
fn a_directory_or_a_link_is_never_replaced() -> TestResult {
    let (place, path) = ledger(100)?;
    let reader = open(&path)?;
    let victim = place.path("victim");
    std::fs::write(&victim, "mine")?;
    std::os::unix::fs::symlink(&victim, place.path("link"))?;
    std::fs::create_dir(place.path("folder"))?;
    for name in ["link", "folder"] {
        let request = Request { force: true, ..Request::default() };
        let out = place.path(name);
        let done = export_table(&reader, Table::Bars, TableFormat::Jsonl, &out, &request);
        assert!(matches!(done, Err(ExportError::NoFile { .. })), "{name}: {done:?}");
    }
    assert_eq!(std::fs::read_to_string(&victim)?, "mine");
    Ok(())
}

#[test]
fn nothing_is_written_into_a_ledger_even_when_forced() -> TestResult {
    let (place, path) = ledger(100)?;
    let ledger = path.display().to_string();
    let segment = format!("{ledger}/segments/000000000000.seg");
    let before = std::fs::read(&segment)?;
    let (new, page) = (format!("{ledger}/new.jsonl"), format!("{ledger}/tiles.toml"));
    let data = place
        .write("BTC_USDT-1m.csv", "date,open,high,low,close,volume\n1617235200,1,1,1,1,1\n")?;
    let commands: [&[&str]; 6] = [
        &["sweep", "--data", &data, "--no-ledgers", "--page", &segment, "--force"],
        &["export", &ledger, "--to", "jsonl", &segment, "--what", "bars", "--force"],
        &["export", &ledger, "--to", "vcp", &new],
        &["report", &ledger, "-o", &segment, "--force"],
        &["config", "init", &page],
        &["man", &format!("{ledger}/segments")],
    ];
    for command in commands {
        let refused = run(command)?;
        assert_eq!(refused.code, Some(2), "{command:?}: {}", refused.out);
        assert!(refused.err.contains("inside a ledger"), "{command:?}: {}", refused.err);
    }
    assert!(std::fs::read(&segment)? == before && !std::fs::exists(&new)?);
    drop(place);
    Ok(())
}

#[test]
fn the_leavings_of_an_export_that_was_killed_are_no_hindrance() -> TestResult {
    let (place, path) = ledger(100)?;
    place.write("rows.jsonl.schwabot-partial", "half of it")?;
    let out = place.path("rows.jsonl");
    export_table(&open(&path)?, Table::Bars, TableFormat::Jsonl, &out, &Request::default())?;
    assert_eq!(names(&place)?, ["ledger", "rows.jsonl"]);
    Ok(())
}

#[test]
fn the_command_says_what_it_wrote_and_refuses_what_does_not_belong_together() -> TestResult {
    let (place, path) = ledger(200)?;
    let ledger = path.display().to_string();
    let (out, stack) = (place.arg("rows.jsonl"), place.arg("stack"));
    let ran =
        run(&["export", &ledger, "--to", "jsonl", &out, "--what", "bars", "--format", "json"])?;
    let said = ran.json()?;
    assert_eq!((said["type"].as_str(), said["table"].as_str()), (Some("export"), Some("bars")));
    assert_eq!(said["rows"], 600);
    let refused: [&[&str]; 4] = [
        &["export", &ledger, "--to", "vcp", &stack, "--what", "bars"],
        &["export", &ledger, "--to", "memory-stack", &stack, "--from", "5"],
        &["export", &ledger, "--to", "jsonl", &stack, "--what", "nothing"],
        &["export", &ledger, "--to", "jsonl", &stack, "--from", "9999999"],
    ];
    for arguments in refused {
        assert_eq!(run(arguments)?.code, Some(2), "{arguments:?}");
        assert!(!place.path("stack").exists());
    }
    if !cfg!(feature = "parquet") {
        let ran = run(&["export", &ledger, "--to", "parquet", &stack])?;
        assert_eq!(ran.code, Some(2));
        assert!(ran.err.contains("--features parquet"), "{}", ran.err);
    }
    Ok(())
}
