//! The three engines over a month of thirteen real pairs. Nothing here claims an edge.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use schwabot::audit::{VerifyOptions, verify};
use schwabot::event::{Event, IgnoreReason, Mode};
use schwabot::ledger::{Reader, SyncMode};
use schwabot::market::{DataFile, MarketOptions, open_market};
use schwabot::pipeline::{Job, RunOptions, RunSettings, Summary, market_config, run};
use schwabot::projections::{UpTo, fold};
use schwabot::registries::Page;
use schwabot::time::Timestamp;

use crate::support::shared_data;

fn backtest(ledger: &Path, files: &[PathBuf], threads: usize) -> Summary {
    let data: Vec<DataFile> = files
        .iter()
        .map(|path| DataFile { path: path.clone(), pair: None, format: None })
        .collect();
    let market = open_market(&data, &MarketOptions::default()).unwrap();
    let settings = RunSettings { strategy: Some("schwabot".to_owned()), ..RunSettings::default() };
    let config = market_config(&settings, &market.pairs).unwrap();
    let job = Job {
        mode: Mode::Backtest,
        config,
        generator: None,
        origin: Timestamp::from_nanos(0),
        inputs: market.inputs,
        source: market.source,
        strategies: schwabot::strategies::Catalogue::default(),
    };
    let mut options = RunOptions { threads, ..RunOptions::default() };
    options.writer.sync = SyncMode::End;
    run(ledger, job, &options, |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn thirteen_pairs_trade_win_lose_link_and_verify_and_btc_alone_says_why_it_does_not() {
    let Some(bitcoin) = shared_data("klines_1m/binance_BTC_USDT-1m_2021.json.gz") else { return };
    let Some(folder) = shared_data("klines_1m_multi") else { return };
    let place = tempfile::tempdir().unwrap();

    let alone = backtest(&place.path().join("alone"), std::slice::from_ref(&bitcoin), 2);
    let ghosts = alone.engines.unwrap().ghosts;
    if alone.counters.trades == 0 {
        let refused: u64 = ghosts.ignored.values().sum();
        assert_eq!((refused, ghosts.triggered), (ghosts.firings, 0));
        let by_gate = [IgnoreReason::TooFew, IgnoreReason::Bound, IgnoreReason::NoEdge];
        assert!(by_gate.iter().any(|reason| ghosts.ignored[reason.name()] > 0), "{ghosts:?}");
    }

    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 12);
    files.push(bitcoin);
    let (one, two) = (place.path().join("one"), place.path().join("two"));
    let summary = backtest(&one, &files, 2);
    files.reverse();
    let again = backtest(&two, &files, 1);
    assert_eq!(summary.head, again.head, "the order of files and the threads do not matter");
    assert!(summary.counters.trades >= 20, "{:?}", summary.counters);
    let folded = fold(&Reader::open(&one).unwrap(), UpTo::End).unwrap();
    let registries = folded.world.registries();
    let outcomes: BTreeSet<bool> =
        registries.trades().all(Page::ALL).map(|entry| entry.trade.is_success()).collect();
    assert_eq!(outcomes.len(), 2, "winners and losers");
    assert_eq!(registries.links().len(), 2 * registries.trades().len());
    assert_eq!(verify(&one, &VerifyOptions::default()).unwrap().exit_code(), 0);
    let reader: Reader<Event> = Reader::open(&two).unwrap();
    assert_eq!(fold(&reader, UpTo::End).unwrap().world.state_root(), folded.world.state_root());
}
