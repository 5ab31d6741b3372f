//! What is wrong with the data of a pair, counted by kind.

use serde::Serialize;

use crate::event::wire::{Decode, Encode};
use crate::event::{Defect, Instrument};
use crate::time::{Span, Timestamp};

/// The defects of one pair's data in a run.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct PairQuality {
    /// The pair as `BASE/QUOTE`.
    pub symbol: String,
    /// Bars that were delivered.
    pub bars: u64,
    /// Places where bars are missing.
    pub gaps: u64,
    /// How many are missing there.
    pub missing_bars: u64,
    /// The widest gap: from when on, and how long nothing is known.
    pub longest_gap: Option<(Timestamp, Span)>,
    /// Rows that repeat the bar before, left out.
    pub duplicates: u64,
    /// Rows older than the bar before, left out.
    pub disorders: u64,
    /// Rows that cannot be read, left out.
    pub malformed: u64,
    /// Bars at an odd distance from the one before.
    pub off_grid: u64,
    /// Length of its bars.
    #[serde(skip)]
    interval: Span,
}

impl PairQuality {
    pub(super) fn new(instrument: &Instrument) -> Self {
        Self {
            symbol: instrument.symbol(),
            bars: 0,
            gaps: 0,
            missing_bars: 0,
            longest_gap: None,
            duplicates: 0,
            disorders: 0,
            malformed: 0,
            off_grid: 0,
            interval: instrument.interval,
        }
    }

    /// Returns how many defects there are.
    #[must_use]
    pub const fn defects(&self) -> u64 {
        self.gaps + self.duplicates + self.disorders + self.malformed + self.off_grid
    }

    pub(super) fn take(&mut self, defect: &Defect) {
        match *defect {
            Defect::Gap { after, until, missing_bars } => {
                self.gaps += 1;
                // A log may claim anything; a count that no data can have just stays at the top.
                self.missing_bars = self.missing_bars.saturating_add(missing_bars);
                let known_until = after.plus(self.interval).unwrap_or(after);
                let unknown = until.since(known_until).unwrap_or_default();
                if self.longest_gap.is_none_or(|(_, longest)| unknown > longest) {
                    self.longest_gap = Some((known_until, unknown));
                }
            }
            Defect::Duplicate { .. } => self.duplicates += 1,
            Defect::Disorder { .. } => self.disorders += 1,
            Defect::Malformed { .. } => self.malformed += 1,
            Defect::OffGrid { .. } => self.off_grid += 1,
        }
    }
}
