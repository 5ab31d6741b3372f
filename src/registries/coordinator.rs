//! The coordinator: one trade and everything that belongs to it, all or nothing.
//!
//! It works out every event that must follow a trade before any of them is recorded; the caller
//! puts them into one step of the log. So a trade with its links goes in whole or not at all, and a
//! registry that cannot take its part is an error, never a silence.

use std::collections::BTreeMap;

use serde::Serialize;

use super::buckets::{BucketRegistry, is_hit};
use super::links::{Link, LinkRegistry};
use super::soulprints::{SoulprintEntry, SoulprintRegistry};
use super::trade::{RegistryError, TradeEntry, TradeRegistry};
use super::{Bucket, Page};
use crate::event::wire::{Decode, Encode, EncodeError};
use crate::event::{
    BucketMatchScored, BucketMatched, BucketObserved, Event, Projection, RegistryLinked,
    RegistryName, RunId, SoulprintOutcome, SoulprintRegistered, TradeClosed,
};
use crate::hash::Digest;
use crate::signals::SignalError;
use crate::time::{Span, Timestamp};
use crate::units::{MoneyExact, Ratio};

/// An event that a registry cannot take as it stands, or a link that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryFault {
    /// The canonical registry does not take the trade.
    #[error(transparent)]
    Trade(#[from] RegistryError),
    /// The entry is there already.
    #[error("{entry} is in the registry `{registry}` already")]
    Repeated {
        /// The registry.
        registry: &'static str,
        /// The entry.
        entry: Digest,
    },
    /// The entry is not there.
    #[error("the registry `{registry}` has no {entry}")]
    Unknown {
        /// The registry.
        registry: &'static str,
        /// The entry.
        entry: Digest,
    },
    /// A figure is not what the registries themselves give.
    #[error("`{field}` of {event} is not what the registries give")]
    Figure {
        /// The kind of event.
        event: &'static str,
        /// The field.
        field: &'static str,
    },
    /// The trade's profit, times or prices contradict each other.
    #[error("trade {trade}: {problem}")]
    Unsound {
        /// The trade's number.
        trade: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// A formula has no answer.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// A value has no bytes to hash.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A registry holds as many entries as it can number.
    #[error("the registry is full")]
    Full,
}

/// The canonical registry, the two specialised ones, and their links.
///
/// # Examples
/// ```
/// use schwabot::registries::Registries;
/// let registries = Registries::default();
/// assert_eq!(registries.statistics().total_trades, 0);
/// assert!(registries.consistency().faults.is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default, Encode, Decode)]
pub struct Registries {
    trades: TradeRegistry,
    buckets: BucketRegistry,
    soulprints: SoulprintRegistry,
    links: LinkRegistry,
}

/// A trade with everything that is linked to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LinkedTrade<'a> {
    /// The trade.
    pub trade: &'a TradeEntry,
    /// Its soulprint, if it is linked to one.
    pub soulprint: Option<&'a SoulprintEntry>,
    /// Its profit bucket, if it is linked to one.
    pub bucket: Option<&'a Bucket>,
    /// The prediction that was made at its entry, if one was.
    pub prediction: Option<&'a BucketMatched>,
    /// Its links.
    pub links: Vec<&'a Link>,
}

/// What a specialised registry holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegistryStatistics {
    /// Entries.
    pub entries: u64,
    /// Trades that are linked to it.
    pub linked_trades: u64,
    /// Their share of all trades; none without a trade.
    pub coverage: Option<Ratio>,
}

/// What the registries hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// Closed trades.
    pub total_trades: u64,
    /// Those with a net profit above zero.
    pub successful_trades: u64,
    /// Their net profit, by quote currency.
    pub total_net: BTreeMap<String, MoneyExact>,
    /// Trades that are linked at all.
    pub linked_trades: u64,
    /// Links.
    pub total_linkages: u64,
    /// Orphans that were answered.
    pub tombstones: u64,
    /// Predictions made, scored, and those whose likelier side came.
    pub predictions: (u64, u64, u64),
    /// By specialised registry.
    pub registries: BTreeMap<&'static str, RegistryStatistics>,
}

impl Registries {
    /// Returns the canonical trades.
    #[must_use]
    pub const fn trades(&self) -> &TradeRegistry {
        &self.trades
    }

    /// Returns the profit buckets.
    #[must_use]
    pub const fn buckets(&self) -> &BucketRegistry {
        &self.buckets
    }

    /// Returns the soulprints.
    #[must_use]
    pub const fn soulprints(&self) -> &SoulprintRegistry {
        &self.soulprints
    }

    /// Returns the links.
    #[must_use]
    pub const fn links(&self) -> &LinkRegistry {
        &self.links
    }

    /// Takes one event of theirs; any other changes nothing.
    ///
    /// # Errors
    /// [`RegistryFault`] when the event contradicts what is here; what of it makes sense is taken.
    pub fn fold(
        &mut self,
        event: &Event,
        sequence: u64,
        time: Timestamp,
    ) -> Result<(), RegistryFault> {
        match event {
            Event::TradeClosed(trade) => {
                self.trades.insert(trade, sequence)?;
                super::reconcile::check_trade(trade)
            }
            Event::SoulprintRegistered(soulprint) => self.soulprints.register(soulprint, sequence),
            Event::SoulprintOutcome(outcome) => self.soulprints.outcome(outcome),
            Event::BucketMatched(matched) => self.fold_match(matched, time),
            Event::BucketMatchScored(scored) => self.buckets.score(scored),
            Event::BucketObserved(observed) => self.fold_observed(observed),
            Event::BucketRetired(retired) => self.buckets.retire(retired),
            Event::RegistryLinked(linked) => self.links.link(linked, sequence),
            Event::OrphanTombstoned(tombstone) => {
                self.links.bury(tombstone);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn fold_match(&mut self, said: &BucketMatched, time: Timestamp) -> Result<(), RegistryFault> {
        let entry = self.soulprints.get(&said.soulprint);
        let own = entry.and_then(|entry| self.predict(&entry.soulprint.vector, said.soulprint));
        self.buckets.take_match(said, time)?;
        if own.as_ref() != Some(said) {
            return Err(RegistryFault::Figure { event: "bucket_matched", field: "bucket" });
        }
        Ok(())
    }

    fn fold_observed(&mut self, observed: &BucketObserved) -> Result<(), RegistryFault> {
        let entry = self.soulprints.get(&observed.soulprint);
        let (vector, key) = match entry {
            Some(entry) => (entry.soulprint.vector.clone(), Some(entry.soulprint.bucket)),
            None => (Vec::new(), None),
        };
        self.buckets.observe(observed, &vector)?;
        if key.is_some_and(|key| key != observed.key) {
            return Err(RegistryFault::Figure { event: "bucket_observed", field: "key" });
        }
        let trade = self.trades.get(&observed.trade);
        let own = trade.map(|entry| net_return_of(&entry.trade));
        if own.is_some_and(|own| own != Some(observed.net_return)) {
            return Err(RegistryFault::Figure { event: "bucket_observed", field: "net_return" });
        }
        Ok(())
    }

    /// What the pattern that an entry is most like predicts for it.
    fn predict(&self, vector: &[Ratio], soulprint: Digest) -> Option<BucketMatched> {
        let (bucket, similarity) = self.buckets.best_match(vector)?;
        Some(BucketMatched {
            bucket: bucket.id,
            soulprint,
            similarity,
            support: bucket.support(),
            expected_success: bucket.confidence(),
            expected_net_return: bucket.mean_net_return(),
            expected_holding: bucket.mean_holding(),
        })
    }

    /// Returns what is to be recorded when a position is entered: its soulprint, and the prediction
    /// of the pattern that it is like.
    ///
    /// # Errors
    /// [`RegistryFault::Encode`], which keeps the door honest.
    pub fn entry_events(
        &self,
        soulprint: SoulprintRegistered,
    ) -> Result<Vec<Event>, RegistryFault> {
        let id = soulprint.content_id()?;
        let predicted = self.predict(&soulprint.vector, id);
        let mut events = vec![Event::SoulprintRegistered(Box::new(soulprint))];
        events.extend(predicted.map(Event::BucketMatched));
        Ok(events)
    }

    /// Returns everything that is to be recorded behind a closed trade: what its soulprint came to,
    /// its pattern, the score of the prediction, both links, and the patterns that are put aside.
    /// Nothing, when its entry has no soulprint: other strategies take none.
    ///
    /// # Errors
    /// [`RegistryFault`] when one part cannot be made; then none is.
    pub fn trade_events(&self, trade: &TradeClosed) -> Result<Vec<Event>, RegistryFault> {
        let entry = self.soulprints.of_order(trade.run, trade.entry.order);
        match entry {
            Some(entry) => self.link_events(trade, entry.id, &entry.soulprint),
            None => Ok(Vec::new()),
        }
    }

    fn link_events(
        &self,
        trade: &TradeClosed,
        soulprint: Digest,
        entry: &SoulprintRegistered,
    ) -> Result<Vec<Event>, RegistryFault> {
        let hash = trade.canonical_hash()?;
        let unsound = |problem| RegistryFault::Unsound { trade: trade.trade, problem };
        let net_return = net_return_of(trade).ok_or(unsound("its net return does not fit"))?;
        let (key, success) = (entry.bucket, trade.is_success());
        let (bucket, time) = (key.content_id()?, trade.exit.time);
        let holding = time.since(trade.entry.time).unwrap_or(Span::from_nanos(0));
        let outcome = SoulprintOutcome { soulprint, trade: hash, net: trade.net, net_return };
        let observed =
            BucketObserved { key, trade: hash, soulprint, net_return, holding, time, success };
        let mut events = vec![Event::SoulprintOutcome(outcome)];
        if let Some(matched) = self.buckets.waiting_for(&soulprint) {
            events.push(Event::BucketMatchScored(BucketMatchScored {
                bucket: matched.bucket,
                soulprint,
                trade: hash,
                expected_success: matched.expected_success,
                success,
            }));
        }
        events.push(Event::BucketObserved(observed));
        let linked = |registry, entry| {
            let number = trade.trade;
            Event::RegistryLinked(RegistryLinked { trade: hash, number, registry, entry })
        };
        events.push(linked(RegistryName::ProfitBuckets, bucket));
        events.push(linked(RegistryName::Soulprints, soulprint));
        let idle = self.buckets.idle_at(time).filter(|idle| idle.bucket != bucket);
        events.extend(idle.map(Event::BucketRetired));
        Ok(events)
    }

    /// Returns a trade with all that belongs to it, as events in the order in which they are to be
    /// recorded: for a caller without a kernel. With a soulprint the trade is linked to both
    /// registries; without one it stands alone.
    ///
    /// # Errors
    /// [`RegistryFault`] when any part cannot be made or taken; then none is.
    pub fn add_trade_with_linkages(
        &self,
        trade: TradeClosed,
        soulprint: Option<SoulprintRegistered>,
    ) -> Result<Vec<Event>, RegistryFault> {
        super::reconcile::check_trade(&trade)?;
        let mut events = Vec::new();
        // Tried on a copy of what little the parts need, so that nothing is half done.
        let mut links = Vec::new();
        if let Some(soulprint) = soulprint {
            if (soulprint.run, soulprint.order) != (trade.run, trade.entry.order) {
                return Err(RegistryFault::Figure {
                    event: "soulprint_registered",
                    field: "order",
                });
            }
            let id = soulprint.content_id()?;
            if self.soulprints.get(&id).is_some() {
                return Err(RegistryFault::Repeated { registry: "soulprints", entry: id });
            }
            links = self.link_events(&trade, id, &soulprint)?;
            events.extend(self.entry_events(soulprint)?);
        }
        events.push(Event::TradeClosed(Box::new(trade)));
        events.append(&mut links);
        Ok(events)
    }

    /// Returns a trade with everything that is linked to it.
    #[must_use]
    pub fn with_all_linkages(&self, trade: &Digest) -> Option<LinkedTrade<'_>> {
        let links: Vec<&Link> = self.links.of_trade(trade).collect();
        let entry_in = |registry: RegistryName| {
            links.iter().find(|link| link.linked.registry == registry).map(|link| link.linked.entry)
        };
        let soulprint = entry_in(RegistryName::Soulprints);
        Some(LinkedTrade {
            trade: self.trades.get(trade)?,
            soulprint: soulprint.and_then(|id| self.soulprints.get(&id)),
            bucket: entry_in(RegistryName::ProfitBuckets).and_then(|id| self.buckets.get(&id)),
            prediction: soulprint.and_then(|id| self.buckets.prediction(&id)),
            links,
        })
    }

    /// Returns what the registries hold.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let total = self.trades.len() as u64;
        let of = |name: RegistryName, entries: usize| {
            let linked_trades = self.links.covered(name);
            let coverage = Ratio::of_counts(linked_trades, total);
            (name.name(), RegistryStatistics { entries: entries as u64, linked_trades, coverage })
        };
        let quotes = || self.trades.quotes().map(|q| (q.to_owned(), self.trades.performance(q)));
        let scored = self.buckets.scored();
        let hits = scored.iter().filter(|scored| is_hit(scored)).count() as u64;
        Statistics {
            total_trades: total,
            successful_trades: quotes().map(|(_, performance)| performance.successful).sum(),
            total_net: quotes().map(|(quote, performed)| (quote, performed.total_net)).collect(),
            linked_trades: self.links.linked_trades(),
            total_linkages: self.links.len() as u64,
            tombstones: self.links.tombstones().len() as u64,
            predictions: (self.buckets.predictions(), scored.len() as u64, hits),
            registries: [
                of(RegistryName::ProfitBuckets, self.buckets.len()),
                of(RegistryName::Soulprints, self.soulprints.len()),
            ]
            .into(),
        }
    }

    /// Returns a digest of each registry. Its cost does not grow with what the registries hold.
    #[must_use]
    pub fn digests(&self) -> [(Projection, Digest); 4] {
        [
            (Projection::Trades, self.trades.digest()),
            (Projection::Buckets, self.buckets.digest()),
            (Projection::Soulprints, self.soulprints.digest()),
            (Projection::Links, self.links.digest()),
        ]
    }

    /// The trade that closed the position of an order, by (run, order).
    pub(super) fn trades_by_order(&self) -> BTreeMap<(RunId, u64), Vec<Digest>> {
        let mut by_order: BTreeMap<(RunId, u64), Vec<Digest>> = BTreeMap::new();
        for entry in self.trades.all(Page::ALL) {
            let order = (entry.trade.run, entry.trade.entry.order);
            by_order.entry(order).or_default().push(entry.hash);
        }
        by_order
    }
}

/// Net profit as a share of the entry notional.
pub(super) fn net_return_of(trade: &TradeClosed) -> Option<Ratio> {
    trade.net.ratio_to(trade.entry.price.times(trade.quantity).ok()?)
}
