//! A log that is nothing but its leaves, and witnesses that are asked without a network.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use schwabot::checkpoint::{
    Answer, Checkpoint, KeyKind, Note, Request, SigningKey, Transport, Witness,
};
use schwabot::hash::{self, Digest};
use schwabot::ledger::disk::{Disk, RealDisk};
use schwabot::merkle::proof::{consistency_spans, span_root};

use super::dice::SeededHost;
use super::keys::key;

pub(crate) const ORIGIN: &str = "example.com/bot";

/// A log in memory; one of another salt is another history.
#[derive(Clone)]
pub(crate) struct MemoryLog {
    leaves: Vec<Digest>,
    seed: u8,
}

impl MemoryLog {
    pub(crate) fn new(records: u64, salt: u64) -> Self {
        let leaf = |number: u64| hash::leaf(&(number ^ salt).to_le_bytes());
        Self { leaves: (0..records).map(leaf).collect(), seed: 1 }
    }

    pub(crate) fn key(&self) -> SigningKey {
        key(ORIGIN, KeyKind::Log, self.seed)
    }

    fn node(&self, level: u32, place: u64) -> Digest {
        if level == 0 {
            return self.leaves[usize::try_from(place).unwrap()];
        }
        hash::node(&self.node(level - 1, 2 * place), &self.node(level - 1, 2 * place + 1))
    }

    fn span(&self, span: &std::ops::Range<u64>) -> Digest {
        span_root(span, &mut |level, place| Ok::<_, ()>(self.node(level, place))).unwrap()
    }

    /// The signed checkpoint of the first records.
    pub(crate) fn note(&self, size: u64) -> Note {
        let root = self.span(&(0..size));
        let mut note = Note::new(Checkpoint { origin: ORIGIN.to_owned(), size, root });
        note.sign(&self.key(), 0);
        note
    }

    /// What an honest log asks.
    pub(crate) fn request(&self, old: u64, size: u64) -> Request {
        let spans = consistency_spans(old, size).unwrap_or_default();
        let proof = spans.iter().map(|span| self.span(span)).collect();
        Request { old, proof, note: self.note(size) }
    }
}

/// The key of a numbered witness.
pub(crate) fn witness_key(number: u8) -> SigningKey {
    key(&format!("witness.example/w{number}"), KeyKind::Cosigner, 100 + number)
}

/// A witness of the log [`ORIGIN`] by the key of seed 1.
pub(crate) fn witness(number: u8, state: &Path, disk: Arc<dyn Disk>) -> Witness {
    let log = key(ORIGIN, KeyKind::Log, 1).verifier().clone();
    let host = Arc::new(SeededHost::new(1));
    Witness::open(witness_key(number), vec![log], state, disk, host).unwrap()
}

pub(crate) fn ask(witness: &Witness, request: &Request) -> Answer {
    witness.add_checkpoint(request.to_string().as_bytes())
}

/// What stands at an address.
pub(crate) enum Stand {
    Witness(Box<Witness>),
    /// What is answered, one a request; then nobody is there.
    Script(Vec<Result<(u16, Vec<u8>), String>>),
}

/// Addresses without a network; what was asked and waited is written down.
pub(crate) struct Net {
    pub(crate) stands: Mutex<Vec<(String, Stand)>>,
    pub(crate) asked: Mutex<Vec<(String, Request)>>,
    pub(crate) waited: Mutex<Vec<Duration>>,
}

impl Net {
    pub(crate) fn new(stands: Vec<(&str, Stand)>) -> Self {
        let stands = stands.into_iter().map(|(url, stand)| (url.to_owned(), stand)).collect();
        Self { stands: Mutex::new(stands), asked: Mutex::default(), waited: Mutex::default() }
    }

    /// The old sizes that were stated, in order.
    pub(crate) fn olds(&self) -> Vec<u64> {
        self.asked.lock().unwrap().iter().map(|(_, request)| request.old).collect()
    }
}

impl Transport for Net {
    fn post(&self, url: &str, body: &[u8]) -> Result<(u16, Vec<u8>), String> {
        let request = Request::parse(body).unwrap();
        self.asked.lock().unwrap().push((url.to_owned(), request));
        let mut stands = self.stands.lock().unwrap();
        let stand = stands.iter_mut().find(|(known, _)| *known == url);
        match stand.map(|(_, stand)| stand) {
            Some(Stand::Witness(witness)) => {
                let answer = witness.add_checkpoint(body);
                Ok((answer.status, answer.body.into_bytes()))
            }
            Some(Stand::Script(answers)) if !answers.is_empty() => answers.remove(0),
            _ => Err("connection refused".to_owned()),
        }
    }

    fn wait(&self, length: Duration) {
        self.waited.lock().unwrap().push(length);
    }
}

/// A log and where its witness keeps what it cosigned.
pub(crate) struct Place {
    dir: tempfile::TempDir,
    pub(crate) log: MemoryLog,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), log: MemoryLog::new(300, 0) }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub(crate) fn witness(&self) -> Witness {
        witness(1, &self.state(), Arc::new(RealDisk))
    }
}

/// Where the newest note of [`ORIGIN`] is kept.
pub(crate) fn note_file(state: &Path) -> PathBuf {
    state.join(format!("{}.note", hash::sha256(ORIGIN.as_bytes())))
}

/// The checkpoint's size and the stated time of a good cosignature of the first witness.
#[track_caller]
pub(crate) fn cosigned(answer: &Answer, note: &Note) -> u64 {
    assert_eq!((answer.status, answer.content_type), (200, "text/plain; charset=utf-8"));
    let mut note = note.clone();
    note.signatures = Note::parse_lines(answer.body.as_bytes()).unwrap();
    let good = note.signed_by([witness_key(1).verifier()]).unwrap();
    assert_eq!(good.len(), 1, "{}", answer.body);
    good[0].seconds.unwrap()
}
