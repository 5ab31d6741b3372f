//! Signed heads against the log: what contradicts them, what is rotten, what nobody vouches for.

use std::fs;
use std::path::{Path, PathBuf};

use schwabot::audit::{Level, Report, Strength, Verdict, VerifyOptions, verify};
use schwabot::checkpoint::{KeyFile, Misbehaviour, Note, Policy, sign_head};
use schwabot::ledger::{SyncMode, WriterOptions};

use crate::support::keys::{Place, log_key};
use crate::support::notes::{self, Note as TestNote, options};
use crate::support::rechain::Forger;

/// A ledger of several small segments, signed once in its middle and once at its end.
struct Signed {
    place: Place,
    early: Note,
}

impl Signed {
    fn new() -> Self {
        let place = Place::new();
        append(&place.ledger(), 0..25);
        let early = sign(&place.ledger(), &place.key);
        append(&place.ledger(), 40..55);
        sign(&place.ledger(), &place.key);
        Self { place, early }
    }

    fn ledger(&self) -> PathBuf {
        self.place.ledger()
    }

    /// Writes another history of the same ledger, of this many records.
    fn another(&self, numbers: std::ops::Range<u64>) -> PathBuf {
        let other = self.place.dir.path().join("other");
        fs::create_dir_all(&other).unwrap();
        fs::copy(self.ledger().join("ledger.id"), other.join("ledger.id")).unwrap();
        append(&other, numbers);
        other
    }
}

fn small() -> WriterOptions {
    options(SyncMode::Always, 2048)
}

fn append(ledger: &Path, numbers: std::ops::Range<u64>) {
    notes::append(ledger, numbers, 2, &small());
}

fn sign(ledger: &Path, key: &KeyFile) -> Note {
    sign_head::<TestNote>(ledger, key, &small()).unwrap().note
}

fn check(ledger: &Path) -> Report {
    verify(ledger, &VerifyOptions::default()).unwrap()
}

fn check_against(ledger: &Path, note: &Note) -> Report {
    let options = VerifyOptions { against: Some(note.clone()), ..VerifyOptions::default() };
    verify(ledger, &options).unwrap()
}

fn check_policy(ledger: &Path, policy: &str) -> Report {
    let policy = Some(Policy::parse(policy.as_bytes()).unwrap());
    verify(ledger, &VerifyOptions { policy, ..VerifyOptions::default() }).unwrap()
}

#[test]
fn a_signed_ledger_is_intact_and_says_by_whom_and_how_far() {
    let signed = Signed::new();
    append(&signed.ledger(), 90..93);
    let report = check(&signed.ledger());
    assert_eq!(report.verdict(), Verdict::Intact);
    assert_eq!(report.unanchored, 6);
    let last = report.checkpoints.last().unwrap();
    assert_eq!((last.size, last.holds), (report.records - 6, Some(true)));
    assert_eq!(last.signed_by, ["example.com/bot"]);
    let strengths: Vec<(u64, u64, Strength)> =
        report.provable.iter().map(|range| (range.from, range.to, range.strength)).collect();
    let expected = [
        (0, report.records - 6, Strength::Signed),
        (report.records - 6, report.records, Strength::SelfConsistent),
    ];
    assert_eq!(strengths, expected);
}

#[test]
fn an_edited_record_below_a_checkpoint_exits_13_though_everything_is_chained_anew() {
    let signed = Signed::new();
    let original = Forger::read(&signed.ledger());
    let places = original.record_bytes_before(original.links.len());
    // The last frames are the CLOSE and the empty one before it; all records are below the end.
    for (place, (segment, offset)) in places.iter().enumerate() {
        let mut forger = original.clone();
        forger.flip(*segment, *offset, 1 << (place % 8));
        forger.rechain();
        forger.write();
        let report = check(&signed.ledger());
        assert_eq!(report.exit_code(), 13, "segment {segment}, byte {offset}: {report:?}");
    }
    original.write();
    assert_eq!(check(&signed.ledger()).exit_code(), 0);
}

#[test]
fn an_edited_frame_or_segment_header_up_to_an_anchor_is_found_though_chained_anew() {
    let signed = Signed::new();
    let original = Forger::read(&signed.ledger());
    // Two frames follow the last anchor's: an empty one that proves it, and CLOSE.
    let anchor = original.links.len() - 3;
    // Commit time, creation time, salt: nothing else limits what they may be.
    for (place, link) in original.links[..anchor].iter().enumerate() {
        let is_header = link.offset == 0;
        for field in if is_header { vec![48, 55, 184, 191] } else { vec![48, 55] } {
            let mut forger = original.clone();
            forger.flip(link.segment, link.offset + field, 1 << (place % 8));
            forger.rechain();
            forger.write();
            let code = check(&signed.ledger()).exit_code();
            assert_eq!(code, 13, "segment {}, byte {}", link.segment, link.offset + field);
        }
    }
    // Any other byte of a header breaks a rule as well, and rules are checked first.
    for link in &original.links[..anchor] {
        for field in 0..if link.offset == 0 { 192 } else { 88 } {
            let recomputed = if link.offset == 0 {
                (8..12).contains(&field) || (104..136).contains(&field)
            } else {
                field < 8 || (56..88).contains(&field)
            };
            if recomputed {
                continue;
            }
            let mut forger = original.clone();
            forger.flip(link.segment, link.offset + field, 0x01);
            forger.rechain();
            forger.write();
            let code = check(&signed.ledger()).exit_code();
            let place = format!("segment {}, byte {}", link.segment, link.offset + field);
            assert!([2, 11, 12, 13].contains(&code), "{place}: {code}");
        }
    }
    original.write();
}

#[test]
fn an_edit_above_every_checkpoint_is_not_found_and_the_report_says_how_much_that_is() {
    let signed = Signed::new();
    append(&signed.ledger(), 70..75);
    let mut forger = Forger::read(&signed.ledger());
    let places = forger.record_bytes_before(forger.links.len());
    let (segment, offset) = places[places.len() - 1];
    forger.flip(segment, offset, 1);
    forger.rechain();
    forger.write();
    let report = check(&signed.ledger());
    assert_eq!((report.exit_code(), report.unanchored), (0, 10));
}

#[test]
fn a_rotten_note_exits_14_and_is_told_from_a_contradicted_one() {
    let signed = Signed::new();
    let path = signed.ledger().join("checkpoint");
    let good = fs::read(&path).unwrap();
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 0x01;
        fs::write(&path, &bad).unwrap();
        let report = check(&signed.ledger());
        // The other file holds the same note, so a changed one is never all there is.
        let code = report.exit_code();
        assert_eq!(code, 14, "byte {place}: {:?}", report.findings);
    }
    fs::write(&path, &good).unwrap();
    assert_eq!(check(&signed.ledger()).exit_code(), 0);
}

#[test]
fn a_note_of_an_unknown_key_that_fits_is_passed_over_and_one_that_does_not_is_a_contradiction() {
    let signed = Signed::new();
    let stranger = log_key(&signed.place.dir.path().join("."), 9);
    let report = check(&signed.ledger());
    let last = report.checkpoints.last().unwrap().clone();
    let mut note = Note::parse(&fs::read(signed.ledger().join("checkpoint")).unwrap()).unwrap();
    note.sign(stranger.key(), 0);
    fs::write(signed.ledger().join("checkpoint"), note.to_string()).unwrap();
    assert_eq!(check(&signed.ledger()).exit_code(), 0, "one more signature of a stranger");
    let stranger_says = |origin: &str| {
        let origin = origin.to_owned();
        let lie = schwabot::checkpoint::Checkpoint { origin, size: last.size - 1, root: last.root };
        let mut note = Note::new(lie);
        note.sign(stranger.key(), 0);
        fs::write(signed.ledger().join("checkpoint"), note.to_string()).unwrap();
        check(&signed.ledger()).exit_code()
    };
    assert_eq!(stranger_says("example.com/bot"), 13);
    assert_eq!(stranger_says("elsewhere"), 14, "a checkpoint of another log accuses nobody");
}

#[test]
fn a_ledger_rolled_back_or_forked_is_found_by_the_head_that_somebody_kept() {
    let signed = Signed::new();
    let kept = fs::read(signed.ledger().join("checkpoint")).unwrap();
    let kept = Note::parse(&kept).unwrap();
    assert_eq!(check_against(&signed.ledger(), &signed.early).exit_code(), 0);
    assert_eq!(check_against(&signed.ledger(), &kept).exit_code(), 0);
    let shorter = signed.another(0..40);
    let report = check_against(&shorter, &kept);
    assert_eq!(report.exit_code(), 13);
    assert!(report.findings[0].what.contains("rolled back"), "{:?}", report.findings);
    fs::remove_dir_all(&shorter).unwrap();
    let forked = signed.another(1..80);
    let report = check_against(&forked, &kept);
    assert_eq!(report.exit_code(), 13);
    assert!(report.findings[0].what.contains("have root"), "{:?}", report.findings);
}

#[test]
fn a_fork_that_the_same_key_signed_gives_a_proof_that_stands_alone() {
    let signed = Signed::new();
    let forked = signed.another(1..80);
    // A second copy of the key, whose memory was thrown away.
    let copy = log_key(&signed.place.dir.path().join("."), 2);
    drop(copy);
    let second = tempfile::tempdir().unwrap();
    let key = log_key(second.path(), 1);
    sign(&forked, &key);
    let report = check_against(&forked, &signed.early);
    assert_eq!(report.exit_code(), 13);
    let proof = report.misbehaviour.expect("both heads are signed by one key");
    let proof = Misbehaviour::parse(proof.as_bytes()).unwrap();
    proof.verify(signed.place.key.key().verifier()).unwrap();
    let honest = Misbehaviour { newer: proof.older.clone(), ..proof.clone() };
    assert!(honest.verify(signed.place.key.key().verifier()).is_err());
}

#[test]
fn a_policy_wants_a_checkpoint_by_its_log_and_its_quorum() {
    let signed = Signed::new();
    let vkey = signed.place.key.key().verifier().to_string();
    let policy = format!("log {vkey}\nquorum none\n");
    assert_eq!(check_policy(&signed.ledger(), &policy).exit_code(), 0);
    let stranger = log_key(&signed.place.dir.path().join("."), 9);
    let other = format!("log {}\nquorum none\n", stranger.key().verifier());
    assert_eq!(check_policy(&signed.ledger(), &other).exit_code(), 14);
    fs::remove_dir_all(signed.ledger().join("checkpoints")).unwrap();
    fs::remove_file(signed.ledger().join("checkpoint")).unwrap();
    assert_eq!(check_policy(&signed.ledger(), &policy).exit_code(), 14);
    assert_eq!(check(&signed.ledger()).exit_code(), 0, "without a policy none is asked for");
}

#[test]
fn a_policy_or_an_older_head_cannot_be_checked_without_roots() {
    let signed = Signed::new();
    let options = VerifyOptions {
        against: Some(signed.early.clone()),
        level: Some(Level::Chain),
        ..VerifyOptions::default()
    };
    assert!(verify(&signed.ledger(), &options).is_err());
}

#[test]
fn a_damaged_ledger_is_called_damaged_and_not_rolled_back() {
    let signed = Signed::new();
    let mut forger = Forger::read(&signed.ledger());
    let places = forger.record_bytes_before(forger.links.len());
    let (segment, offset) = places[places.len() / 2];
    forger.flip(segment, offset, 1);
    forger.write();
    let report = check(&signed.ledger());
    assert_eq!(report.verdicts, [Verdict::Corrupt], "{:?}", report.findings);
    forger.flip(segment, offset, 1);
    forger.write();
    fs::remove_file(signed.ledger().join("segments/000000000001.seg")).unwrap();
    assert_eq!(check(&signed.ledger()).verdicts, [Verdict::Missing]);
}

#[test]
fn all_segments_since_a_reopening_cannot_be_removed_below_a_checkpoint() {
    let signed = Signed::new();
    let last = check(&signed.ledger()).segments - 1;
    fs::remove_file(signed.ledger().join(format!("segments/{last:012}.seg"))).unwrap();
    let report = check(&signed.ledger());
    assert_eq!(report.exit_code(), 13, "{:?}", report.findings);
}

#[test]
fn verify_changes_nothing_in_a_signed_ledger() {
    let signed = Signed::new();
    let list = |dir: &Path| -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut dirs = vec![dir.to_owned()];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(&dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    dirs.push(path);
                } else {
                    found.push((path.clone(), fs::read(&path).unwrap()));
                }
            }
        }
        found.sort();
        found
    };
    let before = list(&signed.ledger());
    check_against(&signed.ledger(), &signed.early);
    assert_eq!(list(&signed.ledger()), before);
}
