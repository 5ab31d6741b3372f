//! What the screen knows: the ledger, folded as it grows.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::picture::{Account, Checkpointed, Picture};
use crate::checkpoint::newest_note;
use crate::cli::outcome::CliError;
use crate::cli::text::{amount, amount_or_none, to_json, visible};
use crate::event::{Event, SystemEvent, kind_name};
use crate::kernel::RunState;
use crate::ledger::clock::{Host, Machine};
use crate::ledger::disk::RealDisk;
use crate::ledger::{Entry, LedgerEnd, LedgerError, Reader, decode};
use crate::projections::{Folded, account_summaries};
use crate::time::Timestamp;
use crate::units::MoneyExact;

/// Records that can be scrolled back to.
const LAST_KEPT: usize = 200;
/// Points of the equity curve; twice as many are thinned to these.
const POINTS: usize = 512;
/// Records that are folded before keys are asked for again.
const AT_ONCE: u64 = 50_000;

/// A ledger as far as it was folded.
pub(super) struct Model {
    path: PathBuf,
    folded: Folded,
    last: VecDeque<String>,
    equity: Vec<MoneyExact>,
    /// Bars between two points of the curve, and those since the last.
    stride: u64,
    bars: u64,
    /// The last anchor of a checkpoint: its sequence, and when it was made.
    anchor: Option<(u64, Timestamp)>,
    records_there: u64,
    chain_head: String,
    end: LedgerEnd,
}

impl Model {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            folded: Folded::default(),
            last: VecDeque::new(),
            equity: Vec::new(),
            stride: 1,
            bars: 0,
            anchor: None,
            records_there: 0,
            chain_head: String::new(),
            end: LedgerEnd::Open,
        }
    }

    /// Takes in what is new, at most [`AT_ONCE`] records of it; true when something was.
    pub(super) fn advance(&mut self) -> Result<bool, CliError> {
        let reader = Reader::<Event>::open(&self.path)?;
        self.records_there = reader.len();
        self.chain_head = reader.chain_head().short();
        self.end = reader.end();
        let first = self.folded.records;
        let mut cursor = reader.cursor(first)?;
        while let Some(frame) = cursor.next_frame()? {
            for record in frame.records().filter(|record| record.sequence >= first) {
                let sequence = record.sequence;
                let (envelope, entry) = decode::<Event>(&record)
                    .map_err(|source| LedgerError::Record { sequence, source })?;
                let time = envelope.stamp.time;
                match &entry {
                    Entry::Event(event) => {
                        self.folded.evolve(event, sequence, time);
                        self.sample(event);
                    }
                    Entry::System(event) => {
                        self.folded.records = sequence.saturating_add(1);
                        if let SystemEvent::ChainAnchor(_) = event {
                            self.anchor = Some((sequence, time));
                        }
                    }
                }
                // Of a long stretch only the end can be looked at.
                if sequence.saturating_add(LAST_KEPT as u64)
                    >= self.records_there.min(first + AT_ONCE)
                {
                    let kind = kind_name(envelope.kind).unwrap_or("?");
                    self.remember(format!("{sequence:>9} {time} {kind} {}", payload(&entry)?));
                }
            }
            if self.folded.records >= first.saturating_add(AT_ONCE) {
                break;
            }
        }
        Ok(self.folded.records > first)
    }

    /// True while there is more to fold than was folded.
    pub(super) fn is_behind(&self) -> bool {
        self.folded.records < self.records_there
    }

    fn remember(&mut self, line: String) {
        if self.last.len() == LAST_KEPT {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    /// Adds a point to the curve every so many bars; a full curve is thinned.
    fn sample(&mut self, event: &Event) {
        match event {
            Event::RunStarted(_) => {
                self.equity.clear();
                (self.stride, self.bars) = (1, 0);
            }
            Event::Bar(_) => {
                self.bars += 1;
                if !self.bars.is_multiple_of(self.stride) {
                    return;
                }
                let Some(run) = self.folded.world.run() else { return };
                self.equity.extend(run.equity(&run.started().config.account_currency));
                if self.equity.len() >= 2 * POINTS {
                    let mut place = 0;
                    self.equity.retain(|_| {
                        place += 1;
                        place % 2 == 0
                    });
                    self.stride *= 2;
                }
            }
            _ => {}
        }
    }

    /// What is to be shown now; what is about the screen itself is left as it is usual.
    pub(super) fn picture(&self) -> Result<Picture, CliError> {
        let run = self.folded.world.run();
        let note = newest_note(&RealDisk, &crate::ledger::layout::Layout::new(&self.path))?;
        let checkpoint = note.map(|note| {
            let checkpoint = note.checkpoint();
            let anchor = self.anchor.filter(|(sequence, _)| sequence + 1 == checkpoint.size);
            let age = anchor.map(|(_, time)| Machine.now().nanos().saturating_sub(time.nanos()));
            Checkpointed {
                size: checkpoint.size,
                origin: visible(&checkpoint.origin).into_owned(),
                age: age
                    .and_then(|age| u64::try_from(age).ok())
                    .map(std::time::Duration::from_nanos),
            }
        });
        Ok(Picture {
            ledger: visible(&self.path.display().to_string()).into_owned(),
            run: run.map_or_else(|| "no run has begun".to_owned(), run_in_words),
            time: self.folded.time.map(|time| time.to_string()).unwrap_or_default(),
            records: self.folded.records,
            records_there: self.records_there,
            chain_head: self.chain_head.clone(),
            end: crate::cli::commands::verify::end_in_words(self.end),
            accounts: run.map(accounts).unwrap_or_default(),
            equity: heights(&self.equity),
            positions: run.map(positions).unwrap_or_default(),
            ghosts: run.map(ghosts).unwrap_or_default(),
            last: self.last.iter().cloned().collect(),
            checkpoint,
            ..Picture::default()
        })
    }
}

fn payload(entry: &Entry<Event>) -> Result<String, CliError> {
    match entry {
        Entry::Event(event) => to_json(event),
        Entry::System(event) => to_json(event),
    }
}

fn run_in_words(run: &RunState) -> String {
    let started = run.started();
    let end = if run.ended() { "ended" } else { "running" };
    let strategy = visible(&started.config.strategy.name).into_owned();
    format!("{strategy}, {}, {end}", format!("{:?}", started.mode).to_lowercase())
}

fn accounts(run: &RunState) -> Vec<Account> {
    let shown = account_summaries(run).into_iter().map(|account| Account {
        currency: visible(&account.currency).into_owned(),
        equity: amount_or_none(account.equity),
        net_profit: amount(account.net_profit),
        unrealised: amount_or_none(account.unrealised),
        worst_fall: amount(account.max_drawdown),
    });
    shown.collect()
}

fn positions(run: &RunState) -> Vec<[String; 4]> {
    let held = crate::cli::commands::state::positions(run).into_iter().map(|held| {
        let mark = held.mark.map_or_else(|| "-".to_owned(), |mark| mark.to_string());
        let symbol = visible(&held.symbol).into_owned();
        [symbol, held.quantity.to_string(), mark, amount_or_none(held.unrealised)]
    });
    held.collect()
}

fn ghosts(run: &RunState) -> Vec<[String; 3]> {
    let Some(engines) = run.engines() else { return Vec::new() };
    let open = engines.ghosts.open().map(|ghost| {
        let entry = ghost.entry.as_ref();
        let state = match (&ghost.triggered, &ghost.exit) {
            (_, Some(_)) => "leaving",
            (Some(_), None) => "flipped",
            (None, None) => "on paper",
        };
        [
            visible(&ghost.opened.key.to_string()).into_owned(),
            entry.map_or_else(|| "-".to_owned(), |entry| entry.price.to_string()),
            state.to_owned(),
        ]
    });
    open.collect()
}

/// Heights from 0 to 1000.
fn heights(points: &[MoneyExact]) -> Vec<u64> {
    let raw = points.iter().map(|point| point.raw());
    let (Some(low), Some(high)) = (raw.clone().min(), raw.clone().max()) else { return Vec::new() };
    let range = high.saturating_sub(low).max(1);
    // Scaled down first: sums of money may be too long to be multiplied.
    let step = (range / 1000).max(1);
    raw.map(|point| u64::try_from((point.saturating_sub(low) / step).min(1000)).unwrap_or(0))
        .collect()
}
