//! A ledger as an embedding program holds it: record what happens, fold what happened.
//!
//! [`Ledger`] is a [`Writer`] that stamps events by itself, and a [`Reader`] where it is asked what
//! was; whoever needs more (several producers, steps of several records, causes) takes those.
//!
//! Invariants: what [`Ledger::record`] acknowledged is durable and survives any crash; a fold sees
//! every record that was acknowledged, in order, each with its link checked.

use std::path::{Path, PathBuf};

use super::{
    Appended, Batch, Entry, Head, LedgerError, Reader, SyncMode, Writer, WriterOptions, decode,
};
use crate::event::{Class, ClockSource, Envelope, Payload, Stamp, Vantage};

/// An event of a log, at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded<P> {
    /// Its position, from 0, gapless.
    pub sequence: u64,
    /// What the log says about it: kind, time, who saw it, which record caused it.
    pub envelope: Envelope,
    /// What happened.
    pub event: P,
}

/// A program's own ledger, open for writing.
///
/// # Examples
/// ```
/// use schwabot::ledger::Ledger;
///
/// schwabot::own_events! {
///     pub enum Till in b"till of the shop" {
///         0x0100 version 1: PaidIn(i64),
///         0x0101 version 1: PaidOut(i64),
///     }
/// }
/// let balance = |sum: &mut i64, event: &Till| match event {
///     Till::PaidIn(cents) => *sum += cents,
///     Till::PaidOut(cents) => *sum -= cents,
/// };
///
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("till");
/// let mut till = Ledger::open(&path)?;
/// till.record(&Till::PaidIn(500))?; // durable when it returns
/// till.record(&Till::PaidOut(120))?;
/// assert_eq!(till.fold(0, |sum, recorded| balance(sum, &recorded.event))?, 380);
/// let head = till.close()?;
/// assert_eq!(head.size, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Ledger<P> {
    path: PathBuf,
    options: WriterOptions,
    writer: Writer<P>,
    /// Kept from event to event for its memory.
    step: Batch<P>,
}

impl<P: Payload> Ledger<P> {
    /// Opens the ledger at `path`, or makes a new one; what a crash left is recovered.
    ///
    /// # Errors
    /// As [`Writer::open`]: another writer, another program's ledger, damage.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, LedgerError> {
        Self::open_with(path, &WriterOptions::default())
    }

    /// As [`Ledger::open`], with other segments, disk, clock, or moment of durability.
    ///
    /// # Errors
    /// As there.
    pub fn open_with(path: impl AsRef<Path>, options: &WriterOptions) -> Result<Self, LedgerError> {
        let path = path.as_ref().to_owned();
        let writer = Writer::open(&path, options)?;
        Ok(Self { path, options: options.clone(), writer, step: Batch::new() })
    }

    /// Returns a stamp that says: this program saw it, now, by the machine's clock.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        let now = self.options.host.now();
        let stamp = Stamp::new(Class::Input, Vantage::SelfReported, now);
        Stamp { clock: ClockSource::System, ..stamp }
    }

    /// Records one event that this program saw or did just now, and returns its sequence. A private
    /// one ([`Payload::is_private`]) gets a salt.
    ///
    /// # Errors
    /// As [`Ledger::record_as`].
    pub fn record(&mut self, event: &P) -> Result<u64, LedgerError> {
        let mut stamp = self.stamp();
        if event.is_private() {
            let mut salt = [0; 16];
            let drawn = self.options.host.random(&mut salt);
            drawn.map_err(super::at("draw a salt for", &self.path))?;
            stamp.salt = Some(salt);
        }
        let sequence = self.writer.next_sequence();
        self.record_as(event, &stamp)?;
        Ok(sequence)
    }

    /// Records one event under a stamp of the caller: another time, vantage or cause, or an
    /// idempotency key, with which recording the same twice records it once.
    ///
    /// # Errors
    /// [`LedgerError::Unwritable`] for an event that cannot be written; failures as
    /// [`Writer::append`].
    pub fn record_as(&mut self, event: &P, stamp: &Stamp) -> Result<Appended, LedgerError> {
        self.step.clear();
        self.step.push(event, stamp)?;
        self.writer.append(&self.step)
    }

    /// Records a step: all its events or none.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn append(&mut self, step: &Batch<P>) -> Result<Appended, LedgerError> {
        self.writer.append(step)
    }

    /// Returns how many records there are, the ledger's own included.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.writer.next_sequence()
    }

    /// True when nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Folds every event there is into `state`, in order.
    ///
    /// # Errors
    /// Damage, and failures of the machine.
    pub fn fold<S>(
        &mut self,
        state: S,
        evolve: impl FnMut(&mut S, Recorded<P>),
    ) -> Result<S, LedgerError> {
        // A reader beside a writer sees what is proven durable, and this writer's last frame is
        // proven by the one that follows it.
        if self.options.sync == SyncMode::End {
            self.writer.sync()?;
        }
        self.writer.prove_last_frame()?;
        let reader: Reader<P> =
            Reader::open_on(std::sync::Arc::clone(&self.options.disk), &self.path)?;
        reader.fold(state, evolve)
    }

    /// Makes everything durable; for options that leave it to the end.
    ///
    /// # Errors
    /// As [`Writer::sync`].
    pub fn sync(&mut self) -> Result<(), LedgerError> {
        self.writer.sync()
    }

    /// Makes everything durable, ends the ledger, and returns its head: what a checkpoint signs.
    ///
    /// # Errors
    /// As [`Writer::close`].
    pub fn close(self) -> Result<Head, LedgerError> {
        self.writer.close()
    }

    /// Gives the writer back, for [`GroupWriter`](super::GroupWriter) and for checkpoints.
    #[must_use]
    pub fn into_writer(self) -> Writer<P> {
        self.writer
    }
}

impl<P: Payload> Reader<P> {
    /// Folds every event of the program into `state`, in order; the ledger's own are passed over.
    ///
    /// # Errors
    /// Damage, events of a later version, and failures of the machine.
    pub fn fold<S>(
        &self,
        mut state: S,
        mut evolve: impl FnMut(&mut S, Recorded<P>),
    ) -> Result<S, LedgerError> {
        self.for_each(0, |record| {
            let sequence = record.sequence;
            let decoded = decode(&record);
            let (envelope, entry) =
                decoded.map_err(|source| LedgerError::Record { sequence, source })?;
            if let Entry::Event(event) = entry {
                evolve(&mut state, Recorded { sequence, envelope, event });
            }
            Ok::<_, LedgerError>(())
        })?;
        Ok(state)
    }
}
