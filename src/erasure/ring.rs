//! A directory of subjects' keys, outside any ledger.
//!
//! One file a subject, named by the subject's random id in hex and `.subject`, readable by its
//! owner alone. It is text of three lines: `schwabot subject key v1`, the key in 64 hex digits, and
//! the human name, which stands nowhere else.
//!
//! Invariants: a name has one key; a file that begins with a zero byte is a key whose destruction
//! was cut short, and opens nothing; any other file of that ending that is no key is told, and
//! never taken for one that is missing.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{ErasureError, SubjectKey, Unseal, Unsealed};
use crate::event::{Sealed, SubjectId};
use crate::hash::parse_hex;
use crate::ledger::clock::Host;
use crate::ledger::disk::{Access, Disk, Readers, read_whole, write_whole};
use crate::ledger::is_inside_ledger;
use crate::ledger::{at, make_durable_dir};

/// Bytes of the longest name of a subject.
pub const NAME_BYTES_MAX: usize = 256;

const FIRST_LINE: &str = "schwabot subject key v1";
const ENDING: &str = ".subject";
const FILE_BYTES_MAX: usize = 1024;

/// A directory of keys.
pub struct KeyRing {
    disk: Arc<dyn Disk>,
    host: Arc<dyn Host>,
    dir: PathBuf,
}

/// What a key file holds.
struct Held {
    key: SubjectKey,
    name: String,
}

impl KeyRing {
    /// Opens the key ring in a directory, which need not exist yet.
    ///
    /// # Errors
    /// [`ErasureError::InsideLedger`] where the directory lies inside any ledger, by its name or
    /// through a link.
    pub fn open(
        disk: Arc<dyn Disk>,
        host: Arc<dyn Host>,
        dir: &Path,
    ) -> Result<Self, ErasureError> {
        if is_inside_ledger(&*disk, dir) {
            return Err(ErasureError::InsideLedger { path: dir.to_owned() });
        }
        Ok(Self { disk, host, dir: dir.to_owned() })
    }

    /// Draws a key for a new subject, keeps it durably under the subject's name, and returns its
    /// random id.
    ///
    /// # Errors
    /// [`ErasureError::BadName`], [`ErasureError::NameTaken`], and failures of the machine.
    pub fn create(&self, name: &str) -> Result<SubjectId, ErasureError> {
        let sound = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.contains(char::is_control);
        if !sound {
            return Err(ErasureError::BadName);
        }
        if let Some(subject) = self.find_by_name(name)? {
            return Err(ErasureError::NameTaken { path: self.file(&subject) });
        }
        make_durable_dir(&*self.disk, &self.dir)?;
        let mut subject = SubjectId([0; 16]);
        self.host.random(&mut subject.0).map_err(ErasureError::Random)?;
        let key = SubjectKey::generate(&*self.host)?;
        let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES_MAX));
        text.push_str(FIRST_LINE);
        text.push('\n');
        for digit in key.bytes().iter().flat_map(|byte| [byte >> 4, byte & 15]) {
            text.extend(char::from_digit(digit.into(), 16));
        }
        for part in ["\n", name, "\n"] {
            text.push_str(part);
        }
        let path = self.file(&subject);
        write_whole(&*self.disk, &path, text.as_bytes(), Readers::Owner)
            .map_err(at("write", &path))?;
        Ok(subject)
    }

    /// Returns the id of the subject with this name, if the ring has its key.
    ///
    /// # Errors
    /// [`ErasureError::BadKeyFile`], and failures of the machine.
    pub fn find_by_name(&self, name: &str) -> Result<Option<SubjectId>, ErasureError> {
        let names = match self.disk.list(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            listed => listed.map_err(at("list", &self.dir))?,
        };
        let ids = names.iter().filter_map(|file| parse_hex(file.strip_suffix(ENDING)?));
        for subject in ids.map(SubjectId) {
            if self.read(&subject)?.is_some_and(|held| held.name == name) {
                return Ok(Some(subject));
            }
        }
        Ok(None)
    }

    /// Returns a subject's key, if the ring has it.
    ///
    /// # Errors
    /// [`ErasureError::BadKeyFile`], and failures of the machine.
    pub fn key(&self, subject: &SubjectId) -> Result<Option<SubjectKey>, ErasureError> {
        Ok(self.read(subject)?.map(|held| held.key))
    }

    /// Opens a field about a subject; see [`Unseal::open`].
    ///
    /// # Errors
    /// Those of [`KeyRing::key`]: a key file that cannot be read is told, where [`Unseal::open`]
    /// takes it for one that is not here.
    pub fn try_open(
        &self,
        subject: &SubjectId,
        what: &str,
        sealed: &Sealed,
    ) -> Result<Unsealed, ErasureError> {
        let Some(key) = self.key(subject)? else { return Ok(Unsealed::NoKey) };
        Ok(key.open(subject, what, sealed).map_or(Unsealed::Broken, Unsealed::Plain))
    }

    /// Encrypts a field about a subject; see [`SubjectKey::seal`].
    ///
    /// # Errors
    /// [`ErasureError::NoKey`], and those of [`KeyRing::key`] and [`SubjectKey::seal`].
    pub fn seal(
        &self,
        subject: &SubjectId,
        what: &str,
        plaintext: &[u8],
    ) -> Result<Sealed, ErasureError> {
        let key = self.key(subject)?.ok_or_else(|| self.no_key(subject))?;
        key.seal(&*self.host, subject, what, plaintext)
    }

    /// Destroys a subject's key: its file is overwritten with zeroes, synced, and removed.
    ///
    /// # Errors
    /// [`ErasureError::NoKey`], and failures of the machine; the key may then still be there, and
    /// the call can be made again.
    pub fn destroy(&self, subject: &SubjectId) -> Result<(), ErasureError> {
        let path = self.file(subject);
        let file = match self.disk.open(&path, Access::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(self.no_key(subject));
            }
            opened => opened.map_err(at("open", &path))?,
        };
        let bytes = file.len().map_err(at("measure", &path))?;
        // Whatever stands behind the longest key file is no part of a key.
        let bytes =
            usize::try_from(bytes).map_or(FILE_BYTES_MAX, |bytes| bytes.min(FILE_BYTES_MAX));
        let zeroes = vec![0; bytes];
        file.write_at(&zeroes, 0).map_err(at("overwrite", &path))?;
        file.sync().map_err(at("sync", &path))?;
        drop(file);
        self.disk.remove(&path).map_err(at("remove", &path))?;
        Ok(self.disk.sync_dir(&self.dir).map_err(at("sync", &self.dir))?)
    }

    pub(super) fn no_key(&self, subject: &SubjectId) -> ErasureError {
        ErasureError::NoKey { path: self.dir.clone(), subject: *subject }
    }

    fn file(&self, subject: &SubjectId) -> PathBuf {
        self.dir.join(format!("{subject}{ENDING}"))
    }

    fn read(&self, subject: &SubjectId) -> Result<Option<Held>, ErasureError> {
        let path = self.file(subject);
        let bytes = match read_whole(&*self.disk, &path, FILE_BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => Zeroizing::new(read.map_err(at("read", &path))?),
        };
        if bytes.first() == Some(&0) {
            return Ok(None);
        }
        parse(&bytes).map(Some).ok_or(ErasureError::BadKeyFile { path })
    }
}

impl Unseal for KeyRing {
    /// A key that cannot be read opens nothing.
    fn open(&self, subject: &SubjectId, what: &str, sealed: &Sealed) -> Unsealed {
        self.try_open(subject, what, sealed).unwrap_or(Unsealed::NoKey)
    }
}

fn parse(bytes: &[u8]) -> Option<Held> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let (first, rest) = text.split_once('\n')?;
    let (key, name) = rest.split_once('\n')?;
    let sound = first == FIRST_LINE && !name.is_empty() && !name.contains(char::is_control);
    let key = SubjectKey::from_bytes(parse_hex(key).filter(|_| sound)?);
    Some(Held { key, name: name.to_owned() })
}
