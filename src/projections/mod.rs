//! What a log means: its world after any record or at any time, folded again from the first one.
//!
//! Invariants: the fold is the one that the run itself used ([`World::evolve`]); the reader checks
//! every link on the way; memory does not grow with the log, but with its closed trades.

mod accounts;
mod quality;

pub use accounts::{AccountSummary, account_summaries};
pub use quality::{DataQuality, PairQuality};

use crate::event::{Class, Event};
use crate::kernel::World;
use crate::ledger::{Entry, LedgerError, Reader, decode};
use crate::time::Timestamp;

/// Up to where a log is folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpTo {
    /// To its end.
    End,
    /// To this record, itself included.
    Sequence(u64),
    /// To the last whole step before the first input that is later than this.
    Time(Timestamp),
}

/// Why a log cannot be folded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectionError {
    /// The log cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The log has no such record.
    #[error("there is no record {sequence}: the ledger holds {records}")]
    NoSuchRecord {
        /// Which was asked for.
        sequence: u64,
        /// How many there are.
        records: u64,
    },
}

/// A log, folded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Folded {
    /// What it amounts to.
    pub world: World,
    /// What is wrong with the data of its newest run.
    pub quality: DataQuality,
    /// How many records were folded.
    pub records: u64,
    /// Event time of the last of them, the ledger's own left aside.
    pub time: Option<Timestamp>,
}

impl Folded {
    /// Folds one event, which stands at `sequence` and bears event time `time`.
    pub fn evolve(&mut self, event: &Event, sequence: u64, time: Timestamp) {
        self.world.evolve(event, sequence, time);
        self.quality.evolve(event);
        self.records = sequence.saturating_add(1);
        self.time = Some(time);
    }
}

/// Folds a log from its first record on.
///
/// # Errors
/// [`ProjectionError`] for damage, for records of another program or a later version, and for a
/// sequence past the end.
pub fn fold(reader: &Reader<Event>, up_to: UpTo) -> Result<Folded, ProjectionError> {
    if let UpTo::Sequence(sequence) = up_to
        && sequence >= reader.len()
    {
        return Err(ProjectionError::NoSuchRecord { sequence, records: reader.len() });
    }
    let mut folded = Folded::default();
    let mut cursor = reader.cursor(0)?;
    while let Some(frame) = cursor.next_frame()? {
        for record in frame.records() {
            let sequence = record.sequence;
            let (envelope, entry) = decode::<Event>(&record)
                .map_err(|source| LedgerError::Record { sequence, source })?;
            let stamp = envelope.stamp;
            if let UpTo::Time(until) = up_to
                && stamp.class == Class::Input
                && stamp.time > until
            {
                return Ok(folded);
            }
            match entry {
                Entry::Event(event) => folded.evolve(&event, sequence, stamp.time),
                Entry::System(_) => folded.records = sequence.saturating_add(1),
            }
            if up_to == UpTo::Sequence(sequence) {
                return Ok(folded);
            }
        }
    }
    Ok(folded)
}
