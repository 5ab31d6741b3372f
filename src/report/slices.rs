//! The closed trades by pair, strategy, trigger, reason of exit, and one by one.

use std::collections::BTreeMap;

use super::returns::{Closes, profit_factor};
use super::statistics::{mean, quotient, sum};
use super::table::{COUNT, Cell, MONEY, NUMBER, SECONDS, SHARE, TEXT, Table};
use super::trades::TradeFigures;
use super::words::minute;
use super::{drawdown::Drawdowns, metrics::compounded};
use crate::event::{OrderReason, TradeClosed};
use crate::registries::TradeEntry;

/// Trades that the page lists one by one; JSON has all of them.
pub(super) const TRADES_LISTED: usize = 100;

/// Returns the tables of closed trades by what they have in common.
pub(super) fn trade_slices(trades: &[&TradeEntry]) -> Vec<Table> {
    type Name = fn(&TradeClosed) -> String;
    let slices: [([&'static str; 3], Name); 4] = [
        (["by_pair", "By pair", "Pair"], |trade| trade.symbol.clone()),
        (["by_strategy", "By strategy", "Strategy"], |trade| trade.strategy.clone()),
        (["by_trigger", "By trigger", "Trigger"], |trade| {
            let named = trade.trigger.map_or("none recorded", |trigger| trigger.name());
            named.replace('_', " ")
        }),
        (["by_exit", "By reason of exit", "Reason"], |trade| reason(trade.exit.reason).to_owned()),
    ];
    slices.map(|(named, of)| slice(named, trades, of)).into()
}

const fn reason(reason: OrderReason) -> &'static str {
    match reason {
        OrderReason::Signal => "signal",
        OrderReason::Ghost => "ghost",
        OrderReason::Horizon => "holding time over",
        OrderReason::TakeProfit => "target reached",
        OrderReason::Stop => "stop",
        OrderReason::Operator => "operator",
    }
}

fn slice(
    [name, title, column]: [&'static str; 3],
    trades: &[&TradeEntry],
    of: fn(&TradeClosed) -> String,
) -> Table {
    let columns = [
        (column, TEXT),
        ("Trades", COUNT),
        ("Win rate", SHARE),
        ("Net", MONEY),
        ("Fees", MONEY),
        ("Mean of stake", SHARE),
        ("Best", SHARE),
        ("Worst", SHARE),
        ("Profit factor", NUMBER),
        ("Mean time held", SECONDS),
    ];
    let mut table = Table::new(name, title, &columns);
    let mut groups: BTreeMap<String, Vec<TradeFigures>> = BTreeMap::new();
    for entry in trades {
        groups.entry(of(&entry.trade)).or_default().push(TradeFigures::from(&entry.trade));
    }
    table.rows = groups.into_iter().map(|(name, group)| slice_row(name, &group)).collect();
    if table.rows.is_empty() {
        table.note = "No trade was closed.".to_owned();
    }
    table
}

fn slice_row(name: String, group: &[TradeFigures]) -> Vec<Cell> {
    let nets: Vec<f64> = group.iter().map(|trade| trade.net).collect();
    let shares: Vec<f64> = group.iter().filter_map(TradeFigures::net_return).collect();
    let fees: Vec<f64> = group.iter().map(|trade| trade.fees).collect();
    let lengths: Vec<f64> = group.iter().map(TradeFigures::seconds).collect();
    let won = nets.iter().filter(|net| **net > 0.0).count();
    vec![
        name.into(),
        (group.len() as u64).into(),
        quotient(won as f64, group.len() as f64).into(),
        sum(&nets).into(),
        sum(&fees).into(),
        mean(&shares).into(),
        shares.iter().copied().reduce(f64::max).into(),
        shares.iter().copied().reduce(f64::min).into(),
        profit_factor(&nets).into(),
        mean(&lengths).into(),
    ]
}

/// Returns the newest trades, one a row.
pub(super) fn newest_trades(trades: &[&TradeEntry]) -> Table {
    let columns = [
        ("Trade", COUNT),
        ("Hash", TEXT),
        ("Pair", TEXT),
        ("Side", TEXT),
        ("Quantity", TEXT),
        ("Entry", TEXT),
        ("at", TEXT),
        ("Exit", TEXT),
        ("at", TEXT),
        ("Net", MONEY),
        ("of stake", SHARE),
    ];
    let rows = trades.iter().rev().take(TRADES_LISTED).map(|entry| {
        let trade = &entry.trade;
        let figures = TradeFigures::from(trade);
        let side = if figures.long { "long" } else { "short" };
        vec![
            trade.trade.into(),
            entry.hash.short().into(),
            trade.symbol.as_str().into(),
            side.into(),
            trade.quantity.to_string().into(),
            minute(trade.entry.time).into(),
            trade.entry.price.to_string().into(),
            minute(trade.exit.time).into(),
            trade.exit.price.to_string().into(),
            figures.net.into(),
            figures.net_return().into(),
        ]
    });
    let mut table = Table::new("newest_trades", "Newest trades", &columns);
    table.rows = rows.collect();
    let all = trades.len();
    table.note = match all {
        0 => "No trade was closed.".to_owned(),
        _ if all > TRADES_LISTED => format!("The newest {TRADES_LISTED} of {all}."),
        _ => String::new(),
    };
    table
}

/// Returns the deepest falls of equity, measured at every close.
pub(super) fn deepest_falls(falls: &Drawdowns) -> Table {
    let columns = [
        ("Depth", SHARE),
        ("Peak", TEXT),
        ("Lowest", TEXT),
        ("Recovered", TEXT),
        ("Lasted", SECONDS),
    ];
    let mut table = Table::new("worst_drawdowns", "Worst five drawdowns", &columns);
    let rows = falls.worst().into_iter().map(|fall| {
        let recovered = fall.recovered.map_or("not yet".to_owned(), minute);
        vec![
            fall.depth.into(),
            minute(fall.peak).into(),
            minute(fall.bottom).into(),
            recovered.into(),
            fall.seconds().into(),
        ]
    });
    table.rows = rows.collect();
    table.note = if table.rows.is_empty() {
        "Equity never fell below an earlier peak.".to_owned()
    } else {
        "Measured at every close, not only at the ends of days.".to_owned()
    };
    table
}

/// Returns the return of each month; its rows are years, its columns months and the year.
pub(super) fn months(closes: &Closes) -> Table {
    let columns = [
        ("Year", TEXT),
        ("Jan", SHARE),
        ("Feb", SHARE),
        ("Mar", SHARE),
        ("Apr", SHARE),
        ("May", SHARE),
        ("Jun", SHARE),
        ("Jul", SHARE),
        ("Aug", SHARE),
        ("Sep", SHARE),
        ("Oct", SHARE),
        ("Nov", SHARE),
        ("Dec", SHARE),
        ("Year", SHARE),
    ];
    let mut table = Table::new("months", "Returns by month", &columns);
    let returns = closes.returns().unwrap_or_default();
    let years = compounded(closes, &returns, 4);
    let months = compounded(closes, &returns, 7);
    for (year, whole) in years {
        let mut row = vec![Cell::Nothing; columns.len()];
        row[0] = year.as_str().into();
        row[13] = whole.into();
        for (name, value) in months.iter().filter(|(name, _)| name.starts_with(year.as_str())) {
            let month = name.get(5..7).and_then(|month| month.parse::<usize>().ok());
            if let Some(cell) = month.and_then(|month| row.get_mut(month)) {
                *cell = (*value).into();
            }
        }
        table.rows.push(row);
    }
    table.note = match table.rows.is_empty() {
        true => "There is no return: nothing was measured, or equity was not positive.".to_owned(),
        false => "Compounded; the first and the last month may be begun ones.".to_owned(),
    };
    table
}
