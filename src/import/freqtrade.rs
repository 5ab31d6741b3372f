//! freqtrade's JSON of a market: candles `[[ms,o,h,l,c,v], ...]` and trades
//! `[[ms,id,type,side,price,amount,cost], ...]`.
//!
//! The numbers were binary floats: each is the shortest decimal that gives its float again, and is
//! taken as it stands.

use std::collections::VecDeque;

use super::bars::{BarRow, Bars, shortest_step};
use super::columns::Field;
use super::error::{Fault, ImportError};
use super::figure::Figures;
use super::file::ImportFile;
use super::format::{Format, Head};
use super::item::{Importer, Item, Opened};
use super::json::{Element, Elements, string};
use super::prints::{PrintRow, Prints};
use crate::event::Side;
use crate::market::quote;
use crate::time::{SECOND_NS, Span, Timestamp};

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
/// Steps of bars that are looked at to find how long they are.
const PROBED: usize = 1000;

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

struct Candles {
    elements: Elements,
    bars: Bars,
    opened: Opened,
    queue: VecDeque<Item>,
}

fn open_candles(file: &ImportFile) -> Result<Box<dyn Importer>, ImportError> {
    let symbol = file.symbol()?;
    let unknown = || ImportError::UnknownInterval { file: file.path.clone() };
    let interval = match file.interval() {
        Some(interval) => interval,
        None => probe(file)?.ok_or_else(unknown)?,
    };
    let bars = Bars::new(file.path.clone(), symbol.clone(), interval);
    let opened = Opened { symbol: Some(symbol), interval: Some(interval), binary_floats: true };
    let elements = Elements::open(file)?;
    Ok(Box::new(Candles { elements, bars, opened, queue: VecDeque::new() }))
}

fn probe(file: &ImportFile) -> Result<Option<Span>, ImportError> {
    let mut elements = Elements::open(file)?;
    let mut times = Vec::new();
    while let Some(element) = elements.next()?
        && times.len() < PROBED
    {
        times.extend(candle(&element).ok().map(|bar| bar.open_time));
    }
    Ok(shortest_step(&times))
}

impl Importer for Candles {
    fn opened(&self) -> Opened {
        self.opened.clone()
    }

    fn next(&mut self) -> Result<Option<Item>, ImportError> {
        if let Some(item) = self.queue.pop_front() {
            return Ok(Some(item));
        }
        let Some(element) = self.elements.next()? else { return Ok(None) };
        match candle(&element) {
            Ok(bar) => self.bars.take(&bar, &mut self.queue)?,
            Err(fault) => {
                let fault = element.place(fault);
                self.queue.push_back(Item::Bad { row: element.number, fault });
            }
        }
        Ok(self.queue.pop_front())
    }

    fn rows(&self) -> u64 {
        self.elements.count
    }

    fn figures(&self) -> Figures {
        self.bars.figures(self.elements.count)
    }
}

/// A row in another unit is a row of another file.
fn milliseconds(field: &Field<'_>) -> Result<Timestamp, Fault> {
    match field.unix("time")? {
        (at, MILLISECOND_NS) => Ok(at),
        _ => Err(field.fault("time", format!("{} is no millisecond", quote(field.text)))),
    }
}

fn candle(element: &Element) -> Result<BarRow, Fault> {
    let [time, open, high, low, close, volume] = element.values()?;
    let open_time = milliseconds(&time)?;
    Ok(BarRow {
        row: element.number,
        open_time,
        open: open.price("open")?,
        high: high.price("high")?,
        low: low.price("low")?,
        close: close.price("close")?,
        volume: volume.amount("volume")?,
        quote_volume: None,
        trades: None,
        taker_buy_volume: None,
        taker_buy_quote_volume: None,
    })
}

struct Trades {
    elements: Elements,
    symbol: String,
    prints: Prints,
    queue: VecDeque<Item>,
}

fn open_trades(file: &ImportFile) -> Result<Box<dyn Importer>, ImportError> {
    let (elements, symbol) = (Elements::open(file)?, file.symbol()?);
    // Not every venue numbers the trades of a pair without leaving some out.
    let prints = Prints::new(file.path.clone(), false);
    Ok(Box::new(Trades { elements, symbol, prints, queue: VecDeque::new() }))
}

impl Importer for Trades {
    fn opened(&self) -> Opened {
        Opened { symbol: Some(self.symbol.clone()), interval: None, binary_floats: true }
    }

    fn next(&mut self) -> Result<Option<Item>, ImportError> {
        if let Some(item) = self.queue.pop_front() {
            return Ok(Some(item));
        }
        let Some(element) = self.elements.next()? else { return Ok(None) };
        match trade(&element, &self.symbol) {
            Ok(print) => self.prints.take(print, &mut self.queue)?,
            Err(fault) => {
                let fault = element.place(fault);
                self.queue.push_back(Item::Bad { row: element.number, fault });
            }
        }
        Ok(self.queue.pop_front())
    }

    fn rows(&self) -> u64 {
        self.elements.count
    }

    fn figures(&self) -> Figures {
        let mut figures = Figures::default();
        figures.count("rows", self.elements.count);
        self.prints.add_figures(&mut figures);
        figures
    }
}

fn trade(element: &Element, symbol: &str) -> Result<PrintRow, Fault> {
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
    Ok(PrintRow {
        row: element.number,
        symbol: symbol.to_owned(),
        id,
        sum_of: None,
        time,
        received: None,
        aggressor,
        price: price.price("price")?,
        quantity: amount.amount("amount")?,
        quote,
        execution: text(&kind, "type")?,
    })
}
