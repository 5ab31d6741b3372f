//! What a ledger holds of imports, and whether a run in it is under way: one pass over its records.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::error::ImportError;
use super::sieve::Known;
use crate::event::{Event, ImportStarted, RecordError, RunId, is_import_kind};
use crate::ledger::disk::Disk;
use crate::ledger::layout::Layout;
use crate::ledger::{Entry, LedgerError, Reader, decode};

/// An import that a ledger holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PastImport {
    pub(super) sequence: u64,
    pub(super) id: RunId,
    pub(super) started: ImportStarted,
    pub(super) ended: bool,
}

/// What was imported into a ledger before.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) imports: Vec<PastImport>,
    /// Facts under the labels that were asked for.
    pub(super) known: Known,
    run: Option<u64>,
}

impl History {
    /// Reads a ledger; one that is not there holds nothing.
    ///
    /// # Errors
    /// A run that has not ended, a writer at work, damage, and records of another program.
    pub(super) fn read(
        disk: &Arc<dyn Disk>,
        path: &Path,
        labels: &BTreeSet<String>,
    ) -> Result<Self, ImportError> {
        // A ledger that is being written is refused at once, without reading after its writer.
        if disk.is_locked(&Layout::new(path).lock()).unwrap_or(false) {
            return Err(LedgerError::Locked { path: path.to_owned() }.into());
        }
        let reader = match Reader::<Event>::open_on(Arc::clone(disk), path) {
            Ok(reader) => reader,
            Err(LedgerError::NotALedger { .. }) => return Ok(Self::default()),
            Err(error) => return Err(error.into()),
        };
        let mut history = Self::default();
        // What says whether a run is under way.
        let of_runs: Vec<u16> = Event::KINDS
            .iter()
            .filter(|(_, name, _)| matches!(*name, "run_started" | "run_ended"))
            .map(|(kind, _, _)| *kind)
            .collect();
        reader.for_each::<LedgerError>(0, |record| {
            let sequence = record.sequence;
            let fail = |source| LedgerError::Record { sequence, source };
            let (envelope, _) = record.envelope().map_err(fail)?;
            if !is_import_kind(envelope.kind) && !of_runs.contains(&envelope.kind) {
                return Ok(());
            }
            let (envelope, entry) = decode::<Event>(&record).map_err(fail)?;
            if let Entry::Event(event) = entry {
                let taken = history.take(sequence, envelope.stamp.run, event, labels);
                taken.map_err(fail)?;
            }
            Ok(())
        })?;
        match history.run {
            None => Ok(history),
            Some(sequence) => Err(ImportError::RunNotEnded { ledger: path.to_owned(), sequence }),
        }
    }

    fn take(
        &mut self,
        sequence: u64,
        id: RunId,
        event: Event,
        labels: &BTreeSet<String>,
    ) -> Result<(), RecordError> {
        match event {
            Event::RunStarted(_) => self.run = Some(sequence),
            Event::RunEnded(_) => self.run = None,
            Event::ImportStarted(started) => {
                let started = *started;
                if labels.contains(&started.label) {
                    self.known.begin_file();
                }
                self.imports.push(PastImport { sequence, id, started, ended: false });
            }
            Event::ImportEnded(_) => {
                if let Some(last) = self.imports.last_mut() {
                    last.ended = true;
                }
            }
            fact => {
                let label = self.imports.last().map(|last| &last.started.label);
                if let Some(label) = label.filter(|label| labels.contains(*label)) {
                    self.known.add(label, &fact)?;
                }
            }
        }
        Ok(())
    }
}
