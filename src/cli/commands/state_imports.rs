//! `state LEDGER imports`: what was imported of other people's files.

use serde_json::json;

use crate::cli::answer::Answer;
use crate::cli::args::{Format, StateArgs};
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::text::{Screen, count};
use crate::event::Event;
use crate::ledger::Reader;
use crate::projections::{ImportedFile, UpTo, imported_files};

/// Columns of the table.
const COLUMNS: &[&str] = &[
    "sequence",
    "started.format",
    "started.label",
    "started.symbol",
    "started.symbol_unnamed",
    "started.utc_offset",
    "started.digest",
    "started.bytes",
    "facts",
    "defects",
    "ended.rows",
    "ended.duplicates",
    "ended.contradictions",
    "ended.first",
    "ended.last",
];

pub(super) fn run(args: &StateArgs, reader: &Reader<Event>) -> Outcome {
    let all = imported_files(reader, args.at.unwrap_or(UpTo::End))?;
    let limit = args.limit.unwrap_or(usize::MAX);
    let shown: Vec<&ImportedFile> = all.iter().skip(args.offset).take(limit).collect();
    let mut screen = Screen::new();
    match args.format {
        Format::Text => {
            screen.line(count(all.len() as u64, "import"))?;
            shown
                .into_iter()
                .try_for_each(|import| tell(&mut screen, import, args.at.is_some()))?;
        }
        format => {
            let members = shown.iter().map(|import| json!(import)).collect();
            let fields = json!({"records": reader.len(), "imports": shown});
            let answer = Answer::new("state", &fields).listing("imported", COLUMNS, members);
            screen.answer(format, &answer)?;
        }
    }
    screen.flush()?;
    Ok(0)
}

fn tell(screen: &mut Screen, import: &ImportedFile, at: bool) -> Result<(), CliError> {
    let started = &import.started;
    let symbol = started.symbol.as_deref().unwrap_or("what each row names");
    screen.line(format_args!("record {}: {} of {symbol}", import.sequence, started.format))?;
    screen.field("label", &started.label)?;
    if let Some(symbol) = &started.symbol_unnamed {
        screen.field("unnamed rows", format_args!("of {symbol}, as the operator said"))?;
    }
    if let Some(offset) = started.utc_offset {
        screen.field("clock", format_args!("{offset} east of UTC, as the operator said"))?;
    }
    screen.field("sha256", format_args!("{}, {} bytes", started.digest, started.bytes))?;
    for (kind, number) in &import.facts {
        screen.field(kind, number)?;
    }
    screen.field("defects", import.defects)?;
    match &import.ended {
        // What comes after that place may well be the rest of it.
        None if at => screen.field("end", "not ended by then"),
        None => screen.field("end", "none: it was cut off; import the file again"),
        Some(ended) => {
            screen.field("rows", ended.rows)?;
            screen.field("left out", ended.duplicates + ended.contradictions)?;
            if let (Some(first), Some(last)) = (ended.first, ended.last) {
                screen.field("from, to", format_args!("{first}, {last}"))?;
            }
            Ok(())
        }
    }
}
