//! Binance's export of an account's trades.
//!
//! | variant | columns |
//! |---|---|
//! | units in the cells | `Date(UTC),Pair,Side,Price,Executed,Amount,Fee`; cells as `0.01 BTC` |
//! | older | `Date(UTC),Market,Type,Price,Amount,Total,Fee,Fee Coin`; the total is quote |
//!
//! Invariants: a unit must be the pair's own base or quote, or the row is refused; the export names
//! no execution and no order, so rows that are alike are different executions.

use super::form::{Form, Waiting, above_zero, positive, side};
use super::rows::{AccountRows, FillRow, Told, WORD_MAX, quote};
use super::table::{Column, Row};
use super::{form, times};
use crate::import::text::Input;
use crate::import::{Fault, Number, ReadError};

/// What the header must name, beside the columns whose names differ between variants.
pub(super) const HEADER: &[&str] = &["date(utc)", "price", "amount", "fee"];

struct Binance {
    time: Column,
    pair: Column,
    side: Column,
    price: Column,
    quantity: Column,
    quote: Column,
    fee: Column,
    fee_currency: Option<Column>,
}

pub(super) fn open(input: Input) -> Result<Box<dyn AccountRows>, ReadError> {
    form::open(input, HEADER, |table, _| {
        let executed = table.optional(&["executed"])?;
        let (quantity, quote) = match executed {
            Some(executed) => (executed, table.column(&["amount"])?),
            None => (table.column(&["amount"])?, table.column(&["total"])?),
        };
        Ok(Binance {
            time: table.column(&["date(utc)"])?,
            pair: table.column(&["pair", "market", "symbol"])?,
            side: table.column(&["side", "type"])?,
            price: table.column(&["price"])?,
            quantity,
            quote,
            fee: table.column(&["fee"])?,
            fee_currency: table.optional(&["fee coin", "fee currency"])?,
        })
    })
}

impl Form for Binance {
    fn row(&mut self, row: Row<'_>, told: &mut Waiting) -> Result<(), Fault> {
        row.check_width()?;
        let symbol = row.needed(self.pair)?;
        let (quantity, base) = amount(row, self.quantity)?;
        let (quote_amount, quote_unit) = amount(row, self.quote)?;
        self.check_units(row, &symbol, base.as_deref(), quote_unit.as_deref())?;
        let quantity = above_zero(row, self.quantity, Some(quantity))?;
        let (fee, fee_unit) = amount(row, self.fee)?;
        let fee_currency = match (row.word(self.fee_currency)?, fee_unit) {
            (Some(said), Some(unit)) if said != unit => {
                let reason = format!("in {}, and the fee coin is {}", quote(&unit), quote(&said));
                return Err(row.fault(self.fee, reason));
            }
            (said, unit) => said.or(unit),
        };
        let at = (row.line, row.time(self.time, times::civil)?);
        let traded = (positive(row, self.price)?, quantity);
        told.push_back(Told::Fill(Box::new(FillRow {
            quote: Some(quote_amount),
            fee: Some(fee),
            fee_currency,
            ..FillRow::new(at, (symbol, side(row, self.side)?), traded)
        })));
        Ok(())
    }
}

impl Binance {
    /// Base and quote together are the pair.
    fn check_units(
        &self,
        row: Row<'_>,
        pair: &str,
        base: Option<&str>,
        quoted: Option<&str>,
    ) -> Result<(), Fault> {
        let plain: String = pair.chars().filter(|c| !matches!(c, '/' | '-' | '_' | ' ')).collect();
        let alien = |unit, what| format!("{} is not the {what} of {}", quote(unit), quote(pair));
        if let Some(base) = base
            && !plain.starts_with(base)
        {
            return Err(row.fault(self.quantity, alien(base, "base")));
        }
        if let Some(quoted) = quoted {
            let rest = base.and_then(|base| plain.strip_prefix(base));
            if !rest.map_or(plain.ends_with(quoted), |rest| rest == quoted) {
                return Err(row.fault(self.quote, alien(quoted, "quote")));
            }
        }
        Ok(())
    }
}

/// Reads a number with its unit behind it, as `0.010000 BTC`, `0.01BTC` or `1,234.5 USDT`.
fn amount(row: Row<'_>, column: Column) -> Result<(Number, Option<String>), Fault> {
    let text = row.text(column);
    let digits = |c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+'));
    let mut split = text.find(digits).unwrap_or(text.len());
    // A number with an exponent, and nothing behind it.
    if Number::parse(text).is_ok() {
        split = text.len();
    }
    let (digits, unit) = text.split_at(split);
    let bad = |reason: String| row.fault(column, format!("{}: {reason}", quote(text)));
    let number = ungrouped(digits).ok_or_else(|| bad("ambiguous thousands".to_owned()))?;
    let number = Number::parse(&number).map_err(|error| bad(error.to_string()))?.trimmed();
    let unit = unit.trim();
    if unit.len() > WORD_MAX || unit.contains(char::is_whitespace) {
        return Err(bad("the unit is no currency".to_owned()));
    }
    Ok((number, (!unit.is_empty()).then(|| unit.to_owned())))
}

/// Takes thousands commas out, where a point behind them shows that they are no decimal commas.
fn ungrouped(digits: &str) -> Option<String> {
    if !digits.contains(',') {
        return Some(digits.to_owned());
    }
    let (whole, fraction) = digits.split_once('.')?;
    let mut groups = whole.split(',');
    let first = groups.next()?.trim_start_matches(['-', '+']);
    let sound = (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3);
    (sound && !fraction.contains(',')).then(|| format!("{}.{fraction}", whole.replace(',', "")))
}
