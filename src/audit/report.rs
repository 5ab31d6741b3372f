//! What an audit says, for people and for programs.
//!
//! Exit codes: 0 intact, 2 could not check, 10 torn tail, 11 corrupt, 12 missing, cut, reordered
//! or spliced, 13 rolled back, forked or chained anew below a checkpoint, 14 a bad signature or a
//! policy that is not met, 15 a registry or temporal finding, 16 state mismatch, 17 derivation
//! mismatch. Where several hold, the gravest gives the code, in the order of [`Verdict`]'s
//! variants.

use std::fmt;

use serde::Serialize;

use super::derived::DerivedDamage;
use crate::checkpoint::{Checkpoint, Signed};
use crate::event::{SubjectId, Vantage};
use crate::hash::Digest;
use crate::ledger::scan::{Fault, FaultClass};
use crate::ledger::{Head, LedgerEnd};
use crate::time::Timestamp;

/// Version of the JSON report.
pub const REPORT_SCHEMA: &str = "schwabot/verify/1";
/// Faults that are listed one by one; all are counted.
pub const FAULTS_LISTED_MAX: usize = 1000;

/// How far an audit goes; each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Every stored byte against the chain.
    Chain,
    /// And the RFC 6962 root over all records.
    Tree,
    /// And what the log means: registries, profit, times.
    State,
    /// And every decision, re-executed from the recorded inputs.
    Derive,
}

/// The answer in one word, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Promised bytes are not what they were.
    Corrupt,
    /// Something was removed, cut, reordered or slipped in.
    Missing,
    /// Rolled back or forked against a known checkpoint, or chained anew below one.
    Contradicted,
    /// A signature that is not good, or a policy that is not met.
    BadSignature,
    /// A recorded decision does not follow from the recorded inputs.
    DerivationMismatch,
    /// The log does not mean the state that it states.
    StateMismatch,
    /// A registry, profit or time that does not fit, or an import out of its place.
    Finding,
    /// Something could not be checked, and nothing else is wrong.
    NotChecked,
    /// An append that a crash cut short; nobody was promised it.
    TornTail,
    /// All that was checked holds.
    Intact,
}

impl Verdict {
    /// Returns the exit code of `verify`.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Intact => 0,
            Self::NotChecked => 2,
            Self::TornTail => 10,
            Self::Corrupt => 11,
            Self::Missing => 12,
            Self::Contradicted => 13,
            Self::BadSignature => 14,
            Self::Finding => 15,
            Self::StateMismatch => 16,
            Self::DerivationMismatch => 17,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Intact => "intact",
            Self::NotChecked => "could not check everything",
            Self::TornTail => "torn tail",
            Self::Corrupt => "corrupt",
            Self::Missing => "missing, cut, reordered or spliced",
            Self::Finding => "findings in registries or times",
            Self::StateMismatch => "state mismatch",
            Self::Contradicted => "rolled back, forked, or chained anew below a checkpoint",
            Self::BadSignature => "bad signature, or policy not met",
            Self::DerivationMismatch => "derivation mismatch",
        })
    }
}

/// How well a range of records is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// The chain holds within the range: whoever wrote all of it could have written it anew.
    SelfConsistent,
    /// And a checkpoint that the log's key signed covers it: only who holds that key could have.
    Signed,
    /// And the quorum of a policy's witnesses saw that checkpoint: not without them either.
    Witnessed,
}

/// Records that are still provable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProvableRange {
    /// First record.
    pub from: u64,
    /// One past the last record.
    pub to: u64,
    /// How well.
    pub strength: Strength,
    /// Names of the log keys that signed.
    pub by: Vec<String>,
    /// Who else saw it, and when.
    pub witnessed: Option<Witnessed>,
}

/// How many witnesses saw a checkpoint, and by when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Witnessed {
    /// Witnesses that cosigned.
    pub cosigned: usize,
    /// Witnesses that the policy lists.
    pub of: usize,
    /// When the last of them did.
    pub time: Timestamp,
}

/// A signed note, held against the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckpointReport {
    /// Which log it is of.
    pub origin: String,
    /// Records that it covers.
    pub size: u64,
    /// The root that it states.
    pub root: Digest,
    /// Names of the known keys whose signatures are good.
    pub signed_by: Vec<String>,
    /// True when nothing is wrong with it and the log has its root; none when the root could not be
    /// compared, because of damage or because that part was left out.
    pub holds: Option<bool>,
}

impl CheckpointReport {
    pub(super) fn new(checkpoint: &Checkpoint, good: &[Signed], holds: Option<bool>) -> Self {
        let signed_by = good.iter().map(|signed| signed.key.name().to_owned()).collect();
        let Checkpoint { origin, size, root } = checkpoint.clone();
        Self { origin, size, root, signed_by, holds }
    }
}

/// A statement of the log or of a note that does not hold, or a record that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of verdict it gives.
    pub verdict: Verdict,
    /// The record.
    pub sequence: u64,
    /// What does not hold.
    pub what: String,
}

/// The first record that re-execution answers differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// The record.
    pub sequence: u64,
    /// What the log holds there.
    pub recorded: String,
    /// What follows from the recorded inputs.
    pub re_executed: String,
}

/// Where the state that the log states parts from the one that its records amount to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateParting {
    /// The newest state root that still agrees; none where already the first one differs.
    pub last_agreeing: Option<u64>,
    /// The first state root that differs.
    pub first_differing: u64,
    /// The parts in which it differs, by name.
    pub projections: Vec<&'static str>,
    /// The first record at which the recorded world and the re-executed one part; none where the
    /// run cannot be re-executed, or the two never part before that root.
    pub first_event: Option<u64>,
}

impl StateParting {
    /// Notes the record at which two worlds part, where that explains why the roots differ.
    pub(super) fn part_at(&mut self, sequence: u64) {
        self.first_event = Some(sequence).filter(|event| *event <= self.first_differing);
    }
}

/// What an audit left out because a checkpoint that is believed covers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Records from the first on.
    pub records: u64,
    /// Segments from the first on.
    pub segments: u64,
}

/// Everything an audit found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// [`REPORT_SCHEMA`].
    pub schema: &'static str,
    /// The answer.
    pub verdict: Verdict,
    /// The answer as an exit code.
    pub exit_code: u8,
    /// All verdicts that hold, the gravest first.
    pub verdicts: Vec<Verdict>,
    /// How far the audit was asked to go.
    pub level: Level,
    /// How the ledger ends.
    pub end: LedgerEnd,
    /// Size and root over the records that count, where all of them are there.
    pub head: Option<Head>,
    /// Link of the last frame that counts.
    pub chain_head: Option<Digest>,
    /// Segments that were looked at.
    pub segments: u64,
    /// Whole frames that were seen.
    pub frames: u64,
    /// Records that count.
    pub records: u64,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Records that count but that no later frame proves durable.
    pub unproven: u64,
    /// Records newer than the last checkpoint.
    pub unanchored: u64,
    /// The first thing that is wrong.
    pub first_bad: Option<Fault>,
    /// How many faults there are.
    pub fault_count: u64,
    /// The first [`FAULTS_LISTED_MAX`] of them.
    pub faults: Vec<Fault>,
    /// What is still provable.
    pub provable: Vec<ProvableRange>,
    /// The signed notes, at most [`FAULTS_LISTED_MAX`]: the oldest are left out.
    pub checkpoints: Vec<CheckpointReport>,
    /// Proof that the log's key signed two histories, where there is one.
    pub misbehaviour: Option<String>,
    /// Statements that do not hold.
    pub findings: Vec<Finding>,
    /// How many of those there are.
    pub finding_count: u64,
    /// Where the stated state parts from the records'.
    pub state_parting: Option<StateParting>,
    /// The first decision that does not follow.
    pub mismatch: Option<Mismatch>,
    /// Canonical hashes of trades whose own record has a finding or is the mismatch.
    pub affected_trades: Vec<Digest>,
    /// Derived records that re-execution gave again, byte for byte.
    pub re_executed: u64,
    /// Steps that were not re-executed because their input is sealed and its key is not here.
    pub shredded_steps: u64,
    /// Subjects whose keys the log says were destroyed, at most [`FAULTS_LISTED_MAX`].
    pub shredded: Vec<SubjectId>,
    /// Inputs by who saw them happen.
    pub vantage: std::collections::BTreeMap<Vantage, u64>,
    /// Imports without their end, where the meaning was checked: they were cut off, or are under
    /// way. No verdict rests on them.
    pub cut_off_imports: u64,
    /// Derived files that are damaged, at most [`FAULTS_LISTED_MAX`]: no verdict rests on them.
    pub derived_damage: Vec<DerivedDamage>,
    /// How many there are.
    pub derived_damage_count: u64,
    /// What was not checked, and why.
    pub not_checked: Vec<String>,
    /// What was left out on request.
    pub left_out: Option<LeftOut>,
    /// Verifier keys that the log itself names.
    pub keys: Vec<String>,
}

impl Report {
    /// Returns the answer.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Returns the answer as an exit code.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        self.exit_code
    }

    /// Adds something that does not fit the ledger, found beside it: a finding (15).
    pub fn add_finding(&mut self, sequence: u64, what: String) {
        self.note(Verdict::Finding, sequence, what);
        self.draw_verdicts();
    }

    /// Adds something that could not be checked, found beside the ledger.
    pub fn add_not_checked(&mut self, what: String) {
        self.not_checked.push(what);
        self.draw_verdicts();
    }

    /// Keeps a finding; all are counted, and so many are listed that the gravest is among them.
    pub(super) fn note(&mut self, verdict: Verdict, sequence: u64, what: String) {
        self.finding_count += 1;
        let finding = Finding { verdict, sequence, what };
        if self.findings.len() < FAULTS_LISTED_MAX {
            self.findings.push(finding);
        } else if let Some(last) = self.findings.last_mut().filter(|last| last.verdict > verdict) {
            *last = finding;
        }
    }

    /// Keeps a damaged derived file; all are counted.
    pub(super) fn note_derived(&mut self, damage: DerivedDamage) {
        self.derived_damage_count += 1;
        if self.derived_damage.len() < FAULTS_LISTED_MAX {
            self.derived_damage.push(damage);
        }
    }

    pub(super) fn set_checkpoints(&mut self, mut checkpoints: Vec<CheckpointReport>) {
        let left_out = checkpoints.len().saturating_sub(FAULTS_LISTED_MAX);
        self.checkpoints = checkpoints.split_off(left_out);
    }

    /// A report of an audit that has not looked at anything yet.
    pub(super) const fn blank(level: Level, end: LedgerEnd) -> Self {
        Self {
            schema: REPORT_SCHEMA,
            verdict: Verdict::Intact,
            exit_code: 0,
            verdicts: Vec::new(),
            level,
            end,
            head: None,
            chain_head: None,
            segments: 0,
            frames: 0,
            records: 0,
            bytes: 0,
            unproven: 0,
            unanchored: 0,
            first_bad: None,
            fault_count: 0,
            faults: Vec::new(),
            provable: Vec::new(),
            checkpoints: Vec::new(),
            misbehaviour: None,
            findings: Vec::new(),
            finding_count: 0,
            state_parting: None,
            mismatch: None,
            affected_trades: Vec::new(),
            re_executed: 0,
            shredded_steps: 0,
            shredded: Vec::new(),
            vantage: std::collections::BTreeMap::new(),
            cut_off_imports: 0,
            derived_damage: Vec::new(),
            derived_damage_count: 0,
            not_checked: Vec::new(),
            left_out: None,
            keys: Vec::new(),
        }
    }

    /// Ends the audit: counts the faults, lists the first of them, and draws the verdicts.
    pub(super) fn conclude(&mut self) {
        self.draw_verdicts();
        self.fault_count += self.faults.len() as u64;
        self.faults.truncate(FAULTS_LISTED_MAX);
        self.first_bad = self.faults.first().cloned();
    }

    fn draw_verdicts(&mut self) {
        let mut verdicts: Vec<Verdict> = self.faults.iter().map(|f| verdict_of(f.class)).collect();
        verdicts.extend(self.findings.iter().map(|finding| finding.verdict));
        if self.mismatch.is_some() {
            verdicts.push(Verdict::DerivationMismatch);
        }
        if !self.not_checked.is_empty() {
            verdicts.push(Verdict::NotChecked);
        }
        if verdicts.is_empty() {
            verdicts.push(Verdict::Intact);
        }
        verdicts.sort_unstable();
        verdicts.dedup();
        self.verdict = verdicts[0];
        self.exit_code = self.verdict.exit_code();
        self.verdicts = verdicts;
    }
}

/// The verdict that a fault of this class gives.
pub(super) fn verdict_of(class: FaultClass) -> Verdict {
    match class {
        FaultClass::TornTail => Verdict::TornTail,
        FaultClass::Corrupt => Verdict::Corrupt,
        FaultClass::Missing => Verdict::Missing,
    }
}
