//! A witness: every answer of tlog-witness.

use schwabot::checkpoint::{
    Answer, Checkpoint, KeyKind, Note, PROOF_HASHES_MAX, Request, RequestError, SigningKey,
};
use schwabot::hash;

use crate::support::keys::key;
use crate::support::witness::{MemoryLog, ORIGIN, Place, ask, cosigned, note_file, witness_key};

/// The example of the document of C2SP.
const EXAMPLE: &str = "old 20852014\n\
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\
\n\
example.com/behind-the-sofa\n\
20852163\n\
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\
\n\
\u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/\
Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
\u{2014} example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+\
49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";
/// The same document's answer.
const EXAMPLE_ANSWER: &str = "\u{2014} witness.example/w1 CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+\
iP2ThYN5krrDJbR1HDnucjL39QsZTSvVjyQLrdk3DXDqI5G2HgLatVs0pWh6Up69HVOw==\n\
\u{2014} witness.example/w1 I7rEps0pvK2UqkS2gSpVUDhrhVtQV9lgF6pRrWAvjJHjyWpW7VcE3SiOlVlbQNt64\
vWhO+DlkL0+UfzuOBMh9ChdMkP1vi/lCAsmlw==\n\
\u{2014} witness.example/w2 AWui8Sk55XjYLOijihBjhqEH6nS1ndDymE0a+6idX7pLcnoB+dhnz0854aLZgrrKb\
YKA7nC3HNJhm/kWl7oJlqU3rXXvpysAdyP3wQ==\n";

#[test]
fn the_example_of_the_document_is_read_and_written_byte_for_byte() {
    let request = Request::parse(EXAMPLE.as_bytes()).unwrap();
    assert_eq!((request.old, request.proof.len()), (20_852_014, 4));
    assert_eq!(request.note.checkpoint().size, 20_852_163);
    assert_eq!(request.note.signatures.len(), 2);
    assert_eq!(request.to_string(), EXAMPLE);
    let lines = Note::parse_lines(EXAMPLE_ANSWER.as_bytes()).unwrap();
    let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, ["witness.example/w1", "witness.example/w1", "witness.example/w2"]);
    // Key id, time, signature.
    assert!(lines.iter().all(|line| line.signature.len() == 8 + 64));
    assert_eq!(lines.iter().map(ToString::to_string).collect::<String>(), EXAMPLE_ANSWER);
}

#[test]
fn what_is_no_request_is_a_400() {
    let place = Place::new();
    let witness = place.witness();
    let good = place.log.request(0, 5).to_string();
    let hash = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";
    let with_proof = |hashes: usize| format!("old 0\n{}{}", hash.repeat(hashes), &good[6..]);
    for bad in [
        String::new(),
        "old 0\n".to_owned(),
        good.replacen("old 0", "old 00", 1),
        good.replacen("old 0", "old -1", 1),
        good.replacen("old 0", "old  0", 1),
        good.replacen("old 0", "Old 0", 1),
        good.replacen("old 0", "old 18446744073709551616", 1),
        good.replacen("old 0\n", "old 0\r\n", 1),
        good.replacen("old 0\n", "old 0\nAAAA\n", 1),
        good.replacen("old 0\n", &format!("old 0\n {hash}"), 1),
        // Not the one encoding of these bytes.
        good.replacen("old 0\n", &format!("old 0\n{}", hash.replace("kaw=", "kax=")), 1),
        good.replacen("\n\n", "\n", 1),
        good.trim_end().to_owned(),
        with_proof(PROOF_HASHES_MAX + 1),
        good.clone() + "x",
        good.clone() + &"x".repeat(2 << 20),
        good.split_inclusive("\n").take(6).collect(),
    ] {
        let answer = witness.add_checkpoint(bad.as_bytes());
        let shown: String = bad.chars().take(80).collect();
        assert_eq!(answer.status, 400, "{shown:?}: {}", answer.body);
    }
    assert_eq!(witness.add_checkpoint(b"old 0\n\n\xff\n").status, 400);
    let longest = Request::parse(with_proof(PROOF_HASHES_MAX).as_bytes()).unwrap();
    assert_eq!(longest.proof.len(), 63);
    let parsed = Request::parse(with_proof(PROOF_HASHES_MAX + 1).as_bytes());
    assert!(matches!(parsed, Err(RequestError::Line { line: 65, .. })), "{parsed:?}");
    let larger = Request { old: 6, ..place.log.request(0, 5) };
    assert_eq!(ask(&witness, &larger).status, 400, "older than the checkpoint itself");
    assert!(!note_file(&place.state()).exists());
}

#[test]
fn an_unknown_log_is_a_404_and_one_that_nobody_trusted_signed_a_403() {
    let place = Place::new();
    let witness = place.witness();
    let request = place.log.request(0, 5);
    let elsewhere = key("example.com/other", KeyKind::Log, 1);
    let other =
        Checkpoint { origin: "example.com/other".into(), ..request.note.checkpoint().clone() };
    let mut note = Note::new(other);
    note.sign(&elsewhere, 0);
    assert_eq!(ask(&witness, &Request { note, ..request.clone() }).status, 404);
    // By a stranger under the same name, and by the witness itself.
    let mut note = Note::new(request.note.checkpoint().clone());
    note.sign(&key(ORIGIN, KeyKind::Log, 9), 0);
    note.sign(&witness_key(1), 5);
    assert_eq!(ask(&witness, &Request { note: note.clone(), ..request.clone() }).status, 403);
    // A known key's signature that is not good spoils a note that has a good one too.
    let mut note = request.note.clone();
    let mut bad = note.signatures[0].clone();
    bad.signature[10] ^= 1;
    note.signatures.push(bad);
    assert_eq!(ask(&witness, &Request { note, ..request.clone() }).status, 403);
    // Signatures of strangers beside a good one are passed over, and not kept.
    let mut note = request.note.clone();
    note.sign(&key(ORIGIN, KeyKind::Log, 9), 0);
    note.sign(&witness_key(2), 5);
    note.signatures.push(note.signatures[0].clone());
    let answer = ask(&witness, &Request { note: note.clone(), ..request });
    cosigned(&answer, &note);
    let kept = Note::parse(&std::fs::read(note_file(&place.state())).unwrap()).unwrap();
    let names: Vec<&str> = kept.signatures.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, [ORIGIN, "witness.example/w1"]);
}

#[test]
fn a_log_is_followed_step_by_step_and_each_other_step_is_a_409_with_the_size() {
    let place = Place::new();
    let witness = place.witness();
    let conflict = |size: u64| Answer {
        status: 409,
        content_type: "text/x.tlog.size",
        body: format!("{size}\n"),
    };
    assert_eq!(ask(&witness, &place.log.request(3, 5)), conflict(0));
    let mut last = 0;
    for size in [0, 0, 1, 2, 5, 5, 8, 64, 65, 255, 256, 300] {
        let request = place.log.request(last, size);
        assert_eq!(cosigned(&ask(&witness, &request), &request.note), 1, "never zero");
        for other in [0, 4, last, size + 1].into_iter().filter(|old| *old != size) {
            let request = place.log.request(other, 300);
            let answer = ask(&witness, &request);
            if other <= 300 {
                assert_eq!(answer, conflict(size), "from {other} after {size}");
            }
        }
        last = size;
    }
}

#[test]
fn a_proof_that_does_not_hold_is_a_422() {
    let place = Place::new();
    let witness = place.witness();
    let log = &place.log;
    let refused = |request: &Request| {
        let before = std::fs::read(note_file(&place.state())).ok();
        assert_eq!(ask(&witness, request).status, 422, "{request}");
        assert_eq!(std::fs::read(note_file(&place.state())).ok(), before);
    };
    let hash = hash::sha256(b"x");
    refused(&Request { proof: vec![hash], ..log.request(0, 7) });
    let mut note = Note::new(Checkpoint { origin: ORIGIN.into(), size: 0, root: hash });
    note.sign(&log.key(), 0);
    refused(&Request { old: 0, proof: Vec::new(), note });
    let request = log.request(0, 7);
    cosigned(&ask(&witness, &request), &request.note);
    let fork = MemoryLog::new(300, 1 << 40);
    refused(&fork.request(7, 20));
    // The same size with another root, and with a proof where none belongs.
    refused(&fork.request(7, 7));
    refused(&Request { proof: vec![hash], ..log.request(7, 7) });
    let good = log.request(7, 20);
    for place in 0..good.proof.len() {
        let mut bad = good.clone();
        bad.proof[place].0[5] ^= 1;
        refused(&bad);
        let mut short = good.clone();
        short.proof.remove(place);
        refused(&short);
        let mut long = good.clone();
        long.proof.insert(place, hash);
        refused(&long);
    }
    cosigned(&ask(&witness, &good), &good.note);
}

#[test]
fn monitors_read_the_newest_note_with_its_cosignature() {
    let place = Place::new();
    let witness = place.witness();
    let id = hash::sha256(ORIGIN.as_bytes()).to_string();
    assert_eq!(witness.checkpoint(&id).status, 404);
    for (old, size) in [(0, 9), (9, 31)] {
        let request = place.log.request(old, size);
        cosigned(&ask(&witness, &request), &request.note);
        let answer = witness.checkpoint(&id);
        assert_eq!(answer.status, 200);
        let note = Note::parse(answer.body.as_bytes()).unwrap();
        assert_eq!(note.checkpoint(), request.note.checkpoint());
        let keys = [place.log.key(), witness_key(1)];
        assert_eq!(note.signed_by(keys.iter().map(SigningKey::verifier)).unwrap().len(), 2);
    }
    for other in [&id.to_uppercase(), &id[..63], "", "../../etc/passwd"] {
        assert_eq!(witness.checkpoint(other).status, 404, "{other}");
    }
}
