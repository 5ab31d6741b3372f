//! The one writer: steps in, frames out, and a promise only after the sync.
//!
//! Invariants: one writer a ledger, kept so by a lock for its life; a step is whole in one frame;
//! in [`SyncMode::Always`] frame N+1 is handed to the disk only after the sync of frame N returned;
//! after a failed write or sync the writer refuses everything, because nobody knows any more what
//! the disk holds; no byte that was written is ever written differently.

use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use super::batch::Batch;
use super::disk::DiskFile;
use super::error::{LedgerError, at};
use super::files::Files;
use super::frame::{
    FLAG_CLOSE, FLAG_ORDERED, FRAME_ALIGNMENT, FRAME_BYTES_MAX, FRAME_HEADER_BYTES, FrameHeader,
    seed_of,
};
use super::index::Place;
use super::keys::KeyWindow;
use super::layout::LedgerPlace;
use super::options::{Appended, Head, SyncMode, WriterOptions};
use super::roll::OwedIndex;
use super::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use super::sync::Syncs;
use super::tree::TreeFollower;
use super::walk::Position;
use crate::event::{Payload, SystemEvent};
use crate::hash::Digest;
use crate::merkle::CompactRange;

/// In [`SyncMode::End`] a frame is written once it holds this. BLAKE3 hashes 16 pieces of 1 KiB at
/// a time, so a frame a little above a multiple of 16 KiB is hashed a quarter faster than one a
/// little below.
const FRAME_BYTES_TARGET: usize = 64 << 10;
/// A longer step has its own frame.
const SHARED_STEP_BYTES_MAX: usize = 16 << 10;
/// In [`SyncMode::End`] the system is asked to write out so much at a time. Else it would begin at
/// the sync of the roll, and the writer would stand still for the whole segment.
const WRITE_OUT_BYTES: u64 = 4 << 20;

/// What an open segment's frames are made with.
pub(super) struct OpenSegment {
    pub(super) header: SegmentHeader,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) seed: u32,
    pub(super) places: Vec<Place>,
    pub(super) keyed_records: u64,
    /// Where what the system was asked to write out ends.
    written_out: u64,
}

impl OpenSegment {
    pub(super) fn new(header: SegmentHeader, file: Box<dyn DiskFile>) -> Self {
        let seed = seed_of(header.salt);
        let file = file.into();
        Self { header, file, seed, places: Vec::new(), keyed_records: 0, written_out: 0 }
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
    pub(super) durable_below: u64,
    pub(super) syncs: Syncs,
    /// Header space and the records of steps that wait for their frame.
    pub(super) pending: Vec<u8>,
    pub(super) pending_count: u32,
    /// How many of them carry a key.
    pending_keyed: u64,
    keys: KeyWindow,
    pub(super) tree: TreeFollower,
    /// Of the segment before, until half of this one is used.
    pub(super) owed_index: Option<OwedIndex>,
    poisoned: Option<String>,
    pub(super) last_frame_empty: bool,
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
        Self::start(path, super::open::open(path, options, Some(P::APPLICATION))?, options)
    }

    /// Opens an existing ledger for writing, whatever program wrote it: to close it, or to add
    /// records of the ledger's own.
    ///
    /// # Errors
    /// As [`Writer::open`], but for [`LedgerError::OtherApplication`].
    pub fn open_any(path: &Path, options: &WriterOptions) -> Result<Self, LedgerError> {
        Self::start(path, super::open::open(path, options, None)?, options)
    }

    fn start(path: &Path, opened: Opened, options: &WriterOptions) -> Result<Self, LedgerError> {
        let tree = TreeFollower::start(opened.tree, options.tree_lag_bytes)
            .map_err(at("start a thread for", path))?;
        let mut writer = Self {
            durable_below: opened.position.number,
            syncs: Syncs::default(),
            files: opened.files,
            sync_mode: options.sync,
            segment: opened.segment,
            position: opened.position,
            pending: vec![0; FRAME_HEADER_BYTES],
            pending_count: 0,
            pending_keyed: 0,
            keys: opened.keys,
            tree,
            owed_index: None,
            poisoned: None,
            last_frame_empty: true,
            _lock: opened.lock,
            events: PhantomData,
        };
        writer.tell_recoveries(&opened.untold)?;
        Ok(writer)
    }

    /// Returns where the ledger is.
    #[must_use]
    pub fn place(&self) -> LedgerPlace<'_> {
        let (disk, layout) = (&*self.files.disk, &self.files.layout);
        LedgerPlace { disk, layout, ledger: self.segment.header.ledger }
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
        self.write_owed_index();
        self.end_segment(FLAG_CLOSE)?;
        self.owe_index();
        self.write_owed_index();
        // The log is closed and durable; a spare that cannot be removed only takes space.
        drop(self.files.drop_spare());
        Ok((head_of(&tree)?, self.position.link))
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
        if let Some(existing) = self.keys.known(keys)? {
            return Ok(Appended::Existing(existing));
        }
        if self.pending_count > 0 && self.frame_is_full(bytes.len()) {
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

    /// Is the frame full before a step of `following` bytes? A group of durable appends shares one
    /// frame and one sync; else frames stay small enough to be hashed from the cache.
    fn frame_is_full(&self, following: usize) -> bool {
        let bytes = self.pending.len() + following;
        match self.sync_mode {
            SyncMode::Always => bytes > FRAME_BYTES_MAX - FRAME_ALIGNMENT,
            SyncMode::End => {
                let header = &self.segment.header;
                let room = header.frames_end_max() - SEGMENT_HEADER_BYTES as u64;
                self.pending.len() >= FRAME_BYTES_TARGET
                    || bytes > FRAME_BYTES_TARGET + SHARED_STEP_BYTES_MAX
                    || bytes as u64 > room
            }
        }
    }

    /// Writes the waiting records as one frame. `following` bytes are about to be appended.
    pub(super) fn flush(&mut self, following: usize) -> Result<(), LedgerError> {
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
    pub(super) fn write_frame(
        &mut self,
        flags: u16,
        frame_bytes: usize,
    ) -> Result<(), LedgerError> {
        let end = self.position.offset + frame_bytes as u64;
        if end > self.segment.header.frames_end_max() {
            self.roll(frame_bytes as u64)?;
        }
        let records_bytes = self.pending.len() - FRAME_HEADER_BYTES;
        self.pending.resize(frame_bytes, 0);
        let mut header = self.frame_header(flags, records_bytes, self.pending_count);
        let link = header.encode_over(&mut self.pending, self.segment.seed);
        // All above may run beside the sync of the frame before; nothing below does.
        self.finish_sync()?;
        debug_assert!(flags & FLAG_ORDERED == 0 || self.durable_below == self.position.number);
        let written = self.segment.file.write_at(&self.pending, self.position.offset);
        self.poison_on(written, "write")?;
        self.note_place(&header);
        self.segment.keyed_records += std::mem::take(&mut self.pending_keyed);
        self.advance(&header, link);
        self.write_out_in_time();
        self.last_frame_empty = self.pending_count == 0;
        let stored = std::mem::take(&mut self.pending);
        let followed =
            if self.last_frame_empty { Ok(stored) } else { self.tree.follow(stored, header) };
        self.pending = self.poison_on_error(followed)?;
        self.pending.clear();
        self.pending.resize(FRAME_HEADER_BYTES, 0);
        self.pending_count = 0;
        self.prepare_in_time();
        Ok(())
    }

    fn write_out_in_time(&mut self) {
        let (segment, end) = (&mut self.segment, self.position.offset);
        let bytes = end.saturating_sub(segment.written_out);
        if self.sync_mode == SyncMode::End && bytes >= WRITE_OUT_BYTES {
            segment.file.begin_writing_out(segment.written_out, bytes);
            segment.written_out = end;
        }
    }

    pub(super) fn frame_header(&self, flags: u16, records_bytes: usize, count: u32) -> FrameHeader {
        // An ordered frame is handed to the disk when the frame before is durable: a sync that is
        // on its way now is over by then. Else a watermark may lag, and never lead.
        let ordered = flags & FLAG_ORDERED != 0;
        FrameHeader {
            body_checksum: 0,
            flags,
            records_bytes: u32::try_from(records_bytes).unwrap_or(u32::MAX),
            number: self.position.number,
            first_sequence: self.position.sequence,
            count,
            epoch: self.segment.header.epoch,
            watermark: if ordered { self.position.number } else { self.durable_below },
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

    pub(super) fn poison_on(
        &mut self,
        done: std::io::Result<()>,
        action: &'static str,
    ) -> Result<(), LedgerError> {
        // The path is made for an error only: this is asked for with every append.
        let done = done.map_err(|source| {
            at(action, &self.files.layout.segment(self.segment.header.index))(source)
        });
        self.poison_on_error(done)
    }

    pub(super) fn poison_on_error<T>(
        &mut self,
        done: Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        if let Err(error) = &done {
            self.poisoned = Some(error.to_string());
        }
        done
    }
}

fn head_of(tree: &CompactRange) -> Result<Head, LedgerError> {
    Head::of(tree).ok_or(LedgerError::Stopped)
}
