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
use crate::event::{Exactness, Side};
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

    /// The venue's fills by symbol and one of their names.
    fn index(&self, names: impl Fn(&ToldFill) -> Vec<&str>) -> BTreeMap<(&str, &str), Vec<usize>> {
        let mut index: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
        let venue = self.venue;
        for (place, fill) in venue.iter().enumerate() {
            for name in names(fill) {
                index.entry((self.keys[1][place].as_str(), name)).or_default().push(place);
            }
        }
        index
    }

    fn by_trade(&mut self) {
        let mut found = Vec::new();
        {
            let index = self.index(|fill| fill.trade_ids.iter().map(String::as_str).collect());
            let mut taken = self.taken[1].clone();
            for (own, fill) in self.ours.iter().enumerate() {
                let of_names = fill.trade_ids.iter();
                let candidates = of_names
                    .filter_map(|name| index.get(&(self.keys[0][own].as_str(), name.as_str())));
                let candidates: Vec<usize> =
                    candidates.flatten().copied().filter(|place| !taken[*place]).collect();
                // Of a trade with oneself both sides have one name: the same side goes first.
                let same = candidates.iter().find(|place| self.differing(own, **place).is_empty());
                let side = candidates.iter().find(|place| self.venue[**place].side == fill.side);
                if let Some(other) = same.or(side).or(candidates.first()).copied() {
                    taken[other] = true;
                    found.push((own, other));
                }
            }
        }
        found.into_iter().for_each(|(own, other)| self.pair(own, other, PairedBy::TradeId));
    }

    fn by_order(&mut self) {
        // First what says the same, then what has no other name to tell it apart.
        for exact in [true, false] {
            let mut found = Vec::new();
            {
                let index = self.index(|fill| fill.order_id.iter().map(String::as_str).collect());
                let mut taken = self.taken[1].clone();
                for (own, fill) in self.ours.iter().enumerate() {
                    let Some(order) = fill.order_id.as_deref() else { continue };
                    if self.taken[0][own] {
                        continue;
                    }
                    let named = index.get(&(self.keys[0][own].as_str(), order));
                    let other = named.into_iter().flatten().copied().find(|place| {
                        let other = &self.venue[*place];
                        let unnamed = fill.trade_ids.is_empty() || other.trade_ids.is_empty();
                        let fits =
                            if exact { self.differing(own, *place).is_empty() } else { unnamed };
                        !taken[*place] && fits
                    });
                    if let Some(other) = other {
                        taken[other] = true;
                        found.push((own, other));
                    }
                }
            }
            found.into_iter().for_each(|(own, other)| self.pair(own, other, PairedBy::OrderId));
        }
    }

    /// In the order of time, each takes the first partner that it may: no other choice pairs more.
    fn by_figures(&mut self) {
        let in_time = |fills: &[ToldFill], taken: &[bool]| {
            let mut places: Vec<usize> = (0..fills.len()).filter(|at| !taken[*at]).collect();
            places.sort_by_key(|at| (fills[*at].time, fills[*at].sequence));
            places
        };
        let (own_places, other_places) =
            (in_time(self.ours, &self.taken[0]), in_time(self.venue, &self.taken[1]));
        let mut begin = 0;
        for own in own_places {
            let fill = &self.ours[own];
            let earliest = fill.time.nanos().saturating_sub(self.tolerance);
            let latest = fill.time.nanos().saturating_add(self.tolerance);
            while other_places
                .get(begin)
                .is_some_and(|place| self.venue[*place].time.nanos() < earliest)
            {
                begin += 1;
            }
            let window = other_places[begin..]
                .iter()
                .take_while(|place| self.venue[**place].time.nanos() <= latest);
            let found = window.copied().find(|place| {
                !self.taken[1][*place]
                    && self.keys[0][own] == self.keys[1][*place]
                    && self.differing(own, *place).iter().all(|field| field.field == "fee")
            });
            if let Some(other) = found {
                self.pair(own, other, PairedBy::Figures);
            }
        }
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
        let rough = [ours.exactness, venue.exactness];
        if !is_same(ours.price.raw(), venue.price.raw(), rough) {
            differ("price", ours.price.to_string(), venue.price.to_string());
        }
        if !is_same(ours.quantity.raw(), venue.quantity.raw(), rough) {
            differ("quantity", ours.quantity.to_string(), venue.quantity.to_string());
        }
        let same_currency = match (&ours.fee_currency, &venue.fee_currency) {
            (Some(ours), Some(venue)) => ours == venue,
            _ => true,
        };
        if let (Some(own), Some(other)) = (ours.fee, venue.fee)
            && !(same_currency && is_same(own.raw(), other.raw(), rough))
        {
            let shown = |fee: Money, currency: &Option<String>| match currency {
                Some(currency) => format!("{fee} {currency}"),
                None => fee.to_string(),
            };
            differ("fee", shown(own, &ours.fee_currency), shown(other, &venue.fee_currency));
        }
        let apart = ours.time.nanos().abs_diff(venue.time.nanos());
        if apart > self.tolerance.unsigned_abs() {
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

/// Whether two numbers are the same as far as whoever stored them kept them: cut off at six
/// decimals by some, binary floats by others.
fn is_same(one: i128, other: i128, rough: [Exactness; 2]) -> bool {
    let apart = one.abs_diff(other);
    let slack = if rough.contains(&Exactness::Truncated) {
        999_999
    } else if rough.contains(&Exactness::BinaryFloat) {
        one.unsigned_abs().max(other.unsigned_abs()) / 1_000_000_000_000_000 + 1
    } else {
        0
    };
    apart <= slack
}
