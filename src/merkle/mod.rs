//! RFC 6962 trees without files: ranges of leaves as few hashes.
//!
//! A [`CompactRange`] stands for leaves `begin..end` by the roots of the largest perfect subtrees
//! that tile it: at most 2 * 64 hashes for any length. Ranges that meet can be joined, so parts
//! of a log are hashed on different cores and joined in order; a range from zero has the root of
//! the tree (RFC 6962 section 2.1: an odd node is carried up, never doubled).
//!
//! # Examples
//! ```
//! use schwabot::{hash, merkle::CompactRange};
//! let mut tree = CompactRange::new(0);
//! tree.push(hash::leaf(b""));
//! let root = tree.root().expect("a range from zero has a root");
//! assert_eq!(
//!     root.to_string(),
//!     "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
//! );
//! ```

pub mod proof;
pub mod tile;

use crate::hash::{self, Digest};

/// Leaves `begin..end` as the roots of perfect subtrees, left to right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactRange {
    begin: u64,
    end: u64,
    /// (level, root) of each subtree; a level-n subtree holds 2^n leaves and begins at a multiple
    /// of 2^n.
    subtrees: Vec<(u32, Digest)>,
}

/// Two ranges do not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a range that begins at {begin} cannot follow one that ends at {end}")]
pub struct NotAdjacent {
    /// Where the left range ends.
    pub end: u64,
    /// Where the right range begins.
    pub begin: u64,
}

impl CompactRange {
    /// Returns an empty range at `begin`.
    #[must_use]
    pub const fn new(begin: u64) -> Self {
        Self { begin, end: begin, subtrees: Vec::new() }
    }

    /// Makes a range from zero from its stored frontier: the subtree roots, largest first.
    ///
    /// Returns `None` when the count of hashes is not that of a tree of this size.
    #[must_use]
    pub fn from_frontier(size: u64, roots: &[Digest]) -> Option<Self> {
        let levels = (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1);
        let subtrees: Vec<_> = levels.zip(roots.iter().copied()).collect();
        let complete = subtrees.len() == roots.len() && roots.len() == size.count_ones() as usize;
        complete.then_some(Self { begin: 0, end: size, subtrees })
    }

    /// One past the last leaf of the range: the tree's size, for a range from zero.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// The subtree roots, left to right; for a range from zero the frontier, largest first.
    pub fn hashes(&self) -> impl ExactSizeIterator<Item = Digest> + '_ {
        self.subtrees.iter().map(|(_, root)| *root)
    }

    /// Appends one leaf hash.
    ///
    /// # Panics
    /// After 2^64 - 1 leaves.
    pub fn push(&mut self, leaf: Digest) {
        self.push_subtree(0, leaf);
    }

    /// Appends a row of leaf hashes. As [`CompactRange::push`] of each, but the nodes above the row
    /// are hashed level by level, several at a time; the row is used up.
    ///
    /// # Panics
    /// After 2^64 - 1 leaves.
    pub fn push_row(&mut self, leaves: &mut [Digest]) {
        let (mut row, mut place, mut level) = (leaves, self.end, 0);
        // What has no partner to its right is higher the further left it lies.
        let mut unpaired = Vec::new();
        while !row.is_empty() {
            // A node at an odd place has its partner to its left, before the row.
            if place % 2 == 1 {
                self.push_subtree(level, row[0]);
                row = &mut row[1..];
                place += 1;
            }
            let paired = row.len() & !1;
            let (pairs, last) = row.split_at_mut(paired);
            unpaired.extend(last.first().map(|root| (level, *root)));
            hash::parents(pairs);
            row = &mut pairs[..paired / 2];
            place /= 2;
            level += 1;
        }
        while let Some((level, root)) = unpaired.pop() {
            self.push_subtree(level, root);
        }
    }

    /// Appends a range that begins where this one ends.
    ///
    /// # Errors
    /// [`NotAdjacent`] when it begins elsewhere; this range is then unchanged.
    pub fn join(&mut self, right: &Self) -> Result<(), NotAdjacent> {
        if self.end != right.begin {
            return Err(NotAdjacent { end: self.end, begin: right.begin });
        }
        for (level, root) in &right.subtrees {
            self.push_subtree(*level, *root);
        }
        Ok(())
    }

    /// Returns the RFC 6962 root of a range from zero, `None` of any other.
    #[must_use]
    pub fn root(&self) -> Option<Digest> {
        (self.begin == 0).then(|| self.span_root())
    }

    /// Returns the root over the range as if it stood alone. It is a node of the tree, or of the
    /// right edge of one, only where the range is a span that a proof names.
    #[must_use]
    pub fn span_root(&self) -> Digest {
        let mut from_right = self.subtrees.iter().rev().map(|(_, root)| *root);
        let last = from_right.next().unwrap_or_else(hash::empty_root);
        from_right.fold(last, |right, left| hash::node(&left, &right))
    }

    fn push_subtree(&mut self, mut level: u32, mut root: Digest) {
        self.end += 1 << level;
        // Two neighbours of one level merge only where their parent is a subtree of the tree,
        // that is when they end where such a parent ends.
        while let Some(&(left_level, left)) = self.subtrees.last() {
            if left_level != level || !self.end.is_multiple_of(2 << level) {
                break;
            }
            self.subtrees.pop();
            root = hash::node(&left, &root);
            level += 1;
        }
        self.subtrees.push((level, root));
    }
}
