//! The tables of an export, column by column: fixed, and stated in `EXPORTS.md`.
//!
//! Invariants: a row is made of one record, and its first columns are the record's sequence, its
//! event time and its run (of `records`, the run may be absent); the order, names and types of
//! columns are the same in every format; a column is never renamed, and new ones come last.

use crate::event::VECTOR_FEATURES;
use crate::units::{EXACT_SCALE_DIGITS, RATIO_SCALE_DIGITS, SCALE_DIGITS};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Text, UTF-8.
    Text,
    /// A whole number from 0 to 2^64 - 1.
    Count,
    /// An exact decimal with at most so many digits behind the point.
    Decimal(u32),
    /// An instant. CSV and JSON Lines have a second column for it, `NAME_ns`.
    Time,
    /// Yes or no.
    Flag,
}

impl ColumnType {
    /// Returns the type's name in `EXPORTS.md`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Count => "count".to_owned(),
            Self::Decimal(scale) => format!("decimal {scale}"),
            Self::Time => "time".to_owned(),
            Self::Flag => "flag".to_owned(),
        }
    }
}

/// One column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub holds: ColumnType,
    /// Whether a row may have nothing there.
    pub optional: bool,
}

/// What can be exported as a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Every record.
    Records,
    /// Bars that closed.
    Bars,
    /// What became of intentions, short of a fill.
    Orders,
    /// Executions.
    Fills,
    /// Closed round trips.
    Trades,
    /// What paper trades did, and what the gate said.
    Ghosts,
    /// What profit buckets saw.
    Buckets,
    /// Soulprints and what they came to.
    Soulprints,
    /// What belongs together, and which orphans were answered.
    Links,
    /// Equity after every instant.
    Equity,
}

const TEXT: ColumnType = ColumnType::Text;
const COUNT: ColumnType = ColumnType::Count;
const TIME: ColumnType = ColumnType::Time;
const FLAG: ColumnType = ColumnType::Flag;
/// Prices, quantities and money.
const UNITS: ColumnType = ColumnType::Decimal(SCALE_DIGITS);
/// Sums of price times quantity.
const EXACT: ColumnType = ColumnType::Decimal(EXACT_SCALE_DIGITS);
const RATIO: ColumnType = ColumnType::Decimal(RATIO_SCALE_DIGITS);

const fn always(name: &'static str, holds: ColumnType) -> Column {
    Column { name, holds, optional: false }
}

const fn maybe(name: &'static str, holds: ColumnType) -> Column {
    Column { name, holds, optional: true }
}

/// A table's columns: those that every row begins with, and its own.
macro_rules! columns {
    ($($column:expr),* $(,)?) => {
        &[always("sequence", COUNT), always("time", TIME), maybe("run", TEXT), $($column),*]
    };
}

const RECORDS: &[Column] = columns![
    always("kind", TEXT),
    always("class", TEXT),
    always("vantage", TEXT),
    maybe("actor", TEXT),
    always("clock", TEXT),
    always("clock_status", TEXT),
    maybe("cause", COUNT),
    always("digest", TEXT),
    always("payload", TEXT),
];
const BARS: &[Column] = columns![
    maybe("symbol", TEXT),
    always("row", COUNT),
    always("open_time", TIME),
    always("open", UNITS),
    always("high", UNITS),
    always("low", UNITS),
    always("close", UNITS),
    always("volume", UNITS),
    maybe("trades", COUNT),
];
const ORDERS: &[Column] = columns![
    always("event", TEXT),
    maybe("order", COUNT),
    maybe("symbol", TEXT),
    maybe("side", TEXT),
    maybe("quantity", UNITS),
    maybe("reference_price", UNITS),
    maybe("reason", TEXT),
];
const FILLS: &[Column] = columns![
    always("order", COUNT),
    maybe("symbol", TEXT),
    always("side", TEXT),
    always("quantity", UNITS),
    always("price", UNITS),
    always("fee", UNITS),
    always("slippage", RATIO),
    always("filled_at", TIME),
];
const TRADES: &[Column] = columns![
    always("hash", TEXT),
    always("trade", COUNT),
    always("symbol", TEXT),
    always("strategy", TEXT),
    always("side", TEXT),
    always("quantity", UNITS),
    always("entry_order", COUNT),
    always("entry_time", TIME),
    always("entry_price", UNITS),
    always("entry_fee", UNITS),
    always("entry_reason", TEXT),
    always("exit_order", COUNT),
    always("exit_time", TIME),
    always("exit_price", UNITS),
    always("exit_fee", UNITS),
    always("exit_reason", TEXT),
    always("gross", EXACT),
    always("net", EXACT),
    maybe("trigger", TEXT),
    maybe("word_bits", COUNT),
    maybe("signal_strength", RATIO),
    maybe("confidence", RATIO),
    maybe("legacy_hash", TEXT),
];
const GHOSTS: &[Column] = columns![
    always("event", TEXT),
    maybe("ghost", COUNT),
    maybe("symbol", TEXT),
    maybe("leg", TEXT),
    maybe("trigger", TEXT),
    maybe("direction", TEXT),
    maybe("word_bits", COUNT),
    maybe("strength", RATIO),
    maybe("quantity", UNITS),
    maybe("price", UNITS),
    maybe("slippage", RATIO),
    maybe("reason", TEXT),
    maybe("cases", COUNT),
    maybe("successes", COUNT),
    maybe("lower_bound", RATIO),
    maybe("mean_net_return", RATIO),
    maybe("net_return", RATIO),
    maybe("success", FLAG),
];
const BUCKETS: &[Column] = columns![
    always("event", TEXT),
    always("bucket", TEXT),
    maybe("soulprint", TEXT),
    maybe("trade", TEXT),
    maybe("trigger", TEXT),
    maybe("direction", TEXT),
    maybe("drift", TEXT),
    maybe("volatility", TEXT),
    maybe("volume", TEXT),
    maybe("clock", TEXT),
    maybe("similarity", RATIO),
    maybe("support", COUNT),
    maybe("expected_success", RATIO),
    maybe("expected_net_return", RATIO),
    maybe("net_return", RATIO),
    maybe("holding_seconds", RATIO),
    maybe("success", FLAG),
];
const SOULPRINTS: &[Column] = columns![
    always("event", TEXT),
    always("soulprint", TEXT),
    maybe("order", COUNT),
    maybe("ghost", COUNT),
    maybe("symbol", TEXT),
    maybe("entered_at", TIME),
    maybe(VECTOR_FEATURES[0], RATIO),
    maybe(VECTOR_FEATURES[1], RATIO),
    maybe(VECTOR_FEATURES[2], RATIO),
    maybe(VECTOR_FEATURES[3], RATIO),
    maybe(VECTOR_FEATURES[4], RATIO),
    maybe(VECTOR_FEATURES[5], RATIO),
    maybe("bucket", TEXT),
    maybe("confidence", RATIO),
    maybe("up_probability", RATIO),
    maybe("weight", RATIO),
    maybe("trade", TEXT),
    maybe("net", EXACT),
    maybe("net_return", RATIO),
];
const LINKS: &[Column] = columns![
    always("event", TEXT),
    always("registry", TEXT),
    always("entry", TEXT),
    maybe("trade", TEXT),
    maybe("trade_number", COUNT),
    maybe("fault", TEXT),
];
const EQUITY: &[Column] = columns![
    always("currency", TEXT),
    always("cash", EXACT),
    always("equity", EXACT),
    always("peak", EXACT),
    always("net_profit", EXACT),
    always("fees", EXACT),
    always("trades", COUNT),
];

impl Table {
    /// Every table.
    pub const ALL: [Self; 10] = [
        Self::Records,
        Self::Bars,
        Self::Orders,
        Self::Fills,
        Self::Trades,
        Self::Ghosts,
        Self::Buckets,
        Self::Soulprints,
        Self::Links,
        Self::Equity,
    ];

    /// Returns the table's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Bars => "bars",
            Self::Orders => "orders",
            Self::Fills => "fills",
            Self::Trades => "trades",
            Self::Ghosts => "ghosts",
            Self::Buckets => "buckets",
            Self::Soulprints => "soulprints",
            Self::Links => "links",
            Self::Equity => "equity",
        }
    }

    /// Returns the `type` of its rows in JSON Lines.
    #[must_use]
    pub const fn row_type(self) -> &'static str {
        match self {
            Self::Records => "record",
            Self::Bars => "bar",
            Self::Orders => "order",
            Self::Fills => "fill",
            Self::Trades => "trade",
            Self::Ghosts => "ghost",
            Self::Buckets => "bucket",
            Self::Soulprints => "soulprint",
            Self::Links => "link",
            Self::Equity => "equity",
        }
    }

    /// Returns the table's columns, in order.
    ///
    /// # Examples
    /// ```
    /// use schwabot::export::Table;
    /// assert_eq!(Table::Fills.columns()[0].name, "sequence");
    /// ```
    #[must_use]
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::Records => RECORDS,
            Self::Bars => BARS,
            Self::Orders => ORDERS,
            Self::Fills => FILLS,
            Self::Trades => TRADES,
            Self::Ghosts => GHOSTS,
            Self::Buckets => BUCKETS,
            Self::Soulprints => SOULPRINTS,
            Self::Links => LINKS,
            Self::Equity => EQUITY,
        }
    }
}
