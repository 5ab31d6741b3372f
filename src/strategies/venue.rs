//! Who fills: the seam for a venue of one's own.
//!
//! The kernel decides when an order is answered (the run's
//! [`FillModel`](crate::event::FillModel)), hands the venue the market's price at that moment, and
//! settles what it says against cash and position; so no venue can spend what is not there. What a
//! venue decides is price and fee, or that the order is rejected.

use super::View;
use crate::event::{OrderPlaced, RefusalReason};
use crate::units::{Money, Price, Ratio};

/// Answers the orders of a simulated run, in place of the kernel's simulated venue.
///
/// The same view and order must give the same answer: no clock, no chance, nothing from outside.
/// An audit asks it again for every order of the log.
///
/// Paper trades of the engines are priced by it too; their net return counts the run's `fee_rate`,
/// and so does the cash that an order must find free when it is placed. A fee beyond that rate may
/// leave an order that was placed without the cash to settle: it is rejected then.
///
/// # Examples
/// A venue whose fee falls with the size of the order:
/// ```
/// use schwabot::event::{OrderPlaced, RefusalReason};
/// use schwabot::strategies::{Quote, Venue, View};
/// use schwabot::units::{Price, Ratio, UnitError};
///
/// struct Tiered;
///
/// impl Venue for Tiered {
///     fn quote(
///         &self,
///         _view: &dyn View,
///         order: &OrderPlaced,
///         market: Price,
///     ) -> Result<Quote, RefusalReason> {
///         let overflow = |_: UnitError| RefusalReason::Overflow;
///         let notional = market.times(order.quantity).map_err(overflow)?;
///         let large = notional >= "1000".parse().map_err(|_| RefusalReason::Overflow)?;
///         let rate = Ratio::from_raw(if large { 500_000 } else { 1_000_000 });
///         let fee = notional.fee_at(rate).map_err(overflow)?;
///         Ok(Quote { price: market, fee, slippage: Ratio::ZERO })
///     }
/// }
/// ```
pub trait Venue: Send {
    /// Prices an order, given the market's price at the moment of its fill.
    ///
    /// The view is that of the moment before: trailing figures do not hold the bar that fills.
    ///
    /// # Errors
    /// The reason for which the venue rejects the order.
    fn quote(
        &self,
        view: &dyn View,
        order: &OrderPlaced,
        market: Price,
    ) -> Result<Quote, RefusalReason>;
}

/// What an order gets. It fills whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The price; one that is not above zero rejects the order.
    pub price: Price,
    /// The fee, in quote currency; one below zero rejects the order: a venue that pays for an
    /// order says so by a better price.
    pub fee: Money,
    /// How much worse than the market's the price is, as a share of it; for the record only.
    pub slippage: Ratio,
}
