//! The specification, one file a subject; see `README.md` for how to run one alone.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

mod support;

mod architecture;
mod cli_ledger;
mod cli_run;
mod cli_verify;
mod determinism;
mod event_kinds;
mod format_document;
mod format_golden;
mod format_versions;
mod fsync_failure;
mod kernel_laws;
mod kernel_portfolio;
mod kernel_rules;
mod kernel_venue;
mod kernel_world;
mod ledger_basics;
mod ledger_properties;
mod market_files;
mod market_formats;
mod market_merge;
mod market_real;
mod market_synthetic;
mod memory_growth;
mod merkle_vectors;
mod pipeline_loop;
mod readme;
mod recovery_crash_points;
mod recovery_table;
mod recovery_torn_tail;
mod registry_trade;
mod signals_chrono;
mod signals_clock;
mod signals_evidence;
mod signals_features;
mod signals_formulas;
mod signals_sizes;
mod signals_statistics;
mod signals_trailing;
mod signals_words;
mod strategy_sma_cross;
mod tidy;
mod units_arithmetic;
mod units_decimal;
mod verify_meaning;
mod verify_mutations;
