//! A copy of a ledger in another place, kept up to date and never believed blindly.
//!
//! A backup is laid out like a ledger, so that anybody can `verify` it as it lies there, and one
//! file more, `backup`, keeps every writer away from it:
//!
//! ```text
//! DIR/backup                     the mark; whoever appended here would fork the log
//! DIR/ledger.id, DIR/segments/   each ended segment once, and the proven part of the last one
//! DIR/checkpoint, checkpoints/   every note that there ever was
//! DIR/lock                       held while a backup is at work
//! DIR/restoring                  only where a ledger is being restored: then this is no backup
//! ```
//!
//! Invariants: the ledger is only read, without its lock; a frame is copied once its link was
//! checked, and never before it is proven durable, so that the ledger cannot lose what its backup
//! holds; a copy replaces another only where it holds all of it and continues it; at every moment
//! the directory is a ledger that verifies (`place.rs` has the order of the steps). Derived files
//! and keys stay behind.

mod copy;
mod notes;
mod place;
mod restore;
mod segments;
mod source;

use std::path::{Path, PathBuf};

use serde::Serialize;

pub use restore::{Restored, restore};

use self::notes::keep_notes;
use self::place::{Place, Purpose};
use self::segments::{Carried, Carrier};
use self::source::{Source, Wanted};
use super::AuditError;
use crate::checkpoint::read_notes;
use crate::hash::Digest;
use crate::ledger::disk::Disk;
use crate::ledger::layout::Layout;
use crate::ledger::scan::Fault;
use crate::ledger::{LedgerEnd, LedgerError, damage_among};

/// What a backup did, and what the directory holds now.
#[derive(Debug, Clone, Serialize)]
pub struct BackedUp {
    /// How the ledger ended when it was looked at.
    pub end: LedgerEnd,
    /// Records that the backup holds.
    pub records: u64,
    /// Segments that it holds.
    pub segments: u64,
    /// Link of its last frame; none without segments.
    pub chain_head: Option<Digest>,
    /// Segments whose whole copy was made now.
    pub copied: Vec<u64>,
    /// True when a part of the last segment was copied now; one that ended was copied whole.
    pub copied_part: bool,
    /// Bytes of segments that were written now.
    pub bytes: u64,
    /// Records of the ledger that are not in the backup, since nothing proves them durable yet.
    pub unproven: u64,
    /// Notes that the backup holds.
    pub notes: u64,
    /// Notes that were added, or got more signatures.
    pub new_notes: u64,
    /// Notes of one log and one size that state different roots; both are kept.
    pub contradictions: Vec<String>,
    /// Notes of the ledger that cannot be read; no good one was replaced by them.
    pub unreadable: Vec<String>,
}

/// Why nothing, or not all, was copied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The ledger or the disk.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The audit of what was restored.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Refusal: there is something else.
    #[error("{} is not empty and no backup; a new one wants a place of its own", path.display())]
    NotABackup {
        /// The directory.
        path: PathBuf,
    },
    /// Refusal: what stands where a ledger is made ready was begun by no restore.
    #[error(
        "{} is in the way: a ledger is made ready under this name, and no restore began what is \
         there; move it elsewhere",
        path.display()
    )]
    NotARestore {
        /// The directory.
        path: PathBuf,
    },
    /// Refusal: a ledger that is half restored is no backup.
    #[error("{} is a restore that did not finish, and no backup", path.display())]
    UnfinishedRestore {
        /// The directory.
        path: PathBuf,
    },
    /// Refusal: a restore never goes over something.
    #[error("{} is not empty; a restore wants a place that is missing or empty", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// Refusal: a directory cannot take the name of a link.
    #[error("{} is a link; a restore wants a place of its own", path.display())]
    IsLink {
        /// The link.
        path: PathBuf,
    },
    /// Refusal: somebody is at work there.
    #[error("{} is being written to by another process", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// Refusal: the copy is of another ledger.
    #[error(
        "{} is ledger {ledger_id}, and {} is a copy of ledger {copy_id}",
        ledger.display(), copy.display()
    )]
    OtherLedger {
        /// What was to be copied.
        ledger: PathBuf,
        /// Its id.
        ledger_id: String,
        /// Where the other's copy is.
        copy: PathBuf,
        /// The other's id.
        copy_id: String,
    },
    /// Refusal: both continue one history, each in its own way.
    #[error(
        "{} and its copy {} part in segment {segment:012} at record {sequence}: they are two \
         histories, and neither replaces the other",
        ledger.display(), copy.display()
    )]
    Forked {
        /// What was to be copied.
        ledger: PathBuf,
        /// Where the copy is.
        copy: PathBuf,
        /// The segment in which they part.
        segment: u64,
        /// The record at which they part, or an earlier one.
        sequence: u64,
    },
    /// Refusal: the copy holds more.
    #[error(
        "{} ends before its copy {} does, in segment {segment:012} at record {sequence}: it was \
         rolled back, and the copy is not",
        ledger.display(), copy.display()
    )]
    RolledBack {
        /// What was to be copied.
        ledger: PathBuf,
        /// Where the copy is.
        copy: PathBuf,
        /// The segment up to which the copy goes.
        segment: u64,
        /// The record up to which it goes at least.
        sequence: u64,
    },
    /// Damage: of the copy, not of the ledger.
    #[error("the copy {} is damaged: {what}; remove it, and it is made again", path.display())]
    DamagedCopy {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

impl BackupError {
    /// The fault of a damaged source, where that is why.
    fn source_fault(self) -> Result<Fault, Self> {
        match self {
            Self::Ledger(LedgerError::Damaged(fault)) => Ok(*fault),
            other => Err(other),
        }
    }
}

/// Copies what is new of the ledger at `path` into the backup at `dir`, which is a backup of the
/// same ledger, empty, or not there yet. May be called at any moment, also beside a living writer;
/// what an interrupted call left behind is completed by the next.
///
/// # Errors
/// [`BackupError`]. What was copied before stays as good as it was.
///
/// # Examples
/// ```
/// use schwabot::audit::{VerifyOptions, backup, restore, verify};
/// use schwabot::event::Event;
/// use schwabot::ledger::disk::RealDisk;
/// use schwabot::ledger::{Writer, WriterOptions};
/// # let dir = tempfile::tempdir()?;
/// # let (path, copy) = (dir.path().join("ledger"), dir.path().join("backup"));
/// # let back = dir.path().join("back");
/// Writer::<Event>::open(&path, &WriterOptions::default())?.close()?;
/// let done = backup(&RealDisk, &path, &copy)?;
/// assert_eq!((done.segments, done.unproven), (1, 0));
/// assert_eq!(verify(&copy, &VerifyOptions::default())?.exit_code(), 0);
///
/// let restored = restore(&copy, &back, &VerifyOptions::default())?;
/// assert_eq!(restored.exit_code(), 0);
/// Writer::<Event>::open(&back, &WriterOptions::default())?.close()?; // it goes on
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn backup(disk: &dyn Disk, path: &Path, dir: &Path) -> Result<BackedUp, BackupError> {
    let from = Layout::new(path);
    // Asked before everything, and notes before segments: whatever a note covers is copied.
    let live = disk.is_locked(&from.lock()).map_err(crate::ledger::at("ask for", &from.lock()))?;
    let notes = read_notes(disk, &from)?;
    let source = Source::read(disk, &from, Wanted::Proven { live })?;
    if let Some(fault) = source.faults.first() {
        return Err(LedgerError::Damaged(Box::new(fault.clone())).into());
    }
    let place = Place::open(disk, dir, Purpose::Backup)?;
    let carried = Carrier::new(&source, &place)?.carry()?;
    if let Some(damage) = damage_among(&carried.faults) {
        return Err(damage.into());
    }
    let kept = keep_notes(disk, notes, place.layout())?;
    let Carried { end, ended, copied, copied_part, bytes, unproven, segments, .. } = carried;
    Ok(BackedUp {
        end: match (live, ended) {
            (true, _) => LedgerEnd::Live,
            (false, true) => LedgerEnd::Closed,
            (false, false) => LedgerEnd::Open,
        },
        records: end.map_or(0, |end| end.sequence),
        segments,
        chain_head: end.map(|end| end.link),
        copied,
        copied_part,
        bytes,
        unproven,
        notes: kept.notes,
        new_notes: kept.new,
        contradictions: kept.contradictions,
        unreadable: kept.unreadable,
    })
}
