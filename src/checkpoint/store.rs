//! The notes that lie in a ledger's directory.

use std::io;
use std::path::PathBuf;

use super::note::{NOTE_BYTES_MAX, Note, NoteError};
use crate::ledger::disk::{Disk, Readers, read_whole, write_whole};
use crate::ledger::layout::Layout;
use crate::ledger::{LedgerError, at};

const SUFFIX: &str = ".note";

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
/// Failures of the machine; a note that cannot be read is told in its place.
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
    for path in paths {
        match read_whole(disk, &path, NOTE_BYTES_MAX) {
            Ok(bytes) => notes.push(NoteFile { path, note: Note::parse(&bytes) }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                notes.push(NoteFile { path, note: Err(NoteError::TooLong) });
            }
            Err(error) => return Err(at("read", &path)(error)),
        }
    }
    Ok(notes)
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
    let same = |old: &Note| old.checkpoint() == note.checkpoint();
    let there = read_notes(disk, layout)?.into_iter().filter_map(|file| file.note.ok()).find(same);
    for line in there.into_iter().flat_map(|old| old.signatures) {
        let known = |new: &super::SignatureLine| (&new.name, new.id) == (&line.name, line.id);
        if !note.signatures.iter().any(known) {
            note.signatures.push(line);
        }
    }
    let folder = layout.checkpoints();
    disk.create_dir(&folder).map_err(|error| at("create", &folder)(error))?;
    let path = folder.join(format!("{:012}{SUFFIX}", note.checkpoint().size));
    for path in [path, layout.checkpoint()] {
        write_whole(disk, &path, note.to_string().as_bytes(), Readers::Usual)
            .map_err(|error| at("write", &path)(error))?;
    }
    Ok(note)
}
