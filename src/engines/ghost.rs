//! The ghost engine: paper trades from firing to evidence, and the memory they leave.
//!
//! A ghost's life: opened at a firing, entered at the next price, told to leave, closed. Only then
//! its case enters the memory, once, whether or not it had flipped into an order; a real trade adds
//! none. At most one ghost of a key is open, so that cases do not overlap. What is still open when
//! the data ends leaves no case.
//!
//! Memory: one entry a key and one an open ghost; both are bounded by the pairs of the run, never
//! by its length.

use std::collections::BTreeMap;

use serde::Serialize;

use super::gate::{self, Evidence, Family, GateSettings, Judgement};
use super::metrics::{EngineMetrics, Tally};
use super::{EngineFault, EngineSettings};
use crate::event::wire::{Decode, Encode};
use crate::event::{
    EvidenceKey, GhostClosed, GhostEntered, GhostExitDue, GhostIgnored, GhostOpened,
    GhostTriggered, IgnoreReason, PairId, PairMemoryAppended, state_digest,
};
use crate::hash::Digest;
use crate::signals::{net_return, normal_quantile};
use crate::time::Timestamp;
use crate::units::Ratio;

/// A paper trade that is not over.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OpenGhost {
    /// How it began.
    pub opened: GhostOpened,
    /// When it began.
    pub opened_at: Timestamp,
    /// Its entry, once it was filled.
    pub entry: Option<GhostEntered>,
    /// Why it is to leave, once it is.
    pub exit: Option<GhostExitDue>,
    /// What the gate said, if it flipped.
    pub triggered: Option<GhostTriggered>,
}

/// Ghosts in figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GhostReport {
    /// Firings that were judged.
    pub firings: u64,
    /// Paper trades that began.
    pub opened: u64,
    /// Those that are over.
    pub closed: u64,
    /// Those that are not.
    pub open: u64,
    /// Closed ones that earned something after costs.
    pub successes: u64,
    /// Their share: the ghost success rate.
    pub success_rate: Option<Ratio>,
    /// Cases that an operator added to the memory.
    pub appended: u64,
    /// Firings that passed the gate.
    pub triggered: u64,
    /// Firings that were not acted upon, by reason.
    pub ignored: BTreeMap<&'static str, u64>,
    /// Keys with at least one case.
    pub keys_tested: u64,
    /// Keys that would pass the gate now. Of many keys some pass by chance.
    pub keys_passed: u64,
    /// Keys that a firing passed the gate under.
    pub keys_ever_passed: u64,
}

/// The ghost flip engine.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GhostEngine {
    gate: GateSettings,
    fee_rate: Ratio,
    evidence: BTreeMap<EvidenceKey, Evidence>,
    open: BTreeMap<u64, OpenGhost>,
    last: u64,
    closed: u64,
    successes: u64,
    appended: u64,
    ignored: BTreeMap<IgnoreReason, u64>,
    /// Firings that passed, by key.
    passed: BTreeMap<EvidenceKey, u64>,
    tally: Tally,
}

impl GhostEngine {
    pub(super) fn new(settings: &EngineSettings) -> Self {
        Self {
            gate: settings.gate.clone(),
            fee_rate: settings.fee_rate,
            evidence: BTreeMap::new(),
            open: BTreeMap::new(),
            last: 0,
            closed: 0,
            successes: 0,
            appended: 0,
            ignored: BTreeMap::new(),
            passed: BTreeMap::new(),
            tally: Tally::default(),
        }
    }

    pub(super) fn carry_evidence(&mut self, earlier: &Self) {
        self.evidence.clone_from(&earlier.evidence);
    }

    /// Asks the gate about a key.
    #[must_use]
    pub fn judge(&self, key: &EvidenceKey) -> Judgement {
        gate::judge(self.evidence.get(key), &self.gate, self.z())
    }

    /// The z of the bound: with many keys tested, that of a level shared between them.
    fn z(&self) -> Ratio {
        let keys = self.evidence.len() as i64;
        if self.gate.family == Family::None || keys < 2 {
            return self.gate.z;
        }
        // Two-sided 5 %, shared: the upper tail holds 2.5 % / keys.
        let tail = Ratio::from_raw(25_000_000 / keys);
        normal_quantile(tail).map_or(self.gate.z, |z| z.max(self.gate.z))
    }

    /// Returns the cases of every key that has one, sorted.
    pub fn evidence(&self) -> impl Iterator<Item = (&EvidenceKey, &Evidence)> {
        self.evidence.iter()
    }

    /// Returns the open ghost of a key.
    #[must_use]
    pub fn open_ghost_of(&self, key: &EvidenceKey) -> Option<&OpenGhost> {
        self.open.values().find(|ghost| ghost.opened.key == *key)
    }

    /// Returns an open ghost.
    #[must_use]
    pub fn get(&self, ghost: u64) -> Option<&OpenGhost> {
        self.open.get(&ghost)
    }

    /// Returns the open ghosts of a pair, oldest first.
    pub fn of_pair(&self, pair: PairId) -> impl Iterator<Item = &OpenGhost> {
        self.open.values().filter(move |ghost| ghost.opened.pair == pair)
    }

    /// Returns all open ghosts, oldest first.
    pub fn open(&self) -> impl Iterator<Item = &OpenGhost> {
        self.open.values()
    }

    /// Returns the number of the next ghost.
    #[must_use]
    pub const fn next_number(&self) -> u64 {
        self.last.saturating_add(1)
    }

    /// Takes a paper trade that began.
    ///
    /// # Errors
    /// [`EngineFault`] for a number out of order, or a second open ghost of a key.
    pub fn fold_opened(
        &mut self,
        opened: &GhostOpened,
        time: Timestamp,
    ) -> Result<(), EngineFault> {
        let (said, last) = (opened.ghost, self.last);
        if said != self.next_number() {
            return Err(EngineFault::Numbering { what: "ghost", said, last });
        }
        let overlap = self.open_ghost_of(&opened.key).map(|open| open.opened.ghost);
        self.last = said;
        let ghost = OpenGhost {
            opened: opened.clone(),
            opened_at: time,
            entry: None,
            exit: None,
            triggered: None,
        };
        self.open.insert(said, ghost);
        match overlap {
            None => Ok(()),
            Some(open) => {
                Err(EngineFault::Overlap { ghost: said, open, key: opened.key.to_string() })
            }
        }
    }

    /// Takes a firing that is said to have passed the gate; the gate is asked again.
    ///
    /// # Errors
    /// [`EngineFault::Gate`] when the evidence does not let it pass, [`EngineFault::Figure`] when
    /// it says something else.
    pub fn fold_triggered(&mut self, said: &GhostTriggered) -> Result<(), EngineFault> {
        let own = self.judge(&said.key);
        *self.passed.entry(said.key.clone()).or_default() += 1;
        self.count(&said.key, true, own.confidence);
        if let Some(ghost) = said.ghost.and_then(|ghost| self.open.get_mut(&ghost)) {
            ghost.triggered = Some(said.clone());
        }
        if let Some(reason) = own.refusal {
            let key = said.key.to_string();
            return Err(EngineFault::Gate { key, own: reason.name(), said: "triggered" });
        }
        let kelly = own.kelly.as_ref().map(|kelly| kelly.fraction);
        let figures = [
            (said.cases == own.cases, "cases"),
            (said.successes == own.successes, "successes"),
            (Some(said.lower_bound) == own.lower_bound, "lower_bound"),
            (said.confidence == own.confidence, "confidence"),
            (Some(said.mean_net_return) == own.mean_net_return, "mean_net_return"),
            (said.kelly_fraction == kelly, "kelly_fraction"),
            (said.expected_net_edge == own.expected_net_edge, "expected_net_edge"),
        ];
        check("ghost_triggered", &figures)
    }

    /// Takes a firing that was not acted upon; the gate is asked again.
    ///
    /// # Errors
    /// As [`fold_triggered`](Self::fold_triggered).
    pub fn fold_ignored(&mut self, said: &GhostIgnored) -> Result<(), EngineFault> {
        let own = self.judge(&said.key);
        *self.ignored.entry(said.reason).or_default() += 1;
        self.count(&said.key, false, own.confidence);
        let by_evidence = said.reason <= IgnoreReason::NoEdge;
        let agrees = match own.refusal {
            Some(reason) => reason == said.reason || said.reason == IgnoreReason::GhostOpen,
            None => !by_evidence,
        };
        if !agrees {
            let (key, said) = (said.key.to_string(), said.reason.name());
            let own = own.refusal.map_or("pass", IgnoreReason::name);
            return Err(EngineFault::Gate { key, own, said });
        }
        let figures = [
            (said.cases == own.cases, "cases"),
            (said.successes == own.successes, "successes"),
            (said.lower_bound == own.lower_bound, "lower_bound"),
            (said.mean_net_return == own.mean_net_return, "mean_net_return"),
        ];
        check("ghost_ignored", &figures)
    }

    fn count(&mut self, key: &EvidenceKey, success: bool, confidence: Ratio) {
        let pattern = format!("{} {}", key.trigger.name(), key.direction.name());
        self.tally.count(success, Some(confidence), pattern, Some(key.word_bits));
    }

    fn open_mut(&mut self, ghost: u64) -> Result<&mut OpenGhost, EngineFault> {
        self.open.get_mut(&ghost).ok_or(EngineFault::NotOpen { ghost })
    }

    /// Takes the entry of a ghost.
    ///
    /// # Errors
    /// [`EngineFault`] for a ghost that is not open, or was entered before.
    pub fn fold_entered(&mut self, entered: &GhostEntered) -> Result<(), EngineFault> {
        let ghost = self.open_mut(entered.ghost)?;
        if ghost.entry.is_some() {
            return Err(EngineFault::OutOfTurn { ghost: entered.ghost, step: "be entered" });
        }
        ghost.entry = Some(entered.clone());
        Ok(())
    }

    /// Takes the word that a ghost is to leave.
    ///
    /// # Errors
    /// [`EngineFault`] for a ghost that is not open, not entered, or on its way out.
    pub fn fold_exit_due(&mut self, due: &GhostExitDue) -> Result<(), EngineFault> {
        let ghost = self.open_mut(due.ghost)?;
        if ghost.entry.is_none() || ghost.exit.is_some() {
            return Err(EngineFault::OutOfTurn { ghost: due.ghost, step: "be told to leave" });
        }
        ghost.exit = Some(due.clone());
        Ok(())
    }

    /// Takes the end of a ghost: its case enters the memory.
    ///
    /// # Errors
    /// [`EngineFault`] for a ghost that is not on its way out, figures that its prices do not give,
    /// or a memory that is full.
    pub fn fold_closed(&mut self, closed: &GhostClosed) -> Result<(), EngineFault> {
        let number = closed.ghost;
        let ghost = self.open_mut(number)?;
        let (Some(entry), Some(_)) = (&ghost.entry, &ghost.exit) else {
            return Err(EngineFault::OutOfTurn { ghost: number, step: "be closed" });
        };
        let (entry_price, entry_time) = (entry.price, entry.time);
        let own_key = ghost.opened.key == closed.key;
        self.open.remove(&number);
        self.closed += 1;
        self.successes += u64::from(closed.success);
        self.remember(&closed.key, closed.net_return)?;
        let (net, log) = net_return(entry_price, closed.price, self.fee_rate)?;
        let figures = [
            (own_key, "key"),
            (closed.net_return == net, "net_return"),
            (closed.net_log_return == log, "net_log_return"),
            (closed.success == net.is_positive(), "success"),
            (closed.time >= entry_time, "time"),
        ];
        check("ghost_closed", &figures)
    }

    /// Takes a case that an operator saw.
    ///
    /// # Errors
    /// [`EngineFault`] for a success that is none, or a memory that is full.
    pub fn fold_memory(&mut self, appended: &PairMemoryAppended) -> Result<(), EngineFault> {
        self.appended += 1;
        self.remember(&appended.key, appended.net_return)?;
        let sound = appended.success == appended.net_return.is_positive();
        check("pair_memory_appended", &[(sound, "success")])
    }

    fn remember(&mut self, key: &EvidenceKey, net_return: Ratio) -> Result<(), EngineFault> {
        Ok(self.evidence.entry(key.clone()).or_default().push(net_return)?)
    }

    /// Returns ghosts and gate in figures.
    #[must_use]
    pub fn report(&self) -> GhostReport {
        let of = |reason: IgnoreReason| self.ignored.get(&reason).copied().unwrap_or(0);
        let passes = |key: &&EvidenceKey| self.judge(key).refusal.is_none();
        let triggered: u64 = self.passed.values().sum();
        GhostReport {
            firings: triggered + self.ignored.values().sum::<u64>(),
            opened: self.last,
            closed: self.closed,
            open: self.open.len() as u64,
            successes: self.successes,
            success_rate: Ratio::of_counts(self.successes, self.closed),
            appended: self.appended,
            triggered,
            ignored: IgnoreReason::ALL.map(|reason| (reason.name(), of(reason))).into(),
            keys_tested: self.evidence.len() as u64,
            keys_passed: self.evidence.keys().filter(passes).count() as u64,
            keys_ever_passed: self.passed.len() as u64,
        }
    }

    /// Returns the engine in the figures that all have: an operation is a firing, its success the
    /// passing of the gate.
    #[must_use]
    pub fn metrics(&self) -> EngineMetrics {
        self.tally.metrics()
    }

    /// Returns the digest of the engine's state.
    #[must_use]
    pub fn digest(&self) -> Digest {
        state_digest(self)
    }
}

/// Returns the first figure that is not as it should be as a fault.
pub(super) fn check(
    what: &'static str,
    figures: &[(bool, &'static str)],
) -> Result<(), EngineFault> {
    match figures.iter().find(|(sound, _)| !sound) {
        Some((_, field)) => Err(EngineFault::Figure { what, field }),
        None => Ok(()),
    }
}
