//! Personal fields of records, as far as they can be opened.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::cli::outcome::CliError;
use crate::erasure::{ErasureError, KeyRing, shredded_subjects};
use crate::event::{
    Command, Envelope, Event, OperatorNote, Sealed, SealedCommand, SubjectId, SystemEvent, wire,
};
use crate::ledger::{Entry, LedgerError, Reader};

/// What was opened, if it could be; an error where a key is here and cannot be read.
type Opened<T> = Result<Option<T>, ErasureError>;

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
            Entry::System(SystemEvent::OperatorNote(note)) => self.note(subject, note)?,
            Entry::Event(Event::SealedCommand(command)) => self.command(subject, command)?,
            _ => return Ok(None),
        };
        if opened.is_some() {
            return Ok(opened);
        }
        let word = if self.is_shredded(subject)? { "shredded" } else { "sealed" };
        Ok(Some(json!(word)))
    }

    fn note(&self, subject: Option<SubjectId>, note: &OperatorNote) -> Opened<Value> {
        let text = |what, sealed| -> Opened<String> {
            Ok(self.open(subject, what, sealed)?.and_then(|bytes| String::from_utf8(bytes).ok()))
        };
        let author = text(OperatorNote::AUTHOR, &note.author)?;
        let said = text(OperatorNote::TEXT, &note.text)?;
        Ok(author.zip(said).map(|(author, text)| json!({ "author": author, "text": text })))
    }

    fn command(&self, subject: Option<SubjectId>, command: &SealedCommand) -> Opened<Value> {
        let bytes = self.open(subject, SealedCommand::WHAT, &command.sealed)?;
        let inside = bytes.and_then(|bytes| wire::decode_canonical::<Command>(&bytes).ok());
        let inside = inside.and_then(|command| serde_json::to_value(command).ok());
        Ok(inside.map(|command| json!({ "command": command })))
    }

    fn open(&self, subject: Option<SubjectId>, what: &str, sealed: &Sealed) -> Opened<Vec<u8>> {
        let (Some(keys), Some(subject)) = (self.keys, subject) else { return Ok(None) };
        Ok(keys.try_open(&subject, what, sealed)?.plain())
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
