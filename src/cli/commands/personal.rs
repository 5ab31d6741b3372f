//! Personal fields of records, as far as they can be opened.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::cli::outcome::CliError;
use crate::erasure::{KeyRing, Unseal, shredded_subjects};
use crate::event::{
    Command, Envelope, Event, OperatorNote, Sealed, SealedCommand, SubjectId, SystemEvent, wire,
};
use crate::ledger::{Entry, LedgerError, Reader};

/// Opens fields, and knows why one stays closed.
pub(super) struct Personal<'r> {
    reader: &'r Reader<Event>,
    keys: Option<&'r KeyRing>,
    /// Asked of the whole log, once it is needed.
    shredded: Option<BTreeSet<SubjectId>>,
}

impl<'r> Personal<'r> {
    pub(super) const fn new(reader: &'r Reader<Event>, keys: Option<&'r KeyRing>) -> Self {
        Self { reader, keys, shredded: None }
    }

    /// What a record says about a person: an object of its fields, or the word `sealed` or
    /// `shredded`. None where it has no personal field.
    pub(super) fn of(
        &mut self,
        envelope: &Envelope,
        entry: &Entry<Event>,
    ) -> Result<Option<Value>, CliError> {
        let subject = envelope.stamp.erasure_key;
        let opened = match entry {
            Entry::System(SystemEvent::OperatorNote(note)) => self.note(subject, note),
            Entry::Event(Event::SealedCommand(command)) => self.command(subject, command),
            _ => return Ok(None),
        };
        if opened.is_some() {
            return Ok(opened);
        }
        let word = if self.is_shredded(subject)? { "shredded" } else { "sealed" };
        Ok(Some(json!(word)))
    }

    fn note(&self, subject: Option<SubjectId>, note: &OperatorNote) -> Option<Value> {
        let text = |what, sealed| String::from_utf8(self.open(subject, what, sealed)?).ok();
        let author = text(OperatorNote::AUTHOR, &note.author)?;
        Some(json!({ "author": author, "text": text(OperatorNote::TEXT, &note.text)? }))
    }

    fn command(&self, subject: Option<SubjectId>, command: &SealedCommand) -> Option<Value> {
        let bytes = self.open(subject, SealedCommand::WHAT, &command.sealed)?;
        let inside: Command = wire::decode_canonical(&bytes).ok()?;
        Some(json!({ "command": serde_json::to_value(inside).ok()? }))
    }

    fn open(&self, subject: Option<SubjectId>, what: &str, sealed: &Sealed) -> Option<Vec<u8>> {
        self.keys?.open(&subject?, what, sealed).plain()
    }

    fn is_shredded(&mut self, subject: Option<SubjectId>) -> Result<bool, LedgerError> {
        let Some(subject) = subject else { return Ok(false) };
        let shredded = match self.shredded.take() {
            Some(shredded) => shredded,
            None => shredded_subjects(self.reader)?,
        };
        let is_shredded = shredded.contains(&subject);
        self.shredded = Some(shredded);
        Ok(is_shredded)
    }
}
