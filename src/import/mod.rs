//! Other people's files, into the ledger: whole or not at all, each number exact, each defect told.
//!
//! [`import`] reads every file twice. The first pass checks all of it and writes nothing; the
//! second appends what is new, in the order of the file. What was imported before under the same
//! label is left out, so that importing a file again changes nothing, and files may overlap.
//!
//! Each format is a [`Format`]: a name, how to recognise a file by its bytes, and how to open an
//! [`Importer`], which yields an [`Item`] at a time. A new format is a module with one such value,
//! and its place in [`formats`].
//!
//! Invariants: what is recorded depends on the files' bytes, their names where those say the pair
//! or the length of bars, and what the operator said; memory does not grow with a file whose
//! numbers or times rise, nor with its defects; nothing is appended before a whole file was read
//! without an error. A crash or Ctrl-C during the second pass leaves an import without its end: it
//! is shown as that, and the next import of the file adds what is missing.

pub mod accounts;
mod bars;
mod candles;
mod columns;
mod error;
mod feed;
mod feed_events;
mod figure;
mod file;
mod format;
mod freqtrade;
mod history;
mod item;
mod json;
mod klines;
mod lean;
mod lean_quotes;
mod number;
mod pass;
mod prints;
mod reading;
mod record;
mod sieve;
mod text;
mod trades;

pub use error::{Fault, ImportError, ReadError};
pub use figure::{Figure, Figures};
pub use file::ImportFile;
pub use format::{Format, formats};
pub use item::{Importer, Item, Opened};
pub use number::{Number, Sum, SumOverflow};
pub use pass::{DEFECTS_LISTED_MAX, Tally};

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::event::{Event, ImportStarted, RunId};
use crate::ledger::{Head, Writer, WriterOptions};
use crate::market::{Fingerprint, PairSymbol, file_digest};
use crate::time::{Span, Timestamp};

use history::{History, PastImport};
use pass::{Ended, Pass};
use sieve::Known;

/// Characters of a label.
const LABEL_MAX: usize = 100;

/// What is to be imported, and how.
#[derive(Debug, Clone, Default)]
pub struct ImportRequest {
    /// The files, each with its pair where the operator said one.
    pub files: Vec<(PathBuf, Option<PairSymbol>)>,
    /// Their format; else it is read off the bytes.
    pub from: Option<&'static Format>,
    /// Whose data it is; else what the format says.
    pub label: Option<String>,
    /// The length of their bars; else the rows or the name say it.
    pub interval: Option<Span>,
    /// How many seconds east of UTC the clock was that wrote times without a zone.
    pub utc_offset: Option<i32>,
    /// Whether a row that cannot be read is left out and recorded, instead of ending the import.
    pub skip_malformed: bool,
    /// Whether nothing is written.
    pub dry_run: bool,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileOutcome {
    /// It is in the ledger.
    Imported,
    /// It was in the ledger before: nothing was written.
    AlreadyImported,
    /// It would be imported.
    WouldImport,
    /// It was stopped: the ledger may hold its beginning.
    Stopped,
}

/// What an import found in a file and did with it.
#[derive(Debug, Clone)]
pub struct FileReport {
    /// The file.
    pub file: ImportFile,
    /// What the importer knew of all its rows.
    pub opened: Opened,
    /// What became of it.
    pub outcome: FileOutcome,
    /// The import's id and first record, where the ledger holds it.
    pub import: Option<(RunId, u64)>,
    /// What was found.
    pub tally: Tally,
}

/// What [`import`] did.
#[derive(Debug, Clone)]
pub struct ImportReport {
    /// Each file.
    pub files: Vec<FileReport>,
    /// The head afterwards; none where nothing was written.
    pub head: Option<Head>,
    /// Whoever watched stopped it.
    pub stopped: bool,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Facts and defects of the file so far.
    pub records: u64,
}

/// Is asked after every fact; when it breaks, the import stops there.
pub type Watch<'w> = &'w mut dyn FnMut(&Progress) -> ControlFlow<()>;

/// Imports files into the ledger at `path`, which is made where there is none.
///
/// # Errors
/// [`ImportError`]. A file with an error, or a ledger that refuses, is found before anything is
/// written; only a file that changes between its two passes leaves an import without its end.
///
/// # Examples
/// ```
/// use schwabot::import::{ImportRequest, import};
/// use schwabot::ledger::WriterOptions;
/// use std::ops::ControlFlow;
/// # let folder = tempfile::tempdir()?;
/// let file = folder.path().join("BTCUSDT-1m-2021-11-27.csv");
/// std::fs::write(&file, "1637971200000,2,4,1,3,10,1637971259999,30,7,5,15,0\n")?;
/// let request = ImportRequest { files: vec![(file, None)], ..ImportRequest::default() };
/// let ledger = folder.path().join("ledger");
/// let mut go_on = |_: &_| ControlFlow::Continue(());
/// let report = import(&ledger, &request, &WriterOptions::default(), &mut go_on)?;
/// assert_eq!(report.files[0].tally.facts["imported_bar"], 1);
/// assert_eq!(report.head.map(|head| head.size), Some(3));
/// let again = import(&ledger, &request, &WriterOptions::default(), &mut go_on)?;
/// assert_eq!(again.head, None, "nothing was written");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn import(
    path: &Path,
    request: &ImportRequest,
    options: &WriterOptions,
    watch: Watch<'_>,
) -> Result<ImportReport, ImportError> {
    if let Some(label) = request.label.as_ref().filter(|label| label.starts_with('@')) {
        return Err(ImportError::ReservedLabel { label: label.clone() });
    }
    let files: Vec<ImportFile> =
        request.files.iter().map(|file| look_at(file, request)).collect::<Result<_, _>>()?;
    let labels: BTreeSet<String> = files.iter().map(|file| file.label.clone()).collect();
    let mut history = History::read(&options.disk, path, &labels)?;
    let mut report = ImportReport { files: Vec::new(), head: None, stopped: false };
    let mut surveyed = Vec::new();
    for (place, file) in files.iter().enumerate() {
        let more = place + 1 < files.len();
        let survey = survey(file, &mut history, request, more && request.dry_run, watch)?;
        let Some(survey) = survey else {
            report.stopped = true;
            return Ok(report);
        };
        surveyed.push(survey);
    }
    if request.dry_run || surveyed.iter().all(|survey| survey.before.is_some()) {
        report.files = files.into_iter().zip(surveyed).map(|(f, s)| s.untouched(f)).collect();
        return Ok(report);
    }
    let mut writer: Writer<Event> = Writer::open(path, options)?;
    let appended = append_all(files, surveyed, &mut history, request, &mut writer, watch);
    // Closed in any case, so that nothing is left to recover.
    let closed = writer.close();
    (report.files, report.stopped) = appended?;
    report.head = Some(closed?);
    Ok(report)
}

fn look_at(
    (path, pair): &(PathBuf, Option<PairSymbol>),
    request: &ImportRequest,
) -> Result<ImportFile, ImportError> {
    let (bytes, digest) = file_digest(path)?;
    let format = match request.from {
        Some(format) => format,
        None => Format::detect(path)?,
    };
    let mut label = request.label.clone().unwrap_or_else(|| format.label.to_owned());
    if let Some((end, _)) = label.char_indices().nth(LABEL_MAX) {
        label.truncate(end);
    }
    Ok(ImportFile {
        path: path.clone(),
        format,
        fingerprint: Fingerprint { bytes, digest },
        checksum_matched: file::check_beside(path, digest)?,
        pair: pair.clone(),
        interval: request.interval,
        utc_offset: request.utc_offset,
        label,
    })
}

/// What the first pass found.
struct Survey {
    opened: Opened,
    indexed: bool,
    tally: Tally,
    /// The import that the ledger holds of this file already.
    before: Option<PastImport>,
}

impl Survey {
    /// The report of a file that nothing was written of.
    fn untouched(self, file: ImportFile) -> FileReport {
        let outcome = match self.before {
            Some(_) => FileOutcome::AlreadyImported,
            None => FileOutcome::WouldImport,
        };
        let import = self.before.map(|before| (before.id, before.sequence));
        FileReport { file, opened: self.opened, outcome, import, tally: self.tally }
    }
}

/// Reads a whole file and writes nothing; none where whoever watches stopped it.
fn survey(
    file: &ImportFile,
    history: &mut History,
    request: &ImportRequest,
    remember: bool,
    watch: Watch<'_>,
) -> Result<Option<Survey>, ImportError> {
    let skip_malformed = request.skip_malformed;
    let mut indexed = false;
    loop {
        let mut found = history.known.addition();
        let pass = Pass { file, known: &history.known, indexed, skip_malformed };
        let opened = pass.opened()?;
        let started = started_of(file, &opened);
        let mut records = 0;
        let ended = pass.run(&mut |one| {
            if let (true, pass::Found::Fact(_, event)) = (remember, &one) {
                let added = found.add(&file.label, event);
                added.map_err(|error| pass.record_error(0, error))?;
            }
            records += 1;
            Ok(watch(&Progress { records }))
        })?;
        match ended {
            Ended::Whole(tally) if tally.rows == 0 => {
                let reason = format!("it holds no row of {}", file.format.name);
                return Err(ImportError::Unreadable { file: file.path.clone(), reason });
            }
            Ended::Whole(tally) => {
                file.check_unchanged()?;
                let same = |past: &&PastImport| past.ended && is_same(&past.started, &started);
                let before = history.imports.iter().find(same).cloned();
                history.known.join(found);
                return Ok(Some(Survey { opened, indexed, tally, before }));
            }
            Ended::NeedsIndex => indexed = true,
            Ended::Stopped => return Ok(None),
        }
    }
}

fn started_of(file: &ImportFile, opened: &Opened) -> ImportStarted {
    ImportStarted {
        format: file.format.name.to_owned(),
        importer: file.format.version,
        bytes: file.fingerprint.bytes,
        digest: file.fingerprint.digest,
        checksum_matched: file.checksum_matched,
        label: file.label.clone(),
        symbol: opened.symbol.clone(),
        symbol_unnamed: opened.symbol_unnamed.clone(),
        interval: opened.interval,
        utc_offset: opened.utc_offset,
        binary_floats: file.format.binary_floats || opened.binary_floats,
    }
}

/// True where two imports are of the same bytes, read in the same way, for the same label.
fn is_same(one: &ImportStarted, other: &ImportStarted) -> bool {
    // What lies beside the file changes nothing of what it says.
    let beside = ImportStarted { checksum_matched: other.checksum_matched, ..one.clone() };
    beside == *other
}

/// Appends the files one after another; true where whoever watches stopped it.
fn append_all(
    files: Vec<ImportFile>,
    surveyed: Vec<Survey>,
    history: &mut History,
    request: &ImportRequest,
    writer: &mut Writer<Event>,
    watch: Watch<'_>,
) -> Result<(Vec<FileReport>, bool), ImportError> {
    let mut reports = Vec::new();
    let mut left = files.len();
    for (file, survey) in files.into_iter().zip(surveyed) {
        left -= 1;
        let again = reports.iter().any(|done: &FileReport| {
            is_same(&started_of(&done.file, &done.opened), &started_of(&file, &survey.opened))
        });
        if survey.before.is_some() || again {
            let mut report = survey.untouched(file);
            report.outcome = FileOutcome::AlreadyImported;
            reports.push(report);
            continue;
        }
        let (standing, tally, found) =
            append(&file, &survey, &history.known, left > 0, request, writer, watch)?;
        history.known.join(found);
        let stopped = tally.is_none();
        reports.push(FileReport {
            outcome: if stopped { FileOutcome::Stopped } else { FileOutcome::Imported },
            import: Some((standing.id, standing.sequence)),
            tally: tally.unwrap_or(survey.tally),
            opened: survey.opened,
            file,
        });
        if stopped {
            return Ok((reports, true));
        }
    }
    Ok((reports, false))
}

type Appended = (record::Standing, Option<Tally>, Known);

/// Appends one file, and remembers its facts where more files follow.
fn append(
    file: &ImportFile,
    survey: &Survey,
    known: &Known,
    remember: bool,
    request: &ImportRequest,
    writer: &mut Writer<Event>,
    watch: Watch<'_>,
) -> Result<Appended, ImportError> {
    let (indexed, skip_malformed) = (survey.indexed, request.skip_malformed);
    let pass = Pass { file, known, indexed, skip_malformed };
    let started = started_of(file, &survey.opened);
    let first = survey.tally.first.unwrap_or(Timestamp::from_nanos(0));
    let mut found = known.addition();
    let mut remember_fact = |event: &Event| {
        let added = if remember { found.add(&file.label, event) } else { Ok(()) };
        added.map_err(|error| pass.record_error(0, error))
    };
    let (standing, tally) =
        record::record(&pass, started, first, writer, &mut remember_fact, watch)?;
    Ok((standing, tally, found))
}
