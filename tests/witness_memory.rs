//! What a witness remembers: over restarts, failing disks and power cuts, and when many ask at once.

use std::path::Path;
use std::sync::Arc;

use schwabot::checkpoint::{KeyKind, Note, NoteError, Request, Witness, WitnessError};
use schwabot::hash;
use schwabot::ledger::disk::RealDisk;

use crate::support::dice::{Dice, SeededHost};
use crate::support::keys::key;
use crate::support::sim_disk::{Call, Failure, SimDisk, Unsynced};
use crate::support::witness::{
    MemoryLog, ORIGIN, Place, ask, cosigned, note_file, witness, witness_key,
};

#[test]
fn a_restart_goes_on_where_it_was_and_two_at_a_time_are_refused() {
    let place = Place::new();
    let first = place.witness();
    let request = place.log.request(0, 40);
    cosigned(&ask(&first, &request), &request.note);
    let log = vec![place.log.key().verifier().clone()];
    let open = |key, logs| {
        Witness::open(key, logs, &place.state(), Arc::new(RealDisk), Arc::new(SeededHost::new(1)))
    };
    let second = open(witness_key(1), log.clone());
    assert!(matches!(second, Err(WitnessError::Locked { .. })));
    drop(first);
    let again = place.witness();
    assert_eq!(ask(&again, &place.log.request(0, 50)).body, "40\n");
    assert_eq!(ask(&again, &MemoryLog::new(60, 7).request(40, 60)).status, 422);
    let request = place.log.request(40, 60);
    cosigned(&ask(&again, &request), &request.note);
    drop(again);
    let as_log = open(key("w", KeyKind::Log, 3), log);
    assert!(matches!(as_log, Err(WitnessError::NotACosigner { .. })));
    let of_witness = open(witness_key(1), vec![witness_key(2).verifier().clone()]);
    assert!(matches!(of_witness, Err(WitnessError::NotALog { .. })));
}

#[test]
fn a_state_that_cannot_be_read_is_a_500_and_nothing_is_signed() {
    let place = Place::new();
    let witness = place.witness();
    let request = place.log.request(0, 40);
    cosigned(&ask(&witness, &request), &request.note);
    let path = note_file(&place.state());
    let good = std::fs::read(&path).unwrap();
    let next = place.log.request(40, 41);
    let not_cosigned = place.log.note(40).to_string().into_bytes();
    for bad in [Vec::new(), good[..good.len() - 1].to_vec(), b"x".repeat(2 << 20), not_cosigned]
        .into_iter()
        .chain((0..good.len()).step_by(7).map(|at| {
            let mut bad = good.clone();
            bad[at] ^= 1;
            bad
        }))
    {
        std::fs::write(&path, &bad).unwrap();
        let answer = ask(&witness, &next);
        // A stranger's signature line may rot; the witness's own holds all that counts.
        let log_line = bad.len() == good.len()
            && Note::parse(&bad).is_ok_and(|note| {
                note.signed_by([witness_key(1).verifier()]).is_ok_and(|good| good.len() == 1)
            });
        if !log_line {
            assert_eq!(answer.status, 500, "{}", String::from_utf8_lossy(&bad));
            assert!(!answer.body.contains('\u{2014}'));
        }
    }
    std::fs::write(&path, &good).unwrap();
    cosigned(&ask(&witness, &next), &next.note);
}

#[test]
fn no_signature_leaves_before_the_note_is_durable_whichever_call_fails() {
    let state = Path::new("/disk/state");
    let id = hash::sha256(ORIGIN.as_bytes()).to_string();
    let log = MemoryLog::new(60, 0);
    let calls = [Call::Remove, Call::Create, Call::Write, Call::Sync, Call::Rename, Call::SyncDir];
    for call in calls {
        for failure in [Failure::Io, Failure::IoDropsPages, Failure::Full] {
            let disk = SimDisk::new();
            let first = witness(1, state, Arc::new(disk.clone()));
            let request = log.request(0, 20);
            cosigned(&ask(&first, &request), &request.note);
            disk.fail(Some(call), 0, failure);
            let answer = ask(&first, &log.request(20, 30));
            assert!(disk.has_failed());
            assert_eq!(answer.status, 500, "{call:?} {failure:?}: {}", answer.body);
            assert!(!answer.body.contains('\u{2014}'));
            // Nor later, by whatever way, until the witness looks at its disk anew.
            disk.heal();
            assert_eq!(ask(&first, &log.request(20, 30)).status, 500);
            assert_eq!(first.checkpoint(&id).status, 500);
            drop(first);
            // Whether the power fails or the process is started again: what left is remembered.
            for unsynced in
                [Unsynced::Lost, Unsynced::Kept].into_iter().chain((0..8).map(Unsynced::Chosen))
            {
                let disk = SimDisk::cut_power(&disk.state(), unsynced);
                let again = witness(1, state, Arc::new(disk));
                let size = ask(&again, &log.request(60, 60)).body;
                assert!(["20\n", "30\n"].contains(&size.as_str()), "{call:?}: {size}");
                assert_eq!(ask(&again, &log.request(0, 40)).status, 409);
            }
            // A note that a new process shows is one that no power cut takes back.
            let disk = SimDisk::kill(&disk.state());
            let shown = witness(1, state, Arc::new(disk.clone())).checkpoint(&id);
            let disk = SimDisk::cut_power(&disk.state(), Unsynced::Lost);
            assert_eq!(witness(1, state, Arc::new(disk)).checkpoint(&id), shown, "{call:?}");
        }
    }
}

#[test]
fn after_a_power_cut_at_any_call_everything_that_was_answered_is_remembered() {
    let state = Path::new("/disk/state");
    let log = MemoryLog::new(60, 0);
    let disk = SimDisk::new();
    let first = witness(1, state, Arc::new(disk.clone()));
    disk.record();
    for size in [10, 25, 26, 60] {
        let last = disk.state().noted.0;
        let request = log.request(last, size);
        cosigned(&ask(&first, &request), &request.note);
        disk.note(size, size);
    }
    for before in disk.history() {
        for unsynced in
            [Unsynced::Lost, Unsynced::Kept].into_iter().chain((0..8).map(Unsynced::Chosen))
        {
            let disk = SimDisk::cut_power(&before, unsynced);
            let again = witness(1, state, Arc::new(disk));
            let answer = ask(&again, &log.request(59, 60));
            let size: u64 = answer.body.trim_end().parse().unwrap();
            assert!(size >= before.noted.0, "{size} after {} was answered", before.noted.0);
        }
    }
}

#[test]
fn eight_that_race_never_roll_a_witness_back() {
    let place = Place::new();
    let witness = place.witness();
    let (log, fork) = (&place.log, &MemoryLog::new(300, 1 << 33));
    let known = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for seed in 0..8_u64 {
            let (witness, known) = (&witness, &known);
            scope.spawn(move || {
                let mut dice = Dice::new(seed);
                let mut old = 0;
                while old < 250 {
                    let size = (old + 1 + dice.below(20) as u64).min(250);
                    let from = if seed % 4 == 3 { fork } else { log };
                    let request = from.request(old, size);
                    let answer = ask(witness, &request);
                    match answer.status {
                        200 => {
                            let root = request.note.checkpoint().root;
                            known.lock().unwrap().push((old, size, root));
                            old = size;
                        }
                        409 => {
                            let now: u64 = answer.body.trim_end().parse().unwrap();
                            assert!(now >= old, "rolled back from {old} to {now}");
                            old = now;
                        }
                        422 => break,
                        other => panic!("{other}: {}", answer.body),
                    }
                }
            });
        }
    });
    let mut known = known.into_inner().unwrap();
    known.sort_unstable();
    // One path from nothing to the end: each step begins where the one before ended.
    let mut at = 0;
    let root = known[0].2;
    let winner = if root == log.note(known[0].1).checkpoint().root { log } else { fork };
    for (old, size, root) in known {
        assert_eq!(old, at);
        assert_eq!(root, winner.note(size).checkpoint().root);
        at = size;
    }
    assert_eq!(at, 250);
}

#[test]
fn a_note_too_long_to_be_read_again_is_not_stored() {
    let place = Place::new();
    let witness = place.witness();
    let checkpoint = place.log.note(5).checkpoint().to_string();
    let extended = checkpoint + &format!("{}\n", "x".repeat((1 << 20) - 300));
    // Signed as any other program would sign it.
    let unsigned = format!("{extended}\n\u{2014} {ORIGIN} AAAAAAAA\n");
    let mut note = Note::parse(unsigned.as_bytes()).unwrap();
    note.signatures.clear();
    note.sign(&place.log.key(), 0);
    assert!(note.to_string().len() <= 1 << 20);
    let answer = ask(&witness, &Request { old: 0, proof: Vec::new(), note });
    assert_eq!((answer.status, answer.body), (400, format!("{}\n", NoteError::TooLong)));
    let request = place.log.request(0, 5);
    cosigned(&ask(&witness, &request), &request.note);
}
