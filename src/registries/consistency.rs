//! Do the registries fit together? Every reference is followed in both directions.
//!
//! From a link: is its trade there, and under that hash; is its entry there? From an entry: is the
//! trade that it names there; does it name one although its position is closed; does a link say so?
//! Orphans that a tombstone answered are counted apart and are no faults any more.

use std::fmt;

use serde::Serialize;

use super::coordinator::Registries;
use crate::event::{Event, LinkFault, OrphanTombstoned, RegistryName};
use crate::hash::Digest;

/// One reference that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsistencyFault {
    /// Sequence of the record that refers.
    pub sequence: u64,
    /// The registry, the fault, the entry and the trade.
    #[serde(flatten)]
    pub orphan: OrphanTombstoned,
}

impl fmt::Display for ConsistencyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OrphanTombstoned { registry, fault, entry, trade } = &self.orphan;
        let (registry, entry) = (registry.name(), entry.short());
        let trade = trade.as_ref().map_or_else(String::new, Digest::short);
        match fault {
            LinkFault::LinkWithoutTrade => {
                write!(f, "a link of `{registry}` names trade {trade}, which is not there")
            }
            LinkFault::LinkWithoutEntry => {
                write!(f, "a link names {entry} of `{registry}`, which is not there")
            }
            LinkFault::EntryWithoutTrade => {
                write!(f, "{entry} of `{registry}` names no trade, and its position is closed")
            }
            LinkFault::EntryOfMissingTrade => {
                write!(f, "{entry} of `{registry}` names trade {trade}, which is not there")
            }
            LinkFault::EntryNotLinked => {
                write!(f, "trade {trade} and {entry} of `{registry}` are not linked")
            }
            LinkFault::HashMismatch => write!(
                f,
                "a link of `{registry}` names trade {trade}; the trade of that number has another \
                 hash, so one of its fields was changed"
            ),
        }
    }
}

/// How healthy the registries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// Every reference holds.
    Healthy,
    /// Something that belongs together is not linked.
    Degraded,
    /// A reference leads nowhere, or a trade was changed.
    Broken,
}

/// The health of the registries, computed from what does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// In a word.
    pub status: HealthStatus,
    /// References that do not hold.
    pub open_faults: u64,
    /// Orphans that were answered.
    pub answered: u64,
    /// Entries of all registries, links included.
    pub entries: u64,
}

/// What does not fit together in the registries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Consistency {
    /// Links that were followed.
    pub links_checked: u64,
    /// Entries of the specialised registries that were followed.
    pub entries_checked: u64,
    /// References that do not hold and were not answered, in the order of the log.
    pub faults: Vec<ConsistencyFault>,
    /// Faults that a tombstone answered.
    pub answered: u64,
}

impl Registries {
    /// Follows every reference in both directions.
    ///
    /// Takes time by everything the registries hold: for audits and questions.
    #[must_use]
    pub fn consistency(&self) -> Consistency {
        let mut found = Vec::new();
        self.follow_links(&mut found);
        self.follow_soulprints(&mut found);
        self.follow_buckets(&mut found);
        let all = found.len();
        found.retain(|fault| !self.links().is_answered(&fault.orphan));
        found.sort_by_key(|fault| fault.sequence);
        let entries = self.soulprints().len() + self.buckets().observed().len();
        Consistency {
            links_checked: self.links().len() as u64,
            entries_checked: entries as u64,
            answered: (all - found.len()) as u64,
            faults: found,
        }
    }

    fn follow_links(&self, found: &mut Vec<ConsistencyFault>) {
        for link in self.links().all() {
            let (registry, entry) = (link.linked.registry, link.linked.entry);
            let trade = Some(link.linked.trade);
            let mut note = |fault| {
                let orphan = OrphanTombstoned { registry, fault, entry, trade };
                found.push(ConsistencyFault { sequence: link.sequence, orphan });
            };
            let (there, run) = match registry {
                RegistryName::Soulprints => {
                    let known = self.soulprints().get(&entry);
                    (known.is_some(), known.map(|known| known.soulprint.run))
                }
                RegistryName::ProfitBuckets => {
                    let observed = self.buckets().of_trade(&link.linked.trade);
                    let soulprint =
                        observed.and_then(|seen| self.soulprints().get(&seen.soulprint));
                    let run = soulprint.map(|known| known.soulprint.run);
                    (self.buckets().get(&entry).is_some(), run)
                }
            };
            if !there {
                note(LinkFault::LinkWithoutEntry);
            }
            if self.trades().get(&link.linked.trade).is_none() {
                let numbered =
                    run.and_then(|run| self.trades().get_number(run, link.linked.number));
                note(match numbered {
                    Some(_) => LinkFault::HashMismatch,
                    None => LinkFault::LinkWithoutTrade,
                });
            }
        }
    }

    fn follow_soulprints(&self, found: &mut Vec<ConsistencyFault>) {
        let registry = RegistryName::Soulprints;
        let by_order = self.trades_by_order();
        for known in self.soulprints().all() {
            let (entry, sequence) = (known.id, known.sequence);
            let mut note = |registry, fault, entry, trade| {
                let orphan = OrphanTombstoned { registry, fault, entry, trade };
                found.push(ConsistencyFault { sequence, orphan });
            };
            for outcome in &known.outcomes {
                let trade = outcome.trade;
                if self.trades().get(&trade).is_none() {
                    note(registry, LinkFault::EntryOfMissingTrade, entry, Some(trade));
                } else if !self.links().holds(registry, &trade, &entry) {
                    note(registry, LinkFault::EntryNotLinked, entry, Some(trade));
                }
            }
            let closed = by_order.get(&(known.soulprint.run, known.soulprint.order));
            for trade in closed.into_iter().flatten() {
                if known.outcomes.iter().all(|outcome| outcome.trade != *trade) {
                    // The entry does not say so itself, so it names no trade.
                    note(registry, LinkFault::EntryWithoutTrade, entry, None);
                }
                if self.buckets().of_trade(trade).is_none()
                    && let Ok(bucket) = known.soulprint.bucket.content_id()
                {
                    let missing = LinkFault::EntryNotLinked;
                    note(RegistryName::ProfitBuckets, missing, bucket, Some(*trade));
                }
            }
        }
    }

    fn follow_buckets(&self, found: &mut Vec<ConsistencyFault>) {
        let registry = RegistryName::ProfitBuckets;
        for seen in self.buckets().observed() {
            let Ok(entry) = seen.key.content_id() else { continue };
            let trade = self.trades().get(&seen.trade);
            let fault = match trade {
                None => LinkFault::EntryOfMissingTrade,
                Some(_) if !self.links().holds(registry, &seen.trade, &entry) => {
                    LinkFault::EntryNotLinked
                }
                Some(_) => continue,
            };
            // An observation has no place of its own; that of its trade, or the start of the log.
            let sequence = trade.map_or(0, |known| known.sequence);
            let orphan = OrphanTombstoned { registry, fault, entry, trade: Some(seen.trade) };
            found.push(ConsistencyFault { sequence, orphan });
        }
    }

    /// Returns a tombstone for every fault that is open.
    #[must_use]
    pub fn clean_up(&self) -> Vec<Event> {
        let faults = self.consistency().faults.into_iter();
        faults.map(|fault| Event::OrphanTombstoned(fault.orphan)).collect()
    }

    /// Returns how healthy the registries are.
    #[must_use]
    pub fn health(&self) -> Health {
        let found = self.consistency();
        let unlinked = |fault: &ConsistencyFault| fault.orphan.fault == LinkFault::EntryNotLinked;
        let status = if found.faults.is_empty() {
            HealthStatus::Healthy
        } else if found.faults.iter().all(unlinked) {
            HealthStatus::Degraded
        } else {
            HealthStatus::Broken
        };
        let entries = self.trades().len() + self.links().len();
        Health {
            status,
            open_faults: found.faults.len() as u64,
            answered: found.answered,
            entries: entries as u64 + found.entries_checked,
        }
    }
}
