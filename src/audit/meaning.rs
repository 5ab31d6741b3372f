//! Levels `state` and `derive`: what the records mean, and whether the decisions follow.
//!
//! *State* folds every record and lists what contradicts what. *Derive* gives each recorded input
//! to the kernel again and compares every derived record with its answer, byte for byte, envelope
//! included. The first difference ends the comparison: what follows would only repeat it.
//!
//! A run of another kernel number, or of a strategy that is not known here, accuses nobody: it
//! could not be checked. Nor does a step whose input is sealed and whose key is not here.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::damage::is_damaged;
use super::envelopes::{Met, check_cause, check_run_id, describe};
use super::findings::{name_trade, registry_findings, state_findings};
use super::imports::Imports;
use super::report::{Mismatch, Report, Verdict};
use super::sealed::{self, Opening, PassedOver};
use super::{AuditError, Level, VerifyOptions};
use crate::erasure::Unseal;
use crate::event::wire::DecodeError;
use crate::event::{
    Class, Envelope, Event, Mode, RecordError, RecordRef, RunStarted, Stamp, SystemEvent,
    encode_record,
};
use crate::kernel::{Decision, KERNEL_NUMBER, Kernel, KernelError, World, derived_stamp};
use crate::ledger::clock::Deadline;
use crate::ledger::{Entry, LedgerError, Reader, read_ahead};
use crate::strategies::{Catalogue, StrategyError};
use crate::time::Timestamp;

/// Checks what the records mean and adds it to the report.
///
/// # Errors
/// Failures of the machine. Damage was reported before; then nothing is checked here.
pub(super) fn check(
    options: &VerifyOptions,
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
    let reader: Reader<Event> = Reader::open_on(Arc::clone(&options.disk), path)?;
    fold(&reader, options, level >= Level::Derive, deadline, report)?;
    if level == Level::State && report.state_parting.is_some() {
        locate_parting(&reader, options, deadline, report)?;
    }
    if let Some(mismatch) = &report.mismatch {
        let sequence = mismatch.sequence;
        let what =
            format!("decisions from record {sequence} on: not re-executed after the mismatch");
        // What the kernel folded up to there is not what the log says: judge the state by itself.
        report.findings.clear();
        report.finding_count = 0;
        report.vantage.clear();
        report.cut_off_imports = 0;
        report.not_checked.clear();
        report.state_parting = None;
        report.shredded.clear();
        fold(&reader, options, false, deadline, report)?;
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
    options: &VerifyOptions,
    deadline: Deadline,
    report: &mut Report,
) -> Result<(), LedgerError> {
    let mut scratch = Report::blank(report.level, report.end);
    fold(reader, options, true, deadline, &mut scratch)?;
    if let (Some(parting), Some(mismatch)) = (&mut report.state_parting, &scratch.mismatch) {
        parting.part_at(mismatch.sequence);
    }
    Ok(())
}

/// How many records go by between two glances at the clock.
const RECORDS_A_GLANCE: u64 = 1_024;

/// Goes through all records once; with more than one thread they are read and decoded ahead.
fn fold(
    reader: &Reader<Event>,
    options: &VerifyOptions,
    derive: bool,
    deadline: Deadline,
    report: &mut Report,
) -> Result<(), LedgerError> {
    let mut checker = Checker::new(options, derive);
    let read = reader.cursor(0)?.in_chunks(|record| Ok(Met::read(record)));
    let flow = read_ahead(options.threads, read, |met| {
        let from = met.sequence;
        if from.is_multiple_of(RECORDS_A_GLANCE) && deadline.is_over() {
            let what = "state and decisions: the time budget was used up";
            report.not_checked.push(format!("from record {from} on, {what}"));
            return Ok(ControlFlow::Break(()));
        }
        checker.record(met, report);
        Ok(ControlFlow::Continue(()))
    })?;
    if flow.is_break() {
        checker.passed_over.tell(report);
    } else {
        checker.finish(reader.len(), report);
    }
    Ok(())
}

/// What the kernel answered to the last input, and what of it was met in the log.
struct Expected {
    input: Stamp,
    answers: VecDeque<(Decision, u32)>,
}

struct Checker<'k> {
    keys: Option<&'k dyn Unseal>,
    strategies: &'k Catalogue,
    derive: bool,
    /// Folds what the log says; taken over from the kernel where the two cannot differ.
    world: World,
    /// Re-executes the run under way.
    kernel: Option<Kernel>,
    expected: Option<Expected>,
    /// The step under way rests on an input that stays sealed.
    passing: bool,
    passed_over: PassedOver,
    /// The run under way is a live one: its private records carry salts.
    live: bool,
    answers: Vec<Decision>,
    scratch: Vec<u8>,
    /// Something forbids to judge the state: a foreign kernel's world may fold differently.
    foreign: bool,
    imports: Imports,
}

impl<'k> Checker<'k> {
    fn new(options: &'k VerifyOptions, derive: bool) -> Self {
        Self {
            keys: options.keys.as_deref(),
            strategies: &options.strategies,
            derive,
            world: World::default(),
            kernel: None,
            expected: None,
            passing: false,
            passed_over: PassedOver::default(),
            live: false,
            answers: Vec::new(),
            scratch: Vec::new(),
            foreign: false,
            imports: Imports::default(),
        }
    }

    fn record(&mut self, met: &Met, report: &mut Report) {
        if self.derive && report.mismatch.is_some() {
            // Nothing more is compared; the state is judged by another pass.
            return;
        }
        let sequence = met.sequence;
        let (envelope, entry) = match &met.decoded {
            Ok(decoded) => decoded,
            Err(error) => return self.unreadable(sequence, error, report),
        };
        let event = match entry {
            Entry::Event(event) => event,
            Entry::System(SystemEvent::SubjectShredded(said)) => {
                return self.passed_over.explain(said, report);
            }
            // The ledger's own records stand between steps and mean nothing to the world.
            Entry::System(_) => return,
        };
        if envelope.stamp.class != event.class() {
            let what = format!("`{}` is recorded as {:?}", event.name(), envelope.stamp.class);
            report.note(Verdict::StateMismatch, sequence, what);
        }
        check_cause(sequence, envelope, report);
        self.imports.take(sequence, &envelope.stamp, event, report);
        match event.class() {
            Class::Input => self.input(sequence, envelope, event, report),
            Class::Derived | Class::System => {
                let record = RecordRef { sequence, bytes: &met.derived };
                self.derived(&record, envelope, event, report);
            }
        }
    }

    fn input(&mut self, sequence: u64, envelope: &Envelope, event: &Event, report: &mut Report) {
        *report.vantage.entry(envelope.stamp.vantage).or_default() += 1;
        self.nothing_left_out(sequence, || describe(event), report);
        if event.is_import() {
            // Outside every run: no kernel is asked, and no world changes.
            return;
        }
        if let Event::RunStarted(started) = event {
            self.begin(sequence, &envelope.stamp, started, report);
        }
        let opening = match event {
            Event::SealedCommand(command) => {
                Some(sealed::open(self.keys, command, &envelope.stamp))
            }
            _ => None,
        };
        if let Some(Opening::Broken(what)) = opening {
            report.note(Verdict::StateMismatch, sequence, what.to_owned());
        }
        let time = envelope.stamp.time;
        let Some(kernel) = &mut self.kernel else {
            return self.world.evolve(event, sequence, time);
        };
        if !self.live && matches!(event, Event::SealedCommand(_)) {
            let own = "no sealed command: a simulated run has nothing to hide".to_owned();
            return self.mismatch(sequence, describe(event), own, report);
        }
        if !self.live && envelope.stamp.salt.is_some() {
            return self.salted(sequence, event, report);
        }
        self.answers.clear();
        let stepped = match &opening {
            None => kernel.step(sequence, event, time, &mut self.answers),
            Some(Opening::Opened(inside)) => kernel.step(sequence, inside, time, &mut self.answers),
            Some(Opening::Closed | Opening::Broken(_)) => kernel.pass_over(sequence, event, time),
        };
        if let Err(error) = stepped {
            let refused = format!("refused: {error}");
            return self.mismatch(sequence, describe(event), refused, report);
        }
        self.passing = matches!(opening, Some(Opening::Closed | Opening::Broken(_)));
        if self.passing {
            self.passed_over.add(envelope.stamp.erasure_key, report);
            return;
        }
        let answers = self.answers.drain(..).zip(1..).collect();
        self.expected = Some(Expected { input: envelope.stamp, answers });
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
        self.live = started.mode == Mode::Live;
        check_run_id(sequence, stamp, started, self.derive, report);
        if !self.derive || report.mismatch.is_some() {
            return;
        }
        // Asked on an empty world first, so that a refusal does not cost the world that there is.
        let known = self.strategies;
        let asked = Kernel::start_from(World::default(), started, known)
            .and_then(|_| Kernel::start_from(std::mem::take(&mut self.world), started, known));
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
        if self.kernel.is_some() && !self.live && envelope.stamp.salt.is_some() {
            return self.salted(record.sequence, event, report);
        }
        if self.kernel.is_none() || self.passing {
            return self.take_as_it_is(record.sequence, envelope.stamp.time, event, report);
        }
        let next = self.expected.as_mut().and_then(|expected| {
            expected.answers.pop_front().map(|(answer, back)| (expected.input, answer, back))
        });
        let Some((input, answer, back)) = next else {
            let nothing = "nothing more follows from this input".to_owned();
            return self.mismatch(record.sequence, describe(event), nothing, report);
        };
        let distance = NonZeroU32::new(back).unwrap_or(NonZeroU32::MIN);
        // A salt was drawn, so it is taken from the record.
        let salt = envelope.stamp.salt;
        let stamp = Stamp { salt, ..derived_stamp(&input, distance, answer.actor) };
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

    /// A record of a simulated run carries a salt.
    fn salted(&mut self, sequence: u64, event: &Event, report: &mut Report) {
        let recorded = format!("{} with a blinding salt", describe(event));
        let own = "no salt: nothing in a simulated run is drawn".to_owned();
        self.mismatch(sequence, recorded, own, report);
    }

    /// Folds a derived record that nothing is held against.
    fn take_as_it_is(
        &mut self,
        sequence: u64,
        time: Timestamp,
        event: &Event,
        report: &mut Report,
    ) {
        let world = |checker: &Self| match &checker.kernel {
            Some(kernel) => kernel.world().findings().total(),
            None => checker.world.findings().total(),
        };
        let findings = world(self);
        match &mut self.kernel {
            // Only an input can come out of turn, and this is none.
            Some(kernel) => drop(kernel.pass_over(sequence, event, time)),
            None => self.world.evolve(event, sequence, time),
        }
        if world(self) > findings {
            name_trade(event, report);
        }
    }

    /// The step before must have been answered in full.
    fn nothing_left_out(
        &mut self,
        sequence: u64,
        found: impl FnOnce() -> String,
        report: &mut Report,
    ) {
        let left = self.expected.take().and_then(|mut expected| expected.answers.pop_front());
        if let Some((answer, _)) = left {
            self.mismatch(sequence, found(), describe(&answer.event), report);
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

    fn unreadable(&mut self, sequence: u64, error: &RecordError, report: &mut Report) {
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
        self.nothing_left_out(records, || "the end of the log".to_owned(), report);
        self.imports.finish(report);
        self.passed_over.tell(report);
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
