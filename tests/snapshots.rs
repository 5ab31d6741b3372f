//! Snapshots are a cache: believed only as far as the log confirms them.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use schwabot::event::Event;
use schwabot::kernel::World;
use schwabot::ledger::Reader;
use schwabot::projections::{UpTo, fold, fold_from_zero};

use crate::support::demo;
use crate::support::forge::loosen;

/// A ledger long enough for a snapshot, and its snapshots.
fn long(place: &Path) -> (PathBuf, Vec<PathBuf>) {
    let path = place.join("l");
    demo::record(&path, &[], 1, 36_000);
    let listed = std::fs::read_dir(path.join("snapshots")).unwrap();
    let mut snapshots: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
    snapshots.sort();
    (path, snapshots)
}

fn sequence_of(snapshot: &Path) -> u64 {
    let name = snapshot.file_name().unwrap().to_str().unwrap();
    name.split_once('-').unwrap().0.parse().unwrap()
}

#[test]
fn a_snapshot_and_the_tail_give_what_the_whole_log_gives_at_every_moment() {
    let place = tempfile::tempdir().unwrap();
    let (path, snapshots) = long(place.path());
    assert!(!snapshots.is_empty());
    let reader = Reader::open(&path).unwrap();
    let taken = sequence_of(&snapshots[0]);
    let mut moments = vec![UpTo::End];
    moments.extend([taken - 1, taken, taken + 1, reader.len() - 1].map(UpTo::Sequence));
    let time = fold(&reader, UpTo::Sequence(taken)).unwrap().time.unwrap();
    moments.push(UpTo::Time(time));
    for moment in moments {
        let (with, without) =
            (fold(&reader, moment).unwrap(), fold_from_zero(&reader, moment).unwrap());
        assert_eq!(with.world.findings(), without.world.findings(), "{moment:?}");
        assert_eq!(with.world.save().unwrap(), without.world.save().unwrap(), "{moment:?}");
        assert_eq!((with.records, with.time), (without.records, without.time), "{moment:?}");
    }
}

#[test]
fn a_damaged_foreign_or_forged_snapshot_changes_no_answer() {
    let place = tempfile::tempdir().unwrap();
    let (path, snapshots) = long(place.path());
    let reader = Reader::open(&path).unwrap();
    let whole = fold_from_zero(&reader, UpTo::End).unwrap();
    let snapshot = &snapshots[0];
    let bytes = std::fs::read(snapshot).unwrap();
    let folder = snapshot.parent().unwrap();
    let sequence = sequence_of(snapshot);
    std::fs::remove_file(snapshot).unwrap();
    let named = |bytes: &[u8], sequence: u64| {
        folder.join(format!("{sequence:012}-{}.snap", schwabot::hash::sha256(bytes)))
    };
    // One byte turned, under the name that its digest asks for: everywhere, in steps.
    for offset in (0..bytes.len()).step_by(bytes.len() / 150 + 1) {
        let mut forged = bytes.clone();
        forged[offset] ^= 1;
        let name = named(&forged, sequence);
        std::fs::write(&name, &forged).unwrap();
        let found = fold(&reader, UpTo::End).unwrap();
        // All but where records stand: that is no part of a state, and FORMAT.md says so.
        assert_eq!(found.world.state_root(), whole.world.state_root(), "byte {offset}");
        assert_eq!(found.world.findings(), whole.world.findings(), "byte {offset}");
        std::fs::remove_file(&name).unwrap();
    }
    // The right bytes at a wrong place, cut bytes, bytes of another name, another ledger's.
    let cut = &bytes[..bytes.len() / 2];
    let other = place.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let (_, foreign) = long(&other);
    let foreign = std::fs::read(&foreign[0]).unwrap();
    for (content, name) in [
        (bytes.as_slice(), named(&bytes, sequence - 1)),
        (cut, named(cut, sequence)),
        (bytes.as_slice(), named(cut, sequence)),
        (foreign.as_slice(), named(&foreign, sequence)),
        (b"".as_slice(), named(b"", sequence)),
    ] {
        std::fs::write(&name, content).unwrap();
        assert_eq!(fold(&reader, UpTo::End).unwrap(), whole);
        std::fs::remove_file(&name).unwrap();
    }
    // And the honest one, back in its place, is used: the answer is the same again.
    std::fs::write(snapshot, &bytes).unwrap();
    assert_eq!(fold(&reader, UpTo::End).unwrap(), whole);
}

proptest! {
    #![proptest_config(crate::support::cases(12))]

    /// A world that is saved and made again at any record goes on as if nothing had happened.
    #[test]
    fn a_world_made_again_at_any_record_folds_the_rest_to_the_same_state(
        seed in 0_u64..100,
        cut in 0.0_f64..1.0,
    ) {
        let settings = [("gate-cases", "3"), ("gate-bound", "0.1"), ("gate-edge", "false")];
        let log = demo::run(&settings, &demo::bars(seed, 700)).log;
        let place = (log.len() as f64 * cut) as usize;
        let mut world = World::default();
        for record in &log[..place] {
            world.evolve(&record.event, record.sequence, record.time);
        }
        let mut again = World::load(&world.save().unwrap()).unwrap();
        prop_assert_eq!(again.state_root(), world.state_root());
        for record in &log[place..] {
            world.evolve(&record.event, record.sequence, record.time);
            again.evolve(&record.event, record.sequence, record.time);
        }
        // What was found is no part of the state.
        prop_assert_eq!(again.save().unwrap(), world.save().unwrap());
        prop_assert_eq!(again.findings().total(), 0);
    }

    #[test]
    fn hostile_bytes_make_no_world_and_no_panic(
        flips in prop::collection::vec((0.0_f64..1.0, 0_u8..=255), 1..20),
    ) {
        let log = demo::run(&[], &demo::bars(1, 400)).log;
        let mut world = World::default();
        log.iter().for_each(|r| world.evolve(&r.event, r.sequence, r.time));
        let mut bytes = world.save().unwrap();
        for (place, byte) in flips {
            let place = (bytes.len() as f64 * place) as usize;
            bytes[place] = byte;
        }
        if let Ok(loaded) = World::load(&bytes) {
            drop(loaded.state_root());
            drop(loaded.registries().consistency());
            drop(loaded.registries().analytics());
        }
    }
}

#[test]
fn equal_runs_state_equal_roots_and_each_part_of_the_state_has_one_that_moves() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("l");
    demo::record(&path, &[], 1, 9_000);
    let roots: Vec<_> = loosen(&path)
        .into_iter()
        .filter_map(|record| match record.event {
            Event::StateRoot(root) => Some(root),
            _ => None,
        })
        .collect();
    assert!(roots.len() >= 4);
    let (first, last) = (&roots[0], &roots[roots.len() - 1]);
    for (before, after) in first.roots.iter().zip(&last.roots) {
        assert_ne!(before.digest, after.digest, "{:?} never moved", before.projection);
    }
}
