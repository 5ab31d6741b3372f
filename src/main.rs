//! The `schwabot` program.
fn main() {}
