//! Orbits: walks through currencies, in stages, and the weights that allocate to them.

use serde::Serialize;

use super::leg::Leg;
use super::wire::{Decode, Encode};
use crate::hash::Digest;
use crate::time::Timestamp;
use crate::units::{MoneyExact, Price, Ratio};

/// What made a cycle. Positions in this list are numbers for life: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrbitKind {
    /// A closed trade: its entry leg, and its exit leg at a later time.
    RoundTrip,
    /// Three or more currencies at one instant.
    InstantCycle,
    /// An operator ran stages of legs.
    Commanded,
}

/// What was done with a leg. Positions are numbers for life: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LegAction {
    /// It was walked.
    Walked,
    /// It was priced and not walked: an instant cycle is evidence, never an order.
    Priced,
    /// It was held: the trend was not up.
    HeldTrend,
    /// It was held: its weight is too small.
    HeldWeight,
}

/// One leg of a cycle.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct OrbitLeg {
    /// Its stage, from 1: legs of one stage belong to one time step.
    pub stage: u16,
    /// The conversion.
    pub leg: Leg,
    /// Width of the word, where one belongs to it.
    pub word_bits: Option<u8>,
    /// The allocation weight in force.
    pub weight: Option<Ratio>,
    /// What was done.
    pub action: LegAction,
    /// At which price, slippage included.
    pub price: Option<Price>,
    /// When.
    pub time: Option<Timestamp>,
}

/// A cycle was run through.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct OrbitCycleRun {
    /// Number of the cycle in its run, from 1.
    pub cycle: u64,
    /// What made it.
    pub kind: OrbitKind,
    /// Its legs, by stage.
    pub legs: Vec<OrbitLeg>,
    /// Sum of the weights of the legs that were walked.
    pub weight_walked: Ratio,
    /// What was staked, in quote currency; a round trip's entry notional.
    pub notional: Option<MoneyExact>,
    /// What it earned after costs, in quote currency.
    pub net: Option<MoneyExact>,
    /// Logarithm of what one unit became after costs; none where a price is missing.
    pub log_return: Option<Ratio>,
    /// The trade that it is, for a round trip.
    pub trade: Option<Digest>,
    /// Round trip: it earned something; instant: the walk pays; commanded: a leg was walked.
    pub success: bool,
}

/// The stage with the best evidence was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct OrbitSelected {
    /// Its place in the list, from 1; none where no leg has a case.
    pub stage: Option<u16>,
    /// Cases of its legs.
    pub cases: u64,
    /// Those that earned something.
    pub successes: u64,
    /// Wilson's lower bound over them.
    pub lower_bound: Option<Ratio>,
}

/// How weights change. Positions in this list are numbers for life: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightRule {
    /// Multiplied by e to the gain, normalised, floored, normalised.
    Exponentiated,
    /// The gain is added, and the weight floored at zero.
    Additive,
}

/// Allocation weights changed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct VolumeWeightsChanged {
    /// The leg that gained or lost.
    pub leg: Leg,
    /// Width of the word.
    pub word_bits: u8,
    /// By which rule.
    pub rule: WeightRule,
    /// Its net log-return, or what was added.
    pub gain: Ratio,
    /// Its weight before.
    pub old: Ratio,
    /// Its weight after.
    pub new: Ratio,
    /// All weights after, in the order of (leg, word_bits).
    pub weights: Vec<Ratio>,
}
