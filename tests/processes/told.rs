//! What a writing process told through its pipe, and whether its ledger holds it.
//!
//! One line is one word of the child: `open`, `ack SEQUENCE NUMBER`, `signed SIZE ROOT`, `error ...`.
//! Whatever was told before the child died was told after the library had promised it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use schwabot::event::{Recovered, SystemEvent};
use schwabot::ledger::{Appended, Entry, LedgerError, Reader, decode};

use super::notes::{Note, note};

/// Numbers of one life begin at its multiple, so that every note is told apart.
pub(crate) const NOTES_A_LIFE: u64 = 1_000_000;

/// Tells one line; one write, so that it is told whole or not at all.
pub(crate) fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
}

/// The lines that acknowledge a step whose notes count from `first`.
pub(crate) fn acknowledgement(appended: Appended, first: u64) -> String {
    let Appended::New(range) = appended else { panic!("no key was given") };
    let lines: Vec<String> =
        range.zip(first..).map(|(sequence, number)| format!("ack {sequence} {number}")).collect();
    lines.join("\n")
}

/// A ledger, and what its writers told about it.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) acknowledged: BTreeMap<u64, u64>,
    pub(crate) openings: u64,
    /// Heads that were signed and saved: size and root.
    pub(crate) signed: Vec<(u64, String)>,
    pub(crate) errors: Vec<String>,
    /// Acknowledgements that came after an error, in the life of one writer.
    pub(crate) after_error: u64,
    failed: bool,
}

impl Told {
    /// Takes down one line; what the test harness of a child says is none of ours.
    pub(crate) fn take(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["ack", sequence, number] => {
                let (sequence, number) = (sequence.parse().unwrap(), number.parse().unwrap());
                let before = self.acknowledged.insert(sequence, number);
                assert_eq!(before, None, "sequence {sequence} was acknowledged twice");
                self.after_error += u64::from(self.failed);
            }
            ["open"] => {
                self.openings += 1;
                self.failed = false;
            }
            ["signed", size, root] => self.signed.push((size.parse().unwrap(), root.to_owned())),
            ["error", ..] => {
                self.errors.push(line.to_owned());
                self.failed = true;
            }
            _ => {}
        }
    }
}

/// What a ledger holds beside the acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Whole steps that were written and never acknowledged, in records.
    pub(crate) unacknowledged: u64,
    /// Segments, and recoveries that dropped bytes.
    pub(crate) segments: u64,
    pub(crate) recoveries: u64,
}

/// Everything acknowledged is there with its content, steps of three are whole, nobody's notes are
/// invented or doubled, and every dead byte is told. At most `in_flight_max` records a life may be
/// there without having been acknowledged.
pub(crate) fn check(told: &Told, path: &Path, lives: u64, in_flight_max: u64) -> Found {
    let reader: Reader<Note> = match Reader::open(path) {
        Ok(reader) => reader,
        Err(LedgerError::NotALedger { .. }) if told.acknowledged.is_empty() => {
            return Found::default();
        }
        Err(error) => panic!("{error}"),
    };
    let mut acknowledged = told.acknowledged.iter();
    let mut expected = acknowledged.next();
    let mut recovered: Vec<Recovered> = Vec::new();
    let mut numbers = BTreeSet::new();
    let (mut unacknowledged, mut last) = (0, None);
    reader
        .for_each::<LedgerError>(0, |record| {
            match decode::<Note>(&record).unwrap().1 {
                Entry::Event(found) => {
                    assert_eq!(found, note(found.number), "record {}", record.sequence);
                    assert!(found.number / NOTES_A_LIFE <= lives, "an invented life");
                    assert!(numbers.insert(found.number), "note {} is there twice", found.number);
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
                Entry::System(SystemEvent::ChainAnchor(_)) => {}
                Entry::System(other) => panic!("{other:?}"),
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(expected, None, "an acknowledged record is gone; there are {}", reader.len());
    let most = in_flight_max * (lives + 1);
    assert!(unacknowledged <= most, "{unacknowledged} never acknowledged, in {lives} lives");
    let stated = stated_recoveries(&reader);
    // The last recovery may have died before it could tell.
    assert!(recovered == stated || recovered[..] == stated[..stated.len() - 1]);
    let segments = reader.segments().len() as u64;
    Found { unacknowledged, segments, recoveries: stated.len() as u64 }
}

/// The dead bytes that segment headers state.
fn stated_recoveries(reader: &Reader<Note>) -> Vec<Recovered> {
    let stated = reader.segments().iter().filter_map(|header| {
        let note = header.recovery.filter(|note| note.dead_bytes > 0)?;
        Some(Recovered {
            segment: header.index - 1,
            offset: note.counted_bytes,
            dead_bytes: note.dead_bytes,
            digest: note.dead_digest,
        })
    });
    stated.collect()
}
