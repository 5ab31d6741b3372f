//! `backtest` and `demo` as a user meets them: exit codes, stdout, stderr.

use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

use crate::support::TestResult;
use crate::support::cli::{Place, finish, interrupt, program, run, walk};

#[test]
fn a_backtest_answers_with_one_json_object_and_money_as_decimal_text() -> TestResult {
    let place = Place::new()?;
    let file = place.write("AAA_USDT-1m.csv", &walk(1, 600))?;
    let ran = run(&["backtest", "--data", &file, "--ledger", &place.arg("l"), "--format", "json"])?;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let json = ran.json()?;
    assert_eq!(json["bars"], 600);
    assert_eq!(json["records"], json["head"]["size"]);
    assert!(json["trades"].as_u64().unwrap() > 3, "{}", ran.out);
    assert_eq!(json["account_currency"], "USDT");
    assert_eq!(json["head"]["root"].as_str().unwrap().len(), 64);
    assert_eq!(json["chain_head"].as_str().unwrap().len(), 64);
    assert!(json["elapsed_seconds"].as_f64().unwrap() > 0.0);
    for field in ["net_profit", "unrealised", "equity"] {
        let text = json[field].as_str().unwrap();
        assert!(text.bytes().all(|b| b.is_ascii_digit() || b"-.".contains(&b)), "{field}: {text}");
    }
    Ok(())
}

#[test]
fn a_backtest_without_a_ledger_tells_the_same_figures_and_writes_nothing() -> TestResult {
    let place = Place::new()?;
    let file = place.write("AAA_USDT-1m.csv", &walk(1, 600))?;
    std::fs::create_dir(place.path("tmp"))?;
    let bare = |format: &str| {
        let args = ["backtest", "--data", &file, "--no-ledger", "--format", format];
        finish(program(&args).env("TMPDIR", place.path("tmp")))
    };
    let json = bare("json")?.json()?;
    let ledger = place.arg("l");
    let recorded = run(&["backtest", "--data", &file, "--ledger", &ledger, "--format", "json"])?;
    let recorded = recorded.json()?;
    for field in ["run", "bars", "trades", "counters", "accounts", "data", "account_currency"] {
        assert_eq!(json[field], recorded[field], "{field}");
    }
    for answer in [&json, &recorded] {
        let (run, all) = (&answer["run_seconds"], &answer["elapsed_seconds"]);
        assert!((0.0..all.as_f64().unwrap()).contains(&run.as_f64().unwrap()), "{run} of {all}");
    }
    assert!(json["ledger"].is_null() && json.get("head").is_none());
    let text = bare("text")?;
    assert_eq!((text.code, text.err.as_str()), (Some(0), ""));
    assert!(text.out.contains("nothing was recorded"), "{}", text.out);
    assert_eq!(std::fs::read_dir(place.path("tmp"))?.count(), 0);
    let both = run(&["backtest", "--data", &file, "--no-ledger", "--ledger", &place.arg("m")])?;
    assert_eq!(both.code, Some(2), "{}", both.err);
    Ok(())
}

#[test]
fn equity_is_opening_cash_plus_profit_plus_what_is_unrealised() -> TestResult {
    use schwabot::units::MoneyExact;
    let place = Place::new()?;
    let file = place.write("AAA_USDT-1m.csv", &walk(3, 900))?;
    let ledger = place.arg("l");
    let args = [
        "backtest",
        "--data",
        &file,
        "--ledger",
        &ledger,
        "--format",
        "json",
        "--cash",
        "USDT=777.5",
    ];
    let json = run(&args)?.json()?;
    let money = |field: &str| json[field].as_str().unwrap().parse::<MoneyExact>();
    let settled = "777.5".parse::<MoneyExact>()?.plus(money("net_profit")?)?;
    assert_eq!(settled.plus(money("unrealised")?)?, money("equity")?);
    Ok(())
}

#[test]
fn a_ledger_with_events_is_refused_untouched_without_append_and_continued_with_it() -> TestResult {
    let place = Place::new()?;
    let file = place.write("AAA_USDT-1m.csv", &walk(1, 300))?;
    let ledger = place.arg("l");
    let args = ["backtest", "--data", &file, "--ledger", &ledger, "--format", "json"];
    let first = run(&args)?.json()?;
    let inspect = ["inspect", &ledger, "--format", "json"];
    let before = run(&inspect)?.out;
    let refused = run(&args)?;
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
    assert!(refused.err.contains("already holds") && refused.err.contains("--append"));
    assert_eq!(run(&inspect)?.out, before, "a refusal changed the ledger");
    let again = run(&[&args[..], &["--append"]].concat())?.json()?;
    assert_eq!(again["records"], first["records"]);
    let sizes = (first["head"]["size"].as_u64(), again["head"]["size"].as_u64());
    assert_eq!(sizes.1, sizes.0.map(|size| size * 2));
    assert_ne!(again["run"], first["run"], "two runs of one ledger share their id");
    let state = run(&["state", &ledger, "--format", "json"])?.json()?;
    assert_eq!(state["summary"]["runs"], 2);
    assert_eq!(state["summary"]["trades"], first["trades"].as_u64().unwrap() * 2);
    assert_eq!(state["summary"]["counters"]["trades"], first["trades"]);
    Ok(())
}

#[test]
fn a_malformed_row_ends_the_run_with_file_row_and_field_and_keeps_what_was_recorded() -> TestResult
{
    let place = Place::new()?;
    let mut text = walk(1, 100);
    text += "1620006000,1,2,x,1,1\n";
    let file = place.write("AAA_USDT-1m.csv", &text)?;
    let ledger = place.arg("l");
    for threads in ["1", "4"] {
        let ledger = format!("{ledger}{threads}");
        let args = ["backtest", "--data", &file, "--ledger", &ledger, "--threads", threads];
        let ran = run(&args)?;
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
        for word in ["AAA_USDT-1m.csv", "row 102", "low", "records up to here"] {
            assert!(ran.err.contains(word), "no `{word}` in {}", ran.err);
        }
        let state = run(&["state", &ledger, "--format", "json"])?.json()?;
        assert_eq!(state["summary"]["ended"], false);
        assert_eq!(state["summary"]["counters"]["bars"], 100);
        let skipped = format!("{ledger}-skip");
        let args = ["backtest", "--data", &file, "--ledger", &skipped, "--skip-malformed"];
        assert_eq!(run(&args)?.code, Some(0));
        let data = run(&["state", &skipped, "data", "--format", "json"])?.json()?;
        assert_eq!(data["data"][0]["malformed"], 1);
    }
    Ok(())
}

#[test]
fn what_cannot_work_is_refused_with_2_and_says_why_before_anything_is_made() -> TestResult {
    let place = Place::new()?;
    let file = place.write("AAA_USDT-1m.csv", &walk(1, 100))?;
    let btc = place.write("AAA_BTC-1m.csv", &walk(2, 100))?;
    let ledger = place.arg("l");
    let nothing = place.arg("nothing_BTC_USDT-1m.csv");
    let cases: [(&[&str], &str); 9] = [
        (&["--data", &nothing], "No such file"),
        (&["--data", &file, "--strategy", "oracle"], "sma-cross"),
        (&["--data", &file, "--param", "fast=0"], "fast"),
        (&["--data", &file, "--fee", "1.5"], "fee"),
        (&["--data", &file, "--fill", "yesterday"], "next-open"),
        (&["--data", &file, "--cash", "USDT"], "CUR=AMOUNT"),
        (&["--data", &file, &btc], "--cash BTC=1 --cash USDT=10000"),
        (&["--data", &file, "--segment-bytes", "5"], "segment-bytes"),
        (&[], "--data"),
    ];
    for (extra, word) in cases {
        let ran = run(&[&["backtest", "--ledger", &ledger], extra].concat())?;
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{extra:?}");
        assert!(ran.err.contains(word), "no `{word}` in {}", ran.err);
        assert!(!place.path("l").exists(), "{extra:?} made a ledger");
    }
    Ok(())
}

#[test]
fn a_ledger_that_cannot_be_made_is_refused_with_2() -> TestResult {
    let place = Place::new()?;
    let file = place.write("AAA_USDT-1m.csv", &walk(1, 100))?;
    // A file stands where a directory is needed: refused whoever runs the test, root too.
    let blocked = place.write("file", "")? + "/ledger";
    let ran = run(&["backtest", "--data", &file, "--ledger", &blocked])?;
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("file"), "{}", ran.err);
    std::fs::create_dir(place.path("other"))?;
    place.write("other/holiday.txt", "")?;
    let ran = run(&["backtest", "--data", &file, "--ledger", &place.arg("other")])?;
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("not empty"), "{}", ran.err);
    Ok(())
}

#[test]
fn a_file_of_settings_says_the_same_as_flags_and_flags_win() -> TestResult {
    let place = Place::new()?;
    place.write("prices.csv", &walk(1, 400))?;
    let toml = place.write(
        "run.toml",
        "data = [\"AAA/USDT=prices.csv\"]\nfee = 0.002\ninterval = \"1m\"\nfill = 'this-close'\n\
         [param]\nfast = 5\n[cash]\nUSDT = 5_000\n",
    )?;
    let root = |args: &[&str]| -> TestResult<String> {
        let ran = run(&[&["backtest", "--format", "json"], args].concat())?;
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        Ok(ran.json()?["head"]["root"].to_string())
    };
    let data = format!("AAA/USDT={}", place.arg("prices.csv"));
    let mut flags = vec!["--data", &data, "--fee", "0.002", "--interval", "1m"];
    flags.extend(["--fill", "this-close", "--param", "fast=5", "--cash", "USDT=5000"]);
    let (one, two) = (place.arg("1"), place.arg("2"));
    let from_file = root(&["--config", &toml, "--ledger", &one])?;
    assert_eq!(from_file, root(&[&flags[..], &["--ledger", &two]].concat())?);
    let (three, four) = (place.arg("3"), place.arg("4"));
    let mixed = root(&["--config", &toml, "--fee", "0.003", "--ledger", &three])?;
    flags[3] = "0.003";
    assert_eq!(mixed, root(&[&flags[..], &["--ledger", &four]].concat())?);
    assert_ne!(mixed, from_file);
    Ok(())
}

#[test]
fn a_wrong_setting_is_named_with_file_line_and_field() -> TestResult {
    let place = Place::new()?;
    let cases = [
        ("strategy = \"x\"\nfees = 1\n", ["line 2", "fees"]),
        ("\n\nfee = \"much\"\n", ["line 3", "fee"]),
        ("[cash]\nUSDT = true\n", ["line 2", "cash.USDT"]),
        ("fill = \"soon\"\n", ["line 1", "next-open"]),
        ("fee = = 1\n", ["line 1", "fee"]),
    ];
    for (text, words) in cases {
        let toml = place.write("run.toml", text)?;
        let ran = run(&["backtest", "--config", &toml])?;
        assert_eq!(ran.code, Some(2), "{text}");
        for word in words.iter().chain(&["run.toml"]) {
            assert!(ran.err.contains(word), "no `{word}` in {}", ran.err);
        }
    }
    Ok(())
}

#[test]
fn perpetual_contracts_say_that_there_is_no_funding() -> TestResult {
    let place = Place::new()?;
    let file = place.write("AAA-PERP-1m.csv", &walk(1, 100))?;
    let data = format!("AAA/USD={file}");
    let args = ["backtest", "--data", &data, "--ledger", &place.arg("l"), "--format", "json"];
    let ran = run(&args)?;
    assert!(ran.json()?["notes"][0].as_str().unwrap().contains("no funding"));
    assert!(ran.err.contains("no funding"));
    Ok(())
}

#[test]
fn the_demo_tells_its_story_verifies_itself_and_works_twice() -> TestResult {
    for _ in 0..2 {
        let place = Place::new()?;
        let mut command = program(&["demo"]);
        let ran = finish(command.env("TMPDIR", place.path("")))?;
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        for word in ["Made up", "Planted", "control", "best trade", "Verified: intact", "Head:"] {
            assert!(ran.out.contains(word), "no `{word}` in {}", ran.out);
        }
        assert!(ran.out.lines().count() < 32, "a short story");
        let next = ran.out.lines().last().unwrap_or_default();
        let ledger = next.trim().strip_prefix("schwabot verify ").unwrap();
        assert_eq!(run(&["verify", ledger])?.code, Some(0), "{ledger}");
    }
    Ok(())
}

#[test]
fn a_closed_pipe_is_no_error() -> TestResult {
    let place = Place::new()?;
    let file = place.write("AAA_USDT-1m.csv", &walk(1, 3_000))?;
    let ledger = place.arg("l");
    assert_eq!(run(&["backtest", "--data", &file, "--ledger", &ledger])?.code, Some(0));
    let mut command = program(&["replay", &ledger, "--format", "jsonl"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut first = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut first)?;
    let out = child.wait_with_output()?;
    assert_eq!((out.status.code(), out.stderr), (Some(0), Vec::new()));
    Ok(())
}

#[test]
fn ctrl_c_ends_a_run_between_steps_with_a_closed_ledger_and_says_where() -> TestResult {
    let place = Place::new()?;
    let file = place.write("AAA_USDT-1m.csv", &walk(1, 400_000))?;
    let ledger = place.arg("l");
    let mut command = program(&["backtest", "--data", &file, "--ledger", &ledger]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // The ledger is made after the program began to listen.
    while !place.path("l/segments").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    interrupt(&child)?;
    let out = child.wait_with_output()?;
    let text = String::from_utf8(out.stdout)?;
    assert_eq!(out.status.code(), Some(130), "{text}");
    assert!(text.contains("stopped by Ctrl-C at 2021-"), "{text}");
    let verified = run(&["verify", &ledger, "--format", "json"])?;
    assert_eq!((verified.code, &verified.json()?["end"]), (Some(0), &"closed".into()));
    let state = run(&["state", &ledger, "--format", "json"])?.json()?;
    assert_eq!(state["summary"]["ended"], false);
    Ok(())
}
