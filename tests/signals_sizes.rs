//! Sizes and edges after costs: Kelly, net edge, walks through currencies.
//!
//! Tolerance: one unit of 10^-9 unless an assertion is exact.

use proptest::prelude::*;
use schwabot::signals::*;
use schwabot::units::{Price, Ratio};

use crate::support::vectors::{assert_near, cases, ratios, text, whole};

fn moments(values: &[Ratio]) -> Moments {
    let mut moments = Moments::default();
    values.iter().for_each(|value| moments.push(*value).unwrap());
    moments
}

#[test]
fn stakes_are_those_of_the_frozen_vectors() {
    for case in cases("kelly") {
        let ratio = |name| Ratio::from_raw(whole(&case, name) as i64);
        let returns = moments(&ratios(&case, "returns"));
        let size = capped_kelly(&returns, ratio("share"), ratio("cap")).unwrap();
        assert_near(size.fraction, text(&case, "fraction"), 1.0, "fraction");
        assert_near(size.expected_net_return, text(&case, "mean"), 0.5, "mean");
        assert_near(size.variance, text(&case, "variance"), 1.0, "variance");
        assert_eq!(Some(size.cap_hit), case["cap_hit"].as_bool());
    }
}

#[test]
fn a_stake_needs_returns_that_vary_and_a_share_and_cap_that_mean_something() {
    let quarter = Ratio::from_raw(250_000_000);
    let (one, zero) = (Ratio::ONE, Ratio::ZERO);
    let few = SignalError::TooFew { signal: "a stake", needed: 2, met: 1 };
    assert_eq!(capped_kelly(&moments(&[one]), quarter, quarter), Err(few));
    let flat = SignalError::NoVariance { input: "the net returns" };
    assert_eq!(capped_kelly(&moments(&[one, one, one]), quarter, quarter), Err(flat));
    let fine = moments(&[one, zero]);
    let over = Ratio::from_raw(1_000_000_001);
    for (share, cap) in [(zero, one), (over, one), (one, over), (one, Ratio::from_raw(-1))] {
        let met = capped_kelly(&fine, share, cap);
        assert!(matches!(met, Err(SignalError::Outside { .. })), "{share} {cap}");
    }
    // Two returns a unit apart: a variance that rounds to zero is still one.
    let near = moments(&[Ratio::from_raw(5), Ratio::from_raw(6)]);
    let size = capped_kelly(&near, quarter, quarter).unwrap();
    assert_eq!((size.fraction, size.cap_hit, size.variance), (quarter, true, zero));
}

#[test]
fn an_edge_is_exact_and_refuses_a_probability_above_one() {
    let edge = |values: [&str; 4]| {
        let [p, win, loss, costs] = values.map(|value| value.parse().unwrap());
        expected_net_edge(p, win, loss, costs)
    };
    let exact = |values, shown: &str| assert_eq!(edge(values), Ok(shown.parse().unwrap()));
    exact(["0.5", "0.02", "0.01", "0.001"], "0.004");
    exact(["1", "0.02", "9", "0.02"], "0");
    exact(["0", "9", "0.01", "0.002"], "-0.012");
    exact(["0.5", "0.000000001", "0", "0"], "0"); // half a unit: to even
    exact(["0.5", "0.000000003", "0", "0"], "0.000000002");
    for bad in [["1.1", "0", "0", "0"], ["-0.1", "0", "0", "0"], ["0.5", "-1", "0", "0"]] {
        assert!(matches!(edge(bad), Err(SignalError::Outside { .. })));
    }
    let most = Ratio::MAX;
    assert!(expected_net_edge(Ratio::ZERO, most, most, most).is_err());
}

fn legs(case: &serde_json::Value) -> Vec<CycleLeg> {
    let leg = |leg: &serde_json::Value| {
        let part = |place: usize| leg[place].as_str().unwrap();
        let price = part(1).parse().unwrap();
        let rate = if part(0) == "sell" { LegRate::Sell(price) } else { LegRate::Buy(price) };
        CycleLeg { rate, fee: part(2).parse().unwrap(), slippage: part(3).parse().unwrap() }
    };
    case["legs"].as_array().unwrap().iter().map(leg).collect()
}

#[test]
fn walks_return_what_the_frozen_vectors_say() {
    for case in cases("cycles") {
        let got = cycle_log_return(&legs(&case)).unwrap();
        assert_near(got, text(&case, "log_return"), 1.0, "walk");
    }
}

#[test]
fn the_known_triangle_earns_one_way_and_loses_the_other() {
    let leg = |rate| CycleLeg { rate, fee: Ratio::ZERO, slippage: Ratio::ZERO };
    let price = |text: &str| text.parse::<Price>().unwrap();
    let there = [
        leg(LegRate::Sell(price("45000"))),
        leg(LegRate::Buy(price("2000"))),
        leg(LegRate::Sell(price("0.05"))),
    ];
    assert_near(cycle_log_return(&there).unwrap(), &1.125_f64.ln().to_string(), 1.0, "gross");
    let fee = Ratio::from_raw(1_000_000);
    let paid = there.map(|leg| CycleLeg { fee, ..leg });
    let net = 1.125_f64 * 0.999_f64.powi(3);
    assert!((net - 1.121628).abs() < 5e-7);
    assert_near(cycle_log_return(&paid).unwrap(), &net.ln().to_string(), 1.0, "net");
    // The other way: 20 * 2000 * 0.000022 = 0.88.
    let back = [
        leg(LegRate::Sell(price("20"))),
        leg(LegRate::Sell(price("2000"))),
        leg(LegRate::Sell(price("0.000022"))),
    ];
    assert_near(cycle_log_return(&back).unwrap(), &0.88_f64.ln().to_string(), 1.0, "back");
}

#[test]
fn a_walk_needs_legs_prices_and_costs_below_one() {
    let leg = CycleLeg { rate: LegRate::Buy(Price::ONE), fee: Ratio::ZERO, slippage: Ratio::ZERO };
    assert!(matches!(cycle_log_return(&[]), Err(SignalError::TooFew { .. })));
    for rate in [LegRate::Buy(Price::ZERO), LegRate::Sell(Price::from_raw(-5))] {
        let refused = SignalError::NotPositive { input: "a price" };
        assert_eq!(cycle_log_return(&[CycleLeg { rate, ..leg }]), Err(refused));
        assert_eq!(negative_log_rate(rate), Err(refused));
    }
    for cost in [Ratio::ONE, Ratio::from_raw(-1)] {
        assert!(cycle_log_return(&[CycleLeg { fee: cost, ..leg }]).is_err());
        assert!(cycle_log_return(&[CycleLeg { slippage: cost, ..leg }]).is_err());
    }
    assert_eq!(cycle_log_return(&[leg]), Ok(Ratio::ZERO));
}

proptest! {
    #[test]
    fn a_stake_stays_between_nothing_and_the_cap_and_follows_the_mean(
        raws in prop::collection::vec(-300_000_000_i64..300_000_000, 2..60),
        share in 1_i64..=1_000_000_000, cap in 0_i64..=1_000_000_000,
    ) {
        let values: Vec<Ratio> = raws.iter().map(|raw| Ratio::from_raw(*raw)).collect();
        let (share, cap) = (Ratio::from_raw(share), Ratio::from_raw(cap));
        match capped_kelly(&moments(&values), share, cap) {
            Err(error) => prop_assert_eq!(error, SignalError::NoVariance { input: "the net returns" }),
            Ok(size) => {
                prop_assert!((Ratio::ZERO..=cap).contains(&size.fraction));
                prop_assert!(!size.cap_hit || size.fraction == cap);
                if raws.iter().sum::<i64>() <= 0 {
                    prop_assert_eq!(size.fraction, Ratio::ZERO);
                }
            }
        }
    }

    #[test]
    fn there_and_back_costs_exactly_the_costs(
        raw in 1_i128..10_i128.pow(24), fee in 0_i64..900_000_000, slippage in 0_i64..900_000_000,
    ) {
        let price = Price::from_raw(raw);
        let (fee, slippage) = (Ratio::from_raw(fee), Ratio::from_raw(slippage));
        let walk = [LegRate::Buy(price), LegRate::Sell(price)]
            .map(|rate| CycleLeg { rate, fee, slippage });
        let got = cycle_log_return(&walk).unwrap();
        prop_assert!(got <= Ratio::ZERO, "a pair and its flip are never an opportunity");
        let left = |cost: Ratio| (1.0 - cost.raw() as f64 / 1e9).ln() * 1e9;
        let direct = 2.0 * (left(fee) + left(slippage));
        prop_assert!((got.raw() as f64 - direct).abs() <= 1.0);
        let weights = [LegRate::Buy(price), LegRate::Sell(price)].map(|rate| negative_log_rate(rate).unwrap().raw());
        prop_assert_eq!(weights[0], -weights[1]);
    }
}
