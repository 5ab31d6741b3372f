//! What a run was worth at each moment, watched while its log is folded.
//!
//! An instant is measured once all that it caused is folded: when the next input arrives, or the
//! log ends. Positions count at their pairs' last closes. So a fill at the open of a bar is in the
//! value at the close of that bar.
//!
//! *Buy and hold* is the same opening cash, split evenly over the tradable pairs that are paid in
//! the account's currency, each bought at its first close without costs; what was meant for a pair
//! without a bar stays cash.
//!
//! Invariants: figures come from every instant, drawings from at most some thousand points; a run
//! that begins lets the one before be forgotten.

use super::drawdown::Drawdowns;
use super::returns::{Closes, Period};
use super::statistics::quotient;
use super::thinned::{Merge, Thinned};
use super::trades::{amount, scaled};
use crate::event::{Event, InputFile, RunConfig, VolumeWeightsChanged};
use crate::kernel::{RunState, World};
use crate::time::Timestamp;

/// The most points that are kept of one curve.
pub(super) const POINTS_MAX: usize = 1_200;
/// The most points that are kept of one pair's price, and of the weights.
const PRICE_POINTS_MAX: usize = 600;
const WEIGHT_POINTS_MAX: usize = 300;

/// A stretch of the run, for drawing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    /// Its last instant.
    pub(super) time: Timestamp,
    /// Cash and positions then.
    pub(super) equity: f64,
    /// Buy and hold then.
    pub(super) hold: Option<f64>,
    /// The deepest fall within it.
    pub(super) depth: f64,
    /// The largest share of equity in positions within it.
    pub(super) exposure: f64,
}

impl Merge for Sample {
    fn merge(&mut self, next: &Self) {
        let (depth, exposure) = (self.depth.max(next.depth), self.exposure.max(next.exposure));
        *self = Self { depth, exposure, ..next.clone() };
    }
}

/// A stretch of a pair's prices.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PricePoint {
    pub(super) time: Timestamp,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) close: f64,
}

impl Merge for PricePoint {
    fn merge(&mut self, next: &Self) {
        let (low, high) = (self.low.min(next.low), self.high.max(next.high));
        *self = Self { low, high, ..next.clone() };
    }
}

/// All allocation weights after a change.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WeightPoint {
    pub(super) time: Timestamp,
    pub(super) weights: Vec<f64>,
}

impl Merge for WeightPoint {
    fn merge(&mut self, next: &Self) {
        *self = next.clone();
    }
}

/// Buy and hold of one pair.
#[derive(Clone, Debug)]
struct Held {
    cash: f64,
    units: Option<f64>,
}

/// The newest run of a log, measured.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    pub(super) currency: String,
    pub(super) opening: f64,
    pub(super) began: Timestamp,
    pub(super) first_bar: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    pub(super) instants: u64,
    pub(super) equity: f64,
    pub(super) peak: f64,
    pub(super) lowest: f64,
    pub(super) days: Closes,
    pub(super) hours: Closes,
    pub(super) held_days: Option<Closes>,
    pub(super) held_hours: Option<Closes>,
    pub(super) falls: Drawdowns,
    pub(super) samples: Thinned<Sample>,
    pub(super) prices: Vec<Thinned<PricePoint>>,
    pub(super) weights: Thinned<WeightPoint>,
    pub(super) files: Vec<InputFile>,
    /// Seconds with a position, and seconds times share of equity in positions.
    pub(super) seconds_held: f64,
    pub(super) share_seconds: f64,
    pub(super) exposure_max: f64,
    /// Instants whose equity does not fit its exact type, and were left out.
    pub(super) unmeasured: u64,
    exposure: f64,
    held: Vec<Option<Held>>,
    due: Option<Timestamp>,
}

impl Curve {
    fn begin(config: &RunConfig, began: Timestamp) -> Self {
        let currency = config.account_currency.clone();
        let balance = config.balances.iter().find(|known| known.currency == currency);
        let opening = balance.map_or(0.0, |balance| scaled(balance.amount.raw()));
        let tradable: Vec<bool> = config
            .instruments
            .iter()
            .map(|known| known.tradable && known.quote == currency)
            .collect();
        let pairs = tradable.iter().filter(|held| **held).count();
        let each = quotient(opening, pairs as f64).unwrap_or(0.0);
        let held = tradable.iter().map(|held| held.then_some(Held { cash: each, units: None }));
        let closes = |period| Closes::new(period, opening);
        let benchmark = |period| (pairs > 0).then(|| closes(period));
        Self {
            currency,
            opening,
            began,
            first_bar: None,
            last: None,
            instants: 0,
            equity: opening,
            peak: opening,
            lowest: opening,
            days: closes(Period::Day),
            hours: closes(Period::Hour),
            held_days: benchmark(Period::Day),
            held_hours: benchmark(Period::Hour),
            falls: Drawdowns::default(),
            samples: Thinned::new(POINTS_MAX),
            prices: vec![Thinned::new(PRICE_POINTS_MAX); config.instruments.len()],
            weights: Thinned::new(WEIGHT_POINTS_MAX),
            files: Vec::new(),
            seconds_held: 0.0,
            share_seconds: 0.0,
            exposure_max: 0.0,
            unmeasured: 0,
            exposure: 0.0,
            held: held.collect(),
            due: None,
        }
    }

    /// Returns equity and buy and hold at the ends of periods of this length.
    pub(super) const fn closes(&self, period: Period) -> (&Closes, Option<&Closes>) {
        match period {
            Period::Day => (&self.days, self.held_days.as_ref()),
            Period::Hour => (&self.hours, self.held_hours.as_ref()),
        }
    }

    fn take(&mut self, event: &Event, time: Timestamp) {
        match event {
            Event::InputFile(file) => self.files.push(file.clone()),
            Event::Bar(bar) => {
                let point = PricePoint {
                    time,
                    low: scaled(bar.low.raw()),
                    high: scaled(bar.high.raw()),
                    close: scaled(bar.close.raw()),
                };
                if let Some(row) = self.prices.get_mut(usize::from(bar.pair.0)) {
                    row.push(point);
                }
                self.first_bar = self.first_bar.or(Some(bar.open_time));
                if bar.last_of_instant {
                    self.due = Some(time);
                }
            }
            Event::VolumeWeightsChanged(changed) => self.take_weights(changed, time),
            _ => {}
        }
    }

    fn take_weights(&mut self, changed: &VolumeWeightsChanged, time: Timestamp) {
        let weights = changed.weights.iter().map(|weight| weight.raw() as f64 / 1e9).collect();
        self.weights.push(WeightPoint { time, weights });
    }

    /// Measures the instant that is over, if one is.
    fn measure(&mut self, run: &RunState) {
        let Some(time) = self.due.take() else { return };
        let Some(equity) = run.equity(&self.currency).map(amount) else {
            self.unmeasured += 1;
            return;
        };
        let start = self.last.or(self.first_bar).unwrap_or(time);
        let seconds = time.nanos().saturating_sub(start.nanos()).max(0) as f64 / 1e9;
        if self.exposure > 0.0 {
            self.seconds_held += seconds;
            self.share_seconds += seconds * self.exposure;
        }
        if self.instants == 0 {
            self.falls.push(self.first_bar.unwrap_or(time), self.opening);
        }
        self.instants += 1;
        self.last = Some(time);
        self.equity = equity;
        (self.peak, self.lowest) = (self.peak.max(equity), self.lowest.min(equity));
        self.falls.push(time, equity);
        self.days.push(time, equity);
        self.hours.push(time, equity);
        self.exposure = self.exposed(run, equity);
        self.exposure_max = self.exposure_max.max(self.exposure);
        let hold = self.hold(run);
        for (row, value) in [&mut self.held_days, &mut self.held_hours].into_iter().zip([hold; 2]) {
            if let (Some(row), Some(value)) = (row, value) {
                row.push(time, value);
            }
        }
        let (depth, exposure) = (self.falls.now(), self.exposure);
        self.samples.push(Sample { time, equity, hold, depth, exposure });
    }

    /// The size of all positions in the account's currency, as a share of equity.
    fn exposed(&self, run: &RunState, equity: f64) -> f64 {
        let instruments = &run.started().config.instruments;
        let places = run.portfolio().positions().iter().zip(run.pairs()).zip(instruments);
        let sizes = places
            .filter(|((position, _), known)| {
                !position.lots.is_empty() && known.quote == self.currency
            })
            .filter_map(|((position, pair), _)| {
                let mark = pair.last?.close;
                Some((scaled(position.quantity.raw()) * scaled(mark.raw())).abs())
            });
        let size = sizes.fold(0.0, |sum, size| sum + size);
        quotient(size, equity).filter(|_| equity > 0.0).unwrap_or(0.0)
    }

    fn hold(&mut self, run: &RunState) -> Option<f64> {
        let mut value = None;
        for (held, pair) in self.held.iter_mut().zip(run.pairs()) {
            let Some(held) = held else { continue };
            let mark = pair.last.map(|last| scaled(last.close.raw()));
            if let (None, Some(mark)) = (held.units, mark) {
                held.units = quotient(held.cash, mark);
            }
            let worth = held.units.zip(mark).map_or(held.cash, |(units, mark)| units * mark);
            value = Some(value.unwrap_or(0.0) + worth);
        }
        value
    }
}

/// Watches a fold and measures its newest run.
#[derive(Default)]
pub(super) struct Watcher {
    curve: Option<Curve>,
}

impl Watcher {
    /// Sees an event before it is folded into the world.
    pub(super) fn see(&mut self, world: &World, event: &Event, time: Timestamp) {
        if event.class() == crate::event::Class::Input
            && let (Some(curve), Some(run)) = (&mut self.curve, world.run())
        {
            curve.measure(run);
        }
        if let Event::RunStarted(started) = event {
            self.curve = Some(Curve::begin(&started.config, time));
        } else if let Some(curve) = &mut self.curve {
            curve.take(event, time);
        }
    }

    /// Measures the last instant.
    pub(super) fn finish(self, world: &World) -> Option<Curve> {
        let mut curve = self.curve?;
        curve.measure(world.run()?);
        Some(curve)
    }
}
