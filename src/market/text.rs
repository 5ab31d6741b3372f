//! Text in bounded pieces: lines, and the fields of a line.
//!
//! Invariants: a line longer than [`LINE_MAX`] ends the reading; nothing here allocates for a row
//! that is well formed.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::error::{BadRow, SourceError};
use super::files::{Fingerprint, Unpacked, read_error};

/// The longest line, or element of a JSON array, in bytes.
pub const LINE_MAX: usize = 64 << 10;
const BUFFER: usize = 256 << 10;
const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

/// The unpacked text of one data file.
pub(crate) struct Text {
    file: PathBuf,
    /// None once the end was reached and the file closed.
    input: Option<BufReader<Unpacked>>,
    /// What the stored file must have been, seen from its end.
    expected: Option<Fingerprint>,
    /// Bytes of the text that were taken.
    offset: u64,
    /// The longest line or element.
    limit: usize,
}

impl Text {
    pub(crate) fn open(path: &Path, expected: Option<Fingerprint>) -> Result<Self, SourceError> {
        let input = BufReader::with_capacity(BUFFER, Unpacked::open(path)?);
        Ok(Self { file: path.to_owned(), input: Some(input), expected, offset: 0, limit: LINE_MAX })
    }

    /// Accepts lines and elements of so many bytes, instead of [`LINE_MAX`].
    pub(crate) fn with_limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns up to `limit` bytes from the beginning, without a byte order mark.
    pub(crate) fn head(mut self, limit: usize) -> Result<Vec<u8>, SourceError> {
        let mut head = Vec::new();
        if let Some(input) = &mut self.input {
            let read = input.take(limit as u64).read_to_end(&mut head);
            read.map_err(|error| read_error(&self.file, error))?;
        }
        head.drain(..bom_length(&head));
        Ok(head)
    }

    /// Appends bytes to `out` up to and with `end`, at most the limit and one; false if `end` did
    /// not come, because the text ended or because it is too long.
    pub(crate) fn read_until(&mut self, end: u8, out: &mut Vec<u8>) -> Result<bool, SourceError> {
        let Some(input) = &mut self.input else { return Ok(false) };
        let count = input.take(self.limit as u64 + 1).read_until(end, out);
        let count = count.map_err(|error| read_error(&self.file, error))?;
        self.offset += count as u64;
        Ok(count > 0 && out.last() == Some(&end))
    }

    /// Takes the next byte that is no JSON white space.
    pub(crate) fn next_solid(&mut self) -> Result<Option<u8>, SourceError> {
        let Some(input) = &mut self.input else { return Ok(None) };
        loop {
            let buffer = input.fill_buf().map_err(|error| read_error(&self.file, error))?;
            if buffer.is_empty() {
                return Ok(None);
            }
            let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
            let found = buffer.iter().find(|byte| !blank(byte)).copied();
            let skipped = buffer.iter().take_while(|byte| blank(byte)).count();
            let used = skipped + usize::from(found.is_some());
            input.consume(used);
            self.offset += used as u64;
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Takes a byte order mark, if one is next.
    pub(crate) fn skip_bom(&mut self) -> Result<(), SourceError> {
        let Some(input) = &mut self.input else { return Ok(()) };
        let buffer = input.fill_buf().map_err(|error| read_error(&self.file, error))?;
        let length = bom_length(buffer);
        input.consume(length);
        self.offset += length as u64;
        Ok(())
    }

    /// Closes the file and checks that it is what it was.
    ///
    /// # Errors
    /// [`SourceError::Changed`] when it is not.
    pub(crate) fn finish(&mut self) -> Result<(), SourceError> {
        let Some(input) = self.input.take() else { return Ok(()) };
        let Some(expected) = self.expected else { return Ok(()) };
        let found = input.into_inner().finish();
        if found.map_err(|error| read_error(&self.file, error))? == expected {
            Ok(())
        } else {
            Err(SourceError::Changed { file: self.file.clone() })
        }
    }
}

/// The lines of a text.
pub(crate) struct Lines {
    text: Text,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    pub(crate) fn new(text: Text) -> Self {
        Self { text, line: Vec::new(), number: 0 }
    }

    pub(crate) fn file(&self) -> &Path {
        self.text.file()
    }

    /// Returns the next line that is not blank, with its one-based number and without its end; at
    /// the end of the text, checks that the file is what it was.
    pub(crate) fn next_line(&mut self) -> Result<Option<(u64, &[u8])>, SourceError> {
        if self.number == 0 {
            self.text.skip_bom()?;
        }
        loop {
            self.line.clear();
            let ended = self.text.read_until(b'\n', &mut self.line)?;
            if !ended && self.line.is_empty() {
                self.text.finish()?;
                return Ok(None);
            }
            self.number += 1;
            let limit = self.text.limit;
            if self.line.len() > limit {
                let file = self.text.file().to_owned();
                return Err(SourceError::TooLong { file, row: self.number, limit });
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        Ok(Some((self.number, line.strip_suffix(b"\r").unwrap_or(line))))
    }
}

fn bom_length(text: &[u8]) -> usize {
    if text.starts_with(UTF8_BOM) { UTF8_BOM.len() } else { 0 }
}

/// Refuses what no text file holds: invalid UTF-8 and control characters other than a tab.
pub(crate) fn check_text(line: &[u8]) -> Result<(), BadRow> {
    // No early exit, so that the compiler can look at many bytes at a time.
    let control = line.iter().fold(false, |found, byte| found | (*byte < b' ' && *byte != b'\t'));
    if control {
        let at = line.iter().position(|byte| *byte < b' ' && *byte != b'\t').unwrap_or_default();
        return Err(BadRow::new("line", format!("control character at byte {}", at + 1)));
    }
    match std::str::from_utf8(line) {
        Ok(_) => Ok(()),
        Err(error) => {
            let at = error.valid_up_to() + 1;
            Err(BadRow::new("line", format!("not UTF-8 at byte {at}")))
        }
    }
}

/// The fields of one line, trimmed, without the quotes around them.
pub(crate) struct Fields<'a> {
    rest: Option<&'a [u8]>,
    delimiter: u8,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(line: &'a [u8], delimiter: u8) -> Self {
        Self { rest: Some(line), delimiter }
    }

    fn quoted(&mut self, text: &'a [u8]) -> Result<&'a [u8], BadRow> {
        let mut end = 1;
        loop {
            match (text.get(end), text.get(end + 1)) {
                (Some(b'"'), Some(b'"')) => end += 2,
                (Some(b'"'), _) => break,
                (Some(_), _) => end += 1,
                (None, _) => return Err(BadRow::new("line", "a quote is not closed")),
            }
        }
        let after = text[end + 1..].trim_ascii_start();
        self.rest = match after.split_first() {
            None => None,
            Some((first, rest)) if *first == self.delimiter => Some(rest),
            Some(_) => return Err(BadRow::new("line", "text follows a closing quote")),
        };
        Ok(&text[1..end])
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<&'a [u8], BadRow>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.rest.take()?;
        if text.trim_ascii_start().first() == Some(&b'"') {
            return Some(self.quoted(text.trim_ascii_start()));
        }
        let end = text.iter().position(|byte| *byte == self.delimiter);
        let field = match end {
            Some(end) => {
                self.rest = Some(&text[end + 1..]);
                &text[..end]
            }
            None => text,
        };
        Some(Ok(field.trim_ascii()))
    }
}
