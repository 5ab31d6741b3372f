//! Log-returns, and trailing windows whose sums are exact.
//!
//! A window adds what comes and subtracts what leaves, in whole numbers: after any number of
//! bars its sums are those of a fresh calculation over the same values. That is why replay, a
//! snapshot and a live run agree to the last digit.

use std::collections::VecDeque;

use super::{RATIO_ONE, SignalError, ratio};
use crate::units::{Price, Quantity, Ratio};

/// The longest window, in bars. With it no sum below can leave its range.
pub const WINDOW_BARS_MAX: u32 = 100_000;

/// The largest log-return a window takes, in 10^-9: 100, that is a factor of 10^43. The logarithm
/// of the quotient of two prices is always smaller.
const RETURN_RAW_MAX: u64 = 100_000_000_000;
/// The largest volume a window takes: a full window of them fits an `i128`.
pub const VOLUME_MAX: Quantity = Quantity::from_raw(i128::MAX / WINDOW_BARS_MAX as i128);

const _: () = {
    // n * sum of squares, the largest intermediate value of the deviation.
    let bars = WINDOW_BARS_MAX as i128;
    let square = RETURN_RAW_MAX as i128 * RETURN_RAW_MAX as i128;
    assert!(square * bars < i128::MAX / bars);
};

/// Returns the natural logarithm of `to / from`, rounded half-even to 10^-9.
///
/// # Errors
/// [`SignalError::NotPositive`] when a price is not positive.
///
/// # Examples
/// ```
/// use schwabot::signals::ln_return;
/// let change = ln_return("100".parse()?, "101".parse()?)?;
/// assert_eq!(change.to_string(), "0.009950331");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn ln_return(from: Price, to: Price) -> Result<Ratio, SignalError> {
    if !from.is_positive() || !to.is_positive() {
        return Err(SignalError::NotPositive { input: "a price" });
    }
    if from == to {
        return Ok(Ratio::ZERO);
    }
    ratio(libm::log(to.raw() as f64 / from.raw() as f64), "log-return")
}

/// The newest returns of a pair and their exact sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnWindow {
    capacity: usize,
    values: VecDeque<i64>,
    sum: i128,
    sum_of_squares: i128,
}

impl ReturnWindow {
    /// Makes an empty window of at most `bars` values, and of at least 2 and at most
    /// [`WINDOW_BARS_MAX`]. Memory is taken as values come.
    #[must_use]
    pub fn new(bars: u32) -> Self {
        let capacity = bars.clamp(2, WINDOW_BARS_MAX) as usize;
        Self { capacity, values: VecDeque::new(), sum: 0, sum_of_squares: 0 }
    }

    /// Takes the newest return and lets the oldest go when the window is full.
    ///
    /// # Errors
    /// [`SignalError::OutOfRange`] for a return beyond +-100; the window is then as before.
    pub fn push(&mut self, value: Ratio) -> Result<(), SignalError> {
        let raw = value.raw();
        if raw.unsigned_abs() > RETURN_RAW_MAX {
            return Err(SignalError::OutOfRange { signal: "log-return" });
        }
        if self.values.len() == self.capacity
            && let Some(oldest) = self.values.pop_front()
        {
            self.sum -= i128::from(oldest);
            self.sum_of_squares -= i128::from(oldest) * i128::from(oldest);
        }
        self.values.push_back(raw);
        self.sum += i128::from(raw);
        self.sum_of_squares += i128::from(raw) * i128::from(raw);
        Ok(())
    }

    /// Returns how many values the window holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True when the window holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns the sample standard deviation (divisor n - 1) of the values, rounded half-even to
    /// 10^-9; none below two values.
    ///
    /// # Examples
    /// ```
    /// use schwabot::signals::ReturnWindow;
    /// let mut window = ReturnWindow::new(3);
    /// for change in ["0.5", "0.01", "0.02", "0.03"] {
    ///     window.push(change.parse()?)?;
    /// }
    /// assert_eq!(window.deviation(), Some("0.01".parse()?)); // 0.5 has left
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn deviation(&self) -> Option<Ratio> {
        let count = self.values.len() as i128;
        if count < 2 {
            return None;
        }
        // n * sum of squares - square of the sum = n * (n - 1) * variance: exact, never negative.
        let scatter = count * self.sum_of_squares - self.sum * self.sum;
        let variance = scatter as f64 / (count * (count - 1)) as f64;
        ratio(libm::sqrt(variance) / RATIO_ONE, "deviation").ok()
    }
}

/// The newest volumes of a pair and their exact sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeWindow {
    capacity: usize,
    values: VecDeque<i128>,
    sum: i128,
}

impl VolumeWindow {
    /// Makes an empty window of at most `bars` values, and of at least 1 and at most
    /// [`WINDOW_BARS_MAX`]. Memory is taken as values come.
    #[must_use]
    pub fn new(bars: u32) -> Self {
        let capacity = bars.clamp(1, WINDOW_BARS_MAX) as usize;
        Self { capacity, values: VecDeque::new(), sum: 0 }
    }

    /// Takes the newest volume and lets the oldest go when the window is full.
    ///
    /// # Errors
    /// [`SignalError::OutOfRange`] for a negative volume, or one so large that a window of them
    /// would not fit its sum; the window is then as before.
    pub fn push(&mut self, volume: Quantity) -> Result<(), SignalError> {
        if !(Quantity::ZERO..=VOLUME_MAX).contains(&volume) {
            return Err(SignalError::OutOfRange { signal: "volume" });
        }
        if self.values.len() == self.capacity
            && let Some(oldest) = self.values.pop_front()
        {
            self.sum -= oldest;
        }
        self.values.push_back(volume.raw());
        self.sum += volume.raw();
        Ok(())
    }

    /// Returns the mean volume, rounded down to 10^-12; none while the window is empty.
    #[must_use]
    pub fn mean(&self) -> Option<Quantity> {
        let count = self.values.len() as i128;
        (count > 0).then(|| Quantity::from_raw(self.sum / count))
    }
}
