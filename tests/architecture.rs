//! The house rules as tests: a module names only lower floors, and each danger has one door.
//!
//! Each rule is a function from source to complaints. It is run over all of `src/`, and over
//! planted faults, so that a rule that finds nothing is known to be able to find something.

use crate::support::source::{Source, paths, sources, tokens};

/// From the ground up; modules on one floor do not name each other. A module that does not exist
/// yet keeps its place.
const FLOORS: &[&[&str]] = &[
    &["units", "time", "hash", "docs"],
    &["event"],
    &["signals", "merkle"],
    &["registries", "engines"],
    &["strategies"],
    &["kernel"],
    &["ledger"],
    &["checkpoint", "erasure"],
    &["projections", "audit"],
    &["market", "venue"],
    &["pipeline", "import", "export", "report", "measure"],
    &["cli", "http"],
];

/// Who decides and remembers without asking the machine anything.
const PURE: &[&str] = &[
    "units",
    "time",
    "hash",
    "event",
    "signals",
    "merkle",
    "registries",
    "engines",
    "strategies",
    "kernel",
];

/// A danger, how its paths begin, and the files or folders that may name it.
const DOORS: &[(&str, &[&str])] = &[
    ("unsafe", &["src/ledger/disk"]),
    ("memmap2", &["src/ledger/disk"]),
    ("libc", &["src/ledger/disk"]),
    ("bincode", &["src/event/wire.rs"]),
    ("sha2", &["src/hash.rs"]),
    ("ed25519_dalek", &["src/checkpoint/key.rs"]),
    ("blake3", &["src/hash.rs"]),
    ("chacha20poly1305", &["src/erasure"]),
    ("zeroize", &["src/erasure"]),
    ("SystemTime", &["src/ledger/clock.rs"]),
    ("Instant", &["src/ledger/clock.rs"]),
    ("f64", FLOATS),
    ("f32", FLOATS),
    ("libm", &["src/signals"]),
    ("std::thread", THREADS),
    ("crossbeam_channel", THREADS),
    ("HashMap", &[]),
    ("HashSet", &[]),
    ("std::fs", FILES),
    ("rusqlite", &["src/import/accounts"]),
    ("ureq", &["src/checkpoint/http.rs"]),
    ("axum", &["src/http"]),
    ("tokio", &["src/http"]),
    ("zstd", &["src/ledger/packed/codec.rs"]),
];
/// Display code of `src/cli` that needs floats is listed here, file by file.
const FLOATS: &[&str] = &["src/signals", "src/report"];
const THREADS: &[&str] =
    &["src/ledger", "src/checkpoint", "src/pipeline", "src/audit", "src/measure"];
const FILES: &[&str] = &[
    "src/ledger/disk",
    "src/market",
    "src/pipeline",
    "src/import",
    "src/export",
    "src/measure/suite.rs",
    "src/report",
    "src/cli",
];

/// The module of the crate that a file belongs to.
fn module_of(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// The crate's modules that a file names, whichever way.
fn used_modules(source: &Source) -> Vec<String> {
    let inside = source.path.trim_start_matches("src/");
    // How many `super` lead from this file to the crate's root.
    let depth = inside.split('/').count() - usize::from(inside.ends_with("/mod.rs"));
    let to_root = |path: &[String]| {
        let supers = path.iter().take_while(|word| *word == "super").count();
        if supers >= depth { supers } else { 0 }
    };
    let paths = paths(&tokens(&source.text));
    let used = paths.iter().filter_map(|path| {
        let from_root = match path.first()?.as_str() {
            "crate" | "schwabot" => 1,
            "super" => to_root(path),
            _ => 0,
        };
        (from_root > 0).then(|| path.get(from_root).cloned())?
    });
    used.collect()
}

/// A module names only modules on lower floors.
fn floors_broken(source: &Source) -> Vec<String> {
    let module = module_of(&source.path);
    if matches!(source.path.as_str(), "src/lib.rs" | "src/main.rs") {
        return Vec::new();
    }
    let Some(floor) = floor_of(module) else {
        return vec![format!("{}: `{module}` has no floor", source.path)];
    };
    let mut broken: Vec<String> = used_modules(source)
        .into_iter()
        .filter(|used| used != module)
        .filter(|used| floor_of(used).is_some_and(|other| other >= floor))
        .map(|used| format!("{}: `{module}` reaches up or sideways to `{used}`", source.path))
        .collect();
    broken.dedup();
    broken
}

/// Each danger is named only behind its door.
fn doors_forced(source: &Source) -> Vec<String> {
    let words = tokens(&source.text);
    let paths = paths(&words);
    let behind = |allowed: &[&str]| {
        allowed.iter().any(|door| {
            source.path == *door
                || source.path.starts_with(&format!("{door}/"))
                || source.path == format!("{door}.rs")
        })
    };
    let named = |danger: &str| match danger.split_once("::") {
        None => words.iter().any(|word| word == danger),
        Some((first, second)) => {
            paths.iter().any(|path| path.len() > 1 && path[0] == first && path[1] == second)
        }
    };
    DOORS
        .iter()
        .filter(|(danger, allowed)| !behind(allowed) && named(danger))
        .map(|(danger, allowed)| format!("{}: `{danger}` has its door in {allowed:?}", source.path))
        .collect()
}

/// The pure floors ask the machine nothing.
fn purity_broken(source: &Source) -> Vec<String> {
    if !PURE.contains(&module_of(&source.path)) {
        return Vec::new();
    }
    let asks = ["fs", "env", "thread", "net", "process", "io"];
    let paths = paths(&tokens(&source.text));
    let asked = paths
        .iter()
        .filter(|path| path.len() > 1 && path[0] == "std" && asks.contains(&path[1].as_str()));
    asked.map(|path| format!("{}: `{}` asks the machine", source.path, path.join("::"))).collect()
}

#[track_caller]
fn holds(rule: fn(&Source) -> Vec<String>) {
    let complaints: Vec<String> = sources("src", ".rs").iter().flat_map(rule).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn a_module_names_only_modules_on_lower_floors() {
    holds(floors_broken);
}

#[test]
fn each_danger_has_one_door() {
    holds(doors_forced);
}

#[test]
fn the_pure_floors_ask_the_machine_nothing() {
    holds(purity_broken);
}

#[test]
fn every_module_of_the_crate_has_a_floor_and_only_one() {
    let lib = sources("src", "lib.rs").remove(0);
    let words = tokens(&lib.text);
    let modules: Vec<&str> =
        words.windows(2).filter(|pair| pair[0] == "mod").map(|pair| pair[1].as_str()).collect();
    assert!(modules.len() > 5, "{modules:?}");
    for module in modules {
        let floors = FLOORS.iter().filter(|floor| floor.contains(&module)).count();
        assert_eq!(floors, 1, "`{module}`");
    }
}

fn planted(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn the_floor_rule_finds_what_is_planted() {
    let reaching = [
        ("src/event/market.rs", "use crate::ledger::Writer;"),
        ("src/event/market.rs", "use crate::{time::Timestamp, signals::{a, b}};"),
        ("src/units.rs", "fn f() { super::hash::sha256(b\"\"); }"),
        ("src/merkle/mod.rs", "fn f() { crate::signals::mean(); }"),
        ("src/kernel/run.rs", "use super::super::ledger::Reader;"),
        ("src/kernel/run.rs", "fn f(x: schwabot::audit::Verdict) {}"),
        ("src/audit/mod.rs", "use super::pipeline::Loop;"),
        ("src/pipeline/live.rs", "use crate::report::Report;"),
        ("src/attic.rs", "fn f() {}"),
    ];
    for (path, text) in reaching {
        assert_eq!(floors_broken(&planted(path, text)).len(), 1, "{path}: {text}");
    }
    let sound = [
        ("src/ledger/writer.rs", "use crate::{event::Payload, hash::Digest};"),
        ("src/ledger/writer.rs", "use crate::ledger::frame; use super::frame::LAYOUT;"),
        (
            "src/event/market.rs",
            "// crate::ledger\n/* crate::kernel */ const A: &str = \"crate::cli\";",
        ),
        ("src/event/market.rs", "const A: &str = r#\"crate::cli \" \"#; const B: char = '\"';"),
        ("src/event/order.rs", "use super::market;"),
    ];
    for (path, text) in sound {
        assert_eq!(floors_broken(&planted(path, text)), [""; 0], "{path}: {text}");
    }
}

#[test]
fn every_door_finds_what_is_planted_and_lets_its_own_through() {
    for (danger, allowed) in DOORS {
        let text = match danger.split_once("::") {
            None => format!("fn f() {{ {danger}::g(); }}"),
            Some((first, second)) => format!("use {first}::{{io, {second}::{{self, File}}}};"),
        };
        let forced = doors_forced(&planted("src/attic/mod.rs", &text));
        assert_eq!(forced.len(), 1, "{text}");
        assert!(forced[0].contains(danger), "{forced:?}");
        for door in *allowed {
            let file =
                if door.ends_with(".rs") { (*door).to_owned() } else { format!("{door}/a.rs") };
            assert_eq!(doors_forced(&planted(&file, &text)), [""; 0], "{file}: {text}");
        }
        let quoted = format!("// {danger}\nconst A: &str = \"{danger}\";");
        assert_eq!(doors_forced(&planted("src/attic/mod.rs", &quoted)), [""; 0]);
    }
    let beside = planted("src/ledger/disk_other.rs", "fn f() { unsafe {} }");
    assert_eq!(doors_forced(&beside).len(), 1, "a door is a file, not a prefix of a name");
}

#[test]
fn the_purity_rule_finds_what_is_planted() {
    for text in ["use std::{fmt, env};", "fn f() { std::process::exit(1) }", "use std::io;"] {
        assert_eq!(purity_broken(&planted("src/kernel/run.rs", text)).len(), 1, "{text}");
        assert_eq!(purity_broken(&planted("src/pipeline/mod.rs", text)).len(), 0, "{text}");
    }
    let sound = planted("src/kernel/run.rs", "use std::{fmt, collections::BTreeMap};");
    assert_eq!(purity_broken(&sound), [""; 0]);
}
