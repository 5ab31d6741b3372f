//! The same work done simply, where no other log shows what it costs.

use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};

use schwabot::event::Event;
use schwabot::hash::{self, Digest};
use schwabot::kernel::World;
use schwabot::ledger::clock::Stopwatch;
use schwabot::ledger::disk::{Disk, DiskFile, RealDisk};
use schwabot::ledger::{Entry, Reader, decode};
use schwabot::measure::{MeasureError, RECORD_BYTES, Reached, Work, append};
use schwabot::merkle::CompactRange;
use schwabot::time::Timestamp;

use crate::harness::Done;
use crate::peers;

type Failure = Box<dyn std::error::Error>;

/// What producers share: bytes that wait, and how far the file is durable.
#[derive(Default)]
struct Shared {
    waiting: Vec<u8>,
    /// Where the next group goes.
    place: u64,
    /// Number of the group that is being filled.
    group: u64,
    /// Groups that are durable.
    durable: u64,
    /// A producer is writing and syncing for the others.
    led: bool,
}

/// Group commit and nothing else: a mutex, a condition and one buffer. Whoever finds no leader
/// writes and syncs what has gathered, over blocks that were written before.
pub(crate) fn group_commit(dir: &Path, producers: u64, work: Work) -> Done {
    let file = RealDisk.create(&dir.join("bare"))?;
    let bytes = producers * work.total() * RECORD_BYTES as u64;
    for place in (0..bytes).step_by(1 << 20) {
        file.write_at(&vec![7; (bytes - place).min(1 << 20) as usize], place)?;
    }
    file.sync()?;
    let log = Log { file, shared: Mutex::default(), durable: Condvar::new() };
    peers::by_many(producers, work, || Ok(log.commit(&[7; RECORD_BYTES])?))
}

struct Log {
    file: Box<dyn DiskFile>,
    shared: Mutex<Shared>,
    durable: Condvar,
}

impl Log {
    fn commit(&self, record: &[u8]) -> std::io::Result<()> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.waiting.extend_from_slice(record);
        let mine = shared.group;
        while shared.durable <= mine {
            if shared.led {
                shared = self.durable.wait(shared).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            shared.led = true;
            shared.group += 1;
            let place = shared.place;
            let group = std::mem::take(&mut shared.waiting);
            shared.place += group.len() as u64;
            drop(shared);
            let synced = self.file.write_at(&group, place).and_then(|()| self.file.sync());
            shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            shared.led = false;
            self.durable.notify_all();
            // Those who waited for it write and sync their own, and meet the same failure.
            synced?;
            shared.durable = mine + 1;
        }
        Ok(())
    }
}

/// Hashing and writing as [`append::bare_hashed`] does, while the other core hashes as many records
/// into a tree: how much one costs the other.
pub(crate) fn chain_beside_tree(dir: &Path, records: u64) -> Result<Reached, MeasureError> {
    std::thread::scope(|scope| {
        scope.spawn(|| append::bare_tree(records));
        append::bare_hashed(dir, records)
    })
}

/// Frames of 64 KiB that may wait for their leaves: 32 MiB.
const FRAMES_WAITING: usize = 512;
const FRAME_RECORDS: usize = (64 << 10) / RECORD_BYTES;

/// Chain and tree of the same bytes on both cores: hashing and writing as [`append::bare_hashed`]
/// does, and the leaves of each frame by whoever has time. Nothing is encoded, copied or counted.
pub(crate) fn chain_and_tree(dir: &Path, records: u64) -> std::io::Result<Reached> {
    let record = [7; RECORD_BYTES];
    let frame = vec![7; FRAME_RECORDS * RECORD_BYTES];
    let hash_leaves = |row: &mut Vec<Digest>| {
        row.clear();
        hash::leaves(std::iter::repeat_n(&record[..], FRAME_RECORDS), row);
    };
    let file = RealDisk.create(&dir.join("bare"))?;
    let (hand_over, waiting) = std::sync::mpsc::sync_channel(FRAMES_WAITING);
    let frames = records / FRAME_RECORDS as u64;
    let watch = Stopwatch::start();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let (mut tree, mut row) = (CompactRange::new(0), Vec::new());
            for () in waiting {
                hash_leaves(&mut row);
                tree.push_row(&mut row);
            }
        });
        let mut row = Vec::new();
        for number in 0..frames {
            std::hint::black_box(hash::link(&frame));
            file.write_at(&frame, number * frame.len() as u64)?;
            if hand_over.try_send(()).is_err() {
                hash_leaves(&mut row);
            }
        }
        file.sync()?;
        drop(hand_over);
        Ok(Reached::new(frames * FRAME_RECORDS as u64, watch.elapsed(), Vec::new()))
    })
}

/// The events of a ledger with their sequences and times, in memory.
pub(crate) fn events_of(ledger: &Path) -> Vec<(Event, u64, Timestamp)> {
    let mut events = Vec::new();
    each_event(ledger, |event, sequence, time| events.push((event, sequence, time))).unwrap();
    events
}

/// Calls `take` with each decoded event, every link checked, on one thread.
fn each_event(ledger: &Path, mut take: impl FnMut(Event, u64, Timestamp)) -> Result<(), Failure> {
    Reader::<Event>::open(ledger)?.for_each::<Failure>(0, |record| {
        let (envelope, entry) = decode::<Event>(&record)?;
        if let Entry::Event(event) = entry {
            take(event, record.sequence, envelope.stamp.time);
        }
        Ok(())
    })
}

/// One half of a replay: reading, links and decoding.
pub(crate) fn decoded(ledger: &Path, records: u64) -> Done {
    let watch = Stopwatch::start();
    each_event(ledger, |event, _, _| {
        std::hint::black_box(&event);
    })?;
    Ok(Reached::new(records, watch.elapsed(), Vec::new()))
}

/// The other half: the events folded into the world.
pub(crate) fn folded(events: &[(Event, u64, Timestamp)], records: u64) -> Done {
    let watch = Stopwatch::start();
    let mut world = World::default();
    for (event, sequence, time) in events {
        world.evolve(event, *sequence, *time);
    }
    std::hint::black_box(world.events());
    Ok(Reached::new(records, watch.elapsed(), Vec::new()))
}
