//! A sound chain proves nothing about its meaning: these forgeries are re-chained perfectly.

use std::path::{Path, PathBuf};

use schwabot::audit::{Level, Report, Verdict, VerifyOptions, verify};
use schwabot::event::{Event, RunId, Side, Stamp, encode_record, wire};
use schwabot::kernel::KERNEL_NUMBER;
use schwabot::ledger::{Batch, SyncMode, Writer};
use schwabot::units::MoneyExact;

use crate::support::forge::{Loose, Raw, loosen, make_roots_anew, rechain, write_run};
use crate::support::notes::options;
use crate::support::runs::{config, market};

/// A run of a few hundred bars that trades.
fn honest(dir: &Path) -> PathBuf {
    let path = dir.join("honest");
    write_run(&path, config("sma-cross", 2), &market(7, 2, 600));
    path
}

fn check(path: &Path, level: Level) -> Report {
    verify(path, &VerifyOptions { level: Some(level), ..VerifyOptions::default() }).unwrap()
}

/// Re-chains an edited copy and verifies it at every level.
#[track_caller]
fn forged(edit: impl FnOnce(&mut Vec<Loose>)) -> (Report, Report, Report) {
    let dir = tempfile::tempdir().unwrap();
    let mut records = loosen(&honest(dir.path()));
    edit(&mut records);
    let path = dir.path().join("forged");
    rechain(&path, &records);
    let tree = check(&path, Level::Tree);
    assert_eq!(tree.exit_code(), 0, "the chain of a forgery is sound");
    assert_eq!(tree.unanchored, tree.records);
    (tree, check(&path, Level::State), check(&path, Level::Derive))
}

/// Gives every record the run id that its edited configuration asks for.
fn make_run_id_anew(records: &mut [Loose]) {
    let Event::RunStarted(started) = &mut records[0].event else { panic!("no start") };
    let mut bytes = Vec::new();
    wire::encode(&started.config, &mut bytes).unwrap();
    let run = RunId::of_simulated(&bytes, 0);
    started.run = run;
    for record in records {
        record.stamp.run = run;
        if let Event::TradeClosed(trade) = &mut record.event {
            trade.run = run;
        }
    }
}

fn place_of(records: &[Loose], name: &str) -> usize {
    records.iter().position(|record| record.event.name() == name).unwrap()
}

#[test]
fn an_honest_ledger_is_intact_and_every_derived_record_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = honest(dir.path());
    let records = loosen(&path);
    let derived = records.iter().filter(|record| record.event.name() != "bar").count();
    let report = check(&path, Level::Derive);
    assert_eq!(report.verdict(), Verdict::Intact, "{report:?}");
    // All but the bars, the start and the end of the data.
    assert_eq!(report.re_executed, derived as u64 - 2);
    assert!(records.iter().any(|record| record.event.name() == "trade_closed"));
    assert_eq!(report.vantage.get(&schwabot::event::Vantage::Operator), Some(&1));
}

#[test]
fn a_copy_that_is_re_chained_without_an_edit_stays_intact_with_the_same_head() {
    let dir = tempfile::tempdir().unwrap();
    let path = honest(dir.path());
    let copy = dir.path().join("copy");
    rechain(&copy, &loosen(&path));
    let (one, two) = (check(&path, Level::Derive), check(&copy, Level::Derive));
    assert_eq!((one.head, two.exit_code()), (two.head, 0));
    assert_ne!(one.chain_head, two.chain_head);
}

#[test]
fn a_changed_strategy_parameter_exits_17_and_names_the_first_record_that_differs() {
    let (_, state, derive) = forged(|records| {
        let Event::RunStarted(started) = &mut records[0].event else { panic!("no start") };
        let fast = &mut started.config.strategy.parameters;
        fast.iter_mut().find(|parameter| parameter.name == "fast").unwrap().value = "12".into();
    });
    assert_eq!(derive.exit_code(), 17);
    assert_eq!(derive.mismatch.unwrap().sequence, 0, "the run id is a digest of the configuration");
    // Where nothing is re-executed it is a finding of the state.
    assert_eq!((state.exit_code(), state.mismatch), (16, None));
    assert!(state.findings[0].what.contains("is not that of the configuration"));
}

#[test]
fn a_cause_before_the_first_record_is_a_finding_of_the_state() {
    let (_, state, _) = forged(|records| {
        let place = place_of(records, "order_filled");
        records[place].stamp.cause = std::num::NonZeroU32::new(place as u32 + 1);
    });
    assert_eq!(state.exit_code(), 15, "{:?}", state.findings);
    assert!(state.findings[0].what.contains("before the first"), "{:?}", state.findings);
}

#[test]
fn a_changed_parameter_with_every_run_id_made_anew_is_found_at_the_first_other_decision() {
    let mut first_trade_record = 0;
    let (_, _, derive) = forged(|records| {
        let Event::RunStarted(started) = &mut records[0].event else { panic!("no start") };
        let fast = &mut started.config.strategy.parameters;
        fast.iter_mut().find(|parameter| parameter.name == "fast").unwrap().value = "30".into();
        make_run_id_anew(records);
        first_trade_record = place_of(records, "order_placed") as u64;
    });
    assert_eq!(derive.exit_code(), 17);
    let mismatch = derive.mismatch.unwrap();
    assert!(mismatch.sequence > 0 && mismatch.sequence <= first_trade_record + 2, "{mismatch:?}");
    assert_ne!(mismatch.recorded, mismatch.re_executed);
}

#[test]
fn an_altered_decision_exits_17_and_is_shown_as_recorded_against_re_executed() {
    let mut place = 0;
    let (_, _, derive) = forged(|records| {
        place = place_of(records, "order_placed");
        let Event::OrderPlaced(order) = &mut records[place].event else { panic!("no order") };
        order.side = Side::Sell;
    });
    assert_eq!(derive.exit_code(), 17);
    let mismatch = derive.mismatch.unwrap();
    assert_eq!(mismatch.sequence, place as u64);
    assert!(mismatch.recorded.contains("\"side\":\"sell\""), "{}", mismatch.recorded);
    assert!(mismatch.re_executed.contains("\"side\":\"buy\""), "{}", mismatch.re_executed);
}

#[test]
fn an_edited_profit_is_a_finding_of_the_state_and_a_mismatch_of_the_derivation() {
    let edit = |records: &mut Vec<Loose>| {
        let place = place_of(records, "trade_closed");
        let Event::TradeClosed(trade) = &mut records[place].event else { panic!("no trade") };
        trade.net = trade.net.plus(MoneyExact::ONE).unwrap();
    };
    let (_, state, _) = forged(edit);
    // The log still says the state that it had before the edit.
    assert_eq!(state.exit_code(), 16, "{state:?}");
    assert!(state.verdicts.contains(&Verdict::Finding), "{state:?}");
    let (_, state, derive) = forged(|records| {
        edit(records);
        make_roots_anew(records);
    });
    assert_eq!(state.exit_code(), 15, "{state:?}");
    assert!(state.findings.iter().any(|finding| finding.what.contains("net")), "{state:?}");
    assert_eq!(derive.exit_code(), 17);
    assert_eq!(derive.affected_trades.len(), 1, "{:?}", derive.findings);
}

#[test]
fn a_decision_that_is_left_out_or_slipped_in_exits_17() {
    let (_, _, left_out) = forged(|records| {
        let place = place_of(records, "signal_fired");
        records.remove(place);
    });
    assert_eq!(left_out.exit_code(), 17);
    let (_, _, slipped_in) = forged(|records| {
        let place = place_of(records, "signal_fired");
        let again = records[place].clone();
        records.insert(place, again);
    });
    assert_eq!(slipped_in.exit_code(), 17);
    let (_, _, end_gone) = forged(|records| {
        assert_eq!(records.pop().unwrap().event.name(), "run_ended");
    });
    assert_eq!(end_gone.exit_code(), 17);
    assert_eq!(end_gone.mismatch.unwrap().recorded, "the end of the log");
}

#[test]
fn an_altered_envelope_of_a_decision_exits_17() {
    let (_, _, derive) = forged(|records| {
        let place = place_of(records, "order_filled");
        records[place].stamp.actor = schwabot::event::Actor::OPERATOR;
    });
    assert_eq!(derive.exit_code(), 17);
    assert!(derive.mismatch.unwrap().recorded.contains("envelope"));
}

#[test]
fn an_altered_bar_changes_what_follows_from_it() {
    let (_, _, derive) = forged(|records| {
        let fill = place_of(records, "order_filled");
        // The bar whose open filled the order.
        let place = records[..fill].iter().rposition(|r| r.event.name() == "bar").unwrap();
        let Event::Bar(bar) = &mut records[place].event else { panic!("no bar") };
        bar.open = bar.close;
    });
    assert_eq!(derive.exit_code(), 17);
}

#[test]
fn a_ledger_of_another_kernel_number_exits_2_and_accuses_nobody() {
    let (_, state, derive) = forged(|records| {
        let Event::RunStarted(started) = &mut records[0].event else { panic!("no start") };
        started.kernel = KERNEL_NUMBER + 1;
        // Its decisions may well differ, its folds too.
        let place = place_of(records, "order_placed");
        let Event::OrderPlaced(order) = &mut records[place].event else { panic!("no order") };
        order.side = Side::Sell;
    });
    for report in [state, derive] {
        assert_eq!(report.exit_code(), 2, "{report:?}");
        assert!(report.mismatch.is_none() && report.findings.is_empty(), "{report:?}");
        assert!(report.not_checked[0].contains("kernel"), "{:?}", report.not_checked);
    }
}

#[test]
fn a_ledger_of_an_unknown_strategy_exits_2() {
    let (_, state, derive) = forged(|records| {
        let Event::RunStarted(started) = &mut records[0].event else { panic!("no start") };
        started.config.strategy.name = "somebody-elses".into();
        make_run_id_anew(records);
        for record in records.iter_mut() {
            if let Event::TradeClosed(trade) = &mut record.event {
                trade.strategy = "somebody-elses".into();
                trade.legacy_hash = schwabot::registries::legacy_hash_of(trade);
            }
        }
        make_roots_anew(records);
    });
    assert_eq!(state.exit_code(), 0, "{state:?}");
    assert_eq!(derive.exit_code(), 2, "{derive:?}");
    assert!(derive.mismatch.is_none());
}

#[test]
fn a_kind_of_a_later_version_exits_2_and_a_payload_with_trailing_bytes_16() {
    for (kind, extra, code) in [(0x01F0, 0, 2), (0x0103, 1, 16)] {
        let dir = tempfile::tempdir().unwrap();
        let records = loosen(&honest(dir.path()));
        let path = dir.path().join("raw");
        let mut writer: Writer<Raw> =
            Writer::open(&path, &options(SyncMode::End, 64 << 10)).unwrap();
        for record in records.iter().take(20) {
            let (envelope, payload) = bytes_of(record);
            let kind = if envelope == 0x0103 { kind } else { envelope };
            let mut payload = payload;
            payload.resize(payload.len() + extra * usize::from(envelope == 0x0103), 0);
            let mut step = Batch::new();
            step.push(&Raw { kind, schema: 1, payload }, &record.stamp).unwrap();
            writer.append(&step).unwrap();
        }
        writer.close().unwrap();
        let report = check(&path, Level::State);
        assert_eq!(report.exit_code(), code, "{report:?}");
    }
}

fn bytes_of(record: &Loose) -> (u16, Vec<u8>) {
    use schwabot::event::{Envelope, Payload};
    let mut bytes = Vec::new();
    encode_record(&record.event, &Stamp { ..record.stamp }, &mut bytes).unwrap();
    let (_, payload) = Envelope::decode(&bytes).unwrap();
    (record.event.kind(), payload.to_vec())
}
