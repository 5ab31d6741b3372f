//! Other people's files: candles in every format and packing, and an operator's commands.
//!
//! Importers open files by path, so each input is written to a file in memory where the machine
//! has such a place.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use schwabot::event::{Event, FileFormat};
use schwabot::market::{
    CommandFile, DataFile, MarketOptions, PairSymbol, Source as _, SourceError, open_market,
};
use schwabot::time::Timestamp;

/// Events of a market that are looked at.
const EVENTS_MAX: usize = 10_000;

/// A file of this process that holds these bytes.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        let made = tempfile::tempdir_in(memory);
        made.or_else(|_| tempfile::tempdir()).unwrap()
    });
    // Tests run side by side, each thread with files of its own.
    let thread = format!("{:?}", std::thread::current().id());
    let thread: String = thread.chars().filter(char::is_ascii_digit).collect();
    let path = folder.path().join(format!("{thread}-{name}"));
    fs::write(&path, bytes).unwrap();
    path
}

fn read(path: &Path, format: Option<FileFormat>, skip: bool) -> Result<Vec<Event>, SourceError> {
    let pair = PairSymbol::parse("BTC/USDT");
    let asked = DataFile { path: path.to_owned(), pair, format };
    let minute = Some("1m".parse().unwrap());
    let options = MarketOptions { interval: minute, skip_malformed: skip };
    let mut market = open_market(&[asked], &options)?;
    let mut events = Vec::new();
    while let Some(event) = market.source.next()? {
        events.push(event);
        if events.len() == EVENTS_MAX {
            break;
        }
    }
    Ok(events)
}

/// Bars rise strictly in time and are bars; errors name the file and hold no control character.
fn sound(path: &Path, read: Result<Vec<Event>, SourceError>) -> bool {
    let events = match read {
        Ok(events) => events,
        Err(error) => {
            let text = error.to_string();
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(text.contains(name), "an error names its file: {text}");
            assert!(!text.contains(char::is_control), "an error is one line of text: {text:?}");
            return false;
        }
    };
    let mut newest = Timestamp::MIN;
    let mut bars = 0;
    for event in &events {
        match event {
            Event::Bar(bar) => {
                assert!(bars == 0 || bar.open_time > newest, "bars rise in time");
                assert!(bar.available_at > bar.open_time);
                for price in [bar.open, bar.close, bar.high, bar.low] {
                    assert!(price.is_positive() && bar.low <= price && price <= bar.high);
                }
                newest = bar.open_time;
                bars += 1;
            }
            Event::DataDefect(defect) => {
                let text = serde_json::to_string(defect).unwrap();
                assert!(!text.contains(char::is_control));
            }
            other => panic!("no event of a market: {other:?}"),
        }
        let mut record = Vec::new();
        let stamp = crate::support::notes::stamp();
        schwabot::event::encode_record(event, &stamp, &mut record)
            .expect("whatever a market says fits into a record");
    }
    bars > 0
}

/// One format: skipping and not, and the format found or told.
fn rows(bytes: &[u8], format: FileFormat) -> bool {
    let path = file("rows", bytes);
    let strict = read(&path, Some(format), false);
    let lenient = read(&path, Some(format), true);
    if let Ok(events) = &strict {
        assert_eq!(lenient.as_ref().unwrap(), events, "nothing to skip, nothing skipped");
        assert_eq!(&read(&path, Some(format), false).unwrap(), events, "twice the same");
    }
    let found = read(&path, None, true);
    if let (Ok(found), Ok(told)) = (&found, &lenient)
        && format != FileFormat::OhlcvCsv
    {
        assert!(found == told || bytes.first() != Some(&b'['), "a format is what it looks like");
    }
    sound(&path, found);
    sound(&path, strict);
    sound(&path, lenient)
}

pub(super) fn klines(bytes: &[u8]) -> bool {
    rows(bytes, FileFormat::BinanceKlines)
}

pub(super) fn ohlcv(bytes: &[u8]) -> bool {
    rows(bytes, FileFormat::OhlcvCsv)
}

pub(super) fn candles(bytes: &[u8]) -> bool {
    rows(bytes, FileFormat::FreqtradeCandles)
}

/// Packed files: packing changes nothing, and any bytes that claim to be packed are judged.
pub(super) fn packed(bytes: &[u8]) -> bool {
    let mut taken = super::Taken(bytes);
    let how = taken.byte();
    let rest = taken.0;
    let packed = match how % 4 {
        0 => rest.to_vec(),
        1 => gzip(rest),
        2 => zip(&[("BTCUSDT-1m.csv", rest)], zip::CompressionMethod::Deflated),
        _ => zip(&[("BTCUSDT-1m.csv", rest)], zip::CompressionMethod::Stored),
    };
    let path = file("packed", &packed);
    let found = read(&path, None, true);
    if how % 4 != 0 && !rest.starts_with(b"\x1f\x8b\x08") && !rest.starts_with(b"PK") {
        let plain = file("plain", rest);
        match (&found, read(&plain, None, true)) {
            (Ok(events), plain) => assert_eq!(*events, plain.unwrap(), "packing changes nothing"),
            (Err(SourceError::Bomb { .. }), _) => {}
            (Err(error), plain) => assert!(plain.is_err(), "only the packed one fails: {error}"),
        }
    }
    sound(&path, found)
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zip(members: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in members {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A file of commands: in order, each one that a record can hold.
pub(super) fn commands(bytes: &[u8]) -> bool {
    let path = file("commands.jsonl", bytes);
    let commands = match CommandFile::read(&path) {
        Ok(file) => {
            assert_eq!(file.input.bytes, bytes.len() as u64);
            file.commands
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains("commands.jsonl"), "an error names its file: {text}");
            return false;
        }
    };
    assert!(commands.is_sorted_by_key(|command| command.time));
    assert!(commands.is_sorted_by_key(|command| command.row));
    for command in &commands {
        let event = Event::Command(Box::new(command.clone()));
        let mut record = Vec::new();
        drop(schwabot::event::encode_record(&event, &crate::support::notes::stamp(), &mut record));
        serde_json::to_string(&event).unwrap();
    }
    !commands.is_empty()
}
