//! Personal fields that can be made unreadable in a log that never changes.
//!
//! A subject (a person) has one random key. What a record says about that person is stored
//! encrypted ([`Sealed`]), and the record's envelope names the key by a random id. Keys live in a
//! [`KeyRing`], a directory outside the ledger. To erase is to destroy the key: every stored byte,
//! hash, root and receipt stays as it was, and nobody reads the fields any more.
//!
//! Erasing is told before it is done: [`shred`] first makes a `subject_shredded` record durable and
//! then destroys the key. A crash between the two leaves a key that the log calls destroyed, and
//! the same call again finishes the work; the other order could leave fields that nobody can
//! explain.
//!
//! Invariants: no name and no key ever enters a ledger, only the random id and, at the end, the
//! key's digest; a key ring never lies inside a ledger; a key file is readable by its owner alone.
//!
//! What this cannot do: reach copies of a key ring, or what a drive keeps of overwritten sectors.
//! Keep one ring a ledger, and no backup of it that outlives a promise to erase.

mod key;
mod log;
mod ring;

pub use key::{PERSONAL_DOMAIN, SubjectKey};
pub use log::{Shredded, finish_shredding, leave_note, records_under, shred, shredded_subjects};
pub use ring::{KeyRing, NAME_BYTES_MAX};

use std::io;
use std::path::PathBuf;

use crate::event::{Sealed, SubjectId};
use crate::ledger::LedgerError;

/// Whoever can open personal fields: a [`KeyRing`], or a test.
pub trait Unseal: Send + Sync {
    /// Opens a field of a subject that was sealed as `what`.
    fn open(&self, subject: &SubjectId, what: &str, sealed: &Sealed) -> Unsealed;
}

/// What came of opening a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsealed {
    /// What was sealed.
    Plain(Vec<u8>),
    /// The key is not here, or cannot be read: nothing is known of the field.
    NoKey,
    /// The key is here, and these are not bytes that it sealed.
    Broken,
}

impl Unsealed {
    /// Returns what was sealed, if it opened.
    #[must_use]
    pub fn plain(self) -> Option<Vec<u8>> {
        match self {
            Self::Plain(bytes) => Some(bytes),
            Self::NoKey | Self::Broken => None,
        }
    }
}

/// Why something could not be sealed, or a key not be kept, found or destroyed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErasureError {
    /// The ledger or the key ring cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Failure: the machine has no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[source] io::Error),
    /// Refusal: whoever gets the ledger would get the keys with it.
    #[error("{} lies inside a ledger; keys live outside of what is handed over", path.display())]
    InsideLedger {
        /// The key ring.
        path: PathBuf,
    },
    /// Refusal: the name cannot be kept in a key file.
    #[error("a subject's name has 1 to {NAME_BYTES_MAX} bytes and no control character")]
    BadName,
    /// Refusal: one name has one key.
    #[error("{} has a key for that subject already", path.display())]
    NameTaken {
        /// The key file.
        path: PathBuf,
    },
    /// The file holds no key.
    #[error("{} is no subject's key file", path.display())]
    BadKeyFile {
        /// The file.
        path: PathBuf,
    },
    /// Refusal: there is no such key, or no more.
    #[error("{} has no key of subject {subject}", path.display())]
    NoKey {
        /// The key ring.
        path: PathBuf,
        /// The subject's id.
        subject: SubjectId,
    },
    /// Refusal: no more may be sealed under a key that the log calls destroyed.
    #[error("the log says that the key of subject {subject} was destroyed")]
    IsShredded {
        /// The subject's id.
        subject: SubjectId,
    },
    /// Failure: the cipher takes no more than 256 GiB at once.
    #[error("too many bytes to seal")]
    TooLong,
}
