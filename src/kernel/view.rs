//! The world as a strategy sees it: the run under way and the registries, read-only.

use std::collections::BTreeMap;

use super::run::RunState;
use crate::event::{PairId, RunConfig};
use crate::registries::TradeRegistry;
use crate::strategies::{Pending, View};
use crate::units::{MoneyExact, Price, Quantity};

/// What a strategy sees.
pub(super) struct RunView<'a> {
    pub(super) run: &'a RunState,
    pub(super) trades: &'a TradeRegistry,
}

impl View for RunView<'_> {
    fn config(&self) -> &RunConfig {
        &self.run.started().config
    }

    fn instant(&self) -> &[PairId] {
        self.run.instant()
    }

    fn bars(&self, pair: PairId) -> u64 {
        self.run.pair(pair).map_or(0, |state| state.bars)
    }

    fn last_price(&self, pair: PairId) -> Option<Price> {
        self.run.mark(usize::from(pair.0))
    }

    fn position(&self, pair: PairId) -> Quantity {
        self.run.portfolio().position(pair).map_or(Quantity::ZERO, |known| known.quantity)
    }

    fn pending(&self, pair: PairId) -> &BTreeMap<u64, Pending> {
        static NONE: BTreeMap<u64, Pending> = BTreeMap::new();
        self.run.pair(pair).map_or(&NONE, |state| &state.pending)
    }

    fn cash(&self, currency: &str) -> Option<MoneyExact> {
        self.run.portfolio().account(currency).map(|account| account.cash)
    }

    fn equity(&self, currency: &str) -> Option<MoneyExact> {
        self.run.equity(currency)
    }

    fn trades(&self) -> &TradeRegistry {
        self.trades
    }
}
