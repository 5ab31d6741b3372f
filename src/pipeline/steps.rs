//! A run under way: one input at a time, and what follows from it, into the ledger.

use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::{PipelineError, Progress, Summary};
use crate::event::{
    EndOfData, Event, InputFile, Mode, Payload, RecordRef, RunId, RunStarted, Stamp, Vantage,
    encode_record,
};
use crate::kernel::{Decision, InputClock, Kernel, World, derived_stamp, input_stamp};
use crate::ledger::clock::Host;
use crate::ledger::{Batch, Writer, read_ahead};
use crate::market::Source;
use crate::projections::{SnapshotError, Snapshots};
use crate::time::Timestamp;

/// Reads a source as [`read_ahead`] asks for it.
pub(super) fn read_events(
    mut source: impl Source + Send,
) -> impl FnMut(&mut Vec<Event>, usize) -> Result<bool, PipelineError> + Send {
    move |events, wanted| {
        while events.len() < wanted {
            match source.next()? {
                Some(event) => events.push(event),
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// A run under way.
pub(super) struct Steps {
    kernel: Kernel,
    snapshots: Snapshots,
    snapshot_failure: Option<SnapshotError>,
    clock: InputClock,
    run: RunId,
    vantage: Vantage,
    first_sequence: u64,
    /// Where the salts of a live run come from; a simulated run draws none.
    dice: Option<Arc<dyn Host>>,
    writer: Writer<Event>,
    now: Timestamp,
    // Both keep their memory from step to step.
    batch: Batch<Event>,
    decisions: Vec<Decision>,
}

impl Steps {
    pub(super) fn new(
        kernel: Kernel,
        started: &RunStarted,
        origin: Timestamp,
        vantage: Vantage,
        host: Arc<dyn Host>,
        writer: Writer<Event>,
    ) -> Self {
        Self {
            kernel,
            snapshots: Snapshots::after(writer.next_sequence()),
            snapshot_failure: None,
            clock: InputClock::new(origin, &started.config),
            run: started.run,
            vantage,
            dice: (started.mode == Mode::Live).then_some(host),
            first_sequence: writer.next_sequence(),
            writer,
            now: origin,
            batch: Batch::new(),
            decisions: Vec::new(),
        }
    }

    /// Records the whole run, or what of it comes before `watch` breaks.
    pub(super) fn record<S: Source + Send>(
        &mut self,
        started: RunStarted,
        inputs: Vec<InputFile>,
        source: S,
        threads: usize,
        watch: &mut impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, PipelineError> {
        self.start(started, inputs)?;
        let (mut bars, mut defects) = (0, 0);
        let flow = read_ahead(threads, read_events(source), |event| {
            self.step(event)?;
            match event {
                Event::Bar(_) => bars += 1,
                Event::DataDefect(_) => defects += 1,
                _ => {}
            }
            let records = self.writer.next_sequence();
            Ok(watch(&Progress { bars, records, time: self.now }))
        })?;
        if flow.is_continue() {
            self.step(&Event::EndOfData(EndOfData { bars, defects }))?;
        }
        Ok(flow)
    }

    /// Records the start of the run and what it reads.
    pub(super) fn start(
        &mut self,
        started: RunStarted,
        inputs: Vec<InputFile>,
    ) -> Result<(), PipelineError> {
        self.step(&Event::RunStarted(Box::new(started)))?;
        for file in inputs {
            self.step(&Event::InputFile(file))?;
        }
        Ok(())
    }

    /// Returns the world as the run has left it so far.
    pub(super) const fn world(&self) -> &World {
        self.kernel.world()
    }

    /// Returns the simulated time.
    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Closes the ledger and adds up the run.
    pub(super) fn finish(self, stopped: bool) -> Result<Summary, PipelineError> {
        let ends = self.writer.close_with_link()?;
        let run = self.kernel.world().run().ok_or(PipelineError::NotBegun)?;
        let registries = self.kernel.world().registries();
        let first = self.first_sequence;
        let mut summary = Summary::new(run, registries, first, ends, self.now, stopped);
        summary.snapshot_failure = self.snapshot_failure.map(|error| error.to_string());
        Ok(summary)
    }

    /// Takes one input: what follows from it is decided, and both are appended together.
    pub(super) fn step(&mut self, input: &Event) -> Result<(), PipelineError> {
        self.now = self.clock.advance(input);
        let stamp = input_stamp(input, self.run, self.vantage, self.now);
        let sequence = self.writer.next_sequence();
        self.decisions.clear();
        self.kernel.step(sequence, input, self.now, &mut self.decisions)?;
        self.batch.clear();
        let salted = self.salted(input, stamp)?;
        self.batch.push(input, &salted)?;
        let mut distance = NonZeroU32::MIN;
        for decision in &self.decisions {
            let derived = derived_stamp(&stamp, distance, decision.actor);
            let derived = self.salted(&decision.event, derived)?;
            self.batch.push(&decision.event, &derived)?;
            distance = distance.saturating_add(1);
        }
        self.writer.append(&self.batch)?;
        self.keep_snapshot(&stamp, sequence);
        Ok(())
    }

    /// Gives a private record of a live run its blinding salt, drawn as it is appended.
    fn salted(&self, event: &Event, stamp: Stamp) -> Result<Stamp, PipelineError> {
        let Some(dice) = self.dice.as_ref().filter(|_| event.is_private()) else {
            return Ok(stamp);
        };
        let mut salt = [0; 16];
        dice.random(&mut salt).map_err(PipelineError::Random)?;
        Ok(Stamp { salt: Some(salt), ..stamp })
    }

    /// Takes a snapshot where the step ended in a state root and it is time for one. A snapshot
    /// that cannot be written costs time later, and the run nothing.
    fn keep_snapshot(&mut self, input: &Stamp, sequence: u64) {
        let root = self.decisions.last().filter(|last| matches!(last.event, Event::StateRoot(_)));
        let place = sequence + self.decisions.len() as u64;
        if !self.snapshots.is_due(self.batch.bytes(), root.map(|_| place)) {
            return;
        }
        let Some(root) = root else { return };
        let distance = u32::try_from(self.decisions.len()).ok().and_then(NonZeroU32::new);
        let stamp = derived_stamp(input, distance.unwrap_or(NonZeroU32::MIN), root.actor);
        let mut bytes = Vec::new();
        if encode_record(&root.event, &stamp, &mut bytes).is_err() {
            return;
        }
        let record = RecordRef { sequence: place, bytes: &bytes };
        let (files, world) = (self.writer.place(), self.kernel.world());
        let written = self.snapshots.write(files, world, &record, self.now);
        self.snapshot_failure = written.err().or(self.snapshot_failure.take());
    }

    /// Makes durable what was recorded before an error, and returns that error.
    pub(super) fn abandon(self, error: PipelineError) -> PipelineError {
        // A writer that failed refuses to close, and the error already says why.
        drop(self.writer.close());
        error
    }
}
