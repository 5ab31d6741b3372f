//! How alike two stretches are when one may run ahead of the other: dynamic time warping.
//!
//! H. Sakoe and S. Chiba, IEEE Transactions on Acoustics, Speech, and Signal Processing 26 (1978)
//! 43-49, with their band of half-width b around the diagonal:
//!
//! ```text
//! D(i, j) = (x_i - y_j)^2 + min(D(i-1, j), D(i, j-1), D(i-1, j-1)),   |i - j| <= b
//! ```
//!
//! The distance is the root of the last D. It is symmetric and zero on equal stretches, but no
//! metric: the triangle inequality fails. For questions asked after the fact; nothing on the way
//! of a bar calls it. Relative error about 10^-16 times the length of the path.

use super::{SignalError, ratio, real};
use crate::units::Ratio;

/// Returns the warped distance of two sequences inside a band, rounded half-even to 10^-9.
///
/// Takes time by length times band, and memory for two rows.
///
/// # Errors
/// [`SignalError::TooFew`] for an empty sequence; [`SignalError::BandTooNarrow`] when the lengths
/// differ by more than the band; [`SignalError::OutOfRange`] when the result does not fit.
///
/// # Examples
/// ```
/// use schwabot::signals::dtw_distance;
/// use schwabot::units::Ratio;
/// let early = [0, 1, 2, 1, 0, 0].map(Ratio::from_raw);
/// let late = [0, 0, 1, 2, 1, 0].map(Ratio::from_raw);
/// assert_eq!(dtw_distance(&early, &late, 1)?, Ratio::ZERO); // the same, one bar apart
/// assert_eq!(dtw_distance(&early, &late, 0)?.raw(), 2); // bar by bar
/// # Ok::<(), schwabot::signals::SignalError>(())
/// ```
pub fn dtw_distance(left: &[Ratio], right: &[Ratio], band: usize) -> Result<Ratio, SignalError> {
    let shorter = left.len().min(right.len());
    if shorter == 0 {
        return Err(SignalError::TooFew { signal: "warped distance", needed: 1, met: 0 });
    }
    let apart = left.len().abs_diff(right.len());
    if apart > band {
        return Err(SignalError::BandTooNarrow { band, needed: apart });
    }
    // Column 0 stands before the first value: only the path's start may come from there.
    let mut above = vec![f64::INFINITY; right.len() + 1];
    let mut row = above.clone();
    above[0] = 0.0;
    for (i, value) in left.iter().enumerate() {
        let from = i.saturating_sub(band);
        let to = i.saturating_add(band).saturating_add(1).min(right.len());
        // What lies left of the band must not be read as a value of two rows ago; what lies right
        // of it was never written, for the band moves to the right.
        row[from] = f64::INFINITY;
        for j in from..to {
            let distance = real(*value) - real(right[j]);
            let best = above[j].min(above[j + 1]).min(row[j]);
            row[j + 1] = distance * distance + best;
        }
        std::mem::swap(&mut above, &mut row);
    }
    ratio(libm::sqrt(above[right.len()]), "warped distance")
}
