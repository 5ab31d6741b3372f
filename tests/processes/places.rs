//! Directories that are no ledger, no longer one, or one in an odd dress: exit code and message, and
//! nothing made where nothing was.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::cli::{Place, Ran, finish, program, run, walk};
use super::mounts::{in_own_mounts, read_only};
use super::{TestResult, not_tested};

/// Nobody's number on every system.
const NOBODY: u32 = 65_534;
const READING: [&str; 4] = ["verify", "replay", "state", "inspect"];
const WRITING: [&str; 4] = ["recover", "checkpoint", "demo", "backtest"];

/// A place with data, a key, and a closed ledger of four segments named `sound`.
fn place() -> TestResult<Place> {
    let place = Place::new()?;
    place.write("AAA_USDT-1m.csv", &walk(1, 300))?;
    let made = run(&["keygen", "--name", "example.com/bot", "--out", &place.arg("key")])?;
    assert_eq!(made.code, Some(0), "{}", made.err);
    make(&place, "sound")?;
    Ok(place)
}

fn make(place: &Place, name: &str) -> TestResult {
    let (ledger, data) = (place.arg(name), place.arg("AAA_USDT-1m.csv"));
    let args = ["backtest", "--segment-bytes", "16384", "--data", &data, "--ledger", &ledger];
    let ran = run(&args)?;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(place.path(name).join("segments/000000000002.seg").exists());
    Ok(())
}

/// A command on a ledger, not yet run.
fn command(place: &Place, name: &str, ledger: &str) -> Command {
    let (key, data) = (place.arg("key"), place.arg("AAA_USDT-1m.csv"));
    match name {
        "checkpoint" => program(&["checkpoint", "--key", &key, ledger]),
        "demo" => program(&["demo", "--cycles", "10", "--ledger", ledger]),
        "backtest" => program(&["backtest", "--data", &data, "--append", "--ledger", ledger]),
        other => program(&[other, ledger]),
    }
}

/// Runs a command that must end soon: opening a pipe could wait for ever.
fn within_time(command: &mut Command) -> TestResult<Ran> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut looks = 0;
    while child.try_wait()?.is_none() {
        looks += 1;
        if looks > 4_000 {
            child.kill()?;
            return Err(format!("{command:?} does not end").into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output()?;
    let (out, err) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    Ok(Ran { code: output.status.code(), out, err })
}

#[track_caller]
fn refused(ran: &Ran, what: &str, words: &[&str]) {
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{what}: {}", ran.err);
    assert!(ran.err.contains("error: ") && !ran.err.contains("panicked"), "{what}: {}", ran.err);
    for word in words {
        assert!(ran.err.contains(word), "{what}: no `{word}` in {}", ran.err);
    }
}

#[test]
fn a_file_and_a_link_to_nothing_are_refused_by_every_command_and_left_alone() -> TestResult {
    let place = place()?;
    place.write("file", "no ledger")?;
    symlink("nowhere", place.path("dangling"))?;
    for name in READING.iter().chain(&WRITING) {
        let ran = finish(&mut command(&place, name, &place.arg("file")))?;
        refused(&ran, name, &[&place.arg("file"), "Not a directory"]);
        let ran = finish(&mut command(&place, name, &place.arg("dangling")))?;
        refused(&ran, name, &[&place.arg("dangling")]);
    }
    let ran = finish(&mut command(&place, "checkpoint", &place.arg("missing")))?;
    refused(&ran, "checkpoint", &[&place.arg("missing"), "no ledger"]);
    assert_eq!(std::fs::read_to_string(place.path("file"))?, "no ledger");
    assert!(!place.path("nowhere").exists() && !place.path("missing").exists());
    Ok(())
}

#[test]
fn a_ledger_behind_links_is_read_continued_and_signed_like_any_other() -> TestResult {
    let place = place()?;
    make(&place, "dir-linked")?;
    make(&place, "file-linked")?;
    symlink(place.path("sound"), place.path("linked"))?;
    let dir = place.path("dir-linked/segments");
    std::fs::rename(&dir, place.path("elsewhere"))?;
    symlink(place.path("elsewhere"), &dir)?;
    let file = place.path("file-linked/segments/000000000001.seg");
    std::fs::rename(&file, place.path("segment"))?;
    symlink(place.path("segment"), &file)?;
    for ledger in ["linked", "dir-linked", "file-linked"] {
        let ledger = place.arg(ledger);
        for name in ["verify", "replay", "state", "inspect", "recover", "backtest", "verify"] {
            let ran = finish(&mut command(&place, name, &ledger))?;
            assert_eq!(ran.code, Some(0), "{name} {ledger}: {}", ran.err);
        }
        // A demo's market does not go on where another run ended.
        let ran = finish(&mut command(&place, "demo", &ledger))?;
        refused(&ran, "demo", &["already holds"]);
    }
    let signed = finish(&mut command(&place, "checkpoint", &place.arg("linked")))?;
    assert_eq!(signed.code, Some(0), "{}", signed.err);
    assert_eq!(run(&["verify", &place.arg("sound")])?.code, Some(0));
    Ok(())
}

fn pipe(path: &Path) -> TestResult {
    let made = Command::new("mkfifo").arg(path).status()?;
    if made.success() { Ok(()) } else { Err("mkfifo failed".into()) }
}

#[test]
fn a_pipe_or_directory_in_the_place_of_a_file_is_refused_and_nobody_waits_for_it() -> TestResult {
    let place = place()?;
    for name in ["ledger.id", "lock", "segments/000000000001.seg", "segments/next"] {
        for dir in [false, true] {
            if place.path("odd").exists() {
                std::fs::remove_dir_all(place.path("odd"))?;
            }
            make(&place, "odd")?;
            let (ledger, path) = (place.arg("odd"), place.path("odd").join(name));
            if path.exists() {
                std::fs::remove_file(&path)?;
            }
            let made =
                if dir { std::fs::create_dir(&path).map_err(Into::into) } else { pipe(&path) };
            made?;
            for name in READING.iter().chain(&WRITING) {
                let ran = within_time(&mut command(&place, name, &ledger))?;
                refused(&ran, &format!("{name} {path:?}"), &[path.to_str().unwrap()]);
            }
        }
    }
    Ok(())
}

/// Every file below a directory, with its length.
fn files(dir: &Path) -> TestResult<Vec<(String, u64)>> {
    let mut found = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_dir() {
                todo.push(path);
            } else {
                found.push((path.display().to_string(), path.metadata()?.len()));
            }
        }
    }
    found.sort();
    Ok(found)
}

#[test]
fn where_nobody_may_write_a_ledger_is_read_and_writing_is_refused() {
    let test = "places::where_nobody_may_write_a_ledger_is_read_and_writing_is_refused";
    in_own_mounts(test, |dir| {
        let place = place().unwrap();
        let root = place.path("");
        // An unclosed ledger: it loses its end frame and is as long as while it was written.
        make(&place, "open").unwrap();
        unclose(&place.path("open")).unwrap();
        let before = files(&root).unwrap();
        let shown = dir.join("shown");
        if let Err(why) = read_only(&root, &shown) {
            return not_tested("a read-only file system", &why);
        }
        let at = |name: &str| shown.join(name).display().to_string();
        for name in READING {
            let ran = finish(&mut command(&place, name, &at("sound"))).unwrap();
            assert_eq!(ran.code, Some(0), "{name}: {}", ran.err);
        }
        let ran = finish(&mut command(&place, "recover", &at("sound"))).unwrap();
        assert!(ran.out.contains("nothing to recover"), "{}", ran.err);
        for (name, ledger) in
            [("recover", "open"), ("backtest", "sound"), ("backtest", "new"), ("demo", "new")]
        {
            let ran = finish(&mut command(&place, name, &at(ledger))).unwrap();
            assert!(!ran.out.contains("recovered"), "{}", ran.out);
            refused(&ran, name, &[&at(ledger), "Read-only file system"]);
        }
        assert_eq!(files(&root).unwrap(), before, "something was written");
    });
}

/// Takes the end frame from a closed ledger, as a killed writer leaves it.
fn unclose(ledger: &Path) -> TestResult {
    let last = (0..).map(|index| ledger.join(format!("segments/{index:012}.seg")));
    let last = last.take_while(|path| path.exists()).last().unwrap();
    let bytes = std::fs::read(&last)?;
    let full = u64::from_le_bytes(bytes[80..88].try_into()?);
    let file = std::fs::OpenOptions::new().write(true).open(&last)?;
    file.set_len((bytes.len() - schwabot::ledger::frame::FRAME_HEADER_BYTES) as u64)?;
    Ok(file.set_len(full)?)
}

/// The same command by somebody whom permissions bind.
fn by_nobody(command: &mut Command) -> &mut Command {
    let root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if root { command.uid(NOBODY).gid(NOBODY) } else { command }
}

fn permit(path: &Path, mode: u32) -> TestResult {
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?)
}

#[test]
fn who_may_not_read_or_write_is_told_so_and_makes_nothing() -> TestResult {
    let place = place()?;
    let root = place.path("");
    permit(&root, 0o755)?;
    permit(&place.path("key"), 0o644)?;
    std::fs::create_dir(place.path("kept"))?;
    permit(&place.path("kept"), 0o555)?;
    if let Err(error) = finish(by_nobody(&mut program(&["--version"]))) {
        not_tested("missing permissions", &error.to_string());
        return Ok(());
    }
    // Nobody may write here: read, but not continued. The lock cannot be asked for writing.
    permit(&place.path("sound"), 0o555)?;
    permit(&place.path("sound/lock"), 0o444)?;
    let before = files(&root)?;
    for name in READING {
        let ran = finish(by_nobody(&mut command(&place, name, &place.arg("sound"))))?;
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.err);
    }
    let ran = finish(by_nobody(&mut command(&place, "backtest", &place.arg("sound"))))?;
    refused(&ran, "backtest", &[&place.arg("sound/lock"), "Permission denied"]);
    for name in ["demo", "backtest"] {
        let ran = finish(by_nobody(&mut command(&place, name, &place.arg("kept/new"))))?;
        refused(&ran, name, &[&place.arg("kept"), "Permission denied"]);
    }
    assert_eq!(files(&root)?, before);
    assert!(!place.path("kept/new").exists());
    // Nobody may look inside: no command takes it for an empty place.
    permit(&place.path("sound"), 0o000)?;
    for name in READING.iter().chain(&WRITING) {
        let ran = finish(by_nobody(&mut command(&place, name, &place.arg("sound"))))?;
        refused(&ran, name, &[&place.arg("sound"), "Permission denied"]);
    }
    permit(&place.path("sound"), 0o755)?;
    permit(&place.path("kept"), 0o755)
}
