//! What can be wrong with market data, and where it was met.
//!
//! Two kinds are kept apart. A [`SourceError`] ends the run and names the file. A [`BadRow`] is
//! about one row that the operator may have asked to leave out (`skip_malformed`); its words go
//! into the ledger, so they hold no path and quote at most a few characters of the file.

use std::io;
use std::path::{Path, PathBuf};

use crate::time::Span;

/// Characters of a field that an error quotes at most.
const QUOTE_MAX: usize = 40;

/// Why market data cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The operating system refused to read.
    #[error("{}: cannot read: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path names a directory, a pipe or a device; the file is read twice, so it must stay.
    #[error("{}: not a regular file", file.display())]
    NotAFile {
        /// The path.
        file: PathBuf,
    },
    /// The compressed file is damaged, cut, encrypted or holds something else than one file.
    #[error("{}: cannot unpack: {reason}", file.display())]
    Unpack {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file unpacks to more than candle data can.
    #[error(
        "{}: more than {ratio} unpacked bytes for each stored byte: this is no candle file",
        file.display()
    )]
    Bomb {
        /// The file.
        file: PathBuf,
        /// The most that is accepted.
        ratio: u64,
    },
    /// A line, or an element of a JSON array, never ends.
    #[error("{}: row {row}: longer than {limit} bytes", file.display())]
    TooLong {
        /// The file.
        file: PathBuf,
        /// One-based line or element.
        row: u64,
        /// The most that is accepted.
        limit: usize,
    },
    /// A row cannot be taken as it is.
    #[error("{}: row {row}: {field}: {reason}", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// One-based line or element.
        row: u64,
        /// The field at fault.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The JSON text breaks off or is no array of arrays.
    #[error(
        "{}: element {element}, byte {offset}: expected {expected}, found {found}",
        file.display()
    )]
    Syntax {
        /// The file.
        file: PathBuf,
        /// One-based element that was being read.
        element: u64,
        /// Zero-based place in the unpacked text.
        offset: u64,
        /// What belongs there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// The file has no row that is a bar.
    #[error("{}: holds no bar", file.display())]
    NoBars {
        /// The file.
        file: PathBuf,
    },
    /// The beginning of the file is of no known format.
    #[error("{}: unknown format: {reason}", file.display())]
    UnknownFormat {
        /// The file.
        file: PathBuf,
        /// What was met.
        reason: String,
    },
    /// Neither the argument nor the file name says which pair the file is for.
    #[error("{}: the name says no pair; write BASE/QUOTE={}", file.display(), file.display())]
    UnknownPair {
        /// The file.
        file: PathBuf,
    },
    /// The file name can be read as more than one pair.
    #[error(
        "{}: the name may mean {first} or {second}; write {first}={}",
        file.display(), file.display()
    )]
    AmbiguousPair {
        /// The file.
        file: PathBuf,
        /// One reading.
        first: String,
        /// Another.
        second: String,
    },
    /// Nothing says how long the bars are.
    #[error("{}: nothing says how long its bars are; give --interval", file.display())]
    UnknownInterval {
        /// The file.
        file: PathBuf,
    },
    /// Two files of one pair have bars of different length.
    #[error("{}: bars of {second} where another file of {pair} has {first}", file.display())]
    IntervalConflict {
        /// The file.
        file: PathBuf,
        /// The pair.
        pair: String,
        /// The other file's interval.
        first: Span,
        /// This file's interval.
        second: Span,
    },
    /// Two files of one pair have the same bytes.
    #[error("{}: has the same bytes as {}", file.display(), other.display())]
    SameFileTwice {
        /// The one file.
        file: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// The file is no longer what it was when the run began.
    #[error("{}: changed while it was being read", file.display())]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// There are more pairs than a run can number.
    #[error("{count} pairs: at most 65536 are possible")]
    TooManyPairs {
        /// How many there are.
        count: usize,
    },
    /// A setting of the market cannot be met.
    #[error("setting {field}: {reason}")]
    BadConfig {
        /// The setting.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// A row that cannot be taken, without the file it is in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BadRow {
    /// The field at fault.
    pub(crate) field: &'static str,
    /// What is wrong with it.
    pub(crate) reason: String,
}

impl BadRow {
    pub(crate) fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into() }
    }

    /// Names the file and the row: the error that ends a run which skips nothing.
    pub(crate) fn at(self, file: &Path, row: u64) -> SourceError {
        let Self { field, reason } = self;
        SourceError::Malformed { file: file.to_owned(), row, field, reason }
    }
}

/// Quotes untrusted bytes for a message: escaped, and short.
pub(crate) fn quote(bytes: &[u8]) -> String {
    let (shown, more) = match bytes.get(..QUOTE_MAX) {
        Some(head) if bytes.len() > QUOTE_MAX => (head, "..."),
        _ => (bytes, ""),
    };
    format!("`{}{more}`", shown.escape_ascii())
}
