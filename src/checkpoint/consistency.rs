//! A consistency proof as a text of its own: two trees, and the path between them.

use std::fmt;

use super::lines::write_path;
use super::note::{encode_digest, parse_digest, parse_size};
use crate::hash::Digest;
use crate::merkle::proof::{ProofError, verify_consistency};

const FIRST_LINE: &str = "schwabot/consistency/v1";

/// Proof that one tree begins with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    /// Size and root of the older tree.
    pub from: (u64, Digest),
    /// Size and root of the newer tree.
    pub to: (u64, Digest),
    /// The path between them (RFC 6962, section 2.1.2).
    pub path: Vec<Digest>,
}

impl Consistency {
    /// Reads a proof; `None` when it is none. Nothing is verified yet.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        (lines.next() == Some(FIRST_LINE)).then_some(())?;
        let mut tree = |word: &str| {
            let (size, root) = lines.next()?.strip_prefix(word)?.split_once(' ')?;
            Some((parse_size(size)?, parse_digest(root)?))
        };
        let (from, to) = (tree("from ")?, tree("to ")?);
        Some(Self { from, to, path: lines.map(parse_digest).collect::<Option<_>>()? })
    }

    /// Verifies that the newer tree begins with the older one.
    ///
    /// # Errors
    /// [`ProofError`] when that is not proven.
    pub fn verify(&self) -> Result<(), ProofError> {
        let ((old, old_root), (new, new_root)) = (&self.from, &self.to);
        verify_consistency((*old, old_root), (*new, new_root), &self.path)
    }
}

impl fmt::Display for Consistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        for (word, (size, root)) in [("from", &self.from), ("to", &self.to)] {
            writeln!(f, "{word} {size} {}", encode_digest(root))?;
        }
        write_path(&self.path, f)
    }
}
