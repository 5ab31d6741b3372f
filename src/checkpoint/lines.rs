//! The texts that receipts, requests and proofs are: lines of a word and a value, a path of hashes,
//! an empty line, and what follows it.

use std::fmt;

use super::note::{encode_digest, parse_digest};
use crate::hash::Digest;

/// A line that is not what belongs there: its number, from 1, and what does.
pub(super) type Unexpected = (usize, &'static str);

/// A text that is read line by line.
pub(super) struct Lines<'t> {
    rest: &'t str,
    line: usize,
}

impl<'t> Lines<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { rest: text, line: 0 }
    }

    /// Takes a line that must be this one.
    pub(super) fn exactly(&mut self, line: &'static str) -> Result<(), Unexpected> {
        self.take("", |text| (text == line).then_some(()), line)
    }

    /// Takes a line that must begin with a word; `read` makes a value of what follows that.
    pub(super) fn take<T>(
        &mut self,
        word: &str,
        read: impl FnOnce(&'t str) -> Option<T>,
        expected: &'static str,
    ) -> Result<T, Unexpected> {
        let value = self.next().and_then(|line| line.strip_prefix(word)).and_then(read);
        value.ok_or((self.line, expected))
    }

    /// Takes hashes up to an empty line, and returns what follows that too.
    pub(super) fn path(mut self) -> Result<(Vec<Digest>, &'t str), Unexpected> {
        let mut path = Vec::new();
        loop {
            let line = self.next().ok_or((self.line, "an empty line behind the hashes"))?;
            if line.is_empty() {
                return Ok((path, self.rest));
            }
            path.push(parse_digest(line).ok_or((self.line, "a hash in base64"))?);
        }
    }

    fn next(&mut self) -> Option<&'t str> {
        self.line += 1;
        let (line, rest) = self.rest.split_once('\n')?;
        self.rest = rest;
        Some(line)
    }
}

/// Writes a path, a hash a line.
pub(super) fn write_path(path: &[Digest], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    path.iter().try_for_each(|hash| writeln!(f, "{}", encode_digest(hash)))
}
