//! The one door to zstd: one block at a time, into memory whose length is known before.

use std::io;

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{find_frame_compressed_size, get_frame_content_size};

/// How hard is tried to make a block small; what it costs and brings is in `DECISIONS.md`.
const LEVEL: i32 = 3;

/// Makes blocks small.
pub(super) struct Packer(Compressor<'static>);

impl Packer {
    pub(super) fn new() -> io::Result<Self> {
        let mut compressor = Compressor::new(LEVEL)?;
        // Whoever unpacks without us has no other check.
        compressor.include_checksum(true)?;
        compressor.include_contentsize(true)?;
        Ok(Self(compressor))
    }

    pub(super) fn pack(&mut self, block: &[u8]) -> io::Result<Vec<u8>> {
        self.0.compress(block)
    }
}

/// Brings blocks back.
pub(super) struct Unpacker(Decompressor<'static>);

impl Unpacker {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(Decompressor::new()?))
    }

    /// Fills `block`, or returns false where the stored bytes do not come to exactly that. Nothing
    /// is ever written behind it, and no other memory grows with what the bytes claim.
    pub(super) fn unpack(&mut self, stored: &[u8], block: &mut [u8]) -> bool {
        let wanted = block.len();
        self.0.decompress_to_buffer(stored, block).is_ok_and(|given| given == wanted)
    }
}

/// The length of the zstd frame at the beginning of `bytes`, and what it says to hold.
pub(super) fn frame_at(bytes: &[u8]) -> Option<(usize, u64)> {
    let content = get_frame_content_size(bytes).ok()??;
    Some((find_frame_compressed_size(bytes).ok()?, content))
}
