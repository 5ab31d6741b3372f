//! Formulas: scaled integers in, scaled integers out, a float only in between.
//!
//! This is the one place where floating point decides anything, so it is kept boring: plain
//! scalar `f64` in a fixed order, `libm` (pinned) for what IEEE 754 does not fix, no fused
//! multiply-add. Running sums are exact integers, so that a window has no memory of what left it.
//! A value leaves as a whole number of a stated scale, rounded half-even; one that is not finite
//! or does not fit is refused.

mod decimal;
mod impact;
mod window;

pub use decimal::python_float_text;
pub use impact::square_root_impact;
pub use window::{ReturnWindow, VOLUME_MAX, VolumeWindow, WINDOW_BARS_MAX, ln_return};

use crate::units::{RATIO_SCALE_DIGITS, Ratio};

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
