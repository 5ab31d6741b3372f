//! Progress for people: on stderr, and only where that is a terminal.
//!
//! A run is watched bar by bar ([`Watch`]). What reads a ledger is watched at the disk: whoever
//! walks through segments, on whatever thread and floor, is counted there ([`Reading`]).

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use indicatif::{ProgressBar, ProgressStyle};

use super::interrupt;
use super::manners::manners;
use super::text::{note, trace};
use crate::ledger::clock::Stopwatch;
use crate::ledger::disk::{Disk, RealDisk, WatchedDisk};
use crate::ledger::layout::Layout;
use crate::ledger::packed::stored_index_of;
use crate::ledger::walk::SegmentFile;
use crate::pipeline::Progress;

/// Steps between two looks at the bar; looking costs more than a step.
const EVERY: u64 = 4096;

/// Watches a run: draws its progress, and stops it on Ctrl-C.
pub(super) struct Watch {
    bar: ProgressBar,
    steps: u64,
}

impl Watch {
    /// Begins to watch a run of so many bars, where that is known.
    pub(super) fn new(bars: Option<u64>) -> Self {
        let (bar, template) = match bars {
            Some(bars) => {
                (ProgressBar::new(bars), "{bar:30} {pos}/{len} bars, {per_sec}, {eta} left  {msg}")
            }
            // How many rows a file holds is not known before its end.
            None => (ProgressBar::new_spinner(), "{spinner} {pos} bars, {per_sec}  {msg}"),
        };
        trace(&"running");
        Self { bar: drawn(bar, template), steps: 0 }
    }

    /// Takes the progress after a step.
    pub(super) fn step(&mut self, progress: &Progress) -> ControlFlow<()> {
        self.steps += 1;
        if self.steps.is_multiple_of(EVERY) && !self.bar.is_hidden() {
            self.bar.set_position(progress.bars);
            self.bar.set_message(progress.time.to_string());
        }
        if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Counts records of work whose length nobody knows before its end.
pub(super) struct Counting {
    bar: ProgressBar,
}

impl Counting {
    /// Begins to count.
    pub(super) fn new(what: &'static str) -> Self {
        trace(&what);
        let bar = drawn(ProgressBar::new_spinner(), "{msg} {pos} records, {per_sec}, {elapsed}");
        bar.set_message(what);
        Self { bar }
    }

    /// So many are done.
    pub(super) fn reached(&self, records: u64) {
        if records.is_multiple_of(EVERY) {
            self.bar.set_position(records);
        }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A bar as it is drawn, if it is.
fn drawn(bar: ProgressBar, template: &str) -> ProgressBar {
    if !manners().progress {
        return ProgressBar::hidden();
    }
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// Bytes of segments that were read, and about how many there are to read.
static DONE: AtomicU64 = AtomicU64::new(0);
static ALL: AtomicU64 = AtomicU64::new(0);
static BAR: OnceLock<ProgressBar> = OnceLock::new();

/// Less than this is read before anybody could look.
const DRAWN_FROM_BYTES: u64 = 4 << 20;

/// Watches the reading of a ledger until it is dropped.
pub(super) struct Reading {
    what: &'static str,
    clock: Stopwatch,
}

impl Reading {
    /// Begins to watch; the ledger is read through about so often.
    pub(super) fn new(what: &'static str, ledger: &Path, times: u64) -> Self {
        let bytes = segment_bytes(ledger).saturating_mul(times);
        ALL.store(bytes, Ordering::Relaxed);
        trace(&format_args!("{what}: about {bytes} bytes to read"));
        if bytes >= DRAWN_FROM_BYTES {
            let bar = drawn(
                ProgressBar::new(bytes),
                "{msg} {bar:30} {binary_bytes}/{binary_total_bytes}, {binary_bytes_per_sec}, \
                 {eta} left",
            );
            bar.set_message(what);
            // Commands read one ledger each; a second bar would draw over the first.
            drop(BAR.set(bar));
        }
        Self { what, clock: Stopwatch::start() }
    }

    /// The disk on which reading is seen.
    pub(super) fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(WatchedDisk(count))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        clear();
        trace(&format_args!("{}: took {} ms", self.what, self.clock.elapsed().as_millis()));
    }
}

fn count(bytes: u64) {
    let done = DONE.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
    if let Some(bar) = BAR.get() {
        bar.set_position(done.min(ALL.load(Ordering::Relaxed)));
    }
}

/// Takes the bar away.
fn clear() {
    if let Some(bar) = BAR.get() {
        bar.finish_and_clear();
    }
}

/// Says how far reading has come, when Ctrl-C ends it.
pub(super) fn say_where_it_stopped(advice: &str) {
    clear();
    let (done, all) = (DONE.load(Ordering::Relaxed), ALL.load(Ordering::Relaxed));
    let (done, all) = (done.min(all) >> 20, all >> 20);
    note(&format_args!("stopped after reading {done} of {all} MiB; {advice}"));
}

/// Length of all segments, packed ones as they were written; of what cannot be looked at, the
/// command itself will tell.
fn segment_bytes(ledger: &Path) -> u64 {
    let layout = Layout::new(ledger);
    let Ok(names) = RealDisk.list(&layout.segments()) else { return 0 };
    let indexes = names.iter().filter_map(|name| stored_index_of(name));
    let files = indexes.map(|index| SegmentFile::open(&RealDisk, &layout.segment(index), true));
    files.filter_map(|file| Some(file.ok()?.len())).sum()
}
