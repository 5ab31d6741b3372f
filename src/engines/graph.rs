//! The graph of currencies: which walks come back to where they began.
//!
//! An edge is an order of a pair: a buy leads from quote to base, a sale back. A closed walk of
//! three or more different currencies might pay at one instant; there and back on one pair never
//! does. Walks are listed once, from their alphabetically first currency on, in both directions, in
//! the order of their legs: the same list on every machine.

use std::collections::BTreeMap;

use crate::event::wire::{Decode, Encode};
use crate::event::{Instrument, PairId, Side};

/// The most walks that are looked at; of more, the first of the list.
pub const INSTANT_CYCLES_MAX: usize = 10_000;

/// A closed walk of three or more currencies.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct InstantCycle {
    /// The orders that walk it.
    pub legs: Vec<(PairId, Side)>,
}

struct Search<'a> {
    instruments: &'a [Instrument],
    edges: BTreeMap<&'a str, Vec<(&'a str, PairId, Side)>>,
    longest: usize,
    found: Vec<InstantCycle>,
}

/// Lists the closed walks of 3 to `longest` different currencies.
pub(super) fn instant_cycles(instruments: &[Instrument], longest: u8) -> Vec<InstantCycle> {
    let mut edges: BTreeMap<&str, Vec<(&str, PairId, Side)>> = BTreeMap::new();
    for (place, known) in (0_u16..).zip(instruments) {
        let (base, quote) = (known.base.as_str(), known.quote.as_str());
        edges.entry(quote).or_default().push((base, PairId(place), Side::Buy));
        edges.entry(base).or_default().push((quote, PairId(place), Side::Sell));
    }
    for leaving in edges.values_mut() {
        leaving.sort();
    }
    let longest = usize::from(longest);
    let mut search = Search { instruments, edges, longest, found: Vec::new() };
    let starts: Vec<&str> = search.edges.keys().copied().collect();
    for start in starts {
        search.walk(start, &mut vec![start], &mut Vec::new());
    }
    search.found
}

impl<'a> Search<'a> {
    fn walk(&mut self, start: &'a str, seen: &mut Vec<&'a str>, legs: &mut Vec<(PairId, Side)>) {
        let here = seen.last().copied().unwrap_or(start);
        for (to, pair, side) in self.edges.get(here).cloned().unwrap_or_default() {
            if self.found.len() >= INSTANT_CYCLES_MAX {
                return;
            }
            legs.push((pair, side));
            if to == start {
                if seen.len() >= 3 {
                    self.found.push(InstantCycle { legs: legs.clone() });
                }
            } else if to > start && !seen.contains(&to) && seen.len() < self.longest {
                // Only what comes later in the alphabet: each walk begins at its first currency.
                seen.push(to);
                self.walk(start, seen, legs);
                seen.pop();
            }
            legs.pop();
        }
        debug_assert!(self.instruments.len() <= usize::from(u16::MAX) + 1);
    }
}
