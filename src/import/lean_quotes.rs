//! LEAN's bars of quotes: `time,bid open,high,low,close,size,ask open,high,low,close,size`.

use std::path::PathBuf;

use super::bars::{defect, plain};
use super::columns::{Field, exactly};
use super::error::{Fault, ImportError};
use super::figure::Figures;
use super::item::{Item, too_large};
use super::lean::Shape;
use super::number::{Number, Sum};
use super::reading::{Judge, Queue};
use crate::event::{Event, ImportFault, QuoteBar, QuoteSpan};
use crate::time::{Span, Timestamp};

/// One side as a row tells it: open, high, low, close, size.
type Side = [Number; 5];

/// One row of quotes.
pub(super) struct QuoteRow {
    row: u64,
    open_time: Timestamp,
    bid: Option<Side>,
    ask: Option<Side>,
}

/// Judges bars of quotes in the order of a file and adds them up.
#[derive(Default)]
pub(super) struct Quotes {
    path: PathBuf,
    symbol: String,
    interval: Span,
    first_time: Option<Timestamp>,
    newest: Option<Timestamp>,
    missing: u64,
    backwards: u64,
    crossed: u64,
    empty: u64,
    sizes: [Sum; 2],
}

impl Quotes {
    pub(super) fn new(path: PathBuf, symbol: String, interval: Span) -> Self {
        Self { path, symbol, interval, ..Self::default() }
    }

    pub(super) fn parse(&self, shape: Shape, row: u64, line: &[u8]) -> Result<QuoteRow, Fault> {
        let fields: [Field<'_>; 11] = exactly(line, b',')?;
        let side = |from: usize| -> Result<Option<Side>, Fault> {
            let part = &fields[from..from + 5];
            // A side without any quote is empty.
            if part.iter().all(|field| field.text.is_empty() || field.text == b"0") {
                return Ok(None);
            }
            Ok(Some([
                shape.price(&part[0], "open")?,
                shape.price(&part[1], "high")?,
                shape.price(&part[2], "low")?,
                shape.price(&part[3], "close")?,
                part[4].amount("size")?,
            ]))
        };
        let open_time = shape.time(&fields[0])?;
        Ok(QuoteRow { row, open_time, bid: side(1)?, ask: side(6)? })
    }

    fn step(&mut self, bar: &QuoteRow, queue: &mut Queue) {
        self.first_time = self.first_time.or(Some(bar.open_time));
        let Some(newest) = self.newest else {
            self.newest = Some(bar.open_time);
            return;
        };
        if bar.open_time < newest {
            self.backwards += 1;
            let what = format!("{} comes after {newest}", bar.open_time);
            return queue.push_back(defect(bar.row, ImportFault::Disorder, 1, what));
        }
        self.newest = Some(bar.open_time);
        let distance = bar.open_time.nanos().abs_diff(newest.nanos());
        let interval = self.interval.nanos().unsigned_abs().max(1);
        let missing = (distance / interval).saturating_sub(1);
        if missing > 0 {
            self.missing = self.missing.saturating_add(missing);
            let what = format!("no bar between {newest} and {}", bar.open_time);
            queue.push_back(defect(bar.row, ImportFault::Gap, missing, what));
        }
    }
}

impl Judge<QuoteRow> for Quotes {
    fn take(&mut self, bar: QuoteRow, queue: &mut Queue) -> Result<(), ImportError> {
        self.step(&bar, queue);
        for (sum, side) in self.sizes.iter_mut().zip([&bar.bid, &bar.ask]) {
            if let Some([.., size]) = side {
                sum.add(*size).map_err(too_large(&self.path, "sum_size"))?;
            }
        }
        self.empty += u64::from(bar.bid.is_none() || bar.ask.is_none());
        if let (Some(bid), Some(ask)) = (&bar.bid, &bar.ask)
            && bid[3] > ask[3]
        {
            self.crossed += 1;
            let what = format!("the bid {} is above the ask {}", bid[3], ask[3]);
            queue.push_back(defect(bar.row, ImportFault::Inconsistent, 1, what));
        }
        for [open, high, low, close, _] in [&bar.bid, &bar.ask].into_iter().flatten() {
            if [open, close, low].iter().any(|price| *price > high || *price < low) {
                let what = format!("open {open}, high {high}, low {low} and close {close}");
                queue.push_back(defect(bar.row, ImportFault::Inconsistent, 1, what));
            }
        }
        let mut finer = Vec::new();
        let mut span = |side: Option<&Side>, names: [&str; 5]| {
            let side = side?;
            for (number, name) in side.iter().zip(names) {
                number.note(name, &mut finer);
            }
            let [open, high, low, close] = [side[0], side[1], side[2], side[3]].map(Number::price);
            Some(QuoteSpan { open, high, low, close, quantity: side[4].quantity() })
        };
        let bid_names = ["bid.open", "bid.high", "bid.low", "bid.close", "bid.quantity"];
        let ask_names = ["ask.open", "ask.high", "ask.low", "ask.close", "ask.quantity"];
        let (bid, ask) = (span(bar.bid.as_ref(), bid_names), span(bar.ask.as_ref(), ask_names));
        let event = QuoteBar {
            row: bar.row,
            symbol: self.symbol.clone(),
            open_time: bar.open_time,
            interval: self.interval,
            bid,
            ask,
            finer,
        };
        let time = bar.open_time.plus(self.interval).unwrap_or(bar.open_time);
        queue.push_back(Item::Fact { time, event: Event::QuoteBar(Box::new(event)) });
        Ok(())
    }

    fn figures(&self, rows: u64) -> Figures {
        let mut figures = Figures::default();
        figures.count("rows", rows);
        figures.text("first", self.first_time.map(plain).unwrap_or_default());
        figures.text("last", self.newest.map(plain).unwrap_or_default());
        figures.count("missing_bars", self.missing);
        figures.count("backwards", self.backwards);
        figures.count("crossed", self.crossed);
        figures.count("one_sided", self.empty);
        figures.text("sum_bid_size", self.sizes[0]);
        figures.text("sum_ask_size", self.sizes[1]);
        figures
    }
}
