//! Raw feeds as the hftbacktest collector writes them: `<local ns> <json>` a line, Binance's
//! combined streams.
//!
//! Trades and best quotes are recorded with both clocks: the venue's, and the collector's as the
//! moment of receipt. Changes of the book are checked for gaps in their numbers and counted, and
//! not recorded; so is every other stream. Latencies are kept for their median: 8 bytes a trade.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::bars::{defect, plain};
use super::columns::{Field, Rows};
use super::error::{Fault, ImportError};
use super::feed_events::{self, Said};
use super::figure::{Figure, Figures};
use super::file::ImportFile;
use super::format::{Format, Head};
use super::item::{Importer, Item, Opened};
use super::prints::{PrintRow, Prints};
use super::reading::Judge as _;
use crate::event::ImportFault;
use crate::market::{quote, whole_number};
use crate::time::Timestamp;

pub(super) const FORMAT: Format = Format {
    name: "hftbacktest-feed",
    about: "raw feed of hftbacktest's collector: `<local ns> <json>` lines of Binance streams",
    label: "binance",
    version: 1,
    binary_floats: false,
    recognises: |head: &Head| {
        let line = head.first_line();
        clock_and_json(line).is_some_and(|(_, json, _)| json.first() == Some(&b'{'))
    },
    open,
};

/// Bytes of a line: a snapshot of a whole book is one.
const LINE_MAX: usize = 8 << 20;
/// First number that is nanoseconds since the epoch: 1973.
const NANOS_MIN: u64 = 100_000_000_000_000_000;

/// Splits a line into the collector's clock, the JSON behind it, and the column of that.
fn clock_and_json(line: &[u8]) -> Option<(u64, &[u8], u64)> {
    let space = line.iter().position(|byte| *byte == b' ')?;
    let nanos = whole_number(&line[..space]).filter(|nanos| *nanos >= NANOS_MIN)?;
    i64::try_from(nanos).ok()?;
    Some((nanos, line[space + 1..].trim_ascii(), space as u64 + 2))
}

/// A message of a combined stream.
#[derive(Deserialize)]
struct Wrapper<'a> {
    #[serde(borrow)]
    stream: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

struct Feed {
    rows: Rows,
    symbol: Option<String>,
    trades: Traded,
    sums: Traded,
    queue: VecDeque<Item>,
    streams: BTreeMap<String, u64>,
    not_recorded: BTreeMap<String, u64>,
    non_stream: u64,
    bad_json: u64,
    local: Option<(u64, u64, u64)>,
    local_goes_back: u64,
    executions: BTreeMap<String, u64>,
    books: BTreeMap<String, u64>,
    book_breaks: u64,
    ended: bool,
}

fn open(file: &ImportFile) -> Result<Box<dyn Importer>, ImportError> {
    Ok(Box::new(Feed {
        rows: Rows::open_long(file, LINE_MAX)?,
        symbol: file.pair.as_ref().map(ToString::to_string),
        trades: Traded::new(file),
        sums: Traded::new(file),
        queue: VecDeque::new(),
        streams: BTreeMap::new(),
        not_recorded: BTreeMap::new(),
        non_stream: 0,
        bad_json: 0,
        local: None,
        local_goes_back: 0,
        executions: BTreeMap::new(),
        books: BTreeMap::new(),
        book_breaks: 0,
        ended: false,
    }))
}

impl Importer for Feed {
    fn opened(&self) -> Opened {
        // Each message names its own, but for those of a single stream.
        Opened { symbol_unnamed: self.symbol.clone(), ..Opened::default() }
    }

    fn next(&mut self) -> Result<Option<Item>, ImportError> {
        loop {
            if let Some(item) = self.queue.pop_front() {
                return Ok(Some(item));
            }
            if self.ended {
                return Ok(None);
            }
            match self.rows.next()? {
                Some((row, line)) => self.line(row, &line)?,
                None => {
                    self.ended = true;
                    self.tell_what_was_left_out();
                }
            }
        }
    }

    fn rows(&self) -> u64 {
        self.rows.count
    }

    fn figures(&self) -> Figures {
        let mut figures = Figures::default();
        figures.count("lines", self.rows.count);
        figures.put("streams", counts(&self.streams));
        figures.count("non_stream_lines", self.non_stream);
        figures.count("bad_json", self.bad_json);
        if let Some((first, _, last)) = self.local {
            figures.put("local_ns", Figure::List(vec![Figure::Count(first), Figure::Count(last)]));
            figures.text("local_from", second(first));
            figures.text("local_to", second(last));
        }
        figures.count("local_ts_goes_back", self.local_goes_back);
        self.trades.add_figures(&mut figures);
        figures.put("X", counts(&self.executions));
        if self.sums.prints.trades() > 0 {
            // They are of the same trades, so they are added up by themselves.
            let mut sums = Figures::default();
            self.sums.add_figures(&mut sums);
            figures.put("agg_trades", sums.into_map());
        }
        figures.count("depth_seq_breaks", self.book_breaks);
        figures
    }
}

impl Feed {
    fn line(&mut self, row: u64, line: &[u8]) -> Result<(), ImportError> {
        let whole = Field::of_line(line);
        let Some((local, json, column)) = clock_and_json(line) else {
            let fault = whole.fault("line", format!("{} is no clock and JSON", quote(line)));
            return self.bad(row, fault);
        };
        self.clock(row, local);
        let wrapper: Wrapper<'_> = match serde_json::from_slice(json) {
            Ok(wrapper) => wrapper,
            Err(error) => {
                self.bad_json += 1;
                let column = column + (error.column() as u64).saturating_sub(1);
                let fault = Fault::new("json", error.to_string()).at(row, column);
                return self.bad(row, fault);
            }
        };
        let (Some(stream), Some(data)) = (wrapper.stream, wrapper.data) else {
            self.non_stream += 1;
            let what = format!("no message of a stream: {}", quote(json));
            self.queue.push_back(defect(row, ImportFault::LeftOut, 1, what));
            return Ok(());
        };
        let kind = kind_of(&stream);
        *self.streams.entry(kind.clone()).or_default() += 1;
        let received = Timestamp::from_nanos(local.cast_signed());
        match feed_events::read(row, data.get(), received, self.symbol.as_deref()) {
            Ok(said) => self.said(said, kind, received),
            Err(fault) => self.bad(row, fault.at(row, column)),
        }
    }

    fn bad(&mut self, row: u64, fault: Fault) -> Result<(), ImportError> {
        let column = fault.column;
        self.queue.push_back(Item::Bad { row, fault: fault.at(row, column) });
        Ok(())
    }

    fn clock(&mut self, row: u64, local: u64) {
        let Some((first, before, _)) = self.local else {
            self.local = Some((local, local, local));
            return;
        };
        if local < before {
            self.local_goes_back += 1;
            let what = format!("the collector's clock went back by {} ns", before - local);
            self.queue.push_back(defect(row, ImportFault::Clock, 1, what));
        }
        self.local = Some((first, local, local));
    }

    fn said(&mut self, said: Said, kind: String, received: Timestamp) -> Result<(), ImportError> {
        match said {
            Said::Trade(print) => {
                if print.sum_of.is_some() {
                    return self.sums.take(print, received, &mut self.queue);
                }
                let word = print.execution.clone().unwrap_or_else(|| "null".to_owned());
                *self.executions.entry(word).or_default() += 1;
                return self.trades.take(print, received, &mut self.queue);
            }
            Said::Quote(time, event) => self.queue.push_back(Item::Fact { time, event }),
            Said::Book { row, symbol, first, last, before } => {
                *self.not_recorded.entry(kind).or_default() += 1;
                let known = self.books.insert(symbol, last);
                let follows = |known: u64| match before {
                    Some(before) => before == known,
                    None => first.saturating_sub(1) <= known && last > known,
                };
                if let Some(known) = known.filter(|known| !follows(*known)) {
                    self.book_breaks += 1;
                    let what = format!("changes of the book after {known} are missing");
                    self.queue.push_back(defect(row, ImportFault::Gap, 1, what));
                }
            }
            Said::Other => *self.not_recorded.entry(kind).or_default() += 1,
        }
        Ok(())
    }

    fn tell_what_was_left_out(&mut self) {
        for (kind, count) in std::mem::take(&mut self.not_recorded) {
            let what =
                format!("messages of the stream {} are not recorded", quote(kind.as_bytes()));
            self.queue.push_back(defect(0, ImportFault::LeftOut, count, what));
        }
        for traded in [&self.trades, &self.sums] {
            let negative = traded.negative();
            if negative > 0 {
                let what = format!(
                    "of {} trades {negative} were received before they happened: the collector's \
                     clock was behind",
                    traded.prints.trades()
                );
                self.queue.push_back(defect(0, ImportFault::Clock, negative, what));
            }
        }
    }
}

/// Trades of one stream, and how late they were received.
struct Traded {
    prints: Prints,
    /// In nanoseconds.
    latencies: Vec<i64>,
}

impl Traded {
    fn new(file: &ImportFile) -> Self {
        Self { prints: Prints::new(file.path.clone(), true), latencies: Vec::new() }
    }

    fn take(
        &mut self,
        print: PrintRow,
        received: Timestamp,
        queue: &mut VecDeque<Item>,
    ) -> Result<(), ImportError> {
        self.latencies.push(received.nanos().saturating_sub(print.time.nanos()));
        self.prints.take(print, queue)
    }

    fn negative(&self) -> u64 {
        self.latencies.iter().filter(|nanos| **nanos < 0).count() as u64
    }

    fn add_figures(&self, figures: &mut Figures) {
        self.prints.add_figures(figures);
        if let Some(latency) = latencies(&self.latencies) {
            figures.put("lat_ms_min_med_max", Figure::List(latency.map(Figure::Tenths).to_vec()));
        }
        figures.count("negative_latency", self.negative());
    }
}

/// The kind of a stream: `depth` of `btcusdt@depth@100ms`.
fn kind_of(stream: &str) -> String {
    let kind = stream.split('@').nth(1).unwrap_or(stream);
    kind.chars().filter(char::is_ascii_graphic).take(40).collect()
}

fn counts(map: &BTreeMap<String, u64>) -> Figure {
    Figure::Map(map.iter().map(|(name, count)| (name.clone(), Figure::Count(*count))).collect())
}

/// A moment to its second.
fn second(nanos: u64) -> String {
    let text = plain(Timestamp::from_nanos(nanos.cast_signed()));
    text.split('.').next().unwrap_or_default().to_owned()
}

/// Least, median and greatest latency in tenths of a millisecond.
fn latencies(nanos: &[i64]) -> Option<[i64; 3]> {
    let mut sorted = nanos.to_vec();
    sorted.sort_unstable();
    let (least, greatest) = (*sorted.first()?, *sorted.last()?);
    let middle = sorted.len() / 2;
    let median = if sorted.len().is_multiple_of(2) {
        i64::midpoint(sorted[middle - 1], sorted[middle])
    } else {
        sorted[middle]
    };
    Some([least, median, greatest].map(tenths))
}

/// Nanoseconds as tenths of a millisecond, rounded half away from zero.
fn tenths(nanos: i64) -> i64 {
    const TENTH: i64 = 100_000;
    let rounded = (nanos.unsigned_abs().saturating_add(50_000)) / TENTH.unsigned_abs();
    let rounded = i64::try_from(rounded).unwrap_or(i64::MAX);
    if nanos < 0 { -rounded } else { rounded }
}
