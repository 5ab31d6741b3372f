//! The steps that will share one frame and one sync, and the place where producers put them.
//!
//! While one group is written and synced the next one fills, so groups grow with the load by
//! themselves. All producers of a group wait for one answer, and are woken together: waking each
//! for itself would cost more than the sync.
//!
//! Invariants: a group is answered exactly once, whatever becomes of the writer's thread, for a
//! group that is dropped answers [`LedgerError::Stopped`]; steps keep the order they came in.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crossbeam_channel::Sender;

use super::error::LedgerError;
use super::options::{Appended, Head};

/// Steps that may wait for the writer.
pub const QUEUE_STEPS_MAX: usize = 4096;
/// Bytes that one group may gather before it is written; a longer step has a group of its own.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// Steps before one's own from which on it pays to look a few times before one sleeps. Alone, the
/// looking takes a core from the disk's own work, which costs a quarter of the rate.
const MANY_STEPS: usize = 4;
const LOOKS: usize = 16;

/// One step of a group.
struct Step {
    /// Where its records and keys end in those of the group.
    bytes_end: usize,
    keys_end: usize,
    count: u32,
    expected: Option<u64>,
}

/// One step of a group, with what is its own.
pub(super) struct StepRef<'g> {
    pub(super) bytes: &'g [u8],
    pub(super) keys: &'g [(u32, [u8; 16])],
    pub(super) count: u32,
    /// The sequence it must get, if it must.
    pub(super) expected: Option<u64>,
}

/// What ends a group, behind its steps.
pub(super) enum End {
    Anchor { key: String, reply: Sender<Result<Head, LedgerError>> },
    Close(Sender<Result<Head, LedgerError>>),
}

/// Steps that are written together.
#[derive(Default)]
pub(super) struct Group {
    bytes: Vec<u8>,
    keys: Vec<(u32, [u8; 16])>,
    steps: Vec<Step>,
    pub(super) end: Option<End>,
    answer: Arc<OnceLock<Answer>>,
}

/// What became of the steps of a group, by their place in it.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Empty where the writer stopped.
    pub(super) appended: Vec<Option<Appended>>,
    /// Each is taken by the one who waits for it.
    refused: Mutex<BTreeMap<usize, LedgerError>>,
    /// Why nothing of it is known to be durable.
    pub(super) failed: Option<String>,
}

/// The answer to come to one step: wait for it, or drop it.
#[derive(Debug)]
#[must_use = "an append is durable only once its acknowledgement came"]
pub struct Pending {
    answer: Arc<OnceLock<Answer>>,
    place: usize,
}

impl Pending {
    /// Waits until the step is durable.
    ///
    /// # Errors
    /// As [`Writer::append`](super::Writer::append); [`LedgerError::Stopped`] when the writer's
    /// thread is gone.
    pub fn wait(self) -> Result<Appended, LedgerError> {
        if self.place >= MANY_STEPS {
            for _ in 0..LOOKS {
                if self.answer.get().is_some() {
                    break;
                }
                std::thread::yield_now();
            }
        }
        self.answer.wait().of(self.place)
    }
}

impl Answer {
    pub(super) fn refuse(&mut self, place: usize, error: LedgerError) {
        self.refused.get_mut().unwrap_or_else(PoisonError::into_inner).insert(place, error);
    }

    fn of(&self, place: usize) -> Result<Appended, LedgerError> {
        if let Some(cause) = &self.failed {
            return Err(LedgerError::Poisoned { cause: cause.clone() });
        }
        match self.appended.get(place) {
            Some(Some(appended)) => Ok(appended.clone()),
            Some(None) => Err(locked(&self.refused).remove(&place).unwrap_or(LedgerError::Stopped)),
            None => Err(LedgerError::Stopped),
        }
    }
}

impl Group {
    pub(super) fn steps(&self) -> impl Iterator<Item = StepRef<'_>> {
        let (mut bytes_start, mut keys_start) = (0, 0);
        self.steps.iter().map(move |step| {
            let bytes = &self.bytes[bytes_start..step.bytes_end];
            let keys = &self.keys[keys_start..step.keys_end];
            (bytes_start, keys_start) = (step.bytes_end, step.keys_end);
            StepRef { bytes, keys, count: step.count, expected: step.expected }
        })
    }

    fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.end.is_none()
    }

    fn has_room(&self, bytes: usize) -> bool {
        let fits = self.steps.is_empty() || self.bytes.len() + bytes <= GROUP_BYTES_MAX;
        fits && self.steps.len() < QUEUE_STEPS_MAX && self.end.is_none()
    }

    /// Wakes all who wait for its steps, and is empty then.
    pub(super) fn answer(&mut self, answer: Answer) {
        // Only the writer's thread answers, and it answers once.
        drop(self.answer.set(answer));
        self.answer = Arc::default();
        self.bytes.clear();
        self.keys.clear();
        self.steps.clear();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.answer(Answer::default());
    }
}

/// Where producers and the writer's thread meet.
#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    /// The writer waits here for a group.
    filled: Condvar,
    /// Producers wait here while the group is full.
    emptied: Condvar,
}

#[derive(Default)]
struct State {
    filling: Group,
    writer_waits: bool,
    producers_wait: bool,
    /// Nobody can hand over anything any more.
    abandoned: bool,
    /// Nobody takes anything any more.
    stopped: bool,
}

/// What the writer's thread found.
pub(super) enum Taken {
    Group,
    /// Nothing came for so long.
    Nothing,
    /// Nothing can come.
    Abandoned,
}

impl Inbox {
    /// Puts a step behind those that wait; waits itself while they are too many.
    pub(super) fn put(
        &self,
        bytes: &[u8],
        keys: &[(u32, [u8; 16])],
        count: u32,
        expected: Option<u64>,
    ) -> Result<Pending, LedgerError> {
        let mut state = self.with_room(bytes.len())?;
        let group = &mut state.filling;
        group.bytes.extend_from_slice(bytes);
        group.keys.extend_from_slice(keys);
        let (bytes_end, keys_end) = (group.bytes.len(), group.keys.len());
        let pending = Pending { answer: Arc::clone(&group.answer), place: group.steps.len() };
        group.steps.push(Step { bytes_end, keys_end, count, expected });
        self.wake_writer(state);
        Ok(pending)
    }

    /// Ends the group that is filling.
    pub(super) fn end(&self, end: End) -> Result<(), LedgerError> {
        let mut state = self.with_room(0)?;
        state.filling.end = Some(end);
        self.wake_writer(state);
        Ok(())
    }

    fn with_room(&self, bytes: usize) -> Result<MutexGuard<'_, State>, LedgerError> {
        let mut state = locked(&self.state);
        loop {
            if state.stopped {
                return Err(LedgerError::Stopped);
            }
            if state.filling.has_room(bytes) {
                return Ok(state);
            }
            state.producers_wait = true;
            state = self.emptied.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn wake_writer(&self, mut state: MutexGuard<'_, State>) {
        let waits = mem::take(&mut state.writer_waits);
        drop(state);
        if waits {
            self.filled.notify_one();
        }
    }

    /// Exchanges an empty group for the one that is filling, as soon as that holds anything.
    pub(super) fn take(&self, empty: &mut Group, patience: Duration) -> Taken {
        let mut state = locked(&self.state);
        if state.filling.is_empty() && !state.abandoned {
            state.writer_waits = true;
            let none = |state: &mut State| state.filling.is_empty() && !state.abandoned;
            let waited = self.filled.wait_timeout_while(state, patience, none);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.writer_waits = false;
        }
        if state.filling.is_empty() {
            return if state.abandoned { Taken::Abandoned } else { Taken::Nothing };
        }
        mem::swap(&mut state.filling, empty);
        if mem::take(&mut state.producers_wait) {
            drop(state);
            self.emptied.notify_all();
        }
        Taken::Group
    }

    /// How many bytes wait.
    pub(super) fn waiting_bytes(&self) -> usize {
        locked(&self.state).filling.bytes.len()
    }

    /// Nobody will hand over anything any more.
    pub(super) fn abandon(&self) {
        let mut state = locked(&self.state);
        state.abandoned = true;
        self.wake_writer(state);
    }

    /// Nobody will take anything any more: who waits is told so.
    pub(super) fn stop(&self) {
        let mut state = locked(&self.state);
        state.stopped = true;
        let left = mem::take(&mut state.filling);
        drop(state);
        drop(left);
        self.emptied.notify_all();
    }
}

/// A panic of another thread leaves nothing half done here: nothing between the first change and
/// the last can fail.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
