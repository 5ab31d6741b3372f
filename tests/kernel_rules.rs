//! What the kernel refuses: intentions by the risk rules, runs and inputs by themselves.

use schwabot::event::*;
use schwabot::kernel::{self, ConfigError, Kernel, KernelError, World};
use schwabot::strategies::{Intention, RiskLimits, Size, Stance, Strategy, StrategyError, View};
use schwabot::time::DAY_NS;
use schwabot::units::{Money, MoneyExact, Quantity, Ratio};

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
fn an_order_may_cost_all_the_cash_and_be_the_smallest_and_not_a_step_beyond() {
    let with = |cash: &str, amount: &str| {
        let mut config = plain();
        config.balances[0].amount = cash.parse().unwrap();
        let outcome = run(config, scripted(vec![(0, buy(amount))]), &bars());
        (outcome.refusals(), outcome.fills().len())
    };
    // 10,000 and a fee of 10.
    assert_eq!(with("10010", "100"), (vec![], 1));
    assert_eq!(with("10009.999999999999", "100"), (vec![RefusalReason::NoCash], 0));
    // The smallest order is 10 quote.
    assert_eq!(with("10010", "0.1"), (vec![], 1));
    assert_eq!(with("10010", "0.09999999"), (vec![RefusalReason::TooSmall], 0));
}

/// A script under risk limits.
struct Limited {
    script: Box<dyn Strategy>,
    limits: RiskLimits,
}

impl Strategy for Limited {
    fn observe(&mut self, view: &dyn View, input: &Event) {
        self.script.observe(view, input);
    }

    fn decide(&mut self, view: &dyn View, wanted: &mut Vec<Intention>) {
        self.script.decide(view, wanted);
    }

    fn limits(&self) -> RiskLimits {
        self.limits
    }
}

/// What is refused under the limits, without fees.
fn limited(
    limits: RiskLimits,
    shorts: bool,
    script: Vec<(u64, Intention)>,
    bars: &[Bar],
) -> Vec<RefusalReason> {
    let mut config = plain();
    (config.venue.fee_rate, config.venue.allow_short) = (Ratio::ZERO, shorts);
    let script = scripted(script).unwrap();
    run(config, Some(Box::new(Limited { script, limits })), bars).refusals()
}

fn share(text: &str) -> Option<Ratio> {
    Some(text.parse().unwrap())
}

#[test]
fn positions_of_both_sides_count_to_the_limit_which_may_be_reached_and_not_passed() {
    let bars: Vec<Bar> = (0..6)
        .flat_map(|minute| {
            let first = Bar { last_of_instant: false, ..bar(0, minute, "100", "100") };
            [first, bar(1, minute, "100", "100")]
        })
        .collect();
    let ten = Size::Quantity(quantity("10"));
    for held in [Side::Buy, Side::Sell] {
        let script = |at| {
            vec![
                (0, order(1, held, Stance::Open, ten)),
                (at, order(0, Side::Buy, Stance::Open, ten)),
            ]
        };
        let refused = |at, most| {
            let limits = RiskLimits { max_exposure: share(most), ..RiskLimits::default() };
            limited(limits, true, script(at), &bars)
        };
        assert_eq!(refused(3, "0.2"), [], "{held:?}: 1,000 and 1,000 of 10,000");
        assert_eq!(refused(3, "0.199999999"), [RefusalReason::ExposureLimit], "{held:?}");
    }
    // Purchases on their way count as well.
    let both = vec![
        (0, order(0, Side::Buy, Stance::Open, ten)),
        (0, order(1, Side::Buy, Stance::Open, ten)),
    ];
    let limits = RiskLimits { max_exposure: share("0.199999999"), ..RiskLimits::default() };
    assert_eq!(limited(limits, true, both, &bars), [RefusalReason::ExposureLimit]);
}

#[test]
fn a_loss_stops_what_opens_as_soon_as_it_reaches_its_limit_and_never_what_reduces() {
    let more = order(0, Side::Buy, Stance::Increase, Size::Quantity(quantity("1")));
    let last = |script: Intention| vec![(0, buy("10")), (3, script)];
    let none = RiskLimits::default();
    let daily = |text| RiskLimits { daily_loss: share(text), ..none };
    let below_peak = |text| RiskLimits { max_drawdown: share(text), ..none };
    let path = |from: i64, closes: [&str; 4]| -> Vec<Bar> {
        let (mut open, mut bars) = ("100", Vec::new());
        for (minute, close) in (from..).zip(closes) {
            bars.push(bar(0, minute, open, close));
            open = close;
        }
        bars
    };
    // Ten held at 100; 10 down are 100 of 10,000.
    let fallen = path(0, ["100", "100", "95", "90"]);
    let refused = |limits, bars: &[Bar]| limited(limits, false, last(more.clone()), bars);
    assert_eq!(refused(daily("0.01"), &fallen), [RefusalReason::DailyLossLimit]);
    assert_eq!(refused(daily("0.010000001"), &fallen), []);
    assert_eq!(limited(daily("0.01"), false, last(sell_all()), &fallen), []);
    // 10,100 at the best, and 101 less in the end.
    let from_above = path(0, ["100", "105", "110", "99.9"]);
    assert_eq!(refused(below_peak("0.01"), &from_above), [RefusalReason::DrawdownLimit]);
    assert_eq!(refused(below_peak("0.010000001"), &from_above), []);
    assert_eq!(refused(daily("0.01"), &from_above), [], "of the day it is 1 in 10,000");
    // A fall that midnight (UTC) ends is the first of the new day; one before it is forgotten.
    let midnight = (0..1_440).find(|minute| at(*minute).nanos() % DAY_NS == 0).unwrap();
    let closes = ["100", "100", "90", "90"];
    let of_today = path(midnight - 3, closes);
    assert_eq!(refused(daily("0.01"), &of_today), [RefusalReason::DailyLossLimit]);
    let of_yesterday = path(midnight - 4, closes);
    assert_eq!(refused(daily("0.01"), &of_yesterday), []);
    assert_eq!(refused(below_peak("0.01"), &of_yesterday), [RefusalReason::DrawdownLimit]);
}

#[test]
fn a_second_opening_is_refused_while_an_order_waits_or_a_position_is_open() {
    use RefusalReason::PositionOpen;
    assert_eq!(refusals(plain(), vec![(0, buy("1")), (0, buy("1"))]), [PositionOpen]);
    assert_eq!(refusals(plain(), vec![(0, buy("1")), (3, buy("1"))]), [PositionOpen]);
    let more = order(0, Side::Buy, Stance::Increase, Size::Quantity(quantity("1")));
    let outcome = run(plain(), scripted(vec![(0, buy("1")), (3, more)]), &bars());
    assert_eq!((outcome.refusals().len(), outcome.fills().len()), (0, 2));
    // More of a position is more on its own side.
    let other = order(0, Side::Sell, Stance::Increase, Size::Quantity(quantity("1")));
    let mut shorts = plain();
    shorts.venue.allow_short = true;
    assert_eq!(refusals(shorts, vec![(0, buy("1")), (3, other)]), [PositionOpen]);
}

#[test]
fn what_is_refused_is_counted_and_takes_its_signal_with_it() {
    let signal = SignalFired {
        pair: PairId(0),
        trigger: Trigger::Cross,
        direction: Direction::Up,
        strength: None,
    };
    let script = vec![
        (0, Intention::Signal(signal.clone())),
        (0, buy("1000")),
        (0, buy("1")),
        (3, sell_all()),
    ];
    let outcome = run(plain(), scripted(script), &bars());
    let counters = outcome.world.run().unwrap().counters();
    assert_eq!((counters.signals, counters.refused, counters.orders), (1, 1, 2));
    let trade = outcome.trades()[0];
    assert_eq!(trade.trigger, None, "the signal belonged to the order that was refused");
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
fn a_run_has_at_most_as_many_pairs_as_can_be_numbered() {
    let mut config = config("own", 1);
    let first = config.instruments[0].clone();
    let named = |number: usize| Instrument { base: format!("A{number:05}"), ..first.clone() };
    config.instruments = (0..1 << 16).map(named).collect();
    assert_eq!(kernel::check_config(&config), Ok(()));
    config.instruments.push(named(1 << 16));
    let refused = Err(ConfigError::TooManyInstruments { count: 65_537 });
    assert_eq!(kernel::check_config(&config), refused);
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
    range(&|c| c.balances[0].amount = Money::MAX, "amount");
    range(&|c| c.balances[0].amount = Money::from_raw(-1), "amount");
    range(&|c| c.instruments[0].min_notional = Money::MAX, "min_notional");
    range(&|c| c.instruments[0].min_notional = Money::from_raw(-1), "min_notional");
    range(&|c| c.instruments[0].base = String::new(), "base");
    range(&|c| c.instruments[0].quote = "U/D".into(), "quote");
}

#[test]
fn a_pair_that_is_only_watched_needs_no_cash_and_no_smallest_order() {
    let sound = start(|started| {
        let config = &mut started.config;
        config.instruments[1].quote = "EUR".into();
        (config.instruments[1].tradable, config.instruments[1].min_notional) = (false, Money::ZERO);
        let nothing = Balance { currency: "EUR".into(), amount: Money::ZERO };
        config.balances.insert(0, nothing);
    });
    assert_eq!(sound, Ok(()));
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
