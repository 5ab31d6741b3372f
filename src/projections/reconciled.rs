//! Two tellings of the same fills held against each other: a bot's own and its venue's.
//!
//! Fills are paired one to one, by the strongest that both tell: the trade's name, else the
//! order's, else symbol, side, quantity, price and a time within the tolerance. A pair that says
//! the same is *confirmed*; one whose names are the same and whose figures are not is
//! *contradicted*, field by field; what has no partner is *missing* on the other side.
//!
//! Invariants: every fill of both sides is in exactly one pair or missing once; the answer is a
//! function of the two lists alone, and exchanging them exchanges the two sorts of missing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::fills::ToldFill;
use super::shelf::{Group, Shelf, is_same};
use crate::event::Side;
use crate::time::Span;
use crate::units::{Money, MoneyExact, Quantity};

/// What two fills were paired by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PairedBy {
    /// The name of the trade.
    TradeId,
    /// The name of the order.
    OrderId,
    /// Symbol, side, quantity, price and time.
    Figures,
}

/// A field that two paired fills tell differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DifferingField {
    /// Its name.
    pub field: &'static str,
    /// What the one side says.
    pub ours: String,
    /// What the other says.
    pub venue: String,
}

/// Two fills with one name and different figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contradicted {
    /// What they were paired by.
    pub by: PairedBy,
    /// The one side's.
    pub ours: ToldFill,
    /// The other's.
    pub venue: ToldFill,
    /// What differs.
    pub fields: Vec<DifferingField>,
}

/// What one side's fills of a symbol add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SideTotal {
    /// How many.
    pub fills: u64,
    /// Bought base currency less what was sold; none where it does not fit.
    pub net_quantity: Option<Quantity>,
    /// Price times quantity, all of it positive; none where it does not fit.
    pub turnover: Option<MoneyExact>,
}

/// What both sides' fills of a symbol add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SymbolTotal {
    /// The one side's.
    pub ours: SideTotal,
    /// The other's.
    pub venue: SideTotal,
}

/// Two tellings, compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// Pairs that say the same, by what they were paired by.
    pub confirmed: BTreeMap<PairedBy, u64>,
    /// Pairs that do not.
    pub contradicted: Vec<Contradicted>,
    /// Ours that the venue does not tell of.
    pub missing_at_venue: Vec<ToldFill>,
    /// The venue's that we do not tell of.
    pub missing_at_ours: Vec<ToldFill>,
    /// By symbol, separators left out.
    pub totals: BTreeMap<String, SymbolTotal>,
}

impl Reconciled {
    /// How many pairs say the same.
    #[must_use]
    pub fn confirmed_count(&self) -> u64 {
        self.confirmed.values().sum()
    }

    /// Whether every fill of both sides is confirmed.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.contradicted.is_empty()
            && self.missing_at_venue.is_empty()
            && self.missing_at_ours.is_empty()
    }
}

/// Holds two tellings against each other; times may differ by the tolerance.
///
/// # Examples
/// ```
/// use schwabot::projections::reconcile_fills;
/// use schwabot::time::Span;
/// assert!(reconcile_fills(&[], &[], Span::from_nanos(0)).is_clean());
/// ```
#[must_use]
pub fn reconcile_fills(ours: &[ToldFill], venue: &[ToldFill], tolerance: Span) -> Reconciled {
    let mut pairing = Pairing::new(ours, venue, tolerance);
    pairing.by_trade();
    pairing.by_order();
    pairing.by_figures();
    pairing.finish()
}

/// The venue's free fills by symbol and name.
type Free<'a> = BTreeMap<String, BTreeMap<&'a str, Group>>;

struct Pairing<'a> {
    ours: &'a [ToldFill],
    venue: &'a [ToldFill],
    tolerance: i64,
    /// Symbols without separators, for both sides.
    keys: [Vec<String>; 2],
    /// Whether a fill has its partner, for both sides.
    taken: [Vec<bool>; 2],
    pairs: Vec<(usize, usize, PairedBy)>,
}

impl<'a> Pairing<'a> {
    fn new(ours: &'a [ToldFill], venue: &'a [ToldFill], tolerance: Span) -> Self {
        let keys = |fills: &[ToldFill]| fills.iter().map(|fill| symbol_key(&fill.symbol)).collect();
        Self {
            ours,
            venue,
            tolerance: tolerance.nanos().max(0),
            keys: [keys(ours), keys(venue)],
            taken: [vec![false; ours.len()], vec![false; venue.len()]],
            pairs: Vec::new(),
        }
    }

    fn pair(&mut self, own: usize, other: usize, by: PairedBy) {
        (self.taken[0][own], self.taken[1][other]) = (true, true);
        self.pairs.push((own, other, by));
    }

    /// The venue's free fills by symbol and each of their names, of one sort or the other.
    fn index(
        &self,
        names: impl Fn(&'a ToldFill) -> Vec<&'a str>,
        sort: impl Fn(&ToldFill) -> bool,
    ) -> Free<'a> {
        let mut index = Free::new();
        for (place, fill) in self.venue.iter().enumerate().filter(|(at, _)| !self.taken[1][*at]) {
            let named = index.entry(self.keys[1][place].clone()).or_default();
            for name in names(fill) {
                named.entry(name).or_default().put(fill, place, sort(fill));
            }
        }
        index
    }

    /// Ours without a partner, in the order of time. Where each takes the first partner that says
    /// the same, and all figures are exact, no other choice pairs more.
    fn free_in_time(&self) -> Vec<usize> {
        let mut free: Vec<usize> =
            (0..self.ours.len()).filter(|own| !self.taken[0][*own]).collect();
        free.sort_by_key(|own| (self.ours[*own].time, *own));
        free
    }

    fn by_trade(&mut self) {
        let names = |fill: &'a ToldFill| fill.trade_ids.iter().map(String::as_str).collect();
        let bought = |fill: &ToldFill| fill.side == Side::Buy;
        let mut index = self.index(names, bought);
        let (ours, venue) = (self.ours, self.venue);
        // First what says the same, then what has the name alone.
        for exact in [true, false] {
            for own in self.free_in_time() {
                let fill = &ours[own];
                let Some(named) = index.get_mut(&self.keys[0][own]) else { continue };
                let groups = || fill.trade_ids.iter().map(String::as_str);
                let wanted = |place| self.says_same(own, place);
                let found = if exact {
                    groups()
                        .find_map(|name| named.get(name)?.shelf.first(fill, self.tolerance, wanted))
                } else {
                    // Of a trade with oneself both sides have one name: the same side goes first.
                    [bought(fill), !bought(fill)].into_iter().find_map(|sort| {
                        groups().find_map(|name| named.get_mut(name)?.front(sort, &self.taken[1]))
                    })
                };
                let Some(other) = found else { continue };
                for name in names(&venue[other]) {
                    let group = named.get_mut(name);
                    group.into_iter().for_each(|group| group.shelf.take(&venue[other], other));
                }
                self.pair(own, other, PairedBy::TradeId);
            }
        }
    }

    fn by_order(&mut self) {
        let names = |fill: &'a ToldFill| fill.order_id.as_deref().into_iter().collect();
        let unnamed = |fill: &ToldFill| fill.trade_ids.is_empty();
        let mut index = self.index(names, unnamed);
        let (ours, venue) = (self.ours, self.venue);
        // First what says the same, then what has no other name to tell it apart.
        for exact in [true, false] {
            for own in self.free_in_time() {
                let fill = &ours[own];
                let Some(order) = fill.order_id.as_deref() else { continue };
                let named = index.get_mut(&self.keys[0][own]);
                let Some(group) = named.and_then(|named| named.get_mut(order)) else { continue };
                let found = if exact {
                    let wanted = |place| self.says_same(own, place);
                    group.shelf.first(fill, self.tolerance, wanted)
                } else {
                    let first = group.front(true, &self.taken[1]);
                    let other = group.front(false, &self.taken[1]).filter(|_| unnamed(fill));
                    first.into_iter().chain(other).min()
                };
                if let Some(other) = found {
                    group.shelf.take(&venue[other], other);
                    self.pair(own, other, PairedBy::OrderId);
                }
            }
        }
    }

    fn by_figures(&mut self) {
        let mut free: BTreeMap<String, Shelf> = BTreeMap::new();
        for (place, fill) in self.venue.iter().enumerate().filter(|(at, _)| !self.taken[1][*at]) {
            free.entry(self.keys[1][place].clone()).or_default().put(fill, place);
        }
        for own in self.free_in_time() {
            let Some(shelf) = free.get_mut(&self.keys[0][own]) else { continue };
            let wanted = |place| self.same_figures(own, place);
            if let Some(other) = shelf.first(&self.ours[own], self.tolerance, wanted) {
                shelf.take(&self.venue[other], other);
                self.pair(own, other, PairedBy::Figures);
            }
        }
    }

    fn same_price(&self, own: usize, other: usize) -> bool {
        let (ours, venue) = (&self.ours[own], &self.venue[other]);
        is_same(ours.price.raw(), venue.price.raw(), [ours.exactness, venue.exactness])
    }

    fn same_quantity(&self, own: usize, other: usize) -> bool {
        let (ours, venue) = (&self.ours[own], &self.venue[other]);
        is_same(ours.quantity.raw(), venue.quantity.raw(), [ours.exactness, venue.exactness])
    }

    /// Whether side, price, quantity and time are the same.
    fn same_figures(&self, own: usize, other: usize) -> bool {
        self.ours[own].side == self.venue[other].side
            && self.same_price(own, other)
            && self.same_quantity(own, other)
            && self.same_time(own, other)
    }

    fn same_time(&self, own: usize, other: usize) -> bool {
        let (ours, venue) = (self.ours[own].time.nanos(), self.venue[other].time.nanos());
        ours.abs_diff(venue) <= self.tolerance.unsigned_abs()
    }

    /// The fees of two fills, where both tell one and they are not the same.
    fn differing_fees(&self, own: usize, other: usize) -> Option<(Money, Money)> {
        let (ours, venue) = (&self.ours[own], &self.venue[other]);
        let same_currency = match (&ours.fee_currency, &venue.fee_currency) {
            (Some(ours), Some(venue)) => ours == venue,
            _ => true,
        };
        let rough = [ours.exactness, venue.exactness];
        let fees = ours.fee.zip(venue.fee);
        fees.filter(|(own, other)| !(same_currency && is_same(own.raw(), other.raw(), rough)))
    }

    /// Whether two fills tell nothing differently.
    fn says_same(&self, own: usize, other: usize) -> bool {
        self.same_figures(own, other) && self.differing_fees(own, other).is_none()
    }

    /// What two fills tell differently.
    fn differing(&self, own: usize, other: usize) -> Vec<DifferingField> {
        let (ours, venue) = (&self.ours[own], &self.venue[other]);
        let mut fields = Vec::new();
        let mut differ = |field, ours: String, venue: String| {
            fields.push(DifferingField { field, ours, venue });
        };
        if ours.side != venue.side {
            differ("side", side(ours.side), side(venue.side));
        }
        if !self.same_price(own, other) {
            differ("price", ours.price.to_string(), venue.price.to_string());
        }
        if !self.same_quantity(own, other) {
            differ("quantity", ours.quantity.to_string(), venue.quantity.to_string());
        }
        if let Some((own, other)) = self.differing_fees(own, other) {
            let shown = |fee: Money, currency: &Option<String>| match currency {
                Some(currency) => format!("{fee} {currency}"),
                None => fee.to_string(),
            };
            differ("fee", shown(own, &ours.fee_currency), shown(other, &venue.fee_currency));
        }
        if !self.same_time(own, other) {
            differ("time", ours.time.to_string(), venue.time.to_string());
        }
        fields
    }

    fn finish(mut self) -> Reconciled {
        let mut reconciled = Reconciled::default();
        self.pairs.sort_unstable();
        for (own, other, by) in &self.pairs {
            let fields = self.differing(*own, *other);
            if fields.is_empty() {
                *reconciled.confirmed.entry(*by).or_default() += 1;
            } else {
                let (ours, venue) = (self.ours[*own].clone(), self.venue[*other].clone());
                reconciled.contradicted.push(Contradicted { by: *by, ours, venue, fields });
            }
        }
        let missing = |fills: &[ToldFill], taken: &[bool]| {
            let alone = fills.iter().zip(taken).filter(|(_, taken)| !**taken);
            alone.map(|(fill, _)| fill.clone()).collect()
        };
        reconciled.missing_at_venue = missing(self.ours, &self.taken[0]);
        reconciled.missing_at_ours = missing(self.venue, &self.taken[1]);
        for (key, fill) in self.keys[0].iter().zip(self.ours) {
            add(&mut reconciled.totals.entry(key.clone()).or_default().ours, fill);
        }
        for (key, fill) in self.keys[1].iter().zip(self.venue) {
            add(&mut reconciled.totals.entry(key.clone()).or_default().venue, fill);
        }
        reconciled
    }
}

fn add(total: &mut SideTotal, fill: &ToldFill) {
    if total.fills == 0 {
        *total = SideTotal {
            fills: 0,
            net_quantity: Some(Quantity::ZERO),
            turnover: Some(MoneyExact::ZERO),
        };
    }
    total.fills += 1;
    let moved = total.net_quantity.map(|sum| match fill.side {
        Side::Buy => sum.plus(fill.quantity),
        Side::Sell => sum.minus(fill.quantity),
    });
    total.net_quantity = moved.and_then(Result::ok);
    let product = fill.price.times(fill.quantity).ok();
    total.turnover = total.turnover.zip(product).and_then(|(sum, product)| sum.plus(product).ok());
}

/// A symbol without what venues put between its currencies.
fn symbol_key(symbol: &str) -> String {
    let plain = symbol.chars().filter(|c| !matches!(c, '/' | '-' | '_' | ':' | ' '));
    plain.collect::<String>().to_ascii_uppercase()
}

fn side(side: Side) -> String {
    match side {
        Side::Buy => "buy".to_owned(),
        Side::Sell => "sell".to_owned(),
    }
}
