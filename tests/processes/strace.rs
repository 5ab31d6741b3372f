//! Children under `strace`: what they asked the system for, and calls that it answers in its place.
//!
//! A call is named by its place: the N-th call of its name on the ledger's files. Children are the
//! same on every run up to the first fault, so a place that one run showed is met by the next.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use super::child::command_of;
use super::told::Told;

/// Every call by which a ledger touches files. A `?` lets `strace` pass over a name that the machine
/// does not have.
const TRACED: &[&str] = &[
    "openat",
    "pread64",
    "pwrite64",
    "fdatasync",
    "fsync",
    "fallocate",
    "ftruncate",
    "mmap",
    "fcntl",
    "getdents64",
    "statx",
    "?rename",
    "?renameat",
    "?renameat2",
    "?unlink",
    "?unlinkat",
    "?mkdir",
    "?mkdirat",
    "write",
];

/// One call of a trace.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) name: String,
    /// Which of its thread's traced calls of this name it is, from 1.
    pub(crate) nth: usize,
    /// Its arguments and answer, with paths beside descriptors.
    pub(crate) text: String,
}

impl Call {
    pub(crate) fn is_injected(&self) -> bool {
        self.text.contains("(INJECTED)")
    }

    pub(crate) fn failed(&self) -> bool {
        self.text.contains(" = -1 ")
    }

    /// The path of the descriptor that the call begins with.
    pub(crate) fn descriptor(&self) -> Option<PathBuf> {
        let (_, rest) = self.text.split_once('<')?;
        rest.split_once('>').map(|(path, _)| PathBuf::from(path))
    }

    /// The texts in quotes, in order: the paths of calls that name files.
    pub(crate) fn quoted(&self) -> Vec<PathBuf> {
        self.text.split('"').skip(1).step_by(2).map(PathBuf::from).collect()
    }
}

/// How a child ended, what it told and what it asked for.
pub(crate) struct Run {
    pub(crate) status: ExitStatus,
    pub(crate) lines: Vec<String>,
    pub(crate) calls: Vec<Call>,
}

impl Run {
    pub(crate) fn told(&self) -> Told {
        let mut told = Told::default();
        self.lines.iter().for_each(|line| told.take(line));
        told
    }

    pub(crate) fn has(&self, line: &str) -> bool {
        self.lines.iter().any(|told| told == line)
    }
}

/// Why nothing can be traced here, if so.
pub(crate) fn unavailable() -> Option<String> {
    // Both ways of tracing, with all that they need: an older strace knows only a part of it.
    let fails = ["-e", "inject=openat:error=EIO:when=60000", "--seccomp-bpf"];
    let dies = ["-e", "inject=openat:signal=KILL:when=60000"];
    refused(&fails).or_else(|| refused(&dies))
}

/// Why such a trace of a program that does nothing is not possible, if so.
fn refused(injection: &[&str]) -> Option<String> {
    let mut probe = Command::new("strace");
    probe.args(["-f", "-y", "-qq", "-s", "64", "-o", "/dev/null"]);
    probe.args(["-e", &format!("trace={}", TRACED.join(","))]).args(injection);
    match probe.arg("true").stderr(Stdio::piped()).output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(format!("strace: {error}")),
    }
}

/// What is traced of a role, and what is answered in the system's place.
#[derive(Clone, Copy)]
pub(crate) struct Traced<'a> {
    pub(crate) role: &'a str,
    /// Only calls on these, named below the directory of the ledger; all calls where there are none.
    pub(crate) only: &'a BTreeSet<PathBuf>,
    /// Such as `fsync:error=EIO:when=3`.
    pub(crate) injection: Option<&'a str>,
}

impl Traced<'_> {
    /// Runs the role to its end.
    pub(crate) fn run(self, ledger: &Path) -> Run {
        let file = ledger.with_extension("trace");
        let child = command_of(self.role, ledger);
        let mut command = Command::new("strace");
        command.args(["-f", "-y", "-qq", "-s", "64", "-o"]).arg(&file);
        command.args(["-e", &format!("trace={}", TRACED.join(","))]);
        if let Some(injection) = self.injection {
            command.args(["-e", &format!("inject={injection}")]);
        }
        // The faster way to stop at calls cannot hand out signals.
        if !self.injection.is_some_and(|injection| injection.contains("signal=")) {
            command.arg("--seccomp-bpf");
        }
        for path in self.only {
            command.arg("-P").arg(ledger.parent().unwrap().join(path));
        }
        command.arg(child.get_program()).args(child.get_args());
        command.envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().unwrap();
        let lines = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        Run { status: output.status, lines, calls: calls_of(&text) }
    }
}

/// Runs a role and sees every call.
pub(crate) fn trace(role: &str, ledger: &Path) -> Run {
    Traced { role, only: &BTreeSet::new(), injection: None }.run(ledger)
}

/// Every path below `dir` that a run touched, named from there.
pub(crate) fn paths_of(run: &Run, dir: &Path) -> BTreeSet<PathBuf> {
    let all = run.calls.iter().flat_map(|call| {
        let mut paths = call.quoted();
        paths.extend(call.descriptor());
        paths
    });
    all.filter_map(|path| Some(path.strip_prefix(dir).ok()?.to_owned())).collect()
}

/// The calls of a trace in the order of their ends. A call that another thread interrupts stands in
/// two lines; its place is that of its beginning.
fn calls_of(trace: &str) -> Vec<Call> {
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut begun: BTreeMap<String, Call> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let Some((_, end)) = resumed.split_once(" resumed>") else { continue };
            if let Some(mut call) = begun.remove(pid) {
                call.text.push_str(end);
                calls.push(call);
            }
            continue;
        }
        let Some((name, text)) = rest.split_once('(') else { continue };
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            continue;
        }
        let nth = counts.entry((pid.to_owned(), name.to_owned())).or_default();
        *nth += 1;
        let call = Call { name: name.to_owned(), nth: *nth, text: text.to_owned() };
        match text.split_once(" <unfinished ...>") {
            Some((start, _)) => {
                begun.insert(pid.to_owned(), Call { text: start.to_owned(), ..call });
            }
            None => calls.push(call),
        }
    }
    // Who was killed inside a call never ended it.
    calls.extend(begun.into_values());
    calls
}
