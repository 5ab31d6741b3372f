//! The `schwabot` program: everything is in the library, and here its faces are put together.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(feature = "server")]
    let serve: Option<schwabot::cli::ServeWitness> = Some(schwabot::http::serve_witness);
    #[cfg(not(feature = "server"))]
    let serve = None;
    schwabot::cli::main(serve)
}
