//! Ended segments, compressed: a file that is read as if the original stood there.
//!
//! ```text
//! NNN.seg.zst = block 0, block 1, ...     zstd frames of 64 KiB of the original each
//!               checks                    a skippable frame: lengths, and a CRC-32C a block
//!               seek table                a skippable frame, as in zstd's seekable format
//! ```
//!
//! `zstd -d` gives the original, so a packed log needs no program of ours to be read.
//!
//! Invariants: offsets, lengths, links and faults are those of the original; a block is unpacked
//! into memory of its length and never beyond, and what a file says of itself is bounded before it
//! is believed; every byte is covered by a checksum, so that any flipped bit is damage; the
//! original goes only after every byte of its copy was read back. `FORMAT.md` has every byte.

mod codec;
mod file;
mod table;
mod work;

use std::path::{Path, PathBuf};

use super::disk::with_suffix;
use super::segment::index_of;
pub(super) use file::{Damage, PackedFile};
pub use table::{
    BLOCK_BYTES, CHECKS_LAYOUT, ORIGINAL_BYTES_MAX, PACKED_MAGIC, PACKED_VERSION, STORED_BYTES_MAX,
};
pub use work::{Packing, pack, unpack};

/// How the name of a packed segment ends, after that of the original.
pub const PACKED_SUFFIX: &str = ".zst";
/// The check that a damaged table fails: no byte of the log is concerned.
pub(crate) const TABLE_CHECK: &str = "packed table";
/// The check that a damaged block fails.
pub(crate) const BLOCK_CHECK: &str = "packed block";

/// Where the packed copy of a segment stands.
#[must_use]
pub fn packed_path(segment: &Path) -> PathBuf {
    with_suffix(segment, PACKED_SUFFIX)
}

/// Returns the index that the name of a packed segment states, if it is one.
#[must_use]
pub fn packed_index_of(name: &str) -> Option<u64> {
    index_of(name.strip_suffix(PACKED_SUFFIX)?)
}

/// Returns the index that the name of a segment states, packed or not, if it is one.
pub(crate) fn stored_index_of(name: &str) -> Option<u64> {
    index_of(name).or_else(|| packed_index_of(name))
}
