//! freqtrade candle JSON: `[[ms, open, high, low, close, volume], ...]`, one element at a time.
//!
//! Numbers keep their text until they are exact integers: no float is ever made of them. An
//! element that is an array but no candle is a bad row; text that is no array of arrays ends the
//! reading with the byte where it went wrong, because what follows cannot be trusted.

use super::error::{BadRow, SourceError, quote};
use super::rows::{Candle, Row, Texts};
use super::stamps::parse_unix;
use super::text::{Fields, LINE_MAX, Text, check_text};

const FIELDS: usize = 6;

/// The elements of a candle file.
pub(super) struct CandleRows {
    text: Text,
    element: Vec<u8>,
    /// Elements read.
    count: u64,
    ended: bool,
}

impl CandleRows {
    pub(super) fn new(text: Text) -> Self {
        Self { text, element: Vec::new(), count: 0, ended: false }
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, SourceError> {
        if self.ended || !self.begin_element()? {
            self.ended = true;
            return Ok(None);
        }
        self.count += 1;
        self.element.clear();
        if !self.text.read_until(b']', &mut self.element)? {
            if self.element.len() > LINE_MAX {
                let file = self.text.file().to_owned();
                return Err(SourceError::TooLong { file, row: self.count, limit: LINE_MAX });
            }
            return Err(self.syntax("the end `]` of the element", None));
        }
        let inside = self.element.strip_suffix(b"]").unwrap_or(&self.element);
        // A bracket inside an element means that `]` was not its end.
        if let Some(at) = inside.iter().position(|byte| matches!(byte, b'[' | b'{' | b'}')) {
            let after = (self.element.len() - at - 1) as u64;
            let expected = "numbers only inside the element";
            return Err(self.syntax_before(expected, Some(inside[at]), after));
        }
        Ok(Some(Row { number: self.count, content: parse(inside) }))
    }

    /// Moves behind the `[` of the next element; false behind the `]` of the whole array.
    fn begin_element(&mut self) -> Result<bool, SourceError> {
        if self.count == 0 {
            self.text.skip_bom()?;
            self.expect(b'[', "the `[` of an array")?;
            return match self.text.next_solid()? {
                Some(b'[') => Ok(true),
                Some(b']') => self.end(),
                met => Err(self.syntax("`[` or `]`", met)),
            };
        }
        match self.text.next_solid()? {
            Some(b',') => self.expect(b'[', "the `[` of an element").map(|()| true),
            Some(b']') => self.end(),
            met => Err(self.syntax("`,` or `]` after an element", met)),
        }
    }

    fn end(&mut self) -> Result<bool, SourceError> {
        match self.text.next_solid()? {
            None => self.text.finish().map(|()| false),
            met => Err(self.syntax("nothing after the array", met)),
        }
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), SourceError> {
        match self.text.next_solid()? {
            Some(met) if met == byte => Ok(()),
            met => Err(self.syntax(expected, met)),
        }
    }

    fn syntax(&self, expected: &'static str, met: Option<u8>) -> SourceError {
        self.syntax_before(expected, met, 0)
    }

    /// The byte at fault was taken, and so many bytes after it.
    fn syntax_before(&self, expected: &'static str, met: Option<u8>, after: u64) -> SourceError {
        SourceError::Syntax {
            file: self.text.file().to_owned(),
            element: self.count.max(1),
            offset: self.text.offset() - after - u64::from(met.is_some()),
            expected,
            found: met.map_or_else(|| "the end of the file".to_owned(), |byte| quote(&[byte])),
        }
    }
}

fn parse(element: &[u8]) -> Result<Candle, BadRow> {
    if element.iter().any(|byte| *byte < b' ' || *byte >= 0x80) {
        // Line breaks are fine between JSON values; whatever else is odd gets its own words.
        let line: Vec<u8> =
            element.iter().map(|b| if matches!(b, b'\r' | b'\n') { b' ' } else { *b }).collect();
        check_text(&line)?;
    }
    let mut fields: [&[u8]; FIELDS] = [&[]; FIELDS];
    let mut count = 0;
    for field in Fields::new(element, b',') {
        let field = field?;
        if let Some(slot) = fields.get_mut(count) {
            *slot = field;
        }
        count += 1;
    }
    if count != FIELDS {
        return Err(BadRow::new("element", format!("{count} values instead of {FIELDS}")));
    }
    let [time, open, high, low, close, volume] = fields;
    let (open_time, _) = parse_unix("time", time)?;
    Texts { open, high, low, close, volume }.candle(open_time)
}
