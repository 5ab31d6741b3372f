//! The specification, one file a subject; see `README.md` for how to run one alone.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

mod support;

mod fsync_failure;
mod ledger_basics;
mod ledger_properties;
mod merkle_vectors;
mod recovery_crash_points;
mod recovery_table;
mod recovery_torn_tail;
