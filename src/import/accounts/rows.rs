//! What account files say, in words of no venue: fills, round trips, entries, and what is odd.

use crate::event::{Exactness, Liquidity, Side};
use crate::import::{Fault, Number, ReadError};
use crate::time::Timestamp;
use crate::units::MoneyExact;

/// The most bytes that an identifier, symbol, tag or reason may have.
pub const WORD_MAX: usize = 256;

/// One execution, as the file tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FillRow {
    /// One-based line, element or row of the file.
    pub row: u64,
    /// When it happened.
    pub time: Timestamp,
    /// The market, as the file writes it.
    pub symbol: String,
    /// Bought or sold.
    pub side: Side,
    /// Quote currency for one unit of base.
    pub price: Number,
    /// Amount of base currency, above zero.
    pub quantity: Number,
    /// Amount of quote currency without the fee, where the file says it.
    pub quote: Option<Number>,
    /// The fee: positive is paid, negative a rebate.
    pub fee: Option<Number>,
    /// What the fee was paid in.
    pub fee_currency: Option<String>,
    /// The venue's name of the execution.
    pub trade_id: Option<String>,
    /// The venue's name of the order.
    pub order_id: Option<String>,
    /// Where, if the file tells it for each execution.
    pub venue: Option<String>,
    /// Whether the order made or took liquidity.
    pub liquidity: Option<Liquidity>,
    /// What the numbers were before they became text.
    pub exactness: Exactness,
    /// What else the file tells, by name.
    pub extra: Vec<(&'static str, String)>,
}

impl FillRow {
    /// Makes an execution of what every file says.
    pub(super) fn new(
        (row, time): (u64, Timestamp),
        (symbol, side): (String, Side),
        (price, quantity): (Number, Number),
    ) -> Self {
        Self {
            row,
            time,
            symbol,
            side,
            price,
            quantity,
            quote: None,
            fee: None,
            fee_currency: None,
            trade_id: None,
            order_id: None,
            venue: None,
            liquidity: None,
            exactness: Exactness::Decimal,
            extra: Vec::new(),
        }
    }
}

/// An execution that was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BustRow {
    /// One-based line, element or row of the file.
    pub row: u64,
    /// When it was said.
    pub time: Timestamp,
    /// The market, as the file writes it.
    pub symbol: String,
    /// The venue's name of the execution that is no more.
    pub trade_id: String,
    /// The venue's name of what says so.
    pub by: String,
    /// Whether the execution of the name `by` stands in its place.
    pub corrected: bool,
}

/// A round trip that somebody claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TripRow {
    /// One-based line, element or row of the file.
    pub row: u64,
    /// The name that the file gives it.
    pub id: Option<String>,
    /// The market, as the file writes it.
    pub symbol: String,
    /// Side of the entry.
    pub side: Side,
    /// When it was entered.
    pub entry_time: Timestamp,
    /// Entry price.
    pub entry_price: Number,
    /// When it was left; none while it is open.
    pub exit_time: Option<Timestamp>,
    /// Exit price; none while it is open, or where the file says none.
    pub exit_price: Option<Number>,
    /// Amount of base currency.
    pub quantity: Option<Number>,
    /// What was staked, in quote currency.
    pub notional: Option<Number>,
    /// All fees, in quote currency.
    pub fees: Option<Number>,
    /// The profit that is claimed, in quote currency.
    pub claimed: Option<Number>,
    /// The profit that follows from the figures above.
    pub computed: Option<MoneyExact>,
    /// Whether claim and computation are the same, within what binary floats and their printing
    /// lose; none where one of them is missing.
    pub agrees: Option<bool>,
    /// Whether it is open still.
    pub open: bool,
    /// Why it was left.
    pub exit_reason: Option<String>,
    /// What its entry was tagged with.
    pub tag: Option<String>,
    /// The strategy.
    pub strategy: Option<String>,
    /// What the numbers were before they became text.
    pub exactness: Exactness,
    /// What else the file tells, by name.
    pub extra: Vec<(&'static str, String)>,
}

impl TripRow {
    /// Makes a closed round trip of what every file says; its numbers were binary floats.
    pub(super) fn new(
        row: u64,
        (symbol, side): (String, Side),
        (entry_time, entry_price): (Timestamp, Number),
    ) -> Self {
        Self {
            row,
            id: None,
            symbol,
            side,
            entry_time,
            entry_price,
            exit_time: None,
            exit_price: None,
            quantity: None,
            notional: None,
            fees: None,
            claimed: None,
            computed: None,
            agrees: None,
            open: false,
            exit_reason: None,
            tag: None,
            strategy: None,
            exactness: Exactness::BinaryFloat,
            extra: Vec::new(),
        }
    }
}

/// An entry of the earlier system's registries, kept as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// One-based number of the entry in its file.
    pub row: u64,
    /// The registry, bucket or memory that it stood in.
    pub registry: String,
    /// Its name there.
    pub key: String,
    /// The entry as JSON: keys sorted, no blanks, numbers as they were written.
    pub json: String,
    /// When it says that it was made.
    pub time: Option<Timestamp>,
}

/// Something that people must be told of, and that is no fact of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// One-based line, element or row; 0 where it is about the whole file.
    pub row: u64,
    /// Which sort of thing it is.
    pub kind: NoticeKind,
    /// How many of what it tells of: rows that are no facts, numbers that are missing; at least 1.
    pub count: u64,
    /// What it is, in words.
    pub what: String,
}

/// Sorts of notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeKind {
    /// Columns or fields that are not read.
    Unread,
    /// Numbers that the source cut off or rounded before the file was written.
    Inexact,
    /// A number that sequence numbers leap over.
    Gap,
    /// Times without a zone.
    TimeZone,
    /// A figure that does not follow from the figures beside it.
    Contradiction,
    /// A row that is no fact of trading: a deposit, a heartbeat, a cancelled order.
    NoFact,
    /// A trade that is open still.
    Open,
}

/// What comes next in an account file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// An execution.
    Fill(Box<FillRow>),
    /// An execution that was taken back.
    Bust(Box<BustRow>),
    /// A round trip.
    Trip(Box<TripRow>),
    /// An entry of the earlier system.
    Entry(Box<EntryRow>),
    /// Something to be told of.
    Notice(Notice),
    /// A row that cannot be taken; those behind it can be read.
    Bad {
        /// One-based line, element or row.
        row: u64,
        /// What is wrong with it, and where.
        fault: Fault,
    },
}

impl Told {
    /// Something to be told of, once.
    pub(super) fn notice(row: u64, kind: NoticeKind, what: impl Into<String>) -> Self {
        Self::notices(row, kind, 1, what)
    }

    /// Something to be told of so many.
    pub(super) fn notices(row: u64, kind: NoticeKind, count: u64, what: impl Into<String>) -> Self {
        Self::Notice(Notice { row, kind, count, what: what.into() })
    }
}

/// The rows of an account file, one at a time.
pub trait AccountRows {
    /// Returns what comes next, or none at the end. After an error there is nothing more.
    ///
    /// # Errors
    /// [`ReadError`], with line, column and field where the file is at fault.
    fn next(&mut self) -> Result<Option<Told>, ReadError>;
}

/// Reads a number, without zeros at its end; says what is wrong with any other text.
pub(super) fn number(text: &str) -> Result<Number, String> {
    match Number::parse(text) {
        Ok(number) => Ok(number.trimmed()),
        Err(error) => Err(format!("{}: {error}", quote(text))),
    }
}

/// Refuses a number that is not above zero, or that no field of a record can tell from zero.
pub(super) fn above_zero(number: Number) -> Result<Number, &'static str> {
    match (number.raw() > 0, number.is_positive()) {
        (true, _) => Ok(number),
        (false, true) => Err("is finer than 10^-12 and rounds to zero"),
        (false, false) => Err("is not above zero"),
    }
}

/// Reads `buy` or `sell` in any case; says what is wrong with any other text.
pub(super) fn side(text: &str) -> Result<Side, String> {
    if text.eq_ignore_ascii_case("buy") {
        Ok(Side::Buy)
    } else if text.eq_ignore_ascii_case("sell") {
        Ok(Side::Sell)
    } else {
        Err(format!("{} is neither buy nor sell", quote(text)))
    }
}

/// Characters of a field that an error quotes at most.
const QUOTE_MAX: usize = 40;

/// Quotes untrusted text for a message: short, and without control characters.
pub(super) fn quote(text: &str) -> String {
    let shown: String = text.chars().take(QUOTE_MAX).collect();
    let more = if shown.len() < text.len() { "..." } else { "" };
    let mut safe = String::with_capacity(shown.len());
    for character in shown.chars() {
        if character.is_control() {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    format!("`{safe}{more}`")
}
