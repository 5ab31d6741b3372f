//! One file to import: its bytes, and what is known about it before it is read.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use super::error::ImportError;
use super::format::Format;
use crate::hash::Digest;
use crate::market::{
    Fingerprint, PairSymbol, Text, file_digest, interval_of_name, member_name, pair_of_name,
};
use crate::time::Span;

/// Bytes of a checksum file that are read.
const CHECKSUM_FILE_MAX: u64 = 4096;

/// A file to import, looked at once.
#[derive(Debug, Clone)]
pub struct ImportFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub format: &'static Format,
    /// Its length and digest as they were at the first look.
    pub fingerprint: Fingerprint,
    /// A checksum file beside it says the same digest.
    pub checksum_matched: bool,
    /// The pair, if the operator said it.
    pub pair: Option<PairSymbol>,
    /// The length of its bars, if the operator said it.
    pub interval: Option<Span>,
    /// How many seconds east of UTC the clock was that wrote times without a zone.
    pub utc_offset: Option<i32>,
    /// Whose data it is.
    pub label: String,
}

impl ImportFile {
    /// Opens its text, unpacked as it is read; its end checks that no byte changed.
    pub(super) fn text(&self) -> Result<Text, ImportError> {
        Ok(Text::open(&self.path, Some(self.fingerprint))?)
    }

    /// The symbol of all its rows: what the operator said, else what its name says.
    pub(super) fn symbol(&self) -> Result<String, ImportError> {
        if let Some(pair) = &self.pair {
            return Ok(pair.to_string());
        }
        if let Ok(pair) = pair_of_name(&self.path) {
            return Ok(pair.to_string());
        }
        let unknown = || ImportError::UnknownSymbol { file: self.path.clone() };
        // The name inside a zip is part of the data.
        let inside = member_name(&self.path)?.ok_or_else(unknown)?;
        let inside = inside.to_ascii_uppercase();
        pair_of_name(Path::new(&inside)).map(|pair| pair.to_string()).map_err(|_| unknown())
    }

    /// The length of its bars: what the operator said, else what its name says.
    pub(super) fn interval(&self) -> Option<Span> {
        self.interval.or_else(|| interval_of_name(&self.path))
    }

    /// Reads the file once more from disk and checks that it is what it was.
    ///
    /// # Errors
    /// [`SourceError::Changed`](crate::market::SourceError::Changed) when it is not.
    pub(super) fn check_unchanged(&self) -> Result<(), ImportError> {
        let (bytes, digest) = file_digest(&self.path)?;
        if self.fingerprint == (Fingerprint { bytes, digest }) {
            Ok(())
        } else {
            let file = self.path.clone();
            Err(crate::market::SourceError::Changed { file }.into())
        }
    }
}

/// Looks for `FILE.CHECKSUM`, as `sha256sum` writes it, and holds the digest against it.
pub(super) fn check_beside(path: &Path, found: Digest) -> Result<bool, ImportError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".CHECKSUM");
    let file = PathBuf::from(name);
    if !file.is_file() {
        return Ok(false);
    }
    let io_error = |source| ImportError::Io { file: file.clone(), source };
    let mut text = Vec::new();
    let opened = File::open(&file).map_err(io_error)?;
    opened.take(CHECKSUM_FILE_MAX).read_to_end(&mut text).map_err(io_error)?;
    let word = text.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    let said = std::str::from_utf8(word).ok().and_then(|word| Digest::from_str(word).ok());
    let Some(said) = said else {
        let reason = "it does not begin with a SHA-256 in hex digits".to_owned();
        return Err(ImportError::ChecksumFile { file, reason });
    };
    if said == found {
        Ok(true)
    } else {
        Err(ImportError::Checksum { file: path.to_owned(), said, found })
    }
}
