//! What the history adds up to, by subject: projections that a log rebuilds.
//!
//! A registry is a plain value. It takes facts (events that already happened) and answers
//! questions; nothing enters it but events. The canonical registry holds every closed trade once;
//! the specialised ones hold what is theirs and refer to trades by canonical hash; what links them
//! is an event of its own. [`Registries`] joins them: it works out what follows a trade, all or
//! nothing, and follows every reference in both directions.

mod analytics;
mod buckets;
mod consistency;
mod coordinator;
mod legacy;
mod links;
mod query;
mod reconcile;
mod soulprints;
mod trade;

pub use analytics::{
    Analytics, BucketEffect, NetReturnCorrelation, PatternSuccess, QuotePerformance, Slice,
    WeekTrend,
};
pub use buckets::{
    Bucket, BucketRegistry, MATCH_SIMILARITY_MIN, MATCH_SUPPORT_MIN, RETIRE_IDLE, RETIRE_SUPPORT,
};
pub use consistency::{Consistency, ConsistencyFault, Health, HealthStatus};
pub use coordinator::{LinkedTrade, Registries, RegistryFault, RegistryStatistics, Statistics};
pub use legacy::{LegacyFields, legacy_hash, legacy_hash_of};
pub use links::{Link, LinkRegistry};
pub use query::TradeQuery;
pub use reconcile::{ClaimedTrade, Reconciliation, check_trade, reconcile};
pub use soulprints::{Neighbour, SoulprintEntry, SoulprintFilter, SoulprintRegistry};
pub use trade::{
    Inserted, Page, Performance, RegistryError, TradeEntry, TradeRegistry, TradeResult,
};
