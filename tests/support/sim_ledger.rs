//! Ledgers of notes on a simulated disk, and the check that a disk after a crash must pass.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use schwabot::audit::VerifyOptions;
use schwabot::event::{Recovered, SystemEvent};
use schwabot::hash::{self, DeadBytesHasher};
use schwabot::ledger::frame::{FrameHeader, seed_of};
use schwabot::ledger::layout::{Layout, Listing};
use schwabot::ledger::scan::{Fault, scan_segment};
use schwabot::ledger::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use schwabot::ledger::walk::SegmentFile;
use schwabot::ledger::{Entry, Head, LedgerError, Reader, SyncMode, Writer, WriterOptions, decode};
use schwabot::merkle::CompactRange;

use super::dice::SeededHost;
use super::notes::{Note, note, step};
use super::sim_disk::{SimDisk, State};

/// Where the ledgers lie; `/disk` is there and durable, all below is to be made.
pub(crate) fn ledger_path() -> PathBuf {
    PathBuf::from("/disk/deep/ledger")
}

pub(crate) fn segment_path(index: u64) -> PathBuf {
    Layout::new(&ledger_path()).segment(index)
}

pub(crate) fn sim_options(
    disk: &SimDisk,
    sync: SyncMode,
    segment_bytes: u64,
    seed: u64,
) -> WriterOptions {
    let (disk, host) = (Arc::new(disk.clone()), Arc::new(SeededHost::new(seed)));
    WriterOptions { sync, segment_bytes, disk, host, ..WriterOptions::default() }
}

pub(crate) fn verifying(disk: &SimDisk) -> VerifyOptions {
    VerifyOptions { threads: 1, disk: Arc::new(disk.clone()), ..VerifyOptions::default() }
}

pub(crate) fn open(disk: &SimDisk, options: &WriterOptions) -> Result<Writer<Note>, LedgerError> {
    // The options name the disk; taking it as well keeps the call sites readable.
    assert!(disk.state().files().len() < 1_000, "a test ledger is small");
    Writer::open(&ledger_path(), options)
}

/// What a reader shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The notes are those with the numbers below this one, in order.
    pub(crate) notes: u64,
    pub(crate) records: u64,
    pub(crate) recovered: Vec<Recovered>,
    pub(crate) head: Head,
}

/// Reads everything; panics where the notes are not 0, 1, 2, ... with their own content.
#[track_caller]
pub(crate) fn read(disk: &SimDisk) -> Result<Seen, LedgerError> {
    let reader: Reader<Note> = Reader::open_on(Arc::new(disk.clone()), &ledger_path())?;
    let (mut notes, mut records, mut recovered) = (0, 0, Vec::new());
    let mut tree = CompactRange::new(0);
    reader.for_each::<LedgerError>(0, |record| {
        assert_eq!(record.sequence, records, "sequences are gapless");
        records += 1;
        tree.push(hash::leaf(record.bytes));
        match decode::<Note>(&record).unwrap().1 {
            Entry::Event(found) => {
                assert_eq!(found, note(notes), "record {} was never handed in", record.sequence);
                notes += 1;
            }
            Entry::System(SystemEvent::Recovered(event)) => recovered.push(event),
            Entry::System(SystemEvent::ChainAnchor(_)) => {}
            Entry::System(other) => panic!("an unknown system event: {other:?}"),
        }
        Ok(())
    })?;
    assert_eq!(records, reader.len(), "a reader shows as many records as it says");
    Ok(Seen { notes, records, recovered, head: Head { size: records, root: tree.root().unwrap() } })
}

/// All faults that a scan of every segment finds.
pub(crate) fn faults(disk: &SimDisk) -> Vec<Fault> {
    let layout = Layout::new(&ledger_path());
    let listing = Listing::read(disk, &layout).unwrap();
    let mut faults = Vec::new();
    for (place, listed) in listing.segments.iter().enumerate() {
        let header = listed.header.as_ref().unwrap();
        let mut file = SegmentFile::open(disk, &layout.segment(listed.index), false).unwrap();
        let scan = scan_segment(&mut file, header, listing.follower(place), &mut |_, _| {});
        faults.extend(scan.unwrap().faults);
    }
    faults
}

/// The frames of a segment that stand in a row from its header on: where each begins, and its
/// header.
pub(crate) fn frames(bytes: &[u8]) -> Vec<(usize, FrameHeader)> {
    let seed = seed_of(SegmentHeader::decode(bytes).unwrap().salt);
    let (mut found, mut at) = (Vec::new(), SEGMENT_HEADER_BYTES);
    while let Some(Ok(header)) = bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .map(|bytes| FrameHeader::decode(bytes, seed))
    {
        found.push((at, header));
        at += header.frame_bytes();
    }
    found
}

/// The files that hold records: their bytes may never change.
pub(crate) fn segment_bytes(state: &State) -> BTreeMap<String, Vec<u8>> {
    state
        .files()
        .into_iter()
        .filter(|(path, _)| path.contains("/segments/") && path.ends_with(".seg"))
        .collect()
}

/// What the recovery headers state, as `Recovered` records must tell it.
fn stated_recoveries(disk: &SimDisk) -> Vec<Recovered> {
    let layout = Layout::new(&ledger_path());
    let listing = Listing::read(disk, &layout).unwrap();
    let files = disk.state().files();
    let mut stated = Vec::new();
    for listed in &listing.segments {
        let Some(note) = listed.header.as_ref().unwrap().recovery else { continue };
        let before = layout.segment(listed.index - 1).to_str().unwrap().to_owned();
        let start = usize::try_from(note.counted_bytes).unwrap();
        let end = start + usize::try_from(note.dead_bytes).unwrap();
        let mut hasher = DeadBytesHasher::default();
        hasher.update(&files[&before][start..end]);
        assert_eq!(hasher.finish(), note.dead_digest, "dead bytes of {before}");
        assert!(files[&before][end..].iter().all(|byte| *byte == 0), "after them in {before}");
        if note.dead_bytes > 0 {
            stated.push(Recovered {
                segment: listed.index - 1,
                offset: note.counted_bytes,
                dead_bytes: note.dead_bytes,
                digest: note.dead_digest,
            });
        }
    }
    stated
}

/// Checks a disk after a crash: what was promised is there, nothing is invented, no old byte is
/// altered, and the ledger goes on. Leaves the copies of the disk that opening made, the last of
/// them with the promise that opening gave.
#[track_caller]
pub(crate) fn check_after_crash(disk: &SimDisk, seed: u64) -> Vec<State> {
    let (acknowledged, handed_in) = disk.state().noted;
    let before = segment_bytes(&disk.state());
    let shown = match read(disk) {
        Ok(seen) => seen.notes,
        Err(LedgerError::NotALedger { .. }) => 0,
        Err(error) => panic!("a reader is refused after a crash: {error}"),
    };
    assert!((acknowledged..=handed_in).contains(&shown), "{acknowledged} {shown} {handed_in}");

    disk.record();
    let sync = if seed.is_multiple_of(2) { SyncMode::Always } else { SyncMode::End };
    let options = sim_options(disk, sync, 1024 << (seed % 3), seed);
    let mut writer =
        open(disk, &options).unwrap_or_else(|error| panic!("no opening after a crash: {error}"));
    disk.note(shown, handed_in.max(shown));
    let history = disk.history();
    let after = segment_bytes(&disk.state());
    for (path, bytes) in &before {
        assert!(after.get(path) == Some(bytes), "recovery altered {path}");
    }
    // More than one segment's worth, so that the recovered ledger also rolls.
    for number in shown..shown + 6 {
        writer.append(&step(&[number])).unwrap();
    }
    let head = writer.close().unwrap();
    let seen = read(disk).unwrap();
    assert_eq!(seen.notes, shown + 6, "what a reader showed before recovery is kept, no more");
    assert_eq!(seen.head, head, "the writer's tree is that of the records");
    assert_eq!(faults(disk), [], "a recovered ledger is sound");
    assert_eq!(seen.recovered, stated_recoveries(disk), "every recovery is told once");
    history
}
