//! Whole processes beside each other: the program as users start it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use schwabot::event::Event;
use schwabot::ledger::clock::Stopwatch;
use schwabot::ledger::layout::Layout;
use schwabot::market::{Source, SyntheticConfig, SyntheticMarket};
use schwabot::measure::{LEDGER, Reached, append};

use crate::harness::{Done, Run, Table};

const PROGRAM: &str = env!("CARGO_BIN_EXE_schwabot");

/// Times a process that must end well.
fn timed(count: u64, command: &mut Command) -> Done {
    let watch = Stopwatch::start();
    let ran = command.stdout(Stdio::null()).stderr(Stdio::piped()).output()?;
    let elapsed = watch.elapsed();
    if !ran.status.success() {
        return Err(String::from_utf8_lossy(&ran.stderr).into());
    }
    Ok(Reached::new(count, elapsed, Vec::new()))
}

/// `verify` beside `b3sum`, where that is installed, over the same warm files on one thread.
pub(crate) fn verifying(run: &mut Run) {
    const TITLE: &str = "verify as a process, one thread";
    let Some(place) = run.place_for(TITLE) else { return };
    let records = run.size(5_000, 2_000_000);
    append::synced_at_the_end(place.path(), records, true).unwrap();
    let ledger = place.path().join(LEDGER);
    let segments = std::fs::read_dir(Layout::new(&ledger).segments()).unwrap();
    let mut files: Vec<PathBuf> = segments.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "seg"));
    let verify = |level: &str| {
        let mut command = Command::new(PROGRAM);
        command.arg("verify").arg(&ledger).args(["--threads", "1", "--level", level]);
        timed(records, &mut command)
    };
    let b3sum = || timed(records, Command::new("b3sum").args(["--num-threads", "1"]).args(&files));
    let mut table = Table::new(TITLE, "records/s");
    if b3sum().is_ok() {
        table = table.with("b3sum over the same files", |_| b3sum());
    } else {
        println!("b3sum is not installed: verify stands alone");
    }
    table
        .with("--level chain", |_| verify("chain"))
        .with("--level tree", |_| verify("tree"))
        .beside("--level chain", &["b3sum over the same files"], "0.9")
        .run(run);
}

/// Bars of a made-up market as a CSV that `backtest` reads.
fn bars_file(path: &Path, bars: u64) {
    let config = SyntheticConfig { bars, ..SyntheticConfig::default() };
    let mut market = SyntheticMarket::new(config).unwrap();
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    writeln!(file, "time,open,high,low,close,volume").unwrap();
    let mut minute = 1_600_000_000;
    while let Some(event) = market.next().unwrap() {
        let Event::Bar(bar) = event else { continue };
        if bar.pair.0 == 0 {
            writeln!(
                file,
                "{minute},{},{},{},{},{}",
                bar.open, bar.high, bar.low, bar.close, bar.volume
            )
            .unwrap();
            minute += 60;
        }
    }
    file.flush().unwrap();
}

/// A backtest that is recorded, and the audit that makes every decision of it again.
pub(crate) fn deriving(run: &mut Run) {
    const TITLE: &str = "a run's decisions made again";
    let Some(place) = run.place_for(TITLE) else { return };
    let bars = run.size(300, 500_000);
    let data = place.path().join("BTC_USDT-1m.csv");
    bars_file(&data, bars);
    let backtest = |ledger: &Path| {
        let mut command = Command::new(PROGRAM);
        command.arg("backtest").arg("--data").arg(format!("BTC/USDT={}", data.display()));
        command.args(["--param", "fast=10", "--param", "slow=50", "--ledger"]).arg(ledger);
        timed(bars, &mut command)
    };
    let written = place.path().join("written");
    backtest(&written).unwrap();
    Table::new(TITLE, "bars/s")
        .with("backtest, recorded", |dir| backtest(&dir.join(LEDGER)))
        .with("verify --level derive", |_| {
            timed(
                bars,
                Command::new(PROGRAM).arg("verify").arg(&written).args(["--level", "derive"]),
            )
        })
        .beside("verify --level derive", &["backtest, recorded"], "1.0")
        .run(run);
}
