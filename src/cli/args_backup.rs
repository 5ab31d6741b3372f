//! The arguments of backing up and coming back.

use std::path::PathBuf;

use clap::Args;

use super::args::Format;

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The ledger; it is only read, also beside its writer
    pub(super) ledger: PathBuf,
    /// The backup: a directory that is new, empty, or this ledger's backup already
    #[arg(value_name = "DIR")]
    pub(super) out: PathBuf,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct RecoverArgs {
    /// The ledger; with --from a place that is missing or empty
    pub(super) ledger: PathBuf,
    /// Restore it from this backup, verify it, and say what is missing
    #[arg(long, value_name = "DIR")]
    pub(super) from: Option<PathBuf>,
    /// A checkpoint from elsewhere: what is restored must continue it
    #[arg(long, value_name = "CHECKPOINT", requires = "from")]
    pub(super) against: Option<PathBuf>,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}
