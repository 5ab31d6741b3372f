//! Packing a ledger's ended segments, and unpacking them again.
//!
//! | step | a crash after it leaves |
//! |---|---|
//! | the copy written and synced, not yet named | a file that the next call removes |
//! | read back, compared, renamed, directory synced | both: the original counts |
//! | the original removed, directory synced | the copy, which stands for it |
//!
//! Invariants: only a segment that another one follows is touched, so no writer ever opens a packed
//! one to write; only a sound one is, since damage is evidence; nothing is removed before all its
//! bytes were read out of what stays.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::codec::Packer;
use super::table::{BLOCK_BYTES, ORIGINAL_BYTES_MAX, STORED_BYTES_MAX, encode};
use super::{PACKED_SUFFIX, packed_path, stored_index_of};
use crate::ledger::disk::{Access, Disk, DiskFile, TEMPORARY_SUFFIX, remove_if_there, temporary};
use crate::ledger::layout::{Layout, Listing};
use crate::ledger::open::check_identity;
use crate::ledger::recovery::{missing, sound_headers};
use crate::ledger::scan::{Follower, SegmentEnd, scan_segment};
use crate::ledger::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, file_name};
use crate::ledger::walk::SegmentFile;
use crate::ledger::{LedgerError, at, damage_among};

/// Bytes that are compared, and written, at a time.
const PIECE_BYTES: usize = 1 << 20;

/// What packing or unpacking came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Packing {
    /// Segments that were packed, or unpacked, now.
    pub segments: u64,
    /// Segments that were so already.
    pub already: u64,
    /// Segments that stay as they were written: the last one, and any of more than 4 GiB.
    pub left: u64,
    /// Bytes of the segments of now as they were written.
    pub bytes: u64,
    /// Bytes that they take packed.
    pub packed_bytes: u64,
}

impl Packing {
    /// How many times longer than packed the segments are, to two places, where there are any.
    #[must_use]
    pub fn ratio(&self) -> Option<String> {
        let hundredths = u128::from(self.bytes) * 100 / u128::from(self.packed_bytes.max(1));
        let ratio = || format!("{}.{:02}", hundredths / 100, hundredths % 100);
        (self.packed_bytes > 0).then(ratio)
    }
}

/// Packs every segment of the ledger at `path` that another one follows. The writer's lock is held
/// meanwhile. A second call packs what came since, and completes what a crash interrupted.
///
/// # Errors
/// [`LedgerError::Locked`] beside a writer; damage, which is never packed; failures of the machine.
/// What was packed before the error stays, and the ledger holds what it held.
///
/// # Examples
/// ```
/// use schwabot::audit::{VerifyOptions, verify};
/// use schwabot::event::Event;
/// use schwabot::ledger::disk::RealDisk;
/// use schwabot::ledger::packed::{pack, unpack};
/// use schwabot::ledger::{Writer, WriterOptions};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("ledger");
/// for _ in 0..2 {
///     Writer::<Event>::open(&path, &WriterOptions::default())?.close()?;
/// }
/// let done = pack(&RealDisk, &path)?;
/// assert_eq!((done.segments, done.left), (1, 1));
/// assert_eq!(verify(&path, &VerifyOptions::default())?.exit_code(), 0);
/// assert_eq!(unpack(&RealDisk, &path)?.segments, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn pack(disk: &dyn Disk, path: &Path) -> Result<Packing, LedgerError> {
    let work = Work::begin(disk, path)?;
    let mut done = Packing::default();
    for place in 0..work.headers.len() {
        let is_last = place + 1 == work.headers.len();
        let there = work.there(place);
        if !there.original {
            done.already += 1;
        } else if is_last || work.listing.segments[place].bytes > ORIGINAL_BYTES_MAX {
            done.left += 1;
        } else {
            work.pack(place, there, &mut done)?;
        }
    }
    Ok(done)
}

/// Unpacks every packed segment of the ledger at `path`, byte for byte as it was written. The
/// writer's lock is held meanwhile.
///
/// What is damaged stays packed, also where only its table is: how long the original was, nothing
/// else says for sure.
///
/// # Errors
/// See [`pack`].
pub fn unpack(disk: &dyn Disk, path: &Path) -> Result<Packing, LedgerError> {
    let work = Work::begin(disk, path)?;
    let mut done = Packing::default();
    for place in 0..work.headers.len() {
        let there = work.there(place);
        if there.packed {
            work.unpack(place, there, &mut done)?;
        } else {
            done.already += 1;
        }
    }
    Ok(done)
}

/// Which files of a segment there are.
#[derive(Clone, Copy)]
struct There {
    original: bool,
    packed: bool,
}

/// A ledger that nobody writes to meanwhile.
struct Work<'w> {
    disk: &'w dyn Disk,
    layout: Layout,
    listing: Listing,
    headers: Vec<SegmentHeader>,
    names: Vec<String>,
    _lock: Box<dyn Send + Sync>,
}

impl<'w> Work<'w> {
    fn begin(disk: &'w dyn Disk, path: &Path) -> Result<Self, LedgerError> {
        let layout = Layout::new(path);
        // Asked before the lock: it makes a file, and only a ledger may get one.
        check_identity(&layout, &Listing::read(disk, &layout)?, None)?;
        let lock = disk.lock(&layout.lock()).map_err(at("lock", &layout.lock()))?;
        let lock = lock.ok_or_else(|| LedgerError::Locked { path: path.to_owned() })?;
        let listing = Listing::read(disk, &layout)?;
        let headers = sound_headers(&layout, &listing)?;
        let mut work = Self { disk, layout, listing, headers, names: Vec::new(), _lock: lock };
        if work.listing.has_segments_dir {
            work.tidy()?;
        }
        Ok(work)
    }

    /// Makes all names durable, for the name of what follows a segment is what makes it an ended
    /// one, and removes what an interrupted call left.
    fn tidy(&mut self) -> Result<(), LedgerError> {
        let dir = self.layout.segments();
        self.sync_dir()?;
        for name in self.disk.list(&dir).map_err(at("list", &dir))? {
            let of = name.strip_suffix(TEMPORARY_SUFFIX);
            if of.is_some_and(|of| stored_index_of(of).is_some()) {
                self.remove(&dir.join(&name))?;
            } else {
                self.names.push(name);
            }
        }
        Ok(())
    }

    fn there(&self, place: usize) -> There {
        let name = file_name(place as u64);
        let has = |name: &str| self.names.iter().any(|there| there == name);
        There { original: has(&name), packed: has(&(name.clone() + PACKED_SUFFIX)) }
    }

    fn pack(&self, place: usize, there: There, done: &mut Packing) -> Result<(), LedgerError> {
        let (original, packed) = self.paths(place);
        let bytes = self.check(place)?;
        // Both are there where a call was interrupted. What the copy is worth is read, not hoped.
        let is_copy = there.packed && self.are_equal(&original, &packed)?;
        if !is_copy {
            let ready = temporary(&packed);
            let target = self.create(&ready, &original)?;
            let mut source = self.open(&original)?;
            write_packed(&mut source, &*target).map_err(at("pack into", &ready))?;
            self.read_back(&original, &ready, &ready)?;
            let named = match there.packed {
                true => self.disk.replace(&ready, &packed),
                false => self.disk.rename_new(&ready, &packed),
            };
            named.map_err(at("rename", &packed))?;
        }
        self.remove_beside(&original, &packed)?;
        done.segments += 1;
        done.bytes += bytes;
        done.packed_bytes += self.open(&original)?.packed_bytes().unwrap_or(bytes);
        Ok(())
    }

    fn unpack(&self, place: usize, there: There, done: &mut Packing) -> Result<(), LedgerError> {
        let (original, packed) = self.paths(place);
        let bytes = self.check(place)?;
        done.segments += 1;
        done.bytes += bytes;
        let source = SegmentFile::open_packed(self.disk, &packed).map_err(at("open", &packed));
        done.packed_bytes += source.ok().and_then(|file| file.packed_bytes()).unwrap_or(0);
        if !there.original {
            let ready = temporary(&original);
            let target = self.create(&ready, &packed)?;
            let mut source = self.open(&original)?;
            write_original(&mut source, &*target).map_err(at("unpack into", &ready))?;
            self.read_back(&ready, &packed, &ready)?;
            self.disk.rename_new(&ready, &original).map_err(at("rename", &original))?;
        }
        self.remove_beside(&packed, &original)
    }

    /// Judges a segment, and returns its length: what is damaged stays as it is.
    fn check(&self, place: usize) -> Result<u64, LedgerError> {
        let (path, header) = (self.layout.segment(place as u64), &self.headers[place]);
        let mut file = self.open(&path)?;
        let mut last = None;
        let follower = self.listing.follower(place);
        let scan = scan_segment(&mut file, header, follower, &mut |_, link| last = Some(link))
            .map_err(at("read", &path))?;
        if let Some(damage) = damage_among(&scan.faults) {
            return Err(damage);
        }
        let link = last.unwrap_or_else(|| header.link());
        let next = self.headers.get(place + 1);
        if let Some(next) = next.filter(|next| next.previous != link) {
            let expected = format!("a segment that continues {link}");
            let actual = format!("one that continues {}", next.previous);
            return Err(missing(next.index, scan.counted.sequence, &expected, &actual));
        }
        let ends = matches!(scan.end, SegmentEnd::Sealed | SegmentEnd::Closed);
        if next.is_some() && !ends && !matches!(follower, Follower::Recovers(_)) {
            let (expected, actual) = ("an end frame", "none");
            return Err(missing(header.index, scan.counted.sequence, expected, actual));
        }
        Ok(file.len())
    }

    /// Reads a copy back, and refuses one that is not what it was made of.
    fn read_back(&self, original: &Path, packed: &Path, copy: &Path) -> Result<(), LedgerError> {
        let source = || io::Error::other("the copy is not what was written");
        let is_equal = self.are_equal(original, packed)?;
        if is_equal { Ok(()) } else { Err(at("read back", copy)(source())) }
    }

    /// Does a packed file hold every byte of an original, and no damage?
    fn are_equal(&self, original: &Path, packed: &Path) -> Result<bool, LedgerError> {
        let mut one = self.open(original)?;
        let mut other = SegmentFile::open_packed(self.disk, packed).map_err(at("open", packed))?;
        let mut offset = 0;
        let mut same = one.len() == other.len();
        while same && offset < one.len() {
            let piece = one.get(offset, PIECE_BYTES).map_err(at("read", original))?;
            same = piece == other.get(offset, PIECE_BYTES).map_err(at("read", packed))?;
            offset += piece.len() as u64;
        }
        Ok(same && other.take_damage().is_empty())
    }

    fn paths(&self, place: usize) -> (PathBuf, PathBuf) {
        let original = self.layout.segment(place as u64);
        let packed = packed_path(&original);
        (original, packed)
    }

    fn open(&self, path: &Path) -> Result<SegmentFile, LedgerError> {
        SegmentFile::open(self.disk, path, false).map_err(at("open", path))
    }

    /// Creates a copy; what only its owner may read stays so.
    fn create(&self, path: &Path, of: &Path) -> Result<Box<dyn DiskFile>, LedgerError> {
        let private = self.disk.is_private(of).map_err(at("look at", of))?;
        let made = if private { self.disk.create_private(path) } else { self.disk.create(path) };
        made.map_err(at("create", path))
    }

    /// Removes one of the two files, once the other one is durable.
    fn remove_beside(&self, goes: &Path, stays: &Path) -> Result<(), LedgerError> {
        // Whoever put it there may have died before it was.
        let file = self.disk.open(stays, Access::Write).map_err(at("open", stays))?;
        file.sync().map_err(at("sync", stays))?;
        self.sync_dir()?;
        self.remove(goes)?;
        self.sync_dir()
    }

    fn remove(&self, path: &Path) -> Result<(), LedgerError> {
        remove_if_there(self.disk, path).map_err(at("remove", path))
    }

    fn sync_dir(&self) -> Result<(), LedgerError> {
        let dir = self.layout.segments();
        self.disk.sync_dir(&dir).map_err(at("sync", &dir))
    }
}

/// Writes a packed copy of what `source` holds, and makes it durable.
fn write_packed(source: &mut SegmentFile, target: &dyn DiskFile) -> io::Result<()> {
    let mut packer = Packer::new()?;
    let (mut blocks, mut waiting, mut written) = (Vec::new(), Vec::new(), 0);
    let mut header = [0; SEGMENT_HEADER_BYTES];
    header.copy_from_slice(source.get(0, SEGMENT_HEADER_BYTES)?);
    let mut offset = 0;
    while offset < source.len() {
        let block = source.get(offset, BLOCK_BYTES)?;
        offset += block.len() as u64;
        let stored = packer.pack(block)?;
        if block.is_empty() || stored.len() > STORED_BYTES_MAX {
            return Err(io::Error::other("a block that does not fit"));
        }
        blocks.push((stored.len() as u32, crc32c::crc32c(&stored)));
        waiting.extend_from_slice(&stored);
        if waiting.len() >= PIECE_BYTES {
            target.write_at(&waiting, written)?;
            written += waiting.len() as u64;
            waiting.clear();
        }
    }
    waiting.extend_from_slice(&encode(&blocks, source.len(), &header));
    target.write_at(&waiting, written)?;
    target.sync()
}

/// Writes what a packed file holds as it was, and makes it durable. Zeroes take no space.
fn write_original(source: &mut SegmentFile, target: &dyn DiskFile) -> io::Result<()> {
    let mut offset = 0;
    while offset < source.len() {
        let piece = source.get(offset, PIECE_BYTES)?;
        if piece.iter().any(|byte| *byte != 0) {
            target.write_at(piece, offset)?;
        }
        offset += piece.len() as u64;
    }
    target.set_len(source.len())?;
    target.sync()
}
