//! `diff`: where two ledgers part, or what happened between two points of one.

use serde_json::json;

use crate::cli::args::{DiffArgs, Format};
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::text::{Screen, count};
use crate::hash::Digest;
use crate::ledger::Reader;
use crate::projections::{Difference, Seen, diff, diff_between};

/// They differ, as `diff` of files says it.
const DIFFERENT: u8 = 1;

pub(in crate::cli) fn run(args: &DiffArgs) -> Outcome {
    let left = Reader::open(&args.ledger)?;
    let found = match (&args.other, args.from, args.to) {
        (Some(other), None, None) => diff(&left, &Reader::open(other)?)?,
        (None, Some(from), Some(to)) => diff_between(&left, from, to)?,
        _ => {
            let text = "give two ledgers, or one with --from SEQ and --to SEQ";
            return Err(CliError::Usage(text.to_owned()));
        }
    };
    let mut screen = Screen::new();
    match args.format {
        Format::Json => {
            let mut answer = serde_json::to_value(&found).map_err(std::io::Error::from)?;
            answer["type"] = json!("diff");
            screen.json(&answer)?;
        }
        Format::Text => tell(&mut screen, args, &found)?,
    }
    screen.flush()?;
    Ok(if found.same { 0 } else { DIFFERENT })
}

fn tell(screen: &mut Screen, args: &DiffArgs, found: &Difference) -> Result<(), CliError> {
    if found.same {
        let records = count(found.left_records, "record");
        return screen.line(format_args!("the same {records}"));
    }
    match &found.parting {
        Some(parting) => {
            let sequence = parting.sequence;
            screen.line(format_args!("they part at record {sequence}"))?;
            tell_seen(screen, "first", parting.left.as_ref())?;
            tell_seen(screen, "second", parting.right.as_ref())?;
        }
        None => {
            let (from, to) = (args.from.unwrap_or_default(), args.to.unwrap_or_default());
            screen.line(format_args!("from behind record {from} to record {to}"))?;
        }
    }
    screen.field("records", format_args!("{} | {}", found.left_records, found.right_records))?;
    for (kind, number) in &found.records_between {
        screen.field(kind, number)?;
    }
    if !found.projections.is_empty() {
        screen.field("state differs", found.projections.join(", "))?;
    }
    let rows: Vec<Vec<String>> = found
        .figures
        .iter()
        .map(|figure| vec![figure.what.clone(), figure.left.clone(), figure.right.clone()])
        .collect();
    if !rows.is_empty() {
        screen.table(&["", "first", "second"], &rows)?;
    }
    for (side, trades) in [("first", &found.only_left), ("second", &found.only_right)] {
        if !trades.is_empty() {
            let listed: Vec<String> = trades.iter().take(5).map(Digest::short).collect();
            let more = if trades.len() > listed.len() { ", ..." } else { "" };
            let only = count(trades.len() as u64, "trade");
            screen
                .line(format_args!("  {only} only in the {side}: {}{more}", listed.join(", ")))?;
        }
    }
    Ok(())
}

fn tell_seen(screen: &mut Screen, side: &str, seen: Option<&Seen>) -> Result<(), CliError> {
    match seen {
        None => screen.field(side, "has ended"),
        Some(seen) => {
            let payload = seen.payload.as_ref().map(ToString::to_string).unwrap_or_default();
            screen.field(side, format_args!("{} {} {payload}", seen.kind, seen.digest.short()))
        }
    }
}
