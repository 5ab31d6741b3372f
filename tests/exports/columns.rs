//! Parquet files, read back with the crate itself, value by value against the JSON Lines.

use std::fs::File;
use std::path::Path;

use parquet::basic::LogicalType;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use schwabot::event::*;
use schwabot::export::{ExportError, Request, Table, TableFormat, export_table};
use schwabot::hash::Digest;
use schwabot::ledger::{Batch, Writer, WriterOptions};
use schwabot::time::Timestamp;
use schwabot::units::{MoneyExact, Ratio};
use serde_json::Value;

use crate::support::TestResult;
use crate::support::cli::Place;
use crate::{ledger, lines, open};

fn read(path: &Path) -> TestResult<SerializedFileReader<File>> {
    Ok(SerializedFileReader::new(File::open(path)?)?)
}

/// A field as the JSON Lines have it; a time as nanoseconds, a decimal as text.
fn value(field: &Field, column: &LogicalTypeOf) -> Value {
    match (field, column) {
        (Field::Null, _) => Value::Null,
        (Field::Bool(flag), _) => Value::from(*flag),
        (Field::Str(text), _) => Value::from(text.as_str()),
        (Field::ULong(number), _) => Value::from(*number),
        (Field::Long(number), _) => Value::from(*number),
        (Field::Decimal(decimal), LogicalTypeOf::Decimal(scale)) => {
            let raw = i128::from_be_bytes(decimal.data().try_into().unwrap());
            let text = match scale {
                9 => Ratio::from_raw(raw.try_into().unwrap()).to_string(),
                12 => schwabot::units::Money::from_raw(raw).to_string(),
                _ => MoneyExact::from_raw(raw).to_string(),
            };
            Value::from(text)
        }
        other => panic!("{other:?}"),
    }
}

#[derive(Debug)]
enum LogicalTypeOf {
    Decimal(i32),
    Other,
}

#[test]
fn every_table_reads_back_as_the_same_values() -> TestResult {
    let (place, path) = ledger(3_000)?;
    let ledger = open(&path)?;
    for table in Table::ALL {
        let (file, text) = (place.path("rows.parquet"), place.path("rows.jsonl"));
        let force = || Request { force: true, ..Request::default() };
        let about = export_table(&ledger, table, TableFormat::Parquet, &file, &force())?;
        export_table(&ledger, table, TableFormat::Jsonl, &text, &force())?;
        let rows = &lines(&text)?[1..];
        let reader = read(&file)?;
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let names: Vec<&str> = schema.columns().iter().map(|column| column.name()).collect();
        assert_eq!(names, about.columns);
        assert_eq!(reader.metadata().file_metadata().num_rows() as usize, rows.len());
        for (found, expected) in reader.get_row_iter(None)?.zip(rows) {
            for ((name, field), column) in found?.get_column_iter().zip(schema.columns()) {
                let (kind, key) = match column.logical_type_ref() {
                    Some(LogicalType::Decimal(known)) => {
                        (LogicalTypeOf::Decimal(known.scale), name.clone())
                    }
                    Some(LogicalType::Timestamp(_)) => (LogicalTypeOf::Other, format!("{name}_ns")),
                    _ => (LogicalTypeOf::Other, name.clone()),
                };
                assert_eq!(value(field, &kind), expected[&key], "{}: {name}", table.name());
            }
        }
    }
    Ok(())
}

#[test]
fn the_footer_states_what_the_file_was_made_from() -> TestResult {
    let (place, path) = ledger(300)?;
    let file = place.path("bars.parquet");
    let about = export_table(
        &open(&path)?,
        Table::Bars,
        TableFormat::Parquet,
        &file,
        &Request { from: 10, ..Request::default() },
    )?;
    let reader = read(&file)?;
    let pairs = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let said = pairs.iter().find(|pair| pair.key == "schwabot.export").unwrap();
    let said: Value = serde_json::from_str(said.value.as_ref().unwrap())?;
    assert_eq!(said, serde_json::to_value(&about)?);
    assert_eq!(said["first"], 10);
    Ok(())
}

#[test]
fn many_rows_are_several_row_groups() -> TestResult {
    let (place, path) = ledger(50)?;
    let folder = place.path("many");
    let mut writer = Writer::<Event>::open(&folder, &WriterOptions::default())?;
    let expired = |order| Event::OrderExpired(OrderExpired { order, pair: PairId(0) });
    for _ in 0..70 {
        let mut batch = Batch::new();
        for order in 0..1_000 {
            let stamp = Stamp::new(Class::Derived, Vantage::Computed, Timestamp::from_nanos(0));
            batch.push(&expired(order), &stamp)?;
        }
        writer.append(&batch)?;
    }
    writer.close()?;
    assert!(path.exists());
    let file = place.path("orders.parquet");
    let request = Request::default();
    export_table(&open(&folder)?, Table::Orders, TableFormat::Parquet, &file, &request)?;
    let reader = read(&file)?;
    let groups = reader
        .metadata()
        .row_groups()
        .iter()
        .map(parquet::file::metadata::RowGroupMetaData::num_rows);
    assert_eq!(groups.collect::<Vec<_>>(), [65_536, 4_464]);
    Ok(())
}

#[test]
fn a_decimal_that_38_digits_do_not_hold_is_named_and_not_rounded() -> TestResult {
    let place = Place::new()?;
    let path = place.path("ledger");
    let mut writer = Writer::<Event>::open(&path, &WriterOptions::default())?;
    let outcome = |raw| {
        Event::SoulprintOutcome(SoulprintOutcome {
            soulprint: Digest::ZERO,
            trade: Digest::ZERO,
            net: MoneyExact::from_raw(raw),
            net_return: Ratio::ZERO,
        })
    };
    let stamp = Stamp::new(Class::Derived, Vantage::Computed, Timestamp::from_nanos(0));
    let mut batch = Batch::new();
    batch.push(&outcome(10_i128.pow(38) - 1), &stamp)?;
    batch.push(&outcome(1 - 10_i128.pow(38)), &stamp)?;
    batch.push(&outcome(-10_i128.pow(38)), &stamp)?;
    writer.append(&batch)?;
    writer.close()?;
    let (reader, file) = (open(&path)?, place.path("rows.parquet"));
    let fits = Request { to: Some(1), ..Request::default() };
    export_table(&reader, Table::Soulprints, TableFormat::Parquet, &file, &fits)?;
    let all = Request { force: true, ..Request::default() };
    let done = export_table(&reader, Table::Soulprints, TableFormat::Parquet, &file, &all);
    let error = done.unwrap_err();
    assert!(matches!(error, ExportError::DoesNotFit { sequence: 2, column: "net", .. }));
    assert!(error.to_string().contains("record 2, column `net`: -100000000000000"), "{error}");
    assert_eq!(
        read(&file)?.metadata().file_metadata().num_rows(),
        2,
        "the old file is still there"
    );
    // Text has room for it.
    export_table(&reader, Table::Soulprints, TableFormat::Jsonl, &file, &all)?;
    Ok(())
}
