//! Packing and unpacking on a disk that fails and loses power: at every step the ledger holds all
//! that it held, and the next call completes the work.

#![expect(clippy::print_stderr, reason = "how much was reached belongs in the test's report")]

use std::collections::BTreeSet;
use std::sync::Arc;

use schwabot::audit::{Level, VerifyOptions, backup, verify};
use schwabot::hash;
use schwabot::ledger::packed::{Packing, pack, packed_path, unpack};
use schwabot::ledger::{LedgerError, SyncMode};

use crate::is_full;
use crate::support::dice::Dice;
use crate::support::notes::step;
use crate::support::sim_disk::{Call, Failure, SimDisk, State, Unsynced};
use crate::support::sim_ledger::{
    Seen, faults, ledger_path, open, read, segment_bytes, segment_path, sim_options,
};

type Work = fn(&SimDisk) -> Result<Packing, LedgerError>;

fn packs(disk: &SimDisk) -> Result<Packing, LedgerError> {
    pack(disk, &ledger_path())
}

fn unpacks(disk: &SimDisk) -> Result<Packing, LedgerError> {
    unpack(disk, &ledger_path())
}

/// Writers of several epochs, one of them cut off by a power cut, so that a segment ends in dead
/// bytes; nothing of it is left to be synced.
fn lives() -> SimDisk {
    let disk = SimDisk::new();
    let mut writer = open(&disk, &sim_options(&disk, SyncMode::Always, 1024, 1)).unwrap();
    for number in 0..12 {
        writer.append(&step(&[number])).unwrap();
    }
    writer.close().unwrap();
    let mut writer = open(&disk, &sim_options(&disk, SyncMode::End, 4096, 2)).unwrap();
    for number in 12..30 {
        writer.append(&step(&[number])).unwrap();
    }
    writer.sync().unwrap();
    drop(writer);
    let torn = segment_path(segment_bytes(&disk.state()).len() as u64 - 1);
    let disk = SimDisk::cut_power(&disk.state(), Unsynced::Kept);
    disk.alter(&torn, |bytes| {
        let end = bytes.len();
        bytes[end - 700..end - 600].fill(9);
    });
    let mut writer = open(&disk, &sim_options(&disk, SyncMode::Always, 2048, 3)).unwrap();
    for number in 30..40 {
        writer.append(&step(&[number])).unwrap();
    }
    writer.close().unwrap();
    assert_eq!(read(&disk).unwrap().recovered.len(), 1);
    SimDisk::cut_power(&disk.state(), Unsynced::Kept)
}

/// The names in `segments/` but for derived ones, with their bytes.
fn names(disk: &SimDisk) -> Vec<(String, Vec<u8>)> {
    let files = disk.state().files().into_iter();
    files.filter(|(path, _)| path.contains("/segments/") && !path.ends_with(".idx")).collect()
}

fn audit(disk: &SimDisk) -> String {
    let options = VerifyOptions {
        threads: 1,
        disk: Arc::new(disk.clone()),
        level: Some(Level::Tree),
        ..VerifyOptions::default()
    };
    serde_json::to_string(&verify(&ledger_path(), &options).unwrap()).unwrap()
}

/// What is to be found at every step, and at the end.
struct Due {
    seen: Seen,
    audit: String,
    done: Vec<(String, Vec<u8>)>,
}

/// Checks a disk after a crash: all is there, and the work is completed by the next call.
fn check(disk: &SimDisk, work: Work, due: &Due) {
    assert_eq!(read(disk).unwrap(), due.seen, "a reader beside it sees all");
    assert_eq!(faults(disk), []);
    assert_eq!(audit(disk), due.audit);
    work(disk).unwrap();
    assert_eq!(names(disk), due.done, "the next call completes it");
    assert_eq!(read(disk).unwrap(), due.seen);
}

/// The disk after every call of a piece of work, and what is due.
fn steps(sound: &SimDisk, work: Work) -> (Vec<State>, Due) {
    let disk = SimDisk::kill(&sound.state());
    let (seen, said) = (read(&disk).unwrap(), audit(&disk));
    disk.record();
    assert!(work(&disk).unwrap().segments > 2);
    let states = disk.history();
    assert_eq!(read(&disk).unwrap(), seen);
    (states, Due { seen, audit: said, done: names(&disk) })
}

/// Ways to cut the power: nothing kept, all kept, and drawn ones.
fn cuts(state: &State, place: u64) -> Vec<SimDisk> {
    let drawn = if is_full() { 64 } else { 8 };
    let all = [Unsynced::Lost, Unsynced::Kept].into_iter();
    let mut dice = Dice::new(place);
    let seeds: Vec<u64> = (0..drawn).map(|_| dice.below(1 << 30) as u64).collect();
    let ways = all.chain(seeds.into_iter().map(Unsynced::Chosen));
    ways.map(|way| SimDisk::cut_power(state, way)).collect()
}

fn crash_everywhere(what: &str, sound: &SimDisk, work: Work) {
    let (states, due) = steps(sound, work);
    let mut reached = BTreeSet::new();
    for (place, state) in (0_u64..).zip(&states) {
        for disk in cuts(state, place).into_iter().chain([SimDisk::kill(state)]) {
            let bytes: Vec<u8> = disk
                .state()
                .files()
                .into_iter()
                .flat_map(|(path, held)| [path.into_bytes(), held].concat())
                .collect();
            if reached.insert(hash::sha256(&bytes)) {
                check(&disk, work, &due);
            }
        }
    }
    eprintln!("{what}: {} steps, {} distinct crash points", states.len(), reached.len());
    assert!(states.len() > 20 && reached.len() > 20);
}

#[test]
fn a_crash_at_any_step_of_packing_loses_nothing_and_the_next_call_completes_it() {
    crash_everywhere("packing", &lives(), packs);
}

#[test]
fn a_crash_at_any_step_of_unpacking_loses_nothing_and_the_next_call_completes_it() {
    let disk = lives();
    let before = names(&disk);
    packs(&disk).unwrap();
    crash_everywhere("unpacking", &disk, unpacks);
    unpacks(&disk).unwrap();
    assert_eq!(names(&disk), before, "byte for byte as it was");
}

#[test]
fn a_call_that_fails_leaves_a_ledger_that_holds_all_and_packs_once_the_disk_is_well() {
    let sound = lives();
    for (is_packed, work) in [(false, packs as Work), (true, unpacks)] {
        let sound = SimDisk::kill(&sound.state());
        if is_packed {
            packs(&sound).unwrap();
        }
        let (states, due) = steps(&sound, work);
        for failure in [Failure::Io, Failure::IoDropsPages, Failure::Full] {
            for passes in 0..states.len() as u64 - 1 {
                let disk = SimDisk::kill(&sound.state());
                disk.fail(None, passes, failure);
                assert!(work(&disk).is_err(), "{failure:?} of call {passes} is told");
                assert!(disk.has_failed());
                disk.heal();
                for disk in [
                    SimDisk::kill(&disk.state()),
                    SimDisk::cut_power(&disk.state(), Unsynced::Lost),
                ] {
                    check(&disk, work, &due);
                }
            }
        }
    }
}

#[test]
fn a_read_that_fails_is_told_and_removes_nothing() {
    let sound = lives();
    for failure in [Failure::Io, Failure::Short] {
        for passes in 0.. {
            let disk = SimDisk::kill(&sound.state());
            disk.fail(Some(Call::Read), passes, failure);
            let done = packs(&disk);
            if !disk.has_failed() {
                break;
            }
            // A short read of a file's beginning can be told from a short file only by looking on.
            match done {
                Ok(_) => assert!(matches!(failure, Failure::Short), "read {passes} was swallowed"),
                Err(LedgerError::Io { .. }) => {}
                Err(error) => panic!("{failure:?} of read {passes}: {error}"),
            }
            assert_eq!(read(&disk).unwrap(), read(&sound).unwrap(), "{failure:?} of read {passes}");
        }
    }
}

#[test]
fn a_copy_that_reads_back_otherwise_is_never_taken_for_the_original() {
    let disk = lives();
    let before = names(&disk);
    let copy = SimDisk::kill(&disk.state());
    packs(&copy).unwrap();
    let path = packed_path(&segment_path(2));
    // The copy is there, whole and durable, beside its original, and the disk shows it wrong.
    let original = before.iter().find(|(name, _)| name.ends_with("000000000002.seg")).unwrap();
    let whole = disk.state().files();
    assert!(whole.contains_key(&original.0));
    let beside = SimDisk::kill(&copy.state());
    put(&beside, &segment_path(2), &original.1);
    for offset in [0, 30, 200] {
        let disk = SimDisk::kill(&beside.state());
        disk.flip_on_read(&path, offset, 0x20);
        // It is made again from the original, which is what counts.
        packs(&disk).unwrap();
        assert_eq!(names(&disk), names(&copy));
    }
}

fn put(disk: &SimDisk, path: &std::path::Path, bytes: &[u8]) {
    use schwabot::ledger::disk::Disk;
    let file = disk.create(path).unwrap();
    file.write_at(bytes, 0).unwrap();
    file.sync().unwrap();
    disk.sync_dir(path.parent().unwrap()).unwrap();
}

#[test]
fn a_ledger_that_is_packed_at_every_crash_point_of_its_life_goes_on() {
    let disk = lives();
    packs(&disk).unwrap();
    let before = read(&disk).unwrap();
    let mut writer = open(&disk, &sim_options(&disk, SyncMode::Always, 1024, 7)).unwrap();
    disk.record();
    for number in before.notes..before.notes + 10 {
        writer.append(&step(&[number])).unwrap();
    }
    drop(writer);
    for (place, state) in (0_u64..).zip(disk.history()) {
        for disk in cuts(&state, place) {
            packs(&disk).unwrap_or_else(|error| panic!("step {place}: {error}"));
            let seen = read(&disk).unwrap();
            assert!(seen.notes >= before.notes, "what was closed stays");
            let mut writer = open(&disk, &sim_options(&disk, SyncMode::Always, 1024, 8)).unwrap();
            writer.append(&step(&[seen.notes])).unwrap();
            writer.close().unwrap();
            assert_eq!(read(&disk).unwrap().notes, seen.notes + 1);
            assert_eq!(faults(&disk), []);
        }
    }
}

#[test]
fn a_backup_of_a_packed_ledger_is_that_of_the_plain_one() {
    let (plain, packed) = (lives(), lives());
    packs(&packed).unwrap();
    let dir = std::path::Path::new("/disk/safe");
    let copies = [plain, packed].map(|disk| {
        backup(&disk, &ledger_path(), dir).unwrap();
        let files = disk.state().files().into_iter();
        files.filter(|(path, _)| path.starts_with("/disk/safe/")).collect::<Vec<_>>()
    });
    assert!(copies[0] == copies[1] && copies[0].len() > 5);
}
