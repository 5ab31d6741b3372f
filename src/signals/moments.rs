//! Mean and deviation of everything seen so far, from exact sums.
//!
//! The evidence of a key (net returns of its ghosts) and the warm-up of a feature both need mean
//! and sample deviation of a growing list. Count, sum and sum of squares are whole numbers, so the
//! order of the values is irrelevant, nothing cancels, and a snapshot stores three integers
//! ([`parts`](Moments::parts)). Mean: exact, rounded once. Deviation: relative error 10^-15 before
//! the rounding to 10^-9.

use super::{RATIO_ONE, SignalError, exact_ratio, ratio};
use crate::event::wire::through_parts;
use crate::units::Ratio;

/// The largest magnitude taken: ten thousand.
pub const MOMENTS_VALUE_MAX: Ratio = Ratio::from_raw(10_000 * Ratio::ONE.raw());
/// The most values taken.
pub const MOMENTS_COUNT_MAX: u64 = 1_000_000;

const _: () = {
    // count * sum of squares, the largest intermediate value.
    let (count, value) = (MOMENTS_COUNT_MAX as i128, MOMENTS_VALUE_MAX.raw() as i128);
    assert!(value * value < i128::MAX / count / count);
};

/// Count, sum and sum of squares of some values.
///
/// # Examples
/// ```
/// use schwabot::signals::Moments;
/// let mut moments = Moments::default();
/// for value in ["1", "2", "4"] {
///     moments.push(value.parse()?)?;
/// }
/// assert_eq!(moments.mean(), Some("2.333333333".parse()?));
/// assert_eq!(moments.deviation(), Some("1.527525232".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    count: u64,
    sum: i128,
    sum_of_squares: i128,
}

impl Moments {
    /// Takes one value.
    ///
    /// # Errors
    /// [`SignalError::OutOfRange`] beyond [`MOMENTS_VALUE_MAX`] or after [`MOMENTS_COUNT_MAX`]
    /// values; all is then as before.
    pub fn push(&mut self, value: Ratio) -> Result<(), SignalError> {
        let size = value.raw().unsigned_abs();
        if size > MOMENTS_VALUE_MAX.raw().unsigned_abs() || self.count >= MOMENTS_COUNT_MAX {
            return Err(SignalError::OutOfRange { signal: "value of a mean" });
        }
        self.count += 1;
        self.sum += i128::from(value.raw());
        self.sum_of_squares += i128::from(value.raw()) * i128::from(value.raw());
        Ok(())
    }

    /// Makes the sums again from what [`parts`](Self::parts) gave.
    ///
    /// # Errors
    /// [`SignalError::OutOfRange`] for sums that so many values cannot have.
    pub fn from_parts(count: u64, sum: i128, sum_of_squares: i128) -> Result<Self, SignalError> {
        let impossible = SignalError::OutOfRange { signal: "sum of a mean" };
        let largest = i128::from(MOMENTS_VALUE_MAX.raw());
        let count_wide = i128::from(count);
        if count > MOMENTS_COUNT_MAX
            || sum.unsigned_abs() > (count_wide * largest).unsigned_abs()
            || !(0..=count_wide * largest * largest).contains(&sum_of_squares)
            || count_wide * sum_of_squares < sum * sum
        {
            return Err(impossible);
        }
        Ok(Self { count, sum, sum_of_squares })
    }

    /// Returns count, sum (in 10^-9) and sum of squares (in 10^-18): all that a snapshot stores.
    #[must_use]
    pub fn parts(&self) -> (u64, i128, i128) {
        (self.count, self.sum, self.sum_of_squares)
    }

    /// Returns how many values there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the mean, exact and then rounded half-even to 10^-9; none without a value.
    #[must_use]
    pub fn mean(&self) -> Option<Ratio> {
        if self.count == 0 {
            return None;
        }
        exact_ratio(self.sum, i128::from(self.count), "mean").ok()
    }

    /// Returns the sample deviation (divisor n - 1), rounded half-even to 10^-9; none below two
    /// values.
    #[must_use]
    pub fn deviation(&self) -> Option<Ratio> {
        let variance = self.variance()?;
        ratio(libm::sqrt(variance), "deviation").ok()
    }

    /// Returns the mean in units of its standard error, mean * sqrt(n) / sample deviation, rounded
    /// half-even to 10^-9; none below two values, or when they do not vary.
    #[must_use]
    pub fn mean_in_errors(&self) -> Option<Ratio> {
        let variance = self.variance().filter(|variance| *variance > 0.0)?;
        let error = libm::sqrt(variance / self.count as f64);
        ratio(self.real_mean()? / error, "mean in standard errors").ok()
    }

    /// Returns the mean in units of the sample deviation, rounded half-even to 10^-9: of returns,
    /// the Sharpe ratio a period. None below two values, or when they do not vary.
    #[must_use]
    pub fn mean_in_deviations(&self) -> Option<Ratio> {
        let variance = self.variance().filter(|variance| *variance > 0.0)?;
        ratio(self.real_mean()? / libm::sqrt(variance), "mean in deviations").ok()
    }

    /// The mean as a float, for formulas that go on with it.
    pub(super) fn real_mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64 / RATIO_ONE)
    }

    /// The sample variance as a float, zero exactly when the values do not vary.
    pub(super) fn variance(&self) -> Option<f64> {
        if self.count < 2 {
            return None;
        }
        let count = i128::from(self.count);
        let scatter = count * self.sum_of_squares - self.sum * self.sum;
        Some(scatter as f64 / (count * (count - 1)) as f64 / RATIO_ONE / RATIO_ONE)
    }
}

through_parts!(Moments, (u64, i128, i128), Moments::parts, |(count, sum, squares)| {
    Moments::from_parts(count, sum, squares).map_err(|error| error.to_string())
});
