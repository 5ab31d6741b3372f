//! The codec's laws: records, frames, headers, and one segment scanned from end to end.

use std::io;
use std::path::Path;

use schwabot::event::{Envelope, Event, Payload, RecordRef, encode_record, kind_name};
use schwabot::hash::Digest;
use schwabot::ledger::disk::{Access, Disk, DiskFile, Map};
use schwabot::ledger::frame::{
    FRAME_BYTES_MAX, FRAME_HEADER_BYTES, FrameError, FrameHeader, FrameRef, seed_of,
};
use schwabot::ledger::layout::{IDENTITY_BYTES, Identity};
use schwabot::ledger::scan::{Follower, SegmentEnd, scan_segment};
use schwabot::ledger::segment::{RecoveryNote, SEGMENT_HEADER_BYTES, SegmentHeader};
use schwabot::ledger::walk::SegmentFile;
use schwabot::ledger::{Entry, decode};

use super::Taken;

/// What decodes is the one encoding of its value, and can be told as JSON.
pub(super) fn record(bytes: &[u8]) -> bool {
    let Ok((envelope, payload)) = Envelope::decode(bytes) else { return false };
    let mut again = Vec::new();
    envelope.encode(&mut again);
    again.extend_from_slice(payload);
    assert_eq!(again, bytes, "an envelope has one encoding");
    let record = RecordRef { sequence: 7, bytes };
    assert!(record.cause(&envelope).is_none_or(|cause| cause < 7));
    again.clear();
    let told = match decode::<Event>(&record) {
        Ok((_, Entry::Event(event))) => {
            encode_record(&event, &envelope.stamp, &mut again).unwrap();
            let canonical =
                schwabot::event::decode_canonical::<Event>(event.kind(), event.schema(), payload);
            assert_eq!(canonical, Ok(event.clone()));
            assert_eq!(kind_name(envelope.kind), Some(event.name()));
            serde_json::to_string(&event)
        }
        Ok((_, Entry::System(event))) => {
            encode_record(&event, &envelope.stamp, &mut again).unwrap();
            assert!(kind_name(envelope.kind).is_some());
            serde_json::to_string(&event)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    assert_eq!(again, bytes, "a record has one encoding");
    told.unwrap();
    true
}

/// A header whose checksum fits says what its bytes say, and its records lie inside the frame.
pub(super) fn frame(bytes: &[u8]) -> bool {
    let mut bytes = bytes.to_vec();
    let seed = seed_of(*b"saltsalt");
    if bytes.len() < FRAME_HEADER_BYTES {
        return false;
    }
    let body_bytes = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    // As much body as the header asks for, within reason: what is not there is zero.
    if body_bytes <= 4 * bytes.len() {
        bytes.resize(FRAME_HEADER_BYTES + body_bytes.next_multiple_of(8), 0);
    }
    let checksum = crc32c::crc32c_append(seed, &bytes[4..FRAME_HEADER_BYTES]);
    bytes[..4].copy_from_slice(&checksum.to_le_bytes());
    let Ok(mut header) = FrameHeader::decode(bytes.first_chunk().unwrap(), seed) else {
        return false;
    };
    assert!(header.frame_bytes() <= FRAME_BYTES_MAX + 8);
    assert!(header.proves_durable_below() <= header.number);
    assert!(header.next_sequence() >= header.first_sequence);
    let mut again = bytes.clone();
    let body_checksum = header.body_checksum;
    header.encode_over(&mut again, seed);
    header.body_checksum = body_checksum;
    assert_eq!(again[8..], bytes[8..], "a header has one encoding");
    if bytes.len() != header.frame_bytes() {
        return false;
    }
    let frame = FrameRef { header, offset: 192, stored: &again };
    let range = again.as_ptr_range();
    let mut seen = 0;
    for (record, sequence) in frame.records().zip(header.first_sequence..) {
        assert_eq!(record.sequence, sequence, "sequences are gapless");
        let inside = record.bytes.as_ptr_range();
        assert!(range.start <= inside.start && inside.end <= range.end);
        seen += 1;
    }
    match frame.check_layout() {
        Ok(()) => assert_eq!(seen, header.count, "a sound frame shows all its records"),
        Err(error) => {
            assert!(matches!(error, FrameError::RecordLengths | FrameError::Padding));
            assert!(seen <= header.count);
        }
    }
    true
}

/// Headers of segments and `ledger.id`, with a checksum that fits.
pub(super) fn header(bytes: &[u8]) -> bool {
    let mut taken = Taken(bytes);
    let is_identity = taken.byte() & 1 == 1;
    let mut bytes = taken.0.to_vec();
    if is_identity {
        bytes.resize(IDENTITY_BYTES, 0);
        let checksum = crc32c::crc32c(&bytes[12..]);
        bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
        let Ok(identity) = Identity::decode(&bytes) else { return false };
        let again = identity.encode();
        // Reserved bytes are not looked at by this version, so they need not come again.
        assert_eq!(Identity::decode(&again), Ok(identity));
        return true;
    }
    bytes.resize(bytes.len().max(SEGMENT_HEADER_BYTES), 0);
    let length = usize::from(u16::from_le_bytes([bytes[14], bytes[15]]));
    if (64..=bytes.len()).contains(&length) {
        let checksum = crc32c::crc32c(&bytes[12..length]);
        bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
    }
    let Ok(header) = SegmentHeader::decode(&bytes) else { return false };
    assert_eq!(header.encode(), bytes[..SEGMENT_HEADER_BYTES], "a header has one encoding");
    assert!(header.frames_end_max() < header.file_bytes);
    assert!(header.recovery.is_none() || header.index > 0);
    true
}

/// One file in memory, read-only.
pub(super) struct OneFile(Vec<u8>);

impl Disk for OneFile {
    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }
    fn open(&self, _: &Path, _: Access) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Self(self.0.clone())))
    }
    fn create(&self, _: &Path) -> io::Result<Box<dyn DiskFile>> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn create_private(&self, _: &Path) -> io::Result<Box<dyn DiskFile>> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn rename_new(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn replace(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn remove(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn lock(&self, _: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        Ok(None)
    }
    fn is_locked(&self, _: &Path) -> io::Result<bool> {
        Ok(false)
    }
}

impl DiskFile for OneFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|start| self.0.get(start..));
        let rest = rest.unwrap_or_default();
        let count = rest.len().min(bytes.len());
        bytes[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn reserve(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn sync(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn map(&self) -> io::Result<Option<Map>> {
        Ok(None)
    }
}

/// A segment of any bytes behind a header: what a scan shows is in the file and hangs together.
///
/// The first byte says what follows the segment and which checksums are made to fit.
pub(super) fn segment(bytes: &[u8]) -> bool {
    let mut taken = Taken(bytes);
    let how = taken.byte();
    let mut file = taken.0.to_vec();
    if file.len() < SEGMENT_HEADER_BYTES {
        return false;
    }
    if how & 1 == 1 {
        fix_checksums(&mut file, how & 2 == 2);
    }
    let Ok(header) = SegmentHeader::decode(&file) else { return false };
    let dead = RecoveryNote {
        counted_bytes: (file.len() as u64 / 16) * u64::from(how >> 4),
        dead_bytes: u64::from(how),
        dead_digest: Digest::ZERO,
    };
    let follower = match (how >> 2) & 3 {
        0 => Follower::Nothing,
        1 => Follower::Continues,
        2 => Follower::Removed,
        _ => Follower::Recovers(dead),
    };
    let disk = OneFile(file.clone());
    let mut opened = SegmentFile::open(&disk, Path::new("segment"), false).unwrap();
    let mut link = header.link();
    let (mut end, mut frames, mut islands) = (SEGMENT_HEADER_BYTES as u64, 0, 0);
    let scan = scan_segment(&mut opened, &header, follower, &mut |frame, own| {
        let start = usize::try_from(frame.offset).unwrap();
        assert_eq!(frame.stored, &file[start..start + frame.stored.len()], "bytes of the file");
        assert_eq!(own, frame.link(), "the link that is told is the frame's");
        assert!(frame.offset >= end, "frames do not overlap");
        if frame.header.previous != link {
            islands += 1;
        }
        (link, end) = (own, frame.offset + frame.stored.len() as u64);
        frames += 1;
    })
    .unwrap();
    assert_eq!(frames, scan.frames);
    assert!(scan.counted.offset <= file.len() as u64 && scan.last.offset <= file.len() as u64);
    assert!(islands == 0 || !scan.faults.is_empty(), "a broken chain is a fault");
    for fault in &scan.faults {
        assert!(fault.offset <= fault.end, "{fault:?}");
    }
    if scan.end == SegmentEnd::Broken {
        assert!(!scan.faults.is_empty(), "what is broken is told");
    }
    frames > 0
}

/// Makes every checksum fit that can be found by walking lengths, and the links too if asked.
pub(super) fn fix_checksums(file: &mut [u8], links: bool) {
    let Some((head, _)) = file.split_first_chunk_mut::<SEGMENT_HEADER_BYTES>() else { return };
    let checksum = crc32c::crc32c(&head[12..]);
    head[8..12].copy_from_slice(&checksum.to_le_bytes());
    let seed = crc32c::crc32c(&head[48..56]);
    let mut previous = schwabot::hash::link(head);
    let mut offset = SEGMENT_HEADER_BYTES;
    while let Some(stored) = file.get(offset..offset + FRAME_HEADER_BYTES) {
        let records = u32::from_le_bytes(stored[12..16].try_into().unwrap()) as usize;
        let end = offset + FRAME_HEADER_BYTES + records.next_multiple_of(8);
        if stored.iter().all(|byte| *byte == 0) || end > file.len() {
            break;
        }
        let stored = &mut file[offset..end];
        if links {
            stored[56..88].copy_from_slice(&previous.0);
        }
        let body = crc32c::crc32c_append(seed, &stored[FRAME_HEADER_BYTES..]);
        stored[4..8].copy_from_slice(&body.to_le_bytes());
        let checksum = crc32c::crc32c_append(seed, &stored[4..FRAME_HEADER_BYTES]);
        stored[..4].copy_from_slice(&checksum.to_le_bytes());
        previous = schwabot::hash::link(stored);
        offset = end;
    }
}
