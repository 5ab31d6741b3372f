//! Ghosts: trades on paper that leave evidence, and the gate that turns one into an order.
//!
//! A firing opens a ghost and is judged by the gate on the evidence of ghosts that closed before.
//! [`GhostTriggered`] and [`GhostIgnored`] are the two possible answers to a firing; a triggered
//! ghost is followed by its order, or by the refusal of one.

use serde::Serialize;

use super::leg::EvidenceKey;
use super::order::OrderReason;
use super::run::PairId;
use super::wire::{Decode, Encode};
use crate::time::Timestamp;
use crate::units::{Price, Quantity, Ratio};

/// What the signals said when something fired; none where a window was not full or did not vary.
#[derive(Clone, Debug, PartialEq, Eq, Default, Encode, Decode, Serialize)]
pub struct Features {
    /// t-statistic of the drift.
    pub drift_t: Option<Ratio>,
    /// Realised volatility a bar: the deviation of the returns.
    pub volatility: Option<Ratio>,
    /// z-score of ln volume.
    pub volume_z: Option<Ratio>,
    /// Logarithm of the business-time rate.
    pub ln_market_clock_rate: Option<Ratio>,
    /// Fisher's g: the largest share of the periodogram.
    pub periodicity_g: Option<Ratio>,
    /// Phase of the dominant component, in [0, 1).
    pub dominant_phase: Option<Ratio>,
    /// p-value of Fisher's g.
    pub periodicity_p: Option<Ratio>,
    /// Period of the dominant component, in bars.
    pub dominant_period: Option<Ratio>,
    /// Permutation entropy of the newest returns.
    pub permutation_entropy: Option<Ratio>,
    /// Volume of the bar that fired, in the instrument's unit.
    pub volume: Option<Quantity>,
}

/// The features that make a soulprint's vector, in its order. Their places are for life.
pub const VECTOR_FEATURES: [&str; 6] = [
    "drift_t",
    "volatility",
    "volume_z",
    "ln_market_clock_rate",
    "periodicity_g",
    "dominant_phase",
];

impl Features {
    /// Returns the raw values that make a soulprint's vector, in the order of
    /// [`VECTOR_FEATURES`].
    #[must_use]
    pub const fn vector_values(&self) -> [Option<Ratio>; VECTOR_FEATURES.len()] {
        [
            self.drift_t,
            self.volatility,
            self.volume_z,
            self.ln_market_clock_rate,
            self.periodicity_g,
            self.dominant_phase,
        ]
    }
}

/// Mean and deviation of one feature over the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct FrozenScale {
    /// The mean.
    pub mean: Ratio,
    /// The sample deviation, above zero.
    pub deviation: Ratio,
}

/// The warm-up of a pair is over: its features are scaled by these from now on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct FeatureScalingFrozen {
    /// The pair.
    pub pair: PairId,
    /// Bars of the warm-up.
    pub bars: u64,
    /// One a feature, in the order of [`VECTOR_FEATURES`]; none for one that never varied, which
    /// counts as zero in vectors.
    pub scales: Vec<Option<FrozenScale>>,
}

/// A paper trade begins: it fills as a market order placed now would.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct GhostOpened {
    /// Number of the ghost in its run, from 1.
    pub ghost: u64,
    /// The pair it is long of.
    pub pair: PairId,
    /// What its outcome will count for.
    pub key: EvidenceKey,
    /// The up/down word at firing.
    pub word: Option<u64>,
    /// |z| at firing, where the detector has one.
    pub strength: Option<Ratio>,
    /// How much base currency, on paper.
    pub quantity: Quantity,
    /// The signals at firing.
    pub features: Features,
    /// The features scaled by the frozen warm-up, in the order of [`VECTOR_FEATURES`].
    pub vector: Vec<Ratio>,
    /// What the pattern predictor gives the next bar for rising.
    pub up_probability: Option<Ratio>,
    /// The allocation weight of the leg.
    pub weight: Option<Ratio>,
}

/// A ghost passed the gate and flips into an order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct GhostTriggered {
    /// The ghost; none where nothing could be followed on paper.
    pub ghost: Option<u64>,
    /// The pair of the order; none where no instrument walks the leg.
    pub pair: Option<PairId>,
    /// The key it was judged by.
    pub key: EvidenceKey,
    /// Cases of the key.
    pub cases: u64,
    /// Those that earned something.
    pub successes: u64,
    /// Wilson's lower bound of the share of successes.
    pub lower_bound: Ratio,
    /// Posterior mean of success under a flat prior.
    pub confidence: Ratio,
    /// Mean net return of the cases.
    pub mean_net_return: Ratio,
    /// Capped fractional Kelly share; none below two cases or where returns do not vary.
    pub kelly_fraction: Option<Ratio>,
    /// What a case earns on average after costs.
    pub expected_net_edge: Ratio,
}

/// Why a firing was not acted upon. Positions are numbers for life: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IgnoreReason {
    /// The memory holds no case of the key.
    NoEvidence,
    /// Fewer cases than the gate asks for.
    TooFew,
    /// The lower bound of success does not pass.
    Bound,
    /// The cases earned nothing on average.
    NoEdge,
    /// A position or an order of the pair is open.
    PositionOpen,
    /// A ghost of the same key is open: overlapping cases would not be independent.
    GhostOpen,
    /// There is no cash.
    NoCash,
    /// No instrument of the run has a price for the leg.
    NoPrice,
}

impl IgnoreReason {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::NoEvidence,
        Self::TooFew,
        Self::Bound,
        Self::NoEdge,
        Self::PositionOpen,
        Self::GhostOpen,
        Self::NoCash,
        Self::NoPrice,
    ];

    /// Returns the reason's name in the format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoEvidence => "no_evidence",
            Self::TooFew => "too_few",
            Self::Bound => "bound",
            Self::NoEdge => "no_edge",
            Self::PositionOpen => "position_open",
            Self::GhostOpen => "ghost_open",
            Self::NoCash => "no_cash",
            Self::NoPrice => "no_price",
        }
    }
}

/// A firing was not acted upon.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct GhostIgnored {
    /// The ghost that follows it on paper; none where there is none.
    pub ghost: Option<u64>,
    /// The pair; none where no instrument walks the leg.
    pub pair: Option<PairId>,
    /// The key it was judged by.
    pub key: EvidenceKey,
    /// Why not.
    pub reason: IgnoreReason,
    /// Cases of the key.
    pub cases: u64,
    /// Those that earned something.
    pub successes: u64,
    /// Wilson's lower bound; none without a case.
    pub lower_bound: Option<Ratio>,
    /// Mean net return; none without a case.
    pub mean_net_return: Option<Ratio>,
}

/// A ghost's entry was filled, on paper.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct GhostEntered {
    /// The ghost.
    pub ghost: u64,
    /// At which price, slippage included.
    pub price: Price,
    /// How far that is worse than the market's, as a share of it.
    pub slippage: Ratio,
    /// When.
    pub time: Timestamp,
}

/// A ghost is to leave: it fills as a market order placed now would.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct GhostExitDue {
    /// The ghost.
    pub ghost: u64,
    /// Why: horizon, take_profit or stop.
    pub reason: OrderReason,
    /// True when bars were missing and the horizon had passed for a bar's length or more.
    pub gap: bool,
}

/// A ghost left: its case enters the memory.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct GhostClosed {
    /// The ghost.
    pub ghost: u64,
    /// The key that the case counts for.
    pub key: EvidenceKey,
    /// At which price, slippage included.
    pub price: Price,
    /// How far that is worse than the market's, as a share of it.
    pub slippage: Ratio,
    /// When.
    pub time: Timestamp,
    /// Profit after both fees, as a share of the entry notional.
    pub net_return: Ratio,
    /// Logarithm of what one unit became, after both fees.
    pub net_log_return: Ratio,
    /// True when it earned something.
    pub success: bool,
}

/// An operator's case entered the memory.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct PairMemoryAppended {
    /// The key that the case counts for.
    pub key: EvidenceKey,
    /// Its net return.
    pub net_return: Ratio,
    /// True when it earned something.
    pub success: bool,
}
