//! The figures of a tear sheet that follow from the returns alone.
//!
//! Whose definition each one is, and where other programs differ, is in
//! [`docs::metrics`](crate::docs::metrics).

use super::metric::{Group, Metric, Range, Unit};
use super::returns::{self, Closes};
use super::sharpe::{
    SharpeEstimate, Trials, deflated_sharpe, expected_best_sharpe, minimum_track_record,
    probabilistic_sharpe,
};
use super::statistics::{
    correlation_and_slope, deviation, mean, quantile, quotient, sample_excess_kurtosis,
    sample_skewness,
};

/// Works out every figure that follows from the returns.
///
/// `benchmark` must be of the same periods as `closes`, else nothing is compared with it; `trials`
/// says among how many results this one was picked.
///
/// # Examples
/// ```
/// use schwabot::report::{Closes, Period, Range, return_metrics, value_of};
/// use schwabot::time::Timestamp;
/// let day = |number: u64| Timestamp::from_seconds(number * 86_400);
/// let mut closes = Closes::new(Period::Day, 100.0);
/// for (number, value) in (1..).zip([101.0, 99.0, 103.0]) {
///     closes.push(day(number), value);
/// }
/// let found = return_metrics(&closes, None, None, Range { from: day(0), to: day(3) });
/// assert!((value_of(&found, "total_return").unwrap() - 0.03).abs() < 1e-12);
/// assert_eq!(value_of(&found, "deflated_sharpe"), None);
/// ```
#[must_use]
pub fn return_metrics(
    closes: &Closes,
    benchmark: Option<&Closes>,
    trials: Option<&Trials>,
    range: Range,
) -> Vec<Metric> {
    let mut measured = Measured {
        returns: closes.returns().unwrap_or_default(),
        a_year: closes.period().a_year(),
        group: Group {
            group: "Performance",
            periods: closes.values().len() as u64,
            of: match closes.period() {
                returns::Period::Day => "returns of a day",
                returns::Period::Hour => "returns of an hour",
            },
            range,
        },
    };
    let mut found = measured.performance();
    measured.group.group = "Risk";
    found.extend(measured.risk());
    measured.group.group = "Returns";
    found.extend(measured.shape());
    found.extend(measured.calendar(closes));
    measured.group.group = "Skill or luck";
    found.extend(measured.luck(trials));
    measured.group.group = "Against buy and hold";
    found.extend(measured.against(benchmark.filter(|other| {
        other.period() == closes.period() && other.values().len() == closes.values().len()
    })));
    found
}

/// Returns the value of the figure of this name; none where it is undefined or there is none.
#[must_use]
pub fn value_of(metrics: &[Metric], name: &str) -> Option<f64> {
    metrics.iter().find(|metric| metric.name == name)?.value
}

struct Measured {
    /// Empty where a value was not positive.
    returns: Vec<f64>,
    a_year: f64,
    group: Group,
}

impl Measured {
    fn metric(
        &self,
        named: (&'static str, &'static str, Unit),
        value: Option<f64>,
        formula: &'static str,
    ) -> Metric {
        self.group.metric(named, value, formula)
    }

    fn performance(&self) -> Vec<Metric> {
        let (all, a_year) = (self.returns.as_slice(), self.a_year);
        let (total, annual) = (returns::total_return(all), returns::annual_return(all, a_year));
        let (fall, ulcer) = (returns::max_drawdown(all), returns::ulcer_index(all));
        let over = |part: Option<f64>, whole: Option<f64>| quotient(part?, whole?);
        let figures = [
            (("total_return", "Total return", Unit::Share), total, "product of (1 + r), less 1"),
            (
                ("annual_return", "Annual return (CAGR)", Unit::Share),
                annual,
                "(1 + total return) ^ (P / n) - 1, P periods a year, n returns",
            ),
            (
                ("volatility", "Volatility, annual", Unit::Share),
                returns::volatility(all, a_year),
                "sample deviation of r * sqrt(P)",
            ),
            (
                ("sharpe", "Sharpe ratio", Unit::Number),
                returns::sharpe(all, a_year),
                "mean of r / sample deviation of r * sqrt(P); risk-free rate 0; \
                 undefined when r does not vary",
            ),
            (
                ("sortino", "Sortino ratio", Unit::Number),
                returns::sortino(all, a_year),
                "mean of r / sqrt(mean of min(r, 0)^2) * sqrt(P); undefined without a loss",
            ),
            (
                ("calmar", "Calmar ratio", Unit::Number),
                over(annual, fall),
                "annual return / maximum drawdown of the same returns",
            ),
            (
                ("omega", "Omega ratio", Unit::Number),
                returns::profit_factor(all),
                "sum of gains / sum of losses, required return 0; undefined without a loss",
            ),
            (
                ("gain_to_pain", "Gain to pain", Unit::Number),
                returns::gain_to_pain(all),
                "sum of r / sum of losses",
            ),
            (
                ("recovery_factor", "Recovery factor", Unit::Number),
                over(total, fall),
                "total return / maximum drawdown of the same returns",
            ),
            (
                ("ulcer_index", "Ulcer index", Unit::Share),
                ulcer,
                "sqrt(mean of the squared depths below the peak so far)",
            ),
            (
                ("ulcer_performance_index", "Ulcer performance index", Unit::Number),
                over(total, ulcer),
                "total return / ulcer index",
            ),
        ];
        figures.map(|(named, value, formula)| self.metric(named, value, formula)).into()
    }

    fn risk(&self) -> Vec<Metric> {
        let all = self.returns.as_slice();
        let falls = returns::falls(all);
        let figures = [
            (
                ("max_drawdown", "Maximum drawdown, at the ends of periods", Unit::Share),
                returns::max_drawdown(all),
                "largest (peak so far - value) / peak so far of the compounded returns",
            ),
            (
                ("average_drawdown", "Average drawdown, at the ends of periods", Unit::Share),
                falls.mean_depth(),
                "mean depth of all falls below an earlier peak; undefined without a fall",
            ),
            (
                ("value_at_risk", "Value at risk 95 %, normal", Unit::Share),
                returns::value_at_risk(all),
                "mean of r - 1.6449 * sample deviation of r",
            ),
            (
                ("expected_shortfall", "Expected shortfall 95 % (CVaR), normal", Unit::Share),
                returns::expected_shortfall(all),
                "mean of r - 2.0627 * sample deviation of r: the mean of a normal distribution \
                 below its value at risk",
            ),
            (
                ("historical_value_at_risk", "Value at risk 95 %, historical", Unit::Share),
                returns::historical_value_at_risk(all),
                "5 % quantile of r, by the line between the two nearest",
            ),
            (
                (
                    "historical_expected_shortfall",
                    "Expected shortfall 95 %, historical",
                    Unit::Share,
                ),
                returns::historical_expected_shortfall(all),
                "mean of the returns at or below the historical value at risk",
            ),
            (
                ("tail_ratio", "Tail ratio", Unit::Number),
                returns::tail_ratio(all),
                "|95 % quantile of r| / |5 % quantile of r|",
            ),
            (
                ("common_sense", "Common sense ratio", Unit::Number),
                returns::profit_factor(all)
                    .zip(returns::tail_ratio(all))
                    .map(|(factor, tail)| factor * tail),
                "omega ratio * tail ratio",
            ),
            (
                ("period_kelly", "Kelly share of a period", Unit::Share),
                returns::kelly(all),
                "w - (1 - w) / payoff, w the win rate of the periods",
            ),
        ];
        figures.map(|(named, value, formula)| self.metric(named, value, formula)).into()
    }

    fn shape(&self) -> Vec<Metric> {
        let all = self.returns.as_slice();
        let (won, lost) = returns::longest_rows(all);
        let some = |count: u64| Some(count as f64).filter(|_| !all.is_empty());
        let figures = [
            (("period_mean", "Mean return", Unit::Share), mean(all), "mean of r"),
            (
                ("period_deviation", "Deviation", Unit::Share),
                deviation(all),
                "sample deviation of r, divisor n - 1",
            ),
            (("period_median", "Median return", Unit::Share), quantile(all, 0.5), "median of r"),
            (
                ("skew", "Skewness", Unit::Number),
                sample_skewness(all),
                "G1: corrected for the size of the sample; undefined below 3",
            ),
            (
                ("kurtosis", "Excess kurtosis", Unit::Number),
                sample_excess_kurtosis(all),
                "G2: corrected for the size of the sample, 0 for a normal one; undefined below 4",
            ),
            (
                ("period_win_rate", "Periods won", Unit::Share),
                returns::win_rate(all),
                "r above 0, among those that are not 0",
            ),
            (
                ("period_payoff", "Payoff of periods", Unit::Number),
                returns::payoff(all),
                "mean gain / mean loss of the periods",
            ),
            (
                ("period_wins_in_a_row", "Most periods won in a row", Unit::Count),
                some(won),
                "longest row of r above 0",
            ),
            (
                ("period_losses_in_a_row", "Most periods lost in a row", Unit::Count),
                some(lost),
                "longest row of r below 0",
            ),
            (
                ("best_period", "Best period", Unit::Share),
                all.iter().copied().reduce(f64::max),
                "largest r",
            ),
            (
                ("worst_period", "Worst period", Unit::Share),
                all.iter().copied().reduce(f64::min),
                "smallest r",
            ),
        ];
        figures.map(|(named, value, formula)| self.metric(named, value, formula)).into()
    }

    fn luck(&self, trials: Option<&Trials>) -> Vec<Metric> {
        let estimate = SharpeEstimate::of(&self.returns);
        let figures = [
            (
                ("sharpe_error", "Standard error of the Sharpe ratio", Unit::Number),
                estimate.and_then(|known| known.standard_error()).map(|e| e * self.a_year.sqrt()),
                "sqrt((1 - skew * s + (kurtosis - 1) / 4 * s^2) / (n - 1)) * sqrt(P), \
                 s the ratio of a period, both moments of the population",
            ),
            (
                ("probabilistic_sharpe", "Probabilistic Sharpe ratio", Unit::Share),
                estimate.and_then(|known| probabilistic_sharpe(&known, 0.0)),
                "probability that the true ratio is above 0: normal distribution at s / its error",
            ),
            (
                ("minimum_track_record", "Minimum track record 95 %", Unit::Count),
                estimate.and_then(|known| minimum_track_record(&known, 0.0, 0.95)),
                "returns until a true ratio above 0 is believed with 95 %; undefined for s <= 0",
            ),
            (
                ("expected_best_sharpe", "Best Sharpe ratio of luck", Unit::Number),
                trials.and_then(expected_best_sharpe).map(|best| best * self.a_year.sqrt()),
                "what the best of the trials would show without skill, annual; \
                 undefined where nobody said how many trials there were",
            ),
            (
                ("deflated_sharpe", "Deflated Sharpe ratio", Unit::Share),
                estimate.zip(trials).and_then(|(known, tried)| deflated_sharpe(&known, tried)),
                "probability that the true ratio is above the best of luck; \
                 undefined where nobody said how many trials there were",
            ),
        ];
        figures.map(|(named, value, formula)| self.metric(named, value, formula)).into()
    }

    fn calendar(&self, closes: &Closes) -> Vec<Metric> {
        let (days, months, years) = (
            compounded(closes, &self.returns, 10),
            compounded(closes, &self.returns, 7),
            compounded(closes, &self.returns, 4),
        );
        let best = |rows: &[(String, f64)]| rows.iter().map(|row| row.1).reduce(f64::max);
        let worst = |rows: &[(String, f64)]| rows.iter().map(|row| row.1).reduce(f64::min);
        let figures = [
            (("best_day", "Best day", Unit::Share), best(&days)),
            (("worst_day", "Worst day", Unit::Share), worst(&days)),
            (("best_month", "Best month", Unit::Share), best(&months)),
            (("worst_month", "Worst month", Unit::Share), worst(&months)),
            (("best_year", "Best year", Unit::Share), best(&years)),
            (("worst_year", "Worst year", Unit::Share), worst(&years)),
        ];
        let formula = "product of (1 + r) within a calendar day, month or year of UTC, less 1; \
                       begun ones count";
        figures.map(|(named, value)| self.metric(named, value, formula)).into()
    }

    fn against(&self, benchmark: Option<&Closes>) -> Vec<Metric> {
        let other = benchmark.and_then(Closes::returns).unwrap_or_default();
        let found = correlation_and_slope(&self.returns, &other);
        let alpha = found.and_then(|(_, slope)| {
            Some((mean(&self.returns)? - slope * mean(&other)?) * self.a_year)
        });
        let figures = [
            (
                ("benchmark_return", "Buy and hold", Unit::Share),
                returns::total_return(&other),
                "total return of the same opening cash, split evenly over the tradable pairs of \
                 the account's currency at their first closes, without costs",
            ),
            (
                ("benchmark_sharpe", "Sharpe ratio of buy and hold", Unit::Number),
                returns::sharpe(&other, self.a_year),
                "as the Sharpe ratio, of buy and hold",
            ),
            (
                ("benchmark_max_drawdown", "Maximum drawdown of buy and hold", Unit::Share),
                returns::max_drawdown(&other),
                "as the maximum drawdown at the ends of periods, of buy and hold",
            ),
            (
                ("correlation", "Correlation with buy and hold", Unit::Number),
                found.map(|(correlation, _)| correlation),
                "Pearson's, of the returns",
            ),
            (
                ("beta", "Beta", Unit::Number),
                found.map(|(_, slope)| slope),
                "covariance of the returns with those of buy and hold / variance of the latter",
            ),
            (
                ("alpha", "Alpha, annual", Unit::Share),
                alpha,
                "(mean of r - beta * mean of buy and hold's r) * P",
            ),
        ];
        figures.map(|(named, value, formula)| self.metric(named, value, formula)).into()
    }
}

/// Returns compounded within whatever the first `digits` characters of a date name: 10 for days, 7
/// for months, 4 for years.
pub(super) fn compounded(closes: &Closes, all: &[f64], digits: usize) -> Vec<(String, f64)> {
    let mut rows: Vec<(String, f64)> = Vec::new();
    // A period that ends at midnight belongs to the day before.
    let before = |end: crate::time::Timestamp| {
        crate::time::Timestamp::from_nanos(end.nanos().saturating_sub(1)).to_string()
    };
    for (end, one) in closes.ends().zip(all) {
        let date = before(end);
        let name = date.get(..digits).unwrap_or(&date);
        match rows.last_mut() {
            Some((known, value)) if known == name => *value *= 1.0 + one,
            _ => rows.push((name.to_owned(), 1.0 + one)),
        }
    }
    rows.iter_mut().for_each(|(_, value)| *value -= 1.0);
    rows
}
