//! From records to rows: what of a log belongs into which table.
//!
//! Invariants: rows come in the order of the log; a pair's name is that of the run which the record
//! belongs to; `equity` folds the world as the run itself did, and shows it when the last bar of an
//! instant is in.

use serde::Serialize;

use super::error::ExportError;
use super::registry_rows;
use super::row::{Cell, Row};
use super::table::Table;
use crate::event::wire::EncodeError;
use crate::event::{
    Actor, Bar, Envelope, Event, EvidenceKey, OrderFilled, PairId, RecordError, RecordRef, RunId,
    TradeClosed, Trigger, kind_name,
};
use crate::kernel::World;
use crate::ledger::Entry;

/// Where a row goes.
pub(super) type Out<'a> = dyn FnMut(u64, &[Cell]) -> Result<(), ExportError> + 'a;

/// Makes the rows of one table.
pub(super) struct Rows {
    table: Table,
    row: Row,
    symbols: Vec<String>,
    /// Only where the table shows what was folded.
    world: Option<Box<World>>,
}

impl Rows {
    pub(super) fn new(table: Table) -> Self {
        let world = (table == Table::Equity).then(Box::default);
        Self { table, row: Row::new(table), symbols: Vec::new(), world }
    }

    /// Takes the next record; one outside the range that is exported gives no row, but counts.
    pub(super) fn take(
        &mut self,
        record: &RecordRef<'_>,
        envelope: &Envelope,
        entry: &Entry<Event>,
        in_range: bool,
        out: &mut Out<'_>,
    ) -> Result<(), ExportError> {
        let (sequence, time) = (record.sequence, envelope.stamp.time);
        if let Entry::Event(event) = entry {
            if let Event::RunStarted(started) = event {
                let instruments = started.config.instruments.iter();
                self.symbols = instruments.map(crate::event::Instrument::symbol).collect();
            }
            if let Some(world) = &mut self.world {
                world.evolve(event, sequence, time);
            }
        }
        if !in_range {
            return Ok(());
        }
        self.row.begin(sequence);
        self.row.set("time", time);
        let run = envelope.stamp.run;
        self.row.set("run", (run != RunId::default()).then(|| run.to_string()));
        let wanted = match (self.table, entry) {
            (Table::Records, _) => self.record(record, envelope, entry)?,
            (Table::Equity, Entry::Event(Event::Bar(bar))) if bar.last_of_instant => {
                return self.equity(sequence, out);
            }
            (_, Entry::Event(event)) => self.event(event)?,
            _ => false,
        };
        if wanted { out(sequence, self.row.finish()?) } else { Ok(()) }
    }

    /// Fills the row of an event; false where the table has none for it.
    fn event(&mut self, event: &Event) -> Result<bool, ExportError> {
        match (self.table, event) {
            (Table::Bars, Event::Bar(bar)) => self.bar(bar),
            (Table::Orders, _) => return Ok(self.order(event)),
            (Table::Fills, Event::OrderFilled(fill)) => self.fill(fill),
            (Table::Trades, Event::TradeClosed(trade)) => self.trade(trade)?,
            (Table::Ghosts, _) => return Ok(self.ghost(event)),
            (Table::Buckets | Table::Soulprints | Table::Links, _) => {
                let (row, table) = (&mut self.row, self.table);
                let symbol = |pair: PairId| self.symbols.get(usize::from(pair.0)).cloned();
                return registry_rows::fill(table, row, event, &symbol);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn symbol(&self, pair: PairId) -> Option<String> {
        self.symbols.get(usize::from(pair.0)).cloned()
    }

    fn record(
        &mut self,
        record: &RecordRef<'_>,
        envelope: &Envelope,
        entry: &Entry<Event>,
    ) -> Result<bool, ExportError> {
        let (sequence, stamp) = (record.sequence, &envelope.stamp);
        let payload = match entry {
            Entry::Event(event) => serde_json::to_string(event),
            Entry::System(event) => serde_json::to_string(event),
        };
        let payload = payload.map_err(|source| ExportError::Json { sequence, source })?;
        let number = || format!("{:#06x}", envelope.kind);
        let kind = kind_name(envelope.kind).map_or_else(number, str::to_owned);
        self.row
            .set("kind", kind)
            .set("class", word(&stamp.class))
            .set("vantage", word(&stamp.vantage))
            .set("actor", actor_name(stamp.actor))
            .set("clock", word(&stamp.clock))
            .set("clock_status", word(&stamp.clock_status))
            .set("cause", record.cause(envelope))
            .set("digest", record.digest())
            .set("payload", payload);
        Ok(true)
    }

    fn bar(&mut self, bar: &Bar) {
        let symbol = self.symbol(bar.pair);
        self.row
            .set("symbol", symbol)
            .set("row", bar.row)
            .set("open_time", bar.open_time)
            .set("open", bar.open)
            .set("high", bar.high)
            .set("low", bar.low)
            .set("close", bar.close)
            .set("volume", bar.volume)
            .set("trades", bar.trades);
    }

    fn order(&mut self, event: &Event) -> bool {
        let (name, pair) = match event {
            Event::OrderPlaced(order) => {
                self.row
                    .set("order", order.order)
                    .set("side", word(&order.side))
                    .set("quantity", order.quantity)
                    .set("reference_price", order.reference_price)
                    .set("reason", word(&order.reason));
                ("placed", order.pair)
            }
            Event::OrderRefused(refused) => {
                self.row
                    .set("side", word(&refused.side))
                    .set("quantity", refused.quantity)
                    .set("reason", word(&refused.reason));
                ("refused", refused.pair)
            }
            Event::OrderRejected(rejected) => {
                self.row.set("order", rejected.order).set("reason", word(&rejected.reason));
                ("rejected", rejected.pair)
            }
            Event::OrderExpired(expired) => {
                self.row.set("order", expired.order);
                ("expired", expired.pair)
            }
            _ => return false,
        };
        let symbol = self.symbol(pair);
        self.row.set("event", name).set("symbol", symbol);
        true
    }

    fn fill(&mut self, fill: &OrderFilled) {
        let symbol = self.symbol(fill.pair);
        self.row
            .set("order", fill.order)
            .set("symbol", symbol)
            .set("side", word(&fill.side))
            .set("quantity", fill.quantity)
            .set("price", fill.price)
            .set("fee", fill.fee)
            .set("slippage", fill.slippage)
            .set("filled_at", fill.time);
    }

    fn trade(&mut self, trade: &TradeClosed) -> Result<(), ExportError> {
        let hash = encoded(&self.row, trade.canonical_hash())?;
        let (entry, exit) = (&trade.entry, &trade.exit);
        self.row
            .set("hash", hash)
            .set("trade", trade.trade)
            .set("symbol", trade.symbol.as_str())
            .set("strategy", trade.strategy.as_str())
            .set("side", word(&trade.side))
            .set("quantity", trade.quantity)
            .set("entry_order", entry.order)
            .set("entry_time", entry.time)
            .set("entry_price", entry.price)
            .set("entry_fee", entry.fee)
            .set("entry_reason", word(&entry.reason))
            .set("exit_order", exit.order)
            .set("exit_time", exit.time)
            .set("exit_price", exit.price)
            .set("exit_fee", exit.fee)
            .set("exit_reason", word(&exit.reason))
            .set("gross", trade.gross)
            .set("net", trade.net)
            .set("trigger", trade.trigger.map(Trigger::name))
            .set("word_bits", trade.word_bits)
            .set("signal_strength", trade.signal_strength)
            .set("confidence", trade.confidence)
            .set("legacy_hash", trade.legacy_hash);
        Ok(())
    }

    fn ghost(&mut self, event: &Event) -> bool {
        let row = &mut self.row;
        let (name, pair) = match event {
            Event::GhostOpened(said) => {
                key(row, &said.key)
                    .set("ghost", said.ghost)
                    .set("strength", said.strength)
                    .set("quantity", said.quantity);
                ("opened", Some(said.pair))
            }
            Event::GhostTriggered(said) => {
                key(row, &said.key)
                    .set("ghost", said.ghost)
                    .set("cases", said.cases)
                    .set("successes", said.successes)
                    .set("lower_bound", said.lower_bound)
                    .set("mean_net_return", said.mean_net_return);
                ("triggered", said.pair)
            }
            Event::GhostIgnored(said) => {
                key(row, &said.key)
                    .set("ghost", said.ghost)
                    .set("reason", said.reason.name())
                    .set("cases", said.cases)
                    .set("successes", said.successes)
                    .set("lower_bound", said.lower_bound)
                    .set("mean_net_return", said.mean_net_return);
                ("ignored", said.pair)
            }
            Event::GhostEntered(said) => {
                let (price, slippage) = (said.price, said.slippage);
                row.set("ghost", said.ghost).set("price", price).set("slippage", slippage);
                ("entered", None)
            }
            Event::GhostExitDue(said) => {
                row.set("ghost", said.ghost).set("reason", word(&said.reason));
                ("exit_due", None)
            }
            Event::GhostClosed(said) => {
                key(row, &said.key)
                    .set("ghost", said.ghost)
                    .set("price", said.price)
                    .set("slippage", said.slippage)
                    .set("net_return", said.net_return)
                    .set("success", said.success);
                ("closed", None)
            }
            _ => return false,
        };
        let symbol = pair.and_then(|pair| self.symbol(pair));
        self.row.set("event", name).set("symbol", symbol);
        true
    }

    /// One row an account, when the last bar of an instant was folded.
    fn equity(&mut self, sequence: u64, out: &mut Out<'_>) -> Result<(), ExportError> {
        let Some(run) = self.world.as_ref().and_then(|world| world.run()) else { return Ok(()) };
        for (account, track) in run.portfolio().accounts().iter().zip(run.equity_tracks()) {
            self.row
                .set("currency", account.currency.as_str())
                .set("cash", account.cash)
                .set("equity", track.latest)
                .set("peak", track.peak)
                .set("net_profit", account.net)
                .set("fees", account.fees)
                .set("trades", account.trades);
            out(sequence, self.row.finish()?)?;
        }
        Ok(())
    }
}

/// What comes out of a ledger has an encoding; the error keeps the door honest.
pub(super) fn encoded<T>(row: &Row, value: Result<T, EncodeError>) -> Result<T, ExportError> {
    value.map_err(|error| ExportError::record(row.sequence())(RecordError::from(error)))
}

/// What evidence is kept by, in its columns.
fn key<'a>(row: &'a mut Row, key: &EvidenceKey) -> &'a mut Row {
    row.set("leg", key.leg.to_string())
        .set("trigger", key.trigger.name())
        .set("direction", key.direction.name())
        .set("word_bits", key.word_bits)
}

/// The name of a value in the format.
pub(super) fn word(value: &impl Serialize) -> Option<String> {
    let value = serde_json::to_value(value).ok()?;
    value.as_str().map(str::to_owned)
}

/// Who did it, by name; the number of one that this version does not know.
pub(super) fn actor_name(actor: Actor) -> Option<String> {
    let name = match actor {
        Actor::NONE => return None,
        Actor::KERNEL => "kernel",
        Actor::SOURCE => "source",
        Actor::STRATEGY => "strategy",
        Actor::VENUE => "venue",
        Actor::OPERATOR => "operator",
        Actor::LEDGER => "ledger",
        Actor(number) => return Some(number.to_string()),
    };
    Some(name.to_owned())
}
