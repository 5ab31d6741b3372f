//! The arguments of signing and proving.

use std::path::PathBuf;

use clap::Args;

use super::args::Format;
use crate::checkpoint::VerifierKey;

#[derive(Debug, Args)]
pub(super) struct KeygenArgs {
    /// The name it signs under; a log's checkpoints have it as their origin, e.g. example.com/bot
    #[arg(long)]
    pub(super) name: String,
    /// A key that adds to other people's checkpoints, instead of one that signs a log's own
    #[arg(long)]
    pub(super) cosigner: bool,
    /// The file of the private key; must not exist yet
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(super) out: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct CheckpointArgs {
    /// The ledger
    pub(super) ledger: PathBuf,
    /// The private key; a cosigner's adds to the newest checkpoint
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,
    /// From here on this key signs: both keys say so in the log
    #[arg(long, value_name = "FILE")]
    pub(super) rotate_to: Option<PathBuf>,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
#[group(id = "record", required = true)]
pub(super) struct ProveArgs {
    /// The ledger
    #[arg(group = "place")]
    pub(super) ledger: PathBuf,
    /// The trade's hash, or at least its first 6 digits
    #[arg(long, value_name = "HASH", group = "record")]
    pub(super) trade: Option<String>,
    /// The record
    #[arg(long, value_name = "N", group = "record")]
    pub(super) sequence: Option<u64>,
    /// Where to write the receipt
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(super) out: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The receipt, or the proof of misbehaviour
    pub(super) file: PathBuf,
    /// Whom to believe: a policy file
    #[arg(long, value_name = "FILE", conflicts_with = "vkey")]
    pub(super) policy: Option<PathBuf>,
    /// Whom to believe: the log's key, as keygen printed it
    #[arg(long, value_name = "KEY")]
    pub(super) vkey: Option<VerifierKey>,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}
