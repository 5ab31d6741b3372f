//! The three engines of a run: ghosts, orbits, flips.
//!
//! Each is a plain value. It answers questions (state and question to an event that may be
//! recorded) and folds events that happened. It records nothing itself and knows nothing of files,
//! clocks or the other registries; the kernel asks and records.
//!
//! - **ghost**: a trade on paper. It leaves evidence; the gate judges by nothing else.
//! - **orbit**: a walk through currencies, in stages, judged by its log-return after costs; weights
//!   say how much of a stake a leg gets.
//! - **flip**: the complement of an up/down word, and the way back of a leg; the pattern predictor
//!   says how likely the next bar rises, and is judged on what it said before.
//!
//! A fold compares what an event says with what the engine knows. An [`EngineFault`] says that a
//! log contradicts itself there; what of the event makes sense is folded all the same.

mod flip;
mod gate;
mod ghost;
mod graph;
mod metrics;
mod orbit;
mod predictor;
mod weights;

pub use flip::{FlipEngine, FlipReport, PairFlips};
pub use gate::{Evidence, Family, GateSettings, Judgement};
pub use ghost::{GhostEngine, GhostReport, OpenGhost};
pub use graph::{INSTANT_CYCLES_MAX, InstantCycle};
pub use metrics::EngineMetrics;
pub use orbit::{OrbitEngine, OrbitReport};
pub use predictor::{CONTEXT_BITS_MAX, PredictorReport, PredictorVerdict};
pub use weights::LegWeight;

use crate::event::wire::{Decode, Encode};
use crate::event::{Instrument, WeightRule};
use crate::signals::SignalError;
use crate::units::Ratio;

/// What the engines of a run need to know: part of its configuration, never of its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineSettings {
    /// Width of the up/down word: the bit phase.
    pub word_bits: u8,
    /// What evidence must show before a ghost flips.
    pub gate: GateSettings,
    /// How weights change.
    pub rule: WeightRule,
    /// The most currencies of an instant cycle.
    pub orbit_legs_max: u8,
    /// The venue's fee a side.
    pub fee_rate: Ratio,
    /// Half the venue's spread.
    pub half_spread: Ratio,
    /// The pairs of the run, by number.
    pub instruments: Vec<Instrument>,
}

/// An event that contradicts what its engine knows, or a question without an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineFault {
    /// A number is not the one that comes next.
    #[error("{what} {said} does not follow {last}")]
    Numbering {
        /// What is numbered.
        what: &'static str,
        /// The number in the event.
        said: u64,
        /// The highest number so far.
        last: u64,
    },
    /// No ghost of that number is open.
    #[error("ghost {ghost} is not open")]
    NotOpen {
        /// The ghost.
        ghost: u64,
    },
    /// The key has an open ghost already.
    #[error("ghost {ghost} opens while ghost {open} of the same key is open: {key}")]
    Overlap {
        /// The ghost.
        ghost: u64,
        /// The one that is open.
        open: u64,
        /// The key.
        key: String,
    },
    /// The gate lets this key not pass, and the log says that it did, or the other way about.
    #[error("the gate says `{own}` of {key}, the log says `{said}`")]
    Gate {
        /// The key.
        key: String,
        /// What the evidence gives.
        own: &'static str,
        /// What the log says.
        said: &'static str,
    },
    /// A figure is not what the engine's own state gives.
    #[error("`{field}` of {what} is not what the records before it give")]
    Figure {
        /// What kind of event.
        what: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A step of a ghost's life is out of turn.
    #[error("ghost {ghost} cannot {step} now")]
    OutOfTurn {
        /// The ghost.
        ghost: u64,
        /// What it is said to do.
        step: &'static str,
    },
    /// A formula has no answer.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// A sum does not fit.
    #[error("the sum of {what} does not fit")]
    Overflow {
        /// Of what.
        what: &'static str,
    },
}

/// The engines of one run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Engines {
    /// Ghosts, their evidence and the gate.
    pub ghosts: GhostEngine,
    /// Orbits and weights.
    pub orbits: OrbitEngine,
    /// Words, flips and the predictor.
    pub flips: FlipEngine,
}

impl Engines {
    /// Makes the engines of a run, with an empty memory.
    ///
    /// # Errors
    /// [`EngineFault::Signal`] for a width of words outside 2 to 64, or more pairs than weights can
    /// be given to.
    pub fn new(settings: &EngineSettings) -> Result<Self, EngineFault> {
        Ok(Self {
            ghosts: GhostEngine::new(settings),
            orbits: OrbitEngine::new(settings)?,
            flips: FlipEngine::new(settings)?,
        })
    }

    /// Takes over the evidence of an earlier run, and nothing else of it.
    pub fn carry_evidence(&mut self, earlier: &Self) {
        self.ghosts.carry_evidence(&earlier.ghosts);
    }
}
