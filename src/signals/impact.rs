//! What an order costs by its size: the square-root law.

use super::{RATIO_ONE, SignalError, ratio};
use crate::units::Ratio;

/// Returns `scale * deviation * sqrt(size / volume)`, rounded half-even to 10^-9.
///
/// `size` and `volume` are raw numbers of one and the same unit: both base or both quote
/// currency. The price moves against the taker by this share.
///
/// # Errors
/// [`SignalError::NotPositive`] for a volume that is not, or a negative size;
/// [`SignalError::OutOfRange`] when the result does not fit.
///
/// # Examples
/// ```
/// use schwabot::signals::square_root_impact;
/// // An order of a hundredth of the usual volume moves the price a tenth of a deviation.
/// let impact = square_root_impact("1".parse()?, "0.002".parse()?, 1, 100)?;
/// assert_eq!(impact.to_string(), "0.0002");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn square_root_impact(
    scale: Ratio,
    deviation: Ratio,
    size: i128,
    volume: i128,
) -> Result<Ratio, SignalError> {
    if volume <= 0 {
        return Err(SignalError::NotPositive { input: "the volume" });
    }
    if size < 0 {
        return Err(SignalError::NotPositive { input: "the size" });
    }
    let scale = scale.raw() as f64 / RATIO_ONE;
    let deviation = deviation.raw() as f64 / RATIO_ONE;
    let share = libm::sqrt(size as f64 / volume as f64);
    ratio(scale * deviation * share, "impact")
}
