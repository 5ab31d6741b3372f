//! Feature vectors: frozen scaling, and how alike two vectors are.
//!
//! Features come in different units. Mean and deviation over the warm-up are frozen once, and from
//! then on a feature is `z = (x - mean) / deviation`: a scaling that went on learning would make
//! the vectors of two moments incomparable, and one taken over the whole run would look ahead.
//! Both parameters are whole numbers, and z is exact integer arithmetic rounded once.
//!
//! Likeness is the cosine of the angle between two vectors, `x.y / (|x| |y|)`, from -1 to 1,
//! relative error about 10^-16 times the number of features before the rounding to 10^-9.

use super::{Moments, SignalError, exact_ratio, ratio, real};
use crate::units::Ratio;

/// Mean and deviation of one feature, frozen at the end of the warm-up.
///
/// # Examples
/// ```
/// use schwabot::signals::{FeatureScaling, Moments};
/// let mut warm_up = Moments::default();
/// for value in ["1", "2", "3"] {
///     warm_up.push(value.parse()?)?;
/// }
/// let scaling = FeatureScaling::frozen(&warm_up)?;
/// assert_eq!(scaling.z("4".parse()?)?, "2".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureScaling {
    /// The mean over the warm-up.
    pub mean: Ratio,
    /// The sample deviation over the warm-up.
    pub deviation: Ratio,
}

impl FeatureScaling {
    /// Freezes what the warm-up gave.
    ///
    /// # Errors
    /// [`SignalError::TooFew`] below two values; [`SignalError::NoVariance`] when the deviation
    /// rounds to zero.
    pub fn frozen(warm_up: &Moments) -> Result<Self, SignalError> {
        let (Some(mean), Some(deviation)) = (warm_up.mean(), warm_up.deviation()) else {
            // Below two, so the cast is exact.
            let met = warm_up.count() as usize;
            return Err(SignalError::TooFew { signal: "the scaling", needed: 2, met });
        };
        if !deviation.is_positive() {
            return Err(SignalError::NoVariance { input: "the values of the warm-up" });
        }
        Ok(Self { mean, deviation })
    }

    /// Returns how many deviations the value stands above the mean, rounded half-even to 10^-9.
    ///
    /// # Errors
    /// [`SignalError::NoVariance`] for a scaling whose deviation is not positive;
    /// [`SignalError::OutOfRange`] when the result does not fit.
    pub fn z(&self, value: Ratio) -> Result<Ratio, SignalError> {
        if !self.deviation.is_positive() {
            return Err(SignalError::NoVariance { input: "the values of the warm-up" });
        }
        let above = i128::from(value.raw()) - i128::from(self.mean.raw());
        let scaled = above * i128::from(Ratio::ONE.raw());
        exact_ratio(scaled, i128::from(self.deviation.raw()), "scaled feature")
    }
}

/// Returns the cosine of the angle between two vectors, from -1 to 1, rounded half-even to 10^-9.
///
/// # Errors
/// [`SignalError::LengthMismatch`] for vectors of different lengths; [`SignalError::NotPositive`]
/// when one has no length at all, and so no direction.
///
/// # Examples
/// ```
/// use schwabot::signals::cosine_similarity;
/// use schwabot::units::Ratio;
/// let vector = |x, y| [Ratio::from_raw(x), Ratio::from_raw(y)];
/// assert_eq!(cosine_similarity(&vector(1, 0), &vector(3, 0))?, Ratio::ONE);
/// assert_eq!(cosine_similarity(&vector(1, 0), &vector(1, 1))?.to_string(), "0.707106781");
/// # Ok::<(), schwabot::signals::SignalError>(())
/// ```
pub fn cosine_similarity(left: &[Ratio], right: &[Ratio]) -> Result<Ratio, SignalError> {
    if left.len() != right.len() {
        return Err(SignalError::LengthMismatch { left: left.len(), right: right.len() });
    }
    let (mut dot, mut left_square, mut right_square) = (0.0, 0.0, 0.0);
    for (x, y) in left.iter().zip(right) {
        let (x, y) = (real(*x), real(*y));
        dot += x * y;
        left_square += x * x;
        right_square += y * y;
    }
    if left_square <= 0.0 || right_square <= 0.0 {
        return Err(SignalError::NotPositive { input: "the length of a vector" });
    }
    let cosine = dot / (libm::sqrt(left_square) * libm::sqrt(right_square));
    ratio(cosine.clamp(-1.0, 1.0), "cosine")
}
