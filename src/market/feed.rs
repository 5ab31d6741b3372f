//! The files of one pair as one feed.
//!
//! Usually they follow each other, and one is open at a time. Where they overlap, their rows merge
//! by time, so that what a feed yields up to an instant never depends on what a file holds later.
//! A row stands at the newest time its file has reached, and there at its rank (the how manieth row
//! it is since then); rows of several files at one such place order by what they say, never by
//! which file they are in. So the order is that of one sort, whatever the files are called.

use std::collections::VecDeque;
use std::path::PathBuf;

use super::checks::{Checker, Item};
use super::error::SourceError;
use super::files::Fingerprint;
use super::rows::{Row, Rows};
use crate::event::{FileFormat, PairId};
use crate::time::{Span, Timestamp};

/// A data file that was looked at and will be read.
pub(super) struct KnownFile {
    pub(super) path: PathBuf,
    pub(super) format: FileFormat,
    pub(super) fingerprint: Fingerprint,
    /// Open time of its first bar.
    pub(super) first_bar: Timestamp,
}

/// A file that is being read.
struct OpenFile {
    path: PathBuf,
    rows: Rows,
    /// The newest open time so far, and how many rows were shown since.
    reached: (Timestamp, u64),
    /// The next row; none when it must be read first.
    next: Option<Row>,
}

/// The files of one pair.
pub(super) struct Feed {
    /// Files not yet begun, by first bar.
    waiting: VecDeque<KnownFile>,
    open: Vec<OpenFile>,
    checker: Checker,
    skip_malformed: bool,
    queue: VecDeque<Item>,
}

impl Feed {
    /// Joins the files of a pair, sorted by first bar.
    pub(super) fn new(
        pair: PairId,
        interval: Span,
        files: VecDeque<KnownFile>,
        skip_malformed: bool,
    ) -> Self {
        let checker = Checker::new(pair, interval);
        let queue = VecDeque::with_capacity(3);
        Self { waiting: files, open: Vec::new(), checker, skip_malformed, queue }
    }

    /// Returns the next item; an error is the last one.
    pub(super) fn next(&mut self) -> Option<Item> {
        while self.queue.is_empty() {
            match self.take_row() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.waiting.clear();
                    self.open.clear();
                    return Some(Item { place: self.checker.place_after(), content: Err(error) });
                }
            }
        }
        self.queue.pop_front()
    }

    /// Judges the next row of all files; false when there is none.
    fn take_row(&mut self) -> Result<bool, SourceError> {
        self.read_ahead()?;
        let Some(index) = self.earliest() else { return Ok(false) };
        let file = &mut self.open[index];
        let Some(row) = file.next.take() else { return Ok(false) };
        let number = row.number;
        match self.checker.take(row, &mut self.queue) {
            Ok(()) => {}
            Err(bad) if self.skip_malformed => {
                self.checker.queue_bad_row(number, bad, &mut self.queue);
            }
            Err(bad) => return Err(bad.at(&file.path, number)),
        }
        Ok(true)
    }

    /// Makes every open file show its next row, and opens those whose first bar has come.
    fn read_ahead(&mut self) -> Result<(), SourceError> {
        loop {
            self.show_rows()?;
            let now = self.earliest().map(|index| self.open[index].reached);
            let due = |file: &mut KnownFile| now.is_none_or(|now| file.first_bar <= now.0);
            let Some(file) = self.waiting.pop_front_if(due) else { return Ok(()) };
            let KnownFile { path, format, fingerprint, first_bar } = file;
            let rows = Rows::open(&path, format, Some(fingerprint))?;
            self.open.push(OpenFile { path, rows, reached: (first_bar, 0), next: None });
        }
    }

    fn show_rows(&mut self) -> Result<(), SourceError> {
        let mut index = 0;
        while let Some(file) = self.open.get_mut(index) {
            if file.next.is_some() {
                index += 1;
                continue;
            }
            let Some(row) = file.rows.next()? else {
                drop(self.open.swap_remove(index));
                continue;
            };
            file.reached.1 += 1;
            if let Ok(candle) = &row.content
                && candle.open_time > file.reached.0
            {
                file.reached = (candle.open_time, 0);
            }
            file.next = Some(row);
            index += 1;
        }
        Ok(())
    }

    fn earliest(&self) -> Option<usize> {
        let key = |index: &usize| {
            let file = &self.open[*index];
            (file.reached, &file.next)
        };
        (0..self.open.len()).min_by(|one, two| key(one).cmp(&key(two)))
    }
}
