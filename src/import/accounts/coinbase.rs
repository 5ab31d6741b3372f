//! Coinbase's `fills.csv` (Pro, Exchange, Advanced): the total is negative for a purchase and holds
//! the fee.

use super::form::{Form, Waiting, positive, side};
use super::rows::{AccountRows, FillRow, NoticeKind, Told, quote};
use super::table::{Column, Row};
use super::{form, times};
use crate::event::Side;
use crate::import::text::Input;
use crate::import::{Fault, ReadError};

/// What the header must name.
pub(super) const HEADER: &[&str] =
    &["trade id", "product", "side", "created at", "size", "price", "fee", "total"];

struct Coinbase {
    portfolio: Option<Column>,
    trade: Column,
    order: Option<Column>,
    product: Column,
    side: Column,
    time: Column,
    size: Column,
    size_unit: Option<Column>,
    price: Column,
    fee: Column,
    total: Column,
    money_unit: Option<Column>,
}

pub(super) fn open(input: Input) -> Result<Box<dyn AccountRows>, ReadError> {
    form::open(input, HEADER, |table, _| {
        Ok(Coinbase {
            portfolio: table.optional(&["portfolio"])?,
            trade: table.column(&["trade id"])?,
            order: table.optional(&["order id"])?,
            product: table.column(&["product"])?,
            side: table.column(&["side"])?,
            time: table.column(&["created at"])?,
            size: table.column(&["size"])?,
            size_unit: table.optional(&["size unit"])?,
            price: table.column(&["price"])?,
            fee: table.column(&["fee"])?,
            total: table.column(&["total"])?,
            money_unit: table.optional(&["price/fee/total unit"])?,
        })
    })
}

impl Form for Coinbase {
    fn row(&mut self, row: Row<'_>, told: &mut Waiting) -> Result<(), Fault> {
        row.check_width()?;
        let symbol = row.needed(self.product)?;
        let money = self.check_units(row, &symbol)?;
        let side = side(row, self.side)?;
        let (fee, total) = (row.number(self.fee)?, row.number(self.total)?);
        let wrong_sign = match side {
            Side::Buy => total.is_positive(),
            Side::Sell => total.is_negative(),
        };
        // Without the fee: what was paid less it, or what was received and it.
        let gross = match side {
            Side::Buy => total.magnitude().minus(fee),
            Side::Sell => total.magnitude().plus(fee),
        };
        let gross = gross.ok_or_else(|| row.fault(self.total, "too large"))?;
        let at = (row.line, row.time(self.time, times::civil)?);
        let traded = (positive(row, self.price)?, positive(row, self.size)?);
        let portfolio = row.word(self.portfolio)?.map(|said| ("portfolio", said));
        told.push_back(Told::Fill(Box::new(FillRow {
            quote: Some(gross),
            fee: Some(fee),
            fee_currency: money,
            trade_id: Some(row.needed(self.trade)?),
            order_id: row.word(self.order)?,
            extra: portfolio.into_iter().collect(),
            ..FillRow::new(at, (symbol, side), traded)
        })));
        if wrong_sign {
            let what = format!("the total {total} has the sign of the other side");
            told.push_back(Told::notice(row.line, NoticeKind::Contradiction, what));
        }
        Ok(())
    }
}

impl Coinbase {
    /// The units must be those of the product; returns the one of price, fee and total.
    fn check_units(&self, row: Row<'_>, product: &str) -> Result<Option<String>, Fault> {
        let parts = product.split_once('-');
        let units = [
            (self.size_unit, parts.map(|(base, _)| base)),
            (self.money_unit, parts.map(|(_, quote)| quote)),
        ];
        for (column, expected) in units {
            let (Some(column), Some(expected)) = (column, expected) else { continue };
            let unit = row.text(column);
            if unit != expected {
                let (unit, product) = (quote(unit), quote(product));
                return Err(row.fault(column, format!("{unit} is no unit of {product}")));
            }
        }
        let said = row.word(self.money_unit)?;
        Ok(said.or_else(|| parts.map(|(_, quote)| quote.to_owned())))
    }
}
