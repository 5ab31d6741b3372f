//! `prove`: a receipt for one record.

use std::sync::Arc;

use serde_json::json;

use crate::checkpoint::prove;
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
    let receipt = prove(&reader, sequence)?;
    let written = write_whole(&RealDisk, &args.out, receipt.to_string().as_bytes(), Readers::Usual);
    written.map_err(|error| {
        let what = format!("cannot write the receipt: {error}");
        CliError::File { path: args.out.clone(), what }
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
