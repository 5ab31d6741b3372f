//! The arguments of what is said about persons, and of forgetting them.

use std::path::PathBuf;

use clap::Args;

use super::args::Format;

/// Whose personal fields, and where the keys to them are.
#[derive(Debug, Args)]
pub(super) struct SubjectArgs {
    /// The directory of the keys, outside the ledger
    #[arg(long, value_name = "DIR")]
    pub(super) keys: PathBuf,
    /// The person; the name stays with the key and never enters the ledger
    #[arg(long, value_name = "NAME")]
    pub(super) subject: String,
}

#[derive(Debug, Args)]
pub(super) struct NoteArgs {
    /// The ledger, of any program
    pub(super) ledger: PathBuf,
    #[command(flatten)]
    pub(super) about: SubjectArgs,
    /// Who says it
    #[arg(long, value_name = "TEXT", default_value = "operator")]
    pub(super) author: String,
    /// What was done and why
    pub(super) text: String,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct ShredArgs {
    /// The ledger, of any program
    pub(super) ledger: PathBuf,
    #[command(flatten)]
    pub(super) about: SubjectArgs,
    /// Why; stays readable in the ledger, so it must name nobody
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}
