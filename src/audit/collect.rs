//! What counts in one segment while it is scanned: records, leaves, how far they are proven, and
//! what the ledger itself says about keys.

use std::collections::VecDeque;

use crate::event::{Payload, SystemEvent};
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
    /// The leaves up to each size that was asked for.
    pub(super) marks: Vec<CompactRange>,
    /// The ledger's own records about keys that count.
    pub(super) own: Vec<OwnRecord>,
}

/// A record of the ledger itself about keys.
#[derive(Debug, Clone)]
pub(super) struct OwnRecord {
    pub(super) sequence: u64,
    pub(super) event: SystemEvent,
    /// The frame that holds it.
    pub(super) frame: u64,
    /// What that frame continues.
    pub(super) previous: Digest,
    /// It is the only record of its frame.
    pub(super) alone: bool,
}

/// Collects what counts while a segment is scanned.
pub(super) struct Collector {
    hash_leaves: bool,
    /// Beside a living writer only frames count that a later one proves durable.
    live: bool,
    leaves: CompactRange,
    /// Sizes at which the leaves up to there are wanted, the largest first.
    wanted: Vec<u64>,
    marks: Vec<CompactRange>,
    own: Vec<OwnRecord>,
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
    /// Begins a segment; `sizes`, in ascending order, are those at which a root is wanted.
    pub(super) fn new(
        header: &SegmentHeader,
        hash_leaves: bool,
        live: bool,
        sizes: &[u64],
    ) -> Self {
        let start = Position::start(header);
        let inside = |size: &&u64| **size > header.first_sequence;
        Self {
            hash_leaves,
            live,
            leaves: CompactRange::new(header.first_sequence),
            wanted: sizes.iter().rev().take_while(inside).copied().collect(),
            marks: Vec::new(),
            own: Vec::new(),
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
                let mut row = std::mem::take(&mut self.row);
                row.clear();
                hash::leaves(records, &mut row);
                self.push_leaves(&mut row);
                self.row = row;
            }
        }
        self.take_own(frame);
        self.counted = self.next;
        self.waiting.push_back((self.next, held));
        self.release(frame.header.proves_durable_below());
    }

    /// Keeps the ledger's own records about keys, and says which of them do not stand alone in
    /// their frame.
    fn take_own(&mut self, frame: &FrameRef<'_>) {
        let alone = frame.header.count == 1;
        let (number, previous) = (frame.header.number, frame.header.previous);
        // A kind below 256 has a zero in its second byte.
        for record in frame.records().filter(|record| record.bytes[1] == 0) {
            let Ok((envelope, payload)) = record.envelope() else { continue };
            let event = SystemEvent::decode_payload(envelope.kind, envelope.schema, payload);
            // Whatever else the ledger says of itself is as long as a record, and not needed here.
            if let Ok(event @ (SystemEvent::ChainAnchor(_) | SystemEvent::KeyRotated(_))) = event {
                let (sequence, frame) = (record.sequence, number);
                self.own.push(OwnRecord { sequence, event, frame, previous, alone });
            }
        }
    }

    /// Appends leaves that count, and keeps what the tree is at each size that is wanted.
    fn push_leaves(&mut self, mut row: &mut [Digest]) {
        while let Some(size) = self.wanted.last().copied() {
            let before = size.saturating_sub(self.leaves.end());
            let Some(before) = usize::try_from(before).ok().filter(|count| *count <= row.len())
            else {
                break;
            };
            let (head, rest) = row.split_at_mut(before);
            self.leaves.push_row(head);
            row = rest;
            self.marks.push(self.leaves.clone());
            self.wanted.pop();
        }
        self.leaves.push_row(row);
    }

    /// Counts waiting frames below a number as proven.
    fn release(&mut self, below: u64) {
        while self.waiting.front().is_some_and(|(after, _)| after.number <= below) {
            if let Some((after, mut held)) = self.waiting.pop_front() {
                if self.live {
                    self.push_leaves(&mut held);
                }
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
        self.own.retain(|own| own.sequence < counted.sequence);
        Judged {
            scan,
            leaves: self.leaves,
            counted,
            unproven,
            runs: self.runs,
            marks: self.marks,
            own: self.own,
        }
    }
}
