//! `NAMES.md` names things that are there.

use crate::support::source::{Source, sources, tokens};

const NAMES: &str = include_str!("../src/docs/NAMES.md");

/// The counterparts: the second column of every table but the last.
fn counterparts() -> Vec<String> {
    let (kept, _) = NAMES.split_once("\n## Dropped\n").unwrap();
    let rows = kept.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = rows.filter_map(|row| row.split(" | ").nth(1));
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.map(str::to_owned).collect()
}

/// True when the module's files define or export every part of the path behind its name.
fn is_there(path: &str, all: &[Source]) -> bool {
    let Some((module, rest)) = path.split_once("::") else { return false };
    let own = |source: &&Source| {
        source.path.starts_with(&format!("src/{module}/"))
            || source.path == format!("src/{module}.rs")
    };
    let words: Vec<String> =
        all.iter().filter(own).flat_map(|source| tokens(&source.text)).collect();
    let defined = |name: &str| {
        let before = ["struct", "enum", "trait", "fn", "type", "const"];
        words.windows(2).any(|pair| before.contains(&pair[0].as_str()) && pair[1] == name)
    };
    rest.split("::").all(|name| defined(name) || name == "Event")
}

#[test]
fn every_name_of_the_documents_has_a_counterpart_that_exists() {
    let all = sources("src", ".rs");
    let named = counterparts();
    assert!(named.len() > 100, "{}", named.len());
    let missing: Vec<&String> = named.iter().filter(|path| !is_there(path, &all)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(!is_there("engines::GhostEngine::haunt", &all), "the rule finds what is missing");
}

#[test]
fn what_was_dropped_has_a_reason() {
    let (_, dropped) = NAMES.split_once("\n## Dropped\n").unwrap();
    let rows: Vec<&str> = dropped.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() >= 8);
    assert!(rows.iter().all(|row| row.split(" | ").nth(1).is_some_and(|why| why.len() > 10)));
}
