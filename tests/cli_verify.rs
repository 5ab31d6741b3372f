//! `verify` as a user meets it: its exit codes and its one JSON object.

use std::fs;

use crate::support::TestResult;
use crate::support::cli::{Place, run, walk};
use crate::support::notes;

fn ledger(place: &Place) -> TestResult<String> {
    let file = place.write("AAA_USDT-1m.csv", &walk(1, 400))?;
    let ledger = place.arg("l");
    assert_eq!(run(&["backtest", "--data", &file, "--ledger", &ledger])?.code, Some(0));
    Ok(ledger)
}

#[test]
fn a_sound_run_is_intact_at_every_level_with_the_head_that_the_run_printed() -> TestResult {
    let place = Place::new()?;
    let file = place.write("AAA_USDT-1m.csv", &walk(1, 400))?;
    let ledger = place.arg("l");
    let args = ["backtest", "--data", &file, "--ledger", &ledger, "--format", "json"];
    let written = run(&args)?.json()?;
    for level in ["chain", "tree", "state", "derive", "all"] {
        for threads in ["1", "3"] {
            let args =
                ["verify", &ledger, "--level", level, "--threads", threads, "--format", "json"];
            let ran = run(&args)?;
            assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
            let json = ran.json()?;
            assert_eq!((&json["verdict"], &json["end"]), (&"intact".into(), &"closed".into()));
            assert_eq!(json["chain_head"], written["chain_head"]);
            if level != "chain" {
                assert_eq!(json["head"], written["head"]);
            }
        }
    }
    let text = run(&["verify", &ledger])?;
    assert!(text.out.starts_with("intact\n"), "{}", text.out);
    Ok(())
}

#[test]
fn a_flipped_byte_gives_11_and_names_where_it_is() -> TestResult {
    let place = Place::new()?;
    let ledger = ledger(&place)?;
    let segment = place.path("l/segments/000000000000.seg");
    let mut bytes = fs::read(&segment)?;
    bytes[5_000] ^= 1;
    fs::write(&segment, &bytes)?;
    let ran = run(&["verify", &ledger, "--format", "json"])?;
    assert_eq!(ran.code, Some(11));
    let bad = &ran.json()?["first_bad"];
    let (offset, end) = (bad["offset"].as_u64().unwrap(), bad["end"].as_u64().unwrap());
    assert!((offset..end).contains(&5_000), "{bad}");
    assert_eq!(run(&["verify", &ledger])?.code, Some(11));
    Ok(())
}

#[test]
fn a_cut_file_gives_12_and_a_missing_ledger_2() -> TestResult {
    let place = Place::new()?;
    let ledger = ledger(&place)?;
    let segment = place.path("l/segments/000000000000.seg");
    let bytes = fs::read(&segment)?;
    fs::write(&segment, &bytes[..bytes.len() / 2])?;
    assert_eq!(run(&["verify", &ledger])?.code, Some(12));
    assert_eq!(run(&["verify", &place.arg("nothing")])?.code, Some(2));
    assert_eq!(run(&["verify", &ledger, "--level", "deep"])?.code, Some(2));
    Ok(())
}

#[test]
fn another_programs_ledger_is_checked_up_to_the_tree_and_asking_for_more_gives_2() -> TestResult {
    let place = Place::new()?;
    let options = notes::options(schwabot::ledger::SyncMode::End, 1 << 16);
    let mut writer = schwabot::ledger::Writer::<notes::Note>::open(&place.path("notes"), &options)?;
    writer.append(&notes::step(&[1, 2]))?;
    writer.close()?;
    let path = place.arg("notes");
    let json = run(&["verify", &path, "--format", "json"])?;
    assert_eq!((json.code, &json.json()?["level"]), (Some(0), &"tree".into()));
    assert_eq!(run(&["verify", &path, "--level", "state"])?.code, Some(2));
    Ok(())
}

#[test]
fn verify_changes_and_makes_nothing() -> TestResult {
    let place = Place::new()?;
    let ledger = ledger(&place)?;
    let listing = || -> TestResult<Vec<(String, u64)>> {
        let mut all = Vec::new();
        for folder in ["l", "l/segments"] {
            for entry in fs::read_dir(place.path(folder))? {
                let entry = entry?;
                all.push((entry.path().display().to_string(), entry.metadata()?.len()));
            }
        }
        all.sort();
        Ok(all)
    };
    let before = listing()?;
    assert_eq!(run(&["verify", &ledger])?.code, Some(0));
    assert_eq!(listing()?, before);
    Ok(())
}
