//! freqtrade's SQLite file: `trades` as round trips, and the filled part of `orders` as fills.
//!
//! What is open still (a trade, an order that fills) will say something else later, under the same
//! name: it is told, and goes in when it is over. All its numbers are binary floats. Older versions
//! call the exit reason `sell_reason`; a trade with more orders than one entry and one exit has
//! averages for prices, and is not worked out again.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use rusqlite::Connection;

use super::database::{TableReader, TableRow, columns_of, connect};
use super::form::{Waiting, checked, side_of};
use super::named::Named;
use super::number::Number;
use super::rows::{
    AccountError, AccountRows, Fault, FillRow, Notice, NoticeKind, Told, TripRow, quote,
};
use super::{freqtrade, times};
use crate::event::{Exactness, Side};

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
    waiting: Waiting,
    /// Which table is being read: trades, orders, none.
    stage: u8,
}

pub(super) fn open(path: &Path) -> Result<Box<dyn AccountRows>, AccountError> {
    let connection = connect(path)?;
    let no_table = || AccountError::Database("there is no table `trades`".to_owned());
    let there = columns_of(&connection, "trades")?.ok_or_else(no_table)?;
    for name in ["id", "pair", "is_open", "open_rate", "amount", "open_date"] {
        if !there.iter().any(|own| own == name) {
            let reason = format!("the table `trades` has no column `{name}`");
            return Err(AccountError::Database(reason));
        }
    }
    let mut waiting = VecDeque::new();
    tell_unread("trades", &there, TRADES, &mut waiting);
    let trades = TableReader::new("trades", &there, TRADES);
    let (mut orders, mut filled) = (None, BTreeMap::new());
    if let Some(there) = columns_of(&connection, "orders")? {
        tell_unread("orders", &there, ORDERS, &mut waiting);
        filled = count_filled(&connection, &there)?;
        orders = Some(TableReader::new("orders", &there, ORDERS));
    }
    Ok(Box::new(Database { connection, trades, orders, filled, unfilled: 0, waiting, stage: 0 }))
}

fn tell_unread(table: &str, there: &[String], read: &[&str], waiting: &mut Waiting) {
    let unread = there.iter().filter(|name| !read.contains(&name.as_str())).map(|name| quote(name));
    let unread: Vec<String> = unread.collect();
    if !unread.is_empty() {
        let what = format!("columns of {table} that are not imported: {}", unread.join(", "));
        waiting.push_back(Told::Notice(Notice {
            row: 0,
            kind: NoticeKind::Unread,
            count: 1,
            what,
        }));
    }
}

/// Counts the filled orders of each trade.
fn count_filled(
    connection: &Connection,
    there: &[String],
) -> Result<BTreeMap<i64, u8>, AccountError> {
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
            return Err(AccountError::Database(format!("orders of over {COUNTED_MAX} trades")));
        }
    }
    Ok(filled)
}

impl AccountRows for Database {
    fn next(&mut self) -> Result<Option<Told>, AccountError> {
        loop {
            if let Some(told) = self.waiting.pop_front() {
                return Ok(Some(told));
            }
            let reader = match self.stage {
                0 => Some(&mut self.trades),
                1 => self.orders.as_mut(),
                _ => return Ok(None),
            };
            let row = match reader {
                Some(reader) => reader.next(&self.connection)?,
                None => None,
            };
            let Some(row) = row else {
                self.stage += 1;
                if self.stage == 2 && self.unfilled > 0 {
                    let what = format!("{} orders are open, or were not filled", self.unfilled);
                    let (kind, count) = (NoticeKind::NoFact, self.unfilled);
                    let notice = Notice { row: 0, kind, count, what };
                    self.waiting.push_back(Told::Notice(notice));
                }
                continue;
            };
            let read = if self.stage == 0 { self.trade(&row) } else { self.order(&row) };
            match read {
                Ok(()) => checked(&mut self.waiting),
                Err(fault) => self.waiting.push_back(Told::Bad { row: row.row(), fault }),
            }
        }
    }
}

impl Database {
    fn trade(&mut self, trade: &TableRow) -> Result<(), Fault> {
        let open = trade.flag("is_open")?;
        if open {
            let (pair, id) = (trade.needed("pair")?, trade.needed("id")?);
            let (amount, rate) = (trade.positive("amount")?, trade.positive("open_rate")?);
            let what = format!(
                "trade {} is open still: {amount} of {} at {rate}; it goes in when it is closed",
                quote(&id),
                quote(&pair)
            );
            let (row, kind) = (trade.row(), NoticeKind::NoFact);
            self.waiting.push_back(Told::Notice(Notice { row, kind, count: 1, what }));
            return Ok(());
        }
        let entry_time = trade.time("open_date", times::civil)?;
        let mut extra = Vec::new();
        let more = [
            "exchange",
            "stake_currency",
            "leverage",
            "funding_fees",
            "contract_size",
            "realized_profit",
            "timeframe",
        ];
        for name in more {
            extra.extend(trade.text(name)?.map(|said| (name, said)));
        }
        let mut trip = TripRow {
            row: trade.row(),
            id: trade.text("id")?,
            symbol: trade.needed("pair")?,
            side: if trade.flag("is_short")? { Side::Sell } else { Side::Buy },
            entry_time: entry_time.ok_or_else(|| trade.fault("open_date", "is missing"))?,
            entry_price: trade.positive("open_rate")?,
            exit_time: trade.time("close_date", times::civil)?,
            exit_price: trade.number("close_rate")?,
            quantity: Some(trade.positive("amount")?),
            notional: trade.number("stake_amount")?,
            fees: None,
            claimed: trade.number("close_profit_abs")?,
            computed: None,
            agrees: None,
            open: false,
            exit_reason: match trade.text("exit_reason")? {
                Some(reason) => Some(reason),
                None => trade.text("sell_reason")?,
            },
            tag: match trade.text("enter_tag")? {
                Some(tag) => Some(tag),
                None => trade.text("buy_tag")?,
            },
            strategy: trade.text("strategy")?,
            exactness: Exactness::BinaryFloat,
            extra,
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
        self.waiting.push_back(Told::Trip(Box::new(trip)));
        Ok(())
    }

    fn order(&mut self, order: &TableRow) -> Result<(), Fault> {
        let none = order.number("filled")?.is_none_or(|filled| filled.raw() <= 0);
        if none || order.flag("ft_is_open")? {
            self.unfilled += 1;
            return Ok(());
        }
        let side = match order.text("side")? {
            Some(side) => side,
            None => order.needed("ft_order_side")?,
        };
        let side = side_of(&side).ok_or_else(|| {
            order.fault("side", format!("{} is neither buy nor sell", quote(&side)))
        })?;
        let time = match order.time("order_filled_date", times::civil)? {
            Some(time) => Some(time),
            None => order.time("order_date", times::civil)?,
        };
        let time = time.ok_or_else(|| order.fault("order_filled_date", "is missing"))?;
        let symbol = match order.text("symbol")? {
            Some(symbol) => symbol,
            None => order.needed("ft_pair")?,
        };
        let price = if order.text("average")?.is_some() { "average" } else { "price" };
        let mut extra = Vec::new();
        for name in ["ft_trade_id", "order_type", "status", "ft_order_tag"] {
            extra.extend(order.text(name)?.map(|said| (name, said)));
        }
        let traded = (order.positive(price)?, order.positive("filled")?);
        self.waiting.push_back(Told::Fill(Box::new(FillRow {
            quote: order.number("cost")?,
            order_id: order.text("order_id")?,
            exactness: Exactness::BinaryFloat,
            extra,
            ..FillRow::new((order.row(), time), (symbol, side), traded)
        })));
        Ok(())
    }
}
