//! `diff`: where two ledgers part, or what happened between two points of one.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cli::answer::Answer;
use crate::cli::args::{DiffArgs, Format};
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::progress::Reading;
use crate::cli::text::{Screen, count};
use crate::hash::Digest;
use crate::ledger::Reader;
use crate::projections::{Difference, Seen, diff, diff_between};

/// They differ, as `diff` of files says it.
const DIFFERENT: u8 = 1;

/// So many differing fields of the first differing record the text shows.
const FIELDS_SHOWN: usize = 16;

pub(in crate::cli) fn run(args: &DiffArgs) -> Outcome {
    let reading = Reading::new("comparing", &args.ledger, if args.other.is_some() { 4 } else { 2 });
    interrupt::end_at_once("nothing was changed; the same command begins again".to_owned())?;
    let left = Reader::open_on(reading.disk(), &args.ledger)?;
    let found = match (&args.other, args.from, args.to) {
        (Some(other), None, None) => diff(&left, &Reader::open_on(reading.disk(), other)?)?,
        (None, Some(from), Some(to)) => diff_between(&left, from, to)?,
        _ => {
            let text = "give two ledgers, or one with --from SEQ and --to SEQ";
            return Err(CliError::Usage(text.to_owned()));
        }
    };
    drop(reading);
    let mut screen = Screen::new();
    match args.format {
        Format::Text => tell(&mut screen, args, &found)?,
        format => screen.answer(format, &Answer::new("diff", &found))?,
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
            match (&parting.left, &parting.right) {
                (Some(left), Some(right)) if left.kind == right.kind => {
                    tell_fields(screen, left, right)?;
                }
                (left, right) => {
                    tell_seen(screen, "first", left.as_ref())?;
                    tell_seen(screen, "second", right.as_ref())?;
                }
            }
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

/// Tells in which fields two records of one kind differ: of a configuration with forty settings the
/// one that was changed.
fn tell_fields(screen: &mut Screen, left: &Seen, right: &Seen) -> Result<(), CliError> {
    screen.field("kind", &left.kind)?;
    let mut fields: BTreeMap<String, [Option<String>; 2]> = BTreeMap::new();
    for (side, seen) in [left, right].into_iter().enumerate() {
        if let Some(payload) = &seen.payload {
            leaves("", payload, &mut |path, leaf| {
                fields.entry(path.to_owned()).or_default()[side] = Some(leaf.to_string());
            });
        }
    }
    let differ = fields.into_iter().filter(|(_, [first, second])| first != second);
    let dash = |leaf: Option<String>| leaf.unwrap_or_else(|| "-".to_owned());
    let mut rows: Vec<Vec<String>> =
        differ.map(|(path, [first, second])| vec![path, dash(first), dash(second)]).collect();
    let more = rows.len().saturating_sub(FIELDS_SHOWN);
    rows.truncate(FIELDS_SHOWN);
    screen.table(&["field", "first", "second"], &rows)?;
    if more > 0 {
        screen.line(format_args!("  and {more} more; --format json has both records whole"))?;
    }
    Ok(())
}

/// Calls `each` with the path and value of every leaf. A member of a list that has a name goes by
/// it, so that one added setting does not shift all that follow.
fn leaves(path: &str, value: &Value, each: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(fields) => {
            let named = fields.keys().eq(["name", "value"]);
            for (name, field) in fields.iter().filter(|(name, _)| !named || *name == "value") {
                let path = if named { path.to_owned() } else { join(path, name) };
                leaves(&path, field, each);
            }
        }
        Value::Array(members) => {
            for (place, member) in members.iter().enumerate() {
                let name = member["name"].as_str().map_or_else(|| place.to_string(), str::to_owned);
                leaves(&join(path, &name), member, each);
            }
        }
        leaf => each(path, leaf),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
