//! Frame after frame through one segment, each checked before it is shown.
//!
//! A frame is shown when its header fits this segment's salt, continues the frame before, and its
//! body is confirmed: by the link in the next header, or, where no whole header follows, by its
//! own checksum. So every byte is hashed once, in one contiguous call a frame.

use std::io;

use super::frame::{FRAME_HEADER_BYTES, FrameError, FrameHeader, FrameRef, seed_of};
use super::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
pub use super::segment_file::SegmentFile;
use super::tail::next_nonzero;
use crate::hash::Digest;

/// How often the file's length the searches of one walk may read in vain.
const SEARCH_IN_VAIN_MAX: u64 = 4;

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
