//! Everything a log says, folded into one value.
//!
//! [`World::evolve`] is the same function in a live run, in a backtest and in replay. It takes
//! events one by one in the order of the log. It never fails, decides nothing and never panics,
//! whatever the log holds: what does not fit is a [`Finding`](super::Finding), and the world goes
//! on without it.
//!
//! A new run starts flat with fresh cash, prices and orders; registries accumulate over all runs.

use super::finding::{FindingKind, Findings};
use super::run::RunState;
use super::view::RunView;
use crate::event::{Event, RunStarted, TradeClosed};
use crate::registries::{Inserted, TradeRegistry};
use crate::strategies::View;
use crate::time::Timestamp;

/// The state that a log amounts to.
///
/// # Examples
/// ```
/// use schwabot::event::{EndOfData, Event};
/// use schwabot::kernel::World;
/// use schwabot::time::Timestamp;
///
/// let mut world = World::default();
/// // An end without a beginning: nothing breaks, and it does not go unnoticed.
/// let event = Event::EndOfData(EndOfData { bars: 1, defects: 0 });
/// world.evolve(&event, 0, Timestamp::from_nanos(0));
/// assert_eq!(world.findings().kept()[0].to_string(), "record 0: `end_of_data` outside any run");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct World {
    run: Option<RunState>,
    runs: u64,
    unfinished_runs: u64,
    events: u64,
    trades: TradeRegistry,
    findings: Findings,
}

impl World {
    /// Folds one event, which stands at `sequence` and bears event time `time`.
    pub fn evolve(&mut self, event: &Event, sequence: u64, time: Timestamp) {
        self.events += 1;
        let folded = match event {
            Event::RunStarted(started) => self.begin(started, sequence, time),
            // Which files a run reads is a matter of record; nothing may follow from it.
            Event::InputFile(_) => Ok(()),
            Event::TradeClosed(trade) => self.fold_trade(trade, sequence, time),
            _ => self.fold_in_run(event, sequence),
        };
        if let Err(kind) = folded {
            self.findings.note(sequence, kind);
        }
    }

    fn begin(
        &mut self,
        started: &RunStarted,
        sequence: u64,
        time: Timestamp,
    ) -> Result<(), FindingKind> {
        // No contradiction: a run that was cut off (a crash, a kill) stays as it was left.
        self.unfinished_runs += u64::from(self.run.as_ref().is_some_and(|run| !run.ended()));
        // Taken away first: after a configuration that is not sound, no run is under way.
        self.run = None;
        self.runs += 1;
        self.run = Some(RunState::begin(started, sequence, time)?);
        Ok(())
    }

    fn fold_in_run(&mut self, event: &Event, sequence: u64) -> Result<(), FindingKind> {
        let outside = FindingKind::OutsideRun { event: event.name() };
        let run = self.run.as_mut().filter(|run| !run.ended()).ok_or(outside)?;
        // The trades of a fill follow it at once.
        let missing = run.forgive_owed();
        if missing > 0 {
            self.findings.note(sequence, FindingKind::TradeMissing { missing });
        }
        match event {
            Event::Bar(bar) => run.fold_bar(bar),
            Event::DataDefect(defect) => run.fold_defect(defect.pair),
            Event::SignalFired(signal) => run.fold_signal(signal),
            Event::OrderPlaced(order) => run.fold_placed(order),
            Event::OrderRefused(refused) => run.fold_refused(refused.pair),
            Event::OrderFilled(fill) => run.fold_filled(fill),
            Event::OrderRejected(rejected) => run.fold_rejected(rejected.pair, rejected.order),
            Event::OrderExpired(expired) => run.fold_expired(expired.pair, expired.order),
            Event::RunEnded(ended) => run.fold_ended(ended),
            // The first three were folded by `evolve`; the end of the data changes nothing by
            // itself.
            Event::RunStarted(_)
            | Event::InputFile(_)
            | Event::TradeClosed(_)
            | Event::EndOfData(_) => Ok(()),
            _ => Ok(()),
        }
    }

    fn fold_trade(
        &mut self,
        trade: &TradeClosed,
        sequence: u64,
        time: Timestamp,
    ) -> Result<(), FindingKind> {
        let outside = FindingKind::OutsideRun { event: "trade_closed" };
        let run = self.run.as_mut().filter(|run| !run.ended()).ok_or(outside)?;
        if let Err(kind) = run.fold_trade(trade, time) {
            self.findings.note(sequence, kind);
        }
        // The registry takes what the log says, sound or not: the finding stands beside it.
        match self.trades.insert(trade, sequence) {
            Ok(Inserted::New(_) | Inserted::Known(_)) => Ok(()),
            Err(error) => Err(FindingKind::Registry { problem: error.to_string() }),
        }
    }

    /// Returns the run under way, or the last one.
    #[must_use]
    pub const fn run(&self) -> Option<&RunState> {
        self.run.as_ref()
    }

    /// Returns how many runs began.
    #[must_use]
    pub const fn runs(&self) -> u64 {
        self.runs
    }

    /// Returns how many runs were followed by another before their end.
    #[must_use]
    pub const fn unfinished_runs(&self) -> u64 {
        self.unfinished_runs
    }

    /// Returns how many events were folded.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Returns the closed trades of all runs.
    #[must_use]
    pub const fn trades(&self) -> &TradeRegistry {
        &self.trades
    }

    /// Returns what does not fit in the log.
    #[must_use]
    pub const fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Returns the world as a strategy sees it; none before the first run.
    #[must_use]
    pub fn view(&self) -> Option<impl View + '_> {
        self.run.as_ref().map(|run| RunView { run, trades: &self.trades })
    }
}
