//! What markets say: bars, and what is wrong with the files they come from.

use serde::Serialize;

use super::run::PairId;
use super::wire::{Decode, Encode};
use crate::time::Timestamp;
use crate::units::{Price, Quantity};

/// A bar that has closed.
///
/// Candle stamps are open times; the bar is known only when it is over, at `available_at`, which
/// is also the record's event time.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Bar {
    /// The pair.
    pub pair: PairId,
    /// One-based row in its file, or number from its generator.
    pub row: u64,
    /// When the bar began.
    pub open_time: Timestamp,
    /// When it was over, and so known: open time plus interval.
    pub available_at: Timestamp,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Amount traded, in the instrument's volume unit.
    pub volume: Quantity,
    /// Number of trades, where the source tells it.
    pub trades: Option<u64>,
    /// True for the last input of its instant: the kernel decides, for all pairs, only there.
    pub last_of_instant: bool,
}

/// What is wrong with a row, or between two rows.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Defect {
    /// Bars are missing before this row. The row itself was delivered.
    Gap {
        /// Open time of the bar before.
        after: Timestamp,
        /// Open time of this row's bar.
        until: Timestamp,
        /// How many bars are missing.
        missing_bars: u64,
    },
    /// The row repeats the open time of the bar before, and was left out.
    Duplicate {
        /// The repeated open time.
        open_time: Timestamp,
        /// Whether all its values are the same too.
        identical: bool,
    },
    /// The row is older than the bar before, and was left out.
    Disorder {
        /// The row's open time.
        open_time: Timestamp,
        /// The newest open time so far.
        newest: Timestamp,
    },
    /// The row cannot be read, and was left out as the operator asked.
    Malformed {
        /// The field at fault.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The row's open time is not a whole number of intervals after the bar before. Delivered.
    OffGrid {
        /// Open time of the bar before.
        after: Timestamp,
        /// The row's open time.
        open_time: Timestamp,
    },
}

/// A defect of the data, at its place in the stream.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct DataDefect {
    /// The pair whose source it is.
    pub pair: PairId,
    /// One-based row in its file.
    pub row: u64,
    /// What is wrong.
    pub defect: Defect,
}
