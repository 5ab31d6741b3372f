//! How much to stake, and what a stake earns: fractional Kelly and the net edge.
//!
//! The stake that makes wealth grow fastest is mean over variance of the *net* return (J. L. Kelly,
//! Bell System Technical Journal 35 (1956) 917-926; for returns E. O. Thorp, 2006). Estimates are
//! noisy and staking double the optimum earns nothing, so only a share c of it is staked, never
//! more than a cap, and nothing at all on a mean that is not positive:
//!
//! ```text
//! f = clip(c * mean / variance, 0, f_max);   a share c of the stake keeps c (2 - c) of the growth
//! ```
//!
//! Costs belong into the returns before they come here. Relative error 10^-15 before the rounding.

use super::{Moments, SignalError, exact_ratio, ratio, real};
use crate::units::Ratio;

/// A stake and what it was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KellySize {
    /// The share of equity to stake, from 0 to the cap.
    pub fraction: Ratio,
    /// True when the formula asked for more than the cap.
    pub cap_hit: bool,
    /// The mean net return.
    pub expected_net_return: Ratio,
    /// The sample variance of the net returns.
    pub variance: Ratio,
}

/// Returns the capped fractional Kelly stake on these net returns; `share` is c, `cap` is f_max.
///
/// # Errors
/// [`SignalError::TooFew`] below two returns; [`SignalError::NoVariance`] when all are equal;
/// [`SignalError::Outside`] for a share outside (0, 1] or a cap outside [0, 1];
/// [`SignalError::OutOfRange`] for a variance beyond its scale.
///
/// # Examples
/// ```
/// use schwabot::signals::{Moments, capped_kelly};
/// let mut returns = Moments::default();
/// for net in ["0.3", "-0.2", "0.3", "-0.2"] {
///     returns.push(net.parse()?)?;
/// }
/// // A quarter of 0.05 / 0.083333333.
/// let size = capped_kelly(&returns, "0.25".parse()?, "0.5".parse()?)?;
/// assert_eq!((size.fraction, size.cap_hit), ("0.15".parse()?, false));
/// let size = capped_kelly(&returns, "0.25".parse()?, "0.1".parse()?)?;
/// assert_eq!((size.fraction, size.cap_hit), ("0.1".parse()?, true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn capped_kelly(
    net_returns: &Moments,
    share: Ratio,
    cap: Ratio,
) -> Result<KellySize, SignalError> {
    if !share.is_positive() || share > Ratio::ONE {
        return Err(SignalError::Outside { input: "the share of Kelly's stake", range: "(0, 1]" });
    }
    if !(Ratio::ZERO..=Ratio::ONE).contains(&cap) {
        return Err(SignalError::Outside { input: "the cap of a stake", range: "[0, 1]" });
    }
    let moments = (net_returns.real_mean(), net_returns.mean(), net_returns.variance());
    let (Some(mean), Some(expected_net_return), Some(variance)) = moments else {
        // Below two, so the cast is exact.
        let met = net_returns.count() as usize;
        return Err(SignalError::TooFew { signal: "a stake", needed: 2, met });
    };
    if variance <= 0.0 {
        return Err(SignalError::NoVariance { input: "the net returns" });
    }
    let wanted = real(share) * mean / variance;
    let cap_hit = wanted > real(cap);
    // The cap itself, and not its way through a float.
    let fraction = if cap_hit { cap } else { ratio(wanted.max(0.0), "stake")? };
    Ok(KellySize {
        fraction,
        cap_hit,
        expected_net_return,
        variance: ratio(variance, "variance of the net returns")?,
    })
}

/// Returns what a trade earns on average after costs, `p * win - (1 - p) * loss - costs`, exact
/// and then rounded half-even to 10^-9.
///
/// `win` and `loss` are mean sizes, both positive; all but `p` are shares of the notional.
///
/// # Errors
/// [`SignalError::Outside`] for a probability outside [0, 1] or a negative size or cost.
///
/// # Examples
/// ```
/// use schwabot::signals::expected_net_edge;
/// let edge = expected_net_edge(
///     "0.55".parse()?, "0.01".parse()?, "0.01".parse()?, "0.0008".parse()?,
/// )?;
/// assert_eq!(edge, "0.0002".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn expected_net_edge(
    probability: Ratio,
    win: Ratio,
    loss: Ratio,
    costs: Ratio,
) -> Result<Ratio, SignalError> {
    if !(Ratio::ZERO..=Ratio::ONE).contains(&probability) {
        return Err(SignalError::Outside { input: "a probability", range: "[0, 1]" });
    }
    if [win, loss, costs].iter().any(|size| *size < Ratio::ZERO) {
        return Err(SignalError::Outside { input: "a mean win, loss or cost", range: "[0, ..)" });
    }
    let one = i128::from(Ratio::ONE.raw());
    let [p, win, loss, costs] = [probability, win, loss, costs].map(|r| i128::from(r.raw()));
    exact_ratio(p * win - (one - p) * loss - costs * one, one, "net edge")
}
