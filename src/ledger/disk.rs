//! The one seam to storage, the real disk behind it, and the only `unsafe` of the crate.
//!
//! Everything a ledger does to files passes through [`Disk`] and [`DiskFile`], so that tests put a
//! disk of their own behind them: one that loses what was not synced, fills up, or fails.
//!
//! Rules of this seam: a write is durable when a later [`DiskFile::sync`] returned; a name is
//! durable when a later [`Disk::sync_dir`] of its directory returned; a file is mapped read-only,
//! and only once no writer will touch or cut it (`disk/map.rs`).

#![expect(unsafe_code, reason = "this file and `map` are the one door to maps and locks")]

mod map;
mod watched;
mod whole;

pub use map::{Map, exit_on_cut_files};
pub use watched::WatchedDisk;
pub use whole::{Readers, read_whole, remove_if_there, write_anew, write_derived, write_whole};
pub(crate) use whole::{
    TEMPORARY_SUFFIX, ended_early, parent_of, temporary, with_suffix, write_unnamed,
};

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Only to read.
    Read,
    /// To read and write.
    Write,
}

/// Directories, names and locks.
pub trait Disk: Send + Sync {
    /// Returns the names in a directory, sorted.
    ///
    /// # Errors
    /// As the system says; [`io::ErrorKind::NotFound`] when there is no such directory.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// True where the name itself is a symbolic link, wherever it leads; a disk may have none.
    ///
    /// # Errors
    /// As the system says.
    fn is_link(&self, path: &Path) -> io::Result<bool> {
        let _ = path;
        Ok(false)
    }

    /// Opens an existing file.
    ///
    /// # Errors
    /// As the system says.
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>>;

    /// Creates a file that must not exist yet, for reading and writing.
    ///
    /// # Errors
    /// As the system says; [`io::ErrorKind::AlreadyExists`] when it exists.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// As [`Disk::create`], for a file that only its owner may read.
    ///
    /// # Errors
    /// As the system says; [`io::ErrorKind::AlreadyExists`] when it exists.
    fn create_private(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Returns whether nobody but a file's owner may read it; of a disk without owners, false.
    ///
    /// # Errors
    /// As the system says.
    fn is_private(&self, _path: &Path) -> io::Result<bool> {
        Ok(false)
    }

    /// Creates a directory and those above it, as far as they are missing.
    ///
    /// # Errors
    /// As the system says.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Renames a file or directory; never replaces anything.
    ///
    /// # Errors
    /// As the system says; [`io::ErrorKind::AlreadyExists`] when `to` exists.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Renames a file; what had the name before is gone, all at once.
    ///
    /// # Errors
    /// As the system says.
    fn replace(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// As the system says.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Takes the writer's lock, or returns `None` when somebody holds it. Dropping releases it;
    /// so does the death of the process.
    ///
    /// # Errors
    /// As the system says.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>>;

    /// Tells whether somebody holds the writer's lock, without taking it.
    ///
    /// # Errors
    /// As the system says.
    fn is_locked(&self, path: &Path) -> io::Result<bool>;

    /// Who is told, a megabyte or more at a time, how many bytes of segments were walked through.
    fn watcher(&self) -> Option<Watcher> {
        None
    }
}

/// One open file.
pub trait DiskFile: Send + Sync {
    /// Returns the file's length in bytes.
    ///
    /// # Errors
    /// As the system says.
    fn len(&self) -> io::Result<u64>;

    /// True when the file holds no byte.
    ///
    /// # Errors
    /// As the system says.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }

    /// Reads up to `bytes.len()` bytes at `offset` and returns how many; fewer only at the end.
    ///
    /// # Errors
    /// As the system says.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// As the system says; then nothing is known about what was written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Reserves space and makes the file at least `len` bytes long, reading as zeroes.
    ///
    /// # Errors
    /// As the system says; [`io::ErrorKind::StorageFull`] when there is no space.
    fn reserve(&self, len: u64) -> io::Result<()>;

    /// Cuts the file to `len` bytes.
    ///
    /// # Errors
    /// As the system says.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes all that was written durable (fdatasync).
    ///
    /// # Errors
    /// As the system says; the caller must then believe no byte that was not synced before.
    fn sync(&self) -> io::Result<()>;

    /// Asks the system to begin to write a part of the file out, and does not wait for that to end.
    /// It promises nothing: a later [`DiskFile::sync`] has less to do, and alone tells of failures.
    fn begin_writing_out(&self, offset: u64, bytes: u64) {
        let _ = (offset, bytes);
    }

    /// Maps the file read-only, or returns `None` where this disk cannot map.
    ///
    /// # Errors
    /// As the system says.
    fn map(&self) -> io::Result<Option<Map>>;
}

/// Is told of bytes that were read; called from any thread, so it must be quick.
pub type Watcher = fn(u64);

/// The machine's own disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            // A name that is no text is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn is_link(&self, path: &Path) -> io::Result<bool> {
        match std::fs::symlink_metadata(path) {
            Ok(there) => Ok(there.file_type().is_symlink()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(access == Access::Write);
        Ok(Box::new(RealFile { file: open_regular(&mut options, path)?, path: path.to_owned() }))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        Ok(Box::new(RealFile { file, path: path.to_owned() }))
    }

    fn is_private(&self, path: &Path) -> io::Result<bool> {
        Ok(std::fs::metadata(path)?.permissions().mode() & 0o077 == 0)
    }

    fn create_private(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Box::new(RealFile { file, path: path.to_owned() }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        let here = rustix::fs::CWD;
        let flags = rustix::fs::RenameFlags::NOREPLACE;
        Ok(rustix::fs::renameat_with(here, from, here, to, flags)?)
    }

    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        let mut options = OpenOptions::new();
        // To read as well: a named pipe that is opened only to write has no other end to name.
        options.read(true).write(true).create(true).truncate(false);
        let file = open_regular(&mut options, path)?;
        let mut request = whole_file_lock();
        // SAFETY: the descriptor is open for the whole call and `request` is a valid `flock`.
        let answer = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw mut request) };
        if answer == 0 {
            return Ok(Some(Box::new(Held(file))));
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EACCES) => Ok(None),
            _ => Err(error),
        }
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        let file = match open_regular(OpenOptions::new().read(true), path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut request = whole_file_lock();
        // SAFETY: the descriptor is open for the whole call and `request` is a valid `flock`.
        let answer = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut request) };
        if answer != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(libc::c_int::from(request.l_type) != libc::F_UNLCK)
    }
}

/// Opens a regular file and nothing else. Opening a named pipe would wait for its other end; a
/// regular file does not mind the flag.
fn open_regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.custom_flags(libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(file)
}

/// A lock that this process holds. Closing the file alone would not always end it: a child that
/// another thread starts at this moment has a copy of the descriptor until it becomes its own
/// program, and a lock lives as long as any copy does. So it is given back by name.
struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        let mut request = whole_file_lock();
        request.l_type = libc::F_UNLCK as libc::c_short;
        // SAFETY: the descriptor is open for the whole call and `request` is a valid `flock`. Where
        // the call fails, closing the file ends the lock with the last copy of the descriptor.
        unsafe { libc::fcntl(self.0.as_raw_fd(), libc::F_OFD_SETLK, &raw mut request) };
    }
}

/// A request for a write lock on a whole file, tied to the open file and not to the process: two
/// writers in one process exclude each other too.
fn whole_file_lock() -> libc::flock {
    // SAFETY: `flock` holds only integers, for which zero bytes are valid values.
    let mut request: libc::flock = unsafe { std::mem::zeroed() };
    request.l_type = libc::F_WRLCK as libc::c_short;
    request.l_whence = libc::SEEK_SET as libc::c_short;
    request
}

struct RealFile {
    file: File,
    path: PathBuf,
}

impl DiskFile for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < bytes.len() {
            match self.file.read_at(&mut bytes[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn reserve(&self, len: u64) -> io::Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        match fallocate(&self.file, FallocateFlags::empty(), 0, len) {
            // Not every file system can reserve; there a long file at least reads as zeroes, and a
            // full disk shows at the write.
            Err(rustix::io::Errno::OPNOTSUPP) => self.file.set_len(len),
            other => Ok(other?),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn begin_writing_out(&self, offset: u64, bytes: u64) {
        let (Ok(offset), Ok(bytes)) = (offset.try_into(), bytes.try_into()) else { return };
        let flags = libc::SYNC_FILE_RANGE_WRITE;
        // SAFETY: the descriptor is open for the whole call, which touches no memory of ours. Its
        // answer is no news: what cannot be written out is told by the sync to come.
        unsafe { libc::sync_file_range(self.file.as_raw_fd(), offset, bytes, flags) };
    }

    fn map(&self) -> io::Result<Option<Map>> {
        if self.len()? == 0 {
            return Ok(None);
        }
        // SAFETY: the map is read-only and made only of files that no writer touches any more. A
        // file cut from outside raises SIGBUS and kills the process: see `exit_on_cut_files`.
        match unsafe { memmap2::Mmap::map(&self.file) } {
            Ok(map) => Ok(Some(Map::new(map, &self.path))),
            // File systems that cannot map answer ENODEV; the caller then reads instead.
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
