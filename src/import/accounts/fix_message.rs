//! One FIX message out of a line of a log: its fields, and whether length and checksum hold.
//!
//! Logs write the separator as the byte SOH, as `|` or as the two characters `^A`, and put a time
//! or other words before the message. Lengths and sums count each separator as the one byte that
//! it is on the wire.

use super::rows::{WORD_MAX, quote};
use crate::import::Fault;

/// Fields that a message may have.
const FIELDS_MAX: usize = 2_048;
const SOH: char = '\u{1}';

/// A field: its tag, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) tag: u32,
    pub(super) value: &'a str,
    /// One-based character of the line at which it begins.
    column: u64,
}

/// A message whose length and checksum hold.
#[derive(Debug)]
pub(super) struct Message<'a> {
    line: u64,
    column: u64,
    fields: Vec<Field<'a>>,
}

impl<'a> Message<'a> {
    /// Finds the message in a line; none where there is none.
    pub(super) fn find(line: u64, text: &'a str) -> Result<Option<Self>, Fault> {
        let Some(begin) = text.find("8=FIX") else { return Ok(None) };
        let column = text[..begin].chars().count() as u64 + 1;
        let body = text[begin..].trim_end_matches(['\r', '\n', ' ']);
        let separator = separator_of(body).ok_or_else(|| {
            Fault::placed((line, column), "FIX", "no separator behind BeginString")
        })?;
        let mut message = Self { line, column, fields: Vec::new() };
        let (mut at, mut rest) = (column, body);
        while !rest.is_empty() {
            let (field, behind) = rest.split_once(separator).unwrap_or((rest, ""));
            message.push(field, at)?;
            let checksum = message.fields.last().is_some_and(|field| field.tag == 10);
            if checksum {
                if !behind.trim().is_empty() {
                    let reason = format!("{} behind the checksum", quote(behind));
                    return Err(Fault::placed((line, at), "CheckSum(10)", reason));
                }
                break;
            }
            at += (field.chars().count() + separator.chars().count()) as u64;
            rest = behind;
        }
        message.check(body, separator)?;
        Ok(Some(message))
    }

    fn push(&mut self, field: &'a str, column: u64) -> Result<(), Fault> {
        let bad = |reason: String| Fault::placed((self.line, column), "FIX", reason);
        let (tag, value) = field
            .split_once('=')
            .ok_or_else(|| bad(format!("{} is no TAG=VALUE", quote(field))))?;
        let tag = tag.parse().map_err(|_| bad(format!("{} is no tag", quote(tag))))?;
        if value.is_empty() {
            return Err(bad(format!("tag {tag} says nothing")));
        }
        if self.fields.len() == FIELDS_MAX {
            return Err(bad(format!("more than {FIELDS_MAX} fields")));
        }
        self.fields.push(Field { tag, value, column });
        Ok(())
    }

    /// Checks BodyLength(9) and CheckSum(10).
    fn check(&self, body: &str, separator: &str) -> Result<(), Fault> {
        if self.fields.get(1).map(|field| field.tag) != Some(9) {
            return Err(self.fault(9, "BodyLength(9)", "is not the second field"));
        }
        if self.fields.last().map(|field| field.tag) != Some(10) {
            return Err(self.fault(10, "CheckSum(10)", "is missing: the message was cut"));
        }
        // Bytes on the wire: each field and one byte of separator.
        let wire = |field: &Field<'_>| digits(field.tag) + 1 + field.value.len() as u64 + 1;
        let inner = self.fields.get(2..self.fields.len() - 1).unwrap_or_default();
        let length: u64 = inner.iter().map(wire).sum();
        let said = self.fields[1].value;
        if said.parse() != Ok(length) {
            let reason = format!("says {}, the body has {length} bytes", quote(said));
            return Err(self.fault(9, "BodyLength(9)", reason));
        }
        let summed = body.rsplit_once("10=").map_or("", |(before, _)| before);
        let plain = summed.replace(separator, "\u{1}");
        let sum = plain.bytes().fold(0_u8, u8::wrapping_add);
        let said = self.fields[self.fields.len() - 1].value;
        if said.len() != 3 || said.parse() != Ok(sum) {
            let reason = format!("says {}, the bytes sum to {sum:03}", quote(said));
            return Err(self.fault(10, "CheckSum(10)", reason));
        }
        Ok(())
    }

    /// Returns what the first field with this tag says.
    pub(super) fn get(&self, tag: u32) -> Option<&'a str> {
        self.fields.iter().find(|field| field.tag == tag).map(|field| field.value)
    }

    /// Returns what a field says that names something.
    pub(super) fn word(&self, tag: u32, name: &'static str) -> Result<Option<String>, Fault> {
        match self.get(tag) {
            Some(value) if value.len() > WORD_MAX => {
                Err(self.fault(tag, name, format!("longer than {WORD_MAX} bytes")))
            }
            value => Ok(value.map(str::to_owned)),
        }
    }

    /// Returns what a field says that may not be absent.
    pub(super) fn needed(&self, tag: u32, name: &'static str) -> Result<&'a str, Fault> {
        self.get(tag).ok_or_else(|| self.fault(tag, name, "is missing"))
    }

    /// The fields, in their order.
    pub(super) fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    /// Makes the error of a field.
    pub(super) fn fault(&self, tag: u32, name: &'static str, reason: impl Into<String>) -> Fault {
        let field = self.fields.iter().find(|field| field.tag == tag);
        let column = field.map_or(self.column, |field| field.column);
        Fault::placed((self.line, column), name, reason)
    }
}

/// What stands between BeginString and BodyLength.
fn separator_of(body: &str) -> Option<&'static str> {
    let behind = body.trim_start_matches(|c: char| c != SOH && c != '|' && c != '^');
    if behind.starts_with(SOH) {
        Some("\u{1}")
    } else if behind.starts_with('|') {
        Some("|")
    } else if behind.starts_with("^A") {
        Some("^A")
    } else {
        None
    }
}

fn digits(tag: u32) -> u64 {
    u64::from(tag.checked_ilog10().unwrap_or(0)) + 1
}
