//! All pairs as one stream, in an order that does not depend on the order of arguments.
//!
//! Inputs order by (instant, pair, row). The last bar of each instant over all pairs is marked,
//! because the kernel decides only there. Memory: one pending row a pair.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Source;
use super::checks::{Item, Place};
use super::error::SourceError;
use super::feed::Feed;
use crate::event::{Event, Vantage};

/// Every pair of a run, merged.
pub struct MergedSource {
    feeds: Vec<Feed>,
    /// The next item of each feed; none once it has ended.
    pending: Vec<Option<Item>>,
    /// The places of all pending items, earliest first.
    order: BinaryHeap<Reverse<(Place, usize)>>,
    started: bool,
}

impl MergedSource {
    /// Joins feeds that stand in the order of their pairs.
    pub(super) fn new(feeds: Vec<Feed>) -> Self {
        let pending = feeds.iter().map(|_| None).collect();
        let order = BinaryHeap::with_capacity(feeds.len());
        Self { feeds, pending, order, started: false }
    }

    fn refill(&mut self, index: usize) {
        let item = self.feeds[index].next();
        if let Some(item) = &item {
            self.order.push(Reverse((item.place, index)));
        }
        self.pending[index] = item;
    }
}

impl Source for MergedSource {
    fn next(&mut self) -> Result<Option<Event>, SourceError> {
        if !self.started {
            self.started = true;
            for index in 0..self.feeds.len() {
                self.refill(index);
            }
        }
        let Some(Reverse((place, index))) = self.order.pop() else { return Ok(None) };
        let Some(item) = self.pending[index].take() else { return Ok(None) };
        let mut event = match item.content {
            Ok(event) => event,
            Err(error) => {
                // What follows an error would be a stream with a hole in it.
                self.order.clear();
                return Err(error);
            }
        };
        self.refill(index);
        if let Event::Bar(bar) = &mut event {
            // Whatever is pending at this very instant, not after it, is a bar or leads to one.
            let next = self.order.peek().map(|Reverse((place, _))| *place);
            bar.last_of_instant = next != Some(place);
        }
        Ok(Some(event))
    }

    fn vantage(&self) -> Vantage {
        Vantage::Imported
    }
}
