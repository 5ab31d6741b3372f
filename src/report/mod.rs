//! What a ledger amounts to, as one page that explains itself.
//!
//! Every figure is worked out anew from the log and says its formula, on how many values it rests
//! and over which time. Floats are for these figures and for drawing only; no decision sees one.
//!
//! Invariants: the same ledger gives the same bytes, on every machine; no figure is infinite or no
//! number: what is undefined is none; memory does not grow with the log, but with its days and its
//! closed trades.

mod account;
mod charts;
mod drawdown;
mod equity;
mod evidence;
mod metric;
mod metrics;
mod overfitting;
mod page;
mod page_parts;
mod patterns;
mod proof;
pub mod returns;
mod selection;
mod selection_page;
mod selection_rows;
mod selection_words;
mod sharpe;
mod sheet;
mod slices;
pub mod statistics;
mod svg;
mod table;
mod thinned;
mod trades;
mod words;

pub use drawdown::{Drawdowns, FALLS_KEPT, Fall};
pub use metric::{Metric, Range, Unit};
pub use metrics::{return_metrics, value_of};
pub use overfitting::{Overfitting, overfitting};
pub use proof::Proof;
pub use returns::{Closes, Period};
pub use selection::{
    Figures, Followed, Judged, Judgement, SelectionError, UnitPoint, WalkForward, Window, judge,
};
pub use selection_page::selection_page;
pub use sharpe::{
    SharpeEstimate, Trials, deflated_sharpe, expected_best_sharpe, minimum_track_record,
    probabilistic_sharpe,
};
pub use sheet::{
    CloseRow, DAYS_ENOUGH, ReportError, RunFacts, SheetOptions, TearSheet, TradeRow, tear_sheet,
};
pub use table::{Cell, Column, Table};
pub use trades::{TradeFigures, trade_metrics};
