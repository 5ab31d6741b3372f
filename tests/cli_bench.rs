//! `bench` as a user meets it.

use crate::support::TestResult;
use crate::support::cli::{Place, run};

#[test]
fn bench_measures_every_work_beside_its_bare_loop_and_leaves_nothing_behind() -> TestResult {
    let place = Place::new()?;
    let dir = place.arg(".");
    let ran = run(&["bench", &dir, "--rounds", "1", "--records", "2000", "--format", "json"])?;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let json = ran.json()?;
    assert_eq!((&json["rounds"], &json["record_bytes"]), (&1.into(), &256.into()));
    let tables = json["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 5);
    for table in tables {
        let lines = table["lines"].as_array().unwrap();
        assert_eq!(lines[0]["ratio_percent"], 100, "{table}");
        assert!(lines.len() > 1, "{table}");
        for line in lines {
            let rate = line["records_per_second"].as_u64().unwrap();
            assert!(rate > 0 && line["least"] == rate && line["most"] == rate, "{line}");
            let waits = line["waits_micros"].as_array();
            assert!(
                waits
                    .is_none_or(|waits| waits.len() == 3 && waits[0].as_u64() <= waits[2].as_u64())
            );
        }
    }
    let waited = |table: usize| tables[table]["lines"][0]["waits_micros"].is_array();
    assert_eq!([0, 1, 2, 3, 4].map(waited), [true, true, true, false, false]);
    assert_eq!(std::fs::read_dir(&dir)?.count(), 0, "it left something behind");
    let text = run(&["bench", &dir, "--rounds", "1", "--records", "1000"])?;
    assert!(text.out.contains("durable, 1,000 records a commit"), "{}", text.out);
    assert!(text.err.contains("measuring: reading"), "{}", text.err);
    let ran = run(&["bench", &dir, "--records", "18446744073709551615"])?;
    assert!(ran.code == Some(2) && ran.err.contains("1000000000"), "{}", ran.err);
    Ok(())
}

#[test]
fn bench_of_a_directory_that_is_not_there_says_so_and_makes_none() -> TestResult {
    let place = Place::new()?;
    let ran = run(&["bench", &place.arg("nowhere")])?;
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("cannot make a directory at") && ran.err.contains("nowhere"));
    assert!(!std::path::Path::new(&place.arg("nowhere")).exists());
    Ok(())
}
