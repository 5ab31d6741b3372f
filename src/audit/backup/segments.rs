//! Which segments are copied, kept, filled in or refused, one after the other.
//!
//! | the copy of a segment | and the ledger | so |
//! |---|---|---|
//! | has another header | | refuse: two histories |
//! | is followed by another copy | has the same headers | keep it, unread |
//! | is missing, others follow | has it | fill the gap |
//! | is the last, and ends as the next header says | goes on | keep it, and go on |
//! | is the last, and ends on the segment's chain | has more of it | replace it |
//! | is the last, and ends on the segment's chain | has no more | keep it |
//! | is the last, and ends elsewhere | | refuse: two histories, or rolled back |

use super::BackupError;
use super::copy::{Drafted, draft_part, draft_whole};
use super::place::{Held, Place};
use super::source::{Source, Wanted};
use crate::ledger::scan::Fault;
use crate::ledger::segment::SegmentHeader;
use crate::ledger::walk::Position;

/// What was carried over, and what the place holds now.
#[derive(Debug, Default)]
pub(super) struct Carried {
    /// Where the last copy ends; none without segments.
    pub(super) end: Option<Position>,
    /// That it ends with an end frame.
    pub(super) ended: bool,
    /// Segments that the place holds.
    pub(super) segments: u64,
    /// Segments copied whole.
    pub(super) copied: Vec<u64>,
    /// A part was copied.
    pub(super) copied_part: bool,
    /// Bytes of segments written.
    pub(super) bytes: u64,
    /// Records that are there, whole, and were left behind.
    pub(super) unproven: u64,
    /// One past the last record that whole frames behind a fault tell of.
    pub(super) known: u64,
    /// Faults of a copy that is restored from: nothing behind the first was carried over.
    pub(super) faults: Vec<Fault>,
}

/// Carries segments from a source to a place.
pub(super) struct Carrier<'c> {
    source: &'c Source<'c>,
    place: &'c Place<'c>,
    held: Held,
    /// How many of the source's segments there are to carry.
    count: usize,
    out: Carried,
}

impl<'c> Carrier<'c> {
    /// Sees what is on both sides.
    ///
    /// # Errors
    /// A place of another ledger or another history, one that holds more, or is damaged.
    pub(super) fn new(source: &'c Source<'c>, place: &'c Place<'c>) -> Result<Self, BackupError> {
        let held = place.hold(source)?;
        let count = source.headers.len();
        let mut carrier = Self { source, place, held, count, out: Carried::default() };
        carrier.compare()?;
        carrier.leave_out_unproven_segment()?;
        Ok(carrier)
    }

    /// Holds every copy's header against the source's: one that is equal vouches by its link for
    /// all that lies before it.
    fn compare(&self) -> Result<(), BackupError> {
        for (index, header) in &self.held.headers {
            let place = usize::try_from(*index).unwrap_or(usize::MAX);
            match self.source.headers.get(place) {
                Some(same) if same == header => {}
                Some(_) => return Err(self.forked(header, header.first_sequence)),
                // A crash took back the last rename of a roll; the next opening repeats it.
                None if self.source.waiting.as_ref() == Some(header) => {
                    let end = self.place.end_of(header)?;
                    if end != Position::start(header) {
                        return Err(self.rolled_back(header, end.sequence));
                    }
                }
                None => return Err(self.rolled_back(header, header.first_sequence)),
            }
        }
        Ok(())
    }

    /// A new last segment that begins a new epoch and proves nothing yet may vanish in a crash, and
    /// another one come in its place.
    fn leave_out_unproven_segment(&mut self) -> Result<(), BackupError> {
        let Some(place) = self.count.checked_sub(1) else { return Ok(()) };
        let header = &self.source.headers[place];
        let before = place.checked_sub(1).map(|before| &self.source.headers[before]);
        let rolled = before.is_some_and(|before| before.epoch == header.epoch);
        let is_known = self.held.headers.contains_key(&header.index);
        if is_known || rolled || self.source.wanted == Wanted::Whole {
            return Ok(());
        }
        let part = self.source.part(place, Position::start(header))?;
        if part.below == header.first_frame {
            self.out.unproven += part.whole.sequence - header.first_sequence;
            self.count = place;
        }
        Ok(())
    }

    /// Carries everything over.
    ///
    /// # Errors
    /// [`BackupError`]; what was carried over before the error stays.
    pub(super) fn carry(mut self) -> Result<Carried, BackupError> {
        let Some(first) = self.source.headers.first().filter(|_| self.count > 0) else {
            return Ok(self.out);
        };
        if self.held.headers.is_empty() {
            self.place.begin(first)?;
            self.held.headers.insert(0, *first);
        }
        let last_held = self.held.headers.keys().next_back().copied().unwrap_or(0);
        for place in 0..self.count {
            let index = place as u64;
            if index < last_held {
                self.fill_gap(place)?;
                continue;
            }
            let header = &self.source.headers[place];
            let old = if index == last_held {
                self.place.end_of(header)?
            } else {
                Position::start(header)
            };
            if place + 1 < self.count && self.whole(place, old)? {
                continue;
            }
            self.part(place, old)?;
            break;
        }
        if self.out.end.is_none()
            && let Some(last) = self.held.headers.get(&last_held)
        {
            self.out.end = Some(self.place.end_of(last)?);
        }
        self.out.segments = self.held.headers.len() as u64;
        Ok(self.out)
    }

    /// Makes a copy that is gone from among others anew.
    fn fill_gap(&mut self, place: usize) -> Result<(), BackupError> {
        let header = &self.source.headers[place];
        if self.held.headers.contains_key(&header.index) {
            return Ok(());
        }
        if place + 1 >= self.source.headers.len() {
            return Err(self.rolled_back(header, header.first_sequence));
        }
        let drafted = draft_whole(self.source, self.place, place, Position::start(header))?;
        self.place.fill_gap(header.index)?;
        self.held.headers.insert(header.index, *header);
        self.out.copied.push(header.index);
        self.out.bytes += drafted.bytes;
        Ok(())
    }

    /// Carries over a segment that another follows, and that one's header; `old` is where the copy
    /// ends so far. False where it is damaged, and what lies before the damage is to be restored.
    fn whole(&mut self, place: usize, old: Position) -> Result<bool, BackupError> {
        let (header, next) = (&self.source.headers[place], &self.source.headers[place + 1]);
        let follows = (next.previous, next.first_frame, next.first_sequence)
            == (old.link, old.number, old.sequence);
        let is_whole = match &next.recovery {
            None => follows,
            Some(note) => follows && note.dead_bytes == 0 && note.counted_bytes == old.offset,
        };
        if is_whole {
            let ready = self.held.next.as_ref() == Some(next) && self.place.is_next_ready(next)?;
            if !ready {
                self.place.prepare_next(next)?;
            }
        } else {
            let drafted = match draft_whole(self.source, self.place, place, old) {
                Ok(drafted) => drafted,
                Err(error) if self.source.wanted == Wanted::Whole => {
                    self.out.faults.push(error.source_fault()?);
                    return Ok(false);
                }
                Err(error) => return Err(error),
            };
            self.check_continues(header, old, &drafted)?;
            self.place.prepare_next(next)?;
            self.place.replace(header.index)?;
            self.out.copied.push(header.index);
            self.out.bytes += drafted.bytes;
        }
        self.place.publish_next(next.index)?;
        self.held.next = None;
        self.held.headers.insert(next.index, *next);
        self.out.end = Some(Position::start(next));
        Ok(true)
    }

    /// Carries over what may be taken of the last segment; `old` is where the copy ends so far.
    fn part(&mut self, place: usize, old: Position) -> Result<(), BackupError> {
        let header = &self.source.headers[place];
        let part = self.source.part(place, old)?;
        if !part.seen {
            return Err(if old.number > part.whole.number {
                self.rolled_back(header, old.sequence)
            } else {
                self.forked(header, part.whole.sequence.min(old.sequence))
            });
        }
        let mut end = old;
        if part.below > old.number {
            let drafted = draft_part(self.source, self.place, place, part.below, part.ended)?;
            self.place.replace(header.index)?;
            end = drafted.end;
            if part.ended {
                self.out.copied.push(header.index);
            } else {
                self.out.copied_part = true;
            }
            self.out.bytes += drafted.bytes;
        }
        self.out.ended = part.ended && end == part.whole;
        self.out.unproven += part.whole.sequence.saturating_sub(end.sequence);
        self.out.end = Some(end);
        self.out.known = part.known;
        if self.out.faults.is_empty() {
            self.out.faults.extend(part.faults);
        }
        Ok(())
    }

    fn check_continues(
        &self,
        header: &SegmentHeader,
        old: Position,
        drafted: &Drafted,
    ) -> Result<(), BackupError> {
        if drafted.seen {
            return Ok(());
        }
        Err(self.forked(header, drafted.end.sequence.min(old.sequence)))
    }

    fn forked(&self, header: &SegmentHeader, sequence: u64) -> BackupError {
        let (ledger, copy) = self.both();
        BackupError::Forked { ledger, copy, segment: header.index, sequence }
    }

    fn rolled_back(&self, header: &SegmentHeader, sequence: u64) -> BackupError {
        let (ledger, copy) = self.both();
        BackupError::RolledBack { ledger, copy, segment: header.index, sequence }
    }

    fn both(&self) -> (std::path::PathBuf, std::path::PathBuf) {
        (self.source.layout.root().to_owned(), self.place.layout().root().to_owned())
    }
}
