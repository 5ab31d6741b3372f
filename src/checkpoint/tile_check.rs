//! Are the tiles those of the tree? From the highest level down, so that each tile is held against
//! one that was found good, and a damaged one is named itself.
//!
//! A full tile is one hash of the tile above it. A partial one is the right edge of its level: its
//! perfect subtrees are hashes of the tree's own frontier. So every tile hangs below one partial
//! tile, and no more is kept than the rows on the way down. Under a tile that is missing or damaged
//! nothing can be said of others, and that is told of it.

use std::io;

use crate::hash::Digest;
use crate::ledger::disk::{Access, Disk, read_whole};
use crate::ledger::layout::Layout;
use crate::merkle::CompactRange;
use crate::merkle::tile::{HASH_BYTES, TILE_HASHES, TILE_HEIGHT, Tile, hashes_of, perfect_root};

/// Looks at every tile of a tree that is there, and tells each that is not what the tree says.
/// `go_on` is asked before each.
pub fn check_tiles(
    disk: &dyn Disk,
    layout: &Layout,
    tree: &CompactRange,
    go_on: &mut dyn FnMut() -> bool,
    tell: &mut dyn FnMut(&Tile, String),
) {
    let mut look = Look { disk, layout, go_on, tell };
    for level in (0..u64::BITS / TILE_HEIGHT).rev() {
        let place = tree.end() >> (TILE_HEIGHT * level) >> TILE_HEIGHT;
        let edge = Tile::in_tree(level, place, tree.end());
        if let Some(tile) = edge {
            look.at(&tile, &|row| fits_frontier(tree, &tile, row));
        }
    }
}

/// A look at the tiles below one that is held against the tree itself.
struct Look<'l> {
    disk: &'l dyn Disk,
    layout: &'l Layout,
    go_on: &'l mut dyn FnMut() -> bool,
    tell: &'l mut dyn FnMut(&Tile, String),
}

impl Look<'_> {
    /// Looks at a tile, and at those whose roots are its hashes. `fits` says whether its row is
    /// what the tree says.
    fn at(&mut self, tile: &Tile, fits: &dyn Fn(&[Digest]) -> bool) {
        if !(self.go_on)() {
            return;
        }
        let row = match self.read(tile) {
            Ok(Some(row)) if fits(&row) => Some(row),
            Ok(Some(_)) => {
                (self.tell)(tile, "it is not what the tree of the records says".to_owned());
                None
            }
            Ok(None) => {
                if self.covers_others(tile) {
                    let what = "it is missing, so the tiles below it were not compared";
                    (self.tell)(tile, what.to_owned());
                }
                None
            }
            Err(what) => {
                (self.tell)(tile, what);
                None
            }
        };
        let Some(level) = tile.level.checked_sub(1) else { return };
        for at in 0..tile.width {
            let below = Tile { level, place: tile.place * TILE_HASHES + at, width: TILE_HASHES };
            // Less than 256. Without a row to hold it against, only its length is looked at.
            let stated = row.as_ref().and_then(|row| row.get(usize::try_from(at).ok()?));
            self.at(&below, &|row| stated.is_none_or(|root| *root == perfect_root(row.to_vec())));
        }
    }

    /// A tile's row, if it is there; or what is wrong with its file.
    fn read(&self, tile: &Tile) -> Result<Option<Vec<Digest>>, String> {
        let most = TILE_HASHES as usize * HASH_BYTES;
        let bytes = match read_whole(self.disk, &self.layout.tile(tile), most) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("it cannot be read: {error}")),
        };
        if bytes.len() != tile.bytes() {
            return Err(format!("it has {} bytes and not {}", bytes.len(), tile.bytes()));
        }
        Ok(Some(hashes_of(&bytes)))
    }

    /// Is there a tile below this one?
    fn covers_others(&self, tile: &Tile) -> bool {
        let first = tile.place.checked_mul(TILE_HASHES).zip(tile.level.checked_sub(1));
        first.is_some_and(|(place, level)| {
            let below = Tile { level, place, width: TILE_HASHES };
            self.disk.open(&self.layout.tile(&below), Access::Read).is_ok()
        })
    }
}

/// Are the perfect subtrees of a partial row the tree's own?
fn fits_frontier(tree: &CompactRange, tile: &Tile, row: &[Digest]) -> bool {
    let base = TILE_HEIGHT * tile.level;
    let higher = tree.end() >> base >> TILE_HEIGHT;
    let mut frontier = tree.hashes().skip(higher.count_ones() as usize);
    let mut rest = row;
    (0..TILE_HEIGHT).rev().filter(|bit| tile.width >> bit & 1 == 1).all(|bit| {
        let Some((subtree, right)) = rest.split_at_checked(1 << bit) else { return false };
        rest = right;
        frontier.next() == Some(perfect_root(subtree.to_vec()))
    })
}
