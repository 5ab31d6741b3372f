//! Small data files, and what a market makes of them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use schwabot::event::{Bar, DataDefect, Event, InputFile};
use schwabot::market::{
    DataFile, Market, MarketOptions, PairSymbol, Source, SourceError, open_market,
};
use tempfile::TempDir;

use super::TestResult;

/// Options that take nothing for granted.
pub(crate) const STRICT: MarketOptions = MarketOptions { interval: None, skip_malformed: false };
/// Options that leave malformed rows out.
pub(crate) const SKIP: MarketOptions = MarketOptions { interval: None, skip_malformed: true };

/// A folder of data files that goes away with the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> TestResult<Self> {
        Ok(Self(TempDir::new()?))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> TestResult<DataFile> {
        let path = self.path(name);
        fs::write(&path, bytes)?;
        Ok(named(&path))
    }
}

/// The file, with its pair left to its name.
pub(crate) fn named(path: &Path) -> DataFile {
    DataFile { path: path.to_owned(), pair: None, format: None }
}

/// The file of a pair.
pub(crate) fn of_pair(pair: &str, file: DataFile) -> DataFile {
    DataFile { pair: PairSymbol::parse(pair), ..file }
}

pub(crate) fn gzip(text: &[u8]) -> TestResult<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text)?;
    Ok(encoder.finish()?)
}

pub(crate) fn zip(members: &[(&str, &[u8])]) -> TestResult<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default())?;
        writer.write_all(bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}

/// Everything that a source yields, and the error that ended it.
pub(crate) fn drain(source: &mut impl Source) -> (Vec<Event>, Option<SourceError>) {
    let mut events = Vec::new();
    loop {
        match source.next() {
            Ok(Some(event)) => events.push(event),
            Ok(None) => return (events, None),
            Err(error) => return (events, Some(error)),
        }
    }
}

/// A market read to its end.
pub(crate) struct Read {
    pub(crate) symbols: Vec<String>,
    pub(crate) inputs: Vec<InputFile>,
    pub(crate) events: Vec<Event>,
}

impl Read {
    pub(crate) fn bars(&self) -> Vec<&Bar> {
        self.events.iter().filter_map(as_bar).collect()
    }

    pub(crate) fn defects(&self) -> Vec<&DataDefect> {
        self.events.iter().filter_map(as_defect).collect()
    }
}

fn as_bar(event: &Event) -> Option<&Bar> {
    if let Event::Bar(bar) = event { Some(bar) } else { None }
}

fn as_defect(event: &Event) -> Option<&DataDefect> {
    if let Event::DataDefect(defect) = event { Some(defect) } else { None }
}

/// Opens and reads a market to its end.
pub(crate) fn read(files: &[DataFile], options: &MarketOptions) -> Result<Read, SourceError> {
    let Market { pairs, inputs, mut source } = open_market(files, options)?;
    let symbols = pairs.iter().map(|pair| pair.symbol.to_string()).collect();
    match drain(&mut source) {
        (events, None) => Ok(Read { symbols, inputs, events }),
        (_, Some(error)) => Err(error),
    }
}

/// The words of the error that reading one file ends in, without its folder.
pub(crate) fn refusal(file: &DataFile, options: &MarketOptions) -> String {
    match read(std::slice::from_ref(file), options) {
        Ok(read) => format!("no error, {} events", read.events.len()),
        Err(error) => {
            let folder = file.path.parent().map(|p| format!("{}/", p.display()));
            error.to_string().replace(&folder.unwrap_or_default(), "")
        }
    }
}
