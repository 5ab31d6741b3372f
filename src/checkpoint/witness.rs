//! A witness: it cosigns a log's checkpoint once that is shown to continue the one before.
//!
//! The protocol is C2SP tlog-witness without its transport: the bytes of a request come in, an
//! [`Answer`] goes out. For each log one file holds the newest note that was cosigned.
//!
//! Invariants: a witness never cosigns a tree that does not begin with the one it cosigned last;
//! what it cosigns is durable before the signature leaves, so no restart forgets it; looking and
//! storing are one step, however many ask at once; where it cannot read what it cosigned, or could
//! not store it, it signs nothing.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::key::{KeyKind, SigningKey, VerifierKey};
use super::lines::{Lines, write_path};
use super::note::{NOTE_BYTES_MAX, Note, NoteError, parse_size};
use super::sign::seconds;
use crate::hash::{self, Digest};
use crate::ledger::clock::Host;
use crate::ledger::disk::{Disk, Readers, read_whole, write_whole};
use crate::ledger::{LedgerError, at, make_durable_dir};
use crate::merkle::proof::verify_consistency;

/// Hashes of the longest consistency proof.
pub const PROOF_HASHES_MAX: usize = 63;
/// Bytes of the longest request: a note, and before it a size and the longest proof.
pub const REQUEST_BYTES_MAX: usize = NOTE_BYTES_MAX + (4 << 10);

const TEXT: &str = "text/plain; charset=utf-8";
const SIZE: &str = "text/x.tlog.size";

/// What a log asks of a witness: to cosign this note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Records of the checkpoint that the witness cosigned last, as far as the log knows.
    pub old: u64,
    /// Consistency proof from there to the note's tree.
    pub proof: Vec<Digest>,
    /// The note.
    pub note: Note,
}

/// Why bytes are no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Too much of it.
    #[error("a request has at most {REQUEST_BYTES_MAX} bytes")]
    TooLong,
    /// Not the lines that belong there.
    #[error("line {line} of the request: expected {expected}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// What follows the empty line is no signed checkpoint.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl Request {
    /// Reads the body of a request; nothing is verified yet.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        let bad = |(line, expected)| RequestError::Line { line, expected };
        if bytes.len() > REQUEST_BYTES_MAX {
            return Err(RequestError::TooLong);
        }
        let mut lines = Lines::new(str::from_utf8(bytes).map_err(|_| NoteError::NotText)?);
        let old = lines.take("old ", parse_size, "`old` and a size in decimal digits");
        let old = old.map_err(bad)?;
        let (proof, note) = lines.path().map_err(bad)?;
        if proof.len() > PROOF_HASHES_MAX {
            let line = PROOF_HASHES_MAX + 2;
            return Err(bad((line, "an empty line: a proof has at most 63 hashes")));
        }
        Ok(Self { old, proof, note: Note::parse(note.as_bytes())? })
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        write_path(&self.proof, f)?;
        write!(f, "\n{}", self.note)
    }
}

/// What a witness answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// What the body is.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A line of text for people.
    #[must_use]
    pub fn text(status: u16, text: impl fmt::Display) -> Self {
        Self { status, content_type: TEXT, body: format!("{text}\n") }
    }

    fn failed(text: impl fmt::Display) -> Self {
        Self::text(500, format_args!("{text}; the witness signs nothing"))
    }
}

/// Why a witness cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// Refusal: a log's key does not cosign.
    #[error("`{name}` is a log's key; a witness signs with a cosigner's")]
    NotACosigner {
        /// The key's name.
        name: String,
    },
    /// Refusal: only logs are witnessed.
    #[error("`{name}` is a cosigner's key and no log's")]
    NotALog {
        /// The key's name.
        name: String,
    },
    /// Refusal: another witness works on this state.
    #[error("{} belongs to a witness that is running", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The state cannot be opened.
    #[error(transparent)]
    State(#[from] LedgerError),
}

/// A witness at work: a key, the logs it believes, and what it cosigned.
///
/// What it cosigned is known only to its state: the key should sign nowhere else.
pub struct Witness {
    key: SigningKey,
    logs: Vec<VerifierKey>,
    state: PathBuf,
    disk: Arc<dyn Disk>,
    host: Arc<dyn Host>,
    /// True once something could not be stored. Held while somebody looks and stores.
    broken: Mutex<bool>,
    /// Keeps a second witness off the same state.
    _lock: Box<dyn Send + Sync>,
}

impl Witness {
    /// Opens the state in a directory, which is made where it is missing. A log's origin is the
    /// name of its key; several keys of one name are one log.
    ///
    /// # Errors
    /// [`WitnessError`].
    pub fn open(
        key: SigningKey,
        logs: Vec<VerifierKey>,
        state: &Path,
        disk: Arc<dyn Disk>,
        host: Arc<dyn Host>,
    ) -> Result<Self, WitnessError> {
        if key.verifier().kind() != KeyKind::Cosigner {
            return Err(WitnessError::NotACosigner { name: key.verifier().name().to_owned() });
        }
        if let Some(other) = logs.iter().find(|log| log.kind() != KeyKind::Log) {
            return Err(WitnessError::NotALog { name: other.name().to_owned() });
        }
        make_durable_dir(&*disk, state)?;
        let path = state.join("lock");
        let lock = disk.lock(&path).map_err(at("lock", &path))?;
        let lock = lock.ok_or_else(|| WitnessError::Locked { path: state.to_owned() })?;
        // A process that died between a rename and its sync left a note that is seen, and that a
        // power cut could still take back.
        disk.sync_dir(state).map_err(at("sync", state))?;
        let (state, broken) = (state.to_owned(), Mutex::new(false));
        Ok(Self { key, logs, state, disk, host, broken, _lock: lock })
    }

    /// The key that cosigns.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// Answers `POST /add-checkpoint`: with a cosignature, or with why there is none.
    #[must_use]
    pub fn add_checkpoint(&self, body: &[u8]) -> Answer {
        self.add(body).unwrap_or_else(|refusal| refusal)
    }

    /// Answers `GET /<log>/checkpoint` with the newest note that was cosigned; `log` is the SHA-256
    /// of the origin in hex.
    #[must_use]
    pub fn checkpoint(&self, log: &str) -> Answer {
        let known = self.logs.iter().find(|key| id_of(key.name()) == log);
        let Some(key) = known else { return Answer::text(404, "this log is not known here") };
        let last = self.begin().and_then(|_held| self.last(key.name()));
        match last {
            Ok(Some(note)) => Answer { status: 200, content_type: TEXT, body: note.to_string() },
            Ok(None) => Answer::text(404, "nothing of this log was cosigned yet"),
            Err(failure) => failure,
        }
    }

    fn add(&self, body: &[u8]) -> Result<Answer, Answer> {
        let request = Request::parse(body).map_err(|error| Answer::text(400, error))?;
        let mut note = self.signed_by_its_log(&request.note)?;
        let checkpoint = note.checkpoint().clone();
        if request.old > checkpoint.size {
            return Err(Answer::text(400, "the old size is larger than the checkpoint's"));
        }
        // From here to the end nobody else looks or stores.
        let mut broken = self.begin()?;
        let last = self.last(&checkpoint.origin)?;
        let (size, root) = last.map_or((0, hash::empty_root()), |last| {
            (last.checkpoint().size, last.checkpoint().root)
        });
        if request.old != size {
            return Err(Answer { status: 409, content_type: SIZE, body: format!("{size}\n") });
        }
        if checkpoint.size == 0 && checkpoint.root != hash::empty_root() {
            return Err(Answer::text(422, "an empty log has the SHA-256 of nothing as its root"));
        }
        // Another root at the same size is a 422 too: a 409 would invite to ask again.
        verify_consistency((size, &root), (checkpoint.size, &checkpoint.root), &request.proof)
            .map_err(|error| Answer::text(422, error))?;
        note.sign(&self.key, seconds(&*self.host));
        let text = note.to_string();
        if text.len() > NOTE_BYTES_MAX {
            // It could be stored and never read again.
            return Err(Answer::text(400, NoteError::TooLong));
        }
        let path = self.path(&checkpoint.origin);
        if let Err(error) = write_whole(&*self.disk, &path, text.as_bytes(), Readers::Usual) {
            *broken = true;
            return Err(Answer::failed(format_args!("the note cannot be stored: {error}")));
        }
        let own = note.signatures.last().map(ToString::to_string).unwrap_or_default();
        Ok(Answer { status: 200, content_type: TEXT, body: own })
    }

    /// The note with the signatures of its log and no others.
    fn signed_by_its_log(&self, note: &Note) -> Result<Note, Answer> {
        let checkpoint = note.checkpoint();
        let keys = || self.logs.iter().filter(|key| key.name() == checkpoint.origin);
        if keys().next().is_none() {
            return Err(Answer::text(404, "this log is not known here"));
        }
        let good = note.signed_by(keys()).map_err(|error| Answer::text(403, error))?;
        if good.is_empty() {
            return Err(Answer::text(403, "no key of this log signed the checkpoint"));
        }
        let known = |line: &&super::SignatureLine| {
            keys().any(|key| (key.name(), key.id()) == (line.name.as_str(), line.id))
        };
        let mut own = note.clone();
        own.signatures.clear();
        note.signatures.iter().filter(known).for_each(|line| own.add(line.clone()));
        Ok(own)
    }

    /// Waits until nobody else looks or stores.
    fn begin(&self) -> Result<std::sync::MutexGuard<'_, bool>, Answer> {
        let held = self.broken.lock().ok().filter(|broken| !**broken);
        // What was not stored may show all the same, until a power cut takes it back.
        held.ok_or_else(|| Answer::failed("what was cosigned could not be stored before"))
    }

    /// The newest note of a log that was cosigned.
    fn last(&self, origin: &str) -> Result<Option<Note>, Answer> {
        let unreadable = |what: &dyn fmt::Display| {
            Answer::failed(format_args!("what was cosigned of this log cannot be read: {what}"))
        };
        let bytes = match read_whole(&*self.disk, &self.path(origin), NOTE_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(&error)),
        };
        let note = Note::parse(&bytes).map_err(|error| unreadable(&error))?;
        let own = note.signed_by([self.verifier()]).map_err(|error| unreadable(&error))?;
        if own.is_empty() || note.checkpoint().origin != origin {
            return Err(unreadable(&"this witness did not cosign it"));
        }
        Ok(Some(note))
    }

    fn path(&self, origin: &str) -> PathBuf {
        self.state.join(format!("{}.note", id_of(origin)))
    }
}

/// What a log is called in names of files and addresses.
fn id_of(origin: &str) -> String {
    hash::sha256(origin.as_bytes()).to_string()
}
