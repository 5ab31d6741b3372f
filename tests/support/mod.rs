//! What several tests share.

pub(crate) mod dice;
pub(crate) mod notes;
pub(crate) mod sim_disk;
pub(crate) mod sim_ledger;

/// So many cases a law; a failing one is printed and not kept in a file.
pub(crate) fn cases(cases: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config { cases, failure_persistence: None, ..Default::default() }
}
