//! Small markets, scripted strategies, and runs whose whole log is kept.

use std::collections::BTreeMap;

use schwabot::event::*;
use schwabot::kernel::{self, Decision, Kernel, World};
use schwabot::strategies::{Intention, OrderIntention, Size, Stance, Strategy, View};
use schwabot::time::{MINUTE_NS, Timestamp};
use schwabot::units::{Price, Quantity};

pub(crate) fn at(minute: i64) -> Timestamp {
    Timestamp::from_nanos(1_600_000_000_000_000_000 / MINUTE_NS * MINUTE_NS + minute * MINUTE_NS)
}

pub(crate) fn price(text: &str) -> Price {
    text.parse().unwrap()
}

pub(crate) fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

/// A bar that opens and closes as said, one minute long, the only one of its instant.
pub(crate) fn bar(pair: u16, minute: i64, open: &str, close: &str) -> Bar {
    let (open, close) = (price(open), price(close));
    Bar {
        pair: PairId(pair),
        row: minute.unsigned_abs() + 1,
        open_time: at(minute),
        available_at: at(minute + 1),
        open,
        high: open.max(close),
        low: open.min(close),
        close,
        volume: quantity("1000"),
        trades: None,
        last_of_instant: true,
    }
}

/// A deterministic stream of numbers (SplitMix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }
}

/// A random market: walks of several pairs, with missing bars.
pub(crate) fn market(seed: u64, pairs: u16, minutes: i64) -> Vec<Bar> {
    let mut dice = Dice(seed);
    let mut closes: Vec<i128> = (0..pairs).map(|_| 100 + i128::from(dice.below(900))).collect();
    let mut bars: Vec<Bar> = Vec::new();
    for minute in 0..minutes {
        let first_of_instant = bars.len();
        for pair in 0..pairs {
            if dice.below(12) == 0 {
                continue;
            }
            let step = |dice: &mut Dice, from: i128| {
                (from + i128::from(dice.below(21)) - 10).clamp(20, 2_000)
            };
            let open = step(&mut dice, closes[usize::from(pair)]);
            let close = step(&mut dice, open);
            closes[usize::from(pair)] = close;
            let raw = |cents: i128| Price::from_raw(cents * 10_i128.pow(10));
            bars.push(Bar {
                pair: PairId(pair),
                row: minute.unsigned_abs() + 1,
                open_time: at(minute),
                available_at: at(minute + 1),
                open: raw(open),
                high: raw(open.max(close) + 1),
                low: raw(open.min(close) - 1),
                close: raw(close),
                volume: Quantity::from_raw(i128::from(dice.below(1_000_000_000)) * 1_000_000_000),
                trades: None,
                last_of_instant: false,
            });
        }
        if let Some(last) = bars[first_of_instant..].last_mut() {
            last.last_of_instant = true;
        }
    }
    bars
}

/// One record of a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recorded {
    pub(crate) sequence: u64,
    pub(crate) time: Timestamp,
    pub(crate) event: Event,
}

/// A run, its whole log, and the world it left.
pub(crate) struct Outcome {
    pub(crate) log: Vec<Recorded>,
    pub(crate) world: World,
}

impl Outcome {
    pub(crate) fn derived(&self) -> impl Iterator<Item = &Event> {
        self.log.iter().map(|record| &record.event).filter(|e| e.class() == Class::Derived)
    }

    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.derived().map(Event::name).collect()
    }

    pub(crate) fn fills(&self) -> Vec<&OrderFilled> {
        self.derived()
            .filter_map(|event| match event {
                Event::OrderFilled(fill) => Some(fill),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn refusals(&self) -> Vec<RefusalReason> {
        self.derived()
            .filter_map(|event| match event {
                Event::OrderRefused(refused) => Some(refused.reason),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn trades(&self) -> Vec<&TradeClosed> {
        self.derived()
            .filter_map(|event| match event {
                Event::TradeClosed(trade) => Some(trade.as_ref()),
                _ => None,
            })
            .collect()
    }
}

/// Runs a strategy over inputs on top of a world, whose next record is `first`.
pub(crate) fn run_inputs(
    world: World,
    first: u64,
    config: RunConfig,
    strategy: Option<Box<dyn Strategy>>,
    inputs: Vec<(Event, Timestamp)>,
) -> Outcome {
    let started = kernel::run_started(Mode::Backtest, config, None, first).unwrap();
    let mut kernel = match strategy {
        Some(strategy) => Kernel::start_with(world, &started, strategy).unwrap(),
        None => Kernel::start(world, &started).unwrap(),
    };
    let mut log: Vec<Recorded> = Vec::new();
    let mut out: Vec<Decision> = Vec::new();
    let begin = (Event::RunStarted(Box::new(started)), at(0));
    for (input, time) in std::iter::once(begin).chain(inputs) {
        let sequence = first + log.len() as u64;
        out.clear();
        kernel.step(sequence, &input, time, &mut out).unwrap();
        log.push(Recorded { sequence, time, event: input });
        for decision in out.drain(..) {
            let sequence = first + log.len() as u64;
            log.push(Recorded { sequence, time, event: decision.event });
        }
    }
    Outcome { log, world: kernel.into_world() }
}

pub(crate) fn inputs_of(bars: &[Bar]) -> Vec<(Event, Timestamp)> {
    bars.iter().map(|bar| (Event::Bar(bar.clone()), bar.available_at)).collect()
}

pub(crate) fn with_end(bars: &[Bar]) -> Vec<(Event, Timestamp)> {
    let mut inputs = inputs_of(bars);
    let time = bars.last().map_or(at(0), |bar| bar.available_at);
    let end = EndOfData { bars: bars.len() as u64, defects: 0 };
    inputs.push((Event::EndOfData(end), time));
    inputs
}

/// Runs a strategy over bars, up to and with the end of the data.
pub(crate) fn run(config: RunConfig, strategy: Option<Box<dyn Strategy>>, bars: &[Bar]) -> Outcome {
    run_inputs(World::default(), 0, config, strategy, with_end(bars))
}

/// What to want at the n-th decision, counted from 0.
pub(crate) struct Scripted {
    decisions: u64,
    script: BTreeMap<u64, Vec<Intention>>,
}

impl Strategy for Scripted {
    fn observe(&mut self, _view: &dyn View, _input: &Event) {}

    fn decide(&mut self, _view: &dyn View, wanted: &mut Vec<Intention>) {
        wanted.extend(self.script.remove(&self.decisions).unwrap_or_default());
        self.decisions += 1;
    }
}

pub(crate) fn scripted(script: Vec<(u64, Intention)>) -> Option<Box<dyn Strategy>> {
    let mut by_decision: BTreeMap<u64, Vec<Intention>> = BTreeMap::new();
    for (decision, intention) in script {
        by_decision.entry(decision).or_default().push(intention);
    }
    Some(Box::new(Scripted { decisions: 0, script: by_decision }))
}

/// Wants at random, everything at once: a strategy that walks into every rule.
pub(crate) struct Restless(pub(crate) Dice);

impl Strategy for Restless {
    fn observe(&mut self, _view: &dyn View, input: &Event) {
        // Its choices are a function of the inputs alone.
        if let Event::Bar(bar) = input {
            self.0.0 ^= bar.close.raw() as u64;
        }
    }

    fn decide(&mut self, view: &dyn View, wanted: &mut Vec<Intention>) {
        for &pair in view.instant() {
            let dice = &mut self.0;
            let side = if dice.below(2) == 0 { Side::Buy } else { Side::Sell };
            let stance = [Stance::Open, Stance::Increase, Stance::Reduce][dice.below(3) as usize];
            let size = match dice.below(4) {
                0 => Size::Position,
                1 => Size::ShareOfEquity("0.3".parse().unwrap()),
                2 => Size::Notional("700.5".parse().unwrap()),
                _ => Size::Quantity(Quantity::from_raw(i128::from(dice.below(1 << 50)))),
            };
            let reason = OrderReason::Operator;
            wanted.push(Intention::Order(OrderIntention { pair, side, size, stance, reason }));
        }
    }
}

pub(crate) fn order(pair: u16, side: Side, stance: Stance, size: Size) -> Intention {
    let reason = OrderReason::Signal;
    Intention::Order(OrderIntention { pair: PairId(pair), side, size, stance, reason })
}

pub(crate) fn buy(amount: &str) -> Intention {
    order(0, Side::Buy, Stance::Open, Size::Quantity(quantity(amount)))
}

pub(crate) fn sell_all() -> Intention {
    order(0, Side::Sell, Stance::Reduce, Size::Position)
}

/// A configuration of the named strategy with defaults, over `AAA/USD`, `BBB/USD`, ...
pub(crate) fn config(strategy: &str, pairs: u16) -> RunConfig {
    let names = ["AAA", "BBB", "CCC", "DDD"];
    let minute = "1m".parse().unwrap();
    let instruments = names.iter().take(usize::from(pairs));
    let instruments = instruments.map(|base| kernel::default_instrument(base, "USD", minute));
    let strategy = schwabot::strategies::canonical(strategy, &[])
        .unwrap_or(StrategyConfig { name: strategy.to_owned(), parameters: vec![] });
    kernel::default_config(strategy, instruments.collect())
}

/// The same without half spread and impact: fills at the market's own price.
pub(crate) fn frictionless(strategy: &str, pairs: u16) -> RunConfig {
    let mut config = config(strategy, pairs);
    config.venue.half_spread = schwabot::units::Ratio::ZERO;
    config.venue.impact = schwabot::units::Ratio::ZERO;
    config
}
