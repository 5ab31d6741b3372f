//! How cost grows with the length of the log: each work at ten thousand records, ten times that,
//! and so on.
//!
//! `cargo bench --bench growth` goes up to ten million; `-- --largest 100000000` further, where the
//! disk has room (some 300 bytes a record for each of two logs, one at a time); `-- --smoke` runs the
//! two smallest once. It prints a table, and writes it with its picture beside the build:
//! `growth.md` and `growth.svg`. What must not grow is opening and proving; what may is linear.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints figures and may stop at the first surprise"
)]

mod growth_plot;
mod runs;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use schwabot::audit::Level;
use schwabot::checkpoint::Tiles;
use schwabot::event::Event;
use schwabot::ledger::clock::{Stopwatch, pause};
use schwabot::ledger::disk::RealDisk;
use schwabot::ledger::layout::Layout;
use schwabot::ledger::{Batch, Reader, Writer, WriterOptions};
use schwabot::measure::{Block, LEDGER, append, read};
use schwabot::projections::{UpTo, fold};

/// One work: what it took at each size, in microseconds or kibibytes.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// (records of the log, what it took)
    pub(crate) points: Vec<(u64, f64)>,
}

#[derive(Default)]
struct Rows(Vec<Row>);

impl Rows {
    fn add(&mut self, name: &'static str, unit: &'static str, records: u64, value: f64) {
        match self.0.iter_mut().find(|row| row.name == name) {
            Some(row) => row.points.push((records, value)),
            None => self.0.push(Row { name, unit, points: vec![(records, value)] }),
        }
    }

    fn time(&mut self, name: &'static str, records: u64, elapsed: Duration) {
        self.add(name, "us", records, elapsed.as_secs_f64() * 1e6);
    }
}

fn main() {
    let (sizes, smoke, place) = arguments();
    let mut rows = Rows::default();
    for records in sizes {
        println!("{records} records");
        let dir = tempfile::tempdir_in(&place).unwrap();
        blocks(&mut rows, dir.path(), records);
        drop(dir);
        let dir = tempfile::tempdir_in(&place).unwrap();
        trading(&mut rows, dir.path(), records);
    }
    let table = table(&rows.0);
    println!("\n{table}");
    if !smoke {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR"));
        std::fs::write(out.join("growth.md"), &table).unwrap();
        std::fs::write(out.join("growth.svg"), growth_plot::svg(&rows.0)).unwrap();
        println!("written: growth.md and growth.svg in {}", out.display());
    }
}

fn arguments() -> (Vec<u64>, bool, PathBuf) {
    let (mut largest, mut smoke) = (10_000_000, false);
    let mut place = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--smoke" | "--test" => (largest, smoke) = (10_000, true),
            "--largest" => largest = arguments.next().unwrap().parse().unwrap(),
            "--dir" => place = arguments.next().unwrap().into(),
            _ => {}
        }
    }
    let first = if smoke { 1_000 } else { 10_000 };
    let sizes = std::iter::successors(Some(first), |size: &u64| size.checked_mul(10));
    (sizes.take_while(|size| *size <= largest).collect(), smoke, place)
}

/// A log of blocks: appending behind it, opening, verifying, proving.
fn blocks(rows: &mut Rows, dir: &Path, records: u64) {
    append::synced_at_the_end(dir, records, true).unwrap();
    let path = dir.join(LEDGER);
    let opened = median((0..9).map(|_| read::opened::<Block>(&path, records).unwrap().elapsed));
    rows.time("open for reading", records, opened);
    let verified = |level| {
        let rounds = if records < 1_000_000 { 5 } else { 1 };
        median((0..rounds).map(|_| read::verified(&path, records, level, 1).unwrap().elapsed))
    };
    rows.time("verify, chain, one thread", records, verified(Level::Chain));
    rows.time("verify, tree, one thread", records, verified(Level::Tree));
    rows.add("memory of verify, chain", "KiB", records, peak_memory(&path, "chain"));
    proofs(rows, &path, records);
    durable_appends(rows, &path, records);
}

fn proofs(rows: &mut Rows, path: &Path, records: u64) {
    let reader: Reader<Block> = Reader::open(path).unwrap();
    let tiles = Tiles::anew(&reader, records).unwrap();
    let (size, root) = (tiles.size(), tiles.root());
    let (disk, layout) = (RealDisk, Layout::new(path));
    let places = (0..201).map(|turn| turn * 7_919_993 % records);
    let proven = median(places.map(|place| {
        let watch = Stopwatch::start();
        let mut tiles = Tiles::as_found(&disk, &layout, size, root);
        tiles.inclusion(place, size).unwrap().unwrap();
        watch.elapsed()
    }));
    rows.time("proof of a record, warm tiles", records, proven);
}

fn durable_appends(rows: &mut Rows, path: &Path, records: u64) {
    let watch = Stopwatch::start();
    let mut writer: Writer<Block> = Writer::open(path, &WriterOptions::default()).unwrap();
    rows.time("open for writing", records, watch.elapsed());
    let stamp = schwabot::event::Stamp::new(
        schwabot::event::Class::Input,
        schwabot::event::Vantage::Simulated,
        schwabot::time::Timestamp::from_nanos(0),
    );
    let mut step = Batch::new();
    step.push(&Block::of(records), &stamp).unwrap();
    let mut waits: Vec<Duration> = (0..2_000)
        .map(|_| {
            let watch = Stopwatch::start();
            writer.append(&step).unwrap();
            watch.elapsed()
        })
        .collect();
    waits.sort_unstable();
    let names = ["durable append, p50", "durable append, p99", "durable append, p99.9"];
    for (name, of_a_thousand) in names.into_iter().zip([500, 990, 999]) {
        rows.time(name, records, waits[waits.len() * of_a_thousand / 1000 - 1]);
    }
    writer.close().unwrap();
}

/// A log of a run: replaying it, its state in the middle, executing it again.
fn trading(rows: &mut Rows, dir: &Path, records: u64) {
    let path = dir.join(LEDGER);
    let watch = Stopwatch::start();
    let summary = runs::record(&path, records / 3);
    rows.time("run recorded, root known", summary.records, watch.elapsed());
    let reader: Reader<Event> = Reader::open(&path).unwrap();
    let watch = Stopwatch::start();
    schwabot::projections::fold_from_zero(&reader, UpTo::End).unwrap();
    rows.time("replay into the world", summary.records, watch.elapsed());
    let middle = median((0..3).map(|turn| {
        let watch = Stopwatch::start();
        fold(&reader, UpTo::Sequence(summary.records / (turn + 2))).unwrap();
        watch.elapsed()
    }));
    rows.time("state in the middle", summary.records, middle);
    let derived = read::verified(&path, summary.records, Level::Derive, 2).unwrap().elapsed;
    rows.time("verify, every decision", summary.records, derived);
    rows.add("memory of verify, derive", "KiB", summary.records, peak_memory(&path, "derive"));
}

/// The most memory that the program held while it verified, mapped files left aside, in kibibytes.
fn peak_memory(ledger: &Path, level: &str) -> f64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_schwabot"))
        .args(["verify", "--threads", "1", "--level", level])
        .arg(ledger)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0.0_f64;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let anonymous = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kib = anonymous.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        most = most.max(kib.unwrap_or(0.0));
        pause(Duration::from_millis(1));
    }
    most
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut sorted: Vec<Duration> = times.collect();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

/// A table of Markdown: a row a work, a column a power of ten.
fn table(rows: &[Row]) -> String {
    let powers = |row: &Row| row.points.iter().map(|(at, _)| at.ilog10()).max().unwrap_or(0);
    let last = rows.iter().map(powers).max().unwrap_or(0);
    let first = rows.iter().flat_map(|row| &row.points).map(|(at, _)| at.ilog10()).min();
    let columns = first.unwrap_or(0)..=last;
    let mut text = "| work |".to_owned();
    columns.clone().for_each(|power| write!(text, " 10^{power} |").unwrap());
    text.push_str("\n|---|");
    columns.clone().for_each(|_| text.push_str("---|"));
    for row in rows {
        write!(text, "\n| {} |", row.name).unwrap();
        for power in columns.clone() {
            let found = row.points.iter().find(|(at, _)| at.ilog10() == power);
            let shown = found.map_or("-".to_owned(), |(_, value)| shown(*value, row.unit));
            write!(text, " {shown} |").unwrap();
        }
    }
    text.push('\n');
    text
}

fn shown(value: f64, unit: &str) -> String {
    match (unit, value) {
        ("us", value) if value >= 1e6 => format!("{:.1} s", value / 1e6),
        ("us", value) if value >= 1e3 => format!("{:.1} ms", value / 1e3),
        ("us", value) => format!("{value:.0} us"),
        (_, value) => format!("{:.1} MiB", value / 1024.0),
    }
}
