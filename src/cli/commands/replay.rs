//! `replay`: the records of a ledger, one by one, as they were written.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::key_ring;
use super::personal::Personal;
use super::replay_filter::Filter;
use crate::cli::args::Format;
use crate::cli::args_replay::ReplayArgs;
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, INTERRUPTED, Outcome};
use crate::cli::progress::Reading;
use crate::cli::text::{Screen, note, to_json};
use crate::erasure::KeyRing;
use crate::event::wire::DecodeError;
use crate::event::{Envelope, Event, Payload, RecordError, RecordRef, kind_name, record};
use crate::ledger::clock::pause;
use crate::ledger::disk::{Disk, RealDisk};
use crate::ledger::{Entry, LedgerError, Reader, decode};
use crate::projections::UpTo;

/// How long to wait before looking for new records.
const POLL: Duration = Duration::from_millis(200);

const CSV_HEADER: [&str; 8] =
    ["sequence", "kind", "class", "vantage", "time", "cause", "digest", "payload"];

pub(in crate::cli) fn run(args: &ReplayArgs) -> Outcome {
    if let (UpTo::Sequence(from), Some(UpTo::Sequence(to))) = (args.from, args.to)
        && from > to
    {
        let text = format!("--from {from} lies behind --to {to}: no record is between them");
        return Err(CliError::Usage(text));
    }
    let mut screen = Screen::new();
    let keys = args.keys.as_deref().map(key_ring::open_existing).transpose()?;
    interrupt::listen()?;
    let reading = Reading::new("reading", &args.ledger, 1);
    // Lines that scroll over a terminal are progress enough.
    let alone = screen.is_terminal() || args.follow;
    let disk: Arc<dyn Disk> = if alone { Arc::new(RealDisk) } else { reading.disk() };
    if args.format == Format::Csv {
        screen.row(&CSV_HEADER)?;
    }
    let mut filter = Filter::new(args);
    let mut next = filter.first();
    loop {
        let reader = Reader::<Event>::open_any(Arc::clone(&disk), &args.ledger)?;
        let done = show(&mut screen, args, &reader, keys.as_ref(), (&mut filter, &mut next));
        // What was read before an error is shown too.
        screen.flush()?;
        let done = done?;
        if interrupt::asked() {
            drop(reading);
            note(&format_args!("stopped before record {next}; --from {next} goes on there"));
            return Ok(INTERRUPTED);
        }
        if done || !args.follow {
            if let Some(pairs) = filter.pairs_instead() {
                note(&pairs);
            }
            return Ok(0);
        }
        pause(POLL);
    }
}

/// Shows what the reader has from `next` on; true when nothing after it can be wanted.
fn show(
    screen: &mut Screen,
    args: &ReplayArgs,
    reader: &Reader<Event>,
    keys: Option<&KeyRing>,
    (filter, next): (&mut Filter<'_>, &mut u64),
) -> Result<bool, CliError> {
    let own = reader.identity().application == Event::APPLICATION;
    let mut personal = Personal::new(reader, keys);
    let mut cursor = reader.cursor(*next)?;
    while let Some(frame) = cursor.next_frame()? {
        for record in frame.records() {
            let sequence = record.sequence;
            if sequence < *next {
                continue;
            }
            if filter.is_past(sequence) {
                return Ok(true);
            }
            *next = sequence + 1;
            let unreadable = |source| LedgerError::Record { sequence, source };
            let (envelope, payload) = record.envelope().map_err(unreadable)?;
            let wanted = filter.wants(&record, &envelope);
            if !wanted && !filter.learns_from(&envelope) {
                continue;
            }
            let (payload, entry) = readable(own, &record, payload).map_err(unreadable)?;
            filter.learn(entry.as_ref());
            if !wanted || !filter.names_pair(&envelope, &payload) {
                continue;
            }
            let said = entry.map(|entry| personal.of(&envelope, &entry)).transpose()?.flatten();
            let shown = Shown { kind: kind_in_words(own, envelope.kind), payload, personal: said };
            write_record(screen, args.format, &record, &envelope, &shown)?;
            if interrupt::asked() {
                return Ok(false);
            }
        }
        // Also where no record of many is shown.
        if interrupt::asked() {
            return Ok(false);
        }
    }
    Ok(filter.is_past(*next))
}

/// What is shown of a record beside its envelope.
struct Shown {
    kind: String,
    payload: Value,
    /// What it says about a person, as far as it can be opened.
    personal: Option<Value>,
}

/// The name of a kind; its number where another program gave it its meaning.
fn kind_in_words(own: bool, kind: u16) -> String {
    let named = own || kind < record::FIRST_APPLICATION_KIND;
    let name = kind_name(kind).filter(|_| named);
    name.map_or_else(|| format!("{kind:#06x}"), str::to_owned)
}

/// The payload as JSON, or as hex where this program does not know its kind, and else the event.
fn readable(
    own: bool,
    record: &RecordRef<'_>,
    payload: &[u8],
) -> Result<(Value, Option<Entry<Event>>), RecordError> {
    let hex = || {
        let digits = payload.iter().map(|byte| format!("{byte:02x}")).collect();
        (Value::String(digits), None)
    };
    let (envelope, _) = record.envelope()?;
    if !own && envelope.kind >= record::FIRST_APPLICATION_KIND {
        return Ok(hex());
    }
    let entry = match decode::<Event>(record) {
        Ok((_, entry)) => entry,
        Err(RecordError::Payload(DecodeError::UnknownKind { .. })) => return Ok(hex()),
        Err(error) => return Err(error),
    };
    let value = match &entry {
        Entry::Event(event) => serde_json::to_value(event),
        Entry::System(event) => serde_json::to_value(event),
    };
    let value = value.map_err(|error| RecordError::Encode(error.to_string()))?;
    Ok((value, Some(entry)))
}

fn write_record(
    screen: &mut Screen,
    format: Format,
    record: &RecordRef<'_>,
    envelope: &Envelope,
    shown: &Shown,
) -> Result<(), CliError> {
    let payload = &shown.payload;
    let stamp = &envelope.stamp;
    let cause = record.cause(envelope);
    let kind = &shown.kind;
    let class = word(&stamp.class)?;
    match format {
        Format::Json | Format::Jsonl => {
            let mut line = json!({
                "type": "record",
                "sequence": record.sequence,
                "kind": kind,
                "class": stamp.class,
                "vantage": stamp.vantage,
                "time": stamp.time,
                "cause": cause,
                "digest": record.digest(),
                "payload": payload,
            });
            if let Some(personal) = &shown.personal {
                line["personal"] = personal.clone();
            }
            screen.json(&line)
        }
        Format::Csv => {
            let cause = cause.map(|cause| cause.to_string()).unwrap_or_default();
            let vantage = word(&stamp.vantage)?;
            let (sequence, time) = (record.sequence.to_string(), stamp.time.to_string());
            let (digest, payload) = (record.digest().to_string(), to_json(payload)?);
            screen.row(&[&sequence, kind, &class, &vantage, &time, &cause, &digest, &payload])
        }
        Format::Text => {
            let cause = cause.map(|cause| format!(" <- {cause}")).unwrap_or_default();
            // What can be opened is what people want to read, and not its sealed bytes.
            let payload = match &shown.personal {
                Some(Value::String(word)) => format!("({word})"),
                Some(personal) => to_json(personal)?,
                None => to_json(payload)?,
            };
            let (sequence, time) = (record.sequence, stamp.time);
            screen.line(format_args!("{sequence:>8} {time} {class:<7} {kind}{cause} {payload}"))
        }
    }
}

/// The name of an envelope's value.
fn word(value: &impl serde::Serialize) -> Result<String, CliError> {
    let value = serde_json::to_value(value).map_err(io::Error::from)?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}
