//! What an import takes of memory: nothing that grows with a file whose rows rise, little else.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use crate::bench::Bench;
use crate::support::TestResult;

/// What may differ besides: the allocator's habits.
const SLACK_BYTES: u64 = 4 << 20;
/// Bytes of a fact that has to be remembered.
const BYTES_A_FACT: u64 = 80;
const ROWS: u64 = 200_000;

/// Reads a file as an import does, and returns the most memory that this ever held. What the writer
/// of a ledger holds is another test's.
fn peak_bytes(text: &str) -> TestResult<u64> {
    let bench = Bench::new();
    let file = bench.file("BTCUSDT-1m.csv", text);
    let mut child = Command::new(env!("CARGO_BIN_EXE_schwabot"))
        .arg("import")
        .args([bench.ledger(), file])
        .arg("--dry-run")
        .stdout(Stdio::null())
        .spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib: u64 = 0;
    let ended = loop {
        // The peak never falls, so the last look before the end is the one that counts.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let found = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok());
        peak_kib = found.unwrap_or(0).max(peak_kib);
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    };
    assert!(ended.success() && peak_kib > 0, "{ended}, {peak_kib} KiB");
    Ok(peak_kib * 1024)
}

fn klines(minutes: impl Iterator<Item = u64>) -> String {
    minutes.fold(String::new(), |mut text, minute| {
        let open = (29_000_000 + minute) * 60_000;
        writeln!(text, "{open},5,9,1,5,1.5,{},30,7,5,15,0", open + 59_999).unwrap();
        text
    })
}

#[test]
fn ten_times_as_many_rows_that_rise_take_no_more_memory() -> TestResult {
    let (short, long) = (peak_bytes(&klines(0..ROWS / 10))?, peak_bytes(&klines(0..ROWS))?);
    assert!(long < short + SLACK_BYTES, "{short} and {long} bytes");
    Ok(())
}

#[test]
fn rows_that_do_not_rise_take_eighty_bytes_each() -> TestResult {
    // One row at the end that is older than all: every fact has to be remembered.
    let rising = peak_bytes(&klines(1..ROWS))?;
    let odd = peak_bytes(&klines((1..ROWS).chain([0])))?;
    let most = rising + SLACK_BYTES + ROWS * BYTES_A_FACT;
    assert!(odd < most, "{rising} and {odd} bytes, at most {most}");
    Ok(())
}
