//! Public trades as rows of text: Binance public data, one by one or summed up, and the trade
//! archive of Kraken.

use super::columns::{Field, Rows, shape, split, truth};
use super::error::{Fault, ImportError};
use super::file::ImportFile;
use super::format::{Format, Head};
use super::item::{Importer, Opened};
use super::klines::stamp;
use super::prints::{PrintRow, Prints};
use super::reading::{lines, reading};
use crate::market::{parse_stamp, quote};
use crate::units::parse_decimal;

pub(super) const BINANCE_SUMS: Format = Format {
    name: "binance-agg-trades",
    about: "Binance public data: aggTrades of spot and futures",
    label: "binance",
    version: 1,
    binary_floats: false,
    recognises: |head| is_sum_header(head.first_line()) || is_binance(head, 5, &[7, 8]),
    open: |file| open(file, parse_sum, is_sum_header, true),
};

pub(super) const BINANCE: Format = Format {
    name: "binance-trades",
    about: "Binance public data: trades of spot and futures",
    label: "binance",
    version: 1,
    binary_floats: false,
    recognises: |head| is_header(head.first_line()) || is_binance(head, 4, &[6, 7]),
    open: |file| open(file, parse_trade, is_header, true),
};

pub(super) const KRAKEN: Format = Format {
    name: "kraken-trades",
    about: "Kraken trade archive: unixtime,price,volume",
    label: "kraken",
    version: 1,
    binary_floats: false,
    recognises: is_kraken,
    open: |file| open(file, parse_kraken, |_| false, false),
};

/// Seconds end where the range of milliseconds begins: in the year 5138.
const SECONDS_END_NS: i128 = 100_000_000_000 * 1_000_000_000;

fn is_sum_header(line: &[u8]) -> bool {
    line.starts_with(b"agg_trade_id,") || line.starts_with(b"agg_id,")
}

fn is_header(line: &[u8]) -> bool {
    line.starts_with(b"id,price,qty,")
}

/// True for a row of so many fields with a time at one place and `true` or `false` behind it.
fn is_binance(head: &Head, time: usize, counts: &[usize]) -> bool {
    let Ok((fields, count)) = split::<8>(head.first_line(), b',') else { return false };
    let number = |at: usize| fields[at].number("").is_ok();
    counts.contains(&count)
        && (0..time).all(number)
        && fields[time].unix("").is_ok()
        && truth(fields[time + 1].text).is_some()
}

fn is_kraken(head: &Head) -> bool {
    let line = head.first_line();
    let first = line.split(|byte| *byte == b',').next().unwrap_or_default();
    shape(line) == (3, true) && parse_stamp("time", first).is_ok()
}

type Parse = fn(u64, &[u8], &str) -> Result<PrintRow, Fault>;

fn open(
    file: &ImportFile,
    parse: Parse,
    header: fn(&[u8]) -> bool,
    gapless: bool,
) -> Result<Box<dyn Importer>, ImportError> {
    let (rows, symbol) = (Rows::open(file, header)?, file.symbol()?);
    let opened = Opened { symbol: Some(symbol.clone()), ..Opened::default() };
    let next = lines(rows, move |row, line| parse(row, line, &symbol));
    Ok(reading(next, Prints::new(file.path.clone(), gapless), opened))
}

/// `id,price,qty,first_id,last_id,time,is_buyer_maker[,is_best_match]`.
fn parse_sum(row: u64, line: &[u8], symbol: &str) -> Result<PrintRow, Fault> {
    let (fields, count) = split::<8>(line, b',')?;
    if count != 7 && count != 8 {
        return Err(wrong_count(line, count, "7 or 8"));
    }
    let [id, price, quantity, first, last, time, maker, _] = fields;
    let (first_id, last_id) = (first.whole("first_id")?, last.whole("last_id")?);
    if last_id < first_id {
        return Err(last.fault("last_id", format!("{last_id} is below the first id {first_id}")));
    }
    let sum_of = Some((first_id, last_id));
    let id = id.whole("agg_id")?.to_string();
    let aggressor = Some(maker.aggressor("is_buyer_maker")?);
    let (time, _) = stamp(&time, "time")?;
    let traded = (price.price("price")?, quantity.amount("quantity")?);
    let print = PrintRow::new(row, symbol.to_owned(), time, traded);
    Ok(PrintRow { id: Some(id), sum_of, aggressor, ..print })
}

/// `id,price,qty,quote_qty,time,is_buyer_maker[,is_best_match]`; COIN-M: base for quote.
fn parse_trade(row: u64, line: &[u8], symbol: &str) -> Result<PrintRow, Fault> {
    let (fields, count) = split::<8>(line, b',')?;
    if count != 6 && count != 7 {
        return Err(wrong_count(line, count, "6 or 7"));
    }
    let [id, price, quantity, quote, time, maker, ..] = fields;
    let id = id.whole("id")?.to_string();
    let quote = Some(quote.amount("quote_qty")?);
    let aggressor = Some(maker.aggressor("is_buyer_maker")?);
    let (time, _) = stamp(&time, "time")?;
    let traded = (price.price("price")?, quantity.amount("quantity")?);
    let print = PrintRow::new(row, symbol.to_owned(), time, traded);
    Ok(PrintRow { id: Some(id), quote, aggressor, ..print })
}

/// `unixtime,price,volume`, in seconds and perhaps parts of one.
fn parse_kraken(row: u64, line: &[u8], symbol: &str) -> Result<PrintRow, Fault> {
    let (fields, count) = split::<3>(line, b',')?;
    if count != 3 {
        return Err(wrong_count(line, count, "3"));
    }
    let [time, price, quantity] = fields;
    // A row in another unit is a row of another file.
    let seconds = parse_decimal(time.text, 9).is_ok_and(|nanos| nanos < SECONDS_END_NS);
    if !seconds {
        return Err(time.fault("unixtime", format!("{} is no time in seconds", quote(time.text))));
    }
    let at = parse_stamp("unixtime", time.text);
    let at = at.map_err(|bad| time.fault("unixtime", bad.reason))?;
    let traded = (price.price("price")?, quantity.amount("quantity")?);
    Ok(PrintRow::new(row, symbol.to_owned(), at, traded))
}

fn wrong_count(line: &[u8], count: usize, wanted: &str) -> Fault {
    Field::of_line(line).fault("line", format!("{count} fields instead of {wanted}"))
}
