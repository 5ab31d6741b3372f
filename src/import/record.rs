//! A pass whose facts go into the ledger.

use std::num::NonZeroU32;

use super::error::ImportError;
use super::pass::{Ended, Found, Pass, Tally};
use super::{Progress, Watch};
use crate::event::{
    Actor, Class, ClockSource, Event, FactCount, ImportEnded, ImportStarted, RunId, Stamp, Vantage,
    wire,
};
use crate::ledger::{Batch, Writer};
use crate::time::Timestamp;

/// Bytes of records that are appended at once.
const BATCH_BYTES: u64 = 64 << 10;

/// Where an import stands in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) id: RunId,
    pub(super) sequence: u64,
}

/// Appends one file. None of a tally means that whoever watches stopped it.
pub(super) fn record(
    pass: &Pass<'_>,
    started: ImportStarted,
    first: Timestamp,
    writer: &mut Writer<Event>,
    remember: &mut dyn FnMut(&Event) -> Result<(), ImportError>,
    watch: Watch<'_>,
) -> Result<(Standing, Option<Tally>), ImportError> {
    let mut records = Records::begin(pass, started, first, writer)?;
    let standing = Standing { id: records.run, sequence: records.first_sequence };
    let ended = pass.run(&mut |found| {
        match found {
            Found::Fact(time, event) => {
                records.push(event, time)?;
                remember(event)?;
            }
            Found::Defect(defect) => {
                let (time, event) = (records.time, Event::ImportDefect(defect));
                records.push(&event, time)?;
            }
        }
        Ok(watch(&Progress { records: records.count }))
    })?;
    let Ended::Whole(tally) = ended else {
        records.flush()?;
        return Ok((standing, None));
    };
    pass.file.check_unchanged()?;
    let event = Event::ImportEnded(Box::new(end_of(&tally)));
    let time = tally.last.unwrap_or(first);
    records.push(&event, time)?;
    records.flush()?;
    Ok((standing, Some(tally)))
}

fn end_of(tally: &Tally) -> ImportEnded {
    let facts = tally.facts.iter();
    ImportEnded {
        rows: tally.rows,
        facts: facts.map(|(kind, n)| FactCount { kind: (*kind).to_owned(), count: *n }).collect(),
        defects: tally.defect_count(),
        duplicates: tally.duplicates,
        contradictions: tally.contradictions,
        first: tally.first,
        last: tally.last,
        figures: tally.figures.as_texts(),
    }
}

/// The records of one import, appended a batch at a time.
struct Records<'a, 'w> {
    pass: &'a Pass<'a>,
    writer: &'w mut Writer<Event>,
    batch: Batch<Event>,
    run: RunId,
    first_sequence: u64,
    count: u64,
    /// Time of the last fact.
    time: Timestamp,
}

impl<'a, 'w> Records<'a, 'w> {
    fn begin(
        pass: &'a Pass<'a>,
        started: ImportStarted,
        time: Timestamp,
        writer: &'w mut Writer<Event>,
    ) -> Result<Self, ImportError> {
        let mut payload = Vec::new();
        wire::encode(&started, &mut payload).map_err(|error| pass.record_error(0, error))?;
        let first_sequence = writer.next_sequence();
        let run = RunId::of_simulated(&payload, first_sequence);
        let batch = Batch::new();
        let mut records = Self { pass, writer, batch, run, first_sequence, count: 0, time };
        records.push(&Event::ImportStarted(Box::new(started)), time)?;
        Ok(records)
    }

    fn push(&mut self, event: &Event, time: Timestamp) -> Result<(), ImportError> {
        let cause = u32::try_from(self.count).ok().and_then(NonZeroU32::new);
        let stamp = Stamp {
            run: self.run,
            cause,
            actor: Actor::SOURCE,
            clock: ClockSource::Data,
            ..Stamp::new(Class::Input, Vantage::Imported, time)
        };
        let row = super::pass::row_of(event);
        self.batch.push(event, &stamp).map_err(|error| self.pass.record_error(row, error))?;
        self.count += 1;
        self.time = time;
        if self.batch.bytes() >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ImportError> {
        if !self.batch.is_empty() {
            self.writer.append(&self.batch)?;
            self.batch.clear();
        }
        Ok(())
    }
}
