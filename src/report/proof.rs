//! What the page rests on: the audit of the ledger, made for the page.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::audit::{CheckpointReport, Level, Report, Verdict};
use crate::event::Vantage;
use crate::hash::Digest;

/// What an audit said of the whole ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// The verdict.
    pub verdict: Verdict,
    /// The verdict as an exit code.
    pub exit_code: u8,
    /// How far the audit went.
    pub level: Level,
    /// How the ledger ends.
    pub end: crate::ledger::LedgerEnd,
    /// Records that count.
    pub size: Option<u64>,
    /// RFC 6962 root over them.
    pub root: Option<Digest>,
    /// The newest signed note.
    pub checkpoint: Option<CheckpointReport>,
    /// Records newer than it.
    pub unanchored: u64,
    /// Derived records that re-execution gave again, byte for byte.
    pub re_executed: u64,
    /// Steps that were taken as recorded, because their input is sealed.
    pub passed_over: u64,
    /// Inputs by who saw them happen.
    pub vantage: BTreeMap<Vantage, u64>,
    /// Bytes that are not what they were.
    pub faults: u64,
    /// Statements that do not hold.
    pub findings: u64,
    /// What was not checked, and why.
    pub not_checked: Vec<String>,
}

impl Proof {
    /// Takes what a page says of a ledger from the report of its audit: nothing that differs
    /// between two copies.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        Self {
            verdict: report.verdict(),
            exit_code: report.exit_code(),
            level: report.level,
            end: report.end,
            size: report.head.as_ref().map(|head| head.size),
            root: report.head.as_ref().map(|head| head.root),
            checkpoint: report.checkpoints.last().cloned(),
            unanchored: report.unanchored,
            re_executed: report.re_executed,
            passed_over: report.shredded_steps,
            vantage: report.vantage.clone(),
            faults: report.fault_count,
            findings: report.finding_count,
            not_checked: report.not_checked.clone(),
        }
    }
}
