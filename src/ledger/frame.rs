//! One commit as bytes, and what can be wrong with it.
//!
//! A frame is a header of 88 bytes, its records (each behind a `u16` length), and zero padding to
//! 8 bytes. `FORMAT.md` has the table; [`LAYOUT`] is the same table for the test that holds the
//! two together.
//!
//! Invariants: a frame is at most [`FRAME_BYTES_MAX`] long and never crosses a segment; its header
//! checksum is checked before any other field is used; the link of a frame covers every stored
//! byte, header (which holds the link before) and padding included; SEAL and CLOSE are empty.

use crate::event::RecordRef;
use crate::event::record::{ENVELOPE_BYTES_MIN, RECORD_BYTES_MAX};
use crate::hash::{self, Digest};
use crate::time::Timestamp;

/// Bytes of a frame's header.
pub const FRAME_HEADER_BYTES: usize = 88;
/// The longest frame, header and padding included.
pub const FRAME_BYTES_MAX: usize = 16 << 20;
/// Frames begin at multiples of this.
pub const FRAME_ALIGNMENT: usize = 8;
/// Bytes of the length before each record.
pub const RECORD_PREFIX_BYTES: usize = 2;

/// No frame number or sequence is larger: no sum of an honest or forged one and what can follow it
/// overflows.
pub const NUMBER_MAX: u64 = 1 << 62;

/// Frame N was handed to the disk only after the sync of frame N-1 had returned.
pub const FLAG_ORDERED: u16 = 1 << 0;
/// The last frame of a segment that another one continues.
pub const FLAG_SEAL: u16 = 1 << 1;
/// The last frame of a ledger that was closed cleanly.
pub const FLAG_CLOSE: u16 = 1 << 2;
const FLAGS_KNOWN: u16 = FLAG_ORDERED | FLAG_SEAL | FLAG_CLOSE;

/// The header's fields as (name, offset, bytes), the same as in `FORMAT.md`.
pub const LAYOUT: &[(&str, usize, usize)] = &[
    ("header checksum", 0, 4),
    ("body checksum", 4, 4),
    ("flags", 8, 2),
    ("reserved", 10, 2),
    ("records length", 12, 4),
    ("frame number", 16, 8),
    ("first sequence", 24, 8),
    ("record count", 32, 4),
    ("epoch", 36, 4),
    ("watermark", 40, 8),
    ("commit time", 48, 8),
    ("previous link", 56, 32),
];

const _: () = {
    assert!(FRAME_HEADER_BYTES.is_multiple_of(FRAME_ALIGNMENT));
    assert!(FRAME_BYTES_MAX <= u32::MAX as usize);
    assert!(RECORD_BYTES_MAX <= u16::MAX as usize);
};

/// A frame's header, decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// CRC-32C of records and padding.
    pub body_checksum: u32,
    /// `FLAG_*` bits.
    pub flags: u16,
    /// Bytes of the records with their lengths, without padding.
    pub records_bytes: u32,
    /// The frame's number in the ledger, from 0, gapless.
    pub number: u64,
    /// Sequence of the first record; of the next one to come, in an empty frame.
    pub first_sequence: u64,
    /// How many records.
    pub count: u32,
    /// The writer's epoch.
    pub epoch: u32,
    /// All frames below this number were durable when this header was made.
    pub watermark: u64,
    /// When the frame was made, by the wall clock.
    pub commit_time: Timestamp,
    /// Link of the frame before, or of the segment's header.
    pub previous: Digest,
}

/// Why bytes are no frame of this segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The header's checksum does not fit its bytes and this segment's salt.
    #[error("frame header checksum")]
    HeaderChecksum,
    /// A field holds what no writer of this version writes.
    #[error("frame field `{field}`")]
    Field {
        /// The field's name in the format.
        field: &'static str,
    },
    /// The body's checksum does not fit.
    #[error("frame body checksum")]
    BodyChecksum,
    /// The lengths of the records do not fill the body.
    #[error("record lengths inside the frame")]
    RecordLengths,
    /// The padding is not zero.
    #[error("frame padding")]
    Padding,
}

impl FrameHeader {
    /// Reads a header, its checksum first.
    ///
    /// # Errors
    /// [`FrameError::HeaderChecksum`] for foreign or damaged bytes, [`FrameError::Field`] for a
    /// whole header that breaks a rule.
    pub fn decode(bytes: &[u8; FRAME_HEADER_BYTES], seed: u32) -> Result<Self, FrameError> {
        if u32_at(bytes, 0) != crc32c::crc32c_append(seed, &bytes[4..]) {
            return Err(FrameError::HeaderChecksum);
        }
        let header = Self {
            body_checksum: u32_at(bytes, 4),
            flags: u16::from_le_bytes(chunk(bytes, 8)),
            records_bytes: u32_at(bytes, 12),
            number: u64_at(bytes, 16),
            first_sequence: u64_at(bytes, 24),
            count: u32_at(bytes, 32),
            epoch: u32_at(bytes, 36),
            watermark: u64_at(bytes, 40),
            commit_time: Timestamp::from_nanos(i64::from_le_bytes(chunk(bytes, 48))),
            previous: Digest(chunk(bytes, 56)),
        };
        let broken = |field: &'static str| Err(FrameError::Field { field });
        let ends = header.flags & (FLAG_SEAL | FLAG_CLOSE);
        let records = header.records_bytes as usize;
        let least = header.count as usize * (RECORD_PREFIX_BYTES + ENVELOPE_BYTES_MIN);
        if header.flags & !FLAGS_KNOWN != 0 || ends == FLAG_SEAL | FLAG_CLOSE {
            return broken("flags");
        }
        if bytes[10..12] != [0, 0] {
            return broken("reserved");
        }
        if records > FRAME_BYTES_MAX - FRAME_HEADER_BYTES {
            return broken("records length");
        }
        if (header.count == 0) != (records == 0) || least > records {
            return broken("record count");
        }
        if ends != 0 && (header.count != 0 || header.flags & FLAG_ORDERED == 0) {
            return broken("flags");
        }
        if header.watermark > header.number {
            return broken("watermark");
        }
        if header.number > NUMBER_MAX {
            return broken("frame number");
        }
        if header.first_sequence > NUMBER_MAX {
            return broken("first sequence");
        }
        Ok(header)
    }

    /// Writes the header over the first 88 bytes of a frame whose body is in place, checksums
    /// included, and returns the frame's link.
    ///
    /// # Panics
    /// When `stored` is shorter than the frame that the header describes.
    pub fn encode_over(&mut self, stored: &mut [u8], seed: u32) -> Digest {
        let (head, body) = stored.split_at_mut(FRAME_HEADER_BYTES);
        self.body_checksum = crc32c::crc32c_append(seed, body);
        head[4..8].copy_from_slice(&self.body_checksum.to_le_bytes());
        head[8..10].copy_from_slice(&self.flags.to_le_bytes());
        head[10..12].fill(0);
        head[12..16].copy_from_slice(&self.records_bytes.to_le_bytes());
        head[16..24].copy_from_slice(&self.number.to_le_bytes());
        head[24..32].copy_from_slice(&self.first_sequence.to_le_bytes());
        head[32..36].copy_from_slice(&self.count.to_le_bytes());
        head[36..40].copy_from_slice(&self.epoch.to_le_bytes());
        head[40..48].copy_from_slice(&self.watermark.to_le_bytes());
        head[48..56].copy_from_slice(&self.commit_time.nanos().to_le_bytes());
        head[56..88].copy_from_slice(&self.previous.0);
        let checksum = crc32c::crc32c_append(seed, &head[4..]);
        head[0..4].copy_from_slice(&checksum.to_le_bytes());
        hash::link(stored)
    }

    /// Returns the bytes of the records and the padding.
    #[must_use]
    pub fn body_bytes(&self) -> usize {
        (self.records_bytes as usize).next_multiple_of(FRAME_ALIGNMENT)
    }

    /// Returns the bytes of the whole frame.
    #[must_use]
    pub fn frame_bytes(&self) -> usize {
        FRAME_HEADER_BYTES + self.body_bytes()
    }

    /// Sequence of the first record after this frame.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.first_sequence + u64::from(self.count)
    }

    /// True for a frame that ends a segment.
    #[must_use]
    pub const fn is_end(&self) -> bool {
        self.flags & (FLAG_SEAL | FLAG_CLOSE) != 0
    }

    /// All frames below this number are proven durable by this frame: its watermark, and the frame
    /// before it if it is ordered.
    #[must_use]
    pub fn proves_durable_below(&self) -> u64 {
        if self.flags & FLAG_ORDERED == 0 { self.watermark } else { self.number }
    }
}

/// Returns the checksum seed of a segment: CRC-32C of its salt.
#[must_use]
pub fn seed_of(salt: [u8; 8]) -> u32 {
    crc32c::crc32c(&salt)
}

/// A whole frame as stored.
#[derive(Debug, Clone, Copy)]
pub struct FrameRef<'a> {
    /// Its decoded header.
    pub header: FrameHeader,
    /// Where it begins in its segment.
    pub offset: u64,
    /// Header, records and padding.
    pub stored: &'a [u8],
}

impl<'a> FrameRef<'a> {
    /// Returns records and padding.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        &self.stored[FRAME_HEADER_BYTES..]
    }

    /// Returns the frame's link.
    #[must_use]
    pub fn link(&self) -> Digest {
        hash::link(self.stored)
    }

    /// Checks the body's checksum.
    ///
    /// # Errors
    /// [`FrameError::BodyChecksum`].
    pub fn check_body(&self, seed: u32) -> Result<(), FrameError> {
        let fits = crc32c::crc32c_append(seed, self.body()) == self.header.body_checksum;
        if fits { Ok(()) } else { Err(FrameError::BodyChecksum) }
    }

    /// Checks that the records' lengths fill the body and that the padding is zero.
    ///
    /// # Errors
    /// [`FrameError::RecordLengths`] or [`FrameError::Padding`].
    pub fn check_layout(&self) -> Result<(), FrameError> {
        let (records, padding) = self.body().split_at(self.header.records_bytes as usize);
        let mut rest = records;
        for _ in 0..self.header.count {
            let (_, after) = split_record(rest).ok_or(FrameError::RecordLengths)?;
            rest = after;
        }
        if !rest.is_empty() {
            return Err(FrameError::RecordLengths);
        }
        if padding.iter().any(|byte| *byte != 0) {
            return Err(FrameError::Padding);
        }
        Ok(())
    }

    /// Returns the frame's records in order. Ends early where a length does not fit, which
    /// [`FrameRef::check_layout`] reports.
    #[must_use]
    pub fn records(&self) -> FrameRecords<'a> {
        FrameRecords {
            rest: &self.body()[..self.header.records_bytes as usize],
            sequence: self.header.first_sequence,
            end: self.header.next_sequence(),
        }
    }
}

/// The records of one frame.
#[derive(Debug, Clone)]
pub struct FrameRecords<'a> {
    rest: &'a [u8],
    sequence: u64,
    end: u64,
}

impl<'a> Iterator for FrameRecords<'a> {
    type Item = RecordRef<'a>;

    fn next(&mut self) -> Option<RecordRef<'a>> {
        if self.sequence == self.end {
            return None;
        }
        let (bytes, rest) = split_record(self.rest)?;
        let record = RecordRef { sequence: self.sequence, bytes };
        self.rest = rest;
        self.sequence += 1;
        Some(record)
    }
}

fn split_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (prefix, rest) = bytes.split_first_chunk::<RECORD_PREFIX_BYTES>()?;
    let length = usize::from(u16::from_le_bytes(*prefix));
    (length >= ENVELOPE_BYTES_MIN).then(|| rest.split_at_checked(length))?
}

fn chunk<const N: usize>(bytes: &[u8; FRAME_HEADER_BYTES], offset: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[offset..offset + N]);
    out
}

fn u32_at(bytes: &[u8; FRAME_HEADER_BYTES], offset: usize) -> u32 {
    u32::from_le_bytes(chunk(bytes, offset))
}

fn u64_at(bytes: &[u8; FRAME_HEADER_BYTES], offset: usize) -> u64 {
    u64::from_le_bytes(chunk(bytes, offset))
}
