//! Everything that a second verifier needs to check what an audit says, as files.
//!
//! | file | holds |
//! |---|---|
//! | `report.json` | the report, the program's version with it |
//! | `ledger.id` | the ledger's identity |
//! | `notes/N.note` | the signed notes that were held against the log, the outside ones too |
//! | `consistency/M-N.txt` | path from the tree of M records to that of N, as in `FORMAT.md` |
//! | `faults/N.bin` | the bytes of a damaged range, at most 64 KiB; N is its place in the report |
//! | `faults/N.zst` | of a packed segment instead: what it stores for that range, a block at most |
//! | `misbehaviour.txt` | proof that the log's key signed two histories, where there is one |

use std::path::Path;
use std::sync::Arc;

use super::report::Report;
use super::{AuditError, VerifyOptions};
use crate::checkpoint::{Consistency, Note, consistency_path, read_notes};
use crate::event::Event;
use crate::hash::Digest;
use crate::ledger::disk::{Disk, read_whole};
use crate::ledger::layout::{IDENTITY_BYTES, Layout};
use crate::ledger::packed::STORED_BYTES_MAX;
use crate::ledger::walk::SegmentFile;
use crate::ledger::{LedgerError, Reader, at};

/// Bytes that are kept of each damaged range.
const FAULT_BYTES_MAX: usize = 64 << 10;
/// Damaged ranges that are kept.
const FAULTS_MAX: usize = 100;

/// A file of a bundle: its path below the bundle, and its bytes.
pub type BundleFile = (String, Vec<u8>);

/// Collects the evidence behind a report.
///
/// # Errors
/// Failures of the machine.
pub fn bundle(
    path: &Path,
    options: &VerifyOptions,
    report: &Report,
) -> Result<Vec<BundleFile>, AuditError> {
    let (disk, layout) = (&*options.disk, Layout::new(path));
    let mut files = vec![("report.json".to_owned(), report_json(report))];
    let identity = layout.identity();
    if let Ok(bytes) = read_whole(disk, &identity, IDENTITY_BYTES) {
        files.push(("ledger.id".to_owned(), bytes));
    }
    let notes = read_notes(disk, &layout)?.into_iter().filter_map(|file| file.note.ok());
    let outside = options.against.iter().chain(&options.since).cloned();
    let mut notes: Vec<Note> = notes.chain(outside).collect();
    notes.sort_by_key(|note| note.checkpoint().size);
    notes.dedup();
    for (note, place) in notes.iter().zip(0..) {
        files.push((format!("notes/{place}.note"), note.to_string().into_bytes()));
    }
    faults(disk, &layout, report, &mut files)?;
    if let Some(proof) = &report.misbehaviour {
        files.push(("misbehaviour.txt".to_owned(), proof.clone().into_bytes()));
    }
    if report.head.is_some() {
        let reader: Reader<Event> = Reader::open_any(Arc::clone(&options.disk), path)?;
        consistency(&reader, report, &mut files)?;
    }
    Ok(files)
}

/// The report and who wrote it.
fn report_json(report: &Report) -> Vec<u8> {
    #[derive(serde::Serialize)]
    struct Told<'r> {
        program: &'static str,
        version: &'static str,
        report: &'r Report,
    }
    let (program, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    // A report holds nothing that JSON cannot say.
    serde_json::to_vec_pretty(&Told { program, version, report }).unwrap_or_default()
}

fn faults(
    disk: &dyn Disk,
    layout: &Layout,
    report: &Report,
    files: &mut Vec<BundleFile>,
) -> Result<(), LedgerError> {
    for (fault, place) in report.faults.iter().zip(0..).take(FAULTS_MAX) {
        let path = layout.segment(fault.segment);
        let Ok(mut file) = SegmentFile::open(disk, &path, true) else { continue };
        // What cannot be unpacked reads as zeroes, which stand nowhere.
        let stored = file.stored(fault.offset..fault.end, STORED_BYTES_MAX);
        if let Some(stored) = stored.map_err(at("read", &path))? {
            files.push((format!("faults/{place}.zst"), stored));
            continue;
        }
        let bytes = fault.end - fault.offset.min(fault.end);
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).min(FAULT_BYTES_MAX);
        let bytes = file.get(fault.offset, bytes).map_err(at("read", &path))?.to_vec();
        files.push((format!("faults/{place}.bin"), bytes));
    }
    Ok(())
}

/// Paths from each checkpoint that holds to the next, and from the last to the head.
fn consistency(
    reader: &Reader<Event>,
    report: &Report,
    files: &mut Vec<BundleFile>,
) -> Result<(), LedgerError> {
    let held = report.checkpoints.iter().filter(|checkpoint| checkpoint.holds == Some(true));
    let head = report.head.iter().map(|head| (head.size, head.root));
    let mut trees: Vec<(u64, Digest)> =
        held.map(|checkpoint| (checkpoint.size, checkpoint.root)).chain(head).collect();
    trees.sort_unstable();
    trees.dedup();
    for pair in trees.windows(2) {
        let [from, to] = pair else { continue };
        let Some(path) = consistency_path(reader, from.0, *to)? else { continue };
        let proof = Consistency { from: *from, to: *to, path };
        let name = format!("consistency/{}-{}.txt", from.0, to.0);
        files.push((name, proof.to_string().into_bytes()));
    }
    Ok(())
}
