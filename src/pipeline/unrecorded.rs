//! A run that nobody records: the same decisions, and only figures in the end.
//!
//! Invariants: the kernel sees what it sees in a recorded run, in the same order and under the same
//! sequence numbers, so the figures are those of [`run`](super::run()); no file is written.

use std::ops::ControlFlow;

use super::steps::read_events;
use super::{Job, PipelineError, Progress};
use crate::event::{EndOfData, Event, RunId};
use crate::kernel::{Counters, Decision, InputClock, Kernel, RunState, World, run_started};
use crate::ledger::read_ahead;
use crate::market::Source;
use crate::projections::{AccountSummary, DataQuality, account_summaries};
use crate::time::Timestamp;

/// What a run came to that was not recorded: nothing of it can be verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unrecorded {
    /// The run.
    pub run: RunId,
    /// The records that it would have had, by kind.
    pub counters: Counters,
    /// What is wrong with its data.
    pub quality: DataQuality,
    /// Currency of the headline figures.
    pub account_currency: String,
    /// Every account, sorted by currency.
    pub accounts: Vec<AccountSummary>,
    /// Pairs with an open position.
    pub open_positions: u64,
    /// The simulated time at the end.
    pub time: Timestamp,
    /// True when the run was stopped before the end of its data.
    pub stopped: bool,
}

/// Runs a job without a ledger: for trying out parameters, and to see what recording costs.
///
/// `watch` is called after every step; when it breaks, the run stops there.
///
/// # Errors
/// The source's and the kernel's.
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
/// use schwabot::event::Mode;
/// use schwabot::kernel::{default_config, default_instrument};
/// use schwabot::market::{SyntheticConfig, SyntheticMarket};
/// use schwabot::pipeline::{Job, run_unrecorded};
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
/// let figures = run_unrecorded(job, 1, |_| ControlFlow::Continue(()))?;
/// assert_eq!(figures.counters.bars, 300);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn run_unrecorded<S: Source + Send>(
    job: Job<S>,
    threads: usize,
    watch: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Unrecorded, PipelineError> {
    let (kernel, time, flow) = decide(job, threads, |_, _| (), watch)?;
    let run = kernel.world().run().ok_or(PipelineError::NotBegun)?;
    Ok(Unrecorded::of(run, time, flow.is_break()))
}

impl Unrecorded {
    /// What a run came to, as far as no ledger has a part in it.
    pub(super) fn of(run: &RunState, time: Timestamp, stopped: bool) -> Self {
        let started = run.started();
        let positions = run.portfolio().positions();
        let open = positions.iter().filter(|position| position.side().is_some()).count();
        Self {
            run: started.run,
            counters: *run.counters(),
            quality: DataQuality::of(run),
            account_currency: started.config.account_currency.clone(),
            accounts: account_summaries(run),
            open_positions: open as u64,
            time,
            stopped,
        }
    }
}

/// Lets the kernel answer every input; also tells when that was, and whether `watch` broke.
/// `before` sees each input, and the world that it meets.
pub(super) fn decide<S: Source + Send>(
    job: Job<S>,
    threads: usize,
    mut before: impl FnMut(&Event, &World),
    mut watch: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<(Kernel, Timestamp, ControlFlow<()>), PipelineError> {
    let mut clock = InputClock::new(job.origin, &job.config);
    let started = run_started(job.mode, job.config, job.generator, 0)?;
    let mut kernel = Kernel::start_from(World::default(), &started, &job.strategies)?;
    let mut decisions: Vec<Decision> = Vec::new();
    let mut records = 0;
    let mut step = |input: &Event| {
        let now = clock.advance(input);
        before(input, kernel.world());
        decisions.clear();
        kernel.step(records, input, now, &mut decisions)?;
        records += 1 + decisions.len() as u64;
        Ok::<_, PipelineError>((records, now))
    };
    let (_, mut time) = step(&Event::RunStarted(Box::new(started)))?;
    for file in job.inputs {
        (_, time) = step(&Event::InputFile(file))?;
    }
    let (mut bars, mut defects) = (0, 0);
    let flow = read_ahead(threads, read_events(job.source), |event| {
        let records;
        (records, time) = step(event)?;
        match event {
            Event::Bar(_) => bars += 1,
            Event::DataDefect(_) => defects += 1,
            _ => {}
        }
        Ok(watch(&Progress { bars, records, time }))
    })?;
    if flow.is_continue() {
        (_, time) = step(&Event::EndOfData(EndOfData { bars, defects }))?;
    }
    Ok((kernel, time, flow))
}
