//! Tables as CSV and as JSON Lines.
//!
//! Money is exact decimal text. An instant is two columns: RFC 3339, and whole nanoseconds since
//! 1970. CSV has no place for what it was made from: that stands in a JSON file beside it, which
//! also names the CSV's own length and digest. In JSON Lines it is the first line, filled up with
//! spaces, because its figures are only known at the end.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::about::About;
use super::error::ExportError;
use super::place::OutFile;
use super::row::{Cell, decimal_text};
use super::table::{Column, ColumnType, Table};

/// Where rows go.
pub(super) trait Sink {
    /// Takes the next row, made from the record of that sequence.
    fn row(&mut self, sequence: u64, cells: &[Cell]) -> Result<(), ExportError>;

    /// Says what all of it was made from, and lets it appear.
    fn finish(self: Box<Self>, about: &About) -> Result<(), ExportError>;
}

/// Names of the columns in CSV and JSON Lines.
pub(super) fn text_columns(columns: &[Column]) -> Vec<String> {
    let names = columns.iter().flat_map(|column| {
        let nanos = (column.holds == ColumnType::Time).then(|| format!("{}_ns", column.name));
        std::iter::once(column.name.to_owned()).chain(nanos)
    });
    names.collect()
}

pub(super) struct Csv {
    writer: csv::Writer<OutFile>,
    beside: OutFile,
    columns: &'static [Column],
    fields: csv::StringRecord,
}

impl Csv {
    pub(super) fn create(path: &Path, force: bool, table: Table) -> Result<Self, ExportError> {
        let beside = OutFile::create(&beside(path), force)?;
        let writer = csv::Writer::from_writer(OutFile::create(path, force)?);
        let columns = table.columns();
        let mut csv = Self { writer, beside, columns, fields: csv::StringRecord::new() };
        csv.fields = csv::StringRecord::from(text_columns(columns));
        csv.write()?;
        Ok(csv)
    }

    fn write(&mut self) -> Result<(), ExportError> {
        let written = self.writer.write_record(&self.fields);
        written.map_err(|error| self.writer.get_ref().io()(error.into()))
    }
}

/// The file that says what a CSV was made from.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".json");
    PathBuf::from(name)
}

impl Sink for Csv {
    fn row(&mut self, _sequence: u64, cells: &[Cell]) -> Result<(), ExportError> {
        self.fields.clear();
        for (cell, column) in cells.iter().zip(self.columns) {
            match cell {
                Cell::Absent => self.fields.push_field(""),
                Cell::Text(text) => self.fields.push_field(text),
                Cell::Count(number) => self.fields.push_field(&number.to_string()),
                Cell::Decimal { raw, scale } => self.fields.push_field(&decimal_text(*raw, *scale)),
                Cell::Time(time) => self.fields.push_field(&time.to_string()),
                Cell::Flag(flag) => self.fields.push_field(if *flag { "true" } else { "false" }),
            }
            if column.holds == ColumnType::Time {
                let nanos = match cell {
                    Cell::Time(time) => time.nanos().to_string(),
                    _ => String::new(),
                };
                self.fields.push_field(&nanos);
            }
        }
        self.write()
    }

    fn finish(self: Box<Self>, about: &About) -> Result<(), ExportError> {
        let Self { writer, mut beside, .. } = *self;
        let io = beside.io();
        let mut file = writer.into_inner().map_err(|error| io(error.into_error()))?;
        file.sync()?;
        let (bytes, digest) = file.so_far();
        let mut said = json!(about);
        said["file"] = json!({ "bytes": bytes, "sha256": digest });
        let io = beside.io();
        serde_json::to_writer_pretty(&mut beside, &said).map_err(|error| io(error.into()))?;
        beside.write_all(b"\n").map_err(&io)?;
        beside.sync()?;
        // A crash between the two leaves a description without its file, and never the opposite.
        beside.keep()?;
        file.keep()
    }
}

pub(super) struct Jsonl {
    file: OutFile,
    columns: &'static [Column],
    row_type: &'static str,
    start: StartLine,
}

impl Jsonl {
    pub(super) fn create(
        path: &Path,
        force: bool,
        table: Table,
        about: &About,
    ) -> Result<Self, ExportError> {
        let mut file = OutFile::create(path, force)?;
        let start = StartLine::write(&mut file, about)?;
        Ok(Self { file, columns: table.columns(), row_type: table.row_type(), start })
    }
}

impl Sink for Jsonl {
    fn row(&mut self, sequence: u64, cells: &[Cell]) -> Result<(), ExportError> {
        let mut row = Map::new();
        row.insert("type".to_owned(), self.row_type.into());
        for (cell, column) in cells.iter().zip(self.columns) {
            let value = match cell {
                Cell::Absent => Value::Null,
                Cell::Text(text) => Value::from(text.as_str()),
                Cell::Count(number) => Value::from(*number),
                Cell::Decimal { raw, scale } => Value::from(decimal_text(*raw, *scale)),
                Cell::Time(time) => Value::from(time.to_string()),
                Cell::Flag(flag) => Value::from(*flag),
            };
            if column.holds == ColumnType::Time {
                let nanos = match cell {
                    Cell::Time(time) => Value::from(time.nanos()),
                    _ => Value::Null,
                };
                row.insert(format!("{}_ns", column.name), nanos);
            }
            row.insert(column.name.to_owned(), value);
        }
        write_line(&mut self.file, sequence, &row)
    }

    fn finish(self: Box<Self>, about: &About) -> Result<(), ExportError> {
        let Self { mut file, start, .. } = *self;
        start.fill_in(&mut file, about)?;
        file.sync()?;
        file.keep()
    }
}

/// Writes a value as one line.
pub(super) fn write_line(
    file: &mut OutFile,
    sequence: u64,
    value: &impl serde::Serialize,
) -> Result<(), ExportError> {
    let mut line =
        serde_json::to_vec(value).map_err(|source| ExportError::Json { sequence, source })?;
    line.push(b'\n');
    let io = file.io();
    file.write_all(&line).map_err(io)
}

/// The first line of a file, whose figures are filled in at the end.
pub(super) struct StartLine {
    /// Its length without the line's end.
    bytes: usize,
}

impl StartLine {
    /// Writes the line with figures as long as they can get.
    pub(super) fn write(
        file: &mut OutFile,
        about: &impl serde::Serialize,
    ) -> Result<Self, ExportError> {
        write_line(file, 0, about)?;
        let (bytes, _) = file.so_far();
        Ok(Self { bytes: usize::try_from(bytes).unwrap_or(usize::MAX).saturating_sub(1) })
    }

    /// Writes the line with its real figures, and spaces where they are shorter.
    pub(super) fn fill_in(
        self,
        file: &mut OutFile,
        about: &impl serde::Serialize,
    ) -> Result<(), ExportError> {
        let json = |source| ExportError::Json { sequence: 0, source };
        let mut line = serde_json::to_vec(about).map_err(json)?;
        if line.len() < self.bytes {
            line.resize(self.bytes, b' ');
        }
        file.overwrite_start(&line)
    }
}
