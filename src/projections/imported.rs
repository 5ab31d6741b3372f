//! What a log holds of other people's files: each import, whole or cut off.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ProjectionError, UpTo};
use crate::event::{Event, ImportEnded, ImportStarted, RunId, is_import_kind};
use crate::ledger::{Entry, LedgerError, Reader, decode};

/// One import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportedFile {
    /// Where it begins.
    pub sequence: u64,
    /// Its id.
    pub id: RunId,
    /// What was imported.
    pub started: ImportStarted,
    /// Facts that it holds, by kind.
    pub facts: BTreeMap<&'static str, u64>,
    /// Defects that it holds.
    pub defects: u64,
    /// What it came to; none where it was cut off.
    pub ended: Option<ImportEnded>,
}

/// Lists the imports of a log, up to a record or to facts of a time.
///
/// # Errors
/// As [`fold`](super::fold).
///
/// # Examples
/// ```
/// use schwabot::event::Event;
/// use schwabot::ledger::{Reader, Writer, WriterOptions};
/// use schwabot::projections::{UpTo, imported_files};
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("ledger");
/// Writer::<Event>::open(&path, &WriterOptions::default())?.close()?;
/// assert!(imported_files(&Reader::open(&path)?, UpTo::End)?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn imported_files(
    reader: &Reader<Event>,
    up_to: UpTo,
) -> Result<Vec<ImportedFile>, ProjectionError> {
    if let UpTo::Sequence(sequence) = up_to
        && sequence >= reader.len()
    {
        return Err(ProjectionError::NoSuchRecord { sequence, records: reader.len() });
    }
    let mut imports: Vec<ImportedFile> = Vec::new();
    reader.for_each::<LedgerError>(0, |record| {
        let sequence = record.sequence;
        let fail = |source| LedgerError::Record { sequence, source };
        let (envelope, _) = record.envelope().map_err(fail)?;
        let wanted = match up_to {
            UpTo::End => true,
            UpTo::Sequence(last) => sequence <= last,
            UpTo::Time(until) => envelope.stamp.time <= until,
        };
        if !wanted || !is_import_kind(envelope.kind) {
            return Ok(());
        }
        let (envelope, entry) = decode::<Event>(&record).map_err(fail)?;
        if let Entry::Event(event) = entry {
            take(&mut imports, sequence, envelope.stamp.run, event);
        }
        Ok(())
    })?;
    Ok(imports)
}

fn take(imports: &mut Vec<ImportedFile>, sequence: u64, id: RunId, event: Event) {
    if let Event::ImportStarted(started) = event {
        let (facts, started) = (BTreeMap::new(), *started);
        imports.push(ImportedFile { sequence, id, started, facts, defects: 0, ended: None });
        return;
    }
    // What names another import is a finding of `verify`, and belongs to none.
    let Some(last) = imports.last_mut().filter(|last| last.id == id) else { return };
    match event {
        Event::ImportDefect(_) => last.defects += 1,
        Event::ImportEnded(ended) => last.ended = Some(*ended),
        fact => *last.facts.entry(fact.name()).or_default() += 1,
    }
}
