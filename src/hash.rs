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
use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};

/// BLAKE3 derive-key context of a frame or segment-header link.
pub const LINK_CONTEXT: &str = "schwabot 2026-11 ledger link v1";
/// Domain prefix of a canonical trade hash; see D13 in `src/docs/DECISIONS.md`.
pub const TRADE_DOMAIN: &[u8] = b"schwabot/trade/v1\0";
/// Domain prefix of a run id.
pub const RUN_DOMAIN: &[u8] = b"schwabot/run/v1\0";
/// Domain of the content id of a soulprint.
pub const SOULPRINT_DOMAIN: &[u8] = b"schwabot/soulprint/v1\0";
/// Domain of the content id of a profit bucket.
pub const BUCKET_DOMAIN: &[u8] = b"schwabot/bucket/v1\0";
/// Domain of the digests in a state root.
pub const STATE_DOMAIN: &[u8] = b"schwabot/state/v1\0";
/// Domain of the digest that names a destroyed erasure key.
pub const ERASURE_KEY_DOMAIN: &[u8] = b"schwabot/erasure-key/v1\0";

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

/// Writes bytes as people read them: two lower-case digits each.
pub(crate) fn in_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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

/// Messages that are hashed side by side: see [`lanes`].
const LANES: usize = 4;
/// Bytes that SHA-256 takes in at a time.
const BLOCK_BYTES: usize = 64;
/// Bytes of a record in the first block of its leaf, after the domain byte.
const FIRST_BYTES: usize = BLOCK_BYTES - 1;
/// The state that SHA-256 begins with (FIPS 180-4, 5.3.3).
const SHA256_START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// Appends the leaf hash of each record, in order. As [`leaf`], but several records at a time.
pub fn leaves<'r>(records: impl Iterator<Item = &'r [u8]>, out: &mut Vec<Digest>) {
    let mut group: [&[u8]; LANES] = [&[]; LANES];
    let mut held = 0;
    for record in records {
        group[held] = record;
        held += 1;
        if held == LANES {
            held = 0;
            if group.iter().all(|record| record.len() >= FIRST_BYTES) {
                let [a, b, c, d] = group;
                let leaf = Message::leaf;
                out.extend(lanes(&[leaf(a), leaf(b), leaf(c), leaf(d)]));
            } else {
                out.extend(group.map(leaf));
            }
        }
    }
    out.extend(group[..held].iter().map(|record| leaf(record)));
}

/// Replaces a row of hashes by the node hashes over its pairs, which then fill its first half. As
/// [`node`], but several pairs at a time.
///
/// # Panics
/// When the row has an odd length.
pub fn parents(row: &mut [Digest]) {
    assert!(row.len().is_multiple_of(2), "a row of {} hashes has no pairs", row.len());
    let pairs = row.len() / 2;
    let mut done = 0;
    while done + LANES <= pairs {
        let pair = |lane: usize| {
            let left = 2 * (done + lane);
            Message::node(&row[left], &row[left + 1])
        };
        let hashes = lanes(&[pair(0), pair(1), pair(2), pair(3)]);
        row[done..done + LANES].copy_from_slice(&hashes);
        done += LANES;
    }
    for pair in done..pairs {
        row[pair] = node(&row[2 * pair], &row[2 * pair + 1]);
    }
}

/// A padded message as the blocks that SHA-256 takes in.
struct Message<'r> {
    first: [u8; BLOCK_BYTES],
    /// Whole blocks that lie in the record as they are.
    middle: &'r [[u8; BLOCK_BYTES]],
    last: [[u8; BLOCK_BYTES]; 2],
    /// How many of `last` count.
    last_count: usize,
}

impl<'r> Message<'r> {
    /// The leaf of a record that fills the first block.
    #[inline]
    fn leaf(record: &'r [u8]) -> Self {
        let (start, rest) = record.split_at(FIRST_BYTES);
        let mut first = [0x00; BLOCK_BYTES];
        first[1..].copy_from_slice(start);
        let (middle, end) = rest.as_chunks();
        Self::padded(first, middle, end, 1 + record.len())
    }

    #[inline]
    fn node(left: &Digest, right: &Digest) -> Self {
        let mut first = [0x01; BLOCK_BYTES];
        first[1..33].copy_from_slice(&left.0);
        first[33..].copy_from_slice(&right.0[..31]);
        Self::padded(first, &[], &right.0[31..], 65)
    }

    /// Adds the padding: a one bit, zeroes, and the message's length in bits.
    #[inline]
    fn padded(
        first: [u8; BLOCK_BYTES],
        middle: &'r [[u8; BLOCK_BYTES]],
        end: &[u8],
        bytes: usize,
    ) -> Self {
        let mut last = [[0; BLOCK_BYTES]; 2];
        last[0][..end.len()].copy_from_slice(end);
        last[0][end.len()] = 0x80;
        let last_count = if end.len() < BLOCK_BYTES - 8 { 1 } else { 2 };
        let bits = (bytes as u64 * 8).to_be_bytes();
        last[last_count - 1][BLOCK_BYTES - 8..].copy_from_slice(&bits);
        Self { first, middle, last, last_count }
    }
}

/// Hashes several messages, a block of each in turn: each block waits for the one before in its
/// own message only, so the processor works on several at once.
fn lanes(messages: &[Message<'_>; LANES]) -> [Digest; LANES] {
    let mut states = [SHA256_START; LANES];
    for (state, message) in states.iter_mut().zip(messages) {
        compress256(state, std::slice::from_ref(&message.first));
    }
    let shared = messages.iter().map(|message| message.middle.len()).min().unwrap_or_default();
    for place in 0..shared {
        for (state, message) in states.iter_mut().zip(messages) {
            compress256(state, &message.middle[place..=place]);
        }
    }
    for (state, message) in states.iter_mut().zip(messages) {
        if message.middle.len() > shared {
            compress256(state, &message.middle[shared..]);
        }
    }
    for place in 0..2 {
        for (state, message) in states.iter_mut().zip(messages) {
            if place < message.last_count {
                compress256(state, &message.last[place..=place]);
            }
        }
    }
    states.map(|state| {
        let mut bytes = [0; 32];
        for (out, word) in bytes.as_chunks_mut().0.iter_mut().zip(state) {
            *out = word.to_be_bytes();
        }
        Digest(bytes)
    })
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

/// Returns the content id of a soulprint from its encoded payload.
#[must_use]
pub fn soulprint(payload: &[u8]) -> Digest {
    domain_sha256(SOULPRINT_DOMAIN, payload)
}

/// Returns the content id of a profit bucket from its encoded key.
#[must_use]
pub fn bucket(key: &[u8]) -> Digest {
    domain_sha256(BUCKET_DOMAIN, key)
}

/// Returns the digest of a part of the state from its encoded value, or from the digest before a
/// change and the change.
#[must_use]
pub fn state(bytes: &[u8]) -> Digest {
    domain_sha256(STATE_DOMAIN, bytes)
}

/// Returns the digest of an erasure key. The key is random, so its digest gives nothing away.
#[must_use]
pub fn erasure_key(key: &[u8; 32]) -> Digest {
    domain_sha256(ERASURE_KEY_DOMAIN, key)
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
