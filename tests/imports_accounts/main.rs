//! Importing what accounts did: every format of fills, round trips and registries.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "only some of what tests share is needed here")]
mod support;

mod databases;
mod hostile;
mod legacy;
mod logs;
mod reading;
mod reconcile;
mod reports;
mod tables;
mod through;
