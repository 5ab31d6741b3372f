//! What an operator asks for, as a complete configuration.
//!
//! Settings come from flags and from a file; both fill a [`RunSettings`], flags win, and
//! [`market_config`] turns what was asked and which pairs there are into the one canonical
//! [`RunConfig`], defaults written out.

use std::collections::BTreeMap;

use crate::event::{Balance, FillModel, Instrument, Parameter, RunConfig, VenueConfig, VolumeUnit};
use crate::kernel::{
    ConfigError, check_config, default_balance, default_instrument, default_venue,
};
use crate::market::MarketPair;
use crate::strategies::{self, StrategyError};
use crate::units::{Money, Price, Quantity, Ratio};

/// The strategy of a run that names none.
pub(super) const STRATEGY: &str = "sma-cross";

/// Why settings make no configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A setting is for a pair that is not in the data.
    #[error("there are settings for {symbol}, but no data of it")]
    UnknownInstrument {
        /// The pair.
        symbol: String,
    },
    /// A pair is paid in a currency of which there is none.
    #[error("{symbol} is paid in {currency}, and there is no cash in {currency}: give {advice}")]
    NoCash {
        /// The pair.
        symbol: String,
        /// The currency.
        currency: String,
        /// Cash that would do for all pairs, as flags.
        advice: String,
    },
    /// The configuration is not sound.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The strategy cannot be built.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
}

/// What is asked of the venue; what is not said keeps its default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VenueSettings {
    /// When orders fill.
    pub fill: Option<FillModel>,
    /// Fee as a share of the notional.
    pub fee: Option<Ratio>,
    /// Half the spread as a share of the price.
    pub half_spread: Option<Ratio>,
    /// Factor of the square-root impact.
    pub impact: Option<Ratio>,
    /// Bars of the impact's means.
    pub impact_window_bars: Option<u32>,
    /// Whether a sale may exceed what is held.
    pub allow_short: Option<bool>,
}

/// What is asked of one pair.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InstrumentSettings {
    /// Step of prices.
    pub tick: Option<Price>,
    /// Step of quantities.
    pub lot: Option<Quantity>,
    /// Smallest order.
    pub min_notional: Option<Money>,
    /// What volumes count.
    pub volume_unit: Option<VolumeUnit>,
    /// Whether it is traded or only watched.
    pub tradable: Option<bool>,
}

/// What is asked of a run; what is not said keeps its default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunSettings {
    /// Who decides.
    pub strategy: Option<String>,
    /// The strategy's parameters, as text.
    pub parameters: BTreeMap<String, String>,
    /// Opening cash by currency.
    pub cash: BTreeMap<String, Money>,
    /// Who fills.
    pub venue: VenueSettings,
    /// Settings by pair, `BASE/QUOTE`.
    pub instruments: BTreeMap<String, InstrumentSettings>,
}

impl RunSettings {
    /// Returns these settings, completed by `others` where they say nothing.
    ///
    /// Cash is one setting: giving any replaces all of the other's.
    #[must_use]
    pub fn or(mut self, others: Self) -> Self {
        // Parameters belong to their strategy, so another strategy's are not taken over.
        let same = match (&self.strategy, &others.strategy) {
            (Some(own), other) => own == other.as_deref().unwrap_or(STRATEGY),
            (None, _) => true,
        };
        if same {
            for (name, value) in others.parameters {
                self.parameters.entry(name).or_insert(value);
            }
        }
        let venue = self.venue;
        Self {
            strategy: self.strategy.or(others.strategy),
            parameters: self.parameters,
            cash: if self.cash.is_empty() { others.cash } else { self.cash },
            venue: VenueSettings {
                fill: venue.fill.or(others.venue.fill),
                fee: venue.fee.or(others.venue.fee),
                half_spread: venue.half_spread.or(others.venue.half_spread),
                impact: venue.impact.or(others.venue.impact),
                impact_window_bars: venue.impact_window_bars.or(others.venue.impact_window_bars),
                allow_short: venue.allow_short.or(others.venue.allow_short),
            },
            instruments: if self.instruments.is_empty() {
                others.instruments
            } else {
                self.instruments
            },
        }
    }
}

/// Returns the complete configuration of a run over the pairs of a market.
///
/// Without cash the run has 10,000 of the quote currency of the first tradable pair.
///
/// # Errors
/// [`SettingsError`] for what no run can be made of.
pub fn market_config(
    settings: &RunSettings,
    pairs: &[MarketPair],
) -> Result<RunConfig, SettingsError> {
    let mut instruments: Vec<Instrument> = pairs.iter().map(|p| instrument(settings, p)).collect();
    instruments.sort_by_key(Instrument::symbol);
    let known = |symbol: &String| instruments.iter().any(|known| known.symbol() == *symbol);
    if let Some(symbol) = settings.instruments.keys().find(|symbol| !known(symbol)) {
        return Err(SettingsError::UnknownInstrument { symbol: symbol.clone() });
    }
    let main = instruments.iter().find(|known| known.tradable).or(instruments.first());
    let account_currency = main.map_or_else(String::new, |known| known.quote.clone());
    let mut balances: Vec<Balance> = settings
        .cash
        .iter()
        .map(|(currency, amount)| Balance { currency: currency.clone(), amount: *amount })
        .collect();
    if balances.is_empty() {
        balances.push(default_balance(&account_currency));
    }
    let paid = |currency: &str| {
        balances.iter().any(|known| known.currency == currency && known.amount.is_positive())
    };
    if let Some(unpaid) = instruments.iter().find(|known| known.tradable && !paid(&known.quote)) {
        let (symbol, currency) = (unpaid.symbol(), unpaid.quote.clone());
        let advice = cash_advice(settings, &instruments);
        return Err(SettingsError::NoCash { symbol, currency, advice });
    }
    let parameters = settings.parameters.iter();
    let parameters: Vec<Parameter> = parameters
        .map(|(name, value)| Parameter { name: name.clone(), value: value.clone() })
        .collect();
    let name = settings.strategy.as_deref().unwrap_or(STRATEGY);
    let strategy = strategies::canonical(name, &parameters)?;
    let venue = venue(&settings.venue);
    let config = RunConfig { strategy, venue, instruments, balances, account_currency };
    check_config(&config)?;
    Ok(config)
}

/// Returns the flags of cash for every tradable pair that has none yet.
fn cash_advice(settings: &RunSettings, instruments: &[Instrument]) -> String {
    let tradable = instruments.iter().filter(|known| known.tradable);
    let mut unpaid: Vec<&str> = tradable
        .map(|known| known.quote.as_str())
        .filter(|quote| !settings.cash.get(*quote).is_some_and(|amount| amount.is_positive()))
        .collect();
    unpaid.sort_unstable();
    unpaid.dedup();
    let flags = unpaid.iter().map(|currency| {
        let amount = match *currency {
            "BTC" | "XBT" => 1,
            "ETH" | "BNB" => 10,
            _ => 10_000,
        };
        format!("--cash {currency}={amount}")
    });
    flags.collect::<Vec<_>>().join(" ")
}

fn instrument(settings: &RunSettings, pair: &MarketPair) -> Instrument {
    let usual = default_instrument(pair.symbol.base(), pair.symbol.quote(), pair.interval);
    let Some(asked) = settings.instruments.get(&pair.symbol.to_string()) else { return usual };
    Instrument {
        tick: asked.tick.unwrap_or(usual.tick),
        lot: asked.lot.unwrap_or(usual.lot),
        min_notional: asked.min_notional.unwrap_or(usual.min_notional),
        volume_unit: asked.volume_unit.unwrap_or(usual.volume_unit),
        tradable: asked.tradable.unwrap_or(usual.tradable),
        ..usual
    }
}

fn venue(asked: &VenueSettings) -> VenueConfig {
    let usual = default_venue();
    VenueConfig {
        fill: asked.fill.unwrap_or(usual.fill),
        fee_rate: asked.fee.unwrap_or(usual.fee_rate),
        half_spread: asked.half_spread.unwrap_or(usual.half_spread),
        impact: asked.impact.unwrap_or(usual.impact),
        impact_window_bars: asked.impact_window_bars.unwrap_or(usual.impact_window_bars),
        allow_short: asked.allow_short.unwrap_or(usual.allow_short),
    }
}
