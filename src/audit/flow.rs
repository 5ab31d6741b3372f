//! One audit from its first look at the directory to its verdict.
//!
//! The order of the looks matters beside a living writer: whether one lives is asked before the
//! notes are read, and notes before files are listed, so that whatever a note covers is looked at.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chain::{self, ChainResult, Resume, Task};
use super::report::{LeftOut, Level, Report};
use super::signatures::{self, HeldNote, Judgement, Keys};
use super::{AuditError, VerifyOptions, damage, derived, meaning};
use crate::checkpoint::{Note, Tiles, read_notes};
use crate::event::{Event, Payload, application_name};
use crate::ledger::clock::Deadline;
use crate::ledger::index::SegmentIndex;
use crate::ledger::layout::{IdentityError, Layout, Listing};
use crate::ledger::scan::SegmentEnd;
use crate::ledger::{Head, LedgerEnd, LedgerError, Reader};
use crate::merkle::CompactRange;

/// Verifies a ledger; what a checkpoint that is believed covers is left out where that can be.
pub(super) fn verify(path: &Path, options: &VerifyOptions) -> Result<Report, AuditError> {
    let look = Look::at(path, options)?;
    let resume = options.since.as_ref().and_then(|since| look.resume(since));
    let (report, _) = look.check(resume.as_ref())?;
    let Some(since) = &options.since else { return Ok(report) };
    if resume.is_none() || confirms(&report, since) {
        return Ok(report);
    }
    // The place came from derived files, so they are not what accuses: everything is looked at.
    Ok(look.check(None)?.0)
}

/// As [`verify`], from a place that an earlier audit reached, which saw a head there; returns the
/// place to go on from.
pub(super) fn verify_from(
    path: &Path,
    options: &VerifyOptions,
    resume: Option<&Resume>,
    seen: Option<Head>,
) -> Result<(Report, Option<Resume>), AuditError> {
    let look = Look { seen, ..Look::at(path, options)? };
    look.check(resume)
}

/// What lies in the directory, and how it is to be judged.
struct Look<'o> {
    path: &'o Path,
    options: &'o VerifyOptions,
    layout: Layout,
    live: bool,
    held: Vec<HeldNote>,
    listing: Listing,
    level: Level,
    deadline: Deadline,
    /// The head that an earlier audit saw.
    seen: Option<Head>,
}

impl<'o> Look<'o> {
    fn at(path: &'o Path, options: &'o VerifyOptions) -> Result<Self, AuditError> {
        let deadline = Deadline::after(options.time_budget);
        let (disk, layout) = (&*options.disk, Layout::new(path));
        let live = disk.is_locked(&layout.lock());
        let live = live.map_err(|source| failure("ask for", layout.lock(), source))?;
        let notes = read_notes(disk, &layout)?;
        let listing = Listing::read(disk, &layout)?;
        let level = level_for(options, &listing)?;
        let outside = options.against.iter().chain(&options.since);
        let held = signatures::held_notes(notes, &layout, outside);
        Ok(Self { path, options, layout, live, held, listing, level, deadline, seen: None })
    }

    fn check(&self, from: Option<&Resume>) -> Result<(Report, Option<Resume>), AuditError> {
        let seen = self.seen.map(|head| head.size);
        let sizes = signatures::sizes(&self.held, seen);
        let task = Task {
            disk: &*self.options.disk,
            layout: &self.layout,
            listing: &self.listing,
            live: self.live,
            level: self.level,
            threads: self.options.threads,
            sizes: &sizes,
            from,
            deadline: self.deadline,
        };
        let chain = chain::check(&task).map_err(|(path, source)| failure("read", path, source))?;
        let mut report = self.report_of(&chain, from);
        if self.level >= Level::State {
            meaning::check(self.options, self.path, self.level, self.deadline, &mut report)?;
        }
        self.judge_notes(&task, &chain, &mut report)?;
        // Whoever leaves out what was checked before, or looks again and again, wants no more read.
        let all_was_read = from.is_none() && self.level >= Level::Tree;
        if all_was_read && !self.live && !damage::is_damaged(&report) {
            derived::check(&task, &chain, &mut report);
        }
        report.conclude();
        Ok((report, chain.last))
    }

    fn report_of(&self, chain: &ChainResult, from: Option<&Resume>) -> Report {
        let end = match chain.end {
            _ if self.live => LedgerEnd::Live,
            SegmentEnd::Closed => LedgerEnd::Closed,
            SegmentEnd::Sealed | SegmentEnd::Open | SegmentEnd::Broken => LedgerEnd::Open,
        };
        let tree = chain.tree.as_ref();
        let mut report = Report {
            head: tree.and_then(Head::of),
            chain_head: chain.chain_head,
            segments: self.listing.segments.len() as u64,
            frames: chain.frames,
            records: chain.records,
            bytes: chain.bytes,
            unproven: chain.unproven,
            unanchored: chain.records,
            fault_count: chain.faults_left_out,
            provable: chain.provable.clone(),
            not_checked: chain.not_checked.clone(),
            left_out: from.map(|from| LeftOut { records: from.tree.end(), segments: from.index }),
            ..Report::blank(self.level, end)
        };
        match &self.listing.identity {
            Ok(_) => {}
            Err(IdentityError::Damaged) => report.faults.push(damage::identity_fault()),
            Err(error) => report.not_checked.push(error.to_string()),
        }
        report.faults.extend(chain.faults.iter().cloned());
        report
    }

    /// Holds the notes against what was found.
    fn judge_notes(
        &self,
        task: &Task<'_>,
        chain: &ChainResult,
        report: &mut Report,
    ) -> Result<(), AuditError> {
        let damaged = damage::is_damaged(report);
        let ledger = self.listing.owner().map(|(ledger, _)| ledger);
        let judgement = Judgement {
            policy: self.options.policy.as_ref(),
            keys: Keys::new(self.options.policy.as_ref(), ledger, chain),
            chain,
            // What was not read says nothing either.
            incomplete: damaged || !chain.not_checked.is_empty(),
        };
        judgement.anchors(report);
        if self.level < Level::Tree {
            return Ok(());
        }
        judgement.notes(&self.held, report);
        if let Some(seen) = self.seen {
            judgement.continues(seen, report);
        }
        if damaged {
            let signed = judgement.signed_tree(&self.held);
            let trades = self.level >= Level::State;
            damage::look_again(task, signed.as_ref(), trades, report)
                .map_err(|(path, source)| failure("read", path, source))?;
        } else if self.options.against.is_some() && task.from.is_none() {
            let reader: Reader<Event> =
                Reader::open_any(Arc::clone(&self.options.disk), self.path)?;
            report.misbehaviour = judgement.misbehaviour(&self.held, &reader)?;
        }
        Ok(())
    }

    /// The last segment boundary that a checkpoint covers, with the tree up to there out of derived
    /// files: an index, or tiles.
    fn resume(&self, since: &Note) -> Option<Resume> {
        let size = since.checkpoint().size;
        let covered = |header: &crate::ledger::segment::SegmentHeader| {
            header.first_sequence <= size && header.index > 0
        };
        let headers = self.listing.segments.iter().rev();
        let header =
            headers.filter_map(|listed| listed.header.as_ref().ok()).find(|h| covered(h))?;
        let (disk, ledger) = (&*self.options.disk, header.ledger);
        let first = header.first_sequence;
        let index = SegmentIndex::read(disk, &self.layout, ledger, header.index - 1);
        let tree = index.and_then(|index| index.tree()).filter(|tree| tree.end() == first);
        let tree = tree.or_else(|| {
            let root = since.checkpoint().root;
            let mut tiles = Tiles::as_found(disk, &self.layout, size, root);
            CompactRange::from_frontier(first, &tiles.frontier(first).ok()?)
        })?;
        Some(Resume { index: header.index, tree, before: None })
    }
}

/// Did the audit come to the root that this note states?
fn confirms(report: &Report, note: &Note) -> bool {
    let mut found = report.checkpoints.iter().filter(|found| found.size == note.checkpoint().size);
    found.all(|found| found.holds == Some(true)) && report.exit_code == 0
}

fn failure(action: &'static str, path: PathBuf, source: io::Error) -> LedgerError {
    LedgerError::Io { action, path, source }
}

fn level_for(options: &VerifyOptions, listing: &Listing) -> Result<Level, AuditError> {
    let asked = options.level;
    let wants_roots =
        options.policy.is_some() || options.against.is_some() || options.since.is_some();
    if wants_roots && asked == Some(Level::Chain) {
        return Err(AuditError::LevelTooLow);
    }
    if options.since.is_some() && asked.is_some_and(|level| level > Level::Tree) {
        return Err(AuditError::LevelTooHigh);
    }
    let usual = if options.since.is_some() { Level::Tree } else { Level::Derive };
    let application = listing.owner().map(|(_, application)| application);
    let other = application.filter(|application| *application != Event::APPLICATION);
    match (other, asked) {
        (None, level) => Ok(level.unwrap_or(usual)),
        (Some(_), None) => Ok(Level::Tree),
        (Some(_), Some(level)) if level <= Level::Tree => Ok(level),
        (Some(application), Some(_)) => {
            Err(AuditError::OtherApplication { application: application_name(&application) })
        }
    }
}
