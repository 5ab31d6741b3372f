//! Values as bytes: the one door to the codec.
//!
//! The encoding is bincode 2.0.1 with fixed-width little-endian integers, pinned to that exact
//! version. `FORMAT.md` states every byte of it, so that nothing depends on that crate living on:
//!
//! - integers: their own width, little-endian, two's complement; `bool`: one byte, 0 or 1;
//! - `Option`: one byte 0, or 1 and the value; an enum: `u32` position and the fields;
//! - text, lists: `u64` count and the elements; an array: its elements; a struct: its fields.
//!
//! Invariants: every byte read back is untrusted. A length can never make us allocate more than
//! [`DECODE_MEMORY_MAX`]; trailing bytes are refused; [`decode_canonical`] also refuses bytes
//! that are not what encoding the value again gives, so one value has one encoding.

/// The codec's own paths, for what its derive macros write into an embedding program:
/// `#[bincode(crate = "schwabot::event::wire::codec")]`.
#[doc(hidden)]
pub use bincode as codec;
pub use bincode::{Decode, Encode};

pub(crate) use bincode::BorrowDecode;
pub(crate) use bincode::de::{BorrowDecoder, Decoder};
pub(crate) use bincode::enc::Encoder;
pub(crate) use bincode::error::{DecodeError as CodecDecodeError, EncodeError as CodecEncodeError};

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::enc::write::Writer;

use super::stamp::{RunId, SubjectId};
use crate::hash::Digest;
use crate::time::{Span, Timestamp};
use crate::units::{Money, MoneyExact, Price, Quantity, Ratio};

/// Memory that decoding one value may claim, in bytes: a list counts its elements' sizes.
pub const DECODE_MEMORY_MAX: usize = 16 << 20;

/// Memory that decoding a snapshot may claim, in bytes; a short one may claim less, see
/// [`decode_state`].
pub const STATE_MEMORY_MAX: usize = 8 << 30;

type Config = Configuration<LittleEndian, Fixint, Limit<DECODE_MEMORY_MAX>>;
const CONFIG: Config = bincode::config::standard()
    .with_little_endian()
    .with_fixed_int_encoding()
    .with_limit::<DECODE_MEMORY_MAX>();

/// A value could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot encode: {0}")]
pub struct EncodeError(String);

/// Bytes could not be read back as a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are no value of the type.
    #[error("malformed value: {0}")]
    Malformed(String),
    /// Bytes are left over after the value.
    #[error("{left} bytes follow the value")]
    Trailing {
        /// How many.
        left: usize,
    },
    /// The value would be written differently.
    #[error("the bytes are not the one encoding of their value")]
    NotCanonical,
    /// No event kind has this number and schema.
    #[error("unknown event kind {kind:#06x} schema {schema}")]
    UnknownKind {
        /// The kind's number.
        kind: u16,
        /// The payload's version.
        schema: u16,
    },
}

struct VecWriter<'a>(&'a mut Vec<u8>);

impl Writer for VecWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), bincode::error::EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Appends the value's encoding to `out`.
///
/// # Errors
/// [`EncodeError`] when the type cannot be encoded (never for the types of this crate).
///
/// # Examples
/// ```
/// use schwabot::event::wire::{decode, encode};
/// let mut bytes = Vec::new();
/// encode(&(7_u16, Some(1_u8)), &mut bytes)?;
/// assert_eq!(bytes, [7, 0, 1, 1]);
/// assert_eq!(decode::<(u16, Option<u8>)>(&bytes)?, (7, Some(1)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn encode<T: Encode>(value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    bincode::encode_into_writer(value, VecWriter(out), CONFIG)
        .map_err(|error| EncodeError(error.to_string()))
}

/// Reads a value that takes up all the bytes.
///
/// # Errors
/// [`DecodeError`] when the bytes are malformed, claim too much memory, or are too many.
pub fn decode<T: Decode<()>>(bytes: &[u8]) -> Result<T, DecodeError> {
    let (value, used) = bincode::decode_from_slice(bytes, CONFIG)
        .map_err(|error| DecodeError::Malformed(error.to_string()))?;
    match bytes.len() - used {
        0 => Ok(value),
        left => Err(DecodeError::Trailing { left }),
    }
}

/// Reads a state that takes up all the bytes: as [`decode`], but for the program's own snapshots,
/// whose lists may be as long as a log. A snapshot comes with a ledger, and anybody can write one:
/// up to 64 MiB of it claim at most 64 times their length, in steps, and never more than
/// [`STATE_MEMORY_MAX`].
///
/// # Errors
/// As [`decode`].
pub fn decode_state<T: Decode<()>>(bytes: &[u8]) -> Result<T, DecodeError> {
    const STEP: usize = 256 << 10;
    if bytes.len() <= STEP {
        decode_within::<{ STEP * 64 }, T>(bytes)
    } else if bytes.len() <= STEP * 16 {
        decode_within::<{ STEP * 16 * 64 }, T>(bytes)
    } else if bytes.len() <= STEP * 256 {
        decode_within::<{ STEP * 256 * 64 }, T>(bytes)
    } else {
        decode_within::<STATE_MEMORY_MAX, T>(bytes)
    }
}

fn decode_within<const MEMORY: usize, T: Decode<()>>(bytes: &[u8]) -> Result<T, DecodeError> {
    let config = bincode::config::standard()
        .with_little_endian()
        .with_fixed_int_encoding()
        .with_limit::<MEMORY>();
    let (value, used) = bincode::decode_from_slice(bytes, config)
        .map_err(|error| DecodeError::Malformed(error.to_string()))?;
    match bytes.len() - used {
        0 => Ok(value),
        left => Err(DecodeError::Trailing { left }),
    }
}

/// Reads a value and checks that encoding it gives the same bytes; what `verify` uses.
///
/// # Errors
/// As [`decode`], and [`DecodeError::NotCanonical`].
pub fn decode_canonical<T: Decode<()> + Encode>(bytes: &[u8]) -> Result<T, DecodeError> {
    let value: T = decode(bytes)?;
    let mut again = Vec::with_capacity(bytes.len());
    encode(&value, &mut again).map_err(|error| DecodeError::Malformed(error.to_string()))?;
    if again == bytes { Ok(value) } else { Err(DecodeError::NotCanonical) }
}

/// Gives words of the lower floors their encoding: that of the number inside.
macro_rules! as_inner {
    ($($type:ty, $inner:ty, $get:expr, $make:expr;)*) => {$(
        impl Encode for $type {
            fn encode<E: bincode::enc::Encoder>(
                &self,
                encoder: &mut E,
            ) -> Result<(), bincode::error::EncodeError> {
                let get: fn(&$type) -> $inner = $get;
                get(self).encode(encoder)
            }
        }
        impl<C> Decode<C> for $type {
            fn decode<D: bincode::de::Decoder<Context = C>>(
                decoder: &mut D,
            ) -> Result<Self, bincode::error::DecodeError> {
                let make: fn($inner) -> $type = $make;
                <$inner as Decode<C>>::decode(decoder).map(make)
            }
        }
        impl<'de, C> bincode::BorrowDecode<'de, C> for $type {
            fn borrow_decode<D: bincode::de::BorrowDecoder<'de, Context = C>>(
                decoder: &mut D,
            ) -> Result<Self, bincode::error::DecodeError> {
                Decode::decode(decoder)
            }
        }
    )*};
}

as_inner! {
    Price, i128, |v| v.raw(), Price::from_raw;
    Quantity, i128, |v| v.raw(), Quantity::from_raw;
    Money, i128, |v| v.raw(), Money::from_raw;
    MoneyExact, i128, |v| v.raw(), MoneyExact::from_raw;
    Ratio, i64, |v| v.raw(), Ratio::from_raw;
    Timestamp, i64, |v| v.nanos(), Timestamp::from_nanos;
    Span, i64, |v| v.nanos(), Span::from_nanos;
    Digest, [u8; 32], |v| v.0, Digest;
    RunId, [u8; 16], |v| v.0, RunId;
    SubjectId, [u8; 16], |v| v.0, SubjectId;
}

/// Gives a type the encoding of its parts, for types that keep more than they must: `$get` makes
/// the parts (borrowed ones will do), `$make` makes the value of them again or says why it cannot.
/// What is decoded is untrusted: `$make` checks it.
macro_rules! through_parts {
    ($type:ty, $parts:ty, $get:expr, $make:expr) => {
        impl $crate::event::wire::Encode for $type {
            fn encode<E: $crate::event::wire::Encoder>(
                &self,
                encoder: &mut E,
            ) -> Result<(), $crate::event::wire::CodecEncodeError> {
                let parts = ($get)(self);
                $crate::event::wire::Encode::encode(&parts, encoder)
            }
        }
        impl<C> $crate::event::wire::Decode<C> for $type {
            fn decode<D: $crate::event::wire::Decoder<Context = C>>(
                decoder: &mut D,
            ) -> Result<Self, $crate::event::wire::CodecDecodeError> {
                let parts = <$parts as $crate::event::wire::Decode<C>>::decode(decoder)?;
                let make: fn($parts) -> Result<$type, String> = $make;
                make(parts).map_err($crate::event::wire::CodecDecodeError::OtherString)
            }
        }
        impl<'de, C> $crate::event::wire::BorrowDecode<'de, C> for $type {
            fn borrow_decode<D: $crate::event::wire::BorrowDecoder<'de, Context = C>>(
                decoder: &mut D,
            ) -> Result<Self, $crate::event::wire::CodecDecodeError> {
                $crate::event::wire::Decode::decode(decoder)
            }
        }
    };
}
pub(crate) use through_parts;
