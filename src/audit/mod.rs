//! Is it true? Three verdicts over a ledger that is handed over, read-only by construction.
//!
//! *Integrity*: not a byte was changed, cut, reordered or slipped in ([`Level::Chain`],
//! [`Level::Tree`], with signed checkpoints). *State*: what the log states about registries, profit
//! and times holds ([`Level::State`]). *Derivation*: every recorded decision follows from the
//! recorded inputs ([`Level::Derive`]). What each input rests on is reported beside them, as its *vantage*.
//!
//! An unkeyed chain does not stop its own operator from writing another history; only outside
//! knowledge (an older head) finds that.
//!
//! Invariants: nothing is created, changed or locked; a read error is a failure to check and never
//! a verdict; the answer does not depend on the number of threads.

mod chain;
mod collect;
mod meaning;
mod report;
mod signatures;

use std::path::Path;
use std::sync::Arc;

pub use report::{
    CheckpointReport, FAULTS_LISTED_MAX, Finding, Level, Mismatch, ProvableRange, REPORT_SCHEMA,
    Report, StateParting, Strength, Verdict, Witnessed,
};

use signatures::Judgement;

use crate::checkpoint::{Note, Policy, read_notes};
use crate::event::{Event, Payload};
use crate::ledger::disk::{Disk, RealDisk};
use crate::ledger::layout::{IDENTITY_BYTES, Identity, IdentityError, Layout, Listing};
use crate::ledger::scan::{Fault, FaultClass, SegmentEnd};
use crate::ledger::{Head, LedgerEnd, LedgerError, Reader};

/// How to verify.
#[derive(Clone)]
pub struct VerifyOptions {
    /// How far to go; by default to [`Level::Derive`], or to [`Level::Tree`] where the ledger holds
    /// another program's events.
    pub level: Option<Level>,
    /// How many threads may work; the answer does not depend on it.
    pub threads: usize,
    /// The storage.
    pub disk: Arc<dyn Disk>,
    /// Whom to believe: the newest checkpoint must meet it.
    pub policy: Option<Policy>,
    /// An older checkpoint from elsewhere: the log must continue it.
    pub against: Option<Note>,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let disk = Arc::new(RealDisk);
        Self { level: None, threads, disk, policy: None, against: None }
    }
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The level asks what the events mean, and they are another program's.
    #[error("the ledger holds events of `{application}`: only the levels chain and tree apply")]
    OtherApplication {
        /// The program that wrote it.
        application: String,
    },
    /// Checkpoints are about roots, and no root is computed at the level that was asked for.
    #[error("level chain computes no root: a policy or an older checkpoint needs level tree")]
    LevelTooLow,
}

/// Verifies the ledger at `path`.
///
/// # Errors
/// [`AuditError`] when nothing could be checked; what could not be checked beside other answers
/// is in [`Report::not_checked`].
///
/// # Examples
/// ```
/// use schwabot::audit::{Verdict, VerifyOptions, verify};
/// use schwabot::event::Event;
/// use schwabot::ledger::{Writer, WriterOptions};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("ledger");
/// Writer::<Event>::open(&path, &WriterOptions::default())?.close()?;
/// let report = verify(&path, &VerifyOptions::default())?;
/// assert_eq!(report.verdict(), Verdict::Intact);
/// assert_eq!(report.exit_code(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn verify(path: &Path, options: &VerifyOptions) -> Result<Report, AuditError> {
    let disk = &options.disk;
    let layout = Layout::new(path);
    let io = |action: &'static str, path: std::path::PathBuf| {
        move |source| LedgerError::Io { action, path, source }
    };
    // Asked before the files are listed: a writer that starts later only adds to them.
    let live = disk.is_locked(&layout.lock()).map_err(io("ask for", layout.lock()))?;
    // And so are the notes: what they cover was there before they were.
    let notes = read_notes(&**disk, &layout)?;
    let listing = Listing::read(&**disk, &layout)?;
    let level = level_for(options, &listing)?;
    let held = signatures::held_notes(notes, options.against.as_ref());
    let sizes = signatures::sizes(&held);
    let task = chain::Task {
        disk: &**disk,
        layout: &layout,
        listing: &listing,
        live,
        level,
        threads: options.threads,
        sizes: &sizes,
    };
    let chain = chain::check(&task).map_err(|(path, source)| io("read", path)(source))?;
    let end = match chain.end {
        _ if live => LedgerEnd::Live,
        SegmentEnd::Closed => LedgerEnd::Closed,
        SegmentEnd::Sealed | SegmentEnd::Open | SegmentEnd::Broken => LedgerEnd::Open,
    };
    let head = chain
        .tree
        .as_ref()
        .and_then(|tree| tree.root().map(|root| Head { size: tree.end(), root }));
    let mut report = Report {
        head,
        chain_head: chain.chain_head,
        segments: listing.segments.len() as u64,
        frames: chain.frames,
        records: chain.records,
        bytes: chain.bytes,
        unproven: chain.unproven,
        unanchored: chain.records,
        fault_count: chain.faults_left_out,
        faults: identity_fault(&listing),
        provable: chain.provable.clone(),
        not_checked: chain.not_checked.clone(),
        ..Report::blank(level, end)
    };
    if let Err(error @ IdentityError::Unsupported(_)) = &listing.identity {
        report.not_checked.push(error.to_string());
    }
    report.faults.extend(chain.faults.iter().cloned());
    if level >= Level::State {
        meaning::check(disk, path, level, &mut report)?;
    }
    let damaged = report.faults.iter().any(|fault| fault.class != FaultClass::TornTail);
    let ledger = listing.identity.as_ref().ok().map(|identity| identity.ledger);
    let judgement = Judgement::new(options.policy.as_ref(), ledger, &chain, damaged);
    judgement.anchors(&mut report);
    if level >= Level::Tree {
        judgement.notes(&held, &mut report);
    }
    if options.against.is_some() && !damaged {
        let reader = Reader::open_any(Arc::clone(disk), path)?;
        report.misbehaviour = judgement.misbehaviour(&held, &reader)?;
    }
    report.conclude();
    Ok(report)
}

fn level_for(options: &VerifyOptions, listing: &Listing) -> Result<Level, AuditError> {
    let asked = options.level;
    let wants_roots = options.policy.is_some() || options.against.is_some();
    if wants_roots && asked == Some(Level::Chain) {
        return Err(AuditError::LevelTooLow);
    }
    let other = match &listing.identity {
        Ok(Identity { application, .. }) if *application != Event::APPLICATION => Some(application),
        _ => None,
    };
    match (other, asked) {
        (None, level) => Ok(level.unwrap_or(Level::Derive)),
        (Some(_), None) => Ok(Level::Tree),
        (Some(_), Some(level)) if level <= Level::Tree => Ok(level),
        (Some(application), Some(_)) => {
            let name = String::from_utf8_lossy(application);
            let application = name.trim_end_matches('\0').escape_default().to_string();
            Err(AuditError::OtherApplication { application })
        }
    }
}

fn identity_fault(listing: &Listing) -> Vec<Fault> {
    match listing.identity {
        Err(IdentityError::Damaged) => vec![Fault {
            class: FaultClass::Corrupt,
            segment: 0,
            offset: 0,
            end: IDENTITY_BYTES as u64,
            sequence: 0,
            check: "ledger.id".to_owned(),
            expected: "a whole ledger.id".to_owned(),
            actual: "damage".to_owned(),
        }],
        _ => Vec::new(),
    }
}
