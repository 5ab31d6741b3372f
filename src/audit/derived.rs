//! The files that are derived from the log: indexes, tiles, snapshots. Nothing rests on them, so
//! damage there changes no verdict; it is named, because whoever meets it wants to know.
//!
//! Looked at from level `tree` on, where the log itself is whole, all of it was read and no
//! writer is at work. An index is held against the tree and the links that this audit came to, a
//! tile against the tree of the newest checkpoint, a snapshot against the digest in its name.

use std::io;
use std::path::Path;

use serde::Serialize;

use super::chain::{ChainResult, Task};
use super::report::Report;
use crate::checkpoint::check_tiles;
use crate::hash::{Digest, FileHasher};
use crate::ledger::clock::Deadline;
use crate::ledger::disk::{Access, Disk, ended_early};
use crate::ledger::index::SegmentIndex;
use crate::ledger::layout::{Layout, SNAPSHOT_BYTES_MAX, SNAPSHOT_SUFFIX};
use crate::ledger::segment::LedgerId;
use crate::merkle::CompactRange;

/// Bytes of a snapshot that are read at a time.
const PIECE_BYTES: usize = 1 << 20;

/// A derived file that is not what the log says. It may be deleted: nothing rests on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DerivedDamage {
    /// Where it is, below the ledger's directory.
    pub path: String,
    /// What is wrong with it.
    pub what: String,
}

/// How a segment ends in the log: what its index must say.
#[derive(Debug, Clone)]
pub(super) struct SegmentTruth {
    pub(super) segment: u64,
    pub(super) end_link: Digest,
    /// The tree of all records up to there.
    pub(super) tree: CompactRange,
}

/// Names every derived file that is damaged.
pub(super) fn check(task: &Task<'_>, chain: &ChainResult, report: &mut Report) {
    let Some((ledger, _)) = task.listing.owner() else { return };
    for truth in chain.ends.iter().take_while(|_| !task.deadline.is_over()) {
        if let Some(what) = index_damage(task.disk, task.layout, ledger, truth) {
            tell(report, task.layout, &task.layout.index(truth.segment), what);
        }
    }
    let holding = report.checkpoints.iter().filter(|found| found.holds == Some(true));
    let newest = holding.map(|found| found.size).max();
    let signed = chain.newest_tree.as_ref().filter(|tree| Some(tree.end()) == newest);
    if let Some(tree) = signed {
        let mut go_on = || !task.deadline.is_over();
        check_tiles(task.disk, task.layout, tree, &mut go_on, &mut |tile, what| {
            tell(report, task.layout, &task.layout.tile(tile), what);
        });
    } else if task.disk.list(&task.layout.tiles()).is_ok_and(|names| !names.is_empty()) {
        let what = "no checkpoint that holds says whose tiles these are".to_owned();
        tell(report, task.layout, &task.layout.tiles(), what);
    }
    let folder = task.layout.snapshots();
    for name in task.disk.list(&folder).unwrap_or_default() {
        let digest = name.strip_suffix(SNAPSHOT_SUFFIX).and_then(|name| name.split_once('-'));
        let Some(Ok(digest)) = digest.map(|(_, digest)| digest.parse::<Digest>()) else { continue };
        let path = folder.join(&name);
        let what = match digest_of(task.disk, &path, task.deadline) {
            _ if task.deadline.is_over() => break,
            Ok(found) if found == digest => continue,
            Ok(found) => format!("its bytes have the digest {found}"),
            Err(error) => format!("it cannot be read: {error}"),
        };
        tell(report, task.layout, &path, what);
    }
    if task.deadline.is_over() {
        let what = "derived files: the time budget was used up".to_owned();
        report.not_checked.push(what);
    }
}

fn tell(report: &mut Report, layout: &Layout, path: &Path, what: String) {
    let path = path.strip_prefix(layout.root()).unwrap_or(path);
    report.note_derived(DerivedDamage { path: path.display().to_string(), what });
}

/// What is wrong with a segment's index; none where it is sound, or missing.
fn index_damage(
    disk: &dyn Disk,
    layout: &Layout,
    ledger: LedgerId,
    truth: &SegmentTruth,
) -> Option<String> {
    match disk.open(&layout.index(truth.segment), Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return Some(format!("it cannot be read: {error}")),
        Ok(_) => {}
    }
    let Some(index) = SegmentIndex::read(disk, layout, ledger, truth.segment) else {
        return Some("it is no index of this segment".to_owned());
    };
    let says = (index.end_link, index.next_sequence, index.tree());
    let fits = says == (truth.end_link, truth.tree.end(), Some(truth.tree.clone()));
    (!fits).then(|| "it does not say where the segment ends".to_owned())
}

fn digest_of(disk: &dyn Disk, path: &Path, deadline: Deadline) -> io::Result<Digest> {
    let file = disk.open(path, Access::Read)?;
    let (len, mut done, mut hasher) = (file.len()?, 0, FileHasher::default());
    if len > SNAPSHOT_BYTES_MAX as u64 {
        let what = format!("it has {len} bytes, and none has more than {SNAPSHOT_BYTES_MAX}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    let mut piece = vec![0; PIECE_BYTES.min(usize::try_from(len).unwrap_or(usize::MAX))];
    while done < len && !deadline.is_over() {
        let read = file.read_at(&mut piece, done)?;
        if read == 0 {
            return Err(ended_early());
        }
        hasher.update(&piece[..read]);
        done += read as u64;
    }
    Ok(hasher.finish())
}
