//! Binance klines.

use serde_json::json;

use crate::bench::Bench;
use crate::support::{TestResult, shared_data};

const SPOT: &str = "\
1735689540000,2,4,1,3,10.5,1735689599999,30,7,5,15,0
1735689600000000,3,4.5,1,3.25,0.00000001,1735689659999999,30,7,5,15,0
";

#[test]
fn milliseconds_and_microseconds_may_stand_in_one_file() -> TestResult {
    let bench = Bench::new();
    let file = bench.file("BTCUSDT-1m.csv", SPOT);
    let report = bench.import(&file, &[])?;
    assert_eq!(report["format"], "binance-klines");
    assert_eq!(report["figures"]["first"], "2024-12-31T23:59:00");
    assert_eq!(report["figures"]["last"], "2025-01-01T00:00:00");
    assert_eq!(report["figures"]["sum_vol"], "10.50000001");
    assert_eq!(report["figures"]["not_60s"], 0);
    let bars = bench.payloads("imported_bar")?;
    assert_eq!(bars[1]["close"], "3.25");
    assert_eq!(bars[1]["symbol"], "BTC/USDT");
    assert_eq!(bars[1]["taker_buy_quote_volume"], "15");
    assert_eq!(bench.verified()?, Some(0));
    Ok(())
}

#[test]
fn a_futures_file_has_a_header_and_it_is_no_row() -> TestResult {
    let bench = Bench::new();
    let header = "open_time,open,high,low,close,volume,close_time,quote_volume,count,\
                  taker_buy_volume,taker_buy_quote_volume,ignore\n";
    let file = bench.file("BTCUSDT-1m.csv", format!("{header}{SPOT}"));
    assert_eq!(bench.import(&file, &[])?["rows"], 2);
    assert_eq!(bench.payloads("imported_bar")?[0]["row"], 2);
    Ok(())
}

#[test]
fn a_row_at_fault_is_named_by_line_and_column() -> TestResult {
    let bench = Bench::new();
    let file = bench.file("BTCUSDT-1m.csv", SPOT.replace("4.5", "4,5"));
    let said = bench.refused(&file, &[])?;
    assert!(said.contains("BTCUSDT-1m.csv: line 2, column 1: line: 13 fields"), "{said}");
    let file = bench.file("BTCUSDT-1m.csv", SPOT.replace("3.25", "3.2x"));
    let said = bench.refused(&file, &[])?;
    assert!(said.contains("line 2, column 26: close: `3.2x` is no decimal number"), "{said}");
    Ok(())
}

#[test]
fn a_row_at_fault_is_left_out_and_recorded_where_that_was_asked_for() -> TestResult {
    let bench = Bench::new();
    let file = bench.file("BTCUSDT-1m.csv", SPOT.replace("3.25", "3.2x"));
    let report = bench.import(&file, &["--skip-malformed"])?;
    assert_eq!(report["faults"], json!({"malformed": 1}));
    let defect = &bench.payloads("import_defect")?[0];
    assert_eq!((&defect["row"], &defect["fault"]), (&json!(2), &json!("malformed")));
    assert!(defect["what"].as_str().unwrap().contains("column 26"), "{defect}");
    Ok(())
}

#[test]
fn the_samples_of_the_shared_data_go_in_whole() -> TestResult {
    let Some(folder) = shared_data("binance_public_csv") else { return Ok(()) };
    for (name, rows) in [("ADABTC-1m-2021-11-27.csv", 10), ("ADABTC-1m-2021-11-28.csv", 11)] {
        let bench = Bench::new();
        let report = bench.import(&folder.join(name), &[])?;
        assert_eq!(report["symbol"], "ADA/BTC");
        assert_eq!((&report["rows"], &report["figures"]["not_60s"]), (&json!(rows), &json!(0)));
    }
    Ok(())
}
