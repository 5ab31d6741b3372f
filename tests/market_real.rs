//! Real files of real markets, against facts that were computed independently.

use std::path::Path;

use crate::support::market::{STRICT, named, of_pair, read};
use crate::support::{TestResult, shared_data};
use schwabot::event::{Defect, FileFormat};
use schwabot::market::MarketOptions;
use schwabot::units::{Price, Quantity};
use serde_json::Value;

fn text<'a>(fact: &'a Value, field: &str) -> TestResult<&'a str> {
    Ok(fact[field].as_str().ok_or_else(|| format!("{field} of {fact}"))?)
}

fn number(fact: &Value, field: &str) -> TestResult<u64> {
    Ok(fact[field].as_u64().ok_or_else(|| format!("{field} of {fact}"))?)
}

fn compare(path: &Path, fact: &Value) -> TestResult {
    let name = text(fact, "file")?;
    let read = read(&[named(path)], &STRICT)?;
    let bars = read.bars();
    let (first, last) = (bars.first().ok_or("no bar")?, bars.last().ok_or("no bar")?);
    assert_eq!(bars.len() as u64, number(fact, "rows")?, "{name}");
    assert_eq!(first.open_time.to_string(), format!("{}Z", text(fact, "first")?), "{name}");
    assert_eq!(last.open_time.to_string(), format!("{}Z", text(fact, "last")?), "{name}");
    assert_eq!(first.open, text(fact, "first_open")?.parse::<Price>()?, "{name}");
    assert_eq!(last.close, text(fact, "last_close")?.parse::<Price>()?, "{name}");
    let mut volume = Quantity::ZERO;
    for bar in &bars {
        volume = volume.plus(bar.volume)?;
    }
    assert_eq!(volume, text(fact, "sum_vol")?.parse::<Quantity>()?, "{name}");
    let empty = bars.iter().filter(|bar| bar.volume == Quantity::ZERO).count() as u64;
    assert_eq!(empty, number(fact, "zero_vol")?, "{name}");
    let (mut gaps, mut missing) = (0, 0);
    for defect in read.defects() {
        let Defect::Gap { missing_bars, .. } = &defect.defect else {
            return Err(format!("{name}: {defect:?}").into());
        };
        gaps += 1;
        missing += missing_bars;
    }
    assert_eq!(gaps, number(fact, "not_60s")?, "{name}");
    assert_eq!(missing, number(fact, "missing_minutes")?, "{name}");
    Ok(())
}

#[test]
fn every_minute_file_gives_exactly_the_bars_gaps_and_sums_that_are_known_of_it() -> TestResult {
    let Some(facts) = shared_data("FACTS.json") else { return Ok(()) };
    let facts: Vec<Value> = serde_json::from_slice(&std::fs::read(facts)?)?;
    let mut compared = 0;
    for fact in facts {
        let name = text(&fact, "file")?;
        if name.starts_with("klines_1m")
            && let Some(path) = shared_data(name)
        {
            compare(&path, &fact)?;
            compared += 1;
        }
    }
    assert!(compared > 0, "FACTS.json tells of no minute file");
    Ok(())
}

#[test]
fn the_beginnings_of_two_days_of_public_klines_join_with_the_gap_between_them() -> TestResult {
    let Some(folder) = shared_data("binance_public_csv") else { return Ok(()) };
    let days = ["28", "27"].map(|day| named(&folder.join(format!("ADABTC-1m-2021-11-{day}.csv"))));
    let read = read(&days, &STRICT)?;
    assert_eq!(read.symbols, ["ADA/BTC"]);
    assert!(read.inputs.iter().all(|input| input.format == FileFormat::BinanceKlines));
    let bars = read.bars();
    assert_eq!(bars.len(), 10 + 11);
    assert_eq!(read.defects().len(), 1);
    let Defect::Gap { missing_bars, .. } = read.defects()[0].defect else {
        return Err(format!("{:?}", read.defects()).into());
    };
    assert_eq!(missing_bars, 1_440 - 10);
    assert_eq!(bars[0].open_time.to_string(), "2021-11-27T00:00:00Z");
    assert_eq!(bars[10].open_time.to_string(), "2021-11-28T00:00:00Z");
    assert_eq!((bars[0].trades, bars[10].row), (Some(79), 1));
    Ok(())
}

#[test]
fn files_with_an_unnamed_first_column_are_read() -> TestResult {
    let Some(folder) = shared_data("backtesting_py") else { return Ok(()) };
    let (day, hour) = ("1d".parse()?, "1h".parse()?);
    for (file, pair, interval, rows) in
        [("GOOG.csv", "GOOG/USD", day, 2_148), ("EURUSD.csv", "EUR/USD", hour, 5_000)]
    {
        let options = MarketOptions { interval: Some(interval), ..STRICT };
        let read = read(&[of_pair(pair, named(&folder.join(file)))], &options)?;
        assert_eq!(read.bars().len(), rows, "{file}");
        assert!(!read.defects().is_empty(), "{file}: nights and weekends are gaps");
    }
    Ok(())
}

#[test]
fn all_minute_files_merge_in_order_with_one_last_bar_an_instant() -> TestResult {
    let Some(folder) = shared_data("klines_1m_multi") else { return Ok(()) };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        paths.push(named(&entry?.path()));
    }
    let read = read(&paths, &STRICT)?;
    let bars = read.bars();
    let mut instants = 0;
    for two in bars.windows(2) {
        let key = |bar: &schwabot::event::Bar| (bar.available_at, bar.pair);
        assert!(key(two[0]) < key(two[1]), "{two:?}");
        let last = two[0].available_at != two[1].available_at;
        assert_eq!(two[0].last_of_instant, last, "{two:?}");
        instants += u64::from(last);
    }
    assert!(bars.last().is_some_and(|bar| bar.last_of_instant));
    assert!(instants > 42_000, "{instants}");
    Ok(())
}
