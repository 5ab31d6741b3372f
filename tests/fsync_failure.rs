//! A disk that fails or fills up: the writer says so, refuses everything from then on, and nothing
//! that it acknowledged is lost.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use schwabot::audit::salvage;
use schwabot::event::RecordRef;
use schwabot::ledger::clock::Host;
use schwabot::ledger::{Appended, GroupWriter, LedgerError, Reader, SyncMode, Writer};
use schwabot::time::Timestamp;

use crate::support::dice::SeededHost;
use crate::support::notes::{Note, note_of, step};
use crate::support::sim_disk::{Call, Failure, SimDisk, Unsynced};
use crate::support::sim_ledger::{
    check_after_crash, ledger_path, open, read, sim_options, verifying,
};

/// Appends until something fails and notes what was acknowledged. True when the disk failed and the
/// writer had to say so.
fn append_until_failure(disk: &SimDisk, sync: SyncMode, notes: u64) -> Result<bool, LedgerError> {
    let (mut acknowledged, mut next) = disk.state().noted;
    let mut writer = open(disk, &sim_options(disk, sync, 1024, 3))?;
    assert_eq!(writer.next_sequence(), next);
    for turn in 0..notes {
        disk.note(acknowledged, next + 1);
        let done = writer.append(&step(&[next])).and_then(|_| {
            if sync == SyncMode::Always || turn % 4 == 3 { writer.sync() } else { Ok(()) }
        });
        next += 1;
        if let Err(error) = done {
            assert!(disk.has_failed(), "an error without a failure: {error}");
            assert!(matches!(error, LedgerError::Io { .. }), "{error}");
            assert_refuses_everything(disk, writer, next);
            return Ok(true);
        }
        if sync == SyncMode::Always || turn % 4 == 3 {
            acknowledged = next;
        }
        disk.note(acknowledged, next);
    }
    match writer.close() {
        Ok(_) => {
            disk.note(next, next);
            Ok(false)
        }
        Err(error) => {
            assert!(matches!(error, LedgerError::Io { .. }), "{error}");
            Ok(true)
        }
    }
}

fn assert_refuses_everything(disk: &SimDisk, mut writer: Writer<Note>, next: u64) {
    disk.heal();
    let before = disk.state().files();
    let poisoned = |error: LedgerError| matches!(error, LedgerError::Poisoned { .. });
    assert!(poisoned(writer.append(&step(&[next])).unwrap_err()));
    assert!(poisoned(writer.sync().unwrap_err()));
    assert!(poisoned(writer.head().unwrap_err()));
    assert!(poisoned(writer.close().unwrap_err()));
    assert_eq!(disk.state().files(), before, "a poisoned writer touches nothing");
}

/// Whatever becomes of the pages of a failed disk, the ledger is whole on a healthy one.
fn assert_nothing_acknowledged_is_lost(disk: &SimDisk, seed: u64) {
    disk.heal();
    let state = disk.state();
    let cuts = (0..4).map(|turn| Unsynced::Chosen(seed * 10 + turn));
    for unsynced in [Unsynced::Lost, Unsynced::Kept].into_iter().chain(cuts) {
        check_after_crash(&SimDisk::cut_power(&state, unsynced), seed);
    }
    // The same machine goes on, and its page cache shows what may never have reached the disk.
    for cut in check_after_crash(&SimDisk::kill(&state), seed) {
        check_after_crash(&SimDisk::cut_power(&cut, Unsynced::Lost), seed);
    }
}

#[test]
fn after_any_failing_call_the_writer_refuses_everything_and_nothing_acknowledged_is_lost() {
    let (mut told, mut harmless) = (0, 0);
    for sync in [SyncMode::Always, SyncMode::End] {
        for failure in [Failure::Io, Failure::IoDropsPages, Failure::Full] {
            for passes in 0.. {
                let disk = SimDisk::new();
                disk.fail(None, passes, failure);
                // A failure while opening is an error of opening.
                let failed = append_until_failure(&disk, sync, 14).unwrap_or(true);
                if !disk.has_failed() {
                    assert!(passes > 50, "the life has {passes} calls");
                    break;
                }
                if failed {
                    told += 1;
                } else {
                    harmless += 1;
                }
                assert_nothing_acknowledged_is_lost(&disk, passes);
            }
        }
    }
    // Only what is derived or kept in reserve may fail without a word.
    assert!(told > 2 * harmless, "{told} failures told, {harmless} harmless");
}

#[test]
fn a_failing_write_or_sync_of_the_log_is_never_harmless() {
    for call in [Call::Write, Call::Sync] {
        for failure in [Failure::Io, Failure::IoDropsPages] {
            for passes in 0..6 {
                let disk = SimDisk::new();
                // One segment is long enough for all: every call is one of the log.
                let mut writer =
                    open(&disk, &sim_options(&disk, SyncMode::Always, 1 << 16, 1)).unwrap();
                disk.fail(Some(call), passes, failure);
                let failed_at = (0..10).find(|number| writer.append(&step(&[*number])).is_err());
                assert_eq!(failed_at, Some(passes), "{call:?} {failure:?}");
            }
        }
    }
}

#[test]
fn a_failure_while_recovering_leaves_a_ledger_that_the_next_opening_recovers() {
    let torn = || {
        let disk = SimDisk::new();
        let mut writer = open(&disk, &sim_options(&disk, SyncMode::Always, 1 << 16, 1)).unwrap();
        for number in 0..6 {
            writer.append(&step(&[number])).unwrap();
        }
        disk.fail(Some(Call::Sync), 0, Failure::Io);
        // Long enough to lie in several sectors.
        writer.append(&step(&(6..26).collect::<Vec<_>>())).unwrap_err();
        disk.note(6, 26);
        // A seed that keeps a part of the last frame only: some bytes are dead.
        let state = disk.state();
        let mut seeds = (0..200).map(|seed| SimDisk::cut_power(&state, Unsynced::Chosen(seed)));
        seeds.find(|disk| {
            let last = disk.state().files().remove("/disk/deep/ledger/segments/000000000000.seg");
            read(disk).unwrap().notes == 6 && last.unwrap()[1200..].iter().any(|byte| *byte != 0)
        })
    };
    for failure in [Failure::Io, Failure::IoDropsPages, Failure::Full] {
        for passes in 0.. {
            let disk = torn().unwrap();
            disk.fail(None, passes, failure);
            let opened = open(&disk, &sim_options(&disk, SyncMode::Always, 4096, 2));
            if !disk.has_failed() {
                assert!(passes > 8, "opening has {passes} calls");
                break;
            }
            assert!(matches!(opened.err(), Some(LedgerError::Io { .. })), "call {passes}");
            assert_nothing_acknowledged_is_lost(&disk, passes);
        }
    }
}

#[test]
fn a_long_tail_whose_sync_failed_is_written_again_to_its_last_byte() {
    let disk = SimDisk::new();
    let mut writer = open(&disk, &sim_options(&disk, SyncMode::End, 8 << 20, 1)).unwrap();
    let long = step(&[22; 800]);
    while writer.next_sequence() * 80 < 3 << 20 {
        writer.append(&long).unwrap();
    }
    let records = writer.next_sequence();
    // The pages are taken for written, and are not: only who writes them again makes them durable.
    disk.fail(Some(Call::Sync), 0, Failure::IoDropsPages);
    writer.sync().unwrap_err();
    drop(writer);
    disk.heal();
    drop(open(&disk, &sim_options(&disk, SyncMode::End, 8 << 20, 2)).unwrap());
    let survivor = SimDisk::cut_power(&disk.state(), Unsynced::Lost);
    let writer = open(&survivor, &sim_options(&survivor, SyncMode::End, 8 << 20, 3)).unwrap();
    assert_eq!(writer.next_sequence(), records);
}

#[test]
fn a_full_disk_refuses_appends_clearly_and_never_prevents_reading() {
    for sync in [SyncMode::Always, SyncMode::End] {
        for free in (0..6_000).step_by(250) {
            let disk = SimDisk::new();
            let mut writer = open(&disk, &sim_options(&disk, sync, 1024, 1)).unwrap();
            disk.leave_free(free);
            let mut acknowledged = 0;
            let error = loop {
                disk.note(acknowledged, acknowledged + 1);
                let done = writer.append(&step(&[acknowledged])).and_then(|_| writer.sync());
                match done {
                    Ok(()) => acknowledged += 1,
                    Err(error) => break error,
                }
            };
            let LedgerError::Io { source, .. } = &error else { panic!("{error}") };
            assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
            disk.note(acknowledged, acknowledged + 1);
            drop(writer);
            assert!(read(&disk).unwrap().notes >= acknowledged);
            match open(&disk, &sim_options(&disk, sync, 1024, 2)) {
                Ok(writer) => assert!(writer.next_sequence() >= acknowledged),
                Err(LedgerError::Io { source, .. }) => {
                    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
                }
                Err(other) => panic!("{other}"),
            }
            assert!(read(&disk).unwrap().notes >= acknowledged);
            assert_nothing_acknowledged_is_lost(&disk, free);
        }
    }
}

#[test]
fn a_salvage_needs_room_for_what_it_saves_and_one_small_segment() {
    let disk = SimDisk::new();
    let mut writer = open(&disk, &sim_options(&disk, SyncMode::Always, 1024, 1)).unwrap();
    for number in 0..14 {
        writer.append(&step(&[number])).unwrap();
    }
    let died = SimDisk::kill(&disk.state());
    died.leave_free(256 << 10);
    let saved = salvage(&ledger_path(), Path::new("/disk/saved"), &verifying(&died)).unwrap();
    assert_eq!((saved.head.size, saved.dropped.len()), (14, 0));
}

#[test]
fn on_a_full_disk_a_ledger_is_reopened_in_the_kept_spare_or_refused_clearly() {
    for (notes, spare) in [(1, false), (4, true)] {
        let disk = SimDisk::new();
        let mut writer = open(&disk, &sim_options(&disk, SyncMode::Always, 1024, 1)).unwrap();
        for number in 0..notes {
            writer.append(&step(&[number])).unwrap();
        }
        drop(writer);
        let has_spare = disk.state().files().keys().any(|path| path.ends_with("/next"));
        assert_eq!(has_spare, spare, "{notes} notes");
        disk.leave_free(0);
        let opened = open(&disk, &sim_options(&disk, SyncMode::Always, 1024, 2));
        if spare {
            let mut writer = opened.unwrap();
            writer.append(&step(&[notes])).unwrap();
            drop(writer);
            assert_eq!(read(&disk).unwrap().notes, notes + 1);
        } else {
            let refused = opened.err().unwrap().to_string();
            assert!(refused.contains("reserve space for"), "{refused}");
            assert_eq!(read(&disk).unwrap().notes, notes);
            disk.heal();
            open(&disk, &sim_options(&disk, SyncMode::Always, 1024, 2)).unwrap().close().unwrap();
        }
    }
}

/// A machine that runs out of randomness after some draws.
struct Exhausted {
    left: AtomicU64,
    host: SeededHost,
}

impl Host for Exhausted {
    fn now(&self) -> Timestamp {
        self.host.now()
    }

    fn random(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        let left = self.left.load(Ordering::SeqCst);
        self.left.store(left.saturating_sub(1), Ordering::SeqCst);
        if left == 0 { Err(std::io::Error::other("no entropy")) } else { self.host.random(bytes) }
    }
}

#[test]
fn a_step_whose_roll_failed_is_not_written_by_a_later_append() {
    let disk = SimDisk::new();
    // The identity and the first segment draw once each.
    let host = Exhausted { left: AtomicU64::new(2), host: SeededHost::new(1) };
    let mut options = sim_options(&disk, SyncMode::Always, 1024, 1);
    options.host = Arc::new(host);
    let mut writer = open(&disk, &options).unwrap();
    let failed = (0..20).find(|number| writer.append(&step(&[*number])).is_err()).unwrap();
    let later = writer.append(&step(&[failed]));
    assert!(matches!(later, Err(LedgerError::Poisoned { .. })), "{later:?}");
}

#[test]
fn every_producer_of_a_group_hears_of_a_failure_and_none_gets_a_false_acknowledgement() {
    let mut refused_producers = 0;
    for call in [Call::Write, Call::Sync] {
        for failure in [Failure::Io, Failure::IoDropsPages, Failure::Full] {
            for passes in [0, 1, 2, 5, 9] {
                let disk = SimDisk::new();
                let writer =
                    open(&disk, &sim_options(&disk, SyncMode::Always, 1 << 16, 1)).unwrap();
                let group = GroupWriter::start(writer).unwrap();
                disk.fail(Some(call), passes, failure);
                let acknowledged: Vec<Vec<(u64, u64)>> = std::thread::scope(|scope| {
                    let producers: Vec<_> = (0..4_u64)
                        .map(|producer| {
                            let appender = group.appender();
                            scope.spawn(move || {
                                let mut acknowledged = Vec::new();
                                let mut refused = false;
                                for turn in 0..20 {
                                    let number = producer * 100 + turn;
                                    match appender.append(&step(&[number])) {
                                        Ok(Appended::New(range)) => {
                                            assert!(!refused, "acknowledged after a failure");
                                            acknowledged.push((range.start, number));
                                        }
                                        Ok(other) => panic!("{other:?}"),
                                        Err(error) => {
                                            let word =
                                                if call == Call::Write { "write" } else { "sync" };
                                            let text = error.to_string();
                                            assert!(text.contains(word), "{text}");
                                            assert!(text.contains(".seg"), "{text}");
                                            refused = true;
                                        }
                                    }
                                }
                                acknowledged
                            })
                        })
                        .collect();
                    producers.into_iter().map(|producer| producer.join().unwrap()).collect()
                });
                assert!(disk.has_failed());
                assert!(acknowledged.iter().all(|of_one| of_one.len() < 20), "{acknowledged:?}");
                refused_producers += acknowledged.len();
                group.close().unwrap_err();
                let survivor = SimDisk::cut_power(&disk.state(), Unsynced::Lost);
                let reader: Reader<Note> =
                    Reader::open_on(Arc::new(survivor), &ledger_path()).unwrap();
                for (sequence, number) in acknowledged.into_iter().flatten() {
                    let bytes = reader.record(sequence).unwrap().unwrap();
                    assert_eq!(note_of(&RecordRef { sequence, bytes: &bytes }), number);
                }
            }
        }
    }
    assert_eq!(refused_producers, 4 * 30);
}

#[test]
fn a_group_that_takes_over_unsynced_frames_proves_none_of_them_falsely() {
    let disk = SimDisk::new();
    let mut writer = open(&disk, &sim_options(&disk, SyncMode::End, 1 << 16, 1)).unwrap();
    for number in 0..3 {
        writer.append(&step(&[number])).unwrap();
        // Written, but not synced.
        writer.head().unwrap();
    }
    disk.note(0, 4);
    disk.record();
    let group = GroupWriter::start(writer).unwrap();
    group.appender().append(&step(&[3])).unwrap();
    disk.note(4, 4);
    drop(group);
    for (place, state) in (0..).zip(disk.history()) {
        for seed in 0..40 {
            check_after_crash(&SimDisk::cut_power(&state, Unsynced::Chosen(seed)), place);
        }
    }
}
