//! A private key on disk, and beside it the last note that it signed.
//!
//! `KEYFILE` can be read by its owner alone. `KEYFILE.last` holds the newest note; it is durable
//! before the note is made known to anybody, so that a copy of the ledger restored from a backup
//! cannot be signed into a second history: the key remembers the first.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::key::SigningKey;
use super::note::{NOTE_BYTES_MAX, Note, NoteError};
use super::{SignError, contradiction};
use crate::ledger::at;
use crate::ledger::disk::{Disk, Readers, read_whole, write_whole};

/// Bytes of the longest key file.
const KEY_BYTES_MAX: usize = 4096;

/// A private key and where it lives.
pub struct KeyFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    key: SigningKey,
}

impl KeyFile {
    /// Writes a new key to a file that must not exist yet, readable by its owner alone.
    ///
    /// # Errors
    /// [`SignError::KeyExists`], and failures of the machine.
    pub fn create(disk: Arc<dyn Disk>, path: &Path, key: SigningKey) -> Result<Self, SignError> {
        match disk.open(path, crate::ledger::disk::Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Ok(_) => return Err(SignError::KeyExists { path: path.to_owned() }),
            Err(error) => return Err(at("open", path)(error).into()),
        }
        let text = key.to_private_text();
        write_whole(&*disk, path, text.as_bytes(), Readers::Owner).map_err(at("write", path))?;
        Ok(Self { disk, path: path.to_owned(), key })
    }

    /// Reads a key.
    ///
    /// # Errors
    /// [`SignError::BadKeyFile`], and failures of the machine.
    pub fn open(disk: Arc<dyn Disk>, path: &Path) -> Result<Self, SignError> {
        let bytes = read_whole(&*disk, path, KEY_BYTES_MAX).map_err(at("read", path))?;
        let text = String::from_utf8(bytes).unwrap_or_default();
        let bad = |source| SignError::BadKeyFile { path: path.to_owned(), source };
        let key = SigningKey::from_private_text(&text).map_err(bad)?;
        Ok(Self { disk, path: path.to_owned(), key })
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Returns the key, for a witness that remembers in its own place what it signed.
    #[must_use]
    pub fn into_key(self) -> SigningKey {
        self.key
    }

    /// Returns the newest note that the key signed, if it ever did.
    ///
    /// # Errors
    /// [`SignError::BadMemory`] when it cannot be read: the key then signs nothing, for nobody
    /// knows what it signed before.
    pub fn last(&self) -> Result<Option<Note>, SignError> {
        let path = self.memory();
        let bytes = match read_whole(&*self.disk, &path, NOTE_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at("read", &path)(error).into()),
        };
        let note = Note::parse(&bytes).and_then(|note| {
            let verifier = self.key.verifier();
            if note.signed_by([verifier])?.is_empty() {
                return Err(NoteError::Unsigned { name: verifier.name().to_owned() });
            }
            Ok(note)
        });
        note.map(Some).map_err(|source| SignError::BadMemory { path, source })
    }

    /// Makes a note durable as the newest one, before anybody sees it.
    pub(super) fn remember(&self, note: &Note) -> Result<(), SignError> {
        if let Some(last) = self.last()? {
            let (before, now) = (last.checkpoint().size, note.checkpoint().size);
            if before > now {
                return Err(contradiction("this key", before, format!("a head of only {now}")));
            }
        }
        let path = self.memory();
        write_whole(&*self.disk, &path, note.to_string().as_bytes(), Readers::Usual)
            .map_err(|error| at("write", &path)(error).into())
    }

    fn memory(&self) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".last");
        PathBuf::from(name)
    }
}
