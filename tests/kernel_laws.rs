//! Laws of the kernel over random markets: replay, no look-ahead, order of files, exact money.

use proptest::prelude::*;
use schwabot::event::*;
use schwabot::hash::Digest;
use schwabot::kernel::World;
use schwabot::strategies::{self, Strategy as Decides};
use schwabot::units::MoneyExact;

use crate::support::runs::*;

/// Short windows, so that there is something to see; or a strategy that wants everything.
fn setting(restless: bool, close: bool, shorts: bool) -> RunConfig {
    let mut config = config(if restless { "restless" } else { "sma-cross" }, 3);
    if !restless {
        let set = |name: &str, value: &str| Parameter { name: name.into(), value: value.into() };
        let given = [set("fast", "2"), set("slow", "5"), set("fraction", "0.4")];
        config.strategy = strategies::canonical("sma-cross", &given).unwrap();
    }
    config.venue.impact_window_bars = 10;
    config.venue.allow_short = shorts;
    config.venue.fill = if close { FillModel::ThisClose } else { FillModel::NextOpen };
    config.instruments[1].volume_unit = VolumeUnit::Quote;
    config
}

fn decider(restless: bool, seed: u64) -> Option<Box<dyn Decides>> {
    restless.then(|| Box::new(Restless(Dice(seed))) as Box<dyn Decides>)
}

fn settings() -> impl Strategy<Value = (u64, bool, bool, bool)> {
    (any::<u64>(), any::<bool>(), any::<bool>(), any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn replaying_the_log_gives_the_same_world((seed, restless, close, shorts) in settings()) {
        let bars = market(seed, 3, 80);
        let outcome = run(setting(restless, close, shorts), decider(restless, seed), &bars);
        let mut replayed = World::default();
        for record in &outcome.log {
            replayed.evolve(&record.event, record.sequence, record.time);
        }
        prop_assert_eq!(replayed.findings().kept(), &[]);
        prop_assert!(replayed == outcome.world);
    }

    #[test]
    fn the_same_inputs_give_the_same_log((seed, restless, close, shorts) in settings()) {
        let bars = market(seed, 3, 60);
        let once = || run(setting(restless, close, shorts), decider(restless, seed), &bars).log;
        prop_assert_eq!(once(), once());
    }

    #[test]
    fn what_comes_later_changes_no_record_before((seed, restless, close, shorts) in settings(), cut in 1_i64..79) {
        let bars = market(seed, 3, 80);
        let log = |bars: &[Bar]| {
            let config = setting(restless, close, shorts);
            run_inputs(World::default(), 0, config, decider(restless, seed), inputs_of(bars)).log
        };
        let whole = log(&bars);
        let until = bars.iter().take_while(|bar| bar.available_at <= at(cut)).count();
        let truncated = log(&bars[..until]);
        prop_assert_eq!(&whole[..truncated.len()], &truncated[..], "cut off");
        // Another future: same past, other prices and volumes from the cut on.
        let mut other = market(seed ^ 1, 3, 80);
        other.retain(|bar| bar.available_at > at(cut));
        let mixed: Vec<Bar> = bars[..until].iter().cloned().chain(other).collect();
        let mixed = log(&mixed);
        prop_assert_eq!(&mixed[..truncated.len()], &truncated[..], "another future");
    }

    #[test]
    fn the_order_of_bars_within_an_instant_changes_no_decision((seed, _, close, shorts) in settings()) {
        // Quantities small enough that cash never decides who comes first.
        let config = || {
            let mut config = setting(false, close, shorts);
            let set = |name: &str, value: &str| Parameter { name: name.into(), value: value.into() };
            let given = [set("fast", "2"), set("slow", "5"), set("quantity", "20")];
            config.strategy = strategies::canonical("sma-cross", &given).unwrap();
            config
        };
        let bars = market(seed, 3, 80);
        let mut mixed = Vec::new();
        let mut dice = Dice(seed);
        for instant in bars.chunk_by(|a, b| a.available_at == b.available_at) {
            let mut instant = instant.to_vec();
            let turn = dice.below(instant.len() as u64) as usize;
            instant.rotate_left(turn);
            instant.iter_mut().for_each(|bar| bar.last_of_instant = false);
            instant.last_mut().unwrap().last_of_instant = true;
            mixed.extend(instant);
        }
        let (one, two) = (run(config(), None, &bars), run(config(), None, &mixed));
        let decisions = |outcome: &Outcome| -> Vec<Event> {
            let decided = ["signal_fired", "order_placed", "order_refused"];
            outcome.derived().filter(|e| decided.contains(&e.name())).cloned().collect()
        };
        prop_assert_eq!(decisions(&one), decisions(&two));
        let fills = |outcome: &Outcome| {
            let mut fills: Vec<OrderFilled> = outcome.fills().into_iter().cloned().collect();
            fills.sort_by_key(|fill| fill.order);
            fills
        };
        prop_assert_eq!(fills(&one), fills(&two));
    }

    #[test]
    fn money_is_conserved_and_never_negative_without_shorts((seed, restless, close, shorts) in settings()) {
        let outcome = run(setting(restless, close, shorts), decider(restless, seed), &market(seed, 3, 80));
        let run = outcome.world.run().unwrap();
        let account = run.portfolio().account("USD").unwrap();
        let net: i128 = outcome.trades().iter().map(|trade| trade.net.raw()).sum();
        prop_assert_eq!(account.net.raw(), net);
        prop_assert_eq!(outcome.world.trades().performance("USD").total_net.raw(), net);
        let unrealised: i128 = run.pairs().iter().zip(run.portfolio().positions())
            .filter_map(|(pair, position)| Some(position.unrealised(pair.last?.close).unwrap().raw()))
            .sum();
        let equity = account.opening.raw() + net + unrealised;
        prop_assert_eq!(run.equity("USD").unwrap().raw(), equity);
        if !shorts {
            prop_assert!(account.cash >= MoneyExact::ZERO);
            prop_assert!(run.portfolio().positions().iter().all(|p| p.quantity.raw() >= 0));
        }
        for trade in outcome.trades() {
            prop_assert_eq!(trade.recomputed().unwrap(), (trade.gross, trade.net));
        }
    }

    #[test]
    fn each_placed_order_is_filled_rejected_or_expired_once((seed, restless, close, shorts) in settings()) {
        let outcome = run(setting(restless, close, shorts), decider(restless, seed), &market(seed, 3, 80));
        let counters = outcome.world.run().unwrap().counters();
        prop_assert_eq!(counters.orders, counters.fills + counters.rejected + counters.expired);
        prop_assert!(outcome.world.run().unwrap().pairs().iter().all(|p| p.pending.is_empty()));
        prop_assert!(outcome.world.findings().total() == 0);
    }
}

#[test]
fn the_laws_above_are_tried_on_runs_that_trade() {
    let outcome = run(setting(true, false, false), decider(true, 3), &market(3, 3, 80));
    assert!(outcome.trades().len() > 10 && outcome.refusals().len() > 10);
    let outcome = run(setting(false, false, false), None, &market(3, 3, 80));
    assert!(outcome.trades().len() > 3, "{}", outcome.trades().len());
}

#[test]
fn which_files_a_run_reads_changes_nothing_that_is_decided() {
    let bars = market(5, 2, 60);
    let plain = run(setting(true, false, false), decider(true, 1), &bars);
    let mut inputs = with_end(&bars);
    for (place, byte) in [(0, 1), (7, 2)] {
        let file = InputFile {
            pair: Some(PairId(1)),
            format: FileFormat::OhlcvCsv,
            bytes: 5,
            digest: Digest([byte; 32]),
        };
        inputs.insert(place, (Event::InputFile(file), at(0)));
    }
    let config = setting(true, false, false);
    let outcome = run_inputs(World::default(), 0, config, decider(true, 1), inputs);
    let derived = |outcome: &Outcome| outcome.derived().cloned().collect::<Vec<_>>();
    assert_eq!(derived(&outcome), derived(&plain));
    assert_eq!(outcome.world.run().unwrap().portfolio(), plain.world.run().unwrap().portfolio());
}
