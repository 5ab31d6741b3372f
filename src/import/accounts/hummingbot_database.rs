//! Hummingbot's SQLite file: its table `TradeFill`, whose numbers are whole millionths.

use std::collections::VecDeque;
use std::path::Path;

use rusqlite::Connection;

use super::database::{TableReader, TableRow, columns_of, connect};
use super::form::{Waiting, checked, side_of};
use super::hummingbot::TRUNCATED;
use super::named::Named;
use super::number::Number;
use super::rows::{AccountError, AccountRows, Fault, FillRow, Notice, NoticeKind, Told, quote};
use super::times;
use crate::event::Exactness;

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
    waiting: Waiting,
}

pub(super) fn open(path: &Path) -> Result<Box<dyn AccountRows>, AccountError> {
    let connection = connect(path)?;
    let no_table = || AccountError::Database("there is no table `TradeFill`".to_owned());
    let there = columns_of(&connection, "TradeFill")?.ok_or_else(no_table)?;
    let what = TRUNCATED.to_owned();
    let told = Told::Notice(Notice { row: 0, kind: NoticeKind::Inexact, count: 1, what });
    let fills = TableReader::new("TradeFill", &there, FILLS);
    Ok(Box::new(Database { connection, fills, waiting: VecDeque::from([told]) }))
}

impl AccountRows for Database {
    fn next(&mut self) -> Result<Option<Told>, AccountError> {
        loop {
            if let Some(told) = self.waiting.pop_front() {
                return Ok(Some(told));
            }
            let Some(row) = self.fills.next(&self.connection)? else { return Ok(None) };
            match fill(&row) {
                Ok(fill) => {
                    self.waiting.push_back(Told::Fill(Box::new(fill)));
                    checked(&mut self.waiting);
                }
                Err(fault) => self.waiting.push_back(Told::Bad { row: row.row(), fault }),
            }
        }
    }
}

fn fill(row: &TableRow) -> Result<FillRow, Fault> {
    let side = row.needed("trade_type")?;
    let side = side_of(&side).ok_or_else(|| {
        row.fault("trade_type", format!("{} is neither buy nor sell", quote(&side)))
    })?;
    let time = row.time("timestamp", times::unix)?;
    let time = time.ok_or_else(|| row.fault("timestamp", "is missing"))?;
    let mut extra = Vec::new();
    for name in ["strategy", "order_type", "position", "trade_fee"] {
        extra.extend(row.text(name)?.map(|said| (name, said)));
    }
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
        extra,
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
