//! The craft of the command line: formats, filters, configuration, errors, progress, Ctrl-C, and the
//! pages that are generated from the program itself.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

#[path = "craft/config.rs"]
mod config;
#[path = "craft/errors.rs"]
mod errors;
#[path = "craft/output.rs"]
mod output;
#[path = "craft/reference.rs"]
mod reference;
#[path = "craft/replay.rs"]
mod replay;
#[path = "craft/stopping.rs"]
mod stopping;
#[expect(dead_code, reason = "only a part of what tests share is needed here")]
mod support;
#[path = "craft/terminal.rs"]
mod terminal;
#[cfg(feature = "tui")]
#[path = "craft/watch.rs"]
mod watch;
