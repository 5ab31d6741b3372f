//! Buckets, soulprints, links, reconciliation and analytics: what the registries answer.

use proptest::prelude::*;
use schwabot::event::*;
use schwabot::hash::Digest;
use schwabot::ledger::clock::Stopwatch;
use schwabot::registries::*;
use schwabot::time::{Span, Timestamp};
use schwabot::units::{Money, MoneyExact, Ratio};

use crate::support::cases;
use crate::support::documents::ratio;
use crate::support::runs::{at, price, quantity};

/// A long round trip of one unit at 100, an hour long, entered at this minute.
fn trade(number: u64, minute: i64, exit: &str) -> TradeClosed {
    let leg = |order, minute, at_price: &str, reason| TradeLeg {
        order,
        time: at(minute),
        price: price(at_price),
        reason,
        fee: Money::ZERO,
    };
    let gross = price(exit).minus(price("100")).unwrap();
    let gross = gross.times(quantity("1")).unwrap();
    TradeClosed {
        run: RunId([1; 16]),
        trade: number,
        pair: PairId(0),
        symbol: "ETH/USDC".into(),
        strategy: "schwabot".into(),
        side: Side::Buy,
        quantity: quantity("1"),
        entry: leg(number * 2 - 1, minute, "100", OrderReason::Ghost),
        exit: leg(number * 2, minute + 60, exit, OrderReason::Horizon),
        gross,
        net: gross,
        trigger: Some(Trigger::PriceSpike),
        word_bits: Some(4),
        signal_strength: None,
        confidence: None,
        math: None,
        market: None,
        legacy_hash: None,
    }
}

fn soulprint(trade: &TradeClosed, vector: [&str; 6]) -> SoulprintRegistered {
    let vector: Vec<Ratio> = vector.iter().map(|text| ratio(text)).collect();
    SoulprintRegistered {
        run: trade.run,
        order: trade.entry.order,
        ghost: trade.trade,
        pair: trade.pair,
        time: trade.entry.time,
        bucket: BucketKey {
            trigger: Trigger::PriceSpike,
            direction: Direction::Up,
            drift: Tercile::of(vector[0]),
            volatility: Tercile::of(vector[1]),
            volume: Tercile::of(vector[2]),
            clock: Tercile::of(vector[3]),
        },
        vector,
        confidence: ratio("0.6"),
        up_probability: Some(ratio("0.5")),
        weight: Some(ratio("0.1")),
    }
}

/// Takes a trade with all that belongs to it.
fn add(registries: &mut Registries, trade: TradeClosed, vector: [&str; 6]) -> Vec<Event> {
    let soulprint = soulprint(&trade, vector);
    let time = trade.exit.time;
    let events = registries.add_trade_with_linkages(trade, Some(soulprint)).unwrap();
    let first = registries.trades().len() as u64 * 10;
    for (event, sequence) in events.iter().zip(first..) {
        registries.fold(event, sequence, time).unwrap();
    }
    events
}

const UP: [&str; 6] = ["1", "1", "0", "0", "0", "0"];
const ASIDE: [&str; 6] = ["0", "0", "-1", "-1", "0", "1"];

#[test]
fn s10_all_four_published_profits_disagree_with_their_own_prices() {
    let claim = |side, place: i64, notional: &str, fees: &str, profit: &str| {
        let (entry, exit) = match place {
            3 => ("50000".to_owned(), "50500".to_owned()),
            _ => (format!("{}", 3_000 + 10 * place), format!("{}", 3_010 + 10 * place)),
        };
        reconcile(&ClaimedTrade {
            side,
            entry: price(&entry),
            exit: price(&exit),
            notional: notional.parse().unwrap(),
            fees: fees.parse().unwrap(),
            profit: profit.parse().unwrap(),
        })
        .unwrap()
    };
    let found = [
        claim(Side::Buy, 0, "50", "0.05", "5"),
        claim(Side::Sell, 1, "50", "0.05", "6"),
        claim(Side::Buy, 2, "50", "0.05", "7"),
        claim(Side::Buy, 3, "100", "0.1", "4.9"),
    ];
    let short = |amount: Money| {
        let raw = (amount.raw() + 50_000_000 * amount.raw().signum()) / 100_000_000;
        Money::from_raw(raw * 100_000_000).to_string()
    };
    assert_eq!(
        found.each_ref().map(|one| short(one.computed)),
        ["0.1167", "-0.2161", "0.1156", "0.9"]
    );
    assert!(found.iter().all(|one| !one.agrees));
}

#[test]
fn s11_the_linkage_example_earns_exactly_four_ninety_on_a_notional_of_five_hundred() {
    let found = reconcile(&ClaimedTrade {
        side: Side::Buy,
        entry: price("50000"),
        exit: price("50500"),
        notional: "500".parse().unwrap(),
        fees: "0.10".parse().unwrap(),
        profit: "4.90".parse().unwrap(),
    })
    .unwrap();
    assert!(found.agrees);
    assert_eq!(found.computed.to_string(), "4.9");
    assert_eq!(found.net_return.to_string(), "0.0098");
    assert_eq!(found.gross_return.to_string(), "0.01", "the bucket's gross move of 1.0 %");
}

#[test]
fn s12_a_trade_goes_in_with_both_links_or_not_at_all() {
    let mut registries = Registries::default();
    let events = add(&mut registries, trade(1, 0, "101"), UP);
    let names: Vec<&str> = events.iter().map(Event::name).collect();
    assert_eq!(
        names,
        [
            "soulprint_registered",
            "trade_closed",
            "soulprint_outcome",
            "bucket_observed",
            "registry_linked",
            "registry_linked"
        ]
    );
    let hash = trade(1, 0, "101").canonical_hash().unwrap();
    let linked = registries.with_all_linkages(&hash).unwrap();
    assert!(linked.soulprint.is_some() && linked.bucket.is_some());
    assert_eq!(linked.links.len(), 2);
    let coverage: Vec<_> =
        registries.statistics().registries.values().map(|known| known.coverage).collect();
    assert_eq!(coverage, [Some(Ratio::ONE); 2]);
    // The same soulprint again, another order's soulprint, an edited profit: nothing is made.
    let before = registries.clone();
    let again = soulprint(&trade(1, 0, "101"), UP);
    assert!(registries.add_trade_with_linkages(trade(1, 0, "101"), Some(again)).is_err());
    let other = soulprint(&trade(2, 0, "101"), UP);
    assert!(registries.add_trade_with_linkages(trade(3, 0, "101"), Some(other)).is_err());
    let mut edited = trade(4, 0, "101");
    edited.net = MoneyExact::ONE.plus(edited.net).unwrap();
    assert!(registries.add_trade_with_linkages(edited, None).is_err());
    assert_eq!(registries, before);
    // One without a soulprint stands alone, and coverage says so.
    for event in registries.add_trade_with_linkages(trade(5, 0, "99"), None).unwrap() {
        registries.fold(&event, 99, at(60)).unwrap();
    }
    let statistics = registries.statistics();
    assert_eq!(statistics.registries["soulprints"].coverage, Some(ratio("0.5")));
    assert_eq!((statistics.total_trades, statistics.linked_trades), (2, 1));
}

#[test]
fn a_pattern_predicts_from_three_trades_on_and_its_prediction_is_scored_before_it_learns() {
    let mut registries = Registries::default();
    for (number, exit) in (1_u64..).zip(["101", "102", "99"]) {
        let events = add(&mut registries, trade(number, number as i64 * 100, exit), UP);
        assert!(events.iter().all(|event| event.name() != "bucket_matched"), "trade {number}");
    }
    let fourth = trade(4, 400, "103");
    let entry = soulprint(&fourth, ["1", "0.9", "0", "0", "0", "0"]);
    let made = registries.entry_events(entry).unwrap();
    let Event::BucketMatched(matched) = &made[1] else { panic!("{made:?}") };
    assert_eq!(matched.support, 3);
    // (2 + 1) / (3 + 2), and (1 % + 2 % - 1 %) / 3.
    assert_eq!(matched.expected_success.to_string(), "0.6");
    assert_eq!(matched.expected_net_return.to_string(), "0.006666667");
    assert_eq!(matched.expected_holding, "1h".parse().unwrap());
    made.iter().for_each(|event| registries.fold(event, 40, at(400)).unwrap());
    for event in [Event::TradeClosed(Box::new(fourth.clone()))]
        .into_iter()
        .chain(registries.trade_events(&fourth).unwrap())
    {
        registries.fold(&event, 41, fourth.exit.time).unwrap();
    }
    assert_eq!(registries.statistics().predictions, (1, 1, 1));
    let bucket = registries.buckets().best_supported_bucket().unwrap();
    assert_eq!((bucket.support(), bucket.successes, bucket.hits), (4, 3, 1));
    // Another direction in the space of features is no match.
    let aside = registries.entry_events(soulprint(&trade(9, 900, "1"), ASIDE)).unwrap();
    assert_eq!(aside.len(), 1);
    assert_eq!(registries.analytics().patterns.hit_rate, Some(Ratio::ONE));
}

#[test]
fn an_idle_pattern_with_little_support_is_put_aside_and_wakes_when_it_is_met_again() {
    let mut registries = Registries::default();
    add(&mut registries, trade(1, 0, "101"), UP);
    let events = add(&mut registries, trade(2, 24 * 60, "101"), ASIDE);
    let retired = events.iter().find_map(|event| match event {
        Event::BucketRetired(retired) => Some(retired.clone()),
        _ => None,
    });
    let retired = retired.unwrap();
    assert_eq!((retired.support, retired.idle), (1, "1d".parse::<Span>().unwrap()));
    assert!(registries.buckets().get(&retired.bucket).unwrap().retired);
    assert_eq!(registries.buckets().active().count(), 1);
    add(&mut registries, trade(3, 25 * 60, "101"), UP);
    assert!(!registries.buckets().get(&retired.bucket).unwrap().retired);
}

#[test]
fn confidence_is_a_posterior_so_that_one_lucky_trade_leads_no_list() {
    let mut registries = Registries::default();
    add(&mut registries, trade(1, 0, "150"), ASIDE);
    for number in 2..8 {
        add(&mut registries, trade(number, number as i64, "101"), UP);
    }
    let top = registries.buckets().top(2, 1);
    assert_eq!((top[0].support(), top[1].support()), (6, 1));
    assert!(top[1].best > top[0].best);
    assert_eq!(top[0].confidence().to_string(), "0.875");
    assert_eq!((top[0].risk_level(), top[0].mean_vector()[1]), ("low", Ratio::ONE));
}

#[test]
fn the_nearest_soulprints_are_those_of_a_search_through_all() {
    let mut registries = Registries::default();
    let vectors = [UP, ASIDE, ["1", "0.5", "0", "0", "0", "0"], ["-1", "-1", "0", "0", "0", "0"]];
    for (number, vector) in (1_u64..).zip(vectors) {
        add(&mut registries, trade(number, number as i64, "101"), vector);
    }
    let up: Vec<Ratio> = UP.iter().map(|text| ratio(text)).collect();
    let all = SoulprintFilter::default();
    let found = registries.soulprints().nearest(&up, 3, all);
    let order: Vec<u64> = found.iter().map(|near| near.entry.soulprint.ghost).collect();
    assert_eq!(order, [1, 3, 2]);
    assert_eq!(found[0].similarity, Ratio::ONE);
    assert_eq!(found[1].similarity.to_string(), "0.948683298");
    assert_eq!(registries.soulprints().nearest(&up, 0, all).len(), 0);
    let other = SoulprintFilter { pair: Some(PairId(5)), ..all };
    assert_eq!(registries.soulprints().nearest(&up, 9, other).len(), 0);
    let returns = registries.soulprints().profit_vector(all, 2);
    assert_eq!(returns, [ratio("0.01"); 2]);
}

#[test]
fn every_figure_of_the_analytics_moves_with_what_it_is_computed_from() {
    let mut registries = Registries::default();
    for number in 1..=12 {
        let exit = if number % 3 == 0 { "98" } else { "103" };
        let x = number.to_string();
        let vector = [x.as_str(), "1", "0", "0", "0", "0"];
        add(&mut registries, trade(number, number as i64 * 600, exit), vector);
    }
    let analytics = registries.analytics();
    let quote = &analytics.by_quote["USDC"];
    assert_eq!(quote.performance.total_net.to_string(), "16");
    assert_eq!(quote.profit_factor, Some(ratio("3")));
    assert_eq!(quote.max_drawdown.to_string(), "2");
    assert_eq!(quote.mean_net_return.unwrap().to_string(), "0.013333333");
    assert!(quote.sharpe_per_trade.unwrap().is_positive());
    assert_eq!(analytics.by_trigger["price_spike"].trades, 12);
    assert_eq!(analytics.by_hour.values().map(|slice| slice.trades).sum::<u64>(), 12);
    assert!(analytics.by_hour.len() > 2 && analytics.by_weekday.len() > 2);
    assert!(!analytics.trend.is_empty());
    let drift = &analytics.correlations[0];
    assert_eq!((drift.what, drift.pairs), ("drift_t", 12));
    assert!(drift.rho.unwrap() < Ratio::ZERO && drift.p_holm >= drift.p_value);
    let flat = &analytics.correlations[1];
    assert_eq!((flat.pairs, flat.rho), (12, None), "what does not vary goes with nothing");
    add(&mut registries, trade(13, 9_000, "90"), UP);
    assert_ne!(registries.analytics(), analytics);
}

#[test]
fn a_query_joins_its_conditions_and_pages_through_the_answer() {
    let mut registries = Registries::default();
    for number in 1..=10 {
        add(&mut registries, trade(number, number as i64, &(98 + number).to_string()), UP);
    }
    let trades = registries.trades();
    let query = TradeQuery {
        symbol: Some("ETH/USDC"),
        strategy: Some("schwabot"),
        from: Some(at(63)),
        until: Some(at(69)),
        min_net: Some("3".parse().unwrap()),
        newest_first: true,
    };
    let numbers = |page| -> Vec<u64> { trades.query(query, page).map(|e| e.trade.trade).collect() };
    assert_eq!(numbers(Page::ALL), [8, 7, 6, 5]);
    assert_eq!(numbers(Page { offset: 1, limit: 2 }), [7, 6]);
    let other = TradeQuery { symbol: Some("BTC/USDC"), ..query };
    assert_eq!(trades.query(other, Page::ALL).count(), 0);
    let hash = trades.all(Page::ALL).next().unwrap().hash;
    let digits = &hash.to_string()[..8];
    assert_eq!(trades.with_prefix(digits, 2)[0].hash, hash);
    assert!(trades.with_prefix("zz", 2).is_empty());
}

/// A million where `SCHWABOT_MILLION` is set, and else enough to see that nothing grows.
#[test]
#[expect(clippy::print_stdout, reason = "what it measures is for people")]
fn registries_hold_many_trades_and_adding_one_does_not_get_slower() {
    let many: u64 = if std::env::var_os("SCHWABOT_MILLION").is_some() { 1_000_000 } else { 40_000 };
    let mut registries = Registries::default();
    let quarter = many / 4;
    let mut times = Vec::new();
    for part in 0..4 {
        let clock = Stopwatch::start();
        for number in part * quarter + 1..=(part + 1) * quarter {
            let exit = if number % 3 == 0 { "98" } else { "101" };
            let x = ((number * 7 + 11) % 13).to_string();
            add(&mut registries, trade(number, number as i64, exit), [&x, "1", "0", "0", "1", "0"]);
        }
        times.push(clock.elapsed());
    }
    assert_eq!(registries.statistics().linked_trades, many);
    let clock = Stopwatch::start();
    let vector: Vec<Ratio> = UP.iter().map(|text| ratio(text)).collect();
    assert_eq!(registries.soulprints().nearest(&vector, 5, SoulprintFilter::default()).len(), 5);
    println!("{many} trades: quarters {times:?}, exact search {:?}", clock.elapsed());
    assert!(registries.consistency().faults.is_empty());
    let hash: Digest = registries.trades().recent(Page::first(1)).next().unwrap().hash;
    assert!(registries.with_all_linkages(&hash).is_some());
    let last: Timestamp = registries.trades().by_exit(Page::ALL).last().unwrap().trade.exit.time;
    assert_eq!(last, at(many as i64 + 60));
}

/// A step of the life of the position with this number: entered, closed, or looked at.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Enter(u64),
    Close(u64),
    CleanUp,
}

fn turns() -> impl proptest::strategy::Strategy<Value = Vec<(Turn, u8)>> {
    let turn = prop_oneof![
        4 => (1_u64..12).prop_map(Turn::Enter),
        4 => (1_u64..12).prop_map(Turn::Close),
        1 => Just(Turn::CleanUp),
    ];
    prop::collection::vec((turn, any::<u8>()), 1..60)
}

/// Takes events as the log does, each at the next sequence; how far they got does not matter to
/// whoever looks in between.
fn take(registries: &mut Registries, events: &[Event], next: &mut u64, minute: i64) {
    for event in events {
        registries.fold(event, *next, at(minute)).unwrap();
        *next += 1;
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn the_registries_fit_together_however_entries_and_exits_of_positions_are_interleaved(
        turns in turns(),
    ) {
        let mut registries = Registries::default();
        let (mut next, mut entered, mut closed) = (0, Vec::new(), Vec::new());
        for (minute, (turn, chance)) in (0_i64..).zip(turns) {
            let exit = ["97", "99.5", "101", "104"][usize::from(chance % 4)];
            match turn {
                Turn::Enter(number) if !entered.contains(&number) => {
                    let soulprint = soulprint(&trade(number, 0, exit), [UP, ASIDE][usize::from(chance / 128)]);
                    let events = registries.entry_events(soulprint).unwrap();
                    take(&mut registries, &events, &mut next, minute);
                    entered.push(number);
                }
                Turn::Close(number) if !closed.contains(&number) => {
                    // A position without a soulprint is one of another strategy.
                    let done = trade(number, 0, exit);
                    let events = registries.trade_events(&done).unwrap();
                    let closes = Event::TradeClosed(Box::new(done));
                    take(&mut registries, &[closes], &mut next, minute);
                    take(&mut registries, &events, &mut next, minute);
                    closed.push(number);
                    // It was never entered, so nobody may enter it now.
                    entered.push(number);
                }
                Turn::CleanUp => {
                    prop_assert_eq!(registries.clean_up(), [], "nothing is broken, so nothing is answered");
                }
                _ => {}
            }
            let found = registries.consistency();
            prop_assert_eq!(&found.faults, &[], "after {:?} at {}", turn, minute);
            prop_assert_eq!(registries.trades().len(), closed.len());
        }
        let linked = registries.statistics().linked_trades;
        prop_assert!(linked <= closed.len() as u64);
    }

    #[test]
    fn trades_of_different_times_give_the_same_figures_in_whatever_order_they_come(
        exits in prop::collection::vec(0_usize..4, 2..9), seed in any::<u64>(),
    ) {
        let trades: Vec<TradeClosed> = (1_u64..)
            .zip(&exits)
            .map(|(number, exit)| trade(number, number as i64 * 100, ["97", "99.5", "101", "104"][*exit]))
            .collect();
        let mut shuffled = trades.clone();
        let mut dice = crate::support::runs::Dice(seed);
        for place in (1..shuffled.len()).rev() {
            shuffled.swap(place, dice.below(place as u64 + 1) as usize);
        }
        let figures = |trades: &[TradeClosed]| {
            let mut registries = Registries::default();
            for trade in trades {
                add(&mut registries, trade.clone(), UP);
            }
            assert_eq!(registries.consistency().faults, []);
            let statistics = registries.statistics();
            (statistics.total_trades, statistics.linked_trades, registries.links().len())
        };
        prop_assert_eq!(figures(&trades), figures(&shuffled));
    }
}
