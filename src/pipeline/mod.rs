//! The one loop of every run: observe, decide, append, evolve.
//!
//! [`run`] takes inputs from a [`Source`] one by one, lets the kernel answer, and appends the input
//! with everything that follows from it as one step, so that no crash ever leaves half a decision.
//! The mode is a field of the run: demo and backtest differ in nothing but their source.
//!
//! Invariants: nothing enters a record but the configuration and the inputs (no path, no name, no
//! wall clock, no thread, and no chance but the salts of a live run); each derived record names the
//! input of its step as its cause; after an error everything recorded before it is durable, and the
//! run has no `run_ended`.

mod error;
mod permutations;
mod run_file;
mod settings;
mod steps;
mod summary;
mod sweep;
mod trading;
mod unrecorded;

pub use crate::ledger::usual_threads;
pub use error::PipelineError;
pub use permutations::{PermutationOutcome, run_permutations};
pub use run_file::{RunFile, RunFileError, file_format, fill_model, sync_mode};
pub use settings::{InstrumentSettings, RunSettings, SettingsError, VenueSettings, market_config};
pub use summary::{EngineReports, Summary};
pub use sweep::{Axis, Grid, Plan, Sweep, SweepError, TRIALS_MAX, Trial, TrialResult, run_sweep};
pub use trading::{BacktestResult, CycleResult, TradingPipeline};
pub use unrecorded::{Unrecorded, run_unrecorded};

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crate::event::{Event, Generator, InputFile, Mode, RunConfig, RunStarted};
use crate::kernel::{Kernel, KernelError, World, check_config, run_started};
use crate::ledger::disk::Disk;
use crate::ledger::layout::Layout;
use crate::ledger::{LedgerError, Reader, Writer, WriterOptions};
use crate::market::Source;
use crate::projections::{self, UpTo};
use crate::strategies::Catalogue;
use crate::time::Timestamp;

use steps::Steps;

/// What is run: a configuration, and the inputs it meets.
pub struct Job<S> {
    /// How the run meets the world.
    pub mode: Mode,
    /// The complete configuration.
    pub config: RunConfig,
    /// The seeded market, where there is one.
    pub generator: Option<Generator>,
    /// Where the simulated clock starts; see [`InputClock`](crate::kernel::InputClock).
    pub origin: Timestamp,
    /// The files behind the source.
    pub inputs: Vec<InputFile>,
    /// Bars and defects.
    pub source: S,
    /// Where the strategy is looked up by its name.
    pub strategies: Catalogue,
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
/// use schwabot::strategies::{self, Catalogue};
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
///     strategies: Catalogue::default(),
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
    let (mut steps, started) = begin(path, &job, options)?;
    let recorded = steps.record(started, job.inputs, job.source, options.threads, &mut watch);
    match recorded {
        Ok(flow) => steps.finish(flow.is_break()),
        Err(error) => Err(steps.abandon(error)),
    }
}

/// Opens the ledger and makes the run's first event; nothing of the run is recorded yet.
fn begin<S: Source>(
    path: &Path,
    job: &Job<S>,
    options: &RunOptions,
) -> Result<(Steps, RunStarted), PipelineError> {
    check_config(&job.config).map_err(KernelError::from)?;
    // Before the ledger is touched, so that what is not known is refused early.
    let strategy =
        job.strategies.build(&job.config.strategy, &job.config).map_err(KernelError::from)?;
    if !options.append {
        refuse_events(path, &options.writer.disk)?;
    }
    let writer: Writer<Event> = Writer::open(path, &options.writer)?;
    let world = past_of(path, &writer, options)?;
    let (config, generator) = (job.config.clone(), job.generator.clone());
    let started = run_started(job.mode, config, generator, writer.next_sequence())?;
    let (vantage, host) = (job.source.vantage(), Arc::clone(&options.writer.host));
    let kernel = Kernel::start_with(world, &started, strategy)?;
    Ok((Steps::new(kernel, &started, job.origin, vantage, host, writer), started))
}

/// Looks without opening for writing, because that would already add a segment.
fn refuse_events(path: &Path, disk: &Arc<dyn Disk>) -> Result<(), PipelineError> {
    // A ledger that is being written is refused at once, without reading after its writer.
    let lock = Layout::new(path).lock();
    if disk.is_locked(&lock).unwrap_or(false) {
        return Err(LedgerError::Locked { path: path.to_owned() }.into());
    }
    match Reader::<Event>::open_on(Arc::clone(disk), path) {
        Ok(reader) if reader.is_empty() => Ok(()),
        Ok(reader) => {
            Err(PipelineError::HoldsEvents { path: path.to_owned(), records: reader.len() })
        }
        Err(LedgerError::NotALedger { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Folds what the ledger holds already. The lock is held by now, so nothing more can come.
fn past_of(
    path: &Path,
    writer: &Writer<Event>,
    options: &RunOptions,
) -> Result<World, PipelineError> {
    let records = writer.next_sequence();
    if records == 0 {
        return Ok(World::default());
    }
    let reader = Reader::open_on(Arc::clone(&options.writer.disk), path)?;
    let folded = projections::fold(&reader, UpTo::End)?;
    if folded.world.events() > 0 && !options.append {
        return Err(PipelineError::HoldsEvents { path: path.to_owned(), records });
    }
    Ok(folded.world)
}
