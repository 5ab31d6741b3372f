//! Tables: one shape for the page and for programs.

use serde::{Serialize, Serializer};

use super::metric::Unit;
use crate::units::{MoneyExact, Ratio};

/// What stands in one place of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Text, as it is in the log.
    Text(String),
    /// A figure, always finite.
    Number(f64),
    /// Nothing: it is undefined.
    Nothing,
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(value) => serializer.serialize_f64(*value),
            Self::Nothing => serializer.serialize_none(),
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        if value.is_finite() { Self::Number(value) } else { Self::Nothing }
    }
}

impl From<u64> for Cell {
    fn from(count: u64) -> Self {
        Self::Number(count as f64)
    }
}

impl From<Ratio> for Cell {
    fn from(ratio: Ratio) -> Self {
        Self::Number(ratio.raw() as f64 / 1e9)
    }
}

impl From<MoneyExact> for Cell {
    fn from(exact: MoneyExact) -> Self {
        Self::Number(super::trades::amount(exact))
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its title.
    pub title: &'static str,
    /// What its figures count; none for text.
    pub unit: Option<Unit>,
}

/// Text.
pub(super) const TEXT: Option<Unit> = None;
/// Whole things.
pub(super) const COUNT: Option<Unit> = Some(Unit::Count);
/// Shares.
pub(super) const SHARE: Option<Unit> = Some(Unit::Share);
/// Money.
pub(super) const MONEY: Option<Unit> = Some(Unit::Money);
/// Plain numbers.
pub(super) const NUMBER: Option<Unit> = Some(Unit::Number);
/// Lengths of time.
pub(super) const SECONDS: Option<Unit> = Some(Unit::Seconds);

/// A table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// Its name for programs.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What one must know to read it; why it is empty, where it is.
    pub note: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, each as long as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(super) fn new(
        name: &'static str,
        title: &'static str,
        columns: &[(&'static str, Option<Unit>)],
    ) -> Self {
        let columns = columns.iter().map(|&(title, unit)| Column { title, unit }).collect();
        Self { name, title, note: String::new(), columns, rows: Vec::new() }
    }

    pub(super) fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}
