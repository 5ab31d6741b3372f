//! Two signed trees that no one log can have: a proof against its operator, checkable by anybody.

use std::fmt;

use super::key::{KeyKind, VerifierKey};
use super::lines::{Lines, write_path};
use super::note::{Note, NoteError, encode_digest, parse_digest, parse_size};
use crate::hash::Digest;
use crate::merkle::proof::{ProofError, verify_consistency};

const FIRST_LINE: &str = "schwabot/misbehaviour/v1";

/// Proof that a log's key signed two histories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misbehaviour {
    /// The note of the smaller tree, or of one of two of the same size.
    pub older: Note,
    /// The other.
    pub newer: Note,
    /// Root over the first records of the newer tree, as many as the older has.
    pub prefix: Digest,
    /// Path from there to the newer root.
    pub path: Vec<Digest>,
}

/// Why it proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotProven {
    /// It is no such proof.
    #[error("line {line}: expected {expected}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// A note is none, or a signature of the key is not good.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The key did not sign both.
    #[error("`{key}` did not sign both checkpoints")]
    NotSigned {
        /// The key's name.
        key: String,
    },
    /// They are of two logs.
    #[error("the checkpoints are not both of the log that the key speaks for")]
    TwoLogs,
    /// The newer tree does not begin as is said.
    #[error("the newer tree does not begin as is said: {0}")]
    Path(#[from] ProofError),
    /// The newer tree continues the older one.
    #[error("the newer tree continues the older one: nothing is wrong with them")]
    Consistent,
}

impl Misbehaviour {
    /// Reads a proof; nothing is verified yet.
    ///
    /// # Errors
    /// [`NotProven::Line`] and [`NotProven::Note`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NotProven> {
        let bad = |(line, expected)| NotProven::Line { line, expected };
        let text = str::from_utf8(bytes).map_err(|_| bad((1, "UTF-8 text")))?;
        let mut lines = Lines::new(text);
        lines.exactly(FIRST_LINE).map_err(bad)?;
        let length = |text| usize::try_from(parse_size(text)?).ok();
        let older = lines.take("older ", length, "`older` and a length").map_err(bad)?;
        let newer = lines.take("newer ", length, "`newer` and a length").map_err(bad)?;
        let prefix = lines.take("prefix ", parse_digest, "`prefix` and a hash").map_err(bad)?;
        let (path, notes) = lines.path().map_err(bad)?;
        let parts = notes.split_at_checked(older).filter(|(_, rest)| rest.len() == newer);
        let (older, newer) = parts.ok_or(bad((2, "the lengths of the two notes")))?;
        let (older, newer) = (Note::parse(older.as_bytes())?, Note::parse(newer.as_bytes())?);
        Ok(Self { older, newer, prefix, path })
    }

    /// Verifies that a key signed both, and that they contradict each other.
    ///
    /// # Errors
    /// [`NotProven`] when they do not, or it did not.
    pub fn verify(&self, key: &VerifierKey) -> Result<(), NotProven> {
        for note in [&self.older, &self.newer] {
            if key.kind() != KeyKind::Log || note.signed_by([key])?.is_empty() {
                return Err(NotProven::NotSigned { key: key.name().to_owned() });
            }
        }
        let (older, newer) = (self.older.checkpoint(), self.newer.checkpoint());
        // A log's key speaks of its own log only.
        if older.origin != newer.origin || older.origin != key.name() {
            return Err(NotProven::TwoLogs);
        }
        let (before, after) = ((older.size, &self.prefix), (newer.size, &newer.root));
        verify_consistency(before, after, &self.path)?;
        if self.prefix == older.root { Err(NotProven::Consistent) } else { Ok(()) }
    }
}

impl fmt::Display for Misbehaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (older, newer) = (self.older.to_string(), self.newer.to_string());
        writeln!(f, "{FIRST_LINE}\nolder {}\nnewer {}", older.len(), newer.len())?;
        writeln!(f, "prefix {}", encode_digest(&self.prefix))?;
        write_path(&self.path, f)?;
        write!(f, "\n{older}{newer}")
    }
}
