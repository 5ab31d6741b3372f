//! Personal fields: sealed under a subject's key, and unreadable once that key is gone, while no
//! stored byte changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload as Message};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use schwabot::audit::{VerifyOptions, verify};
use schwabot::checkpoint::{Receipt, prove, sign_head};
use schwabot::erasure::{
    ErasureError, KeyRing, NAME_BYTES_MAX, SubjectKey, leave_note, records_under, shred,
    shredded_subjects,
};
use schwabot::event::{
    Event, OperatorNote, Sealed, SubjectId, SubjectShredded, SystemEvent, Vantage,
};
use schwabot::ledger::clock::{Host, Machine};
use schwabot::ledger::disk::{Disk, RealDisk};
use schwabot::ledger::{Entry, Reader, Writer, WriterOptions};
use schwabot::time::Timestamp;
use serde_json::{Value, json};

use crate::support::TestResult;
use crate::support::cli::{Place, record_bytes, records, run};
use crate::support::document::bytes_of_hex;
use crate::support::forge::write_run;
use crate::support::keys::log_key;
use crate::support::notes::{Note, options, step};
use crate::support::runs::{config, market};
use crate::support::sim_disk::{Call, Failure, SimDisk};

const SUNSCREEN: &str = "Ladies and Gentlemen of the class of '99: If I could offer you only one \
                         tip for the future, sunscreen would be it.";
const SUNSCREEN_SEALED: &str = "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb73\
                                1c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c\
                                9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f966\
                                4c97637da9768812f615c68b13b52e";

/// Dice that always show the bytes 0x40, 0x41, ...
struct Loaded;

impl Host for Loaded {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(0)
    }
    fn random(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        bytes.iter_mut().zip(0x40..).for_each(|(byte, value)| *byte = value);
        Ok(())
    }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|place| u8::from_str_radix(&text[2 * place..2 * place + 2], 16).unwrap())
        .collect()
}

fn vector_key() -> [u8; 32] {
    std::array::from_fn(|place| 0x80 + u8::try_from(place).unwrap())
}

fn ring_at(dir: &Path) -> Result<KeyRing, ErasureError> {
    KeyRing::open(Arc::new(RealDisk), Arc::new(Machine), dir)
}

/// A ledger of a run that trades.
fn ledger_at(path: &Path) {
    write_run(path, config("sma-cross", 2), &market(7, 2, 200));
}

fn writer_of(path: &Path) -> Writer<Event> {
    Writer::open(path, &WriterOptions { segment_bytes: 8192, ..WriterOptions::default() }).unwrap()
}

#[test]
fn the_cipher_answers_as_the_draft_says() {
    let nonce: [u8; 24] = std::array::from_fn(|place| 0x40 + u8::try_from(place).unwrap());
    let aad = bytes_of_hex("50 51 52 53 c0 c1 c2 c3 c4 c5 c6 c7");
    let cipher = XChaCha20Poly1305::new(&vector_key().into());
    let message = Message { msg: SUNSCREEN.as_bytes(), aad: &aad };
    let sealed = cipher.encrypt(&XNonce::from(nonce), message).unwrap();
    let tag = "c0875924c1c7987947deafd8780acf49";
    assert_eq!(sealed, hex(&format!("{SUNSCREEN_SEALED}{tag}")));
}

#[test]
fn a_field_is_sealed_as_another_implementation_seals_it() {
    // Made with HChaCha20 written out by hand and the ChaCha20-Poly1305 of OpenSSL.
    let (nonce, tag) =
        ("404142434445464748494a4b4c4d4e4f5051525354555657", "77d387112088599af5354c155b9aa9d2");
    let told = Sealed(hex(&format!("{nonce}{SUNSCREEN_SEALED}{tag}")));
    let (key, subject) = (SubjectKey::from_bytes(vector_key()), SubjectId([7; 16]));
    let sealed = key.seal(&Loaded, &subject, "operator_note.text", SUNSCREEN.as_bytes()).unwrap();
    assert_eq!(sealed, told);
    let opened = key.open(&subject, OperatorNote::TEXT, &told);
    assert_eq!(opened.as_deref(), Some(SUNSCREEN.as_bytes()));
    let digest = "b73c3ef3c43405824d9d9bfa3a069fe4a46fabf3e03607b96595012d52fcddb8";
    assert_eq!(key.digest().to_string(), digest);
}

#[test]
fn a_sealed_field_opens_again_and_never_after_any_byte_changed() {
    let (key, subject) = (SubjectKey::generate(&Machine).unwrap(), SubjectId([3; 16]));
    for text in ["", "a", "the operator raised the limit because the exchange asked for it"] {
        let sealed = key.seal(&Machine, &subject, "what", text.as_bytes()).unwrap();
        assert_eq!(sealed.0.len(), 24 + text.len() + 16);
        assert_eq!(key.open(&subject, "what", &sealed).as_deref(), Some(text.as_bytes()));
        for place in 0..sealed.0.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed.0[place] ^= 1 << bit;
                assert_eq!(key.open(&subject, "what", &changed), None, "byte {place}");
            }
            let cut = Sealed(sealed.0[..place].to_vec());
            assert_eq!(key.open(&subject, "what", &cut), None);
        }
        assert_eq!(key.open(&subject, "wha", &sealed), None, "sealed as something else");
        assert_eq!(key.open(&SubjectId([4; 16]), "what", &sealed), None, "of somebody else");
        let other = SubjectKey::generate(&Machine).unwrap();
        assert_eq!(other.open(&subject, "what", &sealed), None, "another key");
        let again = key.seal(&Machine, &subject, "what", text.as_bytes()).unwrap();
        assert_ne!(again, sealed, "equal fields cannot be told to be equal");
    }
}

#[test]
fn a_key_ring_keeps_one_key_a_name_and_forgets_it_for_good() -> TestResult {
    let place = Place::new()?;
    let dir = place.path("keys");
    let ring = ring_at(&dir)?;
    assert_eq!(ring.find_by_name("Ada")?, None, "there is no directory yet");
    let (ada, bob) = (ring.create("Ada")?, ring.create("Bob Überall")?);
    assert_ne!(ada, bob);
    assert!(matches!(ring.create("Ada"), Err(ErasureError::NameTaken { .. })));
    let again = ring_at(&dir)?;
    assert_eq!(again.find_by_name("Bob Überall")?, Some(bob));
    let digest = |ring: &KeyRing, id| ring.key(id).unwrap().map(|key| key.digest());
    assert_eq!(digest(&again, &ada), digest(&ring, &ada));
    let file = dir.join(format!("{ada}.subject"));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file)?.permissions());
    assert_eq!(mode & 0o777, 0o600);
    again.destroy(&ada)?;
    assert!(!file.exists());
    assert_eq!((ring.find_by_name("Ada")?, digest(&ring, &ada)), (None, None));
    assert!(matches!(ring.destroy(&ada), Err(ErasureError::NoKey { .. })));
    assert_eq!(ring.find_by_name("Bob Überall")?, Some(bob));
    // A removal that a crash cut short left zeroes.
    for left in [[0; 90].as_slice(), b"\0\0\0cut short"] {
        std::fs::write(&file, left)?;
        assert_eq!((ring.find_by_name("Ada")?, digest(&ring, &ada)), (None, None));
    }
    for garbage in ["", "schwabot subject key v1\n00\nAda\n", "x\0\0"] {
        std::fs::write(&file, garbage)?;
        assert!(matches!(ring.find_by_name("Ada"), Err(ErasureError::BadKeyFile { .. })));
        assert!(matches!(ring.key(&ada), Err(ErasureError::BadKeyFile { .. })));
    }
    Ok(())
}

#[test]
fn a_name_that_no_key_file_could_hold_is_refused() -> TestResult {
    let place = Place::new()?;
    let ring = ring_at(&place.path("keys"))?;
    let long = "x".repeat(NAME_BYTES_MAX + 1);
    for name in ["", "two\nlines", "a\0", long.as_str()] {
        assert!(matches!(ring.create(name), Err(ErasureError::BadName)), "{name:?}");
    }
    assert!(ring.create(&long[1..]).is_ok());
    Ok(())
}

#[test]
fn the_key_ring_refuses_to_live_inside_a_ledger() -> TestResult {
    let place = Place::new()?;
    let ledger = place.path("l");
    ledger_at(&ledger);
    let link = place.path("link");
    std::os::unix::fs::symlink(ledger.join("segments"), &link)?;
    let inside = [
        ledger.clone(),
        ledger.join("keys"),
        ledger.join("a/b/c"),
        ledger.join("segments"),
        place.path("x").join("../l/keys"),
        link.clone(),
        link.join("keys/deep"),
    ];
    std::fs::create_dir(place.path("x"))?;
    for dir in inside {
        let refused = ring_at(&dir).err();
        assert!(matches!(refused, Some(ErasureError::InsideLedger { .. })), "{}", dir.display());
        let (ledger, dir) = (place.arg("l"), dir.display().to_string());
        let ran = run(&["note", &ledger, "--keys", &dir, "--subject", "Ada", "hello"])?;
        assert_eq!(ran.code, Some(2), "{}", ran.err);
        assert!(ran.err.contains("inside a ledger"), "{}", ran.err);
    }
    assert!(!ledger.join("keys").exists());
    for outside in ["", "keys", "l-keys", "x", "x/../y"] {
        assert!(ring_at(&place.path(outside)).is_ok(), "{outside}");
    }
    Ok(())
}

/// What a stranger holds: the records, a receipt for one of them, and what replay shows of them.
fn seen(place: &Place, to: u64) -> TestResult<(Vec<Vec<u8>>, Receipt, String)> {
    let reader: Reader<Event> = Reader::open(&place.path("l"))?;
    let mut bytes = record_bytes(&place.path("l"))?;
    bytes.truncate(usize::try_from(to)?);
    let last = (to - 1).to_string();
    let shown = run(&["replay", &place.arg("l"), "--to", &last, "--format", "csv"])?;
    Ok((bytes, prove(&reader, to - 1)?, shown.out))
}

#[test]
fn shredding_leaves_chain_tree_receipts_and_replay_as_they_were() -> TestResult {
    let place = Place::new()?;
    let ledger = place.path("l");
    ledger_at(&ledger);
    let ring = ring_at(&place.path("keys"))?;
    let (ada, bob) = (ring.create("Ada")?, ring.create("Bob")?);
    let mut writer = writer_of(&ledger);
    let first = leave_note(&mut writer, &ring, &ada, "Ada", "raised the limit")?;
    leave_note(&mut writer, &ring, &bob, "Bob", "agreed")?;
    let noted = leave_note(&mut writer, &ring, &ada, "Ada", "lowered it again")? + 1;
    writer.close()?;
    let key = log_key(&place.path(""), 1);
    sign_head::<Event>(&ledger, &key, &WriterOptions::default())?;
    let before = seen(&place, noted)?;
    let reader: Reader<Event> = Reader::open(&ledger)?;
    assert_eq!((records_under(&reader, &ada)?, records_under(&reader, &bob)?), (2, 1));
    let digest = ring.key(&ada)?.ok_or("no key")?.digest();

    let mut writer = writer_of(&ledger);
    let done = shred(&mut writer, &ring, &ada, "asked for", false)?;
    writer.close()?;
    let (bytes, receipt, shown) = seen(&place, noted)?;
    assert_eq!(bytes, before.0);
    assert_eq!(shown, before.2);
    assert_eq!(receipt, before.1);
    assert!(receipt.verify_path().is_ok());
    let report = verify(&ledger, &VerifyOptions::default())?;
    assert_eq!(report.exit_code(), 0, "{report:?}");
    assert_eq!((report.shredded_steps, &report.shredded), (0, &vec![ada]));

    let all = records(&ledger)?;
    let (_, told) = &all[usize::try_from(done.sequence.ok_or("not told")?)?];
    let Entry::System(SystemEvent::SubjectShredded(told)) = told else { panic!("{told:?}") };
    assert_eq!((told.subject, told.key_digest, told.reason.as_str()), (ada, digest, "asked for"));
    let (envelope, note) = &all[usize::try_from(first)?];
    let Entry::System(SystemEvent::OperatorNote(note)) = note else { panic!("{note:?}") };
    assert_eq!(envelope.stamp.erasure_key, Some(ada));
    assert_eq!(envelope.stamp.vantage, Vantage::Operator);
    assert!(matches!(ring.seal(&ada, OperatorNote::TEXT, b""), Err(ErasureError::NoKey { .. })));
    let opened = schwabot::erasure::Unseal::open(&ring, &ada, OperatorNote::TEXT, &note.text);
    assert_eq!(opened, schwabot::erasure::Unsealed::NoKey);
    Ok(())
}

#[test]
fn the_log_says_that_a_key_is_gone_before_it_is_gone() -> TestResult {
    for call in [Call::Write, Call::Sync, Call::Remove, Call::SyncDir] {
        let place = Place::new()?;
        let ledger = place.path("l");
        ledger_at(&ledger);
        let disk = SimDisk::new();
        let ring =
            KeyRing::open(Arc::new(disk.clone()), Arc::new(Machine), &PathBuf::from("/keys"))?;
        let ada = ring.create("Ada")?;
        let mut writer = writer_of(&ledger);
        disk.fail(Some(call), 0, Failure::Io);
        assert!(shred(&mut writer, &ring, &ada, "asked for", false).is_err(), "{call:?}");
        assert!(disk.has_failed());
        disk.heal();
        writer.close()?;
        let told = shredded_subjects(&Reader::<Event>::open(&ledger)?)?;
        assert_eq!(told.into_iter().collect::<Vec<_>>(), [ada], "{call:?}");
        // Whoever calls again finishes the work, and nothing is told twice.
        let size = record_bytes(&ledger)?.len();
        let mut writer = writer_of(&ledger);
        let again = shred(&mut writer, &ring, &ada, "asked for", true);
        writer.close()?;
        match again {
            Ok(done) => assert_eq!(done.sequence, None),
            Err(error) => {
                assert!(matches!(error, ErasureError::NoKey { .. }), "{error}");
                assert_eq!(call, Call::SyncDir, "the file is gone, but for its durable name");
            }
        }
        assert!(ring.key(&ada)?.is_none(), "{call:?}");
        assert!(disk.list(Path::new("/keys"))?.is_empty(), "{call:?}");
        assert_eq!(record_bytes(&ledger)?.len(), size);
    }
    Ok(())
}

#[test]
fn a_key_that_cannot_be_told_of_is_not_destroyed() -> TestResult {
    let place = Place::new()?;
    let ring = ring_at(&place.path("keys"))?;
    let ada = ring.create("Ada")?;
    let disk = SimDisk::new();
    let on = WriterOptions { disk: Arc::new(disk.clone()), ..WriterOptions::default() };
    let mut writer: Writer<Event> = Writer::open(Path::new("/l"), &on)?;
    disk.fail(Some(Call::Sync), 0, Failure::Io);
    assert!(shred(&mut writer, &ring, &ada, "asked for", false).is_err());
    assert!(ring.key(&ada)?.is_some());
    Ok(())
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_key_file_that_cannot_be_read_is_told_and_its_field_not_called_sealed() -> TestResult {
    let place = Place::new()?;
    let (ledger, keys) = (place.arg("l"), place.arg("keys"));
    ledger_at(&place.path("l"));
    let note = ["note", &ledger, "--keys", &keys, "--subject", "Ada Lovelace", "raised the limit"];
    assert_eq!(run(&note)?.code, Some(0));
    let mut files = std::fs::read_dir(place.path("keys"))?;
    std::fs::write(files.next().ok_or("no key file")??.path(), "no key\n")?;
    let refused = run(&["replay", &ledger, "--kind", "operator_note", "--keys", &keys])?;
    assert_eq!(refused.code, Some(2), "{}", refused.out);
    assert!(refused.err.contains("is no subject's key file"), "{}", refused.err);
    assert!(!refused.out.contains("sealed"), "{}", refused.out);
    let without = run(&["replay", &ledger, "--kind", "operator_note"])?;
    assert!(without.out.contains("sealed"), "{}", without.out);
    Ok(())
}

#[test]
fn a_note_is_read_with_the_key_and_by_nobody_after_shredding() -> TestResult {
    let place = Place::new()?;
    let (ledger, keys) = (place.arg("l"), place.arg("keys"));
    ledger_at(&place.path("l"));
    let about = ["--keys", &keys, "--subject", "Ada Lovelace"];
    let note = |text: &str| {
        run(&[&["note", &ledger], &about[..], &["--author", "Charles", text]].concat())
    };
    assert_eq!(note("raised the limit")?.code, Some(0));
    assert_eq!(note("lowered it again")?.code, Some(0));
    let replay = |extra: &[&str]| -> TestResult<Vec<Value>> {
        let args = [&["replay", &ledger, "--kind", "operator_note", "--format", "jsonl"], extra];
        Ok(lines(&run(&args.concat())?.out))
    };
    let personal = |shown: Vec<Value>| -> Vec<Value> {
        shown.into_iter().map(|line| line["personal"].clone()).collect()
    };
    let said = |text: &str| json!({ "author": "Charles", "text": text });
    let opened = personal(replay(&["--keys", &keys])?);
    assert_eq!(opened, [said("raised the limit"), said("lowered it again")]);
    assert_eq!(personal(replay(&[])?), [json!("sealed"), json!("sealed")]);
    let text = run(&["replay", &ledger, "--kind", "operator_note", "--keys", &keys])?.out;
    assert!(text.contains("lowered it again"), "{text}");
    for entry in std::fs::read_dir(place.path("l").join("segments"))? {
        let bytes = std::fs::read(entry?.path())?;
        for secret in ["Ada", "Charles", "limit"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in the ledger");
        }
    }
    let shredded = run(&[&["shred", &ledger], &about[..], &["--reason", "asked for"]].concat())?;
    assert_eq!(shredded.code, Some(0), "{}", shredded.err);
    assert!(shredded.out.contains("2 records lost their personal fields"), "{}", shredded.out);
    let gone = [json!("shredded"), json!("shredded")];
    assert_eq!(personal(replay(&["--keys", &keys])?), gone);
    assert_eq!(personal(replay(&[])?), gone);
    let verified = run(&["verify", &ledger, "--keys", &keys])?;
    assert_eq!(verified.code, Some(0), "{}", verified.out);
    let again = run(&[&["shred", &ledger], &about[..], &["--reason", "asked for"]].concat())?;
    assert_eq!(again.code, Some(2), "the key is gone");
    // The same name is a new subject from then on.
    assert_eq!(note("begins anew")?.code, Some(0));
    let last = personal(replay(&["--keys", &keys])?).pop();
    assert_eq!(last, Some(said("begins anew")));
    Ok(())
}

#[test]
fn shredding_that_was_cut_short_is_finished_by_the_same_command() -> TestResult {
    for cut_short in [false, true] {
        let place = Place::new()?;
        let (ledger, keys) = (place.arg("l"), place.arg("keys"));
        ledger_at(&place.path("l"));
        let ring = ring_at(&place.path("keys"))?;
        let ada = ring.create("Ada")?;
        let key_digest = ring.key(&ada)?.ok_or("no key")?.digest();
        let file = place.path("keys").join(format!("{ada}.subject"));
        let mut writer = writer_of(&place.path("l"));
        let reason = "asked for".to_owned();
        let said = SubjectShredded { subject: ada, key_digest, reason };
        writer.append_system(&SystemEvent::SubjectShredded(said))?;
        writer.close()?;
        let note = ["note", &ledger, "--keys", &keys, "--subject", "Ada", "hello"];
        assert_eq!(run(&note)?.code, Some(2), "nothing more is sealed under that key");
        if cut_short {
            let mut bytes = std::fs::read(&file)?;
            bytes[..50].fill(0);
            std::fs::write(&file, bytes)?;
        }
        let size = record_bytes(&place.path("l"))?.len();
        let args = ["--keys", &keys, "--subject", "Ada", "--reason", "asked for"];
        let ran = run(&[&["shred", &ledger], &args[..]].concat())?;
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert!(!file.exists());
        assert_eq!(record_bytes(&place.path("l"))?.len(), size, "nothing is told twice");
    }
    Ok(())
}

#[test]
fn notes_and_shredding_work_on_any_programs_ledger_and_nowhere_else() -> TestResult {
    let place = Place::new()?;
    let (ledger, keys) = (place.arg("l"), place.arg("keys"));
    let about = ["--keys", &keys, "--subject", "Ada"];
    let note = || run(&[&["note", &ledger], &about[..], &["hello"]].concat());
    let shred = || run(&[&["shred", &ledger], &about[..], &["--reason", "asked"]].concat());
    for ran in [note()?, shred()?] {
        assert_eq!(ran.code, Some(2), "{}", ran.out);
    }
    assert!(!place.path("l").exists() && !place.path("keys").exists());
    let small = options(schwabot::ledger::SyncMode::Always, 4096);
    let mut writer: Writer<Note> = Writer::open(&place.path("l"), &small)?;
    writer.append(&step(&[1, 2, 3]))?;
    let locked = note()?;
    assert_eq!(locked.code, Some(2), "a writer is at work");
    assert!(!place.path("keys").exists(), "no key is drawn for a note that is not left");
    writer.close()?;
    assert_eq!(shred()?.code, Some(2), "there is no key");
    let noted = note()?;
    assert_eq!(noted.code, Some(0), "{}", noted.err);
    assert_eq!(shred()?.code, Some(0));
    let reader: Reader<Note> = Reader::open(&place.path("l"))?;
    assert_eq!((reader.len(), shredded_subjects(&reader)?.len()), (5, 1));
    let shown = run(&["replay", &ledger, "--from", "3"])?;
    assert!(shown.out.contains("operator_note (shredded)"), "{}", shown.out);
    let verified = run(&["verify", &ledger])?;
    assert_eq!(verified.code, Some(0), "{}", verified.out);
    Ok(())
}
