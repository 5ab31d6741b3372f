//! The rows of the tables of a page, as MetaTrader writes its reports: text between tags.
//!
//! Only what these pages have is read: rows, cells, cells that are hidden, and the usual entities.
//! Nothing is looked up, run or followed.

use std::io::{BufRead as _, BufReader};

use super::table::{COLUMNS_MAX, Cell};
use crate::import::text::{Input, Utf8, text_error};
use crate::import::{Fault, ReadError};

/// The longest tag, and the longest text of a cell, in bytes.
const TEXT_MAX: usize = 16 << 10;
const BUFFER: usize = 64 << 10;

/// A page that is read from its beginning to its end.
pub(super) struct Page {
    input: BufReader<Utf8>,
    line: u64,
    column: u64,
    /// The cell that is open: hidden ones are not kept.
    cell: Option<(Cell, bool)>,
    in_row: bool,
}

impl Page {
    pub(super) fn new(input: Input) -> Result<Self, ReadError> {
        let input = BufReader::with_capacity(BUFFER, Utf8::new(input)?);
        Ok(Self { input, line: 1, column: 1, cell: None, in_row: false })
    }

    /// Returns the line that is being read.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Reads the cells of the next row; returns its line.
    pub(super) fn next_row(&mut self, cells: &mut Vec<Cell>) -> Result<Option<u64>, ReadError> {
        cells.clear();
        let mut begun = self.line;
        while let Some(byte) = self.peek()? {
            if byte != b'<' {
                let text = self.until(b'<', false)?;
                if let Some((cell, _)) = &mut self.cell
                    && self.in_row
                {
                    if cell.text.len() + text.len() > TEXT_MAX {
                        return Err(self.fault("a cell is too long"));
                    }
                    cell.text.push_str(&text);
                }
                continue;
            }
            let place = (self.line, self.column);
            let tag = self.until(b'>', true)?;
            let tag = tag.trim_start_matches('<').trim_end_matches('>').to_ascii_lowercase();
            let name = tag.split(|c: char| c.is_whitespace() || c == '/').next();
            match name.unwrap_or_default() {
                "tr" => {
                    cells.clear();
                    (self.in_row, self.cell, begun) = (true, None, place.0);
                }
                "td" | "th" if self.in_row => {
                    self.close(cells)?;
                    let hidden = tag.contains("hidden");
                    let cell = Cell { column: place.1, text: String::new(), delimiter: ',' };
                    self.cell = Some((cell, hidden));
                }
                "" if tag == "/td" || tag == "/th" => self.close(cells)?,
                "" if tag == "/tr" => {
                    self.close(cells)?;
                    self.in_row = false;
                    return Ok(Some(begun));
                }
                _ => {}
            }
        }
        if self.in_row {
            return Err(self.fault("the page was cut inside a row"));
        }
        Ok(None)
    }

    fn close(&mut self, cells: &mut Vec<Cell>) -> Result<(), ReadError> {
        let Some((mut cell, hidden)) = self.cell.take() else { return Ok(()) };
        if hidden {
            return Ok(());
        }
        cell.text = plain(&cell.text);
        cells.push(cell);
        if cells.len() > COLUMNS_MAX {
            return Err(self.fault("too many cells"));
        }
        Ok(())
    }

    /// Takes text up to a byte, and with it where that is asked for.
    fn until(&mut self, end: u8, with: bool) -> Result<String, ReadError> {
        let mut bytes = Vec::new();
        loop {
            let Some(byte) = self.peek()? else {
                if with {
                    return Err(self.fault("the page was cut inside a tag"));
                }
                break;
            };
            if byte == end && !with {
                break;
            }
            self.input.consume(1);
            match byte {
                b'\n' => (self.line, self.column) = (self.line + 1, 1),
                0x80..=0xbf => {}
                _ => self.column += 1,
            }
            bytes.push(byte);
            if byte == end {
                break;
            }
            if bytes.len() > TEXT_MAX {
                if self.cell.is_some() || with {
                    return Err(self.fault("a tag or a cell is too long"));
                }
                // Text outside of rows: styles, mostly.
                bytes.clear();
            }
        }
        String::from_utf8(bytes).map_err(|_| self.fault("not UTF-8: save it as UTF-8 or UTF-16"))
    }

    fn peek(&mut self) -> Result<Option<u8>, ReadError> {
        let place = (self.line, self.column);
        let buffer = self.input.fill_buf().map_err(|error| text_error(place, error))?;
        Ok(buffer.first().copied())
    }

    fn fault(&self, reason: &str) -> ReadError {
        Fault::placed((self.line, self.column), "page", reason).into()
    }
}

/// Text without entities, blanks around it and breaks inside it.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let entity = behind.split_once(';').filter(|(name, _)| name.len() <= 8);
        let meant = entity.and_then(|(name, _)| match name {
            "nbsp" => Some(' '),
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            number => number.strip_prefix('#')?.parse().ok().and_then(char::from_u32),
        });
        match (meant, entity) {
            (Some(meant), Some((_, after))) => {
                out.push(meant);
                rest = after;
            }
            _ => {
                out.push('&');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}
