//! Making a receipt: the newest checkpoint that covers a record, and the path to its root.

use std::path::PathBuf;

use super::note::Note;
use super::receipt::Receipt;
use super::sign::is_announced;
use super::store::read_notes;
use super::tiles::Tiles;
use crate::event::Payload;
use crate::hash::Digest;
use crate::ledger::{LedgerError, Reader};

/// Why no receipt could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The log cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The log has no such record.
    #[error("{} has {records} records, and none is number {sequence}", path.display())]
    NoRecord {
        /// The ledger.
        path: PathBuf,
        /// What was asked for.
        sequence: u64,
        /// What there is.
        records: u64,
    },
    /// No checkpoint covers the record yet.
    #[error("no checkpoint of {} covers record {sequence}; `checkpoint` makes one", path.display())]
    NotCovered {
        /// The ledger.
        path: PathBuf,
        /// What was asked for.
        sequence: u64,
    },
    /// The checkpoint is of another log than this one.
    #[error("the checkpoint of {size} records has root {signed}, and the log has {actual}")]
    Contradicted {
        /// Its size.
        size: u64,
        /// Its root.
        signed: Digest,
        /// The log's.
        actual: Digest,
    },
}

/// Makes a receipt for one record, under the newest checkpoint of the ledger that covers it.
///
/// # Errors
/// [`ProveError`]. What comes out of tiles is verified before it is returned, and tiles that lead
/// elsewhere are made anew.
pub fn prove<P: Payload>(reader: &Reader<P>, sequence: u64) -> Result<Receipt, ProveError> {
    let path = || reader.layout().root().to_owned();
    let records = reader.len();
    let record = reader.record(sequence)?;
    let record = record.ok_or_else(|| ProveError::NoRecord { path: path(), sequence, records })?;
    let notes = read_notes(&**reader.disk(), reader.layout())?;
    let covers = |note: &Note| (sequence..records).contains(&(note.checkpoint().size - 1));
    let mut covering: Vec<Note> = notes
        .into_iter()
        .filter_map(|file| file.note.ok())
        .filter(|note| note.checkpoint().size > 0 && covers(note))
        .collect();
    covering.sort_by_key(|note| note.checkpoint().size);
    // A note that the log announces comes before any other; behind damage none is known to be.
    let announced = |note: &Note| is_announced(reader, note).unwrap_or(false);
    let place = covering.iter().rposition(announced).or(covering.len().checked_sub(1));
    let note = place.map(|place| covering.swap_remove(place));
    let note = note.ok_or_else(|| ProveError::NotCovered { path: path(), sequence })?;
    let size = note.checkpoint().size;
    let mut receipt = Receipt { record, sequence, path: Vec::new(), note };
    let (root, disk) = (receipt.note.checkpoint().root, &**reader.disk());
    let mut found = Tiles::as_found(disk, reader.layout(), size, root);
    if let Ok(Some(steps)) = found.inclusion(sequence, size) {
        receipt.path = steps;
        if receipt.verify_path().is_ok() {
            return Ok(receipt);
        }
    }
    // Some tile is missing or rotten, perhaps one far below what is usually looked at: all anew.
    let mut tiles = Tiles::anew(reader, size)?;
    if tiles.root() != root {
        return Err(ProveError::Contradicted { size, signed: root, actual: tiles.root() });
    }
    let at = |error| crate::ledger::at("read tiles of", reader.layout().root())(error);
    receipt.path = tiles.inclusion(sequence, size).map_err(at)?.unwrap_or_default();
    let fits = receipt.verify_path();
    let wrong = |error| at(std::io::Error::other(error));
    fits.map_err(wrong)?;
    Ok(receipt)
}
