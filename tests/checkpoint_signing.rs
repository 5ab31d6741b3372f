//! Signing a ledger: what is anchored, what is remembered, what is refused, and what a receipt says.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schwabot::audit::{VerifyOptions, verify};
use schwabot::checkpoint::{
    KeyFile, KeyKind, Note, Policy, Receipt, ReceiptError, SignError, Tiles, cosign_head,
    newest_note, prove, root_of_records, rotate, sign_head,
};
use schwabot::event::{ChainAnchor, SystemEvent};
use schwabot::ledger::clock::Machine;
use schwabot::ledger::disk::{Access, Disk, DiskFile, RealDisk};
use schwabot::ledger::layout::Layout;
use schwabot::ledger::{Entry, LedgerError, Reader, SyncMode, Writer, WriterOptions, decode};
use schwabot::merkle::proof::verify_consistency;

use crate::support::copy_dir;
use crate::support::keys::{Place, key_file};
use crate::support::notes::{self, Note as TestNote, options, step};

fn small() -> WriterOptions {
    options(SyncMode::End, 4096)
}

fn append(ledger: &Path, numbers: std::ops::Range<u64>) {
    notes::append(ledger, numbers, 1, &small());
}

fn place_with(numbers: std::ops::Range<u64>) -> Place {
    Place::with(numbers, &small())
}

fn open(place: &Place) -> Reader<TestNote> {
    Reader::open(&place.ledger()).unwrap()
}

fn policy(place: &Place) -> Policy {
    Policy::of_log(place.key.key().verifier().clone())
}

/// The anchors of a ledger: their sequences and what they say.
fn anchors(reader: &Reader<TestNote>) -> Vec<(u64, ChainAnchor)> {
    let mut found = Vec::new();
    reader
        .for_each::<LedgerError>(0, |record| {
            if let (_, Entry::System(SystemEvent::ChainAnchor(anchor))) =
                decode::<TestNote>(&record).unwrap()
            {
                found.push((record.sequence, anchor));
            }
            Ok(())
        })
        .unwrap();
    found
}

#[test]
fn signing_appends_one_anchor_and_covers_it() {
    let place = place_with(0..30);
    let signature = place.sign(&small()).unwrap();
    let reader = open(&place);
    let checkpoint = signature.note.checkpoint();
    assert_eq!((reader.len(), checkpoint.size), (31, 31));
    assert_eq!(checkpoint.root, root_of_records(&reader, 31).unwrap());
    assert_eq!((signature.saved, signature.unanchored), (true, None));
    let found = anchors(&reader);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, 30);
    assert_eq!(found[0].1.key, place.key.key().verifier().to_string());
    // Nothing new to fix: the same note again, and no second anchor.
    let again = place.sign(&small()).unwrap();
    assert_eq!(again.note, signature.note);
    assert_eq!(open(&place).len(), 31);
    assert_eq!(place.key.last().unwrap(), Some(signature.note));
}

#[test]
fn a_restored_copy_that_goes_another_way_is_not_signed() {
    let place = place_with(0..30);
    place.sign(&small()).unwrap();
    let before = place.dir.path().join("copy");
    copy_dir(&place.ledger(), &before);
    append(&place.ledger(), 30..40);
    place.sign(&small()).unwrap();
    // The copy is shorter than what was signed; then it is longer, and something else.
    let refused = sign_head::<TestNote>(&before, &place.key, &small()).unwrap_err();
    assert!(refused.to_string().contains("rolled back"), "{refused}");
    append(&before, 100..130);
    let refused = sign_head::<TestNote>(&before, &place.key, &small()).unwrap_err();
    assert!(refused.to_string().contains("forked"), "{refused}");
    let reader: Reader<TestNote> = Reader::open(&before).unwrap();
    assert_eq!(anchors(&reader).len(), 1, "a refusal appends nothing");
}

#[test]
fn a_key_whose_memory_cannot_be_read_signs_nothing() {
    let place = place_with(0..5);
    place.sign(&small()).unwrap();
    let memory = place.dir.path().join("log-1.key.last");
    let mut bytes = fs::read(&memory).unwrap();
    let last = bytes.len() - 10;
    bytes[last] ^= 1;
    fs::write(&memory, bytes).unwrap();
    append(&place.ledger(), 5..6);
    assert!(matches!(place.sign(&small()), Err(SignError::BadMemory { .. })));
    assert_eq!(open(&place).len(), 7);
}

#[test]
fn the_key_file_is_readable_by_its_owner_alone_and_never_written_over() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let path = place.dir.path().join("log-1.key");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let again = crate::support::keys::key("other", KeyKind::Log, 5);
    let refused = KeyFile::create(Arc::new(RealDisk), &path, again);
    assert!(matches!(refused, Err(SignError::KeyExists { .. })));
    let read = KeyFile::open(Arc::new(RealDisk), &path).unwrap();
    assert_eq!(read.key().verifier(), place.key.key().verifier());
}

#[test]
fn beside_a_living_writer_only_what_is_proven_durable_is_signed_and_without_an_anchor() {
    let place = Place::new();
    let mut writer: Writer<TestNote> =
        Writer::open(&place.ledger(), &options(SyncMode::Always, 64 << 10)).unwrap();
    for number in 0..10 {
        writer.append(&step(&[number])).unwrap();
    }
    let signature = place.sign(&small()).unwrap();
    // The last frame is durable, but nothing proves it yet.
    assert_eq!(signature.note.checkpoint().size, 9);
    let left = signature.unanchored.unwrap();
    assert_eq!((left.why, left.from_frame), ("a writer is at work", 0));
    // The writer itself anchors, and later signatures beside it say from where headers are free.
    let head = writer.anchor(&place.key.key().verifier().to_string()).unwrap();
    assert_eq!(head.size, 11);
    let anchored = place.sign(&small()).unwrap();
    assert_eq!(anchored.note.checkpoint().size, 11);
    assert_eq!(anchored.note.checkpoint().root, head.root);
    writer.append(&step(&[10])).unwrap();
    writer.append(&step(&[11])).unwrap();
    let (_, anchor) = anchors(&open(&place)).remove(0);
    let left = place.sign(&small()).unwrap().unanchored.unwrap();
    assert_eq!(left.from_frame, anchor.frame);
    drop(writer);
    let report = verify(&place.ledger(), &VerifyOptions::default()).unwrap();
    assert_eq!(report.exit_code(), 0, "{:?}", report.findings);
}

#[test]
fn an_anchor_that_finds_no_room_stands_first_in_the_next_segment() {
    // Segments so small that each anchor of the loop comes to a full one sooner or later.
    let place = Place::new();
    let mut writer: Writer<TestNote> =
        Writer::open(&place.ledger(), &options(SyncMode::Always, 1024)).unwrap();
    let key = place.key.key().verifier().to_string();
    for number in 0..40 {
        for record in 0..number % 4 {
            writer.append(&step(&[record])).unwrap();
        }
        writer.anchor(&key).unwrap();
    }
    writer.close().unwrap();
    let report = verify(&place.ledger(), &VerifyOptions::default()).unwrap();
    assert_eq!(report.exit_code(), 0, "{:?}", report.findings);
    assert!(report.segments > 10);
    assert_eq!(anchors(&open(&place)).len(), 40);
}

#[test]
fn a_rotation_is_signed_by_both_keys_and_the_new_one_goes_on() {
    let place = place_with(0..8);
    place.sign(&small()).unwrap();
    let new = key_file(&place.dir.path().join("new.key"), "example.com/bot", KeyKind::Log, 2);
    let signature = rotate::<TestNote>(&place.ledger(), &place.key, &new, &small()).unwrap();
    assert_eq!(signature.note.signatures.len(), 2);
    let by_both = [place.key.key().verifier(), new.key().verifier()];
    assert_eq!(signature.note.signed_by(by_both).unwrap().len(), 2);
    append(&place.ledger(), 8..12);
    sign_head::<TestNote>(&place.ledger(), &new, &small()).unwrap();
    let report = verify(&place.ledger(), &VerifyOptions::default()).unwrap();
    assert_eq!((report.exit_code(), report.unanchored), (0, 0), "{:?}", report.findings);
    let old_signs = place.sign(&small()).map(|signature| signature.note.checkpoint().size);
    assert!(old_signs.is_ok(), "the old key is not destroyed; a policy decides whom to believe");
}

#[test]
fn a_rotation_to_another_name_or_a_used_key_is_refused() {
    let place = place_with(0..4);
    let other = key_file(&place.dir.path().join("o.key"), "example.com/other", KeyKind::Log, 3);
    let refused = rotate::<TestNote>(&place.ledger(), &place.key, &other, &small());
    assert!(matches!(refused, Err(SignError::Rotation { .. })));
    let used = key_file(&place.dir.path().join("u.key"), "example.com/bot", KeyKind::Log, 4);
    sign_head::<TestNote>(&place.ledger(), &used, &small()).unwrap();
    let refused = rotate::<TestNote>(&place.ledger(), &place.key, &used, &small());
    assert!(matches!(refused, Err(SignError::Rotation { .. })));
}

#[test]
fn cosigners_add_to_the_same_note_and_meet_a_quorum() {
    let place = place_with(0..12);
    place.sign(&small()).unwrap();
    let cosigner = |seed: u8| {
        let path = place.dir.path().join(format!("c{seed}.key"));
        key_file(&path, &format!("auditor-{seed}"), KeyKind::Cosigner, seed)
    };
    let (one, two) = (cosigner(5), cosigner(6));
    cosign_head::<TestNote>(&place.ledger(), &one, &Machine, &small()).unwrap();
    let both = cosign_head::<TestNote>(&place.ledger(), &two, &Machine, &small()).unwrap();
    assert_eq!(both.note.signatures.len(), 3);
    let vkeys = [&place.key, &one, &two].map(|key| key.key().verifier().to_string());
    let policy = format!(
        "log {}\nwitness a {}\nwitness b {}\ngroup both all a b\nquorum both\n",
        vkeys[0], vkeys[1], vkeys[2]
    );
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let options = VerifyOptions { policy: Some(policy), ..VerifyOptions::default() };
    let report = verify(&place.ledger(), &options).unwrap();
    assert_eq!(report.exit_code(), 0, "{:?}", report.findings);
    let witnessed = report.provable[0].witnessed.unwrap();
    assert_eq!((witnessed.cosigned, witnessed.of), (2, 2));
}

#[test]
fn a_cosigner_does_not_sign_a_log_that_forgot_what_it_saw() {
    let place = place_with(0..12);
    place.sign(&small()).unwrap();
    let path = place.dir.path().join("c.key");
    let cosigner = key_file(&path, "auditor", KeyKind::Cosigner, 5);
    let early = cosign_head::<TestNote>(&place.ledger(), &cosigner, &Machine, &small()).unwrap();
    assert!(early.saved);
    fs::remove_dir_all(place.ledger()).unwrap();
    fs::remove_file(place.dir.path().join("log-1.key.last")).unwrap();
    append(&place.ledger(), 1..30);
    place.sign(&small()).unwrap();
    let refused = cosign_head::<TestNote>(&place.ledger(), &cosigner, &Machine, &small());
    assert!(matches!(refused, Err(SignError::Contradiction(_))));
    let as_log = sign_head::<TestNote>(&place.ledger(), &cosigner, &small());
    assert!(matches!(as_log, Err(SignError::NotALogKey { .. })));
}

#[test]
fn every_record_has_a_receipt_that_stands_alone_and_no_byte_of_it_can_be_changed() {
    let place = place_with(0..600);
    place.sign(&small()).unwrap();
    let reader = open(&place);
    let policy = policy(&place);
    for sequence in (0..reader.len()).step_by(37).chain([255, 256, reader.len() - 1]) {
        let receipt = prove(&reader, sequence).unwrap();
        let text = receipt.to_string();
        let read = Receipt::parse(text.as_bytes()).unwrap();
        assert_eq!(read, receipt);
        assert_eq!(read.verify(&policy).unwrap().log, "example.com/bot");
        assert_eq!(Some(read.record), reader.record(sequence).unwrap());
    }
    let text = prove(&reader, 300).unwrap().to_string();
    for place in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[place] ^= 0x04;
        let good = Receipt::parse(&bytes).and_then(|receipt| receipt.verify(&policy).map(|_| ()));
        assert!(good.is_err(), "byte {place} of the receipt");
    }
}

#[test]
fn a_receipt_of_another_place_or_by_a_stranger_proves_nothing() {
    let place = place_with(0..20);
    place.sign(&small()).unwrap();
    let receipt = prove(&open(&place), 7).unwrap();
    let moved = Receipt { sequence: 8, ..receipt.clone() };
    assert!(matches!(moved.verify(&policy(&place)), Err(ReceiptError::Path { sequence: 8, .. })));
    let stranger = crate::support::keys::key("example.com/bot", KeyKind::Log, 77);
    let policy = Policy::of_log(stranger.verifier().clone());
    assert!(matches!(receipt.verify(&policy), Err(ReceiptError::Policy(_))));
    receipt.verify_path().unwrap();
}

#[test]
fn without_a_checkpoint_there_is_no_receipt() {
    let place = place_with(0..5);
    let error = prove(&open(&place), 2).unwrap_err().to_string();
    assert!(error.contains("no checkpoint of"), "{error}");
    place.sign(&small()).unwrap();
    append(&place.ledger(), 5..9);
    assert!(prove(&open(&place), 2).is_ok());
    assert!(prove(&open(&place), 7).is_err(), "newer than the checkpoint");
    assert!(prove(&open(&place), 999).unwrap_err().to_string().contains("none is number 999"));
}

#[test]
fn damaged_foreign_and_missing_tiles_change_no_receipt() {
    let place = place_with(0..900);
    place.sign(&small()).unwrap();
    let expected = prove(&open(&place), 700).unwrap();
    let tile = place.ledger().join("tile/0/002");
    let good = fs::read(&tile).unwrap();
    for bad in [Vec::new(), good[..100].to_vec(), [good.clone(), vec![0; 32]].concat(), {
        let mut bytes = good.clone();
        bytes[5000] ^= 1;
        bytes
    }] {
        fs::write(&tile, bad).unwrap();
        assert_eq!(prove(&open(&place), 700).unwrap(), expected);
        assert_eq!(fs::read(&tile).unwrap(), good, "made anew");
    }
    fs::remove_dir_all(place.ledger().join("tile")).unwrap();
    assert_eq!(prove(&open(&place), 700).unwrap(), expected);
}

#[test]
fn rotten_tiles_and_indexes_are_not_signed() {
    let place = place_with(0..600);
    place.sign(&small()).unwrap();
    append(&place.ledger(), 600..700);
    fs::write(place.ledger().join("tile/0/001"), [7; 8192]).unwrap();
    let expected = root_of_records(&open(&place), 701).unwrap();
    let signed = place.sign(&small()).unwrap();
    let root = root_of_records(&open(&place), signed.note.checkpoint().size).unwrap();
    assert_eq!(signed.note.checkpoint().root, root);
    assert_ne!(root, expected, "the anchor came in addition");
    let report = verify(&place.ledger(), &VerifyOptions::default()).unwrap();
    assert_eq!((report.exit_code(), report.unanchored), (0, 0), "{:?}", report.findings);
    // Nor do they hide that the log went another way below what was signed.
    let mut forger = crate::support::rechain::Forger::read(&place.ledger());
    let (segment, offset) = forger.record_bytes_before(40)[50];
    forger.flip(segment, offset, 1);
    forger.rechain();
    forger.write();
    assert!(place.sign(&small()).unwrap_err().to_string().contains("forked"));
}

#[test]
fn tiles_grow_with_the_log_and_are_what_another_implementation_reads() {
    let place = Place::new();
    let mut sizes = Vec::new();
    for (from, to) in [(0, 3), (3, 255), (255, 257), (257, 700), (700, 1500)] {
        append(&place.ledger(), from..to);
        let signed = place.sign(&small()).unwrap();
        sizes.push((signed.note.checkpoint().size, signed.note.checkpoint().root));
    }
    let reader = open(&place);
    let (size, root) = *sizes.last().unwrap();
    let mut tiles = Tiles::as_found(&**reader.disk(), reader.layout(), size, root);
    assert_eq!(tiles.root_at(size).unwrap(), root);
    for (old, old_root) in &sizes {
        let proof = tiles.consistency(*old, size).unwrap().unwrap();
        verify_consistency((*old, old_root), (size, &root), &proof).unwrap();
        let theirs: Vec<tlog_tiles::Hash> =
            proof.iter().map(|hash| tlog_tiles::Hash(hash.0)).collect();
        let (new_hash, old_hash) = (tlog_tiles::Hash(root.0), tlog_tiles::Hash(old_root.0));
        tlog_tiles::check_tree(&theirs, size, new_hash, *old, old_hash).unwrap();
    }
    let files = TileFiles(place.ledger());
    let theirs = tlog_tiles::TileHashReader::new(size, tlog_tiles::Hash(root.0), &files);
    for sequence in [0, 255, 256, 1000, size - 1] {
        let proof = tlog_tiles::prove_record(size, sequence, &theirs).unwrap();
        let ours = prove(&reader, sequence).unwrap();
        let leaf = tlog_tiles::record_hash(&ours.record);
        let hash = tlog_tiles::Hash(root.0);
        tlog_tiles::check_record(&proof, size, hash, sequence, leaf).unwrap();
        assert_eq!(
            proof.iter().map(|hash| hash.0).collect::<Vec<_>>(),
            ours.path.iter().map(|hash| hash.0).collect::<Vec<_>>()
        );
    }
}

/// A ledger's tiles for the other implementation.
struct TileFiles(PathBuf);

impl tlog_tiles::TileReader for TileFiles {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        // Its paths begin with the height, as in Go's module proxy; C2SP leaves that out.
        let read = |tile: &tlog_tiles::Tile| {
            let path = tile.path().replacen("tile/8/", "tile/", 1);
            fs::read(self.0.join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"))
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _tiles: &[tlog_tiles::Tile], _data: &[Vec<u8>]) {}
}

#[test]
fn all_notes_are_kept_and_the_newest_lies_on_top() {
    let place = Place::new();
    let mut notes: Vec<Note> = Vec::new();
    for round in 0..3 {
        append(&place.ledger(), round * 10..round * 10 + 10);
        notes.push(place.sign(&small()).unwrap().note);
    }
    let names: Vec<String> = fs::read_dir(place.ledger().join("checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let newest = newest_note(&RealDisk, &Layout::new(&place.ledger())).unwrap();
    assert_eq!(newest.as_ref(), notes.last());
    let on_top = fs::read(place.ledger().join("checkpoint")).unwrap();
    assert_eq!(Note::parse(&on_top).unwrap(), notes[2]);
}

/// A disk that lets nobody change anything below one place.
struct ReadOnly(PathBuf);

impl ReadOnly {
    fn guard(&self, path: &Path) -> io::Result<()> {
        let refused = path.starts_with(&self.0);
        if refused { Err(io::ErrorKind::PermissionDenied.into()) } else { Ok(()) }
    }
}

impl Disk for ReadOnly {
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(dir)
    }
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        if access == Access::Write {
            self.guard(path)?;
        }
        RealDisk.open(path, access)
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.guard(path)?;
        RealDisk.create(path)
    }
    fn create_private(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.guard(path)?;
        RealDisk.create_private(path)
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.guard(path)?;
        RealDisk.create_dir(path)
    }
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.guard(to)?;
        RealDisk.rename_new(from, to)
    }
    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.guard(to)?;
        RealDisk.replace(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.guard(path)?;
        RealDisk.remove(path)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.sync_dir(dir)
    }
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        self.guard(path)?;
        RealDisk.lock(path)
    }
    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        RealDisk.is_locked(path)
    }
}

#[test]
fn a_ledger_that_may_only_be_read_is_verified_and_signed_without_an_anchor() {
    let place = place_with(0..30);
    let disk: Arc<dyn Disk> = Arc::new(ReadOnly(place.ledger()));
    let options = WriterOptions { disk: Arc::clone(&disk), ..small() };
    let signature = sign_head::<TestNote>(&place.ledger(), &place.key, &options).unwrap();
    assert_eq!((signature.saved, signature.note.checkpoint().size), (false, 30));
    let left = signature.unanchored.unwrap();
    assert_eq!((left.why, left.from_frame), ("the ledger can only be read", 0));
    assert_eq!(place.key.last().unwrap(), Some(signature.note.clone()));
    let against = Some(signature.note);
    let options = VerifyOptions { disk, against, ..VerifyOptions::default() };
    let report = verify(&place.ledger(), &options).unwrap();
    assert_eq!(report.exit_code(), 0, "{:?}", report.findings);
}
