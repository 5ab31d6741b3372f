//! A segment's bytes: mapped, read through a window, or unpacked block by block.
//!
//! This is the one door to them. Whoever reads a segment names the place of the original, and gets
//! its bytes at its offsets, whether the file stands there or a packed copy stands beside.

use std::io;
use std::ops::Range;
use std::path::Path;

use super::disk::{Access, Disk, DiskFile, Map, Watcher, ended_early};
use super::packed::{BLOCK_BYTES, Damage, PackedFile, packed_path};
use super::segment::{SEGMENT_HEADER_BYTES_MAX, SegmentError, SegmentHeader};

/// Bytes read at a time where a file is not mapped.
const WINDOW_BYTES: usize = 1 << 20;
/// Mapped bytes that are kept before the ones that were read last.
const KEPT_BYTES: usize = 2 << 20;

/// Bytes between two words to whoever watches.
const TELL_BYTES: u64 = 1 << 20;

/// Where the bytes are.
enum Store {
    /// In the file as it was written.
    Plain(Box<dyn DiskFile>),
    /// In a packed copy, which stands for it.
    Packed(Box<PackedFile>),
}

/// A segment's bytes, whichever way they are stored.
pub struct SegmentFile {
    store: Store,
    len: u64,
    map: Option<Map>,
    /// Mapped bytes below this offset were given back.
    released: usize,
    /// Bytes that were read; of a packed file whole blocks.
    window: Vec<u8>,
    window_start: u64,
    growing: bool,
    /// Who is told how far reading has come, and up to where that was told.
    watcher: Option<Watcher>,
    told: u64,
}

impl SegmentFile {
    /// Opens a segment to read it, or its packed copy where there is no file at `path`. A sealed
    /// one may be mapped; one that a living writer may still trim (`growing`) is read, and bytes
    /// that are cut off meanwhile read as missing.
    ///
    /// # Errors
    /// As the system says; [`io::ErrorKind::Unsupported`] for a packed file of a later version.
    pub fn open(disk: &dyn Disk, path: &Path, growing: bool) -> io::Result<Self> {
        // Whoever packs or unpacks beside us removes one name only once the other is there. So
        // whoever misses both looked at the one too early, and finds it at a second look.
        for _ in 0..2 {
            match disk.open(path, Access::Read) {
                Ok(file) => return Self::plain(disk, file, growing),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            match Self::open_packed(disk, &packed_path(path)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                opened => return opened.map(|file| Self { growing, ..file }),
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    fn plain(disk: &dyn Disk, file: Box<dyn DiskFile>, growing: bool) -> io::Result<Self> {
        let len = file.len()?;
        let map = if growing { None } else { file.map()? };
        Ok(Self { map, ..Self::new(disk, Store::Plain(file), len, growing) })
    }

    /// Opens a packed file by its own name.
    pub(super) fn open_packed(disk: &dyn Disk, path: &Path) -> io::Result<Self> {
        let packed = PackedFile::open(disk, path)?;
        let len = packed.len();
        Ok(Self::new(disk, Store::Packed(Box::new(packed)), len, false))
    }

    fn new(disk: &dyn Disk, store: Store, len: u64, growing: bool) -> Self {
        let (window, watcher) = (Vec::new(), disk.watcher());
        Self {
            store,
            len,
            map: None,
            released: 0,
            window,
            window_start: 0,
            growing,
            watcher,
            told: 0,
        }
    }

    /// Returns the file's length when it was opened; of a packed one, the original's.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True when the file held no byte when it was opened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that a packed segment takes; none of one that stands as it was written.
    #[must_use]
    pub fn packed_bytes(&self) -> Option<u64> {
        match &self.store {
            Store::Plain(_) => None,
            Store::Packed(packed) => Some(packed.stored_bytes()),
        }
    }

    /// Returns the bytes that a packed file stores for a range of the original, at most so many;
    /// those behind its last block for a range that is empty or beyond its blocks. None of a
    /// segment that stands as it was written.
    ///
    /// # Errors
    /// As the system says.
    pub fn stored(&self, range: Range<u64>, most: usize) -> io::Result<Option<Vec<u8>>> {
        match &self.store {
            Store::Plain(_) => Ok(None),
            Store::Packed(packed) => packed.stored(range, most).map(Some),
        }
    }

    /// True when a living writer may still write to the file, or trim it.
    pub(super) fn is_growing(&self) -> bool {
        self.growing
    }

    /// Forgets what was read and looks at the file's length again.
    pub(super) fn refresh(&mut self) -> io::Result<()> {
        self.window.clear();
        if let Store::Plain(file) = &self.store {
            self.len = file.len()?;
        }
        Ok(())
    }

    /// Returns what is wrong with the packed file, as far as that was read and not told yet.
    pub(super) fn take_damage(&mut self) -> Vec<Damage> {
        match &mut self.store {
            Store::Plain(_) => Vec::new(),
            Store::Packed(packed) => packed.take_damage(),
        }
    }

    /// Reads the blocks of a packed file that nobody asked for.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn read_the_rest(&mut self) -> io::Result<()> {
        match &mut self.store {
            Store::Plain(_) => Ok(()),
            Store::Packed(packed) => packed.read_the_rest(),
        }
    }

    /// Returns `bytes` bytes at `offset`, fewer only where the file ends. Where a packed file is
    /// damaged, what it does not give reads as zeroes, and a scan names the damage.
    ///
    /// # Errors
    /// As the system says; [`io::ErrorKind::UnexpectedEof`] when the file became shorter.
    pub fn get(&mut self, offset: u64, bytes: usize) -> io::Result<&[u8]> {
        if let Some(watcher) = self.watcher
            && offset >= self.told.saturating_add(TELL_BYTES)
        {
            watcher(offset - self.told);
            self.told = offset;
        }
        let end = self.len.min(offset.saturating_add(bytes as u64));
        let wanted = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX);
        if self.map.is_some() {
            let start = usize::try_from(offset.min(self.len)).unwrap_or(usize::MAX);
            self.release_behind(start);
            let bytes = self.map.as_deref().unwrap_or_default();
            return Ok(&bytes[start..start + wanted]);
        }
        if wanted == 0 {
            return Ok(&[]);
        }
        let held = self.window_start + self.window.len() as u64;
        if offset < self.window_start || offset + wanted as u64 > held {
            self.fill(offset, wanted)?;
        }
        let start = usize::try_from(offset - self.window_start).unwrap_or(usize::MAX);
        let start = start.min(self.window.len());
        Ok(&self.window[start..self.window.len().min(start + wanted)])
    }

    /// A walk goes forwards: what lies far behind is given back, a stretch at a time.
    fn release_behind(&mut self, offset: usize) {
        let behind = offset.saturating_sub(KEPT_BYTES) & !(KEPT_BYTES - 1);
        if behind > self.released
            && let Some(map) = &self.map
        {
            map.release(self.released, behind - self.released);
            self.released = behind;
        }
    }

    fn fill(&mut self, offset: u64, wanted: usize) -> io::Result<()> {
        let file = match &self.store {
            Store::Plain(file) => file,
            Store::Packed(_) => return self.unpack(offset, wanted),
        };
        let left = usize::try_from(self.len - offset.min(self.len)).unwrap_or(usize::MAX);
        let size = wanted.max(WINDOW_BYTES).min(left);
        self.window.resize(size, 0);
        self.window_start = offset;
        let read = file.read_at(&mut self.window, offset)?;
        if read < size && !self.growing {
            self.window.clear();
            return Err(ended_early());
        }
        self.window.truncate(read);
        Ok(())
    }

    /// Unpacks the blocks that cover a range, and no other; blocks that the window holds already
    /// are kept.
    fn unpack(&mut self, offset: u64, wanted: usize) -> io::Result<()> {
        let Store::Packed(packed) = &mut self.store else { return Ok(()) };
        let block = BLOCK_BYTES as u64;
        let start = offset / block * block;
        let end = (offset + wanted as u64).next_multiple_of(block).min(self.len);
        let size = usize::try_from(end - start).unwrap_or(usize::MAX);
        let held = self.window_start + self.window.len() as u64;
        let kept = if (self.window_start..held).contains(&start) {
            let from = usize::try_from(start - self.window_start).unwrap_or(usize::MAX);
            self.window.copy_within(from.., 0);
            (self.window.len() - from).min(size)
        } else {
            0
        };
        self.window.resize(size, 0);
        self.window_start = start;
        let read = packed.read(start + kept as u64, &mut self.window[kept..]);
        if read.is_err() {
            self.window.clear();
        }
        read
    }

    /// Reads the segment's header.
    ///
    /// # Errors
    /// As the system says; inside, why the bytes are no header.
    pub fn header(&mut self) -> io::Result<Result<SegmentHeader, SegmentError>> {
        Ok(SegmentHeader::decode(self.get(0, SEGMENT_HEADER_BYTES_MAX)?))
    }
}
