//! What the history adds up to, by subject: projections that a log rebuilds.
//!
//! A registry is a plain value. It takes facts (events that already happened) and answers
//! questions; it decides nothing, and nothing enters it but events. Registries know nothing of
//! each other: what links them is an event of its own.

mod legacy;
mod trade;

pub use legacy::{LegacyFields, legacy_hash, legacy_hash_of};
pub use trade::{
    Inserted, Page, Performance, RegistryError, TradeEntry, TradeRegistry, TradeResult,
};
