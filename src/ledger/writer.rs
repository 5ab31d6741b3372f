//! The one writer: steps in, frames out, and a promise only after the sync.
//!
//! Invariants: one writer a ledger, kept so by a lock for its life; a step is whole in one frame;
//! in [`SyncMode::Always`] frame N+1 is handed to the disk only after the sync of frame N returned;
//! after a failed write or sync the writer refuses everything, because nobody knows any more what
//! the disk holds; no byte that was written is ever written differently.

use std::collections::{BTreeMap, VecDeque};
use std::marker::PhantomData;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::batch::Batch;
use super::clock::{Host, Machine};
use super::disk::{Disk, DiskFile, RealDisk};
use super::error::{LedgerError, at};
use super::files::{Files, NewSegment};
use super::frame::{
    FLAG_CLOSE, FLAG_ORDERED, FLAG_SEAL, FRAME_ALIGNMENT, FRAME_BYTES_MAX, FRAME_HEADER_BYTES,
    FrameHeader, seed_of,
};
use super::index::{INDEX_STEP_BYTES, Place, SegmentIndex};
use super::segment::{SEGMENT_BYTES_DEFAULT, SEGMENT_HEADER_BYTES, SegmentHeader};
use super::tree::TreeFollower;
use super::walk::Position;
use crate::event::{Payload, SystemEvent};
use crate::hash::Digest;
use crate::merkle::CompactRange;

/// Keys that are remembered: appending one of the last 65,536 again appends nothing.
pub const KEYS_REMEMBERED: usize = 65_536;
/// In [`SyncMode::End`] a frame is written when it would hold more than this.
const FRAME_BYTES_TARGET: usize = 64 << 10;

/// When an append is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncMode {
    /// When it returns: a frame and a sync an append.
    Always,
    /// When [`Writer::sync`] or [`Writer::close`] returns: frames are filled, synced at the end.
    End,
}

/// How a ledger is opened for writing.
#[derive(Clone)]
pub struct WriterOptions {
    /// When an append is durable.
    pub sync: SyncMode,
    /// Length of new segments; at least 1 KiB.
    pub segment_bytes: u64,
    /// The storage.
    pub disk: Arc<dyn Disk>,
    /// The clock and the dice.
    pub host: Arc<dyn Host>,
}

impl Default for WriterOptions {
    /// Durable at every append, 64 MiB segments, the machine's own disk and clock.
    fn default() -> Self {
        Self {
            sync: SyncMode::Always,
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            disk: Arc::new(RealDisk),
            host: Arc::new(Machine),
        }
    }
}

/// The head of a log: how many records, and the RFC 6962 root over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Head {
    /// Records.
    pub size: u64,
    /// Root of the tree over their bytes.
    pub root: Digest,
}

/// What an append did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// The records have these sequences.
    New(Range<u64>),
    /// A record with the step's first key is there already; nothing was appended.
    Existing(u64),
}

/// What an open segment's frames are made with.
pub(super) struct OpenSegment {
    pub(super) header: SegmentHeader,
    pub(super) file: Box<dyn DiskFile>,
    seed: u32,
    places: Vec<Place>,
    keyed_records: u64,
}

impl OpenSegment {
    pub(super) fn new(header: SegmentHeader, file: Box<dyn DiskFile>) -> Self {
        let seed = seed_of(header.salt);
        Self { header, file, seed, places: Vec::new(), keyed_records: 0 }
    }
}

/// The keys of the last keyed records.
#[derive(Default)]
pub(super) struct KeyWindow {
    order: VecDeque<[u8; 16]>,
    sequences: BTreeMap<[u8; 16], u64>,
}

impl KeyWindow {
    pub(super) fn insert(&mut self, key: [u8; 16], sequence: u64) {
        if self.sequences.insert(key, sequence).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > KEYS_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.sequences.remove(&oldest);
        }
    }

    fn find(&self, key: &[u8; 16]) -> Option<u64> {
        self.sequences.get(key).copied()
    }
}

/// Appends to one ledger. See the [module's story](super).
pub struct Writer<P> {
    pub(super) files: Files,
    pub(super) sync_mode: SyncMode,
    pub(super) segment: OpenSegment,
    /// What the next frame must be; `sequence` does not count records that wait in `pending`.
    pub(super) position: Position,
    /// All frames below this number are durable.
    durable_below: u64,
    /// Header space and the records of steps that wait for their frame.
    pending: Vec<u8>,
    pending_count: u32,
    /// How many of them carry a key.
    pending_keyed: u64,
    keys: KeyWindow,
    tree: TreeFollower,
    poisoned: Option<String>,
    last_frame_empty: bool,
    /// Held for the writer's life.
    _lock: Box<dyn Send + Sync>,
    events: PhantomData<fn(P)>,
}

/// What opening hands to the writer.
pub(super) struct Opened {
    pub(super) files: Files,
    pub(super) segment: OpenSegment,
    pub(super) position: Position,
    pub(super) keys: KeyWindow,
    pub(super) tree: CompactRange,
    pub(super) untold: Vec<SystemEvent>,
    pub(super) lock: Box<dyn Send + Sync>,
}

impl<P: Payload> Writer<P> {
    /// Opens the ledger at `path` for writing, or makes a new one. What a crash left is
    /// recovered, and told by a `Recovered` record.
    ///
    /// # Errors
    /// [`LedgerError::Locked`] while another writer lives, [`LedgerError::Damaged`] when promised
    /// bytes are gone, and failures of the machine.
    ///
    /// # Examples
    /// See the [module](super).
    pub fn open(path: &Path, options: &WriterOptions) -> Result<Self, LedgerError> {
        let opened = super::open::open::<P>(path, options)?;
        let tree = TreeFollower::start(opened.tree).map_err(at("start a thread for", path))?;
        let mut writer = Self {
            durable_below: opened.position.number,
            files: opened.files,
            sync_mode: options.sync,
            segment: opened.segment,
            position: opened.position,
            pending: vec![0; FRAME_HEADER_BYTES],
            pending_count: 0,
            pending_keyed: 0,
            keys: opened.keys,
            tree,
            poisoned: None,
            last_frame_empty: true,
            _lock: opened.lock,
            events: PhantomData,
        };
        writer.tell_recoveries(&opened.untold)?;
        Ok(writer)
    }

    /// Appends one step: all its records or none.
    ///
    /// # Errors
    /// Refusals leave the writer as it was. A failed write or sync poisons it.
    pub fn append(&mut self, step: &Batch<P>) -> Result<Appended, LedgerError> {
        self.append_bytes(&step.bytes, step.count, &step.keys)
    }

    /// Appends one step if the next sequence is the one the caller expects.
    ///
    /// # Errors
    /// [`LedgerError::WrongSequence`] otherwise; see [`Writer::append`].
    pub fn append_at(&mut self, expected: u64, step: &Batch<P>) -> Result<Appended, LedgerError> {
        self.check_sequence(expected)?;
        self.append(step)
    }

    /// Makes everything that was appended durable.
    ///
    /// # Errors
    /// A failed write or sync poisons the writer.
    pub fn sync(&mut self) -> Result<(), LedgerError> {
        self.check_alive()?;
        self.flush(0)?;
        self.sync_segment()
    }

    /// Returns the sequence that the next record will have.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.position.sequence + u64::from(self.pending_count)
    }

    /// Returns the link of the last frame that was written.
    #[must_use]
    pub fn chain_head(&self) -> Digest {
        self.position.link
    }

    /// Returns size and root over all appended records, when their leaves are hashed. Frames that
    /// wait are written first.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn head(&mut self) -> Result<Head, LedgerError> {
        self.check_alive()?;
        self.flush(0)?;
        head_of(&self.tree.finished()?)
    }

    /// Makes everything durable, ends the ledger with a CLOSE frame, and returns the head.
    ///
    /// # Errors
    /// As [`Writer::append`]; the ledger is then left unclosed, as after a crash.
    pub fn close(self) -> Result<Head, LedgerError> {
        self.close_with_link().map(|(head, _)| head)
    }

    /// As [`Writer::close`], and returns the link of the CLOSE frame too.
    ///
    /// # Errors
    /// As [`Writer::close`].
    pub fn close_with_link(mut self) -> Result<(Head, Digest), LedgerError> {
        self.sync()?;
        let tree = self.tree.finished()?;
        self.end_segment(FLAG_CLOSE)?;
        self.write_index(&tree);
        // The log is closed and durable; a spare that stays only takes space.
        self.files.drop_spare()?;
        Ok((head_of(&tree)?, self.position.link))
    }

    /// Adds an empty frame that proves the last one, unless it is proven or empty itself.
    pub(super) fn prove_last_frame(&mut self) -> Result<(), LedgerError> {
        self.check_alive()?;
        if self.last_frame_empty || self.pending_count > 0 {
            return Ok(());
        }
        self.write_frame(FLAG_ORDERED, FRAME_HEADER_BYTES)?;
        self.sync_segment()
    }

    pub(super) fn check_sequence(&self, expected: u64) -> Result<(), LedgerError> {
        let actual = self.next_sequence();
        if expected == actual {
            return Ok(());
        }
        Err(LedgerError::WrongSequence { expected, actual })
    }

    pub(super) fn check_alive(&self) -> Result<(), LedgerError> {
        match &self.poisoned {
            None => Ok(()),
            Some(cause) => Err(LedgerError::Poisoned { cause: cause.clone() }),
        }
    }

    /// Appends an encoded step; in [`SyncMode::Always`] writes and syncs it.
    pub(super) fn append_bytes(
        &mut self,
        bytes: &[u8],
        count: u32,
        keys: &[(u32, [u8; 16])],
    ) -> Result<Appended, LedgerError> {
        let appended = self.gather(bytes, count, keys)?;
        if self.sync_mode == SyncMode::Always {
            self.sync()?;
        }
        Ok(appended)
    }

    /// Puts an encoded step into the frame that is being filled, and writes full frames.
    pub(super) fn gather(
        &mut self,
        bytes: &[u8],
        count: u32,
        keys: &[(u32, [u8; 16])],
    ) -> Result<Appended, LedgerError> {
        self.check_alive()?;
        let limit = FRAME_BYTES_MAX - FRAME_HEADER_BYTES - FRAME_ALIGNMENT;
        if bytes.len() > limit {
            return Err(LedgerError::StepTooLong { bytes: bytes.len(), limit });
        }
        if let Some(existing) = self.known_key(keys)? {
            return Ok(Appended::Existing(existing));
        }
        if self.pending_count > 0 && self.pending.len() + bytes.len() > self.frame_bytes_full() {
            self.flush(bytes.len())?;
            if self.sync_mode == SyncMode::Always {
                self.sync_segment()?;
            }
        }
        let first = self.next_sequence();
        for (place, key) in keys {
            self.keys.insert(*key, first + u64::from(*place));
            // Counted for the segment they end up in, which may be the next one.
            self.pending_keyed += 1;
        }
        self.pending.extend_from_slice(bytes);
        self.pending_count += count;
        Ok(Appended::New(first..first + u64::from(count)))
    }

    /// A group of durable appends shares one frame and one sync; else frames stay small enough to
    /// be hashed from the cache.
    fn frame_bytes_full(&self) -> usize {
        match self.sync_mode {
            SyncMode::Always => FRAME_BYTES_MAX - FRAME_ALIGNMENT,
            SyncMode::End => {
                let header = &self.segment.header;
                let room = header.frames_end_max() - SEGMENT_HEADER_BYTES as u64;
                usize::try_from(room).unwrap_or(usize::MAX).min(FRAME_BYTES_TARGET)
            }
        }
    }

    fn known_key(&self, keys: &[(u32, [u8; 16])]) -> Result<Option<u64>, LedgerError> {
        let mut used = keys.iter().map(|(place, key)| (*place, self.keys.find(key)));
        if let Some((_, Some(sequence))) = used.next() {
            return Ok(Some(sequence));
        }
        match used.find_map(|(place, known)| Some((place, known?))) {
            Some((place, sequence)) => {
                Err(LedgerError::KeyReused { index: place as usize, sequence })
            }
            None => Ok(None),
        }
    }

    /// Writes the waiting records as one frame. `following` bytes are about to be appended.
    fn flush(&mut self, following: usize) -> Result<(), LedgerError> {
        if self.pending_count == 0 {
            return Ok(());
        }
        let flags = if self.sync_mode == SyncMode::Always { FLAG_ORDERED } else { 0 };
        let frame_bytes = self.pending.len().next_multiple_of(FRAME_ALIGNMENT);
        self.write_frame(flags, frame_bytes)?;
        self.pending.reserve(following);
        Ok(())
    }

    /// Writes `pending` as a frame, in a new segment where this one has no room.
    fn write_frame(&mut self, flags: u16, frame_bytes: usize) -> Result<(), LedgerError> {
        let end = self.position.offset + frame_bytes as u64;
        if end > self.segment.header.frames_end_max() {
            self.roll(frame_bytes as u64)?;
        }
        let records_bytes = self.pending.len() - FRAME_HEADER_BYTES;
        self.pending.resize(frame_bytes, 0);
        let mut header = self.frame_header(flags, records_bytes, self.pending_count);
        let link = header.encode_over(&mut self.pending, self.segment.seed);
        let written = self.segment.file.write_at(&self.pending, self.position.offset);
        self.poison_on(written, "write")?;
        self.note_place(&header);
        self.segment.keyed_records += std::mem::take(&mut self.pending_keyed);
        self.advance(&header, link);
        self.last_frame_empty = self.pending_count == 0;
        let stored = std::mem::take(&mut self.pending);
        let followed = if self.last_frame_empty {
            Ok(stored)
        } else {
            self.tree.follow(stored, records_bytes)
        };
        self.pending = self.poison_on_error(followed)?;
        self.pending.clear();
        self.pending.resize(FRAME_HEADER_BYTES, 0);
        self.pending_count = 0;
        self.spare_in_time();
        Ok(())
    }

    fn frame_header(&self, flags: u16, records_bytes: usize, count: u32) -> FrameHeader {
        // In `Always` mode the frame before is durable by now; a watermark may lag, not lead.
        let ordered = flags & FLAG_ORDERED != 0;
        debug_assert!(!ordered || self.durable_below == self.position.number);
        FrameHeader {
            body_checksum: 0,
            flags,
            records_bytes: u32::try_from(records_bytes).unwrap_or(u32::MAX),
            number: self.position.number,
            first_sequence: self.position.sequence,
            count,
            epoch: self.segment.header.epoch,
            watermark: self.durable_below,
            commit_time: self.files.host.now(),
            previous: self.position.link,
        }
    }

    fn advance(&mut self, header: &FrameHeader, link: Digest) {
        self.position = Position {
            offset: self.position.offset + header.frame_bytes() as u64,
            number: header.number + 1,
            sequence: header.next_sequence(),
            link,
        };
    }

    fn note_place(&mut self, header: &FrameHeader) {
        let far = |last: &Place| self.position.offset - last.offset >= INDEX_STEP_BYTES;
        if self.segment.places.last().is_none_or(far) {
            self.segment.places.push(Place {
                sequence: header.first_sequence,
                number: header.number,
                offset: self.position.offset,
                previous: header.previous,
            });
        }
    }

    /// Reserves the spare once half the segment is used. No space now is no failure: the roll will
    /// try again and refuse then.
    fn spare_in_time(&mut self) {
        if self.position.offset * 2 > self.segment.header.file_bytes {
            let bytes = self.files.segment_bytes;
            drop(self.files.keep_spare(bytes));
        }
    }

    fn sync_segment(&mut self) -> Result<(), LedgerError> {
        if self.durable_below == self.position.number {
            return Ok(());
        }
        let synced = self.segment.file.sync();
        self.poison_on(synced, "sync")?;
        self.durable_below = self.position.number;
        Ok(())
    }

    /// Goes on in a new segment with room for a frame of `frame_bytes`.
    fn roll(&mut self, frame_bytes: u64) -> Result<(), LedgerError> {
        // The step that needs room is already taken in, so a full disk ends this writer too: what
        // was acknowledged stays, and reopening goes on once there is space.
        let room = self.files.next_bytes(SegmentHeader::file_bytes_for(frame_bytes));
        let file_bytes = self.poison_on_error(room)?;
        self.sync_segment()?;
        let before = self.segment.header;
        let (_, seal_link) = self.end_frame(FLAG_SEAL);
        let header = NewSegment {
            ledger: before.ledger,
            application: before.application,
            index: before.index + 1,
            epoch: before.epoch,
            file_bytes,
            first_sequence: self.position.sequence,
            first_frame: self.position.number + 1,
            previous: seal_link,
            recovery: None,
        }
        .header(&self.files);
        let header = self.poison_on_error(header)?;
        let prepared = self.files.prepare(&header);
        let file = self.poison_on_error(prepared)?;
        // A crash here leaves a spare that continues nothing; the next opening writes over it.
        let tree = self.tree.finished();
        let tree = self.poison_on_error(tree)?;
        self.end_segment(FLAG_SEAL)?;
        self.write_index(&tree);
        // A crash here leaves a SEAL that the spare continues; the next opening renames it.
        let published = self.files.publish(header.index);
        self.poison_on_error(published)?;
        self.segment = OpenSegment::new(header, file);
        self.position = Position { number: header.first_frame, ..Position::start(&header) };
        self.durable_below = header.first_frame;
        Ok(())
    }

    /// Makes the bytes and link of an end frame at the current position.
    fn end_frame(&self, flag: u16) -> ([u8; FRAME_HEADER_BYTES], Digest) {
        let mut stored = [0; FRAME_HEADER_BYTES];
        let mut header = self.frame_header(flag | FLAG_ORDERED, 0, 0);
        // The next segment's header holds this link before the frame is written, so the frame's
        // bytes may depend on nothing that changes in between: its time is the segment's.
        header.commit_time = self.segment.header.created;
        let link = header.encode_over(&mut stored, self.segment.seed);
        (stored, link)
    }

    /// Writes and syncs an end frame, then trims the file to it.
    fn end_segment(&mut self, flag: u16) -> Result<(), LedgerError> {
        let (stored, link) = self.end_frame(flag);
        let written = self.segment.file.write_at(&stored, self.position.offset);
        self.poison_on(written, "write")?;
        self.position.offset += FRAME_HEADER_BYTES as u64;
        self.position.number += 1;
        self.position.link = link;
        self.sync_segment()?;
        // Not synced: a file that stays at full length after its end frame is as good.
        let trimmed = self.segment.file.set_len(self.position.offset);
        self.poison_on(trimmed, "trim")
    }

    /// The index is derived and may be missing: failing to write one is no failure of the log.
    fn write_index(&self, tree: &CompactRange) {
        let header = &self.segment.header;
        let index = SegmentIndex {
            ledger: header.ledger,
            segment: header.index,
            end_link: self.position.link,
            next_sequence: self.position.sequence,
            keyed_records: self.segment.keyed_records,
            frontier: tree.hashes().collect(),
            places: self.segment.places.clone(),
        };
        drop(index.write(&*self.files.disk, &self.files.layout));
    }

    fn tell_recoveries(&mut self, untold: &[SystemEvent]) -> Result<(), LedgerError> {
        if untold.is_empty() {
            return Ok(());
        }
        let mut step: Batch<P> = Batch::new();
        for event in untold {
            let stamp = super::open::recovered_stamp(self.files.host.now());
            step.push_any(event, &stamp)?;
        }
        self.append(&step)?;
        self.sync()
    }

    fn poison_on(
        &mut self,
        done: std::io::Result<()>,
        action: &'static str,
    ) -> Result<(), LedgerError> {
        let path = self.files.layout.segment(self.segment.header.index);
        self.poison_on_error(done.map_err(at(action, &path)))
    }

    fn poison_on_error<T>(&mut self, done: Result<T, LedgerError>) -> Result<T, LedgerError> {
        if let Err(error) = &done {
            self.poisoned = Some(error.to_string());
        }
        done
    }
}

fn head_of(tree: &CompactRange) -> Result<Head, LedgerError> {
    let root = tree.root().ok_or(LedgerError::Stopped)?;
    Ok(Head { size: tree.end(), root })
}
