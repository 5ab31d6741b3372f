//! Opening for write: lock, identity, the last segment taken over, and what the writer remembers
//! rebuilt: the tree's frontier and the idempotency keys.

use std::path::Path;
use std::sync::Arc;

use super::disk::Disk;
use super::error::{LedgerError, at, damage_among};
use super::files::{Files, NewSegment};
use super::frame::FrameRef;
use super::index::SegmentIndex;
use super::keys::{KEYS_REMEMBERED, KeyWindow};
use super::layout::{Identity, Layout, Listing};
use super::options::WriterOptions;
use super::recovery::{Taken, take_over};
use super::scan::scan_segment;
use super::segment::{SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};
use super::tree::push_leaves;
use super::walk::{Position, SegmentFile};
use super::writer::{OpenSegment, Opened};
use crate::event::{ApplicationId, application_name};
use crate::hash::Digest;
use crate::merkle::CompactRange;

/// Opens or makes the ledger at `path`, or opens one of any application; the lock is held from the
/// first look on.
pub(super) fn open(
    path: &Path,
    options: &WriterOptions,
    application: Option<ApplicationId>,
) -> Result<Opened, LedgerError> {
    let layout = Layout::new(path);
    let disk = Arc::clone(&options.disk);
    let segment_bytes = options.segment_bytes.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
    let mut files =
        Files::new(Arc::clone(&disk), Arc::clone(&options.host), layout.clone(), segment_bytes);
    files.make_root()?;
    let lock = disk.lock(&layout.lock()).map_err(at("lock", &layout.lock()))?;
    let lock = lock.ok_or_else(|| LedgerError::Locked { path: path.to_owned() })?;
    if let Some(application) = application {
        files.make_identity(application)?;
    }
    let listing = Listing::read(&*disk, &layout)?;
    let identity = check_identity(&layout, &listing, application)?;
    if !listing.has_segments_dir {
        let (segment, position) = first_segment(&files, &identity)?;
        let (keys, tree) = (KeyWindow::default(), CompactRange::new(0));
        return Ok(Opened { files, segment, position, keys, tree, untold: Vec::new(), lock });
    }
    // A segment that a killed writer published may not have a durable name yet.
    files.sync_dir(&layout.segments())?;
    let taken = take_over(&*disk, &layout, &listing)?;
    // Taking over may have finished a roll, so the list is read again.
    let listing = Listing::read(&*disk, &layout)?;
    let (tree, keys) = remember(&*disk, &layout, &identity, &listing, &taken)?;
    let (segment, position) = next_segment(&mut files, &identity, &taken)?;
    Ok(Opened { files, segment, position, keys, tree, untold: taken.untold, lock })
}

/// Checks that the ledger can be used by this program, or by any where none is named.
pub(super) fn check_identity(
    layout: &Layout,
    listing: &Listing,
    application: Option<ApplicationId>,
) -> Result<Identity, LedgerError> {
    let Some(identity) = listing.identity_if_sound(layout)? else {
        return Err(LedgerError::DamagedIdentity { path: layout.identity() });
    };
    if let Some(application) = application
        && identity.application != application
    {
        return Err(LedgerError::OtherApplication {
            path: layout.root().to_owned(),
            expected: application_name(&application),
            actual: application_name(&identity.application),
        });
    }
    Ok(identity)
}

fn first_segment(
    files: &Files,
    identity: &Identity,
) -> Result<(OpenSegment, Position), LedgerError> {
    let header = NewSegment {
        ledger: identity.ledger,
        application: identity.application,
        index: 0,
        epoch: 1,
        file_bytes: files.segment_bytes,
        first_sequence: 0,
        first_frame: 0,
        previous: Digest::ZERO,
        recovery: None,
    }
    .header(files)?;
    let file = files.make_first_segment(&header)?;
    Ok((OpenSegment::new(header, file), Position::start(&header)))
}

fn next_segment(
    files: &mut Files,
    identity: &Identity,
    taken: &Taken,
) -> Result<(OpenSegment, Position), LedgerError> {
    let file_bytes = files.next_bytes(SEGMENT_BYTES_MIN)?;
    let header = NewSegment {
        ledger: identity.ledger,
        application: identity.application,
        index: taken.index,
        epoch: taken.epoch,
        file_bytes,
        first_sequence: taken.position.sequence,
        first_frame: taken.position.number,
        previous: taken.position.link,
        recovery: taken.recovery,
    }
    .header(files)?;
    let file = files.prepare(&header)?;
    // A crash here leaves the last segment as it was found.
    files.publish(header.index)?;
    Ok((OpenSegment::new(header, file), Position::start(&header)))
}

/// Rebuilds the tree and the keys from the indexes, and from the segments where they do not reach.
fn remember(
    disk: &dyn Disk,
    layout: &Layout,
    identity: &Identity,
    listing: &Listing,
    taken: &Taken,
) -> Result<(CompactRange, KeyWindow), LedgerError> {
    let links: Vec<Digest> = listing.segments[1..]
        .iter()
        .filter_map(|next| next.header.as_ref().ok().map(|header| header.previous))
        .chain([taken.position.link])
        .collect();
    let indexes: Vec<Option<SegmentIndex>> = links
        .iter()
        .zip(0_u64..)
        .map(|(link, index)| {
            let found = SegmentIndex::read(disk, layout, identity.ledger, index)?;
            // Nothing in an index is proven but what the segments say as well.
            let next = listing.segments.get(usize::try_from(index).ok()? + 1);
            let next = next.and_then(|next| next.header.as_ref().ok());
            let end = next.map_or(taken.position.sequence, |next| next.first_sequence);
            (found.end_link == *link && found.next_sequence == end).then_some(found)
        })
        .collect();
    let known = indexes.iter().flatten().filter_map(SegmentIndex::tree).next_back();
    let mut tree = known.unwrap_or_else(|| CompactRange::new(0));
    let mut keys = KeyWindow::default();
    let mut row = Vec::new();
    let keys_from = first_segment_for_keys(&indexes);
    for (place, listed) in listing.segments.iter().enumerate() {
        let Ok(header) = &listed.header else { continue };
        let index = indexes.get(place).and_then(Option::as_ref);
        let wants_keys = place >= keys_from && index.is_none_or(|index| index.keyed_records > 0);
        let next = listing.segments.get(place + 1).and_then(|next| next.header.as_ref().ok());
        let end = next.map_or(taken.position.sequence, |next| next.first_sequence);
        let wants_leaves = end > tree.end();
        if !wants_keys && !wants_leaves {
            continue;
        }
        let path = layout.segment(listed.index);
        let mut file = SegmentFile::open(disk, &path, false).map_err(at("open", &path))?;
        let mut visit = |frame: &FrameRef<'_>, _link: Digest| {
            // Frames above a torn tail do not count.
            if frame.header.number >= taken.position.number {
                return;
            }
            if wants_leaves && frame.header.first_sequence == tree.end() {
                push_leaves(&mut tree, frame, &mut row);
            }
            if wants_keys {
                collect_keys(frame, &mut keys);
            }
        };
        let scan = scan_segment(&mut file, header, listing.follower(place), &mut visit)
            .map_err(at("read", &path))?;
        if let Some(damage) = damage_among(&scan.faults) {
            return Err(damage);
        }
    }
    Ok((tree, keys))
}

/// The first segment that may hold one of the last [`KEYS_REMEMBERED`] keys.
fn first_segment_for_keys(indexes: &[Option<SegmentIndex>]) -> usize {
    let mut counted = 0;
    for (place, index) in indexes.iter().enumerate().rev() {
        counted += index.as_ref().map_or(0, |index| index.keyed_records);
        if counted >= KEYS_REMEMBERED as u64 {
            return place;
        }
    }
    0
}

fn collect_keys(frame: &FrameRef<'_>, keys: &mut KeyWindow) {
    for record in frame.records() {
        // A record that cannot be read is the reader's to report; it has no key to remember.
        if let Ok((envelope, _)) = record.envelope()
            && let Some(key) = envelope.stamp.idempotency_key
        {
            keys.insert(key, record.sequence);
        }
    }
}
