//! Legs: one conversion from a currency into another, and what the memory knows it by.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::order::{Direction, Side, Trigger};
use super::run::Instrument;
use super::wire::{Decode, Encode};

/// A conversion: one currency is given, another received. Written `FROM→TO`.
///
/// # Examples
/// ```
/// use schwabot::event::Leg;
/// let leg: Leg = "BTC->ETH".parse()?;
/// assert_eq!(leg.to_string(), "BTC→ETH");
/// assert_eq!(leg.inverse().to_string(), "ETH→BTC");
/// # Ok::<(), schwabot::event::BadLeg>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
pub struct Leg {
    /// What is given.
    pub from: String,
    /// What is received.
    pub to: String,
}

/// Text that names no leg.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no leg: write it as FROM→TO or FROM->TO, two different currencies")]
pub struct BadLeg {
    /// What was met.
    pub text: String,
}

impl Leg {
    /// Returns the leg that an order of this side walks: a buy gives quote and receives base.
    #[must_use]
    pub fn of(instrument: &Instrument, side: Side) -> Self {
        let (base, quote) = (instrument.base.clone(), instrument.quote.clone());
        match side {
            Side::Buy => Self { from: quote, to: base },
            Side::Sell => Self { from: base, to: quote },
        }
    }

    /// Returns the way back: the pair flip.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self { from: self.to.clone(), to: self.from.clone() }
    }
}

impl fmt::Display for Leg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}→{}", self.from, self.to)
    }
}

impl FromStr for Leg {
    type Err = BadLeg;

    fn from_str(text: &str) -> Result<Self, BadLeg> {
        let bad = || BadLeg { text: text.to_owned() };
        let (from, to) = text.split_once('→').or_else(|| text.split_once("->")).ok_or_else(bad)?;
        let named = |name: &str| {
            let mark = |c: char| matches!(c, '→' | '/' | '>' | '\\') || c.is_control();
            !name.is_empty() && name.len() <= 32 && !name.contains(mark) && name.trim() == name
        };
        if !named(from) || !named(to) || from == to {
            return Err(bad());
        }
        Ok(Self { from: from.to_owned(), to: to.to_owned() })
    }
}

impl Instrument {
    /// True when an order of this pair, either way, walks the leg.
    #[must_use]
    pub fn walks(&self, leg: &Leg) -> bool {
        let (from, to) = (leg.from.as_str(), leg.to.as_str());
        let (base, quote) = (self.base.as_str(), self.quote.as_str());
        (from, to) == (base, quote) || (from, to) == (quote, base)
    }
}

/// What evidence is kept by: a ghost's case counts for exactly this key.
///
/// The value of the word is recorded with each firing and is no part of the key: cases would
/// never add up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
pub struct EvidenceKey {
    /// The conversion that a ghost enters by.
    pub leg: Leg,
    /// What fired.
    pub trigger: Trigger,
    /// Which way it pointed.
    pub direction: Direction,
    /// Width of the up/down word: the bit phase.
    pub word_bits: u8,
}

impl fmt::Display for EvidenceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { leg, trigger, direction, word_bits } = self;
        write!(f, "{leg} {} {} bit{word_bits}", trigger.name(), direction.name())
    }
}
