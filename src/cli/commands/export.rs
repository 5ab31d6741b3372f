//! `export`: the history in other people's formats.

use serde_json::json;

use crate::cli::answer::{Answer, untyped};
use crate::cli::args::Format;
use crate::cli::args_export::{ExportArgs, ExportFormat};
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, INTERRUPTED, Outcome};
use crate::cli::progress::Reading;
use crate::cli::text::{Screen, count, note};
use crate::event::Event;
use crate::export::{
    About, ExportError, Request, Table, TableFormat, export_table, export_vcp, memory_stack,
    write_memory_stack,
};
use crate::ledger::Reader;

pub(in crate::cli) fn run(args: &ExportArgs) -> Outcome {
    let tables = match args.to {
        ExportFormat::MemoryStack => return stack(args),
        ExportFormat::Csv => Some(TableFormat::Csv),
        ExportFormat::Jsonl => Some(TableFormat::Jsonl),
        ExportFormat::Parquet => Some(parquet()?),
        ExportFormat::Vcp => None,
    };
    if tables.is_none() && args.what.is_some() {
        return Err(CliError::Usage("--what is for csv, jsonl and parquet".to_owned()));
    }
    let reading = Reading::new("exporting", &args.ledger, 1);
    let reader: Reader<Event> = Reader::open_on(reading.disk(), &args.ledger)?;
    interrupt::listen()?;
    let request = Request {
        from: args.from.unwrap_or(0),
        to: args.to_seq,
        force: args.force,
        go_on: &|| !interrupt::asked(),
    };
    let done = match tables {
        Some(format) => {
            let table = args.what.unwrap_or(Table::Trades);
            export_table(&reader, table, format, &args.out, &request)
        }
        None => export_vcp(&reader, &args.out, &request),
    };
    drop(reading);
    match done {
        Err(error @ ExportError::Stopped) => {
            note(&error);
            Ok(INTERRUPTED)
        }
        done => tell(args, &done?),
    }
}

#[cfg(feature = "parquet")]
fn parquet() -> Result<TableFormat, CliError> {
    Ok(TableFormat::Parquet)
}

#[cfg(not(feature = "parquet"))]
fn parquet() -> Result<TableFormat, CliError> {
    let text = "this program was built without Parquet: build it with `--features parquet`";
    Err(CliError::Usage(text.to_owned()))
}

fn tell(args: &ExportArgs, about: &About) -> Outcome {
    let mut screen = Screen::new();
    match args.format {
        Format::Text => {
            let (rows, out) = (count(about.rows, "row"), args.out.display());
            screen.line(format_args!("{rows} of {} in {out}", about.table))?;
            let range = match (about.first, about.last) {
                (Some(first), Some(last)) => format!("{first} to {last}"),
                _ => "none: the ledger is empty".to_owned(),
            };
            screen.field("records", range)?;
            screen.field("ledger", &about.ledger)?;
            let head = &about.head;
            screen.field("head", format_args!("{} records, root {}", head.size, head.root))?;
        }
        format => {
            let mut fields = json!(about);
            fields["out"] = json!(args.out.to_string_lossy());
            screen.answer(format, &Answer::new("export", &untyped(fields)))?;
        }
    }
    screen.flush()?;
    Ok(0)
}

fn stack(args: &ExportArgs) -> Outcome {
    if args.what.is_some() || args.from.is_some() || args.to_seq.is_some() || args.force {
        let text = "a memory stack is made of the whole ledger, into a new directory: \
                    --what, --from, --to-seq and --force are for the other formats";
        return Err(CliError::Usage(text.to_owned()));
    }
    let reading = Reading::new("exporting", &args.ledger, 2);
    let folder = args.out.display();
    interrupt::end_at_once(format!("the ledger was only read; remove {folder}, and begin again"))?;
    let reader = Reader::open_on(reading.disk(), &args.ledger)?;
    let stack = memory_stack(&reader)?;
    drop(reading);
    write_memory_stack(&stack, &args.out)?;
    let mut screen = Screen::new();
    let (files, folder) = (stack.len(), args.out.display());
    let (records, chain_head) = (reader.len(), reader.chain_head());
    match args.format {
        Format::Text => screen.line(format_args!(
            "{files} files of records 0..{records} (chain head {}) in {folder}",
            chain_head.short()
        ))?,
        format => {
            let fields = json!({
                "format": "memory-stack", "files": files, "records": records,
                "chain_head": chain_head, "out": args.out.to_string_lossy(),
            });
            screen.answer(format, &Answer::new("export", &fields))?;
        }
    }
    screen.flush()?;
    Ok(0)
}
