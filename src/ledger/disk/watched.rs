//! The machine's own disk, with somebody who watches how far reading has come.

use std::io;
use std::path::Path;

use super::{Access, Disk, DiskFile, RealDisk, Watcher};

/// The machine's own disk; its watcher is told of the bytes of segments that are walked through.
///
/// # Examples
/// ```
/// use schwabot::ledger::disk::{Disk, WatchedDisk};
/// fn told(_bytes: u64) {}
/// assert!(WatchedDisk(told).watcher().is_some());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct WatchedDisk(pub Watcher);

impl Disk for WatchedDisk {
    fn watcher(&self) -> Option<Watcher> {
        Some(self.0)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(dir)
    }

    fn is_link(&self, path: &Path) -> io::Result<bool> {
        RealDisk.is_link(path)
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        RealDisk.open(path, access)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        RealDisk.create(path)
    }

    fn create_private(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        RealDisk.create_private(path)
    }

    fn is_private(&self, path: &Path) -> io::Result<bool> {
        RealDisk.is_private(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        RealDisk.create_dir(path)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename_new(from, to)
    }

    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.replace(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        RealDisk.lock(path)
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        RealDisk.is_locked(path)
    }
}
