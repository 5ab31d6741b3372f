//! The files a writer works on: making a ledger, publishing segments, keeping the spare.
//!
//! Every durable step says what a crash right after it leaves, and who repairs it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::clock::Host;
use super::disk::{Access, Disk, DiskFile, parent_of, remove_if_there};
use super::error::{LedgerError, at};
use super::inside::holds_ledger;
use super::layout::{BACKUP_MARK, Identity, Layout};
use super::segment::{LedgerId, SegmentHeader, file_name};
use crate::event::ApplicationId;
use crate::hash::Digest;

/// Where a writer gets its files from.
pub(super) struct Files {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) host: Arc<dyn Host>,
    pub(super) layout: Layout,
    pub(super) segment_bytes: u64,
    /// Length of the spare, once there is one.
    spare_bytes: Option<u64>,
}

impl Files {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        host: Arc<dyn Host>,
        layout: Layout,
        segment_bytes: u64,
    ) -> Self {
        Self { disk, host, layout, segment_bytes, spare_bytes: None }
    }

    /// Makes the directory, or checks that the one there may become or already is a ledger.
    pub(super) fn make_root(&self) -> Result<(), LedgerError> {
        let root = self.layout.root();
        match self.disk.list(root) {
            // Whoever appends to a backup forks the log from the ledger that it is a copy of.
            Ok(names) if names.iter().any(|name| name == BACKUP_MARK) => {
                Err(LedgerError::IsBackup { path: root.to_owned() })
            }
            Ok(names) if names.iter().any(|name| name == "ledger.id") => Ok(()),
            Ok(names) if names.iter().all(|name| is_ours(name)) => Ok(()),
            Ok(_) if holds_ledger(&*self.disk, root) => {
                Err(LedgerError::DamagedIdentity { path: self.layout.identity() })
            }
            Ok(_) => Err(LedgerError::DirectoryInUse { path: root.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_durable_dir(&*self.disk, root)
            }
            Err(error) => Err(at("list", root)(error)),
        }
    }

    /// Makes `ledger.id`, or does nothing where it is.
    pub(super) fn make_identity(&self, application: ApplicationId) -> Result<(), LedgerError> {
        let (root, path) = (self.layout.root(), self.layout.identity());
        let names = self.disk.list(root).map_err(at("list", root))?;
        if names.iter().any(|name| name == "ledger.id") {
            // Whoever made these names may have died before they were durable, and nothing may be
            // promised below a name that is not. Segments are only made once the parent was synced.
            self.sync_dir(root)?;
            let has_segments = names.iter().any(|name| name == "segments");
            return if has_segments { Ok(()) } else { sync_parent(&*self.disk, root) };
        }
        let mut ledger = LedgerId::default();
        self.host.random(&mut ledger).map_err(at("draw a random id for", root))?;
        let identity = Identity { ledger, application, created: self.host.now() };
        let temporary = root.join("ledger.id.new");
        self.remove_if_there(&temporary)?;
        let file = self.disk.create(&temporary).map_err(at("create", &temporary))?;
        file.write_at(&identity.encode(), 0).map_err(at("write", &temporary))?;
        file.sync().map_err(at("sync", &temporary))?;
        // A crash here leaves a temporary file; the next opening removes it and starts again.
        self.disk.rename_new(&temporary, &path).map_err(at("rename", &path))?;
        self.sync_dir(root)?;
        // The directory itself has a name in its parent, and that name must last as well.
        // A crash here leaves `ledger.id` alone: an empty ledger.
        sync_parent(&*self.disk, root)
    }

    /// Makes `segments/` with segment 0 inside appear by one rename.
    pub(super) fn make_first_segment(
        &self,
        header: &SegmentHeader,
    ) -> Result<Box<dyn DiskFile>, LedgerError> {
        let (ready, dir) = (self.layout.segments_new(), self.layout.segments());
        self.disk.create_dir(&ready).map_err(at("create", &ready))?;
        let path = ready.join(file_name(0));
        self.remove_if_there(&path)?;
        let file = self.disk.create(&path).map_err(at("create", &path))?;
        file.reserve(header.file_bytes).map_err(at("reserve space for", &path))?;
        file.write_at(&header.encode(), 0).map_err(at("write", &path))?;
        file.sync().map_err(at("sync", &path))?;
        self.sync_dir(&ready)?;
        // A crash here leaves `segments.new`; the next opening makes it anew.
        self.disk.rename_new(&ready, &dir).map_err(at("rename", &dir))?;
        self.sync_dir(self.layout.root())?;
        Ok(file)
    }

    /// Draws the random salt of a new segment.
    pub(super) fn salt(&self) -> Result<[u8; 8], LedgerError> {
        let mut salt = [0; 8];
        self.host.random(&mut salt).map_err(at("draw a random salt for", self.layout.root()))?;
        Ok(salt)
    }

    /// Makes sure that the spare exists and is `bytes` long, so that a full disk shows before a
    /// segment is needed.
    pub(super) fn keep_spare(&mut self, bytes: u64) -> Result<(), LedgerError> {
        if self.spare_bytes.is_some_and(|held| held >= bytes) {
            return Ok(());
        }
        let path = self.layout.spare();
        let file = match self.disk.open(&path, Access::Write) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.disk.create(&path).map_err(at("create", &path))?
            }
            Err(error) => return Err(at("open", &path)(error)),
        };
        let held = file.len().map_err(at("measure", &path))?;
        if held < bytes {
            file.reserve(bytes).map_err(at("reserve space for", &path))?;
        }
        file.sync().map_err(at("sync", &path))?;
        self.sync_dir(&self.layout.segments())?;
        self.spare_bytes = Some(held.max(bytes));
        Ok(())
    }

    /// Returns the length that the next segment will have: the spare's, if it is long enough.
    pub(super) fn next_bytes(&mut self, least: u64) -> Result<u64, LedgerError> {
        let wanted = self.segment_bytes.max(least);
        if self.spare_bytes.is_none() {
            // A spare that an earlier writer left still holds its space, even on a full disk.
            let path = self.layout.spare();
            let left = self.disk.open(&path, Access::Read).and_then(|file| file.len());
            self.spare_bytes = left.ok().filter(|bytes| *bytes >= wanted);
        }
        self.keep_spare(wanted)?;
        Ok(self.spare_bytes.unwrap_or(wanted))
    }

    /// Makes a header durable under the spare's name, where it is not yet part of the log.
    pub(super) fn prepare(&self, header: &SegmentHeader) -> Result<Box<dyn DiskFile>, LedgerError> {
        let path = self.layout.spare();
        let file = self.disk.open(&path, Access::Write).map_err(at("open", &path))?;
        file.write_at(&header.encode(), 0).map_err(at("write", &path))?;
        file.sync().map_err(at("sync", &path))?;
        Ok(file)
    }

    /// Makes a prepared segment part of the log.
    pub(super) fn publish(&mut self, index: u64) -> Result<(), LedgerError> {
        let path = self.layout.segment(index);
        self.spare_bytes = None;
        self.disk.rename_new(&self.layout.spare(), &path).map_err(at("rename", &path))?;
        self.sync_dir(&self.layout.segments())
    }

    /// Removes the spare: a ledger that is closed cleanly keeps no space it does not use.
    pub(super) fn drop_spare(&mut self) -> Result<(), LedgerError> {
        self.spare_bytes = None;
        self.remove_if_there(&self.layout.spare())
    }

    fn remove_if_there(&self, path: &Path) -> Result<(), LedgerError> {
        remove_if_there(&*self.disk, path).map_err(at("remove", path))
    }

    pub(super) fn sync_dir(&self, dir: &Path) -> Result<(), LedgerError> {
        self.disk.sync_dir(dir).map_err(at("sync", dir))
    }
}

/// Makes a directory and those above it, as far as they are missing, the names of each durable
/// before the next is made: whoever finds one later may rely on all names above the one that holds
/// it.
pub(crate) fn make_durable_dir(disk: &dyn Disk, dir: &Path) -> Result<(), LedgerError> {
    let mut missing = Vec::new();
    let mut above = dir;
    while let Err(error) = disk.list(above) {
        let Some(parent) = parent_of(above).filter(|parent| *parent != above) else { break };
        if error.kind() != io::ErrorKind::NotFound {
            // It is there, if only to be passed through.
            break;
        }
        missing.push(above);
        above = parent;
    }
    // The lowest directory may have been made by somebody who died before its name lasted.
    if let Some(parent) = parent_of(above)
        && let Err(error) = disk.sync_dir(parent)
        && error.kind() != io::ErrorKind::PermissionDenied
    {
        return Err(at("sync", parent)(error));
    }
    for dir in missing.into_iter().rev() {
        disk.create_dir(dir).map_err(at("create", dir))?;
        sync_parent(disk, dir)?;
    }
    Ok(())
}

fn sync_parent(disk: &dyn Disk, dir: &Path) -> Result<(), LedgerError> {
    parent_of(dir).map_or(Ok(()), |parent| disk.sync_dir(parent).map_err(at("sync", parent)))
}

/// Names that a crash while making a ledger can leave in its directory.
fn is_ours(name: &str) -> bool {
    matches!(name, "lock" | "ledger.id.new" | "segments.new")
}

/// The fields of a header that its place in the log fixes.
pub(super) struct NewSegment {
    pub(super) ledger: LedgerId,
    pub(super) application: ApplicationId,
    pub(super) index: u64,
    pub(super) epoch: u32,
    pub(super) file_bytes: u64,
    pub(super) first_sequence: u64,
    pub(super) first_frame: u64,
    pub(super) previous: Digest,
    pub(super) recovery: Option<super::segment::RecoveryNote>,
}

impl NewSegment {
    /// Completes the header with salt and time.
    pub(super) fn header(self, files: &Files) -> Result<SegmentHeader, LedgerError> {
        Ok(SegmentHeader {
            ledger: self.ledger,
            application: self.application,
            index: self.index,
            epoch: self.epoch,
            salt: files.salt()?,
            file_bytes: self.file_bytes,
            first_sequence: self.first_sequence,
            first_frame: self.first_frame,
            previous: self.previous,
            recovery: self.recovery,
            created: files.host.now(),
        })
    }
}
