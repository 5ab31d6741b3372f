//! Events of the VeritasChain Protocol (VCP) 1.2, its header/payload/security encoding, as JSON
//! Lines.
//!
//! ```text
//! {"type":"export", ...}                     what all of it was made from
//! {"Header":...,"Payload":...,"Security":...,"PolicyIdentification":...}      an event
//! {"type":"batch","MerkleRoot":...}          after each batch of events
//! ```
//!
//! Invariants: an event is a function of its record and its place; header and payload are hashed as
//! RFC 8785 text, the hash of the event before behind them; the tree over a batch is that of RFC
//! 6962 over the event hashes, an odd node carried up and never doubled; what cannot be said is
//! left out and listed in `EXPORTS.md`, and nothing is made up. Memory is bounded by one batch.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::about::{About, Request, Scope, walk};
use super::error::ExportError;
use super::place::OutFile;
use super::text::{StartLine, write_line};
use super::vcp_events::{Mapped, Mapping};
use crate::event::{Envelope, Event, RecordRef};
use crate::hash::{self, Digest};
use crate::ledger::{Entry, Reader};
use crate::merkle::CompactRange;

/// Events of one batch.
const BATCH_EVENTS: usize = 1024;
/// Bits of a record's digest that go into its event's id.
const VERSION_7: u8 = 0x70;

/// Writes what VCP has words for of a log into a file, and returns what it was made from.
///
/// # Errors
/// [`ExportError`], among them [`ExportError::BeforeEpoch`]; no file appears then.
pub fn export_vcp(
    reader: &Reader<Event>,
    path: &Path,
    request: &Request<'_>,
) -> Result<About, ExportError> {
    let scope = Scope::of(reader, request)?;
    let mut about = About::new(reader, scope, ("vcp-1.2", "events"), Vec::new());
    let mut file = OutFile::create(path, request.force)?;
    let start = StartLine::write(&mut file, &about)?;
    let policy = format!("local:schwabot:{}", about.ledger);
    let mut chain = Chain {
        mapping: Mapping::default(),
        ledger: about.ledger.clone(),
        policy,
        previous: None,
        batch: Vec::new(),
        events: 0,
        batches: 0,
    };
    about.head.root =
        walk(reader, scope, request.go_on, &mut |record, envelope, entry, inside| {
            chain.take(record, envelope, entry, inside, &mut file)
        })?;
    chain.end_batch(&mut file)?;
    about.rows = chain.events;
    start.fill_in(&mut file, &about)?;
    file.sync()?;
    file.keep()?;
    Ok(about)
}

/// An event that waits for its batch.
struct Waiting {
    sequence: u64,
    id: String,
    header: String,
    payload: String,
    hash: Digest,
    previous: Option<Digest>,
}

/// The chain of events under way.
struct Chain {
    mapping: Mapping,
    ledger: String,
    policy: String,
    previous: Option<Digest>,
    batch: Vec<Waiting>,
    events: u64,
    batches: u64,
}

impl Chain {
    fn take(
        &mut self,
        record: &RecordRef<'_>,
        envelope: &Envelope,
        entry: &Entry<Event>,
        in_range: bool,
        file: &mut OutFile,
    ) -> Result<(), ExportError> {
        let mapped = self.mapping.of(entry);
        let Some(Mapped { event_type, mut payload }) = mapped.filter(|_| in_range) else {
            return Ok(());
        };
        let (sequence, time) = (record.sequence, envelope.stamp.time);
        let nanos = u64::try_from(time.nanos());
        let nanos = nanos.map_err(|_| ExportError::BeforeEpoch { sequence, time })?;
        payload["VCP-LEDGER"] = self.mapping.origin(&self.ledger, record, envelope);
        let id = event_id(nanos, &record.digest());
        let header = json!({
            "ActorID": "schwabot",
            "ChainID": self.ledger,
            "EventID": id,
            "EventType": event_type,
            "PolicyID": self.policy,
            "SequenceNum": self.events,
            "TimestampISO": time,
            "TimestampInt": nanos,
        });
        let (header, payload) = (canonical(&header), canonical(&payload));
        let mut hashed = format!("{header}{payload}");
        if let Some(previous) = self.previous {
            hashed.push_str(&previous.to_string());
        }
        let (hash, previous) = (hash::sha256(hashed.as_bytes()), self.previous);
        self.previous = Some(hash);
        self.events += 1;
        self.batch.push(Waiting { sequence, id, header, payload, hash, previous });
        if self.batch.len() == BATCH_EVENTS { self.end_batch(file) } else { Ok(()) }
    }

    /// Writes the events that wait, each with the root of their tree, and what they are together.
    fn end_batch(&mut self, file: &mut OutFile) -> Result<(), ExportError> {
        let (Some(first), Some(last)) = (self.batch.first(), self.batch.last()) else {
            return Ok(());
        };
        let mut tree = CompactRange::new(0);
        self.batch.iter().for_each(|event| tree.push(hash::leaf(&event.hash.0)));
        let root = tree.span_root().to_string();
        let policy = canonical(&json!({
            "ConformanceTier": "SILVER",
            "PolicyID": self.policy,
            "VerificationDepth": { "HashChainValidation": true, "MerkleProofRequired": true },
            "Version": "1.2",
        }));
        let io = file.io();
        for (place, event) in self.batch.iter().enumerate() {
            let mut security = json!({
                "EventHash": prefixed(&event.hash),
                "HashAlgo": "SHA256",
                "MerkleIndex": place,
                "MerkleRoot": root,
                "SignAlgo": "ED25519",
                "Version": "1.2",
            });
            if let Some(previous) = &event.previous {
                security["PrevHash"] = Value::from(prefixed(previous));
            }
            let (header, payload, security) = (&event.header, &event.payload, canonical(&security));
            // Header and payload go out as the very text that was hashed.
            let written = writeln!(
                file,
                "{{\"Header\":{header},\"Payload\":{payload},\
                 \"PolicyIdentification\":{policy},\"Security\":{security}}}"
            );
            written.map_err(&io)?;
        }
        let batch = json!({
            "type": "batch",
            "Batch": self.batches,
            "MerkleRoot": root,
            "EventCount": self.batch.len(),
            "FirstEventID": first.id,
            "LastEventID": last.id,
            "FirstRecord": first.sequence,
            "LastRecord": last.sequence,
            "PolicyID": self.policy,
        });
        write_line(file, last.sequence, &batch)?;
        self.batches += 1;
        self.batch.clear();
        Ok(())
    }
}

fn prefixed(digest: &Digest) -> String {
    format!("sha256:{digest}")
}

/// The text of RFC 8785. What is written here has keys of ASCII, sorted by their map, and no number
/// but whole ones; of such values `serde_json` writes that very text.
fn canonical(value: &Value) -> String {
    value.to_string()
}

/// A UUID of version 7 (RFC 9562): milliseconds of the event, and for chance the record's digest,
/// so that the same record has the same id for ever.
fn event_id(nanos: u64, digest: &Digest) -> String {
    let mut bytes = [0_u8; 16];
    bytes[..6].copy_from_slice(&(nanos / 1_000_000).to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&digest.0[..10]);
    bytes[6] = bytes[6] & 0x0f | VERSION_7;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hash::in_hex(&bytes);
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    parts.join("-")
}
