//! Where copies go: a directory that is a ledger at every moment, and one that nobody appends to.
//!
//! | step | a crash after it leaves |
//! |---|---|
//! | the mark, then `ledger.id` | an empty ledger |
//! | segment 0 with its header alone, by the rename of `segments.new/` | the same, with a segment |
//! | the whole copy of the last segment under the name `copy` | a file that nobody reads |
//! | the header of the segment after it, under the name `next` | a spare that continues nothing |
//! | `copy` renamed over the last segment | an end frame that `next` continues |
//! | `next` renamed to the segment after it | that segment is the last one, and is filled next |
//!
//! So a segment is first a header, then the proven part, then whole, and each is a ledger that
//! verifies. Only between the last two steps, where a recovery follows the segment, its dead bytes
//! stand at the end: a torn tail, as the ledger itself was before that recovery.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::copy::Draft;
use super::source::Source;
use super::{AuditError, BackupError};
use crate::event::ApplicationId;
use crate::hash::in_hex;
use crate::ledger::disk::{
    Access, Disk, DiskFile, Readers, parent_of, read_whole, remove_if_there, write_whole,
};
use crate::ledger::frame::{FLAG_CLOSE, FLAG_SEAL};
use crate::ledger::is_inside_ledger;
use crate::ledger::layout::{BACKUP_MARK, Identity, Layout, Listing};
use crate::ledger::scan::{Follower, scan_segment};
use crate::ledger::segment::{LedgerId, SegmentHeader, file_name};
use crate::ledger::walk::{Position, SegmentFile, trimmed_end};
use crate::ledger::{LedgerError, at, make_durable_dir};

/// What the mark says to whoever opens it.
const MARK: &str = "This directory is the backup of a ledger. `schwabot backup` adds to it, \
                    `schwabot recover --from` restores it, and `schwabot verify` checks it as it \
                    is.\nAppending to it would make a second history.\n";

/// Name of the second mark of a place in which a ledger is restored. It is the first thing that a
/// restore writes and the last that it takes away, so nothing else is ever taken for its own.
const RESTORING: &str = "restoring";

/// What that mark says.
const RESTORING_MARK: &str = "A ledger is being restored here. `schwabot recover --from`, called \
                              again, goes on where it stopped.\n";

/// What a place is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is a backup.
    Backup,
    /// A ledger is restored there.
    Restore,
}

/// A directory that takes copies in, for as long as this lives.
pub(super) struct Place<'p> {
    disk: &'p dyn Disk,
    layout: Layout,
    /// Two backups into one place exclude each other, and whoever audits it knows.
    _lock: Box<dyn Send + Sync>,
}

/// The copies that lie in a place.
pub(super) struct Held {
    pub(super) headers: BTreeMap<u64, SegmentHeader>,
    /// The header under the name `next`.
    pub(super) next: Option<SegmentHeader>,
}

impl<'p> Place<'p> {
    /// Opens a place or makes it.
    pub(super) fn open(
        disk: &'p dyn Disk,
        dir: &Path,
        purpose: Purpose,
    ) -> Result<Self, BackupError> {
        let layout = Layout::new(dir);
        let marked = match disk.list(dir) {
            Ok(names) => is_marked(&names, dir, purpose)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(at("list", dir)(error).into()),
        };
        if !marked {
            let above = if purpose == Purpose::Restore { parent_of(dir) } else { Some(dir) };
            if above.is_some_and(|above| is_inside_ledger(disk, above)) {
                return Err(AuditError::InsideLedger { path: dir.to_owned() }.into());
            }
        }
        make_durable_dir(disk, dir)?;
        let lock = disk.lock(&layout.lock()).map_err(at("lock", &layout.lock()))?;
        let lock = lock.ok_or_else(|| BackupError::InUse { path: dir.to_owned() })?;
        // Somebody else may have been faster.
        is_marked(&disk.list(dir).map_err(at("list", dir))?, dir, purpose)?;
        if purpose == Purpose::Restore {
            put_mark(disk, &dir.join(RESTORING), RESTORING_MARK)?;
        }
        put_mark(disk, &layout.backup_mark(), MARK)?;
        Ok(Self { disk, layout, _lock: lock })
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Sees that this is the place of the source's ledger, and what is there.
    pub(super) fn hold(&self, source: &Source<'_>) -> Result<Held, BackupError> {
        let root = self.layout.root();
        let names = self.disk.list(root).map_err(at("list", root))?;
        let listing = match Listing::read(self.disk, &self.layout) {
            Ok(listing) => listing,
            Err(LedgerError::NotALedger { .. }) => {
                self.write_identity(&source.identity)?;
                return Ok(Held { headers: BTreeMap::new(), next: None });
            }
            Err(error) => return Err(error.into()),
        };
        let damaged = |path: PathBuf, what: String| BackupError::DamagedCopy { path, what };
        let first = listing.segments.iter().find_map(|listed| listed.header.as_ref().ok());
        if names.iter().any(|name| name == "ledger.id") {
            let identity = listing.identity;
            let identity =
                identity.map_err(|error| damaged(self.layout.identity(), error.to_string()))?;
            self.check_ledger(source, (identity.ledger, identity.application))?;
        } else if let Some(first) = first {
            self.check_ledger(source, (first.ledger, first.application))?;
            self.write_identity(&source.identity)?;
        }
        // Whoever made these names may have died before they were durable.
        self.sync_dir(root)?;
        let mut headers = BTreeMap::new();
        for listed in &listing.segments {
            let path = self.layout.segment(listed.index);
            let header = listed.header.map_err(|error| damaged(path.clone(), error.to_string()))?;
            if header.index != listed.index {
                return Err(damaged(path, format!("it is segment {}", header.index)));
            }
            headers.insert(listed.index, header);
        }
        if listing.has_segments_dir {
            if headers.is_empty() {
                let what = "it holds no segment".to_owned();
                return Err(damaged(self.layout.segments(), what));
            }
            self.sync_dir(&self.layout.segments())?;
            self.remove(&self.draft_path())?;
        }
        Ok(Held { headers, next: listing.spare })
    }

    fn write_identity(&self, identity: &Identity) -> Result<(), LedgerError> {
        let path = self.layout.identity();
        write_whole(self.disk, &path, &identity.encode(), Readers::Usual)
            .map_err(at("write", &path))
    }

    fn check_ledger(
        &self,
        source: &Source<'_>,
        (ledger, application): (LedgerId, ApplicationId),
    ) -> Result<(), BackupError> {
        if (ledger, application) == (source.identity.ledger, source.identity.application) {
            return Ok(());
        }
        Err(BackupError::OtherLedger {
            ledger: source.layout.root().to_owned(),
            ledger_id: in_hex(&source.identity.ledger),
            copy: self.layout.root().to_owned(),
            copy_id: in_hex(&ledger),
        })
    }

    /// Where the copy of a segment ends.
    pub(super) fn end_of(&self, header: &SegmentHeader) -> Result<Position, BackupError> {
        let path = self.layout.segment(header.index);
        let mut file = SegmentFile::open(self.disk, &path, false).map_err(at("open", &path))?;
        let ended =
            trimmed_end(&mut file, header, FLAG_SEAL | FLAG_CLOSE).map_err(at("read", &path))?;
        if let Some(end) = ended {
            return Ok(end);
        }
        let scan = scan_segment(&mut file, header, Follower::Nothing, &mut |_, _| {})
            .map_err(at("read", &path))?;
        // Dead bytes that a recovery is about to follow look like a torn tail.
        match scan.faults.iter().find(|fault| fault.class.is_damage()) {
            None => Ok(scan.counted),
            Some(fault) => {
                let bytes = format!("bytes {}..{}", fault.offset, fault.end);
                let what = format!("{bytes}: {}", fault.check);
                Err(BackupError::DamagedCopy { path, what })
            }
        }
    }

    /// Puts segment 0 there with its header alone.
    pub(super) fn begin(&self, header: &SegmentHeader) -> Result<(), LedgerError> {
        let (ready, dir) = (self.layout.segments_new(), self.layout.segments());
        self.disk.create_dir(&ready).map_err(at("create", &ready))?;
        self.write_header(&ready.join(file_name(0)), header)?;
        self.sync_dir(&ready)?;
        self.disk.rename_new(&ready, &dir).map_err(at("rename", &dir))?;
        self.sync_dir(self.layout.root())
    }

    /// Begins a copy, in place of one that was interrupted.
    pub(super) fn draft(&self) -> Result<Draft, LedgerError> {
        let path = self.draft_path();
        let file = self.create(&path)?;
        Ok(Draft::new(file, path))
    }

    /// Puts the draft where no copy of the segment is.
    pub(super) fn fill_gap(&self, index: u64) -> Result<(), LedgerError> {
        self.name_segment(&self.draft_path(), index)
    }

    /// Puts the draft in place of the copy that it continues.
    pub(super) fn replace(&self, index: u64) -> Result<(), LedgerError> {
        let path = self.layout.segment(index);
        self.disk.replace(&self.draft_path(), &path).map_err(at("rename", &path))?;
        self.sync_dir(&self.layout.segments())
    }

    /// Makes the header of the segment after the last one durable, under the name `next`.
    pub(super) fn prepare_next(&self, header: &SegmentHeader) -> Result<(), LedgerError> {
        self.write_header(&self.layout.spare(), header)?;
        self.sync_dir(&self.layout.segments())
    }

    /// True where `next` is as [`Place::prepare_next`] leaves it; makes sure that it is durable.
    pub(super) fn is_next_ready(&self, header: &SegmentHeader) -> Result<bool, LedgerError> {
        let path = self.layout.spare();
        let file = self.disk.open(&path, Access::Write).map_err(at("open", &path))?;
        if file.len().map_err(at("measure", &path))? != header.file_bytes {
            return Ok(false);
        }
        file.sync().map_err(at("sync", &path))?;
        self.sync_dir(&self.layout.segments())?;
        Ok(true)
    }

    /// Makes `next` a segment.
    pub(super) fn publish_next(&self, index: u64) -> Result<(), LedgerError> {
        self.name_segment(&self.layout.spare(), index)
    }

    fn name_segment(&self, ready: &Path, index: u64) -> Result<(), LedgerError> {
        let path = self.layout.segment(index);
        self.disk.rename_new(ready, &path).map_err(at("rename", &path))?;
        self.sync_dir(&self.layout.segments())
    }

    fn write_header(&self, path: &Path, header: &SegmentHeader) -> Result<(), LedgerError> {
        let file = self.create(path)?;
        file.write_at(&header.encode(), 0).map_err(at("write", path))?;
        file.set_len(header.file_bytes).map_err(at("lengthen", path))?;
        file.sync().map_err(at("sync", path))
    }

    fn create(&self, path: &Path) -> Result<Box<dyn DiskFile>, LedgerError> {
        self.remove(path)?;
        self.disk.create(path).map_err(at("create", path))
    }

    fn remove(&self, path: &Path) -> Result<(), LedgerError> {
        remove_if_there(self.disk, path).map_err(at("remove", path))
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), LedgerError> {
        self.disk.sync_dir(dir).map_err(at("sync", dir))
    }

    fn draft_path(&self) -> PathBuf {
        self.layout.segments().join("copy")
    }
}

/// Takes the marks of a restore away: what was restored is a ledger like any other. The one that
/// tells a restore from a backup goes last.
pub(super) fn take_marks_away(disk: &dyn Disk, dir: &Path) -> Result<(), LedgerError> {
    for mark in [BACKUP_MARK, RESTORING].map(|name| dir.join(name)) {
        remove_if_there(disk, &mark).map_err(at("remove", &mark))?;
        disk.sync_dir(dir).map_err(at("sync", dir))?;
    }
    Ok(())
}

/// Do these names tell a restore that did not finish?
pub(super) fn is_unfinished_restore(names: &[String]) -> bool {
    [BACKUP_MARK, RESTORING].iter().all(|mark| names.iter().any(|name| name == mark))
}

fn put_mark(disk: &dyn Disk, path: &Path, text: &str) -> Result<(), LedgerError> {
    if read_whole(disk, path, text.len()).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    write_whole(disk, path, text.as_bytes(), Readers::Usual).map_err(at("write", path))
}

/// Is this a place of ours? One that is empty may become one.
fn is_marked(names: &[String], dir: &Path, purpose: Purpose) -> Result<bool, BackupError> {
    // The marks are the first things that are written, by way of these names.
    let written_first = |name: &String| {
        let of = |mark: &str| name.strip_prefix(mark);
        let of_restore = purpose == Purpose::Restore && matches!(of(RESTORING), Some("" | ".new"));
        name == "lock" || of(BACKUP_MARK) == Some(".new") || of_restore
    };
    if names.iter().all(written_first) {
        return Ok(false);
    }
    let (path, unfinished) = (dir.to_owned(), is_unfinished_restore(names));
    match purpose {
        Purpose::Restore if unfinished => Ok(true),
        Purpose::Restore => Err(BackupError::NotARestore { path }),
        Purpose::Backup if unfinished => Err(BackupError::UnfinishedRestore { path }),
        Purpose::Backup if names.iter().any(|name| name == BACKUP_MARK) => Ok(true),
        Purpose::Backup => Err(BackupError::NotABackup { path }),
    }
}
