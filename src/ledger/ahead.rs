//! Reading ahead on a thread of its own, so that reading and what is done with it overlap.
//!
//! Invariants: what was read is taken in its order, whatever the number of threads; at most
//! [`CHUNKS_AHEAD`] chunks wait, so memory does not grow with the input's length; a failure stands
//! in the stream where the reading met it, behind all that was read before.

use std::ops::ControlFlow;

use crossbeam_channel::bounded;

use super::error::LedgerError;
use super::reader::Cursor;
use crate::event::{Payload, RecordRef};

/// How many items change threads at once; one at a time would cost more than reading them.
const CHUNK_ITEMS: usize = 512;
/// After so many bytes of a log a chunk ends however few its records are, so that long ones take no
/// more memory than short ones.
const CHUNK_BYTES: usize = 256 << 10;
/// Chunks that may wait.
const CHUNKS_AHEAD: usize = 8;

/// Returns how many threads to use where nobody says: one a core.
#[must_use]
pub fn usual_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Calls `take` with everything that `read` reads, in order, until it breaks.
///
/// `read` appends to the chunk that it is given until that holds at least as many items as it is
/// asked for, or what came of [`CHUNK_BYTES`], and returns whether there may be more. With more
/// than one thread it runs on its own.
///
/// # Errors
/// What `take` returns, and what `read` returns once all before it was taken.
pub(crate) fn read_ahead<T: Send, E: Send>(
    threads: usize,
    mut read: impl FnMut(&mut Vec<T>, usize) -> Result<bool, E> + Send,
    mut take: impl FnMut(&T) -> Result<ControlFlow<()>, E>,
) -> Result<ControlFlow<()>, E> {
    if threads <= 1 {
        let mut chunk = Vec::new();
        loop {
            let more = read(&mut chunk, 1);
            if take_all(&chunk, &mut take)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            chunk.clear();
            if !more? {
                return Ok(ControlFlow::Continue(()));
            }
        }
    }
    std::thread::scope(|scope| {
        let (filled, chunks) = bounded(CHUNKS_AHEAD);
        // A chunk goes back to be filled again: large ones would be mapped anew each time.
        let (emptied, spent) = bounded::<Vec<T>>(CHUNKS_AHEAD);
        scope.spawn(move || {
            loop {
                let mut chunk = spent.try_recv().unwrap_or_default();
                let more = read(&mut chunk, CHUNK_ITEMS);
                let last = !matches!(more, Ok(true));
                // Nobody listens any more once `take` broke or failed.
                if filled.send((chunk, more)).is_err() || last {
                    return;
                }
            }
        });
        for (mut chunk, more) in &chunks {
            if take_all(&chunk, &mut take)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if !more? {
                break;
            }
            chunk.clear();
            drop(emptied.try_send(chunk));
        }
        Ok(ControlFlow::Continue(()))
    })
}

fn take_all<T, E>(
    chunk: &[T],
    take: &mut impl FnMut(&T) -> Result<ControlFlow<()>, E>,
) -> Result<ControlFlow<()>, E> {
    for item in chunk {
        if take(item)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

impl<P: Payload> Cursor<'_, P> {
    /// Reads what is left as [`read_ahead`] asks for it: `read` makes an item of
    /// each record at or after the sequence asked for.
    pub(crate) fn in_chunks<T>(
        mut self,
        mut read: impl FnMut(&RecordRef<'_>) -> Result<T, LedgerError> + Send,
    ) -> impl FnMut(&mut Vec<T>, usize) -> Result<bool, LedgerError> + Send {
        move |items, wanted| {
            let (from, mut bytes) = (self.from, 0);
            while items.len() < wanted && bytes < CHUNK_BYTES {
                let Some(frame) = self.next_frame()? else { return Ok(false) };
                bytes += frame.stored.len();
                for record in frame.records().filter(|record| record.sequence >= from) {
                    items.push(read(&record)?);
                }
            }
            Ok(true)
        }
    }
}
