//! Other logs and stores, doing the same work under the same promise: all are asked to keep every
//! record, and to sync where the ledger syncs. What none of them does is to chain what it keeps.
//!
//! Each makes one commit before the time is taken: what opening left to be synced is no part of it.

use std::io;
use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use okaywal::{Configuration, Entry, EntryId, LogManager, SegmentReader, WriteAheadLog};
use redb::{Durability, ReadableDatabase as _, TableDefinition};
use schwabot::event::Event;
use schwabot::ledger::Reader;
use schwabot::ledger::clock::Stopwatch;
use schwabot::measure::{RECORD_BYTES, Reached, Work};

use crate::harness::Done;

const RECORD: [u8; RECORD_BYTES] = [7; RECORD_BYTES];
const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");

/// Times each commit of a work, one before it left aside.
fn commits(
    work: Work,
    mut commit: impl FnMut(u64) -> Result<(), Box<dyn std::error::Error>>,
) -> Done {
    commit(work.total())?;
    timed(work, commit)
}

fn timed(
    work: Work,
    mut commit: impl FnMut(u64) -> Result<(), Box<dyn std::error::Error>>,
) -> Done {
    let mut waits = Vec::new();
    let watch = Stopwatch::start();
    for number in 0..work.commits {
        let commit_watch = Stopwatch::start();
        commit(number * work.records)?;
        waits.push(commit_watch.elapsed());
    }
    Ok(Reached::new(work.total(), watch.elapsed(), waits))
}

/// Times producers that each make all commits of a work, one after the other.
pub(crate) fn by_many(
    producers: u64,
    work: Work,
    commit: impl Fn() -> Result<(), Box<dyn std::error::Error>> + Sync,
) -> Done {
    // What went wrong in a thread can be told only as text.
    let produce = || timed(work, |_| commit()).map_err(|error| error.to_string());
    let watch = Stopwatch::start();
    let done = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..producers).map(|_| scope.spawn(produce)).collect();
        let joined = threads.into_iter().map(|thread| thread.join().expect("no producer panics"));
        joined.collect::<Result<Vec<Reached>, String>>()
    })?;
    let elapsed = watch.elapsed();
    let waits = done.into_iter().flat_map(|reached| reached.waits).collect();
    Ok(Reached::new(work.total() * producers, elapsed, waits))
}

/// Times the reading of so many records.
fn reading(records: u64, read: impl FnOnce() -> Result<u64, Box<dyn std::error::Error>>) -> Done {
    let watch = Stopwatch::start();
    let found = read()?;
    let elapsed = watch.elapsed();
    assert_eq!(found, records, "records read");
    Ok(Reached::new(records, elapsed, Vec::new()))
}

/// SQLite in WAL mode; `full` syncs at every commit.
pub(crate) fn sqlite(dir: &Path, full: bool) -> Result<rusqlite::Connection, rusqlite::Error> {
    let store = rusqlite::Connection::open(dir.join("sqlite"))?;
    store.pragma_update(None, "journal_mode", "WAL")?;
    store.pragma_update(None, "synchronous", if full { "FULL" } else { "OFF" })?;
    store.execute_batch("CREATE TABLE log (sequence INTEGER PRIMARY KEY, record BLOB NOT NULL)")?;
    Ok(store)
}

pub(crate) fn sqlite_commits(dir: &Path, work: Work) -> Done {
    let mut store = sqlite(dir, true)?;
    commits(work, |first| Ok(sqlite_insert(&mut store, first, work.records)?))
}

pub(crate) fn sqlite_insert(
    store: &mut rusqlite::Connection,
    first: u64,
    records: u64,
) -> Result<(), rusqlite::Error> {
    let step = store.transaction()?;
    {
        let mut insert = step.prepare_cached("INSERT INTO log VALUES (?1, ?2)")?;
        for sequence in first..first + records {
            insert.execute((sequence.cast_signed(), &RECORD[..]))?;
        }
    }
    step.commit()
}

pub(crate) fn sqlite_read(store: &rusqlite::Connection, records: u64) -> Done {
    reading(records, || {
        let mut select = store.prepare_cached("SELECT record FROM log ORDER BY sequence")?;
        let mut rows = select.query(())?;
        let (mut found, mut bytes) = (0, 0);
        while let Some(row) = rows.next()? {
            (found, bytes) = (found + 1, bytes + row.get_ref(0)?.as_blob()?.len());
        }
        std::hint::black_box(bytes);
        Ok(found)
    })
}

/// The records of a ledger as blobs of a table.
pub(crate) fn sqlite_of(
    dir: &Path,
    ledger: &Path,
) -> Result<rusqlite::Connection, Box<dyn std::error::Error>> {
    let mut store = sqlite(dir, false)?;
    let step = store.transaction()?;
    {
        let mut insert = step.prepare_cached("INSERT INTO log VALUES (?1, ?2)")?;
        Reader::<Event>::open(ledger)?.for_each::<Box<dyn std::error::Error>>(0, |record| {
            insert.execute((record.sequence.cast_signed(), record.bytes))?;
            Ok(())
        })?;
    }
    step.commit()?;
    Ok(store)
}

pub(crate) fn redb(dir: &Path) -> Result<redb::Database, Box<dyn std::error::Error>> {
    Ok(redb::Database::create(dir.join("redb"))?)
}

pub(crate) fn redb_commits(dir: &Path, work: Work) -> Done {
    let store = redb(dir)?;
    commits(work, |first| redb_insert(&store, first, work.records))
}

pub(crate) fn redb_insert(
    store: &redb::Database,
    first: u64,
    records: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut step = store.begin_write()?;
    step.set_durability(Durability::Immediate)?;
    {
        let mut table = step.open_table(TABLE)?;
        for sequence in first..first + records {
            table.insert(sequence, &RECORD[..])?;
        }
    }
    Ok(step.commit()?)
}

pub(crate) fn redb_read(store: &redb::Database, records: u64) -> Done {
    reading(records, || {
        let table = store.begin_read()?.open_table(TABLE)?;
        let (mut found, mut bytes) = (0, 0);
        for entry in table.range(0..)? {
            (found, bytes) = (found + 1, bytes + entry?.1.value().len());
        }
        std::hint::black_box(bytes);
        Ok(found)
    })
}

pub(crate) fn fjall(dir: &Path) -> Result<(Database, Keyspace), fjall::Error> {
    let store = Database::builder(dir.join("fjall")).open()?;
    let log = store.keyspace("log", KeyspaceCreateOptions::default)?;
    Ok((store, log))
}

pub(crate) fn fjall_commits(dir: &Path, work: Work) -> Done {
    let (store, log) = fjall(dir)?;
    commits(work, |first| Ok(fjall_insert(&store, &log, first, work.records)?))
}

pub(crate) fn fjall_insert(
    store: &Database,
    log: &Keyspace,
    first: u64,
    records: u64,
) -> Result<(), fjall::Error> {
    let mut step = store.batch().durability(Some(PersistMode::SyncData));
    for sequence in first..first + records {
        step.insert(log, sequence.to_be_bytes(), RECORD);
    }
    step.commit()
}

pub(crate) fn fjall_read(log: &Keyspace, records: u64) -> Done {
    reading(records, || {
        let (mut found, mut bytes) = (0, 0);
        for entry in log.iter() {
            (found, bytes) = (found + 1, bytes + entry.value()?.len());
        }
        std::hint::black_box(bytes);
        Ok(found)
    })
}

/// Keeps what it was given, as a ledger does: nothing is ever checkpointed away.
#[derive(Debug)]
struct Keep;

impl LogManager for Keep {
    fn recover(&mut self, _: &mut Entry<'_>) -> io::Result<()> {
        Ok(())
    }
    fn checkpoint_to(
        &mut self,
        _: EntryId,
        _: &mut SegmentReader,
        _: &WriteAheadLog,
    ) -> io::Result<()> {
        Ok(())
    }
}

/// Producers that each wait for their own; okaywal syncs once for those that wait together.
pub(crate) fn okaywal_by_many(dir: &Path, producers: u64, work: Work) -> Done {
    let log = okaywal(dir)?;
    okaywal_commit(&log, work.records)?;
    let done = by_many(producers, work, || okaywal_commit(&log, work.records));
    log.shutdown()?;
    done
}

fn okaywal_commit(log: &WriteAheadLog, records: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mut entry = log.begin_entry()?;
    for _ in 0..records {
        entry.write_chunk(&RECORD)?;
    }
    entry.commit()?;
    Ok(())
}

/// In its defaults okaywal recycles files of 1 MB, and so keeps next to nothing of a long log.
fn okaywal(dir: &Path) -> io::Result<WriteAheadLog> {
    Configuration::default_for(dir.join("okaywal"))
        .checkpoint_after_bytes(1 << 40)
        .preallocate_bytes(64 << 20)
        .open(Keep)
}

pub(crate) fn okaywal_commits(dir: &Path, work: Work) -> Done {
    let log = okaywal(dir)?;
    let done = commits(work, |_| okaywal_commit(&log, work.records));
    log.shutdown()?;
    done
}

pub(crate) fn commitlog(
    dir: &Path,
    records: u64,
) -> Result<commitlog::CommitLog, Box<dyn std::error::Error>> {
    let mut options = commitlog::LogOptions::new(dir.join("commitlog"));
    options.segment_max_bytes(64 << 20).index_max_items(1 << 20).message_max_bytes(1 << 20);
    let mut log = commitlog::CommitLog::new(options)?;
    for _ in 0..records {
        log.append_msg(RECORD)?;
    }
    log.flush()?;
    Ok(log)
}

pub(crate) fn commitlog_read(log: &commitlog::CommitLog, records: u64) -> Done {
    use commitlog::message::MessageSet as _;
    reading(records, || {
        let (mut next, mut bytes) = (0, 0);
        while next < records {
            for message in log.read(next, commitlog::ReadLimit::max_bytes(1 << 20))?.iter() {
                bytes += message.payload().len();
                next = message.offset() + 1;
            }
        }
        std::hint::black_box(bytes);
        Ok(next)
    })
}
