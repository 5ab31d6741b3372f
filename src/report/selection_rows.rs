//! Curves as rows of returns, one for each period that any of them has.

use super::statistics::quotient;
use crate::projections::EquityCurve;
use crate::units::MoneyExact;

/// One trial over all periods.
pub(super) struct Row {
    pub(super) returns: Vec<f64>,
    /// What is invested after each period, as a share of equity; negative when sold short.
    pub(super) invested: Vec<f64>,
}

/// Exact money as a float, for figures only.
fn float(exact: MoneyExact) -> f64 {
    exact.raw() as f64 / 1e24
}

/// A trial on the common row of periods; one without a bar has the value of the one before.
pub(super) fn row(curve: &EquityCurve, first: i64, periods: usize) -> Row {
    let (mut returns, mut invested) = (vec![0.0; periods], vec![0.0; periods]);
    let (mut before, mut share, mut next) = (float(curve.opening), 0.0, 0);
    for (place, (one, held)) in (first..).zip(returns.iter_mut().zip(&mut invested)) {
        if let Some(point) = curve.points.get(next).filter(|point| point.period == place) {
            next += 1;
            if let Some(equity) = point.equity {
                let now = float(equity);
                // Nothing can be a share of what is lost already.
                *one = quotient(now - before, before).filter(|_| before > 0.0).unwrap_or(0.0);
                share = quotient(now - float(point.cash), now).filter(|_| now > 0.0).unwrap_or(0.0);
                before = now;
            }
        }
        *held = share;
    }
    Row { returns, invested }
}

/// The returns of cash spread evenly over the pairs at their first opens, without any cost.
pub(super) fn held(curve: &EquityCurve, first: i64, periods: usize) -> Vec<f64> {
    let opens = &curve.opens;
    let known = opens.iter().flatten().count();
    let mut returns = vec![0.0; periods];
    let (mut before, mut next) = (1.0, 0);
    for (place, one) in (first..).zip(&mut returns) {
        let Some(point) = curve.points.get(next).filter(|point| point.period == place) else {
            continue;
        };
        next += 1;
        let grown = opens.iter().zip(&point.closes).filter_map(|(open, close)| {
            let open = (*open)?.raw() as f64;
            // A pair that has not begun yet is still cash.
            Some(close.map_or(1.0, |close| close.raw() as f64 / open))
        });
        let Some(now) = quotient(grown.fold(0.0, |sum, one| sum + one), known as f64) else {
            continue;
        };
        *one = quotient(now - before, before).unwrap_or(0.0);
        before = now;
    }
    returns
}
