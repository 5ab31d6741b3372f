//! The venue: what an order gets. A strategy may bring its own; else this is the simulated one.
//!
//! Orders fill whole or are rejected. The price is the market's (the open of the pair's next bar,
//! or the close of the bar that decided) made worse by `half_spread + Y * sigma * sqrt(Q / V)`,
//! then rounded against the taker to the tick. `sigma` and `V` are trailing means over bars before
//! the fill bar; where they are not known yet (the first bars, or no volume at all) only the half
//! spread counts. Without any slippage the market's price is taken as it is, tick or not.
//!
//! `Q` and `V` are measured in the unit of the pair's volume: an order of a pair whose volume
//! counts quote currency is measured by its notional at the market's price.

use super::portfolio::{Lot, SettleError};
use super::run::lot_of;
use super::view::RunView;
use crate::event::{
    OrderFilled, OrderPlaced, OrderRejected, PairId, RefusalReason, Side, VolumeUnit,
};
use crate::signals::square_root_impact;
use crate::strategies::{Pending, Quote, Venue, View};
use crate::time::Timestamp;
use crate::units::{Money, MoneyExact, Price, Quantity, Ratio, UnitError};

/// Answers a pending order at a market price.
pub(super) fn execute(
    view: &RunView<'_>,
    own: Option<&dyn Venue>,
    pending: &Pending,
    market: Price,
    time: Timestamp,
) -> Result<OrderFilled, OrderRejected> {
    let OrderPlaced { order, pair, .. } = pending.order;
    let reject = |reason| OrderRejected { order, pair, reason };
    let fill = price(view, own, &pending.order, market, time).map_err(reject)?;
    let lot: Lot = lot_of(&fill, pending);
    let settled = view.run.portfolio().settle(pair, &lot);
    settled.map_err(|error: SettleError| reject(error.into()))?;
    Ok(fill)
}

/// Prices an order at a market price, cash and position aside: what a paper trade pays too.
pub(super) fn price(
    view: &RunView<'_>,
    own: Option<&dyn Venue>,
    placed: &OrderPlaced,
    market: Price,
    time: Timestamp,
) -> Result<OrderFilled, RefusalReason> {
    let OrderPlaced { order, pair, side, quantity, .. } = *placed;
    let quote = match own {
        Some(venue) => venue.quote(view, placed, market)?,
        None => simulated(view, placed, market)?,
    };
    let Quote { price, fee, slippage } = quote;
    if !price.is_positive() || fee < Money::ZERO {
        return Err(RefusalReason::Overflow);
    }
    Ok(OrderFilled { order, pair, side, quantity, price, fee, slippage, time })
}

fn simulated(
    view: &RunView<'_>,
    placed: &OrderPlaced,
    market: Price,
) -> Result<Quote, RefusalReason> {
    let OrderPlaced { pair, side, quantity, .. } = *placed;
    let overflow = |_: UnitError| RefusalReason::Overflow;
    let config = view.config();
    let slippage = slippage(view, pair, quantity, market)?;
    let tick = config.instruments.get(usize::from(pair.0)).map(|known| known.tick);
    let tick = tick.ok_or(RefusalReason::NotTradable)?;
    let price = worsen(market, side, slippage, tick).map_err(overflow)?;
    let notional = price.times(quantity).map_err(overflow)?;
    let fee = notional.fee_at(config.venue.fee_rate).map_err(overflow)?;
    Ok(Quote { price, fee, slippage })
}

fn worsen(market: Price, side: Side, by: Ratio, tick: Price) -> Result<Price, UnitError> {
    if by == Ratio::ZERO {
        return Ok(market);
    }
    match side {
        Side::Buy => market.changed_by(by)?.round_up_to(tick),
        Side::Sell => market.changed_by(Ratio::ZERO.minus(by)?)?.round_down_to(tick),
    }
}

/// Returns how much worse than the market's the price is, as a share of it.
fn slippage(
    view: &RunView<'_>,
    pair: PairId,
    quantity: Quantity,
    market: Price,
) -> Result<Ratio, RefusalReason> {
    let config = view.config();
    let venue = &config.venue;
    let (Some(deviation), Some(volume)) = (view.deviation(pair), view.mean_volume(pair)) else {
        return Ok(venue.half_spread);
    };
    if venue.impact == Ratio::ZERO {
        return Ok(venue.half_spread);
    }
    let unit = config.instruments.get(usize::from(pair.0)).map(|known| known.volume_unit);
    let size = match unit.ok_or(RefusalReason::NotTradable)? {
        VolumeUnit::Base => quantity.raw(),
        VolumeUnit::Quote => {
            let notional = market.times(quantity).map(MoneyExact::rounded);
            notional.map_err(|_| RefusalReason::Overflow)?.raw()
        }
    };
    let impact = square_root_impact(venue.impact, deviation, size, volume.raw());
    let impact = impact.map_err(|_| RefusalReason::Overflow)?;
    venue.half_spread.plus(impact).map_err(|_| RefusalReason::Overflow)
}
