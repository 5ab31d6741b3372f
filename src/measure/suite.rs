//! All measures on one disk, round after round, for whoever runs a ledger there.
//!
//! Within a round every line of a table works in turn, in an empty directory that is removed again
//! at once; a ratio is the median of the ratios within the rounds, so that a disk that is slow for
//! a while slows down both sides of it.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::{LEDGER, MeasureError, RECORD_BYTES, Reached, Work, append, read};
use crate::audit::Level;
use crate::ledger::at;

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Rounds.
    pub rounds: u32,
    /// Records of the long works; the durable ones take a hundredth as many commits.
    pub records: u64,
}

/// What came out.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// Rounds that were made.
    pub rounds: u32,
    /// Bytes of a record.
    pub record_bytes: usize,
    /// What was measured.
    pub tables: Vec<Table>,
}

/// One work, done by the bare loop and by the ledger.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    /// What is done.
    pub work: &'static str,
    /// Who did it, the bare loop first.
    pub lines: Vec<Line>,
}

/// What one of them reached: medians over the rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// Who.
    pub name: &'static str,
    /// Records a second.
    pub records_per_second: u64,
    /// The slowest round.
    pub least: u64,
    /// The fastest round.
    pub most: u64,
    /// Beside the table's first line, in hundredths.
    pub ratio_percent: u64,
    /// How long half of the commits, 99 % and 99.9 % waited for their acknowledgement at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_micros: Option<[u64; 3]>,
}

/// An empty directory that is removed with all that was written there.
struct Scratch(PathBuf);

impl Scratch {
    fn new(parent: &Path, what: &str) -> Result<Self, MeasureError> {
        let path = parent.join(format!("schwabot-bench-{}-{what}", std::process::id()));
        std::fs::create_dir(&path).map_err(at("make a directory at", &path))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left behind takes space and harms nobody; its name says where it is from.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

type Doing<'a> = &'a dyn Fn(&Path) -> Result<Reached, MeasureError>;

/// Measures everything on the disk that `dir` lies on. `tell` hears what is measured next.
///
/// Needs room for the longest work: some 300 bytes a record of [`Extent::records`], in whole
/// segments of 64 MiB. Once `stop` says so it ends before the next work and leaves nothing behind.
///
/// # Errors
/// As the disk and the ledger say; [`MeasureError::Stopped`] where it was stopped.
pub fn measure(
    dir: &Path,
    extent: Extent,
    tell: &mut dyn FnMut(&'static str),
    stop: &dyn Fn() -> bool,
) -> Result<Measured, MeasureError> {
    let mut suite = Suite { dir, extent, tell, stop, tables: Vec::new() };
    suite.durable()?;
    suite.synced_once()?;
    suite.reading()?;
    let tables = suite.tables;
    Ok(Measured { rounds: extent.rounds, record_bytes: RECORD_BYTES, tables })
}

struct Suite<'a> {
    dir: &'a Path,
    extent: Extent,
    tell: &'a mut dyn FnMut(&'static str),
    stop: &'a dyn Fn() -> bool,
    tables: Vec<Table>,
}

impl Suite<'_> {
    fn table(
        &mut self,
        work: &'static str,
        all: &[(&'static str, Doing<'_>)],
    ) -> Result<(), MeasureError> {
        (self.tell)(work);
        let mut reached: Vec<Vec<Reached>> = vec![Vec::new(); all.len()];
        for _ in 0..self.extent.rounds {
            for (line, (_, doing)) in reached.iter_mut().zip(all) {
                if (self.stop)() {
                    return Err(MeasureError::Stopped);
                }
                let scratch = Scratch::new(self.dir, "work")?;
                line.push(doing(&scratch.0)?);
            }
        }
        let named = all.iter().zip(&reached);
        let lines = named.map(|((name, _), rounds)| Line::of(name, rounds, &reached[0])).collect();
        self.tables.push(Table { work, lines });
        Ok(())
    }

    fn durable(&mut self) -> Result<(), MeasureError> {
        let commits = (self.extent.records / 100).max(1);
        let one = Work { commits, records: 1 };
        self.table(
            "durable, one record a commit",
            &[
                ("write + sync, growing file", &|dir| append::bare_growing(dir, one)),
                ("write + sync over written blocks", &|dir| append::bare_overwriting(dir, one)),
                ("ledger", &|dir| append::each_waited_for(dir, one)),
            ],
        )?;
        let (producers, each) = (64, Work { commits: commits.div_ceil(64), records: 1 });
        self.table(
            "durable, one record a commit, 64 producers",
            &[
                ("ledger, one producer", &|dir| append::each_waited_for(dir, one)),
                ("ledger, 64 producers", &|dir| append::by_many(dir, producers, each)),
            ],
        )?;
        let many = Work { commits: (self.extent.records / 1000).max(1), records: 1000 };
        let shared = Work { commits: many.commits.div_ceil(4), records: 4 * many.records };
        self.table(
            "durable, 1,000 records a commit",
            &[
                ("write + sync, growing file", &|dir| append::bare_growing(dir, many)),
                ("ledger, each commit waited for", &|dir| append::each_waited_for(dir, many)),
                ("write + sync, 4 commits a sync", &|dir| append::bare_growing(dir, shared)),
                ("ledger, up to 4 commits share a sync", &|dir| append::pipelined(dir, many)),
            ],
        )
    }

    fn synced_once(&mut self) -> Result<(), MeasureError> {
        let records = self.extent.records;
        let ended = |dir: &Path, close| append::synced_at_the_end(dir, records, close);
        self.table(
            "one sync at the end",
            &[
                ("hash + write + sync", &|dir| append::bare_hashed(dir, records)),
                ("ledger until durable", &|dir| ended(dir, false)),
                ("ledger until the root is known", &|dir| ended(dir, true)),
            ],
        )
    }

    fn reading(&mut self) -> Result<(), MeasureError> {
        let records = self.extent.records;
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let place = Scratch::new(self.dir, "read")?;
        append::synced_at_the_end(&place.0, records, true)?;
        let path = &place.0.join(LEDGER);
        let verified = |level| read::verified(path, records, level, threads);
        self.table(
            "reading",
            &[
                ("hash of the files, one core", &|_| read::bare_hash(path, records)),
                ("every record, links checked", &|_| read::every_record(path, records)),
                ("verify, chain, all cores", &|_| verified(Level::Chain)),
                ("verify, tree, all cores", &|_| verified(Level::Tree)),
            ],
        )
    }
}

impl Line {
    /// The ratio as people read it: `1.32`.
    #[must_use]
    pub fn ratio(&self) -> String {
        format!("{}.{:02}", self.ratio_percent / 100, self.ratio_percent % 100)
    }

    /// Sums up the rounds of one who works beside the `first` of a table.
    #[must_use]
    pub fn of(name: &'static str, rounds: &[Reached], first: &[Reached]) -> Self {
        let rates = || rounds.iter().map(Reached::per_second);
        let ratios = rounds.iter().zip(first).map(|(one, other)| {
            one.per_second().saturating_mul(100).checked_div(other.per_second()).unwrap_or(0)
        });
        let wait = |of_a_thousand| {
            let waits = rounds.iter().filter_map(|round| round.wait(of_a_thousand));
            median(waits.map(|wait: Duration| u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)))
        };
        let waits_micros = match [500, 990, 999].map(wait) {
            [Some(half), Some(most), Some(nearly_all)] => Some([half, most, nearly_all]),
            _ => None,
        };
        Self {
            name,
            records_per_second: median(rates()).unwrap_or_default(),
            least: rates().min().unwrap_or_default(),
            most: rates().max().unwrap_or_default(),
            ratio_percent: median(ratios).unwrap_or_default(),
            waits_micros,
        }
    }
}

fn median(numbers: impl Iterator<Item = u64>) -> Option<u64> {
    let mut sorted: Vec<u64> = numbers.collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}
