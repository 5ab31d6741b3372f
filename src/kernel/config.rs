//! Configurations: the defaults, and what makes one sound.
//!
//! Defaults were chosen for reasons that need no data (a common fee, a tight spread, the usual
//! constant of the square-root law, steps of 10^-8 that spot venues have) and are not to be tuned
//! for profit. A kernel starts on sound configurations only, so that nothing behind it has to ask.

use crate::event::wire::{self, EncodeError};
use crate::event::{
    Balance, FillModel, Generator, Instrument, Mode, RunConfig, RunId, RunStarted, StrategyConfig,
    VenueConfig, VolumeUnit,
};
use crate::signals::WINDOW_BARS_MAX;
use crate::time::Span;
use crate::units::{Money, Price, Quantity, Ratio, UnitError};

use super::KERNEL_NUMBER;

/// Why a configuration is not sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The run has no pair.
    #[error("the run has no instrument")]
    NoInstrument,
    /// More pairs than can be numbered.
    #[error("{count} instruments are more than 65,536")]
    TooManyInstruments {
        /// How many.
        count: usize,
    },
    /// A list is not strictly sorted, so that one configuration would have several encodings.
    #[error("{list} are not strictly sorted: `{before}` stands before `{after}`")]
    NotSorted {
        /// Which list.
        list: &'static str,
        /// The first of the two.
        before: String,
        /// The second.
        after: String,
    },
    /// A value is outside its range.
    #[error("{field} of {owner} is {value}: {expected}")]
    OutOfRange {
        /// Whose field.
        owner: String,
        /// The field.
        field: &'static str,
        /// What it holds.
        value: String,
        /// What it may hold.
        expected: &'static str,
    },
    /// A pair is paid in a currency of which there is none.
    #[error("{symbol} can be traded, but there is no opening cash in {currency}")]
    NoBalance {
        /// The pair.
        symbol: String,
        /// The currency.
        currency: String,
    },
    /// An amount does not fit.
    #[error(transparent)]
    Amount(#[from] UnitError),
    /// The account currency has no account.
    #[error("the account currency {currency} has no opening balance")]
    NoAccount {
        /// The currency.
        currency: String,
    },
}

/// Returns the default venue: fills at the next open, fee 0.1 % a side, half spread one basis
/// point, square-root impact with factor 1 over 240 bars, no short sales.
#[must_use]
pub const fn default_venue() -> VenueConfig {
    VenueConfig {
        fill: FillModel::NextOpen,
        fee_rate: Ratio::from_raw(1_000_000),
        half_spread: Ratio::from_raw(100_000),
        impact: Ratio::ONE,
        impact_window_bars: 240,
        allow_short: false,
    }
}

/// Returns a tradable pair with the default steps: tick and lot 10^-8, smallest order 10 quote,
/// volume in base currency.
#[must_use]
pub fn default_instrument(base: &str, quote: &str, interval: Span) -> Instrument {
    Instrument {
        base: base.to_owned(),
        quote: quote.to_owned(),
        tick: Price::from_raw(10_000),
        lot: Quantity::from_raw(10_000),
        min_notional: Money::from_raw(10 * Money::ONE.raw()),
        volume_unit: VolumeUnit::Base,
        interval,
        tradable: true,
    }
}

/// Returns the default opening cash: 10,000 of the currency.
#[must_use]
pub fn default_balance(currency: &str) -> Balance {
    Balance { currency: currency.to_owned(), amount: Money::from_raw(10_000 * Money::ONE.raw()) }
}

/// Returns a configuration with the default venue, and the default opening cash in every quote
/// currency of the instruments, which are put in order.
///
/// The account currency is the first instrument's quote currency; without an instrument there is
/// none, and [`check`] refuses the configuration.
#[must_use]
pub fn default_config(strategy: StrategyConfig, mut instruments: Vec<Instrument>) -> RunConfig {
    instruments.sort_by_key(Instrument::symbol);
    let mut currencies: Vec<&str> = instruments.iter().map(|known| known.quote.as_str()).collect();
    currencies.sort_unstable();
    currencies.dedup();
    RunConfig {
        strategy,
        venue: default_venue(),
        balances: currencies.into_iter().map(default_balance).collect(),
        account_currency: instruments.first().map_or_else(String::new, |known| known.quote.clone()),
        instruments,
    }
}

/// Returns the first event of a simulated run, named by its configuration and first sequence.
///
/// # Errors
/// [`EncodeError`] when the configuration has no encoding, which keeps the door honest.
pub fn run_started(
    mode: Mode,
    config: RunConfig,
    generator: Option<Generator>,
    first_sequence: u64,
) -> Result<RunStarted, EncodeError> {
    let mut canonical = Vec::with_capacity(512);
    wire::encode(&config, &mut canonical)?;
    let run = RunId::of_simulated(&canonical, first_sequence);
    Ok(RunStarted { run, mode, kernel: KERNEL_NUMBER, config, generator })
}

/// Checks that a configuration is complete, canonical in its order, and inside all ranges.
///
/// # Errors
/// [`ConfigError`] with the first thing that is wrong.
pub fn check(config: &RunConfig) -> Result<(), ConfigError> {
    if config.instruments.is_empty() {
        return Err(ConfigError::NoInstrument);
    }
    let count = config.instruments.len();
    if count > usize::from(u16::MAX) + 1 {
        return Err(ConfigError::TooManyInstruments { count });
    }
    sorted("instruments", config.instruments.iter().map(Instrument::symbol))?;
    sorted("balances", config.balances.iter().map(|balance| balance.currency.clone()))?;
    sorted("parameters", config.strategy.parameters.iter().map(|known| known.name.clone()))?;
    check_venue(&config.venue)?;
    for balance in &config.balances {
        let sound = balance.amount >= Money::ZERO && balance.amount.exact().is_ok();
        let owner = || format!("balance {}", balance.currency);
        range(sound, owner, "amount", &balance.amount, "from 0 to 1.7 * 10^14")?;
    }
    for instrument in &config.instruments {
        check_instrument(instrument)?;
        let cash = config.balances.iter().find(|known| known.currency == instrument.quote);
        if instrument.tradable && !cash.is_some_and(|known| known.amount.is_positive()) {
            let (symbol, currency) = (instrument.symbol(), instrument.quote.clone());
            return Err(ConfigError::NoBalance { symbol, currency });
        }
    }
    if !config.balances.iter().any(|known| known.currency == config.account_currency) {
        return Err(ConfigError::NoAccount { currency: config.account_currency.clone() });
    }
    Ok(())
}

fn check_venue(venue: &VenueConfig) -> Result<(), ConfigError> {
    let owner = || "the venue".to_owned();
    let share = |ratio: Ratio| (Ratio::ZERO..Ratio::ONE).contains(&ratio);
    range(share(venue.fee_rate), owner, "fee_rate", &venue.fee_rate, "from 0 to below 1")?;
    range(share(venue.half_spread), owner, "half_spread", &venue.half_spread, "from 0 to below 1")?;
    range(venue.impact >= Ratio::ZERO, owner, "impact", &venue.impact, "at least 0")?;
    let bars = venue.impact_window_bars;
    let sound = (2..=WINDOW_BARS_MAX).contains(&bars);
    range(sound, owner, "impact_window_bars", &bars, "from 2 to 100,000")
}

fn check_instrument(instrument: &Instrument) -> Result<(), ConfigError> {
    let owner = || instrument.symbol();
    let named = |text: &str| !text.is_empty() && !text.contains('/');
    range(named(&instrument.base), owner, "base", &instrument.base, "a name without a slash")?;
    let quoted = named(&instrument.quote) && instrument.quote != instrument.base;
    range(quoted, owner, "quote", &instrument.quote, "another name without a slash")?;
    range(instrument.tick.is_positive(), owner, "tick", &instrument.tick, "above 0")?;
    range(instrument.lot.is_positive(), owner, "lot", &instrument.lot, "above 0")?;
    let least = instrument.min_notional;
    let sound = least >= Money::ZERO && least.exact().is_ok();
    range(sound, owner, "min_notional", &least, "from 0 to 1.7 * 10^14")?;
    range(instrument.interval.nanos() > 0, owner, "interval", &instrument.interval, "above 0")
}

fn range(
    sound: bool,
    owner: impl Fn() -> String,
    field: &'static str,
    value: &dyn std::fmt::Display,
    expected: &'static str,
) -> Result<(), ConfigError> {
    if sound {
        return Ok(());
    }
    Err(ConfigError::OutOfRange { owner: owner(), field, value: value.to_string(), expected })
}

fn sorted(list: &'static str, keys: impl Iterator<Item = String>) -> Result<(), ConfigError> {
    let mut last: Option<String> = None;
    for key in keys {
        match last {
            Some(before) if before >= key => {
                return Err(ConfigError::NotSorted { list, before, after: key });
            }
            _ => last = Some(key),
        }
    }
    Ok(())
}
