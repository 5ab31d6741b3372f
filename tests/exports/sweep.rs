//! `sweep`: many runs side by side are each an ordinary run, whatever the number of jobs and
//! however often it was stopped.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::support::TestResult;
use crate::support::cli::{Place, Ran, interrupt, program, run, walk};

const GRID: [&str; 4] = ["--param", "fast=5,10,20", "--param", "slow=15..45:15"];

/// A sweep over the file `data.csv` of the place, with more arguments.
fn sweep(place: &Place, more: &[&str]) -> TestResult<Ran> {
    let data = format!("BTC/USDC={}", place.arg("data.csv"));
    let mut arguments = vec!["sweep", "--data", &data, "--interval", "1m"];
    arguments.extend(GRID);
    arguments.extend(more);
    run(&arguments)
}

fn place_with(bars: u64) -> TestResult<Place> {
    let place = Place::new()?;
    place.write("data.csv", &walk(3, bars))?;
    Ok(place)
}

fn journal(out: &Path) -> TestResult<Vec<String>> {
    let text = std::fs::read_to_string(out.join("sweep.jsonl"))?;
    Ok(text.lines().map(str::to_owned).collect())
}

#[test]
fn any_number_of_jobs_gives_the_same_bytes_and_the_same_heads() -> TestResult {
    let place = place_with(3_000)?;
    let walk = ["--walk-forward", "10h:5h"];
    for format in ["text", "json", "jsonl", "csv"] {
        let mut told = Vec::new();
        for jobs in ["1", "3"] {
            let out = place.arg(&format!("out-{format}-{jobs}"));
            let page = place.arg(&format!("{format}-{jobs}.html"));
            let more = ["--out", &out, "--jobs", jobs, "--format", format, "--page", &page];
            let more: Vec<&str> = more.into_iter().chain(walk).collect();
            let ran = sweep(&place, &more)?;
            assert_eq!(ran.code, Some(0), "{}", ran.err);
            let mut lines = journal(Path::new(&out))?;
            lines.sort();
            told.push((ran.out, lines, std::fs::read_to_string(&page)?));
        }
        assert_eq!(told[0], told[1], "{format}");
    }
    Ok(())
}

#[test]
fn a_trial_is_the_ordinary_run_of_its_parameters_and_its_ledger_verifies() -> TestResult {
    let place = place_with(1_500)?;
    let out = place.arg("out");
    let told = sweep(&place, &["--out", &out, "--format", "json"])?.json()?;
    let ranked = told["ranked"].as_array().unwrap();
    // 3 times 3 combinations, and fast=20 slow=15 is none.
    assert_eq!((ranked.len(), told["unusable"].as_u64()), (8, Some(1)));
    let data = format!("BTC/USDC={}", place.arg("data.csv"));
    for trial in ranked {
        let id = trial["trial"].as_str().unwrap();
        let ledger = Path::new(&out).join(format!("trial-{id}")).display().to_string();
        assert_eq!(run(&["verify", &ledger])?.code, Some(0), "{id}");
        let parameters = trial["parameters"].as_object().unwrap();
        let parameters: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()))
            .collect();
        let alone = place.arg(&format!("alone-{id}"));
        let mut backtest =
            vec!["backtest", "--data", &data, "--interval", "1m", "--ledger", &alone];
        backtest.extend(["--format", "json"]);
        parameters.iter().for_each(|known| backtest.extend(["--param", known]));
        let alone = run(&backtest)?.json()?;
        assert_eq!(alone["head"], trial["head"]);
        assert_eq!(alone["run"], trial["trial"]);
        assert_eq!(alone["trades"], trial["trades"]);
        let equity: f64 = alone["equity"].as_str().unwrap().parse()?;
        let returned = trial["whole"]["total_return"].as_f64().unwrap();
        assert!((equity / 10_000.0 - 1.0 - returned).abs() < 1e-9, "{equity} {returned}");
    }
    Ok(())
}

#[test]
fn the_figures_are_the_same_without_ledgers() -> TestResult {
    let place = place_with(2_000)?;
    let walk = ["--walk-forward", "8h:4h", "--format", "json"];
    let out = place.arg("out");
    let with: Vec<&str> = ["--out", &out].into_iter().chain(walk).collect();
    let without: Vec<&str> = ["--no-ledgers"].into_iter().chain(walk).collect();
    let (mut with, without) = (sweep(&place, &with)?.json()?, sweep(&place, &without)?.json()?);
    for trial in with["ranked"].as_array_mut().unwrap() {
        assert!(trial["head"].is_object());
        trial["head"] = Value::Null;
    }
    assert_eq!(with, without);
    Ok(())
}

#[test]
fn what_is_finished_is_known_by_its_head_and_what_was_cut_off_is_run_anew() -> TestResult {
    let place = place_with(1_500)?;
    let out = place.arg("out");
    let more = ["--out", &out, "--format", "json", "--jobs", "1"];
    let first = sweep(&place, &more)?;
    let path = Path::new(&out).join("sweep.jsonl");
    let text = std::fs::read_to_string(&path)?;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 9);
    // Five are finished, the line of the sixth was cut off while it was written.
    let kept = format!("{}\n{}", lines[..6].join("\n"), &lines[6][..20]);
    std::fs::write(&path, kept)?;
    // The seventh was killed in its middle: a ledger without an end.
    let seventh: Value = serde_json::from_str(lines[7])?;
    let ledger = Path::new(&out).join(format!("trial-{}", seventh["trial"].as_str().unwrap()));
    let segment = ledger.join("segments/000000000000.seg");
    let bytes = std::fs::read(&segment)?;
    std::fs::write(&segment, &bytes[..bytes.len() / 2])?;
    let again = sweep(&place, &more)?;
    assert_eq!(again.out, first.out);
    assert!(again.err.contains("5 trials finished before"), "{}", again.err);
    assert_eq!(std::fs::read_to_string(&path)?, text, "the journal is whole again");
    let third = sweep(&place, &more)?;
    assert_eq!(third.out, first.out);
    assert!(third.err.contains("8 trials finished before"), "{}", third.err);
    Ok(())
}

#[test]
fn a_ledger_that_is_lost_is_made_again_and_one_that_was_changed_is_named() -> TestResult {
    let place = place_with(1_500)?;
    let out = place.arg("out");
    let more = ["--out", &out, "--format", "json"];
    let first = sweep(&place, &more)?;
    let trials = first.json()?["ranked"].clone();
    let ledger = |place: usize| {
        let id = trials[place]["trial"].as_str().unwrap();
        Path::new(&out).join(format!("trial-{id}"))
    };
    std::fs::remove_dir_all(ledger(0))?;
    let again = sweep(&place, &more)?;
    assert_eq!(again.out, first.out);
    assert!(ledger(0).join("segments").is_dir());
    // Another trial's ledger is whole, and not the one that was finished.
    std::fs::remove_dir_all(ledger(1))?;
    crate::support::copy_dir(&ledger(2), &ledger(1));
    let changed = sweep(&place, &more)?;
    assert_eq!(changed.code, Some(2));
    let name = ledger(1).display().to_string();
    assert!(changed.err.contains(&name) && changed.err.contains("root"), "{}", changed.err);
    Ok(())
}

#[test]
fn ctrl_c_stops_it_cleanly_and_the_same_command_goes_on() -> TestResult {
    let place = place_with(60_000)?;
    let data = format!("BTC/USDC={}", place.arg("data.csv"));
    let out = place.arg("out");
    let mut arguments = vec!["sweep", "--data", &data, "--out", &out, "--format", "csv"];
    arguments.extend(["--interval", "1m"]);
    arguments.extend(["--param", "fast=5..30:1", "--param", "slow=40,80", "--jobs", "2"]);
    let mut command = program(&arguments);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn()?;
    let begun = || journal(Path::new(&out)).is_ok_and(|lines| lines.len() > 3);
    while !begun() {
        assert_eq!(child.try_wait()?, None, "it ended before it could be stopped");
        std::thread::sleep(Duration::from_millis(10));
    }
    interrupt(&child)?;
    let stopped = child.wait_with_output()?;
    let said = String::from_utf8(stopped.stderr)?;
    assert_eq!(stopped.status.code(), Some(130), "{said}");
    assert!(said.contains("of 52 trials") && said.contains("goes on"), "{said}");
    assert!(stopped.stdout.is_empty(), "half an answer would be believed");
    let finished = journal(Path::new(&out))?.len() - 1;
    assert!((3..52).contains(&finished), "{finished}");
    let went_on = run(&arguments)?;
    assert_eq!(went_on.code, Some(0), "{}", went_on.err);
    assert!(went_on.err.contains(&format!("{finished} trials finished before")), "{}", went_on.err);
    let mut anew = arguments.clone();
    let other = place.arg("other");
    anew[4] = &other;
    assert_eq!(run(&anew)?.out, went_on.out, "as if it had never been stopped");
    Ok(())
}

#[test]
fn a_directory_of_something_else_is_refused() -> TestResult {
    let place = place_with(300)?;
    let out = place.arg("out");
    assert_eq!(sweep(&place, &["--out", &out])?.code, Some(0));
    // Another grid.
    let other = sweep(&place, &["--out", &out, "--fee", "0.002"])?;
    assert_eq!(other.code, Some(2));
    assert!(other.err.contains("other data or another grid"), "{}", other.err);
    // Other data.
    place.write("data.csv", &walk(4, 300))?;
    assert_eq!(sweep(&place, &["--out", &out])?.code, Some(2));
    // Somebody's files.
    std::fs::create_dir(place.path("full"))?;
    place.write("full/letter.txt", "dear")?;
    let full = place.arg("full");
    let refused = sweep(&place, &["--out", &full])?;
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("holds no sweep"), "{}", refused.err);
    assert_eq!(std::fs::read_dir(place.path("full"))?.count(), 1);
    Ok(())
}

#[test]
fn a_ledger_a_place_inside_it_and_a_file_are_no_place_for_a_sweep() -> TestResult {
    let place = place_with(300)?;
    let data = format!("BTC/USDC={}", place.arg("data.csv"));
    let ledger = place.arg("ledger");
    let made = run(&["backtest", "--data", &data, "--interval", "1m", "--ledger", &ledger])?;
    assert_eq!(made.code, Some(0), "{}", made.err);
    // A lock alone says nothing: other programs have one too.
    std::fs::create_dir(place.path("other"))?;
    place.write("other/lock", "")?;
    place.write("other/letter.txt", "dear")?;
    let cases = [
        ("ledger", "inside one"),
        ("ledger/sweep", "inside one"),
        ("other", "holds no sweep"),
        ("data.csv", "is no directory"),
    ];
    for (out, reason) in cases {
        let ran = sweep(&place, &["--out", &place.arg(out)])?;
        assert_eq!(ran.code, Some(2), "{out}");
        assert!(ran.err.contains(reason), "{out}: {}", ran.err);
    }
    assert!(!place.path("ledger/sweep").exists() && !place.path("other/sweep.jsonl").exists());
    // What a sweep leaves that was stopped before its first line.
    std::fs::create_dir(place.path("begun"))?;
    place.write("begun/lock", "")?;
    assert_eq!(sweep(&place, &["--out", &place.arg("begun")])?.code, Some(0));
    Ok(())
}

#[test]
fn trials_whose_journal_is_lost_are_not_removed() -> TestResult {
    let place = place_with(300)?;
    let out = place.arg("out");
    let told = sweep(&place, &["--out", &out, "--format", "json"])?.json()?;
    let id = told["ranked"][0]["trial"].as_str().unwrap();
    let identity = Path::new(&out).join(format!("trial-{id}/ledger.id"));
    let before = std::fs::read(&identity)?;
    let path = Path::new(&out).join("sweep.jsonl");
    // Emptied, and then gone altogether.
    std::fs::write(&path, "")?;
    for _ in 0..2 {
        let ran = sweep(&place, &["--out", &out])?;
        assert_eq!(ran.code, Some(2));
        assert!(ran.err.contains("no sweep.jsonl that says"), "{}", ran.err);
        assert_eq!(std::fs::read(&identity)?, before);
        if path.exists() {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[test]
fn a_trial_whose_ledger_was_signed_is_known_again() -> TestResult {
    let place = place_with(900)?;
    let out = place.arg("out");
    let more = ["--out", &out, "--format", "json"];
    let first = sweep(&place, &more)?;
    let told = first.json()?;
    let id = told["ranked"][0]["trial"].as_str().unwrap();
    let ledger = Path::new(&out).join(format!("trial-{id}")).display().to_string();
    let key = place.arg("bot.key");
    assert_eq!(run(&["keygen", "--name", "example.com/bot", "-o", &key])?.code, Some(0));
    let signed = run(&["checkpoint", &ledger, "--key", &key])?;
    assert_eq!(signed.code, Some(0), "{}", signed.err);
    let again = sweep(&place, &more)?;
    assert_eq!(again.code, Some(0), "{}", again.err);
    assert_eq!(again.out, first.out);
    assert!(again.err.contains("8 trials finished before"), "{}", again.err);
    Ok(())
}

#[test]
fn nothing_but_an_unfinished_ledger_is_ever_removed() -> TestResult {
    let place = place_with(300)?;
    let out = place.arg("out");
    let told = sweep(&place, &["--out", &out, "--format", "json"])?.json()?;
    let id = told["ranked"][0]["trial"].as_str().unwrap();
    let ledger = Path::new(&out).join(format!("trial-{id}"));
    let first = journal(Path::new(&out))?.remove(0);
    std::fs::write(Path::new(&out).join("sweep.jsonl"), format!("{first}\n"))?;
    std::fs::write(ledger.join("letter.txt"), "dear")?;
    let ran = sweep(&place, &["--out", &out])?;
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("in the way"), "{}", ran.err);
    assert_eq!(std::fs::read_to_string(ledger.join("letter.txt"))?, "dear");
    Ok(())
}

#[test]
fn a_grid_from_a_file_is_the_same_sweep() -> TestResult {
    let place = place_with(600)?;
    let text = "strategy = [\"sma-cross\"]\n[param]\nfast = \"5,10\"\n\
                \"sma-cross.slow\" = \"20..60:20\"\n";
    let grid = place.write("grid.toml", text)?;
    let data = format!("BTC/USDC={}", place.arg("data.csv"));
    let base = ["sweep", "--data", &data, "--interval", "1m", "--no-ledgers", "--format", "csv"];
    let from_file: Vec<&str> = base.into_iter().chain(["--grid", &grid]).collect();
    let flags = ["--strategy", "sma-cross", "--param", "fast=5,10", "--param", "slow=20,40,60"];
    let from_flags: Vec<&str> = base.into_iter().chain(flags).collect();
    let (one, two) = (run(&from_file)?, run(&from_flags)?);
    assert_eq!(one.code, Some(0), "{}", one.err);
    assert_eq!(one.out.lines().count(), 7);
    assert_eq!(one.out, two.out);
    let refused =
        ["fast=5,5", "fast=9..5:1", "fast=1..5:0", "quick=1,2", "schwabot.spike=3", "fast"];
    for axis in refused {
        let arguments: Vec<&str> = base.into_iter().chain(["--param", axis]).collect();
        let ran = run(&arguments)?;
        assert_eq!(ran.code, Some(2), "{axis}: {}", ran.err);
    }
    Ok(())
}

#[test]
fn several_strategies_stand_side_by_side() -> TestResult {
    let place = place_with(900)?;
    let data = format!("BTC/USDC={}", place.arg("data.csv"));
    let mut arguments =
        vec!["sweep", "--data", &data, "--interval", "1m", "--no-ledgers", "--format", "json"];
    arguments.extend(["--strategy", "sma-cross", "--strategy", "schwabot"]);
    arguments.extend(["--param", "sma-cross.fast=5,10", "--param", "schwabot.spike=2,3,4"]);
    let told = run(&arguments)?.json()?;
    let labels: Vec<&str> = told["ranked"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|trial| trial["strategy"].as_str())
        .collect();
    let of = |name| labels.iter().filter(|label| **label == name).count();
    assert_eq!((of("sma-cross"), of("schwabot")), (2, 3));
    Ok(())
}

#[test]
fn a_page_needs_no_network_and_replaces_nothing_unasked() -> TestResult {
    let place = place_with(1_500)?;
    let page = place.write("page.html", "mine")?;
    let more = ["--no-ledgers", "--walk-forward", "10h:5h", "--page", &page];
    let refused = sweep(&place, &more)?;
    assert_eq!((refused.code, std::fs::read_to_string(&page)?), (Some(2), "mine".to_owned()));
    let forced: Vec<&str> = more.into_iter().chain(["--force"]).collect();
    assert_eq!(sweep(&place, &forced)?.code, Some(0));
    let text = std::fs::read_to_string(&page)?;
    assert!(!text.contains("://") && !text.contains("<script"));
    for part in ["Walk-forward", "buy and hold", "deflated", "<svg", "8 trials", "</html>"] {
        assert!(text.contains(part), "{part}");
    }
    Ok(())
}

#[test]
fn what_can_be_known_before_is_told_before_any_trial_runs() -> TestResult {
    let place = place_with(600)?;
    let (out, page) = (place.arg("out"), place.arg("missing/page.html"));
    let cases: [(&[&str], &str); 2] =
        [(&["--walk-forward", "5h:10h:1h"], "count twice"), (&["--page", &page], "no directory")];
    for (more, reason) in cases {
        let more: Vec<&str> = ["--out", &out].into_iter().chain(more.iter().copied()).collect();
        let ran = sweep(&place, &more)?;
        assert_eq!(ran.code, Some(2), "{reason}");
        assert!(ran.err.contains(reason), "{}", ran.err);
        assert!(!Path::new(&out).exists(), "{reason}: trials ran before it was told");
    }
    let bare = run(&["sweep"])?;
    assert_eq!(bare.code, Some(2));
    for flag in ["--data", "--out", "--no-ledgers"] {
        assert!(bare.err.contains(flag), "{flag}: {}", bare.err);
    }
    Ok(())
}
