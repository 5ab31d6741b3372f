//! File systems filled to the last byte: it is told, nothing acknowledged is lost, reading goes on,
//! and writing goes on once there is room.

use std::path::Path;

use schwabot::audit::{VerifyOptions, verify};
use schwabot::checkpoint::{newest_note, read_notes};
use schwabot::ledger::disk::RealDisk;
use schwabot::ledger::layout::Layout;
use schwabot::ledger::{SyncMode, Writer};

use super::child::{LIFE, SMALL, command_of, make_key, step_from};
use super::cli::{run, walk};
use super::mounts::{ext4, fill_up, in_own_mounts, resize, tmpfs};
use super::not_tested;
use super::notes::{Note, append, options};
use super::told::{NOTES_A_LIFE, Told, acknowledgement, check};

const NO_SPACE: &str = "No space left on device";

/// Both small file systems, where they can be had.
fn on_each(dir: &Path, body: fn(&Path)) {
    for name in ["tmpfs", "ext4"] {
        let place = dir.join(name);
        let mounted = if name == "ext4" { ext4(&place) } else { tmpfs(&place, "1m") };
        match mounted {
            Ok(()) => body(&place),
            Err(why) => not_tested(&format!("a full {name}"), &why),
        }
    }
}

/// Lets a child append until it is refused, and takes down what it told.
fn append_until_refused(told: &mut Told, ledger: &Path, life: u64) -> String {
    let output = command_of("fill", ledger).env(LIFE, life.to_string()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().for_each(|line| told.take(line));
    assert_eq!(told.after_error, 0);
    let error = told.errors.pop();
    error.unwrap_or_else(|| panic!("the disk never was full"))
}

fn is_sound(ledger: &Path) {
    let report = verify(ledger, &VerifyOptions::default()).unwrap();
    assert!([0, 10].contains(&report.exit_code()), "{report:?}");
}

fn fills_and_goes_on(place: &Path) {
    let (ledger, room) = (place.join("ledger"), place.join("room"));
    std::fs::write(&room, vec![0; 256 << 10]).unwrap();
    let mut told = Told::default();
    for life in 0..4 {
        // From the second life on there is no byte left at the start either.
        let error = append_until_refused(&mut told, &ledger, life);
        assert!(error.contains(NO_SPACE) && error.contains("ledger/segments/"), "{error}");
        check(&told, &ledger, life, 3);
        is_sound(&ledger);
        fill_up(place, "ballast");
    }
    let before = told.acknowledged.len();
    assert!(before > 300, "{before}");
    std::fs::remove_file(&room).unwrap();
    append_until_refused(&mut told, &ledger, 4);
    assert!(told.acknowledged.len() > before, "there was room, and nothing was appended");
    check(&told, &ledger, 4, 3);
    std::fs::remove_file(place.join("ballast")).unwrap();
    let mut writer: Writer<Note> =
        Writer::open(&ledger, &options(SyncMode::Always, SMALL)).unwrap();
    let first = 5 * NOTES_A_LIFE;
    let appended = writer.append(&step_from(first)).unwrap();
    acknowledgement(appended, first).lines().for_each(|line| told.take(line));
    writer.close().unwrap();
    check(&told, &ledger, 5, 3);
    assert_eq!(verify(&ledger, &VerifyOptions::default()).unwrap().exit_code(), 0);
    eprintln!("{}: {} acknowledged records all there", place.display(), told.acknowledged.len());
}

#[test]
fn a_full_disk_is_told_costs_nothing_acknowledged_and_writing_goes_on_once_there_is_room() {
    let test = "full::a_full_disk_is_told_costs_nothing_acknowledged_and_writing_goes_on_once_\
                there_is_room";
    in_own_mounts(test, |dir| on_each(dir, fills_and_goes_on));
}

fn appends_into_reserved_space(place: &Path) {
    let ledger = place.join("ledger");
    let mut writer: Writer<Note> =
        Writer::open(&ledger, &options(SyncMode::Always, 64 << 10)).unwrap();
    fill_up(place, "ballast");
    let mut told = Told::default();
    for turn in 0..100 {
        let first = 3 * turn;
        let appended = writer.append(&step_from(first)).unwrap();
        acknowledgement(appended, first).lines().for_each(|line| told.take(line));
    }
    drop(writer);
    check(&told, &ledger, 0, 0);
    is_sound(&ledger);
}

#[test]
fn what_was_reserved_can_be_written_on_a_full_disk() {
    let test = "full::what_was_reserved_can_be_written_on_a_full_disk";
    in_own_mounts(test, |dir| on_each(dir, appends_into_reserved_space));
}

fn signs_on_a_full_disk(place: &Path) {
    let ledger = place.join("ledger");
    let layout = Layout::new(&ledger);
    append(&ledger, 0..9, 1, &options(SyncMode::Always, SMALL));
    make_key(&ledger);
    let sign = || {
        let output = command_of("sign", &ledger).output().unwrap();
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let first = sign();
    assert!(first.contains("\nsigned "), "{first}");
    append(&ledger, 9..12, 1, &options(SyncMode::Always, SMALL));
    let before = newest_note(&RealDisk, &layout).unwrap().unwrap();
    fill_up(place, "ballast");
    let refused = sign();
    assert!(refused.contains("\nerror ") && !refused.contains("\nsigned "), "{refused}");
    let after = newest_note(&RealDisk, &layout).unwrap().unwrap();
    assert_eq!(after.to_string(), before.to_string(), "the old checkpoint is not there any more");
    assert!(read_notes(&RealDisk, &layout).unwrap().iter().all(|file| file.note.is_ok()));
    is_sound(&ledger);
    std::fs::remove_file(place.join("ballast")).unwrap();
    let signed = sign();
    assert!(signed.contains("\nsigned "), "{signed}");
    let newest = newest_note(&RealDisk, &layout).unwrap().unwrap();
    assert!(newest.checkpoint().size > before.checkpoint().size);
    assert_eq!(verify(&ledger, &VerifyOptions::default()).unwrap().exit_code(), 0);
}

#[test]
fn signing_on_a_full_disk_is_told_and_leaves_the_checkpoint_that_was() {
    let test = "full::signing_on_a_full_disk_is_told_and_leaves_the_checkpoint_that_was";
    in_own_mounts(test, |dir| on_each(dir, signs_on_a_full_disk));
}

fn runs_on_a_full_disk(dir: &Path) {
    let place = dir.join("tmpfs");
    tmpfs(&place, "1m").unwrap();
    let ledger = place.join("made").display().to_string();
    let demo = ["demo", "--cycles", "300", "--ledger", &ledger];
    let ran = run(&demo).unwrap();
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains(NO_SPACE) && ran.err.contains(&ledger), "{}", ran.err);
    // What is there is an empty ledger, not a half-made one.
    assert_eq!(run(&["verify", &ledger]).unwrap().code, Some(0));
    let data = dir.join("AAA_USDT-1m.csv");
    std::fs::write(&data, walk(1, 20_000)).unwrap();
    let cut = place.join("cut").display().to_string();
    let backtest = ["backtest", "--segment-bytes", "65536", "--ledger", &cut, "--append", "--data"];
    let backtest = [&backtest[..], &[data.to_str().unwrap()]].concat();
    let ran = run(&backtest).unwrap();
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains(NO_SPACE) && ran.err.contains(&cut), "{}", ran.err);
    let verified = run(&["verify", &cut]).unwrap();
    assert!([Some(0), Some(10)].contains(&verified.code), "{}{}", verified.out, verified.err);
    resize(&place, "256m");
    assert_eq!(run(&["recover", &cut]).unwrap().code, Some(0));
    for again in [&backtest[..], &demo[..]] {
        let ran = run(again).unwrap();
        assert_eq!(ran.code, Some(0), "{again:?}: {}", ran.err);
    }
    for whole in [&cut, &ledger] {
        let json = run(&["verify", whole, "--format", "json"]).unwrap();
        assert_eq!((json.code, &json.json().unwrap()["end"]), (Some(0), &"closed".into()));
    }
}

#[test]
fn a_run_on_a_full_disk_ends_with_2_and_is_recovered_where_there_is_room() {
    let test = "full::a_run_on_a_full_disk_ends_with_2_and_is_recovered_where_there_is_room";
    in_own_mounts(test, runs_on_a_full_disk);
}
