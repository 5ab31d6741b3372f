//! `replay`: each filter shows exactly the records that it says, and `--follow` what others append.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::support::TestResult;
use crate::support::cli::{Place, interrupt, program, run, walk};
use crate::support::demo;

fn replay(ledger: &str, filter: &[&str]) -> TestResult<Vec<Value>> {
    let ran = run(&[&["replay", ledger, "--format", "jsonl"], filter].concat())?;
    assert_eq!(ran.code, Some(0), "{filter:?}: {}", ran.err);
    Ok(ran.out.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

/// A demo ledger, and all that it holds.
fn ledger(place: &Place) -> TestResult<(String, Vec<Value>)> {
    let ledger = place.arg("l");
    demo::record(&place.path("l"), &[], 1, 4_000);
    let all = replay(&ledger, &[])?;
    Ok((ledger, all))
}

/// A filter shows the records that the rule takes, in their order, some and not all.
#[track_caller]
fn shows(ledger: &str, all: &[Value], filter: &[&str], rule: impl Fn(&Value) -> bool) {
    let shown = replay(ledger, filter).unwrap();
    let wanted: Vec<Value> = all.iter().filter(|record| rule(record)).cloned().collect();
    assert!(!wanted.is_empty() && wanted.len() < all.len(), "{filter:?} tells nothing apart");
    assert!(shown == wanted, "{filter:?}: {} records, not {}", shown.len(), wanted.len());
}

#[test]
fn a_range_of_times_shows_the_records_of_these_times_both_ends_included() -> TestResult {
    let place = Place::new()?;
    let (ledger, all) = ledger(&place)?;
    let (first, last) = ("2025-01-02T03:00:00Z", "2025-01-02T03:10:00Z");
    let time = |record: &Value| record["time"].as_str().unwrap().to_owned();
    shows(&ledger, &all, &["--from", first], |r| *time(r) >= *first);
    shows(&ledger, &all, &["--to", last], |r| *time(r) <= *last);
    shows(&ledger, &all, &["--from", first, "--to", last], |r| (first..=last).contains(&&*time(r)));
    shows(&ledger, &all, &["--from", "2025-01-02T03:00Z", "--to", "6000"], |r| {
        *time(r) >= *first && r["sequence"].as_u64() <= Some(6000)
    });
    Ok(())
}

#[test]
fn a_class_a_run_and_a_cause_show_their_own_records_and_conditions_add_up() -> TestResult {
    let place = Place::new()?;
    let (ledger, _) = ledger(&place)?;
    let file = place.write("AAA_USDT-1m.csv", &walk(1, 300))?;
    let added = ["backtest", "--data", &file, "--ledger", &ledger, "--append"];
    assert_eq!(run(&added)?.code, Some(0));
    let note = ["note", &ledger, "--keys", &place.arg("k"), "--subject", "Ada", "hello"];
    assert_eq!(run(&note)?.code, Some(0));
    let all = replay(&ledger, &[])?;
    for class in ["input", "derived", "system"] {
        shows(&ledger, &all, &["--class", class], |r| r["class"] == class);
    }
    shows(&ledger, &all, &["--class", "input", "--class", "system"], |r| r["class"] != "derived");
    shows(&ledger, &all, &["--class", "input", "--kind", "bar"], |r| r["kind"] == "bar");
    let starts: Vec<&Value> = all.iter().filter(|r| r["kind"] == "run_started").collect();
    let second = starts[1]["sequence"].as_u64();
    let id = starts[1]["payload"]["run"].as_str().unwrap();
    shows(&ledger, &all, &["--run", &id[..8]], |r| {
        r["sequence"].as_u64() >= second && r["class"] != "system"
    });
    let cause = all.iter().find(|r| r["kind"] == "trade_closed").unwrap()["cause"].clone();
    shows(&ledger, &all, &["--cause", &cause.to_string()], |r| r["cause"] == cause);
    for (wrong, word) in [(["--run", "12"], "at least 6"), (["--class", "inputs"], "input")] {
        let refused = run(&[&["replay", &ledger], &wrong[..]].concat())?;
        assert!(refused.code == Some(2) && refused.err.contains(word), "{}", refused.err);
    }
    Ok(())
}

#[test]
fn a_pair_shows_what_names_it_whatever_number_each_run_calls_it_by() -> TestResult {
    let place = Place::new()?;
    let (ledger, _) = ledger(&place)?;
    // In the second run another pair has the number that BTC/USDC has in the first.
    let file = place.write("AAA_USDT-1m.csv", &walk(1, 300))?;
    let added = ["backtest", "--data", &file, "--ledger", &ledger, "--append"];
    assert_eq!(run(&added)?.code, Some(0));
    let all = replay(&ledger, &[])?;
    let starts: Vec<u64> = all
        .iter()
        .filter(|record| record["kind"] == "run_started")
        .map(|record| record["sequence"].as_u64().unwrap())
        .collect();
    let is_second = |record: &Value| record["sequence"].as_u64() >= Some(starts[1]);
    let bars = |filter: &[&str]| replay(&ledger, &[filter, &["--kind", "bar"]].concat());
    let btc = bars(&["--pair", "BTC/USDC"])?;
    assert!(btc.len() == 4_000 && !btc.iter().any(is_second), "{}", btc.len());
    let nothing = run(&["replay", &ledger, "--pair", "XRP/USDC"])?;
    assert_eq!((nothing.code, nothing.out.as_str()), (Some(0), ""));
    let said = "there are AAA/USDT, BTC/USDC, ETH/BTC, ETH/USDC\n";
    assert!(nothing.err.ends_with(said), "{}", nothing.err);
    let aaa = bars(&["--pair", "AAA/USDT"])?;
    assert!(aaa.len() == 300 && aaa.iter().all(is_second), "{}", aaa.len());
    let from = (starts[1] + 10).to_string();
    assert_eq!(bars(&["--pair", "AAA/USDT", "--from", &from])?.len(), 292, "the rest of them");
    shows(&ledger, &all, &["--pair", "ETH/USDC", "--kind", "trade_closed"], |record| {
        record["kind"] == "trade_closed" && record["payload"]["symbol"] == "ETH/USDC"
    });
    shows(&ledger, &all, &["--pair", "ETH/USDC", "--kind", "ghost_opened"], |record| {
        let leg = &record["payload"]["key"]["leg"];
        let ends = [leg["from"].as_str(), leg["to"].as_str()];
        record["kind"] == "ghost_opened"
            && ends.contains(&Some("ETH"))
            && !ends.contains(&Some("BTC"))
    });
    Ok(())
}

#[test]
fn follow_shows_what_another_process_appends_and_says_where_it_stopped() -> TestResult {
    let place = Place::new()?;
    let (ledger, all) = ledger(&place)?;
    let (end, keys) = (all.len().to_string(), place.arg("keys"));
    let args =
        ["replay", &ledger, "--from", &end, "--follow", "--keys", &keys, "--format", "jsonl"];
    let note = |text| run(&["note", &ledger, "--keys", &keys, "--subject", "Ada", text]);
    assert_eq!(note("first")?.code, Some(0));
    let mut child = program(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for text in ["first", "second", "third"] {
        if text != "first" {
            assert_eq!(note(text)?.code, Some(0));
        }
        let line: Value = serde_json::from_str(&lines.next().unwrap()?)?;
        assert_eq!(
            (&line["kind"], &line["personal"]["text"]),
            (&"operator_note".into(), &text.into())
        );
    }
    interrupt(&child)?;
    let ended = child.wait_with_output()?;
    assert_eq!(ended.status.code(), Some(130));
    let said = String::from_utf8(ended.stderr)?;
    assert!(said.contains(&format!("--from {} ", all.len() + 3)), "{said}");
    Ok(())
}

#[test]
fn a_range_that_ends_before_it_begins_is_refused() -> TestResult {
    let place = Place::new()?;
    let ledger = place.arg("run");
    run(&["demo", "--ledger", &ledger, "--cycles", "100"])?;
    let refused = run(&["replay", &ledger, "--from", "9", "--to", "3"])?;
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
    assert!(refused.err.contains("--from 9 lies behind --to 3"), "{}", refused.err);
    Ok(())
}
