//! What `state` tells of imports, and what `verify` finds wrong with one.

use std::num::NonZeroU32;

use schwabot::event::{
    Actor, Class, ClockSource, Event, ImportStarted, RunId, Stamp, Vantage, wire,
};
use schwabot::hash::Digest;
use schwabot::ledger::{Batch, Reader, Writer, WriterOptions};
use schwabot::projections::{FillsByLabel, OWN_RUNS};
use schwabot::time::Timestamp;
use serde_json::json;

use crate::bench::Bench;
use crate::support::TestResult;
use crate::support::cli::run;

fn started() -> ImportStarted {
    ImportStarted {
        format: "kraken-trades".into(),
        importer: 1,
        bytes: 1,
        digest: Digest([1; 32]),
        checksum_matched: false,
        label: "kraken".into(),
        symbol: Some("BCH/EUR".into()),
        symbol_unnamed: None,
        interval: None,
        utc_offset: None,
        binary_floats: false,
    }
}

/// Appends records as an import does, each with this id.
fn append(bench: &Bench, events: &[Event], id: RunId) -> TestResult {
    let mut writer = Writer::<Event>::open(&bench.ledger(), &WriterOptions::default())?;
    let mut batch = Batch::new();
    for (back, event) in (0..).zip(events) {
        let stamp = Stamp {
            run: id,
            cause: NonZeroU32::new(back),
            actor: Actor::SOURCE,
            clock: ClockSource::Data,
            ..Stamp::new(Class::Input, Vantage::Imported, Timestamp::from_nanos(7))
        };
        batch.push(event, &stamp)?;
    }
    writer.append(&batch)?;
    writer.close()?;
    Ok(())
}

fn id_at(sequence: u64) -> RunId {
    let mut payload = Vec::new();
    wire::encode(&started(), &mut payload).unwrap();
    RunId::of_simulated(&payload, sequence)
}

fn of_kind(kind: &str) -> Event {
    let samples = crate::support::samples_import::events();
    samples.into_iter().find(|event| event.name() == kind).unwrap()
}

#[test]
fn an_import_that_was_cut_off_is_shown_as_that_and_can_be_completed() -> TestResult {
    let bench = Bench::new();
    let whole = "1672531436,90.54,1.1\n1672531436,90.54,1.1\n1672531471,90.45,1\n";
    let first = bench.file("kraken_trades_BCHEUR.csv", whole);
    bench.import(&first, &["--label", "whole"])?;
    let print = bench.records()?[1].clone();
    assert_eq!(print["payload"]["price"], "90.54");
    // The beginning of the same import, without its end.
    let Event::TradePrint(mut sample) = of_kind("trade_print") else { return Err("no".into()) };
    (sample.row, sample.symbol, sample.id) = (1, "BCH/EUR".into(), None);
    (sample.first_id, sample.last_id, sample.aggressor) = (None, None, None);
    (sample.time, sample.price, sample.quantity) =
        (Timestamp::from_seconds(1_672_531_436), "90.54".parse()?, "1.1".parse()?);
    let cut = [Event::ImportStarted(Box::new(started())), Event::TradePrint(sample)];
    append(&bench, &cut, id_at(5))?;
    assert_eq!(bench.verified()?, Some(0), "to be cut off is no fault");
    let ledger = bench.ledger();
    let told = run(&["state", ledger.to_str().unwrap(), "imports"])?.out;
    assert!(told.contains("end             none: it was cut off"), "{told}");
    let told = run(&["state", ledger.to_str().unwrap(), "imports", "--at", "2"])?.out;
    assert!(told.contains("not ended by then") && !told.contains("cut off"), "{told}");
    let cut_off = || -> TestResult<serde_json::Value> {
        let ran = run(&["verify", ledger.to_str().unwrap(), "--format", "json"])?;
        Ok(ran.json()?["cut_off_imports"].take())
    };
    assert_eq!(cut_off()?, 1);
    let report = bench.import(&first, &[])?;
    assert_eq!(cut_off()?, 1, "the whole one is not counted");
    assert_eq!(report["facts"], json!({"trade_print": 2}), "one of the two equals was there");
    assert_eq!(report["duplicates"], 1);
    let state = run(&["state", ledger.to_str().unwrap(), "imports", "--format", "json"])?.json()?;
    let ends: Vec<bool> =
        state["imports"].as_array().unwrap().iter().map(|i| i["ended"].is_object()).collect();
    assert_eq!(ends, [true, false, true]);
    Ok(())
}

#[test]
fn a_fact_outside_an_import_or_an_end_that_counts_otherwise_is_a_finding() -> TestResult {
    let begin = || Event::ImportStarted(Box::new(started()));
    let cases = [
        (vec![of_kind("trade_print")], "outside the import that it names"),
        (vec![begin(), of_kind("import_ended"), of_kind("quote")], "and its end says"),
    ];
    for (events, words) in cases {
        let bench = Bench::new();
        append(&bench, &events, id_at(0))?;
        let said = run(&["verify", bench.ledger().to_str().unwrap()])?;
        assert_eq!(said.code, Some(15), "{}", said.out);
        assert!(said.out.contains(words), "{}", said.out);
    }
    let bench = Bench::new();
    append(&bench, &[begin()], RunId([7; 16]))?;
    let said = run(&["verify", bench.ledger().to_str().unwrap()])?;
    assert_eq!(said.code, Some(15));
    assert!(said.out.contains("is not that of its beginning"), "{}", said.out);
    Ok(())
}

#[test]
fn an_import_inside_a_run_is_a_finding_and_one_behind_its_end_is_none() -> TestResult {
    let bench = Bench::new();
    let ledger = bench.ledger();
    let ledger = ledger.to_str().unwrap();
    let demo = run(&["demo", "--cycles", "300", "--ledger", ledger])?;
    assert_eq!(demo.code, Some(0), "{}", demo.err);
    let events = [Event::ImportStarted(Box::new(started())), of_kind("trade_print")];
    let size = || -> TestResult<u64> { Ok(Reader::<Event>::open(&bench.ledger())?.len()) };
    append(&bench, &events, id_at(size()?))?;
    assert_eq!(bench.verified()?, Some(0), "the run had ended");
    // A run that was cut off is under way: nobody may import into it.
    let samples = crate::support::samples::events();
    let begin = samples.into_iter().find(|event| event.name() == "run_started").unwrap();
    let run_at = size()?;
    append(&bench, &[begin], RunId([7; 16]))?;
    append(&bench, &events, id_at(size()?))?;
    let said = run(&["verify", ledger, "--level", "state"])?;
    let words = format!("an import begins inside the run at record {run_at}");
    assert!(said.out.contains(&words), "{}", said.out);
    assert_eq!(said.code, Some(15), "{}", said.out);
    Ok(())
}

#[test]
fn an_import_that_bears_the_label_of_the_runs_does_not_speak_for_them() -> TestResult {
    let bench = Bench::new();
    let begin = ImportStarted { label: OWN_RUNS.into(), ..started() };
    let events = [Event::ImportStarted(Box::new(begin)), of_kind("imported_fill")];
    append(&bench, &events, id_at(0))?;
    let reader = Reader::<Event>::open(&bench.ledger())?;
    let fills = FillsByLabel::read(&reader, &[OWN_RUNS, "import@run"])?;
    assert_eq!((fills.of(OWN_RUNS).len(), fills.of("import@run").len()), (0, 1));
    Ok(())
}
