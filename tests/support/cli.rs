//! The real program, run as a process, and candle files of a small walk.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use schwabot::event::{Envelope, Event};
use schwabot::ledger::{Entry, Reader, decode};
use tempfile::TempDir;

use super::TestResult;

/// What a run of the program gave.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The one JSON object on stdout; fails for anything beside it.
    pub(crate) fn json(&self) -> TestResult<serde_json::Value> {
        Ok(serde_json::from_str(&self.out)?)
    }
}

/// The program with arguments, not yet run. Nothing of the terminal around the test is inherited.
pub(crate) fn program<S: AsRef<OsStr>>(args: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_schwabot"));
    command.args(args).env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn run<S: AsRef<OsStr>>(args: &[S]) -> TestResult<Ran> {
    finish(&mut program(args))
}

/// Runs a prepared command to its end.
pub(crate) fn finish(command: &mut Command) -> TestResult<Ran> {
    let Output { status, stdout, stderr } = command.output()?;
    let (out, err) = (String::from_utf8(stdout)?, String::from_utf8(stderr)?);
    Ok(Ran { code: status.code(), out, err })
}

/// A folder that goes away with the test.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> TestResult<Self> {
        Ok(Self(TempDir::new()?))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The path as an argument.
    pub(crate) fn arg(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Writes a file and returns its path as an argument.
    pub(crate) fn write(&self, name: &str, text: &str) -> TestResult<String> {
        std::fs::write(self.path(name), text)?;
        Ok(self.arg(name))
    }
}

/// Open time of the first bar of [`walk`], in minutes.
pub(crate) const FIRST_MINUTE: u64 = 27_000_000;

/// Candles of a walk, one a minute from [`FIRST_MINUTE`] on: the same for the same seed, and a
/// longer walk begins with the shorter one.
pub(crate) fn walk(seed: u64, bars: u64) -> String {
    let mut text = "date,open,high,low,close,volume\n".to_owned();
    let (mut state, mut close) = (seed.wrapping_mul(2) + 1, 10_000_i64);
    for minute in FIRST_MINUTE..FIRST_MINUTE + bars {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let open = close;
        close =
            (open + i64::try_from(state >> 59).unwrap() - 16 + (minute / 150 % 2) as i64).max(100);
        let (high, low) = (open.max(close) + 3, open.min(close) - 3);
        let volume = 5 + (state >> 40) % 9;
        text += &format!("{},{open},{high},{low},{close},{volume}\n", minute * 60);
    }
    text
}

/// Every record of a ledger: its envelope and event.
pub(crate) fn records(ledger: &Path) -> TestResult<Vec<(Envelope, Entry<Event>)>> {
    let reader: Reader<Event> = Reader::open(ledger)?;
    let mut all = Vec::new();
    reader.for_each(0, |record| {
        all.push(decode::<Event>(&record)?);
        Ok::<_, Box<dyn std::error::Error>>(())
    })?;
    Ok(all)
}

/// The bytes of every record of a ledger.
pub(crate) fn record_bytes(ledger: &Path) -> TestResult<Vec<Vec<u8>>> {
    let reader: Reader<Event> = Reader::open(ledger)?;
    let mut all = Vec::new();
    reader.for_each(0, |record| {
        all.push(record.bytes.to_vec());
        Ok::<_, Box<dyn std::error::Error>>(())
    })?;
    Ok(all)
}
