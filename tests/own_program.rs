//! What another program builds on: its own events in a ledger of its own, its own strategy in a
//! recorded run, and the audit of both.

use std::ops::ControlFlow;
use std::path::Path;

use schwabot::audit::{Verdict, VerifyOptions, verify};
use schwabot::event::wire::{Decode, Encode};
use schwabot::event::{
    Event, Mode, OrderPlaced, OrderReason, Parameter, RefusalReason, RunConfig, Side,
};
use schwabot::kernel::{default_config, default_instrument};
use schwabot::ledger::{Appended, Ledger, LedgerError, Reader, SyncMode, WriterOptions};
use schwabot::market::{SyntheticConfig, SyntheticMarket};
use schwabot::pipeline::{Job, RunOptions, run, run_unrecorded};
use schwabot::strategies::{
    Catalogue, Intention, OrderIntention, OwnStrategy, Quote, Size, Stance, Strategy,
    StrategyError, Venue, View,
};
use schwabot::units::{Money, Price, Ratio};

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

/// Buys at the first bar; the twin sells first, under the same name. Some bring a venue.
struct First(Side, Option<FlatFee>);

/// Fills at the market's price for the same fee whatever the order; rejects without one.
struct FlatFee(&'static str);

impl Venue for FlatFee {
    fn quote(
        &self,
        _view: &dyn View,
        _order: &OrderPlaced,
        market: Price,
    ) -> Result<Quote, RefusalReason> {
        let fee = self.0.parse().map_err(|_| RefusalReason::NotTradable)?;
        Ok(Quote { price: market, fee, slippage: Ratio::ZERO })
    }
}

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

    fn venue(&self) -> Option<&dyn Venue> {
        self.1.as_ref().map(|own| own as &dyn Venue)
    }
}

type Built = Result<Box<dyn Strategy>, StrategyError>;

fn buys(_given: &[Parameter], _run: &RunConfig) -> Built {
    Ok(Box::new(First(Side::Buy, None)))
}

fn sells(_given: &[Parameter], _run: &RunConfig) -> Built {
    Ok(Box::new(First(Side::Sell, None)))
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

fn buys_for(fee: &'static str) -> Built {
    Ok(Box::new(First(Side::Buy, Some(FlatFee(fee)))))
}

/// Records a run of a strategy; returns its ledger and the answers to its orders.
fn answered(
    place: &cli::Place,
    build: fn(&[Parameter], &RunConfig) -> Built,
) -> TestResult<(std::path::PathBuf, Vec<Event>)> {
    let path = place.path("run");
    run(&path, job(catalogue(build)), &RunOptions::default(), |_| ControlFlow::Continue(()))?;
    let reader: Reader<Event> = Reader::open(&path)?;
    let answers = reader.fold(Vec::new(), |all: &mut Vec<Event>, recorded| {
        if matches!(recorded.event, Event::OrderFilled(_) | Event::OrderRejected(_)) {
            all.push(recorded.event);
        }
    })?;
    Ok((path, answers))
}

#[test]
fn an_own_venue_fills_the_orders_and_one_that_asks_for_another_fee_is_found() -> TestResult {
    let place = cli::Place::new()?;
    let (path, answers) = answered(&place, |_, _| buys_for("1.25"))?;
    let fees = answers.iter().map(|answer| match answer {
        Event::OrderFilled(fill) => Some((fill.fee, fill.slippage)),
        _ => None,
    });
    let asked = Some(("1.25".parse::<Money>()?, Ratio::ZERO));
    assert!(answers.len() > 1 && fees.eq(answers.iter().map(|_| asked)), "{answers:?}");
    assert_eq!(verdict(&path, catalogue(|_, _| buys_for("1.25"))), Verdict::Intact);
    assert_eq!(verdict(&path, catalogue(|_, _| buys_for("1.26"))), Verdict::DerivationMismatch);
    assert_eq!(verdict(&path, catalogue(buys)), Verdict::DerivationMismatch);
    Ok(())
}

#[test]
fn what_an_own_venue_asks_beyond_the_cash_or_below_zero_rejects_the_order() -> TestResult {
    for (build, reason) in [
        ((|_, _| buys_for("1000000")) as fn(&[Parameter], &RunConfig) -> Built, "no_cash"),
        (|_, _| buys_for("-0.01"), "overflow"),
        (|_, _| buys_for("none"), "not_tradable"),
    ] {
        let place = cli::Place::new()?;
        let (path, answers) = answered(&place, build)?;
        assert!(!answers.is_empty());
        for answer in &answers {
            let Event::OrderRejected(rejected) = answer else { panic!("{answer:?}") };
            assert_eq!(serde_json::to_value(rejected.reason)?, reason);
        }
        assert_eq!(verdict(&path, catalogue(build)), Verdict::Intact);
    }
    Ok(())
}
