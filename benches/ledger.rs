//! What appending, reading, verifying, replaying and proving cost, beside other programs and the
//! least that the same promise needs.
//!
//! `cargo bench --bench ledger` runs all; `-- --smoke` runs a small size once, so that this file
//! never rots; `-- reading` runs the tables with that word in their title; `-- --rounds 3` fewer
//! rounds; `-- --publish` writes what came out into the documents. Records are 256 bytes. Nothing
//! here is asserted: seconds are noise, the ratios within one run are what counts.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints figures and may stop at the first surprise"
)]

mod bare;
mod harness;
mod peers;
mod programs;
mod proofs;
mod publish;
mod pure;
mod runs;

use schwabot::audit::Level;
use schwabot::measure::{LEDGER, Work, append, read};

use harness::{Run, Table};

fn main() {
    let mut run = Run::from_arguments();
    durable(&mut run);
    synced_once(&mut run);
    reading(&mut run);
    replaying(&mut run);
    programs::verifying(&mut run);
    programs::deriving(&mut run);
    pure::signals(&mut run);
    pure::trees(&mut run);
    proofs::proving(&mut run);
    if run.publishes {
        publish::publish(&run);
    }
}

fn durable(run: &mut Run) {
    let work = Work { commits: run.size(20, 2_000), records: 1 };
    let many = run.size(4, 64);
    let each = Work { commits: run.size(20, 1_000), records: 1 };
    Table::new("durable, one record a commit", "records/s")
        .with("write + fdatasync, growing file", |dir| append::bare_growing(dir, work))
        .with("the same over written blocks", |dir| append::bare_overwriting(dir, work))
        .with("ledger", |dir| append::each_waited_for(dir, work))
        .with("okaywal", |dir| peers::okaywal_commits(dir, work))
        .with("fjall", |dir| peers::fjall_commits(dir, work))
        .with("SQLite, WAL, FULL", |dir| peers::sqlite_commits(dir, work))
        .with("redb", |dir| peers::redb_commits(dir, work))
        .beside("ledger", &["write + fdatasync, growing file"], "1.3")
        .beside("ledger", &["the same over written blocks"], "0.97")
        .beside("ledger", &["okaywal", "fjall", "SQLite, WAL, FULL", "redb"], "0.95")
        .run(run);
    Table::new("durable, 64 producers", "records/s")
        .with("ledger, one producer", |dir| append::each_waited_for(dir, each))
        .with("ledger", |dir| append::by_many(dir, many, each))
        .with("a mutex, a condition, a buffer", |dir| bare::group_commit(dir, many, each))
        .with("okaywal", |dir| peers::okaywal_by_many(dir, many, each))
        .beside("ledger", &["ledger, one producer"], "25; p99 2 ms")
        .beside("ledger", &["a mutex, a condition, a buffer"], "")
        .beside("ledger", &["okaywal"], "")
        .run(run);
    let work = Work { commits: run.size(3, 4_000), records: 1_000 };
    let shared = Work { commits: work.commits.div_ceil(4), records: 4 * work.records };
    // The slow ones would take minutes.
    let less = Work { commits: run.size(3, 400), ..work };
    Table::new("durable, 1,000 records a commit", "records/s")
        .writing(run.size(0, 1_500 << 20))
        .with("write + fdatasync, growing file", |dir| append::bare_growing(dir, work))
        .with("BLAKE3 + write + fdatasync", |dir| append::bare_growing_hashed(dir, work))
        .with("ledger, each commit waited for", |dir| append::each_waited_for(dir, work))
        .with("the same, 4 commits a sync", |dir| append::bare_growing(dir, shared))
        .with("ledger, up to 4 commits share a sync", |dir| append::pipelined(dir, work))
        .with("SHA-256 tree alone, one core", |_| {
            Ok::<_, std::convert::Infallible>(append::bare_tree(less.total()))
        })
        .with("okaywal", |dir| peers::okaywal_commits(dir, work))
        .with("SQLite, WAL, FULL (400 commits)", |dir| peers::sqlite_commits(dir, less))
        .with("fjall (400 commits)", |dir| peers::fjall_commits(dir, less))
        .with("redb (400 commits)", |dir| peers::redb_commits(dir, less))
        .beside("ledger, each commit waited for", &["write + fdatasync, growing file"], "1.0")
        .beside("ledger, each commit waited for", &["BLAKE3 + write + fdatasync"], "")
        .beside(
            "ledger, each commit waited for",
            &[
                "okaywal",
                "SQLite, WAL, FULL (400 commits)",
                "fjall (400 commits)",
                "redb (400 commits)",
            ],
            "ahead",
        )
        .beside("ledger, up to 4 commits share a sync", &["write + fdatasync, growing file"], "1.0")
        .beside("ledger, up to 4 commits share a sync", &["the same, 4 commits a sync"], "")
        .run(run);
}

fn synced_once(run: &mut Run) {
    let records = run.size(5_000, 4_000_000);
    Table::new("one sync at the end", "records/s")
        .writing(run.size(0, 1_500 << 20))
        .with("BLAKE3 + write + fdatasync", |dir| append::bare_hashed(dir, records))
        .with("the same, a tree on the other core", |dir| bare::chain_beside_tree(dir, records))
        .with("the same and a tree, on both cores", |dir| bare::chain_and_tree(dir, records))
        .with("ledger until durable", |dir| append::synced_at_the_end(dir, records, false))
        .with("ledger until the root is known", |dir| append::synced_at_the_end(dir, records, true))
        .with("SHA-256 tree alone, one core", |_| {
            Ok::<_, std::convert::Infallible>(append::bare_tree(records))
        })
        .beside("ledger until durable", &["BLAKE3 + write + fdatasync"], "0.8")
        .beside("ledger until durable", &["the same, a tree on the other core"], "")
        .beside("ledger until the root is known", &["BLAKE3 + write + fdatasync"], "0.55")
        .run(run);
}

fn reading(run: &mut Run) {
    const TITLE: &str = "reading";
    let Some(place) = run.place_for(TITLE) else { return };
    let records = run.size(5_000, 1_000_000);
    let dir = place.path();
    append::synced_at_the_end(dir, records, true).unwrap();
    let path = &dir.join(LEDGER);
    let mut sqlite = peers::sqlite(dir, false).unwrap();
    peers::sqlite_insert(&mut sqlite, 0, records).unwrap();
    let redb = peers::redb(dir).unwrap();
    peers::redb_insert(&redb, 0, records).unwrap();
    let (store, log) = peers::fjall(dir).unwrap();
    peers::fjall_insert(&store, &log, 0, records).unwrap();
    let commitlog = peers::commitlog(dir, records).unwrap();
    let verified = |level, threads| read::verified(path, records, level, threads);
    Table::new(TITLE, "records/s")
        .with("scan of the mapped files", |_| read::bare_scan(path, records))
        .with("BLAKE3 over the files, one thread", |_| read::bare_hash(path, records))
        .with("reader, every link checked", |_| read::every_record(path, records))
        .with("verify chain, one thread", |_| verified(Level::Chain, 1))
        .with("verify chain, two threads", |_| verified(Level::Chain, 2))
        .with("verify tree, two threads", |_| verified(Level::Tree, 2))
        .with("commitlog", |_| peers::commitlog_read(&commitlog, records))
        .with("SQLite, SELECT", |_| peers::sqlite_read(&sqlite, records))
        .with("redb", |_| peers::redb_read(&redb, records))
        .with("fjall", |_| peers::fjall_read(&log, records))
        .beside("reader, every link checked", &["BLAKE3 over the files, one thread"], "0.9")
        .beside("reader, every link checked", &["commitlog", "SQLite, SELECT", "redb", "fjall"], "")
        .beside("verify chain, one thread", &["BLAKE3 over the files, one thread"], "0.9")
        .beside("verify chain, two threads", &["verify chain, one thread"], "")
        .beside("verify tree, two threads", &["BLAKE3 over the files, one thread"], "")
        .run(run);
}

fn replaying(run: &mut Run) {
    const TITLE: &str = "replay of a recorded run";
    let Some(place) = run.place_for(TITLE) else { return };
    let ledger = &place.path().join("run");
    let records = runs::record(ledger, run.size(500, 300_000)).records;
    let sqlite = peers::sqlite_of(place.path(), ledger).unwrap();
    let events = &bare::events_of(ledger);
    Table::new(TITLE, "records/s")
        .with("scan of the mapped files", |_| read::bare_scan(ledger, records))
        .with("SQLite, SELECT of the same blobs", |_| peers::sqlite_read(&sqlite, records))
        .with("read and decoded, one thread", |_| bare::decoded(ledger, records))
        .with("folded from memory, one thread", |_| bare::folded(events, records))
        .with("replay into the world, links checked", |_| read::replayed(ledger, records))
        .beside("replay into the world, links checked", &["scan of the mapped files"], "10 M/s")
        .beside("replay into the world, links checked", &["SQLite, SELECT of the same blobs"], "1")
        .beside("replay into the world, links checked", &["read and decoded, one thread"], "")
        .beside("replay into the world, links checked", &["folded from memory, one thread"], "")
        .run(run);
}
