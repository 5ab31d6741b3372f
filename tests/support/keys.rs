//! Keys of tests, and the ledgers that they sign.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schwabot::checkpoint::{KeyFile, KeyKind, SignError, Signature, SigningKey, sign_head};
use schwabot::ledger::WriterOptions;
use schwabot::ledger::disk::RealDisk;

use super::notes::{self, Note};

/// The key of a seed byte, always the same.
pub(crate) fn key(name: &str, kind: KeyKind, seed: u8) -> SigningKey {
    SigningKey::from_seed(name, kind, &[seed; 32]).unwrap()
}

/// The same in a file.
pub(crate) fn key_file(path: &Path, name: &str, kind: KeyKind, seed: u8) -> KeyFile {
    KeyFile::create(Arc::new(RealDisk), path, key(name, kind, seed)).unwrap()
}

/// A log's key in a file of its own name.
pub(crate) fn log_key(dir: &Path, seed: u8) -> KeyFile {
    key_file(&dir.join(format!("log-{seed}.key")), "example.com/bot", KeyKind::Log, seed)
}

/// A directory with a log's key, and room for its ledger of notes.
pub(crate) struct Place {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) key: KeyFile,
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = log_key(dir.path(), 1);
        Self { dir, key }
    }

    /// The same with a closed ledger of these notes, a step each.
    pub(crate) fn with(numbers: Range<u64>, options: &WriterOptions) -> Self {
        Self::with_steps(numbers, 1, options)
    }

    /// The same with so many notes a step.
    pub(crate) fn with_steps(numbers: Range<u64>, notes: u64, options: &WriterOptions) -> Self {
        let place = Self::new();
        notes::append(&place.ledger(), numbers, notes, options);
        place
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.dir.path().join("ledger")
    }

    pub(crate) fn sign(&self, options: &WriterOptions) -> Result<Signature, SignError> {
        sign_head::<Note>(&self.ledger(), &self.key, options)
    }
}
