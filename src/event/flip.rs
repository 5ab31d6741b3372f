//! Flips: complements of words, and ways back of legs.

use serde::Serialize;

use super::leg::Leg;
use super::run::PairId;
use super::wire::{Decode, Encode};
use crate::hash::Digest;
use crate::units::Ratio;

/// A word was complemented: the mirrored path.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct BitFlipped {
    /// The pair whose path it is; none where an operator gave the word.
    pub pair: Option<PairId>,
    /// The leg that the word stands for; none where an operator gave the word.
    pub leg: Option<Leg>,
    /// Width of the word: the bit phase.
    pub word_bits: u8,
    /// The word, its newest bit lowest.
    pub word: u64,
    /// Every bit turned.
    pub complement: u64,
    /// Bits in which it differs from the word of the pair's flip before.
    pub distance: Option<u32>,
    /// How often the path turned.
    pub sign_changes: u32,
}

/// The way back of a leg was walked, or looked up.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct PairFlipResolved {
    /// The leg.
    pub leg: Leg,
    /// Its way back.
    pub inverse: Leg,
    /// Width of the word.
    pub word_bits: Option<u8>,
    /// The newest word of the leg's pair, where one is known at that width.
    pub word: Option<u64>,
    /// What there and back again costs, as a share; none without a price.
    pub round_trip_cost: Option<Ratio>,
    /// Posterior mean of success of the leg's cases; none without a case.
    pub confidence: Option<Ratio>,
    /// The trade whose exit it was.
    pub trade: Option<Digest>,
}
