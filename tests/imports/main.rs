//! Importing other people's files: the frame and every format, one module a subject.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "only some of what tests share is needed here")]
mod support;

mod accounts;
mod bench;
mod events;
mod facts;
mod formats;
mod frame;
mod klines;
mod memory;
mod state;
