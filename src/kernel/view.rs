//! The world as a strategy sees it: the run under way and the registries, read-only.

use std::collections::BTreeMap;

use super::run::RunState;
use crate::engines::Engines;
use crate::event::{PairId, RunConfig};
use crate::registries::Registries;
use crate::strategies::{Pending, View};
use crate::time::Timestamp;
use crate::units::{MoneyExact, Price, Quantity, Ratio};

/// What a strategy sees.
pub(super) struct RunView<'a> {
    pub(super) run: &'a RunState,
    pub(super) registries: &'a Registries,
}

impl View for RunView<'_> {
    fn config(&self) -> &RunConfig {
        &self.run.started().config
    }

    fn instant(&self) -> &[PairId] {
        self.run.instant()
    }

    fn bars(&self, pair: PairId) -> u64 {
        self.run.pair(pair).map_or(0, |state| state.quality.bars)
    }

    fn last_price(&self, pair: PairId) -> Option<Price> {
        self.run.mark(usize::from(pair.0))
    }

    fn mean_volume(&self, pair: PairId) -> Option<Quantity> {
        self.run.pair(pair)?.volumes.mean().filter(|volume| volume.is_positive())
    }

    fn deviation(&self, pair: PairId) -> Option<Ratio> {
        self.run.pair(pair)?.returns.deviation()
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

    fn last_time(&self, pair: PairId) -> Option<Timestamp> {
        self.run.pair(pair).and_then(|state| state.last).map(|last| last.available_at)
    }

    fn position_ghost(&self, pair: PairId) -> Option<u64> {
        let lot = self.run.portfolio().position(pair)?.lots.front()?;
        lot.ghost.as_ref().map(|ghost| ghost.opened.ghost)
    }

    fn engines(&self) -> Option<&Engines> {
        self.run.engines()
    }

    fn registries(&self) -> &Registries {
        self.registries
    }
}
