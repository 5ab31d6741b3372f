//! What fuzzing found, and where it began: replayed, and changed at random a little.
//!
//! The corpus of a target is `tests/corpus/<target>/`, one input a file; `tools/fuzz/run` fills it
//! (see `src/docs/RELIABILITY.md`). Every input runs here through the very function that is fuzzed,
//! and so do the seeds, which are made anew so that they stay understood when a format changes.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::support::dice::Dice;

#[path = "support/fuzz_targets/mod.rs"]
mod fuzz_targets;

use fuzz_targets::seeds::seeds;
use fuzz_targets::{TARGETS, Target};

/// Bytes of the longest committed input, and of all of them together.
const INPUT_BYTES_MAX: usize = 16 << 10;
const CORPUS_BYTES_MAX: usize = 400 << 10;
/// Inputs of a target.
const INPUTS_MAX: usize = 60;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus"))
}

/// The committed inputs of a target, by name.
fn corpus(target: &Target) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(folder().join(target.name)) else { return Vec::new() };
    let mut inputs: Vec<(String, Vec<u8>)> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(&path).unwrap())
        })
        .collect();
    inputs.sort();
    inputs
}

/// Runs one input, and says which if it breaks a law.
fn run(target: &Target, name: &str, input: &[u8]) -> bool {
    let ran = std::panic::catch_unwind(|| (target.run)(input));
    ran.unwrap_or_else(|_| panic!("{}: {name} breaks a law: {}", target.name, hex(input)))
}

fn hex(input: &[u8]) -> String {
    input.iter().take(2_000).map(|byte| format!("{byte:02x}")).collect()
}

/// Changes an input a little: a few bits, bytes, numbers at their limits, stretches of another.
fn changed(dice: &mut Dice, input: &[u8], other: &[u8]) -> Vec<u8> {
    const LIMITS: [u64; 6] = [0, 1, 0x7f, u64::MAX, 1 << 62, 0xffff];
    let mut bytes = input.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        let width = (1 << dice.below(4)).min(bytes.len() - at);
        match dice.below(7) {
            0 if width > 0 => bytes[at] ^= 1 << dice.below(8),
            1 if width > 0 => bytes[at] = dice.next().to_le_bytes()[0],
            2 => {
                let limit = LIMITS[dice.below(LIMITS.len())].to_le_bytes();
                bytes[at..at + width].copy_from_slice(&limit[..width]);
            }
            3 => bytes.truncate(at),
            4 => bytes.insert(at, dice.next().to_le_bytes()[0]),
            5 => drop(bytes.drain(at..at + width)),
            _ => {
                let from = dice.below(other.len() + 1);
                let length = dice.below(64).min(other.len() - from);
                bytes.splice(at..at, other[from..from + length].iter().copied());
            }
        }
    }
    bytes
}

#[test]
fn every_input_that_was_ever_found_keeps_every_law_and_each_target_understands_some() {
    for target in TARGETS {
        let inputs = corpus(target);
        assert!(!inputs.is_empty(), "{}: the corpus is empty", target.name);
        let understood = inputs.iter().filter(|(name, input)| run(target, name, input)).count();
        assert!(understood > 0, "{}: no input of the corpus is understood", target.name);
    }
}

#[test]
fn the_seeds_of_every_target_are_understood() {
    for target in TARGETS {
        let seeds = seeds(target.name);
        let understood = seeds.iter().filter(|seed| run(target, "a seed", seed)).count();
        assert!(understood > 0, "{}: none of {} seeds is understood", target.name, seeds.len());
    }
}

#[test]
fn random_changes_of_the_corpus_keep_every_law() {
    let full = std::env::var_os("SCHWABOT_FAULTS").is_some_and(|value| value == "full");
    for target in TARGETS {
        let mut inputs = seeds(target.name);
        inputs.extend(corpus(target).into_iter().map(|(_, input)| input));
        let mut dice = Dice::new(1);
        for number in 0..target.changes * if full { 50 } else { 1 } {
            let (one, other) = (dice.below(inputs.len()), dice.below(inputs.len()));
            let input = changed(&mut dice, &inputs[one], &inputs[other]);
            run(target, &format!("change {number}"), &input);
        }
    }
}

#[test]
fn the_corpus_is_small_and_of_known_targets_only() {
    let known: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let folders = std::fs::read_dir(folder()).unwrap();
    let folders: BTreeSet<String> =
        folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(folders, known);
    let mut bytes = 0;
    for target in TARGETS {
        let inputs = corpus(target);
        assert!(inputs.len() <= INPUTS_MAX, "{}: {} inputs", target.name, inputs.len());
        for (name, input) in inputs {
            assert!(input.len() <= INPUT_BYTES_MAX, "{}/{name} is long", target.name);
            bytes += input.len();
        }
    }
    assert!(bytes <= CORPUS_BYTES_MAX, "{bytes} bytes");
}

/// With `SCHWABOT_WRITE_SEEDS=DIR` the seeds are written there, a folder a target.
#[test]
fn seeds_are_written_where_they_are_asked_for() {
    let Some(place) = std::env::var_os("SCHWABOT_WRITE_SEEDS") else { return };
    for target in TARGETS {
        let folder = PathBuf::from(&place).join(target.name);
        std::fs::create_dir_all(&folder).unwrap();
        for (number, seed) in seeds(target.name).iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number:03}")), seed).unwrap();
        }
    }
}
