//! How much of a Sharpe ratio may be luck.
//!
//! - **Probabilistic Sharpe ratio** (D. H. Bailey and M. Lopez de Prado, The Sharpe Ratio Efficient
//!   Frontier, Journal of Risk 15 (2012)): the probability that the true ratio is above a
//!   benchmark, given how many returns there were and how skewed and fat-tailed they are.
//! - **Deflated Sharpe ratio** (the same, Journal of Portfolio Management 40 (2014)): the same
//!   probability against the best ratio that so many trials without any skill would be expected to
//!   reach.
//!
//! All Sharpe ratios here are those of one period, never annualised. Skewness and kurtosis are
//! those of the population, as in the papers; a normal distribution has the kurtosis 3.

use serde::Serialize;

use super::statistics::{deviation, finite, mean, population_shape, quotient};
use crate::signals::{normal_probability, normal_upper_point};
use crate::units::Ratio;

/// The constant of Euler and Mascheroni.
const EULER: f64 = 0.577_215_664_901_532_9;

/// A Sharpe ratio and what its doubt rests on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SharpeEstimate {
    /// Mean over sample deviation of the returns of one period.
    pub sharpe: f64,
    /// How many returns there were.
    pub returns: u64,
    /// Their skewness.
    pub skewness: f64,
    /// Their kurtosis; 3 for a normal distribution.
    pub kurtosis: f64,
}

impl SharpeEstimate {
    /// Measures returns; none below two, or when they do not vary.
    ///
    /// # Examples
    /// ```
    /// use schwabot::report::SharpeEstimate;
    /// let estimate = SharpeEstimate::of(&[0.01, -0.01, 0.03]).unwrap();
    /// assert!((estimate.sharpe - 0.5).abs() < 1e-12);
    /// assert_eq!(SharpeEstimate::of(&[0.01, 0.01]), None);
    /// ```
    #[must_use]
    pub fn of(returns: &[f64]) -> Option<Self> {
        let sharpe = quotient(mean(returns)?, deviation(returns)?)?;
        let (skewness, kurtosis) = population_shape(returns)?;
        Some(Self { sharpe, returns: returns.len() as u64, skewness, kurtosis })
    }

    /// The square of the error of the estimate, times n - 1.
    fn spread(&self) -> Option<f64> {
        let Self { sharpe, skewness, kurtosis, .. } = *self;
        let spread = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe;
        finite(spread).filter(|spread| *spread > 0.0)
    }

    /// Returns the standard error of the estimate; none below two returns.
    #[must_use]
    pub fn standard_error(&self) -> Option<f64> {
        quotient(self.spread()?, self.returns.checked_sub(1)? as f64).map(f64::sqrt)
    }
}

/// What was tried before one result was picked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Trials {
    /// How many independent trials there were, this one included.
    pub count: u64,
    /// The variance of the trials' Sharpe ratios, of one period.
    pub sharpe_variance: f64,
}

impl Trials {
    /// Says how many trials there were and the variance of their Sharpe ratios of one period.
    #[must_use]
    pub fn of(count: u64, sharpe_variance: Ratio) -> Self {
        Self { count, sharpe_variance: sharpe_variance.raw() as f64 / 1e9 }
    }
}

/// Returns the probability that the true Sharpe ratio of one period is above `benchmark`; none
/// where the estimate has no error.
///
/// # Examples
/// ```
/// use schwabot::report::{SharpeEstimate, probabilistic_sharpe};
/// // Bailey and Lopez de Prado (2012): two years of monthly returns.
/// let (skewness, kurtosis) = (-2.448, 10.164);
/// let estimate = SharpeEstimate { sharpe: 0.458, returns: 24, skewness, kurtosis };
/// let sure = probabilistic_sharpe(&estimate, 0.0).unwrap();
/// assert!((sure - 0.913).abs() < 0.001);
/// ```
#[must_use]
pub fn probabilistic_sharpe(estimate: &SharpeEstimate, benchmark: f64) -> Option<f64> {
    let z = quotient(estimate.sharpe - benchmark, estimate.standard_error()?)?;
    finite(normal_probability(z))
}

/// Returns how many returns of this kind it takes until a Sharpe ratio above `benchmark` is
/// believed with this confidence; none where the estimate is not above it.
#[must_use]
pub fn minimum_track_record(
    estimate: &SharpeEstimate,
    benchmark: f64,
    confidence: f64,
) -> Option<f64> {
    let above = Some(estimate.sharpe - benchmark).filter(|above| *above > 0.0)?;
    let errors = quotient(normal_upper_point(1.0 - confidence)?, above)?;
    finite(1.0 + estimate.spread()? * errors * errors)
}

/// Returns the highest Sharpe ratio of one period that so many trials without skill are expected to
/// reach; zero for a single trial, none without one or for a variance below zero.
///
/// # Examples
/// ```
/// use schwabot::report::{Trials, expected_best_sharpe};
/// // Bailey and Lopez de Prado (2014): a hundred trials, annual variance one half, 250 days.
/// let trials = Trials { count: 100, sharpe_variance: 0.5 / 250.0 };
/// assert!((expected_best_sharpe(&trials).unwrap() - 0.1132).abs() < 0.0001);
/// ```
#[must_use]
pub fn expected_best_sharpe(trials: &Trials) -> Option<f64> {
    let Trials { count, sharpe_variance } = *trials;
    if count == 0 || !(sharpe_variance >= 0.0 && sharpe_variance.is_finite()) {
        return None;
    }
    if count == 1 {
        return Some(0.0);
    }
    let tail = 1.0 / count as f64;
    let (high, higher) =
        (normal_upper_point(tail)?, normal_upper_point(tail / std::f64::consts::E)?);
    finite(sharpe_variance.sqrt() * ((1.0 - EULER) * high + EULER * higher))
}

/// Returns the probability that the true Sharpe ratio is above what the best of so many trials
/// without skill would show: the deflated Sharpe ratio.
///
/// # Examples
/// ```
/// use schwabot::report::{SharpeEstimate, Trials, deflated_sharpe};
/// // Bailey and Lopez de Prado (2014): five years of daily returns, annual ratio 2.5.
/// let sharpe = 2.5 / 250.0_f64.sqrt();
/// let estimate = SharpeEstimate { sharpe, returns: 1250, skewness: -3.0, kurtosis: 10.0 };
/// let trials = Trials { count: 100, sharpe_variance: 0.5 / 250.0 };
/// assert!((deflated_sharpe(&estimate, &trials).unwrap() - 0.9004).abs() < 0.0005);
/// ```
#[must_use]
pub fn deflated_sharpe(estimate: &SharpeEstimate, trials: &Trials) -> Option<f64> {
    probabilistic_sharpe(estimate, expected_best_sharpe(trials)?)
}
