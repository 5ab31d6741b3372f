//! Falls below an earlier peak, found in one pass over a curve.
//!
//! A fall begins at its peak, reaches its bottom, and is over at the first value that is no longer
//! below the peak. Only the five deepest are kept one by one; all are counted.

use serde::Serialize;

use super::statistics::{finite, quotient};
use crate::time::Timestamp;

/// Falls that are kept one by one.
pub const FALLS_KEPT: usize = 5;

/// A fall below an earlier peak.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Fall {
    /// When the peak was reached.
    pub peak: Timestamp,
    /// When the lowest point was reached.
    pub bottom: Timestamp,
    /// When the value was back at its peak; none while it is below.
    pub recovered: Option<Timestamp>,
    /// The last value known of it.
    pub until: Timestamp,
    /// The depth as a share of the peak, above zero.
    pub depth: f64,
}

impl Fall {
    /// Returns how long it lasted, from the peak to the recovery or the last known value, in
    /// seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        let span = self.until.nanos().saturating_sub(self.peak.nanos());
        span as f64 / 1e9
    }
}

/// The falls of a curve.
///
/// # Examples
/// ```
/// use schwabot::report::Drawdowns;
/// use schwabot::time::Timestamp;
/// let mut found = Drawdowns::default();
/// for (second, value) in [100.0, 120.0, 90.0, 121.0, 110.0].into_iter().enumerate() {
///     found.push(Timestamp::from_seconds(second as u64), value);
/// }
/// assert_eq!(found.deepest().map(|fall| fall.depth), Some(0.25));
/// assert_eq!(found.count(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawdowns {
    peak: Option<(Timestamp, f64)>,
    open: Option<Fall>,
    /// The deepest that are over, deepest first.
    worst: Vec<Fall>,
    count: u64,
    depths: f64,
    seconds: f64,
    longest: f64,
    now: f64,
}

impl Drawdowns {
    /// Takes the next value. A curve whose peak is not positive falls by no share of it.
    pub fn push(&mut self, time: Timestamp, value: f64) {
        let Some((since, peak)) = self.peak.filter(|(_, peak)| value < *peak) else {
            self.close(time);
            self.peak = Some((time, value));
            self.now = 0.0;
            return;
        };
        let Some(depth) = quotient(peak - value, peak).filter(|_| peak > 0.0) else { return };
        self.now = depth;
        let fresh = Fall { peak: since, bottom: time, recovered: None, until: time, depth };
        let fall = self.open.get_or_insert(fresh);
        fall.until = time;
        if depth > fall.depth {
            (fall.depth, fall.bottom) = (depth, time);
        }
    }

    fn close(&mut self, time: Timestamp) {
        let Some(mut fall) = self.open.take() else { return };
        (fall.recovered, fall.until) = (Some(time), time);
        self.count += 1;
        self.depths += fall.depth;
        self.seconds += fall.seconds();
        self.longest = self.longest.max(fall.seconds());
        keep(&mut self.worst, fall);
    }

    /// Returns how far the newest value lies below its peak, as a share, zero at a peak.
    #[must_use]
    pub const fn now(&self) -> f64 {
        self.now
    }

    /// Returns how many falls there were, the open one included.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count + u64::from(self.open.is_some())
    }

    /// Returns the deepest falls, deepest first, at most [`FALLS_KEPT`].
    #[must_use]
    pub fn worst(&self) -> Vec<Fall> {
        let mut worst = self.worst.clone();
        if let Some(open) = self.open {
            keep(&mut worst, open);
        }
        worst
    }

    /// Returns the deepest fall; none where the curve never fell.
    #[must_use]
    pub fn deepest(&self) -> Option<Fall> {
        self.worst().first().copied()
    }

    /// Returns the mean depth of the falls, the open one included; none without one.
    #[must_use]
    pub fn mean_depth(&self) -> Option<f64> {
        let open = self.open.map_or(0.0, |fall| fall.depth);
        quotient(self.depths + open, self.count() as f64)
    }

    /// Returns the mean length of the falls in seconds, the open one included; none without one.
    #[must_use]
    pub fn mean_seconds(&self) -> Option<f64> {
        let open = self.open.map_or(0.0, |fall| fall.seconds());
        quotient(self.seconds + open, self.count() as f64)
    }

    /// Returns the longest length of a fall in seconds, the open one included; none without one.
    #[must_use]
    pub fn longest_seconds(&self) -> Option<f64> {
        let open = self.open.map_or(0.0, |fall| fall.seconds());
        finite(self.longest.max(open)).filter(|_| self.count() > 0)
    }
}

fn keep(worst: &mut Vec<Fall>, fall: Fall) {
    let place = worst.partition_point(|known| known.depth >= fall.depth);
    worst.insert(place, fall);
    worst.truncate(FALLS_KEPT);
}
