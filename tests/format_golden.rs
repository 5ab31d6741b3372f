//! The worked example of `FORMAT.md`: rebuilt byte for byte, and read without the crate's decoders.
//!
//! The independent walk takes its offsets from the document's tables and its hashes from crc32c,
//! blake3 and sha2 themselves, so that a second implementer's way is known to work.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use schwabot::event::{
    Actor, Bar, Class, ClockSource, ClockStatus, Direction, EndOfData, Event, PairId, RunId,
    SignalFired, Stamp, Trigger, Vantage,
};
use schwabot::hash::Digest;
use schwabot::ledger::clock::Host;
use schwabot::ledger::{
    Batch, Head, LedgerEnd, LedgerError, Reader, SyncMode, Writer, WriterOptions,
};
use schwabot::time::Timestamp;
use schwabot::units::Ratio;
use sha2::{Digest as _, Sha256};

use crate::support::document::{bytes_of_hex, constants, example, layout, section};

const FILES: [&str; 2] = ["ledger.id", "segments/000000000000.seg"];

fn golden() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/v1-small"))
}

/// A clock that ticks once a question, and dice that count.
#[derive(Default)]
struct Fixed {
    ticks: AtomicI64,
    dice: AtomicU8,
}

impl Host for Fixed {
    fn now(&self) -> Timestamp {
        let tick = self.ticks.fetch_add(1, Ordering::Relaxed);
        Timestamp::from_nanos(1_767_323_045_000_000_000 + tick * 1_000_000)
    }

    fn random(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        bytes.fill_with(|| 0xa0_u8.wrapping_add(self.dice.fetch_add(1, Ordering::Relaxed)));
        Ok(())
    }
}

fn stamp(class: Class, vantage: Vantage, actor: Actor) -> Stamp {
    Stamp {
        run: RunId(*b"a fixed run id.."),
        actor,
        clock: ClockSource::Data,
        clock_status: ClockStatus::Exact,
        ..Stamp::new(class, vantage, Timestamp::from_nanos(1_618_951_380_000_000_000))
    }
}

fn build(path: &Path) -> Head {
    let host = Arc::new(Fixed::default());
    let options = WriterOptions {
        sync: SyncMode::Always,
        segment_bytes: 1024,
        host,
        ..WriterOptions::default()
    };
    let bar = Event::Bar(Bar {
        pair: PairId(0),
        row: 1,
        open_time: Timestamp::from_nanos(1_618_951_320_000_000_000),
        available_at: Timestamp::from_nanos(1_618_951_380_000_000_000),
        open: "50000".parse().unwrap(),
        high: "50001.5".parse().unwrap(),
        low: "49999".parse().unwrap(),
        close: "50000.5".parse().unwrap(),
        volume: "2.25".parse().unwrap(),
        trades: Some(7),
        last_of_instant: true,
    });
    let signal = Event::SignalFired(SignalFired {
        pair: PairId(0),
        trigger: Trigger::VolumeSurge,
        direction: Direction::Up,
        strength: Some(Ratio::from_raw(3_500_000_000)),
    });
    let end = Event::EndOfData(EndOfData { bars: 1, defects: 0 });
    let input = stamp(Class::Input, Vantage::Imported, Actor::SOURCE);
    let derived = Stamp {
        cause: std::num::NonZeroU32::new(1),
        ..stamp(Class::Derived, Vantage::Computed, Actor::KERNEL)
    };
    let keyed = Stamp { idempotency_key: Some(*b"only-once-please"), ..input };
    let mut writer: Writer<Event> = Writer::open(path, &options).unwrap();
    let mut step = Batch::new();
    step.push(&bar, &input).unwrap();
    step.push(&signal, &derived).unwrap();
    writer.append(&step).unwrap();
    step.clear();
    step.push(&end, &keyed).unwrap();
    writer.append(&step).unwrap();
    writer.close().unwrap()
}

#[test]
fn the_worked_example_is_rebuilt_byte_for_byte() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = dir.path().join("v1-small");
    build(&path);
    for file in FILES {
        let (built, kept) = (std::fs::read(path.join(file)).unwrap(), golden().join(file));
        if std::fs::read(&kept).ok().as_ref() != Some(&built) {
            let shown = dir.keep().join("v1-small").join(file);
            panic!("{} is not what is written now: {}", kept.display(), shown.display());
        }
    }
}

#[test]
fn the_hex_in_the_document_is_the_golden_file() {
    for file in FILES {
        let kept = std::fs::read(golden().join(file)).unwrap();
        assert_eq!(example(file), kept, "{file}");
    }
}

#[test]
fn a_reader_opens_the_golden_ledger_and_changes_nothing_in_it() {
    let reader: Reader<Event> = Reader::open(&golden()).unwrap();
    assert_eq!((reader.end(), reader.len(), reader.unproven()), (LedgerEnd::Closed, 3, 0));
    let mut kinds = Vec::new();
    reader
        .for_each::<LedgerError>(0, |record| {
            kinds.push(record.envelope().unwrap().0.kind);
            Ok(())
        })
        .unwrap();
    assert_eq!(kinds, [0x0103, 0x0201, 0x0105]);
    let names: Vec<_> =
        std::fs::read_dir(golden()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

/// Bytes with the document's names for them.
struct Fields<'a> {
    heading: &'static str,
    bytes: &'a [u8],
}

impl<'a> Fields<'a> {
    fn get(&self, field: &str) -> &'a [u8] {
        let (_, offset, bytes) =
            layout(self.heading).into_iter().find(|(name, ..)| name == field).unwrap();
        &self.bytes[offset..offset + bytes]
    }

    fn number(&self, field: &str) -> u64 {
        self.get(field).iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
    }
}

/// What a walk that knows only the document finds.
struct Walked {
    records: Vec<Vec<u8>>,
    links: Vec<[u8; 32]>,
    ends: u64,
}

fn link(bytes: &[u8]) -> [u8; 32] {
    let context = constants()["link context"].trim_matches('`').to_owned();
    blake3::derive_key(&context, bytes)
}

fn crc(salt: &[u8], bytes: &[u8]) -> u64 {
    u64::from(crc32c::crc32c(&[salt, bytes].concat()))
}

/// Checks a segment as the document says, or tells what does not fit.
fn walk(identity: &[u8], segment: &[u8]) -> Result<Walked, String> {
    let number = |name: &str| constants()[name].replace(',', "").parse::<usize>().unwrap();
    let need = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    let id = Fields { heading: "## Identity", bytes: identity };
    need(id.get("magic") == bytes_of_hex(&constants()["identity magic"]), "identity magic")?;
    need(id.number("checksum") == crc(&[], &identity[12..]), "identity checksum")?;
    let head = Fields { heading: "## Segment header", bytes: segment };
    let length = usize::try_from(head.number("header length")).unwrap();
    need(head.get("magic") == bytes_of_hex(&constants()["segment magic"]), "magic")?;
    let checked = segment.get(12..length).ok_or("header length")?;
    need(head.number("header checksum") == crc(&[], checked), "header checksum")?;
    need(head.number("version") == 1 && length == 192, "version")?;
    need(head.get("ledger id") == id.get("ledger id"), "ledger id")?;
    need(head.get("previous link") == [0; 32], "segment 0 continues nothing")?;
    let salt = head.get("salt");
    let mut links = vec![link(&segment[..length])];
    let (mut at, mut frame_number, mut records, mut ends) = (length, 0, Vec::new(), 0);
    while at < segment.len() {
        let header_length = number("frame header length");
        let frame = Fields { heading: "## Frame", bytes: &segment[at..] };
        let checked = &segment[at + 4..at + header_length];
        need(frame.number("header checksum") == crc(salt, checked), "frame header checksum")?;
        let held = usize::try_from(frame.number("records length")).unwrap();
        let stored = &segment[at..at + header_length + held.next_multiple_of(8)];
        let body = &stored[header_length..];
        need(frame.number("body checksum") == crc(salt, body), "body checksum")?;
        need(frame.number("frame number") == frame_number, "frame number")?;
        need(frame.number("first sequence") == records.len() as u64, "first sequence")?;
        need(frame.number("epoch") == head.number("epoch"), "epoch")?;
        need(frame.number("watermark") == frame_number, "always mode: all before is durable")?;
        need(frame.get("previous link") == links[links.len() - 1], "previous link")?;
        ends = frame.number("flags");
        let mut rest = &body[..held];
        for _ in 0..frame.number("record count") {
            let length = usize::from(u16::from_le_bytes([rest[0], rest[1]]));
            records.push(rest[2..2 + length].to_vec());
            rest = &rest[2 + length..];
        }
        need(rest.is_empty() && body[held..].iter().all(|byte| *byte == 0), "records, padding")?;
        links.push(link(stored));
        frame_number += 1;
        at += stored.len();
    }
    Ok(Walked { records, links, ends })
}

/// RFC 6962, section 2.1, as its definition says it.
fn root(leaves: &[Vec<u8>]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [one] => Sha256::digest([&[0], one.as_slice()].concat()).into(),
        many => {
            let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
            Sha256::digest([&[1], root(left).as_slice(), &root(right)].concat()).into()
        }
    }
}

#[test]
fn a_walk_that_knows_only_the_document_finds_the_same_records_links_and_root() {
    let dir = tempfile::tempdir().unwrap();
    let head = build(&dir.path().join("ledger"));
    let [identity, segment] = FILES.map(|file| std::fs::read(golden().join(file)).unwrap());
    let walked = walk(&identity, &segment).unwrap();
    let reader: Reader<Event> = Reader::open(&golden()).unwrap();
    for (sequence, record) in (0..).zip(&walked.records) {
        assert_eq!(reader.record(sequence).unwrap().as_ref(), Some(record));
    }
    assert_eq!(walked.records.len() as u64, head.size);
    assert_eq!(root(&walked.records), head.root.0);
    assert_eq!(walked.links.last(), Some(&reader.chain_head().0));
    assert_eq!(walked.ends, 0b101, "ORDERED and CLOSE");
    let leaves = walked.records.iter().map(|record| root(std::slice::from_ref(record)));
    let names = ["leaf 0", "leaf 1", "leaf 2", "root", "chain_head"];
    for (name, digest) in names.iter().zip(leaves.chain([head.root.0, reader.chain_head().0])) {
        let line = format!("{name:<10}  {}\n", Digest(digest));
        assert!(section("## Worked example").contains(&line), "the document lacks {line}");
    }
}

#[test]
fn no_bit_of_the_golden_segment_can_turn_without_that_walk_seeing_it() {
    let [identity, segment] = FILES.map(|file| std::fs::read(golden().join(file)).unwrap());
    for at in 0..segment.len() {
        let mut changed = segment.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(walk(&identity, &changed).is_err(), "byte {at}");
    }
}
