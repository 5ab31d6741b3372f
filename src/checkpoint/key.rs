//! Ed25519 keys under names: who signs checkpoints.
//!
//! A key has a *kind*: the log's own key signs a checkpoint's text; a cosigner's key signs the text
//! together with the time at which it was seen. One byte pair of kind and name goes into the key
//! id, so a signature of one kind is never taken for one of the other. Encodings are those of C2SP
//! signed-note; the private key's is the one of Go's `sumdb/note`.
//!
//! Invariant: a private key is never shown; its bytes leave this file only into the text that
//! [`SigningKey::to_private_text`] makes for the key file.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _};

use crate::hash;
use crate::ledger::clock::Host;

/// Bytes of a key id.
pub const KEY_ID_BYTES: usize = 4;
const PUBLIC_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;
/// How the text of a private key begins.
const PRIVATE_PREFIX: &str = "PRIVATE+KEY+";

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// The log's own signature over a checkpoint's text (type 0x01).
    Log,
    /// A cosignature over text and time (type 0x04).
    Cosigner,
}

impl KeyKind {
    const fn byte(self) -> u8 {
        match self {
            Self::Log => 0x01,
            Self::Cosigner => 0x04,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Log),
            0x04 => Some(Self::Cosigner),
            _ => None,
        }
    }
}

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text has another shape.
    #[error("`{text}` is no verifier key: expected NAME+KEYID+BASE64")]
    Shape {
        /// What was met.
        text: String,
    },
    /// The file holds no private key; what it holds is not repeated.
    #[error("no private key: expected one line PRIVATE+KEY+NAME+KEYID+BASE64")]
    PrivateShape,
    /// A name that a note cannot hold.
    #[error(
        "`{name}` is no key name: it must not be empty or hold spaces, `+` or control characters"
    )]
    Name {
        /// What was met.
        name: String,
    },
    /// A signature type that this program does not know.
    #[error("key `{name}` has signature type {kind:#04x}; known are 0x01 and 0x04 (Ed25519)")]
    Kind {
        /// The key's name.
        name: String,
        /// What was met.
        kind: u8,
    },
    /// The key id does not belong to the key.
    #[error("key `{name}` has the id {stated}, but its bytes have {actual}")]
    Id {
        /// The key's name.
        name: String,
        /// What the text says.
        stated: String,
        /// What follows from the bytes.
        actual: String,
    },
    /// The bytes are no point that signs.
    #[error("key `{name}` is no Ed25519 public key")]
    Point {
        /// The key's name.
        name: String,
    },
}

/// A public key and the name it signs under.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: KeyKind,
    public: ed25519_dalek::VerifyingKey,
}

impl VerifierKey {
    fn new(name: &str, kind: KeyKind, public: [u8; PUBLIC_BYTES]) -> Result<Self, KeyError> {
        check_name(name)?;
        let point = || KeyError::Point { name: name.to_owned() };
        let public = ed25519_dalek::VerifyingKey::from_bytes(&public).map_err(|_| point())?;
        if public.is_weak() {
            return Err(point());
        }
        Ok(Self { name: name.to_owned(), kind, public })
    }

    /// The name it signs under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The public key's bytes.
    #[must_use]
    pub fn public_bytes(&self) -> [u8; PUBLIC_BYTES] {
        self.public.to_bytes()
    }

    /// The first bytes of a hash over name, kind and public key.
    #[must_use]
    pub fn id(&self) -> [u8; KEY_ID_BYTES] {
        let mut bytes = self.name.clone().into_bytes();
        bytes.extend([b'\n', self.kind.byte()]);
        bytes.extend(self.public_bytes());
        let [a, b, c, d, ..] = hash::sha256(&bytes).0;
        [a, b, c, d]
    }

    /// Did this key sign the message? Malleable signatures and weak keys are refused.
    #[must_use]
    pub fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.public.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = encode_key(self.kind, &self.public_bytes());
        write!(f, "{}+{}+{key}", self.name, id_text(self.id()))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let shape = || KeyError::Shape { text: text.chars().take(200).collect() };
        let (name, kind, id, key) = split_key(text).ok_or_else(shape)?;
        check_name(name)?;
        let kind = KeyKind::from_byte(kind)
            .ok_or_else(|| KeyError::Kind { name: name.to_owned(), kind })?;
        let key = Self::new(name, kind, key.try_into().map_err(|_| shape())?)?;
        check_id(&key, id)?;
        Ok(key)
    }
}

/// A private key and the name it signs under.
pub struct SigningKey {
    public: VerifierKey,
    secret: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// Draws a new key.
    ///
    /// # Errors
    /// [`KeyError::Name`], and the machine's when it has no random bytes to give.
    pub fn generate(name: &str, kind: KeyKind, host: &dyn Host) -> Result<Self, super::SignError> {
        check_name(name)?;
        let mut seed = [0; PUBLIC_BYTES];
        host.random(&mut seed).map_err(super::SignError::Random)?;
        Ok(Self::from_seed(name, kind, &seed)?)
    }

    /// Makes the key of a seed.
    ///
    /// # Errors
    /// [`KeyError::Name`].
    pub fn from_seed(name: &str, kind: KeyKind, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let secret = ed25519_dalek::SigningKey::from_bytes(seed);
        let public = VerifierKey::new(name, kind, secret.verifying_key().to_bytes())?;
        Ok(Self { public, secret })
    }

    /// Reads what [`SigningKey::to_private_text`] wrote.
    ///
    /// # Errors
    /// [`KeyError`]; no error repeats what it met.
    pub fn from_private_text(text: &str) -> Result<Self, KeyError> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let inside = line.strip_prefix(PRIVATE_PREFIX).ok_or(KeyError::PrivateShape)?;
        let (name, kind, id, seed) = split_key(inside).ok_or(KeyError::PrivateShape)?;
        let kind = KeyKind::from_byte(kind)
            .ok_or_else(|| KeyError::Kind { name: name.to_owned(), kind })?;
        let seed: [u8; 32] = seed.try_into().map_err(|_| KeyError::PrivateShape)?;
        let key = Self::from_seed(name, kind, &seed)?;
        check_id(&key.public, id)?;
        Ok(key)
    }

    /// Returns the text of the key file: whoever reads it can sign.
    #[must_use]
    pub fn to_private_text(&self) -> String {
        let id = id_text(self.public.id());
        let key = encode_key(self.public.kind, self.secret.as_bytes());
        format!("{PRIVATE_PREFIX}{}+{id}+{key}\n", self.public.name)
    }

    /// The public half.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.public
    }

    /// Signs a message.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.secret.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the private key of {}", self.public)
    }
}

/// Refuses names that a note cannot hold.
pub(super) fn check_name(name: &str) -> Result<(), KeyError> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.chars().any(bad) {
        return Err(KeyError::Name { name: name.escape_debug().to_string() });
    }
    Ok(())
}

fn check_id(key: &VerifierKey, stated: &str) -> Result<(), KeyError> {
    let actual = id_text(key.id());
    if stated == actual {
        return Ok(());
    }
    Err(KeyError::Id { name: key.name.clone(), stated: stated.to_owned(), actual })
}

/// Splits `NAME+KEYID+BASE64(type || key)`.
fn split_key(text: &str) -> Option<(&str, u8, &str, Vec<u8>)> {
    let (name, rest) = text.split_once('+')?;
    // Base64 may hold a `+` of its own, so the id ends at the first one.
    let (id, key) = rest.split_once('+')?;
    let (kind, key) = BASE64.decode(key).ok().and_then(|bytes| {
        let (kind, key) = bytes.split_first()?;
        Some((*kind, key.to_vec()))
    })?;
    Some((name, kind, id, key))
}

fn encode_key(kind: KeyKind, key: &[u8; 32]) -> String {
    let mut bytes = vec![kind.byte()];
    bytes.extend(key);
    BASE64.encode(bytes)
}

fn id_text(id: [u8; KEY_ID_BYTES]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}
