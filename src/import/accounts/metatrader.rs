//! MetaTrader 5's deals, of a CSV or of the page that the terminal saves as a report.
//!
//! Volumes are lots: what a lot is, only the broker knows, so they stay lots. Times are the
//! broker's server's, whose zone the file does not say: the operator says it, or it is told as a
//! defect and they are read as UTC.

use std::io::{Cursor, Read as _};

use super::form::{Form, Waiting, above_zero};
use super::formats::is_page;
use super::rows::{self, AccountRows, FillRow, NoticeKind, Told, quote};
use super::table::{Column, Row, Table};
use super::{form, times};
use crate::import::text::Input;
use crate::import::{Fault, Number, ReadError};

/// What the header must name.
pub(super) const HEADER: &[&str] =
    &["time", "deal", "symbol", "type", "direction", "volume", "price"];

/// Bytes by which a page is told from a table.
const HEAD: u64 = 16 << 10;

struct Deals {
    time: Column,
    deal: Column,
    symbol: Column,
    kind: Column,
    volume: Column,
    price: Column,
    order: Option<Column>,
    /// Commission and, in later versions, fee: below zero for what was paid.
    costs: [Option<Column>; 2],
    extra: Vec<Column>,
    east_seconds: i32,
    over: bool,
    balances: u64,
}

/// Opens a table or a page; `east_seconds` is the server's zone, where the operator said it.
pub(super) fn open(
    mut input: Input,
    east_seconds: Option<i32>,
) -> Result<Box<dyn AccountRows>, ReadError> {
    let mut head = Vec::new();
    (&mut input).take(HEAD).read_to_end(&mut head)?;
    let page = is_page(&head);
    let input: Input = Box::new(Cursor::new(head).chain(input));
    // Positions and orders stand above the deals.
    let table =
        if page { Table::open_page(input, HEADER)? } else { Table::open(input, HEADER, u64::MAX)? };
    bind(table, east_seconds)
}

fn bind(table: Table, east_seconds: Option<i32>) -> Result<Box<dyn AccountRows>, ReadError> {
    form::bind(table, |table, told| {
        if east_seconds.is_none() {
            let what = "the server's time zone is not in the file: its times are read as UTC; give \
                        --utc-offset";
            told.push_back(Told::notice(0, NoticeKind::TimeZone, what));
        }
        Ok(Deals {
            time: table.column(&["time"])?,
            deal: table.column(&["deal"])?,
            symbol: table.column(&["symbol"])?,
            kind: table.column(&["type"])?,
            volume: table.column(&["volume"])?,
            price: table.column(&["price"])?,
            order: table.optional(&["order"])?,
            costs: [table.optional(&["commission"])?, table.optional(&["fee"])?],
            extra: table.those_of(&["direction", "swap", "profit", "comment"])?,
            east_seconds: east_seconds.unwrap_or(0),
            over: false,
            balances: 0,
        })
    })
}

impl Form for Deals {
    fn row(&mut self, row: Row<'_>, told: &mut Waiting) -> Result<(), Fault> {
        // The sums below the deals have no number, and other tables may follow.
        if row.text(self.deal).is_empty() {
            self.over = true;
            return Ok(());
        }
        let Ok(side) = rows::side(row.text(self.kind)) else {
            let kind = row.text(self.kind);
            if kind.is_empty() || self.deal_number(row).is_err() {
                return Err(row.fault(self.kind, format!("{} is no type of a deal", quote(kind))));
            }
            // Deposits, credits, charges.
            self.balances += 1;
            return Ok(());
        };
        let time = row.time(self.time, times::civil)?;
        let time = times::shifted(time, self.east_seconds);
        let time = time.ok_or_else(|| row.fault(self.time, "out of range"))?;
        let mut paid: Option<i128> = None;
        for column in self.costs.iter().flatten() {
            if let Some(cost) = number_or_none(row, *column)? {
                let sum = paid.unwrap_or(0).checked_sub(cost.raw());
                paid = Some(sum.ok_or_else(|| row.fault(*column, "too large"))?);
            }
        }
        let mut extra = vec![("unit", "lots".to_owned())];
        extra.extend(row.all(&self.extra)?);
        let of = (row.needed(self.symbol)?, side);
        let positive = |column| above_zero(row, column, number_or_none(row, column)?);
        let traded = (positive(self.price)?, positive(self.volume)?);
        told.push_back(Told::Fill(Box::new(FillRow {
            fee: paid.map(Number::from_raw),
            trade_id: Some(self.deal_number(row)?),
            order_id: row.word(self.order)?,
            extra,
            ..FillRow::new((row.line, time), of, traded)
        })));
        Ok(())
    }

    fn end(&mut self, told: &mut Waiting) {
        if self.balances > 0 {
            let what = format!("{} deals are no trades: deposits, credits, charges", self.balances);
            told.push_back(Told::notices(0, NoticeKind::NoFact, self.balances, what));
        }
    }

    fn is_over(&self) -> bool {
        self.over
    }
}

impl Deals {
    fn deal_number(&self, row: Row<'_>) -> Result<String, Fault> {
        let deal = row.needed(self.deal)?;
        if deal.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(deal)
        } else {
            Err(row.fault(self.deal, format!("{} is no number", quote(&deal))))
        }
    }
}

/// Reads a number with blanks between its digits, as `4 101.093`.
fn number_or_none(row: Row<'_>, column: Column) -> Result<Option<Number>, Fault> {
    let text = row.text(column);
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.is_empty() {
        return Ok(None);
    }
    match Number::parse(&digits) {
        Ok(number) => Ok(Some(number.trimmed())),
        Err(error) => Err(row.fault(column, format!("{}: {error}", quote(text)))),
    }
}
