//! `recover`: opens a ledger that was cut off, on purpose, says what was dropped, and closes it;
//! with `--from` it restores a backup.

use serde::Serialize;

use super::backup;
use super::inspect::{is_live, scan};
use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_backup::RecoverArgs;
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::progress::Reading;
use crate::cli::text::{Screen, count};
use crate::event::Event;
use crate::hash::Digest;
use crate::ledger::disk::RealDisk;
use crate::ledger::layout::{Layout, Listing};
use crate::ledger::scan::SegmentEnd;
use crate::ledger::{Head, LedgerError, Writer, WriterOptions};

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
    let last = listing.segments.len().checked_sub(1);
    let found = match last.zip(listing.segments.last()) {
        Some((place, listed)) => scan((&RealDisk, &layout), &listing, place, listed, false)?,
        None => None,
    };
    let closed =
        found.as_ref().is_some_and(|scan| scan.end == SegmentEnd::Closed && scan.faults.is_empty());
    // Without a sound `ledger.id` opening it refuses, and says so.
    if listing.identity.is_ok() && (closed || !listing.has_segments_dir) {
        return show(args, &Recovered::default());
    }
    let reading = Reading::new("recovering", &args.ledger, 1);
    let advice = "no old byte was changed; the same command goes on";
    interrupt::end_at_once(advice.to_owned())?;
    let options = WriterOptions { disk: reading.disk(), ..WriterOptions::default() };
    let writer: Writer<Event> = Writer::open(&args.ledger, &options)?;
    let head = writer.close()?;
    drop(reading);
    let after = Listing::read(&RealDisk, &layout)?;
    let notes = after.segments.iter().skip(listing.segments.len());
    let note = notes.filter_map(|listed| listed.header.as_ref().ok()?.recovery).next();
    let dropped = note.filter(|note| note.dead_bytes > 0).map(|note| Dropped {
        segment: last.unwrap_or_default(),
        from: note.counted_bytes,
        to: note.counted_bytes.saturating_add(note.dead_bytes),
        digest: note.dead_digest,
    });
    show(args, &Recovered { changed: true, dropped, head: Some(head) })
}

/// What came of opening it.
#[derive(Default, Serialize)]
struct Recovered {
    changed: bool,
    dropped: Option<Dropped>,
    head: Option<Head>,
}

/// The bytes of an append that was cut off.
#[derive(Serialize)]
struct Dropped {
    segment: usize,
    from: u64,
    to: u64,
    digest: Digest,
}

fn show(args: &RecoverArgs, recovered: &Recovered) -> Outcome {
    let mut screen = Screen::new();
    match args.format {
        Format::Text => tell(&mut screen, recovered)?,
        format => screen.answer(format, &Answer::new("recovered", recovered))?,
    }
    screen.flush()?;
    Ok(0)
}

fn tell(screen: &mut Screen, recovered: &Recovered) -> Result<(), CliError> {
    let Some(head) = &recovered.head else {
        return screen.line("nothing to recover: the ledger was closed; nothing was changed");
    };
    match &recovered.dropped {
        Some(Dropped { segment, from, to, digest }) => {
            screen.line("recovered: an append was cut off before it was whole")?;
            let range = format!("segment {segment:012}, bytes {from}..{to}");
            screen.field("dropped", format_args!("{range} ({} bytes)", to - from))?;
            screen.field("their digest", digest)?;
            screen.line("  The bytes stay where they are; a `recovered` record names them.")?;
        }
        None => screen.line("recovered: its writer ended without closing it; nothing was lost")?,
    }
    screen.field("kept", count(head.size, "record"))?;
    screen.field("root", head.root)
}
