//! The rows of one pair as events: bars, and what is wrong with the data.
//!
//! One checker serves all files of a pair, so a gap, a repetition or a step back across the seam
//! of two files is found like any other.
//!
//! Invariants: delivered bars rise strictly in time. A defect that a delivered bar shows (a gap,
//! an odd distance) comes right before that bar and at its instant. A row that was left out is
//! known only once it was read, so its defect comes right *after* the instant of the bar before:
//! cutting the data there changes nothing up to that instant.

use std::collections::VecDeque;

use super::error::{BadRow, SourceError};
use super::rows::{Candle, Row};
use crate::event::{Bar, DataDefect, Defect, Event, PairId};
use crate::time::{Span, Timestamp};

/// A place in the order of inputs: an instant, or right after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) at: Timestamp,
    pub(super) after: bool,
}

/// The next event of a pair, or what ends it, at its place.
pub(super) struct Item {
    pub(super) place: Place,
    pub(super) content: Result<Event, SourceError>,
}

/// Turns rows of one pair into events.
pub(super) struct Checker {
    pair: PairId,
    interval: Span,
    newest: Option<(Candle, Timestamp)>,
}

impl Checker {
    pub(super) fn new(pair: PairId, interval: Span) -> Self {
        Self { pair, interval, newest: None }
    }

    /// Where a row stands that is no bar: right after the newest bar.
    pub(super) fn place_after(&self) -> Place {
        let at = self.newest.as_ref().map_or(Timestamp::MIN, |(_, available)| *available);
        Place { at, after: true }
    }

    /// Judges the next row and queues its events, none for no row.
    ///
    /// # Errors
    /// [`BadRow`] when the row cannot be taken; nothing is queued then.
    pub(super) fn take(&mut self, row: Row, queue: &mut VecDeque<Item>) -> Result<(), BadRow> {
        let candle = row.content?;
        let available_at = self.available_at(&candle)?;
        if let Some((newest, _)) = &self.newest {
            if candle.open_time <= newest.open_time {
                let defect = left_out(newest, &candle);
                self.queue_defect(row.number, defect, self.place_after(), queue);
                return Ok(());
            }
            self.queue_distance(row.number, newest.open_time, &candle, available_at, queue);
        }
        let bar = Bar {
            pair: self.pair,
            row: row.number,
            open_time: candle.open_time,
            available_at,
            open: candle.open,
            high: candle.high,
            low: candle.low,
            close: candle.close,
            volume: candle.volume,
            trades: candle.trades,
            last_of_instant: false,
        };
        self.newest = Some((candle, available_at));
        let place = Place { at: available_at, after: false };
        queue.push_back(Item { place, content: Ok(Event::Bar(bar)) });
        Ok(())
    }

    /// Queues the defect of a row that cannot be taken.
    pub(super) fn queue_bad_row(&self, row: u64, bad: BadRow, queue: &mut VecDeque<Item>) {
        let defect = Defect::Malformed { field: bad.field.to_owned(), reason: bad.reason };
        self.queue_defect(row, defect, self.place_after(), queue);
    }

    fn available_at(&self, candle: &Candle) -> Result<Timestamp, BadRow> {
        match candle.interval {
            Some(own) if own != self.interval => {
                let reason = format!("a bar of {own} among bars of {}", self.interval);
                Err(BadRow::new("close_time", reason))
            }
            _ => candle.open_time.plus(self.interval).ok_or_else(|| {
                BadRow::new("open_time", "the bar would end after the last possible instant")
            }),
        }
    }

    fn queue_distance(
        &self,
        row: u64,
        after: Timestamp,
        candle: &Candle,
        at: Timestamp,
        queue: &mut VecDeque<Item>,
    ) {
        let until = candle.open_time;
        // Both are i64 and `until` is later, so the distance fits a u64.
        let distance = until.nanos().abs_diff(after.nanos());
        let interval = self.interval.nanos().unsigned_abs().max(1);
        let place = Place { at, after: false };
        let missing_bars = (distance / interval).saturating_sub(1);
        if missing_bars > 0 {
            self.queue_defect(row, Defect::Gap { after, until, missing_bars }, place, queue);
        }
        if !distance.is_multiple_of(interval) {
            let defect = Defect::OffGrid { after, open_time: until };
            self.queue_defect(row, defect, place, queue);
        }
    }

    fn queue_defect(&self, row: u64, defect: Defect, place: Place, queue: &mut VecDeque<Item>) {
        let event = Event::DataDefect(DataDefect { pair: self.pair, row, defect });
        queue.push_back(Item { place, content: Ok(event) });
    }
}

fn left_out(newest: &Candle, candle: &Candle) -> Defect {
    let open_time = candle.open_time;
    if open_time == newest.open_time {
        Defect::Duplicate { open_time, identical: candle == newest }
    } else {
        Defect::Disorder { open_time, newest: newest.open_time }
    }
}
