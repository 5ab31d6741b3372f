//! What lies behind the last frame of a segment: zeroes, or what a crash left there.

use std::io;

use super::walk::SegmentFile;
use crate::hash::{DeadBytesHasher, Digest};

/// Bytes looked at in one go.
const CHUNK_BYTES: usize = 1 << 20;

/// True when every byte from `offset` to the end of the file is zero.
///
/// # Errors
/// As the system says.
pub(super) fn is_zero(file: &mut SegmentFile, offset: u64) -> io::Result<bool> {
    Ok(last_nonzero(file, offset)?.is_none())
}

/// Returns one past the last byte at or after `offset` that is not zero.
///
/// # Errors
/// As the system says.
pub(super) fn last_nonzero(file: &mut SegmentFile, offset: u64) -> io::Result<Option<u64>> {
    let mut found = None;
    each_chunk(file, offset, u64::MAX, |at, bytes| {
        if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
            found = Some(at + last as u64 + 1);
        }
    })?;
    Ok(found)
}

/// Returns the BLAKE3 digest of the bytes from `offset` to `end`.
///
/// # Errors
/// As the system says.
pub(super) fn dead_digest(file: &mut SegmentFile, offset: u64, end: u64) -> io::Result<Digest> {
    let mut hasher = DeadBytesHasher::default();
    each_chunk(file, offset, end, |_, bytes| hasher.update(bytes))?;
    Ok(hasher.finish())
}

fn each_chunk(
    file: &mut SegmentFile,
    mut offset: u64,
    end: u64,
    mut take: impl FnMut(u64, &[u8]),
) -> io::Result<()> {
    while offset < end {
        let wanted = usize::try_from(end - offset).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        let bytes = file.get(offset, wanted)?;
        if bytes.is_empty() {
            break;
        }
        take(offset, bytes);
        offset += bytes.len() as u64;
    }
    Ok(())
}

/// Returns the place of the first byte at or after `offset` that is not zero.
///
/// # Errors
/// As the system says.
pub(super) fn next_nonzero(file: &mut SegmentFile, mut offset: u64) -> io::Result<Option<u64>> {
    loop {
        let bytes = file.get(offset, CHUNK_BYTES)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        if let Some(place) = bytes.iter().position(|byte| *byte != 0) {
            return Ok(Some(offset + place as u64));
        }
        offset += bytes.len() as u64;
    }
}
