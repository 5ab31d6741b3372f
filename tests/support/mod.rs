//! What tests of several subjects share.

pub(crate) mod cli;
pub(crate) mod demo;
pub(crate) mod dice;
pub(crate) mod document;
pub(crate) mod documents;
pub(crate) mod forge;
pub(crate) mod keys;
pub(crate) mod market;
pub(crate) mod notes;
#[allow(dead_code, reason = "each test program uses a part of what tests share")]
pub(crate) mod packing;
#[allow(dead_code, reason = "a program of tests may measure no memory")]
pub(crate) mod peak;
pub(crate) mod rechain;
pub(crate) mod runs;
pub(crate) mod samples;
pub(crate) mod samples_domain;
pub(crate) mod samples_import;
pub(crate) mod schema;
#[allow(dead_code, reason = "each test program uses a part of what the disk can do")]
pub(crate) mod sim_disk;
#[allow(dead_code, reason = "each test program uses a part of what is checked with it")]
pub(crate) mod sim_ledger;
pub(crate) mod source;
pub(crate) mod vectors;
pub(crate) mod witness;

use std::path::{Path, PathBuf};

/// The result of a test that reads files.
pub(crate) type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Returns a file or folder of the shared market data, or none (and says so) where it is absent.
///
/// Looks in the folder that `SCHWABOT_SHARED_DATA` names, else in `../shared/data`.
#[expect(clippy::print_stderr, reason = "a test that tests nothing must say so")]
pub(crate) fn shared_data(name: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data"));
    let root = std::env::var_os("SCHWABOT_SHARED_DATA").map_or_else(beside, PathBuf::from);
    let path = root.join(name);
    let found = path.exists();
    if !found {
        eprintln!("NOT TESTED: {} is absent; set SCHWABOT_SHARED_DATA", path.display());
    }
    found.then_some(path)
}

/// Says to whom it may concern that a test is over, also where it panics: a thread that is not told
/// so works on for ever, and its scope waits for it.
pub(crate) struct Finally<'a>(pub(crate) &'a std::sync::atomic::AtomicBool);

impl Drop for Finally<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

/// Copies a directory with all that is in it.
pub(crate) fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_dir(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// So many cases a law; a failing one is printed and not kept in a file.
pub(crate) fn cases(cases: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config { cases, failure_persistence: None, ..Default::default() }
}
