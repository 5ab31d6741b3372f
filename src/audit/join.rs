//! The segments' results joined in order: does each continue the one before, what is the tree of
//! all, and what of it is provable?

use std::collections::BTreeMap;

use super::chain::{ChainResult, Resume, Task};
use super::collect::Judged;
use super::derived::SegmentTruth;
use super::report::{Level, ProvableRange, Strength};
use crate::event::ApplicationId;
use crate::ledger::layout::Listing;
use crate::ledger::recovery::continues;
use crate::ledger::scan::{Fault, FaultClass, SegmentEnd};
use crate::ledger::segment::{LedgerId, SEGMENT_HEADER_BYTES, SegmentError, SegmentHeader};
use crate::ledger::walk::Position;
use crate::merkle::CompactRange;

/// Joins the segments' results in order.
pub(super) struct Join<'l> {
    listing: &'l Listing,
    live: bool,
    hash_leaves: bool,
    sizes: &'l [u64],
    expected_index: u64,
    /// An earlier audit saw the segments before the first one that is looked at.
    resumed: bool,
    /// Ledger and application that every segment must be of.
    owner: Option<(LedgerId, ApplicationId)>,
    /// Where the segment before ends soundly.
    before: Option<(Position, SegmentEnd, u32)>,
    /// As it was before the segment that is being joined.
    entered: Option<(Position, SegmentEnd, u32)>,
    out: ChainResult,
}

impl<'l> Join<'l> {
    pub(super) fn new(task: &Task<'l>) -> Self {
        let out = ChainResult {
            faults: Vec::new(),
            faults_left_out: 0,
            tree: Some(task.from.map_or(CompactRange::new(0), |from| from.tree.clone())),
            records: task.from.map_or(0, |from| from.tree.end()),
            unproven: 0,
            frames: 0,
            bytes: 0,
            provable: Vec::new(),
            chain_head: None,
            end: SegmentEnd::Open,
            not_checked: Vec::new(),
            roots: BTreeMap::new(),
            newest_tree: None,
            ends: Vec::new(),
            own: Vec::new(),
            last: None,
        };
        let hash_leaves = task.level >= Level::Tree;
        let Task { listing, live, sizes, .. } = *task;
        let expected_index = task.from.map_or(0, |from| from.index);
        let before = task.from.and_then(|from| from.before);
        let resumed = task.from.is_some();
        Self {
            listing,
            owner: listing.owner(),
            live,
            hash_leaves,
            sizes,
            expected_index,
            resumed,
            before,
            entered: None,
            out,
        }
    }

    /// Takes the segment at a place of the list; none where nobody read it.
    pub(super) fn segment(&mut self, place: usize, judged: Option<Judged>) {
        self.resumed = false;
        let listed = &self.listing.segments[place];
        self.out.bytes += listed.bytes;
        let mut joins = true;
        if listed.index != self.expected_index {
            let sequence = self.out.records;
            let index = self.expected_index;
            let actual = format!("segment {}", listed.index);
            self.missing(index, sequence, "segments", &format!("segment {index}"), &actual);
            joins = false;
        }
        self.expected_index = listed.index + 1;
        let header = match &listed.header {
            Ok(header) => header,
            Err(error) => return self.bad_header(listed.index, listed.bytes, *error),
        };
        joins &= self.check_identity(listed.index, header);
        if joins {
            self.check_continuation(header);
        }
        match judged {
            Some(judged) => self.take(header, judged),
            None => self.out_of_time(listed.index),
        }
    }

    /// Nobody read the segment: the time was over.
    fn out_of_time(&mut self, index: u64) {
        self.before = None;
        self.out.tree = None;
        self.out.end = SegmentEnd::Broken;
        let what = "all segments from here on: the time budget was used up";
        if self.out.not_checked.iter().all(|told| !told.ends_with(what)) {
            self.out.not_checked.push(format!("segment {index:012} and {what}"));
        }
    }

    fn bad_header(&mut self, index: u64, bytes: u64, error: SegmentError) {
        self.before = None;
        self.out.tree = None;
        self.out.end = SegmentEnd::Broken;
        if let SegmentError::Unsupported { .. } = error {
            self.out.not_checked.push(format!("segment {index:012}: {error}"));
            return;
        }
        let class = match error {
            SegmentError::Short => FaultClass::Missing,
            _ => FaultClass::Corrupt,
        };
        self.out.faults.push(Fault {
            class,
            segment: index,
            offset: 0,
            end: bytes.min(SEGMENT_HEADER_BYTES as u64),
            sequence: self.out.records,
            check: error.to_string(),
            expected: "a whole segment header".to_owned(),
            actual: format!("a file of {bytes} bytes"),
        });
    }

    /// Is this the segment that its name and the ledger say?
    fn check_identity(&mut self, index: u64, header: &SegmentHeader) -> bool {
        let sequence = header.first_sequence;
        if header.index != index {
            let (expected, actual) = (index.to_string(), header.index.to_string());
            self.missing(index, sequence, "segment index", &expected, &actual);
            return false;
        }
        let Some((ledger, application)) = self.owner else { return true };
        if header.ledger != ledger {
            self.missing(index, sequence, "ledger id", "this ledger's", "another ledger's");
            return false;
        }
        if header.application != application {
            self.missing(index, sequence, "application id", "this program's", "another program's");
            return false;
        }
        true
    }

    fn check_continuation(&mut self, header: &SegmentHeader) {
        let (end, kind, epoch) = match &self.before {
            Some(before) => *before,
            None if header.index == 0 => (Position::ORIGIN, SegmentEnd::Closed, 0),
            None => return,
        };
        let same_writer = kind == SegmentEnd::Sealed && header.recovery.is_none();
        let epoch_fits = if same_writer {
            header.epoch == epoch
        } else {
            Some(header.epoch) == epoch.checked_add(1)
        };
        let checks = [
            ("previous link", end.link.to_string(), header.previous.to_string()),
            ("first frame number", end.number.to_string(), header.first_frame.to_string()),
            ("first sequence", end.sequence.to_string(), header.first_sequence.to_string()),
            ("epoch", "one that fits".to_owned(), epoch_name(epoch_fits, header.epoch)),
        ];
        let wrong = checks.into_iter().find(|(_, expected, actual)| expected != actual);
        if let Some((check, expected, actual)) = wrong {
            self.missing(header.index, header.first_sequence, check, &expected, &actual);
        }
    }

    fn take(&mut self, header: &SegmentHeader, judged: Judged) {
        self.entered = self.before;
        let sound = judged.scan.faults.is_empty();
        let ended = matches!(judged.scan.end, SegmentEnd::Sealed | SegmentEnd::Closed);
        let known_end = sound || ended;
        let end = if ended { judged.scan.last } else { judged.counted };
        self.before = known_end.then_some((end, judged.scan.end, header.epoch));
        self.out.end = judged.scan.end;
        self.out.frames += judged.scan.frames;
        self.out.chain_head = Some(end.link);
        // Above what is proven a living writer is at work; that is no damage.
        let faults = judged.scan.faults.into_iter();
        let live = self.live;
        self.out.faults_left_out += judged.scan.faults_left_out;
        self.out.faults.extend(faults.filter(|f| !(live && f.class == FaultClass::TornTail)));
        for (from, to) in judged.runs {
            self.provable(from, to);
        }
        self.out.unproven = judged.unproven;
        self.out.records = judged.counted.sequence.max(self.out.records);
        self.out.own.extend(judged.own);
        if self.hash_leaves {
            self.join_leaves(header.index, &judged.leaves, &judged.marks);
            if let Some(tree) = self.out.tree.clone().filter(|_| ended) {
                let (segment, end_link) = (header.index, end.link);
                self.out.ends.push(SegmentTruth { segment, end_link, tree });
            }
        }
    }

    fn join_leaves(&mut self, index: u64, leaves: &CompactRange, marks: &[CompactRange]) {
        let Some(mut tree) = self.out.tree.take() else { return };
        let before = self.entered;
        self.out.last = Some(Resume { index, tree: tree.clone(), before });
        self.note_root(&tree);
        for mark in marks {
            let mut until = tree.clone();
            if until.join(mark).is_ok() {
                self.note_root(&until);
            }
        }
        self.out.tree = tree.join(leaves).is_ok().then_some(tree);
    }

    fn note_root(&mut self, tree: &CompactRange) {
        if self.sizes.binary_search(&tree.end()).is_ok() {
            self.out.roots.extend(tree.root().map(|root| (tree.end(), root)));
            self.out.newest_tree = Some(tree.clone());
        }
    }

    fn provable(&mut self, from: u64, to: u64) {
        match self.out.provable.last_mut() {
            Some(last) if last.to == from => last.to = to,
            _ => {
                let (strength, by) = (Strength::SelfConsistent, Vec::new());
                self.out.provable.push(ProvableRange { from, to, strength, by, witnessed: None });
            }
        }
    }

    fn missing(&mut self, segment: u64, sequence: u64, check: &str, expected: &str, actual: &str) {
        self.out.faults.push(Fault {
            class: FaultClass::Missing,
            segment,
            offset: 0,
            end: SEGMENT_HEADER_BYTES as u64,
            sequence,
            check: check.to_owned(),
            expected: expected.to_owned(),
            actual: actual.to_owned(),
        });
    }

    /// Ends with the last segment of the list.
    pub(super) fn finish(mut self) -> ChainResult {
        if self.resumed {
            let (index, sequence) = (self.expected_index, self.out.records);
            let expected = format!("segment {index}, which was there before");
            self.missing(index, sequence, "segments", &expected, "nothing");
        }
        if self.listing.has_segments_dir && self.listing.segments.is_empty() {
            self.missing(0, 0, "segments", "segment 0", "a directory without segments");
        }
        let last = self.listing.segments.last().and_then(|last| last.header.ok());
        if let Some((end, SegmentEnd::Sealed, _)) = self.before
            && let Some(last) = last.filter(|last| last.index + 1 == self.expected_index)
            && !self.live
        {
            let index = self.expected_index;
            if !self.listing.spare.is_some_and(|spare| continues(&spare, &last, &end)) {
                let expected = "the segment that continues the seal";
                self.missing(index, end.sequence, "segments", expected, "nothing");
            }
            self.out.end = SegmentEnd::Open;
        }
        if let Some(tree) = self.out.tree.take() {
            // The end of the last segment is a size as well.
            self.note_root(&tree);
            self.out.tree = Some(tree);
        }
        let damaged = self.out.faults.iter().any(|fault| fault.class.is_damage());
        if damaged || !self.hash_leaves {
            self.out.tree = None;
        }
        if damaged {
            self.out.chain_head = None;
        } else {
            // Without damage what is provable is what counts.
            let to = self.out.records;
            self.out.provable.retain(|range| range.from < to);
            if let Some(last) = self.out.provable.last_mut() {
                last.to = last.to.min(to);
            }
        }
        self.out
    }
}

fn epoch_name(fits: bool, epoch: u32) -> String {
    if fits { "one that fits".to_owned() } else { format!("epoch {epoch}") }
}
