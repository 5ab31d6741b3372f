//! LEAN's data: one file a zip, bars of trades or of quotes.
//!
//! Within a day rows begin with milliseconds since midnight, and the day stands in the name of the
//! file in the zip (`20180404_btcusd_minute_trade.csv`); daily and hourly rows begin with
//! `YYYYMMDD HH:MM`. Crypto and forex prices are written as they are; LEAN writes those of equities
//! and options times 10,000, which nothing in the file says: then `lean-scaled` reads it. Times are
//! read as UTC, which LEAN's crypto data is; equities are in exchange time.

use std::path::Path;

use super::bars::{BarRow, Bars, shortest_step};
use super::columns::{Field, Rows, split};
use super::error::{Fault, ImportError};
use super::figure::Figures;
use super::file::ImportFile;
use super::format::{Format, Head};
use super::item::{Importer, Item, Opened};
use super::lean_quotes::Quotes;
use super::number::Number;
use super::reading::{Judge, Queue};
use crate::market::{parse_stamp, quote, whole_number};
use crate::time::{DAY_NS, MINUTE_NS, SECOND_NS, Span, Timestamp};

pub(super) const FORMAT: Format = Format {
    name: "lean",
    about: "LEAN zip: second, minute, hour or daily bars of trades or quotes, prices as they are",
    label: "lean",
    version: 1,
    binary_floats: true,
    recognises,
    open: |file| open(file, false),
};

pub(super) const SCALED: Format = Format {
    name: "lean-scaled",
    about: "the same with prices times 10,000 (equities, options); never told by its bytes",
    label: "lean",
    version: 1,
    binary_floats: true,
    recognises: |_| false,
    open: |file| open(file, true),
};

/// Rows that are looked at to find how long the bars are.
const PROBED: usize = 1000;
/// Fields of a row of trades, and of quotes.
const TRADE_FIELDS: usize = 6;
const QUOTE_FIELDS: usize = 11;

fn recognises(head: &Head) -> bool {
    let line = head.first_line();
    let Ok((fields, count)) = split::<QUOTE_FIELDS>(line, b',') else { return false };
    let known = count == TRADE_FIELDS || count == QUOTE_FIELDS;
    let values = fields.iter().take(count).skip(1);
    let numbers = values.clone().all(|f| f.text.is_empty() || Number::parse(f.text).is_ok());
    let some = values.filter(|field| !field.text.is_empty()).count() >= 5;
    known
        && numbers
        && some
        && (of_day(fields[0].text).is_some() || day_time(fields[0].text).is_some())
}

/// Milliseconds since midnight.
fn of_day(text: &[u8]) -> Option<i64> {
    let millis = whole_number(text)?.cast_signed();
    let nanos = millis.checked_mul(SECOND_NS / 1000)?;
    (0..DAY_NS).contains(&nanos).then_some(nanos)
}

/// `YYYYMMDD HH:MM`.
fn day_time(text: &[u8]) -> Option<Timestamp> {
    let (day, time) = (text.get(..8)?, text.get(8..)?.strip_prefix(b" ")?);
    whole_number(day)?;
    let day = std::str::from_utf8(day).ok()?;
    let time = std::str::from_utf8(time).ok().filter(|time| time.len() == 5)?;
    let stamp = format!("{}-{}-{} {time}:00", &day[..4], &day[4..6], &day[6..]);
    parse_stamp("time", stamp.as_bytes()).ok()
}

/// What a row is made of.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Midnight of the day that the names say.
    day: Option<Timestamp>,
    /// Prices are written times 10,000.
    scaled: bool,
}

impl Shape {
    pub(super) fn time(&self, field: &Field<'_>) -> Result<Timestamp, Fault> {
        if let Some(at) = day_time(field.text) {
            return Ok(at);
        }
        let Some(nanos) = of_day(field.text) else {
            let reason =
                format!("{} is neither milliseconds of a day nor a date", quote(field.text));
            return Err(field.fault("time", reason));
        };
        let at = self.day.and_then(|day| day.plus(Span::from_nanos(nanos)));
        at.ok_or_else(|| {
            field.fault("time", "no name says of which day the milliseconds are (YYYYMMDD)")
        })
    }

    pub(super) fn price(&self, field: &Field<'_>, name: &'static str) -> Result<Number, Fault> {
        let number = field.price(name)?;
        if !self.scaled {
            return Ok(number);
        }
        // Four decimals more, in the text, so that nothing is divided.
        let text = [field.text, b"e-4"].concat();
        Number::of_field(name, &text).map_err(|fault| field.fault(name, fault.reason))
    }

    fn trade(&self, row: u64, line: &[u8]) -> Result<BarRow, Fault> {
        let [time, open, high, low, close, volume] = super::columns::exactly(line, b',')?;
        Ok(BarRow {
            row,
            open_time: self.time(&time)?,
            open: self.price(&open, "open")?,
            high: self.price(&high, "high")?,
            low: self.price(&low, "low")?,
            close: self.price(&close, "close")?,
            volume: volume.amount("volume")?,
            quote_volume: None,
            trades: None,
            taker_buy_volume: None,
            taker_buy_quote_volume: None,
        })
    }
}

enum Kind {
    Trades(Bars),
    Quotes(Quotes),
}

struct Lean {
    rows: Rows,
    shape: Shape,
    kind: Kind,
    opened: Opened,
    queue: Queue,
    first: Option<String>,
    last: Option<String>,
}

fn open(file: &ImportFile, scaled: bool) -> Result<Box<dyn Importer>, ImportError> {
    let member = crate::market::member_name(&file.path)?.unwrap_or_default();
    let own = file.path.file_name().map(|name| name.to_string_lossy().into_owned());
    let own = own.unwrap_or_default();
    let shape = Shape { day: day_of(&member).or_else(|| day_of(&own)), scaled };
    let symbol = symbol(file, &member)?;
    let (interval, quotes) = probe(file, shape)?;
    let of_name = [&member, &own].into_iter().find_map(|name| interval_of(name));
    let interval = file.interval.or(of_name).or(interval);
    let interval =
        interval.ok_or_else(|| ImportError::UnknownInterval { file: file.path.clone() })?;
    let kind = if quotes {
        Kind::Quotes(Quotes::new(file.path.clone(), symbol.clone(), interval))
    } else {
        Kind::Trades(Bars::new(file.path.clone(), symbol.clone(), interval))
    };
    Ok(Box::new(Lean {
        rows: Rows::open(file, |_| false)?,
        shape,
        kind,
        opened: Opened::of_bars(symbol, interval, true),
        queue: Queue::new(),
        first: None,
        last: None,
    }))
}

/// The pair that the operator said, or that the name in the zip or of the file says.
fn symbol(file: &ImportFile, member: &str) -> Result<String, ImportError> {
    let inside = Path::new(&member.to_ascii_uppercase()).to_owned();
    match (&file.pair, crate::market::pair_of_name(&inside)) {
        (None, Ok(pair)) => Ok(pair.to_string()),
        _ => file.symbol(),
    }
}

/// The day in a name: its word of eight digits.
fn day_of(name: &str) -> Option<Timestamp> {
    let is_day = |word: &&str| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_digit());
    let day = name.split(['_', '.', '-']).find(is_day)?;
    day_time(format!("{day} 00:00").as_bytes())
}

/// The length of bars that a name says in LEAN's words.
fn interval_of(name: &str) -> Option<Span> {
    let nanos = name.split(['_', '.', '-']).find_map(|word| match word {
        "second" => Some(SECOND_NS),
        "minute" => Some(MINUTE_NS),
        "hour" => Some(60 * MINUTE_NS),
        "daily" => Some(DAY_NS),
        _ => None,
    });
    nanos.map(Span::from_nanos)
}

/// The shortest step of the first rows, and whether they are quotes.
fn probe(file: &ImportFile, shape: Shape) -> Result<(Option<Span>, bool), ImportError> {
    let mut rows = Rows::open(file, |_| false)?;
    let (mut times, mut quotes) = (Vec::new(), false);
    while let Some((_, line)) = rows.next()?
        && times.len() < PROBED
    {
        if let Ok((fields, count)) = split::<QUOTE_FIELDS>(&line, b',') {
            quotes |= times.is_empty() && count == QUOTE_FIELDS;
            times.extend(shape.time(&fields[0]));
        }
    }
    Ok((shortest_step(&times), quotes))
}

impl Importer for Lean {
    fn opened(&self) -> Opened {
        self.opened.clone()
    }

    fn next(&mut self) -> Result<Option<Item>, ImportError> {
        if let Some(item) = self.queue.pop_front() {
            return Ok(Some(item));
        }
        let Some((row, line)) = self.rows.next()? else { return Ok(None) };
        let shown = || String::from_utf8_lossy(&line).chars().take(200).collect::<String>();
        self.last = Some(shown());
        self.first.get_or_insert_with(shown);
        let taken = match &mut self.kind {
            Kind::Trades(bars) => {
                self.shape.trade(row, &line).map(|bar| bars.take(bar, &mut self.queue))
            }
            Kind::Quotes(quotes) => {
                quotes.parse(self.shape, row, &line).map(|bar| quotes.take(bar, &mut self.queue))
            }
        };
        match taken {
            Ok(done) => done?,
            Err(fault) => self.queue.push_back(Item::Bad { row, fault: fault.in_line(row) }),
        }
        Ok(self.queue.pop_front())
    }

    fn rows(&self) -> u64 {
        self.rows.count
    }

    fn figures(&self) -> Figures {
        let mut figures = match &self.kind {
            Kind::Trades(bars) => bars.figures(self.rows.count),
            Kind::Quotes(quotes) => quotes.figures(self.rows.count),
        };
        // Whoever compares files of this format does so by their first and last rows.
        for (name, line) in [("first", &self.first), ("last", &self.last)] {
            figures.replace(name, line.clone().unwrap_or_default());
        }
        figures
    }
}
