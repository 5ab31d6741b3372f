//! Commits on their way: the sync of one group runs beside the writer, which writes the next.
//!
//! Whether a sync runs beside the writer depends on what waits behind it. Here the writer's own
//! look at the clock hands over the next step, so every group but the last is on its way, whatever
//! the machine does besides.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use schwabot::ledger::clock::Host;
use schwabot::ledger::{Appender, GroupWriter, Pending, Reader, SyncMode, WriterOptions};
use schwabot::time::Timestamp;

use crate::support::dice::SeededHost;
use crate::support::notes::{Note, step};
use crate::support::sim_disk::{Call, Failure, SimDisk, Unsynced};
use crate::support::sim_ledger::{check_after_crash, ledger_path, open, sim_options};

/// Records of a step: together long enough for the sync before them to run beside the writer.
const RECORDS: u64 = 2_000;

/// A machine whose clock is looked at for every frame: then a further step is handed over.
struct Busy {
    disk: SimDisk,
    host: SeededHost,
    steps: Mutex<Steps>,
    steps_max: u64,
}

#[derive(Default)]
struct Steps {
    appender: Option<Appender<Note>>,
    handed_over: u64,
    pending: VecDeque<Pending>,
}

impl Busy {
    /// A group writer on such a machine.
    fn start(disk: &SimDisk, segment_bytes: u64, steps_max: u64) -> (Arc<Self>, GroupWriter<Note>) {
        let (host, steps) = (SeededHost::new(1), Mutex::default());
        let busy = Arc::new(Self { disk: disk.clone(), host, steps, steps_max });
        let options = sim_options(disk, SyncMode::Always, segment_bytes, 1);
        let options = WriterOptions { host: Arc::clone(&busy) as Arc<dyn Host>, ..options };
        (busy, GroupWriter::start(open(disk, &options).unwrap()).unwrap())
    }

    /// Notes what is promised by now, and hands over a further step where none waits: of those that
    /// are not durable yet, one is on its way and one is being written.
    fn hand_over(&self) {
        let mut steps = self.steps.lock().unwrap();
        let Some(appender) = &steps.appender else { return };
        let durable = appender.durable();
        let first = steps.handed_over * RECORDS;
        self.disk.note(durable, first);
        if steps.handed_over == self.steps_max || first - durable > 2 * RECORDS {
            return;
        }
        self.disk.note(durable, first + RECORDS);
        let numbers: Vec<u64> = (first..first + RECORDS).collect();
        let pending = appender.submit(&step(&numbers), None).unwrap();
        steps.pending.push_back(pending);
        steps.handed_over += 1;
    }

    /// Hands over one step, which brings the others; returns the answers to all of them, in order.
    fn answers(&self, appender: &Appender<Note>) -> Vec<bool> {
        self.steps.lock().unwrap().appender = Some(appender.clone());
        self.hand_over();
        let mut answers = Vec::new();
        // An answer comes after the next group was written, and so after the one behind that came.
        while let Some(next) = { self.steps.lock().unwrap().pending.pop_front() } {
            answers.push(next.wait().is_ok());
            let steps = self.steps.lock().unwrap();
            self.disk.note(appender.durable(), steps.handed_over * RECORDS);
        }
        self.steps.lock().unwrap().appender = None;
        answers
    }
}

impl Host for Busy {
    fn now(&self) -> Timestamp {
        self.hand_over();
        self.host.now()
    }

    fn random(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        self.host.random(bytes)
    }
}

#[test]
fn of_commits_on_their_way_none_is_acknowledged_that_a_failed_call_may_have_lost() {
    let steps = 12;
    for (call, failure) in
        [(Call::Sync, Failure::Io), (Call::Sync, Failure::IoDropsPages), (Call::Write, Failure::Io)]
    {
        for passes in 0..steps {
            let disk = SimDisk::new();
            let (busy, group) = Busy::start(&disk, 1 << 22, steps);
            disk.fail(Some(call), passes, failure);
            let appender = group.appender();
            let answers = busy.answers(&appender);
            // Behind the last step none waits, so the writer makes its sync itself.
            let beside = call == Call::Sync && passes + 1 < steps;
            assert_eq!(disk.failed_in().unwrap(), if beside { "sync" } else { "ledger" });
            // Each step is a group with one write and one sync.
            let kept = answers.iter().filter(|acknowledged| **acknowledged).count() as u64;
            assert_eq!(kept, passes, "{call:?}, {failure:?}: {answers:?}");
            assert!(answers.is_sorted_by(|before, after| before >= after), "{answers:?}");
            assert!(appender.durable() <= kept * RECORDS, "{kept}: {}", appender.durable());
            drop((appender, group));
            let survivor = SimDisk::cut_power(&disk.state(), Unsynced::Lost);
            let reader: Reader<Note> = Reader::open_on(Arc::new(survivor), &ledger_path()).unwrap();
            assert!(reader.len() >= kept * RECORDS, "{kept} steps: {} records", reader.len());
        }
    }
}

#[test]
fn a_power_cut_or_the_death_of_the_process_at_any_call_loses_no_acknowledged_commit() {
    let steps = 6;
    // In one segment, and in three of two steps each.
    for (segment_bytes, segments) in [(1 << 22, 1), (300_000, 3)] {
        let disk = SimDisk::new();
        let (busy, group) = Busy::start(&disk, segment_bytes, steps);
        disk.note(0, 0);
        disk.record();
        assert_eq!(busy.answers(&group.appender()), vec![true; steps as usize]);
        assert_eq!(disk.state().noted, (steps * RECORDS, steps * RECORDS));
        group.close().unwrap();
        let history = disk.history();
        let beside = history.iter().filter(|state| state.beside).count() as u64;
        assert_eq!(beside, steps - 1, "syncs that ran beside the writer");
        let reader: Reader<Note> = Reader::open_on(Arc::new(disk), &ledger_path()).unwrap();
        assert_eq!(reader.segments().len(), segments);
        for (place, state) in (0..).zip(&history) {
            check_after_crash(&SimDisk::kill(state), place);
            let chosen = (0..6).map(Unsynced::Chosen);
            for unsynced in [Unsynced::Lost, Unsynced::Kept].into_iter().chain(chosen) {
                check_after_crash(&SimDisk::cut_power(state, unsynced), place);
            }
        }
    }
}
