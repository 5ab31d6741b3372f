//! Consistency: the path between two trees of a log, and that path as a text of its own.

use std::fmt;
use std::ops::Range;

use super::lines::write_path;
use super::note::{encode_digest, parse_digest, parse_size};
use super::tiles::Tiles;
use crate::event::Payload;
use crate::hash::Digest;
use crate::ledger::{LedgerError, Reader};
use crate::merkle::CompactRange;
use crate::merkle::proof::{ProofError, consistency_spans, verify_consistency};

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

/// Returns the path from the tree of a log's first `old` records to that of its first `size`, with
/// this root: out of tiles where they lead to it, else out of the records; `None` when `old` is the
/// larger.
///
/// # Errors
/// Damage of the log, and failures of the machine.
pub fn consistency_path<P: Payload>(
    reader: &Reader<P>,
    old: u64,
    (size, root): (u64, Digest),
) -> Result<Option<Vec<Digest>>, LedgerError> {
    let Some(spans) = consistency_spans(old, size) else { return Ok(None) };
    if spans.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let mut tiles = Tiles::as_found(&**reader.disk(), reader.layout(), size, root);
    if let (Ok(before), Ok(Some(path))) = (tiles.root_at(old), tiles.consistency(old, size))
        && verify_consistency((old, &before), (size, &root), &path).is_ok()
    {
        return Ok(Some(path));
    }
    roots_of_records(reader, &spans).map(Some)
}

/// The roots over spans of records that do not overlap, from the records themselves.
fn roots_of_records<P: Payload>(
    reader: &Reader<P>,
    spans: &[Range<u64>],
) -> Result<Vec<Digest>, LedgerError> {
    let mut parts: Vec<CompactRange> =
        spans.iter().map(|span| CompactRange::new(span.start)).collect();
    reader.for_each::<LedgerError>(0, |record| {
        let place = spans.iter().position(|span| span.contains(&record.sequence));
        if let Some(place) = place {
            parts[place].push(record.digest());
        }
        Ok(())
    })?;
    Ok(parts.iter().map(CompactRange::span_root).collect())
}
