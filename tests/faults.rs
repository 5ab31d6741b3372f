//! What a failing disk, a crash and rot may do, and what the ledger makes of it.
//!
//! The usual size is what a change must pass. `SCHWABOT_FAULTS=full` runs what
//! `src/docs/RELIABILITY.md` states figures of; do that with `--release`.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

#[expect(dead_code, reason = "only some of what tests share is needed here")]
mod support;

mod fault_backup;
mod fault_backup_notes;
mod fault_backup_proven;
mod fault_backup_rot;
mod fault_corpus;
mod fault_crash_points;
mod fault_exceptions;
mod fault_group;
mod fault_living;
mod fault_mutations;
mod fault_packed;
mod fault_reads;
mod fsync_failure;
mod recovery_table;
mod recovery_torn_tail;

/// True when everything is asked for, however long it takes.
fn is_full() -> bool {
    std::env::var_os("SCHWABOT_FAULTS").is_some_and(|size| size == "full")
}
