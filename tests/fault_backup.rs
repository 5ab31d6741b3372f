//! Backups on a disk that fails: at every point of a crash what lies in the backup is a ledger that
//! verifies and holds a true beginning of the log, no less than before, and the next one completes
//! it; every failing call is told; what is restored is whole or named.

#![expect(clippy::print_stderr, reason = "how much was reached belongs in the test's report")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use schwabot::audit::{BackedUp, BackupError, Restored, backup, restore, verify};
use schwabot::hash::{self, Digest};
use schwabot::ledger::layout::Layout;
use schwabot::ledger::{LedgerError, Reader, SyncMode, Writer};

use crate::support::notes::{Note, step};
use crate::support::sim_disk::{Call, Failure, SimDisk, State, Unsynced};
use crate::support::sim_ledger::{ledger_path, sim_options, verifying};

pub(crate) fn safe() -> PathBuf {
    PathBuf::from("/disk/far/safe")
}

pub(crate) fn back() -> PathBuf {
    PathBuf::from("/disk/back")
}

pub(crate) fn back_up(disk: &SimDisk) -> Result<BackedUp, BackupError> {
    backup(disk, &ledger_path(), &safe())
}

pub(crate) fn bring_back(disk: &SimDisk) -> Result<Restored, BackupError> {
    restore(&safe(), &back(), &verifying(disk))
}

pub(crate) fn code(disk: &SimDisk, path: &Path) -> u8 {
    verify(path, &verifying(disk)).unwrap().exit_code()
}

/// The leaves of all records that a reader shows; none where there is no ledger.
pub(crate) fn leaves(disk: &SimDisk, path: &Path) -> Vec<Digest> {
    let reader: Reader<Note> = match Reader::open_on(Arc::new(disk.clone()), path) {
        Ok(reader) => reader,
        Err(LedgerError::NotALedger { .. }) => return Vec::new(),
        Err(error) => panic!("{}: {error}", path.display()),
    };
    let mut leaves = Vec::new();
    reader
        .for_each::<LedgerError>(0, |record| {
            leaves.push(hash::leaf(record.bytes));
            Ok(())
        })
        .unwrap();
    leaves
}

/// Appends steps of `each` notes, and leaves the ledger as its writer's death does.
fn append(disk: &SimDisk, path: &Path, life: u64, steps: u64, each: u64, closes: bool) {
    let sync = if life.is_multiple_of(2) { SyncMode::Always } else { SyncMode::End };
    let options = sim_options(disk, sync, 1024 << (life % 2), life);
    let mut writer: Writer<Note> = Writer::open(path, &options).unwrap();
    for _ in 0..steps {
        let from = writer.next_sequence();
        let numbers: Vec<u64> = (from..from + each).collect();
        writer.append(&step(&numbers)).unwrap();
    }
    if closes {
        writer.close().unwrap();
    }
}

/// What happens to the ledger before each backup: life, steps, records a step, closes.
const LIVES: [(u64, u64, u64, bool); 7] = [
    (1, 5, 20, false),
    (2, 4, 14, false),
    (3, 16, 3, true),
    (4, 0, 1, true),
    (5, 12, 2, false),
    (6, 6, 9, false),
    (7, 3, 1, true),
];

/// Lives of a ledger on one disk, each cut off or closed, and a backup after each. `watch` gets the
/// disk before a backup; what it leaves on another copy of the disk is its own.
pub(crate) fn lives(mut watch: impl FnMut(&SimDisk)) -> SimDisk {
    let mut disk = SimDisk::new();
    for (life, steps, each, closes) in LIVES {
        disk.record();
        append(&disk, &ledger_path(), life, steps, each, closes);
        let history = disk.history();
        disk = match (closes, life) {
            (false, _) => torn(&history),
            // The end frame stays, and the file keeps its full length: nobody synced the cut.
            (true, 3) => SimDisk::cut_power(&disk.state(), Unsynced::Lost),
            (true, _) => SimDisk::cut_power(&disk.state(), Unsynced::Kept),
        };
        watch(&SimDisk::kill(&disk.state()));
        back_up(&disk).unwrap();
    }
    disk
}

/// A power cut in the last write of a life: a part of a frame is there, where it is long enough.
fn torn(history: &[State]) -> SimDisk {
    let written = history.iter().rposition(|state| state.call == Some(Call::Write)).unwrap();
    let cut = |seed| SimDisk::cut_power(&history[written], Unsynced::Chosen(seed));
    (0..64).map(cut).find(|disk| code(disk, &ledger_path()) == 10).unwrap_or_else(|| cut(0))
}

fn cuts(seed: u64, chosen: u64) -> impl Iterator<Item = Unsynced> {
    let chosen = (0..chosen).map(move |turn| Unsynced::Chosen(seed * 100 + turn));
    [Unsynced::Lost, Unsynced::Kept].into_iter().chain(chosen)
}

/// A backup as a crash left it: it verifies (but for dead bytes that a recovery is about to
/// follow), and holds a true beginning of the log, no shorter than before.
#[track_caller]
fn check_copy(disk: &SimDisk, at_least: usize) -> usize {
    let held = leaves(disk, &safe());
    let log = leaves(disk, &ledger_path());
    assert!(held.len() >= at_least, "a backup lost records: {} of {at_least}", held.len());
    assert!(log.starts_with(&held), "a backup holds what the ledger does not");
    if !held.is_empty() {
        assert!(matches!(code(disk, &safe()), 0 | 10));
    }
    held.len()
}

#[test]
fn a_power_cut_at_any_point_of_a_backup_loses_nothing_and_the_next_one_completes_it() {
    let (mut crashes, mut torn) = (0, 0);
    lives(|before| {
        let at_least = leaves(before, &safe()).len();
        let disk = SimDisk::kill(&before.state());
        disk.record();
        let whole = back_up(&disk).unwrap();
        assert_eq!(code(&disk, &safe()), 0);
        let untouched = under(&before.state(), "/disk/deep");
        for (place, state) in (0_u64..).zip(disk.history()) {
            for unsynced in cuts(place, 3) {
                let disk = SimDisk::cut_power(&state, unsynced);
                crashes += 1;
                let held = check_copy(&disk, at_least);
                torn += u64::from(held > 0 && code(&disk, &safe()) == 10);
                if held > 0 {
                    let restored = bring_back(&disk).unwrap();
                    assert!(matches!(restored.exit_code(), 0 | 10), "{restored:?}");
                    assert_eq!(leaves(&disk, &back()).len(), held);
                }
                let next = back_up(&disk).unwrap();
                assert_eq!(next.chain_head, whole.chain_head);
                assert_eq!((next.records, next.segments), (whole.records, whole.segments));
                assert_eq!(code(&disk, &safe()), 0);
                assert_eq!(check_copy(&disk, at_least) as u64, whole.records);
                assert_eq!(under(&disk.state(), "/disk/deep"), untouched, "it is only read");
            }
        }
    });
    eprintln!("{crashes} crashes, {torn} with dead bytes at the end");
    assert!(crashes > 1_000, "{crashes} crashes");
    assert!(torn > 0, "no crash between dead bytes and their recovery");
}

/// The files below a directory.
fn under(state: &State, dir: &str) -> Vec<(String, Vec<u8>)> {
    state.files().into_iter().filter(|(path, _)| path.starts_with(dir)).collect()
}

#[test]
fn a_power_cut_at_any_point_of_a_restore_leaves_a_whole_ledger_or_none() {
    let (mut crashes, mut marks) = (0, 0);
    let full = lives(|_| {});
    let log = leaves(&full, &ledger_path());
    full.record();
    let restored = bring_back(&full).unwrap();
    assert_eq!((restored.exit_code(), restored.missing_records), (0, None));
    for (place, state) in (0_u64..).zip(full.history()) {
        for unsynced in cuts(place, 8) {
            let disk = SimDisk::cut_power(&state, unsynced);
            crashes += 1;
            let there = disk.state().files().keys().any(|path| path.starts_with("/disk/back/"));
            if there {
                // Whoever has the name is whole, and at most still marked.
                assert_eq!(leaves(&disk, &back()), log);
            }
            let marked = disk.state().files().contains_key("/disk/back/backup");
            marks += u64::from(marked);
            if !there || marked {
                assert_eq!(bring_back(&disk).unwrap().exit_code(), 0);
            }
            assert_eq!(leaves(&disk, &back()), log);
            assert_eq!(code(&disk, &back()), 0);
            append(&disk, &back(), place, 2, 1, true);
            assert_eq!(code(&disk, &back()), 0);
        }
    }
    eprintln!("{crashes} crashes of a restore, {marks} before the mark was gone");
    assert!(marks > 0, "no crash between the name and the end");
    assert!(crashes > 500, "{crashes} crashes");
}

#[test]
fn every_failing_call_of_a_backup_is_told_and_harms_nothing() {
    let mut told = 0;
    lives(|before| {
        let at_least = leaves(before, &safe()).len();
        for failure in [Failure::Io, Failure::IoDropsPages, Failure::Full] {
            for passes in 0.. {
                let disk = SimDisk::kill(&before.state());
                disk.fail(None, passes, failure);
                let done = back_up(&disk);
                if !disk.has_failed() {
                    done.unwrap();
                    break;
                }
                assert!(matches!(done, Err(BackupError::Ledger(LedgerError::Io { .. }))));
                told += 1;
                check_copy(&disk, at_least);
                let disk = SimDisk::cut_power(&disk.state(), Unsynced::Chosen(passes));
                check_copy(&disk, at_least);
                back_up(&disk).unwrap();
                assert_eq!(code(&disk, &safe()), 0);
            }
        }
    });
    assert!(told > 300, "{told} failures were told");
}

#[test]
fn every_failing_call_of_a_restore_is_told_and_no_half_ledger_gets_the_name() {
    let full = lives(|_| {});
    let log = leaves(&full, &ledger_path());
    let mut told = 0;
    for failure in [Failure::Io, Failure::IoDropsPages, Failure::Full] {
        for passes in 0.. {
            let disk = SimDisk::kill(&full.state());
            disk.fail(None, passes, failure);
            let done = bring_back(&disk);
            if !disk.has_failed() {
                assert_eq!(done.unwrap().exit_code(), 0);
                break;
            }
            done.unwrap_err();
            told += 1;
            let disk = SimDisk::cut_power(&disk.state(), Unsynced::Chosen(passes));
            let marked = disk.state().files().contains_key("/disk/back/backup");
            if leaves(&disk, &back()).is_empty() || marked {
                assert_eq!(bring_back(&disk).unwrap().exit_code(), 0);
            }
            assert_eq!(leaves(&disk, &back()), log);
            append(&disk, &back(), passes, 1, 1, true);
        }
    }
    assert!(told > 100, "{told} failures were told");
}

#[test]
fn a_read_that_fails_is_told_and_never_makes_a_backup_or_a_restored_ledger_shorter() {
    let mut told = 0;
    for failure in [Failure::Io, Failure::Short] {
        lives(|before| {
            let whole = SimDisk::kill(&before.state());
            let whole = back_up(&whole).unwrap();
            for passes in 0.. {
                let disk = SimDisk::kill(&before.state());
                disk.fail(Some(Call::Read), passes, failure);
                let done = back_up(&disk);
                if !disk.has_failed() {
                    break;
                }
                match done {
                    Ok(done) => assert_eq!(done.chain_head, whole.chain_head, "read {passes}"),
                    Err(BackupError::Ledger(LedgerError::Io { .. })) => told += 1,
                    Err(other) => panic!("read {passes}: {other}"),
                }
                assert_eq!(back_up(&disk).unwrap().chain_head, whole.chain_head);
            }
        });
        let full = lives(|_| {});
        let log = leaves(&full, &ledger_path());
        for passes in 0.. {
            let disk = SimDisk::kill(&full.state());
            disk.fail(Some(Call::Read), passes, failure);
            let done = bring_back(&disk);
            if !disk.has_failed() {
                break;
            }
            match done {
                // The audit names what it could not read.
                Ok(done) => assert!(matches!(done.exit_code(), 0 | 2), "read {passes}"),
                Err(_) => assert_eq!(bring_back(&disk).unwrap().exit_code(), 0),
            }
            assert_eq!(leaves(&disk, &back()), log, "read {passes}");
        }
    }
    assert!(told > 100, "{told} failures were told");
}

/// Paths and lengths of a directory's segments.
pub(crate) fn segments_of(disk: &SimDisk, dir: &Path) -> Vec<(PathBuf, usize)> {
    let dir = Layout::new(dir).segments().display().to_string();
    let files = under(&disk.state(), &dir).into_iter();
    files
        .filter(|(path, _)| path.ends_with(".seg"))
        .map(|(path, bytes)| (PathBuf::from(path), bytes.len()))
        .collect()
}

#[test]
fn a_segment_that_is_gone_from_a_backup_is_named_at_restore_and_filled_in_by_the_next_backup() {
    let full = lives(|_| {});
    let log = leaves(&full, &ledger_path());
    let count = segments_of(&full, &safe()).len();
    assert!(count > 6, "{count} segments");
    for (gone, (path, _)) in segments_of(&full, &safe()).into_iter().enumerate() {
        let disk = SimDisk::kill(&full.state());
        disk.forget(&path);
        if gone + 1 < count {
            let restored = bring_back(&disk).unwrap();
            assert_eq!(restored.exit_code(), 12);
            let gone = gone as u64;
            assert_eq!(restored.missing_segments, [(gone, gone + 1)]);
            assert_eq!(restored.left_out, (gone + 1..count as u64).collect::<Vec<_>>());
            assert!(log.starts_with(&leaves(&disk, &back())));
        }
        back_up(&disk).unwrap();
        assert_eq!(leaves(&disk, &safe()), log);
        assert_eq!(code(&disk, &safe()), 0);
    }
}
