//! Where market data comes in: files of candles, or a seeded synthetic market.
//!
//! A [`Source`] yields input events one at a time: bars, and the defects of the data at their
//! place. [`open_market`] looks at every file once (its digest, format, pair, bar length and first
//! bar), numbers the pairs by symbol, and gives one merged stream; [`SyntheticMarket`] makes one.
//!
//! Invariants: what a source yields depends on the files' bytes, their pairs and the options
//! alone, never on paths, names, the order of arguments or the machine; memory does not grow with
//! the files; no float is made of any number; every malformed input is a [`SourceError`] that
//! names the file and, where there is one, the row.

mod candles;
mod checks;
mod commands;
mod error;
mod feed;
mod files;
mod klines;
mod merge;
mod names;
mod ohlcv;
mod open;
mod permute;
mod rows;
mod stamps;
mod synthetic;
mod text;

pub use commands::{CommandFile, CommandedSource};
pub use error::SourceError;
pub use files::{Fingerprint, UNPACK_RATIO_MAX, file_digest};
pub use merge::MergedSource;
pub use names::{PairSymbol, parse_data_argument};
pub use open::{DataFile, Market, MarketOptions, MarketPair, open_market};
pub use permute::{PERMUTED_BARS_MAX, PermutableMarket, PermutedSource};
pub use synthetic::{SyntheticConfig, SyntheticMarket};
pub use text::LINE_MAX;

// What importers of other formats read files with.
pub(crate) use error::{BadRow, quote};
pub(crate) use files::{Unpacked, member_name, member_names, read_error};
pub(crate) use names::{interval_of_name, pair_of_name, split_joined};
pub(crate) use stamps::{parse_stamp, parse_unix, whole_number};
pub(crate) use text::{Fields, Lines, Text, check_text};

use crate::event::{Event, Vantage};

/// A stream of input events: [`Event::Bar`] and [`Event::DataDefect`].
pub trait Source {
    /// Returns the next event, or none at the end. After an error there is nothing more.
    ///
    /// # Errors
    /// [`SourceError`] when the data cannot be read or may not be skipped.
    fn next(&mut self) -> Result<Option<Event>, SourceError>;

    /// Returns what the events of this source rest on.
    fn vantage(&self) -> Vantage;
}
