//! The sessions in README.md and in the guides really run, and print what they say.

use std::process::{Command, Stdio};

use crate::support::TestResult;
use crate::support::cli::Place;

const README: &str = include_str!("../README.md");
/// Pages with sessions; the guides' Rust examples are run as documentation.
const PAGES: &[(&str, &str)] =
    &[("README.md", README), ("src/docs/AUDIT.md", include_str!("../src/docs/AUDIT.md"))];

/// A command line of the session and the lines it is said to print.
struct Step<'a> {
    command: &'a str,
    printed: Vec<&'a str>,
}

/// The commands of a page, all its blocks in order.
fn session(page: &str) -> Vec<Step<'_>> {
    let blocks = page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut steps: Vec<Step<'_>> = Vec::new();
    for line in blocks.flat_map(str::lines) {
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
fn the_sessions_of_the_pages_print_what_they_say() -> TestResult {
    let programs = std::path::Path::new(env!("CARGO_BIN_EXE_schwabot")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH")?);
    for (name, page) in PAGES {
        let place = Place::new()?;
        let steps = session(page);
        assert!(steps.len() >= 4, "{name}: {} commands", steps.len());
        for Step { command, printed } in steps {
            let ran = Command::new("sh")
                .args(["-c", command])
                .current_dir(place.path(""))
                .env("PATH", &path)
                .stdin(Stdio::null())
                .output()?;
            let text = String::from_utf8(ran.stdout)?;
            let lines: Vec<&str> = text.lines().collect();
            let said = fits(&printed, &lines);
            assert!(said, "$ {command}\n{text}\n{name} says\n{printed:#?}");
        }
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
