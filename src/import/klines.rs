//! Binance public-data klines: twelve columns, with a header (futures) or without (spot).
//!
//! Stamps are milliseconds, and microseconds in spot files from 2025 on: each row says by the size
//! of its own which, for files of both are joined. The close time is the last instant of the bar,
//! so the row says its own length.

use super::bars::{BarRow, Bars};
use super::columns::{Field, Rows, exactly, shape};
use super::error::{Fault, ImportError};
use super::file::ImportFile;
use super::format::{Format, Head};
use super::item::{Importer, Opened};
use super::reading::{lines, reading};
use crate::time::{SECOND_NS, Span, Timestamp};

pub(super) const FORMAT: Format = Format {
    name: "binance-klines",
    about: "Binance public data: klines of spot and futures",
    label: "binance",
    version: 1,
    binary_floats: false,
    recognises,
    open,
};

const COLUMNS: usize = 12;

fn recognises(head: &Head) -> bool {
    let line = head.first_line();
    is_header(line) || shape(line) == (COLUMNS, true)
}

fn is_header(line: &[u8]) -> bool {
    line.starts_with(b"open_time,") && line.split(|byte| *byte == b',').count() == COLUMNS
}

fn open(file: &ImportFile) -> Result<Box<dyn Importer>, ImportError> {
    let symbol = file.symbol()?;
    let unknown = || ImportError::UnknownInterval { file: file.path.clone() };
    let interval = match file.interval {
        Some(interval) => interval,
        None => first_interval(file)?.or_else(|| file.interval()).ok_or_else(unknown)?,
    };
    let next = lines(Rows::open(file, is_header)?, move |row, line| {
        let (bar, own) = parse(row, line)?;
        if own == interval {
            return Ok(bar);
        }
        Err(Fault::new("close_time", format!("a bar of {own} among bars of {interval}")))
    });
    let bars = Bars::new(file.path.clone(), symbol.clone(), interval);
    let opened = Opened::of_bars(symbol, interval, false);
    Ok(reading(next, bars, opened))
}

/// The length of the first bar that can be read.
fn first_interval(file: &ImportFile) -> Result<Option<Span>, ImportError> {
    let mut next = lines(Rows::open(file, is_header)?, parse);
    while let Some((_, read)) = next()? {
        if let Ok((_, interval)) = read {
            return Ok(Some(interval));
        }
    }
    Ok(None)
}

fn parse(row: u64, line: &[u8]) -> Result<(BarRow, Span), Fault> {
    let fields: [Field<'_>; COLUMNS] = exactly(line, b',')?;
    let [open_time, open, high, low, close, volume, close_time, quote, count, buy, buy_quote, _] =
        fields;
    let (opened, _) = stamp(&open_time, "open_time")?;
    let (closed, unit) = stamp(&close_time, "close_time")?;
    let span = closed.plus(Span::from_nanos(unit)).and_then(|end| end.since(opened));
    let interval = span.filter(|span| span.nanos() > 0).ok_or_else(|| {
        let reason = format!("{closed} is not after the open time {opened}");
        close_time.fault("close_time", reason)
    })?;
    let bar = BarRow::new(row, opened, [open, high, low, close, volume])?;
    let bar = BarRow {
        quote_volume: Some(quote.amount("quote_volume")?),
        trades: Some(count.whole("count")?),
        taker_buy_volume: Some(buy.amount("taker_buy_volume")?),
        taker_buy_quote_volume: Some(buy_quote.amount("taker_buy_quote_volume")?),
        ..bar
    };
    Ok((bar, interval))
}

/// Milliseconds or microseconds.
pub(super) fn stamp(field: &Field<'_>, name: &'static str) -> Result<(Timestamp, i64), Fault> {
    let (at, unit) = field.unix(name)?;
    if unit == SECOND_NS || unit == 1 {
        let reason = format!(
            "{} is neither milliseconds nor microseconds",
            crate::market::quote(field.text)
        );
        return Err(field.fault(name, reason));
    }
    Ok((at, unit))
}
