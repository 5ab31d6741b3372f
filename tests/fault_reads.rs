//! Reads that fail: a read error is a failure to read, never the end of the log, never damage and
//! never a reason to cut.

use std::sync::Arc;

use schwabot::audit::{AuditError, VerifyOptions, verify};
use schwabot::ledger::frame::FRAME_HEADER_BYTES;
use schwabot::ledger::layout::{Layout, Listing};
use schwabot::ledger::{LedgerError, Reader, SyncMode};

use crate::support::notes::{Note, step};
use crate::support::sim_disk::{Call, Failure, SimDisk, Unsynced};
use crate::support::sim_ledger::{
    frames, ledger_path, open, read, segment_bytes, segment_path, sim_options,
};

/// A ledger of three lives over several segments; the last was killed.
fn killed() -> SimDisk {
    let disk = SimDisk::new();
    for life in 0..3_u64 {
        let mut writer = open(&disk, &sim_options(&disk, SyncMode::Always, 1024, life)).unwrap();
        for number in life * 6..life * 6 + 6 {
            writer.append(&step(&[number])).unwrap();
        }
        if life == 0 {
            writer.close().unwrap();
        }
    }
    SimDisk::cut_power(&disk.state(), Unsynced::Kept)
}

#[test]
fn a_read_that_fails_while_reading_is_told_and_never_taken_for_the_end() {
    for failure in [Failure::Io, Failure::Short] {
        let mut told = 0;
        for passes in 0.. {
            let disk = killed();
            disk.fail(Some(Call::Read), passes, failure);
            let opened = Reader::<Note>::open_on(Arc::new(disk.clone()), &ledger_path());
            let seen = opened.and_then(|reader| {
                let mut seen = 0;
                reader.for_each::<LedgerError>(0, |_| {
                    seen += 1;
                    Ok(())
                })?;
                Ok(seen)
            });
            if !disk.has_failed() {
                assert!(passes > 10, "reading has {passes} reads");
                break;
            }
            match seen {
                Ok(seen) => assert_eq!(seen, 18, "read {passes} failed and records are missing"),
                Err(_) => told += 1,
            }
        }
        assert!(told > 5, "{told} failures were told");
    }
}

#[test]
fn a_read_that_fails_while_opening_for_write_cuts_nothing() {
    for failure in [Failure::Io, Failure::Short] {
        for passes in 0.. {
            let disk = killed();
            let before = segment_bytes(&disk.state());
            disk.fail(Some(Call::Read), passes, failure);
            let opened = open(&disk, &sim_options(&disk, SyncMode::Always, 1024, 9));
            if !disk.has_failed() {
                assert!(passes > 10, "opening has {passes} reads");
                break;
            }
            if let Ok(writer) = opened {
                assert_eq!(writer.next_sequence(), 18, "read {passes} failed and records are cut");
            }
            disk.heal();
            let after = segment_bytes(&disk.state());
            assert!(before.iter().all(|(path, bytes)| after.get(path) == Some(bytes)));
            assert_eq!(read(&disk).unwrap().notes, 18, "read {passes} failed");
            open(&disk, &sim_options(&disk, SyncMode::Always, 1024, 9)).unwrap().close().unwrap();
            assert_eq!(read(&disk).unwrap().notes, 18);
        }
    }
}

#[test]
fn a_read_that_fails_under_an_audit_is_no_verdict() {
    for failure in [Failure::Io, Failure::Short] {
        let mut told = 0;
        for passes in 0.. {
            let disk = killed();
            disk.fail(Some(Call::Read), passes, failure);
            let options = VerifyOptions {
                threads: 1,
                disk: Arc::new(disk.clone()),
                ..VerifyOptions::default()
            };
            let report = verify(&ledger_path(), &options);
            if !disk.has_failed() {
                assert_eq!(report.unwrap().exit_code(), 0);
                assert!(passes > 10, "an audit has {passes} reads");
                break;
            }
            match report {
                Err(AuditError::Ledger(LedgerError::Io { .. })) => told += 1,
                Err(other) => panic!("read {passes}: {other}"),
                // Derived files may be left aside without changing the answer.
                Ok(report) => {
                    assert!(matches!(report.exit_code(), 0 | 2), "read {passes}: {report:?}");
                    told += u64::from(report.exit_code() == 2);
                }
            }
        }
        assert!(told > 5, "{told} failures were told");
    }
}

#[test]
fn a_segment_that_its_writer_trims_while_it_is_looked_at_is_seen_at_its_new_length() {
    let closed = SimDisk::new();
    let mut writer = open(&closed, &sim_options(&closed, SyncMode::Always, 4096, 1)).unwrap();
    writer.append(&step(&[0])).unwrap();
    writer.close().unwrap();
    let path = segment_path(0);
    let trimmed = closed.state().files()[path.to_str().unwrap()].len() as u64;
    // A power cut takes the trim back; so the next look can meet it once more.
    let disk = SimDisk::cut_power(&closed.state(), Unsynced::Lost);
    disk.trim_on_read(&path, trimmed);
    let listing = Listing::read(&disk, &Layout::new(&ledger_path())).unwrap();
    let seen = &listing.segments[0];
    assert!(trimmed < 4096 && seen.header.is_ok());
    assert_eq!(seen.bytes, trimmed);
}

#[test]
fn damage_below_later_frames_is_found_beside_a_living_writer_and_all_of_it() {
    let disk = SimDisk::new();
    let mut writer = open(&disk, &sim_options(&disk, SyncMode::Always, 4096, 1)).unwrap();
    for number in 0..8 {
        writer.append(&step(&[number])).unwrap();
    }
    disk.alter(&segment_path(0), |bytes| {
        let places = frames(bytes);
        for damaged in [2, 5] {
            bytes[places[damaged].0 + FRAME_HEADER_BYTES] ^= 1;
        }
    });
    let options = VerifyOptions { disk: Arc::new(disk.clone()), ..VerifyOptions::default() };
    let report = verify(&ledger_path(), &options).unwrap();
    let found: Vec<u64> = report.faults.iter().map(|fault| fault.sequence).collect();
    assert_eq!((found, report.exit_code()), (vec![2, 5], 11), "{report:?}");
    drop(writer);
}
