//! All pairs as one stream, in an order that does not depend on the order of arguments.
//!
//! Inputs order by (instant, pair, row). The last bar of each instant over all pairs is marked,
//! because the kernel decides only there. Memory: one pending row a pair.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::path::PathBuf;

use super::Source;
use super::checks::{Checker, Item, Place};
use super::error::SourceError;
use super::files::Fingerprint;
use super::rows::Rows;
use crate::event::{Event, FileFormat, PairId, Vantage};
use crate::time::Span;

/// A data file that was looked at and will be read.
pub(super) struct KnownFile {
    pub(super) path: PathBuf,
    pub(super) format: FileFormat,
    pub(super) fingerprint: Fingerprint,
}

/// The files of one pair, one after another.
pub(super) struct Feed {
    files: VecDeque<KnownFile>,
    current: Option<(PathBuf, Rows)>,
    checker: Checker,
    skip_malformed: bool,
    queue: VecDeque<Item>,
}

impl Feed {
    pub(super) fn new(
        pair: PairId,
        interval: Span,
        files: VecDeque<KnownFile>,
        skip_malformed: bool,
    ) -> Self {
        let checker = Checker::new(pair, interval);
        Self { files, current: None, checker, skip_malformed, queue: VecDeque::with_capacity(3) }
    }

    /// Returns the next item; an error is the last one.
    fn next(&mut self) -> Option<Item> {
        while self.queue.is_empty() {
            match self.read_row() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.files.clear();
                    self.current = None;
                    return Some(Item { place: self.checker.place_after(), content: Err(error) });
                }
            }
        }
        self.queue.pop_front()
    }

    /// Reads one row, or moves on to the next file; false behind the last one.
    fn read_row(&mut self) -> Result<bool, SourceError> {
        let Some((path, rows)) = &mut self.current else {
            let Some(file) = self.files.pop_front() else { return Ok(false) };
            let rows = Rows::open(&file.path, file.format, Some(file.fingerprint))?;
            self.current = Some((file.path, rows));
            return Ok(true);
        };
        let Some(row) = rows.next()? else {
            self.current = None;
            return Ok(true);
        };
        let number = row.number;
        match self.checker.take(row, &mut self.queue) {
            Ok(()) => {}
            Err(bad) if self.skip_malformed => {
                self.checker.queue_bad_row(number, bad, &mut self.queue);
            }
            Err(bad) => return Err(bad.at(path, number)),
        }
        Ok(true)
    }
}

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
