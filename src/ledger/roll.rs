//! From one segment to the next: the spare kept ready, the end frame, the index beside it.
//!
//! The order of the durable steps is the point: the next header lies ready under the spare's name
//! before the SEAL is written, the SEAL is durable before the file is trimmed and before the spare
//! gets its name in the log. So a SEAL that nothing continues means that a segment was removed.

use crossbeam_channel::Receiver;

use super::error::LedgerError;
use super::files::NewSegment;
use super::frame::{FLAG_ORDERED, FLAG_SEAL, FRAME_HEADER_BYTES, FrameHeader};
use super::index::{INDEX_STEP_BYTES, Place, SegmentIndex};
use super::segment::SegmentHeader;
use super::walk::Position;
use super::writer::{OpenSegment, Writer};
use crate::event::Payload;
use crate::hash::Digest;
use crate::merkle::CompactRange;

impl<P: Payload> Writer<P> {
    pub(super) fn note_place(&mut self, header: &FrameHeader) {
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

    /// Once half the segment is used: writes the index of the one before and reserves the spare. No
    /// space now is no failure: the roll will try again and refuse then.
    pub(super) fn prepare_in_time(&mut self) {
        if self.position.offset * 2 > self.segment.header.file_bytes {
            self.write_owed_index();
            let bytes = self.files.segment_bytes;
            drop(self.files.keep_spare(bytes));
        }
    }

    /// Goes on in a new segment with room for a frame of `frame_bytes`.
    pub(super) fn roll(&mut self, frame_bytes: u64) -> Result<(), LedgerError> {
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
        self.write_owed_index();
        self.end_segment(FLAG_SEAL)?;
        self.owe_index();
        // A crash here leaves a SEAL that the spare continues; the next opening renames it.
        let published = self.files.publish(header.index);
        self.poison_on_error(published)?;
        self.segment = OpenSegment::new(header, file);
        self.position = Position::start(&header);
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
    pub(super) fn end_segment(&mut self, flag: u16) -> Result<(), LedgerError> {
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

    /// Notes what the index of the segment that just ended needs. Its tree is finished behind the
    /// writer, which would else stand still until all leaves of the segment are hashed.
    pub(super) fn owe_index(&mut self) {
        let header = &self.segment.header;
        let index = SegmentIndex {
            ledger: header.ledger,
            segment: header.index,
            end_link: self.position.link,
            next_sequence: self.position.sequence,
            keyed_records: self.segment.keyed_records,
            frontier: Vec::new(),
            places: std::mem::take(&mut self.segment.places),
        };
        self.owed_index = self.tree.ask().ok().map(|tree| OwedIndex { index, tree });
    }

    /// Writes the index that is owed. It is derived and may be missing: failing to write one is no
    /// failure of the log.
    pub(super) fn write_owed_index(&mut self) {
        let Some(OwedIndex { mut index, tree }) = self.owed_index.take() else { return };
        if let Ok(tree) = tree.recv() {
            index.frontier = tree.hashes().collect();
            drop(index.write(&*self.files.disk, &self.files.layout));
        }
    }
}

/// The index of an ended segment, but for the tree that is still being finished.
pub(super) struct OwedIndex {
    index: SegmentIndex,
    tree: Receiver<CompactRange>,
}
