//! The craft of the command line: formats, filters, configuration, errors, progress, Ctrl-C, and the
//! pages that are generated from the program itself.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

#[path = "craft/output.rs"]
mod output;
#[expect(dead_code, reason = "only a part of what tests share is needed here")]
mod support;
