//! The specification, one file a subject; see `README.md` for how to run one alone.
