//! What signing and proving cost in a log of ten million records.
//!
//! `cargo bench --bench proofs` writes the log, makes its tiles, and then proves records in a
//! scattered order; `-- --smoke` does the same with a small one. Warm means that the files are in
//! the system's cache. Medians, with the smallest and the largest.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints figures and may stop at the first surprise"
)]

use schwabot::checkpoint::{
    Checkpoint, KeyKind, Note, Policy, Receipt, SigningKey, Tiles, prove, save_note,
};
use schwabot::event::{Class, Stamp, Vantage};
use schwabot::hash;
use schwabot::ledger::clock::{Machine, Stopwatch};
use schwabot::ledger::disk::RealDisk;
use schwabot::ledger::layout::Layout;
use schwabot::ledger::{Batch, Reader, SyncMode, Writer, WriterOptions};
use schwabot::merkle::proof::verify_inclusion;
use schwabot::time::Timestamp;

use schwabot::measure::{Block, RECORD_BYTES};

/// Times each of several calls and prints the median in microseconds.
fn measure(name: &str, places: &[u64], mut work: impl FnMut(u64)) {
    let mut times: Vec<u128> = places
        .iter()
        .map(|place| {
            let watch = Stopwatch::start();
            work(*place);
            watch.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    let micros = |nanos: u128| format!("{}.{:02}", nanos / 1000, nanos % 1000 / 10);
    let (least, middle) = (micros(times[0]), micros(times[times.len() / 2]));
    let most = micros(times[times.len() - 1]);
    println!("  {name:<52} {middle:>9} us   ({least} to {most})");
}

fn once<T>(name: &str, work: impl FnOnce() -> T) -> T {
    let watch = Stopwatch::start();
    let done = work();
    println!("  {name:<52} {:>9} ms", watch.elapsed().as_millis());
    done
}

fn write_log(path: &std::path::Path, records: u64) {
    let options = WriterOptions { sync: SyncMode::End, ..WriterOptions::default() };
    let mut writer: Writer<Block> = Writer::open(path, &options).unwrap();
    let stamp = Stamp::new(Class::Input, Vantage::Simulated, Timestamp::from_nanos(0));
    let mut step = Batch::new();
    let mut block = Block::of(0);
    let mut left = records;
    while left > 0 {
        step.clear();
        let batch = left.min(256);
        for _ in 0..batch {
            block.0[..8].copy_from_slice(&left.to_le_bytes());
            step.push(&block, &stamp).unwrap();
            left -= 1;
        }
        writer.append(&step).unwrap();
    }
    writer.close().unwrap();
}

fn main() {
    let smoke = std::env::args().any(|argument| argument == "--smoke" || argument == "--test");
    let (records, rounds) = if smoke { (5_000, 20) } else { (10_000_000, 1_000) };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    println!("a log of {records} records of {RECORD_BYTES} bytes");
    once("written, root known", || write_log(&path, records));
    let reader: Reader<Block> = Reader::open(&path).unwrap();
    let (size, root) = once("all tiles made from the segments", || {
        let tiles = Tiles::anew(&reader, records).unwrap();
        (tiles.size(), tiles.root())
    });
    let grown = once("tiles again, nothing new", || {
        Tiles::checked(&reader, records, &root).unwrap().root()
    });
    assert_eq!(grown, root);
    let key = SigningKey::generate("bench.example", KeyKind::Log, &Machine).unwrap();
    let checkpoint = Checkpoint { origin: "bench.example".to_owned(), size, root };
    // Scattered over the whole log, and far enough apart to lie in tiles of their own.
    let places: Vec<u64> = (0..rounds).map(|turn| turn * 7_919_993 % records).collect();
    measure("checkpoint signed (Ed25519)", &places, |_| {
        Note::new(checkpoint.clone()).sign(&key, 0);
    });
    let mut note = Note::new(checkpoint);
    note.sign(&key, 0);
    let (disk, layout) = (RealDisk, Layout::new(&path));
    save_note(&disk, &layout, &note).unwrap();
    measure("proof from warm tiles, nothing kept in memory", &places, |place| {
        let mut tiles = Tiles::as_found(&disk, &layout, size, root);
        tiles.inclusion(place, size).unwrap().unwrap();
    });
    let mut tiles = Tiles::as_found(&disk, &layout, size, root);
    measure("proof, upper tiles kept", &places, |place| {
        tiles.inclusion(place, size).unwrap().unwrap();
    });
    let receipts: Vec<Receipt> =
        places.iter().take(50).map(|place| prove(&reader, *place).unwrap()).collect();
    measure("whole receipt, record and notes read", &places[..places.len().min(50)], |place| {
        prove(&reader, place).unwrap();
    });
    let turns: Vec<u64> = (0..receipts.len() as u64).collect();
    measure("path checked", &turns, |turn| {
        let receipt = &receipts[turn as usize];
        let leaf = hash::leaf(&receipt.record);
        verify_inclusion(&leaf, receipt.sequence, size, &receipt.path, &root).unwrap();
    });
    let policy = Policy::of_log(key.verifier().clone());
    measure("whole receipt checked, signature with it", &turns, |turn| {
        receipts[turn as usize].verify(&policy).unwrap();
    });
}
