//! The RFC 6962 tree behind the writer: leaf hashing on a thread of its own.
//!
//! The writer hands over each frame's buffer after it was written and gets it back when its leaves
//! are hashed, so nothing is copied. The lag is bounded by the memory of the buffers that are out,
//! enough to keep the thread at work while the writer waits for the disk. Only the frontier is
//! kept; the tree is a function of the records and never of their frames.

use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::error::LedgerError;
use super::frame::{FrameHeader, FrameRef};
use crate::hash::{self, Digest};
use crate::merkle::CompactRange;

/// Memory of the frames that may wait for their leaves to be hashed; a frame that is longer waits
/// alone. As much again may be kept for the frames to come.
const LAG_BYTES_MAX: usize = 32 << 20;

/// Frames that may be out, however short they are. Rings of a fixed length take no memory later.
const FRAMES_OUT_MAX: usize = 1_024;

enum Work {
    /// A stored frame and its header.
    Frame(Vec<u8>, FrameHeader),
    /// Send the tree as it is now.
    Report(Sender<CompactRange>),
}

/// The tree of all records that were handed over.
pub(super) struct TreeFollower {
    work: Option<Sender<Work>>,
    returned: Receiver<Vec<u8>>,
    /// Memory of the buffers that are out.
    out_bytes: usize,
    /// Buffers that came back, the last one on top: it is the likeliest to be in the cache.
    spare: Vec<Vec<u8>>,
    spare_bytes: usize,
    thread: Option<JoinHandle<()>>,
}

impl TreeFollower {
    /// Starts with the tree of all records before.
    pub(super) fn start(mut tree: CompactRange) -> std::io::Result<Self> {
        let (work, inbox) = bounded(FRAMES_OUT_MAX);
        // All that can be out has room here, so the thread never waits to give a buffer back.
        let (give_back, returned) = bounded(2 * FRAMES_OUT_MAX);
        let run = move || {
            let mut row = Vec::new();
            for item in inbox {
                match item {
                    Work::Frame(buffer, header) => {
                        let frame = FrameRef { header, offset: 0, stored: &buffer };
                        push_leaves(&mut tree, &frame, &mut row);
                        // Nobody wants it back: then the writer is gone.
                        drop(give_back.send(buffer));
                    }
                    // Nobody waits any more: then nobody misses the answer.
                    Work::Report(reply) => drop(reply.send(tree.clone())),
                }
            }
        };
        let thread = std::thread::Builder::new().name("tree".to_owned()).spawn(run)?;
        let (spare, spare_bytes) = (Vec::new(), 0);
        Ok(Self {
            work: Some(work),
            returned,
            out_bytes: 0,
            spare,
            spare_bytes,
            thread: Some(thread),
        })
    }

    /// Takes a stored frame's buffer and returns an empty one. Waits while too much is out.
    pub(super) fn follow(
        &mut self,
        stored: Vec<u8>,
        header: FrameHeader,
    ) -> Result<Vec<u8>, LedgerError> {
        let bytes = stored.capacity();
        while let Ok(buffer) = self.returned.try_recv() {
            self.take_back(buffer);
        }
        while self.out_bytes > 0 && self.out_bytes + bytes > LAG_BYTES_MAX {
            let buffer = self.returned.recv().map_err(|_| LedgerError::Stopped)?;
            self.take_back(buffer);
        }
        self.out_bytes += bytes;
        self.send(Work::Frame(stored, header))?;
        let buffer = self.spare.pop().unwrap_or_default();
        self.spare_bytes -= buffer.capacity();
        Ok(buffer)
    }

    fn take_back(&mut self, mut buffer: Vec<u8>) {
        self.out_bytes -= buffer.capacity();
        if self.spare_bytes + buffer.capacity() <= LAG_BYTES_MAX {
            buffer.clear();
            self.spare_bytes += buffer.capacity();
            self.spare.push(buffer);
        }
    }

    /// Asks for the tree of all that was handed over so far; it comes when the leaves are hashed.
    pub(super) fn ask(&self) -> Result<Receiver<CompactRange>, LedgerError> {
        let (reply, answer) = bounded(1);
        self.send(Work::Report(reply))?;
        Ok(answer)
    }

    /// Waits until all leaves are hashed and returns the tree.
    pub(super) fn finished(&self) -> Result<CompactRange, LedgerError> {
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
    hash::leaves(frame.records().map(|record| record.bytes), row);
    tree.push_row(row);
}
