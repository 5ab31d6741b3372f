//! Returns of equal periods, and the figures that follow from them alone.
//!
//! A period is a day or an hour of UTC. Its return is its last value over the last value before it,
//! less one; the first is measured from the opening value. A period in which nothing was seen has
//! the value of the one before, hence the return zero: markets here never close, so a year has 365
//! days.
//!
//! All functions take returns in their order and answer none where they are undefined. Risk-free
//! rate and required return are zero.

use serde::Serialize;

use super::drawdown::Drawdowns;
use super::statistics::{deviation, finite, mean, quantile, quotient, sum};
use crate::signals::{normal_density, normal_upper_point, power};
use crate::time::{DAY_NS, MINUTE_NS, Timestamp};

/// The confidence of value at risk and expected shortfall.
pub const RISK_CONFIDENCE: f64 = 0.95;

/// How long one return lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// An hour of UTC.
    Hour,
    /// A day of UTC.
    Day,
}

impl Period {
    /// Returns how many of them a year has.
    #[must_use]
    pub const fn a_year(self) -> f64 {
        match self {
            Self::Hour => 8_760.0,
            Self::Day => 365.0,
        }
    }

    /// Returns the length in nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        match self {
            Self::Hour => 60 * MINUTE_NS,
            Self::Day => DAY_NS,
        }
    }

    /// Returns the name of one.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// Returns "a day" or "an hour".
    #[must_use]
    pub const fn one(self) -> &'static str {
        match self {
            Self::Hour => "an hour",
            Self::Day => "a day",
        }
    }

    /// Returns the number of the period that holds this instant, since 1970. A value that is known
    /// at the very end of a period belongs to it.
    #[must_use]
    pub const fn of(self, time: Timestamp) -> i64 {
        time.nanos().saturating_sub(1).div_euclid(self.nanos())
    }
}

/// Values at the ends of periods that follow each other without a gap.
///
/// # Examples
/// ```
/// use schwabot::report::{Period, Closes};
/// let noon = |day: u64| schwabot::time::Timestamp::from_seconds(day * 86_400 + 43_200);
/// let mut closes = Closes::new(Period::Day, 100.0);
/// closes.push(noon(0), 110.0);
/// closes.push(noon(2), 99.0);
/// let returns: Vec<f64> = closes.returns().unwrap();
/// assert_eq!(returns.len(), 3);
/// assert!((returns[0] - 0.1).abs() < 1e-12 && returns[1] == 0.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Closes {
    period: Period,
    opening: f64,
    /// Number of the first period.
    first: i64,
    values: Vec<f64>,
}

/// A row that would be longer than this (a log may state any time) grows no further.
const PERIODS_MAX: usize = 1_000_000;

impl Closes {
    /// Begins with the value before the first period.
    #[must_use]
    pub const fn new(period: Period, opening: f64) -> Self {
        Self { period, opening, first: 0, values: Vec::new() }
    }

    /// Takes a value; the last of a period counts. A time before the newest period counts for that.
    pub fn push(&mut self, time: Timestamp, value: f64) {
        let number = self.period.of(time);
        let Some(last) = self.values.last().copied() else {
            self.first = number;
            return self.values.push(value);
        };
        let ahead = number.saturating_sub(self.first).saturating_add(1);
        let wanted = usize::try_from(ahead).unwrap_or(0).min(PERIODS_MAX);
        if wanted > self.values.len() {
            self.values.resize(wanted, last);
        }
        if let Some(newest) = self.values.last_mut() {
            *newest = value;
        }
    }

    /// Returns the length of a period.
    #[must_use]
    pub const fn period(&self) -> Period {
        self.period
    }

    /// Returns the value before the first period.
    #[must_use]
    pub const fn opening(&self) -> f64 {
        self.opening
    }

    /// Returns the values at the ends of the periods.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Returns when each period ends, in their order.
    pub fn ends(&self) -> impl Iterator<Item = Timestamp> + '_ {
        (self.first..).zip(&self.values).map(|(number, _)| {
            Timestamp::from_nanos(number.saturating_add(1).saturating_mul(self.period.nanos()))
        })
    }

    /// Returns the returns; none where a value before a period is not positive, because nothing can
    /// be a share of that.
    #[must_use]
    pub fn returns(&self) -> Option<Vec<f64>> {
        let before = std::iter::once(&self.opening).chain(&self.values);
        let pairs = before.zip(&self.values);
        pairs.map(|(old, new)| quotient(new - old, *old).filter(|_| *old > 0.0)).collect()
    }
}

/// Returns what one unit gains over all returns: the product of (1 + r), less one.
///
/// # Examples
/// ```
/// use schwabot::report::returns::total_return;
/// assert_eq!(total_return(&[0.5, -0.5]), Some(-0.25));
/// ```
#[must_use]
pub fn total_return(returns: &[f64]) -> Option<f64> {
    let product = returns.iter().fold(1.0, |product, one| product * (1.0 + one));
    finite(product - 1.0).filter(|_| !returns.is_empty())
}

/// Returns the compound return of a year: (1 + total) to the power of periods a year over periods,
/// less one; none when all is lost.
#[must_use]
pub fn annual_return(returns: &[f64], a_year: f64) -> Option<f64> {
    let years = quotient(returns.len() as f64, a_year)?;
    Some(power(1.0 + total_return(returns)?, quotient(1.0, years)?)? - 1.0)
}

/// Returns the sample deviation of a year: that of a period times the root of periods a year.
#[must_use]
pub fn volatility(returns: &[f64], a_year: f64) -> Option<f64> {
    finite(deviation(returns)? * a_year.sqrt())
}

/// Returns mean over sample deviation, times the root of periods a year; none when returns do not
/// vary.
#[must_use]
pub fn sharpe(returns: &[f64], a_year: f64) -> Option<f64> {
    finite(quotient(mean(returns)?, deviation(returns)?)? * a_year.sqrt())
}

/// Returns mean over the root of the mean square of the losses, gains counting as zero, times the
/// root of periods a year; none without a loss.
#[must_use]
pub fn sortino(returns: &[f64], a_year: f64) -> Option<f64> {
    let squares: Vec<f64> = returns.iter().map(|one| one.min(0.0) * one.min(0.0)).collect();
    finite(quotient(mean(returns)?, mean(&squares)?.sqrt())? * a_year.sqrt())
}

/// The falls of the curve that the returns compound to, one unit before the first.
#[must_use]
pub fn falls(returns: &[f64]) -> Drawdowns {
    let mut found = Drawdowns::default();
    found.push(Timestamp::from_nanos(0), 1.0);
    let mut value = 1.0;
    for (place, one) in (1..).zip(returns) {
        value *= 1.0 + one;
        found.push(Timestamp::from_seconds(place), value);
    }
    found
}

/// How deep the compounded curve lies below its peak after each return, as shares from 0 to 1.
#[must_use]
pub fn depths(returns: &[f64]) -> Vec<f64> {
    let (mut value, mut peak) = (1.0_f64, 1.0_f64);
    let depth = returns.iter().map(|one| {
        value *= 1.0 + one;
        peak = peak.max(value);
        quotient(peak - value, peak).unwrap_or(0.0)
    });
    depth.collect()
}

/// Returns the deepest fall of the compounded curve below an earlier peak, as a share; none without
/// a return.
#[must_use]
pub fn max_drawdown(returns: &[f64]) -> Option<f64> {
    depths(returns).into_iter().reduce(f64::max)
}

/// Returns the root of the mean square of the depths: P. Martin's ulcer index, as a share.
#[must_use]
pub fn ulcer_index(returns: &[f64]) -> Option<f64> {
    let squares: Vec<f64> = depths(returns).iter().map(|depth| depth * depth).collect();
    mean(&squares).map(f64::sqrt)
}

fn gains(returns: &[f64]) -> Vec<f64> {
    returns.iter().copied().filter(|one| *one > 0.0).collect()
}

/// Losses as amounts above zero.
fn losses(returns: &[f64]) -> Vec<f64> {
    returns.iter().filter(|one| **one < 0.0).map(|one| -one).collect()
}

/// Returns the sum of the gains over that of the losses; none without a loss. Omega at a required
/// return of zero, and the profit factor of a row.
#[must_use]
pub fn profit_factor(values: &[f64]) -> Option<f64> {
    quotient(sum(&gains(values)), sum(&losses(values)))
}

/// Returns the mean gain over the mean loss; none without both.
#[must_use]
pub fn payoff(values: &[f64]) -> Option<f64> {
    quotient(mean(&gains(values))?, mean(&losses(values))?)
}

/// Returns the sum over the sum of the losses; none without a loss (J. D. Schwager's gain to pain).
#[must_use]
pub fn gain_to_pain(values: &[f64]) -> Option<f64> {
    quotient(sum(values), sum(&losses(values)))
}

/// Returns the size of the 95 % quantile over that of the 5 % quantile.
#[must_use]
pub fn tail_ratio(returns: &[f64]) -> Option<f64> {
    quotient(quantile(returns, 0.95)?.abs(), quantile(returns, 0.05)?.abs())
}

/// Returns the share of those above zero among those that are not zero; none without any.
#[must_use]
pub fn win_rate(values: &[f64]) -> Option<f64> {
    let won = gains(values).len();
    quotient(won as f64, (won + losses(values).len()) as f64)
}

/// Returns the return below which a normal distribution with this mean and deviation falls with
/// 1 - [`RISK_CONFIDENCE`].
#[must_use]
pub fn value_at_risk(returns: &[f64]) -> Option<f64> {
    let point = normal_upper_point(1.0 - RISK_CONFIDENCE)?;
    finite(mean(returns)? - point * deviation(returns)?)
}

/// Returns the quantile of the returns themselves at 1 - [`RISK_CONFIDENCE`].
#[must_use]
pub fn historical_value_at_risk(returns: &[f64]) -> Option<f64> {
    quantile(returns, 1.0 - RISK_CONFIDENCE)
}

/// Returns the mean of what a normal distribution with this mean and deviation has below
/// [`value_at_risk`].
#[must_use]
pub fn expected_shortfall(returns: &[f64]) -> Option<f64> {
    let tail = 1.0 - RISK_CONFIDENCE;
    let density = normal_density(normal_upper_point(tail)?);
    finite(mean(returns)? - deviation(returns)? * density / tail)
}

/// Returns the mean of the returns at or below [`historical_value_at_risk`].
#[must_use]
pub fn historical_expected_shortfall(returns: &[f64]) -> Option<f64> {
    let border = historical_value_at_risk(returns)?;
    let below: Vec<f64> = returns.iter().copied().filter(|one| *one <= border).collect();
    mean(&below)
}

/// Returns Kelly's share, win rate - (1 - win rate) / payoff; none without gains and losses.
#[must_use]
pub fn kelly(values: &[f64]) -> Option<f64> {
    let won = win_rate(values)?;
    finite(won - quotient(1.0 - won, payoff(values)?)?)
}

/// Returns the longest row of gains and the longest row of losses; a zero ends both.
///
/// # Examples
/// ```
/// use schwabot::report::returns::longest_rows;
/// assert_eq!(longest_rows(&[1.0, 2.0, -1.0, 0.0, -1.0, -1.0]), (2, 2));
/// ```
#[must_use]
pub fn longest_rows(values: &[f64]) -> (u64, u64) {
    let longest = |counts: fn(f64) -> bool| {
        let rows = values.iter().scan(0_u64, move |row, value| {
            *row = if counts(*value) { *row + 1 } else { 0 };
            Some(*row)
        });
        rows.max().unwrap_or(0)
    };
    (longest(|value| value > 0.0), longest(|value| value < 0.0))
}
