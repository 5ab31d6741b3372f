//! The arguments of the screen that follows a ledger.

use std::path::PathBuf;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::args_proofs::level;
use crate::audit::Level;

#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    /// The ledger; it is only read, also beside its writer
    pub(super) ledger: PathBuf,
    /// How often it is verified in the background; 0 only when v is pressed
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = seconds())]
    pub(super) verify_every: u64,
    /// How far the first of these looks goes: chain, tree, state, derive or all
    #[arg(long, default_value = "tree", value_parser = level)]
    pub(super) level: Level,
}

fn seconds() -> RangedU64ValueParser<u64> {
    RangedU64ValueParser::new().range(0..=86_400)
}
