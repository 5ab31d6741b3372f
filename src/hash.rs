//! Digests, and every hash of this program by name.
//!
//! SHA-256 where other people's tools must agree (tree leaves and nodes, trades, input files),
//! BLAKE3 where speed over whole frames counts (links, dead bytes). Each use has its own domain,
//! so that no digest of one kind can be passed off as one of another.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use blake3::hazmat::{ContextKey, HasherExt, hash_derive_key_context};
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// BLAKE3 derive-key context of a frame or segment-header link.
pub const LINK_CONTEXT: &str = "schwabot 2026-11 ledger link v1";
/// Domain prefix of a canonical trade hash; see `DOMAIN_DECISIONS` 4 in `src/docs/DECISIONS.md`.
pub const TRADE_DOMAIN: &[u8] = b"schwabot/trade/v1\0";
/// Domain prefix of a run id.
pub const RUN_DOMAIN: &[u8] = b"schwabot/run/v1\0";

/// A 32-byte digest, shown as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Thirty-two zero bytes: the link before the first segment of a ledger.
    pub const ZERO: Self = Self([0; 32]);

    /// Returns the first 16 hex digits, enough to tell digests apart on a screen.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string().chars().take(16).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The text is not 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no digest: expected 64 hex digits")]
pub struct BadDigest {
    text: String,
}

impl FromStr for Digest {
    type Err = BadDigest;
    fn from_str(text: &str) -> Result<Self, BadDigest> {
        parse_hex(text).map(Self).ok_or_else(|| BadDigest { text: text.to_owned() })
    }
}

/// Reads `2 * N` hex digits.
pub(crate) fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes = text.as_bytes();
    if bytes.len() != 2 * N {
        return None;
    }
    let mut out = [0; N];
    for (slot, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *slot = u8::try_from(high * 16 + low).ok()?;
    }
    Some(out)
}

/// Returns the RFC 6962 leaf hash of a record: `SHA-256(0x00 || record)`.
#[must_use]
pub fn leaf(record: &[u8]) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update([0x00]);
    hasher.update(record);
    Digest(hasher.finalize().into())
}

/// Returns the RFC 6962 node hash: `SHA-256(0x01 || left || right)`.
#[must_use]
pub fn node(left: &Digest, right: &Digest) -> Digest {
    let mut bytes = [0x01; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    Digest(Sha256::digest(bytes).into())
}

/// Returns SHA-256 of nothing: the root of an empty tree.
#[must_use]
pub fn empty_root() -> Digest {
    sha256(b"")
}

/// Returns plain SHA-256, as `sha256sum` prints it.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// Returns the link of stored bytes: BLAKE3 in derive-key mode under [`LINK_CONTEXT`].
///
/// The bytes are one frame (header, records, padding) or one segment header. Hash them in one
/// call: three calls halve the speed.
#[must_use]
pub fn link(stored: &[u8]) -> Digest {
    static KEY: LazyLock<ContextKey> = LazyLock::new(|| hash_derive_key_context(LINK_CONTEXT));
    let mut hasher = blake3::Hasher::new_from_context_key(&KEY);
    hasher.update(stored);
    Digest(*hasher.finalize().as_bytes())
}

/// Returns the canonical hash of a closed trade from its encoded payload.
#[must_use]
pub fn trade(payload: &[u8]) -> Digest {
    domain_sha256(TRADE_DOMAIN, payload)
}

/// Returns the digest that a simulated run is named by: configuration bytes and first sequence.
#[must_use]
pub fn run(configuration: &[u8], first_sequence: u64) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(RUN_DOMAIN);
    hasher.update(first_sequence.to_le_bytes());
    hasher.update(configuration);
    Digest(hasher.finalize().into())
}

fn domain_sha256(domain: &[u8], bytes: &[u8]) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(domain);
    hasher.update(bytes);
    Digest(hasher.finalize().into())
}

/// A SHA-256 that is fed piece by piece: the digest of an input file.
#[derive(Clone, Default)]
pub struct FileHasher(Sha256);

impl FileHasher {
    /// Takes the next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest of all bytes taken.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// A BLAKE3 that is fed piece by piece: the digest of dead bytes after a recovery.
#[derive(Clone, Default)]
pub struct DeadBytesHasher(blake3::Hasher);

impl DeadBytesHasher {
    /// Takes the next dead bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest of all bytes taken.
    #[must_use]
    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}
