//! What a log means: its world after any record or at any time, folded again.
//!
//! A fold begins at the newest snapshot that the log confirms, and else at the first record.
//!
//! Invariants: the fold is the one that the run itself used ([`World::evolve`]); the reader checks
//! every link on the way; memory does not grow with the log, but with its closed trades.

mod accounts;
mod curve;
mod diff;
mod fills;
mod imported;
mod quality;
mod reconciled;
mod sample;
mod shelf;
mod snapshot;
mod why;

pub use accounts::{AccountSummary, account_summaries};
pub use curve::{CurvePoint, CurveSampler, EquityCurve, equity_curve};
pub use diff::{Difference, Figure, Parting, Seen, TRADES_LISTED_MAX, diff, diff_between};
pub use fills::{FillsByLabel, OWN_RUNS, ToldFill};
pub use imported::{ImportedFile, imported_files};
pub use quality::DataQuality;
pub use reconciled::{
    Contradicted, DifferingField, PairedBy, Reconciled, SideTotal, SymbolTotal, reconcile_fills,
};
pub use snapshot::{SNAPSHOT_RECORDS, SnapshotError, Snapshots};
pub use why::{Cause, Explanation, FoundTrade, WhyError, find_trade, why};

use std::ops::ControlFlow;

use crate::event::{Class, Event, RecordRef, Stamp, is_import_kind};
use crate::kernel::World;
use crate::ledger::{Entry, LedgerError, Reader, decode, read_ahead, usual_threads};
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
    /// True when the newest run carries evidence over from a run that read one of its files.
    pub in_sample: bool,
    /// How many records were folded.
    pub records: u64,
    /// Event time of the last of them, the ledger's own left aside.
    pub time: Option<Timestamp>,
}

impl Folded {
    /// Folds one event, which stands at `sequence` and bears event time `time`.
    pub fn evolve(&mut self, event: &Event, sequence: u64, time: Timestamp) {
        self.world.evolve(event, sequence, time);
        self.records = sequence.saturating_add(1);
        self.time = Some(time);
    }
}

/// Folds a log: from the newest snapshot before the wanted moment that the log itself confirms, and
/// else from its first record on. The answer is the same.
///
/// # Errors
/// [`ProjectionError`] for damage, for records of another program or a later version, and for a
/// sequence past the end.
pub fn fold(reader: &Reader<Event>, up_to: UpTo) -> Result<Folded, ProjectionError> {
    refuse_later(reader, up_to)?;
    let folded = snapshot::newest(reader, up_to)?.unwrap_or_default();
    finish(reader, fold_on(reader, folded, up_to, &mut |_, _, _, _| {})?)
}

/// Folds a log from its first record on, whatever snapshots there are.
///
/// # Errors
/// As [`fold`].
pub fn fold_from_zero(reader: &Reader<Event>, up_to: UpTo) -> Result<Folded, ProjectionError> {
    finish(reader, fold_on(reader, Folded::default(), up_to, &mut |_, _, _, _| {})?)
}

/// Who looks on while a log is folded: gets the world before each event, the event, its sequence
/// and its event time.
pub type Watch<'a> = dyn FnMut(&World, &Event, u64, Timestamp) + 'a;

/// Folds a log from its first record on, and lets `watch` see each event on the way.
///
/// # Errors
/// As [`fold`].
pub fn fold_watched(
    reader: &Reader<Event>,
    up_to: UpTo,
    watch: &mut Watch<'_>,
) -> Result<Folded, ProjectionError> {
    refuse_later(reader, up_to)?;
    finish(reader, fold_on(reader, Folded::default(), up_to, watch)?)
}

/// A sequence past the end is nothing that a log can be folded up to.
fn refuse_later(reader: &Reader<Event>, up_to: UpTo) -> Result<(), ProjectionError> {
    match up_to {
        UpTo::Sequence(sequence) if sequence >= reader.len() => {
            Err(ProjectionError::NoSuchRecord { sequence, records: reader.len() })
        }
        _ => Ok(()),
    }
}

fn finish(reader: &Reader<Event>, mut folded: Folded) -> Result<Folded, ProjectionError> {
    folded.in_sample = sample::in_sample(reader, &folded)?;
    Ok(folded)
}

/// A log with fewer records to fold is read by the thread that folds it.
const RECORDS_FOR_A_THREAD: u64 = 4_096;

/// A record as a fold needs it; without an event where it is the ledger's own.
struct Told {
    sequence: u64,
    kind: u16,
    class: Class,
    time: Timestamp,
    event: Option<Event>,
}

impl Told {
    fn read(record: &RecordRef<'_>) -> Result<Self, LedgerError> {
        let sequence = record.sequence;
        let (envelope, entry) =
            decode::<Event>(record).map_err(|source| LedgerError::Record { sequence, source })?;
        let event = match entry {
            Entry::Event(event) => Some(event),
            Entry::System(_) => None,
        };
        let Stamp { class, time, .. } = envelope.stamp;
        Ok(Self { sequence, kind: envelope.kind, class, time, event })
    }

    /// True when a fold up to a time ends before this record.
    fn is_beyond(&self, up_to: UpTo) -> bool {
        let UpTo::Time(until) = up_to else { return false };
        self.class == Class::Input && !is_import_kind(self.kind) && self.time > until
    }
}

/// Folds what follows the records that are folded already. Where that is much, one thread checks
/// the links and decodes while this one folds.
fn fold_on(
    reader: &Reader<Event>,
    mut folded: Folded,
    up_to: UpTo,
    watch: &mut Watch<'_>,
) -> Result<Folded, ProjectionError> {
    let first = folded.records;
    if let UpTo::Sequence(last) = up_to
        && first > last
    {
        return Ok(folded);
    }
    let much = reader.len().saturating_sub(first) >= RECORDS_FOR_A_THREAD;
    let threads = if much { usual_threads() } else { 1 };
    let read = reader.cursor(first)?.in_chunks(Told::read);
    // Why it ends is known by what was folded.
    let _ended = read_ahead(threads, read, |told| {
        if told.is_beyond(up_to) {
            return Ok(ControlFlow::Break(()));
        }
        let Told { sequence, time, .. } = *told;
        match &told.event {
            Some(event) => {
                watch(&folded.world, event, sequence, time);
                folded.evolve(event, sequence, time);
            }
            None => folded.records = sequence.saturating_add(1),
        }
        let last = up_to == UpTo::Sequence(sequence);
        Ok(if last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(folded)
}
