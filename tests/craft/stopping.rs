//! Ctrl-C while something long is under way: the ledger is consistent, the program says where it
//! stopped and how to go on, and going on works.

use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

use crate::support::TestResult;
use crate::support::cli::{Place, interrupt, program, run, walk};

/// What an interrupted program left: its exit code (none where it was killed before it listened)
/// and its last words.
struct Stopped {
    code: Option<i32>,
    said: String,
}

/// Runs a command and presses Ctrl-C after a while.
fn stop_after(args: &[&str], millis: u64) -> TestResult<Stopped> {
    let mut command = program(args);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    std::thread::sleep(Duration::from_millis(millis));
    interrupt(&child)?;
    let ended = child.wait_with_output()?;
    Ok(Stopped { code: ended.status.code(), said: String::from_utf8(ended.stderr)? })
}

/// Stops a command at several moments; each time `after` looks at what is left. Returns the words
/// of a time when it was stopped in the midst, if there was one.
fn stop_at_many_moments(
    args: &[&str],
    mut after: impl FnMut() -> TestResult,
) -> TestResult<Option<String>> {
    let mut said = None;
    for millis in [2, 10, 20, 40, 80, 160, 320] {
        let stopped = stop_after(args, millis)?;
        match stopped.code {
            Some(130) => said = Some(stopped.said),
            // It was done already, or had not begun to listen.
            Some(0) | None => {}
            Some(other) => return Err(format!("{args:?}: {other}: {}", stopped.said).into()),
        }
        after()?;
    }
    Ok(said)
}

fn long_ledger(place: &Place) -> TestResult<String> {
    let ledger = place.arg("l");
    assert_eq!(run(&["demo", "--cycles", "12000", "--ledger", &ledger])?.code, Some(0));
    Ok(ledger)
}

fn is_intact(ledger: &str) -> TestResult {
    let ran = run(&["verify", ledger, "--level", "tree"])?;
    if ran.code == Some(0) { Ok(()) } else { Err(format!("{}{}", ran.out, ran.err).into()) }
}

#[test]
fn what_only_reads_stops_at_once_and_says_how_far_it_was() -> TestResult {
    let place = Place::new()?;
    let ledger = long_ledger(&place)?;
    let said = stop_at_many_moments(&["verify", &ledger], || Ok(()))?.ok_or("never stopped")?;
    assert!(said.starts_with("stopped after reading ") && said.contains(" MiB; "), "{said}");
    assert!(said.contains("--time-budget"), "{said}");
    let said = stop_at_many_moments(&["diff", &ledger, &ledger], || Ok(()))?;
    assert!(said.ok_or("never stopped")?.contains("begins again"));
    is_intact(&ledger)
}

#[test]
fn a_replay_that_is_stopped_says_the_record_from_which_to_go_on() -> TestResult {
    let place = Place::new()?;
    let ledger = long_ledger(&place)?;
    let args = ["replay", &ledger, "--format", "jsonl"];
    let mut child = program(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // Its pipe is full and nobody reads, so it is in the midst.
    let mut out = child.stdout.take().unwrap();
    let mut first = [0; 4096];
    out.read_exact(&mut first)?;
    interrupt(&child)?;
    std::thread::sleep(Duration::from_millis(100));
    let mut text = first.to_vec();
    out.read_to_end(&mut text)?;
    let ended = child.wait_with_output()?;
    assert_eq!(ended.status.code(), Some(130));
    let said = String::from_utf8(ended.stderr)?;
    let from = said.split("--from ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    let rest = run(&[&args[..], &["--from", from]].concat())?.out;
    let both = String::from_utf8(text)? + &rest;
    assert!(both == run(&args)?.out, "a line is missing, doubled or cut at {from}");
    Ok(())
}

#[test]
fn a_backup_and_a_restore_that_are_stopped_go_on_when_they_are_called_again() -> TestResult {
    let place = Place::new()?;
    let ledger = long_ledger(&place)?;
    let (kept, back) = (place.arg("kept"), place.arg("back"));
    let backup = ["backup", &ledger, &kept];
    stop_at_many_moments(&backup, || {
        let ran = run(&backup)?;
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        is_intact(&kept)?;
        Ok(std::fs::remove_dir_all(&kept)?)
    })?;
    assert_eq!(run(&backup)?.code, Some(0));
    let restore = ["recover", &back, "--from", &kept];
    let said = stop_at_many_moments(&restore, || {
        if !place.path("back").exists() {
            let ran = run(&restore)?;
            assert_eq!(ran.code, Some(0), "{}", ran.err);
        }
        is_intact(&back)?;
        Ok(std::fs::remove_dir_all(&back)?)
    })?;
    assert!(said.is_none_or(|said| said.contains("the backup is as it was")));
    is_intact(&ledger)
}

#[test]
fn a_run_that_is_stopped_leaves_a_closed_ledger_that_verifies() -> TestResult {
    let place = Place::new()?;
    let data = place.write("AAA_USDT-1m.csv", &walk(1, 60_000))?;
    let ledger = place.arg("run");
    let commands: [&[&str]; 2] = [
        &["demo", "--cycles", "12000", "--ledger", &ledger],
        &["backtest", "--data", &data, "--ledger", &ledger],
    ];
    for command in commands {
        let mut ends = 0;
        stop_at_many_moments(command, || {
            if place.path("run/ledger.id").exists() {
                is_intact(&ledger)?;
                let end = run(&["inspect", &ledger, "--format", "json"])?.json()?["end"].clone();
                ends += u32::from(end == "closed");
            }
            drop(std::fs::remove_dir_all(&ledger));
            Ok(())
        })?;
        assert!(ends > 0, "{command:?}: never closed");
    }
    Ok(())
}
