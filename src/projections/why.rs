//! Why did this trade happen? The chain of causes, from the bar to the registry links.
//!
//! Everything that belongs to a trade names it: its orders by number, its ghost by number, its
//! links by hash. A pass over the log keeps what belongs, and the input that each step began with;
//! memory does not grow with the log.

use serde::Serialize;

use super::ProjectionError;
use crate::event::{Event, PairId, RecordRef, RunId, SoulprintRegistered, TradeClosed};
use crate::hash::Digest;
use crate::ledger::{Entry, LedgerError, Reader, decode};
use crate::time::Timestamp;

/// One record of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// Its sequence.
    pub sequence: u64,
    /// Its kind.
    pub kind: &'static str,
    /// Event time.
    pub time: Timestamp,
    /// The record that caused it; none for an input.
    pub cause: Option<u64>,
    /// Its leaf hash.
    pub digest: Digest,
    /// What it says.
    pub event: Event,
}

/// A trade and what led to it and followed from it, in the order of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The trade's canonical hash.
    pub trade: Digest,
    /// The chain.
    pub causes: Vec<Cause>,
}

/// Why no trade can be explained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WhyError {
    /// The log cannot be read.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// The log has no such trade.
    #[error(
        "no closed trade has a hash that begins with {wanted}; `state LEDGER trades` lists them"
    )]
    Unknown {
        /// What was asked for.
        wanted: String,
    },
    /// Several trades have hashes that begin so.
    #[error("several trades begin with {wanted}: {first} and {second}; give more digits")]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// One of them.
        first: Digest,
        /// Another.
        second: Digest,
    },
    /// Too few digits, or something that is none.
    #[error("`{wanted}` is no hash: give at least 6 hex digits of it")]
    BadHash {
        /// What was asked for.
        wanted: String,
    },
}

impl From<LedgerError> for WhyError {
    fn from(error: LedgerError) -> Self {
        Self::Projection(error.into())
    }
}

/// Explains the trade whose canonical hash begins with these digits.
///
/// # Errors
/// [`WhyError`].
pub fn why(reader: &Reader<Event>, wanted: &str) -> Result<Explanation, WhyError> {
    let FoundTrade { trade, hash, .. } = find_trade(reader, wanted)?;
    let mut chain = Chain::new(trade, hash);
    each(reader, |cause, run| chain.take(cause, run))?;
    // The ghost is known by its order's soulprint or by the gate's answer, which come after it; so
    // what the first pass could not tell is looked for once more.
    if chain.ghost.is_some() {
        chain.kept.clear();
        chain.step = None;
        each(reader, |cause, run| chain.take(cause, run))?;
    }
    Ok(Explanation { trade: hash, causes: chain.kept })
}

/// Calls `take` with every event of the log and its run.
fn each(reader: &Reader<Event>, mut take: impl FnMut(Cause, RunId)) -> Result<(), WhyError> {
    reader.for_each::<LedgerError>(0, |record: RecordRef<'_>| {
        let sequence = record.sequence;
        let unreadable = |source| LedgerError::Record { sequence, source };
        let (envelope, entry) = decode::<Event>(&record).map_err(unreadable)?;
        if let Entry::Event(event) = entry {
            let (kind, time) = (event.name(), envelope.stamp.time);
            let (cause, digest) = (record.cause(&envelope), record.digest());
            take(Cause { sequence, kind, time, cause, digest, event }, envelope.stamp.run);
        }
        Ok(())
    })?;
    Ok(())
}

/// A closed trade of the log.
#[derive(Debug, Clone)]
pub struct FoundTrade {
    /// The record that closed it.
    pub sequence: u64,
    /// Its canonical hash.
    pub hash: Digest,
    /// What the record says.
    pub trade: TradeClosed,
}

/// Finds the closed trade whose canonical hash begins with these digits, at least 6 of them.
///
/// # Errors
/// [`WhyError`].
pub fn find_trade(reader: &Reader<Event>, wanted: &str) -> Result<FoundTrade, WhyError> {
    let wanted = wanted.to_ascii_lowercase();
    let hex = wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hex || !(6..=64).contains(&wanted.len()) {
        return Err(WhyError::BadHash { wanted });
    }
    let mut found: Vec<FoundTrade> = Vec::new();
    each(reader, |cause, _| {
        if let Event::TradeClosed(trade) = cause.event
            && let Ok(hash) = trade.canonical_hash()
            && found.len() < 2
            && hash.to_string().starts_with(&wanted)
        {
            found.push(FoundTrade { sequence: cause.sequence, hash, trade: *trade });
        }
    })?;
    match found.as_slice() {
        [] => Err(WhyError::Unknown { wanted }),
        [_] => Ok(found.remove(0)),
        [first, second, ..] => {
            Err(WhyError::Ambiguous { wanted, first: first.hash, second: second.hash })
        }
    }
}

/// What of the log belongs to one trade.
struct Chain {
    trade: TradeClosed,
    hash: Digest,
    ghost: Option<u64>,
    soulprint: Option<Digest>,
    /// The input of the step under way, until something of the step belongs.
    step: Option<Cause>,
    /// What fired or flipped in the step under way for the trade's pair.
    fired: Vec<Cause>,
    kept: Vec<Cause>,
}

impl Chain {
    fn new(trade: TradeClosed, hash: Digest) -> Self {
        let (step, fired, kept) = (None, Vec::new(), Vec::new());
        Self { trade, hash, ghost: None, soulprint: None, step, fired, kept }
    }

    fn take(&mut self, cause: Cause, run: RunId) {
        if run != self.trade.run {
            return;
        }
        if matches!(cause.event, Event::Bar(_) | Event::Command(_) | Event::SealedCommand(_)) {
            self.fired.clear();
            self.step = Some(cause);
            return;
        }
        let pair = self.trade.pair;
        let of_pair = match &cause.event {
            Event::SignalFired(signal) => signal.pair == pair,
            Event::BitFlipped(flip) => flip.pair == Some(pair),
            _ => false,
        };
        if of_pair {
            self.fired.push(cause);
            return;
        }
        if !self.belongs(&cause.event, pair) {
            return;
        }
        let entry = matches!(&cause.event, Event::GhostOpened(_))
            || matches!(&cause.event, Event::OrderPlaced(o) if o.order == self.trade.entry.order);
        self.kept.extend(self.step.take());
        if entry {
            // What made it: the signals of the same step.
            self.kept.append(&mut self.fired);
        }
        self.kept.push(cause);
    }

    /// True for an event that is about this trade; learns the names that it goes by.
    fn belongs(&mut self, event: &Event, pair: PairId) -> bool {
        let TradeClosed { entry, exit, .. } = &self.trade;
        let ours = |order: u64| order == entry.order || order == exit.order;
        match event {
            Event::OrderPlaced(order) => ours(order.order),
            Event::OrderFilled(fill) => ours(fill.order),
            Event::TradeClosed(trade) => trade.trade == self.trade.trade,
            Event::SoulprintRegistered(soulprint) if soulprint.order == entry.order => {
                self.learn(soulprint);
                true
            }
            Event::GhostOpened(ghost) => self.ghost == Some(ghost.ghost) && ghost.pair == pair,
            Event::GhostTriggered(said) => said.ghost.is_some() && said.ghost == self.ghost,
            Event::GhostEntered(said) => self.ghost == Some(said.ghost),
            Event::GhostExitDue(said) => self.ghost == Some(said.ghost),
            Event::GhostClosed(said) => self.ghost == Some(said.ghost),
            Event::BucketMatched(said) => self.soulprint == Some(said.soulprint),
            Event::SoulprintOutcome(said) => said.trade == self.hash,
            Event::BucketMatchScored(said) => said.trade == self.hash,
            Event::BucketObserved(said) => said.trade == self.hash,
            Event::RegistryLinked(said) => said.trade == self.hash,
            Event::PairFlipResolved(said) => said.trade == Some(self.hash),
            Event::OrbitCycleRun(said) => said.trade == Some(self.hash),
            _ => false,
        }
    }

    fn learn(&mut self, soulprint: &SoulprintRegistered) {
        self.ghost = Some(soulprint.ghost);
        self.soulprint = soulprint.content_id().ok();
    }
}
