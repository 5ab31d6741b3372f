//! A crash after every call to the disk, with every part of what was not synced: every acknowledged
//! record and every checkpoint that was given out survives, nothing is invented, no old byte is
//! altered, and the ledger goes on; and the same for crashes of the recovery itself.
//!
//! A power cut picks for each unsynced sector one of its versions, for each unsynced length one of
//! those it had, and for each unsynced change of a directory whether it lasted. Where a state has at
//! most [`Bounds::first`] combinations (for a step of a recovery: [`Bounds::again`]) all of them are
//! tried. Where it has more: nothing kept, all kept, each single choice departing from either, each
//! beginning of the choices kept in order, and then as many drawn ones as the bound leaves room for.

#![expect(clippy::print_stderr, reason = "how much was reached belongs in the test's report")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use schwabot::audit::{VerifyOptions, verify};
use schwabot::checkpoint::{KeyFile, KeyKind, SigningKey, read_notes, sign_head};
use schwabot::hash;
use schwabot::ledger::SyncMode;
use schwabot::ledger::disk::Disk;
use schwabot::ledger::layout::Layout;

use crate::is_full;
use crate::support::dice::Dice;
use crate::support::notes::{Note, step};
use crate::support::sim_disk::{SimDisk, State, Unsynced};
use crate::support::sim_ledger::{check_after_crash, ledger_path, open, read, sim_options};

/// Up to how many combinations of what was not synced are tried.
#[derive(Clone, Copy)]
struct Bounds {
    /// After a call of the script.
    first: usize,
    /// After a call of a recovery.
    again: usize,
    /// The recoveries of one in so many disks are cut again: those of one state are much alike.
    again_one_in: usize,
}

fn bounds() -> Bounds {
    if is_full() {
        Bounds { first: 256, again: 32, again_one_in: 32 }
    } else {
        Bounds { first: 16, again: 6, again_one_in: 40 }
    }
}

fn key_path() -> PathBuf {
    PathBuf::from("/disk/log.key")
}

fn key(disk: &SimDisk) -> Option<KeyFile> {
    KeyFile::open(Arc::new(disk.clone()), &key_path()).ok()
}

/// Signs the head and notes that the checkpoint was given out.
fn sign(disk: &SimDisk, seed: u64) -> u64 {
    let options = sim_options(disk, SyncMode::Always, 1024, seed);
    let signed = sign_head::<Note>(&ledger_path(), &key(disk).unwrap(), &options).unwrap();
    let size = signed.note.checkpoint().size;
    disk.note_signed(size);
    size
}

/// A life of several writers and signers, all on one disk; returns the disk after every call.
fn lives() -> Vec<State> {
    let disk = SimDisk::new();
    disk.record();
    let own = SigningKey::from_seed("example.com/bot", KeyKind::Log, &[1; 32]).unwrap();
    KeyFile::create(Arc::new(disk.clone()), &key_path(), own).unwrap();
    let mut notes;
    let lives = [
        // (mode, segment length, steps, records a step, sync every, closes, is signed afterwards)
        (SyncMode::Always, 1024, 14, 1, 1, false, false),
        (SyncMode::End, 2048, 30, 2, 7, true, true),
        (SyncMode::Always, 1024, 5, 13, 1, true, false),
        (SyncMode::End, 4096, 40, 3, 11, false, true),
        (SyncMode::Always, 2048, 8, 1, 1, true, false),
        (SyncMode::End, 1024, 60, 1, 13, false, false),
        (SyncMode::Always, 4096, 6, 2, 1, false, true),
    ];
    for (life, (sync, segment_bytes, steps, each, sync_every, closes, signs)) in (1..).zip(lives) {
        let options = sim_options(&disk, sync, segment_bytes, life);
        let mut writer = open(&disk, &options).unwrap();
        notes = read(&disk).unwrap().notes;
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
        } else {
            drop(writer);
        }
        if signs {
            sign(&disk, 100 + life);
        }
    }
    assert_eq!(read(&disk).unwrap().recovered, [], "no bytes die where no power is cut");
    disk.history()
}

/// Counts crashes, and the crash points that they reached: what a disk holds, together with what was
/// promised when the power went.
#[derive(Default)]
struct Reached {
    tried: u64,
    /// States of which every combination was tried, and all states.
    whole: (u64, u64),
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
        bytes.extend_from_slice(&state.signed.to_le_bytes());
        self.disks.insert(hash::sha256(&bytes))
    }

    fn report(&self, what: &str) -> usize {
        let (whole, all) = self.whole;
        let distinct = self.disks.len();
        eprintln!(
            "{what}: {} crashes, {distinct} distinct crash points; {whole} of {all} states in every \
             combination",
            self.tried
        );
        distinct
    }

    /// The ways to cut the power at a state.
    fn cuts(&mut self, state: &State, limit: usize, seed: u64) -> Vec<Vec<usize>> {
        let choices = state.choices();
        let all = choices.iter().try_fold(1_usize, |all, count| all.checked_mul(*count));
        self.whole.1 += 1;
        if let Some(all) = all.filter(|all| *all <= limit) {
            self.whole.0 += 1;
            return (0..all).map(|number| combination(&choices, number)).collect();
        }
        some_combinations(&choices, limit, seed)
    }
}

/// The combination with this number, of all that the choices allow.
fn combination(choices: &[usize], mut number: usize) -> Vec<usize> {
    let digit = |count: &usize| {
        let picked = number % count;
        number /= count;
        picked
    };
    choices.iter().map(digit).collect()
}

fn some_combinations(choices: &[usize], limit: usize, seed: u64) -> Vec<Vec<usize>> {
    let none = vec![0; choices.len()];
    let all: Vec<usize> = choices.iter().map(|count| count - 1).collect();
    let mut found = BTreeSet::from([none.clone(), all.clone()]);
    for place in 0..choices.len() {
        for (from, to) in [(&none, &all), (&all, &none)] {
            let mut one = from.clone();
            one[place] = to[place];
            found.insert(one);
        }
        let beginning = all.iter().take(place).chain(none.iter().skip(place));
        found.insert(beginning.copied().collect());
    }
    let mut dice = Dice::new(seed);
    // Cut down to the bound, but never in favour of the same few.
    while found.len() > limit.max(2) {
        let place = dice.below(found.len());
        let leaves = found.iter().nth(place).cloned();
        found.retain(|one| Some(one) != leaves.as_ref() || *one == none || *one == all);
    }
    for _ in found.len()..limit {
        found.insert(choices.iter().map(|count| dice.below(*count)).collect());
    }
    found.into_iter().collect()
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

/// A checkpoint that was given out is remembered, lies in the ledger, and the log continues it.
fn check_checkpoints(disk: &SimDisk) {
    let signed = disk.state().signed;
    let last = key(disk).and_then(|key| key.last().unwrap());
    let remembered = last.as_ref().map_or(0, |note| note.checkpoint().size);
    assert!(remembered >= signed, "the key forgot {signed}, it remembers {remembered}");
    let notes = read_notes(disk, &Layout::new(&ledger_path())).unwrap();
    let sizes = notes.into_iter().map(|file| file.note.unwrap().checkpoint().size);
    let newest = sizes.max().unwrap_or(0);
    assert!(newest >= signed, "the ledger lost the checkpoint of {signed} records");
    let Some(last) = last else { return };
    let options = VerifyOptions {
        threads: 1,
        disk: Arc::new(disk.clone()),
        against: Some(last),
        ..VerifyOptions::default()
    };
    let report = verify(&ledger_path(), &options).unwrap();
    assert!(matches!(report.exit_code(), 0 | 10), "{report:?}");
}

/// Checks a disk after a crash, and that its head can still be signed; returns the disk after every
/// call of its recovery.
fn check(disk: &SimDisk, seed: u64) -> Vec<State> {
    check_checkpoints(disk);
    let steps = check_after_crash(disk, seed);
    if disk.state().signed > 0 && seed.is_multiple_of(8) {
        sign(disk, seed);
        check_checkpoints(disk);
    }
    steps
}

/// Cuts the power at each state in many ways, checks each, and cuts it once more at every step of
/// the recoveries.
fn cut_everywhere(reached: &mut Reached, states: &[State], bounds: Bounds) {
    for (place, state) in (0_u64..).zip(states) {
        let cuts = reached.cuts(state, bounds.first, place);
        for (turn, cut) in cuts.iter().enumerate() {
            let disk = SimDisk::cut_power_at(state, cut);
            if !reached.is_new(&disk.state()) {
                continue;
            }
            let _place = Place(format!("state {place}, after {:?}, picked {cut:?}", state.call));
            let steps = check(&disk, place);
            if !turn.is_multiple_of(bounds.again_one_in) {
                continue;
            }
            for (number, step) in steps.iter().enumerate() {
                for cut in reached.cuts(step, bounds.again, place) {
                    let disk = SimDisk::cut_power_at(step, &cut);
                    if reached.is_new(&disk.state()) {
                        let call = step.call;
                        let _place = Place(format!("recovery {number}, {call:?}, {cut:?}"));
                        check(&disk, place + 1);
                    }
                }
            }
        }
    }
}

#[test]
fn a_power_cut_after_any_call_loses_nothing_acknowledged_and_invents_nothing() {
    let mut reached = Reached::default();
    cut_everywhere(&mut reached, &lives(), bounds());
    let distinct = reached.report("power cuts");
    let least = if is_full() { 60_000 } else { 5_000 };
    assert!(distinct > least, "only {distinct} crash points");
}

#[test]
fn a_directory_that_somebody_else_made_lasts_before_a_record_in_it_is_acknowledged() {
    let disk = SimDisk::new();
    let path = ledger_path();
    let above = path.parent().unwrap();
    disk.create_dir(above).unwrap();
    disk.sync_dir(above.parent().unwrap()).unwrap();
    // Its name is not durable, and whoever made it does not care.
    disk.create_dir(&path).unwrap();
    disk.record();
    drop(open(&disk, &sim_options(&disk, SyncMode::Always, 4096, 1)).unwrap());
    let states = disk.history();
    assert!(states.len() > 8, "opening has {} calls", states.len());
    for (place, state) in (0_u64..).zip(&states) {
        // The first opener died here, and the next one goes on with what it finds.
        let disk = SimDisk::kill(state);
        let mut writer = open(&disk, &sim_options(&disk, SyncMode::Always, 4096, place)).unwrap();
        writer.append(&step(&[0])).unwrap();
        drop(writer);
        let survivor = SimDisk::cut_power(&disk.state(), Unsynced::Lost);
        let mut writer =
            open(&survivor, &sim_options(&survivor, SyncMode::Always, 4096, 9)).unwrap();
        assert_eq!(writer.next_sequence(), 1, "killed after {:?}", state.call);
        writer.append(&step(&[1])).unwrap();
    }
}

#[test]
fn a_power_cut_while_a_killed_writers_ledger_is_recovered_loses_nothing() {
    let mut reached = Reached::default();
    let bounds = Bounds { first: bounds().again, again: 0, again_one_in: usize::MAX };
    // All of them where there is time; else states far enough apart to meet every kind of call.
    let apart = if is_full() { 1 } else { 7 };
    for (place, state) in (0_u64..).zip(&lives()).step_by(apart) {
        let _place = Place(format!("killed at state {place}, after {:?}", state.call));
        // The page cache outlives the process: recovery sees bytes that are not durable.
        let steps = check(&SimDisk::kill(state), place);
        cut_everywhere(&mut reached, &steps, bounds);
    }
    let distinct = reached.report("power cuts while a killed writer's ledger is recovered");
    assert!(distinct > 2_000, "only {distinct} crash points");
}
