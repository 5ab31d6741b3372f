//! The end of a packed file: how long the original is, where its blocks lie, and their checksums.
//!
//! Two skippable frames, which a zstd decoder passes over. The first is ours; the second is the
//! seek table of zstd's seekable format, so that other tools find the blocks as well. One checksum
//! covers all of both. Where they are damaged the blocks are found by walking over them: each is a
//! zstd frame of its own, with a checksum of its own, so a damaged table costs no record.

use std::io;

use super::codec::frame_at;
use crate::ledger::disk::{DiskFile, ended_early};
use crate::ledger::segment::SEGMENT_HEADER_BYTES;

/// Bytes of the original in each block but the last, which has the rest.
pub const BLOCK_BYTES: usize = 64 << 10;
/// The most bytes that a block may take.
pub const STORED_BYTES_MAX: usize = BLOCK_BYTES + (BLOCK_BYTES >> 8) + 64;
/// The longest original that is packed: with it are bounded the table, and what a file unpacks to.
pub const ORIGINAL_BYTES_MAX: u64 = 4 << 30;
/// What begins the checks, behind the head of their frame.
pub const PACKED_MAGIC: [u8; 8] = *b"\x89SWBZST\n";
/// The version that this program writes.
pub const PACKED_VERSION: u16 = 1;
/// Bytes that end the seek table.
const FOOTER_BYTES: usize = 9;

/// Blocks of the longest original.
const BLOCKS_MAX: u64 = ORIGINAL_BYTES_MAX / BLOCK_BYTES as u64;
/// Skippable frame that a decoder passes over; the number is of our choice.
const CHECKS_FRAME: u32 = 0x184d_2a5b;
/// Skippable frame that holds a seek table.
const SEEK_FRAME: u32 = 0x184d_2a5e;
const SEEK_MAGIC: u32 = 0x8f92_eab1;
/// Where the checks hold the original's header once more.
const HEADER_AT: usize = 36;
/// Bytes of the checks before the blocks' checksums.
const CHECKS_BYTES: usize = HEADER_AT + SEGMENT_HEADER_BYTES;

/// The checks' first fields as (name, offset, bytes), the same as in `FORMAT.md`.
pub const CHECKS_LAYOUT: &[(&str, usize, usize)] = &[
    ("frame magic", 0, 4),
    ("frame length", 4, 4),
    ("magic", 8, 8),
    ("checksum", 16, 4),
    ("version", 20, 2),
    ("reserved", 22, 2),
    ("original length", 24, 8),
    ("block length", 32, 4),
    ("segment header", HEADER_AT, SEGMENT_HEADER_BYTES),
];

/// The first bytes of a segment.
pub(super) type Header = [u8; SEGMENT_HEADER_BYTES];

/// Where a block lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) offset: u64,
    pub(super) stored: u32,
    /// CRC-32C of the stored bytes, where a sound table says it.
    pub(super) checksum: Option<u32>,
}

/// What is known of a packed file before a block is read.
pub(super) struct Table {
    pub(super) blocks: Vec<Block>,
    /// The original's length.
    pub(super) len: u64,
    /// The original's first bytes, where a sound table says them. Without its header nothing of a
    /// segment can be judged, so they are kept apart from the block that holds them.
    pub(super) header: Option<Header>,
    /// What should be at the end and is not.
    pub(super) damage: Option<&'static str>,
}

impl Table {
    /// Reads the end of a file; where it is not sound, finds the blocks without it.
    ///
    /// # Errors
    /// As the system says; [`io::ErrorKind::Unsupported`] for a sound end of a later version.
    pub(super) fn read(file: &dyn DiskFile) -> io::Result<Self> {
        match read_sound(file)? {
            Ok(table) => Ok(table),
            Err(damage) => walk(file, damage),
        }
    }
}

/// Bytes of the end of a file with so many blocks.
const fn end_bytes(blocks: usize) -> usize {
    CHECKS_BYTES + 4 * blocks + 8 + 8 * blocks + FOOTER_BYTES
}

/// How long a block of an original is.
pub(super) fn block_len(len: u64, place: usize) -> usize {
    let left = len.saturating_sub(place as u64 * BLOCK_BYTES as u64);
    usize::try_from(left).unwrap_or(usize::MAX).min(BLOCK_BYTES)
}

/// The end of a file, from the stored length and the checksum of each block.
pub(super) fn encode(blocks: &[(u32, u32)], len: u64, header: &Header) -> Vec<u8> {
    let count = blocks.len() as u32;
    let mut end = Vec::with_capacity(end_bytes(blocks.len()));
    end.extend_from_slice(&CHECKS_FRAME.to_le_bytes());
    end.extend_from_slice(&(CHECKS_BYTES as u32 - 8 + 4 * count).to_le_bytes());
    end.extend_from_slice(&PACKED_MAGIC);
    end.extend_from_slice(&[0; 4]);
    end.extend_from_slice(&PACKED_VERSION.to_le_bytes());
    end.extend_from_slice(&[0; 2]);
    end.extend_from_slice(&len.to_le_bytes());
    end.extend_from_slice(&(BLOCK_BYTES as u32).to_le_bytes());
    end.extend_from_slice(header);
    for (_, checksum) in blocks {
        end.extend_from_slice(&checksum.to_le_bytes());
    }
    end.extend_from_slice(&SEEK_FRAME.to_le_bytes());
    end.extend_from_slice(&(8 * count + FOOTER_BYTES as u32).to_le_bytes());
    for (place, (stored, _)) in blocks.iter().enumerate() {
        end.extend_from_slice(&stored.to_le_bytes());
        end.extend_from_slice(&(block_len(len, place) as u32).to_le_bytes());
    }
    end.extend_from_slice(&count.to_le_bytes());
    end.push(0);
    end.extend_from_slice(&SEEK_MAGIC.to_le_bytes());
    let checksum = checksum_of(&end);
    end[16..20].copy_from_slice(&checksum.to_le_bytes());
    end
}

/// CRC-32C of the end of a file, but for the four bytes that hold it.
fn checksum_of(end: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&end[..16]), &end[20..])
}

/// Reads the end of a file, or says what should be there.
fn read_sound(file: &dyn DiskFile) -> io::Result<Result<Table, &'static str>> {
    const WHOLE: &str = "a seek table that ends the file";
    let size = file.len()?;
    let Some(at) = size.checked_sub(end_bytes(1) as u64) else { return Ok(Err(WHOLE)) };
    let mut footer = [0; FOOTER_BYTES];
    read_exactly(file, &mut footer, at + (end_bytes(1) - FOOTER_BYTES) as u64)?;
    let count = u32_at(&footer, 0);
    // Bounded by the longest original and by the file before it is believed.
    let plausible = (1..=BLOCKS_MAX).contains(&u64::from(count));
    let bytes = end_bytes(if plausible { count as usize } else { 1 });
    let Some(blocks_end) = size.checked_sub(bytes as u64).filter(|_| plausible) else {
        return Ok(Err(WHOLE));
    };
    let mut end = vec![0; bytes];
    read_exactly(file, &mut end, blocks_end)?;
    if u32_at(&end, 16) != checksum_of(&end) {
        return Ok(Err("the checksum of the table"));
    }
    if end[8..16] == PACKED_MAGIC && end[20..22] != PACKED_VERSION.to_le_bytes() {
        let version = u16::from_le_bytes([end[20], end[21]]);
        let what = format!("packed with version {version}: this program reads {PACKED_VERSION}");
        return Err(io::Error::new(io::ErrorKind::Unsupported, what));
    }
    Ok(decode(&end, count as usize, blocks_end).ok_or("a table that fits its blocks"))
}

/// Reads an end whose checksum holds. What follows from its fields is made again and compared, so
/// one table has one encoding.
fn decode(end: &[u8], count: usize, blocks_end: u64) -> Option<Table> {
    let len = u64::from(u32_at(end, 24)) | u64::from(u32_at(end, 28)) << 32;
    if len > ORIGINAL_BYTES_MAX || len.div_ceil(BLOCK_BYTES as u64) != count as u64 {
        return None;
    }
    let lengths = CHECKS_BYTES + 4 * count + 8;
    let listed: Vec<(u32, u32)> = (0..count)
        .map(|place| (u32_at(end, lengths + 8 * place), u32_at(end, CHECKS_BYTES + 4 * place)))
        .collect();
    let mut header = [0; SEGMENT_HEADER_BYTES];
    header.copy_from_slice(&end[HEADER_AT..CHECKS_BYTES]);
    if encode(&listed, len, &header) != end {
        return None;
    }
    let mut blocks = Vec::with_capacity(count);
    let mut offset = 0;
    for (stored, checksum) in listed {
        if !(1..=STORED_BYTES_MAX as u64).contains(&u64::from(stored)) {
            return None;
        }
        blocks.push(Block { offset, stored, checksum: Some(checksum) });
        offset += u64::from(stored);
    }
    (offset == blocks_end).then_some(Table { blocks, len, header: Some(header), damage: None })
}

/// Finds the blocks one after the other, as far as they are whole zstd frames of the right length.
fn walk(file: &dyn DiskFile, damage: &'static str) -> io::Result<Table> {
    let size = file.len()?;
    let (mut blocks, mut offset, mut len) = (Vec::new(), 0, 0);
    let mut bytes = vec![0; STORED_BYTES_MAX];
    while offset < size && len % BLOCK_BYTES as u64 == 0 && (blocks.len() as u64) < BLOCKS_MAX {
        let left = usize::try_from(size - offset).unwrap_or(usize::MAX).min(bytes.len());
        read_exactly(file, &mut bytes[..left], offset)?;
        let Some((stored, content)) = frame_at(&bytes[..left]) else { break };
        if !(1..=BLOCK_BYTES as u64).contains(&content) || stored == 0 {
            break;
        }
        blocks.push(Block { offset, stored: stored as u32, checksum: None });
        offset += stored as u64;
        len += content;
    }
    Ok(Table { blocks, len, header: None, damage: Some(damage) })
}

/// Fills `bytes` from a place that the file has.
pub(super) fn read_exactly(file: &dyn DiskFile, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    if file.read_at(bytes, offset)? < bytes.len() { Err(ended_early()) } else { Ok(()) }
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    let mut field = [0; 4];
    field.copy_from_slice(&bytes[offset..offset + 4]);
    u32::from_le_bytes(field)
}
