//! Where do two ledgers part, or what happened between two points of one?

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Folded, ProjectionError, UpTo, account_summaries, fold};
use crate::event::{Event, RecordRef, kind_name};
use crate::hash::Digest;
use crate::ledger::{LedgerError, Reader};
use crate::registries::Page;

/// Trades of a difference that are listed; all are counted.
pub const TRADES_LISTED_MAX: usize = 1_000;

/// A record as one side has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Its kind.
    pub kind: String,
    /// Its leaf hash.
    pub digest: Digest,
    /// Its payload, where it can be read.
    pub payload: Option<serde_json::Value>,
}

/// The first record that two ledgers do not share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parting {
    /// Its sequence.
    pub sequence: u64,
    /// As the first ledger has it; none where it has ended.
    pub left: Option<Seen>,
    /// As the second has it.
    pub right: Option<Seen>,
}

/// A figure of the state that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// What it is.
    pub what: String,
    /// On the first side.
    pub left: String,
    /// On the second.
    pub right: String,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// True when nothing does.
    pub same: bool,
    /// Records on the first side.
    pub left_records: u64,
    /// Records on the second.
    pub right_records: u64,
    /// The first record that is not shared; none where one side only goes on.
    pub parting: Option<Parting>,
    /// Records by kind that stand between two points of one ledger.
    pub records_between: BTreeMap<String, u64>,
    /// Parts of the state whose digests differ.
    pub projections: Vec<&'static str>,
    /// Figures that differ.
    pub figures: Vec<Figure>,
    /// Trades that only the first side has, at most [`TRADES_LISTED_MAX`].
    pub only_left: Vec<Digest>,
    /// Trades that only the second side has.
    pub only_right: Vec<Digest>,
}

/// Compares two ledgers, record by record and then state by state.
///
/// # Errors
/// [`ProjectionError`] when one cannot be read or folded.
pub fn diff(left: &Reader<Event>, right: &Reader<Event>) -> Result<Difference, ProjectionError> {
    let parting = first_parting(left, right)?;
    let (one, two) = (fold(left, UpTo::End)?, fold(right, UpTo::End)?);
    let mut found = states(&one, &two);
    (found.left_records, found.right_records) = (left.len(), right.len());
    found.same = parting.is_none();
    found.parting = parting;
    Ok(found)
}

/// Says what happened in one ledger behind record `from`, up to record `to`, both included in their
/// states.
///
/// # Errors
/// [`ProjectionError`] when the ledger cannot be read or folded, or has no such record.
pub fn diff_between(
    reader: &Reader<Event>,
    from: u64,
    to: u64,
) -> Result<Difference, ProjectionError> {
    let (one, two) = (fold(reader, UpTo::Sequence(from))?, fold(reader, UpTo::Sequence(to))?);
    let mut found = states(&one, &two);
    (found.left_records, found.right_records) = (one.records, two.records);
    let (first, last) = (from.min(to) + 1, from.max(to));
    reader.for_each::<LedgerError>(first, |record| {
        if record.sequence <= last {
            let sequence = record.sequence;
            let unreadable = |source| LedgerError::Record { sequence, source };
            let (envelope, _) = record.envelope().map_err(unreadable)?;
            *found.records_between.entry(name_of(envelope.kind)).or_default() += 1;
        }
        Ok(())
    })?;
    found.same = from == to;
    Ok(found)
}

fn name_of(kind: u16) -> String {
    kind_name(kind).map_or_else(|| format!("{kind:#06x}"), str::to_owned)
}

fn first_parting(
    left: &Reader<Event>,
    right: &Reader<Event>,
) -> Result<Option<Parting>, ProjectionError> {
    let shared = left.len().min(right.len());
    // Digests of the second in chunks, so that memory does not grow with the logs.
    const CHUNK: u64 = 65_536;
    let mut from = 0;
    while from < shared {
        let to = (from + CHUNK).min(shared);
        let (one, two) = (digests(left, from, to)?, digests(right, from, to)?);
        if let Some(place) = one.iter().zip(&two).position(|(one, two)| one != two) {
            let sequence = from + place as u64;
            let (left, right) = (seen(left, sequence)?, seen(right, sequence)?);
            return Ok(Some(Parting { sequence, left, right }));
        }
        from = to;
    }
    if left.len() == right.len() {
        return Ok(None);
    }
    let (left, right) = (seen(left, shared)?, seen(right, shared)?);
    Ok(Some(Parting { sequence: shared, left, right }))
}

fn digests(reader: &Reader<Event>, from: u64, to: u64) -> Result<Vec<Digest>, ProjectionError> {
    let mut found = Vec::new();
    let mut cursor = reader.cursor(from)?;
    while let Some(frame) = cursor.next_frame()? {
        for record in frame.records() {
            if record.sequence >= to {
                return Ok(found);
            }
            if record.sequence >= from {
                found.push(record.digest());
            }
        }
    }
    Ok(found)
}

fn seen(reader: &Reader<Event>, sequence: u64) -> Result<Option<Seen>, ProjectionError> {
    let Some(bytes) = reader.record(sequence)? else { return Ok(None) };
    let record = RecordRef { sequence, bytes: &bytes };
    let unreadable = |source| LedgerError::Record { sequence, source };
    let (envelope, _) = record.envelope().map_err(unreadable)?;
    let payload = match crate::ledger::decode::<Event>(&record) {
        Ok((_, crate::ledger::Entry::Event(event))) => serde_json::to_value(event).ok(),
        Ok((_, crate::ledger::Entry::System(event))) => serde_json::to_value(event).ok(),
        Err(_) => None,
    };
    Ok(Some(Seen { kind: name_of(envelope.kind), digest: record.digest(), payload }))
}

/// Compares two states.
fn states(one: &Folded, two: &Folded) -> Difference {
    let (left, right) = (figures(one), figures(two));
    let names = left.keys().chain(right.keys().filter(|name| !left.contains_key(*name)));
    let of = |all: &BTreeMap<String, String>, name: &String| {
        all.get(name).cloned().unwrap_or_else(|| "-".to_owned())
    };
    let figures = names
        .map(|name| Figure { what: name.clone(), left: of(&left, name), right: of(&right, name) })
        .filter(|figure| figure.left != figure.right)
        .collect();
    let roots = one.world.state_root().roots.into_iter().zip(two.world.state_root().roots);
    let projections =
        roots.filter(|(a, b)| a.digest != b.digest).map(|(a, _)| a.projection.name()).collect();
    let missing = |from: &Folded, other: &Folded| {
        let known = from.world.trades().all(Page::ALL);
        let only = known.filter(|entry| other.world.trades().get(&entry.hash).is_none());
        only.map(|entry| entry.hash).take(TRADES_LISTED_MAX).collect()
    };
    Difference {
        same: false,
        left_records: one.records,
        right_records: two.records,
        parting: None,
        records_between: BTreeMap::new(),
        projections,
        figures,
        only_left: missing(one, two),
        only_right: missing(two, one),
    }
}

/// A state in figures that people know.
fn figures(folded: &Folded) -> BTreeMap<String, String> {
    let world = &folded.world;
    let mut found = BTreeMap::new();
    let mut put = |name: &str, value: &dyn std::fmt::Display| {
        found.insert(name.to_owned(), value.to_string());
    };
    put("runs", &world.runs());
    put("trades", &world.trades().len());
    put("soulprints", &world.registries().soulprints().len());
    put("buckets", &world.registries().buckets().len());
    put("links", &world.registries().links().len());
    put("findings", &world.findings().total());
    let Some(run) = world.run() else { return found };
    put("run", &run.started().run);
    put("strategy", &run.started().config.strategy.name);
    put("ended", &run.ended());
    let counters = run.counters();
    put("bars", &counters.bars);
    put("orders", &counters.orders);
    put("fills", &counters.fills);
    put("refused", &counters.refused);
    for account in account_summaries(run) {
        let currency = &account.currency;
        put(&format!("cash {currency}"), &account.cash);
        put(&format!("net profit {currency}"), &account.net_profit);
        if let Some(equity) = account.equity {
            put(&format!("equity {currency}"), &equity);
        }
    }
    for (place, position) in run.portfolio().positions().iter().enumerate() {
        if position.side().is_some()
            && let Some(pair) = run.pairs().get(place)
        {
            put(&format!("position {}", pair.symbol), &position.quantity);
        }
    }
    if let Some(engines) = run.engines() {
        let ghosts = engines.ghosts.report();
        put("ghosts closed", &ghosts.closed);
        put("ghosts triggered", &ghosts.triggered);
        put("keys tested", &ghosts.keys_tested);
        put("orbit cycles", &engines.orbits.report().cycles);
    }
    found
}
