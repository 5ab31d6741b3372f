//! Chrono resonance: the sliding transform against the plain sums, Fisher's p against fractions.
//!
//! Tolerances: g within 10^-9 of the direct formula (two units with the rounding of both), phase
//! within 2 * 10^-9 turns where a wave is strong, p within 10^-9 wherever it is trusted.

use proptest::prelude::*;
use schwabot::signals::*;
use schwabot::units::Ratio;

use crate::support::vectors::{assert_near, cases, noise, ratios, small, text, whole};

/// Power of every frequency by the plain double sum, in floats.
fn periodogram(window: &[i64]) -> Vec<f64> {
    let n = window.len();
    let turn = 2.0 * std::f64::consts::PI / n as f64;
    let power = |k: usize| {
        let angle = |j: usize| turn * ((k * j) % n) as f64;
        let re: f64 = window.iter().enumerate().map(|(j, r)| *r as f64 * angle(j).cos()).sum();
        let im: f64 = window.iter().enumerate().map(|(j, r)| *r as f64 * angle(j).sin()).sum();
        re * re + im * im
    };
    (1..=(n - 1) / 2).map(power).collect()
}

/// The largest share by the plain formula.
fn direct_share(window: &[i64]) -> f64 {
    let powers = periodogram(window);
    powers.iter().copied().fold(0.0, f64::max) / powers.iter().sum::<f64>()
}

fn fed(bars: u32, returns: &[i64]) -> ChronoResonance {
    let mut chrono = ChronoResonance::new(bars);
    returns.iter().for_each(|raw| chrono.push(Ratio::from_raw(*raw)).unwrap());
    chrono
}

#[test]
fn the_strongest_wave_is_that_of_the_frozen_vectors() {
    for case in cases("chrono") {
        let returns: Vec<i64> = ratios(&case, "returns").iter().map(|r| r.raw()).collect();
        let bars = small(&case, "bars");
        let found = fed(bars, &returns).resonance().unwrap();
        let what = format!("{bars} of {} bars", returns.len());
        assert_eq!(u64::from(found.frequency), whole(&case, "frequency"), "{what}");
        assert_near(found.share, text(&case, "share"), 1.0, &what);
        assert_near(found.period, text(&case, "period"), 0.5, &what);
        assert_near(found.phase, text(&case, "phase"), 2.0, &what);
    }
}

#[test]
fn a_million_bars_later_the_share_is_still_that_of_the_plain_formula() {
    for bars in [128_u32, 129] {
        let returns: Vec<i64> = noise(7, 20_000_000).take(1_000_000).collect();
        let mut chrono = ChronoResonance::new(bars);
        for (place, raw) in returns.iter().enumerate() {
            chrono.push(Ratio::from_raw(*raw)).unwrap();
            // Just before a restart the error is largest.
            if place % 99_328 == 99_326 || place == returns.len() - 1 {
                let window = &returns[place + 1 - bars as usize..=place];
                let got = chrono.resonance().unwrap().share.raw() as f64;
                let direct = direct_share(window) * 1e9;
                assert!((got - direct).abs() <= 1.0, "bar {place}: {got} {direct}");
            }
        }
    }
}

#[test]
fn a_crash_that_has_left_the_window_leaves_no_trace_worth_a_billionth() {
    let mut returns = vec![0_i64; 100];
    returns.extend(noise(9, 1_000_000).take(200));
    returns.push(-10_000_000_000); // a fall by the factor e^10
    returns.extend(noise(10, 1_000_000).take(200));
    let chrono = fed(64, &returns);
    let direct = direct_share(&returns[returns.len() - 64..]) * 1e9;
    let got = chrono.resonance().unwrap().share.raw() as f64;
    assert!((got - direct).abs() <= 1.0, "{got} {direct}");
}

#[test]
fn a_flat_window_resonates_with_nothing_whatever_stood_before_it() {
    let mut returns: Vec<i64> = noise(3, 1_000_000_000).take(777).collect();
    returns.extend([5; 40]);
    assert_eq!(fed(40, &returns).resonance(), None, "a constant is no wave");
    // Up, down, up, down: all power stands at half the sampling rate, which is no ordinate.
    returns.extend((0..40).map(|bar| if bar % 2 == 0 { 7_000 } else { -7_000 }));
    assert_eq!(fed(40, &returns).resonance(), None);
    assert!(fed(41, &returns).resonance().is_some(), "41 bars do not hold it exactly");
}

#[test]
fn a_cosine_is_found_with_its_period_and_phase() {
    for (k, shift) in [(1_u32, 0.0_f64), (7, 0.25), (20, 0.5), (63, 0.9)] {
        let wave = (0..128).map(|j| {
            let angle = f64::from(k * j) / 128.0 + shift;
            (1e9 * (2.0 * std::f64::consts::PI * angle).cos()).round() as i64
        });
        let found = fed(128, &wave.collect::<Vec<_>>()).resonance().unwrap();
        assert_eq!(found.frequency, k);
        assert_eq!(found.period, Ratio::of_counts(128, u64::from(k)).unwrap());
        assert_near(found.share, "1", 1.0, "share");
        let turns = (found.phase.raw() as f64 / 1e9 - shift + 0.5).rem_euclid(1.0) - 0.5;
        assert!(turns.abs() < 2e-9, "{k}: {found:?}");
    }
}

#[test]
fn there_is_no_answer_before_the_window_is_full_nor_after_a_gap() {
    let mut chrono = ChronoResonance::new(16);
    for raw in noise(1, 1_000_000).take(15) {
        chrono.push(Ratio::from_raw(raw)).unwrap();
        assert_eq!(chrono.resonance(), None);
    }
    chrono.push(Ratio::from_raw(77)).unwrap();
    assert!(chrono.resonance().is_some());
    chrono.clear();
    assert_eq!(chrono, ChronoResonance::new(16));
}

#[test]
fn a_return_beyond_all_use_is_refused_and_changes_nothing() {
    let mut chrono = fed(8, &[1, 2, 3, 4, 5, 6, 7, 9, 8]);
    let before = chrono.clone();
    for raw in [100_000_000_001, i64::MAX, i64::MIN] {
        let refused = Err(SignalError::OutOfRange { signal: "log-return" });
        assert_eq!(chrono.push(Ratio::from_raw(raw)), refused);
    }
    assert_eq!(chrono, before);
}

#[test]
fn a_snapshot_with_too_few_or_too_many_values_is_refused() {
    let chrono = fed(8, &noise(1, 1_000).take(2_000).collect::<Vec<_>>());
    let values: Vec<Ratio> = chrono.values().collect();
    assert_eq!(values.len(), 8 + 1_023);
    assert_eq!(ChronoResonance::rebuilt(8, 2_000, &values), Ok(chrono));
    for (seen, held) in [(2_000, 1_030), (1_030, 1_031), (0, 1)] {
        let met = ChronoResonance::rebuilt(8, seen, &values[..held]);
        assert!(matches!(met, Err(SignalError::LengthMismatch { .. })), "{seen} {held}");
    }
    assert!(ChronoResonance::rebuilt(8, u64::MAX, &values).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sliding_on_equals_taking_the_transform_again(
        returns in prop::collection::vec(-50_000_000_i64..=50_000_000, 5..1_300),
        bars in 5_u32..80,
    ) {
        prop_assume!(returns.len() >= bars as usize);
        let window = &returns[returns.len() - bars as usize..];
        let powers = periodogram(window);
        let found = fed(bars, &returns).resonance().unwrap();
        let got = found.share.raw() as f64;
        let direct = direct_share(window) * 1e9;
        prop_assert!((got - direct).abs() <= 1.0, "{} {}", got, direct);
        // The frequency named is one of the strongest.
        let named = powers[found.frequency as usize - 1];
        let most = powers.iter().copied().fold(0.0, f64::max);
        prop_assert!(named >= most * (1.0 - 1e-9));
        prop_assert!((0..1_000_000_000).contains(&found.phase.raw()));
    }

    #[test]
    fn a_snapshot_goes_on_to_the_last_bit(
        seed in any::<u64>(), bars in 5_u32..200, before in 0_usize..4_000, after in 0_usize..1_500,
    ) {
        let returns: Vec<i64> = noise(seed, 90_000_000).take(before + after).collect();
        let mut lived = fed(bars, &returns[..before]);
        let values: Vec<Ratio> = lived.values().collect();
        let mut rebuilt = ChronoResonance::rebuilt(bars, lived.seen(), &values).unwrap();
        prop_assert_eq!(&lived, &rebuilt);
        for raw in &returns[before..] {
            lived.push(Ratio::from_raw(*raw)).unwrap();
            rebuilt.push(Ratio::from_raw(*raw)).unwrap();
        }
        prop_assert_eq!(&lived, &rebuilt);
    }

    #[test]
    fn neither_a_constant_nor_a_scale_nor_the_sign_changes_the_share(
        returns in prop::collection::vec(-5_000_000_i64..=5_000_000, 60..200),
        shift in -9_000_000_i64..=9_000_000,
        factor in prop::sample::select(vec![-3_i64, -1, 2, 1_000]),
    ) {
        let plain = fed(60, &returns).resonance().unwrap();
        let moved: Vec<i64> = returns.iter().map(|raw| raw * factor + shift).collect();
        let other = fed(60, &moved).resonance().unwrap();
        prop_assert!((plain.share.raw() - other.share.raw()).abs() <= 1);
    }

    #[test]
    fn whatever_comes_a_share_is_a_share(
        returns in prop::collection::vec(-100_000_000_000_i64..=100_000_000_000, 30..90),
        quiet in prop::collection::vec(-1_i64..=1, 0..40),
    ) {
        let all: Vec<i64> = returns.into_iter().chain(quiet).collect();
        let chrono = fed(30, &all);
        if let Some(found) = chrono.resonance() {
            let least = Ratio::ONE.raw() / i64::from(chrono.frequencies());
            prop_assert!((least..=Ratio::ONE.raw()).contains(&found.share.raw()));
            prop_assert!((1..=chrono.frequencies()).contains(&found.frequency));
        }
    }

    #[test]
    fn a_larger_share_is_never_less_surprising(
        m in 2_u32..=2_048, low in 1_i64..=1_000_000_000, high in 1_i64..=1_000_000_000,
    ) {
        let p = |g: i64| fisher_p_value(Ratio::from_raw(g), m).unwrap();
        let (low, high) = (low.min(high), low.max(high));
        prop_assert!((Ratio::ZERO..=Ratio::ONE).contains(&p(low)));
        // One unit for the error of either side.
        prop_assert!(p(high).raw() <= p(low).raw() + 1);
    }
}

#[test]
fn fishers_p_is_that_of_exact_fractions() {
    for case in cases("fisher") {
        let (m, g) = (small(&case, "m"), Ratio::from_raw(whole(&case, "g") as i64));
        let expected = text(&case, "p");
        // Beyond the border of trust p is clipped to one: an error of at most 3 * 10^-5.
        let clipped = m > 127 && expected.parse::<f64>().unwrap() > 0.999_97;
        let units = if clipped { 30_000.0 } else { 1.0 };
        assert_near(fisher_p_value(g, m).unwrap(), expected, units, &format!("m {m}, g {g}"));
    }
}

#[test]
fn fishers_p_has_the_values_of_the_tables() {
    let p = |g: &str, m| fisher_p_value(g.parse().unwrap(), m).unwrap().raw();
    // 129 bars, 64 ordinates: the 5 % point is 0.1072 to its last digit ...
    assert!(p("0.10715", 64) > 50_000_000 && p("0.10725", 64) < 50_000_000);
    // ... and three more, near which a simulation of white noise came (.3007, .0807, .0204).
    for (g, rounded) in [("0.08", 3_019), ("0.1", 823), ("0.12", 203)] {
        assert_eq!((p(g, 64) + 50_000) / 100_000, rounded, "{g}");
    }
    assert_eq!(p("1", 64), 0);
}

#[test]
fn fishers_p_refuses_what_is_no_share() {
    for (g, m) in [("0", 64), ("-0.1", 64), ("1.000000001", 64), ("0.5", 1), ("0.5", 2_049)] {
        let met = fisher_p_value(g.parse().unwrap(), m);
        assert!(matches!(met, Err(SignalError::Outside { .. })), "{g} {m} {met:?}");
    }
}
