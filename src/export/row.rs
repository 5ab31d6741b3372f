//! One row of a table, and the values in it.
//!
//! Invariants: a value goes into the column of its name and nowhere else; a name that the table has
//! not, or a value of another type than the column's, is an error and no silence; what is not set
//! is absent.

use super::error::ExportError;
use super::table::{Column, ColumnType, Table};
use crate::hash::Digest;
use crate::time::Timestamp;
use crate::units::{
    EXACT_SCALE_DIGITS, Money, MoneyExact, Price, Quantity, RATIO_SCALE_DIGITS, Ratio, SCALE_DIGITS,
};

/// What stands in one column of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// Nothing.
    Absent,
    /// Text.
    Text(String),
    /// A whole number.
    Count(u64),
    /// A whole number of `10^-scale`.
    Decimal {
        /// The whole number.
        raw: i128,
        /// Digits behind the point.
        scale: u32,
    },
    /// An instant.
    Time(Timestamp),
    /// Yes or no.
    Flag(bool),
}

impl Cell {
    fn fits(&self, column: &Column) -> bool {
        match self {
            Self::Absent => column.optional,
            Self::Text(_) => column.holds == ColumnType::Text,
            Self::Count(_) => column.holds == ColumnType::Count,
            Self::Decimal { scale, .. } => column.holds == ColumnType::Decimal(*scale),
            Self::Time(_) => column.holds == ColumnType::Time,
            Self::Flag(_) => column.holds == ColumnType::Flag,
        }
    }
}

/// Writes a whole number of `10^-scale` as decimal text without needless zeros.
pub(super) fn decimal_text(raw: i128, scale: u32) -> String {
    match scale {
        SCALE_DIGITS => Money::from_raw(raw).to_string(),
        EXACT_SCALE_DIGITS => MoneyExact::from_raw(raw).to_string(),
        _ => i64::try_from(raw)
            .map_or_else(|_| raw.to_string(), |raw| Ratio::from_raw(raw).to_string()),
    }
}

/// A row under way.
pub(super) struct Row {
    table: Table,
    cells: Vec<Cell>,
    sequence: u64,
    /// The first name that found no place.
    misplaced: Option<&'static str>,
}

impl Row {
    pub(super) fn new(table: Table) -> Self {
        let cells = vec![Cell::Absent; table.columns().len()];
        Self { table, cells, sequence: 0, misplaced: None }
    }

    /// Begins the row of a record.
    pub(super) fn begin(&mut self, sequence: u64) {
        self.cells.fill(Cell::Absent);
        (self.sequence, self.misplaced) = (sequence, None);
        self.set("sequence", sequence);
    }

    /// Puts a value into the column of that name.
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<Cell>) -> &mut Self {
        let columns = self.table.columns();
        match columns.iter().position(|column| column.name == name) {
            Some(place) => self.cells[place] = value.into(),
            None => self.misplaced = self.misplaced.or(Some(name)),
        }
        self
    }

    /// The record that the row is made from.
    pub(super) const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Returns the whole row.
    pub(super) fn finish(&self) -> Result<&[Cell], ExportError> {
        let mut pairs = self.cells.iter().zip(self.table.columns());
        let unfit = pairs.find(|(cell, column)| !cell.fits(column)).map(|(_, column)| column.name);
        match self.misplaced.or(unfit) {
            None => Ok(&self.cells),
            Some(column) => {
                let (table, sequence) = (self.table.name(), self.sequence);
                Err(ExportError::Column { sequence, table, column })
            }
        }
    }
}

/// What can stand in a cell as it is.
macro_rules! cells {
    ($($type:ty => |$value:ident| $cell:expr;)*) => {$(
        impl From<$type> for Cell {
            fn from($value: $type) -> Self {
                $cell
            }
        }
    )*};
}

cells! {
    u64 => |value| Self::Count(value);
    u8 => |value| Self::Count(value.into());
    bool => |value| Self::Flag(value);
    String => |value| Self::Text(value);
    &str => |value| Self::Text(value.to_owned());
    Digest => |value| Self::Text(value.to_string());
    Timestamp => |value| Self::Time(value);
    Price => |value| Self::Decimal { raw: value.raw(), scale: SCALE_DIGITS };
    Quantity => |value| Self::Decimal { raw: value.raw(), scale: SCALE_DIGITS };
    Money => |value| Self::Decimal { raw: value.raw(), scale: SCALE_DIGITS };
    MoneyExact => |value| Self::Decimal { raw: value.raw(), scale: EXACT_SCALE_DIGITS };
    Ratio => |value| Self::Decimal { raw: value.raw().into(), scale: RATIO_SCALE_DIGITS };
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}
