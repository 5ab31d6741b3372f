//! Temporal warp: how fast the market's own time runs.
//!
//! Prices move on a clock of activity, not of minutes (P. K. Clark, Econometrica 41 (1973)
//! 135-155; T. Ané and H. Geman, Journal of Finance 55 (2000) 2259-2284). The rate of that clock is
//! activity a bar lately over activity a bar usually,
//!
//! ```text
//! w = (A_s / n_s) / (A_l / n_l),   reported as ln w: 0 is normal speed, 0.693 twice as fast
//! ```
//!
//! with A the realised variance (sum of squared log-returns) or the number of trades. The short
//! window is the newest part of the long one. Sums are exact integers; the only rounding is that
//! of the quotient and its logarithm, so the result is exact to 10^-9.
//!
//! A snapshot stores [`values`](ClockRate::values); pushing them again makes the same state.

use std::collections::VecDeque;

use super::window::{RETURN_RAW_MAX, WINDOW_BARS_MAX};
use super::{SignalError, ratio};
use crate::units::Ratio;

/// The most activity of one bar: squares of returns and counts of trades all stay below.
pub const ACTIVITY_MAX: u128 = 10_u128.pow(30);

/// The rate of the market's clock over two windows.
///
/// # Examples
/// ```
/// use schwabot::signals::ClockRate;
/// let mut clock = ClockRate::new(2, 6);
/// for trades in [10, 10, 10, 10, 40, 40] {
///     clock.push_activity(trades)?;
/// }
/// // 40 a bar lately, 20 a bar over all: the clock runs twice as fast.
/// assert_eq!(clock.log_rate(), Some("0.693147181".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockRate {
    short: usize,
    long: usize,
    values: VecDeque<u128>,
    short_sum: u128,
    long_sum: u128,
}

impl ClockRate {
    /// Makes empty windows: the long one of at least 2 and at most [`WINDOW_BARS_MAX`] bars, the
    /// short one of at least 1 and fewer than the long one.
    #[must_use]
    pub fn new(short_bars: u32, long_bars: u32) -> Self {
        let long = long_bars.clamp(2, WINDOW_BARS_MAX);
        let short = short_bars.clamp(1, long - 1);
        Self {
            short: short as usize,
            long: long as usize,
            values: VecDeque::new(),
            short_sum: 0,
            long_sum: 0,
        }
    }

    /// Takes the square of a log-return as the newest bar's activity: realised variance.
    ///
    /// # Errors
    /// [`SignalError::OutOfRange`] for a return beyond +-100; all is then as before.
    pub fn push_return(&mut self, value: Ratio) -> Result<(), SignalError> {
        let size = value.raw().unsigned_abs();
        if size > RETURN_RAW_MAX {
            return Err(SignalError::OutOfRange { signal: "log-return" });
        }
        self.push_activity(u128::from(size) * u128::from(size))
    }

    /// Takes the newest bar's activity in a unit of the caller's, such as the number of trades.
    ///
    /// # Errors
    /// [`SignalError::OutOfRange`] above [`ACTIVITY_MAX`]; all is then as before.
    pub fn push_activity(&mut self, activity: u128) -> Result<(), SignalError> {
        if activity > ACTIVITY_MAX {
            return Err(SignalError::OutOfRange { signal: "activity" });
        }
        if let Some(place) = self.values.len().checked_sub(self.short) {
            self.short_sum -= self.values[place];
        }
        if self.values.len() == self.long
            && let Some(oldest) = self.values.pop_front()
        {
            self.long_sum -= oldest;
        }
        self.values.push_back(activity);
        self.short_sum += activity;
        self.long_sum += activity;
        Ok(())
    }

    /// Returns ln w, rounded half-even to 10^-9; none before the long window is full, and none
    /// when a window saw no activity at all.
    #[must_use]
    pub fn log_rate(&self) -> Option<Ratio> {
        if self.values.len() < self.long {
            return None;
        }
        self.rate_over(self.long)
    }

    /// Returns ln w while the long window may still be filling: the usual activity is then that of
    /// the bars so far. None below `least_bars` bars, before the short window is full, and when a
    /// window saw no activity at all. Equal to [`log_rate`](Self::log_rate) from the full long
    /// window on.
    ///
    /// # Examples
    /// ```
    /// use schwabot::signals::ClockRate;
    /// let mut clock = ClockRate::new(2, 1_000);
    /// for trades in [10, 10, 10, 10, 40, 40] {
    ///     clock.push_activity(trades)?;
    /// }
    /// assert_eq!(clock.log_rate(), None);
    /// assert_eq!(clock.log_rate_so_far(6), Some("0.693147181".parse()?));
    /// assert_eq!(clock.log_rate_so_far(7), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn log_rate_so_far(&self, least_bars: u32) -> Option<Ratio> {
        let bars = self.values.len();
        let enough = bars >= (least_bars as usize).min(self.long) && bars >= self.short;
        enough.then(|| self.rate_over(bars)).flatten()
    }

    /// ln of activity a bar over the short window against activity a bar over so many bars.
    fn rate_over(&self, bars: usize) -> Option<Ratio> {
        if self.short_sum == 0 || self.long_sum == 0 {
            return None;
        }
        let lately = self.short_sum as f64 / self.short as f64;
        let usually = self.long_sum as f64 / bars as f64;
        ratio(libm::log(lately / usually), "clock rate").ok()
    }

    /// Iterates over the activities that a snapshot stores, the oldest first.
    pub fn values(&self) -> impl Iterator<Item = u128> + '_ {
        self.values.iter().copied()
    }

    /// Forgets all values, as after a gap.
    pub fn clear(&mut self) {
        self.values.clear();
        (self.short_sum, self.long_sum) = (0, 0);
    }
}
