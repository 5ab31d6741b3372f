//! Binance public-data klines: twelve columns, with or without a header line.
//!
//! Stamps are milliseconds, and microseconds in spot files from 2025-01-01 on; each is told by
//! its magnitude. The close time is the last instant of the bar, so the row says its own length.

use super::error::{BadRow, SourceError, quote};
use super::rows::{Candle, Row, Texts};
use super::stamps::{parse_unix, whole_number};
use super::text::{Fields, Lines, Text, check_text};
use crate::time::{SECOND_NS, Span};

const COLUMNS: usize = 12;
const FIRST_NAME: &[u8] = b"open_time";

/// The rows of a kline file.
pub(super) struct KlineRows {
    lines: Lines,
}

impl KlineRows {
    pub(super) fn new(text: Text) -> Self {
        Self { lines: Lines::new(text) }
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, SourceError> {
        loop {
            let Some((number, line)) = self.lines.next_line()? else { return Ok(None) };
            // A header may come again where files were joined.
            if !line.starts_with(FIRST_NAME) {
                return Ok(Some(Row { number, content: parse(line) }));
            }
        }
    }
}

/// True for a header or a row of klines.
pub(super) fn is_kline(line: &[u8]) -> bool {
    let first = Fields::new(line, b',').next();
    let known =
        matches!(first, Some(Ok(text)) if text == FIRST_NAME || whole_number(text).is_some());
    known && Fields::new(line, b',').count() == COLUMNS
}

fn parse(line: &[u8]) -> Result<Candle, BadRow> {
    check_text(line)?;
    let mut fields: [&[u8]; COLUMNS] = [&[]; COLUMNS];
    let mut count = 0;
    for field in Fields::new(line, b',') {
        let field = field?;
        if let Some(slot) = fields.get_mut(count) {
            *slot = field;
        }
        count += 1;
    }
    if count != COLUMNS {
        return Err(BadRow::new("line", format!("{count} fields instead of {COLUMNS}")));
    }
    let [open_time, open, high, low, close, volume, close_time, _, trades, ..] = fields;
    let (opened, _) = parse_kline_time("open_time", open_time)?;
    let (closed, unit) = parse_kline_time("close_time", close_time)?;
    let mut candle = Texts { open, high, low, close, volume }.candle(opened)?;
    let span = closed.plus(Span::from_nanos(unit)).and_then(|end| end.since(opened));
    let span = span.filter(|span| span.nanos() > 0);
    candle.interval = Some(span.ok_or_else(|| {
        BadRow::new("close_time", format!("{closed} is not after the open time {opened}"))
    })?);
    let number = whole_number(trades);
    candle.trades =
        Some(number.ok_or_else(|| {
            BadRow::new("count", format!("{} is no whole number", quote(trades)))
        })?);
    Ok(candle)
}

fn parse_kline_time(
    field: &'static str,
    text: &[u8],
) -> Result<(crate::time::Timestamp, i64), BadRow> {
    let (at, unit) = parse_unix(field, text)?;
    if unit == SECOND_NS || unit == 1 {
        let reason = format!("{} is neither milliseconds nor microseconds", quote(text));
        return Err(BadRow::new(field, reason));
    }
    Ok((at, unit))
}
