//! `checkpoint`: signs the head of a ledger, or adds a cosigner's signature to the newest note.

use std::sync::Arc;

use serde_json::json;

use crate::checkpoint::{KeyFile, KeyKind, Signature, cosign_head, rotate, sign_head};
use crate::cli::args::Format;
use crate::cli::args_proofs::CheckpointArgs;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::text::{GOOD, Screen, count};
use crate::event::Event;
use crate::ledger::WriterOptions;
use crate::ledger::clock::Machine;

pub(in crate::cli) fn run(args: &CheckpointArgs) -> Outcome {
    let options = WriterOptions::default();
    let key = KeyFile::open(Arc::clone(&options.disk), &args.key)?;
    let signature = match (&args.rotate_to, key.key().verifier().kind()) {
        (Some(new), _) => {
            let new = KeyFile::open(Arc::clone(&options.disk), new)?;
            rotate::<Event>(&args.ledger, &key, &new, &options)?
        }
        (None, KeyKind::Log) => sign_head::<Event>(&args.ledger, &key, &options)?,
        (None, KeyKind::Cosigner) => cosign_head::<Event>(&args.ledger, &key, &Machine, &options)?,
    };
    let mut screen = Screen::new();
    match args.format {
        Format::Json => screen.json(&json_of(&signature))?,
        Format::Text => tell(&mut screen, args, &signature)?,
    }
    screen.flush()?;
    Ok(0)
}

fn json_of(signature: &Signature) -> serde_json::Value {
    let checkpoint = signature.note.checkpoint();
    let signers: Vec<&str> =
        signature.note.signatures.iter().map(|line| line.name.as_str()).collect();
    json!({
        "type": "checkpoint",
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root,
        "signatures": signers,
        "saved": signature.saved,
        "frame_headers_not_fixed_from": signature.unanchored.as_ref().map(|left| left.from_frame),
        "note": signature.note.to_string(),
    })
}

fn tell(screen: &mut Screen, args: &CheckpointArgs, signature: &Signature) -> Result<(), CliError> {
    let checkpoint = signature.note.checkpoint();
    screen.styled(GOOD, format_args!("signed {}", count(checkpoint.size, "record")))?;
    screen.field("origin", &checkpoint.origin)?;
    screen.field("root", checkpoint.root)?;
    for line in &signature.note.signatures {
        screen.field("signed by", &line.name)?;
    }
    if let Some(left) = &signature.unanchored {
        let text = format!("{}; frame headers from frame {} on", left.why, left.from_frame);
        screen.field("not fixed", text)?;
    }
    if signature.saved {
        screen.field("note", args.ledger.join("checkpoint").display())?;
        return Ok(());
    }
    screen.field("note", "the ledger can only be read, so the note is shown here:")?;
    screen.line("")?;
    for line in signature.note.to_string().lines() {
        screen.line(line)?;
    }
    Ok(())
}
