//! Real processes and what their system does to them: system calls that fail or never return, full
//! and read-only disks, directories that are none, rivals for one ledger, files cut while read.
//!
//! The children that append are this same program, started again with a role in the environment
//! (`processes/child.rs`); the others are the real binary. What a machine does not offer (`strace`,
//! mounts) is told as `NOT TESTED` on stderr.
//!
//! The usual size takes a sample of all calls; `SCHWABOT_FAULTS=full cargo test --release --test
//! processes -- --nocapture` takes every one and prints the figures.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]
#![expect(clippy::print_stderr, reason = "what was done, and what was not, belongs in the report")]

#[path = "processes/child.rs"]
mod child;
#[path = "support/cli.rs"]
#[expect(dead_code, reason = "only a part of what runs the program is needed here")]
mod cli;
#[path = "support/dice.rs"]
#[expect(dead_code, reason = "the machine's own clock serves here")]
mod dice;
#[path = "processes/full.rs"]
mod full;
#[path = "processes/injected.rs"]
mod injected;
#[path = "processes/mounts.rs"]
mod mounts;
#[path = "support/notes.rs"]
#[expect(dead_code, reason = "only some of the notes' helpers are needed here")]
mod notes;
#[path = "processes/order.rs"]
mod order;
#[path = "processes/places.rs"]
mod places;
#[path = "processes/rivals.rs"]
mod rivals;
#[path = "processes/strace.rs"]
mod strace;
#[path = "processes/told.rs"]
mod told;

/// The result of a test that reads files.
type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// True when everything is to be run, and not a sample.
fn is_full() -> bool {
    std::env::var("SCHWABOT_FAULTS").is_ok_and(|size| size == "full")
}

/// Says what was not tested, and why.
fn not_tested(what: &str, why: &str) {
    eprintln!("NOT TESTED: {what}: {why}");
}
