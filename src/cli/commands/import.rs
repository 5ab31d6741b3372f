//! `import`: other people's files into the ledger.

use std::ops::ControlFlow;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cli::answer::{Answer, untyped};
use crate::cli::args::Format;
use crate::cli::args_import::ImportArgs;
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, INTERRUPTED, Outcome};
use crate::cli::progress::Counting;
use crate::cli::text::{BAD, DIM, GOOD, Screen, count};
use crate::event::ImportDefect;
use crate::import::{
    Figure, FileOutcome, FileReport, ImportReport, ImportRequest, formats, import,
};
use crate::ledger::{SyncMode, WriterOptions};
use crate::market::parse_data_argument;

/// Columns of the table of files.
const FILE_COLUMNS: &[&str] = &[
    "file",
    "format",
    "label",
    "symbol",
    "interval",
    "bytes",
    "digest",
    "outcome",
    "sequence",
    "rows",
    "duplicates",
    "contradictions",
    "first",
    "last",
    "faults",
    "defect_count",
];

/// Defects that are listed unless all are asked for.
const DEFECTS_SHOWN: usize = 20;

pub(in crate::cli) fn run(args: &ImportArgs) -> Outcome {
    let mut screen = Screen::new();
    let Some(ledger) = args.ledger.as_ref().filter(|_| !args.list) else {
        list(&mut screen, args.format)?;
        screen.flush()?;
        return Ok(0);
    };
    interrupt::listen()?;
    let request = ImportRequest {
        files: args.files.iter().map(|file| named(file, args)).collect(),
        from: args.from,
        label: args.label.clone(),
        interval: args.interval,
        utc_offset: args.utc_offset,
        skip_malformed: args.skip_malformed,
        dry_run: args.dry_run,
    };
    let options = WriterOptions { sync: SyncMode::End, ..WriterOptions::default() };
    let counting = Counting::new("importing");
    let report = import(ledger, &request, &options, &mut |progress| {
        counting.reached(progress.records);
        if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    drop(counting);
    match args.format {
        Format::Text => tell(&mut screen, args, &report)?,
        format => {
            let fields = untyped(as_json(args, &report));
            let files = fields["files"].as_array().cloned().unwrap_or_default();
            let answer = Answer::new("import", &fields);
            screen.answer(format, &answer.listing("import_file", FILE_COLUMNS, files))?;
        }
    }
    screen.flush()?;
    Ok(if report.stopped { INTERRUPTED } else { 0 })
}

fn named(
    file: &std::ffi::OsString,
    args: &ImportArgs,
) -> (PathBuf, Option<crate::market::PairSymbol>) {
    let named = file.to_str().map(parse_data_argument);
    match named {
        Some(named) => (named.path, named.pair.or_else(|| args.pair.clone())),
        None => (PathBuf::from(file), args.pair.clone()),
    }
}

fn list(screen: &mut Screen, format: Format) -> Result<(), CliError> {
    if format != Format::Text {
        let formats: Vec<Value> = formats()
            .map(|f| json!({"name": f.name, "about": f.about, "label": f.label}))
            .collect();
        let fields = json!({ "formats": formats });
        let answer = Answer::new("import_formats", &fields);
        let columns = &["name", "label", "about"];
        return screen.answer(format, &answer.listing("import_format", columns, formats));
    }
    let rows: Vec<Vec<String>> = formats()
        .map(|format| [format.name, format.label, format.about].map(str::to_owned).to_vec())
        .collect();
    screen.table(&["format", "label", "what it is"], &rows)
}

fn shown(args: &ImportArgs, file: &FileReport) -> usize {
    if args.defects { file.tally.defects.len() } else { DEFECTS_SHOWN }
}

fn as_json(args: &ImportArgs, report: &ImportReport) -> Value {
    let files: Vec<Value> = report
        .files
        .iter()
        .map(|file| {
            let listed: Vec<&ImportDefect> =
                file.tally.defects.iter().take(shown(args, file)).collect();
            json!({
                "file": file.file.path.to_string_lossy(),
                "format": file.file.format.name,
                "label": file.file.label,
                "binary_floats": file.file.format.binary_floats || file.opened.binary_floats,
                "symbol": file.opened.symbol,
                "symbol_unnamed": file.opened.symbol_unnamed,
                "utc_offset": file.opened.utc_offset,
                "interval": file.opened.interval,
                "bytes": file.file.fingerprint.bytes,
                "digest": file.file.fingerprint.digest,
                "checksum_matched": file.file.checksum_matched,
                "outcome": file.outcome,
                "import": file.import.map(|(id, _)| id),
                "sequence": file.import.map(|(_, sequence)| sequence),
                "rows": file.tally.rows,
                "facts": file.tally.facts,
                "duplicates": file.tally.duplicates,
                "contradictions": file.tally.contradictions,
                "first": file.tally.first,
                "last": file.tally.last,
                "faults": file.tally.faults,
                "defect_count": file.tally.defect_count(),
                "defects": listed,
                "figures": file.tally.figures,
            })
        })
        .collect();
    json!({
        "type": "import",
        "dry_run": args.dry_run,
        "stopped": report.stopped,
        "files": files,
        "head": report.head,
    })
}

fn tell(screen: &mut Screen, args: &ImportArgs, report: &ImportReport) -> Result<(), CliError> {
    for file in &report.files {
        tell_file(screen, args, file)?;
    }
    if report.stopped {
        screen.styled(BAD, "stopped: what was not imported can be imported again")?;
    }
    match &report.head {
        Some(head) => {
            screen.field("records", head.size)?;
            screen.field("root", head.root)
        }
        None => screen.styled(DIM, "nothing was written"),
    }
}

fn tell_file(screen: &mut Screen, args: &ImportArgs, file: &FileReport) -> Result<(), CliError> {
    let (asked, tally) = (&file.file, &file.tally);
    let path = asked.path.display();
    match file.outcome {
        FileOutcome::Imported => screen.styled(GOOD, format_args!("{path}: imported"))?,
        FileOutcome::AlreadyImported => {
            screen.styled(DIM, format_args!("{path}: was imported before"))?;
        }
        FileOutcome::WouldImport => screen.line(format_args!("{path}: would be imported"))?,
        FileOutcome::Stopped => screen.styled(BAD, format_args!("{path}: stopped"))?,
    }
    screen.field("format", format_args!("{} ({})", asked.format.name, asked.format.about))?;
    screen.field("label", &asked.label)?;
    if asked.format.binary_floats || file.opened.binary_floats {
        screen.field("numbers", "were binary floats: their last digits may be an echo of that")?;
    }
    if let Some(symbol) = &file.opened.symbol {
        let interval = file.opened.interval.map(|span| format!(", {span}")).unwrap_or_default();
        screen.field("symbol", format_args!("{symbol}{interval}"))?;
    }
    let checked = if asked.checksum_matched { ", as its checksum file says" } else { "" };
    screen.field("sha256", format_args!("{}{checked}", asked.fingerprint.digest))?;
    if let Some((id, sequence)) = file.import {
        screen.field("import", format_args!("{id}, from record {sequence} on"))?;
    }
    screen.field("rows", tally.rows)?;
    for (kind, number) in &tally.facts {
        let new = if file.import.is_none() { " would be new" } else { " new" };
        screen.field(kind, format_args!("{number}{new}"))?;
    }
    let left_out = [("duplicates", tally.duplicates), ("contradictions", tally.contradictions)];
    for (name, number) in left_out.into_iter().filter(|(_, number)| *number > 0) {
        screen.field(name, format_args!("{number} left out"))?;
    }
    if tally.facts.is_empty() && tally.duplicates == 0 && tally.contradictions > 0 {
        let hint = "another market or account? give --label";
        screen.styled(BAD, format_args!("all of it contradicts what was known: {hint}"))?;
    }
    for (name, figure) in tally.figures.0.iter().filter(|(name, _)| *name != "rows") {
        match figure {
            // Shapes that no line holds are told in JSON.
            Figure::Map(map) if map.is_empty() => {}
            figure => screen.field(name, figure.to_text())?,
        }
    }
    tell_defects(screen, args, file)
}

fn tell_defects(screen: &mut Screen, args: &ImportArgs, file: &FileReport) -> Result<(), CliError> {
    let total = file.tally.defect_count();
    if total == 0 {
        return screen.field("defects", "none");
    }
    let faults = file.tally.faults.iter().map(|(fault, n)| format!("{n} {}", fault.name()));
    let faults: Vec<String> = faults.collect();
    screen.field("defects", format_args!("{total}: {}", faults.join(", ")))?;
    let listed = file.tally.defects.iter().take(shown(args, file));
    for defect in listed {
        let ImportDefect { row, fault, count: number, what } = defect;
        let times = if *number > 1 { format!(" ({number})") } else { String::new() };
        screen.line(format_args!("    row {row}: {}{times}: {what}", fault.name()))?;
    }
    let more = total.saturating_sub(shown(args, file) as u64);
    if more > 0 {
        screen.styled(DIM, format_args!("    and {}", count(more, "more defect")))?;
    }
    Ok(())
}
