//! Bars as rows of text from anywhere: OHLCV under a header line, and Kraken's OHLCVT archive.

use std::collections::VecDeque;

use super::bars::{BarRow, Bars, at_line, shortest_step};
use super::columns::{Field, Rows, exactly, shape, split};
use super::error::{Fault, ImportError};
use super::figure::Figures;
use super::file::ImportFile;
use super::format::{Format, Head};
use super::item::{Importer, Item, Opened};
use crate::market::{parse_stamp, quote, whole_number};
use crate::time::{MINUTE_NS, SECOND_NS, Span};

pub(super) const OHLCV: Format = Format {
    name: "ohlcv-csv",
    about: "bars under a header line with columns time (or date), open, high, low, close, volume",
    label: "ohlcv",
    version: 1,
    binary_floats: false,
    recognises: |head| Columns::of(head.first_line()).is_some(),
    open: open_ohlcv,
};

pub(super) const KRAKEN: Format = Format {
    name: "kraken-ohlcvt",
    about: "Kraken OHLCVT archive: unixtime,open,high,low,close,volume,trades",
    label: "kraken",
    version: 1,
    binary_floats: false,
    recognises: is_kraken,
    open: open_kraken,
};

/// Fields of a row that are kept.
const FIELDS_MAX: usize = 64;
/// Rows that are looked at to find how long the bars are.
const PROBED: usize = 1000;
/// Lengths of bars in Kraken's archive, in minutes: the last word of a file name.
const KRAKEN_MINUTES: [u64; 8] = [1, 5, 15, 30, 60, 240, 720, 1440];

fn is_kraken(head: &Head) -> bool {
    let line = head.first_line();
    let Ok((fields, _)) = split::<7>(line, b',') else { return false };
    let seconds = fields[0].unix("time").is_ok_and(|(_, unit)| unit == SECOND_NS);
    shape(line) == (7, true) && seconds && whole_number(fields[6].text).is_some()
}

/// Where a header line puts the fields of a bar.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Columns {
    delimiter: u8,
    count: usize,
    /// Time, open, high, low, close, volume.
    places: [usize; 6],
    header: Vec<u8>,
}

impl Columns {
    fn of(header: &[u8]) -> Option<Self> {
        b",;\t".iter().find_map(|delimiter| Self::by(header, *delimiter))
    }

    fn by(header: &[u8], delimiter: u8) -> Option<Self> {
        let (fields, count) = split::<FIELDS_MAX>(header, delimiter).ok()?;
        let names: Vec<Vec<u8>> =
            fields.iter().take(count).map(|field| field.text.to_ascii_lowercase()).collect();
        let place = |known: &[&str]| {
            names.iter().position(|name| known.iter().any(|known| known.as_bytes() == name))
        };
        let times = ["timestamp", "time", "date", "datetime", "open_time", "unix"];
        // An index that was written out has no name.
        let unnamed = || names.first().filter(|name| name.is_empty()).map(|_| 0);
        let time = place(&times).or_else(unnamed)?;
        let places = [
            time,
            place(&["open"])?,
            place(&["high"])?,
            place(&["low"])?,
            place(&["close"])?,
            place(&["volume", "vol"])?,
        ];
        (count <= FIELDS_MAX).then(|| Self { delimiter, count, places, header: header.to_owned() })
    }

    fn parse(&self, row: u64, line: &[u8]) -> Result<BarRow, Fault> {
        let (fields, count) = split::<FIELDS_MAX>(line, self.delimiter)?;
        if count != self.count {
            let reason = format!("{count} fields instead of {}", self.count);
            return Err(Field::of_line(line).fault("line", reason));
        }
        let [time, open, high, low, close, volume] = self.places.map(|place| fields[place]);
        let at = parse_stamp("time", time.text);
        let open_time = at.map_err(|bad| time.fault("time", bad.reason))?;
        bar(row, open_time, [open, high, low, close, volume], None)
    }
}

fn bar(
    row: u64,
    open_time: crate::time::Timestamp,
    [open, high, low, close, volume]: [Field<'_>; 5],
    trades: Option<u64>,
) -> Result<BarRow, Fault> {
    Ok(BarRow {
        row,
        open_time,
        open: open.price("open")?,
        high: high.price("high")?,
        low: low.price("low")?,
        close: close.price("close")?,
        volume: volume.amount("volume")?,
        quote_volume: None,
        trades,
        taker_buy_volume: None,
        taker_buy_quote_volume: None,
    })
}

enum Shape {
    Ohlcv(Columns),
    Kraken,
}

impl Shape {
    fn parse(&self, row: u64, line: &[u8]) -> Result<BarRow, Fault> {
        match self {
            Self::Ohlcv(columns) => columns.parse(row, line),
            Self::Kraken => parse_kraken(row, line),
        }
    }

    /// The header may come again where files were joined.
    fn is_header(&self, line: &[u8]) -> bool {
        matches!(self, Self::Ohlcv(columns) if line == columns.header)
    }
}

/// `unixtime,open,high,low,close,volume,trades`.
fn parse_kraken(row: u64, line: &[u8]) -> Result<BarRow, Fault> {
    let [time, open, high, low, close, volume, trades] = exactly(line, b',')?;
    let (open_time, unit) = time.unix("unixtime")?;
    if unit != SECOND_NS {
        return Err(time.fault("unixtime", format!("{} is no second", quote(time.text))));
    }
    let trades = Some(trades.whole("trades")?);
    bar(row, open_time, [open, high, low, close, volume], trades)
}

struct Candles {
    rows: Rows,
    shape: Shape,
    count: u64,
    bars: Bars,
    opened: Opened,
    queue: VecDeque<Item>,
}

fn open_ohlcv(file: &ImportFile) -> Result<Box<dyn Importer>, ImportError> {
    let mut rows = Rows::open(file, |_| false)?;
    let header = rows.next()?;
    let Some(columns) = header.as_ref().and_then(|(_, header)| Columns::of(header)) else {
        let reason = "its first line names no columns time, open, high, low, close, volume";
        return Err(ImportError::UnknownFormat {
            file: file.path.clone(),
            reason: reason.to_owned(),
        });
    };
    open(file, rows, Shape::Ohlcv(columns), file.interval())
}

fn open_kraken(file: &ImportFile) -> Result<Box<dyn Importer>, ImportError> {
    let stem = file.path.file_name().map(|name| name.to_string_lossy().into_owned());
    let stem = stem.unwrap_or_default();
    let last = stem.split('.').next().and_then(|stem| stem.rsplit('_').next());
    let minutes: Option<u64> = last.and_then(|word| word.parse().ok());
    let minutes = minutes.filter(|minutes| KRAKEN_MINUTES.contains(minutes));
    let of_name = minutes.map(|minutes| Span::from_nanos(minutes.cast_signed() * MINUTE_NS));
    let interval = file.interval.or(of_name).or_else(|| file.interval());
    open(file, Rows::open(file, |_| false)?, Shape::Kraken, interval)
}

fn open(
    file: &ImportFile,
    rows: Rows,
    shape: Shape,
    interval: Option<Span>,
) -> Result<Box<dyn Importer>, ImportError> {
    let symbol = file.symbol()?;
    let unknown = || ImportError::UnknownInterval { file: file.path.clone() };
    let interval = match interval {
        Some(interval) => interval,
        None => probe(file, &shape)?.ok_or_else(unknown)?,
    };
    let bars = Bars::new(file.path.clone(), symbol.clone(), interval);
    let opened = Opened { symbol: Some(symbol), interval: Some(interval), binary_floats: false };
    Ok(Box::new(Candles { rows, shape, count: 0, bars, opened, queue: VecDeque::new() }))
}

fn probe(file: &ImportFile, shape: &Shape) -> Result<Option<Span>, ImportError> {
    let mut rows = Rows::open(file, |_| false)?;
    let mut times = Vec::new();
    while let Some((number, line)) = rows.next()?
        && times.len() < PROBED
    {
        times.extend(shape.parse(number, &line).ok().map(|bar| bar.open_time));
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
        let (row, line) = loop {
            let Some((row, line)) = self.rows.next()? else { return Ok(None) };
            if !self.shape.is_header(&line) {
                break (row, line);
            }
        };
        self.count += 1;
        match at_line(self.shape.parse(row, &line), row) {
            Ok(bar) => self.bars.take(&bar, &mut self.queue)?,
            Err(fault) => self.queue.push_back(Item::Bad { row, fault }),
        }
        Ok(self.queue.pop_front())
    }

    fn rows(&self) -> u64 {
        self.count
    }

    fn figures(&self) -> Figures {
        self.bars.figures(self.count)
    }
}
