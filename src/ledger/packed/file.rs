//! Reading a packed segment at the offsets of the original.
//!
//! Memory: the table, 25 bytes a block of at most 65,536; one stored block; and what the caller
//! asked for, in whole blocks. A block that cannot be brought back reads as zeroes, which no frame
//! is made of, so that a walk goes on behind it as behind any damage; the segment's header in the
//! first one is read from the table then. What was wrong is kept for whoever judges.

use std::io;
use std::ops::Range;
use std::path::Path;

use super::codec::Unpacker;
use super::table::{BLOCK_BYTES, Block, Table, block_len, read_exactly};
use super::{BLOCK_CHECK, TABLE_CHECK};
use crate::ledger::disk::{Access, Disk, DiskFile};

/// What is not as it was packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ledger) struct Damage {
    /// The check that failed.
    pub(in crate::ledger) check: &'static str,
    /// Bytes of the original that it concerns: none for a table.
    pub(in crate::ledger) start: u64,
    pub(in crate::ledger) end: u64,
    pub(in crate::ledger) expected: String,
    pub(in crate::ledger) actual: String,
}

/// A packed segment, open for reading.
pub(in crate::ledger) struct PackedFile {
    file: Box<dyn DiskFile>,
    table: Table,
    /// Blocks that were read at least once.
    seen: Vec<bool>,
    damage: Vec<Damage>,
    unpacker: Unpacker,
    /// Lends its memory to each stored block.
    stored: Vec<u8>,
    stored_bytes: u64,
}

impl PackedFile {
    pub(in crate::ledger) fn open(disk: &dyn Disk, path: &Path) -> io::Result<Self> {
        let file = disk.open(path, Access::Read)?;
        let stored_bytes = file.len()?;
        let table = Table::read(&*file)?;
        let seen = vec![false; table.blocks.len()];
        let mut damage = Vec::new();
        if let Some(expected) = table.damage {
            let actual = format!("{} blocks and other bytes", table.blocks.len());
            let (start, expected) = (table.len, expected.to_owned());
            damage.push(Damage { check: TABLE_CHECK, start, end: start, expected, actual });
        }
        let (unpacker, stored) = (Unpacker::new()?, Vec::new());
        Ok(Self { file, table, seen, damage, unpacker, stored, stored_bytes })
    }

    /// The original's length.
    pub(in crate::ledger) fn len(&self) -> u64 {
        self.table.len
    }

    /// The packed file's length.
    pub(in crate::ledger) fn stored_bytes(&self) -> u64 {
        self.stored_bytes
    }

    pub(in crate::ledger) fn take_damage(&mut self) -> Vec<Damage> {
        std::mem::take(&mut self.damage)
    }

    /// Returns the stored bytes behind a range of the original, at most so many: those of its
    /// blocks, or what stands behind the last block where the range is empty.
    pub(in crate::ledger) fn stored(&self, range: Range<u64>, most: usize) -> io::Result<Vec<u8>> {
        let block = BLOCK_BYTES as u64;
        let places = range.start / block..range.end.div_ceil(block);
        let blocks = (0_u64..).zip(&self.table.blocks);
        let held = blocks.filter(|(place, _)| !range.is_empty() && places.contains(place));
        let mut held = held.map(|(_, held)| held);
        let ends = |held: &Block| held.offset + u64::from(held.stored);
        let (start, end) = match (held.next(), held.last()) {
            (Some(first), last) => (first.offset, ends(last.unwrap_or(first))),
            (None, _) => (self.table.blocks.last().map_or(0, ends), self.stored_bytes),
        };
        let bytes = usize::try_from(end - start).unwrap_or(usize::MAX).min(most);
        let mut stored = vec![0; bytes];
        read_exactly(&*self.file, &mut stored, start)?;
        Ok(stored)
    }

    /// Fills `bytes` with the original's from `offset`, where a block begins; it ends where one
    /// ends.
    pub(in crate::ledger) fn read(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let first = usize::try_from(offset / BLOCK_BYTES as u64).unwrap_or(usize::MAX);
        for (place, block) in (first..).zip(bytes.chunks_mut(BLOCK_BYTES)) {
            self.read_block(place, block)?;
        }
        Ok(())
    }

    pub(in crate::ledger) fn read_the_rest(&mut self) -> io::Result<()> {
        let mut block = vec![0; BLOCK_BYTES];
        for place in 0..self.seen.len() {
            if !self.seen[place] {
                let len = block_len(self.table.len, place);
                self.read_block(place, &mut block[..len])?;
            }
        }
        Ok(())
    }

    fn read_block(&mut self, place: usize, bytes: &mut [u8]) -> io::Result<()> {
        let Some(Block { offset, stored, checksum }) = self.table.blocks.get(place).copied() else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        self.stored.resize(stored as usize, 0);
        read_exactly(&*self.file, &mut self.stored, offset)?;
        let found = crc32c::crc32c(&self.stored);
        let whole = self.unpacker.unpack(&self.stored, bytes);
        if !whole {
            bytes.fill(0);
            if let Some(header) = self.table.header.filter(|_| place == 0)
                && let Some(first) = bytes.first_chunk_mut()
            {
                *first = header;
            }
        }
        let is_new = !std::mem::replace(&mut self.seen[place], true);
        let fits = checksum.is_none_or(|checksum| checksum == found);
        if is_new && !(whole && fits) {
            let start = place as u64 * BLOCK_BYTES as u64;
            let (expected, actual) = match checksum.filter(|_| !fits) {
                Some(checksum) => (format!("checksum {checksum:08x}"), format!("{found:08x}")),
                None => (format!("{} bytes", bytes.len()), "what cannot be unpacked".to_owned()),
            };
            let end = start + bytes.len() as u64;
            self.damage.push(Damage { check: BLOCK_CHECK, start, end, expected, actual });
        }
        Ok(())
    }
}
