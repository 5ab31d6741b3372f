//! Formulas: scaled integers in, scaled integers out, a float only in between.
//!
//! This is the one place where floating point decides anything, so it is kept boring: plain
//! scalar `f64` in a fixed order, `libm` (pinned) for what IEEE 754 does not fix, no fused
//! multiply-add. Running sums are exact integers, so that a window has no memory of what left it.
//! A value leaves as a whole number of a stated scale, rounded half-even; one that is not finite
//! or does not fit is refused.
//!
//! # The families
//! ```text
//! chrono, fisher     is there a rhythm in the returns, and could chance have made it
//! clock, dtw         how fast the market's own time runs; how alike two stretches are
//! window, surge,     trailing volatility, drift, spikes and surges
//! ema, moments
//! words              up/down words, their complements and distances, permutation entropy
//! evidence, weights  what the cases say: bounds, posteriors, allocation weights
//! kelly, cycle,      sizes and edges after costs; what a walk through currencies returns
//! impact
//! features           frozen z-scores and the likeness of two feature vectors
//! statistics         rank correlation, Holm's adjustment, the score of forecasts
//! shown              logarithms, powers and the normal distribution, for figures on a page
//! ```
//!
//! # Snapshots
//! No state needs a float to be saved. Windows are made again by pushing their `values()` once
//! more; the two that carry floats from bar to bar ([`ChronoResonance`], [`EmaCross`]) start anew
//! from their ring buffer at every [`RESTART_BARS`]th bar, and `rebuilt` makes them again, to the
//! last bit, from the integers of that ring and the count of bars.

mod chrono;
mod clock;
mod cycle;
mod decimal;
mod dtw;
mod ema;
mod evidence;
mod features;
mod fisher;
mod impact;
mod kelly;
mod moments;
mod shown;
mod statistics;
mod surge;
mod weights;
mod window;
mod words;

pub use chrono::{CHRONO_BARS_MAX, CHRONO_BARS_MIN, ChronoResonance, Resonance};
pub use clock::{ACTIVITY_MAX, ClockRate};
pub use cycle::{
    CycleLeg, LegRate, cycle_log_return, negative_log_rate, net_return, round_trip_cost,
};
pub use decimal::{python_float_text, shortest_float_text};
pub use dtw::dtw_distance;
pub use ema::{EMA_SPAN_MAX, EmaCross};
pub use evidence::{WilsonBounds, beta_mean, flat_posterior, wilson_bounds};
pub use features::{FeatureScaling, cosine_similarity};
pub use fisher::fisher_p_value;
pub use impact::square_root_impact;
pub use kelly::{KellySize, capped_kelly, expected_net_edge};
pub use moments::{MOMENTS_COUNT_MAX, MOMENTS_VALUE_MAX, Moments};
pub use shown::{natural_log, normal_density, normal_probability, normal_upper_point, power};
pub use statistics::{
    CORRELATION_PAIRS_MAX, Correlation, ForecastScore, holm_adjusted, log_loss, normal_quantile,
    spearman,
};
pub use surge::LogVolumeWindow;
pub use weights::{ADDITIVE_HOLD, WEIGHTS_MAX, additive_weight, exponentiated_gradient};
pub use window::{ReturnWindow, VOLUME_MAX, VolumeWindow, WINDOW_BARS_MAX, ln_return};
pub use words::{UpDownWord, WordWindow, permutation_entropy};

use crate::units::{RATIO_SCALE_DIGITS, Ratio};

/// After how many bars a running float is made anew from its ring buffer.
pub const RESTART_BARS: u64 = 1_024;

/// Why a formula has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignalError {
    /// An input that must be positive is not.
    #[error("{input} must be positive")]
    NotPositive {
        /// Which input.
        input: &'static str,
    },
    /// The result is infinite or no number.
    #[error("the {signal} is not a finite number")]
    NotFinite {
        /// Which result.
        signal: &'static str,
    },
    /// The value does not fit its scale.
    #[error("the {signal} does not fit its scale")]
    OutOfRange {
        /// Which value.
        signal: &'static str,
    },
    /// An input is outside the values for which the formula means anything.
    #[error("{input} must be within {range}")]
    Outside {
        /// Which input.
        input: &'static str,
        /// The values allowed.
        range: &'static str,
    },
    /// There are too few values for an answer.
    #[error("{signal} needs at least {needed} values and met {met}")]
    TooFew {
        /// Which result.
        signal: &'static str,
        /// How many values it needs.
        needed: usize,
        /// How many there were.
        met: usize,
    },
    /// All values are equal, so that nothing can be measured in units of their spread.
    #[error("{input} do not vary")]
    NoVariance {
        /// Which input.
        input: &'static str,
    },
    /// Two inputs that belong together have different lengths.
    #[error("lengths {left} and {right} do not belong together")]
    LengthMismatch {
        /// Length of the first, or the length expected.
        left: usize,
        /// Length of the second, or the length met.
        right: usize,
    },
    /// No warping path from end to end stays inside the band.
    #[error("a band of {band} holds no path; lengths this far apart need {needed}")]
    BandTooNarrow {
        /// The band given.
        band: usize,
        /// The difference of the lengths.
        needed: usize,
    },
}

const RATIO_ONE: f64 = 10_u64.pow(RATIO_SCALE_DIGITS) as f64;

/// Rounds half-even to 10^-9; the only way out of floating point.
fn ratio(value: f64, signal: &'static str) -> Result<Ratio, SignalError> {
    /// 2^63, the first value above `i64`, which a float holds exactly.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if !value.is_finite() {
        return Err(SignalError::NotFinite { signal });
    }
    let scaled = libm::rint(value * RATIO_ONE);
    if !(-LIMIT..LIMIT).contains(&scaled) {
        return Err(SignalError::OutOfRange { signal });
    }
    // The check above makes the cast exact.
    Ok(Ratio::from_raw(scaled as i64))
}

/// The number that a ratio stands for, to the nearest double.
fn real(value: Ratio) -> f64 {
    value.raw() as f64 / RATIO_ONE
}

/// `numerator / divisor` in raw units, rounded half-even, without any float; the divisor must be
/// positive and below 2^126.
fn exact_ratio(numerator: i128, divisor: i128, signal: &'static str) -> Result<Ratio, SignalError> {
    let (floor, rest) = (numerator.div_euclid(divisor), numerator.rem_euclid(divisor));
    let up = rest * 2 > divisor || (rest * 2 == divisor && floor % 2 != 0);
    let raw = i64::try_from(floor + i128::from(up));
    raw.map(Ratio::from_raw).map_err(|_| SignalError::OutOfRange { signal })
}
