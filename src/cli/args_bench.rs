//! The arguments of measuring.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{Args, value_parser};

use super::args::Format;

/// From one commit of the long work to more than a disk is asked for.
const RECORDS: RangeInclusive<u64> = 1000..=1_000_000_000;

#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// A directory on the disk to measure, with room for two segments of 64 MiB and 300 bytes a
    /// record; what is written there is removed again
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,
    /// Rounds; medians are shown
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u32).range(1..=1000))]
    pub(super) rounds: u32,
    /// Records of the long works; the durable ones make a hundredth as many commits
    #[arg(long, default_value_t = 200_000, value_parser = value_parser!(u64).range(RECORDS))]
    pub(super) records: u64,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}
