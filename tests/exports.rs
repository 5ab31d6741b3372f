//! What gets out of a ledger: files, the tear sheet, and what many runs side by side come to.
//!
//! With `--features parquet` the Parquet files are read back too; `tools/exports/check` reads all
//! formats with other people's programs.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

#[cfg(feature = "parquet")]
#[path = "exports/columns.rs"]
mod columns;
#[path = "exports/files.rs"]
mod files;
#[path = "exports/page.rs"]
mod page;
mod report_cli;
mod report_metrics;
mod report_page;
#[path = "exports/selection.rs"]
mod selection;
#[expect(dead_code, reason = "only some of what tests share is needed here")]
mod support;
#[path = "exports/sweep.rs"]
mod sweep;
#[path = "exports/tables.rs"]
mod tables;
#[path = "exports/vcp.rs"]
mod vcp;

use std::path::PathBuf;

use schwabot::event::Event;
use schwabot::ledger::Reader;
use serde_json::Value;

use support::TestResult;
use support::cli::Place;

/// A ledger of the demo's strategy over so many minutes, and its place.
fn ledger(minutes: u64) -> TestResult<(Place, PathBuf)> {
    let place = Place::new()?;
    let path = place.path("ledger");
    support::demo::record(&path, &[], 1, minutes);
    Ok((place, path))
}

fn open(path: &std::path::Path) -> TestResult<Reader<Event>> {
    Ok(Reader::open(path)?)
}

/// The objects of a file of JSON Lines.
fn lines(path: &std::path::Path) -> TestResult<Vec<Value>> {
    let text = std::fs::read_to_string(path)?;
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}
