//! Which account format a file has, read off its first bytes, and its reader.

use std::cell::RefCell;
use std::io::{Cursor, Read as _};

use super::rows::AccountRows;
use super::table::header_of;
use super::{binance, ccxt, coinbase, fix, freqtrade, hummingbot, kraken, legacy, metatrader};
use crate::import::json::{Step, Walk};
use crate::import::text::{Input, Utf8};
use crate::import::{Fault, ReadError};

/// Lines that may stand above the header of a table.
const TITLE_LINES_MAX: usize = 8;
/// Keys of a document that are looked at.
const KEYS_MAX: usize = 512;

/// An account format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccountFormat {
    /// Binance's export of an account's trades.
    BinanceAccount,
    /// Kraken's trades of an account.
    KrakenAccount,
    /// Coinbase's fills.
    CoinbaseFills,
    /// Hummingbot's fills as CSV.
    HummingbotFills,
    /// Hummingbot's database.
    HummingbotDatabase,
    /// freqtrade's backtest result: JSON, or the zip around it.
    FreqtradeBacktest,
    /// freqtrade's database.
    FreqtradeDatabase,
    /// ccxt's trades of an account.
    CcxtTrades,
    /// MetaTrader 5's deals, as a table or as a page.
    MetatraderDeals,
    /// A log of FIX messages.
    FixLog,
    /// The earlier system's trade registry.
    EarlierRegistry,
    /// The earlier system's profit buckets.
    EarlierBuckets,
    /// The memory of one of the earlier system's engines, or our export of one.
    EarlierMemory,
    /// The memory of a pair, likewise.
    EarlierPair,
}

/// What an operator says beside the file.
#[derive(Debug, Clone, Default)]
pub struct AccountOptions {
    /// The file's name without its endings: the memory of a pair says nowhere else which it is.
    pub stem: String,
    /// How many seconds east of UTC the clock was that wrote times without a zone.
    pub utc_offset: Option<i32>,
}

/// The beginning of a file.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccountHead<'a> {
    /// As it is stored.
    pub stored: &'a [u8],
    /// Unpacked; empty where it cannot be.
    pub text: &'a [u8],
    /// The names inside a zip; empty for any other file.
    pub members: &'a [String],
}

impl AccountFormat {
    /// Every format, in the order in which a file is held against them.
    pub const ALL: [Self; 14] = [
        Self::FreqtradeDatabase,
        Self::HummingbotDatabase,
        Self::FixLog,
        Self::BinanceAccount,
        Self::KrakenAccount,
        Self::CoinbaseFills,
        Self::HummingbotFills,
        Self::MetatraderDeals,
        Self::FreqtradeBacktest,
        Self::CcxtTrades,
        Self::EarlierRegistry,
        Self::EarlierMemory,
        Self::EarlierPair,
        Self::EarlierBuckets,
    ];

    /// Whether a file that begins so is of this format.
    #[must_use]
    pub fn recognises(self, head: &AccountHead<'_>) -> bool {
        let table = |names: &[&str]| has_header(head.text, names, TITLE_LINES_MAX);
        match self {
            Self::BinanceAccount => {
                table(binance::HEADER) && (table(&["executed"]) || table(&["total"]))
            }
            Self::KrakenAccount => table(kraken::HEADER),
            Self::CoinbaseFills => table(coinbase::HEADER),
            Self::HummingbotFills => table(hummingbot::HEADER),
            Self::HummingbotDatabase => is_database(head, b"TradeFill"),
            Self::FreqtradeDatabase => {
                is_database(head, b"open_rate") && is_database(head, b"stake_amount")
            }
            Self::FreqtradeBacktest => {
                main_member(head.members).is_some() || is_backtest(&paths_in(head.text))
            }
            Self::CcxtTrades => is_ccxt(&paths_in(head.text)),
            Self::MetatraderDeals => is_metatrader(head),
            Self::FixLog => is_fix(head.text),
            Self::EarlierRegistry => {
                let paths = paths_in(head.text);
                let of_trade = |name: &str| {
                    paths.iter().any(|path| {
                        matches!(path.as_slice(), [list, Step::Place(_), field]
                            if list.is("trades") && field.is(name))
                    })
                };
                (of_trade("entry_price") && of_trade("action"))
                    || (top(&paths, "trades") && top(&paths, "specialized_registries"))
            }
            Self::EarlierMemory => {
                let paths = paths_in(head.text);
                let of_memory = ["patterns", "metrics", "volume_weights"];
                let of_entry = ["memory_type", "orbit_type", "flip_type", "entry_id"];
                top(&paths, "entries")
                    && (of_memory.iter().any(|name| top(&paths, name))
                        || of_entry.iter().any(|name| third(&paths, "entries", name)))
            }
            Self::EarlierPair => {
                let paths = paths_in(head.text);
                let sole = paths.iter().all(|path| path.len() != 1 || path[0].is("events"));
                top(&paths, "events")
                    && sole
                    && (third(&paths, "events", "trigger") || head.text.len() < 64)
            }
            Self::EarlierBuckets => {
                let paths = paths_in(head.text);
                let second =
                    |name: &str| paths.iter().any(|path| path.len() == 2 && path[1].is(name));
                third(&paths, "buckets", "hash_pattern")
                    || (second("hash_pattern") && second("profit_pct"))
            }
        }
    }

    /// Opens a file of this format that is a stream of bytes, unpacked already.
    ///
    /// # Errors
    /// [`ReadError`] where the beginning of the file is at fault; databases are no streams.
    pub fn open(
        self,
        input: Input,
        options: &AccountOptions,
    ) -> Result<Box<dyn AccountRows>, ReadError> {
        match self {
            Self::BinanceAccount => binance::open(input),
            Self::KrakenAccount => kraken::open(input),
            Self::CoinbaseFills => coinbase::open(input),
            Self::HummingbotFills => hummingbot::open(input),
            Self::FreqtradeBacktest => freqtrade::open(input),
            Self::CcxtTrades => ccxt::open(input),
            Self::MetatraderDeals => metatrader::open(input, options.utc_offset),
            Self::FixLog => fix::open(input),
            Self::EarlierRegistry => legacy::open(input, legacy::Kind::Registry, &options.stem),
            Self::EarlierBuckets => legacy::open(input, legacy::Kind::Buckets, &options.stem),
            Self::EarlierMemory => legacy::open(input, legacy::Kind::Memory, &options.stem),
            Self::EarlierPair => legacy::open(input, legacy::Kind::Pair, &options.stem),
            Self::HummingbotDatabase | Self::FreqtradeDatabase => {
                Err(Fault::placed((1, 1), "file", "a database is read where it lies").into())
            }
        }
    }
}

/// The beginning of a text as UTF-8, whatever it is stored as; nothing where it is none.
fn as_text(head: &[u8]) -> String {
    let Ok(mut utf8) = Utf8::new(Box::new(Cursor::new(head.to_vec()))) else {
        return String::new();
    };
    let mut text = Vec::new();
    // A head may end inside a character.
    drop(utf8.read_to_end(&mut text));
    String::from_utf8_lossy(&text).trim_start_matches('\u{feff}').to_owned()
}

/// Whether one of the first lines names all these columns.
fn has_header(head: &[u8], names: &[&str], lines_max: usize) -> bool {
    let text = as_text(head);
    let lines = text.lines().filter(|line| !line.trim().is_empty()).take(lines_max);
    lines.map(header_of).any(|header| names.iter().all(|name| header.iter().any(|own| own == name)))
}

fn is_fix(head: &[u8]) -> bool {
    let text = as_text(head);
    text.lines().take(64).any(|line| {
        line.find("8=FIX.4.").is_some_and(|at| {
            let behind = &line[at..];
            ["\u{1}9=", "|9=", "^A9="]
                .iter()
                .any(|begin| behind.get(9..).is_some_and(|rest| rest.starts_with(begin)))
        })
    })
}

fn is_metatrader(head: &AccountHead<'_>) -> bool {
    if head.members.iter().any(|name| name == "xl/workbook.xml" || name.ends_with("workbook.xml")) {
        return true;
    }
    let positions = ["time", "position", "symbol", "type", "volume", "price"];
    let lines = usize::MAX;
    is_page(head.text)
        || has_header(head.text, metatrader::HEADER, lines)
        || has_header(head.text, &positions, lines)
}

/// Whether a text is a page that MetaTrader wrote.
pub(super) fn is_page(head: &[u8]) -> bool {
    let text = as_text(head).to_ascii_lowercase();
    let page = text.trim_start().starts_with('<') && text.contains("<html");
    page && (text.contains("metaquotes") || text.contains("metatrader") || text.contains("deal"))
}

fn is_database(head: &AccountHead<'_>, word: &[u8]) -> bool {
    head.stored.starts_with(b"SQLite format 3\0")
        && head.stored.windows(word.len()).any(|window| window == word)
}

/// Whether a document is a backtest's result.
fn is_backtest(paths: &[Vec<Step>]) -> bool {
    paths.iter().any(|path| {
        matches!(path.as_slice(), [first, _, third, ..]
            if first.is("strategy") && third.is("trades"))
    })
}

fn is_ccxt(paths: &[Vec<Step>]) -> bool {
    let has = |name: &str| {
        paths.iter().any(|path| match path.as_slice() {
            [field] | [Step::Place(0), field] => field.is(name),
            _ => false,
        })
    };
    has("symbol")
        && has("side")
        && has("amount")
        && has("price")
        && (has("timestamp") || has("datetime"))
        && !has("trade_hash")
}

fn top(paths: &[Vec<Step>], name: &str) -> bool {
    paths.iter().any(|path| path.len() == 1 && path[0].is(name))
}

fn third(paths: &[Vec<Step>], first: &str, name: &str) -> bool {
    paths.iter().any(|path| path.len() == 3 && path[0].is(first) && path[2].is(name))
}

/// The ways to the first values of a document, up to where it is cut or no JSON.
fn paths_in(head: &[u8]) -> Vec<Vec<Step>> {
    let begins = as_text(head);
    if !begins.trim_start().starts_with(['{', '[']) {
        return Vec::new();
    }
    let Ok(mut walk) = Walk::new(Box::new(Cursor::new(head.to_vec())), true) else {
        return Vec::new();
    };
    let paths = RefCell::new(Vec::new());
    // Nothing is wanted, so the walk goes through all of it; an error ends what is known.
    drop(walk.next(|path| {
        let mut paths = paths.borrow_mut();
        if (1..=3).contains(&path.len()) && paths.len() < KEYS_MAX {
            paths.push(path.to_vec());
        }
        false
    }));
    paths.into_inner()
}

/// The member of a zip that is a backtest's result: the one whose name without its ending begins
/// the names of all its companions.
pub(super) fn main_member(members: &[String]) -> Option<usize> {
    let name = |path: &String| path.rsplit('/').next().unwrap_or_default().to_owned();
    let names: Vec<String> = members.iter().map(name).collect();
    let found = names.iter().position(|name| {
        name.strip_suffix(".json").is_some_and(|stem| {
            !stem.is_empty() && names.iter().all(|other| other.starts_with(stem))
        })
    })?;
    let companion = names.iter().any(|name| name.ends_with("_config.json"));
    companion.then_some(found)
}
