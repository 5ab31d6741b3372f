//! What a crash of the ledger can still take back is never in its backup: whatever is lost after a
//! backup, the ledger goes on into it.

use schwabot::ledger::{SyncMode, Writer};

use crate::fault_backup::{back_up, code, leaves, safe};
use crate::support::notes::{Note, step};
use crate::support::sim_disk::{SimDisk, Unsynced};
use crate::support::sim_ledger::{ledger_path, sim_options};

#[test]
fn a_ledger_that_loses_what_was_not_synced_after_a_backup_goes_on_into_that_backup() {
    let mut lost = 0;
    for sync in [SyncMode::Always, SyncMode::End] {
        let disk = SimDisk::new();
        disk.record();
        for life in 0..3 {
            let options = sim_options(&disk, sync, 1024, life);
            let mut writer: Writer<Note> = Writer::open(&ledger_path(), &options).unwrap();
            for _ in 0..8 {
                let from = writer.next_sequence();
                writer.append(&step(&[from, from + 1, from + 2])).unwrap();
            }
        }
        for (seed, state) in (0_u64..).zip(disk.history()) {
            let disk = SimDisk::kill(&state);
            if leaves(&disk, &ledger_path()).is_empty() {
                continue;
            }
            // The process is dead and the page cache is not: all that it wrote is still shown.
            back_up(&disk).unwrap();
            let shown = leaves(&disk, &ledger_path()).len();
            for unsynced in [Unsynced::Lost, Unsynced::Chosen(seed)] {
                let disk = SimDisk::cut_power(&disk.state(), unsynced);
                lost += usize::from(leaves(&disk, &ledger_path()).len() < shown);
                let options = sim_options(&disk, sync, 1024, seed);
                let mut writer: Writer<Note> = Writer::open(&ledger_path(), &options).unwrap();
                writer.append(&step(&[1, 2, 3])).unwrap();
                writer.close().unwrap();
                back_up(&disk)
                    .unwrap_or_else(|error| panic!("state {seed}, {unsynced:?}: {error}"));
                assert_eq!(code(&disk, &safe()), 0);
                assert_eq!(leaves(&disk, &safe()), leaves(&disk, &ledger_path()));
            }
        }
    }
    assert!(lost > 10, "records were lost {lost} times");
}
