//! `report`: the tear sheet of a ledger.

use std::sync::Arc;

use super::key_ring;
use super::page::{refuse_place, write_page};
use crate::audit::{Verdict, VerifyOptions};
use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_report::ReportArgs;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::text::{BAD, GOOD, Screen};
use crate::erasure::Unseal;
use crate::pipeline::usual_threads;
use crate::projections::UpTo;
use crate::report::{SheetOptions, TearSheet, Trials, tear_sheet};

/// Columns of the table of figures.
const METRIC_COLUMNS: &[&str] = &[
    "group",
    "name",
    "title",
    "value",
    "unit",
    "periods",
    "of",
    "range.from",
    "range.to",
    "formula",
];

/// Makes the sheet and writes it. The code is that of the verdict: a page about a log that is not
/// intact is written all the same, and says so.
pub(in crate::cli) fn run(args: &ReportArgs) -> Outcome {
    if let Some(path) = &args.output {
        refuse_place(path, args.force)?;
    }
    let keys = args.keys.as_deref().map(key_ring::open_existing).transpose()?;
    let trials = args.trials.zip(args.trials_variance);
    let options = SheetOptions {
        up_to: args.at.unwrap_or(UpTo::End),
        period: args.period,
        trials: trials.map(|(count, variance)| Trials::of(count, variance)),
        verify: VerifyOptions {
            threads: args.threads.asked().unwrap_or_else(usual_threads),
            keys: keys.map(|ring| Arc::new(ring) as Arc<dyn Unseal>),
            ..VerifyOptions::default()
        },
    };
    let sheet = tear_sheet(&args.ledger, &options)?;
    let code = sheet.proof.exit_code;
    if let Some(path) = &args.output {
        write_page(path, &sheet.page(&flags(args)))?;
    }
    match show(args, &sheet) {
        // The verdict stands, whoever reads the answer to its end.
        Ok(()) | Err(CliError::ClosedPipe) => Ok(code),
        Err(error) => Err(error),
    }
}

fn show(args: &ReportArgs, sheet: &TearSheet) -> Result<(), CliError> {
    let mut screen = Screen::new();
    if args.format == Format::Text {
        tell(&mut screen, args, sheet)?;
    } else {
        let figures = sheet.metrics.iter().map(|metric| serde_json::json!(metric)).collect();
        let answer = Answer::new("report", sheet).listing("metric", METRIC_COLUMNS, figures);
        screen.answer(args.format, &answer)?;
    }
    screen.flush()
}

fn tell(screen: &mut Screen, args: &ReportArgs, sheet: &TearSheet) -> Result<(), CliError> {
    let proof = &sheet.proof;
    let style = if proof.verdict == Verdict::Intact { GOOD } else { BAD };
    screen.styled(style, proof.verdict)?;
    if let Some(root) = proof.root {
        let size = proof.size.unwrap_or_default();
        screen.field("head", format_args!("{size} records, root {root}"))?;
    }
    if let Some(run) = &sheet.run {
        let (first, last) = (run.first_sequence, run.last_sequence);
        screen.field("run", format_args!("records {first} to {last}"))?;
        screen.field("currency", &run.currency)?;
        screen.field("returns", format_args!("of {}", sheet.period.one()))?;
    }
    for note in &sheet.notes {
        screen.line(format_args!("  note: {note}"))?;
    }
    // With a page the figures are there.
    if let Some(path) = &args.output {
        return screen.field("written", path.display());
    }
    for group in sheet.metrics.chunk_by(|a, b| a.group == b.group) {
        screen.line(group[0].group)?;
        for metric in group {
            screen.line(format_args!("  {:<42} {:>16}", metric.title, metric.shown()))?;
        }
    }
    Ok(())
}

/// The flags that change what a sheet says, as they are to be typed again.
fn flags(args: &ReportArgs) -> String {
    let at = match args.at {
        None | Some(UpTo::End) => String::new(),
        Some(UpTo::Sequence(sequence)) => format!(" --at {sequence}"),
        Some(UpTo::Time(time)) => format!(" --at {time}"),
    };
    let period = args.period.map(|period| format!(" --period {}", period.name()));
    let trials = args
        .trials
        .zip(args.trials_variance)
        .map(|(count, variance)| format!(" --trials {count} --trials-variance {variance}"));
    let keys = args.keys.as_ref().map(|_| " --keys KEYS".to_owned());
    [Some(at), period, trials, keys].into_iter().flatten().collect()
}
