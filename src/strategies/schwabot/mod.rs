//! The three engines as one strategy: ghosts gather evidence, the gate flips the good ones into
//! orders, and what they earn moves the weights.
//!
//! # One instant, pair by pair
//! 1. ghosts whose time has come are sent home, and with them the position that one flipped into;
//! 2. what fired is written down with its word and the word's complement;
//! 3. each firing opens a ghost, unless one of the same key is open, and is judged by the gate on
//!    ghosts that closed before; what passes becomes an order.
//!
//! A walk through three currencies that pays is a firing like any other (trigger `orbit`) of the
//! first pair that the walk buys with account currency: bar closes are no simultaneous quotes, so
//! it is evidence first.
//!
//! Invariants: a losing case counts as much as a winning one; an empty memory triggers nothing;
//! nothing is learned from a trade that its ghost has not learned already.

mod commands;
mod sensors;
mod settings;

use std::collections::BTreeSet;

use super::{
    EngineUse, Intention, OrderIntention, RiskLimits, Size, Stance, Strategy, StrategyError, View,
};
use crate::engines::{Engines, Judgement, OpenGhost};
use crate::event::{
    Command, Direction, Event, EvidenceKey, Features, GhostExitDue, GhostIgnored, GhostOpened,
    GhostTriggered, IgnoreReason, Instrument, Leg, OrderReason, PairId, Parameter, RunConfig, Side,
    SignalFired, Trigger,
};
use crate::units::{MoneyExact, Quantity, Ratio};

use sensors::{Firing, Sensors};
use settings::Settings;

/// The name under which the strategy is known.
pub const NAME: &str = "schwabot";

/// What a ghost stakes on paper, as a share of the opening cash: the most a position may take.
const PAPER_SHARE: Ratio = Ratio::from_raw(100_000_000);
/// Between which bounds a weight scales a stake.
const WEIGHT_MIN: i64 = Ratio::ONE.raw() / 2;
const WEIGHT_MAX: i64 = Ratio::ONE.raw() * 2;

/// Returns all parameters in canonical form, defaults written out, sorted by name.
///
/// # Errors
/// [`StrategyError`] for parameters that are unknown, repeated or unusable.
pub fn canonical_parameters(given: &[Parameter]) -> Result<Vec<Parameter>, StrategyError> {
    Ok(Settings::read(given)?.written_out())
}

/// Returns what the engines of such a run need to know.
pub(super) fn engine_use(
    parameters: &[Parameter],
    run: &RunConfig,
) -> Result<EngineUse, StrategyError> {
    let settings = Settings::read(parameters)?;
    let carry_evidence = settings.carry_evidence;
    Ok(EngineUse { settings: settings.engines(run), carry_evidence })
}

/// The strategy.
pub struct Schwabot {
    settings: Settings,
    pairs: Vec<Sensors>,
    /// Tradable pairs, whose weights add up to one.
    weighted: i64,
}

/// What one decision has promised so far.
struct Numbers {
    /// Number of the next ghost.
    next_ghost: u64,
    /// Number of the next cycle.
    next_cycle: u64,
}

impl Schwabot {
    /// Makes the strategy for the pairs of a run.
    ///
    /// # Errors
    /// As [`canonical_parameters`].
    pub fn new(parameters: &[Parameter], run: &RunConfig) -> Result<Self, StrategyError> {
        let settings = Settings::read(parameters)?;
        let places = (0_u16..).zip(&run.instruments);
        let pairs = places.map(|(place, _)| Sensors::new(PairId(place), &settings)).collect();
        let tradable = run.instruments.iter().filter(|known| known.tradable).count();
        let weighted = i64::try_from(tradable).unwrap_or(i64::MAX);
        Ok(Self { settings, pairs, weighted })
    }

    /// Sends ghosts home whose time has come, and the position with its ghost.
    fn leave(&self, view: &dyn View, engines: &Engines, pair: PairId, wanted: &mut Vec<Intention>) {
        let mut sell = None;
        let owner = view.position_ghost(pair);
        for ghost in engines.ghosts.of_pair(pair) {
            let number = ghost.opened.ghost;
            let due = match &ghost.exit {
                Some(exit) => Some(exit.clone()),
                None => self.due(view, ghost),
            };
            let Some(due) = due else { continue };
            if owner == Some(number) {
                sell = Some(due.reason);
            }
            if ghost.exit.is_none() {
                wanted.push(Intention::Record { pair, event: Event::GhostExitDue(due) });
            }
        }
        // A ghost that is gone leaves no position behind: an exit that was turned away is asked
        // for again.
        if owner.is_some_and(|owner| engines.ghosts.get(owner).is_none()) {
            sell = sell.or(Some(OrderReason::Horizon));
        }
        let held = view.position(pair).is_positive() && view.pending(pair).is_empty();
        if let Some(reason) = sell.filter(|_| held) {
            let (side, size, stance) = (Side::Sell, Size::Position, Stance::Reduce);
            let order = OrderIntention { pair, side, size, stance, reason };
            wanted.push(Intention::Order(order));
        }
    }

    /// Says whether a ghost is to leave at the newest close.
    fn due(&self, view: &dyn View, ghost: &OpenGhost) -> Option<GhostExitDue> {
        let entry = ghost.entry.as_ref()?;
        let pair = ghost.opened.pair;
        let (close, now) = (view.last_price(pair)?, view.last_time(pair)?);
        let number = ghost.opened.ghost;
        let exit = |reason, gap| Some(GhostExitDue { ghost: number, reason, gap });
        let horizon = entry.time.plus(self.settings.horizon())?;
        if now >= horizon {
            let late = now.since(horizon)?;
            let interval = instrument(view.config(), pair)?.interval;
            return exit(OrderReason::Horizon, late >= interval);
        }
        let reached = |change: Ratio, above: bool| {
            let border = entry.price.changed_by(change).ok()?;
            (if above { close >= border } else { close <= border }).then_some(())
        };
        if self.settings.take_profit().and_then(|share| reached(share, true)).is_some() {
            return exit(OrderReason::TakeProfit, false);
        }
        let fall = self.settings.stop().and_then(|share| Ratio::ZERO.minus(share).ok());
        fall.and_then(|fall| reached(fall, false))?;
        exit(OrderReason::Stop, false)
    }

    /// Writes down what fired at a pair, and lets the gate judge it.
    fn fire(
        &self,
        view: &dyn View,
        engines: &Engines,
        (pair, instrument): (PairId, &Instrument),
        firings: &[Firing],
        numbers: &mut Numbers,
        wanted: &mut Vec<Intention>,
    ) {
        if firings.is_empty() {
            return;
        }
        let record = |event| Intention::Record { pair, event };
        let leg = Leg::of(instrument, Side::Buy);
        let word = engines.flips.word(pair);
        if let Some(word) = word {
            let flipped = engines.flips.flip(Some(pair), Some(leg.clone()), word);
            wanted.push(record(Event::BitFlipped(flipped)));
        }
        let sensors = self.pairs.get(usize::from(pair.0));
        let features = sensors.map(Sensors::features).unwrap_or_default();
        let mut ordered = false;
        for Firing { trigger, direction, strength } in firings.iter().cloned() {
            wanted.push(Intention::Signal(SignalFired { pair, trigger, direction, strength }));
            let word_bits = self.settings.word_bits;
            let key = EvidenceKey { leg: leg.clone(), trigger, direction, word_bits };
            let word = word.map(crate::signals::UpDownWord::value);
            let seen = Seen { pair, key, strength, word, features: &features };
            ordered |= self.judge(view, engines, instrument, seen, ordered, numbers, wanted);
        }
    }

    /// Opens a ghost for one firing and asks the gate; true when an order followed.
    #[expect(clippy::too_many_arguments, reason = "one firing and all that it meets")]
    fn judge(
        &self,
        view: &dyn View,
        engines: &Engines,
        instrument: &Instrument,
        seen: Seen<'_>,
        ordered: bool,
        numbers: &mut Numbers,
        wanted: &mut Vec<Intention>,
    ) -> bool {
        let Seen { pair, key, .. } = &seen;
        let (pair, key) = (*pair, key.clone());
        let judgement = engines.ghosts.judge(&key);
        let open = engines.ghosts.open_ghost_of(&key).is_some();
        let ghost = if open { None } else { self.open(view, engines, instrument, seen, numbers) };
        let number = ghost.as_ref().map(|ghost| ghost.ghost);
        if let Some(ghost) = ghost {
            let event = Event::GhostOpened(Box::new(ghost));
            wanted.push(Intention::Record { pair, event });
        }
        let busy =
            ordered || view.position(pair) != Quantity::ZERO || !view.pending(pair).is_empty();
        let cash = view.cash(&instrument.quote).is_some_and(MoneyExact::is_positive);
        let refusal = match judgement.refusal {
            _ if open => Some(IgnoreReason::GhostOpen),
            Some(reason) => Some(reason),
            None if busy => Some(IgnoreReason::PositionOpen),
            None if !cash => Some(IgnoreReason::NoCash),
            None if number.is_none() => Some(IgnoreReason::NoPrice),
            None => None,
        };
        if let Some(reason) = refusal {
            let event = ignored(number, Some(pair), key, reason, &judgement);
            wanted.push(Intention::Record { pair, event });
            return false;
        }
        let notional = self.stake(view, engines, instrument, &key, &judgement);
        let event = triggered(number, Some(pair), key, &judgement);
        wanted.push(Intention::Record { pair, event });
        wanted.push(Intention::Order(OrderIntention {
            pair,
            side: Side::Buy,
            size: Size::NotionalWithinCash(notional),
            stance: Stance::Open,
            reason: OrderReason::Ghost,
        }));
        true
    }

    /// The paper trade of a firing; none where it cannot be followed.
    fn open(
        &self,
        view: &dyn View,
        engines: &Engines,
        instrument: &Instrument,
        seen: Seen<'_>,
        numbers: &mut Numbers,
    ) -> Option<GhostOpened> {
        let Seen { pair, key, strength, word, features } = seen;
        let price = view.last_price(pair)?;
        let opening = view.config().balances.iter().find(|b| b.currency == instrument.quote)?;
        let stake = opening.amount.exact().ok()?.share(PAPER_SHARE).ok()?;
        let quantity = stake.quantity_at(price).ok()?.round_down_to(instrument.lot).ok()?;
        if !quantity.is_positive() {
            return None;
        }
        let ghost = numbers.next_ghost;
        numbers.next_ghost += 1;
        let sensors = self.pairs.get(usize::from(pair.0))?;
        Some(GhostOpened {
            ghost,
            pair,
            weight: engines.orbits.weight(&key.leg, key.word_bits),
            up_probability: engines.flips.up_probability(pair),
            vector: sensors.vector(features),
            features: features.clone(),
            key,
            word,
            strength,
            quantity,
        })
    }

    /// How much to stake: a share of Kelly's, scaled by the weight, capped.
    fn stake(
        &self,
        view: &dyn View,
        engines: &Engines,
        instrument: &Instrument,
        key: &EvidenceKey,
        judgement: &Judgement,
    ) -> MoneyExact {
        let equity = view.equity(&instrument.quote).unwrap_or(MoneyExact::ZERO);
        let fraction = judgement.kelly.as_ref().map_or(Ratio::ZERO, |kelly| kelly.fraction);
        let weight = engines.orbits.weight(&key.leg, key.word_bits).unwrap_or(Ratio::ZERO);
        let scaled = weight.raw().saturating_mul(self.weighted).clamp(WEIGHT_MIN, WEIGHT_MAX);
        let of = |share: Ratio| equity.share(share).ok();
        let wanted = of(fraction).and_then(|stake| stake.share(Ratio::from_raw(scaled)).ok());
        // An amount that does not fit is no stake at all.
        let cap = of(self.settings.position_cap).unwrap_or(MoneyExact::ZERO);
        wanted.unwrap_or(MoneyExact::ZERO).min(cap)
    }

    /// Prices every walk whose pairs all have a bar in this instant. What pays is written down,
    /// and fires at the first pair that it buys.
    fn walks(
        view: &dyn View,
        engines: &Engines,
        numbers: &mut Numbers,
        wanted: &mut Vec<Intention>,
    ) -> BTreeSet<PairId> {
        let mut fired = BTreeSet::new();
        for cycle in engines.orbits.instant_cycles() {
            let here = |(pair, _): &(PairId, Side)| view.instant().binary_search(pair).is_ok();
            if !cycle.legs.iter().all(here) {
                continue;
            }
            let Some(time) = cycle.legs.first().and_then(|(pair, _)| view.last_time(*pair)) else {
                continue;
            };
            let price = |pair| view.last_price(pair);
            let Some(mut run) = engines.orbits.price_cycle(cycle, price, time) else { continue };
            if !run.success {
                continue;
            }
            run.cycle = numbers.next_cycle;
            numbers.next_cycle += 1;
            let bought = cycle.legs.iter().filter(|(_, side)| *side == Side::Buy);
            let tradable = |pair: &PairId| {
                instrument(view.config(), *pair).is_some_and(|known| known.tradable)
            };
            let pair = bought.map(|(pair, _)| *pair).find(tradable);
            let event = Event::OrbitCycleRun(Box::new(run));
            // Under the first pair, so that walks stand before what any pair does, in their order.
            wanted.push(Intention::Record { pair: PairId(0), event });
            fired.extend(pair);
        }
        fired
    }
}

/// What one firing showed.
struct Seen<'a> {
    pair: PairId,
    key: EvidenceKey,
    strength: Option<Ratio>,
    word: Option<u64>,
    features: &'a Features,
}

impl Strategy for Schwabot {
    fn observe(&mut self, _view: &dyn View, input: &Event) {
        if let Event::Bar(bar) = input
            && let Some(sensors) = self.pairs.get_mut(usize::from(bar.pair.0))
        {
            sensors.observe(bar);
        }
    }

    fn decide(&mut self, view: &dyn View, wanted: &mut Vec<Intention>) {
        let Some(engines) = view.engines() else { return };
        let (next_ghost, next_cycle) = (engines.ghosts.next_number(), engines.orbits.next_cycle());
        let mut numbers = Numbers { next_ghost, next_cycle };
        let orbits = Self::walks(view, engines, &mut numbers, wanted);
        for &pair in view.instant() {
            let Some(sensors) = self.pairs.get(usize::from(pair.0)) else { continue };
            let Some(instrument) = instrument(view.config(), pair) else { continue };
            if let Some(frozen) = sensors.frozen_now() {
                let event = Event::FeatureScalingFrozen(frozen);
                wanted.push(Intention::Record { pair, event });
            }
            self.leave(view, engines, pair, wanted);
            if !instrument.tradable {
                continue;
            }
            let mut firings = sensors.fired().to_vec();
            if orbits.contains(&pair) && sensors.is_scaled() {
                let (trigger, direction) = (Trigger::Orbit, Direction::Up);
                firings.push(Firing { trigger, direction, strength: None });
            }
            self.fire(view, engines, (pair, instrument), &firings, &mut numbers, wanted);
        }
    }

    fn command(&mut self, view: &dyn View, command: &Command, wanted: &mut Vec<Intention>) {
        commands::answer(self, view, command, wanted);
    }

    fn limits(&self) -> RiskLimits {
        self.settings.limits()
    }
}

fn instrument(run: &RunConfig, pair: PairId) -> Option<&Instrument> {
    run.instruments.get(usize::from(pair.0))
}

fn triggered(
    ghost: Option<u64>,
    pair: Option<PairId>,
    key: EvidenceKey,
    judgement: &Judgement,
) -> Event {
    Event::GhostTriggered(Box::new(GhostTriggered {
        ghost,
        pair,
        key,
        cases: judgement.cases,
        successes: judgement.successes,
        lower_bound: judgement.lower_bound.unwrap_or(Ratio::ZERO),
        confidence: judgement.confidence,
        mean_net_return: judgement.mean_net_return.unwrap_or(Ratio::ZERO),
        kelly_fraction: judgement.kelly.as_ref().map(|kelly| kelly.fraction),
        expected_net_edge: judgement.expected_net_edge,
    }))
}

fn ignored(
    ghost: Option<u64>,
    pair: Option<PairId>,
    key: EvidenceKey,
    reason: IgnoreReason,
    judgement: &Judgement,
) -> Event {
    Event::GhostIgnored(Box::new(GhostIgnored {
        ghost,
        pair,
        key,
        reason,
        cases: judgement.cases,
        successes: judgement.successes,
        lower_bound: judgement.lower_bound,
        mean_net_return: judgement.mean_net_return,
    }))
}
