//! What is wrong with the data of a run, pair by pair.

use serde::Serialize;

use crate::kernel::{PairQuality, RunState};

/// The defects of a run's data.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct DataQuality {
    pairs: Vec<PairQuality>,
}

impl DataQuality {
    /// Returns what a run has met.
    #[must_use]
    pub fn of(run: &RunState) -> Self {
        Self { pairs: run.pairs().iter().map(|pair| pair.quality.clone()).collect() }
    }

    /// Returns the pairs of the run.
    #[must_use]
    pub fn pairs(&self) -> &[PairQuality] {
        &self.pairs
    }
}
