//! Reading from any sequence, every link checked on the way.
//!
//! A reader takes no lock and changes nothing. Beside a living writer it sees only frames that a
//! later one proves durable; without a writer it sees every whole frame and says how many records
//! lie above the last proof. Sealed segments are mapped and read in place; the last one is read.
//! Errors never look like the end of the log.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use super::disk::{Disk, RealDisk};
use super::error::{LedgerError, at, damage_among, what_stopped};
use super::frame::{FLAG_CLOSE, FrameRef};
use super::index::SegmentIndex;
use super::layout::{Identity, Layout, Listing};
use super::open::check_identity;
use super::recovery::{continues, missing, sound_headers};
use super::scan::{Follower, SegmentEnd, scan_segment};
use super::segment::SegmentHeader;
use super::walk::{Position, SegmentFile, Step, Walker, trimmed_end};
use crate::event::{ApplicationId, Envelope, Payload, RecordError, RecordRef, SystemEvent, record};

/// How a ledger ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerEnd {
    /// With a CLOSE frame: its writer finished.
    Closed,
    /// Without: its writer died, or it never began.
    Open,
    /// A writer is at work.
    Live,
}

/// An event as its kind tells: the ledger's own, or the program's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry<P> {
    /// The ledger's own.
    System(SystemEvent),
    /// The program's.
    Event(P),
}

/// Reads a record's envelope and event.
///
/// # Errors
/// [`RecordError`] when the bytes are none of this program's.
pub fn decode<P: Payload>(record: &RecordRef<'_>) -> Result<(Envelope, Entry<P>), RecordError> {
    let (envelope, payload) = record.envelope()?;
    let (kind, schema) = (envelope.kind, envelope.schema);
    let entry = if kind < record::FIRST_APPLICATION_KIND {
        Entry::System(SystemEvent::decode_payload(kind, schema, payload)?)
    } else {
        Entry::Event(P::decode_payload(kind, schema, payload)?)
    };
    Ok((envelope, entry))
}

/// A ledger, open for reading as it was at that moment.
pub struct Reader<P> {
    disk: Arc<dyn Disk>,
    layout: Layout,
    identity: Identity,
    headers: Vec<SegmentHeader>,
    listing: Listing,
    /// After the last frame that is shown.
    visible: Position,
    /// Sequence after the last record that is proven durable.
    proven_sequence: u64,
    end: LedgerEnd,
    events: PhantomData<fn() -> P>,
}

impl<P: Payload> Reader<P> {
    /// Opens the ledger at `path` on the machine's own disk.
    ///
    /// # Errors
    /// [`LedgerError::NotALedger`], [`LedgerError::OtherApplication`], damage of headers or of the
    /// last segment, and failures of the machine.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        Self::open_on(Arc::new(RealDisk), path)
    }

    /// Opens the ledger at `path` on a given disk.
    ///
    /// # Errors
    /// See [`Reader::open`].
    pub fn open_on(disk: Arc<dyn Disk>, path: &Path) -> Result<Self, LedgerError> {
        Self::open_for(disk, path, Some(P::APPLICATION))
    }

    /// Opens the ledger at `path` whatever program wrote it: its records can be walked and named,
    /// though `P` may know none of them.
    ///
    /// # Errors
    /// See [`Reader::open`], but for [`LedgerError::OtherApplication`].
    pub fn open_any(disk: Arc<dyn Disk>, path: &Path) -> Result<Self, LedgerError> {
        Self::open_for(disk, path, None)
    }

    fn open_for(
        disk: Arc<dyn Disk>,
        path: &Path,
        application: Option<ApplicationId>,
    ) -> Result<Self, LedgerError> {
        let layout = Layout::new(path);
        // Asked first: a writer that starts later only adds what this reader does not look at.
        let live = disk.is_locked(&layout.lock()).map_err(at("ask for", &layout.lock()))?;
        let listing = Listing::read(&*disk, &layout)?;
        let identity = check_identity(&layout, &listing, application)?;
        let headers = sound_headers(&layout, &listing)?;
        let mut reader = Self {
            disk,
            layout,
            identity,
            visible: Position::ORIGIN,
            proven_sequence: 0,
            end: if live { LedgerEnd::Live } else { LedgerEnd::Open },
            headers,
            listing,
            events: PhantomData,
        };
        reader.find_end(live)?;
        Ok(reader)
    }

    /// Number of records that this reader shows.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.visible.sequence
    }

    /// True when it shows none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of the shown records no later frame proves durable yet.
    #[must_use]
    pub fn unproven(&self) -> u64 {
        self.visible.sequence - self.proven_sequence
    }

    /// How many of the shown records are proven durable: what may be signed.
    #[must_use]
    pub fn proven(&self) -> u64 {
        self.proven_sequence
    }

    /// How the ledger ends.
    #[must_use]
    pub fn end(&self) -> LedgerEnd {
        self.end
    }

    /// Link of the last frame that is shown.
    #[must_use]
    pub fn chain_head(&self) -> crate::hash::Digest {
        self.visible.link
    }

    /// What the ledger's files are called and who wrote them.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Where the ledger's files are.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The storage they are on.
    #[must_use]
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Headers of the segments, in order.
    #[must_use]
    pub fn segments(&self) -> &[SegmentHeader] {
        &self.headers
    }

    /// Starts reading at a sequence (or at the end, if that is later).
    ///
    /// # Errors
    /// Failures of the machine.
    pub fn cursor(&self, from: u64) -> Result<Cursor<'_, P>, LedgerError> {
        let after = self.headers.partition_point(|header| header.first_sequence <= from);
        // Several segments can begin at one sequence, all but the last of them without records.
        let place = after.saturating_sub(1);
        let open = match self.headers.get(place) {
            Some(header) => Some(self.open_segment(place, header, from)?),
            None => None,
        };
        Ok(Cursor { reader: self, place, open, from })
    }

    /// Calls `take` with every record from `from` on, in order.
    ///
    /// # Errors
    /// Damage, failures of the machine, and what `take` returns.
    pub fn for_each<E: From<LedgerError>>(
        &self,
        from: u64,
        mut take: impl FnMut(RecordRef<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut cursor = self.cursor(from)?;
        while let Some(frame) = cursor.next_frame()? {
            for record in frame.records().filter(|record| record.sequence >= from) {
                take(record)?;
            }
        }
        Ok(())
    }

    /// Returns one record's bytes, or `None` past the end.
    ///
    /// # Errors
    /// Damage and failures of the machine.
    pub fn record(&self, sequence: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        let mut cursor = self.cursor(sequence)?;
        while let Some(frame) = cursor.next_frame()? {
            let found = frame.records().find(|record| record.sequence == sequence);
            if let Some(record) = found {
                return Ok(Some(record.bytes.to_vec()));
            }
        }
        Ok(None)
    }

    fn find_end(&mut self, live: bool) -> Result<(), LedgerError> {
        let Some(header) = self.headers.last() else { return Ok(()) };
        let path = self.layout.segment(header.index);
        let mut file = SegmentFile::open(&*self.disk, &path, live).map_err(at("open", &path))?;
        let closed = trimmed_end(&mut file, header, FLAG_CLOSE).map_err(at("read", &path))?;
        if let Some(end) = closed.filter(|_| !live) {
            self.visible = end;
            self.proven_sequence = end.sequence;
            self.end = LedgerEnd::Closed;
            return Ok(());
        }
        let mut proven = Position::start(header);
        let mut waiting = VecDeque::new();
        let scan = scan_segment(&mut file, header, Follower::Nothing, &mut |frame, link| {
            waiting.push_back(Position::after(frame, link));
            let below = frame.header.proves_durable_below();
            while waiting.front().is_some_and(|after: &Position| after.number <= below) {
                proven = waiting.pop_front().unwrap_or(proven);
            }
        })
        .map_err(at("read", &path))?;
        if live {
            self.visible = proven;
        } else {
            if let Some(damage) = damage_among(&scan.faults) {
                return Err(damage);
            }
            self.visible = scan.counted;
            self.end = match scan.end {
                SegmentEnd::Closed => LedgerEnd::Closed,
                SegmentEnd::Sealed => self.end_after_seal(&scan.counted)?,
                SegmentEnd::Open | SegmentEnd::Broken => LedgerEnd::Open,
            };
        }
        let ended = matches!(scan.end, SegmentEnd::Sealed | SegmentEnd::Closed);
        self.proven_sequence = if ended { self.visible.sequence } else { proven.sequence };
        Ok(())
    }

    /// A SEAL needs a continuation, if only one that waits under the spare's name.
    fn end_after_seal(&self, sealed: &Position) -> Result<LedgerEnd, LedgerError> {
        let index = self.headers.len() as u64;
        let waits = self.listing.spare.zip(self.headers.last());
        if waits.is_some_and(|(spare, last)| continues(&spare, last, sealed)) {
            return Ok(LedgerEnd::Open);
        }
        let expected = "the segment that continues the seal";
        Err(missing(index, sealed.sequence, expected, "nothing"))
    }

    fn open_segment(
        &self,
        place: usize,
        header: &SegmentHeader,
        from: u64,
    ) -> Result<OpenPart, LedgerError> {
        let last = place + 1 == self.headers.len();
        let growing = last && self.end == LedgerEnd::Live;
        let path = self.layout.segment(header.index);
        let mut file = SegmentFile::open(&*self.disk, &path, growing).map_err(at("open", &path))?;
        let mut walker = Walker::new(header);
        if from > header.first_sequence
            && let Some(position) = self.indexed_position(header, from)
        {
            // The index is only believed if a sound frame is really there.
            let mut there = Walker::at(header, position);
            if matches!(there.next(&mut file), Ok(Step::Frame(..))) {
                walker = Walker::at(header, position);
            }
        }
        Ok(OpenPart { file, walker })
    }

    fn indexed_position(&self, header: &SegmentHeader, from: u64) -> Option<Position> {
        let ledger = self.identity.ledger;
        let index = SegmentIndex::read(&*self.disk, &self.layout, ledger, header.index)?;
        index.place_before(from).map(Position::from)
    }
}

struct OpenPart {
    file: SegmentFile,
    walker: Walker,
}

/// Goes through the frames of a ledger in order.
pub struct Cursor<'r, P> {
    reader: &'r Reader<P>,
    place: usize,
    open: Option<OpenPart>,
    pub(super) from: u64,
}

impl<P: Payload> Cursor<'_, P> {
    /// Returns the next frame that holds a record at or after the sequence asked for, checked, or
    /// `None` at the end. The first one may hold earlier records too.
    ///
    /// # Errors
    /// Damage and failures of the machine. After an error the cursor is at its end.
    pub fn next_frame(&mut self) -> Result<Option<FrameRef<'_>>, LedgerError> {
        let found = self.find_frame();
        if !matches!(found, Ok(Some(_))) {
            self.place = self.reader.headers.len();
            let error = found.err();
            self.open = None;
            return error.map_or(Ok(None), Err);
        }
        let (Ok(Some((header, offset))), Some(part)) = (found, &mut self.open) else {
            return Ok(None);
        };
        let path = self.reader.layout.segment(self.place as u64);
        let stored = part.file.get(offset, header.frame_bytes()).map_err(at("read", &path))?;
        Ok(Some(FrameRef { header, offset, stored }))
    }

    fn find_frame(&mut self) -> Result<Option<(super::frame::FrameHeader, u64)>, LedgerError> {
        loop {
            let Some(part) = &mut self.open else { return Ok(None) };
            let path = self.reader.layout.segment(self.place as u64);
            let at_now = part.walker.position();
            let is_last = self.place + 1 == self.reader.headers.len();
            if is_last && at_now.number >= self.reader.visible.number {
                return self.ends_at(&at_now);
            }
            let follower = self.reader.listing.follower(self.place);
            let recovered =
                matches!(follower, Follower::Recovers(note) if at_now.offset >= note.counted_bytes);
            if recovered {
                self.next_segment()?;
                continue;
            }
            match part.walker.next(&mut part.file).map_err(at("read", &path))? {
                Step::Frame(frame, _) => {
                    let (header, offset) = (frame.header, frame.offset);
                    if header.is_end() && is_last {
                        let end = part.walker.position();
                        return self.ends_at(&end);
                    } else if header.is_end() {
                        self.next_segment()?;
                    } else if header.next_sequence() > self.from {
                        return Ok(Some((header, offset)));
                    }
                }
                Step::Stop(_) => return Err(self.damage()),
            }
        }
    }

    /// Opening may have read the end off the last frame alone: a forged one shows here. Only who
    /// asks for what comes after that end may stand behind it already.
    fn ends_at<T>(&self, end: &Position) -> Result<Option<T>, LedgerError> {
        let visible = &self.reader.visible;
        let is_it = (end.number, end.sequence, end.link)
            == (visible.number, visible.sequence, visible.link);
        let is_behind = end.number > visible.number && self.from >= visible.sequence;
        if is_it || is_behind { Ok(None) } else { Err(self.damage()) }
    }

    /// Names the damage that stopped the walk.
    fn damage(&self) -> LedgerError {
        let header = &self.reader.headers[self.place];
        let path = self.reader.layout.segment(header.index);
        let follower = self.reader.listing.follower(self.place);
        what_stopped(&*self.reader.disk, &path, header, follower)
    }

    fn next_segment(&mut self) -> Result<(), LedgerError> {
        let end = self.open.as_ref().map(|part| part.walker.position());
        self.place += 1;
        self.open = None;
        let (Some(end), Some(header)) = (end, self.reader.headers.get(self.place)) else {
            return Ok(());
        };
        let numbers = (header.first_frame, header.first_sequence);
        if header.previous != end.link || numbers != (end.number, end.sequence) {
            let expected = format!("a segment that continues {}", end.link);
            let actual = format!("one that continues {}", header.previous);
            return Err(missing(header.index, end.sequence, &expected, &actual));
        }
        self.open = Some(self.reader.open_segment(self.place, header, self.from)?);
        Ok(())
    }
}
