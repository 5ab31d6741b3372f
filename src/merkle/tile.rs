//! Which tile holds which hash: the C2SP tlog-tiles layout without files.
//!
//! A tile is a row of up to 256 hashes of one level of every eighth: tile level L holds roots over
//! 256^L leaves. A tile is full or *partial*, and a partial one is named by its width, so no name
//! ever holds two contents of one log.

use crate::hash::{self, Digest};

/// Hashes of a full tile.
pub const TILE_HASHES: u64 = 256;
/// Tree levels that one tile spans.
pub const TILE_HEIGHT: u32 = 8;
/// Bytes of a hash.
pub const HASH_BYTES: usize = 32;

/// One tile's place in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    /// Its level, from 0 at the leaves.
    pub level: u32,
    /// Its place in that level.
    pub place: u64,
    /// Its hashes, 1 to 256.
    pub width: u64,
}

impl Tile {
    /// Returns the tile of `level` at `place` in a tree of `size` records, as wide as it is there;
    /// `None` where the tree has none.
    #[must_use]
    pub fn in_tree(level: u32, place: u64, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(TILE_HEIGHT * level).unwrap_or(0);
        let before = place.checked_mul(TILE_HASHES)?;
        let width = hashes.checked_sub(before).filter(|left| *left > 0)?.min(TILE_HASHES);
        Some(Self { level, place, width })
    }

    /// Returns all tiles of a tree of `size` records that one of `from` records does not have.
    ///
    /// # Examples
    /// ```
    /// use schwabot::merkle::tile::Tile;
    /// let names: Vec<String> = Tile::new_in(256, 70_000).map(|tile| tile.path()).collect();
    /// assert_eq!(names.first().map(String::as_str), Some("tile/0/001"));
    /// assert_eq!(names.last().map(String::as_str), Some("tile/2/000.p/1"));
    /// ```
    pub fn new_in(from: u64, size: u64) -> impl Iterator<Item = Self> {
        (0..u64::BITS / TILE_HEIGHT).flat_map(move |level| {
            let had = from >> (TILE_HEIGHT * level);
            let has = size >> (TILE_HEIGHT * level);
            let places =
                if had == has { 0..0 } else { had / TILE_HASHES..has.div_ceil(TILE_HASHES) };
            places.filter_map(move |place| Self::in_tree(level, place, size))
        })
    }

    /// Is every place of it taken?
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.width == TILE_HASHES
    }

    /// Bytes of its file.
    #[must_use]
    pub fn bytes(&self) -> usize {
        // At most 256 hashes.
        usize::try_from(self.width).unwrap_or(0) * HASH_BYTES
    }

    /// Returns its path below the ledger.
    ///
    /// # Examples
    /// ```
    /// use schwabot::merkle::tile::Tile;
    /// let tile = Tile { level: 0, place: 1_234_067, width: 256 };
    /// assert_eq!(tile.path(), "tile/0/x001/x234/067");
    /// assert_eq!(Tile { width: 3, ..tile }.path(), "tile/0/x001/x234/067.p/3");
    /// ```
    #[must_use]
    pub fn path(&self) -> String {
        let mut groups = vec![format!("{:03}", self.place % 1000)];
        let mut left = self.place / 1000;
        while left > 0 {
            groups.push(format!("x{:03}", left % 1000));
            left /= 1000;
        }
        groups.reverse();
        let part = if self.is_full() { String::new() } else { format!(".p/{}", self.width) };
        format!("tile/{}/{}{part}", self.level, groups.join("/"))
    }
}

/// Returns the root over a row of 2^n hashes.
///
/// # Panics
/// When the row's length is no power of two.
#[must_use]
pub fn perfect_root(mut row: Vec<Digest>) -> Digest {
    assert!(row.len().is_power_of_two(), "a row of {} hashes is no perfect tree", row.len());
    while row.len() > 1 {
        hash::parents(&mut row);
        row.truncate(row.len() / 2);
    }
    row[0]
}

/// Reads a tile's bytes as hashes; bytes that do not fill a hash are left out.
#[must_use]
pub fn hashes_of(bytes: &[u8]) -> Vec<Digest> {
    bytes.as_chunks::<HASH_BYTES>().0.iter().copied().map(Digest).collect()
}
