//! What lies at the end of an unclosed ledger: a torn append is dropped and told, a damaged promise
//! is refused, and the line between the two is the proof of durability.

use std::sync::Arc;

use schwabot::audit::{VerifyOptions, verify};
use schwabot::event::Recovered;
use schwabot::hash::{DeadBytesHasher, Digest};
use schwabot::ledger::frame::{FLAG_ORDERED, FRAME_HEADER_BYTES, FrameHeader, seed_of};
use schwabot::ledger::layout::{Layout, Listing};
use schwabot::ledger::scan::{FaultClass, Follower, scan_segment};
use schwabot::ledger::segment::{RecoveryNote, SEGMENT_HEADER_BYTES, SegmentHeader};
use schwabot::ledger::walk::{Position, SegmentFile};
use schwabot::ledger::{LedgerError, SyncMode, Writer};
use schwabot::time::Timestamp;

use crate::support::notes::{Note, step};
use crate::support::sim_disk::{SimDisk, State, Unsynced};
use crate::support::sim_ledger::{
    check_after_crash, faults, ledger_path, open, read, segment_path, sim_options,
};

/// A ledger whose writer was killed, all of it durable.
fn unclosed(sync: SyncMode, segment_bytes: u64, write: impl FnOnce(&mut Writer<Note>)) -> State {
    let disk = SimDisk::new();
    let mut writer = open(&disk, &sim_options(&disk, sync, segment_bytes, 1)).unwrap();
    write(&mut writer);
    drop(writer);
    SimDisk::cut_power(&disk.state(), Unsynced::Kept).state()
}

fn six_durable_notes() -> State {
    unclosed(SyncMode::Always, 4096, |writer| {
        for number in 0..6 {
            writer.append(&step(&[number])).unwrap();
        }
    })
}

/// Where the frames of a segment begin and end, and the position after the last.
fn frames_of(state: &State, index: u64) -> (Vec<(usize, usize)>, Position) {
    let disk = SimDisk::kill(state);
    let mut file = SegmentFile::open(&disk, &segment_path(index), false).unwrap();
    let header = file.header().unwrap().unwrap();
    let mut frames = Vec::new();
    let scan = scan_segment(&mut file, &header, Follower::Nothing, &mut |frame, _| {
        let start = usize::try_from(frame.offset).unwrap();
        frames.push((start, start + frame.stored.len()));
    });
    (frames, scan.unwrap().counted)
}

fn digest(bytes: &[u8]) -> Digest {
    let mut hasher = DeadBytesHasher::default();
    hasher.update(bytes);
    hasher.finish()
}

fn reopen(disk: &SimDisk) -> Result<Writer<Note>, LedgerError> {
    open(disk, &sim_options(disk, SyncMode::Always, 4096, 9))
}

/// Opening for write refuses with damage of this class, reading too, and no file changes.
#[track_caller]
fn assert_refused(disk: &SimDisk, class: FaultClass) {
    let before = disk.state().files();
    match reopen(disk).map(|_| "opened") {
        Err(LedgerError::Damaged(fault)) => assert_eq!(fault.class, class, "{fault:?}"),
        other => panic!("expected damage, found {other:?}"),
    }
    assert!(disk.state().files() == before, "a refused opening changed a file");
    assert!(read(disk).is_err_and(|error| error.is_damage()), "reading shows it too");
}

/// Opening drops all from `offset` on and tells it exactly.
#[track_caller]
fn assert_dropped(disk: &SimDisk, notes: u64, segment: u64, offset: usize) {
    let path = segment_path(segment).to_str().unwrap().to_owned();
    let bytes = disk.state().files().remove(&path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(offset, |last| last + 1);
    let mut told = Vec::new();
    if end > offset {
        let (dead_bytes, digest) = ((end - offset) as u64, digest(&bytes[offset..end]));
        told.push(Recovered { segment, offset: offset as u64, dead_bytes, digest });
    }
    drop(reopen(disk).unwrap());
    let seen = read(disk).unwrap();
    assert_eq!((seen.notes, seen.recovered), (notes, told));
    assert!(disk.state().files().remove(&path).unwrap() == bytes, "an old byte was altered");
}

#[test]
fn a_last_frame_cut_at_any_byte_is_dropped_alone_and_told_exactly() {
    let state = six_durable_notes();
    let (frames, _) = frames_of(&state, 0);
    let (start, end) = *frames.last().unwrap();
    let (mut dropped, mut whole) = (0, 0);
    for cut in start..end {
        for keep_start in [true, false] {
            let disk = SimDisk::kill(&state);
            let mut changed = false;
            disk.alter(&segment_path(0), |bytes| {
                let zeroed =
                    if keep_start { &mut bytes[cut..end] } else { &mut bytes[start..=cut] };
                changed = zeroed.iter().any(|byte| *byte != 0);
                zeroed.fill(0);
            });
            if changed {
                assert_dropped(&disk, 5, 0, start);
                dropped += 1;
            } else {
                assert_eq!(read(&disk).unwrap().notes, 6);
                whole += 1;
            }
        }
    }
    assert!(dropped > 10 * whole, "{dropped} dropped, {whole} changed nothing");
}

#[test]
fn a_flipped_bit_in_the_last_frame_of_an_unclosed_ledger_is_a_torn_append() {
    let state = six_durable_notes();
    let (frames, _) = frames_of(&state, 0);
    let (start, end) = *frames.last().unwrap();
    for place in start..end {
        let disk = SimDisk::kill(&state);
        disk.alter(&segment_path(0), |bytes| bytes[place] ^= 1 << (place % 8));
        assert_dropped(&disk, 5, 0, start);
    }
}

#[test]
fn a_flipped_bit_in_any_byte_below_the_last_frame_is_refused() {
    let state = six_durable_notes();
    let (frames, _) = frames_of(&state, 0);
    let (last, _) = *frames.last().unwrap();
    for place in 0..last {
        let disk = SimDisk::kill(&state);
        disk.alter(&segment_path(0), |bytes| bytes[place] ^= 1 << (place % 8));
        let refused = reopen(&disk).err();
        // A header whose length field grew claims more than the file need hold; all is damage.
        assert!(refused.as_ref().is_some_and(LedgerError::is_damage), "byte {place}: {refused:?}");
        assert!(read(&disk).is_err(), "byte {place} reads as if nothing were");
    }
}

#[test]
fn a_bit_that_flips_only_on_the_way_from_the_disk_is_refused_too() {
    let state = six_durable_notes();
    let (frames, _) = frames_of(&state, 0);
    let (last, _) = *frames.last().unwrap();
    for place in (SEGMENT_HEADER_BYTES..last).step_by(7) {
        let disk = SimDisk::kill(&state);
        disk.flip_on_read(&segment_path(0), place as u64, 0x10);
        assert_refused(&disk, FaultClass::Corrupt);
    }
}

#[test]
fn a_hole_before_a_whole_ordered_frame_is_damage() {
    let state = six_durable_notes();
    let (frames, _) = frames_of(&state, 0);
    for (start, end) in &frames[..5] {
        let disk = SimDisk::kill(&state);
        disk.alter(&segment_path(0), |bytes| bytes[*start..*end].fill(0));
        assert_refused(&disk, FaultClass::Corrupt);
    }
}

/// Five frames that were written, but never synced apart.
fn unsynced_frames(sync_after: Option<u64>) -> State {
    unclosed(SyncMode::End, 1 << 16, |writer| {
        for number in 0..5 {
            writer.append(&step(&[2 * number, 2 * number + 1])).unwrap();
            if sync_after == Some(number) {
                writer.sync().unwrap();
            } else {
                // Writes the frame and syncs nothing.
                writer.head().unwrap();
            }
        }
    })
}

#[test]
fn a_hole_above_the_watermark_is_a_torn_tail_with_all_that_follows() {
    let state = unsynced_frames(None);
    let (frames, _) = frames_of(&state, 0);
    assert_eq!(frames.len(), 5);
    for (place, (start, end)) in (0..).zip(&frames) {
        let disk = SimDisk::kill(&state);
        disk.alter(&segment_path(0), |bytes| bytes[*start..*end].fill(0));
        assert_dropped(&disk, 2 * place, 0, *start);
    }
}

#[test]
fn damage_below_a_watermark_is_refused_and_above_it_dropped() {
    let state = unsynced_frames(Some(2));
    let (frames, _) = frames_of(&state, 0);
    for (place, (start, _)) in (0..).zip(&frames) {
        for offset in [8, FRAME_HEADER_BYTES + 5] {
            let disk = SimDisk::kill(&state);
            disk.alter(&segment_path(0), |bytes| bytes[start + offset] ^= 0x40);
            if place <= 2 {
                assert_refused(&disk, FaultClass::Corrupt);
            } else {
                assert_dropped(&disk, 2 * place, 0, *start);
            }
        }
    }
}

#[test]
fn a_short_last_segment_without_an_end_frame_was_cut() {
    let state = six_durable_notes();
    let (frames, _) = frames_of(&state, 0);
    for (start, end) in &frames {
        for len in [*start, start + 1, start + FRAME_HEADER_BYTES, end - 1, *end, 4095] {
            let disk = SimDisk::kill(&state);
            disk.alter(&segment_path(0), |bytes| bytes.truncate(len));
            assert_refused(&disk, FaultClass::Missing);
        }
    }
    for len in [0, 7, 63, 64, SEGMENT_HEADER_BYTES - 1] {
        let disk = SimDisk::kill(&state);
        disk.alter(&segment_path(0), |bytes| bytes.truncate(len));
        assert_refused(&disk, FaultClass::Missing);
    }
}

/// Disks on which the last segment is sealed and the next one waits under the spare's name.
fn rolls_in_between() -> Vec<State> {
    let disk = SimDisk::new();
    disk.record();
    let mut writer = open(&disk, &sim_options(&disk, SyncMode::Always, 1024, 1)).unwrap();
    for number in 0..20 {
        disk.note(number, number + 1);
        writer.append(&step(&[number])).unwrap();
    }
    drop(writer);
    let between = |state: &State| {
        let disk = SimDisk::kill(state);
        let layout = Layout::new(&ledger_path());
        let Ok(listing) = Listing::read(&disk, &layout) else { return false };
        let (Some(last), Some(spare)) = (listing.segments.last(), listing.spare) else {
            return false;
        };
        let (_, counted) = frames_of(state, last.index);
        spare.previous == counted.link
    };
    disk.history().into_iter().filter(between).collect()
}

#[test]
fn a_spare_that_continues_a_seal_is_published_by_the_next_opening() {
    let states = rolls_in_between();
    assert!(states.len() >= 10, "{} states between SEAL and publishing", states.len());
    for state in &states {
        let disk = SimDisk::cut_power(state, Unsynced::Kept);
        let segments = |disk: &SimDisk| {
            let listing = Listing::read(disk, &Layout::new(&ledger_path())).unwrap();
            listing.segments.len()
        };
        let before = segments(&disk);
        let spare = disk.state().files().remove("/disk/deep/ledger/segments/next").unwrap();
        check_after_crash(&disk, 1);
        let published = segment_path(before as u64).to_str().unwrap().to_owned();
        assert!(disk.state().files()[&published] == spare, "the spare itself was published");
        assert!(segments(&disk) > before + 1, "and a segment of the new writer follows it");
    }
}

#[test]
fn a_seal_that_nothing_continues_means_a_removed_segment() {
    for state in &rolls_in_between() {
        let disk = SimDisk::cut_power(state, Unsynced::Kept);
        disk.forget(&ledger_path().join("segments/next"));
        assert_refused(&disk, FaultClass::Missing);
        let Err(LedgerError::Damaged(fault)) = reopen(&disk) else { panic!("it is refused") };
        let wanted = Listing::read(&disk, &Layout::new(&ledger_path())).unwrap().segments.len();
        assert_eq!(fault.segment, wanted as u64, "the one behind the seal");
    }
    let closed = SimDisk::new();
    let mut writer = open(&closed, &sim_options(&closed, SyncMode::Always, 1024, 1)).unwrap();
    for number in 0..20 {
        writer.append(&step(&[number])).unwrap();
    }
    writer.close().unwrap();
    let closed = SimDisk::cut_power(&closed.state(), Unsynced::Kept);
    let mut last = Listing::read(&closed, &Layout::new(&ledger_path())).unwrap().segments.len();
    while last > 1 {
        last -= 1;
        closed.forget(&segment_path(last as u64));
        assert_refused(&closed, FaultClass::Missing);
    }
}

#[test]
fn a_spare_that_was_not_made_to_continue_this_seal_does_not() {
    let recovery = RecoveryNote { counted_bytes: 0, dead_bytes: 0, dead_digest: Digest::ZERO };
    let changes: [&dyn Fn(&mut SegmentHeader); 8] = [
        &|spare| spare.ledger[0] ^= 1,
        &|spare| spare.application[0] ^= 1,
        &|spare| spare.index += 1,
        &|spare| spare.epoch += 1,
        &|spare| spare.first_sequence += 1,
        &|spare| spare.first_frame += 1,
        &|spare| spare.previous.0[0] ^= 1,
        &|spare| spare.recovery = Some(recovery),
    ];
    let state = rolls_in_between().remove(0);
    for change in changes {
        let disk = SimDisk::cut_power(&state, Unsynced::Kept);
        disk.alter(&ledger_path().join("segments/next"), |bytes| {
            let mut spare = SegmentHeader::decode(bytes).unwrap();
            change(&mut spare);
            bytes[..SEGMENT_HEADER_BYTES].copy_from_slice(&spare.encode());
        });
        assert_refused(&disk, FaultClass::Missing);
        let options = VerifyOptions { disk: Arc::new(disk.clone()), ..VerifyOptions::default() };
        assert_eq!(verify(&ledger_path(), &options).unwrap().exit_code(), 12);
    }
}

#[test]
fn a_segment_that_begins_before_the_one_in_front_of_it_is_refused() {
    let state = unclosed(SyncMode::Always, 1024, |writer| {
        for number in 0..20 {
            writer.append(&step(&[number])).unwrap();
        }
    });
    let back: [&dyn Fn(&mut SegmentHeader); 2] =
        [&|header| header.first_sequence = 0, &|header| header.first_frame = 0];
    for change in back {
        let disk = SimDisk::kill(&state);
        disk.alter(&segment_path(2), |bytes| {
            let mut header = SegmentHeader::decode(bytes).unwrap();
            change(&mut header);
            bytes[..SEGMENT_HEADER_BYTES].copy_from_slice(&header.encode());
        });
        assert_refused(&disk, FaultClass::Missing);
    }
}

#[test]
fn stale_frames_of_another_segment_after_the_tail_are_dead_bytes() {
    let state = six_durable_notes();
    let (frames, _) = frames_of(&state, 0);
    let (_, tail) = *frames.last().unwrap();
    let other = SimDisk::new();
    let mut writer = open(&other, &sim_options(&other, SyncMode::Always, 4096, 77)).unwrap();
    for number in 0..12 {
        writer.append(&step(&[number])).unwrap();
    }
    let path = segment_path(0).to_str().unwrap().to_owned();
    let stale = other.state().files().remove(&path).unwrap();
    let disk = SimDisk::kill(&state);
    disk.alter(&segment_path(0), |bytes| bytes[tail..].copy_from_slice(&stale[tail..]));
    assert_dropped(&disk, 6, 0, tail);
}

#[test]
fn a_frame_that_fits_in_everything_but_the_salt_is_dead() {
    let state = six_durable_notes();
    let (frames, position) = frames_of(&state, 0);
    let (_, tail) = *frames.last().unwrap();
    let disk = SimDisk::kill(&state);
    let mut file = SegmentFile::open(&disk, &segment_path(0), false).unwrap();
    let segment = file.header().unwrap().unwrap();
    let mut body = Vec::new();
    disk.alter(&segment_path(0), |bytes| {
        let (start, end) = frames[5];
        body.extend_from_slice(&bytes[start..end]);
    });
    let own = FrameHeader::decode(body.first_chunk().unwrap(), seed_of(segment.salt)).unwrap();
    let next = FrameHeader {
        number: position.number,
        first_sequence: position.sequence,
        watermark: position.number,
        previous: position.link,
        flags: FLAG_ORDERED,
        ..own
    };
    let mut salt = segment.salt;
    for (seed, accepted) in [(salt, true), ([salt[0] ^ 1; 8], false), ([0; 8], false)] {
        salt = seed;
        let disk = SimDisk::kill(&state);
        next.clone().encode_over(&mut body, seed_of(salt));
        disk.alter(&segment_path(0), |bytes| {
            bytes[tail..tail + body.len()].copy_from_slice(&body);
        });
        if accepted {
            // The frame repeats note 5, so it was never handed in, but nothing about it is wrong.
            assert_eq!(reopen(&disk).unwrap().next_sequence(), 7);
        } else {
            assert_dropped(&disk, 6, 0, tail);
        }
    }
}

#[test]
fn a_frame_of_lengths_that_do_not_fit_or_with_bytes_behind_its_records_is_dead() {
    let state = six_durable_notes();
    let (frames, _) = frames_of(&state, 0);
    let (start, end) = frames[5];
    let length = start + FRAME_HEADER_BYTES;
    // Note 5 takes 61 bytes behind its length: the frame has one byte of padding.
    let harms: [(usize, u8); 4] = [(length, 60), (length, 62), (length, 39), (end - 1, 1)];
    for (offset, value) in harms {
        let disk = SimDisk::kill(&state);
        disk.alter(&segment_path(0), |bytes| {
            let seed = seed_of(SegmentHeader::decode(bytes).unwrap().salt);
            let frame = &mut bytes[start..end];
            let mut header = FrameHeader::decode(frame.first_chunk().unwrap(), seed).unwrap();
            assert_eq!(header.records_bytes, 63);
            frame[offset - start] = value;
            header.encode_over(frame, seed);
        });
        assert_dropped(&disk, 5, 0, start);
    }
}

#[test]
fn a_whole_frame_that_is_not_the_one_that_the_next_continues_is_damage() {
    // No crash writes one, so it is damage where nothing is proven durable too.
    for state in [six_durable_notes(), unsynced_frames(None)] {
        let (frames, _) = frames_of(&state, 0);
        let (start, end) = frames[2];
        let disk = SimDisk::kill(&state);
        disk.alter(&segment_path(0), |bytes| {
            let seed = seed_of(SegmentHeader::decode(bytes).unwrap().salt);
            let frame = &mut bytes[start..end];
            let mut header = FrameHeader::decode(frame.first_chunk().unwrap(), seed).unwrap();
            header.commit_time = Timestamp::from_nanos(7);
            header.encode_over(frame, seed);
        });
        assert_refused(&disk, FaultClass::Missing);
    }
}

/// A ledger that was recovered and closed, and where its dead bytes begin and end.
fn recovered_behind_dead_bytes() -> (State, usize, usize) {
    let state = six_durable_notes();
    let (frames, _) = frames_of(&state, 0);
    let (start, end) = frames[5];
    let disk = SimDisk::kill(&state);
    disk.alter(&segment_path(0), |bytes| bytes[end - 4] ^= 1);
    reopen(&disk).unwrap().close().unwrap();
    assert_eq!(faults(&disk), []);
    (disk.state(), start, end)
}

#[test]
fn dead_bytes_that_change_after_they_were_told_are_damage_and_so_is_a_byte_behind_them() {
    let (recovered, start, end) = recovered_behind_dead_bytes();
    for harmed in [start, end - 4, end + 40] {
        let disk = SimDisk::kill(&recovered);
        disk.alter(&segment_path(0), |bytes| bytes[harmed] ^= 2);
        let found = faults(&disk);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].class, found[0].segment), (FaultClass::Corrupt, 0));
        assert!((found[0].offset..found[0].end).contains(&(harmed as u64)), "{found:?}");
        // The range begins where the dead bytes do, or behind them.
        assert_eq!(found[0].offset > start as u64, harmed >= end, "{found:?}");
    }
}

#[test]
fn a_recovered_segment_that_is_cut_in_the_zeroes_behind_its_dead_bytes_lost_a_part() {
    let (recovered, _, end) = recovered_behind_dead_bytes();
    let whole = recovered.files()[segment_path(0).to_str().unwrap()].len();
    assert!(whole > end + 100, "there are zeroes behind them");
    for len in end..whole {
        let disk = SimDisk::kill(&recovered);
        disk.alter(&segment_path(0), |bytes| bytes.truncate(len));
        let found = faults(&disk);
        assert_eq!(found.len(), 1, "{len}: {found:?}");
        assert_eq!((found[0].class, found[0].segment), (FaultClass::Missing, 0), "{len}");
    }
}
