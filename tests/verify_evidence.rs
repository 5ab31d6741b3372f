//! What an audit gives into the hands of others: what is still provable of a damaged log, bundles,
//! what is saved, audits of a part, of a growing ledger, and of the audit itself.

use std::fs;
use std::path::Path;
use std::time::Duration;

use schwabot::audit::{
    AuditError, Follower, Level, Report, Strength, Verdict, VerifyOptions, bundle, salvage,
    self_test, verify,
};
use schwabot::checkpoint::{Consistency, Every, Keeper, Note, sign_head};
use schwabot::event::Event;
use schwabot::ledger::{Entry, GroupWriter, SyncMode, Writer, WriterOptions};
use schwabot::pipeline::RunOptions;

use crate::support::demo;
use crate::support::keys::{Place, log_key};
use crate::support::notes::{self, Note as TestNote, options, step};
use crate::support::rechain::Forger;
use crate::support::schema::complaints;

/// A signed ledger of small steps in several segments.
fn of_notes() -> Place {
    let place = Place::new();
    append(&place.ledger(), 0..300);
    place.sign(&small()).unwrap();
    place
}

/// A signed ledger of a trading run.
fn of_trades() -> Place {
    let place = Place::new();
    let writer = WriterOptions { segment_bytes: 256 << 10, ..WriterOptions::default() };
    let options = RunOptions { writer, append: false, threads: 1 };
    demo::record_with(&place.ledger(), &[], 1, 4000, &options);
    sign_head::<Event>(&place.ledger(), &place.key, &WriterOptions::default()).unwrap();
    place
}

fn newest(place: &Place) -> Note {
    Note::parse(&fs::read(place.ledger().join("checkpoint")).unwrap()).unwrap()
}

fn small() -> WriterOptions {
    options(SyncMode::Always, 4096)
}

fn append(ledger: &Path, numbers: std::ops::Range<u64>) {
    notes::append(ledger, numbers, 3, &small());
}

fn check(ledger: &Path) -> Report {
    verify(ledger, &VerifyOptions::default()).unwrap()
}

/// The middle of the first segment's records.
fn middle(forger: &Forger) -> (usize, usize) {
    let places: Vec<(usize, usize)> = forger.record_bytes_before(forger.links.len());
    let first: Vec<_> = places.into_iter().filter(|(segment, _)| *segment == 0).collect();
    first[first.len() / 2]
}

#[test]
fn behind_damage_a_signed_tree_still_proves_records_and_names_the_bad_one() {
    let place = of_notes();
    let total = check(&place.ledger()).records;
    let mut forger = Forger::read(&place.ledger());
    let (segment, offset) = middle(&forger);
    forger.flip(segment, offset, 0x10);
    forger.write();
    let report = check(&place.ledger());
    assert_eq!(report.exit_code(), 11);
    let bad = report.first_bad.as_ref().unwrap();
    assert!((bad.offset..bad.end).contains(&(offset as u64)));
    assert!(bad.expected.starts_with("the signed record with leaf"), "{bad:?}");
    let signed: u64 = report
        .provable
        .iter()
        .filter(|range| range.strength == Strength::Signed)
        .map(|range| range.to - range.from)
        .sum();
    // Its frame is damaged, but the tree vouches for each of the other records in it.
    assert_eq!((signed, report.unanchored), (total - 1, 0));
    let lost = |sequence: u64| !report.provable.iter().any(|r| (r.from..r.to).contains(&sequence));
    assert_eq!((0..total).filter(|sequence| lost(*sequence)).collect::<Vec<_>>(), [bad.sequence]);
    // Tiles are derived: without them the records behind the damage are only self-consistent.
    fs::remove_dir_all(place.ledger().join("tile")).unwrap();
    let report = check(&place.ledger());
    assert!(report.provable.iter().all(|range| range.strength == Strength::SelfConsistent));
    assert_eq!(report.exit_code(), 11);
}

#[test]
fn a_forged_tile_proves_nothing() {
    let place = of_notes();
    let mut forger = Forger::read(&place.ledger());
    let (segment, offset) = middle(&forger);
    forger.flip(segment, offset, 0x10);
    forger.write();
    for name in ["000", "001", "002", "003.p/133"] {
        let path = place.ledger().join("tile/0").join(name);
        if let Ok(mut tile) = fs::read(&path) {
            tile[40] ^= 1;
            fs::write(&path, tile).unwrap();
        }
    }
    let report = check(&place.ledger());
    assert_eq!(report.verdicts, [Verdict::Corrupt]);
}

#[test]
fn trades_that_lost_a_record_are_named() {
    let place = of_trades();
    let records = crate::support::cli::records(&place.ledger()).unwrap();
    let events = || records.iter().map(|(_, entry)| entry).enumerate();
    let trade = events().find_map(|(_, entry)| match entry {
        Entry::Event(Event::TradeClosed(trade)) => Some(trade),
        _ => None,
    });
    let trade = trade.expect("the demo trades");
    let fill = events().find(|(_, entry)| {
        matches!(entry, Entry::Event(Event::OrderFilled(fill)) if fill.order == trade.entry.order)
    });
    let mut forger = Forger::read(&place.ledger());
    let places = forger.records_before(forger.links.len());
    let (segment, offset, _) = places[fill.unwrap().0];
    forger.flip(segment, offset + 20, 1);
    forger.write();
    let report = check(&place.ledger());
    let hash = trade.canonical_hash().unwrap();
    assert!(report.affected_trades.contains(&hash), "{:?}", report.affected_trades);
    let all = events().filter(|(_, e)| matches!(e, Entry::Event(Event::TradeClosed(_)))).count();
    assert!(report.affected_trades.len() <= all);
}

#[test]
fn what_is_salvaged_is_the_prefix_with_its_own_links_and_islands_with_their_sequences() {
    let place = of_notes();
    let whole = check(&place.ledger());
    let mut forger = Forger::read(&place.ledger());
    let (segment, offset) = middle(&forger);
    forger.flip(segment, offset, 0x10);
    forger.write();
    let before = fs::read(place.ledger().join("segments/000000000000.seg")).unwrap();
    let out = place.dir.path().join("saved");
    let saved = salvage(&place.ledger(), &out, &VerifyOptions::default()).unwrap();
    let damaged = check(&place.ledger());
    // The frame that holds the bad record is kept out whole.
    let bad = damaged.first_bad.unwrap().sequence / 3 * 3;
    assert_eq!(saved.head.size, bad);
    assert_eq!(saved.islands, [(bad + 3, whole.records)]);
    assert_eq!(saved.dropped, [(bad, bad + 3)]);
    let report = check(&out.join("ledger"));
    assert_eq!((report.exit_code(), report.records), (0, bad));
    let island =
        fs::read(out.join(format!("islands/{:012}-{:012}.records", bad + 3, whole.records)));
    assert_eq!(island.unwrap()[..8], (bad + 3).to_le_bytes());
    assert_eq!(fs::read(place.ledger().join("segments/000000000000.seg")).unwrap(), before);
    let again = salvage(&place.ledger(), &out, &VerifyOptions::default());
    assert!(matches!(again, Err(AuditError::Ledger(_))), "never over something that is there");
}

#[test]
fn every_single_fault_leaves_something_to_salvage_that_is_sound() {
    let place = of_notes();
    let sound = Forger::read(&place.ledger());
    for (turn, link) in sound.links.iter().enumerate().step_by(9) {
        let mut forger = sound.clone();
        forger.flip(link.segment, link.offset + 60, 0x01);
        forger.write();
        let out = place.dir.path().join(format!("saved-{turn}"));
        let saved = salvage(&place.ledger(), &out, &VerifyOptions::default()).unwrap();
        if saved.head.size > 0 {
            let report = check(&out.join("ledger"));
            assert_eq!(
                report.exit_code(),
                0,
                "link {turn}: {:?} {:?}",
                report.faults,
                report.findings
            );
            assert_eq!(report.head, Some(saved.head));
        }
    }
}

#[test]
fn of_a_cut_segment_that_states_a_terabyte_the_frames_become_islands() {
    let place = of_notes();
    let whole = check(&place.ledger());
    let mut forger = Forger::read(&place.ledger());
    forger.segments[1][80..88].copy_from_slice(&(1_u64 << 40).to_le_bytes());
    forger.rechain();
    let places = forger.records_before(forger.links.len());
    let first_of = |wanted| places.iter().position(|(segment, _, _)| *segment == wanted).unwrap();
    let record = |sequence: usize| places[sequence].1 + 8;
    let (one, two) = (first_of(1), first_of(2));
    // Damage in it; a header that is damaged, so that its SEAL is cut; and damage behind it.
    for (segment, offset, kept) in
        [(1, record(one + 4), one..=one), (2, 40, one..=one), (2, record(two + 4), two..=two + 4)]
    {
        let mut forger = forger.clone();
        forger.flip(segment, offset, 0x10);
        forger.write();
        let out = place.dir.path().join(format!("saved-{segment}-{offset}"));
        let saved = salvage(&place.ledger(), &out, &VerifyOptions::default()).unwrap();
        let report = check(&out.join("ledger"));
        assert_eq!((report.exit_code(), report.head), (0, Some(saved.head)), "{segment}");
        assert!(kept.contains(&usize::try_from(saved.head.size).unwrap()), "{saved:?}");
        let count = |ranges: &[(u64, u64)]| ranges.iter().map(|(from, to)| to - from).sum::<u64>();
        let dropped = count(&saved.dropped);
        assert_eq!(saved.head.size + count(&saved.islands) + dropped, whole.records, "{saved:?}");
        // One frame, or a segment whose header says no more where its records begin.
        assert!(dropped <= if offset == 40 { whole.records - two as u64 } else { 6 }, "{saved:?}");
    }
}

#[test]
fn what_a_believed_checkpoint_covers_is_left_out_and_the_rest_is_checked() {
    let place = of_notes();
    let early = newest(&place);
    append(&place.ledger(), 500..600);
    sign_head::<TestNote>(&place.ledger(), &place.key, &small()).unwrap();
    let whole = check(&place.ledger());
    let since = |note: &Note| {
        let options = VerifyOptions { since: Some(note.clone()), ..VerifyOptions::default() };
        verify(&place.ledger(), &options).unwrap()
    };
    let part = since(&early);
    assert_eq!((part.exit_code(), part.head), (0, whole.head));
    let left = part.left_out.unwrap();
    assert!(left.records > 0 && left.records <= early.checkpoint().size);
    assert!(part.bytes < whole.bytes / 2);
    // The derived files that say where to begin are not believed.
    for entry in fs::read_dir(place.ledger().join("segments")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "idx") {
            fs::remove_file(path).unwrap();
        }
    }
    assert_eq!(since(&early).head, whole.head, "from tiles");
    fs::remove_dir_all(place.ledger().join("tile")).unwrap();
    let all = since(&early);
    assert_eq!((all.head, all.left_out), (whole.head, None), "nothing to begin with");
    // An edit in the part that is looked at is found; one in the other is not looked for.
    let mut forger = Forger::read(&place.ledger());
    let places = forger.record_bytes_before(forger.links.len());
    let (segment, offset) = places[places.len() - 1];
    forger.flip(segment, offset, 1);
    forger.write();
    assert_eq!(since(&early).exit_code(), 11);
    let state =
        VerifyOptions { since: Some(early), level: Some(Level::State), ..VerifyOptions::default() };
    assert!(matches!(verify(&place.ledger(), &state), Err(AuditError::LevelTooHigh)));
}

#[test]
fn a_time_budget_that_is_used_up_is_told_and_never_fine() {
    let place = of_trades();
    let options = VerifyOptions { time_budget: Some(Duration::ZERO), ..VerifyOptions::default() };
    let report = verify(&place.ledger(), &options).unwrap();
    assert_eq!(report.exit_code(), 2);
    assert!(report.not_checked[0].contains("time budget"), "{:?}", report.not_checked);
    let plenty =
        VerifyOptions { time_budget: Some(Duration::from_secs(600)), ..VerifyOptions::default() };
    assert_eq!(verify(&place.ledger(), &plenty).unwrap().exit_code(), 0);
}

#[test]
fn a_follower_looks_at_what_was_added_and_finds_what_is_wrong_with_it() {
    let place = of_notes();
    let ledger = place.ledger();
    let options = VerifyOptions::default();
    let mut follower = Follower::new(&ledger, &options);
    let first = follower.look().unwrap();
    append(&ledger, 700..720);
    let second = follower.look().unwrap();
    assert_eq!((second.exit_code(), second.records), (0, first.records + 60));
    assert_eq!(second.head, check(&ledger).head);
    assert!(second.bytes < first.bytes);
    let mut forger = Forger::read(&ledger);
    let places = forger.record_bytes_before(forger.links.len());
    let (segment, offset) = places[places.len() - 5];
    forger.flip(segment, offset, 1);
    forger.write();
    assert_eq!(follower.look().unwrap().exit_code(), 11);
}

#[test]
fn a_bundle_holds_what_a_second_verifier_needs() {
    let place = of_notes();
    append(&place.ledger(), 500..520);
    sign_head::<TestNote>(&place.ledger(), &place.key, &small()).unwrap();
    append(&place.ledger(), 600..610);
    let options = VerifyOptions::default();
    let report = check(&place.ledger());
    let files = bundle(&place.ledger(), &options, &report).unwrap();
    let texts: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert!(texts.contains(&"report.json") && texts.contains(&"ledger.id"), "{texts:?}");
    let proofs: Vec<Consistency> = files
        .iter()
        .filter(|(name, _)| name.starts_with("consistency/"))
        .map(|(_, bytes)| Consistency::parse(str::from_utf8(bytes).unwrap()).unwrap())
        .collect();
    assert_eq!(proofs.len(), 2, "from note to note, and from there to the head");
    proofs.iter().for_each(|proof| proof.verify().unwrap());
    assert_eq!(proofs[1].to, report.head.map(|head| (head.size, head.root)).unwrap());
    let notes = files.iter().filter(|(name, _)| name.starts_with("notes/"));
    for (_, bytes) in notes {
        let good = Note::parse(bytes).unwrap().signed_by([place.key.key().verifier()]).unwrap();
        assert_eq!(good.len(), 1);
    }
    let mut forger = Forger::read(&place.ledger());
    let (segment, offset) = middle(&forger);
    forger.flip(segment, offset, 1);
    forger.write();
    let report = check(&place.ledger());
    let files = bundle(&place.ledger(), &options, &report).unwrap();
    let fault = files.iter().find(|(name, _)| name == "faults/0.bin").unwrap();
    let bad = report.first_bad.unwrap();
    assert_eq!(fault.1.len() as u64, bad.end - bad.offset);
}

#[test]
fn the_self_test_finds_every_fault_it_plants() {
    let place = of_trades();
    let scratch = place.dir.path().join("scratch");
    fs::create_dir(&scratch).unwrap();
    let planted = self_test(&place.ledger(), &scratch, &VerifyOptions::default()).unwrap();
    assert!(planted.len() >= 11, "{planted:?}");
    for planted in planted {
        assert!(planted.is_found(), "{planted:?}");
    }
}

#[test]
fn a_keeper_signs_by_count_and_by_time_and_what_is_left_at_the_end() {
    let place = Place::new();
    let options = options(SyncMode::Always, 1 << 20);
    let writer: Writer<TestNote> = Writer::open(&place.ledger(), &options).unwrap();
    let group = GroupWriter::start(writer).unwrap();
    let key = log_key(&place.dir.path().join("."), 2);
    let every = Every { records: 50, time: Duration::from_millis(300) };
    let keeper = Keeper::start(group.appender(), &place.ledger(), key, every, &options).unwrap();
    let appender = group.appender();
    for number in 0..120 {
        appender.append(&step(&[number])).unwrap();
    }
    let size_of = |keeper: &Keeper| keeper.newest().map_or(0, |note| note.checkpoint().size);
    let wait = |what: &dyn Fn() -> bool| {
        for _ in 0..500 {
            if what() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    };
    assert!(wait(&|| size_of(&keeper) > 100), "by count");
    let signed = size_of(&keeper);
    appender.append(&step(&[1])).unwrap();
    assert!(wait(&|| size_of(&keeper) > signed), "by time");
    appender.append(&step(&[2])).unwrap();
    let last = keeper.stop().unwrap().unwrap();
    let head = group.close().unwrap();
    assert_eq!((last.checkpoint().size, last.checkpoint().root), (head.size, head.root));
    let report = check(&place.ledger());
    assert_eq!((report.exit_code(), report.unanchored), (0, 0), "{:?}", report.findings);
    assert!(report.checkpoints.len() >= 3);
}

#[test]
fn every_report_is_as_the_published_schema_says() {
    let schema = include_str!("../src/docs/verify.schema.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let valid = |report: &Report| {
        let found = complaints(&schema, &serde_json::to_value(report).unwrap());
        assert!(found.is_empty(), "{found:#?}");
    };
    let place = of_trades();
    valid(&check(&place.ledger()));
    let mut forger = Forger::read(&place.ledger());
    let (segment, offset) = middle(&forger);
    forger.flip(segment, offset, 1);
    forger.write();
    valid(&check(&place.ledger()));
    forger.rechain();
    forger.write();
    let forged = check(&place.ledger());
    assert_eq!(forged.exit_code(), 13);
    valid(&forged);
    fs::remove_dir_all(place.ledger().join("segments")).unwrap();
    valid(&check(&place.ledger()));
    let (mut wrong, mut more) = (serde_json::to_value(&forged).unwrap(), serde_json::json!({}));
    wrong["records"] = serde_json::json!(-1);
    more["surprise"] = serde_json::json!(1);
    assert_eq!(complaints(&schema, &wrong).len(), 1);
    assert!(complaints(&schema, &more).len() >= 2, "nothing that is required, and a surprise");
}
