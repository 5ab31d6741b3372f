//! Plain statistics of a row of numbers, in fixed order.
//!
//! Each answers none where it is undefined, and never a number that is not finite. Two passes, so
//! that nothing cancels; a row of equal values has a deviation of exactly zero.

/// Keeps a number only if it is finite.
pub(super) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Returns a quotient; none where the divisor is zero or the result not finite.
#[must_use]
pub fn quotient(part: f64, whole: f64) -> Option<f64> {
    if whole == 0.0 { None } else { finite(part / whole) }
}

/// Returns the sum, from the first value to the last.
#[must_use]
pub fn sum(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |sum, value| sum + value)
}

/// Returns the mean; none without a value.
///
/// # Examples
/// ```
/// use schwabot::report::statistics::mean;
/// assert_eq!(mean(&[1.0, 2.0, 6.0]), Some(3.0));
/// assert_eq!(mean(&[]), None);
/// ```
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    quotient(sum(values), values.len() as f64)
}

/// Returns the sample deviation (divisor n - 1); none below two values.
///
/// # Examples
/// ```
/// use schwabot::report::statistics::deviation;
/// assert_eq!(deviation(&[1.0, 3.0]), Some(2.0_f64.sqrt()));
/// assert_eq!(deviation(&[0.1, 0.1, 0.1]), Some(0.0));
/// assert_eq!(deviation(&[1.0]), None);
/// ```
#[must_use]
pub fn deviation(values: &[f64]) -> Option<f64> {
    let divisor = values.len().checked_sub(1).filter(|divisor| *divisor > 0)?;
    finite((central(values, 2)? / divisor as f64).sqrt())
}

/// The sum of the powers of the distances to the mean; zero for equal values, whatever rounding
/// would say.
fn central(values: &[f64], power: u32) -> Option<f64> {
    let first = *values.first()?;
    if values.iter().all(|value| *value == first) {
        return Some(0.0);
    }
    let mean = mean(values)?;
    let raised = values.iter().map(|value| {
        let distance = value - mean;
        (1..power).fold(distance, |product, _| product * distance)
    });
    finite(raised.fold(0.0, |sum, value| sum + value))
}

/// Returns skewness and kurtosis of the population (a normal distribution has 0 and 3); none below
/// two values, or when they do not vary.
///
/// # Examples
/// ```
/// use schwabot::report::statistics::population_shape;
/// assert_eq!(population_shape(&[-1.0, 0.0, 1.0]), Some((0.0, 1.5)));
/// ```
#[must_use]
pub fn population_shape(values: &[f64]) -> Option<(f64, f64)> {
    let count = values.len() as f64;
    let variance = quotient(central(values, 2)?, count).filter(|variance| *variance > 0.0)?;
    let skew = quotient(central(values, 3)? / count, variance * variance.sqrt())?;
    let kurtosis = quotient(central(values, 4)? / count, variance * variance)?;
    Some((skew, kurtosis))
}

/// Returns the skewness of a sample, corrected for its size (the `G1` of most programs); none below
/// three values, or when they do not vary.
#[must_use]
pub fn sample_skewness(values: &[f64]) -> Option<f64> {
    let count = values.len() as f64;
    let (skew, _) = population_shape(values).filter(|_| values.len() > 2)?;
    finite(skew * (count * (count - 1.0)).sqrt() / (count - 2.0))
}

/// Returns the excess kurtosis of a sample, corrected for its size (the `G2` of most programs);
/// none below four values, or when they do not vary.
#[must_use]
pub fn sample_excess_kurtosis(values: &[f64]) -> Option<f64> {
    let count = values.len() as f64;
    let (_, kurtosis) = population_shape(values).filter(|_| values.len() > 3)?;
    let scale = (count - 1.0) / ((count - 2.0) * (count - 3.0));
    finite(scale * ((count + 1.0) * (kurtosis - 3.0) + 6.0))
}

/// Returns the value below which a share of the values lies, by the straight line between the two
/// nearest; none without a value or outside `0..=1`.
///
/// # Examples
/// ```
/// use schwabot::report::statistics::quantile;
/// assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.75), Some(2.5));
/// ```
#[must_use]
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    if !(0.0..=1.0).contains(&share) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = share * last as f64;
    let below = (place.floor() as usize).min(last);
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    finite(low + (high - low) * (place - below as f64))
}

/// Returns the correlation of two rows and the slope of the first on the second; none where the
/// lengths differ or one of them does not vary.
#[must_use]
pub fn correlation_and_slope(left: &[f64], right: &[f64]) -> Option<(f64, f64)> {
    let (of_left, of_right) = (central(left, 2)?, central(right, 2)?);
    if left.len() != right.len() || of_left <= 0.0 || of_right <= 0.0 {
        return None;
    }
    let (left_mean, right_mean) = (mean(left)?, mean(right)?);
    let products = left.iter().zip(right).map(|(l, r)| (l - left_mean) * (r - right_mean));
    let together = products.fold(0.0, |sum, product| sum + product);
    let correlation = quotient(together, of_left.sqrt() * of_right.sqrt())?.clamp(-1.0, 1.0);
    Some((correlation, quotient(together, of_right)?))
}
