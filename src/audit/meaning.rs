//! Levels `state` and `derive`: what the records mean, and whether the decisions follow.
//!
//! *State* folds every record and lists what contradicts what. *Derive* gives each recorded input
//! to the kernel again and compares every derived record with its answer, byte for byte, envelope
//! included. The first difference ends the comparison: what follows would only repeat it.
//!
//! A run of another kernel number, or of a strategy that is not known here, accuses nobody: it
//! could not be checked.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use super::damage::is_damaged;
use super::report::{FAULTS_LISTED_MAX, Mismatch, Report, StateParting, Verdict};
use super::{AuditError, Level};
use crate::event::wire::DecodeError;
use crate::event::{
    self, Class, Envelope, Event, Mode, RecordError, RecordRef, RunId, RunStarted, Stamp,
    SystemEvent, encode_record, wire,
};
use crate::kernel::{
    Decision, FindingKind, Findings, KERNEL_NUMBER, Kernel, KernelError, World, derived_stamp,
};
use crate::ledger::clock::Deadline;
use crate::ledger::disk::Disk;
use crate::ledger::{Entry, LedgerError, Reader};
use crate::strategies::StrategyError;

/// Checks what the records mean and adds it to the report.
///
/// # Errors
/// Failures of the machine. Damage was reported before; then nothing is checked here.
pub(super) fn check(
    disk: &Arc<dyn Disk>,
    path: &Path,
    level: Level,
    deadline: Deadline,
    report: &mut Report,
) -> Result<(), AuditError> {
    if is_damaged(report) || !report.not_checked.is_empty() {
        let what = "state and decisions: the log is not whole, so they rest on nothing";
        report.not_checked.push(what.to_owned());
        return Ok(());
    }
    let reader: Reader<Event> = Reader::open_on(Arc::clone(disk), path)?;
    fold(&reader, level >= Level::Derive, deadline, report)?;
    if level == Level::State && report.state_parting.is_some() {
        locate_parting(&reader, deadline, report)?;
    }
    if let Some(mismatch) = &report.mismatch {
        let sequence = mismatch.sequence;
        let what =
            format!("decisions from record {sequence} on: not re-executed after the mismatch");
        // What the kernel folded up to there is not what the log says: judge the state by itself.
        report.findings.clear();
        report.finding_count = 0;
        report.vantage.clear();
        report.not_checked.clear();
        report.state_parting = None;
        fold(&reader, false, deadline, report)?;
        report.not_checked.push(what);
        if let Some(parting) = &mut report.state_parting {
            parting.part_at(sequence);
        }
    }
    Ok(())
}

/// Finds the first record at which the worlds part: up to there, what is recorded is what follows
/// from the inputs, and so are the states; from there on they are two.
fn locate_parting(
    reader: &Reader<Event>,
    deadline: Deadline,
    report: &mut Report,
) -> Result<(), LedgerError> {
    let mut scratch = Report::blank(report.level, report.end);
    fold(reader, true, deadline, &mut scratch)?;
    if let (Some(parting), Some(mismatch)) = (&mut report.state_parting, &scratch.mismatch) {
        parting.part_at(mismatch.sequence);
    }
    Ok(())
}

/// Goes through all records once.
fn fold(
    reader: &Reader<Event>,
    derive: bool,
    deadline: Deadline,
    report: &mut Report,
) -> Result<(), LedgerError> {
    let mut checker = Checker::new(derive);
    let mut cursor = reader.cursor(0)?;
    while let Some(frame) = cursor.next_frame()? {
        if deadline.is_over() {
            let from = frame.header.first_sequence;
            let what = "state and decisions: the time budget was used up";
            report.not_checked.push(format!("from record {from} on, {what}"));
            return Ok(());
        }
        for record in frame.records() {
            checker.record(&record, report);
        }
    }
    checker.finish(reader.len(), report);
    Ok(())
}

/// What the kernel answered to the last input, and what of it was met in the log.
struct Expected {
    input: Stamp,
    answers: VecDeque<(Decision, u32)>,
}

struct Checker {
    derive: bool,
    /// Folds what the log says; taken over from the kernel where the two cannot differ.
    world: World,
    /// Re-executes the run under way.
    kernel: Option<Kernel>,
    expected: Option<Expected>,
    answers: Vec<Decision>,
    scratch: Vec<u8>,
    /// Something forbids to judge the state: a foreign kernel's world may fold differently.
    foreign: bool,
}

impl Checker {
    fn new(derive: bool) -> Self {
        Self {
            derive,
            world: World::default(),
            kernel: None,
            expected: None,
            answers: Vec::new(),
            scratch: Vec::new(),
            foreign: false,
        }
    }

    fn record(&mut self, record: &RecordRef<'_>, report: &mut Report) {
        if self.derive && report.mismatch.is_some() {
            // Nothing more is compared; the state is judged by another pass.
            return;
        }
        let (envelope, entry) = match decode_strictly(record) {
            Ok(decoded) => decoded,
            Err(error) => return self.unreadable(record, &error, report),
        };
        let event = match entry {
            Entry::Event(event) => event,
            // The ledger's own records stand between steps and mean nothing to the world.
            Entry::System(_) => return,
        };
        if envelope.stamp.class != event.class() {
            let what = format!("`{}` is recorded as {:?}", event.name(), envelope.stamp.class);
            report.note(Verdict::StateMismatch, record.sequence, what);
        }
        check_cause(record, &envelope, report);
        match event.class() {
            Class::Input => self.input(record, &envelope, &event, report),
            Class::Derived | Class::System => self.derived(record, &envelope, &event, report),
        }
    }

    fn input(
        &mut self,
        record: &RecordRef<'_>,
        envelope: &Envelope,
        event: &Event,
        report: &mut Report,
    ) {
        let vantage = format!("{:?}", envelope.stamp.vantage).to_lowercase();
        *report.vantage.entry(vantage).or_default() += 1;
        self.nothing_left_out(record.sequence, &describe(event), report);
        if let Event::RunStarted(started) = event {
            self.begin(record.sequence, &envelope.stamp, started, report);
        }
        let time = envelope.stamp.time;
        match &mut self.kernel {
            Some(kernel) => {
                self.answers.clear();
                let stepped = kernel.step(record.sequence, event, time, &mut self.answers);
                if let Err(error) = stepped {
                    let refused = format!("refused: {error}");
                    return self.mismatch(record.sequence, describe(event), refused, report);
                }
                let answers = self.answers.drain(..).zip(1..).collect();
                self.expected = Some(Expected { input: envelope.stamp, answers });
            }
            None => self.world.evolve(event, record.sequence, time),
        }
    }

    fn begin(&mut self, sequence: u64, stamp: &Stamp, started: &RunStarted, report: &mut Report) {
        if let Some(kernel) = self.kernel.take() {
            self.world = kernel.into_world();
        }
        if started.kernel != KERNEL_NUMBER {
            let kernel = started.kernel;
            let what = format!(
                "the run at record {sequence} is of kernel {kernel}, this program is kernel \
                 {KERNEL_NUMBER}: its state and decisions could not be re-executed"
            );
            report.not_checked.push(what);
            self.foreign = true;
            return;
        }
        check_run_id(sequence, stamp, started, self.derive, report);
        if !self.derive || report.mismatch.is_some() {
            return;
        }
        // Asked on an empty world first, so that a refusal does not cost the world that there is.
        let asked = Kernel::start(World::default(), started)
            .and_then(|_| Kernel::start(std::mem::take(&mut self.world), started));
        match asked {
            Ok(kernel) => self.kernel = Some(kernel),
            Err(KernelError::Strategy(StrategyError::Unknown { name, .. })) => {
                report.not_checked.push(format!(
                    "the run at record {sequence} is of strategy `{name}`, which is not known \
                     here: its decisions could not be re-executed"
                ));
            }
            Err(error) => {
                let refused = format!("refused: {error}");
                self.mismatch(sequence, "run_started".to_owned(), refused, report);
            }
        }
    }

    fn derived(
        &mut self,
        record: &RecordRef<'_>,
        envelope: &Envelope,
        event: &Event,
        report: &mut Report,
    ) {
        if self.kernel.is_none() {
            let findings = self.world.findings().total();
            self.world.evolve(event, record.sequence, envelope.stamp.time);
            if self.world.findings().total() > findings {
                name_trade(event, report);
            }
            return;
        }
        let next = self.expected.as_mut().and_then(|expected| {
            expected.answers.pop_front().map(|(answer, back)| (expected.input, answer, back))
        });
        let Some((input, answer, back)) = next else {
            let nothing = "nothing more follows from this input".to_owned();
            return self.mismatch(record.sequence, describe(event), nothing, report);
        };
        let distance = NonZeroU32::new(back).unwrap_or(NonZeroU32::MIN);
        let stamp = derived_stamp(&input, distance, answer.actor);
        self.scratch.clear();
        let encoded = encode_record(&answer.event, &stamp, &mut self.scratch);
        if encoded.is_ok() && self.scratch == record.bytes {
            report.re_executed += 1;
            return;
        }
        let (mut recorded, mut re_executed) = (describe(event), describe(&answer.event));
        if recorded == re_executed {
            recorded = format!("{recorded} with envelope {:?}", envelope.stamp);
            re_executed = format!("{re_executed} with envelope {stamp:?}");
        }
        name_trade(event, report);
        self.mismatch(record.sequence, recorded, re_executed, report);
    }

    /// The step before must have been answered in full.
    fn nothing_left_out(&mut self, sequence: u64, found: &str, report: &mut Report) {
        let left = self.expected.take().and_then(|mut expected| expected.answers.pop_front());
        if let Some((answer, _)) = left {
            self.mismatch(sequence, found.to_owned(), describe(&answer.event), report);
        }
    }

    /// Notes the first difference. What follows is not re-executed any more.
    fn mismatch(
        &mut self,
        sequence: u64,
        recorded: String,
        re_executed: String,
        report: &mut Report,
    ) {
        if report.mismatch.is_none() {
            report.mismatch = Some(Mismatch { sequence, recorded, re_executed });
        }
        self.kernel = None;
        self.expected = None;
    }

    fn unreadable(&mut self, record: &RecordRef<'_>, error: &RecordError, report: &mut Report) {
        let sequence = record.sequence;
        if let RecordError::Payload(DecodeError::UnknownKind { .. })
        | RecordError::UnknownValue { .. } = error
        {
            report.not_checked.push(format!("record {sequence}: {error}"));
            self.foreign = true;
        } else {
            report.note(Verdict::StateMismatch, sequence, error.to_string());
        }
    }

    fn finish(mut self, records: u64, report: &mut Report) {
        // A crash or an interruption never splits a step, so the last one is whole too.
        self.nothing_left_out(records, "the end of the log", report);
        if self.foreign || (self.derive && report.mismatch.is_some()) {
            return;
        }
        if let Some(kernel) = self.kernel.take() {
            self.world = kernel.into_world();
        }
        state_findings(self.world.findings(), report);
        registry_findings(&self.world, report);
    }
}

fn state_findings(findings: &Findings, report: &mut Report) {
    for found in findings.kept() {
        let verdict = match found.kind {
            FindingKind::StateRoot { .. } => Verdict::StateMismatch,
            _ => Verdict::Finding,
        };
        report.note(verdict, found.sequence, found.kind.to_string());
    }
    report.finding_count += findings.total() - findings.kept().len() as u64;
    let roots = findings.roots();
    report.state_parting = roots.first_differing.map(|first_differing| StateParting {
        last_agreeing: roots.last_agreeing,
        first_differing,
        projections: roots.projections.iter().map(|part| part.name()).collect(),
        first_event: None,
    });
}

/// What does not fit together in the registries, orphans that were answered left aside.
fn registry_findings(world: &World, report: &mut Report) {
    for fault in &world.registries().consistency().faults {
        report.note(Verdict::Finding, fault.sequence, fault.to_string());
    }
}

/// Adds the trade that a record closes to those that the report names.
fn name_trade(event: &Event, report: &mut Report) {
    if let Event::TradeClosed(trade) = event
        && let Ok(hash) = trade.canonical_hash()
        && !report.affected_trades.contains(&hash)
        && report.affected_trades.len() < FAULTS_LISTED_MAX
    {
        report.affected_trades.push(hash);
    }
}

/// Reads a record and demands that its bytes are the one encoding of what they say.
fn decode_strictly(record: &RecordRef<'_>) -> Result<(Envelope, Entry<Event>), RecordError> {
    let (envelope, payload) = record.envelope()?;
    let (kind, schema) = (envelope.kind, envelope.schema);
    let entry = if kind < event::record::FIRST_APPLICATION_KIND {
        Entry::System(event::decode_canonical::<SystemEvent>(kind, schema, payload)?)
    } else {
        Entry::Event(event::decode_canonical::<Event>(kind, schema, payload)?)
    };
    Ok((envelope, entry))
}

/// A derived record names an earlier one; an input names none in a simulated run.
fn check_cause(record: &RecordRef<'_>, envelope: &Envelope, report: &mut Report) {
    let back = envelope.stamp.cause.map_or(0, |back| u64::from(back.get()));
    if back > record.sequence {
        let what = format!("the cause lies {back} records back, before the first");
        report.note(Verdict::Finding, record.sequence, what);
    }
}

/// In a simulated run the id is a digest of the configuration and the first sequence.
fn check_run_id(
    sequence: u64,
    stamp: &Stamp,
    started: &RunStarted,
    derive: bool,
    report: &mut Report,
) {
    let mut configuration = Vec::new();
    if started.mode == Mode::Live || wire::encode(&started.config, &mut configuration).is_err() {
        return;
    }
    let own = RunId::of_simulated(&configuration, sequence);
    if (started.run, stamp.run) == (own, own) {
        return;
    }
    if derive && report.mismatch.is_none() {
        report.mismatch = Some(Mismatch {
            sequence,
            recorded: format!("run {} of the recorded configuration", started.run),
            re_executed: format!("run {own}"),
        });
    } else {
        let what = format!("run id {} is not that of the configuration, {own}", started.run);
        report.note(Verdict::StateMismatch, sequence, what);
    }
}

/// Shows an event in one line.
fn describe(event: &Event) -> String {
    match serde_json::to_string(event) {
        Ok(json) => format!("{} {json}", event.name()),
        Err(_) => event.name().to_owned(),
    }
}
