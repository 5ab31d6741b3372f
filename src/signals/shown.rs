//! Functions for figures that are only shown: floats in, floats out.
//!
//! IEEE 754 does not fix logarithms and powers, so a page that is to be the same on every machine
//! takes them from here, by way of the pinned `libm`. No decision may: what a kernel uses leaves
//! this module as a scaled integer.

/// Returns the natural logarithm; none for what is not positive or not finite.
///
/// # Examples
/// ```
/// use schwabot::signals::natural_log;
/// assert_eq!(natural_log(1.0), Some(0.0));
/// assert_eq!(natural_log(0.0), None);
/// ```
#[must_use]
pub fn natural_log(value: f64) -> Option<f64> {
    (value > 0.0 && value.is_finite()).then(|| libm::log(value))
}

/// Returns a positive number to a power; none where the base is not positive or the result is not
/// finite.
///
/// # Examples
/// ```
/// use schwabot::signals::power;
/// assert_eq!(power(4.0, 0.5), Some(2.0));
/// assert_eq!(power(-4.0, 0.5), None);
/// ```
#[must_use]
pub fn power(base: f64, exponent: f64) -> Option<f64> {
    let raised = libm::pow(base, exponent);
    (base > 0.0 && raised.is_finite()).then_some(raised)
}

/// Returns the probability that a standard normal variable is at most `z`.
///
/// # Examples
/// ```
/// use schwabot::signals::normal_probability;
/// assert_eq!(normal_probability(0.0), 0.5);
/// assert!((normal_probability(1.959963984540054) - 0.975).abs() < 1e-15);
/// ```
#[must_use]
pub fn normal_probability(z: f64) -> f64 {
    libm::erfc(-z / std::f64::consts::SQRT_2) / 2.0
}

/// Returns the z above which a standard normal variable lies with probability `tail`; none outside
/// (0, 1).
///
/// Found by halving an interval a hundred times on `erfc`, so that every machine takes the same
/// steps; good to some units in the last place.
///
/// # Examples
/// ```
/// use schwabot::signals::normal_upper_point;
/// let point = normal_upper_point(0.05).unwrap();
/// assert!((point - 1.6448536269514722).abs() < 1e-14);
/// assert!((normal_upper_point(0.95).unwrap() + point).abs() < 1e-14);
/// assert_eq!(normal_upper_point(0.0), None);
/// ```
#[must_use]
pub fn normal_upper_point(tail: f64) -> Option<f64> {
    if !(tail > 0.0 && tail < 1.0) {
        return None;
    }
    if tail > 0.5 {
        return normal_upper_point(1.0 - tail).map(|point| -point);
    }
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if libm::erfc(middle / std::f64::consts::SQRT_2) / 2.0 > tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some((low + high) / 2.0)
}

/// Returns the density of a standard normal variable at `z`.
///
/// # Examples
/// ```
/// use schwabot::signals::normal_density;
/// assert!((normal_density(0.0) - 0.3989422804014327).abs() < 1e-15);
/// ```
#[must_use]
pub fn normal_density(z: f64) -> f64 {
    libm::exp(-z * z / 2.0) / (2.0 * std::f64::consts::PI).sqrt()
}
