//! The specification, one file a subject; see `README.md` for how to run one alone.

mod market_files;
mod market_formats;
mod market_merge;
mod market_real;
mod market_synthetic;
mod support;
mod units_decimal;
