//! The arguments of `reconcile`.

use std::path::PathBuf;

use clap::Args;

use super::args::Format;

#[derive(Debug, Args)]
pub(super) struct ReconcileArgs {
    /// The ledger that both were imported into
    pub(super) ledger: PathBuf,
    /// Label of our own fills; @run: those that the ledger's runs recorded
    #[arg(long, value_name = "LABEL")]
    pub(super) ours: String,
    /// Label of the venue's fills
    #[arg(long, value_name = "LABEL")]
    pub(super) venue: String,
    /// How far the times of one fill may differ
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) tolerance_seconds: u32,
    /// List all findings instead of the first 20
    #[arg(long)]
    pub(super) all: bool,
    /// How to answer; JSON lists all
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}
