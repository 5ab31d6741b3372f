//! freqtrade's backtest results as JSON: `strategy.NAME.trades[]`, beside what the report itself
//! says that they add up to.
//!
//! All numbers were binary floats. Profits are worked out again from prices, amount and fee rates:
//! bought for `amount * open_rate * (1 + fee_open)`, sold for `amount * close_rate * (1 -
//! fee_close)`, the other way round for a short, and funding added. A trade with orders beyond one
//! entry and one exit has averages for prices, and is not worked out again.

use std::collections::BTreeMap;

use super::form::{Steps, Waiting, stepped};
use super::named::Named;
use super::object::Object;
use super::rows::{AccountRows, NoticeKind, Told, TripRow, WORD_MAX, quote};
use super::{times, trips};
use crate::event::Side;
use crate::import::json::{Piece, Step, Walk};
use crate::import::text::Input;
use crate::import::{Fault, Number, ReadError};
use crate::time::Timestamp;
use crate::units::{Money, MoneyExact};

/// Strategies that one report may hold.
const STRATEGIES_MAX: usize = 4_096;
/// Figures of the report that are compared with the trades.
const COMPARED: [&str; 2] = ["total_trades", "profit_total_abs"];

/// What the trades of one strategy add up to, and what the report says.
#[derive(Default)]
struct Tally {
    trades: u64,
    claimed: Option<MoneyExact>,
    stated: BTreeMap<String, String>,
}

struct BacktestResult {
    walk: Walk,
    row: u64,
    tallies: BTreeMap<String, Tally>,
}

pub(super) fn open(input: Input) -> Result<Box<dyn AccountRows>, ReadError> {
    let (walk, tallies) = (Walk::new(input, false)?, BTreeMap::new());
    Ok(stepped(BacktestResult { walk, row: 0, tallies }, Waiting::new()))
}

fn wanted(path: &[Step]) -> bool {
    match path {
        [first, _, third] => first.is("strategy") && COMPARED.iter().any(|name| third.is(name)),
        [first, _, third, Step::Place(_)] => first.is("strategy") && third.is("trades"),
        _ => false,
    }
}

impl Steps for BacktestResult {
    fn step(&mut self, told: &mut Waiting) -> Result<bool, ReadError> {
        let piece = self.walk.next(wanted)?;
        match &piece {
            Some(piece) => self.take(piece, told)?,
            None => self.end(told)?,
        }
        Ok(piece.is_some())
    }
}

impl BacktestResult {
    fn take(&mut self, piece: &Piece, told: &mut Waiting) -> Result<(), Fault> {
        let strategy = piece.path[1].key().to_owned();
        if strategy.len() > WORD_MAX || self.tallies.len() > STRATEGIES_MAX {
            return Err(Fault::placed(piece.place, "strategy", "too many, or too long a name"));
        }
        let tally = self.tallies.entry(strategy.clone()).or_default();
        if piece.path.len() == 3 {
            let text = String::from_utf8_lossy(&piece.text).into_owned();
            tally.stated.insert(piece.path[2].key().to_owned(), text);
            return Ok(());
        }
        self.row += 1;
        let row = self.row;
        let trip = match Object::of(piece).and_then(|trade| trip(&trade, row, strategy)) {
            Ok(trip) => trip,
            Err(fault) => {
                told.push_back(Told::Bad { row, fault });
                return Ok(());
            }
        };
        let before = if tally.trades == 0 { Some(MoneyExact::ZERO) } else { tally.claimed };
        tally.trades += 1;
        tally.claimed = trip.claimed.and_then(|claimed| trips::add(before, claimed));
        told.push_back(Told::Trip(Box::new(trip)));
        Ok(())
    }

    /// Compares what the trades add up to with what the report says.
    fn end(&self, told: &mut Waiting) -> Result<(), Fault> {
        if self.tallies.is_empty() {
            return Err(Fault::placed((1, 1), "strategy", "the report holds none"));
        }
        for (strategy, tally) in &self.tallies {
            let of = quote(strategy);
            let counted = tally.trades.to_string();
            if let Some(said) = tally.stated.get("total_trades")
                && *said != counted
            {
                let what =
                    format!("{of}: the report counts {} trades, it holds {counted}", quote(said));
                told.push_back(Told::notice(0, NoticeKind::Contradiction, what));
            }
            let sum = if tally.trades == 0 { Some(MoneyExact::ZERO) } else { tally.claimed };
            let said = tally.stated.get("profit_total_abs").and_then(|said| trips::stated(said));
            let (Some(said), Some(sum)) = (said, sum) else { continue };
            // Floats were added up and printed; both lose a little with each trade.
            let slack = 10_000 * i128::from(tally.trades.max(1));
            let apart = said.rounded().raw().checked_sub(sum.rounded().raw());
            if apart.is_none_or(|apart| apart.abs() > slack) {
                let what =
                    format!("{of}: the report says a profit of {said}, its trades claim {sum}");
                told.push_back(Told::notice(0, NoticeKind::Contradiction, what));
            }
        }
        Ok(())
    }
}

/// Reads one trade of a report.
fn trip(trade: &Object<'_>, row: u64, strategy: String) -> Result<TripRow, Fault> {
    let open = trade.flag("is_open")?.unwrap_or(false);
    let entry_time = time(trade, "open_timestamp", "open_date")?
        .ok_or_else(|| trade.fault("open_date", "is missing"))?;
    let short = trade.flag("is_short")?.unwrap_or(false);
    let of = (trade.needed("pair")?, if short { Side::Sell } else { Side::Buy });
    let mut trip = TripRow {
        exit_time: time(trade, "close_timestamp", "close_date")?.filter(|_| !open),
        exit_price: trade.number("close_rate")?.filter(|_| !open),
        quantity: Some(trade.positive("amount")?),
        notional: trade.number("stake_amount")?,
        claimed: trade.number("profit_abs")?,
        open,
        exit_reason: trade.text(trade.either("exit_reason", "sell_reason")?)?,
        tag: trade.text(trade.either("enter_tag", "buy_tag")?)?,
        strategy: Some(strategy),
        extra: trade.all(&["leverage", "funding_fees", "profit_ratio", "enter_tag", "buy_tag"])?,
        ..TripRow::new(row, of, (entry_time, trade.positive("open_rate")?))
    };
    let rates = (trade.number("fee_open")?, trade.number("fee_close")?);
    let orders = trade.objects("orders")?.len();
    if orders <= 2 {
        let funding = trade.number("funding_fees")?;
        finish(&mut trip, rates, funding).map_err(|what| trade.fault("amount", what))?;
    }
    Ok(trip)
}

/// Works fees and profit out, and compares the claim with them.
pub(super) fn finish(
    trip: &mut TripRow,
    rates: (Option<Number>, Option<Number>),
    funding: Option<Number>,
) -> Result<(), String> {
    let (Some(entry_rate), Some(exit_rate)) = rates else { return Ok(()) };
    let worked = trips::by_rates(trip, entry_rate, exit_rate).map_err(|e| e.to_string())?;
    let Some((fees, profit)) = worked else { return Ok(()) };
    let funding = Money::from_raw(funding.map_or(0, Number::raw));
    let exact = funding.exact().and_then(|funding| profit.plus(funding));
    trip.computed = Some(exact.map_err(|error| error.to_string())?);
    trip.fees = Some(Number::from_raw(fees.raw()));
    trip.agrees = trips::agrees(trip);
    Ok(())
}

/// Milliseconds where they are there, else the date as text.
fn time(
    trade: &Object<'_>,
    number: &'static str,
    date: &'static str,
) -> Result<Option<Timestamp>, Fault> {
    match trade.time(number, times::milliseconds)? {
        Some(time) => Ok(Some(time)),
        None => trade.time(date, times::civil),
    }
}
