//! What is made from the arguments: the reference, completions and manual pages.

use crate::support::TestResult;
use crate::support::cli::{Place, run};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/docs/CLI.md");

/// Set to write the page anew instead of comparing it.
const WRITE: &str = "SCHWABOT_WRITE_REFERENCE";

#[test]
fn the_reference_is_what_the_program_says_of_itself() -> TestResult {
    let made = schwabot::cli::reference();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(PAGE, &made)?;
    }
    let kept = std::fs::read_to_string(PAGE)?;
    let parts = made.lines().zip(kept.lines()).find(|(made, kept)| made != kept);
    assert!(made == kept, "CLI.md is old, first at {parts:?}: {WRITE}=1 cargo test --test craft");
    for (number, line) in (1..).zip(made.lines()) {
        assert!(line.chars().count() <= 100, "line {number} is too wide: {line}");
    }
    Ok(())
}

#[test]
fn every_command_is_in_the_reference_with_its_usage() -> TestResult {
    let help = run(&["--help"])?.out;
    let listed = help.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = listed.lines().filter_map(|line| line.strip_prefix("  "));
    let names: Vec<&str> = names.filter_map(|line| line.split(' ').next()).collect();
    assert!(names.len() > 20, "{names:?}");
    let page = schwabot::cli::reference();
    for name in names.iter().filter(|name| !name.is_empty() && **name != "help") {
        assert!(page.contains(&format!("Usage: schwabot {name} ")), "{name}");
    }
    Ok(())
}

#[test]
fn completions_know_every_command_and_the_shells_accept_them() -> TestResult {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(&["completions", shell])?;
        assert_eq!(ran.code, Some(0), "{shell}: {}", ran.err);
        assert!(ran.out.contains("salvage") && ran.out.contains("self-test"), "{shell}");
    }
    let place = Place::new()?;
    let script = place.write("c.bash", &run(&["completions", "bash"])?.out)?;
    let asked = format!(
        ". {script}; COMP_WORDS=(schwabot ver); COMP_CWORD=1; \
         _schwabot schwabot ver schwabot; echo ${{COMPREPLY[*]}}"
    );
    let done = std::process::Command::new("bash").args(["--norc", "-c", &asked]).output()?;
    assert_eq!(String::from_utf8(done.stdout)?.trim(), "verify");
    assert_eq!(run(&["completions", "tcsh"])?.code, Some(2));
    Ok(())
}

#[test]
fn there_is_a_manual_page_for_every_command() -> TestResult {
    let place = Place::new()?;
    let ran = run(&["man", &place.arg("pages"), "--format", "json"])?.json()?;
    let pages: Vec<String> = std::fs::read_dir(place.path("pages"))?
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(ran["pages"], pages.len());
    for name in ["schwabot.1", "schwabot-verify.1", "schwabot-config-show.1"] {
        assert!(pages.iter().any(|page| page == name), "{name} is not among {pages:?}");
    }
    let verify = std::fs::read_to_string(place.path("pages").join("schwabot-verify.1"))?;
    assert!(verify.contains(".TH") && verify.contains("self\\-test"), "{verify}");
    Ok(())
}
