//! A memory stack as files: written into a new directory, or compared with one.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::ExportError;
use super::memory_stack::MemoryStack;

/// Bytes behind the end of what the log gives that are read to see how a file goes on.
const BYTES_MORE: usize = 64 << 10;

/// Where a directory differs from what the log gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StackDifference {
    /// A file is not there.
    Missing {
        /// Its path inside the export.
        file: String,
    },
    /// A file is there that the log does not give.
    Extra {
        /// Its path inside the export.
        file: String,
    },
    /// A file says something else.
    Differs {
        /// Its path inside the export.
        file: String,
        /// One-based first line that differs.
        line: usize,
        /// The line that the log gives; none behind its end.
        expected: Option<String>,
        /// The line that is there.
        found: Option<String>,
    },
}

impl fmt::Display for StackDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { file } => write!(f, "{file} is missing"),
            Self::Extra { file } => write!(f, "{file} is not part of what the ledger gives"),
            Self::Differs { file, line, expected, found } => {
                let shown = |line: &Option<String>| match line {
                    Some(line) => format!("`{}`", line.trim()),
                    None => "the end of the file".to_owned(),
                };
                let (expected, found) = (shown(expected), shown(found));
                write!(f, "{file}: line {line}: the ledger gives {expected}, found {found}")
            }
        }
    }
}

/// Writes an export into a directory that is not there yet, or empty.
///
/// # Errors
/// [`ExportError::NotEmpty`], and what the system says.
pub fn write_memory_stack(stack: &MemoryStack, folder: &Path) -> Result<(), ExportError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| ExportError::Io { path, source }
    };
    std::fs::create_dir_all(folder).map_err(io(folder))?;
    if std::fs::read_dir(folder).map_err(io(folder))?.next().is_some() {
        return Err(ExportError::NotEmpty { path: folder.to_owned() });
    }
    for (name, text) in stack {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(io(parent))?;
        }
        std::fs::write(&path, text).map_err(io(&path))?;
    }
    Ok(())
}

/// Compares a directory with an export, byte for byte; empty where they are the same.
///
/// # Errors
/// [`ExportError::Io`] when the directory cannot be read.
pub fn compare_memory_stack(
    stack: &MemoryStack,
    folder: &Path,
) -> Result<Vec<StackDifference>, ExportError> {
    let mut there = Vec::new();
    list(folder, "", &mut there)?;
    let mut found = Vec::new();
    for (name, text) in stack {
        let path = folder.join(name);
        if !there.contains(name) {
            found.push(StackDifference::Missing { file: name.clone() });
            continue;
        }
        let io = |source| ExportError::Io { path: path.clone(), source };
        let bytes = read(&path, text.len() + BYTES_MORE).map_err(io)?;
        if bytes != text.as_bytes() {
            found.push(first_difference(name, text, &String::from_utf8_lossy(&bytes)));
        }
    }
    let extra = there.into_iter().filter(|name| !stack.contains_key(name));
    found.extend(extra.map(|file| StackDifference::Extra { file }));
    Ok(found)
}

/// Reads the beginning of a file. What is no file (a link, a pipe, a device) is read as empty: it
/// may have no end, or wait for its other one.
fn read(path: &Path, max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if std::fs::symlink_metadata(path)?.is_file() {
        std::fs::File::open(path)?.take(max as u64).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn first_difference(name: &str, expected: &str, found: &str) -> StackDifference {
    let (mut own, mut other) = (expected.lines(), found.lines());
    let mut line = 1;
    loop {
        let (expected, found) = (own.next(), other.next());
        if expected != found || expected.is_none() {
            let (file, owned) = (name.to_owned(), |line: Option<&str>| line.map(str::to_owned));
            let (expected, found) = (owned(expected), owned(found));
            return StackDifference::Differs { file, line, expected, found };
        }
        line += 1;
    }
}

/// Lists the files below a directory, with `/` between the parts; links are files, never followed.
fn list(folder: &Path, prefix: &str, found: &mut Vec<String>) -> Result<(), ExportError> {
    let io = |source| ExportError::Io { path: PathBuf::from(folder), source };
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().map_err(io)?.is_dir() {
            list(&entry.path(), &format!("{name}/"), found)?;
        } else {
            found.push(name);
        }
    }
    found.sort();
    Ok(())
}
