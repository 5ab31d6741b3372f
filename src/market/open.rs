//! Opening a market: every file is looked at once, before the first event.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

use super::error::SourceError;
use super::feed::{Feed, KnownFile};
use super::files::{Fingerprint, file_digest};
use super::merge::MergedSource;
use super::names::{PairSymbol, interval_of_name, pair_of_name};
use super::rows::{Rows, detect};
use crate::event::{FileFormat, InputFile, PairId};
use crate::time::Span;

/// A data file as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its pair; else the file name must say it.
    pub pair: Option<PairSymbol>,
    /// Its format; else it is read off the first bytes.
    pub format: Option<FileFormat>,
}

/// How to read data files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MarketOptions {
    /// The length of all bars; else the file name or, for klines, the first row says it.
    pub interval: Option<Span>,
    /// Whether a malformed row is left out and recorded, instead of ending the run.
    pub skip_malformed: bool,
}

/// One pair of a market; its place in [`Market::pairs`] is its [`PairId`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketPair {
    /// Its name.
    pub symbol: PairSymbol,
    /// The length of its bars.
    pub interval: Span,
}

/// A market made of files.
pub struct Market {
    /// The pairs, sorted by symbol.
    pub pairs: Vec<MarketPair>,
    /// The files, sorted by pair and then by first bar: what goes into the ledger about them.
    pub inputs: Vec<InputFile>,
    /// The bars and defects of all files.
    pub source: MergedSource,
}

/// What looking at a file found out.
struct Probed {
    file: KnownFile,
    interval: Span,
}

/// Looks at every file and joins them into one stream.
///
/// Files of one pair are read one after another, in the order of their first bars; where they
/// overlap, their rows merge by time.
///
/// # Errors
/// [`SourceError`] for files that cannot be read, hold no bar, or do not say what they are.
///
/// # Examples
/// ```
/// use schwabot::market::{MarketOptions, Source, open_market, parse_data_argument};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("BTC_USDT-1m.csv");
/// std::fs::write(&path, "date,open,high,low,close,volume\n2021-04-20,2,4,1,3,10\n")?;
/// let file = parse_data_argument(path.to_str().ok_or("path")?);
/// let mut market = open_market(&[file], &MarketOptions::default())?;
/// assert_eq!(market.pairs[0].symbol.to_string(), "BTC/USDT");
/// assert_eq!(market.source.next()?.map(|event| event.name()), Some("bar"));
/// assert_eq!(market.source.next()?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn open_market(files: &[DataFile], options: &MarketOptions) -> Result<Market, SourceError> {
    if options.interval.is_some_and(|interval| interval.nanos() <= 0) {
        return Err(SourceError::BadConfig { field: "interval", reason: "not above zero" });
    }
    let mut by_pair: BTreeMap<PairSymbol, Vec<Probed>> = BTreeMap::new();
    for file in files {
        let symbol = match &file.pair {
            Some(pair) => pair.clone(),
            None => pair_of_name(&file.path)?,
        };
        by_pair.entry(symbol).or_default().push(probe(file, options)?);
    }
    let mut market = (Vec::new(), Vec::new(), Vec::new());
    let count = by_pair.len();
    for (index, (symbol, mut probed)) in by_pair.into_iter().enumerate() {
        let number = u16::try_from(index).map_err(|_| SourceError::TooManyPairs { count })?;
        let pair = PairId(number);
        probed.sort_by_key(|probed| (probed.file.first_bar, probed.file.fingerprint));
        let interval = common_interval(&symbol, &probed)?;
        let (pairs, inputs, feeds) = &mut market;
        inputs.extend(probed.iter().map(|probed| InputFile {
            pair: Some(pair),
            format: probed.file.format,
            bytes: probed.file.fingerprint.bytes,
            digest: probed.file.fingerprint.digest,
        }));
        let files: VecDeque<KnownFile> = probed.into_iter().map(|probed| probed.file).collect();
        feeds.push(Feed::new(pair, interval, files, options.skip_malformed));
        pairs.push(MarketPair { symbol, interval });
    }
    let (pairs, inputs, feeds) = market;
    Ok(Market { pairs, inputs, source: MergedSource::new(feeds) })
}

fn probe(file: &DataFile, options: &MarketOptions) -> Result<Probed, SourceError> {
    let path = file.path.clone();
    let (bytes, digest) = file_digest(&path)?;
    let format = match file.format {
        Some(format) => format,
        None => detect(&path)?,
    };
    let mut rows = Rows::open(&path, format, None)?;
    let first = loop {
        let Some(row) = rows.next()? else {
            return Err(SourceError::NoBars { file: path });
        };
        match row.content {
            Ok(candle) => break candle,
            Err(_) if options.skip_malformed => {}
            Err(bad) => return Err(bad.at(&path, row.number)),
        }
    };
    let interval = options.interval.or_else(|| interval_of_name(&path)).or(first.interval);
    let interval = interval.ok_or_else(|| SourceError::UnknownInterval { file: path.clone() })?;
    let (fingerprint, first_bar) = (Fingerprint { bytes, digest }, first.open_time);
    Ok(Probed { file: KnownFile { path, format, fingerprint, first_bar }, interval })
}

/// Checks that the files of one pair, sorted, fit together.
fn common_interval(symbol: &PairSymbol, probed: &[Probed]) -> Result<Span, SourceError> {
    let mut digests = BTreeMap::new();
    for one in probed {
        if let Some(other) = digests.insert(one.file.fingerprint, &one.file.path) {
            let file = one.file.path.clone();
            return Err(SourceError::SameFileTwice { file, other: other.clone() });
        }
        if one.interval != probed[0].interval {
            return Err(SourceError::IntervalConflict {
                file: one.file.path.clone(),
                pair: symbol.to_string(),
                first: probed[0].interval,
                second: one.interval,
            });
        }
    }
    // A pair is there because a file is.
    Ok(probed.first().map_or(Span::default(), |first| first.interval))
}
