//! `backup` and `recover --from`: copies what is new, and comes back from it.

use std::path::Path;

use super::check::read_note;
use super::verify::{end_in_words, fault_in_words, tell};
use crate::audit::{BackedUp, Restored, Verdict, VerifyOptions, backup, restore};
use crate::cli::args::Format;
use crate::cli::args_backup::{BackupArgs, RecoverArgs};
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::text::{BAD, GOOD, Screen, count};
use crate::ledger::disk::RealDisk;

/// What people are shown of a list; JSON has all of it.
const LISTED: usize = 10;

pub(in crate::cli) fn run(args: &BackupArgs) -> Outcome {
    let done = backup(&RealDisk, &args.ledger, &args.out)?;
    let mut screen = Screen::new();
    match args.format {
        Format::Json => screen.json(&done)?,
        Format::Text => tell_backup(&mut screen, &done, &args.out)?,
    }
    screen.flush()?;
    let contradicted = !done.contradictions.is_empty();
    Ok(if contradicted { Verdict::Contradicted.exit_code() } else { 0 })
}

fn tell_backup(screen: &mut Screen, done: &BackedUp, out: &Path) -> Result<(), CliError> {
    let (records, segments) = (count(done.records, "record"), count(done.segments, "segment"));
    screen.styled(GOOD, format_args!("backed up: {records} in {segments}"))?;
    let whole = count(done.copied.len() as u64, "whole segment");
    let part = if done.copied_part { " and the last part" } else { "" };
    screen.field("copied now", format_args!("{whole}{part}, {} bytes", done.bytes))?;
    screen.field("the ledger is", end_in_words(done.end))?;
    if done.unproven > 0 {
        let text = "nothing proves them durable yet; they are copied once something does";
        screen.field("left out", format_args!("{} ({text})", count(done.unproven, "record")))?;
    }
    if let Some(link) = &done.chain_head {
        screen.field("chain head", link)?;
    }
    screen.field(
        "notes",
        format_args!("{}, {} of them new or changed", done.notes, done.new_notes),
    )?;
    tell_notes(screen, &done.contradictions, &done.unreadable)?;
    screen.line(format_args!("check it: schwabot verify {}", out.display()))
}

/// Restores a backup.
pub(super) fn come_back(args: &RecoverArgs, from: &Path) -> Outcome {
    let options = VerifyOptions {
        against: args.against.as_deref().map(read_note).transpose()?,
        ..VerifyOptions::default()
    };
    let restored = restore(from, &args.ledger, &options)?;
    let mut screen = Screen::new();
    match args.format {
        Format::Json => screen.json(&restored)?,
        Format::Text => tell_restored(&mut screen, &restored, from)?,
    }
    screen.flush()?;
    Ok(restored.exit_code())
}

fn tell_restored(screen: &mut Screen, restored: &Restored, from: &Path) -> Result<(), CliError> {
    let (records, segments) =
        (count(restored.records, "record"), count(restored.segments, "segment"));
    let whole = restored.verdict == Verdict::Intact;
    let style = if whole { GOOD } else { BAD };
    screen.styled(style, format_args!("restored: {records} in {segments}"))?;
    if let Some((first, end)) = restored.missing_records {
        let text = "a checkpoint or a segment's header knows of them";
        screen.field("missing", format_args!("records {first}..{end} ({text})"))?;
    }
    for (first, end) in restored.missing_segments.iter().take(LISTED) {
        screen.field("missing", format_args!("segments {first}..{end}"))?;
    }
    for segment in restored.left_out.iter().take(LISTED) {
        let text = "what it continues is not whole";
        screen.field("left out", format_args!("segment {segment:012} ({text})"))?;
    }
    for fault in restored.faults.iter().take(LISTED) {
        screen.line(format_args!("  the backup: {}", fault_in_words(fault)))?;
    }
    if !restored.left_out.is_empty() {
        let islands = "what is whole behind the damage: schwabot salvage";
        screen.line(format_args!("  {islands} {} DIR", from.display()))?;
    }
    tell_notes(screen, &restored.contradictions, &restored.unreadable)?;
    if restored.missing_records.is_none() && restored.faults.is_empty() {
        screen.field("missing", "nothing that the backup knows of")?;
    }
    screen.line("what was restored is:")?;
    tell(screen, &restored.report)
}

fn tell_notes(
    screen: &mut Screen,
    contradictions: &[String],
    unreadable: &[String],
) -> Result<(), CliError> {
    for what in contradictions.iter().take(LISTED) {
        screen.line(format_args!("  contradiction: {what}; both notes are kept"))?;
    }
    for what in unreadable.iter().take(LISTED) {
        screen.line(format_args!("  not a note: {what}"))?;
    }
    Ok(())
}
