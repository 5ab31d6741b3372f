//! `backup` and `recover --from`: copies what is new, and comes back from it.

use std::path::Path;

use super::check::read_note;
use super::verify::{LISTED, end_in_words, fault_in_words, tell};
use crate::audit::{BackedUp, Restored, Verdict, VerifyOptions, backup, restore};
use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_backup::{BackupArgs, RecoverArgs};
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::progress::Reading;
use crate::cli::text::{BAD, GOOD, Screen, count};
use crate::ledger::LedgerEnd;

pub(in crate::cli) fn run(args: &BackupArgs) -> Outcome {
    let reading = Reading::new("copying", &args.ledger, 1);
    let advice = "the backup holds what it held before; the same command goes on";
    interrupt::end_at_once(advice.to_owned())?;
    let done = backup(&*reading.disk(), &args.ledger, &args.out)?;
    drop(reading);
    let mut screen = Screen::new();
    match args.format {
        Format::Text => tell_backup(&mut screen, &done, args)?,
        format => screen.answer(format, &Answer::new("backup", &done))?,
    }
    screen.flush()?;
    let contradicted = !done.contradictions.is_empty();
    Ok(if contradicted { Verdict::Contradicted.exit_code() } else { 0 })
}

fn tell_backup(screen: &mut Screen, done: &BackedUp, args: &BackupArgs) -> Result<(), CliError> {
    let (records, segments) = (count(done.records, "record"), count(done.segments, "segment"));
    let text = format!("backed up: {records} in {segments}");
    // What a writer has not even written is counted nowhere.
    let nothing_yet = done.end == LedgerEnd::Live && done.records == 0;
    let is_behind = done.unproven > 0 || nothing_yet;
    if is_behind {
        screen.line(text)?;
    } else {
        screen.styled(GOOD, text)?;
    }
    let whole = count(done.copied.len() as u64, "whole segment");
    let part = if done.copied_part { " and the last part" } else { "" };
    screen.field("copied now", format_args!("{whole}{part}, {} bytes", done.bytes))?;
    screen.field("the ledger is", end_in_words(done.end))?;
    if done.unproven > 0 {
        let left_out = count(done.unproven, "record");
        let text = "nothing proves them durable yet";
        screen.field("left out", format_args!("{left_out} ({text})"))?;
    }
    if is_behind {
        tell_what_helps(screen, done, &args.ledger)?;
    }
    if let Some(link) = &done.chain_head {
        screen.field("chain head", link)?;
    }
    screen.field(
        "notes",
        format_args!("{}, {} of them new or changed", done.notes, done.new_notes),
    )?;
    tell_notes(screen, &done.contradictions, &done.unreadable)?;
    screen.line(format_args!("check it: schwabot verify {}", args.out.display()))
}

/// What the user can do about records that were left out: of a writer that is dead, nothing more
/// ever comes by itself.
fn tell_what_helps(screen: &mut Screen, done: &BackedUp, ledger: &Path) -> Result<(), CliError> {
    if done.end == LedgerEnd::Live {
        let when = "once a later sync proves them; under --sync end that is when the run ends";
        return screen.line(format_args!("  a later backup copies records {when}"));
    }
    let ledger = ledger.display();
    screen.line(format_args!("  first schwabot recover {ledger}, then back up again"))
}

/// Restores a backup.
pub(super) fn come_back(args: &RecoverArgs, from: &Path) -> Outcome {
    let reading = Reading::new("restoring", from, 2);
    let advice = "the backup is as it was; the same command begins again";
    interrupt::end_at_once(advice.to_owned())?;
    let options = VerifyOptions {
        disk: reading.disk(),
        against: args.against.as_deref().map(read_note).transpose()?,
        ..VerifyOptions::default()
    };
    let restored = restore(from, &args.ledger, &options)?;
    drop(reading);
    let mut screen = Screen::new();
    match args.format {
        Format::Text => tell_restored(&mut screen, &restored, from)?,
        format => screen.answer(format, &Answer::new("restored", &restored))?,
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
        let text = "a checkpoint, a header or a later frame knows of them";
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
    if restored.islands {
        let islands = "what is whole behind the damage: schwabot salvage";
        screen.line(format_args!("  {islands} {} DIR", from.display()))?;
    }
    tell_notes(screen, &restored.contradictions, &restored.unreadable)?;
    if restored.missing_records.is_none() && restored.faults.is_empty() {
        screen.field("missing", "nothing that the backup knows of")?;
    }
    // Of a backup that is damaged the part before the damage may well be intact, or empty.
    let itself = if whole { "" } else { ", taken by itself," };
    screen.line(format_args!("what was restored{itself} is:"))?;
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
