//! Hummingbot's `TradeFill` table as CSV.
//!
//! The program keeps price, amount and fee as whole millionths: what was finer was cut off when it
//! was stored, and nothing brings it back. A table of these numbers is told by its first row, which
//! has no point in any of them; the program's own export writes decimals. Both are marked inexact.

use super::form::{Form, Waiting, above_zero, side};
use super::rows::{AccountRows, FillRow, NoticeKind, Told};
use super::table::{Column, Row};
use super::{form, times};
use crate::event::Exactness;
use crate::import::text::Input;
use crate::import::{Fault, Number, ReadError};

/// What the header must name.
pub(super) const HEADER: &[&str] =
    &["symbol", "timestamp", "order_id", "trade_type", "price", "amount", "exchange_trade_id"];

/// What every report of such a file says.
pub(super) const TRUNCATED: &str = "hummingbot cut prices, amounts and fees to six decimals when \
                                    it stored them: they are not what the venue executed";

struct Hummingbot {
    symbol: Column,
    quote_asset: Option<Column>,
    time: Column,
    order: Column,
    side: Column,
    price: Column,
    amount: Column,
    fee: Option<Column>,
    trade: Column,
    extra: Vec<Column>,
    /// Whether numbers are millionths; unknown before the first row.
    millionths: Option<bool>,
}

pub(super) fn open(input: Input) -> Result<Box<dyn AccountRows>, ReadError> {
    form::open(input, HEADER, |table, told| {
        told.push_back(Told::notice(0, NoticeKind::Inexact, TRUNCATED));
        Ok(Hummingbot {
            symbol: table.column(&["symbol"])?,
            quote_asset: table.optional(&["quote_asset"])?,
            time: table.column(&["timestamp"])?,
            order: table.column(&["order_id"])?,
            side: table.column(&["trade_type"])?,
            price: table.column(&["price"])?,
            amount: table.column(&["amount"])?,
            fee: table.optional(&["trade_fee_in_quote"])?,
            trade: table.column(&["exchange_trade_id"])?,
            extra: table.those_of(&[
                "market",
                "strategy",
                "order_type",
                "position",
                "trade_fee",
            ])?,
            millionths: None,
        })
    })
}

impl Form for Hummingbot {
    fn row(&mut self, row: Row<'_>, told: &mut Waiting) -> Result<(), Fault> {
        row.check_width()?;
        if self.millionths.is_none() {
            let millionths =
                ![self.price, self.amount].map(|at| row.text(at)).concat().contains('.');
            let what = if millionths {
                "price, amount and fee are whole numbers: read as millionths"
            } else {
                "price, amount and fee have decimals: read as they are"
            };
            told.push_back(Told::notice(row.line, NoticeKind::Inexact, what));
            self.millionths = Some(millionths);
        }
        let fee = match self.fee {
            Some(fee) if !row.text(fee).is_empty() => Some(self.number(row, fee)?),
            _ => None,
        };
        let quote_asset = row.word(self.quote_asset)?;
        let at = (row.line, row.time(self.time, times::unix)?);
        let of = (row.needed(self.symbol)?, side(row, self.side)?);
        let traded = (self.positive(row, self.price)?, self.positive(row, self.amount)?);
        told.push_back(Told::Fill(Box::new(FillRow {
            fee_currency: quote_asset.filter(|_| fee.is_some()),
            fee,
            trade_id: row.word(Some(self.trade))?,
            order_id: row.word(Some(self.order))?,
            exactness: Exactness::Truncated,
            extra: row.all(&self.extra)?,
            ..FillRow::new(at, of, traded)
        })));
        Ok(())
    }
}

impl Hummingbot {
    fn number(&self, row: Row<'_>, column: Column) -> Result<Number, Fault> {
        let number = row.number(column)?;
        if self.millionths != Some(true) {
            return Ok(number);
        }
        if row.text(column).contains('.') {
            let reason = "has decimals, and the rows before are whole millionths: mixed units";
            return Err(row.fault(column, reason));
        }
        Ok(Number::from_raw(number.raw() / 1_000_000))
    }

    fn positive(&self, row: Row<'_>, column: Column) -> Result<Number, Fault> {
        above_zero(row, column, Some(self.number(row, column)?))
    }
}
