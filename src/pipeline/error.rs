//! Why a run did not come to its end.

use std::path::PathBuf;

use crate::event::RecordError;
use crate::event::wire::EncodeError;
use crate::kernel::KernelError;
use crate::ledger::LedgerError;
use crate::market::SourceError;
use crate::projections::ProjectionError;

/// Why a run did not come to its end. What it had recorded until then is in the ledger and synced,
/// unless the ledger itself is what failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// The ledger has a past, and nobody asked to add to it.
    #[error(
        "{} already holds {records} records; add a run with --append, or take another place",
        path.display()
    )]
    HoldsEvents {
        /// The ledger.
        path: PathBuf,
        /// How many records are there.
        records: u64,
    },
    /// The data cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What the ledger holds cannot be folded, so nothing can be added to it.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// The run cannot be executed.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The world did not take the start of the run.
    #[error("the run's configuration cannot be folded")]
    NotBegun,
    /// The machine has no random bytes for the salts of a live run.
    #[error("no random bytes: {0}")]
    Random(#[source] std::io::Error),
    /// An event cannot be written down.
    #[error("an event cannot be recorded: {0}")]
    Record(#[from] RecordError),
}

impl From<EncodeError> for PipelineError {
    fn from(error: EncodeError) -> Self {
        Self::Record(error.into())
    }
}
