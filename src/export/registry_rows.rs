//! Rows of what trades leave in the registries.

use super::error::ExportError;
use super::row::Row;
use super::rows::{encoded, word};
use super::table::Table;
use crate::event::{BucketKey, Event, PairId, VECTOR_FEATURES};
use crate::time::{SECOND_NS, Span};
use crate::units::Ratio;

/// Fills the row of an event; false where the table has none for it.
pub(super) fn fill(
    table: Table,
    row: &mut Row,
    event: &Event,
    symbol: &dyn Fn(PairId) -> Option<String>,
) -> Result<bool, ExportError> {
    match table {
        Table::Buckets => bucket(row, event),
        Table::Soulprints => soulprint(row, event, symbol),
        Table::Links => Ok(link(row, event)),
        _ => Ok(false),
    }
}

fn bucket(row: &mut Row, event: &Event) -> Result<bool, ExportError> {
    match event {
        Event::BucketMatched(said) => {
            row.set("event", "matched")
                .set("bucket", said.bucket)
                .set("soulprint", said.soulprint)
                .set("similarity", said.similarity)
                .set("support", said.support)
                .set("expected_success", said.expected_success)
                .set("expected_net_return", said.expected_net_return)
                .set("holding_seconds", seconds(said.expected_holding));
        }
        Event::BucketMatchScored(said) => {
            row.set("event", "scored")
                .set("bucket", said.bucket)
                .set("soulprint", said.soulprint)
                .set("trade", said.trade)
                .set("expected_success", said.expected_success)
                .set("success", said.success);
        }
        Event::BucketObserved(said) => {
            let bucket = encoded(row, said.key.content_id())?;
            pattern(row, &said.key)
                .set("event", "observed")
                .set("bucket", bucket)
                .set("soulprint", said.soulprint)
                .set("trade", said.trade)
                .set("net_return", said.net_return)
                .set("holding_seconds", seconds(said.holding))
                .set("success", said.success);
        }
        Event::BucketRetired(said) => {
            row.set("event", "retired").set("bucket", said.bucket).set("support", said.support);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn pattern<'a>(row: &'a mut Row, key: &BucketKey) -> &'a mut Row {
    row.set("trigger", key.trigger.name())
        .set("direction", key.direction.name())
        .set("drift", word(&key.drift))
        .set("volatility", word(&key.volatility))
        .set("volume", word(&key.volume))
        .set("clock", word(&key.clock))
}

/// Seconds with nine digits behind the point: exact.
fn seconds(span: Span) -> Ratio {
    const { assert!(SECOND_NS == Ratio::ONE.raw(), "nanoseconds are 10^-9 seconds") };
    Ratio::from_raw(span.nanos())
}

fn soulprint(
    row: &mut Row,
    event: &Event,
    symbol: &dyn Fn(PairId) -> Option<String>,
) -> Result<bool, ExportError> {
    match event {
        Event::SoulprintRegistered(said) => {
            let soulprint = encoded(row, said.content_id())?;
            let bucket = encoded(row, said.bucket.content_id())?;
            row.set("event", "registered")
                .set("soulprint", soulprint)
                .set("order", said.order)
                .set("ghost", said.ghost)
                .set("symbol", symbol(said.pair))
                .set("entered_at", said.time)
                .set("bucket", bucket)
                .set("confidence", said.confidence)
                .set("up_probability", said.up_probability)
                .set("weight", said.weight);
            for (name, value) in VECTOR_FEATURES.into_iter().zip(&said.vector) {
                row.set(name, *value);
            }
        }
        Event::SoulprintOutcome(said) => {
            row.set("event", "outcome")
                .set("soulprint", said.soulprint)
                .set("trade", said.trade)
                .set("net", said.net)
                .set("net_return", said.net_return);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn link(row: &mut Row, event: &Event) -> bool {
    match event {
        Event::RegistryLinked(said) => {
            row.set("event", "linked")
                .set("registry", said.registry.name())
                .set("entry", said.entry)
                .set("trade", said.trade)
                .set("trade_number", said.number);
        }
        Event::OrphanTombstoned(said) => {
            row.set("event", "tombstoned")
                .set("registry", said.registry.name())
                .set("entry", said.entry)
                .set("trade", said.trade)
                .set("fault", word(&said.fault));
        }
        _ => return false,
    }
    true
}
