//! Are the tiles those of the tree? From the highest level down, so that each tile is held against
//! one that was found good, and a damaged one is named itself.
//!
//! A full tile is one hash of the tile above it. A partial one is the right edge of its level:
//! its perfect subtrees are hashes of the tree's own frontier. Nothing is kept but the row above.
//! Under a tile that is missing or damaged nothing can be said of others, and that is told of it.

use std::io;

use crate::hash::Digest;
use crate::ledger::disk::{Access, Disk, read_whole};
use crate::ledger::layout::Layout;
use crate::merkle::CompactRange;
use crate::merkle::tile::{HASH_BYTES, TILE_HASHES, TILE_HEIGHT, Tile, hashes_of, perfect_root};

/// Looks at every tile of a tree that is there, and tells each that is not what the tree says.
/// `go_on` is asked before each; false when it ended the look.
pub fn check_tiles(
    disk: &dyn Disk,
    layout: &Layout,
    tree: &CompactRange,
    go_on: &mut dyn FnMut() -> bool,
    tell: &mut dyn FnMut(&Tile, String),
) -> bool {
    let size = tree.end();
    let levels = (0..u64::BITS / TILE_HEIGHT).rev();
    for level in levels.filter(|level| size >> (TILE_HEIGHT * level) > 0) {
        let mut above: Option<(u64, Option<Vec<Digest>>)> = None;
        let tiles = (size >> (TILE_HEIGHT * level)).div_ceil(TILE_HASHES);
        for tile in (0..tiles).filter_map(|place| Tile::in_tree(level, place, size)) {
            if !go_on() {
                return false;
            }
            let row = match read(disk, layout, &tile) {
                Ok(Some(row)) => row,
                Ok(None) => {
                    if covers_others(disk, layout, &tile) {
                        tell(
                            &tile,
                            "it is missing, so the tiles below it were not compared".to_owned(),
                        );
                    }
                    continue;
                }
                Err(what) => {
                    tell(&tile, what);
                    continue;
                }
            };
            let sound = if tile.is_full() {
                let place = tile.place / TILE_HASHES;
                if above.as_ref().is_none_or(|(held, _)| *held != place) {
                    above = Some((place, sound_row(disk, layout, tree, level + 1, place)));
                }
                let at = usize::try_from(tile.place % TILE_HASHES).unwrap_or(0);
                let row_above = above.as_ref().and_then(|(_, row)| row.as_ref());
                // Under a tile that is missing or damaged nothing can be said of this one.
                row_above.is_none_or(|above| above.get(at) == Some(&perfect_root(row)))
            } else {
                fits_frontier(tree, &tile, &row)
            };
            if !sound {
                tell(&tile, "it is not what the tree of the records says".to_owned());
            }
        }
    }
    true
}

/// Is there a full tile below this one?
fn covers_others(disk: &dyn Disk, layout: &Layout, tile: &Tile) -> bool {
    let first = tile.place.checked_mul(TILE_HASHES).zip(tile.level.checked_sub(1));
    first.is_some_and(|(place, level)| {
        let below = Tile { level, place, width: TILE_HASHES };
        disk.open(&layout.tile(&below), Access::Read).is_ok()
    })
}

/// A tile's row, if it is there; or what is wrong with its file.
fn read(disk: &dyn Disk, layout: &Layout, tile: &Tile) -> Result<Option<Vec<Digest>>, String> {
    let bytes = match read_whole(disk, &layout.tile(tile), TILE_HASHES as usize * HASH_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("it cannot be read: {error}")),
    };
    if bytes.len() != tile.bytes() {
        return Err(format!("it has {} bytes and not {}", bytes.len(), tile.bytes()));
    }
    Ok(Some(hashes_of(&bytes)))
}

/// The row of a tile that is what the tree says, as far as its own level and those above tell.
fn sound_row(
    disk: &dyn Disk,
    layout: &Layout,
    tree: &CompactRange,
    level: u32,
    place: u64,
) -> Option<Vec<Digest>> {
    let tile = Tile::in_tree(level, place, tree.end())?;
    let row = read(disk, layout, &tile).ok().flatten()?;
    let sound = if tile.is_full() {
        let above = sound_row(disk, layout, tree, level + 1, place / TILE_HASHES)?;
        let at = usize::try_from(place % TILE_HASHES).ok()?;
        above.get(at) == Some(&perfect_root(row.clone()))
    } else {
        fits_frontier(tree, &tile, &row)
    };
    sound.then_some(row)
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
