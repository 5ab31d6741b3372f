//! `schwabot report`: where it writes, what it refuses, and how it ends.

use std::fs;

use crate::support::TestResult;
use crate::support::cli::{Place, run};

fn demo(place: &Place) -> TestResult<String> {
    let ledger = place.arg("ledger");
    let ran = run(&["demo", "--ledger", &ledger, "--cycles", "600"])?;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    Ok(ledger)
}

#[test]
fn a_page_is_written_once_and_replaced_only_on_demand() -> TestResult {
    let place = Place::new()?;
    let (ledger, page) = (demo(&place)?, place.arg("report.html"));
    let ran = run(&["report", &ledger, "-o", &page])?;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    assert!(ran.out.starts_with("intact\n") && ran.out.contains("written"), "{}", ran.out);
    let first = fs::read_to_string(&page)?;
    let again = run(&["report", &ledger, "-o", &page])?;
    assert_eq!(again.code, Some(2));
    assert!(again.err.contains("--force"), "{}", again.err);
    let forced = run(&["report", &ledger, "-o", &page, "--force", "--threads", "1"])?;
    assert_eq!(forced.code, Some(0), "{}", forced.err);
    assert_eq!(fs::read_to_string(&page)?, first);
    // Nothing else is left beside it.
    let names = fs::read_dir(place.path(""))?.count();
    assert_eq!(names, 2);
    Ok(())
}

#[test]
fn links_directories_and_ledgers_are_no_place_for_a_page() -> TestResult {
    let place = Place::new()?;
    let ledger = demo(&place)?;
    fs::create_dir(place.path("folder"))?;
    std::os::unix::fs::symlink(place.path("target"), place.path("link"))?;
    let inside = format!("{ledger}/report.html");
    for target in [place.arg("folder"), place.arg("link"), inside] {
        let ran = run(&["report", &ledger, "-o", &target, "--force"])?;
        assert_eq!(ran.code, Some(2), "{target}");
        let why = if target.starts_with(&ledger) { "inside a ledger" } else { "cannot write the" };
        assert!(ran.err.contains(why), "{}", ran.err);
    }
    assert!(!place.path("target").exists());
    Ok(())
}

#[test]
fn without_a_page_the_figures_are_the_answer_in_every_format() -> TestResult {
    let place = Place::new()?;
    let ledger = demo(&place)?;
    let text = run(&["report", &ledger])?;
    assert_eq!(text.code, Some(0), "{}", text.err);
    assert!(text.out.starts_with("intact\n") && text.out.contains("Sharpe ratio"), "{}", text.out);
    let json = run(&["report", &ledger, "--format", "json", "--period", "day"])?.json()?;
    assert_eq!((&json["type"], &json["period"]), (&"report".into(), &"day".into()));
    let metrics = json["metrics"].as_array().unwrap();
    let sharpe = metrics.iter().find(|metric| metric["name"] == "sharpe").unwrap();
    assert!(sharpe["formula"].as_str().unwrap().contains("sqrt(P)"));
    assert!(sharpe["value"].is_null(), "one day has no deviation");
    let lines = run(&["report", &ledger, "--format", "jsonl", "--period", "day"])?.out;
    assert_eq!(lines.lines().count(), metrics.len());
    assert!(lines.starts_with("{\"type\":\"metric\""), "{lines}");
    let table = run(&["report", &ledger, "--format", "csv", "--period", "day"])?.out;
    assert_eq!(table.lines().count(), metrics.len() + 1);
    let lone = run(&["report", &ledger, "--trials", "5"])?;
    assert_eq!(lone.code, Some(2), "trials need their variance");
    Ok(())
}

#[test]
fn the_page_tells_the_flags_that_make_it_again() -> TestResult {
    let place = Place::new()?;
    let (ledger, page) = (demo(&place)?, place.arg("report.html"));
    let flags = ["--at", "1500", "--period", "hour", "--trials", "9", "--trials-variance", "0.002"];
    let ran = run(&[&["report", &ledger, "-o", &page][..], &flags].concat())?;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let text = fs::read_to_string(&page)?;
    let told = "report LEDGER --at 1500 --period hour --trials 9 --trials-variance 0.002 -o";
    assert!(text.contains(told));
    assert!(text.contains("records 0 to 1500"));
    Ok(())
}

#[test]
fn a_damaged_ledger_gives_no_page_that_looks_sound() -> TestResult {
    let place = Place::new()?;
    let (ledger, page) = (demo(&place)?, place.path("report.html"));
    let segment = place.path("ledger/segments/000000000000.seg");
    let mut bytes = fs::read(&segment)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes)?;
    let ran = run(&["report", &ledger, "-o", &place.arg("report.html")])?;
    assert_ne!(ran.code, Some(0), "{}", ran.out);
    let text = fs::read_to_string(page).unwrap_or_default();
    assert!(!text.contains("Verified: intact"), "{}", ran.err);
    Ok(())
}

#[test]
fn buy_and_hold_is_bought_at_the_first_close_without_costs() -> TestResult {
    let place = Place::new()?;
    let mut rows = "date,open,high,low,close,volume\n".to_owned();
    for (day, close) in (19_000_u64..).zip([100, 110, 121, 121]) {
        rows += &format!("{},{close},{close},{close},{close},5\n", day * 86_400);
    }
    let (data, ledger) = (place.write("BTC_USDC-1d.csv", &rows)?, place.arg("ledger"));
    let flags = ["--pair", "BTC/USDC", "--interval", "1d", "--ledger", &ledger];
    let ran = run(&[&["backtest", "--data", &data][..], &flags].concat())?;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let json = run(&["report", &ledger, "--format", "json", "--period", "day"])?.json()?;
    let metric = |name: &str| {
        let all = json["metrics"].as_array().unwrap();
        all.iter().find(|metric| metric["name"] == name).unwrap()["value"].as_f64()
    };
    let held: Vec<f64> = json["closes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["buy_and_hold"].as_f64().unwrap())
        .collect();
    let expected = [10_000.0, 11_000.0, 12_100.0, 12_100.0];
    assert!(held.iter().zip(expected).all(|(l, r)| (l - r).abs() < 1e-8), "{held:?}");
    assert!((metric("benchmark_return").unwrap() - 0.21).abs() < 1e-12);
    assert_eq!((metric("total_return"), metric("sharpe")), (Some(0.0), None));
    assert_eq!(metric("duration"), Some(4.0 * 86_400.0));
    assert_eq!(json["run"]["files"][0]["digest"].as_str().unwrap().len(), 64);
    Ok(())
}

#[test]
fn the_page_names_who_signed_and_how_much_is_newer() -> TestResult {
    let place = Place::new()?;
    let (ledger, key, page) = (demo(&place)?, place.arg("bot.key"), place.arg("report.html"));
    assert_eq!(run(&["keygen", "--name", "example.com/bot", "-o", &key])?.code, Some(0));
    assert_eq!(run(&["checkpoint", &ledger, "--key", &key])?.code, Some(0));
    assert_eq!(run(&["report", &ledger, "-o", &page])?.code, Some(0));
    let text = fs::read_to_string(&page)?;
    assert!(text.contains("of example.com/bot signed by example.com/bot; the log has its root"));
    let json = run(&["report", &ledger, "--format", "json"])?.json()?;
    assert_eq!(json["proof"]["checkpoint"]["signed_by"][0], "example.com/bot");
    assert_eq!(json["proof"]["verdict"], "intact");
    Ok(())
}
