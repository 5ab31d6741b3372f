//! The notes that lie in a ledger's directory.

use std::io;
use std::path::{Path, PathBuf};

use super::note::{NOTE_BYTES_MAX, Note, NoteError};
use crate::ledger::disk::{Disk, Readers, read_whole, write_whole};
use crate::ledger::layout::Layout;
use crate::ledger::{LedgerError, at};

const SUFFIX: &str = ".note";
/// Bytes of all notes of a ledger that are read.
pub const NOTES_BYTES_MAX: usize = 256 << 20;

/// A file that should hold a note.
#[derive(Debug, Clone)]
pub struct NoteFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it holds.
    pub note: Result<Note, NoteError>,
}

/// Reads all notes of a ledger: those of its folder by size, then the newest by its own name.
///
/// # Errors
/// Failures of the machine, and notes of more than [`NOTES_BYTES_MAX`] together; a note that cannot
/// be read is told in its place.
pub fn read_notes(disk: &dyn Disk, layout: &Layout) -> Result<Vec<NoteFile>, LedgerError> {
    let folder = layout.checkpoints();
    let mut paths: Vec<(u64, PathBuf)> = match disk.list(&folder) {
        Ok(names) => names
            .iter()
            .filter_map(|name| {
                let size = name.strip_suffix(SUFFIX).filter(|digits| digits.len() >= 12)?;
                Some((size.parse().ok()?, folder.join(name)))
            })
            .collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(at("list", &folder)(error)),
    };
    paths.sort();
    let paths = paths.into_iter().map(|(_, path)| path).chain([layout.checkpoint()]);
    let mut notes = Vec::new();
    let mut left = NOTES_BYTES_MAX;
    for path in paths {
        match read_whole(disk, &path, NOTE_BYTES_MAX) {
            Ok(bytes) => {
                left =
                    left.checked_sub(bytes.len()).ok_or_else(|| at("read", &folder)(too_much()))?;
                notes.push(NoteFile { path, note: Note::parse(&bytes) });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                notes.push(NoteFile { path, note: Err(NoteError::TooLong) });
            }
            // A directory, or something else that is no file.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                notes.push(NoteFile { path, note: Err(NoteError::NotText) });
            }
            Err(error) => return Err(at("read", &path)(error)),
        }
    }
    Ok(notes)
}

fn too_much() -> io::Error {
    let what = format!("the notes have more than {NOTES_BYTES_MAX} bytes together");
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Returns the newest note of a ledger that can be read.
///
/// # Errors
/// Failures of the machine.
pub fn newest_note(disk: &dyn Disk, layout: &Layout) -> Result<Option<Note>, LedgerError> {
    let notes = read_notes(disk, layout)?.into_iter().filter_map(|file| file.note.ok());
    Ok(notes.max_by_key(|note| note.checkpoint().size))
}

/// Puts a note into a ledger's directory, durable. Signatures that another note of the same tree
/// there has in addition are kept.
///
/// # Errors
/// Failures of the machine.
pub fn save_note(disk: &dyn Disk, layout: &Layout, note: &Note) -> Result<Note, LedgerError> {
    let mut note = note.clone();
    let folder = layout.checkpoints();
    let path = folder.join(format!("{:012}{SUFFIX}", note.checkpoint().size));
    let top = layout.checkpoint();
    let (there, newest) = (read_note(disk, &path)?, read_note(disk, &top)?);
    for old in [&there, &newest].into_iter().flatten() {
        if old.checkpoint() == note.checkpoint() {
            note.add_missing(old);
        }
    }
    disk.create_dir(&folder).map_err(at("create", &folder))?;
    let bytes = note.to_string();
    write_whole(disk, &path, bytes.as_bytes(), Readers::Usual).map_err(at("write", &path))?;
    // Somebody else may have published a newer one meanwhile.
    if newest.is_none_or(|newest| newest.checkpoint().size <= note.checkpoint().size) {
        write_whole(disk, &top, bytes.as_bytes(), Readers::Usual).map_err(at("write", &top))?;
    }
    Ok(note)
}

/// Reads one note; none where there is none, or none that can be read.
fn read_note(disk: &dyn Disk, path: &Path) -> Result<Option<Note>, LedgerError> {
    use io::ErrorKind::{InvalidData, InvalidInput, NotFound};
    match read_whole(disk, path, NOTE_BYTES_MAX) {
        Ok(bytes) => Ok(Note::parse(&bytes).ok()),
        Err(error) if matches!(error.kind(), InvalidData | InvalidInput | NotFound) => Ok(None),
        Err(error) => Err(at("read", path)(error)),
    }
}
