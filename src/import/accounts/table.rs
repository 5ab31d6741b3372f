//! Tables as text: a header that names the columns in any order, and rows of cells.
//!
//! Columns are found by name. What is not asked for is told once, so that nothing is left out
//! silently; a name that stands twice is refused, for either could be meant.

use super::metatrader_html::Page;
use super::rows::{self, NoticeKind, Told, WORD_MAX, quote};
use crate::import::text::{Input, Lines};
use crate::import::{Fault, Number, ReadError};
use crate::time::Timestamp;

/// Columns that a table may have.
pub(super) const COLUMNS_MAX: usize = 256;

/// A column of a table, by its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    index: usize,
    /// What it is called in messages.
    pub(super) name: &'static str,
}

/// One cell: where it begins in its line, in characters from one, and what it says.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) column: u64,
    pub(super) text: String,
    /// What stands between it and the next one.
    pub(super) delimiter: char,
}

/// Where rows come from.
enum Grid {
    /// Lines of cells between delimiters; which one is known with the header.
    Lines(Lines, Option<char>),
    /// Rows of the tables of a page.
    Page(Page),
}

impl Grid {
    /// Reads the next row; returns its line.
    fn next(&mut self, cells: &mut Vec<Cell>) -> Result<Option<u64>, ReadError> {
        match self {
            Self::Page(page) => page.next_row(cells),
            Self::Lines(lines, delimiter) => {
                let Some((line, text)) = lines.next_line()? else { return Ok(None) };
                match delimiter {
                    Some(delimiter) => split(text, *delimiter, line, cells)?,
                    // What stands above the header need be no row.
                    None if split(text, delimiter_of(text), line, cells).is_err() => cells.clear(),
                    None => {}
                }
                Ok(Some(line))
            }
        }
    }

    fn line(&self) -> u64 {
        match self {
            Self::Page(page) => page.line(),
            Self::Lines(lines, _) => lines.number(),
        }
    }
}

/// A table whose header was read.
pub(super) struct Table {
    grid: Grid,
    header: Vec<String>,
    header_line: u64,
    read: Vec<bool>,
    cells: Vec<Cell>,
}

impl Table {
    /// Reads lines up to the first that has all these names; at most so many are passed over.
    pub(super) fn open(
        input: Input,
        names: &[&str],
        passed_over_max: u64,
    ) -> Result<Self, ReadError> {
        Self::find(Grid::Lines(Lines::new(input)?, None), names, passed_over_max)
    }

    /// Reads the rows of a page up to the first that has all these names.
    pub(super) fn open_page(input: Input, names: &[&str]) -> Result<Self, ReadError> {
        Self::find(Grid::Page(Page::new(input)?), names, u64::MAX)
    }

    fn find(mut grid: Grid, names: &[&str], passed_over_max: u64) -> Result<Self, ReadError> {
        let mut cells = Vec::new();
        loop {
            let line = grid.next(&mut cells)?;
            let Some(line) = line.filter(|line| *line <= passed_over_max) else {
                let reason = format!("no line names the columns {}", names.join(", "));
                return Err(Fault::placed((grid.line().max(1), 1), "header", reason).into());
            };
            let header: Vec<String> = cells.iter().map(|cell| plain_name(&cell.text)).collect();
            if names.iter().all(|name| header.iter().any(|known| known == name)) {
                if let Grid::Lines(_, delimiter) = &mut grid {
                    *delimiter = Some(cells.first().map_or(',', |cell| cell.delimiter));
                }
                let read = vec![false; header.len()];
                return Ok(Self { grid, header, header_line: line, read, cells });
            }
        }
    }

    /// Returns the column of the first of these names that the header has.
    pub(super) fn optional(&mut self, names: &[&'static str]) -> Result<Option<Column>, Fault> {
        for name in names {
            let mut found = (0..).zip(&self.header).filter(|(_, known)| known == name);
            let Some((index, _)) = found.next() else { continue };
            if found.next().is_some() {
                let place = (self.header_line, 1);
                return Err(Fault::placed(place, name, "the header names this column twice"));
            }
            self.read[index] = true;
            return Ok(Some(Column { index, name }));
        }
        Ok(None)
    }

    /// Returns the column of the first of these names that the header has.
    pub(super) fn column(&mut self, names: &[&'static str]) -> Result<Column, Fault> {
        let place = (self.header_line, 1);
        self.optional(names)?.ok_or_else(|| missing(place, names))
    }

    /// Returns those of these columns that the header has.
    pub(super) fn those_of(&mut self, names: &[&'static str]) -> Result<Vec<Column>, Fault> {
        let mut those = Vec::new();
        for name in names {
            those.extend(self.optional(&[name])?);
        }
        Ok(those)
    }

    /// Tells which columns nobody asked for.
    pub(super) fn unread(&self) -> Option<Told> {
        let unread = self.header.iter().zip(&self.read).filter(|(_, read)| !**read);
        let names: Vec<String> =
            unread.filter(|(name, _)| !name.is_empty()).map(|(name, _)| quote(name)).collect();
        let what = format!("columns that are not imported: {}", names.join(", "));
        (!names.is_empty()).then(|| Told::notice(self.header_line, NoticeKind::Unread, what))
    }

    /// Returns the next row.
    pub(super) fn next_row(&mut self) -> Result<Option<Row<'_>>, ReadError> {
        let Some(line) = self.grid.next(&mut self.cells)? else { return Ok(None) };
        // Some programs end each line with a delimiter.
        while self.cells.len() > self.header.len()
            && self.cells.last().is_some_and(|cell| cell.text.is_empty())
        {
            self.cells.pop();
        }
        Ok(Some(Row { line, cells: &self.cells, columns: self.header.len() }))
    }
}

/// A row of a table.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    /// Its line, from one.
    pub(super) line: u64,
    cells: &'a [Cell],
    columns: usize,
}

impl<'a> Row<'a> {
    /// Refuses a row that has not one cell for each name of the header.
    pub(super) fn check_width(&self) -> Result<(), Fault> {
        if self.cells.len() == self.columns {
            return Ok(());
        }
        let reason = format!("{} cells where the header has {}", self.cells.len(), self.columns);
        Err(Fault::placed((self.line, 1), "line", reason))
    }

    /// Whether all its cells are empty.
    pub(super) fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.text.is_empty())
    }

    /// Returns what a cell says, without blanks around it; empty where the row is too short.
    pub(super) fn text(&self, column: Column) -> &'a str {
        self.cells.get(column.index).map_or("", |cell| cell.text.as_str())
    }

    /// Returns what a cell that may be absent says; none where it says nothing.
    pub(super) fn word(&self, column: Option<Column>) -> Result<Option<String>, Fault> {
        let Some(column) = column else { return Ok(None) };
        let text = self.text(column);
        if text.len() > WORD_MAX {
            return Err(self.fault(column, format!("longer than {WORD_MAX} bytes")));
        }
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// Returns what a cell says that may not be empty.
    pub(super) fn needed(&self, column: Column) -> Result<String, Fault> {
        self.word(Some(column))?.ok_or_else(|| self.fault(column, "is empty"))
    }

    /// Returns what those of these cells say that say something, with their names.
    pub(super) fn all(&self, columns: &[Column]) -> Result<Vec<(&'static str, String)>, Fault> {
        let mut all = Vec::new();
        for column in columns {
            all.extend(self.word(Some(*column))?.map(|said| (column.name, said)));
        }
        Ok(all)
    }

    /// Reads a number.
    pub(super) fn number(&self, column: Column) -> Result<Number, Fault> {
        rows::number(self.text(column)).map_err(|reason| self.fault(column, reason))
    }

    /// Reads a time with the reader that is handed in.
    pub(super) fn time(
        &self,
        column: Column,
        read: impl Fn(&str) -> Option<Timestamp>,
    ) -> Result<Timestamp, Fault> {
        let text = self.text(column);
        read(text).ok_or_else(|| self.fault(column, format!("{} is no time", quote(text))))
    }

    /// Makes the error of a cell.
    pub(super) fn fault(&self, column: Column, reason: impl Into<String>) -> Fault {
        let cell = self.cells.get(column.index);
        Fault::placed((self.line, cell.map_or(1, |cell| cell.column)), column.name, reason)
    }
}

fn missing(place: (u64, u64), names: &[&str]) -> Fault {
    Fault::placed(place, "header", format!("no column {}", names.join(" or ")))
}

/// The names that a line gives as a header; none where it is no line of cells.
pub(super) fn header_of(line: &str) -> Vec<String> {
    let mut cells = Vec::new();
    match split(line, delimiter_of(line), 1, &mut cells) {
        Ok(()) => cells.iter().map(|cell| plain_name(&cell.text)).collect(),
        Err(_) => Vec::new(),
    }
}

/// A header name as it is compared: lower case, single blanks.
fn plain_name(name: &str) -> String {
    name.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// The separator that stands most often outside quotes.
fn delimiter_of(line: &str) -> char {
    let mut quoted = false;
    let mut counts = [(',', 0_usize), (';', 0), ('\t', 0)];
    for character in line.chars() {
        quoted ^= character == '"';
        for (delimiter, count) in &mut counts {
            *count += usize::from(!quoted && character == *delimiter);
        }
    }
    let mut best = counts[0];
    for candidate in counts {
        if candidate.1 > best.1 {
            best = candidate;
        }
    }
    best.0
}

/// Splits a line into its cells, without the quotes around them.
fn split(line: &str, delimiter: char, number: u64, cells: &mut Vec<Cell>) -> Result<(), Fault> {
    cells.clear();
    let mut characters = (1_u64..).zip(line.chars()).peekable();
    loop {
        while characters.next_if(|(_, c)| *c != delimiter && c.is_whitespace()).is_some() {}
        let column = characters.peek().map_or(line.chars().count() as u64 + 1, |(at, _)| *at);
        let mut text = String::new();
        if characters.next_if(|(_, c)| *c == '"').is_some() {
            loop {
                match characters.next() {
                    Some((_, '"')) if characters.next_if(|(_, c)| *c == '"').is_some() => {
                        text.push('"');
                    }
                    Some((_, '"')) => break,
                    Some((_, character)) => text.push(character),
                    None => {
                        let reason = "a quote is not closed in its line";
                        return Err(Fault::placed((number, column), "line", reason));
                    }
                }
            }
            while characters.next_if(|(_, c)| *c != delimiter && c.is_whitespace()).is_some() {}
        } else {
            while let Some((_, character)) = characters.next_if(|(_, c)| *c != delimiter) {
                text.push(character);
            }
        }
        cells.push(Cell { column, text: text.trim().to_owned(), delimiter });
        if cells.len() > COLUMNS_MAX {
            let reason = format!("more than {COLUMNS_MAX} cells");
            return Err(Fault::placed((number, column), "line", reason));
        }
        match characters.next() {
            None => return Ok(()),
            Some((_, character)) if character == delimiter => {}
            Some((at, _)) => {
                let reason = "text follows a closing quote";
                return Err(Fault::placed((number, at), "line", reason));
            }
        }
    }
}
