//! What the kernel refuses: intentions by the risk rules, runs and inputs by themselves.

use schwabot::event::*;
use schwabot::kernel::{self, ConfigError, Kernel, KernelError, World};
use schwabot::strategies::{Intention, Size, Stance, StrategyError};
use schwabot::units::{MoneyExact, Quantity, Ratio};

use crate::support::runs::*;

fn bars() -> Vec<Bar> {
    (0..6).map(|minute| bar(0, minute, "100", "100")).collect()
}

fn refusals(config: RunConfig, script: Vec<(u64, Intention)>) -> Vec<RefusalReason> {
    run(config, scripted(script), &bars()).refusals()
}

fn plain() -> RunConfig {
    frictionless("own", 2)
}

#[test]
fn each_rule_refuses_with_its_own_reason() {
    use RefusalReason::*;
    let one = |intention| refusals(plain(), vec![(0, intention)]);
    let open = |pair, size| order(pair, Side::Buy, Stance::Open, size);
    assert_eq!(one(open(1, Size::Quantity(quantity("1")))), [NoPrice], "pair 1 has no bar");
    assert_eq!(one(open(7, Size::Quantity(quantity("1")))), [NotTradable], "no such pair");
    assert_eq!(one(buy("100")), [NoCash], "10,000 do not pay the fee as well");
    assert_eq!(one(buy("99.9")), []);
    assert_eq!(one(buy("0.09")), [TooSmall], "9 quote");
    assert_eq!(one(buy("0.000000009")), [TooSmall], "below the lot");
    assert_eq!(one(buy("-1")), [TooSmall]);
    assert_eq!(one(open(0, Size::Quantity(Quantity::MAX))), [Overflow]);
    assert_eq!(one(open(0, Size::Notional(MoneyExact::MAX))), [Overflow], "its fee does not fit");
    assert_eq!(one(open(0, Size::ShareOfEquity(Ratio::ONE))), [NoCash]);
    assert_eq!(one(open(0, Size::Position)), [TooSmall], "nothing is held");
    assert_eq!(one(sell_all()), [NoPosition]);
    assert_eq!(
        one(order(0, Side::Sell, Stance::Open, Size::Quantity(quantity("1")))),
        [NoPosition]
    );
    let mut watched = plain();
    watched.instruments[0].tradable = false;
    assert_eq!(refusals(watched, vec![(0, buy("1"))]), [NotTradable]);
}

#[test]
fn a_second_opening_is_refused_while_an_order_waits_or_a_position_is_open() {
    use RefusalReason::PositionOpen;
    assert_eq!(refusals(plain(), vec![(0, buy("1")), (0, buy("1"))]), [PositionOpen]);
    assert_eq!(refusals(plain(), vec![(0, buy("1")), (3, buy("1"))]), [PositionOpen]);
    let more = order(0, Side::Buy, Stance::Increase, Size::Quantity(quantity("1")));
    let outcome = run(plain(), scripted(vec![(0, buy("1")), (3, more)]), &bars());
    assert_eq!((outcome.refusals().len(), outcome.fills().len()), (0, 2));
}

#[test]
fn no_more_is_sold_than_is_held_and_not_on_its_way_out() {
    let sell = |text| order(0, Side::Sell, Stance::Reduce, Size::Quantity(quantity(text)));
    let script = vec![(0, buy("2")), (2, sell("1.5")), (2, sell("1")), (2, sell("0.5"))];
    assert_eq!(refusals(plain(), script), [RefusalReason::NoPosition]);
}

#[test]
fn cash_is_promised_once() {
    let mut early = bar(0, 0, "100", "100");
    early.last_of_instant = false;
    let bars = [early, bar(1, 0, "100", "100")];
    let want = |pair| order(pair, Side::Buy, Stance::Open, Size::Quantity(quantity("60")));
    // Wanted in the wrong order; taken in pair order.
    let outcome = run(plain(), scripted(vec![(0, want(1)), (0, want(0))]), &bars);
    assert_eq!(
        outcome.names(),
        ["order_placed", "order_refused", "order_expired", "state_root", "run_ended"]
    );
    let Event::OrderRefused(refused) = outcome.derived().nth(1).unwrap() else { panic!() };
    assert_eq!((refused.pair, refused.reason), (PairId(1), RefusalReason::NoCash));
}

#[test]
fn a_position_below_the_smallest_order_can_still_be_closed() {
    let mut config = plain();
    config.instruments[0].min_notional = "150".parse().unwrap();
    let sell = |text| order(0, Side::Sell, Stance::Reduce, Size::Quantity(quantity(text)));
    let outcome = run(config, scripted(vec![(0, buy("2")), (2, sell("0.5"))]), &bars());
    assert_eq!((outcome.refusals().len(), outcome.trades().len()), (0, 1));
}

#[test]
fn a_quantity_is_rounded_down_to_the_lot() {
    let mut config = plain();
    config.instruments[0].lot = quantity("0.1");
    let outcome = run(config, scripted(vec![(0, buy("1.29"))]), &bars());
    assert_eq!(outcome.fills()[0].quantity, quantity("1.2"));
}

#[test]
fn short_sales_are_taken_where_they_are_allowed() {
    let mut config = plain();
    config.venue.allow_short = true;
    let open = order(0, Side::Sell, Stance::Open, Size::Quantity(quantity("2")));
    let close = order(0, Side::Buy, Stance::Reduce, Size::Position);
    let bars = [bar(0, 0, "100", "100"), bar(0, 1, "100", "95"), bar(0, 2, "90", "90")];
    let outcome = run(config, scripted(vec![(0, open), (1, close)]), &bars);
    assert_eq!(outcome.trades()[0].gross.to_string(), "20");
    assert_eq!(outcome.trades()[0].side, Side::Sell);
}

fn start(change: impl Fn(&mut RunStarted)) -> Result<(), KernelError> {
    let mut started = kernel::run_started(Mode::Backtest, config("sma-cross", 2), None, 0).unwrap();
    change(&mut started);
    Kernel::start(World::default(), &started).map(|_| ())
}

#[test]
fn a_run_of_another_kernel_or_an_unknown_strategy_is_not_executed() {
    assert_eq!(start(|_| {}), Ok(()));
    let other = start(|started| started.kernel = 3);
    assert_eq!(other, Err(KernelError::OtherKernel { recorded: 3, own: 2 }));
    let unknown = start(|started| started.config.strategy.name = "mine".into());
    assert!(matches!(unknown, Err(KernelError::Strategy(StrategyError::Unknown { .. }))));
}

#[test]
fn a_configuration_that_is_not_sound_is_refused_with_what_is_wrong() {
    let wrong = |change: &dyn Fn(&mut RunConfig)| match start(|s| change(&mut s.config)) {
        Err(KernelError::Config(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(
        wrong(&|c| c.instruments.reverse()),
        ConfigError::NotSorted { list: "instruments", .. }
    ));
    assert!(matches!(wrong(&|c| c.instruments.clear()), ConfigError::NoInstrument));
    assert!(matches!(
        wrong(&|c| c.instruments[1] = c.instruments[0].clone()),
        ConfigError::NotSorted { .. }
    ));
    assert!(matches!(
        wrong(&|c| c.instruments[1].quote = "EUR".into()),
        ConfigError::NoBalance { .. }
    ));
    assert!(matches!(
        wrong(&|c| c.balances[0].amount = "0".parse().unwrap()),
        ConfigError::NoBalance { .. }
    ));
    assert!(matches!(wrong(&|c| c.account_currency = "EUR".into()), ConfigError::NoAccount { .. }));
    assert!(matches!(
        wrong(&|c| c.strategy.parameters.reverse()),
        ConfigError::NotSorted { list: "parameters", .. }
    ));
    let range = |change: &dyn Fn(&mut RunConfig), expected: &str| {
        let error = wrong(change);
        assert!(
            matches!(error, ConfigError::OutOfRange { field, .. } if field == expected),
            "{error}"
        );
    };
    range(&|c| c.venue.fee_rate = Ratio::ONE, "fee_rate");
    range(&|c| c.venue.half_spread = Ratio::from_raw(-1), "half_spread");
    range(&|c| c.venue.impact = Ratio::from_raw(-1), "impact");
    range(&|c| c.venue.impact_window_bars = 1, "impact_window_bars");
    range(&|c| c.venue.impact_window_bars = u32::MAX, "impact_window_bars");
    range(&|c| c.instruments[0].tick = price("0"), "tick");
    range(&|c| c.instruments[0].lot = quantity("0"), "lot");
    range(&|c| c.instruments[0].interval = schwabot::time::Span::from_nanos(0), "interval");
    range(&|c| c.instruments[0].quote = "AAA".into(), "quote");
    range(&|c| c.instruments[0].base = "A/B".into(), "base");
    range(&|c| c.balances[0].amount = schwabot::units::Money::MAX, "amount");
}

#[test]
fn an_input_out_of_turn_is_refused_and_changes_nothing() {
    let config = frictionless("sma-cross", 1);
    let started = kernel::run_started(Mode::Backtest, config, None, 0).unwrap();
    let mut kernel = Kernel::start(World::default(), &started).unwrap();
    let start = Event::RunStarted(Box::new(started));
    let tick = Event::Bar(bar(0, 0, "1", "1"));
    let end = Event::EndOfData(EndOfData { bars: 0, defects: 0 });
    let mut out = Vec::new();
    let mut step = |event: &Event| {
        let before = kernel.world().clone();
        let answer = kernel.step(0, event, at(0), &mut out);
        assert!(answer.is_ok() || *kernel.world() == before, "a refused input leaves no trace");
        answer.is_ok()
    };
    assert!(!step(&tick), "nothing comes before the start");
    let Event::RunStarted(mut other) = start.clone() else { panic!() };
    other.mode = Mode::Demo;
    assert!(!step(&Event::RunStarted(other)), "another run's start");
    assert!(step(&start));
    assert!(!step(&start), "a second start");
    assert!(!step(&Event::OrderExpired(OrderExpired { order: 1, pair: PairId(0) })), "no input");
    assert!(step(&tick));
    assert!(step(&end));
    assert!(!step(&tick), "nothing comes after the end");
}

#[test]
fn a_run_is_named_by_its_configuration_and_first_sequence_alone() {
    let id = |mode, config: RunConfig, first| {
        kernel::run_started(mode, config, None, first).unwrap().run
    };
    let base = id(Mode::Backtest, config("sma-cross", 2), 5);
    assert_eq!(base, id(Mode::Backtest, config("sma-cross", 2), 5));
    assert_ne!(base, id(Mode::Backtest, config("sma-cross", 2), 6));
    assert_ne!(base, id(Mode::Backtest, config("sma-cross", 3), 5));
}
