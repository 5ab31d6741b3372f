//! Every byte of a closed ledger is under guard, and a missing byte is missed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schwabot::audit::{Report, Verdict, VerifyOptions, verify};
use schwabot::hash::Digest;
use schwabot::ledger::segment::{RecoveryNote, SegmentHeader};
use schwabot::ledger::{LedgerEnd, Reader, SyncMode, Writer, WriterOptions};

use crate::support::Finally;
use crate::support::demo;
use crate::support::notes::{Note, options, step};

/// A closed ledger of several 4 KiB segments.
fn closed_ledger(dir: &Path, sync: SyncMode) -> PathBuf {
    let path = dir.join("ledger");
    let mut writer: Writer<Note> = Writer::open(&path, &options(sync, 4096)).unwrap();
    for number in 0..90 {
        writer.append(&step(&[number, number + 1000])).unwrap();
    }
    writer.close().unwrap();
    path
}

fn check(path: &Path) -> Report {
    verify(path, &VerifyOptions { threads: 1, ..VerifyOptions::default() }).unwrap()
}

fn segments(path: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(path.join("segments"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|file| file.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    files.sort();
    files
}

fn contents(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().path();
            if file.is_dir() {
                folders.push(file);
            } else {
                found.insert(file.clone(), std::fs::read(&file).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_closed_ledger_is_intact_and_verifying_changes_no_file_and_adds_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = closed_ledger(dir.path(), SyncMode::Always);
    let before = contents(&path);
    let report = check(&path);
    assert_eq!(
        (report.verdict(), report.exit_code(), report.end),
        (Verdict::Intact, 0, LedgerEnd::Closed)
    );
    assert_eq!((report.records, report.head.unwrap().size), (180, 180));
    assert!(report.segments > 3);
    assert_eq!(contents(&path), before);
}

#[test]
fn the_report_does_not_depend_on_the_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let path = closed_ledger(dir.path(), SyncMode::End);
    let file = &segments(&path)[1];
    let mut bytes = std::fs::read(file).unwrap();
    bytes[700] ^= 4;
    std::fs::write(file, bytes).unwrap();
    let reports: Vec<String> = [1, 2, 3, 8]
        .map(|threads| {
            let report = verify(&path, &VerifyOptions { threads, ..VerifyOptions::default() });
            serde_json::to_string(&report.unwrap()).unwrap()
        })
        .to_vec();
    assert!(reports.windows(2).all(|pair| pair[0] == pair[1]));
}

/// Files are mapped here. Every bit, and every length, of a smaller ledger is the subject of
/// `fault_mutations`.
#[test]
fn flipped_bits_and_cuts_of_mapped_segments_are_found_and_lie_in_the_range_that_is_named() {
    for sync in [SyncMode::Always, SyncMode::End] {
        let dir = tempfile::tempdir().unwrap();
        let path = closed_ledger(dir.path(), sync);
        let mut flipped = 0;
        for (index, file) in segments(&path).into_iter().enumerate() {
            let sound = std::fs::read(&file).unwrap();
            for offset in (index % 11..sound.len()).step_by(11) {
                let mut bytes = sound.clone();
                bytes[offset] ^= 1 << (offset % 8);
                std::fs::write(&file, &bytes).unwrap();
                let report = check(&path);
                let place = format!("segment {index} byte {offset} {sync:?}: {report:?}");
                assert!(matches!(report.exit_code(), 11 | 12), "{place}");
                let first = report.first_bad.as_ref().unwrap();
                assert_eq!(first.segment, index as u64, "{place}");
                assert!((first.offset..first.end).contains(&(offset as u64)), "{place}");
                std::fs::write(&file, &sound[..offset]).unwrap();
                let report = check(&path);
                assert_eq!(report.exit_code(), 12, "segment {index} cut to {offset}: {report:?}");
                flipped += 1;
            }
            std::fs::write(&file, &sound).unwrap();
        }
        assert!(flipped > 1_000, "{flipped} bytes");
        assert_eq!(check(&path).exit_code(), 0);
    }
}

#[test]
fn any_removed_segment_exits_12_the_last_and_the_only_one_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = closed_ledger(dir.path(), SyncMode::Always);
    for (index, file) in segments(&path).into_iter().enumerate() {
        let sound = std::fs::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        let report = check(&path);
        assert_eq!(report.exit_code(), 12, "segment {index}: {report:?}");
        std::fs::write(&file, &sound).unwrap();
    }
    let only = dir.path().join("only");
    let mut writer: Writer<Note> = Writer::open(&only, &options(SyncMode::Always, 4096)).unwrap();
    writer.append(&step(&[1])).unwrap();
    writer.close().unwrap();
    std::fs::remove_file(&segments(&only)[0]).unwrap();
    assert_eq!(check(&only).exit_code(), 12);
}

#[test]
fn segments_that_change_places_or_come_from_another_ledger_exit_12() {
    let dir = tempfile::tempdir().unwrap();
    let path = closed_ledger(dir.path(), SyncMode::Always);
    let files = segments(&path);
    let (first, second) = (std::fs::read(&files[1]).unwrap(), std::fs::read(&files[2]).unwrap());
    std::fs::write(&files[1], &second).unwrap();
    std::fs::write(&files[2], &first).unwrap();
    assert_eq!(check(&path).exit_code(), 12);
    std::fs::write(&files[1], &first).unwrap();
    std::fs::write(&files[2], &second).unwrap();
    let other = tempfile::tempdir().unwrap();
    let foreign = segments(&closed_ledger(other.path(), SyncMode::Always));
    std::fs::write(&files[2], std::fs::read(&foreign[2]).unwrap()).unwrap();
    assert_eq!(check(&path).exit_code(), 12);
}

#[test]
fn an_unclosed_ledger_whose_last_frame_is_partly_zeroed_exits_10_and_all_else_still_counts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut writer: Writer<Note> =
        Writer::open(&path, &options(SyncMode::Always, 64 << 10)).unwrap();
    for number in 0..20 {
        writer.append(&step(&[number])).unwrap();
    }
    drop(writer);
    let file = segments(&path).pop().unwrap();
    let sound = std::fs::read(&file).unwrap();
    assert_eq!(sound.len(), 64 << 10, "a segment that is not closed keeps its full length");
    let whole = check(&path);
    assert_eq!((whole.exit_code(), whole.end, whole.records), (0, LedgerEnd::Open, 20));
    assert_eq!(whole.unproven, 1);
    let end = sound.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for zeroed in 1..60 {
        let mut bytes = sound.clone();
        bytes[end - zeroed..end].fill(0);
        std::fs::write(&file, &bytes).unwrap();
        let report = check(&path);
        assert_eq!((report.exit_code(), report.records), (10, 19), "{zeroed}: {report:?}");
        assert_eq!(report.head.unwrap().size, 19);
    }
}

#[test]
fn s17_a_tampered_run_names_its_first_bad_record_and_a_lost_tail_shows_against_the_saved_head() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    demo::record(&path, &[], 1, 2_000);
    let file = segments(&path).pop().unwrap();
    let sound = std::fs::read(&file).unwrap();
    let records = check(&path).records;
    for part in 1..10 {
        let offset = sound.len() * part / 10;
        let mut bytes = sound.clone();
        bytes[offset] ^= 1;
        std::fs::write(&file, &bytes).unwrap();
        let report = check(&path);
        assert_eq!(report.exit_code(), 11, "byte {offset}: {report:?}");
        let first = report.first_bad.unwrap();
        let near = records * part as u64 / 10;
        assert!((first.offset..first.end).contains(&(offset as u64)), "byte {offset}: {first:?}");
        assert!(report.records.abs_diff(near) < records / 5, "{} of {records}", report.records);
    }
    std::fs::write(&file, &sound[..sound.len() - 1]).unwrap();
    assert_eq!(check(&path).exit_code(), 12, "a shortened file is missing bytes");

    // A tail that is gone whole, of a ledger that was not closed, leaves an earlier ledger that is
    // sound in itself: only who kept the head can tell.
    let path = dir.path().join("open");
    let mut writer: Writer<Note> =
        Writer::open(&path, &options(SyncMode::Always, 64 << 10)).unwrap();
    for number in 0..20 {
        writer.append(&step(&[number])).unwrap();
    }
    drop(writer);
    let saved = check(&path).head.unwrap();
    let file = segments(&path).pop().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let lost = (1..400).find_map(|zeroed| {
        bytes[end - zeroed] = 0;
        std::fs::write(&file, &bytes).unwrap();
        Some(check(&path)).filter(|report| report.exit_code() != 10)
    });
    let lost = lost.unwrap();
    assert_eq!((lost.exit_code(), lost.end, lost.records), (0, LedgerEnd::Open, 19));
    assert_ne!(lost.head.unwrap().root, saved.root);
}

#[test]
fn a_flipped_bit_below_the_last_frame_of_an_unclosed_ledger_is_corruption_not_a_torn_tail() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut writer: Writer<Note> =
        Writer::open(&path, &options(SyncMode::Always, 64 << 10)).unwrap();
    for number in 0..6 {
        writer.append(&step(&[number])).unwrap();
    }
    drop(writer);
    let file = segments(&path).pop().unwrap();
    let sound = std::fs::read(&file).unwrap();
    let end = sound.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let last_frame = end - 200;
    for offset in (0..last_frame).step_by(3) {
        let mut bytes = sound.clone();
        bytes[offset] ^= 0x10;
        std::fs::write(&file, &bytes).unwrap();
        assert_eq!(check(&path).exit_code(), 11, "byte {offset}");
    }
}

#[test]
fn a_ledger_that_never_got_its_first_segment_is_empty_and_open() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let writer: Writer<Note> = Writer::open(&path, &options(SyncMode::Always, 4096)).unwrap();
    drop(writer);
    std::fs::remove_dir_all(path.join("segments")).unwrap();
    let report = check(&path);
    assert_eq!((report.exit_code(), report.end, report.records), (0, LedgerEnd::Open, 0));
    assert_eq!(report.head.unwrap().root, schwabot::hash::empty_root());
    std::fs::create_dir(path.join("segments")).unwrap();
    assert_eq!(check(&path).exit_code(), 12);
}

#[test]
fn beside_a_living_writer_verify_says_live_and_judges_up_to_the_last_proof() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::Always, 4096)).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let over = Finally(&stop);
        scope.spawn(|| {
            // Where a sync costs nothing it would else outrun the audits and fill the disk.
            for number in 0_u64..30_000 {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
                writer.append(&step(&[number, number])).unwrap();
            }
        });
        let mut seen = 0;
        for _ in 0..300 {
            let report = check(&path);
            assert_eq!((report.exit_code(), report.end), (0, LedgerEnd::Live), "{report:?}");
            assert!(report.records >= seen, "{} after {seen}", report.records);
            seen = report.records;
        }
        drop(over);
        assert!(seen > 0);
    });
}

#[test]
fn a_busy_writer_of_a_long_segment_is_never_taken_for_damage() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut writer: Writer<Note> = Writer::open(&path, &WriterOptions::default()).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let over = Finally(&stop);
        scope.spawn(|| {
            // As above.
            for number in 0_u64..200_000 {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
                writer.append(&step(&[number])).unwrap();
            }
        });
        for _ in 0..60 {
            let report = check(&path);
            let reader: Reader<Note> = Reader::open(&path).unwrap();
            assert_eq!((report.exit_code(), report.end), (0, LedgerEnd::Live), "{report:?}");
            assert_eq!(reader.end(), LedgerEnd::Live);
            assert!(reader.len() >= report.records);
        }
        drop(over);
    });
}

#[test]
fn a_file_name_that_no_segment_can_have_is_no_segment() {
    let dir = tempfile::tempdir().unwrap();
    let path = closed_ledger(dir.path(), SyncMode::Always);
    std::fs::write(path.join("segments/18446744073709551615.seg"), "").unwrap();
    assert_eq!(check(&path).exit_code(), 0);
}

#[test]
fn a_header_that_breaks_a_rule_is_found_though_its_checksum_holds() {
    let dir = tempfile::tempdir().unwrap();
    let path = closed_ledger(dir.path(), SyncMode::Always);
    let file = &segments(&path)[0];
    let sound = std::fs::read(file).unwrap();
    let header = SegmentHeader::decode(&sound).unwrap();
    let dead = RecoveryNote { counted_bytes: 0, dead_bytes: 5, dead_digest: Digest::ZERO };
    let forged =
        [SegmentHeader { epoch: 77, ..header }, SegmentHeader { recovery: Some(dead), ..header }];
    for header in forged {
        let mut bytes = sound.clone();
        bytes[..192].copy_from_slice(&header.encode());
        std::fs::write(file, bytes).unwrap();
        assert!(matches!(check(&path).exit_code(), 11 | 12), "{header:?}");
        // Opening judges the last segment alone; it must not stumble over the others.
        drop(Writer::<Note>::open(&path, &WriterOptions::default()));
        std::fs::write(file, &sound).unwrap();
    }
}

#[test]
fn a_named_pipe_in_a_segments_place_is_refused_and_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = closed_ledger(dir.path(), SyncMode::Always);
    let file = segments(&path).pop().unwrap();
    std::fs::remove_file(&file).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&file).status().unwrap();
    assert!(made.success());
    assert!(verify(&path, &VerifyOptions::default()).is_err());
}
