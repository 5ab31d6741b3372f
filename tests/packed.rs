//! Packed segments: read as if the originals stood there, back again byte for byte, and every
//! flipped bit is found.

#![expect(clippy::print_stderr, reason = "what was not compared belongs in the test's report")]

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use schwabot::audit::{Level, Report, VerifyOptions, backup, bundle, restore, salvage, verify};
use schwabot::hash;
use schwabot::ledger::disk::{Access, Disk, DiskFile, Map, RealDisk};
use schwabot::ledger::layout::Layout;
use schwabot::ledger::packed::{
    BLOCK_BYTES, ORIGINAL_BYTES_MAX, Packing, STORED_BYTES_MAX, pack, packed_path, unpack,
};
use schwabot::ledger::walk::SegmentFile;
use schwabot::ledger::{LedgerError, Reader, SyncMode, Writer, WriterOptions};
use schwabot::pipeline::RunOptions;

use crate::support::cli::{self, run};
use crate::support::dice::Dice;
use crate::support::keys::Place;
use crate::support::notes::{Note, append, note_of, options, step};
use crate::support::packing::packed_file;
use crate::support::{TestResult, copy_dir, demo};

/// Segments of several blocks.
fn long() -> WriterOptions {
    options(SyncMode::End, 200_000)
}

fn small() -> WriterOptions {
    options(SyncMode::Always, 2048)
}

fn original(ledger: &Path, index: u64) -> PathBuf {
    Layout::new(ledger).segment(index)
}

fn packed(ledger: &Path, index: u64) -> PathBuf {
    packed_path(&original(ledger, index))
}

/// The names in `segments/` that end so, with their bytes.
fn ending(ledger: &Path, word: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(Layout::new(ledger).segments()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let named = paths.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path));
    let ours = named.filter(|(name, _)| name.ends_with(word));
    ours.map(|(name, path)| (name, fs::read(path).unwrap())).collect()
}

/// A ledger of a step a number, each of so many notes.
fn notes(numbers: Range<u64>, each: u64, options: &WriterOptions) -> (Place, PathBuf) {
    let place = Place::with_steps(numbers, each, options);
    let ledger = place.ledger();
    (place, ledger)
}

/// The same, packed.
fn packed_notes(numbers: Range<u64>, each: u64, options: &WriterOptions) -> (Place, PathBuf) {
    let (place, ledger) = notes(numbers, each, options);
    packed_now(&ledger);
    (place, ledger)
}

fn packed_now(ledger: &Path) -> Packing {
    pack(&RealDisk, ledger).unwrap()
}

/// Turns bits of one byte of a file.
fn flip(path: &Path, place: usize, mask: u8) {
    let mut bytes = fs::read(path).unwrap();
    bytes[place] ^= mask;
    fs::write(path, bytes).unwrap();
}

fn report(ledger: &Path) -> Report {
    verify(ledger, &VerifyOptions::default()).unwrap()
}

/// What an audit says, but for what the machine's clock says.
fn said(report: &Report) -> String {
    serde_json::to_string(report).unwrap()
}

/// Numbers of all notes from a sequence on.
fn notes_from(ledger: &Path, from: u64) -> Vec<u64> {
    let reader: Reader<Note> = Reader::open(ledger).unwrap();
    let mut found = Vec::new();
    reader
        .for_each::<LedgerError>(from, |record| {
            found.push(note_of(&record));
            Ok(())
        })
        .unwrap();
    found
}

/// A run whose ledger has several segments, and a copy of it that is packed.
fn run_twice(place: &cli::Place) -> (PathBuf, PathBuf) {
    let (plain, other) = (place.path("plain"), place.path("packed"));
    let mut options = RunOptions { threads: 1, ..RunOptions::default() };
    options.writer.segment_bytes = 300_000;
    demo::record_with(&plain, &[], 1, 3_000, &options);
    copy_dir(&plain, &other);
    let done = packed_now(&other);
    assert!(done.segments >= 3 && done.packed_bytes * 2 < done.bytes, "{done:?}");
    (plain, other)
}

#[test]
fn a_packed_run_has_the_same_report_replay_state_and_receipts() -> TestResult {
    let place = cli::Place::new()?;
    let (plain, other) = run_twice(&place);
    let (one, two) = (report(&plain), report(&other));
    assert_eq!((one.exit_code(), one.head), (0, two.head));
    assert_eq!(said(&one), said(&two));
    for level in [Level::Chain, Level::Tree, Level::State] {
        let options = VerifyOptions { level: Some(level), threads: 2, ..VerifyOptions::default() };
        assert_eq!(said(&verify(&plain, &options)?), said(&verify(&other, &options)?));
    }
    assert_eq!(cli::record_bytes(&plain)?, cli::record_bytes(&other)?);
    let both = [place.arg("plain"), place.arg("packed")];
    for command in [
        vec!["replay", "LEDGER", "--from", "9000", "--format", "jsonl"],
        vec!["state", "LEDGER", "--format", "json"],
        vec!["state", "LEDGER", "trades", "--at", "7000", "--format", "json"],
    ] {
        let [one, two] = both.each_ref().map(|ledger| {
            let words = command.iter().map(|word| if *word == "LEDGER" { ledger } else { *word });
            run(&words.collect::<Vec<_>>()).unwrap()
        });
        assert_eq!((one.code, &one.out), (Some(0), &two.out), "{command:?}: {}", two.err);
    }
    let key = place.arg("key");
    run(&["keygen", "--name", "example.com/bot", "-o", &key])?;
    // One note for both, since a key signs one history once.
    assert_eq!(run(&["checkpoint", &both[0], "--key", &key])?.code, Some(0));
    let plain_end = ending(&plain, ".seg");
    for name in ["checkpoint", "checkpoints", "tile"] {
        let (from, to) = (plain.join(name), other.join(name));
        if from.is_dir() { copy_dir(&from, &to) } else { fs::copy(&from, &to).map(drop)? }
    }
    for (name, bytes) in plain_end {
        if !other.join("segments").join(format!("{name}.zst")).exists() {
            fs::write(other.join("segments").join(name), bytes)?;
        }
    }
    let receipts = both.each_ref().map(|ledger| {
        let out = format!("{ledger}.receipt");
        let made = run(&["prove", ledger, "--sequence", "77", "-o", &out]).unwrap();
        assert_eq!(made.code, Some(0), "{}", made.err);
        fs::read(out).unwrap()
    });
    assert_eq!(receipts[0], receipts[1]);
    assert_eq!(report(&other).exit_code(), 0);
    Ok(())
}

#[test]
fn unpacking_gives_back_every_byte_and_leaves_nothing_packed() {
    let (_place, ledger) = notes(0..3_000, 5, &long());
    append(&ledger, 3_000..3_100, 1, &small());
    let before = ending(&ledger, "");
    let done = packed_now(&ledger);
    assert!(done.segments > 5 && done.left == 1 && done.already == 0, "{done:?}");
    assert_eq!(ending(&ledger, ".seg").len(), 1, "the last one stays");
    assert_eq!(ending(&ledger, ".zst").len() as u64, done.segments);
    let back = unpack(&RealDisk, &ledger).unwrap();
    assert_eq!((back.segments, back.bytes), (done.segments, done.bytes));
    assert_eq!((back.packed_bytes, back.already), (done.packed_bytes, 1));
    assert_eq!(ending(&ledger, ""), before);
}

/// A ledger of forty notes, and one more whose writer died over a torn tail: its segment.
fn torn_notes() -> (Place, PathBuf, PathBuf) {
    let (place, ledger) = notes(0..40, 1, &small());
    let mut writer: Writer<Note> = Writer::open(&ledger, &options(SyncMode::End, 90_000)).unwrap();
    writer.append(&step(&[40])).unwrap();
    writer.sync().unwrap();
    let torn = original(&ledger, writer_index(&ledger));
    drop(writer);
    let mut bytes = fs::read(&torn).unwrap();
    assert_eq!(bytes.len(), 90_000, "it was not closed");
    bytes[5_000..5_100].fill(7);
    fs::write(&torn, &bytes).unwrap();
    (place, ledger, torn)
}

#[test]
fn a_segment_that_a_recovery_ended_is_packed_with_its_dead_bytes() {
    let (_place, ledger, torn) = torn_notes();
    append(&ledger, 41..50, 1, &small());
    let (before, sound) = (ending(&ledger, ".seg"), report(&ledger));
    assert_eq!(sound.exit_code(), 0);
    let done = packed_now(&ledger);
    assert_eq!(done.segments as usize, before.len() - 1);
    assert_eq!(said(&report(&ledger)), said(&sound));
    // The zeroes behind the dead bytes are nowhere hashed; a bit of what packs them is found.
    let copy = packed_path(&torn);
    let sound = fs::read(&copy).unwrap();
    for place in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[place] ^= 1;
        fs::write(&copy, bytes).unwrap();
        assert!(matches!(report(&ledger).exit_code(), 11 | 12), "byte {place}");
    }
    fs::write(&copy, sound).unwrap();
    unpack(&RealDisk, &ledger).unwrap();
    assert_eq!(ending(&ledger, ".seg"), before);
}

#[test]
fn a_packed_segment_that_nothing_follows_any_more_is_no_torn_tail() {
    let (_place, ledger, torn) = torn_notes();
    assert_eq!(report(&ledger).exit_code(), 10, "as long as it is not packed");
    append(&ledger, 41..50, 1, &small());
    packed_now(&ledger);
    let behind = ending(&ledger, ".seg");
    assert!(!behind.is_empty());
    for name in behind.keys() {
        fs::remove_file(torn.with_file_name(name)).unwrap();
    }
    assert_eq!(report(&ledger).exit_code(), 12);
}

fn writer_index(ledger: &Path) -> u64 {
    ending(ledger, ".seg").len() as u64 - 1
}

#[test]
fn packing_again_packs_only_what_came_since() {
    let (_place, ledger) = notes(0..60, 3, &small());
    let first = packed_now(&ledger);
    let files = ending(&ledger, "");
    let again = packed_now(&ledger);
    assert_eq!((again.segments, again.already, again.left), (0, first.segments, 1));
    assert_eq!((again.bytes, again.ratio()), (0, None));
    assert_eq!(ending(&ledger, ""), files, "not a byte was touched");
    append(&ledger, 60..90, 3, &small());
    let later = packed_now(&ledger);
    assert!(later.segments > 1 && later.already == first.segments, "{later:?}");
    assert_eq!(report(&ledger).exit_code(), 0);
}

#[test]
fn both_files_of_a_segment_count_as_the_original_and_the_next_call_removes_it() {
    let (_place, ledger) = notes(0..60, 3, &small());
    let sound = said(&report(&ledger));
    let before = ending(&ledger, "");
    packed_now(&ledger);
    let packed_files = ending(&ledger, "");
    for (name, bytes) in &before {
        fs::write(ledger.join("segments").join(name), bytes).unwrap();
    }
    assert_eq!(said(&report(&ledger)), sound);
    packed_now(&ledger);
    assert_eq!(ending(&ledger, ""), packed_files);
    // A copy that is not one is made again, and counts for nothing before.
    fs::write(original(&ledger, 1), &before["000000000001.seg"]).unwrap();
    fs::write(packed(&ledger, 1), b"something else").unwrap();
    assert_eq!(said(&report(&ledger)), sound);
    packed_now(&ledger);
    assert_eq!(ending(&ledger, ""), packed_files);
    fs::write(original(&ledger, 1), &before["000000000001.seg"]).unwrap();
    unpack(&RealDisk, &ledger).unwrap();
    assert_eq!(ending(&ledger, ""), before);
}

#[test]
fn beside_a_writer_neither_packing_nor_unpacking_begins() {
    let (_place, ledger) = notes(0..60, 3, &small());
    let writer: Writer<Note> = Writer::open(&ledger, &small()).unwrap();
    let before = ending(&ledger, "");
    assert!(matches!(pack(&RealDisk, &ledger), Err(LedgerError::Locked { .. })));
    assert!(matches!(unpack(&RealDisk, &ledger), Err(LedgerError::Locked { .. })));
    assert_eq!(ending(&ledger, ""), before);
    writer.close().unwrap();
    assert!(packed_now(&ledger).segments > 0);
}

#[test]
fn what_is_no_ledger_gets_no_lock_from_packing() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(pack(&RealDisk, dir.path()), Err(LedgerError::NotALedger { .. })));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_damaged_segment_is_not_packed_and_not_touched() {
    let (_place, ledger) = notes(0..60, 3, &small());
    let mut bytes = fs::read(original(&ledger, 1)).unwrap();
    bytes[600] ^= 4;
    fs::write(original(&ledger, 1), &bytes).unwrap();
    match pack(&RealDisk, &ledger) {
        Err(LedgerError::Damaged(fault)) => assert_eq!(fault.segment, 1),
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read(original(&ledger, 1)).unwrap(), bytes);
    assert!(!packed(&ledger, 1).exists());
    assert_eq!(report(&ledger).exit_code(), 11);
}

#[test]
fn a_writer_goes_on_over_packed_segments_and_knows_all_keys_and_leaves() {
    let place = Place::new();
    let (ledger, twin) = (place.ledger(), place.dir.path().join("twin"));
    append(&ledger, 0..60, 3, &small());
    copy_dir(&ledger, &twin);
    packed_now(&ledger);
    // Without indexes every leaf is read out of the blocks.
    for name in ending(&ledger, ".idx").into_keys() {
        fs::remove_file(ledger.join("segments").join(name)).unwrap();
    }
    append(&ledger, 60..120, 3, &small());
    append(&twin, 60..120, 3, &small());
    assert_eq!(report(&ledger).head, report(&twin).head);
    assert_eq!(notes_from(&ledger, 0), notes_from(&twin, 0));
    assert_eq!(report(&ledger).exit_code(), 0);
}

#[test]
fn every_flipped_bit_of_a_small_packed_segment_is_found() {
    let (_place, ledger) = packed_notes(0..8, 2, &options(SyncMode::Always, 1024));
    let options = VerifyOptions { level: Some(Level::Tree), threads: 1, ..Default::default() };
    for index in [0, 1] {
        let path = packed(&ledger, index);
        let sound = fs::read(&path).unwrap();
        for place in 0..sound.len() {
            for bit in 0..8 {
                let mut bytes = sound.clone();
                bytes[place] ^= 1 << bit;
                fs::write(&path, bytes).unwrap();
                let found = verify(&ledger, &options).unwrap();
                let code = found.exit_code();
                assert!(
                    matches!(code, 11 | 12),
                    "segment {index}, byte {place}, bit {bit}: {code}"
                );
                assert!(found.faults.iter().any(|fault| fault.segment == index));
            }
        }
        fs::write(&path, sound).unwrap();
        assert_eq!(verify(&ledger, &options).unwrap().exit_code(), 0);
    }
}

#[test]
fn a_packed_segment_that_was_cut_or_lengthened_is_found_at_every_length() {
    let (_place, ledger) = packed_notes(0..24, 2, &small());
    let path = packed(&ledger, 1);
    let sound = fs::read(&path).unwrap();
    for length in (0..sound.len()).chain(sound.len() + 1..sound.len() + 20) {
        let mut bytes = sound.clone();
        bytes.resize(length, 0);
        fs::write(&path, bytes).unwrap();
        assert_eq!(report(&ledger).exit_code(), 11, "{length} of {} bytes", sound.len());
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(report(&ledger).exit_code(), 12, "a packed segment that is gone is missing");
}

#[test]
fn damage_of_one_block_is_named_by_the_originals_offsets_and_costs_only_its_frames() {
    let (place, ledger) = packed_notes(0..3_000, 5, &long());
    let path = packed(&ledger, 1);
    let sound = fs::read(&path).unwrap();
    let second =
        1 + sound.windows(4).skip(1).position(|four| four == [0x28, 0xb5, 0x2f, 0xfd]).unwrap();
    let mut bytes = sound.clone();
    bytes[second + 40] ^= 0x10;
    fs::write(&path, bytes).unwrap();
    let found = report(&ledger);
    assert_eq!(found.exit_code(), 11);
    let block = found.faults.iter().find(|fault| fault.check == "packed block").unwrap();
    let range = BLOCK_BYTES as u64..2 * BLOCK_BYTES as u64;
    assert!(block.offset <= range.start && block.end == range.end, "{block:?}");
    let frames: Vec<_> = found.faults.iter().filter(|f| f.check != "packed block").collect();
    assert!(!frames.is_empty());
    for fault in frames {
        assert!(
            fault.segment == 1 && fault.offset < range.end && fault.end > range.start,
            "{fault:?}"
        );
    }
    let last = found.provable.last().unwrap();
    assert!(found.provable.len() == 2 && last.to == 15_000, "{:?}", found.provable);
    let reader: Reader<Note> = Reader::open(&ledger).unwrap();
    let read = reader.for_each::<LedgerError>(0, |_| Ok(()));
    assert!(read.is_err_and(|error| error.is_damage()), "a reader never ends early");
    assert!(unpack(&RealDisk, &ledger).is_err_and(|error| error.is_damage()));
    let saved = salvage(&ledger, &place.dir.path().join("saved"), &VerifyOptions::default());
    let saved = saved.unwrap();
    assert!(saved.head.size > 100 && saved.islands.len() == 1, "{saved:?}");
}

#[test]
fn damage_of_the_first_block_costs_its_own_frames_and_not_the_segment() {
    let (place, ledger) = packed_notes(0..3_000, 5, &long());
    flip(&packed(&ledger, 1), 40, 0x10);
    let found = report(&ledger);
    assert_eq!(found.exit_code(), 11);
    let block = found.faults.iter().find(|fault| fault.check == "packed block").unwrap();
    assert_eq!((block.segment, block.end), (1, BLOCK_BYTES as u64), "{block:?}");
    let first = Reader::<Note>::open(&ledger).unwrap().segments()[1].first_sequence;
    let lost = found.provable.last().unwrap().from - first;
    assert!(lost > 0 && lost < 3_000, "{lost} of what one block holds: {:?}", found.provable);
    let saved = salvage(&ledger, &place.dir.path().join("saved"), &VerifyOptions::default());
    assert_eq!(saved.unwrap().islands.len(), 1);
}

#[test]
fn a_packed_segment_that_none_follows_is_a_log_whose_end_was_removed() {
    let (_place, ledger) = packed_notes(0..24, 2, &small());
    let last = ending(&ledger, ".zst").len() as u64;
    fs::remove_file(original(&ledger, last)).unwrap();
    assert_eq!(report(&ledger).exit_code(), 12);
    let refused = Writer::<Note>::open(&ledger, &small()).map(drop);
    assert!(refused.is_err_and(|error| error.is_damage()));
    let read = Reader::<Note>::open(&ledger).map(drop);
    assert!(read.is_err_and(|error| error.is_damage()));
}

#[test]
fn what_only_its_owner_may_read_stays_so_packed_and_unpacked() {
    use std::os::unix::fs::PermissionsExt;
    let (_place, ledger) = notes(0..24, 2, &small());
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    fs::set_permissions(original(&ledger, 0), fs::Permissions::from_mode(0o600)).unwrap();
    packed_now(&ledger);
    assert_eq!(mode(packed(&ledger, 0)), 0o600);
    assert_ne!(mode(packed(&ledger, 1)), 0o600);
    unpack(&RealDisk, &ledger).unwrap();
    assert_eq!(mode(original(&ledger, 0)), 0o600);
}

#[test]
fn a_damaged_table_costs_no_record() {
    let (place, ledger) = packed_notes(0..3_000, 5, &long());
    let path = packed(&ledger, 1);
    let end = fs::read(&path).unwrap().len();
    flip(&path, end - 20, 1);
    let found = report(&ledger);
    assert_eq!((found.exit_code(), found.faults.len()), (11, 1), "{:?}", found.faults);
    assert_eq!(found.faults[0].check, "packed table");
    assert_eq!(notes_from(&ledger, 0).len(), 15_000);
    let out = place.dir.path().join("saved");
    let saved = salvage(&ledger, &out, &VerifyOptions::default()).unwrap();
    assert_eq!((saved.head.size, saved.islands.len()), (15_000, 0));
    assert_eq!(report(&out.join("ledger")).exit_code(), 0);
}

#[test]
fn what_is_damaged_is_not_unpacked_and_keeps_its_file() {
    let (_place, ledger) = packed_notes(0..3_000, 5, &long());
    let path = packed(&ledger, 1);
    let sound = fs::read(&path).unwrap();
    // A block, and the table.
    for place in [100, sound.len() - 20] {
        fs::write(&path, &sound).unwrap();
        flip(&path, place, 1);
        let bytes = fs::read(&path).unwrap();
        let refused = unpack(&RealDisk, &ledger).unwrap_err();
        assert!(matches!(refused, LedgerError::Damaged(_)), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert!(!original(&ledger, 1).exists());
    }
}

#[test]
fn a_bundle_keeps_the_stored_bytes_of_what_cannot_be_unpacked() {
    let (_place, ledger) = packed_notes(0..3_000, 5, &long());
    let path = packed(&ledger, 1);
    let end = fs::read(&path).unwrap().len();
    flip(&path, 100, 1);
    let evidence = || {
        let (options, found) = (VerifyOptions::default(), report(&ledger));
        let files = bundle(&ledger, &options, &found).unwrap();
        let kept = files.into_iter().filter(|(name, _)| name.starts_with("faults/"));
        let kept: Vec<_> = kept.collect();
        assert!(kept.iter().all(|(name, _)| name.ends_with(".zst")), "{found:?}");
        kept.into_iter().next_back().unwrap().1
    };
    let (stored, bytes) = (evidence(), fs::read(&path).unwrap());
    assert!(stored.len() > 1_000 && bytes.starts_with(&stored), "the first block as it stands");

    flip(&path, 100, 1);
    flip(&path, end - 20, 1);
    let (stored, bytes) = (evidence(), fs::read(&path).unwrap());
    assert!(stored.len() > 100 && bytes.ends_with(&stored), "the table as it stands");
}

#[test]
fn a_block_that_unpacks_to_more_or_less_than_it_says_is_refused() {
    let (_place, ledger) = packed_notes(0..3_000, 5, &long());
    let whole = {
        let mut file = SegmentFile::open(&RealDisk, &original(&ledger, 1), false).unwrap();
        let len = usize::try_from(file.len()).unwrap();
        file.get(0, len).unwrap().to_vec()
    };
    let blocks: Vec<&[u8]> = whole.chunks(BLOCK_BYTES).collect();
    let own: Vec<Vec<u8>> =
        blocks.iter().map(|block| zstd::bulk::compress(block, 3).unwrap()).collect();
    let path = packed(&ledger, 1);
    fs::write(&path, packed_file(&own, whole.len() as u64, &whole)).unwrap();
    assert_eq!(report(&ledger).exit_code(), 0, "another packer's file is as good");
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 3).unwrap();
    assert!(bomb.len() < STORED_BYTES_MAX);
    let short = zstd::bulk::compress(&blocks[0][..9], 3).unwrap();
    let twice = [&own[0][..], &own[0][..]].concat();
    for (what, block) in [("a bomb", bomb), ("too short", short), ("two frames", twice)] {
        let mut forged = own.clone();
        forged[0] = block;
        fs::write(&path, packed_file(&forged, whole.len() as u64, &whole)).unwrap();
        assert_eq!(report(&ledger).exit_code(), 11, "{what}");
    }
    for len in [0, 1, whole.len() as u64 + 1, 1 << 30, ORIGINAL_BYTES_MAX + 1, u64::MAX] {
        fs::write(&path, packed_file(&own, len, &whole)).unwrap();
        assert!(matches!(report(&ledger).exit_code(), 11 | 12), "{len} bytes");
    }
}

#[test]
fn forged_files_whose_checksums_fit_are_judged_and_never_believed() {
    let (_place, ledger) = packed_notes(0..24, 2, &small());
    let path = packed(&ledger, 1);
    let sound = fs::read(&path).unwrap();
    let end = sound.len() - (12 + 53 + 192);
    let whole = said(&report(&ledger));
    let mut dice = Dice::new(7);
    for turn in 0..1_500 {
        let mut bytes = sound.clone();
        // By turns the block and the table; a forger makes every checksum fit.
        let range = if turn % 2 == 0 { 0..end } else { end..sound.len() };
        for _ in 0..=dice.below(4) {
            let at = range.start + dice.below(range.len());
            bytes[at] = dice.below(256) as u8;
        }
        if turn % 2 == 0 {
            let checksum = crc32c::crc32c(&bytes[..end]).to_le_bytes();
            bytes[end + 228..end + 232].copy_from_slice(&checksum);
        }
        let first = crc32c::crc32c(&bytes[end..end + 16]);
        let checksum = crc32c::crc32c_append(first, &bytes[end + 20..]);
        bytes[end + 16..end + 20].copy_from_slice(&checksum.to_le_bytes());
        fs::write(&path, bytes).unwrap();
        match verify(&ledger, &VerifyOptions::default()) {
            // What unpacks to the same bytes is as good as what was packed.
            Ok(report) if report.exit_code() == 0 => assert_eq!(said(&report), whole),
            Ok(report) => assert!(matches!(report.exit_code(), 11 | 12), "turn {turn}"),
            Err(error) => assert!(error.to_string().contains("packed with version"), "{error}"),
        }
    }
}

#[test]
fn a_later_version_is_refused_and_not_accused() -> TestResult {
    let (_place, ledger) = packed_notes(0..60, 3, &small());
    let path = packed(&ledger, 1);
    let mut bytes = fs::read(&path)?;
    let at = bytes.windows(8).position(|eight| eight == b"\x89SWBZST\n").unwrap() - 8;
    bytes[at + 20] = 2;
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes[at..at + 16]), &bytes[at + 20..]);
    bytes[at + 16..at + 20].copy_from_slice(&checksum.to_le_bytes());
    fs::write(&path, bytes)?;
    let ran = run(&["verify", ledger.to_str().unwrap()])?;
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("version 2"), "{}", ran.err);
    Ok(())
}

/// The machine's disk, and how many bytes of packed files were read; on one that rots, what is
/// written anew is not what was handed in.
#[derive(Clone, Default)]
struct CountingDisk {
    read: Arc<AtomicU64>,
    rots: bool,
}

struct CountingFile {
    file: Box<dyn DiskFile>,
    disk: CountingDisk,
}

impl Disk for CountingDisk {
    fn list(&self, dir: &Path) -> std::io::Result<Vec<String>> {
        RealDisk.list(dir)
    }
    fn open(&self, path: &Path, access: Access) -> std::io::Result<Box<dyn DiskFile>> {
        let file = RealDisk.open(path, access)?;
        let is_packed = path.extension().is_some_and(|ending| ending == "zst");
        let disk = self.clone();
        Ok(if is_packed { Box::new(CountingFile { file, disk }) } else { file })
    }
    fn create(&self, path: &Path) -> std::io::Result<Box<dyn DiskFile>> {
        let (file, disk) = (RealDisk.create(path)?, self.clone());
        Ok(Box::new(CountingFile { file, disk }))
    }
    fn create_private(&self, path: &Path) -> std::io::Result<Box<dyn DiskFile>> {
        RealDisk.create_private(path)
    }
    fn create_dir(&self, path: &Path) -> std::io::Result<()> {
        RealDisk.create_dir(path)
    }
    fn rename_new(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        RealDisk.rename_new(from, to)
    }
    fn replace(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        RealDisk.replace(from, to)
    }
    fn remove(&self, path: &Path) -> std::io::Result<()> {
        RealDisk.remove(path)
    }
    fn sync_dir(&self, dir: &Path) -> std::io::Result<()> {
        RealDisk.sync_dir(dir)
    }
    fn lock(&self, path: &Path) -> std::io::Result<Option<Box<dyn Send + Sync>>> {
        RealDisk.lock(path)
    }
    fn is_locked(&self, path: &Path) -> std::io::Result<bool> {
        RealDisk.is_locked(path)
    }
}

impl DiskFile for CountingFile {
    fn len(&self) -> std::io::Result<u64> {
        self.file.len()
    }
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> std::io::Result<usize> {
        self.disk.read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.file.read_at(bytes, offset)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> std::io::Result<()> {
        let mut bytes = bytes.to_vec();
        if self.disk.rots {
            bytes[100] ^= 1;
        }
        self.file.write_at(&bytes, offset)
    }
    fn reserve(&self, len: u64) -> std::io::Result<()> {
        self.file.reserve(len)
    }
    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.file.set_len(len)
    }
    fn sync(&self) -> std::io::Result<()> {
        self.file.sync()
    }
    fn map(&self) -> std::io::Result<Option<Map>> {
        self.file.map()
    }
}

#[test]
fn an_original_stays_where_its_copy_reads_back_otherwise() {
    let (_place, ledger) = notes(0..60, 3, &small());
    let before = ending(&ledger, ".seg");
    let rotten = CountingDisk { rots: true, ..CountingDisk::default() };
    for _ in 0..2 {
        let refused = pack(&rotten, &ledger);
        assert!(matches!(refused, Err(LedgerError::Io { action: "read back", .. })), "{refused:?}");
        assert_eq!(ending(&ledger, ".seg"), before);
        assert_eq!(ending(&ledger, ".zst").len(), 0);
    }
    packed_now(&ledger);
    let packed_files = ending(&ledger, ".zst");
    let refused = unpack(&rotten, &ledger);
    assert!(matches!(refused, Err(LedgerError::Io { action: "read back", .. })), "{refused:?}");
    assert_eq!(ending(&ledger, ".zst"), packed_files);
    unpack(&RealDisk, &ledger).unwrap();
    assert_eq!(ending(&ledger, ".seg"), before);
}

#[test]
fn a_seek_reads_only_the_blocks_that_it_needs_and_a_walk_each_block_once() {
    let (_place, ledger) = notes(0..60_000, 5, &options(SyncMode::End, 4 << 20));
    append(&ledger, 60_000..60_001, 1, &small());
    packed_now(&ledger);
    let stored = fs::metadata(packed(&ledger, 0)).unwrap().len();
    let disk = CountingDisk::default();
    let mut file = SegmentFile::open(&disk, &original(&ledger, 0), false).unwrap();
    let blocks = file.len().div_ceil(BLOCK_BYTES as u64);
    assert!(blocks > 30, "{blocks}");
    let table = 12 * blocks + 53 + 192;
    let opened = disk.read.swap(0, Ordering::Relaxed);
    assert!(opened <= table + 9, "opening reads the table: {opened} of {table} bytes");
    let mean = (stored - table) / blocks;
    file.get(10 * BLOCK_BYTES as u64 + 100, 1_000).unwrap();
    let one = disk.read.swap(0, Ordering::Relaxed);
    assert!((1..2 * mean).contains(&one), "{one} bytes for a block of about {mean}");
    file.get(10 * BLOCK_BYTES as u64 + 9_000, 1_000).unwrap();
    assert_eq!(disk.read.swap(0, Ordering::Relaxed), 0, "the block is still there");
    file.get(11 * BLOCK_BYTES as u64 - 10, 20).unwrap();
    let next = disk.read.swap(0, Ordering::Relaxed);
    assert!((1..2 * mean).contains(&next), "{next} bytes for the block behind it");
    // A walk in steps that fit no block.
    let mut walked = SegmentFile::open(&disk, &original(&ledger, 0), false).unwrap();
    disk.read.store(0, Ordering::Relaxed);
    let mut offset = 0;
    while offset < walked.len() {
        offset += walked.get(offset, 50_001).unwrap().len() as u64;
    }
    assert_eq!(disk.read.load(Ordering::Relaxed) + table, stored, "each stored byte once");
}

#[test]
fn zstd_itself_unpacks_a_packed_segment() {
    let (_place, ledger) = notes(0..3_000, 5, &long());
    let before = fs::read(original(&ledger, 1)).unwrap();
    packed_now(&ledger);
    let ours = zstd::stream::decode_all(&fs::read(packed(&ledger, 1)).unwrap()[..]).unwrap();
    assert_eq!(hash::sha256(&ours), hash::sha256(&before));
    let ran = Command::new("zstd").arg("-dcq").arg(packed(&ledger, 1)).output();
    let Ok(ran) = ran else {
        eprintln!("not compared with the program zstd, which is not installed");
        return;
    };
    assert_eq!(hash::sha256(&ran.stdout), hash::sha256(&before));
}

#[test]
fn a_backup_keeps_its_originals_when_the_source_is_packed_and_may_be_packed_itself() {
    let place = Place::new();
    let (ledger, dir) = (place.ledger(), place.dir.path().join("safe"));
    append(&ledger, 0..60, 3, &small());
    backup(&RealDisk, &ledger, &dir).unwrap();
    let kept = ending(&dir, ".seg");
    packed_now(&ledger);
    let again = backup(&RealDisk, &ledger, &dir).unwrap();
    assert_eq!((again.bytes, again.copied.len()), (0, 0));
    assert_eq!(ending(&dir, ".seg"), kept);
    // A new backup of a packed ledger has what the ledger had.
    let other = place.dir.path().join("other");
    backup(&RealDisk, &ledger, &other).unwrap();
    assert_eq!(ending(&other, ".seg"), kept);
    packed_now(&other);
    append(&ledger, 60..90, 3, &small());
    packed_now(&ledger);
    for dir in [&dir, &other] {
        backup(&RealDisk, &ledger, dir).unwrap();
        assert_eq!(report(dir).head, report(&ledger).head);
        let back = dir.with_extension("back");
        let restored = restore(dir, &back, &VerifyOptions::default()).unwrap();
        assert_eq!((restored.exit_code(), restored.missing_records), (0, None));
        assert_eq!(report(&back).head, report(&ledger).head);
        append(&back, 90..95, 3, &small());
        assert_eq!(report(&back).exit_code(), 0);
    }
}

#[test]
fn the_commands_say_what_they_did_and_inspect_what_is_packed() -> TestResult {
    let (_place, ledger) = notes(0..3_000, 5, &long());
    let path = ledger.to_str().unwrap();
    let done = run(&["pack", path, "--format", "json"])?.json()?;
    assert_eq!((&done["type"], &done["left"]), (&"packed".into(), &1.into()));
    assert!(done["ratio"].as_str().unwrap().parse::<f64>()? > 1.5, "{done}");
    let inspected = run(&["inspect", path, "--format", "json"])?.json()?;
    let segments = inspected["segments"].as_array().unwrap();
    let sizes: Option<u64> =
        segments[..segments.len() - 1].iter().map(|one| one["packed_bytes"].as_u64()).sum();
    assert_eq!(sizes, done["packed_bytes"].as_u64());
    assert!(segments.last().unwrap()["packed_bytes"].is_null());
    assert!(run(&["inspect", path])?.out.contains("packed: "));
    let ran = run(&["pack", path])?;
    assert_eq!(ran.code, Some(0));
    assert!(ran.out.contains("packed: 0 segments"), "{}", ran.out);
    let back = run(&["unpack", path, "--format", "json"])?.json()?;
    assert_eq!((&back["type"], &back["segments"]), (&"unpacked".into(), &done["segments"]));
    let _writer: Writer<Note> = Writer::open(&ledger, &small())?;
    let refused = run(&["pack", path])?;
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("open for writing by another process"), "{}", refused.err);
    Ok(())
}
