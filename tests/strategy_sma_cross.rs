//! sma-cross: when it may fire, what a tie is, which parameters it takes.

use proptest::prelude::*;
use schwabot::event::*;
use schwabot::strategies::{self, StrategyError};

use crate::support::runs::*;

fn parameters(given: &[(&str, &str)]) -> Vec<Parameter> {
    let parameter =
        |&(name, value): &(&str, &str)| Parameter { name: name.into(), value: value.into() };
    given.iter().map(parameter).collect()
}

fn sma(given: &[(&str, &str)]) -> RunConfig {
    let mut config = frictionless("sma-cross", 1);
    config.strategy = strategies::canonical("sma-cross", &parameters(given)).unwrap();
    config
}

/// Zero-based bars at which a cross fired, with its direction.
fn crosses(outcome: &Outcome) -> Vec<(usize, Direction)> {
    let mut bars = 0;
    let mut found = Vec::new();
    for record in &outcome.log {
        match &record.event {
            Event::Bar(_) => bars += 1,
            Event::SignalFired(signal) => found.push((bars - 1, signal.direction)),
            _ => {}
        }
    }
    found
}

fn bars_of(closes: &[i64]) -> Vec<Bar> {
    let one = |(minute, close): (usize, &i64)| {
        bar(0, minute as i64, &close.to_string(), &close.to_string())
    };
    closes.iter().enumerate().map(one).collect()
}

#[test]
fn the_first_cross_is_possible_at_index_fifty_and_not_before() {
    // Falling for 49 bars, so that fast is below slow at index 49; one high bar turns it.
    let mut closes: Vec<i64> = (0..50).map(|n| 1_000 - n).collect();
    closes.push(9_000);
    let outcome = run(sma(&[]), None, &bars_of(&closes));
    assert_eq!(crosses(&outcome), [(50, Direction::Up)]);
    // The same turn one bar earlier has no mean before it to be compared with.
    closes.remove(0);
    closes.push(9_000);
    assert_eq!(crosses(&run(sma(&[]), None, &bars_of(&closes))), []);
}

#[test]
fn equal_means_are_not_above_and_not_below() {
    // fast 1, slow 2: above means that the close is above the close before.
    let config = || sma(&[("fast", "1"), ("slow", "2")]);
    let found = |closes: &[i64]| crosses(&run(config(), None, &bars_of(closes)));
    assert_eq!(found(&[10, 10, 11]), [(2, Direction::Up)], "from a tie upwards is a cross");
    assert_eq!(found(&[10, 10, 9]), [(2, Direction::Down)], "from a tie downwards is a cross");
    assert_eq!(found(&[10, 9, 9]), [], "into a tie is none");
    assert_eq!(found(&[9, 10, 10, 11]), [(3, Direction::Up)], "leaving a tie is one again");
    assert_eq!(found(&[9, 10, 11, 12]), [], "staying above is none");
}

#[test]
fn it_buys_once_and_sells_all_that_it_holds() {
    let config = sma(&[("fast", "1"), ("slow", "2"), ("quantity", "3")]);
    let outcome = run(config, None, &bars_of(&[10, 10, 11, 12, 11, 10, 9]));
    let names = [
        "signal_fired",
        "order_placed",
        "order_filled", // up at 11, filled at the open of 12
        "signal_fired",
        "order_placed",
        "order_filled",
        "trade_closed", // down at 11, filled at 10
        "state_root",
        "run_ended",
    ];
    assert_eq!(outcome.names(), names);
    let trade = outcome.trades()[0];
    assert_eq!(trade.trigger, Some(Trigger::Cross));
    assert_eq!((trade.entry.price, trade.exit.price), (price("12"), price("10")));
    assert_eq!(trade.gross.to_string(), "-6");
}

#[test]
fn the_default_size_is_ninety_five_percent_of_equity() {
    let config = sma(&[("fast", "1"), ("slow", "2")]);
    let outcome = run(config, None, &bars_of(&[10, 10, 19, 19]));
    assert_eq!(outcome.fills()[0].quantity, quantity("500")); // 9,500 / 19
}

#[test]
fn a_watched_pair_makes_no_signal() {
    let mut config = sma(&[("fast", "1"), ("slow", "2")]);
    config.instruments[0].tradable = false;
    assert_eq!(run(config, None, &bars_of(&[10, 10, 11, 9])).names(), ["state_root", "run_ended"]);
}

proptest! {
    #[test]
    fn crosses_are_those_of_means_computed_anew_for_every_bar(
        closes in prop::collection::vec(50_i64..60, 0..60),
        fast in 1_usize..6,
        more in 1_usize..6,
    ) {
        let slow = fast + more;
        let config = sma(&[("fast", &fast.to_string()), ("slow", &slow.to_string()), ("quantity", "1")]);
        let outcome = run(config, None, &bars_of(&closes));
        // fast mean - slow mean, times fast * slow.
        let difference = |end: usize| {
            let sum = |bars: usize| closes[end + 1 - bars..=end].iter().sum::<i64>();
            sum(fast) * slow as i64 - sum(slow) * fast as i64
        };
        let mut expected = Vec::new();
        for now in slow..closes.len() {
            match (difference(now - 1), difference(now)) {
                (before, after) if before <= 0 && after > 0 => expected.push((now, Direction::Up)),
                (before, after) if before >= 0 && after < 0 => expected.push((now, Direction::Down)),
                _ => {}
            }
        }
        prop_assert_eq!(crosses(&outcome), expected);
    }
}

#[test]
fn parameters_are_completed_sorted_and_written_in_one_form() {
    let given = parameters(&[("slow", "030"), ("quantity", "1.500")]);
    let config = strategies::canonical("sma-cross", &given).unwrap();
    assert_eq!(
        config.parameters,
        parameters(&[("fast", "10"), ("quantity", "1.5"), ("slow", "30")])
    );
    assert_eq!(strategies::canonical("sma-cross", &config.parameters), Ok(config));
}

#[test]
fn parameters_that_make_no_sense_are_refused_by_name() {
    let refused = |given: &[(&str, &str)]| {
        strategies::canonical("sma-cross", &parameters(given)).unwrap_err().to_string()
    };
    assert_eq!(refused(&[("speed", "1")]), "strategy `sma-cross` has no parameter `speed`");
    assert_eq!(refused(&[("fast", "1"), ("fast", "2")]), "parameter `fast` is given twice");
    assert!(refused(&[("fast", "0")]).starts_with("parameter `fast` = `0`"));
    assert!(refused(&[("fast", "-3")]).starts_with("parameter `fast` = `-3`"));
    assert!(refused(&[("slow", "10")]).contains("must be above fast = 10"));
    assert!(refused(&[("slow", "4000000000")]).contains("at most 10000"));
    assert!(refused(&[("fraction", "1.1")]).contains("at most 1"));
    assert!(refused(&[("fraction", "0")]).contains("above 0"));
    assert!(refused(&[("quantity", "0")]).contains("must be positive"));
    assert!(refused(&[("quantity", "1"), ("fraction", "0.5")]).contains("either"));
}

#[test]
fn an_unknown_strategy_is_named_in_the_error() {
    let unknown = strategies::canonical("martingale", &[]).unwrap_err();
    assert!(matches!(&unknown, StrategyError::Unknown { name, .. } if name == "martingale"));
}

#[test]
fn settings_that_are_not_written_out_are_refused_in_a_recorded_run() {
    let mut config = sma(&[]);
    config.strategy.parameters.pop();
    let error = strategies::build(&config.strategy, &config).err().unwrap();
    assert!(matches!(error, StrategyError::NotCanonical { .. }));
}
