//! The order of system calls: what is promised stands on the disk before the promise is told.
//!
//! Read from the trace of a child that writes its acknowledgements into a pipe: whatever the disk
//! under it does, a promise before the sync would show here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::not_tested;
use super::strace::{Call, trace, unavailable};

/// What a crash of the machine could still take, as the calls up to here tell it.
#[derive(Default)]
struct Unsynced {
    /// Segments with bytes that no sync has covered.
    bytes: BTreeSet<PathBuf>,
    /// Names that no sync of their directory has covered.
    names: BTreeSet<PathBuf>,
    /// Writes into segments, and syncs after them, since the last promise.
    written: bool,
    synced: bool,
}

/// Names that no promise rests on: the lock, what is derived, and what is renamed when it is ready.
fn is_passing(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name == "lock" || name == "trace" || name.ends_with(".idx") || name.ends_with(".new")
}

fn is_log(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "seg") || path.ends_with("segments/next")
}

impl Unsynced {
    fn take(&mut self, call: &Call, root: &Path) {
        let here = |path: &Path| path.starts_with(root);
        if call.failed() {
            return;
        }
        match call.name.as_str() {
            "pwrite64" => {
                let Some(path) = call.descriptor().filter(|path| here(path) && is_log(path)) else {
                    return;
                };
                self.bytes.insert(path);
                (self.written, self.synced) = (true, false);
            }
            "fdatasync" | "fsync" => {
                let Some(path) = call.descriptor() else { return };
                self.synced |= self.bytes.remove(&path) && self.written;
                self.names.retain(|name| name.parent() != Some(&path));
            }
            "openat" if call.text.contains("O_CREAT") => self.add_names(call, root, 0),
            "mkdir" | "mkdirat" => self.add_names(call, root, 0),
            "rename" | "renameat" | "renameat2" => {
                let paths = call.quoted();
                // What was synced under the old name is synced under the new one.
                self.names.remove(&paths[0]);
                let moved: Vec<PathBuf> =
                    self.bytes.iter().filter(|path| path.starts_with(&paths[0])).cloned().collect();
                for path in moved {
                    let rest = path.strip_prefix(&paths[0]).unwrap();
                    let new =
                        if rest == Path::new("") { paths[1].clone() } else { paths[1].join(rest) };
                    self.bytes.remove(&path);
                    self.bytes.insert(new);
                }
                self.add_names(call, root, 1);
            }
            _ => {}
        }
    }

    fn add_names(&mut self, call: &Call, root: &Path, place: usize) {
        let paths = call.quoted();
        let new = paths.get(place).filter(|path| path.starts_with(root) && !is_passing(path));
        self.names.extend(new.cloned());
    }
}

/// Goes through a role's trace and returns how many promises it holds.
fn promises_of(role: &str) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let ledger = dir.path().join("new").join("ledger");
    std::fs::create_dir(dir.path().join("new")).unwrap();
    let run = trace(role, &ledger);
    assert!(run.has("done"), "{:?}", run.lines);
    let mut unsynced = Unsynced::default();
    let mut promises = 0;
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for call in &run.calls {
        if call.name == "write" && call.text.contains("\"ack ") {
            promises += 1;
            assert!(unsynced.written, "{role}: promise {promises} before anything was written");
            assert!(unsynced.synced, "{role}: promise {promises} before its sync");
            assert!(unsynced.bytes.is_empty(), "{role}: {promises}: {:?}", unsynced.bytes);
            assert!(unsynced.names.is_empty(), "{role}: {promises}: {:?}", unsynced.names);
            (unsynced.written, unsynced.synced) = (false, false);
        } else if call.name == "write" && call.text.contains("\"closed") {
            assert!(unsynced.bytes.is_empty(), "{role}: closed with {:?}", unsynced.bytes);
        } else {
            unsynced.take(call, dir.path());
            *kinds.entry(call.name.as_str()).or_default() += 1;
        }
    }
    // The trace shows what a writer does, or nothing above was looked at.
    for call in ["pwrite64", "fdatasync", "fsync", "renameat2"] {
        assert!(kinds.get(call).is_some_and(|count| *count > 1), "{role}: {kinds:?}");
    }
    promises
}

#[test]
fn every_promise_follows_the_sync_of_its_bytes_and_of_all_names_above_them() {
    if let Some(why) = unavailable() {
        return not_tested("the order of system calls", &why);
    }
    assert_eq!(promises_of("script"), 16);
    assert_eq!(promises_of("end"), 4);
}
