//! Files of an export, which are there whole or not at all.
//!
//! Written under the name with `.schwabot-partial` behind it, made durable, renamed. Nothing is
//! written into a ledger. What is there already is replaced only where that was asked for, and
//! never if it is a directory, a link or a device. Dropping a file that was not kept removes it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::ExportError;
use crate::hash::{Digest, FileHasher};
use crate::ledger::disk::{Disk, RealDisk, parent_of, remove_if_there};
use crate::ledger::is_inside_ledger;

/// A file that is being written.
pub(super) struct OutFile {
    file: Option<BufWriter<File>>,
    partial: PathBuf,
    path: PathBuf,
    force: bool,
    hasher: FileHasher,
    bytes: u64,
}

impl OutFile {
    /// Begins a file that will be called `path`.
    pub(super) fn create(path: &Path, force: bool) -> Result<Self, ExportError> {
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        if is_inside_ledger(&RealDisk, folder.unwrap_or(Path::new("."))) {
            return Err(ExportError::InsideLedger { path: path.to_owned() });
        }
        match std::fs::symlink_metadata(path) {
            Ok(there) if !there.is_file() => {
                return Err(ExportError::NoFile { path: path.to_owned() });
            }
            Ok(_) if !force => return Err(ExportError::Exists { path: path.to_owned() }),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(ExportError::Io { path: path.to_owned(), source: error });
            }
            _ => {}
        }
        let mut name = path.as_os_str().to_owned();
        name.push(".schwabot-partial");
        let partial = PathBuf::from(name);
        let io = |source| ExportError::Io { path: partial.clone(), source };
        remove_if_there(&RealDisk, &partial).map_err(io)?;
        let file = OpenOptions::new().write(true).create_new(true).open(&partial).map_err(io)?;
        let file = Some(BufWriter::with_capacity(256 << 10, file));
        let (path, hasher) = (path.to_owned(), FileHasher::default());
        Ok(Self { file, partial, path, force, hasher, bytes: 0 })
    }

    /// Length and SHA-256 of what was written so far.
    pub(super) fn so_far(&self) -> (u64, Digest) {
        (self.bytes, self.hasher.clone().finish())
    }

    /// Writes other bytes over those at the file's beginning.
    pub(super) fn overwrite_start(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        let io = |source| ExportError::Io { path: self.partial.clone(), source };
        let Some(file) = &mut self.file else { return Ok(()) };
        file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(bytes)).map_err(io)
    }

    /// Makes the bytes durable; the name is still the other one.
    pub(super) fn sync(&mut self) -> Result<(), ExportError> {
        let io = |source| ExportError::Io { path: self.partial.clone(), source };
        let Some(file) = &mut self.file else { return Ok(()) };
        file.flush().and_then(|()| file.get_ref().sync_all()).map_err(io)
    }

    /// Gives the file its name, durably. [`OutFile::sync`] comes first.
    pub(super) fn keep(mut self) -> Result<(), ExportError> {
        self.file = None;
        let renamed = if self.force {
            RealDisk.replace(&self.partial, &self.path)
        } else {
            RealDisk.rename_new(&self.partial, &self.path)
        };
        let named = renamed
            .and_then(|()| parent_of(&self.path).map_or(Ok(()), |dir| RealDisk.sync_dir(dir)));
        named.map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => ExportError::Exists { path: self.path.clone() },
            _ => ExportError::Io { path: self.path.clone(), source },
        })
    }

    /// An error of writing, with the file's name.
    pub(super) fn io(&self) -> impl Fn(io::Error) -> ExportError + use<> {
        let path = self.partial.clone();
        move |source| ExportError::Io { path: path.clone(), source }
    }
}

impl Write for OutFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotConnected.into()) };
        let taken = file.write(bytes)?;
        self.hasher.update(&bytes[..taken]);
        self.bytes += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for OutFile {
    fn drop(&mut self) {
        // A name that was given away is not there any more; nothing can be done about the rest.
        self.file = None;
        drop(remove_if_there(&RealDisk, &self.partial));
    }
}
