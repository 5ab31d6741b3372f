//! Bars as rows of text from anywhere: OHLCV under a header line, and Kraken's OHLCVT archive.

use super::bars::BarRow;
use super::columns::{Field, Rows, exactly, shape, split};
use super::error::{Fault, ImportError};
use super::file::ImportFile;
use super::format::{Format, Head};
use super::item::Importer;
use super::reading;
use crate::market::{parse_stamp, quote, whole_number};
use crate::time::{MINUTE_NS, SECOND_NS, Span};

pub(super) const OHLCV: Format = Format {
    name: "ohlcv-csv",
    about: "bars under a header line with columns time (or date), open, high, low, close, volume",
    label: "ohlcv",
    version: 1,
    binary_floats: false,
    recognises: |head| Columns::of(head.first_line()).is_some(),
    open: open_ohlcv,
};

pub(super) const KRAKEN: Format = Format {
    name: "kraken-ohlcvt",
    about: "Kraken OHLCVT archive: unixtime,open,high,low,close,volume,trades",
    label: "kraken",
    version: 1,
    binary_floats: false,
    recognises: is_kraken,
    open: open_kraken,
};

/// Fields of a row that are kept.
const FIELDS_MAX: usize = 64;
/// Lengths of bars in Kraken's archive, in minutes: the last word of a file name.
const KRAKEN_MINUTES: [u64; 8] = [1, 5, 15, 30, 60, 240, 720, 1440];

fn is_kraken(head: &Head) -> bool {
    let line = head.first_line();
    let Ok((fields, _)) = split::<7>(line, b',') else { return false };
    let seconds = fields[0].unix("time").is_ok_and(|(_, unit)| unit == SECOND_NS);
    shape(line) == (7, true) && seconds && whole_number(fields[6].text).is_some()
}

/// Where a header line puts the fields of a bar.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Columns {
    delimiter: u8,
    count: usize,
    /// Time, open, high, low, close, volume.
    places: [usize; 6],
    header: Vec<u8>,
}

impl Columns {
    fn of(header: &[u8]) -> Option<Self> {
        b",;\t".iter().find_map(|delimiter| Self::by(header, *delimiter))
    }

    fn by(header: &[u8], delimiter: u8) -> Option<Self> {
        let (fields, count) = split::<FIELDS_MAX>(header, delimiter).ok()?;
        let names: Vec<Vec<u8>> =
            fields.iter().take(count).map(|field| field.text.to_ascii_lowercase()).collect();
        let place = |known: &[&str]| {
            names.iter().position(|name| known.iter().any(|known| known.as_bytes() == name))
        };
        let times = ["timestamp", "time", "date", "datetime", "open_time", "unix"];
        // An index that was written out has no name.
        let unnamed = || names.first().filter(|name| name.is_empty()).map(|_| 0);
        let time = place(&times).or_else(unnamed)?;
        let places = [
            time,
            place(&["open"])?,
            place(&["high"])?,
            place(&["low"])?,
            place(&["close"])?,
            place(&["volume", "vol"])?,
        ];
        (count <= FIELDS_MAX).then(|| Self { delimiter, count, places, header: header.to_owned() })
    }

    fn parse(&self, row: u64, line: &[u8]) -> Result<BarRow, Fault> {
        let (fields, count) = split::<FIELDS_MAX>(line, self.delimiter)?;
        if count != self.count {
            let reason = format!("{count} fields instead of {}", self.count);
            return Err(Field::of_line(line).fault("line", reason));
        }
        let [time, open, high, low, close, volume] = self.places.map(|place| fields[place]);
        let at = parse_stamp("time", time.text);
        let open_time = at.map_err(|bad| time.fault("time", bad.reason))?;
        BarRow::new(row, open_time, [open, high, low, close, volume])
    }
}

/// `unixtime,open,high,low,close,volume,trades`.
fn parse_kraken(row: u64, line: &[u8]) -> Result<BarRow, Fault> {
    let [time, open, high, low, close, volume, trades] = exactly(line, b',')?;
    let (open_time, unit) = time.unix("unixtime")?;
    if unit != SECOND_NS {
        return Err(time.fault("unixtime", format!("{} is no second", quote(time.text))));
    }
    let bar = BarRow::new(row, open_time, [open, high, low, close, volume])?;
    Ok(BarRow { trades: Some(trades.whole("trades")?), ..bar })
}

fn open_ohlcv(file: &ImportFile) -> Result<Box<dyn Importer>, ImportError> {
    let header = Rows::open(file, |_| false)?.next()?;
    let Some(columns) = header.as_ref().and_then(|(_, header)| Columns::of(header)) else {
        let reason = "its first line names no columns time, open, high, low, close, volume";
        return Err(ImportError::UnknownFormat {
            file: file.path.clone(),
            reason: reason.to_owned(),
        });
    };
    reading::bars(file, file.interval(), false, || {
        // The header may come again where files were joined.
        let header = columns.header.clone();
        let rows = Rows::open(file, move |line| line == header)?;
        let columns = columns.clone();
        Ok(reading::lines(rows, move |row, line| columns.parse(row, line)))
    })
}

fn open_kraken(file: &ImportFile) -> Result<Box<dyn Importer>, ImportError> {
    let stem = file.path.file_name().map(|name| name.to_string_lossy().into_owned());
    let stem = stem.unwrap_or_default();
    let last = stem.split('.').next().and_then(|stem| stem.rsplit('_').next());
    let minutes: Option<u64> = last.and_then(|word| word.parse().ok());
    let minutes = minutes.filter(|minutes| KRAKEN_MINUTES.contains(minutes));
    let of_name = minutes.map(|minutes| Span::from_nanos(minutes.cast_signed() * MINUTE_NS));
    let interval = file.interval.or(of_name).or_else(|| file.interval());
    reading::bars(file, interval, false, || {
        Ok(reading::lines(Rows::open(file, |_| false)?, parse_kraken))
    })
}
