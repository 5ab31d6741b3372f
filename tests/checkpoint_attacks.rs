//! What a forger, an accident or a second user could make a key sign, and does not.

use std::fs;
use std::path::Path;
use std::time::Duration;

use schwabot::audit::{Follower, VerifyOptions, salvage, verify};
use schwabot::checkpoint::{
    Checkpoint, Every, Keeper, KeyFile, KeyKind, Note, SignError, cosign_head, prove, rotate,
    sign_head,
};
use schwabot::ledger::clock::Machine;
use schwabot::ledger::{GroupWriter, Reader, SyncMode, Writer, WriterOptions};

use crate::support::keys::{Place, key_file, log_key};
use crate::support::notes::{Note as TestNote, options, step};
use crate::support::rechain::Forger;

fn small() -> WriterOptions {
    options(SyncMode::Always, 4096)
}

fn place_with(numbers: std::ops::Range<u64>) -> Place {
    Place::with(numbers, &small())
}

fn sign(place: &Place) -> Result<Note, SignError> {
    place.sign(&small()).map(|signature| signature.note)
}

fn code(ledger: &Path) -> u8 {
    verify(ledger, &VerifyOptions::default()).unwrap().exit_code()
}

#[test]
fn a_keeper_beside_a_forked_log_signs_nothing_however_often_it_tries() {
    let place = place_with(0..30);
    let kept = sign(&place).unwrap();
    fs::remove_dir_all(place.ledger()).unwrap();
    let writer: Writer<TestNote> = Writer::open(&place.ledger(), &small()).unwrap();
    let group = GroupWriter::start(writer).unwrap();
    let key = KeyFile::open(small().disk, &place.dir.path().join("log-1.key")).unwrap();
    let every = Every { records: 10, time: Duration::from_millis(50) };
    let keeper = Keeper::start(group.appender(), &place.ledger(), key, every, &small()).unwrap();
    for number in 100..180 {
        group.appender().append(&step(&[number])).unwrap();
    }
    std::thread::sleep(Duration::from_millis(1_500));
    group.appender().append(&step(&[1])).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(keeper.newest().is_none());
    assert!(matches!(keeper.stop(), Err(SignError::Contradiction(_))));
    let head = group.close().unwrap();
    assert!(head.size <= 82, "it fills the log with no anchors: {}", head.size);
    assert_eq!(place.key.last().unwrap(), Some(kept));
}

#[test]
fn a_head_below_what_was_signed_is_never_signed() {
    let place = place_with(0..30);
    let kept = sign(&place).unwrap();
    // The tail is cut off inside the log, so that fewer records are proven than were signed.
    let last = place.ledger().join("segments/000000000001.seg");
    let bytes = fs::read(&last).unwrap();
    let mut cut = bytes[..192].to_vec();
    cut.resize(64 << 10, 0);
    fs::write(&last, cut).unwrap();
    assert!(sign(&place).is_err());
    assert_eq!(place.key.last().unwrap(), Some(kept));
}

#[test]
fn a_memory_of_another_key_is_no_memory() {
    let place = place_with(0..10);
    sign(&place).unwrap();
    let other = key_file(&place.dir.path().join("o.key"), "example.com/bot", KeyKind::Log, 8);
    let memory = place.dir.path().join("log-1.key.last");
    fs::copy(memory, place.dir.path().join("o.key.last")).unwrap();
    let refused = sign_head::<TestNote>(&place.ledger(), &other, &small());
    assert!(matches!(refused, Err(SignError::BadMemory { .. })));
}

#[test]
fn a_rotation_to_a_cosigner_is_refused_before_anything_is_appended() {
    let place = place_with(0..10);
    sign(&place).unwrap();
    let path = place.dir.path().join("c.key");
    let cosigner = key_file(&path, "example.com/bot", KeyKind::Cosigner, 3);
    let refused = rotate::<TestNote>(&place.ledger(), &place.key, &cosigner, &small());
    assert!(matches!(refused, Err(SignError::NotALogKey { .. })));
    assert_eq!(code(&place.ledger()), 0);
    assert_eq!(Reader::<TestNote>::open(&place.ledger()).unwrap().len(), 11);
}

#[test]
fn a_cosigner_adds_only_to_what_the_key_of_the_log_signed() {
    let place = place_with(0..10);
    let signed = sign(&place).unwrap();
    let path = place.dir.path().join("c.key");
    let cosigner = key_file(&path, "auditor", KeyKind::Cosigner, 3);
    let Checkpoint { size, root, .. } = signed.checkpoint().clone();
    let stranger = log_key(&place.dir.path().join("."), 9);
    let mut lie = Note::new(Checkpoint { origin: "evil.com/log".to_owned(), size, root });
    lie.sign(stranger.key(), 0);
    fs::write(place.ledger().join("checkpoint"), lie.to_string()).unwrap();
    let mut larger = Note::new(Checkpoint { size: u64::MAX, ..signed.checkpoint().clone() });
    larger.sign(stranger.key(), 0);
    let far = place.ledger().join("checkpoints/000000999999.note");
    fs::write(&far, larger.to_string()).unwrap();
    let note =
        cosign_head::<TestNote>(&place.ledger(), &cosigner, &Machine, &small()).unwrap().note;
    assert_eq!(note.checkpoint(), signed.checkpoint());
}

#[test]
fn an_anchor_that_somebody_put_beside_other_records_hides_no_rewritten_header() {
    let place = place_with(0..20);
    sign(&place).unwrap();
    let mut forger = Forger::read(&place.ledger());
    // Everything is chained anew with another commit time, and the anchor's frame takes a second
    // record in, as if the anchor were none.
    let (frame, _) =
        forger.links.iter().enumerate().rev().find(|(_, link)| link.bytes > 150).unwrap();
    let link = forger.links[frame].clone();
    assert!(link.bytes > 88, "the anchor's frame");
    let earlier = forger.links[3].clone();
    forger.flip(earlier.segment, earlier.offset + 55, 1);
    let stored = &mut forger.segments[link.segment];
    let length = u32::from_le_bytes(stored[link.offset + 12..][..4].try_into().unwrap());
    let record = 2 + 40 + 8 + 8;
    let padded = |length: u32| (length as usize).next_multiple_of(8);
    let grown = padded(length + record) - padded(length);
    let mut more = (record as u16 - 2).to_le_bytes().to_vec();
    more.extend(&stored[link.offset + 90..link.offset + 90 + 40]);
    more.resize(record as usize, 0);
    more[2] = 0;
    more[3] = 1;
    let end = link.offset + 88 + length as usize;
    let tail = stored.split_off(link.offset + link.bytes);
    stored.truncate(end);
    stored.extend(more);
    stored.resize(link.offset + link.bytes + grown, 0);
    stored.extend(tail);
    stored[link.offset + 12..][..4].copy_from_slice(&(length + record).to_le_bytes());
    stored[link.offset + 32..][..4].copy_from_slice(&2_u32.to_le_bytes());
    forger.links[frame].bytes += grown;
    for later in &mut forger.links[frame + 1..] {
        if later.segment == link.segment {
            later.offset += grown;
            let next = &mut forger.segments[link.segment][later.offset + 24..][..8];
            let sequence = u64::from_le_bytes((&*next).try_into().unwrap()) + 1;
            next.copy_from_slice(&sequence.to_le_bytes());
        }
    }
    forger.rechain();
    forger.write();
    assert_eq!(code(&place.ledger()), 13);
}

#[test]
fn a_follower_finds_that_the_log_became_shorter_or_another() {
    let place = place_with(0..40);
    sign(&place).unwrap();
    let ledger = place.ledger();
    let options = VerifyOptions::default();
    let rolled_back = |remove: &str| {
        let mut follower = Follower::new(&ledger, &options);
        assert_eq!(follower.look().unwrap().exit_code(), 0);
        let held = fs::read(ledger.join(remove)).unwrap();
        fs::remove_file(ledger.join(remove)).unwrap();
        let code = follower.look().unwrap().exit_code();
        fs::write(ledger.join(remove), held).unwrap();
        code
    };
    let last = verify(&ledger, &options).unwrap().segments - 1;
    fs::remove_file(ledger.join("checkpoint")).unwrap();
    fs::remove_dir_all(ledger.join("checkpoints")).unwrap();
    assert!([12, 13].contains(&rolled_back(&format!("segments/{last:012}.seg"))));
    // Another history that fits in itself, from the last segment on.
    let mut follower = Follower::new(&ledger, &options);
    follower.look().unwrap();
    let mut forger = Forger::read(&ledger);
    let header = forger.links.iter().rposition(|link| link.offset == 0).unwrap();
    let link = forger.links[header].clone();
    forger.flip(link.segment, 184, 1);
    forger.rechain();
    forger.write();
    // The anchor stands in that segment, so its frame is not the one that it names any more.
    assert_eq!(follower.look().unwrap().exit_code(), 13);
}

#[test]
fn a_ledger_cut_between_two_frames_is_salvaged_up_to_there() {
    let place = place_with(0..30);
    let segment = place.ledger().join("segments/000000000000.seg");
    let frames = Forger::read(&place.ledger()).links;
    let whole = fs::read(&segment).unwrap();
    let first = frames.iter().filter(|link| link.segment == 0);
    let sealed_at = first.clone().count() - 1;
    for (turn, link) in first.enumerate().take(sealed_at).step_by(4) {
        fs::write(&segment, &whole[..link.offset + link.bytes]).unwrap();
        let out = place.dir.path().join(format!("saved-{turn}"));
        let saved = salvage(&place.ledger(), &out, &VerifyOptions::default()).unwrap();
        assert_eq!(code(&out.join("ledger")), 0, "cut behind link {turn}");
        assert_eq!(saved.head.size, u64::try_from(turn).unwrap(), "a record a frame");
    }
    fs::write(&segment, whole).unwrap();
    let inside = salvage(&place.ledger(), &place.ledger().join("out"), &VerifyOptions::default());
    assert!(inside.is_err(), "the original is only read");
}

#[test]
fn a_rotten_tile_far_below_costs_time_and_gives_the_same_receipt() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, key) = (dir.path().join("ledger"), log_key(dir.path(), 1));
    let many = options(SyncMode::End, 16 << 20);
    let mut writer: Writer<TestNote> = Writer::open(&ledger, &many).unwrap();
    let numbers: Vec<u64> = (0..256).collect();
    for _ in 0..270 {
        writer.append(&step(&numbers)).unwrap();
    }
    writer.close().unwrap();
    sign_head::<TestNote>(&ledger, &key, &many).unwrap();
    let reader: Reader<TestNote> = Reader::open(&ledger).unwrap();
    let expected = prove(&reader, 11_010).unwrap();
    let tile = ledger.join("tile/0/043");
    let good = fs::read(&tile).unwrap();
    let mut rotten = good.clone();
    rotten[100] ^= 1;
    fs::write(&tile, rotten).unwrap();
    assert_eq!(prove(&reader, 11_010).unwrap(), expected);
    fs::remove_file(&tile).unwrap();
    assert_eq!(prove(&reader, 11_010).unwrap(), expected);
    assert_eq!(fs::read(&tile).unwrap(), good);
}
