//! What is left of a damaged log: which records a signed tree still proves, which one is the bad
//! one, and which trades lost something.
//!
//! A second look at the readable frames, taken only where there is damage. Leaf hashes come from
//! tiles, and a tile is believed only once it leads to a signed root: so a record behind the damage
//! is as well proven as one before it, and inside a damaged frame the first record that is not what
//! was signed has a number.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use super::chain::Task;
use super::report::{FAULTS_LISTED_MAX, ProvableRange, Report, Strength, Verdict};
use crate::checkpoint::{Checkpoint, Tiles};
use crate::event::{Envelope, Event, RecordRef, RunId};
use crate::hash::Digest;
use crate::ledger::frame::{FRAME_HEADER_BYTES, FrameHeader, FrameRef, seed_of};
use crate::ledger::layout::IDENTITY_BYTES;
use crate::ledger::packed::BLOCK_CHECK;
use crate::ledger::scan::{Fault, FaultClass, scan_segment};
use crate::ledger::segment::SegmentHeader;
use crate::ledger::walk::SegmentFile;
use crate::ledger::{Entry, decode};
use crate::merkle::proof::verify_inclusion;
use crate::merkle::tile::TILE_HASHES;

/// A signed tree, and who signed it.
pub(super) struct SignedTree<'c> {
    pub(super) checkpoint: &'c Checkpoint,
    pub(super) by: Vec<String>,
}

/// Looks at a damaged log once more and adds what it finds to the report.
///
/// # Errors
/// The file that could not be read, and why. Tiles that cannot be read prove nothing and are no
/// failure.
pub(super) fn look_again(
    task: &Task<'_>,
    signed: Option<&SignedTree<'_>>,
    trades: bool,
    report: &mut Report,
) -> Result<(), (PathBuf, io::Error)> {
    let mut leaves = signed.map(|signed| Leaves::new(task, signed.checkpoint));
    let (mut proven, mut lost) = (Runs::default(), Trades::default());
    for (place, listed) in task.listing.segments.iter().enumerate() {
        let Ok(header) = &listed.header else { continue };
        if task.deadline.is_over() {
            let what = "what a signed tree still proves: the time budget was used up";
            report.not_checked.push(what.to_owned());
            break;
        }
        let path = task.layout.segment(listed.index);
        let growing = task.live && place + 1 == task.listing.segments.len();
        let looked = SegmentFile::open(task.disk, &path, growing).and_then(|mut file| {
            let follower = task.listing.follower(place);
            let mut visit = |frame: &FrameRef<'_>, _link: Digest| {
                for record in frame.records() {
                    if let Some(leaves) = &mut leaves {
                        leaves.compare(&record, &mut proven, report);
                    }
                    if trades {
                        lost.take(&record);
                    }
                }
            };
            scan_segment(&mut file, header, follower, &mut visit)?;
            let Some(leaves) = &mut leaves else { return Ok(()) };
            let packed = file.packed_bytes().is_some();
            let inside = |fault: &&mut Fault| fault.segment == header.index;
            for fault in report.faults.iter_mut().filter(inside) {
                if fault.check == BLOCK_CHECK {
                    // It says already what was met, and is no frame.
                    continue;
                }
                let Some(stored) = damaged_frame(&mut file, header, fault)? else { continue };
                leaves.look_inside(&stored, packed, fault, |record| {
                    proven.add(record.sequence);
                    if trades {
                        lost.take(record);
                    }
                });
            }
            Ok(())
        });
        looked.map_err(|error| (path, error))?;
    }
    if let Some(signed) = signed {
        report.unanchored = report.records.saturating_sub(signed.checkpoint.size);
        let run = |(from, to)| {
            let (strength, by) = (Strength::Signed, signed.by.clone());
            ProvableRange { from, to, strength, by, witnessed: None }
        };
        raise(report, proven.merged().into_iter().map(run).collect());
    }
    for trade in lost.affected().take(FAULTS_LISTED_MAX) {
        if !report.affected_trades.contains(&trade) {
            report.affected_trades.push(trade);
        }
    }
    Ok(())
}

/// Leaf hashes out of tiles that lead to a signed root.
struct Leaves<'t> {
    tiles: Tiles<'t>,
    size: u64,
    root: Digest,
    /// The tile that was looked at last, if it can be believed.
    tile: Option<(u64, Option<Vec<Digest>>)>,
}

impl<'t> Leaves<'t> {
    fn new(task: &Task<'t>, checkpoint: &Checkpoint) -> Self {
        let (size, root) = (checkpoint.size, checkpoint.root);
        let tiles = Tiles::as_found(task.disk, task.layout, size, root);
        Self { tiles, size, root, tile: None }
    }

    /// The leaf hash that was signed for a sequence, if a believable tile holds it.
    fn at(&mut self, sequence: u64) -> Option<Digest> {
        if sequence >= self.size {
            return None;
        }
        let place = sequence / TILE_HASHES;
        if self.tile.as_ref().is_none_or(|(known, _)| *known != place) {
            self.tile = Some((place, self.believable(place)));
        }
        let (_, row) = self.tile.as_ref()?;
        row.as_ref()?.get(usize::try_from(sequence % TILE_HASHES).ok()?).copied()
    }

    /// A tile's row, if it leads to the root. The path of its first leaf is made of all the others.
    fn believable(&mut self, place: u64) -> Option<Vec<Digest>> {
        let first = place * TILE_HASHES;
        let path = self.tiles.inclusion(first, self.size).ok()??;
        let row = self.tiles.leaves(place).ok()?;
        verify_inclusion(row.first()?, first, self.size, &path, &self.root).ok()?;
        Some(row)
    }

    fn compare(&mut self, record: &RecordRef<'_>, proven: &mut Runs, report: &mut Report) {
        let Some(signed) = self.at(record.sequence) else { return };
        if signed == record.digest() {
            proven.add(record.sequence);
        } else {
            let what = "it is whole, and is not the record that was signed".to_owned();
            report.note(Verdict::Contradicted, record.sequence, what);
        }
    }

    /// Finds the bad record of a damaged frame, and shows those of its records that are what was
    /// signed: the tree vouches for each of them alone.
    fn look_inside(
        &mut self,
        (header, stored): &(FrameHeader, Vec<u8>),
        packed: bool,
        fault: &mut Fault,
        mut show: impl FnMut(&RecordRef<'_>),
    ) {
        let frame = FrameRef { header: *header, offset: fault.offset, stored };
        let mut bad = None;
        let mut next = header.first_sequence;
        for record in frame.records() {
            let Some(signed) = self.at(record.sequence) else { return };
            let actual = record.digest();
            if actual == signed {
                show(&record);
            } else if bad.is_none() {
                bad = Some((record.sequence, signed, Some(actual)));
            }
            next = record.sequence + 1;
        }
        // Where a length does not fit, the records end before the frame does.
        if bad.is_none() && next < header.next_sequence() {
            bad = self.at(next).map(|signed| (next, signed, None));
        }
        let Some((sequence, signed, actual)) = bad else { return };
        fault.sequence = sequence;
        fault.expected = format!("the signed record with leaf {signed}");
        fault.actual = match actual {
            // Nothing damaged is ever packed: these bytes are the zeroes that stand for a block.
            Some(_) if packed => "bytes that could not be unpacked".to_owned(),
            Some(actual) => format!("one with leaf {actual}"),
            None => "a length that does not fit".to_owned(),
        };
    }
}

/// Reads the frame at a fault, if its header can still be read and says that it is there.
fn damaged_frame(
    file: &mut SegmentFile,
    segment: &SegmentHeader,
    fault: &Fault,
) -> io::Result<Option<(FrameHeader, Vec<u8>)>> {
    let head = file.get(fault.offset, FRAME_HEADER_BYTES)?.first_chunk();
    let header = head.and_then(|head| FrameHeader::decode(head, seed_of(segment.salt)).ok());
    let Some(header) = header.filter(|header| header.first_sequence == fault.sequence) else {
        return Ok(None);
    };
    let stored = file.get(fault.offset, header.frame_bytes())?.to_vec();
    Ok((stored.len() == header.frame_bytes()).then_some((header, stored)))
}

/// Sequences as ranges.
#[derive(Default)]
struct Runs(Vec<(u64, u64)>);

impl Runs {
    fn add(&mut self, sequence: u64) {
        match self.0.last_mut() {
            Some((_, to)) if *to == sequence => *to += 1,
            _ => self.0.push((sequence, sequence + 1)),
        }
    }

    /// The ranges in order, those that meet joined.
    fn merged(mut self) -> Vec<(u64, u64)> {
        self.0.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::new();
        for (from, to) in self.0 {
            match merged.last_mut() {
                Some(last) if last.1 >= from => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        merged
    }
}

/// Puts what a signature proves, disjoint ranges in order, in place of what was only
/// self-consistent.
pub(super) fn raise(report: &mut Report, proven: Vec<ProvableRange>) {
    let mut ranges = Vec::new();
    for range in std::mem::take(&mut report.provable) {
        let mut from = range.from;
        let first = proven.partition_point(|better| better.to <= range.from);
        for better in proven[first..].iter().take_while(|better| better.from < range.to) {
            if from < better.from {
                ranges.push(ProvableRange { from, to: better.from, ..range.clone() });
            }
            from = better.to;
        }
        if from < range.to {
            ranges.push(ProvableRange { from, ..range });
        }
    }
    ranges.extend(proven);
    ranges.sort_by_key(|range| range.from);
    report.provable = ranges;
}

/// What the readable records say of trades: those with a part missing are affected.
#[derive(Default)]
struct Trades {
    filled: BTreeSet<(RunId, u64)>,
    /// Both orders of each closed trade.
    closed: BTreeMap<Digest, (RunId, u64, u64)>,
    /// Trades that other records name.
    named: BTreeSet<Digest>,
}

impl Trades {
    fn take(&mut self, record: &RecordRef<'_>) {
        let Ok((Envelope { stamp, .. }, Entry::Event(event))) = decode::<Event>(record) else {
            return;
        };
        match event {
            Event::OrderFilled(fill) => {
                self.filled.insert((stamp.run, fill.order));
            }
            Event::TradeClosed(trade) => {
                if let Ok(hash) = trade.canonical_hash() {
                    let orders = (trade.run, trade.entry.order, trade.exit.order);
                    self.closed.insert(hash, orders);
                }
            }
            Event::SoulprintOutcome(said) => {
                self.named.insert(said.trade);
            }
            Event::BucketObserved(said) => {
                self.named.insert(said.trade);
            }
            Event::RegistryLinked(said) => {
                self.named.insert(said.trade);
            }
            _ => {}
        }
    }

    fn affected(&self) -> impl Iterator<Item = Digest> {
        let lost_fill = self.closed.iter().filter(|(_, (run, entry, exit))| {
            [entry, exit].iter().any(|order| !self.filled.contains(&(*run, **order)))
        });
        let lost_trade = self.named.iter().filter(|trade| !self.closed.contains_key(trade));
        lost_fill.map(|(trade, _)| *trade).chain(lost_trade.copied())
    }
}

/// The fault of a `ledger.id` that is not what was written.
pub(super) fn identity_fault() -> Fault {
    Fault {
        class: FaultClass::Corrupt,
        segment: 0,
        offset: 0,
        end: IDENTITY_BYTES as u64,
        sequence: 0,
        check: "ledger.id".to_owned(),
        expected: "a whole ledger.id".to_owned(),
        actual: "damage".to_owned(),
    }
}

/// Is there damage that leaves records behind?
pub(super) fn is_damaged(report: &Report) -> bool {
    report.faults.iter().any(|fault| fault.class.is_damage())
}
