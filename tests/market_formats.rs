//! Each format as it is met, and each way a row can be wrong.

use crate::support::TestResult;
use crate::support::market::{Folder, SKIP, STRICT, gzip, of_pair, read, refusal, zip};
use schwabot::event::{Defect, FileFormat};
use schwabot::market::{LINE_MAX, MarketOptions};

const KLINES: &str = "\
1637971200000,0.00002853,0.00002854,0.00002851,0.00002854,36304.2,1637971259999,1.03,79,1,0.5,0\n\
1637971260000,0.00002854,0.00002860,0.00002854,0.00002859,89196.6,1637971319999,2.54,98,5,1.6,0\n";
const KLINES_HEADER: &str = "open_time,open,high,low,close,volume,close_time,quote_volume,count,\
taker_buy_volume,taker_buy_quote_volume,ignore\n";
const CANDLES: &str = "[[1618951320000,1.08e-06,0.00000109,1.08e-6,0.00000108,1371255.3999999999],\n \
[1618951380000, 2, 3, 1, 2.5, 0]]";
const OHLCV: &str = "\u{feff}Date,Open,High,Low,Close,Adj,Vol\r\n\
2021-12-31 23:01:00.000000,46319.0,46385.0,46319.0,46377.0,x,23.5\r\n\
2021-12-31 23:02:00.000000,46377.0,46411.0,46377.0,46411.0,x,18";

#[test]
fn klines_give_exact_values_trades_and_their_own_interval() -> TestResult {
    let folder = Folder::new()?;
    let read = read(&[folder.write("ADABTC.csv", KLINES)?], &STRICT)?;
    assert_eq!(read.symbols, ["ADA/BTC"]);
    assert_eq!(read.inputs[0].format, FileFormat::BinanceKlines);
    let bar = read.bars()[0].clone();
    assert_eq!(bar.open.to_string(), "0.00002853");
    assert_eq!(bar.high.to_string(), "0.00002854");
    assert_eq!(bar.low.to_string(), "0.00002851");
    assert_eq!(bar.close.to_string(), "0.00002854");
    assert_eq!(bar.volume.to_string(), "36304.2");
    assert_eq!(bar.trades, Some(79));
    assert_eq!(bar.open_time.to_string(), "2021-11-27T00:00:00Z");
    assert_eq!(bar.available_at.to_string(), "2021-11-27T00:01:00Z");
    assert!(bar.last_of_instant);
    Ok(())
}

#[test]
fn klines_may_have_headers_and_change_from_milliseconds_to_microseconds() -> TestResult {
    let folder = Folder::new()?;
    let micro = KLINES_HEADER.to_owned()
        + "1637971320000000,1,1,1,1,1,1637971379999999,1,3,1,1,0\n"
        + "1637971380000,1,1,1,1,1,1637971439999,1,4,1,1,0\n";
    let joined = KLINES_HEADER.to_owned() + KLINES + &micro;
    let read = read(&[folder.write("ADABTC.csv", joined)?], &STRICT)?;
    let times: Vec<String> = read.bars().iter().map(|bar| bar.open_time.to_string()).collect();
    let expected = ["00:00", "00:01", "00:02", "00:03"].map(|t| format!("2021-11-27T{t}:00Z"));
    assert_eq!(times, expected);
    assert!(read.defects().is_empty(), "{:?}", read.defects());
    assert_eq!(read.bars()[2].row, 5, "rows are counted with header lines");
    Ok(())
}

#[test]
fn candle_json_keeps_every_digit_of_its_numbers() -> TestResult {
    let folder = Folder::new()?;
    let read = read(&[folder.write("DOGE_BTC-1m.json", CANDLES)?], &STRICT)?;
    assert_eq!(read.inputs[0].format, FileFormat::FreqtradeCandles);
    let bars = read.bars();
    assert_eq!(bars[0].open.to_string(), "0.00000108");
    assert_eq!(bars[0].volume.to_string(), "1371255.3999999999");
    assert_eq!((bars[1].row, bars[1].close.to_string()), (2, "2.5".to_owned()));
    assert_eq!(bars[1].trades, None);
    Ok(())
}

#[test]
fn ohlcv_columns_are_found_by_name_under_a_byte_order_mark_and_crlf() -> TestResult {
    let folder = Folder::new()?;
    let read = read(&[folder.write("x_BTC-PERP_1m_2021.csv", OHLCV)?], &STRICT)?;
    assert_eq!(read.symbols, ["BTC/PERP"]);
    assert_eq!(read.inputs[0].format, FileFormat::OhlcvCsv);
    let bars = read.bars();
    assert_eq!((bars.len(), bars[1].volume.to_string()), (2, "18".to_owned()));
    assert_eq!(bars[0].open_time.to_string(), "2021-12-31T23:01:00Z");
    assert_eq!((bars[0].row, bars[1].row), (2, 3));
    Ok(())
}

#[test]
fn every_way_to_write_a_time_means_the_same_instant() -> TestResult {
    let folder = Folder::new()?;
    let stamps = [
        "1618951320",
        "1618951320.0",
        "1618951320000",
        "1.61895132e12",
        "1618951320000000",
        "1618951320000000000",
        "2021-04-20 20:42:00",
        "2021-04-20T20:42:00Z",
        "2021-04-20 20:42:00.000",
        "2021-04-20T22:42:00+02:00",
        "2021-04-20 20:42:00+00:00",
        "2021-04-20 20:42",
    ];
    for stamp in stamps {
        let text = format!("time;open;high;low;close;volume\n{stamp};1;1;1;1;1\n");
        let read = read(&[folder.write("BTCUSDT-1m.csv", text)?], &STRICT)?;
        assert_eq!(read.bars()[0].open_time.to_string(), "2021-04-20T20:42:00Z", "{stamp}");
    }
    for stamp in [
        "20210420",
        "0",
        "-5",
        "",
        "NaN",
        "2021-02-29",
        "2021-04-20 24:00:00",
        "99999999999999999999",
        "2021-04-20T20:42[America/New_York]",
        "1618951320.0000000001",
    ] {
        let text = format!("time,open,high,low,close,volume\n{stamp},1,1,1,1,1\n");
        let words = refusal(&folder.write("BTCUSDT-1m.csv", text)?, &STRICT);
        assert!(words.starts_with("BTCUSDT-1m.csv: row 2: time: "), "{stamp}: {words}");
    }
    Ok(())
}

#[test]
fn a_date_before_the_epoch_and_in_a_leap_year_is_read() -> TestResult {
    let folder = Folder::new()?;
    let text = ",Open,High,Low,Close,Volume\n1969-12-31,1,1,1,1,1\n2000-02-29,1,1,1,1,1\n2000-03-01,1,1,1,1,1\n";
    let file = of_pair("GOOG/USD", folder.write("GOOG.csv", text)?);
    let options = MarketOptions { interval: Some("1d".parse()?), ..STRICT };
    let read = read(&[file], &options)?;
    let times: Vec<String> = read.bars().iter().map(|bar| bar.open_time.to_string()).collect();
    assert_eq!(times, ["1969-12-31T00:00:00Z", "2000-02-29T00:00:00Z", "2000-03-01T00:00:00Z"]);
    Ok(())
}

#[test]
fn packing_is_recognised_by_content_whatever_the_name_says() -> TestResult {
    let folder = Folder::new()?;
    for (format, text) in [("klines", KLINES), ("candles", CANDLES), ("ohlcv", OHLCV)] {
        let plain = read(&[folder.write("BTC_USDT-1m.zip", text)?], &STRICT)?;
        let zipped = zip(&[("folder/", b""), ("folder/a.txt", text.as_bytes())])?;
        for packed in [gzip(text.as_bytes())?, zipped] {
            let file = folder.write("BTC_USDT-1m.csv", &packed)?;
            let unpacked = read(std::slice::from_ref(&file), &STRICT)?;
            assert_eq!(unpacked.events, plain.events, "{format}");
            assert_eq!(unpacked.inputs[0].bytes, packed.len() as u64);
            assert_eq!(unpacked.inputs[0].digest, schwabot::hash::sha256(&packed));
        }
        // Two gzip members one after the other are one text.
        let (head, tail) = text.as_bytes().split_at(text.len() / 2);
        let file = folder.write("BTC_USDT-1m.csv", [gzip(head)?, gzip(tail)?].concat())?;
        assert_eq!(read(&[file], &STRICT)?.events, plain.events, "{format}");
    }
    Ok(())
}

#[test]
fn a_malformed_row_is_named_with_its_field_and_reason() -> TestResult {
    let folder = Folder::new()?;
    let header = "time,open,high,low,close,volume\n";
    let good = "1618951320,2,3,1,2,5\n";
    let long = format!("1618951380,{},3,1,2,5", "7".repeat(50));
    let cases = [
        ("1618951380,NaN,3,1,2,5", "open: `NaN` is no decimal number"),
        ("1618951380,2,inf,1,2,5", "high: `inf` is no decimal number"),
        ("1618951380,-2,3,-3,2,5", "open: -2 is not above zero"),
        ("1618951380,2,3,0,2,5", "low: 0 is not above zero"),
        ("1618951380,4,3,1,2,5", "open: 4 is above the highest price 3"),
        ("1618951380,2,3,1,0.5,5", "close: 0.5 is below the lowest price 1"),
        ("1618951380,2,1,3,2,5", "open: 2 is above the highest price 1"),
        ("1618951380,2,3,1,3.5,5", "close: 3.5 is above the highest price 3"),
        ("1618951380,0.5,3,1,2,5", "open: 0.5 is below the lowest price 1"),
        ("1618951380,2,3,1,2,-1", "volume: -1 is below zero"),
        ("1618951380,1e400,3,1,2,5", "open: `1e400` is too large"),
        ("1618951380,2,3,1,2,0.0000000000001", "volume: `0.0000000000001` is finer than 10^-12"),
        ("1618951380,2,3,1,2", "line: 5 fields instead of 6"),
        ("1618951380,2,3,1,2,5,6", "line: 7 fields instead of 6"),
        ("1618951380,,3,1,2,5", "open: `` is no decimal number"),
        ("1618951380,\"2,3,1,2,5", "line: a quote is not closed"),
        ("1618951380,2,3,1,\u{7},5", "line: control character at byte 18"),
        (&long, "open: `7777777777777777777777777777777777777777...` is too large"),
        (
            "9223372036854775807,2,3,1,2,5",
            "open_time: the bar would end after the last possible instant",
        ),
    ];
    for (row, reason) in cases {
        let file = folder.write("BTC_USDT-1m.csv", format!("{header}{good}{row}\n"))?;
        assert_eq!(refusal(&file, &STRICT), format!("BTC_USDT-1m.csv: row 3: {reason}"));
        let text = format!("{header}{good}{row}\n1618951440,2,3,1,2,5\n");
        let skipped = read(&[folder.write("BTC_USDT-1m.csv", text)?], &SKIP)?;
        assert_eq!(skipped.bars().len(), 2);
        let Defect::Malformed { field, reason: given } = &skipped.defects()[0].defect else {
            return Err(format!("{:?}", skipped.defects()).into());
        };
        assert_eq!(format!("{field}: {given}"), reason);
    }
    let latin = [header.as_bytes(), b"1618951380,2,3,1,2,\xe9\n"].concat();
    let words = refusal(&folder.write("BTC_USDT-1m.csv", latin)?, &STRICT);
    assert_eq!(words, "BTC_USDT-1m.csv: row 2: line: not UTF-8 at byte 20");
    Ok(())
}

#[test]
fn a_kline_whose_close_time_is_not_its_interval_is_malformed() -> TestResult {
    let folder = Folder::new()?;
    let cases = [
        (
            "1637971320000,1,1,1,1,1,1637971439999,1,3,1,1,0",
            "close_time: a bar of 2m among bars of 1m",
        ),
        (
            "1637971320,1,1,1,1,1,1637971379,1,3,1,1,0",
            "open_time: `1637971320` is neither milliseconds nor microseconds",
        ),
        (
            "1637971320000,1,1,1,1,1,1637971319999,1,3,1,1,0",
            "close_time: 2021-11-27T00:01:59.999Z is not after the open time 2021-11-27T00:02:00Z",
        ),
        ("1637971320000,1,1,1,1,1,1637971379999,1,-3,1,1,0", "count: `-3` is no whole number"),
        ("1637971320000,1,1,1,1,1,1637971379999,1,3,1,1", "line: 11 fields instead of 12"),
    ];
    for (row, reason) in cases {
        let file = folder.write("ADABTC.csv", format!("{KLINES}{row}\n"))?;
        assert_eq!(refusal(&file, &STRICT), format!("ADABTC.csv: row 3: {reason}"));
    }
    Ok(())
}

#[test]
fn json_that_breaks_off_or_is_no_array_of_candles_is_named_by_element_and_byte() -> TestResult {
    let folder = Folder::new()?;
    let good = "[1618951320000,2,3,1,2,5]";
    let cases = [
        (
            format!("[{good}"),
            "element 1, byte 26: expected `,` or `]` after an element, found the end of the file",
        ),
        (
            format!("[{good},[1618951380000,2"),
            "element 2, byte 43: expected the end `]` of the element, found the end of the file",
        ),
        (
            format!("[{good}x"),
            "element 1, byte 26: expected `,` or `]` after an element, found `x`",
        ),
        (format!("[{good}] {{"), "element 1, byte 28: expected nothing after the array, found `{`"),
        (
            format!("[{good},[[1,2]]]"),
            "element 2, byte 28: expected numbers only inside the element, found `[`",
        ),
        (format!("[{good},[1618951380000,2,3,1,2]]"), "row 2: element: 5 values instead of 6"),
        (
            format!("[{good},[1618951380000,null,3,1,2,5]]"),
            "row 2: open: `null` is no decimal number",
        ),
        ("[]".to_owned(), "holds no bar"),
        ("[ ".to_owned(), "element 1, byte 2: expected `[` or `]`, found the end of the file"),
        ("[1,2]".to_owned(), "element 1, byte 1: expected `[` or `]`, found `1`"),
    ];
    for (text, words) in cases {
        let file = folder.write("BTC_USDT-1m.json", &text)?;
        assert_eq!(refusal(&file, &STRICT), format!("BTC_USDT-1m.json: {words}"), "{text}");
    }
    Ok(())
}

#[test]
fn a_file_without_bars_or_of_no_known_format_is_refused() -> TestResult {
    let folder = Folder::new()?;
    let header = "time,open,high,low,close,volume\n";
    let endless = format!("{header}1618951320,2,3,1,2,5{}\n", " ".repeat(LINE_MAX));
    let cases: [(&[u8], &str); 10] = [
        (b"", "holds no bar"),
        (b"\n \n", "holds no bar"),
        (header.as_bytes(), "holds no bar"),
        (KLINES_HEADER.as_bytes(), "holds no bar"),
        (b"\xff\xfet\0i\0", "unknown format: UTF-16 text; save it as UTF-8"),
        (b"PK\x03\x04rest", "cannot unpack: the zip has no end: it was cut"),
        (
            b"time,open,high,low,close\n",
            "unknown format: it begins with `time,open,high,low,close` (5 fields by comma), which is no array of candles, no row of 12 kline fields, and no column is named volume",
        ),
        (b"\x00\x01\x02", "unknown format: control character at byte 1"),
        (endless.as_bytes(), "row 2: longer than 65536 bytes"),
        (&[b'a'; 70_000], "row 1: longer than 65536 bytes"),
    ];
    for (bytes, words) in cases {
        let file = folder.write("BTC_USDT-1m.csv", bytes)?;
        assert_eq!(refusal(&file, &STRICT), format!("BTC_USDT-1m.csv: {words}"));
    }
    let twice = folder.write("BTC_USDT-1m.csv", "time,open,high,low,close,close,volume\n")?;
    assert!(refusal(&twice, &STRICT).ends_with("two columns are named `close`"));
    let open = format!("[[1618951320000,2,3,1,2,{}", "1".repeat(70_000));
    let file = folder.write("BTC_USDT-1m.json", open)?;
    assert_eq!(refusal(&file, &STRICT), "BTC_USDT-1m.json: row 1: longer than 65536 bytes");
    Ok(())
}
