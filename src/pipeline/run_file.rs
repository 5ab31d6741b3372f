//! Runs written down as TOML: the same settings as the flags, under the same names.
//!
//! ```toml
//! strategy = "sma-cross"
//! data = ["BTC/USDT=btc.csv"]         # paths are relative to this file
//! fee = 0.001                         # decimals are read as they are written, never as floats
//! fill = "next-open"
//!
//! [param]
//! fast = 20
//!
//! [cash]
//! USDT = 10_000
//!
//! [instrument."BTC/USDT"]
//! min-notional = 5
//! ```
//!
//! Invariants: a setting that there is not, or a value that will not do, is refused with file,
//! line and name; nothing is guessed.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::settings::{InstrumentSettings, RunSettings, VenueSettings};
use crate::event::{FileFormat, FillModel, VolumeUnit};
use crate::ledger::SyncMode;
use crate::ledger::disk::{RealDisk, read_whole};
use crate::market::{DataFile, parse_data_argument};
use crate::time::Span;
use crate::units::Money;

/// The longest file of settings; anything longer is something else.
const BYTES_MAX: usize = 1 << 20;

/// Why a file makes no settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunFileError {
    /// The file cannot be read.
    #[error("{}: cannot read: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no TOML, or holds a setting that there is not.
    #[error("{}: {reason}", file.display())]
    Toml {
        /// The file.
        file: PathBuf,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// A setting's value will not do.
    #[error("{}: line {line}: {field}: {reason}", file.display())]
    Value {
        /// The file.
        file: PathBuf,
        /// One-based.
        line: usize,
        /// The setting.
        field: String,
        /// Why not.
        reason: String,
    },
}

/// A run as a file describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunFile {
    /// What makes the configuration.
    pub run: RunSettings,
    /// The data files.
    pub data: Vec<DataFile>,
    /// The pair of the files that name none.
    pub pair: Option<String>,
    /// Length of the bars.
    pub interval: Option<Span>,
    /// Format of the files.
    pub data_format: Option<FileFormat>,
    /// Whether malformed rows are left out.
    pub skip_malformed: Option<bool>,
    /// Where the run is recorded.
    pub ledger: Option<PathBuf>,
    /// An operator's commands.
    pub commands: Option<PathBuf>,
    /// Whether the ledger may hold events already.
    pub append: Option<bool>,
    /// When an append is durable.
    pub sync: Option<SyncMode>,
    /// Length of new segments.
    pub segment_bytes: Option<u64>,
    /// Threads to use.
    pub threads: Option<usize>,
}

/// A scalar, of which only the place is kept: its text is read from the file.
type Scalar = Spanned<IgnoredAny>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Raw {
    strategy: Option<String>,
    #[serde(default)]
    param: BTreeMap<String, Scalar>,
    #[serde(default)]
    cash: BTreeMap<String, Scalar>,
    fee: Option<Scalar>,
    half_spread: Option<Scalar>,
    impact: Option<Scalar>,
    impact_window_bars: Option<u32>,
    fill: Option<Scalar>,
    allow_short: Option<bool>,
    #[serde(default)]
    instrument: BTreeMap<String, RawInstrument>,
    #[serde(default)]
    data: Vec<String>,
    pair: Option<String>,
    interval: Option<Scalar>,
    data_format: Option<Scalar>,
    skip_malformed: Option<bool>,
    ledger: Option<PathBuf>,
    commands: Option<PathBuf>,
    append: Option<bool>,
    sync: Option<Scalar>,
    segment_bytes: Option<u64>,
    threads: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawInstrument {
    tick: Option<Scalar>,
    lot: Option<Scalar>,
    min_notional: Option<Scalar>,
    volume_unit: Option<Scalar>,
    tradable: Option<bool>,
}

impl RunFile {
    /// Reads a file of settings.
    ///
    /// # Errors
    /// [`RunFileError`], naming the file and, for a value, its line and name.
    pub fn read(file: &Path) -> Result<Self, RunFileError> {
        let failed = |source| RunFileError::Io { file: file.to_owned(), source };
        // A device has no length and no end, and a pipe keeps one waiting: neither is read.
        let bytes = match read_whole(&RealDisk, file, BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let reason = format!("longer than {BYTES_MAX} bytes: this is no file of settings");
                return Err(RunFileError::Toml { file: file.to_owned(), reason });
            }
            read => read.map_err(failed)?,
        };
        let text = String::from_utf8(bytes).map_err(|_| {
            failed(io::Error::new(io::ErrorKind::InvalidData, "the file is no UTF-8 text"))
        })?;
        Self::parse(file, &text)
    }

    /// Reads settings from text; `file` is where it is from.
    ///
    /// # Errors
    /// As [`RunFile::read`].
    pub fn parse(file: &Path, text: &str) -> Result<Self, RunFileError> {
        let raw: Raw = toml::from_str(text).map_err(|error| RunFileError::Toml {
            file: file.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        })?;
        let source = Source { file, text };
        let folder = file.parent().unwrap_or(Path::new(""));
        let data = raw.data.iter().map(|argument| {
            let known = parse_data_argument(argument);
            DataFile { path: folder.join(&known.path), ..known }
        });
        Ok(Self {
            data: data.collect(),
            pair: raw.pair,
            interval: source.optional("interval", raw.interval.as_ref(), Span::from_str)?,
            data_format: source.optional("data-format", raw.data_format.as_ref(), file_format)?,
            skip_malformed: raw.skip_malformed,
            ledger: raw.ledger.map(|ledger| folder.join(ledger)),
            commands: raw.commands.map(|commands| folder.join(commands)),
            append: raw.append,
            sync: source.optional("sync", raw.sync.as_ref(), sync_mode)?,
            segment_bytes: raw.segment_bytes,
            threads: raw.threads,
            run: RunSettings {
                strategy: raw.strategy,
                parameters: source.table("param", &raw.param, |text| {
                    Ok::<_, std::convert::Infallible>(text.to_owned())
                })?,
                cash: source.table("cash", &raw.cash, Money::from_str)?,
                venue: VenueSettings {
                    fill: source.optional("fill", raw.fill.as_ref(), fill_model)?,
                    fee: source.optional("fee", raw.fee.as_ref(), str::parse)?,
                    half_spread: source.optional(
                        "half-spread",
                        raw.half_spread.as_ref(),
                        str::parse,
                    )?,
                    impact: source.optional("impact", raw.impact.as_ref(), str::parse)?,
                    impact_window_bars: raw.impact_window_bars,
                    allow_short: raw.allow_short,
                },
                instruments: raw
                    .instrument
                    .into_iter()
                    .map(|(symbol, one)| Ok((symbol, source.instrument(&one)?)))
                    .collect::<Result<_, RunFileError>>()?,
            },
        })
    }
}

/// The text that values are cut out of.
struct Source<'a> {
    file: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn value<T, E: Display>(
        &self,
        field: &str,
        scalar: &Scalar,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, RunFileError> {
        let written = self.text.get(scalar.span()).unwrap_or_default();
        let quoted = written.strip_prefix(['"', '\'']).and_then(|w| w.strip_suffix(['"', '\'']));
        // Underscores only group a number's digits.
        let plain = quoted.map_or_else(|| written.replace('_', ""), str::to_owned);
        parse(&plain).map_err(|error| {
            let before = self.text.get(..scalar.span().start).unwrap_or_default();
            RunFileError::Value {
                file: self.file.to_owned(),
                line: before.matches('\n').count() + 1,
                field: field.to_owned(),
                reason: error.to_string(),
            }
        })
    }

    fn optional<T, E: Display>(
        &self,
        field: &str,
        scalar: Option<&Scalar>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, RunFileError> {
        scalar.map(|scalar| self.value(field, scalar, parse)).transpose()
    }

    fn table<T, E: Display>(
        &self,
        field: &str,
        table: &BTreeMap<String, Scalar>,
        parse: impl Fn(&str) -> Result<T, E> + Copy,
    ) -> Result<BTreeMap<String, T>, RunFileError> {
        let entries = table.iter().map(|(name, scalar)| {
            let value = self.value(&format!("{field}.{name}"), scalar, parse)?;
            Ok((name.clone(), value))
        });
        entries.collect()
    }

    fn instrument(&self, raw: &RawInstrument) -> Result<InstrumentSettings, RunFileError> {
        Ok(InstrumentSettings {
            tick: self.optional("tick", raw.tick.as_ref(), str::parse)?,
            lot: self.optional("lot", raw.lot.as_ref(), str::parse)?,
            min_notional: self.optional("min-notional", raw.min_notional.as_ref(), str::parse)?,
            volume_unit: self.optional("volume-unit", raw.volume_unit.as_ref(), volume_unit)?,
            tradable: raw.tradable,
        })
    }
}

/// Reads the name of a fill model.
///
/// # Errors
/// The names that would do.
pub fn fill_model(text: &str) -> Result<FillModel, String> {
    match text {
        "next-open" => Ok(FillModel::NextOpen),
        "this-close" => Ok(FillModel::ThisClose),
        _ => Err(format!("`{text}` is neither `next-open` nor `this-close`")),
    }
}

/// Reads the name of a sync mode.
///
/// # Errors
/// The names that would do.
pub fn sync_mode(text: &str) -> Result<SyncMode, String> {
    match text {
        "always" => Ok(SyncMode::Always),
        "end" => Ok(SyncMode::End),
        _ => Err(format!("`{text}` is neither `always` nor `end`")),
    }
}

/// Reads the name of a candle file's format.
///
/// # Errors
/// The names that would do.
pub fn file_format(text: &str) -> Result<FileFormat, String> {
    match text {
        "binance-klines" => Ok(FileFormat::BinanceKlines),
        "freqtrade" => Ok(FileFormat::FreqtradeCandles),
        "ohlcv" => Ok(FileFormat::OhlcvCsv),
        _ => Err(format!("`{text}` is none of `binance-klines`, `freqtrade`, `ohlcv`")),
    }
}

fn volume_unit(text: &str) -> Result<VolumeUnit, String> {
    match text {
        "base" => Ok(VolumeUnit::Base),
        "quote" => Ok(VolumeUnit::Quote),
        _ => Err(format!("`{text}` is neither `base` nor `quote`")),
    }
}
