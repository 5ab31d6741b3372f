//! The RFC 6962 tree behind the writer: leaf hashing on a thread of its own.
//!
//! The writer hands over each frame's buffer after it was written and gets it back when its leaves
//! are hashed, so nothing is copied. The lag is bounded by the memory of what is out, enough to
//! keep the thread at work while the writer waits for the disk. Where so much is out, the writer
//! hashes a frame's leaves itself rather than wait, and hands over those: SHA-256 on one core is
//! slower than all that the writer does. So it does with small frames, many of which would have to
//! wake the thread for a microsecond's work. Only the frontier is kept; the tree is a function of
//! the records and never of their frames, nor of who hashed them.

use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::error::LedgerError;
use super::frame::{FrameHeader, FrameRef};
use crate::hash::{self, Digest};
use crate::merkle::CompactRange;

/// Memory of the leaves that may wait for their nodes where frames already wait for their leaves,
/// but for those of one frame; as much again may be kept for the leaves to come.
const LEAVES_BYTES_MAX: usize = 8 << 20;

/// Bytes of a frame whose leaves the writer hashes itself: to wake the thread would take longer.
const SMALL_FRAME_BYTES: usize = 2 << 10;
/// Leaves of such frames that are handed over together.
const GATHERED_LEAVES: usize = 256;

const LEAF_BYTES: usize = size_of::<Digest>();

/// What can be out, however short it is. Rings of a fixed length take no memory later.
const OUT_MAX: usize = 1_024;

enum Work {
    /// A stored frame and its header.
    Frame(Vec<u8>, FrameHeader),
    /// The hashed leaves of a frame.
    Leaves(Vec<Digest>),
    /// Send the tree as it is now.
    Report(Sender<CompactRange>),
}

/// Memory that is used up and comes back.
enum Back {
    Frame(Vec<u8>),
    Leaves(Vec<Digest>),
}

/// The tree of all records that were handed over.
pub(super) struct TreeFollower {
    work: Option<Sender<Work>>,
    returned: Receiver<Back>,
    /// Memory that frames may take that are out. As much again may be kept for the frames to come.
    lag_bytes_max: usize,
    /// Memory of what is out.
    out_bytes: usize,
    /// Buffers that came back, the last one on top: it is the likeliest to be in the cache.
    spare: Vec<Vec<u8>>,
    spare_bytes: usize,
    spare_leaves: Vec<Vec<Digest>>,
    spare_leaves_bytes: usize,
    /// Hashed leaves that were not handed over yet.
    gathered: Vec<Digest>,
    thread: Option<JoinHandle<()>>,
}

impl TreeFollower {
    /// Starts with the tree of all records before.
    pub(super) fn start(mut tree: CompactRange, lag_bytes_max: usize) -> std::io::Result<Self> {
        let (work, inbox) = bounded(OUT_MAX);
        // All that can be out has room here, so the thread never waits to give memory back.
        let (give_back, returned) = bounded(2 * OUT_MAX);
        let run = move || {
            let mut row = Vec::new();
            for item in inbox {
                // Nobody wants memory back, or waits for an answer: then the writer is gone.
                match item {
                    Work::Frame(buffer, header) => {
                        let frame = FrameRef { header, offset: 0, stored: &buffer };
                        push_leaves(&mut tree, &frame, &mut row);
                        drop(give_back.send(Back::Frame(buffer)));
                    }
                    Work::Leaves(mut leaves) => {
                        tree.push_row(&mut leaves);
                        drop(give_back.send(Back::Leaves(leaves)));
                    }
                    Work::Report(reply) => drop(reply.send(tree.clone())),
                }
            }
        };
        let thread = std::thread::Builder::new().name("tree".to_owned()).spawn(run)?;
        Ok(Self {
            work: Some(work),
            returned,
            lag_bytes_max,
            out_bytes: 0,
            spare: Vec::new(),
            spare_bytes: 0,
            spare_leaves: Vec::new(),
            spare_leaves_bytes: 0,
            gathered: Vec::new(),
            thread: Some(thread),
        })
    }

    /// Takes a stored frame's buffer and returns an empty one. Waits while too much is out.
    pub(super) fn follow(
        &mut self,
        mut stored: Vec<u8>,
        header: FrameHeader,
    ) -> Result<Vec<u8>, LedgerError> {
        while let Ok(back) = self.returned.try_recv() {
            self.take_back(back);
        }
        if stored.len() <= SMALL_FRAME_BYTES {
            hash_leaves(&FrameRef { header, offset: 0, stored: &stored }, &mut self.gathered);
            if self.gathered.len() >= GATHERED_LEAVES {
                self.hand_over_leaves()?;
            }
            stored.clear();
            return Ok(stored);
        }
        self.hand_over_leaves()?;
        // A frame's records are bounded by its bytes.
        let leaves_bytes = (header.next_sequence() - header.first_sequence) as usize * LEAF_BYTES;
        loop {
            if self.out_bytes + stored.capacity() <= self.lag_bytes_max {
                self.out_bytes += stored.capacity();
                self.send(Work::Frame(stored, header))?;
                let buffer = self.spare.pop().unwrap_or_default();
                self.spare_bytes -= buffer.capacity();
                return Ok(buffer);
            }
            if self.has_room_for_leaves(leaves_bytes) {
                self.gathered.reserve_exact(leaves_bytes / LEAF_BYTES);
                hash_leaves(&FrameRef { header, offset: 0, stored: &stored }, &mut self.gathered);
                self.hand_over_leaves()?;
                stored.clear();
                return Ok(stored);
            }
            self.wait_for_one()?;
        }
    }

    fn has_room_for_leaves(&self, bytes: usize) -> bool {
        self.out_bytes == 0 || self.out_bytes + bytes <= self.lag_bytes_max + LEAVES_BYTES_MAX
    }

    fn wait_for_one(&mut self) -> Result<(), LedgerError> {
        let back = self.returned.recv().map_err(|_| LedgerError::Stopped)?;
        self.take_back(back);
        Ok(())
    }

    /// Hands over what the writer hashed itself. Waits while too much is out.
    fn hand_over_leaves(&mut self) -> Result<(), LedgerError> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let bytes = self.gathered.capacity() * LEAF_BYTES;
        while !self.has_room_for_leaves(bytes) {
            self.wait_for_one()?;
        }
        let next = self.spare_leaves.pop().unwrap_or_default();
        self.spare_leaves_bytes -= next.capacity() * LEAF_BYTES;
        let leaves = std::mem::replace(&mut self.gathered, next);
        self.out_bytes += bytes;
        self.send(Work::Leaves(leaves))
    }

    fn take_back(&mut self, back: Back) {
        match back {
            Back::Frame(mut buffer) => {
                self.out_bytes -= buffer.capacity();
                if self.spare_bytes + buffer.capacity() <= self.lag_bytes_max {
                    buffer.clear();
                    self.spare_bytes += buffer.capacity();
                    self.spare.push(buffer);
                }
            }
            Back::Leaves(mut leaves) => {
                let bytes = leaves.capacity() * LEAF_BYTES;
                self.out_bytes -= bytes;
                if self.spare_leaves_bytes + bytes <= LEAVES_BYTES_MAX {
                    leaves.clear();
                    self.spare_leaves_bytes += bytes;
                    self.spare_leaves.push(leaves);
                }
            }
        }
    }

    /// Asks for the tree of all that was handed over so far; it comes when the leaves are hashed.
    pub(super) fn ask(&mut self) -> Result<Receiver<CompactRange>, LedgerError> {
        self.hand_over_leaves()?;
        let (reply, answer) = bounded(1);
        self.send(Work::Report(reply))?;
        Ok(answer)
    }

    /// Waits until all leaves are hashed and returns the tree.
    pub(super) fn finished(&mut self) -> Result<CompactRange, LedgerError> {
        self.ask()?.recv().map_err(|_| LedgerError::Stopped)
    }

    fn send(&self, work: Work) -> Result<(), LedgerError> {
        let sender = self.work.as_ref().ok_or(LedgerError::Stopped)?;
        sender.send(work).map_err(|_| LedgerError::Stopped)
    }
}

impl Drop for TreeFollower {
    fn drop(&mut self) {
        self.work = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was already told by `Stopped` to whoever asked.
            drop(thread.join());
        }
    }
}

/// Appends the leaves of a frame's records; `row` lends its memory.
pub(super) fn push_leaves(tree: &mut CompactRange, frame: &FrameRef<'_>, row: &mut Vec<Digest>) {
    row.clear();
    hash_leaves(frame, row);
    tree.push_row(row);
}

/// Adds the leaves of a frame's records to a row.
fn hash_leaves(frame: &FrameRef<'_>, row: &mut Vec<Digest>) {
    hash::leaves(frame.records().map(|record| record.bytes), row);
}
