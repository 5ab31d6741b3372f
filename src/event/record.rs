//! One event as a record: an envelope, then the payload.
//!
//! ```text
//! offset bytes field
//!      0     2 kind            a number for life; below 0x0100 the ledger's own
//!      2     2 schema          version of the payload's shape
//!      4     2 flags           which optional fields follow; unknown bits are refused
//!      6     1 class           0 input, 1 derived, 2 system
//!      7     1 vantage         who saw it happen
//!      8     8 time            event time, nanoseconds since 1970 UTC
//!     16    16 run             the run it belongs to
//!     32     4 cause           distance back to the record that caused it; 0 = none
//!     36     2 actor           who did it
//!     38     1 clock           which clock gave the time
//!     39     1 clock status    how far it can be trusted
//!     40    16 idempotency key if flag 0x0001
//!        +  16 erasure key id  if flag 0x0002
//!        +  16 blinding salt   if flag 0x0004
//!        +     payload         up to the end of the record
//! ```
//!
//! Invariants: a record is at most [`RECORD_BYTES_MAX`] bytes; its position is not in it (a
//! record's identity is its sequence and its leaf hash, never a clock); one envelope has one
//! encoding.

use std::num::NonZeroU32;

use super::stamp::{Actor, Class, ClockSource, ClockStatus, RunId, Stamp, SubjectId, Vantage};
use super::wire::{DecodeError, EncodeError};
use crate::hash::{self, Digest};
use crate::time::Timestamp;

/// The longest record, so that a C2SP entry bundle (u16 lengths) can hold it.
pub const RECORD_BYTES_MAX: usize = 65_535;
/// Bytes of an envelope without optional fields.
pub const ENVELOPE_BYTES_MIN: usize = 40;
/// Kinds below this number belong to the ledger itself.
pub const FIRST_APPLICATION_KIND: u16 = 0x0100;

/// The envelope's fixed fields as (name, offset, bytes), the same as in `FORMAT.md`.
pub const ENVELOPE_LAYOUT: &[(&str, usize, usize)] = &[
    ("kind", 0, 2),
    ("schema", 2, 2),
    ("flags", 4, 2),
    ("class", 6, 1),
    ("vantage", 7, 1),
    ("time", 8, 8),
    ("run", 16, 16),
    ("cause", 32, 4),
    ("actor", 36, 2),
    ("clock", 38, 1),
    ("clock status", 39, 1),
];

const FLAG_IDEMPOTENCY_KEY: u16 = 1 << 0;
const FLAG_ERASURE_KEY: u16 = 1 << 1;
const FLAG_SALT: u16 = 1 << 2;
const FLAGS_KNOWN: u16 = FLAG_IDEMPOTENCY_KEY | FLAG_ERASURE_KEY | FLAG_SALT;

/// Why bytes are no record, or a value cannot become one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The record ends inside its envelope.
    #[error("record of {bytes} bytes is too short for its envelope")]
    Short {
        /// Length that was met.
        bytes: usize,
    },
    /// The record would be longer than [`RECORD_BYTES_MAX`].
    #[error("record of {bytes} bytes is longer than {RECORD_BYTES_MAX}")]
    Long {
        /// Length that was met.
        bytes: usize,
    },
    /// A field holds a value that this version does not know.
    #[error("envelope field `{field}` holds unknown value {value}")]
    UnknownValue {
        /// The field's name in the format.
        field: &'static str,
        /// What it holds.
        value: u64,
    },
    /// The payload cannot be read.
    #[error(transparent)]
    Payload(#[from] DecodeError),
    /// The payload cannot be written.
    #[error("{0}")]
    Encode(String),
}

impl From<EncodeError> for RecordError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error.to_string())
    }
}

/// Everything a record says about itself but its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The event kind's number.
    pub kind: u16,
    /// The version of the payload's shape.
    pub schema: u16,
    /// The rest.
    pub stamp: Stamp,
}

impl Envelope {
    /// Appends the envelope's bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let stamp = &self.stamp;
        let mut fixed = [0_u8; ENVELOPE_BYTES_MIN];
        fixed[0..2].copy_from_slice(&self.kind.to_le_bytes());
        fixed[2..4].copy_from_slice(&self.schema.to_le_bytes());
        fixed[4..6].copy_from_slice(&flags_of(stamp).to_le_bytes());
        fixed[6] = stamp.class as u8;
        fixed[7] = stamp.vantage as u8;
        fixed[8..16].copy_from_slice(&stamp.time.nanos().to_le_bytes());
        fixed[16..32].copy_from_slice(&stamp.run.0);
        fixed[32..36].copy_from_slice(&stamp.cause.map_or(0, NonZeroU32::get).to_le_bytes());
        fixed[36..38].copy_from_slice(&stamp.actor.0.to_le_bytes());
        fixed[38] = stamp.clock as u8;
        fixed[39] = stamp.clock_status as u8;
        out.extend_from_slice(&fixed);
        let erasure_key = stamp.erasure_key.map(|subject| subject.0);
        for field in [stamp.idempotency_key, erasure_key, stamp.salt].into_iter().flatten() {
            out.extend_from_slice(&field);
        }
    }

    /// Reads an envelope and returns it with the payload that follows.
    ///
    /// # Errors
    /// [`RecordError`] for a record that is too short or too long, or a value of a later version.
    pub fn decode(record: &[u8]) -> Result<(Self, &[u8]), RecordError> {
        let short = RecordError::Short { bytes: record.len() };
        if record.len() > RECORD_BYTES_MAX {
            return Err(RecordError::Long { bytes: record.len() });
        }
        let (fixed, mut rest) = record.split_first_chunk::<ENVELOPE_BYTES_MIN>().ok_or(short)?;
        let flags = le_u16(fixed, 4);
        if flags & !FLAGS_KNOWN != 0 {
            return Err(RecordError::UnknownValue { field: "flags", value: flags.into() });
        }
        let mut optional = |bit: u16| -> Result<Option<[u8; 16]>, RecordError> {
            if flags & bit == 0 {
                return Ok(None);
            }
            let short = RecordError::Short { bytes: record.len() };
            let (field, after) = rest.split_first_chunk::<16>().ok_or(short)?;
            rest = after;
            Ok(Some(*field))
        };
        let stamp = Stamp {
            class: Class::from_byte(fixed[6])?,
            vantage: Vantage::from_byte(fixed[7])?,
            time: Timestamp::from_nanos(i64::from_le_bytes(chunk(fixed, 8))),
            run: RunId(chunk(fixed, 16)),
            cause: NonZeroU32::new(u32::from_le_bytes(chunk(fixed, 32))),
            actor: Actor(le_u16(fixed, 36)),
            clock: ClockSource::from_byte(fixed[38])?,
            clock_status: ClockStatus::from_byte(fixed[39])?,
            idempotency_key: optional(FLAG_IDEMPOTENCY_KEY)?,
            erasure_key: optional(FLAG_ERASURE_KEY)?.map(SubjectId),
            salt: optional(FLAG_SALT)?,
        };
        Ok((Self { kind: le_u16(fixed, 0), schema: le_u16(fixed, 2), stamp }, rest))
    }
}

/// Says which optional fields a stamp has.
fn flags_of(stamp: &Stamp) -> u16 {
    let flag = |present: bool, bit: u16| if present { bit } else { 0 };
    flag(stamp.idempotency_key.is_some(), FLAG_IDEMPOTENCY_KEY)
        | flag(stamp.erasure_key.is_some(), FLAG_ERASURE_KEY)
        | flag(stamp.salt.is_some(), FLAG_SALT)
}

/// `N` bytes at a constant offset inside the fixed part.
fn chunk<const N: usize>(fixed: &[u8; ENVELOPE_BYTES_MIN], offset: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&fixed[offset..offset + N]);
    out
}

fn le_u16(fixed: &[u8; ENVELOPE_BYTES_MIN], offset: usize) -> u16 {
    u16::from_le_bytes(chunk(fixed, offset))
}

/// Sixteen bytes that name the program whose events a ledger holds.
pub type ApplicationId = [u8; 16];

/// An application's name for people: without the zeroes that fill it, nothing that commands a
/// terminal.
pub(crate) fn application_name(id: &ApplicationId) -> String {
    String::from_utf8_lossy(id).trim_end_matches('\0').escape_default().to_string()
}

/// An event type that a ledger can hold: what an embedding program implements.
///
/// # Examples
/// ```
/// use schwabot::event::wire::{self, Decode, DecodeError, Encode, EncodeError};
/// use schwabot::event::Payload;
///
/// #[derive(Debug, PartialEq, Encode, Decode)]
/// struct Temperature { milli_kelvin: u32 }
///
/// impl Payload for Temperature {
///     const APPLICATION: [u8; 16] = *b"weather-station\0";
///     fn kind(&self) -> u16 { 0x0100 }
///     fn schema(&self) -> u16 { 1 }
///     fn encode_payload(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
///         wire::encode(self, out)
///     }
///     fn decode_payload(kind: u16, schema: u16, bytes: &[u8]) -> Result<Self, DecodeError> {
///         match (kind, schema) {
///             (0x0100, 1) => wire::decode(bytes),
///             _ => Err(DecodeError::UnknownKind { kind, schema }),
///         }
///     }
/// }
/// ```
pub trait Payload: Sized {
    /// Names the program; written into every segment header, checked when a ledger is opened.
    const APPLICATION: ApplicationId;

    /// The kind's number: at least [`FIRST_APPLICATION_KIND`], never reused.
    fn kind(&self) -> u16;

    /// The version of this kind's payload.
    fn schema(&self) -> u16;

    /// Whether the record says something that must not be guessed from its leaf hash: in a live run
    /// it then carries a blinding salt. No unless the type says so.
    fn is_private(&self) -> bool {
        false
    }

    /// Appends the payload's bytes.
    ///
    /// # Errors
    /// [`EncodeError`] when the value has no encoding.
    fn encode_payload(&self, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// Reads a payload of the given kind and version, lifting old shapes.
    ///
    /// # Errors
    /// [`DecodeError`] for unknown kinds and malformed bytes.
    fn decode_payload(kind: u16, schema: u16, bytes: &[u8]) -> Result<Self, DecodeError>;
}

/// Appends one record (envelope and payload) to `out` and returns its length.
///
/// # Errors
/// [`RecordError::Long`] when the record exceeds [`RECORD_BYTES_MAX`]; `out` is then as before.
pub fn encode_record<P: Payload>(
    payload: &P,
    stamp: &Stamp,
    out: &mut Vec<u8>,
) -> Result<usize, RecordError> {
    let start = out.len();
    let envelope = Envelope { kind: payload.kind(), schema: payload.schema(), stamp: *stamp };
    envelope.encode(out);
    let written = payload.encode_payload(out);
    let bytes = out.len() - start;
    if let Err(error) = written {
        out.truncate(start);
        return Err(error.into());
    }
    if bytes > RECORD_BYTES_MAX {
        out.truncate(start);
        return Err(RecordError::Long { bytes });
    }
    Ok(bytes)
}

/// A record as stored, at its place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// Its position, from 0, gapless.
    pub sequence: u64,
    /// Its bytes.
    pub bytes: &'a [u8],
}

impl<'a> RecordRef<'a> {
    /// Returns its leaf hash.
    #[must_use]
    pub fn digest(&self) -> Digest {
        hash::leaf(self.bytes)
    }

    /// Reads the envelope, and returns it with the payload's bytes.
    ///
    /// # Errors
    /// [`RecordError`] when the envelope cannot be read.
    pub fn envelope(&self) -> Result<(Envelope, &'a [u8]), RecordError> {
        Envelope::decode(self.bytes)
    }

    /// Returns the sequence of the record that caused this one.
    #[must_use]
    pub fn cause(&self, envelope: &Envelope) -> Option<u64> {
        envelope.stamp.cause.and_then(|back| self.sequence.checked_sub(back.get().into()))
    }
}
