//! What all public trades have in common: what is wrong between them, and what they add up to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::bars::{defect, plain};
use super::error::ImportError;
use super::figure::{Figure, Figures};
use super::item::{Item, too_large};
use super::number::{Number, Sum};
use super::reading::{Judge, Queue};
use crate::event::{Event, ImportFault, Side, TradePrint};
use crate::time::Timestamp;

/// One trade as a row tells it.
#[derive(Debug, Clone)]
pub(super) struct PrintRow {
    pub(super) row: u64,
    pub(super) symbol: String,
    pub(super) id: Option<String>,
    pub(super) sum_of: Option<(u64, u64)>,
    pub(super) time: Timestamp,
    pub(super) received: Option<Timestamp>,
    pub(super) aggressor: Option<Side>,
    pub(super) price: Number,
    pub(super) quantity: Number,
    pub(super) quote: Option<Number>,
    pub(super) execution: Option<String>,
}

impl PrintRow {
    /// A trade of what all of them have.
    pub(super) fn new(
        row: u64,
        symbol: String,
        time: Timestamp,
        (price, quantity): (Number, Number),
    ) -> Self {
        Self {
            row,
            symbol,
            id: None,
            sum_of: None,
            time,
            received: None,
            aggressor: None,
            price,
            quantity,
            quote: None,
            execution: None,
        }
    }
}

/// Judges trades in the order of a file and adds them up.
#[derive(Default)]
pub(super) struct Prints {
    path: PathBuf,
    /// Whether the venue numbers the trades of a symbol without leaving one out.
    gapless: bool,
    newest: BTreeMap<String, (Option<u64>, Timestamp)>,
    first_time: Option<Timestamp>,
    last_time: Option<Timestamp>,
    ids: Option<(u64, u64)>,
    trades: u64,
    jumps: u64,
    repeated: u64,
    missing: u64,
    backwards: u64,
    buyer_maker: u64,
    quantity: Sum,
    notional: Sum,
    quote: Sum,
    has_quote: bool,
    prices: Option<(Number, Number)>,
}

impl Prints {
    pub(super) fn new(path: PathBuf, gapless: bool) -> Self {
        Self { path, gapless, ..Self::default() }
    }

    pub(super) const fn trades(&self) -> u64 {
        self.trades
    }

    fn add(&mut self, print: &PrintRow) -> Result<(), ImportError> {
        self.trades += 1;
        self.buyer_maker += u64::from(print.aggressor == Some(Side::Sell));
        self.quantity.add(print.quantity).map_err(too_large(&self.path, "sum_qty"))?;
        let product = self.notional.add_product(print.price, print.quantity);
        product.map_err(too_large(&self.path, "sum_px_qty"))?;
        if let Some(quote) = print.quote {
            self.has_quote = true;
            self.quote.add(quote).map_err(too_large(&self.path, "sum_quote"))?;
        }
        let price = print.price;
        self.prices = Some(self.prices.map_or((price, price), |(low, high)| {
            (if price < low { price } else { low }, if price > high { price } else { high })
        }));
        self.first_time = Some(self.first_time.map_or(print.time, |at| at.min(print.time)));
        self.last_time = Some(self.last_time.map_or(print.time, |at| at.max(print.time)));
        if let Some(id) = number_of(print) {
            self.ids = Some(self.ids.map_or((id, id), |(low, high)| (low.min(id), high.max(id))));
        }
        Ok(())
    }

    /// What lies between the trade before and this one.
    fn step(&mut self, print: &PrintRow, queue: &mut Queue) {
        let id = number_of(print);
        let stream = format!("{} {}", print.symbol, print.sum_of.is_some());
        let before = self.newest.insert(stream.clone(), (id, print.time));
        let Some((before_id, before_time)) = before else { return };
        if print.time < before_time {
            self.backwards += 1;
            let what = format!("{} comes after {before_time}", print.time);
            queue.push_back(defect(print.row, ImportFault::Disorder, 1, what));
            self.newest.insert(stream, (id, before_time));
        }
        let (Some(id), Some(before)) = (id, before_id) else { return };
        self.repeated += u64::from(id == before);
        let missing = id.saturating_sub(before).saturating_sub(1);
        self.jumps += u64::from(missing > 0);
        if missing > 0 && self.gapless {
            self.missing = self.missing.saturating_add(missing);
            let what = format!("no trade between numbers {before} and {id}");
            queue.push_back(defect(print.row, ImportFault::Gap, missing, what));
        }
    }

    /// What the trades add up to.
    pub(super) fn add_figures(&self, figures: &mut Figures) {
        figures.count("trades", self.trades);
        if let (Some(first), Some(last)) = (self.first_time, self.last_time) {
            figures.text("first_trade", plain(first));
            figures.text("last_trade", plain(last));
        }
        if let Some((first, last)) = self.ids {
            let ids = vec![Figure::Count(first), Figure::Count(last)];
            figures.put("trade_id", Figure::List(ids));
            figures.count("trade_id_jumps", self.jumps);
            figures.count("dup_trade_ids", self.repeated);
            figures.count("missing_trades", self.missing);
        }
        figures.count("trades_backwards", self.backwards);
        figures.text("sum_qty", self.quantity);
        figures.text("sum_px_qty", self.notional);
        if self.has_quote {
            figures.text("sum_quote", self.quote);
        }
        if let Some((low, high)) = self.prices {
            figures.text("min_px", low);
            figures.text("max_px", high);
        }
        figures.count("buyer_maker", self.buyer_maker);
    }
}

impl Judge<PrintRow> for Prints {
    fn take(&mut self, print: PrintRow, queue: &mut Queue) -> Result<(), ImportError> {
        self.add(&print)?;
        self.step(&print, queue);
        let mut finer = Vec::new();
        print.price.note("price", &mut finer);
        print.quantity.note("quantity", &mut finer);
        if let Some(quote) = print.quote {
            quote.note("quote", &mut finer);
        }
        let event = TradePrint {
            row: print.row,
            symbol: print.symbol,
            id: print.id,
            first_id: print.sum_of.map(|(first, _)| first),
            last_id: print.sum_of.map(|(_, last)| last),
            time: print.time,
            received: print.received,
            aggressor: print.aggressor,
            price: print.price.price(),
            quantity: print.quantity.quantity(),
            quote: print.quote.map(Number::money),
            execution: print.execution,
            finer,
        };
        let event = Event::TradePrint(Box::new(event));
        queue.push_back(Item::Fact { time: print.time, event });
        Ok(())
    }

    fn figures(&self, rows: u64) -> Figures {
        let mut figures = Figures::default();
        figures.count("rows", rows);
        self.add_figures(&mut figures);
        figures
    }
}

fn number_of(print: &PrintRow) -> Option<u64> {
    print.id.as_ref().and_then(|id| id.parse().ok())
}
