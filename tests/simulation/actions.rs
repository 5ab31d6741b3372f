//! Running, restarting, and what happens to derived files.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use schwabot::event::{Event, RecordRef};
use schwabot::kernel::World;
use schwabot::ledger::disk::{Access, Disk};
use schwabot::ledger::layout::{Layout, LedgerPlace};
use schwabot::ledger::{Entry, LedgerError, Reader, SyncMode, Writer, decode};
use schwabot::pipeline::{PipelineError, Progress, RunOptions, Summary, TradingPipeline, run};
use schwabot::projections::{ProjectionError, Snapshots};
use schwabot::time::{SECOND_NS, Span};

use super::audits::Beside;
use super::life::Life;
use super::model::{Checked, law, own_records, refused};
use super::plan::{Run, Trouble};
use super::twin::{Expected, expected, job};
use crate::support::dice::Dice;
use crate::support::sim_ledger::ledger_path;

/// How a run went, as its caller saw it.
#[derive(Default)]
struct Went {
    /// Records of the ledger when the last step returned; none before the first one did.
    stepped: Option<u64>,
    /// Bars that cycles returned.
    bars: usize,
    summary: Option<Summary>,
    error: Option<PipelineError>,
    /// The world of the pipeline after its last whole cycle, and the records that it had seen.
    world: Option<World>,
    beside: Vec<Beside>,
}

/// Is this what a failing disk is told by?
pub(super) fn is_failure(error: &LedgerError) -> bool {
    matches!(error, LedgerError::Io { .. } | LedgerError::Poisoned { .. })
}

fn is_pipeline_failure(error: &PipelineError) -> bool {
    match error {
        PipelineError::Ledger(error)
        | PipelineError::Projection(ProjectionError::Ledger(error)) => is_failure(error),
        _ => false,
    }
}

impl Life {
    /// Runs a strategy, whatever the disk does meanwhile.
    pub(super) fn run(&mut self, asked: &Run) -> Checked {
        let before = self.model.records.len();
        let world = self.model.world().clone();
        self.arm(asked.trouble);
        let went = if asked.cycles { self.cycle(asked) } else { self.go_through(asked) }?;
        let struck = self.struck(asked.trouble);
        self.disarm(asked.trouble);
        self.opened = went.stepped.is_some();
        if self.opened {
            self.figures.openings += 1;
        }
        let seen = self.read()?;
        let own = own_records(&seen, before);
        let first = (before + own) as u64;
        let made = expected(world, first, asked);
        let mut handed_in = self.model.records.clone();
        handed_in.extend(seen.iter().skip(before).take(own).cloned());
        handed_in.extend(made.records.iter().cloned());
        self.figures.recoveries += own as u64;
        self.promise(asked, &went, &made, first);
        self.figures.runs += 1;
        self.figures.beside += went.beside.len() as u64;
        for beside in &went.beside {
            beside.check(&handed_in, asked.sync)?;
        }
        self.look(&seen, handed_in)?;
        self.check_error(asked, &went, struck, before)?;
        if let Some(summary) = &went.summary {
            self.check_summary(summary, first, asked)?;
        }
        if let Some(world) = &went.world
            && let Some(end) = went.bars.checked_sub(1).map(|bar| made.bar_ends[bar])
            && first as usize + end <= self.model.records.len()
        {
            let again = self.model.world_after(first as usize + end);
            law(*world == again, "replay gives the world that the run had", || {
                format!("after {} bars", went.bars)
            })?;
        }
        Ok(())
    }

    /// What is promised by what was returned.
    fn promise(&mut self, asked: &Run, went: &Went, made: &Expected, first: u64) {
        let mut promised = self.model.acknowledged as u64;
        if went.stepped.is_some() {
            // Opening made all durable that it found, and told its recoveries durably.
            promised = promised.max(first);
            if asked.sync == SyncMode::Always {
                promised = promised.max(went.stepped.unwrap_or(0));
                let cycled = went.bars.checked_sub(1).map_or(0, |bar| made.bar_ends[bar]);
                promised = promised.max(first + cycled as u64);
            }
        }
        if let Some(summary) = &went.summary {
            promised = promised.max(summary.head.size);
        }
        self.model.acknowledged = usize::try_from(promised).unwrap();
    }

    /// A whole run, watched.
    fn go_through(&mut self, asked: &Run) -> Checked<Went> {
        let options = self.run_options(asked);
        let (mut went, mut steps) = (Went::default(), 0);
        let mut beside = Vec::new();
        let watch = |progress: &Progress| {
            steps += 1;
            if asked.look_after == Some(steps) {
                // A disk that is full can be read.
                let readable = matches!(asked.trouble, Trouble::Full { .. });
                let struck = || !readable && self.struck(asked.trouble);
                let (now, before) = (progress.records, went.stepped);
                beside.push(Beside::look(&options.writer, now, before, struck));
            }
            went.stepped = Some(progress.records);
            let stops = asked.stop_after.is_some_and(|after| steps >= after);
            if stops { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        match run(&ledger_path(), job(asked), &options, watch) {
            Ok(summary) => {
                if summary.stopped {
                    write!(self.told, " stopped").unwrap();
                }
                // A market without an input before its end still opened the ledger.
                went.stepped = Some(summary.head.size);
                went.summary = Some(summary);
            }
            Err(error) => went.error = Some(error),
        }
        went.beside = beside;
        Ok(went)
    }

    /// A run that is driven cycle by cycle, until it refuses.
    fn cycle(&mut self, asked: &Run) -> Checked<Went> {
        let options = self.run_options(asked);
        let mut went = Went::default();
        let mut pipeline = match TradingPipeline::open(&ledger_path(), job(asked), &options) {
            Ok(pipeline) => pipeline,
            Err(error) => return Ok(Went { error: Some(error), ..went }),
        };
        went.stepped = Some(0);
        let interval = Span::from_nanos(asked.seconds * SECOND_NS);
        let stops = asked.stop_after.unwrap_or(u64::MAX);
        loop {
            match pipeline.run_cycle(interval) {
                Ok(Some(cycle)) => {
                    went.bars += cycle.bars.len();
                    went.world = Some(pipeline.world().clone());
                }
                Ok(None) => break,
                Err(error) => {
                    self.check_poisoned(pipeline, interval)?;
                    return Ok(Went { error: Some(error), ..went });
                }
            }
            if went.bars as u64 >= stops {
                // Left without an end, as by a program that dies.
                write!(self.told, " left").unwrap();
                return Ok(went);
            }
        }
        match pipeline.finish() {
            Ok(summary) => went.summary = Some(summary),
            Err(error) => went.error = Some(error),
        }
        Ok(went)
    }

    /// After a failure everything is refused, even by a disk that is whole again, and untouched.
    fn check_poisoned<S: schwabot::market::Source>(
        &self,
        mut pipeline: TradingPipeline<S>,
        interval: Span,
    ) -> Checked {
        let dead = self.machine.power_is_gone();
        if dead {
            // A dead machine asks nobody.
            return Ok(());
        }
        let before = self.machine.calls();
        let refusal = |error: PipelineError| {
            matches!(error, PipelineError::Ledger(LedgerError::Poisoned { .. }))
        };
        // A market that is over asks for nothing any more.
        let again = match pipeline.run_cycle(interval) {
            Ok(cycle) => cycle.is_none(),
            Err(error) => refusal(error),
        };
        let ended = pipeline.finish().is_err_and(refusal);
        law(
            again && ended && self.machine.calls() == before,
            "after a failed write or sync everything is refused",
            || format!("{again} {ended}"),
        )
    }

    fn run_options(&self, asked: &Run) -> RunOptions {
        let writer = self.options(asked.sync, asked.segment_bytes);
        RunOptions { writer, append: asked.append, threads: asked.threads }
    }

    fn check_error(&mut self, asked: &Run, went: &Went, struck: bool, before: usize) -> Checked {
        let Some(error) = &went.error else { return Ok(()) };
        let refusal = matches!(error, PipelineError::HoldsEvents { .. });
        write!(self.told, " {}", if refusal { "refused" } else { "failed" }).unwrap();
        if refusal {
            return law(!asked.append && before > 0, "a run is refused for a reason", || {
                error.to_string()
            });
        }
        law(struck && is_pipeline_failure(error), "an error has a cause, and names it", || {
            error.to_string()
        })
    }

    fn check_summary(&mut self, summary: &Summary, first: u64, asked: &Run) -> Checked {
        let size = usize::try_from(summary.head.size).unwrap();
        law(
            size == self.model.records.len() && self.model.root(size) == summary.head.root,
            "the head of a run is that of its records, made by a twin without a disk",
            || format!("{size} records"),
        )?;
        law(summary.first_sequence == first, "a run says where it begins", String::new)?;
        law(
            asked.append || first == 0 || own_records(&self.model.records, 0) as u64 == first,
            "a run that may not append begins a log",
            String::new,
        )?;
        let run = self.model.world().run();
        let counters = run.map(|run| *run.counters());
        law(counters == Some(summary.counters), "a summary counts what the log holds", || {
            format!("{counters:?} {:?}", summary.counters)
        })
    }

    /// Opens the ledger for writing, and closes or leaves it.
    pub(super) fn restart(
        &mut self,
        sync: SyncMode,
        segment_bytes: u64,
        close: bool,
        trouble: Trouble,
    ) -> Checked {
        self.arm(trouble);
        let options = self.options(sync, segment_bytes);
        let mut opened = None;
        let done = Writer::<Event>::open(&ledger_path(), &options).and_then(|writer| {
            opened = Some(writer.next_sequence());
            if close { writer.close().map(Some) } else { Ok(None) }
        });
        let struck = self.struck(trouble);
        self.disarm(trouble);
        if let Some(records) = opened {
            self.opened = true;
            self.figures.openings += 1;
            let own = usize::try_from(records).unwrap() - self.model.records.len();
            self.figures.recoveries += own as u64;
            self.model.acknowledged = usize::try_from(records).unwrap();
        }
        if let Err(error) = &done {
            write!(self.told, " failed").unwrap();
            law(struck && is_failure(error), "an error has a cause, and names it", || {
                error.to_string()
            })?;
        }
        let seen = self.read()?;
        let mut handed_in = self.model.records.clone();
        let before = handed_in.len();
        let own = own_records(&seen, before);
        handed_in.extend(seen.iter().skip(before).take(own).cloned());
        self.look(&seen, handed_in)?;
        if let Ok(Some(head)) = done {
            let root = self.model.root(self.model.records.len());
            law(head.root == root, "a writer's tree is that of the records", String::new)?;
        }
        Ok(())
    }

    /// Keeps the world at the newest state root beside the log.
    pub(super) fn snapshot(&mut self, trouble: Trouble) -> Checked {
        let root = self.model.records.iter().enumerate().rev().find_map(|(at, bytes)| {
            let record = RecordRef { sequence: at as u64, bytes };
            match decode::<Event>(&record) {
                Ok((envelope, Entry::Event(Event::StateRoot(_)))) => Some((at, envelope)),
                _ => None,
            }
        });
        let Some((at, envelope)) = root else { return Ok(()) };
        let bytes = self.model.records[at].clone();
        let record = RecordRef { sequence: at as u64, bytes: &bytes };
        let world = self.model.world_after(at + 1);
        let wire = self.machine.wire();
        let disk: Arc<dyn Disk> = wire.clone();
        let reader = Reader::<Event>::open_on(disk, &ledger_path())
            .map_err(|error| refused("what crashes leave can be read", &error))?;
        self.arm(trouble);
        let place =
            LedgerPlace { disk: &*wire, layout: reader.layout(), ledger: reader.identity().ledger };
        let written = Snapshots::default().write(place, &world, &record, envelope.stamp.time);
        let struck = self.struck(trouble);
        drop(reader);
        self.disarm(trouble);
        write!(self.told, " at {at}").unwrap();
        law(written.is_ok() || struck, "an error has a cause, and names it", || {
            format!("{:?}", written.err())
        })?;
        self.look_for_nothing_new()
    }

    /// The files that can be made again.
    fn derived(&self) -> Vec<PathBuf> {
        let root = Layout::new(&ledger_path());
        let inside = |path: &String| {
            let path = path.strip_prefix(root.root().to_str().unwrap()).unwrap_or("");
            path.ends_with(".idx") || path.starts_with("/tile/") || path.starts_with("/snapshots/")
        };
        let files = self.machine.disk.state().files();
        files.into_keys().filter(inside).map(PathBuf::from).collect()
    }

    /// Takes away some derived files.
    pub(super) fn lose_derived(&mut self, pick: u64) {
        let mut dice = Dice::new(pick);
        let share = 1 + dice.below(4);
        let lost = self.derived().into_iter().filter(|_| dice.below(4) < share);
        let lost: Vec<PathBuf> = lost.collect();
        for path in &lost {
            self.machine.disk.forget(path);
        }
        write!(self.told, " {} files", lost.len()).unwrap();
    }

    /// Turns bytes in some derived files.
    pub(super) fn rot_derived(&mut self, pick: u64) {
        let mut dice = Dice::new(pick);
        let share = 1 + dice.below(4);
        let mut turned = 0;
        for path in self.derived() {
            if dice.below(4) >= share {
                continue;
            }
            let file = self.machine.disk.open(&path, Access::Write).unwrap();
            let len = usize::try_from(file.len().unwrap()).unwrap();
            if len == 0 {
                continue;
            }
            let at = dice.below(len) as u64;
            let mut byte = [0];
            file.read_at(&mut byte, at).unwrap();
            byte[0] ^= 1 << dice.below(8);
            file.write_at(&byte, at).unwrap();
            turned += 1;
        }
        write!(self.told, " {turned} files").unwrap();
    }
}
