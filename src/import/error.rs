//! What can be wrong with a file that is imported, and where it was met.
//!
//! A [`Fault`] is about one row; it ends the import and then names file, line and column, or the
//! operator asked to leave such rows out, and then it is a defect in the ledger, without any path.
//! Readers that know no path end with a [`ReadError`]; whoever opened the file adds its name.

use std::io;
use std::path::{Path, PathBuf};

use crate::event::RecordError;
use crate::hash::Digest;
use crate::ledger::LedgerError;
use crate::market::{BadRow, SourceError, read_error};

/// Why a file cannot be imported. Nothing of it is in the ledger then, unless it says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file cannot be read or unpacked.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A row cannot be taken as it is.
    #[error("{}: line {line}, column {column}: {field}: {reason}", file.display())]
    Row {
        /// The file.
        file: PathBuf,
        /// One-based line.
        line: u64,
        /// One-based byte of the line.
        column: u64,
        /// The field at fault.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is of no format that is known, or of another than was said.
    #[error("{}: {reason}", file.display())]
    UnknownFormat {
        /// The file.
        file: PathBuf,
        /// What was met.
        reason: String,
    },
    /// Nothing says what was traded.
    #[error("{}: nothing says what was traded; give --pair BASE/QUOTE", file.display())]
    UnknownSymbol {
        /// The file.
        file: PathBuf,
    },
    /// Labels with an `@` are the ledger's own.
    #[error("label `{}`: what begins with `@` is the ledger's own", label.escape_default())]
    ReservedLabel {
        /// The label.
        label: String,
    },
    /// A clock was said for a file that has no use for it.
    #[error("{}: --utc-offset is for clocks without a zone, and {format} has none", file.display())]
    UnusedClock {
        /// The file.
        file: PathBuf,
        /// Its format.
        format: &'static str,
    },
    /// Nothing says how long the bars are.
    #[error("{}: nothing says how long its bars are; give --interval", file.display())]
    UnknownInterval {
        /// The file.
        file: PathBuf,
    },
    /// A file beside it says another digest.
    #[error("{}: its checksum file says SHA-256 {said}, its bytes have {found}", file.display())]
    Checksum {
        /// The file.
        file: PathBuf,
        /// What the checksum file says.
        said: Digest,
        /// What the bytes have.
        found: Digest,
    },
    /// A checksum file cannot be read.
    #[error("{}: cannot be read as a checksum file: {reason}", file.display())]
    ChecksumFile {
        /// The checksum file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A figure of the whole file left its range.
    #[error("{}: the sum `{figure}` is too large", file.display())]
    SumTooLarge {
        /// The file.
        file: PathBuf,
        /// Which.
        figure: &'static str,
    },
    /// What a row says does not fit into a record.
    #[error("{}: row {row}: {source}", file.display())]
    Record {
        /// The file.
        file: PathBuf,
        /// The row.
        row: u64,
        /// Why.
        source: RecordError,
    },
    /// A run in the ledger has not ended.
    #[error(
        "{}: the run at record {sequence} has not ended; end it, or import into another ledger",
        ledger.display()
    )]
    RunNotEnded {
        /// The ledger.
        ledger: PathBuf,
        /// Where the run began.
        sequence: u64,
    },
    /// A file that an importer reads in its own way cannot be read.
    #[error("{}: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system refused.
    #[error("{}: cannot read: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What is wrong with one row, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {field}: {reason}")]
pub struct Fault {
    /// One-based line, in a database the row; 0 until it is known.
    pub line: u64,
    /// One-based place in the line, in characters, of market data as text in bytes; in a database
    /// the column; 0 until it is known.
    pub column: u64,
    /// The field at fault.
    pub field: &'static str,
    /// What is wrong with it: quotes at most a few characters of the file, control characters
    /// escaped.
    pub reason: String,
}

impl Fault {
    /// A fault whose place is told later.
    pub fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self::placed((0, 0), field, reason)
    }

    /// A fault at this line and column.
    pub(super) fn placed(
        (line, column): (u64, u64),
        field: &'static str,
        reason: impl Into<String>,
    ) -> Self {
        Self { line, column, field, reason: reason.into() }
    }

    /// Says where it is, unless that was said already.
    #[must_use]
    pub fn at(self, line: u64, column: u64) -> Self {
        if self.line == 0 { Self { line, column: column.max(1), ..self } } else { self }
    }

    /// Says in which line it is, unless that was said already.
    pub(super) fn in_line(self, line: u64) -> Self {
        let column = self.column;
        self.at(line, column)
    }

    /// The error that ends an import.
    #[must_use]
    pub fn in_file(self, file: &Path) -> ImportError {
        let Self { line, column, field, reason } = self;
        ImportError::Row { file: file.to_owned(), line, column, field, reason }
    }
}

impl From<BadRow> for Fault {
    fn from(bad: BadRow) -> Self {
        Self::new(bad.field, bad.reason)
    }
}

/// Why a file cannot be read on, by a reader that knows no path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be read or unpacked.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file says something that cannot be taken.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The file is a database that is not read.
    #[error("{0}")]
    Database(String),
}

impl ReadError {
    /// Names the file.
    pub(super) fn in_file(self, file: &Path) -> ImportError {
        match self {
            Self::Io(error) => read_error(file, error).into(),
            Self::Fault(fault) => fault.in_file(file),
            Self::Database(reason) => ImportError::Unreadable { file: file.to_owned(), reason },
        }
    }
}
