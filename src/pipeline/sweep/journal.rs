//! What a sweep has finished: one line a trial, durable before the next one counts.
//!
//! The first line says what is swept: the digests of the data, the kernel, and the ids of all
//! trials. Lines are only ever added; a last one without its line end was cut off and does not
//! count.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::SweepError;
use super::grid::Trial;
use crate::event::InputFile;
use crate::hash::Digest;
use crate::kernel::KERNEL_NUMBER;
use crate::ledger::Head;
use crate::ledger::disk::{Disk, RealDisk, read_whole};

/// The journal's name in the directory of a sweep.
pub(super) const NAME: &str = "sweep.jsonl";
/// How the name of a trial's directory begins.
pub(super) const TRIAL: &str = "trial-";
/// The longest journal; anything longer is something else.
const BYTES_MAX: usize = 64 << 20;

/// A trial that is finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Finished {
    r#type: String,
    /// Its run's id.
    pub(super) trial: String,
    size: u64,
    root: String,
}

impl Finished {
    pub(super) fn head(&self) -> Head {
        // What is no digest was refused when the line was read.
        Head { size: self.size, root: self.root.parse().unwrap_or(Digest::ZERO) }
    }
}

/// The open journal.
pub(super) struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// Opens the journal of a directory, or begins one; also returns what is finished.
    pub(super) fn open(
        out: &Path,
        inputs: &[InputFile],
        trials: &[Trial],
    ) -> Result<(Self, Vec<Finished>), SweepError> {
        let path = out.join(NAME);
        let io = |source| SweepError::Io { path: path.clone(), source };
        let ids: Vec<String> = trials.iter().map(|trial| trial.id.to_string()).collect();
        let first = json!({
            "type": "sweep", "schema": 1, "kernel": KERNEL_NUMBER, "inputs": inputs, "trials": ids,
        });
        let first = format!("{first}\n");
        let text = match read_whole(&RealDisk, &path, BYTES_MAX) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(io(error)),
        };
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let (kept, begun) = (&text[..whole], whole > 0);
        if begun && !kept.starts_with(&first) {
            return Err(SweepError::OtherSweep { path });
        }
        // The first line is durable before any trial begins, so it was lost, and with it what is
        // finished: nothing may be removed then.
        let names = if begun { Vec::new() } else { RealDisk.list(out).map_err(io)? };
        if names.iter().any(|name| name.starts_with(TRIAL)) {
            return Err(SweepError::NoJournal { path: out.to_owned() });
        }
        let mut finished = Vec::new();
        for (line, text) in (1..).zip(kept.lines()).skip(1) {
            finished.push(parse(&path, line, text)?);
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = file.map_err(io)?;
        // What was cut off is written over.
        file.set_len(whole as u64).and_then(|()| file.seek(SeekFrom::End(0))).map_err(io)?;
        let mut journal = Self { file, path };
        if !begun {
            journal.write(&first)?;
            let named = RealDisk.sync_dir(out);
            named.map_err(|source| SweepError::Io { path: out.to_owned(), source })?;
        }
        Ok((journal, finished))
    }

    /// Notes that a trial is finished; durable when it returns.
    pub(super) fn append(&mut self, trial: &Trial, head: Head) -> Result<(), SweepError> {
        let line = Finished {
            r#type: "trial".to_owned(),
            trial: trial.id.to_string(),
            size: head.size,
            root: head.root.to_string(),
        };
        self.write(&format!("{}\n", json!(line)))
    }

    fn write(&mut self, line: &str) -> Result<(), SweepError> {
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|source| SweepError::Io { path: self.path.clone(), source })
    }
}

fn parse(path: &Path, line: usize, text: &str) -> Result<Finished, SweepError> {
    let bad = |reason: String| SweepError::Journal { path: path.to_owned(), line, reason };
    let known: Finished = serde_json::from_str(text).map_err(|error| bad(error.to_string()))?;
    known.root.parse::<Digest>().map_err(|error| bad(format!("root: {error}")))?;
    Ok(known)
}
