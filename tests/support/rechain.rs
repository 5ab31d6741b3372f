//! Somebody who rewrites history: edits any stored byte and chains everything behind it anew.

use std::path::{Path, PathBuf};

use schwabot::hash::{self, Digest};

const HEADER: usize = 192;
const FRAME_HEADER: usize = 88;

/// A stretch of a segment that is one link of the chain.
#[derive(Clone)]
pub(crate) struct Link {
    /// Index of the segment.
    pub(crate) segment: usize,
    /// Where it begins.
    pub(crate) offset: usize,
    /// How long it is.
    pub(crate) bytes: usize,
}

/// A ledger's segments in memory.
#[derive(Clone)]
pub(crate) struct Forger {
    paths: Vec<PathBuf>,
    pub(crate) segments: Vec<Vec<u8>>,
    pub(crate) links: Vec<Link>,
}

impl Forger {
    /// Reads all segments of a closed ledger.
    pub(crate) fn read(ledger: &Path) -> Self {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(ledger.join("segments"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "seg"))
            .collect();
        paths.sort();
        let segments: Vec<Vec<u8>> =
            paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
        let mut links = Vec::new();
        for (segment, bytes) in segments.iter().enumerate() {
            links.push(Link { segment, offset: 0, bytes: HEADER });
            let mut offset = HEADER;
            while bytes.len() >= offset + FRAME_HEADER && bytes[offset..offset + 4] != [0; 4] {
                let length = &bytes[offset + 12..offset + 16];
                let records = u32::from_le_bytes(length.try_into().unwrap()) as usize;
                let whole = FRAME_HEADER + records.next_multiple_of(8);
                links.push(Link { segment, offset, bytes: whole });
                offset += whole;
            }
        }
        Self { paths, segments, links }
    }

    /// Flips bits of one byte; nothing is chained yet.
    pub(crate) fn flip(&mut self, segment: usize, offset: usize, mask: u8) {
        self.segments[segment][offset] ^= mask;
    }

    /// Gives every link its place in a chain of what is there now, checksums included.
    pub(crate) fn rechain(&mut self) {
        let mut previous = Digest::ZERO;
        let mut seed = 0;
        for Link { segment, offset, bytes } in &self.links {
            let stored = &mut self.segments[*segment][*offset..offset + bytes];
            if *offset == 0 {
                stored[104..136].copy_from_slice(&previous.0);
                let checksum = crc32c::crc32c(&stored[12..]);
                stored[8..12].copy_from_slice(&checksum.to_le_bytes());
                seed = crc32c::crc32c(&stored[48..56]);
            } else {
                stored[56..88].copy_from_slice(&previous.0);
                let body = crc32c::crc32c_append(seed, &stored[FRAME_HEADER..]);
                stored[4..8].copy_from_slice(&body.to_le_bytes());
                let checksum = crc32c::crc32c_append(seed, &stored[4..FRAME_HEADER]);
                stored[..4].copy_from_slice(&checksum.to_le_bytes());
            }
            previous = hash::link(stored);
        }
    }

    /// Writes the segments back, as far as they changed.
    pub(crate) fn write(&self) {
        for (path, bytes) in self.paths.iter().zip(&self.segments) {
            std::fs::write(path, bytes).unwrap();
        }
    }

    /// Where each record's bytes are, of all frames before a link: segment, offset, length.
    pub(crate) fn records_before(&self, link: usize) -> Vec<(usize, usize, usize)> {
        let mut found = Vec::new();
        for link in self.links[..link].iter().filter(|link| link.offset > 0) {
            let stored = &self.segments[link.segment];
            let length = &stored[link.offset + 12..link.offset + 16];
            let records = u32::from_le_bytes(length.try_into().unwrap()) as usize;
            let mut at = link.offset + FRAME_HEADER;
            let end = at + records;
            while at < end {
                let bytes = u16::from_le_bytes([stored[at], stored[at + 1]]) as usize;
                found.push((link.segment, at + 2, bytes));
                at += 2 + bytes;
            }
        }
        found
    }

    /// Offsets of record bytes, prefixes left out, of all frames before a link.
    pub(crate) fn record_bytes_before(&self, link: usize) -> Vec<(usize, usize)> {
        let records = self.records_before(link).into_iter();
        records
            .flat_map(|(segment, at, bytes)| (at..at + bytes).map(move |o| (segment, o)))
            .collect()
    }
}
