//! freqtrade's JSON of a market: candles `[[ms,o,h,l,c,v], ...]` and trades
//! `[[ms,id,type,side,price,amount,cost], ...]`.
//!
//! The numbers were binary floats: each is the shortest decimal that gives its float again, and is
//! taken as it stands.

use super::bars::BarRow;
use super::columns::Field;
use super::error::{Fault, ImportError};
use super::file::ImportFile;
use super::format::{Format, Head};
use super::item::{Importer, Opened};
use super::json::{Piece, string};
use super::prints::{PrintRow, Prints};
use super::reading;
use crate::event::Side;
use crate::market::quote;
use crate::time::{SECOND_NS, Timestamp};

pub(super) const CANDLES: Format = Format {
    name: "freqtrade-candles",
    about: "freqtrade candles: JSON [[ms,open,high,low,close,volume], ...]",
    label: "freqtrade",
    version: 1,
    binary_floats: true,
    recognises: |head| first_element(head).is_some_and(|element| commas(element) == 5),
    open: open_candles,
};

pub(super) const TRADES: Format = Format {
    name: "freqtrade-trades",
    about: "freqtrade trades of a market: JSON [[ms,id,type,side,price,amount,cost], ...]",
    label: "freqtrade",
    version: 1,
    binary_floats: true,
    recognises: |head| first_element(head).is_some_and(|element| commas(element) == 6),
    open: open_trades,
};

const MILLISECOND_NS: i64 = SECOND_NS / 1_000;

/// The inside of the first element of an array of arrays.
fn first_element(head: &Head) -> Option<&[u8]> {
    let text = head.text.trim_ascii_start().strip_prefix(b"[")?.trim_ascii_start();
    let inside = text.strip_prefix(b"[")?;
    let end = inside.iter().position(|byte| matches!(byte, b']' | b'[' | b'{'))?;
    (inside[end] == b']').then(|| &inside[..end])
}

fn commas(element: &[u8]) -> usize {
    element.iter().filter(|byte| **byte == b',').count()
}

fn open_candles(file: &ImportFile) -> Result<Box<dyn Importer>, ImportError> {
    reading::bars(file, file.interval(), true, || reading::elements(file, candle))
}

/// A row in another unit is a row of another file.
fn milliseconds(field: &Field<'_>) -> Result<Timestamp, Fault> {
    match field.unix("time")? {
        (at, MILLISECOND_NS) => Ok(at),
        _ => Err(field.fault("time", format!("{} is no millisecond", quote(field.text)))),
    }
}

fn candle(row: u64, element: &Piece) -> Result<BarRow, Fault> {
    let [time, open, high, low, close, volume] = element.values()?;
    BarRow::new(row, milliseconds(&time)?, [open, high, low, close, volume])
}

fn open_trades(file: &ImportFile) -> Result<Box<dyn Importer>, ImportError> {
    let symbol = file.symbol()?;
    let symbol_of_all = Some(symbol.clone());
    let opened = Opened { symbol: symbol_of_all, binary_floats: true, ..Opened::default() };
    let next = reading::elements(file, move |row, element| trade(row, element, &symbol))?;
    // Not every venue numbers the trades of a pair without leaving some out.
    Ok(reading::reading(next, Prints::new(file.path.clone(), false), opened))
}

fn trade(row: u64, element: &Piece, symbol: &str) -> Result<PrintRow, Fault> {
    let [time, id, kind, side, price, amount, cost] = element.values()?;
    let time = milliseconds(&time)?;
    let aggressor = match string(side.text).as_deref() {
        Some("buy") => Some(Side::Buy),
        Some("sell") => Some(Side::Sell),
        _ if side.text == b"null" => None,
        _ => {
            let reason = format!("{} is neither buy nor sell", quote(side.text));
            return Err(side.fault("side", reason));
        }
    };
    let text = |field: &Field<'_>, name| match string(field.text) {
        Some(text) if text.len() <= 100 => Ok(Some(text)),
        _ if field.text == b"null" => Ok(None),
        _ => Err(field.fault(name, format!("{} is no short text", quote(field.text)))),
    };
    // Some exports keep numbers where others keep texts.
    let id = match id.whole("id") {
        Ok(number) => Some(number.to_string()),
        Err(_) => text(&id, "id")?,
    };
    let quote = match cost.text {
        b"null" => None,
        _ => Some(cost.amount("cost")?),
    };
    let traded = (price.price("price")?, amount.amount("amount")?);
    let execution = text(&kind, "type")?;
    let print = PrintRow::new(row, symbol.to_owned(), time, traded);
    Ok(PrintRow { id, aggressor, quote, execution, ..print })
}
