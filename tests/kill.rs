//! Real processes on a real file system, killed at any moment: what they acknowledged is there.
//!
//! The children are this same program, started again with a word in the environment. A child tells
//! every acknowledgement through a pipe right after it has it; the parent kills it at a seeded
//! moment, reads the pipe to its end, and looks at the ledger. The death of a process leaves the
//! page cache as it is; what a power cut takes is the subject of `fault_crash_points`, and kills
//! at a chosen system call are that of `processes`.
//!
//! `SCHWABOT_KILLS=1000 cargo test --release --test kill -- --nocapture` kills so many in all.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]
#![expect(clippy::print_stderr, reason = "how much was killed belongs in the test's report")]

#[path = "support/dice.rs"]
#[expect(dead_code, reason = "the machine's own clock serves here")]
mod dice;
#[path = "support/notes.rs"]
#[expect(dead_code, reason = "only some of the notes' helpers are needed here")]
mod notes;
#[path = "processes/told.rs"]
mod told;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use schwabot::audit::{VerifyOptions, verify};
use schwabot::checkpoint::{
    KeyFile, KeyKind, Policy, SignError, SigningKey, read_notes, sign_head,
};
use schwabot::ledger::clock::Stopwatch;
use schwabot::ledger::disk::RealDisk;
use schwabot::ledger::layout::Layout;
use schwabot::ledger::{GroupWriter, LedgerError, Reader, SyncMode, Writer};

use dice::Dice;
use notes::{Note, options, step};
use told::{Found, NOTES_A_LIFE, Told, acknowledgement, check, tell};

const ROLE: &str = "SCHWABOT_KILL_TEST_ROLE";
const LEDGER: &str = "SCHWABOT_KILL_TEST_LEDGER";
const LIFE: &str = "SCHWABOT_KILL_TEST_LIFE";
const KILLS: &str = "SCHWABOT_KILLS";
const KILLS_USUAL: u64 = 300;
const PRODUCERS: u64 = 4;
const SEGMENT_BYTES: u64 = 16 << 10;
/// Steps that one explicit sync acknowledges, at most.
const STEPS_A_SYNC: u64 = 40;
const ORIGIN: &str = "example.com/bot";

/// What a child does; in the parent this is no test at all.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let path = PathBuf::from(std::env::var(LEDGER).unwrap());
    let life: u64 = std::env::var(LIFE).unwrap().parse().unwrap();
    // The harness of the child leaves its own line unfinished.
    tell("\nstart");
    let done = match role.as_str() {
        "single" => append_alone(&path, life).map_err(|error| error.to_string()),
        "group" => append_in_a_group(&path, life).map_err(|error| error.to_string()),
        "end" => sync_now_and_then(&path, life).map_err(|error| error.to_string()),
        "signed" => sign_between(&path, life).map_err(|error| error.to_string()),
        "race" => race(&path, life).map_err(|error| error.to_string()),
        other => panic!("no role {other}"),
    };
    if let Err(error) = done {
        tell(&format!("error {error}"));
    }
}

/// The first number of a life's step. A step has three records, so that one torn apart would show.
fn first_of(life: u64, turn: u64) -> u64 {
    life * NOTES_A_LIFE + 3 * turn
}

fn step_from(first: u64) -> schwabot::ledger::Batch<Note> {
    step(&[first, first + 1, first + 2])
}

fn open(path: &Path, sync: SyncMode) -> Result<Writer<Note>, LedgerError> {
    Writer::open(path, &options(sync, SEGMENT_BYTES))
}

fn append_alone(path: &Path, life: u64) -> Result<(), LedgerError> {
    let mut writer = open(path, SyncMode::Always)?;
    tell("open");
    for turn in 0.. {
        let first = first_of(life, turn);
        tell(&acknowledgement(writer.append(&step_from(first))?, first));
    }
    Ok(())
}

fn append_in_a_group(path: &Path, life: u64) -> Result<(), LedgerError> {
    let writer = open(path, SyncMode::Always)?;
    tell("open");
    let group = GroupWriter::start(writer)?;
    std::thread::scope(|scope| {
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                let appender = group.appender();
                scope.spawn(move || -> Result<(), LedgerError> {
                    for turn in 0.. {
                        let first = first_of(life, turn * PRODUCERS + producer);
                        tell(&acknowledgement(appender.append(&step_from(first))?, first));
                    }
                    Ok(())
                })
            })
            .collect();
        producers.into_iter().try_for_each(|producer| producer.join().unwrap())
    })
}

/// Appends without a promise, and tells all of it once a sync has returned.
fn sync_now_and_then(path: &Path, life: u64) -> Result<(), LedgerError> {
    let mut writer = open(path, SyncMode::End)?;
    tell("open");
    let mut turn = 0;
    for round in 0.. {
        let mut waiting = Vec::new();
        for _ in 0..=round % STEPS_A_SYNC {
            let first = first_of(life, turn);
            waiting.push(acknowledgement(writer.append(&step_from(first))?, first));
            turn += 1;
        }
        writer.sync()?;
        tell(&waiting.join("\n"));
    }
    Ok(())
}

/// Appends a little and signs the head, again and again; every other writer closes.
fn sign_between(path: &Path, life: u64) -> Result<(), SignError> {
    let key = KeyFile::open(Arc::new(RealDisk), &key_path(path))?;
    let mut turn = 0;
    for round in 0.. {
        let mut writer = open(path, SyncMode::Always)?;
        tell("open");
        for _ in 0..3 {
            let first = first_of(life, turn);
            tell(&acknowledgement(writer.append(&step_from(first))?, first));
            turn += 1;
        }
        if round % 2 == 0 {
            writer.close()?;
        } else {
            drop(writer);
        }
        let signature = sign_head::<Note>(path, &key, &options(SyncMode::Always, SEGMENT_BYTES))?;
        let head = signature.note.checkpoint();
        if signature.saved {
            tell(&format!("signed {} {}", head.size, head.root));
        }
    }
    Ok(())
}

fn key_path(ledger: &Path) -> PathBuf {
    ledger.with_extension("key")
}

/// Opens, appends and closes again and again, against others who do the same.
fn race(path: &Path, life: u64) -> Result<(), LedgerError> {
    let inside = path.with_extension("inside");
    let (mut won, mut lost) = (0, 0);
    while won < 15 {
        let mut writer = match open(path, SyncMode::Always) {
            Ok(writer) => writer,
            Err(LedgerError::Locked { .. }) => {
                lost += 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        // Nobody else may be between here and the removal.
        if std::fs::OpenOptions::new().write(true).create_new(true).open(&inside).is_err() {
            tell("error two writers at once");
        }
        let number = first_of(life, won);
        tell(&acknowledgement(writer.append(&step(&[number]))?, number));
        std::fs::remove_file(&inside).unwrap();
        writer.close()?;
        won += 1;
    }
    tell(&format!("lost {lost}"));
    Ok(())
}

fn start(role: &str, ledger: &Path, life: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .envs([(ROLE, role), (LIFE, &life.to_string()), (LEDGER, ledger.to_str().unwrap())])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs a child until it told `acks` acknowledgements (or, with none, that it started), waits a
/// little, kills it, and takes down all it told.
fn run_and_kill(told: &mut Told, role: &str, path: &Path, life: u64, acks: usize, wait: Duration) {
    let mut child = start(role, path, life);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let wanted = if acks == 0 { "start" } else { "ack" };
    let mut seen = 0;
    for line in lines.by_ref() {
        let line = line.unwrap();
        told.take(&line);
        seen += usize::from(line.starts_with(wanted));
        if seen == acks.max(1) {
            break;
        }
    }
    assert_eq!(told.errors, [""; 0]);
    assert_eq!(seen, acks.max(1), "the child ended before it was killed");
    std::thread::sleep(wait);
    child.kill().unwrap();
    lines.for_each(|line| told.take(&line.unwrap()));
    let status = child.wait().unwrap();
    assert!(status.code().is_none(), "the child ended by itself: {status}");
    assert_eq!(told.errors, [""; 0]);
}

fn close(path: &Path) {
    open(path, SyncMode::Always).unwrap().close().unwrap();
}

/// So many of all kills, in per cent.
fn share(percent: u64) -> u64 {
    let all = std::env::var(KILLS).map_or(KILLS_USUAL, |kills| kills.parse().unwrap());
    all * percent / 100
}

/// Kills so many writers in a row, a new ledger every 25 of them, and returns what the ledgers of
/// all rounds held together.
fn kill_writers(role: &str, kills: u64, in_flight_max: u64, each: fn(&Told, &Path)) -> Found {
    let mut dice = Dice::new(kills);
    let mut sum = Found::default();
    let (mut acknowledged, mut signed, mut openings) = (0, 0, 0);
    for done in (0..kills).step_by(25) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger");
        let key = SigningKey::from_seed(ORIGIN, KeyKind::Log, &[7; 32]).unwrap();
        KeyFile::create(Arc::new(RealDisk), &key_path(&path), key).unwrap();
        let mut told = Told::default();
        let lives = (kills - done).min(25);
        for life in 0..lives {
            let acks = dice.below(if role == "signed" { 100 } else { 500 });
            let wait = Duration::from_micros(dice.next() % 1_500);
            run_and_kill(&mut told, role, &path, life, acks, wait);
            check(&told, &path, life, in_flight_max);
            each(&told, &path);
        }
        close(&path);
        let found = check(&told, &path, lives, in_flight_max);
        each(&told, &path);
        sum.segments += found.segments;
        sum.recoveries += found.recoveries;
        sum.unacknowledged += found.unacknowledged;
        acknowledged += told.acknowledged.len();
        signed += told.signed.len();
        openings += told.openings;
    }
    eprintln!(
        "{role}: {kills} kills, {acknowledged} acknowledged records and {signed} signed heads all \
         there, {} written and not acknowledged, {} segments, {} torn tails",
        sum.unacknowledged, sum.segments, sum.recoveries
    );
    assert!(openings * 2 > kills, "{openings} openings");
    sum
}

#[test]
fn a_killed_writer_loses_nothing_that_it_acknowledged() {
    let kills = share(40);
    let found = kill_writers("single", kills, 3, |_, _| ());
    // Every life begins a segment; more of them were made by rolls.
    assert!(found.segments > kills + kills / 10, "{} segments: no rolls", found.segments);
}

#[test]
fn a_killed_group_of_producers_loses_nothing_that_any_was_told() {
    let kills = share(15);
    let found = kill_writers("group", kills, 3 * PRODUCERS, |_, _| ());
    assert!(found.segments > kills + kills / 10, "{} segments: no rolls", found.segments);
}

#[test]
fn a_writer_killed_between_its_syncs_loses_nothing_that_a_sync_had_covered() {
    kill_writers("end", share(10), 3 * STEPS_A_SYNC, |_, _| ());
}

#[test]
fn a_signer_killed_at_any_moment_keeps_every_note_it_told_and_a_log_that_continues_them() {
    kill_writers("signed", share(10), 3, |told, path| {
        let notes = read_notes(&RealDisk, &Layout::new(path)).unwrap();
        let heads: Vec<(u64, String)> = notes
            .iter()
            .map(|file| {
                let head = file.note.as_ref().unwrap().checkpoint();
                (head.size, head.root.to_string())
            })
            .collect();
        for signed in &told.signed {
            assert!(heads.contains(signed), "the note of {signed:?} is gone");
        }
        let key = SigningKey::from_seed(ORIGIN, KeyKind::Log, &[7; 32]).unwrap();
        let policy = (!heads.is_empty()).then(|| Policy::of_log(key.verifier().clone()));
        let report = verify(path, &VerifyOptions { policy, ..VerifyOptions::default() }).unwrap();
        assert!([0, 10].contains(&report.exit_code()), "{report:?}");
    });
}

/// Microseconds from the start of a writer until it has opened what a killed one left.
fn time_of_an_opening(path: &Path) -> u64 {
    run_and_kill(&mut Told::default(), "single", path, 0, 9, Duration::ZERO);
    let mut child = start("single", path, 1);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "start"), "the child never started");
    let started = Stopwatch::start();
    assert!(lines.any(|line| line == "open"), "the child never opened the ledger");
    let elapsed = started.elapsed();
    child.kill().unwrap();
    child.wait().unwrap();
    u64::try_from(elapsed.as_micros()).unwrap()
}

#[test]
fn a_writer_killed_while_it_recovers_is_recovered_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let (mut told, mut dice) = (Told::default(), Dice::new(5));
    let rounds = share(25).div_ceil(3);
    let measured = time_of_an_opening(&dir.path().join("measured"));
    let mut span = 2 * measured;
    for life in 0..rounds {
        // Something to recover, then two who die before or shortly after they opened it.
        run_and_kill(&mut told, "single", &path, 3 * life, 9, Duration::ZERO);
        for turn in 1..3 {
            let wait = Duration::from_micros(dice.next() % span.max(1));
            let openings = told.openings;
            run_and_kill(&mut told, "single", &path, 3 * life + turn, 0, wait);
            // What a machine does besides changes how long an opening takes; so this follows it.
            let opened = told.openings > openings;
            span = if opened { span * 3 / 4 } else { span * 4 / 3 + 1 };
            check(&told, &path, 3 * life + turn, 3);
        }
    }
    let kills = 3 * rounds;
    eprintln!(
        "recovering: {kills} kills, {} of them after the opening, which takes {measured} us; {} \
         acknowledged records all there",
        told.openings,
        told.acknowledged.len()
    );
    close(&path);
    check(&told, &path, kills, 3);
}

#[test]
fn of_processes_that_race_to_open_exactly_one_writes_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut told = Told::default();
    let mut children: Vec<Child> = (0..3).map(|life| start("race", &path, life)).collect();
    let mut lost = 0;
    for child in &mut children {
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            told.take(&line);
            lost += line.strip_prefix("lost ").map_or(0, |count| count.parse::<u64>().unwrap());
        }
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(told.errors, [""; 0]);
    assert!(lost > 0, "nobody was ever refused: this was no race");
    let sequences: Vec<u64> = told.acknowledged.keys().copied().collect();
    assert_eq!(sequences, (0..45).collect::<Vec<_>>(), "each append got a sequence of its own");
    let reader: Reader<Note> = Reader::open(&path).unwrap();
    assert_eq!(reader.len(), 45);
    reader
        .for_each::<LedgerError>(0, |record| {
            assert_eq!(notes::note_of(&record), told.acknowledged[&record.sequence]);
            Ok(())
        })
        .unwrap();
}
