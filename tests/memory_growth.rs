//! Memory does not grow with the length of the data, only with the trades that it holds.

use std::io::Read;
use std::process::{Command, Stdio};

use schwabot::ledger::SyncMode;
use schwabot::ledger::disk::RealDisk;
use schwabot::ledger::layout::Layout;
use schwabot::ledger::packed::{pack, packed_path};

use crate::support::TestResult;
use crate::support::cli::Place;
use crate::support::notes::{append, options};
use crate::support::packing::packed_file;

/// What the registry may take for one trade, with room for its indexes.
const BYTES_A_TRADE: u64 = 1_300;
/// What may differ besides: a second segment that is mapped, and the allocator's habits.
const SLACK_BYTES: u64 = 8 << 20;

/// Runs the program and returns the most memory it ever held, by the system's own accounting.
fn peak_bytes(arguments: &[&str]) -> TestResult<u64> {
    peak_of(arguments, 0)
}

/// The same of a program that ends with a code.
fn peak_of(arguments: &[&str], code: i32) -> TestResult<u64> {
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
    assert_eq!(ended.code(), Some(code), "{arguments:?}: {ended}");
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

/// What unpacking may take beside what reading takes: zstd's own memory, a table, some blocks.
const UNPACK_SLACK_BYTES: u64 = 4 << 20;

#[test]
fn a_packed_segment_that_unpacks_to_gigabytes_takes_no_more_memory_than_a_sound_one() -> TestResult
{
    let place = Place::new()?;
    let (path, ledger) = (place.path("l"), place.arg("l"));
    append(&path, 0..24, 2, &options(SyncMode::Always, 2048));
    let file = Layout::new(&path).segment(1);
    let original = std::fs::metadata(&file)?.len();
    let plain = peak_bytes(&["verify", &ledger])?;
    pack(&RealDisk, &path)?;
    let packed = peak_bytes(&["verify", &ledger])?;
    // Some say how much they hold, some ask for a window of that length.
    let mut frames = vec![zstd::bulk::compress(&vec![0; 256 << 20], 1)?];
    let mut windowed = zstd::stream::Encoder::new(Vec::new(), 19)?;
    windowed.long_distance_matching(true)?;
    windowed.window_log(27)?;
    std::io::copy(&mut std::io::repeat(0).take(256 << 20), &mut windowed)?;
    frames.push(windowed.finish()?);
    for frame in frames {
        assert!(frame.len() < 60_000, "{}", frame.len());
        std::fs::write(packed_path(&file), packed_file(&[frame], original, &[0; 192]))?;
        let bomb = peak_of(&["verify", &ledger], 11)?;
        assert!(bomb < packed + UNPACK_SLACK_BYTES && packed < plain + UNPACK_SLACK_BYTES);
    }
    Ok(())
}
