//! The ledger as its users see it: what goes in comes out, in order, durable, once.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use schwabot::event::{
    Actor, ChainAnchor, ClockSource, ClockStatus, RecordRef, SubjectId, SystemEvent, Vantage,
};
use schwabot::hash::Digest;
use schwabot::ledger::clock::Host;
use schwabot::ledger::disk::RealDisk;
use schwabot::ledger::frame::{FRAME_ALIGNMENT, FRAME_BYTES_MAX, FRAME_HEADER_BYTES, FrameRef};
use schwabot::ledger::index::SegmentIndex;
use schwabot::ledger::layout::Layout;
use schwabot::ledger::scan::{Follower, scan_segment};
use schwabot::ledger::walk::SegmentFile;
use schwabot::ledger::{
    Appended, Batch, GroupWriter, KEYS_REMEMBERED, LedgerEnd, LedgerError, Reader, SyncMode,
    Writer, WriterOptions,
};
use schwabot::merkle::CompactRange;
use schwabot::time::Timestamp;

use crate::support::dice::SeededHost;
use crate::support::notes::{Note, note, note_of, options, stamp, step, step_with_key};

fn all_notes(path: &Path) -> Vec<u64> {
    let reader: Reader<Note> = Reader::open(path).unwrap();
    let mut notes = Vec::new();
    reader
        .for_each::<LedgerError>(0, |record: RecordRef<'_>| {
            assert_eq!(record.sequence, notes.len() as u64, "sequences are gapless");
            notes.push(note_of(&record));
            Ok(())
        })
        .unwrap();
    notes
}

#[test]
fn what_was_appended_is_read_back_in_order_across_many_segments() {
    for sync in [SyncMode::Always, SyncMode::End] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger");
        let mut writer: Writer<Note> = Writer::open(&path, &options(sync, 4096)).unwrap();
        for number in 0..500 {
            let appended = writer.append(&step(&[number])).unwrap();
            assert_eq!(appended, Appended::New(number..number + 1));
        }
        let head = writer.close().unwrap();
        assert_eq!(head.size, 500);
        assert_eq!(all_notes(&path), (0..500).collect::<Vec<_>>());
        let reader: Reader<Note> = Reader::open(&path).unwrap();
        assert!(reader.segments().len() > 5, "{} segments", reader.segments().len());
        assert_eq!((reader.end(), reader.unproven()), (LedgerEnd::Closed, 0));
    }
}

#[test]
fn reading_can_begin_at_any_sequence_with_and_without_the_indexes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::End, 1 << 20)).unwrap();
    let numbers: Vec<u64> = (0..30_000).collect();
    for chunk in numbers.chunks(7) {
        writer.append(&step(chunk)).unwrap();
    }
    writer.close().unwrap();
    for with_indexes in [true, false] {
        let reader: Reader<Note> = Reader::open(&path).unwrap();
        for from in [0, 1, 6, 7, 8, 4_999, 15_000, 29_999, 30_000, 40_000] {
            let mut seen = Vec::new();
            reader
                .for_each::<LedgerError>(from, |record| {
                    seen.push(record.sequence);
                    Ok(())
                })
                .unwrap();
            assert_eq!(seen, (from..30_000).collect::<Vec<_>>(), "from {from}");
        }
        if with_indexes {
            let mut removed = 0;
            for entry in std::fs::read_dir(path.join("segments")).unwrap() {
                let file = entry.unwrap().path();
                if file.extension().is_some_and(|ext| ext == "idx") {
                    std::fs::remove_file(file).unwrap();
                    removed += 1;
                }
            }
            assert!(removed > 1, "there were indexes to remove");
        }
    }
}

#[test]
fn the_head_depends_neither_on_batching_sync_mode_or_segment_length_nor_on_who_hashed_the_leaves() {
    let few_and_many: &[usize] = &[1, 100];
    let heads: Vec<_> = [
        (SyncMode::Always, 4096, &[1][..], 32 << 20),
        (SyncMode::End, 4096, &[1], 32 << 20),
        (SyncMode::End, 1 << 20, &[1], 32 << 20),
        (SyncMode::Always, 64 << 10, &[13], 32 << 20),
        (SyncMode::End, 64 << 10, &[100], 32 << 20),
        // The writer hashes the leaves of small frames itself, and others do those of large ones.
        (SyncMode::Always, 64 << 10, few_and_many, 32 << 20),
        // The writer hashes all leaves itself, or some.
        (SyncMode::End, 64 << 10, &[3], 0),
        (SyncMode::Always, 64 << 10, few_and_many, 0),
        (SyncMode::Always, 64 << 10, &[100], 20_000),
    ]
    .into_iter()
    .map(|(sync, segment_bytes, per_step, tree_lag_bytes)| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger");
        let options = WriterOptions { tree_lag_bytes, ..options(sync, segment_bytes) };
        let mut writer: Writer<Note> = Writer::open(&path, &options).unwrap();
        let mut numbers = 0..2_000;
        for count in per_step.iter().cycle() {
            let chunk: Vec<u64> = numbers.by_ref().take(*count).collect();
            if chunk.is_empty() {
                break;
            }
            writer.append(&step(&chunk)).unwrap();
        }
        writer.close().unwrap()
    })
    .collect();
    assert_eq!(heads[0].size, 2_000);
    assert!(heads.windows(2).all(|pair| pair[0] == pair[1]), "{heads:?}");
}

#[test]
fn reopening_continues_the_log_and_its_tree() {
    let dir = tempfile::tempdir().unwrap();
    let (once, often) = (dir.path().join("once"), dir.path().join("often"));
    let mut writer: Writer<Note> = Writer::open(&once, &options(SyncMode::End, 4096)).unwrap();
    for number in 0..200 {
        writer.append(&step(&[number])).unwrap();
    }
    let expected = writer.close().unwrap();
    let mut last = None;
    for start in (0..200).step_by(20) {
        let mut writer: Writer<Note> = Writer::open(&often, &options(SyncMode::End, 4096)).unwrap();
        assert_eq!(writer.next_sequence(), start);
        for number in start..start + 20 {
            writer.append(&step(&[number])).unwrap();
        }
        last = Some(writer.close().unwrap());
    }
    assert_eq!(last, Some(expected));
    assert_eq!(all_notes(&often), (0..200).collect::<Vec<_>>());
}

#[test]
fn a_step_is_whole_in_one_frame_and_may_be_longer_than_a_segment() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::Always, 4096)).unwrap();
    writer.append(&step(&[0])).unwrap();
    let long: Vec<u64> = (1..1001).collect();
    writer.append(&step(&long)).unwrap();
    writer.append(&step(&[1001])).unwrap();
    writer.close().unwrap();
    let reader: Reader<Note> = Reader::open(&path).unwrap();
    let mut cursor = reader.cursor(1).unwrap();
    let frame = cursor.next_frame().unwrap().unwrap();
    assert_eq!((frame.header.first_sequence, frame.header.count), (1, 1000));
    assert_eq!(all_notes(&path), (0..1002).collect::<Vec<_>>());
}

#[test]
fn of_a_group_each_refused_step_hears_its_own_reason_and_the_others_are_appended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let writer: Writer<Note> = Writer::open(&path, &options(SyncMode::Always, 1 << 20)).unwrap();
    let group = GroupWriter::start(writer).unwrap();
    let appender = group.appender();
    let huge: Vec<u64> = (0..400_000).collect();
    // Handed over before any of them is waited for, so that they come into groups together.
    let mut answers = [
        appender.submit(&step(&[0]), Some(0)),
        appender.submit(&step(&[9]), Some(7)),
        appender.submit(&step(&huge), None),
        appender.submit(&step(&[1]), Some(1)),
        appender.submit(&step_with_key(2, [5; 16]), None),
        appender.submit(&step_with_key(9, [5; 16]), None),
        appender.submit(&step(&[9]), Some(2)),
        appender.submit(&step(&[3]), Some(3)),
    ]
    .into_iter()
    .map(|submitted| submitted.unwrap().wait());
    let mut next = || answers.next().unwrap();
    let at = |sequence| Appended::New(sequence..sequence + 1);
    assert_eq!(next().unwrap(), at(0));
    let refused = next();
    let said = matches!(refused, Err(LedgerError::WrongSequence { expected: 7, actual: 1 }));
    assert!(said, "{refused:?}");
    assert!(matches!(next(), Err(LedgerError::StepTooLong { .. })));
    assert_eq!(next().unwrap(), at(1));
    assert_eq!(next().unwrap(), at(2));
    assert_eq!(next().unwrap(), Appended::Existing(2));
    assert!(matches!(next(), Err(LedgerError::WrongSequence { expected: 2, actual: 3 })));
    assert_eq!(next().unwrap(), at(3));
    assert_eq!(group.close().unwrap().size, 4);
    assert_eq!(all_notes(&path), [0, 1, 2, 3]);
}

/// A machine whose clock stands still as long as somebody holds the gate.
struct Gated {
    gate: Mutex<()>,
    /// How often the clock was looked at.
    looks: AtomicU64,
    host: SeededHost,
}

impl Gated {
    fn new() -> Arc<Self> {
        let (gate, looks, host) = (Mutex::new(()), AtomicU64::new(0), SeededHost::new(1));
        Arc::new(Self { gate, looks, host })
    }
}

/// A group writer on such a machine.
fn gated_group(path: &Path, segment_bytes: u64) -> (Arc<Gated>, GroupWriter<Note>) {
    let host = Gated::new();
    let options = options(SyncMode::Always, segment_bytes);
    let options = WriterOptions { host: Arc::clone(&host) as Arc<dyn Host>, ..options };
    (host, GroupWriter::start(Writer::open(path, &options).unwrap()).unwrap())
}

impl Host for Gated {
    fn now(&self) -> Timestamp {
        self.looks.fetch_add(1, Ordering::SeqCst);
        drop(self.gate.lock().unwrap());
        self.host.now()
    }

    fn random(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        self.host.random(bytes)
    }
}

#[test]
fn producers_wait_for_a_writer_that_is_slow_and_take_no_more_memory() {
    // By their number, and by their bytes: as many as two groups hold, one of them being written.
    for (length, all, most) in [(1, 20_000, 2 * 4096), (60_000, 700, 2 * (4 << 20) / 60_000)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger");
        let (host, group) = gated_group(&path, 64 << 20);
        let appender = group.appender();
        let submitted = AtomicU64::new(0);
        let closed = host.gate.lock().unwrap();
        std::thread::scope(|scope| {
            let producer = scope.spawn(|| {
                let step = long_step(length);
                let submit = |_| {
                    let pending = appender.submit(&step, None).unwrap();
                    submitted.fetch_add(1, Ordering::SeqCst);
                    pending
                };
                (0..all).map(submit).collect::<Vec<_>>()
            });
            // Until one group is full, and then until it stands still.
            let mut before = 0;
            while before < most / 2 || before != submitted.load(Ordering::SeqCst) {
                before = submitted.load(Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(150));
            }
            assert!(before <= most, "{before} of {all} steps wait, and {most} may");
            drop(closed);
            for pending in producer.join().unwrap() {
                pending.wait().unwrap();
            }
        });
        assert_eq!(group.close().unwrap().size, all);
    }
}

#[test]
fn who_hands_over_a_step_while_the_ledger_is_closed_is_told_so_and_does_not_wait_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let (host, group) = gated_group(&path, 1 << 20);
    let appender = group.appender();
    appender.append(&step(&[0])).unwrap();
    // The empty frame that proves it is written: from here on the clock is asked for nothing more.
    while Reader::<Note>::open(&path).unwrap().is_empty() {
        std::thread::yield_now();
    }
    let closed = host.gate.lock().unwrap();
    let looks = host.looks.load(Ordering::SeqCst);
    let closing = std::thread::spawn(move || group.close());
    while host.looks.load(Ordering::SeqCst) == looks {
        std::thread::yield_now();
    }
    // The writer has taken the order to close and stands before its last frame.
    let late = appender.submit(&step(&[1]), None).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || tell.send(late.wait()));
    drop(closed);
    let answer = told.recv_timeout(Duration::from_secs(60)).unwrap();
    assert!(matches!(answer, Err(LedgerError::Stopped)), "{answer:?}");
    assert_eq!(closing.join().unwrap().unwrap().size, 1);
    assert!(matches!(appender.submit(&step(&[2]), None), Err(LedgerError::Stopped)));
    assert_eq!(all_notes(&path), [0]);
}

#[test]
fn a_group_writer_that_everybody_let_go_of_gives_the_ledger_free() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let options = options(SyncMode::Always, 1 << 20);
    let group = GroupWriter::start(Writer::<Note>::open(&path, &options).unwrap()).unwrap();
    let appender = group.appender();
    drop(group);
    appender.append(&step(&[0])).unwrap();
    drop(appender);
    let mut tries = 0;
    let writer = loop {
        match Writer::<Note>::open(&path, &options) {
            Err(LedgerError::Locked { .. }) => {
                tries += 1;
                assert!(tries < 6_000, "its thread does not end");
                std::thread::sleep(Duration::from_millis(10));
            }
            opened => break opened.unwrap(),
        }
    };
    drop(writer);
    assert_eq!(all_notes(&path), [0]);
}

fn long_step(length: usize) -> Batch<Note> {
    let mut step = Batch::new();
    step.push(&Note { number: 0, text: "x".repeat(length) }, &stamp()).unwrap();
    step
}

#[test]
fn a_step_that_fits_no_frame_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::Always, 4096)).unwrap();
    let huge: Vec<u64> = (0..400_000).collect();
    assert!(matches!(writer.append(&step(&huge)), Err(LedgerError::StepTooLong { .. })));
    writer.append(&step(&[7])).unwrap();
    // One that fills a frame to its last byte is taken, and one of a byte more is not.
    let most = (FRAME_BYTES_MAX - FRAME_HEADER_BYTES - FRAME_ALIGNMENT) as u64;
    let filled = |bytes: u64| {
        let mut step: Batch<Note> = Batch::new();
        while step.bytes() < bytes {
            let left = bytes - step.bytes();
            // What is left is one record, or enough for two.
            let length = if left > 65_000 { 60_000 } else { left - 2 - 56 };
            let note = Note { number: 0, text: "x".repeat(length as usize) };
            step.push(&note, &stamp()).unwrap();
        }
        assert_eq!(step.bytes(), bytes);
        step
    };
    let refused = writer.append(&filled(most + 1)).unwrap_err();
    let said = matches!(refused, LedgerError::StepTooLong { bytes, limit }
        if (bytes as u64, limit as u64) == (most + 1, most));
    assert!(said, "{refused}");
    let longest = filled(most);
    writer.append(&longest).unwrap();
    assert_eq!(writer.close().unwrap().size, 1 + u64::from(longest.len()));
    // It is never put into a frame behind others, however much room the segment has.
    let path = dir.path().join("roomy");
    let options = options(SyncMode::End, 64 << 20);
    let mut writer: Writer<Note> = Writer::open(&path, &options).unwrap();
    writer.append(&step(&[7])).unwrap();
    writer.append(&longest).unwrap();
    let head = writer.close().unwrap();
    assert_eq!(all_notes(&path).len() as u64, head.size);
}

#[test]
fn a_frame_of_an_end_run_ends_with_the_step_that_fills_64_kib() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::End, 4 << 20)).unwrap();
    let short = step(&[7; 10]);
    for _ in 0..1_000 {
        writer.append(&short).unwrap();
    }
    writer.close().unwrap();
    let reader: Reader<Note> = Reader::open(&path).unwrap();
    let (mut cursor, mut frames) = (reader.cursor(0).unwrap(), Vec::new());
    while let Some(frame) = cursor.next_frame().unwrap() {
        frames.push(FRAME_HEADER_BYTES as u64 + u64::from(frame.header.records_bytes));
    }
    let last = frames.pop().unwrap();
    assert!(frames.len() > 4 && last < (64 << 10) + short.bytes(), "{frames:?}, {last}");
    for bytes in frames {
        assert!((64 << 10..(64 << 10) + short.bytes()).contains(&bytes), "{bytes} bytes");
    }
}

#[test]
fn the_head_of_the_chain_is_the_link_of_the_last_frame() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::Always, 4096)).unwrap();
    let mut heads = vec![writer.chain_head()];
    for number in 0..5 {
        writer.append(&step(&[number])).unwrap();
        heads.push(writer.chain_head());
    }
    writer.close().unwrap();
    let mut file = SegmentFile::open(&RealDisk, &Layout::new(&path).segment(0), false).unwrap();
    let header = file.header().unwrap().unwrap();
    let mut links = vec![header.link()];
    scan_segment(&mut file, &header, Follower::Nothing, &mut |_, link| links.push(link)).unwrap();
    // A CLOSE follows them.
    assert_eq!(links[..heads.len()], heads);
    assert_eq!(links.len(), heads.len() + 1);
}

#[test]
fn a_key_appends_once_even_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let key = |number: u8| [number; 16];
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::Always, 4096)).unwrap();
    for number in 0..50 {
        let first = writer.append(&step_with_key(u64::from(number), key(number))).unwrap();
        assert_eq!(first, Appended::New(u64::from(number)..u64::from(number) + 1));
    }
    let again = writer.append(&step_with_key(99, key(3))).unwrap();
    assert_eq!(again, Appended::Existing(3));
    writer.close().unwrap();
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::Always, 4096)).unwrap();
    assert_eq!(writer.append(&step_with_key(99, key(49))).unwrap(), Appended::Existing(49));
    assert_eq!(writer.append(&step_with_key(99, key(0))).unwrap(), Appended::Existing(0));
    assert_eq!(writer.append(&step_with_key(50, key(50))).unwrap(), Appended::New(50..51));
    writer.close().unwrap();
    assert_eq!(all_notes(&path).len(), 51);
}

#[test]
fn an_append_at_another_sequence_than_expected_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut writer: Writer<Note> = Writer::open(&path, &WriterOptions::default()).unwrap();
    writer.append_at(0, &step(&[0])).unwrap();
    let refused = writer.append_at(0, &step(&[0])).unwrap_err();
    assert!(matches!(refused, LedgerError::WrongSequence { expected: 0, actual: 1 }));
    writer.append_at(1, &step(&[1])).unwrap();
    assert_eq!(writer.close().unwrap().size, 2);
}

#[test]
fn many_producers_share_one_writer_and_each_append_lands_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let writer: Writer<Note> = Writer::open(&path, &options(SyncMode::Always, 64 << 10)).unwrap();
    let group = GroupWriter::start(writer).unwrap();
    let mut acknowledged: Vec<(u64, u64)> = std::thread::scope(|scope| {
        let producers: Vec<_> = (0..8_u64)
            .map(|producer| {
                let appender = group.appender();
                scope.spawn(move || {
                    (0..50)
                        .map(|turn| {
                            let number = producer * 1000 + turn;
                            match appender.append(&step(&[number])).unwrap() {
                                Appended::New(range) => (range.start, number),
                                Appended::Existing(_) => panic!("no key was given"),
                            }
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        producers.into_iter().flat_map(|producer| producer.join().unwrap()).collect()
    });
    let head = group.close().unwrap();
    assert_eq!(head.size, 400);
    acknowledged.sort_unstable();
    let read: Vec<(u64, u64)> = (0..).zip(all_notes(&path)).collect();
    assert_eq!(acknowledged, read);
}

#[test]
fn a_second_writer_is_refused_while_the_first_lives() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let first: Writer<Note> = Writer::open(&path, &WriterOptions::default()).unwrap();
    let refused = Writer::<Note>::open(&path, &WriterOptions::default()).err().unwrap();
    assert!(matches!(refused, LedgerError::Locked { .. }), "{refused}");
    assert!(refused.to_string().contains("only one writer"), "{refused}");
    first.close().unwrap();
    Writer::<Note>::open(&path, &WriterOptions::default()).unwrap().close().unwrap();
}

#[test]
fn a_writer_that_ended_is_gone_though_a_child_still_has_a_copy_of_its_descriptor() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let first: Writer<Note> = Writer::open(&path, &WriterOptions::default()).unwrap();
    // What a child has between its birth and the start of its own program.
    let copy = copy_of_descriptor(&path.join("lock"));
    first.close().unwrap();
    Writer::<Note>::open(&path, &WriterOptions::default()).unwrap().close().unwrap();
    drop(copy);
}

/// A second descriptor of a file that this process holds open.
#[expect(unsafe_code, reason = "a descriptor that another owner has can only be named by number")]
fn copy_of_descriptor(path: &Path) -> OwnedFd {
    let open = std::fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    let same = |name: &PathBuf| std::fs::read_link(name).is_ok_and(|target| target == path);
    let name = open.into_iter().find(same).unwrap();
    let number: i32 = name.file_name().unwrap().to_str().unwrap().parse().unwrap();
    // SAFETY: the writer that owns the descriptor lives until after this call.
    unsafe { BorrowedFd::borrow_raw(number) }.try_clone_to_owned().unwrap()
}

#[test]
fn a_reader_beside_a_living_writer_sees_only_what_a_later_frame_proves() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::Always, 4096)).unwrap();
    for number in 0..100 {
        writer.append(&step(&[number])).unwrap();
        let reader: Reader<Note> = Reader::open(&path).unwrap();
        assert_eq!(reader.end(), LedgerEnd::Live);
        // Frame N is proven by frame N+1; at a roll by the SEAL.
        assert!(reader.len() == number || reader.len() == number + 1, "{number}: {}", reader.len());
    }
    drop(writer);
    let reader: Reader<Note> = Reader::open(&path).unwrap();
    assert_eq!((reader.end(), reader.len(), reader.unproven()), (LedgerEnd::Open, 100, 1));
}

#[test]
fn a_cursor_begins_with_the_frame_that_holds_what_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::Always, 4096)).unwrap();
    assert!(Reader::<Note>::open(&path).unwrap().is_empty());
    for number in 0..60 {
        writer.append(&step(&[number, number, number])).unwrap();
    }
    writer.close().unwrap();
    let reader: Reader<Note> = Reader::open(&path).unwrap();
    assert!(!reader.is_empty() && reader.segments().len() > 1);
    for from in 0..180 {
        let mut cursor = reader.cursor(from).unwrap();
        let frame = cursor.next_frame().unwrap().unwrap();
        assert_eq!((frame.header.first_sequence, frame.header.count), (from / 3 * 3, 3), "{from}");
    }
    assert!(reader.cursor(180).unwrap().next_frame().unwrap().is_none());
}

#[test]
fn a_reader_that_is_asked_for_what_came_after_it_was_opened_has_no_such_record() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut writer: Writer<Note> =
        Writer::open(&path, &options(SyncMode::Always, 1 << 20)).unwrap();
    let mut reader: Option<Reader<Note>> = None;
    for number in 0..60 {
        writer.append(&long_step(40_000)).unwrap();
        if number == 2 {
            reader = Some(Reader::open(&path).unwrap());
        }
    }
    writer.close().unwrap();
    // Its segment has an index by now, which names places behind what the reader shows.
    let reader = reader.unwrap();
    assert!(Layout::new(&path).index(0).exists());
    assert_eq!((reader.end(), reader.len()), (LedgerEnd::Live, 2));
    for sequence in [2, 3, 10, 20, 59, 60, 61] {
        assert_eq!(reader.record(sequence).unwrap(), None, "{sequence}");
    }
    assert!(reader.record(1).unwrap().is_some());
}

#[test]
fn an_idle_group_writer_proves_its_last_frame_by_an_empty_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let writer: Writer<Note> = Writer::open(&path, &WriterOptions::default()).unwrap();
    let group = GroupWriter::start(writer).unwrap();
    group.appender().append(&step(&[0])).unwrap();
    let proven = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        Reader::<Note>::open(&path).unwrap().len() == 1
    });
    assert!(proven, "two seconds later the only record is still not proven");
    // However long it is idle, one is enough.
    std::thread::sleep(std::time::Duration::from_millis(700));
    assert_eq!(group.close().unwrap().size, 1);
    let mut file = SegmentFile::open(&RealDisk, &Layout::new(&path).segment(0), false).unwrap();
    let header = file.header().unwrap().unwrap();
    let mut counts = Vec::new();
    let mut visit = |frame: &FrameRef<'_>, _| counts.push(frame.header.count);
    scan_segment(&mut file, &header, Follower::Nothing, &mut visit).unwrap();
    assert_eq!(counts, [1, 0, 0], "the record's frame, the empty one, and CLOSE");
}

#[test]
fn another_programs_ledger_and_a_full_directory_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    Writer::<Note>::open(&path, &WriterOptions::default()).unwrap().close().unwrap();
    let other = Reader::<schwabot::event::Event>::open(&path).err().unwrap();
    assert!(matches!(other, LedgerError::OtherApplication { .. }), "{other}");
    let full = dir.path().join("full");
    std::fs::create_dir(&full).unwrap();
    std::fs::write(full.join("diary.txt"), "mine").unwrap();
    let refused = Writer::<Note>::open(&full, &WriterOptions::default()).err().unwrap();
    assert!(matches!(refused, LedgerError::DirectoryInUse { .. }), "{refused}");
    assert_eq!(std::fs::read_dir(&full).unwrap().count(), 1, "nothing was added");
    let file = full.join("diary.txt");
    let refused = Writer::<Note>::open(&file, &WriterOptions::default()).err().unwrap();
    assert!(matches!(refused, LedgerError::Io { action: "list", .. }), "{refused}");
}

#[test]
fn a_closed_ledger_keeps_no_space_that_it_does_not_use() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::End, 4096)).unwrap();
    for number in 0..100 {
        writer.append(&step(&[number])).unwrap();
    }
    writer.sync().unwrap();
    assert!(Layout::new(&path).spare().exists(), "half of the segment is used");
    writer.close().unwrap();
    assert!(!Layout::new(&path).spare().exists());
}

#[test]
fn the_index_of_an_ended_segment_is_there_once_half_of_the_next_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let layout = Layout::new(&path);
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::Always, 4096)).unwrap();
    let ledger = writer.place().ledger;
    let mut next = 0;
    for segment in 0..3 {
        while !layout.segment(segment + 1).exists() {
            writer.append(&step(&[next])).unwrap();
            next += 1;
        }
        let kept = |index| SegmentIndex::read(&RealDisk, &layout, ledger, index);
        assert!(segment == 0 || kept(segment - 1).is_some(), "that of the one before");
        // The roll has written one frame into the new segment by now, of some hundred bytes.
        assert_eq!(kept(segment), None, "the writer waited for the tree");
    }
    writer.close().unwrap();
    for segment in 0..4 {
        assert!(SegmentIndex::read(&RealDisk, &layout, ledger, segment).is_some(), "{segment}");
    }
}

#[test]
fn an_index_names_a_frame_every_256_kib_and_not_each_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::End, 4 << 20)).unwrap();
    let ledger = writer.place().ledger;
    for number in 0..3_000 {
        writer.append(&step(&[number; 10])).unwrap();
    }
    writer.close().unwrap();
    let index = SegmentIndex::read(&RealDisk, &Layout::new(&path), ledger, 0).unwrap();
    assert!(index.places.len() > 4, "{}", index.places.len());
    for two in index.places.windows(2) {
        let between = two[1].offset - two[0].offset;
        assert!((256 << 10..384 << 10).contains(&between), "{between} bytes");
    }
}

#[test]
fn an_index_that_ends_elsewhere_than_its_segment_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::End, 4096)).unwrap();
    for number in 0..200 {
        writer.append(&step(&[number])).unwrap();
    }
    let ledger = writer.place().ledger;
    let head = writer.close().unwrap();
    let layout = Layout::new(&path);
    let mut forged = 0;
    while let Some(mut index) = SegmentIndex::read(&RealDisk, &layout, ledger, forged) {
        let mut tree = CompactRange::new(0);
        (1..index.next_sequence).for_each(|_| tree.push(Digest::ZERO));
        (index.next_sequence, index.frontier) = (tree.end(), tree.hashes().collect());
        index.write(&RealDisk, &layout).unwrap();
        forged += 1;
    }
    assert!(forged > 1, "{forged} indexes");
    std::fs::copy(layout.index(0), layout.index(1)).unwrap();
    assert_eq!(SegmentIndex::read(&RealDisk, &layout, ledger, 1), None, "another segment's");
    assert_eq!(SegmentIndex::read(&RealDisk, &layout, [0; 16], 0), None, "another ledger's");
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::End, 4096)).unwrap();
    assert_eq!(writer.head().unwrap(), head);
}

#[test]
fn the_last_65_536_keys_are_remembered_and_the_one_before_them_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let key = |number: u64| [number.to_le_bytes(), [7; 8]].concat().try_into().unwrap();
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::End, 8 << 20)).unwrap();
    let keys = 1 + KEYS_REMEMBERED as u64;
    for number in 0..keys {
        writer.append(&step_with_key(number, key(number))).unwrap();
    }
    assert_eq!(writer.append(&step_with_key(1, key(1))).unwrap(), Appended::Existing(1));
    let next = writer.append(&step_with_key(0, key(0))).unwrap();
    assert_eq!(next, Appended::New(keys..keys + 1));
    // That record has a key as well, so key 1 is the one before the last now.
    writer.close().unwrap();
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::End, 8 << 20)).unwrap();
    assert_eq!(writer.append(&step_with_key(2, key(2))).unwrap(), Appended::Existing(2));
    let next = writer.append(&step_with_key(1, key(1))).unwrap();
    assert_eq!(next, Appended::New(keys + 1..keys + 2));
}

#[test]
fn a_step_tells_the_place_of_each_record_and_what_it_takes_in_a_frame() {
    let mut step: Batch<Note> = Batch::new();
    assert_eq!((step.len(), step.bytes(), step.is_empty()), (0, 0, true));
    for (place, bytes) in [(0, 2 + 56), (1, 2 * (2 + 56) + 1), (2, 3 * (2 + 56) + 1 + 2)] {
        assert_eq!(step.push(&note(place), &stamp()).unwrap(), place as u32);
        assert_eq!((step.len(), step.bytes(), step.is_empty()), (place as u32 + 1, bytes, false));
    }
    step.clear();
    assert_eq!((step.len(), step.bytes(), step.is_empty()), (0, 0, true));
}

#[test]
fn the_ledgers_own_records_say_who_acted_and_about_whom() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::End, 4096)).unwrap();
    let anchor = ChainAnchor { frame: 0, link: Digest::ZERO, key: "key".to_owned() };
    let (event, subject) = (SystemEvent::ChainAnchor(anchor), SubjectId([3; 16]));
    assert_eq!(writer.append_system(&event).unwrap(), 0);
    assert_eq!(writer.append_about(subject, &event).unwrap(), 1);
    writer.close().unwrap();
    let reader: Reader<Note> = Reader::open(&path).unwrap();
    let mut said = Vec::new();
    reader
        .for_each::<LedgerError>(0, |record| {
            let stamp = record.envelope().unwrap().0.stamp;
            assert_eq!(stamp.clock, ClockSource::System, "facts of frames and keys");
            assert_eq!(stamp.clock_status, ClockStatus::BestEffort);
            said.push((stamp.actor, stamp.vantage, stamp.erasure_key));
            Ok(())
        })
        .unwrap();
    let own = (Actor::LEDGER, Vantage::SelfReported, None);
    assert_eq!(said, [own, (Actor::OPERATOR, Vantage::Operator, Some(subject))]);
}
