//! Risk limits: what an order that opens may not pass.
//!
//! Measured in the account that pays: exposure is what all its positions are worth at the last
//! closes, with pending purchases and the order itself; losses are those of its equity since the
//! day (UTC) began, and below its peak. An order that only reduces is never stopped.

use super::run::RunState;
use crate::event::RefusalReason;
use crate::strategies::RiskLimits;
use crate::units::{MoneyExact, Ratio, UnitError};

/// Refuses an order of this notional when it, or what came before it, passes a limit.
pub(super) fn check(
    run: &RunState,
    quote: &str,
    notional: MoneyExact,
    limits: &RiskLimits,
) -> Result<(), RefusalReason> {
    if *limits == RiskLimits::default() {
        return Ok(());
    }
    let overflow = |_: UnitError| RefusalReason::Overflow;
    let equity = run.equity(quote).ok_or(RefusalReason::Overflow)?;
    if let Some(share) = limits.max_exposure {
        let exposure = exposure(run, quote).and_then(|held| held.plus(notional));
        if exposure.map_err(overflow)? > equity.share(share).map_err(overflow)? {
            return Err(RefusalReason::ExposureLimit);
        }
    }
    let accounts = run.portfolio().accounts().iter().zip(run.equity_tracks());
    let track = accounts.into_iter().find(|(account, _)| account.currency == quote);
    let Some((_, track)) = track else { return Err(RefusalReason::NotTradable) };
    let fell = |from: MoneyExact, share: Ratio| {
        let border = from.share(share).map_err(overflow)?;
        Ok::<_, RefusalReason>(from.minus(equity).map_err(overflow)? >= border)
    };
    if limits.daily_loss.map_or(Ok(false), |share| fell(track.day_open, share))? {
        return Err(RefusalReason::DailyLossLimit);
    }
    if limits.max_drawdown.map_or(Ok(false), |share| fell(track.peak, share))? {
        return Err(RefusalReason::DrawdownLimit);
    }
    Ok(())
}

/// What positions and pending purchases of a currency are worth, long and short alike.
fn exposure(run: &RunState, quote: &str) -> Result<MoneyExact, UnitError> {
    let mut sum = super::orders::promised(run, quote)?;
    let instruments = run.started().config.instruments.iter();
    for (place, (instrument, position)) in instruments.zip(run.portfolio().positions()).enumerate()
    {
        if instrument.quote != quote {
            continue;
        }
        if let Some(mark) = run.mark(place) {
            let value = position.value(mark)?;
            let size =
                if value < MoneyExact::ZERO { MoneyExact::ZERO.minus(value)? } else { value };
            sum = sum.plus(size)?;
        }
    }
    Ok(sum)
}
