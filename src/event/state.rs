//! State roots: what the log says its own state is, one digest a projection.

use serde::Serialize;

use super::wire::{self, Decode, Encode};
use crate::hash::{self, Digest};

/// A part of the state with a digest of its own. Positions are numbers for life: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Projection {
    /// Bars, defects, last prices and windows of every pair.
    Market,
    /// Cash, positions, profit, equity.
    Portfolio,
    /// Orders on their way, and the counts of records.
    Orders,
    /// The canonical trades.
    Trades,
    /// Profit buckets.
    Buckets,
    /// Soulprints.
    Soulprints,
    /// Links and tombstones.
    Links,
    /// Ghosts and their evidence.
    Ghosts,
    /// Orbits and weights.
    Orbits,
    /// Words, flips and the predictor.
    Flips,
}

impl Projection {
    /// Every part, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Market,
        Self::Portfolio,
        Self::Orders,
        Self::Trades,
        Self::Buckets,
        Self::Soulprints,
        Self::Links,
        Self::Ghosts,
        Self::Orbits,
        Self::Flips,
    ];

    /// Returns the part's name in the format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Market => "market",
            Self::Portfolio => "portfolio",
            Self::Orders => "orders",
            Self::Trades => "trades",
            Self::Buckets => "buckets",
            Self::Soulprints => "soulprints",
            Self::Links => "links",
            Self::Ghosts => "ghosts",
            Self::Orbits => "orbits",
            Self::Flips => "flips",
        }
    }
}

/// The digest of one part of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ProjectionRoot {
    /// Which part.
    pub projection: Projection,
    /// Its digest.
    pub digest: Digest,
}

/// The state after every record before this one.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct StateRoot {
    /// Events folded so far, over all runs.
    pub events: u64,
    /// One digest a part, in the order of [`Projection::ALL`].
    pub roots: Vec<ProjectionRoot>,
}

/// Returns the digest of a part of the state: SHA-256 over `"schwabot/state/v1\0"` and the value's
/// encoding.
#[must_use]
pub fn state_digest(value: &impl Encode) -> Digest {
    let mut bytes = Vec::with_capacity(1024);
    // A value of this crate has an encoding; if one had not, its digest would be that of what was
    // written of it.
    drop(wire::encode(value, &mut bytes));
    hash::state(&bytes)
}
