//! What appending, reading, verifying and replaying cost, beside the physical limits.
//!
//! `cargo bench` runs interleaved rounds in one process and prints medians with their spread and
//! the ratio to the limit beside them; `cargo bench -- --smoke` runs a small size once, so that
//! this file never rots; `cargo bench -- reading` runs the tables with that word in their title.
//! Records are 256 bytes. Nothing here is asserted: seconds are noise, the
//! ratios within one run are what counts.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints figures and may stop at the first surprise"
)]

mod block;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use schwabot::audit::{Level, VerifyOptions, verify};
use schwabot::event::{Class, Event, Stamp, Vantage};
use schwabot::kernel::World;
use schwabot::ledger::clock::Stopwatch;
use schwabot::ledger::disk::{Access, Disk, RealDisk};
use schwabot::ledger::segment::SEGMENT_BYTES_DEFAULT;
use schwabot::ledger::{
    Batch, Entry, GroupWriter, LedgerError, Reader, SyncMode, Writer, WriterOptions, decode,
};
use schwabot::market::{Source, SyntheticConfig, SyntheticMarket};
use schwabot::time::Timestamp;

use block::{Block, RECORD_BYTES};

/// How much is done; a smoke run only shows that everything still works.
#[derive(Clone, Copy)]
struct Size {
    rounds: usize,
    single_commits: u64,
    group_commits: u64,
    buffered_records: u64,
    producers: u64,
    cycles: u64,
}

const FULL: Size = Size {
    rounds: 7,
    single_commits: 2_000,
    group_commits: 200,
    buffered_records: 1_000_000,
    producers: 64,
    cycles: 50_000,
};
const SMOKE: Size = Size {
    rounds: 1,
    single_commits: 20,
    group_commits: 3,
    buffered_records: 5_000,
    producers: 4,
    cycles: 500,
};

/// One line of a table: a name and what it reached in each round.
struct Row {
    name: &'static str,
    rates: Vec<f64>,
}

/// Runs all contenders in turn, round after round, and prints them beside the first.
fn table(title: &str, unit: &str, rounds: usize, contenders: &mut [(&'static str, Work<'_>)]) {
    if !asked_for(title) {
        return;
    }
    let mut rows: Vec<Row> =
        contenders.iter().map(|(name, _)| Row { name, rates: Vec::new() }).collect();
    for _ in 0..rounds {
        for (row, (_, work)) in rows.iter_mut().zip(contenders.iter_mut()) {
            row.rates.push(work());
        }
    }
    println!("\n{title} ({unit}; median [min .. max], ratio to the first line)");
    let limit = median(&rows[0].rates);
    for row in &rows {
        let (low, high) = row
            .rates
            .iter()
            .fold((f64::MAX, 0_f64), |(low, high), rate| (low.min(*rate), high.max(*rate)));
        let middle = median(&row.rates);
        let name = row.name;
        println!(
            "  {name:<46} {middle:>12.0} [{low:>11.0} .. {high:>11.0}] {:>6.2}",
            middle / limit
        );
    }
}

/// Words on the command line pick the tables whose titles hold one of them.
fn asked_for(title: &str) -> bool {
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with("--")).peekable();
    words.peek().is_none() || words.any(|word| title.contains(&word))
}

type Work<'a> = Box<dyn FnMut() -> f64 + 'a>;

fn median(rates: &[f64]) -> f64 {
    let mut sorted = rates.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn rate(count: u64, watch: Stopwatch) -> f64 {
    count as f64 / watch.elapsed().as_secs_f64()
}

struct Place(tempfile::TempDir);

impl Place {
    /// Beside the build, on the disk that the project lies on: a RAM disk would prove nothing.
    fn new() -> Self {
        Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn stamp() -> Stamp {
    Stamp::new(Class::Input, Vantage::Simulated, Timestamp::from_nanos(0))
}

fn batch(records: u64) -> Batch<Block> {
    let mut batch = Batch::new();
    for _ in 0..records {
        batch.push(&Block::new(), &stamp()).unwrap();
    }
    batch
}

fn options(sync: SyncMode) -> WriterOptions {
    WriterOptions { sync, segment_bytes: SEGMENT_BYTES_DEFAULT, ..WriterOptions::default() }
}

/// Raw limit: append to a growing file and fdatasync, commit after commit.
fn raw_commits(commits: u64, records: u64) -> f64 {
    let place = Place::new();
    let mut file = File::create(place.path("raw")).unwrap();
    let bytes = vec![7; RECORD_BYTES * records as usize];
    let watch = Stopwatch::start();
    for _ in 0..commits {
        file.write_all(&bytes).unwrap();
        file.sync_data().unwrap();
    }
    rate(commits * records, watch)
}

fn our_commits(commits: u64, records: u64) -> f64 {
    let place = Place::new();
    let mut writer: Writer<Block> =
        Writer::open(&place.path("ledger"), &options(SyncMode::Always)).unwrap();
    let step = batch(records);
    let watch = Stopwatch::start();
    for _ in 0..commits {
        writer.append(&step).unwrap();
    }
    rate(commits * records, watch)
}

fn our_producers(commits: u64, producers: u64) -> f64 {
    let place = Place::new();
    let writer: Writer<Block> =
        Writer::open(&place.path("ledger"), &options(SyncMode::Always)).unwrap();
    let group = GroupWriter::start(writer).unwrap();
    let watch = Stopwatch::start();
    std::thread::scope(|scope| {
        for _ in 0..producers {
            let appender = group.appender();
            scope.spawn(move || {
                let step = batch(1);
                for _ in 0..commits {
                    appender.append(&step).unwrap();
                }
            });
        }
    });
    let reached = rate(commits * producers, watch);
    group.close().unwrap();
    reached
}

/// Raw limit of one sync at the end: hash, write, sync.
fn raw_buffered(records: u64) -> f64 {
    let place = Place::new();
    let mut file = File::create(place.path("raw")).unwrap();
    let frame = vec![7; 64 << 10];
    let frames = records * RECORD_BYTES as u64 / frame.len() as u64;
    let watch = Stopwatch::start();
    for _ in 0..frames {
        std::hint::black_box(blake3::hash(&frame));
        file.write_all(&frame).unwrap();
    }
    file.sync_data().unwrap();
    rate(records, watch)
}

fn our_buffered(path: &Path, records: u64, finish_root: bool) -> f64 {
    let mut writer: Writer<Block> = Writer::open(path, &options(SyncMode::End)).unwrap();
    let block = Block::new();
    let mut step = Batch::new();
    let watch = Stopwatch::start();
    for _ in 0..records {
        step.clear();
        step.push(&block, &stamp()).unwrap();
        writer.append(&step).unwrap();
    }
    if finish_root {
        writer.close().unwrap();
        return rate(records, watch);
    }
    writer.sync().unwrap();
    let reached = rate(records, watch);
    writer.close().unwrap();
    reached
}

fn segment_files(path: &Path) -> Vec<PathBuf> {
    let names = RealDisk.list(&path.join("segments")).unwrap();
    let segments = names.into_iter().filter(|name| name.ends_with(".seg"));
    segments.map(|name| path.join("segments").join(name)).collect()
}

/// Calls `take` with each segment's bytes, mapped.
fn each_map(path: &Path, mut take: impl FnMut(&[u8])) {
    for file in segment_files(path) {
        let map = RealDisk.open(&file, Access::Read).unwrap().map().unwrap().unwrap();
        take(&map);
    }
}

fn scan_bytes(path: &Path, records: u64) -> f64 {
    let watch = Stopwatch::start();
    let mut sum = 0_u64;
    each_map(path, |bytes| {
        let words = bytes.chunks_exact(8).map(|word| u64::from(word[0]));
        sum = sum.wrapping_add(words.fold(0, u64::wrapping_add));
    });
    std::hint::black_box(sum);
    rate(records, watch)
}

fn hash_bytes(path: &Path, records: u64) -> f64 {
    let watch = Stopwatch::start();
    each_map(path, |bytes| {
        std::hint::black_box(blake3::hash(bytes));
    });
    rate(records, watch)
}

fn read_records(path: &Path, records: u64) -> f64 {
    let watch = Stopwatch::start();
    let reader: Reader<Block> = Reader::open(path).unwrap();
    let mut bytes = 0;
    reader
        .for_each::<LedgerError>(0, |record| {
            bytes += record.bytes.len();
            Ok(())
        })
        .unwrap();
    assert_eq!(bytes as u64, records * RECORD_BYTES as u64);
    rate(records, watch)
}

fn verify_at(path: &Path, level: Level, threads: usize) -> f64 {
    let options = VerifyOptions { level: Some(level), threads, ..VerifyOptions::default() };
    let watch = Stopwatch::start();
    let report = verify(path, &options).unwrap();
    assert_eq!(report.exit_code(), 0, "{report:?}");
    rate(report.records, watch)
}

fn replay(path: &Path) -> f64 {
    let watch = Stopwatch::start();
    let reader: Reader<Event> = Reader::open(path).unwrap();
    let mut world = World::default();
    reader
        .for_each::<LedgerError>(0, |record| {
            if let Ok((envelope, Entry::Event(event))) = decode::<Event>(&record) {
                world.evolve(&event, record.sequence, envelope.stamp.time);
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(world.events(), reader.len());
    rate(reader.len(), watch)
}

/// A ledger of synthetic bars, as a run would record them.
fn bars_ledger(path: &Path, cycles: u64) {
    let config = SyntheticConfig { bars: cycles, ..SyntheticConfig::default() };
    let mut market = SyntheticMarket::new(config).unwrap();
    let mut writer: Writer<Event> = Writer::open(path, &options(SyncMode::End)).unwrap();
    let mut step = Batch::new();
    while let Some(event) = market.next().unwrap() {
        step.clear();
        step.push(&event, &stamp()).unwrap();
        writer.append(&step).unwrap();
    }
    writer.close().unwrap();
}

fn main() {
    let smoke = std::env::args().any(|argument| argument == "--smoke" || argument == "--test");
    let size = if smoke { SMOKE } else { FULL };
    let (singles, groups) = (size.single_commits, size.group_commits);
    println!("records of {RECORD_BYTES} bytes, {} rounds", size.rounds);
    table(
        "durable, one record a commit",
        "records/s",
        size.rounds,
        &mut [
            ("write + fdatasync, growing file", Box::new(|| raw_commits(singles, 1))),
            ("ledger", Box::new(|| our_commits(singles, 1))),
            (
                "ledger, many producers, group commit",
                Box::new(|| our_producers(singles, size.producers)),
            ),
        ],
    );
    table(
        "durable, 1,000 records a commit",
        "records/s",
        size.rounds,
        &mut [
            ("write + fdatasync, growing file", Box::new(|| raw_commits(groups, 1000))),
            ("ledger, tree running", Box::new(|| our_commits(groups, 1000))),
        ],
    );
    let records = size.buffered_records;
    let buffered = |finish_root: bool| {
        let place = Place::new();
        our_buffered(&place.path("ledger"), records, finish_root)
    };
    table(
        "one sync at the end",
        "records/s",
        size.rounds,
        &mut [
            ("blake3 + write + fdatasync", Box::new(|| raw_buffered(records))),
            ("ledger until durable", Box::new(|| buffered(false))),
            ("ledger until closed and the root is known", Box::new(|| buffered(true))),
        ],
    );
    let place = Place::new();
    let path = place.path("ledger");
    our_buffered(&path, records, true);
    table(
        "reading",
        "records/s",
        size.rounds,
        &mut [
            ("mmap scan", Box::new(|| scan_bytes(&path, records))),
            ("blake3 over the files, one thread", Box::new(|| hash_bytes(&path, records))),
            ("reader, every link checked", Box::new(|| read_records(&path, records))),
            ("verify chain, one thread", Box::new(|| verify_at(&path, Level::Chain, 1))),
            ("verify chain, two threads", Box::new(|| verify_at(&path, Level::Chain, 2))),
            ("verify tree, two threads", Box::new(|| verify_at(&path, Level::Tree, 2))),
        ],
    );
    let bars = place.path("bars");
    bars_ledger(&bars, size.cycles);
    let count = Reader::<Event>::open(&bars).unwrap().len();
    table(
        "replay of bars",
        "records/s",
        size.rounds,
        &mut [
            ("mmap scan", Box::new(|| scan_bytes(&bars, count))),
            ("replay into the world, links checked", Box::new(|| replay(&bars))),
        ],
    );
}
