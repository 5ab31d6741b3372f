//! Signed notes, carried over so that none is ever lost.
//!
//! A note is named by its size. One that states another root than the note of that name is kept
//! beside it, under the same number with one more zero before it, which every reader of notes finds
//! as well: two histories under one key are worth more than a tidy folder.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::checkpoint::{Note, NoteFile, read_notes};
use crate::hash::Digest;
use crate::ledger::disk::{Disk, Readers, write_unnamed, write_whole};
use crate::ledger::layout::Layout;
use crate::ledger::{LedgerError, at};

/// Digits of the shortest name.
const DIGITS: usize = 12;

/// What became of the notes.
#[derive(Debug, Default)]
pub(super) struct KeptNotes {
    /// How many there are now.
    pub(super) notes: u64,
    /// How many were added or got signatures.
    pub(super) new: u64,
    /// Those that cannot both be true.
    pub(super) contradictions: Vec<String>,
    /// Those that cannot be read, and why.
    pub(super) unreadable: Vec<String>,
}

/// Puts notes into a directory beside those that are there.
///
/// # Errors
/// Failures of the machine.
pub(super) fn keep_notes(
    disk: &dyn Disk,
    notes: Vec<NoteFile>,
    to: &Layout,
) -> Result<KeptNotes, LedgerError> {
    let folder = to.checkpoints();
    let mut keeper = Keeper {
        disk,
        to,
        there: BTreeMap::new(),
        notes: 0,
        newest: None,
        is_newest_written: true,
        asked: BTreeSet::new(),
        taken: names_in(disk, &folder)?,
        kept: KeptNotes::default(),
    };
    for file in read_notes(disk, to)? {
        let Ok(note) = file.note else { continue };
        if file.path == to.checkpoint() {
            keeper.newest = Some(note);
        } else {
            keeper.put(file.path, note);
        }
    }
    if !notes.is_empty() {
        disk.create_dir(&folder).map_err(at("create", &folder))?;
        disk.sync_dir(to.root()).map_err(at("sync", to.root()))?;
    }
    for NoteFile { path, note } in notes {
        match note {
            Ok(note) => keeper.keep(note)?,
            Err(error) => {
                keeper.kept.unreadable.push(format!("{}: {error}", path.display()));
            }
        }
    }
    keeper.finish()
}

/// A log and a size, of which there is one tree unless somebody lied.
type LogAndSize = (String, u64);

/// The notes of a directory, as they get more.
struct Keeper<'k> {
    disk: &'k dyn Disk,
    to: &'k Layout,
    /// Every tree that is stated, with the note that does and its place.
    there: BTreeMap<LogAndSize, BTreeMap<Digest, (PathBuf, Note)>>,
    /// How many that are.
    notes: u64,
    newest: Option<Note>,
    is_newest_written: bool,
    /// What the notes that came now speak of.
    asked: BTreeSet<LogAndSize>,
    /// Names in the folder, of notes that cannot be read too.
    taken: BTreeSet<String>,
    kept: KeptNotes,
}

impl Keeper<'_> {
    fn put(&mut self, path: PathBuf, note: Note) {
        let stated = note.checkpoint();
        let (key, root) = ((stated.origin.clone(), stated.size), stated.root);
        // Of two files of one tree the first is the one that gets signatures.
        self.there.entry(key).or_default().entry(root).or_insert((path, note));
        self.notes += 1;
    }

    fn keep(&mut self, note: Note) -> Result<(), LedgerError> {
        let (key, root) = {
            let stated = note.checkpoint();
            ((stated.origin.clone(), stated.size), stated.root)
        };
        self.asked.insert(key.clone());
        let known = self.there.get(&key).and_then(|roots| roots.get(&root));
        let current = match known {
            None => {
                let path = self.to.checkpoints().join(free_name(key.1, &mut self.taken));
                self.write_note(&path, &note)?;
                self.kept.new += 1;
                self.put(path, note.clone());
                note
            }
            Some((path, known)) => {
                let (path, mut merged) = (path.clone(), known.clone());
                if merged.add_missing(&note) {
                    self.write_note(&path, &merged)?;
                    self.kept.new += 1;
                    self.there.entry(key).or_default().insert(root, (path, merged.clone()));
                }
                merged
            }
        };
        if is_newer(&current, self.newest.as_ref()) {
            self.newest = Some(current);
            self.is_newest_written = false;
        }
        Ok(())
    }

    /// Makes the names durable, all at once, and then publishes the newest.
    fn finish(mut self) -> Result<KeptNotes, LedgerError> {
        if self.kept.new > 0 {
            let folder = self.to.checkpoints();
            self.disk.sync_dir(&folder).map_err(at("sync", &folder))?;
        }
        if let Some(newest) = self.newest.as_ref().filter(|_| !self.is_newest_written) {
            let path = self.to.checkpoint();
            write_whole(self.disk, &path, newest.to_string().as_bytes(), Readers::Usual)
                .map_err(at("write", &path))?;
        }
        self.tell_contradictions();
        self.kept.notes = self.notes;
        Ok(self.kept)
    }

    /// Notes of one log and one size that state different roots cannot both be true.
    fn tell_contradictions(&mut self) {
        for key in &self.asked {
            let mut roots = self.there.get(key).into_iter().flat_map(BTreeMap::keys);
            let Some(first) = roots.next() else { continue };
            let (origin, size) = key;
            self.kept.contradictions.extend(roots.map(|root| {
                format!("`{origin}` states two roots over {size} records: {first} and {root}")
            }));
        }
    }

    /// Writes a note whose bytes are durable; its name is once the folder is synced.
    fn write_note(&self, path: &Path, note: &Note) -> Result<(), LedgerError> {
        write_unnamed(self.disk, path, note.to_string().as_bytes()).map_err(at("write", path))
    }
}

/// Is it to be published as the newest? One that is there and states as much stays.
fn is_newer(note: &Note, newest: Option<&Note>) -> bool {
    let Some(newest) = newest else { return true };
    if newest.checkpoint() == note.checkpoint() {
        return newest.signatures.len() < note.signatures.len();
    }
    newest.checkpoint().size < note.checkpoint().size
}

/// The shortest name for a size that no file has.
fn free_name(size: u64, taken: &mut BTreeSet<String>) -> String {
    let mut digits = DIGITS;
    loop {
        let name = format!("{size:0digits$}.note");
        if taken.insert(name.clone()) {
            return name;
        }
        digits += 1;
    }
}

fn names_in(disk: &dyn Disk, folder: &Path) -> Result<BTreeSet<String>, LedgerError> {
    match disk.list(folder) {
        Ok(names) => Ok(names.into_iter().collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(at("list", folder)(error)),
    }
}
