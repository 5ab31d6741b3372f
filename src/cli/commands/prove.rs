//! `prove`: a receipt for one record.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::place::outside_ledgers;
use crate::checkpoint::{RECEIPT_FIRST_LINE, prove};
use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_proofs::ProveArgs;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::text::Screen;
use crate::event::Event;
use crate::ledger::Reader;
use crate::ledger::disk::{Readers, RealDisk, write_whole};
use crate::projections::find_trade;

pub(in crate::cli) fn run(args: &ProveArgs) -> Outcome {
    let reader: Reader<Event> = if args.trade.is_some() {
        Reader::open(&args.ledger)?
    } else {
        Reader::open_any(Arc::new(RealDisk), &args.ledger)?
    };
    let sequence = match &args.trade {
        Some(trade) => find_trade(&reader, trade)?.sequence,
        None => args.sequence.ok_or_else(|| CliError::Usage("which record?".to_owned()))?,
    };
    check_place(&args.out)?;
    let receipt = prove(&reader, sequence)?;
    let written = write_whole(&RealDisk, &args.out, receipt.to_string().as_bytes(), Readers::Usual);
    written.map_err(|error| {
        let what = format!("cannot write the receipt: {error}");
        CliError::NotWritten { path: args.out.clone(), what }
    })?;
    let checkpoint = receipt.note.checkpoint();
    let mut screen = Screen::new();
    if args.format == Format::Text {
        screen.line(format_args!(
            "record {sequence} of {} under the checkpoint of {} records: {}",
            checkpoint.origin,
            checkpoint.size,
            args.out.display()
        ))?;
    } else {
        let fields = json!({
            "sequence": sequence,
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root": checkpoint.root,
            "file": args.out.to_string_lossy(),
        });
        screen.answer(args.format, &Answer::new("proof", &fields))?;
    }
    screen.flush()?;
    Ok(0)
}

/// Refuses what is not to be written over: anything but an earlier receipt.
fn check_place(path: &Path) -> Result<(), CliError> {
    outside_ledgers(path)?;
    let failed = |what: String| CliError::NotWritten { path: path.to_owned(), what };
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(error.to_string())),
        Ok(known) if !known.is_file() => Err(failed("there is something that is no file".into())),
        Ok(_) => {
            let file = File::open(path).map_err(|error| failed(error.to_string()))?;
            let mut start = Vec::new();
            let read = file.take(RECEIPT_FIRST_LINE.len() as u64).read_to_end(&mut start);
            read.map_err(|error| failed(error.to_string()))?;
            if start == RECEIPT_FIRST_LINE.as_bytes() {
                return Ok(());
            }
            let what = "the file exists and is no receipt: take another name, or remove it";
            Err(failed(what.to_owned()))
        }
    }
}
