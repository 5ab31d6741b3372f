//! The pipeline cycle by cycle: for programs that drive it themselves.
//!
//! A cycle is a stretch of simulated time: the inputs of at least one instant are observed, decided
//! upon and recorded, and the answer says what came of it. Nothing waits: a cycle takes as long as
//! the machine needs for it, and the same source gives the same cycles.

use std::path::Path;

use serde::Serialize;

use super::steps::Steps;
use super::{Job, PipelineError, RunOptions, Summary, begin};
use crate::event::{Bar, EndOfData, Event};
use crate::kernel::World;
use crate::market::Source;
use crate::registries::{Analytics, Consistency, Statistics};
use crate::time::{Span, Timestamp};
use crate::units::{MoneyExact, Ratio};

/// What one cycle came to. Money is in the account currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CycleResult {
    /// Number of the cycle, from 1.
    pub cycle: u64,
    /// The simulated time at its end.
    pub time: Timestamp,
    /// The bars that were seen in it.
    pub bars: Vec<Bar>,
    /// Detectors that fired in it.
    pub signals: u64,
    /// Trades that were closed in it.
    pub trades: u64,
    /// Cash and positions at the last closes.
    pub equity: Option<MoneyExact>,
    /// Trades of the run so far.
    pub total_trades: u64,
    /// Those with a net profit above zero.
    pub successful_trades: u64,
    /// Net profit of the trades so far.
    pub total_net: MoneyExact,
    /// Share of successful trades; none without a trade.
    pub success_rate: Option<Ratio>,
}

/// What a run of cycles came to. Money is in the account currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BacktestResult {
    /// Simulated time that was asked for.
    pub duration: Span,
    /// Cycles that were run.
    pub cycles_completed: u64,
    /// Cash and positions at the last closes.
    pub final_equity: Option<MoneyExact>,
    /// Trades that were closed.
    pub total_trades: u64,
    /// Net profit of these trades.
    pub total_net: MoneyExact,
    /// Share of successful trades; none without a trade.
    pub success_rate: Option<Ratio>,
    /// What the registries hold.
    pub statistics: Statistics,
}

/// A run that its caller drives.
///
/// # Examples
/// ```
/// use schwabot::event::Mode;
/// use schwabot::kernel::{default_config, default_instrument};
/// use schwabot::market::{SyntheticConfig, SyntheticMarket};
/// use schwabot::pipeline::{Job, RunOptions, TradingPipeline};
/// use schwabot::strategies::{self, Catalogue};
/// use schwabot::time::Span;
///
/// // Half a second a bar; 10 seconds of it are 20 cycles, whatever the clock on the wall says.
/// let interval = Span::from_nanos(500_000_000);
/// let market = SyntheticConfig { interval, bars: 100, ..SyntheticConfig::default() };
/// let source = SyntheticMarket::new(market.clone())?;
/// let instruments = source.pairs().iter()
///     .map(|pair| default_instrument(pair.symbol.base(), pair.symbol.quote(), pair.interval))
///     .collect();
/// let job = Job {
///     mode: Mode::Backtest,
///     config: default_config(strategies::canonical("schwabot", &[])?, instruments),
///     generator: Some(source.generator()),
///     origin: market.start,
///     inputs: vec![],
///     source,
///     strategies: Catalogue::default(),
/// };
/// # let folder = tempfile::tempdir()?;
/// let ledger = folder.path().join("ledger");
/// let mut pipeline = TradingPipeline::open(&ledger, job, &RunOptions::default())?;
/// let result = pipeline.run_backtest("10s".parse()?, interval)?;
/// assert_eq!(result.cycles_completed, 20);
/// let summary = pipeline.finish()?;
/// assert_eq!(summary.counters.bars, 60);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TradingPipeline<S> {
    steps: Steps,
    source: S,
    cycles: u64,
    bars: u64,
    defects: u64,
    /// Where the next cycle begins.
    reached: Timestamp,
    /// The source has nothing more.
    over: bool,
}

impl<S: Source> TradingPipeline<S> {
    /// Opens the ledger at `path` and records the start of the run.
    ///
    /// # Errors
    /// As [`run`](super::run()).
    pub fn open(path: &Path, job: Job<S>, options: &RunOptions) -> Result<Self, PipelineError> {
        let (mut steps, started) = begin(path, &job, options)?;
        let Job { inputs, source, origin, .. } = job;
        if let Err(error) = steps.start(started, inputs) {
            return Err(steps.abandon(error));
        }
        Ok(Self { steps, source, cycles: 0, bars: 0, defects: 0, reached: origin, over: false })
    }

    /// Runs one cycle: every instant until the simulated clock has moved on by `interval`, and at
    /// least one. None when the source has nothing more.
    ///
    /// # Errors
    /// The source's, the kernel's or the ledger's; the run cannot go on then.
    pub fn run_cycle(&mut self, interval: Span) -> Result<Option<CycleResult>, PipelineError> {
        let end = self.reached.plus(interval).unwrap_or(Timestamp::from_nanos(i64::MAX));
        let before = self.figures();
        let mut bars = Vec::new();
        while !self.over {
            let Some(event) = self.source.next()? else {
                self.over = true;
                break;
            };
            self.steps.step(&event)?;
            match event {
                Event::Bar(bar) => {
                    self.bars += 1;
                    let last = bar.last_of_instant;
                    bars.push(bar);
                    if last && self.steps.now() >= end {
                        break;
                    }
                }
                Event::DataDefect(_) => self.defects += 1,
                _ => {}
            }
        }
        if bars.is_empty() {
            return Ok(None);
        }
        self.cycles += 1;
        self.reached = self.steps.now();
        let after = self.figures();
        Ok(Some(CycleResult {
            cycle: self.cycles,
            time: self.steps.now(),
            bars,
            signals: after.signals - before.signals,
            trades: after.trades - before.trades,
            equity: after.equity,
            total_trades: after.trades,
            successful_trades: after.successful,
            total_net: after.net,
            success_rate: Ratio::of_counts(after.successful, after.trades),
        }))
    }

    /// Runs cycles of `interval` until `duration` of simulated time is over, or the source is.
    ///
    /// # Errors
    /// As [`run_cycle`](Self::run_cycle).
    pub fn run_backtest(
        &mut self,
        duration: Span,
        interval: Span,
    ) -> Result<BacktestResult, PipelineError> {
        let end = self.reached.plus(duration).unwrap_or(Timestamp::from_nanos(i64::MAX));
        let before = self.figures();
        let mut cycles_completed = 0;
        while self.reached < end && self.run_cycle(interval)?.is_some() {
            cycles_completed += 1;
        }
        let after = self.figures();
        let trades = after.trades - before.trades;
        Ok(BacktestResult {
            duration,
            cycles_completed,
            final_equity: after.equity,
            total_trades: trades,
            // Both sums fit, so their difference does.
            total_net: after.net.minus(before.net).unwrap_or(MoneyExact::ZERO),
            success_rate: Ratio::of_counts(after.successful - before.successful, trades),
            statistics: self.world().registries().statistics(),
        })
    }

    /// Returns the world as the run has left it so far.
    #[must_use]
    pub const fn world(&self) -> &World {
        self.steps.world()
    }

    /// Returns what the registries say of performance.
    #[must_use]
    pub fn performance_analytics(&self) -> Analytics {
        self.world().registries().analytics()
    }

    /// Returns what does not fit together in the registries.
    #[must_use]
    pub fn validate_registry_consistency(&self) -> Consistency {
        self.world().registries().consistency()
    }

    /// Ends the run and closes the ledger.
    ///
    /// # Errors
    /// The ledger's.
    pub fn finish(mut self) -> Result<Summary, PipelineError> {
        let (bars, defects) = (self.bars, self.defects);
        match self.steps.step(&Event::EndOfData(EndOfData { bars, defects })) {
            Ok(()) => self.steps.finish(false),
            Err(error) => Err(self.steps.abandon(error)),
        }
    }

    fn figures(&self) -> Figures {
        let Some(run) = self.world().run() else { return Figures::default() };
        let currency = &run.started().config.account_currency;
        let account = run.portfolio().account(currency);
        Figures {
            signals: run.counters().signals,
            trades: account.map_or(0, |account| account.trades),
            successful: account.map_or(0, |account| account.successes),
            net: account.map_or(MoneyExact::ZERO, |account| account.net),
            equity: run.equity(currency),
        }
    }
}

/// The run so far, in the account currency.
#[derive(Default)]
struct Figures {
    signals: u64,
    trades: u64,
    successful: u64,
    net: MoneyExact,
    equity: Option<MoneyExact>,
}
