//! What readers have in common: steps that tell something, tables of one row a step, and checks of
//! what is told.

use std::collections::VecDeque;

use super::rows::{self, AccountRows, FillRow, NoticeKind, Told, TripRow, quote};
use super::table::{Column, Row, Table};
use super::trips;
use crate::event::Side;
use crate::import::text::Input;
use crate::import::{Fault, Number, ReadError};

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

/// What was told and not given out yet.
pub(super) type Waiting = VecDeque<Told>;

/// A file that is read a step at a time.
pub(super) trait Steps {
    /// Reads on and appends what that tells; false at the end.
    fn step(&mut self, told: &mut Waiting) -> Result<bool, ReadError>;
}

/// Gives out what the steps tell, one at a time, each fact checked.
struct Stepped<S> {
    steps: S,
    waiting: Waiting,
    ended: bool,
}

/// Makes the rows of a file that is read in steps, of which something was told already.
pub(super) fn stepped(steps: impl Steps + 'static, waiting: Waiting) -> Box<dyn AccountRows> {
    Box::new(Stepped { steps, waiting, ended: false })
}

impl<S: Steps> AccountRows for Stepped<S> {
    fn next(&mut self) -> Result<Option<Told>, ReadError> {
        loop {
            if let Some(told) = self.waiting.pop_front() {
                return Ok(Some(told));
            }
            if self.ended {
                return Ok(None);
            }
            self.ended = !self.steps.step(&mut self.waiting)?;
            checked(&mut self.waiting);
        }
    }
}

/// Tells of a row that cannot be taken.
pub(super) fn note(read: Result<(), Fault>, row: u64, told: &mut Waiting) {
    told.extend(read.err().map(|fault| Told::Bad { row, fault }));
}

/// The rows of a table in the form of one venue.
struct TableRows<F> {
    table: Table,
    form: F,
}

/// Opens a table whose header has all these names.
pub(super) fn open<F: Form + 'static>(
    input: Input,
    names: &[&str],
    bind: impl FnOnce(&mut Table, &mut Waiting) -> Result<F, Fault>,
) -> Result<Box<dyn AccountRows>, ReadError> {
    self::bind(Table::open(input, names, TITLE_LINES_MAX)?, bind)
}

/// Binds the columns of a table that is open.
pub(super) fn bind<F: Form + 'static>(
    mut table: Table,
    bind: impl FnOnce(&mut Table, &mut Waiting) -> Result<F, Fault>,
) -> Result<Box<dyn AccountRows>, ReadError> {
    let mut waiting = Waiting::new();
    let form = bind(&mut table, &mut waiting)?;
    waiting.extend(table.unread());
    Ok(stepped(TableRows { table, form }, waiting))
}

impl<F: Form> Steps for TableRows<F> {
    fn step(&mut self, told: &mut Waiting) -> Result<bool, ReadError> {
        let Some(row) = self.table.next_row()? else {
            self.form.end(told);
            return Ok(false);
        };
        if !row.is_blank() && !self.form.is_over() {
            let line = row.line;
            let read = self.form.row(row, told);
            note(read, line, told);
        }
        Ok(true)
    }
}

/// Adds the notices that facts call for: amounts that contradict each other, trades that are open.
fn checked(waiting: &mut Waiting) {
    let mut notices = Vec::new();
    for told in waiting.iter() {
        match told {
            Told::Fill(fill) => notices.extend(notice_of_fill(fill)),
            Told::Trip(trip) => notices_of_trip(trip, &mut notices),
            Told::Bust(_) | Told::Entry(_) | Told::Notice(_) | Told::Bad { .. } => {}
        }
    }
    waiting.extend(notices);
}

fn notice_of_fill(fill: &FillRow) -> Option<Told> {
    let said = fill.quote.filter(|said| !is_about(fill.price, fill.quantity, *said))?;
    let what = format!(
        "the quote amount is {said}, and price times quantity is something else: {} * {}",
        fill.price, fill.quantity
    );
    Some(Told::notice(fill.row, NoticeKind::Contradiction, what))
}

fn notices_of_trip(trip: &TripRow, notices: &mut Vec<Told>) {
    let mut tell = |kind, what: String| notices.push(Told::notice(trip.row, kind, what));
    if trip.open {
        let symbol = quote(&trip.symbol);
        tell(NoticeKind::Open, format!("{symbol} is open still: it is no closed trade"));
    }
    if trip.exit_time.is_some_and(|exit| exit < trip.entry_time) {
        tell(NoticeKind::Contradiction, "it ends before it begins".to_owned());
    }
    if let (Some(false), Some(claimed), Some(computed)) = (trip.agrees, trip.claimed, trip.computed)
    {
        let before_fees =
            if trips::leaves_fees_out(trip) { ": the claim leaves fees out" } else { "" };
        let what = format!(
            "profit {claimed} is claimed, and {computed} follows from its figures{before_fees}"
        );
        tell(NoticeKind::Contradiction, what);
    }
}

/// Whether an amount is price times quantity, up to what venues round: a thousandth, or 10^-6.
/// Amounts of another currency, or scaled by a contract's size, are further away.
fn is_about(price: Number, quantity: Number, said: Number) -> bool {
    let Ok(product) = price.price().times(quantity.quantity()) else { return true };
    let (product, said) = (product.rounded().raw(), said.raw());
    let slack = (said.abs() / 1_000).max(1_000_000);
    (product - said).abs() <= slack
}

/// Reads `buy` or `sell` in any case.
pub(super) fn side(row: Row<'_>, column: Column) -> Result<Side, Fault> {
    rows::side(row.text(column)).map_err(|reason| row.fault(column, reason))
}

/// Refuses a price or an amount that is not above zero.
pub(super) fn positive(row: Row<'_>, column: Column) -> Result<Number, Fault> {
    above_zero(row, column, Some(row.number(column)?))
}

/// Refuses a number of a cell that is not above zero.
pub(super) fn above_zero(
    row: Row<'_>,
    column: Column,
    number: Option<Number>,
) -> Result<Number, Fault> {
    let number = number.ok_or("is not above zero").and_then(rows::above_zero);
    number.map_err(|reason| row.fault(column, reason))
}
