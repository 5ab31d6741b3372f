//! Rot in a ledger that is backed up, and in a backup that is restored: none of it is carried over.

#![expect(clippy::print_stderr, reason = "how much was reached belongs in the test's report")]

use schwabot::audit::{BackedUp, BackupError, verify};
use schwabot::ledger::LedgerError;

use crate::fault_backup::{back, back_up, bring_back, code, leaves, lives, safe, segments_of};
use crate::support::dice::Dice;
use crate::support::sim_disk::SimDisk;
use crate::support::sim_ledger::{ledger_path, verifying};

#[test]
fn a_flipped_byte_of_the_ledger_never_reaches_its_backup() {
    let (mut flips, mut refused) = (0, 0);
    lives(|before| {
        let truth = leaves(before, &ledger_path());
        let at_least = leaves(before, &safe()).len();
        let kept = segments_of(before, &safe()).len();
        for (place, (path, len)) in segments_of(before, &ledger_path()).into_iter().enumerate() {
            let mut dice = Dice::new(len as u64);
            for offset in (0..len).step_by(17) {
                let disk = SimDisk::kill(&before.state());
                disk.alter(&path, |bytes| bytes[offset] ^= 1 << dice.below(8));
                flips += 1;
                let done = back_up(&disk);
                let held = leaves(&disk, &safe());
                assert!(truth.starts_with(&held) && held.len() >= at_least, "{path:?} {offset}");
                if !held.is_empty() {
                    assert!(matches!(code(&disk, &safe()), 0 | 10), "{path:?} {offset}");
                }
                let damaged = matches!(code(&disk, &ledger_path()), 11 | 12);
                refused += u64::from(done.is_err());
                match done {
                    Err(BackupError::Ledger(LedgerError::Damaged(fault))) => {
                        assert!(damaged && fault.segment == place as u64, "{fault:?}");
                    }
                    Err(other) => panic!("{path:?} {offset}: {other}"),
                    // What is in the backup already is not read again, and zeroes are not copied.
                    Ok(done) => assert!(
                        !damaged
                            || place < kept && is_kept(&done, place)
                            || is_behind(&disk, place, offset)
                            || is_left_out(&disk, place, offset),
                        "{path:?} {offset}: {done:?} {:?}",
                        verify(&ledger_path(), &verifying(&disk)).unwrap().faults
                    ),
                }
            }
        }
    });
    eprintln!("{flips} flips, {refused} refused");
    assert!(refused > 1_000, "{refused} of {flips} refused");
}

/// Is an offset of a segment behind its end frame or the dead bytes of a recovery?
fn is_behind(disk: &SimDisk, place: usize, offset: usize) -> bool {
    let report = verify(&ledger_path(), &verifying(disk)).unwrap();
    let mut here = report.faults.iter().filter(|fault| fault.segment == place as u64);
    here.all(|fault| fault.check.starts_with("after the") && fault.offset <= offset as u64)
}

/// Was the copy of a segment whole before, and not made anew?
fn is_kept(done: &BackedUp, place: usize) -> bool {
    let place = place as u64;
    place + 1 < done.segments && !done.copied.contains(&place)
}

/// Is an offset above what was taken of the last segment?
fn is_left_out(disk: &SimDisk, place: usize, offset: usize) -> bool {
    let copies = segments_of(disk, &safe());
    let copy =
        copies.get(place).map(|(path, _)| disk.state().files()[path.to_str().unwrap()].clone());
    let rest = copy.iter().flatten().skip(offset);
    place + 1 >= copies.len() && rest.copied().all(|byte| byte == 0)
}

#[test]
fn a_flipped_byte_of_a_backup_is_named_and_nothing_false_is_restored() {
    let full = lives(|_| {});
    let log = leaves(&full, &ledger_path());
    let (mut flips, mut shorter) = (0, 0);
    for (path, len) in segments_of(&full, &safe()) {
        for offset in (0..len).step_by(13) {
            let disk = SimDisk::kill(&full.state());
            disk.alter(&path, |bytes| bytes[offset] ^= 0x10);
            flips += 1;
            let restored = bring_back(&disk).unwrap();
            let there = leaves(&disk, &back());
            assert!(log.starts_with(&there), "{path:?} {offset}");
            if there.len() < log.len() {
                shorter += 1;
                assert!(matches!(restored.exit_code(), 11 | 12), "{path:?} {offset}");
                assert!(!restored.faults.is_empty());
            }
        }
    }
    eprintln!("{flips} flips, {shorter} of them cost records");
    assert!(shorter * 2 > flips, "{shorter} of {flips}");
}
