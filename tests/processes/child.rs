//! What the children do. Each tells what it was promised, and the first error it met.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use schwabot::checkpoint::{KeyFile, KeyKind, SigningKey, sign_head};
use schwabot::ledger::disk::RealDisk;
use schwabot::ledger::{Batch, GroupWriter, LedgerError, SyncMode, Writer, WriterOptions};

use super::notes::{Note, options, step};
use super::told::{NOTES_A_LIFE, acknowledgement, tell};

pub(crate) const ROLE: &str = "SCHWABOT_PROCESS_ROLE";
pub(crate) const LEDGER: &str = "SCHWABOT_PROCESS_LEDGER";
pub(crate) const LIFE: &str = "SCHWABOT_PROCESS_LIFE";
/// Room for a few steps, so that a short script rolls.
pub(crate) const SMALL: u64 = 2 << 10;
const LARGE: u64 = 64 << 10;
pub(crate) const ORIGIN: &str = "example.com/bot";

type Done = Result<(), Box<dyn std::error::Error>>;

/// In the parent this is no test at all.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let path = PathBuf::from(std::env::var(LEDGER).unwrap());
    // The harness of the child leaves its own line unfinished.
    tell("\nstart");
    let done = match role.as_str() {
        "script" => script(&path),
        "end" => sync_now_and_then(&path),
        "group" => append_in_a_group(&path),
        "sign" => sign(&path),
        "fill" => fill(&path),
        "limit" => write_up_to_a_limit(&path),
        other => panic!("no role {other}"),
    };
    match done {
        Ok(()) => tell("done"),
        Err(error) => tell(&format!("error {error}")),
    }
}

/// The program of a role, not yet run.
pub(crate) fn command_of(role: &str, ledger: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child::child", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, role).env(LEDGER, ledger);
    command
}

pub(crate) fn step_from(first: u64) -> Batch<Note> {
    step(&[first, first + 1, first + 2])
}

/// Appends steps and tells each. After an error the writer must say no to everything; that is told
/// too, for it is another promise.
fn append(
    writer: &mut Writer<Note>,
    life: u64,
    steps: std::ops::Range<u64>,
) -> Result<(), LedgerError> {
    for turn in steps {
        let first = life * NOTES_A_LIFE + 3 * turn;
        match writer.append(&step_from(first)) {
            Ok(appended) => tell(&acknowledgement(appended, first)),
            Err(error) => {
                tell(&format!("error {error}"));
                let again = writer.append(&step_from(first + 3));
                let refused = matches!(again, Err(LedgerError::Poisoned { .. }));
                tell(if refused { "poisoned" } else { "alive" });
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Three lives in one process: a new ledger that rolls and is closed, one that is left open, and
/// one that recovers it. So every call that a writer makes is made.
fn script(path: &Path) -> Done {
    let options = options(SyncMode::Always, SMALL);
    for (life, steps) in [(0, 8), (1, 4), (2, 4)] {
        let mut writer: Writer<Note> = Writer::open(path, &options)?;
        tell("open");
        append(&mut writer, life, 0..steps)?;
        if life == 1 {
            drop(writer);
        } else {
            writer.close()?;
            tell("closed");
        }
    }
    Ok(())
}

/// Steps without a promise, told together once a sync returned.
fn sync_now_and_then(path: &Path) -> Done {
    let mut writer: Writer<Note> = Writer::open(path, &options(SyncMode::End, SMALL))?;
    tell("open");
    let mut first = 0;
    for steps in [1, 4, 7, 2] {
        let mut waiting = Vec::new();
        for _ in 0..steps {
            waiting.push(acknowledgement(writer.append(&step_from(first))?, first));
            first += 3;
        }
        writer.sync()?;
        tell(&waiting.join("\n"));
    }
    writer.close()?;
    tell("closed");
    Ok(())
}

fn append_in_a_group(path: &Path) -> Done {
    let writer: Writer<Note> = Writer::open(path, &options(SyncMode::Always, SMALL))?;
    tell("open");
    let group = GroupWriter::start(writer)?;
    std::thread::scope(|scope| {
        let producers: Vec<_> = (0..2)
            .map(|producer| {
                let appender = group.appender();
                scope.spawn(move || -> Result<(), LedgerError> {
                    for turn in 0..8 {
                        let first = 3 * (2 * turn + producer);
                        let appended = appender.append(&step_from(first))?;
                        tell(&acknowledgement(appended, first));
                    }
                    Ok(())
                })
            })
            .collect();
        producers.into_iter().try_for_each(|producer| producer.join().unwrap())
    })?;
    group.close()?;
    Ok(())
}

pub(crate) fn key_path(ledger: &Path) -> PathBuf {
    ledger.with_extension("key")
}

/// The log's key, made beside the ledger.
pub(crate) fn make_key(path: &Path) -> SigningKey {
    let key = || SigningKey::from_seed(ORIGIN, KeyKind::Log, &[7; 32]).unwrap();
    KeyFile::create(Arc::new(RealDisk), &key_path(path), key()).unwrap();
    key()
}

fn sign(path: &Path) -> Done {
    let key = KeyFile::open(Arc::new(RealDisk), &key_path(path))?;
    let signature = sign_head::<Note>(path, &key, &options(SyncMode::Always, SMALL))?;
    let head = signature.note.checkpoint();
    if signature.saved {
        tell(&format!("signed {} {}", head.size, head.root));
    } else {
        tell("error signed, and not saved");
    }
    Ok(())
}

/// Appends until it is refused.
fn fill(path: &Path) -> Done {
    let options = WriterOptions { segment_bytes: LARGE, ..WriterOptions::default() };
    let mut writer: Writer<Note> = Writer::open(path, &options)?;
    tell("open");
    let life = std::env::var(LIFE)?.parse()?;
    append(&mut writer, life, 0..100_000)?;
    Ok(())
}

/// Appends, then lets the system cut one of its writes short: no byte may be written at or beyond
/// the limit, and a write across it stops there.
fn write_up_to_a_limit(path: &Path) -> Done {
    let mut writer: Writer<Note> = Writer::open(path, &options(SyncMode::Always, LARGE))?;
    tell("open");
    append(&mut writer, 0, 0..4)?;
    let pid = std::process::id().to_string();
    let limited = Command::new("prlimit").args(["--pid", &pid, "--fsize=5000:5000"]).status()?;
    tell(if limited.success() { "limited" } else { "unlimited" });
    append(&mut writer, 0, 4..100)?;
    Ok(())
}
