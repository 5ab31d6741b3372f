//! Laws of the ledger: what comes out depends on the records alone, keys append once, and no
//! damage makes it panic or show a record that was not appended there.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use schwabot::event::{RecordRef, Stamp};
use schwabot::ledger::frame::{FRAME_HEADER_BYTES, seed_of};
use schwabot::ledger::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use schwabot::ledger::{
    Appended, Batch, Entry, Head, LedgerError, Reader, SyncMode, Writer, decode,
};
use schwabot::time::Timestamp;

use crate::support::cases;
use crate::support::notes::{Note, note, note_of, stamp, step};
use crate::support::sim_disk::{SimDisk, Unsynced};
use crate::support::sim_ledger::{frames, ledger_path, open, read, segment_path, sim_options};

fn mode() -> impl Strategy<Value = SyncMode> {
    prop_oneof![Just(SyncMode::Always), Just(SyncMode::End)]
}

/// One step, and what happens before it.
#[derive(Debug, Clone)]
struct Turn {
    records: u64,
    /// Reopen first, in this mode, with segments of this length, closed or only synced.
    reopen: Option<(SyncMode, u64, bool)>,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let reopen = prop::option::weighted(0.2, (mode(), 1024_u64..5000, any::<bool>()));
    let turn = (0_u64..9, reopen).prop_map(|(records, reopen)| Turn { records, reopen });
    prop::collection::vec(turn, 1..30)
}

fn written(disk: &SimDisk, sync: SyncMode, segment_bytes: u64, turns: &[Turn]) -> Head {
    let mut writer = open(disk, &sim_options(disk, sync, segment_bytes, 1)).unwrap();
    let mut next = 0;
    for (seed, turn) in (2..).zip(turns) {
        if let Some((sync, segment_bytes, close)) = turn.reopen {
            if close {
                writer.close().unwrap();
            } else {
                writer.sync().unwrap();
                drop(writer);
            }
            writer = open(disk, &sim_options(disk, sync, segment_bytes, seed)).unwrap();
            assert_eq!(writer.next_sequence(), next);
        }
        let numbers: Vec<u64> = (next..next + turn.records).collect();
        next += turn.records;
        let appended = writer.append(&step(&numbers)).unwrap();
        assert_eq!(appended, Appended::New(next - turn.records..next));
    }
    writer.close().unwrap()
}

/// A step whose records carry these keys, if any, and numbers from `first` on.
fn keyed_step(first: u64, keys: &[Option<u8>]) -> Batch<Note> {
    let mut batch = Batch::new();
    for (number, key) in (first..).zip(keys) {
        let stamp = Stamp { idempotency_key: key.map(|key| [key; 16]), ..stamp() };
        batch.push(&note(number), &stamp).unwrap();
    }
    batch
}

/// A ledger to be damaged, and the bytes of its records.
struct Victim {
    disk: SimDisk,
    records: Vec<Vec<u8>>,
}

/// A ledger of notes from `first` on; `shape` chooses how it was written.
fn victim(first: u64, shape: u8, seed: u64) -> Victim {
    let disk = SimDisk::new();
    let sync = if shape & 1 == 0 { SyncMode::Always } else { SyncMode::End };
    let segment_bytes = if shape & 2 == 0 { 1024 } else { 1 << 14 };
    for life in 0..2 {
        let options = sim_options(&disk, sync, segment_bytes, seed + life);
        let mut writer: Writer<Note> = Writer::open(&ledger_path(), &options).unwrap();
        for turn in 0..8 {
            let number = first + life * 100 + turn * 2;
            writer.append(&step(&[number, number + 1])).unwrap();
            if turn % 3 == 0 {
                writer.sync().unwrap();
            }
        }
        if shape & 4 == 0 {
            writer.close().unwrap();
        } else {
            writer.head().unwrap();
        }
    }
    let disk = SimDisk::cut_power(&disk.state(), Unsynced::Kept);
    let mut records = Vec::new();
    let reader: Reader<Note> = Reader::open_on(Arc::new(disk.clone()), &ledger_path()).unwrap();
    reader
        .for_each::<LedgerError>(0, |record| {
            records.push(record.bytes.to_vec());
            Ok(())
        })
        .unwrap();
    assert_eq!(records.len(), 32);
    Victim { disk, records }
}

#[derive(Debug, Clone)]
enum Harm {
    Flip(Index, Index, u8),
    Zero(Index, Index, Index),
    Cut(Index, Index),
    Grow(Index, u16),
    /// Exchanges two stretches of one file.
    Swap(Index, Index, Index, u8),
    /// Copies a stretch of one file over another place of it or of another file.
    Copy(Index, Index, Index, Index, u8),
    SwapSegments(Index, Index),
    Duplicate(Index, Index),
    Foreign(Index, Index),
    Remove(Index),
}

fn harm() -> impl Strategy<Value = Harm> {
    let place = any::<Index>;
    prop_oneof![
        (place(), place(), 1_u8..).prop_map(|(f, at, mask)| Harm::Flip(f, at, mask)),
        (place(), place(), place()).prop_map(|(f, a, b)| Harm::Zero(f, a, b)),
        (place(), place()).prop_map(|(f, len)| Harm::Cut(f, len)),
        (place(), any::<u16>()).prop_map(|(f, more)| Harm::Grow(f, more)),
        (place(), place(), place(), any::<u8>()).prop_map(|(f, a, b, n)| Harm::Swap(f, a, b, n)),
        (place(), place(), place(), place(), any::<u8>())
            .prop_map(|(f, g, a, b, n)| Harm::Copy(f, g, a, b, n)),
        (place(), place()).prop_map(|(a, b)| Harm::SwapSegments(a, b)),
        (place(), place()).prop_map(|(a, b)| Harm::Duplicate(a, b)),
        (place(), place()).prop_map(|(a, b)| Harm::Foreign(a, b)),
        place().prop_map(Harm::Remove),
    ]
}

/// The files of a ledger, segments and others.
fn names(disk: &SimDisk) -> Vec<String> {
    disk.state().files().into_keys().collect()
}

fn bytes_of(disk: &SimDisk, name: &String) -> Vec<u8> {
    disk.state().files().remove(name).unwrap()
}

fn do_harm(disk: &SimDisk, foreign: &SimDisk, harm: &Harm) {
    let names = names(disk);
    let segments: Vec<String> =
        names.iter().filter(|name| name.ends_with(".seg")).cloned().collect();
    if segments.is_empty() {
        return;
    }
    let set = |name: &String, bytes: Vec<u8>| disk.alter(name.as_ref(), |held| *held = bytes);
    let at =
        |place: &Index, bytes: &[u8]| if bytes.is_empty() { 0 } else { place.index(bytes.len()) };
    match harm {
        Harm::Flip(file, place, mask) => disk.alter(file.get(&names).as_ref(), |bytes| {
            let place = at(place, bytes);
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= mask;
            }
        }),
        Harm::Zero(file, a, b) => disk.alter(file.get(&names).as_ref(), |bytes| {
            let (a, b) = (at(a, bytes), at(b, bytes));
            bytes[a.min(b)..a.max(b)].fill(0);
        }),
        Harm::Cut(file, len) => disk.alter(file.get(&names).as_ref(), |bytes| {
            bytes.truncate(at(len, bytes));
        }),
        Harm::Grow(file, more) => disk.alter(file.get(&names).as_ref(), |bytes| {
            bytes.resize(bytes.len() + usize::from(*more), (*more & 1) as u8);
        }),
        Harm::Swap(file, a, b, count) => disk.alter(file.get(&names).as_ref(), |bytes| {
            let (a, b) = (at(a, bytes) & !7, at(b, bytes) & !7);
            for step in 0..usize::from(*count) {
                if a.max(b) + step < bytes.len() {
                    bytes.swap(a + step, b + step);
                }
            }
        }),
        Harm::Copy(from, to, a, b, count) => {
            let source = bytes_of(disk, from.get(&segments));
            disk.alter(to.get(&segments).as_ref(), |bytes| {
                let (a, b) = (at(a, &source) & !7, at(b, bytes) & !7);
                let count = usize::from(*count).min(source.len() - a).min(bytes.len() - b);
                bytes[b..b + count].copy_from_slice(&source[a..a + count]);
            });
        }
        Harm::SwapSegments(a, b) => {
            let (a, b) = (a.get(&segments), b.get(&segments));
            let (bytes_a, bytes_b) = (bytes_of(disk, a), bytes_of(disk, b));
            set(a, bytes_b);
            set(b, bytes_a);
        }
        Harm::Duplicate(a, b) => set(b.get(&segments), bytes_of(disk, a.get(&segments))),
        Harm::Foreign(a, b) => {
            let others: Vec<String> =
                self::names(foreign).into_iter().filter(|name| name.ends_with(".seg")).collect();
            set(b.get(&segments), bytes_of(foreign, a.get(&others)));
        }
        Harm::Remove(file) => disk.forget(file.get(&names).as_ref()),
    }
}

/// Reads what can be read; every record must be the one that was appended there.
fn assert_only_true_records(disk: &SimDisk, records: &[Vec<u8>], recovered: bool) {
    let opened: Result<Reader<Note>, _> = Reader::open_on(Arc::new(disk.clone()), &ledger_path());
    let Ok(reader) = opened else { return };
    for from in [0, 5, 16, 31] {
        let mut expected = from;
        // How reading ends is free: with the log's end or with damage.
        drop(reader.for_each::<LedgerError>(from, |record| {
            assert_eq!(record.sequence, expected);
            expected += 1;
            let place = usize::try_from(record.sequence).unwrap();
            let own = records.get(place).is_some_and(|own| own == record.bytes);
            let told = || matches!(decode::<Note>(&record), Ok((_, Entry::System(_))));
            assert!(own || recovered && told(), "record {place} was not appended there");
            Ok(())
        }));
    }
}

#[test]
fn a_key_whose_record_began_a_new_segment_is_remembered_after_reopening() {
    for keyed in 0..20 {
        let disk = SimDisk::new();
        let mut writer = open(&disk, &sim_options(&disk, SyncMode::Always, 1024, 1)).unwrap();
        for number in 0..20 {
            writer.append(&keyed_step(number, &[(number == keyed).then_some(7)])).unwrap();
        }
        writer.close().unwrap();
        let mut writer = open(&disk, &sim_options(&disk, SyncMode::Always, 1024, 2)).unwrap();
        let again = writer.append(&keyed_step(99, &[Some(7)])).unwrap();
        assert_eq!(again, Appended::Existing(keyed));
    }
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn the_records_and_the_head_depend_on_the_records_alone(
        sync in mode(), segment_bytes in 1024_u64..9000, turns in turns(),
    ) {
        let disk = SimDisk::new();
        let head = written(&disk, sync, segment_bytes, &turns);
        let count: u64 = turns.iter().map(|turn| turn.records).sum();
        let seen = read(&disk).unwrap();
        prop_assert_eq!((seen.notes, seen.recovered.len()), (count, 0));
        prop_assert_eq!(seen.head, head);
        let plain = SimDisk::new();
        let once = [Turn { records: count, reopen: None }];
        prop_assert_eq!(head, written(&plain, SyncMode::End, 1 << 20, &once));
    }

    #[test]
    fn reading_from_any_sequence_shows_the_suffix(
        sync in mode(), segment_bytes in 1024_u64..9000, turns in turns(), from in 0_u64..300,
    ) {
        let disk = SimDisk::new();
        let size = written(&disk, sync, segment_bytes, &turns).size;
        let reader: Reader<Note> = Reader::open_on(Arc::new(disk), &ledger_path()).unwrap();
        let mut seen = Vec::new();
        reader.for_each::<LedgerError>(from, |record| {
            seen.push((record.sequence, note_of(&record)));
            Ok(())
        }).unwrap();
        let suffix: Vec<(u64, u64)> = (from..size).map(|number| (number, number)).collect();
        prop_assert_eq!(seen, suffix);
        let record = reader.record(from).unwrap();
        let found = record.map(|bytes| note_of(&RecordRef { sequence: from, bytes: &bytes }));
        prop_assert_eq!(found, (from < size).then_some(from));
    }

    #[test]
    fn a_key_appends_once_whatever_is_repeated(
        sync in mode(),
        steps in prop::collection::vec(
            (prop::collection::vec(prop::option::weighted(0.7, 0_u8..24), 1..4), 0_u8..8), 1..60),
    ) {
        let disk = SimDisk::new();
        let mut writer = open(&disk, &sim_options(&disk, sync, 1024, 1)).unwrap();
        let mut model: BTreeMap<u8, u64> = BTreeMap::new();
        let mut next = 0;
        for (seed, (mut keys, reopen)) in (2..).zip(steps) {
            keys.dedup();
            if keys.len() == 3 && keys[0] == keys[2] {
                keys.pop();
            }
            if reopen == 0 {
                writer.sync().unwrap();
                drop(writer);
                writer = open(&disk, &sim_options(&disk, sync, 1024, seed)).unwrap();
            }
            let done = writer.append(&keyed_step(next, &keys));
            let mut keyed = keys.iter().flatten().map(|key| model.get(key).copied());
            match (keyed.next().flatten(), keyed.any(|known| known.is_some())) {
                (Some(known), _) => prop_assert_eq!(done.unwrap(), Appended::Existing(known)),
                (None, true) => {
                    let refused = matches!(done, Err(LedgerError::KeyReused { .. }));
                    prop_assert!(refused, "{:?}", done);
                }
                (None, false) => {
                    let after = next + keys.len() as u64;
                    prop_assert_eq!(done.unwrap(), Appended::New(next..after));
                    for (sequence, key) in (next..).zip(&keys) {
                        if let Some(key) = key {
                            model.insert(*key, sequence);
                        }
                    }
                    next = after;
                }
            }
        }
        prop_assert_eq!(writer.close().unwrap().size, next);
        prop_assert_eq!(read(&disk).unwrap().notes, next);
    }
}

proptest! {
    #![proptest_config(cases(1_500))]

    #[test]
    fn no_damage_makes_the_ledger_panic_or_show_a_record_that_was_not_appended_there(
        shape in 0_u8..8, harms in prop::collection::vec(harm(), 1..4),
    ) {
        let Victim { disk, records } = victim(0, shape, 1);
        let foreign = victim(1_000, shape, 100).disk;
        for harm in &harms {
            do_harm(&disk, &foreign, harm);
        }
        assert_only_true_records(&disk, &records, false);
        let options = sim_options(&disk, SyncMode::Always, 1024, 50);
        if let Ok(writer) = open(&disk, &options) {
            prop_assert!(writer.next_sequence() <= records.len() as u64 + 1);
        }
        assert_only_true_records(&disk, &records, true);
    }

    #[test]
    fn no_forged_header_makes_the_ledger_panic(
        shape in 0_u8..8, segment in any::<Index>(), frame in prop::option::of(any::<Index>()),
        field in 0_u8..9,
        value in prop_oneof![Just(0), Just(1), Just(u64::MAX), Just(u64::MAX - 1), any::<u64>()],
    ) {
        let Victim { disk, .. } = victim(0, shape, 1);
        let segments = names(&disk).iter().filter(|name| name.ends_with(".seg")).count();
        let path = segment_path(segment.index(segments) as u64);
        let narrow = u32::try_from(value & u64::from(u32::MAX)).unwrap();
        disk.alter(&path, |bytes| {
            let mut header = SegmentHeader::decode(bytes).unwrap();
            let Some(frame) = frame else {
                match field {
                    0 => header.epoch = narrow,
                    1 => header.file_bytes = value.clamp(1024, 1 << 40),
                    2 => header.first_sequence = value,
                    3 => header.first_frame = value,
                    4 => header.index = value,
                    5 => header.ledger[0] ^= 1,
                    6 => header.application[0] ^= 1,
                    7 => header.created = Timestamp::from_nanos(i64::MIN),
                    _ => {
                        let mut note = header.recovery.unwrap_or(
                            schwabot::ledger::segment::RecoveryNote {
                                counted_bytes: value,
                                dead_bytes: value,
                                dead_digest: header.previous,
                            });
                        note.counted_bytes = value;
                        header.recovery = Some(note);
                    }
                }
                bytes[..SEGMENT_HEADER_BYTES].copy_from_slice(&header.encode());
                return;
            };
            let seed = seed_of(header.salt);
            let places = frames(bytes);
            if places.is_empty() {
                return;
            }
            let (offset, mut found) = *frame.get(&places);
            let end = offset + found.frame_bytes();
            match field {
                0 => found.epoch = narrow,
                1 => found.records_bytes = narrow,
                2 => found.first_sequence = value,
                3 => found.number = value,
                4 => found.count = narrow,
                5 => found.watermark = value,
                6 => found.flags = (value & 0xFFFF) as u16,
                7 => found.previous = header.previous,
                _ => bytes[offset + FRAME_HEADER_BYTES..end].fill(narrow.to_le_bytes()[0]),
            }
            found.encode_over(&mut bytes[offset..end], seed);
        });
        let reader: Result<Reader<Note>, _> =
            Reader::open_on(Arc::new(disk.clone()), &ledger_path());
        if let Ok(reader) = reader {
            drop(reader.for_each::<LedgerError>(0, |_| Ok(())));
            drop(reader.record(value));
        }
        if let Ok(mut writer) = open(&disk, &sim_options(&disk, SyncMode::Always, 1024, 50)) {
            drop(writer.append(&step(&[7])));
            drop(writer.close());
        }
    }
}
