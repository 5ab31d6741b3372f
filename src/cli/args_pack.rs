//! The arguments of packing and unpacking.

use std::path::PathBuf;

use clap::Args;

use super::args::Format;

#[derive(Debug, Args)]
pub(super) struct PackArgs {
    /// The ledger, or a backup of one; nobody may write to it meanwhile
    pub(super) ledger: PathBuf,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}
