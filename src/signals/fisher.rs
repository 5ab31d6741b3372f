//! Could chance have made this peak? Fisher's test of the largest periodogram share.
//!
//! Under Gaussian white noise the shares of the m ordinates fall like the m gaps that m - 1 random
//! points leave in a unit interval. R. A. Fisher, "Tests of significance in harmonic analysis",
//! Proc. R. Soc. A 125 (1929) 54-59, gives the exact chance that the largest exceeds g:
//!
//! ```text
//! p = sum over j = 1 .. floor(1/g) of (-1)^(j-1) C(m,j) (1 - j g)^(m-1)
//! ```
//!
//! **Where it is trusted.** The terms alternate and, for small g, are far larger than their sum.
//! The digits lost are counted as the sum runs: while the magnitudes add up to less than 10^4 the
//! result is within 10^-9 of the exact one (largest error measured up to m = 2,047: 1.4 * 10^-10).
//! Beyond that, no test would ever reject, and the p-value is clipped to 1. The border lies near
//! g = 0.026 for m = 63, 0.0076 for 511 and 0.0026 for 2,047; the exact p there is 1 - 10^-15,
//! 1 - 2 * 10^-6 and 1 - 2.5 * 10^-5. So up to m = 127 the clip is smaller than the rounding.

use super::{RATIO_ONE, SignalError, ratio};
use crate::units::Ratio;

/// The most ordinates: that of the longest window.
const ORDINATES_MAX: u32 = 2_048;
/// The sum of magnitudes beyond which too many digits would cancel.
const MAGNITUDE_MAX: f64 = 10_000.0;
/// The size of a term that no digit of the result could see.
const NEGLIGIBLE: f64 = 1e-18;

/// Returns the chance that the largest of `ordinates` periodogram shares of white noise exceeds
/// `g`, rounded half-even to 10^-9; see the border of trust above.
///
/// # Errors
/// [`SignalError::Outside`] for a share outside (0, 1] or a number of ordinates outside 2..=2048.
///
/// # Examples
/// ```
/// use schwabot::signals::fisher_p_value;
/// // 129 bars have 64 ordinates; a share above 0.1072 happens by chance once in twenty windows.
/// let p = fisher_p_value("0.1072".parse()?, 64)?;
/// assert_eq!(p, "0.050044065".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fisher_p_value(g: Ratio, ordinates: u32) -> Result<Ratio, SignalError> {
    if !(2..=ORDINATES_MAX).contains(&ordinates) {
        return Err(SignalError::Outside { input: "the number of ordinates", range: "2..=2048" });
    }
    if !g.is_positive() || g > Ratio::ONE {
        return Err(SignalError::Outside { input: "the largest share", range: "(0, 1]" });
    }
    let mut choose = 1.0;
    let (mut sum, mut magnitude) = (0.0, 0.0);
    for j in 1..=ordinates {
        // Whole numbers, so that `1 - j g` loses nothing before it is rounded once.
        let rest = Ratio::ONE.raw() - i64::from(j) * g.raw();
        if rest <= 0 {
            break;
        }
        choose *= f64::from(ordinates - j + 1) / f64::from(j);
        let term = choose * whole_power(rest as f64 / RATIO_ONE, ordinates - 1);
        // Terms rise to one top and fall from there, ever faster; below this they rise no more.
        // Going on would end in `choose` without bound times a power of zero.
        if term < NEGLIGIBLE {
            break;
        }
        magnitude += term;
        if magnitude > MAGNITUDE_MAX {
            return Ok(Ratio::ONE);
        }
        sum += if j % 2 == 1 { term } else { -term };
    }
    ratio(sum.clamp(0.0, 1.0), "p-value")
}

/// `base^exponent` by repeated squaring: only multiplications, in one order everywhere.
fn whole_power(base: f64, exponent: u32) -> f64 {
    let (mut result, mut square, mut left) = (1.0, base, exponent);
    while left > 0 {
        if left % 2 == 1 {
            result *= square;
        }
        square *= square;
        left /= 2;
    }
    result
}
