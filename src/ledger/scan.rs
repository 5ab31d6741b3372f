//! One whole segment judged: every frame, every fault, and what each fault is.
//!
//! The walk stops at nothing: after damage it searches the next whole frame and goes on, so that
//! all faults and all islands between them are known. Then each damaged range is named:
//!
//! | the damage lies | in a segment that | so it is |
//! |---|---|---|
//! | anywhere | another one follows | corrupt: the seal or the recovery header covers it |
//! | below what a later whole frame proves durable | is the last | corrupt: it was acknowledged |
//! | above all that is proven durable | is the last, at full length | torn: never promised |
//! | where the file ends too early | any | cut: a short file proves its last frame was durable |

use std::io;

pub use super::fault::{Fault, FaultClass};
use super::frame::{FLAG_CLOSE, FLAG_SEAL, FRAME_HEADER_BYTES, FrameRef};
use super::packed::Damage;
use super::segment::{RecoveryNote, SEGMENT_HEADER_BYTES, SegmentHeader};
use super::tail::{dead_digest, is_zero};
use super::walk::{Position, SegmentFile, Step, Stop, Walker};
use crate::hash::Digest;

/// What stands after a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follower {
    /// Nothing: it is the last.
    Nothing,
    /// A segment that continues its end frame.
    Continues,
    /// A segment whose header is a recovery of this one.
    Recovers(RecoveryNote),
    /// The next segment is gone though later ones are there: how this one may end is not known.
    Removed,
}

/// How a segment ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentEnd {
    /// With a SEAL frame.
    Sealed,
    /// With a CLOSE frame.
    Closed,
    /// With nothing but zeroes, or with what a recovery left behind.
    Open,
    /// Not soundly; the faults say how.
    Broken,
}

/// What a scan found.
#[derive(Debug, Clone)]
pub struct SegmentScan {
    /// Where the last frame before any fault ends.
    pub counted: Position,
    /// Where the last whole frame ends, islands after damage included.
    pub last: Position,
    /// How the segment ends.
    pub end: SegmentEnd,
    /// All frames below this number are proven durable by frames of this segment.
    pub durable_below: u64,
    /// Frames that are whole and continue each other, or begin an island after damage.
    pub frames: u64,
    /// What is wrong, in order: at most [`FAULTS_KEPT_MAX`].
    pub faults: Vec<Fault>,
    /// How many more faults there are.
    pub faults_left_out: u64,
}

/// Faults of one segment that are kept one by one.
pub const FAULTS_KEPT_MAX: usize = 1000;

struct Scan<'s> {
    header: &'s SegmentHeader,
    follower: Follower,
    walker: Walker,
    out: SegmentScan,
    /// Expected frame number where each fault begins; decides between torn and corrupt.
    fault_numbers: Vec<u64>,
    /// Where a growing file was looked at for the second time.
    second_look_at: Option<u64>,
    /// What is wrong with a packed file, and where the walk stood when it was met.
    packed: Vec<(Position, Damage)>,
    /// Where the walk stood before its last step.
    stepped_from: Position,
}

/// What a stop beside a living writer asks for.
enum Look {
    /// Read the same place once more.
    Again,
    /// Everything from here on is the writer's work in progress.
    End,
    /// The stop is what it seems.
    Judge,
}

/// Checks one segment from its first frame to its last byte. `visit` sees every whole frame with
/// its link, in order; after a fault, islands are seen too.
///
/// # Errors
/// As the system says: a read error is never taken for the end.
pub fn scan_segment(
    file: &mut SegmentFile,
    header: &SegmentHeader,
    follower: Follower,
    visit: &mut dyn FnMut(&FrameRef<'_>, Digest),
) -> io::Result<SegmentScan> {
    let walker = Walker::new(header);
    let out = SegmentScan {
        counted: walker.position(),
        last: walker.position(),
        end: SegmentEnd::Open,
        durable_below: header.first_frame,
        frames: 0,
        faults: Vec::new(),
        faults_left_out: 0,
    };
    let mut scan = Scan {
        header,
        follower,
        stepped_from: walker.position(),
        walker,
        out,
        fault_numbers: Vec::new(),
        second_look_at: None,
        packed: Vec::new(),
    };
    scan.run(file, visit)?;
    scan.judge(file.len());
    scan.judge_packing(file)?;
    Ok(scan.out)
}

impl Scan<'_> {
    fn run(
        &mut self,
        file: &mut SegmentFile,
        visit: &mut dyn FnMut(&FrameRef<'_>, Digest),
    ) -> io::Result<()> {
        loop {
            let at = self.walker.position();
            self.note_packing(file);
            self.stepped_from = at;
            if let Follower::Recovers(note) = self.follower
                && at.offset >= note.counted_bytes
            {
                return self.check_dead_bytes(file, &note);
            }
            let stop = match self.walker.next(file)? {
                Step::Frame(frame, link) => {
                    self.out.frames += 1;
                    let proves = frame.header.proves_durable_below();
                    self.out.durable_below = self.out.durable_below.max(proves);
                    visit(&frame, link);
                    self.out.last = self.walker.position();
                    if self.out.faults.is_empty() {
                        self.out.counted = self.out.last;
                    }
                    match frame.header.flags & (FLAG_SEAL | FLAG_CLOSE) {
                        0 => continue,
                        FLAG_SEAL => self.out.end = SegmentEnd::Sealed,
                        _ => self.out.end = SegmentEnd::Closed,
                    }
                    return self.check_nothing_follows(file);
                }
                Step::Stop(stop) => stop,
            };
            match self.beside_a_writer(file, &stop)? {
                Look::Again => continue,
                Look::End => return Ok(()),
                Look::Judge => {}
            }
            if !self.go_on_after(file, &stop)? {
                return Ok(());
            }
        }
    }

    /// Beside a living writer a stop may only mean that the bytes were read before they were
    /// written, or that the file was trimmed meanwhile.
    ///
    /// A writer writes frame N whole before it begins N+1. So what looks like damage at N is judged
    /// by a second look, taken after a later frame was seen: if N is whole then, it was not yet
    /// written at the first look, and neither was anything behind it: from there on the writer is
    /// at work, and the next stop is the end of what is judged.
    fn beside_a_writer(&mut self, file: &mut SegmentFile, stop: &Stop) -> io::Result<Look> {
        if !file.is_growing() {
            return Ok(Look::Judge);
        }
        let offset = self.walker.position().offset;
        match self.second_look_at {
            Some(first) if first == offset => {
                self.second_look_at = None;
                return Ok(Look::Judge);
            }
            Some(_) => return Ok(Look::End),
            None => {}
        }
        let trimmed = matches!(stop, Stop::FileEnd | Stop::Cut);
        if !trimmed && self.walker.search(file, offset)?.is_none() {
            return Ok(Look::End);
        }
        self.second_look_at = Some(offset);
        file.refresh()?;
        Ok(Look::Again)
    }

    /// Notes what stopped the walk and finds where it can go on. False when it cannot.
    fn go_on_after(&mut self, file: &mut SegmentFile, stop: &Stop) -> io::Result<bool> {
        let at = self.walker.position();
        let len = file.len();
        match stop {
            Stop::FileEnd | Stop::Cut => {
                self.cut(len);
                return Ok(false);
            }
            Stop::NoHeader(_) if is_zero(file, at.offset)? => {
                self.end_without_end_frame(file);
                return Ok(false);
            }
            Stop::Alien { field, expected, actual, bytes } => {
                let end = len.min(at.offset + *bytes as u64);
                self.fault(FaultClass::Missing, at, end, field, expected, actual);
                // The frame is whole; what follows it may follow it soundly.
                if let Some((offset, header)) = self.walker.search(file, at.offset)? {
                    self.walker.resume(offset, &header);
                    return Ok(true);
                }
            }
            Stop::NoHeader(error) => {
                return self.search_on(file, at, at.offset + 8, &error.to_string());
            }
            Stop::Body { error, header } => {
                // The header is whole, so its length can be believed.
                let next = at.offset + header.frame_bytes() as u64;
                return self.search_on(file, at, next, &error.to_string());
            }
        }
        self.out.end = SegmentEnd::Broken;
        Ok(false)
    }

    fn search_on(
        &mut self,
        file: &mut SegmentFile,
        at: Position,
        from: u64,
        check: &str,
    ) -> io::Result<bool> {
        let found = self.walker.search(file, from)?;
        let end = found.map_or(file.len(), |(offset, _)| offset);
        let next =
            found.map_or("no whole frame".to_owned(), |(_, h)| format!("frame {}", h.number));
        let expected = format!("frame {}", at.number);
        self.fault(FaultClass::Corrupt, at, end, check, &expected, &format!("damage, then {next}"));
        if let Some((offset, header)) = found {
            self.walker.resume(offset, &header);
            return Ok(true);
        }
        self.out.end = SegmentEnd::Broken;
        Ok(false)
    }

    fn cut(&mut self, len: u64) {
        let at = self.walker.position();
        let actual = format!("a file of {len} bytes");
        self.fault(
            FaultClass::Missing,
            at,
            len.max(at.offset),
            "segment end",
            "an end frame",
            &actual,
        );
        self.out.end = SegmentEnd::Broken;
    }

    /// Only zeroes follow: fine in the last segment at full length, and nowhere else.
    fn end_without_end_frame(&mut self, file: &SegmentFile) {
        let at = self.walker.position();
        if file.len() < self.header.file_bytes {
            self.cut(file.len());
        } else if matches!(self.follower, Follower::Nothing | Follower::Removed) {
            self.out.end = SegmentEnd::Open;
        } else {
            let end = at.offset + FRAME_HEADER_BYTES as u64;
            self.fault(FaultClass::Corrupt, at, end, "segment end", "an end frame", "zeroes");
            self.out.end = SegmentEnd::Broken;
        }
    }

    fn check_nothing_follows(&mut self, file: &mut SegmentFile) -> io::Result<()> {
        let at = self.walker.position();
        if !is_zero(file, at.offset)? {
            let end = file.len();
            self.fault(
                FaultClass::Corrupt,
                at,
                end,
                "after the end frame",
                "zeroes",
                "other bytes",
            );
        }
        Ok(())
    }

    fn check_dead_bytes(&mut self, file: &mut SegmentFile, note: &RecoveryNote) -> io::Result<()> {
        let at = self.walker.position();
        if at.offset != note.counted_bytes {
            let (expected, actual) = (note.counted_bytes.to_string(), at.offset.to_string());
            let end = file.len();
            self.fault(FaultClass::Missing, at, end, "counted length", &expected, &actual);
            self.out.end = SegmentEnd::Broken;
            return Ok(());
        }
        if file.len() < self.header.file_bytes {
            self.cut(file.len());
            return Ok(());
        }
        let dead_end = note.counted_bytes.saturating_add(note.dead_bytes);
        let found = dead_digest(file, note.counted_bytes, dead_end)?;
        if dead_end > file.len() || found != note.dead_digest {
            let end = dead_end.min(file.len()).max(at.offset + 1);
            let (expected, actual) = (note.dead_digest.to_string(), found.to_string());
            self.fault(FaultClass::Corrupt, at, end, "dead bytes", &expected, &actual);
        } else if !is_zero(file, dead_end)? {
            let from = Position { offset: dead_end, ..at };
            let end = file.len();
            self.fault(
                FaultClass::Corrupt,
                from,
                end,
                "after the dead bytes",
                "zeroes",
                "other bytes",
            );
        }
        Ok(())
    }

    /// Notes damage of a packed file that the last step met.
    fn note_packing(&mut self, file: &mut SegmentFile) {
        let from = self.stepped_from;
        self.packed.extend(file.take_damage().into_iter().map(|damage| (from, damage)));
    }

    /// Damage of a packed file is a fault whatever the frames say: what was packed was promised.
    fn judge_packing(&mut self, file: &mut SegmentFile) -> io::Result<()> {
        self.note_packing(file);
        self.stepped_from = self.walker.position();
        file.read_the_rest()?;
        self.note_packing(file);
        if file.packed_bytes().is_some() && matches!(self.follower, Follower::Nothing) {
            // Only what another segment follows is ever packed.
            let (at, expected) = (self.walker.position(), "the segment that follows a packed one");
            self.fault(FaultClass::Missing, at, file.len(), "segments", expected, "nothing");
        }
        if self.packed.is_empty() {
            return Ok(());
        }
        for (at, damage) in std::mem::take(&mut self.packed) {
            let Damage { check, start, end, expected, actual } = damage;
            // A block is no frame: what is lost begins with the frame that was being read.
            let offset = if at.offset < end && start < end { at.offset } else { start };
            let at = Position { offset, ..at };
            self.fault(FaultClass::Corrupt, at, end, check, &expected, &actual);
        }
        self.out.faults.sort_by_key(|fault| fault.offset);
        Ok(())
    }

    fn fault(
        &mut self,
        class: FaultClass,
        at: Position,
        end: u64,
        check: &str,
        expected: &str,
        actual: &str,
    ) {
        let fault = Fault {
            class,
            segment: self.header.index,
            offset: at.offset,
            end,
            sequence: at.sequence,
            check: check.to_owned(),
            expected: expected.to_owned(),
            actual: actual.to_owned(),
        };
        if self.out.faults.len() < FAULTS_KEPT_MAX {
            self.fault_numbers.push(at.number);
            self.out.faults.push(fault);
            return;
        }
        // A forged file can hold a fault in every line: they are counted, and the gravest is kept.
        self.out.faults_left_out += 1;
        if let Some(last) = self.out.faults.last_mut().filter(|last| last.class < fault.class) {
            *last = fault;
        }
    }

    /// Damage above everything that was proven durable, in the last segment, is a torn append.
    fn judge(&mut self, len: u64) {
        if !matches!(self.follower, Follower::Nothing | Follower::Removed)
            || len < self.header.file_bytes
            || matches!(self.out.end, SegmentEnd::Sealed | SegmentEnd::Closed)
            || self.out.faults.iter().any(|fault| fault.class == FaultClass::Missing)
        {
            return;
        }
        for (fault, number) in self.out.faults.iter_mut().zip(&self.fault_numbers) {
            if *number >= self.out.durable_below {
                fault.class = FaultClass::TornTail;
            }
        }
    }
}

const _: () = assert!(SEGMENT_HEADER_BYTES.is_multiple_of(8));
