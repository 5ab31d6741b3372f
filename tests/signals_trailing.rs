//! Trailing scores, averages and moments: frozen vectors, no value measured against itself,
//! rebuilt from integers.
//!
//! Tolerances: two units of 10^-9 for scores of exact sums; five for the volume score, whose
//! logarithms were rounded before; ten for the spread of averages that restarted.

use proptest::prelude::*;
use schwabot::signals::*;
use schwabot::units::{Price, Quantity, Ratio};

use crate::support::vectors::{assert_near, cases, noise, ratios, small, text};

#[test]
fn trailing_scores_are_those_of_the_frozen_vectors() {
    let case = cases("trailing").remove(0);
    let returns = ratios(&case, "returns");
    let mut window = ReturnWindow::new(small(&case, "bars"));
    let (newest, before) = returns.split_last().unwrap();
    before.iter().for_each(|value| window.push(*value).unwrap());
    assert_near(window.drift_t().unwrap(), text(&case, "drift_t"), 2.0, "drift");
    let volatility = window.realised_volatility().unwrap();
    assert_near(volatility, text(&case, "realised_volatility"), 1.0, "volatility");
    let spike = window.push_scored(*newest).unwrap().unwrap();
    assert_near(spike, text(&case, "spike"), 2.0, "spike");

    let mut volumes = LogVolumeWindow::new(small(&case, "bars"));
    let mut score = None;
    for raw in case["volumes"].as_array().unwrap() {
        let volume = Quantity::from_raw(i128::from(raw.as_i64().unwrap()));
        score = volumes.push_scored(volume).unwrap();
    }
    assert_near(score.unwrap(), text(&case, "surge"), 5.0, "surge");
}

#[test]
fn averages_with_restarts_are_those_without() {
    for case in cases("ema") {
        let mut cross = EmaCross::new(small(&case, "fast"), small(&case, "slow"));
        for price in case["prices"].as_array().unwrap() {
            let raw = price.as_str().unwrap().parse().unwrap();
            cross.push(Price::from_raw(raw)).unwrap();
        }
        let what = format!("{} bars of {}", cross.seen(), case["slow"]);
        assert_near(cross.spread().unwrap(), text(&case, "spread"), 10.0, &what);
    }
}

#[test]
fn averages_of_one_price_stand_together_and_part_with_the_trend() {
    let mut cross = EmaCross::new(60, 240);
    let mut push = |price: i128, times| {
        for _ in 0..times {
            cross.push(Price::from_raw(price)).unwrap();
        }
        cross.spread()
    };
    assert_eq!(push(7_000_000_000_123, 239), None);
    assert_eq!(push(7_000_000_000_123, 2_000), Some(Ratio::ZERO));
    assert!(push(7_100_000_000_000, 1).unwrap().is_positive());
    assert!(push(6_000_000_000_000, 60).unwrap() < Ratio::ZERO);
}

#[test]
fn averages_refuse_a_price_of_nothing_and_forget_at_a_gap() {
    let mut cross = EmaCross::new(2, 3);
    cross.push(Price::ONE).unwrap();
    let before = cross.clone();
    assert!(cross.push(Price::ZERO).is_err());
    assert!(cross.push(Price::from_raw(-1)).is_err());
    assert_eq!(cross, before);
    cross.push(Price::MAX).unwrap();
    cross.push(Price::MAX).unwrap();
    assert!(cross.spread().is_some());
    cross.clear();
    assert_eq!(cross, EmaCross::new(2, 3));
    assert!(EmaCross::rebuilt(2, 3, 2, &[Price::ONE]).is_err());
    assert!(EmaCross::rebuilt(2, 3, 1, &[Price::ZERO]).is_err());
}

#[test]
fn a_bar_without_volume_counts_for_time_but_not_for_the_statistics() {
    let mut window = LogVolumeWindow::new(4);
    let mut push = |text: &str| window.push_scored(text.parse().unwrap()).unwrap();
    for volume in ["1", "4", "1", "4"] {
        assert_eq!(push(volume), None);
    }
    assert_near(push("2").unwrap(), "0", 5.0, "the middle of 1, 4, 1, 4");
    assert_eq!(push("0"), None);
    assert_eq!(push("0"), None);
    assert!(push("9").is_some(), "half of the bars, 4 and 2, still count");
    // 2, none, none, 9 -> none, none, 9, none: one bar is left.
    assert_eq!(push("0"), None);
    assert_eq!(push("5"), None);
    assert!(window.push_scored(Quantity::from_raw(-1)).is_err());
    assert_eq!(window.logs().filter(Option::is_some).count(), 2);
}

#[test]
fn equal_values_have_no_score() {
    let mut returns = ReturnWindow::new(3);
    let mut volumes = LogVolumeWindow::new(4);
    for _ in 0..9 {
        assert_eq!(returns.push_scored(Ratio::from_raw(5)), Ok(None));
        assert_eq!(volumes.push_scored(Quantity::ONE), Ok(None));
    }
    assert_eq!(returns.drift_t(), None);
    assert_eq!(returns.push_scored(Ratio::ONE), Ok(None), "the three before do not vary");
    assert!(returns.push_scored(Ratio::ONE).unwrap().is_some());
}

#[test]
fn the_widest_volumes_have_a_score() {
    let mut window = LogVolumeWindow::new(4);
    for volume in [Quantity::from_raw(1), Quantity::MAX, Quantity::from_raw(1), Quantity::MAX] {
        assert_eq!(window.push_scored(volume), Ok(None));
    }
    assert!(window.push_scored(Quantity::MAX).unwrap().is_some());
    let logs: Vec<_> = window.logs().collect();
    assert_eq!(LogVolumeWindow::rebuilt(4, &logs), Ok(window));
    assert!(LogVolumeWindow::rebuilt(4, &[None; 5]).is_err());
    assert!(LogVolumeWindow::rebuilt(4, &[Some(Ratio::MAX)]).is_err());
}

#[test]
fn moments_refuse_what_their_sums_could_not_hold() {
    let mut moments = Moments::default();
    assert_eq!((moments.mean(), moments.deviation()), (None, None));
    assert!(moments.push(Ratio::from_raw(MOMENTS_VALUE_MAX.raw() + 1)).is_err());
    assert!(moments.push(Ratio::from_raw(i64::MIN)).is_err());
    assert_eq!(moments, Moments::default());
    for turn in 0..MOMENTS_COUNT_MAX {
        let sign = if turn % 2 == 0 { 1 } else { -1 };
        moments.push(Ratio::from_raw(MOMENTS_VALUE_MAX.raw() * sign)).unwrap();
    }
    assert!(moments.push(Ratio::ONE).is_err());
    assert_eq!(moments.mean(), Some(Ratio::ZERO));
    assert_near(moments.deviation().unwrap(), "10000.00500000375", 2.0, "deviation");
    assert!(Moments::from_parts(2, 10, 49).is_err(), "n * 49 is below 10 * 10");
    assert!(Moments::from_parts(2, 10, 50).is_ok());
    assert!(Moments::from_parts(1, i128::MAX, i128::MAX).is_err());
    assert!(Moments::from_parts(1, i128::MIN, 0).is_err());
    assert!(Moments::from_parts(u64::MAX, 0, 0).is_err());
    assert!(Moments::from_parts(0, 0, 1).is_err());
}

#[test]
fn a_mean_is_rounded_half_to_even() {
    let mean = |raws: &[i64]| {
        let mut moments = Moments::default();
        raws.iter().for_each(|raw| moments.push(Ratio::from_raw(*raw)).unwrap());
        moments.mean().unwrap().raw()
    };
    assert_eq!((mean(&[0, 1]), mean(&[1, 2]), mean(&[-1, 0]), mean(&[-2, -1])), (0, 2, 0, -2));
    assert_eq!((mean(&[1, 1, 0]), mean(&[0, 0, 1])), (1, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_return_is_measured_against_itself(
        values in prop::collection::vec(-90_000_000_i64..=90_000_000, 7..40),
        newest in -90_000_000_i64..=90_000_000,
    ) {
        let mut window = ReturnWindow::new(6);
        values.iter().for_each(|raw| window.push(Ratio::from_raw(*raw)).unwrap());
        let before = &values[values.len() - 6..];
        let mean = before.iter().sum::<i64>() as f64 / 6.0;
        let scatter: f64 = before.iter().map(|raw| (*raw as f64 - mean).powi(2)).sum();
        prop_assume!(scatter > 1e6);
        let direct = newest as f64 / (scatter / 5.0).sqrt() * 1e9;
        let got = window.push_scored(Ratio::from_raw(newest)).unwrap().unwrap().raw() as f64;
        prop_assert!((got - direct).abs() <= 1.0 + direct.abs() * 1e-12, "{} {}", got, direct);
        prop_assert_eq!(window.values().last(), Some(Ratio::from_raw(newest)));
        let mut again = ReturnWindow::new(6);
        window.values().for_each(|value| again.push(value).unwrap());
        prop_assert_eq!(again, window);
    }

    #[test]
    fn scores_of_volume_are_those_of_the_bars_before(
        volumes in prop::collection::vec(prop_oneof![Just(0_i128), 1_i128..10_i128.pow(18)], 9..60),
    ) {
        let mut window = LogVolumeWindow::new(8);
        for (place, raw) in volumes.iter().enumerate() {
            let score = window.push_scored(Quantity::from_raw(*raw)).unwrap();
            let before = &volumes[place.saturating_sub(8)..place];
            let logs: Vec<f64> = before.iter().filter(|v| **v > 0).map(|v| (*v as f64 / 1e12).ln()).collect();
            let count = logs.len() as f64;
            let mean = logs.iter().sum::<f64>() / count;
            let deviation = (logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt();
            if *raw == 0 || before.len() < 8 || logs.len() < 4 {
                prop_assert_eq!(score, None);
            } else if deviation > 1e-6 {
                let direct = ((*raw as f64 / 1e12).ln() - mean) / deviation;
                let off = (score.unwrap().raw() as f64 / 1e9 - direct).abs();
                prop_assert!(off <= 1e-9 + 1e-8 * (1.0 + direct.abs()) / deviation, "{} {}", off, direct);
            }
            let logs: Vec<_> = window.logs().collect();
            prop_assert_eq!(&LogVolumeWindow::rebuilt(8, &logs).unwrap(), &window);
        }
    }

    #[test]
    fn averages_go_on_from_a_snapshot_to_the_last_bit(
        seed in any::<u64>(), fast in 1_u32..20, slow in 1_u32..130,
        before in 0_usize..3_000, after in 0_usize..1_200,
    ) {
        let prices = noise(seed, 40_000_000_000_000).map(|raw| Price::from_raw(i128::from(raw) + 50_000_000_000_000));
        let prices: Vec<Price> = prices.take(before + after).collect();
        let mut lived = EmaCross::new(fast, slow);
        prices[..before].iter().for_each(|price| lived.push(*price).unwrap());
        let kept: Vec<Price> = lived.prices().collect();
        let mut rebuilt = EmaCross::rebuilt(fast, slow, lived.seen(), &kept).unwrap();
        prop_assert_eq!(&lived, &rebuilt);
        for price in &prices[before..] {
            lived.push(*price).unwrap();
            rebuilt.push(*price).unwrap();
        }
        prop_assert_eq!(&lived, &rebuilt);
    }

    #[test]
    fn the_unit_of_price_is_irrelevant_to_the_spread(seed in any::<u64>(), count in 30_usize..1_100) {
        let spread = |unit: i128| {
            let mut cross = EmaCross::new(5, 20);
            for raw in noise(seed, 3_000_000).take(count) {
                cross.push(Price::from_raw((i128::from(raw) + 10_000_000) * unit)).unwrap();
            }
            cross.spread().unwrap().raw()
        };
        prop_assert!((spread(1) - spread(7_919)).abs() <= 1);
    }

    #[test]
    fn moments_know_no_order_and_survive_a_snapshot(
        mut values in prop::collection::vec(-10_000_000_000_000_i64..=10_000_000_000_000, 2..60),
    ) {
        let sums = |values: &[i64]| {
            let mut moments = Moments::default();
            values.iter().for_each(|raw| moments.push(Ratio::from_raw(*raw)).unwrap());
            moments
        };
        let moments = sums(&values);
        let (count, sum, squares) = moments.parts();
        prop_assert_eq!(Moments::from_parts(count, sum, squares), Ok(moments));
        let n = values.len() as f64;
        let mean = values.iter().map(|raw| *raw as f64).sum::<f64>() / n;
        let direct = (values.iter().map(|raw| (*raw as f64 - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        let got = moments.deviation().unwrap().raw() as f64;
        prop_assert!((got - direct).abs() <= 1.0 + direct * 1e-12, "{} {}", got, direct);
        values.reverse();
        prop_assert_eq!(sums(&values), moments);
    }
}
