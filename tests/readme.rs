//! The session in README.md really runs, and prints what it says.

use std::process::{Command, Stdio};

use crate::support::TestResult;
use crate::support::cli::Place;

const README: &str = include_str!("../README.md");

/// A command line of the session and the lines it is said to print.
struct Step<'a> {
    command: &'a str,
    printed: Vec<&'a str>,
}

fn session() -> Vec<Step<'static>> {
    let block = README.split("```console\n").nth(1).and_then(|rest| rest.split("```").next());
    let mut steps: Vec<Step<'_>> = Vec::new();
    for line in block.unwrap_or_default().lines() {
        match line.strip_prefix("$ ") {
            Some(command) => steps.push(Step { command, printed: Vec::new() }),
            None => steps.last_mut().unwrap().printed.push(line),
        }
    }
    steps
}

/// True when the lines are as said; a line `...` stands for any lines.
fn fits(said: &[&str], printed: &[&str]) -> bool {
    match (said, printed) {
        ([], []) => true,
        (["...", rest @ ..], _) => (0..=printed.len()).any(|skip| fits(rest, &printed[skip..])),
        ([first, rest @ ..], [line, lines @ ..]) => first == line && fits(rest, lines),
        _ => false,
    }
}

#[test]
fn the_session_of_the_readme_prints_what_it_says() -> TestResult {
    let place = Place::new()?;
    let programs = std::path::Path::new(env!("CARGO_BIN_EXE_schwabot")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH")?);
    let steps = session();
    assert!(steps.len() >= 4, "{} commands", steps.len());
    for Step { command, printed } in steps {
        let ran = Command::new("sh")
            .args(["-c", command])
            .current_dir(place.path(""))
            .env("PATH", &path)
            .stdin(Stdio::null())
            .output()?;
        let text = String::from_utf8(ran.stdout)?;
        let lines: Vec<&str> = text.lines().collect();
        assert!(fits(&printed, &lines), "$ {command}\n{text}\nthe README says\n{printed:#?}");
    }
    Ok(())
}

#[test]
fn every_path_that_the_readme_links_to_is_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let links: Vec<&str> = README
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|link| !link.contains("://"))
        .collect();
    assert!(links.len() >= 3, "{links:?}");
    for link in links {
        assert!(root.join(link).exists(), "{link}");
    }
}

#[test]
fn no_part_of_the_readme_waits_to_be_written() {
    let bare =
        |line: &&str| line.len() > 3 && line.chars().all(|letter| letter.is_ascii_uppercase());
    assert_eq!(README.lines().find(bare), None);
}
