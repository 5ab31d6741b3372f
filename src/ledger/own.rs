//! The ledger's own records: what its writer says about frames and keys.
//!
//! They count in the tree like any other, at the wall clock's time. Nothing of a simulated run
//! depends on them.

use super::batch::Batch;
use super::error::LedgerError;
use super::frame::{FLAG_ORDERED, FRAME_ALIGNMENT, FRAME_HEADER_BYTES};
use super::options::Head;
use super::writer::Writer;
use crate::event::{
    Actor, ChainAnchor, Class, ClockSource, ClockStatus, Payload, Stamp, SubjectId, SystemEvent,
    Vantage,
};
use crate::time::Timestamp;

impl<P: Payload> Writer<P> {
    /// Appends an event of the ledger itself, durable when it returns, and returns its sequence.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn append_system(&mut self, event: &SystemEvent) -> Result<u64, LedgerError> {
        let stamp = own_stamp(self.files.host.now());
        self.append_own(event, &stamp)
    }

    /// Appends an event of the ledger itself with personal fields: its record names the erasure key
    /// of `subject`, and the operator as who did and saw it. Durable when it returns.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn append_about(
        &mut self,
        subject: SubjectId,
        event: &SystemEvent,
    ) -> Result<u64, LedgerError> {
        let stamp = Stamp {
            vantage: Vantage::Operator,
            actor: Actor::OPERATOR,
            erasure_key: Some(subject),
            ..own_stamp(self.files.host.now())
        };
        self.append_own(event, &stamp)
    }

    fn append_own(&mut self, event: &SystemEvent, stamp: &Stamp) -> Result<u64, LedgerError> {
        let mut step: Batch<P> = Batch::new();
        step.push_any(event, stamp)?;
        let sequence = self.next_sequence();
        self.append(&step)?;
        self.sync()?;
        Ok(sequence)
    }

    /// Appends a [`ChainAnchor`] for `key`, alone in its frame and proven durable, and returns the
    /// head that ends with it: what a checkpoint by this key then signs.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn anchor(&mut self, key: &str) -> Result<Head, LedgerError> {
        self.sync()?;
        let mut step: Batch<P> = Batch::new();
        let now = self.files.host.now();
        // The record's length does not depend on the numbers in it; where the frame will be is
        // known only once it is sure to fit.
        let mut roll_if_full = true;
        loop {
            step.clear();
            let (frame, link) = (self.position.number, self.position.link);
            let anchor = ChainAnchor { frame, link, key: key.to_owned() };
            step.push_any(&SystemEvent::ChainAnchor(anchor), &own_stamp(now))?;
            let bytes = (FRAME_HEADER_BYTES + step.bytes.len()).next_multiple_of(FRAME_ALIGNMENT);
            let end = self.position.offset + bytes as u64;
            if !roll_if_full || end <= self.segment.header.frames_end_max() {
                break;
            }
            self.roll(bytes as u64)?;
            roll_if_full = false;
        }
        self.pending.extend_from_slice(&step.bytes);
        self.pending_count = step.count;
        self.write_frame(FLAG_ORDERED, self.pending.len().next_multiple_of(FRAME_ALIGNMENT))?;
        self.sync_segment()?;
        self.prove_last_frame()?;
        self.head()
    }

    /// Adds an empty frame that proves the last one, unless it is proven or empty itself.
    pub(super) fn prove_last_frame(&mut self) -> Result<(), LedgerError> {
        self.check_alive()?;
        if self.last_frame_empty || self.pending_count > 0 {
            return Ok(());
        }
        self.write_frame(FLAG_ORDERED, FRAME_HEADER_BYTES)?;
        self.sync_segment()
    }

    pub(super) fn tell_recoveries(&mut self, untold: &[SystemEvent]) -> Result<(), LedgerError> {
        if untold.is_empty() {
            return Ok(());
        }
        let mut step: Batch<P> = Batch::new();
        for event in untold {
            let stamp = own_stamp(self.files.host.now());
            step.push_any(event, &stamp)?;
        }
        self.append(&step)?;
        self.sync()
    }
}

/// The stamp of the ledger's own events: facts of frames and keys, at the wall clock's time.
fn own_stamp(now: Timestamp) -> Stamp {
    Stamp {
        actor: Actor::LEDGER,
        clock: ClockSource::System,
        clock_status: ClockStatus::BestEffort,
        ..Stamp::new(Class::System, Vantage::SelfReported, now)
    }
}
