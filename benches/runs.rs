//! A run of sma-cross over a made-up market, recorded as a user's would be.

use std::ops::ControlFlow;
use std::path::Path;

use schwabot::event::Mode;
use schwabot::kernel::{default_config, default_instrument};
use schwabot::ledger::{SyncMode, WriterOptions};
use schwabot::market::{MarketPair, SyntheticConfig, SyntheticMarket};
use schwabot::pipeline::{Job, RunOptions, Summary, run};
use schwabot::strategies::{self, Catalogue};

/// Records a run of so many bars a pair, of three pairs, into a ledger at `path`.
pub(crate) fn record(path: &Path, bars: u64) -> Summary {
    let market = SyntheticConfig { bars, ..SyntheticConfig::default() };
    let source = SyntheticMarket::new(market.clone()).unwrap();
    let of = |pair: &MarketPair| {
        default_instrument(pair.symbol.base(), pair.symbol.quote(), pair.interval)
    };
    let instruments = source.pairs().iter().map(of).collect();
    let job = Job {
        mode: Mode::Demo,
        config: default_config(strategies::canonical("sma-cross", &[]).unwrap(), instruments),
        generator: Some(source.generator()),
        origin: market.start,
        inputs: vec![],
        source,
        strategies: Catalogue::default(),
    };
    let writer = WriterOptions { sync: SyncMode::End, ..WriterOptions::default() };
    let options = RunOptions { writer, append: false, threads: 2 };
    run(path, job, &options, |_| ControlFlow::Continue(())).unwrap()
}
