//! When the disk has it: syncs that are waited for, and one that runs beside the writer while the
//! next frame is put together.
//!
//! Invariant: one sync at a time, and its answer is taken before anything is written behind it.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::disk::DiskFile;
use super::error::LedgerError;
use super::writer::Writer;
use crate::event::Payload;

/// What a writer knows of the sync that may be on its way.
#[derive(Default)]
pub(super) struct Syncs {
    /// The number that its answer makes the writer's `durable_below`.
    in_flight: Option<u64>,
    thread: Option<SyncThread>,
}

/// A thread that syncs the files it is given, one after the other.
struct SyncThread {
    orders: Option<Sender<Arc<dyn DiskFile>>>,
    answers: Receiver<io::Result<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SyncThread {
    fn start() -> io::Result<Self> {
        let (orders, inbox) = bounded::<Arc<dyn DiskFile>>(1);
        let (outbox, answers) = bounded(1);
        let run = move || {
            for file in inbox {
                if outbox.send(file.sync()).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("sync".to_owned()).spawn(run)?;
        Ok(Self { orders: Some(orders), answers, thread: Some(thread) })
    }

    /// Begins a sync; [`SyncThread::wait`] has its answer.
    fn begin(&self, file: Arc<dyn DiskFile>) -> io::Result<()> {
        let gone = || io::Error::other("the thread that syncs has ended");
        self.orders.as_ref().ok_or_else(gone)?.send(file).map_err(|_| gone())
    }

    /// Waits for the sync that was begun.
    fn wait(&self) -> io::Result<()> {
        let gone = |_| io::Error::other("the thread that syncs has ended");
        self.answers.recv().map_err(gone)?
    }
}

impl Drop for SyncThread {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was already told as an error to whoever waited.
            drop(thread.join());
        }
    }
}

impl<P: Payload> Writer<P> {
    /// Begins to make durable what is written. Until the sync is over, steps can be gathered;
    /// whatever writes waits for it first.
    ///
    /// # Errors
    /// As [`Writer::sync`].
    pub(super) fn begin_sync(&mut self) -> Result<(), LedgerError> {
        if self.durable_below == self.position.number {
            return Ok(());
        }
        let started = self.syncs.thread.take().map_or_else(SyncThread::start, Ok);
        // Where the system gives no thread the sync is made here.
        let Ok(thread) = started else { return self.sync_segment() };
        let begun = thread.begin(Arc::clone(&self.segment.file));
        self.syncs.thread = Some(thread);
        self.poison_on(begun, "sync")?;
        self.syncs.in_flight = Some(self.position.number);
        Ok(())
    }

    /// Writes all that waits, when the sync that may be on its way is over.
    ///
    /// # Errors
    /// As [`Writer::sync`].
    pub(super) fn write_waiting(&mut self) -> Result<(), LedgerError> {
        self.check_alive()?;
        self.flush(0)?;
        self.finish_sync()
    }

    /// Waits for the sync that is on its way, if one is.
    ///
    /// # Errors
    /// As [`Writer::sync`].
    pub(super) fn finish_sync(&mut self) -> Result<(), LedgerError> {
        let Some(number) = self.syncs.in_flight.take() else { return Ok(()) };
        let gone = || Err(std::io::Error::other("no thread syncs"));
        let synced = self.syncs.thread.as_ref().map_or_else(gone, SyncThread::wait);
        self.poison_on(synced, "sync")?;
        self.durable_below = number;
        Ok(())
    }

    /// Refuses unless all frames below a number are durable.
    pub(super) fn check_durable(&self, frames: u64) -> Result<(), LedgerError> {
        if self.durable_below >= frames {
            return Ok(());
        }
        self.check_alive()?;
        Err(LedgerError::Stopped)
    }

    /// How many frames are written.
    pub(super) const fn frames(&self) -> u64 {
        self.position.number
    }

    pub(super) fn sync_segment(&mut self) -> Result<(), LedgerError> {
        self.finish_sync()?;
        if self.durable_below == self.position.number {
            return Ok(());
        }
        let synced = self.segment.file.sync();
        self.poison_on(synced, "sync")?;
        self.durable_below = self.position.number;
        Ok(())
    }
}
