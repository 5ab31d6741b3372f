//! What a disk and this ledger on it can do, measured side by side.
//!
//! The bare loops (write and sync, hash, scan) do the least that the same promise needs; what the
//! ledger does is measured beside them with the same bytes and the same durability. `schwabot
//! bench` shows it on a user's own disk, and `benches/` sets other logs beside it.
//!
//! Invariants: nothing is compared that promises less; a durable append counts from before the
//! call to its acknowledgement; every measured ledger is read back or closed without an error.
//!
//! # Examples
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use schwabot::measure::{Work, append};
//! let dir = tempfile::tempdir()?;
//! let work = Work { commits: 10, records: 100 };
//! let bare = append::bare_growing(dir.path(), work)?;
//! let ledger = append::each_waited_for(dir.path(), work)?;
//! assert_eq!((bare.records, ledger.records), (1000, 1000));
//! println!("{} of {} records a second", ledger.per_second(), bare.per_second());
//! # Ok(())
//! # }
//! ```

pub mod append;
pub mod read;
pub mod suite;

use std::time::Duration;

use crate::audit::AuditError;
use crate::event::wire::{self, Decode, DecodeError, Encode, EncodeError};
use crate::event::{Class, Payload, Stamp, Vantage};
use crate::ledger::LedgerError;
use crate::projections::ProjectionError;
use crate::time::Timestamp;

/// The name of the measured ledger in its directory.
pub const LEDGER: &str = "ledger";
/// Bytes of the record of a [`Block`].
pub const RECORD_BYTES: usize = 256;
/// What the envelope of its record takes.
const ENVELOPE_BYTES: usize = 40;
const PAYLOAD_BYTES: usize = RECORD_BYTES - ENVELOPE_BYTES;

/// The event that is appended: its record has exactly [`RECORD_BYTES`].
#[derive(Clone, Copy, Encode, Decode)]
pub struct Block(pub [u8; PAYLOAD_BYTES]);

impl Block {
    /// Returns the block of a number; no two are alike.
    #[must_use]
    pub fn of(number: u64) -> Self {
        let mut bytes = [7; PAYLOAD_BYTES];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Self(bytes)
    }
}

impl Payload for Block {
    const APPLICATION: [u8; 16] = *b"benchmark-blocks";
    fn kind(&self) -> u16 {
        0x0100
    }
    fn schema(&self) -> u16 {
        1
    }
    fn encode_payload(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        wire::encode(self, out)
    }
    fn decode_payload(kind: u16, schema: u16, bytes: &[u8]) -> Result<Self, DecodeError> {
        match (kind, schema) {
            (0x0100, 1) => wire::decode(bytes),
            _ => Err(DecodeError::UnknownKind { kind, schema }),
        }
    }
}

/// How much is appended: so many commits of so many records each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Commits.
    pub commits: u64,
    /// Records of a commit.
    pub records: u64,
}

impl Work {
    /// All its records.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.commits * self.records
    }
}

/// What was done in which time.
#[derive(Debug, Clone, Default)]
pub struct Reached {
    /// Records.
    pub records: u64,
    /// From the first call to the last answer.
    pub elapsed: Duration,
    /// The time each commit took to its acknowledgement, sorted; empty where that has no meaning.
    pub waits: Vec<Duration>,
}

impl Reached {
    /// Sorts the waits.
    #[must_use]
    pub fn new(records: u64, elapsed: Duration, mut waits: Vec<Duration>) -> Self {
        waits.sort_unstable();
        Self { records, elapsed, waits }
    }

    /// Records a second, rounded down.
    #[must_use]
    pub fn per_second(&self) -> u64 {
        let nanos = self.elapsed.as_nanos().max(1);
        u64::try_from(u128::from(self.records) * 1_000_000_000 / nanos).unwrap_or(u64::MAX)
    }

    /// The wait that so many of a thousand commits did not exceed; `None` where none was timed.
    #[must_use]
    pub fn wait(&self, of_a_thousand: usize) -> Option<Duration> {
        let rank = (self.waits.len() * of_a_thousand).div_ceil(1000);
        self.waits.get(rank.max(1) - 1).copied()
    }
}

/// The measurement did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The disk or the ledger refused.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What was written could not be folded.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// What was written could not be checked.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// It was stopped before its end.
    #[error("stopped before all was measured")]
    Stopped,
    /// What was written is not what is there.
    #[error("measured {found} records where {expected} were appended")]
    Missing {
        /// What was appended.
        expected: u64,
        /// What was found.
        found: u64,
    },
}

fn stamp() -> Stamp {
    Stamp::new(Class::Input, Vantage::Simulated, Timestamp::from_nanos(0))
}
