//! OHLCV rows under a header line, from anywhere: columns are found by name.

use super::error::{BadRow, SourceError, quote};
use super::rows::{Candle, Row, Texts};
use super::stamps::parse_stamp;
use super::text::{Fields, Lines, Text, check_text};

/// What separates fields, most usual first.
const DELIMITERS: [u8; 3] = *b",;\t";
const WANTED: usize = 6;
const NAMES: [&str; WANTED] = ["time", "open", "high", "low", "close", "volume"];

/// Where a header puts the fields.
#[derive(Debug)]
pub(super) struct Columns {
    delimiter: u8,
    /// For each column the place of its field in [`NAMES`], if it is wanted.
    slots: Vec<Option<usize>>,
}

/// The rows of an OHLCV file.
pub(super) struct OhlcvRows {
    lines: Lines,
    columns: Columns,
    header: Vec<u8>,
}

impl OhlcvRows {
    pub(super) fn new(text: Text) -> Result<Self, SourceError> {
        let mut lines = Lines::new(text);
        let file = lines.file().to_owned();
        let Some((_, header)) = lines.next_line()? else {
            return Err(SourceError::NoBars { file });
        };
        let header = header.to_vec();
        let columns =
            columns(&header).map_err(|reason| SourceError::UnknownFormat { file, reason })?;
        Ok(Self { lines, columns, header })
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, SourceError> {
        loop {
            let Some((number, line)) = self.lines.next_line()? else { return Ok(None) };
            let content = self.columns.parse(line);
            // The header may come again where files were joined.
            if content.is_err() && line == self.header {
                continue;
            }
            return Ok(Some(Row { number, content }));
        }
    }
}

/// Finds the columns in a header line, or says which is missing.
pub(super) fn columns(header: &[u8]) -> Result<Columns, String> {
    let mut reason = String::new();
    for delimiter in DELIMITERS {
        match columns_by(header, delimiter) {
            Ok(columns) => return Ok(columns),
            // What the comma says is the most telling.
            Err(error) if reason.is_empty() => reason = error,
            Err(_) => {}
        }
    }
    Err(reason)
}

fn columns_by(header: &[u8], delimiter: u8) -> Result<Columns, String> {
    let mut slots = Vec::new();
    for (index, name) in Fields::new(header, delimiter).enumerate() {
        let name = name.map_err(|bad| bad.reason)?;
        let slot = slot_of(name, index);
        let taken = slots.contains(&slot);
        match slot {
            // Many files tell the time twice, as a number and as a date: the first one counts.
            Some(0) if taken => slots.push(None),
            Some(_) if taken => return Err(format!("two columns are named {}", quote(name))),
            slot => slots.push(slot),
        }
    }
    match (0..WANTED).find(|slot| !slots.contains(&Some(*slot))) {
        Some(missing) => Err(format!("no column is named {}", NAMES[missing])),
        None => Ok(Columns { delimiter, slots }),
    }
}

fn slot_of(name: &[u8], index: usize) -> Option<usize> {
    match name.to_ascii_lowercase().as_slice() {
        b"timestamp" | b"time" | b"date" | b"datetime" | b"open_time" | b"unix" => Some(0),
        // An index that was written out has no name.
        b"" if index == 0 => Some(0),
        b"open" => Some(1),
        b"high" => Some(2),
        b"low" => Some(3),
        b"close" => Some(4),
        b"volume" | b"vol" => Some(5),
        _ => None,
    }
}

impl Columns {
    fn parse(&self, line: &[u8]) -> Result<Candle, BadRow> {
        check_text(line)?;
        let mut found: [&[u8]; WANTED] = [&[]; WANTED];
        let mut count = 0;
        for field in Fields::new(line, self.delimiter) {
            let field = field?;
            if let Some(Some(slot)) = self.slots.get(count) {
                found[*slot] = field;
            }
            count += 1;
        }
        if count != self.slots.len() {
            let expected = self.slots.len();
            return Err(BadRow::new("line", format!("{count} fields instead of {expected}")));
        }
        let [time, open, high, low, close, volume] = found;
        let open_time = parse_stamp("time", time)?;
        Texts { open, high, low, close, volume }.candle(open_time)
    }
}
