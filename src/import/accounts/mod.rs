//! What accounts did: fills, round trips and registry entries, out of the files of venues and bots.
//!
//! Each format is a reader of bytes that yields [`Told`], one at a time: it knows no ledger and no
//! path. `facts` makes records of what it tells.
//!
//! Invariants: columns and fields are found by name, and what is not read is told; numbers are
//! exact, or their own text is kept beside them; memory does not grow with the file, but for what a
//! format needs to find repetitions; whatever the bytes are, the answer is rows or an error that
//! names line, column and field.

mod binance;
mod ccxt;
mod coinbase;
mod database;
mod facts;
mod fix;
mod fix_message;
mod form;
mod formats;
mod freqtrade;
mod freqtrade_database;
mod hummingbot;
mod hummingbot_database;
mod kraken;
mod legacy;
mod metatrader;
mod metatrader_html;
mod named;
mod object;
mod rows;
mod table;
mod times;
mod totals;
mod trips;

pub(super) use facts::FORMATS;
pub use formats::{AccountFormat, AccountHead, AccountOptions};
pub use rows::{
    AccountRows, BustRow, EntryRow, FillRow, Notice, NoticeKind, Told, TripRow, WORD_MAX,
};
