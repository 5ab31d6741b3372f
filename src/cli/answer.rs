//! Answers for programs: one JSON object, one object a line, or a table with a header.
//!
//! Invariants: every object that is printed says its `type`, and `src/docs/OUTPUT.md` lists the
//! fields of each; a format never changes what is said, only how; an answer that is no list is one
//! line and one row; a table holds one type, and no column for it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};

use super::args::Format;
use super::outcome::CliError;
use super::text::{Screen, to_json, visible};

/// An object of a type, with its fields in their order.
#[derive(Serialize)]
struct Typed<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(flatten)]
    fields: &'a T,
}

/// What a command answers, apart from what it tells people.
pub(super) struct Answer<'a, T> {
    kind: &'a str,
    fields: &'a T,
    list: Option<List>,
}

/// The members of an answer that is a list.
struct List {
    kind: &'static str,
    /// Columns of the table: paths into a member, their steps joined by points.
    columns: &'static [&'static str],
    members: Vec<Value>,
}

impl<'a, T: Serialize> Answer<'a, T> {
    /// An answer of a type; its fields are those of an object.
    pub(super) const fn new(kind: &'a str, fields: &'a T) -> Self {
        Self { kind, fields, list: None }
    }

    /// The answer is this list: one object a line, or one row each.
    pub(super) fn listing(
        mut self,
        kind: &'static str,
        columns: &'static [&'static str],
        members: Vec<Value>,
    ) -> Self {
        self.list = Some(List { kind, columns, members });
        self
    }
}

impl Screen {
    /// Writes an answer in any format but text.
    pub(super) fn answer<T: Serialize>(
        &mut self,
        format: Format,
        answer: &Answer<'_, T>,
    ) -> Result<(), CliError> {
        let whole = Typed { kind: answer.kind, fields: answer.fields };
        match (format, &answer.list) {
            (Format::Csv, Some(list)) => {
                self.row(list.columns)?;
                for member in &list.members {
                    let cells = list.columns.iter().map(|path| cell(at(member, path)));
                    let cells: Result<Vec<String>, CliError> = cells.collect();
                    self.row(&cells?)?;
                }
                Ok(())
            }
            (Format::Csv, None) => {
                let mut cells = Vec::new();
                let fields = serde_json::to_value(answer.fields).map_err(io::Error::from)?;
                if let Value::Object(fields) = &fields {
                    flatten("", fields, &mut cells)?;
                }
                let (header, row): (Vec<String>, Vec<String>) = cells.into_iter().unzip();
                self.row(&header)?;
                self.row(&row)
            }
            (Format::Jsonl, Some(list)) => list.members.iter().try_for_each(|member| {
                let fields = match member {
                    Value::Object(fields) => fields.clone(),
                    other => Map::from_iter([(list.kind.to_owned(), other.clone())]),
                };
                self.json(&Typed { kind: list.kind, fields: &fields })
            }),
            _ => self.json(&whole),
        }
    }

    /// Writes one row of a table for programs, as RFC 4180 has it but for the line end.
    pub(super) fn row<S: AsRef<[u8]>>(&mut self, cells: &[S]) -> Result<(), CliError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(cells).map_err(io::Error::from)?;
        let bytes = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        Ok(self.raw().write_all(&bytes)?)
    }
}

/// An object without the `type` that it says of itself: [`Answer`] says it.
pub(super) fn untyped(mut fields: Value) -> Value {
    if let Value::Object(fields) = &mut fields {
        fields.remove("type");
    }
    fields
}

/// What stands at a path.
fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    // A member that is no object is its own only column.
    let Value::Object(_) = value else { return value };
    path.split('.').fold(value, |value, step| &value[step])
}

/// A value as a cell: text bare, nothing as nothing, what has parts as JSON.
fn cell(value: &Value) -> Result<String, CliError> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(visible(text).into_owned()),
        other => to_json(other),
    }
}

/// Objects become columns of their own, named by their path; lists stay whole.
fn flatten(
    path: &str,
    fields: &Map<String, Value>,
    cells: &mut Vec<(String, String)>,
) -> Result<(), CliError> {
    for (name, value) in fields {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match value {
            Value::Object(inner) if !inner.is_empty() => flatten(&path, inner, cells)?,
            leaf => cells.push((path, cell(leaf)?)),
        }
    }
    Ok(())
}
