//! The `schwabot` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    schwabot::cli::main()
}
