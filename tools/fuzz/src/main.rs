//! One program for all targets; `SCHWABOT_FUZZ_TARGET` names the one that is fuzzed.
//!
//! The functions are those that the project's own tests replay the corpus through.

#![no_main]

use std::sync::OnceLock;

#[path = "../../../tests/support/fuzz_targets/mod.rs"]
#[expect(dead_code, reason = "how many random changes a test makes is no matter here")]
mod fuzz_targets;
#[expect(dead_code, reason = "only some of what tests share is needed here")]
mod support;

use fuzz_targets::{TARGETS, Target};

fn target() -> &'static Target {
    static TARGET: OnceLock<&Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let name = std::env::var("SCHWABOT_FUZZ_TARGET").unwrap_or_default();
        let found = TARGETS.iter().find(|target| target.name == name);
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        found.unwrap_or_else(|| panic!("SCHWABOT_FUZZ_TARGET must be one of {names:?}"))
    })
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    (target().run)(bytes);
});
