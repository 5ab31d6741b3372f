//! What follows from an input: fills, trades and their links, ghosts, commands, state roots.
//!
//! Every derived event is folded as it is made, so whatever is decided next sees it.

use super::entry::{soulprint_of, trade_of};
use super::portfolio::Lot;
use super::run::RunState;
use super::view::RunView;
use super::{Decision, Kernel, Step, orders, roots, venue};
use crate::engines::OpenGhost;
use crate::event::{
    Actor, Command, Event, FillModel, GhostClosed, GhostEntered, Leg, OrderExpired, OrderPlaced,
    OrderReason, PairId, Side, TradeClosed, WeightRule,
};
use crate::signals::net_return;
use crate::strategies::{Intention, OrderIntention, Venue};
use crate::time::Timestamp;
use crate::units::Price;

/// The kinds that an [`Intention::Record`] may carry: `command_refused` to `orphan_tombstoned`.
const STRATEGY_KINDS: std::ops::RangeInclusive<u16> = 0x0210..=0x0257;

impl Kernel {
    pub(super) fn fill_model(&self) -> FillModel {
        self.started.config.venue.fill
    }

    pub(super) fn decide(&mut self, step: &mut Step<'_>) {
        let mut wanted = std::mem::take(&mut self.wanted);
        if let Some(view) = self.world.view() {
            self.strategy.decide(&view, &mut wanted);
        }
        // A stable sort: what a strategy wants of one pair stays in its order.
        wanted.sort_by_key(Intention::pair);
        self.take(&mut wanted, step);
        self.wanted = wanted;
    }

    pub(super) fn command(&mut self, command: &Command, step: &mut Step<'_>) {
        let mut wanted = std::mem::take(&mut self.wanted);
        if let Some(view) = self.world.view() {
            self.strategy.command(&view, command, &mut wanted);
        }
        self.take(&mut wanted, step);
        self.wanted = wanted;
    }

    /// Turns what a strategy wants into events.
    fn take(&mut self, wanted: &mut Vec<Intention>, step: &mut Step<'_>) {
        for intention in wanted.drain(..) {
            match intention {
                Intention::Signal(signal) => {
                    self.emit(Event::SignalFired(signal), Actor::STRATEGY, step);
                }
                Intention::Order(order) => self.order(&order, step),
                Intention::Record { event, .. } => self.record(event, step),
            }
        }
    }

    /// Records what an engine decided.
    fn record(&mut self, event: Event, step: &mut Step<'_>) {
        use crate::event::Payload;
        if !STRATEGY_KINDS.contains(&event.kind()) {
            return;
        }
        let ghost = match &event {
            Event::GhostOpened(opened) => Some(opened.pair),
            Event::GhostExitDue(due) => self.ghost(due.ghost).map(|ghost| ghost.opened.pair),
            _ => None,
        };
        self.emit(event, Actor::STRATEGY, step);
        let last = ghost.and_then(|pair| self.world.run()?.pair(pair)?.last);
        if self.fill_model() == FillModel::ThisClose
            && let (Some(pair), Some(last)) = (ghost, last)
        {
            self.fill_ghosts(pair, last.close, last.available_at, step);
        }
    }

    fn ghost(&self, number: u64) -> Option<&OpenGhost> {
        self.world.run()?.engines()?.ghosts.get(number)
    }

    fn order(&mut self, wanted: &OrderIntention, step: &mut Step<'_>) {
        let Some(run) = self.world.run() else { return };
        match orders::review(run, wanted, &self.strategy.limits()) {
            Err(refused) => self.emit(Event::OrderRefused(refused), Actor::KERNEL, step),
            Ok(placed) => {
                let last = run.pair(placed.pair).and_then(|pair| pair.last);
                let pair = placed.pair;
                self.emit(Event::OrderPlaced(placed), Actor::STRATEGY, step);
                if self.fill_model() == FillModel::ThisClose
                    && let Some(last) = last
                {
                    self.fill_pending(pair, last.close, last.available_at, step);
                }
            }
        }
    }

    /// Lets the venue answer every pending order of a pair at one price.
    pub(super) fn fill_pending(
        &mut self,
        pair: PairId,
        market: Price,
        time: Timestamp,
        step: &mut Step<'_>,
    ) {
        let waiting = self.world.run().and_then(|run| run.pair(pair));
        // Each answer takes the order of the lowest number off the list.
        for _ in 0..waiting.map_or(0, |state| state.pending.len()) {
            let Some(view) = self.world.run_view() else { return };
            let next = view.run.pair(pair).and_then(|state| state.pending.values().next());
            let Some(pending) = next else { return };
            match venue::execute(&view, self.strategy.venue(), pending, market, time) {
                Ok(fill) => {
                    let order = fill.order;
                    self.emit(Event::OrderFilled(fill), Actor::VENUE, step);
                    self.record_trades(step);
                    self.record_entry(pair, order, step);
                }
                Err(rejected) => self.emit(Event::OrderRejected(rejected), Actor::VENUE, step),
            }
        }
    }

    /// Fills the paper trades of a pair at one price, entries and exits alike.
    pub(super) fn fill_ghosts(
        &mut self,
        pair: PairId,
        market: Price,
        time: Timestamp,
        step: &mut Step<'_>,
    ) {
        let Some(view) = self.world.run_view() else { return };
        let Some(engines) = view.run.engines() else { return };
        let own = self.strategy.venue();
        let waits = |ghost: &&OpenGhost| ghost.entry.is_none() || ghost.exit.is_some();
        // Worked out before anything is folded: a fill of one changes nothing for the others.
        let fills: Vec<Event> = engines
            .ghosts
            .of_pair(pair)
            .filter(waits)
            .filter_map(|ghost| paper_fill(&view, own, ghost, market, time))
            .collect();
        for fill in fills {
            let closed = match &fill {
                Event::GhostClosed(closed) => Some((closed.key.clone(), closed.net_log_return)),
                _ => None,
            };
            self.emit(fill, Actor::VENUE, step);
            if let Some((key, gain)) = closed {
                let engines = self.world.run().and_then(RunState::engines);
                let learned = engines.and_then(|engines| {
                    let learns = engines.orbits.rule() == WeightRule::Exponentiated;
                    learns.then(|| engines.orbits.learn(&key.leg, key.word_bits, gain).ok())?
                });
                if let Some(changed) = learned {
                    self.emit(Event::VolumeWeightsChanged(changed), Actor::KERNEL, step);
                }
            }
        }
    }

    /// Records the trades that the last fill closed, each with all its links.
    fn record_trades(&mut self, step: &mut Step<'_>) {
        while let Some(trade) = self.next_trade() {
            self.emit(Event::TradeClosed(Box::new(trade.clone())), Actor::KERNEL, step);
            // Worked out whole before any of it is recorded: all links of a trade, or none.
            let links = self.world.registries().trade_events(&trade).unwrap_or_default();
            for event in links {
                self.emit(event, Actor::KERNEL, step);
            }
            self.record_way_back(&trade, step);
        }
    }

    /// Records the pair flip that an exit is, and the cycle that the trade was.
    fn record_way_back(&mut self, trade: &TradeClosed, step: &mut Step<'_>) {
        let Some(word_bits) = trade.word_bits else { return };
        let Some(run) = self.world.run() else { return };
        let (Some(engines), Ok(hash)) = (run.engines(), trade.canonical_hash()) else { return };
        let Some(instrument) = run.started().config.instruments.get(usize::from(trade.pair.0))
        else {
            return;
        };
        let leg = Leg::of(instrument, trade.side);
        let close = run.mark(usize::from(trade.pair.0));
        let (bits, trade_hash) = (Some(word_bits), Some(hash));
        let flip = engines.flips.resolve(&leg, bits, close, &engines.ghosts, trade_hash);
        let cycle = engines.orbits.round_trip(trade, hash, word_bits);
        self.emit(Event::PairFlipResolved(Box::new(flip)), Actor::KERNEL, step);
        if let Ok(cycle) = cycle {
            self.emit(Event::OrbitCycleRun(Box::new(cycle)), Actor::KERNEL, step);
        }
    }

    /// Records the soulprint of a position that a ghost flipped into.
    fn record_entry(&mut self, pair: PairId, order: u64, step: &mut Step<'_>) {
        let Some(run) = self.world.run() else { return };
        let lots = run.portfolio().position(pair).map(|position| &position.lots);
        let lot = lots.and_then(|lots| lots.iter().find(|lot| lot.order == order));
        let Some((lot, ghost)) = lot.and_then(|lot: &Lot| Some((lot, lot.ghost.as_deref()?)))
        else {
            return;
        };
        let soulprint = soulprint_of(run.started().run, lot, ghost);
        for event in self.world.registries().entry_events(soulprint).unwrap_or_default() {
            self.emit(event, Actor::KERNEL, step);
        }
    }

    fn next_trade(&self) -> Option<TradeClosed> {
        let run = self.world.run()?;
        trade_of(run, run.next_owed()?, run.counters().trades + 1)
    }

    pub(super) fn at_end(&mut self, step: &mut Step<'_>) {
        let Some(run) = self.world.run() else { return };
        let pending = run.pairs().iter().flat_map(|pair| pair.pending.values());
        let expired: Vec<OrderExpired> = pending
            .map(|pending| OrderExpired { order: pending.order.order, pair: pending.order.pair })
            .collect();
        for order in expired {
            self.emit(Event::OrderExpired(order), Actor::VENUE, step);
        }
        let root = roots::state_root(&self.world);
        self.emit(Event::StateRoot(root), Actor::KERNEL, step);
        if let Some(run) = self.world.run() {
            self.emit(Event::RunEnded(run.counts()), Actor::KERNEL, step);
        }
    }

    /// Writes a state root when the step passed a multiple of the count.
    pub(super) fn root_when_due(&mut self, before: u64, step: &mut Step<'_>) {
        let after = self.world.events();
        if before / roots::STATE_ROOT_EVENTS != after / roots::STATE_ROOT_EVENTS {
            let root = roots::state_root(&self.world);
            self.emit(Event::StateRoot(root), Actor::KERNEL, step);
        }
    }

    /// Folds a derived event and hands it out.
    fn emit(&mut self, event: Event, actor: Actor, step: &mut Step<'_>) {
        self.world.evolve(&event, step.next_sequence, step.time);
        step.next_sequence = step.next_sequence.saturating_add(1);
        step.out.push(Decision { event, actor });
    }
}

/// Fills one end of a paper trade as the venue would fill an order.
fn paper_fill(
    view: &RunView<'_>,
    own: Option<&dyn Venue>,
    ghost: &OpenGhost,
    market: Price,
    time: Timestamp,
) -> Option<Event> {
    let opened = &ghost.opened;
    let side = if ghost.entry.is_some() { Side::Sell } else { Side::Buy };
    let order = OrderPlaced {
        order: 0,
        pair: opened.pair,
        side,
        quantity: opened.quantity,
        reference_price: market,
        reason: OrderReason::Ghost,
    };
    // A price that does not fit leaves the ghost where it is; the next bar is another chance.
    let fill = venue::price(view, own, &order, market, time).ok()?;
    let (price, slippage, number) = (fill.price, fill.slippage, opened.ghost);
    let Some(entry) = &ghost.entry else {
        return Some(Event::GhostEntered(GhostEntered { ghost: number, price, slippage, time }));
    };
    let fee = view.run.started().config.venue.fee_rate;
    let (net_return, net_log_return) = net_return(entry.price, price, fee).ok()?;
    let (key, success) = (opened.key.clone(), net_return.is_positive());
    Some(Event::GhostClosed(Box::new(GhostClosed {
        ghost: number,
        key,
        price,
        slippage,
        time,
        net_return,
        net_log_return,
        success,
    })))
}
