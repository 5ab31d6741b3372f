//! Is a claimed profit what its own figures give? The arithmetic, exactly.

use super::rows::TripRow;
use crate::event::{Exactness, Side};
use crate::import::Number;
use crate::registries::{ClaimedTrade, reconcile};
use crate::units::{Money, MoneyExact, Ratio, UnitError, parse_decimal};

/// What a claim may differ by where floats were printed with eight decimals: 10^-8.
const PRINTED: i128 = 10_000;
/// And the share of the notional that sums of floats lose: 10^-9 of it.
const FLOAT_SHARE: i128 = 1_000_000_000;

/// Works out fees and profit of a round trip whose fees are rates on what was paid and received:
/// the profit is the move of the price times the quantity, less both fees.
pub(super) fn by_rates(
    trip: &TripRow,
    entry_rate: Number,
    exit_rate: Number,
) -> Result<Option<(Money, MoneyExact)>, UnitError> {
    let (Some(quantity), Some(exit)) = (trip.quantity, trip.exit_price) else {
        return Ok(None);
    };
    let (entry, exit) = (trip.entry_price.times(quantity)?, exit.times(quantity)?);
    let fees = entry.share(rate(entry_rate)?)?.plus(exit.share(rate(exit_rate)?)?)?;
    let moved = match trip.side {
        Side::Buy => exit.minus(entry)?,
        Side::Sell => entry.minus(exit)?,
    };
    Ok(Some((fees.rounded(), moved.minus(fees)?)))
}

/// Works out the profit of a round trip that states its notional and all its fees.
pub(super) fn by_notional(trip: &TripRow) -> Result<Option<MoneyExact>, UnitError> {
    let (Some(exit), Some(notional)) = (trip.exit_price, trip.notional) else {
        return Ok(None);
    };
    let money = |number: Option<Number>| number.map_or(Money::ZERO, Number::money);
    let found = reconcile(&ClaimedTrade {
        side: trip.side,
        entry: trip.entry_price.price(),
        exit: exit.price(),
        notional: notional.money(),
        fees: money(trip.fees),
        profit: money(trip.claimed),
    })?;
    found.computed.exact().map(Some)
}

/// Whether a claim is what was computed; none where one of them is missing.
pub(super) fn agrees(trip: &TripRow) -> Option<bool> {
    let (claimed, computed) = (trip.claimed?.raw(), trip.computed?.rounded().raw());
    let slack = match trip.exactness {
        Exactness::Decimal => 0,
        Exactness::BinaryFloat | Exactness::Truncated => {
            let notional = trip.notional.map_or(0, |notional| notional.raw().abs());
            PRINTED.saturating_add(notional / FLOAT_SHARE)
        }
    };
    Some(claimed.checked_sub(computed).is_some_and(|apart| apart.abs() <= slack))
}

/// A rate has nine decimals here; what a float adds behind them is rounded half-even.
fn rate(number: Number) -> Result<Ratio, UnitError> {
    const STEP: i128 = 1_000;
    let (floor, rest) = (number.raw().div_euclid(STEP), number.raw().rem_euclid(STEP));
    let up = rest * 2 > STEP || (rest * 2 == STEP && floor % 2 != 0);
    i64::try_from(floor + i128::from(up)).map(Ratio::from_raw).map_err(|_| UnitError::TooLarge)
}

/// Adds numbers up with all their digits, up to 24; none where the sum does not fit.
pub(super) fn add(sum: Option<MoneyExact>, number: Number) -> Option<MoneyExact> {
    let whole = if number.is_finer() {
        stated(&number.to_string())?
    } else {
        number.money().exact().ok()?
    };
    sum?.plus(whole).ok()
}

/// Whether a claim is the profit before fees: what many programs print.
pub(super) fn leaves_fees_out(trip: &TripRow) -> bool {
    let (Some(fees), Some(computed)) = (trip.fees, trip.computed) else { return false };
    let before = fees.money().exact().and_then(|fees| computed.plus(fees));
    let gross = TripRow { computed: before.ok(), ..trip.clone() };
    agrees(&gross) == Some(true)
}

/// Reads a sum that a report states.
pub(super) fn stated(text: &str) -> Option<MoneyExact> {
    parse_decimal(text.as_bytes(), crate::units::EXACT_SCALE_DIGITS).ok().map(MoneyExact::from_raw)
}
