//! How a ledger is opened for writing, and what an append answers.

use std::ops::Range;
use std::sync::Arc;

use super::clock::{Host, Machine};
use super::disk::{Disk, RealDisk};
use super::segment::SEGMENT_BYTES_DEFAULT;
use crate::hash::Digest;
use crate::merkle::CompactRange;

/// When an append is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncMode {
    /// When it returns: a frame and a sync an append.
    Always,
    /// When [`sync`](super::Writer::sync) or [`close`](super::Writer::close) returns: frames are
    /// filled, synced at the end.
    End,
}

/// How a ledger is opened for writing.
#[derive(Clone)]
pub struct WriterOptions {
    /// When an append is durable.
    pub sync: SyncMode,
    /// Length of new segments; at least 1 KiB.
    pub segment_bytes: u64,
    /// Memory of the frames whose leaves may wait to be hashed beside the writer. Rather than
    /// exceed it the writer hashes leaves itself, of which 8 MiB more may wait, or those of one
    /// frame; with 0 it hashes all. As much again may be kept for what follows.
    pub tree_lag_bytes: usize,
    /// The storage.
    pub disk: Arc<dyn Disk>,
    /// The clock and the dice.
    pub host: Arc<dyn Host>,
}

impl Default for WriterOptions {
    /// Durable at every append, 64 MiB segments, 32 MiB that the tree may lag behind, the machine's
    /// own disk and clock.
    fn default() -> Self {
        Self {
            sync: SyncMode::Always,
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            tree_lag_bytes: 32 << 20,
            disk: Arc::new(RealDisk),
            host: Arc::new(Machine),
        }
    }
}

/// A segment that takes no space which the trimmed one of a few records would not use.
const FEW_RECORDS_SEGMENT_BYTES: u64 = 64 << 10;

impl WriterOptions {
    /// Returns these options for a ledger that is opened to append a few records and closed again.
    #[must_use]
    pub fn for_few_records(&self) -> Self {
        let segment_bytes = self.segment_bytes.min(FEW_RECORDS_SEGMENT_BYTES);
        Self { sync: SyncMode::Always, segment_bytes, ..self.clone() }
    }
}

/// The head of a log: how many records, and the RFC 6962 root over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Head {
    /// Records.
    pub size: u64,
    /// Root of the tree over their bytes.
    pub root: Digest,
}

impl Head {
    /// The head of a tree of all records; none of a range that begins later.
    #[must_use]
    pub(crate) fn of(tree: &CompactRange) -> Option<Self> {
        Some(Self { size: tree.end(), root: tree.root()? })
    }
}

/// What an append did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// The records have these sequences.
    New(Range<u64>),
    /// A record with the step's first key is there already; nothing was appended.
    Existing(u64),
}
