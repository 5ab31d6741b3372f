//! What is known outside of the program: which records were handed in, which were acknowledged,
//! which notes were signed. Every action ends with a look at the disk, held against it.

use std::sync::Arc;

use schwabot::checkpoint::Note;
use schwabot::event::{Class, Event, RecordRef, SystemEvent};
use schwabot::hash::{self, DeadBytesHasher, Digest};
use schwabot::kernel::World;
use schwabot::ledger::disk::{Access, Disk};
use schwabot::ledger::layout::{Layout, Listing};
use schwabot::ledger::{Entry, LedgerError, Reader, decode};
use schwabot::merkle::CompactRange;
use schwabot::projections::{UpTo, fold, fold_from_zero};

use crate::support::sim_ledger::ledger_path;

/// A law that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) law: &'static str,
    pub(crate) detail: String,
}

pub(crate) type Checked<T = ()> = Result<T, Violation>;

/// Fails unless a law holds.
pub(crate) fn law(holds: bool, law: &'static str, detail: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Violation { law, detail: detail() }) }
}

/// A refusal or failure where none was to be expected.
pub(crate) fn refused(what: &'static str, error: &dyn std::fmt::Display) -> Violation {
    Violation { law: what, detail: error.to_string() }
}

/// What is known outside; see the module's story.
#[derive(Default)]
pub(crate) struct Model {
    /// What anybody who reads must see.
    pub(crate) records: Vec<Vec<u8>>,
    /// How many of them no crash may take.
    pub(crate) acknowledged: usize,
    /// Notes whose signing was acknowledged, oldest first.
    pub(crate) notes: Vec<Note>,
    /// The world after some of the records.
    folded: (usize, World),
}

/// Every record that a reader shows; none where there is no ledger yet.
pub(crate) fn read(disk: &Arc<dyn Disk>) -> Checked<Vec<Vec<u8>>> {
    let no_reading = |error: LedgerError| refused("what crashes leave can be read", &error);
    let reader: Reader<Event> = match Reader::open_on(Arc::clone(disk), &ledger_path()) {
        Ok(reader) => reader,
        Err(LedgerError::NotALedger { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(no_reading(error)),
    };
    let mut records = Vec::new();
    reader
        .for_each::<LedgerError>(0, |record| {
            records.push(record.bytes.to_vec());
            Ok(())
        })
        .map_err(no_reading)?;
    Ok(records)
}

/// The ledger's own event in a record, or none for a program's.
fn system_event(bytes: &[u8]) -> Option<SystemEvent> {
    match decode::<Event>(&RecordRef { sequence: 0, bytes }) {
        Ok((_, Entry::System(event))) => Some(event),
        _ => None,
    }
}

fn class(bytes: &[u8]) -> Option<Class> {
    let record = RecordRef { sequence: 0, bytes };
    record.envelope().ok().map(|(envelope, _)| envelope.stamp.class)
}

/// How many records from a place on are the ledger's own.
pub(crate) fn own_records(seen: &[Vec<u8>], from: usize) -> usize {
    let rest = seen.get(from..).unwrap_or_default();
    rest.iter().take_while(|bytes| system_event(bytes).is_some()).count()
}

impl Model {
    /// Takes what is seen now for what is there, if it is a beginning of `records`, which were
    /// handed in, and keeps what was promised.
    pub(crate) fn accept(&mut self, seen: &[Vec<u8>], handed_in: Vec<Vec<u8>>) -> Checked {
        let (seen_count, promised) = (seen.len(), self.acknowledged);
        law(seen_count >= promised, "nothing acknowledged is lost", || {
            format!("{promised} records were acknowledged, {seen_count} are there")
        })?;
        let differs = seen.iter().zip(&handed_in).position(|(seen, known)| seen != known);
        let invented = differs.or((seen_count > handed_in.len()).then_some(handed_in.len()));
        law(invented.is_none(), "nothing is there that was not handed in", || {
            format!("record {invented:?} of {seen_count}; {} were handed in", handed_in.len())
        })?;
        let half =
            handed_in.get(seen_count).is_some_and(|next| class(next) == Some(Class::Derived));
        law(!half, "no step is there in part", || format!("the log ends at {seen_count}"))?;
        self.records = handed_in;
        self.records.truncate(seen_count);
        Ok(())
    }

    /// The world after so many records.
    pub(crate) fn world_after(&self, count: usize) -> World {
        let (done, world) =
            if self.folded.0 <= count { self.folded.clone() } else { (0, World::default()) };
        let mut world = world;
        for (sequence, bytes) in self.records[..count].iter().enumerate().skip(done) {
            let record = RecordRef { sequence: sequence as u64, bytes };
            let (envelope, entry) = decode::<Event>(&record).unwrap();
            if let Entry::Event(event) = entry {
                world.evolve(&event, sequence as u64, envelope.stamp.time);
            }
        }
        world
    }

    /// The world after all records.
    pub(crate) fn world(&mut self) -> &World {
        let count = self.records.len();
        if self.folded.0 != count {
            self.folded = (count, self.world_after(count));
        }
        &self.folded.1
    }

    /// The root over the first `size` records.
    pub(crate) fn root(&self, size: usize) -> Digest {
        let mut tree = CompactRange::new(0);
        self.records[..size].iter().for_each(|bytes| tree.push(hash::leaf(bytes)));
        tree.root().unwrap()
    }

    /// Checks that a signed tree is one of this log.
    pub(crate) fn check_note(&self, note: &Note, whose: &str) -> Checked {
        let signed = note.checkpoint();
        let size = usize::try_from(signed.size).unwrap();
        law(size <= self.records.len(), "nothing is signed that can be lost", || {
            format!("{whose} covers {size} records, {} are there", self.records.len())
        })?;
        law(self.root(size) == signed.root, "every signed tree is one of the log", || {
            format!("{whose} of {size} records")
        })
    }

    /// Checks what the log means against the world folded outside.
    pub(crate) fn check_worlds(&mut self, disk: &Arc<dyn Disk>, from_zero: bool) -> Checked {
        let records = self.records.len() as u64;
        let reader = match Reader::<Event>::open_on(Arc::clone(disk), &ledger_path()) {
            Ok(reader) => reader,
            Err(LedgerError::NotALedger { .. }) => return Ok(()),
            Err(error) => return Err(refused("what crashes leave can be read", &error)),
        };
        let no_fold = |error| refused("what crashes leave can be folded", &error);
        let folded = fold(&reader, UpTo::End).map_err(no_fold)?;
        law(
            folded.records == records && folded.world == *self.world(),
            "the fold is the world that the run had",
            || format!("after {records} records"),
        )?;
        if from_zero {
            let slowly = fold_from_zero(&reader, UpTo::End).map_err(no_fold)?;
            law(slowly == folded, "a snapshot changes no answer", || format!("at {records}"))?;
        }
        Ok(())
    }

    /// Checks that every recovery that a header states is told by a record, once. The last ones
    /// may wait for the next opening, where no record came after them.
    pub(crate) fn check_recoveries(&self, disk: &Arc<dyn Disk>, opened: bool) -> Checked {
        let layout = Layout::new(&ledger_path());
        let Ok(listing) = Listing::read(&**disk, &layout) else { return Ok(()) };
        let mut stated = Vec::new();
        for listed in &listing.segments {
            let Some(note) = listed.header.as_ref().ok().and_then(|header| header.recovery) else {
                continue;
            };
            let before = disk.open(&layout.segment(listed.index - 1), Access::Read).unwrap();
            let mut dead = vec![0; usize::try_from(note.dead_bytes).unwrap()];
            let held = before.read_at(&mut dead, note.counted_bytes).unwrap();
            let mut hasher = DeadBytesHasher::default();
            hasher.update(&dead[..held]);
            law(hasher.finish() == note.dead_digest, "dead bytes stay as they were found", || {
                format!("in segment {}", listed.index - 1)
            })?;
            if note.dead_bytes > 0 {
                stated.push((listed.index - 1, note.counted_bytes, note.dead_bytes));
            }
        }
        let told: Vec<_> = self
            .records
            .iter()
            .filter_map(|bytes| match system_event(bytes) {
                Some(SystemEvent::Recovered(told)) => {
                    Some((told.segment, told.offset, told.dead_bytes))
                }
                _ => None,
            })
            .collect();
        let whole = if opened { told == stated } else { stated.starts_with(&told) };
        law(whole, "every recovery is told once", || format!("{told:?} of {stated:?}"))
    }
}
