//! From a backup back to a ledger: whole, or as far as it is whole, and always told which.
//!
//! Everything is made ready beside its place, under the name `LEDGER.restoring` and with the mark
//! of a backup and one of its own, is verified there, gets its name by one rename, and loses the
//! marks. So a ledger that is half restored is never taken for a whole one, restoring again goes on
//! where it stopped, and what no restore began is never touched.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::notes::keep_notes;
use super::place::{Place, Purpose, is_unfinished_restore, take_marks_away};
use super::segments::Carrier;
use super::source::{Source, Wanted};
use super::{AuditError, BackupError};
use crate::audit::report::{Level, Report, Verdict, verdict_of};
use crate::audit::salvage::gaps;
use crate::audit::{VerifyOptions, verify};
use crate::checkpoint::read_notes;
use crate::ledger::disk::{Disk, parent_of};
use crate::ledger::is_inside_ledger;
use crate::ledger::layout::{Layout, Listing};
use crate::ledger::scan::Fault;
use crate::ledger::{LedgerError, at};

/// What was restored, and what was not.
#[derive(Debug, Clone, Serialize)]
pub struct Restored {
    /// The gravest that is wrong with the backup or with what came out of it.
    pub verdict: Verdict,
    /// Records that the restored ledger holds.
    pub records: u64,
    /// Segments that it holds.
    pub segments: u64,
    /// Records that are known by a note, a header or a whole frame of the backup, and are not
    /// there: from, and one past.
    pub missing_records: Option<(u64, u64)>,
    /// Behind the damage lie whole frames, which [`salvage`](crate::audit::salvage()) copies.
    pub islands: bool,
    /// Segments that are not in the backup though later ones are: from, and one past.
    pub missing_segments: Vec<(u64, u64)>,
    /// Segments that are in the backup and were left out, since what they continue is not whole.
    pub left_out: Vec<u64>,
    /// What is wrong with the backup.
    pub faults: Vec<Fault>,
    /// Notes that were restored.
    pub notes: u64,
    /// Notes of one log and one size that state different roots; both were restored.
    pub contradictions: Vec<String>,
    /// Notes of the backup that cannot be read.
    pub unreadable: Vec<String>,
    /// What the audit said of the restored ledger and its notes.
    pub report: Report,
}

impl Restored {
    /// The exit code of the verdict, as `verify` would have it.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.verdict.exit_code()
    }
}

/// Restores the backup at `dir` as the ledger at `path`, which must be missing or an empty
/// directory, and verifies it against its notes: to level tree unless another is asked for. Of a
/// damaged backup, what lies before the damage is restored.
///
/// # Errors
/// [`BackupError::NotEmpty`], [`BackupError::IsLink`], [`BackupError::InUse`] while somebody writes
/// to the backup, [`BackupError::NotARestore`], a place that another restore began from something
/// else, and failures of the machine.
pub fn restore(dir: &Path, path: &Path, options: &VerifyOptions) -> Result<Restored, BackupError> {
    let disk = &*options.disk;
    let target = Target::new(disk, path)?;
    let from = Layout::new(dir);
    if disk.list(dir).is_ok_and(|names| is_unfinished_restore(&names)) {
        return Err(BackupError::UnfinishedRestore { path: dir.to_owned() });
    }
    if disk.is_locked(&from.lock()).map_err(at("ask for", &from.lock()))? {
        return Err(BackupError::InUse { path: dir.to_owned() });
    }
    let notes = read_notes(disk, &from)?;
    let source = Source::read(disk, &from, Wanted::Whole)?;
    let stated = notes.iter().filter_map(|file| Some(file.note.as_ref().ok()?.checkpoint().size));
    let known = stated.chain(records_by_headers(&source.listing)).max().unwrap_or(0);

    let place = Place::open(disk, &target.work, Purpose::Restore)?;
    let carried = Carrier::new(&source, &place)?.carry()?;
    let kept = keep_notes(disk, notes, place.layout())?;
    let work = place.layout().clone();
    // Whoever audits beside a lock takes it for a living writer's.
    drop(place);
    let level = options.level.unwrap_or(Level::Tree);
    let report = verify(work.root(), &VerifyOptions { level: Some(level), ..options.clone() })?;
    if let Some(fault) = report.faults.iter().find(|fault| fault.class.is_damage()) {
        let what = format!("{} (bytes {}..{})", fault.check, fault.offset, fault.end);
        return Err(BackupError::DamagedCopy { path: work.segment(fault.segment), what });
    }
    let locked = Place::open(disk, &target.work, Purpose::Restore)?;
    target.publish(disk)?;
    take_marks_away(disk, &target.path)?;
    drop(locked);

    let records = carried.end.map_or(0, |end| end.sequence);
    let known = known.max(carried.known);
    let beyond = |listed: &u64| *listed >= carried.segments;
    let listed = || source.listing.segments.iter().map(|listed| listed.index);
    let left_out: Vec<u64> = listed().filter(beyond).collect();
    let mut faults = source.faults.clone();
    faults.extend(carried.faults);
    let verdicts = faults.iter().map(|fault| verdict_of(fault.class));
    let there: Vec<(u64, u64)> = listed().map(|index| (index, index + 1)).collect();
    Ok(Restored {
        verdict: verdicts.fold(report.verdict(), Verdict::min),
        records,
        segments: carried.segments,
        missing_records: (known > records).then_some((records, known)),
        missing_segments: gaps(0, &there, 0),
        islands: carried.known > records || !left_out.is_empty(),
        left_out,
        faults,
        notes: kept.notes,
        contradictions: kept.contradictions,
        unreadable: kept.unreadable,
        report,
    })
}

/// Where a ledger is restored to.
struct Target {
    path: PathBuf,
    /// Where it is made ready.
    work: PathBuf,
    there: There,
}

/// What has the name of the ledger.
#[derive(Clone, Copy, PartialEq, Eq)]
enum There {
    Nothing,
    EmptyDirectory,
    /// What was made ready: the restore was interrupted before it took the marks away.
    Ready,
}

impl Target {
    fn new(disk: &dyn Disk, path: &Path) -> Result<Self, BackupError> {
        let Some(name) = path.file_name() else {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "it has no name of its own");
            let (action, path) = ("restore to", path.to_owned());
            return Err(LedgerError::Io { action, path, source }.into());
        };
        let mut beside = OsString::from(name);
        beside.push(".restoring");
        // Of `LINK/` the system would say what the link leads to.
        let (path, work) = (path.with_file_name(name), path.with_file_name(beside));
        for place in [&path, &work] {
            if disk.is_link(place).map_err(at("look at", place))? {
                return Err(BackupError::IsLink { path: place.clone() });
            }
        }
        let there = match disk.list(&path) {
            Ok(names) if names.is_empty() => There::EmptyDirectory,
            Ok(names) if is_unfinished_restore(&names) => There::Ready,
            Ok(_) => return Err(BackupError::NotEmpty { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => There::Nothing,
            Err(error) => return Err(at("list", &path)(error).into()),
        };
        if there == There::Ready {
            return Ok(Self { work: path.clone(), path, there });
        }
        if is_inside_ledger(disk, &path) {
            return Err(AuditError::InsideLedger { path }.into());
        }
        Ok(Self { path, work, there })
    }

    /// Gives what was made ready its name.
    fn publish(&self, disk: &dyn Disk) -> Result<(), LedgerError> {
        let renamed = match self.there {
            There::Nothing => disk.rename_new(&self.work, &self.path),
            // The system puts a directory in place of another only where that one is empty.
            There::EmptyDirectory => disk.replace(&self.work, &self.path),
            There::Ready => Ok(()),
        };
        renamed.map_err(at("rename", &self.path))?;
        let parent = parent_of(&self.path);
        parent.map_or(Ok(()), |parent| disk.sync_dir(parent).map_err(at("sync", parent)))
    }
}

/// How many records there are at least, by what every header that can be read says.
fn records_by_headers(listing: &Listing) -> impl Iterator<Item = u64> {
    let headers = listing.segments.iter().filter_map(|listed| listed.header.as_ref().ok());
    headers.map(|header| header.first_sequence)
}
