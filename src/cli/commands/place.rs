//! Where a run is recorded when nobody says where, and where nothing else may be written.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::cli::outcome::CliError;
use crate::ledger::disk::RealDisk;
use crate::ledger::is_inside_ledger;

/// Returns the directory that was asked for, or makes a fresh one that is ours alone.
pub(super) fn ledger_at(asked: Option<PathBuf>, command: &str) -> Result<PathBuf, CliError> {
    match asked {
        Some(path) => Ok(path),
        None => fresh_dir(command).map(|path| path.join("ledger")),
    }
}

/// Makes a fresh directory that is ours alone.
pub(super) fn fresh_dir(command: &str) -> Result<PathBuf, CliError> {
    let process = std::process::id();
    let mut attempt = 0_u32;
    loop {
        let name = format!("schwabot-{command}-{process}-{attempt}");
        let path = std::env::temp_dir().join(name);
        // Making it fails where anything of that name is, a planted link included.
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => attempt += 1,
            Err(source) => return Err(CliError::Place { path, source }),
        }
    }
}

/// Refuses a file that would lie inside a ledger, which holds nothing but its own.
pub(super) fn outside_ledgers(path: &Path) -> Result<(), CliError> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    if is_inside_ledger(&RealDisk, folder.unwrap_or(Path::new("."))) {
        let path = path.display();
        let text = format!("{path} would lie inside a ledger: take another place");
        return Err(CliError::Usage(text));
    }
    Ok(())
}
