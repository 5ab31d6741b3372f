//! Runs of the `schwabot` strategy over the synthetic market, with and without a ledger.

use std::ops::ControlFlow;
use std::path::Path;

use schwabot::event::*;
use schwabot::kernel::{self, World};
use schwabot::market::{PermutableMarket, Source, SyntheticConfig, SyntheticMarket};
use schwabot::pipeline::{self, Job, RunOptions, Summary};
use schwabot::strategies;
use schwabot::time::Timestamp;

use super::runs::{Outcome, run_inputs};

/// The settings of the demo, and these over them.
pub(crate) fn parameters(over: &[(&str, &str)]) -> Vec<Parameter> {
    let usual = [("warm-up", "240"), ("horizon-minutes", "30")];
    let kept = usual.iter().filter(|(name, _)| over.iter().all(|(other, _)| other != name));
    let all = kept
        .chain(over)
        .map(|(name, value)| Parameter { name: (*name).to_owned(), value: (*value).to_owned() });
    all.collect()
}

pub(crate) fn market(seed: u64, bars: u64) -> SyntheticConfig {
    SyntheticConfig { seed, bars, ..SyntheticConfig::default() }
}

/// The demo's configuration: ETH/BTC is watched, the other two are traded.
pub(crate) fn config(over: &[(&str, &str)]) -> RunConfig {
    let source = SyntheticMarket::new(market(1, 1)).unwrap();
    let instruments = source.pairs().into_iter().map(|pair| {
        let (base, quote) = (pair.symbol.base(), pair.symbol.quote());
        let known = kernel::default_instrument(base, quote, pair.interval);
        Instrument { tradable: quote == "USDC", ..known }
    });
    let strategy = strategies::canonical("schwabot", &parameters(over)).unwrap();
    let mut config = kernel::default_config(strategy, instruments.collect());
    config.account_currency = "USDC".to_owned();
    config
}

pub(crate) fn bars(seed: u64, bars: u64) -> Vec<Bar> {
    let mut source = SyntheticMarket::new(market(seed, bars)).unwrap();
    drain(&mut source)
}

pub(crate) fn drain(source: &mut impl Source) -> Vec<Bar> {
    let mut all = Vec::new();
    while let Some(event) = source.next().unwrap() {
        if let Event::Bar(bar) = event {
            all.push(bar);
        }
    }
    all
}

pub(crate) fn permutable(seed: u64, bars: u64) -> PermutableMarket {
    let mut source = SyntheticMarket::new(market(seed, bars)).unwrap();
    let symbols = source.pairs().iter().map(|pair| pair.symbol.to_string()).collect();
    PermutableMarket::read(&mut source, symbols).unwrap().unwrap()
}

/// Each input with the time at which it is known, and the end of the data.
pub(crate) fn inputs(bars: &[Bar]) -> Vec<(Event, Timestamp)> {
    super::runs::with_end(bars)
}

/// A run without a ledger.
pub(crate) fn run(over: &[(&str, &str)], bars: &[Bar]) -> Outcome {
    run_inputs(World::default(), 0, config(over), None, inputs(bars))
}

/// A run into a ledger.
pub(crate) fn record(path: &Path, over: &[(&str, &str)], seed: u64, bars: u64) -> Summary {
    let options = RunOptions { threads: 1, ..RunOptions::default() };
    record_with(path, over, seed, bars, &options)
}

pub(crate) fn record_with(
    path: &Path,
    over: &[(&str, &str)],
    seed: u64,
    bars: u64,
    options: &RunOptions,
) -> Summary {
    let market = market(seed, bars);
    let source = SyntheticMarket::new(market.clone()).unwrap();
    let job = Job {
        mode: Mode::Demo,
        config: config(over),
        generator: Some(source.generator()),
        origin: market.start,
        inputs: vec![],
        source,
        strategies: schwabot::strategies::Catalogue::default(),
    };
    let mut options = options.clone();
    options.writer.sync = schwabot::ledger::SyncMode::End;
    pipeline::run(path, job, &options, |_| ControlFlow::Continue(())).unwrap()
}
