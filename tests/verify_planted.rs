//! Forged histories of the engines and the registries, each with a perfectly sound chain.
//!
//! A forger who leaves the state roots as they were is found by them (16); one who knows the program
//! and makes them anew is found by what contradicts itself (15); and whatever is forged, it does not
//! follow from the inputs (17).

use std::path::Path;

use schwabot::audit::{Level, Report, Verdict, VerifyOptions, verify};
use schwabot::event::*;
use schwabot::hash::Digest;
use schwabot::registries::Registries;
use schwabot::units::{MoneyExact, Ratio};

use crate::support::demo;
use crate::support::forge::{Loose, loosen, make_roots_anew, rechain};

fn check(path: &Path, level: Level) -> Report {
    verify(path, &VerifyOptions { level: Some(level), ..VerifyOptions::default() }).unwrap()
}

/// Verifies a forgery: with the roots as they were, with the roots made anew, and re-executed.
#[track_caller]
fn forged(edit: impl Fn(&mut Vec<Loose>)) -> [Report; 3] {
    let dir = tempfile::tempdir().unwrap();
    let honest = dir.path().join("honest");
    demo::record(&honest, &[], 1, 4_000);
    let mut records = loosen(&honest);
    let untouched = records.clone();
    edit(&mut records);
    assert_ne!(records, untouched, "the forgery changed nothing");
    let (crude, skilled) = (dir.path().join("crude"), dir.path().join("skilled"));
    rechain(&crude, &records);
    make_roots_anew(&mut records);
    rechain(&skilled, &records);
    for path in [&crude, &skilled] {
        assert_eq!(check(path, Level::Tree).exit_code(), 0, "the chain of a forgery is sound");
    }
    [check(&crude, Level::State), check(&skilled, Level::State), check(&skilled, Level::Derive)]
}

fn place_of(records: &[Loose], name: &str) -> usize {
    records.iter().position(|record| record.event.name() == name).unwrap()
}

#[track_caller]
fn is_found(reports: &[Report; 3], words: &str) {
    let [crude, skilled, derived] = reports;
    assert_eq!(crude.exit_code(), 16, "{:?}", crude.findings);
    assert_eq!(skilled.exit_code(), 15, "{:?}", skilled.findings);
    assert!(skilled.findings.iter().any(|f| f.what.contains(words)), "{:?}", skilled.findings);
    assert_eq!(derived.exit_code(), 17);
    // All that is wrong is listed, not only the gravest.
    assert!(derived.verdicts.contains(&Verdict::Finding), "{:?}", derived.verdicts);
    let json = serde_json::to_value(derived).unwrap();
    assert!(
        json["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|finding| { finding["what"].as_str().unwrap().contains(words) })
    );
}

#[test]
fn a_ghost_that_the_gate_refused_and_the_log_lets_pass_is_found() {
    let reports = forged(|records| {
        let place = place_of(records, "ghost_ignored");
        let Event::GhostIgnored(ignored) = records[place].event.clone() else { panic!() };
        records[place].event = Event::GhostTriggered(Box::new(GhostTriggered {
            ghost: ignored.ghost,
            pair: ignored.pair,
            key: ignored.key,
            cases: 40,
            successes: 39,
            lower_bound: "0.87".parse().unwrap(),
            confidence: "0.95".parse().unwrap(),
            mean_net_return: "0.01".parse().unwrap(),
            kelly_fraction: Some("0.1".parse().unwrap()),
            expected_net_edge: "0.01".parse().unwrap(),
        }));
    });
    is_found(&reports, "the gate says `no_evidence`");
}

#[test]
fn an_order_for_a_ghost_that_never_passed_is_found() {
    let reports = forged(|records| {
        let place = place_of(records, "ghost_triggered");
        records.remove(place);
    });
    is_found(&reports, "for a ghost that did not pass the gate");
}

#[test]
fn a_link_to_nothing_is_found() {
    let reports = forged(|records| {
        let place = place_of(records, "registry_linked");
        let Event::RegistryLinked(linked) = &mut records[place].event else { panic!() };
        linked.entry = Digest([9; 32]);
    });
    is_found(&reports, "which is not there");
}

#[test]
fn a_bucket_without_its_trade_is_found() {
    let reports = forged(|records| {
        let place = place_of(records, "bucket_observed");
        let Event::BucketObserved(seen) = &mut records[place].event else { panic!() };
        seen.trade = Digest([7; 32]);
    });
    is_found(&reports, "names trade");
}

#[test]
fn an_edited_profit_is_found_and_its_trade_named() {
    let reports = forged(|records| {
        let place = place_of(records, "trade_closed");
        let Event::TradeClosed(trade) = &mut records[place].event else { panic!() };
        trade.net = trade.net.plus(MoneyExact::ONE).unwrap();
    });
    is_found(&reports, "`net` differs from the fills");
    // Re-executed or folded, its state root left as it was or made anew.
    for report in &reports {
        assert_eq!(report.affected_trades.len(), 1, "{:?}", report.findings);
    }
}

#[test]
fn an_outcome_that_is_kept_back_is_found() {
    let reports = forged(|records| {
        let place = place_of(records, "soulprint_outcome");
        records.remove(place);
    });
    is_found(&reports, "names no trade, and its position is closed");
}

#[test]
fn evidence_that_was_improved_is_found() {
    let reports = forged(|records| {
        let losing = |record: &Loose| match &record.event {
            Event::GhostClosed(closed) => !closed.success,
            _ => false,
        };
        let place = records.iter().position(losing).unwrap();
        let Event::GhostClosed(closed) = &mut records[place].event else { panic!() };
        (closed.success, closed.net_return) = (true, Ratio::from_raw(5_000_000));
    });
    is_found(&reports, "`net_return` of ghost_closed");
}

#[test]
fn a_mismatch_of_state_is_narrowed_down_to_the_first_event_where_the_worlds_part() {
    let dir = tempfile::tempdir().unwrap();
    let honest = dir.path().join("honest");
    demo::record(&honest, &[], 1, 5_000);
    let mut records = loosen(&honest);
    let roots: Vec<usize> = records
        .iter()
        .enumerate()
        .filter(|(_, record)| record.event.name() == "state_root")
        .map(|(place, _)| place)
        .collect();
    assert!(roots.len() >= 2, "one on the way and one at the end");
    let closed = |record: &Loose| record.event.name() == "ghost_closed";
    let place = roots[0] + records[roots[0]..].iter().position(closed).unwrap();
    let Event::GhostClosed(ghost) = &mut records[place].event else { panic!() };
    ghost.net_return = ghost.net_return.plus(Ratio::from_raw(1)).unwrap();
    let path = dir.path().join("forged");
    rechain(&path, &records);
    let report = check(&path, Level::State);
    assert_eq!(report.exit_code(), 16);
    let parting = report.state_parting.unwrap();
    assert_eq!(parting.last_agreeing, Some(roots[0] as u64));
    assert_eq!(parting.first_differing, roots[1] as u64);
    assert_eq!(parting.first_event, Some(place as u64));
    assert!(parting.projections.contains(&"ghosts"), "{:?}", parting.projections);
    assert!(!parting.projections.contains(&"market"), "{:?}", parting.projections);
}

/// A world of events as registries see them.
fn registries_of(records: &[Loose]) -> Registries {
    let mut registries = Registries::default();
    for (record, sequence) in records.iter().zip(0..) {
        drop(registries.fold(&record.event, sequence, record.stamp.time));
    }
    registries
}

#[test]
fn s13_every_fault_of_reference_is_found_in_both_directions_and_answered_by_tombstones() {
    let dir = tempfile::tempdir().unwrap();
    let honest = dir.path().join("honest");
    demo::record(&honest, &[], 1, 4_000);
    let mut records = loosen(&honest);
    assert!(registries_of(&records).consistency().faults.is_empty());
    let nth = |records: &[Loose], name: &str, nth: usize| {
        let places = records.iter().enumerate().filter(|(_, record)| record.event.name() == name);
        places.map(|(place, _)| place).nth(nth).unwrap()
    };
    // (a) a link to a missing entry
    let place = nth(&records, "registry_linked", 0);
    let Event::RegistryLinked(linked) = &mut records[place].event else { panic!() };
    linked.entry = Digest([1; 32]);
    // (b) an entry without a canonical hash although its position is closed
    let place = nth(&records, "soulprint_outcome", 1);
    records.remove(place);
    // (c) an entry whose hash does not exist
    let place = nth(&records, "bucket_observed", 2);
    let Event::BucketObserved(seen) = &mut records[place].event else { panic!() };
    seen.trade = Digest([3; 32]);
    // (d) a trade edited outside the six fields of the older hash
    let place = nth(&records, "trade_closed", 3);
    let Event::TradeClosed(trade) = &mut records[place].event else { panic!() };
    let (legacy, hash) = (trade.legacy_hash, trade.canonical_hash().unwrap());
    trade.exit.fee = schwabot::units::Money::ZERO;
    assert_eq!(schwabot::registries::legacy_hash_of(trade), legacy, "the older hash sees nothing");
    assert_ne!(trade.canonical_hash().unwrap(), hash);

    let mut registries = registries_of(&records);
    let found = registries.consistency();
    let met: Vec<LinkFault> = found.faults.iter().map(|fault| fault.orphan.fault).collect();
    for fault in [
        LinkFault::LinkWithoutEntry,
        LinkFault::EntryWithoutTrade,
        LinkFault::EntryOfMissingTrade,
        LinkFault::HashMismatch,
    ] {
        assert!(met.contains(&fault), "{fault:?} is not among {met:?}");
    }
    assert_eq!(registries.health().status, schwabot::registries::HealthStatus::Broken);

    let tombstones = registries.clean_up();
    assert_eq!(tombstones.len(), found.faults.len());
    let time = records.last().unwrap().stamp.time;
    for (tombstone, sequence) in tombstones.iter().zip(records.len() as u64..) {
        registries.fold(tombstone, sequence, time).unwrap();
    }
    let after = registries.consistency();
    assert!(after.faults.is_empty(), "{:?}", after.faults);
    assert_eq!(after.answered, found.faults.len() as u64);
    assert!(registries.clean_up().is_empty(), "an orphan is answered once");
}
