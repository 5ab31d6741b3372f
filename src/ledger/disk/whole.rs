//! Small files that are read and replaced whole.

use std::io;
use std::path::{Path, PathBuf};

use super::{Access, Disk};

/// Who may read a file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Whoever the system's usual mode lets.
    Usual,
    /// Its owner alone.
    Owner,
}

/// Reads a file of at most `max` bytes; a longer one is an error of kind `InvalidData`, and one
/// that gives fewer bytes than it has is an error of kind `UnexpectedEof`.
///
/// # Errors
/// As the system says.
pub fn read_whole(disk: &dyn Disk, path: &Path, max: usize) -> io::Result<Vec<u8>> {
    let file = disk.open(path, Access::Read)?;
    let too_long = || io::Error::new(io::ErrorKind::InvalidData, format!("more than {max} bytes"));
    let bytes = usize::try_from(file.len()?).ok().filter(|bytes| *bytes <= max);
    let bytes = bytes.ok_or_else(too_long)?;
    let mut whole = Vec::new();
    // A file can claim any length: memory that is not there is an error, and ends no program.
    whole.try_reserve_exact(bytes)?;
    whole.resize(bytes, 0);
    if file.read_at(&mut whole, 0)? < whole.len() {
        return Err(ended_early());
    }
    Ok(whole)
}

/// The error of a read that gave fewer bytes than the file has. It is a failure to read, and never
/// says anything about the bytes.
pub(crate) fn ended_early() -> io::Error {
    let what = "the file became shorter while it was being read";
    io::Error::new(io::ErrorKind::UnexpectedEof, what)
}

/// Writes a file whole and durable: whoever looks sees the old one or the new one.
///
/// # Errors
/// As the system says; the old file is then still there.
pub fn write_whole(disk: &dyn Disk, path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    put(disk, path, bytes, readers, true)?;
    parent_of(path).map_or(Ok(()), |dir| disk.sync_dir(dir))
}

/// As [`write_whole`], for one of many files of a folder: the bytes are durable, and the name is
/// once the caller synced the folder.
///
/// # Errors
/// As the system says.
pub(crate) fn write_unnamed(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(disk, path, bytes, Readers::Usual, true)
}

/// As [`write_whole`], for what can be made again: it may be lost or incomplete after a power cut.
///
/// # Errors
/// As the system says.
pub fn write_derived(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(disk, path, bytes, Readers::Usual, false)
}

fn put(disk: &dyn Disk, path: &Path, bytes: &[u8], readers: Readers, sync: bool) -> io::Result<()> {
    let temporary = temporary(path);
    remove_if_there(disk, &temporary)?;
    let file = match readers {
        Readers::Usual => disk.create(&temporary)?,
        Readers::Owner => disk.create_private(&temporary)?,
    };
    file.write_at(bytes, 0)?;
    if sync {
        file.sync()?;
    }
    disk.replace(&temporary, path)
}

/// Writes a file in place of one that may be there. Nothing is synced, and a crash can leave a part
/// of it: for what says by itself whether it is whole.
///
/// # Errors
/// As the system says.
pub fn write_anew(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    remove_if_there(disk, path)?;
    disk.create(path)?.write_at(bytes, 0)
}

/// Removes a file, or does nothing where there is none.
///
/// # Errors
/// As the system says.
pub fn remove_if_there(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The directory that holds the name; the working directory for a bare one.
pub(crate) fn parent_of(path: &Path) -> Option<&Path> {
    let parent = path.parent()?;
    Some(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
}

/// How the name of a file that is not ready ends.
pub(crate) const TEMPORARY_SUFFIX: &str = ".new";

/// Where a file is made ready; a crash leaves it, and the next write removes it.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    with_suffix(path, TEMPORARY_SUFFIX)
}

/// The path whose name goes on after the given one's end.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
