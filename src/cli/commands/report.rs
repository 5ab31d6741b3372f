//! `report`: the tear sheet of a ledger.

use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::key_ring;
use crate::audit::{Verdict, VerifyOptions};
use crate::cli::args_report::{ReportArgs, ReportFormat};
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::text::{BAD, GOOD, Screen, to_json};
use crate::erasure::Unseal;
use crate::ledger::disk::{Readers, RealDisk, write_whole};
use crate::ledger::layout::is_inside_ledger;
use crate::pipeline::usual_threads;
use crate::projections::UpTo;
use crate::report::{SheetOptions, TearSheet, Trials, tear_sheet};

/// Makes the sheet and writes it. The code is that of the verdict: a page about a log that is not
/// intact is written all the same, and says so.
pub(in crate::cli) fn run(args: &ReportArgs) -> Outcome {
    match &args.output {
        Some(path) => refuse_place(path, args.force)?,
        None if args.format == ReportFormat::Html => {
            return Err(CliError::Usage("name the page to write: --output FILE".to_owned()));
        }
        None => {}
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
    let text = match args.format {
        ReportFormat::Html => sheet.page(&flags(args)),
        ReportFormat::Json => to_json(&sheet)? + "\n",
    };
    match show(args, &sheet, &text) {
        // The verdict stands, whoever reads the answer to its end.
        Ok(()) | Err(CliError::ClosedPipe) => Ok(code),
        Err(error) => Err(error),
    }
}

fn show(args: &ReportArgs, sheet: &TearSheet, text: &str) -> Result<(), CliError> {
    let mut screen = Screen::new();
    let Some(path) = &args.output else {
        screen.json(sheet)?;
        return screen.flush();
    };
    let written = write_whole(&RealDisk, path, text.as_bytes(), Readers::Usual);
    written.map_err(|error| cannot(path, &error))?;
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
    }
    for note in &sheet.notes {
        screen.line(format_args!("  note: {note}"))?;
    }
    screen.field("written", format_args!("{}, {} bytes", path.display(), text.len()))?;
    screen.flush()
}

fn cannot(path: &Path, what: &dyn Display) -> CliError {
    CliError::File { path: path.to_owned(), what: format!("cannot write the report: {what}") }
}

/// Refuses what must not be written over, before the work is done.
fn refuse_place(path: &Path, force: bool) -> Result<(), CliError> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    if is_inside_ledger(&RealDisk, folder.unwrap_or(Path::new("."))) {
        return Err(cannot(path, &"it would lie inside a ledger"));
    }
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(cannot(path, &error)),
        Ok(known) if !known.is_file() => Err(cannot(path, &"there is something that is no file")),
        Ok(_) if !force => Err(cannot(path, &"the file exists; --force replaces it")),
        Ok(_) => Ok(()),
    }
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
