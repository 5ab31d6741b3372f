//! The source documents' own layout: the memory files of the three engines and the pair files,
//! rebuilt from the log.
//!
//! ```text
//! backup_memory_stack/ghost_backup_memory.json    firings that the gate answered
//! backup_memory_stack/orbit_backup_memory.json    cycles
//! backup_memory_stack/flip_backup_memory.json     bit flips and pair flips
//! hash_memory_bank/BTC→ETH_bit4.json              how the cases of a leg ended
//! export.json                                     what all of it was made from
//! ```
//!
//! In the documents an entry's id was made of the clock, so that two of one millisecond fell
//! together and six of sixteen entries were lost. Here it is `ghost_`, `orbit_` or `flip_` and the
//! sequence of the record, which no two share. `backup_hash` is the record's leaf hash, and
//! `memory_signature` the link of the frame that holds it: both can be checked against the ledger.
//! Decimals are text, as exact as in the log; keys are sorted.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::error::ExportError;
use crate::engines::EngineMetrics;
use crate::event::{Event, EvidenceKey, RecordRef};
use crate::hash::{self, Digest};
use crate::kernel::RunState;
use crate::ledger::{Entry, LedgerError, Reader, decode};
use crate::projections::{UpTo, fold};
use crate::time::Timestamp;
use crate::units::Ratio;

/// The files of an export, by their path inside it, with `/` between the parts.
pub type MemoryStack = BTreeMap<String, String>;

/// Rebuilds the memory stack of the documents from a log.
///
/// # Errors
/// [`ExportError`] when the log cannot be read or folded.
pub fn memory_stack(reader: &Reader<Event>) -> Result<MemoryStack, ExportError> {
    let mut stack = Stack::default();
    let mut cursor = reader.cursor(0)?;
    while let Some(frame) = cursor.next_frame()? {
        let link = hash::link(frame.stored);
        for record in frame.records() {
            stack.take(&record, link)?;
        }
    }
    let folded = fold(reader, UpTo::End)?;
    let metrics = folded.world.run().and_then(RunState::engines).map(|engines| {
        let weights = engines.orbits.weights().map(|known| {
            let name = format!("{}_bit{}", known.leg, known.word_bits);
            (name, json!(known.weight))
        });
        Metrics {
            ghost: engines.ghosts.metrics(),
            orbit: engines.orbits.metrics(),
            flip: engines.flips.metrics(),
            weights: weights.collect(),
        }
    });
    let source = json!({
        "records": reader.len(),
        "from": 0,
        "to": reader.len(),
        "chain_head": reader.chain_head(),
    });
    Ok(stack.files(metrics, &source))
}

/// Returns words of a log as a part of a file's name: what could name another directory, or
/// commands a terminal, is written as `%` and hex digits. So no log names a file outside its
/// export, and no two names become one.
fn file_words(words: &str) -> String {
    let mut safe = String::with_capacity(words.len());
    for c in words.chars() {
        if c.is_control() || matches!(c, '/' | '\\' | '%') {
            let mut utf8 = [0; 4];
            let bytes = c.encode_utf8(&mut utf8).bytes();
            safe.extend(bytes.map(|byte| format!("%{byte:02x}")));
        } else {
            safe.push(c);
        }
    }
    safe
}

/// What the engines say at the end of the log.
struct Metrics {
    ghost: EngineMetrics,
    orbit: EngineMetrics,
    flip: EngineMetrics,
    weights: Map<String, Value>,
}

/// The entries of one memory file, and what they count.
#[derive(Default)]
struct Memory {
    entries: Map<String, Value>,
    patterns: BTreeMap<String, u64>,
}

#[derive(Default)]
struct Stack {
    ghosts: Memory,
    orbits: Memory,
    flips: Memory,
    pairs: BTreeMap<String, Vec<Value>>,
    latest: Option<Timestamp>,
}

/// An entry that is being made.
struct Draft {
    prefix: &'static str,
    type_field: &'static str,
    kind: &'static str,
    category: String,
    importance: Option<Ratio>,
}

impl Stack {
    fn take(&mut self, record: &RecordRef<'_>, link: Digest) -> Result<(), ExportError> {
        let sequence = record.sequence;
        let unreadable = |source| LedgerError::Record { sequence, source };
        let (envelope, entry) = decode::<Event>(record).map_err(unreadable)?;
        let Entry::Event(event) = entry else { return Ok(()) };
        let time = envelope.stamp.time;
        let draft = |prefix, type_field, category: String, importance| Draft {
            prefix,
            type_field,
            kind: event.name(),
            category,
            importance,
        };
        let (memory, draft) = match &event {
            Event::GhostTriggered(said) => {
                let confidence = Some(said.confidence);
                (&mut self.ghosts, draft("ghost", "memory_type", said.key.to_string(), confidence))
            }
            Event::GhostIgnored(said) => {
                let reason = said.reason.name().to_owned();
                (&mut self.ghosts, draft("ghost", "memory_type", reason, said.lower_bound))
            }
            Event::OrbitCycleRun(run) => {
                let path: Vec<String> = run.legs.iter().map(|leg| leg.leg.to_string()).collect();
                (&mut self.orbits, draft("orbit", "orbit_type", path.join(" "), None))
            }
            Event::BitFlipped(flip) => {
                let width = usize::from(flip.word_bits);
                let (word, flipped) = (flip.word, flip.complement);
                let pattern = format!("{word:0width$b}->{flipped:0width$b}");
                (&mut self.flips, draft("flip", "flip_type", pattern, None))
            }
            Event::PairFlipResolved(flip) => {
                let pattern = format!("{}=>{}", flip.leg, flip.inverse);
                (&mut self.flips, draft("flip", "flip_type", pattern, flip.confidence))
            }
            Event::GhostClosed(closed) => {
                self.remember(&closed.key, closed.net_return, time);
                return Ok(());
            }
            Event::PairMemoryAppended(said) => {
                self.remember(&said.key, said.net_return, time);
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.latest = self.latest.max(Some(time));
        memory.add(record, link, time, &draft, &event);
        Ok(())
    }

    /// Adds how a case ended to the file of its leg.
    fn remember(&mut self, key: &EvidenceKey, net_return: Ratio, time: Timestamp) {
        let sign = if net_return < Ratio::ZERO { "" } else { "+" };
        self.latest = self.latest.max(Some(time));
        let name = format!("{}_bit{}.json", file_words(&key.leg.to_string()), key.word_bits);
        self.pairs.entry(name).or_default().push(json!({
            "trigger": key.trigger,
            "direction": key.direction,
            "outcome": format!("{sign}{net_return}"),
            "timestamp": time,
        }));
    }

    fn files(self, metrics: Option<Metrics>, source: &Value) -> MemoryStack {
        let (ghost, orbit, flip, weights) = match metrics {
            Some(Metrics { ghost, orbit, flip, weights }) => {
                (json!(ghost), json!(orbit), json!(flip), Value::Object(weights))
            }
            None => (Value::Null, Value::Null, Value::Null, Value::Null),
        };
        let latest = json!(self.latest);
        let file = |memory: Memory, metrics: Value, weights: Option<Value>| {
            let mut file = json!({
                "entries": memory.entries,
                "patterns": memory.patterns,
                "metrics": metrics,
                "timestamp": latest,
            });
            if let Some(weights) = weights {
                file["volume_weights"] = weights;
            }
            as_text(&file)
        };
        let folder = |name: &str| format!("backup_memory_stack/{name}_backup_memory.json");
        let mut files = MemoryStack::from([
            (folder("ghost"), file(self.ghosts, ghost, None)),
            (folder("orbit"), file(self.orbits, orbit, Some(weights))),
            (folder("flip"), file(self.flips, flip, None)),
            ("export.json".to_owned(), as_text(source)),
        ]);
        for (name, events) in self.pairs {
            let text = as_text(&json!({ "events": events }));
            files.insert(format!("hash_memory_bank/{name}"), text);
        }
        files
    }
}

impl Memory {
    fn add(
        &mut self,
        record: &RecordRef<'_>,
        link: Digest,
        time: Timestamp,
        draft: &Draft,
        event: &Event,
    ) {
        let entry_id = format!("{}_{:012}", draft.prefix, record.sequence);
        *self.patterns.entry(draft.category.clone()).or_default() += 1;
        let mut entry = json!({
            "entry_id": entry_id,
            "category": draft.category,
            "data": event,
            "timestamp": time,
            "importance": draft.importance,
            "backup_hash": record.digest(),
            "memory_signature": link,
            "metadata": { "sequence": record.sequence },
        });
        entry[draft.type_field] = json!(draft.kind);
        self.entries.insert(entry_id, entry);
    }
}

/// JSON with sorted keys, two spaces a level, and a line end.
fn as_text(value: &Value) -> String {
    // A value in memory always has a text.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
