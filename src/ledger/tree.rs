//! The RFC 6962 tree behind the writer: leaf hashing on a thread of its own.
//!
//! The writer hands over each frame's buffer after it was written and gets it back when its leaves
//! are hashed, so nothing is copied and the lag is bounded by the number of buffers. Only the
//! frontier is kept; the tree is a function of the records and never of their frames.

use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::error::LedgerError;
use super::frame::{FrameHeader, FrameRef};
use crate::hash::{self, Digest};
use crate::merkle::CompactRange;

/// Frames that may wait for their leaves to be hashed.
const LAG_FRAMES_MAX: usize = 8;

enum Work {
    /// A stored frame and its header.
    Frame(Vec<u8>, FrameHeader),
    /// Send the tree as it is now.
    Report(Sender<CompactRange>),
}

/// The tree of all records that were handed over.
pub(super) struct TreeFollower {
    work: Option<Sender<Work>>,
    buffers: Receiver<Vec<u8>>,
    thread: Option<JoinHandle<()>>,
}

impl TreeFollower {
    /// Starts with the tree of all records before.
    pub(super) fn start(mut tree: CompactRange) -> std::io::Result<Self> {
        let (work, inbox) = bounded(LAG_FRAMES_MAX);
        let (give_back, buffers) = bounded(LAG_FRAMES_MAX + 1);
        let run = move || {
            let mut row = Vec::new();
            for item in inbox {
                match item {
                    Work::Frame(mut buffer, header) => {
                        let frame = FrameRef { header, offset: 0, stored: &buffer };
                        push_leaves(&mut tree, &frame, &mut row);
                        buffer.clear();
                        // A full return channel only means that there are spare buffers enough.
                        drop(give_back.try_send(buffer));
                    }
                    // Nobody waits any more: then nobody misses the answer.
                    Work::Report(reply) => drop(reply.send(tree.clone())),
                }
            }
        };
        let thread = std::thread::Builder::new().name("tree".to_owned()).spawn(run)?;
        Ok(Self { work: Some(work), buffers, thread: Some(thread) })
    }

    /// Takes a stored frame's buffer and returns an empty one.
    pub(super) fn follow(
        &self,
        stored: Vec<u8>,
        header: FrameHeader,
    ) -> Result<Vec<u8>, LedgerError> {
        self.send(Work::Frame(stored, header))?;
        Ok(self.buffers.try_recv().unwrap_or_default())
    }

    /// Waits until all leaves are hashed and returns the tree.
    pub(super) fn finished(&self) -> Result<CompactRange, LedgerError> {
        let (reply, answer) = bounded(1);
        self.send(Work::Report(reply))?;
        answer.recv().map_err(|_| LedgerError::Stopped)
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
