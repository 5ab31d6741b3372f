//! One life of a ledger: the actions of a plan in their order, each followed by the checks.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schwabot::audit::{Level, Verdict};
use schwabot::checkpoint::{KeyFile, KeyKind, Note, SigningKey, VerifierKey, Witness};
use schwabot::hash;
use schwabot::ledger::disk::Disk;
use schwabot::ledger::{SyncMode, WriterOptions};

use super::machine::{Death, Machine, Wire};
use super::model::{Checked, Model, law, read, refused};
use super::plan::{Action, Audit, Plan, Trouble};
use crate::support::keys::key;
use crate::support::sim_disk::State;
use crate::support::witness::witness_key;

/// What was done and met, added up.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) actions: u64,
    pub(crate) runs: u64,
    pub(crate) beside: u64,
    pub(crate) power_cuts: u64,
    pub(crate) kills: u64,
    pub(crate) failures: u64,
    pub(crate) openings: u64,
    pub(crate) notes: u64,
    pub(crate) cosignatures: u64,
    pub(crate) audits: u64,
    pub(crate) rot: u64,
    pub(crate) rollbacks: u64,
    pub(crate) recoveries: u64,
    pub(crate) acknowledged: u64,
    pub(crate) calls: u64,
}

impl Figures {
    pub(crate) fn add(&mut self, other: &Self) {
        self.actions += other.actions;
        self.runs += other.runs;
        self.beside += other.beside;
        self.power_cuts += other.power_cuts;
        self.kills += other.kills;
        self.failures += other.failures;
        self.openings += other.openings;
        self.notes += other.notes;
        self.cosignatures += other.cosignatures;
        self.audits += other.audits;
        self.rot += other.rot;
        self.rollbacks += other.rollbacks;
        self.recoveries += other.recoveries;
        self.acknowledged += other.acknowledged;
        self.calls += other.calls;
    }
}

/// What a run came to: the same each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) figures: Figures,
    /// One line an action.
    pub(crate) trace: Vec<String>,
    /// Over the trace and all files at the end.
    pub(crate) digest: String,
}

pub(super) const ORIGIN: &str = "sim.example/bot";

/// A ledger, its machine, its keys and its witness.
pub(super) struct Life {
    pub(super) machine: Machine,
    pub(super) model: Model,
    pub(super) figures: Figures,
    /// The witness stands on a machine of its own.
    pub(super) witness_machine: Machine,
    pub(super) witness: Option<Witness>,
    /// Keys of the log that were ever made, the oldest first, and which one signs.
    pub(super) keys: Vec<VerifierKey>,
    pub(super) signs: usize,
    pub(super) cosigns: bool,
    /// Disks as they were before signings, and how many records they held.
    pub(super) backups: Vec<(usize, State)>,
    /// The ledger was opened for writing in this action, with success.
    pub(super) opened: bool,
    /// What the trace says of this action.
    pub(super) told: String,
}

pub(super) fn key_path(number: usize) -> PathBuf {
    PathBuf::from(format!("/disk/keys/log-{number}.key"))
}

pub(super) const COSIGNER: &str = "/disk/keys/cosigner.key";

fn log_key(number: usize) -> SigningKey {
    key(ORIGIN, KeyKind::Log, 10 + number as u8)
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut life = Self {
            machine: Machine::new(seed),
            model: Model::default(),
            figures: Figures::default(),
            witness_machine: Machine::new(!seed),
            witness: None,
            keys: Vec::new(),
            signs: 0,
            cosigns: false,
            backups: Vec::new(),
            opened: false,
            told: String::new(),
        };
        let wire = life.machine.wire();
        wire.create_dir(Path::new("/disk/keys")).unwrap();
        wire.sync_dir(Path::new("/disk")).unwrap();
        life.make_key();
        let cosigner = key("sim.example/cosigner", KeyKind::Cosigner, 99);
        drop(KeyFile::create(wire, Path::new(COSIGNER), cosigner).unwrap());
        life
    }

    /// Makes a key that nobody uses yet, and returns its number.
    pub(super) fn make_key(&mut self) -> usize {
        let number = self.keys.len();
        let made = KeyFile::create(self.machine.wire(), &key_path(number), log_key(number));
        self.keys.push(made.unwrap().key().verifier().clone());
        number
    }

    pub(super) fn options(&self, sync: SyncMode, segment_bytes: u64) -> WriterOptions {
        let (disk, host): (Arc<Wire>, _) = (self.machine.wire(), self.machine.clock.clone());
        WriterOptions { sync, segment_bytes, disk, host, ..WriterOptions::default() }
    }

    pub(super) fn key_file(&self, path: &Path) -> Checked<KeyFile> {
        KeyFile::open(self.machine.wire(), path)
            .map_err(|error| refused("a key is never lost", &error))
    }

    /// The witness, started again where its machine died.
    pub(super) fn witness(&mut self) -> &Witness {
        let (wire, host) = (self.witness_machine.wire(), self.witness_machine.clock.clone());
        let keys = self.keys.clone();
        self.witness.get_or_insert_with(|| {
            let state = Path::new("/disk/witness");
            Witness::open(witness_key(1), keys, state, wire, host).unwrap()
        })
    }

    /// Lets go wrong what is to go wrong, from now on.
    pub(super) fn arm(&self, trouble: Trouble) {
        match trouble {
            Trouble::None => {}
            Trouble::Dies { after, .. } => self.machine.lose_power_after(after),
            Trouble::Fails { call, after, failure, .. } => {
                self.machine.disk.fail(call, after, failure);
            }
            Trouble::Full { free } => self.machine.disk.leave_free(free),
        }
    }

    /// Did anything go wrong with the disk, so that an error is no surprise?
    pub(super) fn struck(&self, trouble: Trouble) -> bool {
        match trouble {
            Trouble::None => false,
            Trouble::Dies { .. } => self.machine.power_is_gone(),
            Trouble::Fails { .. } => self.machine.disk.has_failed(),
            Trouble::Full { .. } => true,
        }
    }

    /// Ends the trouble: whoever was at work is gone, and what is left is found again.
    pub(super) fn disarm(&mut self, trouble: Trouble) {
        let struck = self.struck(trouble);
        self.machine.heal();
        if !struck {
            return;
        }
        write!(self.told, " struck").unwrap();
        self.figures.failures += 1;
        match trouble {
            Trouble::Dies { death, .. } | Trouble::Fails { then: Some(death), .. } => {
                self.die(death);
            }
            _ => {}
        }
    }

    pub(super) fn die(&mut self, death: Death) {
        match death {
            Death::Process => self.figures.kills += 1,
            Death::Power(_) => self.figures.power_cuts += 1,
        }
        self.machine.cut(death);
    }

    /// Holds everything against the model; `handed_in` is all that may be there.
    pub(super) fn look(&mut self, seen: &[Vec<u8>], handed_in: Vec<Vec<u8>>) -> Checked {
        self.model.accept(seen, handed_in)?;
        let disk: Arc<dyn Disk> = self.machine.wire();
        self.model.check_recoveries(&disk, self.opened)?;
        self.check_signed()
    }

    /// What is there now, seen by a new reader.
    pub(super) fn read(&self) -> Checked<Vec<Vec<u8>>> {
        let disk: Arc<dyn Disk> = self.machine.wire();
        read(&disk)
    }

    /// An action that hands in nothing, and may at most open the ledger.
    pub(super) fn look_for_nothing_new(&mut self) -> Checked {
        let seen = self.read()?;
        let mut handed_in = self.model.records.clone();
        let before = handed_in.len();
        if self.opened {
            handed_in.extend(
                seen.iter().skip(before).take(super::model::own_records(&seen, before)).cloned(),
            );
        }
        self.look(&seen, handed_in)
    }

    fn act(&mut self, action: &Action) -> Checked {
        (self.opened, self.told) = (false, String::new());
        match action {
            Action::Run(run) => self.run(run)?,
            Action::Restart { sync, segment_bytes, close, trouble } => {
                self.restart(*sync, *segment_bytes, *close, *trouble)?;
            }
            Action::Sign { trouble } => self.sign(*trouble)?,
            Action::Rotate { trouble } => self.rotate(*trouble)?,
            Action::Cosign { trouble } => self.cosign(*trouble)?,
            Action::AskWitness { trouble } => self.ask_witness(*trouble)?,
            Action::WitnessDies { chosen } => self.witness_dies(*chosen),
            Action::Snapshot { trouble } => self.snapshot(*trouble)?,
            Action::LoseDerived { pick } => self.lose_derived(*pick),
            Action::RotDerived { pick } => self.rot_derived(*pick),
            Action::Dies(death) => {
                self.die(*death);
                self.look_for_nothing_new()?;
            }
            Action::Clock { nanos } => self.machine.clock.jump(*nanos),
            Action::Audit(audit) => self.audit(audit)?,
            Action::Rot { pick } => self.rot(*pick)?,
            Action::RollBack { pick } => self.roll_back(*pick)?,
        }
        let disk: Arc<dyn Disk> = self.machine.wire();
        self.model.check_worlds(&disk, matches!(action, Action::Snapshot { .. }))?;
        self.figures.actions += 1;
        Ok(())
    }

    /// The end: everything is audited, and every kept note is held against the log.
    fn end(&mut self) -> Checked {
        self.told.clear();
        let whole = Audit {
            level: Level::Derive,
            threads: 2,
            policy: true,
            against: None,
            trouble: Trouble::None,
        };
        self.audit(&whole)?;
        self.opened = false;
        for place in 0..self.model.notes.len() {
            let against = Some(place as u64);
            self.audit(&Audit { level: Level::Tree, threads: 1, against, ..whole })?;
        }
        let disk: Arc<dyn Disk> = self.machine.wire();
        self.model.check_worlds(&disk, true)
    }

    fn trace(&self, number: usize, action: &str) -> String {
        let (calls, order) = self.machine.calls();
        let records = self.model.records.len();
        let root = self.model.root(records).to_string();
        let acknowledged = self.model.acknowledged;
        let told = &self.told;
        format!(
            "{number}: {action}\n    ->{told}; {acknowledged} of {records} acknowledged, root {}, \
             {calls} calls {order:016x}",
            &root[..12]
        )
    }
}

/// Lives the actions of a plan that are selected; `number` is their place in the whole plan.
pub(crate) fn live(
    plan: &Plan,
    selected: &[(usize, Action)],
    mut show: impl FnMut(&str),
) -> Checked<Outcome> {
    let mut life = Life::new(plan.seed);
    let mut trace = Vec::new();
    for (number, action) in selected {
        let done = life.act(action);
        trace.push(life.trace(*number, &format!("{action:?}")));
        show(&trace[trace.len() - 1]);
        done?;
    }
    life.end()?;
    trace.push(life.trace(usize::MAX, "end"));
    let mut bytes = trace.join("\n").into_bytes();
    for machine in [&life.machine, &life.witness_machine] {
        for (path, held) in machine.disk.state().files() {
            bytes.extend_from_slice(path.as_bytes());
            bytes.extend_from_slice(hash::sha256(&held).to_string().as_bytes());
        }
    }
    life.figures.acknowledged = life.model.acknowledged as u64;
    life.figures.calls = life.machine.calls().0;
    Ok(Outcome { figures: life.figures, trace, digest: hash::sha256(&bytes).to_string() })
}

/// Is this what crashes alone may lead to?
pub(super) fn is_harmless(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Intact | Verdict::TornTail)
}

/// Checks a note that was signed, and keeps it.
pub(super) fn keep(life: &mut Life, note: Note) -> Checked {
    life.model.check_note(&note, "a new note")?;
    law(!note.signatures.is_empty(), "a note is signed", String::new)?;
    life.model.notes.push(note);
    life.figures.notes += 1;
    Ok(())
}
