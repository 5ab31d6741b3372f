//! Readers and audits beside a writer that does something between any two of their calls: what was
//! acknowledged before they began is shown (but for the last frame, which nothing proves yet), in
//! the order in which it stays, and nothing is called damaged that a writer was about to write.

use std::sync::Arc;

use schwabot::audit::{Follower, Report, Verdict, verify};
use schwabot::hash;
use schwabot::ledger::scan::{Fault, FaultClass};
use schwabot::ledger::{Head, LedgerEnd, LedgerError, Reader, SyncMode};
use schwabot::merkle::CompactRange;

use crate::support::notes::{Note, step};
use crate::support::sim_disk::{SimDisk, State};
use crate::support::sim_ledger::{ledger_path, open, read, segment_path, sim_options, verifying};

/// Four lives of a ledger of small segments, call by call: one that is closed, one that dies, one
/// that dies with frames that were never synced, one that goes on behind them. Each state is noted
/// with how many records were acknowledged and how many there may be.
fn lives() -> Vec<State> {
    let disk = SimDisk::new();
    let mut states = Vec::new();
    let mut acknowledged = 0;
    for (life, sync) in
        (0..).zip([SyncMode::Always, SyncMode::Always, SyncMode::End, SyncMode::Always])
    {
        disk.record();
        let mut writer = open(&disk, &sim_options(&disk, sync, 1024, life)).unwrap();
        // What a writer that died never wrote is lost.
        let first = read(&disk).unwrap().notes;
        for number in first..first + 5 {
            disk.note(acknowledged, writer.next_sequence() + 1);
            writer.append(&step(&[number])).unwrap();
            if sync == SyncMode::Always {
                acknowledged = writer.next_sequence();
            }
            disk.note(acknowledged, writer.next_sequence());
        }
        if life % 3 == 0 {
            writer.close().unwrap();
        } else {
            drop(writer);
        }
        states.extend(disk.history());
    }
    // Nobody holds the lock any more.
    states.push(disk.state());
    states
}

/// Heads of the finished ledger, by size.
fn heads() -> Vec<Head> {
    let disk = SimDisk::kill(lives().last().unwrap());
    let reader: Reader<Note> = Reader::open_on(Arc::new(disk), &ledger_path()).unwrap();
    let mut tree = CompactRange::new(0);
    let head = |tree: &CompactRange| Head { size: tree.end(), root: tree.root().unwrap() };
    let mut heads = vec![head(&tree)];
    let pushed = reader.for_each::<LedgerError>(0, |record| {
        tree.push(hash::leaf(record.bytes));
        heads.push(head(&tree));
        Ok(())
    });
    pushed.unwrap();
    heads
}

/// Calls `look` on the disk as it was at each state, with each of some later states coming between
/// any two of its reading calls.
fn between_any_two_calls(states: &[State], look: impl Fn(&SimDisk, &State, &State)) {
    let mut looks = 0;
    for (at, state) in states.iter().enumerate().filter(|(_, state)| state.noted.0 > 0) {
        let ahead = [1, 2, 3, 5, 8, 13, 21, states.len()];
        let mut later: Vec<usize> =
            ahead.iter().map(|ahead| (at + ahead).min(states.len() - 1)).collect();
        later.dedup();
        for later in later {
            for reads in 0.. {
                let disk = SimDisk::living(state);
                disk.become_after(reads, states[later].clone());
                look(&disk, state, &states[later]);
                looks += 1;
                if !disk.has_become() {
                    break;
                }
            }
        }
    }
    assert!(looks > 20_000, "{looks}");
}

/// May a reader or an audit that began at one state, and saw a later one, show so many records?
fn check_count(count: u64, state: &State, later: &State) {
    let least = state.noted.0 - u64::from(state.locked || later.locked);
    let range = least..=later.noted.1.max(state.noted.1);
    assert!(range.contains(&count), "{count} of {range:?}");
}

#[test]
fn a_reader_beside_a_writer_shows_what_was_acknowledged_and_meets_no_damage() {
    between_any_two_calls(&lives(), |disk, state, later| {
        check_count(read(disk).unwrap().records, state, later);
    });
}

fn audit(disk: &SimDisk) -> Report {
    verify(&ledger_path(), &verifying(disk)).unwrap()
}

/// All faults but those of a tail that a dead writer left.
fn damage(report: &Report) -> Vec<&Fault> {
    report.faults.iter().filter(|fault| fault.class != FaultClass::TornTail).collect()
}

#[test]
fn an_audit_beside_a_writer_counts_what_was_acknowledged_and_finds_no_damage() {
    let heads = heads();
    between_any_two_calls(&lives(), |disk, state, later| {
        let report = audit(disk);
        check_count(report.records, state, later);
        assert_eq!(report.head, Some(heads[usize::try_from(report.records).unwrap()]));
        assert_eq!(damage(&report), [] as [&Fault; 0]);
        if state.locked && later.locked {
            assert_eq!((report.verdict(), report.end), (Verdict::Intact, LedgerEnd::Live));
        }
    });
}

#[test]
fn an_audit_that_goes_on_where_it_was_overtaken_finds_what_came_since_and_no_damage() {
    let heads = heads();
    between_any_two_calls(&lives(), |disk, state, later| {
        let ledger = ledger_path();
        let mut follower = Follower::new(&ledger, &verifying(disk));
        let first = follower.look().unwrap();
        let second = follower.look().unwrap();
        assert!(second.records >= first.records - first.unproven, "{second:?}");
        // The writer comes in the middle of either, or not at all.
        for report in [first, second] {
            check_count(report.records, state, later);
            assert_eq!(report.head, Some(heads[usize::try_from(report.records).unwrap()]));
            assert_eq!(damage(&report), [] as [&Fault; 0]);
        }
    });
}

#[test]
fn damage_is_found_beside_a_writer_and_nothing_else_is_called_so() {
    let has_three = |state: &State| state.files().contains_key(segment_path(2).to_str().unwrap());
    let states: Vec<State> = lives().into_iter().filter(has_three).collect();
    between_any_two_calls(&states, |disk, _, _| {
        disk.flip_on_read(&segment_path(0), 300, 1);
        let report = audit(disk);
        assert_eq!(report.verdict(), Verdict::Corrupt, "{report:?}");
        let segments: Vec<u64> = damage(&report).iter().map(|fault| fault.segment).collect();
        assert_eq!(segments, [0], "{report:?}");
    });
}
