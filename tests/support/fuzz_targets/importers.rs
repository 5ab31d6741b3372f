//! Other people's files as `import` reads them: any bytes as one format, and every market format.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use schwabot::import::{
    FileOutcome, Format, ImportError, ImportReport, ImportRequest, Tally, import,
};
use schwabot::ledger::{SyncMode, WriterOptions};
use schwabot::market::PairSymbol;

/// Rows up to which a file is imported in earnest too.
const ROWS_MAX: u64 = 200;

/// A folder in memory, where the machine has such a place, for each thread.
fn place() -> PathBuf {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let made = tempfile::tempdir_in(Path::new("/dev/shm"));
        made.or_else(|_| tempfile::tempdir()).unwrap()
    });
    let thread = format!("{:?}", std::thread::current().id());
    let thread: String = thread.chars().filter(char::is_ascii_digit).collect();
    let path = folder.path().join(thread);
    fs::create_dir_all(&path).unwrap();
    path
}

fn options() -> WriterOptions {
    WriterOptions { sync: SyncMode::End, segment_bytes: 64 << 10, ..WriterOptions::default() }
}

fn read(ledger: &Path, request: &ImportRequest) -> Result<ImportReport, ImportError> {
    import(ledger, request, &options(), &mut |_| ControlFlow::Continue(()))
}

/// An error names its file, is one line, and commands no terminal.
fn sound(error: &ImportError) {
    let text = error.to_string();
    assert!(text.contains("rows.bin"), "an error names its file: {text}");
    assert!(!text.contains(char::is_control), "an error is one line of text: {text:?}");
}

/// One format: does it understand any of these bytes?
pub(super) fn of_format(name: &str, bytes: &[u8]) -> bool {
    tally_of(name, bytes).is_some_and(|tally| tally.new_facts() > 0)
}

/// Strictly and leniently, dry and in earnest, once and again: what was counted, if the file as a
/// whole was taken.
pub(super) fn tally_of(name: &str, bytes: &[u8]) -> Option<Tally> {
    let place = place();
    let path = place.join("20180404_rows.bin");
    fs::write(&path, bytes).unwrap();
    let ledger = place.join("ledger");
    drop(fs::remove_dir_all(&ledger));
    let mut request = ImportRequest {
        files: vec![(path, PairSymbol::parse("BTC/USDT"))],
        from: Format::by_name(name),
        dry_run: true,
        ..ImportRequest::default()
    };
    assert!(request.from.is_some(), "{name} is a format");
    request.skip_malformed = true;
    let lenient = read(&ledger, &request);
    request.skip_malformed = false;
    let strict = match read(&ledger, &request) {
        Ok(report) => report.files[0].tally.clone(),
        Err(error) => {
            sound(&error);
            if let Err(error) = &lenient {
                sound(error);
            }
            return None;
        }
    };
    let lenient = lenient.unwrap().files[0].tally.clone();
    assert_eq!(strict, lenient, "nothing to leave out, nothing left out");
    assert!(!ledger.exists(), "a dry run writes nothing");
    for defect in &strict.defects {
        assert!(defect.count > 0 && !defect.what.contains(char::is_control), "{defect:?}");
    }
    if strict.rows <= ROWS_MAX {
        request.dry_run = false;
        let done = read(&ledger, &request).expect("what a dry run takes can be recorded");
        assert_eq!(done.files[0].tally, strict, "a dry run says what is done");
        let again = read(&ledger, &request).unwrap();
        assert_eq!(again.files[0].outcome, FileOutcome::AlreadyImported);
        assert_eq!(again.head, None, "the same again changes nothing");
    }
    // Whatever the bytes look like, they are of some format or of none.
    request.from = None;
    request.dry_run = true;
    if let Err(error) = read(&ledger, &request) {
        sound(&error);
    }
    Some(strict)
}

pub(super) fn klines(bytes: &[u8]) -> bool {
    of_format("binance-klines", bytes)
}

pub(super) fn sums(bytes: &[u8]) -> bool {
    of_format("binance-agg-trades", bytes)
}

pub(super) fn trades(bytes: &[u8]) -> bool {
    of_format("binance-trades", bytes)
}

pub(super) fn kraken_trades(bytes: &[u8]) -> bool {
    of_format("kraken-trades", bytes)
}

pub(super) fn kraken_bars(bytes: &[u8]) -> bool {
    of_format("kraken-ohlcvt", bytes)
}

pub(super) fn candles(bytes: &[u8]) -> bool {
    of_format("freqtrade-candles", bytes)
}

pub(super) fn json_trades(bytes: &[u8]) -> bool {
    of_format("freqtrade-trades", bytes)
}

pub(super) fn feed(bytes: &[u8]) -> bool {
    of_format("hftbacktest-feed", bytes)
}

pub(super) fn lean(bytes: &[u8]) -> bool {
    of_format("lean", bytes)
}

pub(super) fn ohlcv(bytes: &[u8]) -> bool {
    of_format("ohlcv-csv", bytes)
}

/// Files that are understood, by the name of the target.
pub(super) fn seeds(target: &str) -> Option<Vec<Vec<u8>>> {
    let texts: &[&str] = match target {
        "import-klines" => &["1618951320000,2,4,1,3,10,1618951379999,30,5,1,2,0\n\
             1618951440000000,3,4,1,2,0.5,1618951499999999,30,5,1,2,0\n"],
        "import-agg-trades" => &["7,2.5,4,100,103,1672531200000,True,True\n\
             9,2.5,4,104,104,1672531200001,False,True\n"],
        "import-trades" => &["10,100.5,0.25,25.125,1672531200000,True,True\n\
             11,100.25,1,100.25,1672531200500000,false,true\n"],
        "import-kraken-trades" => {
            &["1672531436.25,90.54,1\n1672531436.25,90.54,1\n1672531471,9,1\n"]
        }
        "import-kraken-ohlcvt" => &["1672531200,2,4,1,3,10.5,7\n1672534800,2,4,1,3,0,0\n"],
        "import-candles" => &["[[1618951320000,2,4,1,3,10.5],\n [1618951380000, 3, 4, 1, 2, 0]]"],
        "import-json-trades" => &["[[1570752033759,\"1\",\"limit\",\"buy\",0.5,11.0,\
             0.015571269999999998],\n[1570752033760,\"2\",null,\"sell\",0.5,2.0,1.0]]"],
        "import-feed" => &["1723161600101658384 {\"stream\":\"btcusdt@trade\",\"data\":{\
             \"e\":\"trade\",\"E\":1723161601273,\"T\":1723161600101,\"s\":\"BTCUSDT\",\"t\":5,\
             \"p\":\"61.50\",\"q\":\"0.10\",\"X\":\"MARKET\",\"m\":true}}\n\
             1723161600201658384 {\"stream\":\"btcusdt@bookTicker\",\"data\":{\"u\":9,\
             \"s\":\"BTCUSDT\",\"b\":\"61.4\",\"B\":\"2\",\"a\":\"61.6\",\"A\":\"3\"}}\n\
             1723161600301658384 {\"stream\":\"btcusdt@depth@100ms\",\"data\":{\
             \"e\":\"depthUpdate\",\"s\":\"BTCUSDT\",\"U\":10,\"u\":12,\"b\":[],\"a\":[]}}\n"],
        "import-lean" => &[
            "0,2,4,1,3,7.5\n120000,2,4,1,3,1\n",
            "0,9,9,9,9,33.35399601000002,10,10,10,10,1\n60000,,,,,,10,10,10,10,1\n",
            "20141201 00:00,300,370,300,370,0.05655554\n20141202 00:00,3,3,3,3,1\n",
        ],
        "import-ohlcv" => &["date,open,high,low,close,volume\n2021-04-20 20:42:00,2,4,1,3,10.5\n\
             2021-04-20 20:43:00,3,4,1,2,0\n"],
        _ => return None,
    };
    Some(texts.iter().map(|text| text.as_bytes().to_vec()).collect())
}
