//! Statistics for those who look back: correlations that admit their doubt, forecasts that are
//! scored.
//!
//! - **Spearman's rank correlation**: the correlation of the ranks, ties at their mean rank. Ranks
//!   are doubled to whole numbers, so everything up to the last quotient is exact.
//! - **95 % interval and p-value**: R. A. Fisher's z = atanh(rho), with the standard error
//!   sqrt(1.06 / (n - 3)) that holds for ranks (E. C. Fieller, H. O. Hartley and E. S. Pearson,
//!   Biometrika 44 (1957) 470-481); good from about 10 pairs and for |rho| up to 0.8. One error for
//!   both, so the interval excludes zero exactly when p is below 0.05.
//! - **Holm's adjustment** of many p-values (S. Holm, Scandinavian Journal of Statistics 6 (1979)
//!   65-70): exact.
//! - **Log-loss** and hit rate of forecasts, from exact sums, so that order is irrelevant. A
//!   snapshot stores the four integers of [`ForecastScore`].

use super::{SignalError, WilsonBounds, exact_ratio, ratio, real, wilson_bounds};
use crate::event::wire::{Decode, Encode};
use crate::units::Ratio;

/// The most pairs of a correlation.
pub const CORRELATION_PAIRS_MAX: usize = 1_000_000;

/// The two-sided 95 % point of the normal distribution.
const Z95: f64 = 1.959_963_984_540_054;
/// The variance of Fisher's z of ranks, times n - 3.
const RANK_VARIANCE: f64 = 1.06;

/// A rank correlation and how far it may be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correlation {
    /// The number of pairs.
    pub pairs: u64,
    /// Spearman's rho, from -1 to 1.
    pub rho: Ratio,
    /// The lower end of the 95 % interval.
    pub lower: Ratio,
    /// The upper end of the 95 % interval.
    pub upper: Ratio,
    /// The two-sided p-value against no correlation.
    pub p_value: Ratio,
}

/// Returns Spearman's rank correlation of two sequences, with interval and p-value.
///
/// # Errors
/// [`SignalError::LengthMismatch`] for different lengths; [`SignalError::TooFew`] below four
/// pairs; [`SignalError::Outside`] above [`CORRELATION_PAIRS_MAX`]; [`SignalError::NoVariance`]
/// when all values of one side are equal.
///
/// # Examples
/// ```
/// use schwabot::signals::spearman;
/// use schwabot::units::Ratio;
/// let hours = [1, 2, 3, 4, 5, 6].map(Ratio::from_raw);
/// let gains = [10, 30, 20, 40, 60, 50].map(Ratio::from_raw);
/// let found = spearman(&hours, &gains)?;
/// assert_eq!(found.rho.to_string(), "0.885714286");
/// assert!(found.lower.is_positive() && found.p_value < "0.05".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn spearman(left: &[Ratio], right: &[Ratio]) -> Result<Correlation, SignalError> {
    let pairs = left.len();
    if pairs != right.len() {
        return Err(SignalError::LengthMismatch { left: pairs, right: right.len() });
    }
    if pairs < 4 {
        return Err(SignalError::TooFew { signal: "a rank correlation", needed: 4, met: pairs });
    }
    if pairs > CORRELATION_PAIRS_MAX {
        return Err(SignalError::Outside { input: "the number of pairs", range: "4..=1000000" });
    }
    let (left, right) = (centred_ranks(left), centred_ranks(right));
    let product = |a: &[i128], b: &[i128]| a.iter().zip(b).map(|(x, y)| x * y).sum::<i128>();
    let (left_square, right_square) = (product(&left, &left), product(&right, &right));
    if left_square == 0 || right_square == 0 {
        return Err(SignalError::NoVariance { input: "the values of one side" });
    }
    let cross = product(&left, &right) as f64;
    let scale = libm::sqrt(left_square as f64) * libm::sqrt(right_square as f64);
    let rho = (cross / scale).clamp(-1.0, 1.0);
    // Where rho is 1 or -1 its z is infinite, and the interval that one point.
    let (z, error) = (libm::atanh(rho), libm::sqrt(RANK_VARIANCE / (pairs - 3) as f64));
    let p_value = libm::erfc(libm::fabs(z) / error / std::f64::consts::SQRT_2);
    Ok(Correlation {
        pairs: pairs as u64,
        rho: ratio(rho, "rank correlation")?,
        lower: ratio(libm::tanh(z - Z95 * error), "lower bound")?,
        upper: ratio(libm::tanh(z + Z95 * error), "upper bound")?,
        p_value: ratio(p_value, "p-value")?,
    })
}

/// Twice the ranks, ties at their mean, less the mean of all: whole numbers, at most 10^6 each.
fn centred_ranks(values: &[Ratio]) -> Vec<i128> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|index| values[*index]);
    let mut ranks = vec![0_i128; values.len()];
    let mut below = 0_usize;
    for tied in order.chunk_by(|a, b| values[*a] == values[*b]) {
        // Ranks below + 1 ..= below + len: their mean, doubled; the mean of all, doubled, is n + 1.
        let doubled = 2 * below + tied.len() + 1;
        for index in tied {
            ranks[*index] = doubled as i128 - (values.len() as i128 + 1);
        }
        below += tied.len();
    }
    ranks
}

/// Returns the z above which a standard normal variable lies with probability `tail`, rounded
/// half-even to 10^-9: the point of a one-sided test at that level.
///
/// Found by halving an interval sixty times on `erfc`, so that every machine takes the same steps.
///
/// # Errors
/// [`SignalError::Outside`] for a probability outside (0, 1/2].
///
/// # Examples
/// ```
/// use schwabot::signals::normal_quantile;
/// assert_eq!(normal_quantile("0.025".parse()?)?.to_string(), "1.959963985");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn normal_quantile(tail: Ratio) -> Result<Ratio, SignalError> {
    if !tail.is_positive() || tail.raw() > Ratio::ONE.raw() / 2 {
        return Err(SignalError::Outside { input: "the probability of a tail", range: "(0, 0.5]" });
    }
    let (mut low, mut high) = (0.0, 8.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if libm::erfc(middle / std::f64::consts::SQRT_2) / 2.0 > real(tail) {
            low = middle;
        } else {
            high = middle;
        }
    }
    ratio((low + high) / 2.0, "normal quantile")
}

/// Returns Holm's adjusted p-values, in the order of the given ones: each may be compared with the
/// level wanted for all together.
///
/// # Errors
/// [`SignalError::Outside`] for a p-value outside [0, 1].
///
/// # Examples
/// ```
/// use schwabot::signals::holm_adjusted;
/// let adjusted = holm_adjusted(&["0.01".parse()?, "0.04".parse()?, "0.03".parse()?])?;
/// let text: Vec<_> = adjusted.iter().map(ToString::to_string).collect();
/// assert_eq!(text, ["0.03", "0.06", "0.06"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn holm_adjusted(p_values: &[Ratio]) -> Result<Vec<Ratio>, SignalError> {
    if p_values.iter().any(|p| !(Ratio::ZERO..=Ratio::ONE).contains(p)) {
        return Err(SignalError::Outside { input: "a p-value", range: "[0, 1]" });
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by_key(|index| p_values[*index]);
    let mut adjusted = vec![Ratio::ZERO; p_values.len()];
    let mut largest = 0_i64;
    for (place, index) in order.into_iter().enumerate() {
        let tests = (p_values.len() - place) as i128;
        let scaled = (i128::from(p_values[index].raw()) * tests).min(i128::from(Ratio::ONE.raw()));
        // At most one, so the cast is exact.
        largest = largest.max(scaled as i64);
        adjusted[index] = Ratio::from_raw(largest);
    }
    Ok(adjusted)
}

/// Returns the log-loss of one forecast, -ln of the probability given to what came, rounded
/// half-even to 10^-9. A probability of less than 10^-9 counts as that: the loss is never infinite.
///
/// # Errors
/// [`SignalError::Outside`] for a probability outside [0, 1].
///
/// # Examples
/// ```
/// use schwabot::signals::log_loss;
/// assert_eq!(log_loss("0.8".parse()?, true)?.to_string(), "0.223143551");
/// assert_eq!(log_loss("0.8".parse()?, false)?.to_string(), "1.609437912");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn log_loss(probability: Ratio, came: bool) -> Result<Ratio, SignalError> {
    if !(Ratio::ZERO..=Ratio::ONE).contains(&probability) {
        return Err(SignalError::Outside { input: "a probability", range: "[0, 1]" });
    }
    let given = if came { probability.raw() } else { Ratio::ONE.raw() - probability.raw() };
    ratio(-libm::log(real(Ratio::from_raw(given.max(1)))), "log-loss")
}

/// How well a row of forecasts did.
///
/// # Examples
/// ```
/// use schwabot::signals::ForecastScore;
/// let mut score = ForecastScore::default();
/// score.push("0.8".parse()?, true)?;
/// score.push("0.6".parse()?, false)?;
/// assert_eq!(score.mean_log_loss(), Some("0.569717142".parse()?));
/// assert_eq!((score.hits, score.forecasts), (1, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ForecastScore {
    /// Forecasts made.
    pub forecasts: u64,
    /// Forecasts that leaned to one side: a probability of one half predicts nothing.
    pub decided: u64,
    /// Forecasts whose likelier side came.
    pub hits: u64,
    /// The sum of the log-losses, in 10^-9.
    pub loss: u128,
}

impl ForecastScore {
    /// Takes one forecast and what came.
    ///
    /// # Errors
    /// As [`log_loss`]; all is then as before.
    pub fn push(&mut self, probability: Ratio, came: bool) -> Result<(), SignalError> {
        let loss = log_loss(probability, came)?;
        self.forecasts += 1;
        self.loss += u128::from(loss.raw().unsigned_abs());
        if probability != Ratio::HALF {
            self.decided += 1;
            self.hits += u64::from((probability > Ratio::HALF) == came);
        }
        Ok(())
    }

    /// Returns the mean log-loss, exact and then rounded half-even to 10^-9; none without a
    /// forecast. A coin has ln 2 = 0.693147181.
    #[must_use]
    pub fn mean_log_loss(&self) -> Option<Ratio> {
        if self.forecasts == 0 {
            return None;
        }
        let loss = i128::try_from(self.loss).ok()?;
        exact_ratio(loss, i128::from(self.forecasts), "mean log-loss").ok()
    }

    /// Returns between which shares the hit rate of the decided forecasts lies, by Wilson's 95 %
    /// bounds.
    ///
    /// # Errors
    /// [`SignalError::NotPositive`] when none was decided.
    pub fn hit_rate_bounds(&self) -> Result<WilsonBounds, SignalError> {
        wilson_bounds(self.hits, self.decided, ratio(Z95, "z")?)
    }
}
