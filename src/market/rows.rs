//! Rows of any format: one candle each, or what is wrong with it.
//!
//! Which format a file has is read off its first bytes, never off its name.

use std::path::Path;

use super::candles::CandleRows;
use super::error::{BadRow, SourceError, quote};
use super::files::Fingerprint;
use super::klines::{self, KlineRows};
use super::ohlcv::{self, OhlcvRows};
use super::text::{Fields, LINE_MAX, Text, check_text};
use crate::event::FileFormat;
use crate::time::{Span, Timestamp};
use crate::units::{Price, Quantity, UnitError, parse_decimal};

/// One bar as a row tells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candle {
    pub(super) open_time: Timestamp,
    pub(super) open: Price,
    pub(super) high: Price,
    pub(super) low: Price,
    pub(super) close: Price,
    pub(super) volume: Quantity,
    pub(super) trades: Option<u64>,
    /// The bar's length, where the row itself tells it.
    pub(super) interval: Option<Span>,
}

impl Candle {
    /// Refuses values that no market can have.
    fn check(&self) -> Result<(), BadRow> {
        let prices =
            [("open", self.open), ("high", self.high), ("low", self.low), ("close", self.close)];
        for (field, price) in prices {
            if !price.is_positive() {
                return Err(BadRow::new(field, format!("{price} is not above zero")));
            }
            if price > self.high {
                let reason = format!("{price} is above the highest price {}", self.high);
                return Err(BadRow::new(field, reason));
            }
            if price < self.low {
                let reason = format!("{price} is below the lowest price {}", self.low);
                return Err(BadRow::new(field, reason));
            }
        }
        if self.volume < Quantity::ZERO {
            return Err(BadRow::new("volume", format!("{} is below zero", self.volume)));
        }
        Ok(())
    }
}

/// The texts of a candle's six common fields.
pub(super) struct Texts<'a> {
    pub(super) open: &'a [u8],
    pub(super) high: &'a [u8],
    pub(super) low: &'a [u8],
    pub(super) close: &'a [u8],
    pub(super) volume: &'a [u8],
}

impl Texts<'_> {
    /// Reads and checks the values.
    pub(super) fn candle(&self, open_time: Timestamp) -> Result<Candle, BadRow> {
        let candle = Candle {
            open_time,
            open: Price::from_raw(decimal("open", self.open)?),
            high: Price::from_raw(decimal("high", self.high)?),
            low: Price::from_raw(decimal("low", self.low)?),
            close: Price::from_raw(decimal("close", self.close)?),
            volume: Quantity::from_raw(decimal("volume", self.volume)?),
            trades: None,
            interval: None,
        };
        candle.check()?;
        Ok(candle)
    }
}

fn decimal(field: &'static str, text: &[u8]) -> Result<i128, BadRow> {
    parse_decimal(text, crate::units::SCALE_DIGITS).map_err(|error| {
        let what = match error {
            UnitError::Empty | UnitError::BadCharacter { .. } => "is no decimal number".to_owned(),
            other => format!("is {other}"),
        };
        BadRow::new(field, format!("{} {what}", quote(text)))
    })
}

/// One row, as it was read; ordered by what it says.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) content: Result<Candle, BadRow>,
    /// One-based line, or element of a JSON array.
    pub(super) number: u64,
}

/// A data file, row by row.
pub(super) enum Rows {
    Klines(KlineRows),
    Candles(CandleRows),
    Ohlcv(OhlcvRows),
}

impl Rows {
    /// Opens a file whose format is known.
    pub(super) fn open(
        path: &Path,
        format: FileFormat,
        expected: Option<Fingerprint>,
    ) -> Result<Self, SourceError> {
        let text = Text::open(path, expected)?;
        match format {
            FileFormat::BinanceKlines => Ok(Self::Klines(KlineRows::new(text))),
            FileFormat::FreqtradeCandles => Ok(Self::Candles(CandleRows::new(text))),
            FileFormat::OhlcvCsv => OhlcvRows::new(text).map(Self::Ohlcv),
            FileFormat::Commands => Err(SourceError::UnknownFormat {
                file: path.to_owned(),
                reason: "a file of commands holds no bars".to_owned(),
            }),
        }
    }

    /// Returns the next row, or none at the end of a file that did not change.
    pub(super) fn next(&mut self) -> Result<Option<Row>, SourceError> {
        match self {
            Self::Klines(rows) => rows.next(),
            Self::Candles(rows) => rows.next(),
            Self::Ohlcv(rows) => rows.next(),
        }
    }
}

/// Reads a file's format off its first bytes.
pub(super) fn detect(path: &Path) -> Result<FileFormat, SourceError> {
    let head = Text::open(path, None)?.head(LINE_MAX + 1)?;
    let unknown = |reason: String| SourceError::UnknownFormat { file: path.to_owned(), reason };
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Err(unknown("UTF-16 text; save it as UTF-8".to_owned()));
    }
    if head.trim_ascii_start().first() == Some(&b'[') {
        return Ok(FileFormat::FreqtradeCandles);
    }
    let mut lines = head.split_inclusive(|byte| *byte == b'\n');
    let Some(line) = lines.find(|line| !line.trim_ascii().is_empty()) else {
        return Err(SourceError::NoBars { file: path.to_owned() });
    };
    if line.len() > LINE_MAX {
        return Err(SourceError::TooLong { file: path.to_owned(), row: 1, limit: LINE_MAX });
    }
    let line = line.trim_ascii_end();
    check_text(line).map_err(|bad| unknown(bad.reason))?;
    if klines::is_kline(line) {
        return Ok(FileFormat::BinanceKlines);
    }
    match ohlcv::columns(line) {
        Ok(_) => Ok(FileFormat::OhlcvCsv),
        Err(missing) => Err(unknown(format!(
            "it begins with {} ({} fields by comma), which is no array of candles, no row of 12 \
             kline fields, and {missing}",
            quote(line),
            Fields::new(line, b',').count()
        ))),
    }
}
