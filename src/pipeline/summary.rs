//! What a run came to, in figures.

use serde::Serialize;

use super::unrecorded::Unrecorded;
use crate::engines::{Engines, FlipReport, GhostReport, OrbitReport};
use crate::event::{FillModel, RunId};
use crate::hash::Digest;
use crate::kernel::{Counters, RunState};
use crate::ledger::Head;
use crate::projections::{AccountSummary, DataQuality};
use crate::registries::{Registries, Statistics};
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
    /// What the engines say; none where the strategy has no use for them.
    pub engines: Option<EngineReports>,
    /// What the registries hold.
    pub registries: Statistics,
    /// Why a snapshot could not be written, if one could not: the log is whole all the same.
    pub snapshot_failure: Option<String>,
}

/// What the three engines say of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EngineReports {
    /// Ghosts, their evidence and the gate.
    pub ghosts: GhostReport,
    /// Orbits and weights.
    pub orbits: OrbitReport,
    /// Words, flips and the predictor.
    pub flips: FlipReport,
}

impl EngineReports {
    /// Returns the reports of the engines.
    #[must_use]
    pub fn of(engines: &Engines) -> Self {
        let Engines { ghosts, orbits, flips } = engines;
        Self { ghosts: ghosts.report(), orbits: orbits.report(), flips: flips.report() }
    }
}

impl Summary {
    pub(super) fn new(
        run: &RunState,
        registries: &Registries,
        first_sequence: u64,
        (head, chain_head): (Head, Digest),
        time: Timestamp,
        stopped: bool,
    ) -> Self {
        let venue = &run.started().config.venue;
        let figures = Unrecorded::of(run, time, stopped);
        Self {
            run: figures.run,
            first_sequence,
            records: head.size - first_sequence,
            counters: figures.counters,
            quality: figures.quality,
            head,
            chain_head,
            account_currency: figures.account_currency,
            accounts: figures.accounts,
            open_positions: figures.open_positions,
            time,
            stopped,
            fill: venue.fill,
            fee_rate: venue.fee_rate,
            engines: run.engines().map(EngineReports::of),
            registries: registries.statistics(),
            snapshot_failure: None,
        }
    }

    /// Returns the account of the headline figures.
    #[must_use]
    pub fn account(&self) -> Option<&AccountSummary> {
        self.accounts.iter().find(|known| known.currency == self.account_currency)
    }
}
