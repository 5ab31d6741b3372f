//! Time stamps as data files write them, all read as UTC.
//!
//! A whole number is unix time in seconds, milliseconds, microseconds or nanoseconds, told apart
//! by magnitude, each row for itself: files that were joined from others change their unit midway.
//! Each unit is read from 1973-03-03 on, where the next finer one's range begins; a smaller number
//! (such as the date 20210420 written without dashes) is refused and never guessed at.

use super::error::{BadRow, quote};
use crate::time::{SECOND_NS, Timestamp};
use crate::units::parse_decimal;

const MILLISECOND_NS: i64 = SECOND_NS / 1_000;
const MICROSECOND_NS: i64 = SECOND_NS / 1_000_000;

/// First number of each unit's range, largest first, with the unit in nanoseconds.
const UNITS: [(u64, i64); 4] = [
    (100_000_000_000_000_000, 1),
    (100_000_000_000_000, MICROSECOND_NS),
    (100_000_000_000, MILLISECOND_NS),
    (100_000_000, SECOND_NS),
];

/// Reads a whole number as unix time and returns it with its unit in nanoseconds.
pub(crate) fn parse_unix(field: &'static str, text: &[u8]) -> Result<(Timestamp, i64), BadRow> {
    let bad = |what: &str| BadRow::new(field, format!("{} is {what}", quote(text)));
    let number = whole_number(text).ok_or_else(|| bad("no whole number"))?;
    let unit = UNITS.iter().find(|(first, _)| number >= *first);
    let (_, unit) = unit.ok_or_else(|| bad("too small for a unix time"))?;
    let nanos = i64::try_from(number).ok().and_then(|number| number.checked_mul(*unit));
    nanos.map(|nanos| (Timestamp::from_nanos(nanos), *unit)).ok_or_else(|| bad("out of range"))
}

/// Reads any stamp: unix time, RFC 3339, a date and time without offset, or a date.
pub(crate) fn parse_stamp(field: &'static str, text: &[u8]) -> Result<Timestamp, BadRow> {
    if whole_number(text).is_some() {
        return parse_unix(field, text).map(|(at, _)| at);
    }
    if let Some(at) = parse_plain(text) {
        return Ok(at);
    }
    let bad = || BadRow::new(field, format!("{} is no time", quote(text)));
    let text = std::str::from_utf8(text).map_err(|_| bad())?;
    // A zone's name in brackets could be passed over; no data file is known to write one.
    if text.contains('[') {
        return Err(bad());
    }
    match parse_fractional_unix(text) {
        Some(at) => Ok(at),
        None => text.parse().map_err(|_| bad()),
    }
}

pub(crate) fn whole_number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Unix time with a point or an exponent, as programs write that keep times as floats.
fn parse_fractional_unix(text: &str) -> Option<Timestamp> {
    let value = parse_decimal(text.as_bytes(), 9).ok()?;
    let whole = u64::try_from(value / i128::from(SECOND_NS)).ok()?;
    let (_, unit) = UNITS.iter().find(|(first, _)| whole >= *first)?;
    let scaled = value.checked_mul(i128::from(*unit))?;
    if scaled % i128::from(SECOND_NS) != 0 {
        return None;
    }
    i64::try_from(scaled / i128::from(SECOND_NS)).ok().map(Timestamp::from_nanos)
}

/// Reads `YYYY-MM-DD`, alone or with ` HH:MM:SS` (or `T`), up to nine decimals, and `Z`; anything
/// else is left to the general parser, which is some fifty times slower.
fn parse_plain(text: &[u8]) -> Option<Timestamp> {
    let digits = |from: usize, to: usize| whole_number(text.get(from..to)?);
    let is = |at: usize, byte: u8| text.get(at) == Some(&byte);
    if !is(4, b'-') || !is(7, b'-') {
        return None;
    }
    let days = days_since_epoch(digits(0, 4)?, digits(5, 7)?, digits(8, 10)?)?;
    let mut nanos = 0;
    if text.len() > 10 {
        let separated = (is(10, b' ') || is(10, b'T')) && is(13, b':') && is(16, b':');
        let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
        if !separated || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let fraction = match text.get(19..)?.strip_suffix(b"Z").unwrap_or(&text[19..]) {
            [] => 0,
            [b'.', decimals @ ..] if decimals.len() <= 9 => {
                let missing = 9 - u32::try_from(decimals.len()).ok()?;
                whole_number(decimals)? * 10_u64.pow(missing)
            }
            _ => return None,
        };
        let seconds = (hour * 60 + minute) * 60 + second;
        nanos = seconds.cast_signed() * SECOND_NS + fraction.cast_signed();
    }
    days.checked_mul(86_400 * SECOND_NS)?.checked_add(nanos).map(Timestamp::from_nanos)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<i64> {
    const DAYS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let index = usize::try_from(month.checked_sub(1)?).ok()?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = DAYS.get(index)? + u64::from(leap && month == 2);
    if day == 0 || day > length || year == 0 {
        return None;
    }
    let leaps_before = |year: u64| year / 4 - year / 100 + year / 400;
    let of_year = BEFORE[index] + u64::from(leap && month > 2) + day - 1;
    let since_year_one = (year - 1) * 365 + leaps_before(year - 1) + of_year;
    const YEAR_ONE_TO_EPOCH: i64 = 719_162;
    Some(since_year_one.cast_signed() - YEAR_ONE_TO_EPOCH)
}
