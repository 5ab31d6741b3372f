//! What a terminal shows and a pipe does not: progress, colours, frames; and how loud the program is.

use std::process::Command;

use crate::support::TestResult;
use crate::support::cli::{Place, Ran, finish, program, run};

/// Runs the program on a terminal of its own, both outputs together; none where there is no
/// `script` to make one.
fn on_a_terminal(args: &[&str]) -> TestResult<Option<String>> {
    let quoted: Vec<String> = args.iter().map(|word| format!("'{word}'")).collect();
    let line = format!("{} {}", env!("CARGO_BIN_EXE_schwabot"), quoted.join(" "));
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env_remove("NO_COLOR");
    match command.stdin(std::process::Stdio::null()).output() {
        Ok(done) => Ok(Some(String::from_utf8_lossy(&done.stdout).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A ledger long enough for progress to be drawn.
fn long_ledger(place: &Place) -> TestResult<String> {
    let ledger = place.arg("l");
    assert_eq!(run(&["demo", "--cycles", "9000", "--ledger", &ledger])?.code, Some(0));
    Ok(ledger)
}

#[test]
fn progress_with_a_rate_and_the_time_left_is_drawn_on_a_terminal_and_nowhere_else() -> TestResult {
    let place = Place::new()?;
    let ledger = long_ledger(&place)?;
    let commands: &[(&str, &[&str])] = &[
        ("verifying", &["verify", &ledger]),
        ("folding", &["state", &ledger]),
        ("copying", &["backup", &ledger, &place.arg("kept")]),
        ("exporting", &["export", &ledger, "--to", "memory-stack", &place.arg("stack")]),
        ("salvaging", &["salvage", &ledger, &place.arg("saved")]),
        ("restoring", &["recover", &place.arg("back"), "--from", &place.arg("kept")]),
    ];
    for (word, command) in commands {
        let Some(shown) = on_a_terminal(command)? else { return Ok(()) };
        assert!(shown.contains(word) && shown.contains("left"), "{word}: {shown:?}");
        assert!(shown.contains("MiB/s") || shown.contains("B/s"), "{word}: {shown:?}");
    }
    for calm in ["--no-progress", "--quiet"] {
        let Some(shown) = on_a_terminal(&["verify", &ledger, calm])? else { return Ok(()) };
        assert!(!shown.contains("left") && shown.contains("intact"), "{calm}: {shown:?}");
    }
    let piped = run(&["verify", &ledger])?;
    assert_eq!((piped.code, piped.err.as_str()), (Some(0), ""));
    Ok(())
}

#[test]
fn colours_and_frames_are_for_terminals_unless_they_are_asked_for() -> TestResult {
    let place = Place::new()?;
    let ledger = place.arg("l");
    assert_eq!(run(&["demo", "--cycles", "600", "--ledger", &ledger])?.code, Some(0));
    let inspect = ["inspect", &ledger];
    let verify = |more: &[&str]| run(&[&["verify", &ledger], more].concat());
    assert!(!verify(&[])?.out.contains('\u{1b}'));
    assert!(verify(&["--color", "always"])?.out.contains("\u{1b}["));
    let forced = finish(program(&["verify", &ledger, "--color", "always"]).env("NO_COLOR", "1"))?;
    assert!(forced.out.contains("\u{1b}["), "who asks for colours gets them");
    assert!(!run(&inspect)?.out.contains('│'));
    let Some(shown) = on_a_terminal(&inspect)? else { return Ok(()) };
    assert!(shown.contains('│'), "{shown}");
    let Some(shown) = on_a_terminal(&["verify", &ledger, "--no-progress"])? else { return Ok(()) };
    assert!(shown.contains("\u{1b}["), "{shown:?}");
    let never = on_a_terminal(&["verify", &ledger, "--no-progress", "--color", "never"])?;
    assert!(!never.unwrap_or_default().contains('\u{1b}'));
    Ok(())
}

#[test]
fn quiet_keeps_to_errors_and_verbose_says_what_is_being_done_and_when() -> TestResult {
    let place = Place::new()?;
    let file = place.write("BTC_USDT-PERP.csv", &crate::support::cli::walk(1, 100))?;
    let data = format!("BTC/USDT={file}");
    let backtest = |more: &[&str]| -> TestResult<Ran> {
        let usual = ["backtest", "--data", &data, "--interval", "1m", "--format", "json"];
        finish(program(&[&usual, more].concat()).env("TMPDIR", place.path("")))
    };
    assert!(backtest(&[])?.err.contains("priced as spot"));
    assert_eq!(backtest(&["--quiet"])?.err, "");
    let failed = run(&["verify", "nowhere", "--quiet"])?;
    assert!(failed.err.starts_with("error: "), "{}", failed.err);
    let told = backtest(&["--verbose"])?;
    assert!(told.err.lines().any(|line| line.starts_with("[   0.") && line.ends_with("running")));
    assert!(told.err.lines().last().unwrap().ends_with("s] done"), "{}", told.err);
    assert_eq!(told.json()?["type"], "backtest", "the answer is the same");
    assert_eq!(run(&["verify", "x", "--quiet", "--verbose"])?.code, Some(2));
    Ok(())
}
