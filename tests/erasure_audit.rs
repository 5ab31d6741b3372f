//! Sealed commands and blinding salts, as an audit meets them.

use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use schwabot::audit::{Level, Report, VerifyOptions, verify};
use schwabot::erasure::{KeyRing, shred};
use schwabot::event::*;
use schwabot::kernel::{self, Kernel, KernelError, World, derived_stamp, input_stamp};
use schwabot::ledger::clock::Machine;
use schwabot::ledger::disk::RealDisk;
use schwabot::ledger::{Batch, SyncMode, Writer, WriterOptions};
use schwabot::market::{DataFile, MarketOptions, open_market};
use schwabot::pipeline::{Job, RunOptions, RunSettings, market_config, run};
use schwabot::time::Timestamp;

use crate::scenarios_commands::triangle;
use crate::support::TestResult;
use crate::support::cli::{Place, record_bytes, walk};
use crate::support::documents::{bit_flips, frozen, orbit, weight};
use crate::support::forge::{Loose, loosen, rechain};
use crate::support::notes::options;
use crate::support::runs::at;

/// The row of the command that is sealed: it changes a weight that the next one walks by.
const SEALED_ROW: u64 = 2;

fn ring(place: &Place) -> KeyRing {
    let machine = Arc::new(Machine);
    KeyRing::open(Arc::new(RealDisk), machine, &place.path("keys")).unwrap()
}

/// A live run, behind what the ledger holds, over the triangle whose second command is sealed for
/// `subject`: whoever runs it opens the command and steps the kernel with what is inside. `inside`
/// may put in something else.
fn live_run(path: &Path, ring: &KeyRing, subject: &SubjectId, inside: fn(&Command) -> Vec<u8>) {
    let mut writer: Writer<Event> = Writer::open(path, &options(SyncMode::End, 64 << 10)).unwrap();
    let config = triangle(&[("weights", "additive")]);
    let first = writer.next_sequence();
    let started = kernel::run_started(Mode::Live, config, None, first).unwrap();
    let mut kernel = Kernel::start(World::default(), &started).unwrap();
    let run = started.run;
    let actions = [bit_flips(), vec![orbit(true)], bit_flips()].concat();
    let mut inputs = vec![(Event::RunStarted(Box::new(started)), at(0))];
    inputs.extend(frozen([vec![orbit(true), weight("BTC→ETH", 4, "0.5")], actions].concat()));
    inputs.push((Event::EndOfData(EndOfData { bars: 0, defects: 0 }), at(0)));
    for (plain, time) in inputs {
        let mut answers = Vec::new();
        kernel.step(writer.next_sequence(), &plain, time, &mut answers).unwrap();
        let mut stamp = input_stamp(&plain, run, Vantage::Imported, time);
        let mut stored = plain.clone();
        if let Event::Command(command) = plain
            && command.row == SEALED_ROW
        {
            let (row, time) = (command.row, command.time);
            let sealed = ring.seal(subject, SealedCommand::WHAT, &inside(&command)).unwrap();
            stored = Event::SealedCommand(SealedCommand { row, time, sealed });
            stamp.erasure_key = Some(*subject);
        }
        let mut step = Batch::new();
        step.push(&stored, &stamp).unwrap();
        for (answer, back) in answers.iter().zip(1..) {
            let stamp = derived_stamp(&stamp, NonZeroU32::new(back).unwrap(), answer.actor);
            step.push(&answer.event, &stamp).unwrap();
        }
        writer.append(&step).unwrap();
    }
    writer.close().unwrap();
}

fn bytes_of(command: &Command) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::encode(command, &mut bytes).unwrap();
    bytes
}

fn check(path: &Path, keys: Option<KeyRing>) -> Report {
    let keys = keys.map(|ring| Arc::new(ring) as Arc<dyn schwabot::erasure::Unseal>);
    verify(path, &VerifyOptions { keys, ..VerifyOptions::default() }).unwrap()
}

/// The honest run, edited and chained anew, as it is judged with the key and without.
#[track_caller]
fn forged(edit: impl FnOnce(&mut Vec<Loose>)) -> (Report, Report) {
    let place = Place::new().unwrap();
    let ring_of = || ring(&place);
    let subject = ring_of().create("Ada").unwrap();
    live_run(&place.path("l"), &ring_of(), &subject, bytes_of);
    let mut records = loosen(&place.path("l"));
    edit(&mut records);
    rechain(&place.path("forged"), &records);
    (check(&place.path("forged"), Some(ring_of())), check(&place.path("forged"), None))
}

fn weight_changed(records: &mut [Loose]) -> &mut VolumeWeightsChanged {
    let found = records.iter_mut().find_map(|record| match &mut record.event {
        Event::VolumeWeightsChanged(changed) => Some(changed),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn a_sealed_step_is_executed_again_with_its_key_and_passed_over_without() -> TestResult {
    let place = Place::new()?;
    let subject = ring(&place).create("Ada")?;
    let ledger = place.path("l");
    live_run(&ledger, &ring(&place), &subject, bytes_of);
    let with = check(&ledger, Some(ring(&place)));
    assert_eq!((with.exit_code(), with.shredded_steps), (0, 0), "{with:?}");
    let without = check(&ledger, None);
    assert_eq!((without.exit_code(), without.shredded_steps), (2, 1), "{without:?}");
    assert!(without.mismatch.is_none() && without.findings.is_empty(), "{without:?}");
    assert!(without.not_checked[0].starts_with("1 step rests on a sealed input"), "{without:?}");
    assert_eq!(without.re_executed + 1, with.re_executed, "one derived record was passed over");
    // What the log means does not rest on any key.
    let options = VerifyOptions { level: Some(Level::State), ..VerifyOptions::default() };
    assert_eq!(verify(&ledger, &options)?.exit_code(), 0);

    let mut writer: Writer<Event> = Writer::open(&ledger, &WriterOptions::default())?;
    shred(&mut writer, &ring(&place), &subject, "asked for", false)?;
    writer.close()?;
    for keys in [None, Some(ring(&place))] {
        let report = check(&ledger, keys);
        assert_eq!((report.exit_code(), report.shredded_steps), (0, 1), "{report:?}");
        assert_eq!(report.shredded, [subject]);
    }
    Ok(())
}

#[test]
fn shredding_somebody_else_explains_nothing() -> TestResult {
    let place = Place::new()?;
    let (ada, bob) = (ring(&place).create("Ada")?, ring(&place).create("Bob")?);
    let ledger = place.path("l");
    live_run(&ledger, &ring(&place), &ada, bytes_of);
    let mut writer: Writer<Event> = Writer::open(&ledger, &WriterOptions::default())?;
    shred(&mut writer, &ring(&place), &bob, "asked for", false)?;
    writer.close()?;
    let report = check(&ledger, None);
    assert_eq!((report.exit_code(), report.shredded_steps), (2, 1), "{report:?}");
    assert_eq!(report.shredded, [bob]);
    Ok(())
}

#[test]
fn what_is_sealed_after_the_key_was_said_to_be_destroyed_is_not_explained() -> TestResult {
    let place = Place::new()?;
    let subject = ring(&place).create("Ada")?;
    let ledger = place.path("l");
    let mut writer: Writer<Event> = Writer::open(&ledger, &WriterOptions::default())?;
    let said = SubjectShredded {
        subject,
        key_digest: schwabot::hash::Digest([1; 32]),
        reason: "too early".to_owned(),
    };
    writer.append_system(&SystemEvent::SubjectShredded(said))?;
    writer.close()?;
    live_run(&ledger, &ring(&place), &subject, bytes_of);
    let report = check(&ledger, None);
    assert_eq!((report.exit_code(), report.shredded_steps), (2, 1), "{report:?}");
    Ok(())
}

#[test]
fn a_forged_answer_in_another_step_is_a_mismatch_whoever_holds_the_key() {
    let (with, without) = forged(|records| {
        let flip = records.iter_mut().find_map(|record| match &mut record.event {
            Event::BitFlipped(flip) => Some(flip),
            _ => None,
        });
        flip.unwrap().complement ^= 1;
    });
    assert_eq!((with.exit_code(), without.exit_code()), (17, 17));
}

#[test]
fn a_forged_answer_in_a_sealed_step_shows_with_the_key_and_in_what_follows_from_it() {
    let (with, without) = forged(|records| {
        // Another change that fits in itself: a world cannot tell it from the true one.
        let changed = weight_changed(records);
        let (true_one, forged) = (changed.new, "1.25".parse().unwrap());
        (changed.gain, changed.new) = ("0.25".parse().unwrap(), forged);
        for weight in changed.weights.iter_mut().filter(|weight| **weight == true_one) {
            *weight = forged;
        }
    });
    let (with, without) = (with.mismatch.unwrap(), without.mismatch.unwrap());
    assert!(with.recorded.starts_with("volume_weights_changed"), "{with:?}");
    // The orbit behind it walked by the true weight.
    assert!(without.recorded.starts_with("orbit_cycle_run"), "{without:?}");
    assert!(without.sequence > with.sequence);
}

#[test]
fn an_answer_that_is_left_out_of_a_sealed_step_is_never_a_mismatch_of_that_step() {
    let (with, without) = forged(|records| {
        let place = records
            .iter()
            .position(|record| matches!(record.event, Event::VolumeWeightsChanged(_)))
            .unwrap();
        // Nothing follows any more that could rest on it.
        records.truncate(place);
    });
    assert_eq!(with.exit_code(), 17, "{with:?}");
    assert_ne!(without.exit_code(), 17, "{without:?}");
}

#[test]
fn what_is_sealed_must_be_the_command_that_it_says_it_is() {
    let other_row: fn(&Command) -> Vec<u8> =
        |command| bytes_of(&Command { row: 99, ..command.clone() });
    let garbage: fn(&Command) -> Vec<u8> = |command| [bytes_of(command), vec![0]].concat();
    for inside in [other_row, garbage] {
        let place = Place::new().unwrap();
        let subject = ring(&place).create("Ada").unwrap();
        live_run(&place.path("l"), &ring(&place), &subject, inside);
        let with = check(&place.path("l"), Some(ring(&place)));
        assert_eq!(with.exit_code(), 16, "{with:?}");
        assert_eq!(check(&place.path("l"), None).exit_code(), 2);
    }
    let (with, without) = forged(|records| {
        let sealed = records.iter_mut().find(|record| record.stamp.erasure_key.is_some());
        sealed.unwrap().stamp.erasure_key = None;
    });
    assert_eq!((with.exit_code(), without.exit_code()), (16, 16));
    let (with, without) = forged(|records| {
        let sealed = records.iter_mut().find_map(|record| match &mut record.event {
            Event::SealedCommand(command) => Some(command),
            _ => None,
        });
        sealed.unwrap().sealed.0[30] ^= 1;
    });
    assert_eq!(
        (with.exit_code(), without.exit_code()),
        (16, 2),
        "the key is here and did not seal it"
    );
}

#[test]
fn the_kernel_refuses_what_is_sealed_and_passes_over_it_only_when_asked() {
    let config = triangle(&[]);
    let started = kernel::run_started(Mode::Live, config, None, 0).unwrap();
    let mut run = Kernel::start(World::default(), &started).unwrap();
    let mut plain = Kernel::start(World::default(), &started).unwrap();
    let start = Event::RunStarted(Box::new(started));
    let sealed = SealedCommand { row: 1, time: at(0), sealed: Sealed(vec![0; 40]) };
    let sealed = Event::SealedCommand(sealed);
    let mut out = Vec::new();
    assert!(matches!(run.step(0, &sealed, at(0), &mut out), Err(KernelError::Sealed { .. })));
    assert!(matches!(run.pass_over(0, &sealed, at(0)), Err(KernelError::OutOfTurn { .. })));
    run.step(0, &start, at(0), &mut out).unwrap();
    plain.step(0, &start, at(0), &mut out).unwrap();
    let (command, time) = frozen(vec![weight("BTC→ETH", 4, "0.5")]).remove(0);
    plain.step(1, &command, time, &mut out).unwrap();
    run.pass_over(1, &sealed, time).unwrap();
    for (answer, sequence) in out.iter().zip(2..) {
        run.pass_over(sequence, &answer.event, time).unwrap();
    }
    assert_eq!(run.world(), plain.world(), "a command is the same to the world, sealed or not");
}

/// The same candles as a run of some mode.
fn candles(place: &Place, name: &str, mode: Mode) -> TestResult {
    let file = place.write("AAA_USDT-1m.csv", &walk(1, 800))?;
    let files = [DataFile { path: file.into(), pair: None, format: None }];
    let market = open_market(&files, &MarketOptions::default())?;
    let job = Job {
        mode,
        config: market_config(&RunSettings::default(), &market.pairs)?,
        generator: None,
        origin: Timestamp::from_nanos(0),
        inputs: market.inputs,
        source: market.source,
        strategies: schwabot::strategies::Catalogue::default(),
    };
    let writer = WriterOptions { sync: SyncMode::End, ..WriterOptions::default() };
    let options = RunOptions { writer, append: false, threads: 1 };
    run(&place.path(name), job, &options, |_| ControlFlow::Continue(()))?;
    Ok(())
}

#[test]
fn two_live_runs_of_the_same_inputs_differ_in_their_leaves_and_both_are_executed_again()
-> TestResult {
    let place = Place::new()?;
    for name in ["one", "two"] {
        candles(&place, name, Mode::Live)?;
        let report = check(&place.path(name), None);
        assert_eq!(report.exit_code(), 0, "{report:?}");
    }
    let (one, two) = (loosen(&place.path("one")), loosen(&place.path("two")));
    assert_eq!(one.len(), two.len());
    let mut salted = 0;
    for (one, two) in one.iter().zip(&two) {
        assert_eq!(one.event, two.event);
        assert_eq!(one.stamp.salt.is_some(), one.event.is_private(), "{}", one.event.name());
        assert_eq!(one.stamp.salt == two.stamp.salt, one.stamp.salt.is_none(), "drawn anew");
        assert_eq!(Stamp { salt: None, ..one.stamp }, Stamp { salt: None, ..two.stamp });
        salted += usize::from(one.stamp.salt.is_some());
    }
    assert!(salted > 10, "{salted} salts test little");
    let roots = ["one", "two"].map(|name| check(&place.path(name), None).head);
    assert_ne!(roots[0], roots[1]);
    Ok(())
}

#[test]
fn simulated_runs_of_the_same_inputs_are_the_same_bytes_without_a_salt() -> TestResult {
    let place = Place::new()?;
    for name in ["one", "two"] {
        candles(&place, name, Mode::Backtest)?;
    }
    assert_eq!(record_bytes(&place.path("one"))?, record_bytes(&place.path("two"))?);
    assert!(loosen(&place.path("one")).iter().all(|record| record.stamp.salt.is_none()));
    Ok(())
}

#[test]
fn a_salt_in_a_simulated_run_is_a_derivation_mismatch() -> TestResult {
    let place = Place::new()?;
    candles(&place, "honest", Mode::Backtest)?;
    for name in ["run_started", "bar", "order_placed", "trade_closed", "state_root"] {
        let mut records = loosen(&place.path("honest"));
        let salted = records.iter().rposition(|record| record.event.name() == name).unwrap();
        records[salted].stamp.salt = Some([7; 16]);
        rechain(&place.path(name), &records);
        let report = check(&place.path(name), None);
        assert_eq!(report.exit_code(), 17, "{name}: {report:?}");
        assert_eq!(report.mismatch.unwrap().sequence, salted as u64);
    }
    Ok(())
}

#[test]
fn a_forged_fill_of_a_live_run_is_found_whatever_its_salt() -> TestResult {
    let place = Place::new()?;
    candles(&place, "honest", Mode::Live)?;
    let mut records = loosen(&place.path("honest"));
    let fill = records.iter().position(|r| r.event.name() == "order_filled").unwrap();
    let Event::OrderFilled(filled) = &mut records[fill].event else { panic!("no fill") };
    filled.fee = schwabot::units::Money::ZERO;
    records[fill].stamp.salt = Some([9; 16]);
    rechain(&place.path("forged"), &records);
    let report = check(&place.path("forged"), None);
    assert_eq!(report.exit_code(), 17);
    assert_eq!(report.mismatch.unwrap().sequence, fill as u64);
    Ok(())
}
