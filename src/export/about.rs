//! What an export was made from, and the one walk over the log that makes it.
//!
//! Invariants: every record from the first to the end of the log is read, its link checked and its
//! leaf hashed, whatever the range: so the head that an export states is that of the very bytes it
//! was made of; nothing of it knows a path, a clock or a machine.

use serde::Serialize;

use super::error::ExportError;
use crate::event::{Envelope, Event, RecordRef};
use crate::hash::{self, Digest};
use crate::ledger::{Entry, Head, LedgerEnd, Reader, decode};
use crate::merkle::CompactRange;

/// Version of what exports say about themselves, and of their tables.
const SCHEMA: u32 = 1;

/// Which records are exported, whether a file may be replaced, and when to stop.
pub struct Request<'a> {
    /// The first record.
    pub from: u64,
    /// The last record; none for the end of the log.
    pub to: Option<u64>,
    /// Whether files that are there are replaced.
    pub force: bool,
    /// Asked between frames; the export stops when it says no.
    pub go_on: &'a dyn Fn() -> bool,
}

impl Default for Request<'_> {
    fn default() -> Self {
        Self { from: 0, to: None, force: false, go_on: &|| true }
    }
}

/// What an export was made from: stands in every export, in the way of its format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct About {
    /// Always `export`.
    pub r#type: &'static str,
    /// Version of this object and of the tables.
    pub schema: u32,
    /// The format's name.
    pub format: &'static str,
    /// What is exported.
    pub table: &'static str,
    /// Names of the columns, in order.
    pub columns: Vec<String>,
    /// The ledger's id, in hex.
    pub ledger: String,
    /// Sequence of the first record of the range; none where the log is empty.
    pub first: Option<u64>,
    /// Sequence of its last record.
    pub last: Option<u64>,
    /// How many records the whole log held, and the RFC 6962 root over them.
    pub head: Head,
    /// Link of the log's last frame.
    pub chain_head: Digest,
    /// How the log ended.
    pub end: LedgerEnd,
    /// Records at its end that no later frame proves durable.
    pub unproven: u64,
    /// Rows, or events.
    pub rows: u64,
}

/// The range of an export, checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    first: u64,
    /// One after the last.
    end: u64,
}

impl Scope {
    pub(super) fn of(reader: &Reader<Event>, request: &Request<'_>) -> Result<Self, ExportError> {
        let records = reader.len();
        if records == 0 && request.from == 0 && request.to.is_none() {
            return Ok(Self { first: 0, end: 0 });
        }
        let to = request.to.unwrap_or_else(|| records.saturating_sub(1));
        if request.from > to || to >= records {
            return Err(ExportError::Range { from: request.from, to, records });
        }
        Ok(Self { first: request.from, end: to + 1 })
    }

    fn holds(&self, sequence: u64) -> bool {
        (self.first..self.end).contains(&sequence)
    }
}

impl About {
    /// What is known before the log was read: the root is still that of nothing, and no row counts.
    pub(super) fn new(
        reader: &Reader<Event>,
        scope: Scope,
        (format, table): (&'static str, &'static str),
        columns: Vec<String>,
    ) -> Self {
        let some = scope.end > scope.first;
        Self {
            r#type: "export",
            schema: SCHEMA,
            format,
            table,
            columns,
            ledger: hash::in_hex(&reader.identity().ledger),
            first: some.then_some(scope.first),
            last: some.then_some(scope.end.saturating_sub(1)),
            head: Head { size: reader.len(), root: Digest::ZERO },
            chain_head: reader.chain_head(),
            end: reader.end(),
            unproven: reader.unproven(),
            rows: u64::MAX,
        }
    }
}

/// Takes one record; the last argument says whether it is in the range.
pub(super) type Take<'a> =
    dyn FnMut(&RecordRef<'_>, &Envelope, &Entry<Event>, bool) -> Result<(), ExportError> + 'a;

/// Reads the whole log once, and returns the root over all of its records.
pub(super) fn walk(
    reader: &Reader<Event>,
    scope: Scope,
    go_on: &dyn Fn() -> bool,
    take: &mut Take<'_>,
) -> Result<Digest, ExportError> {
    let mut tree = CompactRange::new(0);
    let mut leaves: Vec<Digest> = Vec::new();
    let mut cursor = reader.cursor(0)?;
    while let Some(frame) = cursor.next_frame()? {
        if !go_on() {
            return Err(ExportError::Stopped);
        }
        leaves.clear();
        hash::leaves(frame.records().map(|record| record.bytes), &mut leaves);
        tree.push_row(&mut leaves);
        for record in frame.records().take_while(|record| record.sequence < scope.end) {
            let sequence = record.sequence;
            let (envelope, entry) =
                decode::<Event>(&record).map_err(ExportError::record(sequence))?;
            take(&record, &envelope, &entry, scope.holds(sequence))?;
        }
    }
    Ok(tree.span_root())
}
