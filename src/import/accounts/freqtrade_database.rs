//! freqtrade's SQLite file: `trades` as round trips, and the filled part of `orders` as fills.
//!
//! What is open still (a trade, an order that fills) will say something else later, under the same
//! name: it is told, and goes in when it is over. All its numbers are binary floats. Older versions
//! call the exit reason `sell_reason`; a trade with more orders than one entry and one exit has
//! averages for prices, and is not worked out again.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;

use super::database::{TableReader, TableRow, columns_of, connect};
use super::form::{Steps, Waiting, note, stepped};
use super::named::Named;
use super::rows::{AccountRows, FillRow, NoticeKind, Told, TripRow, quote};
use super::{freqtrade, times};
use crate::event::{Exactness, Side};
use crate::import::{Fault, Number, ReadError};

const TRADES: &[&str] = &[
    "id",
    "exchange",
    "pair",
    "base_currency",
    "stake_currency",
    "is_open",
    "fee_open",
    "fee_close",
    "open_rate",
    "close_rate",
    "close_profit_abs",
    "realized_profit",
    "stake_amount",
    "amount",
    "open_date",
    "close_date",
    "exit_reason",
    "sell_reason",
    "strategy",
    "enter_tag",
    "buy_tag",
    "timeframe",
    "contract_size",
    "leverage",
    "is_short",
    "funding_fees",
];
const ORDERS: &[&str] = &[
    "ft_trade_id",
    "ft_order_side",
    "ft_pair",
    "ft_is_open",
    "order_id",
    "status",
    "symbol",
    "order_type",
    "side",
    "price",
    "average",
    "amount",
    "filled",
    "cost",
    "order_date",
    "order_filled_date",
    "ft_order_tag",
];
/// Trades whose orders are counted.
const COUNTED_MAX: usize = 4_000_000;

struct Database {
    connection: Connection,
    trades: TableReader,
    orders: Option<TableReader>,
    /// How many filled orders a trade has.
    filled: BTreeMap<i64, u8>,
    unfilled: u64,
    trades_over: bool,
}

pub(super) fn open(path: &Path) -> Result<Box<dyn AccountRows>, ReadError> {
    let connection = connect(path)?;
    let no_table = || ReadError::Database("there is no table `trades`".to_owned());
    let there = columns_of(&connection, "trades")?.ok_or_else(no_table)?;
    for name in ["id", "pair", "is_open", "open_rate", "amount", "open_date"] {
        if !there.iter().any(|own| own == name) {
            let reason = format!("the table `trades` has no column `{name}`");
            return Err(ReadError::Database(reason));
        }
    }
    let mut waiting = Waiting::new();
    tell_unread("trades", &there, TRADES, &mut waiting);
    let trades = TableReader::new("trades", &there, TRADES);
    let (mut orders, mut filled) = (None, BTreeMap::new());
    if let Some(there) = columns_of(&connection, "orders")? {
        tell_unread("orders", &there, ORDERS, &mut waiting);
        filled = count_filled(&connection, &there)?;
        orders = Some(TableReader::new("orders", &there, ORDERS));
    }
    let (unfilled, trades_over) = (0, false);
    let database = Database { connection, trades, orders, filled, unfilled, trades_over };
    Ok(stepped(database, waiting))
}

fn tell_unread(table: &str, there: &[String], read: &[&str], waiting: &mut Waiting) {
    let unread = there.iter().filter(|name| !read.contains(&name.as_str())).map(|name| quote(name));
    let unread: Vec<String> = unread.collect();
    if !unread.is_empty() {
        let what = format!("columns of {table} that are not imported: {}", unread.join(", "));
        waiting.push_back(Told::notice(0, NoticeKind::Unread, what));
    }
}

/// Counts the filled orders of each trade.
fn count_filled(connection: &Connection, there: &[String]) -> Result<BTreeMap<i64, u8>, ReadError> {
    let mut filled: BTreeMap<i64, u8> = BTreeMap::new();
    let mut reader = TableReader::new("orders", there, &["ft_trade_id", "filled"]);
    while let Some(row) = reader.next(connection)? {
        let trade = row.text("ft_trade_id")?.and_then(|id| id.parse().ok());
        let Some(trade) = trade else { continue };
        if row.number("filled")?.is_some_and(|filled| filled.raw() > 0) {
            let count = filled.entry(trade).or_default();
            *count = count.saturating_add(1);
        }
        if filled.len() > COUNTED_MAX {
            return Err(ReadError::Database(format!("orders of over {COUNTED_MAX} trades")));
        }
    }
    Ok(filled)
}

impl Steps for Database {
    fn step(&mut self, told: &mut Waiting) -> Result<bool, ReadError> {
        if !self.trades_over {
            match self.trades.next(&self.connection)? {
                Some(row) => note(self.trade(&row, told), row.row(), told),
                None => self.trades_over = true,
            }
            return Ok(true);
        }
        let order = match &mut self.orders {
            Some(orders) => orders.next(&self.connection)?,
            None => None,
        };
        if let Some(row) = order {
            note(self.order(&row, told), row.row(), told);
            return Ok(true);
        }
        if self.unfilled > 0 {
            let what = format!("{} orders are open, or were not filled", self.unfilled);
            told.push_back(Told::notices(0, NoticeKind::NoFact, self.unfilled, what));
        }
        Ok(false)
    }
}

impl Database {
    fn trade(&self, trade: &TableRow, told: &mut Waiting) -> Result<(), Fault> {
        let open = trade.flag("is_open")?;
        if open {
            let (pair, id) = (trade.needed("pair")?, trade.needed("id")?);
            let (amount, rate) = (trade.positive("amount")?, trade.positive("open_rate")?);
            let what = format!(
                "trade {} is open still: {amount} of {} at {rate}; it goes in when it is closed",
                quote(&id),
                quote(&pair)
            );
            told.push_back(Told::notice(trade.row(), NoticeKind::NoFact, what));
            return Ok(());
        }
        let more = [
            "exchange",
            "stake_currency",
            "leverage",
            "funding_fees",
            "contract_size",
            "realized_profit",
            "timeframe",
        ];
        let side = if trade.flag("is_short")? { Side::Sell } else { Side::Buy };
        let of = (trade.needed("pair")?, side);
        let entry = (trade.needed_time("open_date", times::civil)?, trade.positive("open_rate")?);
        let mut trip = TripRow {
            id: trade.text("id")?,
            exit_time: trade.time("close_date", times::civil)?,
            exit_price: trade.number("close_rate")?,
            quantity: Some(trade.positive("amount")?),
            notional: trade.number("stake_amount")?,
            claimed: trade.number("close_profit_abs")?,
            exit_reason: trade.text(trade.either("exit_reason", "sell_reason")?)?,
            tag: trade.text(trade.either("enter_tag", "buy_tag")?)?,
            strategy: trade.text("strategy")?,
            extra: trade.all(&more)?,
            ..TripRow::new(trade.row(), of, entry)
        };
        let one = Number::from_raw(1_000_000_000_000);
        let plain = trade.number("contract_size")?.is_none_or(|size| size == one);
        let orders = self.filled.get(&trade.id()).copied().unwrap_or(0);
        if plain && orders <= 2 {
            let rates = (trade.number("fee_open")?, trade.number("fee_close")?);
            let funding = trade.number("funding_fees")?;
            let done = freqtrade::finish(&mut trip, rates, funding);
            done.map_err(|what| trade.fault("amount", what))?;
        }
        told.push_back(Told::Trip(Box::new(trip)));
        Ok(())
    }

    fn order(&mut self, order: &TableRow, told: &mut Waiting) -> Result<(), Fault> {
        let none = order.number("filled")?.is_none_or(|filled| filled.raw() <= 0);
        if none || order.flag("ft_is_open")? {
            self.unfilled += 1;
            return Ok(());
        }
        let side = order.side(order.either("side", "ft_order_side")?)?;
        let time = order.either("order_filled_date", "order_date")?;
        let time = order.needed_time(time, times::civil)?;
        let symbol = order.needed(order.either("symbol", "ft_pair")?)?;
        let price = order.either("average", "price")?;
        let traded = (order.positive(price)?, order.positive("filled")?);
        told.push_back(Told::Fill(Box::new(FillRow {
            quote: order.number("cost")?,
            order_id: order.text("order_id")?,
            exactness: Exactness::BinaryFloat,
            extra: order.all(&["ft_trade_id", "order_type", "status", "ft_order_tag"])?,
            ..FillRow::new((order.row(), time), (symbol, side), traded)
        })));
        Ok(())
    }
}
