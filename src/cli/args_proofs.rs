//! The arguments of signing, proving and verifying.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{ArgGroup, Args};

use super::args::{Format, Threads};
use crate::audit::Level;
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
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
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
    /// Ask the witnesses of this policy file to cosign, and say whether the policy is met
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct WitnessArgs {
    /// The private key, a cosigner's that signs nowhere else
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,
    /// A log to be witnessed: its key, as keygen printed it
    #[arg(long, value_name = "KEY", required = true, num_args = 1..)]
    pub(super) log: Vec<VerifierKey>,
    /// Where to remember what was cosigned; a directory that must not get lost
    #[arg(long, value_name = "DIR")]
    pub(super) state: PathBuf,
    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8480")]
    pub(super) listen: SocketAddr,
    /// How to say where it listens
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("record").required(true)))]
pub(super) struct ProveArgs {
    /// The ledger
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
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The receipt, or the proof of misbehaviour
    pub(super) file: PathBuf,
    /// Whom to believe: a policy file, or a file with a verifier key
    #[arg(long, value_name = "FILE", conflicts_with = "vkey")]
    pub(super) policy: Option<PathBuf>,
    /// Whom to believe: the log's key, as keygen printed it
    #[arg(long, value_name = "KEY")]
    pub(super) vkey: Option<VerifierKey>,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The ledger
    pub(super) ledger: PathBuf,
    /// How far to check: chain, tree, state, derive or all; each includes those before it
    #[arg(long, value_parser = level)]
    pub(super) level: Option<Level>,
    /// Whom to believe: a policy file that the newest checkpoint must meet, or a verifier key
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    /// An older checkpoint from elsewhere: the log must continue it
    #[arg(long, value_name = "CHECKPOINT")]
    pub(super) against: Option<PathBuf>,
    /// A checkpoint that is believed: what it covers is left out (level tree)
    #[arg(long, value_name = "CHECKPOINT")]
    pub(super) since: Option<PathBuf>,
    /// Open sealed inputs with the keys in this directory
    #[arg(long, value_name = "DIR")]
    pub(super) keys: Option<PathBuf>,
    /// Stop after so long; what was not checked is told
    #[arg(long, value_name = "SECONDS", value_parser = seconds())]
    pub(super) time_budget: Option<u64>,
    /// Go on checking what is added, until Ctrl-C or something is wrong
    #[arg(long)]
    pub(super) follow: bool,
    /// Write everything a second verifier needs into this new or empty directory
    #[arg(long, value_name = "DIR")]
    pub(super) bundle: Option<PathBuf>,
    /// Plant each kind of fault in a scratch copy of the ledger, and find it
    #[arg(long, conflicts_with_all = ["follow", "bundle", "since", "against", "policy"])]
    pub(super) self_test: bool,
    /// Also compare an exported memory stack with what the ledger gives
    #[arg(long, value_name = "DIR")]
    pub(super) memory_stack: Option<PathBuf>,
    #[command(flatten)]
    pub(super) threads: Threads,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct SalvageArgs {
    /// The damaged ledger; it is only read
    pub(super) ledger: PathBuf,
    /// Where to write what can be saved; a directory that is new or empty
    pub(super) out: PathBuf,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

fn seconds() -> RangedU64ValueParser<u64> {
    RangedU64ValueParser::new().range(1..=10_000_000)
}

/// How far to check, as people write it.
pub(super) fn level(text: &str) -> Result<Level, String> {
    match text {
        "chain" => Ok(Level::Chain),
        "tree" => Ok(Level::Tree),
        "state" => Ok(Level::State),
        "derive" | "all" => Ok(Level::Derive),
        _ => Err("none of chain, tree, state, derive, all".to_owned()),
    }
}
