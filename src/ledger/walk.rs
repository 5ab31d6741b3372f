//! Frame after frame through one segment, each checked before it is shown.
//!
//! A frame is shown when its header fits this segment's salt, continues the frame before, and its
//! body is confirmed: by the link in the next header, or, where no whole header follows, by its
//! own checksum. So every byte is hashed once, in one contiguous call a frame.

use std::io;
use std::path::Path;

use super::disk::{Access, Disk, DiskFile, Map, Watcher, ended_early};
use super::frame::{FRAME_HEADER_BYTES, FrameError, FrameHeader, FrameRef, seed_of};
use super::segment::{SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES_MAX, SegmentError, SegmentHeader};
use super::tail::next_nonzero;
use crate::hash::Digest;

/// Bytes read at a time where a file is not mapped.
const WINDOW_BYTES: usize = 1 << 20;
/// How often the file's length the searches of one walk may read in vain.
const SEARCH_IN_VAIN_MAX: u64 = 4;
/// Mapped bytes that are kept before the ones that were read last.
const KEPT_BYTES: usize = 2 << 20;

/// Bytes between two words to whoever watches.
const TELL_BYTES: u64 = 1 << 20;

/// A segment's bytes, mapped or read through a window.
pub struct SegmentFile {
    file: Box<dyn DiskFile>,
    len: u64,
    map: Option<Map>,
    /// Mapped bytes below this offset were given back.
    released: usize,
    window: Vec<u8>,
    window_start: u64,
    growing: bool,
    /// Who is told how far reading has come, and up to where that was told.
    watcher: Option<Watcher>,
    told: u64,
}

impl SegmentFile {
    /// Opens a segment to read it. A sealed one may be mapped; one that a living writer may still
    /// trim (`growing`) is read, and bytes that are cut off meanwhile read as missing.
    ///
    /// # Errors
    /// As the system says.
    pub fn open(disk: &dyn Disk, path: &Path, growing: bool) -> io::Result<Self> {
        let file = disk.open(path, Access::Read)?;
        let len = file.len()?;
        let map = if growing { None } else { file.map()? };
        let (window, watcher) = (Vec::new(), disk.watcher());
        Ok(Self { file, len, map, released: 0, window, window_start: 0, growing, watcher, told: 0 })
    }

    /// Returns the file's length when it was opened.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True when the file held no byte when it was opened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// True when a living writer may still write to the file, or trim it.
    pub(super) fn is_growing(&self) -> bool {
        self.growing
    }

    /// Forgets what was read and looks at the file's length again.
    pub(super) fn refresh(&mut self) -> io::Result<()> {
        self.window.clear();
        self.len = self.file.len()?;
        Ok(())
    }

    /// Returns `bytes` bytes at `offset`, fewer only where the file ends.
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
        let left = usize::try_from(self.len - offset.min(self.len)).unwrap_or(usize::MAX);
        let size = wanted.max(WINDOW_BYTES).min(left);
        self.window.resize(size, 0);
        self.window_start = offset;
        let read = self.file.read_at(&mut self.window, offset)?;
        if read < size && !self.growing {
            self.window.clear();
            return Err(ended_early());
        }
        self.window.truncate(read);
        Ok(())
    }

    /// Reads the segment's header.
    ///
    /// # Errors
    /// As the system says; inside, why the bytes are no header.
    pub fn header(&mut self) -> io::Result<Result<SegmentHeader, SegmentError>> {
        Ok(SegmentHeader::decode(self.get(0, SEGMENT_HEADER_BYTES_MAX)?))
    }
}

/// Where a walk stands: what the next frame must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Byte offset in the segment.
    pub offset: u64,
    /// The next frame's number.
    pub number: u64,
    /// The next record's sequence.
    pub sequence: u64,
    /// The link that the next frame continues.
    pub link: Digest,
}

impl Position {
    /// Before the first segment of a ledger.
    pub const ORIGIN: Self = Self { offset: 0, number: 0, sequence: 0, link: Digest::ZERO };

    /// Returns the position of a segment's first frame.
    #[must_use]
    pub fn start(header: &SegmentHeader) -> Self {
        Self {
            offset: SEGMENT_HEADER_BYTES as u64,
            number: header.first_frame,
            sequence: header.first_sequence,
            link: header.link(),
        }
    }

    /// Returns the position after a frame.
    #[must_use]
    pub fn after(frame: &FrameRef<'_>, link: Digest) -> Self {
        Self {
            offset: frame.offset + frame.stored.len() as u64,
            number: frame.header.number + 1,
            sequence: frame.header.next_sequence(),
            link,
        }
    }
}

/// Why a walk shows no further frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The file ends here, between two frames.
    FileEnd,
    /// The file ends inside a frame.
    Cut,
    /// No whole header is here: nothing was written, or it is damaged.
    NoHeader(FrameError),
    /// A whole header is here, but it does not continue this log.
    Alien {
        /// The field that disagrees.
        field: &'static str,
        /// What it should hold.
        expected: String,
        /// What it holds.
        actual: String,
        /// Bytes of the frame that the header claims.
        bytes: usize,
    },
    /// The header is whole, the body is not.
    Body {
        /// What is wrong.
        error: FrameError,
        /// The frame's header.
        header: FrameHeader,
    },
}

/// The next frame, or why there is none.
pub enum Step<'a> {
    /// A checked frame and its link.
    Frame(FrameRef<'a>, Digest),
    /// No further frame.
    Stop(Stop),
}

/// Walks the frames of one segment.
#[derive(Debug, Clone)]
pub struct Walker {
    epoch: u32,
    seed: u32,
    position: Position,
    /// Bytes of bodies that searches checked and found wanting.
    read_in_vain: u64,
}

impl Walker {
    /// Starts at a segment's first frame.
    #[must_use]
    pub fn new(header: &SegmentHeader) -> Self {
        Self::at(header, Position::start(header))
    }

    /// Starts at a known position in the segment.
    #[must_use]
    pub fn at(header: &SegmentHeader, position: Position) -> Self {
        Self { epoch: header.epoch, seed: seed_of(header.salt), position, read_in_vain: 0 }
    }

    /// Returns where the walk stands.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Checks and returns the next frame.
    ///
    /// # Errors
    /// As the system says. After a [`Stop`] the walk stays where it is.
    pub fn next<'a>(&mut self, file: &'a mut SegmentFile) -> io::Result<Step<'a>> {
        let Position { offset, .. } = self.position;
        let left = file.len().saturating_sub(offset);
        let header = match file.get(offset, FRAME_HEADER_BYTES)?.first_chunk() {
            Some(bytes) => match FrameHeader::decode(bytes, self.seed) {
                Ok(header) => header,
                Err(error) => return Ok(Step::Stop(Stop::NoHeader(error))),
            },
            None if left == 0 => return Ok(Step::Stop(Stop::FileEnd)),
            None => return Ok(Step::Stop(Stop::Cut)),
        };
        if let Some(stop) = self.alien(&header) {
            return Ok(Step::Stop(stop));
        }
        let bytes = header.frame_bytes();
        if bytes as u64 > left {
            return Ok(Step::Stop(Stop::Cut));
        }
        let both = file.get(offset, bytes + FRAME_HEADER_BYTES)?;
        let Some((stored, after)) = both.split_at_checked(bytes) else {
            return Ok(Step::Stop(Stop::Cut));
        };
        let frame = FrameRef { header, offset, stored };
        let link = frame.link();
        let next = after.first_chunk().and_then(|next| FrameHeader::decode(next, self.seed).ok());
        let confirmed = next.is_some_and(|next| next.previous == link);
        let body = if confirmed { Ok(()) } else { frame.check_body(self.seed) };
        if let Err(error) = body.and_then(|()| frame.check_layout()) {
            return Ok(Step::Stop(Stop::Body { error, header }));
        }
        self.position = Position::after(&frame, link);
        Ok(Step::Frame(frame, link))
    }

    /// Goes on at a frame that a search found after damage.
    pub(super) fn resume(&mut self, offset: u64, header: &FrameHeader) {
        self.position = Position {
            offset,
            number: header.number,
            sequence: header.first_sequence,
            link: header.previous,
        };
    }

    fn alien(&self, header: &FrameHeader) -> Option<Stop> {
        let at = &self.position;
        let numbers = [
            ("epoch", u64::from(self.epoch), u64::from(header.epoch)),
            ("frame number", at.number, header.number),
            ("first sequence", at.sequence, header.first_sequence),
        ];
        let wrong = numbers.into_iter().find(|(_, expected, actual)| expected != actual);
        let (field, expected, actual) = match wrong {
            Some((field, expected, actual)) => (field, expected.to_string(), actual.to_string()),
            None if at.link == header.previous => return None,
            None => ("previous link", at.link.to_string(), header.previous.to_string()),
        };
        Some(Stop::Alien { field, expected, actual, bytes: header.frame_bytes() })
    }

    /// Finds the next whole frame of this segment at or after `from`, whatever it continues.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn search(
        &mut self,
        file: &mut SegmentFile,
        from: u64,
    ) -> io::Result<Option<(u64, FrameHeader)>> {
        // Headers that lie about long bodies must not make this quadratic. A log that was damaged
        // and not forged never comes near the limit.
        let limit = file.len().saturating_mul(SEARCH_IN_VAIN_MAX);
        let mut offset = from.next_multiple_of(8);
        while offset + FRAME_HEADER_BYTES as u64 <= file.len() {
            let found = match file.get(offset, FRAME_HEADER_BYTES)?.first_chunk() {
                Some(bytes) if bytes == &[0; FRAME_HEADER_BYTES] => {
                    // A header is never all zero: on to the first byte that is not.
                    match next_nonzero(file, offset)? {
                        Some(next) => offset = next.saturating_sub(FRAME_HEADER_BYTES as u64) & !7,
                        None => return Ok(None),
                    }
                    None
                }
                Some(bytes) => FrameHeader::decode(bytes, self.seed).ok(),
                None => return Ok(None),
            };
            let plausible = |header: &FrameHeader| {
                header.epoch == self.epoch
                    && self.read_in_vain + header.frame_bytes() as u64 <= limit
            };
            if let Some(header) = found.filter(plausible) {
                let stored = file.get(offset, header.frame_bytes())?;
                let frame = FrameRef { header, offset, stored };
                if stored.len() == header.frame_bytes()
                    && frame.check_body(self.seed).is_ok()
                    && frame.check_layout().is_ok()
                {
                    return Ok(Some((offset, header)));
                }
                self.read_in_vain += header.frame_bytes() as u64;
            }
            offset += 8;
        }
        Ok(None)
    }
}

/// Returns the end of a trimmed segment whose last bytes are an end frame with one of `flags`. What
/// lies before it is checked when it is read.
pub(crate) fn trimmed_end(
    file: &mut SegmentFile,
    header: &SegmentHeader,
    flags: u16,
) -> io::Result<Option<Position>> {
    let Some(offset) = file.len().checked_sub(FRAME_HEADER_BYTES as u64) else { return Ok(None) };
    if file.len() >= header.file_bytes || offset < SEGMENT_HEADER_BYTES as u64 {
        return Ok(None);
    }
    let stored = file.get(offset, FRAME_HEADER_BYTES)?;
    let found = stored.first_chunk().map(|bytes| FrameHeader::decode(bytes, seed_of(header.salt)));
    let Some(Ok(end)) = found else { return Ok(None) };
    let fits = end.flags & flags != 0
        && end.epoch == header.epoch
        && end.number >= header.first_frame
        && end.first_sequence >= header.first_sequence;
    let frame = FrameRef { header: end, offset, stored };
    Ok(fits.then(|| Position::after(&frame, frame.link())))
}
