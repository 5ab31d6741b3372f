//! The elements of one JSON array, one at a time, with their places.
//!
//! Only an element is in memory, and it is bounded. Its numbers keep their text. Text that is no
//! array, or breaks off, ends the reading at a line and column: what follows cannot be trusted.

use std::path::PathBuf;

use serde_json::value::RawValue;

use super::columns::Field;
use super::error::{Fault, ImportError};
use super::file::ImportFile;
use crate::market::{Text, quote};

/// Bytes of an element.
pub(super) const ELEMENT_MAX: usize = 1 << 20;

/// One element of the array.
pub(super) struct Element {
    /// One-based number.
    pub(super) number: u64,
    /// One-based line where it begins.
    pub(super) line: u64,
    /// One-based byte of that line.
    pub(super) column: u64,
    /// Its JSON.
    pub(super) bytes: Vec<u8>,
}

impl Element {
    /// A fault in it at a byte of it.
    pub(super) fn fault(&self, fault: Fault, byte: usize) -> Fault {
        let before = &self.bytes[..byte.min(self.bytes.len())];
        let lines = before.iter().filter(|byte| **byte == b'\n').count() as u64;
        let column = match before.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => (before.len() - at) as u64,
            None => self.column + before.len() as u64,
        };
        fault.at(self.line + lines, column)
    }

    /// Takes the element apart as an array of exactly `N` values.
    pub(super) fn values<const N: usize>(&self) -> Result<[Field<'_>; N], Fault> {
        let bad = |reason: String| self.fault(Fault::new("element", reason), 0);
        let text = std::str::from_utf8(&self.bytes)
            .map_err(|error| bad(format!("not UTF-8 at byte {}", error.valid_up_to() + 1)))?;
        let values: Vec<&RawValue> =
            serde_json::from_str(text).map_err(|error| bad(format!("no JSON array: {error}")))?;
        if values.len() != N {
            return Err(bad(format!("{} values instead of {N}", values.len())));
        }
        let mut fields = [Field::default(); N];
        for (field, value) in fields.iter_mut().zip(values) {
            let text = value.get().as_bytes();
            let offset = text.as_ptr().addr().saturating_sub(self.bytes.as_ptr().addr());
            // A column inside the element for now; `place` adds where that stands.
            *field = Field { text, column: offset as u64 + 1 };
        }
        Ok(fields)
    }

    /// Places a fault of one of the element's values.
    pub(super) fn place(&self, fault: Fault) -> Fault {
        let byte = usize::try_from(fault.column.saturating_sub(1)).unwrap_or_default();
        self.fault(fault, byte)
    }
}

/// Reads the elements of an array.
pub(super) struct Elements {
    path: PathBuf,
    text: Text,
    line: u64,
    column: u64,
    pub(super) count: u64,
    ended: bool,
}

impl Elements {
    pub(super) fn open(file: &ImportFile) -> Result<Self, ImportError> {
        let mut text = file.text()?.with_limit(ELEMENT_MAX);
        text.skip_bom()?;
        let path = file.path.clone();
        Ok(Self { path, text, line: 1, column: 0, count: 0, ended: false })
    }

    /// Returns the next element, or none at the end of a file that did not change.
    pub(super) fn next(&mut self) -> Result<Option<Element>, ImportError> {
        if self.ended {
            return Ok(None);
        }
        let first = if self.count == 0 {
            self.expect(b'[')?;
            self.solid()?
        } else {
            match self.solid()? {
                Some(b',') => self.solid()?,
                Some(b']') => return self.end(),
                met => return Err(self.syntax("`,` or `]` after an element", met)),
            }
        };
        match first {
            Some(b']') if self.count == 0 => self.end(),
            Some(byte @ (b'[' | b'{')) => self.element(byte).map(Some),
            met => Err(self.syntax("an array or object as element", met)),
        }
    }

    /// Reads an element behind its first byte: up to the bracket that ends it.
    fn element(&mut self, first: u8) -> Result<Element, ImportError> {
        self.count += 1;
        let (line, column) = (self.line, self.column);
        let mut bytes = vec![first];
        let (mut depth, mut inside, mut escaped) = (1_u32, false, false);
        while depth > 0 {
            let Some(byte) = self.byte()? else {
                return Err(self.syntax("the end of the element", None));
            };
            if bytes.len() >= ELEMENT_MAX {
                let reason = format!("the element is longer than {ELEMENT_MAX} bytes");
                return Err(Fault::new("element", reason).at(line, column).in_file(&self.path));
            }
            bytes.push(byte);
            match byte {
                _ if escaped => escaped = false,
                b'\\' if inside => escaped = true,
                b'"' => inside = !inside,
                b'[' | b'{' if !inside => depth += 1,
                b']' | b'}' if !inside => depth -= 1,
                _ => {}
            }
        }
        Ok(Element { number: self.count, line, column, bytes })
    }

    fn end(&mut self) -> Result<Option<Element>, ImportError> {
        self.ended = true;
        match self.solid()? {
            None => {
                self.text.finish()?;
                Ok(None)
            }
            met => Err(self.syntax("nothing after the array", met)),
        }
    }

    fn expect(&mut self, wanted: u8) -> Result<(), ImportError> {
        match self.solid()? {
            Some(met) if met == wanted => Ok(()),
            met => Err(self.syntax("the `[` of an array", met)),
        }
    }

    fn solid(&mut self) -> Result<Option<u8>, ImportError> {
        loop {
            match self.byte()? {
                Some(b' ' | b'\t' | b'\r' | b'\n') => {}
                other => return Ok(other),
            }
        }
    }

    fn byte(&mut self) -> Result<Option<u8>, ImportError> {
        let byte = self.text.next_byte()?;
        match byte {
            Some(b'\n') => (self.line, self.column) = (self.line + 1, 0),
            Some(_) => self.column += 1,
            None => {}
        }
        Ok(byte)
    }

    fn syntax(&self, expected: &str, met: Option<u8>) -> ImportError {
        let found = met.map_or_else(|| "the end of the file".to_owned(), |byte| quote(&[byte]));
        let fault = Fault::new("json", format!("expected {expected}, found {found}"));
        fault.at(self.line, self.column).in_file(&self.path)
    }
}

/// The text of a JSON string; none for any other value.
pub(super) fn string(value: &[u8]) -> Option<String> {
    serde_json::from_slice(value).ok()
}
