//! Instants and spans: whole nanoseconds, UTC, no leap seconds.
//!
//! Time is data here. Nothing in this file knows what time it is; the one file that does is
//! `ledger/clock.rs`.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Nanoseconds of one second.
pub const SECOND_NS: i64 = 1_000_000_000;
/// Nanoseconds of one minute.
pub const MINUTE_NS: i64 = 60 * SECOND_NS;
/// Nanoseconds in a day of UTC, which has no leap seconds here.
pub const DAY_NS: i64 = 24 * 60 * MINUTE_NS;

/// Why a text is not an instant or a span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// The text is neither RFC 3339 nor a plain date.
    #[error("`{text}` is no time: expected 2021-04-20T20:42:00Z or 2021-04-20")]
    BadTimestamp {
        /// What was met.
        text: String,
    },
    /// The text is no span such as `1m`, `4h` or `1d`.
    #[error("`{text}` is no interval: expected a number and s, m, h, d or w, as in 1m")]
    BadSpan {
        /// What was met.
        text: String,
    },
}

/// An instant: nanoseconds since 1970-01-01T00:00:00Z.
///
/// # Examples
/// ```
/// use schwabot::time::Timestamp;
/// let at: Timestamp = "2021-04-20T20:42:00Z".parse()?;
/// assert_eq!(at.nanos(), 1_618_951_320_000_000_000);
/// assert_eq!(at.to_string(), "2021-04-20T20:42:00Z");
/// # Ok::<(), schwabot::time::TimeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first instant that can be written.
    pub const MIN: Self = Self(i64::MIN);
    /// The last instant that can be written.
    pub const MAX: Self = Self(i64::MAX);

    /// Makes an instant from nanoseconds since the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Makes an instant from whole seconds since the epoch, at most [`Timestamp::MAX`].
    #[must_use]
    pub fn from_seconds(seconds: u64) -> Self {
        Self(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(SECOND_NS))
    }

    /// Returns nanoseconds since the epoch.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Returns this instant moved by `span`, or `None` outside the range.
    #[must_use]
    pub fn plus(self, span: Span) -> Option<Self> {
        self.0.checked_add(span.0).map(Self)
    }

    /// Returns the span from `earlier` to this instant, or `None` outside the range.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Span> {
        self.0.checked_sub(earlier.0).map(Span)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(at) => write!(f, "{at}"),
            Err(_) => write!(f, "{} ns", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let bad = || TimeError::BadTimestamp { text: text.to_owned() };
        let whole = text.parse::<jiff::Timestamp>().or_else(|_| {
            // A bare date or a date and time without offset are read as UTC.
            let civil: jiff::civil::DateTime = text.parse()?;
            civil.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp())
        });
        let nanos = whole.map_err(|_| bad())?.as_nanosecond();
        i64::try_from(nanos).map(Self).map_err(|_| bad())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A length of time in nanoseconds.
///
/// # Examples
/// ```
/// use schwabot::time::Span;
/// assert_eq!("15m".parse::<Span>()?, Span::from_nanos(900_000_000_000));
/// assert_eq!(Span::from_nanos(3_600_000_000_000).to_string(), "1h");
/// # Ok::<(), schwabot::time::TimeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

impl Span {
    /// Makes a span from nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Returns the nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }
}

/// Units of a span, largest first.
const SPAN_UNITS: [(&str, i64); 5] = [
    ("w", 7 * 24 * 60 * MINUTE_NS),
    ("d", 24 * 60 * MINUTE_NS),
    ("h", 60 * MINUTE_NS),
    ("m", MINUTE_NS),
    ("s", SECOND_NS),
];

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, nanos) in SPAN_UNITS {
            if self.0 != 0 && self.0 % nanos == 0 {
                return write!(f, "{}{unit}", self.0 / nanos);
            }
        }
        write!(f, "{}ns", self.0)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Span {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let bad = || TimeError::BadSpan { text: text.to_owned() };
        for (unit, nanos) in SPAN_UNITS {
            if let Some(number) = text.strip_suffix(unit) {
                let count: i64 = number.parse().map_err(|_| bad())?;
                return count.checked_mul(nanos).filter(|n| *n > 0).map(Self).ok_or_else(bad);
            }
        }
        Err(bad())
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
