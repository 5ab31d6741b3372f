//! The formats, and which one a file has: read off its bytes, never off its name.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::error::ImportError;
use super::file::ImportFile;
use super::item::Importer;
use crate::market::{LINE_MAX, SourceError, Text, member_names};

/// One format that can be imported.
#[derive(Debug)]
pub struct Format {
    /// Its name, as `--from` takes it and the ledger keeps it.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Whose data it is unless the operator says otherwise.
    pub label: &'static str,
    /// Number of the importer: raised with every change of what it makes of a file.
    pub version: u32,
    /// The source wrote its numbers from binary floats.
    pub binary_floats: bool,
    /// True where the beginning of a file is of this format.
    pub(super) recognises: fn(&Head) -> bool,
    /// Opens a file of this format.
    pub(super) open: fn(&ImportFile) -> Result<Box<dyn Importer>, ImportError>,
}

/// Every format, in the order in which a file is held against them: the narrow ones first.
pub const FORMATS: &[&Format] = &[&super::klines::FORMAT];

impl Format {
    /// Finds a format by name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name).copied()
    }

    /// Reads a file's format off its first bytes.
    ///
    /// # Errors
    /// [`ImportError::UnknownFormat`], and files that cannot be read or unpacked.
    pub fn detect(path: &Path) -> Result<&'static Self, ImportError> {
        let head = Head::of(path)?;
        if let Some(format) = FORMATS.iter().find(|format| (format.recognises)(&head)) {
            return Ok(format);
        }
        // What cannot be unpacked is told so; what can is of no format.
        if let Some(error) = head.unpack {
            return Err(error.into());
        }
        Err(ImportError::UnknownFormat { file: path.to_owned(), reason: unknown(&head.text) })
    }
}

/// The beginning of a file.
pub(super) struct Head {
    /// The first bytes as they are stored.
    pub(super) stored: Vec<u8>,
    /// The first bytes unpacked, without a byte order mark; empty where they cannot be unpacked.
    pub(super) text: Vec<u8>,
    /// The names inside a zip; empty for any other file.
    pub(super) members: Vec<String>,
    unpack: Option<SourceError>,
}

impl Head {
    fn of(path: &Path) -> Result<Self, ImportError> {
        let io_error = |source| ImportError::Io { file: path.to_owned(), source };
        // Says what is no regular file before anything is opened.
        let opened = Text::open(path, None);
        if let Err(error @ (SourceError::NotAFile { .. } | SourceError::Io { .. })) = opened {
            return Err(error.into());
        }
        let mut stored = Vec::new();
        let file = File::open(path).map_err(io_error)?;
        file.take(LINE_MAX as u64).read_to_end(&mut stored).map_err(io_error)?;
        let members = if stored.starts_with(b"PK") { member_names(path)? } else { Vec::new() };
        let (text, unpack) = match opened.and_then(|text| text.head(LINE_MAX + 1)) {
            Ok(text) => (text, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        Ok(Self { stored, text, members, unpack })
    }

    /// The first line that is not blank, without its end.
    pub(super) fn first_line(&self) -> &[u8] {
        self.lines().next().unwrap_or_default()
    }

    /// The lines that are not blank, without their ends; the last one may be cut.
    pub(super) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.text.split(|byte| *byte == b'\n');
        lines.filter(|line| !line.trim_ascii().is_empty()).map(<[u8]>::trim_ascii_end)
    }
}

fn unknown(text: &[u8]) -> String {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    let begin = match text.split(|byte| *byte == b'\n').next() {
        None | Some([]) if text.is_empty() => "it is empty".to_owned(),
        line => format!("it begins with {}", crate::market::quote(line.unwrap_or_default())),
    };
    format!("unknown format: {begin}; known are {}", names.join(", "))
}
