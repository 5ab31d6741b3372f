//! A stranger's hand, or rot, on every byte of a small ledger, of its checkpoints and of what is
//! derived from it.
//!
//! A closed ledger is never called intact again: not with any bit flipped, any frame dropped,
//! doubled or swapped, any segment cut at any length. Opening one for write drops no record. Damage
//! of derived files changes no verdict and is named. What cannot be found from the inside is the
//! subject of `fault_exceptions`.

#![expect(clippy::print_stderr, reason = "how much was reached belongs in the test's report")]

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schwabot::audit::{Report, VerifyOptions, verify};
use schwabot::checkpoint::{KeyFile, KeyKind, Note as SignedNote, SigningKey, sign_head};
use schwabot::hash;
use schwabot::ledger::frame::FRAME_HEADER_BYTES;
use schwabot::ledger::scan::FAULTS_KEPT_MAX;
use schwabot::ledger::segment::SEGMENT_HEADER_BYTES;
use schwabot::ledger::{LedgerEnd, LedgerError, SyncMode};

use crate::is_full;
use crate::support::notes::{Note, step};
use crate::support::sim_disk::{SimDisk, Unsynced};
use crate::support::sim_ledger::{self, ledger_path, open, read, segment_path, sim_options};

pub(crate) const ORIGIN: &str = "example.com/bot";

pub(crate) fn append(disk: &SimDisk, sync: SyncMode, numbers: Range<u64>, seed: u64, closes: bool) {
    let mut writer = open(disk, &sim_options(disk, sync, 1024, seed)).unwrap();
    for number in numbers {
        writer.append(&step(&[number])).unwrap();
    }
    if closes {
        writer.close().unwrap();
    } else {
        writer.sync().unwrap();
    }
}

pub(crate) fn sign(disk: &SimDisk, seed: u64) -> SignedNote {
    let key = SigningKey::from_seed(ORIGIN, KeyKind::Log, &[1; 32]).unwrap();
    let (disk_of_key, path) = (Arc::new(disk.clone()), PathBuf::from("/disk/log.key"));
    let key = match KeyFile::open(disk_of_key.clone(), &path) {
        Ok(key) => key,
        Err(_) => KeyFile::create(disk_of_key, &path, key).unwrap(),
    };
    let options = sim_options(disk, SyncMode::Always, 1024, seed);
    sign_head::<Note>(&ledger_path(), &key, &options).unwrap().note
}

/// A closed, signed ledger of four segments, with a tile, indexes and a snapshot.
pub(crate) fn closed() -> SimDisk {
    let disk = SimDisk::new();
    append(&disk, SyncMode::Always, 0..5, 1, true);
    append(&disk, SyncMode::End, 5..9, 2, true);
    sign(&disk, 3);
    let bytes = b"some world";
    let name = format!("snapshots/000000000004-{}.snap", hash::sha256(bytes));
    let path = ledger_path().join(name);
    use schwabot::ledger::disk::{Disk, Readers, write_whole};
    disk.create_dir(path.parent().unwrap()).unwrap();
    write_whole(&disk, &path, bytes, Readers::Usual).unwrap();
    settled(&disk)
}

/// The disk with all of it durable.
pub(crate) fn settled(disk: &SimDisk) -> SimDisk {
    SimDisk::cut_power(&disk.state(), Unsynced::Kept)
}

pub(crate) fn check(disk: &SimDisk) -> Report {
    check_with(disk, VerifyOptions::default())
}

pub(crate) fn check_with(disk: &SimDisk, options: VerifyOptions) -> Report {
    let options = VerifyOptions { threads: 1, disk: Arc::new(disk.clone()), ..options };
    verify(&ledger_path(), &options).unwrap()
}

/// The files below the ledger whose path holds a word, with their bytes.
pub(crate) fn files(disk: &SimDisk, word: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let root = ledger_path();
    let files = disk.state().files().into_iter().map(|(path, bytes)| (PathBuf::from(path), bytes));
    files.filter(|(path, _)| path.starts_with(&root) && below(path).contains(word)).collect()
}

fn below(path: &Path) -> String {
    path.strip_prefix(ledger_path()).unwrap().display().to_string()
}

/// The bits of a byte that are flipped: all of them where there is time.
pub(crate) fn bits(offset: usize) -> impl Iterator<Item = u8> {
    let (first, apart) = if is_full() { (0, 1) } else { (offset % 4, 4) };
    (first..8).step_by(apart).map(|bit| 1 << bit)
}

/// A closed ledger opened for write, whatever was done to it: refused, or nothing is dropped.
fn assert_opening_drops_nothing(disk: &SimDisk, records: u64) {
    let before = files(disk, ".seg");
    let copy = SimDisk::kill(&disk.state());
    match open(&copy, &sim_options(&copy, SyncMode::Always, 1024, 9)) {
        Ok(writer) => assert_eq!(writer.next_sequence(), records, "opening dropped records"),
        Err(LedgerError::Io { action, path, source }) => panic!("{action} {path:?}: {source}"),
        Err(_) => {}
    }
    let after = files(&copy, ".seg");
    assert!(before.iter().all(|file| after.contains(file)), "opening altered an old byte");
}

#[test]
fn no_closed_ledger_is_intact_with_any_bit_flipped_and_opening_it_drops_nothing() {
    let disk = closed();
    let whole = check(&disk);
    assert_eq!((whole.exit_code(), whole.end), (0, LedgerEnd::Closed), "{whole:?}");
    let (records, mut flipped) = (whole.records, 0);
    let truth = [".seg", "ledger.id", "checkpoint"].iter().flat_map(|word| files(&disk, word));
    let truth: Vec<_> = truth.collect();
    assert!(truth.len() > 6, "{truth:?}");
    for (path, sound) in truth {
        for offset in 0..sound.len() {
            for mask in bits(offset) {
                disk.alter(&path, |bytes| bytes[offset] ^= mask);
                let report = check(&disk);
                let place = format!("{} byte {offset} mask {mask}", below(&path));
                if path.extension().is_some_and(|kind| kind == "seg") {
                    assert!(matches!(report.exit_code(), 11 | 12), "{place}: {report:?}");
                    let first = report.first_bad.unwrap();
                    let at = offset as u64;
                    assert!((first.offset..first.end).contains(&at), "{place}: {first:?}");
                } else {
                    assert!(matches!(report.exit_code(), 11..=14), "{place}: {report:?}");
                }
                if flipped % 16 == 0 {
                    assert_opening_drops_nothing(&disk, records);
                }
                disk.alter(&path, |bytes| bytes[offset] ^= mask);
                flipped += 1;
            }
        }
    }
    eprintln!("{flipped} bits flipped");
    assert_eq!(check(&disk).exit_code(), 0);
}

/// Where the frames of a segment lie.
pub(crate) fn frames(bytes: &[u8]) -> Vec<Range<usize>> {
    let whole = sim_ledger::frames(bytes).into_iter();
    whole.map(|(start, header)| start..start + header.frame_bytes()).collect()
}

/// What can be done to the frames of a segment, as new bytes of it.
fn rearranged(sound: &[u8]) -> Vec<(String, Vec<u8>)> {
    let frames = frames(sound);
    let rebuilt = |order: &[usize]| {
        let mut bytes = sound[..SEGMENT_HEADER_BYTES].to_vec();
        for place in order {
            bytes.extend_from_slice(&sound[frames[*place].clone()]);
        }
        bytes
    };
    let mut found = Vec::new();
    for place in 0..frames.len() {
        let all = 0..frames.len();
        let dropped: Vec<usize> = all.clone().filter(|other| *other != place).collect();
        let doubled: Vec<usize> =
            all.clone().flat_map(|o| vec![o; 1 + usize::from(o == place)]).collect();
        found.push((format!("frame {place} dropped"), rebuilt(&dropped)));
        found.push((format!("frame {place} doubled"), rebuilt(&doubled)));
        let mut zeroed = sound.to_vec();
        zeroed[frames[place].clone()].fill(0);
        found.push((format!("frame {place} zeroed"), zeroed));
        for other in place + 1..frames.len() {
            let mut swapped: Vec<usize> = all.clone().collect();
            swapped.swap(place, other);
            found.push((format!("frames {place} and {other} swapped"), rebuilt(&swapped)));
        }
        // The same at the length that the file had, as whoever hides it would do.
        let mut padded = rebuilt(&dropped);
        padded.resize(sound.len(), 0);
        found.push((format!("frame {place} dropped, the rest padded"), padded));
    }
    found
}

#[test]
fn no_closed_ledger_is_intact_with_any_frame_dropped_doubled_zeroed_or_swapped() {
    let disk = closed();
    let (records, mut done) = (check(&disk).records, 0);
    for (path, sound) in files(&disk, ".seg") {
        for (what, bytes) in rearranged(&sound) {
            disk.alter(&path, |held| *held = bytes);
            let report = check(&disk);
            let code = report.exit_code();
            assert!(matches!(code, 11 | 12), "{} {what}: {report:?}", below(&path));
            assert_opening_drops_nothing(&disk, records);
            done += 1;
        }
        disk.alter(&path, |held| *held = sound);
    }
    assert!(done > 60, "{done} changes");
}

#[test]
fn a_segment_of_a_closed_ledger_cut_at_any_length_exits_12_and_is_not_built_on() {
    let disk = closed();
    let records = check(&disk).records;
    for (path, sound) in files(&disk, ".seg") {
        for length in 0..sound.len() {
            disk.alter(&path, |held| held.truncate(length));
            let report = check(&disk);
            assert_eq!(report.exit_code(), 12, "{} cut to {length}: {report:?}", below(&path));
            if length % 16 == 0 {
                assert_opening_drops_nothing(&disk, records);
            }
            disk.alter(&path, |held| held.clone_from(&sound));
        }
    }
}

#[test]
fn a_cut_or_emptied_checkpoint_or_identity_is_never_intact() {
    let disk = closed();
    for (path, sound) in ["ledger.id", "checkpoint"].iter().flat_map(|word| files(&disk, word)) {
        for length in 0..sound.len() {
            disk.alter(&path, |held| held.truncate(length));
            let code = check(&disk).exit_code();
            assert!(matches!(code, 11..=14), "{} cut to {length}: {code}", below(&path));
            disk.alter(&path, |held| held.clone_from(&sound));
        }
    }
}

#[test]
fn damage_of_a_derived_file_changes_no_verdict_and_is_named() {
    let disk = closed();
    let whole = check(&disk);
    assert_eq!((whole.exit_code(), whole.derived_damage_count), (0, 0), "{whole:?}");
    let derived = [".idx", "tile/", "snapshots/"].map(|word| files(&disk, word));
    assert!(derived.iter().all(|files| !files.is_empty()), "{derived:?}");
    for (path, sound) in derived.into_iter().flatten() {
        let named = |what: &str| {
            let report = check(&disk);
            assert_eq!((report.exit_code(), report.head), (0, whole.head), "{what}");
            let damaged: Vec<&str> =
                report.derived_damage.iter().map(|damage| damage.path.as_str()).collect();
            assert_eq!(damaged, [below(&path)], "{what}");
            assert_opening_drops_nothing(&disk, whole.records);
        };
        for offset in 0..sound.len() {
            for mask in bits(offset) {
                disk.alter(&path, |bytes| bytes[offset] ^= mask);
                named(&format!("byte {offset} mask {mask}"));
                disk.alter(&path, |bytes| bytes[offset] ^= mask);
            }
        }
        for length in 0..sound.len() {
            disk.alter(&path, |bytes| bytes.truncate(length));
            named(&format!("cut to {length}"));
            disk.alter(&path, |bytes| bytes.clone_from(&sound));
        }
        disk.forget(&path);
        let report = check(&disk);
        assert_eq!((report.exit_code(), report.derived_damage_count), (0, 0), "{path:?} is gone");
        let disk = SimDisk::kill(&disk.state());
        append(&disk, SyncMode::Always, 9..12, 8, true);
        assert_eq!(read(&disk).unwrap().notes, 12, "without {path:?}");
    }
}

/// A tree of two levels of tiles: full ones, partial ones, and one that spans the full ones.
#[test]
fn of_many_tiles_the_damaged_one_is_named_and_a_missing_one_above_others_too() {
    let disk = SimDisk::new();
    let mut writer = open(&disk, &sim_options(&disk, SyncMode::End, 1 << 16, 1)).unwrap();
    for number in 0..600 {
        writer.append(&step(&[number])).unwrap();
    }
    writer.close().unwrap();
    let size = sign(&disk, 2).checkpoint().size;
    let disk = settled(&disk);
    let tiles = files(&disk, "tile/");
    let names: Vec<String> = tiles.iter().map(|(path, _)| below(path)).collect();
    let width = size - 512;
    let wanted = ["0/000", "0/001", &format!("0/002.p/{width}"), "1/000.p/2"];
    assert_eq!(names, wanted.map(|name| format!("tile/{name}")));
    let damaged = || -> Vec<String> {
        let report = check(&disk);
        assert_eq!(report.exit_code(), 0, "{report:?}");
        report.derived_damage.into_iter().map(|damage| damage.path).collect()
    };
    assert_eq!(damaged(), [""; 0]);
    for (path, sound) in &tiles {
        for offset in (0..sound.len()).step_by(sound.len() / 8 + 1) {
            disk.alter(path, |bytes| bytes[offset] ^= 1);
            assert_eq!(damaged(), [below(path)], "byte {offset}");
            disk.alter(path, |bytes| bytes[offset] ^= 1);
        }
    }
    let above = ledger_path().join("tile/1/000.p/2");
    disk.forget(&above);
    assert_eq!(damaged(), [below(&above)], "nothing is said of tiles below it");
    for (path, _) in files(&disk, "checkpoint") {
        disk.forget(&path);
    }
    assert_eq!(damaged(), ["tile"], "nobody says whose tiles these are");
}

/// An unclosed ledger in one segment that is long enough, and where its frames lie.
pub(crate) fn unclosed(sync: SyncMode) -> (SimDisk, Vec<Range<usize>>) {
    let disk = SimDisk::new();
    let mut writer = open(&disk, &sim_options(&disk, sync, 4096, 1)).unwrap();
    for number in 0..6 {
        writer.append(&step(&[number])).unwrap();
        if sync == SyncMode::End {
            // A frame of its own, and the first four of them synced.
            writer.head().unwrap();
            if number == 3 {
                writer.sync().unwrap();
            }
        }
    }
    drop(writer);
    let disk = settled(&disk);
    let frames = frames(&disk.state().files()[segment_path(0).to_str().unwrap()]);
    assert_eq!(frames.len(), 6);
    (disk, frames)
}

#[test]
fn a_flipped_bit_of_an_unclosed_ledger_is_corruption_wherever_a_later_frame_proves_it_durable() {
    for sync in [SyncMode::Always, SyncMode::End] {
        let (disk, frames) = unclosed(sync);
        // In `always` mode each frame proves those before it. In `end` mode a watermark does, and
        // the frame after the sync is the first to have one that says so.
        let proven = if sync == SyncMode::Always { 5 } else { 4 };
        let (below, length) = (frames[proven].start, 4096);
        for offset in 0..length {
            for mask in bits(offset) {
                disk.alter(&segment_path(0), |bytes| bytes[offset] ^= mask);
                let report = check(&disk);
                let opened = {
                    let copy = SimDisk::kill(&disk.state());
                    open(&copy, &sim_options(&copy, SyncMode::Always, 1024, 9))
                        .map(|writer| writer.next_sequence())
                };
                let place = format!("{sync:?} byte {offset} mask {mask}: {report:?} {opened:?}");
                let code = report.exit_code();
                if offset < below {
                    assert!(matches!(code, 11 | 12) && opened.is_err(), "{place}");
                } else {
                    // The window that is promised to nobody: whole frames before it all stay.
                    let whole =
                        frames.iter().take_while(|frame| frame.end <= offset).count() as u64;
                    assert_eq!((code, report.records), (10, whole), "{place}");
                    // The record `recovered` stands behind them.
                    assert_eq!(opened.unwrap(), whole + 1, "{sync:?} byte {offset}");
                }
                disk.alter(&segment_path(0), |bytes| bytes[offset] ^= mask);
            }
        }
    }
}

#[test]
fn of_more_faults_than_are_kept_all_are_counted() {
    let disk = SimDisk::new();
    let mut writer = open(&disk, &sim_options(&disk, SyncMode::Always, 1 << 20, 1)).unwrap();
    for number in 0..2_204 {
        writer.append(&step(&[number])).unwrap();
    }
    writer.close().unwrap();
    let disk = SimDisk::cut_power(&disk.state(), Unsynced::Kept);
    let mut damaged = 0;
    disk.alter(&segment_path(0), |bytes| {
        for (offset, header) in sim_ledger::frames(bytes) {
            // Damaged frames in a row are one fault.
            if header.count > 0 && header.number.is_multiple_of(2) {
                bytes[offset + FRAME_HEADER_BYTES + 8] ^= 1;
                damaged += 1;
            }
        }
    });
    let report = check(&disk);
    assert_eq!((report.exit_code(), report.fault_count), (11, damaged));
    assert!(report.faults.len() <= FAULTS_KEPT_MAX && damaged > FAULTS_KEPT_MAX as u64 + 100);
    let scanned = sim_ledger::faults(&disk);
    assert_eq!(scanned.len(), FAULTS_KEPT_MAX);
}
