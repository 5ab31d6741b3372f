//! Fills that wait for a partner, found by what they say without a look at each of the others.
//!
//! A [`Shelf`] keeps fills in the order of side, price, quantity and time, so that those that may
//! be the same as another one lie side by side: as many steps as there are such, whatever else
//! waits. Only numbers that somebody cut off, or that were binary floats, have neighbours beside
//! their equals.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::RangeInclusive;

use super::fills::ToldFill;
use crate::event::{Exactness, Side};

/// What a number may differ by where one was cut off at six decimals: in 10^-12.
const CUT_OFF: u128 = 999_999;
/// Which share of a number a binary float and its printing may lose.
const FLOAT_SHARE: u128 = 1_000_000_000_000_000;

/// Times of fills that say the same, each with its place in its list.
type Times = BTreeSet<(i64, usize)>;

/// Fills in the order of what they say.
#[derive(Default)]
pub(super) struct Shelf {
    fills: BTreeMap<(Side, i128), BTreeMap<i128, Times>>,
    /// How exact the numbers of those are that were ever put here.
    exactness: BTreeSet<Rough>,
}

/// How many digits of a number hold, the most of them first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rough {
    Not,
    Float,
    Cut,
}

impl Rough {
    const fn of(exactness: Exactness) -> Self {
        match exactness {
            Exactness::Decimal => Self::Not,
            Exactness::BinaryFloat => Self::Float,
            Exactness::Truncated => Self::Cut,
        }
    }

    /// By how much another number may differ from this one and be the same, at most.
    fn slack(self, number: i128) -> u128 {
        match self {
            Self::Not => 0,
            // The other number may be the larger one, whose share counts.
            Self::Float => number.unsigned_abs() / FLOAT_SHARE + 2,
            Self::Cut => CUT_OFF,
        }
    }
}

impl Shelf {
    /// Puts a fill with a place in its list here.
    pub(super) fn put(&mut self, fill: &ToldFill, place: usize) {
        self.exactness.insert(Rough::of(fill.exactness));
        let of_price = self.fills.entry((fill.side, fill.price.raw())).or_default();
        let times = of_price.entry(fill.quantity.raw()).or_default();
        times.insert((fill.time.nanos(), place));
    }

    /// Takes a fill away.
    pub(super) fn take(&mut self, fill: &ToldFill, place: usize) {
        let price = (fill.side, fill.price.raw());
        let Some(of_price) = self.fills.get_mut(&price) else { return };
        let Some(times) = of_price.get_mut(&fill.quantity.raw()) else { return };
        times.remove(&(fill.time.nanos(), place));
        if times.is_empty() {
            of_price.remove(&fill.quantity.raw());
        }
        if of_price.is_empty() {
            self.fills.remove(&price);
        }
    }

    /// Finds the earliest fill that is wanted among those that may be the same as another one whose
    /// time is within the tolerance.
    pub(super) fn first(
        &self,
        like: &ToldFill,
        tolerance: i64,
        mut wanted: impl FnMut(usize) -> bool,
    ) -> Option<usize> {
        let (low, high) = self.around(like, like.price.raw()).into_inner();
        let quantities = self.around(like, like.quantity.raw());
        let time = like.time.nanos();
        let from = (time.saturating_sub(tolerance), 0);
        let to = (time.saturating_add(tolerance), usize::MAX);
        let mut best: Option<(i64, usize)> = None;
        let prices = self.fills.range((like.side, low)..=(like.side, high));
        for times in prices.flat_map(|(_, of_price)| of_price.range(quantities.clone())) {
            for one in times.1.range(from..=to) {
                if best.is_some_and(|best| best < *one) {
                    break;
                }
                if wanted(one.1) {
                    best = Some(*one);
                    break;
                }
            }
        }
        best.map(|(_, place)| place)
    }

    /// What may be the same as a number of a fill.
    fn around(&self, like: &ToldFill, number: i128) -> RangeInclusive<i128> {
        let own = Rough::of(like.exactness);
        let slacks = self.exactness.iter().map(|other| own.max(*other).slack(number));
        let slack = slacks.max().unwrap_or(0);
        number.saturating_sub_unsigned(slack)..=number.saturating_add_unsigned(slack)
    }
}

/// Fills of one name: in the order of what they say, and in that of their list by sort.
#[derive(Default)]
pub(super) struct Group {
    pub(super) shelf: Shelf,
    queues: [VecDeque<usize>; 2],
}

impl Group {
    /// Puts a fill here, as one of this sort.
    pub(super) fn put(&mut self, fill: &ToldFill, place: usize, sort: bool) {
        self.shelf.put(fill, place);
        self.queues[usize::from(sort)].push_back(place);
    }

    /// Returns the first fill of a sort that has no partner yet.
    pub(super) fn front(&mut self, sort: bool, taken: &[bool]) -> Option<usize> {
        let queue = &mut self.queues[usize::from(sort)];
        while queue.front().is_some_and(|place| taken[*place]) {
            queue.pop_front();
        }
        queue.front().copied()
    }
}

/// Whether two numbers are the same as far as whoever stored them kept them: cut off at six
/// decimals by some, binary floats by others.
pub(super) fn is_same(one: i128, other: i128, exactness: [Exactness; 2]) -> bool {
    let slack = match exactness.map(Rough::of).into_iter().max() {
        Some(Rough::Cut) => CUT_OFF,
        Some(Rough::Float) => one.unsigned_abs().max(other.unsigned_abs()) / FLOAT_SHARE + 1,
        Some(Rough::Not) | None => 0,
    };
    one.abs_diff(other) <= slack
}
