//! Log-returns, and trailing windows whose sums are exact.
//!
//! A window adds what comes and subtracts what leaves, in whole numbers: after any number of
//! bars its sums are those of a fresh calculation over the same values. That is why replay, a
//! snapshot and a live run agree to the last digit.

use std::collections::VecDeque;

use super::{RATIO_ONE, SignalError, ratio};
use crate::event::wire::through_parts;
use crate::units::{Price, Quantity, Ratio};

/// The longest window, in bars. With it no sum below can leave its range.
pub const WINDOW_BARS_MAX: u32 = 100_000;

/// The largest log-return a window takes, in 10^-9: 100, that is a factor of 10^43. The logarithm
/// of the quotient of two prices is always smaller.
pub(super) const RETURN_RAW_MAX: u64 = 100_000_000_000;
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

    /// Returns how many sample deviations of the values before it the newest return is, and then
    /// takes it: no value is ever measured against itself. None before the window is full, and none
    /// when the values before do not vary.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    ///
    /// # Examples
    /// ```
    /// use schwabot::signals::ReturnWindow;
    /// let mut window = ReturnWindow::new(3);
    /// for change in ["0.01", "0.02", "0.03"] {
    ///     assert_eq!(window.push_scored(change.parse()?)?, None); // not yet full
    /// }
    /// // The three before deviate by 0.01, so a loss of 0.05 is five of that.
    /// assert_eq!(window.push_scored("-0.05".parse()?)?, Some("-5".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn push_scored(&mut self, value: Ratio) -> Result<Option<Ratio>, SignalError> {
        let (count, scatter) = self.scatter();
        let score = (self.values.len() == self.capacity && scatter > 0).then(|| {
            let deviation = libm::sqrt(scatter as f64 / (count * (count - 1)) as f64);
            ratio(value.raw() as f64 / deviation, "spike score").ok()
        });
        self.push(value)?;
        Ok(score.flatten())
    }

    /// Iterates over the values, the oldest first: pushing them again makes the same window.
    pub fn values(&self) -> impl Iterator<Item = Ratio> + '_ {
        self.values.iter().copied().map(Ratio::from_raw)
    }

    /// Forgets all values, as after a gap.
    pub fn clear(&mut self) {
        self.values.clear();
        (self.sum, self.sum_of_squares) = (0, 0);
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
        let (count, scatter) = self.scatter();
        if count < 2 {
            return None;
        }
        let variance = scatter as f64 / (count * (count - 1)) as f64;
        ratio(libm::sqrt(variance) / RATIO_ONE, "deviation").ok()
    }

    /// Returns the realised volatility, the root of the sum of squared returns over the whole
    /// window (not a bar), rounded half-even to 10^-9; none while the window is empty.
    #[must_use]
    pub fn realised_volatility(&self) -> Option<Ratio> {
        if self.values.is_empty() {
            return None;
        }
        ratio(libm::sqrt(self.sum_of_squares as f64) / RATIO_ONE, "realised volatility").ok()
    }

    /// Returns the t-statistic of the drift, mean * sqrt(n) / sample deviation, rounded half-even
    /// to 10^-9; none below two values, or when they do not vary.
    ///
    /// # Examples
    /// ```
    /// use schwabot::signals::ReturnWindow;
    /// let mut window = ReturnWindow::new(4);
    /// for change in ["0.01", "0.02", "0.03"] {
    ///     window.push(change.parse()?)?;
    /// }
    /// // 0.02 * sqrt(3) / 0.01
    /// assert_eq!(window.drift_t(), Some("3.464101615".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn drift_t(&self) -> Option<Ratio> {
        let (count, scatter) = self.scatter();
        if count < 2 || scatter <= 0 {
            return None;
        }
        let t = self.sum as f64 * libm::sqrt((count - 1) as f64) / libm::sqrt(scatter as f64);
        ratio(t, "drift").ok()
    }

    /// The count, and n * sum of squares - square of the sum = n * (n - 1) * variance: exact,
    /// never negative.
    fn scatter(&self) -> (i128, i128) {
        let count = self.values.len() as i128;
        (count, count * self.sum_of_squares - self.sum * self.sum)
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

// A window is its length and its values, the oldest first; the sums follow from them.
through_parts!(
    ReturnWindow,
    (u32, Vec<i64>),
    |window: &ReturnWindow| (window.capacity as u32, Vec::from_iter(window.values.iter().copied())),
    |(bars, values)| {
        let mut window = ReturnWindow::new(bars);
        if window.capacity != bars as usize || values.len() > window.capacity {
            return Err("a window that cannot be".to_owned());
        }
        let push = |value| window.push(Ratio::from_raw(value)).map_err(|error| error.to_string());
        values.into_iter().try_for_each(push)?;
        Ok(window)
    }
);
through_parts!(
    VolumeWindow,
    (u32, Vec<i128>),
    |window: &VolumeWindow| (window.capacity as u32, Vec::from_iter(window.values.iter().copied())),
    |(bars, values)| {
        let mut window = VolumeWindow::new(bars);
        if window.capacity != bars as usize || values.len() > window.capacity {
            return Err("a window that cannot be".to_owned());
        }
        let push =
            |value| window.push(Quantity::from_raw(value)).map_err(|error| error.to_string());
        values.into_iter().try_for_each(push)?;
        Ok(window)
    }
);
