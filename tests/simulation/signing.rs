//! Checkpoints, keys that change, cosigners, and a witness on a machine of its own.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use schwabot::checkpoint::{
    Note, Policy, SignError, Signature, Transport, Witness, WitnessAnswer, ask_witnesses,
    cosign_head, newest_note, read_notes, rotate, sign_head,
};
use schwabot::event::Event;
use schwabot::ledger::disk::Disk;
use schwabot::ledger::layout::Layout;
use schwabot::ledger::{LedgerError, Reader, SyncMode};

use super::actions::is_failure;
use super::life::{COSIGNER, Life, keep, key_path};
use super::machine::Death;
use super::model::{Checked, law, refused};
use super::plan::Trouble;
use crate::support::sim_disk::Unsynced;
use crate::support::sim_ledger::ledger_path;
use crate::support::witness::witness_key;

/// Backups that are kept at most.
const BACKUPS_MAX: usize = 3;

/// Reaches the witness without a network.
struct Wired<'w>(&'w Witness);

impl Transport for Wired<'_> {
    fn post(&self, _url: &str, body: &[u8]) -> Result<(u16, Vec<u8>), String> {
        let answer = self.0.add_checkpoint(body);
        Ok((answer.status, answer.body.into_bytes()))
    }

    fn wait(&self, _length: std::time::Duration) {}
}

impl Life {
    /// Signs the head with the key in use.
    pub(super) fn sign(&mut self, trouble: Trouble) -> Checked {
        let key = self.key_file(&key_path(self.signs))?;
        let options = self.options(SyncMode::Always, 4096);
        if self.backups.len() < BACKUPS_MAX && !self.model.records.is_empty() {
            self.backups.push((self.model.records.len(), self.machine.disk.state()));
        }
        self.arm(trouble);
        let signed = sign_head::<Event>(&ledger_path(), &key, &options);
        self.signed(signed, trouble)
    }

    /// Signs with the key in use for the last time, and with the next one.
    pub(super) fn rotate(&mut self, trouble: Trouble) -> Checked {
        let number = self.make_key();
        let (old, new) = (self.key_file(&key_path(self.signs))?, self.key_file(&key_path(number))?);
        self.witness = None;
        let options = self.options(SyncMode::Always, 4096);
        self.arm(trouble);
        let signed = rotate::<Event>(&ledger_path(), &old, &new, &options);
        let done = signed.is_ok();
        self.signed(signed, trouble)?;
        // Whoever was interrupted goes on with the key that signed last.
        let remembers = self.key_file(&key_path(number))?.last();
        let remembers = remembers.map_err(|error| refused("a key's memory is whole", &error))?;
        law(!done || remembers.is_some(), "a key remembers what it signed", String::new)?;
        if remembers.is_some() {
            self.signs = number;
        }
        Ok(())
    }

    /// Takes what signing gave.
    fn signed(&mut self, signed: Result<Signature, SignError>, trouble: Trouble) -> Checked {
        let struck = self.struck(trouble);
        self.disarm(trouble);
        let seen = self.read()?;
        let mut handed_in = self.model.records.clone();
        let before = handed_in.len();
        let own = super::model::own_records(&seen, before);
        handed_in.extend(seen.iter().skip(before).take(own).cloned());
        match signed {
            Ok(signature) => {
                self.opened = true;
                self.figures.openings += 1;
                self.model.acknowledged =
                    usize::try_from(signature.note.checkpoint().size).unwrap();
                self.look(&seen, handed_in)?;
                law(
                    signature.unanchored.is_none() && self.model.acknowledged == seen.len(),
                    "a checkpoint of a ledger at rest covers all of it",
                    || format!("{} of {}", self.model.acknowledged, seen.len()),
                )?;
                if signature.saved {
                    keep(self, signature.note)?;
                }
            }
            Err(error) => {
                self.look(&seen, handed_in)?;
                self.check_sign_error(&error, struck)?;
            }
        }
        Ok(())
    }

    fn check_sign_error(&mut self, error: &SignError, struck: bool) -> Checked {
        let no_ledger = matches!(error, SignError::Ledger(LedgerError::NotALedger { .. }));
        let nothing = no_ledger && self.model.records.is_empty();
        let unsigned =
            matches!(error, SignError::NoCheckpoint { .. }) && self.model.notes.is_empty();
        write!(self.told, " {}", if nothing || unsigned { "refused" } else { "failed" }).unwrap();
        let failure = matches!(error, SignError::Ledger(error) if is_failure(error));
        law(nothing || unsigned || struck && failure, "an error has a cause, and names it", || {
            error.to_string()
        })
    }

    /// Another party on the same machine adds its signature.
    pub(super) fn cosign(&mut self, trouble: Trouble) -> Checked {
        let key = self.key_file(Path::new(COSIGNER))?;
        let options = self.options(SyncMode::Always, 4096);
        self.arm(trouble);
        let cosigned = cosign_head::<Event>(&ledger_path(), &key, &*self.machine.clock, &options);
        let struck = self.struck(trouble);
        self.disarm(trouble);
        self.look_for_nothing_new()?;
        match cosigned {
            Ok(signature) => {
                self.figures.cosignatures += 1;
                self.cosigns = true;
                self.model.check_note(&signature.note, "a cosigned note")
            }
            Err(error) => self.check_sign_error(&error, struck),
        }
    }

    pub(super) fn policy(&self) -> Policy {
        let mut text: String = self.keys.iter().map(|key| format!("log {key}\n")).collect();
        let witness = witness_key(1);
        write!(text, "witness w1 {} https://w1.example\nquorum none\n", witness.verifier())
            .unwrap();
        Policy::parse(text.as_bytes()).unwrap()
    }

    /// Asks the witness to cosign the newest note.
    pub(super) fn ask_witness(&mut self, trouble: Trouble) -> Checked {
        if self.model.notes.is_empty() {
            return Ok(());
        }
        let disk: Arc<dyn Disk> = self.machine.wire();
        let no_reading = |error| refused("what crashes leave can be read", &error);
        let reader = Reader::<Event>::open_on(Arc::clone(&disk), &ledger_path());
        let reader = reader.map_err(no_reading)?;
        let note = newest_note(&*disk, reader.layout()).map_err(no_reading)?;
        law(note.is_some(), "a saved note is never lost", String::new)?;
        let policy = self.policy();
        self.witness();
        self.arm(trouble);
        let witness = Wired(self.witness.as_ref().unwrap());
        let asked = ask_witnesses(&reader, &note.unwrap(), &policy, &witness);
        let struck = self.struck(trouble);
        drop(reader);
        self.disarm(trouble);
        self.look_for_nothing_new()?;
        let answers = match asked {
            Ok(asked) => asked.witnesses,
            Err(error) => {
                write!(self.told, " failed").unwrap();
                return law(
                    struck && is_failure(&error),
                    "an error has a cause, and names it",
                    || error.to_string(),
                );
            }
        };
        for state in answers {
            let cosigned = matches!(state.answer, WitnessAnswer::Cosigned { .. });
            self.figures.cosignatures += u64::from(cosigned);
            law(cosigned, "a witness never meets another history", || format!("{state:?}"))?;
        }
        Ok(())
    }

    /// The witness's machine loses what was not synced.
    pub(super) fn witness_dies(&mut self, chosen: u64) {
        self.witness = None;
        self.witness_machine.cut(Death::Power(Unsynced::Chosen(chosen)));
        self.figures.power_cuts += 1;
    }

    /// Every note that anybody has, wherever it lies, is one of this log.
    pub(super) fn check_signed(&mut self) -> Checked {
        let disk: Arc<dyn Disk> = self.machine.wire();
        let mut keys: Vec<_> = (0..self.keys.len()).map(key_path).collect();
        keys.push(COSIGNER.into());
        for path in keys {
            let last = self.key_file(&path)?.last();
            let last = last.map_err(|error| refused("a key's memory is whole", &error))?;
            if let Some(note) = last {
                self.model.check_note(&note, path.to_str().unwrap())?;
            }
        }
        let files = read_notes(&*disk, &Layout::new(&ledger_path()));
        let files = files.map_err(|error| refused("what crashes leave can be read", &error))?;
        let mut newest = 0;
        for file in files {
            let note = file.note.map_err(|error| refused("a saved note is whole", &error))?;
            newest = newest.max(note.checkpoint().size);
            self.model.check_note(&note, file.path.to_str().unwrap())?;
        }
        let saved = self.model.notes.iter().map(|note| note.checkpoint().size).max();
        law(saved.is_none_or(|saved| saved <= newest), "a saved note is never lost", || {
            format!("{saved:?}, the newest is of {newest}")
        })?;
        self.check_witnessed()
    }

    fn check_witnessed(&mut self) -> Checked {
        let wire = self.witness_machine.wire();
        let id = schwabot::hash::sha256(super::life::ORIGIN.as_bytes());
        let path = Path::new("/disk/witness").join(format!("{id}.note"));
        let Ok(bytes) = schwabot::ledger::disk::read_whole(&*wire, &path, 1 << 20) else {
            return Ok(());
        };
        let note = Note::parse(&bytes).map_err(|error| refused("a saved note is whole", &error))?;
        self.model.check_note(&note, "the witness")
    }
}
