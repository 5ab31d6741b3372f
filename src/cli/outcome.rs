//! How a command ends: its exit code, or why it could not do its work.
//!
//! | code | of | means |
//! |---|---|---|
//! | 0 | all | done; `verify`: intact |
//! | 1 | `diff` | they differ |
//! | 2 | all | it could not: usage, I/O, data, or a ledger that refuses |
//! | 10 to 17 | `verify`, `demo`, `report`, `recover --from` | what is wrong: see [`Verdict`] |
//! | 11, 14 | `check` | the record is not under the root; the root is not signed by who counts |
//! | 13 | `backup` | all is copied, and two notes contradict each other |
//! | 14 | `checkpoint --policy` | signed and saved, but the policy is not met |
//! | 15 | `reconcile` | not every fill is confirmed |
//! | 130 | whatever takes long | stopped by Ctrl-C: it says where, and how to go on |
//!
//! [`Verdict`]: crate::audit::Verdict

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::config::ConfigError;
use crate::audit::{AuditError, BackupError, SelfTestError};
use crate::checkpoint::{ProveError, SignError, WitnessError};
use crate::erasure::ErasureError;
use crate::export::ExportError;
use crate::import::ImportError;
use crate::ledger::LedgerError;
use crate::market::SourceError;
use crate::measure::MeasureError;
use crate::pipeline::{PipelineError, RunFileError, SettingsError, SweepError};
use crate::projections::{ProjectionError, WhyError};
use crate::report::ReportError;
use crate::report::SelectionError;

/// The command could not do its work.
pub(super) const COULD_NOT: u8 = 2;
/// Registries, or two tellings of the same fills, do not agree.
pub(super) const FINDINGS: u8 = 15;
/// Ctrl-C ended it.
pub(super) const INTERRUPTED: u8 = 130;

/// The exit code of a command that did its work.
pub(super) type Outcome = Result<u8, CliError>;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// Whoever read our output has seen enough.
    #[error("nobody reads the output any more")]
    ClosedPipe,
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    #[error("{0}")]
    Usage(String),
    #[error("this schwabot was built without the `{feature}` feature")]
    NotBuilt { feature: &'static str },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("cannot make a directory for the ledger at {}: {source}", path.display())]
    Place { path: PathBuf, source: io::Error },
    #[error("cannot listen to Ctrl-C: {0}")]
    Signal(#[from] ctrlc::Error),
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Sweep(#[from] SweepError),
    #[error(transparent)]
    Selection(#[from] SelectionError),
    #[error(transparent)]
    RunFile(#[from] RunFileError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    Why(#[from] WhyError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error(transparent)]
    Erasure(#[from] ErasureError),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    Witness(#[from] WitnessError),
    #[error("cannot serve at {address}: {source}")]
    Serve { address: SocketAddr, source: io::Error },
    #[error(transparent)]
    Measure(#[from] MeasureError),
    #[error(transparent)]
    Prove(#[from] ProveError),
    #[error(transparent)]
    SelfTest(#[from] SelfTestError),
    #[error("{}: {what}", path.display())]
    File { path: PathBuf, what: String },
    /// As [`CliError::File`], of a file that was to be written.
    #[error("{}: {what}", path.display())]
    NotWritten { path: PathBuf, what: String },
}

impl From<io::Error> for CliError {
    /// Only the output is written with plain I/O here; everything else has errors of its own.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::ClosedPipe
        } else {
            Self::Output(error)
        }
    }
}
