//! Keys of tests, and the ledgers that they sign.

use std::path::Path;
use std::sync::Arc;

use schwabot::checkpoint::{KeyFile, KeyKind, SigningKey};
use schwabot::ledger::disk::RealDisk;

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
