//! Signals, orders and fills.

use serde::Serialize;

use super::run::PairId;
use super::wire::{Decode, Encode};
use crate::time::Timestamp;
use crate::units::{Money, Price, Quantity, Ratio};

/// Which way an order goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Base in, quote out.
    Buy,
    /// Base out, quote in.
    Sell,
}

impl Side {
    /// Returns the other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// What made a strategy act. Positions in this list are numbers for life: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A fast mean crossed a slow one.
    Cross,
    /// A return far outside its usual spread.
    PriceSpike,
    /// Far more volume than usual.
    VolumeSurge,
    /// The trend turned.
    TrendReversal,
    /// A closed walk through currencies that pays.
    Orbit,
    /// The operator said so.
    Operator,
}

impl Trigger {
    /// Every trigger, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::Cross,
        Self::PriceSpike,
        Self::VolumeSurge,
        Self::TrendReversal,
        Self::Orbit,
        Self::Operator,
    ];

    /// Returns the trigger's name in the format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cross => "cross",
            Self::PriceSpike => "price_spike",
            Self::VolumeSurge => "volume_surge",
            Self::TrendReversal => "trend_reversal",
            Self::Orbit => "orbit",
            Self::Operator => "operator",
        }
    }
}

/// Which way a signal points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Upwards.
    Up,
    /// Downwards.
    Down,
}

impl Direction {
    /// Returns the direction's name in the format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// A detector fired.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SignalFired {
    /// The pair.
    pub pair: PairId,
    /// Which detector.
    pub trigger: Trigger,
    /// Which way it points.
    pub direction: Direction,
    /// |z| at firing, where the detector has one.
    pub strength: Option<Ratio>,
}

/// Why an order was made. Positions in this list are numbers for life: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderReason {
    /// A signal of the strategy.
    Signal,
    /// A ghost that passed the gate.
    Ghost,
    /// The holding time is over.
    Horizon,
    /// The price reached its target.
    TakeProfit,
    /// The price fell to its limit.
    Stop,
    /// The operator said so.
    Operator,
}

/// An instruction to the venue. A market order for a base quantity; simulated ones fill whole.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct OrderPlaced {
    /// Number of the order in its run, from 1.
    pub order: u64,
    /// The pair.
    pub pair: PairId,
    /// Which way.
    pub side: Side,
    /// How much base currency.
    pub quantity: Quantity,
    /// The price that decided: the pair's last close.
    pub reference_price: Price,
    /// Why.
    pub reason: OrderReason,
}

/// Why the rules refused an intention. Positions are numbers for life: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// The pair is only watched.
    NotTradable,
    /// No price of the pair is known yet.
    NoPrice,
    /// Not enough cash.
    NoCash,
    /// Nothing to sell, or more than is held, and short sales are not allowed.
    NoPosition,
    /// A position or an order of the pair is already open.
    PositionOpen,
    /// Below the smallest notional, or nothing left after rounding to the lot.
    TooSmall,
    /// The exact amounts do not fit their types.
    Overflow,
    /// All positions together would exceed their share of equity.
    ExposureLimit,
    /// Equity fell too far since the day began.
    DailyLossLimit,
    /// Equity fell too far below its peak.
    DrawdownLimit,
}

/// An intention that became no order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct OrderRefused {
    /// The pair.
    pub pair: PairId,
    /// Which way.
    pub side: Side,
    /// How much was wanted, as far as it was known.
    pub quantity: Quantity,
    /// Why not.
    pub reason: RefusalReason,
}

/// An execution. Orders fill whole, so one order has at most one fill here.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct OrderFilled {
    /// The order.
    pub order: u64,
    /// The pair.
    pub pair: PairId,
    /// Which way.
    pub side: Side,
    /// How much base currency.
    pub quantity: Quantity,
    /// At which price, slippage included.
    pub price: Price,
    /// The fee in quote currency.
    pub fee: Money,
    /// How far the price is worse than the market's, as a share of it.
    pub slippage: Ratio,
    /// When it was filled.
    pub time: Timestamp,
}

/// The venue turned an order away.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct OrderRejected {
    /// The order.
    pub order: u64,
    /// The pair.
    pub pair: PairId,
    /// Why.
    pub reason: RefusalReason,
}

/// An order was still pending at the end of the data.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct OrderExpired {
    /// The order.
    pub order: u64,
    /// The pair.
    pub pair: PairId,
}
