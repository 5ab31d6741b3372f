//! The run under way: what its events have made of it.
//!
//! Every `fold_*` takes one event that already happened. It decides nothing and cannot fail: what
//! does not fit is handed back as findings, and the state stays as it was.

use std::collections::VecDeque;

use super::config;
use super::counts::{Counters, EquityTrack};
use super::entry::trade_of;
use super::finding::FindingKind;
use super::pair::PairState;
use super::portfolio::{Closed, Lot, Portfolio};
use crate::engines::Engines;
use crate::event::wire::{Decode, Encode};
use crate::event::{
    Bar, DataDefect, OrderFilled, OrderPlaced, OrderReason, PairId, RunEnded, RunStarted,
    SignalFired, TradeClosed, state_digest,
};
use crate::hash::Digest;
use crate::strategies::{self, Pending};
use crate::time::Timestamp;
use crate::units::{MoneyExact, Price};

/// The state of one run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RunState {
    started: Box<RunStarted>,
    first_sequence: u64,
    began: Timestamp,
    ended: bool,
    counters: Counters,
    portfolio: Portfolio,
    pub(super) equity: Vec<EquityTrack>,
    pairs: Vec<PairState>,
    /// Pairs with a bar in this instant, sorted.
    instant: Vec<PairId>,
    instant_over: bool,
    highest_order: u64,
    /// Round trips whose trades have not been recorded yet.
    owed: VecDeque<Owed>,
    pub(super) engines: Option<Box<Engines>>,
}

/// A closed round trip and its pair.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Owed {
    pub(super) pair: PairId,
    pub(super) closed: Closed,
}

impl RunState {
    /// Begins a run, after the `earlier` one, whose evidence it takes over if it says so.
    pub(super) fn begin(
        started: &RunStarted,
        sequence: u64,
        time: Timestamp,
        earlier: Option<&Self>,
    ) -> Result<Self, FindingKind> {
        config::check(&started.config)?;
        let settings = &started.config;
        let portfolio = Portfolio::open(settings).map_err(config::ConfigError::from)?;
        let track = |known: &super::portfolio::Account| EquityTrack {
            latest: known.opening,
            peak: known.opening,
            max_drawdown: MoneyExact::ZERO,
            day_open: known.opening,
            day: i64::MIN,
        };
        let mut engines = None;
        if let Some(wanted) = strategies::engine_use(settings)? {
            let mut made = Engines::new(&wanted.settings)?;
            if let Some(before) = earlier.and_then(Self::engines)
                && wanted.carry_evidence
            {
                made.carry_evidence(before);
            }
            engines = Some(Box::new(made));
        }
        let bars = settings.venue.impact_window_bars;
        Ok(Self {
            started: Box::new(started.clone()),
            first_sequence: sequence,
            began: time,
            ended: false,
            counters: Counters::default(),
            equity: portfolio.accounts().iter().map(track).collect(),
            portfolio,
            pairs: settings.instruments.iter().map(|known| PairState::new(known, bars)).collect(),
            instant: Vec::new(),
            instant_over: false,
            highest_order: 0,
            owed: VecDeque::new(),
            engines,
        })
    }

    /// Returns the event that began the run.
    #[must_use]
    pub fn started(&self) -> &RunStarted {
        &self.started
    }

    /// Returns the sequence of the run's first record.
    #[must_use]
    pub const fn first_sequence(&self) -> u64 {
        self.first_sequence
    }

    /// Returns the event time at which the run began.
    #[must_use]
    pub const fn began(&self) -> Timestamp {
        self.began
    }

    /// True after the run's last event.
    #[must_use]
    pub const fn ended(&self) -> bool {
        self.ended
    }

    /// Returns the counts of the run's records.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Returns cash, positions and profit.
    #[must_use]
    pub const fn portfolio(&self) -> &Portfolio {
        &self.portfolio
    }

    /// Returns the equity of each account, in the order of the accounts.
    #[must_use]
    pub fn equity_tracks(&self) -> &[EquityTrack] {
        &self.equity
    }

    /// Returns the pairs with a bar in this instant, sorted.
    #[must_use]
    pub fn instant(&self) -> &[PairId] {
        &self.instant
    }

    /// Returns the state of every pair, by [`PairId`].
    #[must_use]
    pub fn pairs(&self) -> &[PairState] {
        &self.pairs
    }

    /// Returns the state of one pair.
    #[must_use]
    pub fn pair(&self, pair: PairId) -> Option<&PairState> {
        self.pairs.get(usize::from(pair.0))
    }

    /// Returns the equity of the account in a currency at the last closes.
    #[must_use]
    pub fn equity(&self, currency: &str) -> Option<MoneyExact> {
        let place = self.portfolio.accounts().iter().position(|a| a.currency == currency)?;
        self.portfolio.equity(place, |pair| self.mark(pair)).ok()
    }

    /// Returns the unrealised profit of the positions in a currency at the last closes, entry
    /// fees included; none without an account, or where the exact sum does not fit.
    #[must_use]
    pub fn unrealised(&self, currency: &str) -> Option<MoneyExact> {
        let account = self.portfolio.account(currency)?;
        let settled = account.opening.plus(account.net).ok()?;
        self.equity(currency)?.minus(settled).ok()
    }

    pub(super) fn mark(&self, place: usize) -> Option<Price> {
        self.pairs.get(place).and_then(|pair| pair.last).map(|last| last.close)
    }

    /// Returns the number of the next order.
    pub(super) const fn next_order(&self) -> u64 {
        self.highest_order.saturating_add(1)
    }

    /// Returns the round trip whose trade is to be recorded next.
    pub(super) fn next_owed(&self) -> Option<&Owed> {
        self.owed.front()
    }

    /// Returns, and forgets, how many trades are still owed from the step before.
    pub(super) fn forgive_owed(&mut self) -> usize {
        let missing = self.owed.len();
        self.owed.clear();
        missing
    }

    pub(super) fn pair_mut(&mut self, pair: PairId) -> Result<&mut PairState, FindingKind> {
        self.pairs.get_mut(usize::from(pair.0)).ok_or(FindingKind::UnknownPair { pair })
    }

    pub(super) fn fold_bar(&mut self, bar: &Bar) -> Result<(), FindingKind> {
        if self.instant_over {
            self.instant.clear();
        }
        // An instant ends with its last bar even when that bar is not fit to be folded.
        self.instant_over = bar.last_of_instant;
        let pair = bar.pair;
        let folded = self.pair_mut(pair).and_then(|state| {
            state.fold_bar(bar).map_err(|problem| FindingKind::BadBar { pair, problem })
        });
        if folded.is_ok() {
            self.counters.bars += 1;
            if let Err(place) = self.instant.binary_search(&pair) {
                self.instant.insert(place, pair);
            }
            self.engines_see_bar(pair);
        }
        if bar.last_of_instant {
            self.track_equity(bar.available_at);
        }
        folded
    }

    pub(super) fn fold_command(&mut self) -> Result<(), FindingKind> {
        self.counters.commands += 1;
        Ok(())
    }

    pub(super) fn fold_defect(&mut self, found: &DataDefect) -> Result<(), FindingKind> {
        self.pair_mut(found.pair)?.quality.take(&found.defect);
        self.counters.defects += 1;
        Ok(())
    }

    pub(super) fn fold_signal(&mut self, signal: &SignalFired) -> Result<(), FindingKind> {
        self.pair_mut(signal.pair)?.signal = Some(signal.clone());
        self.counters.signals += 1;
        Ok(())
    }

    pub(super) fn fold_refused(&mut self, pair: PairId) -> Result<(), FindingKind> {
        self.counters.refused += 1;
        // A strategy may have wanted a pair that is not there; that is why it was refused.
        if let Ok(state) = self.pair_mut(pair) {
            state.signal = None;
            state.flipping = None;
        }
        Ok(())
    }

    pub(super) fn fold_placed(&mut self, order: &OrderPlaced) -> Result<(), FindingKind> {
        let highest = self.highest_order;
        if order.order <= highest {
            return Err(FindingKind::OrderNumber { order: order.order, highest });
        }
        let state = self.pair_mut(order.pair)?;
        let (signal, ghost) = (state.signal.take(), state.flipping.take());
        let ungated = order.reason == OrderReason::Ghost && ghost.is_none();
        state.pending.insert(order.order, Pending { order: order.clone(), signal, ghost });
        self.highest_order = order.order;
        self.counters.orders += 1;
        if ungated {
            return Err(FindingKind::OrderUngated { order: order.order });
        }
        Ok(())
    }

    pub(super) fn fold_filled(&mut self, fill: &OrderFilled) -> Result<(), FindingKind> {
        let (order, pair) = (fill.order, fill.pair);
        let unknown = FindingKind::UnknownOrder { order };
        let state = self.pairs.get(usize::from(pair.0)).ok_or(FindingKind::UnknownPair { pair })?;
        let pending = state.pending.get(&order).ok_or(unknown)?;
        if pending.order.side != fill.side || pending.order.quantity != fill.quantity {
            return Err(FindingKind::FillDiffers { order });
        }
        let lot = lot_of(fill, pending);
        let closed = self.portfolio.apply(pair, &lot);
        let closed = closed.map_err(|error| FindingKind::Unsettled { order, error })?;
        self.owed.extend(closed.into_iter().map(|closed| Owed { pair, closed }));
        self.pair_mut(pair)?.pending.remove(&order);
        self.counters.fills += 1;
        Ok(())
    }

    pub(super) fn fold_rejected(&mut self, pair: PairId, order: u64) -> Result<(), FindingKind> {
        self.forget_order(pair, order)?;
        self.counters.rejected += 1;
        Ok(())
    }

    pub(super) fn fold_expired(&mut self, pair: PairId, order: u64) -> Result<(), FindingKind> {
        self.forget_order(pair, order)?;
        self.counters.expired += 1;
        Ok(())
    }

    fn forget_order(&mut self, pair: PairId, order: u64) -> Result<(), FindingKind> {
        let removed = self.pair_mut(pair)?.pending.remove(&order);
        removed.ok_or(FindingKind::UnknownOrder { order })?;
        Ok(())
    }

    /// Takes a trade: it must be the round trip that a fill closed, to the last digit.
    pub(super) fn fold_trade(
        &mut self,
        trade: &TradeClosed,
        time: Timestamp,
    ) -> Result<(), FindingKind> {
        let number = trade.trade;
        let owed = self.owed.pop_front().ok_or(FindingKind::TradeUnfounded { trade: number })?;
        self.counters.trades += 1;
        if let Some(field) = self.difference(trade, &owed) {
            return Err(FindingKind::TradeDiffers { trade: number, field });
        }
        let (entered, left) = (trade.entry.time, trade.exit.time);
        if entered < self.began || left < entered || left > time {
            return Err(FindingKind::TradeTime { trade: number });
        }
        Ok(())
    }

    fn difference(&self, trade: &TradeClosed, owed: &Owed) -> Option<&'static str> {
        let Some(own) = trade_of(self, owed, self.counters.trades) else { return Some("pair") };
        let checks = [
            (trade.run == own.run, "run"),
            (trade.trade == own.trade, "trade"),
            (trade.pair == own.pair, "pair"),
            (trade.symbol == own.symbol, "symbol"),
            (trade.strategy == own.strategy, "strategy"),
            (trade.side == own.side, "side"),
            (trade.quantity == own.quantity, "quantity"),
            (trade.entry == own.entry, "entry"),
            (trade.exit == own.exit, "exit"),
            (trade.gross == own.gross, "gross"),
            (trade.net == own.net, "net"),
            (trade.trigger == own.trigger, "trigger"),
            (trade.word_bits == own.word_bits, "word_bits"),
            (trade.signal_strength == own.signal_strength, "signal_strength"),
            (trade.confidence == own.confidence, "confidence"),
            (trade.math == own.math, "math"),
            (trade.market == own.market, "market"),
            (trade.legacy_hash == own.legacy_hash, "legacy_hash"),
        ];
        checks.iter().find(|(same, _)| !same).map(|(_, field)| *field)
    }

    pub(super) fn fold_ended(&mut self, said: &RunEnded) -> Result<(), FindingKind> {
        self.ended = true;
        let found = self.counts();
        let pairs = [
            ("bars", said.bars, found.bars),
            ("defects", said.defects, found.defects),
            ("orders", said.orders, found.orders),
            ("refused", said.refused, found.refused),
            ("fills", said.fills, found.fills),
            ("trades", said.trades, found.trades),
        ];
        match pairs.iter().find(|(_, said, found)| said != found) {
            Some(&(counted, said, found)) => Err(FindingKind::Counts { counted, said, found }),
            None => Ok(()),
        }
    }

    pub(super) fn market_digest(&self) -> Digest {
        state_digest(&(&self.pairs, &self.instant, self.instant_over))
    }

    pub(super) fn portfolio_digest(&self) -> Digest {
        state_digest(&(&self.portfolio, &self.equity))
    }

    pub(super) fn orders_digest(&self) -> Digest {
        let run = (&*self.started, self.first_sequence, self.began, self.ended);
        state_digest(&(run, &self.counters, self.highest_order, &self.owed))
    }

    /// Returns the counts that end the run.
    pub(super) const fn counts(&self) -> RunEnded {
        let Counters { bars, defects, orders, refused, fills, trades, .. } = self.counters;
        RunEnded { bars, defects, orders, refused, fills, trades }
    }
}

/// Returns the fill as a lot.
pub(super) fn lot_of(fill: &OrderFilled, pending: &Pending) -> Lot {
    Lot {
        order: fill.order,
        side: fill.side,
        quantity: fill.quantity,
        price: fill.price,
        fee: fill.fee,
        time: fill.time,
        reason: pending.order.reason,
        signal: pending.signal.clone(),
        ghost: pending.ghost.clone(),
    }
}
