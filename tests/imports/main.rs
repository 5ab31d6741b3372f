//! Importing other people's files: the frame and every format, one module a subject.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

#[path = "../support/mod.rs"]
mod support;

mod bench;
mod events;
mod facts;
mod frame;
mod klines;
