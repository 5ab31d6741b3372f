//! Texts that convince: notes, receipts, requests, proofs, policies, keys.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use schwabot::checkpoint::{
    Checkpoint, Consistency, KeyKind, Misbehaviour, Note, Policy, Receipt, Request, SigningKey,
    VerifierKey, Witness,
};
use schwabot::hash::{self, Digest};
use schwabot::merkle::CompactRange;

use super::ledgers::log_key;
use crate::support::dice::SeededHost;
use crate::support::sim_disk::SimDisk;

/// Leaves of the log that the seeds are about.
pub(super) const LEAVES: u64 = 12;

/// The key that cosigns.
pub(super) fn witness_key() -> SigningKey {
    SigningKey::from_seed("witness.example/w", KeyKind::Cosigner, &[2; 32]).unwrap()
}

/// The record at a place of that log.
pub(super) fn record_at(place: u64) -> Vec<u8> {
    format!("record number {place}").into_bytes()
}

/// The root over its first records.
pub(super) fn root_of(size: u64) -> Digest {
    let mut tree = CompactRange::new(0);
    (0..size).for_each(|place| tree.push(hash::leaf(&record_at(place))));
    tree.root().unwrap()
}

/// Every tree that the log's key ever signed, for the seeds.
fn was_signed(checkpoint: &Checkpoint) -> bool {
    let Checkpoint { origin, size, root } = checkpoint;
    let honest = *size <= LEAVES && root_of(*size) == *root;
    // The seeds hold one proof against an operator, with this other tree.
    let forked = *root == hash::leaf(b"another history");
    origin == "example.com/bot" && (honest || forked)
}

/// A note is the text that it was read as, and a signature is good only for what was signed.
pub(super) fn note(bytes: &[u8]) -> bool {
    if let Ok(lines) = Note::parse_lines(bytes)
        && lines.len() < schwabot::checkpoint::SIGNATURES_MAX
    {
        let again: String = lines.iter().map(ToString::to_string).collect();
        assert_eq!(again.as_bytes(), bytes, "signature lines have one text");
    }
    let Ok(note) = Note::parse(bytes) else { return false };
    let text = note.to_string();
    assert_eq!(text.as_bytes(), bytes, "a note has one text");
    assert_eq!(Note::parse(text.as_bytes()), Ok(note.clone()));
    // C2SP refuses those below a space; DEL and its like are kept off the terminal, not out of notes.
    assert!(!text.chars().any(|c| c < ' ' && c != '\n'), "a note is text");
    let (log, witness) = (log_key(), witness_key());
    if let Ok(signed) = note.signed_by([log.verifier(), witness.verifier()])
        && !signed.is_empty()
    {
        assert!(was_signed(note.checkpoint()), "a signature over what was never signed");
    }
    true
}

fn policy_of_log() -> &'static Policy {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    POLICY.get_or_init(|| Policy::of_log(log_key().verifier().clone()))
}

/// A receipt is the text that it was read as, and what it proves is so.
pub(super) fn receipt(bytes: &[u8]) -> bool {
    let Ok(receipt) = Receipt::parse(bytes) else { return false };
    let text = receipt.to_string();
    assert_eq!(text.as_bytes(), bytes, "a receipt has one text");
    assert_eq!(Receipt::parse(text.as_bytes()), Ok(receipt.clone()));
    if receipt.verify(policy_of_log()).is_ok() {
        assert_eq!(receipt.record, record_at(receipt.sequence), "a record that is not there");
        assert!(receipt.sequence < LEAVES);
    }
    true
}

/// A witness cosigns only what its log signed, and only what continues what it cosigned last.
pub(super) fn witness(bytes: &[u8]) -> bool {
    let request = Request::parse(bytes);
    if let Ok(request) = &request {
        assert_eq!(request.to_string().as_bytes(), bytes, "a request has one text");
    }
    let disk = Arc::new(SimDisk::new());
    let (state, host) = (PathBuf::from("/disk/state"), Arc::new(SeededHost::new(1)));
    let logs = vec![log_key().verifier().clone()];
    let witness = Witness::open(witness_key(), logs, &state, disk, host).unwrap();
    let answer = witness.add_checkpoint(bytes);
    if answer.status == 200 {
        let request = request.expect("only a request is answered with a signature");
        let checkpoint = request.note.checkpoint();
        assert!(was_signed(checkpoint), "cosigned what the log did not sign");
        assert_eq!(request.old, 0);
        let lines = Note::parse_lines(answer.body.as_bytes()).unwrap();
        assert_eq!(lines.len(), 1);
        // Another tree of the same size is refused from now on, and a smaller one.
        let again = witness.add_checkpoint(bytes);
        assert!(again.status == 409 || (again.status == 200 && checkpoint.size == 0));
        return true;
    }
    assert!((400..500).contains(&answer.status), "{answer:?}");
    let text: String = answer.body.lines().collect();
    assert!(text.chars().all(|c| c >= ' '), "an answer repeats no control character");
    request.is_ok()
}

/// Proofs of consistency and of misbehaviour.
pub(super) fn proof(bytes: &[u8]) -> bool {
    if let Ok(text) = str::from_utf8(bytes)
        && let Some(proof) = Consistency::parse(text)
    {
        assert_eq!(proof.to_string(), text, "a proof has one text");
        if proof.verify().is_ok() && proof.to == (LEAVES, root_of(LEAVES)) {
            let (size, root) = proof.from;
            assert!(size <= LEAVES && root == root_of(size), "a tree that it does not begin with");
        }
        return true;
    }
    let Ok(proof) = Misbehaviour::parse(bytes) else { return false };
    assert_eq!(proof.to_string().as_bytes(), bytes, "a proof has one text");
    if proof.verify(log_key().verifier()).is_ok() {
        let (older, newer) = (proof.older.checkpoint(), proof.newer.checkpoint());
        assert!(was_signed(older) && was_signed(newer));
        let honest = |it: &Checkpoint| it.root == root_of(it.size);
        assert!(!(honest(older) && honest(newer)), "two trees of one log are no misbehaviour");
    }
    true
}

/// A policy is met only by who it names.
pub(super) fn policy(bytes: &[u8]) -> bool {
    let Ok(policy) = Policy::parse(bytes) else { return false };
    let text = str::from_utf8(bytes).unwrap();
    for key in policy.keys() {
        assert!(text.contains(&key.to_string()), "a key that is not in the file");
    }
    let checkpoint = Checkpoint { origin: "example.com/bot".to_owned(), size: 3, root: root_of(3) };
    let mut note = Note::new(checkpoint);
    note.sign(&log_key(), 0);
    let alone = policy.judge(&note);
    note.sign(&witness_key(), 1_700_000_000);
    let both = policy.judge(&note);
    for met in [&alone, &both].into_iter().flatten() {
        assert!(policy.logs().iter().any(|log| log.key == *log_key().verifier()));
        assert!(met.witnesses.len() <= met.witnesses_listed);
        assert_eq!(met.witnesses_listed, policy.witnesses().len());
    }
    assert!(alone.is_err() || both.is_ok(), "one more signature never makes it worse");
    true
}

/// Keys are the texts that they were read as; a key file opens what its key sealed.
pub(super) fn key(bytes: &[u8]) -> bool {
    let mut understood = subject_key(bytes);
    let Ok(text) = str::from_utf8(bytes) else { return understood };
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text, "a key has one text");
        understood = true;
    }
    if let Ok(key) = SigningKey::from_private_text(text) {
        let line = text.strip_suffix('\n').unwrap_or(text);
        assert_eq!(key.to_private_text().trim_end_matches('\n'), line, "a key has one text");
        assert_eq!(key.verifier().to_string().parse().as_ref(), Ok(key.verifier()));
        understood = true;
    }
    understood
}

/// Any bytes as the key file of a subject.
fn subject_key(bytes: &[u8]) -> bool {
    use schwabot::erasure::KeyRing;
    use schwabot::event::SubjectId;
    use schwabot::ledger::disk::Disk as _;
    let disk = SimDisk::new();
    let (dir, subject) = (PathBuf::from("/disk/keys"), SubjectId([7; 16]));
    disk.create_dir(&dir).unwrap();
    let path = dir.join(format!("{subject}.subject"));
    disk.create(&path).unwrap().write_at(bytes, 0).unwrap();
    let host = Arc::new(SeededHost::new(1));
    let ring = KeyRing::open(Arc::new(disk.clone()), host, &dir).unwrap();
    let held = matches!(ring.key(&subject), Ok(Some(_)));
    if held {
        let text = str::from_utf8(bytes).unwrap();
        let name = text.lines().nth(2).unwrap();
        assert!(!name.contains(char::is_control));
        let sealed = ring.seal(&subject, "field", b"plain").unwrap();
        let opened = ring.try_open(&subject, "field", &sealed).unwrap().plain();
        assert_eq!(opened.as_deref(), Some(b"plain".as_slice()));
        assert!(ring.find_by_name(text.split('\n').nth(2).unwrap()).unwrap() == Some(subject));
    }
    ring.destroy(&subject).unwrap();
    assert!(!disk.state().files().contains_key(path.to_str().unwrap()), "it is gone");
    held
}
