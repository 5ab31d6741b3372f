//! The arguments of exporting.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::Format;
use crate::export::Table;

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The ledger
    pub(super) ledger: PathBuf,
    /// The format
    #[arg(long)]
    pub(super) to: ExportFormat,
    /// Where to write: a file, or for memory-stack a directory that is new or empty
    pub(super) out: PathBuf,
    /// csv, jsonl, parquet: which table [default: trades]
    #[arg(long, value_name = "TABLE", value_parser = table())]
    pub(super) what: Option<Table>,
    /// Only from this record on
    #[arg(long, value_name = "SEQ")]
    pub(super) from: Option<u64>,
    /// Only up to this record
    #[arg(long, value_name = "SEQ")]
    pub(super) to_seq: Option<u64>,
    /// Replace files that are there
    #[arg(long)]
    pub(super) force: bool,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

/// Formats of `export`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExportFormat {
    /// A table as comma separated values, and a JSON file beside it: what it was made from.
    Csv,
    /// A table as JSON Lines; the first line says what it was made from.
    Jsonl,
    /// A table as Apache Parquet (built with `--features parquet`).
    Parquet,
    /// Events of the VeritasChain Protocol 1.2.
    Vcp,
    /// The memory files of the earlier system.
    MemoryStack,
}

fn table() -> impl clap::builder::TypedValueParser<Value = Table> {
    use clap::builder::{PossibleValuesParser, TypedValueParser as _};
    let names = PossibleValuesParser::new(Table::ALL.map(Table::name));
    names.map(|name| {
        let known = Table::ALL.into_iter().find(|table| table.name() == name);
        known.unwrap_or(Table::Trades)
    })
}
