//! Receipts: one record, its place, its path to a signed root. A C2SP tlog-proof.
//!
//! A receipt stands alone: with a policy, and nothing else, it shows that the record is in the log
//! that the checkpoint is of. Besides the record it reveals hashes only.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::lines::{Lines, write_path};
use super::note::{NOTE_BYTES_MAX, Note, NoteError, parse_size};
use super::policy::{Met, Policy, PolicyError};
use crate::event::RecordRef;
use crate::event::record::RECORD_BYTES_MAX;
use crate::hash::{self, Digest};
use crate::merkle::proof::{ProofError, verify_inclusion};

/// The first line of every receipt, by which its file is known.
pub const RECEIPT_FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
/// Bytes of the longest receipt that is read: the longest record in base64, the longest path, a
/// note.
pub const RECEIPT_BYTES_MAX: usize = RECORD_BYTES_MAX.div_ceil(3) * 4 + 64 * 64 + NOTE_BYTES_MAX;

/// Proof that a record is in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The record's bytes.
    pub record: Vec<u8>,
    /// Its sequence.
    pub sequence: u64,
    /// From the leaf's sibling to the root's child.
    pub path: Vec<Digest>,
    /// The signed root.
    pub note: Note,
}

/// Why a receipt proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// It is none.
    #[error("line {line} of the receipt: expected {expected}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// Its checkpoint is none.
    #[error("its checkpoint: {0}")]
    Note(#[from] NoteError),
    /// The record is not where it says.
    #[error("record {sequence} is not proven: {source}")]
    Path {
        /// The sequence that the receipt names.
        sequence: u64,
        /// What does not fit.
        source: ProofError,
    },
    /// Nobody who counts signed the root.
    #[error("its checkpoint does not meet the policy: {0}")]
    Policy(#[from] PolicyError),
}

impl Receipt {
    /// Reads a receipt; nothing is verified yet.
    ///
    /// # Errors
    /// [`ReceiptError::Line`] and [`ReceiptError::Note`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let bad = |(line, expected)| ReceiptError::Line { line, expected };
        if bytes.len() > RECEIPT_BYTES_MAX {
            return Err(NoteError::TooLong.into());
        }
        let text = str::from_utf8(bytes).map_err(|_| bad((1, "UTF-8 text")))?;
        let mut lines = Lines::new(text);
        lines.exactly(RECEIPT_FIRST_LINE).map_err(bad)?;
        let base64 = |text| BASE64.decode(text).ok().filter(|it| it.len() <= RECORD_BYTES_MAX);
        let record = lines.take("extra ", base64, "`extra` and the record in base64");
        let record = record.map_err(bad)?;
        let sequence = lines.take("index ", parse_size, "`index` and a sequence").map_err(bad)?;
        let (path, note) = lines.path().map_err(bad)?;
        Ok(Self { record, sequence, path, note: Note::parse(note.as_bytes())? })
    }

    /// Verifies path and signatures.
    ///
    /// # Errors
    /// [`ReceiptError::Path`] when the record is not under the root, [`ReceiptError::Policy`] when
    /// the root is not signed by whom the policy believes.
    pub fn verify(&self, policy: &Policy) -> Result<Met, ReceiptError> {
        self.verify_path()?;
        Ok(policy.judge(&self.note)?)
    }

    /// Verifies only that the record is under the root, whoever signed it.
    ///
    /// # Errors
    /// [`ReceiptError::Path`].
    pub fn verify_path(&self) -> Result<(), ReceiptError> {
        let checkpoint = self.note.checkpoint();
        let (leaf, sequence) = (hash::leaf(&self.record), self.sequence);
        verify_inclusion(&leaf, sequence, checkpoint.size, &self.path, &checkpoint.root)
            .map_err(|source| ReceiptError::Path { sequence, source })
    }

    /// The record at its place.
    #[must_use]
    pub fn record(&self) -> RecordRef<'_> {
        RecordRef { sequence: self.sequence, bytes: &self.record }
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extra = BASE64.encode(&self.record);
        writeln!(f, "{RECEIPT_FIRST_LINE}\nextra {extra}\nindex {}", self.sequence)?;
        write_path(&self.path, f)?;
        write!(f, "\n{}", self.note)
    }
}
