//! Tables: what their rows say, and what they say of themselves.

use schwabot::event::Event;
use schwabot::export::{ExportError, Request, Table, TableFormat, export_table};
use schwabot::ledger::{Entry, decode};
use schwabot::merkle::CompactRange;
use schwabot::projections::{UpTo, fold_from_zero};
use serde_json::Value;

use crate::support::TestResult;
use crate::{ledger, lines, open};

const MINUTES: u64 = 5_000;

#[test]
fn every_row_of_every_table_fills_its_columns_and_no_others() -> TestResult {
    let (place, path) = ledger(MINUTES)?;
    let reader = open(&path)?;
    for table in Table::ALL {
        let file = place.path(table.name());
        let about = export_table(&reader, table, TableFormat::Jsonl, &file, &Request::default())?;
        let objects = lines(&file)?;
        let (said, rows) = objects.split_first().unwrap();
        assert_eq!(said["columns"], Value::from(about.columns.clone()));
        assert_eq!(rows.len() as u64, about.rows);
        assert!(about.rows > 0, "{}: nothing to look at", table.name());
        let mut seen = vec![false; about.columns.len()];
        for row in rows {
            let row = row.as_object().unwrap();
            assert_eq!(row.len(), about.columns.len() + 1);
            assert_eq!(row["type"], table.row_type());
            for (place, name) in about.columns.iter().enumerate() {
                seen[place] |= !row[name].is_null();
            }
        }
        let never: Vec<_> = about.columns.iter().zip(&seen).filter(|(_, seen)| !**seen).collect();
        // What this market does not show: a tombstone.
        let fine = ["fault"];
        assert!(
            never.iter().all(|(name, _)| fine.contains(&name.as_str())),
            "{table:?}: {never:?}"
        );
    }
    Ok(())
}

#[test]
fn an_export_states_the_ledger_the_range_and_the_head_it_was_made_from() -> TestResult {
    let (place, path) = ledger(600)?;
    let reader = open(&path)?;
    let mut tree = CompactRange::new(0);
    reader.for_each::<schwabot::ledger::LedgerError>(0, |record| {
        tree.push(record.digest());
        Ok(())
    })?;
    let file = place.path("part.jsonl");
    let request = Request { from: 500, to: Some(799), ..Request::default() };
    export_table(&reader, Table::Records, TableFormat::Jsonl, &file, &request)?;
    let objects = lines(&file)?;
    let said = &objects[0];
    assert_eq!(said["type"], "export");
    assert_eq!((said["first"].as_u64(), said["last"].as_u64()), (Some(500), Some(799)));
    assert_eq!(said["rows"], 300);
    assert_eq!(said["head"]["size"].as_u64(), Some(reader.len()), "the head is that of the log");
    assert_eq!(said["head"]["root"], tree.root().unwrap().to_string());
    let id: String = reader.identity().ledger.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(said["ledger"], id);
    assert_eq!(said["end"], "closed");
    assert_eq!(objects[1]["sequence"], 500);
    assert_eq!(objects[300]["sequence"], 799);
    Ok(())
}

#[test]
fn a_range_names_pairs_and_folds_equity_as_if_it_had_begun_at_the_start() -> TestResult {
    let (place, path) = ledger(MINUTES)?;
    let reader = open(&path)?;
    for table in [Table::Bars, Table::Equity, Table::Ghosts] {
        let (whole, part) = (place.path("whole"), place.path("part"));
        let all = Request { force: true, ..Request::default() };
        export_table(&reader, table, TableFormat::Jsonl, &whole, &all)?;
        let (from, to) = (4_000, 6_000);
        let some = Request { from, to: Some(to), force: true, ..Request::default() };
        export_table(&reader, table, TableFormat::Jsonl, &part, &some)?;
        let inside = |row: &&Value| {
            row["sequence"].as_u64().is_some_and(|sequence| (from..=to).contains(&sequence))
        };
        let (whole, part) = (lines(&whole)?, lines(&part)?);
        let expected: Vec<_> = whole[1..].iter().filter(inside).collect();
        assert!(!expected.is_empty());
        assert_eq!(part[1..].iter().collect::<Vec<_>>(), expected, "{}", table.name());
    }
    Ok(())
}

#[test]
fn records_are_told_as_they_stand_in_the_log() -> TestResult {
    let (place, path) = ledger(300)?;
    let reader = open(&path)?;
    let file = place.path("records.jsonl");
    export_table(&reader, Table::Records, TableFormat::Jsonl, &file, &Request::default())?;
    let rows = lines(&file)?;
    let mut place = 1;
    reader.for_each::<Box<dyn std::error::Error>>(0, |record| {
        let (envelope, entry) = decode::<Event>(&record)?;
        let row = &rows[place];
        assert_eq!(row["sequence"], record.sequence);
        assert_eq!(row["digest"], record.digest().to_string());
        assert_eq!(row["time_ns"], envelope.stamp.time.nanos());
        assert_eq!(row["cause"].as_u64(), record.cause(&envelope));
        if let Entry::Event(event) = entry {
            assert_eq!(row["kind"], event.name());
            let payload: Value = serde_json::from_str(row["payload"].as_str().unwrap())?;
            assert_eq!(payload, serde_json::to_value(&event)?);
        }
        place += 1;
        Ok(())
    })?;
    assert_eq!(place, rows.len());
    Ok(())
}

#[test]
fn money_is_exact_in_trades_and_equity_is_that_of_the_run() -> TestResult {
    let (place, path) = ledger(MINUTES)?;
    let reader = open(&path)?;
    let world = fold_from_zero(&reader, UpTo::End)?.world;
    let run = world.run().unwrap();
    let account = run.portfolio().account("USDC").unwrap();

    let file = place.path("trades.csv");
    export_table(&reader, Table::Trades, TableFormat::Csv, &file, &Request::default())?;
    let mut rows = csv::Reader::from_path(&file)?;
    let column = rows.headers()?.iter().position(|name| name == "net").unwrap();
    let mut sum = schwabot::units::MoneyExact::ZERO;
    for row in rows.records() {
        sum = sum.plus(row?[column].parse()?)?;
    }
    assert!(account.trades > 0);
    assert_eq!(sum, account.net, "to the last digit");

    let file = place.path("equity.jsonl");
    export_table(&reader, Table::Equity, TableFormat::Jsonl, &file, &Request::default())?;
    let rows = lines(&file)?;
    let accounts = run.portfolio().accounts();
    let tracks = accounts.iter().zip(run.equity_tracks());
    for (account, track) in tracks {
        let own = |row: &&Value| row["currency"] == account.currency;
        let own: Vec<&Value> = rows[1..].iter().filter(own).collect();
        assert_eq!(own.len() as u64, MINUTES, "a row for each instant");
        assert_eq!(own[own.len() - 1]["equity"], track.latest.to_string());
    }
    Ok(())
}

#[test]
fn csv_says_beside_itself_what_it_was_made_from_and_which_bytes_it_has() -> TestResult {
    let (place, path) = ledger(300)?;
    let reader = open(&path)?;
    let file = place.path("bars.csv");
    let about = export_table(&reader, Table::Bars, TableFormat::Csv, &file, &Request::default())?;
    let bytes = std::fs::read(&file)?;
    let said: Value = serde_json::from_slice(&std::fs::read(place.path("bars.csv.json"))?)?;
    assert_eq!(said["head"], serde_json::to_value(about.head)?);
    assert_eq!(said["file"]["bytes"], bytes.len());
    assert_eq!(said["file"]["sha256"], schwabot::hash::sha256(&bytes).to_string());
    let mut rows = csv::Reader::from_reader(&bytes[..]);
    assert_eq!(rows.headers()?.iter().collect::<Vec<_>>(), about.columns);
    assert_eq!(rows.records().count() as u64, about.rows);
    Ok(())
}

#[test]
fn the_same_log_gives_the_same_bytes() -> TestResult {
    let (one, two) = (ledger(300)?, ledger(300)?);
    for format in [TableFormat::Csv, TableFormat::Jsonl] {
        let (first, second) = (one.0.path("rows"), two.0.path("rows"));
        let request = || Request { force: true, ..Request::default() };
        export_table(&open(&one.1)?, Table::Records, format, &first, &request())?;
        export_table(&open(&one.1)?, Table::Records, format, &second, &request())?;
        assert_eq!(std::fs::read(&first)?, std::fs::read(&second)?);
        // Another ledger of the same run has another id, and the same rows.
        export_table(&open(&two.1)?, Table::Records, format, &second, &request())?;
        let rows = |path| -> TestResult<Vec<String>> {
            let text = std::fs::read_to_string(path)?;
            Ok(text.lines().skip(1).map(str::to_owned).collect())
        };
        assert_eq!(rows(first)?, rows(second)?);
    }
    Ok(())
}

#[test]
fn a_range_that_the_log_has_not_is_refused() -> TestResult {
    let (place, path) = ledger(100)?;
    let reader = open(&path)?;
    let file = place.path("rows");
    for (from, to) in [(5, Some(4)), (reader.len(), None), (0, Some(reader.len()))] {
        let request = Request { from, to, ..Request::default() };
        let done = export_table(&reader, Table::Bars, TableFormat::Csv, &file, &request);
        assert!(matches!(done, Err(ExportError::Range { .. })), "{from} {to:?}: {done:?}");
        assert!(!file.exists());
    }
    Ok(())
}

#[test]
fn an_empty_ledger_gives_a_table_without_rows() -> TestResult {
    let place = crate::support::cli::Place::new()?;
    let path = place.path("ledger");
    let writer = schwabot::ledger::Writer::<Event>::open(&path, &Default::default())?;
    writer.close()?;
    let file = place.path("rows.jsonl");
    let reader = open(&path)?;
    export_table(&reader, Table::Trades, TableFormat::Jsonl, &file, &Request::default())?;
    let said = &lines(&file)?[0];
    assert_eq!((&said["first"], &said["rows"]), (&Value::Null, &Value::from(0)));
    assert_eq!(said["head"]["root"], schwabot::hash::empty_root().to_string());
    Ok(())
}
