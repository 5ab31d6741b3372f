//! Asking witnesses: what is sent, what is believed, who is asked again, and what is kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schwabot::audit::{Strength, VerifyOptions, verify};
use schwabot::checkpoint::{
    Asked, KeyFile, KeyKind, Note, Policy, WitnessAnswer, WitnessState, ask_witnesses, newest_note,
    sign_head,
};
use schwabot::ledger::disk::RealDisk;
use schwabot::ledger::{Reader, SyncMode, Writer, WriterOptions};

use crate::support::TestResult;
use crate::support::cli::{self, run};
use crate::support::keys::{key_file, log_key};
use crate::support::notes::{Note as TestNote, options, step};
use crate::support::witness::{MemoryLog, Net, Stand, ask, witness, witness_key};

/// A signed ledger and the policy that names three witnesses, two of whom are enough.
struct Place {
    dir: tempfile::TempDir,
    key: KeyFile,
}

fn small() -> WriterOptions {
    options(SyncMode::End, 4096)
}

impl Place {
    fn with(numbers: std::ops::Range<u64>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = log_key(dir.path(), 1);
        let place = Self { dir, key };
        place.append(numbers);
        place
    }

    fn ledger(&self) -> PathBuf {
        self.dir.path().join("ledger")
    }

    fn append(&self, numbers: std::ops::Range<u64>) {
        let mut writer: Writer<TestNote> = Writer::open(&self.ledger(), &small()).unwrap();
        for number in numbers {
            writer.append(&step(&[number])).unwrap();
        }
        writer.close().unwrap();
    }

    fn sign(&self) -> Note {
        sign_head::<TestNote>(&self.ledger(), &self.key, &small()).unwrap().note
    }

    fn policy_text(&self) -> String {
        let mut text = format!("log {}\n", self.key.key().verifier());
        for number in 1..=3 {
            let key = witness_key(number);
            text += &format!("witness w{number} {} http://w{number}/\n", key.verifier());
        }
        text + "group two 2 w1 w2 w3\nquorum two\n"
    }

    fn policy(&self) -> Policy {
        Policy::parse(self.policy_text().as_bytes()).unwrap()
    }

    fn ask(&self, note: &Note, net: &Net) -> Asked {
        let reader: Reader<TestNote> = Reader::open(&self.ledger()).unwrap();
        ask_witnesses(&reader, note, &self.policy(), net).unwrap()
    }

    /// A witness with its state beside the ledger.
    fn witness(&self, number: u8) -> Stand {
        let state = self.dir.path().join(format!("w{number}"));
        Stand::Witness(Box::new(witness(number, &state, Arc::new(RealDisk))))
    }

    /// Signs and asks with only the first witness there, who answers as scripted.
    fn ask_script(&self, answers: Vec<Result<(u16, Vec<u8>), String>>) -> (Asked, Net) {
        let net = Net::new(vec![("http://w1/add-checkpoint", Stand::Script(answers))]);
        let note = self.sign();
        (self.ask(&note, &net), net)
    }
}

fn refused(state: &WitnessState) -> (u16, &str) {
    match &state.answer {
        WitnessAnswer::Refused { status, text } => (*status, text),
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_of_three_witnesses_meet_the_quorum_and_the_audit_says_so() {
    let place = Place::with(0..30);
    let net = Net::new(vec![
        ("http://w1/add-checkpoint", place.witness(1)),
        ("http://w3/add-checkpoint", place.witness(3)),
    ]);
    let note = place.sign();
    let asked = place.ask(&note, &net);
    assert!(asked.saved);
    let answers: Vec<&WitnessAnswer> = asked.witnesses.iter().map(|state| &state.answer).collect();
    let cosigned = WitnessAnswer::Cosigned { seconds: 1 };
    let away = WitnessAnswer::Away { why: "connection refused".to_owned() };
    assert_eq!(answers, [&cosigned, &away, &cosigned]);
    let seconds = |seconds| Duration::from_millis(seconds);
    assert_eq!(*net.waited.lock().unwrap(), [500, 1000, 2000].map(seconds), "one try and three");
    let met = place.policy().judge(&asked.note).unwrap();
    assert_eq!(met.witnesses, [("w1".to_owned(), 1), ("w3".to_owned(), 1)]);
    let reader: Reader<TestNote> = Reader::open(&place.ledger()).unwrap();
    let saved = newest_note(&RealDisk, reader.layout()).unwrap().unwrap();
    assert_eq!(saved, asked.note);
    assert_eq!(saved.signatures.len(), 3);
    let options = VerifyOptions { policy: Some(place.policy()), ..VerifyOptions::default() };
    let report = verify(&place.ledger(), &options).unwrap();
    assert_eq!(report.exit_code(), 0, "{:?}", report.findings);
    assert_eq!(report.provable[0].strength, Strength::Witnessed);
    let witnessed = report.provable[0].witnessed.unwrap();
    assert_eq!((witnessed.cosigned, witnessed.of), (2, 3));
}

#[test]
fn a_growing_log_states_what_each_witness_saw_last_and_proves_the_rest() {
    let place = Place::with(0..3);
    let net = Net::new(vec![("http://w1/add-checkpoint", place.witness(1))]);
    let mut sizes = vec![0];
    for (from, to) in [(3, 40), (40, 41), (41, 300), (300, 900)] {
        place.append(from..to);
        let note = place.sign();
        let asked = place.ask(&note, &net);
        assert!(matches!(asked.witnesses[0].answer, WitnessAnswer::Cosigned { .. }), "{asked:?}");
        sizes.push(note.checkpoint().size);
        // The second is away, and asked as one that saw nothing yet.
        let asked = std::mem::take(&mut *net.asked.lock().unwrap());
        let by = |url: &str| -> Vec<u64> {
            let at = asked.iter().filter(|(known, _)| known.starts_with(url));
            at.map(|(_, request)| request.old).collect()
        };
        assert_eq!(by("http://w1/"), [sizes[sizes.len() - 2]], "no second try was needed");
        assert_eq!(by("http://w2/"), [0; 4]);
    }
    // Nothing new: it cosigns the same once more, with a newer time.
    let again = place.ask(&place.sign(), &net);
    assert!(matches!(again.witnesses[0].answer, WitnessAnswer::Cosigned { .. }));
    assert_eq!(again.note.signatures.len(), 2, "one line a key");
    assert_eq!(net.olds()[0], *sizes.last().unwrap());
}

#[test]
fn a_proof_does_not_depend_on_what_lies_in_the_tiles() {
    let place = Place::with(0..700);
    let net = Net::new(vec![("http://w1/add-checkpoint", place.witness(1))]);
    let damages: [fn(&std::path::Path); 3] = [
        |tiles| std::fs::remove_dir_all(tiles).unwrap(),
        |tiles| std::fs::write(tiles.join("0/001"), [7; 8192]).unwrap(),
        |tiles| std::fs::write(tiles.join("0/002"), [7; 100]).unwrap(),
    ];
    for (round, damage) in (0..).zip(damages) {
        let asked = place.ask(&place.sign(), &net);
        assert!(matches!(asked.witnesses[0].answer, WitnessAnswer::Cosigned { .. }));
        place.append(700 + round * 300..1000 + round * 300);
        let note = place.sign();
        damage(&place.ledger().join("tile"));
        let asked = place.ask(&note, &net);
        assert!(
            matches!(asked.witnesses[0].answer, WitnessAnswer::Cosigned { .. }),
            "{round}: {:?}",
            asked.witnesses
        );
        // Signing completes tiles that are there; proving is what is looked at here.
        std::fs::remove_dir_all(place.ledger().join("tile")).unwrap_or_default();
    }
}

#[test]
fn a_409_is_followed_once_and_never_beyond_the_own_size() {
    // The witness saw more than the notes know: they were thrown away.
    let place = Place::with(0..50);
    let net = Net::new(vec![("http://w1/add-checkpoint", place.witness(1))]);
    place.ask(&place.sign(), &net);
    std::fs::remove_dir_all(place.ledger().join("checkpoints")).unwrap();
    std::fs::remove_file(place.ledger().join("checkpoint")).unwrap();
    place.append(50..90);
    let asked = place.ask(&place.sign(), &net);
    assert!(matches!(asked.witnesses[0].answer, WitnessAnswer::Cosigned { .. }));
    let olds: Vec<u64> = net.olds().into_iter().filter(|old| *old > 0).collect();
    assert_eq!(olds, [51]);
    // Sizes that are no help: two in a row, the same one, a larger one, none at all.
    let place = Place::with(0..50);
    let script = |bodies: &[&str]| -> Vec<Result<(u16, Vec<u8>), String>> {
        bodies.iter().map(|body| Ok((409, body.as_bytes().to_vec()))).collect()
    };
    for (bodies, tries, text) in [
        (&["20\n", "30\n", "40\n"][..], 2, "it still says that it cosigned 30 records"),
        (&["0\n"][..], 1, "it still says that it cosigned 0 records"),
        (&["52\n"][..], 1, "it says that it cosigned 52 records, and here are 51"),
        (&["20"][..], 1, "20"),
        (&["020\n"][..], 1, "020"),
        (&["another root\nmore"][..], 1, "another root"),
        (&[""][..], 1, ""),
    ] {
        let (asked, net) = place.ask_script(script(bodies));
        assert_eq!(refused(&asked.witnesses[0]), (409, text));
        let asked = net.asked.lock().unwrap();
        assert_eq!(asked.iter().filter(|(url, _)| url.starts_with("http://w1/")).count(), tries);
    }
}

#[test]
fn a_witness_that_saw_another_history_refuses_this_one() {
    let place = Place::with(0..50);
    let state = place.dir.path().join("w1");
    let elsewhere = witness(1, &state, Arc::new(RealDisk));
    assert_eq!(ask(&elsewhere, &MemoryLog::new(20, 0).request(0, 20)).status, 200);
    let net = Net::new(vec![("http://w1/add-checkpoint", Stand::Witness(Box::new(elsewhere)))]);
    let asked = place.ask(&place.sign(), &net);
    assert_eq!(refused(&asked.witnesses[0]).0, 422);
    assert_eq!(asked.note.signatures.len(), 1);
}

#[test]
fn what_fails_for_a_while_is_asked_again_and_what_is_refused_is_not() {
    let place = Place::with(0..10);
    let note = place.sign();
    let mut good = note.clone();
    good.sign(&witness_key(1), 77);
    let line = good.signatures[1].to_string().into_bytes();
    let down = || Ok((503, b"not now\nsecret".to_vec()));
    let broken = || Err("timeout".to_owned());
    let (asked, net) = place.ask_script(vec![down(), broken(), down(), Ok((200, line))]);
    assert_eq!(asked.witnesses[0].answer, WitnessAnswer::Cosigned { seconds: 77 });
    assert_eq!(net.waited.lock().unwrap().len(), 3 + 3 + 3, "two are away");
    let (asked, _) = place.ask_script(vec![broken(), broken(), broken(), down(), down()]);
    let away = WitnessAnswer::Away { why: "status 503: not now".to_owned() };
    assert_eq!(asked.witnesses[0].answer, away);
    for status in [201, 204, 301, 400, 403, 404, 422, 429] {
        let (asked, net) = place.ask_script(vec![Ok((status, b"no\n".to_vec()))]);
        assert_eq!(refused(&asked.witnesses[0]), (status, "no"));
        assert_eq!(net.waited.lock().unwrap().len(), 6);
    }
    let (asked, _) = place.ask_script(vec![Ok((400, "\u{e9}".repeat(5000).into_bytes()))]);
    assert_eq!(refused(&asked.witnesses[0]).1.chars().count(), 200);
}

#[test]
fn only_a_line_of_the_witness_own_key_over_this_note_is_believed() {
    let place = Place::with(0..10);
    let note = place.sign();
    let signed_by = |numbers: &[u8], mut note: Note| -> String {
        note.signatures.clear();
        numbers.iter().for_each(|number| note.sign(&witness_key(*number), 77));
        note.signatures.iter().map(ToString::to_string).collect()
    };
    let other = MemoryLog::new(10, 5).note(10);
    let zero = {
        let mut note = note.clone();
        note.signatures.clear();
        note.sign(&witness_key(1), 0);
        note.signatures[0].to_string()
    };
    let good = signed_by(&[1], note.clone());
    let foreign = signed_by(&[1], other);
    for bad in [
        String::new(),
        "\n".to_owned(),
        "ok\n".to_owned(),
        good.trim_end().to_owned(),
        signed_by(&[2], note.clone()),
        foreign.clone(),
        zero,
        // One that is good does not make up for one that is not.
        good.clone() + &foreign,
        note.to_string(),
        note.signatures[0].to_string(),
    ] {
        let (asked, _) = place.ask_script(vec![Ok((200, bad.clone().into_bytes()))]);
        assert_eq!(refused(&asked.witnesses[0]).0, 200, "{bad}");
        assert_eq!(asked.note, note, "nothing was taken from it");
    }
    // Lines of others beside the own one are left out, however good they are.
    let (asked, _) =
        place.ask_script(vec![Ok((200, signed_by(&[2, 1], note.clone()).into_bytes()))]);
    assert_eq!(asked.witnesses[0].answer, WitnessAnswer::Cosigned { seconds: 77 });
    let names: Vec<&str> = asked.note.signatures.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, ["example.com/bot", "witness.example/w1"]);
}

#[test]
fn a_witness_without_an_address_is_not_asked() {
    let place = Place::with(0..10);
    let text = place.policy_text().replace(" http://w2/", "");
    let policy = Policy::parse(text.as_bytes()).unwrap();
    let reader: Reader<TestNote> = Reader::open(&place.ledger()).unwrap();
    let net = Net::new(Vec::new());
    let asked = ask_witnesses(&reader, &place.sign(), &policy, &net).unwrap();
    assert_eq!(asked.witnesses[1].answer, WitnessAnswer::NoUrl);
    assert!(net.asked.lock().unwrap().iter().all(|(url, _)| !url.contains("w2")));
}

#[test]
fn the_program_signs_says_that_nobody_is_there_and_exits_14() -> TestResult {
    let place = cli::Place::new()?;
    let ledger = place.arg("ledger");
    assert_eq!(run(&["demo", "--cycles", "50", "--ledger", &ledger])?.code, Some(0));
    let key = log_key(&place.path(""), 1);
    let vkey = key.key().verifier();
    // A port that was free a moment ago, so that nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let witness = witness_key(1);
    let policy = |quorum: &str| {
        format!("log {vkey}\nwitness w1 {} http://{free}\nquorum {quorum}\n", witness.verifier())
    };
    let (strict, lax) =
        (place.write("strict", &policy("w1"))?, place.write("lax", &policy("none"))?);
    let key = place.arg("log-1.key");
    let ran = run(&["checkpoint", &ledger, "--key", &key, "--policy", &strict])?;
    assert_eq!(ran.code, Some(14), "{}", ran.err);
    assert!(ran.out.starts_with("signed "), "{}", ran.out);
    assert!(ran.out.contains("\nw1 is away: "), "{}", ran.out);
    assert!(ran.out.contains("\nthe policy is not met: "), "{}", ran.out);
    let saved = Note::parse(&std::fs::read(place.path("ledger").join("checkpoint"))?)?;
    assert_eq!(saved.signed_by([vkey])?.len(), 1, "the note is saved all the same");
    let args = ["checkpoint", &ledger, "--key", &key, "--policy", &lax, "--format", "json"];
    let ran = run(&args)?;
    let json = ran.json()?;
    assert_eq!((ran.code, json["policy_met"].as_bool()), (Some(0), Some(true)));
    assert_eq!(
        (&json["witnesses"][0]["name"], &json["witnesses"][0]["state"]),
        (&"w1".into(), &"away".into())
    );
    let ran = run(&["checkpoint", &ledger, "--key", &key, "--format", "json"])?;
    assert!(ran.json()?["witnesses"].is_null());
    Ok(())
}

#[test]
fn without_the_server_the_command_says_so() -> TestResult {
    let place = cli::Place::new()?;
    key_file(&place.path("w.key"), "witness.example/w1", KeyKind::Cosigner, 1);
    let log = MemoryLog::new(1, 0).key().verifier().to_string();
    let (key, state) = (place.arg("w.key"), place.arg("state"));
    let args = ["witness", "--key", &key, "--log", &log, "--state", &state, "--listen", "nowhere"];
    let ran = run(&args)?;
    assert_eq!(ran.code, Some(2), "that is no address");
    if cfg!(not(feature = "server")) {
        let ran = run(&args[..args.len() - 2])?;
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
        assert!(ran.err.contains("built without the `server` feature"), "{}", ran.err);
    }
    Ok(())
}
