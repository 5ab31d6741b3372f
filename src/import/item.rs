//! What importers yield, one at a time.

use std::path::Path;

use super::error::{Fault, ImportError};
use super::figure::Figures;
use crate::event::{Event, ImportFault};
use crate::time::{Span, Timestamp};

/// Something met in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A fact. Its event holds its row.
    Fact {
        /// When it happened: the record's event time.
        time: Timestamp,
        /// What.
        event: Event,
    },
    /// A defect: stands before the fact that shows it.
    Defect {
        /// One-based row; 0 for the whole file.
        row: u64,
        /// What kind.
        fault: ImportFault,
        /// How many of what it counts; at least 1.
        count: u64,
        /// In words, bounded, control characters escaped.
        what: String,
    },
    /// A row that cannot be read.
    Bad {
        /// One-based row.
        row: u64,
        /// What is wrong with it, and where.
        fault: Fault,
    },
}

/// What an importer knows once it is open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opened {
    /// The symbol of all rows.
    pub symbol: Option<String>,
    /// The symbol of rows that name none, where the others name theirs.
    pub symbol_unnamed: Option<String>,
    /// Length of its bars.
    pub interval: Option<Span>,
    /// How far east of UTC its times were read, where the operator had to say it.
    pub utc_offset: Option<Span>,
    /// The numbers were binary floats, also where the format does not always say so.
    pub binary_floats: bool,
}

impl Opened {
    /// What is known of bars of one symbol and length.
    pub(super) fn of_bars(symbol: String, interval: Span, binary_floats: bool) -> Self {
        let (symbol, interval) = (Some(symbol), Some(interval));
        Self { symbol, interval, binary_floats, ..Self::default() }
    }
}

/// Reads one file from its beginning to its end.
///
/// A file is opened and read at least twice, so that it goes in whole or not at all: whatever an
/// importer yields depends on the file's bytes and what the operator said, and on nothing else.
pub trait Importer {
    /// What is known before the first item.
    fn opened(&self) -> Opened;

    /// Returns the next item, or none at the end of a file that did not change.
    ///
    /// # Errors
    /// [`ImportError`] where nothing that follows could be trusted.
    fn next(&mut self) -> Result<Option<Item>, ImportError>;

    /// How many rows were read so far; headers and blank lines left aside.
    fn rows(&self) -> u64;

    /// What the rows read so far add up to.
    fn figures(&self) -> Figures;
}

/// Says which sum left its range.
pub(super) fn too_large(
    file: &Path,
    figure: &'static str,
) -> impl Fn(super::number::SumOverflow) -> ImportError {
    move |_| ImportError::SumTooLarge { file: file.to_owned(), figure }
}
