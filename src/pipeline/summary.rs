//! What a run came to, in figures.

use crate::event::{FillModel, RunId};
use crate::hash::Digest;
use crate::kernel::{Counters, RunState};
use crate::ledger::Head;
use crate::projections::{AccountSummary, DataQuality, account_summaries};
use crate::time::Timestamp;
use crate::units::Ratio;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The run.
    pub run: RunId,
    /// Sequence of its first record.
    pub first_sequence: u64,
    /// Records of the run.
    pub records: u64,
    /// Its records by kind.
    pub counters: Counters,
    /// What is wrong with its data.
    pub quality: DataQuality,
    /// Head of the ledger.
    pub head: Head,
    /// Link of the ledger's last frame.
    pub chain_head: Digest,
    /// Currency of the headline figures.
    pub account_currency: String,
    /// Every account, sorted by currency.
    pub accounts: Vec<AccountSummary>,
    /// Pairs with an open position.
    pub open_positions: u64,
    /// The simulated time at the end.
    pub time: Timestamp,
    /// True when the run was stopped before the end of its data.
    pub stopped: bool,
    /// When its orders fill.
    pub fill: FillModel,
    /// Fee as a share of the notional, once a side.
    pub fee_rate: Ratio,
}

impl Summary {
    pub(super) fn new(
        run: &RunState,
        quality: DataQuality,
        first_sequence: u64,
        (head, chain_head): (Head, Digest),
        time: Timestamp,
        stopped: bool,
    ) -> Self {
        let started = run.started();
        let positions = run.portfolio().positions();
        let open = positions.iter().filter(|position| position.side().is_some()).count();
        Self {
            run: started.run,
            first_sequence,
            records: head.size - first_sequence,
            counters: *run.counters(),
            quality,
            head,
            chain_head,
            account_currency: started.config.account_currency.clone(),
            accounts: account_summaries(run),
            open_positions: open as u64,
            time,
            stopped,
            fill: started.config.venue.fill,
            fee_rate: started.config.venue.fee_rate,
        }
    }

    /// Returns the account of the headline figures.
    #[must_use]
    pub fn account(&self) -> Option<&AccountSummary> {
        self.accounts.iter().find(|known| known.currency == self.account_currency)
    }
}
