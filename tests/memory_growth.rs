//! Memory does not grow with the length of the data, only with the trades that it holds.

use std::io::Read;

use schwabot::ledger::SyncMode;
use schwabot::ledger::disk::RealDisk;
use schwabot::ledger::layout::Layout;
use schwabot::ledger::packed::{pack, packed_path};

use crate::support::TestResult;
use crate::support::cli::{Place, run};
use crate::support::notes::{append, options};
use crate::support::packing::packed_file;
use crate::support::peak::{peak_of, peaks};

/// What the registry may take for one trade, with room for its indexes.
const BYTES_A_TRADE: u64 = 1_300;
/// What may differ besides: a second segment that is mapped, and the allocator's habits.
const SLACK_BYTES: u64 = 8 << 20;

/// Orders of a steady size, so that the cash lasts.
const STEADY: &str = "--param=quantity=0.01";

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
    let mut both = Vec::new();
    let mut trades = Vec::new();
    for (name, rows) in [("short", 25_000), ("long", 250_000)] {
        let file = place.write(&format!("{name}_USDT-1m.csv"), &candles(rows))?;
        let (data, ledger) = (format!("AAA/USDT={file}"), place.arg(name));
        assert_eq!(run(&["backtest", "--data", &data, "--ledger", &ledger, STEADY])?.code, Some(0));
        let state = run(&["state", &ledger, "--format", "json"])?.json()?;
        trades.push(state["summary"]["counters"]["trades"].as_u64().unwrap());
        both.push((data, ledger));
    }
    assert!(trades[1] >= 9 * trades[0] && trades[0] > 50, "{trades:?}");
    let mut rounds = 0;
    let measure = || {
        rounds += 1;
        let mut peaks = Vec::new();
        for (data, ledger) in &both {
            let fresh = format!("{ledger}-{rounds}");
            let backtest = ["backtest", "--data", data, "--ledger", &fresh, STEADY];
            let replay = ["replay", ledger, "--from", "1000", "--kind", "trade_closed"];
            for command in [&backtest[..], &["verify", ledger], &["state", ledger], &replay] {
                peaks.push(peak_of(command, 0)?);
            }
        }
        Ok(<[u64; 8]>::try_from(peaks).unwrap())
    };
    let allowed = (trades[1] - trades[0]) * BYTES_A_TRADE + SLACK_BYTES;
    let holds = |peaks: &[u64; 8]| {
        let (short, long) = peaks.split_at(4);
        short.iter().zip(long).all(|(short, long)| long.saturating_sub(*short) < allowed)
    };
    let peaks = peaks(measure, holds)?;
    assert!(holds(&peaks), "{peaks:?} with {trades:?} trades, and {allowed} bytes may be more");
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
    let verified = |code| peak_of(&["verify", &ledger], code);
    let plain = std::fs::read(&file)?;
    pack(&RealDisk, &path)?;
    let packed = std::fs::read(packed_path(&file))?;
    // Some say how much they hold, some ask for a window of that length.
    let mut frames = vec![zstd::bulk::compress(&vec![0; 256 << 20], 1)?];
    let mut windowed = zstd::stream::Encoder::new(Vec::new(), 19)?;
    windowed.long_distance_matching(true)?;
    windowed.window_log(27)?;
    std::io::copy(&mut std::io::repeat(0).take(256 << 20), &mut windowed)?;
    frames.push(windowed.finish()?);
    for frame in frames {
        assert!(frame.len() < 60_000, "{}", frame.len());
        let bomb = packed_file(&[frame], plain.len() as u64, &[0; 192]);
        let measure = || {
            std::fs::write(&file, &plain)?;
            std::fs::remove_file(packed_path(&file))?;
            let of_plain = verified(0)?;
            std::fs::remove_file(&file)?;
            std::fs::write(packed_path(&file), &packed)?;
            let of_packed = verified(0)?;
            std::fs::write(packed_path(&file), &bomb)?;
            Ok([of_plain, of_packed, verified(11)?])
        };
        let holds =
            |peaks: &[u64; 3]| peaks.is_sorted_by(|less, more| *more < less + UNPACK_SLACK_BYTES);
        let peaks = peaks(measure, holds)?;
        assert!(holds(&peaks), "{peaks:?}");
    }
    Ok(())
}
