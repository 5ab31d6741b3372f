//! An audit that goes on as a ledger grows.

use std::path::Path;

use super::chain::Resume;
use super::flow::verify_from;
use super::report::{Level, Report};
use super::{AuditError, VerifyOptions};
use crate::ledger::Head;

/// Verifies a ledger again and again: whole at the first look, and from the beginning of the
/// segment that was the last one at each further look.
///
/// The first look goes as far as is asked; the further ones to [`Level::Tree`], since the meaning
/// of a record follows from all records before it.
pub struct Follower<'o> {
    path: &'o Path,
    options: VerifyOptions,
    resume: Option<Resume>,
    /// What the looks before found proven: the log must continue it.
    seen: Option<Head>,
}

impl<'o> Follower<'o> {
    /// Begins with nothing looked at.
    #[must_use]
    pub fn new(path: &'o Path, options: &VerifyOptions) -> Self {
        Self { path, options: options.clone(), resume: None, seen: None }
    }

    /// Looks at what there is now.
    ///
    /// # Errors
    /// As [`super::verify`].
    pub fn look(&mut self) -> Result<Report, AuditError> {
        let (report, resume) =
            verify_from(self.path, &self.options, self.resume.as_ref(), self.seen)?;
        if report.exit_code() == 0
            && let Some(resume) = resume
        {
            let lasting = lasting(&report, &resume);
            self.seen = self.seen.into_iter().chain(lasting).max_by_key(|head| head.size);
            self.resume = Some(resume);
            self.options.level = self.options.level.map(|level| level.min(Level::Tree));
            self.options.level.get_or_insert(Level::Tree);
        }
        Ok(report)
    }
}

/// What a further look must find again. What nothing proves durable yet is not of that: a crash of
/// the machine may take it back, and a writer that takes it over shows it only once it is proven.
fn lasting(report: &Report, before_last_segment: &Resume) -> Option<Head> {
    if report.unproven == 0 {
        return report.head;
    }
    Head::of(&before_last_segment.tree)
}
