//! Tables as Apache Parquet, through the crate's column writers: no Arrow.
//!
//! | column | stored as |
//! |---|---|
//! | text | BYTE_ARRAY, STRING |
//! | count | INT64, INTEGER(64, unsigned) |
//! | decimal s | FIXED_LEN_BYTE_ARRAY(16), DECIMAL(38, s): what readers call decimal128 |
//! | time | INT64, TIMESTAMP(NANOS, UTC) |
//! | flag | BOOLEAN |
//!
//! Invariants: a decimal that 38 digits do not hold is an error that names record and column, and
//! never rounded; memory is bounded by one row group; what it was made from stands in the footer's
//! key-value metadata, under [`METADATA_KEY`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use ::parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType,
    Int64Type,
};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::types::Type;

use super::about::About;
use super::error::ExportError;
use super::place::OutFile;
use super::row::{Cell, decimal_text};
use super::table::{Column, ColumnType, Table};
use super::text::Sink;

/// Key of the metadata that says what a file was made from: the same JSON as in other formats.
const METADATA_KEY: &str = "schwabot.export";

/// A row group ends after so many rows ...
const GROUP_ROWS: usize = 65_536;
/// ... or so many bytes of text, whichever comes first.
const GROUP_TEXT_BYTES: usize = 16 << 20;
/// Digits that a decimal of sixteen bytes holds.
const DECIMAL_DIGITS: u32 = 38;

/// The values of one column that wait for their row group; absent ones have no value.
enum Waiting {
    Texts(Vec<ByteArray>),
    Decimals(Vec<FixedLenByteArray>),
    Longs(Vec<i64>),
    Flags(Vec<bool>),
}

/// A file under way.
pub(super) struct ParquetFile {
    writer: SerializedFileWriter<OutFile>,
    path: PathBuf,
    columns: &'static [Column],
    waiting: Vec<Waiting>,
    /// For each column, whether each row has a value.
    levels: Vec<Vec<i16>>,
    rows: usize,
    text_bytes: usize,
}

impl ParquetFile {
    pub(super) fn create(path: &Path, force: bool, table: Table) -> Result<Self, ExportError> {
        let columns = table.columns();
        let refused = refused(path);
        let schema = schema(table).map_err(&refused)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by("schwabot".to_owned())
            .build();
        let file = OutFile::create(path, force)?;
        let writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties));
        let writer = writer.map_err(&refused)?;
        let (waiting, levels) = (empty(columns), vec![Vec::new(); columns.len()]);
        let path = path.to_owned();
        Ok(Self { writer, path, columns, waiting, levels, rows: 0, text_bytes: 0 })
    }

    fn end_group(&mut self) -> Result<(), ExportError> {
        if self.rows == 0 {
            return Ok(());
        }
        let waiting = std::mem::replace(&mut self.waiting, empty(self.columns));
        let written = write_group(&mut self.writer, &waiting, &self.levels);
        written.map_err(refused(&self.path))?;
        self.levels.iter_mut().for_each(Vec::clear);
        (self.rows, self.text_bytes) = (0, 0);
        Ok(())
    }
}

impl Sink for ParquetFile {
    fn row(&mut self, sequence: u64, cells: &[Cell]) -> Result<(), ExportError> {
        for (place, (cell, column)) in cells.iter().zip(self.columns).enumerate() {
            if column.optional {
                self.levels[place].push(i16::from(*cell != Cell::Absent));
            }
            match (cell, &mut self.waiting[place]) {
                (Cell::Text(text), Waiting::Texts(texts)) => {
                    self.text_bytes += text.len();
                    texts.push(ByteArray::from(text.as_bytes().to_vec()));
                }
                // Unsigned numbers are stored as the same bits.
                (Cell::Count(number), Waiting::Longs(longs)) => longs.push(number.cast_signed()),
                (Cell::Time(time), Waiting::Longs(longs)) => longs.push(time.nanos()),
                (Cell::Flag(flag), Waiting::Flags(flags)) => flags.push(*flag),
                (Cell::Decimal { raw, scale }, Waiting::Decimals(decimals)) => {
                    if raw.unsigned_abs() >= 10_u128.pow(DECIMAL_DIGITS) {
                        let type_name = format!("DECIMAL({DECIMAL_DIGITS}, {scale})");
                        let (column, value) = (column.name, decimal_text(*raw, *scale));
                        return Err(ExportError::DoesNotFit { sequence, column, value, type_name });
                    }
                    decimals.push(ByteArray::from(raw.to_be_bytes().to_vec()).into());
                }
                _ => {}
            }
        }
        self.rows += 1;
        if self.rows == GROUP_ROWS || self.text_bytes >= GROUP_TEXT_BYTES {
            self.end_group()?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, about: &About) -> Result<(), ExportError> {
        self.end_group()?;
        let said = serde_json::to_string(about);
        let said = said.map_err(|source| ExportError::Json { sequence: 0, source })?;
        let pair = KeyValue::new(METADATA_KEY.to_owned(), said);
        self.writer.append_key_value_metadata(pair);
        let mut file = self.writer.into_inner().map_err(refused(&self.path))?;
        file.sync()?;
        file.keep()
    }
}

fn refused(path: &Path) -> impl Fn(ParquetError) -> ExportError + use<> {
    let path = path.to_owned();
    move |error| ExportError::Parquet { path: path.clone(), what: error.to_string() }
}

fn schema(table: Table) -> Result<Type, ParquetError> {
    let columns = table.columns().iter().map(|column| column_type(column).map(Arc::new));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    Type::group_type_builder(table.name()).with_fields(columns).build()
}

fn column_type(column: &Column) -> Result<Type, ParquetError> {
    let (physical, logical) = match column.holds {
        ColumnType::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        ColumnType::Count => (Physical::INT64, Some(LogicalType::integer(64, false))),
        ColumnType::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::NANOS))),
        ColumnType::Flag => (Physical::BOOLEAN, None),
        ColumnType::Decimal(scale) => {
            let (scale, precision) = (scale.cast_signed(), DECIMAL_DIGITS.cast_signed());
            let logical = Some(LogicalType::decimal(scale, precision));
            (Physical::FIXED_LEN_BYTE_ARRAY, logical)
        }
    };
    let repetition = if column.optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let mut builder = Type::primitive_type_builder(column.name, physical)
        .with_repetition(repetition)
        .with_logical_type(logical);
    if let ColumnType::Decimal(scale) = column.holds {
        let (scale, precision) = (scale.cast_signed(), DECIMAL_DIGITS.cast_signed());
        builder = builder.with_length(16).with_scale(scale).with_precision(precision);
    }
    builder.build()
}

fn empty(columns: &[Column]) -> Vec<Waiting> {
    let waiting = columns.iter().map(|column| match column.holds {
        ColumnType::Text => Waiting::Texts(Vec::new()),
        ColumnType::Decimal(_) => Waiting::Decimals(Vec::new()),
        ColumnType::Count | ColumnType::Time => Waiting::Longs(Vec::new()),
        ColumnType::Flag => Waiting::Flags(Vec::new()),
    });
    waiting.collect()
}

fn write_group(
    writer: &mut SerializedFileWriter<OutFile>,
    waiting: &[Waiting],
    levels: &[Vec<i16>],
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for (values, levels) in waiting.iter().zip(levels) {
        match values {
            Waiting::Texts(values) => write_column::<ByteArrayType>(&mut group, values, levels)?,
            Waiting::Decimals(values) => {
                write_column::<FixedLenByteArrayType>(&mut group, values, levels)?;
            }
            Waiting::Longs(values) => write_column::<Int64Type>(&mut group, values, levels)?,
            Waiting::Flags(values) => write_column::<BoolType>(&mut group, values, levels)?,
        }
    }
    group.close()?;
    Ok(())
}

fn write_column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, OutFile>,
    values: &[T::T],
    levels: &[i16],
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    // A column that every row has stores no levels.
    let levels = (!levels.is_empty()).then_some(levels);
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}
