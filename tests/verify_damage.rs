//! What an audit says of damage to the record: ranges, the bad record, trades; of derived files
//! that cannot be read; and of what an earlier look saw.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schwabot::audit::{Follower, Level, Report, Strength, VerifyOptions, verify};
use schwabot::checkpoint::{Checkpoint, Note, sign_head};
use schwabot::event::Event;
use schwabot::hash::Digest;
use schwabot::ledger::disk::RealDisk;
use schwabot::ledger::index::SegmentIndex;
use schwabot::ledger::layout::Layout;
use schwabot::ledger::{Entry, LedgerError, Reader, SyncMode, Writer, WriterOptions};
use schwabot::merkle::CompactRange;
use schwabot::pipeline::RunOptions;

use crate::support::demo;
use crate::support::keys::{Place, log_key};
use crate::support::notes::{self, Note as TestNote, options, step};
use crate::support::rechain::Forger;

fn small() -> WriterOptions {
    options(SyncMode::Always, 4096)
}

/// A signed ledger of several segments, three records a frame.
fn of_notes() -> Place {
    let place = Place::with_steps(0..300, 3, &small());
    place.sign(&small()).unwrap();
    place
}

fn check(ledger: &Path) -> Report {
    verify(ledger, &VerifyOptions::default()).unwrap()
}

fn ranges(report: &Report) -> Vec<(u64, u64, Strength)> {
    report.provable.iter().map(|range| (range.from, range.to, range.strength)).collect()
}

/// The root of the first records of a ledger.
fn root_at(ledger: &Path, size: u64) -> Digest {
    let reader: Reader<TestNote> = Reader::open(ledger).unwrap();
    let mut tree = CompactRange::new(0);
    reader
        .for_each::<LedgerError>(0, |record| {
            if record.sequence < size {
                tree.push(record.digest());
            }
            Ok(())
        })
        .unwrap();
    tree.root().unwrap()
}

/// Segment, offset and length of a record's bytes.
fn record(forger: &Forger, sequence: usize) -> (usize, usize, usize) {
    forger.records_before(forger.links.len())[sequence]
}

#[test]
fn what_is_proven_is_told_in_ranges_and_what_was_forged_proves_itself_alone() {
    use Strength::{SelfConsistent, Signed};
    let place = of_notes();
    let total = check(&place.ledger()).records;
    let mut forger = Forger::read(&place.ledger());
    // A record that was edited and chained anew, and behind it one that is damaged.
    let (segment, offset, bytes) = record(&forger, 31);
    forger.flip(segment, offset + bytes - 1, 1);
    forger.rechain();
    let (segment, offset, bytes) = record(&forger, 61);
    forger.flip(segment, offset + bytes - 1, 1);
    forger.write();
    let report = check(&place.ledger());
    assert_eq!(report.first_bad.as_ref().unwrap().sequence, 61);
    let expected =
        [(0, 31, Signed), (31, 32, SelfConsistent), (32, 61, Signed), (62, total, Signed)];
    assert_eq!(ranges(&report), expected);
}

#[test]
fn a_length_that_does_not_fit_is_told_of_the_record_that_it_is_of() {
    let place = of_notes();
    let mut forger = Forger::read(&place.ledger());
    let (segment, offset, _) = record(&forger, 31);
    forger.flip(segment, offset - 1, 0x80);
    forger.write();
    let bad = check(&place.ledger()).first_bad.unwrap();
    assert_eq!((bad.sequence, bad.actual.as_str()), (31, "a length that does not fit"));
}

#[test]
fn a_frame_whose_records_are_all_as_signed_is_damaged_and_none_of_them_is_bad() {
    let place = of_notes();
    let sound = Forger::read(&place.ledger());
    let total = check(&place.ledger()).records;
    // A frame with padding behind its three records.
    let first = (0..90).step_by(3).find(|first| {
        let (_, offset, bytes) = record(&sound, first + 2);
        let (_, next, _) = record(&sound, first + 3);
        next - 2 - 88 > offset + bytes
    });
    let first = first.unwrap();
    let mut forger = sound.clone();
    let (segment, offset, bytes) = record(&forger, first + 2);
    forger.flip(segment, offset + bytes, 1);
    forger.write();
    let report = check(&place.ledger());
    let bad = report.first_bad.as_ref().unwrap();
    assert_eq!(bad.sequence, first as u64);
    assert!(!bad.expected.starts_with("the signed record"), "{bad:?}");
    assert_eq!(ranges(&report), [(0, total, Strength::Signed)]);
}

#[test]
fn exactly_the_trades_that_lost_a_part_are_named_whoever_names_them() {
    let place = Place::new();
    let writer = WriterOptions { segment_bytes: 256 << 10, ..WriterOptions::default() };
    let options = RunOptions { writer, append: false, threads: 1 };
    let open = [("gate-cases", "1"), ("gate-bound", "0"), ("gate-edge", "false")];
    demo::record_with(&place.ledger(), &open, 1, 3_000, &options);
    sign_head::<Event>(&place.ledger(), &place.key, &WriterOptions::default()).unwrap();
    let records = crate::support::cli::records(&place.ledger()).unwrap();
    let events: Vec<(usize, &Event)> = records
        .iter()
        .enumerate()
        .filter_map(|(at, (_, entry))| match entry {
            Entry::Event(event) => Some((at, event)),
            Entry::System(_) => None,
        })
        .collect();
    let trades = || {
        events.iter().filter_map(|(at, event)| match event {
            Event::TradeClosed(trade) => {
                Some((*at, trade.as_ref(), trade.canonical_hash().unwrap()))
            }
            _ => None,
        })
    };
    let named = |hash: Digest, kind: &str| -> Vec<usize> {
        let names = |event: &Event| match event {
            Event::SoulprintOutcome(said) => said.trade == hash,
            Event::BucketObserved(said) => said.trade == hash,
            Event::RegistryLinked(said) => said.trade == hash,
            _ => false,
        };
        let of_kind = events.iter().filter(|(_, event)| event.name() == kind && names(event));
        of_kind.map(|(at, _)| *at).collect()
    };
    let kinds = ["soulprint_outcome", "bucket_observed", "registry_linked"];
    let whole =
        trades().find(|(_, _, hash)| kinds.iter().all(|kind| !named(*hash, kind).is_empty()));
    let (at, trade, hash) = whole.expect("a trade that all of them name");
    assert!(trades().count() > 3);
    let lost = |records: &[usize]| {
        let mut forger = Forger::read(&place.ledger());
        let sound = forger.clone();
        for at in records {
            let (segment, offset, bytes) = record(&forger, *at);
            forger.flip(segment, offset + bytes - 1, 1);
        }
        forger.write();
        let mut affected = check(&place.ledger()).affected_trades;
        sound.write();
        affected.sort();
        affected
    };
    // The records that name the trade, but for one of each kind.
    for kept in kinds {
        let others = kinds.iter().filter(|kind| **kind != kept);
        let mut gone: Vec<usize> = others.flat_map(|kind| named(hash, kind)).collect();
        gone.push(at);
        assert_eq!(lost(&gone), [hash], "{kept} is left");
    }
    let fill = events.iter().find(
        |(_, event)| matches!(event, Event::OrderFilled(fill) if fill.order == trade.exit.order),
    );
    let order = trade.exit.order;
    let mut parted: Vec<Digest> = trades()
        .filter(|(_, trade, _)| trade.entry.order == order || trade.exit.order == order)
        .map(|(_, _, hash)| hash)
        .collect();
    parted.sort();
    assert_eq!(lost(&[fill.unwrap().0]), parted);
}

#[test]
fn where_an_audit_begins_is_read_from_an_index_or_from_tiles_and_from_neither_when_they_lie() {
    let place = Place::new();
    let layout = Layout::new(&place.ledger());
    notes::append(&place.ledger(), 0..300, 3, &small());
    let early = place.sign(&small()).unwrap().note;
    notes::append(&place.ledger(), 500..600, 3, &small());
    place.sign(&small()).unwrap();
    let whole = check(&place.ledger());
    let since = |note: &Note, level| {
        let options = VerifyOptions { since: Some(note.clone()), level, ..Default::default() };
        let report = verify(&place.ledger(), &options).unwrap();
        (report.exit_code(), report.head, report.left_out.is_some())
    };
    let root = root_at(&place.ledger(), 10);
    let mut first = Note::new(Checkpoint { size: 10, root, ..early.checkpoint().clone() });
    first.sign(place.key.key(), 0);
    assert_eq!(since(&first, None), (0, whole.head, false), "it covers no whole segment");
    assert_eq!(since(&early, Some(Level::Tree)), (0, whole.head, true));
    // Damage in what is looked at: then all is.
    let sound = Forger::read(&place.ledger());
    let mut forger = sound.clone();
    let (segment, offset, _) = record(&forger, whole.records as usize - 1);
    forger.flip(segment, offset, 1);
    forger.write();
    let (code, _, left_out) = since(&early, None);
    assert_eq!((code, left_out), (11, false));
    sound.write();
    let tiles = place.dir.path().join("tiles");
    fs::rename(layout.tiles(), &tiles).unwrap();
    assert_eq!(since(&early, None), (0, whole.head, true), "from an index");
    // An index that says other leaves: what follows from it contradicts the note, so all is read.
    let ledger = {
        let writer: Writer<TestNote> = Writer::open(&place.ledger(), &small()).unwrap();
        let ledger = writer.place().ledger;
        writer.close().unwrap();
        ledger
    };
    let head = check(&place.ledger()).head;
    for segment in 0..whole.segments {
        let Some(mut index) = SegmentIndex::read(&RealDisk, &layout, ledger, segment) else {
            continue;
        };
        let mut tree = CompactRange::new(0);
        (0..index.next_sequence).for_each(|_| tree.push(Digest::ZERO));
        index.frontier = tree.hashes().collect();
        index.write(&RealDisk, &layout).unwrap();
    }
    assert_eq!(since(&early, None), (0, head, false));
}

#[test]
fn a_log_that_does_not_go_on_from_what_an_earlier_look_saw_contradicts_it() {
    let place = Place::new();
    // Nobody signed it, so nothing but the memory of the look before tells.
    let ledger = place.ledger();
    notes::append(&ledger, 0..10, 1, &small());
    let options = VerifyOptions::default();
    let looked = |change: &dyn Fn()| {
        let mut follower = Follower::new(&ledger, &options);
        assert_eq!(follower.look().unwrap().exit_code(), 0);
        change();
        let report = follower.look().unwrap();
        let what = report.findings.iter().map(|finding| finding.what.clone()).collect::<String>();
        (report.exit_code(), what)
    };
    assert_eq!(looked(&|| {}), (0, String::new()));
    let (code, what) = looked(&|| {
        let mut forger = Forger::read(&ledger);
        let (segment, offset, bytes) = record(&forger, 4);
        forger.flip(segment, offset + bytes - 1, 1);
        forger.rechain();
        forger.write();
    });
    assert_eq!(code, 13);
    assert!(what.starts_with("the look before: it says that the first 10 records"), "{what}");
    let (code, what) = looked(&|| {
        fs::remove_dir_all(ledger.join("segments")).unwrap();
        notes::append(&ledger, 0..4, 1, &small());
    });
    assert_eq!(code, 13);
    assert!(what.contains("rolled back"), "{what}");
}

#[test]
fn two_heads_accuse_a_key_only_where_it_signed_both_and_the_log_agrees_with_one() {
    let place = of_notes();
    let early = Note::parse(&fs::read(place.ledger().join("checkpoint")).unwrap()).unwrap();
    notes::append(&place.ledger(), 400..420, 3, &small());
    place.sign(&small()).unwrap();
    // Another history of the same ledger.
    let other = |name: &str| {
        let path = place.dir.path().join(name);
        fs::create_dir_all(&path).unwrap();
        fs::copy(place.ledger().join("ledger.id"), path.join("ledger.id")).unwrap();
        notes::append(&path, 1..450, 3, &small());
        path
    };
    let accused = |path: &Path| {
        let options = VerifyOptions { against: Some(early.clone()), ..VerifyOptions::default() };
        let report = verify(path, &options).unwrap();
        (report.exit_code(), report.misbehaviour.is_some())
    };
    let by_another = other("by-another");
    let key = log_key(place.dir.path(), 2);
    sign_head::<TestNote>(&by_another, &key, &small()).unwrap();
    assert_eq!(accused(&by_another), (13, false));
    let with_a_stray_note = other("stray");
    fs::copy(place.ledger().join("checkpoint"), with_a_stray_note.join("checkpoint")).unwrap();
    assert_eq!(accused(&with_a_stray_note), (13, false));
}

#[test]
fn a_callers_own_note_that_no_known_key_signed_counts_by_its_root_alone() {
    let place = of_notes();
    let stranger = log_key(place.dir.path(), 9);
    let kept = Note::parse(&fs::read(place.ledger().join("checkpoint")).unwrap()).unwrap();
    // Of a size whose signature no anchor announces.
    let size = kept.checkpoint().size - 3;
    let says = |root: Digest| {
        let mut note = Note::new(Checkpoint { size, root, ..kept.checkpoint().clone() });
        note.sign(stranger.key(), 0);
        let options = VerifyOptions { against: Some(note), ..VerifyOptions::default() };
        verify(&place.ledger(), &options).unwrap().exit_code()
    };
    assert_eq!(says(root_at(&place.ledger(), size)), 0);
    assert_eq!(says(Digest::ZERO), 13);
}

#[test]
fn a_time_budget_that_is_used_up_is_told_once_from_the_first_segment_that_was_not_read() {
    let place = of_notes();
    let options = VerifyOptions { time_budget: Some(Duration::ZERO), ..VerifyOptions::default() };
    let report = verify(&place.ledger(), &options).unwrap();
    assert!(report.segments > 2);
    let told = report.not_checked.iter().filter(|what| what.contains("all segments from here on"));
    let told: Vec<_> = told.collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("segment 000000000000 and"), "{told:?}");
}

#[test]
fn a_derived_file_that_cannot_be_read_is_told_and_one_that_is_missing_is_not() {
    let place = of_notes();
    let layout = Layout::new(&place.ledger());
    let told = || {
        let report = check(&place.ledger());
        assert_eq!(report.exit_code(), 0);
        let damage = report.derived_damage.into_iter();
        damage.map(|damage| (damage.path, damage.what)).collect::<Vec<_>>()
    };
    assert_eq!(told(), []);
    let cannot_be_read = |path: PathBuf| {
        let name = path.strip_prefix(layout.root()).unwrap().display().to_string();
        fs::remove_file(&path).unwrap();
        assert_eq!(told(), [], "{name} is missing");
        fs::create_dir(&path).unwrap();
        let found = told();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, name);
        assert!(found[0].1.starts_with("it cannot be read"), "{found:?}");
        fs::remove_dir(&path).unwrap();
    };
    cannot_be_read(layout.index(0));
    cannot_be_read(layout.tiles().join("0/000"));
    // One that is far too long is not read at all.
    fs::create_dir_all(layout.snapshots()).unwrap();
    let name = format!("0-{}{}", Digest::ZERO, schwabot::ledger::layout::SNAPSHOT_SUFFIX);
    let long = fs::File::create(layout.snapshots().join(name)).unwrap();
    long.set_len((1 << 30) + 1).unwrap();
    let found = told();
    assert!(found[0].1.contains("it has 1073741825 bytes"), "{found:?}");
}

#[test]
fn tiles_of_every_level_and_place_are_held_against_the_tree() {
    let place = Place::new();
    let many = options(SyncMode::End, 64 << 20);
    let mut writer: Writer<TestNote> = Writer::open(&place.ledger(), &many).unwrap();
    let numbers: Vec<u64> = vec![7; 1_000];
    // More than one full tile above the lowest level.
    for _ in 0..66 {
        writer.append(&step(&numbers)).unwrap();
    }
    writer.close().unwrap();
    place.sign(&many).unwrap();
    let options = VerifyOptions { level: Some(Level::Tree), ..VerifyOptions::default() };
    let told = || verify(&place.ledger(), &options).unwrap().derived_damage;
    assert_eq!(told(), []);
    let tile = place.ledger().join("tile/0/256");
    let mut bytes = fs::read(&tile).unwrap();
    bytes[40] ^= 1;
    fs::write(&tile, bytes).unwrap();
    assert_eq!(
        told().iter().map(|damage| damage.path.as_str()).collect::<Vec<_>>(),
        ["tile/0/256"]
    );
}
