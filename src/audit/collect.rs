//! What counts in one segment while it is scanned: records, leaves, and how far they are proven.

use std::collections::VecDeque;

use crate::hash::{self, Digest};
use crate::ledger::frame::FrameRef;
use crate::ledger::scan::{SegmentEnd, SegmentScan};
use crate::ledger::segment::SegmentHeader;
use crate::ledger::walk::Position;
use crate::merkle::CompactRange;

/// What one segment's bytes say.
pub(super) struct Judged {
    pub(super) scan: SegmentScan,
    pub(super) leaves: CompactRange,
    /// After the last frame that counts.
    pub(super) counted: Position,
    pub(super) unproven: u64,
    pub(super) runs: Vec<(u64, u64)>,
}

/// Collects what counts while a segment is scanned.
pub(super) struct Collector {
    hash_leaves: bool,
    /// Beside a living writer only frames count that a later one proves durable.
    live: bool,
    leaves: CompactRange,
    /// Lends its memory to each frame's leaves.
    row: Vec<Digest>,
    /// Frames that nothing proves durable yet: the position after each, and, beside a living
    /// writer, their leaves, which may come not to count.
    waiting: VecDeque<(Position, Vec<Digest>)>,
    proven: Position,
    counted: Position,
    next: Position,
    contiguous: bool,
    runs: Vec<(u64, u64)>,
}

impl Collector {
    pub(super) fn new(header: &SegmentHeader, hash_leaves: bool, live: bool) -> Self {
        let start = Position::start(header);
        Self {
            hash_leaves,
            live,
            leaves: CompactRange::new(header.first_sequence),
            row: Vec::new(),
            waiting: VecDeque::new(),
            proven: start,
            counted: start,
            next: start,
            contiguous: true,
            runs: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, frame: &FrameRef<'_>, link: Digest) {
        let (from, to) = (frame.header.first_sequence, frame.header.next_sequence());
        let follows = frame.header.number == self.next.number && from == self.next.sequence;
        self.contiguous &= follows;
        self.next = Position::after(frame, link);
        match self.runs.last_mut() {
            Some(run) if follows && run.1 == from => run.1 = to,
            _ if from == to => {}
            _ => self.runs.push((from, to)),
        }
        if !self.contiguous {
            return;
        }
        let mut held = Vec::new();
        if self.hash_leaves {
            let records = frame.records().map(|record| record.bytes);
            if self.live {
                hash::leaves(records, &mut held);
            } else {
                self.row.clear();
                hash::leaves(records, &mut self.row);
                self.leaves.push_row(&mut self.row);
            }
        }
        self.counted = self.next;
        self.waiting.push_back((self.next, held));
        self.release(frame.header.proves_durable_below());
    }

    /// Counts waiting frames below a number as proven.
    fn release(&mut self, below: u64) {
        while self.waiting.front().is_some_and(|(after, _)| after.number <= below) {
            if let Some((after, mut held)) = self.waiting.pop_front() {
                self.leaves.push_row(&mut held);
                self.proven = after;
            }
        }
    }

    pub(super) fn finish(mut self, scan: SegmentScan) -> Judged {
        if matches!(scan.end, SegmentEnd::Sealed | SegmentEnd::Closed) {
            self.release(u64::MAX);
        }
        let counted = if self.live { self.proven } else { self.counted };
        let unproven = counted.sequence - self.proven.sequence;
        Judged { scan, leaves: self.leaves, counted, unproven, runs: self.runs }
    }
}
