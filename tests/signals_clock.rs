//! Temporal warp: the market's clock, and distances between stretches that run apart.
//!
//! Tolerance: one unit of 10^-9, the rounding.

use proptest::prelude::*;
use schwabot::signals::*;
use schwabot::units::Ratio;

use crate::support::vectors::{assert_near, cases, ratios, small, text, whole};

#[test]
fn the_clock_runs_as_in_the_frozen_vectors() {
    for case in cases("clock") {
        let mut clock = ClockRate::new(small(&case, "short"), small(&case, "long"));
        for value in ratios(&case, "returns") {
            clock.push_return(value).unwrap();
        }
        let rate = clock.log_rate().unwrap();
        assert_near(rate, text(&case, "log_rate"), 1.0, &case["long"].to_string());
    }
}

#[test]
fn a_steady_market_runs_at_normal_speed() {
    let mut clock = ClockRate::new(60, 1_440);
    for _ in 0..1_439 {
        clock.push_activity(17).unwrap();
        assert_eq!(clock.log_rate(), None, "the long window is not full");
    }
    clock.push_activity(17).unwrap();
    assert_eq!(clock.log_rate(), Some(Ratio::ZERO));
}

#[test]
fn a_window_without_activity_has_no_clock() {
    let mut clock = ClockRate::new(2, 4);
    for activity in [5, 5, 0, 0] {
        clock.push_activity(activity).unwrap();
    }
    assert_eq!(clock.log_rate(), None, "nothing in the short window");
    clock.push_activity(1).unwrap();
    assert!(clock.log_rate().is_some());
    clock.clear();
    assert_eq!(clock, ClockRate::new(2, 4));
    for _ in 0..9 {
        clock.push_return(Ratio::ZERO).unwrap();
    }
    assert_eq!(clock.log_rate(), None);
}

#[test]
fn a_clock_refuses_what_its_sums_could_not_hold() {
    let mut clock = ClockRate::new(2, 4);
    assert!(clock.push_return(Ratio::from_raw(100_000_000_001)).is_err());
    assert!(clock.push_return(Ratio::from_raw(i64::MIN)).is_err());
    assert!(clock.push_activity(ACTIVITY_MAX + 1).is_err());
    assert_eq!(clock, ClockRate::new(2, 4));
    let mut largest = ClockRate::new(u32::MAX, u32::MAX);
    for _ in 0..WINDOW_BARS_MAX + 3 {
        largest.push_activity(ACTIVITY_MAX).unwrap();
    }
    assert_eq!(largest.log_rate(), Some(Ratio::ZERO));
}

#[test]
fn warped_distances_are_those_of_the_whole_matrix() {
    for case in cases("dtw") {
        let (left, right) = (ratios(&case, "left"), ratios(&case, "right"));
        let band = whole(&case, "band") as usize;
        let distance = dtw_distance(&left, &right, band).unwrap();
        assert_near(distance, text(&case, "distance"), 1.0, &format!("band {band}"));
    }
}

#[test]
fn a_warped_distance_needs_values_and_a_path() {
    let three = [Ratio::ONE; 3];
    let empty = SignalError::TooFew { signal: "warped distance", needed: 1, met: 0 };
    assert_eq!(dtw_distance(&three, &[], 5), Err(empty));
    assert_eq!(dtw_distance(&[], &[], 5), Err(empty));
    let narrow = SignalError::BandTooNarrow { band: 1, needed: 2 };
    assert_eq!(dtw_distance(&three, &three[..1], 1), Err(narrow));
    assert_eq!(dtw_distance(&three, &three[..1], usize::MAX), Ok(Ratio::ZERO));
    let far = [Ratio::from_raw(i64::MIN), Ratio::from_raw(i64::MAX)];
    let met = dtw_distance(&far, &[far[1], far[0]], 0);
    assert_eq!(met, Err(SignalError::OutOfRange { signal: "warped distance" }));
}

proptest! {
    #[test]
    fn the_clock_of_a_long_run_is_that_of_its_last_bars(
        activity in prop::collection::vec(0_u128..1_000_000, 2..80),
        short in 1_u32..10, long in 2_u32..30,
    ) {
        let mut clock = ClockRate::new(short, long);
        activity.iter().for_each(|bar| clock.push_activity(*bar).unwrap());
        let kept = &activity[activity.len().saturating_sub(long as usize)..];
        let mut fresh = ClockRate::new(short, long);
        kept.iter().for_each(|bar| fresh.push_activity(*bar).unwrap());
        prop_assert_eq!(&clock, &fresh);
        let (short, long) = (short.min(long - 1) as usize, long as usize);
        let lately = kept[kept.len().saturating_sub(short)..].iter().sum::<u128>();
        let all = kept.iter().sum::<u128>();
        if kept.len() < long || lately == 0 {
            prop_assert_eq!(clock.log_rate(), None);
        } else {
            let direct = (lately as f64 * long as f64 / (all as f64 * short as f64)).ln() * 1e9;
            let got = clock.log_rate().unwrap().raw() as f64;
            prop_assert!((got - direct).abs() <= 1.0, "{} {}", got, direct);
        }
    }

    #[test]
    fn the_unit_of_activity_is_irrelevant(
        activity in prop::collection::vec(1_u128..1_000_000, 12..40), unit in 2_u128..1_000_000,
    ) {
        let rate = |unit| {
            let mut clock = ClockRate::new(4, 12);
            activity.iter().for_each(|bar| clock.push_activity(*bar * unit).unwrap());
            clock.log_rate().unwrap().raw()
        };
        prop_assert!((rate(1) - rate(unit)).abs() <= 1);
    }

    #[test]
    fn a_warped_distance_is_symmetric_zero_on_itself_and_never_above_the_plain_one(
        pairs in prop::collection::vec((-5_000_000_i64..5_000_000, -5_000_000_i64..5_000_000), 1..40),
        more in prop::collection::vec(-5_000_000_i64..5_000_000, 0..5),
        band in 5_usize..9,
    ) {
        let left: Vec<Ratio> = pairs.iter().map(|(x, _)| Ratio::from_raw(*x)).collect();
        let right: Vec<Ratio> = pairs.iter().map(|(_, y)| Ratio::from_raw(*y)).collect();
        let plain = dtw_distance(&left, &right, 0).unwrap();
        let warped = dtw_distance(&left, &right, band).unwrap();
        prop_assert!(Ratio::ZERO <= warped && warped <= plain);
        prop_assert_eq!(dtw_distance(&left, &left, band), Ok(Ratio::ZERO));
        let longer: Vec<Ratio> = right.iter().copied().chain(more.into_iter().map(Ratio::from_raw)).collect();
        prop_assert_eq!(dtw_distance(&left, &longer, band), dtw_distance(&longer, &left, band));
    }
}

#[test]
fn a_clock_that_is_still_filling_measures_against_the_bars_so_far_and_joins_the_full_one() {
    let mut clock = ClockRate::new(5, 40);
    for bar in 0..120_u128 {
        clock.push_activity(10 + bar * 7 % 13).unwrap();
        let seen: Vec<u128> = clock.values().collect();
        let (so_far, full) = (clock.log_rate_so_far(10), clock.log_rate());
        assert_eq!(so_far.is_some(), seen.len() >= 10, "bar {bar}");
        if full.is_some() {
            assert_eq!(so_far, full);
        } else if let Some(so_far) = so_far {
            let mean = |values: &[u128]| values.iter().sum::<u128>() as f64 / values.len() as f64;
            let direct = (mean(&seen[seen.len() - 5..]) / mean(&seen)).ln();
            assert!((so_far.raw() as f64 / 1e9 - direct).abs() < 1e-9);
        }
    }
}
