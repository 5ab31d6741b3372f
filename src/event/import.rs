//! Other people's records: what was read from which file, as it stands there.
//!
//! An import is an [`ImportStarted`], facts and defects in the order of the file, and an
//! [`ImportEnded`]. It stands outside every run: its records bear an id of their own as run id, and
//! no kernel and no state sees them. Without its end an import was cut off.
//!
//! Invariants: a number that is finer than its field is rounded half-even, and `finer` then holds
//! the whole number under the field's name: nothing is lost and nothing rounded unseen. Texts of a
//! file are bounded before they come here.

use serde::Serialize;

use super::order::Side;
use super::wire::{Decode, Encode};
use crate::hash::Digest;
use crate::time::{Span, Timestamp};
use crate::units::{Money, MoneyExact, Price, Quantity};

/// A text under a name.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct NamedText {
    /// The name.
    pub name: String,
    /// The text.
    pub text: String,
}

/// A file is being imported. Its name is not recorded: the digest says which it was.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ImportStarted {
    /// What the file is, as `schwabot import --list` names it.
    pub format: String,
    /// Version of the importer: another one may read the same file differently.
    pub importer: u32,
    /// Length of the file as stored, in bytes.
    pub bytes: u64,
    /// SHA-256 of the file as stored (compressed, if it is).
    pub digest: Digest,
    /// A checksum file beside it held the same digest.
    pub checksum_matched: bool,
    /// Whose data it is: a venue, an account, a bot.
    pub label: String,
    /// The symbol, where one holds for the whole file.
    pub symbol: Option<String>,
    /// The symbol of rows that name none, in a file whose rows name theirs: as the operator said.
    pub symbol_unnamed: Option<String>,
    /// Length of the bars, where there are any.
    pub interval: Option<Span>,
    /// How far east of UTC the clock was that wrote the file's times: as the operator said; none
    /// where nobody did, or where the file's own times say it.
    pub utc_offset: Option<Span>,
    /// The file's numbers were binary floats before they were written: their last digits may be
    /// an echo of that.
    pub binary_floats: bool,
}

/// A bar that somebody else recorded.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ImportedBar {
    /// One-based line, or element of a JSON array.
    pub row: u64,
    /// What was traded.
    pub symbol: String,
    /// When the bar began.
    pub open_time: Timestamp,
    /// How long it is.
    pub interval: Span,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Amount traded, in the unit of the source.
    pub volume: Quantity,
    /// The same in quote currency, where the source tells it.
    pub quote_volume: Option<Money>,
    /// Number of trades, where the source tells it.
    pub trades: Option<u64>,
    /// Amount that takers bought.
    pub taker_buy_volume: Option<Quantity>,
    /// The same in quote currency.
    pub taker_buy_quote_volume: Option<Money>,
    /// Numbers that are finer than their field, whole.
    pub finer: Vec<NamedText>,
}

/// A trade of the public.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct TradePrint {
    /// One-based line, or element of a JSON array.
    pub row: u64,
    /// What was traded.
    pub symbol: String,
    /// The venue's number of it.
    pub id: Option<String>,
    /// First of the trades that were added up in it.
    pub first_id: Option<u64>,
    /// Last of them.
    pub last_id: Option<u64>,
    /// When it happened, by the venue's clock.
    pub time: Timestamp,
    /// When it was received, by the clock of who recorded it.
    pub received: Option<Timestamp>,
    /// Who took: buy where the maker sold.
    pub aggressor: Option<Side>,
    /// Its price.
    pub price: Price,
    /// Amount of base currency.
    pub quantity: Quantity,
    /// Amount of quote currency, where the source tells it.
    pub quote: Option<Money>,
    /// What kind of trade, in the source's word.
    pub execution: Option<String>,
    /// Numbers that are finer than their field, whole.
    pub finer: Vec<NamedText>,
}

/// The best price of one side, and the amount that waits there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct QuoteLevel {
    /// The price.
    pub price: Price,
    /// The amount.
    pub quantity: Quantity,
}

/// The best prices of a book at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Quote {
    /// One-based line, or element of a JSON array.
    pub row: u64,
    /// What is traded.
    pub symbol: String,
    /// The venue's number of the update.
    pub update: Option<u64>,
    /// When it was so, by the clock that the source has.
    pub time: Timestamp,
    /// When it was received, by the clock of who recorded it.
    pub received: Option<Timestamp>,
    /// Who buys.
    pub bid: Option<QuoteLevel>,
    /// Who sells.
    pub ask: Option<QuoteLevel>,
    /// Numbers that are finer than their field, whole.
    pub finer: Vec<NamedText>,
}

/// One side of a quote bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct QuoteSpan {
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Amount at the last one.
    pub quantity: Quantity,
}

/// The best prices of a book over a time.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct QuoteBar {
    /// One-based line, or element of a JSON array.
    pub row: u64,
    /// What is traded.
    pub symbol: String,
    /// When the bar began.
    pub open_time: Timestamp,
    /// How long it is.
    pub interval: Span,
    /// Who bought.
    pub bid: Option<QuoteSpan>,
    /// Who sold.
    pub ask: Option<QuoteSpan>,
    /// Numbers that are finer than their field, whole.
    pub finer: Vec<NamedText>,
}

/// Who waited in the book and who came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Liquidity {
    /// The order waited in the book.
    Maker,
    /// The order met one that waited.
    Taker,
}

/// What the numbers of a fact were before they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exactness {
    /// Decimals: exact.
    Decimal,
    /// Binary floats: the shortest decimal that gives the same float again.
    BinaryFloat,
    /// Cut off by whoever stored them: true to the last digit at most.
    Truncated,
}

/// A fill of an account's own order, as a venue or a bot tells it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ImportedFill {
    /// One-based line, or element of a JSON array.
    pub row: u64,
    /// What was traded.
    pub symbol: String,
    /// Where, if the source tells it for each fill.
    pub venue: Option<String>,
    /// The venue's number of the trade.
    pub trade_id: Option<String>,
    /// The venue's number of the order.
    pub order_id: Option<String>,
    /// When it happened.
    pub time: Timestamp,
    /// Bought or sold.
    pub side: Side,
    /// The price.
    pub price: Price,
    /// Amount of base currency.
    pub quantity: Quantity,
    /// Amount of quote currency, where the source tells it.
    pub quote: Option<Money>,
    /// What it cost; below zero for a rebate.
    pub fee: Option<Money>,
    /// In which currency.
    pub fee_currency: Option<String>,
    /// Maker or taker.
    pub liquidity: Option<Liquidity>,
    /// What the numbers were.
    pub exactness: Exactness,
    /// Numbers that are finer than their field, whole.
    pub finer: Vec<NamedText>,
    /// What else the source tells.
    pub extra: Vec<NamedText>,
}

/// A fill that its venue took back: whoever counts fills leaves it out, wherever it stands.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ImportedBust {
    /// One-based line, or element of a JSON array.
    pub row: u64,
    /// What was traded.
    pub symbol: String,
    /// The venue's number of the trade that is no more.
    pub trade_id: String,
    /// The venue's number of what says so.
    pub by: String,
    /// When it was said.
    pub time: Timestamp,
    /// The fill of the number `by` stands in its place.
    pub corrected: bool,
}

/// A closed round trip that somebody claims.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ImportedTrade {
    /// One-based line, or element of a JSON array.
    pub row: u64,
    /// What was traded.
    pub symbol: String,
    /// The source's number of it.
    pub trade_id: Option<String>,
    /// Side of the entry.
    pub side: Side,
    /// Amount of base currency.
    pub quantity: Option<Quantity>,
    /// Amount of quote currency at the entry, where the source tells that.
    pub notional: Option<Money>,
    /// When it was entered.
    pub entry_time: Timestamp,
    /// At what price.
    pub entry_price: Option<Price>,
    /// When it was left; none while it is open.
    pub exit_time: Option<Timestamp>,
    /// At what price.
    pub exit_price: Option<Price>,
    /// What both legs cost, where the source tells it.
    pub fees: Option<Money>,
    /// What the source says that it earned.
    pub claimed_profit: Option<Money>,
    /// What it earned by its own prices, amounts and fees, where they are there.
    pub recomputed_profit: Option<MoneyExact>,
    /// Why it was left, in the source's words.
    pub exit_reason: Option<String>,
    /// What the numbers were.
    pub exactness: Exactness,
    /// Numbers that are finer than their field, whole.
    pub finer: Vec<NamedText>,
    /// What else the source tells.
    pub extra: Vec<NamedText>,
}

/// An entry of a registry of the earlier system.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ImportedEntry {
    /// One-based line, or element of a JSON array.
    pub row: u64,
    /// Which registry.
    pub registry: String,
    /// The entry's name in it.
    pub key: String,
    /// When it was made, if it says so.
    pub time: Option<Timestamp>,
    /// The entry as canonical JSON: keys sorted, no blanks, numbers as they were written.
    pub json: String,
}

/// What can be wrong with a file that is imported all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportFault {
    /// Something is missing before this row.
    Gap,
    /// The row says again what an earlier one said, and was left out.
    Duplicate,
    /// The row says something else under a name that an earlier one used, and was left out.
    Contradiction,
    /// The row is older than the one before.
    Disorder,
    /// The row's time is not a whole number of intervals after the one before.
    OffGrid,
    /// The row cannot be read, and was left out as the operator asked.
    Malformed,
    /// What the row says does not fit together.
    Inconsistent,
    /// The source stores less than it knew.
    Truncated,
    /// The row is none of this format's facts, and was left out.
    LeftOut,
    /// A clock was wrong.
    Clock,
}

impl ImportFault {
    /// Returns its name, as JSON has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Duplicate => "duplicate",
            Self::Contradiction => "contradiction",
            Self::Disorder => "disorder",
            Self::OffGrid => "off_grid",
            Self::Malformed => "malformed",
            Self::Inconsistent => "inconsistent",
            Self::Truncated => "truncated",
            Self::LeftOut => "left_out",
            Self::Clock => "clock",
        }
    }
}

/// A defect of an imported file, at its place.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ImportDefect {
    /// One-based line, or element of a JSON array; 0 for the whole file.
    pub row: u64,
    /// What is wrong.
    pub fault: ImportFault,
    /// How many of what the fault counts (missing bars, repeated rows); at least 1.
    pub count: u64,
    /// What is wrong, in words.
    pub what: String,
}

/// So many facts of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct FactCount {
    /// The kind's name.
    pub kind: String,
    /// How many.
    pub count: u64,
}

/// A file was imported to its end.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ImportEnded {
    /// Rows that were read, headers and blank lines left aside.
    pub rows: u64,
    /// Facts that were recorded, by kind.
    pub facts: Vec<FactCount>,
    /// Defects that were recorded.
    pub defects: u64,
    /// Facts that were left out because they are recorded already, in this file or before.
    pub duplicates: u64,
    /// Facts that were left out because what is recorded already says otherwise.
    pub contradictions: u64,
    /// Time of the first fact of the file in time, recorded now or before.
    pub first: Option<Timestamp>,
    /// Time of the last.
    pub last: Option<Timestamp>,
    /// What the whole file adds up to: exact sums, extremes, counts.
    pub figures: Vec<NamedText>,
}
