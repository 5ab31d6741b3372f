//! What convinces a stranger: signed notes over the log's tree, and proofs that end in them.
//!
//! A chain alone convinces only who holds the old head. A *checkpoint* is the head in a signed
//! note ([`Note`]); keys sign under names ([`SigningKey`], [`VerifierKey`]); a [`Policy`] says whom
//! to believe. Formats are those of C2SP: signed-note, tlog-checkpoint, tlog-cosignature,
//! tlog-policy, tlog-tiles, tlog-proof, tlog-witness.
//!
//! Invariants: only what is durable is signed; a key never signs two trees of which neither begins
//! with the other; nothing read from a derived file is believed before it leads to a signed root.

mod ask;
mod consistency;
mod http;
mod keeper;
mod key;
mod key_file;
mod lines;
mod misbehaviour;
mod note;
mod policy;
mod prove;
mod receipt;
mod sign;
mod store;
mod tile_check;
mod tiles;
mod witness;

use std::ops::Range;
use std::path::PathBuf;

pub use ask::{Asked, Transport, WitnessAnswer, WitnessState, ask_witnesses};
pub use consistency::{Consistency, consistency_path};
pub use http::HttpTransport;
pub use keeper::{Every, Keeper};
pub use key::{KEY_ID_BYTES, KeyError, KeyKind, SigningKey, VerifierKey};
pub use key_file::KeyFile;
pub use misbehaviour::{Misbehaviour, NotProven};
pub use note::{
    Checkpoint, NOTE_BYTES_MAX, Note, NoteError, SIGNATURES_MAX, SignatureLine, Signed,
};
pub use policy::{BadPolicy, Met, Party, Policy, PolicyError};
pub use prove::{ProveError, prove};
pub use receipt::{RECEIPT_BYTES_MAX, RECEIPT_FIRST_LINE, Receipt, ReceiptError};
pub use sign::{Signature, Unanchored, cosign_head, rotate, sign_head};
pub use store::{NOTES_BYTES_MAX, NoteFile, newest_note, read_notes, save_note};
pub use tile_check::check_tiles;
pub use tiles::Tiles;
pub use witness::{
    Answer, PROOF_HASHES_MAX, REQUEST_BYTES_MAX, Request, RequestError, Witness, WitnessError,
};

use crate::event::{KeyRotated, Payload};
use crate::hash::{self, Digest};
use crate::ledger::{LedgerError, Reader};
use crate::merkle::CompactRange;

/// Why something could not be signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The key is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The log cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Failure: the machine has no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[source] std::io::Error),
    /// Refusal: the file is there already.
    #[error("{} exists; a key is never written over", path.display())]
    KeyExists {
        /// The file.
        path: PathBuf,
    },
    /// The file holds no key.
    #[error("{}: {source}", path.display())]
    BadKeyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// Refusal: what the key signed before cannot be read.
    #[error("{}: {source}; the key signs nothing until it is known what it signed", path.display())]
    BadMemory {
        /// The file.
        path: PathBuf,
        /// Why.
        source: NoteError,
    },
    /// Refusal: signing would contradict what was signed before.
    #[error("{0}")]
    Contradiction(Box<Contradiction>),
    /// Refusal: a cosigner's key does not sign heads.
    #[error("`{name}` is a cosigner's key; it adds to a checkpoint that the log's key signed")]
    NotALogKey {
        /// The key's name.
        name: String,
    },
    /// Refusal: a log's key does not cosign.
    #[error("`{name}` is a log's key and no cosigner's")]
    NotACosigner {
        /// The key's name.
        name: String,
    },
    /// Refusal: the keys cannot follow each other.
    #[error("the key cannot be changed: {what}")]
    Rotation {
        /// Why.
        what: &'static str,
    },
    /// Refusal: there is nothing to add to.
    #[error("{} has no checkpoint that the key of the anchor before it signed", path.display())]
    NoCheckpoint {
        /// The ledger.
        path: PathBuf,
    },
}

/// A log that does not continue what was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{by} signed {size} records, and this is {met}")]
pub struct Contradiction {
    /// Who signed.
    pub by: &'static str,
    /// How many records.
    pub size: u64,
    /// What was met instead.
    pub met: String,
}

fn contradiction(by: &'static str, size: u64, met: String) -> SignError {
    SignError::Contradiction(Box::new(Contradiction { by, size, met }))
}

/// Returns the root over the first `size` records of a log from the records themselves.
///
/// # Errors
/// Damage of the log, and failures of the machine.
pub fn root_of_records<P: Payload>(reader: &Reader<P>, size: u64) -> Result<Digest, LedgerError> {
    let mut tree = CompactRange::new(0);
    push_records(&mut tree, reader, size)?;
    tree.root().ok_or(LedgerError::Stopped)
}

/// Appends the leaves of a log's records to a tree of those before, up to `size`.
fn push_records<P: Payload>(
    tree: &mut CompactRange,
    reader: &Reader<P>,
    size: u64,
) -> Result<(), LedgerError> {
    each_row(reader, tree.end()..size, |row| {
        tree.push_row(row);
        Ok(())
    })
}

/// Hands over the leaf hashes of a range of a log's records, as far as there are any, a frame's at
/// a time.
fn each_row<P: Payload>(
    reader: &Reader<P>,
    mut range: Range<u64>,
    mut take: impl FnMut(&mut [Digest]) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    let mut cursor = reader.cursor(range.start)?;
    let mut row = Vec::new();
    while !range.is_empty()
        && let Some(frame) = cursor.next_frame()?
    {
        row.clear();
        let records = frame.records().filter(|record| range.contains(&record.sequence));
        hash::leaves(records.map(|record| record.bytes), &mut row);
        range.start += row.len() as u64;
        take(&mut row)?;
    }
    Ok(())
}

/// The message that both keys of a rotation sign.
fn rotation_statement(ledger: &[u8; 16], old: &str, new: &str) -> Vec<u8> {
    let ledger = u128::from_be_bytes(*ledger);
    format!("schwabot/key-rotation/v1\n{ledger:032x}\n{old}\n{new}\n").into_bytes()
}

/// Returns the new key of a rotation that both keys signed, and that the old one may make.
#[must_use]
pub fn rotated_key(
    ledger: &[u8; 16],
    rotation: &KeyRotated,
    known: &[VerifierKey],
) -> Option<VerifierKey> {
    let old: VerifierKey = rotation.old.parse().ok()?;
    let new: VerifierKey = rotation.new.parse().ok()?;
    let statement = rotation_statement(ledger, &rotation.old, &rotation.new);
    let signed = old.signed(&statement, &rotation.old_signature)
        && new.signed(&statement, &rotation.new_signature);
    (known.contains(&old) && signed && old.name() == new.name()).then_some(new)
}
