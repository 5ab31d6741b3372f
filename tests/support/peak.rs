//! The most memory that the program ever held, by the system's own accounting.
//!
//! The system tells it of a program that lives, so this looks again and again until it ends. On a
//! busy machine the last look may come long before the end: one run may show too little, of what
//! should take little as of what should not take more. So each is measured several times, the most
//! counts, and what still does not hold is measured again before it is believed.

use std::process::Stdio;

use super::TestResult;
use super::cli::program;

/// So many times a measurement is made before it is believed that it holds, and that it does not.
const ROUNDS: std::ops::RangeInclusive<usize> = 3..=12;

/// Runs the program, which ends with this code, and returns the most bytes that it was seen with:
/// none where it ended before it was looked at.
pub(crate) fn peak_of(arguments: &[&str], code: i32) -> TestResult<u64> {
    let mut child = program(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    let ended = loop {
        // The peak never falls, so the last look before the end is the one that counts.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let found = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok());
        peak_kib = found.unwrap_or(0).max(peak_kib);
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        std::thread::yield_now();
    };
    assert_eq!(ended.code(), Some(code), "{arguments:?}: {ended}");
    Ok(peak_kib * 1024)
}

/// Measures some peaks until they hold, and returns the most that each was.
pub(crate) fn peaks<const N: usize>(
    mut measure: impl FnMut() -> TestResult<[u64; N]>,
    holds: impl Fn(&[u64; N]) -> bool,
) -> TestResult<[u64; N]> {
    let mut most = [0; N];
    for round in 1..=*ROUNDS.end() {
        for (most, seen) in most.iter_mut().zip(measure()?) {
            *most = seen.max(*most);
        }
        if round >= *ROUNDS.start() && !most.contains(&0) && holds(&most) {
            break;
        }
    }
    assert!(!most.contains(&0), "the system tells no peak");
    Ok(most)
}
