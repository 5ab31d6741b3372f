//! Does a profit follow from its prices? Claims are worked out again, exactly.

use serde::Serialize;

use super::coordinator::RegistryFault;
use crate::event::{Side, TradeClosed};
use crate::units::{Money, Price, Ratio, UnitError};

/// What somebody says of a round trip: all that its profit follows from, and the profit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClaimedTrade {
    /// Side of the entry.
    pub side: Side,
    /// Entry price.
    pub entry: Price,
    /// Exit price.
    pub exit: Price,
    /// What was staked, in quote currency.
    pub notional: Money,
    /// All fees.
    pub fees: Money,
    /// The profit that is claimed.
    pub profit: Money,
}

/// A claim beside what follows from its own figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    /// Profit before fees as a share of the notional: the gross move, in the side's direction.
    pub gross_return: Ratio,
    /// Profit after fees, rounded half-even to 10^-12.
    pub computed: Money,
    /// Profit after fees as a share of the notional.
    pub net_return: Ratio,
    /// The profit that was claimed.
    pub claimed: Money,
    /// Whether the two are the same.
    pub agrees: bool,
}

/// Works a claim out again: `direction * notional * (exit - entry) / entry - fees`.
///
/// # Errors
/// [`UnitError`] for an entry price or a notional that is not positive, or a result that does not
/// fit.
///
/// # Examples
/// ```
/// use schwabot::event::Side;
/// use schwabot::registries::{ClaimedTrade, reconcile};
/// let claim = ClaimedTrade {
///     side: Side::Buy,
///     entry: "50000".parse()?,
///     exit: "50500".parse()?,
///     notional: "500".parse()?,
///     fees: "0.10".parse()?,
///     profit: "4.9".parse()?,
/// };
/// let found = reconcile(&claim)?;
/// assert!(found.agrees);
/// assert_eq!((found.gross_return.to_string(), found.net_return.to_string()),
///            ("0.01".into(), "0.0098".into()));
/// # Ok::<(), schwabot::units::UnitError>(())
/// ```
pub fn reconcile(claim: &ClaimedTrade) -> Result<Reconciliation, UnitError> {
    let overflow = UnitError::Overflow { operation: "reconciliation" };
    if !claim.entry.is_positive() || !claim.notional.is_positive() {
        return Err(overflow);
    }
    let moved = claim.exit.minus(claim.entry)?.raw();
    let moved = if claim.side == Side::Buy { moved } else { -moved };
    let entry = claim.entry.raw();
    // notional * moved / entry, rounded half-even to 10^-12.
    let product = claim.notional.raw().checked_mul(moved).ok_or(overflow)?;
    let gross = Money::from_raw(rounded(product, entry));
    let computed = gross.minus(claim.fees)?;
    let share = |amount: Money| amount.exact()?.ratio_to(claim.notional.exact()?).ok_or(overflow);
    Ok(Reconciliation {
        gross_return: share(gross)?,
        computed,
        net_return: share(computed)?,
        claimed: claim.profit,
        agrees: computed == claim.profit,
    })
}

/// The quotient rounded half-even; the divisor is positive.
fn rounded(numerator: i128, divisor: i128) -> i128 {
    let (floor, rest) = (numerator.div_euclid(divisor), numerator.rem_euclid(divisor));
    let up = rest > divisor - rest || (rest == divisor - rest && floor % 2 != 0);
    floor + i128::from(up)
}

/// Checks that a trade's profit follows from its own prices and fees, and that it ends no earlier
/// than it begins.
///
/// # Errors
/// [`RegistryFault::Unsound`] with the first thing that does not hold.
pub fn check_trade(trade: &TradeClosed) -> Result<(), RegistryFault> {
    let unsound = |problem| RegistryFault::Unsound { trade: trade.trade, problem };
    let (gross, net) = trade.recomputed().map_err(|_| unsound("its amounts do not fit"))?;
    if gross != trade.gross {
        return Err(unsound("its gross profit does not follow from its prices"));
    }
    if net != trade.net {
        return Err(unsound("its net profit does not follow from its prices and fees"));
    }
    if trade.exit.time < trade.entry.time {
        return Err(unsound("it ends before it begins"));
    }
    Ok(())
}
