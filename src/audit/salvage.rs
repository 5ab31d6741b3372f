//! What can be saved of a damaged ledger, into a place of its own.
//!
//! ```text
//! OUT/ledger/                     the provable prefix, frame by frame as it was, and closed again
//! OUT/islands/FROM-TO.records     later whole frames, their records with their own sequences
//! OUT/salvage.json                what was kept, and what was dropped
//! ```
//!
//! The prefix keeps ledger id, frames and links, so every checkpoint that it still covers holds. An
//! island's file is, record by record, the sequence (u64), the length (u16) and the record's bytes.
//! Its records are whole and lie where they say; that they are the ones once written is proven only
//! as far as the report says. The original is only read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::report::Report;
use super::{AuditError, VerifyOptions, verify};
use crate::checkpoint::{read_notes, save_note};
use crate::event::{Event, RecordRef};
use crate::hash::Digest;
use crate::ledger::disk::{Disk, DiskFile, Readers, write_whole};
use crate::ledger::frame::FrameRef;
use crate::ledger::is_inside_ledger;
use crate::ledger::layout::{Identity, Layout, Listing};
use crate::ledger::packed::TABLE_CHECK;
use crate::ledger::scan::{SegmentEnd, scan_segment};
use crate::ledger::segment::SegmentHeader;
use crate::ledger::walk::SegmentFile;
use crate::ledger::{Head, LedgerError, Writer, WriterOptions, at};

/// Bytes that are copied at a time.
const COPY_BYTES: usize = 1 << 20;
/// A segment that is cut gets the length that its header states, as a hole that opening reads
/// through. Up to here, which takes a minute at most, that is believed, or up to the length of the
/// original.
const STATED_BYTES_MAX: u64 = 64 << 30;

/// What was saved.
#[derive(Debug, Clone, Serialize)]
pub struct Salvaged {
    /// There is a new ledger; none where not even the first segment's header can be kept.
    pub has_ledger: bool,
    /// Its `ledger.id` is made anew from the header of the first segment, since the original's is
    /// lost or damaged; the time of creation in it is that segment's.
    pub identity_from_segment: bool,
    /// Of the new ledger: the provable prefix.
    pub head: Head,
    /// Sequences of the records in each island's file: from, and one past.
    pub islands: Vec<(u64, u64)>,
    /// Sequences that are in no file.
    pub dropped: Vec<(u64, u64)>,
    /// What the audit said of the original.
    pub report: Report,
}

/// Copies what is provable of the ledger at `path` into `out`, which must be new or empty.
///
/// # Errors
/// [`AuditError`]: where nothing can be read, where `ledger.id` has a later version, where `out` is
/// in use or lies inside a ledger, or nothing can be written.
pub fn salvage(path: &Path, out: &Path, options: &VerifyOptions) -> Result<Salvaged, AuditError> {
    let disk = &*options.disk;
    if is_inside_ledger(disk, out) {
        return Err(AuditError::InsideLedger { path: out.to_owned() });
    }
    if disk.list(out).is_ok_and(|names| !names.is_empty()) {
        return Err(LedgerError::DirectoryInUse { path: out.to_owned() }.into());
    }
    let report = verify(path, options)?;
    let from = Layout::new(path);
    let listing = Listing::read(disk, &from)?;
    let identity = listing.identity_if_sound(&from)?;
    let to = Layout::new(&out.join("ledger"));
    let has_ledger =
        Prefix { disk, from: &from, to: &to, identity, listing: &listing, report: &report }
            .copy()?;
    let head = if has_ledger {
        let writer = WriterOptions { disk: Arc::clone(&options.disk), ..WriterOptions::default() };
        Writer::<Event>::open_any(to.root(), &writer.for_few_records())?.close()?
    } else {
        Head { size: 0, root: crate::hash::empty_root() }
    };
    for note in read_notes(disk, &from)?.into_iter().filter_map(|file| file.note.ok()) {
        if has_ledger && note.checkpoint().size <= head.size {
            save_note(disk, &to, &note)?;
        }
    }
    let folder = out.join("islands");
    disk.create_dir(&folder).map_err(at("create", &folder))?;
    let mut islands = Islands { disk, folder, open: None, saved: Vec::new() };
    let end = islands.collect(&from, &listing, head.size)?;
    let dropped = gaps(head.size, &islands.saved, end.max(report.records));
    let identity_from_segment = has_ledger && identity.is_none();
    let islands = islands.saved;
    let salvaged = Salvaged { has_ledger, identity_from_segment, head, islands, dropped, report };
    let told = out.join("salvage.json");
    // A report holds nothing that JSON cannot say.
    let bytes = serde_json::to_vec_pretty(&salvaged).unwrap_or_default();
    write_whole(disk, &told, &bytes, Readers::Usual).map_err(at("write", &told))?;
    Ok(salvaged)
}

/// Numbers from `next` to `end` that no range holds.
pub(super) fn gaps(mut next: u64, ranges: &[(u64, u64)], end: u64) -> Vec<(u64, u64)> {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable();
    let mut found = Vec::new();
    for (from, to) in sorted.into_iter().chain([(end, end)]) {
        if from > next {
            found.push((next, from));
        }
        next = next.max(to);
    }
    found
}

/// A segment to keep.
struct Kept {
    header: SegmentHeader,
    /// How much of it.
    bytes: u64,
    /// How long the original is.
    original_bytes: u64,
    /// It does not end as its writer ended it.
    cut: bool,
}

/// The sound segments up to the first fault, and the sound frames of the one that holds it.
struct Prefix<'p> {
    disk: &'p dyn Disk,
    from: &'p Layout,
    to: &'p Layout,
    /// Where it is sound.
    identity: Option<Identity>,
    listing: &'p Listing,
    report: &'p Report,
}

impl Prefix<'_> {
    /// Copies it; false where not even the first segment's header can be kept.
    fn copy(&self) -> Result<bool, LedgerError> {
        let mut kept = self.kept();
        while let Some(last) = kept.last_mut() {
            // A SEAL that nothing continues would say that a segment was removed.
            if let Some(sealed_at) = self.sealed_at(&last.header)? {
                last.bytes = last.bytes.min(sealed_at);
                last.cut = true;
            }
            if !last.cut || last.header.file_bytes <= STATED_BYTES_MAX.max(last.original_bytes) {
                break;
            }
            // Its frames go to the islands.
            kept.pop();
        }
        let Some(Kept { header: first, .. }) = kept.first() else { return Ok(false) };
        let segments = self.to.segments();
        self.disk.create_dir(&segments).map_err(at("create", &segments))?;
        let identity = self.identity.unwrap_or_else(|| Identity::from(first));
        let path = self.to.identity();
        write_whole(self.disk, &path, &identity.encode(), Readers::Usual)
            .map_err(at("write", &path))?;
        for kept in &kept {
            self.copy_segment(kept)?;
        }
        self.disk.sync_dir(&segments).map_err(at("sync", &segments))?;
        Ok(true)
    }

    /// The segments to keep, and how many bytes of each.
    fn kept(&self) -> Vec<Kept> {
        let mut kept = Vec::new();
        for (listed, index) in self.listing.segments.iter().zip(0..) {
            let Ok(header) = &listed.header else { break };
            let here = |segment: u64| segment == index;
            // Neither is about a byte of the segment.
            let beside = ["ledger.id", TABLE_CHECK];
            let faults = self.report.faults.iter();
            let faults = faults.filter(|fault| !beside.contains(&fault.check.as_str()));
            let first = faults.filter(|f| here(f.segment)).map(|fault| fault.offset).min();
            // A fault at the start is one of the header, or of what it continues.
            if listed.index != index || first == Some(0) {
                break;
            }
            let bytes = first.unwrap_or(listed.bytes).min(listed.bytes);
            let original_bytes = listed.bytes;
            kept.push(Kept { header: *header, bytes, original_bytes, cut: first.is_some() });
            if first.is_some() {
                break;
            }
        }
        kept
    }

    /// Where a segment's SEAL begins, if it ends with one.
    fn sealed_at(&self, header: &SegmentHeader) -> Result<Option<u64>, LedgerError> {
        let path = self.from.segment(header.index);
        let mut file = SegmentFile::open(self.disk, &path, true).map_err(at("open", &path))?;
        let mut last = 0;
        let follower = crate::ledger::scan::Follower::Nothing;
        let scan = scan_segment(&mut file, header, follower, &mut |frame, _| last = frame.offset);
        let scan = scan.map_err(at("read", &path))?;
        Ok((scan.end == SegmentEnd::Sealed).then_some(last))
    }

    fn copy_segment(&self, kept: &Kept) -> Result<(), LedgerError> {
        let Kept { header, bytes, cut, .. } = kept;
        let (from, to) = (self.from.segment(header.index), self.to.segment(header.index));
        let mut source = SegmentFile::open(self.disk, &from, true).map_err(at("open", &from))?;
        let target = self.disk.create(&to).map_err(at("create", &to))?;
        if *cut {
            // What is cut off reads as never written, as after a crash, and takes no space.
            target.set_len(header.file_bytes).map_err(at("lengthen", &to))?;
        }
        let mut done = 0;
        while done < *bytes {
            let piece = usize::try_from(*bytes - done).unwrap_or(usize::MAX).min(COPY_BYTES);
            let piece = source.get(done, piece).map_err(at("read", &from))?;
            target.write_at(piece, done).map_err(at("write", &to))?;
            if piece.is_empty() {
                break;
            }
            done += piece.len() as u64;
        }
        target.sync().map_err(at("sync", &to))
    }
}

/// Writes whole frames behind the prefix.
struct Islands<'d> {
    disk: &'d dyn Disk,
    folder: PathBuf,
    open: Option<Island>,
    saved: Vec<(u64, u64)>,
}

/// The island that is being written.
struct Island {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    from: u64,
    to: u64,
    bytes: u64,
}

impl Islands<'_> {
    /// Goes through all whole frames, and returns the sequence after the last record seen.
    fn collect(&mut self, from: &Layout, listing: &Listing, kept: u64) -> Result<u64, LedgerError> {
        let mut end = kept;
        for (place, listed) in listing.segments.iter().enumerate() {
            let Ok(header) = &listed.header else { continue };
            let path = from.segment(listed.index);
            let mut file = SegmentFile::open(self.disk, &path, true).map_err(at("open", &path))?;
            end = end.max(header.first_sequence);
            let mut failed = Ok(());
            let mut visit = |frame: &FrameRef<'_>, _link: Digest| {
                if failed.is_ok() && frame.header.next_sequence() > kept {
                    end = end.max(frame.header.next_sequence());
                    failed = self.frame(frame);
                }
            };
            let follower = listing.follower(place);
            scan_segment(&mut file, header, follower, &mut visit).map_err(at("read", &path))?;
            failed?;
        }
        self.end_island()?;
        self.disk.sync_dir(&self.folder).map_err(at("sync", &self.folder))?;
        Ok(end)
    }

    fn frame(&mut self, frame: &FrameRef<'_>) -> Result<(), LedgerError> {
        let (from, to) = (frame.header.first_sequence, frame.header.next_sequence());
        if from == to {
            return Ok(());
        }
        if self.open.as_ref().is_none_or(|island| island.to != from) {
            self.end_island()?;
            let path = self.folder.join(format!("{from:012}.part"));
            let file = self.disk.create(&path).map_err(at("create", &path))?;
            self.open = Some(Island { file, path, from, to: from, bytes: 0 });
        }
        if let Some(island) = &mut self.open {
            frame.records().try_for_each(|record| island.write(&record))?;
            island.to = to;
        }
        Ok(())
    }

    fn end_island(&mut self) -> Result<(), LedgerError> {
        let Some(island) = self.open.take() else { return Ok(()) };
        island.file.sync().map_err(at("sync", &island.path))?;
        let path = self.folder.join(format!("{:012}-{:012}.records", island.from, island.to));
        self.disk.rename_new(&island.path, &path).map_err(at("rename", &path))?;
        self.saved.push((island.from, island.to));
        Ok(())
    }
}

impl Island {
    fn write(&mut self, record: &RecordRef<'_>) -> Result<(), LedgerError> {
        let length = u16::try_from(record.bytes.len()).unwrap_or(u16::MAX);
        let mut bytes = record.sequence.to_le_bytes().to_vec();
        bytes.extend(length.to_le_bytes());
        bytes.extend(record.bytes);
        self.file.write_at(&bytes, self.bytes).map_err(at("write", &self.path))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}
