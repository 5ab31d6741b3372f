//! What is written beside a ledger must not land in one: a stranger's file among the segments, or a
//! backup within what it backs up.

use std::io;
use std::path::Path;

use super::disk::{Access, Disk};
use super::layout::Layout;
use super::packed::stored_index_of;

/// Directories that are looked at on the way up to a ledger.
const DEPTH_MAX: usize = 64;

/// Is there a ledger at the directory or anywhere above it? First by the words of its path, and
/// then step by step from the directory itself, which finds a ledger behind a link.
pub(crate) fn is_inside_ledger(disk: &dyn Disk, dir: &Path) -> bool {
    let by_words =
        dir.ancestors().map(|place| if place == Path::new("") { Path::new(".") } else { place });
    if by_words.clone().any(|place| holds_ledger(disk, place)) {
        return true;
    }
    let is_there = |place: &&Path| {
        disk.list(place).err().is_none_or(|error| error.kind() != io::ErrorKind::NotFound)
    };
    let mut places = by_words;
    let Some(mut place) = places.find(is_there).map(Path::to_owned) else { return false };
    for _ in 0..DEPTH_MAX {
        if holds_ledger(disk, &place) {
            return true;
        }
        place.push("..");
    }
    false
}

/// One that lost its `ledger.id` is a ledger still: its segments tell.
pub(super) fn holds_ledger(disk: &dyn Disk, place: &Path) -> bool {
    let layout = Layout::new(place);
    let is_segment = |name: &String| stored_index_of(name).is_some();
    disk.open(&layout.identity(), Access::Read).is_ok()
        || disk.list(&layout.segments()).is_ok_and(|names| names.iter().any(is_segment))
}
