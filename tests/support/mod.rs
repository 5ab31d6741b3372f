//! What several tests share.

pub(crate) mod document;
pub(crate) mod notes;
pub(crate) mod samples;
pub(crate) mod source;
