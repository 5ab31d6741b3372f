//! The one loop of every run: observe, decide, append, evolve.
//!
//! [`run`] takes inputs from a [`Source`] one by one, lets the kernel answer, and appends the input
//! with everything that follows from it as one step, so that no crash ever leaves half a decision.
//! The mode is a field of the run: demo and backtest differ in nothing but their source.
//!
//! Invariants: nothing enters a record but the configuration and the inputs (no path, no name, no
//! wall clock, no thread); each derived record names the input of its step as its cause; after an
//! error everything recorded before it is durable, and the run has no `run_ended`.

mod ahead;
mod error;
mod run_file;
mod settings;
mod summary;

pub use ahead::usual_threads;
pub use error::PipelineError;
pub use run_file::{RunFile, RunFileError, file_format, fill_model, sync_mode};
pub use settings::{InstrumentSettings, RunSettings, SettingsError, VenueSettings, market_config};
pub use summary::Summary;

use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::path::Path;

use crate::event::{
    EndOfData, Event, Generator, InputFile, Mode, RunConfig, RunId, RunStarted, Vantage,
};
use crate::kernel::{
    Decision, InputClock, Kernel, KernelError, World, check_config, derived_stamp, input_stamp,
    run_started,
};
use crate::ledger::disk::Disk;
use crate::ledger::layout::Layout;
use crate::ledger::{Batch, LedgerError, Reader, Writer, WriterOptions};
use crate::market::Source;
use crate::projections::{self, DataQuality, UpTo};
use crate::strategies;
use crate::time::Timestamp;

/// What is run: a configuration, and the inputs it meets.
pub struct Job<S> {
    /// How the run meets the world.
    pub mode: Mode,
    /// The complete configuration.
    pub config: RunConfig,
    /// The seeded market, where there is one.
    pub generator: Option<Generator>,
    /// Where the simulated clock starts; see [`InputClock`].
    pub origin: Timestamp,
    /// The files behind the source.
    pub inputs: Vec<InputFile>,
    /// Bars and defects.
    pub source: S,
}

/// How a run is recorded; none of it enters a record.
#[derive(Clone, Default)]
pub struct RunOptions {
    /// How the ledger is written.
    pub writer: WriterOptions,
    /// Whether the ledger may already hold events.
    pub append: bool,
    /// Threads to use: with more than one, the source is read ahead on a thread of its own.
    pub threads: usize,
}

/// How far a run is, for whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bars so far.
    pub bars: u64,
    /// Records so far.
    pub records: u64,
    /// The simulated time.
    pub time: Timestamp,
}

/// Runs a job into the ledger at `path`.
///
/// `watch` is called after every step; when it breaks, the run stops there and the ledger is
/// closed as it is.
///
/// # Errors
/// [`PipelineError`]. A configuration that is not sound, or a ledger that holds events while
/// `append` is off, is refused before anything is written.
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
/// use schwabot::event::Mode;
/// use schwabot::kernel::{default_config, default_instrument};
/// use schwabot::market::{SyntheticConfig, SyntheticMarket};
/// use schwabot::pipeline::{Job, RunOptions, run};
/// use schwabot::strategies;
///
/// let market = SyntheticConfig { bars: 100, ..SyntheticConfig::default() };
/// let source = SyntheticMarket::new(market.clone())?;
/// let instruments = source.pairs().iter()
///     .map(|pair| default_instrument(pair.symbol.base(), pair.symbol.quote(), pair.interval))
///     .collect();
/// let job = Job {
///     mode: Mode::Demo,
///     config: default_config(strategies::canonical("sma-cross", &[])?, instruments),
///     generator: Some(source.generator()),
///     origin: market.start,
///     inputs: vec![],
///     source,
/// };
/// # let folder = tempfile::tempdir()?;
/// let ledger = folder.path().join("ledger");
/// let summary = run(&ledger, job, &RunOptions::default(), |_| ControlFlow::Continue(()))?;
/// assert_eq!(summary.counters.bars, 300);
/// assert_eq!(summary.head.size, summary.records);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn run<S: Source + Send>(
    path: &Path,
    job: Job<S>,
    options: &RunOptions,
    mut watch: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Summary, PipelineError> {
    check_config(&job.config).map_err(KernelError::from)?;
    // Built once to be refused early, before the ledger is touched.
    drop(strategies::build(&job.config.strategy, &job.config).map_err(KernelError::from)?);
    if !options.append {
        refuse_events(path, &*options.writer.disk)?;
    }
    let mut writer: Writer<Event> = Writer::open(path, &options.writer)?;
    let world = past_of(path, &mut writer, options.append)?;
    let first_sequence = writer.next_sequence();
    let started = run_started(job.mode, job.config, job.generator, first_sequence)?;
    let mut steps = Steps::new(world, &started, job.origin, job.source.vantage(), writer)?;
    let recorded = steps.record(started, job.inputs, job.source, options.threads, &mut watch);
    let stopped = match recorded {
        Ok(flow) => flow.is_break(),
        Err(error) => return Err(steps.abandon(error)),
    };
    let time = steps.now;
    let Steps { kernel, quality, writer, .. } = steps;
    let ends = writer.close_with_link()?;
    let run = kernel.world().run().ok_or(PipelineError::NotBegun)?;
    Ok(Summary::new(run, quality, first_sequence, ends, time, stopped))
}

/// Looks without opening for writing, because that would already add a segment.
fn refuse_events(path: &Path, disk: &dyn Disk) -> Result<(), PipelineError> {
    // A ledger that is being written is refused at once, without reading after its writer.
    let lock = Layout::new(path).lock();
    if disk.is_locked(&lock).unwrap_or(false) {
        return Err(LedgerError::Locked { path: path.to_owned() }.into());
    }
    match Reader::<Event>::open(path) {
        Ok(reader) if reader.is_empty() => Ok(()),
        Ok(reader) => {
            Err(PipelineError::HoldsEvents { path: path.to_owned(), records: reader.len() })
        }
        Err(LedgerError::NotALedger { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Folds what the ledger holds already. The lock is held by now, so nothing more can come.
fn past_of(path: &Path, writer: &mut Writer<Event>, append: bool) -> Result<World, PipelineError> {
    let records = writer.next_sequence();
    if records == 0 {
        return Ok(World::default());
    }
    let folded = projections::fold(&Reader::open(path)?, UpTo::End)?;
    if folded.world.events() > 0 && !append {
        return Err(PipelineError::HoldsEvents { path: path.to_owned(), records });
    }
    Ok(folded.world)
}

/// A run under way.
struct Steps {
    kernel: Kernel,
    quality: DataQuality,
    clock: InputClock,
    run: RunId,
    vantage: Vantage,
    writer: Writer<Event>,
    now: Timestamp,
    // Both keep their memory from step to step.
    batch: Batch<Event>,
    decisions: Vec<Decision>,
}

impl Steps {
    fn new(
        world: World,
        started: &RunStarted,
        origin: Timestamp,
        vantage: Vantage,
        writer: Writer<Event>,
    ) -> Result<Self, PipelineError> {
        Ok(Self {
            kernel: Kernel::start(world, started)?,
            quality: DataQuality::default(),
            clock: InputClock::new(origin, &started.config),
            run: started.run,
            vantage,
            writer,
            now: origin,
            batch: Batch::new(),
            decisions: Vec::new(),
        })
    }

    /// Records the whole run, or what of it comes before `watch` breaks.
    fn record<S: Source + Send>(
        &mut self,
        started: RunStarted,
        inputs: Vec<InputFile>,
        source: S,
        threads: usize,
        watch: &mut impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, PipelineError> {
        self.step(&Event::RunStarted(Box::new(started)))?;
        for file in inputs {
            self.step(&Event::InputFile(file))?;
        }
        let (mut bars, mut defects) = (0, 0);
        let flow = ahead::for_each(source, threads, |event| {
            self.step(&event)?;
            match event {
                Event::Bar(_) => bars += 1,
                _ => defects += 1,
            }
            let records = self.writer.next_sequence();
            Ok::<_, PipelineError>(watch(&Progress { bars, records, time: self.now }))
        })?;
        if flow.is_continue() {
            self.step(&Event::EndOfData(EndOfData { bars, defects }))?;
        }
        Ok(flow)
    }

    /// Takes one input: what follows from it is decided, and both are appended together.
    fn step(&mut self, input: &Event) -> Result<(), PipelineError> {
        self.now = self.clock.advance(input);
        let stamp = input_stamp(input, self.run, self.vantage, self.now);
        let sequence = self.writer.next_sequence();
        self.decisions.clear();
        self.kernel.step(sequence, input, self.now, &mut self.decisions)?;
        self.quality.evolve(input);
        self.batch.clear();
        self.batch.push(input, &stamp)?;
        let mut distance = NonZeroU32::MIN;
        for decision in &self.decisions {
            let derived = derived_stamp(&stamp, distance, decision.actor);
            self.batch.push(&decision.event, &derived)?;
            distance = distance.saturating_add(1);
        }
        self.writer.append(&self.batch)?;
        Ok(())
    }

    /// Makes durable what was recorded before an error, and returns that error.
    fn abandon(self, error: PipelineError) -> PipelineError {
        // A writer that failed refuses to close, and the error already says why.
        drop(self.writer.close());
        error
    }
}
