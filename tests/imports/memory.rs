//! What an import takes of memory: nothing that grows with a file whose rows rise, little else.

use std::fmt::Write as _;

use crate::bench::Bench;
use crate::support::TestResult;
use crate::support::peak::{peak_of, peaks};

/// What may differ besides: the allocator's habits.
const SLACK_BYTES: u64 = 4 << 20;
/// Bytes of a fact that has to be remembered.
const BYTES_A_FACT: u64 = 80;
const ROWS: u64 = 200_000;

fn klines(minutes: impl Iterator<Item = u64>) -> String {
    minutes.fold(String::new(), |mut text, minute| {
        let open = (29_000_000 + minute) * 60_000;
        writeln!(text, "{open},5,9,1,5,1.5,{},30,7,5,15,0", open + 59_999).unwrap();
        text
    })
}

/// Reads two files as an import does: the second takes at most so many bytes more than the first.
/// What the writer of a ledger holds is another test's.
fn takes_at_most(more: u64, first: &str, second: &str) -> TestResult {
    let bench = Bench::new();
    let ledger = bench.ledger().to_str().unwrap().to_owned();
    let files = [("BTCUSDT-1m.csv", first), ("ETHUSDT-1m.csv", second)]
        .map(|(name, text)| bench.file(name, text).to_str().unwrap().to_owned());
    let peak = |file: &str| peak_of(&["import", &ledger, file, "--dry-run"], 0);
    let holds = |[first, second]: &[u64; 2]| *second < first + more;
    let peaks = peaks(|| Ok([peak(&files[0])?, peak(&files[1])?]), holds)?;
    assert!(holds(&peaks), "{peaks:?} bytes, and {more} may be more");
    Ok(())
}

#[test]
fn ten_times_as_many_rows_that_rise_take_no_more_memory() -> TestResult {
    takes_at_most(SLACK_BYTES, &klines(0..ROWS / 10), &klines(0..ROWS))
}

#[test]
fn rows_that_do_not_rise_take_eighty_bytes_each() -> TestResult {
    // One row at the end that is older than all: every fact has to be remembered.
    let more = SLACK_BYTES + ROWS * BYTES_A_FACT;
    takes_at_most(more, &klines(1..ROWS), &klines((1..ROWS).chain([0])))
}
