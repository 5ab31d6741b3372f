//! The three engines: gate, weights, walks, words, and the predictor that says when it has nothing
//! to say.

use proptest::prelude::*;
use schwabot::engines::*;
use schwabot::event::*;
use schwabot::kernel;
use schwabot::signals::UpDownWord;
use schwabot::units::{Price, Ratio};

use crate::support::documents::{key, leg, ratio};
use crate::support::runs::{Dice, at, price, quantity};

fn settings() -> EngineSettings {
    let minute = "1m".parse().unwrap();
    let pair = |base, quote| kernel::default_instrument(base, quote, minute);
    EngineSettings {
        word_bits: 4,
        gate: GateSettings::default(),
        rule: WeightRule::Exponentiated,
        orbit_legs_max: 3,
        fee_rate: ratio("0.001"),
        half_spread: Ratio::ZERO,
        instruments: vec![pair("BTC", "USDC"), pair("ETH", "BTC"), pair("ETH", "USDC")],
    }
}

fn engines() -> Engines {
    Engines::new(&settings()).unwrap()
}

fn spike() -> EvidenceKey {
    key("USDC→BTC", Trigger::PriceSpike, 4)
}

/// Remembers cases of a key.
fn remember(ghosts: &mut GhostEngine, key: &EvidenceKey, net: &str, times: u64) {
    let net_return = ratio(net);
    for _ in 0..times {
        let (key, success) = (key.clone(), net_return.is_positive());
        ghosts.fold_memory(&PairMemoryAppended { key, net_return, success }).unwrap();
    }
}

#[test]
fn the_gate_asks_for_cases_then_for_the_bound_then_for_an_edge() {
    let mut ghosts = engines().ghosts;
    let refusal = |ghosts: &GhostEngine| ghosts.judge(&spike()).refusal;
    assert_eq!(refusal(&ghosts), Some(IgnoreReason::NoEvidence));
    remember(&mut ghosts, &spike(), "0.01", 19);
    assert_eq!(refusal(&ghosts), Some(IgnoreReason::TooFew));
    remember(&mut ghosts, &spike(), "0.01", 1);
    assert_eq!(refusal(&ghosts), None);
    // Ten losses, and the share of winners is no longer surely above one half.
    remember(&mut ghosts, &spike(), "-0.001", 10);
    assert_eq!(refusal(&ghosts), Some(IgnoreReason::Bound));
    remember(&mut ghosts, &spike(), "0.01", 60);
    assert_eq!(refusal(&ghosts), None);
    remember(&mut ghosts, &spike(), "-0.5", 4);
    assert_eq!(refusal(&ghosts), Some(IgnoreReason::NoEdge), "many small wins, few ruinous losses");
}

#[test]
fn losses_count_and_the_word_is_no_part_of_the_key() {
    let mut ghosts = engines().ghosts;
    remember(&mut ghosts, &spike(), "0.01", 30);
    let judged = ghosts.judge(&spike());
    assert_eq!((judged.cases, judged.successes), (30, 30));
    assert!(judged.lower_bound.unwrap() > ratio("0.88"));
    let down = EvidenceKey { direction: Direction::Down, ..spike() };
    let wide = EvidenceKey { word_bits: 8, ..spike() };
    for other in [down, wide, key("USDC→ETH", Trigger::PriceSpike, 4)] {
        assert_eq!(ghosts.judge(&other).refusal, Some(IgnoreReason::NoEvidence), "{other}");
    }
    remember(&mut ghosts, &spike(), "-0.02", 30);
    let judged = ghosts.judge(&spike());
    assert_eq!(judged.confidence, ratio("0.5"));
    assert_eq!(judged.mean_net_return, Some(ratio("-0.005")));
    // 31/62 of 0.01 less 31/62 of 0.02.
    assert_eq!(judged.expected_net_edge, ratio("-0.005"));
}

#[test]
fn a_family_of_keys_shares_its_level() {
    let mut wide = settings();
    wide.gate.family = Family::Bonferroni;
    let mut ghosts = Engines::new(&wide).unwrap().ghosts;
    remember(&mut ghosts, &spike(), "0.01", 15);
    remember(&mut ghosts, &spike(), "-0.001", 5);
    let alone = ghosts.judge(&spike());
    assert_eq!(alone.refusal, None);
    for bits in 5..25 {
        remember(&mut ghosts, &key("USDC→BTC", Trigger::PriceSpike, bits), "0.01", 1);
    }
    let together = ghosts.judge(&spike());
    assert!(together.lower_bound < alone.lower_bound);
    assert_eq!(together.refusal, Some(IgnoreReason::Bound));
}

fn opened(ghost: u64) -> GhostOpened {
    GhostOpened {
        ghost,
        pair: PairId(0),
        key: spike(),
        word: Some(5),
        strength: None,
        quantity: quantity("1"),
        features: Features::default(),
        vector: vec![],
        up_probability: None,
        weight: None,
    }
}

fn due(ghost: u64) -> GhostExitDue {
    GhostExitDue { ghost, reason: OrderReason::Horizon, gap: false }
}

#[test]
fn a_ghost_leaves_its_case_once_and_only_when_it_closes() {
    let mut ghosts = engines().ghosts;
    ghosts.fold_opened(&opened(1), at(0)).unwrap();
    assert!(ghosts.fold_exit_due(&due(1)).is_err(), "it was not entered");
    let (slippage, time) = (Ratio::ZERO, at(1));
    let entered = GhostEntered { ghost: 1, price: price("100"), slippage, time };
    ghosts.fold_entered(&entered).unwrap();
    assert!(ghosts.fold_entered(&entered).is_err(), "twice");
    assert!(ghosts.fold_opened(&opened(2), at(2)).is_err(), "the key has an open ghost");
    ghosts.fold_exit_due(&due(1)).unwrap();
    let (net_return, net_log_return) =
        schwabot::signals::net_return(price("100"), price("102"), ratio("0.001")).unwrap();
    let closed = GhostClosed {
        ghost: 1,
        key: spike(),
        price: price("102"),
        slippage,
        time: at(9),
        net_return,
        net_log_return,
        success: true,
    };
    assert_eq!(ghosts.judge(&spike()).cases, 0, "an open ghost is no evidence");
    ghosts.fold_closed(&closed).unwrap();
    assert_eq!(ghosts.judge(&spike()).cases, 1);
    assert!(ghosts.fold_closed(&closed).is_err(), "it is gone");
    assert_eq!(ghosts.judge(&spike()).cases, 1);
    let report = ghosts.report();
    assert_eq!((report.opened, report.closed, report.open, report.successes), (2, 1, 1, 1));
}

#[test]
fn the_currency_graph_has_both_directions_of_each_walk_and_prices_them_after_costs() {
    let mut free = settings();
    // The documents' own quotes: BTC→USDC 45,000, USDC→ETH 1/2,000, ETH→BTC 0.05.
    let close = |pair: PairId| Some(price(["45000", "0.05", "2000"][usize::from(pair.0)]));
    let priced = |settings: &EngineSettings| -> Vec<String> {
        let orbits = Engines::new(settings).unwrap().orbits;
        let walks = orbits.instant_cycles().iter();
        walks
            .map(|walk| orbits.price_cycle(walk, close, at(0)).unwrap())
            .map(|run| {
                let path: Vec<String> = run.legs.iter().map(|leg| leg.leg.to_string()).collect();
                let log = run.log_return.unwrap();
                assert_eq!(run.success, log.is_positive());
                format!("{} {log}", path.join(" "))
            })
            .collect()
    };
    // ln 1.125 - 3 * 0.0010005 = ln 1.121628, and the reverse way.
    assert_eq!(
        priced(&free),
        ["BTC→ETH ETH→USDC USDC→BTC -0.120784537", "BTC→USDC USDC→ETH ETH→BTC 0.114781535"]
    );
    free.fee_rate = Ratio::ZERO;
    assert!(priced(&free)[1].ends_with("0.117783036"), "ln 1.125");
    free.instruments.remove(1);
    assert!(priced(&free).is_empty(), "one quote currency, no cycle");
}

#[test]
fn the_best_stage_is_the_one_with_the_highest_bound_and_none_without_evidence() {
    let Engines { mut ghosts, orbits, .. } = engines();
    let stage = |walk| vec![StageLeg { leg: leg(walk), word_bits: 4 }];
    let stages = [stage("USDC→ETH"), stage("USDC→BTC"), stage("BTC→ETH")];
    assert_eq!(orbits.select(&stages, &ghosts).unwrap().stage, None);
    remember(&mut ghosts, &key("USDC→ETH", Trigger::VolumeSurge, 4), "0.01", 2);
    remember(&mut ghosts, &spike(), "0.01", 9);
    remember(&mut ghosts, &spike(), "-0.01", 1);
    let best = orbits.select(&stages, &ghosts).unwrap();
    assert_eq!((best.stage, best.cases, best.successes), (Some(2), 10, 9));
    assert_eq!(orbits.select(&[], &ghosts), Err(CommandRefusal::EmptyOrbit));
    assert_eq!(orbits.select(&[vec![]], &ghosts), Err(CommandRefusal::EmptyOrbit));
}

proptest! {
    #![proptest_config(crate::support::cases(64))]

    /// Learned weights always add up to exactly one, and none dies out.
    #[test]
    fn weights_add_up_to_one_and_never_fall_below_their_floor(
        gains in prop::collection::vec((0_usize..3, -2_000_000_000_i64..2_000_000_000), 1..60),
    ) {
        let mut orbits = engines().orbits;
        let legs = ["USDC→BTC", "BTC→ETH", "USDC→ETH"];
        for (place, gain) in gains {
            let changed = orbits.learn(&leg(legs[place]), 4, Ratio::from_raw(gain)).unwrap();
            prop_assert_eq!(Some(changed.old), orbits.weight(&leg(legs[place]), 4));
            orbits.fold_weights(&changed).unwrap();
            let sum: i64 = orbits.weights().map(|known| known.weight.raw()).sum();
            prop_assert_eq!(sum, Ratio::ONE.raw());
            let floor = Ratio::ONE.raw() / 30 * 10 / 11 - 2;
            prop_assert!(orbits.weights().all(|known| known.weight.raw() >= floor));
        }
        prop_assert_eq!(orbits.report().cycles, 0);
    }

    #[test]
    fn a_flip_is_an_involution_and_differs_in_every_bit(value: u64, width in 2_u8..=64) {
        let flips = engines().flips;
        let word = UpDownWord::new(value & (u64::MAX >> (64 - width)), width).unwrap();
        let flip = flips.flip(None, None, word);
        let back = flips.flip(None, None, UpDownWord::new(flip.complement, width).unwrap());
        prop_assert_eq!(back.complement, word.value());
        prop_assert_eq!((flip.word ^ flip.complement).count_ones(), u32::from(width));
    }
}

#[test]
fn a_word_keeps_the_last_bars_and_begins_anew_behind_a_gap() {
    let mut flips = engines().flips;
    let push = |flips: &mut FlipEngine, changes: &[i64]| {
        for change in changes {
            flips.fold_bar(PairId(0), Some(Ratio::from_raw(*change)));
        }
    };
    push(&mut flips, &[1, -1, 1]);
    assert_eq!(flips.word(PairId(0)), None);
    push(&mut flips, &[0]);
    assert_eq!(flips.word(PairId(0)).unwrap().to_string(), "1010", "a tie is down");
    let flip = flips.flip(Some(PairId(0)), None, flips.word(PairId(0)).unwrap());
    assert_eq!(flip.distance, None);
    flips.fold_bit_flipped(&flip).unwrap();
    push(&mut flips, &[1]);
    let flip = flips.flip(Some(PairId(0)), None, flips.word(PairId(0)).unwrap());
    assert_eq!((flip.word, flip.distance), (0b0101, Some(4)));
    flips.fold_bit_flipped(&flip).unwrap();
    assert_eq!(flips.report().pairs[0].patterns["1010->0101"], 1);
    assert_eq!(flips.report().bit_phases[&4], 2);
    flips.fold_bar(PairId(0), None);
    assert_eq!(flips.word(PairId(0)), None);
}

#[test]
fn the_way_back_of_a_leg_costs_fee_and_spread_twice() {
    let mut known = settings();
    known.half_spread = ratio("0.0001");
    let Engines { ghosts, mut flips, .. } = Engines::new(&known).unwrap();
    let there = leg("USDC→BTC");
    let flip = flips.resolve(&there, Some(4), Some(Price::ONE), &ghosts, None);
    assert_eq!(flip.inverse.to_string(), "BTC→USDC");
    assert_eq!(flip.round_trip_cost.unwrap().to_string(), "0.00219858");
    flips.fold_pair_flip(&flip).unwrap();
    assert_eq!(flips.report().mean_round_trip_cost, flip.round_trip_cost);
    let unpriced = flips.resolve(&there, None, None, &ghosts, None);
    assert_eq!((unpriced.round_trip_cost, unpriced.confidence), (None, None));
    let forged = PairFlipResolved { inverse: there.clone(), ..flip };
    assert!(flips.fold_pair_flip(&forged).is_err());
}

#[test]
fn a_predictor_of_a_fair_coin_says_that_there_is_nothing_to_predict() {
    let mut fooled = 0;
    for seed in 0..20 {
        let (mut flips, mut dice) = (engines().flips, Dice(seed));
        for _ in 0..3_000 {
            let change = if dice.below(2) == 0 { 1 } else { -1 };
            flips.fold_bar(PairId(0), Some(Ratio::from_raw(change)));
        }
        let report = flips.report().pairs[0].predictor.clone();
        assert_eq!(report.forecasts, 3_000 - 4);
        fooled += u32::from(report.verdict == PredictorVerdict::Predicts);
    }
    assert!(fooled <= 2, "{fooled} of 20 coins were predicted");
}

#[test]
fn a_predictor_of_a_path_with_a_pattern_finds_it() {
    let (mut flips, mut dice) = (engines().flips, Dice(1));
    let mut last = 1;
    for _ in 0..3_000 {
        // Three times in four the path turns.
        last = if dice.below(4) == 0 { last } else { -last };
        flips.fold_bar(PairId(0), Some(Ratio::from_raw(last)));
    }
    let report = flips.report().pairs[0].predictor.clone();
    assert_eq!(report.verdict, PredictorVerdict::Predicts);
    assert!(report.log_loss < report.base_log_loss && report.hit_rate > Some(ratio("0.7")));
    assert!(report.gain_score.unwrap() > ratio("10"));
    let rises = flips.up_probability(PairId(0)).unwrap();
    assert!(rises > ratio("0.7") || rises < ratio("0.3"));
    assert!(flips.report().pairs[1].predictor.log_loss.is_none(), "another pair knows nothing");
}
