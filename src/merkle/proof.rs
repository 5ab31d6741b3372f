//! Inclusion and consistency proofs: which subtrees make one up, and how one is verified.
//!
//! A proof is a list of roots of *spans* of leaves. What spans they are follows from sizes alone
//! ([`inclusion_spans`], [`consistency_spans`]; RFC 6962 sections 2.1.1 and 2.1.2), so whoever can
//! tell the root of a span ([`span_root`], from any store of perfect subtrees) can build a proof.
//! Verification is that of RFC 9162, sections 2.1.3.2 and 2.1.4.2, word for word: it never trusts
//! a length, and a proof that is too short, too long or of another tree fails.

use std::ops::Range;

use crate::hash::{self, Digest};

/// Why a proof does not prove what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The record or the older tree is not inside the tree.
    #[error("{inside} is not inside a tree of {size} records")]
    Outside {
        /// The record's place, or the older tree's size.
        inside: u64,
        /// The tree's size.
        size: u64,
    },
    /// The proof has more or fewer hashes than such a proof has.
    #[error("the proof has {actual} hashes where {expected} belong")]
    Length {
        /// Hashes that such a proof has.
        expected: usize,
        /// Hashes that this one has.
        actual: usize,
    },
    /// The hashes lead to another root.
    #[error("the proof leads to root {actual}, not to {expected}")]
    Root {
        /// The root that was to be reached.
        expected: Digest,
        /// The root that the proof leads to.
        actual: Digest,
    },
}

/// Returns the spans of leaves whose roots prove that the leaf at `index` is in a tree of `size`,
/// from its sibling upwards; `None` when it is not inside.
///
/// # Examples
/// ```
/// use schwabot::merkle::proof::inclusion_spans;
/// assert_eq!(inclusion_spans(4, 7), Some(vec![5..6, 6..7, 0..4]));
/// assert_eq!(inclusion_spans(7, 7), None);
/// ```
#[must_use]
pub fn inclusion_spans(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    let mut span = (index < size).then_some(0..size)?;
    let mut path = Vec::new();
    while span.end - span.start > 1 {
        let middle = span.start + split(span.end - span.start);
        let (inside, beside) = if index < middle {
            (span.start..middle, middle..span.end)
        } else {
            (middle..span.end, span.start..middle)
        };
        path.push(beside);
        span = inside;
    }
    path.reverse();
    Some(path)
}

/// Returns the spans of leaves whose roots prove that a tree of `new` records begins with one of
/// `old`; `None` when it cannot. Nothing is needed for `old` 0 and for equal sizes.
///
/// # Examples
/// ```
/// use schwabot::merkle::proof::consistency_spans;
/// assert_eq!(consistency_spans(3, 7), Some(vec![2..3, 3..4, 0..2, 4..7]));
/// assert_eq!(consistency_spans(4, 7), Some(vec![4..7]));
/// ```
#[must_use]
pub fn consistency_spans(old: u64, new: u64) -> Option<Vec<Range<u64>>> {
    if old > new {
        return None;
    }
    if old == 0 || old == new {
        return Some(Vec::new());
    }
    let (mut span, mut path, mut whole) = (0..new, Vec::new(), true);
    while old < span.end {
        let middle = span.start + split(span.end - span.start);
        if old <= middle {
            path.push(middle..span.end);
            span.end = middle;
        } else {
            path.push(span.start..middle);
            span.start = middle;
            whole = false;
        }
    }
    // The older root itself is known to whoever asks.
    if !whole {
        path.push(span);
    }
    path.reverse();
    Some(path)
}

/// Returns the root over a span that a proof names, from the roots of perfect subtrees:
/// `node(level, place)` gives the root over the leaves `place * 2^level` up to `2^level` of them.
///
/// # Errors
/// What `node` returns.
pub fn span_root<E>(
    span: &Range<u64>,
    node: &mut impl FnMut(u32, u64) -> Result<Digest, E>,
) -> Result<Digest, E> {
    let mut parts = Vec::new();
    let mut begin = span.start;
    while begin < span.end {
        let level = (span.end - begin).ilog2();
        parts.push(node(level, begin >> level)?);
        begin += 1 << level;
    }
    let mut from_right = parts.into_iter().rev();
    let last = from_right.next().unwrap_or_else(hash::empty_root);
    Ok(from_right.fold(last, |right, left| hash::node(&left, &right)))
}

/// Verifies that a leaf is at `index` of the tree of `size` records with this root.
///
/// # Errors
/// [`ProofError`] when it is not proven.
pub fn verify_inclusion(
    leaf: &Digest,
    index: u64,
    size: u64,
    path: &[Digest],
    root: &Digest,
) -> Result<(), ProofError> {
    let expected =
        inclusion_spans(index, size).ok_or(ProofError::Outside { inside: index, size })?.len();
    let length = ProofError::Length { expected, actual: path.len() };
    let (mut place, mut last, mut reached) = (index, size - 1, *leaf);
    for hash in path {
        if last == 0 {
            return Err(length);
        }
        if place & 1 == 1 || place == last {
            reached = hash::node(hash, &reached);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            reached = hash::node(&reached, hash);
        }
        place >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(length);
    }
    compare(root, reached)
}

/// Verifies that a tree of `new` records with `new_root` begins with one of `old` and `old_root`.
///
/// # Errors
/// [`ProofError`] when it is not proven.
pub fn verify_consistency(
    (old, old_root): (u64, &Digest),
    (new, new_root): (u64, &Digest),
    path: &[Digest],
) -> Result<(), ProofError> {
    let spans =
        consistency_spans(old, new).ok_or(ProofError::Outside { inside: old, size: new })?;
    let length = ProofError::Length { expected: spans.len(), actual: path.len() };
    if old == 0 || old == new {
        let nothing = if old == 0 { hash::empty_root() } else { *new_root };
        return if path.is_empty() { compare(old_root, nothing) } else { Err(length) };
    }
    let (mut place, mut last) = (old - 1, new - 1);
    while place & 1 == 1 {
        place >>= 1;
        last >>= 1;
    }
    // A perfect older tree is a node of the newer one, and its root need not be told.
    let first = old.is_power_of_two().then_some(old_root).into_iter();
    let mut hashes = first.chain(path);
    let Some(start) = hashes.next() else { return Err(length) };
    let (mut before, mut after) = (*start, *start);
    for hash in hashes {
        if last == 0 {
            return Err(length);
        }
        if place & 1 == 1 || place == last {
            before = hash::node(hash, &before);
            after = hash::node(hash, &after);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            after = hash::node(&after, hash);
        }
        place >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(length);
    }
    compare(old_root, before)?;
    compare(new_root, after)
}

fn compare(expected: &Digest, actual: Digest) -> Result<(), ProofError> {
    if actual == *expected { Ok(()) } else { Err(ProofError::Root { expected: *expected, actual }) }
}

/// The largest power of two below `leaves`, which is at least 2.
fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}
