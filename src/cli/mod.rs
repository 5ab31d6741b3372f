//! The command line: what people touch. It asks the library and shows the answer.
//!
//! Text and JSON go to stdout; progress, notes and errors go to stderr. A closed pipe is no error.

mod answer;
mod args;
mod args_backup;
mod args_bench;
mod args_erasure;
mod args_export;
mod args_import;
mod args_pack;
mod args_proofs;
mod args_reconcile;
mod args_replay;
mod args_report;
mod args_run;
mod args_sweep;
mod args_tools;
mod args_watch;
mod commands;
mod config;
mod hints;
mod interrupt;
mod manners;
mod nearest;
mod outcome;
mod progress;
mod reference;
mod text;
#[cfg(feature = "tui")]
pub mod watch;

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};

use args::{Cli, Command};
use config::Layers;
use outcome::CliError;
pub use reference::reference;

use crate::checkpoint::Witness;

/// Serves a witness at an address until the last argument says to stop; tells the third where it
/// listens. Handed in from above, for one face does not name the other.
pub type ServeWitness = fn(
    Witness,
    SocketAddr,
    &mut dyn FnMut(SocketAddr) -> io::Result<()>,
    fn() -> bool,
) -> io::Result<()>;

/// Runs the program with the arguments of its process, and returns its exit code. `serve` is there
/// where the server was built in.
#[must_use]
pub fn main(serve: Option<ServeWitness>) -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let (cli, layers) = match read(&arguments) {
        Ok(read) => read,
        Err(Unread::Usage(told)) => {
            text::usage(&told);
            // Help and version exit with 0, wrong usage with 2.
            return u8::try_from(told.exit_code()).unwrap_or(outcome::COULD_NOT).into();
        }
        Err(Unread::Config(error)) => {
            complain(&error);
            return outcome::COULD_NOT.into();
        }
    };
    manners::Manners::of(&cli, &layers).keep();
    crate::ledger::disk::exit_on_cut_files();
    if let Some(file) = &layers.file {
        text::trace(&format_args!("settings of {}", file.display()));
    }
    let done = run(&cli.command, &layers, serve);
    text::trace(&"done");
    match done {
        Ok(code) => code.into(),
        Err(CliError::ClosedPipe) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            outcome::COULD_NOT.into()
        }
    }
}

/// Says what went wrong, and what to do next.
fn complain(error: &CliError) {
    text::complain(error);
    if let Some(step) = hints::next_step(error) {
        text::say(&format_args!("next: {step}"));
    }
}

fn run(command: &Command, layers: &Layers, serve: Option<ServeWitness>) -> outcome::Outcome {
    match command {
        Command::Demo(args) => commands::demo::run(args),
        Command::Backtest(args) => commands::backtest::run(args),
        Command::Sweep(args) => commands::sweep::run(args),
        Command::Replay(args) => commands::replay::run(args),
        Command::State(args) => commands::state::run(args),
        Command::Why(args) => commands::why::run(args),
        Command::Diff(args) => commands::diff::run(args),
        Command::Export(args) => commands::export::run(args),
        Command::Import(args) => commands::import::run(args),
        Command::Report(args) => commands::report::run(args),
        Command::Verify(args) => commands::verify::run(args),
        Command::Keygen(args) => commands::keygen::run(args),
        Command::Checkpoint(args) => commands::checkpoint::run(args),
        Command::Witness(args) => commands::witness::run(args, serve),
        Command::Reconcile(args) => commands::reconcile::run(args),
        Command::Prove(args) => commands::prove::run(args),
        Command::Check(args) => commands::check::run(args),
        Command::Note(args) => commands::note::run(args),
        Command::Shred(args) => commands::shred::run(args),
        Command::Inspect(args) => commands::inspect::run(args),
        Command::Backup(args) => commands::backup::run(args),
        Command::Recover(args) => commands::recover::run(args),
        Command::Salvage(args) => commands::salvage::run(args),
        Command::Pack(args) => commands::pack::run(args),
        Command::Unpack(args) => commands::pack::run_back(args),
        Command::Bench(args) => commands::bench::run(args),
        Command::Watch(args) => commands::watch::run(args),
        Command::Config(args) => commands::config::run(args, layers),
        Command::Completions(args) => commands::tools::completions(args),
        Command::Man(args) => commands::tools::man(args),
    }
}

/// Why there are no arguments to go by.
enum Unread {
    Usage(clap::Error),
    Config(CliError),
}

/// Reads the arguments, with the settings of file and environment where their defaults stand.
fn read(arguments: &[OsString]) -> Result<(Cli, Layers), Unread> {
    let commands = Cli::command();
    let (commands, layers) = match config::prepare(commands.clone(), arguments) {
        Ok(prepared) => prepared,
        // Help, and what mends the settings, must not need them.
        Err(error) => match Cli::try_parse_from(arguments) {
            Err(told) if !told.use_stderr() => return Err(Unread::Usage(told)),
            Ok(cli) if cli.command.needs_no_settings() => (commands, Layers::unread(arguments)),
            _ => return Err(Unread::Config(error)),
        },
    };
    let matches = commands.try_get_matches_from(arguments).map_err(Unread::Usage)?;
    let cli = Cli::from_arg_matches(&matches).map_err(Unread::Usage)?;
    Ok((cli, layers))
}

/// Reads arguments, the program's name first, as [`main`] does, and opens no file.
///
/// # Errors
/// What people are told when the arguments will not do; help that was asked for is told so too.
///
/// # Examples
/// ```
/// use schwabot::cli::check_arguments;
/// assert_eq!(check_arguments(&["schwabot".into(), "demo".into()]), Ok(()));
/// assert!(check_arguments(&["schwabot".into(), "demmo".into()]).is_err());
/// ```
pub fn check_arguments(arguments: &[OsString]) -> Result<(), String> {
    Cli::try_parse_from(arguments).map(drop).map_err(|told| text::usage_text(&told))
}
