//! The fills that a log tells of, each under the label of who tells it.
//!
//! A fill that its venue took back is left out, whether that was told before it or behind it: the
//! log holds both.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::event::{Event, Exactness, ImportedFill, Side};
use crate::ledger::{Entry, LedgerError, Reader, decode};
use crate::time::Timestamp;
use crate::units::{Money, Price, Quantity};

/// The label of the fills that the log's own runs recorded.
pub const OWN_RUNS: &str = "@run";

/// A fill, and the record that tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToldFill {
    /// The record.
    pub sequence: u64,
    /// Its row in the file that it was imported from; 0 for a run's own.
    pub row: u64,
    /// What was traded, as it is written there.
    pub symbol: String,
    /// Bought or sold.
    pub side: Side,
    /// The price.
    pub price: Price,
    /// Amount of base currency.
    pub quantity: Quantity,
    /// What it cost, where that is told.
    pub fee: Option<Money>,
    /// In which currency.
    pub fee_currency: Option<String>,
    /// When it happened.
    pub time: Timestamp,
    /// Names of the trade: the one of the source first.
    pub trade_ids: Vec<String>,
    /// Name of the order.
    pub order_id: Option<String>,
    /// What its numbers were.
    #[serde(skip)]
    pub exactness: Exactness,
}

/// The fills of a log by label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FillsByLabel {
    fills: BTreeMap<String, Vec<ToldFill>>,
    /// Every label that fills were imported under.
    labels: BTreeMap<String, u64>,
}

impl FillsByLabel {
    /// Reads the fills under these labels; all of them are held in memory, about 300 bytes each.
    /// What was taken back counts as a fill of its label, and is none of its fills.
    ///
    /// # Errors
    /// [`LedgerError`] when the log cannot be read.
    pub fn read(reader: &Reader<Event>, labels: &[&str]) -> Result<Self, LedgerError> {
        let mut read = Self::default();
        // By label, symbol and number; and what said so.
        let mut taken_back: BTreeMap<[String; 3], String> = BTreeMap::new();
        let mut label = String::new();
        let mut symbols: Vec<String> = Vec::new();
        reader.for_each::<LedgerError>(0, |record| {
            let sequence = record.sequence;
            let fail = |source| LedgerError::Record { sequence, source };
            let (_, entry) = decode::<Event>(&record).map_err(fail)?;
            let Entry::Event(event) = entry else { return Ok(()) };
            match event {
                Event::ImportStarted(started) => label = imported_label(started.label),
                Event::ImportedFill(fill) => read.take(&label, labels, || told(sequence, *fill)),
                Event::ImportedBust(bust) if labels.contains(&&*label) => {
                    let of = |id: String| [label.clone(), bust.symbol.clone(), id];
                    let before = taken_back.insert(of(bust.trade_id), bust.by.clone());
                    // Some venues name the first fill in each correction: what stood in its place
                    // since the one before goes.
                    if let Some(before) = before.filter(|before| *before != bust.by) {
                        taken_back.insert(of(before), bust.by);
                    }
                }
                Event::RunStarted(started) => {
                    let instruments = started.config.instruments.iter();
                    symbols =
                        instruments.map(|one| format!("{}/{}", one.base, one.quote)).collect();
                }
                Event::OrderFilled(fill) => {
                    let symbol = symbols.get(usize::from(fill.pair.0)).cloned();
                    read.take(OWN_RUNS, labels, || ToldFill {
                        sequence,
                        row: 0,
                        symbol: symbol.unwrap_or_default(),
                        side: fill.side,
                        price: fill.price,
                        quantity: fill.quantity,
                        fee: Some(fill.fee),
                        fee_currency: None,
                        time: fill.time,
                        trade_ids: Vec::new(),
                        order_id: None,
                        exactness: Exactness::Decimal,
                    });
                }
                _ => {}
            }
            Ok(())
        })?;
        if !taken_back.is_empty() {
            for (label, fills) in &mut read.fills {
                fills.retain(|fill| {
                    let Some(trade) = fill.trade_ids.first() else { return true };
                    !taken_back.contains_key(&[label.clone(), fill.symbol.clone(), trade.clone()])
                });
            }
        }
        Ok(read)
    }

    fn take(&mut self, label: &str, wanted: &[&str], fill: impl FnOnce() -> ToldFill) {
        if let Some(count) = self.labels.get_mut(label) {
            *count += 1;
        } else {
            self.labels.insert(label.to_owned(), 1);
        }
        if wanted.contains(&label) {
            self.fills.entry(label.to_owned()).or_default().push(fill());
        }
    }

    /// The fills under a label, in the order of their records.
    #[must_use]
    pub fn of(&self, label: &str) -> &[ToldFill] {
        self.fills.get(label).map_or(&[], Vec::as_slice)
    }

    /// Every label that has fills, and how many.
    #[must_use]
    pub const fn labels(&self) -> &BTreeMap<String, u64> {
        &self.labels
    }
}

/// The label of an import, which is never that of the runs: `import` refuses an `@` at its
/// beginning, and another program that wrote one must not speak for them.
fn imported_label(label: String) -> String {
    if label.starts_with('@') { format!("import{label}") } else { label }
}

fn told(sequence: u64, fill: ImportedFill) -> ToldFill {
    // Some sources name an execution and the venue's trade apart.
    let other = fill.extra.into_iter().find(|extra| extra.name == "trade_id");
    ToldFill {
        sequence,
        row: fill.row,
        symbol: fill.symbol,
        side: fill.side,
        price: fill.price,
        quantity: fill.quantity,
        fee: fill.fee,
        fee_currency: fill.fee_currency,
        time: fill.time,
        trade_ids: fill.trade_id.into_iter().chain(other.map(|other| other.text)).collect(),
        order_id: fill.order_id,
        exactness: fill.exactness,
    }
}
