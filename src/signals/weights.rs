//! Volume weights: how allocation learns from what it earned.
//!
//! Exponentiated gradient (J. Kivinen and M. K. Warmuth, Information and Computation 132 (1997)
//! 1-63; D. P. Helmbold and others, Mathematical Finance 8 (1998) 325-347):
//!
//! ```text
//! w_i <- w_i e^(x_i), normalise; raise what fell below 0.1 / N to that; normalise
//! ```
//!
//! with x the net log-return of what closed, and 0 for all others. The floor lets a weight come
//! back. The last step makes the sum one again, so a raised weight may end a little lower than the
//! floor, but never below floor / 1.1. Weights leave as whole numbers of 10^-9 whose sum is
//! **exactly** one: each is rounded down, and what is missing goes to the largest remainders, of
//! equal ones to the first. Each is within 10^-9 of the unrounded formula.
//!
//! The older additive rule is kept for those who ask for it: `w <- max(0, w + delta)`, start 1, and
//! a leg whose weight is at most [`ADDITIVE_HOLD`] is held.

use super::{SignalError, real};
use crate::units::Ratio;

/// The most weights that learn together.
pub const WEIGHTS_MAX: usize = 10_000;
/// Under the additive rule a leg with this weight or less is not traded: 0.2.
pub const ADDITIVE_HOLD: Ratio = Ratio::from_raw(200_000_000);

/// The share of an equal weight below which none may fall.
const FLOOR_SHARE: f64 = 0.1;
const WHOLE: i64 = Ratio::ONE.raw();

/// Returns the weights after these gains, with a sum of exactly one.
///
/// # Errors
/// [`SignalError::LengthMismatch`] unless there is one gain a weight; [`SignalError::Outside`] for
/// a negative weight, or more than [`WEIGHTS_MAX`]; [`SignalError::NotPositive`] when all are zero,
/// or there are none.
///
/// # Examples
/// ```
/// use schwabot::signals::exponentiated_gradient;
/// use schwabot::units::Ratio;
/// let half: Ratio = "0.5".parse()?;
/// let weights = exponentiated_gradient(&[half, half], &["0.1".parse()?, Ratio::ZERO])?;
/// let text: Vec<_> = weights.iter().map(ToString::to_string).collect();
/// assert_eq!(text, ["0.524979187", "0.475020813"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn exponentiated_gradient(
    weights: &[Ratio],
    gains: &[Ratio],
) -> Result<Vec<Ratio>, SignalError> {
    if weights.len() != gains.len() {
        return Err(SignalError::LengthMismatch { left: weights.len(), right: gains.len() });
    }
    if weights.len() > WEIGHTS_MAX {
        return Err(SignalError::Outside { input: "the number of weights", range: "1..=10000" });
    }
    if weights.iter().any(|weight| *weight < Ratio::ZERO) {
        return Err(SignalError::Outside { input: "a weight", range: "[0, ..)" });
    }
    let carried = weights.iter().zip(gains).filter(|(weight, _)| weight.is_positive());
    let Some(largest) = carried.map(|(_, gain)| *gain).max() else {
        return Err(SignalError::NotPositive { input: "the sum of the weights" });
    };
    // Only quotients count: measured from the largest gain that a weight carries, no power
    // overflows and at least one is 1.
    let grown = weights.iter().zip(gains).map(|(weight, gain)| {
        let power = libm::exp((real(*gain) - real(largest)).min(0.0));
        real(*weight) * power
    });
    let mut shares: Vec<f64> = grown.collect();
    normalise(&mut shares);
    let floor = FLOOR_SHARE / weights.len() as f64;
    for share in &mut shares {
        *share = share.max(floor);
    }
    normalise(&mut shares);
    Ok(whole_shares(&shares))
}

/// Returns `max(0, weight + delta)`.
///
/// # Errors
/// [`SignalError::OutOfRange`] when the sum does not fit.
///
/// # Examples
/// ```
/// use schwabot::signals::{ADDITIVE_HOLD, additive_weight};
/// let weight = additive_weight("0.25".parse()?, "-0.05".parse()?)?;
/// assert!(weight <= ADDITIVE_HOLD); // exactly 0.2: held
/// assert_eq!(additive_weight(weight, "-3".parse()?)?, "0".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn additive_weight(weight: Ratio, delta: Ratio) -> Result<Ratio, SignalError> {
    let sum = weight.plus(delta).map_err(|_| SignalError::OutOfRange { signal: "weight" })?;
    Ok(sum.max(Ratio::ZERO))
}

/// Divides by the sum, which is positive.
fn normalise(shares: &mut [f64]) {
    let mut sum = 0.0;
    for share in &*shares {
        sum += share;
    }
    for share in shares {
        *share /= sum;
    }
}

/// Rounds shares of one to whole numbers of 10^-9 that add up to one.
fn whole_shares(shares: &[f64]) -> Vec<Ratio> {
    let exact = shares.iter().map(|share| share * WHOLE as f64);
    // Shares lie between 0 and 1, so the casts are exact.
    let mut whole: Vec<i64> = exact.clone().map(|value| libm::floor(value) as i64).collect();
    let mut order: Vec<(usize, f64)> =
        exact.zip(&whole).map(|(value, floor)| value - *floor as f64).enumerate().collect();
    // Largest remainder first; sorting is stable, so equal ones keep their order.
    order.sort_by(|left, right| right.1.total_cmp(&left.1));
    // Less than one a weight, up to the rounding of the normalisation.
    let missing = WHOLE - whole.iter().sum::<i64>();
    for (index, _) in order.iter().cycle().take(missing.unsigned_abs() as usize) {
        whole[*index] += missing.signum();
    }
    whole.into_iter().map(Ratio::from_raw).collect()
}
