//! What opening for write finds, and what it does about it: a total table.
//!
//! Recovery alters no old byte. It writes one new segment header, durable under the name `next`
//! and then renamed: that header *is* the recovery, whole or not at all. A crash at any step of it
//! leaves what the next opening finds again.
//!
//! | the last segment ends | with fault | and `next` continues it | so |
//! |---|---|---|---|
//! | any | corrupt or missing | any | refuse: nothing may be built on it |
//! | with SEAL | none | yes | finish the roll, then look again |
//! | with SEAL | none | no | refuse: a segment was removed |
//! | with CLOSE | none | any | continue in a new segment |
//! | open | none or torn | any | recover in a new segment |

use std::io;
use std::path::Path;

use super::disk::{Access, Disk};
use super::error::{LedgerError, at};
use super::layout::{Layout, Listing};
use super::scan::{Fault, FaultClass, Follower, SegmentEnd, SegmentScan, scan_segment};
use super::segment::{RecoveryNote, SegmentHeader};
use super::tail::{dead_digest, last_nonzero};
use super::walk::{Position, SegmentFile};
use crate::event::{Recovered, SystemEvent};
use crate::hash::Digest;

/// What to do about the last segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Begin a new segment that continues the end frame.
    Continue,
    /// Rename the spare that continues the SEAL, and look again.
    FinishRoll,
    /// Begin a new segment whose header states where the last one stops counting.
    Recover,
    /// Build nothing on it.
    Refuse,
}

/// Decides from what a scan of the last segment found. Total: every combination has an answer.
#[must_use]
pub fn decide(end: SegmentEnd, worst: Option<FaultClass>, spare_continues: bool) -> Decision {
    use FaultClass::{Corrupt, Missing, TornTail};
    use SegmentEnd::{Broken, Closed, Open, Sealed};
    match (end, worst, spare_continues) {
        (_, Some(Corrupt | Missing), _) => Decision::Refuse,
        (Sealed, None, true) => Decision::FinishRoll,
        (Sealed, None, false) => Decision::Refuse,
        (Closed, None, _) => Decision::Continue,
        (Open, None | Some(TornTail), _) | (Broken, Some(TornTail), _) => Decision::Recover,
        // A tail can only be torn where no end frame stands, and only a fault breaks an end.
        (Sealed | Closed, Some(TornTail), _) | (Broken, None, _) => Decision::Refuse,
    }
}

/// The state in which a writer takes over a log that already has segments.
#[derive(Debug)]
pub(super) struct Taken {
    /// The segment the writer will make.
    pub(super) index: u64,
    pub(super) epoch: u32,
    /// What its first frame must be, but for the offset.
    pub(super) position: Position,
    pub(super) recovery: Option<RecoveryNote>,
    /// Recoveries whose `Recovered` record is still to be written, oldest first.
    pub(super) untold: Vec<SystemEvent>,
}

/// Judges the last segment, makes its whole frames durable, and says how to go on.
///
/// # Errors
/// [`LedgerError::Damaged`] when nothing may be built on what is there.
pub(super) fn take_over(
    disk: &dyn Disk,
    layout: &Layout,
    listing: &Listing,
) -> Result<Taken, LedgerError> {
    let headers = sound_headers(layout, listing)?;
    let Some(last) = headers.last().copied() else {
        return Err(missing(0, 0, "segment 0", "a directory without segments"));
    };
    let path = layout.segment(last.index);
    let mut file = SegmentFile::open(disk, &path, false).map_err(at("open", &path))?;
    let mut frames: Vec<(u64, u64)> = Vec::new();
    let mut visit = |frame: &super::frame::FrameRef<'_>, _link: Digest| {
        frames.push((frame.header.number, frame.offset));
    };
    let scan =
        scan_segment(&mut file, &last, Follower::Nothing, &mut visit).map_err(at("read", &path))?;
    let continues = listing.spare.is_some_and(|spare| continues(&spare, &last, &scan.counted));
    let worst = scan.faults.iter().map(|fault| fault.class).max();
    let taken = |recovery, untold| Taken {
        index: last.index + 1,
        epoch: last.epoch + 1,
        position: scan.counted,
        recovery,
        untold,
    };
    let unproven = frames.iter().find(|(number, _)| *number >= scan.durable_below);
    let unproven = unproven.map_or(scan.counted.offset, |(_, offset)| *offset);
    // A trimmed file says by its length that its end frame was synced.
    let trimmed = file.len() < last.file_bytes;
    let make_durable = |file: &mut SegmentFile, end: u64| {
        let start = if trimmed { end } else { unproven };
        write_again(disk, &path, file, start, end).map_err(at("sync", &path))
    };
    match decide(scan.end, worst, continues) {
        Decision::Refuse => Err(refusal(&last, &scan)),
        Decision::Continue => {
            make_durable(&mut file, scan.counted.offset)?;
            Ok(taken(None, Vec::new()))
        }
        Decision::FinishRoll => {
            make_durable(&mut file, scan.counted.offset)?;
            let next = layout.segment(last.index + 1);
            disk.rename_new(&layout.spare(), &next).map_err(at("rename", &next))?;
            disk.sync_dir(&layout.segments()).map_err(at("sync", &layout.segments()))?;
            take_over(disk, layout, &Listing::read(disk, layout)?)
        }
        Decision::Recover => {
            let note = dead_bytes(&mut file, scan.counted.offset).map_err(at("read", &path))?;
            make_durable(&mut file, scan.counted.offset + note.dead_bytes)?;
            let mut untold = untold_recoveries(&headers, &scan);
            if note.dead_bytes > 0 {
                untold.push(recovered(last.index, &note));
            }
            Ok(taken(Some(note), untold))
        }
    }
}

/// All headers, or the fault of the first that cannot be read or built on: each must say that it
/// is this segment of this ledger, or a file under another's name would be believed.
pub(crate) fn sound_headers(
    layout: &Layout,
    listing: &Listing,
) -> Result<Vec<SegmentHeader>, LedgerError> {
    if listing.has_segments_dir && listing.segments.is_empty() {
        return Err(missing(0, 0, "segment 0", "a directory without segments"));
    }
    let owner = listing.owner();
    let mut headers: Vec<SegmentHeader> = Vec::with_capacity(listing.segments.len());
    for (listed, wanted) in listing.segments.iter().zip(0_u64..) {
        if listed.index != wanted {
            let actual = format!("segment {}", listed.index);
            return Err(missing(wanted, 0, &format!("segment {wanted}"), &actual));
        }
        let header = match &listed.header {
            Ok(header) => *header,
            Err(error) => return Err(header_error(layout, listed.index, listed.bytes, *error)),
        };
        if header.index != listed.index {
            let actual = format!("the header of segment {}", header.index);
            return Err(missing(wanted, 0, &format!("segment {wanted}"), &actual));
        }
        if owner != Some((header.ledger, header.application)) {
            let actual = "a segment of another ledger or program";
            return Err(missing(wanted, 0, "a segment of this ledger", actual));
        }
        let last = headers.last().map_or((0, 0), |last| (last.first_sequence, last.first_frame));
        let begins = (header.first_sequence, header.first_frame);
        let goes_back = begins.0 < last.0 || begins.1 < last.1;
        if goes_back || wanted == 0 && begins != (0, 0) {
            let expected = format!("record {} and frame {} or later", last.0, last.1);
            let actual = format!("record {} and frame {}", begins.0, begins.1);
            return Err(missing(wanted, last.0, &expected, &actual));
        }
        headers.push(header);
    }
    Ok(headers)
}

/// A header that cannot be used: too new is a refusal, all else damage.
pub(super) fn header_error(
    layout: &Layout,
    index: u64,
    bytes: u64,
    error: super::segment::SegmentError,
) -> LedgerError {
    use super::segment::{SEGMENT_HEADER_BYTES, SegmentError};
    if let SegmentError::Unsupported { .. } = error {
        return LedgerError::Unsupported { path: layout.segment(index), what: error.to_string() };
    }
    let class =
        if error == SegmentError::Short { FaultClass::Missing } else { FaultClass::Corrupt };
    LedgerError::Damaged(Box::new(Fault {
        class,
        segment: index,
        offset: 0,
        end: bytes.min(SEGMENT_HEADER_BYTES as u64),
        sequence: 0,
        check: error.to_string(),
        expected: "a whole segment header".to_owned(),
        actual: format!("a file of {bytes} bytes"),
    }))
}

/// Does a spare continue the SEAL that ends here? Only the header that the writer of the sealed
/// segment made for it does; writer, reader and audit ask the same.
pub(crate) fn continues(spare: &SegmentHeader, sealed: &SegmentHeader, end: &Position) -> bool {
    let wanted = SegmentHeader {
        index: sealed.index + 1,
        salt: spare.salt,
        file_bytes: spare.file_bytes,
        first_sequence: end.sequence,
        first_frame: end.number,
        previous: end.link,
        recovery: None,
        created: spare.created,
        ..*sealed
    };
    *spare == wanted
}

fn refusal(last: &SegmentHeader, scan: &SegmentScan) -> LedgerError {
    let worst =
        scan.faults.iter().max_by_key(|fault| (fault.class, std::cmp::Reverse(fault.offset)));
    match worst {
        Some(fault) => LedgerError::Damaged(Box::new(fault.clone())),
        None => missing(
            last.index + 1,
            scan.counted.sequence,
            "the segment that continues the seal",
            "nothing",
        ),
    }
}

pub(crate) fn missing(segment: u64, sequence: u64, expected: &str, actual: &str) -> LedgerError {
    LedgerError::Damaged(Box::new(Fault {
        class: FaultClass::Missing,
        segment,
        offset: 0,
        end: 0,
        sequence,
        check: "segments".to_owned(),
        expected: expected.to_owned(),
        actual: actual.to_owned(),
    }))
}

/// Writes what was never proven durable once more, the same bytes, and syncs it: whole frames, the
/// end frame among them, and the dead bytes that the next header is about to state. Until then
/// they may live in the page cache alone, left there by a writer that was killed or whose sync
/// failed, and a power cut would take them from under the segment that continues them.
fn write_again(
    disk: &dyn Disk,
    path: &Path,
    file: &mut SegmentFile,
    mut offset: u64,
    end: u64,
) -> io::Result<()> {
    if offset >= end {
        return Ok(());
    }
    let target = disk.open(path, Access::Write)?;
    while offset < end {
        let wanted = usize::try_from(end - offset).unwrap_or(usize::MAX).min(1 << 20);
        // Copied out first: the bytes may be a map of the very pages that are written.
        let bytes = file.get(offset, wanted)?.to_vec();
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        target.write_at(&bytes, offset)?;
        offset += bytes.len() as u64;
    }
    target.sync()
}

fn dead_bytes(file: &mut SegmentFile, counted: u64) -> io::Result<RecoveryNote> {
    let end = last_nonzero(file, counted)?.unwrap_or(counted);
    let dead_digest = dead_digest(file, counted, end)?;
    Ok(RecoveryNote { counted_bytes: counted, dead_bytes: end - counted, dead_digest })
}

/// Recoveries of trailing segments without any record: their opener died before it could tell.
fn untold_recoveries(headers: &[SegmentHeader], scan: &SegmentScan) -> Vec<SystemEvent> {
    let sequence = scan.counted.sequence;
    let silent = headers.iter().rev().take_while(|header| header.first_sequence == sequence);
    let mut untold: Vec<SystemEvent> = silent
        .filter_map(|header| {
            let note = header.recovery.filter(|note| note.dead_bytes > 0)?;
            Some(recovered(header.index - 1, &note))
        })
        .collect();
    untold.reverse();
    untold
}

fn recovered(segment: u64, note: &RecoveryNote) -> SystemEvent {
    SystemEvent::Recovered(Recovered {
        segment,
        offset: note.counted_bytes,
        dead_bytes: note.dead_bytes,
        digest: note.dead_digest,
    })
}
