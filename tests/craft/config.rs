//! Configuration: default < file < environment < flag, and what is said of settings that will not do.

use serde_json::Value;

use crate::support::TestResult;
use crate::support::cli::{Place, Ran, finish, program, run, walk};

/// The program in a place of its own, as a user without any settings.
fn at(place: &Place, args: &[&str], variables: &[(&str, &str)]) -> TestResult<Ran> {
    let mut command = program(args);
    command.current_dir(place.path("")).env("HOME", place.path("home"));
    command.env_remove("XDG_CONFIG_HOME").env_remove("SCHWABOT_CONFIG");
    finish(command.envs(variables.iter().copied()))
}

fn setting(place: &Place, key: &str, variables: &[(&str, &str)]) -> TestResult<(Value, Value)> {
    let ran = at(place, &["config", "show", "--format", "json"], variables)?.json()?;
    let all = ran["settings"].as_array().unwrap();
    let own = all.iter().find(|setting| setting["key"] == key).ok_or("no such setting")?;
    Ok((own["value"].clone(), own["origin"].clone()))
}

#[test]
fn a_flag_stands_above_the_environment_above_the_file_above_the_default() -> TestResult {
    let place = Place::new()?;
    let fee = |variables: &[(&str, &str)]| setting(&place, "backtest.fee", variables);
    assert_eq!(fee(&[])?, ("0.001".into(), "default".into()));
    let own = [("XDG_CONFIG_HOME", place.arg("x"))];
    let own: Vec<(&str, &str)> = own.iter().map(|(name, path)| (*name, path.as_str())).collect();
    std::fs::create_dir_all(place.path("x/schwabot"))?;
    place.write("x/schwabot/config.toml", "[backtest]\nfee = 0.004\n")?;
    assert_eq!(fee(&own)?.0, "0.004");
    place.write("schwabot.toml", "# mine\n[backtest]\nfee = 0.003\n")?;
    assert_eq!(fee(&own)?, ("0.003".into(), "schwabot.toml: line 3".into()));
    let other = place.write("other.toml", "backtest.fee = 0.002")?;
    let named = [("SCHWABOT_CONFIG", other.as_str())];
    assert_eq!(fee(&named)?.0, "0.002");
    assert_eq!(fee(&[("SCHWABOT_CONFIG", "")])?.0, "0.001", "an empty name is no file");
    let variable = [("SCHWABOT_BACKTEST_FEE", "0.0005")];
    assert_eq!(fee(&variable)?, ("0.0005".into(), "environment SCHWABOT_BACKTEST_FEE".into()));
    // And each is what a run is made with.
    let data = place.write("AAA_USDT-1m.csv", &walk(1, 200))?;
    let run_fee = |args: &[&str], variables: &[(&str, &str)]| -> TestResult<String> {
        let ledger = place.arg("l");
        drop(std::fs::remove_dir_all(&ledger));
        let usual = ["backtest", "--data", &data, "--ledger", &ledger];
        let ran = at(&place, &[&usual, args].concat(), variables)?;
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        let config = run(&["state", &ledger, "config", "--format", "json"])?.json()?;
        Ok(config["config"]["config"]["venue"]["fee_rate"].as_str().unwrap().to_owned())
    };
    assert_eq!(run_fee(&[], &[])?, "0.003");
    assert_eq!(run_fee(&["--config-file", &other], &own)?, "0.002");
    assert_eq!(run_fee(&[], &variable)?, "0.0005");
    assert_eq!(run_fee(&["--fee", "0.009"], &variable)?, "0.009");
    let run_file = place.write("run.toml", "fee = 0.007")?;
    assert_eq!(run_fee(&["--config", &run_file], &[])?, "0.007", "a run file speaks instead");
    let bare = place.write("bare.toml", "half-spread = 0")?;
    assert_eq!(run_fee(&["--config", &bare], &[])?, "0.001", "whatever it says");
    Ok(())
}

#[test]
fn a_path_of_the_file_is_relative_to_the_file_and_stands_for_the_argument() -> TestResult {
    let place = Place::new()?;
    std::fs::create_dir_all(place.path("deep/inside"))?;
    assert_eq!(run(&["demo", "--cycles", "300", "--ledger", &place.arg("deep/l")])?.code, Some(0));
    let file = place.write("deep/settings.toml", "ledger = \"l\"\nformat = \"json\"")?;
    let ran = at(&place, &["verify", "--config-file", &file], &[])?;
    assert_eq!(ran.json()?["verdict"], "intact", "{}", ran.err);
    let text = at(&place, &["verify", "--config-file", &file, "--format", "text"], &[])?;
    assert!(text.out.starts_with("intact\n"), "{}", text.out);
    let given = at(&place, &["verify", "nowhere", "--config-file", &file], &[])?;
    assert!(given.err.contains("nowhere"), "an argument that is given is the one: {}", given.err);
    assert_eq!(at(&place, &["verify"], &[])?.code, Some(2), "without a setting it must be named");
    Ok(())
}

#[test]
fn what_will_not_do_is_refused_with_its_line_and_what_was_meant() -> TestResult {
    let cases = [
        (
            "format = \"text\"\ntreads = 2",
            "line 2: there is no setting `treads`; did you mean `threads`?",
        ),
        (
            "[backtest]\n\nfeee = 1",
            "line 3: there is no setting `backtest.feee`; did you mean `backtest.fee`?",
        ),
        ("zzz = 1", "line 1: there is no setting `zzz`; `schwabot config show` lists all"),
        (
            "format = \"xml\"",
            "line 1: format: `xml` is none of [possible values: text, json, jsonl, csv]",
        ),
        ("threads = 0", "line 1: threads: `0`: 0 is not in 1..=1024"),
        ("\nthreads = [1]", "line 2: `threads` takes one value"),
        ("quiet = 1", "line 1: quiet: `1` is neither true nor false"),
        ("[backtest]\nfee = \"much\"", "line 2: backtest.fee: `much`: "),
        ("[backtest", "line 1: "),
    ];
    let place = Place::new()?;
    for (text, wanted) in cases {
        let file = place.write("s.toml", text)?;
        let ran = at(&place, &["inspect", "l", "--config-file", &file], &[])?;
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{text}");
        assert!(ran.err.contains(wanted), "{text}\n{}", ran.err);
        // What mends it, and help, work all the same.
        for mends in [&["config", "path"][..], &["--help"], &["verify", "--help"], &["--version"]] {
            let ran = at(&place, &[mends, &["--config-file", &file]].concat(), &[])?;
            assert_eq!(ran.code, Some(0), "{mends:?}: {}", ran.err);
        }
    }
    let ran = at(&place, &["inspect", "l"], &[("SCHWABOT_THREADS", "many")])?;
    assert!(ran.err.contains("environment SCHWABOT_THREADS: threads: `many`: "), "{}", ran.err);
    let ran = at(&place, &["inspect", "l", "--config-file", "nowhere.toml"], &[])?;
    assert!(ran.code == Some(2) && ran.err.contains("nowhere.toml: cannot read"), "{}", ran.err);
    Ok(())
}

#[test]
fn whom_to_believe_is_not_taken_from_a_file_that_merely_lies_there() -> TestResult {
    let place = Place::new()?;
    // Whoever hands over a ledger can put such a file beside it.
    let file = place.write("schwabot.toml", "policy = \"theirs\"")?;
    let ran = at(&place, &["verify", "l"], &[])?;
    assert!(ran.code == Some(2) && ran.err.contains("whom to believe"), "{}", ran.err);
    let named = at(&place, &["config", "show", "--config-file", &file], &[])?;
    assert!(named.out.contains("theirs"), "{}{}", named.out, named.err);
    let variable = [("SCHWABOT_POLICY", "mine"), ("SCHWABOT_CONFIG", "")];
    assert_eq!(setting(&place, "policy", &variable)?.0, "mine");
    Ok(())
}

#[test]
fn the_file_that_init_writes_explains_every_setting_and_sets_none() -> TestResult {
    let place = Place::new()?;
    assert_eq!(at(&place, &["config", "init"], &[])?.code, Some(0));
    let text = std::fs::read_to_string(place.path("schwabot.toml"))?;
    let show = || at(&place, &["config", "show", "--format", "json"], &[])?.json();
    let all = show()?;
    let settings = all["settings"].as_array().unwrap();
    assert!(settings.len() > 15 && settings.iter().all(|setting| setting["origin"] == "default"));
    let again = at(&place, &["config", "init"], &[])?;
    assert_eq!(again.code, Some(2), "nothing is written over");
    assert_eq!(std::fs::read_to_string(place.path("schwabot.toml"))?, text);
    // Each line is a setting as soon as its mark is taken away.
    let set = text.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
        _ => format!("{line}\n"),
    });
    let text: String = set.collect();
    place.write("schwabot.toml", &text.replace("verbose = true", "verbose = false"))?;
    let named = [("SCHWABOT_CONFIG", "schwabot.toml")];
    let all = at(&place, &["config", "show", "--format", "json"], &named)?.json()?;
    let made = all["settings"].as_array().unwrap();
    let from_file = |setting: &&Value| setting["origin"].as_str().unwrap().contains(": line ");
    assert_eq!(made.iter().filter(from_file).count(), made.len(), "{all:#}");
    Ok(())
}
