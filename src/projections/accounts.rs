//! The money of a run, account by account.

use serde::Serialize;

use crate::kernel::RunState;
use crate::units::MoneyExact;

/// One currency's money in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountSummary {
    /// The currency.
    pub currency: String,
    /// Opening cash.
    pub opening: MoneyExact,
    /// Cash now.
    pub cash: MoneyExact,
    /// Net profit of closed trades.
    pub net_profit: MoneyExact,
    /// Profit of open positions at the last closes; none where the exact sum does not fit.
    pub unrealised: Option<MoneyExact>,
    /// Cash and positions at the last closes; none where the exact sum does not fit.
    pub equity: Option<MoneyExact>,
    /// All fees.
    pub fees: MoneyExact,
    /// The deepest fall of equity below an earlier peak.
    pub max_drawdown: MoneyExact,
}

/// Returns the money of a run, account by account.
#[must_use]
pub fn account_summaries(run: &RunState) -> Vec<AccountSummary> {
    let accounts = run.portfolio().accounts().iter().zip(run.equity_tracks());
    let summary = accounts.map(|(account, track)| AccountSummary {
        currency: account.currency.clone(),
        opening: account.opening,
        cash: account.cash,
        net_profit: account.net,
        unrealised: run.unrealised(&account.currency),
        equity: run.equity(&account.currency),
        fees: account.fees,
        max_drawdown: track.max_drawdown,
    });
    summary.collect()
}
