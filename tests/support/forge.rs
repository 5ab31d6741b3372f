//! Ledgers of real runs, and forgeries of them with a perfectly sound chain.

use std::num::NonZeroU32;
use std::path::Path;

use schwabot::event::wire::{DecodeError, EncodeError};
use schwabot::event::{Bar, Class, Event, Mode, Payload, RecordRef, RunConfig, Stamp, Vantage};
use schwabot::kernel::{self, Kernel, World, derived_stamp, input_stamp};
use schwabot::ledger::{Batch, Entry, Head, LedgerError, Reader, SyncMode, Writer, decode};

use super::notes::options;
use super::runs::{at, with_end};

/// Writes the ledger of one simulated run, each step in one frame.
pub(crate) fn write_run(path: &Path, config: RunConfig, bars: &[Bar]) -> Head {
    let mut writer: Writer<Event> = Writer::open(path, &options(SyncMode::End, 64 << 10)).unwrap();
    let first = writer.next_sequence();
    let started = kernel::run_started(Mode::Backtest, config, None, first).unwrap();
    let mut kernel = Kernel::start(World::default(), &started).unwrap();
    let run = started.run;
    let begin = (Event::RunStarted(Box::new(started)), at(0));
    let mut answers = Vec::new();
    for (input, time) in std::iter::once(begin).chain(with_end(bars)) {
        answers.clear();
        kernel.step(writer.next_sequence(), &input, time, &mut answers).unwrap();
        let stamp = input_stamp(&input, run, Vantage::Imported, time);
        let mut step = Batch::new();
        step.push(&input, &stamp).unwrap();
        for (answer, back) in answers.iter().zip(1..) {
            let stamp = derived_stamp(&stamp, NonZeroU32::new(back).unwrap(), answer.actor);
            step.push(&answer.event, &stamp).unwrap();
        }
        writer.append(&step).unwrap();
    }
    writer.close().unwrap()
}

/// A record as it stands in a log, free to be changed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Loose {
    pub(crate) stamp: Stamp,
    pub(crate) event: Event,
}

/// Reads all records of a trading ledger.
pub(crate) fn loosen(path: &Path) -> Vec<Loose> {
    let reader: Reader<Event> = Reader::open(path).unwrap();
    let mut all = Vec::new();
    reader
        .for_each::<LedgerError>(0, |record: RecordRef<'_>| {
            let (envelope, entry) = decode::<Event>(&record).unwrap();
            match entry {
                Entry::Event(event) => all.push(Loose { stamp: envelope.stamp, event }),
                Entry::System(_) => {}
            }
            Ok(())
        })
        .unwrap();
    all
}

/// Writes records into a new ledger whose chain is as sound as any, each input with what follows.
pub(crate) fn rechain(path: &Path, records: &[Loose]) -> Head {
    let mut writer: Writer<Event> = Writer::open(path, &options(SyncMode::End, 64 << 10)).unwrap();
    for step in records.chunk_by(|_, next| next.stamp.class != Class::Input) {
        let mut batch = Batch::new();
        for record in step {
            batch.push(&record.event, &record.stamp).unwrap();
        }
        writer.append(&batch).unwrap();
    }
    writer.close().unwrap()
}

/// Gives every state root the digests that the edited records before it amount to, as a forger
/// would who knows the program.
pub(crate) fn make_roots_anew(records: &mut [Loose]) {
    let mut world = World::default();
    for (record, sequence) in records.iter_mut().zip(0..) {
        if matches!(record.event, Event::StateRoot(_)) {
            record.event = Event::StateRoot(world.state_root());
        }
        world.evolve(&record.event, sequence, record.stamp.time);
    }
}

/// A record of the trading application with any kind and payload.
pub(crate) struct Raw {
    pub(crate) kind: u16,
    pub(crate) schema: u16,
    pub(crate) payload: Vec<u8>,
}

impl Payload for Raw {
    const APPLICATION: [u8; 16] = Event::APPLICATION;
    fn kind(&self) -> u16 {
        self.kind
    }
    fn schema(&self) -> u16 {
        self.schema
    }
    fn encode_payload(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.extend_from_slice(&self.payload);
        Ok(())
    }
    fn decode_payload(kind: u16, schema: u16, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self { kind, schema, payload: bytes.to_vec() })
    }
}
