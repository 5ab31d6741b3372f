//! Pages for a browser: refused before the work where they cannot be, written whole or not at all.

use std::fmt::Display;
use std::io::ErrorKind;
use std::path::Path;

use super::place::outside_ledgers;
use crate::cli::outcome::CliError;
use crate::ledger::disk::{Readers, RealDisk, write_whole};

fn cannot(path: &Path, what: &dyn Display) -> CliError {
    CliError::NotWritten { path: path.to_owned(), what: format!("cannot write the page: {what}") }
}

/// Refuses a place that is inside a ledger, has no folder, or holds what must not be written over.
pub(super) fn refuse_place(path: &Path, force: bool) -> Result<(), CliError> {
    outside_ledgers(path)?;
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        let what = "is no directory, so no page can be written there".to_owned();
        return Err(CliError::NotWritten { path: folder.to_owned(), what });
    }
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(cannot(path, &error)),
        Ok(known) if !known.is_file() => Err(cannot(path, &"there is something that is no file")),
        Ok(_) if !force => Err(cannot(path, &"the file exists; --force replaces it")),
        Ok(_) => Ok(()),
    }
}

/// Writes a page under a temporary name, and gives it its own.
pub(super) fn write_page(path: &Path, page: &str) -> Result<(), CliError> {
    let written = write_whole(&RealDisk, path, page.as_bytes(), Readers::Usual);
    written.map_err(|error| cannot(path, &error))
}
