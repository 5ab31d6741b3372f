//! What a later version writes is refused by name; what is damaged is damage, whatever it claims.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use schwabot::event::{Envelope, RecordError, Stamp};
use schwabot::hash::Digest;
use schwabot::ledger::frame::{
    FLAG_CLOSE, FLAG_ORDERED, FLAG_SEAL, FRAME_BYTES_MAX, FRAME_HEADER_BYTES, FrameError,
    FrameHeader, NUMBER_MAX,
};
use schwabot::ledger::layout::{Identity, IdentityError};
use schwabot::ledger::segment::{
    RecoveryNote, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, SEGMENT_HEADER_BYTES, SegmentError,
    SegmentHeader, file_name, index_of,
};
use schwabot::ledger::{LedgerError, Reader, SyncMode, Writer};
use schwabot::time::Timestamp;

use crate::support::notes::{Note, options, stamp, step};

const SEGMENT: &str = "segments/000000000000.seg";

fn golden_segment() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1-small").join(SEGMENT)
}

/// A closed ledger of three notes, one of its files changed by `change`.
fn changed(path: &Path, file: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let mut writer: Writer<Note> = Writer::open(path, &options(SyncMode::Always, 4096)).unwrap();
    writer.append(&step(&[1, 2, 3])).unwrap();
    writer.close().unwrap();
    let mut bytes = std::fs::read(path.join(file)).unwrap();
    change(&mut bytes);
    std::fs::write(path.join(file), bytes).unwrap();
}

/// Opens it for reading and for writing, which must refuse alike.
fn refused(path: &Path) -> [LedgerError; 2] {
    let reader = Reader::<Note>::open(path).err().unwrap();
    let writer = Writer::<Note>::open(path, &options(SyncMode::Always, 4096)).err().unwrap();
    [reader, writer]
}

/// Makes a changed segment header whole again, at the length it states.
fn seal_header(bytes: &mut [u8]) {
    let length = usize::from(u16::from_le_bytes([bytes[14], bytes[15]]));
    let checksum = crc32c::crc32c(&bytes[12..length]);
    bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
}

#[test]
fn a_whole_segment_header_of_a_later_version_is_unsupported_by_name() {
    let dir = tempfile::tempdir().unwrap();
    changed(dir.path(), SEGMENT, |bytes| {
        bytes[12..14].copy_from_slice(&2_u16.to_le_bytes());
        seal_header(bytes);
    });
    for error in refused(dir.path()) {
        assert!(matches!(&error, LedgerError::Unsupported { .. }) && !error.is_damage());
        assert!(error.to_string().contains("format version 2"), "{error}");
    }
}

#[test]
fn a_later_version_may_have_a_longer_header() {
    let mut bytes = std::fs::read(golden_segment()).unwrap()[..192].to_vec();
    bytes.resize(4096, 0x55);
    bytes[12..16].copy_from_slice(&[7, 0, 0x00, 0x10]);
    seal_header(&mut bytes);
    let refused = SegmentHeader::decode(&bytes);
    assert_eq!(refused, Err(SegmentError::Unsupported { version: 7, features: 0 }));
    bytes[4095] ^= 1;
    assert_eq!(SegmentHeader::decode(&bytes), Err(SegmentError::Checksum), "all of it is checked");
}

#[test]
fn an_unknown_feature_bit_is_unsupported_by_name() {
    for offset in 16..24 {
        let dir = tempfile::tempdir().unwrap();
        changed(dir.path(), SEGMENT, |bytes| {
            bytes[offset] = 0x80;
            seal_header(bytes);
        });
        for error in refused(dir.path()) {
            assert!(matches!(error, LedgerError::Unsupported { .. }), "byte {offset}: {error}");
            assert!(error.to_string().contains("features 0x"), "{error}");
        }
    }
}

#[test]
fn a_feature_bit_in_both_fields_is_as_unknown_as_in_one() {
    let bytes = std::fs::read(golden_segment()).unwrap();
    for bit in 0..32 {
        let mut header = bytes[..192].to_vec();
        header[16..20].copy_from_slice(&(1_u32 << bit).to_le_bytes());
        header[20..24].copy_from_slice(&(1_u32 << bit).to_le_bytes());
        seal_header(&mut header);
        let refused = Err(SegmentError::Unsupported { version: 1, features: 1 << bit });
        assert_eq!(SegmentHeader::decode(&header), refused);
    }
}

#[test]
fn a_damaged_header_is_damage_even_if_its_version_looks_later() {
    for (offset, value) in [(12, 2), (13, 1), (16, 1), (23, 0x80)] {
        let dir = tempfile::tempdir().unwrap();
        changed(dir.path(), SEGMENT, |bytes| bytes[offset] = value);
        for error in refused(dir.path()) {
            assert!(error.is_damage(), "byte {offset}: {error}");
            assert!(error.to_string().contains("checksum"), "{error}");
        }
    }
}

#[test]
fn a_whole_header_of_version_1_with_an_unknown_id_flag_or_length_is_damage() {
    let fields = [
        (24, "hash id"),
        (25, "codec id"),
        (26, "checksum id"),
        (27, "header flags"),
        (140, "header flags"),
        (86, "file length"),
    ];
    for (offset, field) in fields {
        let dir = tempfile::tempdir().unwrap();
        changed(dir.path(), SEGMENT, |bytes| {
            bytes[offset] = 0x7f;
            seal_header(bytes);
        });
        for error in refused(dir.path()) {
            assert!(error.is_damage() && error.to_string().contains(field), "{field}: {error}");
        }
    }
}

#[test]
fn an_identity_of_a_later_version_is_unsupported_and_a_damaged_one_is_damaged() {
    let later = |bytes: &mut Vec<u8>| bytes[12] = 2;
    let dir = tempfile::tempdir().unwrap();
    changed(dir.path(), "ledger.id", |bytes| {
        later(bytes);
        let checksum = crc32c::crc32c(&bytes[12..]);
        bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
    });
    for error in refused(dir.path()) {
        assert!(matches!(error, LedgerError::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains("version 2"), "{error}");
    }
    let bytes = std::fs::read(dir.path().join("ledger.id")).unwrap();
    assert_eq!(Identity::decode(&bytes), Err(IdentityError::Unsupported(2)));
    for cut in 0..bytes.len() {
        assert_eq!(Identity::decode(&bytes[..cut]), Err(IdentityError::Damaged), "{cut} bytes");
    }
    let dir = tempfile::tempdir().unwrap();
    changed(dir.path(), "ledger.id", later);
    for error in refused(dir.path()) {
        assert!(!matches!(error, LedgerError::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains("damaged"), "{error}");
    }
}

fn envelope() -> Vec<u8> {
    let mut bytes = Vec::new();
    let stamp = Stamp { salt: Some([9; 16]), ..stamp() };
    Envelope { kind: 0x0100, schema: 1, stamp }.encode(&mut bytes);
    bytes
}

#[test]
fn later_values_of_the_envelope_are_refused_with_field_and_value() {
    for (offset, field) in [(6, "class"), (7, "vantage"), (38, "clock"), (39, "clock_status")] {
        let mut bytes = envelope();
        bytes[offset] = 0x7e;
        let expected = RecordError::UnknownValue { field, value: 0x7e };
        assert_eq!(Envelope::decode(&bytes).err(), Some(expected));
    }
    for bit in 3..16 {
        let mut bytes = envelope();
        let flags = 1_u16 << bit | 0b100;
        bytes[4..6].copy_from_slice(&flags.to_le_bytes());
        let expected = RecordError::UnknownValue { field: "flags", value: flags.into() };
        assert_eq!(Envelope::decode(&bytes).err(), Some(expected));
    }
    assert!(Envelope::decode(&envelope()).is_ok(), "the unchanged one is read");
}

proptest! {
    #[test]
    fn no_single_change_to_a_whole_header_makes_it_too_new(offset in 0_usize..192, flip in 1_u8..) {
        let mut bytes = std::fs::read(golden_segment()).unwrap();
        bytes[offset] ^= flip;
        let refused = SegmentHeader::decode(&bytes);
        let damage = matches!(refused, Err(SegmentError::Checksum | SegmentError::Magic));
        prop_assert!(damage, "{refused:?}");
    }

    #[test]
    fn a_resealed_header_is_read_as_what_it_says_or_refused_typed(
        changes in prop::collection::vec((12_usize..192, any::<u8>()), 1..4),
        kept in 0_usize..=192,
    ) {
        let mut bytes = std::fs::read(golden_segment()).unwrap()[..192].to_vec();
        prop_assert!(SegmentHeader::decode(&bytes[..kept]).is_ok() == (kept == 192));
        for (offset, value) in changes.into_iter().filter(|(offset, _)| !(14..16).contains(offset)) {
            bytes[offset] = value;
        }
        seal_header(&mut bytes);
        match SegmentHeader::decode(&bytes) {
            Ok(header) => prop_assert_eq!(&header.encode()[..], &bytes[..]),
            Err(SegmentError::Unsupported { version, features }) => {
                prop_assert!(version != 1 || features != 0);
            }
            Err(error) => prop_assert!(matches!(error, SegmentError::Field { .. }), "{error}"),
        }
    }
}

/// The most that the records of a frame may take.
const RECORDS_BYTES_MAX: u32 = (FRAME_BYTES_MAX - FRAME_HEADER_BYTES) as u32;

/// The header of a frame with one record.
fn frame_header() -> FrameHeader {
    FrameHeader {
        body_checksum: 0,
        flags: FLAG_ORDERED,
        records_bytes: 42,
        number: 5,
        first_sequence: 7,
        count: 1,
        epoch: 1,
        watermark: 5,
        commit_time: Timestamp::from_nanos(0),
        previous: Digest::ZERO,
    }
}

/// What a whole frame header with these fields is read as.
fn read_back(mut header: FrameHeader) -> Result<(), FrameError> {
    let mut bytes = [0; FRAME_HEADER_BYTES];
    header.encode_over(&mut bytes, 1);
    FrameHeader::decode(&bytes, 1).map(|read| assert_eq!(read, header))
}

#[test]
fn a_whole_frame_header_is_read_up_to_the_most_that_each_field_may_hold() {
    let base = frame_header();
    let end = FrameHeader { count: 0, records_bytes: 0, ..base };
    for header in [
        base,
        end,
        FrameHeader { flags: 0, ..base },
        FrameHeader { flags: FLAG_SEAL | FLAG_ORDERED, ..end },
        FrameHeader { flags: FLAG_CLOSE | FLAG_ORDERED, ..end },
        FrameHeader { count: 2, records_bytes: 84, ..base },
        FrameHeader { records_bytes: RECORDS_BYTES_MAX, ..base },
        FrameHeader { number: NUMBER_MAX, watermark: NUMBER_MAX, ..base },
        FrameHeader { first_sequence: NUMBER_MAX, ..base },
    ] {
        assert_eq!(read_back(header), Ok(()), "{header:?}");
    }
}

#[test]
fn a_whole_frame_header_that_breaks_a_rule_is_refused_by_the_field() {
    let base = frame_header();
    let end = FrameHeader { count: 0, records_bytes: 0, ..base };
    for (field, header) in [
        ("flags", FrameHeader { flags: FLAG_ORDERED | 1 << 3, ..base }),
        ("flags", FrameHeader { flags: FLAG_SEAL | FLAG_CLOSE | FLAG_ORDERED, ..end }),
        ("flags", FrameHeader { flags: FLAG_SEAL, ..end }),
        ("flags", FrameHeader { flags: FLAG_SEAL | FLAG_ORDERED, ..base }),
        ("records length", FrameHeader { records_bytes: RECORDS_BYTES_MAX + 1, ..base }),
        ("record count", FrameHeader { count: 0, ..base }),
        ("record count", FrameHeader { records_bytes: 0, ..base }),
        ("record count", FrameHeader { count: 2, records_bytes: 83, ..base }),
        ("watermark", FrameHeader { watermark: 6, ..base }),
        ("frame number", FrameHeader { number: NUMBER_MAX + 1, ..base }),
        ("first sequence", FrameHeader { first_sequence: NUMBER_MAX + 1, ..base }),
    ] {
        assert_eq!(read_back(header), Err(FrameError::Field { field }), "{header:?}");
    }
}

/// A segment's header in the middle of a ledger.
fn segment_header() -> SegmentHeader {
    SegmentHeader {
        ledger: [1; 16],
        application: [2; 16],
        index: 3,
        epoch: 1,
        salt: [4; 8],
        file_bytes: 4096,
        first_sequence: 5,
        first_frame: 6,
        previous: Digest::ZERO,
        recovery: None,
        created: Timestamp::from_nanos(0),
    }
}

const NOTE: RecoveryNote =
    RecoveryNote { counted_bytes: 1, dead_bytes: 2, dead_digest: Digest::ZERO };

#[test]
fn a_whole_segment_header_is_read_up_to_the_most_that_each_field_may_hold() {
    let base = segment_header();
    for header in [
        base,
        SegmentHeader { recovery: Some(NOTE), ..base },
        SegmentHeader { index: 0, ..base },
        SegmentHeader { index: NUMBER_MAX, ..base },
        SegmentHeader { first_sequence: NUMBER_MAX, ..base },
        SegmentHeader { first_frame: NUMBER_MAX, ..base },
        SegmentHeader { epoch: 1 << 30, ..base },
        SegmentHeader { file_bytes: SEGMENT_BYTES_MIN, ..base },
        SegmentHeader { file_bytes: SEGMENT_BYTES_MAX, ..base },
    ] {
        assert_eq!(SegmentHeader::decode(&header.encode()), Ok(header));
    }
}

#[test]
fn a_whole_segment_header_that_breaks_a_rule_is_refused_by_the_field() {
    let base = segment_header();
    for (field, header) in [
        ("header flags", SegmentHeader { index: 0, recovery: Some(NOTE), ..base }),
        ("segment index", SegmentHeader { index: NUMBER_MAX + 1, ..base }),
        ("first sequence", SegmentHeader { first_sequence: NUMBER_MAX + 1, ..base }),
        ("first frame", SegmentHeader { first_frame: NUMBER_MAX + 1, ..base }),
        ("epoch", SegmentHeader { epoch: (1 << 30) + 1, ..base }),
        ("file length", SegmentHeader { file_bytes: SEGMENT_BYTES_MIN - 1, ..base }),
        ("file length", SegmentHeader { file_bytes: SEGMENT_BYTES_MAX + 1, ..base }),
    ] {
        let refused = Err(SegmentError::Field { field });
        assert_eq!(SegmentHeader::decode(&header.encode()), refused, "{header:?}");
    }
    // A recovery that is stated without its flag.
    let mut bytes = SegmentHeader { recovery: Some(NOTE), ..base }.encode();
    bytes[27] = 0;
    seal_header(&mut bytes);
    let refused = Err(SegmentError::Field { field: "header flags" });
    assert_eq!(SegmentHeader::decode(&bytes), refused);
}

#[test]
fn a_segment_has_one_file_name_and_no_index_above_the_largest_number() {
    assert_eq!(index_of("000000000007.seg"), Some(7));
    for name in
        ["7.seg", "0000000000007.seg", "000000000007", "000000000007.idx", "+00000000007.seg"]
    {
        assert_eq!(index_of(name), None, "{name}");
    }
    assert_eq!(index_of(&file_name(NUMBER_MAX)), Some(NUMBER_MAX));
    assert_eq!(index_of(&file_name(NUMBER_MAX + 1)), None);
}

#[test]
fn a_segment_made_for_a_frame_has_room_for_it_and_for_an_end_frame_and_no_more() {
    for frame_bytes in [88, 1024, FRAME_BYTES_MAX as u64] {
        let file_bytes = SegmentHeader::file_bytes_for(frame_bytes);
        let header = SegmentHeader { file_bytes, ..segment_header() };
        assert_eq!(header.frames_end_max(), SEGMENT_HEADER_BYTES as u64 + frame_bytes);
    }
}
