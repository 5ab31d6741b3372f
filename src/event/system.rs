//! The ledger's own events, with kinds below 0x0100: any program's ledger can hold them.

use serde::Serialize;

use super::record::{ApplicationId, Payload};
use super::wire::{self, Decode, DecodeError, Encode, EncodeError};
use crate::hash::Digest;

/// Opening for write found bytes after the last frame that counts, and left them where they are.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Recovered {
    /// Index of the segment that holds the dead bytes.
    pub segment: u64,
    /// Where they begin, in bytes from the segment's start.
    pub offset: u64,
    /// How many there are, up to the last that is not zero.
    pub dead_bytes: u64,
    /// Their BLAKE3 digest.
    pub digest: Digest,
}

/// An event of the ledger itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum SystemEvent {
    /// Dead bytes were found at opening.
    Recovered(Recovered),
}

/// The number of [`SystemEvent::Recovered`].
pub const RECOVERED_KIND: u16 = 0x0001;

impl SystemEvent {
    /// Returns the name of a system kind, if it is one.
    #[must_use]
    pub fn name_of(kind: u16) -> Option<&'static str> {
        (kind == RECOVERED_KIND).then_some("recovered")
    }
}

impl Payload for SystemEvent {
    /// System events live in every program's ledger, so this name is never written.
    const APPLICATION: ApplicationId = [0; 16];

    fn kind(&self) -> u16 {
        match self {
            Self::Recovered(_) => RECOVERED_KIND,
        }
    }

    fn schema(&self) -> u16 {
        1
    }

    fn encode_payload(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Recovered(event) => wire::encode(event, out),
        }
    }

    fn decode_payload(kind: u16, schema: u16, bytes: &[u8]) -> Result<Self, DecodeError> {
        match (kind, schema) {
            (RECOVERED_KIND, 1) => wire::decode_canonical(bytes).map(Self::Recovered),
            _ => Err(DecodeError::UnknownKind { kind, schema }),
        }
    }
}
