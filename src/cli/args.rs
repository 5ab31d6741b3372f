//! The arguments, and everything about them that can be checked without opening a file.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::args_backup::{BackupArgs, RecoverArgs};
use super::args_bench::BenchArgs;
use super::args_erasure::{NoteArgs, ShredArgs};
use super::args_export::ExportArgs;
use super::args_import::ImportArgs;
use super::args_pack::PackArgs;
use super::args_proofs::{
    CheckArgs, CheckpointArgs, KeygenArgs, ProveArgs, SalvageArgs, VerifyArgs, WitnessArgs,
};
use super::args_reconcile::ReconcileArgs;
use super::args_replay::ReplayArgs;
use super::args_report::ReportArgs;
use super::args_run::RunArgs;
use super::args_sweep::SweepArgs;
use super::args_tools::{CompletionsArgs, ConfigArgs, ManArgs};
use super::args_watch::WatchArgs;
use crate::ledger::SyncMode;
use crate::ledger::segment::{SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};
use crate::market::PairSymbol;
use crate::pipeline::sync_mode;
use crate::projections::UpTo;
use crate::time::Timestamp;
use crate::units::Money;

/// A trading ledger that proves itself.
///
/// Every input, decision, order, fill and trade of a run is one hash-chained, append-only log.
/// Anyone who holds it can check it, rebuild every state from it, and re-execute every decision.
#[derive(Debug, Parser)]
#[command(name = "schwabot", version, propagate_version = true)]
pub(super) struct Cli {
    /// When to colour: auto means on a terminal and not under NO_COLOR [default: auto]
    #[arg(long, global = true, value_name = "WHEN", help_heading = "Everywhere")]
    pub(super) color: Option<ColorWhen>,
    /// Say nothing on standard error but errors
    #[arg(long, global = true, conflicts_with = "verbose", help_heading = "Everywhere")]
    pub(super) quiet: bool,
    /// Say on standard error what is being done, and when
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(super) verbose: bool,
    /// Draw no progress; without it, it is drawn on a terminal only
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(super) no_progress: bool,
    /// The file of settings, instead of ./schwabot.toml and the user's own
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    pub(super) config_file: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorWhen {
    /// On a terminal, and not under `NO_COLOR`.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Trade a made-up market, tell what happened, and verify the ledger
    Demo(DemoArgs),
    /// Run a strategy over candle files and record everything
    Backtest(Box<BacktestArgs>),
    /// Try strategies and parameters side by side, judged on data they did not see
    Sweep(Box<SweepArgs>),
    /// Show the records of a ledger
    Replay(ReplayArgs),
    /// Rebuild a state from the log: at its end, at a record, or at a time
    State(StateArgs),
    /// Tell why a trade happened: every record from the bar to the registry links
    Why(WhyArgs),
    /// Show where two ledgers part, or what happened between two records of one
    Diff(DiffArgs),
    /// Write the history in another format
    Export(ExportArgs),
    /// Take other people's files into the ledger: market data, fills, trades
    Import(ImportArgs),
    /// Write the tear sheet: one page of figures, drawings and the ledger's proof
    Report(Box<ReportArgs>),
    /// Hold a bot's own fills against its venue's, both in one ledger
    Reconcile(ReconcileArgs),
    /// Check the ledger: its bytes, its meaning, and every decision
    Verify(VerifyArgs),
    /// Make a key that signs checkpoints
    Keygen(KeygenArgs),
    /// Sign what the ledger holds, so that nobody can write it anew
    Checkpoint(CheckpointArgs),
    /// Cosign the checkpoints of other logs, over HTTP
    Witness(WitnessArgs),
    /// Make a receipt for one record, to be checked without the ledger
    Prove(ProveArgs),
    /// Check a receipt or a proof of misbehaviour, with nothing else
    Check(CheckArgs),
    /// Leave a note in the ledger: who did what and why, encrypted under a person's key
    Note(NoteArgs),
    /// Make what a ledger holds about a person unreadable, and change no byte of it
    Shred(ShredArgs),
    /// Show what a ledger is made of: identity, segments, end
    Inspect(InspectArgs),
    /// Copy what is new of a ledger into its backup, at any moment
    Backup(BackupArgs),
    /// Open a ledger that was cut off for writing, on purpose, and close it; or restore a backup
    Recover(RecoverArgs),
    /// Copy what is provable of a damaged ledger into a new place
    Salvage(SalvageArgs),
    /// Compress the segments that are ended: they are read as before, and take less space
    Pack(PackArgs),
    /// Bring packed segments back, byte for byte
    Unpack(PackArgs),
    /// Follow a growing ledger on the screen (built with `--features tui`)
    Watch(WatchArgs),
    /// Measure what a ledger does on this disk, beside what the disk itself can do
    Bench(BenchArgs),
    /// Show what commands start from, or write a file of settings
    Config(ConfigArgs),
    /// Print the completions of a shell
    Completions(CompletionsArgs),
    /// Write the manual pages
    Man(ManArgs),
}

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Where to record; a fresh directory unless given
    #[arg(long, value_name = "DIR")]
    pub(super) ledger: Option<PathBuf>,
    /// Simulated minutes
    #[arg(long, default_value_t = 5_000, value_parser = cycles())]
    pub(super) cycles: u64,
    /// Seed of the made-up market
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct BacktestArgs {
    /// Candle files; the pair is taken from the name unless it stands before a `=`
    #[arg(long, value_name = "[PAIR=]FILE", num_args = 1..)]
    pub(super) data: Vec<OsString>,
    /// Who decides [default: sma-cross]
    #[arg(long, value_name = "NAME")]
    pub(super) strategy: Option<String>,
    /// The same settings in a TOML file; flags win
    #[arg(long, value_name = "run.toml")]
    pub(super) config: Option<PathBuf>,
    /// An operator's commands, one JSON object a line, merged by time
    #[arg(long, value_name = "FILE.jsonl")]
    pub(super) commands: Option<PathBuf>,
    /// A parameter of the strategy
    #[arg(long, value_name = "NAME=VALUE", value_parser = named)]
    pub(super) param: Vec<(String, String)>,
    #[command(flatten)]
    pub(super) run: RunArgs,
    /// Where to record; a fresh directory unless given
    #[arg(long, value_name = "DIR")]
    pub(super) ledger: Option<PathBuf>,
    /// Record nothing: only the figures come out, and nothing of them can be verified
    #[arg(long, conflicts_with_all = ["ledger", "append", "sync", "segment_bytes"])]
    pub(super) no_ledger: bool,
    /// Add the run to a ledger that holds events already
    #[arg(long)]
    pub(super) append: bool,
    /// When an append is durable: always, or at the end [default: end]
    #[arg(long, value_parser = sync_mode)]
    pub(super) sync: Option<SyncMode>,
    /// Length of new segments [default: 67108864]
    #[arg(long, value_name = "N", value_parser = segment_bytes())]
    pub(super) segment_bytes: Option<u64>,
    /// A strategy with engines is also run on the same bars shuffled, so many times; 0 for none
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = permutations())]
    pub(super) permutations: u64,
    #[command(flatten)]
    pub(super) threads: Threads,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct StateArgs {
    /// The ledger
    pub(super) ledger: PathBuf,
    /// Which part of the state
    #[arg(default_value = "summary")]
    pub(super) what: What,
    /// After this record, or at this time (after the last step before the first later input)
    #[arg(long, value_name = "SEQ|TIME", value_parser = at)]
    pub(super) at: Option<UpTo>,
    /// Trades: only of this pair
    #[arg(long)]
    pub(super) symbol: Option<String>,
    /// Trades: only of this strategy
    #[arg(long)]
    pub(super) strategy: Option<String>,
    /// Soulprints: the nearest to the one whose id begins so
    #[arg(long, value_name = "ID")]
    pub(super) near: Option<String>,
    /// Lists: leave out so many first
    #[arg(long, default_value_t = 0)]
    pub(super) offset: usize,
    /// Lists: show at most so many [default: all; neighbours: 10]
    #[arg(long)]
    pub(super) limit: Option<usize>,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct WhyArgs {
    /// The ledger
    pub(super) ledger: PathBuf,
    /// The trade's hash, or at least its first 6 digits
    pub(super) trade: String,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// The ledger
    pub(super) ledger: PathBuf,
    /// Another ledger
    pub(super) other: Option<PathBuf>,
    /// One ledger: the state after this record ...
    #[arg(long, value_name = "SEQ")]
    pub(super) from: Option<u64>,
    /// ... and after this one
    #[arg(long, value_name = "SEQ")]
    pub(super) to: Option<u64>,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct InspectArgs {
    /// The ledger
    pub(super) ledger: PathBuf,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Threads {
    /// Threads to use; the answer never depends on it [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl Threads {
    /// How many to use, if the operator said so.
    pub(super) fn asked(&self) -> Option<usize> {
        self.threads.map(usize::from)
    }
}

fn cycles() -> RangedU64ValueParser<u64> {
    RangedU64ValueParser::new().range(1..=10_000_000)
}

fn permutations() -> RangedU64ValueParser<u64> {
    RangedU64ValueParser::new().range(0..=10_000)
}

fn segment_bytes() -> RangedU64ValueParser<u64> {
    RangedU64ValueParser::new().range(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX)
}

/// How a command answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// One JSON object.
    Json,
    /// One JSON object a line: a list member by member.
    Jsonl,
    /// A table: one row a member of a list, or the fields of the answer in one row.
    Csv,
}

/// Parts of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum What {
    /// What the last run came to.
    Summary,
    /// Closed trades of all runs.
    Trades,
    /// What is held.
    Positions,
    /// Figures: by account, by quote currency, by kind.
    Metrics,
    /// What is wrong with the data.
    Data,
    /// Ghosts and their evidence, orbits and weights, flips and the predictor.
    Engines,
    /// Profit buckets, the most trusted first.
    Buckets,
    /// Soulprints, or with --near the neighbours of one.
    Soulprints,
    /// Links between trades and registries.
    Links,
    /// What the registries hold, in figures.
    Statistics,
    /// Performance by currency, trigger and time; what goes with the net return.
    Analytics,
    /// Whether the registries fit together, and what contradicts itself in the log.
    Consistency,
    /// What contradicts itself in the log.
    Findings,
    /// The configuration of the last run.
    Config,
    /// What was imported of other people's files.
    Imports,
}

/// A pair as people write it.
pub(super) fn pair(text: &str) -> Result<PairSymbol, String> {
    PairSymbol::parse(text).ok_or_else(|| "write it as BASE/QUOTE, in capitals".to_owned())
}

fn named(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

pub(super) fn cash(text: &str) -> Result<(String, Money), String> {
    let (currency, amount) = named(text).map_err(|_| "write it as CUR=AMOUNT")?;
    let amount: Money = amount.parse().map_err(|error| format!("{error}"))?;
    if amount < Money::ZERO {
        return Err("must not be negative".to_owned());
    }
    Ok((currency, amount))
}

/// A moment: a sequence, or a time.
pub(super) fn at(text: &str) -> Result<UpTo, String> {
    if let Ok(sequence) = text.parse::<u64>() {
        return Ok(UpTo::Sequence(sequence));
    }
    let time = text.parse::<Timestamp>();
    time.map(UpTo::Time)
        .map_err(|_| "neither a sequence nor a time such as 2021-04-20T12:00Z".into())
}
