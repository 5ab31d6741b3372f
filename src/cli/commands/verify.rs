//! `verify`: is it true?

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::check::{read_note, read_policy};
use super::key_ring;
use super::place::fresh_dir;
use crate::audit::{
    BundleFile, DerivedDamage, Follower, Level, Report, Strength, Verdict, VerifyOptions, bundle,
    self_test, verify,
};
use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_proofs::VerifyArgs;
use crate::cli::interrupt;
use crate::cli::outcome::{COULD_NOT, CliError, Outcome};
use crate::cli::progress::Reading;
use crate::cli::text::{BAD, GOOD, Screen, count, note};
use crate::erasure::Unseal;
use crate::export::{compare_memory_stack, memory_stack};
use crate::ledger::clock::{Deadline, pause};
use crate::ledger::disk::RealDisk;
use crate::ledger::is_inside_ledger;
use crate::ledger::scan::Fault;
use crate::ledger::{LedgerEnd, Reader};
use crate::pipeline::usual_threads;

/// Faults, findings and ranges that people are shown; JSON has more of them.
pub(super) const LISTED: usize = 10;

/// How long `--follow` waits before it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

pub(in crate::cli) fn run(args: &VerifyArgs) -> Outcome {
    let keys = args.keys.as_deref().map(key_ring::open_existing).transpose()?;
    // It may be a setting; planted faults are judged without it.
    let policy = args.policy.as_deref().filter(|_| !args.self_test);
    let reading = Reading::new("verifying", &args.ledger, times_read(args));
    if !args.follow {
        let advice = "nothing was changed; --time-budget SECONDS ends earlier with a report";
        interrupt::end_at_once(advice.to_owned())?;
    }
    let options = VerifyOptions {
        // What goes on and on has no end to be near to.
        disk: if args.follow { Arc::new(RealDisk) } else { reading.disk() },
        level: args.level,
        threads: args.threads.asked().unwrap_or_else(usual_threads),
        policy: policy.map(read_policy).transpose()?,
        against: args.against.as_deref().map(read_note).transpose()?,
        since: args.since.as_deref().map(read_note).transpose()?,
        keys: keys.map(|ring| Arc::new(ring) as Arc<dyn Unseal>),
        time_budget: args.time_budget.map(Duration::from_secs),
        ..VerifyOptions::default()
    };
    if args.self_test {
        drop(reading);
        return test_itself(args, &options);
    }
    let mut report =
        if args.follow { follow(args, &options)? } else { verify(&args.ledger, &options)? };
    drop(reading);
    if let Some(folder) = &args.memory_stack {
        compare(&args.ledger, folder, &mut report)?;
    }
    if let Some(folder) = &args.bundle {
        write_bundle(folder, &bundle(&args.ledger, &options, &report)?)?;
    }
    let code = report.exit_code();
    match show(&report, args.format) {
        // The verdict stands, whoever reads it to its end.
        Ok(()) | Err(CliError::ClosedPipe) => Ok(code),
        Err(error) => Err(error),
    }
}

/// How often an audit goes through all bytes: once for the chain, and once for what they mean.
fn times_read(args: &VerifyArgs) -> u64 {
    let bytes_alone = args.since.is_some() || args.level.is_some_and(|level| level <= Level::Tree);
    if bytes_alone { 1 } else { 2 }
}

/// Looks again and again, and tells each look that finds something new, until something is wrong,
/// the time budget is used up, or the operator has seen enough.
fn follow(args: &VerifyArgs, options: &VerifyOptions) -> Result<Report, CliError> {
    interrupt::listen()?;
    let deadline = Deadline::after(options.time_budget);
    let mut follower = Follower::new(&args.ledger, options);
    let mut told = None;
    loop {
        let report = follower.look()?;
        let now = (report.records, report.checkpoints.last().map(|checkpoint| checkpoint.size));
        if told != Some(now) {
            told = Some(now);
            let (records, left) = (count(report.records, "record"), report.unanchored);
            note(&format!("{}: {records}, {left} unanchored", report.verdict()));
        }
        if report.exit_code() != 0 || deadline.is_over() || interrupt::asked() {
            return Ok(report);
        }
        pause(LOOK_AGAIN);
    }
}

/// Writes the evidence into a directory that is new or empty.
fn write_bundle(folder: &Path, files: &[BundleFile]) -> Result<(), CliError> {
    let failed = |path: &Path, error: &dyn std::fmt::Display| CliError::NotWritten {
        path: path.to_owned(),
        what: format!("cannot write the bundle: {error}"),
    };
    if is_inside_ledger(&RealDisk, folder) {
        return Err(failed(folder, &"it lies inside a ledger"));
    }
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    let mut inside = fs::read_dir(folder).map_err(|error| failed(folder, &error))?;
    if inside.next().is_some() {
        return Err(failed(folder, &"the directory is not empty"));
    }
    for (name, bytes) in files {
        let path = folder.join(name);
        let above = path.parent().unwrap_or(folder);
        let written = fs::create_dir_all(above).and_then(|()| fs::write(&path, bytes));
        written.map_err(|error| failed(&path, &error))?;
    }
    Ok(())
}

/// Plants faults in a copy that is gone afterwards.
fn test_itself(args: &VerifyArgs, options: &VerifyOptions) -> Outcome {
    let scratch = fresh_dir("self-test")?;
    let planted = self_test(&args.ledger, &scratch, options);
    // What is left of a scratch copy only takes space.
    drop(fs::remove_dir_all(&scratch));
    let planted = planted?;
    let missed = planted.iter().filter(|planted| !planted.is_found()).count();
    let mut screen = Screen::new();
    match args.format {
        Format::Text => {
            for planted in &planted {
                let mark = if planted.is_found() { "found" } else { "MISSED" };
                screen.line(format_args!("  {mark:<7} {:>2}  {}", planted.found, planted.fault))?;
            }
            let style = if missed == 0 { GOOD } else { BAD };
            let all = planted.len();
            screen.styled(style, format_args!("{} of {all} planted faults found", all - missed))?;
        }
        format => {
            let listed: Vec<Value> = planted.iter().map(|planted| json!(planted)).collect();
            let fields = json!({"planted": planted.len(), "missed": missed, "faults": listed});
            let answer = Answer::new("self_test", &fields);
            let columns = &["fault", "expected", "found"];
            screen.answer(format, &answer.listing("planted_fault", columns, listed))?;
        }
    }
    screen.flush()?;
    Ok(if missed == 0 { 0 } else { COULD_NOT })
}

/// Compares an exported memory stack with what the ledger gives; one that is damaged gives nothing.
fn compare(ledger: &Path, folder: &Path, report: &mut Report) -> Result<(), CliError> {
    if !report.faults.is_empty() {
        report.add_not_checked("the memory stack: the log is not whole".to_owned());
        return Ok(());
    }
    let stack = memory_stack(&Reader::open(ledger)?)?;
    for difference in compare_memory_stack(&stack, folder)? {
        report.add_finding(0, format!("memory stack: {difference}"));
    }
    Ok(())
}

fn show(report: &Report, format: Format) -> Result<(), CliError> {
    let mut screen = Screen::new();
    match format {
        Format::Text => tell(&mut screen, report)?,
        format => screen.answer(format, &Answer::new("verify", report))?,
    }
    screen.flush()
}

/// Writes a report for people.
pub(super) fn tell(screen: &mut Screen, report: &Report) -> Result<(), CliError> {
    let verdict = report.verdict();
    let style = if verdict == Verdict::Intact { GOOD } else { BAD };
    screen.styled(style, verdict)?;
    for other in report.verdicts.iter().skip(1) {
        screen.line(format_args!("  also: {other}"))?;
    }
    screen.field("checked", level_in_words(report.level))?;
    let (records, segments) = (count(report.records, "record"), count(report.segments, "segment"));
    screen.field("ledger", format_args!("{records} in {segments}, {} bytes", report.bytes))?;
    if let Some(head) = &report.head {
        screen.field("head", format_args!("{} records, root {}", head.size, head.root))?;
    }
    if let Some(link) = &report.chain_head {
        screen.field("chain head", link)?;
    }
    screen.field("end", end_in_words(report.end))?;
    tell_checkpoints(screen, report)?;
    if report.unproven > 0 {
        let text = "no later frame proves them durable";
        screen.field("unproven", format_args!("{} ({text})", report.unproven))?;
    }
    if let Some(left) = &report.left_out {
        let text = format!("records 0..{} in {} segments", left.records, left.segments);
        screen.field("left out", format_args!("{text}: taken as checked before"))?;
    }
    if report.level == Level::Derive {
        let text = format!("{} re-executed from their inputs, byte for byte", report.re_executed);
        screen.field("decisions", text)?;
    }
    if report.shredded_steps > 0 {
        let steps = count(report.shredded_steps, "step");
        screen.field("passed over", format_args!("{steps} on sealed inputs without a key here"))?;
    }
    if !report.shredded.is_empty() {
        let subjects = count(report.shredded.len() as u64, "subject");
        screen.field("shredded", format_args!("{subjects}: their keys were destroyed"))?;
    }
    if report.cut_off_imports > 0 {
        let imports = count(report.cut_off_imports, "import");
        screen.field("without end", format_args!("{imports}: cut off, or still under way"))?;
    }
    if !report.vantage.is_empty() {
        let seen = report.vantage.iter();
        let seen = seen.map(|(vantage, inputs)| format!("{inputs} {}", vantage.in_words()));
        screen.field("inputs rest on", seen.collect::<Vec<_>>().join(", "))?;
    }
    tell_what_is_wrong(screen, report)
}

/// Says how far the records are vouched for.
fn tell_checkpoints(screen: &mut Screen, report: &Report) -> Result<(), CliError> {
    for range in report.provable.iter().filter(|range| range.strength != Strength::SelfConsistent) {
        let witnessed = range
            .witnessed
            .map(|by| format!(", seen by {} of {} witnesses by {}", by.cosigned, by.of, by.time));
        let (records, by) = (format!("{}..{}", range.from, range.to), range.by.join(", "));
        let witnessed = witnessed.unwrap_or_default();
        screen.field("signed", format_args!("records {records} by {by}{witnessed}"))?;
    }
    screen.field("unanchored", format_args!("{} (no checkpoint covers them)", report.unanchored))
}

fn tell_what_is_wrong(screen: &mut Screen, report: &Report) -> Result<(), CliError> {
    for fault in report.faults.iter().take(LISTED) {
        screen.line(format_args!("  fault: {}", fault_in_words(fault)))?;
    }
    more(screen, report.fault_count, "fault")?;
    for finding in report.findings.iter().take(LISTED) {
        screen.line(format_args!("  record {}: {}", finding.sequence, finding.what))?;
    }
    more(screen, report.finding_count, "finding")?;
    if let Some(mismatch) = &report.mismatch {
        screen.line(format_args!("  record {} does not follow:", mismatch.sequence))?;
        screen.line(format_args!("    recorded:    {}", mismatch.recorded))?;
        screen.line(format_args!("    re-executed: {}", mismatch.re_executed))?;
    }
    for trade in report.affected_trades.iter().take(LISTED) {
        screen.line(format_args!("  affected trade: {trade}"))?;
    }
    more(screen, report.affected_trades.len() as u64, "affected trade")?;
    if report.verdict() != Verdict::Intact {
        for range in report.provable.iter().take(LISTED) {
            let strength = strength_in_words(range.strength);
            let records = format!("records {}..{}", range.from, range.to);
            screen.line(format_args!("  still provable: {records}, {strength}"))?;
        }
        more(screen, report.provable.len() as u64, "provable range")?;
    }
    if report.misbehaviour.is_some() {
        screen.line("  the key signed two histories; --bundle DIR keeps the proof")?;
    }
    for derived in report.derived_damage.iter().take(LISTED) {
        let DerivedDamage { path, what } = derived;
        screen.line(format_args!("  damaged derived file {path}: {what}; it may be deleted"))?;
    }
    more(screen, report.derived_damage_count, "damaged derived file")?;
    for text in &report.not_checked {
        screen.line(format_args!("  not checked: {text}"))?;
    }
    Ok(())
}

fn more(screen: &mut Screen, all: u64, noun: &str) -> Result<(), CliError> {
    match all.saturating_sub(LISTED as u64) {
        0 => Ok(()),
        left => screen.line(format_args!("  and {}; see --format json", count(left, noun))),
    }
}

/// Says where a fault is and what was met against what.
pub(super) fn fault_in_words(fault: &Fault) -> String {
    format!(
        "segment {:012}, bytes {}..{}, record {}: {}: expected {}, found {}",
        fault.segment,
        fault.offset,
        fault.end,
        fault.sequence,
        fault.check,
        fault.expected,
        fault.actual
    )
}

const fn strength_in_words(strength: Strength) -> &'static str {
    match strength {
        Strength::SelfConsistent => "self-consistent",
        Strength::Signed => "signed",
        Strength::Witnessed => "witnessed",
    }
}

const fn level_in_words(level: Level) -> &'static str {
    match level {
        Level::Chain => "chain: every stored byte",
        Level::Tree => "tree: every stored byte, and the root over all records",
        Level::State => "state: every stored byte, the root, and what the log means",
        Level::Derive => "derive: every stored byte, the root, the meaning, and every decision",
    }
}

/// How a ledger ends, in one word.
pub(in crate::cli) const fn end_in_words(end: LedgerEnd) -> &'static str {
    match end {
        LedgerEnd::Closed => "closed",
        LedgerEnd::Open => "open",
        LedgerEnd::Live => "live",
    }
}
