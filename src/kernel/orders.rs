//! The risk rules: an intention becomes an order, or is refused with its reason.
//!
//! In this order: the pair must be tradable and have a price; the stance must fit the position;
//! the size is turned into base currency at the last close and rounded down to the lot; an order
//! that opens must reach the smallest notional (one that only closes may always go out); a
//! purchase must be covered by the cash that is not promised to other pending purchases. The
//! venue checks cash again at the price it fills at.

use super::run::RunState;
use crate::event::{Instrument, OrderPlaced, OrderRefused, PairId, RefusalReason, RunConfig, Side};
use crate::strategies::{OrderIntention, RiskLimits, Size, Stance};
use crate::units::{MoneyExact, Price, Quantity, UnitError};

/// Judges one intention.
pub(super) fn review(
    run: &RunState,
    wanted: &OrderIntention,
    limits: &RiskLimits,
) -> Result<OrderPlaced, OrderRefused> {
    let OrderIntention { pair, side, reason, .. } = *wanted;
    // What was wanted, as far as it is known when a rule says no.
    let mut quantity = match wanted.size {
        Size::Quantity(quantity) => quantity,
        Size::Notional(_)
        | Size::NotionalWithinCash(_)
        | Size::ShareOfEquity(_)
        | Size::Position => Quantity::ZERO,
    };
    match judge(run, wanted, limits, &mut quantity) {
        Ok(reference_price) => {
            let order = run.next_order();
            Ok(OrderPlaced { order, pair, side, quantity, reference_price, reason })
        }
        Err(reason) => Err(OrderRefused { pair, side, quantity, reason }),
    }
}

fn judge(
    run: &RunState,
    wanted: &OrderIntention,
    limits: &RiskLimits,
    quantity: &mut Quantity,
) -> Result<Price, RefusalReason> {
    let config = &run.started().config;
    let instrument = config.instruments.get(usize::from(wanted.pair.0));
    let instrument = instrument.filter(|i| i.tradable).ok_or(RefusalReason::NotTradable)?;
    let last = run.pair(wanted.pair).and_then(|pair| pair.last).ok_or(RefusalReason::NoPrice)?;
    let price = last.close;
    check_stance(run, config, wanted)?;
    let overflow = |_: UnitError| RefusalReason::Overflow;
    *quantity = base_quantity(run, wanted, instrument, price)?;
    *quantity = quantity.round_down_to(instrument.lot).map_err(overflow)?;
    if !quantity.is_positive() {
        return Err(RefusalReason::TooSmall);
    }
    if wanted.stance == Stance::Reduce {
        let held = reducible(run, wanted.pair).map_err(overflow)?;
        return if *quantity <= held { Ok(price) } else { Err(RefusalReason::NoPosition) };
    }
    let notional = price.times(*quantity).map_err(overflow)?;
    if notional < instrument.min_notional.exact().map_err(overflow)? {
        return Err(RefusalReason::TooSmall);
    }
    if wanted.side == Side::Buy {
        let cost = with_fee(config, notional).map_err(overflow)?;
        if cost > free_cash(run, &instrument.quote)? {
            return Err(RefusalReason::NoCash);
        }
    }
    super::limits::check(run, &instrument.quote, notional, limits)?;
    Ok(price)
}

/// Returns the cash that no pending purchase is promised.
fn free_cash(run: &RunState, quote: &str) -> Result<MoneyExact, RefusalReason> {
    let account = run.portfolio().account(quote).ok_or(RefusalReason::NotTradable)?;
    let promised = promised(run, quote).map_err(|_| RefusalReason::Overflow)?;
    account.cash.minus(promised).map_err(|_| RefusalReason::Overflow)
}

fn check_stance(
    run: &RunState,
    config: &RunConfig,
    wanted: &OrderIntention,
) -> Result<(), RefusalReason> {
    let held = run.portfolio().position(wanted.pair).and_then(super::portfolio::Position::side);
    let waits = run.pair(wanted.pair).is_some_and(|pair| !pair.pending.is_empty());
    match wanted.stance {
        Stance::Open if held.is_some() || waits => Err(RefusalReason::PositionOpen),
        Stance::Increase if held == Some(wanted.side.opposite()) => {
            Err(RefusalReason::PositionOpen)
        }
        Stance::Open | Stance::Increase
            if wanted.side == Side::Sell && !config.venue.allow_short =>
        {
            Err(RefusalReason::NoPosition)
        }
        Stance::Reduce if held != Some(wanted.side.opposite()) => Err(RefusalReason::NoPosition),
        Stance::Open | Stance::Increase | Stance::Reduce => Ok(()),
    }
}

fn base_quantity(
    run: &RunState,
    wanted: &OrderIntention,
    instrument: &Instrument,
    price: Price,
) -> Result<Quantity, RefusalReason> {
    let overflow = |_: UnitError| RefusalReason::Overflow;
    match wanted.size {
        Size::Quantity(quantity) => Ok(quantity),
        Size::Notional(notional) => notional.quantity_at(price).map_err(overflow),
        Size::NotionalWithinCash(notional) => {
            // Cost is (1 + fee) of the notional; rounding down to the lot pays for the rest.
            let cash = free_cash(run, &instrument.quote)?;
            let most = cash.before_fee(run.started().config.venue.fee_rate).map_err(overflow)?;
            let notional = notional.min(most);
            if !notional.is_positive() {
                return Err(RefusalReason::NoCash);
            }
            notional.quantity_at(price).map_err(overflow)
        }
        Size::ShareOfEquity(share) => {
            let equity = run.equity(&instrument.quote).ok_or(RefusalReason::Overflow)?;
            let notional = equity.share(share).map_err(overflow)?;
            notional.quantity_at(price).map_err(overflow)
        }
        Size::Position => reducible(run, wanted.pair).map_err(overflow),
    }
}

/// Returns how much of a position is not on its way out already.
fn reducible(run: &RunState, pair: PairId) -> Result<Quantity, UnitError> {
    let Some(position) = run.portfolio().position(pair) else { return Ok(Quantity::ZERO) };
    let Some(side) = position.side() else { return Ok(Quantity::ZERO) };
    let mut left = match side {
        Side::Buy => position.quantity,
        Side::Sell => Quantity::ZERO.minus(position.quantity)?,
    };
    for pending in run.pair(pair).into_iter().flat_map(|state| state.pending.values()) {
        if pending.order.side != side {
            left = left.minus(pending.order.quantity)?;
        }
    }
    Ok(left)
}

/// Returns the cash that pending purchases of a currency will cost at their reference prices.
pub(super) fn promised(run: &RunState, quote: &str) -> Result<MoneyExact, UnitError> {
    let config = &run.started().config;
    let mut sum = MoneyExact::ZERO;
    for (instrument, pair) in config.instruments.iter().zip(run.pairs()) {
        if instrument.quote != quote {
            continue;
        }
        for pending in pair.pending.values() {
            if pending.order.side == Side::Buy {
                let notional = pending.order.reference_price.times(pending.order.quantity)?;
                sum = sum.plus(with_fee(config, notional)?)?;
            }
        }
    }
    Ok(sum)
}

fn with_fee(config: &RunConfig, notional: MoneyExact) -> Result<MoneyExact, UnitError> {
    notional.plus(notional.fee_at(config.venue.fee_rate)?.exact()?)
}
