//! Many runs side by side over the same data: several strategies, grids of parameters, one ledger
//! each.
//!
//! ```text
//! OUT/sweep.jsonl        what is swept, and a line for each trial that is finished, with its head
//! OUT/trial-ID/          its ledger; ID is the run's id, a digest of its whole configuration
//! OUT/lock               held by the one sweep that works here
//! ```
//!
//! Invariants: a trial is an ordinary run, and its ledger an ordinary ledger; results stand in the
//! order of the grid, whatever the number of threads; a trial that is finished is known again by
//! its head, whatever was signed since, and one that was cut off is run anew; every figure is
//! worked out from the trial's ledger; memory grows with the points of the curves, and not with the
//! data; no directory is removed where nothing says which trials are finished.

mod error;
mod grid;
mod journal;

pub use error::SweepError;
pub use grid::{Axis, Grid, Plan, TRIALS_MAX, Trial};

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::unbounded;

use super::unrecorded::decide;
use super::{Job, PipelineError, RunOptions, run};
use crate::checkpoint::root_of_records;
use crate::event::{Event, Mode};
use crate::hash::Digest;
use crate::ledger::disk::{Disk, RealDisk};
use crate::ledger::is_inside_ledger;
use crate::ledger::{Entry, Head, LedgerError, Reader, SyncMode, WriterOptions, decode};
use crate::market::{DataFile, MarketOptions, MergedSource, open_market};
use crate::projections::{CurveSampler, EquityCurve, equity_curve};
use crate::strategies::Catalogue;
use crate::time::{Span, Timestamp};

use journal::{Finished, Journal};

/// What is swept, and how.
pub struct Sweep<'a> {
    /// The data files.
    pub files: &'a [DataFile],
    /// How they are read.
    pub market: MarketOptions,
    /// The trials.
    pub trials: &'a [Trial],
    /// Where the ledgers are kept; none to record nothing.
    pub out: Option<&'a Path>,
    /// Trials that are run at a time.
    pub jobs: usize,
    /// Length of a period of the curves.
    pub period: Span,
    /// Asked between steps; the sweep stops when it says no.
    pub go_on: &'a (dyn Fn() -> bool + Sync),
    /// Told of each trial that is done, with how many are.
    pub done: &'a (dyn Fn(usize) + Sync),
}

/// What a trial came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialResult {
    /// Head of its ledger; none where nothing was recorded.
    pub head: Option<Head>,
    /// Its equity, worked out from its ledger.
    pub curve: EquityCurve,
    /// True when an earlier sweep had run it, and its ledger was found to be the same.
    pub reused: bool,
}

/// Runs every trial that is not finished yet. The results stand in the order of the trials, with
/// none where the sweep was stopped before.
///
/// # Errors
/// [`SweepError`]; what was finished by then is kept, and a later sweep goes on from there.
pub fn run_sweep(sweep: &Sweep<'_>) -> Result<Vec<Option<TrialResult>>, SweepError> {
    let inputs = open_market(sweep.files, &sweep.market).map_err(PipelineError::from)?.inputs;
    let (_lock, journal, finished) = match sweep.out {
        None => (None, None, Vec::new()),
        Some(out) => {
            let lock = claim(out)?;
            let (journal, finished) = Journal::open(out, &inputs, sweep.trials)?;
            (Some(lock), Some(Mutex::new(journal)), finished)
        }
    };
    let (give, take) = unbounded();
    for place in 0..sweep.trials.len() {
        // The receiver lives as long as this function.
        let _sent = give.send(place);
    }
    drop(give);
    let (failed, count) = (AtomicBool::new(false), Mutex::new(0));
    let go_on = || (sweep.go_on)() && !failed.load(Ordering::Relaxed);
    let work = || {
        let mut own: Vec<(usize, TrialResult)> = Vec::new();
        while let Ok(place) = take.recv() {
            if !go_on() {
                break;
            }
            let trial = &sweep.trials[place];
            let known = finished.iter().find(|known| known.trial == trial.id.to_string());
            let done = run_trial(sweep, trial, known, journal.as_ref(), &go_on);
            let done = done.inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
            let Some(done) = done else { break };
            own.push((place, done));
            let mut count = count.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *count += 1;
            (sweep.done)(*count);
        }
        Ok::<_, SweepError>(own)
    };
    let jobs = sweep.jobs.clamp(1, sweep.trials.len().max(1));
    let mut results: Vec<Option<TrialResult>> = vec![None; sweep.trials.len()];
    let mut error = None;
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            match worker.join() {
                Ok(Ok(own)) => own.into_iter().for_each(|(place, one)| results[place] = Some(one)),
                Ok(Err(told)) => error = error.take().or(Some(told)),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    error.map_or(Ok(results), Err)
}

/// Makes the directory of a sweep and takes its lock.
fn claim(out: &Path) -> Result<Box<dyn Send + Sync>, SweepError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| SweepError::Io { path, source }
    };
    if out.exists() && !out.is_dir() {
        return Err(SweepError::NoDirectory { path: out.to_owned() });
    }
    if is_inside_ledger(&RealDisk, out) {
        return Err(SweepError::InsideLedger { path: out.to_owned() });
    }
    std::fs::create_dir_all(out).map_err(io(out))?;
    let names = RealDisk.list(out).map_err(io(out))?;
    // A sweep that was cut off at once leaves its lock, and many others have one of that name.
    let begun = names.iter().any(|name| name == journal::NAME);
    if !begun && names.iter().any(|name| name.starts_with(journal::TRIAL)) {
        return Err(SweepError::NoJournal { path: out.to_owned() });
    }
    if !begun && names.iter().any(|name| name != "lock") {
        return Err(SweepError::NotASweep { path: out.to_owned() });
    }
    let lock = out.join("lock");
    let held = RealDisk.lock(&lock).map_err(io(&lock))?;
    held.ok_or_else(|| SweepError::Locked { path: out.to_owned() })
}

/// Runs one trial, or takes it over; none when it was stopped.
fn run_trial(
    sweep: &Sweep<'_>,
    trial: &Trial,
    known: Option<&Finished>,
    journal: Option<&Mutex<Journal>>,
    go_on: &dyn Fn() -> bool,
) -> Result<Option<TrialResult>, SweepError> {
    let watch = || if go_on() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
    let market = open_market(sweep.files, &sweep.market).map_err(PipelineError::from)?;
    let job: Job<MergedSource> = Job {
        mode: Mode::Backtest,
        config: trial.config.clone(),
        generator: None,
        origin: Timestamp::from_nanos(0),
        inputs: market.inputs,
        source: market.source,
        strategies: Catalogue::default(),
    };
    let (Some(out), Some(journal)) = (sweep.out, journal) else {
        let mut sampler = CurveSampler::new(sweep.period);
        let before = |event: &Event, world: &crate::kernel::World| sampler.before(event, world);
        let (kernel, _, flow) = decide(job, 1, before, |_| watch())?;
        if flow.is_break() {
            return Ok(None);
        }
        let curve = sampler.finish(kernel.world()).ok_or(PipelineError::NotBegun)?;
        return Ok(Some(TrialResult { head: None, curve, reused: false }));
    };
    let path = out.join(trial.directory());
    if let Some(known) = known
        && path.exists()
    {
        let reader = Reader::open(&path).map_err(PipelineError::from)?;
        let head = known.head();
        let curve = known_again(&reader, &path, head, sweep.period)?;
        return Ok(Some(TrialResult { head: Some(head), curve, reused: true }));
    }
    forget(&path)?;
    let writer = WriterOptions { sync: SyncMode::End, ..WriterOptions::default() };
    let options = RunOptions { writer, append: false, threads: 1 };
    let summary = run(&path, job, &options, |_| watch())?;
    if summary.stopped {
        return Ok(None);
    }
    let reader = Reader::open(&path).map_err(PipelineError::from)?;
    let curve = curve_of(&reader, sweep.period)?;
    match known {
        // Runs are a function of their inputs, so a lost ledger comes back as it was.
        Some(known) if known.head() != summary.head => {
            return Err(differs(&path, known.head(), summary.head));
        }
        Some(_) => {}
        None => {
            let mut journal = journal.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            journal.append(trial, summary.head)?;
        }
    }
    Ok(Some(TrialResult { head: Some(summary.head), curve, reused: false }))
}

fn differs(path: &Path, expected: Head, found: Head) -> SweepError {
    SweepError::Differs { path: path.to_owned(), expected: words(expected), found: words(found) }
}

fn words(head: Head) -> String {
    format!("{} records, root {}", head.size, head.root)
}

/// Checks that a ledger begins with what a sweep before had finished, byte for byte, and returns
/// its curve. Behind it only the ledger's own records may stand, such as that of a signature.
fn known_again(
    reader: &Reader<Event>,
    path: &Path,
    expected: Head,
    period: Span,
) -> Result<EquityCurve, SweepError> {
    let head = |size: u64| {
        let root: Digest = root_of_records(reader, size).map_err(PipelineError::from)?;
        Ok::<_, SweepError>(Head { size, root })
    };
    let found = head(reader.len().min(expected.size))?;
    if found != expected {
        return Err(differs(path, expected, found));
    }
    let mut own = true;
    let read = reader.for_each::<LedgerError>(expected.size, |record| {
        let sequence = record.sequence;
        let (_, entry) =
            decode::<Event>(&record).map_err(|source| LedgerError::Record { sequence, source })?;
        own &= matches!(entry, Entry::System(_));
        Ok(())
    });
    read.map_err(PipelineError::from)?;
    if !own {
        return Err(differs(path, expected, head(reader.len())?));
    }
    curve_of(reader, period)
}

fn curve_of(reader: &Reader<Event>, period: Span) -> Result<EquityCurve, SweepError> {
    let curve = equity_curve(reader, period).map_err(PipelineError::from)?;
    curve.ok_or_else(|| PipelineError::NotBegun.into())
}

/// Removes what a trial left that was cut off. Only what looks like a ledger is removed, and
/// nothing behind a link.
fn forget(path: &Path) -> Result<(), SweepError> {
    let io = |source| SweepError::Io { path: path.to_owned(), source };
    let there = match std::fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io(error)),
    };
    let ours = |name: &String| {
        let known = ["ledger.id", "ledger.id.new", "lock", "segments", "segments.new"];
        known.contains(&name.as_str()) || name == "tile" || name == "snapshots"
    };
    if !there.is_dir() || !RealDisk.list(path).map_err(io)?.iter().all(ours) {
        return Err(SweepError::InTheWay { path: PathBuf::from(path) });
    }
    // Who writes into it at this moment holds its lock, and keeps it.
    if RealDisk.is_locked(&path.join("lock")).unwrap_or(false) {
        return Err(PipelineError::from(LedgerError::Locked { path: path.to_owned() }).into());
    }
    std::fs::remove_dir_all(path).map_err(io)
}
