//! What does not fit in a log: noticed while folding it, kept for the audit.
//!
//! A fold cannot refuse a fact. When a record contradicts what the records before it say, the
//! world stays as it is and says so here. The kernel itself never gives cause for a finding.

use serde::Serialize;

use super::config::ConfigError;
use super::portfolio::SettleError;
use crate::engines::EngineFault;
use crate::event::{PairId, Projection};
use crate::strategies::StrategyError;

/// Findings that are kept word for word; later ones are only counted, so that a hostile log
/// cannot fill the memory with complaints.
pub const FINDINGS_KEPT_MAX: usize = 1_000;

/// One contradiction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Sequence of the record that shows it.
    pub sequence: u64,
    /// What is wrong, in words.
    #[serde(serialize_with = "as_text")]
    pub kind: FindingKind,
}

fn as_text<S: serde::Serializer>(kind: &FindingKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(kind)
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FindingKind {
    /// The event belongs to a run, and no run is under way.
    #[error("`{event}` outside any run")]
    OutsideRun {
        /// Name of the event's kind.
        event: &'static str,
    },
    /// The configuration is not sound; the run is not folded.
    #[error("the run's configuration is not sound: {0}")]
    Config(#[from] ConfigError),
    /// The engines of the run cannot be built from its configuration; the run is not folded.
    #[error("the run's engines cannot be built: {0}")]
    Strategy(#[from] StrategyError),
    /// An engine's event in a run whose strategy has no engines.
    #[error("`{event}` in a run without engines")]
    NoEngines {
        /// Name of the event's kind.
        event: &'static str,
    },
    /// An engine's event contradicts what the engine knows.
    #[error("{0}")]
    Engine(#[from] EngineFault),
    /// An order says that a ghost flipped into it, and none did.
    #[error("order {order} was placed for a ghost that did not pass the gate")]
    OrderUngated {
        /// The order.
        order: u64,
    },
    /// The log states another state than its records amount to.
    #[error("the state root says another state of `{}`", .projection.name())]
    StateRoot {
        /// The part that differs.
        projection: Projection,
    },
    /// The run has no such pair.
    #[error("pair {} is not in the configuration", .pair.0)]
    UnknownPair {
        /// The pair.
        pair: PairId,
    },
    /// A bar's fields contradict each other; it is not folded.
    #[error("bar of pair {}: {problem}", .pair.0)]
    BadBar {
        /// The pair.
        pair: PairId,
        /// What is wrong.
        problem: &'static str,
    },
    /// The order's number was used before.
    #[error("order {order} does not continue the numbering: {highest} was the last")]
    OrderNumber {
        /// The order.
        order: u64,
        /// The highest number so far.
        highest: u64,
    },
    /// No order of that number waits for its fill.
    #[error("order {order} is not pending")]
    UnknownOrder {
        /// The order.
        order: u64,
    },
    /// The fill is not what was ordered; it is not folded.
    #[error("the fill of order {order} differs from the order in side or quantity")]
    FillDiffers {
        /// The order.
        order: u64,
    },
    /// The fill cannot be settled; it is not folded.
    #[error("the fill of order {order} cannot be settled: {error}")]
    Unsettled {
        /// The order.
        order: u64,
        /// Why not.
        error: SettleError,
    },
    /// A fill closed a round trip, and no trade followed it.
    #[error("{missing} closed round trips are not followed by their trades")]
    TradeMissing {
        /// How many.
        missing: usize,
    },
    /// The trade is not the round trip that a fill closed.
    #[error("trade {trade}: `{field}` differs from the fills")]
    TradeDiffers {
        /// The trade's number.
        trade: u64,
        /// The first field that differs.
        field: &'static str,
    },
    /// No fill closed a round trip, and yet there is a trade.
    #[error("trade {trade} closes nothing")]
    TradeUnfounded {
        /// The trade's number.
        trade: u64,
    },
    /// The trade begins before its run, ends before it begins, or ends after its own record.
    #[error("trade {trade} does not lie in time between the start of its run and its record")]
    TradeTime {
        /// The trade's number.
        trade: u64,
    },
    /// The registry does not take the trade.
    #[error("{problem}")]
    Registry {
        /// Why not.
        problem: String,
    },
    /// The counts that end a run are not those of its records.
    #[error("run_ended says {said} {counted}, the records say {found}")]
    Counts {
        /// What is counted.
        counted: &'static str,
        /// The number in the event.
        said: u64,
        /// The number of records.
        found: u64,
    },
}

/// The findings of a fold.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Findings {
    kept: Vec<Finding>,
    total: u64,
    roots: RootsMet,
}

/// How the recorded state roots compare with what their records amount to.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
pub struct RootsMet {
    /// The newest root that agrees, before the first that does not.
    pub last_agreeing: Option<u64>,
    /// The first root that does not agree.
    pub first_differing: Option<u64>,
    /// The parts in which it differs.
    pub projections: Vec<Projection>,
}

impl Findings {
    pub(super) fn note(&mut self, sequence: u64, kind: FindingKind) {
        self.total += 1;
        if self.kept.len() < FINDINGS_KEPT_MAX {
            self.kept.push(Finding { sequence, kind });
        }
    }

    /// Takes a recorded root and the parts in which the state differs from it. Only the first that
    /// differs is a finding: those after it repeat it.
    pub(super) fn note_root(&mut self, sequence: u64, differing: Vec<Projection>) {
        if self.roots.first_differing.is_some() {
            return;
        }
        if differing.is_empty() {
            self.roots.last_agreeing = Some(sequence);
            return;
        }
        self.roots.first_differing = Some(sequence);
        for projection in &differing {
            self.note(sequence, FindingKind::StateRoot { projection: *projection });
        }
        self.roots.projections = differing;
    }

    /// Returns how the recorded state roots compare with the state.
    #[must_use]
    pub const fn roots(&self) -> &RootsMet {
        &self.roots
    }

    /// Returns the first findings, at most [`FINDINGS_KEPT_MAX`], in the order of the log.
    #[must_use]
    pub fn kept(&self) -> &[Finding] {
        &self.kept
    }

    /// Returns how many there are, kept or not.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "record {}: {}", self.sequence, self.kind)
    }
}
