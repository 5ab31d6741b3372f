//! The specification, one file a subject; see `README.md` for how to run one alone.

#![expect(clippy::unwrap_used, reason = "a helper of a test that cannot go on fails the test")]

mod support;

mod event_kinds;
mod kernel_laws;
mod kernel_portfolio;
mod kernel_rules;
mod kernel_venue;
mod kernel_world;
mod registry_trade;
mod signals_formulas;
mod strategy_sma_cross;
mod units_arithmetic;
