//! The loop of every run: whole steps, right causes, no look into the future, one fold.

use std::ops::ControlFlow;
use std::path::Path;

use proptest::prelude::*;
use schwabot::event::{Class, Event, Mode};
use schwabot::ledger::{Entry, Reader, SyncMode, WriterOptions};
use schwabot::market::{DataFile, MarketOptions, MergedSource, open_market};
use schwabot::pipeline::{
    Job, Progress, RunOptions, RunSettings, Summary, market_config, run, run_unrecorded,
};
use schwabot::projections::{UpTo, fold};
use schwabot::time::Timestamp;

use crate::support::TestResult;
use crate::support::cli::{FIRST_MINUTE, Place, record_bytes, records, walk};

fn options() -> RunOptions {
    let writer = WriterOptions { sync: SyncMode::End, ..WriterOptions::default() };
    RunOptions { writer, append: false, threads: 1 }
}

fn backtest(ledger: &Path, files: &[String]) -> TestResult<Summary> {
    let job = job(files, &RunSettings::default())?;
    Ok(run(ledger, job, &options(), |_| ControlFlow::Continue(()))?)
}

fn job(files: &[String], settings: &RunSettings) -> TestResult<Job<MergedSource>> {
    let files: Vec<DataFile> =
        files.iter().map(|path| DataFile { path: path.into(), pair: None, format: None }).collect();
    let market = open_market(&files, &MarketOptions::default())?;
    Ok(Job {
        mode: Mode::Backtest,
        config: market_config(settings, &market.pairs)?,
        generator: None,
        origin: Timestamp::from_nanos(0),
        inputs: market.inputs,
        source: market.source,
        strategies: schwabot::strategies::Catalogue::default(),
    })
}

#[test]
fn every_derived_record_names_the_input_right_before_its_step() -> TestResult {
    let place = Place::new()?;
    let file = place.write("AAA_USDT-1m.csv", &walk(1, 800))?;
    backtest(&place.path("l"), &[file])?;
    let (mut input, mut input_time, mut derived) = (0, None, 0);
    for (sequence, (envelope, _)) in records(&place.path("l"))?.into_iter().enumerate() {
        let stamp = envelope.stamp;
        if stamp.class == Class::Input {
            assert_eq!(stamp.cause, None);
            assert!(Some(stamp.time) >= input_time, "time runs backwards at {sequence}");
            (input, input_time) = (sequence, Some(stamp.time));
        } else {
            let back = stamp.cause.map(|back| back.get() as usize);
            assert_eq!(back, Some(sequence - input));
            assert_eq!(Some(stamp.time), input_time);
            derived += 1;
        }
    }
    assert!(derived > 20, "{derived} derived records test little");
    Ok(())
}

#[test]
fn a_step_is_never_split_between_frames_or_segments() -> TestResult {
    let place = Place::new()?;
    let file = place.write("AAA_USDT-1m.csv", &walk(1, 800))?;
    for sync in [SyncMode::Always, SyncMode::End] {
        let path = place.path(&format!("{sync:?}"));
        let market = open_market(
            &[DataFile { path: file.clone().into(), pair: None, format: None }],
            &MarketOptions::default(),
        )?;
        let mut options = options();
        options.writer = WriterOptions { sync, segment_bytes: 8_192, ..options.writer };
        let job = Job {
            mode: Mode::Backtest,
            config: market_config(&RunSettings::default(), &market.pairs)?,
            generator: None,
            origin: Timestamp::from_nanos(0),
            inputs: market.inputs,
            source: market.source,
            strategies: schwabot::strategies::Catalogue::default(),
        };
        run(&path, job, &options, |_| ControlFlow::Continue(()))?;
        let reader: Reader<Event> = Reader::open(&path)?;
        assert!(reader.segments().len() > 5);
        let mut cursor = reader.cursor(0)?;
        let mut frames = 0;
        while let Some(frame) = cursor.next_frame()? {
            let first = frame.records().next().unwrap();
            assert_eq!(first.envelope()?.0.stamp.class, Class::Input, "frame {frames}");
            frames += 1;
        }
        assert!(frames > 10);
    }
    Ok(())
}

#[test]
fn replaying_the_log_gives_the_world_that_the_run_had() -> TestResult {
    let place = Place::new()?;
    let files = [
        place.write("AAA_USDT-1m.csv", &walk(1, 700))?,
        place.write("BBB_USDT-1m.csv", &walk(2, 600))?,
    ];
    let summary = backtest(&place.path("l"), &files)?;
    let folded = fold(&Reader::open(&place.path("l"))?, UpTo::End)?;
    let state = folded.world.run().unwrap();
    assert_eq!(*state.counters(), summary.counters);
    assert_eq!(schwabot::projections::account_summaries(state), summary.accounts);
    assert_eq!(schwabot::projections::DataQuality::of(state), summary.quality);
    assert_eq!(folded.world.findings().total(), 0);
    assert_eq!(folded.world.trades().len() as u64, summary.counters.trades);
    assert_eq!(folded.records, summary.head.size);
    assert!(summary.counters.trades > 5);
    Ok(())
}

#[test]
fn a_run_that_nobody_records_comes_to_the_figures_of_the_recorded_one() -> TestResult {
    let place = Place::new()?;
    // A hole, so that there is a defect too.
    let holed: Vec<String> = walk(2, 2_600).lines().map(str::to_owned).collect();
    let holed = [&holed[..900], &holed[905..]].concat().join("\n");
    let files =
        [place.write("AAA_USDT-1m.csv", &walk(1, 2_700))?, place.write("BBB_USDT-1m.csv", &holed)?];
    for strategy in ["sma-cross", "schwabot"] {
        let settings =
            RunSettings { strategy: Some(strategy.to_owned()), ..RunSettings::default() };
        let go_on = |_: &Progress| ControlFlow::Continue(());
        let recorded = run(&place.path(strategy), job(&files, &settings)?, &options(), go_on)?;
        for threads in [1, 3] {
            let mut records = 0;
            let figures = run_unrecorded(job(&files, &settings)?, threads, |progress| {
                records = progress.records;
                ControlFlow::Continue(())
            })?;
            assert_eq!(figures.run, recorded.run);
            assert_eq!(figures.counters, recorded.counters);
            assert_eq!(figures.quality, recorded.quality);
            assert_eq!(figures.accounts, recorded.accounts);
            assert_eq!(figures.open_positions, recorded.open_positions);
            assert_eq!((figures.time, figures.stopped), (recorded.time, false));
            // What is behind the last bar is the end of the data, and what follows from it.
            assert!((1..20).contains(&(recorded.records - records)), "{records} records");
        }
        assert!(recorded.counters.defects > 0 && recorded.counters.signals > 5);
    }
    let stop = |progress: &Progress| match progress.bars {
        120 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let stopped = run_unrecorded(job(&files, &RunSettings::default())?, 1, stop)?;
    assert_eq!((stopped.counters.bars, stopped.stopped), (120, true));
    Ok(())
}

#[test]
fn a_run_that_is_stopped_leaves_a_closed_ledger_of_whole_steps_without_an_end() -> TestResult {
    let place = Place::new()?;
    let file = place.write("AAA_USDT-1m.csv", &walk(1, 300))?;
    let whole = place.path("whole");
    backtest(&whole, std::slice::from_ref(&file))?;
    for threads in [1, 3] {
        let path = place.path(&format!("stopped{threads}"));
        let file = DataFile { path: file.clone().into(), pair: None, format: None };
        let market = open_market(&[file], &MarketOptions::default())?;
        let job = Job {
            mode: Mode::Backtest,
            config: market_config(&RunSettings::default(), &market.pairs)?,
            generator: None,
            origin: Timestamp::from_nanos(0),
            inputs: market.inputs,
            source: market.source,
            strategies: schwabot::strategies::Catalogue::default(),
        };
        let stop =
            |bars| if bars == 120 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let options = RunOptions { threads, ..options() };
        let summary = run(&path, job, &options, |progress| stop(progress.bars))?;
        assert!(summary.stopped);
        assert_eq!(summary.counters.bars, 120);
        let (kept, all) = (record_bytes(&path)?, record_bytes(&whole)?);
        assert_eq!(kept[..], all[..kept.len()]);
        let last = records(&path)?.pop().unwrap().1;
        assert!(!matches!(last, Entry::Event(Event::RunEnded(_))));
        let end = Reader::<Event>::open(&path)?.end();
        assert_eq!(end, schwabot::ledger::LedgerEnd::Closed);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// The look-ahead law, through files, merge, kernel and ledger: cut every file at an instant,
    /// and no record up to that instant changes but the digests of the files.
    #[test]
    fn cutting_the_data_at_any_instant_leaves_every_record_up_to_it_unchanged(
        seeds in prop::array::uniform2(0_u64..1_000),
        lengths in prop::array::uniform2(150_u64..400),
        cut in 80_u64..400,
        hole in 60_u64..150,
    ) {
        let place = Place::new().unwrap();
        let names = ["AAA_USDT-1m.csv", "BBB_USDT-1m.csv"];
        let (mut whole, mut short) = (Vec::new(), Vec::new());
        for ((name, seed), bars) in names.iter().zip(seeds).zip(lengths) {
            // Each file has a gap of its own, so that a defect stands near the cut now and then.
            let lines: Vec<String> = walk(seed, bars).lines().map(str::to_owned).collect();
            let rows = lines[1..].iter().enumerate()
                .filter(|(place, _)| !(hole + seed % 7..hole + 11).contains(&(*place as u64)));
            let known = |place: usize| (place as u64) < cut;
            let all: Vec<&str> = rows.clone().map(|(_, line)| line.as_str()).collect();
            let some: Vec<&str> =
                rows.filter(|(place, _)| known(*place)).map(|(_, line)| line.as_str()).collect();
            let text = |rows: &[&str]| format!("{}\n{}\n", lines[0], rows.join("\n"));
            whole.push(place.write(&format!("whole-{name}"), &text(&all)).unwrap());
            short.push(place.write(&format!("short-{name}"), &text(&some)).unwrap());
        }
        backtest(&place.path("w"), &whole).unwrap();
        backtest(&place.path("s"), &short).unwrap();
        // The bar that opens at minute `cut - 1` is known one minute later.
        let nanos = i64::try_from((FIRST_MINUTE + cut) * 60_000_000_000).unwrap();
        let until = Timestamp::from_nanos(nanos);
        let (w, s) = (place.path("w"), place.path("s"));
        let (whole, short) = (up_to(&w, until, false), up_to(&s, until, true));
        prop_assert!(short.len() > 100);
        prop_assert_eq!(whole, short);
    }
}

/// The records up to an instant, without the digests of the files, and of a run over cut data
/// without the records of its end.
fn up_to(ledger: &Path, until: Timestamp, cut: bool) -> Vec<(String, Vec<u8>)> {
    let decoded = records(ledger).unwrap();
    let end = decoded
        .iter()
        .position(|(_, entry)| matches!(entry, Entry::Event(Event::EndOfData(_))))
        .unwrap();
    let bytes = record_bytes(ledger).unwrap();
    let kept = decoded.into_iter().zip(bytes).take(if cut { end } else { usize::MAX });
    kept.enumerate()
        // The end of the data and what follows from it.
        .filter(|(place, ((envelope, _), _))| envelope.stamp.time <= until && *place < end)
        .map(|(_, ((_, entry), bytes))| match entry {
            Entry::Event(Event::InputFile(_)) => ("input file".to_owned(), Vec::new()),
            entry => (format!("{entry:?}"), bytes),
        })
        .collect()
}
