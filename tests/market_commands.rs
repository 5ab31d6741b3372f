//! Files of commands: what they may say, and what is said of those that may not.

use std::ops::ControlFlow;

use schwabot::event::*;
use schwabot::market::{CommandFile, CommandedSource, Source, SyntheticMarket};
use schwabot::pipeline::{Job, RunOptions, TradingPipeline, run};
use schwabot::time::Timestamp;

use crate::support::demo;
use crate::support::documents::{key, leg, ratio};
use crate::support::forge::loosen;

fn read(text: &str) -> Result<Vec<Command>, String> {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("commands.jsonl");
    std::fs::write(&path, text).unwrap();
    CommandFile::read(&path).map(|file| file.commands).map_err(|error| error.to_string())
}

fn line(rest: &str) -> String {
    format!("{{\"time\": \"2025-01-01T00:10:00Z\", {rest}}}")
}

#[test]
fn every_action_is_read_as_it_is_written() {
    let text = [
        r#""action": "ghost_trigger", "leg": "BTC→ETH", "trigger": "price_spike", "word_bits": 4,
           "word": "0101", "confidence": 0.8"#,
        r#""action": "append_memory", "leg": "BTC->ETH", "trigger": "price_spike", "word_bits": 4,
           "net_return": "0.05""#,
        r#""action": "change_weight", "leg": "BTC→ETH", "word_bits": 4, "delta": -0.05"#,
        r#""action": "flip_bits", "word": "11111111""#,
        r#""action": "flip_pair", "leg": "BTC→ETH""#,
        r#""action": "run_orbit", "stages": [[["BTC→ETH", 4]], [["ETH→BTC", 8]]],
           "market": {"BTC→ETH": "up", "ETH→BTC": "neutral"}"#,
        r#""action": "select_orbit", "stages": [[["BTC→ETH", 4]]]"#,
        r#""action": "clean_up""#,
    ];
    let lines: Vec<String> = text.iter().map(|rest| line(&rest.replace('\n', " "))).collect();
    let commands = read(&lines.join("\n")).unwrap();
    let actions: Vec<&Action> = commands.iter().map(|command| &command.action).collect();
    let spike = key("BTC→ETH", Trigger::PriceSpike, 4);
    let (word, confidence) = (Some(5), Some(ratio("0.8")));
    assert_eq!(*actions[0], Action::GhostTrigger { key: spike.clone(), word, confidence });
    assert_eq!(*actions[1], Action::AppendMemory { key: spike, net_return: ratio("0.05") });
    let delta = ratio("-0.05");
    assert_eq!(*actions[2], Action::ChangeWeight { leg: leg("BTC→ETH"), word_bits: 4, delta });
    assert_eq!(*actions[3], Action::FlipBits { word: 255, word_bits: 8 });
    assert_eq!(*actions[4], Action::FlipPair { leg: leg("BTC→ETH"), word_bits: None });
    let Action::RunOrbit { stages, market } = actions[5] else { panic!() };
    assert_eq!((stages.len(), market.len(), market[0].trend), (2, 2, Trend::Up));
    assert!(matches!(actions[6], Action::SelectOrbit { .. }));
    assert_eq!(*actions[7], Action::CleanUp);
    assert_eq!(
        commands.iter().map(|command| command.row).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6, 7, 8]
    );
}

#[test]
fn what_will_not_do_is_refused_with_file_line_and_field() {
    let spike = r#""action": "ghost_trigger", "leg": "BTC→ETH", "trigger": "price_spike""#;
    let cases: Vec<(String, &str)> = vec![
        ("not json".into(), "the line"),
        (line(r#""action": "sell_everything""#), "action"),
        (line(r#""action": "clean_up", "colour": "red""#), "colour"),
        (line(r#""action": "clean_up", "leg": "BTC→ETH""#), "leg: `clean_up` has no such field"),
        (line(r#""action": "flip_bits", "word": "0121""#), "word"),
        (line(r#""action": "flip_bits", "word": "1""#), "word"),
        (line(r#""action": "flip_bits""#), "word: is missing"),
        (line(r#""action": "flip_pair", "leg": "BTCETH""#), "leg"),
        (line(r#""action": "flip_pair", "leg": "BTC→BTC""#), "leg"),
        (line(r#""action": "flip_pair", "leg": "../x→BTC/y""#), "leg"),
        (line(&format!("{spike}, \"word_bits\": 65")), "word_bits"),
        (line(&format!("{spike}, \"word_bits\": 4, \"word\": \"01010\"")), "word: 5 bits"),
        (line(&format!("{spike}, \"word_bits\": 4, \"direction\": \"left\"")), "direction"),
        (line(&format!("{spike}, \"word_bits\": 4, \"confidence\": 0.1234567891")), "confidence"),
        (
            line(r#""action": "change_weight", "leg": "A→B", "word_bits": 4, "delta": 1e400"#),
            "delta",
        ),
        (r#"{"time": "yesterday", "action": "clean_up"}"#.into(), "time"),
        (
            line(r#""action": "run_orbit", "stages": [[["A→B", 4]]], "market": {"A→B": "away"}"#),
            "market",
        ),
    ];
    for (text, field) in cases {
        let sound = line(r#""action": "clean_up""#);
        let error = read(&format!("{sound}\n\n{text}\n")).unwrap_err();
        assert!(error.contains("commands.jsonl: row 3"), "{error}");
        assert!(error.contains(field), "`{field}` is not in: {error}");
    }
    let early = r#"{"time": "2025-01-01T00:09:00Z", "action": "clean_up"}"#;
    let error = read(&format!("{}\n{early}", line(r#""action": "clean_up""#))).unwrap_err();
    assert!(error.contains("row 2: time") && error.contains("line 1"), "{error}");
}

#[test]
fn commands_come_before_the_bars_of_their_instant_and_the_last_ones_after_all_bars() {
    let market = demo::market(1, 3);
    let minute =
        |minutes: i64| Timestamp::from_nanos(market.start.nanos() + minutes * 60_000_000_000);
    let at = |time| Command { row: 1, time, action: Action::CleanUp };
    // The first bars are known at minute 1.
    let commands = vec![at(minute(0)), at(minute(2)), at(minute(9))];
    let source = SyntheticMarket::new(market.clone()).unwrap();
    let mut source = CommandedSource::new(source, commands);
    let mut names = Vec::new();
    while let Some(event) = source.next().unwrap() {
        names.push(match event {
            Event::Bar(bar) if bar.last_of_instant => "last",
            Event::Bar(_) => "bar",
            _ => "command",
        });
    }
    let expected = [
        "command", "bar", "bar", "last", "command", "bar", "bar", "last", "bar", "bar", "last",
        "command",
    ];
    assert_eq!(names, expected);
}

#[test]
fn the_end_of_the_data_counts_its_defects_and_no_commands() {
    let place = tempfile::tempdir().unwrap();
    let job = || {
        let market = demo::market(1, 3);
        let source = SyntheticMarket::new(market.clone()).unwrap();
        let command = Command { row: 1, time: market.start, action: Action::CleanUp };
        Job {
            mode: Mode::Backtest,
            config: demo::config(&[]),
            generator: Some(source.generator()),
            origin: market.start,
            inputs: vec![],
            source: CommandedSource::new(source, vec![command]),
            strategies: schwabot::strategies::Catalogue::default(),
        }
    };
    let options = RunOptions::default();
    let (whole, cycled) = (place.path().join("whole"), place.path().join("cycled"));
    let summary = run(&whole, job(), &options, |_| ControlFlow::Continue(())).unwrap();
    let mut cycles = TradingPipeline::open(&cycled, job(), &options).unwrap();
    while cycles.run_cycle("1m".parse().unwrap()).unwrap().is_some() {}
    assert_eq!(cycles.finish().unwrap().head, summary.head, "one loop, however it is driven");
    let end = loosen(&whole).into_iter().find_map(|record| match record.event {
        Event::EndOfData(end) => Some(end),
        _ => None,
    });
    assert_eq!(end, Some(EndOfData { bars: 9, defects: 0 }));
}
