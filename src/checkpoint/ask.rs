//! Asking witnesses: the newest note goes to each of a policy's, and good cosignatures come back.
//!
//! A witness is asked with the size that it cosigned last, as far as this ledger's notes know; it
//! corrects that once. One that cannot be reached is asked again, a little later each time.
//!
//! Invariant: nothing that a witness sends is believed but a signature that its own key made over
//! this note.

use std::time::Duration;

use super::consistency::consistency_path;
use super::key::VerifierKey;
use super::note::{Note, SignatureLine, parse_size};
use super::policy::{Party, Policy};
use super::sign::is_read_only;
use super::store::{read_notes, save_note};
use super::witness::Request;
use crate::event::Payload;
use crate::hash::Digest;
use crate::ledger::{LedgerError, Reader, clock};

/// Pauses before a witness that could not be reached is asked again.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];
/// Characters of a refusal that are repeated.
const TEXT_CHARS_MAX: usize = 200;

/// How requests reach a witness.
pub trait Transport {
    /// Posts a body, and returns the status and the body of the answer.
    ///
    /// # Errors
    /// Why there is no answer, for people to read.
    fn post(&self, url: &str, body: &[u8]) -> Result<(u16, Vec<u8>), String>;

    /// Waits that long, to ask again.
    fn wait(&self, length: Duration) {
        clock::pause(length);
    }
}

/// How asking a witness ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitnessAnswer {
    /// It cosigned.
    Cosigned {
        /// When, as it says: seconds since 1970.
        seconds: u64,
    },
    /// It answered, and not with a cosignature that is good.
    Refused {
        /// HTTP status.
        status: u16,
        /// What it said, or what is wrong with what it said.
        text: String,
    },
    /// It could not be reached.
    Away {
        /// Why.
        why: String,
    },
    /// The policy does not say where to ask.
    NoUrl,
}

/// A witness, and how asking it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessState {
    /// Its name in the policy.
    pub name: String,
    /// How it ended.
    pub answer: WitnessAnswer,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The note, with all signatures that are known.
    pub note: Note,
    /// False where there are cosignatures that the ledger could not take, for it can only be read.
    pub saved: bool,
    /// The witnesses in the order of the policy.
    pub witnesses: Vec<WitnessState>,
}

/// Asks the witnesses of a policy to cosign a note of this ledger; each cosignature is saved in the
/// ledger as soon as it is there.
///
/// # Errors
/// Damage of the log, and failures of the machine. A witness that gives nothing is told in its
/// place.
pub fn ask_witnesses<P: Payload>(
    reader: &Reader<P>,
    note: &Note,
    policy: &Policy,
    transport: &dyn Transport,
) -> Result<Asked, LedgerError> {
    let notes = read_notes(&**reader.disk(), reader.layout())?;
    let notes: Vec<Note> = notes.into_iter().filter_map(|file| file.note.ok()).collect();
    let mut asked = Asked { note: note.clone(), saved: true, witnesses: Vec::new() };
    for witness in policy.witnesses() {
        let asking = Asking { reader, note, transport, witness };
        let answer = match asking.ask(last_cosigned(&notes, note, &witness.key))? {
            Ok((line, seconds)) => {
                asked.note.add(line);
                match save_note(&**reader.disk(), reader.layout(), &asked.note) {
                    Ok(merged) => asked.note = merged,
                    Err(error) if is_read_only(&error) => asked.saved = false,
                    Err(error) => return Err(error),
                }
                WitnessAnswer::Cosigned { seconds }
            }
            Err(answer) => answer,
        };
        asked.witnesses.push(WitnessState { name: witness.name.clone(), answer });
    }
    Ok(asked)
}

/// The size of the last checkpoint that a witness cosigned, as far as it is known here.
fn last_cosigned(notes: &[Note], newest: &Note, witness: &VerifierKey) -> u64 {
    let newest = newest.checkpoint();
    let before = notes.iter().filter(|note| {
        let checkpoint = note.checkpoint();
        checkpoint.origin == newest.origin
            && checkpoint.size <= newest.size
            && note.signed_by([witness]).is_ok_and(|good| !good.is_empty())
    });
    before.map(|note| note.checkpoint().size).max().unwrap_or(0)
}

/// One witness being asked.
struct Asking<'a, P> {
    reader: &'a Reader<P>,
    note: &'a Note,
    transport: &'a dyn Transport,
    witness: &'a Party,
}

/// A good cosignature and its time, or how it ended without one.
type Got = Result<(SignatureLine, u64), WitnessAnswer>;

impl<P: Payload> Asking<'_, P> {
    fn ask(&self, known: u64) -> Result<Got, LedgerError> {
        let Some(url) = &self.witness.url else { return Ok(Err(WitnessAnswer::NoUrl)) };
        let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        let mut old = known;
        let mut corrected = false;
        loop {
            let proof = self.proof(old)?;
            let request = Request { old, proof, note: self.note.clone() };
            let (status, body) = match self.post(&url, request.to_string().as_bytes()) {
                Ok(answer) => answer,
                Err(why) => return Ok(Err(WitnessAnswer::Away { why })),
            };
            if status == 200 {
                return Ok(self.good_line(&body));
            }
            let refused = |text| Ok(Err(WitnessAnswer::Refused { status, text }));
            let size = (status == 409).then(|| stated_size(&body)).flatten();
            let Some(size) = size else { return refused(first_line(&body)) };
            let own = self.note.checkpoint().size;
            if size > own {
                return refused(format!(
                    "it says that it cosigned {size} records, and here are {own}"
                ));
            }
            if corrected || size == old {
                return refused(format!("it still says that it cosigned {size} records"));
            }
            (old, corrected) = (size, true);
        }
    }

    /// Posts until there is an answer that is no failure of the machine there.
    fn post(&self, url: &str, body: &[u8]) -> Result<(u16, Vec<u8>), String> {
        let mut pauses = PAUSES.iter();
        loop {
            let why = match self.transport.post(url, body) {
                Ok((status, body)) if status >= 500 => {
                    format!("status {status}: {}", first_line(&body))
                }
                Ok(answer) => return Ok(answer),
                Err(why) => why,
            };
            match pauses.next() {
                Some(pause) => self.transport.wait(*pause),
                None => return Err(why),
            }
        }
    }

    /// The path from the tree of `old` records to the note's.
    fn proof(&self, old: u64) -> Result<Vec<Digest>, LedgerError> {
        let checkpoint = self.note.checkpoint();
        let path = consistency_path(self.reader, old, (checkpoint.size, checkpoint.root))?;
        Ok(path.unwrap_or_default())
    }

    /// Takes the witness's own line out of its answer.
    fn good_line(&self, body: &[u8]) -> Got {
        let key = &self.witness.key;
        let refused = |text: String| WitnessAnswer::Refused { status: 200, text };
        let lines = Note::parse_lines(body).map_err(|error| refused(error.to_string()))?;
        let by_key =
            lines.into_iter().filter(|line| (&*line.name, line.id) == (key.name(), key.id()));
        let mut answer = self.note.clone();
        answer.signatures = by_key.collect();
        let good = answer.signed_by([key]).map_err(|error| refused(error.to_string()))?;
        let seconds = good.last().and_then(|signed| signed.seconds);
        answer
            .signatures
            .pop()
            .zip(seconds)
            .ok_or_else(|| refused("it sent no signature of its key".to_owned()))
    }
}

/// The size in the body of a 409.
fn stated_size(body: &[u8]) -> Option<u64> {
    parse_size(str::from_utf8(body).ok()?.strip_suffix('\n')?)
}

/// What a witness said, so much of it as a line holds.
fn first_line(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * TEXT_CHARS_MAX)]);
    text.lines().next().unwrap_or_default().chars().take(TEXT_CHARS_MAX).collect()
}
