//! The formats, and which one a file has: read off its bytes, never off its name.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::error::ImportError;
use super::file::ImportFile;
use super::item::Importer;
use crate::market::{LINE_MAX, SourceError, Text, member_names};

/// One format that can be imported.
#[derive(Debug)]
pub struct Format {
    /// Its name, as `--from` takes it and the ledger keeps it.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Whose data it is unless the operator says otherwise.
    pub label: &'static str,
    /// Number of the importer: raised with every change of what it makes of a file.
    pub version: u32,
    /// The source wrote its numbers from binary floats.
    pub binary_floats: bool,
    /// True where the beginning of a file is of this format.
    pub(super) recognises: fn(&Head) -> bool,
    /// Opens a file of this format.
    pub(super) open: fn(&ImportFile) -> Result<Box<dyn Importer>, ImportError>,
}

/// Market formats, in the order in which a file is held against them: the narrow ones first.
const OF_MARKETS: &[Format] = &[
    super::klines::FORMAT,
    super::trades::BINANCE_SUMS,
    super::trades::BINANCE,
    super::trades::KRAKEN,
    super::candles::KRAKEN,
    super::freqtrade::CANDLES,
    super::freqtrade::TRADES,
    super::feed::FORMAT,
    super::lean::FORMAT,
    super::lean::SCALED,
    super::candles::OHLCV,
];

/// Every format, in the order in which a file is held against them: those of accounts first.
pub fn formats() -> impl Iterator<Item = &'static Format> {
    super::accounts::FORMATS.iter().chain(OF_MARKETS)
}

impl Format {
    /// Finds a format by name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        formats().find(|format| format.name == name)
    }

    /// Reads a file's format off its first bytes.
    ///
    /// # Errors
    /// [`ImportError::UnknownFormat`], and files that cannot be read or unpacked.
    pub fn detect(path: &Path) -> Result<&'static Self, ImportError> {
        let head = Head::of(path)?;
        if let Some(format) = formats().find(|format| (format.recognises)(&head)) {
            return Ok(format);
        }
        // What cannot be unpacked is told so; what can is of no format.
        if let Some(error) = head.unpack {
            return Err(error.into());
        }
        Err(ImportError::UnknownFormat { file: path.to_owned(), reason: unknown(&head) })
    }
}

/// The beginning of a file.
pub(super) struct Head {
    /// The first bytes as they are stored.
    pub(super) stored: Vec<u8>,
    /// The first bytes unpacked, without a byte order mark; empty where they cannot be unpacked.
    pub(super) text: Vec<u8>,
    /// The names inside a zip; empty for any other file.
    pub(super) members: Vec<String>,
    unpack: Option<SourceError>,
}

impl Head {
    fn of(path: &Path) -> Result<Self, ImportError> {
        let io_error = |source| ImportError::Io { file: path.to_owned(), source };
        // Says what is no regular file before anything is opened.
        let opened = Text::open(path, None);
        if let Err(error @ (SourceError::NotAFile { .. } | SourceError::Io { .. })) = opened {
            return Err(error.into());
        }
        let mut stored = Vec::new();
        let file = File::open(path).map_err(io_error)?;
        file.take(LINE_MAX as u64).read_to_end(&mut stored).map_err(io_error)?;
        let members = if stored.starts_with(b"PK") { member_names(path)? } else { Vec::new() };
        let (text, unpack) = match opened.and_then(|text| text.head(LINE_MAX + 1)) {
            Ok(text) => (text, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        Ok(Self { stored, text, members, unpack })
    }

    /// The first line that is not blank, without its end.
    pub(super) fn first_line(&self) -> &[u8] {
        self.lines().next().unwrap_or_default()
    }

    /// The lines that are not blank, without their ends; the last one may be cut.
    pub(super) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.text.split(|byte| *byte == b'\n');
        lines.filter(|line| !line.trim_ascii().is_empty()).map(<[u8]>::trim_ascii_end)
    }
}

/// What to say of a file of no format.
fn unknown(head: &Head) -> String {
    let names: Vec<&str> = formats().map(|format| format.name).collect();
    let first = head.text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let what = match &head.stored[..] {
        [] => "it is empty".to_owned(),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it is UTF-16 text; save it as UTF-8".to_owned(),
        [b'P', b'A', b'R', b'1', ..] => "it is a Parquet file".to_owned(),
        stored if stored.starts_with(b"SQLite format 3\0") => {
            "it is an SQLite database of no program that is known".to_owned()
        }
        _ if head.members.len() > 1 => format!("it is a zip of {} files", head.members.len()),
        _ => format!("it begins with {}", crate::market::quote(first.trim_ascii_end())),
    };
    format!("unknown format: {what}; known are {}", names.join(", "))
}
