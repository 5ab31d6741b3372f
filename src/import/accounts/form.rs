//! What the tables of venues have in common: a reader of one row, and checks of what it gives.

use std::collections::VecDeque;

use super::lines::Input;
use super::number::Number;
use super::rows::{
    AccountError, AccountRows, Fault, FillRow, Notice, NoticeKind, Told, TripRow, quote,
};
use super::table::{Column, Row, Table};
use super::trips;
use crate::event::Side;
use crate::units::{Price, Quantity};

/// Lines before the header that are passed over.
const TITLE_LINES_MAX: u64 = 8;

/// How one venue's rows are read.
pub(super) trait Form {
    /// Reads a row; appends what it tells.
    fn row(&mut self, row: Row<'_>, told: &mut Waiting) -> Result<(), Fault>;

    /// Says at the end what there is to say of all rows.
    fn end(&mut self, _told: &mut Waiting) {}

    /// Whether nothing of this table follows.
    fn is_over(&self) -> bool {
        false
    }
}

/// What one row tells.
pub(super) type Waiting = VecDeque<Told>;

/// The rows of a table in the form of one venue.
pub(super) struct TableRows<F> {
    table: Table,
    form: F,
    waiting: Waiting,
    ended: bool,
}

impl<F: Form> TableRows<F> {
    /// Opens a table whose header has all these names.
    pub(super) fn open(
        input: Input,
        names: &[&str],
        bind: impl FnOnce(&mut Table, &mut Waiting) -> Result<F, Fault>,
    ) -> Result<Self, AccountError> {
        Self::bind(Table::open(input, names, TITLE_LINES_MAX)?, bind)
    }

    /// Binds the columns of a table that is open.
    pub(super) fn bind(
        mut table: Table,
        bind: impl FnOnce(&mut Table, &mut Waiting) -> Result<F, Fault>,
    ) -> Result<Self, AccountError> {
        let mut waiting = VecDeque::new();
        let form = bind(&mut table, &mut waiting)?;
        waiting.extend(table.unread().map(Told::Notice));
        Ok(Self { table, form, waiting, ended: false })
    }
}

impl<F: Form> AccountRows for TableRows<F> {
    fn next(&mut self) -> Result<Option<Told>, AccountError> {
        loop {
            if let Some(told) = self.waiting.pop_front() {
                return Ok(Some(told));
            }
            if self.ended {
                return Ok(None);
            }
            let Some(row) = self.table.next_row()? else {
                self.ended = true;
                self.form.end(&mut self.waiting);
                continue;
            };
            if row.is_blank() || self.form.is_over() {
                continue;
            }
            let line = row.line;
            match self.form.row(row, &mut self.waiting) {
                Ok(()) => checked(&mut self.waiting),
                Err(fault) => self.waiting.push_back(Told::Bad { row: line, fault }),
            }
        }
    }
}

/// Adds the notices that facts call for: amounts that contradict each other, trades that are open.
pub(super) fn checked(waiting: &mut Waiting) {
    let mut notices = Vec::new();
    for told in waiting.iter() {
        match told {
            Told::Fill(fill) => notices.extend(notices_of_fill(fill)),
            Told::Trip(trip) => notices.extend(notices_of_trip(trip)),
            Told::Entry(_) | Told::Notice(_) | Told::Bad { .. } => {}
        }
    }
    waiting.extend(notices.into_iter().map(Told::Notice));
}

fn notices_of_fill(fill: &FillRow) -> Vec<Notice> {
    let mut notices = Vec::new();
    if let Some(said) = &fill.quote
        && !is_about(&fill.price, &fill.quantity, said)
    {
        let what = format!(
            "the quote amount is {said}, and price times quantity is something else: {} * {}",
            fill.price, fill.quantity
        );
        notices.push(Notice { row: fill.row, kind: NoticeKind::Contradiction, count: 1, what });
    }
    notices
}

fn notices_of_trip(trip: &TripRow) -> Vec<Notice> {
    let mut notices = Vec::new();
    if trip.open {
        let what = format!("{} is open still: it is no closed trade", quote(&trip.symbol));
        notices.push(Notice { row: trip.row, kind: NoticeKind::Open, count: 1, what });
    }
    if trip.exit_time.is_some_and(|exit| exit < trip.entry_time) {
        let what = "it ends before it begins".to_owned();
        notices.push(Notice { row: trip.row, kind: NoticeKind::Contradiction, count: 1, what });
    }
    if let (Some(false), Some(claimed), Some(computed)) =
        (trip.agrees, &trip.claimed, &trip.computed)
    {
        let before_fees =
            if trips::leaves_fees_out(trip) { ": the claim leaves fees out" } else { "" };
        let what = format!(
            "profit {claimed} is claimed, and {computed} follows from its figures{before_fees}"
        );
        notices.push(Notice { row: trip.row, kind: NoticeKind::Contradiction, count: 1, what });
    }
    notices
}

/// Whether an amount is price times quantity, up to what venues round: a thousandth, or 10^-6.
/// Amounts of another currency, or scaled by a contract's size, are further away.
fn is_about(price: &Number, quantity: &Number, said: &Number) -> bool {
    let (price, quantity) = (Price::from_raw(price.raw()), Quantity::from_raw(quantity.raw()));
    let Ok(product) = price.times(quantity) else { return true };
    let (product, said) = (product.rounded().raw(), said.raw());
    let slack = (said.abs() / 1_000).max(1_000_000);
    (product - said).abs() <= slack
}

/// Reads `buy` or `sell` in any case.
pub(super) fn side(row: Row<'_>, column: Column) -> Result<Side, Fault> {
    let text = row.text(column);
    side_of(text)
        .ok_or_else(|| row.fault(column, format!("{} is neither buy nor sell", quote(text))))
}

/// Reads `buy` or `sell` in any case.
pub(super) fn side_of(text: &str) -> Option<Side> {
    if text.eq_ignore_ascii_case("buy") {
        Some(Side::Buy)
    } else if text.eq_ignore_ascii_case("sell") {
        Some(Side::Sell)
    } else {
        None
    }
}

/// Refuses a price or an amount that is not above zero.
pub(super) fn positive(row: Row<'_>, column: Column) -> Result<Number, Fault> {
    let number = row.number(column)?;
    if number.raw() > 0 { Ok(number) } else { Err(row.fault(column, "is not above zero")) }
}
