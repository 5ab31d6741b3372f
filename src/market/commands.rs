//! Commands of an operator, from a file of JSON lines.
//!
//! One object a line, in the order of time; blank lines are left out. Every object has `time`
//! (RFC 3339) and `action`; the rest depends on the action:
//!
//! ```text
//! {"time": T, "action": "ghost_trigger", "leg": "BTC→ETH", "trigger": "price_spike",
//!  "word_bits": 4, "word": "0101", "direction": "up", "confidence": "0.8"}
//! {"time": T, "action": "append_memory", "leg": "BTC→ETH", "trigger": "price_spike",
//!  "word_bits": 4, "net_return": "0.05"}
//! {"time": T, "action": "change_weight", "leg": "BTC→ETH", "word_bits": 4, "delta": "0.1"}
//! {"time": T, "action": "flip_bits", "word": "0101"}
//! {"time": T, "action": "flip_pair", "leg": "BTC→ETH", "word_bits": 4}
//! {"time": T, "action": "run_orbit", "stages": [[["BTC→ETH", 4], ["ETH→USDC", 4]]],
//!  "market": {"BTC→ETH": "up", "ETH→USDC": "down"}}
//! {"time": T, "action": "select_orbit", "stages": [[["BTC→ETH", 4]]]}
//! {"time": T, "action": "clean_up"}
//! ```
//!
//! Legs may be written `BTC->ETH` too. `direction` is `up` unless said; `word`, `confidence` and
//! the `word_bits` of `flip_pair` may be left out. A word is its bits, the newest last, as many as
//! `word_bits` says. Numbers are decimal text, or JSON numbers, read digit by digit and never as
//! floats.
//!
//! Invariants: a field that an action does not have, or a value that will not do, is an error with
//! file, line and field; nothing is guessed. Commands come before the bars of the same instant:
//! whoever gave them did not know those bars.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Source;
use super::error::SourceError;
use super::files::{Fingerprint, read_stored};
use super::text::LINE_MAX;
use crate::event::{
    Action, Command, Direction, Event, EvidenceKey, FileFormat, InputFile, Leg, LegQuote, StageLeg,
    Trend, Trigger, Vantage,
};
use crate::time::Timestamp;
use crate::units::Ratio;

/// The longest file of commands.
const BYTES_MAX: u64 = 64 << 20;

/// A file of commands, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandFile {
    /// The commands, in the order of time.
    pub commands: Vec<Command>,
    /// What goes into the ledger about the file.
    pub input: InputFile,
}

impl CommandFile {
    /// Reads a file of commands.
    ///
    /// # Errors
    /// [`SourceError`] with file, line and field.
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        let io = |source| SourceError::Io { file: path.to_owned(), source };
        let (text, Fingerprint { bytes, digest }) = read_stored(path, BYTES_MAX + 1)?;
        if bytes > BYTES_MAX {
            return Err(bad(path, 1, "file", &"longer than 64 MiB"));
        }
        let text = String::from_utf8(text);
        let text = text.map_err(|error| io(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        let mut commands: Vec<Command> = Vec::new();
        for (row, line) in (1_u64..).zip(text.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            if line.len() > LINE_MAX {
                let file = path.to_owned();
                return Err(SourceError::TooLong { file, row, limit: LINE_MAX });
            }
            let command = parse(line, row)
                .map_err(|Problem { field, reason }| bad(path, row, field, &reason))?;
            if let Some(last) = commands.last()
                && command.time < last.time
            {
                let reason =
                    format!("{} is before {} of line {}", command.time, last.time, last.row);
                return Err(bad(path, row, "time", &reason));
            }
            commands.push(command);
        }
        let format = FileFormat::Commands;
        Ok(Self { commands, input: InputFile { pair: None, format, bytes, digest } })
    }
}

fn bad(file: &Path, row: u64, field: &'static str, reason: &dyn std::fmt::Display) -> SourceError {
    SourceError::Malformed { file: PathBuf::from(file), row, field, reason: reason.to_string() }
}

/// What is wrong with a line.
struct Problem {
    field: &'static str,
    reason: String,
}

fn problem(field: &'static str, reason: impl std::fmt::Display) -> Problem {
    Problem { field, reason: reason.to_string() }
}

/// Every field that an action may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    time: String,
    action: String,
    leg: Option<String>,
    trigger: Option<String>,
    direction: Option<String>,
    word_bits: Option<u8>,
    word: Option<String>,
    #[serde(borrow)]
    confidence: Option<&'a RawValue>,
    #[serde(borrow)]
    net_return: Option<&'a RawValue>,
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    stages: Option<Vec<Vec<(String, u8)>>>,
    market: Option<BTreeMap<String, String>>,
}

fn parse(line: &str, row: u64) -> Result<Command, Problem> {
    let known: Line<'_> = serde_json::from_str(line).map_err(|error| problem("the line", error))?;
    let time: Timestamp = known.time.parse().map_err(|error| problem("time", error))?;
    let fields = Fields { line: known };
    let action = fields.action()?;
    fields.nothing_else(&action)?;
    Ok(Command { row, time, action })
}

struct Fields<'a> {
    line: Line<'a>,
}

impl Fields<'_> {
    fn action(&self) -> Result<Action, Problem> {
        let line = &self.line;
        Ok(match line.action.as_str() {
            "ghost_trigger" => Action::GhostTrigger {
                key: self.key()?,
                word: line.word.as_deref().map(|word| self.word(word)).transpose()?,
                confidence: optional("confidence", line.confidence)?,
            },
            "append_memory" => Action::AppendMemory {
                key: self.key()?,
                net_return: needed("net_return", optional("net_return", line.net_return)?)?,
            },
            "change_weight" => Action::ChangeWeight {
                leg: self.leg()?,
                word_bits: needed("word_bits", line.word_bits)?,
                delta: needed("delta", optional("delta", line.delta)?)?,
            },
            "flip_bits" => {
                let word = needed("word", line.word.as_deref())?;
                Action::FlipBits { word: bits(word)?, word_bits: word.len() as u8 }
            }
            "flip_pair" => Action::FlipPair { leg: self.leg()?, word_bits: line.word_bits },
            "run_orbit" => Action::RunOrbit { stages: self.stages()?, market: self.market()? },
            "select_orbit" => Action::SelectOrbit { stages: self.stages()? },
            "clean_up" => Action::CleanUp,
            other => {
                let known = "ghost_trigger, append_memory, change_weight, flip_bits, flip_pair, \
                             run_orbit, select_orbit, clean_up";
                return Err(problem("action", format!("`{other}` is none of {known}")));
            }
        })
    }

    /// Refuses fields that the action does not have.
    fn nothing_else(&self, action: &Action) -> Result<(), Problem> {
        let allowed: &[&str] = match action {
            Action::GhostTrigger { .. } => {
                &["leg", "trigger", "direction", "word_bits", "word", "confidence"]
            }
            Action::AppendMemory { .. } => {
                &["leg", "trigger", "direction", "word_bits", "net_return"]
            }
            Action::ChangeWeight { .. } => &["leg", "word_bits", "delta"],
            Action::FlipBits { .. } => &["word"],
            Action::FlipPair { .. } => &["leg", "word_bits"],
            Action::RunOrbit { .. } => &["stages", "market"],
            Action::SelectOrbit { .. } => &["stages"],
            Action::CleanUp => &[],
        };
        let line = &self.line;
        let given = [
            ("leg", line.leg.is_some()),
            ("trigger", line.trigger.is_some()),
            ("direction", line.direction.is_some()),
            ("word_bits", line.word_bits.is_some()),
            ("word", line.word.is_some()),
            ("confidence", line.confidence.is_some()),
            ("net_return", line.net_return.is_some()),
            ("delta", line.delta.is_some()),
            ("stages", line.stages.is_some()),
            ("market", line.market.is_some()),
        ];
        match given.iter().find(|(name, given)| *given && !allowed.contains(name)) {
            Some((name, _)) => Err(problem(name, format!("`{}` has no such field", line.action))),
            None => Ok(()),
        }
    }

    fn leg(&self) -> Result<Leg, Problem> {
        leg("leg", needed("leg", self.line.leg.as_deref())?)
    }

    fn key(&self) -> Result<EvidenceKey, Problem> {
        let name = needed("trigger", self.line.trigger.as_deref())?;
        let trigger = Trigger::ALL.into_iter().find(|known| known.name() == name);
        let direction = match self.line.direction.as_deref() {
            None | Some("up") => Direction::Up,
            Some("down") => Direction::Down,
            Some(other) => return Err(problem("direction", format!("`{other}`: up or down"))),
        };
        let word_bits = needed("word_bits", self.line.word_bits)?;
        if !(2..=64).contains(&word_bits) {
            return Err(problem("word_bits", "must be from 2 to 64"));
        }
        Ok(EvidenceKey {
            leg: self.leg()?,
            trigger: trigger.ok_or_else(|| problem("trigger", format!("`{name}` is none")))?,
            direction,
            word_bits,
        })
    }

    fn word(&self, word: &str) -> Result<u64, Problem> {
        let value = bits(word)?;
        match self.line.word_bits {
            Some(width) if word.len() != usize::from(width) => {
                Err(problem("word", format!("{} bits where word_bits is {width}", word.len())))
            }
            _ => Ok(value),
        }
    }

    fn stages(&self) -> Result<Vec<Vec<StageLeg>>, Problem> {
        let stages = needed("stages", self.line.stages.as_ref())?;
        let member = |(text, word_bits): &(String, u8)| {
            Ok(StageLeg { leg: leg("stages", text)?, word_bits: *word_bits })
        };
        stages.iter().map(|legs| legs.iter().map(member).collect()).collect()
    }

    fn market(&self) -> Result<Vec<LegQuote>, Problem> {
        let market = needed("market", self.line.market.as_ref())?;
        let quote = |(text, trend): (&String, &String)| {
            let trend = match trend.as_str() {
                "up" => Trend::Up,
                "down" => Trend::Down,
                "neutral" => Trend::Neutral,
                other => {
                    return Err(problem("market", format!("`{other}`: up, down or neutral")));
                }
            };
            Ok(LegQuote { leg: leg("market", text)?, trend, price: None })
        };
        market.iter().map(quote).collect()
    }
}

fn needed<T>(field: &'static str, given: Option<T>) -> Result<T, Problem> {
    given.ok_or_else(|| problem(field, "is missing"))
}

fn leg(field: &'static str, text: &str) -> Result<Leg, Problem> {
    Leg::from_str(text).map_err(|error| problem(field, error))
}

/// Reads a decimal, as JSON text or as a JSON number, digit by digit.
fn optional(field: &'static str, raw: Option<&RawValue>) -> Result<Option<Ratio>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    let text = raw.get();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    text.parse().map(Some).map_err(|error| problem(field, format!("`{text}`: {error}")))
}

/// Reads a word from its bits, the newest last.
fn bits(word: &str) -> Result<u64, Problem> {
    let sound = (2..=64).contains(&word.len()) && word.bytes().all(|c| matches!(c, b'0' | b'1'));
    if !sound {
        return Err(problem("word", format!("`{word}` is no word of 2 to 64 bits")));
    }
    u64::from_str_radix(word, 2).map_err(|error| problem("word", error))
}

/// A market with an operator's commands at their times.
pub struct CommandedSource<S> {
    market: S,
    commands: std::vec::IntoIter<Command>,
    /// What the market gives next, while a command may come before it.
    next: Option<Result<Event, SourceError>>,
}

impl<S: Source> CommandedSource<S> {
    /// Puts commands, in the order of their times, into a market.
    #[must_use]
    pub fn new(market: S, commands: Vec<Command>) -> Self {
        Self { market, commands: commands.into_iter(), next: None }
    }
}

impl<S: Source> Source for CommandedSource<S> {
    fn next(&mut self) -> Result<Option<Event>, SourceError> {
        if self.next.is_none() {
            if self.commands.as_slice().is_empty() {
                return self.market.next();
            }
            self.next = self.market.next().transpose();
        }
        let due = self.commands.as_slice().first().map(|command| command.time);
        let first = match (&self.next, due) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(Ok(Event::Bar(bar))), Some(due)) => due <= bar.available_at,
            // A defect stands with the bar behind it, so commands wait for that bar.
            (Some(_), Some(_)) => false,
        };
        if first {
            return Ok(self.commands.next().map(|command| Event::Command(Box::new(command))));
        }
        self.next.take().transpose()
    }

    fn vantage(&self) -> Vantage {
        self.market.vantage()
    }
}
