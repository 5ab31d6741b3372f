//! What enters the specialised registries, and what links it to the canonical one.
//!
//! Everything here refers to a trade by its canonical hash and repeats none of its fields. The
//! content id of a soulprint or a bucket is a hash over its payload, under a domain of its own.

use serde::Serialize;

use super::order::{Direction, Trigger};
use super::run::PairId;
use super::stamp::RunId;
use super::wire::{self, Decode, Encode, EncodeError};
use crate::hash::{self, Digest};
use crate::time::{Span, Timestamp};
use crate::units::{MoneyExact, Ratio};

/// A registry that refers to trades. Positions are numbers for life: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistryName {
    /// Patterns and what they earned.
    ProfitBuckets,
    /// Feature vectors at entry.
    Soulprints,
}

impl RegistryName {
    /// Every registry, in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::ProfitBuckets, Self::Soulprints];

    /// Returns the registry's name in the format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProfitBuckets => "profit_buckets",
            Self::Soulprints => "soulprints",
        }
    }
}

/// A feature vector was taken at the entry of a position.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SoulprintRegistered {
    /// The run.
    pub run: RunId,
    /// The order that entered.
    pub order: u64,
    /// The ghost that flipped into it.
    pub ghost: u64,
    /// The pair.
    pub pair: PairId,
    /// When the position was entered.
    pub time: Timestamp,
    /// Scaled features, in the order of [`VECTOR_FEATURES`](super::ghost::VECTOR_FEATURES).
    pub vector: Vec<Ratio>,
    /// The pattern it falls into.
    pub bucket: BucketKey,
    /// Posterior mean of success at entry.
    pub confidence: Ratio,
    /// What the pattern predictor gave the next bar for rising.
    pub up_probability: Option<Ratio>,
    /// The allocation weight of the leg.
    pub weight: Option<Ratio>,
}

impl SoulprintRegistered {
    /// Returns the content id: SHA-256 over `"schwabot/soulprint/v1\0"` and the payload.
    ///
    /// # Errors
    /// Never for a payload that came out of a ledger; [`EncodeError`] keeps the door honest.
    pub fn content_id(&self) -> Result<Digest, EncodeError> {
        let mut bytes = Vec::with_capacity(256);
        wire::encode(self, &mut bytes)?;
        Ok(hash::soulprint(&bytes))
    }
}

/// What a soulprint came to: one for each trade that its position was closed by.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SoulprintOutcome {
    /// The soulprint.
    pub soulprint: Digest,
    /// The trade.
    pub trade: Digest,
    /// Net profit.
    pub net: MoneyExact,
    /// Net profit as a share of the entry notional.
    pub net_return: Ratio,
}

/// In which third of its usual values a feature stands: borders at 0.43 deviations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tercile {
    /// Below.
    Low,
    /// Between.
    Middle,
    /// Above.
    High,
}

impl Tercile {
    /// Returns the third that a scaled feature stands in.
    #[must_use]
    pub const fn of(z: Ratio) -> Self {
        /// The border between thirds of a normal distribution, in 10^-9.
        const BORDER: i64 = 430_000_000;
        match z.raw() {
            raw if raw < -BORDER => Self::Low,
            raw if raw > BORDER => Self::High,
            _ => Self::Middle,
        }
    }
}

/// A pattern: what a profit bucket collects trades by, over all pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
pub struct BucketKey {
    /// What fired.
    pub trigger: Trigger,
    /// Which way it pointed.
    pub direction: Direction,
    /// Third of the drift's t-statistic.
    pub drift: Tercile,
    /// Third of the volatility.
    pub volatility: Tercile,
    /// Third of the volume.
    pub volume: Tercile,
    /// Third of the market's clock rate.
    pub clock: Tercile,
}

impl BucketKey {
    /// Returns the content id: SHA-256 over `"schwabot/bucket/v1\0"` and the key.
    ///
    /// # Errors
    /// Never in practice; [`EncodeError`] keeps the door honest.
    pub fn content_id(&self) -> Result<Digest, EncodeError> {
        let mut bytes = Vec::with_capacity(24);
        wire::encode(self, &mut bytes)?;
        Ok(hash::bucket(&bytes))
    }
}

/// A position was entered whose vector is like that of an earlier pattern: a prediction.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct BucketMatched {
    /// The pattern.
    pub bucket: Digest,
    /// The soulprint of the entry.
    pub soulprint: Digest,
    /// Cosine to the pattern's mean vector.
    pub similarity: Ratio,
    /// Trades of the pattern so far.
    pub support: u64,
    /// Posterior mean of success.
    pub expected_success: Ratio,
    /// Mean net return.
    pub expected_net_return: Ratio,
    /// Mean holding time.
    pub expected_holding: Span,
}

/// A prediction met its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct BucketMatchScored {
    /// The pattern that predicted.
    pub bucket: Digest,
    /// The soulprint it was for.
    pub soulprint: Digest,
    /// The trade that answered.
    pub trade: Digest,
    /// What was predicted.
    pub expected_success: Ratio,
    /// Whether the trade earned something.
    pub success: bool,
}

/// A trade entered its pattern.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct BucketObserved {
    /// The pattern.
    pub key: BucketKey,
    /// The trade.
    pub trade: Digest,
    /// The soulprint of its entry.
    pub soulprint: Digest,
    /// Net profit as a share of the entry notional.
    pub net_return: Ratio,
    /// How long it was held.
    pub holding: Span,
    /// When it was closed.
    pub time: Timestamp,
    /// True when it earned something.
    pub success: bool,
}

/// A pattern that nobody needed for a day and that few trades support was put aside.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct BucketRetired {
    /// The pattern.
    pub bucket: Digest,
    /// How long it was idle.
    pub idle: Span,
    /// Trades that support it.
    pub support: u64,
}

/// A trade and an entry of a specialised registry belong together.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct RegistryLinked {
    /// The trade.
    pub trade: Digest,
    /// Its number in its run.
    pub number: u64,
    /// The registry.
    pub registry: RegistryName,
    /// The entry there.
    pub entry: Digest,
}

/// What is wrong with a reference. Positions are numbers for life: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkFault {
    /// A link names a trade that is not there.
    LinkWithoutTrade,
    /// A link names an entry that is not there.
    LinkWithoutEntry,
    /// An entry names no trade although its position is closed.
    EntryWithoutTrade,
    /// An entry names a trade that is not there.
    EntryOfMissingTrade,
    /// An entry and a trade belong together and no link says so.
    EntryNotLinked,
    /// The trade of that number has another hash: one of its fields was changed.
    HashMismatch,
}

/// An orphan was answered: it stays in the log and counts no more.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct OrphanTombstoned {
    /// The registry.
    pub registry: RegistryName,
    /// What is wrong.
    pub fault: LinkFault,
    /// The entry.
    pub entry: Digest,
    /// The trade that it names, if it names one.
    pub trade: Option<Digest>,
}
