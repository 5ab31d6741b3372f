//! Kraken's `trades.csv` of an account: `txid, ordertxid, pair, time, type, price, cost, fee, vol`
//! and more; later versions append columns.

use super::form::{Form, Waiting, positive, side};
use super::rows::{AccountRows, FillRow, Told};
use super::table::{Column, Row};
use super::{form, times};
use crate::import::text::Input;
use crate::import::{Fault, ReadError};

/// What the header must name.
pub(super) const HEADER: &[&str] = &["txid", "ordertxid", "pair", "time", "type", "vol"];

struct Kraken {
    trade: Column,
    order: Column,
    pair: Column,
    time: Column,
    side: Column,
    price: Column,
    cost: Column,
    fee: Column,
    volume: Column,
    extra: Vec<Column>,
}

pub(super) fn open(input: Input) -> Result<Box<dyn AccountRows>, ReadError> {
    form::open(input, HEADER, |table, _| {
        Ok(Kraken {
            trade: table.column(&["txid"])?,
            order: table.column(&["ordertxid"])?,
            pair: table.column(&["pair"])?,
            time: table.column(&["time"])?,
            side: table.column(&["type"])?,
            price: table.column(&["price"])?,
            cost: table.column(&["cost"])?,
            fee: table.column(&["fee"])?,
            volume: table.column(&["vol"])?,
            extra: table.those_of(&["ordertype", "margin", "misc", "ledgers"])?,
        })
    })
}

impl Form for Kraken {
    fn row(&mut self, row: Row<'_>, told: &mut Waiting) -> Result<(), Fault> {
        row.check_width()?;
        let symbol = row.needed(self.pair)?;
        let at = (row.line, row.time(self.time, times::civil)?);
        let traded = (positive(row, self.price)?, positive(row, self.volume)?);
        told.push_back(Told::Fill(Box::new(FillRow {
            quote: Some(row.number(self.cost)?),
            fee: Some(row.number(self.fee)?),
            fee_currency: quote_of(&symbol).map(str::to_owned),
            trade_id: Some(row.needed(self.trade)?),
            order_id: row.word(Some(self.order))?,
            extra: row.all(&self.extra)?,
            ..FillRow::new(at, (symbol, side(row, self.side)?), traded)
        })));
        Ok(())
    }
}

/// The quote currency of a pair that says where it begins: `XBT/EUR`, or `XXBTZEUR` with the
/// letters that Kraken puts before currencies of coins and states. Fees are paid in it.
fn quote_of(pair: &str) -> Option<&str> {
    if let Some((_, quote)) = pair.split_once('/') {
        return Some(quote);
    }
    let marked = pair.len() == 8 && pair.is_ascii() && matches!(pair.as_bytes()[4], b'Z' | b'X');
    (marked && pair.starts_with(['X', 'Z'])).then(|| &pair[5..])
}
