//! The earlier system's own files: trade registry, profit buckets, memory of an engine, memory of a
//! pair.
//!
//! | file | shape | becomes |
//! |---|---|---|
//! | registry | `{trades[], specialized_registries{name{hash: hash}}, metadata}` | trips, entries |
//! | buckets | `{buckets{pattern: {...}}}`, a list of them, or the map alone | entries |
//! | memory | `{entries{id: {...}}, patterns, metrics, volume_weights, timestamp}` | entries |
//! | pair | `{events[{trigger, outcome, ...}]}`; the pair is in the file's name | entries |
//!
//! What the figures say of themselves is checked: a profit against prices, notional and fees (the
//! `amount` is the entry's notional), a trade's hash against its six fields, totals against what
//! they count, an entry's name against the name inside it. Nothing is corrected.

use std::collections::BTreeMap;

use super::form::{Steps, Waiting, note, stepped};
use super::named::Named;
use super::object::{Object, canonical};
use super::rows::{AccountRows, EntryRow, NoticeKind, Told, TripRow, WORD_MAX, quote};
use super::{times, trips};
use crate::import::json::{Piece, Step, Walk};
use crate::import::text::Input;
use crate::import::{Fault, Number, ReadError};
use crate::registries::{LegacyFields, legacy_hash};
use crate::time::Timestamp;
use crate::units::MoneyExact;

/// The longest entry, as canonical JSON: a record holds it with its names.
const ENTRY_MAX: usize = 48 << 10;

/// Which of the files it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Registry,
    Buckets,
    Memory,
    Pair,
}

struct LegacyRows {
    walk: Walk,
    kind: Kind,
    /// What the file's name says: the pair and width of a pair's memory.
    stem: String,
    row: u64,
    trades: u64,
    claimed: Option<MoneyExact>,
    /// What the metadata says that the trades add up to.
    stated: BTreeMap<String, String>,
    unread: BTreeMap<String, u64>,
}

pub(super) fn open(
    input: Input,
    kind: Kind,
    stem: &str,
) -> Result<Box<dyn AccountRows>, ReadError> {
    let rows = LegacyRows {
        walk: Walk::new(input, false)?,
        kind,
        stem: stem.chars().take(WORD_MAX / 8).collect(),
        row: 0,
        trades: 0,
        claimed: Some(MoneyExact::ZERO),
        stated: BTreeMap::new(),
        unread: BTreeMap::new(),
    };
    Ok(stepped(rows, Waiting::new()))
}

impl Kind {
    /// Whether a value is taken, and not walked into.
    fn wants(self, path: &[Step]) -> bool {
        match (self, path) {
            (Self::Registry, [list, Step::Place(_)]) => list.is("trades"),
            (Self::Registry, [first, _, _]) => first.is("specialized_registries"),
            (Self::Registry, [first, _]) => first.is("metadata"),
            (Self::Buckets, [first]) => !first.is("buckets"),
            (Self::Buckets, [first, _]) => first.is("buckets"),
            (Self::Memory, [first, _]) => {
                ["entries", "patterns", "metrics", "volume_weights"].iter().any(|n| first.is(n))
            }
            (Self::Pair, [first, Step::Place(_)]) => first.is("events"),
            _ => false,
        }
    }
}

impl Steps for LegacyRows {
    fn step(&mut self, told: &mut Waiting) -> Result<bool, ReadError> {
        let kind = self.kind;
        let Some(piece) = self.walk.next(|path| kind.wants(path))? else {
            self.end(told);
            return Ok(false);
        };
        let row = self.row + 1;
        note(self.take(&piece, row, told), row, told);
        Ok(true)
    }
}

impl LegacyRows {
    fn take(&mut self, piece: &Piece, row: u64, told: &mut Waiting) -> Result<(), Fault> {
        let first = piece.path.first().map(Step::key).unwrap_or_default();
        match (self.kind, first) {
            (Kind::Registry, "trades") => {
                self.row = row;
                self.trade(piece, row, told)
            }
            (Kind::Registry, "metadata") => {
                let said = String::from_utf8_lossy(&piece.text).into_owned();
                let key = key_of(piece);
                if said.len() <= WORD_MAX && self.stated.len() < 64 {
                    self.stated.insert(key, said);
                }
                Ok(())
            }
            (Kind::Registry, _) => {
                self.row = row;
                let registry = format!("links/{}", piece.path[1].key());
                entry(piece, (row, None), registry, key_of(piece), told)
            }
            (Kind::Buckets, _) => self.bucket(piece, row, told),
            (Kind::Memory, "entries") => {
                self.row = row;
                memory(piece, row, told)
            }
            (Kind::Memory, "volume_weights") => {
                self.row = row;
                let registry = "volume_weights".to_owned();
                entry(piece, (row, None), registry, key_of(piece), told)
            }
            (Kind::Memory, other) => {
                // What the entries add up to; no entry itself.
                *self.unread.entry(other.to_owned()).or_default() += 1;
                Ok(())
            }
            (Kind::Pair, _) => {
                self.row = row;
                self.case(piece, row, told)
            }
        }
    }

    fn trade(&mut self, piece: &Piece, row: u64, told: &mut Waiting) -> Result<(), Fault> {
        let trade = Object::of(piece)?;
        let mut trip = trip(&trade, row)?;
        trip.computed = trips::by_notional(&trip).map_err(|error| {
            trade.fault("exit_price", format!("the profit cannot be worked out: {error}"))
        })?;
        trip.agrees = trips::agrees(&trip);
        self.trades += 1;
        if let Some(claimed) = trip.claimed {
            self.claimed = trips::add(self.claimed, claimed);
        }
        if let (Some(said), Some(found)) = (trade.text("trade_hash")?, hash_of(&trade)?)
            && said != found
        {
            let what = format!("its hash is {}, its six fields have {found}", quote(&said));
            told.push_back(Told::notice(row, NoticeKind::Contradiction, what));
        }
        if let Some(links) = trade.raw("linked_registries").filter(|raw| raw.starts_with('"')) {
            let what =
                format!("its links were written as the text {}: they are lost", quote(links));
            told.push_back(Told::notice(row, NoticeKind::Inexact, what));
        }
        told.push_back(Told::Trip(Box::new(trip)));
        Ok(())
    }

    fn bucket(&mut self, piece: &Piece, row: u64, told: &mut Waiting) -> Result<(), Fault> {
        let is_object = piece.text.first() == Some(&b'{');
        if piece.path.len() == 1 && !is_object {
            *self.unread.entry(key_of(piece)).or_default() += 1;
            return Ok(());
        }
        self.row = row;
        let bucket = Object::of(piece)?;
        let key = match bucket.text("hash_pattern")? {
            Some(pattern) => pattern,
            None => key_of(piece),
        };
        if let (Some(entry), Some(exit), Some(said)) = (
            bucket.number("entry_price")?,
            bucket.number("exit_price")?,
            bucket.number("profit_pct")?,
        ) && let Some(found) = percent(entry, exit)
            && found.abs_diff(said.raw()) > 1_000_000
        {
            let found = Number::from_raw(found);
            let what = format!("profit_pct is {said}, its prices give {found} before the side");
            told.push_back(Told::notice(row, NoticeKind::Contradiction, what));
        }
        if bucket.text("canonical_hash")?.is_none() {
            told.push_back(Told::notice(row, NoticeKind::Contradiction, "it refers to no trade"));
        }
        let time = bucket.time("last_used", moment)?;
        entry(piece, (row, time), "profit_buckets".to_owned(), key, told)
    }

    /// One case of a pair's memory: how it ended.
    fn case(&self, piece: &Piece, row: u64, told: &mut Waiting) -> Result<(), Fault> {
        let case = Object::of(piece)?;
        case.needed("trigger")?;
        case.needed_number("outcome")?;
        let time = case.time("timestamp", moment)?;
        let key = format!("{}#{row}", self.stem);
        entry(piece, (row, time), "pair_memory".to_owned(), key, told)
    }

    /// Compares the metadata with what it counts, and says what was passed over.
    fn end(&self, told: &mut Waiting) {
        if let Some(said) = self.stated.get("total_trades")
            && *said != self.trades.to_string()
        {
            let what = format!("metadata counts {} trades, there are {}", quote(said), self.trades);
            told.push_back(Told::notice(0, NoticeKind::Contradiction, what));
        }
        let said = self.stated.get("total_profit").and_then(|said| trips::stated(said));
        if let (Some(said), Some(sum)) = (said, self.claimed) {
            let apart = said.rounded().raw().abs_diff(sum.rounded().raw());
            if apart > 10_000 {
                let what = format!("metadata says a profit of {said}, its trades claim {sum}");
                told.push_back(Told::notice(0, NoticeKind::Contradiction, what));
            }
        }
        if !self.unread.is_empty() {
            let names: Vec<String> = self
                .unread
                .iter()
                .map(|(name, count)| format!("{} ({count})", quote(name)))
                .collect();
            let what = format!("not imported, for they repeat the entries: {}", names.join(", "));
            let count = self.unread.values().sum();
            told.push_back(Told::notices(0, NoticeKind::NoFact, count, what));
        }
    }
}

/// One entry of an engine's memory.
fn memory(piece: &Piece, row: u64, told: &mut Waiting) -> Result<(), Fault> {
    let object = Object::of(piece)?;
    let of_engine = [
        ("memory_type", "ghost_memory"),
        ("orbit_type", "orbit_memory"),
        ("flip_type", "flip_memory"),
    ];
    let engine = of_engine.iter().find(|(field, _)| object.has(field));
    let registry = engine.map_or("memory", |(_, registry)| registry).to_owned();
    let key = key_of(piece);
    if let Some(said) = object.text("entry_id")?.filter(|said| *said != key) {
        let what = format!("it stands under {} and calls itself {}", quote(&key), quote(&said));
        told.push_back(Told::notice(row, NoticeKind::Contradiction, what));
    }
    entry(piece, (row, object.time("timestamp", moment)?), registry, key, told)
}

fn entry(
    piece: &Piece,
    (row, time): (u64, Option<Timestamp>),
    registry: String,
    key: String,
    told: &mut Waiting,
) -> Result<(), Fault> {
    let json = canonical(piece)?;
    if json.len() > ENTRY_MAX || key.len() > WORD_MAX || registry.len() > WORD_MAX {
        let reason = format!("longer than {ENTRY_MAX} bytes, or its name than {WORD_MAX}");
        return Err(Fault::placed(piece.place, "entry", reason));
    }
    told.push_back(Told::Entry(Box::new(EntryRow { row, registry, key, json, time })));
    Ok(())
}

/// Reads one trade of the registry.
fn trip(trade: &Object<'_>, row: u64) -> Result<TripRow, Fault> {
    let of = (trade.needed("symbol")?, trade.side("action")?);
    let entry = (trade.needed_time("timestamp", moment)?, trade.positive("entry_price")?);
    let exit_price = trade.number("exit_price")?;
    Ok(TripRow {
        id: trade.text("trade_hash")?,
        // The registry does not say when a trade was left.
        open: exit_price.is_none(),
        exit_price,
        notional: Some(trade.positive("amount")?),
        fees: trade.number("fees")?,
        claimed: trade.number("profit_usd")?,
        strategy: trade.text("strategy_id")?,
        extra: trade.all(&["profit_percentage", "signal_strength", "confidence", "success"])?,
        ..TripRow::new(row, of, entry)
    })
}

/// The hash of the six fields, where two languages print all its numbers alike.
fn hash_of(trade: &Object<'_>) -> Result<Option<String>, Fault> {
    let (amount, price, time) =
        (trade.needed("amount")?, trade.needed("entry_price")?, trade.needed("timestamp")?);
    let strategy = trade.text("strategy_id")?.unwrap_or_default();
    let hash = legacy_hash(&LegacyFields {
        action: &trade.needed("action")?,
        amount: &amount,
        entry_price: &price,
        strategy_id: &strategy,
        symbol: &trade.needed("symbol")?,
        timestamp: &time,
    });
    Ok(hash.map(|hash| hash.to_string()))
}

/// The move between two prices in percent, in 10^-12; none where it does not fit.
fn percent(entry: Number, exit: Number) -> Option<i128> {
    let moved = exit.raw().checked_sub(entry.raw())?;
    let scaled = moved.checked_mul(100)?.checked_mul(1_000_000_000_000)?;
    scaled.checked_div(entry.raw())
}

/// Seconds since 1970, or a date and a time.
fn moment(text: &str) -> Option<Timestamp> {
    times::seconds(text).or_else(|| times::civil(text))
}

/// The name under which a value stands, or its place in a list.
fn key_of(piece: &Piece) -> String {
    match piece.path.last() {
        Some(Step::Key(key)) => key.clone(),
        Some(Step::Place(place)) => place.to_string(),
        None => String::new(),
    }
}
