//! Whole ledgers on a disk in memory: edited as the fuzzer says, then read, verified, opened.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use schwabot::audit::{Verdict, bundle, salvage, verify};
use schwabot::checkpoint::{KeyKind, SigningKey, Tiles, prove};
use schwabot::ledger::index::INDEX_MAGIC;
use schwabot::ledger::layout::Layout;
use schwabot::ledger::{LedgerEnd, LedgerError, Reader, SyncMode, Writer};

use super::Taken;
use super::frames::fix_checksums;
use crate::support::notes::{Note, step, step_with_key};
use crate::support::sim_disk::{SimDisk, State, Unsynced};
use crate::support::sim_ledger::{ledger_path, segment_path, sim_options, verifying};

/// A ledger to begin with, and what it holds.
pub(super) struct Sound {
    pub(super) state: State,
    pub(super) records: Vec<Vec<u8>>,
}

/// What a disk holds once all that was written is durable.
fn settled(disk: &SimDisk) -> State {
    SimDisk::cut_power(&disk.state(), Unsynced::Kept).state()
}

/// All records that a reader shows, or why it shows none.
pub(super) fn shown(disk: &SimDisk) -> Result<Vec<Vec<u8>>, LedgerError> {
    let reader: Reader<Note> = Reader::open_on(Arc::new(disk.clone()), &ledger_path())?;
    let mut records = Vec::new();
    let read = reader.for_each::<LedgerError>(0, |record| {
        assert_eq!(record.sequence, records.len() as u64, "sequences are gapless");
        records.push(record.bytes.to_vec());
        Ok(())
    });
    // How many there are is read off the last segment; where its header lies, the records before it
    // may be more, and going through them ends in damage.
    let said = read.is_err() || records.len() as u64 == reader.len();
    assert!(said, "{} records are shown and {} said", records.len(), reader.len());
    read.map(|()| records)
}

/// A closed ledger of several segments, one whose writer died, and one that was recovered.
fn sound() -> &'static [Sound; 3] {
    static SOUND: OnceLock<[Sound; 3]> = OnceLock::new();
    SOUND.get_or_init(|| {
        let begin = |sync| {
            let disk = SimDisk::new();
            let options = sim_options(&disk, sync, 1024, 1);
            let mut writer: Writer<Note> = Writer::open(&ledger_path(), &options).unwrap();
            for number in 0..14 {
                writer.append(&step(&[number])).unwrap();
            }
            writer.append(&step_with_key(14, [9; 16])).unwrap();
            (disk, writer)
        };
        let (closed, writer) = begin(SyncMode::Always);
        writer.close().unwrap();
        let (open, writer) = begin(SyncMode::End);
        let died = SimDisk::kill(&open.state());
        drop(writer);
        let recovered = SimDisk::kill(&died.state());
        let options = sim_options(&recovered, SyncMode::Always, 1024, 2);
        let mut writer: Writer<Note> = Writer::open(&ledger_path(), &options).unwrap();
        writer.append(&step(&[15])).unwrap();
        writer.close().unwrap();
        [closed, died, recovered]
            .map(|disk| Sound { state: settled(&disk), records: shown(&disk).unwrap() })
    })
}

/// The files of a ledger that the fuzzer may edit.
fn editable(disk: &SimDisk) -> Vec<PathBuf> {
    let files = disk.state().files();
    files.into_keys().filter(|path| !path.ends_with("/lock")).map(PathBuf::from).collect()
}

/// Edits files as the bytes say, at most 64 times. True where checksums were made to fit.
fn edit(disk: &SimDisk, script: &mut Taken<'_>) -> bool {
    let mut edits = 0;
    let mut forged = false;
    while !script.is_empty() && edits < 64 {
        edits += 1;
        let files = editable(disk);
        if files.is_empty() {
            break;
        }
        let what = script.byte();
        forged |= what % 8 == 7;
        let path = &files[usize::from(script.byte()) % files.len()];
        let at = usize::from(script.short());
        let count = usize::from(script.byte());
        if what % 8 == 6 {
            disk.forget(path);
            continue;
        }
        let written = if what % 8 == 1 { script.bytes(count) } else { &[] };
        disk.alter(path, |bytes| {
            let at = at % (bytes.len() + 1);
            match what % 8 {
                0 => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << (count % 8);
                    }
                }
                1 => {
                    let end = (at + written.len()).min(bytes.len());
                    bytes[at..end].copy_from_slice(&written[..end - at]);
                }
                2 => bytes.truncate(at),
                3 => bytes.resize(bytes.len() + count * 8, 0),
                4 => {
                    let end = (at + count * 8).min(bytes.len());
                    bytes[at..end].fill(0);
                }
                // One stretch of the file over another, aligned as frames are.
                5 => {
                    let (from, to) = (at & !7, (count * 8) % (bytes.len() + 1));
                    let length = (bytes.len() - from.max(to)).min(200);
                    bytes.copy_within(from..from + length, to);
                }
                _ => fix_checksums(bytes, count % 2 == 1),
            }
        });
    }
    forged
}

/// Whatever a ledger's files hold: nothing panics, what is shown is in the files, what was altered
/// is not called intact, opening alters no byte, and what opening accepted goes on.
///
/// The first byte chooses the ledger and what else is tried.
pub(super) fn ledger(bytes: &[u8]) -> bool {
    let mut script = Taken(bytes);
    let how = script.byte();
    let sound = &sound()[usize::from(how & 3) % 3];
    let disk = SimDisk::kill(&sound.state);
    let forged = edit(&disk, &mut script);
    let before = disk.state().files();
    let segments: Vec<&Vec<u8>> =
        before.iter().filter(|(path, _)| path.contains("/segments/")).map(|(_, b)| b).collect();

    let seen = shown(&disk);
    if let Ok(records) = &seen {
        for record in records {
            let holds = |file: &&Vec<u8>| file.windows(record.len()).any(|w| w == record);
            assert!(segments.iter().any(holds), "a record that is in no file");
        }
        if !forged {
            let common = records.len().min(sound.records.len());
            assert_eq!(records[..common], sound.records[..common], "another record is shown");
        }
    }
    let options = verifying(&disk);
    let report = verify(&ledger_path(), &options);
    if let Ok(report) = &report {
        assert_eq!(report.exit_code(), report.verdict().exit_code());
        serde_json::to_string(report).unwrap();
        if report.verdict() == Verdict::Intact {
            let records = seen.as_ref().expect("what is intact can be read");
            assert_eq!(records.len() as u64, report.records);
            assert!(
                forged || report.end != LedgerEnd::Closed || *records == sound.records
                    // An older state of the same ledger, or one whose last segments are gone, is
                    // found only with a checkpoint.
                    || sound.records.starts_with(records),
                "altered and called intact"
            );
        }
        if how & 4 == 4 {
            for (name, _) in bundle(&ledger_path(), &options, report).unwrap_or_default() {
                let parts = Path::new(&name).components();
                assert!(parts.into_iter().all(|p| matches!(p, std::path::Component::Normal(_))));
            }
        }
    }
    assert_eq!(disk.state().files(), before, "reading and verifying change nothing");
    goes_on(&disk, &before, seen.ok()) || report.is_ok()
}

/// What is salvaged of an edited ledger is a sound one, and the original is as it was.
pub(super) fn salvaged(bytes: &[u8]) -> bool {
    let mut script = Taken(bytes);
    let sound = &sound()[usize::from(script.byte() & 3) % 3];
    let disk = SimDisk::kill(&sound.state);
    edit(&disk, &mut script);
    let copy = SimDisk::kill(&disk.state());
    let out = PathBuf::from("/disk/saved");
    let Ok(saved) = salvage(&ledger_path(), &out, &verifying(&copy)) else { return false };
    let report = match verify(&out.join("ledger"), &verifying(&copy)) {
        Ok(report) => report,
        // Where not even the first header can be kept there is no ledger, and no record is said.
        Err(error) => {
            assert_eq!((saved.has_ledger, saved.head.size), (false, 0), "{error}");
            return false;
        }
    };
    assert!(matches!(report.verdict(), Verdict::Intact | Verdict::TornTail), "{report:?}");
    assert_eq!(report.records, saved.head.size);
    let original = |files: std::collections::BTreeMap<String, Vec<u8>>| {
        files.into_iter().filter(|(path, _)| !path.starts_with("/disk/saved")).collect::<Vec<_>>()
    };
    assert_eq!(original(copy.state().files()), original(disk.state().files()));
    true
}

/// Opens the ledger for writing, appends, closes, and reads again.
fn goes_on(
    disk: &SimDisk,
    before: &std::collections::BTreeMap<String, Vec<u8>>,
    seen: Option<Vec<Vec<u8>>>,
) -> bool {
    let options = sim_options(disk, SyncMode::Always, 1024, 3);
    let Ok(mut writer) = Writer::<Note>::open(&ledger_path(), &options) else { return false };
    for number in [100, 101] {
        writer.append(&step(&[number])).unwrap();
    }
    let head = writer.close().unwrap();
    let after = disk.state().files();
    for (path, bytes) in before.iter().filter(|(path, _)| path.ends_with(".seg")) {
        assert!(after.get(path) == Some(bytes), "opening altered {path}");
    }
    let report = verify(&ledger_path(), &verifying(disk)).unwrap();
    assert_ne!(report.verdict(), Verdict::TornTail, "a closed ledger has no torn tail");
    // Damage of earlier segments, which opening does not read, is still there.
    let Some(seen) = seen else { return true };
    let now = shown(disk).expect("what could be read before can be read");
    assert_eq!(now.len() as u64, head.size);
    assert!(now.starts_with(&seen), "what a reader showed before is still there");
    true
}

/// What an audit says. That an index is named is no other answer; and no other file is.
fn told_beside_indexes(disk: &SimDisk) -> serde_json::Value {
    let mut report = verify(&ledger_path(), &verifying(disk)).unwrap();
    let index = |path: &str| path.strip_suffix(".idx").is_some();
    assert!(report.derived_damage.iter().all(|damage| index(&damage.path)), "{report:?}");
    (report.derived_damage, report.derived_damage_count) = (Vec::new(), 0);
    serde_json::to_value(report).unwrap()
}

/// Any bytes in an index's place: no reader and no audit answers otherwise.
pub(super) fn index(bytes: &[u8]) -> bool {
    let mut script = Taken(bytes);
    let sound = &sound()[0];
    let disk = SimDisk::kill(&sound.state);
    let which = u64::from(script.byte() % 4);
    let fixed = script.byte() & 1 == 1;
    let path = segment_path(which).with_extension("idx");
    if !disk.state().files().contains_key(path.to_str().unwrap()) {
        return false;
    }
    // With no index altered: once, since audits are most of the work.
    static EXPECTED: OnceLock<serde_json::Value> = OnceLock::new();
    let expected = EXPECTED.get_or_init(|| told_beside_indexes(&disk));
    disk.alter(&path, |file| {
        *file = script.0.to_vec();
        if fixed && file.len() > 12 {
            file[..8].copy_from_slice(&INDEX_MAGIC);
            let checksum = crc32c::crc32c(&file[12..]);
            file[8..12].copy_from_slice(&checksum.to_le_bytes());
        }
    });
    assert_eq!(&told_beside_indexes(&disk), expected, "an index changes no verdict");
    assert_eq!(shown(&disk).unwrap(), sound.records, "an index changes no answer");
    let reader: Reader<Note> = Reader::open_on(Arc::new(disk.clone()), &ledger_path()).unwrap();
    for (sequence, record) in (0..).zip(&sound.records) {
        assert_eq!(reader.record(sequence).unwrap().as_ref(), Some(record), "{sequence}");
    }
    // A writer may be told a wrong root by a forged index, and loses no record.
    drop(reader);
    goes_on(&disk, &disk.state().files(), Some(sound.records.clone()));
    fixed
}

/// The key of a log, always the same.
pub(super) fn log_key() -> SigningKey {
    SigningKey::from_seed("example.com/bot", KeyKind::Log, &[1; 32]).unwrap()
}

/// A signed ledger with tiles, more than one of them.
fn tiled() -> &'static (State, schwabot::checkpoint::Policy) {
    static TILED: OnceLock<(State, schwabot::checkpoint::Policy)> = OnceLock::new();
    TILED.get_or_init(|| {
        let disk = SimDisk::new();
        let options = sim_options(&disk, SyncMode::End, 1 << 20, 1);
        let mut writer: Writer<Note> = Writer::open(&ledger_path(), &options).unwrap();
        let numbers: Vec<u64> = (0..300).collect();
        writer.append(&step(&numbers)).unwrap();
        writer.close().unwrap();
        let shared: Arc<dyn schwabot::ledger::disk::Disk> = Arc::new(disk.clone());
        let path = Path::new("/disk/key");
        let key = schwabot::checkpoint::KeyFile::create(shared, path, log_key()).unwrap();
        schwabot::checkpoint::sign_head::<Note>(&ledger_path(), &key, &options).unwrap();
        let policy = schwabot::checkpoint::Policy::of_log(log_key().verifier().clone());
        let reader: Reader<Note> = Reader::open_on(Arc::new(disk.clone()), &ledger_path()).unwrap();
        let size = reader.len();
        Tiles::anew(&reader, size).unwrap();
        drop(reader);
        (settled(&disk), policy)
    })
}

/// Any bytes in a tile's place: whatever is proven still leads to the signed root.
pub(super) fn tiles(bytes: &[u8]) -> bool {
    let mut script = Taken(bytes);
    let (state, policy) = tiled();
    let disk = SimDisk::kill(state);
    let files: BTreeSet<String> =
        state.files().into_keys().filter(|path| path.contains("/tile/")).collect();
    let which = usize::from(script.byte()) % files.len();
    let sequence = u64::from(script.short()) % 301;
    let path = PathBuf::from(files.iter().nth(which).unwrap());
    let how = script.byte();
    let edits = script.0;
    disk.alter(&path, |file| match how % 3 {
        0 => *file = edits.to_vec(),
        1 => {
            for edit in edits.chunks_exact(3) {
                let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % file.len();
                file[at] ^= edit[2];
            }
        }
        _ => file.truncate(usize::from(how) * 32),
    });
    let reader: Reader<Note> = Reader::open_on(Arc::new(disk.clone()), &ledger_path()).unwrap();
    let receipt = prove(&reader, sequence).expect("tiles are made anew where they do not lead");
    receipt.verify(policy).expect("a receipt that is handed out holds");
    assert_eq!(reader.record(sequence).unwrap(), Some(receipt.record));
    let report = verify(&ledger_path(), &verifying(&disk)).unwrap();
    let found = report.verdict();
    assert!(matches!(found, Verdict::Intact | Verdict::Finding), "{found:?}: tiles are derived");
    let layout = Layout::new(&ledger_path());
    assert_eq!(reader.layout().root(), layout.root());
    true
}

/// The segments of the closed ledger and of the one that was recovered.
pub(super) fn segment_files() -> Vec<Vec<u8>> {
    let files = [0, 2].map(|which: usize| sound()[which].state.files());
    let segments = files.into_iter().flatten().filter(|(path, _)| path.ends_with(".seg"));
    segments.map(|(_, bytes)| bytes).collect()
}

/// The frames of the first segment, one by one.
pub(super) fn frames_of_a_segment() -> Vec<Vec<u8>> {
    let file = segment_files().remove(0);
    let mut frames = Vec::new();
    let mut rest = &file[192..];
    while rest.len() >= 88 && rest[..88] != [0; 88] {
        let records = u32::from_le_bytes(rest[12..16].try_into().unwrap()) as usize;
        let (frame, after) = rest.split_at(88 + records.next_multiple_of(8));
        frames.push(frame.to_vec());
        rest = after;
    }
    frames
}

/// The index of a segment, as it is and for its checksum to be made anew.
pub(super) fn index_seed(fixed: u8) -> Vec<u8> {
    let path = segment_path(0).with_extension("idx");
    let file = sound()[0].state.files().remove(path.to_str().unwrap()).expect("an index");
    [&[0, fixed], file.as_slice()].concat()
}

/// The ledger's own records: a recovery and an anchor.
pub(super) fn own_records() -> Vec<Vec<u8>> {
    let is_own = |record: &&Vec<u8>| record[1] == 0;
    let recovered = sound()[2].records.iter().filter(is_own).cloned();
    let disk = SimDisk::kill(&tiled().0);
    recovered.chain(shown(&disk).unwrap().iter().filter(is_own).cloned()).collect()
}
