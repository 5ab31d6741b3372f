//! The shared files give exactly the figures that were computed for them independently.

use serde_json::Value;

use crate::bench::Bench;
use crate::support::{TestResult, shared_data};

/// Whether two figures are the same, however many zeros a decimal ends in.
fn same(found: &Value, said: &Value) -> bool {
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    match (found, said) {
        (Value::String(found), Value::String(said)) => trimmed(found) == trimmed(said),
        (Value::Array(found), Value::Array(said)) => {
            found.len() == said.len() && found.iter().zip(said).all(|(f, s)| same(f, s))
        }
        _ => found == said,
    }
}

#[test]
fn every_file_with_known_figures_gives_exactly_these() -> TestResult {
    let Some(facts) = shared_data("FACTS.json") else { return Ok(()) };
    let facts: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&facts)?)?;
    assert!(facts.len() >= 22);
    for fact in &facts {
        let name = fact["file"].as_str().unwrap();
        let Some(file) = shared_data(name) else { return Ok(()) };
        let report = Bench::new().import(&file, &["--dry-run"])?;
        for (figure, said) in fact.as_object().unwrap() {
            if matches!(figure.as_str(), "file" | "member") {
                continue;
            }
            let found = &report["figures"][figure];
            assert!(same(found, said), "{name}: {figure} is {found}, not {said}");
        }
    }
    Ok(())
}
