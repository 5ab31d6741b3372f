//! An event-sourced, append-only, hash-chained ledger for trading bots.
//!
//! Hand the log to a stranger, and the stranger, offline, checks that not a byte changed, rebuilds
//! any past state, and re-executes every decision from the recorded inputs.
//!
//! # The house
//! A module names only modules on lower floors; `tests/architecture.rs` keeps it so.
//!
//! ```text
//! 7 faces    cli, http                        what people and logs touch; no logic
//! 6 motion   market, pipeline, import,        where the outside world gets in and out;
//!            export, measure, report          what this disk can do; what a run came to
//! 5 views    audit, projections               what the history means, and whether it is true
//! 4 memory   ledger, then checkpoint and      what survives, what convinces a stranger,
//!            erasure                          and what can be forgotten
//! 3 minds    registries, engines,             what trades leave; what judges them
//!            strategies, kernel               pure: state + input -> events
//! 2 maths    signals, merkle                  numbers in, numbers out
//! 1 facts    event                            what can happen, and its bytes
//! 0 words    units, time, hash                quantities and digests with their own types
//! ```

pub mod audit;
pub mod checkpoint;
pub mod cli;
pub mod docs;
pub mod engines;
pub mod erasure;
pub mod event;
pub mod export;
pub mod hash;
#[cfg(feature = "server")]
pub mod http;
pub mod import;
pub mod kernel;
pub mod ledger;
pub mod market;
pub mod measure;
pub mod merkle;
pub mod pipeline;
pub mod projections;
pub mod registries;
pub mod report;
pub mod signals;
pub mod strategies;
pub mod time;
pub mod units;
