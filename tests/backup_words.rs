//! What people are told of a backup: how much of the ledger it holds, and what helps where that is
//! not all.

use std::fs;

use schwabot::audit::{VerifyOptions, verify};
use schwabot::ledger::{SyncMode, Writer};

use crate::support::TestResult;
use crate::support::cli;
use crate::support::keys::Place;
use crate::support::notes::{Note, append, options, step};
use crate::support::rechain::Forger;

#[test]
fn a_backup_of_a_dead_run_says_how_the_rest_is_saved_and_that_saves_it() -> TestResult {
    let place = cli::Place::new()?;
    let [ledger, dir] = ["run", "safe"].map(|name| place.arg(name));
    let path = std::path::Path::new(&ledger);
    let mut writer: Writer<Note> = Writer::open(path, &options(SyncMode::End, 1 << 26))?;
    writer.append(&step(&[0]))?;
    // One record waits in memory, so there is none to leave out.
    for (steps, left_out) in [(0, false), (400, true)] {
        for number in 0..steps {
            writer.append(&step(&(number..number + 50).collect::<Vec<u64>>()))?;
        }
        let live = cli::run(&["backup", &ledger, &dir])?.out;
        assert!(live.starts_with("backed up: 0 records"), "{live}");
        assert_eq!(live.contains("(nothing proves them durable yet)"), left_out, "{live}");
        assert!(live.contains("that is when the run ends"), "{live}");
        assert!(!live.contains("recover"), "a living writer needs no help: {live}");
    }
    drop(writer);

    let dead = cli::run(&["backup", &ledger, &dir])?.out;
    assert!(dead.starts_with("backed up: 0 records"), "{dead}");
    let help = format!("first schwabot recover {ledger}, then back up again");
    assert!(dead.contains("left out") && dead.contains(&help), "{dead}");
    // This is what `recover` does; the program itself refuses the events of this test.
    Writer::<Note>::open(path, &options(SyncMode::End, 1 << 26))?.close()?;
    let whole = cli::run(&["backup", &ledger, &dir])?.out;
    assert!(!whole.contains("left out"), "{whole}");
    let audit = |path: &str| verify(std::path::Path::new(path), &VerifyOptions::default());
    let (there, held) = (audit(&ledger)?, audit(&dir)?);
    assert_eq!((held.exit_code(), held.head), (0, there.head));
    assert!(held.head.is_some_and(|head| head.size > 1_000), "{whole}");
    Ok(())
}

#[test]
fn a_last_segment_that_ended_is_counted_as_whole_and_one_that_goes_on_as_a_part() -> TestResult {
    let place = cli::Place::new()?;
    let [ledger, dir, other] = ["run", "safe", "other"].map(|name| place.arg(name));
    let large = options(SyncMode::Always, 1 << 16);
    append(std::path::Path::new(&ledger), 0..5, 1, &large);
    let closed = cli::run(&["backup", &ledger, &dir])?.out;
    assert!(closed.contains("1 whole segment, "), "{closed}");
    let mut writer: Writer<Note> = Writer::open(std::path::Path::new(&other), &large)?;
    for number in 0..5 {
        writer.append(&step(&[number]))?;
    }
    let open = cli::run(&["backup", &other, &place.arg("safe other")])?.out;
    assert!(open.contains("0 whole segments and the last part, "), "{open}");
    writer.close()?;
    let help = cli::run(&["backup", "--help"])?.out;
    assert!(help.contains("<DIR>") && !help.contains("<OUT>"), "{help}");
    Ok(())
}

#[test]
fn of_a_backup_damaged_in_its_first_frame_all_is_missing_and_salvage_is_named() -> TestResult {
    let place = cli::Place::new()?;
    let [ledger, dir, back] = ["run", "safe", "back"].map(|name| place.arg(name));
    assert_eq!(cli::run(&["demo", "--ledger", &ledger, "--cycles", "900"])?.code, Some(0));
    assert_eq!(cli::run(&["backup", &ledger, &dir])?.code, Some(0));
    let records = cli::run(&["verify", &dir, "--format", "json"])?.json()?["records"].clone();
    let segment = format!("{dir}/segments/000000000000.seg");
    let mut bytes = fs::read(&segment)?;
    let first_record = schwabot::ledger::segment::SEGMENT_HEADER_BYTES + 200;
    bytes[first_record] ^= 1;
    fs::write(&segment, bytes)?;
    let restored = cli::run(&["recover", &back, "--from", &dir])?;
    assert_eq!(restored.code, Some(11), "{}", restored.out);
    let missing = format!("missing         records 0..{records}");
    assert!(restored.out.contains(&missing), "{}", restored.out);
    assert!(restored.out.contains(&format!("schwabot salvage {dir}")), "{}", restored.out);
    assert!(restored.out.contains("taken by itself"), "{}", restored.out);
    Ok(())
}

#[test]
fn of_a_backup_without_its_id_what_lies_before_a_foreign_segment_is_restored() -> TestResult {
    let source = Place::with_steps(0..200, 3, &options(SyncMode::Always, 4096));
    let place = cli::Place::new()?;
    let [dir, back] = ["safe", "back"].map(|name| place.arg(name));
    let ledger = source.ledger();
    assert_eq!(cli::run(&["backup", ledger.to_str().unwrap_or_default(), &dir])?.code, Some(0));
    let mut forger = Forger::read(std::path::Path::new(&dir));
    // Another ledger's, and chained anew.
    forger.flip(1, 32, 1);
    forger.rechain();
    forger.write();
    fs::remove_file(format!("{dir}/ledger.id"))?;
    let restored = cli::run(&["recover", &back, "--from", &dir])?;
    assert_eq!(restored.code, Some(11), "{} {}", restored.out, restored.err);
    assert!(restored.out.contains("a segment of another ledger"), "{}", restored.out);
    assert!(!restored.out.contains("restored: 0 records"), "{}", restored.out);
    Ok(())
}
