//! A tiny event type of another program, for tests of the ledger alone.

use std::ops::Range;
use std::path::Path;

use schwabot::event::wire::{self, Decode, DecodeError, Encode, EncodeError};
use schwabot::event::{Class, Payload, RecordRef, Stamp, Vantage};
use schwabot::ledger::{Batch, Entry, SyncMode, Writer, WriterOptions, decode};
use schwabot::time::Timestamp;

/// A number and some text, so that records differ in length.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Note {
    pub(crate) number: u64,
    pub(crate) text: String,
}

impl Payload for Note {
    const APPLICATION: [u8; 16] = *b"notes-for-tests\0";
    fn kind(&self) -> u16 {
        0x0100
    }
    fn schema(&self) -> u16 {
        1
    }
    fn encode_payload(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        wire::encode(self, out)
    }
    fn decode_payload(kind: u16, schema: u16, bytes: &[u8]) -> Result<Self, DecodeError> {
        match (kind, schema) {
            (0x0100, 1) => wire::decode(bytes),
            _ => Err(DecodeError::UnknownKind { kind, schema }),
        }
    }
}

pub(crate) fn stamp() -> Stamp {
    Stamp::new(Class::Input, Vantage::SelfReported, Timestamp::from_nanos(1_000))
}

pub(crate) fn note(number: u64) -> Note {
    Note { number, text: "x".repeat((number % 23) as usize) }
}

/// One step with a record a number.
pub(crate) fn step(numbers: &[u64]) -> Batch<Note> {
    let mut batch = Batch::new();
    for number in numbers {
        batch.push(&note(*number), &stamp()).unwrap();
    }
    batch
}

pub(crate) fn step_with_key(number: u64, key: [u8; 16]) -> Batch<Note> {
    let mut batch = Batch::new();
    let stamp = Stamp { idempotency_key: Some(key), ..stamp() };
    batch.push(&note(number), &stamp).unwrap();
    batch
}

/// The number inside a record; panics for anything but a note.
#[track_caller]
pub(crate) fn note_of(record: &RecordRef<'_>) -> u64 {
    match decode::<Note>(record).unwrap() {
        (_, Entry::Event(note)) => note.number,
        (_, Entry::System(event)) => panic!("expected a note, found {event:?}"),
    }
}

pub(crate) fn options(sync: SyncMode, segment_bytes: u64) -> WriterOptions {
    WriterOptions { sync, segment_bytes, ..WriterOptions::default() }
}

/// Appends a step a number, of so many notes from that number on, and closes the ledger.
pub(crate) fn append(ledger: &Path, numbers: Range<u64>, notes: u64, options: &WriterOptions) {
    let mut writer: Writer<Note> = Writer::open(ledger, options).unwrap();
    for number in numbers {
        let together: Vec<u64> = (number..number + notes).collect();
        writer.append(&step(&together)).unwrap();
    }
    writer.close().unwrap();
}
