//! The ledger's own events, with kinds below 0x0100: any program's ledger can hold them.

use serde::Serialize;

use super::record::{ApplicationId, Payload};
use super::sealed::Sealed;
use super::stamp::SubjectId;
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

/// A checkpoint is about to be signed: what it fixes besides records.
///
/// Alone in its frame, so that the signed root covers the links of all frames before.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ChainAnchor {
    /// Number of the frame that holds this record.
    pub frame: u64,
    /// That frame's "previous link".
    pub link: Digest,
    /// The verifier key that is about to sign.
    pub key: String,
}

/// From here on another key signs the log's checkpoints; both say so.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct KeyRotated {
    /// Verifier key that signed until now.
    pub old: String,
    /// Verifier key that signs from now on.
    pub new: String,
    /// The old key's Ed25519 signature over the statement of this rotation.
    pub old_signature: Vec<u8>,
    /// The new key's signature over the same statement.
    pub new_signature: Vec<u8>,
}

/// A subject's key was destroyed: the personal fields under it can be read by nobody any more.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SubjectShredded {
    /// Name of the erasure key, as it stands in the envelopes of the records it protects.
    pub subject: SubjectId,
    /// Digest of the key that was destroyed, which is proof of what was destroyed and no more.
    pub key_digest: Digest,
    /// Why.
    pub reason: String,
}

/// Who did what with the ledger and why, in words: as regulators ask. Its record names the erasure
/// key that both fields are sealed under.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct OperatorNote {
    /// Who, UTF-8 sealed as [`OperatorNote::AUTHOR`].
    pub author: Sealed,
    /// What and why, UTF-8 sealed as [`OperatorNote::TEXT`].
    pub text: Sealed,
}

impl OperatorNote {
    /// What the author is sealed as; see `FORMAT.md`, "Personal fields".
    pub const AUTHOR: &str = "operator_note.author";
    /// What the text is sealed as.
    pub const TEXT: &str = "operator_note.text";
}

/// Defines [`SystemEvent`] and everything that must agree with its list of kinds.
macro_rules! system_events {
    ($($(#[$doc:meta])* $number:literal $name:literal $variant:ident;)*) => {
        /// An event of the ledger itself.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum SystemEvent { $($(#[$doc])* $variant($variant),)* }

        impl SystemEvent {
            /// Every kind: its number and its name.
            pub const KINDS: &[(u16, &str)] = &[$(($number, $name),)*];
        }

        impl Payload for SystemEvent {
            /// System events live in every program's ledger, so this name is never written.
            const APPLICATION: ApplicationId = [0; 16];

            fn kind(&self) -> u16 {
                match self { $(Self::$variant(_) => $number,)* }
            }

            fn schema(&self) -> u16 {
                1
            }

            fn encode_payload(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
                match self { $(Self::$variant(event) => wire::encode(event, out),)* }
            }

            fn decode_payload(kind: u16, schema: u16, bytes: &[u8]) -> Result<Self, DecodeError> {
                match (kind, schema) {
                    $(($number, 1) => wire::decode_canonical(bytes).map(Self::$variant),)*
                    _ => Err(DecodeError::UnknownKind { kind, schema }),
                }
            }
        }
    };
}

system_events! {
    /// Dead bytes were found at opening.
    0x0001 "recovered" Recovered;
    /// A checkpoint is about to be signed.
    0x0002 "chain_anchor" ChainAnchor;
    /// Another key signs from now on.
    0x0003 "key_rotated" KeyRotated;
    /// A subject's personal fields were made unreadable.
    0x0004 "subject_shredded" SubjectShredded;
    /// An operator left a note.
    0x0005 "operator_note" OperatorNote;
}

impl SystemEvent {
    /// Returns the name of a system kind, if it is one.
    #[must_use]
    pub fn name_of(kind: u16) -> Option<&'static str> {
        Self::KINDS.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name)
    }
}
