//! The arguments of the tear sheet.

use std::path::PathBuf;

use clap::{Args, value_parser};

use super::args::{Format, Threads, at};
use crate::projections::UpTo;
use crate::report::Period;
use crate::units::Ratio;

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The ledger
    pub(super) ledger: PathBuf,
    /// The page to write: HTML that opens offline
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Replace the file if there is one
    #[arg(long)]
    pub(super) force: bool,
    /// Up to this record or time; the audit still looks at the whole ledger
    #[arg(long, value_name = "SEQ|TIME", value_parser = at)]
    pub(super) at: Option<UpTo>,
    /// Returns of a day or an hour [default: day; hour below 30 days]
    #[arg(long, value_parser = period)]
    pub(super) period: Option<Period>,
    /// Among how many trials this one was picked: gives the deflated Sharpe ratio
    #[arg(long, value_name = "N", requires = "trials_variance")]
    #[arg(value_parser = value_parser!(u64).range(1..))]
    pub(super) trials: Option<u64>,
    /// The variance of the trials' Sharpe ratios, of one period and not annualised
    #[arg(long, value_name = "V", requires = "trials", value_parser = variance)]
    pub(super) trials_variance: Option<Ratio>,
    /// Open sealed inputs with the keys in this directory
    #[arg(long, value_name = "DIR")]
    pub(super) keys: Option<PathBuf>,
    #[command(flatten)]
    pub(super) threads: Threads,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

fn period(text: &str) -> Result<Period, String> {
    match text {
        "day" => Ok(Period::Day),
        "hour" => Ok(Period::Hour),
        _ => Err("day or hour".to_owned()),
    }
}

fn variance(text: &str) -> Result<Ratio, String> {
    let variance: Ratio = text.parse().map_err(|error| format!("{error}"))?;
    if variance < Ratio::ZERO {
        return Err("must not be negative".to_owned());
    }
    Ok(variance)
}
