//! JSON in pieces: the values at chosen places of a document, one at a time.
//!
//! A document is walked byte by byte. What nobody wants is checked and passed over; what is wanted
//! is collected, at most [`PIECE_MAX`] bytes of it. So memory does not grow with the document, and
//! numbers keep the text that they have there.
//!
//! Invariants: what is passed over is checked as strictly as what is taken, but for the words
//! `NaN` and `Infinity` that some programs write for numbers; an error names line and column.

use std::io::{BufRead as _, BufReader};

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::columns::Field;
use super::error::{Fault, ReadError};
use super::text::{Input, Utf8, text_error};

/// The longest value that is collected, and the longest word that is passed over, in bytes.
pub(super) const PIECE_MAX: usize = 1 << 20;
const KEY_MAX: usize = 1 << 10;
const DEPTH_MAX: usize = 32;
const BUFFER: usize = 64 << 10;

/// A step of the way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The field of an object.
    Key(String),
    /// The place in an array, from zero.
    Place(u64),
}

impl Step {
    /// Whether this is the field with this name.
    pub(super) fn is(&self, name: &str) -> bool {
        matches!(self, Self::Key(key) if key == name)
    }

    /// The name of a field; empty for a place in an array.
    pub(super) fn key(&self) -> &str {
        match self {
            Self::Key(key) => key,
            Self::Place(_) => "",
        }
    }
}

/// A value that was wanted.
#[derive(Debug)]
pub(super) struct Piece {
    /// How one comes to it.
    pub(super) path: Vec<Step>,
    /// Its text.
    pub(super) text: Vec<u8>,
    /// Line and column of its first byte, from one.
    pub(super) place: (u64, u64),
}

impl Piece {
    /// Takes it apart as an array of exactly `N` values, whose faults [`Piece::place`] finds.
    pub(super) fn values<const N: usize>(&self) -> Result<[Field<'_>; N], Fault> {
        let bad = |reason: String| Fault::placed(self.place, "element", reason);
        let values: Vec<&RawValue> = serde_json::from_slice(&self.text)
            .map_err(|error| bad(format!("no JSON array: {error}")))?;
        if values.len() != N {
            return Err(bad(format!("{} values instead of {N}", values.len())));
        }
        let mut fields = [Field::default(); N];
        for (field, value) in fields.iter_mut().zip(values) {
            let text = value.get().as_bytes();
            let offset = text.as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
            // A byte of the piece for now.
            *field = Field { text, column: offset as u64 + 1 };
        }
        Ok(fields)
    }

    /// Says where in the document a fault of one of the values is.
    pub(super) fn place(&self, fault: Fault) -> Fault {
        let byte = usize::try_from(fault.column.saturating_sub(1)).unwrap_or_default();
        let (line, column) = place_at(&self.text, self.place, byte);
        fault.at(line, column)
    }
}

/// Line and column of a byte of a text that begins at a place.
pub(super) fn place_at(text: &[u8], place: (u64, u64), byte: usize) -> (u64, u64) {
    let before = String::from_utf8_lossy(text.get(..byte).unwrap_or_default());
    let lines = before.matches('\n').count() as u64;
    let last = before.rsplit('\n').next().unwrap_or_default().chars().count() as u64;
    if lines == 0 { (place.0, place.1 + last) } else { (place.0 + lines, last + 1) }
}

/// The text of a JSON string; none for any other value.
pub(super) fn string(value: &[u8]) -> Option<String> {
    serde_json::from_slice(value).ok()
}

/// What the walk meets next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Value,
    FirstKey,
    FirstElement,
    After,
    Ended,
}

/// A walk through a document, or through several that follow each other.
pub(super) struct Walk {
    input: BufReader<Utf8>,
    path: Vec<Step>,
    state: State,
    /// Whether another document may follow the first: JSON lines.
    several: bool,
    documents: u64,
    line: u64,
    column: u64,
}

impl Walk {
    pub(super) fn new(input: Input, several: bool) -> Result<Self, ReadError> {
        let mut input = BufReader::with_capacity(BUFFER, Utf8::new(input)?);
        let begin = input.fill_buf().map_err(|error| text_error((1, 1), error))?;
        let marked = begin.starts_with(b"\xef\xbb\xbf");
        input.consume(if marked { 3 } else { 0 });
        let (path, state) = (Vec::new(), State::Value);
        Ok(Self { input, path, state, several, documents: 0, line: 1, column: 1 })
    }

    /// Returns the next value whose path is wanted; none at the end of the text.
    pub(super) fn next(
        &mut self,
        wanted: impl Fn(&[Step]) -> bool,
    ) -> Result<Option<Piece>, ReadError> {
        self.walk(&|path, _| wanted(path))
    }

    /// Returns the next value whose path is wanted, or the next document that is an object.
    pub(super) fn next_or_object(
        &mut self,
        wanted: impl Fn(&[Step]) -> bool,
    ) -> Result<Option<Piece>, ReadError> {
        self.walk(&|path, first| wanted(path) || (path.is_empty() && first == b'{'))
    }

    fn walk(&mut self, wanted: &dyn Fn(&[Step], u8) -> bool) -> Result<Option<Piece>, ReadError> {
        loop {
            match self.state {
                State::Ended => return Ok(None),
                State::Value => {
                    if let Some(piece) = self.value(wanted)? {
                        return Ok(Some(piece));
                    }
                }
                State::FirstKey | State::FirstElement => self.begin()?,
                State::After => self.after()?,
            }
        }
    }

    /// Takes, enters or passes over the value that begins here.
    fn value(&mut self, wanted: &dyn Fn(&[Step], u8) -> bool) -> Result<Option<Piece>, ReadError> {
        let Some(first) = self.solid()? else {
            if self.path.is_empty() && self.documents > 0 {
                self.state = State::Ended;
                return Ok(None);
            }
            return Err(self.fault("a value", None));
        };
        if self.path.is_empty() {
            self.documents += 1;
        }
        if self.path.len() > DEPTH_MAX {
            return Err(self.fault("fewer levels", Some(first)));
        }
        let place = (self.line, self.column);
        if wanted(&self.path, first) {
            let text = self.collect()?;
            self.state = State::After;
            return Ok(Some(Piece { path: self.path.clone(), text, place }));
        }
        match first {
            b'{' | b'[' => {
                self.take()?;
                self.state = if first == b'{' { State::FirstKey } else { State::FirstElement };
                // Where the walk stands inside is told by the first key or element.
                self.path.push(Step::Place(0));
            }
            _ => {
                let word = self.collect()?;
                let no_number: &[&[u8]] = &[b"NaN", b"Infinity", b"-Infinity"];
                if !no_number.contains(&word.as_slice()) {
                    check(&word, place)?;
                }
                self.state = State::After;
            }
        }
        Ok(None)
    }

    /// Behind the opening bracket of a container.
    fn begin(&mut self) -> Result<(), ReadError> {
        let closing = if self.state == State::FirstKey { b'}' } else { b']' };
        match self.solid()? {
            Some(met) if met == closing => {
                self.take()?;
                self.path.pop();
                self.state = State::After;
                Ok(())
            }
            Some(b'"') if closing == b'}' => self.key(),
            Some(_) if closing == b']' => {
                self.state = State::Value;
                Ok(())
            }
            met => Err(self.fault("a key or the end of the object", met)),
        }
    }

    /// Behind a value.
    fn after(&mut self) -> Result<(), ReadError> {
        let met = self.solid()?;
        match (self.path.last_mut(), met) {
            (None, None) => self.state = State::Ended,
            (None, Some(_)) if self.several => self.state = State::Value,
            (None, met) => return Err(self.fault("nothing behind the document", met)),
            (Some(Step::Key(_)), Some(b'}')) | (Some(Step::Place(_)), Some(b']')) => {
                self.path.pop();
                self.take()?;
            }
            (Some(Step::Place(place)), Some(b',')) => {
                *place += 1;
                self.take()?;
                self.state = State::Value;
            }
            (Some(Step::Key(_)), Some(b',')) => {
                self.take()?;
                match self.solid()? {
                    Some(b'"') => self.key()?,
                    met => return Err(self.fault("a key", met)),
                }
            }
            (Some(Step::Key(_)), met) => return Err(self.fault("`,` or `}`", met)),
            (Some(Step::Place(_)), met) => return Err(self.fault("`,` or `]`", met)),
        }
        Ok(())
    }

    /// Reads a key and the colon behind it.
    fn key(&mut self) -> Result<(), ReadError> {
        let place = (self.line, self.column);
        let text = self.collect()?;
        if text.len() > KEY_MAX {
            return Err(Fault::placed(place, "key", format!("longer than {KEY_MAX} bytes")).into());
        }
        let key = serde_json::from_slice(&text).map_err(|error| unsound(&text, place, &error))?;
        match self.solid()? {
            Some(b':') => self.take()?,
            met => return Err(self.fault("`:`", met)),
        };
        if let Some(last) = self.path.last_mut() {
            *last = Step::Key(key);
        }
        self.state = State::Value;
        Ok(())
    }

    /// Collects the value that begins here, up to its end.
    fn collect(&mut self) -> Result<Vec<u8>, ReadError> {
        let place = (self.line, self.column);
        let (mut text, mut depth, mut quoted, mut escaped) = (Vec::new(), 0_usize, false, false);
        loop {
            let Some(byte) = self.peek()? else {
                if depth == 0 && !quoted && !text.is_empty() {
                    return Ok(text);
                }
                return Err(self.fault("the end of the value", None));
            };
            let bare = depth == 0 && !quoted;
            let ends = matches!(byte, b',' | b']' | b'}' | b':' | b' ' | b'\t' | b'\r' | b'\n');
            if bare && !text.is_empty() && ends {
                return Ok(text);
            }
            self.take()?;
            text.push(byte);
            if text.len() > PIECE_MAX {
                let reason = format!("longer than {PIECE_MAX} bytes");
                return Err(Fault::placed(place, "value", reason).into());
            }
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => {
                    quoted = !quoted;
                    if !quoted && depth == 0 {
                        return Ok(text);
                    }
                }
                _ if quoted => {}
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Ok(text);
                    }
                }
                _ => {}
            }
            if depth > DEPTH_MAX {
                return Err(self.fault("fewer levels", Some(byte)));
            }
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, ReadError> {
        let place = (self.line, self.column);
        let buffer = self.input.fill_buf().map_err(|error| text_error(place, error))?;
        Ok(buffer.first().copied())
    }

    fn take(&mut self) -> Result<Option<u8>, ReadError> {
        let byte = self.peek()?;
        self.input.consume(usize::from(byte.is_some()));
        match byte {
            Some(b'\n') => (self.line, self.column) = (self.line + 1, 1),
            // What continues a character of several bytes is no column.
            Some(0x80..=0xbf) | None => {}
            Some(_) => self.column += 1,
        }
        Ok(byte)
    }

    /// Returns the next byte that is no white space, without taking it.
    fn solid(&mut self) -> Result<Option<u8>, ReadError> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek()? {
            self.take()?;
        }
        self.peek()
    }

    fn fault(&self, expected: &str, met: Option<u8>) -> ReadError {
        let met = match met {
            Some(byte) => format!("`{}`", byte.escape_ascii()),
            None => "the end of the file".to_owned(),
        };
        let reason = format!("expected {expected}, found {met}");
        Fault::placed((self.line, self.column), "JSON", reason).into()
    }
}

/// Checks that text is one JSON value.
fn check(text: &[u8], place: (u64, u64)) -> Result<(), Fault> {
    let read: Result<IgnoredAny, _> = serde_json::from_slice(text);
    read.map(drop).map_err(|error| unsound(text, place, &error))?;
    std::str::from_utf8(text).map(drop).map_err(|_| Fault::placed(place, "JSON", "not UTF-8"))
}

/// Makes the error of text that the reader refused, at its place in the document.
pub(super) fn unsound(text: &[u8], place: (u64, u64), error: &serde_json::Error) -> Fault {
    let lines = error.line().saturating_sub(1);
    let line = text.split(|byte| *byte == b'\n').nth(lines).unwrap_or_default();
    let before = String::from_utf8_lossy(&line[..line.len().min(error.column().saturating_sub(1))]);
    let column = before.chars().count() as u64;
    let place = match lines {
        0 => (place.0, place.1 + column),
        more => (place.0 + more as u64, column + 1),
    };
    // The reader says where in its own text; that place is ours already.
    let words = error.to_string();
    let words = words.split(" at line ").next().unwrap_or_default();
    Fault::placed(place, "JSON", words)
}
