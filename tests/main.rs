//! The specification, one file a subject; see `README.md` for how to run one alone.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

mod support;

mod architecture;
mod format_document;
mod format_golden;
mod format_versions;
mod ledger_basics;
mod tidy;
