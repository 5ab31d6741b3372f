//! What a record says about itself, by itself: one encoding, a cause before it, the run's own id.

use super::report::{Mismatch, Report, Verdict};
use crate::event::{
    self, Class, Envelope, Event, Mode, RecordError, RecordRef, RunId, RunStarted, Stamp,
    SystemEvent, wire,
};
use crate::ledger::Entry;

/// A record, read and decoded.
pub(super) struct Met {
    pub(super) sequence: u64,
    pub(super) decoded: Result<(Envelope, Entry<Event>), RecordError>,
    /// Its bytes, where it is derived: they are held against those of its re-execution.
    pub(super) derived: Vec<u8>,
}

impl Met {
    pub(super) fn read(record: &RecordRef<'_>) -> Self {
        let decoded = decode_strictly(record);
        let is_input = |entry: &Entry<Event>| match entry {
            Entry::Event(event) => event.class() == Class::Input,
            Entry::System(_) => false,
        };
        let compared = decoded.as_ref().is_ok_and(|(_, entry)| !is_input(entry));
        let derived = if compared { record.bytes.to_vec() } else { Vec::new() };
        Self { sequence: record.sequence, decoded, derived }
    }
}

/// Reads a record and demands that its bytes are the one encoding of what they say.
fn decode_strictly(record: &RecordRef<'_>) -> Result<(Envelope, Entry<Event>), RecordError> {
    let (envelope, payload) = record.envelope()?;
    let (kind, schema) = (envelope.kind, envelope.schema);
    let entry = if kind < event::record::FIRST_APPLICATION_KIND {
        Entry::System(event::decode_canonical::<SystemEvent>(kind, schema, payload)?)
    } else {
        Entry::Event(event::decode_canonical::<Event>(kind, schema, payload)?)
    };
    Ok((envelope, entry))
}

/// A derived record names an earlier one; an input names none in a simulated run.
pub(super) fn check_cause(sequence: u64, envelope: &Envelope, report: &mut Report) {
    let back = envelope.stamp.cause.map_or(0, |back| u64::from(back.get()));
    if back > sequence {
        let what = format!("the cause lies {back} records back, before the first");
        report.note(Verdict::Finding, sequence, what);
    }
}

/// In a simulated run the id is a digest of the configuration and the first sequence.
pub(super) fn check_run_id(
    sequence: u64,
    stamp: &Stamp,
    started: &RunStarted,
    derive: bool,
    report: &mut Report,
) {
    let mut configuration = Vec::new();
    if started.mode == Mode::Live || wire::encode(&started.config, &mut configuration).is_err() {
        return;
    }
    let own = RunId::of_simulated(&configuration, sequence);
    if (started.run, stamp.run) == (own, own) {
        return;
    }
    if derive && report.mismatch.is_none() {
        report.mismatch = Some(Mismatch {
            sequence,
            recorded: format!("run {} of the recorded configuration", started.run),
            re_executed: format!("run {own}"),
        });
    } else {
        let what = format!("run id {} is not that of the configuration, {own}", started.run);
        report.note(Verdict::StateMismatch, sequence, what);
    }
}

/// Shows an event in one line.
pub(super) fn describe(event: &Event) -> String {
    match serde_json::to_string(event) {
        Ok(json) => format!("{} {json}", event.name()),
        Err(_) => event.name().to_owned(),
    }
}
