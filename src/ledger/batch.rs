//! One step: records that go into the log together or not at all.

use std::marker::PhantomData;

use super::frame::RECORD_PREFIX_BYTES;
use crate::event::{Payload, RecordError, Stamp, encode_record};

/// The records of one step, encoded as a frame will hold them.
///
/// A batch is reused: [`Batch::clear`] keeps its memory.
#[derive(Debug, Clone)]
pub struct Batch<P> {
    pub(super) bytes: Vec<u8>,
    pub(super) count: u32,
    /// (place in the step, key) of records that carry an idempotency key.
    pub(super) keys: Vec<(u32, [u8; 16])>,
    events: PhantomData<fn() -> P>,
}

impl<P> Default for Batch<P> {
    fn default() -> Self {
        Self { bytes: Vec::new(), count: 0, keys: Vec::new(), events: PhantomData }
    }
}

impl<P: Payload> Batch<P> {
    /// Returns an empty step.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one record and returns its place in the step.
    ///
    /// # Errors
    /// [`RecordError`] when the record cannot be written; the step is then as before.
    pub fn push(&mut self, payload: &P, stamp: &Stamp) -> Result<u32, RecordError> {
        self.push_any(payload, stamp)
    }

    /// Adds a record of any event type: the ledger's own events are not `P`.
    pub(super) fn push_any<Q: Payload>(
        &mut self,
        payload: &Q,
        stamp: &Stamp,
    ) -> Result<u32, RecordError> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; RECORD_PREFIX_BYTES]);
        let length = match encode_record(payload, stamp, &mut self.bytes) {
            Ok(length) => length,
            Err(error) => {
                self.bytes.truncate(start);
                return Err(error);
            }
        };
        let prefix = u16::try_from(length).map_err(|_| RecordError::Long { bytes: length })?;
        self.bytes[start..start + RECORD_PREFIX_BYTES].copy_from_slice(&prefix.to_le_bytes());
        let place = self.count;
        if let Some(key) = stamp.idempotency_key {
            self.keys.push((place, key));
        }
        self.count += 1;
        Ok(place)
    }

    /// How many records the step holds.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.count
    }

    /// How many bytes its records take in a frame.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// True when the step holds no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Forgets the records and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.keys.clear();
        self.count = 0;
    }
}
