//! Signed notes, carried over so that none is ever lost.
//!
//! A note is named by its size. One that states another root than the note of that name is kept
//! beside it, under the same number with one more zero before it, which every reader of notes finds
//! as well: two histories under one key are worth more than a tidy folder.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::checkpoint::{Note, NoteFile, SIGNATURES_MAX, SignatureLine, read_notes};
use crate::ledger::disk::{Disk, Readers, write_whole};
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
        there: Vec::new(),
        newest: None,
        taken: names_in(disk, &folder)?,
        kept: KeptNotes::default(),
    };
    for file in read_notes(disk, to)? {
        let Ok(note) = file.note else { continue };
        if file.path == to.checkpoint() {
            keeper.newest = Some(note);
        } else {
            keeper.there.push((file.path, note));
        }
    }
    if !notes.is_empty() {
        disk.create_dir(&folder).map_err(at("create", &folder))?;
        disk.sync_dir(to.root()).map_err(at("sync", to.root()))?;
    }
    for NoteFile { path, note } in notes {
        match note {
            Ok(note) => keeper.keep(&note)?,
            Err(error) => {
                keeper.kept.unreadable.push(format!("{}: {error}", path.display()));
            }
        }
    }
    keeper.kept.notes = keeper.there.len() as u64;
    Ok(keeper.kept)
}

/// The notes of a directory, as they get more.
struct Keeper<'k> {
    disk: &'k dyn Disk,
    to: &'k Layout,
    there: Vec<(PathBuf, Note)>,
    newest: Option<Note>,
    /// Names in the folder, of notes that cannot be read too.
    taken: BTreeSet<String>,
    kept: KeptNotes,
}

impl Keeper<'_> {
    fn keep(&mut self, note: &Note) -> Result<(), LedgerError> {
        self.tell_contradiction(note);
        let same = |(_, other): &(PathBuf, Note)| other.checkpoint() == note.checkpoint();
        let place = match self.there.iter().position(same) {
            None => {
                let name = free_name(note.checkpoint().size, &mut self.taken);
                let path = self.to.checkpoints().join(name);
                self.write(&path, note)?;
                self.kept.new += 1;
                self.there.push((path, note.clone()));
                self.there.len() - 1
            }
            Some(place) => {
                let (path, known) = &self.there[place];
                if let Some(merged) = merge(known, note) {
                    self.write(path, &merged)?;
                    self.kept.new += 1;
                    self.there[place].1 = merged;
                }
                place
            }
        };
        let current = &self.there[place].1;
        if is_newer(current, self.newest.as_ref()) {
            self.write(&self.to.checkpoint(), current)?;
            self.newest = Some(current.clone());
        }
        Ok(())
    }

    /// Notes of one log and one size that state different roots cannot both be true.
    fn tell_contradiction(&mut self, note: &Note) {
        let new = note.checkpoint();
        for (_, other) in &self.there {
            let other = other.checkpoint();
            if (&other.origin, other.size) != (&new.origin, new.size) || other.root == new.root {
                continue;
            }
            let roots = format!("{} and {}", other.root, new.root);
            let what =
                format!("`{}` states two roots over {} records: {roots}", new.origin, new.size);
            if !self.kept.contradictions.contains(&what) {
                self.kept.contradictions.push(what);
            }
        }
    }

    fn write(&self, path: &Path, note: &Note) -> Result<(), LedgerError> {
        write_whole(self.disk, path, note.to_string().as_bytes(), Readers::Usual)
            .map_err(at("write", path))
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

/// A note with the signatures of another of the same tree in addition; none where it has them all.
fn merge(there: &Note, new: &Note) -> Option<Note> {
    let known = |line: &SignatureLine| {
        there.signatures.iter().any(|known| (&known.name, known.id) == (&line.name, line.id))
    };
    let mut merged = there.clone();
    let more = new.signatures.iter().filter(|line| !known(line));
    merged.signatures.extend(more.cloned());
    merged.signatures.truncate(SIGNATURES_MAX);
    (merged.signatures.len() > there.signatures.len()).then_some(merged)
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
