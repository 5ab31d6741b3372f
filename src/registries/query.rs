//! Questions to the canonical registry that join several conditions.

use super::trade::{Page, TradeEntry, TradeRegistry};
use crate::time::Timestamp;
use crate::units::MoneyExact;

/// Which trades are wanted; what is not said takes all.
///
/// # Examples
/// ```
/// use schwabot::registries::{Page, TradeQuery, TradeRegistry};
/// let registry = TradeRegistry::default();
/// let query = TradeQuery { symbol: Some("BTC/USDT"), ..TradeQuery::default() };
/// assert_eq!(registry.query(query, Page::first(10)).count(), 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TradeQuery<'a> {
    /// Only of this pair, `BASE/QUOTE`.
    pub symbol: Option<&'a str>,
    /// Only of this strategy.
    pub strategy: Option<&'a str>,
    /// Only those that ended at or after this.
    pub from: Option<Timestamp>,
    /// Only those that ended before this.
    pub until: Option<Timestamp>,
    /// Only those that earned at least this much, in their own quote currency.
    pub min_net: Option<MoneyExact>,
    /// Newest exit first instead of the order of the log.
    pub newest_first: bool,
}

impl TradeQuery<'_> {
    fn takes(&self, entry: &TradeEntry) -> bool {
        let trade = &entry.trade;
        self.symbol.is_none_or(|symbol| trade.symbol == symbol)
            && self.strategy.is_none_or(|strategy| trade.strategy == strategy)
            && self.from.is_none_or(|from| trade.exit.time >= from)
            && self.until.is_none_or(|until| trade.exit.time < until)
            && self.min_net.is_none_or(|least| trade.net >= least)
    }
}

impl TradeRegistry {
    /// Returns the trades that a query asks for.
    ///
    /// Goes by the narrowest index that fits: time range, pair, or strategy; the rest is looked at
    /// trade by trade.
    pub fn query<'a>(
        &'a self,
        query: TradeQuery<'a>,
        page: Page,
    ) -> impl Iterator<Item = &'a TradeEntry> {
        let (low, high) = (Timestamp::from_nanos(i64::MIN), Timestamp::from_nanos(i64::MAX));
        let ranged = query.from.is_some() || query.until.is_some();
        let chosen: Box<dyn Iterator<Item = &TradeEntry>> = if query.newest_first && !ranged {
            Box::new(self.recent(Page::ALL))
        } else if ranged {
            let (from, until) = (query.from.unwrap_or(low), query.until.unwrap_or(high));
            let mut found: Vec<&TradeEntry> = self.between(from, until, Page::ALL).collect();
            if query.newest_first {
                found.reverse();
            } else {
                found.sort_by_key(|entry| entry.sequence);
            }
            Box::new(found.into_iter())
        } else if let Some(symbol) = query.symbol {
            Box::new(self.by_symbol(symbol, Page::ALL))
        } else if let Some(strategy) = query.strategy {
            Box::new(self.by_strategy(strategy, Page::ALL))
        } else {
            Box::new(self.all(Page::ALL))
        };
        chosen.filter(move |entry| query.takes(entry)).skip(page.offset).take(page.limit)
    }
}
