//! What cannot be found from the inside: each case leaves a sound, shorter ledger. Asserted one by
//! one, with what finds it.

use schwabot::audit::VerifyOptions;
use schwabot::checkpoint::{KeyKind, Policy, SigningKey};
use schwabot::ledger::{LedgerEnd, SyncMode};

use crate::fault_mutations::{
    ORIGIN, append, bits, check, check_with, files, frames, settled, sign, unclosed,
};
use crate::support::sim_disk::{SimDisk, Unsynced};
use crate::support::sim_ledger::segment_path;

#[test]
fn exception_1_the_last_frames_of_an_unclosed_ledger_zeroed_whole_are_found_by_who_kept_a_head() {
    let (disk, frames) = unclosed(SyncMode::Always);
    let kept = sign(&settled(&disk), 2);
    let unsigned = check(&disk);
    assert_eq!((unsigned.exit_code(), unsigned.end), (0, LedgerEnd::Open));
    for zeroed in 1..frames.len() {
        let (disk, _) = unclosed(SyncMode::Always);
        let from = frames[frames.len() - zeroed].start;
        disk.alter(&segment_path(0), |bytes| bytes[from..].fill(0));
        let report = check(&disk);
        // An earlier ledger, sound in itself, and not called closed.
        assert_eq!((report.exit_code(), report.end), (0, LedgerEnd::Open));
        assert_eq!(report.records, 6 - zeroed as u64);
        let against = VerifyOptions { against: Some(kept.clone()), ..VerifyOptions::default() };
        assert_eq!(check_with(&disk, against).exit_code(), 13);
    }
}

/// A trim is not synced, so a power cut can leave a closed segment at its full length.
#[test]
fn exception_4_rot_of_the_close_of_a_file_that_was_not_trimmed_is_a_torn_tail_of_no_record() {
    let closed = SimDisk::new();
    append(&closed, SyncMode::Always, 0..3, 1, true);
    let disk = SimDisk::cut_power(&closed.state(), Unsynced::Lost);
    let sound = files(&disk, ".seg").remove(0).1;
    assert_eq!(sound.len(), 1024, "the trim did not last");
    assert_eq!((check(&disk).exit_code(), check(&disk).end), (0, LedgerEnd::Closed));
    let close = frames(&sound).pop().unwrap();
    for offset in close.clone() {
        for mask in bits(offset) {
            disk.alter(&segment_path(0), |bytes| bytes[offset] ^= mask);
            let report = check(&disk);
            let met = (report.exit_code(), report.end, report.records);
            assert_eq!(met, (10, LedgerEnd::Open, 3), "byte {offset} mask {mask}");
            disk.alter(&segment_path(0), |bytes| bytes[offset] ^= mask);
        }
    }
    disk.alter(&segment_path(0), |bytes| bytes[close].fill(0));
    let report = check(&disk);
    assert_eq!((report.exit_code(), report.end, report.records), (0, LedgerEnd::Open, 3));
}

#[test]
fn exception_2_all_segments_since_a_reopening_removed_are_found_by_who_kept_a_head() {
    let disk = SimDisk::new();
    append(&disk, SyncMode::Always, 0..5, 1, true);
    append(&disk, SyncMode::Always, 5..8, 2, true);
    let kept = sign(&disk, 3);
    let disk = settled(&disk);
    let first_life = {
        let disk = SimDisk::new();
        append(&disk, SyncMode::Always, 0..5, 1, true);
        files(&disk, ".seg").len() as u64
    };
    let segments = files(&disk, ".seg").len() as u64;
    assert!(segments > first_life + 1);
    for index in (first_life..segments).rev() {
        assert_eq!(check(&disk).end, LedgerEnd::Closed);
        disk.forget(&segment_path(index));
    }
    for (path, _) in ["checkpoint", "tile/", ".idx"].iter().flat_map(|word| files(&disk, word)) {
        disk.forget(&path);
    }
    let report = check(&disk);
    assert_eq!((report.exit_code(), report.end, report.records), (0, LedgerEnd::Closed, 5));
    let against = VerifyOptions { against: Some(kept), ..VerifyOptions::default() };
    assert_eq!(check_with(&disk, against).exit_code(), 13);
}

#[test]
fn exception_3_signature_lines_of_unknown_keys_are_found_by_a_policy() {
    let disk = SimDisk::new();
    append(&disk, SyncMode::Always, 0..5, 1, true);
    let mut note = sign(&disk, 2);
    let witness = SigningKey::from_seed("w.example.org", KeyKind::Cosigner, &[2; 32]).unwrap();
    let log = SigningKey::from_seed(ORIGIN, KeyKind::Log, &[1; 32]).unwrap();
    note.sign(&witness, 1_800_000_000);
    let disk = settled(&disk);
    for (path, _) in files(&disk, "checkpoint") {
        disk.alter(&path, |bytes| *bytes = note.to_string().into_bytes());
    }
    let (log, witness) = (log.verifier(), witness.verifier());
    let text = format!("log {log}\nwitness w {witness}\ngroup all all w\nquorum all\n");
    let policy = Policy::parse(text.as_bytes()).unwrap();
    let asked = VerifyOptions { policy: Some(policy), ..VerifyOptions::default() };
    assert_eq!(check(&disk).exit_code(), 0);
    assert_eq!(check_with(&disk, asked.clone()).exit_code(), 0);
    let lines = note.to_string();
    let last = lines.trim_end().rfind('\n').unwrap() + 1;
    // The line gone whole, and another signature in it.
    let mut other = note.clone();
    other.signatures.retain(|line| line.name != "w.example.org");
    other.sign(&SigningKey::from_seed("w.example.org", KeyKind::Cosigner, &[3; 32]).unwrap(), 5);
    for changed in [lines[..last].to_owned(), other.to_string()] {
        for (path, _) in files(&disk, "checkpoint") {
            disk.alter(&path, |bytes| *bytes = changed.clone().into_bytes());
        }
        assert_eq!(check(&disk).exit_code(), 0, "{changed}");
        assert_eq!(check_with(&disk, asked.clone()).exit_code(), 14, "{changed}");
    }
}
