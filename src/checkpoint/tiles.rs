//! The tree's hashes as files: C2SP tlog-tiles, made from the segments and never believed.
//!
//! Tiles are made off the hot path, by whoever signs or proves: reading goes on behind the last
//! full tile. They are not synced; after a power cut, or when somebody touched one, the root that
//! comes out of them is not the log's, and they are made anew from the first record.

use std::collections::BTreeMap;
use std::io;

use super::each_row;
use crate::event::Payload;
use crate::hash::{self, Digest};
use crate::ledger::disk::{Access, Disk, read_whole, write_derived};
use crate::ledger::layout::Layout;
use crate::ledger::{LedgerError, Reader, at};
use crate::merkle::proof::{consistency_spans, inclusion_spans, span_root};
use crate::merkle::tile::{HASH_BYTES, TILE_HASHES, TILE_HEIGHT, Tile, hashes_of, perfect_root};

/// The tree of the first `size` records of a ledger, in tiles that led to its root.
pub struct Tiles<'l> {
    disk: &'l dyn Disk,
    layout: &'l Layout,
    size: u64,
    root: Digest,
    /// Tiles that were read, the lowest first: proofs share most of their upper ones.
    cache: BTreeMap<Tile, Pyramid>,
}

/// Tiles that are kept in memory while proofs are built; each takes at most 16 KiB.
const TILES_CACHED: usize = 512;

/// A tile's row, and above it the roots over its pairs, over theirs, and so on: all nodes that lie
/// inside the tile, each hashed once.
struct Pyramid(Vec<Vec<Digest>>);

impl Pyramid {
    fn over(row: Vec<Digest>) -> Self {
        let mut rows = vec![row];
        while let Some(last) = rows.last().filter(|last| last.len() > 1) {
            // A node without a partner has no parent inside the tile.
            let mut parents = last[..last.len() & !1].to_vec();
            hash::parents(&mut parents);
            parents.truncate(parents.len() / 2);
            rows.push(parents);
        }
        Self(rows)
    }
}

impl<'l> Tiles<'l> {
    /// Makes or completes the tiles of the first `size` records, whose root is known already: tiles
    /// that do not lead to it are made anew.
    ///
    /// # Errors
    /// Damage of the log, and failures of the machine; the caller compares the root.
    ///
    /// # Panics
    /// When the reader shows fewer records.
    pub fn checked<P: Payload>(
        reader: &'l Reader<P>,
        size: u64,
        root: &Digest,
    ) -> Result<Self, LedgerError> {
        let mut tiles = Self::unbuilt(reader, size);
        let kept = tiles.full_tiles().map_err(|error| at("read", tiles.layout.root())(error))?;
        let kept = kept.min(size / TILE_HASHES);
        let built = tiles.build(reader, kept);
        let fits = kept == 0 || matches!(&built, Ok(found) if found == root);
        tiles.root = if fits { built? } else { tiles.build(reader, 0)? };
        Ok(tiles)
    }

    /// Makes all tiles of the first `size` records anew, whatever lies there, and computes their
    /// root.
    ///
    /// # Errors
    /// As [`Tiles::checked`].
    ///
    /// # Panics
    /// As [`Tiles::checked`].
    pub fn anew<P: Payload>(reader: &'l Reader<P>, size: u64) -> Result<Self, LedgerError> {
        let mut tiles = Self::unbuilt(reader, size);
        tiles.root = tiles.build(reader, 0)?;
        Ok(tiles)
    }

    fn unbuilt<P: Payload>(reader: &'l Reader<P>, size: u64) -> Self {
        assert!(size <= reader.len(), "tiles of {size} records of {}", reader.len());
        Self::as_found(&**reader.disk(), reader.layout(), size, hash::empty_root())
    }

    /// Opens the tiles of `size` records as they are, without looking at the log: what comes out of
    /// them counts only once it leads to `root`.
    #[must_use]
    pub const fn as_found(disk: &'l dyn Disk, layout: &'l Layout, size: u64, root: Digest) -> Self {
        Self { disk, layout, size, root, cache: BTreeMap::new() }
    }

    /// Records that the tiles cover.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Root over them.
    #[must_use]
    pub const fn root(&self) -> Digest {
        self.root
    }

    /// Returns the root over the first `size` records.
    ///
    /// # Errors
    /// When a tile is missing, or has another length than its name says.
    pub fn root_at(&mut self, size: u64) -> io::Result<Digest> {
        span_root(&(0..size), &mut |level, place| self.node(level, place))
    }

    /// Returns the roots of the perfect subtrees that make up the first `size` records.
    ///
    /// # Errors
    /// As [`Tiles::root_at`].
    pub fn frontier(&mut self, size: u64) -> io::Result<Vec<Digest>> {
        let levels = (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1);
        levels.map(|level| self.node(level, (size >> level) - 1)).collect()
    }

    /// Returns the path from the record at `index` to the root over the first `size` records;
    /// `None` when it is not among them.
    ///
    /// # Errors
    /// As [`Tiles::root_at`].
    pub fn inclusion(&mut self, index: u64, size: u64) -> io::Result<Option<Vec<Digest>>> {
        self.path(inclusion_spans(index, size))
    }

    /// Returns the path from the tree of `old` records to that of `new`; `None` when `old` is the
    /// larger.
    ///
    /// # Errors
    /// As [`Tiles::root_at`].
    pub fn consistency(&mut self, old: u64, new: u64) -> io::Result<Option<Vec<Digest>>> {
        self.path(consistency_spans(old, new))
    }

    /// Returns the leaf hashes of one tile of the lowest level.
    ///
    /// # Errors
    /// As [`Tiles::root_at`].
    pub fn leaves(&mut self, place: u64) -> io::Result<Vec<Digest>> {
        self.pyramid(0, place).map(|pyramid| pyramid.0[0].clone())
    }

    fn path(
        &mut self,
        spans: Option<Vec<std::ops::Range<u64>>>,
    ) -> io::Result<Option<Vec<Digest>>> {
        let Some(spans) = spans else { return Ok(None) };
        let mut node = |level, place| self.node(level, place);
        spans.iter().map(|span| span_root(span, &mut node)).collect::<io::Result<_>>().map(Some)
    }

    /// The root of a perfect subtree, out of the tile that spans it.
    fn node(&mut self, level: u32, place: u64) -> io::Result<Digest> {
        let (tile_level, inside) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        let across = TILE_HASHES >> inside;
        let pyramid = self.pyramid(tile_level, place / across)?;
        // Less than 256.
        let at = usize::try_from(place % across).unwrap_or(0);
        let node = pyramid.0.get(inside as usize).and_then(|row| row.get(at)).copied();
        node.ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "a tile is too narrow"))
    }

    fn pyramid(&mut self, level: u32, place: u64) -> io::Result<&Pyramid> {
        let tile = Tile::in_tree(level, place, self.size);
        let outside = || io::Error::new(io::ErrorKind::NotFound, "a tile outside the tree");
        let tile = tile.ok_or_else(outside)?;
        if !self.cache.contains_key(&tile) {
            let pyramid = Pyramid::over(self.read(&tile)?);
            if self.cache.len() == TILES_CACHED {
                // The lowest ones are shared by the fewest proofs.
                self.cache.pop_first();
            }
            self.cache.insert(tile, pyramid);
        }
        Ok(&self.cache[&tile])
    }

    fn read(&self, tile: &Tile) -> io::Result<Vec<Digest>> {
        let full = TILE_HASHES as usize * HASH_BYTES;
        let bytes = match read_whole(self.disk, &self.layout.tile(tile), full) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !tile.is_full() => {
                read_whole(self.disk, &self.layout.tile(&self.wider(tile)), full)?
            }
            bytes => bytes?,
        };
        let row = hashes_of(&bytes);
        if bytes.len() < tile.bytes() || !bytes.len().is_multiple_of(HASH_BYTES) {
            let text = format!("{} has {} bytes", tile.path(), bytes.len());
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(row)
    }

    /// The tile that a later tree has in place of a partial one.
    fn wider(&self, tile: &Tile) -> Tile {
        let folder = self.layout.tile(tile);
        let names = folder.parent().and_then(|folder| self.disk.list(folder).ok());
        let widths = names.iter().flatten().filter_map(|name| name.parse::<u64>().ok());
        let wider = widths.filter(|width| (tile.width..TILE_HASHES).contains(width)).min();
        Tile { width: wider.unwrap_or(TILE_HASHES), ..*tile }
    }

    /// How many full tiles there are from the first one on; a gap behind a later one shows when the
    /// root does not come out.
    fn full_tiles(&self) -> io::Result<u64> {
        let there = |place: u64| {
            let tile = Tile { level: 0, place, width: TILE_HASHES };
            match self.disk.open(&self.layout.tile(&tile), Access::Read) {
                Ok(file) => Ok(file.len()? == tile.bytes() as u64),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                Err(error) => Err(error),
            }
        };
        let all = self.size / TILE_HASHES;
        let (mut below, mut step) = (0, 1);
        while below + step <= all && there(below + step - 1)? {
            below += step;
            step *= 2;
        }
        let mut above = all.min(below + step);
        while below < above {
            let middle = below.midpoint(above);
            if there(middle)? {
                below = middle + 1;
            } else {
                above = middle;
            }
        }
        Ok(below)
    }

    /// Makes all tiles behind the first `kept` full ones, and returns the root that comes out.
    fn build<P: Payload>(&mut self, reader: &Reader<P>, kept: u64) -> Result<Digest, LedgerError> {
        self.cache.clear();
        let failed = |layout: &Layout| {
            let path = layout.root().join("tile");
            move |error| at("make tiles in", &path)(error)
        };
        let mut rows = Rows { disk: self.disk, layout: self.layout, levels: Vec::new() };
        self.resume(&mut rows, kept).map_err(failed(self.layout))?;
        each_row(reader, kept * TILE_HASHES..self.size, |row| {
            row.iter().try_for_each(|leaf| rows.push(0, *leaf)).map_err(failed(self.layout))
        })?;
        rows.write_partial().map_err(failed(self.layout))?;
        self.root_at(self.size).map_err(failed(self.layout))
    }

    /// Fills the rows above the kept tiles from those.
    fn resume(&mut self, rows: &mut Rows<'_>, kept: u64) -> io::Result<()> {
        let mut full = kept;
        let mut level = 0;
        while full > 0 {
            let first = full / TILE_HASHES * TILE_HASHES;
            for place in first..full {
                let top = self.pyramid(level, place)?.0.get(TILE_HEIGHT as usize);
                let narrow =
                    || io::Error::new(io::ErrorKind::UnexpectedEof, "a tile is too narrow");
                let root = top.and_then(|top| top.first()).copied().ok_or_else(narrow)?;
                rows.level(level + 1).0.push(root);
            }
            rows.level(level).1 = full;
            full /= TILE_HASHES;
            level += 1;
            rows.level(level).1 = full;
        }
        Ok(())
    }
}

/// The rows that are being filled, one a tile level: the hashes, and the place of their tile.
struct Rows<'l> {
    disk: &'l dyn Disk,
    layout: &'l Layout,
    levels: Vec<(Vec<Digest>, u64)>,
}

impl Rows<'_> {
    fn level(&mut self, level: u32) -> &mut (Vec<Digest>, u64) {
        let level = level as usize;
        if self.levels.len() <= level {
            self.levels.resize(level + 1, (Vec::new(), 0));
        }
        &mut self.levels[level]
    }

    fn push(&mut self, level: u32, hash: Digest) -> io::Result<()> {
        let (row, place) = self.level(level);
        row.push(hash);
        if (row.len() as u64) < TILE_HASHES {
            return Ok(());
        }
        let tile = Tile { level, place: *place, width: TILE_HASHES };
        let row = std::mem::take(row);
        *place += 1;
        self.write(&tile, &row)?;
        self.push(level + 1, perfect_root(row))
    }

    fn write_partial(&self) -> io::Result<()> {
        for ((row, place), level) in self.levels.iter().zip(0..) {
            if !row.is_empty() {
                self.write(&Tile { level, place: *place, width: row.len() as u64 }, row)?;
            }
        }
        Ok(())
    }

    fn write(&self, tile: &Tile, row: &[Digest]) -> io::Result<()> {
        let path = self.layout.tile(tile);
        let bytes: Vec<u8> = row.iter().flat_map(|hash| hash.0).collect();
        if let Err(error) = write_derived(self.disk, &path, &bytes) {
            let folder = path.parent().filter(|_| error.kind() == io::ErrorKind::NotFound);
            self.disk.create_dir(folder.ok_or(error)?)?;
            write_derived(self.disk, &path, &bytes)?;
        }
        self.drop_narrower(tile)
    }

    /// Removes partial tiles that this one makes superfluous.
    fn drop_narrower(&self, tile: &Tile) -> io::Result<()> {
        let any = self.layout.tile(&Tile { width: 1, ..*tile });
        let Some(folder) = any.parent() else { return Ok(()) };
        let names = match self.disk.list(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            names => names?,
        };
        let narrower = |name: &&String| name.parse::<u64>().is_ok_and(|width| width < tile.width);
        names.iter().filter(narrower).try_for_each(|name| self.disk.remove(&folder.join(name)))
    }
}
