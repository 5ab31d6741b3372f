//! What a ledger amounts to, as one page that explains itself.
//!
//! Every figure is worked out anew from the log and says its formula, on how many values it rests and
//! over which time. Floats are for these figures and for drawing only; no decision sees one.
//!
//! Invariants: the same ledger gives the same bytes, on every machine; no figure is infinite or no
//! number: what is undefined is none; memory does not grow with the log, but with its days and its
//! closed trades.

mod drawdown;
mod metric;
mod metrics;
pub mod returns;
mod sharpe;
pub mod statistics;
mod trades;

pub use drawdown::{Drawdowns, FALLS_KEPT, Fall};
pub use metric::{Metric, Range, Unit};
pub use metrics::{return_metrics, value_of};
pub use returns::{Closes, Period};
pub use sharpe::{
    SharpeEstimate, Trials, deflated_sharpe, expected_best_sharpe, minimum_track_record,
    probabilistic_sharpe,
};
pub use trades::{TradeFigures, trade_metrics};
