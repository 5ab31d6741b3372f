//! Appending: the bare loops, and the ledger with the same bytes and the same promise.
//!
//! Each function wants an empty directory of its own, and leaves there what it wrote.

use std::collections::VecDeque;
use std::path::Path;

use super::{Block, LEDGER, MeasureError, RECORD_BYTES, Reached, Work, stamp};
use crate::hash;
use crate::ledger::clock::Stopwatch;
use crate::ledger::disk::{Disk, RealDisk};
use crate::ledger::{
    Appender, Batch, GroupWriter, LedgerError, Pending, SyncMode, Writer, WriterOptions, at,
};

/// Bytes that a bare loop hashes and writes at a time where nothing is synced between.
const BARE_FRAME_BYTES: usize = 64 << 10;
/// Steps that a pipelined producer has out.
const OUT_MAX: usize = 4;

/// Appends to a growing file and syncs, commit after commit: what a log without more costs.
///
/// # Errors
/// As the system says.
pub fn bare_growing(dir: &Path, work: Work) -> Result<Reached, MeasureError> {
    bare_commits(dir, work, false, false)
}

/// The same, each commit hashed with BLAKE3 before it is written, as a chained log has to.
///
/// # Errors
/// As the system says.
pub fn bare_growing_hashed(dir: &Path, work: Work) -> Result<Reached, MeasureError> {
    bare_commits(dir, work, false, true)
}

/// The same over blocks that were written and synced before: no length and no extent changes, so
/// this is what the device needs for one flush.
///
/// # Errors
/// As the system says.
pub fn bare_overwriting(dir: &Path, work: Work) -> Result<Reached, MeasureError> {
    bare_commits(dir, work, true, false)
}

fn bare_commits(
    dir: &Path,
    work: Work,
    written_before: bool,
    hashed: bool,
) -> Result<Reached, MeasureError> {
    let path = dir.join("bare");
    let file = RealDisk.create(&path).map_err(at("create", &path))?;
    let bytes = vec![7; RECORD_BYTES * usize::try_from(work.records).unwrap_or(usize::MAX)];
    let place = |commit: u64| commit * bytes.len() as u64;
    if written_before {
        for commit in 0..work.commits {
            file.write_at(&bytes, place(commit)).map_err(at("write", &path))?;
        }
        file.sync().map_err(at("sync", &path))?;
    }
    let mut waits = Vec::with_capacity(usize::try_from(work.commits).unwrap_or_default());
    let watch = Stopwatch::start();
    for commit in 0..work.commits {
        let commit_watch = Stopwatch::start();
        if hashed {
            std::hint::black_box(hash::link(&bytes));
        }
        file.write_at(&bytes, place(commit)).map_err(at("write", &path))?;
        file.sync().map_err(at("sync", &path))?;
        waits.push(commit_watch.elapsed());
    }
    Ok(Reached::new(work.total(), watch.elapsed(), waits))
}

/// Hashes and writes 64 KiB at a time and syncs once at the end.
///
/// # Errors
/// As the system says.
pub fn bare_hashed(dir: &Path, records: u64) -> Result<Reached, MeasureError> {
    let path = dir.join("bare");
    let file = RealDisk.create(&path).map_err(at("create", &path))?;
    let frame = vec![7; BARE_FRAME_BYTES];
    let frames = records * RECORD_BYTES as u64 / BARE_FRAME_BYTES as u64;
    let watch = Stopwatch::start();
    for number in 0..frames {
        std::hint::black_box(hash::link(&frame));
        let place = number * BARE_FRAME_BYTES as u64;
        file.write_at(&frame, place).map_err(at("write", &path))?;
    }
    file.sync().map_err(at("sync", &path))?;
    let done = frames * (BARE_FRAME_BYTES / RECORD_BYTES) as u64;
    Ok(Reached::new(done, watch.elapsed(), Vec::new()))
}

/// Hashes leaves and nodes of so many records on one core and does nothing else: no writer that
/// knows the root of its log can be faster for long.
#[must_use]
pub fn bare_tree(records: u64) -> Reached {
    let record = [7; RECORD_BYTES];
    let frame = BARE_FRAME_BYTES / RECORD_BYTES;
    let mut tree = crate::merkle::CompactRange::new(0);
    let mut row = Vec::new();
    let watch = Stopwatch::start();
    while tree.end() < records {
        row.clear();
        hash::leaves(std::iter::repeat_n(&record[..], frame), &mut row);
        tree.push_row(&mut row);
    }
    std::hint::black_box(tree.root());
    Reached::new(tree.end(), watch.elapsed(), Vec::new())
}

fn open(dir: &Path, sync: SyncMode) -> Result<Writer<Block>, MeasureError> {
    let options = WriterOptions { sync, ..WriterOptions::default() };
    Ok(Writer::open(&dir.join(LEDGER), &options)?)
}

fn step(records: u64) -> Result<Batch<Block>, LedgerError> {
    let mut step = Batch::new();
    for number in 0..records {
        step.push(&Block::of(number), &stamp())?;
    }
    Ok(step)
}

/// Durable appends by one producer that waits for each.
///
/// # Errors
/// As the ledger says.
pub fn each_waited_for(dir: &Path, work: Work) -> Result<Reached, MeasureError> {
    let mut writer = open(dir, SyncMode::Always)?;
    let step = step(work.records)?;
    let mut waits = Vec::with_capacity(usize::try_from(work.commits).unwrap_or_default());
    let watch = Stopwatch::start();
    for _ in 0..work.commits {
        let commit_watch = Stopwatch::start();
        writer.append(&step)?;
        waits.push(commit_watch.elapsed());
    }
    let elapsed = watch.elapsed();
    finish(writer.close()?.size, Reached::new(work.total(), elapsed, waits))
}

/// Durable appends by one producer that goes on while a few of its steps are on their way.
///
/// # Errors
/// As the ledger says.
pub fn pipelined(dir: &Path, work: Work) -> Result<Reached, MeasureError> {
    let group = GroupWriter::start(open(dir, SyncMode::Always)?)?;
    let appender = group.appender();
    let mut out: VecDeque<Pending> = VecDeque::new();
    let step = step(work.records)?;
    let watch = Stopwatch::start();
    for _ in 0..work.commits {
        if out.len() == OUT_MAX
            && let Some(oldest) = out.pop_front()
        {
            oldest.wait()?;
        }
        out.push_back(appender.submit(&step, None)?);
    }
    for pending in out {
        pending.wait()?;
    }
    let elapsed = watch.elapsed();
    finish(group.close()?.size, Reached::new(work.total(), elapsed, Vec::new()))
}

/// Durable appends by many producers, each of which waits for its own.
///
/// # Errors
/// As the ledger says.
pub fn by_many(dir: &Path, producers: u64, work: Work) -> Result<Reached, MeasureError> {
    let group = GroupWriter::start(open(dir, SyncMode::Always)?)?;
    let step = &step(work.records)?;
    let watch = Stopwatch::start();
    let waits = std::thread::scope(|scope| {
        let produce = |appender: Appender<Block>| {
            let mut waits = Vec::new();
            for _ in 0..work.commits {
                let commit_watch = Stopwatch::start();
                appender.append(step)?;
                waits.push(commit_watch.elapsed());
            }
            Ok(waits)
        };
        let threads: Vec<_> = (0..producers)
            .map(|_| {
                let appender = group.appender();
                scope.spawn(move || produce(appender))
            })
            .collect();
        let joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined.map(|done| done.unwrap_or(Err(LedgerError::Stopped))).collect::<Result<Vec<_>, _>>()
    })?;
    let elapsed = watch.elapsed();
    let reached = Reached::new(work.total() * producers, elapsed, waits.concat());
    finish(group.close()?.size, reached)
}

/// Appends that are synced once, at the end, a step of one record each.
///
/// With `close` the time runs until the root is known.
///
/// # Errors
/// As the ledger says.
pub fn synced_at_the_end(dir: &Path, records: u64, close: bool) -> Result<Reached, MeasureError> {
    let mut writer = open(dir, SyncMode::End)?;
    let mut step = Batch::new();
    let watch = Stopwatch::start();
    for number in 0..records {
        step.clear();
        step.push(&Block::of(number), &stamp()).map_err(LedgerError::from)?;
        writer.append(&step)?;
    }
    if close {
        let size = writer.close()?.size;
        return finish(size, Reached::new(records, watch.elapsed(), Vec::new()));
    }
    writer.sync()?;
    let elapsed = watch.elapsed();
    finish(writer.close()?.size, Reached::new(records, elapsed, Vec::new()))
}

pub(super) fn finish(found: u64, reached: Reached) -> Result<Reached, MeasureError> {
    let expected = reached.records;
    if found == expected { Ok(reached) } else { Err(MeasureError::Missing { expected, found }) }
}
