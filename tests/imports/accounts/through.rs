//! Account files through the program: into a ledger, whole, once, verified.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::cli::{Place, run};
use crate::support::{TestResult, shared_data};

/// Imports a file into the ledger of a place and returns what is told of it.
pub(crate) fn import(place: &Place, file: &str, more: &[&str]) -> TestResult<Value> {
    let ledger = place.arg("ledger");
    let args = [&["import", &ledger, file, "--format", "json"], more].concat();
    let ran = run(&args)?;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    Ok(ran.json()?["files"][0].take())
}

pub(crate) fn verified(place: &Place) -> TestResult<Option<i32>> {
    Ok(run(&["verify", &place.arg("ledger"), "--level", "all"])?.code)
}

/// The payloads of all records of a kind.
fn payloads(place: &Place, kind: &str) -> TestResult<Vec<Value>> {
    let ran = run(&["replay", &place.arg("ledger"), "--kind", kind, "--format", "jsonl"])?;
    let lines = ran.out.lines().map(serde_json::from_str::<Value>);
    Ok(lines.map(|line| line.map(|mut line| line["payload"].take())).collect::<Result<_, _>>()?)
}

#[test]
fn a_venues_export_goes_in_once_and_verifies() -> TestResult {
    let place = Place::new()?;
    let text = "txid,ordertxid,pair,time,type,price,cost,fee,vol\n\
                T1,O1,XBT/EUR,2022-05-06 07:08:09.5,buy,30000,300,0.48,0.01\n\
                T2,O1,XBT/EUR,2022-05-06 07:08:10.5,sell,30001.5,300.015,0.48,0.01\n";
    let file = place.write("trades.csv", text)?;
    let told = import(&place, &file, &["--label", "kraken"])?;
    assert_eq!((&told["format"], &told["rows"]), (&json!("kraken-account"), &json!(2)));
    assert_eq!(told["facts"], json!({"imported_fill": 2}));
    assert_eq!(told["figures"]["fees"], json!({"EUR": "0.96"}));
    assert_eq!(told["figures"]["symbols"]["XBT/EUR"]["sum_px_qty"], "600.015");
    let fills = payloads(&place, "imported_fill")?;
    assert_eq!((&fills[1]["trade_id"], &fills[1]["side"]), (&json!("T2"), &json!("sell")));
    let again = import(&place, &file, &["--label", "kraken"])?;
    assert_eq!(again["outcome"], "already_imported");
    // A later export repeats what was there and adds to it.
    let more = format!("{text}T3,O2,XBT/EUR,2022-05-07 07:08:10.5,sell,30002,300.02,0.48,0.01\n");
    let more = import(&place, &place.write("more.csv", &more)?, &["--label", "kraken"])?;
    assert_eq!((&more["facts"], &more["duplicates"]), (&json!({"imported_fill": 1}), &json!(2)));
    assert_eq!(verified(&place)?, Some(0));
    Ok(())
}

#[test]
fn a_malformed_file_is_refused_by_name_line_and_column_and_leaves_no_ledger() -> TestResult {
    let place = Place::new()?;
    let text = "txid,ordertxid,pair,time,type,price,cost,fee,vol\nT1,O1,XBT/EUR,soon,buy,1,1,0,1\n";
    let file = place.write("trades.csv", text)?;
    let ran = run(&["import", &place.arg("ledger"), &file])?;
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.ends_with("trades.csv: line 2, column 15: time: `soon` is no time\n"),
        "{}",
        ran.err
    );
    assert!(!Path::new(&place.arg("ledger")).exists());
    let told = import(&place, &file, &["--skip-malformed", "--dry-run"]);
    assert!(told.is_ok(), "left out on request: {told:?}");
    Ok(())
}

#[test]
fn the_zone_of_a_server_is_said_on_the_command_line() -> TestResult {
    let place = Place::new()?;
    let text = "Time;Deal;Symbol;Type;Direction;Volume;Price\n2024.01.02 03:04:05;2;X;buy;in;0.5;1 000.5\n";
    let file = place.write("deals.csv", text)?;
    let told = import(&place, &file, &["--utc-offset", "-05:30"])?;
    assert_eq!(told["first"], "2024-01-02T08:34:05Z");
    assert_eq!(told["faults"], json!({}));
    assert_eq!(told["utc_offset"], "-330m");
    let unsaid = import(&place, &file, &["--label", "other"])?;
    assert_eq!(unsaid["faults"], json!({"clock": 1}));
    let state = run(&["state", &place.arg("ledger"), "imports", "--format", "json"])?.json()?;
    let started = |at: usize| state["imports"][at]["started"]["utc_offset"].clone();
    assert_eq!((started(0), started(1)), (json!("-330m"), json!(null)), "it stands in the log");
    let text = run(&["state", &place.arg("ledger"), "imports"])?.out;
    assert!(text.contains("-330m east of UTC, as the operator said"), "{text}");
    // Read by another clock the same bytes say something else.
    let again = import(&place, &file, &["--utc-offset", "-05:30"])?;
    assert_eq!(again["outcome"], "already_imported");
    let other = import(&place, &file, &["--utc-offset", "+01:00"])?;
    assert_eq!((&other["outcome"], &other["contradictions"]), (&json!("imported"), &json!(1)));
    Ok(())
}

/// A zip as freqtrade writes one, with what must never be opened.
fn backtest_zip(report: &str) -> TestResult<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let files = [
        ("backtest-result-2024-01-01_00-00-00.json", report),
        ("backtest-result-2024-01-01_00-00-00_config.json", "{\"exchange\": {}}"),
        ("backtest-result-2024-01-01_00-00-00_Sma.py", "raise SystemExit"),
        ("backtest-result-2024-01-01_00-00-00_signals.pkl", "\u{80}\u{4}cos\nsystem\n"),
    ];
    for (name, text) in files {
        zip.start_file(name, options)?;
        zip.write_all(text.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

#[test]
fn of_a_backtests_zip_only_its_result_is_read() -> TestResult {
    let place = Place::new()?;
    let report = "{\"strategy\": {\"Sma\": {\"trades\": [{\"pair\": \"A/B\", \"open_date\": \
                  \"2024-01-01 00:00:00+00:00\", \"close_date\": \"2024-01-02 00:00:00+00:00\", \
                  \"open_rate\": 2.0, \"close_rate\": 3.0, \"amount\": 1.5, \"stake_amount\": 3.0, \
                  \"fee_open\": 0.0, \"fee_close\": 0.0, \"profit_abs\": 1.5, \"is_open\": false}]}}}";
    std::fs::write(place.path("result.zip"), backtest_zip(report)?)?;
    let told = import(&place, &place.arg("result.zip"), &[])?;
    assert_eq!((&told["format"], &told["rows"]), (&json!("freqtrade-backtest"), &json!(1)));
    assert_eq!(told["figures"]["claims_that_follow"], 1);
    let trade = &payloads(&place, "imported_trade")?[0];
    assert_eq!(
        (&trade["recomputed_profit"], &trade["exactness"]),
        (&json!("1.5"), &json!("binary_float"))
    );
    assert_eq!(told["first"], "2024-01-02T00:00:00Z", "nobody knew its profit before its exit");
    assert_eq!(verified(&place)?, Some(0));
    Ok(())
}

#[test]
fn a_workbook_is_refused_with_what_to_do_instead() -> TestResult {
    let place = Place::new()?;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"] {
        zip.start_file(name, zip::write::SimpleFileOptions::default())?;
    }
    std::fs::write(place.path("report.xlsx"), zip.finish()?.into_inner())?;
    let ran = run(&["import", &place.arg("ledger"), &place.arg("report.xlsx")])?;
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains("report.xlsx: a workbook is not read: save its deals as CSV"),
        "{}",
        ran.err
    );
    Ok(())
}

#[test]
fn the_published_backtest_result_goes_in_whole() -> TestResult {
    let Some(path) = shared_data("freqtrade/backtest-result.json.gz") else { return Ok(()) };
    let place = Place::new()?;
    let told = import(&place, &path.display().to_string(), &[])?;
    assert_eq!(told["facts"], json!({"imported_trade": 179}));
    assert_eq!(told["figures"]["claims_that_do_not"], 179);
    assert_eq!(told["figures"]["claimed_profit"], "0.001041902985696884505");
    assert_eq!(told["faults"], json!({"inconsistent": 179}));
    assert_eq!(verified(&place)?, Some(0));
    Ok(())
}

#[test]
fn our_own_export_of_the_memories_comes_in_again_with_every_entry() -> TestResult {
    let place = Place::new()?;
    let demo = run(&["demo", "--cycles", "700", "--ledger", &place.arg("demo")])?;
    assert_eq!(demo.code, Some(0), "{}", demo.err);
    let stack = place.arg("stack");
    let ran = run(&["export", &place.arg("demo"), "--to", "memory-stack", &stack])?;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let mut entries = 0;
    let mut files = 0;
    for folder in ["backup_memory_stack", "hash_memory_bank"] {
        let folder = Path::new(&stack).join(folder);
        let Ok(names) = std::fs::read_dir(&folder) else { continue };
        for name in names {
            let path = name?.path();
            let whole: Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
            let of = |name: &str| match &whole[name] {
                Value::Object(map) => map.len(),
                Value::Array(list) => list.len(),
                _ => 0,
            };
            let expected = of("entries") + of("events") + of("volume_weights");
            if expected == 0 {
                continue;
            }
            let told = import(&place, &path.display().to_string(), &[])?;
            assert_eq!(told["facts"], json!({"imported_entry": expected}), "{told}");
            assert_eq!(told["faults"].get("inconsistent"), None, "{told}");
            (entries, files) = (entries + expected, files + 1);
        }
    }
    assert!(files >= 3, "{files}");
    assert_eq!(payloads(&place, "imported_entry")?.len(), entries);
    assert_eq!(verified(&place)?, Some(0));
    Ok(())
}

#[test]
fn an_execution_that_a_log_tells_twice_goes_in_once() -> TestResult {
    let message = |fields: &str| {
        let body: String = fields.split('|').map(|field| format!("{field}\u{1}")).collect();
        let head = format!("8=FIX.4.4\u{1}9={}\u{1}{body}", body.len());
        let sum = head.bytes().fold(0_u8, u8::wrapping_add);
        format!("{head}10={sum:03}\u{1}\n").replace('\u{1}', "|")
    };
    let report = |number: u32, more: &str| {
        message(&format!(
            "35=8|34={number}|49=V|56=B|52=20240808-23:54:15|37=O|55=BTCUSDT|54=1|150=F|39=2|\
             60=20240808-23:54:15.5|{more}"
        ))
    };
    let log = [
        report(1, "17=E1|31=60000|32=1"),
        report(1, "43=Y|17=E1|31=60000|32=1"),
        report(2, "97=Y|17=E1|31=60000|32=1"),
        report(3, "97=Y|17=E1|31=60001|32=1"),
    ];
    let place = Place::new()?;
    let told = import(&place, &place.write("session.log", &log.concat())?, &[])?;
    assert_eq!(told["facts"], json!({"imported_fill": 1}));
    assert_eq!((&told["duplicates"], &told["contradictions"]), (&json!(2), &json!(1)));
    assert_eq!(told["faults"], json!({"contradiction": 1, "duplicate": 2}));
    Ok(())
}

#[test]
fn a_fee_in_another_currency_or_another_order_is_another_fill() -> TestResult {
    let place = Place::new()?;
    let binance = |coin: &str| {
        format!(
            "\"Date(UTC)\",Pair,Side,Price,Executed,Amount,Fee\n\
             2024-03-01 10:00:05,BTCUSDT,BUY,1,0.1BTC,0.1USDT,0.1{coin}\n"
        )
    };
    let ccxt = |order: &str| {
        format!(
            "[{{\"timestamp\": 1700000000123, \"symbol\": \"ETH/USDT\", \"side\": \"buy\", \
             \"order\": \"{order}\", \"price\": 1, \"amount\": 1}}]"
        )
    };
    let files = [
        ("usdt.csv", "binance-account", binance("USDT")),
        ("bnb.csv", "binance-account", binance("BNB")),
        ("a.json", "ccxt-trades", ccxt("A")),
        ("b.json", "ccxt-trades", ccxt("B")),
    ];
    for (name, format, text) in files {
        let told = import(&place, &place.write(name, &text)?, &["--from", format])?;
        assert_eq!(told["facts"], json!({"imported_fill": 1}), "{name}");
    }
    Ok(())
}

#[test]
fn a_clock_is_refused_for_a_file_that_has_no_use_for_it() -> TestResult {
    let place = Place::new()?;
    let row = "1735689600000,1,2,1,2,5,1735689659999,10,3,1,2,0\n";
    let file = place.write("BTCUSDT-1m.csv", row)?;
    let asked =
        ["import".to_owned(), place.arg("ledger"), file, "--pair".into(), "BTC/USDT".into()];
    let clock = ["--utc-offset".to_owned(), "+02:00".to_owned()];
    let refused = run(&[&asked[..], &clock].concat())?;
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("--utc-offset is for clocks without a zone"), "{}", refused.err);
    assert_eq!(run(&asked)?.code, Some(0));
    Ok(())
}
