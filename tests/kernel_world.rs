//! The world: what a new run resets, and what it says of a log that does not fit together.

use proptest::prelude::*;
use schwabot::event::*;
use schwabot::kernel::{self, FINDINGS_KEPT_MAX, World};
use schwabot::registries::Page;
use schwabot::strategies::View;
use schwabot::units::{Money, MoneyExact, Quantity, Ratio};

use crate::event_kinds::one_of_each;
use crate::support::runs::*;

pub(crate) fn round_trip() -> Outcome {
    let bars: Vec<Bar> = (0..5).map(|minute| bar(0, minute, "100", "101")).collect();
    run(frictionless("own", 1), scripted(vec![(0, buy("2")), (2, sell_all())]), &bars)
}

/// Folds a log after one record of the given kind was changed; returns the findings as text.
fn findings_after(change: impl Fn(&mut Event) -> bool) -> Vec<String> {
    let mut outcome = round_trip();
    assert!(outcome.log.iter_mut().any(|record| change(&mut record.event)), "nothing was changed");
    findings(&outcome.log)
}

fn findings(log: &[Recorded]) -> Vec<String> {
    let mut world = World::default();
    for record in log {
        world.evolve(&record.event, record.sequence, record.time);
    }
    world.findings().kept().iter().map(ToString::to_string).collect()
}

#[test]
fn a_new_run_starts_flat_and_the_registry_goes_on() {
    let first = round_trip();
    let next = first.log.len() as u64;
    let bars = [bar(0, 0, "100", "101")];
    let config = frictionless("own", 1);
    let second = run_inputs(first.world, next, config, scripted(vec![]), inputs_of(&bars));
    let run = second.world.run().unwrap();
    assert_eq!(run.portfolio().account("USD").unwrap().cash.to_string(), "10000");
    assert_eq!((run.counters().bars, run.counters().trades), (1, 0));
    assert_eq!((second.world.runs(), second.world.trades().len()), (2, 1));
    assert_eq!(second.world.findings().total(), 0, "and equal times are no disorder");
    let entry = second.world.trades().all(Page::ALL).next().unwrap();
    assert_ne!(entry.trade.run, run.started().run);
}

#[test]
fn a_run_that_was_cut_off_is_counted_and_no_contradiction() {
    let bars = [bar(0, 0, "100", "100")];
    let config = || frictionless("own", 1);
    let first =
        run_inputs(World::default(), 0, config(), scripted(vec![(0, buy("1"))]), inputs_of(&bars));
    let next = first.log.len() as u64;
    let second = run_inputs(first.world, next, config(), scripted(vec![]), with_end(&bars));
    assert_eq!((second.world.unfinished_runs(), second.world.findings().total()), (1, 0));
    assert!(second.world.run().unwrap().pairs()[0].pending.is_empty(), "its order is gone with it");
}

#[test]
fn a_sound_log_has_no_finding() {
    assert_eq!(findings(&round_trip().log), Vec::<String>::new());
}

#[test]
fn a_trade_that_is_not_what_the_fills_closed_is_found_by_its_field() {
    let changed = |change: &dyn Fn(&mut TradeClosed)| {
        findings_after(|event| match event {
            Event::TradeClosed(trade) => {
                change(trade);
                true
            }
            _ => false,
        })
        .join("; ")
    };
    let expected = |field: &str| format!("trade 1: `{field}` differs from the fills");
    assert!(changed(&|t| t.net = MoneyExact::MAX).contains(&expected("net")));
    assert!(changed(&|t| t.gross = MoneyExact::ONE).contains(&expected("gross")));
    assert!(changed(&|t| t.exit.price = price("999")).contains(&expected("exit")));
    assert!(changed(&|t| t.entry.fee = Money::ZERO).contains(&expected("entry")));
    assert!(changed(&|t| t.quantity = Quantity::ONE).contains(&expected("quantity")));
    assert!(changed(&|t| t.side = Side::Sell).contains(&expected("side")));
    assert!(changed(&|t| t.run = RunId([1; 16])).contains(&expected("run")));
    assert!(changed(&|t| t.symbol = "X/Y".into()).contains(&expected("symbol")));
    assert!(changed(&|t| t.trade = 5).contains("trade 5: `trade` differs"));
}

#[test]
fn records_left_out_or_doubled_are_found() {
    let without = |name: &str| {
        let mut log = round_trip().log;
        let place = log.iter().position(|record| record.event.name() == name).unwrap();
        log.remove(place);
        findings(&log).join("; ")
    };
    assert!(without("run_started").contains("`bar` outside any run"));
    assert!(without("order_placed").contains("order 1 is not pending"));
    assert!(without("order_filled").contains("cannot be settled: more is sold than is held"));
    assert!(without("trade_closed").contains("1 closed round trips are not followed"));
    assert!(without("bar").contains("run_ended says 5 bars, the records say 4"));
    let doubled = |name: &str| {
        let mut log = round_trip().log;
        let place = log.iter().position(|record| record.event.name() == name).unwrap();
        log.insert(place, log[place].clone());
        findings(&log).join("; ")
    };
    assert!(doubled("bar").contains("it does not begin after the bar before"));
    assert!(doubled("order_placed").contains("order 1 does not continue the numbering"));
    assert!(doubled("order_filled").contains("order 1 is not pending"));
    assert!(doubled("trade_closed").contains("trade 1 closes nothing"));
    assert!(doubled("run_ended").contains("`run_ended` outside any run"));
}

#[test]
fn a_fill_that_was_not_ordered_so_is_found_and_not_folded() {
    let changed = |change: &dyn Fn(&mut OrderFilled)| {
        findings_after(|event| match event {
            Event::OrderFilled(fill) => {
                change(fill);
                true
            }
            _ => false,
        })
        .join("; ")
    };
    assert!(changed(&|f| f.quantity = quantity("3")).contains("differs from the order"));
    assert!(changed(&|f| f.side = Side::Sell).contains("differs from the order"));
    assert!(changed(&|f| f.price = price("90000")).contains("not enough cash"));
    assert!(changed(&|f| f.pair = PairId(4)).contains("pair 4 is not in the configuration"));
    assert!(changed(&|f| f.order = 9).contains("order 9 is not pending"));
}

#[test]
fn a_bar_that_cannot_be_is_found_and_moves_no_price() {
    let changed = |change: &dyn Fn(&mut Bar)| {
        findings_after(|event| match event {
            Event::Bar(bar) if bar.open_time == at(4) => {
                change(bar);
                true
            }
            _ => false,
        })
        .join("; ")
    };
    assert!(changed(&|b| b.low = price("0")).contains("a price is not positive"));
    assert!(changed(&|b| b.high = price("100.5")).contains("lies outside low and high"));
    assert!(changed(&|b| b.volume = Quantity::MAX).contains("volume is out of range"));
    assert!(changed(&|b| b.volume = Quantity::from_raw(-1)).contains("volume is out of range"));
    assert!(changed(&|b| b.available_at = at(4)).contains("over before it began"));
    assert!(changed(&|b| b.pair = PairId(1)).contains("pair 1 is not in the configuration"));
}

#[test]
fn what_is_wrong_with_the_data_is_counted_by_kind_with_the_widest_gap() {
    let mut world = World::default();
    let started = kernel::run_started(Mode::Backtest, config("own", 2), None, 0).unwrap();
    world.evolve(&Event::RunStarted(Box::new(started)), 0, at(0));
    let text = String::new;
    let gap = |after, until, missing_bars| Defect::Gap {
        after: at(after),
        until: at(until),
        missing_bars,
    };
    let malformed = || Defect::Malformed { field: text(), reason: text() };
    let mut defects = vec![gap(1, 4, 2), gap(10, 15, 4), gap(20, 25, 4), gap(30, 32, 1)];
    defects.extend((0..2).map(|_| Defect::Duplicate { open_time: at(1), identical: true }));
    defects.extend((0..3).map(|_| Defect::Disorder { open_time: at(1), newest: at(2) }));
    defects.extend((0..5).map(|_| malformed()));
    defects.extend((0..6).map(|_| Defect::OffGrid { after: at(1), open_time: at(2) }));
    for (row, defect) in (0..).zip(defects) {
        let found = DataDefect { pair: PairId(1), row, defect };
        world.evolve(&Event::DataDefect(found), row, at(0));
    }
    let pairs = world.run().unwrap().pairs();
    let found = &pairs[1].quality;
    assert_eq!((found.gaps, found.missing_bars), (4, 11));
    assert_eq!((found.duplicates, found.disorders), (2, 3));
    assert_eq!((found.malformed, found.off_grid), (5, 6));
    assert_eq!((found.defects(), pairs[0].quality.defects()), (20, 0));
    // Known until the bar before was over; the first of two that are as wide.
    let four = schwabot::time::Span::from_nanos(4 * schwabot::time::MINUTE_NS);
    assert_eq!(found.longest_gap, Some((at(11), four)));
    assert_eq!(world.run().unwrap().counters().defects, 20);
    let said = RunEnded { bars: 0, defects: 19, orders: 0, refused: 0, fills: 0, trades: 0 };
    world.evolve(&Event::RunEnded(said), 20, at(0));
    assert_eq!(world.findings().total(), 1, "and the end of the run must say as many");
}

#[test]
fn a_trade_lies_between_the_start_of_its_run_and_its_record_the_ends_among_them() {
    // Both fills and their trade moved alike, so that nothing but the times is odd.
    let moved = |entered: i64, left: i64| {
        let mut log = round_trip().log;
        // The root of the end speaks of the times that were.
        log.retain(|record| record.event.name() != "state_root");
        let mut times = [at(entered), at(left)].into_iter();
        for record in &mut log {
            match &mut record.event {
                Event::OrderFilled(fill) => fill.time = times.next().unwrap(),
                Event::TradeClosed(trade) => {
                    (trade.entry.time, trade.exit.time) = (at(entered), at(left));
                    trade.legacy_hash = schwabot::registries::legacy_hash_of(trade);
                }
                _ => {}
            }
        }
        findings(&log).join("; ")
    };
    let outside = "trade 1 does not lie in time between the start of its run and its record";
    assert_eq!(moved(0, 0), "");
    assert_eq!(moved(2, 2), "");
    assert!(moved(-1, 2).contains(outside));
    assert!(moved(2, 1).contains(outside));
    assert!(moved(0, 50).contains(outside));
}

#[test]
fn a_trade_that_ends_after_its_own_record_is_found() {
    let mut log = round_trip().log;
    let place = log.iter().position(|r| r.event.name() == "trade_closed").unwrap();
    log[place].time = at(0);
    assert!(findings(&log).join("; ").contains("trade 1 does not lie in time"));
}

#[test]
fn a_configuration_that_is_not_sound_begins_no_run() {
    let mut config = frictionless("own", 1);
    config.venue.impact_window_bars = u32::MAX;
    let started = kernel::run_started(Mode::Backtest, config, None, 0).unwrap();
    let mut world = World::default();
    world.evolve(&Event::RunStarted(Box::new(started)), 0, at(0));
    assert!(world.run().is_none());
    assert!(world.findings().kept()[0].to_string().contains("impact_window_bars"));
}

#[test]
fn findings_are_all_counted_and_only_the_first_are_kept() {
    let mut world = World::default();
    for sequence in 0..FINDINGS_KEPT_MAX as u64 + 7 {
        world.evolve(&Event::Bar(bar(0, 0, "1", "1")), sequence, at(0));
    }
    assert_eq!(world.findings().kept().len(), FINDINGS_KEPT_MAX);
    assert_eq!(world.findings().total(), FINDINGS_KEPT_MAX as u64 + 7);
}

/// Events that look alive and fit nothing: any pair, order and size, in any order.
fn hostile(seed: u64) -> Vec<Event> {
    let mut dice = Dice(seed);
    let mut events = one_of_each();
    let sizes = [i128::MIN, -1, 0, 1, 10_i128.pow(14), i128::MAX / 3, i128::MAX];
    for _ in 0..60 {
        let place = dice.below(13) as usize;
        let mut event = one_of_each().swap_remove(place);
        let pair = PairId(dice.below(5) as u16);
        let order = [0, 1, 2, 3, u64::MAX][dice.below(5) as usize];
        let mut size = || sizes[dice.below(7) as usize];
        match &mut event {
            Event::Bar(bar) => {
                (bar.pair, bar.close) = (pair, schwabot::units::Price::from_raw(size()));
                (bar.high, bar.open) = (bar.close, bar.close);
                (bar.low, bar.volume) = (bar.close, Quantity::from_raw(size()));
                bar.open_time = at(size().rem_euclid(50) as i64);
                bar.available_at = schwabot::time::Timestamp::MAX;
            }
            Event::OrderPlaced(placed) => {
                (placed.pair, placed.order, placed.quantity) =
                    (pair, order, Quantity::from_raw(size()));
            }
            Event::OrderFilled(fill) => {
                (fill.pair, fill.order, fill.quantity) = (pair, order, Quantity::from_raw(size()));
                fill.price = schwabot::units::Price::from_raw(size());
                fill.fee = Money::from_raw(size());
                fill.slippage = Ratio::MAX;
            }
            Event::OrderRejected(rejected) => (rejected.pair, rejected.order) = (pair, order),
            Event::TradeClosed(trade) => {
                (trade.pair, trade.trade, trade.net) = (pair, order, MoneyExact::from_raw(size()));
                trade.exit.fee = Money::from_raw(size());
            }
            Event::SignalFired(signal) => signal.pair = pair,
            Event::DataDefect(defect) => defect.pair = pair,
            _ => {}
        }
        events.push(event);
    }
    let turn = dice.below(events.len() as u64) as usize;
    events.rotate_left(turn);
    events.insert(0, one_of_each().swap_remove(0));
    events.retain(|event| event.name() != "run_ended" || dice.below(4) == 0);
    events
}

proptest! {
    #[test]
    fn no_log_makes_the_fold_panic(seed in any::<u64>()) {
        let mut world = World::default();
        for (sequence, event) in (0..).zip(hostile(seed)) {
            world.evolve(&event, sequence, at(0));
            if let Some(run) = world.run() {
                let _read = (run.equity("USD"), run.unrealised("USD"));
                // Without short sales, no log talks the world into selling what is not there.
                prop_assert!(run.portfolio().positions().iter().all(|p| p.quantity.raw() >= 0));
            }
            let _performance = world.trades().performance("USD");
        }
        prop_assert!(world.findings().total() > 0);
    }
}

#[test]
fn an_instant_names_its_pairs_in_order_whatever_order_they_came_in() {
    let mut world = World::default();
    let started = kernel::run_started(Mode::Backtest, config("own", 3), None, 0).unwrap();
    world.evolve(&Event::RunStarted(Box::new(started)), 0, at(0));
    let mut see = |pair, minute, last_of_instant| {
        let bar = Bar { last_of_instant, ..bar(pair, minute, "1", "1") };
        world.evolve(&Event::Bar(bar), 1, at(minute + 1));
        world.view().unwrap().instant().to_vec()
    };
    assert_eq!(see(2, 0, false), [PairId(2)]);
    assert_eq!(see(0, 0, false), [PairId(0), PairId(2)]);
    assert_eq!(see(1, 0, true), [PairId(0), PairId(1), PairId(2)]);
    assert_eq!(see(2, 1, true), [PairId(2)], "a new instant begins with its own bars only");
}

#[test]
fn which_files_a_run_reads_is_no_event_of_the_world() {
    let mut world = World::default();
    let samples = one_of_each();
    let sample = |name: &str| samples.iter().find(|event| event.name() == name).unwrap();
    world.evolve(&round_trip().log[0].event, 0, at(3));
    world.evolve(sample("input_file"), 1, at(1));
    assert_eq!((world.events(), world.latest()), (1, Some(at(3))), "the latest never goes back");
    assert_eq!((world.findings().total(), world.unfinished_runs()), (0, 0));
    world.evolve(sample("run_ended"), 2, at(4));
    let found = world.findings().total();
    world.evolve(sample("input_file"), 3, at(5));
    assert_eq!((world.events(), world.latest()), (2, Some(at(5))));
    assert_eq!(world.findings().total(), found, "it stands outside a run as well as in one");
    let run = world.run().unwrap();
    assert_eq!((run.first_sequence(), run.began()), (0, at(3)));
}

#[test]
fn a_strategy_sees_bars_orders_and_the_trades_of_all_runs() {
    let first = round_trip();
    let next = first.log.len() as u64;
    let bars = [bar(0, 0, "100", "101"), bar(0, 1, "100", "101"), bar(0, 2, "100", "101")];
    let script = scripted(vec![(2, buy("2"))]);
    let config = frictionless("own", 1);
    let second = run_inputs(first.world, next, config, script, inputs_of(&bars));
    let run = second.world.run().unwrap();
    assert_eq!((run.first_sequence(), run.began()), (next, at(0)));
    let view = second.world.view().unwrap();
    assert_eq!((view.bars(PairId(0)), view.bars(PairId(1))), (3, 0));
    assert_eq!(view.pending(PairId(0)).keys().collect::<Vec<_>>(), [&1]);
    assert!(view.pending(PairId(1)).is_empty());
    assert_eq!((view.registries().trades().len(), view.trades().len()), (1, 1));
}
