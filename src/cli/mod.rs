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
mod args_proofs;
mod commands;
mod interrupt;
mod outcome;
mod progress;
mod text;

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use outcome::CliError;

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
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            text::usage(&told);
            // Help and version exit with 0, wrong usage with 2.
            return u8::try_from(told.exit_code()).unwrap_or(outcome::COULD_NOT).into();
        }
    };
    crate::ledger::disk::exit_on_cut_files();
    let done = match &cli.command {
        Command::Demo(args) => commands::demo::run(args),
        Command::Backtest(args) => commands::backtest::run(args),
        Command::Replay(args) => commands::replay::run(args),
        Command::State(args) => commands::state::run(args),
        Command::Why(args) => commands::why::run(args),
        Command::Diff(args) => commands::diff::run(args),
        Command::Export(args) => commands::export::run(args),
        Command::Import(args) => commands::import::run(args),
        Command::Verify(args) => commands::verify::run(args),
        Command::Keygen(args) => commands::keygen::run(args),
        Command::Checkpoint(args) => commands::checkpoint::run(args),
        Command::Witness(args) => commands::witness::run(args, serve),
        Command::Prove(args) => commands::prove::run(args),
        Command::Check(args) => commands::check::run(args),
        Command::Note(args) => commands::note::run(args),
        Command::Shred(args) => commands::shred::run(args),
        Command::Inspect(args) => commands::inspect::run(args),
        Command::Backup(args) => commands::backup::run(args),
        Command::Recover(args) => commands::recover::run(args),
        Command::Salvage(args) => commands::salvage::run(args),
        Command::Bench(args) => commands::bench::run(args),
    };
    match done {
        Ok(code) => code.into(),
        Err(CliError::ClosedPipe) => ExitCode::SUCCESS,
        Err(error) => {
            text::complain(&error);
            outcome::COULD_NOT.into()
        }
    }
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
