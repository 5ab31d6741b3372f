//! Evidence: bounds and posteriors of counts, weights that learn.
//!
//! Tolerance: one unit of 10^-9 for bounds, two for weights (their rounding keeps the sum).

use proptest::prelude::*;
use schwabot::signals::*;
use schwabot::units::Ratio;

use crate::support::vectors::{assert_near, cases, ratios, text, whole};

const Z95: Ratio = Ratio::from_raw(1_960_000_000);

#[test]
fn wilson_bounds_are_those_of_the_frozen_vectors() {
    for case in cases("wilson") {
        let (successes, of) = (whole(&case, "successes"), whole(&case, "cases"));
        let z = Ratio::from_raw(whole(&case, "z") as i64);
        let bounds = wilson_bounds(successes, of, z).unwrap();
        let what = format!("{successes} of {of}");
        assert_near(bounds.lower, text(&case, "lower"), 1.0, &what);
        assert_near(bounds.upper, text(&case, "upper"), 1.0, &what);
    }
}

#[test]
fn wilson_bounds_have_the_known_values() {
    let shown = |successes, of| {
        let bounds = wilson_bounds(successes, of, Z95).unwrap();
        let percent = |bound: Ratio| (bound.raw() + 500_000) / 1_000_000;
        (percent(bounds.lower), percent(bounds.upper))
    };
    assert_eq!(shown(3, 3), (438, 1_000));
    assert_eq!(shown(1, 3), (61, 792));
    assert_eq!(shown(1, 1), (207, 1_000));
    assert_eq!(shown(0, 5).0, 0);
    // At the gate: the least of 20 cases whose bound is above one half is 15, not 14.
    assert!(shown(14, 20).0 < 500 && shown(15, 20).0 > 500);
}

#[test]
fn bounds_of_no_cases_and_of_more_successes_than_cases_are_refused() {
    let none = SignalError::NotPositive { input: "the number of cases" };
    assert_eq!(wilson_bounds(0, 0, Z95), Err(none));
    assert!(matches!(wilson_bounds(4, 3, Z95), Err(SignalError::Outside { .. })));
    assert!(matches!(wilson_bounds(0, u64::MAX, Z95), Err(SignalError::Outside { .. })));
    assert!(matches!(beta_mean(4, 3, Z95, Z95), Err(SignalError::Outside { .. })));
    for z in [Ratio::ZERO, Ratio::from_raw(-1)] {
        assert_eq!(wilson_bounds(1, 2, z), Err(SignalError::NotPositive { input: "z" }));
        assert_eq!(beta_mean(1, 2, z, Z95), Err(SignalError::NotPositive { input: "a prior" }));
    }
    assert!(wilson_bounds(1, 2, Ratio::MAX).is_ok());
}

#[test]
fn a_posterior_starts_at_the_prior_and_moves_to_the_share() {
    let one = Ratio::ONE;
    let mean = |s, n, a: &str, b: &str| {
        beta_mean(s, n, a.parse().unwrap(), b.parse().unwrap()).unwrap().to_string()
    };
    assert_eq!(beta_mean(3, 3, one, one), Ok("0.8".parse().unwrap()));
    assert_eq!(mean(0, 0, "1", "1"), "0.5");
    assert_eq!(mean(0, 0, "2", "6"), "0.25");
    assert_eq!(mean(1, 4, "0.5", "0.5"), "0.3");
    assert_eq!(mean(1 << 52, 1 << 53, "1", "1"), "0.5");
    assert_eq!(beta_mean(7, 7, Ratio::MAX, Ratio::MAX), Ok("0.5".parse().unwrap()));
}

#[test]
fn weights_grow_as_in_the_frozen_vectors() {
    for case in cases("gradient") {
        let (weights, gains) = (ratios(&case, "weights"), ratios(&case, "gains"));
        let after = exponentiated_gradient(&weights, &gains).unwrap();
        for (got, expected) in after.iter().zip(case["after"].as_array().unwrap()) {
            assert_near(*got, expected.as_str().unwrap(), 2.0, &format!("{} weights", gains.len()));
        }
    }
}

#[test]
fn weights_that_mean_nothing_are_refused() {
    let (one, zero) = (Ratio::ONE, Ratio::ZERO);
    let sum = SignalError::NotPositive { input: "the sum of the weights" };
    assert_eq!(exponentiated_gradient(&[], &[]), Err(sum));
    assert_eq!(exponentiated_gradient(&[zero, zero], &[one, one]), Err(sum));
    let mismatch = SignalError::LengthMismatch { left: 1, right: 2 };
    assert_eq!(exponentiated_gradient(&[one], &[one, one]), Err(mismatch));
    assert!(exponentiated_gradient(&[Ratio::from_raw(-1), one], &[one, one]).is_err());
    let many = vec![one; WEIGHTS_MAX + 1];
    assert!(exponentiated_gradient(&many, &many).is_err());
    assert_eq!(exponentiated_gradient(&[one], &[Ratio::from_raw(i64::MIN)]), Ok(vec![one]));
}

#[test]
fn a_weight_at_the_floor_comes_back_and_a_gain_without_weight_counts_nothing() {
    let text = |weights: &[Ratio]| weights.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (ten, zero) = ("10".parse().unwrap(), Ratio::ZERO);
    let half = Ratio::from_raw(500_000_000);
    // The loser falls to 0.05 of 1.05.
    let lost = exponentiated_gradient(&[half, half], &["-900".parse().unwrap(), zero]).unwrap();
    assert_eq!(text(&lost), ["0.047619048", "0.952380952"]);
    let back = exponentiated_gradient(&lost, &[ten, zero]).unwrap();
    assert!(back[0] > back[1]);
    let idle = exponentiated_gradient(&[zero, Ratio::ONE], &[Ratio::MAX, zero]).unwrap();
    assert_eq!(text(&idle), ["0.047619048", "0.952380952"]);
}

#[test]
fn additive_weights_are_those_of_the_scenario() {
    let step = |weight: &str, delta: &str, times: usize| {
        let delta = delta.parse().unwrap();
        let start: Ratio = weight.parse().unwrap();
        (0..times).fold(start, |weight, _| additive_weight(weight, delta).unwrap()).to_string()
    };
    assert_eq!(step("1", "0.1", 3), "1.3");
    assert_eq!(step("1", "-0.05", 3), "0.85");
    assert_eq!(step("1", "0.2", 3), "1.6");
    assert_eq!(step("1", "-0.3", 9), "0");
    assert!(additive_weight(Ratio::MAX, Ratio::ONE).is_err());
}

proptest! {
    #[test]
    fn wilson_bounds_hold_the_share_inside_zero_and_one(
        (successes, of) in (1_u64..5_000).prop_flat_map(|n| (0..=n, Just(n))),
        z in 1_i64..8_000_000_000,
    ) {
        let z = Ratio::from_raw(z);
        let bounds = wilson_bounds(successes, of, z).unwrap();
        let share = Ratio::of_counts(successes, of).unwrap();
        prop_assert!(Ratio::ZERO <= bounds.lower && bounds.upper <= Ratio::ONE);
        prop_assert!(bounds.lower <= share && share <= bounds.upper);
        // More successes of as many cases raise both bounds; more confidence parts them.
        if successes < of {
            let more = wilson_bounds(successes + 1, of, z).unwrap();
            prop_assert!(bounds.lower <= more.lower && bounds.upper <= more.upper);
        }
        let surer = wilson_bounds(successes, of, Ratio::from_raw(z.raw() * 2)).unwrap();
        prop_assert!(surer.lower <= bounds.lower && bounds.upper <= surer.upper);
        // As many failures as there were successes mirror the bounds.
        let mirrored = wilson_bounds(of - successes, of, z).unwrap();
        prop_assert!((mirrored.lower.raw() + bounds.upper.raw() - Ratio::ONE.raw()).abs() <= 1);
        // The same share of more cases says more.
        let tenfold = wilson_bounds(successes * 10, of * 10, z).unwrap();
        prop_assert!(bounds.lower <= tenfold.lower && tenfold.upper <= bounds.upper);
    }

    #[test]
    fn a_posterior_lies_between_prior_and_share(
        (s, n) in (1_u64..10_000).prop_flat_map(|n| (0..=n, Just(n))),
        a in 1_i64..100_000_000_000, b in 1_i64..100_000_000_000,
    ) {
        let (a, b) = (Ratio::from_raw(a), Ratio::from_raw(b));
        let mean = beta_mean(s, n, a, b).unwrap();
        let (prior, share) = (beta_mean(0, 0, a, b).unwrap(), Ratio::of_counts(s, n).unwrap());
        prop_assert!(prior.min(share) <= mean && mean <= prior.max(share));
    }

    #[test]
    fn weights_add_up_to_one_and_none_falls_below_the_floor(
        pairs in prop::collection::vec((0_i64..=1_000_000_000, any::<i64>()), 1..50),
        calm in any::<bool>(),
    ) {
        let weights: Vec<Ratio> = pairs.iter().map(|(weight, _)| Ratio::from_raw(*weight)).collect();
        prop_assume!(weights.iter().any(|weight| weight.is_positive()));
        let gains: Vec<Ratio> = pairs.iter()
            .map(|(_, gain)| Ratio::from_raw(if calm { gain % 3_000_000_000 } else { *gain })).collect();
        let after = exponentiated_gradient(&weights, &gains).unwrap();
        prop_assert_eq!(after.iter().map(|weight| weight.raw()).sum::<i64>(), Ratio::ONE.raw());
        let floor = 0.1e9 / weights.len() as f64 / 1.1;
        for weight in &after {
            prop_assert!(weight.raw() as f64 >= floor - 1.0, "{} {}", weight, floor);
        }
        // Who had at least as much and gained at least as much has at least as much.
        for i in 0..weights.len() {
            for j in 0..weights.len() {
                if weights[i] >= weights[j] && gains[i] >= gains[j] {
                    prop_assert!(after[i].raw() >= after[j].raw() - 1);
                }
            }
        }
    }

    #[test]
    fn without_gains_weights_above_the_floor_stay(
        raws in prop::collection::vec(500_000_000_i64..=1_000_000_000, 2..20),
    ) {
        let sum: i64 = raws.iter().sum();
        let mut weights: Vec<Ratio> = raws.iter()
            .map(|raw| Ratio::from_raw((i128::from(*raw) * 1_000_000_000 / i128::from(sum)) as i64)).collect();
        let rest = 1_000_000_000 - weights.iter().map(|weight| weight.raw()).sum::<i64>();
        weights[0] = Ratio::from_raw(weights[0].raw() + rest);
        for gain in [Ratio::ZERO, Ratio::MAX] {
            let gains = vec![gain; weights.len()];
            let after = exponentiated_gradient(&weights, &gains).unwrap();
            prop_assert_eq!(&after, &weights);
        }
    }
}
