//! What a log says about subjects, and what is said to it: notes, and that a key is gone.

use std::collections::BTreeSet;

use super::{ErasureError, KeyRing};
use crate::event::{
    OperatorNote, Payload, RecordError, RecordRef, SubjectId, SubjectShredded, SystemEvent,
};
use crate::ledger::{LedgerError, Reader, Writer};

/// What [`shred`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shredded {
    /// The subject's id.
    pub subject: SubjectId,
    /// The record that says so; none where an earlier call had recorded it and not come to its end.
    pub sequence: Option<u64>,
}

/// Appends a note about what an operator did and why, its author and text sealed under the key of
/// `subject`. Durable when it returns; returns the record's sequence.
///
/// # Errors
/// [`ErasureError::NoKey`], a text that is longer than a record, and failures of the machine.
pub fn leave_note<P: Payload>(
    writer: &mut Writer<P>,
    ring: &KeyRing,
    subject: &SubjectId,
    author: &str,
    text: &str,
) -> Result<u64, ErasureError> {
    let note = OperatorNote {
        author: ring.seal(subject, OperatorNote::AUTHOR, author.as_bytes())?,
        text: ring.seal(subject, OperatorNote::TEXT, text.as_bytes())?,
    };
    Ok(writer.append_about(*subject, &SystemEvent::OperatorNote(note))?)
}

/// Erases what a log says about a subject: first a `subject_shredded` record is made durable, then
/// the key is destroyed. `recorded` says that the log holds such a record already, because an
/// earlier call was cut short; see [`shredded_subjects`].
///
/// # Errors
/// [`ErasureError::NoKey`], and failures of the machine. After one behind the append, the log says
/// that the key is gone and it is still there: call again.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use schwabot::erasure::{KeyRing, leave_note, shred, shredded_subjects};
/// use schwabot::event::Event;
/// use schwabot::ledger::clock::Machine;
/// use schwabot::ledger::disk::RealDisk;
/// use schwabot::ledger::{Reader, Writer, WriterOptions};
/// # let dir = tempfile::tempdir()?;
/// # let (ledger, keys) = (dir.path().join("ledger"), dir.path().join("keys"));
/// let ring = KeyRing::open(Arc::new(RealDisk), Arc::new(Machine), &keys)?;
/// let ada = ring.create("Ada")?;
/// let mut writer: Writer<Event> = Writer::open(&ledger, &WriterOptions::default())?;
/// leave_note(&mut writer, &ring, &ada, "Ada", "raised the limit: the venue asked for it")?;
/// shred(&mut writer, &ring, &ada, "asked for", false)?;
/// writer.close()?;
/// assert!(ring.key(&ada)?.is_none());
/// assert!(shredded_subjects(&Reader::<Event>::open(&ledger)?)?.contains(&ada));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn shred<P: Payload>(
    writer: &mut Writer<P>,
    ring: &KeyRing,
    subject: &SubjectId,
    reason: &str,
    recorded: bool,
) -> Result<Shredded, ErasureError> {
    let mut sequence = None;
    if !recorded {
        let key = ring.key(subject)?.ok_or_else(|| ring.no_key(subject))?;
        let (subject, key_digest) = (*subject, key.digest());
        let said = SubjectShredded { subject, key_digest, reason: reason.to_owned() };
        sequence = Some(writer.append_system(&SystemEvent::SubjectShredded(said))?);
    }
    // Half a key is destroyed too.
    ring.destroy(subject)?;
    Ok(Shredded { subject: *subject, sequence })
}

/// Returns the subjects whose keys the log says were destroyed.
///
/// # Errors
/// Damage of the log, and failures of the machine.
pub fn shredded_subjects<P: Payload>(
    reader: &Reader<P>,
) -> Result<BTreeSet<SubjectId>, LedgerError> {
    let mut subjects = BTreeSet::new();
    reader.for_each::<LedgerError>(0, |record| {
        let sequence = record.sequence;
        let subject = shredded_by(&record);
        subjects.extend(subject.map_err(|source| LedgerError::Record { sequence, source })?);
        Ok(())
    })?;
    Ok(subjects)
}

/// Destroys what is left of keys that the log calls destroyed already, and returns whose: an
/// earlier [`shred`] was cut short, perhaps after the name was gone.
///
/// # Errors
/// Failures of the machine.
pub fn finish_shredding(
    ring: &KeyRing,
    told: &BTreeSet<SubjectId>,
) -> Result<Vec<SubjectId>, ErasureError> {
    let mut finished = Vec::new();
    for subject in told {
        match ring.destroy(subject) {
            Ok(()) => finished.push(*subject),
            Err(ErasureError::NoKey { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(finished)
}

/// Returns how many records of the log hold fields under a subject's key.
///
/// # Errors
/// Damage of the log, and failures of the machine.
pub fn records_under<P: Payload>(
    reader: &Reader<P>,
    subject: &SubjectId,
) -> Result<u64, LedgerError> {
    let mut records = 0;
    reader.for_each::<LedgerError>(0, |record| {
        let sequence = record.sequence;
        let envelope = record.envelope();
        let (envelope, _) = envelope.map_err(|source| LedgerError::Record { sequence, source })?;
        records += u64::from(envelope.stamp.erasure_key == Some(*subject));
        Ok(())
    })?;
    Ok(records)
}

/// The subject that a record says was shredded, if it says so.
fn shredded_by(record: &RecordRef<'_>) -> Result<Option<SubjectId>, RecordError> {
    let (envelope, payload) = record.envelope()?;
    if SystemEvent::name_of(envelope.kind) != Some("subject_shredded") {
        return Ok(None);
    }
    match SystemEvent::decode_payload(envelope.kind, envelope.schema, payload)? {
        SystemEvent::SubjectShredded(said) => Ok(Some(said.subject)),
        _ => Ok(None),
    }
}
