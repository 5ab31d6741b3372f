//! The same inputs and configuration give the same head, however they are run.

use crate::support::cli::{Place, finish, program, run, walk};
use crate::support::{TestResult, shared_data};

/// The head and the count of records of a backtest.
fn head(args: &[&str]) -> TestResult<String> {
    let ran = run(&[&["backtest", "--format", "json"], args].concat())?;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    Ok(ran.json()?["head"].to_string())
}

#[test]
fn threads_sync_segments_time_zone_and_place_do_not_change_the_head() -> TestResult {
    let place = Place::new()?;
    let file = place.write("AAA_USDT-1m.csv", &walk(1, 1_500))?;
    let ledger = |name: &str| place.arg(name);
    let first = head(&["--data", &file, "--ledger", &ledger("a")])?;
    let variants: [&[&str]; 5] = [
        &["--threads", "1"],
        &["--threads", "8"],
        &["--sync", "always"],
        &["--sync", "end"],
        &["--segment-bytes", "16384", "--threads", "2"],
    ];
    for (number, variant) in variants.into_iter().enumerate() {
        let ledger = ledger(&format!("v{number}"));
        let args = [&["--data", &file, "--ledger", &ledger], variant].concat();
        assert_eq!(head(&args)?, first, "{variant:?}");
    }
    for zone in ["Pacific/Kiritimati", "America/St_Johns"] {
        let ledger = ledger(&zone.replace('/', "-"));
        let args = ["backtest", "--format", "json", "--data", &file, "--ledger", &ledger];
        let ran = finish(program(&args).env("TZ", zone).env("LC_ALL", "de_DE.UTF-8"))?;
        assert_eq!(ran.json()?["head"].to_string(), first, "{zone}");
    }
    // The same bytes under another name, with the pair said.
    let other = place.write("prices.csv", &walk(1, 1_500))?;
    let data = format!("AAA/USDT={other}");
    let args = ["--data", &data, "--interval", "1m", "--ledger", &ledger("named")];
    assert_eq!(head(&args)?, first);
    Ok(())
}

#[test]
fn another_price_another_fee_or_another_parameter_changes_the_head() -> TestResult {
    let place = Place::new()?;
    let file = place.write("AAA_USDT-1m.csv", &walk(1, 300))?;
    let other = place.write("other_AAA_USDT-1m.csv", &walk(2, 300))?;
    let first = head(&["--data", &file, "--ledger", &place.arg("a")])?;
    assert_ne!(head(&["--data", &other, "--ledger", &place.arg("b")])?, first);
    assert_ne!(head(&["--data", &file, "--fee", "0", "--ledger", &place.arg("c")])?, first);
    let args = ["--data", &file, "--param", "fast=9", "--ledger", &place.arg("d")];
    assert_ne!(head(&args)?, first);
    Ok(())
}

#[test]
fn the_order_of_data_files_does_not_change_the_head() -> TestResult {
    let place = Place::new()?;
    let names = ["AAA_USDT-1m.csv", "BBB_USDT-1m.csv", "CCC_USDT-1m.csv"];
    let mut files = Vec::new();
    for (seed, name) in (1..).zip(names) {
        files.push(place.write(name, &walk(seed, 500))?);
    }
    let mut heads = Vec::new();
    for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0], [2, 1, 0]] {
        let ledger = place.arg(&format!("{order:?}"));
        let [a, b, c] = order.map(|place| files[place].as_str());
        heads.push(head(&["--data", a, b, c, "--ledger", &ledger])?);
    }
    assert!(heads.iter().all(|one| *one == heads[0]), "{heads:?}");
    Ok(())
}

#[test]
fn a_demo_has_the_head_of_its_seed() -> TestResult {
    let place = Place::new()?;
    let head = |name: &str, seed: &str| -> TestResult<String> {
        let ledger = place.arg(name);
        let args = ["demo", "--cycles", "700", "--seed", seed, "--ledger", &ledger];
        assert_eq!(run(&args)?.code, Some(0));
        Ok(run(&["verify", &ledger, "--format", "json"])?.json()?["head"].to_string())
    };
    let first = head("a", "7")?;
    assert_eq!(head("b", "7")?, first);
    assert_ne!(head("c", "8")?, first);
    Ok(())
}

#[test]
fn a_month_of_bitcoin_has_42_915_bars_and_one_gap_of_284_minutes() -> TestResult {
    let name = "klines_1m/binance_BTC_USDT-1m_2021.json.gz";
    let Some(file) = shared_data(name) else { return Ok(()) };
    let file = file.display().to_string();
    let place = Place::new()?;
    let mut heads = Vec::new();
    for (ledger, threads) in [("one", "1"), ("eight", "8")] {
        let ledger = place.arg(ledger);
        let args = ["--data", &file, "--ledger", &ledger, "--threads", threads];
        heads.push(head(&args)?);
        let state = run(&["state", &ledger, "--format", "json"])?.json()?;
        assert_eq!(state["summary"]["counters"]["bars"], 42_915);
        let data = &run(&["state", &ledger, "data", "--format", "json"])?.json()?["data"][0];
        assert_eq!((&data["gaps"], &data["missing_bars"]), (&1.into(), &284.into()));
        assert_eq!(data["longest_gap"][1], "284m");
        assert_eq!(data["duplicates"].as_u64().zip(data["disorders"].as_u64()), Some((0, 0)));
        assert_eq!(run(&["verify", &ledger])?.code, Some(0));
    }
    assert_eq!(heads[0], heads[1]);
    Ok(())
}
