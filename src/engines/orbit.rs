//! The orbit engine: cycles with the records of their legs, weights that learn, the best stage.
//!
//! A *round trip* is a closed trade seen as a walk: stage 1 its entry leg, stage 2 its exit leg at
//! a later time. An *instant* cycle joins three or more currencies at one instant's closes, which
//! are no simultaneous quotes: it is priced after costs and never walked by itself. A *commanded*
//! cycle runs the stages that an operator gives, on the trends given with them.
//!
//! Efficiency has two names here, for it was two quantities under one: the *success ratio*
//! (successes over cycles) and the *return on notional* (profit over what was staked). Changes of
//! weights are no cycles.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ghost::{GhostEngine, check};
use super::graph::{InstantCycle, instant_cycles};
use super::metrics::{EngineMetrics, Tally};
use super::weights::{LegWeight, Weights, check_stages};
use super::{EngineFault, EngineSettings};
use crate::event::wire::{Decode, Encode};
use crate::event::{
    CommandRefusal, Instrument, Leg, LegAction, LegQuote, OrbitCycleRun, OrbitKind, OrbitLeg,
    OrbitSelected, PairId, Side, StageLeg, TradeClosed, Trend, VolumeWeightsChanged, WeightRule,
    state_digest,
};
use crate::hash::Digest;
use crate::signals::{ADDITIVE_HOLD, CycleLeg, LegRate, cycle_log_return, wilson_bounds};
use crate::time::Timestamp;
use crate::units::{MoneyExact, Price, Ratio};

/// How many standard errors the bound of a stage's evidence is away: 95 %.
const SELECT_Z: Ratio = Ratio::from_raw(1_960_000_000);

/// Orbits in figures. Money is by quote currency of the trades' pairs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrbitReport {
    /// Cycles of all kinds.
    pub cycles: u64,
    /// Closed trades seen as walks.
    pub round_trips: u64,
    /// Instant cycles that paid.
    pub instant: u64,
    /// Cycles that an operator ran.
    pub commanded: u64,
    /// Successes over cycles; none without a cycle.
    pub success_ratio: Option<Ratio>,
    /// Profit over notional of the round trips, by quote currency.
    pub return_on_notional: BTreeMap<String, Option<Ratio>>,
    /// Profit of the round trips, by quote currency.
    pub net: BTreeMap<String, MoneyExact>,
    /// Closed walks of three or more currencies that the pairs of the run have.
    pub instant_cycles_available: u64,
    /// Times that the best stage was asked for.
    pub selections: u64,
    /// Changes of weights.
    pub weight_changes: u64,
    /// The weights.
    pub weights: Vec<LegWeight>,
}

/// What round trips in one quote currency add up to.
#[derive(Clone, Debug, PartialEq, Eq, Default, Encode, Decode)]
struct Book {
    notional: MoneyExact,
    net: MoneyExact,
}

/// The profit orbit engine.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OrbitEngine {
    instruments: Vec<Instrument>,
    fee_rate: Ratio,
    half_spread: Ratio,
    weights: Weights,
    cycles: Vec<InstantCycle>,
    last: u64,
    by_kind: BTreeMap<OrbitKind, u64>,
    books: BTreeMap<String, Book>,
    selections: u64,
    weight_changes: u64,
    tally: Tally,
}

impl OrbitEngine {
    pub(super) fn new(settings: &EngineSettings) -> Result<Self, EngineFault> {
        Ok(Self {
            instruments: settings.instruments.clone(),
            fee_rate: settings.fee_rate,
            half_spread: settings.half_spread,
            weights: Weights::new(settings)?,
            cycles: instant_cycles(&settings.instruments, settings.orbit_legs_max),
            last: 0,
            by_kind: BTreeMap::new(),
            books: BTreeMap::new(),
            selections: 0,
            weight_changes: 0,
            tally: Tally::default(),
        })
    }

    /// Returns how weights change in this run.
    #[must_use]
    pub const fn rule(&self) -> WeightRule {
        self.weights.rule
    }

    /// Returns the weight of a leg; none where weights learn and the leg enters no pair.
    #[must_use]
    pub fn weight(&self, leg: &Leg, word_bits: u8) -> Option<Ratio> {
        self.weights.get(leg, word_bits)
    }

    /// Returns all weights, in the order of (leg, width).
    pub fn weights(&self) -> impl Iterator<Item = LegWeight> + '_ {
        self.weights.all()
    }

    /// Returns what the weights become when a leg has earned a net log-return.
    ///
    /// # Errors
    /// [`EngineFault`] for a leg without a weight.
    pub fn learn(
        &self,
        leg: &Leg,
        word_bits: u8,
        gain: Ratio,
    ) -> Result<VolumeWeightsChanged, EngineFault> {
        self.weights.learned(leg, word_bits, gain)
    }

    /// Returns what the weights become when an operator adds to one.
    ///
    /// # Errors
    /// [`CommandRefusal::WeightsLearn`] unless the rule is additive; [`CommandRefusal::Overflow`].
    pub fn change(
        &self,
        leg: &Leg,
        word_bits: u8,
        delta: Ratio,
    ) -> Result<VolumeWeightsChanged, CommandRefusal> {
        self.weights.changed(leg, word_bits, delta)
    }

    /// Runs stages of legs once: a leg is walked when its trend is up and its weight above the
    /// hold; a leg without a quote has no trend.
    ///
    /// # Errors
    /// [`CommandRefusal`] for no stage, an empty one, or a sum of weights that does not fit.
    pub fn run_stages(
        &self,
        stages: &[Vec<StageLeg>],
        market: &[LegQuote],
    ) -> Result<OrbitCycleRun, CommandRefusal> {
        let count = check_stages(stages)?;
        let hold = match self.rule() {
            WeightRule::Additive => ADDITIVE_HOLD,
            WeightRule::Exponentiated => Ratio::ZERO,
        };
        // Where weights learn, a leg that enters no pair of the run gets an equal share.
        let equal = Ratio::of_counts(1, count).unwrap_or(Ratio::ZERO);
        let (mut legs, mut sum) = (Vec::new(), Ratio::ZERO);
        for (stage, members) in (1_u16..).zip(stages) {
            for StageLeg { leg, word_bits } in members {
                let quote = market.iter().find(|quote| quote.leg == *leg);
                let weight = self.weight(leg, *word_bits).unwrap_or(equal);
                let action = if quote.is_none_or(|quote| quote.trend != Trend::Up) {
                    LegAction::HeldTrend
                } else if weight <= hold {
                    LegAction::HeldWeight
                } else {
                    sum = sum.plus(weight).map_err(|_| CommandRefusal::Overflow)?;
                    LegAction::Walked
                };
                legs.push(OrbitLeg {
                    stage,
                    leg: leg.clone(),
                    word_bits: Some(*word_bits),
                    weight: Some(weight),
                    action,
                    price: quote.and_then(|quote| quote.price),
                    time: None,
                });
            }
        }
        let success = legs.iter().any(|leg| leg.action == LegAction::Walked);
        let run = self.blank(OrbitKind::Commanded, legs, success);
        Ok(OrbitCycleRun { weight_walked: sum, ..run })
    }

    fn blank(&self, kind: OrbitKind, legs: Vec<OrbitLeg>, success: bool) -> OrbitCycleRun {
        OrbitCycleRun {
            cycle: self.next_cycle(),
            kind,
            legs,
            weight_walked: Ratio::ZERO,
            notional: None,
            net: None,
            log_return: None,
            trade: None,
            success,
        }
    }

    /// Returns a closed trade as a walk.
    ///
    /// # Errors
    /// [`EngineFault`] for a pair that is not there, or amounts that do not fit.
    pub fn round_trip(
        &self,
        trade: &TradeClosed,
        hash: Digest,
        word_bits: u8,
    ) -> Result<OrbitCycleRun, EngineFault> {
        let unknown = EngineFault::Figure { what: "orbit_cycle_run", field: "legs" };
        let instrument = self.instruments.get(usize::from(trade.pair.0)).ok_or(unknown)?;
        let overflow = EngineFault::Overflow { what: "a round trip" };
        let way = |side: Side, price: Price| match side {
            Side::Buy => LegRate::Buy(price),
            Side::Sell => LegRate::Sell(price),
        };
        let out = trade.side.opposite();
        let legs = [(trade.side, &trade.entry), (out, &trade.exit)];
        let costs = legs.map(|(side, end)| CycleLeg {
            rate: way(side, end.price),
            fee: self.fee_rate,
            slippage: Ratio::ZERO,
        });
        let log_return = cycle_log_return(&costs)?;
        let weight = self.weight(&Leg::of(instrument, Side::Buy), word_bits);
        let legs = (1_u16..).zip(legs).map(|(stage, (side, end))| OrbitLeg {
            stage,
            leg: Leg::of(instrument, side),
            word_bits: Some(word_bits),
            weight: weight.filter(|_| side == Side::Buy),
            action: LegAction::Walked,
            price: Some(end.price),
            time: Some(end.time),
        });
        let notional = trade.entry.price.times(trade.quantity).map_err(|_| overflow)?;
        let run = self.blank(OrbitKind::RoundTrip, legs.collect(), trade.is_success());
        Ok(OrbitCycleRun {
            weight_walked: weight.unwrap_or(Ratio::ZERO),
            notional: Some(notional),
            net: Some(trade.net),
            log_return: Some(log_return),
            trade: Some(hash),
            ..run
        })
    }

    /// Returns the closed walks of three or more currencies; with one quote currency there are
    /// none.
    #[must_use]
    pub fn instant_cycles(&self) -> &[InstantCycle] {
        &self.cycles
    }

    /// Prices a walk at these closes, after fee and half spread of every leg; none where a price is
    /// missing.
    pub fn price_cycle(
        &self,
        cycle: &InstantCycle,
        close: impl Fn(PairId) -> Option<Price>,
        time: Timestamp,
    ) -> Option<OrbitCycleRun> {
        let mut costs = Vec::with_capacity(cycle.legs.len());
        let mut legs = Vec::with_capacity(cycle.legs.len());
        for (stage, (pair, side)) in (1_u16..).zip(&cycle.legs) {
            let price = close(*pair)?;
            let rate = match side {
                Side::Buy => LegRate::Buy(price),
                Side::Sell => LegRate::Sell(price),
            };
            costs.push(CycleLeg { rate, fee: self.fee_rate, slippage: self.half_spread });
            legs.push(OrbitLeg {
                stage,
                leg: Leg::of(self.instruments.get(usize::from(pair.0))?, *side),
                word_bits: None,
                weight: None,
                action: LegAction::Priced,
                price: Some(price),
                time: Some(time),
            });
        }
        let log_return = cycle_log_return(&costs).ok()?;
        let run = self.blank(OrbitKind::InstantCycle, legs, log_return.is_positive());
        Some(OrbitCycleRun { log_return: Some(log_return), ..run })
    }

    /// Returns the stage whose legs have the highest lower bound of success over all their cases;
    /// of equal ones the first, and none where no leg has a case.
    ///
    /// # Errors
    /// [`CommandRefusal::EmptyOrbit`] for no stage, or an empty one.
    pub fn select(
        &self,
        stages: &[Vec<StageLeg>],
        ghosts: &GhostEngine,
    ) -> Result<OrbitSelected, CommandRefusal> {
        check_stages(stages)?;
        let mut best = OrbitSelected { stage: None, cases: 0, successes: 0, lower_bound: None };
        for (stage, legs) in (1_u16..).zip(stages) {
            let own = ghosts.evidence().filter(|(key, _)| {
                legs.iter().any(|leg| (&leg.leg, leg.word_bits) == (&key.leg, key.word_bits))
            });
            let (cases, successes) = own.fold((0, 0), |(cases, wins), (_, seen)| {
                (cases + seen.cases(), wins + seen.successes())
            });
            let Ok(bounds) = wilson_bounds(successes, cases, SELECT_Z) else { continue };
            if best.lower_bound.is_none_or(|bound| bounds.lower > bound) {
                let (stage, lower_bound) = (Some(stage), Some(bounds.lower));
                best = OrbitSelected { stage, cases, successes, lower_bound };
            }
        }
        Ok(best)
    }

    /// Returns the number of the next cycle.
    #[must_use]
    pub const fn next_cycle(&self) -> u64 {
        self.last.saturating_add(1)
    }

    /// Takes a cycle.
    ///
    /// # Errors
    /// [`EngineFault`] for a number out of order, or figures that contradict each other.
    pub fn fold_cycle(&mut self, run: &OrbitCycleRun) -> Result<(), EngineFault> {
        let (said, last) = (run.cycle, self.last);
        if said != self.next_cycle() {
            return Err(EngineFault::Numbering { what: "cycle", said, last });
        }
        self.last = said;
        *self.by_kind.entry(run.kind).or_default() += 1;
        let path: Vec<String> = run.legs.iter().map(|leg| leg.leg.to_string()).collect();
        let bits = run.legs.first().and_then(|leg| leg.word_bits);
        let confidence = Some(self.tally.posterior());
        self.tally.count(run.success, confidence, path.join(" "), bits);
        if let (Some(notional), Some(net), Some(first)) = (run.notional, run.net, run.legs.first())
        {
            let quote = self.quote_of(&first.leg);
            let book = self.books.entry(quote).or_default();
            let overflow = EngineFault::Overflow { what: "round trips" };
            let sums = book.notional.plus(notional).and_then(|sum| Ok((sum, book.net.plus(net)?)));
            (book.notional, book.net) = sums.map_err(|_| overflow)?;
        }
        let walked = run.legs.iter().any(|leg| leg.action == LegAction::Walked);
        let success = match run.kind {
            OrbitKind::RoundTrip => run.net.is_some_and(MoneyExact::is_positive),
            OrbitKind::InstantCycle => run.log_return.is_some_and(Ratio::is_positive),
            OrbitKind::Commanded => walked,
        };
        check("orbit_cycle_run", &[(run.success == success, "success")])
    }

    /// The quote currency of the pair that walks a leg.
    fn quote_of(&self, leg: &Leg) -> String {
        let own = self.instruments.iter().find(|known| known.walks(leg));
        own.map_or_else(|| leg.from.clone(), |known| known.quote.clone())
    }

    /// Takes a change of weights; what it says is worked out again.
    ///
    /// # Errors
    /// [`EngineFault::Figure`] when it says something else.
    pub fn fold_weights(&mut self, changed: &VolumeWeightsChanged) -> Result<(), EngineFault> {
        self.weight_changes += 1;
        self.weights.fold(changed)
    }

    /// Takes the answer to who asked for the best stage.
    ///
    /// # Errors
    /// [`EngineFault::Figure`] for a stage without a case, or cases without a stage.
    pub fn fold_selected(&mut self, selected: &OrbitSelected) -> Result<(), EngineFault> {
        self.selections += 1;
        let sound = selected.stage.is_some() == (selected.cases > 0);
        check("orbit_selected", &[(sound, "stage")])
    }

    /// Returns orbits and weights in figures.
    #[must_use]
    pub fn report(&self) -> OrbitReport {
        let of = |kind: OrbitKind| self.by_kind.get(&kind).copied().unwrap_or(0);
        let share = |book: &Book| book.net.ratio_to(book.notional);
        let books = self.books.iter();
        OrbitReport {
            cycles: self.last,
            round_trips: of(OrbitKind::RoundTrip),
            instant: of(OrbitKind::InstantCycle),
            commanded: of(OrbitKind::Commanded),
            success_ratio: self.metrics().success_rate,
            return_on_notional: books.clone().map(|(q, book)| (q.clone(), share(book))).collect(),
            net: books.map(|(quote, book)| (quote.clone(), book.net)).collect(),
            instant_cycles_available: self.cycles.len() as u64,
            selections: self.selections,
            weight_changes: self.weight_changes,
            weights: self.weights().collect(),
        }
    }

    /// Returns the engine in the figures that all have: an operation is a cycle, its confidence the
    /// posterior of success over the cycles before it.
    #[must_use]
    pub fn metrics(&self) -> EngineMetrics {
        self.tally.metrics()
    }

    /// Returns the digest of the engine's state.
    #[must_use]
    pub fn digest(&self) -> Digest {
        state_digest(self)
    }
}
