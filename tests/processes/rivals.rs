//! The real program killed, beside rivals for its ledger, and reading files that are cut meanwhile.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use schwabot::ledger::{LedgerError, Reader, SyncMode, Writer};

use super::cli::{Place, Ran, program, record_bytes, run, walk};
use super::dice::Dice;
use super::notes::{Note, options, step};
use super::{TestResult, is_full};

fn start(args: &[&str]) -> TestResult<Child> {
    Ok(program(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
}

fn end(child: Child) -> TestResult<Ran> {
    let output = child.wait_with_output()?;
    let (out, err) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    Ok(Ran { code: output.status.code(), out, err })
}

fn end_of(ledger: &str) -> TestResult<(Option<i32>, String)> {
    let ran = run(&["verify", ledger, "--format", "json"])?;
    let end = ran.json()?["end"].as_str().unwrap_or_default().to_owned();
    Ok((ran.code, end))
}

/// Bytes that a child has handed to the system to be written; none once it has ended.
fn written(child: &Child) -> Option<u64> {
    let io = std::fs::read_to_string(format!("/proc/{}/io", child.id())).ok()?;
    io.lines().find_map(|line| line.strip_prefix("wchar: "))?.parse().ok()
}

/// Waits until `is_so`; false if the child ended before that.
fn until(child: &mut Child, mut is_so: impl FnMut(&Child) -> bool) -> TestResult<bool> {
    while !is_so(child) {
        if child.try_wait()?.is_some() {
            return Ok(false);
        }
        std::thread::yield_now();
    }
    Ok(true)
}

/// Runs the program to its end, and says how many bytes it wrote at least.
fn bytes_of_a_run(args: &[&str]) -> TestResult<u64> {
    let (mut child, mut bytes) = (start(args)?, 0);
    until(&mut child, |child| {
        bytes = written(child).unwrap_or(bytes).max(bytes);
        false
    })?;
    let ran = end(child)?;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(bytes > 0, "/proc tells nothing of what a child writes");
    Ok(bytes)
}

/// Kills the program at random places of its run; then `verify` finds no damage, `recover` goes on,
/// and another run is added. A place is a number of bytes written, which no machine's speed moves;
/// whoever ended before its kill is not counted, so that so many die while they record.
fn kill_at_random(place: &Place, args: &[&str], kills: u64, after: &[&str]) -> TestResult {
    let bytes = bytes_of_a_run(&[args, &["--ledger", &place.arg("whole")]].concat())?;
    let (mut dice, mut torn) = (Dice::new(kills), 0);
    let (mut turns, mut caught) = (0, 0);
    while caught < kills {
        assert!(turns < 20 * kills, "{caught} of {turns} were killed while they recorded");
        let ledger = place.arg(&format!("killed-{turns}"));
        // The first, and some others, die as they start.
        let at = if turns % 20 == 0 { 0 } else { dice.next() % bytes };
        turns += 1;
        let mut child = start(&[args, &["--ledger", &ledger]].concat())?;
        until(&mut child, |child| written(child).is_some_and(|bytes| bytes >= at))?;
        child.kill()?;
        let ran = end(child)?;
        let verified = run(&["verify", &ledger])?;
        if !Path::new(&ledger).join("ledger.id").exists() {
            assert!(verified.err.contains("no ledger"), "{}", verified.err);
            continue;
        }
        caught += u64::from(ran.code.is_none());
        torn += u64::from(verified.code == Some(10));
        assert!([Some(0), Some(10)].contains(&verified.code), "{}", verified.out);
        recover_and_go_on(&ledger, after)?;
        std::fs::remove_dir_all(&ledger)?;
    }
    eprintln!("{}: {turns} kills, {caught} while it recorded, {torn} torn tails", args[0]);
    Ok(())
}

fn recover_and_go_on(ledger: &str, after: &[&str]) -> TestResult {
    let path = Path::new(ledger);
    let before = record_bytes(path)?;
    assert_eq!(run(&["recover", ledger])?.code, Some(0));
    if path.join("segments").exists() {
        assert_eq!(end_of(ledger)?, (Some(0), "closed".to_owned()));
    }
    if !after.is_empty() {
        let ran = run(&[after, &["--ledger", ledger]].concat())?;
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert_eq!(end_of(ledger)?, (Some(0), "closed".to_owned()));
    }
    assert!(record_bytes(path)?.starts_with(&before), "a record was lost");
    Ok(())
}

fn kills() -> u64 {
    if is_full() { 100 } else { 5 }
}

#[test]
fn a_killed_backtest_is_recovered_and_continued() -> TestResult {
    let place = Place::new()?;
    let data = place.write("AAA_USDT-1m.csv", &walk(1, 400))?;
    let args = ["backtest", "--sync", "always", "--segment-bytes", "65536", "--data", &data];
    let after = ["backtest", "--append", "--data", &data];
    kill_at_random(&place, &args, kills(), &after)
}

#[test]
fn a_killed_demo_is_recovered() -> TestResult {
    let place = Place::new()?;
    kill_at_random(&place, &["demo", "--cycles", "1000"], kills(), &[])
}

#[test]
fn of_two_runs_on_one_ledger_one_goes_on_and_the_other_is_told_that_it_is_locked() -> TestResult {
    // Where one had ended before the other began, nobody was to be refused: both run for longer.
    for bars in [3_000, 6_000, 12_000, 24_000, 48_000] {
        if two_runs_meet(bars)? {
            return Ok(());
        }
    }
    panic!("two runs started together never met");
}

/// Starts two runs on one new ledger; false if they did not meet.
fn two_runs_meet(bars: u64) -> TestResult<bool> {
    let place = Place::new()?;
    let data = place.write("AAA_USDT-1m.csv", &walk(1, bars))?;
    let ledger = place.arg("l");
    let args = ["backtest", "--sync", "always", "--append", "--data", &data, "--ledger", &ledger];
    let both = [start(&args)?, start(&args)?];
    let mut ran = both.into_iter().map(end).collect::<TestResult<Vec<Ran>>>()?;
    ran.sort_by_key(|ran| ran.code);
    if ran.iter().all(|ran| ran.code == Some(0)) {
        let state = run(&["state", &ledger, "--format", "json"])?.json()?;
        assert_eq!(state["summary"]["runs"], 2, "both say that they went on");
        return Ok(false);
    }
    assert_eq!((ran[0].code, ran[1].code), (Some(0), Some(2)), "{}{}", ran[0].err, ran[1].err);
    assert_eq!(ran[1].out, "");
    for word in ["l is open for writing by another process", "only one writer"] {
        assert!(ran[1].err.contains(word), "{}", ran[1].err);
    }
    assert_eq!(end_of(&ledger)?, (Some(0), "closed".to_owned()));
    let state = run(&["state", &ledger, "--format", "json"])?.json()?;
    assert_eq!(state["summary"]["runs"], 1);
    assert_eq!(state["summary"]["counters"]["bars"], bars);
    Ok(true)
}

#[test]
fn rivals_that_recover_one_ledger_leave_it_recovered_once() -> TestResult {
    let place = Place::new()?;
    let data = place.write("AAA_USDT-1m.csv", &walk(1, 2_000))?;
    let ledger = place.arg("l");
    let args = ["backtest", "--sync", "always", "--append", "--data", &data, "--ledger", &ledger];
    let bytes = bytes_of_a_run(&args)?;
    let (mut refused, mut turns, mut caught) = (0, 0, 0);
    while caught < 3 {
        assert!(turns < 30, "{caught} of {turns} were killed while they recorded");
        turns += 1;
        let mut killed = start(&args)?;
        until(&mut killed, |child| written(child).is_some_and(|so_far| so_far > bytes / 4))?;
        killed.kill()?;
        if killed.wait()?.code().is_some() {
            continue;
        }
        caught += 1;
        let before = record_bytes(&place.path("l"))?;
        let recover = ["recover", &ledger];
        let rivals = [start(&recover)?, start(&recover)?, start(&recover)?, start(&recover)?];
        let mut done = 0;
        for rival in rivals {
            let ran = end(rival)?;
            match ran.code {
                Some(0) => done += 1,
                Some(2) if ran.err.contains("only one writer") => refused += 1,
                other => panic!("{other:?}: {}{}", ran.out, ran.err),
            }
        }
        assert!(done > 0, "nobody recovered it");
        assert_eq!(end_of(&ledger)?, (Some(0), "closed".to_owned()));
        assert!(record_bytes(&place.path("l"))?.starts_with(&before), "a record was lost");
    }
    eprintln!("12 rivals to recover, {refused} of them refused");
    Ok(())
}

/// A closed ledger of one segment, long enough to be cut while it is read.
fn long_ledger(place: &Place, bars: u64) -> TestResult<String> {
    let data = place.write("AAA_USDT-1m.csv", &walk(1, bars))?;
    let ledger = place.arg("l");
    let ran = run(&["backtest", "--data", &data, "--ledger", &ledger])?;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    Ok(ledger)
}

fn cut(segment: &Path, bytes: u64) -> TestResult {
    Ok(std::fs::OpenOptions::new().write(true).open(segment)?.set_len(bytes)?)
}

#[track_caller]
fn says_that_it_was_cut(ran: &Ran, segment: &Path) {
    let wanted = format!("error: {} was cut while it was being read\n", segment.display());
    assert_eq!((ran.code, &ran.err), (Some(2), &wanted));
}

#[test]
fn a_segment_cut_under_replay_is_told_with_2_and_its_name() -> TestResult {
    let place = Place::new()?;
    let ledger = long_ledger(&place, 20_000)?;
    let segment = place.path("l/segments/000000000000.seg");
    let mut child = start(&["replay", &ledger, "--format", "jsonl"])?;
    // A pipe that nobody reads holds the program in the middle of the log.
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut [0; 1000])?;
    cut(&segment, 1 << 20)?;
    let mut rest = String::new();
    out.read_to_string(&mut rest)?;
    says_that_it_was_cut(&end(child)?, &segment);
    assert!(rest.lines().count() > 1_000, "what was there was shown");
    Ok(())
}

fn signal(child: &Child, name: &str) -> TestResult {
    let done = Command::new("kill").args([name, &child.id().to_string()]).status()?;
    if done.success() { Ok(()) } else { Err("kill failed".into()) }
}

#[test]
fn a_segment_cut_under_verify_is_told_with_2_and_its_name() -> TestResult {
    // Where it had read all before it was held, nothing was cut under it: once more, and for longer.
    for bars in [20_000, 40_000, 80_000] {
        let place = Place::new()?;
        let ledger = long_ledger(&place, bars)?;
        let segment = place.path("l/segments/000000000000.seg");
        let whole = std::fs::read(&segment)?;
        for _ in 0..5 {
            let ran = verify_and_cut(&ledger, &segment)?;
            if ran.code != Some(0) {
                says_that_it_was_cut(&ran, &segment);
                return Ok(());
            }
            std::fs::write(&segment, &whole)?;
        }
    }
    panic!("no segment was cut while it was read, or no cut was told");
}

/// Starts `verify`, holds it as soon as it has mapped the segment, cuts that, and lets it go on.
fn verify_and_cut(ledger: &str, segment: &Path) -> TestResult<Ran> {
    let mut child = start(&["verify", ledger])?;
    // The maps of a child that has ended are empty, and gone once it is waited for.
    let maps = format!("/proc/{}/maps", child.id());
    let has_mapped = |_: &Child| {
        std::fs::read_to_string(&maps).is_ok_and(|maps| maps.contains("000000000000.seg"))
    };
    if until(&mut child, has_mapped)? {
        signal(&child, "-STOP")?;
        cut(segment, 4096)?;
        signal(&child, "-CONT")?;
    }
    end(child)
}

#[test]
fn a_live_segment_cut_under_a_reader_is_an_error_and_never_the_end() -> TestResult {
    let place = Place::new()?;
    let path = place.path("l");
    let mut writer: Writer<Note> = Writer::open(&path, &options(SyncMode::End, 16 << 20))?;
    let all = 60_000_u64;
    for number in 0..all {
        writer.append(&step(&[number]))?;
    }
    writer.sync()?;
    // A later frame proves what was synced, and the reader goes so far.
    writer.append(&step(&[all]))?;
    writer.sync()?;
    // The writer lives, so its segment is read and not mapped.
    let reader: Reader<Note> = Reader::open(&path)?;
    assert!(reader.len() >= all, "{}", reader.len());
    let mut seen = 0;
    let read = reader.for_each::<LedgerError>(0, |_| {
        if seen == 0 {
            cut(&path.join("segments/000000000000.seg"), 4096).unwrap();
        }
        seen += 1;
        Ok(())
    });
    assert!(seen < all, "nothing was left to be cut");
    let error = read.expect_err("the cut was taken for the end");
    assert!(error.to_string().contains("000000000000"), "{error}");
    Ok(())
}
