//! The figures and names of a report, and the joins between segments that it rests on.

use std::fs;
use std::path::Path;

use schwabot::audit::{
    AuditError, Level, Report, Strength, Verdict, VerifyOptions, salvage, verify,
};
use schwabot::checkpoint::{KeyKind, Note, Policy, sign_head};
use schwabot::ledger::{LedgerEnd, LedgerError, Reader, SyncMode, Writer, WriterOptions};

use crate::support::keys::{Place, key, log_key};
use crate::support::notes::{self, Note as TestNote, options, step};
use crate::support::rechain::{Forger, Link};

fn small() -> WriterOptions {
    options(SyncMode::Always, 4096)
}

/// A signed ledger of several segments.
fn of_notes() -> Place {
    let place = Place::with_steps(0..200, 3, &small());
    place.sign(&small()).unwrap();
    place
}

fn check(ledger: &Path) -> Report {
    verify(ledger, &VerifyOptions::default()).unwrap()
}

fn checks(report: &Report) -> Vec<&str> {
    report.faults.iter().map(|fault| fault.check.as_str()).collect()
}

#[test]
fn a_report_counts_what_is_there_and_names_the_keys_that_the_log_names() {
    let place = of_notes();
    let (ledger, forger) = (place.ledger(), Forger::read(&place.ledger()));
    let report = check(&ledger);
    let frames = forger.links.iter().filter(|link| link.offset > 0).count();
    assert_eq!((report.segments, report.frames), (forger.segments.len() as u64, frames as u64));
    assert_eq!(report.records, forger.records_before(forger.links.len()).len() as u64);
    let bytes: usize = forger.segments.iter().map(Vec::len).sum();
    assert_eq!(report.bytes, bytes as u64);
    assert_eq!(report.keys, [place.key.key().verifier().to_string()]);
    assert_eq!(report.provable[0].by, ["example.com/bot"]);
    assert_eq!((report.fault_count, report.head.map(|head| head.size)), (0, Some(report.records)));
    // Without roots nothing is said of tiles, and there is no head.
    let options = VerifyOptions { level: Some(Level::Chain), ..VerifyOptions::default() };
    let chain = verify(&ledger, &options).unwrap();
    assert_eq!((chain.exit_code(), chain.head, chain.derived_damage_count), (0, None, 0));
    let options = VerifyOptions { level: Some(Level::State), ..VerifyOptions::default() };
    let refused = verify(&ledger, &options).unwrap_err();
    assert!(matches!(refused, AuditError::OtherApplication { .. }), "{refused}");
}

#[test]
fn a_report_says_how_the_ledger_ends() {
    let place = Place::new();
    let mut writer: Writer<TestNote> = Writer::open(&place.ledger(), &small()).unwrap();
    writer.append(&step(&[1])).unwrap();
    assert_eq!(check(&place.ledger()).end, LedgerEnd::Live);
    drop(writer);
    assert_eq!(check(&place.ledger()).end, LedgerEnd::Open);
    notes::append(&place.ledger(), 2..3, 1, &small());
    assert_eq!(check(&place.ledger()).end, LedgerEnd::Closed);
}

#[test]
fn a_damaged_log_has_no_head_and_each_missing_segment_is_told_once() {
    let place = of_notes();
    let sound = Forger::read(&place.ledger());
    let mut forger = sound.clone();
    let (segment, offset, _) = forger.records_before(forger.links.len())[10];
    forger.flip(segment, offset, 1);
    forger.write();
    let report = check(&place.ledger());
    assert_eq!((report.exit_code(), report.head, report.chain_head), (11, None, None));
    sound.write();
    fs::remove_file(place.ledger().join("segments/000000000002.seg")).unwrap();
    let report = check(&place.ledger());
    assert_eq!((report.exit_code(), checks(&report)), (12, vec!["segments"]));
}

#[test]
fn a_header_that_does_not_go_on_from_the_segment_before_is_told_by_its_field() {
    let place = of_notes();
    let sound = Forger::read(&place.ledger());
    let found = |segment: usize, field: usize, damaged: bool| {
        let mut forger = sound.clone();
        forger.flip(segment, field, 1);
        forger.rechain();
        if damaged {
            // A segment whose end is sound is gone on from, damaged or not.
            let (segment, offset, _) = forger.records_before(forger.links.len())[3];
            forger.flip(segment, offset, 1);
        }
        forger.write();
        let report = check(&place.ledger());
        assert!([11, 12].contains(&report.exit_code()));
        checks(&report).join(", ")
    };
    for damaged in [false, true] {
        for segment in [0, 1] {
            // The first segment's own bytes are damaged in that case.
            if segment == 0 && damaged {
                continue;
            }
            assert!(found(segment, 28, damaged).contains("epoch"), "{segment}");
            assert!(found(segment, 88, damaged).contains("first sequence"), "{segment}");
            assert!(found(segment, 96, damaged).contains("first frame number"), "{segment}");
        }
    }
    // Another ledger's segment in the place of one.
    sound.write();
    let other = of_notes();
    let name = "segments/000000000001.seg";
    fs::copy(other.ledger().join(name), place.ledger().join(name)).unwrap();
    assert!(checks(&check(&place.ledger())).contains(&"ledger id"));
    // And one of its own under another's name.
    sound.write();
    fs::copy(place.ledger().join("segments/000000000002.seg"), place.ledger().join(name)).unwrap();
    assert!(checks(&check(&place.ledger())).contains(&"segment index"));
}

#[test]
fn without_ledger_id_all_segments_are_held_against_the_first_sound_header() {
    let place = of_notes();
    let sound = Forger::read(&place.ledger());
    fs::remove_file(place.ledger().join("ledger.id")).unwrap();
    let whole = check(&place.ledger());
    assert_eq!(checks(&whole), ["ledger.id"]);
    assert_eq!(whole.level, Level::Tree, "its records are not taken for trading events");
    // Chained anew, so that no link tells.
    for (field, segment) in [(32, 1), (32, 2), (64, 1)] {
        let mut forger = sound.clone();
        forger.flip(segment, field, 1);
        forger.rechain();
        forger.write();
        let report = check(&place.ledger());
        let other = if field == 32 { "ledger id" } else { "application id" };
        assert_eq!(checks(&report)[..2], ["ledger.id", other], "{field}");
        assert_eq!(report.faults[1].segment, segment as u64);
        let out = place.dir.path().join(format!("saved-{field}-{segment}"));
        let saved = salvage(&place.ledger(), &out, &VerifyOptions::default()).unwrap();
        let kept = check(&out.join("ledger"));
        assert_eq!((kept.exit_code(), kept.head), (0, Some(saved.head)));
        assert!(saved.head.size > 0, "{segment}");
    }
}

#[test]
fn a_close_frame_that_does_not_fit_its_segment_is_not_taken_for_the_end() {
    let place = of_notes();
    let sound = Forger::read(&place.ledger());
    let last = sound.links.last().unwrap();
    let header = sound.segments.last().unwrap();
    let (first_sequence, first_frame) = (u64_at(header, 88), u64_at(header, 96));
    assert!(first_sequence > 1 && first_frame > 1, "the last segment is not the only one");
    let lower = |value: u64| (value - 1).to_le_bytes().to_vec();
    for (what, changes) in [
        ("as it was", vec![]),
        ("a seal", vec![(8, vec![0b011])]),
        ("another epoch", vec![(36, vec![9])]),
        ("an earlier frame", vec![(16, lower(first_frame)), (40, vec![0; 8])]),
        ("an earlier record", vec![(24, lower(first_sequence))]),
    ] {
        let mut forger = sound.clone();
        for (at, bytes) in &changes {
            let at = last.offset + at;
            forger.segments[last.segment][at..at + bytes.len()].copy_from_slice(bytes);
        }
        forger.rechain();
        forger.write();
        let opened = Reader::<TestNote>::open(&place.ledger());
        if changes.is_empty() {
            assert_eq!(opened.unwrap().end(), LedgerEnd::Closed);
        } else {
            assert!(opened.err().is_some_and(|error| error.is_damage()), "{what}");
        }
    }
}

#[test]
fn a_reader_that_a_forged_end_or_header_misleads_ends_in_damage_and_never_early() {
    let place = of_notes();
    let sound = Forger::read(&place.ledger());
    let last = sound.links.last().unwrap();
    let (header, close) = (0, last.offset);
    let is = |offset: usize| u64_at(&sound.segments[last.segment], offset);
    let (frame, record, records) = (is(header + 96), is(header + 88), is(close + 24));
    for (what, changes) in [
        ("an end after the segment's first frame", vec![(close + 16, frame + 1)]),
        ("an end of fewer records", vec![(close + 24, records - 1)]),
        ("an end of more records", vec![(close + 24, records + 1)]),
        ("a header that begins frames ago", vec![(header + 96, frame - 2)]),
        ("a header that begins records ago", vec![(header + 88, record - 1)]),
        ("a whole segment of frames ago", vec![(header + 96, frame - 2), (close + 16, frame - 2)]),
    ] {
        let mut forger = sound.clone();
        // Or the frame would be older than what it says is durable.
        for (at, value) in changes.into_iter().chain([(close + 40, 0)]) {
            forger.segments[last.segment][at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        forger.rechain();
        forger.write();
        for from in [0, record - 1, record, records] {
            assert_ends_in_damage(&place.ledger(), from, what);
        }
    }
    // Or all its frames are of frames ago: sound in itself, and no continuation of the one before.
    let mut forger = sound.clone();
    let ago = |value: u64, frames: u64| (value - frames).to_le_bytes();
    let bytes = &mut forger.segments[last.segment];
    bytes[header + 96..header + 104].copy_from_slice(&ago(frame, 2));
    let frames = sound.links.iter().filter(|link| link.segment == last.segment && link.offset > 0);
    for link in frames {
        let numbers = &mut bytes[link.offset + 16..link.offset + 48];
        let number = u64_at(numbers, 0);
        numbers[..8].copy_from_slice(&ago(number, 2));
        numbers[24..].fill(0);
    }
    forger.rechain();
    forger.write();
    for from in [0, record - 1] {
        assert_ends_in_damage(&place.ledger(), from, "a sound segment of frames ago");
    }
    let reader = Reader::<TestNote>::open(&place.ledger()).unwrap();
    let mut shown = 0;
    let mut cursor = reader.cursor(record).unwrap();
    while let Some(frame) = cursor.next_frame().unwrap() {
        shown += u64::from(frame.header.count);
    }
    assert_eq!(shown, records - record, "it is sound in itself");
}

fn assert_ends_in_damage(ledger: &Path, from: u64, what: &str) {
    let read = Reader::<TestNote>::open(ledger)
        .and_then(|reader| reader.for_each::<LedgerError>(from, |_| Ok(())));
    assert!(read.err().is_some_and(|error| error.is_damage()), "{what}, from {from}");
}

#[test]
fn an_end_frame_in_the_middle_a_second_one_and_a_place_behind_a_forged_end_are_damage_to_a_reader()
{
    // One segment with an index of several places.
    let place = Place::with_steps(0..16_000, 1, &options(SyncMode::End, 8 << 20));
    let sound = Forger::read(&place.ledger());
    let bytes = &sound.segments[0];
    let close = sound.links.last().unwrap().clone();
    let end_frame = bytes[close.offset..].to_vec();
    let records = u64_at(&end_frame, 24);
    assert!(bytes.len() > 3 * (256 << 10), "{}", bytes.len());
    assert!(place.ledger().join("segments/000000000000.idx").exists());

    // An end frame in place of an early one, the rest as it was.
    let early = &sound.links[3];
    let mut middle = sound.clone();
    let frame = &mut middle.segments[0][early.offset..early.offset + 88];
    let numbers = frame[16..32].to_vec();
    frame.copy_from_slice(&end_frame);
    frame[16..32].copy_from_slice(&numbers);
    frame[40..48].fill(0);
    middle.links[3].bytes = 88;
    middle.rechain();
    middle.write();
    assert_ends_in_damage(&place.ledger(), 0, "an end in the middle");

    // One more end behind the end, of more records.
    let mut second = sound.clone();
    let mut frame = end_frame.clone();
    frame[16..24].copy_from_slice(&(u64_at(&end_frame, 16) + 1).to_le_bytes());
    frame[24..32].copy_from_slice(&(records + 10).to_le_bytes());
    second.links.push(Link { offset: bytes.len(), ..close.clone() });
    second.segments[0].extend(frame);
    second.rechain();
    second.write();
    assert_ends_in_damage(&place.ledger(), 0, "a second end");

    // An end of the right number of records whose frame is said to be an early one.
    let mut number = sound.clone();
    number.segments[0][close.offset + 16..close.offset + 24].copy_from_slice(&2_u64.to_le_bytes());
    number.segments[0][close.offset + 40..close.offset + 48].fill(0);
    number.rechain();
    number.write();
    for from in [0, records - 1] {
        assert_ends_in_damage(&place.ledger(), from, "the number of an early frame");
    }
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

#[test]
fn under_a_policy_only_its_keys_vouch_and_a_callers_own_note_meets_none() {
    let place = of_notes();
    let ledger = place.ledger();
    let kept = Note::parse(&fs::read(ledger.join("checkpoint")).unwrap()).unwrap();
    let check_policy = |vkey: &str, against: Option<&Note>| {
        let policy = Policy::parse(format!("log {vkey}\nquorum none\n").as_bytes()).unwrap();
        let against = against.cloned();
        let options = VerifyOptions { policy: Some(policy), against, ..VerifyOptions::default() };
        verify(&ledger, &options).unwrap()
    };
    let own = place.key.key().verifier().to_string();
    let report = check_policy(&own, Some(&kept));
    assert_eq!((report.exit_code(), report.unanchored), (0, 0));
    // A key of the same name that signed nothing: the log's own key is known, and vouches no more.
    let stranger = log_key(place.dir.path(), 9).key().verifier().to_string();
    let report = check_policy(&stranger, None);
    assert_eq!((report.exit_code(), report.unanchored), (14, report.records));
    assert!(report.provable.iter().all(|range| range.strength == Strength::SelfConsistent));
    assert_eq!(report.keys.len(), 2);
    // What the caller holds says what the log must be, and not that the log has a checkpoint.
    fs::remove_dir_all(ledger.join("checkpoints")).unwrap();
    fs::remove_file(ledger.join("checkpoint")).unwrap();
    let report = check_policy(&own, Some(&kept));
    assert_eq!((report.exit_code(), report.unanchored), (14, report.records));
    assert_eq!(report.verdicts, [Verdict::BadSignature]);
}

#[test]
fn the_key_of_another_log_says_nothing_of_this_one() {
    let place = of_notes();
    let path = place.ledger().join("checkpoint");
    let other = key("example.com/other", KeyKind::Log, 7);
    let mut note = Note::parse(&fs::read(&path).unwrap()).unwrap();
    note.sign(&other, 0);
    fs::write(&path, note.to_string()).unwrap();
    let (own, other) = (place.key.key().verifier(), other.verifier());
    let policy = format!("log {own}\nlog {other}\nquorum none\n");
    let policy = Some(Policy::parse(policy.as_bytes()).unwrap());
    let options = VerifyOptions { policy, ..VerifyOptions::default() };
    let report = verify(&place.ledger(), &options).unwrap();
    assert_eq!(report.exit_code(), 0, "{:?}", report.findings);
    for checkpoint in &report.checkpoints {
        assert_eq!(checkpoint.signed_by, ["example.com/bot"]);
    }
}

#[test]
fn frames_before_an_anchor_that_were_chained_anew_contradict_it() {
    let place = of_notes();
    sign_head::<TestNote>(&place.ledger(), &place.key, &small()).unwrap();
    // Without notes nothing but the anchors tells.
    fs::remove_dir_all(place.ledger().join("checkpoints")).unwrap();
    fs::remove_file(place.ledger().join("checkpoint")).unwrap();
    fs::remove_dir_all(place.ledger().join("tile")).unwrap();
    let mut forger = Forger::read(&place.ledger());
    // The commit time of the second frame.
    let link = forger.links[2].clone();
    forger.flip(link.segment, link.offset + 48, 1);
    forger.rechain();
    forger.write();
    let report = check(&place.ledger());
    assert_eq!(report.verdicts, [Verdict::Contradicted]);
    assert!(report.findings[0].what.contains("chained anew"), "{:?}", report.findings);
}
