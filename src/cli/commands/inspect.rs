//! `inspect`: what a ledger is made of.

use std::path::Path;

use serde::Serialize;
use serde_json::json;

use crate::cli::answer::Answer;
use crate::cli::args::{Format, InspectArgs};
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::progress::Reading;
use crate::cli::text::{Screen, count};
use crate::event::application_name;
use crate::hash::in_hex;
use crate::ledger::LedgerError;
use crate::ledger::disk::{Disk, RealDisk};
use crate::ledger::layout::{Layout, Listed, Listing};
use crate::ledger::scan::{SegmentEnd, SegmentScan, scan_segment};
use crate::ledger::walk::SegmentFile;

/// One segment as it is shown.
#[derive(Serialize)]
struct Segment {
    index: u64,
    epoch: Option<u32>,
    bytes: u64,
    /// Bytes that it takes, where it is packed.
    packed_bytes: Option<u64>,
    first_sequence: Option<u64>,
    records: Option<u64>,
    frames: Option<u64>,
    end: &'static str,
    /// What the segment before left behind, when this one was made by a recovery.
    recovery: Option<String>,
    faults: usize,
}

/// Columns of the table of segments.
const SEGMENT_COLUMNS: &[&str] = &[
    "index",
    "epoch",
    "bytes",
    "packed_bytes",
    "first_sequence",
    "records",
    "frames",
    "end",
    "recovery",
    "faults",
];

pub(in crate::cli) fn run(args: &InspectArgs) -> Outcome {
    let layout = Layout::new(&args.ledger);
    let live = is_live(&layout)?;
    let listing = Listing::read(&RealDisk, &layout)?;
    let reading = Reading::new("looking", &args.ledger, 1);
    let advice = "nothing was changed; the same command begins again";
    interrupt::end_at_once(advice.to_owned())?;
    let disk = reading.disk();
    let mut segments = Vec::with_capacity(listing.segments.len());
    for (place, listed) in listing.segments.iter().enumerate() {
        segments.push(segment((&*disk, &layout), &listing, place, listed, live)?);
    }
    drop(reading);
    let mut screen = Screen::new();
    match args.format {
        Format::Text => tell(&mut screen, &args.ledger, &listing, &segments, live)?,
        format => {
            let fields = as_json(&args.ledger, &listing, &segments, live);
            let listed = segments.iter().map(|segment| json!(segment)).collect();
            let answer = Answer::new("inspect", &fields);
            screen.answer(format, &answer.listing("segment", SEGMENT_COLUMNS, listed))?;
        }
    }
    screen.flush()?;
    Ok(0)
}

pub(super) fn is_live(layout: &Layout) -> Result<bool, CliError> {
    let path = layout.lock();
    let live = RealDisk.is_locked(&path);
    Ok(live.map_err(|source| LedgerError::Io { action: "ask for", path, source })?)
}

/// Checks one segment, if it has a header.
pub(super) fn scan(
    (disk, layout): (&dyn Disk, &Layout),
    listing: &Listing,
    place: usize,
    listed: &Listed,
    live: bool,
) -> Result<Option<SegmentScan>, CliError> {
    let Ok(header) = &listed.header else { return Ok(None) };
    let path = layout.segment(listed.index);
    let growing = live && place + 1 == listing.segments.len();
    let scan = SegmentFile::open(disk, &path, growing).and_then(|mut file| {
        scan_segment(&mut file, header, listing.follower(place), &mut |_, _| {})
    });
    Ok(Some(scan.map_err(|source| LedgerError::Io { action: "read", path, source })?))
}

fn segment(
    place_of: (&dyn Disk, &Layout),
    listing: &Listing,
    place: usize,
    listed: &Listed,
    live: bool,
) -> Result<Segment, CliError> {
    let header = listed.header.as_ref().ok();
    let scan = scan(place_of, listing, place, listed, live)?;
    let growing = live && place + 1 == listing.segments.len();
    let recovery = header.and_then(|header| header.recovery).map(|note| {
        format!(
            "of the one before, {} bytes count, {} are dead",
            note.counted_bytes, note.dead_bytes
        )
    });
    Ok(Segment {
        index: listed.index,
        epoch: header.map(|header| header.epoch),
        bytes: listed.bytes,
        packed_bytes: listed.packed_bytes,
        first_sequence: header.map(|header| header.first_sequence),
        records: header
            .zip(scan.as_ref())
            .map(|(header, scan)| scan.counted.sequence.saturating_sub(header.first_sequence)),
        frames: scan.as_ref().map(|scan| scan.frames),
        end: match scan.as_ref().map(|scan| scan.end) {
            None => "no header",
            Some(_) if growing => "live",
            Some(SegmentEnd::Sealed) => "sealed",
            Some(SegmentEnd::Closed) => "closed",
            Some(SegmentEnd::Open) => "open",
            Some(SegmentEnd::Broken) => "broken",
        },
        recovery,
        // What a writer at work has not finished is no fault.
        faults: scan.filter(|_| !growing).map_or(0, |scan| scan.faults.len()),
    })
}

fn end_of(segments: &[Segment], live: bool) -> &'static str {
    match segments.last() {
        _ if live => "live",
        Some(last) if last.end == "closed" => "closed",
        _ => "open",
    }
}

fn records_of(segments: &[Segment]) -> u64 {
    let end = |segment: &Segment| Some(segment.first_sequence? + segment.records?);
    segments.last().and_then(end).unwrap_or_default()
}

fn as_json(path: &Path, listing: &Listing, segments: &[Segment], live: bool) -> serde_json::Value {
    let identity = listing.identity.as_ref();
    json!({
        "ledger": path.to_string_lossy(),
        "id": identity.ok().map(|identity| in_hex(&identity.ledger)),
        "application": identity.ok().map(|identity| application_name(&identity.application)),
        "created": identity.ok().map(|identity| identity.created),
        "problem": identity.err().map(ToString::to_string),
        "records": records_of(segments),
        "bytes": segments.iter().map(|segment| segment.bytes).sum::<u64>(),
        "end": end_of(segments, live),
        "segments": segments,
    })
}

fn tell(
    screen: &mut Screen,
    path: &Path,
    listing: &Listing,
    segments: &[Segment],
    live: bool,
) -> Result<(), CliError> {
    screen.line(path.display())?;
    match &listing.identity {
        Ok(identity) => {
            screen.field("id", in_hex(&identity.ledger))?;
            screen.field("application", application_name(&identity.application))?;
            screen.field("created", identity.created)?;
        }
        Err(error) => screen.field("problem", error)?,
    }
    let bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
    let parts = count(segments.len() as u64, "segment");
    let records = count(records_of(segments), "record");
    screen.field("size", format_args!("{records}, {parts}, {bytes} bytes"))?;
    screen.field("end", end_of(segments, live))?;
    let known = |number: Option<u64>| number.map_or("-".to_owned(), |number| number.to_string());
    let rows: Vec<Vec<String>> = segments
        .iter()
        .map(|segment| {
            let mut note = segment.recovery.clone().unwrap_or_default();
            if let Some(bytes) = segment.packed_bytes {
                note = [note, format!("packed: {bytes} bytes")].join("; ");
            }
            if segment.faults > 0 {
                let faults = count(segment.faults as u64, "fault");
                note = [note, format!("{faults}: run verify")].join("; ");
            }
            vec![
                segment.index.to_string(),
                known(segment.epoch.map(u64::from)),
                segment.bytes.to_string(),
                known(segment.first_sequence),
                known(segment.records),
                known(segment.frames),
                segment.end.to_owned(),
                note.trim_start_matches("; ").to_owned(),
            ]
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let header = ["segment", "epoch", "bytes", "first", "records", "frames", "end", "note"];
    screen.table(&header, &rows)
}
