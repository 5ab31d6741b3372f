//! Ledgers whose chain is sound and whose records are anybody's: what they mean must be told
//! without a panic, whatever they say. And snapshots of anybody's.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use schwabot::audit::verify;
use schwabot::event::wire::{self, DecodeError, EncodeError};
use schwabot::event::{Class, Envelope, Event, Payload, RecordRef};
use schwabot::hash;
use schwabot::kernel::{KERNEL_NUMBER, World};
use schwabot::ledger::{Batch, Entry, Reader, SyncMode, Writer, decode};
use schwabot::projections::{UpTo, account_summaries, diff_between, fold, fold_from_zero, why};

use super::Taken;
use crate::support::sim_disk::SimDisk;
use crate::support::sim_ledger::{ledger_path, sim_options, verifying};

/// Records of a list that are looked at.
const RECORDS_MAX: usize = 300;

/// A record of the trading application with any kind and payload.
struct Raw<'b> {
    envelope: Envelope,
    payload: &'b [u8],
}

impl Payload for Raw<'_> {
    const APPLICATION: [u8; 16] = Event::APPLICATION;
    fn kind(&self) -> u16 {
        self.envelope.kind
    }
    fn schema(&self) -> u16 {
        self.envelope.schema
    }
    fn encode_payload(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.extend_from_slice(self.payload);
        Ok(())
    }
    fn decode_payload(kind: u16, schema: u16, _: &[u8]) -> Result<Self, DecodeError> {
        Err(DecodeError::UnknownKind { kind, schema })
    }
}

/// Takes records apart that stand behind their lengths.
pub(super) fn records_of(bytes: &[u8]) -> Vec<&[u8]> {
    let mut taken = Taken(bytes);
    let mut records = Vec::new();
    while !taken.is_empty() && records.len() < RECORDS_MAX {
        let length = usize::from(taken.short());
        records.push(taken.bytes(length));
    }
    records
}

/// Writes records into a new ledger whose chain is as sound as any, each input with what follows.
fn write(records: &[&[u8]]) -> Option<SimDisk> {
    let disk = SimDisk::new();
    let options = sim_options(&disk, SyncMode::End, 1 << 16, 1);
    let mut writer: Writer<Raw<'_>> = Writer::open(&ledger_path(), &options).unwrap();
    let mut step = Batch::new();
    for record in records {
        let Ok((envelope, payload)) = Envelope::decode(record) else { continue };
        if envelope.stamp.class == Class::Input && !step.is_empty() {
            writer.append(&step).unwrap();
            step.clear();
        }
        step.push(&Raw { envelope, payload }, &envelope.stamp).unwrap();
    }
    if !step.is_empty() {
        writer.append(&step).unwrap();
    }
    let head = writer.close().unwrap();
    (head.size > 0).then_some(disk)
}

/// Anybody's records on a sound chain.
pub(super) fn meaning(bytes: &[u8]) -> bool {
    let Some(disk) = write(&records_of(bytes)) else { return false };
    let report = verify(&ledger_path(), &verifying(&disk)).unwrap();
    serde_json::to_string(&report).unwrap();
    let reader: Reader<Event> = Reader::open_on(Arc::new(disk), &ledger_path()).unwrap();
    let Ok(folded) = fold_from_zero(&reader, UpTo::End) else { return false };
    let world = &folded.world;
    let root = world.state_root();
    let saved = world.save().unwrap();
    let loaded = World::load(&saved).expect("what is saved can be loaded");
    assert_eq!(loaded.state_root(), root, "a world is what it was saved as");
    assert_eq!(loaded.save().unwrap(), saved, "a world has one encoding");
    drop(world.run().map(account_summaries));
    drop(serde_json::to_string(&root).unwrap());
    for (name, _) in schwabot::export::memory_stack(&reader).unwrap_or_default() {
        let inside = Path::new(&name).components();
        let plain = |part| matches!(part, std::path::Component::Normal(_));
        assert!(inside.clone().all(plain) && inside.count() <= 2, "{name:?} leaves the export");
    }
    drop(diff_between(&reader, 0, reader.len() - 1));
    let mut trades = Vec::new();
    reader
        .for_each::<schwabot::ledger::LedgerError>(0, |record| {
            if let Ok((_, Entry::Event(Event::TradeClosed(trade)))) = decode::<Event>(&record) {
                trades.extend(trade.canonical_hash().ok());
            }
            Ok(())
        })
        .unwrap();
    for trade in trades.iter().take(3) {
        drop(why(&reader, &trade.to_string()));
    }
    report.re_executed > 0
}

/// A small sound run, and one of its state roots.
struct Run {
    disk: SimDisk,
    root: Vec<u8>,
    sequence: u64,
    time: schwabot::time::Timestamp,
    expected: World,
}

fn run() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| {
        let records = super::seeds::run_records();
        let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        let disk = write(&records).unwrap();
        let roots =
            records.iter().zip(0..).filter_map(|(bytes, sequence)| {
                match decode::<Event>(&RecordRef { sequence, bytes }).unwrap() {
                    (envelope, Entry::Event(Event::StateRoot(_))) => {
                        Some((bytes.to_vec(), sequence, envelope.stamp.time))
                    }
                    _ => None,
                }
            });
        let (root, sequence, time) = roots.last().expect("a run has a state root");
        let reader: Reader<Event> =
            Reader::open_on(Arc::new(disk.clone()), &ledger_path()).unwrap();
        let expected = fold_from_zero(&reader, UpTo::End).unwrap().world;
        Run { disk, root, sequence, time, expected }
    })
}

/// The world as it was right before the state root: the body of an honest snapshot.
pub(super) fn honest_body() -> Vec<u8> {
    let run = run();
    let reader: Reader<Event> =
        Reader::open_on(Arc::new(run.disk.clone()), &ledger_path()).unwrap();
    let before = UpTo::Sequence(run.sequence - 1);
    fold_from_zero(&reader, before).unwrap().world.save().unwrap()
}

/// Any bytes as a snapshot, under the name and behind the head that they need to be believed.
pub(super) fn snapshot(body: &[u8]) -> bool {
    let loaded = World::load(body);
    if let Ok(world) = &loaded {
        let (root, saved) = (world.state_root(), world.save().unwrap());
        let again = World::load(&saved).expect("what is saved can be loaded");
        assert_eq!(again.state_root(), root, "a world is what it was saved as");
    }
    let run = run();
    let disk = SimDisk::kill(&run.disk.state());
    let reader: Reader<Event> = Reader::open_on(Arc::new(disk.clone()), &ledger_path()).unwrap();
    let ledger = reader.identity().ledger;
    let mut head = Vec::new();
    let leaf = hash::leaf(&run.root);
    wire::encode(&(ledger, KERNEL_NUMBER, run.sequence, leaf, run.time), &mut head).unwrap();
    let length = u32::try_from(head.len()).unwrap().to_le_bytes();
    let bytes = [b"SWBSNAP\x01".as_slice(), &length, &head, body].concat();
    let name = format!("{:012}-{}.snap", run.sequence, hash::sha256(&bytes));
    put(&disk, &ledger_path().join("snapshots").join(name), &bytes);
    let folded = fold(&reader, UpTo::End).unwrap();
    assert_eq!(folded.world.state_root(), run.expected.state_root(), "a snapshot is a cache");
    assert_eq!(folded.world.findings(), run.expected.findings(), "a snapshot is a cache");
    loaded.is_ok()
}

fn put(disk: &SimDisk, path: &Path, bytes: &[u8]) {
    use schwabot::ledger::disk::Disk as _;
    disk.create_dir(path.parent().unwrap()).unwrap();
    disk.create(path).unwrap().write_at(bytes, 0).unwrap();
}
