//! Where a run is recorded when nobody says where.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use crate::cli::outcome::CliError;

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
