//! Keys, notes and policies: known answers, refusals, and agreement with other implementations.

use proptest::prelude::*;
use schwabot::checkpoint::{
    Checkpoint, KeyError, KeyKind, Note, NoteError, Policy, PolicyError, SigningKey, VerifierKey,
};
use schwabot::hash;

use crate::support::cases;
use crate::support::keys::key;

/// The example of the package documentation of Go's `sumdb/note`.
const GO_VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_SKEY: &str =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                       then you don't know what your problem is.\n";
const GO_SIGNATURE: &str = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqf\
                            qdngotpRZb6KE6RyyBwJnAM=";

fn base64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

fn checkpoint(size: u64) -> Checkpoint {
    let root = hash::sha256(&size.to_le_bytes());
    Checkpoint { origin: "example.com/bot".to_owned(), size, root }
}

fn signed(size: u64, keys: &[&SigningKey]) -> Note {
    let mut note = Note::new(checkpoint(size));
    keys.iter().for_each(|key| note.sign(key, 1_700_000_000));
    note
}

#[test]
fn the_published_example_key_is_read_and_written_and_its_signature_is_good() {
    let key: VerifierKey = GO_VKEY.parse().unwrap();
    assert_eq!((key.name(), key.kind()), ("PeterNeumann", KeyKind::Log));
    assert_eq!(key.to_string(), GO_VKEY);
    let signature = base64(GO_SIGNATURE);
    assert_eq!(signature[..4], key.id());
    assert!(key.signed(GO_TEXT.as_bytes(), &signature[4..]));
    assert!(!key.signed(GO_TEXT.to_uppercase().as_bytes(), &signature[4..]));
    let private = SigningKey::from_private_text(GO_SKEY).unwrap();
    assert_eq!(private.verifier(), &key);
    assert_eq!(private.to_private_text().trim_end(), GO_SKEY);
}

#[test]
fn a_private_key_is_never_shown_and_no_error_repeats_it() {
    let private = SigningKey::from_private_text(GO_SKEY).unwrap();
    let secret = "AYEKFALVFGyNhPJEMzD1QIDr";
    assert!(!format!("{private:?}").contains(secret));
    for bad in [GO_SKEY.replace("PRIVATE", "PRIVAT"), GO_SKEY.replace("c74f", "c74e")] {
        let error = SigningKey::from_private_text(&bad).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(secret), "{error}");
    }
}

#[test]
fn a_key_text_with_any_other_character_is_no_key_or_another_key() {
    let key: VerifierKey = GO_VKEY.parse().unwrap();
    for place in 0..GO_VKEY.len() {
        for other in ["A", "b", "0", "+", " ", "/", "="] {
            let mut text = GO_VKEY.to_owned();
            text.replace_range(place..=place, other);
            let same = text == GO_VKEY;
            assert_eq!(text.parse() == Ok(key.clone()), same, "{text}");
        }
    }
}

#[test]
fn names_and_types_that_a_note_cannot_hold_are_refused() {
    for name in ["", "two words", "plus+sign", "new\nline", "nbsp\u{a0}"] {
        let made = SigningKey::from_seed(name, KeyKind::Log, &[7; 32]);
        assert!(matches!(made, Err(KeyError::Name { .. })), "{name:?}");
    }
    // Type 0x02, an ECDSA key.
    let text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    assert!(text.parse::<VerifierKey>().is_ok());
    let other = text.replace("+Ac4z", "+As4z");
    assert!(matches!(other.parse::<VerifierKey>(), Err(KeyError::Kind { kind: 0x02, .. })));
}

#[test]
fn a_note_is_what_other_implementations_read_and_verify() {
    let (log, other) = (key("example.com/bot", KeyKind::Log, 1), key("other", KeyKind::Log, 2));
    let ours = signed(12_345, &[&log, &other]);
    let theirs = signed_note::Note::from_bytes(ours.to_string().as_bytes()).unwrap();
    let verifier = signed_note::StandardVerifier::new(&log.verifier().to_string()).unwrap();
    let known = signed_note::VerifierList::new(vec![Box::new(verifier)]);
    let (good, unknown) = theirs.verify(&known).unwrap();
    assert_eq!((good.len(), unknown.len()), (1, 1));
    assert_eq!(theirs.to_bytes(), ours.to_string().into_bytes());
    let read = tlog_tiles::Checkpoint::from_bytes(theirs.text()).unwrap();
    assert_eq!((read.origin(), read.size()), ("example.com/bot", 12_345));
    assert_eq!(read.hash().0, checkpoint(12_345).root.0);
}

#[test]
fn a_note_that_another_implementation_signed_is_read_and_verified() {
    let key = key("example.com/bot", KeyKind::Log, 3);
    let hash = tlog_tiles::Hash(checkpoint(70_000).root.0);
    let text = tlog_tiles::Checkpoint::new("example.com/bot", 70_000, hash, "").unwrap();
    let mut theirs = signed_note::Note::new(&text.to_bytes(), &[]).unwrap();
    let signer = signed_note::StandardSigner::new(key.to_private_text().trim_end()).unwrap();
    theirs.add_sigs(&[&signer]).unwrap();
    let ours = Note::parse(&theirs.to_bytes()).unwrap();
    assert_eq!(ours.checkpoint(), &checkpoint(70_000));
    assert_eq!(ours.signed_by([key.verifier()]).unwrap().len(), 1);
    assert_eq!(ours, signed(70_000, &[&key]), "one key and text have one signature");
}

#[test]
fn a_cosignature_states_its_time_and_is_over_the_published_message() {
    let witness = key("witness.example/w1", KeyKind::Cosigner, 4);
    let note = signed(9, &[&key("example.com/bot", KeyKind::Log, 1), &witness]);
    let line = &note.signatures[1];
    assert_eq!(line.signature[..8], 1_700_000_000_u64.to_be_bytes());
    let message = format!("cosignature/v1\ntime 1700000000\n{}", checkpoint(9));
    assert!(witness.verifier().signed(message.as_bytes(), &line.signature[8..]));
    let seen = note.signed_by([witness.verifier()]).unwrap();
    assert_eq!(seen[0].seconds, Some(1_700_000_000));
    // The same bytes as a log's signature are none: the type is in the key id.
    let as_log = key("witness.example/w1", KeyKind::Log, 4);
    assert!(note.signed_by([as_log.verifier()]).unwrap().is_empty());
}

#[test]
fn a_public_logs_checkpoint_and_a_public_witnesss_cosignature_are_good() {
    // The staging log arche2025h1 and the witness remora.n621.de, as both publish them.
    let log = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+\
               AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f";
    let witness = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
    let text = "arche2025h1.staging.ct.transparency.dev\n1432088532\n\
        U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n\n\
        \u{2014} arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lef\
        whUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n\
        \u{2014} remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVC\
        IobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==\n";
    let keys: [VerifierKey; 2] = [log, witness].map(|key| key.parse().unwrap());
    assert_eq!(keys.each_ref().map(VerifierKey::kind), [KeyKind::Log, KeyKind::Cosigner]);
    let note = Note::parse(text.as_bytes()).unwrap();
    assert_eq!(note.to_string(), text);
    let good = note.signed_by(&keys).unwrap();
    assert_eq!(
        good.iter().map(|signed| signed.seconds.is_some()).collect::<Vec<_>>(),
        [false, true]
    );
    let later = Note::parse(text.replace("\n1432", "\n1433").as_bytes()).unwrap();
    assert!(later.signed_by(&keys[1..]).is_err());
    let policy = format!("log {log}\nwitness w {witness}\nquorum w\n");
    assert_eq!(Policy::parse(policy.as_bytes()).unwrap().judge(&note).unwrap().witnesses.len(), 1);
}

#[test]
fn a_checkpoint_that_is_not_written_the_one_way_is_refused() {
    let good = signed(12, &[&key("example.com/bot", KeyKind::Log, 1)]).to_string();
    let cases = [
        ("\n12\n", "\n012\n", "leading zero"),
        ("\n12\n", "\n+12\n", "sign"),
        ("\n12\n", "\n\n", "no size"),
        ("\n12\n", "\n99999999999999999999\n", "beyond u64"),
        ("=\n\n", "\n\n", "unpadded root"),
        ("\n\n\u{2014}", "\n\u{2014}", "no empty line"),
        ("\u{2014} ", "- ", "no em dash"),
        ("example.com/bot\n", "example com/bot\n", "origin with a space"),
        ("\n\n\u{2014}", "\n\u{1b}[2J\n\n\u{2014}", "control characters"),
        ("\n12\n", "\r\n12\n", "carriage return"),
    ];
    for (from, to, why) in cases {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{why}");
        assert!(Note::parse(bad.as_bytes()).is_err(), "{why}");
    }
    assert!(Note::parse(good.trim_end().as_bytes()).is_err(), "no newline at the end");
    assert!(Note::parse(&[0xff; 40]).is_err(), "no UTF-8");
    let extended = good.replacen("\n\n\u{2014}", "\nextension\n\n\u{2014}", 1);
    assert_eq!(Note::parse(extended.as_bytes()).unwrap().checkpoint().size, 12);
}

#[test]
fn a_note_with_sixteen_signatures_is_read_and_one_with_hundreds_is_not() {
    let keys: Vec<SigningKey> =
        (1..=16).map(|seed| key(&format!("signer-{seed}"), KeyKind::Log, seed)).collect();
    let note = signed(5, &keys.iter().collect::<Vec<_>>());
    assert_eq!(Note::parse(note.to_string().as_bytes()).unwrap(), note);
    let line = note.signatures[0].to_string();
    let many = format!("{note}{}", line.repeat(400));
    assert_eq!(Note::parse(many.as_bytes()), Err(NoteError::TooLong));
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_note_with_any_byte_changed_is_unreadable_or_unsigned(place in 0_usize..400, bit in 0_u8..8) {
        let log = key("example.com/bot", KeyKind::Log, 1);
        let note = signed(123_456, &[&log]).to_string();
        let mut bytes = note.into_bytes();
        let place = place % bytes.len();
        bytes[place] ^= 1 << bit;
        let good = Note::parse(&bytes).and_then(|note| note.signed_by([log.verifier()]));
        prop_assert!(good.is_err() || good.is_ok_and(|good| good.is_empty()));
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        drop((Note::parse(&bytes), Policy::parse(&bytes)));
        let text = String::from_utf8_lossy(&bytes);
        drop((text.parse::<VerifierKey>(), SigningKey::from_private_text(&text)));
    }
}

/// A log, three witnesses, and a policy over them.
struct Parties {
    log: SigningKey,
    witnesses: Vec<SigningKey>,
}

impl Parties {
    fn new() -> Self {
        let witness = |seed| key(&format!("w{seed}.example"), KeyKind::Cosigner, seed);
        Self {
            log: key("example.com/bot", KeyKind::Log, 1),
            witnesses: (2..=4).map(witness).collect(),
        }
    }

    fn policy(&self, rules: &str) -> Result<Policy, String> {
        let mut text = format!("# whom to believe\n log {}\n\n", self.log.verifier());
        for (place, witness) in self.witnesses.iter().enumerate() {
            let url = format!("https://{}/", witness.verifier().name());
            text += &format!("witness w{place}\t{} {url}\n", witness.verifier());
        }
        Policy::parse((text + rules).as_bytes()).map_err(|error| error.to_string())
    }

    /// Is a checkpoint that the log and these witnesses signed good enough?
    fn meets(&self, policy: &Policy, witnesses: &[usize]) -> bool {
        let mut keys = vec![&self.log];
        keys.extend(witnesses.iter().map(|place| &self.witnesses[*place]));
        policy.judge(&signed(8, &keys)).is_ok()
    }
}

#[test]
fn a_quorum_counts_the_members_of_its_groups() {
    let parties = Parties::new();
    let two = parties.policy("group g 2 w0 w1 w2\nquorum g\n").unwrap();
    assert!(parties.meets(&two, &[0, 2]) && parties.meets(&two, &[0, 1, 2]));
    assert!(!parties.meets(&two, &[1]) && !parties.meets(&two, &[]));
    let nested = parties.policy("group any1 any w0 w1\ngroup both all any1 w2\nquorum both\n");
    let nested = nested.unwrap();
    assert!(parties.meets(&nested, &[1, 2]));
    assert!(!parties.meets(&nested, &[0, 1]) && !parties.meets(&nested, &[2]));
    let one = parties.policy("quorum w1\n").unwrap();
    assert!(parties.meets(&one, &[1]) && !parties.meets(&one, &[0, 2]));
    assert!(parties.meets(&parties.policy("quorum none\n").unwrap(), &[]));
    let met = two.judge(&signed(8, &[&parties.log, &parties.witnesses[0], &parties.witnesses[2]]));
    let met = met.unwrap();
    let seen = 1_700_000_000;
    assert_eq!(met.witnesses, [("w0".to_owned(), seen), ("w2".to_owned(), seen)]);
    assert_eq!(met.witnesses_listed, 3);
}

#[test]
fn no_log_of_the_policy_or_a_bad_signature_is_told_apart() {
    let parties = Parties::new();
    let policy = parties.policy("quorum none\n").unwrap();
    let stranger = key("example.com/bot", KeyKind::Log, 99);
    assert_eq!(policy.judge(&signed(8, &[&stranger])), Err(PolicyError::NoLog));
    let mut rotten = signed(8, &[&parties.log, &parties.witnesses[0]]);
    rotten.signatures[1].signature[20] ^= 1;
    let bad = NoteError::Signature { name: "w2.example".to_owned() };
    assert_eq!(policy.judge(&rotten), Err(PolicyError::Note(bad)));
    let mut other = Note::new(Checkpoint { origin: "elsewhere".to_owned(), ..checkpoint(8) });
    other.sign(&parties.log, 0);
    assert!(matches!(policy.judge(&other), Err(PolicyError::Origin { .. })));
}

#[test]
fn a_policy_that_breaks_a_rule_is_refused_with_its_line() {
    let parties = Parties::new();
    let again = parties.witnesses[0].verifier().to_string();
    let as_witness = parties.log.verifier().to_string();
    let cases = [
        ("", "no quorum line"),
        ("quorum none\nquorum w0\n", "second quorum"),
        ("quorum g\n", "`g` is defined by no line before"),
        ("group g 1 w9\nquorum g\n", "`w9` is defined by no line"),
        ("group g 4 w0 w1 w2\nquorum g\n", "4 of 3 members"),
        ("group g 0 w0\nquorum g\n", "0 of 1 members"),
        ("group g 01 w0\nquorum g\n", "expected all, any or a number"),
        ("group g all\nquorum g\n", "0 of 0 members"),
        ("group g any w0\ngroup h any w0\nquorum h\n", "member twice"),
        ("group g any w0 w0\nquorum g\n", "member twice"),
        ("group w1 any w0\nquorum w1\n", "name `w1` is taken"),
        ("group none any w0\nquorum none\n", "name `none` is taken"),
        (&format!("witness again {again}\nquorum none\n"), "listed twice"),
        (&format!("witness log {as_witness}\nquorum none\n"), "not a cosigner's"),
        ("trust me\nquorum none\n", "expected log KEY"),
        ("quorum none\u{7}\n", "control character"),
    ];
    for (rules, expected) in cases {
        let error = parties.policy(rules).unwrap_err();
        assert!(error.contains(expected), "{rules:?}: {error}");
        let line = if rules.is_empty() { "the policy has" } else { "line " };
        assert!(error.starts_with(line), "{error}");
    }
}
