//! Answers for programs: every object has a type, and the page `OUTPUT.md` lists what it holds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::TestResult;
use crate::support::cli::{Place, Ran, run};
use crate::support::demo;

const PAGE: &str = include_str!("../../src/docs/OUTPUT.md");

/// Types whose answers need a network, a log that contradicts itself or a call that was cut short:
/// other tests make them.
const MADE_ELSEWHERE: &[&str] =
    &["fill_finding", "finding", "misbehaviour", "reconcile", "shredding_finished", "witness"];

/// Types and their fields.
type Types = BTreeMap<String, BTreeSet<String>>;

/// What the page says: a heading is a type, the first cell of a row a field.
fn page() -> Types {
    let mut types = Types::new();
    let mut current = None;
    for line in PAGE.lines() {
        let quoted = |text: &str| Some(text.split('`').nth(1)?.to_owned());
        if line.starts_with('#') {
            current = line.strip_prefix("### `").and_then(|_| quoted(line));
            types.extend(current.clone().map(|kind| (kind, BTreeSet::new())));
        } else if let (Some(kind), true) = (&current, line.starts_with("| `")) {
            types.get_mut(kind).unwrap().extend(quoted(line));
        }
    }
    types
}

fn note(types: &mut Types, line: &str) -> TestResult {
    let value: Value = serde_json::from_str(line)?;
    let fields = value.as_object().ok_or("no object")?;
    let kind = fields.get("type").and_then(Value::as_str).ok_or(format!("no type: {line}"))?;
    let names = fields.keys().filter(|name| *name != "type").cloned();
    types.entry(kind.to_owned()).or_default().extend(names);
    Ok(())
}

/// A ledger of the demo with a signed checkpoint, a note, and what belongs to them.
fn furnished(place: &Place) -> TestResult<String> {
    let ledger = place.arg("l");
    demo::record(&place.path("l"), &[], 1, 4_000);
    let said = ["--keys", &place.arg("keys"), "--subject", "Ada"];
    let key = run(&["keygen", "--name", "example.com/bot", "-o", &place.arg("bot.key")])?;
    place.write("vkey", key.out.trim())?;
    assert_eq!(run(&[&["note", &ledger], &said[..], &["hello"]].concat())?.code, Some(0));
    let signed = run(&["checkpoint", &ledger, "--key", &place.arg("bot.key")])?;
    assert_eq!(signed.code, Some(0), "{}", signed.err);
    Ok(ledger)
}

/// Makes what commands need beside the ledger: an import, a torn copy, a backup and a receipt.
fn prepare(place: &Place, ledger: &str, hash: &str, pair: &str) -> TestResult {
    let arg = |name: &str| place.arg(name);
    let import = run(&["import", &arg("imported"), pair, "--interval", "1m"])?;
    assert_eq!(import.code, Some(0), "{}", import.err);
    crate::support::copy_dir(ledger.as_ref(), &place.path("torn"));
    tear(&place.path("torn"))?;
    assert_eq!(run(&["backup", ledger, &arg("kept")])?.code, Some(0));
    assert_eq!(run(&["prove", ledger, "--trade", hash, "-o", &arg("receipt")])?.code, Some(0));
    Ok(())
}

/// Every command with its arguments, but for the format.
fn commands(place: &Place, ledger: &str) -> TestResult<Vec<Vec<String>>> {
    let hash = run(&["state", ledger, "trades", "--format", "json"])?.json()?;
    let hash = hash["trades"][0]["hash"].as_str().unwrap().to_owned();
    let near = run(&["state", ledger, "soulprints", "--format", "json"])?.json()?;
    let near = near["soulprints"][0]["id"].as_str().unwrap().to_owned();
    let vkey = std::fs::read_to_string(place.path("vkey"))?;
    let candles = place.write("AAA_USDT.csv", &crate::support::cli::walk(1, 300))?;
    let arg = |name: &str| place.arg(name);
    let (keys, key, receipt) = (arg("keys"), arg("bot.key"), arg("receipt"));
    let (torn, imported, pair) = (arg("torn"), arg("imported"), format!("AAA/USDT={candles}"));
    prepare(place, ledger, &hash, &pair)?;
    let mut all: Vec<Vec<&str>> = vec![
        vec!["demo", "--cycles", "600"],
        vec!["backtest", "--data", &candles, "--interval", "1m"],
        vec!["backtest", "--data", &candles, "--interval", "1m", "--no-ledger"],
        vec![
            "sweep",
            "--data",
            &candles,
            "--interval",
            "1m",
            "--no-ledgers",
            "--param",
            "fast=5,10",
        ],
        vec!["replay", ledger, "--keys", &keys],
        vec!["state", ledger, "soulprints", "--near", &near],
        vec!["state", ledger, "positions", "--at", "11000"],
        vec!["why", ledger, &hash],
        vec!["diff", ledger, "--from", "100", "--to", "9000"],
        vec!["report", ledger],
        vec!["import", "NEW", &pair, "--interval", "1m"],
        vec!["import", "--list"],
        vec!["state", &imported, "imports"],
        vec!["verify", ledger],
        vec!["verify", ledger, "--self-test"],
        vec!["checkpoint", ledger, "--key", &key],
        vec!["check", &receipt, "--vkey", &vkey],
        vec!["inspect", ledger],
        vec!["pack", ledger],
        vec!["unpack", ledger],
        vec!["backup", ledger, "BACKUP"],
        vec!["prove", ledger, "--sequence", "7", "-o", &receipt],
        vec!["recover", &torn],
        vec!["recover", "NEW", "--from", "KEPT"],
        vec!["salvage", ledger, "NEW"],
        vec!["export", ledger, "--to", "memory-stack", "NEW"],
        vec!["export", ledger, "--to", "jsonl", "NEW"],
        vec!["keygen", "--name", "example.com/other", "-o", "NEW"],
        vec!["bench", "HERE", "--records", "1000", "--rounds", "1"],
        vec!["note", ledger, "--keys", &keys, "--subject", "Bob", "hello"],
        vec!["config", "show"],
        vec!["config", "path"],
        vec!["config", "init", "NEW"],
        vec!["man", "NEW"],
        vec!["shred", ledger, "--keys", &keys, "--subject", "Bob", "--reason", "asked"],
    ];
    let parts = "summary trades positions metrics data engines buckets soulprints links statistics \
                 analytics consistency findings config";
    all.extend(parts.split_whitespace().map(|what| vec!["state", ledger, what]));
    let owned = all.into_iter().enumerate().map(|(number, command)| {
        let place_of = |word: &str| match word {
            "NEW" | "BACKUP" => arg(&format!("new{number}")),
            "KEPT" => arg("kept"),
            "HERE" => arg(""),
            other => other.to_owned(),
        };
        command.into_iter().map(place_of).collect()
    });
    Ok(owned.collect())
}

/// Cuts off the last bytes of a ledger, so that there is something to recover.
fn tear(ledger: &std::path::Path) -> TestResult {
    let mut segments: Vec<_> =
        std::fs::read_dir(ledger.join("segments"))?.map(|entry| entry.unwrap().path()).collect();
    segments.retain(|path| path.extension().is_some_and(|ending| ending == "seg"));
    segments.sort();
    let file = std::fs::File::options().write(true).open(segments.last().unwrap())?;
    file.set_len(file.metadata()?.len() + 4096)?;
    Ok(())
}

/// Runs a command in a format, each time into places of its own.
fn in_format(place: &Place, command: &[String], format: &str) -> TestResult<Ran> {
    let renamed = command.iter().map(|word| match word.contains("/new") {
        true => format!("{word}-{format}"),
        false => word.clone(),
    });
    let args: Vec<String> = renamed.chain(["--format".to_owned(), format.to_owned()]).collect();
    let mut program = crate::support::cli::program(&args);
    crate::support::cli::finish(program.env("TMPDIR", place.path("")))
}

#[test]
fn every_type_and_field_that_is_printed_stands_on_the_page_and_no_other() -> TestResult {
    let place = Place::new()?;
    let ledger = furnished(&place)?;
    let mut printed = Types::new();
    for command in commands(&place, &ledger)? {
        let ran = in_format(&place, &command, "json")?;
        assert!(ran.code == Some(0) || command[0] == "diff", "{command:?}: {}", ran.err);
        for line in ran.out.lines() {
            note(&mut printed, line).map_err(|error| format!("{command:?}: {error}"))?;
        }
        if command[0] != "replay" {
            assert_eq!(ran.out.lines().count(), 1, "{command:?}");
        }
        // What adds a record or destroys a key does so once.
        if ["note", "shred", "recover"].contains(&command[0].as_str()) {
            continue;
        }
        for line in in_format(&place, &command, "jsonl")?.out.lines() {
            note(&mut printed, line).map_err(|error| format!("{command:?}: {error}"))?;
        }
    }
    let mut said = page();
    said.retain(|kind, _| !MADE_ELSEWHERE.contains(&kind.as_str()));
    for (kind, fields) in &printed {
        assert_eq!(said.get(kind), Some(fields), "`{kind}`");
    }
    let kinds = |types: &Types| types.keys().cloned().collect::<Vec<_>>();
    assert_eq!(kinds(&said), kinds(&printed));
    Ok(())
}

#[test]
fn every_command_answers_with_a_table_whose_rows_have_its_columns() -> TestResult {
    let place = Place::new()?;
    let ledger = furnished(&place)?;
    let said = page();
    let known: BTreeSet<&str> = said.values().flatten().map(String::as_str).collect();
    for command in commands(&place, &ledger)? {
        let ran = in_format(&place, &command, "csv")?;
        let mut table = csv::Reader::from_reader(ran.out.as_bytes());
        let header = table.headers()?.clone();
        assert!(!header.is_empty(), "{command:?}: {}", ran.err);
        for name in &header {
            let field = name.split('.').next().unwrap();
            assert!(known.contains(field), "{command:?}: column `{name}` is on no page");
        }
        for row in table.records() {
            assert_eq!(row?.len(), header.len(), "{command:?}");
        }
    }
    Ok(())
}

#[test]
fn a_list_comes_member_by_member_and_in_the_same_order_in_every_format() -> TestResult {
    let place = Place::new()?;
    let ledger = place.arg("l");
    demo::record(&place.path("l"), &[], 1, 4_000);
    let ask = |format: &str| run(&["state", &ledger, "trades", "--limit", "3", "--format", format]);
    let whole = ask("json")?.json()?;
    let lines = ask("jsonl")?.out;
    let lines: Result<Vec<Value>, _> = lines.lines().map(serde_json::from_str).collect();
    let lines = lines?;
    let csv = ask("csv")?.out;
    let rows: Result<Vec<csv::StringRecord>, _> =
        csv::Reader::from_reader(csv.as_bytes()).into_records().collect();
    let rows = rows?;
    let all = whole["trades"].as_array().unwrap();
    assert_eq!((all.len(), lines.len(), rows.len()), (3, 3, 3));
    for ((whole, line), row) in all.iter().zip(&lines).zip(&rows) {
        assert_eq!(line["type"], "trade");
        assert_eq!((&whole["hash"], &whole["trade"]), (&line["hash"], &line["trade"]));
        assert_eq!(
            (&row[0], &row[1]),
            (&*whole["sequence"].to_string(), whole["hash"].as_str().unwrap())
        );
        assert_eq!(&row[10], whole["trade"]["net"].as_str().unwrap());
    }
    Ok(())
}
