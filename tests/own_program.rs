//! What another program builds on: its own events in a ledger of its own, its own strategy in a
//! recorded run, and the audit of both.

use std::ops::ControlFlow;
use std::path::Path;

use schwabot::audit::{Verdict, VerifyOptions, verify};
use schwabot::event::wire::{Decode, Encode};
use schwabot::event::{Event, Mode, OrderReason, Parameter, RunConfig, Side};
use schwabot::kernel::{default_config, default_instrument};
use schwabot::ledger::{Appended, Ledger, LedgerError, Reader, SyncMode, WriterOptions};
use schwabot::market::{SyntheticConfig, SyntheticMarket};
use schwabot::pipeline::{Job, RunOptions, run, run_unrecorded};
use schwabot::strategies::{
    Catalogue, Intention, OrderIntention, OwnStrategy, Size, Stance, Strategy, StrategyError, View,
};

use crate::support::TestResult;
use crate::support::cli;

#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[bincode(crate = "schwabot::event::wire::codec")]
struct Deal {
    order: u64,
    quantity: i64,
}

schwabot::own_events! {
    #[derive(Debug, Clone, PartialEq)]
    enum Bot in b"bot of the tests" {
        0x0100 version 1: Dealt(Deal),
        0x0101 version 1: Said(String),
    }
}

schwabot::own_events! {
    #[derive(Debug)]
    enum Other in b"somebody else's." {
        0x0100 version 1: Dealt(u64),
    }
}

fn events(ledger: &mut Ledger<Bot>) -> Result<Vec<Bot>, LedgerError> {
    ledger.fold(Vec::new(), |all, recorded| all.push(recorded.event))
}

#[test]
fn a_fold_sees_every_acknowledged_event_in_either_mode_and_again_after_a_kill() -> TestResult {
    for sync in [SyncMode::Always, SyncMode::End] {
        let place = cli::Place::new()?;
        let path = place.path("bot");
        let options = WriterOptions { sync, ..WriterOptions::default() };
        let mut ledger = Ledger::<Bot>::open_with(&path, &options)?;
        assert!(ledger.is_empty() && events(&mut ledger)?.is_empty());
        let said = Bot::Said("\u{1b}[2J, and Grüße".to_owned());
        let dealt = Bot::Dealt(Deal { order: 7, quantity: -3 });
        assert_eq!(ledger.record(&said)?, 0);
        assert_eq!(events(&mut ledger)?, std::slice::from_ref(&said));
        assert_eq!(ledger.record(&dealt)?, 1);
        assert_eq!(events(&mut ledger)?, [said.clone(), dealt.clone()]);
        // The folds above made it durable; it is dropped as a process that is killed drops it.
        drop(ledger);

        let mut ledger = Ledger::<Bot>::open(&path)?;
        assert_eq!(events(&mut ledger)?, [said.clone(), dealt.clone()]);
        ledger.record(&dealt)?;
        let head = ledger.close()?;
        let reader: Reader<Bot> = Reader::open(&path)?;
        let sequences = reader.fold(Vec::new(), |all, recorded| all.push(recorded.sequence))?;
        assert_eq!((reader.len(), sequences.len()), (head.size, 3));
        assert_eq!(verify(&path, &VerifyOptions::default())?.verdict(), Verdict::Intact);
    }
    Ok(())
}

#[test]
fn an_event_under_the_same_key_is_recorded_once() -> TestResult {
    let place = cli::Place::new()?;
    let mut ledger = Ledger::<Bot>::open(place.path("bot"))?;
    let mut stamp = ledger.stamp();
    stamp.idempotency_key = Some([9; 16]);
    let dealt = Bot::Dealt(Deal { order: 1, quantity: 1 });
    assert_eq!(ledger.record_as(&dealt, &stamp)?, Appended::New(0..1));
    assert_eq!(ledger.record_as(&dealt, &stamp)?, Appended::Existing(0));
    assert_eq!(ledger.close()?.size, 1);
    Ok(())
}

#[test]
fn a_ledger_of_another_program_is_refused_and_told_by_name() -> TestResult {
    let place = cli::Place::new()?;
    let path = place.path("bot");
    let mut ledger = Ledger::<Bot>::open(&path)?;
    ledger.record(&Bot::Said("mine".to_owned()))?;
    assert!(matches!(Ledger::<Bot>::open(&path), Err(LedgerError::Locked { .. })));
    ledger.close()?;
    // 0x0101 has a name in this program, and means something else in that one.
    let shown = cli::run(&["replay", path.to_str().unwrap(), "--format", "jsonl"])?.json()?;
    assert_eq!((&shown["kind"], &shown["sequence"]), (&"0x0101".into(), &0.into()));
    let refused = Ledger::<Other>::open(&path).map(drop).unwrap_err().to_string();
    assert!(refused.contains("bot of the tests"), "{refused}");
    Ok(())
}

/// Buys at the first bar; the twin sells first, under the same name.
struct First(Side);

impl Strategy for First {
    fn observe(&mut self, _view: &dyn View, _input: &Event) {}

    fn decide(&mut self, view: &dyn View, wanted: &mut Vec<Intention>) {
        for &pair in view.instant().iter().filter(|pair| view.bars(**pair) == 1) {
            wanted.push(Intention::Order(OrderIntention {
                pair,
                side: self.0,
                size: Size::Quantity("0.01".parse().unwrap()),
                stance: Stance::Open,
                reason: OrderReason::Signal,
            }));
        }
    }
}

type Built = Result<Box<dyn Strategy>, StrategyError>;

fn buys(_given: &[Parameter], _run: &RunConfig) -> Built {
    Ok(Box::new(First(Side::Buy)))
}

fn sells(_given: &[Parameter], _run: &RunConfig) -> Built {
    Ok(Box::new(First(Side::Sell)))
}

fn catalogue(build: fn(&[Parameter], &RunConfig) -> Built) -> Catalogue {
    let canonical = |given: &[Parameter]| Ok(given.to_vec());
    Catalogue::with(&[OwnStrategy { name: "first", canonical, build }]).unwrap()
}

fn job(strategies: Catalogue) -> Job<SyntheticMarket> {
    let market = SyntheticConfig { bars: 50, ..SyntheticConfig::default() };
    let source = SyntheticMarket::new(market.clone()).unwrap();
    let of = |pair: &schwabot::market::MarketPair| {
        default_instrument(pair.symbol.base(), pair.symbol.quote(), pair.interval)
    };
    let instruments = source.pairs().iter().map(of).collect();
    Job {
        mode: Mode::Backtest,
        config: default_config(strategies.canonical("first", &[]).unwrap(), instruments),
        generator: Some(source.generator()),
        origin: market.start,
        inputs: vec![],
        source,
        strategies,
    }
}

fn verdict(path: &Path, strategies: Catalogue) -> Verdict {
    verify(path, &VerifyOptions { strategies, ..VerifyOptions::default() }).unwrap().verdict()
}

#[test]
fn an_own_strategy_is_recorded_and_re_executed_and_one_that_decides_otherwise_is_found()
-> TestResult {
    let place = cli::Place::new()?;
    let path = place.path("run");
    let go_on = |_: &_| ControlFlow::Continue(());
    let summary = run(&path, job(catalogue(buys)), &RunOptions::default(), go_on)?;
    assert!(summary.open_positions > 0);
    let unrecorded = run_unrecorded(job(catalogue(buys)), 1, go_on)?;
    assert_eq!(unrecorded.counters, summary.counters);
    assert_eq!(verdict(&path, catalogue(buys)), Verdict::Intact);
    assert_eq!(verdict(&path, catalogue(sells)), Verdict::DerivationMismatch);
    assert_eq!(verdict(&path, Catalogue::default()), Verdict::NotChecked);
    Ok(())
}

#[test]
fn a_strategy_that_is_not_in_the_catalogue_is_refused_before_a_ledger_is_made() -> TestResult {
    let place = cli::Place::new()?;
    let path = place.path("run");
    let unknown = Job { strategies: Catalogue::default(), ..job(catalogue(buys)) };
    let go_on = |_: &_| ControlFlow::Continue(());
    let refused = run(&path, unknown, &RunOptions::default(), go_on).unwrap_err().to_string();
    assert!(
        refused.contains("unknown strategy `first`: known are schwabot, sma-cross"),
        "{refused}"
    );
    assert!(!path.exists());
    Ok(())
}
