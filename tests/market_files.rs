//! Files as they are stored, and what their names say.

use std::fs;
use std::io::Write;

use crate::support::TestResult;
use crate::support::market::{Folder, STRICT, drain, gzip, named, of_pair, read, refusal, zip};
use schwabot::event::FileFormat;
use schwabot::market::{DataFile, MarketOptions, SourceError, open_market, parse_data_argument};

const HEADER: &str = "time,open,high,low,close,volume\n";

fn minutes(count: u64) -> String {
    let row = |n: u64| format!("{},2,3,1,2,{n}\n", 1_618_951_320 + 60 * n);
    HEADER.to_owned() + &(0..count).map(row).collect::<String>()
}

#[test]
fn a_cut_or_damaged_gzip_or_zip_is_an_error_and_never_a_shorter_file() -> TestResult {
    let folder = Folder::new()?;
    let text = minutes(3_000);
    for packed in [gzip(text.as_bytes())?, zip(&[("a.csv", text.as_bytes())])?] {
        for cut in [5, packed.len() / 2, packed.len() - 1] {
            let file = folder.write("BTC_USDT-1m.csv", &packed[..cut])?;
            let words = refusal(&file, &STRICT);
            assert!(words.starts_with("BTC_USDT-1m.csv: cannot unpack: "), "{cut}: {words}");
        }
        let mut damaged = packed.clone();
        damaged[packed.len() / 2] ^= 0x10;
        let words = refusal(&folder.write("BTC_USDT-1m.csv", damaged)?, &STRICT);
        assert!(!words.starts_with("no error"), "{words}");
    }
    Ok(())
}

#[test]
fn the_length_and_crc_that_a_zip_promises_are_checked() -> TestResult {
    let folder = Folder::new()?;
    let packed = zip(&[("a.csv", minutes(10).as_bytes())])?;
    let directory = packed.windows(4).position(|four| four == b"PK\x01\x02").ok_or("directory")?;
    for (what, offset) in [("crc", 16), ("length", 24)] {
        let mut wrong = packed.clone();
        wrong[directory + offset] ^= 1;
        let words = refusal(&folder.write("BTC_USDT-1m.zip", wrong)?, &STRICT);
        assert_eq!(words, "BTC_USDT-1m.zip: cannot unpack: length or CRC do not match", "{what}");
    }
    Ok(())
}

#[test]
fn a_zip_must_hold_exactly_one_file_that_can_be_read() -> TestResult {
    let folder = Folder::new()?;
    let text = minutes(2);
    let two = zip(&[("a.csv", text.as_bytes()), ("b.csv", text.as_bytes())])?;
    let names: Vec<String> = (0..100).map(|n| format!("{n}.csv")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), text.as_bytes())).collect();
    let mut locked = zip(&[("a.csv", text.as_bytes())])?;
    let directory = locked.windows(4).position(|four| four == b"PK\x01\x02").ok_or("directory")?;
    locked[6] |= 1;
    locked[directory + 8] |= 1;
    let cases = [
        (two, "the zip must hold exactly one file, and holds several"),
        (zip(&many)?, "the zip must hold exactly one file, and holds many"),
        (zip(&[])?, "the zip must hold exactly one file, and holds none"),
        (locked, "the file in the zip is encrypted"),
    ];
    for (bytes, words) in cases {
        let file = folder.write("BTC_USDT-1m.zip", bytes)?;
        assert_eq!(refusal(&file, &STRICT), format!("BTC_USDT-1m.zip: cannot unpack: {words}"));
    }
    Ok(())
}

#[test]
fn a_file_that_unpacks_to_far_too_much_is_refused() -> TestResult {
    let folder = Folder::new()?;
    let mut text = minutes(1).into_bytes();
    text.resize(64 << 20, b'\n');
    for packed in [gzip(&text)?, zip(&[("a.csv", &text)])?] {
        let file = folder.write("BTC_USDT-1m.csv", packed)?;
        let words = refusal(&file, &STRICT);
        assert!(words.contains("more than 250 unpacked bytes for each stored byte"), "{words}");
    }
    Ok(())
}

#[test]
fn a_file_that_changes_while_it_is_read_ends_the_run() -> TestResult {
    let folder = Folder::new()?;
    for (name, changed) in
        [("longer", minutes(20_001)), ("other", minutes(20_000).replace(",19999", ",77777"))]
    {
        let file = folder.write("BTC_USDT-1m.csv", minutes(20_000))?;
        let mut market = open_market(std::slice::from_ref(&file), &STRICT)?;
        fs::OpenOptions::new().write(true).open(&file.path)?.write_all(changed.as_bytes())?;
        let (events, error) = drain(&mut market.source);
        assert!(events.len() >= 20_000, "{name}: the error comes at the end of the file");
        assert!(matches!(error, Some(SourceError::Changed { .. })), "{name}: {error:?}");
    }
    Ok(())
}

#[test]
fn what_is_no_file_is_refused_by_name() -> TestResult {
    let folder = Folder::new()?;
    let missing = named(&folder.path("BTC_USDT-1m.csv"));
    assert!(refusal(&missing, &STRICT).starts_with("BTC_USDT-1m.csv: cannot read: "));
    fs::create_dir(folder.path("ETH_USDT-1m.csv"))?;
    let directory = named(&folder.path("ETH_USDT-1m.csv"));
    assert_eq!(refusal(&directory, &STRICT), "ETH_USDT-1m.csv: not a regular file");
    Ok(())
}

#[test]
fn a_name_says_its_pair_or_is_refused() -> TestResult {
    let folder = Folder::new()?;
    let readable = [
        ("nautilus_BTC-PERP_1m_2021-12-31_2022-02-01.csv.gz", "BTC/PERP"),
        ("binance_BTC_USDT-1m_2021.json.gz", "BTC/USDT"),
        ("BINANCE_ETHBTC_1m.csv", "ETH/BTC"),
        ("COINBASE-BTC-USD-1m.CSV", "BTC/USD"),
        ("ADABTC-1m-2021-11-27.csv", "ADA/BTC"),
        ("BTC_USDT_USDT-1m-futures.json", "BTC/USDT"),
        ("1000SHIBUSDT-1m-2024-01.zip", "1000SHIB/USDT"),
        ("BTCFDUSD-1m.csv", "BTC/FDUSD"),
        ("EURUSD_1m", "EUR/USD"),
    ];
    for (name, pair) in readable {
        assert_eq!(read(&[folder.write(name, minutes(1))?], &STRICT)?.symbols, [pair], "{name}");
    }
    for name in ["GOOG_1m.csv", "prices.csv", "2021-01-1H.csv", "btcusdt-1m.csv", "Data_Set_1m.csv"]
    {
        let words = refusal(&folder.write(name, minutes(1))?, &STRICT);
        assert!(words.contains("the name says no pair; write BASE/QUOTE="), "{name}: {words}");
    }
    for name in ["BTC_USDT_ETH_USDT_1m.csv", "BTCUSDT_ETHUSDT_1m.csv", "AAA_BBB_CCC_1m.csv"] {
        let words = refusal(&folder.write(name, minutes(1))?, &STRICT);
        assert!(words.contains("the name may mean "), "{name}: {words}");
    }
    let given = of_pair("GOOG/USD", folder.write("GOOG_1m.csv", minutes(1))?);
    assert_eq!(read(&[given], &STRICT)?.symbols, ["GOOG/USD"]);
    Ok(())
}

#[test]
fn an_argument_names_a_pair_only_before_the_first_equals_sign() {
    let file = parse_data_argument("BTC/USDT=a=b.csv");
    assert_eq!(file.pair.map(|pair| pair.to_string()), Some("BTC/USDT".to_owned()));
    assert_eq!(file.path.to_str(), Some("a=b.csv"));
    for text in ["BTC=x.csv", "btc/usdt=x.csv", "/=x.csv", "A/B/C=x.csv", "BTC/USDT"] {
        assert_eq!(parse_data_argument(text).pair, None, "{text}");
    }
}

#[test]
fn the_interval_comes_from_the_option_then_the_name_then_the_klines() -> TestResult {
    let folder = Folder::new()?;
    let span = |name: &str, text: &str, options: &MarketOptions| -> TestResult<String> {
        let file = folder.write(name, text)?;
        Ok(open_market(&[file], options)?.pairs[0].interval.to_string())
    };
    let hourly = MarketOptions { interval: Some("1h".parse()?), ..STRICT };
    let kline = "1637971200000,1,1,1,1,1,1637971499999,1,79,1,1,0\n";
    assert_eq!(span("BTC_USDT-15m.csv", &minutes(1), &STRICT)?, "15m");
    assert_eq!(span("BTC_USDT_5min_x.csv", &minutes(1), &STRICT)?, "5m");
    assert_eq!(span("BTC_USDT_4H.csv", &minutes(1), &STRICT)?, "4h");
    assert_eq!(span("BTC_USDT-15m.csv", &minutes(1), &hourly)?, "1h");
    assert_eq!(span("BTCUSDT.csv", kline, &STRICT)?, "5m");
    for name in ["BTC_USDT.csv", "BTC_USDT-1M.csv", "BTC_USDT-0m.csv", "BTC_USDT-1m-5m.csv"] {
        let words = refusal(&folder.write(name, minutes(1))?, &STRICT);
        assert_eq!(words, format!("{name}: nothing says how long its bars are; give --interval"));
    }
    let zero = MarketOptions { interval: Some(schwabot::time::Span::from_nanos(0)), ..STRICT };
    let file = folder.write("BTC_USDT-1m.csv", minutes(1))?;
    assert_eq!(refusal(&file, &zero), "setting interval: not above zero");
    Ok(())
}

#[test]
fn a_format_that_was_asked_for_is_not_guessed() -> TestResult {
    let folder = Folder::new()?;
    let file = folder.write("BTC_USDT-1m.csv", minutes(1))?;
    let file = DataFile { format: Some(FileFormat::FreqtradeCandles), ..file };
    let words = refusal(&file, &STRICT);
    assert_eq!(
        words,
        "BTC_USDT-1m.csv: element 1, byte 0: expected the `[` of an array, found `t`"
    );
    let file = DataFile { format: Some(FileFormat::Commands), ..file };
    assert!(refusal(&file, &STRICT).contains("a file of commands holds no bars"));
    Ok(())
}
