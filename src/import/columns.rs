//! Rows of text files: fields with their columns, header lines, numbers and times of fields.

use super::error::{Fault, ImportError};
use super::file::ImportFile;
use super::number::Number;
use crate::event::Side;
use crate::market::{Fields, Lines, check_text, parse_unix, quote, whole_number};
use crate::time::Timestamp;

/// One field of a row, and where it begins.
#[derive(Clone, Copy, Default)]
pub(super) struct Field<'a> {
    pub(super) text: &'a [u8],
    /// One-based byte of the line.
    pub(super) column: u64,
}

impl<'a> Field<'a> {
    /// Reads the field as a number.
    pub(super) fn number(&self, name: &'static str) -> Result<Number, Fault> {
        Number::of_field(name, self.text).map_err(|fault| self.place(fault))
    }

    /// Reads the field as a number above zero: a price.
    pub(super) fn price(&self, name: &'static str) -> Result<Number, Fault> {
        let number = self.number(name)?;
        if number.is_positive() {
            return Ok(number);
        }
        Err(self.fault(name, format!("{} is not above zero", quote(self.text))))
    }

    /// Reads the field as a number from zero on: an amount.
    pub(super) fn amount(&self, name: &'static str) -> Result<Number, Fault> {
        let number = self.number(name)?;
        if number.is_negative() {
            return Err(self.fault(name, format!("{} is below zero", quote(self.text))));
        }
        Ok(number)
    }

    /// Reads the field as a whole number.
    pub(super) fn whole(&self, name: &'static str) -> Result<u64, Fault> {
        whole_number(self.text)
            .ok_or_else(|| self.fault(name, format!("{} is no whole number", quote(self.text))))
    }

    /// Reads the field as unix time, its unit told by its magnitude.
    pub(super) fn unix(&self, name: &'static str) -> Result<(Timestamp, i64), Fault> {
        parse_unix(name, self.text).map_err(|bad| self.place(bad.into()))
    }

    /// Reads `true` or `false`, however spelled.
    pub(super) fn truth(&self, name: &'static str) -> Result<bool, Fault> {
        match truth(self.text) {
            Some(truth) => Ok(truth),
            None => {
                let reason = format!("{} is neither true nor false", quote(self.text));
                Err(self.fault(name, reason))
            }
        }
    }

    /// Who took, where the field says whether the buyer was the maker.
    pub(super) fn aggressor(&self, name: &'static str) -> Result<Side, Fault> {
        Ok(if self.truth(name)? { Side::Sell } else { Side::Buy })
    }

    pub(super) fn fault(&self, name: &'static str, reason: impl Into<String>) -> Fault {
        self.place(Fault::new(name, reason))
    }

    fn place(&self, fault: Fault) -> Fault {
        if fault.column == 0 { Fault { column: self.column, ..fault } } else { fault }
    }

    /// Takes text of a line that a field cannot hold.
    pub(super) fn of_line(line: &'a [u8]) -> Self {
        Self { text: line, column: 1 }
    }
}

/// Reads `true`, `True`, `TRUE` and their opposites.
pub(super) fn truth(text: &[u8]) -> Option<bool> {
    if text.eq_ignore_ascii_case(b"true") {
        Some(true)
    } else if text.eq_ignore_ascii_case(b"false") {
        Some(false)
    } else {
        None
    }
}

/// Splits a line into at most `N` fields and returns how many there are; more are counted.
pub(super) fn split<const N: usize>(
    line: &[u8],
    delimiter: u8,
) -> Result<([Field<'_>; N], usize), Fault> {
    check_text(line).map_err(Fault::from)?;
    let mut fields = [Field::default(); N];
    let mut count = 0;
    for text in Fields::new(line, delimiter) {
        let text = text.map_err(Fault::from)?;
        if let Some(slot) = fields.get_mut(count) {
            // The field is a part of the line.
            let offset = text.as_ptr().addr().saturating_sub(line.as_ptr().addr());
            *slot = Field { text, column: offset as u64 + 1 };
        }
        count += 1;
    }
    Ok((fields, count))
}

/// Splits a line that must have exactly `N` fields.
pub(super) fn exactly<const N: usize>(line: &[u8], delimiter: u8) -> Result<[Field<'_>; N], Fault> {
    let (fields, count) = split(line, delimiter)?;
    if count == N {
        return Ok(fields);
    }
    Err(Field::of_line(line).fault("line", format!("{count} fields instead of {N}")))
}

/// Tells the lines that are headers.
type IsHeader = Box<dyn Fn(&[u8]) -> bool>;

/// Rows of a text file, header lines left aside.
pub(super) struct Rows {
    lines: Lines,
    header: IsHeader,
    pub(super) count: u64,
}

impl Rows {
    /// Opens the rows of a file; a line that `header` knows may come again where files were joined.
    pub(super) fn open(
        file: &ImportFile,
        header: impl Fn(&[u8]) -> bool + 'static,
    ) -> Result<Self, ImportError> {
        Ok(Self { lines: Lines::new(file.text()?), header: Box::new(header), count: 0 })
    }

    /// As [`Rows::open`], for lines of so many bytes, none of which is a header.
    pub(super) fn open_long(file: &ImportFile, limit: usize) -> Result<Self, ImportError> {
        let lines = Lines::new(file.text()?.with_limit(limit));
        Ok(Self { lines, header: Box::new(|_| false), count: 0 })
    }

    /// Returns the next row and its line.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>, ImportError> {
        loop {
            let Some((number, line)) = self.lines.next_line()? else { return Ok(None) };
            if !(self.header)(line) {
                self.count += 1;
                return Ok(Some((number, line.to_vec())));
            }
        }
    }
}

/// How many fields a first line has by comma, and whether all of them are numbers.
pub(super) fn shape(line: &[u8]) -> (usize, bool) {
    let mut count = 0;
    let mut numbers = true;
    for field in Fields::new(line, b',') {
        let Ok(field) = field else { return (0, false) };
        numbers &= Number::parse(field).is_ok();
        count += 1;
    }
    (count, numbers)
}
