//! Closed trades: the canonical entry of the trade registry.

use serde::Serialize;

use super::order::{OrderReason, Side, Trigger};
use super::run::PairId;
use super::stamp::RunId;
use super::wire::{self, Decode, Encode, EncodeError};
use crate::hash::{self, Digest};
use crate::time::Timestamp;
use crate::units::{Money, MoneyExact, Price, Quantity, Ratio};

/// One end of a trade.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct TradeLeg {
    /// The order.
    pub order: u64,
    /// When it was filled.
    pub time: Timestamp,
    /// At which price.
    pub price: Price,
    /// Why it was ordered.
    pub reason: OrderReason,
    /// This trade's part of the fee, in quote currency.
    pub fee: Money,
}

/// The numbers of the signals at entry.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct MathContext {
    /// Fisher's g: the largest share of the periodogram.
    pub periodicity_g: Ratio,
    /// Its p-value.
    pub periodicity_p: Ratio,
    /// Period of the largest share, in bars.
    pub dominant_period: Ratio,
    /// Phase of the dominant component, in [0, 1).
    pub dominant_phase: Ratio,
    /// Logarithm of the business-time rate.
    pub ln_market_clock_rate: Ratio,
    /// Capped fractional Kelly share.
    pub kelly_fraction: Ratio,
    /// Expected net edge a trade.
    pub expected_net_edge: Ratio,
}

/// The market at entry.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct MarketContext {
    /// Realised volatility a bar.
    pub volatility: Ratio,
    /// Volume of the last bar, in the instrument's unit.
    pub volume: Quantity,
    /// z-score of ln volume.
    pub volume_z: Ratio,
    /// t-statistic of the drift.
    pub drift_t: Ratio,
}

/// A round trip that is over: one entry lot consumed, first in first out, by one closing fill.
///
/// Links to other registries are events of their own and never in here. The canonical hash of
/// the trade covers exactly this payload.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct TradeClosed {
    /// The run.
    pub run: RunId,
    /// Number of the trade in its run, from 1: what tells equal-looking trades apart.
    pub trade: u64,
    /// The pair.
    pub pair: PairId,
    /// The pair as `BASE/QUOTE`.
    pub symbol: String,
    /// Who decided.
    pub strategy: String,
    /// Side of the entry: buy for a long trade.
    pub side: Side,
    /// How much base currency.
    pub quantity: Quantity,
    /// How it began.
    pub entry: TradeLeg,
    /// How it ended.
    pub exit: TradeLeg,
    /// Direction times quantity times (exit price minus entry price), exact.
    pub gross: MoneyExact,
    /// Gross minus both fees, exact.
    pub net: MoneyExact,
    /// What triggered the entry.
    pub trigger: Option<Trigger>,
    /// Width of the up/down word in force.
    pub word_bits: Option<u8>,
    /// |z| at firing.
    pub signal_strength: Option<Ratio>,
    /// Posterior mean of success at entry.
    pub confidence: Option<Ratio>,
    /// The signals at entry.
    pub math: Option<MathContext>,
    /// The market at entry.
    pub market: Option<MarketContext>,
    /// The six-field hash of the earlier system, where its rules can express this trade.
    pub legacy_hash: Option<Digest>,
}

impl TradeClosed {
    /// Returns the canonical hash: SHA-256 over `"schwabot/trade/v1\0"` and the payload's bytes.
    ///
    /// # Errors
    /// Never for a payload that came out of a ledger; [`EncodeError`] keeps the door honest.
    pub fn canonical_hash(&self) -> Result<Digest, EncodeError> {
        let mut bytes = Vec::with_capacity(512);
        wire::encode(self, &mut bytes)?;
        Ok(hash::trade(&bytes))
    }

    /// True when the trade earned something after fees.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.net.is_positive()
    }

    /// Returns gross and net computed anew from prices, quantity and fees.
    ///
    /// # Errors
    /// [`crate::units::UnitError`] when an exact amount does not fit.
    pub fn recomputed(&self) -> Result<(MoneyExact, MoneyExact), crate::units::UnitError> {
        let bought = self.entry.price.times(self.quantity)?;
        let sold = self.exit.price.times(self.quantity)?;
        let gross = match self.side {
            Side::Buy => sold.minus(bought)?,
            Side::Sell => bought.minus(sold)?,
        };
        let fees = self.entry.fee.plus(self.exit.fee)?.exact()?;
        Ok((gross, gross.minus(fees)?))
    }
}
