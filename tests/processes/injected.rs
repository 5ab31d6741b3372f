//! System calls that fail, or at whose entry the process dies, one at a time, at every place.
//!
//! Whatever fails: nothing acknowledged is lost, nothing is invented, nothing is acknowledged after
//! a failure, and a writer without faults goes on. A failed write or sync of a segment is told, and
//! the writer that met it refuses everything.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

use schwabot::audit::{VerifyOptions, verify};
use schwabot::checkpoint::{Policy, newest_note, read_notes};
use schwabot::ledger::disk::RealDisk;
use schwabot::ledger::layout::Layout;
use schwabot::ledger::{SyncMode, Writer};

use super::child::{SMALL, command_of, make_key};
use super::notes::{Note, append, options, step};
use super::strace::{Call, Run, Traced, paths_of, unavailable};
use super::told::{Found, NOTES_A_LIFE, Told, check};
use super::{is_full, not_tested};

/// Places of one system call that a usual run takes, spread evenly over all: two of the calls that
/// promises rest on, and one of the others. A full run takes every place.
fn places_wanted(name: &str) -> usize {
    match name {
        _ if is_full() => usize::MAX,
        "pwrite64" | "fdatasync" | "fsync" => 2,
        _ => 1,
    }
}

/// The injections that were made, by system call, and what was checked after them.
#[derive(Default)]
struct Figures {
    injected: BTreeMap<String, usize>,
    acknowledged: usize,
    unacknowledged: u64,
    told: usize,
}

impl Figures {
    fn print(&self, what: &str) {
        let all: usize = self.injected.values().sum();
        let each: Vec<String> =
            self.injected.iter().map(|(name, count)| format!("{name} {count}")).collect();
        eprintln!(
            "{what}: {all} injections ({}), {} acknowledged records all there, {} written and not \
             acknowledged, {} errors told",
            each.join(", "),
            self.acknowledged,
            self.unacknowledged,
            self.told
        );
    }
}

/// The calls of a role on what lies in or beside the ledger: their names and places, and the paths
/// on which they are.
struct Places {
    calls: Vec<(String, usize)>,
    paths: BTreeSet<PathBuf>,
}

fn places(role: &str, prepare: fn(&Path), only: &[&str]) -> Places {
    let run_on = |paths: &BTreeSet<PathBuf>| {
        let dir = tempfile::tempdir().unwrap();
        let ledger = dir.path().join("ledger");
        prepare(&ledger);
        let run = Traced { role, only: paths, injection: None }.run(&ledger);
        assert!(run.status.success() && run.has("done"), "{:?}", run.lines);
        let mut found = paths_of(&run, dir.path());
        found.retain(|path| path.starts_with("ledger") || path.starts_with("ledger.key"));
        (run, found)
    };
    let (_, paths) = run_on(&BTreeSet::new());
    let (run, _) = run_on(&paths);
    let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for call in &run.calls {
        // What only the library of a debug build asks for is none of the ledger's calls.
        let ours = !call.text.contains("F_GETFD");
        if ours && (only.is_empty() || only.contains(&call.name.as_str())) {
            by_name.entry(call.name.clone()).or_default().push(call.nth);
        }
    }
    let spread = |(name, places): (String, Vec<usize>)| {
        let take = places.len().min(places_wanted(&name));
        let chosen: Vec<_> = (0..take)
            .map(|place| (name.clone(), places[(2 * place + 1) * places.len() / (2 * take)]))
            .collect();
        chosen
    };
    Places { calls: by_name.into_iter().flat_map(spread).collect(), paths }
}

fn nothing(_: &Path) {}

/// A failure of these on a segment leaves nobody knowing what the disk holds.
fn must_be_told(call: &Call) -> bool {
    let writes = ["pwrite64", "fdatasync"].contains(&call.name.as_str());
    let segment = call.descriptor().and_then(|path| Some(path.extension()? == "seg"));
    call.is_injected() && call.failed() && writes && segment == Some(true)
}

/// Opens what a faulty life left, without faults: it goes on, and ends sound.
fn goes_on(told: &mut Told, ledger: &Path, lives: u64, in_flight_max: u64) -> Found {
    check(told, ledger, lives, in_flight_max);
    let mut writer: Writer<Note> = Writer::open(ledger, &options(SyncMode::Always, SMALL)).unwrap();
    let first = (lives + 1) * NOTES_A_LIFE;
    let appended = writer.append(&step(&[first, first + 1, first + 2])).unwrap();
    super::told::acknowledgement(appended, first).lines().for_each(|line| told.take(line));
    writer.close().unwrap();
    let found = check(told, ledger, lives + 1, in_flight_max);
    let report = verify(ledger, &VerifyOptions::default()).unwrap();
    assert_eq!(report.exit_code(), 0, "{report:?}");
    assert!(found.segments > 0, "{found:?}");
    found
}

/// What holds of every run with an injected error that is no signal.
fn check_answer(run: &Run, told: &Told, injection: &str) {
    assert!(run.status.success(), "{injection}: the child panicked: {:?}", run.lines);
    assert_eq!(told.after_error, 0, "{injection}: acknowledged after a failure");
    assert!(!run.has("alive"), "{injection}: a writer went on after a failure");
    assert!(run.has("done") || !told.errors.is_empty(), "{injection}: {:?}", run.lines);
    if run.calls.iter().any(must_be_told) && !injection.contains("EINTR") {
        assert!(!told.errors.is_empty(), "{injection}: a failed write or sync was not told");
    }
}

/// Injects each fault at each place of a role.
fn inject(role: &str, only: &[&str], faults: &[&str], lives: u64, in_flight_max: u64) {
    let what = format!("{role} under {}", faults.join(", "));
    if let Some(why) = unavailable() {
        return not_tested(&what, &why);
    }
    let mut figures = Figures::default();
    let places = places(role, nothing, only);
    for (name, nth) in places.calls {
        for fault in faults {
            let dir = tempfile::tempdir().unwrap();
            let ledger = dir.path().join("ledger");
            let injection = format!("{name}:{fault}:when={nth}");
            let injected = Some(injection.as_str());
            let run = Traced { role, only: &places.paths, injection: injected }.run(&ledger);
            let mut told = run.told();
            if fault.starts_with("signal") {
                assert_eq!(run.status.signal(), Some(9), "{injection}: {:?}", run.lines);
            } else {
                check_answer(&run, &told, &injection);
                // Group commit differs a little from run to run; all else meets its place.
                let met = run.calls.iter().any(Call::is_injected);
                assert!(met || role == "group", "{injection} was not met");
            }
            let found = goes_on(&mut told, &ledger, lives, in_flight_max);
            figures.unacknowledged += found.unacknowledged;
            *figures.injected.entry(name.clone()).or_default() += 1;
            figures.acknowledged += told.acknowledged.len();
            figures.told += told.errors.len();
        }
    }
    figures.print(&what);
    assert!(figures.injected.len() >= only.len().max(1), "{:?}", figures.injected);
    assert!(figures.acknowledged > 0);
}

#[test]
fn a_call_that_fails_costs_no_acknowledged_record_and_none_is_promised_after_it() {
    inject("script", &[], &["error=EIO", "error=ENOSPC"], 2, 3);
}

#[test]
fn a_process_killed_at_the_entry_of_any_call_loses_nothing_that_it_acknowledged() {
    inject("script", &[], &["signal=KILL"], 2, 3);
}

#[test]
fn a_call_that_a_signal_interrupts_is_made_again_or_clearly_fails() {
    let calls = ["pread64", "pwrite64", "fdatasync", "fsync", "fallocate", "ftruncate", "openat"];
    inject("script", &calls, &["error=EINTR"], 2, 3);
}

#[test]
fn a_sync_that_fails_acknowledges_nothing_of_what_waited_for_it() {
    inject("end", &["pwrite64", "fdatasync"], &["error=EIO"], 0, 3 * 14);
    inject("group", &["pwrite64", "fdatasync"], &["error=EIO"], 0, 3 * 2);
}

fn closed_and_signed(ledger: &Path) {
    append(ledger, 0..6, 1, &options(SyncMode::Always, SMALL));
    make_key(ledger);
    assert!(command_of("sign", ledger).output().unwrap().status.success());
    append(ledger, 6..9, 1, &options(SyncMode::Always, SMALL));
}

#[test]
fn a_call_that_fails_while_signing_leaves_a_whole_checkpoint_that_can_be_continued() {
    if let Some(why) = unavailable() {
        return not_tested("signing under faults", &why);
    }
    let mut figures = Figures::default();
    let faults = if is_full() { 3 } else { 2 };
    let places = places("sign", closed_and_signed, &[]);
    for (name, nth) in places.calls {
        for fault in ["error=EIO", "signal=KILL", "error=ENOSPC"].iter().take(faults) {
            let dir = tempfile::tempdir().unwrap();
            let ledger = dir.path().join("ledger");
            closed_and_signed(&ledger);
            let layout = Layout::new(&ledger);
            let before = newest_note(&RealDisk, &layout).unwrap().unwrap();
            let injection = format!("{name}:{fault}:when={nth}");
            let injected = Some(injection.as_str());
            let run =
                Traced { role: "sign", only: &places.paths, injection: injected }.run(&ledger);
            let told = run.told();
            if !fault.starts_with("signal") {
                assert!(run.status.success(), "{injection}: {:?}", run.lines);
                let answered = told.signed.len() + told.errors.len();
                assert_eq!(answered, 1, "{injection}: {:?}", run.lines);
            }
            let after = newest_note(&RealDisk, &layout).unwrap().unwrap();
            assert!(after.checkpoint().size >= before.checkpoint().size, "{injection}");
            let sizes: Vec<u64> = read_notes(&RealDisk, &layout)
                .unwrap()
                .iter()
                .map(|file| file.note.as_ref().unwrap().checkpoint().size)
                .collect();
            assert!(told.signed.iter().all(|(size, _)| sizes.contains(size)), "{injection}");
            // Signing again, without faults, continues what the key remembers.
            let again = command_of("sign", &ledger).output().unwrap();
            let lines = String::from_utf8_lossy(&again.stdout);
            assert!(lines.contains("signed ") && !lines.contains("error"), "{injection}: {lines}");
            let key = schwabot::checkpoint::SigningKey::from_seed(
                super::child::ORIGIN,
                schwabot::checkpoint::KeyKind::Log,
                &[7; 32],
            );
            let policy = Some(Policy::of_log(key.unwrap().verifier().clone()));
            let report =
                verify(&ledger, &VerifyOptions { policy, ..VerifyOptions::default() }).unwrap();
            assert_eq!(report.exit_code(), 0, "{injection}: {report:?}");
            *figures.injected.entry(name.clone()).or_default() += 1;
            figures.told += told.errors.len();
        }
    }
    figures.print("signing");
    assert!(figures.told > 0);
}

#[test]
fn a_write_that_the_system_cuts_short_is_told_and_its_half_is_a_torn_tail() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = dir.path().join("ledger");
    let child = command_of("limit", &ledger);
    // The signal that comes with the limit would end the child before it could tell.
    let mut command = std::process::Command::new("env");
    command.arg("--ignore-signal=XFSZ").arg(child.get_program()).args(child.get_args());
    command.envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().unwrap();
    let lines: Vec<String> =
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    if !lines.iter().any(|line| line == "limited") {
        return not_tested("writes cut short", "no `env --ignore-signal` or no `prlimit`");
    }
    let mut told = Told::default();
    lines.iter().for_each(|line| told.take(line));
    assert!(told.errors[0].contains("File too large"), "{lines:?}");
    assert!(lines.iter().any(|line| line == "poisoned"), "{lines:?}");
    assert!(told.acknowledged.len() > 12 && told.after_error == 0, "{lines:?}");
    let before = verify(&ledger, &VerifyOptions::default()).unwrap();
    assert_eq!(before.exit_code(), 10, "{before:?}");
    let found = goes_on(&mut told, &ledger, 0, 3);
    assert_eq!(found.recoveries, 1, "the half frame is dead and told");
}
