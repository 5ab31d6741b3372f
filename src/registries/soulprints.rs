//! The soulprint registry: what the market looked like when a position was entered, and what came
//! of it.
//!
//! A projection of `soulprint_registered` and `soulprint_outcome` events. An entry refers to its
//! trades by canonical hash and repeats none of their fields. Vectors lie side by side in one list,
//! so that an exact search over all of them reads memory in order; the search is a query and never
//! on the way of an addition, which takes constant time.
//!
//! Memory: measured with a million trades, each with soulprint, bucket and both links, all four
//! registries together take 2.7 KiB a trade, indexes included.

use std::collections::BTreeMap;

use serde::Serialize;

use super::RegistryFault;
use crate::event::wire::through_parts;
use crate::event::{
    PairId, RunId, SoulprintOutcome, SoulprintRegistered, Trigger, VECTOR_FEATURES, state_digest,
};
use crate::hash::Digest;
use crate::signals::cosine_similarity;
use crate::units::Ratio;

/// A soulprint at its place in the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SoulprintEntry {
    /// Its content id.
    pub id: Digest,
    /// Sequence of the record that brought it.
    pub sequence: u64,
    /// The soulprint.
    pub soulprint: SoulprintRegistered,
    /// What it came to: one for each trade that closed its position, none while it is open.
    pub outcomes: Vec<SoulprintOutcome>,
}

impl SoulprintEntry {
    /// Returns the net return of the first trade that closed its position, on its own notional; of
    /// a position closed in parts, `outcomes` has the others.
    #[must_use]
    pub fn net_return(&self) -> Option<Ratio> {
        self.outcomes.first().map(|outcome| outcome.net_return)
    }
}

/// An entry that a search found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Neighbour<'a> {
    /// Cosine of the angle between the two vectors.
    pub similarity: Ratio,
    /// The entry.
    pub entry: &'a SoulprintEntry,
}

/// Which soulprints a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SoulprintFilter {
    /// Only of this pair of the entry's own run.
    pub pair: Option<PairId>,
    /// Only of this trigger.
    pub trigger: Option<Trigger>,
}

impl SoulprintFilter {
    fn takes(&self, soulprint: &SoulprintRegistered) -> bool {
        self.pair.is_none_or(|pair| pair == soulprint.pair)
            && self.trigger.is_none_or(|trigger| trigger == soulprint.bucket.trigger)
    }
}

/// Every soulprint of a log.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SoulprintRegistry {
    entries: Vec<SoulprintEntry>,
    /// All vectors, [`VECTOR_FEATURES`] numbers an entry.
    vectors: Vec<Ratio>,
    by_id: BTreeMap<Digest, u32>,
    by_order: BTreeMap<(RunId, u64), u32>,
    /// Which entry each outcome belongs to, in the order of the log.
    outcome_of: Vec<u32>,
    chain: Digest,
    outcome_chain: Digest,
}

impl SoulprintRegistry {
    pub(super) fn register(
        &mut self,
        soulprint: &SoulprintRegistered,
        sequence: u64,
    ) -> Result<(), RegistryFault> {
        let id = soulprint.content_id()?;
        if self.by_id.contains_key(&id) {
            return Err(RegistryFault::Repeated { registry: "soulprints", entry: id });
        }
        if soulprint.vector.len() != VECTOR_FEATURES.len() {
            return Err(RegistryFault::Figure { event: "soulprint_registered", field: "vector" });
        }
        let place = u32::try_from(self.entries.len()).map_err(|_| RegistryFault::Full)?;
        self.by_id.insert(id, place);
        self.by_order.insert((soulprint.run, soulprint.order), place);
        self.vectors.extend(&soulprint.vector);
        self.chain = state_digest(&(self.chain, id));
        let (soulprint, outcomes) = (soulprint.clone(), Vec::new());
        self.entries.push(SoulprintEntry { id, sequence, soulprint, outcomes });
        Ok(())
    }

    pub(super) fn outcome(&mut self, outcome: &SoulprintOutcome) -> Result<(), RegistryFault> {
        let unknown = RegistryFault::Unknown { registry: "soulprints", entry: outcome.soulprint };
        let place = *self.by_id.get(&outcome.soulprint).ok_or(unknown)?;
        let entry = self.entries.get_mut(place as usize).ok_or(RegistryFault::Full)?;
        if entry.outcomes.iter().any(|known| known.trade == outcome.trade) {
            let entry = outcome.soulprint;
            return Err(RegistryFault::Repeated { registry: "soulprints", entry });
        }
        entry.outcomes.push(outcome.clone());
        self.outcome_of.push(place);
        self.outcome_chain = state_digest(&(self.outcome_chain, outcome));
        Ok(())
    }

    /// Returns how many soulprints there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns how many outcomes there are.
    #[must_use]
    pub fn outcomes(&self) -> u64 {
        self.outcome_of.len() as u64
    }

    /// Returns all entries, in the order of the log.
    pub fn all(&self) -> impl Iterator<Item = &SoulprintEntry> {
        self.entries.iter()
    }

    /// Returns the entry of a content id.
    #[must_use]
    pub fn get(&self, id: &Digest) -> Option<&SoulprintEntry> {
        self.by_id.get(id).and_then(|place| self.entries.get(*place as usize))
    }

    /// Returns the entry of the order that entered.
    #[must_use]
    pub fn of_order(&self, run: RunId, order: u64) -> Option<&SoulprintEntry> {
        self.by_order.get(&(run, order)).and_then(|place| self.entries.get(*place as usize))
    }

    /// Returns the net returns of the newest `window` soulprints that have one, oldest first: the
    /// profit vector.
    #[must_use]
    pub fn profit_vector(&self, filter: SoulprintFilter, window: usize) -> Vec<Ratio> {
        let own = self.entries.iter().rev().filter(|entry| filter.takes(&entry.soulprint));
        let mut newest: Vec<Ratio> =
            own.filter_map(SoulprintEntry::net_return).take(window).collect();
        newest.reverse();
        newest
    }

    /// Returns the `count` entries whose vectors point most nearly the same way, the nearest first;
    /// of equal ones the older first. Exact: every vector is looked at. A vector without length has
    /// no direction and is no neighbour.
    #[must_use]
    pub fn nearest(
        &self,
        vector: &[Ratio],
        count: usize,
        filter: SoulprintFilter,
    ) -> Vec<Neighbour<'_>> {
        let mut best: Vec<(Ratio, usize)> = Vec::with_capacity(count.min(self.len()) + 1);
        let rows = self.vectors.chunks_exact(VECTOR_FEATURES.len());
        for (place, (entry, own)) in self.entries.iter().zip(rows).enumerate() {
            if count == 0 || !filter.takes(&entry.soulprint) {
                continue;
            }
            let Ok(similarity) = cosine_similarity(vector, own) else { continue };
            if best.len() == count && best.last().is_some_and(|(least, _)| similarity <= *least) {
                continue;
            }
            let after = best.partition_point(|(known, _)| *known >= similarity);
            best.insert(after, (similarity, place));
            best.truncate(count);
        }
        let found = best.into_iter().filter_map(|(similarity, place)| {
            Some(Neighbour { similarity, entry: self.entries.get(place)? })
        });
        found.collect()
    }

    /// Returns the digest of the registry: running ones over its entries and what they came to.
    pub(super) fn digest(&self) -> Digest {
        state_digest(&(self.chain, self.outcome_chain))
    }

    /// What they came to, in the order of the log.
    fn outcomes_in_order(&self) -> Vec<&SoulprintOutcome> {
        let mut next = vec![0_usize; self.entries.len()];
        let in_order = self.outcome_of.iter().filter_map(|place| {
            let place = *place as usize;
            let outcome = self.entries.get(place)?.outcomes.get(next[place]);
            next[place] += 1;
            outcome
        });
        in_order.collect()
    }
}

through_parts!(
    SoulprintRegistry,
    (Vec<(u64, SoulprintRegistered)>, Vec<SoulprintOutcome>),
    |registry: &SoulprintRegistry| {
        let entries =
            registry.entries.iter().map(|entry| (entry.sequence, entry.soulprint.clone()));
        let outcomes = registry.outcomes_in_order().into_iter().cloned();
        (Vec::from_iter(entries), Vec::from_iter(outcomes))
    },
    |(entries, outcomes)| {
        let mut registry = SoulprintRegistry::default();
        for (sequence, soulprint) in entries {
            registry.register(&soulprint, sequence).map_err(|fault| fault.to_string())?;
        }
        for outcome in outcomes {
            registry.outcome(&outcome).map_err(|fault| fault.to_string())?;
        }
        Ok(registry)
    }
);
