//! The repository itself: nothing forgotten, nothing overgrown, nothing that does not belong.

use crate::support::source::{Source, root, sources, tokens};

const LINES_MAX: usize = 420;
const COLUMNS_MAX: usize = 100;

/// What may lie at the top of the repository, besides names that begin with a dot.
const TOP_LEVEL: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "src",
    "tests",
    "benches",
    "tools",
    "README.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "target",
];

/// Things beside the subjects in `tests/`.
const NO_SUBJECT: &[&str] = &["support", "golden", "corpus"];
/// What several test programs share: each uses a part, and the rest is dead code in it. An expectation
/// would fail in the program that uses all.
const SHARED: &str = "tests/support/mod.rs";

fn too_long(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    if lines > LINES_MAX {
        vec![format!("{}: {lines} lines, {LINES_MAX} at most", source.path)]
    } else {
        vec![]
    }
}

fn too_wide(source: &Source) -> Vec<String> {
    // Tables cannot be broken.
    let table = |line: &str| source.path.ends_with(".md") && line.starts_with('|');
    let wide = (1..)
        .zip(source.text.lines())
        .filter(|(_, line)| line.chars().count() > COLUMNS_MAX && !table(line));
    wide.map(|(number, _)| format!("{}:{number}: wider than {COLUMNS_MAX}", source.path)).collect()
}

fn unfinished(source: &Source) -> Vec<String> {
    let marks = ["TODO", "FIXME", "todo!", "unimplemented!"];
    let met = marks.iter().filter(|mark| source.text.contains(*mark));
    met.map(|mark| format!("{}: {mark}", source.path)).collect()
}

/// A lint is expected with a reason, never silenced; a test is run, never ignored.
fn silenced(source: &Source) -> Vec<String> {
    let words = tokens(&source.text);
    let pair =
        |first: &str, second: &str| words.windows(2).any(|w| w[0] == first && w[1] == second);
    let mut met = Vec::new();
    let of_shared = source.text.matches("#[allow(dead_code,").count();
    let shared = source.path == SHARED && of_shared == source.text.matches("allow(").count();
    if pair("allow", "(") && !shared {
        met.push(format!("{}: a lint is silenced", source.path));
    }
    if pair("[", "ignore") {
        met.push(format!("{}: a test is ignored", source.path));
    }
    met
}

/// Names in `tests/` that belong to no test program: neither the root of one, nor a module that a
/// root lists, nor the folder of a root's or a module's own modules.
fn forgotten(names: &[String], roots: &[Source]) -> Vec<String> {
    let words: Vec<Vec<String>> = roots.iter().map(|root| tokens(&root.text)).collect();
    let listed = |module: &str| {
        let paths = [format!("tests/{module}.rs"), format!("tests/{module}/main.rs")];
        let is_root = roots.iter().any(|root| paths.contains(&root.path));
        let mut pairs = words.iter().flat_map(|words| words.windows(2));
        is_root || pairs.any(|pair| pair[0] == "mod" && pair[1] == module)
    };
    let subjects = names.iter().filter(|name| !NO_SUBJECT.contains(&name.as_str()));
    subjects
        .filter(|name| !listed(name.strip_suffix(".rs").unwrap_or(name)))
        .map(|name| format!("tests/{name} is listed in no test program"))
        .collect()
}

/// The roots of the test programs, as the manifest lists them.
fn test_programs() -> Vec<Source> {
    let manifest: toml::Table =
        std::fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let programs = manifest["test"].as_array().unwrap();
    let paths = programs.iter().map(|program| program["path"].as_str().unwrap().to_owned());
    paths
        .map(|path| Source { text: std::fs::read_to_string(root().join(&path)).unwrap(), path })
        .collect()
}

fn misplaced(names: &[String]) -> Vec<String> {
    let stray = |name: &&String| !name.starts_with('.') && !TOP_LEVEL.contains(&name.as_str());
    names.iter().filter(stray).cloned().collect()
}

fn names_in(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[track_caller]
fn holds(folder: &str, endings: &[&str], rule: fn(&Source) -> Vec<String>) {
    let files = endings.iter().flat_map(|ending| sources(folder, ending));
    let complaints: Vec<String> = files.flat_map(|source| rule(&source)).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn no_source_file_is_overgrown() {
    holds("src", &[".rs"], too_long);
}

#[test]
fn no_line_of_the_source_is_too_wide() {
    holds("src", &[".rs", ".md"], too_wide);
}

#[test]
fn nothing_in_the_source_waits_to_be_finished() {
    holds("src", &[".rs", ".md"], unfinished);
}

#[test]
fn no_lint_is_silenced_and_no_test_ignored() {
    holds("src", &[".rs"], silenced);
    holds("tests", &[".rs"], silenced);
    holds("benches", &[".rs"], silenced);
}

#[test]
fn every_file_of_tests_is_run() {
    let complaints = forgotten(&names_in("tests"), &test_programs());
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn the_top_of_the_repository_holds_only_what_belongs_there() {
    assert_eq!(misplaced(&names_in(".")), [""; 0]);
}

#[test]
fn every_dependency_has_its_line_in_the_decisions_and_no_line_is_left_over() {
    let manifest: toml::Table =
        std::fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let mut used: Vec<&str> = ["dependencies", "dev-dependencies"]
        .iter()
        .flat_map(|group| manifest[*group].as_table().unwrap().keys().map(String::as_str))
        .collect();
    let text = std::fs::read_to_string(root().join("src/docs/DECISIONS.md")).unwrap();
    let (_, table) = text.split_once("\n## Dependencies\n").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |"));
    let mut told: Vec<&str> = rows.map(|(name, _)| name).filter(|name| *name != "crate").collect();
    used.sort_unstable();
    // What the program needs, tests may need too, with more of its features.
    used.dedup();
    told.sort_unstable();
    assert_eq!(told, used);
}

#[test]
fn each_rule_finds_what_is_planted() {
    let of = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let lines = |count: usize| "a\n".repeat(count);
    assert_eq!(too_long(&of("src/a.rs", &lines(LINES_MAX))).len(), 0);
    assert_eq!(too_long(&of("src/a.rs", &lines(LINES_MAX + 1))).len(), 1);
    let wide = "é".repeat(COLUMNS_MAX);
    assert_eq!(too_wide(&of("src/a.rs", &wide)).len(), 0, "columns, not bytes");
    assert_eq!(too_wide(&of("src/a.rs", &format!("{wide}e"))).len(), 1);
    assert_eq!(too_wide(&of("src/a.md", &format!("|{wide}|"))).len(), 0);
    assert_eq!(too_wide(&of("src/a.rs", &format!("|{wide}|"))).len(), 1);
    for text in ["// TODO later", "fn f() { todo!() }", "unimplemented!()", "/* FIXME */"] {
        assert_eq!(unfinished(&of("src/a.rs", text)).len(), 1, "{text}");
    }
    for text in ["#[allow(dead_code)]", "#![allow(unused)]", "#[ignore]", "#[ignore = \"slow\"]"] {
        assert_eq!(silenced(&of("src/a.rs", text)).len(), 1, "{text}");
    }
    assert_eq!(
        silenced(&of("src/a.rs", "// allow(x)\n#[expect(a)] const B: &str = \"[ignore\";")).len(),
        0
    );
    assert_eq!(silenced(&of("tests/a.rs", "#[allow(dead_code, reason = \"b\")]")).len(), 1);
    let roots = [of("tests/main.rs", "mod a; // mod b;"), of("tests/kill.rs", "mod support;")];
    let names = ["main.rs", "support", "golden", "kill.rs", "kill", "a.rs", "b.rs", "c"];
    assert_eq!(
        forgotten(&names.map(String::from), &roots),
        ["tests/b.rs is listed in no test program", "tests/c is listed in no test program"]
    );
    let top = ["Cargo.toml", ".ci", "notes.txt", "docs"].map(String::from);
    assert_eq!(misplaced(&top), ["notes.txt", "docs"]);
}
