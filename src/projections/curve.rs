//! The equity of a run at the ends of equal periods, in exact figures.
//!
//! A period is a stretch of so many nanoseconds since 1970; what is known at its very end belongs
//! to it. A point is taken before the first bar of a later period is folded, and at the end: so it
//! shows the world after the last whole step of its period, and nothing that came later. A period
//! without a bar has no point.
//!
//! Invariants: the same points whether a run is sampled while it goes or folded from its ledger.

use crate::event::{Event, Instrument, RunStarted};
use crate::kernel::{RunState, World};
use crate::ledger::{Entry, LedgerError, Reader, decode};
use crate::time::{Span, Timestamp};
use crate::units::{MoneyExact, Price, Ratio};

/// What a run amounted to at the end of a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurvePoint {
    /// Number of the period since 1970.
    pub period: i64,
    /// Cash and positions at the last closes, in the account currency; none where it does not fit.
    pub equity: Option<MoneyExact>,
    /// Cash in the account currency.
    pub cash: MoneyExact,
    /// The last close of each pair of [`EquityCurve::pairs`].
    pub closes: Vec<Option<Price>>,
}

/// A run as a row of points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EquityCurve {
    /// Length of a period.
    pub period: Span,
    /// The account currency.
    pub currency: String,
    /// Opening cash in it.
    pub opening: MoneyExact,
    /// Tradable pairs that are paid in it, `BASE/QUOTE`.
    pub pairs: Vec<String>,
    /// The first open of each of these pairs.
    pub opens: Vec<Option<Price>>,
    /// What a side costs as a share of the notional: fee and half spread.
    pub side_cost: Ratio,
    /// Round trips that were closed, in all currencies.
    pub trades: u64,
    /// Bars that were seen.
    pub bars: u64,
    /// Keys that the gate tested; none where the strategy has no gate. Of many some pass by chance.
    pub keys: Option<u64>,
    /// The points, in the order of time.
    pub points: Vec<CurvePoint>,
}

impl EquityCurve {
    /// Returns when a period ends.
    #[must_use]
    pub const fn end_of(&self, period: i64) -> Timestamp {
        Timestamp::from_nanos(period.saturating_add(1).saturating_mul(self.period.nanos()))
    }
}

/// Takes the points of a run while it is folded.
#[derive(Debug, Clone)]
pub struct CurveSampler {
    period: Span,
    curve: Option<EquityCurve>,
    /// Places of the curve's pairs among the run's.
    places: Vec<usize>,
    current: Option<i64>,
}

impl CurveSampler {
    /// Begins with periods of this length; one of nothing counts as a nanosecond.
    #[must_use]
    pub fn new(period: Span) -> Self {
        let period = Span::from_nanos(period.nanos().max(1));
        Self { period, curve: None, places: Vec::new(), current: None }
    }

    /// Looks at the world before `event` is folded into it.
    pub fn before(&mut self, event: &Event, world: &World) {
        match event {
            Event::RunStarted(started) => self.begin(started),
            Event::Bar(bar) => {
                let known = bar.available_at.nanos().saturating_sub(1);
                let period = known.div_euclid(self.period.nanos());
                if self.current.is_some_and(|current| period > current) {
                    self.take(world);
                }
                self.current = self.current.max(Some(period));
                let place = self.places.iter().position(|place| *place == usize::from(bar.pair.0));
                if let (Some(curve), Some(place)) = (&mut self.curve, place) {
                    curve.opens[place] = curve.opens[place].or(Some(bar.open));
                }
            }
            _ => {}
        }
    }

    /// Takes the last point and returns all of them; none where no run began.
    #[must_use]
    pub fn finish(mut self, world: &World) -> Option<EquityCurve> {
        self.take(world);
        let counters = world.run().map(|run| *run.counters()).unwrap_or_default();
        let mut curve = self.curve?;
        (curve.trades, curve.bars) = (counters.trades, counters.bars);
        let engines = world.run().and_then(RunState::engines);
        curve.keys = engines.map(|engines| engines.ghosts.report().keys_tested);
        Some(curve)
    }

    /// The newest run is the one that is looked at.
    fn begin(&mut self, started: &RunStarted) {
        let config = &started.config;
        let currency = config.account_currency.clone();
        let own = |known: &&Instrument| known.tradable && known.quote == currency;
        let pairs: Vec<String> =
            config.instruments.iter().filter(own).map(Instrument::symbol).collect();
        let numbered = config.instruments.iter().enumerate();
        self.places = numbered.filter(|(_, known)| own(known)).map(|(place, _)| place).collect();
        let cash = config.balances.iter().find(|balance| balance.currency == currency);
        let opening = cash.and_then(|balance| balance.amount.exact().ok());
        // Both are at most one, so the sum fits.
        let side_cost = config.venue.fee_rate.plus(config.venue.half_spread).unwrap_or(Ratio::ONE);
        self.current = None;
        self.curve = Some(EquityCurve {
            period: self.period,
            currency,
            opening: opening.unwrap_or(MoneyExact::ZERO),
            opens: vec![None; pairs.len()],
            pairs,
            side_cost,
            trades: 0,
            bars: 0,
            keys: None,
            points: Vec::new(),
        });
    }

    fn take(&mut self, world: &World) {
        let (Some(curve), Some(period)) = (&mut self.curve, self.current) else { return };
        let Some(run) = world.run() else { return };
        let account = run.portfolio().account(&curve.currency);
        let close = |place: &usize| close_of(run, *place);
        curve.points.push(CurvePoint {
            period,
            equity: run.equity(&curve.currency),
            cash: account.map_or(MoneyExact::ZERO, |account| account.cash),
            closes: self.places.iter().map(close).collect(),
        });
    }
}

fn close_of(run: &RunState, place: usize) -> Option<Price> {
    run.pairs().get(place).and_then(|pair| pair.last).map(|last| last.close)
}

/// Folds a log from its first record and returns the curve of its newest run; none without a run.
///
/// # Errors
/// Damage, records that cannot be read, and failures of the machine.
pub fn equity_curve(
    reader: &Reader<Event>,
    period: Span,
) -> Result<Option<EquityCurve>, LedgerError> {
    let (mut sampler, mut world) = (CurveSampler::new(period), World::default());
    reader.for_each::<LedgerError>(0, |record| {
        let sequence = record.sequence;
        let (envelope, entry) =
            decode::<Event>(&record).map_err(|source| LedgerError::Record { sequence, source })?;
        if let Entry::Event(event) = entry {
            sampler.before(&event, &world);
            world.evolve(&event, sequence, envelope.stamp.time);
        }
        Ok(())
    })?;
    Ok(sampler.finish(&world))
}
