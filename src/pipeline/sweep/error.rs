//! Why a sweep did not come to its end.

use std::path::PathBuf;

use crate::pipeline::{PipelineError, SettingsError};
use crate::strategies::StrategyError;

/// Why a sweep did not come to its end, or did not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// An axis of the grid cannot be read.
    #[error("`{text}`: {reason}")]
    Axis {
        /// What was given.
        text: String,
        /// Why it will not do.
        reason: String,
    },
    /// A file that holds a grid cannot be read.
    #[error("{}: {reason}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The grid has more trials than anybody may believe.
    #[error("the grid has more than {most} trials")]
    TooMany {
        /// How many there may be.
        most: usize,
    },
    /// No combination of the grid can be run.
    #[error("no trial can be run: {reason}")]
    Nothing {
        /// What is wrong with the first.
        reason: String,
    },
    /// The settings make no run.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A strategy or a parameter is unknown.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// A trial failed.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The disk refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another sweep works there.
    #[error("another sweep is at work in {}", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The directory holds something else.
    #[error("{} holds no sweep, and is not empty: take another directory", path.display())]
    NotASweep {
        /// The directory.
        path: PathBuf,
    },
    /// The directory holds trials, and nothing says which of them are finished.
    #[error(
        "{} holds trials, but no sweep.jsonl that says which are finished: put it back, or take \
         another directory",
        path.display()
    )]
    NoJournal {
        /// The directory.
        path: PathBuf,
    },
    /// What stands there is no directory.
    #[error("{} is no directory", path.display())]
    NoDirectory {
        /// What it is.
        path: PathBuf,
    },
    /// The place belongs to a ledger.
    #[error("{} is a ledger, or inside one: take another directory", path.display())]
    InsideLedger {
        /// The place.
        path: PathBuf,
    },
    /// The directory holds a sweep of something else.
    #[error(
        "{}: line 1 tells of a sweep over other data or another grid: take another directory",
        path.display()
    )]
    OtherSweep {
        /// The file that says so.
        path: PathBuf,
    },
    /// A line of the journal cannot be read.
    #[error("{}: line {line}: {reason}", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// One-based.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A finished trial's ledger is not what it was.
    #[error(
        "{} is not the ledger that was finished here: expected {expected}, found {found}",
        path.display()
    )]
    Differs {
        /// The ledger.
        path: PathBuf,
        /// The head that was noted.
        expected: String,
        /// The head that is there.
        found: String,
    },
    /// What stands where a trial's ledger belongs is none.
    #[error("{} is in the way of a trial's ledger, and is not removed", path.display())]
    InTheWay {
        /// What it is.
        path: PathBuf,
    },
}
