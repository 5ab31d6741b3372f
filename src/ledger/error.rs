//! What can go wrong with a ledger, in three kinds that are never mixed up.
//!
//! *Refusal*: the ledger is sound and says no. *Damage*: the bytes are not what was promised.
//! *Failure*: the machine could not do it.

use std::io;
use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::scan::{Fault, Follower, scan_segment};
use super::segment::SegmentHeader;
use super::walk::SegmentFile;
use crate::event::RecordError;

/// Why a ledger could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// Failure: the system would not do it.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Refusal: there is no ledger here.
    #[error("{} is no ledger: it has no ledger.id", path.display())]
    NotALedger {
        /// Where was looked.
        path: PathBuf,
    },
    /// Refusal: the directory holds something else.
    #[error(
        "{} is not empty and holds no ledger; a new one wants a place of its own", path.display()
    )]
    DirectoryInUse {
        /// Where was looked.
        path: PathBuf,
    },
    /// Refusal: a backup is only read, and added to by `backup` alone.
    #[error(
        "{} is a backup, and nothing is appended to it: restore it with recover --from",
        path.display()
    )]
    IsBackup {
        /// The backup.
        path: PathBuf,
    },
    /// Refusal: a later version, or features that this program does not know.
    #[error("{}: {what}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What was met, against what is known.
        what: String,
    },
    /// Refusal: the ledger holds another program's events.
    #[error("{} holds events of `{actual}`, not of `{expected}`", path.display())]
    OtherApplication {
        /// The ledger.
        path: PathBuf,
        /// The program that wanted to open it.
        expected: String,
        /// The program that wrote it.
        actual: String,
    },
    /// Refusal: another writer is at work.
    #[error("{} is open for writing by another process; only one writer at a time", path.display())]
    Locked {
        /// The ledger.
        path: PathBuf,
    },
    /// Refusal: a write or sync failed before, so nothing about the disk can be believed any more.
    #[error("the writer refuses everything since {cause}; open the ledger again")]
    Poisoned {
        /// What failed.
        cause: String,
    },
    /// Refusal: the step does not fit a frame.
    #[error("a step of {bytes} bytes does not fit a frame of at most {limit}")]
    StepTooLong {
        /// How long it would be.
        bytes: usize,
        /// The longest.
        limit: usize,
    },
    /// Refusal: the caller expected another end of the log.
    #[error("the next sequence is {actual}, not {expected}")]
    WrongSequence {
        /// What the caller expected.
        expected: u64,
        /// What it is.
        actual: u64,
    },
    /// Refusal: a key inside the step was used before, though the step's first key is new.
    #[error("idempotency key of record {index} in the step was already used by record {sequence}")]
    KeyReused {
        /// Place of the record in the step.
        index: usize,
        /// The record that holds the key.
        sequence: u64,
    },
    /// Damage: promised bytes are not there or not what they were.
    #[error(
        "segment {:012} is damaged at bytes {}..{} (record {}): {}: expected {}, found {}",
        .0.segment, .0.offset, .0.end, .0.sequence, .0.check, .0.expected, .0.actual
    )]
    Damaged(Box<Fault>),
    /// Damage: the file that names the ledger is not there, or not what was written.
    #[error("{} is lost or damaged", path.display())]
    DamagedIdentity {
        /// The file.
        path: PathBuf,
    },
    /// Damage: a whole frame holds a record that cannot be read.
    #[error("record {sequence}: {source}")]
    Record {
        /// The record.
        sequence: u64,
        /// Why.
        source: RecordError,
    },
    /// Refusal: a record that cannot be written.
    #[error("record cannot be written: {0}")]
    Unwritable(#[from] RecordError),
    /// Failure: the writer's thread is gone.
    #[error("the writer has stopped")]
    Stopped,
}

impl LedgerError {
    /// True when the bytes are at fault, not the machine and not the request.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged(_) | Self::DamagedIdentity { .. } | Self::Record { .. })
    }
}

/// The first of the faults that is damage, if one is, as an error.
pub(crate) fn damage_among(faults: &[Fault]) -> Option<LedgerError> {
    let damage = faults.iter().find(|fault| fault.class.is_damage())?;
    Some(LedgerError::Damaged(Box::new(damage.clone())))
}

/// Looks again at a segment that could not be walked through, and says why.
pub(crate) fn what_stopped(
    disk: &dyn Disk,
    path: &Path,
    header: &SegmentHeader,
    follower: Follower,
) -> LedgerError {
    let scanned = SegmentFile::open(disk, path, false)
        .and_then(|mut file| scan_segment(&mut file, header, follower, &mut |_, _| {}));
    match scanned.map(|scan| scan.faults.into_iter().next()) {
        Ok(Some(fault)) => LedgerError::Damaged(Box::new(fault)),
        Ok(None) => changed(path),
        Err(error) => at("read", path)(error),
    }
}

/// The error of a file that was not the same at two looks.
pub(crate) fn changed(path: &Path) -> LedgerError {
    at("read", path)(io::Error::other("the file changed while it was being read"))
}

/// Gives an I/O error its place.
pub(crate) fn at<'p>(
    action: &'static str,
    path: &'p Path,
) -> impl FnOnce(io::Error) -> LedgerError + 'p {
    move |source| LedgerError::Io { action, path: path.to_owned(), source }
}
