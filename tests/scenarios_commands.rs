//! Scenarios S1 to S7: the source documents' own inputs, given as an operator's commands.
//!
//! No market: a run of the triangle BTC/USDC, ETH/BTC, ETH/USDC without a single bar.

use std::collections::BTreeSet;

use schwabot::event::*;
use schwabot::kernel::{self, World};
use schwabot::strategies;
use schwabot::units::Ratio;

use crate::support::documents::*;
use crate::support::runs::{Outcome, run_inputs};

/// The triangle, with cash in both quote currencies, and these settings of the strategy.
pub(crate) fn triangle(settings: &[(&str, &str)]) -> RunConfig {
    let minute = "1m".parse().unwrap();
    let pair = |base, quote| kernel::default_instrument(base, quote, minute);
    let given = settings
        .iter()
        .map(|(name, value)| Parameter { name: (*name).to_owned(), value: (*value).to_owned() });
    let strategy = strategies::canonical("schwabot", &given.collect::<Vec<_>>()).unwrap();
    let pairs = vec![pair("BTC", "USDC"), pair("ETH", "BTC"), pair("ETH", "USDC")];
    kernel::default_config(strategy, pairs)
}

fn answer(settings: &[(&str, &str)], actions: Vec<Action>) -> Outcome {
    let outcome = run_inputs(World::default(), 0, triangle(settings), None, frozen(actions));
    assert_eq!(outcome.world.findings().total(), 0, "{:?}", outcome.world.findings().kept());
    outcome
}

/// The gate of the unit fixture: one case is enough, and any lower bound above zero.
const OPEN_GATE: &[(&str, &str)] =
    &[("gate-cases", "1"), ("gate-bound", "0"), ("gate-edge", "false")];
const ADDITIVE: &[(&str, &str)] = &[("weights", "additive")];

fn count(outcome: &Outcome, name: &str) -> usize {
    outcome.names().into_iter().filter(|met| *met == name).count()
}

#[test]
fn s1_sixteen_events_at_one_frozen_instant_give_sixteen_entries_and_ten_are_impossible() {
    let outcome = answer(&[], demo_events());
    let entries = ["ghost_ignored", "orbit_cycle_run", "bit_flipped", "pair_flip_resolved"];
    assert_eq!(entries.map(|name| count(&outcome, name)), [3, 3, 4, 6]);
    // Nothing but the entries follows, so that no two can fall together.
    assert_eq!(outcome.names().len(), 16);
    let places: BTreeSet<u64> = outcome.log.iter().map(|record| record.sequence).collect();
    let all: BTreeSet<u64> = (0..outcome.log.len() as u64).collect();
    assert_eq!(places, all, "sequences have no gap and no double");
    let times: BTreeSet<_> = outcome.log.iter().map(|record| record.time).collect();
    assert_eq!(times.len(), 1, "one frozen instant");
    // Equal commands stay two: the second flip of 5 is another entry.
    let again = answer(&[], [bit_flips(), bit_flips()].concat());
    assert_eq!(count(&again, "bit_flipped"), 8);
}

#[test]
fn s2_a_bit_flip_is_the_complement_and_twice_gives_the_word_back() {
    let outcome = answer(&[], bit_flips());
    let flips: Vec<(u64, u64)> = outcome
        .derived()
        .filter_map(|event| match event {
            Event::BitFlipped(flip) => Some((flip.word, flip.complement)),
            _ => None,
        })
        .collect();
    assert_eq!(flips, [(5, 10), (10, 5), (255, 0), (15, 0)]);
}

#[test]
fn s3_an_empty_memory_triggers_nothing() {
    for settings in [&[][..], OPEN_GATE] {
        let outcome = answer(settings, ghost_events());
        let reasons: Vec<IgnoreReason> = outcome
            .derived()
            .filter_map(|event| match event {
                Event::GhostIgnored(ignored) => Some(ignored.reason),
                _ => None,
            })
            .collect();
        assert_eq!(reasons, [IgnoreReason::NoEvidence; 3]);
        assert_eq!(count(&outcome, "ghost_triggered"), 0);
    }
}

#[test]
fn s4_under_the_open_gate_one_ghost_passes_and_its_order_is_refused_for_want_of_a_price() {
    let outcome = answer(OPEN_GATE, [memory_updates(), ghost_events()].concat());
    let triggered: Vec<&GhostTriggered> = outcome
        .derived()
        .filter_map(|event| match event {
            Event::GhostTriggered(triggered) => Some(triggered.as_ref()),
            _ => None,
        })
        .collect();
    let [only] = triggered[..] else { panic!("{} triggered", triggered.len()) };
    assert_eq!(only.key.leg.to_string(), "BTC→ETH");
    assert_eq!((only.cases, only.successes), (1, 1));
    assert!(only.lower_bound.to_string().starts_with("0.2065"), "{}", only.lower_bound);
    assert_eq!(count(&outcome, "ghost_ignored"), 2);
    assert_eq!(outcome.refusals(), [RefusalReason::NoPrice]);
    let report = outcome.world.run().unwrap().engines().unwrap().ghosts.report();
    assert_eq!((report.firings, report.triggered), (3, 1));
    assert_eq!(
        Ratio::of_counts(report.triggered, report.firings).unwrap().to_string(),
        "0.333333333"
    );
}

#[test]
fn s4_under_the_default_gate_the_same_inputs_trigger_nothing() {
    let outcome = answer(&[], [memory_updates(), ghost_events()].concat());
    assert_eq!(count(&outcome, "ghost_triggered"), 0);
    let reasons: Vec<IgnoreReason> = outcome
        .derived()
        .filter_map(|event| match event {
            Event::GhostIgnored(ignored) => Some(ignored.reason),
            _ => None,
        })
        .collect();
    let [few, none] = [IgnoreReason::TooFew, IgnoreReason::NoEvidence];
    assert_eq!(reasons, [few, none, none]);
}

fn cycles(outcome: &Outcome) -> Vec<&OrbitCycleRun> {
    let cycles = outcome.derived().filter_map(|event| match event {
        Event::OrbitCycleRun(cycle) => Some(cycle.as_ref()),
        _ => None,
    });
    cycles.collect()
}

/// What the earlier code called profit: a hundredth of the weights it walked. Nothing in the
/// library computes it.
fn legacy_profit(cycle: &OrbitCycleRun) -> String {
    assert_eq!(cycle.weight_walked.raw() % 100, 0);
    Ratio::from_raw(cycle.weight_walked.raw() / 100).to_string()
}

fn walked(cycle: &OrbitCycleRun) -> usize {
    cycle.legs.iter().filter(|leg| leg.action == LegAction::Walked).count()
}

#[test]
fn s5_three_orbit_cycles_walk_the_weights_that_were_learned_between_them() {
    let learn = || {
        [("BTC→ETH", 4, "0.1"), ("ETH→USDC", 4, "-0.05"), ("BTC→USDC", 8, "0.2")]
            .map(|(walk, bits, delta)| weight(walk, bits, delta))
    };
    let cycle = || std::iter::once(orbit(true)).chain(learn());
    let outcome = answer(ADDITIVE, (0..3).flat_map(|_| cycle()).collect());
    let cycles = cycles(&outcome);
    let volumes: Vec<String> = cycles.iter().map(|cycle| cycle.weight_walked.to_string()).collect();
    assert_eq!(volumes, ["4", "4.05", "4.1"]);
    assert_eq!(cycles.iter().map(|cycle| walked(cycle)).collect::<Vec<_>>(), [4, 4, 4]);
    let profits: Vec<String> = cycles.iter().map(|cycle| legacy_profit(cycle)).collect();
    assert_eq!(profits, ["0.04", "0.0405", "0.041"]);
    let total: i64 = cycles.iter().map(|cycle| cycle.weight_walked.raw() / 100).sum();
    assert_eq!(Ratio::from_raw(total / cycles.len() as i64).to_string(), "0.0405");
    let orbits = &outcome.world.run().unwrap().engines().unwrap().orbits;
    let final_weight = |walk, bits| orbits.weight(&leg(walk), bits).unwrap().to_string();
    assert_eq!(final_weight("BTC→ETH", 4), "1.3");
    assert_eq!(final_weight("ETH→USDC", 4), "0.85");
    assert_eq!(final_weight("BTC→USDC", 8), "1.6");
    assert_eq!(orbits.report().cycles, 3, "changes of weights are no orbits");
}

#[test]
fn s6_a_leg_without_a_quote_is_held() {
    let outcome = answer(ADDITIVE, vec![orbit(false)]);
    let cycles = cycles(&outcome);
    assert_eq!((walked(cycles[0]), cycles[0].weight_walked.to_string().as_str()), (3, "3"));
    assert_eq!(legacy_profit(cycles[0]), "0.03");
}

#[test]
fn s7_a_light_leg_is_held_a_weight_stops_at_zero_and_the_old_one_is_told_truly() {
    let light = vec![weight("BTC→ETH", 4, "-0.8"), orbit(true)];
    let outcome = answer(ADDITIVE, light);
    let held = cycles(&outcome)[0].legs.iter().find(|l| l.action == LegAction::HeldWeight);
    assert_eq!(held.unwrap().weight.unwrap().to_string(), "0.2");
    let outcome = answer(ADDITIVE, vec![weight("BTC→ETH", 4, "-0.8"), weight("BTC→ETH", 4, "-3")]);
    let changes: Vec<(String, String)> = outcome
        .derived()
        .filter_map(|event| match event {
            Event::VolumeWeightsChanged(c) => Some((c.old.to_string(), c.new.to_string())),
            _ => None,
        })
        .collect();
    let pair = |old: &str, new: &str| (old.to_owned(), new.to_owned());
    assert_eq!(changes, [pair("1", "0.2"), pair("0.2", "0")]);
}

#[test]
fn a_command_that_cannot_be_carried_out_is_answered() {
    let wide = Action::FlipBits { word: 16, word_bits: 4 };
    let outcome = answer(&[], vec![wide, weight("BTC→ETH", 4, "1")]);
    let reasons: Vec<CommandRefusal> = outcome
        .derived()
        .filter_map(|event| match event {
            Event::CommandRefused(refused) => Some(refused.reason),
            _ => None,
        })
        .collect();
    assert_eq!(reasons, [CommandRefusal::BadWord, CommandRefusal::WeightsLearn]);
    let config = crate::support::runs::config("sma-cross", 1);
    let outcome = run_inputs(World::default(), 0, config, None, frozen(bit_flips()));
    assert_eq!(outcome.names(), ["command_refused"; 4], "sma-cross takes no commands");
}
