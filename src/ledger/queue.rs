//! Many producers, one writer: a bounded queue with group commit.
//!
//! The writer's thread takes one step, then whatever waits behind it, writes all of them as one
//! frame, syncs, and acknowledges each. While it syncs the queue fills, so the group grows with
//! the load by itself. After 200 ms without work it adds one empty frame that proves the last.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::batch::Batch;
use super::error::LedgerError;
use super::options::{Appended, Head, SyncMode};
use super::writer::Writer;
use crate::event::Payload;

/// Steps that may wait for the writer.
pub const QUEUE_STEPS_MAX: usize = 4096;
/// Bytes that one group may gather before it is written.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// Idle time after which the last frame gets its proof.
const IDLE: Duration = Duration::from_millis(200);

struct Request {
    bytes: Vec<u8>,
    count: u32,
    keys: Vec<(u32, [u8; 16])>,
    expected: Option<u64>,
    reply: Sender<Result<Appended, LedgerError>>,
}

enum Message {
    Append(Request),
    Anchor { key: String, reply: Sender<Result<Head, LedgerError>> },
    Close(Sender<Result<Head, LedgerError>>),
}

/// A writer on a thread of its own, fed by [`Appender`]s.
pub struct GroupWriter<P> {
    sender: Sender<Message>,
    durable: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
    events: PhantomData<fn(P)>,
}

/// Hands steps to a [`GroupWriter`]; clone one for each producer.
pub struct Appender<P> {
    sender: Sender<Message>,
    /// Records that are durable.
    durable: Arc<AtomicU64>,
    events: PhantomData<fn(P)>,
}

impl<P> Clone for Appender<P> {
    fn clone(&self) -> Self {
        let (sender, durable) = (self.sender.clone(), Arc::clone(&self.durable));
        Self { sender, durable, events: PhantomData }
    }
}

/// The answer to come to one step: wait for it, or drop it.
#[derive(Debug)]
#[must_use = "an append is durable only once its acknowledgement came"]
pub struct Pending(Receiver<Result<Appended, LedgerError>>);

impl Pending {
    /// Waits until the step is durable.
    ///
    /// # Errors
    /// As [`Writer::append`]; [`LedgerError::Stopped`] when the writer's thread is gone.
    pub fn wait(self) -> Result<Appended, LedgerError> {
        self.0.recv().map_err(|_| LedgerError::Stopped)?
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

    /// Hands over one step; it waits in the queue, which blocks while it is full. With `expected`,
    /// it is refused unless its first record gets that sequence.
    ///
    /// # Errors
    /// [`LedgerError::Stopped`] when the writer's thread is gone.
    pub fn submit(&self, step: &Batch<P>, expected: Option<u64>) -> Result<Pending, LedgerError> {
        let (reply, answer) = bounded(1);
        let (bytes, keys) = (step.bytes.clone(), step.keys.clone());
        let request = Request { bytes, count: step.count, keys, expected, reply };
        self.sender.send(Message::Append(request)).map_err(|_| LedgerError::Stopped)?;
        Ok(Pending(answer))
    }

    /// Appends an anchor for a key behind all that was handed over before, and returns the head
    /// that ends with it; see [`Writer::anchor`].
    ///
    /// # Errors
    /// As [`Writer::anchor`]; [`LedgerError::Stopped`] when the writer's thread is gone.
    pub fn anchor(&self, key: &str) -> Result<Head, LedgerError> {
        let (reply, answer) = bounded(1);
        let message = Message::Anchor { key: key.to_owned(), reply };
        self.sender.send(message).map_err(|_| LedgerError::Stopped)?;
        answer.recv().map_err(|_| LedgerError::Stopped)?
    }

    /// Returns how many records are durable.
    #[must_use]
    pub fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
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
        let (sender, inbox) = bounded(QUEUE_STEPS_MAX);
        let durable = Arc::new(AtomicU64::new(writer.next_sequence()));
        let told = Arc::clone(&durable);
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || serve(writer, &inbox, &told))
            .map_err(super::error::at("start a thread for", &root))?;
        Ok(Self { sender, durable, thread: Some(thread), events: PhantomData })
    }

    /// Returns a handle for a producer.
    #[must_use]
    pub fn appender(&self) -> Appender<P> {
        let (sender, durable) = (self.sender.clone(), Arc::clone(&self.durable));
        Appender { sender, durable, events: PhantomData }
    }

    /// Ends the ledger with a CLOSE frame after all that was handed over before. Steps handed over
    /// later are answered with [`LedgerError::Stopped`].
    ///
    /// # Errors
    /// As [`Writer::close`].
    pub fn close(mut self) -> Result<Head, LedgerError> {
        let (reply, answer) = bounded(1);
        self.sender.send(Message::Close(reply)).map_err(|_| LedgerError::Stopped)?;
        let head = answer.recv().map_err(|_| LedgerError::Stopped)?;
        if let Some(thread) = self.thread.take() {
            thread.join().map_err(|_| LedgerError::Stopped)?;
        }
        head
    }
}

fn serve<P: Payload>(mut writer: Writer<P>, inbox: &Receiver<Message>, durable: &AtomicU64) {
    let mut group: Vec<(Request, Appended)> = Vec::new();
    loop {
        let first = match inbox.recv_timeout(IDLE) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => {
                // A failure here poisons the writer, and the next producer is told.
                drop(writer.prove_last_frame());
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let (mut bytes, mut close, mut anchor) = (0, None, None);
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Append(request) => bytes += take(&mut writer, request, &mut group),
                Message::Anchor { key, reply } => anchor = Some((key, reply)),
                Message::Close(reply) => close = Some(reply),
            }
            let room = bytes < GROUP_BYTES_MAX && close.is_none() && anchor.is_none();
            next = if room { inbox.try_recv().ok() } else { None };
        }
        acknowledge(&mut writer, &mut group);
        if let Some((key, reply)) = anchor {
            // Whoever no longer waits for it can read it in the log.
            drop(reply.send(writer.anchor(&key)));
        }
        if writer.check_alive().is_ok() {
            durable.store(writer.next_sequence(), Ordering::Release);
        }
        if let Some(reply) = close {
            drop(reply.send(writer.close()));
            return;
        }
    }
}

/// Puts one step into the group, or answers it at once when it is refused. Returns its bytes.
fn take<P: Payload>(
    writer: &mut Writer<P>,
    request: Request,
    group: &mut Vec<(Request, Appended)>,
) -> usize {
    let checked = request.expected.map_or(Ok(()), |expected| writer.check_sequence(expected));
    let taken = checked.and_then(|()| writer.gather(&request.bytes, request.count, &request.keys));
    let bytes = request.bytes.len();
    match taken {
        // An existing record may be in this very group, so it too is acknowledged after the sync.
        Ok(appended) => group.push((request, appended)),
        // A producer that no longer waits misses nothing.
        Err(error) => drop(request.reply.send(Err(error))),
    }
    bytes
}

fn acknowledge<P: Payload>(writer: &mut Writer<P>, group: &mut Vec<(Request, Appended)>) {
    let synced = if group.is_empty() { Ok(()) } else { writer.sync() };
    let cause = synced.err().map(|error| error.to_string());
    for (request, appended) in group.drain(..) {
        let answer = match &cause {
            None => Ok(appended),
            Some(cause) => Err(LedgerError::Poisoned { cause: cause.clone() }),
        };
        drop(request.reply.send(answer));
    }
}
