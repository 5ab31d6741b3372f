//! One file of the log: its name, its header, and how it continues the one before.
//!
//! Invariants: the first 64 bytes have the same layout in all versions; the checksum is checked
//! before the version, so a damaged header is damage and only a whole one can be "too new"; a
//! header is a link of the chain: it holds the link of the segment before, and the segment's first
//! frame continues the header's own link. A header that states a recovery *is* the recovery.

use crate::event::ApplicationId;
use crate::hash::{self, Digest};
use crate::time::Timestamp;

use super::frame::{FRAME_ALIGNMENT, FRAME_HEADER_BYTES, NUMBER_MAX};

/// Bytes of a segment's header in this version.
pub const SEGMENT_HEADER_BYTES: usize = 192;
/// Bytes whose layout is the same in all versions.
pub const FIXED_HEADER_BYTES: usize = 64;
/// The longest header that any version may have.
pub const SEGMENT_HEADER_BYTES_MAX: usize = 4096;
/// The first eight bytes: no text, and broken by any transfer that takes it for text.
pub const MAGIC: [u8; 8] = *b"\x89SWB\r\n\x1a\n";
/// The version that this program writes.
pub const FORMAT_VERSION: u16 = 1;
/// Length of a segment unless asked otherwise.
pub const SEGMENT_BYTES_DEFAULT: u64 = 64 << 20;
/// The shortest segment: room for a header, one small frame, and an end frame.
pub const SEGMENT_BYTES_MIN: u64 = 1024;
/// The longest segment.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 40;

/// The largest epoch: the next one still is a number.
const EPOCH_MAX: u32 = 1 << 30;

const HASH_BLAKE3: u8 = 1;
const CODEC_BINCODE2_FIXED: u8 = 1;
const CHECKSUM_CRC32C: u8 = 1;
const FLAG_RECOVERY: u8 = 1 << 0;

/// The header's fields as (name, offset, bytes), the same as in `FORMAT.md`.
pub const LAYOUT: &[(&str, usize, usize)] = &[
    ("magic", 0, 8),
    ("header checksum", 8, 4),
    ("version", 12, 2),
    ("header length", 14, 2),
    ("incompatible features", 16, 4),
    ("read-compatible features", 20, 4),
    ("hash id", 24, 1),
    ("codec id", 25, 1),
    ("checksum id", 26, 1),
    ("header flags", 27, 1),
    ("epoch", 28, 4),
    ("ledger id", 32, 16),
    ("salt", 48, 8),
    ("segment index", 56, 8),
    ("application id", 64, 16),
    ("file length", 80, 8),
    ("first sequence", 88, 8),
    ("first frame number", 96, 8),
    ("previous link", 104, 32),
    ("counted length", 136, 8),
    ("dead length", 144, 8),
    ("dead digest", 152, 32),
    ("creation time", 184, 8),
];

/// Sixteen bytes that name one ledger.
pub type LedgerId = [u8; 16];

/// What opening for write found in the segment before, and left as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryNote {
    /// Bytes of the segment before that count.
    pub counted_bytes: u64,
    /// Dead bytes after them, up to the last that is not zero; all later ones are zero.
    pub dead_bytes: u64,
    /// BLAKE3 of the dead bytes.
    pub dead_digest: Digest,
}

/// A segment's header, decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The ledger it belongs to.
    pub ledger: LedgerId,
    /// The program whose events it holds.
    pub application: ApplicationId,
    /// Its place among the segments, from 0; also its file name.
    pub index: u64,
    /// The writer that made it.
    pub epoch: u32,
    /// Random bytes that seed all its checksums: no stale frame can pass for one of its own.
    pub salt: [u8; 8],
    /// The file's length until it is ended and trimmed.
    pub file_bytes: u64,
    /// Sequence of its first record.
    pub first_sequence: u64,
    /// Number of its first frame.
    pub first_frame: u64,
    /// Link of the last frame that counts in the segment before; zero in segment 0.
    pub previous: Digest,
    /// Present when the segment before had no end frame.
    pub recovery: Option<RecoveryNote>,
    /// When it was made, by the wall clock.
    pub created: Timestamp,
}

/// Why bytes are no header of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// The file ends inside the header.
    #[error("the file ends inside its header")]
    Short,
    /// The first bytes are not those of a segment.
    #[error("segment magic")]
    Magic,
    /// The checksum does not fit.
    #[error("segment header checksum")]
    Checksum,
    /// A whole header of a later version, or with features that this program does not know.
    #[error("format version {version}, features {features:#x}: this program reads version 1")]
    Unsupported {
        /// The version that was met.
        version: u16,
        /// Feature bits that are not known here.
        features: u32,
    },
    /// A whole header that breaks a rule.
    #[error("segment header field `{field}`")]
    Field {
        /// The field's name in the format.
        field: &'static str,
    },
}

impl SegmentHeader {
    /// Reads a header from a file's first bytes (at least 192 of them, where the file has them).
    ///
    /// # Errors
    /// [`SegmentError`]; damage is told before a version that is too new.
    pub fn decode(bytes: &[u8]) -> Result<Self, SegmentError> {
        let fixed = bytes.get(..FIXED_HEADER_BYTES).ok_or(SegmentError::Short)?;
        if fixed[..8] != MAGIC {
            return Err(SegmentError::Magic);
        }
        let length = usize::from(u16::from_le_bytes(chunk(fixed, 14)));
        if !(FIXED_HEADER_BYTES..=SEGMENT_HEADER_BYTES_MAX).contains(&length) {
            return Err(SegmentError::Checksum);
        }
        // A file that holds fewer bytes than a damaged length asks for is damaged, not short.
        let whole = bytes.get(..length).ok_or(if length == SEGMENT_HEADER_BYTES {
            SegmentError::Short
        } else {
            SegmentError::Checksum
        })?;
        if u32_at(fixed, 8) != crc32c::crc32c(&whole[12..]) {
            return Err(SegmentError::Checksum);
        }
        let version = u16::from_le_bytes(chunk(fixed, 12));
        let features = u32_at(fixed, 16) | u32_at(fixed, 20);
        if version != FORMAT_VERSION || features != 0 {
            return Err(SegmentError::Unsupported { version, features });
        }
        if length != SEGMENT_HEADER_BYTES {
            return Err(SegmentError::Field { field: "header length" });
        }
        Self::decode_version_1(whole)
    }

    fn decode_version_1(bytes: &[u8]) -> Result<Self, SegmentError> {
        let ids = [(24, HASH_BLAKE3, "hash id"), (25, CODEC_BINCODE2_FIXED, "codec id")];
        for (offset, known, field) in ids.into_iter().chain([(26, CHECKSUM_CRC32C, "checksum id")])
        {
            if bytes[offset] != known {
                return Err(SegmentError::Field { field });
            }
        }
        let note = RecoveryNote {
            counted_bytes: u64_at(bytes, 136),
            dead_bytes: u64_at(bytes, 144),
            dead_digest: Digest(chunk(bytes, 152)),
        };
        // There is nothing before segment 0 to recover.
        let first = u64_at(bytes, 56) == 0;
        let recovery = match bytes[27] {
            0 if bytes[136..184].iter().all(|byte| *byte == 0) => None,
            FLAG_RECOVERY if !first => Some(note),
            _ => return Err(SegmentError::Field { field: "header flags" }),
        };
        let file_bytes = u64_at(bytes, 80);
        if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&file_bytes) {
            return Err(SegmentError::Field { field: "file length" });
        }
        for (offset, field) in [(56, "segment index"), (88, "first sequence"), (96, "first frame")]
        {
            if u64_at(bytes, offset) > NUMBER_MAX {
                return Err(SegmentError::Field { field });
            }
        }
        if u32_at(bytes, 28) > EPOCH_MAX {
            return Err(SegmentError::Field { field: "epoch" });
        }
        Ok(Self {
            ledger: chunk(bytes, 32),
            application: chunk(bytes, 64),
            index: u64_at(bytes, 56),
            epoch: u32_at(bytes, 28),
            salt: chunk(bytes, 48),
            file_bytes,
            first_sequence: u64_at(bytes, 88),
            first_frame: u64_at(bytes, 96),
            previous: Digest(chunk(bytes, 104)),
            recovery,
            created: Timestamp::from_nanos(i64::from_le_bytes(chunk(bytes, 184))),
        })
    }

    /// Returns the header's bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        let mut put = |offset: usize, field: &[u8]| {
            bytes[offset..offset + field.len()].copy_from_slice(field);
        };
        put(0, &MAGIC);
        put(12, &FORMAT_VERSION.to_le_bytes());
        put(14, &192_u16.to_le_bytes());
        put(24, &[HASH_BLAKE3, CODEC_BINCODE2_FIXED, CHECKSUM_CRC32C]);
        put(28, &self.epoch.to_le_bytes());
        put(32, &self.ledger);
        put(48, &self.salt);
        put(56, &self.index.to_le_bytes());
        put(64, &self.application);
        put(80, &self.file_bytes.to_le_bytes());
        put(88, &self.first_sequence.to_le_bytes());
        put(96, &self.first_frame.to_le_bytes());
        put(104, &self.previous.0);
        if let Some(note) = &self.recovery {
            put(27, &[FLAG_RECOVERY]);
            put(136, &note.counted_bytes.to_le_bytes());
            put(144, &note.dead_bytes.to_le_bytes());
            put(152, &note.dead_digest.0);
        }
        put(184, &self.created.nanos().to_le_bytes());
        let checksum = crc32c::crc32c(&bytes[12..]);
        bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Returns the header's link: what the segment's first frame continues.
    #[must_use]
    pub fn link(&self) -> Digest {
        hash::link(&self.encode())
    }

    /// Returns where the last frame before the end frame must end: there is always room for the end
    /// frame, and 8 bytes more, so that a trimmed file is shorter than a full one and proves
    /// by its length alone that its last frame was durable.
    #[must_use]
    pub fn frames_end_max(&self) -> u64 {
        self.file_bytes - (FRAME_HEADER_BYTES + FRAME_ALIGNMENT) as u64
    }

    /// Returns the file length that a frame of `frame_bytes` needs in an empty segment.
    #[must_use]
    pub const fn file_bytes_for(frame_bytes: u64) -> u64 {
        (SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES + FRAME_ALIGNMENT) as u64 + frame_bytes
    }
}

/// Returns a segment's file name.
#[must_use]
pub fn file_name(index: u64) -> String {
    format!("{index:012}.seg")
}

/// Returns the index that a segment's file name states, if it is one.
#[must_use]
pub fn index_of(name: &str) -> Option<u64> {
    let index = name.strip_suffix(".seg")?.parse().ok()?;
    (index <= NUMBER_MAX && file_name(index) == name).then_some(index)
}

fn chunk<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[offset..offset + N]);
    out
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(chunk(bytes, offset))
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(chunk(bytes, offset))
}
