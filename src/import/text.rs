//! Lines of a text, bounded, whatever Unicode form it is stored in.
//!
//! Invariants: a line longer than [`LINE_MAX`] ends the reading; text that is not what it begins
//! as (UTF-8, or UTF-16 of either order, with or without a byte order mark) is refused with its
//! line and column, never replaced.

use std::io::{self, BufRead, BufReader, Read};

use super::error::{Fault, ReadError};

/// Text that is not what it begins as.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct BadText(&'static str);

/// Tells apart what cannot be read and what is no text; the latter is at fault at this place.
pub(super) fn text_error(place: (u64, u64), error: io::Error) -> ReadError {
    let reason = error.get_ref().and_then(|inner| inner.downcast_ref::<BadText>());
    match reason {
        Some(BadText(reason)) => Fault::placed(place, "text", *reason).into(),
        None => ReadError::Io(error),
    }
}

/// The longest line, in bytes of UTF-8.
pub(super) const LINE_MAX: usize = 64 << 10;
const BUFFER: usize = 64 << 10;
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// A source of bytes, unpacked already.
pub(super) type Input = Box<dyn Read>;

/// What two bytes of UTF-16 mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Order {
    Little,
    Big,
}

/// Text as UTF-8: what is UTF-16 is rewritten on the way.
pub(super) struct Utf8 {
    input: BufReader<Input>,
    order: Option<Order>,
    /// UTF-8 that was not given out yet.
    ready: Vec<u8>,
    given: usize,
    /// The first half of a character of two halves.
    half: Option<u16>,
}

impl Utf8 {
    pub(super) fn new(input: Input) -> io::Result<Self> {
        let mut input = BufReader::with_capacity(BUFFER, input);
        let order = {
            // A pipe or decoder may give one byte at first; a file and our unpackers do not.
            let head = input.fill_buf()?;
            match head {
                [0xff, 0xfe, ..] | [1..=0x7f, 0, ..] => Some(Order::Little),
                [0xfe, 0xff, ..] | [0, 1..=0x7f, ..] => Some(Order::Big),
                _ => None,
            }
        };
        Ok(Self { input, order, ready: Vec::new(), given: 0, half: None })
    }

    /// Rewrites up to a few thousand units; nothing at the end of the text.
    fn rewrite(&mut self, order: Order) -> io::Result<()> {
        self.ready.clear();
        self.given = 0;
        let mut bytes = Vec::new();
        (&mut self.input).take(8 << 10).read_to_end(&mut bytes)?;
        let unit = |pair: &[u8]| match order {
            Order::Little => u16::from_le_bytes([pair[0], pair[1]]),
            Order::Big => u16::from_be_bytes([pair[0], pair[1]]),
        };
        let pairs = bytes.chunks_exact(2);
        let broken = |what| io::Error::other(BadText(what));
        if !pairs.remainder().is_empty() {
            return Err(broken("UTF-16 text with half a character at its end"));
        }
        let units = self.half.take().into_iter().chain(pairs.map(unit));
        let mut units: Vec<u16> = units.collect();
        if units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) && bytes.len() > 1 {
            self.half = units.pop();
        }
        for character in char::decode_utf16(units) {
            let character = character.map_err(|_| broken("half a character of UTF-16"))?;
            self.ready.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Ok(())
    }
}

impl Read for Utf8 {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(order) = self.order else { return self.input.read(buffer) };
        if self.given == self.ready.len() {
            self.rewrite(order)?;
        }
        let count = (&self.ready[self.given..]).read(buffer)?;
        self.given += count;
        Ok(count)
    }
}

/// The lines of a text.
pub(super) struct Lines {
    input: BufReader<Utf8>,
    line: Vec<u8>,
    number: u64,
    /// Whether control characters other than a tab may stand in a line.
    controls: bool,
}

impl Lines {
    pub(super) fn new(input: Input) -> io::Result<Self> {
        let input = BufReader::with_capacity(BUFFER, Utf8::new(input)?);
        Ok(Self { input, line: Vec::new(), number: 0, controls: false })
    }

    /// Lets control characters through: they separate fields in some formats.
    pub(super) fn with_controls(mut self) -> Self {
        self.controls = true;
        self
    }

    /// Returns the one-based number of the line that was read last.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Returns the next line that is not blank, with its one-based number and without its end.
    pub(super) fn next_line(&mut self) -> Result<Option<(u64, &str)>, ReadError> {
        loop {
            self.line.clear();
            let limit = LINE_MAX as u64 + 2;
            let read = (&mut self.input).take(limit).read_until(b'\n', &mut self.line);
            if read.map_err(|error| text_error((self.number + 1, 1), error))? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if self.number == 1 && self.line.starts_with(UTF8_MARK) {
                self.line.drain(..UTF8_MARK.len());
            }
            while matches!(self.line.last(), Some(b'\n' | b'\r')) {
                self.line.pop();
            }
            if self.line.len() > LINE_MAX {
                let reason = format!("longer than {LINE_MAX} bytes");
                return Err(Fault::placed((self.number, 1), "line", reason).into());
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        let number = self.number;
        let line = std::str::from_utf8(&self.line).map_err(|error| {
            let before = &self.line[..error.valid_up_to()];
            let column = String::from_utf8_lossy(before).chars().count() as u64 + 1;
            Fault::placed((number, column), "line", "not UTF-8: save the file as UTF-8 or UTF-16")
        })?;
        if !self.controls {
            let control = |c: char| c.is_control() && c != '\t';
            if let Some(at) = line.chars().position(control) {
                let place = (number, at as u64 + 1);
                return Err(Fault::placed(place, "line", "a control character").into());
            }
        }
        Ok(Some((number, line)))
    }
}
