//! Formulas: known values, agreement with direct recomputation, refusal of what has no answer.

use proptest::prelude::*;
use schwabot::signals::*;
use schwabot::units::{Price, Quantity, Ratio};

#[test]
fn a_log_return_has_the_value_of_the_tables() {
    let ln = |from: &str, to: &str| {
        ln_return(from.parse().unwrap(), to.parse().unwrap()).unwrap().to_string()
    };
    assert_eq!(ln("1", "2"), "0.693147181");
    assert_eq!(ln("2", "1"), "-0.693147181");
    assert_eq!(ln("100", "100"), "0");
    assert_eq!(ln("0.000000000001", "1"), "27.631021116"); // 12 ln 10
    let widest = ln_return(Price::from_raw(1), Price::MAX).unwrap();
    assert_eq!(widest.to_string(), "88.029691931"); // 127 ln 2
}

#[test]
fn a_price_of_nothing_has_no_log_return() {
    let refused = Err(SignalError::NotPositive { input: "a price" });
    assert_eq!(ln_return(Price::ZERO, Price::ONE), refused);
    assert_eq!(ln_return(Price::ONE, Price::from_raw(-1)), refused);
}

proptest! {
    #[test]
    fn a_window_forgets_exactly_what_left_it(
        values in prop::collection::vec(-100_000_000_000_i64..=100_000_000_000, 2..80),
        bars in 2_u32..12,
    ) {
        let mut window = ReturnWindow::new(bars);
        for (place, value) in values.iter().enumerate() {
            window.push(Ratio::from_raw(*value)).unwrap();
            let kept = &values[(place + 1).saturating_sub(bars as usize)..=place];
            let mut fresh = ReturnWindow::new(bars);
            kept.iter().for_each(|value| fresh.push(Ratio::from_raw(*value)).unwrap());
            prop_assert_eq!(&window, &fresh);
            if kept.len() >= 2 {
                let count = kept.len() as f64;
                let mean = kept.iter().map(|v| *v as f64).sum::<f64>() / count;
                let scatter = kept.iter().map(|v| (*v as f64 - mean).powi(2)).sum::<f64>();
                let direct = (scatter / (count - 1.0)).sqrt();
                let got = window.deviation().unwrap().raw() as f64;
                prop_assert!((got - direct).abs() <= 1.0 + direct * 1e-9, "{got} {direct}");
            } else {
                prop_assert_eq!(window.deviation(), None);
            }
        }
    }

    #[test]
    fn a_mean_volume_is_that_of_the_newest_bars(
        values in prop::collection::vec(0_i128..=VOLUME_MAX.raw(), 1..50),
        bars in 1_u32..9,
    ) {
        let mut window = VolumeWindow::new(bars);
        for (place, value) in values.iter().enumerate() {
            window.push(Quantity::from_raw(*value)).unwrap();
            let kept = &values[(place + 1).saturating_sub(bars as usize)..=place];
            let sum: i128 = kept.iter().sum();
            prop_assert_eq!(window.mean().unwrap().raw(), sum / kept.len() as i128);
        }
    }

    #[test]
    fn impact_grows_with_size_and_shrinks_with_volume(
        size in 0_i128..i128::MAX / 2,
        volume in 1_i128..i128::MAX / 2,
    ) {
        let impact = |size, volume| {
            square_root_impact(Ratio::ONE, Ratio::from_raw(1_000), size, volume)
        };
        if let (Ok(one), Ok(more)) = (impact(size, volume), impact(size * 2, volume)) {
            prop_assert!(one <= more);
        }
        if let (Ok(one), Ok(less)) = (impact(size, volume), impact(size, volume * 2)) {
            prop_assert!(less <= one);
        }
    }

    #[test]
    fn a_python_float_reads_back_as_the_same_double(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        let text = python_float_text(&format!("{value:e}"));
        let plain = value == 0.0 || (1e-4..1e16).contains(&value.abs());
        prop_assert_eq!(text.is_some(), plain);
        if let Some(text) = text {
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), bits);
            prop_assert!(text.contains('.') && !text.contains('e'));
        }
    }
}

#[test]
fn a_window_refuses_what_its_sums_could_not_hold_and_stays_as_it_was() {
    let mut returns = ReturnWindow::new(3);
    assert!(returns.push(Ratio::from_raw(100_000_000_001)).is_err());
    assert!(returns.push(Ratio::from_raw(i64::MIN)).is_err());
    assert!(returns.is_empty());
    let mut volumes = VolumeWindow::new(3);
    assert!(volumes.push(Quantity::from_raw(-1)).is_err());
    assert!(volumes.push(Quantity::MAX).is_err());
    assert_eq!(volumes.mean(), None);
}

#[test]
fn a_window_asked_to_be_endless_takes_no_memory_for_it() {
    let mut window = ReturnWindow::new(u32::MAX);
    for _ in 0..WINDOW_BARS_MAX + 5 {
        window.push(Ratio::from_raw(100_000_000_000)).unwrap();
    }
    assert_eq!(window.len(), WINDOW_BARS_MAX as usize);
    assert_eq!(window.deviation(), Some(Ratio::ZERO));
}

#[test]
fn impact_is_refused_without_volume_or_beyond_its_scale() {
    let one = Ratio::ONE;
    assert!(square_root_impact(one, one, 1, 0).is_err());
    assert!(square_root_impact(one, one, -1, 1).is_err());
    assert_eq!(
        square_root_impact(Ratio::MAX, Ratio::MAX, i128::MAX, 1),
        Err(SignalError::OutOfRange { signal: "impact" })
    );
    assert_eq!(square_root_impact(one, one, 4, 1), Ok("2".parse().unwrap()));
}

#[test]
fn python_float_text_follows_the_known_examples() {
    let cases = [
        ("50.0", Some("50.0")),
        ("1752166552.0024238", Some("1752166552.0024238")),
        ("0.0001", Some("0.0001")),
        ("0.00009999", None),
        ("9999999999999998", Some("9999999999999998.0")),
        ("1e16", None),
        ("0", Some("0.0")),
        ("-0", Some("-0.0")),
        ("0.1", Some("0.1")),
        ("9007199254740993", Some("9007199254740992.0")), // a tie: to the even double
        ("1e400", None),
        ("inf", None),
        ("NaN", None),
        ("", None),
        ("1_000", None),
    ];
    for (text, expected) in cases {
        assert_eq!(python_float_text(text).as_deref(), expected, "{text}");
    }
}
