//! A sealed segment's sparse index: where to begin reading for a sequence, and the tree's frontier
//! at the segment's end, so that opening a long ledger reads only its last segment.
//!
//! It is derived: delete it and nothing is lost but time. Places are checked against the frames
//! that are there. The frontier and the count of keys are *believed* by the next writer once
//! checksum, ledger and end link fit: whoever can forge an index can make that writer print a
//! wrong root or forget keys. `verify` believes no index and computes every root anew.

use std::io;

use super::disk::{Disk, read_whole, write_anew};
use super::layout::Layout;
use super::segment::LedgerId;
use super::walk::Position;
use crate::event::wire::{self, Decode, Encode};
use crate::hash::Digest;
use crate::merkle::CompactRange;

/// A place is kept for at least this many bytes of frames.
pub const INDEX_STEP_BYTES: u64 = 256 << 10;
/// The first eight bytes of an index.
pub const INDEX_MAGIC: [u8; 8] = *b"SWBIDX\x00\x01";
const INDEX_BYTES_MAX: usize = 8 << 20;

/// A frame's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Place {
    /// Sequence of its first record.
    pub sequence: u64,
    /// Its number.
    pub number: u64,
    /// Where it begins.
    pub offset: u64,
    /// The link it continues.
    pub previous: Digest,
}

impl From<Place> for Position {
    fn from(place: Place) -> Self {
        Self {
            offset: place.offset,
            number: place.number,
            sequence: place.sequence,
            link: place.previous,
        }
    }
}

/// What is kept beside a sealed segment.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SegmentIndex {
    /// The ledger.
    pub ledger: LedgerId,
    /// The segment.
    pub segment: u64,
    /// Link of its last frame.
    pub end_link: Digest,
    /// Sequence after its last record.
    pub next_sequence: u64,
    /// Records with an idempotency key.
    pub keyed_records: u64,
    /// The tree's frontier after its last record, largest subtree first.
    pub frontier: Vec<Digest>,
    /// Some of its frames, in order.
    pub places: Vec<Place>,
}

impl SegmentIndex {
    /// Returns the last kept place at or before `sequence`.
    #[must_use]
    pub fn place_before(&self, sequence: u64) -> Option<Place> {
        let after = self.places.partition_point(|place| place.sequence <= sequence);
        after.checked_sub(1).map(|index| self.places[index])
    }

    /// Returns the tree of all records up to the segment's end.
    #[must_use]
    pub fn tree(&self) -> Option<CompactRange> {
        CompactRange::from_frontier(self.next_sequence, &self.frontier)
    }

    /// Writes the index beside its segment, replacing an older one. Not synced: it is derived.
    ///
    /// # Errors
    /// As the system says.
    pub fn write(&self, disk: &dyn Disk, layout: &Layout) -> io::Result<()> {
        let mut bytes = INDEX_MAGIC.to_vec();
        bytes.extend_from_slice(&[0; 4]);
        wire::encode(self, &mut bytes).map_err(io::Error::other)?;
        let checksum = crc32c::crc32c(&bytes[12..]);
        bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
        write_anew(disk, &layout.index(self.segment), &bytes)
    }

    /// Reads a segment's index, or `None` where there is none that can be believed.
    #[must_use]
    pub fn read(disk: &dyn Disk, layout: &Layout, ledger: LedgerId, segment: u64) -> Option<Self> {
        let bytes = read_whole(disk, &layout.index(segment), INDEX_BYTES_MAX).ok()?;
        let body = bytes.get(12..)?;
        let stated: [u8; 4] = bytes.get(8..12)?.try_into().ok()?;
        if bytes[..8] != INDEX_MAGIC || u32::from_le_bytes(stated) != crc32c::crc32c(body) {
            return None;
        }
        let index: Self = wire::decode(body).ok()?;
        (index.ledger == ledger && index.segment == segment).then_some(index)
    }
}
