//! What `note`, `shred`, `replay` and `verify` need of a key ring and its ledger.

use std::path::Path;
use std::sync::Arc;

use crate::cli::outcome::CliError;
use crate::erasure::KeyRing;
use crate::event::Event;
use crate::ledger::clock::Machine;
use crate::ledger::disk::RealDisk;
use crate::ledger::{LedgerError, Reader, Writer, WriterOptions};

/// Opens the key ring in a directory; one inside a ledger is refused.
pub(super) fn open(dir: &Path) -> Result<KeyRing, CliError> {
    Ok(KeyRing::open(Arc::new(RealDisk), Arc::new(Machine), dir)?)
}

/// Opens a key ring that must be there already: one that is not opens nothing, and a mistyped path
/// must not look like keys that are gone.
pub(super) fn open_existing(dir: &Path) -> Result<KeyRing, CliError> {
    if !dir.is_dir() {
        let what = "no such directory of keys".to_owned();
        return Err(CliError::File { path: dir.to_owned(), what });
    }
    open(dir)
}

/// Opens a ledger of any program to read it; refuses where there is none.
pub(super) fn reader(ledger: &Path) -> Result<Reader<Event>, LedgerError> {
    Reader::open_any(Arc::new(RealDisk), ledger)
}

/// Opens a ledger of any program to add records of the ledger's own. Only after a look at it:
/// opening for write makes a directory where there is none.
pub(super) fn writer(ledger: &Path) -> Result<Writer<Event>, LedgerError> {
    Writer::open_any(ledger, &WriterOptions::default().for_few_records())
}
