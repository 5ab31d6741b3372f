//! The commands about engines and registries, as a user meets them.

use std::path::Path;

use serde_json::Value;

use crate::support::TestResult;
use crate::support::cli::{Place, run};
use crate::support::demo;

/// A demo ledger, and the hash of one of its trades.
fn ledger(place: &Place) -> Result<(String, String), Box<dyn std::error::Error>> {
    let ledger = place.arg("l");
    demo::record(Path::new(&ledger), &[], 1, 4_000);
    let listed = run(&["state", &ledger, "trades", "--format", "json"])?.json()?;
    Ok((ledger, listed["trades"][0]["hash"].as_str().unwrap().to_owned()))
}

#[test]
fn why_tells_the_chain_from_the_bar_to_the_links_with_sequences_and_digests() -> TestResult {
    let place = Place::new()?;
    let (ledger, hash) = ledger(&place)?;
    let found = run(&["why", &ledger, &hash[..8], "--format", "json"])?.json()?;
    assert_eq!(found["trade"].as_str(), Some(hash.as_str()));
    let causes = found["causes"].as_array().unwrap();
    let kinds: Vec<&str> = causes.iter().map(|cause| cause["kind"].as_str().unwrap()).collect();
    let chain = [
        "bar",
        "bit_flipped",
        "signal_fired",
        "ghost_opened",
        "ghost_triggered",
        "order_placed",
        "order_filled",
        "soulprint_registered",
        "ghost_entered",
        "ghost_exit_due",
        "order_placed",
        "order_filled",
        "trade_closed",
        "soulprint_outcome",
        "bucket_observed",
        "registry_linked",
        "registry_linked",
        "pair_flip_resolved",
        "orbit_cycle_run",
        "ghost_closed",
    ];
    let mut wanted = chain.iter();
    let mut next = wanted.next();
    for kind in &kinds {
        if Some(kind) == next {
            next = wanted.next();
        }
    }
    assert_eq!(next, None, "{kinds:?}");
    // Each stands where the log says, under the digest that replay shows.
    let sequence = causes[4]["sequence"].to_string();
    let shown =
        run(&["replay", &ledger, "--from", &sequence, "--to", &sequence, "--format", "jsonl"])?;
    let shown: Value = serde_json::from_str(&shown.out)?;
    assert_eq!(shown["digest"], causes[4]["digest"]);
    assert_eq!(shown["cause"], causes[4]["cause"]);
    let text = run(&["why", &ledger, &hash])?;
    assert!(text.out.contains("the gate let it pass") && text.out.contains("linked to"));
    for (asked, words) in
        [("ffffffffffff", "no closed trade"), ("12", "at least 6"), ("zzzzzz", "no hash")]
    {
        let refused = run(&["why", &ledger, asked])?;
        assert_eq!(refused.code, Some(2));
        assert!(refused.err.contains(words), "{}", refused.err);
    }
    Ok(())
}

#[test]
fn diff_finds_where_two_ledgers_part_and_what_happened_between_two_records() -> TestResult {
    let place = Place::new()?;
    let (one, _) = ledger(&place)?;
    let (same, other) = (place.arg("same"), place.arg("other"));
    demo::record(Path::new(&same), &[], 1, 4_000);
    demo::record(Path::new(&other), &[("kelly-share", "0.5")], 1, 4_000);
    assert_eq!(run(&["diff", &one, &same])?.code, Some(0));
    let found = run(&["diff", &one, &other, "--format", "json"])?;
    assert_eq!(found.code, Some(1));
    let found = found.json()?;
    assert_eq!(found["parting"]["sequence"], 0, "the configuration is in the first record");
    assert!(!found["only_left"].as_array().unwrap().is_empty());
    let text = run(&["diff", &one, &other])?;
    assert!(text.out.contains("they part at record 0"), "{}", text.out);
    let setting = "config.strategy.parameters.kelly-share";
    let fields: Vec<&str> = text.out.lines().filter(|line| line.contains("config.")).collect();
    assert_eq!(fields.len(), 1, "only the field that differs: {}", text.out);
    assert!(fields[0].trim_start().starts_with(setting), "{}", text.out);
    assert!(fields[0].contains("0.25") && fields[0].contains("0.5"), "{}", text.out);
    let between = run(&["diff", &one, "--from", "6000", "--to", "9000", "--format", "json"])?;
    assert_eq!(between.code, Some(1));
    let between = between.json()?;
    let kinds = between["records_between"].as_object().unwrap();
    let records: u64 = kinds.values().filter_map(Value::as_u64).sum();
    assert_eq!(records, 3_000);
    assert!(between["projections"].as_array().unwrap().contains(&Value::from("market")));
    assert_eq!(run(&["diff", &one, "--from", "5", "--to", "5"])?.code, Some(0));
    assert_eq!(run(&["diff", &one])?.code, Some(2));
    Ok(())
}

#[test]
fn the_memory_stack_is_rebuilt_from_the_log_and_a_changed_one_is_named() -> TestResult {
    let place = Place::new()?;
    let (ledger, _) = ledger(&place)?;
    let stack = place.arg("stack");
    let export = ["export", &ledger, "--to", "memory-stack", &stack];
    assert_eq!(run(&export)?.code, Some(0));
    let read = |name: &str| -> Result<Value, Box<dyn std::error::Error>> {
        Ok(serde_json::from_str(&std::fs::read_to_string(place.path("stack").join(name))?)?)
    };
    let ghosts = read("backup_memory_stack/ghost_backup_memory.json")?;
    let engines = run(&["state", &ledger, "engines", "--format", "json"])?.json()?;
    let firings = engines["engines"]["reports"]["ghosts"]["firings"].as_u64().unwrap();
    assert_eq!(ghosts["entries"].as_object().unwrap().len() as u64, firings);
    let (id, entry) = ghosts["entries"].as_object().unwrap().iter().next().unwrap();
    assert_eq!(entry["entry_id"].as_str(), Some(id.as_str()));
    let sequence = entry["metadata"]["sequence"].to_string();
    let record =
        run(&["replay", &ledger, "--from", &sequence, "--to", &sequence, "--format", "jsonl"])?;
    let record: Value = serde_json::from_str(&record.out)?;
    assert_eq!(record["digest"], entry["backup_hash"]);
    let orbit = read("backup_memory_stack/orbit_backup_memory.json")?;
    assert_eq!(orbit["volume_weights"].as_object().unwrap().len(), 2);
    let pair = read("hash_memory_bank/USDC→ETH_bit4.json")?;
    let outcome = pair["events"][0]["outcome"].as_str().unwrap();
    assert!(outcome.starts_with(['+', '-']));

    let verify = ["verify", &ledger, "--memory-stack", &stack];
    assert_eq!(run(&verify)?.code, Some(0));
    assert_eq!(run(&export)?.code, Some(2), "the directory is not empty");
    let file = place.path("stack").join("hash_memory_bank/USDC→ETH_bit4.json");
    let text = std::fs::read_to_string(&file)?;
    std::fs::write(&file, text.replacen("\"-", "\"+", 1))?;
    std::fs::write(place.path("stack").join("extra.json"), "{}")?;
    std::fs::remove_file(place.path("stack").join("backup_memory_stack/flip_backup_memory.json"))?;
    let found = run(&verify)?;
    assert_eq!(found.code, Some(15), "{}", found.out);
    for words in ["USDC→ETH_bit4.json: line", "extra.json is not part", "is missing"] {
        assert!(found.out.contains(words), "{words}: {}", found.out);
    }
    Ok(())
}

#[test]
fn sixteen_commands_at_one_instant_are_sixteen_entries_of_the_memory_stack() -> TestResult {
    let place = Place::new()?;
    let file = place.write(
        "AAA_USD-1m.csv",
        "time,open,high,low,close,volume\n2025-01-02 00:00:00,1,1,1,1,1\n",
    )?;
    let when = "2025-01-01T00:00:00Z";
    let mut lines: Vec<String> = Vec::new();
    let mut add = |rest: &str| lines.push(format!("{{\"time\": \"{when}\", {rest}}}"));
    for (leg, trigger, bits, word) in [
        ("BTC→ETH", "price_spike", 4, "0101"),
        ("ETH→USDC", "volume_surge", 4, "1100"),
        ("BTC→USDC", "trend_reversal", 8, "00001010"),
    ] {
        add(&format!(
            "\"action\": \"ghost_trigger\", \"leg\": \"{leg}\", \"trigger\": \"{trigger}\", \
             \"word_bits\": {bits}, \"word\": \"{word}\""
        ));
    }
    for _ in 0..3 {
        add("\"action\": \"run_orbit\", \"stages\": [[[\"BTC→ETH\", 4]]], \
             \"market\": {\"BTC→ETH\": \"up\"}");
    }
    for word in ["0101", "1010", "11111111", "1111"] {
        add(&format!("\"action\": \"flip_bits\", \"word\": \"{word}\""));
    }
    for leg in ["BTC→ETH", "ETH→USDC", "BTC→USDC"] {
        for bits in [4, 8] {
            add(&format!("\"action\": \"flip_pair\", \"leg\": \"{leg}\", \"word_bits\": {bits}"));
        }
    }
    let commands = place.write("commands.jsonl", &lines.join("\n"))?;
    let (ledger, stack) = (place.arg("l"), place.arg("stack"));
    let args = [
        "backtest",
        "--strategy",
        "schwabot",
        "--data",
        &file,
        "--interval",
        "1m",
        "--commands",
        &commands,
        "--ledger",
        &ledger,
        "--permutations",
        "0",
        "--format",
        "json",
    ];
    let ran = run(&args)?;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(ran.json()?["counters"]["commands"], 16);
    assert_eq!(run(&["export", &ledger, "--to", "memory-stack", &stack])?.code, Some(0));
    let mut entries = 0;
    for name in ["ghost", "orbit", "flip"] {
        let path = format!("stack/backup_memory_stack/{name}_backup_memory.json");
        let file: Value = serde_json::from_str(&std::fs::read_to_string(place.path(&path))?)?;
        entries += file["entries"].as_object().unwrap().len();
    }
    assert_eq!(entries, 16, "the earlier system kept ten of them");
    let report = run(&["verify", &ledger, "--format", "json"])?.json()?;
    assert_eq!(
        (report["exit_code"].as_u64(), &report["vantage"]["operator"]),
        (Some(0), &Value::from(17))
    );
    Ok(())
}

#[test]
fn every_part_of_the_state_is_told_as_text_and_as_one_json_object() -> TestResult {
    let place = Place::new()?;
    let (ledger, _) = ledger(&place)?;
    let parts = [
        "summary",
        "trades",
        "positions",
        "metrics",
        "data",
        "engines",
        "buckets",
        "soulprints",
        "links",
        "statistics",
        "analytics",
        "consistency",
        "findings",
        "config",
    ];
    for part in parts {
        let told = run(&["state", &ledger, part])?;
        assert_eq!((told.code, told.err.as_str()), (Some(0), ""), "{part}");
        assert!(told.out.lines().count() > 1 || part == "findings", "{part}: {}", told.out);
        let json = run(&["state", &ledger, part, "--format", "json"])?.json()?;
        assert!(!json[part].is_null(), "{part}: {json}");
        let early = run(&["state", &ledger, part, "--at", "2000", "--format", "json"])?.json()?;
        assert_eq!(early["records"], 2_001);
    }
    let soulprints = run(&["state", &ledger, "soulprints", "--format", "json"])?.json()?;
    let id = soulprints["soulprints"][0]["id"].as_str().unwrap();
    let near = ["state", &ledger, "soulprints", "--near", id, "--limit", "2", "--format", "json"];
    let near = run(&near)?.json()?;
    assert_eq!(near["soulprints"].as_array().unwrap().len(), 2);
    let consistency = run(&["state", &ledger, "consistency"])?;
    assert!(consistency.out.contains("healthy"), "{}", consistency.out);
    Ok(())
}
