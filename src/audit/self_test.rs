//! An audit of the audit: each kind of fault planted in a scratch copy, and found or not.
//!
//! The copy is signed with a key that is thrown away, so that a history chained anew has something
//! to contradict. Each fault is planted alone, and what it changed is put back before the next one.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::report::Level;
use super::{AuditError, VerifyOptions, verify};
use crate::checkpoint::{KeyFile, KeyKind, SignError, SigningKey, newest_note, sign_head};
use crate::event::{Event, encode_record};
use crate::hash::{self, Digest};
use crate::ledger::clock::Machine;
use crate::ledger::disk::{Disk, Readers, read_whole, write_whole};
use crate::ledger::frame::{FRAME_ALIGNMENT, FRAME_HEADER_BYTES, FrameHeader, FrameRef, seed_of};
use crate::ledger::layout::{Layout, Listed, Listing};
use crate::ledger::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::ledger::walk::SegmentFile;
use crate::ledger::{Entry, LedgerError, WriterOptions, at, decode};
use crate::units::MoneyExact;

/// Bytes of the longest ledger that is tested on.
pub const SELF_TEST_BYTES_MAX: u64 = 1 << 30;
/// The kind of a frame's first record.
const ANCHOR_KIND: Range<usize> = FRAME_HEADER_BYTES + 2..FRAME_HEADER_BYTES + 4;
/// The link in an anchor that is a frame's first record: behind prefix, envelope and frame number.
const ANCHOR_LINK: Range<usize> = FRAME_HEADER_BYTES + 50..FRAME_HEADER_BYTES + 82;

/// One fault that was planted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Planted {
    /// What was done.
    pub fault: &'static str,
    /// The exit codes that are right for it.
    pub expected: Vec<u8>,
    /// The exit code that came out.
    pub found: u8,
}

impl Planted {
    /// Was it found, and called what it is?
    #[must_use]
    pub fn is_found(&self) -> bool {
        self.expected.contains(&self.found)
    }
}

/// Why no test could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelfTestError {
    /// The audit itself failed.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The copy could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The ledger is not sound, so nothing can be planted in it.
    #[error("the ledger exits with {code} as it is; a test needs one that is intact")]
    NotIntact {
        /// What it exits with.
        code: u8,
    },
    /// The copy is held in memory, so a long ledger is refused.
    #[error("the ledger has {bytes} bytes; a self-test takes at most {SELF_TEST_BYTES_MAX}")]
    TooLong {
        /// Bytes of its segments.
        bytes: u64,
    },
    /// The ledger has no record to change.
    #[error("the ledger has no records; a test needs some")]
    Empty,
}

impl From<LedgerError> for SelfTestError {
    fn from(error: LedgerError) -> Self {
        Self::Audit(error.into())
    }
}

/// Plants each kind of fault in a copy of the ledger below `scratch`, an empty directory, and says
/// what came out.
///
/// # Errors
/// [`SelfTestError`].
pub fn self_test(
    ledger: &Path,
    scratch: &Path,
    options: &VerifyOptions,
) -> Result<Vec<Planted>, SelfTestError> {
    let test = Test { disk: Arc::clone(&options.disk), options, ledger: scratch.join("ledger") };
    let listing = Listing::read(&*test.disk, &Layout::new(ledger))?;
    let lengths = listing.segments.iter().map(|segment| segment.bytes);
    let bytes = lengths.fold(0, u64::saturating_add);
    if bytes > SELF_TEST_BYTES_MAX {
        return Err(SelfTestError::TooLong { bytes });
    }
    let code = test.audit_of(ledger, None)?;
    if code != 0 {
        return Err(SelfTestError::NotIntact { code });
    }
    test.copy(ledger)?;
    let unsigned = Segments::read(&test)?;
    let mut results = test.unsigned_faults(&unsigned)?;
    // A log keeps its name, also when it is rolled back to before this key's first anchor.
    let signed = newest_note(&*test.disk, &Layout::new(ledger))?;
    let name = signed.map_or("self-test.invalid".to_owned(), |n| n.checkpoint().origin.clone());
    let key = SigningKey::generate(&name, KeyKind::Log, &Machine)?;
    let key = KeyFile::create(Arc::clone(&test.disk), &scratch.join("key"), key)?;
    let writer = WriterOptions { disk: Arc::clone(&test.disk), ..WriterOptions::default() };
    sign_head::<Event>(&test.ledger, &key, &writer)?;
    results.extend(test.signed_faults(&Segments::read(&test)?)?);
    Ok(results)
}

struct Test<'o> {
    disk: Arc<dyn Disk>,
    options: &'o VerifyOptions,
    ledger: PathBuf,
}

impl Test<'_> {
    fn audit_of(&self, ledger: &Path, level: Option<Level>) -> Result<u8, AuditError> {
        let options = VerifyOptions {
            level,
            threads: self.options.threads,
            disk: Arc::clone(&self.disk),
            keys: self.options.keys.clone(),
            ..VerifyOptions::default()
        };
        Ok(verify(ledger, &options)?.exit_code())
    }

    /// Copies what is true of a ledger; derived files are made again.
    fn copy(&self, from: &Path) -> Result<(), LedgerError> {
        let (from, to) = (Layout::new(from), Layout::new(&self.ledger));
        self.disk.create_dir(&to.segments()).map_err(at("create", &to.segments()))?;
        let listing = Listing::read(&*self.disk, &from)?;
        for Listed { index, bytes, .. } in &listing.segments {
            let (from, to) = (from.segment(*index), to.segment(*index));
            // A packed one is planted in as it was written.
            let mut file =
                SegmentFile::open(&*self.disk, &from, false).map_err(at("open", &from))?;
            let bytes = usize::try_from(*bytes).unwrap_or(usize::MAX);
            self.write(&to, file.get(0, bytes).map_err(at("read", &from))?)?;
        }
        self.write(&to.identity(), &self.read(&from.identity())?)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, LedgerError> {
        read_whole(&*self.disk, path, SELF_TEST_BYTES_MAX as usize).map_err(at("read", path))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), LedgerError> {
        write_whole(&*self.disk, path, bytes, Readers::Usual).map_err(at("write", path))
    }

    /// Puts changed segments in place, audits, and puts the old ones back.
    fn plant(
        &self,
        fault: &'static str,
        expected: &[u8],
        segments: &Segments,
        change: impl FnOnce(&mut Segments),
    ) -> Result<Planted, SelfTestError> {
        let mut changed = segments.clone();
        change(&mut changed);
        self.put(segments, &changed)?;
        let found = self.audit_of(&self.ledger, None)?;
        self.put(&changed, segments)?;
        Ok(Planted { fault, expected: expected.to_vec(), found })
    }

    fn put(&self, old: &Segments, new: &Segments) -> Result<(), LedgerError> {
        let layout = Layout::new(&self.ledger);
        for (place, (old, new)) in (0..).zip(old.bytes.iter().zip(&new.bytes)) {
            let path = layout.segment(place);
            match new {
                Some(bytes) if old.as_ref() != Some(bytes) => self.write(&path, bytes)?,
                Some(_) => {}
                None => self.disk.remove(&path).map_err(at("remove", &path))?,
            }
        }
        Ok(())
    }

    fn unsigned_faults(&self, sound: &Segments) -> Result<Vec<Planted>, SelfTestError> {
        let middle = sound.record_places().nth(sound.records() / 2).ok_or(SelfTestError::Empty)?;
        let last = sound.bytes.len() - 1;
        let mut done = vec![
            self.plant("a bit of a record flipped", &[11], sound, |s| s.flip(middle, 8))?,
            self.plant("a segment cut in its middle", &[12], sound, |s| s.cut(last))?,
            self.plant("a segment removed", &[12], sound, |s| s.bytes[0] = None)?,
            self.plant("another ledger's segment in place of one", &[12], sound, |s| {
                s.alter_header(0, 32);
            })?,
            self.plant("a segment of a future version", &[2], sound, |s| s.alter_header(0, 12))?,
        ];
        let derived = [
            ("a decision altered and everything chained anew", vec![17], Kind::Decision),
            ("a trade's profit altered and everything chained anew", vec![17], Kind::Trade),
            ("a state root altered and everything chained anew", vec![16, 17], Kind::StateRoot),
        ];
        for (fault, expected, kind) in derived {
            if let Some(place) = sound.record_places().find(|place| sound.is_of(place, kind)) {
                done.push(self.plant(fault, &expected, sound, |s| {
                    s.alter_event(place);
                    s.rechain();
                })?);
            }
        }
        Ok(done)
    }

    fn signed_faults(&self, sound: &Segments) -> Result<Vec<Planted>, SelfTestError> {
        let first = sound.record_places().next().ok_or(SelfTestError::Empty)?;
        let last = sound.bytes.len() - 1;
        let mut done = vec![
            self.plant("a signed record altered and everything chained anew", &[13], sound, |s| {
                s.flip(first, 8);
                s.rechain();
            })?,
            self.plant("a signed frame's time altered and chained anew", &[13], sound, |s| {
                s.flip(Place { offset: SEGMENT_HEADER_BYTES, bytes: 0, ..first }, 48);
                s.rechain();
            })?,
            self.plant("rolled back to before the checkpoint", &[13], sound, |s| {
                s.bytes[last] = None;
            })?,
        ];
        let note = Layout::new(&self.ledger).checkpoint();
        let sound_note = self.read(&note)?;
        let mut rotten = sound_note.clone();
        let place = rotten.len() - 10;
        rotten[place] = if rotten[place] == b'A' { b'B' } else { b'A' };
        self.write(&note, &rotten)?;
        let found = self.audit_of(&self.ledger, None)?;
        self.write(&note, &sound_note)?;
        let fault = "a checkpoint's signature altered";
        done.push(Planted { fault, expected: vec![14], found });
        Ok(done)
    }
}

/// Where a record lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    segment: usize,
    /// Offset of its first byte.
    offset: usize,
    bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Decision,
    Trade,
    StateRoot,
}

/// The segments of a ledger in memory; one that is removed is none.
#[derive(Clone)]
struct Segments {
    bytes: Vec<Option<Vec<u8>>>,
}

impl Segments {
    fn read(test: &Test<'_>) -> Result<Self, LedgerError> {
        let layout = Layout::new(&test.ledger);
        let listing = Listing::read(&*test.disk, &layout)?;
        let paths = listing.segments.iter().map(|segment| layout.segment(segment.index));
        let bytes = paths.map(|path| test.read(&path).map(Some)).collect::<Result<_, _>>()?;
        Ok(Self { bytes })
    }

    /// Offset and length of every frame of a sound segment, whatever its checksums have become.
    fn frames(bytes: &[u8]) -> impl Iterator<Item = (usize, usize)> {
        let mut offset = SEGMENT_HEADER_BYTES;
        std::iter::from_fn(move || {
            let head = bytes.get(offset..)?.first_chunk::<FRAME_HEADER_BYTES>()?;
            // Where nothing was written all is zero, and a header's checksum is not.
            head[..4].iter().any(|byte| *byte != 0).then_some(())?;
            let records = u32::from_le_bytes([head[12], head[13], head[14], head[15]]);
            let length = FRAME_HEADER_BYTES + (records as usize).next_multiple_of(FRAME_ALIGNMENT);
            offset += length;
            Some((offset - length, length))
        })
    }

    fn record_places(&self) -> impl Iterator<Item = Place> {
        let segments = self.bytes.iter().enumerate();
        let segments = segments.filter_map(|(segment, bytes)| Some((segment, bytes.as_ref()?)));
        segments.flat_map(|(segment, bytes)| {
            Self::frames(bytes).flat_map(move |(offset, length)| {
                let stored = &bytes[offset..offset + length];
                let seed = SegmentHeader::decode(bytes).map_or(0, |header| seed_of(header.salt));
                let head = stored.first_chunk();
                let header = head.and_then(|head| FrameHeader::decode(head, seed).ok());
                let frame = header.map(|header| FrameRef { header, offset: 0, stored });
                let start = bytes.as_ptr() as usize;
                frame.into_iter().flat_map(|frame| frame.records()).map(move |record| Place {
                    segment,
                    offset: record.bytes.as_ptr() as usize - start,
                    bytes: record.bytes.len(),
                })
            })
        })
    }

    fn records(&self) -> usize {
        self.record_places().count()
    }

    fn event(&self, place: &Place) -> Option<(crate::event::Envelope, Event)> {
        let bytes = self.bytes[place.segment].as_ref()?;
        let bytes = bytes.get(place.offset..place.offset + place.bytes)?;
        match decode::<Event>(&crate::event::RecordRef { sequence: 0, bytes }).ok()? {
            (envelope, Entry::Event(event)) => Some((envelope, event)),
            (_, Entry::System(_)) => None,
        }
    }

    fn is_of(&self, place: &Place, kind: Kind) -> bool {
        match self.event(place) {
            Some((_, Event::OrderPlaced(_))) => kind == Kind::Decision,
            Some((_, Event::TradeClosed(_))) => kind == Kind::Trade,
            Some((_, Event::StateRoot(_))) => kind == Kind::StateRoot,
            _ => false,
        }
    }

    fn flip(&mut self, place: Place, inside: usize) {
        if let Some(bytes) = &mut self.bytes[place.segment] {
            bytes[place.offset + inside] ^= 0x01;
        }
    }

    fn cut(&mut self, segment: usize) {
        if let Some(bytes) = &mut self.bytes[segment] {
            bytes.truncate(SEGMENT_HEADER_BYTES + (bytes.len() - SEGMENT_HEADER_BYTES) / 2);
        }
    }

    /// Changes a byte of a segment's header and makes its checksum fit.
    fn alter_header(&mut self, segment: usize, field: usize) {
        if let Some(bytes) = &mut self.bytes[segment] {
            bytes[field] ^= 0x02;
            let checksum = crc32c::crc32c(&bytes[12..SEGMENT_HEADER_BYTES]);
            bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
        }
    }

    /// Changes what an event says, in as many bytes as before.
    fn alter_event(&mut self, place: Place) {
        let Some((envelope, mut event)) = self.event(&place) else { return };
        match &mut event {
            Event::OrderPlaced(order) => order.order ^= 1,
            Event::TradeClosed(trade) => {
                trade.net = MoneyExact::from_raw(trade.net.raw() ^ 1);
            }
            Event::StateRoot(root) => {
                if let Some(first) = root.roots.first_mut() {
                    first.digest.0[0] ^= 1;
                }
            }
            _ => return,
        }
        let mut altered = Vec::with_capacity(place.bytes);
        let encoded = encode_record(&event, &envelope.stamp, &mut altered);
        if let (Ok(_), Some(bytes)) = (encoded, &mut self.bytes[place.segment]) {
            bytes[place.offset..place.offset + place.bytes].copy_from_slice(&altered);
        }
    }

    /// Gives every link its place in a chain of what is there now, checksums included.
    fn rechain(&mut self) {
        let mut previous = Digest::ZERO;
        for bytes in self.bytes.iter_mut().flatten() {
            let frames: Vec<(usize, usize)> = Self::frames(bytes).collect();
            let header = &mut bytes[..SEGMENT_HEADER_BYTES];
            header[104..136].copy_from_slice(&previous.0);
            let checksum = crc32c::crc32c(&header[12..]);
            header[8..12].copy_from_slice(&checksum.to_le_bytes());
            let seed = crc32c::crc32c(&header[48..56]);
            previous = hash::link(header);
            for (offset, length) in frames {
                let stored = &mut bytes[offset..offset + length];
                stored[56..88].copy_from_slice(&previous.0);
                // Who knows the format gives an anchor the link that it must name now.
                if stored[32..36] == 1_u32.to_le_bytes() && stored[ANCHOR_KIND].starts_with(&[2, 0])
                {
                    stored[ANCHOR_LINK].copy_from_slice(&previous.0);
                }
                let body = crc32c::crc32c_append(seed, &stored[FRAME_HEADER_BYTES..]);
                stored[4..8].copy_from_slice(&body.to_le_bytes());
                let checksum = crc32c::crc32c_append(seed, &stored[4..FRAME_HEADER_BYTES]);
                stored[..4].copy_from_slice(&checksum.to_le_bytes());
                previous = hash::link(stored);
            }
        }
    }
}
