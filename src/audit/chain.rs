//! Levels `chain` and `tree`: every stored byte, segment by segment, on all cores.
//!
//! Each segment is judged alone from its own header on; then the results are joined in order, so
//! the answer does not depend on the number of threads. Nothing is written, locked or created.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::collect::{Collector, Judged, OwnRecord};
use super::derived::SegmentTruth;
use super::join::Join;
use super::report::{Level, ProvableRange};
use crate::hash::Digest;
use crate::ledger::clock::Deadline;
use crate::ledger::disk::Disk;
use crate::ledger::layout::{Layout, Listing};
use crate::ledger::scan::{Fault, SegmentEnd, scan_segment};
use crate::ledger::walk::{Position, SegmentFile};
use crate::merkle::CompactRange;

/// What the chain and tree levels found.
pub(super) struct ChainResult {
    pub(super) faults: Vec<Fault>,
    pub(super) faults_left_out: u64,
    pub(super) tree: Option<CompactRange>,
    pub(super) records: u64,
    pub(super) unproven: u64,
    pub(super) frames: u64,
    pub(super) bytes: u64,
    pub(super) provable: Vec<ProvableRange>,
    pub(super) chain_head: Option<Digest>,
    /// How the last segment ends.
    pub(super) end: SegmentEnd,
    pub(super) not_checked: Vec<String>,
    /// The root at each size that was asked for and that sound records reach.
    pub(super) roots: BTreeMap<u64, Digest>,
    /// The tree at the largest of these sizes.
    pub(super) newest_tree: Option<CompactRange>,
    /// How each segment that has an end frame ends.
    pub(super) ends: Vec<SegmentTruth>,
    /// The ledger's own records about keys that count.
    pub(super) own: Vec<OwnRecord>,
    /// Where the last segment begins.
    pub(super) last: Option<Resume>,
}

/// What is judged, and how.
#[derive(Clone, Copy)]
pub(super) struct Task<'t> {
    pub(super) disk: &'t dyn Disk,
    pub(super) layout: &'t Layout,
    pub(super) listing: &'t Listing,
    pub(super) live: bool,
    pub(super) level: Level,
    pub(super) threads: usize,
    /// Sizes at which the root is wanted, in ascending order.
    pub(super) sizes: &'t [u64],
    /// Where to begin, if not at the first segment.
    pub(super) from: Option<&'t Resume>,
    pub(super) deadline: Deadline,
}

/// A place between two segments from which an audit can go on.
#[derive(Debug, Clone)]
pub(super) struct Resume {
    /// The segment to begin with.
    pub(super) index: u64,
    /// The tree of all records before it.
    pub(super) tree: CompactRange,
    /// Where the segment before it ends, if that was seen.
    pub(super) before: Option<(Position, SegmentEnd, u32)>,
}

/// Judges all segments.
///
/// # Errors
/// The file that could not be read, and why: a read error is never a verdict about the bytes.
pub(super) fn check(task: &Task<'_>) -> Result<ChainResult, (PathBuf, io::Error)> {
    let judged = judge_all(task)?;
    let mut join = Join::new(task);
    for (place, judged) in judged.into_iter().enumerate().skip(first_place(task)) {
        join.segment(place, judged);
    }
    Ok(join.finish())
}

/// Place in the list of the segment to begin with.
fn first_place(task: &Task<'_>) -> usize {
    let index = task.from.map_or(0, |from| from.index);
    task.listing.segments.partition_point(|listed| listed.index < index)
}

fn judge_all(task: &Task<'_>) -> Result<Vec<Option<Judged>>, (PathBuf, io::Error)> {
    let Task { disk, layout, listing, live, level, .. } = *task;
    let count = listing.segments.len();
    let next = AtomicUsize::new(first_place(task));
    let results: Mutex<Vec<Option<Judged>>> = Mutex::new((0..count).map(|_| None).collect());
    let failure: Mutex<Option<(usize, io::Error)>> = Mutex::new(None);
    let work = || loop {
        let place = next.fetch_add(1, Ordering::Relaxed);
        let Some(listed) = listing.segments.get(place).filter(|_| !task.deadline.is_over()) else {
            return;
        };
        let Ok(header) = &listed.header else { continue };
        let growing = live && place + 1 == count;
        let path = layout.segment(listed.index);
        let judged = SegmentFile::open(disk, &path, growing).and_then(|mut file| {
            let mut collector = Collector::new(header, level >= Level::Tree, growing, task.sizes);
            let follower = listing.follower(place);
            let scan = scan_segment(&mut file, header, follower, &mut |frame, link| {
                collector.take(frame, link);
            })?;
            Ok(collector.finish(scan))
        });
        match judged {
            Ok(judged) => locked(&results)[place] = Some(judged),
            Err(error) => {
                let mut first = locked(&failure);
                if first.as_ref().is_none_or(|(at, _)| place < *at) {
                    *first = Some((place, error));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..task.threads.clamp(1, count.max(1)) {
            scope.spawn(work);
        }
        work();
    });
    if let Some((place, error)) = locked(&failure).take() {
        return Err((layout.segment(listing.segments[place].index), error));
    }
    let judged = std::mem::take(&mut *locked(&results));
    Ok(judged)
}

/// A lock that a panicking thread held is still ours: the panic ends the scope anyway.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
