//! Signing, proving and auditing as a user meets them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::TestResult;
use crate::support::cli::{Place, run};

/// A signed demo ledger, its key, and the key's public half.
struct Signed {
    place: Place,
    ledger: String,
    key: String,
    vkey: String,
}

fn signed() -> TestResult<Signed> {
    let place = Place::new()?;
    let (ledger, key) = (place.arg("run"), place.arg("bot.key"));
    assert_eq!(run(&["demo", "--ledger", &ledger])?.code, Some(0));
    let made = run(&["keygen", "--name", "example.com/bot", "-o", &key])?;
    assert_eq!((made.code, made.err.as_str()), (Some(0), ""));
    let vkey = made.out.trim_end().to_owned();
    let ran = run(&["checkpoint", &ledger, "--key", &key])?;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    Ok(Signed { place, ledger, key, vkey })
}

fn a_trade(ledger: &str) -> TestResult<String> {
    let trades = run(&["state", ledger, "trades", "--format", "json"])?.json()?;
    Ok(trades["trades"][0]["hash"].as_str().ok_or("no trade")?.to_owned())
}

#[test]
fn keygen_prints_the_public_half_and_keeps_the_private_half_to_its_owner() -> TestResult {
    let signed = signed()?;
    assert!(signed.vkey.starts_with("example.com/bot+"), "{}", signed.vkey);
    let private = fs::read_to_string(&signed.key)?;
    // PRIVATE+KEY+name+id+base64, and base64 may hold a plus sign as well.
    let secret = private.trim_end().splitn(5, '+').nth(4).ok_or("no key")?;
    assert!(secret.len() > 40 && !signed.vkey.contains(secret));
    let again = run(&["keygen", "--name", "example.com/bot", "-o", &signed.key])?;
    assert_eq!(again.code, Some(2));
    assert!(again.err.contains("never written over"), "{}", again.err);
    assert_eq!(fs::read_to_string(&signed.key)?, private);
    let bad = run(&["keygen", "--name", "two words", "-o", &signed.place.arg("x.key")])?;
    assert_eq!(bad.code, Some(2));
    Ok(())
}

#[test]
fn a_receipt_is_checked_with_the_key_alone_and_tells_the_trade_in_words() -> TestResult {
    let signed = signed()?;
    let (trade, receipt) = (a_trade(&signed.ledger)?, signed.place.arg("trade.tlog-proof"));
    let made = run(&["prove", &signed.ledger, "--trade", &trade[..8], "-o", &receipt])?;
    assert_eq!(made.code, Some(0), "{}", made.err);
    fs::remove_dir_all(&signed.ledger)?;
    let told = run(&["check", &receipt, "--vkey", &signed.vkey])?;
    assert_eq!(told.code, Some(0));
    assert!(told.out.starts_with("proven: record "), "{}", told.out);
    assert!(told.out.contains("ETH/USDC from"), "{}", told.out);
    let policy = signed.place.write("policy", &format!("log {}\nquorum none\n", signed.vkey))?;
    let json = run(&["check", &receipt, "--policy", &policy, "--format", "json"])?.json()?;
    assert_eq!((&json["verdict"], &json["kind"]), (&"intact".into(), &"trade_closed".into()));
    let asked = run(&["check", &receipt])?;
    assert_eq!(asked.code, Some(2), "nobody was named whom to believe");
    Ok(())
}

#[test]
fn a_receipt_is_of_the_one_record_that_was_named() -> TestResult {
    let signed = signed()?;
    let (ledger, receipt) = (signed.ledger.as_str(), signed.place.arg("r"));
    for which in [&[][..], &["--sequence", "4", "--trade", &a_trade(ledger)?]] {
        let refused = run(&[&["prove", ledger, "-o", &receipt], which].concat())?;
        assert_eq!(refused.code, Some(2), "{which:?}: {}", refused.out);
        assert!(!fs::exists(&receipt)?, "{which:?}");
    }
    let absent = run(&["prove", ledger, "--sequence", "99999999", "-o", &receipt])?;
    assert_eq!(absent.code, Some(2), "{}", absent.out);
    Ok(())
}

#[test]
fn a_receipt_replaces_an_earlier_receipt_and_nothing_else() -> TestResult {
    let signed = signed()?;
    let (ledger, receipt) = (signed.ledger.as_str(), signed.place.arg("r"));
    for sequence in ["4", "7"] {
        let made = run(&["prove", ledger, "--sequence", sequence, "-o", &receipt])?;
        assert_eq!(made.code, Some(0), "{}", made.err);
    }
    assert!(fs::read_to_string(&receipt)?.contains("index 7"));
    let (mine, identity) = (signed.place.write("mine", "mine")?, format!("{ledger}/ledger.id"));
    let before = fs::read(&identity)?;
    for place in [&mine, &identity] {
        let refused = run(&["prove", ledger, "--sequence", "7", "-o", place])?;
        assert_eq!(refused.code, Some(2), "{place}: {}", refused.out);
    }
    assert!(fs::read(&identity)? == before && fs::read_to_string(&mine)? == "mine");
    Ok(())
}

#[test]
fn a_receipt_that_was_touched_or_signed_by_a_stranger_is_not_proven() -> TestResult {
    let signed = signed()?;
    let receipt = signed.place.arg("r");
    run(&["prove", &signed.ledger, "--sequence", "7", "-o", &receipt])?;
    let good = fs::read_to_string(&receipt)?;
    fs::write(&receipt, good.replacen("index 7", "index 8", 1))?;
    let moved = run(&["check", &receipt, "--vkey", &signed.vkey])?;
    assert_eq!(moved.code, Some(11), "{}", moved.out);
    assert!(moved.out.starts_with("not proven"), "{}", moved.out);
    fs::write(&receipt, &good)?;
    let other = signed.place.arg("other.key");
    let stranger = run(&["keygen", "--name", "example.com/bot", "-o", &other])?.out;
    let told = run(&["check", &receipt, "--vkey", stranger.trim_end()])?;
    assert_eq!(told.code, Some(14), "{}", told.out);
    fs::write(&receipt, "nothing of the kind\n")?;
    assert_eq!(run(&["check", &receipt, "--vkey", &signed.vkey])?.code, Some(2));
    Ok(())
}

#[test]
fn verify_tells_who_signed_and_a_rollback_exits_13_with_the_head_that_was_kept() -> TestResult {
    let signed = signed()?;
    let text = run(&["verify", &signed.ledger])?;
    assert_eq!(text.code, Some(0));
    assert!(text.out.contains("by example.com/bot"), "{}", text.out);
    assert!(text.out.contains("unanchored      0"), "{}", text.out);
    let kept = signed.place.arg("kept");
    fs::copy(format!("{}/checkpoint", signed.ledger), &kept)?;
    let shorter = signed.place.arg("shorter");
    run(&["demo", "--ledger", &shorter, "--cycles", "900"])?;
    let found = run(&["verify", &shorter, "--against", &kept, "--format", "json"])?;
    assert_eq!(found.code, Some(13));
    let json = found.json()?;
    assert_eq!(json["verdict"], "contradicted");
    assert!(json["findings"][0]["what"].as_str().is_some_and(|what| what.contains("rolled back")));
    Ok(())
}

#[test]
fn a_policy_that_is_not_met_exits_14_and_a_bad_one_is_refused_with_its_line() -> TestResult {
    let signed = signed()?;
    let other = signed.place.arg("other.key");
    let stranger = run(&["keygen", "--name", "example.com/bot", "-o", &other])?.out;
    let strange = format!("log {}\nquorum none\n", stranger.trim_end());
    let policy = signed.place.write("policy", &strange)?;
    assert_eq!(run(&["verify", &signed.ledger, "--policy", &policy])?.code, Some(14));
    let bad = signed.place.write("bad", "log me\nquorum none\n")?;
    let refused = run(&["verify", &signed.ledger, "--policy", &bad])?;
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("bad: line 1 of the policy"), "{}", refused.err);
    Ok(())
}

#[test]
fn k_of_n_signers_agree_through_a_policy() -> TestResult {
    let signed = signed()?;
    let mut policy = format!("log {}\n", signed.vkey);
    for name in ["ana", "ben", "eva"] {
        let key = signed.place.arg(&format!("{name}.key"));
        let made = run(&["keygen", "--cosigner", "--name", name, "-o", &key])?;
        policy += &format!("witness {name} {}\n", made.out.trim_end());
    }
    policy += "group board 2 ana ben eva\nquorum board\n";
    let policy = signed.place.write("policy", &policy)?;
    let verify = ["verify", &signed.ledger, "--level", "tree", "--policy", &policy];
    assert_eq!(run(&verify)?.code, Some(14));
    for name in ["ana", "eva"] {
        let key = signed.place.arg(&format!("{name}.key"));
        assert_eq!(run(&["checkpoint", &signed.ledger, "--key", &key])?.code, Some(0));
    }
    let met = run(&verify)?;
    assert_eq!(met.code, Some(0));
    assert!(met.out.contains("seen by 2 of 3 witnesses"), "{}", met.out);
    Ok(())
}

#[test]
fn the_key_goes_over_to_another_and_the_log_says_so() -> TestResult {
    let signed = signed()?;
    let new = signed.place.arg("new.key");
    run(&["keygen", "--name", "example.com/bot", "-o", &new])?;
    let args = ["checkpoint", &signed.ledger, "--key", &signed.key, "--rotate-to", &new];
    assert_eq!(run(&args)?.code, Some(0));
    let replayed = run(&["replay", &signed.ledger, "--kind", "key_rotated", "--format", "jsonl"])?;
    let record: Value = serde_json::from_str(replayed.out.trim_end())?;
    assert_eq!(record["payload"]["old"], signed.vkey);
    assert_eq!(run(&["verify", &signed.ledger])?.code, Some(0));
    Ok(())
}

#[test]
fn salvage_says_what_it_kept_and_what_it_dropped() -> TestResult {
    let signed = signed()?;
    let segment = format!("{}/segments/000000000000.seg", signed.ledger);
    let mut bytes = fs::read(&segment)?;
    bytes[400_000] ^= 1;
    fs::write(&segment, bytes)?;
    let out = signed.place.arg("saved");
    let ran = run(&["salvage", &signed.ledger, &out])?;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("kept") && ran.out.contains("dropped         records"), "{}", ran.out);
    assert_eq!(run(&["verify", &format!("{out}/ledger")])?.code, Some(0));
    let told: Value = serde_json::from_slice(&fs::read(format!("{out}/salvage.json"))?)?;
    assert_eq!(told["report"]["verdict"], "corrupt");
    assert_eq!(told["identity_from_segment"], false);
    assert!(!ran.out.contains("ledger.id"), "{}", ran.out);
    assert_eq!(run(&["salvage", &signed.ledger, &out])?.code, Some(2), "never over something");
    let into_itself = run(&["salvage", &signed.ledger, &signed.ledger])?;
    assert_eq!(into_itself.code, Some(2));
    assert!(into_itself.err.contains("lies inside a ledger"), "{}", into_itself.err);
    Ok(())
}

#[test]
fn salvage_says_so_where_a_segment_alone_tells_whose_ledger_it_was() -> TestResult {
    let signed = signed()?;
    let file = format!("{}/ledger.id", signed.ledger);
    let whole = fs::read(&file)?;
    let damaged = [&whole[..20], &[0xFF], &whole[21..]].concat();
    for (place, left) in [("lost", None), ("damaged", Some(damaged))] {
        fs::remove_file(&file)?;
        left.map_or(Ok(()), |left| fs::write(&file, left))?;
        let out = signed.place.arg(place);
        let ran = run(&["salvage", &signed.ledger, &out])?;
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert!(ran.out.contains("made anew from the header of the first segment"), "{}", ran.out);
        let told: Value = serde_json::from_slice(&fs::read(format!("{out}/salvage.json"))?)?;
        assert_eq!(
            (&told["has_ledger"], &told["identity_from_segment"]),
            (&true.into(), &true.into())
        );
        assert_eq!(run(&["verify", &format!("{out}/ledger")])?.code, Some(0));
        // What is written is never written among what is to be saved.
        for inside in ["x", "segments/x"] {
            let inside = format!("{}/{inside}", signed.ledger);
            let refused = run(&["salvage", &signed.ledger, &inside])?;
            assert_eq!(refused.code, Some(2), "{inside}: {}", refused.out);
            assert!(refused.err.contains("lies inside a ledger"), "{}", refused.err);
            assert!(!Path::new(&inside).exists(), "{inside}");
        }
        fs::write(&file, &whole)?;
    }
    Ok(())
}

#[test]
fn salvage_refuses_a_ledger_id_of_a_later_version_and_writes_nothing() -> TestResult {
    let signed = signed()?;
    let file = format!("{}/ledger.id", signed.ledger);
    let mut later = fs::read(&file)?;
    later[12] = 2;
    let checksum = crc32c::crc32c(&later[12..]);
    later[8..12].copy_from_slice(&checksum.to_le_bytes());
    fs::write(&file, later)?;
    let out = signed.place.arg("saved");
    let ran = run(&["salvage", &signed.ledger, &out])?;
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert!(ran.err.contains("ledger.id has version 2"), "{}", ran.err);
    assert!(!Path::new(&out).exists());
    Ok(())
}

#[test]
fn follow_ends_with_its_budget_and_a_bundle_is_written_once() -> TestResult {
    let signed = signed()?;
    let ran = run(&["verify", &signed.ledger, "--follow", "--time-budget", "1"])?;
    assert_eq!(ran.code, Some(0));
    assert!(ran.err.contains("intact: "), "{}", ran.err);
    let bundle = signed.place.arg("bundle");
    assert_eq!(run(&["verify", &signed.ledger, "--bundle", &bundle])?.code, Some(0));
    let told: Value = serde_json::from_slice(&fs::read(format!("{bundle}/report.json"))?)?;
    assert_eq!(told["report"]["keys"][0], signed.vkey);
    assert_eq!(run(&["verify", &signed.ledger, "--bundle", &bundle])?.code, Some(2));
    Ok(())
}

#[test]
fn the_self_test_tells_each_fault_and_what_came_out() -> TestResult {
    let signed = signed()?;
    let ran = run(&["verify", &signed.ledger, "--self-test", "--format", "json"])?;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let json = ran.json()?;
    assert_eq!(json["missed"], 0);
    assert!(json["planted"].as_u64().is_some_and(|planted| planted >= 11), "{json}");
    Ok(())
}
