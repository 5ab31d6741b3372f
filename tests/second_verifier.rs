//! The second verifier, written from the format page alone, agrees with the first: on good ledgers,
//! and on each kind of fault, with the code and the place.

#![expect(clippy::print_stderr, reason = "what was not compared belongs in the test's report")]

use std::fs;
use std::path::Path;
use std::process::Command;

use schwabot::audit::{Level, Report, VerifyOptions, bundle, verify};
use schwabot::checkpoint::{Misbehaviour, Note, prove, sign_head};
use schwabot::ledger::disk::RealDisk;
use schwabot::ledger::layout::Layout;
use schwabot::ledger::packed::{pack, packed_path};
use schwabot::ledger::{Reader, SyncMode, WriterOptions};
use serde_json::Value;

use crate::support::keys::{Place, log_key};
use crate::support::notes::{self, Note as TestNote, options};
use crate::support::rechain::Forger;

/// Runs the second verifier; `None`, and says so, where there is no Python.
#[expect(clippy::print_stderr, reason = "a test that tests nothing must say so")]
fn second(args: &[&str]) -> Option<(i32, Value)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/verify.py");
    let ran = Command::new("python3").arg(script).args(args).arg("--json").output();
    let Ok(ran) = ran else {
        eprintln!("NOT TESTED: python3 is absent");
        return None;
    };
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(!errors.contains("Traceback"), "{errors}");
    let json = serde_json::from_slice(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&ran.stdout)));
    Some((ran.status.code().unwrap(), json))
}

/// A small ledger in several segments, signed in its middle and at its end.
fn signed() -> Place {
    let place = Place::new();
    append(&place.ledger(), 0..40);
    place.sign(&small()).unwrap();
    append(&place.ledger(), 40..70);
    place.sign(&small()).unwrap();
    place
}

fn small() -> WriterOptions {
    options(SyncMode::Always, 2048)
}

fn append(ledger: &Path, numbers: std::ops::Range<u64>) {
    notes::append(ledger, numbers, 2, &small());
}

fn first(ledger: &Path) -> Report {
    verify(ledger, &VerifyOptions { level: Some(Level::Tree), ..VerifyOptions::default() }).unwrap()
}

#[track_caller]
fn agree(ledger: &Path, what: &str) -> Option<i32> {
    let report = first(ledger);
    let (code, json) = second(&["ledger", ledger.to_str().unwrap()])?;
    assert_eq!(code, i32::from(report.exit_code()), "{what}: {json}\n{report:?}");
    assert_eq!(json["exit_code"], code, "{what}");
    let head = report.head.map(|head| (head.size, head.root.to_string()));
    let theirs = json["head"]
        .as_object()
        .map(|head| (head["size"].as_u64().unwrap(), head["root"].as_str().unwrap().to_owned()));
    assert_eq!(theirs, head, "{what}");
    if let Some(bad) = &report.first_bad {
        let place = |field: &str| json["first_bad"][field].as_u64();
        let theirs = (place("segment"), place("offset"), place("end"));
        let ours = (Some(bad.segment), Some(bad.offset), Some(bad.end));
        assert_eq!(theirs, ours, "{what}: {json}\n{bad:?}");
    }
    Some(code)
}

#[test]
fn both_verifiers_find_good_ledgers_intact_with_one_head() {
    let place = signed();
    if agree(&place.ledger(), "a signed ledger").is_none_or(|code| code != 0) {
        return assert!(second(&["ledger", place.ledger().to_str().unwrap()]).is_none());
    }
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/v1-small");
    assert_eq!(agree(Path::new(golden), "the golden ledger"), Some(0));
    let dir = tempfile::tempdir().unwrap();
    let demo = dir.path().join("demo");
    crate::support::demo::record(&demo, &[], 3, 300);
    assert_eq!(agree(&demo, "a run"), Some(0));
}

#[test]
fn both_verifiers_give_each_fault_its_code_and_its_place() {
    let place = signed();
    let sound = Forger::read(&place.ledger());
    let segment = |index: u64| place.ledger().join(format!("segments/{index:012}.seg"));
    let restore = || {
        sound.write();
    };
    // Flips over the whole length of two segments, headers, frames and end frames.
    for index in [0, 1] {
        let bytes = sound.segments[index].len();
        for offset in (0..bytes).step_by(67) {
            let mut forger = sound.clone();
            forger.flip(index, offset, 0x01);
            forger.write();
            agree(&place.ledger(), &format!("segment {index}, byte {offset} flipped"));
        }
    }
    restore();
    let whole = fs::read(segment(1)).unwrap();
    for length in [0, 40, 191, 192, 500, whole.len() - 88, whole.len() - 1] {
        fs::write(segment(1), &whole[..length]).unwrap();
        agree(&place.ledger(), &format!("segment 1 cut to {length} bytes"));
    }
    fs::write(segment(1), &whole).unwrap();
    for index in [0, 1, 2] {
        let held = fs::read(segment(index)).unwrap();
        fs::remove_file(segment(index)).unwrap();
        agree(&place.ledger(), &format!("segment {index} removed"));
        fs::write(segment(index), &held).unwrap();
    }
    let (one, two) = (fs::read(segment(1)).unwrap(), fs::read(segment(2)).unwrap());
    fs::write(segment(1), &two).unwrap();
    fs::write(segment(2), &one).unwrap();
    agree(&place.ledger(), "segments 1 and 2 swapped");
    restore();
    let other = signed();
    fs::copy(other.ledger().join("segments/000000000001.seg"), segment(1)).unwrap();
    agree(&place.ledger(), "a foreign segment");
    restore();
    let mut future = sound.clone();
    future.flip(1, 12, 0x02);
    let checksum = crc32c::crc32c(&future.segments[1][12..192]);
    future.segments[1][8..12].copy_from_slice(&checksum.to_le_bytes());
    future.write();
    let code = agree(&place.ledger(), "a future version");
    assert!(code.is_none_or(|code| code == 2));
    restore();
    assert!(agree(&place.ledger(), "restored").is_none_or(|code| code == 0));
}

#[test]
fn both_verifiers_find_history_chained_anew_and_rotten_notes() {
    let place = signed();
    let sound = Forger::read(&place.ledger());
    let records = sound.record_bytes_before(sound.links.len());
    for (segment, offset) in records.iter().step_by(83) {
        let mut forger = sound.clone();
        forger.flip(*segment, *offset, 0x01);
        forger.rechain();
        forger.write();
        let code = agree(&place.ledger(), &format!("segment {segment}, byte {offset} edited"));
        assert!(code.is_none_or(|code| code == 13));
    }
    for link in sound.links[..sound.links.len() - 3].iter().step_by(5) {
        let mut forger = sound.clone();
        forger.flip(link.segment, link.offset + 55, 0x01);
        forger.rechain();
        forger.write();
        let code = agree(&place.ledger(), "a header edited");
        assert!(code.is_none_or(|code| code == 13));
    }
    sound.write();
    let path = place.ledger().join("checkpoint");
    let good = fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(5) {
        let mut bad = good.clone();
        bad[at] ^= 0x01;
        fs::write(&path, bad).unwrap();
        let code = agree(&place.ledger(), &format!("byte {at} of the note flipped"));
        assert!(code.is_none_or(|code| code == 14));
    }
}

#[test]
fn both_verifiers_judge_older_heads_and_policies_alike() {
    let place = signed();
    let kept = place.dir.path().join("kept");
    fs::copy(place.ledger().join("checkpoint"), &kept).unwrap();
    let shorter = place.dir.path().join("shorter");
    append(&shorter, 0..5);
    let ask = |ledger: &Path, extra: [&str; 2]| {
        let args = ["ledger", ledger.to_str().unwrap(), extra[0], extra[1]];
        second(&args).map(|(code, _)| code)
    };
    let kept = kept.to_str().unwrap();
    assert!(ask(&place.ledger(), ["--against", kept]).is_none_or(|code| code == 0));
    assert!(ask(&shorter, ["--against", kept]).is_none_or(|code| code == 13));
    let policy = place.dir.path().join("policy");
    fs::write(&policy, format!("log {}\nquorum none\n", place.key.key().verifier())).unwrap();
    let policy = policy.to_str().unwrap();
    assert!(ask(&place.ledger(), ["--policy", policy]).is_none_or(|code| code == 0));
    assert!(ask(&shorter, ["--policy", policy]).is_none_or(|code| code == 14));
}

#[test]
fn the_second_verifier_checks_receipts_and_proofs_of_misbehaviour() {
    let place = signed();
    let reader: Reader<TestNote> = Reader::open(&place.ledger()).unwrap();
    let receipt = prove(&reader, 33).unwrap().to_string();
    let file = place.dir.path().join("receipt");
    let check = |text: &str, key: &str| {
        fs::write(&file, text).unwrap();
        second(&["receipt", file.to_str().unwrap(), "--key", key]).map(|(code, _)| code)
    };
    let vkey = place.key.key().verifier().to_string();
    assert!(check(&receipt, &vkey).is_none_or(|code| code == 0));
    let moved = receipt.replacen("index 33", "index 34", 1);
    assert!(check(&moved, &vkey).is_none_or(|code| code == 11));
    let stranger = log_key(&place.dir.path().join("."), 9);
    let other = stranger.key().verifier().to_string();
    assert!(check(&receipt, &other).is_none_or(|code| code == 14));
    // Another history of the same log under the same key.
    let (forked, second_home) = (place.dir.path().join("forked"), tempfile::tempdir().unwrap());
    append(&forked, 1..90);
    let key = log_key(second_home.path(), 1);
    sign_head::<TestNote>(&forked, &key, &small()).unwrap();
    let against = Some(Note::parse(&fs::read(place.ledger().join("checkpoint")).unwrap()).unwrap());
    let report = verify(&forked, &VerifyOptions { against, ..VerifyOptions::default() }).unwrap();
    let proof = report.misbehaviour.unwrap();
    Misbehaviour::parse(proof.as_bytes()).unwrap().verify(key.key().verifier()).unwrap();
    let guilty = |text: &str, key: &str| {
        fs::write(&file, text).unwrap();
        second(&["misbehaviour", file.to_str().unwrap(), "--key", key]).map(|(code, _)| code)
    };
    assert!(guilty(&proof, &vkey).is_none_or(|code| code == 0));
    assert!(guilty(&proof, &other).is_none_or(|code| code == 14));
}

#[test]
fn the_second_verifier_knows_the_published_answers() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/verify.py");
    let Ok(ran) = Command::new("python3").args([script, "self-check"]).output() else {
        return assert!(second(&["ledger", "nowhere"]).is_none());
    };
    let text = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && text.contains(" passed, 0 failed"), "{text}");
}

#[test]
fn the_second_verifier_checks_a_bundle_of_evidence() {
    let place = signed();
    append(&place.ledger(), 70..75);
    let dir = place.dir.path().join("bundle");
    let options = VerifyOptions { level: Some(Level::Tree), ..VerifyOptions::default() };
    let write = |report: &Report| {
        for (name, bytes) in bundle(&place.ledger(), &options, report).unwrap() {
            let path = dir.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    };
    let judge = || second(&["bundle", dir.to_str().unwrap()]).map(|(code, _)| code);
    write(&first(&place.ledger()));
    assert!(judge().is_none_or(|code| code == 0));
    // A proof between trees that does not hold, and a note that somebody touched.
    let folder = dir.join("consistency");
    let proof = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let good = fs::read_to_string(&proof).unwrap();
    // Whichever of the proofs it is: it begins one record earlier than it says.
    let stated = good.lines().find_map(|line| line.strip_prefix("from ")).unwrap();
    let size: u64 = stated.split(' ').next().unwrap().parse().unwrap();
    let (stated, other) = (format!("from {size} "), format!("from {} ", size - 1));
    fs::write(&proof, good.replacen(&stated, &other, 1)).unwrap();
    assert_ne!(fs::read_to_string(&proof).unwrap(), good);
    assert!(judge().is_none_or(|code| code == 11));
    fs::write(&proof, good).unwrap();
    let note = dir.join("notes/0.note");
    let mut bytes = fs::read(&note).unwrap();
    let place_of_signature = bytes.len() - 8;
    bytes[place_of_signature] ^= 1;
    fs::write(&note, bytes).unwrap();
    assert!(judge().is_none_or(|code| code == 14));
}

#[test]
fn both_verifiers_read_packed_segments_and_find_their_damage() {
    let place = signed();
    let ledger = place.ledger();
    let plain = agree(&ledger, "before it is packed");
    pack(&RealDisk, &ledger).unwrap();
    let Some((code, json)) = second(&["ledger", ledger.to_str().unwrap()]) else { return };
    if code == 2 {
        let why = json["unchecked"].to_string() + &json["not_checked"].to_string();
        eprintln!("not compared: nothing here unpacks zstd for Python");
        return assert!(why.contains("the program zstd is not installed"), "{json}");
    }
    assert_eq!(agree(&ledger, "packed"), plain);
    let path = packed_path(&Layout::new(&ledger).segment(1));
    let sound = fs::read(&path).unwrap();
    for offset in (0..sound.len()).step_by(29) {
        let mut bytes = sound.clone();
        bytes[offset] ^= 8;
        fs::write(&path, bytes).unwrap();
        let ours = i32::from(first(&ledger).exit_code());
        let (theirs, json) = second(&["ledger", ledger.to_str().unwrap()]).unwrap();
        assert_eq!((ours, theirs), (11, 11), "byte {offset}: {json}");
    }
    for length in [0, 100, sound.len() / 2, sound.len() - 1] {
        fs::write(&path, &sound[..length]).unwrap();
        let ours = i32::from(first(&ledger).exit_code());
        let (theirs, json) = second(&["ledger", ledger.to_str().unwrap()]).unwrap();
        assert_eq!((ours, theirs), (11, 11), "{length} bytes: {json}");
    }
    fs::write(&path, &sound).unwrap();
    // Without anything that unpacks, it says so, and accuses nobody.
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/verify.py");
    let python = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let python = String::from_utf8(python.unwrap().stdout).unwrap();
    let mut alone = Command::new(python.trim());
    let ran = alone.env("PATH", "").arg(script).arg("ledger").arg(&ledger).output().unwrap();
    let said =
        String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    let has_own = ran.status.code() == Some(0);
    assert!(has_own || said.contains("the program zstd is not installed"), "{said}");
    assert!(has_own || ran.status.code() == Some(2), "{said}");
}
