//! Records of what account files tell, and the formats as `schwabot import` knows them.

use std::path::PathBuf;

use super::formats::{AccountFormat, AccountHead, AccountOptions, main_member};
use super::rows::{AccountRows, BustRow, EntryRow, FillRow, Notice, NoticeKind, Told, TripRow};
use super::totals::Totals;
use super::{freqtrade_database, hummingbot_database};
use crate::event::{
    Event, ImportFault, ImportedBust, ImportedEntry, ImportedFill, ImportedTrade, NamedText,
};
use crate::import::file::ImportFile;
use crate::import::format::Head;
use crate::import::item::too_large;
use crate::import::text::Input;
use crate::import::{Figures, Format, ImportError, Importer, Item, Number, Opened};
use crate::market::{Unpacked, member_names};
use crate::time::{SECOND_NS, Span, Timestamp};

/// Makes the format of an account format.
macro_rules! format {
    ($format:ident, $name:literal, $label:literal, $floats:literal, $about:literal) => {
        Format {
            name: $name,
            about: $about,
            label: $label,
            version: 1,
            binary_floats: $floats,
            recognises: |head| AccountFormat::$format.recognises(&view(head)),
            open: |file| open(AccountFormat::$format, file),
        }
    };
}

/// The account formats, in the order in which a file is held against them.
pub(in crate::import) const FORMATS: &[Format] = &[
    format!(FreqtradeDatabase, "freqtrade-database", "freqtrade", true, "freqtrade's SQLite file"),
    format!(
        HummingbotDatabase,
        "hummingbot-database",
        "hummingbot",
        false,
        "hummingbot's SQLite file: its fills, cut to six decimals"
    ),
    format!(FixLog, "fix-log", "fix", false, "a log of FIX 4.2 to 4.4 messages: its executions"),
    format!(
        BinanceAccount,
        "binance-account", "binance-account", false, "Binance's export of an account's trades"
    ),
    format!(
        KrakenAccount,
        "kraken-account", "kraken-account", false, "Kraken's trades.csv of an account"
    ),
    format!(CoinbaseFills, "coinbase-fills", "coinbase-account", false, "Coinbase's fills.csv"),
    format!(
        HummingbotFills,
        "hummingbot-fills", "hummingbot", false, "hummingbot's fills as CSV, cut to six decimals"
    ),
    format!(
        MetatraderDeals,
        "mt5-deals", "metatrader", false, "MetaTrader 5's deals: CSV, or the report's page"
    ),
    format!(
        FreqtradeBacktest,
        "freqtrade-backtest",
        "freqtrade",
        true,
        "freqtrade's backtest result: JSON, or the zip with it"
    ),
    format!(
        CcxtTrades,
        "ccxt-trades", "ccxt", true, "ccxt's trades of an account: JSON, JSON lines"
    ),
    format!(
        EarlierRegistry,
        "earlier-registry", "earlier-system", true, "the earlier system's trade registry"
    ),
    format!(
        EarlierMemory,
        "earlier-memory",
        "earlier-system",
        true,
        "the earlier system's memory of an engine, and our export of one"
    ),
    format!(
        EarlierPair,
        "earlier-pair",
        "earlier-system",
        true,
        "the earlier system's memory of a pair, and our export of one"
    ),
    format!(
        EarlierBuckets,
        "earlier-buckets", "earlier-system", true, "the earlier system's profit buckets"
    ),
];

fn view(head: &Head) -> AccountHead<'_> {
    AccountHead { stored: &head.stored, text: &head.text, members: &head.members }
}

fn open(format: AccountFormat, file: &ImportFile) -> Result<Box<dyn Importer>, ImportError> {
    let name = file.path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.trim_end_matches(".gz").trim_end_matches(".json").to_owned();
    let options = AccountOptions { stem, utc_offset: file.utc_offset };
    let opened = match format {
        AccountFormat::FreqtradeDatabase => freqtrade_database::open(&file.path),
        AccountFormat::HummingbotDatabase => hummingbot_database::open(&file.path),
        _ => format.open(input(format, file)?, &options),
    };
    let rows = opened.map_err(|error| error.in_file(&file.path))?;
    let said = file.utc_offset.filter(|_| format == AccountFormat::MetatraderDeals);
    Ok(Box::new(AccountImporter {
        path: file.path.clone(),
        utc_offset: said.map(|seconds| Span::from_nanos(i64::from(seconds) * SECOND_NS)),
        rows,
        count: 0,
        time: Timestamp::from_nanos(0),
        totals: Totals::default(),
    }))
}

/// Opens the text of a file; of a zip with several files the one that is the format's.
fn input(format: AccountFormat, file: &ImportFile) -> Result<Input, ImportError> {
    let unreadable = |reason: &str| ImportError::Unreadable {
        file: file.path.clone(),
        reason: reason.to_owned(),
    };
    let mut member = None;
    let is_zip = Unpacked::is_zip(&file.path)?;
    if is_zip && format == AccountFormat::FreqtradeBacktest {
        let mut names = member_names(&file.path)?;
        member = main_member(&names).map(|place| names.swap_remove(place));
    }
    if is_zip && format == AccountFormat::MetatraderDeals {
        let names = member_names(&file.path)?;
        if names.iter().any(|name| name.ends_with("workbook.xml")) {
            return Err(unreadable("a workbook is not read: save its deals as CSV"));
        }
    }
    Ok(Box::new(Unpacked::open_inside(&file.path, member.as_deref())?))
}

/// Gives the rows of an account file to the frame.
struct AccountImporter {
    path: PathBuf,
    /// What was said of the clock, where the format leaves it open.
    utc_offset: Option<Span>,
    rows: Box<dyn AccountRows>,
    count: u64,
    /// Of the fact before: entries may have none.
    time: Timestamp,
    totals: Totals,
}

impl Importer for AccountImporter {
    fn opened(&self) -> Opened {
        Opened { utc_offset: self.utc_offset, ..Opened::default() }
    }

    fn next(&mut self) -> Result<Option<Item>, ImportError> {
        loop {
            let told = self.rows.next().map_err(|error| error.in_file(&self.path))?;
            let Some(told) = told else { return Ok(None) };
            self.totals.add(&told).map_err(too_large(&self.path, "amounts"))?;
            let (time, event) = match told {
                Told::Fill(fill) => (fill.time, fill_of(*fill)),
                Told::Bust(bust) => (bust.time, bust_of(*bust)),
                Told::Trip(trip) => {
                    // It tells its exit and profit: before that nobody could have known it.
                    let left = trip.exit_time.unwrap_or(trip.entry_time);
                    (left.max(trip.entry_time), trade_of(*trip))
                }
                Told::Entry(entry) => {
                    let time = entry.time.unwrap_or(self.time);
                    let EntryRow { row, registry, key, json, time: said } = *entry;
                    let event = ImportedEntry { row, registry, key, time: said, json };
                    (time, Event::ImportedEntry(Box::new(event)))
                }
                Told::Notice(notice) => {
                    // Rows that are no facts were read, too.
                    let of_rows = notice.kind == NoticeKind::NoFact;
                    self.count += if of_rows { notice.count } else { 0 };
                    match defect_of(notice) {
                        Some(defect) => return Ok(Some(defect)),
                        None => continue,
                    }
                }
                Told::Bad { row, fault } => {
                    self.count += 1;
                    return Ok(Some(Item::Bad { row, fault }));
                }
            };
            self.count += 1;
            self.time = time;
            return Ok(Some(Item::Fact { time, event }));
        }
    }

    fn rows(&self) -> u64 {
        self.count
    }

    fn figures(&self) -> Figures {
        self.totals.figures()
    }
}

fn defect_of(notice: Notice) -> Option<Item> {
    let Notice { row, kind, count, what } = notice;
    let fault = match kind {
        NoticeKind::Unread | NoticeKind::NoFact => ImportFault::LeftOut,
        NoticeKind::Inexact => ImportFault::Truncated,
        NoticeKind::Gap => ImportFault::Gap,
        NoticeKind::TimeZone => ImportFault::Clock,
        NoticeKind::Contradiction => ImportFault::Inconsistent,
        // The record itself has no exit, and the figures count it.
        NoticeKind::Open => return None,
    };
    Some(Item::Defect { row, fault, count, what })
}

/// Numbers that a record's field cannot hold, whole.
fn finer(numbers: &[(&str, Option<Number>)]) -> Vec<NamedText> {
    let mut finer = Vec::new();
    for (name, number) in numbers {
        if let Some(number) = number {
            number.note(name, &mut finer);
        }
    }
    finer
}

fn named(extra: Vec<(&'static str, String)>) -> Vec<NamedText> {
    extra.into_iter().map(|(name, text)| NamedText { name: name.to_owned(), text }).collect()
}

fn fill_of(fill: FillRow) -> Event {
    let finer = finer(&[
        ("price", Some(fill.price)),
        ("quantity", Some(fill.quantity)),
        ("quote", fill.quote),
        ("fee", fill.fee),
    ]);
    Event::ImportedFill(Box::new(ImportedFill {
        row: fill.row,
        symbol: fill.symbol,
        venue: fill.venue,
        trade_id: fill.trade_id,
        order_id: fill.order_id,
        time: fill.time,
        side: fill.side,
        price: fill.price.price(),
        quantity: fill.quantity.quantity(),
        quote: fill.quote.map(Number::money),
        fee: fill.fee.map(Number::money),
        fee_currency: fill.fee_currency,
        liquidity: fill.liquidity,
        exactness: fill.exactness,
        finer,
        extra: named(fill.extra),
    }))
}

fn bust_of(bust: BustRow) -> Event {
    let BustRow { row, time, symbol, trade_id, by, corrected } = bust;
    Event::ImportedBust(Box::new(ImportedBust { row, symbol, trade_id, by, time, corrected }))
}

fn trade_of(trip: TripRow) -> Event {
    let finer = finer(&[
        ("quantity", trip.quantity),
        ("notional", trip.notional),
        ("entry_price", Some(trip.entry_price)),
        ("exit_price", trip.exit_price),
        ("fees", trip.fees),
        ("claimed_profit", trip.claimed),
    ]);
    let mut extra = named(trip.extra);
    for (name, said) in [("tag", trip.tag), ("strategy", trip.strategy)] {
        extra.extend(said.map(|text| NamedText { name: name.to_owned(), text }));
    }
    if trip.open {
        extra.push(NamedText { name: "open".to_owned(), text: "true".to_owned() });
    }
    Event::ImportedTrade(Box::new(ImportedTrade {
        row: trip.row,
        symbol: trip.symbol,
        trade_id: trip.id,
        side: trip.side,
        quantity: trip.quantity.map(Number::quantity),
        notional: trip.notional.map(Number::money),
        entry_time: trip.entry_time,
        entry_price: Some(trip.entry_price.price()),
        exit_time: trip.exit_time,
        exit_price: trip.exit_price.map(Number::price),
        fees: trip.fees.map(Number::money),
        claimed_profit: trip.claimed.map(Number::money),
        recomputed_profit: trip.computed,
        exit_reason: trip.exit_reason,
        exactness: trip.exactness,
        finer,
        extra,
    }))
}
