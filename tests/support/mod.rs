//! What several subjects of the specification share.

pub(crate) mod runs;
