//! Hummingbot's SQLite file: its table `TradeFill`, whose numbers are whole millionths.

use std::path::Path;

use rusqlite::Connection;

use super::database::{TableReader, TableRow, columns_of, connect};
use super::form::{Steps, Waiting, note, stepped};
use super::hummingbot::TRUNCATED;
use super::named::Named;
use super::rows::{AccountRows, FillRow, NoticeKind, Told};
use super::times;
use crate::event::Exactness;
use crate::import::{Fault, Number, ReadError};

const FILLS: &[&str] = &[
    "strategy",
    "market",
    "symbol",
    "base_asset",
    "quote_asset",
    "timestamp",
    "order_id",
    "trade_type",
    "order_type",
    "price",
    "amount",
    "leverage",
    "trade_fee",
    "trade_fee_in_quote",
    "exchange_trade_id",
    "position",
];

struct Database {
    connection: Connection,
    fills: TableReader,
}

pub(super) fn open(path: &Path) -> Result<Box<dyn AccountRows>, ReadError> {
    let connection = connect(path)?;
    let no_table = || ReadError::Database("there is no table `TradeFill`".to_owned());
    let there = columns_of(&connection, "TradeFill")?.ok_or_else(no_table)?;
    let told = Told::notice(0, NoticeKind::Inexact, TRUNCATED);
    let fills = TableReader::new("TradeFill", &there, FILLS);
    Ok(stepped(Database { connection, fills }, Waiting::from([told])))
}

impl Steps for Database {
    fn step(&mut self, told: &mut Waiting) -> Result<bool, ReadError> {
        let Some(row) = self.fills.next(&self.connection)? else { return Ok(false) };
        let fill = fill(&row).map(|fill| told.push_back(Told::Fill(Box::new(fill))));
        note(fill, row.row(), told);
        Ok(true)
    }
}

fn fill(row: &TableRow) -> Result<FillRow, Fault> {
    let side = row.side("trade_type")?;
    let time = row.needed_time("timestamp", times::unix)?;
    let fee = millionths(row, "trade_fee_in_quote")?;
    let positive = |name| {
        let number = millionths(row, name)?.filter(|number| number.raw() > 0);
        number.ok_or_else(|| row.fault(name, "is not above zero"))
    };
    Ok(FillRow {
        fee_currency: row.text("quote_asset")?.filter(|_| fee.is_some()),
        fee,
        venue: row.text("market")?,
        trade_id: row.text("exchange_trade_id")?,
        order_id: row.text("order_id")?,
        exactness: Exactness::Truncated,
        extra: row.all(&["strategy", "order_type", "position", "trade_fee"])?,
        ..FillRow::new(
            (row.row(), time),
            (row.needed("symbol")?, side),
            (positive("price")?, positive("amount")?),
        )
    })
}

/// Reads whole millionths; what is stored as a float is of a version that this is not.
fn millionths(row: &TableRow, name: &'static str) -> Result<Option<Number>, Fault> {
    let Some(number) = row.number(name)? else { return Ok(None) };
    if row.is_float(name) || number.raw() % 1_000_000_000_000 != 0 {
        return Err(row.fault(name, "is no whole number of millionths"));
    }
    Ok(Some(Number::from_raw(number.raw() / 1_000_000)))
}
