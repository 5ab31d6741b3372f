//! Backups of real files: only what is new is copied, at any moment; what comes back is the ledger,
//! or is named; two histories are never mixed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use schwabot::audit::{AuditError, BackupError, Restored, VerifyOptions, backup, restore, verify};
use schwabot::checkpoint::{Checkpoint, KeyKind, Note as Signed};
use schwabot::hash::{self, Digest};
use schwabot::ledger::disk::{Disk, RealDisk};
use schwabot::ledger::layout::Layout;
use schwabot::ledger::{Head, LedgerError, Reader, SyncMode, Writer};
use schwabot::merkle::CompactRange;

use crate::support::cli;
use crate::support::keys::{Place, key};
use crate::support::notes::{Note, append, options, step};
use crate::support::{Finally, TestResult};

fn copy(ledger: &Path, dir: &Path) -> schwabot::audit::BackedUp {
    backup(&RealDisk, ledger, dir).unwrap()
}

fn bring_back(dir: &Path, ledger: &Path) -> Restored {
    restore(dir, ledger, &VerifyOptions::default()).unwrap()
}

fn code(path: &Path) -> u8 {
    verify(path, &VerifyOptions::default()).unwrap().exit_code()
}

fn head(path: &Path) -> Option<Head> {
    verify(path, &VerifyOptions::default()).unwrap().head
}

fn small() -> schwabot::ledger::WriterOptions {
    options(SyncMode::Always, 4096)
}

/// Inode, length and time of change of every file, by its path below a directory.
fn stamps(dir: &Path) -> BTreeMap<PathBuf, (u64, u64, i64, i64)> {
    let mut found = BTreeMap::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let stamp = (meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec());
            if meta.is_dir() {
                dirs.push(path.clone());
            }
            found.insert(path, stamp);
        }
    }
    found
}

#[test]
fn a_second_backup_copies_only_what_is_new_and_a_third_nothing() {
    let place = Place::new();
    let (ledger, dir) = (place.ledger(), place.dir.path().join("safe"));
    append(&ledger, 0..40, 3, &small());
    let first = copy(&ledger, &dir);
    assert!(first.segments > 3 && !first.copied_part, "it is closed: {first:?}");
    assert_eq!(first.copied.len() as u64, first.segments);
    let before = stamps(&Layout::new(&dir).segments());

    append(&ledger, 40..60, 3, &small());
    let second = copy(&ledger, &dir);
    let new = second.segments - first.segments;
    assert!(second.bytes <= (new + 1) * 4096, "{second:?}");
    assert!(new > 0 && second.copied.iter().all(|index| *index + 1 >= first.segments));
    let after = stamps(&Layout::new(&dir).segments());
    let kept = before.iter().filter(|(path, stamp)| after.get(*path) == Some(stamp)).count();
    assert_eq!(kept as u64, first.segments, "what was whole is not touched");

    let third = copy(&ledger, &dir);
    assert_eq!((third.bytes, third.copied.len(), third.copied_part), (0, 0, false));
    assert_eq!(third.chain_head, second.chain_head);
    assert_eq!(stamps(&Layout::new(&dir).segments()), after);
    assert_eq!((code(&dir), head(&dir)), (0, head(&ledger)));
}

#[test]
fn beside_a_living_writer_every_backup_is_a_true_beginning_of_the_log() {
    let place = Place::new();
    let (ledger, dir) = (place.ledger(), place.dir.path().join("safe"));
    let stop = AtomicBool::new(false);
    let mut heads: Vec<Head> = Vec::new();
    let log = std::thread::scope(|scope| {
        let over = Finally(&stop);
        let writing = scope.spawn(|| {
            let rolling = options(SyncMode::Always, 1 << 14);
            let mut writer: Writer<Note> = Writer::open(&ledger, &rolling).unwrap();
            while !stop.load(Ordering::Relaxed) {
                let next = writer.next_sequence();
                writer.append(&step(&[next, next + 1])).unwrap();
                std::thread::sleep(Duration::from_millis(2));
            }
            writer.close().unwrap()
        });
        while !fs::exists(ledger.join("segments")).unwrap() {
            assert!(!writing.is_finished(), "the writer ended before it had begun");
            std::thread::yield_now();
        }
        for turn in 0..60 {
            let own = if turn % 10 == 0 {
                place.dir.path().join(format!("b{turn}"))
            } else {
                dir.clone()
            };
            let done = copy(&ledger, &own);
            assert_eq!(done.end, schwabot::ledger::LedgerEnd::Live);
            let to = place.dir.path().join(format!("r{turn}"));
            let restored = bring_back(&own, &to);
            assert_eq!(restored.exit_code(), 0, "{restored:?}");
            assert_eq!(code(&own), 0);
            heads.extend(restored.report.head);
            assert_eq!(heads.last().unwrap().size, done.records);
            fs::remove_dir_all(&to).unwrap();
        }
        drop(over);
        writing.join().unwrap()
    });
    let roots = roots(&ledger);
    assert_eq!(roots.get(&log.size), Some(&log.root));
    assert_eq!(heads.len(), 60);
    assert!(heads.last().unwrap().size > heads[0].size, "it grew meanwhile");
    assert!(heads.iter().all(|head| roots.get(&head.size) == Some(&head.root)));
    let done = copy(&ledger, &dir);
    assert_eq!((done.records, done.unproven), (log.size, 0));
    assert_eq!(head(&dir), Some(log));
}

/// The root at every size of a log.
fn roots(ledger: &Path) -> BTreeMap<u64, Digest> {
    let reader: Reader<Note> = Reader::open(ledger).unwrap();
    let mut tree = CompactRange::new(0);
    let mut roots: BTreeMap<u64, Digest> = [(0, tree.root().unwrap())].into();
    reader
        .for_each::<LedgerError>(0, |record| {
            tree.push(hash::leaf(record.bytes));
            roots.insert(tree.end(), tree.root().unwrap());
            Ok(())
        })
        .unwrap();
    roots
}

#[test]
fn what_no_later_frame_proves_is_left_for_the_next_backup_and_counted() {
    let place = Place::new();
    let (ledger, dir) = (place.ledger(), place.dir.path().join("safe"));
    let mut writer: Writer<Note> = Writer::open(&ledger, &small()).unwrap();
    for number in 0..5 {
        writer.append(&step(&[number])).unwrap();
    }
    let done = copy(&ledger, &dir);
    assert_eq!((done.records, done.unproven), (4, 1));
    writer.append(&step(&[5])).unwrap();
    assert_eq!(copy(&ledger, &dir).records, 5);
    writer.close().unwrap();
    assert_eq!((copy(&ledger, &dir).records, code(&dir)), (6, 0));
}

#[test]
fn a_restored_ledger_goes_on_into_the_same_backup_and_the_abandoned_one_is_then_refused() {
    let place = Place::new();
    let path = |name: &str| place.dir.path().join(name);
    let (ledger, dir, restored) = (place.ledger(), path("safe"), path("back"));
    append(&ledger, 0..30, 2, &small());
    copy(&ledger, &dir);
    copy(&ledger, &path("early"));
    assert_eq!(bring_back(&dir, &restored).exit_code(), 0);
    assert_eq!(head(&restored), head(&ledger));
    append(&restored, 60..90, 2, &small());
    let done = copy(&restored, &dir);
    assert!(!done.copied.is_empty() && done.records > 60, "{done:?}");
    assert_eq!((code(&dir), head(&dir)), (0, head(&restored)));

    append(&ledger, 60..70, 1, &small());
    let before = stamps(&Layout::new(&dir).segments());
    let forked = backup(&RealDisk, &ledger, &dir).unwrap_err();
    assert!(matches!(forked, BackupError::Forked { .. }), "{forked}");
    let told = forked.to_string();
    let names = [&ledger, &dir].map(|path| path.display().to_string());
    assert!(names.iter().all(|name| told.contains(name)), "{told}");

    bring_back(&path("early"), &path("rolled back"));
    let refused = backup(&RealDisk, &path("rolled back"), &dir).unwrap_err();
    assert!(matches!(refused, BackupError::RolledBack { .. }), "{refused}");
    assert_eq!(stamps(&Layout::new(&dir).segments()), before, "nothing was replaced");
}

#[test]
fn two_histories_that_part_inside_the_last_segment_are_told_apart() {
    let place = Place::new();
    let path = |name: &str| place.dir.path().join(name);
    let (ledger, dir) = (place.ledger(), path("safe"));
    let large = options(SyncMode::Always, 1 << 16);
    let mut writer: Writer<Note> = Writer::open(&ledger, &large).unwrap();
    for number in 0..10 {
        writer.append(&step(&[number])).unwrap();
    }
    copy(&ledger, &dir);
    bring_back(&dir, &path("twin"));
    writer.append(&step(&[10, 11])).unwrap();
    writer.append(&step(&[12])).unwrap();
    copy(&ledger, &dir);
    append(&path("twin"), 10..14, 1, &large);
    let forked = backup(&RealDisk, &path("twin"), &dir).unwrap_err();
    assert!(matches!(forked, BackupError::Forked { segment: 0, .. }), "{forked}");
    writer.close().unwrap();
    copy(&ledger, &dir);
}

#[test]
fn a_backup_is_no_place_to_append_to_and_no_place_of_another_ledger_or_of_something_else() {
    let place = Place::new();
    let path = |name: &str| place.dir.path().join(name);
    let (ledger, dir) = (place.ledger(), path("safe"));
    append(&ledger, 0..3, 1, &small());
    copy(&ledger, &dir);
    let refused = Writer::<Note>::open(&dir, &small()).err().unwrap();
    assert!(matches!(refused, LedgerError::IsBackup { .. }), "{refused}");
    append(&path("other"), 0..3, 1, &small());
    let refused = backup(&RealDisk, &path("other"), &dir).unwrap_err();
    assert!(matches!(refused, BackupError::OtherLedger { .. }), "{refused}");
    let refused = backup(&RealDisk, &ledger, &path("other")).unwrap_err();
    assert!(matches!(refused, BackupError::NotABackup { .. }), "{refused}");
    let refused = backup(&RealDisk, &ledger, &ledger.join("inside")).unwrap_err();
    assert!(matches!(refused, BackupError::Audit(AuditError::InsideLedger { .. })), "{refused}");
    let refused = backup(&RealDisk, &path("nowhere"), &path("new")).unwrap_err();
    assert!(matches!(refused, BackupError::Ledger(LedgerError::NotALedger { .. })), "{refused}");
    assert!(!fs::exists(path("new")).unwrap());
    let held = RealDisk.lock(&Layout::new(&dir).lock()).unwrap();
    let refused = backup(&RealDisk, &ledger, &dir).unwrap_err();
    assert!(matches!(refused, BackupError::InUse { .. }), "{refused}");
    let refused = restore(&dir, &path("back"), &VerifyOptions::default()).unwrap_err();
    assert!(matches!(refused, BackupError::InUse { .. }), "{refused}");
    drop(held);
    let refused = restore(&dir, &ledger, &VerifyOptions::default()).unwrap_err();
    assert!(matches!(refused, BackupError::NotEmpty { .. }), "{refused}");
    assert!(refused.to_string().ends_with("wants a place that is missing or empty"), "{refused}");
}

#[test]
fn the_ledger_is_only_read() {
    let place = Place::new();
    let (ledger, dir) = (place.ledger(), place.dir.path().join("safe"));
    append(&ledger, 0..20, 2, &small());
    fs::remove_file(Layout::new(&ledger).lock()).unwrap();
    let before = stamps(&ledger);
    copy(&ledger, &dir);
    assert_eq!(stamps(&ledger), before);
    let derived = stamps(&dir).into_keys().filter(|path| path.extension() == Some("idx".as_ref()));
    assert_eq!(derived.count(), 0, "derived files stay behind");
}

#[test]
fn a_ledger_without_segments_comes_back_and_goes_on() {
    let place = Place::new();
    let path = |name: &str| place.dir.path().join(name);
    append(&place.ledger(), 0..0, 0, &small());
    let id = fs::read(place.ledger().join("ledger.id")).unwrap();
    fs::create_dir(path("bare")).unwrap();
    fs::write(path("bare").join("ledger.id"), &id).unwrap();
    for (name, ledger, segments) in [("a", path("bare"), 0), ("b", place.ledger(), 1)] {
        let (dir, back) = (path(&format!("safe {name}")), path(&format!("back {name}")));
        assert_eq!(copy(&ledger, &dir).segments, segments);
        fs::create_dir(&back).unwrap();
        assert_eq!(bring_back(&dir, &back).exit_code(), 0, "into a directory that is empty");
        assert_eq!(fs::read(back.join("ledger.id")).unwrap(), id);
        append(&back, 0..2, 1, &small());
        assert_eq!(code(&back), 0);
        assert_eq!(copy(&back, &dir).records, 2);
    }
}

#[test]
fn every_note_is_kept_and_a_contradiction_is_told_and_comes_back() {
    let place = Place::new();
    let path = |name: &str| place.dir.path().join(name);
    let (ledger, dir) = (place.ledger(), path("safe"));
    append(&ledger, 0..20, 2, &small());
    let good = place.sign(&small()).unwrap().note;
    assert_eq!(copy(&ledger, &dir).new_notes, 1);
    append(&ledger, 20..30, 2, &small());
    place.sign(&small()).unwrap();
    let origin = "example.com/bot".to_owned();
    let size = good.checkpoint().size;
    let lie = Checkpoint { origin: origin.clone(), size, root: hash::sha256(b"another") };
    let mut lie = Signed::new(lie);
    lie.sign(&key(&origin, KeyKind::Log, 1), 0);
    let name = format!("checkpoints/{size:012}.note");
    fs::write(ledger.join(&name), lie.to_string()).unwrap();
    fs::write(ledger.join("checkpoints/000000000003.note"), "no note").unwrap();
    let done = copy(&ledger, &dir);
    assert_eq!((done.notes, done.new_notes, done.unreadable.len()), (3, 2, 1), "{done:?}");
    assert_eq!(done.contradictions.len(), 1, "{done:?}");
    assert_eq!(fs::read_to_string(dir.join(&name)).unwrap(), good.to_string());
    let again = copy(&ledger, &dir);
    assert_eq!((again.notes, again.new_notes, again.contradictions.len()), (3, 0, 1));
    let restored = bring_back(&dir, &path("back"));
    assert_eq!((restored.notes, restored.contradictions.len()), (3, 1));
    assert_eq!((restored.exit_code(), code(&dir)), (13, 13));
}

#[test]
fn records_that_the_newest_checkpoint_covers_and_the_backup_lost_are_named() {
    let place = Place::new();
    let path = |name: &str| place.dir.path().join(name);
    let (ledger, dir) = (place.ledger(), path("safe"));
    append(&ledger, 0..40, 2, &small());
    let size = place.sign(&small()).unwrap().note.checkpoint().size;
    let done = copy(&ledger, &dir);
    for index in done.segments - 2..done.segments {
        fs::remove_file(Layout::new(&dir).segment(index)).unwrap();
    }
    let restored = bring_back(&dir, &path("back"));
    assert_eq!(restored.exit_code(), 13, "rolled back, says its own note");
    assert_eq!(restored.missing_records, Some((restored.records, size)));
    assert!(restored.records < size);
    assert_eq!(copy(&ledger, &dir).records, size);
    assert_eq!(head(&dir), head(&ledger), "the next backup makes it whole again");
}

#[test]
fn links_in_a_strangers_backup_bring_nothing_else_along() {
    let place = Place::new();
    let path = |name: &str| place.dir.path().join(name);
    let (ledger, dir) = (place.ledger(), path("safe"));
    append(&ledger, 0..40, 2, &small());
    copy(&ledger, &dir);
    let secret = path("secret");
    fs::write(&secret, "a secret of this machine, long enough to be read ".repeat(200)).unwrap();
    let segment = Layout::new(&dir).segment(2);
    fs::remove_file(&segment).unwrap();
    symlink(&secret, &segment).unwrap();
    fs::create_dir_all(dir.join("checkpoints")).unwrap();
    symlink(&secret, dir.join("checkpoints/000000000009.note")).unwrap();
    let back = path("back");
    let restored = bring_back(&dir, &back);
    assert_eq!((restored.exit_code(), restored.unreadable.len()), (11, 1), "{restored:?}");
    assert_eq!(restored.faults[0].segment, 2);
    for file in stamps(&back).into_keys().filter(|file| file.is_file()) {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(8).any(|some| some == b"a secret"), "{}", file.display());
        assert!(!fs::symlink_metadata(&file).unwrap().is_symlink());
    }
    let refused = backup(&RealDisk, &ledger, &dir).unwrap_err();
    assert!(matches!(refused, BackupError::DamagedCopy { .. }), "{refused}");
    assert!(fs::read_to_string(&secret).unwrap().starts_with("a secret"));
}

#[test]
fn an_interrupted_restore_goes_on_and_one_of_another_ledger_is_refused() {
    let place = Place::new();
    let path = |name: &str| place.dir.path().join(name);
    append(&place.ledger(), 0..40, 2, &small());
    append(&path("other"), 0..4, 1, &small());
    copy(&place.ledger(), &path("safe"));
    copy(&path("other"), &path("safe other"));
    // What a restore leaves that was killed: a backup under the name that is not yet the ledger's,
    // with a mark more.
    copy(&path("other"), &path("back.restoring"));
    fs::write(path("back.restoring/restoring"), "").unwrap();
    let refused = restore(&path("safe"), &path("back"), &VerifyOptions::default()).unwrap_err();
    assert!(matches!(refused, BackupError::OtherLedger { .. }), "{refused}");
    let restored = bring_back(&path("safe other"), &path("back"));
    assert_eq!((restored.exit_code(), head(&path("back"))), (0, head(&path("other"))));
    assert!(!fs::exists(path("back.restoring")).unwrap());
    let options = VerifyOptions { disk: Arc::new(RealDisk), ..VerifyOptions::default() };
    assert_eq!(verify(&path("back"), &options).unwrap().exit_code(), 0);
}

#[test]
fn a_restore_leaves_alone_what_no_restore_began_under_the_name_that_it_works_under() {
    let place = Place::new();
    let path = |name: &str| place.dir.path().join(name);
    let (ledger, dir, work) = (place.ledger(), path("safe"), path("back.restoring"));
    append(&ledger, 0..20, 2, &small());
    copy(&ledger, &dir);
    let refused = |what: &str| {
        let before = stamps(&work);
        let error = restore(&dir, &path("back"), &VerifyOptions::default()).unwrap_err();
        assert!(matches!(error, BackupError::NotARestore { .. }), "{what}: {error}");
        assert_eq!(stamps(&work), before, "{what}");
        assert!(!fs::exists(path("back")).unwrap(), "{what}");
    };
    append(&work, 0..3, 1, &small());
    refused("another ledger");
    append(&work, 3..5, 1, &small());
    fs::remove_dir_all(&work).unwrap();

    bring_back(&dir, &path("twin"));
    fs::rename(path("twin"), &work).unwrap();
    refused("a copy of the same ledger");
    fs::write(work.join("restoring"), "").unwrap();
    refused("a ledger that a restore finished but for its last mark");
    fs::remove_dir_all(&work).unwrap();

    copy(&ledger, &work);
    refused("a backup");
    let itself = restore(&work, &path("back"), &VerifyOptions::default()).unwrap_err();
    assert!(matches!(itself, BackupError::NotARestore { .. }), "{itself}");
    fs::write(work.join("restoring"), "").unwrap();
    let itself = restore(&work, &path("back"), &VerifyOptions::default()).unwrap_err();
    assert!(matches!(itself, BackupError::UnfinishedRestore { .. }), "{itself}");
    let refused = backup(&RealDisk, &ledger, &work).unwrap_err();
    assert!(matches!(refused, BackupError::UnfinishedRestore { .. }), "{refused}");
    assert_eq!(bring_back(&dir, &path("back")).exit_code(), 0);
    assert!(!fs::exists(path("back/restoring")).unwrap());
    append(&path("back"), 40..41, 1, &small());
}

#[test]
fn a_restore_to_a_link_or_a_file_is_refused_before_anything_is_copied() {
    let place = Place::new();
    let path = |name: &str| place.dir.path().join(name);
    append(&place.ledger(), 0..5, 1, &small());
    copy(&place.ledger(), &path("safe"));
    fs::create_dir(path("empty")).unwrap();
    symlink(path("empty"), path("link")).unwrap();
    symlink(path("nowhere"), path("dangling")).unwrap();
    symlink(path("empty"), path("back.restoring")).unwrap();
    for name in ["link", "link/", "link/.", "dangling", "back"] {
        let error = restore(&path("safe"), &path(name), &VerifyOptions::default()).unwrap_err();
        assert!(matches!(error, BackupError::IsLink { .. }), "{name}: {error}");
    }
    fs::write(path("file"), "").unwrap();
    restore(&path("safe"), &path("file"), &VerifyOptions::default()).unwrap_err();
    for work in ["link.restoring", "dangling.restoring", "file.restoring"] {
        assert!(!fs::exists(path(work)).unwrap(), "{work}");
    }
    assert_eq!(fs::read_dir(path("empty")).unwrap().count(), 0);
}

#[test]
fn a_backup_and_the_way_back_as_a_user_meets_them() -> TestResult {
    let place = cli::Place::new()?;
    let [ledger, dir, back, key] = ["run", "safe", "back", "bot.key"].map(|name| place.arg(name));
    assert_eq!(cli::run(&["demo", "--ledger", &ledger, "--cycles", "900"])?.code, Some(0));
    cli::run(&["keygen", "--name", "example.com/bot", "-o", &key])?;
    assert_eq!(cli::run(&["checkpoint", &ledger, "--key", &key])?.code, Some(0));
    let done = cli::run(&["backup", &ledger, &dir])?;
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""));
    assert!(done.out.starts_with("backed up: ") && done.out.contains("1, 1 of them new"));
    let again = cli::run(&["backup", &ledger, &dir, "--format", "json"])?.json()?;
    assert_eq!((&again["bytes"], &again["end"]), (&0.into(), &"closed".into()));

    let refused = cli::run(&["recover", &dir])?;
    assert!(refused.out.contains("nothing to recover"), "{}", refused.out);
    let refused = cli::run(&["note", &dir, "--keys", &key, "--subject", "ana", "x"])?;
    assert_eq!(refused.code, Some(2));
    let kept = format!("{ledger}/checkpoint");
    let restored = cli::run(&["recover", &back, "--from", &dir, "--against", &kept])?;
    assert_eq!(restored.code, Some(0), "{}{}", restored.out, restored.err);
    assert!(restored.out.contains("missing         nothing"), "{}", restored.out);
    let all = ["verify", &back, "--format", "json"];
    let of = |path: &str| cli::run(&["verify", path, "--format", "json"])?.json();
    assert_eq!(cli::run(&all)?.code, Some(0));
    assert!(!restored.out.contains(".restoring"), "{}", restored.out);
    assert_eq!(
        (&of(&back)?["head"], of(&back)?["verdict"].as_str()),
        (&of(&ledger)?["head"], Some("intact"))
    );
    let over = cli::run(&["recover", &back, "--from", &dir])?;
    assert_eq!(over.code, Some(2), "never over something");
    Ok(())
}

#[test]
fn what_a_damaged_backup_lost_is_said_and_gives_the_exit_code_of_verify() -> TestResult {
    let place = cli::Place::new()?;
    let [ledger, dir, back] = ["run", "safe", "back"].map(|name| place.arg(name));
    assert_eq!(cli::run(&["demo", "--ledger", &ledger, "--cycles", "900"])?.code, Some(0));
    assert_eq!(cli::run(&["backup", &ledger, &dir])?.code, Some(0));
    let segment = format!("{dir}/segments/000000000000.seg");
    let mut bytes = fs::read(&segment)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes)?;
    let restored = cli::run(&["recover", &back, "--from", &dir])?;
    assert_eq!(restored.code, Some(11), "{}", restored.out);
    assert!(restored.out.contains("the backup: segment 000000000000"), "{}", restored.out);
    let json = cli::run(&["recover", &place.arg("b2"), "--from", &dir, "--format", "json"])?;
    assert_eq!(json.code, Some(11));
    let json = json.json()?;
    assert_eq!(
        (&json["verdict"], json["faults"].as_array().map(Vec::len)),
        (&"corrupt".into(), Some(1))
    );
    assert!(json["report"]["records"].as_u64() < Some(1_000_000));
    Ok(())
}
