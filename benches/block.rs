//! The event that the benchmarks append: a record of fixed length.

use schwabot::event::Payload;
use schwabot::event::wire::{self, Decode, DecodeError, Encode, EncodeError};

/// Bytes of its record.
pub(crate) const RECORD_BYTES: usize = 256;
const PAYLOAD_BYTES: usize = RECORD_BYTES - 40;

/// An event whose record has exactly [`RECORD_BYTES`].
#[derive(Encode, Decode)]
pub(crate) struct Block(pub(crate) [u8; PAYLOAD_BYTES]);

impl Block {
    pub(crate) fn new() -> Self {
        Self([7; PAYLOAD_BYTES])
    }
}

impl Payload for Block {
    const APPLICATION: [u8; 16] = *b"benchmark-blocks";
    fn kind(&self) -> u16 {
        0x0100
    }
    fn schema(&self) -> u16 {
        1
    }
    fn encode_payload(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        wire::encode(self, out)
    }
    fn decode_payload(kind: u16, schema: u16, bytes: &[u8]) -> Result<Self, DecodeError> {
        match (kind, schema) {
            (0x0100, 1) => wire::decode(bytes),
            _ => Err(DecodeError::UnknownKind { kind, schema }),
        }
    }
}
