//! Packed segments: whatever stands in the place of one, no reader is told another history.

use std::sync::OnceLock;

use schwabot::audit::{Verdict, verify};
use schwabot::ledger::packed::{CHECKS_LAYOUT, PACKED_SUFFIX, pack, unpack};
use schwabot::ledger::{SyncMode, Writer};

use super::Taken;
use super::ledgers::shown;
use crate::support::notes::{Note, step};
use crate::support::sim_disk::{SimDisk, State, Unsynced};
use crate::support::sim_ledger::{ledger_path, sim_options, verifying};

/// A closed ledger whose ended segments stand packed, and what it holds.
struct Packed {
    state: State,
    records: Vec<Vec<u8>>,
    /// Each packed file's path, with the original's bytes.
    originals: Vec<(String, Vec<u8>)>,
}

/// Some segments are one block, some several.
fn packed() -> &'static Packed {
    static PACKED: OnceLock<Packed> = OnceLock::new();
    PACKED.get_or_init(|| {
        let disk = SimDisk::new();
        for (epoch, segment_bytes, steps) in [(1, 1024, 8), (2, 160 << 10, 30), (3, 1024, 3)] {
            let options = sim_options(&disk, SyncMode::End, segment_bytes, epoch);
            let mut writer: Writer<Note> = Writer::open(&ledger_path(), &options).unwrap();
            for number in 0..steps {
                let numbers: Vec<u64> = (0..if epoch == 2 { 80 } else { 1 }).collect();
                writer.append(&step(&numbers[..])).unwrap();
                writer.append(&step(&[number])).unwrap();
            }
            writer.close().unwrap();
        }
        let (before, records) = (disk.state().files(), shown(&disk).unwrap());
        pack(&disk, &ledger_path()).unwrap();
        let disk = SimDisk::cut_power(&disk.state(), Unsynced::Kept);
        let files = disk.state().files();
        let originals = files.keys().filter_map(|path| {
            let original = before.get(path.strip_suffix(PACKED_SUFFIX)?)?;
            Some((path.clone(), original.clone()))
        });
        let originals: Vec<_> = originals.collect();
        let several = originals.iter().any(|(_, original)| original.len() > 128 << 10);
        assert!(originals.len() > 2 && several, "some of one block and some of several");
        Packed { state: disk.state(), records, originals }
    })
}

/// Makes the checksum of the table fit the rest of it, wherever the footer says that it begins.
fn fix_table(file: &mut [u8]) {
    let (_, header_at, header_bytes) = CHECKS_LAYOUT[CHECKS_LAYOUT.len() - 1];
    let Some(footer) = file.len().checked_sub(9) else { return };
    let count = u32::from_le_bytes(file[footer..footer + 4].try_into().unwrap()) as usize;
    let bytes = count.saturating_mul(12).saturating_add(header_at + header_bytes + 17);
    let Some(begin) = file.len().checked_sub(bytes) else { return };
    let end = &mut file[begin..];
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&end[..16]), &end[20..]);
    end[16..20].copy_from_slice(&checksum.to_le_bytes());
}

/// The first byte chooses the file, the second how the rest changes it.
///
/// What is shown is what was written, from its beginning; no altered byte is called intact, but
/// where the table was forged to fit; and what is unpacked is the original.
pub(super) fn segment(bytes: &[u8]) -> bool {
    let mut script = Taken(bytes);
    let sound = packed();
    let disk = SimDisk::kill(&sound.state);
    let (path, original) = &sound.originals[usize::from(script.byte()) % sound.originals.len()];
    let how = script.byte();
    let forged = how & 4 == 4;
    let before = disk.state().files()[path].clone();
    disk.alter(std::path::Path::new(path), |file| {
        match how % 4 {
            0 => *file = script.0.to_vec(),
            // Whole pieces of the file, cut out.
            1 => {
                let (from, count) = (script.short(), script.short());
                let from = usize::from(from) % (file.len() + 1);
                let to = (from + usize::from(count)).min(file.len());
                file.drain(from..to);
            }
            // From the end, where the table is; and from the beginning.
            way => {
                for edit in script.0.chunks_exact(3) {
                    let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % file.len();
                    let at = if way == 2 { file.len() - 1 - at } else { at };
                    file[at] ^= edit[2];
                }
            }
        }
        if forged {
            fix_table(file);
        }
    });
    let altered = disk.state().files()[path] != before;

    let seen = shown(&disk);
    if let Ok(records) = &seen {
        assert!(sound.records.starts_with(records), "another record is shown");
    }
    let report = verify(&ledger_path(), &verifying(&disk));
    if let Ok(report) = &report {
        serde_json::to_string(report).unwrap();
        if report.verdict() == Verdict::Intact {
            assert!(forged || !altered, "altered and called intact");
            assert_eq!(seen.as_ref().ok(), Some(&sound.records), "intact and not whole");
        }
    }
    let files = disk.state().files();
    let unpacked = unpack(&disk, &ledger_path());
    let now = disk.state().files();
    if unpacked.is_ok() {
        let name = path.strip_suffix(PACKED_SUFFIX).unwrap();
        assert!(forged || now.get(name) == Some(original), "unpacked to something else");
        assert_eq!(shown(&disk).as_ref().ok(), Some(&sound.records), "unpacked and not whole");
    } else {
        assert_eq!(now.get(path), files.get(path), "what cannot be unpacked stays");
    }
    report.is_ok()
}

/// A file as it is, pieces cut out, and changes from both ends.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let file = packed().state.files()[&packed().originals[0].0].clone();
    let whole = [&[0, 0], file.as_slice()].concat();
    let fixed = [&[0, 4], file.as_slice()].concat();
    let edits: [&[u8]; 6] = [
        &[1, 1, 9, 0, 3, 0],
        &[1, 5, 0, 1, 0, 1],
        &[0, 2, 4, 0, 1],
        &[0, 6, 20, 0, 1, 9, 0, 255],
        &[2, 3, 0, 0, 1, 40, 0, 7],
        &[2, 7, 0, 0, 1, 40, 0, 7],
    ];
    edits.map(<[u8]>::to_vec).into_iter().chain([whole, fixed]).collect()
}
