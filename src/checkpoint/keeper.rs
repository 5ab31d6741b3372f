//! Checkpoints by themselves: by count and by time, beside the writer of a live run.
//!
//! The writer appends the anchor; everything else (reading back, tiles, signature, files) happens
//! on this thread, off the writer's path. What is not signed yet stays due: a signing that fails is
//! tried again, and a log that falls silent is signed once its time is over. A log that is not what
//! the key signed before is signed no more.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::SignError;
use super::key_file::KeyFile;
use super::note::Note;
use super::sign::{SeenTree, sign_anchored};
use crate::event::Payload;
use crate::ledger::clock::{Stopwatch, pause};
use crate::ledger::{Appender, Head, WriterOptions, at};

/// How long the keeper sleeps between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// How long it waits after a signing that failed.
const RETRY: Duration = Duration::from_secs(1);

/// When a checkpoint is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Every {
    /// After so many records.
    pub records: u64,
    /// After so long, if there is any record that none covers.
    pub time: Duration,
}

/// What the keeper did so far.
#[derive(Debug, Default)]
struct Told {
    newest: Option<Note>,
    failures: u64,
    failure: Option<SignError>,
}

/// Signs the heads of a ledger that a [`GroupWriter`](crate::ledger::GroupWriter) writes.
pub struct Keeper {
    stop: Arc<AtomicBool>,
    told: Arc<Mutex<Told>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts beside the writer that `appender` hands to.
    ///
    /// # Errors
    /// When the system gives no thread.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use schwabot::checkpoint::{Every, KeyFile, KeyKind, Keeper, SigningKey};
    /// use schwabot::event::{Event, Command, Action, Class, Stamp, Vantage};
    /// use schwabot::ledger::{Batch, GroupWriter, Writer, WriterOptions, clock::Machine};
    /// use schwabot::time::Timestamp;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("ledger");
    /// # let key_path = dir.path().join("key");
    /// let options = WriterOptions::default();
    /// let key = SigningKey::generate("example.com/bot", KeyKind::Log, &Machine)?;
    /// let key = KeyFile::create(options.disk.clone(), &key_path, key)?;
    /// let writer = GroupWriter::start(Writer::<Event>::open(&path, &options)?)?;
    /// let every = Every { records: 1_000, time: Duration::from_secs(10) };
    /// let keeper = Keeper::start(writer.appender(), &path, key, every, &options)?;
    ///
    /// let now = Timestamp::from_nanos(0);
    /// let command = Command { row: 1, time: now, action: Action::CleanUp };
    /// let mut step = Batch::new();
    /// let stamp = Stamp::new(Class::Input, Vantage::Operator, now);
    /// step.push(&Event::Command(Box::new(command)), &stamp)?;
    /// writer.appender().append(&step)?;
    ///
    /// let note = keeper.stop()?.expect("a record that is signed at the latest now");
    /// assert_eq!(note.checkpoint().size, 2); // the command, and the anchor behind it
    /// writer.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn start<P: Payload + 'static>(
        appender: Appender<P>,
        ledger: &Path,
        key: KeyFile,
        every: Every,
        options: &WriterOptions,
    ) -> Result<Self, SignError> {
        let (stop, told) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::default()));
        let work = Work {
            appender,
            ledger: ledger.to_owned(),
            key,
            every,
            options: options.clone(),
            told: Arc::clone(&told),
            signed: 0,
            anchored: None,
            seen: SeenTree::default(),
        };
        let asked = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(move || work.run(&asked))
            .map_err(at("start a thread for", ledger))?;
        Ok(Self { stop, told, thread: Some(thread) })
    }

    /// Returns the newest note that was made.
    #[must_use]
    pub fn newest(&self) -> Option<Note> {
        locked(&self.told).newest.clone()
    }

    /// Returns how often signing failed so far; it is tried again until it succeeds.
    #[must_use]
    pub fn failures(&self) -> u64 {
        locked(&self.told).failures
    }

    /// Signs what is left to sign, ends, and returns the newest note. To be called before the
    /// writer is closed.
    ///
    /// # Errors
    /// Why the last signing failed.
    pub fn stop(mut self) -> Result<Option<Note>, SignError> {
        self.end();
        let mut told = locked(&self.told);
        match told.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(told.newest.take()),
        }
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // A panic there left the last failure or note as it was.
            drop(thread.join());
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.end();
    }
}

/// A panicking keeper leaves what it told behind, and that may still be read.
fn locked(told: &Mutex<Told>) -> std::sync::MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the thread works on.
struct Work<P> {
    appender: Appender<P>,
    ledger: PathBuf,
    key: KeyFile,
    every: Every,
    options: WriterOptions,
    told: Arc<Mutex<Told>>,
    /// Records that the newest note covers.
    signed: u64,
    /// The head of the newest anchor.
    anchored: Option<Head>,
    /// The log as this keeper read it.
    seen: SeenTree,
}

impl<P: Payload> Work<P> {
    fn run(mut self, stop: &AtomicBool) {
        let (mut since, mut failing) = (Stopwatch::start(), false);
        loop {
            let asked = stop.load(Ordering::Acquire);
            let records = self.appender.durable();
            let waiting = records.saturating_sub(self.signed);
            let due = waiting >= self.every.records || since.elapsed() >= self.every.time;
            let patient = !failing || since.elapsed() >= RETRY;
            if waiting > 0 && (asked || due && patient) {
                let signing = self.sign();
                if signing == Signing::Hopeless {
                    return;
                }
                failing = signing == Signing::Failed;
                since = Stopwatch::start();
            }
            if asked {
                return;
            }
            pause(LOOK);
        }
    }

    /// Anchors and signs.
    fn sign(&mut self) -> Signing {
        let signed = self.anchored().and_then(|head| {
            sign_anchored::<P>(&self.ledger, &self.key, head, &mut self.seen, &self.options)
        });
        let mut told = locked(&self.told);
        match signed {
            Ok(note) => {
                self.signed = note.checkpoint().size;
                (told.newest, told.failure) = (Some(note), None);
                Signing::Done
            }
            Err(error) => {
                // What was seen before a failure was not found good, so it is seen again.
                self.seen = SeenTree::default();
                let hopeless =
                    matches!(error, SignError::Contradiction(_) | SignError::BadMemory { .. });
                told.failures += 1;
                told.failure = Some(error);
                if hopeless { Signing::Hopeless } else { Signing::Failed }
            }
        }
    }

    /// The head behind an anchor: a new one, or that of a signing that failed, where nothing was
    /// appended since.
    fn anchored(&mut self) -> Result<Head, SignError> {
        let unsigned = self.anchored.filter(|head| head.size == self.appender.durable());
        let head = match unsigned {
            Some(head) => head,
            None => self.appender.anchor(&self.key.key().verifier().to_string())?,
        };
        self.anchored = Some(head);
        Ok(head)
    }
}

/// How a signing ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signing {
    Done,
    /// It may succeed later.
    Failed,
    /// The log is not what the key signed before; trying again would only add anchors to it.
    Hopeless,
}
