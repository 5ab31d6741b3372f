//! `FORMAT.md` as data: its tables and code blocks, for tests that hold the code to the document.

use std::collections::BTreeMap;

/// The document, as rustdoc shows it.
pub(crate) const FORMAT: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/ledger/FORMAT.md"));

/// The document from the line `heading` up to the next heading of the same or a higher rank.
#[track_caller]
pub(crate) fn section(heading: &str) -> &'static str {
    let rank = heading.chars().take_while(|c| *c == '#').count();
    let start = FORMAT.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no `{heading}`"));
    let body = &FORMAT[start + heading.len() + 2..];
    let ends = |line: &str| {
        let level = line.chars().take_while(|c| *c == '#').count();
        (1..=rank).contains(&level)
    };
    let mut end = 0;
    for line in body.split_inclusive('\n') {
        if ends(line) {
            break;
        }
        end += line.len();
    }
    &body[..end]
}

/// The rows of the table in a section whose header row has these columns.
#[track_caller]
pub(crate) fn table(heading: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut inside = false;
    for line in section(heading).lines() {
        let cells: Option<Vec<String>> = line
            .strip_prefix('|')
            .and_then(|line| line.strip_suffix('|'))
            .map(|line| line.split('|').map(|cell| cell.trim().to_owned()).collect());
        match cells {
            None => inside = false,
            Some(cells) if cells == columns => inside = true,
            Some(cells) if inside && !cells[0].starts_with("---") => rows.push(cells),
            Some(_) => {}
        }
    }
    assert!(!rows.is_empty(), "`{heading}` has no table {columns:?}");
    rows
}

/// A table of fields as (name, offset, bytes).
#[track_caller]
pub(crate) fn layout(heading: &str) -> Vec<(String, usize, usize)> {
    let rows = table(heading, &["field", "offset", "bytes", "meaning"]);
    let number = |cell: &str| cell.parse().unwrap_or_else(|_| panic!("`{cell}` in `{heading}`"));
    rows.iter().map(|row| (row[0].clone(), number(&row[1]), number(&row[2]))).collect()
}

/// The table of constants.
pub(crate) fn constants() -> BTreeMap<String, String> {
    let rows = table("## Constants", &["constant", "value", "meaning"]);
    rows.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect()
}

/// Hex digits, spaces between bytes allowed.
#[track_caller]
pub(crate) fn bytes_of_hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    assert!(digits.len().is_multiple_of(2), "odd number of hex digits in `{text}`");
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap_or_else(|_| panic!("{text}")))
        .collect()
}

/// The bytes of the worked example's file of that name.
#[track_caller]
pub(crate) fn example(file: &str) -> Vec<u8> {
    let text = section("## Worked example");
    let start = text.find(&format!("`{file}`:\n")).unwrap_or_else(|| panic!("no `{file}`"));
    let block = text[start..].split("```").nth(1).unwrap().strip_prefix("text\n").unwrap();
    let mut bytes = Vec::new();
    for line in block.lines() {
        let (offset, rest) = line.trim_start().split_once("  ").unwrap();
        let hex = rest.split("  ;").next().unwrap();
        assert_eq!(offset.parse(), Ok(bytes.len()), "offset of `{line}`");
        bytes.extend(bytes_of_hex(hex));
    }
    bytes
}
