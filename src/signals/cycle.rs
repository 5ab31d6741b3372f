//! What a walk through currencies returns.
//!
//! Each leg multiplies by its rate and by what costs leave of it. In logarithms the walk is a sum,
//! and a closed walk earns exactly when it is positive (the negative-cycle test of arbitrage, with
//! the edge weights `-ln r`):
//!
//! ```text
//! ln R = sum of ln(r_i (1 - fee_i) (1 - slippage_i))
//! ```
//!
//! A leg against the quote (paying the price) has the rate 1 / price; it is taken as minus the
//! logarithm of the price, so that a rate such as 1 / 45,000 loses no digit. Absolute error below
//! 10^-14 a leg before the rounding to 10^-9.

use super::{SignalError, exact_ratio, ratio, real};
use crate::units::{Price, Ratio};

/// How one leg exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegRate {
    /// Base currency is given and quote currency received: the rate is the price.
    Sell(Price),
    /// Quote currency is given and base currency received: the rate is one over the price.
    Buy(Price),
}

/// One leg of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CycleLeg {
    /// How it exchanges.
    pub rate: LegRate,
    /// The fee, a share of what is exchanged.
    pub fee: Ratio,
    /// How far the price moves against the taker, a share of the price.
    pub slippage: Ratio,
}

/// Returns the log-return of a walk after costs, rounded half-even to 10^-9.
///
/// # Errors
/// [`SignalError::TooFew`] for no legs; [`SignalError::NotPositive`] for a price that is not;
/// [`SignalError::Outside`] for a cost outside [0, 1).
///
/// # Examples
/// ```
/// use schwabot::signals::{CycleLeg, LegRate, cycle_log_return};
/// use schwabot::units::Ratio;
/// let free = |rate| CycleLeg { rate, fee: Ratio::ZERO, slippage: Ratio::ZERO };
/// let walk = [
///     free(LegRate::Sell("45000".parse()?)), // BTC -> USDC
///     free(LegRate::Buy("2000".parse()?)),   // USDC -> ETH
///     free(LegRate::Sell("0.05".parse()?)),  // ETH -> BTC
/// ];
/// assert_eq!(cycle_log_return(&walk)?, "0.117783036".parse()?); // ln 1.125
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn cycle_log_return(legs: &[CycleLeg]) -> Result<Ratio, SignalError> {
    if legs.is_empty() {
        return Err(SignalError::TooFew { signal: "a walk", needed: 1, met: 0 });
    }
    let mut sum = 0.0;
    for leg in legs {
        sum += log_rate(leg.rate)? + log_left(leg.fee)? + log_left(leg.slippage)?;
    }
    ratio(sum, "return of a walk")
}

/// Returns -ln of a leg's rate, its weight in a graph whose shortest paths earn most, rounded
/// half-even to 10^-9.
///
/// # Errors
/// [`SignalError::NotPositive`] for a price that is not.
///
/// # Examples
/// ```
/// use schwabot::signals::{LegRate, negative_log_rate};
/// assert_eq!(negative_log_rate(LegRate::Buy("2".parse()?))?, "0.693147181".parse()?);
/// assert_eq!(negative_log_rate(LegRate::Sell("2".parse()?))?, "-0.693147181".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn negative_log_rate(rate: LegRate) -> Result<Ratio, SignalError> {
    ratio(-log_rate(rate)?, "weight of a leg")
}

/// Returns what a bought and sold unit earned after a fee a side: as a share of the entry notional,
/// `(exit - entry) / entry - fee - fee * exit / entry`, and as the logarithm of what one unit
/// became, `ln(exit / entry) + 2 ln(1 - fee)`. Both rounded half-even to 10^-9; the share in exact
/// integers, rounded once.
///
/// # Errors
/// [`SignalError::NotPositive`] for a price that is not; [`SignalError::Outside`] for a fee outside
/// [0, 1); [`SignalError::OutOfRange`] when a result does not fit.
///
/// # Examples
/// ```
/// use schwabot::signals::net_return;
/// let (share, log) = net_return("100".parse()?, "102".parse()?, "0.001".parse()?)?;
/// assert_eq!((share.to_string(), log.to_string()), ("0.01798".into(), "0.017801627".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn net_return(entry: Price, exit: Price, fee: Ratio) -> Result<(Ratio, Ratio), SignalError> {
    let leg = |rate| CycleLeg { rate, fee, slippage: Ratio::ZERO };
    let log = cycle_log_return(&[leg(LegRate::Buy(entry)), leg(LegRate::Sell(exit))])?;
    let out_of_range = SignalError::OutOfRange { signal: "net return" };
    let (entry, exit) = (entry.raw(), exit.raw());
    let (one, fee) = (i128::from(Ratio::ONE.raw()), i128::from(fee.raw()));
    // All terms over `entry`: (exit - entry) - fee (entry + exit), with the fee in 10^-9.
    let gain = exit.checked_sub(entry).and_then(|gain| gain.checked_mul(one));
    let fees = exit.checked_add(entry).and_then(|sum| sum.checked_mul(fee));
    let net = gain.zip(fees).and_then(|(gain, fees)| gain.checked_sub(fees)).ok_or(out_of_range)?;
    Ok((exact_ratio(net, entry, "net return")?, log))
}

/// Returns what a unit loses there and back, `1 - (1 - s)/(1 + s) (1 - fee)^2`, with a half spread
/// of s, exact integers rounded half-even to 10^-9.
///
/// # Errors
/// [`SignalError::Outside`] for a cost outside [0, 1).
///
/// # Examples
/// ```
/// use schwabot::signals::round_trip_cost;
/// let cost = round_trip_cost("0.0001".parse()?, "0.001".parse()?)?;
/// assert_eq!(cost.to_string(), "0.00219858");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn round_trip_cost(half_spread: Ratio, fee: Ratio) -> Result<Ratio, SignalError> {
    let share = Ratio::ZERO..Ratio::ONE;
    if !share.contains(&half_spread) || !share.contains(&fee) {
        return Err(SignalError::Outside { input: "the cost of a leg", range: "[0, 1)" });
    }
    let one = i128::from(Ratio::ONE.raw());
    let (spread, left) = (i128::from(half_spread.raw()), one - i128::from(fee.raw()));
    // Over (1 + s) * 10^18; the largest term is below 2 * 10^36.
    let divisor = (one + spread) * one * one;
    exact_ratio(divisor - (one - spread) * left * left, divisor / one, "round-trip cost")
}

fn log_rate(rate: LegRate) -> Result<f64, SignalError> {
    let (LegRate::Sell(price) | LegRate::Buy(price)) = rate;
    if !price.is_positive() {
        return Err(SignalError::NotPositive { input: "a price" });
    }
    let log = libm::log(price.raw() as f64 / Price::ONE.raw() as f64);
    Ok(if matches!(rate, LegRate::Sell(_)) { log } else { -log })
}

/// ln(1 - cost), which keeps its digits for small costs.
fn log_left(cost: Ratio) -> Result<f64, SignalError> {
    if !(Ratio::ZERO..Ratio::ONE).contains(&cost) {
        return Err(SignalError::Outside { input: "the cost of a leg", range: "[0, 1)" });
    }
    Ok(libm::log1p(-real(cost)))
}
