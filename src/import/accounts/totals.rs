//! What an account file adds up to, exactly: counts, amounts by symbol, fees by currency, and what
//! was claimed beside what follows.

use std::collections::BTreeMap;

use super::rows::{FillRow, Told, TripRow};
use crate::event::Side;
use crate::import::{Figure, Figures, Number, Sum, SumOverflow};
use crate::units::MoneyExact;

/// Symbols and currencies that are told apart.
const NAMES_MAX: usize = 256;

/// Amounts of one symbol.
#[derive(Debug, Default)]
struct OfSymbol {
    buys: u64,
    sells: u64,
    quantity: Sum,
    notional: Sum,
}

/// What a file adds up to so far.
#[derive(Debug, Default)]
pub(super) struct Totals {
    symbols: BTreeMap<String, OfSymbol>,
    fees: BTreeMap<String, Sum>,
    finer: u64,
    taken_back: u64,
    trips: u64,
    open: u64,
    agreeing: u64,
    contradicting: u64,
    claimed: Sum,
    computed: Sum,
    entries: BTreeMap<String, u64>,
}

impl Totals {
    /// Adds what was told.
    pub(super) fn add(&mut self, told: &Told) -> Result<(), SumOverflow> {
        match told {
            Told::Fill(fill) => self.add_fill(fill),
            Told::Bust(_) => {
                self.taken_back += 1;
                Ok(())
            }
            Told::Trip(trip) => self.add_trip(trip),
            Told::Entry(entry) => {
                let name = known_or_other(&self.entries, &entry.registry);
                *self.entries.entry(name).or_default() += 1;
                Ok(())
            }
            Told::Notice(_) | Told::Bad { .. } => Ok(()),
        }
    }

    fn add_fill(&mut self, fill: &FillRow) -> Result<(), SumOverflow> {
        let name = known_or_other(&self.symbols, &fill.symbol);
        let of = self.symbols.entry(name).or_default();
        match fill.side {
            Side::Buy => of.buys += 1,
            Side::Sell => of.sells += 1,
        }
        of.quantity.add(fill.quantity)?;
        of.notional.add_product(fill.price, fill.quantity)?;
        if let Some(fee) = fill.fee {
            let currency = fill.fee_currency.as_deref().unwrap_or("unknown");
            let name = known_or_other(&self.fees, currency);
            self.fees.entry(name).or_default().add(fee)?;
        }
        let numbers = [Some(fill.price), Some(fill.quantity), fill.quote, fill.fee];
        self.finer += numbers.iter().flatten().filter(|number| number.is_finer()).count() as u64;
        Ok(())
    }

    fn add_trip(&mut self, trip: &TripRow) -> Result<(), SumOverflow> {
        self.trips += 1;
        self.open += u64::from(trip.open);
        match trip.agrees {
            Some(true) => self.agreeing += 1,
            Some(false) => self.contradicting += 1,
            None => {}
        }
        if let Some(claimed) = trip.claimed {
            self.claimed.add(claimed)?;
        }
        if let Some(computed) = trip.computed {
            self.computed.add(of_money(computed)?)?;
        }
        Ok(())
    }

    /// The figures so far.
    pub(super) fn figures(&self) -> Figures {
        let mut figures = Figures::default();
        if !self.symbols.is_empty() {
            let fills = self.symbols.values().map(|of| of.buys + of.sells).sum();
            figures.count("fills", fills);
            let each = |of: &OfSymbol| {
                Figure::Map(BTreeMap::from([
                    ("buys".to_owned(), Figure::Count(of.buys)),
                    ("sells".to_owned(), Figure::Count(of.sells)),
                    ("sum_qty".to_owned(), Figure::text(of.quantity)),
                    ("sum_px_qty".to_owned(), Figure::text(of.notional)),
                ]))
            };
            let symbols = self.symbols.iter().map(|(name, of)| (name.clone(), each(of)));
            figures.put("symbols", Figure::Map(symbols.collect()));
        }
        if self.taken_back > 0 {
            // The amounts are of all fills that the file tells of, also of these.
            figures.count("taken_back", self.taken_back);
        }
        if !self.fees.is_empty() {
            let fees = self.fees.iter().map(|(name, sum)| (name.clone(), Figure::text(sum)));
            figures.put("fees", Figure::Map(fees.collect()));
        }
        if self.trips > 0 {
            figures.count("trades", self.trips);
            figures.count("open", self.open);
            figures.text("claimed_profit", self.claimed);
            figures.text("recomputed_profit", self.computed);
            figures.count("claims_that_follow", self.agreeing);
            figures.count("claims_that_do_not", self.contradicting);
        }
        if !self.entries.is_empty() {
            let entries = self.entries.iter().map(|(name, n)| (name.clone(), Figure::Count(*n)));
            figures.put("entries", Figure::Map(entries.collect()));
        }
        figures.count("finer_numbers", self.finer);
        figures
    }
}

/// A name that is counted by itself, or `others` where there are too many.
fn known_or_other<V>(known: &BTreeMap<String, V>, name: &str) -> String {
    let full = known.len() >= NAMES_MAX && !known.contains_key(name);
    if full { "others".to_owned() } else { name.to_owned() }
}

fn of_money(amount: MoneyExact) -> Result<Number, SumOverflow> {
    Number::parse(amount.to_string()).map_err(|_| SumOverflow)
}
