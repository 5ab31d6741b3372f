//! The canonical trade registry: every closed round trip once, under its hash.
//!
//! A projection of [`TradeClosed`] events. Invariants: an entry is never changed or removed; the
//! same (run, trade number) enters once, and entering it again with the same content changes
//! nothing at all; every figure is computed from the entries and none is a constant. Profits of
//! different quote currencies are never added up.
//!
//! Memory: measured at about 900 bytes a trade, indexes and names included ([`TradeEntry`] itself
//! is 496 of them), and at most 1.3 KiB just after the list of entries has grown.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::event::wire::{EncodeError, through_parts};
use crate::event::{RunId, TradeClosed, state_digest};
use crate::hash::Digest;
use crate::time::Timestamp;
use crate::units::{MoneyExact, Ratio, UnitError};

/// A trade at its place in the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TradeEntry {
    /// The canonical hash.
    pub hash: Digest,
    /// Sequence of the record that brought it.
    pub sequence: u64,
    /// The trade.
    pub trade: TradeClosed,
}

/// What an insertion did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// The trade is new.
    New(Digest),
    /// The same trade is here already; nothing changed.
    Known(Digest),
}

/// Why a trade was not taken. The registry is then as before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The run has a trade of this number already, with other content.
    #[error("trade {trade} of run {run} is {known} here, and {offered} was offered")]
    Conflict {
        /// The run.
        run: RunId,
        /// The trade's number.
        trade: u64,
        /// Hash of the trade that is here.
        known: Digest,
        /// Hash of the trade that was offered.
        offered: Digest,
    },
    /// A total would leave its range.
    #[error("trade {trade} of run {run}: {source}")]
    Overflow {
        /// The run.
        run: RunId,
        /// The trade's number.
        trade: u64,
        /// What did not fit.
        source: UnitError,
    },
    /// The registry holds as many trades as it can number.
    #[error("the registry is full")]
    Full,
    /// The trade has no bytes to hash.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Which part of a long answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Entries to leave out first.
    pub offset: usize,
    /// Entries to give at most.
    pub limit: usize,
}

impl Page {
    /// Everything.
    pub const ALL: Self = Self { offset: 0, limit: usize::MAX };

    /// Returns the page of the first `limit` entries.
    #[must_use]
    pub const fn first(limit: usize) -> Self {
        Self { offset: 0, limit }
    }
}

/// A trade's hash and what it earned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TradeResult {
    /// The canonical hash.
    pub hash: Digest,
    /// Net profit.
    pub net: MoneyExact,
}

/// What the trades in one quote currency add up to. Without trades: zeros and nothing.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
pub struct Performance {
    /// Closed trades.
    pub total: u64,
    /// Those with a net profit above zero.
    pub successful: u64,
    /// Their share, rounded half-even to 10^-9.
    pub success_rate: Option<Ratio>,
    /// Sum of the gross profits.
    pub total_gross: MoneyExact,
    /// Sum of the net profits.
    pub total_net: MoneyExact,
    /// Mean net profit, rounded half-even to 10^-24.
    pub average_net: Option<MoneyExact>,
    /// The highest net profit; of equal ones the first.
    pub best: Option<TradeResult>,
    /// The lowest net profit; of equal ones the first.
    pub worst: Option<TradeResult>,
}

/// Trades that share a quote currency.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
struct QuoteBook {
    total_gross: MoneyExact,
    total_net: MoneyExact,
    successful: u64,
    /// Net profit, then place in the registry counted backwards: read from the high end, the
    /// first of equal ones comes first.
    by_net: BTreeSet<(MoneyExact, u32)>,
}

/// Every closed trade of a log.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TradeRegistry {
    entries: Vec<TradeEntry>,
    by_hash: BTreeMap<Digest, u32>,
    by_number: BTreeMap<(RunId, u64), u32>,
    by_symbol: BTreeMap<String, Vec<u32>>,
    by_strategy: BTreeMap<String, Vec<u32>>,
    by_exit_time: BTreeSet<(Timestamp, u32)>,
    books: BTreeMap<String, QuoteBook>,
    chain: Digest,
}

impl TradeRegistry {
    /// Takes a trade.
    ///
    /// # Errors
    /// [`RegistryError`]; the registry is then as before.
    pub fn insert(
        &mut self,
        trade: &TradeClosed,
        sequence: u64,
    ) -> Result<Inserted, RegistryError> {
        let hash = trade.canonical_hash()?;
        let number = (trade.run, trade.trade);
        if let Some(&place) = self.by_number.get(&number) {
            let known = self.entry(place).map_or(Digest::ZERO, |entry| entry.hash);
            let (run, trade) = number;
            return if known == hash {
                Ok(Inserted::Known(hash))
            } else {
                Err(RegistryError::Conflict { run, trade, known, offered: hash })
            };
        }
        let place = u32::try_from(self.entries.len()).map_err(|_| RegistryError::Full)?;
        self.add_to_book(trade, place).map_err(|source| RegistryError::Overflow {
            run: trade.run,
            trade: trade.trade,
            source,
        })?;
        self.by_hash.insert(hash, place);
        self.by_number.insert(number, place);
        push_place(&mut self.by_symbol, &trade.symbol, place);
        push_place(&mut self.by_strategy, &trade.strategy, place);
        self.by_exit_time.insert((trade.exit.time, place));
        self.chain = state_digest(&(self.chain, hash));
        self.entries.push(TradeEntry { hash, sequence, trade: trade.clone() });
        Ok(Inserted::New(hash))
    }

    fn add_to_book(&mut self, trade: &TradeClosed, place: u32) -> Result<(), UnitError> {
        let quote = quote_of(&trade.symbol);
        let (mut total_gross, mut total_net) = (trade.gross, trade.net);
        if let Some(book) = self.books.get(quote) {
            total_gross = book.total_gross.plus(trade.gross)?;
            total_net = book.total_net.plus(trade.net)?;
        }
        if !self.books.contains_key(quote) {
            self.books.insert(quote.to_owned(), QuoteBook::default());
        }
        if let Some(book) = self.books.get_mut(quote) {
            (book.total_gross, book.total_net) = (total_gross, total_net);
            book.successful += u64::from(trade.is_success());
            book.by_net.insert((trade.net, u32::MAX - place));
        }
        Ok(())
    }

    fn entry(&self, place: u32) -> Option<&TradeEntry> {
        self.entries.get(place as usize)
    }

    fn at<'a>(
        &'a self,
        places: impl Iterator<Item = u32> + 'a,
        page: Page,
    ) -> impl Iterator<Item = &'a TradeEntry> {
        places.skip(page.offset).take(page.limit).filter_map(|place| self.entry(place))
    }

    /// Returns how many trades there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when there is no trade.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the trade of this canonical hash.
    #[must_use]
    pub fn get(&self, hash: &Digest) -> Option<&TradeEntry> {
        self.by_hash.get(hash).and_then(|&place| self.entry(place))
    }

    /// Returns the trades whose hash begins with these hex digits, at most `limit` of them.
    ///
    /// # Examples
    /// ```
    /// use schwabot::registries::TradeRegistry;
    /// assert!(TradeRegistry::default().with_prefix("3f49c76e", 2).is_empty());
    /// ```
    #[must_use]
    pub fn with_prefix(&self, digits: &str, limit: usize) -> Vec<&TradeEntry> {
        let digits = digits.to_ascii_lowercase();
        let padded = format!("{digits:0<64}");
        let Ok(first) = padded.parse::<Digest>() else { return Vec::new() };
        let from_first = self.by_hash.range(first..).map(|(_, place)| *place);
        let found = from_first.filter_map(|place| self.entry(place));
        found.take_while(|entry| entry.hash.to_string().starts_with(&digits)).take(limit).collect()
    }

    /// Returns the trade of this number in this run.
    #[must_use]
    pub fn get_number(&self, run: RunId, trade: u64) -> Option<&TradeEntry> {
        self.by_number.get(&(run, trade)).and_then(|&place| self.entry(place))
    }

    /// Returns all trades in the order in which they were closed in the log.
    pub fn all(&self, page: Page) -> impl Iterator<Item = &TradeEntry> {
        self.entries.iter().skip(page.offset).take(page.limit)
    }

    /// Returns the trades of a pair (`BASE/QUOTE`), in the order of the log.
    pub fn by_symbol(&self, symbol: &str, page: Page) -> impl Iterator<Item = &TradeEntry> {
        let places = self.by_symbol.get(symbol).map(Vec::as_slice).unwrap_or_default();
        self.at(places.iter().copied(), page)
    }

    /// Returns the trades of a strategy, in the order of the log.
    pub fn by_strategy(&self, strategy: &str, page: Page) -> impl Iterator<Item = &TradeEntry> {
        let places = self.by_strategy.get(strategy).map(Vec::as_slice).unwrap_or_default();
        self.at(places.iter().copied(), page)
    }

    /// Returns the trades that ended at or after `from` and before `until`, oldest first; of
    /// equal times the first in the log first.
    pub fn between(
        &self,
        from: Timestamp,
        until: Timestamp,
        page: Page,
    ) -> impl Iterator<Item = &TradeEntry> {
        // An inverted range is empty, not a panic.
        let range = (from < until).then(|| self.by_exit_time.range((from, 0)..(until, 0)));
        self.at(range.into_iter().flatten().map(|&(_, place)| place), page)
    }

    /// Returns all trades by their ends, oldest first; of equal times the first in the log first.
    pub fn by_exit(&self, page: Page) -> impl Iterator<Item = &TradeEntry> {
        self.at(self.by_exit_time.iter().map(|&(_, place)| place), page)
    }

    /// Returns a running digest over hashes and places of all trades.
    pub(super) const fn digest(&self) -> Digest {
        self.chain
    }

    /// Returns the trades that ended last, newest first; of equal times the last in the log first.
    pub fn recent(&self, page: Page) -> impl Iterator<Item = &TradeEntry> {
        self.at(self.by_exit_time.iter().rev().map(|&(_, place)| place), page)
    }

    /// Returns the trades in a quote currency that earned at least `min_net`, best first; of equal
    /// ones the first in the log first.
    pub fn profitable(
        &self,
        quote: &str,
        min_net: MoneyExact,
        page: Page,
    ) -> impl Iterator<Item = &TradeEntry> {
        let range = self.books.get(quote).map(|book| book.by_net.range((min_net, 0)..).rev());
        self.at(range.into_iter().flatten().map(|&(_, back)| u32::MAX - back), page)
    }

    /// Returns the quote currencies that have trades, sorted.
    pub fn quotes(&self) -> impl Iterator<Item = &str> {
        self.books.keys().map(String::as_str)
    }

    /// Returns what the trades in a quote currency add up to.
    #[must_use]
    pub fn performance(&self, quote: &str) -> Performance {
        let Some(book) = self.books.get(quote) else { return Performance::default() };
        let total = book.by_net.len() as u64;
        let result = |&(net, back): &(MoneyExact, u32)| {
            self.entry(u32::MAX - back).map(|entry| TradeResult { hash: entry.hash, net })
        };
        let lowest = book.by_net.first().map(|&(net, _)| net);
        let first_of_lowest =
            lowest.and_then(|net| book.by_net.range(..=(net, u32::MAX)).next_back());
        Performance {
            total,
            successful: book.successful,
            success_rate: Ratio::of_counts(book.successful, total),
            total_gross: book.total_gross,
            total_net: book.total_net,
            average_net: book.total_net.divided_by(total),
            best: book.by_net.last().and_then(result),
            worst: first_of_lowest.and_then(result),
        }
    }
}

fn push_place(index: &mut BTreeMap<String, Vec<u32>>, key: &str, place: u32) {
    // Looked up first, so that a known key is not copied for every trade.
    match index.get_mut(key) {
        Some(places) => places.push(place),
        None => {
            index.insert(key.to_owned(), vec![place]);
        }
    }
}

/// What stands after the last `/`; the whole text where there is none.
pub(super) fn quote_of(symbol: &str) -> &str {
    symbol.rsplit_once('/').map_or(symbol, |(_, quote)| quote)
}

// The indexes follow from the entries, so a snapshot holds only these.
through_parts!(
    TradeRegistry,
    Vec<(u64, TradeClosed)>,
    |registry: &TradeRegistry| {
        Vec::from_iter(registry.entries.iter().map(|entry| (entry.sequence, entry.trade.clone())))
    },
    |entries| {
        let mut registry = TradeRegistry::default();
        for (sequence, trade) in entries {
            registry.insert(&trade, sequence).map_err(|error| error.to_string())?;
        }
        Ok(registry)
    }
);
