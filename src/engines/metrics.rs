//! What every engine counts alike.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::event::wire::{Decode, Encode};
use crate::signals::{Moments, flat_posterior};
use crate::units::Ratio;

/// The running counts behind [`EngineMetrics`].
#[derive(Clone, Debug, PartialEq, Eq, Default, Encode, Decode)]
pub(super) struct Tally {
    operations: u64,
    successes: u64,
    confidence: Moments,
    patterns: BTreeMap<String, u64>,
    bit_phases: BTreeMap<u8, u64>,
}

/// An engine in figures. None of them is ever a constant.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
pub struct EngineMetrics {
    /// Operations: firings judged, cycles run, flips made. Changes of weights are none.
    pub operations: u64,
    /// Those that succeeded, in the sense of the engine.
    pub successes: u64,
    /// Those that did not.
    pub failures: u64,
    /// Share of successes; none without an operation.
    pub success_rate: Option<Ratio>,
    /// Mean posterior of success at the operations that had one; none without any.
    pub mean_confidence: Option<Ratio>,
    /// Operations by pattern.
    pub patterns: BTreeMap<String, u64>,
    /// Operations by width of the word: the bit-phase distribution.
    pub bit_phases: BTreeMap<u8, u64>,
}

impl Tally {
    /// Counts one operation.
    pub(super) fn count(
        &mut self,
        success: bool,
        confidence: Option<Ratio>,
        pattern: String,
        word_bits: Option<u8>,
    ) {
        self.operations += 1;
        self.successes += u64::from(success);
        if let Some(confidence) = confidence {
            // Beyond a million operations the mean stays that of the first million.
            let _full = self.confidence.push(confidence);
        }
        *self.patterns.entry(pattern).or_default() += 1;
        if let Some(bits) = word_bits {
            *self.bit_phases.entry(bits).or_default() += 1;
        }
    }

    /// The posterior mean of success over the operations so far.
    pub(super) fn posterior(&self) -> Ratio {
        flat_posterior(self.successes, self.operations)
    }

    pub(super) fn metrics(&self) -> EngineMetrics {
        EngineMetrics {
            operations: self.operations,
            successes: self.successes,
            failures: self.operations - self.successes,
            success_rate: Ratio::of_counts(self.successes, self.operations),
            mean_confidence: self.confidence.mean(),
            patterns: self.patterns.clone(),
            bit_phases: self.bit_phases.clone(),
        }
    }
}
