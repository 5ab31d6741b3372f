//! What bots say of themselves: freqtrade's backtest results and ccxt's trades.

use std::io::Read as _;

use schwabot::event::{Exactness, Liquidity, Side};
use schwabot::import::accounts::{AccountFormat, NoticeKind};
use schwabot::units::MoneyExact;

use super::reading::{read, refused};
use crate::support::{TestResult, shared_data};

/// A report of one strategy with two trades: a long that claims its profit after fees, and a short
/// that does so before them.
const REPORT: &str = r#"{
 "metadata": {"Sma": {"run_id": "x"}},
 "strategy": {"Sma": {
  "trades": [
   {"pair": "ETH/USDT", "stake_amount": 100.0, "amount": 0.05, "open_rate": 2000.0,
    "close_rate": 2100.0, "fee_open": 0.001, "fee_close": 0.001, "profit_abs": 4.795,
    "open_date": "2024-01-01 00:00:00+00:00", "close_date": "2024-01-01 05:00:00+00:00",
    "open_timestamp": 1704067200000, "close_timestamp": 1704085200000.0, "is_open": false,
    "is_short": false, "exit_reason": "roi", "enter_tag": "cross", "orders": null},
   {"pair": "ETH/USDT", "stake_amount": 105.0, "amount": 0.05, "open_rate": 2100.0,
    "close_rate": 2000.0, "fee_open": 0.001, "fee_close": 0.001, "profit_abs": 5.0,
    "open_date": "2024-01-02 00:00:00+00:00", "close_date": "2024-01-02 05:00:00+00:00",
    "is_open": false, "is_short": true, "sell_reason": "stop_loss"}
  ],
  "total_trades": 2, "profit_total_abs": 9.795, "sharpe": NaN, "locks": []
 }},
 "strategy_comparison": []
}"#;

#[test]
fn a_backtest_result_is_read_and_its_profits_are_worked_out_again() {
    let read = read(AccountFormat::FreqtradeBacktest, REPORT);
    let [long, short] = read.trips.as_slice() else { panic!("{read:?}") };
    assert_eq!((long.side, short.side), (Side::Buy, Side::Sell));
    assert_eq!(long.entry_time.to_string(), "2024-01-01T00:00:00Z");
    assert_eq!(long.exit_time.unwrap().to_string(), "2024-01-01T05:00:00Z");
    assert_eq!(long.fees.as_ref().unwrap().to_string(), "0.205");
    assert_eq!(long.computed.unwrap().to_string(), "4.795");
    assert_eq!((long.agrees, short.agrees), (Some(true), Some(false)));
    assert_eq!(short.computed.unwrap().to_string(), "4.795");
    assert_eq!((long.tag.as_deref(), long.strategy.as_deref()), (Some("cross"), Some("Sma")));
    assert_eq!(short.exit_reason.as_deref(), Some("stop_loss"), "the older name of the field");
    assert_eq!(long.exactness, Exactness::BinaryFloat);
    let said = read.said(NoticeKind::Contradiction);
    assert_eq!(
        said,
        ["profit 5 is claimed, and 4.795 follows from its figures: the claim leaves fees out"]
    );
}

#[test]
fn a_report_that_does_not_hold_what_it_counts_is_told() {
    let other = REPORT.replace("\"total_trades\": 2", "\"total_trades\": 3");
    let other = other.replace("9.795,", "9.8,");
    let read = read(AccountFormat::FreqtradeBacktest, other);
    let said = read.said(NoticeKind::Contradiction);
    assert!(said.contains(&"`Sma`: the report counts `3` trades, it holds 2"), "{said:?}");
    assert!(said.contains(&"`Sma`: the report says a profit of 9.8, its trades claim 9.795"));
}

#[test]
fn an_open_trade_is_told_as_open_and_has_no_exit() {
    let open = REPORT.replacen("\"is_open\": false", "\"is_open\": true", 1);
    let read = read(AccountFormat::FreqtradeBacktest, open);
    let trip = &read.trips[0];
    assert!(trip.open && trip.exit_time.is_none() && trip.exit_price.is_none());
    assert_eq!((trip.computed, trip.agrees), (None, None));
    assert_eq!(read.said(NoticeKind::Open), ["`ETH/USDT` is open still: it is no closed trade"]);
}

#[test]
fn a_malformed_report_names_line_column_and_field() {
    let cases = [
        (REPORT.replacen("2000.0", "\"two\"", 1), "line 5, column 77: open_rate: `two`"),
        (REPORT.replacen("\"amount\": 0.05,", "", 1), "line 5, column 4: amount: is missing"),
        (
            REPORT.replacen("2024-01-02 00:00:00+00:00", "2024-31-02", 1),
            "line 12, column 18: open_date:",
        ),
        (
            REPORT.replacen("\"is_open\": false", "\"is_open\": \"no\"", 1),
            "is_open: `\"no\"` is no yes or no",
        ),
        (REPORT.replacen("\"amount\": 0.05,", "\"pair\": 1,", 1), "names `pair` twice"),
        (REPORT.replace("\"locks\": []", "\"locks\": [}"), "line 15, column 74: JSON: expected"),
        (REPORT.replace("\"strategy_comparison\": []", "\"strategy_comparison\": [01]"), "JSON: "),
        (format!("{REPORT} {{}}"), "expected nothing behind the document"),
        (REPORT[..700].to_owned(), "expected the end of the value, found the end of the file"),
        ("{\"strategy\": {}}".to_owned(), "the report holds none"),
    ];
    for (text, expected) in cases {
        let error = refused(AccountFormat::FreqtradeBacktest, &text);
        assert!(error.contains(expected), "{error}\n  where expected: {expected}");
    }
}

#[test]
fn the_published_backtest_result_is_read_whole_and_its_claims_leave_fees_out() -> TestResult {
    let Some(path) = shared_data("freqtrade/backtest-result.json.gz") else { return Ok(()) };
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path)?).read_to_end(&mut text)?;
    let read = read(AccountFormat::FreqtradeBacktest, text);
    assert_eq!(read.trips.len(), 179);
    assert!(read.trips.iter().all(|trip| !trip.open));
    // The report's own sum, 0.0010419029856968845, is what its trades claim; the claims are the
    // moves of the price alone, although each trade states fees of a quarter percent a side.
    assert_eq!(read.trips.iter().filter(|trip| trip.agrees == Some(false)).count(), 179);
    let said = read.said(NoticeKind::Contradiction);
    assert_eq!(said.len(), 179);
    assert!(said.iter().all(|what| what.ends_with(": the claim leaves fees out")));
    let sum = read
        .trips
        .iter()
        .try_fold(MoneyExact::ZERO, |sum, trip| sum.plus(trip.computed.unwrap_or_default()))?;
    assert_eq!(sum.to_string()[..14], *"0.000144298228");
    Ok(())
}

const CCXT: &str = r#"[
 {"id": "77", "order": "9", "timestamp": 1700000000123, "datetime": "2023-11-14T22:13:20.123Z",
  "symbol": "BTC/USDT", "type": "limit", "side": "buy", "takerOrMaker": "maker",
  "price": 36000.123456789, "amount": 0.1, "cost": 3600.0123456789,
  "fee": {"currency": "BNB", "cost": 0.0001, "rate": null}, "fees": [],
  "info": {"price": "36000.1234567890123", "qty": "0.10000000", "quoteQty": "3600.01"}},
 {"id": "78", "order": null, "timestamp": 1700000001123, "symbol": "BTC/USDT", "side": "sell",
  "price": 36000.5, "amount": 0.2, "fees": [{"currency": "USDT", "cost": 1.5},
  {"currency": "USDT", "cost": 0.5}], "info": {"price": "36000.6"}}
]"#;

#[test]
fn ccxt_trades_take_the_venues_own_text_where_it_has_the_same_value() {
    let array = read(AccountFormat::CcxtTrades, CCXT);
    let [buy, sell] = array.fills.as_slice() else { panic!("{array:?}") };
    assert_eq!(buy.price.to_string(), "36000.1234567890123", "the venue says more digits");
    assert_eq!((buy.trade_id.as_deref(), buy.order_id.as_deref()), (Some("77"), Some("9")));
    assert_eq!(buy.liquidity, Some(Liquidity::Maker));
    assert_eq!(
        (buy.fee_currency.as_deref(), sell.fee_currency.as_deref()),
        (Some("BNB"), Some("USDT"))
    );
    assert_eq!(sell.fee.as_ref().unwrap().to_string(), "2", "two fees in one currency are one");
    assert_eq!(sell.price.to_string(), "36000.5");
    assert_eq!(sell.exactness, Exactness::BinaryFloat);
    let said = array.said(NoticeKind::Contradiction);
    assert!(said.contains(&"price is 36000.5, and the venue's price is 36000.6"), "{said:?}");

    // One a line, too.
    let values: Vec<serde_json::Value> = serde_json::from_str(CCXT).unwrap();
    let lines: Vec<String> = values.iter().map(ToString::to_string).collect();
    let lines = read(AccountFormat::CcxtTrades, lines.join("\n"));
    assert_eq!(lines.fills.len(), 2);
    assert_eq!(lines.fills[1], *sell);
}

#[test]
fn a_malformed_ccxt_trade_names_its_place() {
    let cases = [
        (CCXT.replacen("\"buy\"", "\"bid\"", 1), "line 3, column 50: side: `bid` is neither"),
        (CCXT.replacen("\"amount\": 0.1", "\"amount\": -0.1", 1), "amount: is not above zero"),
        (CCXT.replacen("\"maker\"", "\"both\"", 1), "takerOrMaker: `both` is neither"),
        (CCXT.replacen("1700000001123", "null", 1), "line 7, column 2: timestamp: is missing"),
        (CCXT.replacen("]\n", "]", 1).replacen("}},", "}}", 1), "JSON: expected"),
    ];
    for (text, expected) in cases {
        let error = refused(AccountFormat::CcxtTrades, &text);
        assert!(error.contains(expected), "{error}\n  where expected: {expected}");
    }
}
