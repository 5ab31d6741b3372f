//! What a run must record: its kernel executed outside, without ledger, disk or pipeline.

use std::num::NonZeroU32;

use schwabot::event::{
    Action, Command, EndOfData, Event, Instrument, Mode, Parameter, RunConfig, StrategyConfig,
    encode_record,
};
use schwabot::kernel::{
    Decision, InputClock, Kernel, World, default_config, default_instrument, derived_stamp,
    input_stamp, run_started,
};
use schwabot::market::{CommandedSource, Source, SyntheticConfig, SyntheticMarket};
use schwabot::pipeline::Job;
use schwabot::strategies;
use schwabot::time::{SECOND_NS, Span, Timestamp};

use super::plan::{Run, Strategy};
use crate::support::dice::Dice;
use crate::support::documents;

/// The records of a run in their order.
pub(crate) struct Expected {
    pub(crate) records: Vec<Vec<u8>>,
    /// How many records there are after each bar.
    pub(crate) bar_ends: Vec<usize>,
}

fn parameters(of: Strategy) -> (&'static str, Vec<(&'static str, String)>) {
    match of {
        Strategy::SmaCross { fast, slow } => {
            ("sma-cross", vec![("fast", fast.to_string()), ("slow", slow.to_string())])
        }
        Strategy::Schwabot { carry, additive, .. } => {
            let rule = if additive { "additive" } else { "exponentiated" };
            // Windows so short that even a small market fires, flips and learns.
            let usual = [
                ("warm-up", "12"),
                ("window", "8"),
                ("horizon-minutes", "5"),
                ("gap-minutes", "600"),
                ("spike", "1"),
                ("surge", "1"),
                ("ema-fast", "3"),
                ("ema-slow", "9"),
                ("chrono", "9"),
                ("clock-short", "3"),
                ("clock-long", "12"),
                ("gate-cases", "2"),
                ("gate-bound", "0.05"),
                ("gate-edge", "false"),
                ("gate-family", "none"),
            ];
            let mut all: Vec<_> = usual.map(|(name, value)| (name, value.to_owned())).into();
            all.push(("carry-evidence", carry.to_string()));
            all.push(("weights", rule.to_owned()));
            ("schwabot", all)
        }
    }
}

fn config(run: &Run, market: &SyntheticMarket) -> RunConfig {
    let instruments = market.pairs().into_iter().map(|pair| {
        let (base, quote) = (pair.symbol.base(), pair.symbol.quote());
        let usual = default_instrument(base, quote, pair.interval);
        Instrument { tradable: quote == "USDC", ..usual }
    });
    let (name, given) = parameters(run.strategy);
    let given: Vec<Parameter> =
        given.into_iter().map(|(name, value)| Parameter { name: name.to_owned(), value }).collect();
    let strategy: StrategyConfig = strategies::canonical(name, &given).unwrap();
    let mut config = default_config(strategy, instruments.collect());
    config.account_currency = "USDC".to_owned();
    config
}

fn commands(run: &Run, market: &SyntheticConfig) -> Vec<Command> {
    let Strategy::Schwabot { commands, .. } = run.strategy else { return Vec::new() };
    let mut all = documents::demo_events();
    all.extend(documents::memory_updates());
    all.extend([documents::weight("BTC→USDC", 4, "0.1"), Action::CleanUp]);
    let mut dice = Dice::new(run.market);
    let mut bars: Vec<u64> =
        (0..commands).map(|_| dice.below(run.bars as usize + 1) as u64).collect();
    bars.sort_unstable();
    let at = |bar: u64| {
        let nanos = market.start.nanos() + market.interval.nanos() * bar as i64;
        Timestamp::from_nanos(nanos)
    };
    let row = |(row, bar): (u64, u64)| {
        let action = all[dice.below(all.len())].clone();
        Command { row, time: at(bar), action }
    };
    (1..).zip(bars).map(row).collect()
}

/// The job of a run. The same each time it is asked for.
pub(crate) fn job(run: &Run) -> Job<CommandedSource<SyntheticMarket>> {
    let config_of_market = SyntheticConfig {
        seed: run.market,
        bars: run.bars,
        interval: Span::from_nanos(run.seconds * SECOND_NS),
        ..SyntheticConfig::default()
    };
    let market = SyntheticMarket::new(config_of_market.clone()).unwrap();
    Job {
        mode: if run.backtest { Mode::Backtest } else { Mode::Demo },
        config: config(run, &market),
        generator: Some(market.generator()),
        origin: config_of_market.start,
        inputs: vec![],
        source: CommandedSource::new(market, commands(run, &config_of_market)),
        strategies: schwabot::strategies::Catalogue::default(),
    }
}

/// Executes a run on top of a world; its first record would have the sequence `first`.
pub(crate) fn expected(world: World, first: u64, run: &Run) -> Expected {
    let Job { mode, config, generator, origin, mut source, .. } = job(run);
    let started = run_started(mode, config, generator, first).unwrap();
    let mut clock = InputClock::new(origin, &started.config);
    let mut kernel = Kernel::start(world, &started).unwrap();
    let mut made = Expected { records: Vec::new(), bar_ends: Vec::new() };
    let mut out: Vec<Decision> = Vec::new();
    let mut over = false;
    let mut next = Some(Event::RunStarted(Box::new(started.clone())));
    while let Some(input) = next {
        let time = clock.advance(&input);
        let stamp = input_stamp(&input, started.run, source.vantage(), time);
        out.clear();
        let sequence = first + made.records.len() as u64;
        kernel.step(sequence, &input, time, &mut out).unwrap();
        let mut bytes = Vec::new();
        encode_record(&input, &stamp, &mut bytes).unwrap();
        made.records.push(bytes);
        for (distance, decision) in (1_u32..).zip(&out) {
            let distance = NonZeroU32::new(distance).unwrap();
            let stamp = derived_stamp(&stamp, distance, decision.actor);
            let mut bytes = Vec::new();
            encode_record(&decision.event, &stamp, &mut bytes).unwrap();
            made.records.push(bytes);
        }
        if let Event::Bar(_) = input {
            made.bar_ends.push(made.records.len());
        }
        next = source.next().unwrap();
        if next.is_none() && !over {
            over = true;
            let bars = made.bar_ends.len() as u64;
            next = Some(Event::EndOfData(EndOfData { bars, defects: 0 }));
        }
    }
    made
}
