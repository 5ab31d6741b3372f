//! `EXPORTS.md` states every table and column as it is.

use schwabot::export::Table;

const PAGE: &str = include_str!("../../src/docs/EXPORTS.md");

/// The rows of a section's table, cell by cell.
fn rows(section: &str) -> Vec<Vec<&str>> {
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split(" | ").map(|cell| cell.trim_matches(['`', '|', ' '])).collect())
        .collect()
}

#[test]
fn the_page_states_every_table_and_column() {
    let mut sections: Vec<(&str, &str)> =
        PAGE.split("\n### ").skip(1).filter_map(|part| part.split_once('\n')).collect();
    if let Some((_, last)) = sections.last_mut() {
        *last = last.split("\n## ").next().unwrap();
    }
    let names: Vec<&str> = sections.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, Table::ALL.map(Table::name));
    for (table, (name, section)) in Table::ALL.iter().zip(sections) {
        let stated = rows(section);
        let known = table.columns().iter().map(|column| {
            let absent = if column.optional { "yes" } else { "no" };
            vec![column.name.to_owned(), column.holds.name(), absent.to_owned()]
        });
        let known: Vec<Vec<String>> = known.collect();
        let stated: Vec<Vec<String>> = stated
            .iter()
            .map(|row| {
                assert!(row[3].len() > 2, "{name}: {} is not explained", row[0]);
                row[..3].iter().map(|cell| (*cell).to_owned()).collect()
            })
            .collect();
        assert_eq!(stated, known, "{name}");
    }
}

#[test]
fn every_table_begins_with_the_record_its_time_and_its_run() {
    for table in Table::ALL {
        let names: Vec<&str> = table.columns().iter().map(|column| column.name).collect();
        assert_eq!(names[..3], ["sequence", "time", "run"]);
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), names.len(), "{}: a name twice", table.name());
    }
}
