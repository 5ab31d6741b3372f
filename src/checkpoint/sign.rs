//! Signing the head of a ledger: anchor, root, memory, note, in this order.
//!
//! | step | a crash after it leaves |
//! |---|---|
//! | the anchor is durable in the log | an anchor without a note; the next signing signs it |
//! | the root comes out of the records, read again | nothing more |
//! | the note is durable beside the key | a note that nobody has seen; it is made again, the same |
//! | the note is durable in the ledger | a signed ledger |

use std::cmp::Reverse;
use std::path::Path;

use super::key::{KeyKind, VerifierKey};
use super::key_file::KeyFile;
use super::note::{Checkpoint, Note};
use super::store::{read_notes, save_note};
use super::tiles::Tiles;
use super::{SignError, contradiction};
use crate::event::{ChainAnchor, KeyRotated, Payload, RecordRef, SystemEvent};
use crate::hash::Digest;
use crate::ledger::clock::Host;
use crate::ledger::{Entry, Head, LedgerEnd, LedgerError, Reader, Writer, WriterOptions, decode};
use crate::merkle::CompactRange;
use crate::time::SECOND_NS;

/// What was signed, and what the signature fixes.
#[derive(Debug, Clone)]
pub struct Signature {
    /// The note, with all signatures that are known.
    pub note: Note,
    /// False where the ledger could only be read, so that the note is nowhere but here and beside
    /// the key.
    pub saved: bool,
    /// None when an anchor stands at the end of what is signed; else why not, and the frame from
    /// which headers are not fixed.
    pub unanchored: Option<Unanchored>,
}

/// Why a checkpoint fixes no frame headers from some frame on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanchored {
    /// Why nothing could be appended.
    pub why: &'static str,
    /// The first frame whose header is not fixed.
    pub from_frame: u64,
}

/// Signs the head of the ledger at `path` with the log's key: appends an anchor where the ledger
/// can be written, else signs what is proven durable.
///
/// # Errors
/// [`SignError::Contradiction`] when the log does not continue what the key signed before,
/// damage of the log, and failures of the machine.
pub fn sign_head<P: Payload>(
    path: &Path,
    key: &KeyFile,
    options: &WriterOptions,
) -> Result<Signature, SignError> {
    sign_with::<P>(path, key, None, options)
}

/// As [`sign_head`], but from here on `new` signs: a [`KeyRotated`] record that both keys signed is
/// appended first, and this last note has the signatures of both.
///
/// # Errors
/// As [`sign_head`]; [`SignError::Rotation`] for keys that cannot follow each other, and
/// [`LedgerError::Locked`] beside a living writer.
pub fn rotate<P: Payload>(
    path: &Path,
    old: &KeyFile,
    new: &KeyFile,
    options: &WriterOptions,
) -> Result<Signature, SignError> {
    let (from, to) = (old.key().verifier(), new.key().verifier());
    if to.kind() != KeyKind::Log {
        return Err(SignError::NotALogKey { name: to.name().to_owned() });
    }
    if from.name() != to.name() || from == to {
        let what =
            "a log keeps its name, so the new key must have the old one's name and other bytes";
        return Err(SignError::Rotation { what });
    }
    if new.last()?.is_some() {
        return Err(SignError::Rotation { what: "the new key has signed something already" });
    }
    sign_with::<P>(path, old, Some(new), options)
}

fn sign_with<P: Payload>(
    path: &Path,
    key: &KeyFile,
    next: Option<&KeyFile>,
    options: &WriterOptions,
) -> Result<Signature, SignError> {
    let verifier = key.key().verifier();
    if verifier.kind() != KeyKind::Log {
        return Err(SignError::NotALogKey { name: verifier.name().to_owned() });
    }
    let reader = open::<P>(path, options)?;
    let mut seen = SeenTree::default();
    check_memory(&reader, &mut seen, key)?;
    let signs = next.unwrap_or(key).key().verifier();
    let anchored = next.is_none() && is_anchored(&reader, signs)?;
    let unanchored = if anchored {
        None
    } else {
        match append::<P>(path, key, next, options)? {
            Ok(_) => None,
            Err(why) => Some(Unanchored { why, from_frame: fixed_frames(&reader)? }),
        }
    };
    let reader = open::<P>(path, options)?;
    let size = reader.proven();
    let root = seen.grow(&reader, size)?;
    let mut note = Note::new(Checkpoint { origin: verifier.name().to_owned(), size, root });
    note.sign(key.key(), 0);
    if let Some(next) = next {
        note.sign(next.key(), 0);
        next.remember(&note)?;
    }
    key.remember(&note)?;
    publish(&reader, note, unanchored)
}

/// Adds a cosigner's signature to the newest note of a ledger: the cosigner says that it saw this
/// tree, that the log at `path` has it, and that it continues what the cosigner saw before.
///
/// # Errors
/// [`SignError::NoCheckpoint`], [`SignError::Contradiction`], damage of the log, and failures of
/// the machine.
pub fn cosign_head<P: Payload>(
    path: &Path,
    key: &KeyFile,
    host: &dyn Host,
    options: &WriterOptions,
) -> Result<Signature, SignError> {
    let verifier = key.key().verifier();
    if verifier.kind() != KeyKind::Cosigner {
        return Err(SignError::NotACosigner { name: verifier.name().to_owned() });
    }
    let reader = open::<P>(path, options)?;
    let note = newest_announced(&reader)?;
    let mut note = note.ok_or_else(|| SignError::NoCheckpoint { path: path.to_owned() })?;
    let mut seen = SeenTree::default();
    if let Some(last) = key.last()? {
        let (before, now) = (last.checkpoint(), note.checkpoint());
        if before.origin != now.origin || before.size > now.size {
            let met = format!("a checkpoint of `{}` over {} records", now.origin, now.size);
            return Err(contradiction("this key", before.size, met));
        }
    }
    check_memory(&reader, &mut seen, key)?;
    compare(&reader, &mut seen, note.checkpoint(), "the checkpoint in the ledger")?;
    note.sign(key.key(), seconds(host));
    key.remember(&note)?;
    publish(&reader, note, None)
}

/// Signs a head that ends with an anchor of this key, beside the writer that appended it. `seen` is
/// what the caller saw of the log so far.
///
/// # Errors
/// As [`sign_head`].
pub(super) fn sign_anchored<P: Payload>(
    path: &Path,
    key: &KeyFile,
    head: Head,
    seen: &mut SeenTree,
    options: &WriterOptions,
) -> Result<Note, SignError> {
    let reader = open::<P>(path, options)?;
    // What was signed last is compared again and again: somebody else may use the key as well.
    check_memory(&reader, seen, key)?;
    let origin = key.key().verifier().name().to_owned();
    let signed = Checkpoint { origin, size: head.size, root: head.root };
    compare(&reader, seen, &signed, "the writer's own tree")?;
    let mut note = Note::new(signed);
    note.sign(key.key(), 0);
    key.remember(&note)?;
    Ok(publish(&reader, note, None)?.note)
}

/// The time by the wall clock, in whole seconds since 1970.
pub(super) fn seconds(host: &dyn Host) -> u64 {
    u64::try_from(host.now().nanos() / SECOND_NS).unwrap_or(0).max(1)
}

fn open<P: Payload>(path: &Path, options: &WriterOptions) -> Result<Reader<P>, SignError> {
    Ok(Reader::open_any(std::sync::Arc::clone(&options.disk), path)?)
}

/// Puts a signed note into the ledger, and the tiles of its tree, where that can be written.
fn publish<P: Payload>(
    reader: &Reader<P>,
    note: Note,
    unanchored: Option<Unanchored>,
) -> Result<Signature, SignError> {
    let Checkpoint { size, root, .. } = note.checkpoint();
    match Tiles::checked(reader, *size, root) {
        Err(error) if !is_read_only(&error) => return Err(error.into()),
        _ => {}
    }
    match save_note(&**reader.disk(), reader.layout(), &note) {
        Ok(note) => Ok(Signature { note, saved: true, unanchored }),
        Err(error) if is_read_only(&error) => Ok(Signature { note, saved: false, unanchored }),
        Err(error) => Err(error.into()),
    }
}

/// The tree of a log as it was read, record by record: what is signed comes from nothing else, and
/// from no derived file.
#[derive(Default)]
pub(super) struct SeenTree(Option<CompactRange>);

impl SeenTree {
    /// Reads on up to `size` records and returns the root over them.
    ///
    /// # Errors
    /// [`SignError::Contradiction`] where the log ends before, or more was seen already; damage of
    /// the log, and failures of the machine.
    fn grow<P: Payload>(&mut self, reader: &Reader<P>, size: u64) -> Result<Digest, SignError> {
        let tree = self.0.get_or_insert_with(|| CompactRange::new(0));
        super::push_records(tree, reader, size)?;
        // A root over any other number of records would be signed as if it were over these.
        let root = tree.root().filter(|_| tree.end() == size);
        root.ok_or_else(|| {
            contradiction("this key", tree.end(), format!("a log of {size} records"))
        })
    }
}

/// Refuses a log that does not continue what the key signed before.
fn check_memory<P: Payload>(
    reader: &Reader<P>,
    seen: &mut SeenTree,
    key: &KeyFile,
) -> Result<(), SignError> {
    let Some(last) = key.last()? else { return Ok(()) };
    let last = last.checkpoint();
    let name = key.key().verifier().name();
    if key.key().verifier().kind() == KeyKind::Log && last.origin != name {
        let met = format!("the log `{name}`, not `{}`", last.origin);
        return Err(contradiction("this key", last.size, met));
    }
    compare(reader, seen, last, "this key")
}

/// Compares a signed tree with the log's own.
fn compare<P: Payload>(
    reader: &Reader<P>,
    seen: &mut SeenTree,
    signed: &Checkpoint,
    by: &'static str,
) -> Result<(), SignError> {
    if signed.size > reader.proven() {
        let met = format!("a log of only {} records: rolled back", reader.proven());
        return Err(contradiction(by, signed.size, met));
    }
    let root = seen.grow(reader, signed.size)?;
    if root == signed.root {
        return Ok(());
    }
    let met = format!("a log with root {root} there, not {}: forked", signed.root);
    Err(contradiction(by, signed.size, met))
}

/// The newest note that the log itself announces.
fn newest_announced<P: Payload>(reader: &Reader<P>) -> Result<Option<Note>, SignError> {
    let files = read_notes(&**reader.disk(), reader.layout())?;
    let mut notes: Vec<Note> = files.into_iter().filter_map(|file| file.note.ok()).collect();
    notes.sort_by_key(|note| Reverse(note.checkpoint().size));
    for note in notes {
        if is_announced(reader, &note)? {
            return Ok(Some(note));
        }
    }
    Ok(None)
}

/// Did the key sign it that the log's anchor right before its end names, for the log of that name?
pub(super) fn is_announced<P: Payload>(
    reader: &Reader<P>,
    note: &Note,
) -> Result<bool, LedgerError> {
    let Checkpoint { origin, size, .. } = note.checkpoint();
    let key = anchor_at(reader, *size)?.and_then(|anchor| anchor.key.parse().ok());
    Ok(key.is_some_and(|key: VerifierKey| {
        key.name() == origin && note.signed_by([&key]).is_ok_and(|good| !good.is_empty())
    }))
}

/// Is the last record of a closed ledger an anchor of this key?
fn is_anchored<P: Payload>(reader: &Reader<P>, key: &VerifierKey) -> Result<bool, SignError> {
    if reader.end() != LedgerEnd::Closed {
        return Ok(false);
    }
    let last = anchor_at(reader, reader.len())?;
    Ok(last.is_some_and(|anchor| anchor.key == key.to_string()))
}

/// The anchor that ends the first `size` records, if one does.
fn anchor_at<P: Payload>(
    reader: &Reader<P>,
    size: u64,
) -> Result<Option<ChainAnchor>, LedgerError> {
    let Some(sequence) = size.checked_sub(1) else { return Ok(None) };
    let Some(bytes) = reader.record(sequence)? else { return Ok(None) };
    let record = RecordRef { sequence, bytes: &bytes };
    match decode::<P>(&record) {
        Ok((_, Entry::System(SystemEvent::ChainAnchor(anchor)))) => Ok(Some(anchor)),
        _ => Ok(None),
    }
}

/// The first frame that no signed anchor fixes.
fn fixed_frames<P: Payload>(reader: &Reader<P>) -> Result<u64, SignError> {
    let notes = read_notes(&**reader.disk(), reader.layout())?;
    let mut sizes: Vec<u64> =
        notes.iter().filter_map(|file| Some(file.note.as_ref().ok()?.checkpoint().size)).collect();
    sizes.sort_unstable();
    for size in sizes.into_iter().rev() {
        if let Some(anchor) = anchor_at(reader, size)? {
            return Ok(anchor.frame);
        }
    }
    Ok(0)
}

/// Appends rotation and anchor and closes the ledger again; or says why nothing can be appended.
fn append<P: Payload>(
    path: &Path,
    key: &KeyFile,
    next: Option<&KeyFile>,
    options: &WriterOptions,
) -> Result<Result<Head, &'static str>, SignError> {
    let mut writer = match Writer::<P>::open_any(path, &options.for_few_records()) {
        Ok(writer) => writer,
        Err(LedgerError::Locked { .. }) if next.is_none() => return Ok(Err("a writer is at work")),
        Err(error) if next.is_none() && is_read_only(&error) => {
            return Ok(Err("the ledger can only be read"));
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(next) = next {
        let rotation = rotation(writer.place().ledger, key, next);
        writer.append_system(&SystemEvent::KeyRotated(rotation))?;
    }
    let head = writer.anchor(&next.unwrap_or(key).key().verifier().to_string())?;
    writer.close()?;
    Ok(Ok(head))
}

fn rotation(ledger: [u8; 16], old: &KeyFile, new: &KeyFile) -> KeyRotated {
    let (old, new) = (old.key(), new.key());
    let (from, to) = (old.verifier(), new.verifier());
    let statement = super::rotation_statement(&ledger, &from.to_string(), &to.to_string());
    KeyRotated {
        old: from.to_string(),
        new: to.to_string(),
        old_signature: old.sign(&statement).to_vec(),
        new_signature: new.sign(&statement).to_vec(),
    }
}

/// Did the machine refuse because the place may only be read?
pub(super) fn is_read_only(error: &LedgerError) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error, LedgerError::Io { source, .. }
        if matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem))
}
