//! Links: which trade and which entry of a specialised registry belong together, and the tombstones
//! of what does not.
//!
//! A projection of `registry_linked` and `orphan_tombstoned` events. Nothing is ever removed: an
//! orphan that was answered stays in the log and in here, and counts no more.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::RegistryFault;
use crate::event::wire::through_parts;
use crate::event::{LinkFault, OrphanTombstoned, RegistryLinked, RegistryName, state_digest};
use crate::hash::Digest;

/// A link at its place in the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Sequence of the record that brought it.
    pub sequence: u64,
    /// The link.
    pub linked: RegistryLinked,
}

/// What names an orphan.
type OrphanKey = (RegistryName, LinkFault, Digest, Option<Digest>);

/// Every link of a log.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LinkRegistry {
    links: Vec<Link>,
    /// Places by trade, and the set of what is linked.
    by_trade: BTreeMap<Digest, Vec<u32>>,
    linked: BTreeSet<(RegistryName, Digest, Digest)>,
    /// Trades with at least one link, by registry.
    covered: BTreeMap<RegistryName, BTreeSet<Digest>>,
    tombstones: Vec<OrphanTombstoned>,
    answered: BTreeSet<OrphanKey>,
    chains: [Digest; 2],
}

impl LinkRegistry {
    pub(super) fn link(
        &mut self,
        linked: &RegistryLinked,
        sequence: u64,
    ) -> Result<(), RegistryFault> {
        let RegistryLinked { trade, registry, entry, .. } = *linked;
        if !self.linked.insert((registry, trade, entry)) {
            return Err(RegistryFault::Repeated { registry: "links", entry });
        }
        let place = u32::try_from(self.links.len()).map_err(|_| RegistryFault::Full)?;
        self.by_trade.entry(trade).or_default().push(place);
        self.covered.entry(registry).or_default().insert(trade);
        self.chains[0] = state_digest(&(self.chains[0], linked));
        self.links.push(Link { sequence, linked: linked.clone() });
        Ok(())
    }

    pub(super) fn bury(&mut self, tombstone: &OrphanTombstoned) {
        let OrphanTombstoned { registry, fault, entry, trade } = *tombstone;
        self.answered.insert((registry, fault, entry, trade));
        self.chains[1] = state_digest(&(self.chains[1], tombstone));
        self.tombstones.push(tombstone.clone());
    }

    /// Returns how many links there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Returns all links, in the order of the log.
    pub fn all(&self) -> impl Iterator<Item = &Link> {
        self.links.iter()
    }

    /// Returns the links of a trade.
    pub fn of_trade(&self, trade: &Digest) -> impl Iterator<Item = &Link> {
        let places = self.by_trade.get(trade).into_iter().flatten();
        places.filter_map(|place| self.links.get(*place as usize))
    }

    /// True when a trade and an entry are linked.
    #[must_use]
    pub fn holds(&self, registry: RegistryName, trade: &Digest, entry: &Digest) -> bool {
        self.linked.contains(&(registry, *trade, *entry))
    }

    /// Returns how many trades are linked to a registry.
    #[must_use]
    pub fn covered(&self, registry: RegistryName) -> u64 {
        self.covered.get(&registry).map_or(0, |trades| trades.len() as u64)
    }

    /// Returns how many trades have a link at all.
    #[must_use]
    pub fn linked_trades(&self) -> u64 {
        self.by_trade.len() as u64
    }

    /// Returns the tombstones, in the order of the log.
    #[must_use]
    pub fn tombstones(&self) -> &[OrphanTombstoned] {
        &self.tombstones
    }

    pub(super) fn is_answered(&self, orphan: &OrphanTombstoned) -> bool {
        let OrphanTombstoned { registry, fault, entry, trade } = *orphan;
        self.answered.contains(&(registry, fault, entry, trade))
    }

    pub(super) fn digest(&self) -> Digest {
        state_digest(&self.chains)
    }
}

through_parts!(
    LinkRegistry,
    (Vec<(u64, RegistryLinked)>, Vec<OrphanTombstoned>),
    |registry: &LinkRegistry| {
        let links = registry.links.iter().map(|link| (link.sequence, link.linked.clone()));
        (Vec::from_iter(links), registry.tombstones.clone())
    },
    |(links, tombstones)| {
        let mut registry = LinkRegistry::default();
        for (sequence, linked) in links {
            registry.link(&linked, sequence).map_err(|fault| fault.to_string())?;
        }
        tombstones.iter().for_each(|tombstone| registry.bury(tombstone));
        Ok(registry)
    }
);
