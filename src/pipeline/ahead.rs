//! A source read ahead on a thread of its own, so that parsing and deciding overlap.
//!
//! Invariants: the events come in the source's order whatever the number of threads; at most
//! [`CHUNKS_AHEAD`] chunks wait, so memory does not grow with the data; an error stands in the
//! stream where the source met it.

use std::ops::ControlFlow;

use crossbeam_channel::bounded;

use crate::event::Event;
use crate::market::{Source, SourceError};

/// Events that change threads at once; one at a time would cost more than parsing them.
const CHUNK_EVENTS: usize = 512;
/// Chunks that may wait.
const CHUNKS_AHEAD: usize = 8;

type Chunk = (Vec<Event>, Option<SourceError>);

/// Calls `take` with every event of the source, until it breaks.
///
/// # Errors
/// The source's, and what `take` returns.
pub(super) fn for_each<S: Source + Send, E: From<SourceError> + Send>(
    mut source: S,
    threads: usize,
    mut take: impl FnMut(Event) -> Result<ControlFlow<()>, E>,
) -> Result<ControlFlow<()>, E> {
    if threads <= 1 {
        while let Some(event) = source.next()? {
            if take(event)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        return Ok(ControlFlow::Continue(()));
    }
    std::thread::scope(|scope| {
        let (sender, receiver) = bounded::<Chunk>(CHUNKS_AHEAD);
        scope.spawn(move || {
            loop {
                let chunk = read_chunk(&mut source);
                let last = chunk.0.len() < CHUNK_EVENTS;
                // Nobody listens any more once `take` broke or failed.
                if sender.send(chunk).is_err() || last {
                    return;
                }
            }
        });
        for (events, error) in &receiver {
            for event in events {
                if take(event)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            if let Some(error) = error {
                return Err(error.into());
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// Reads the next events; fewer than [`CHUNK_EVENTS`] are the last ones.
fn read_chunk(source: &mut impl Source) -> Chunk {
    let mut events = Vec::with_capacity(CHUNK_EVENTS);
    while events.len() < CHUNK_EVENTS {
        match source.next() {
            Ok(Some(event)) => events.push(event),
            Ok(None) => break,
            Err(error) => return (events, Some(error)),
        }
    }
    (events, None)
}
