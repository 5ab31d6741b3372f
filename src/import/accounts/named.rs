//! What can be asked of a row whose values bear names, wherever it comes from.

use super::rows::{self, quote};
use crate::event::Side;
use crate::import::{Fault, Number};
use crate::time::Timestamp;

/// A row of named values.
pub(super) trait Named {
    /// Makes the error of a value.
    fn fault(&self, name: &'static str, reason: impl Into<String>) -> Fault;

    /// Returns a value as text; none where it is absent or empty.
    fn text(&self, name: &'static str) -> Result<Option<String>, Fault>;

    /// Returns a value as text that may not be absent.
    fn needed(&self, name: &'static str) -> Result<String, Fault> {
        self.text(name)?.ok_or_else(|| self.fault(name, "is missing"))
    }

    /// Returns the first of two names whose value is there, else the second.
    fn either(&self, one: &'static str, other: &'static str) -> Result<&'static str, Fault> {
        Ok(if self.text(one)?.is_some() { one } else { other })
    }

    /// Returns those of these values that are there, with their names.
    fn all(&self, names: &[&'static str]) -> Result<Vec<(&'static str, String)>, Fault> {
        let mut all = Vec::new();
        for name in names {
            all.extend(self.text(name)?.map(|said| (*name, said)));
        }
        Ok(all)
    }

    /// Reads a number, also one in quotes.
    fn number(&self, name: &'static str) -> Result<Option<Number>, Fault> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        rows::number(&text).map(Some).map_err(|reason| self.fault(name, reason))
    }

    /// Reads a number that may not be absent.
    fn needed_number(&self, name: &'static str) -> Result<Number, Fault> {
        self.number(name)?.ok_or_else(|| self.fault(name, "is missing"))
    }

    /// Reads a number above zero.
    fn positive(&self, name: &'static str) -> Result<Number, Fault> {
        rows::above_zero(self.needed_number(name)?).map_err(|reason| self.fault(name, reason))
    }

    /// Reads `buy` or `sell`.
    fn side(&self, name: &'static str) -> Result<Side, Fault> {
        rows::side(&self.needed(name)?).map_err(|reason| self.fault(name, reason))
    }

    /// Reads a time with the reader that is handed in.
    fn time(
        &self,
        name: &'static str,
        read: impl Fn(&str) -> Option<Timestamp>,
    ) -> Result<Option<Timestamp>, Fault> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let time = read(&text);
        time.map(Some).ok_or_else(|| self.fault(name, format!("{} is no time", quote(&text))))
    }

    /// Reads a time that may not be absent.
    fn needed_time(
        &self,
        name: &'static str,
        read: impl Fn(&str) -> Option<Timestamp>,
    ) -> Result<Timestamp, Fault> {
        self.time(name, read)?.ok_or_else(|| self.fault(name, "is missing"))
    }
}
