//! Many producers, one writer: group commit.
//!
//! The writer's thread takes all steps that wait, writes them as one frame, syncs, and answers
//! them together. While it syncs the next group fills (`group.rs`). After 200 ms without work it
//! adds one empty frame that proves the last.
//!
//! Where much waits already, the sync runs on a thread of its own while the next frame is put
//! together and hashed: two commits are on their way, and still no frame is handed to the disk
//! before the sync of the one before it returned.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::bounded;

use super::batch::Batch;
use super::error::{LedgerError, at};
use super::group::{Answer, End, Group, Inbox, Pending, Taken};
use super::options::{Appended, Head, SyncMode};
use super::writer::Writer;
use crate::event::Payload;

/// Idle time after which the last frame gets its proof.
const IDLE: Duration = Duration::from_millis(200);
/// So much must wait before a sync is left to its own thread: handing it over costs some ten
/// microseconds, and what can be done meanwhile must be worth that.
const FLIGHT_BYTES: usize = 64 << 10;

/// A writer on a thread of its own, fed by [`Appender`]s.
pub struct GroupWriter<P> {
    handle: Arc<Handle>,
    thread: Option<JoinHandle<()>>,
    events: PhantomData<fn(P)>,
}

/// Hands steps to a [`GroupWriter`]; clone one for each producer.
pub struct Appender<P> {
    handle: Arc<Handle>,
    events: PhantomData<fn(P)>,
}

impl<P> Clone for Appender<P> {
    fn clone(&self) -> Self {
        Self { handle: Arc::clone(&self.handle), events: PhantomData }
    }
}

/// What all who may hand over steps share; once the last of them is gone the writer's thread ends.
struct Handle {
    inbox: Arc<Inbox>,
    /// Records that are durable.
    durable: Arc<AtomicU64>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.inbox.abandon();
    }
}

impl Handle {
    /// Ends the group that is filling, and waits for what comes of that.
    fn end(
        &self,
        end: impl FnOnce(crossbeam_channel::Sender<Result<Head, LedgerError>>) -> End,
    ) -> Result<Head, LedgerError> {
        let (reply, answer) = bounded(1);
        self.inbox.end(end(reply))?;
        answer.recv().map_err(|_| LedgerError::Stopped)?
    }
}

impl<P: Payload> Appender<P> {
    /// Hands over one step and waits until it is durable.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn append(&self, step: &Batch<P>) -> Result<Appended, LedgerError> {
        self.submit(step, None)?.wait()
    }

    /// Hands over one step; it waits with others for the writer, and this call waits while those
    /// are too many. With `expected`, it is refused unless its first record gets that sequence.
    ///
    /// # Errors
    /// [`LedgerError::Stopped`] when the writer's thread is gone.
    pub fn submit(&self, step: &Batch<P>, expected: Option<u64>) -> Result<Pending, LedgerError> {
        self.handle.inbox.put(&step.bytes, &step.keys, step.count, expected)
    }

    /// Appends an anchor for a key behind all that was handed over before, and returns the head
    /// that ends with it; see [`Writer::anchor`].
    ///
    /// # Errors
    /// As [`Writer::anchor`]; [`LedgerError::Stopped`] when the writer's thread is gone.
    pub fn anchor(&self, key: &str) -> Result<Head, LedgerError> {
        self.handle.end(|reply| End::Anchor { key: key.to_owned(), reply })
    }

    /// Returns how many records are durable.
    #[must_use]
    pub fn durable(&self) -> u64 {
        self.handle.durable.load(Ordering::Acquire)
    }
}

impl<P: Payload + 'static> GroupWriter<P> {
    /// Makes durable what was appended before, and starts the writer's thread.
    ///
    /// # Errors
    /// As [`Writer::sync`]; [`LedgerError::Io`] when the system gives no thread.
    pub fn start(mut writer: Writer<P>) -> Result<Self, LedgerError> {
        let root = writer.files.layout.root().to_owned();
        // Frames are written by groups, each synced before the next: the frames are ordered. The
        // first says so of what was written before, so that is synced here.
        writer.sync()?;
        writer.sync_mode = SyncMode::Always;
        let inbox = Arc::new(Inbox::default());
        let durable = Arc::new(AtomicU64::new(writer.next_sequence()));
        let handle = Handle { inbox: Arc::clone(&inbox), durable: Arc::clone(&durable) };
        let serving = Serving { writer, inbox: Receiving(inbox), durable, flight: None };
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || serving.run())
            .map_err(at("start a thread for", &root))?;
        Ok(Self { handle: Arc::new(handle), thread: Some(thread), events: PhantomData })
    }

    /// Returns a handle for a producer.
    #[must_use]
    pub fn appender(&self) -> Appender<P> {
        Appender { handle: Arc::clone(&self.handle), events: PhantomData }
    }

    /// Ends the ledger with a CLOSE frame after all that was handed over before. Steps handed over
    /// later are answered with [`LedgerError::Stopped`].
    ///
    /// # Errors
    /// As [`Writer::close`].
    pub fn close(mut self) -> Result<Head, LedgerError> {
        let head = self.handle.end(End::Close);
        if let Some(thread) = self.thread.take() {
            thread.join().map_err(|_| LedgerError::Stopped)?;
        }
        head
    }
}

/// The writer's end of the inbox. When its thread ends, however, nobody waits for it for ever.
struct Receiving(Arc<Inbox>);

impl Drop for Receiving {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// A group that is written, and its sync on its way.
struct Flight {
    group: Group,
    answer: Answer,
    /// Frames and records that are durable once the sync is over.
    frames: u64,
    records: u64,
}

/// The writer's thread.
struct Serving<P> {
    writer: Writer<P>,
    inbox: Receiving,
    durable: Arc<AtomicU64>,
    flight: Option<Flight>,
}

impl<P: Payload> Serving<P> {
    fn run(mut self) {
        let mut group = Group::default();
        loop {
            let patience = if self.flight.is_some() { Duration::ZERO } else { IDLE };
            match self.inbox.0.take(&mut group, patience) {
                Taken::Group => {}
                Taken::Nothing => {
                    self.rest();
                    continue;
                }
                Taken::Abandoned => {
                    self.land();
                    return;
                }
            }
            let end = group.end.take();
            group = self.commit(group, end.is_none());
            match end {
                None => {}
                Some(End::Anchor { key, reply }) => {
                    let head = self.writer.anchor(&key);
                    self.tell_durable(self.writer.next_sequence());
                    // Whoever no longer waits for it can read it in the log.
                    drop(reply.send(head));
                }
                Some(End::Close(reply)) => {
                    drop(reply.send(self.writer.close()));
                    return;
                }
            }
        }
    }

    /// Nothing waits: ends what is on its way, or proves the last frame.
    fn rest(&mut self) {
        if self.flight.is_some() {
            self.land();
        } else {
            // A failure here poisons the writer, and the next producer is told.
            drop(self.writer.prove_last_frame());
        }
    }

    /// Makes a group durable and answers it, or leaves that to the next call where it `may_fly` and
    /// much waits behind it. Returns an empty group.
    fn commit(&mut self, mut group: Group, may_fly: bool) -> Group {
        let mut answer = gather(&mut self.writer, &group);
        let written = self.writer.write_waiting();
        let landed = self.land();
        let may_fly = may_fly && written.is_ok() && self.inbox.0.waiting_bytes() >= FLIGHT_BYTES;
        if may_fly && self.writer.begin_sync().is_ok() {
            let (frames, records) = (self.writer.frames(), self.writer.next_sequence());
            self.flight = Some(Flight { group, answer, frames, records });
            return landed.unwrap_or_default();
        }
        let synced = written.and_then(|()| self.writer.sync());
        answer.failed = synced.err().map(cause_of);
        self.tell_durable(self.writer.next_sequence());
        group.answer(answer);
        group
    }

    /// Waits for the sync that is on its way and answers its group, which is empty then.
    fn land(&mut self) -> Option<Group> {
        let Flight { mut group, mut answer, frames, records } = self.flight.take()?;
        let synced = self.writer.finish_sync().and_then(|()| self.writer.check_durable(frames));
        answer.failed = synced.err().map(cause_of);
        self.tell_durable(records);
        group.answer(answer);
        Some(group)
    }

    fn tell_durable(&self, records: u64) {
        if self.writer.check_alive().is_ok() {
            self.durable.store(records, Ordering::Release);
        }
    }
}

/// Why the writer refuses everything from now on, said once.
fn cause_of(error: LedgerError) -> String {
    match error {
        LedgerError::Poisoned { cause } => cause,
        error => error.to_string(),
    }
}

/// Puts the steps of a group into the frame to come; what is refused is answered so.
fn gather<P: Payload>(writer: &mut Writer<P>, group: &Group) -> Answer {
    let mut answer = Answer::default();
    for (place, step) in group.steps().enumerate() {
        let checked = step.expected.map_or(Ok(()), |expected| writer.check_sequence(expected));
        // An existing record may be in this very group, so it too is acknowledged after the sync.
        match checked.and_then(|()| writer.gather(step.bytes, step.count, step.keys)) {
            Ok(appended) => answer.appended.push(Some(appended)),
            Err(error) => {
                answer.appended.push(None);
                answer.refuse(place, error);
            }
        }
    }
    answer
}
