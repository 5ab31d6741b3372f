//! Frames from one file into another, each hashed again out of the buffer that is written.

use std::path::PathBuf;

use super::source::Source;
use super::{BackupError, Place};
use crate::hash::{self, DeadBytesHasher, Digest};
use crate::ledger::disk::DiskFile;
use crate::ledger::frame::FLAG_SEAL;
use crate::ledger::recovery::missing;
use crate::ledger::segment::{RecoveryNote, SegmentHeader};
use crate::ledger::walk::{Position, SegmentFile, Step, Walker};
use crate::ledger::{LedgerError, at, changed};

/// Bytes that are collected before they are written.
const WRITE_BYTES: usize = 1 << 20;

/// A copy that is being made under a name that nobody reads.
pub(super) struct Draft {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    waiting: Vec<u8>,
    written: u64,
}

impl Draft {
    pub(super) fn new(file: Box<dyn DiskFile>, path: PathBuf) -> Self {
        Self { file, path, waiting: Vec::new(), written: 0 }
    }

    /// Bytes that were taken.
    fn len(&self) -> u64 {
        self.written + self.waiting.len() as u64
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), LedgerError> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() < WRITE_BYTES { Ok(()) } else { self.flush() }
    }

    /// Takes a frame whose link is known. The bytes that are kept are hashed again: those that were
    /// checked may lie in a map of the file, and be others by now.
    fn take_frame(&mut self, stored: &[u8], link: Digest) -> Result<bool, LedgerError> {
        let start = self.waiting.len();
        self.waiting.extend_from_slice(stored);
        if hash::link(&self.waiting[start..]) != link {
            return Ok(false);
        }
        self.take(&[])?;
        Ok(true)
    }

    fn flush(&mut self) -> Result<(), LedgerError> {
        let written = self.file.write_at(&self.waiting, self.written);
        written.map_err(at("write", &self.path))?;
        self.written = self.len();
        self.waiting.clear();
        Ok(())
    }

    /// Makes the copy durable at its length, and returns how many bytes were written.
    pub(super) fn finish(mut self, length: u64) -> Result<u64, LedgerError> {
        self.flush()?;
        if length > self.written {
            // What was never written reads as zeroes and takes no space.
            self.file.set_len(length).map_err(at("lengthen", &self.path))?;
        }
        self.file.sync().map_err(at("sync", &self.path))?;
        Ok(self.written)
    }
}

/// Where a copy of frames is to stop.
#[derive(Clone, Copy)]
enum Until {
    /// Before this frame.
    Frame(u64),
    /// At this offset.
    Offset(u64),
    /// After the end frame.
    End,
}

/// What came of copying frames.
struct Ran {
    end: Position,
    /// The flags of the last frame, if any.
    flags: u16,
    /// The position that was asked for was met.
    seen: bool,
}

/// A copy that is durable under its draft's name.
pub(super) struct Drafted {
    pub(super) end: Position,
    pub(super) bytes: u64,
    /// The position where the older copy ends is on the chain.
    pub(super) seen: bool,
}

/// Copies a segment that `next` follows, and checks that it does.
///
/// # Errors
/// Damage of the segment, and failures of the machine.
pub(super) fn draft_whole(
    source: &Source<'_>,
    place: &Place<'_>,
    index: usize,
    old: Position,
) -> Result<Drafted, BackupError> {
    let (header, next) = (&source.headers[index], &source.headers[index + 1]);
    let mut file = source.open(index)?;
    let mut draft = place.draft()?;
    let until = next.recovery.map_or(Until::End, |note| Until::Offset(note.counted_bytes));
    let Some(ran) = copy_frames(source, &mut file, header, &mut draft, until, old)? else {
        return Err(source.damage(index));
    };
    let Ran { end, flags, seen } = ran;
    let length = match &next.recovery {
        None => end.offset,
        Some(note) => {
            let fits = end.offset == note.counted_bytes && file.len() >= header.file_bytes;
            if !fits || !copy_dead_bytes(source, &mut file, index, note, &mut draft)? {
                return Err(source.damage(index));
            }
            header.file_bytes
        }
    };
    let same_writer = next.recovery.is_none() && flags & FLAG_SEAL != 0;
    let epoch = header.epoch + u32::from(!same_writer);
    let begins = (next.previous, next.first_frame, next.first_sequence, next.epoch);
    if begins != (end.link, end.number, end.sequence, epoch) {
        let expected = format!("a segment that continues {}", end.link);
        let actual = format!("one that continues {}", next.previous);
        return Err(missing(next.index, end.sequence, &expected, &actual).into());
    }
    let bytes = draft.finish(length)?;
    Ok(Drafted { end, bytes, seen })
}

/// Copies a last segment's frames below a number; `ended` tells that the last of them ends it.
///
/// # Errors
/// A file that is not what it was when it was judged, and failures of the machine.
pub(super) fn draft_part(
    source: &Source<'_>,
    place: &Place<'_>,
    index: usize,
    below: u64,
    ended: bool,
) -> Result<Drafted, BackupError> {
    let header = &source.headers[index];
    let mut file = source.open(index)?;
    let mut draft = place.draft()?;
    let (until, start) = (Until::Frame(below), Position::start(header));
    let ran = copy_frames(source, &mut file, header, &mut draft, until, start)?;
    let Some(Ran { end, seen, .. }) = ran.filter(|ran| ran.end.number == below) else {
        return Err(changed(&source.layout.segment(index as u64)).into());
    };
    let length = if ended { end.offset } else { header.file_bytes };
    let bytes = draft.finish(length)?;
    Ok(Drafted { end, bytes, seen })
}

/// Copies frames; none where something stands in the way.
fn copy_frames(
    source: &Source<'_>,
    file: &mut SegmentFile,
    header: &SegmentHeader,
    draft: &mut Draft,
    until: Until,
    old: Position,
) -> Result<Option<Ran>, LedgerError> {
    let path = source.layout.segment(header.index);
    let mut walker = Walker::new(header);
    draft.take(&header.encode())?;
    let mut ran = Ran { end: walker.position(), flags: 0, seen: old == walker.position() };
    loop {
        let there = match until {
            Until::Frame(below) => ran.end.number >= below,
            Until::Offset(offset) => ran.end.offset >= offset,
            Until::End => false,
        };
        if there {
            return Ok(Some(ran));
        }
        let Step::Frame(frame, link) = walker.next(file).map_err(at("read", &path))? else {
            return Ok(None);
        };
        if !draft.take_frame(frame.stored, link)? {
            return Err(changed(&path));
        }
        let ends = frame.header.is_end();
        ran.flags = frame.header.flags;
        ran.end = walker.position();
        ran.seen |= old == ran.end;
        if ends {
            return Ok(Some(ran));
        }
    }
}

/// Copies what a recovery left behind; false where it is not what the recovery states.
fn copy_dead_bytes(
    source: &Source<'_>,
    file: &mut SegmentFile,
    index: usize,
    note: &RecoveryNote,
    draft: &mut Draft,
) -> Result<bool, LedgerError> {
    let path = source.layout.segment(index as u64);
    let Some(end) = note.counted_bytes.checked_add(note.dead_bytes) else { return Ok(false) };
    let mut hasher = DeadBytesHasher::default();
    while draft.len() < end {
        let wanted = usize::try_from(end - draft.len()).unwrap_or(usize::MAX).min(WRITE_BYTES);
        let bytes = file.get(draft.len(), wanted).map_err(at("read", &path))?.to_vec();
        if bytes.is_empty() {
            return Ok(false);
        }
        hasher.update(&bytes);
        draft.take(&bytes)?;
    }
    Ok(hasher.finish() == note.dead_digest)
}
