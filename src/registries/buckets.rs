//! The profit bucket registry: patterns, and what trades that fell into them earned.
//!
//! A pattern is a trigger, a direction and the thirds in which four features stood at entry, pooled
//! over all pairs, so that it is met again. Losing trades count as much as winning ones. A new
//! entry whose vector points the way of a pattern's mean vector is a *match*: a prediction, written
//! down before the outcome is known and scored when it is.
//!
//! Invariants: fed by trades alone; at most 6 * 2 * 81 buckets exist; a pattern that was put aside
//! wakes when a trade falls into it again.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::RegistryFault;
use crate::event::wire::{Decode, Encode, through_parts};
use crate::event::{
    BucketKey, BucketMatchScored, BucketMatched, BucketObserved, BucketRetired, VECTOR_FEATURES,
    state_digest,
};
use crate::hash::Digest;
use crate::signals::{Moments, cosine_similarity, flat_posterior};
use crate::time::{DAY_NS, Span, Timestamp};
use crate::units::Ratio;

/// Trades that a pattern needs before it predicts: fewer have no mean worth the name.
pub const MATCH_SUPPORT_MIN: u64 = 3;
/// How alike an entry must be: the documents' own threshold, on a likeness that means something.
pub const MATCH_SIMILARITY_MIN: Ratio = Ratio::from_raw(600_000_000);
/// A pattern that was idle for so long ...
pub const RETIRE_IDLE: Span = Span::from_nanos(DAY_NS);
/// ... and has fewer trades than this is put aside.
pub const RETIRE_SUPPORT: u64 = 20;

/// One pattern.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Bucket {
    /// Its content id.
    pub id: Digest,
    /// What falls into it.
    pub key: BucketKey,
    /// Trades that earned something.
    pub successes: u64,
    /// Trades that did not.
    pub failures: u64,
    /// Net returns of its trades.
    #[serde(skip)]
    pub returns: Moments,
    /// Best net return.
    pub best: Ratio,
    /// Worst net return.
    pub worst: Ratio,
    /// Sum of the holding times, in nanoseconds.
    holding: i128,
    /// Sums of the vectors of its trades, in 10^-9.
    #[serde(skip)]
    vector: Vec<i128>,
    /// When its first trade was closed.
    pub first_used: Timestamp,
    /// When it was last observed or matched.
    pub last_used: Timestamp,
    /// True while it is put aside.
    pub retired: bool,
    /// Entries that it predicted for.
    pub matches: u64,
    /// Predictions that met their outcome.
    pub scored: u64,
    /// Those whose likelier side came.
    pub hits: u64,
}

impl Bucket {
    fn new(id: Digest, observed: &BucketObserved) -> Self {
        Self {
            id,
            key: observed.key,
            successes: 0,
            failures: 0,
            returns: Moments::default(),
            best: observed.net_return,
            worst: observed.net_return,
            holding: 0,
            vector: vec![0; VECTOR_FEATURES.len()],
            first_used: observed.time,
            last_used: observed.time,
            retired: false,
            matches: 0,
            scored: 0,
            hits: 0,
        }
    }

    /// Returns how many trades support it.
    #[must_use]
    pub const fn support(&self) -> u64 {
        self.successes + self.failures
    }

    /// Returns the posterior mean of success: its confidence.
    #[must_use]
    pub fn confidence(&self) -> Ratio {
        flat_posterior(self.successes, self.support())
    }

    /// Returns the mean net return of its trades.
    #[must_use]
    pub fn mean_net_return(&self) -> Ratio {
        self.returns.mean().unwrap_or(Ratio::ZERO)
    }

    /// Returns how long its trades were held on average: the exit that it suggests.
    #[must_use]
    pub fn mean_holding(&self) -> Span {
        let mean = self.holding.checked_div(i128::from(self.support())).unwrap_or(0);
        Span::from_nanos(i64::try_from(mean).unwrap_or(i64::MAX))
    }

    /// Returns the mean vector of its trades.
    #[must_use]
    pub fn mean_vector(&self) -> Vec<Ratio> {
        let support = i128::from(self.support()).max(1);
        let mean = |sum: &i128| Ratio::from_raw(i64::try_from(sum / support).unwrap_or(0));
        self.vector.iter().map(mean).collect()
    }

    /// Returns how its worst trade rates: `high` below -10 %, `medium` below -5 %, else `low`.
    #[must_use]
    pub const fn risk_level(&self) -> &'static str {
        match self.worst.raw() {
            raw if raw < -100_000_000 => "high",
            raw if raw < -50_000_000 => "medium",
            _ => "low",
        }
    }
}

/// All patterns of a log.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct BucketRegistry {
    buckets: BTreeMap<Digest, Bucket>,
    observed: Vec<BucketObserved>,
    of_trade: BTreeMap<Digest, u32>,
    matched: Vec<BucketMatched>,
    of_soulprint: BTreeMap<Digest, u32>,
    scored: Vec<BucketMatchScored>,
    /// Soulprints whose prediction waits for its outcome.
    waiting: BTreeSet<Digest>,
    /// Running digests over the three lists.
    chains: [Digest; 3],
}

impl BucketRegistry {
    pub(super) fn observe(
        &mut self,
        observed: &BucketObserved,
        vector: &[Ratio],
    ) -> Result<(), RegistryFault> {
        let id = observed.key.content_id()?;
        if self.of_trade.contains_key(&observed.trade) {
            let entry = observed.trade;
            return Err(RegistryFault::Repeated { registry: "profit_buckets", entry });
        }
        let place = u32::try_from(self.observed.len()).map_err(|_| RegistryFault::Full)?;
        let bucket = self.buckets.entry(id).or_insert_with(|| Bucket::new(id, observed));
        bucket.returns.push(observed.net_return)?;
        if observed.success {
            bucket.successes += 1;
        } else {
            bucket.failures += 1;
        }
        bucket.best = bucket.best.max(observed.net_return);
        bucket.worst = bucket.worst.min(observed.net_return);
        bucket.holding += i128::from(observed.holding.nanos());
        for (sum, value) in bucket.vector.iter_mut().zip(vector) {
            *sum += i128::from(value.raw());
        }
        bucket.last_used = bucket.last_used.max(observed.time);
        bucket.retired = false;
        self.keep_observed(observed.clone(), place);
        Ok(())
    }

    fn keep_observed(&mut self, observed: BucketObserved, place: u32) {
        self.of_trade.insert(observed.trade, place);
        self.chains[0] = state_digest(&(self.chains[0], &observed));
        self.observed.push(observed);
    }

    fn keep_match(&mut self, matched: BucketMatched, place: u32) {
        self.waiting.insert(matched.soulprint);
        self.of_soulprint.insert(matched.soulprint, place);
        self.chains[1] = state_digest(&(self.chains[1], &matched));
        self.matched.push(matched);
    }

    fn keep_scored(&mut self, scored: BucketMatchScored) {
        self.waiting.remove(&scored.soulprint);
        self.chains[2] = state_digest(&(self.chains[2], &scored));
        self.scored.push(scored);
    }

    pub(super) fn take_match(
        &mut self,
        matched: &BucketMatched,
        time: Timestamp,
    ) -> Result<(), RegistryFault> {
        let unknown = RegistryFault::Unknown { registry: "profit_buckets", entry: matched.bucket };
        let bucket = self.buckets.get_mut(&matched.bucket).ok_or(unknown)?;
        bucket.matches += 1;
        bucket.last_used = bucket.last_used.max(time);
        let place = u32::try_from(self.matched.len()).map_err(|_| RegistryFault::Full)?;
        self.keep_match(matched.clone(), place);
        Ok(())
    }

    pub(super) fn score(&mut self, scored: &BucketMatchScored) -> Result<(), RegistryFault> {
        let unknown = RegistryFault::Unknown { registry: "profit_buckets", entry: scored.bucket };
        let bucket = self.buckets.get_mut(&scored.bucket).ok_or(unknown)?;
        bucket.scored += 1;
        bucket.hits += u64::from(is_hit(scored));
        let predicted = self.prediction(&scored.soulprint).map(|known| known.expected_success);
        self.keep_scored(scored.clone());
        if predicted != Some(scored.expected_success) {
            let field = "expected_success";
            return Err(RegistryFault::Figure { event: "bucket_match_scored", field });
        }
        Ok(())
    }

    pub(super) fn retire(&mut self, retired: &BucketRetired) -> Result<(), RegistryFault> {
        let unknown = RegistryFault::Unknown { registry: "profit_buckets", entry: retired.bucket };
        let bucket = self.buckets.get_mut(&retired.bucket).ok_or(unknown)?;
        bucket.retired = true;
        if bucket.support() != retired.support {
            return Err(RegistryFault::Figure { event: "bucket_retired", field: "support" });
        }
        Ok(())
    }

    /// The pattern that an entry is most like, if it is like any.
    pub(super) fn best_match(&self, vector: &[Ratio]) -> Option<(&Bucket, Ratio)> {
        let mut best: Option<(&Bucket, Ratio)> = None;
        for bucket in self.active().filter(|bucket| bucket.support() >= MATCH_SUPPORT_MIN) {
            let Ok(similarity) = cosine_similarity(vector, &bucket.mean_vector()) else { continue };
            if best.is_none_or(|(_, known)| similarity > known) {
                best = Some((bucket, similarity));
            }
        }
        best.filter(|(_, similarity)| *similarity >= MATCH_SIMILARITY_MIN)
    }

    /// The patterns to put aside at this time.
    pub(super) fn idle_at(&self, time: Timestamp) -> impl Iterator<Item = BucketRetired> + '_ {
        self.active().filter_map(move |bucket| {
            let idle = time.since(bucket.last_used)?;
            let support = bucket.support();
            (idle >= RETIRE_IDLE && support < RETIRE_SUPPORT).then_some(BucketRetired {
                bucket: bucket.id,
                idle,
                support,
            })
        })
    }

    /// The prediction for a soulprint that has not met its outcome.
    pub(super) fn waiting_for(&self, soulprint: &Digest) -> Option<&BucketMatched> {
        self.prediction(soulprint).filter(|_| self.waiting.contains(soulprint))
    }

    /// Returns how many patterns there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buckets.len()
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Returns a pattern.
    #[must_use]
    pub fn get(&self, id: &Digest) -> Option<&Bucket> {
        self.buckets.get(id)
    }

    /// Returns all patterns, by content id.
    pub fn all(&self) -> impl Iterator<Item = &Bucket> {
        self.buckets.values()
    }

    /// Returns the patterns that are not put aside, by content id.
    pub fn active(&self) -> impl Iterator<Item = &Bucket> {
        self.buckets.values().filter(|bucket| !bucket.retired)
    }

    /// Returns the trades that fell into patterns, in the order of the log.
    #[must_use]
    pub fn observed(&self) -> &[BucketObserved] {
        &self.observed
    }

    /// Returns what a trade was to its pattern.
    #[must_use]
    pub fn of_trade(&self, trade: &Digest) -> Option<&BucketObserved> {
        self.of_trade.get(trade).and_then(|place| self.observed.get(*place as usize))
    }

    /// Returns the prediction that was made for a soulprint.
    #[must_use]
    pub fn prediction(&self, soulprint: &Digest) -> Option<&BucketMatched> {
        self.of_soulprint.get(soulprint).and_then(|place| self.matched.get(*place as usize))
    }

    /// Returns how many predictions were made.
    #[must_use]
    pub fn predictions(&self) -> u64 {
        self.matched.len() as u64
    }

    /// Returns the predictions that met their outcome, in the order of the log.
    #[must_use]
    pub fn scored(&self) -> &[BucketMatchScored] {
        &self.scored
    }

    /// Returns the patterns with at least `min_support` trades, by confidence, then by support, the
    /// best first. Confidence is a posterior: one lucky trade leads no list.
    #[must_use]
    pub fn top(&self, limit: usize, min_support: u64) -> Vec<&Bucket> {
        let mut found: Vec<&Bucket> =
            self.buckets.values().filter(|bucket| bucket.support() >= min_support).collect();
        found.sort_by_key(|bucket| {
            std::cmp::Reverse((bucket.confidence(), bucket.support(), bucket.id))
        });
        found.truncate(limit);
        found
    }

    /// Returns the active pattern with the highest confidence among those with support enough to
    /// predict.
    #[must_use]
    pub fn best_supported_bucket(&self) -> Option<&Bucket> {
        self.top(usize::MAX, MATCH_SUPPORT_MIN).into_iter().find(|bucket| !bucket.retired)
    }

    /// Returns the digest of the registry: all patterns, and a running digest over what was
    /// observed, predicted and scored.
    pub(super) fn digest(&self) -> Digest {
        state_digest(&(Vec::from_iter(self.buckets.values()), self.chains))
    }
}

/// True when the likelier side came; even odds predict nothing.
pub(super) fn is_hit(scored: &BucketMatchScored) -> bool {
    match scored.expected_success {
        odds if odds > Ratio::HALF => scored.success,
        odds if odds < Ratio::HALF => !scored.success,
        _ => false,
    }
}

/// What a snapshot holds: the patterns, and what they were made of in the order of the log.
#[derive(Encode, Decode)]
struct Kept {
    buckets: Vec<Bucket>,
    observed: Vec<BucketObserved>,
    matched: Vec<BucketMatched>,
    scored: Vec<BucketMatchScored>,
}

through_parts!(
    BucketRegistry,
    Kept,
    |registry: &BucketRegistry| Kept {
        buckets: registry.buckets.values().cloned().collect(),
        observed: registry.observed.clone(),
        matched: registry.matched.clone(),
        scored: registry.scored.clone(),
    },
    |kept| {
        if kept.buckets.iter().any(|bucket| bucket.vector.len() != VECTOR_FEATURES.len()) {
            return Err("a bucket without its vector".to_owned());
        }
        let buckets = kept.buckets.into_iter().map(|bucket| (bucket.id, bucket)).collect();
        let mut registry = BucketRegistry { buckets, ..BucketRegistry::default() };
        (0_u32..).zip(kept.observed).for_each(|(place, seen)| registry.keep_observed(seen, place));
        (0_u32..).zip(kept.matched).for_each(|(place, seen)| registry.keep_match(seen, place));
        kept.scored.into_iter().for_each(|seen| registry.keep_scored(seen));
        Ok(registry)
    }
);
