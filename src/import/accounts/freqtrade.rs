//! freqtrade's backtest results as JSON: `strategy.NAME.trades[]`, beside what the report itself
//! says that they add up to.
//!
//! All numbers were binary floats. Profits are worked out again from prices, amount and fee rates:
//! bought for `amount * open_rate * (1 + fee_open)`, sold for `amount * close_rate * (1 -
//! fee_close)`, the other way round for a short, and funding added. A trade with orders beyond one
//! entry and one exit has averages for prices, and is not worked out again.

use std::collections::{BTreeMap, VecDeque};

use super::form::{Waiting, checked};
use super::json::{Piece, Step, Walk};
use super::lines::Input;
use super::named::Named;
use super::number::Number;
use super::object::Object;
use super::rows::{
    AccountError, AccountRows, Fault, Notice, NoticeKind, Told, TripRow, WORD_MAX, quote,
};
use super::{times, trips};
use crate::event::{Exactness, Side};
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

pub(super) struct BacktestResult {
    walk: Walk,
    row: u64,
    tallies: BTreeMap<String, Tally>,
    waiting: Waiting,
    ended: bool,
}

pub(super) fn open(input: Input) -> Result<Box<dyn AccountRows>, AccountError> {
    Ok(Box::new(BacktestResult {
        walk: Walk::new(input, false)?,
        row: 0,
        tallies: BTreeMap::new(),
        waiting: VecDeque::new(),
        ended: false,
    }))
}

fn wanted(path: &[Step]) -> bool {
    match path {
        [first, _, third] => first.is("strategy") && COMPARED.iter().any(|name| third.is(name)),
        [first, _, third, Step::Place(_)] => first.is("strategy") && third.is("trades"),
        _ => false,
    }
}

impl AccountRows for BacktestResult {
    fn next(&mut self) -> Result<Option<Told>, AccountError> {
        loop {
            if let Some(told) = self.waiting.pop_front() {
                return Ok(Some(told));
            }
            if self.ended {
                return Ok(None);
            }
            match self.walk.next(wanted)? {
                Some(piece) => self.take(&piece)?,
                None => self.end()?,
            }
        }
    }
}

impl BacktestResult {
    fn take(&mut self, piece: &Piece) -> Result<(), Fault> {
        let strategy = piece.path[1].key().to_owned();
        if strategy.len() > WORD_MAX || self.tallies.len() > STRATEGIES_MAX {
            return Err(Fault::new(piece.place, "strategy", "too many, or too long a name"));
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
                self.waiting.push_back(Told::Bad { row, fault });
                return Ok(());
            }
        };
        let before = if tally.trades == 0 { Some(MoneyExact::ZERO) } else { tally.claimed };
        tally.trades += 1;
        tally.claimed = trip.claimed.as_ref().and_then(|claimed| trips::add(before, claimed));
        self.waiting.push_back(Told::Trip(Box::new(trip)));
        checked(&mut self.waiting);
        Ok(())
    }

    /// Compares what the trades add up to with what the report says.
    fn end(&mut self) -> Result<(), Fault> {
        self.ended = true;
        if self.tallies.is_empty() {
            return Err(Fault::new((1, 1), "strategy", "the report holds none"));
        }
        for (strategy, tally) in &self.tallies {
            let of = quote(strategy);
            let counted = tally.trades.to_string();
            if let Some(said) = tally.stated.get("total_trades")
                && *said != counted
            {
                let what =
                    format!("{of}: the report counts {} trades, it holds {counted}", quote(said));
                self.waiting.push_back(contradiction(what));
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
                self.waiting.push_back(contradiction(what));
            }
        }
        Ok(())
    }
}

fn contradiction(what: String) -> Told {
    Told::Notice(Notice { row: 0, kind: NoticeKind::Contradiction, count: 1, what })
}

/// Reads one trade of a report.
fn trip(trade: &Object<'_>, row: u64, strategy: String) -> Result<TripRow, Fault> {
    let open = trade.flag("is_open")?.unwrap_or(false);
    let entry_time = time(trade, "open_timestamp", "open_date")?
        .ok_or_else(|| trade.fault("open_date", "is missing"))?;
    let short = trade.flag("is_short")?.unwrap_or(false);
    let mut extra = Vec::new();
    for name in ["leverage", "funding_fees", "profit_ratio", "enter_tag", "buy_tag"] {
        extra.extend(trade.text(name)?.map(|said| (name, said)));
    }
    let mut trip = TripRow {
        row,
        id: None,
        symbol: trade.needed("pair")?,
        side: if short { Side::Sell } else { Side::Buy },
        entry_time,
        entry_price: trade.positive("open_rate")?,
        exit_time: time(trade, "close_timestamp", "close_date")?.filter(|_| !open),
        exit_price: trade.number("close_rate")?.filter(|_| !open),
        quantity: Some(trade.positive("amount")?),
        notional: trade.number("stake_amount")?,
        fees: None,
        claimed: trade.number("profit_abs")?,
        computed: None,
        agrees: None,
        open,
        exit_reason: word(trade, &["exit_reason", "sell_reason"])?,
        tag: word(trade, &["enter_tag", "buy_tag"])?,
        strategy: Some(strategy),
        exactness: Exactness::BinaryFloat,
        extra,
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
    let worked = trips::by_rates(trip, &entry_rate, &exit_rate).map_err(|e| e.to_string())?;
    let Some((fees, profit)) = worked else { return Ok(()) };
    let funding = Money::from_raw(funding.map_or(0, |funding| funding.raw()));
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

/// The first of these fields that says something.
fn word(trade: &Object<'_>, names: &[&'static str]) -> Result<Option<String>, Fault> {
    for name in names {
        if let Some(said) = trade.text(name)? {
            return Ok(Some(said));
        }
    }
    Ok(None)
}
