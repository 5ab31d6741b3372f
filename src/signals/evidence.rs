//! What so many successes in so many cases say.
//!
//! **Bounds**: E. B. Wilson, Journal of the American Statistical Association 22 (1927) 209-212. The
//! probabilities p for which the observed share is not further than z standard errors away; unlike
//! the textbook interval they stay inside [0, 1] and mean something for few cases.
//!
//! ```text
//! (s + z^2/2 -+ z sqrt(s (n - s) / n + z^2/4)) / (n + z^2)
//! ```
//!
//! **Posterior mean** of a probability after s successes in n cases under a Beta(a, b) prior:
//! `(s + a) / (n + a + b)`, exact integer arithmetic rounded once.
//!
//! Bounds are exact to 10^-9 for counts below 2^53; more are refused.

use super::{SignalError, exact_ratio, ratio, real};
use crate::units::Ratio;

/// The counts that a float holds exactly.
const COUNT_MAX: u64 = 1 << 53;

/// Between which probabilities the truth lies, at the confidence that z stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WilsonBounds {
    /// The smallest probability.
    pub lower: Ratio,
    /// The largest probability.
    pub upper: Ratio,
}

/// Returns Wilson's two-sided bounds, rounded half-even to 10^-9; z = 1.96 stands for 95 %.
///
/// # Errors
/// [`SignalError::NotPositive`] for no cases, or a z that is not positive;
/// [`SignalError::Outside`] for more successes than cases, or a count or z beyond all use.
///
/// # Examples
/// ```
/// use schwabot::signals::wilson_bounds;
/// let bounds = wilson_bounds(1, 3, "1.96".parse()?)?;
/// assert_eq!(bounds.lower.to_string(), "0.061490315");
/// assert_eq!(bounds.upper.to_string(), "0.792345045");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wilson_bounds(successes: u64, cases: u64, z: Ratio) -> Result<WilsonBounds, SignalError> {
    checked_counts(successes, cases)?;
    if cases == 0 {
        return Err(SignalError::NotPositive { input: "the number of cases" });
    }
    if !z.is_positive() {
        return Err(SignalError::NotPositive { input: "z" });
    }
    let (s, n, z) = (successes as f64, cases as f64, real(z));
    let failures = (cases - successes) as f64;
    let half = z * libm::sqrt(s * failures / n + z * z / 4.0);
    let middle = s + z * z / 2.0;
    let lower = if successes == 0 { 0.0 } else { (middle - half) / (n + z * z) };
    let upper = if failures == 0.0 { 1.0 } else { (middle + half) / (n + z * z) };
    Ok(WilsonBounds {
        lower: ratio(lower.clamp(0.0, 1.0), "lower bound")?,
        upper: ratio(upper.clamp(0.0, 1.0), "upper bound")?,
    })
}

/// Returns the posterior mean `(s + a) / (n + a + b)`, exact and then rounded half-even to 10^-9.
///
/// # Errors
/// [`SignalError::NotPositive`] for a prior that is not; [`SignalError::Outside`] for more
/// successes than cases, or a count beyond all use.
///
/// # Examples
/// ```
/// use schwabot::signals::beta_mean;
/// use schwabot::units::Ratio;
/// // Three of three under the flat prior: four fifths, not certainty.
/// assert_eq!(beta_mean(3, 3, Ratio::ONE, Ratio::ONE)?.to_string(), "0.8");
/// # Ok::<(), schwabot::signals::SignalError>(())
/// ```
pub fn beta_mean(
    successes: u64,
    cases: u64,
    prior_successes: Ratio,
    prior_failures: Ratio,
) -> Result<Ratio, SignalError> {
    checked_counts(successes, cases)?;
    if !prior_successes.is_positive() || !prior_failures.is_positive() {
        return Err(SignalError::NotPositive { input: "a prior" });
    }
    let one = i128::from(Ratio::ONE.raw());
    let (a, b) = (i128::from(prior_successes.raw()), i128::from(prior_failures.raw()));
    let share = i128::from(successes) * one + a;
    exact_ratio(share * one, i128::from(cases) * one + a + b, "posterior mean")
}

/// Returns the posterior mean of a probability under a flat prior: one half where nothing is known,
/// and where the counts are beyond all use.
///
/// # Examples
/// ```
/// use schwabot::signals::flat_posterior;
/// assert_eq!(flat_posterior(0, 0).to_string(), "0.5");
/// assert_eq!(flat_posterior(3, 3).to_string(), "0.8");
/// ```
#[must_use]
pub fn flat_posterior(successes: u64, cases: u64) -> Ratio {
    beta_mean(successes, cases, Ratio::ONE, Ratio::ONE).unwrap_or(Ratio::HALF)
}

fn checked_counts(successes: u64, cases: u64) -> Result<(), SignalError> {
    if cases > COUNT_MAX {
        return Err(SignalError::Outside { input: "the number of cases", range: "0..=2^53" });
    }
    if successes > cases {
        let input = "the number of successes";
        return Err(SignalError::Outside { input, range: "the number of cases" });
    }
    Ok(())
}
