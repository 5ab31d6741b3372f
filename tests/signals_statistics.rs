//! Statistics: rank correlation with ties, Holm's adjustment, scored forecasts.
//!
//! Tolerance: two units of 10^-9; the interval and p-value go through two transcendental functions.

use proptest::prelude::*;
use schwabot::signals::*;
use schwabot::units::Ratio;

use crate::support::vectors::{assert_near, cases, ratios, text};

fn vector(raws: &[i64]) -> Vec<Ratio> {
    raws.iter().copied().map(Ratio::from_raw).collect()
}

#[test]
fn rank_correlations_are_those_of_the_frozen_vectors() {
    for case in cases("spearman") {
        let found = spearman(&ratios(&case, "left"), &ratios(&case, "right")).unwrap();
        let what = format!("{} pairs", found.pairs);
        assert_near(found.rho, text(&case, "rho"), 1.0, &what);
        assert_near(found.lower, text(&case, "lower"), 2.0, &what);
        assert_near(found.upper, text(&case, "upper"), 2.0, &what);
        assert_near(found.p_value, text(&case, "p"), 2.0, &what);
    }
}

#[test]
fn a_rank_correlation_has_the_value_of_the_text_books() {
    // Without ties: 1 - 6 * sum of d^2 / (n (n^2 - 1)); here d^2 sums to 194, n is 10.
    let iq = vector(&[106, 100, 86, 101, 99, 103, 97, 113, 112, 110]);
    let hours = vector(&[7, 27, 2, 50, 28, 29, 20, 12, 6, 17]);
    assert_eq!(spearman(&iq, &hours).unwrap().rho.to_string(), "-0.175757576");
}

#[test]
fn a_perfect_order_has_no_doubt_left() {
    let up = vector(&[1, 2, 3, 4, 5]);
    let down = vector(&[9, 8, 7, 6, 5]);
    let found = spearman(&up, &up).unwrap();
    let one = Ratio::ONE;
    assert_eq!((found.rho, found.lower, found.upper, found.p_value), (one, one, one, Ratio::ZERO));
    let found = spearman(&up, &down).unwrap();
    let minus = Ratio::from_raw(-Ratio::ONE.raw());
    assert_eq!((found.rho, found.lower, found.upper), (minus, minus, minus));
}

#[test]
fn a_correlation_needs_pairs_that_vary() {
    let four = vector(&[1, 2, 3, 4]);
    assert!(matches!(spearman(&four, &four[..3]), Err(SignalError::LengthMismatch { .. })));
    assert!(matches!(spearman(&four[..3], &four[..3]), Err(SignalError::TooFew { .. })));
    let flat = Err(SignalError::NoVariance { input: "the values of one side" });
    assert_eq!(spearman(&four, &[Ratio::ONE; 4]), flat);
    assert_eq!(spearman(&[Ratio::ONE; 4], &four), flat);
}

#[test]
fn holms_adjustment_is_that_of_the_paper_and_keeps_the_order() {
    let adjusted = |values: &[&str]| {
        let values: Vec<Ratio> = values.iter().map(|value| value.parse().unwrap()).collect();
        let adjusted = holm_adjusted(&values).unwrap();
        adjusted.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(adjusted(&["0.01", "0.02", "0.03", "0.005"]), ["0.03", "0.04", "0.04", "0.02"]);
    assert_eq!(adjusted(&["0.9", "0.6", "0.001"]), ["1", "1", "0.003"]);
    assert_eq!(adjusted(&["0.2"]), ["0.2"]);
    assert!(adjusted(&[]).is_empty());
    for bad in [Ratio::from_raw(-1), Ratio::from_raw(1_000_000_001)] {
        assert!(holm_adjusted(&[Ratio::ZERO, bad]).is_err());
    }
}

#[test]
fn a_certain_forecast_that_fails_costs_much_but_not_everything() {
    assert_eq!(log_loss(Ratio::ONE, false).unwrap().to_string(), "20.723265837"); // 9 ln 10
    assert_eq!(log_loss(Ratio::ZERO, true), log_loss(Ratio::ONE, false));
    assert_eq!(log_loss(Ratio::ONE, true), Ok(Ratio::ZERO));
    assert_eq!(log_loss("0.5".parse().unwrap(), true).unwrap().to_string(), "0.693147181");
    for bad in [Ratio::from_raw(-1), Ratio::from_raw(1_000_000_001)] {
        assert!(log_loss(bad, true).is_err());
        let mut score = ForecastScore::default();
        assert!(score.push(bad, true).is_err());
        assert_eq!(score, ForecastScore::default());
    }
}

#[test]
fn a_forecast_of_one_half_is_neither_hit_nor_miss() {
    let mut score = ForecastScore::default();
    assert_eq!(score.mean_log_loss(), None);
    score.push("0.5".parse().unwrap(), true).unwrap();
    assert_eq!((score.forecasts, score.decided, score.hits), (1, 0, 0));
    assert!(score.hit_rate_bounds().is_err());
    for (probability, came) in [("0.9", true), ("0.2", false), ("0.4", true)] {
        score.push(probability.parse().unwrap(), came).unwrap();
    }
    assert_eq!((score.forecasts, score.decided, score.hits), (4, 3, 2));
    // Two of three, at z = 1.959963985.
    let bounds = score.hit_rate_bounds().unwrap();
    assert_near(bounds.lower, "0.207659601", 1.0, "lower");
    assert_near(bounds.upper, "0.938508055", 1.0, "upper");
}

proptest! {
    #[test]
    fn a_rank_correlation_sees_only_ranks_and_is_honest_about_zero(
        pairs in prop::collection::vec((-20_i64..20, -20_i64..20), 4..60),
    ) {
        let (left, right): (Vec<i64>, Vec<i64>) = pairs.into_iter().unzip();
        let found = spearman(&vector(&left), &vector(&right));
        prop_assume!(found.is_ok());
        let found = found.unwrap();
        prop_assert!(found.lower <= found.rho && found.rho <= found.upper);
        prop_assert!(found.rho.raw().abs() <= Ratio::ONE.raw());
        let excludes_zero = found.lower.is_positive() || found.upper < Ratio::ZERO;
        prop_assert_eq!(excludes_zero, found.p_value.raw() < 50_000_000, "{:?}", found);
        let cubed: Vec<i64> = left.iter().map(|x| x * x * x).collect();
        prop_assert_eq!(spearman(&vector(&cubed), &vector(&right)), Ok(found));
        prop_assert_eq!(spearman(&vector(&right), &vector(&left)), Ok(found));
        let turned: Vec<i64> = left.iter().map(|x| -x).collect();
        let other = spearman(&vector(&turned), &vector(&right)).unwrap();
        prop_assert_eq!((other.rho.raw(), other.p_value), (-found.rho.raw(), found.p_value));
    }

    #[test]
    fn holm_lies_between_the_plain_value_and_bonferroni(
        raws in prop::collection::vec(0_i64..=1_000_000_000, 1..40),
    ) {
        let adjusted = holm_adjusted(&vector(&raws)).unwrap();
        for (place, raw) in raws.iter().enumerate() {
            let got = adjusted[place].raw();
            prop_assert!(*raw <= got && got <= (raw * raws.len() as i64).min(1_000_000_000));
            for (other, other_raw) in raws.iter().enumerate() {
                prop_assert!(raw > other_raw || adjusted[place] <= adjusted[other]);
            }
        }
    }

    #[test]
    fn a_score_knows_no_order(
        mut forecasts in prop::collection::vec((0_i64..=1_000_000_000, any::<bool>()), 1..60),
    ) {
        let score = |forecasts: &[(i64, bool)]| {
            let mut score = ForecastScore::default();
            for (raw, came) in forecasts {
                score.push(Ratio::from_raw(*raw), *came).unwrap();
            }
            score
        };
        let one = score(&forecasts);
        let direct: f64 = forecasts.iter().map(|(raw, came)| {
            let given = if *came { *raw } else { 1_000_000_000 - raw };
            -(given.max(1) as f64 / 1e9).ln()
        }).sum();
        let mean = one.mean_log_loss().unwrap().raw() as f64 / 1e9;
        prop_assert!((mean - direct / forecasts.len() as f64).abs() <= 1e-9);
        prop_assert!(one.hits <= one.decided && one.decided <= one.forecasts);
        forecasts.reverse();
        prop_assert_eq!(score(&forecasts), one);
    }
}
