//! What a run came to, for people: one wording, whether it was recorded or not.

use std::time::Duration;

use crate::cli::outcome::CliError;
use crate::cli::text::{Screen, amount, amount_or_none, count};
use crate::kernel::Counters;
use crate::pipeline::{Summary, Unrecorded};
use crate::projections::{AccountSummary, DataQuality};
use crate::time::Timestamp;

/// The figures that every run has.
pub(super) struct Figures<'a> {
    counters: &'a Counters,
    quality: &'a DataQuality,
    accounts: &'a [AccountSummary],
    open_positions: u64,
    /// When it was stopped, if it was.
    stopped: Option<Timestamp>,
}

impl<'a> From<&'a Summary> for Figures<'a> {
    fn from(known: &'a Summary) -> Self {
        Self {
            counters: &known.counters,
            quality: &known.quality,
            accounts: &known.accounts,
            open_positions: known.open_positions,
            stopped: known.stopped.then_some(known.time),
        }
    }
}

impl<'a> From<&'a Unrecorded> for Figures<'a> {
    fn from(known: &'a Unrecorded) -> Self {
        Self {
            counters: &known.counters,
            quality: &known.quality,
            accounts: &known.accounts,
            open_positions: known.open_positions,
            stopped: known.stopped.then_some(known.time),
        }
    }
}

pub(super) fn tell_figures(screen: &mut Screen, figures: &Figures<'_>) -> Result<(), CliError> {
    let counters = figures.counters;
    if let Some(time) = figures.stopped {
        screen.line(format_args!("stopped by Ctrl-C at {time}; the run has no end"))?;
    }
    screen.field("bars", counters.bars)?;
    for pair in figures.quality.pairs().iter().filter(|pair| pair.defects() > 0) {
        let name = format!("{} defects", pair.symbol);
        screen.field(&name, super::state::defects_in_words(pair))?;
    }
    let orders = format!(
        "{} placed, {} filled, {} refused, {} rejected, {} expired",
        counters.orders, counters.fills, counters.refused, counters.rejected, counters.expired
    );
    screen.field("orders", orders)?;
    screen.field("trades", format_args!("{} closed", counters.trades))?;
    for account in figures.accounts {
        let currency = &account.currency;
        screen.field("net profit", format_args!("{} {currency}", amount(account.net_profit)))?;
        let unrealised = amount_or_none(account.unrealised);
        let open = count(figures.open_positions, "open position");
        screen.field("unrealised", format_args!("{unrealised} {currency} ({open})"))?;
        let (equity, opening) = (amount_or_none(account.equity), amount(account.opening));
        screen.field("equity", format_args!("{equity} {currency}, from {opening}"))?;
        screen.field("fees", format_args!("{} {currency}", amount(account.fees)))?;
        let fall = amount(account.max_drawdown);
        screen.field("worst fall", format_args!("{fall} {currency}"))?;
    }
    Ok(())
}

pub(super) fn tell_time(screen: &mut Screen, bars: u64, elapsed: Duration) -> Result<(), CliError> {
    let rate = per_second(bars, elapsed);
    screen.field("time", format_args!("{} ms, {rate} bars/s", elapsed.as_millis()))
}

fn per_second(bars: u64, elapsed: Duration) -> u128 {
    u128::from(bars) * 1_000_000 / elapsed.as_micros().max(1)
}
