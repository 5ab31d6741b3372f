//! The specification, one file a subject; see `README.md` for how to run one alone.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

mod support;

mod ledger_basics;
mod market_files;
mod market_formats;
mod market_merge;
mod market_real;
mod market_synthetic;
mod units_decimal;
