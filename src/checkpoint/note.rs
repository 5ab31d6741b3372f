//! Checkpoints inside signed notes: a text, an empty line, and signature lines.
//!
//! Formats are those of C2SP signed-note, tlog-checkpoint and tlog-cosignature. A note that is
//! read is kept as the text it is: signatures are over those bytes and never over a text made
//! again from what was understood.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::key::{KEY_ID_BYTES, KeyKind, SigningKey, VerifierKey, check_name};
use crate::hash::Digest;

/// Bytes of the longest note that is read.
pub const NOTE_BYTES_MAX: usize = 1 << 20;
/// Signatures of a note that is read.
pub const SIGNATURES_MAX: usize = 256;
const DASH: &str = "\u{2014} ";

/// Why bytes are no note, or a note no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Too much of it.
    #[error("a note has at most {NOTE_BYTES_MAX} bytes and {SIGNATURES_MAX} signatures")]
    TooLong,
    /// No UTF-8, or control characters.
    #[error("a note is UTF-8 text without control characters")]
    NotText,
    /// No empty line, or not the lines that belong there.
    #[error("line {line} of the note: expected {expected}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// A key that should have signed it did not.
    #[error("`{name}` did not sign it")]
    Unsigned {
        /// The key's name.
        name: String,
    },
    /// A known key did not make the signature under its name.
    #[error("the signature of `{name}` is not good")]
    Signature {
        /// The key's name.
        name: String,
    },
}

/// What a checkpoint says: the tree of a log at a size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: the name of its key.
    pub origin: String,
    /// Records.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Digest,
}

impl Checkpoint {
    /// Reads a note's text. Extension lines are allowed and not understood.
    ///
    /// # Errors
    /// [`NoteError::Line`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let bad = |line, expected| NoteError::Line { line, expected };
        let body = text.strip_suffix('\n').ok_or(bad(1, "a text that ends with a newline"))?;
        let mut lines = body.split('\n');
        let origin = lines.next().filter(|origin| check_name(origin).is_ok());
        let origin = origin.ok_or(bad(1, "an origin without spaces and `+`"))?;
        let size = lines.next().and_then(parse_size).ok_or(bad(2, "a size in decimal digits"))?;
        let root = lines.next().and_then(parse_digest).ok_or(bad(3, "a root in base64"))?;
        if let Some(place) = lines.position(str::is_empty) {
            return Err(bad(4 + place, "an extension line that is not empty"));
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, BASE64.encode(self.root.0))
    }
}

/// One signature line, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureLine {
    /// The key's name.
    pub name: String,
    /// The key's id.
    pub id: [u8; KEY_ID_BYTES],
    /// What the key made.
    pub signature: Vec<u8>,
}

impl SignatureLine {
    fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(DASH)?.split_once(' ')?;
        check_name(name).ok()?;
        let bytes = BASE64.decode(encoded).ok()?;
        let (id, signature) = bytes.split_first_chunk()?;
        let signature = (!signature.is_empty()).then(|| signature.to_vec())?;
        Some(Self { name: name.to_owned(), id: *id, signature })
    }
}

impl fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.id.to_vec();
        bytes.extend(&self.signature);
        writeln!(f, "{DASH}{} {}", self.name, BASE64.encode(bytes))
    }
}

/// A good signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Whose.
    pub key: VerifierKey,
    /// When a cosigner saw the checkpoint, in seconds since 1970.
    pub seconds: Option<u64>,
}

/// A checkpoint with its signatures, as it was read or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    checkpoint: Checkpoint,
    /// The signature lines, in their order.
    pub signatures: Vec<SignatureLine>,
}

impl Note {
    /// Makes a note without signatures.
    #[must_use]
    pub fn new(checkpoint: Checkpoint) -> Self {
        Self { text: checkpoint.to_string(), checkpoint, signatures: Vec::new() }
    }

    /// Reads a note.
    ///
    /// # Errors
    /// [`NoteError`] for anything that is not a checkpoint with at least one signature line.
    ///
    /// # Examples
    /// ```
    /// use schwabot::checkpoint::{Checkpoint, Note};
    /// let text = "example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\
    ///             \u{2014} example.com/log AAAAAAAA\n";
    /// let note = Note::parse(text.as_bytes())?;
    /// assert_eq!(note.checkpoint().size, 0);
    /// assert_eq!(note.to_string(), text);
    /// # Ok::<(), schwabot::checkpoint::NoteError>(())
    /// ```
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLong);
        }
        let text = str::from_utf8(bytes).map_err(|_| NoteError::NotText)?;
        if text.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
            return Err(NoteError::NotText);
        }
        let parts = text.rfind("\n\n").map(|end| text.split_at(end + 1));
        let (body, lines) =
            parts.ok_or(NoteError::Line { line: 1, expected: "a text and an empty line" })?;
        let first_line = body.matches('\n').count() + 2;
        let mut signatures = Vec::new();
        // The empty line, and the nothing after the last newline, are no signatures.
        let lines = lines.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        for (line, place) in lines.unwrap_or_default().split('\n').zip(first_line..) {
            let expected = "a signature line: em dash, name, base64";
            let bad = NoteError::Line { line: place, expected };
            signatures.push(SignatureLine::parse(line).ok_or(bad)?);
            if signatures.len() > SIGNATURES_MAX {
                return Err(NoteError::TooLong);
            }
        }
        let checkpoint = Checkpoint::parse(body)?;
        Ok(Self { text: body.to_owned(), checkpoint, signatures })
    }

    /// What it says.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Signs it; a cosigner says when it saw it.
    pub fn sign(&mut self, key: &SigningKey, seconds: u64) {
        let verifier = key.verifier();
        let signature = match verifier.kind() {
            KeyKind::Log => key.sign(self.text.as_bytes()).to_vec(),
            KeyKind::Cosigner => {
                let mut bytes = seconds.to_be_bytes().to_vec();
                bytes.extend(key.sign(&self.cosigned(seconds)));
                bytes
            }
        };
        let line = SignatureLine { name: verifier.name().to_owned(), id: verifier.id(), signature };
        self.add(line);
    }

    /// Adds a signature line; an older one of the same key goes.
    pub fn add(&mut self, line: SignatureLine) {
        self.signatures.retain(|old| (&old.name, old.id) != (&line.name, line.id));
        self.signatures.push(line);
    }

    /// Adds what another note of the same tree has in addition: the lines of keys that have none
    /// here, as far as there is room. True when there were any.
    pub fn add_missing(&mut self, other: &Self) -> bool {
        let had = self.signatures.len();
        let is_new = |line: &&SignatureLine| {
            let own = &self.signatures;
            !own.iter().any(|own| (&own.name, own.id) == (&line.name, line.id))
        };
        let missing: Vec<SignatureLine> = other.signatures.iter().filter(is_new).cloned().collect();
        self.signatures.extend(missing);
        self.signatures.truncate(SIGNATURES_MAX.max(had));
        self.signatures.len() > had
    }

    /// Reads more signature lines, as a witness sends them.
    ///
    /// # Errors
    /// [`NoteError::Line`] for anything else.
    pub fn parse_lines(bytes: &[u8]) -> Result<Vec<SignatureLine>, NoteError> {
        let bad = |line| NoteError::Line { line, expected: "a signature line" };
        let text = str::from_utf8(bytes).map_err(|_| NoteError::NotText)?;
        let lines = text.strip_suffix('\n').ok_or(bad(1))?;
        let parse = |(line, place)| SignatureLine::parse(line).ok_or(bad(place));
        lines.split('\n').zip(1..).take(SIGNATURES_MAX).map(parse).collect()
    }

    /// Returns the good signatures of known keys; those of unknown keys are passed over.
    ///
    /// # Errors
    /// [`NoteError::Signature`] when one under the name and id of a known key is not good: the
    /// whole note is then not to be believed.
    pub fn signed_by<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k VerifierKey>,
    ) -> Result<Vec<Signed>, NoteError> {
        let mut good = Vec::new();
        for key in keys {
            let (name, id) = (key.name(), key.id());
            for line in self.signatures.iter().filter(|line| line.name == name && line.id == id) {
                let signed = self.check(key, &line.signature);
                good.push(signed.ok_or_else(|| NoteError::Signature { name: name.to_owned() })?);
            }
        }
        Ok(good)
    }

    fn check(&self, key: &VerifierKey, signature: &[u8]) -> Option<Signed> {
        let seconds = match key.kind() {
            KeyKind::Log => {
                return key
                    .signed(self.text.as_bytes(), signature)
                    .then(|| Signed { key: key.clone(), seconds: None });
            }
            KeyKind::Cosigner => u64::from_be_bytes(*signature.first_chunk()?),
        };
        // A time of nothing, or one beyond i64, is none that a cosigner may state.
        let stated = seconds > 0 && i64::try_from(seconds).is_ok();
        let good = stated && key.signed(&self.cosigned(seconds), &signature[8..]);
        good.then(|| Signed { key: key.clone(), seconds: Some(seconds) })
    }

    /// The message that a cosigner signs.
    fn cosigned(&self, seconds: u64) -> Vec<u8> {
        format!("cosignature/v1\ntime {seconds}\n{}", self.text).into_bytes()
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| line.fmt(f))
    }
}

/// Reads a decimal number without leading zeroes.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits && (text == "0" || !text.starts_with('0'));
    canonical.then(|| text.parse().ok())?
}

/// Reads a hash in base64.
pub(super) fn parse_digest(text: &str) -> Option<Digest> {
    Some(Digest(BASE64.decode(text).ok()?.try_into().ok()?))
}

/// Writes a hash in base64.
pub(super) fn encode_digest(digest: &Digest) -> String {
    BASE64.encode(digest.0)
}
