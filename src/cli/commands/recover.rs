//! `recover`: opens a ledger that was cut off, on purpose, says what was dropped, and closes it;
//! with `--from` it restores a backup.

use super::backup;
use super::inspect::{is_live, scan};
use crate::cli::args_backup::RecoverArgs;
use crate::cli::outcome::Outcome;
use crate::cli::text::{Screen, count};
use crate::event::Event;
use crate::ledger::disk::RealDisk;
use crate::ledger::layout::{Layout, Listing};
use crate::ledger::scan::SegmentEnd;
use crate::ledger::{LedgerError, Writer, WriterOptions};

pub(in crate::cli) fn run(args: &RecoverArgs) -> Outcome {
    if let Some(from) = &args.from {
        return backup::come_back(args, from);
    }
    let layout = Layout::new(&args.ledger);
    // Looked at first: opening for write makes a ledger where there is none.
    let listing = Listing::read(&RealDisk, &layout)?;
    if is_live(&layout)? {
        return Err(LedgerError::Locked { path: args.ledger.clone() }.into());
    }
    let mut screen = Screen::new();
    let last = listing.segments.len().checked_sub(1);
    let found = match last.zip(listing.segments.last()) {
        Some((place, listed)) => scan(&layout, &listing, place, listed, false)?,
        None => None,
    };
    let sound =
        found.as_ref().is_some_and(|scan| scan.end == SegmentEnd::Closed && scan.faults.is_empty());
    if sound || (!listing.has_segments_dir && listing.identity.is_ok()) {
        screen.line("nothing to recover: the ledger was closed; nothing was changed")?;
        screen.flush()?;
        return Ok(0);
    }
    let writer: Writer<Event> = Writer::open(&args.ledger, &WriterOptions::default())?;
    let head = writer.close()?;
    let after = Listing::read(&RealDisk, &layout)?;
    let notes = after.segments.iter().skip(listing.segments.len());
    let note = notes.filter_map(|listed| listed.header.as_ref().ok()?.recovery).next();
    match note {
        Some(note) if note.dead_bytes > 0 => {
            screen.line("recovered: an append was cut off before it was whole")?;
            let segment = last.unwrap_or_default();
            let end = note.counted_bytes.saturating_add(note.dead_bytes);
            let range = format!("segment {segment:012}, bytes {}..{end}", note.counted_bytes);
            screen.field("dropped", format_args!("{range} ({} bytes)", note.dead_bytes))?;
            screen.field("their digest", note.dead_digest)?;
            screen.line("  The bytes stay where they are; a `recovered` record names them.")?;
        }
        _ => screen.line("recovered: its writer ended without closing it; nothing was lost")?,
    }
    screen.field("kept", count(head.size, "record"))?;
    screen.field("root", head.root)?;
    screen.flush()?;
    Ok(0)
}
