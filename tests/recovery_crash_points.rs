//! A crash after every call to the disk, with any part of what was not synced: every acknowledged
//! record survives, nothing is invented, no old byte is altered, and the ledger goes on; and the
//! same for crashes of the recovery itself.

#![expect(clippy::print_stderr, reason = "how much was reached belongs in the test's report")]

use std::collections::BTreeSet;

use schwabot::hash;
use schwabot::ledger::SyncMode;

use crate::support::dice::Dice;
use crate::support::notes::step;
use crate::support::sim_disk::{SimDisk, State, Unsynced};
use crate::support::sim_ledger::{check_after_crash, open, read, sim_options};

/// A life of several writers, all on one disk; returns the disk after every call.
fn lives() -> Vec<State> {
    let disk = SimDisk::new();
    disk.record();
    let mut notes = 0;
    let lives = [
        // (mode, segment length, steps, records a step, sync every, closes)
        (SyncMode::Always, 1024, 14, 1, 1, false),
        (SyncMode::End, 2048, 30, 2, 7, true),
        (SyncMode::Always, 1024, 5, 13, 1, true),
        (SyncMode::End, 4096, 40, 3, 11, false),
        (SyncMode::Always, 2048, 8, 1, 1, true),
        (SyncMode::End, 1024, 60, 1, 13, false),
        (SyncMode::Always, 4096, 6, 2, 1, false),
    ];
    for (life, (sync, segment_bytes, steps, each, sync_every, closes)) in (1..).zip(lives) {
        let options = sim_options(&disk, sync, segment_bytes, life);
        let mut writer = open(&disk, &options).unwrap();
        // The page cache of the process before still shows all that it wrote.
        assert!(writer.next_sequence() <= notes);
        notes = writer.next_sequence();
        disk.note(notes, notes);
        let mut acknowledged = notes;
        for turn in 1..=steps {
            let numbers: Vec<u64> = (notes..notes + each).collect();
            notes += each;
            disk.note(acknowledged, notes);
            writer.append(&step(&numbers)).unwrap();
            if turn % sync_every == 0 {
                writer.sync().unwrap();
                acknowledged = notes;
            }
            disk.note(acknowledged, notes);
        }
        if closes {
            writer.close().unwrap();
            disk.note(notes, notes);
        }
    }
    assert_eq!(read(&disk).unwrap().recovered, [], "no bytes die where no power is cut");
    disk.history()
}

/// Counts crashes, and the distinct disks that they left.
#[derive(Default)]
struct Reached {
    tried: u64,
    disks: BTreeSet<hash::Digest>,
}

impl Reached {
    /// True for a disk that was not met before.
    fn is_new(&mut self, state: &State) -> bool {
        self.tried += 1;
        let mut bytes = Vec::new();
        for (path, held) in state.files() {
            bytes.extend_from_slice(path.as_bytes());
            bytes.extend_from_slice(&(held.len() as u64).to_le_bytes());
            bytes.extend_from_slice(&held);
        }
        bytes.extend_from_slice(&state.noted.0.to_le_bytes());
        self.disks.insert(hash::sha256(&bytes))
    }
}

fn cuts(seed: u64, random: u64) -> impl Iterator<Item = Unsynced> {
    let chosen = (0..random).map(move |turn| Unsynced::Chosen(seed * 1_000 + turn));
    [Unsynced::Lost, Unsynced::Kept].into_iter().chain(chosen)
}

/// Says where a check failed.
struct Place(String);

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("at {}", self.0);
        }
    }
}

/// Cuts the power at a state in several ways, checks each, and cuts it once more at every step of
/// each recovery.
fn cut_everywhere(reached: &mut Reached, states: &[State], random: u64, again: u64) {
    for (place, state) in (0_u64..).zip(states) {
        for (turn, unsynced) in cuts(place, random).enumerate() {
            let disk = SimDisk::cut_power(state, unsynced);
            if !reached.is_new(&disk.state()) {
                continue;
            }
            let call = state.call;
            let _place = Place(format!("state {place}, after {call:?}, {unsynced:?}"));
            let steps = check_after_crash(&disk, place);
            // The recoveries of two disks of one state are much alike: not all are cut again.
            let again = if turn % 8 == 0 { again } else { 0 };
            let mut dice = Dice::new(place);
            for (turn, step) in steps.iter().enumerate() {
                let _place = Place(format!("recovery step {turn}, after {:?}", step.call));
                for _ in 0..again {
                    let disk = SimDisk::cut_power(step, Unsynced::Chosen(dice.next()));
                    if reached.is_new(&disk.state()) {
                        check_after_crash(&disk, place + 1);
                    }
                }
            }
        }
    }
}

#[test]
fn a_power_cut_after_any_call_loses_nothing_acknowledged_and_invents_nothing() {
    let mut reached = Reached::default();
    let states = lives();
    cut_everywhere(&mut reached, &states, 24, 1);
    eprintln!(
        "{} calls, {} crashes, {} distinct disks",
        states.len(),
        reached.tried,
        reached.disks.len()
    );
    assert!(reached.disks.len() > 10_000, "only {} crash points", reached.disks.len());
}

#[test]
fn a_power_cut_while_a_killed_writers_ledger_is_recovered_loses_nothing() {
    let mut reached = Reached::default();
    for (place, state) in (0_u64..).zip(&lives()) {
        let _place = Place(format!("killed at state {place}, after {:?}", state.call));
        // The page cache outlives the process: recovery sees bytes that are not durable.
        let steps = check_after_crash(&SimDisk::kill(state), place);
        cut_everywhere(&mut reached, &steps, 1, 0);
    }
    eprintln!("{} crashes, {} distinct disks", reached.tried, reached.disks.len());
    assert!(reached.disks.len() > 2_000, "only {} crash points", reached.disks.len());
}
