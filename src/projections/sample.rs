//! Is a run judged on data that its evidence came from?
//!
//! A run may take over the evidence of the run before. If it then reads a file that an earlier run
//! read, its ghosts were tested on the very bars that they are trusted for. Nothing may follow from
//! which files a run reads, so no state knows it; whoever shows such a run asks here.

use std::collections::BTreeSet;

use super::{Folded, ProjectionError};
use crate::event::Event;
use crate::hash::Digest;
use crate::ledger::{Entry, LedgerError, Reader, decode};
use crate::strategies::engine_use;

/// Tells whether the newest folded run carries evidence over and reads a file of an earlier run.
///
/// Reads the log only where evidence is carried over.
pub(super) fn in_sample(reader: &Reader<Event>, folded: &Folded) -> Result<bool, ProjectionError> {
    let carries = folded.world.run().is_some_and(|run| {
        let wanted = engine_use(&run.started().config);
        wanted.is_ok_and(|wanted| wanted.is_some_and(|wanted| wanted.carry_evidence))
    });
    if !carries {
        return Ok(false);
    }
    let (mut earlier, mut own) = (BTreeSet::<Digest>::new(), BTreeSet::<Digest>::new());
    reader.for_each::<LedgerError>(0, |record| {
        let sequence = record.sequence;
        if sequence >= folded.records {
            return Ok(());
        }
        let (_, entry) =
            decode::<Event>(&record).map_err(|source| LedgerError::Record { sequence, source })?;
        match entry {
            Entry::Event(Event::RunStarted(_)) => earlier.append(&mut own),
            Entry::Event(Event::InputFile(file)) => {
                own.insert(file.digest);
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(!own.is_disjoint(&earlier))
}
