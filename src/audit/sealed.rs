//! Steps whose input is sealed: executed again where its key is here, passed over where it is not.
//!
//! A step that is passed over accuses nobody. Where a later record says that the key was destroyed,
//! the log itself explains the gap, and the audit only counts it; where none does, the step could
//! not be checked. What a subject sealed after its key was said to be destroyed is not explained.

use std::collections::BTreeMap;

use super::report::{FAULTS_LISTED_MAX, Report};
use crate::erasure::{Unseal, Unsealed};
use crate::event::{Command, Event, SealedCommand, Stamp, SubjectId, SubjectShredded, wire};

/// What became of an attempt to open an input.
pub(super) enum Opening {
    /// The command inside.
    Opened(Event),
    /// The key is not here.
    Closed,
    /// It opens, or would have to, and is not what it says.
    Broken(&'static str),
}

/// Opens a sealed command, and compares what it says outside with what it says inside.
pub(super) fn open(keys: Option<&dyn Unseal>, command: &SealedCommand, stamp: &Stamp) -> Opening {
    let Some(subject) = stamp.erasure_key else {
        return Opening::Broken("the sealed command names no erasure key");
    };
    let opened = keys.map(|keys| keys.open(&subject, SealedCommand::WHAT, &command.sealed));
    let bytes = match opened.unwrap_or(Unsealed::NoKey) {
        Unsealed::Plain(bytes) => bytes,
        Unsealed::NoKey => return Opening::Closed,
        Unsealed::Broken => {
            return Opening::Broken("the sealed command is not what its key sealed");
        }
    };
    match wire::decode_canonical::<Command>(&bytes) {
        Ok(inside) if (inside.row, inside.time) == (command.row, command.time) => {
            Opening::Opened(Event::Command(Box::new(inside)))
        }
        Ok(_) => Opening::Broken("the sealed command has another row or time inside"),
        Err(_) => Opening::Broken("the sealed command holds no command"),
    }
}

/// Steps that were passed over and that no record of the log explains so far, by subject.
#[derive(Default)]
pub(super) struct PassedOver {
    unexplained: BTreeMap<Option<SubjectId>, u64>,
}

impl PassedOver {
    /// Notes one step.
    pub(super) fn add(&mut self, subject: Option<SubjectId>, report: &mut Report) {
        report.shredded_steps += 1;
        *self.unexplained.entry(subject).or_default() += 1;
    }

    /// Takes in that a key was destroyed: it explains the steps of its subject up to here.
    pub(super) fn explain(&mut self, said: &SubjectShredded, report: &mut Report) {
        self.unexplained.remove(&Some(said.subject));
        if report.shredded.len() < FAULTS_LISTED_MAX && !report.shredded.contains(&said.subject) {
            report.shredded.push(said.subject);
        }
    }

    /// Adds to the report what could not be checked and is not explained.
    pub(super) fn tell(&self, report: &mut Report) {
        let steps: u64 = self.unexplained.values().sum();
        let rest = match steps {
            0 => return,
            1 => "1 step rests on a sealed input whose key is not here: its decisions".to_owned(),
            _ => format!(
                "{steps} steps rest on sealed inputs whose key is not here: their decisions"
            ),
        };
        report.not_checked.push(format!("{rest} were not re-executed"));
    }
}
