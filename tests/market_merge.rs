//! Defects, seams and the order of inputs.

use proptest::prelude::*;
use proptest::sample::Index;

use crate::support::TestResult;
use crate::support::market::{Folder, Read, SKIP, STRICT, drain, gzip, of_pair, read, refusal};
use schwabot::event::{Defect, Event};
use schwabot::market::{DataFile, SourceError, open_market};
use schwabot::time::{MINUTE_NS, Timestamp};

const CASES: u32 = 200;
const START: i64 = 1_618_951_320;
const HEADER: &str = "time,open,high,low,close,volume\n";

/// A row that opens so many seconds after the start.
fn row(seconds: i64, price: u32) -> String {
    format!("{},{price},{price},{price},{price},1\n", START + seconds)
}

fn csv(rows: &[(i64, u32)]) -> String {
    HEADER.to_owned() + &rows.iter().map(|(at, price)| row(*at, *price)).collect::<String>()
}

/// Seconds after the start.
fn seconds(at: Timestamp) -> i64 {
    at.nanos() / 1_000_000_000 - START
}

/// One word an event: `pair:seconds*` for a bar (`*` for the last of its instant), or the defect.
fn story(events: &[Event]) -> Vec<String> {
    let word = |event: &Event| match event {
        Event::Bar(bar) => {
            let mark = if bar.last_of_instant { "*" } else { "" };
            format!("{}:{}{mark}", bar.pair.0, seconds(bar.open_time))
        }
        Event::DataDefect(found) => {
            let what = match &found.defect {
                Defect::Gap { after, until, missing_bars } => {
                    format!("gap {}-{} {missing_bars}", seconds(*after), seconds(*until))
                }
                Defect::Duplicate { open_time, identical } => {
                    format!("duplicate {} {identical}", seconds(*open_time))
                }
                Defect::Disorder { open_time, newest } => {
                    format!("disorder {} {}", seconds(*open_time), seconds(*newest))
                }
                Defect::OffGrid { after, open_time } => {
                    format!("off-grid {}-{}", seconds(*after), seconds(*open_time))
                }
                Defect::Malformed { field, .. } => format!("malformed {field}"),
            };
            format!("{}:{what}", found.pair.0)
        }
        other => format!("{other:?}"),
    };
    events.iter().map(word).collect()
}

#[test]
fn each_defect_is_told_at_its_place() -> TestResult {
    let folder = Folder::new()?;
    let rows = [(0, 5), (0, 5), (60, 5), (60, 6), (0, 5), (240, 5), (290, 5), (440, 5)];
    let text = csv(&rows) + "oops\n" + &row(500, 5);
    let read = read(&[folder.write("BTC_USDT-1m.csv", text)?], &SKIP)?;
    assert_eq!(
        story(&read.events),
        [
            "0:0*",
            "0:duplicate 0 true",
            "0:60*",
            "0:duplicate 60 false",
            "0:disorder 0 60",
            "0:gap 60-240 2",
            "0:240*",
            "0:off-grid 240-290",
            "0:290*",
            "0:gap 290-440 1",
            "0:off-grid 290-440",
            "0:440*",
            "0:malformed line",
            "0:500*",
        ]
    );
    let rows: Vec<u64> = read.defects().iter().map(|defect| defect.row).collect();
    assert_eq!(rows, [3, 5, 6, 7, 8, 9, 9, 10]);
    Ok(())
}

#[test]
fn gaps_repetitions_and_steps_back_are_found_across_the_seam_of_two_files() -> TestResult {
    let folder = Folder::new()?;
    let first = folder.write("BTC_USDT-1m-a.csv", csv(&[(0, 5), (60, 5)]))?;
    let gap = folder.write("BTC_USDT-1m-b.csv", csv(&[(180, 5)]))?;
    let overlap = folder.write("BTC_USDT-1m-c.csv", csv(&[(60, 5), (0, 7), (120, 5)]))?;
    let read_two = |other: &DataFile| read(&[other.clone(), first.clone()], &STRICT);
    assert_eq!(story(&read_two(&gap)?.events), ["0:0*", "0:60*", "0:gap 60-180 1", "0:180*"]);
    assert_eq!(
        story(&read_two(&overlap)?.events),
        ["0:0*", "0:60*", "0:duplicate 60 true", "0:disorder 0 60", "0:120*"]
    );
    Ok(())
}

#[test]
fn defects_do_not_take_the_mark_of_the_last_bar_of_an_instant() -> TestResult {
    let folder = Folder::new()?;
    let aaa = folder.write("AAA_USDT-1m.csv", csv(&[(0, 5), (0, 5), (60, 5), (180, 5)]))?;
    let bbb = folder.write("BBB_USDT-1m.csv", csv(&[(0, 5), (180, 5), (170, 5), (180, 5)]))?;
    let expected = [
        "0:0",
        "1:0*",
        "0:duplicate 0 true",
        "0:60*",
        "0:gap 60-180 1",
        "0:180",
        "1:gap 0-180 2",
        "1:180*",
        "1:disorder 170 180",
        "1:duplicate 180 true",
    ];
    assert_eq!(story(&read(&[bbb, aaa], &STRICT)?.events), expected);
    Ok(())
}

#[test]
fn an_error_comes_at_its_place_and_nothing_after_it() -> TestResult {
    let folder = Folder::new()?;
    let long: Vec<(i64, u32)> = (0..10).map(|n| (60 * n, 5)).collect();
    let good = folder.write("BBB_USDT-1m.csv", csv(&long))?;
    let bad = folder.write("AAA_USDT-1m.csv", csv(&[(0, 5), (60, 5)]) + "oops\n")?;
    for files in [[good.clone(), bad.clone()], [bad.clone(), good.clone()]] {
        let mut market = open_market(&files, &STRICT)?;
        let (events, error) = drain(&mut market.source);
        assert_eq!(story(&events), ["0:0", "1:0*", "0:60", "1:60*"]);
        assert!(matches!(error, Some(SourceError::Malformed { row: 4, .. })), "{error:?}");
        assert_eq!(drain(&mut market.source).0, []);
    }
    Ok(())
}

#[test]
fn files_that_do_not_fit_together_are_refused() -> TestResult {
    let folder = Folder::new()?;
    let minute = folder.write("BTC_USDT-1m.csv", csv(&[(0, 5)]))?;
    let hour = folder.write("BTC_USDT-1h.csv", csv(&[(3600, 5)]))?;
    let again = folder.write("BTC_USDT-1m-copy.csv", csv(&[(0, 5)]))?;
    let error = read(&[minute.clone(), hour], &STRICT).err();
    assert!(matches!(error, Some(SourceError::IntervalConflict { .. })), "{error:?}");
    let error = read(&[minute.clone(), again.clone()], &STRICT).err();
    assert!(matches!(error, Some(SourceError::SameFileTwice { .. })), "{error:?}");
    // The same bytes may well be two pairs.
    assert_eq!(read(&[minute, of_pair("ETH/USDT", again)], &STRICT)?.bars().len(), 2);
    Ok(())
}

#[test]
fn neither_path_nor_name_enters_an_event() -> TestResult {
    let (one, two) = (Folder::new()?, Folder::new()?);
    let text = csv(&[(0, 5), (0, 5), (180, 5)]) + "oops\n";
    let first = read(&[one.write("BTC_USDT-1m.csv", &text)?], &SKIP)?;
    let second = read(&[of_pair("BTC/USDT", two.write("other-1m", &text)?)], &SKIP)?;
    assert_eq!((first.events, first.inputs), (second.events, second.inputs));
    Ok(())
}

/// Rows of three pairs in files: mostly regular, with steps back, repetitions and rubbish.
fn any_files() -> impl Strategy<Value = Vec<(u8, String)>> {
    let step =
        prop_oneof![6 => Just(60), 1 => Just(0), 1 => Just(-60), 1 => Just(90), 1 => Just(300)];
    let rows = prop::collection::vec((step, 1_u32..4, 0_u8..20), 1..30);
    let file = (0_u8..3, 0_i64..20, rows).prop_map(|(pair, start, rows)| {
        let mut at = start * 60;
        let mut text = csv(&[(at, 9)]);
        for (step, price, rubbish) in rows {
            at += step;
            text += &if rubbish == 0 { "rubbish\n".to_owned() } else { row(at, price) };
        }
        (pair, text)
    });
    prop::collection::vec(file, 1..6)
}

fn write_all(folder: &Folder, files: &[(u8, String)]) -> TestResult<Vec<DataFile>> {
    let pairs = ["AAA/USDT", "BBB/USDT", "CCC/USDT"];
    let write = |(index, (pair, text)): (usize, &(u8, String))| -> TestResult<DataFile> {
        Ok(of_pair(pairs[usize::from(*pair)], folder.write(&format!("{index}-1m.csv"), text)?))
    };
    files.iter().enumerate().map(write).collect()
}

fn read_any(files: &[DataFile]) -> Result<Option<Read>, TestCaseError> {
    match read(files, &SKIP) {
        Ok(read) => Ok(Some(read)),
        Err(SourceError::SameFileTwice { .. }) => Ok(None),
        Err(error) => Err(TestCaseError::fail(error.to_string())),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err asks for")]
fn fails(error: Box<dyn std::error::Error>) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn the_order_of_arguments_changes_nothing(
        (files, shuffled) in any_files().prop_flat_map(|files| {
            (Just(files.clone()), Just(files).prop_shuffle())
        })
    ) {
        let folder = Folder::new().map_err(fails)?;
        let one = read_any(&write_all(&folder, &files).map_err(fails)?)?;
        let two = read_any(&write_all(&folder, &shuffled).map_err(fails)?)?;
        prop_assert_eq!(one.is_some(), two.is_some());
        if let (Some(one), Some(two)) = (one, two) {
            prop_assert_eq!(one.events, two.events);
            prop_assert_eq!(one.inputs, two.inputs);
            prop_assert_eq!(one.symbols, two.symbols);
        }
    }

    #[test]
    fn bars_rise_strictly_and_each_instant_has_one_last_bar(files in any_files()) {
        let folder = Folder::new().map_err(fails)?;
        let Some(read) = read_any(&write_all(&folder, &files).map_err(fails)?)? else {
            return Ok(());
        };
        for two in read.bars().windows(2) {
            prop_assert!((two[0].available_at, two[0].pair) < (two[1].available_at, two[1].pair));
            let last = two[0].available_at < two[1].available_at;
            prop_assert_eq!(two[0].last_of_instant, last);
            prop_assert_eq!(two[0].available_at.nanos() - two[0].open_time.nanos(), MINUTE_NS);
        }
        prop_assert!(read.bars().last().is_some_and(|bar| bar.last_of_instant));
    }

    #[test]
    fn cutting_every_file_at_an_instant_leaves_all_events_up_to_it(
        files in any_files(), at in 5_i64..45
    ) {
        let folder = Folder::new().map_err(fails)?;
        let cut = START + at * 60;
        // What a file holds from its first row later than the cut on was not yet there.
        let truncate = |text: &str| {
            let known = |line: &&str| match line.split(',').next().map(str::parse::<i64>) {
                Some(Ok(time)) => time <= cut,
                _ => true,
            };
            text.lines().take_while(known).map(|line| line.to_owned() + "\n").collect::<String>()
        };
        let shorter: Vec<(u8, String)> = files.iter()
            .map(|(pair, text)| (*pair, truncate(text)))
            .filter(|(_, text)| text.lines().count() > 1)
            .collect();
        // A pair that has not begun is not numbered, so compare only where all have.
        let pairs = |files: &[(u8, String)]| {
            let mut pairs: Vec<u8> = files.iter().map(|(pair, _)| *pair).collect();
            pairs.sort_unstable();
            pairs.dedup();
            pairs
        };
        prop_assume!(pairs(&shorter) == pairs(&files));
        let whole = read_any(&write_all(&folder, &files).map_err(fails)?)?;
        let part = read_any(&write_all(&folder, &shorter).map_err(fails)?)?;
        let (Some(whole), Some(part)) = (whole, part) else { return Ok(()) };
        // All events up to the last bar of that instant or before it.
        let up_to = |events: &[Event]| {
            let within = |e: &Event| matches!(e, Event::Bar(b) if seconds(b.open_time) <= at * 60);
            let count = events.iter().rposition(within).map_or(0, |last| last + 1);
            events[..count].to_vec()
        };
        prop_assert_eq!(up_to(&whole.events), up_to(&part.events));
    }

    #[test]
    fn no_bytes_whatever_make_the_reader_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..400),
        beginning in prop_oneof![
            Just(""), Just(HEADER), Just("[[161895132000"), Just("PK\u{3}\u{4}"),
            Just("1637971200000,1,1,1,1,1,1637971259999,1,79,1,1,0\n"),
        ],
        packed in any::<bool>(),
    ) {
        bytes.splice(0..0, beginning.bytes());
        let bytes = if packed { gzip(&bytes).map_err(fails)? } else { bytes };
        let folder = Folder::new().map_err(fails)?;
        let file = folder.write("BTC_USDT-1m.csv", bytes).map_err(fails)?;
        for options in [STRICT, SKIP] {
            prop_assert!(!refusal(&file, &options).is_empty());
        }
    }

    #[test]
    fn no_damage_to_a_good_file_makes_the_reader_panic(
        text in any_files(), damage in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
        packing in 0_u8..3, cut in any::<Index>(), cuts in any::<bool>(),
    ) {
        let text = text[0].1.as_bytes();
        let mut bytes = match packing {
            0 => text.to_vec(),
            1 => gzip(text).map_err(fails)?,
            _ => crate::support::market::zip(&[("a", text)]).map_err(fails)?,
        };
        for (index, byte) in damage {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        let folder = Folder::new().map_err(fails)?;
        let file = folder.write("BTC_USDT-1m.csv", bytes).map_err(fails)?;
        for options in [STRICT, SKIP] {
            prop_assert!(!refusal(&file, &options).is_empty());
        }
    }
}
