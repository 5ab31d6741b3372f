//! What the worlds of an audit found, as the report says it.

use super::report::{FAULTS_LISTED_MAX, Report, StateParting, Verdict};
use crate::event::Event;
use crate::kernel::{FindingKind, Findings, World};

/// What contradicts itself in the log, and where the states part.
pub(super) fn state_findings(findings: &Findings, report: &mut Report) {
    for found in findings.kept() {
        let verdict = match found.kind {
            FindingKind::StateRoot { .. } => Verdict::StateMismatch,
            _ => Verdict::Finding,
        };
        report.note(verdict, found.sequence, found.kind.to_string());
    }
    report.finding_count += findings.total() - findings.kept().len() as u64;
    let roots = findings.roots();
    report.state_parting = roots.first_differing.map(|first_differing| StateParting {
        last_agreeing: roots.last_agreeing,
        first_differing,
        projections: roots.projections.iter().map(|part| part.name()).collect(),
        first_event: None,
    });
}

/// What does not fit together in the registries, orphans that were answered left aside.
pub(super) fn registry_findings(world: &World, report: &mut Report) {
    for fault in &world.registries().consistency().faults {
        report.note(Verdict::Finding, fault.sequence, fault.to_string());
    }
}

/// Adds the trade that a record closes to those that the report names.
pub(super) fn name_trade(event: &Event, report: &mut Report) {
    if let Event::TradeClosed(trade) = event
        && let Ok(hash) = trade.canonical_hash()
        && !report.affected_trades.contains(&hash)
        && report.affected_trades.len() < FAULTS_LISTED_MAX
    {
        report.affected_trades.push(hash);
    }
}
