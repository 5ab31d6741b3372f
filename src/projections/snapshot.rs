//! Snapshots: worlds kept beside the log, so that a fold need not begin at the first record.
//!
//! ```text
//! snapshots/000000010234-<sha256 of the file>.snap
//!   8   magic
//!   ... head: ledger id, kernel number, sequence, leaf hash, time of the record
//!   ... the world after the state root at that sequence
//! ```
//!
//! A snapshot is a cache and never believed: it counts only if its bytes hash to its name, it is of
//! this ledger and this kernel number, the record at its sequence is the very state root that it
//! was taken at (its leaf hash says so), and the world that comes out of it has exactly the digests
//! that this root states. Delete them all, and nothing is lost but time.
//!
//! They are taken at state roots, at least [`SNAPSHOT_RECORDS`] records apart, and so far apart
//! that they never take more than a quarter of the log's own space.

use std::io;
use std::str::FromStr;

use super::{Folded, ProjectionError, UpTo};
use crate::event::wire::{self, Decode, Encode, EncodeError};
use crate::event::{Event, RecordRef};
use crate::hash::{self, Digest};
use crate::kernel::{KERNEL_NUMBER, World};
use crate::ledger::disk::{read_whole, write_anew};
use crate::ledger::layout::{LedgerPlace, SNAPSHOT_BYTES_MAX, SNAPSHOT_SUFFIX};
use crate::ledger::segment::LedgerId;
use crate::ledger::{Entry, Reader, decode};
use crate::time::Timestamp;

/// Snapshots are at least so many records apart.
pub const SNAPSHOT_RECORDS: u64 = 100_000;
/// Bytes of log for each byte of snapshot.
const LOG_SHARE: u64 = 4;
const MAGIC: [u8; 8] = *b"SWBSNAP\x01";

/// A snapshot could not be written; the log is as whole as before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The disk refused.
    #[error("cannot write a snapshot: {0}")]
    Io(#[from] io::Error),
    /// The world has no bytes.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

#[derive(Encode, Decode)]
struct Head {
    ledger: LedgerId,
    kernel: u32,
    sequence: u64,
    leaf: Digest,
    time: Timestamp,
}

/// Decides when a run takes a snapshot, and writes it.
#[derive(Debug, Clone, Default)]
pub struct Snapshots {
    last_sequence: u64,
    last_bytes: u64,
    log_bytes: u64,
}

impl Snapshots {
    /// Begins behind the records that the log holds already.
    #[must_use]
    pub fn after(records: u64) -> Self {
        Self { last_sequence: records, ..Self::default() }
    }

    /// Takes a step of so many bytes that was recorded, and says whether a state root at `sequence`
    /// is one to take a snapshot at.
    pub fn is_due(&mut self, step_bytes: u64, sequence: Option<u64>) -> bool {
        self.log_bytes = self.log_bytes.saturating_add(step_bytes);
        sequence.is_some_and(|sequence| {
            sequence.saturating_sub(self.last_sequence) >= SNAPSHOT_RECORDS
                && self.log_bytes >= self.last_bytes.saturating_mul(LOG_SHARE)
        })
    }

    /// Writes the world as it is right behind the state root `record`.
    ///
    /// # Errors
    /// [`SnapshotError`]; nothing is left then that could be taken for a snapshot.
    pub fn write(
        &mut self,
        place: LedgerPlace<'_>,
        world: &World,
        record: &RecordRef<'_>,
        time: Timestamp,
    ) -> Result<(), SnapshotError> {
        let LedgerPlace { disk, layout, ledger } = place;
        let (sequence, leaf) = (record.sequence, record.digest());
        let head = Head { ledger, kernel: KERNEL_NUMBER, sequence, leaf, time };
        let mut bytes = MAGIC.to_vec();
        let mut part = Vec::new();
        wire::encode(&head, &mut part)?;
        bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
        bytes.append(&mut part);
        bytes.append(&mut world.save()?);
        // A world that is too large is not looked at again before as much log has come.
        (self.last_sequence, self.last_bytes, self.log_bytes) = (sequence, bytes.len() as u64, 0);
        if bytes.len() > SNAPSHOT_BYTES_MAX {
            return Ok(());
        }
        let folder = layout.snapshots();
        disk.create_dir(&folder)?;
        let path = folder.join(format!("{sequence:012}-{}{SNAPSHOT_SUFFIX}", hash::sha256(&bytes)));
        Ok(write_anew(disk, &path, &bytes)?)
    }
}

/// Returns the newest snapshot that a fold may begin at, if the log confirms one.
pub(super) fn newest(
    reader: &Reader<Event>,
    up_to: UpTo,
) -> Result<Option<Folded>, ProjectionError> {
    // No folder is no snapshot; one that cannot be read is none either.
    let names = reader.disk().list(&reader.layout().snapshots()).unwrap_or_default();
    let mut known: Vec<(u64, Digest, String)> = names.into_iter().filter_map(parse_name).collect();
    known.sort();
    while let Some((sequence, digest, name)) = known.pop() {
        let wanted = match up_to {
            UpTo::Sequence(last) => sequence <= last,
            UpTo::End | UpTo::Time(_) => true,
        };
        if !wanted || sequence >= reader.len() {
            continue;
        }
        let Some(folded) = read(reader, sequence, digest, &name)? else { continue };
        // A fold up to a time stops at the first later input, wherever that stands.
        match up_to {
            UpTo::Time(until) if folded.world.latest().is_some_and(|latest| latest > until) => {}
            _ => return Ok(Some(folded)),
        }
    }
    Ok(None)
}

fn parse_name(name: String) -> Option<(u64, Digest, String)> {
    let (sequence, digest) = name.strip_suffix(SNAPSHOT_SUFFIX)?.split_once('-')?;
    Some((sequence.parse().ok()?, Digest::from_str(digest).ok()?, name))
}

/// Reads one snapshot; none unless everything about it is confirmed.
fn read(
    reader: &Reader<Event>,
    sequence: u64,
    digest: Digest,
    name: &str,
) -> Result<Option<Folded>, ProjectionError> {
    let path = reader.layout().snapshots().join(name);
    let bytes = read_whole(&**reader.disk(), &path, SNAPSHOT_BYTES_MAX);
    let Ok(bytes) = bytes else { return Ok(None) };
    if hash::sha256(&bytes) != digest {
        return Ok(None);
    }
    let Some((head, body)) = split(&bytes) else { return Ok(None) };
    let own = head.ledger == reader.identity().ledger && head.kernel == KERNEL_NUMBER;
    if !own || head.sequence != sequence {
        return Ok(None);
    }
    let Some(record) = reader.record(sequence)? else { return Ok(None) };
    let record = RecordRef { sequence, bytes: &record };
    let Ok((_, Entry::Event(Event::StateRoot(said)))) = decode::<Event>(&record) else {
        return Ok(None);
    };
    if record.digest() != head.leaf {
        return Ok(None);
    }
    let Ok(mut world) = World::load(body) else { return Ok(None) };
    if world.state_root() != said {
        return Ok(None);
    }
    // Folds the root as the run did, so that whoever asks what was met finds it.
    world.evolve(&Event::StateRoot(said), sequence, head.time);
    let (records, time) = (sequence + 1, Some(head.time));
    Ok(Some(Folded { world, in_sample: false, records, time }))
}

fn split(bytes: &[u8]) -> Option<(Head, &[u8])> {
    let rest = bytes.strip_prefix(&MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (head, body) = rest.split_at_checked(length)?;
    Some((wire::decode(head).ok()?, body))
}
