//! Figures against hand-computed ones, and against QuantStats on the same returns.

use schwabot::report::returns::{self, longest_rows};
use schwabot::report::statistics::{correlation_and_slope, deviation, population_shape, quantile};
use schwabot::report::{
    Closes, Drawdowns, Metric, Period, Range, SharpeEstimate, TradeFigures, Trials,
    deflated_sharpe, expected_best_sharpe, minimum_track_record, probabilistic_sharpe,
    return_metrics, trade_metrics, value_of,
};
use schwabot::time::{DAY_NS, Timestamp};

/// Thousandths: forty days from 2024-01-22.
const RETURNS: [f64; 40] = [
    12., -7., 0., 31., -25., 8., -14., 22., 5., -41., 17., 9., -3., 28., -19., 0., 6., -11., 35.,
    -8., -2., 14., -30., 21., 3., -16., 10., 7., -5., 19., -22., 13., 1., -9., 26., -12., 4., -18.,
    15., 11.,
];
/// Thousandths: ten days of a market, four times over.
const MARKET: [f64; 10] = [5., -3., 2., 11., -9., 4., -6., 7., 1., -15.];

/// What QuantStats 0.0.86 says of `RETURNS`, with 365 periods a year where it asks for them.
const QUANTSTATS: [(&str, f64); 25] = [
    ("total_return", 0.07155531956985994),
    ("annual_return", 0.8788114324819147),
    ("volatility", 0.33006358653121093),
    ("sharpe", 2.073464107908448),
    ("sortino", 3.1049790665569033),
    ("calmar", 19.316118245324915),
    ("omega", 1.309917355371901),
    ("gain_to_pain", 0.3099173553719009),
    ("max_drawdown", 0.045496275251608265),
    ("value_at_risk", -0.026542013856574842),
    ("expected_shortfall", -0.0337610818206727),
    ("tail_ratio", 1.114851485148515),
    ("common_sense", 1.4603633090581787),
    ("period_kelly", 0.13697492943715775),
    ("skew", -0.2826612831990368),
    ("kurtosis", -0.18195463163347356),
    ("period_win_rate", 0.5789473684210527),
    ("period_payoff", 0.9526671675432008),
    ("period_wins_in_a_row", 2.0),
    ("period_losses_in_a_row", 2.0),
    ("best_period", 0.035),
    ("worst_period", -0.041),
    ("beta", 0.455529),
    ("alpha", 0.734255),
    // The mean of its seven falls.
    ("average_drawdown", 0.023479024),
];

fn day(number: i64) -> Timestamp {
    Timestamp::from_nanos((19_744 + number) * DAY_NS)
}

fn range() -> Range {
    Range { from: day(0), to: day(40) }
}

fn closes(thousandths: &[f64]) -> Closes {
    let mut closes = Closes::new(Period::Day, 1_000.0);
    let mut value = 1_000.0;
    for (number, one) in (1..).zip(thousandths) {
        value *= 1.0 + one / 1_000.0;
        closes.push(day(number), value);
    }
    closes
}

fn figures(thousandths: &[f64]) -> Vec<Metric> {
    let market: Vec<f64> = MARKET.iter().copied().cycle().take(thousandths.len()).collect();
    return_metrics(&closes(thousandths), Some(&closes(&market)), None, range())
}

#[track_caller]
fn near(found: Option<f64>, expected: f64, tolerance: f64) {
    let found = found.unwrap();
    let scale = expected.abs().max(1e-3);
    assert!((found - expected).abs() <= tolerance * scale, "{found} is not {expected}");
}

#[test]
fn figures_agree_with_quantstats_to_ten_digits() {
    let found = figures(&RETURNS);
    for (name, expected) in QUANTSTATS {
        // Three of its figures are printed with six digits.
        let printed = matches!(name, "beta" | "alpha" | "average_drawdown");
        let value = value_of(&found, name);
        assert!(value.is_some(), "{name}");
        near(value, expected, if printed { 2e-6 } else { 1e-10 });
    }
}

/// Where QuantStats goes another way, by how much: see METRICS.md.
#[test]
fn figures_that_differ_from_quantstats_differ_as_it_is_said() {
    let found = figures(&RETURNS);
    let value = |name: &str| value_of(&found, name).unwrap();
    let days: f64 = 40.0;
    // It divides by n - 1.
    near(Some(value("ulcer_index") * (days / (days - 1.0)).sqrt()), 0.017117574099766122, 1e-10);
    let performance = value("ulcer_performance_index") / (days / (days - 1.0)).sqrt();
    near(Some(performance), 4.180225489477367, 1e-10);
    // It sums the returns where we compound them.
    near(Some(0.075 / value("max_drawdown")), 1.6484865977539296, 1e-10);
    near(Some(value("recovery_factor")), value("total_return") / value("max_drawdown"), 1e-12);
    // It takes moments that are corrected for the size of the sample, the papers do not.
    let sample = SharpeEstimate {
        sharpe: 2.073464107908448 / 365.0_f64.sqrt(),
        returns: 40,
        skewness: value("skew"),
        kurtosis: value("kurtosis") + 3.0,
    };
    near(probabilistic_sharpe(&sample, 0.0), 0.7472561373667823, 1e-10);
    near(Some(value("probabilistic_sharpe")), 0.7472561373667823, 1e-3);
}

#[test]
fn small_rows_give_what_one_finds_by_hand() {
    let values = [1.0, 2.0, 4.0, 9.0];
    // Mean 4, squares 9 + 4 + 0 + 25.
    near(deviation(&values), (38.0_f64 / 3.0).sqrt(), 1e-15);
    assert_eq!(quantile(&values, 0.5), Some(3.0));
    assert_eq!(quantile(&values, 1.0), Some(9.0));
    assert_eq!(quantile(&values, 1.5), None);
    assert_eq!(population_shape(&[2.0, 2.0]), None);
    let (correlation, slope) = correlation_and_slope(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]).unwrap();
    assert_eq!(slope, 0.5);
    near(Some(correlation), 1.0, 1e-15);
    assert_eq!(longest_rows(&[]), (0, 0));
    assert_eq!(longest_rows(&[1.0, 1.0, -1.0, 1.0, 0.0, -1.0]), (2, 1));
    // 1 -> 1.1 -> 0.88 -> 0.968: a fall by a fifth, not recovered.
    let row = [0.1, -0.2, 0.1];
    near(returns::max_drawdown(&row), 0.2, 1e-12);
    near(returns::ulcer_index(&row), ((0.04 + 0.0144) / 3.0_f64).sqrt(), 1e-12);
    near(returns::profit_factor(&row), 1.0, 1e-12);
    near(returns::gain_to_pain(&[0.3, -0.1]), 2.0, 1e-12);
    // The 5 % quantile of 0..=20 is 1: the mean of 0 and 1.
    let row: Vec<f64> = (0..=20_i32).map(f64::from).collect();
    assert_eq!(returns::historical_value_at_risk(&row).map(f64::round), Some(1.0));
    near(returns::historical_expected_shortfall(&[-4.0, -2.0, 1.0]), -4.0, 1e-12);
    // Half of the periods won twice what the others lost: a quarter.
    near(returns::kelly(&[0.2, -0.1]), 0.25, 1e-12);
}

#[test]
fn what_is_undefined_is_none_and_never_infinite() {
    for row in [&[][..], &[0.0][..], &[0.0, 0.0, 0.0][..], &[10.0][..], &[10.0, 10.0][..]] {
        for metric in figures(row) {
            assert!(metric.value.is_none_or(f64::is_finite), "{}: {:?}", metric.name, metric.value);
        }
    }
    let flat = figures(&[0.0, 0.0, 0.0]);
    for name in ["sharpe", "sortino", "calmar", "omega", "skew", "tail_ratio", "period_kelly"] {
        assert_eq!(value_of(&flat, name), None, "{name}");
    }
    assert_eq!(value_of(&flat, "total_return"), Some(0.0));
    assert_eq!(value_of(&figures(&[]), "total_return"), None);
    // Equal gains have no deviation, whatever rounding makes of their mean.
    assert_eq!(returns::sharpe(&[0.1; 7], 365.0), None);
    // Nothing can be a share of nothing.
    let mut ruined = Closes::new(Period::Day, 100.0);
    for (number, value) in (1..).zip([50.0, -1.0, 20.0]) {
        ruined.push(day(number), value);
    }
    assert_eq!(ruined.returns(), None);
    assert_eq!(value_of(&return_metrics(&ruined, None, None, range()), "total_return"), None);
}

#[test]
fn a_value_at_midnight_belongs_to_the_day_that_ends_and_a_day_without_one_returns_zero() {
    let mut closes = Closes::new(Period::Day, 100.0);
    closes.push(day(1), 110.0);
    closes.push(day(4), 121.0);
    assert_eq!(closes.values(), [110.0, 110.0, 110.0, 121.0]);
    assert_eq!(closes.ends().next(), Some(day(1)));
    let found = closes.returns().unwrap();
    assert!((found[0] - 0.1).abs() < 1e-12 && found[1..3] == [0.0, 0.0]);
    // A clock that goes back changes the newest day only.
    closes.push(day(2), 120.0);
    assert_eq!(closes.values(), [110.0, 110.0, 110.0, 120.0]);
}

#[test]
fn months_and_years_are_those_of_the_calendar() {
    let found = figures(&RETURNS);
    let by_hand = |days: &[f64]| days.iter().map(|one| 1.0 + one / 1000.0).product::<f64>() - 1.0;
    // Ten days of January, 29 of February, one of March.
    let (january, february) = (by_hand(&RETURNS[..10]), by_hand(&RETURNS[10..39]));
    near(value_of(&found, "worst_month"), january.min(february).min(0.011), 1e-12);
    near(value_of(&found, "best_month"), january.max(february).max(0.011), 1e-12);
    near(value_of(&found, "best_year"), 0.07155531956985994, 1e-12);
    near(value_of(&found, "best_day"), 0.035, 1e-12);
}

#[test]
fn falls_are_measured_from_peak_to_recovery() {
    let mut found = Drawdowns::default();
    for (number, value) in (0..).zip([10.0, 20.0, 15.0, 10.0, 20.0, 19.0, 25.0, 24.0]) {
        found.push(day(number), value);
    }
    assert_eq!(found.count(), 3);
    let worst = found.worst();
    assert_eq!(worst[0].depth, 0.5);
    assert_eq!((worst[0].peak, worst[0].bottom), (day(1), day(3)));
    assert_eq!(worst[0].recovered, Some(day(4)));
    assert_eq!(worst[2].recovered, None, "the last one is open");
    near(found.mean_depth(), (0.5 + 0.05 + 0.04) / 3.0, 1e-12);
    near(found.longest_seconds(), 3.0 * 86_400.0, 1e-12);
    near(found.mean_seconds(), 2.0 * 86_400.0, 1e-12);
}

#[test]
fn luck_is_what_the_papers_say() {
    let estimate = |sharpe, returns, skewness, kurtosis| SharpeEstimate {
        sharpe,
        returns,
        skewness,
        kurtosis,
    };
    // Bailey and Lopez de Prado (2012), monthly: a normal one is believed sooner.
    let normal = estimate(0.458, 24, 0.0, 3.0);
    let skewed = estimate(0.458, 24, -2.448, 10.164);
    near(probabilistic_sharpe(&skewed, 0.0), 0.913, 1e-3);
    assert!(probabilistic_sharpe(&normal, 0.0) > probabilistic_sharpe(&skewed, 0.0));
    // The same estimate from as many returns as are asked for is just believed.
    let needed = minimum_track_record(&skewed, 0.0, 0.95).unwrap();
    let enough = estimate(0.458, needed.ceil() as u64, -2.448, 10.164);
    assert!(probabilistic_sharpe(&enough, 0.0).unwrap() >= 0.95);
    let short = estimate(0.458, needed.ceil() as u64 - 1, -2.448, 10.164);
    assert!(probabilistic_sharpe(&short, 0.0).unwrap() < 0.95);
    assert_eq!(minimum_track_record(&estimate(-0.1, 24, 0.0, 3.0), 0.0, 0.95), None);
    // (2014): 100 trials of daily returns over five years leave 0.90 of an annual ratio of 2.5.
    let daily = estimate(2.5 / 250.0_f64.sqrt(), 1_250, -3.0, 10.0);
    let trials = |count| Trials { count, sharpe_variance: 0.5 / 250.0 };
    near(expected_best_sharpe(&trials(100)), 0.1132, 1e-3);
    near(deflated_sharpe(&daily, &trials(100)), 0.9004, 1e-3);
    // After 46 trials it would still have been 0.95.
    near(deflated_sharpe(&daily, &trials(46)), 0.95, 2e-3);
    assert_eq!(expected_best_sharpe(&trials(1)), Some(0.0));
    assert_eq!(expected_best_sharpe(&trials(0)), None);
    let negative = Trials { count: 5, sharpe_variance: -1.0 };
    assert_eq!(deflated_sharpe(&daily, &negative), None);
}

fn trade(long: bool, entry: i64, exit: i64, stake: f64, net: f64) -> TradeFigures {
    TradeFigures {
        long,
        entry: day(entry),
        exit: day(exit),
        entry_notional: stake,
        exit_notional: stake + net + 1.0,
        fees: 1.0,
        net,
    }
}

#[test]
fn trades_give_what_one_finds_by_hand() {
    let trades = [
        trade(true, 0, 1, 100.0, 10.0),
        trade(true, 1, 3, 100.0, -5.0),
        trade(false, 3, 4, 200.0, -5.0),
        trade(true, 4, 8, 100.0, 20.0),
    ];
    let found = trade_metrics(&trades, 1_000.0, range());
    let expected = [
        ("trades", 4.0),
        ("win_rate", 0.5),
        ("net_profit", 20.0),
        ("expectancy", 5.0),
        ("expectancy_share", (0.1 - 0.05 - 0.025 + 0.2) / 4.0),
        ("profit_factor", 3.0),
        ("payoff", 3.0),
        ("kelly", 0.5 - 0.5 / 3.0),
        // Deviations 5, -10, -10, 15: squares 450, over 3.
        ("sqn", 2.0 * 5.0 / 150.0_f64.sqrt()),
        ("best_trade", 0.2),
        ("worst_trade", -0.05),
        ("wins_in_a_row", 1.0),
        ("losses_in_a_row", 2.0),
        ("trade_fees", 4.0),
        ("fees_of_gross", 4.0 / 24.0),
        ("turnover", (500.0 + 524.0) / 1_000.0),
        ("average_trade_seconds", 2.0 * 86_400.0),
        ("longest_trade_seconds", 4.0 * 86_400.0),
        ("long_trades", 3.0),
        ("long_net", 25.0),
        ("short_trades", 1.0),
        ("short_net", -5.0),
        ("short_win_rate", 0.0),
    ];
    for (name, expected) in expected {
        near(value_of(&found, name), expected, 1e-12);
    }
    let alone = trade_metrics(&trades[..1], 1_000.0, range());
    for name in ["profit_factor", "payoff", "kelly", "sqn", "short_win_rate"] {
        assert_eq!(value_of(&alone, name), None, "{name} of one won trade");
    }
}

#[test]
fn every_figure_says_its_formula_and_no_name_is_given_twice() {
    let mut all = figures(&RETURNS);
    all.extend(trade_metrics(&[], 1_000.0, range()));
    let mut names: Vec<&str> = all.iter().map(|metric| metric.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    for metric in &all {
        assert!(!metric.formula.is_empty() && !metric.title.is_empty(), "{}", metric.name);
        assert_eq!(metric.range, range());
    }
}
