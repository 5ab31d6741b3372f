//! `keygen`: a new key that signs; the public half on stdout, the private half in a file.

use std::sync::Arc;

use serde_json::json;

use crate::checkpoint::{KeyFile, KeyKind, SigningKey};
use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_proofs::KeygenArgs;
use crate::cli::outcome::Outcome;
use crate::cli::text::Screen;
use crate::ledger::clock::Machine;
use crate::ledger::disk::RealDisk;

pub(in crate::cli) fn run(args: &KeygenArgs) -> Outcome {
    let kind = if args.cosigner { KeyKind::Cosigner } else { KeyKind::Log };
    let key = SigningKey::generate(&args.name, kind, &Machine)?;
    let file = KeyFile::create(Arc::new(RealDisk), &args.out, key)?;
    let mut screen = Screen::new();
    if args.format == Format::Text {
        // Alone on its line, so that a script can take it.
        screen.line(file.key().verifier())?;
    } else {
        let fields = json!({
            "name": args.name,
            "kind": if args.cosigner { "cosigner" } else { "log" },
            "vkey": file.key().verifier().to_string(),
            "file": args.out.to_string_lossy(),
        });
        screen.answer(args.format, &Answer::new("key", &fields))?;
    }
    screen.flush()?;
    Ok(0)
}
