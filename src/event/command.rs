//! What an operator asks for: inputs of vantage `operator`.
//!
//! A command is a fact (somebody asked); what follows from it is derived. One that cannot be
//! carried out is answered by [`CommandRefused`].
//!
//! One that says something about a person is stored as a [`SealedCommand`]. The kernel never sees
//! it: whoever runs a live bot opens it first and steps the kernel with the plain [`Command`].

use serde::Serialize;

use super::leg::{EvidenceKey, Leg};
use super::sealed::Sealed;
use super::wire::{Decode, Encode};
use crate::time::Timestamp;
use crate::units::{Price, Ratio};

/// One command, at its place in the stream of inputs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Command {
    /// One-based line in its file.
    pub row: u64,
    /// When it was given.
    pub time: Timestamp,
    /// What is asked for.
    pub action: Action,
}

/// A command as it is stored where it holds personal content. Its record names the erasure key.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SealedCommand {
    /// One-based line in its file; the same as inside.
    pub row: u64,
    /// When it was given; the same as inside.
    pub time: Timestamp,
    /// The payload encoding of the [`Command`], sealed as [`SealedCommand::WHAT`].
    pub sealed: Sealed,
}

impl SealedCommand {
    /// What a sealed command is sealed as; see `FORMAT.md`, "Personal fields".
    pub const WHAT: &str = "command";
}

/// What a command asks for. Positions in this list are numbers for life: append only.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Action {
    /// To take a ghost trigger for fired.
    GhostTrigger {
        /// The key it fires under.
        key: EvidenceKey,
        /// The up/down word, where the operator gives one.
        word: Option<u64>,
        /// How sure the operator is; recorded, and never believed.
        confidence: Option<Ratio>,
    },
    /// To remember how a case ended that the operator saw.
    AppendMemory {
        /// The key.
        key: EvidenceKey,
        /// Its net return: above zero is a success.
        net_return: Ratio,
    },
    /// To change an allocation weight; possible under additive weights only.
    ChangeWeight {
        /// The leg.
        leg: Leg,
        /// Width of the word.
        word_bits: u8,
        /// What is added.
        delta: Ratio,
    },
    /// To complement a word.
    FlipBits {
        /// The word.
        word: u64,
        /// Its width.
        word_bits: u8,
    },
    /// To look up the way back of a leg.
    FlipPair {
        /// The leg.
        leg: Leg,
        /// Width of the word whose pattern is asked for.
        word_bits: Option<u8>,
    },
    /// To run stages of legs once, on the trends given with them.
    RunOrbit {
        /// The stages, each a list of legs.
        stages: Vec<Vec<StageLeg>>,
        /// What the operator says of the market.
        market: Vec<LegQuote>,
    },
    /// To name the stage with the best evidence.
    SelectOrbit {
        /// The stages.
        stages: Vec<Vec<StageLeg>>,
    },
    /// To answer every orphan of the registries by a tombstone.
    CleanUp,
}

/// A leg of a stage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
pub struct StageLeg {
    /// The conversion.
    pub leg: Leg,
    /// Width of the word.
    pub word_bits: u8,
}

/// Which way a price goes, as an operator says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    /// Upwards.
    Up,
    /// Downwards.
    Down,
    /// Neither.
    Neutral,
}

/// What an operator says of one leg's market.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct LegQuote {
    /// The leg.
    pub leg: Leg,
    /// Its trend.
    pub trend: Trend,
    /// Its price, where given.
    pub price: Option<Price>,
}

/// Why a command was not carried out. Positions are numbers for life: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandRefusal {
    /// The run's strategy takes no commands.
    NoCommands,
    /// A width outside 2 to 64, or a word with more bits than its width.
    BadWord,
    /// Weights of this run learn by themselves and are not changed by hand.
    WeightsLearn,
    /// There is no stage, or one without legs.
    EmptyOrbit,
    /// A result does not fit its type.
    Overflow,
}

/// A command that was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct CommandRefused {
    /// Line of the command.
    pub row: u64,
    /// Why not.
    pub reason: CommandRefusal,
}
