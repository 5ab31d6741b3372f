//! Real processes on a real file system, killed at any moment: what they acknowledged is there.
//!
//! The children are this same program, started again with a word in the environment. A child tells
//! every acknowledgement through a pipe right after it has it; the parent kills it at a seeded
//! moment, reads the pipe to its end, and looks at the ledger. The death of a process leaves the
//! page cache as it is; what a power cut takes is the subject of `recovery_crash_points`.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]
#![expect(clippy::print_stderr, reason = "how much was killed belongs in the test's report")]

#[path = "support/dice.rs"]
#[expect(dead_code, reason = "the machine's own clock serves here")]
mod dice;
#[path = "support/notes.rs"]
#[expect(dead_code, reason = "only some of the notes' helpers are needed here")]
mod notes;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use schwabot::event::{Recovered, SystemEvent};
use schwabot::ledger::{
    Appended, Entry, GroupWriter, LedgerError, Reader, SyncMode, Writer, decode,
};

use dice::Dice;
use notes::{Note, note, options, step};

const ROLE: &str = "SCHWABOT_KILL_TEST_ROLE";
const LEDGER: &str = "SCHWABOT_KILL_TEST_LEDGER";
const LIFE: &str = "SCHWABOT_KILL_TEST_LIFE";
/// Numbers of one life begin at its multiple, so that every note is told apart.
const NOTES_A_LIFE: u64 = 1_000_000;
const PRODUCERS: u64 = 4;
const SEGMENT_BYTES: u64 = 16 << 10;

fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    // One write, so that a line is told whole or not at all.
    out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
}

/// What a child does; in the parent this is no test at all.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let path = std::env::var(LEDGER).unwrap();
    let life: u64 = std::env::var(LIFE).unwrap().parse().unwrap();
    // The harness of the child leaves its own line unfinished.
    tell("\nstart");
    let done = match role.as_str() {
        "single" => append_alone(Path::new(&path), life),
        "group" => append_in_a_group(Path::new(&path), life),
        "race" => race(Path::new(&path), life),
        other => panic!("no role {other}"),
    };
    if let Err(error) = done {
        tell(&format!("error {error}"));
    }
}

fn acknowledged(appended: Appended, first: u64) {
    let Appended::New(range) = appended else { panic!("no key was given") };
    for (sequence, number) in range.zip(first..) {
        tell(&format!("ack {sequence} {number}"));
    }
}

fn append_alone(path: &Path, life: u64) -> Result<(), LedgerError> {
    let mut writer: Writer<Note> = Writer::open(path, &options(SyncMode::Always, SEGMENT_BYTES))?;
    tell("open");
    for turn in 0.. {
        // Three records a step, so that a step torn apart would show.
        let first = life * NOTES_A_LIFE + 3 * turn;
        acknowledged(writer.append(&step(&[first, first + 1, first + 2]))?, first);
    }
    Ok(())
}

fn append_in_a_group(path: &Path, life: u64) -> Result<(), LedgerError> {
    let writer: Writer<Note> = Writer::open(path, &options(SyncMode::Always, SEGMENT_BYTES))?;
    tell("open");
    let group = GroupWriter::start(writer)?;
    std::thread::scope(|scope| {
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                let appender = group.appender();
                scope.spawn(move || -> Result<(), LedgerError> {
                    for turn in 0.. {
                        let first = life * NOTES_A_LIFE + 3 * (turn * PRODUCERS + producer);
                        acknowledged(
                            appender.append(&step(&[first, first + 1, first + 2]))?,
                            first,
                        );
                    }
                    Ok(())
                })
            })
            .collect();
        producers.into_iter().try_for_each(|producer| producer.join().unwrap())
    })
}

/// Opens, appends and closes again and again, against others who do the same.
fn race(path: &Path, life: u64) -> Result<(), LedgerError> {
    let inside = path.with_extension("inside");
    let (mut won, mut lost) = (0, 0);
    while won < 15 {
        let mut writer: Writer<Note> =
            match Writer::open(path, &options(SyncMode::Always, SEGMENT_BYTES)) {
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
        let number = life * NOTES_A_LIFE + won;
        acknowledged(writer.append(&step(&[number]))?, number);
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

/// A ledger, and what its writers acknowledged.
#[derive(Default)]
struct Told {
    acknowledged: BTreeMap<u64, u64>,
    openings: u64,
}

impl Told {
    fn take(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["ack", sequence, number] => {
                let (sequence, number) = (sequence.parse().unwrap(), number.parse().unwrap());
                let before = self.acknowledged.insert(sequence, number);
                assert_eq!(before, None, "sequence {sequence} was acknowledged twice");
            }
            ["open"] => self.openings += 1,
            ["error", ..] => panic!("{line}"),
            // The rest is said by the test harness of the child.
            _ => {}
        }
    }
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
    assert_eq!(seen, acks.max(1), "the child ended before it was killed");
    std::thread::sleep(wait);
    child.kill().unwrap();
    lines.for_each(|line| told.take(&line.unwrap()));
    child.wait().unwrap();
}

/// Everything acknowledged is there with its content, steps are whole, nobody's notes are invented,
/// and every dead byte is told.
fn check(told: &Told, path: &Path, lives: u64, in_flight_max: u64) {
    let reader: Reader<Note> = match Reader::open(path) {
        Ok(reader) => reader,
        Err(LedgerError::NotALedger { .. }) if told.acknowledged.is_empty() => return,
        Err(error) => panic!("{error}"),
    };
    let mut acknowledged = told.acknowledged.iter();
    let mut expected = acknowledged.next();
    let mut recovered: Vec<Recovered> = Vec::new();
    let mut unacknowledged = 0;
    let mut last = None;
    reader
        .for_each::<LedgerError>(0, |record| {
            match decode::<Note>(&record).unwrap().1 {
                Entry::Event(found) => {
                    assert_eq!(found, note(found.number), "record {}", record.sequence);
                    assert!(found.number / NOTES_A_LIFE <= lives);
                    if !(found.number % NOTES_A_LIFE).is_multiple_of(3) {
                        assert_eq!(last, Some(found.number - 1), "a step was torn apart");
                    }
                    last = Some(found.number);
                    if expected.is_some_and(|(sequence, _)| *sequence == record.sequence) {
                        assert_eq!(expected.map(|(_, number)| *number), Some(found.number));
                        expected = acknowledged.next();
                    } else {
                        unacknowledged += 1;
                    }
                }
                Entry::System(SystemEvent::Recovered(event)) => recovered.push(event),
                Entry::System(other) => panic!("{other:?}"),
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(expected, None, "an acknowledged record is gone; there are {}", reader.len());
    assert!(unacknowledged <= in_flight_max * (lives + 1), "{unacknowledged} in {lives} lives");
    let stated: Vec<Recovered> = reader
        .segments()
        .iter()
        .filter_map(|header| {
            let note = header.recovery.filter(|note| note.dead_bytes > 0)?;
            Some(Recovered {
                segment: header.index - 1,
                offset: note.counted_bytes,
                dead_bytes: note.dead_bytes,
                digest: note.dead_digest,
            })
        })
        .collect();
    // The last recovery may have died before it could tell.
    assert!(recovered == stated || recovered[..] == stated[..stated.len() - 1]);
}

/// Kills `kills` writers in a row; a new ledger every 25 of them.
fn kill_writers(role: &str, kills: u64, in_flight_max: u64) {
    let mut dice = Dice::new(kills);
    let (mut acknowledged, mut segments) = (0, 0);
    for round in 0..kills / 25 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger");
        let mut told = Told::default();
        for life in 0..25 {
            let acks = dice.below(500);
            let wait = Duration::from_micros(dice.next() % 1_500);
            run_and_kill(&mut told, role, &path, life, acks, wait);
            check(&told, &path, life, in_flight_max);
        }
        let writer: Writer<Note> =
            Writer::open(&path, &options(SyncMode::Always, SEGMENT_BYTES)).unwrap();
        writer.close().unwrap();
        check(&told, &path, 25, in_flight_max);
        acknowledged += told.acknowledged.len();
        let reader: Reader<Note> = Reader::open(&path).unwrap();
        // Every life begins a segment; more of them were made by rolls.
        segments += reader.segments().len() as u64;
        assert!(told.openings > 15, "round {round}: {} openings", told.openings);
    }
    eprintln!("{role}: {kills} kills, {acknowledged} acknowledged, {segments} segments");
    assert!(segments > kills + kills / 10, "{segments} segments: no rolls were hit");
}

#[test]
fn a_killed_writer_loses_nothing_that_it_acknowledged() {
    kill_writers("single", 200, 3);
}

#[test]
fn a_killed_group_of_producers_loses_nothing_that_any_was_told() {
    kill_writers("group", 50, 3 * PRODUCERS);
}

#[test]
fn a_writer_killed_while_it_recovers_is_recovered_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let (mut told, mut dice) = (Told::default(), Dice::new(5));
    for life in 0..50 {
        // Something to recover, then two who die right after their start.
        run_and_kill(&mut told, "single", &path, 3 * life, 9, Duration::ZERO);
        for turn in 1..3 {
            let wait = Duration::from_micros(dice.next() % 12_000);
            run_and_kill(&mut told, "single", &path, 3 * life + turn, 0, wait);
            check(&told, &path, 3 * life + turn, 3);
        }
    }
    eprintln!("{} of 150 writers lived to open", told.openings);
    assert!((51..150).contains(&told.openings), "{} openings", told.openings);
    Writer::<Note>::open(&path, &options(SyncMode::Always, SEGMENT_BYTES))
        .unwrap()
        .close()
        .unwrap();
    check(&told, &path, 150, 3);
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
