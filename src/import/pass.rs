//! One pass over a file: every fact judged, every defect counted, whether it is recorded or not.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::Serialize;

use super::error::{Fault, ImportError};
use super::figure::{Figure, Figures};
use super::file::ImportFile;
use super::item::{Item, Opened};
use super::sieve::{Judgement, Known, Sieve};
use crate::event::{Event, ImportDefect, ImportFault, RecordError};
use crate::time::Timestamp;

/// Defects that a report lists at most; all of them are in the ledger.
pub const DEFECTS_LISTED_MAX: usize = 10_000;
/// Characters of a defect's words.
const WHAT_MAX: usize = 400;

/// What a pass found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Rows that were read.
    pub rows: u64,
    /// Facts that are new, by kind.
    pub facts: BTreeMap<&'static str, u64>,
    /// Facts left out because they are recorded already, in this file or before.
    pub duplicates: u64,
    /// Facts left out because what is recorded says otherwise.
    pub contradictions: u64,
    /// Defects, by kind.
    pub faults: BTreeMap<ImportFault, u64>,
    /// The first of them.
    pub defects: Vec<ImportDefect>,
    /// First fact in time.
    pub first: Option<Timestamp>,
    /// Last fact in time.
    pub last: Option<Timestamp>,
    /// What the file adds up to.
    pub figures: Figures,
}

impl Tally {
    /// How many facts are new.
    #[must_use]
    pub fn new_facts(&self) -> u64 {
        self.facts.values().sum()
    }

    /// How many defects there are.
    #[must_use]
    pub fn defect_count(&self) -> u64 {
        self.faults.values().sum()
    }
}

/// What a pass gives to whoever records.
pub(super) enum Found<'a> {
    Fact(Timestamp, &'a Event),
    Defect(ImportDefect),
}

/// How a pass ended.
pub(super) enum Ended {
    /// At the end of the file.
    Whole(Tally),
    /// The facts do not rise: another pass, with an index, can judge them.
    NeedsIndex,
    /// Whoever watches said so.
    Stopped,
}

type Sink<'s> = &'s mut dyn FnMut(Found<'_>) -> Result<ControlFlow<()>, ImportError>;

/// A file and how it is read.
pub(super) struct Pass<'a> {
    pub(super) file: &'a ImportFile,
    pub(super) known: &'a Known,
    pub(super) indexed: bool,
    pub(super) skip_malformed: bool,
}

impl Pass<'_> {
    /// Goes over the file once.
    pub(super) fn run(&self, sink: Sink<'_>) -> Result<Ended, ImportError> {
        let mut importer = (self.file.format.open)(self.file)?;
        let mut sieve = Sieve::new(&self.file.label, self.known, self.indexed);
        let (mut tally, mut here) = (Tally::default(), 0);
        while let Some(item) = importer.next()? {
            let flow = match item {
                Item::Defect { row, fault, count, what } => {
                    self.defect(ImportDefect { row, fault, count, what }, &mut tally, sink)?
                }
                Item::Bad { row, fault } if self.skip_malformed => {
                    self.defect(malformed(row, fault), &mut tally, sink)?
                }
                Item::Bad { fault, .. } => return Err(fault.in_file(&self.file.path)),
                Item::Fact { time, event } => {
                    tally.first = Some(tally.first.map_or(time, |first| first.min(time)));
                    tally.last = Some(tally.last.map_or(time, |last| last.max(time)));
                    let judged =
                        sieve.judge(&event).map_err(|error| self.record_error(0, error))?;
                    if judged == Judgement::NeedsIndex {
                        return Ok(Ended::NeedsIndex);
                    }
                    here += u64::from(matches!(
                        judged,
                        Judgement::Duplicate { here: true }
                            | Judgement::Contradiction { here: true }
                    ));
                    self.fact(time, &event, judged, &mut tally, sink)?
                }
            };
            if flow.is_break() {
                return Ok(Ended::Stopped);
            }
        }
        tally.rows = importer.rows();
        tally.figures = importer.figures();
        tally.figures.put("dups", Figure::Count(here));
        Ok(Ended::Whole(tally))
    }

    fn fact(
        &self,
        time: Timestamp,
        event: &Event,
        judged: Judgement,
        tally: &mut Tally,
        sink: Sink<'_>,
    ) -> Result<ControlFlow<()>, ImportError> {
        let (fault, what) = match judged {
            Judgement::New | Judgement::NeedsIndex => {
                *tally.facts.entry(event.name()).or_default() += 1;
                return sink(Found::Fact(time, event));
            }
            Judgement::Duplicate { here } => {
                tally.duplicates += 1;
                if !here {
                    // An overlap with what was imported before is no defect of this file.
                    return Ok(ControlFlow::Continue(()));
                }
                (ImportFault::Duplicate, "says what an earlier row says")
            }
            Judgement::Contradiction { here } => {
                tally.contradictions += 1;
                let what = if here {
                    "says otherwise than an earlier row about the same"
                } else {
                    "says otherwise than what was imported before about the same"
                };
                (ImportFault::Contradiction, what)
            }
        };
        let what = format!("{} {what}: {}", event.name(), brief(event));
        let defect = ImportDefect { row: row_of(event), fault, count: 1, what };
        self.defect(defect, tally, sink)
    }

    fn defect(
        &self,
        mut defect: ImportDefect,
        tally: &mut Tally,
        sink: Sink<'_>,
    ) -> Result<ControlFlow<()>, ImportError> {
        if let Some((end, _)) = defect.what.char_indices().nth(WHAT_MAX) {
            defect.what.truncate(end);
        }
        *tally.faults.entry(defect.fault).or_default() += 1;
        if tally.defects.len() < DEFECTS_LISTED_MAX {
            tally.defects.push(defect.clone());
        }
        sink(Found::Defect(defect))
    }

    /// What is known before the first row.
    pub(super) fn opened(&self) -> Result<Opened, ImportError> {
        let opened = (self.file.format.open)(self.file)?.opened();
        if self.file.utc_offset.is_some() && opened.utc_offset.is_none() {
            let (file, format) = (self.file.path.clone(), self.file.format.name);
            return Err(ImportError::UnusedClock { file, format });
        }
        Ok(opened)
    }

    pub(super) fn record_error(&self, row: u64, error: impl Into<RecordError>) -> ImportError {
        ImportError::Record { file: self.file.path.clone(), row, source: error.into() }
    }
}

fn malformed(row: u64, fault: Fault) -> ImportDefect {
    let Fault { line, column, field, reason } = fault;
    let what = format!("line {line}, column {column}: {field}: {reason}");
    ImportDefect { row, fault: ImportFault::Malformed, count: 1, what }
}

/// The row of a fact.
pub(super) fn row_of(event: &Event) -> u64 {
    match event {
        Event::ImportedBar(fact) => fact.row,
        Event::TradePrint(fact) => fact.row,
        Event::Quote(fact) => fact.row,
        Event::QuoteBar(fact) => fact.row,
        Event::ImportedFill(fact) => fact.row,
        Event::ImportedBust(fact) => fact.row,
        Event::ImportedTrade(fact) => fact.row,
        Event::ImportedEntry(fact) => fact.row,
        _ => 0,
    }
}

/// What a fact is about, for people; texts of the file are escaped.
fn brief(event: &Event) -> String {
    let shown = |text: &str| text.escape_default().take(60).collect::<String>();
    match event {
        Event::ImportedBar(bar) => format!("{} from {}", shown(&bar.symbol), bar.open_time),
        Event::QuoteBar(bar) => format!("{} from {}", shown(&bar.symbol), bar.open_time),
        Event::TradePrint(print) => {
            let id = print.id.as_deref().map(shown).unwrap_or_default();
            format!("{} {id} at {}", shown(&print.symbol), print.time)
        }
        Event::Quote(quote) => format!("{} at {}", shown(&quote.symbol), quote.time),
        Event::ImportedFill(fill) => {
            let id = fill.trade_id.as_deref().map(shown).unwrap_or_default();
            format!("{} {id} at {}", shown(&fill.symbol), fill.time)
        }
        Event::ImportedBust(bust) => {
            format!("{} {} by {}", shown(&bust.symbol), shown(&bust.trade_id), shown(&bust.by))
        }
        Event::ImportedTrade(trade) => {
            let id = trade.trade_id.as_deref().map(shown).unwrap_or_default();
            format!("{} {id} from {}", shown(&trade.symbol), trade.entry_time)
        }
        Event::ImportedEntry(entry) => format!("{} {}", shown(&entry.registry), shown(&entry.key)),
        other => other.name().to_owned(),
    }
}
