//! Every market format: a small file of it, what it gives, and what is wrong with it told.

use serde_json::{Value, json};

use crate::bench::Bench;
use crate::support::{TestResult, shared_data};

fn texts(values: &[Value], field: &str) -> Vec<String> {
    values.iter().map(|value| value[field].as_str().unwrap_or("-").to_owned()).collect()
}

#[test]
fn binance_trades_give_numbers_sides_and_exact_sums() -> TestResult {
    let bench = Bench::new();
    let rows = "10,100.5,0.25,25.125,1672531200000,True,True\n\
                11,100.25,1,100.25,1672531200500000,false,true\n\
                14,99,2,198,1672531201000000,False,True\n";
    let report = bench.import(&bench.file("BTCUSDT-trades-2023-01.csv", rows), &[])?;
    assert_eq!(report["format"], "binance-trades");
    let figures = &report["figures"];
    assert_eq!((&figures["sum_qty"], &figures["sum_px_qty"]), (&json!("3.25"), &json!("323.375")));
    assert_eq!((&figures["min_px"], &figures["max_px"]), (&json!("99"), &json!("100.5")));
    assert_eq!((&figures["trade_id"], &figures["missing_trades"]), (&json!([10, 14]), &json!(2)));
    assert_eq!(report["faults"], json!({"gap": 1}));
    let prints = bench.payloads("trade_print")?;
    assert_eq!(texts(&prints, "aggressor"), ["sell", "buy", "buy"]);
    assert_eq!(prints[1]["time"], "2023-01-01T00:00:00.5Z");
    assert_eq!(bench.verified()?, Some(0));
    Ok(())
}

#[test]
fn futures_trades_have_a_header_and_one_column_less() -> TestResult {
    let bench = Bench::new();
    let rows = "id,price,qty,quote_qty,time,is_buyer_maker\n10,2,3,6,1672531200000,true\n";
    let report = bench.import(&bench.file("ETHUSDT-trades.csv", rows), &[])?;
    assert_eq!((&report["format"], &report["rows"]), (&json!("binance-trades"), &json!(1)));
    Ok(())
}

#[test]
fn sums_of_trades_keep_which_trades_they_are_of() -> TestResult {
    let bench = Bench::new();
    let spot =
        "7,2.5,4,100,103,1672531200000,True,True\n8,2.5,4,104,104,1672531200001,False,True\n";
    let report = bench.import(&bench.file("BTCUSDT-aggTrades.csv", spot), &[])?;
    assert_eq!(report["format"], "binance-agg-trades");
    let print = &bench.payloads("trade_print")?[0];
    assert_eq!((&print["first_id"], &print["last_id"]), (&json!(100), &json!(103)));
    let futures = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,\
                   is_buyer_maker\n7,2.5,4,103,100,1672531200000,true\n";
    let said = Bench::new().refused(&bench.file("BTCUSDT-aggTrades.csv", futures), &[])?;
    assert!(said.contains("line 2, column 13: last_id: 100 is below the first id 103"), "{said}");
    Ok(())
}

#[test]
fn equal_trades_without_numbers_are_all_kept_and_not_twice() -> TestResult {
    let bench = Bench::new();
    let rows = "1672531436.25,90.54,1\n1672531436.25,90.54,1\n1672531471,90.45,1\n";
    let report = bench.import(&bench.file("kraken_trades_BCHEUR.csv", rows), &[])?;
    assert_eq!(report["facts"], json!({"trade_print": 3}));
    assert_eq!(bench.payloads("trade_print")?[0]["time"], "2023-01-01T00:03:56.25Z");
    // A longer file of the same trades adds only what is new, a third equal one included.
    let longer = format!("1672531436.25,90.54,1\n{rows}");
    let report = bench.import(&bench.file("kraken_trades_BCHEUR.csv", longer), &[])?;
    assert_eq!(report["facts"], json!({"trade_print": 1}));
    assert_eq!(report["duplicates"], 3);
    Ok(())
}

#[test]
fn the_archive_of_kraken_says_its_interval_in_its_name() -> TestResult {
    let bench = Bench::new();
    let rows = "1672531200,2,4,1,3,10.5,7\n1672534800,2,4,1,3,0,0\n1672542000,2,1,1,3,1,1\n";
    let report = bench.import(&bench.file("XBTUSD_60.csv", rows), &[])?;
    assert_eq!((&report["format"], &report["interval"]), (&json!("kraken-ohlcvt"), &json!("1h")));
    assert_eq!(report["symbol"], "XBT/USD");
    assert_eq!(report["faults"], json!({"gap": 1, "inconsistent": 1}));
    assert_eq!(report["figures"]["missing_bars"], 1);
    assert_eq!(report["figures"]["ohlc_bad"], 1, "the high is below the open");
    Ok(())
}

#[test]
fn candles_of_freqtrade_are_read_across_lines_and_placed_where_they_stand() -> TestResult {
    let bench = Bench::new();
    let text = "[[1618951320000, 1.08e-06, 0.00000109, 1e-6, 0.00000108, 1371255.3999999999],\n\
                \x20[1618951380000, 0.00000108, 0.00000109, 0.000001, 0.00000108, 2]]";
    let report = bench.import(&bench.file("DOGE_BTC-1m.json", text), &[])?;
    let figures = &report["figures"];
    assert_eq!(figures["first_open"], "0.00000108");
    assert_eq!(figures["sum_vol"], "1371257.3999999999");
    assert_eq!(bench.payloads("import_started")?[0]["binary_floats"], true);
    let bad = text.replace("0.000001,", "x,");
    let said = Bench::new().refused(&bench.file("DOGE_BTC-1m.json", bad), &[])?;
    assert!(said.contains("line 2, column 2: element: no JSON array"), "{said}");
    let bad = text.replace("[1618951380000, 0.00000108", "[1618951380000, -1");
    let said = Bench::new().refused(&bench.file("DOGE_BTC-1m.json", bad), &[])?;
    assert!(said.contains("line 2, column 18: open: `-1` is not above zero"), "{said}");
    let cut = &text[..text.len() - 5];
    let said = Bench::new().refused(&bench.file("DOGE_BTC-1m.json", cut), &[])?;
    assert!(said.contains("line 2") && said.contains("found the end of the file"), "{said}");
    Ok(())
}

#[test]
fn a_row_in_another_unit_of_time_is_refused_where_the_format_has_one() -> TestResult {
    let cases = [
        (
            "DOGE_BTC-1m.json",
            "[[1618951320000,1,1,1,1,1],[1618951380,1,1,1,1,1]]",
            "no millisecond",
        ),
        ("kraken_BCHEUR.csv", "1672531436,90.54,1\n1672531436000,90.54,1\n", "no time in seconds"),
        ("XBTUSD_1.csv", "1672531200,2,4,1,3,1,7\n1672531260000,2,4,1,3,1,7\n", "no second"),
        (
            "BTCUSDT-trades.csv",
            "10,1,1,1,1672531200000,True,True\n11,1,1,1,1672531200,True,True\n",
            "neither milliseconds nor microseconds",
        ),
    ];
    for (name, text, words) in cases {
        let bench = Bench::new();
        let said = bench.refused(&bench.file(name, text), &[])?;
        assert!(said.contains(words) && said.contains("line "), "{name}: {said}");
    }
    Ok(())
}

#[test]
fn trades_of_freqtrade_keep_what_is_finer_than_their_fields() -> TestResult {
    let bench = Bench::new();
    let text = r#"[[1570752033759,"1","limit","buy",0.5,11.0,0.015571269999999998],
                  [1570752033760,"2",null,"sell",0.5,2.0,1.0]]"#;
    let report = bench.import(&bench.file("XRP_ETH-trades.json", text), &[])?;
    assert_eq!(report["format"], "freqtrade-trades");
    let print = &bench.payloads("trade_print")?[0];
    assert_eq!((&print["quote"], &print["execution"]), (&json!("0.01557127"), &json!("limit")));
    assert_eq!(print["finer"], json!([{"name": "quote", "text": "0.015571269999999998"}]));
    assert_eq!(report["figures"]["sum_quote"], "1.015571269999999998");
    Ok(())
}

const FEED: &str = "\
1723161600001658384 {\"lastUpdateId\":1,\"bids\":[],\"asks\":[]}
1723161600101658384 {\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"E\":1723161601273,\
\"T\":1723161600101,\"s\":\"BTCUSDT\",\"t\":5,\"p\":\"61.50\",\"q\":\"0.10\",\"X\":\"MARKET\",\
\"m\":true}}
1723161600201658384 {\"stream\":\"btcusdt@bookTicker\",\"data\":{\"u\":9,\"s\":\"BTCUSDT\",\
\"b\":\"61.4\",\"B\":\"2\",\"a\":\"61.6\",\"A\":\"3\"}}
1723161600301658384 {\"stream\":\"btcusdt@depth@100ms\",\"data\":{\"e\":\"depthUpdate\",\
\"s\":\"BTCUSDT\",\"U\":10,\"u\":12,\"b\":[],\"a\":[]}}
1723161600291658384 {\"stream\":\"btcusdt@depth@100ms\",\"data\":{\"e\":\"depthUpdate\",\
\"s\":\"BTCUSDT\",\"U\":15,\"u\":16,\"b\":[],\"a\":[]}}
";

#[test]
fn a_raw_feed_gives_trades_and_quotes_with_both_clocks_and_tells_the_rest() -> TestResult {
    let bench = Bench::new();
    let report = bench.import(&bench.file("feed", FEED), &[])?;
    assert_eq!(report["format"], "hftbacktest-feed");
    assert_eq!(report["facts"], json!({"quote": 1, "trade_print": 1}));
    let figures = &report["figures"];
    assert_eq!(figures["streams"], json!({"bookTicker": 1, "depth": 2, "trade": 1}));
    assert_eq!(
        (&figures["non_stream_lines"], &figures["depth_seq_breaks"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(figures["local_ts_goes_back"], 1);
    assert_eq!(figures["lat_ms_min_med_max"], json!([0.7, 0.7, 0.7]));
    assert_eq!(report["faults"], json!({"gap": 1, "left_out": 2, "clock": 1}));
    let print = &bench.payloads("trade_print")?[0];
    assert_eq!((&print["symbol"], &print["aggressor"]), (&json!("BTC/USDT"), &json!("sell")));
    assert_eq!(print["received"], "2024-08-09T00:00:00.101658384Z");
    assert_eq!(bench.payloads("quote")?[0]["ask"], json!({"price": "61.6", "quantity": "3"}));
    assert_eq!(bench.verified()?, Some(0));
    Ok(())
}

#[test]
fn what_an_operator_said_of_messages_without_a_symbol_stands_in_the_log() -> TestResult {
    let bench = Bench::new();
    let file = bench.file("feed", FEED.replacen("\"s\":\"BTCUSDT\",", "", 1));
    let report = bench.import(&file, &["--pair", "ETH/USDT"])?;
    assert_eq!((&report["symbol"], &report["symbol_unnamed"]), (&json!(null), &json!("ETH/USDT")));
    let symbols = texts(&bench.payloads("trade_print")?, "symbol");
    assert_eq!(symbols, ["ETH/USDT"]);
    let started = &bench.payloads("import_started")?[0];
    assert_eq!(started["symbol_unnamed"], "ETH/USDT");
    Ok(())
}

#[test]
fn sums_of_trades_in_a_feed_are_added_up_by_themselves() -> TestResult {
    let bench = Bench::new();
    let sum = "1723161600401658384 {\"stream\":\"btcusdt@aggTrade\",\"data\":{\"e\":\"aggTrade\",\
               \"E\":1723161600400,\"s\":\"BTCUSDT\",\"a\":3,\"p\":\"61.5\",\"q\":\"0.1\",\"f\":5,\"l\":5,\
               \"T\":1723161600400,\"m\":true}}\n";
    let report = bench.import(&bench.file("feed", format!("{FEED}{sum}")), &[])?;
    let figures = &report["figures"];
    assert_eq!((&figures["trades"], &figures["sum_qty"]), (&json!(1), &json!("0.10")));
    assert_eq!(figures["agg_trades"]["sum_qty"], "0.1");
    let prints = bench.payloads("trade_print")?;
    assert_eq!((&prints[1]["id"], &prints[1]["last_id"]), (&json!("3"), &json!(5)));
    Ok(())
}

#[test]
fn a_line_of_a_feed_that_is_no_json_is_named() -> TestResult {
    let bench = Bench::new();
    let file = bench.file("feed", FEED.replace("\"t\":5,", "\"t\":5,,"));
    let said = bench.refused(&file, &[])?;
    assert!(said.contains("feed: line 2, column ") && said.contains("json"), "{said}");
    let report = bench.import(&file, &["--skip-malformed"])?;
    assert_eq!(report["figures"]["bad_json"], 1);
    Ok(())
}

/// A zip with one file of this name.
fn zip(name: &str, content: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    writer.write_all(content.as_bytes()).unwrap();
    writer.finish().unwrap().into_inner()
}

#[test]
fn the_name_inside_a_lean_zip_says_day_symbol_and_length() -> TestResult {
    let bench = Bench::new();
    let content = zip("20180404_ethusd_minute_trade.csv", "0,2,4,1,3,7.5\n120000,2,4,1,3,1\n");
    let report = bench.import(&bench.file("20180404_trade.zip", content), &[])?;
    assert_eq!((&report["format"], &report["symbol"]), (&json!("lean"), &json!("ETH/USD")));
    assert_eq!(report["faults"], json!({"gap": 1}));
    assert_eq!(report["figures"]["last"], "120000,2,4,1,3,1");
    let bars = bench.payloads("imported_bar")?;
    assert_eq!(bars[1]["open_time"], "2018-04-04T00:02:00Z");
    assert_eq!(bars[0]["interval"], "1m");
    Ok(())
}

#[test]
fn prices_of_equities_are_divided_where_that_was_said_and_nothing_is_rounded() -> TestResult {
    let bench = Bench::new();
    let content =
        zip("20180404_spyusd_minute_trade.csv", "34200000,2741500,2742001,2741500,2742000,7\n");
    let file = bench.file("20180404_trade.zip", content);
    bench.import(&file, &["--from", "lean-scaled"])?;
    assert_eq!(bench.payloads("imported_bar")?[0]["high"], "274.2001");
    Ok(())
}

#[test]
fn quotes_of_lean_may_have_one_side_and_are_told_where_they_cross() -> TestResult {
    let bench = Bench::new();
    let rows = "0,9,9,9,9,33.35399601000002,10,10,10,10,1\n\
                60000,,,,,,10,10,10,10,1\n120000,11,11,11,11,2,10,10,10,10,1\n";
    let content = zip("20180404_btcusd_minute_quote.csv", rows);
    let report = bench.import(&bench.file("20180404_quote.zip", content), &[])?;
    assert_eq!(report["faults"], json!({"inconsistent": 1}));
    let bars = bench.payloads("quote_bar")?;
    assert_eq!(bars[1]["bid"], Value::Null);
    let finer = json!([{"name": "bid.quantity", "text": "33.35399601000002"}]);
    assert_eq!((&bars[0]["bid"]["quantity"], &bars[0]["finer"]), (&json!("33.35399601"), &finer));
    Ok(())
}

#[test]
fn bars_under_a_header_are_found_by_the_names_of_their_columns() -> TestResult {
    let bench = Bench::new();
    let rows = ",Open,High,Low,Close,Volume\n2004-08-19,100,104.06,95.96,100.34,22351900\n\
                2004-08-20,101,109,100,108,22351900\n2004-08-21,101,109,100,108,1\n";
    let report = bench.import(&bench.file("GOOG.csv", rows), &["--pair", "GOOG/USD"])?;
    assert_eq!((&report["format"], &report["interval"]), (&json!("ohlcv-csv"), &json!("1d")));
    assert_eq!(report["figures"]["sum_vol"], "44703801");
    let said = Bench::new().refused(&bench.file("goog.csv", rows), &[])?;
    assert!(said.contains("nothing says what was traded; give --pair"), "{said}");
    Ok(())
}

#[test]
fn the_shared_files_of_a_format_that_is_known_go_in_whole_and_the_others_are_refused() -> TestResult
{
    let Some(root) = shared_data("") else { return Ok(()) };
    let pair = ["--pair", "AAA/USD"];
    let known = [
        ("freqtrade/XRP_ETH-trades.json.gz", "freqtrade-trades"),
        ("freqtrade/kraken_trades_BCHEUR.csv", "kraken-trades"),
        ("backtesting_py/GOOG.csv", "ohlcv-csv"),
        ("backtesting_py/EURUSD.csv", "ohlcv-csv"),
    ];
    for (name, format) in known {
        let bench = Bench::new();
        let report = bench.import(&root.join(name), &pair)?;
        assert_eq!(report["format"], format, "{name}");
        let facts: u64 =
            report["facts"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        let left_out = report["duplicates"].as_u64().unwrap();
        assert_eq!(Some(facts + left_out), report["rows"].as_u64(), "{name}");
        assert!(facts > 100, "{name}");
    }
    for name in [
        "cryptofeed_capture/COINBASE.ws.28.0.gz",
        "cryptofeed_capture/BINANCE.ws.1.0.gz",
        "nautilus_catalog_parquet/128bit_trades.parquet",
        "barter_json/binance_spot_market_data_with_disconnect_events.json",
        "barter_json/binance_spot_trades_l1_btcusdt_ethusdt_solusdt.json.gz",
    ] {
        let said = Bench::new().refused(&root.join(name), &pair)?;
        assert!(said.contains("unknown format"), "{name}: {said}");
    }
    Ok(())
}

#[test]
fn numbers_at_the_end_of_their_range_stop_no_feed() -> TestResult {
    let book = |first: u64, last: u64| {
        format!(
            "1723161600301658384 {{\"stream\":\"btcusdt@depth\",\"data\":{{\
             \"e\":\"depthUpdate\",\"s\":\"BTCUSDT\",\"U\":{first},\"u\":{last},\
             \"b\":[],\"a\":[]}}}}\n"
        )
    };
    let bench = Bench::new();
    let rows = format!("{FEED}{}{}", book(17, u64::MAX), book(1, 2));
    let report = bench.import(&bench.file("feed", rows), &[])?;
    assert_eq!(report["figures"]["depth_seq_breaks"], 2, "the first one is of the feed before");
    let bench = Bench::new();
    let rows: String = [1, u64::MAX, 0, 5]
        .iter()
        .map(|id| format!("{id},100.5,0.25,25.125,1672531200000,True,True\n"))
        .collect();
    let report = bench.import(&bench.file("BTCUSDT-trades-2023-01.csv", rows), &[])?;
    assert_eq!(report["figures"]["missing_trades"], u64::MAX);
    Ok(())
}

#[test]
fn a_numbered_trade_is_the_same_in_milliseconds_and_in_microseconds() -> TestResult {
    let bench = Bench::new();
    let name = "BTCUSDT-trades-2023-01.csv";
    bench.import(&bench.file(name, "10,100.5,1,100.5,1672531200001,True,True\n"), &[])?;
    let finer = "10,100.5,1,100.5,1672531200001987,True,True\n";
    let report = bench.import(&bench.file(name, finer), &["--dry-run"])?;
    assert_eq!((&report["duplicates"], &report["contradictions"]), (&json!(1), &json!(0)));
    let later = finer.replace("001987", "002000");
    let report = bench.import(&bench.file(name, later), &["--dry-run"])?;
    assert_eq!((&report["duplicates"], &report["contradictions"]), (&json!(0), &json!(1)));
    Ok(())
}

#[test]
fn two_archives_of_microseconds_that_differ_within_a_millisecond_contradict_each_other()
-> TestResult {
    let bench = Bench::new();
    let name = "BTCUSDT-trades-2023-01.csv";
    let row = |id: u8, micros: &str| format!("{id},100.5,1,100.5,1672531200{micros},True,True\n");
    let first = [row(10, "001987"), row(11, "002000"), row(12, "003000")].concat();
    bench.import(&bench.file(name, first), &[])?;
    // The second row of both happens to be a whole millisecond in one of them.
    let other = [row(10, "001988"), row(11, "002001"), row(12, "003000")].concat();
    let report = bench.import(&bench.file(name, other), &["--dry-run"])?;
    assert_eq!((&report["duplicates"], &report["contradictions"]), (&json!(1), &json!(2)));
    let coarser = [row(10, "001"), row(11, "002"), row(12, "003")].concat();
    let report = bench.import(&bench.file(name, coarser), &["--dry-run"])?;
    assert_eq!((&report["duplicates"], &report["contradictions"]), (&json!(3), &json!(0)));
    Ok(())
}
