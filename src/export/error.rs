//! Why an export was not made.

use std::path::PathBuf;

use crate::event::RecordError;
use crate::ledger::LedgerError;
use crate::projections::ProjectionError;

/// Why an export was not made. Nothing that looks whole is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The log cannot be read or folded.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// The disk refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is something in the way.
    #[error("{} is not empty: export into a new directory", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// There is a file already.
    #[error("{} is already there: take another name, or replace it with --force", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// What is there is no plain file, so it is not replaced.
    #[error("{} is no plain file, and is not replaced", path.display())]
    NoFile {
        /// What is there.
        path: PathBuf,
    },
    /// Nothing but the ledger's own files belongs inside a ledger.
    #[error("{} would lie inside a ledger: take another place", path.display())]
    InsideLedger {
        /// The file.
        path: PathBuf,
    },
    /// The range holds no record of the log.
    #[error("there are no records {from} to {to}: the ledger holds {records}")]
    Range {
        /// The first that was asked for.
        from: u64,
        /// The last that was asked for.
        to: u64,
        /// How many there are.
        records: u64,
    },
    /// A value does not fit its column.
    #[error("record {sequence}, column `{column}`: {value} does not fit {type_name}")]
    DoesNotFit {
        /// The record that the row was made from.
        sequence: u64,
        /// The column.
        column: &'static str,
        /// The value.
        value: String,
        /// The column's type in the format.
        type_name: String,
    },
    /// A row and its table do not go together: a fault of this program.
    #[error("record {sequence}: a row of {table} has no place for `{column}`")]
    Column {
        /// The record that the row was made from.
        sequence: u64,
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A time lies before 1970, which the format cannot say.
    #[error("record {sequence}: {time} lies before 1970, which VCP cannot say")]
    BeforeEpoch {
        /// The record.
        sequence: u64,
        /// Its event time.
        time: crate::time::Timestamp,
    },
    /// A value cannot be written as JSON.
    #[error("record {sequence}: {source}")]
    Json {
        /// The record.
        sequence: u64,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The Parquet writer refused.
    #[error("{}: {what}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What it said.
        what: String,
    },
    /// Whoever asked for the export wants it no more.
    #[error("the export was stopped; nothing of it is left")]
    Stopped,
}

impl ExportError {
    /// A record that cannot be read.
    pub(super) fn record(sequence: u64) -> impl Fn(RecordError) -> Self {
        move |source| LedgerError::Record { sequence, source }.into()
    }
}

impl From<LedgerError> for ExportError {
    fn from(error: LedgerError) -> Self {
        Self::Projection(error.into())
    }
}
