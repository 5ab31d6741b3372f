//! What all bars have in common: what is wrong between them, and what they add up to.

use std::path::PathBuf;

use super::columns::Field;
use super::error::{Fault, ImportError};
use super::figure::Figures;
use super::item::{Item, too_large};
use super::number::{Number, Sum};
use super::reading::{Judge, Queue};
use crate::event::{Event, ImportFault, ImportedBar, NamedText};
use crate::time::{MINUTE_NS, Span, Timestamp};
use crate::units::Price;

/// One bar as a row tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BarRow {
    pub(super) row: u64,
    pub(super) open_time: Timestamp,
    pub(super) open: Number,
    pub(super) high: Number,
    pub(super) low: Number,
    pub(super) close: Number,
    pub(super) volume: Number,
    pub(super) quote_volume: Option<Number>,
    pub(super) trades: Option<u64>,
    pub(super) taker_buy_volume: Option<Number>,
    pub(super) taker_buy_quote_volume: Option<Number>,
}

impl BarRow {
    /// A bar of what all of them have: open, high, low and close above zero, an amount.
    pub(super) fn new(
        row: u64,
        open_time: Timestamp,
        [open, high, low, close, volume]: [Field<'_>; 5],
    ) -> Result<Self, Fault> {
        Ok(Self {
            row,
            open_time,
            open: open.price("open")?,
            high: high.price("high")?,
            low: low.price("low")?,
            close: close.price("close")?,
            volume: volume.amount("volume")?,
            quote_volume: None,
            trades: None,
            taker_buy_volume: None,
            taker_buy_quote_volume: None,
        })
    }
}

/// Judges bars in the order of a file and adds them up.
#[derive(Default)]
pub(super) struct Bars {
    path: PathBuf,
    symbol: String,
    interval: Span,
    newest: Option<Timestamp>,
    first: Option<(Timestamp, Number)>,
    last: Option<(Timestamp, Number)>,
    odd_steps: u64,
    backwards: u64,
    missing: u64,
    zero_volume: u64,
    bad_ohlc: u64,
    trades: u64,
    has_trades: bool,
    volume: Sum,
    quote_volume: Sum,
    has_quote_volume: bool,
}

impl Bars {
    pub(super) fn new(path: PathBuf, symbol: String, interval: Span) -> Self {
        Self { path, symbol, interval, ..Self::default() }
    }

    fn add(&mut self, bar: &BarRow) -> Result<(), ImportError> {
        self.volume.add(bar.volume).map_err(too_large(&self.path, "sum_vol"))?;
        self.zero_volume += u64::from(!bar.volume.is_positive());
        if let Some(quote_volume) = bar.quote_volume {
            self.has_quote_volume = true;
            let added = self.quote_volume.add(quote_volume);
            added.map_err(too_large(&self.path, "sum_quote_vol"))?;
        }
        if let Some(trades) = bar.trades {
            self.has_trades = true;
            self.trades = self.trades.saturating_add(trades);
        }
        Ok(())
    }

    /// What lies between the bar before and this one.
    fn step(&mut self, bar: &BarRow, queue: &mut Queue) {
        let before = self.last.map(|(at, _)| at);
        let newest = self.newest;
        self.newest = Some(newest.map_or(bar.open_time, |newest| newest.max(bar.open_time)));
        let (Some(before), Some(newest)) = (before, newest) else { return };
        let interval = self.interval.nanos().unsigned_abs().max(1);
        let step = i128::from(bar.open_time.nanos()) - i128::from(before.nanos());
        self.odd_steps += u64::from(step != i128::from(interval));
        if bar.open_time < before {
            self.backwards += 1;
            let what = format!("{} comes after {before}", bar.open_time);
            queue.push_back(defect(bar.row, ImportFault::Disorder, 1, what));
        }
        if bar.open_time <= newest {
            return;
        }
        let distance = bar.open_time.nanos().abs_diff(newest.nanos());
        let missing = (distance / interval).saturating_sub(1);
        if missing > 0 {
            self.missing = self.missing.saturating_add(missing);
            let what = format!("no bar between {newest} and {}", bar.open_time);
            queue.push_back(defect(bar.row, ImportFault::Gap, missing, what));
        }
        if !distance.is_multiple_of(interval) {
            let what = format!("{} is no whole number of bars after {newest}", bar.open_time);
            queue.push_back(defect(bar.row, ImportFault::OffGrid, 1, what));
        }
    }

    fn event(&self, bar: &BarRow) -> ImportedBar {
        let mut finer: Vec<NamedText> = Vec::new();
        let named = [
            ("open", Some(bar.open)),
            ("high", Some(bar.high)),
            ("low", Some(bar.low)),
            ("close", Some(bar.close)),
            ("volume", Some(bar.volume)),
            ("quote_volume", bar.quote_volume),
            ("taker_buy_volume", bar.taker_buy_volume),
            ("taker_buy_quote_volume", bar.taker_buy_quote_volume),
        ];
        for (name, number) in named {
            if let Some(number) = number {
                number.note(name, &mut finer);
            }
        }
        ImportedBar {
            row: bar.row,
            symbol: self.symbol.clone(),
            open_time: bar.open_time,
            interval: self.interval,
            open: bar.open.price(),
            high: bar.high.price(),
            low: bar.low.price(),
            close: bar.close.price(),
            volume: bar.volume.quantity(),
            quote_volume: bar.quote_volume.map(Number::money),
            trades: bar.trades,
            taker_buy_volume: bar.taker_buy_volume.map(Number::quantity),
            taker_buy_quote_volume: bar.taker_buy_quote_volume.map(Number::money),
            finer,
        }
    }
}

impl Judge<BarRow> for Bars {
    fn take(&mut self, bar: BarRow, queue: &mut Queue) -> Result<(), ImportError> {
        self.add(&bar)?;
        self.step(&bar, queue);
        if let Some(what) = unsound(&bar) {
            self.bad_ohlc += 1;
            queue.push_back(defect(bar.row, ImportFault::Inconsistent, 1, what));
        }
        self.first = self.first.or(Some((bar.open_time, bar.open)));
        self.last = Some((bar.open_time, bar.close));
        // A bar is known when it is over; what cannot be added up is told by its open time.
        let time = bar.open_time.plus(self.interval).unwrap_or(bar.open_time);
        queue.push_back(Item::Fact { time, event: Event::ImportedBar(Box::new(self.event(&bar))) });
        Ok(())
    }

    fn figures(&self, rows: u64) -> Figures {
        let mut figures = Figures::default();
        figures.count("rows", rows);
        if let (Some((first, open)), Some((last, close))) = (self.first, self.last) {
            figures.text("first", plain(first));
            figures.text("last", plain(last));
            figures.text("first_open", open);
            figures.text("last_close", close);
        }
        if self.interval.nanos() == MINUTE_NS {
            figures.count("not_60s", self.odd_steps);
            figures.count("missing_minutes", self.missing);
        } else {
            figures.count("odd_steps", self.odd_steps);
            figures.count("missing_bars", self.missing);
        }
        figures.count("backwards", self.backwards);
        figures.count("zero_vol", self.zero_volume);
        figures.count("ohlc_bad", self.bad_ohlc);
        figures.text("sum_vol", self.volume);
        if self.has_quote_volume {
            figures.text("sum_quote_vol", self.quote_volume);
        }
        if self.has_trades {
            figures.count("sum_trades", self.trades);
        }
        figures
    }
}

/// A time without its zone, as it is UTC in all figures.
pub(super) fn plain(at: Timestamp) -> String {
    at.to_string().trim_end_matches('Z').to_owned()
}

/// What no bar can be.
fn unsound(bar: &BarRow) -> Option<String> {
    let (high, low): (Price, Price) = (bar.high.price(), bar.low.price());
    let named = [("open", bar.open), ("close", bar.close), ("low", bar.low)];
    named.into_iter().find_map(|(name, number)| {
        let price = number.price();
        if price > high {
            Some(format!("{name} {price} is above the highest price {high}"))
        } else if price < low {
            Some(format!("{name} {price} is below the lowest price {low}"))
        } else {
            None
        }
    })
}

pub(super) fn defect(row: u64, fault: ImportFault, count: u64, what: String) -> Item {
    Item::Defect { row, fault, count, what }
}

/// Finds the length of bars from the shortest step between some of them; none for fewer than two.
pub(super) fn shortest_step(times: &[Timestamp]) -> Option<Span> {
    let steps = times.windows(2).filter_map(|two| two[1].since(two[0]));
    steps.filter(|step| step.nanos() > 0).min()
}
