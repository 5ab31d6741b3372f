//! What is recorded already: facts are told apart by what they are about, compared by what they
//! say.
//!
//! A bar is about its symbol, length and open time; a trade or quote about its symbol and number;
//! what has no number is about everything it says, and which of its equals it is in its file.
//! Names hold under one label only. A file whose numbers or times rise needs no memory; any other
//! one, and what the ledger holds under the same label, takes about 72 bytes a fact.
//!
//! Some archives tell a numbered trade's time in milliseconds and others in microseconds: two are
//! compared in the coarser unit of the files that they are from. A file's unit is the finest that
//! any of its trades needed so far.

use std::collections::BTreeMap;

use crate::event::wire::{self, EncodeError};
use crate::event::{Event, NamedText, Payload as _, TradePrint};
use crate::hash;

/// What a fact is about.
type Name = [u8; 16];
/// What it says about it.
#[derive(Debug, Clone, Copy)]
struct Content {
    says: [u8; 8],
    /// Nanoseconds of a numbered trade behind its millisecond, which is a part of what it says.
    behind: u32,
    /// Place of its file's unit.
    file: u16,
}

/// A millisecond: the coarsest unit of a numbered trade's time.
const MILLISECOND: u32 = 1_000_000;

/// The finest unit that the times of each file needed, in nanoseconds.
#[derive(Debug, Clone, Default)]
struct Units(Vec<u32>);

impl Units {
    /// Begins another file.
    fn begin(&mut self) {
        // Files beyond so many share the unit of the last one.
        if self.0.len() <= usize::from(u16::MAX) {
            self.0.push(MILLISECOND);
        }
    }

    /// Makes the content of a fact of the last file.
    fn content(&mut self, says: [u8; 8], event: &Event) -> Content {
        let behind = behind_millisecond(event);
        let last = self.0.len().saturating_sub(1);
        if let Some(unit) = self.0.last_mut() {
            while !behind.is_multiple_of(*unit) {
                *unit /= 1_000;
            }
        }
        Content { says, behind, file: u16::try_from(last).unwrap_or(u16::MAX) }
    }

    /// Whether two facts say the same, as far as both of their files can tell.
    fn same(&self, one: Content, other: Content) -> bool {
        let unit = |of: Content| self.0.get(usize::from(of.file)).copied().unwrap_or(1);
        let unit = unit(one).max(unit(other));
        one.says == other.says && one.behind / unit == other.behind / unit
    }
}

/// Nanoseconds of the time of a numbered trade behind its millisecond.
fn behind_millisecond(event: &Event) -> u32 {
    let Event::TradePrint(print) = event else { return 0 };
    let behind = print.time.nanos().rem_euclid(MILLISECOND.into());
    if print.id.is_some() { u32::try_from(behind).unwrap_or(0) } else { 0 }
}

/// Facts that are recorded under some labels.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    facts: BTreeMap<Name, Content>,
    /// Only what was new is recorded, so all that say the same are counted through all imports.
    equals: Equals,
    units: Units,
}

/// What is to be done with a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It is recorded.
    New,
    /// It says what is recorded, or what an earlier row said.
    Duplicate {
        /// An earlier row of this file.
        here: bool,
    },
    /// It says something else about the same.
    Contradiction {
        /// Than an earlier row of this file.
        here: bool,
    },
    /// Only a sieve with an index can say.
    NeedsIndex,
}

/// Judges the facts of one file in their order.
pub(super) struct Sieve<'a> {
    label: &'a str,
    known: &'a Known,
    /// Names of this file's facts, where they do not rise.
    own: Option<BTreeMap<Name, Content>>,
    newest: BTreeMap<String, i128>,
    equals: Equals,
    units: Units,
}

/// Counts facts that say the same.
#[derive(Debug, Clone, Default)]
struct Equals(BTreeMap<Name, u32>);

impl Known {
    /// Adds what another one knows; what was known before stands.
    pub(super) fn join(&mut self, other: Self) {
        for (name, content) in other.facts {
            self.facts.entry(name).or_insert(content);
        }
        self.equals = other.equals;
        self.units = other.units;
    }

    /// Begins a file: what is added now is from it.
    pub(super) fn begin_file(&mut self) {
        self.units.begin();
    }

    /// Begins a list of what is added to this one, to be joined to it.
    pub(super) fn addition(&self) -> Self {
        let mut units = self.units.clone();
        units.begin();
        Self { facts: BTreeMap::new(), equals: self.equals.clone(), units }
    }

    /// Adds a fact that is recorded.
    pub(super) fn add(&mut self, label: &str, event: &Event) -> Result<(), EncodeError> {
        if let Some(subject) = subject(event) {
            let (name, says) = name_of(label, &subject, event, &mut self.equals)?;
            let content = self.units.content(says, event);
            // The first one stands.
            self.facts.entry(name).or_insert(content);
        }
        Ok(())
    }
}

impl<'a> Sieve<'a> {
    pub(super) fn new(label: &'a str, known: &'a Known, indexed: bool) -> Self {
        let mut units = known.units.clone();
        units.begin();
        Self {
            label,
            known,
            own: indexed.then(BTreeMap::new),
            newest: BTreeMap::new(),
            equals: Equals::default(),
            units,
        }
    }

    /// Judges the next fact.
    pub(super) fn judge(&mut self, event: &Event) -> Result<Judgement, EncodeError> {
        let Some(subject) = subject(event) else { return Ok(Judgement::New) };
        let rises = self.rises(&subject);
        match (&self.own, rises) {
            (None, false) => return Ok(Judgement::NeedsIndex),
            (None, true) if self.known.facts.is_empty() => return Ok(Judgement::New),
            _ => {}
        }
        let (name, says) = name_of(self.label, &subject, event, &mut self.equals)?;
        let content = self.units.content(says, event);
        let here = self.own.as_ref().and_then(|own| own.get(&name));
        let known = self.known.facts.get(&name);
        Ok(match (here, known) {
            (Some(before), _) if self.units.same(*before, content) => {
                Judgement::Duplicate { here: true }
            }
            (Some(_), _) => Judgement::Contradiction { here: true },
            (None, known) => {
                let judged = match known {
                    None => Judgement::New,
                    Some(before) if self.units.same(*before, content) => {
                        Judgement::Duplicate { here: false }
                    }
                    Some(_) => Judgement::Contradiction { here: false },
                };
                if let Some(own) = &mut self.own {
                    own.insert(name, content);
                }
                judged
            }
        })
    }

    /// True where the fact comes after all others of its kind, or has no place among them.
    fn rises(&mut self, subject: &Subject) -> bool {
        let Some(order) = subject.order else {
            // Without a place: equals are counted; whatever has a name might come again.
            return subject.id.is_none();
        };
        match self.newest.get_mut(&subject.stream) {
            Some(newest) if *newest >= order => false,
            Some(newest) => {
                *newest = order;
                true
            }
            None => {
                self.newest.insert(subject.stream.clone(), order);
                true
            }
        }
    }
}

/// What a fact is about.
struct Subject {
    /// Its kind and symbol.
    stream: String,
    /// Its name in the stream; none for what is told apart by its content alone.
    id: Option<String>,
    /// Its place in the stream, where that is a number.
    order: Option<i128>,
}

fn subject(event: &Event) -> Option<Subject> {
    let stream = |kind: &str, symbol: &str| format!("{kind}\0{symbol}");
    let by_id = |stream: String, id: Option<&String>| Subject {
        stream,
        order: id.and_then(|id| id.parse::<u64>().ok()).map(i128::from),
        id: id.cloned(),
    };
    let by_number = |stream: String, number: i128| Subject {
        stream,
        id: Some(number.to_string()),
        order: Some(number),
    };
    Some(match event {
        Event::ImportedBar(bar) => {
            let kind = format!("bar\0{}", bar.interval.nanos());
            by_number(stream(&kind, &bar.symbol), bar.open_time.nanos().into())
        }
        Event::QuoteBar(bar) => {
            let kind = format!("quote bar\0{}", bar.interval.nanos());
            by_number(stream(&kind, &bar.symbol), bar.open_time.nanos().into())
        }
        Event::TradePrint(print) => {
            // Sums of trades are numbered by themselves.
            let kind = if print.first_id.is_some() { "sum" } else { "print" };
            by_id(stream(kind, &print.symbol), print.id.as_ref())
        }
        Event::Quote(quote) => {
            let stream = stream("quote", &quote.symbol);
            match quote.update {
                Some(update) => by_number(stream, update.into()),
                None => Subject { stream, id: None, order: None },
            }
        }
        Event::ImportedFill(fill) => {
            // A trade of an account with itself is a fill on each side.
            let kind = format!("fill\0{:?}", fill.side);
            by_id(stream(&kind, &fill.symbol), fill.trade_id.as_ref())
        }
        Event::ImportedBust(bust) => by_id(stream("bust", &bust.symbol), Some(&bust.by)),
        Event::ImportedTrade(trade) => {
            by_id(stream("trade", &trade.symbol), trade.trade_id.as_ref())
        }
        Event::ImportedEntry(entry) => Subject {
            stream: stream("entry", &entry.registry),
            id: Some(entry.key.clone()),
            order: None,
        },
        _ => return None,
    })
}

fn name_of(
    label: &str,
    subject: &Subject,
    event: &Event,
    equals: &mut Equals,
) -> Result<(Name, [u8; 8]), EncodeError> {
    let says = hash::sha256(&says(event)?);
    let mut about = Vec::new();
    for part in [label, &subject.stream] {
        about.extend_from_slice(&(part.len() as u64).to_le_bytes());
        about.extend_from_slice(part.as_bytes());
    }
    match &subject.id {
        Some(id) => about.extend_from_slice(id.as_bytes()),
        None => {
            about.extend_from_slice(&says.0);
            let count = equals.0.entry(cut(&hash::sha256(&about).0)).or_default();
            *count += 1;
            about.extend_from_slice(&count.to_le_bytes());
        }
    }
    Ok((cut(&hash::sha256(&about).0), cut(&says.0)))
}

fn cut<const N: usize>(digest: &[u8; 32]) -> [u8; N] {
    std::array::from_fn(|at| digest[at])
}

/// What a fact says, without what two files may tell differently about the same: the row, the
/// moment of receipt, and what only some formats have.
fn says(event: &Event) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    match event {
        Event::ImportedBar(bar) => {
            let numbers = (bar.open, bar.high, bar.low, bar.close, bar.volume);
            let finer = finer(&bar.finer, &["open", "high", "low", "close", "volume"]);
            wire::encode(&(numbers, finer), &mut bytes)?;
        }
        Event::TradePrint(print) => {
            let finer = finer(&print.finer, &["price", "quantity"]);
            let said = (told_time(print), print.price, print.quantity, print.aggressor);
            wire::encode(&(said, finer), &mut bytes)?;
        }
        Event::Quote(quote) => {
            wire::encode(&(quote.bid, quote.ask, quote.finer.clone()), &mut bytes)?;
            if quote.update.is_none() {
                wire::encode(&quote.time, &mut bytes)?;
            }
        }
        Event::ImportedFill(fill) => {
            let figures = (fill.time, fill.side, fill.price, fill.quantity);
            let fee = (fill.fee, fill.fee_currency.clone(), fill.order_id.clone());
            let finer = finer(&fill.finer, &["price", "quantity", "fee"]);
            wire::encode(&(figures, fee, finer), &mut bytes)?;
        }
        Event::ImportedTrade(trade) => {
            let entry = (trade.side, trade.entry_time, trade.entry_price, trade.quantity);
            let exit = (trade.exit_time, trade.exit_price, trade.claimed_profit);
            let compared = ["quantity", "entry_price", "exit_price", "claimed_profit"];
            wire::encode(&(entry, exit, finer(&trade.finer, &compared)), &mut bytes)?;
        }
        Event::ImportedEntry(entry) => wire::encode(&entry.json, &mut bytes)?,
        other => {
            other.encode_payload(&mut bytes)?;
            // The row comes first in every fact.
            bytes.iter_mut().take(8).for_each(|byte| *byte = 0);
        }
    }
    Ok(bytes)
}

/// The digits that the compared fields cannot hold; of other fields only some formats tell.
fn finer(all: &[NamedText], compared: &[&str]) -> Vec<NamedText> {
    let wanted = all.iter().filter(|one| compared.contains(&one.name.as_str()));
    wanted.cloned().collect()
}

/// When a trade happened; of one with a number what follows the millisecond is compared apart.
fn told_time(print: &TradePrint) -> i64 {
    let nanos = print.time.nanos();
    if print.id.is_some() { nanos.div_euclid(MILLISECOND.into()) } else { nanos }
}
