//! Reading: bare scans and hashes of the files, and what reader, verifier and replay do.
//!
//! The files are in the system's cache when they were just written: what is measured is the work.

use std::path::{Path, PathBuf};

use super::append::finish;
use super::{Block, MeasureError, Reached};
use crate::audit::{Level, VerifyOptions, verify};
use crate::event::Payload;
use crate::hash;
use crate::ledger::clock::Stopwatch;
use crate::ledger::disk::{Access, Disk, RealDisk};
use crate::ledger::layout::Layout;
use crate::ledger::{LedgerError, Reader, at};
use crate::projections::{UpTo, fold_from_zero};

/// Calls `take` with each segment's bytes, mapped.
fn each_map(ledger: &Path, mut take: impl FnMut(&[u8])) -> Result<(), LedgerError> {
    let dir = Layout::new(ledger).segments();
    let names = RealDisk.list(&dir).map_err(at("list", &dir))?;
    let segments = names.iter().filter(|name| name.ends_with(".seg"));
    for path in segments.map(|name| dir.join(name)) {
        let map = |path: &PathBuf| RealDisk.open(path, Access::Read)?.map();
        if let Some(bytes) = map(&path).map_err(at("map", &path))? {
            take(&bytes);
        }
    }
    Ok(())
}

/// Looks at every word of the mapped files: what the memory gives.
///
/// # Errors
/// As the system says.
pub fn bare_scan(ledger: &Path, records: u64) -> Result<Reached, MeasureError> {
    let watch = Stopwatch::start();
    let mut sum = 0_u64;
    each_map(ledger, |bytes| {
        let words = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
        sum = sum.wrapping_add(words.fold(0, u64::wrapping_add));
    })?;
    std::hint::black_box(sum);
    Ok(Reached::new(records, watch.elapsed(), Vec::new()))
}

/// Hashes the mapped files with BLAKE3 on one core: what any check of every byte costs.
///
/// # Errors
/// As the system says.
pub fn bare_hash(ledger: &Path, records: u64) -> Result<Reached, MeasureError> {
    let watch = Stopwatch::start();
    each_map(ledger, |bytes| {
        std::hint::black_box(hash::link(bytes));
    })?;
    Ok(Reached::new(records, watch.elapsed(), Vec::new()))
}

/// Reads every record in place, every link checked.
///
/// # Errors
/// As the ledger says.
pub fn every_record(ledger: &Path, records: u64) -> Result<Reached, MeasureError> {
    let watch = Stopwatch::start();
    let reader: Reader<Block> = Reader::open(ledger)?;
    let (mut found, mut bytes) = (0, 0);
    reader.for_each::<LedgerError>(0, |record| {
        found += 1;
        bytes += record.bytes.len();
        Ok(())
    })?;
    std::hint::black_box(bytes);
    finish(found, Reached::new(records, watch.elapsed(), Vec::new()))
}

/// Verifies at a level with so many threads.
///
/// # Errors
/// As [`verify`]; [`MeasureError::Missing`] where it finds anything wrong.
pub fn verified(
    ledger: &Path,
    records: u64,
    level: Level,
    threads: usize,
) -> Result<Reached, MeasureError> {
    let options = VerifyOptions { level: Some(level), threads, ..VerifyOptions::default() };
    let watch = Stopwatch::start();
    let report = verify(ledger, &options)?;
    let elapsed = watch.elapsed();
    let sound = if report.exit_code() == 0 { report.records } else { 0 };
    finish(sound, Reached::new(records, elapsed, Vec::new()))
}

/// Folds every event of a trading ledger into the world, every link checked.
///
/// # Errors
/// As [`fold_from_zero`].
pub fn replayed(ledger: &Path, records: u64) -> Result<Reached, MeasureError> {
    let watch = Stopwatch::start();
    let folded = fold_from_zero(&Reader::open(ledger)?, UpTo::End)?;
    let elapsed = watch.elapsed();
    finish(folded.records, Reached::new(records, elapsed, Vec::new()))
}

/// Opens a ledger for reading and asks how many records it holds; `records` counts one opening.
///
/// # Errors
/// As the ledger says.
pub fn opened<P: Payload>(ledger: &Path, records: u64) -> Result<Reached, MeasureError> {
    let watch = Stopwatch::start();
    let found = Reader::<P>::open(ledger)?.len();
    let elapsed = watch.elapsed();
    finish(found, Reached::new(records, elapsed, Vec::new()))?;
    Ok(Reached::new(1, elapsed, Vec::new()))
}
