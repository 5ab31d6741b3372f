//! `witness`: cosigns the checkpoints of other people's logs, over HTTP.

use std::io;
use std::sync::Arc;

use serde_json::json;

use crate::checkpoint::{KeyFile, Witness};
use crate::cli::ServeWitness;
use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_proofs::WitnessArgs;
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::text::Screen;
use crate::ledger::clock::Machine;
use crate::ledger::disk::RealDisk;

pub(in crate::cli) fn run(args: &WitnessArgs, serve: Option<ServeWitness>) -> Outcome {
    let Some(serve) = serve else {
        return Err(CliError::NotBuilt { feature: "server" });
    };
    let disk = Arc::new(RealDisk);
    let key = KeyFile::open(disk.clone(), &args.key)?.into_key();
    let witness = Witness::open(key, args.log.clone(), &args.state, disk, Arc::new(Machine))?;
    interrupt::listen()?;
    let mut listening = |address| {
        let mut screen = Screen::new();
        let url = format!("http://{address}");
        let shown = match args.format {
            // Alone on its line, so that a script can take it.
            Format::Text => screen.line(url),
            format => screen.answer(format, &Answer::new("witness", &json!({ "url": url }))),
        };
        let shown = shown.and_then(|()| screen.flush());
        match shown {
            Ok(()) | Err(CliError::ClosedPipe) => Ok(()),
            Err(error) => Err(io::Error::other(error.to_string())),
        }
    };
    serve(witness, args.listen, &mut listening, interrupt::asked)
        .map_err(|source| CliError::Serve { address: args.listen, source })?;
    Ok(0)
}
