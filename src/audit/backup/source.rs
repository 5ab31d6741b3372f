//! What is copied from: which segments there are, where each ends, and how much of the last one
//! may be taken.

use super::BackupError;
use crate::audit::damage::identity_fault;
use crate::ledger::disk::Disk;
use crate::ledger::layout::{BACKUP_MARK, Identity, Layout, Listing};
use crate::ledger::recovery::sound_headers;
use crate::ledger::scan::{Fault, Follower, SegmentEnd, scan_segment};
use crate::ledger::segment::SegmentHeader;
use crate::ledger::walk::{Position, SegmentFile};
use crate::ledger::{LedgerError, at, damage_among, what_stopped};

/// How much of the last segment is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// What a later frame proves durable: a crash of a ledger can take the rest back.
    Proven {
        /// A writer is at work.
        live: bool,
    },
    /// Every whole frame up to the first fault: a copy is durable as it lies there.
    Whole,
}

/// A ledger, or a copy of one, to copy from.
pub(super) struct Source<'s> {
    pub(super) disk: &'s dyn Disk,
    pub(super) layout: &'s Layout,
    pub(super) identity: Identity,
    /// The sound headers from segment 0 on.
    pub(super) headers: Vec<SegmentHeader>,
    /// The header that waits to continue the last segment.
    pub(super) waiting: Option<SegmentHeader>,
    pub(super) wanted: Wanted,
    /// What is wrong with identity and headers.
    pub(super) faults: Vec<Fault>,
    /// Everything that is listed, sound or not.
    pub(super) listing: Listing,
}

/// What may be taken of a last segment.
#[derive(Debug)]
pub(super) struct Part {
    /// Frames below this number.
    pub(super) below: u64,
    /// The last of them ends the segment.
    pub(super) ended: bool,
    /// Where the last whole frame before any fault ends.
    pub(super) whole: Position,
    /// One past the last record of the last whole frame, islands behind a fault included.
    pub(super) known: u64,
    /// A position that was asked for is on this segment's chain.
    pub(super) seen: bool,
    /// What is wrong behind that.
    pub(super) faults: Vec<Fault>,
}

impl<'s> Source<'s> {
    /// Reads what there is; a copy is taken whole, whatever is wanted of a ledger.
    pub(super) fn read(
        disk: &'s dyn Disk,
        layout: &'s Layout,
        wanted: Wanted,
    ) -> Result<Self, LedgerError> {
        let listing = Listing::read(disk, layout)?;
        let names = disk.list(layout.root()).map_err(at("list", layout.root()))?;
        let is_copy = names.iter().any(|name| name == BACKUP_MARK);
        let wanted = if is_copy { Wanted::Whole } else { wanted };
        let (headers, mut faults) = headers_before_damage(layout, &listing)?;
        let identity = match (listing.identity_if_sound(layout)?, headers.first(), wanted) {
            (Some(identity), ..) => identity,
            // What can be restored is not given up for the name: every header states it as well.
            (None, Some(first), Wanted::Whole) => {
                faults.insert(0, identity_fault());
                Identity::from(first)
            }
            (None, ..) => return Err(LedgerError::DamagedIdentity { path: layout.identity() }),
        };
        let waiting = listing.spare.filter(|spare| spare.index == headers.len() as u64);
        Ok(Self { disk, layout, identity, headers, waiting, wanted, faults, listing })
    }

    /// What stands after a segment, as far as headers are sound.
    pub(super) fn follower(&self, index: usize) -> Follower {
        match self.headers.get(index + 1).map(|next| next.recovery) {
            None => Follower::Nothing,
            Some(None) => Follower::Continues,
            Some(Some(note)) => Follower::Recovers(note),
        }
    }

    /// True where a writer may still write to a segment.
    pub(super) fn is_growing(&self, index: usize) -> bool {
        let live = self.wanted == Wanted::Proven { live: true };
        live && index + 1 == self.listing.segments.len()
    }

    /// Opens a segment's file.
    pub(super) fn open(&self, index: usize) -> Result<SegmentFile, LedgerError> {
        let path = self.layout.segment(index as u64);
        SegmentFile::open(self.disk, &path, self.is_growing(index)).map_err(at("open", &path))
    }

    /// Judges a segment as the last one, and says how much of it may be taken. `old` is where a
    /// copy of it ends.
    ///
    /// # Errors
    /// Damage of what is to be taken of a ledger; a copy may be damaged behind what is taken.
    pub(super) fn part(&self, index: usize, old: Position) -> Result<Part, LedgerError> {
        let (path, header) = (self.layout.segment(index as u64), &self.headers[index]);
        let mut file = self.open(index)?;
        let mut chain = Position::start(header);
        let mut seen = old == chain;
        let scan = scan_segment(&mut file, header, Follower::Nothing, &mut |frame, link| {
            // After damage islands are shown as well, and they are on no chain.
            if frame.offset == chain.offset && frame.header.previous == chain.link {
                chain = Position::after(frame, link);
                seen |= old == chain;
            }
        })
        .map_err(at("read", &path))?;
        let faults = scan.faults;
        if let Wanted::Proven { .. } = self.wanted
            && let Some(damage) = damage_among(&faults)
        {
            return Err(damage);
        }
        let (whole, known) = (scan.counted, scan.last.sequence);
        let ends = |kind| scan.end == kind && whole == scan.last;
        let (closed, sealed) = (ends(SegmentEnd::Closed), ends(SegmentEnd::Sealed));
        let ended = closed
            && match self.wanted {
                // A trimmed file says by its length that its end frame was synced.
                Wanted::Proven { .. } => file.len() < header.file_bytes,
                Wanted::Whole => true,
            };
        let below = match self.wanted {
            _ if ended => whole.number,
            // A SEAL that nothing continues would say that a segment was removed.
            _ if sealed || closed => whole.number - 1,
            Wanted::Proven { .. } => scan.durable_below.min(whole.number),
            Wanted::Whole => whole.number,
        };
        Ok(Part { below, ended, whole, known, seen, faults })
    }

    /// Names what is wrong with a segment that could not be copied.
    pub(super) fn damage(&self, index: usize) -> BackupError {
        let (path, header) = (self.layout.segment(index as u64), &self.headers[index]);
        what_stopped(self.disk, &path, header, self.follower(index)).into()
    }
}

/// The headers up to the first that cannot be used, and why that one cannot.
fn headers_before_damage(
    layout: &Layout,
    listing: &Listing,
) -> Result<(Vec<SegmentHeader>, Vec<Fault>), LedgerError> {
    let fault = match sound_headers(layout, listing) {
        Ok(headers) => return Ok((headers, Vec::new())),
        Err(LedgerError::Damaged(fault)) => *fault,
        Err(other) => return Err(other),
    };
    let sound = usize::try_from(fault.segment).unwrap_or(usize::MAX);
    let before = listing.segments.iter().take(sound).filter_map(|listed| listed.header.ok());
    Ok((before.collect(), vec![fault]))
}
