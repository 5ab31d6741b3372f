//! Surges: how unusual a bar's volume is.
//!
//! Volumes are positive and skewed by orders of magnitude, so the score is that of their
//! logarithm: `z = (ln V - mean) / sample deviation`, mean and deviation over the bars before,
//! never over the bar itself. A bar without volume has no logarithm: it takes its place in the
//! window, so that the window stays so many *bars* long, but is left out of the statistics and
//! has no score.
//!
//! The logarithms are rounded to 10^-9 and summed exactly, so a score differs from one of
//! unrounded logarithms by less than 10^-8 times (1 + |z|) / deviation.
//!
//! A snapshot stores [`logs`](LogVolumeWindow::logs), integers;
//! [`rebuilt`](LogVolumeWindow::rebuilt)
//! makes the same state.

use std::collections::VecDeque;

use super::window::WINDOW_BARS_MAX;
use super::{SignalError, ratio};
use crate::units::{Quantity, Ratio};

/// The logarithms of a pair's newest volumes and their exact sums.
///
/// # Examples
/// ```
/// use schwabot::signals::LogVolumeWindow;
/// let mut window = LogVolumeWindow::new(4);
/// for volume in ["1", "4", "1", "4"] {
///     assert_eq!(window.push_scored(volume.parse()?)?, None); // not yet full
/// }
/// assert_eq!(window.push_scored("0".parse()?)?, None);
/// // Three are left that count: 4, 1, 4. A volume of 2 is below their mean logarithm.
/// assert_eq!(window.push_scored("2".parse()?)?, Some("-0.288675134".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogVolumeWindow {
    capacity: usize,
    logs: VecDeque<Option<i64>>,
    count: i128,
    sum: i128,
    sum_of_squares: i128,
}

impl LogVolumeWindow {
    /// Makes an empty window of `bars`, at least 4 and at most [`WINDOW_BARS_MAX`].
    #[must_use]
    pub fn new(bars: u32) -> Self {
        let capacity = bars.clamp(4, WINDOW_BARS_MAX) as usize;
        Self { capacity, logs: VecDeque::new(), count: 0, sum: 0, sum_of_squares: 0 }
    }

    /// Makes the window again that held these logarithms, the oldest first.
    ///
    /// # Errors
    /// [`SignalError::OutOfRange`] for a logarithm that no volume has;
    /// [`SignalError::LengthMismatch`] for more of them than bars.
    pub fn rebuilt(bars: u32, logs: &[Option<Ratio>]) -> Result<Self, SignalError> {
        let mut window = Self::new(bars);
        if logs.len() > window.capacity {
            return Err(SignalError::LengthMismatch { left: window.capacity, right: logs.len() });
        }
        for log in logs {
            // Volumes reach from 10^-12 to 2 * 10^26.
            if log
                .is_some_and(|log| log.raw().unsigned_abs() > 100 * Ratio::ONE.raw().unsigned_abs())
            {
                return Err(SignalError::OutOfRange { signal: "logarithm of a volume" });
            }
            window.take(log.map(Ratio::raw));
        }
        Ok(window)
    }

    /// Returns the score of the newest volume against the bars before it, and then takes it. None
    /// for a volume of zero, before the window is full, when fewer than half of its bars had any
    /// volume, and when those do not vary.
    ///
    /// # Errors
    /// [`SignalError::OutOfRange`] for a negative volume; the window is then as before.
    pub fn push_scored(&mut self, volume: Quantity) -> Result<Option<Ratio>, SignalError> {
        if volume < Quantity::ZERO {
            return Err(SignalError::OutOfRange { signal: "volume" });
        }
        if volume == Quantity::ZERO {
            self.take(None);
            return Ok(None);
        }
        let units = volume.raw() as f64 / Quantity::ONE.raw() as f64;
        let log = ratio(libm::log(units), "logarithm of a volume")?.raw();
        let score = self.score(log);
        self.take(Some(log));
        Ok(score)
    }

    /// Iterates over what a snapshot stores, the oldest first; none stands for a bar without
    /// volume.
    pub fn logs(&self) -> impl Iterator<Item = Option<Ratio>> + '_ {
        self.logs.iter().map(|log| log.map(Ratio::from_raw))
    }

    /// Forgets all values, as after a gap.
    pub fn clear(&mut self) {
        self.logs.clear();
        (self.count, self.sum, self.sum_of_squares) = (0, 0, 0);
    }

    fn score(&self, log: i64) -> Option<Ratio> {
        let enough = self.count * 2 >= self.capacity as i128;
        let scatter = self.count * self.sum_of_squares - self.sum * self.sum;
        if self.logs.len() < self.capacity || !enough || scatter <= 0 {
            return None;
        }
        let above = self.count * i128::from(log) - self.sum;
        // (x - sum/n) / sqrt(scatter / (n (n - 1))), with one division.
        let share = (self.count - 1) as f64 / self.count as f64;
        ratio(above as f64 * libm::sqrt(share) / libm::sqrt(scatter as f64), "volume score").ok()
    }

    fn take(&mut self, log: Option<i64>) {
        if self.logs.len() == self.capacity
            && let Some(Some(oldest)) = self.logs.pop_front()
        {
            self.count -= 1;
            self.sum -= i128::from(oldest);
            self.sum_of_squares -= i128::from(oldest) * i128::from(oldest);
        }
        self.logs.push_back(log);
        if let Some(log) = log {
            self.count += 1;
            self.sum += i128::from(log);
            self.sum_of_squares += i128::from(log) * i128::from(log);
        }
    }
}
