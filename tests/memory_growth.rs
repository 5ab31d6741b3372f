//! Memory does not grow with the length of the data, only with the trades that it holds.

use std::process::{Command, Stdio};

use crate::support::TestResult;
use crate::support::cli::Place;

/// What the registry may take for one trade, with room for its indexes.
const BYTES_A_TRADE: u64 = 1_300;
/// What may differ besides: a second segment that is mapped, and the allocator's habits.
const SLACK_BYTES: u64 = 8 << 20;

/// Runs the program and returns the most memory it ever held, by the system's own accounting.
fn peak_bytes(arguments: &[&str]) -> TestResult<u64> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_schwabot"))
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
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
    assert!(ended.success(), "{arguments:?}: {ended}");
    assert!(peak_kib > 0, "the system tells no peak");
    Ok(peak_kib * 1024)
}

/// Bars that swing, so that trades are made all along.
fn candles(rows: u64) -> String {
    let mut text = String::from("timestamp,open,high,low,close,volume\n");
    for row in 0..rows {
        let swing = (row % 400).abs_diff(200);
        let price = 10_000 + 10 * swing + row % 7;
        let time = 1_600_000_000 + row * 60;
        text += &format!("{time},{price},{},{},{price}.5,12.5\n", price + 3, price - 3);
    }
    text
}

#[test]
fn ten_times_longer_data_takes_no_more_memory_than_its_trades_need() -> TestResult {
    let place = Place::new()?;
    let mut peaks: Vec<Vec<u64>> = Vec::new();
    let mut trades = Vec::new();
    for (name, rows) in [("short", 25_000), ("long", 250_000)] {
        let file = place.write(&format!("{name}_USDT-1m.csv"), &candles(rows))?;
        let (data, ledger) = (format!("AAA/USDT={file}"), place.arg(name));
        let steady = "quantity=0.01";
        let run = ["backtest", "--data", &data, "--ledger", &ledger, "--param", steady];
        let replay = ["replay", &ledger, "--from", "1000", "--kind", "trade_closed"];
        let commands: [&[&str]; 4] = [&run, &["verify", &ledger], &["state", &ledger], &replay];
        peaks.push(commands.iter().map(|command| peak_bytes(command)).collect::<Result<_, _>>()?);
        let state = crate::support::cli::run(&["state", &ledger, "--format", "json"])?.json()?;
        trades.push(state["summary"]["counters"]["trades"].as_u64().unwrap());
    }
    assert!(trades[1] >= 9 * trades[0] && trades[0] > 50, "{trades:?}");
    let allowed = (trades[1] - trades[0]) * BYTES_A_TRADE + SLACK_BYTES;
    for (short, long) in peaks[0].iter().zip(&peaks[1]) {
        assert!(long.saturating_sub(*short) < allowed, "{peaks:?} with {trades:?} trades");
    }
    Ok(())
}
