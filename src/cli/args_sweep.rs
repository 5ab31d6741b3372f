//! The arguments of many runs side by side.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::args::Format;
use super::args_run::RunArgs;
use crate::pipeline::Axis;
use crate::time::Span;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("ledgers").required(true).args(["out", "no_ledgers"]))]
pub(super) struct SweepArgs {
    /// Candle files; the pair is taken from the name unless it stands before a `=`
    #[arg(long, value_name = "[PAIR=]FILE", num_args = 1.., required_unless_present = "config")]
    pub(super) data: Vec<OsString>,
    /// A strategy to try; may be given several times [default: sma-cross]
    #[arg(long, value_name = "NAME")]
    pub(super) strategy: Vec<String>,
    /// Values of a parameter: NAME=a,b,c or NAME=low..high:step; STRATEGY.NAME for one strategy
    #[arg(long, value_name = "NAME=VALUES", value_parser = axis)]
    pub(super) param: Vec<Axis>,
    /// The same in a TOML file: `strategy = [...]`, and `[param]` with NAME = "VALUES"
    #[arg(long, value_name = "grid.toml")]
    pub(super) grid: Option<PathBuf>,
    /// What all trials share, as for `backtest`
    #[arg(long, value_name = "run.toml")]
    pub(super) config: Option<PathBuf>,
    /// Choose on TRAIN, judge on the TEST behind it, go on by STEP: 500:100 bars, or 30d:10d
    #[arg(long, value_name = "TRAIN:TEST[:STEP]", value_parser = plan)]
    pub(super) walk_forward: Option<Plan>,
    /// Length of the periods that returns are measured in [default: 1h, or a longer bar]
    #[arg(long)]
    pub(super) period: Option<Span>,
    /// Where the ledgers are kept; a sweep that was stopped there is gone on with
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Record nothing: only the figures come out, and nothing can be gone on with
    #[arg(long)]
    pub(super) no_ledgers: bool,
    /// Trials at a time; the answer never depends on it [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,
    #[command(flatten)]
    pub(super) run: RunArgs,
    /// text: show at most so many trials
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(super) top: usize,
    /// Also write a page for a browser
    #[arg(long, value_name = "FILE.html")]
    pub(super) page: Option<PathBuf>,
    /// Replace a page that is there
    #[arg(long, requires = "page")]
    pub(super) force: bool,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

/// A stretch of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stretch {
    /// So many bars.
    Bars(u32),
    /// So long.
    Time(Span),
}

/// A walk-forward as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) train: Stretch,
    pub(super) test: Stretch,
    pub(super) step: Stretch,
}

fn axis(text: &str) -> Result<Axis, String> {
    Axis::parse(text).map_err(|error| error.to_string())
}

fn plan(text: &str) -> Result<Plan, String> {
    let parts = text.split(':').map(stretch).collect::<Result<Vec<_>, _>>()?;
    match parts[..] {
        [train, test] => Ok(Plan { train, test, step: test }),
        [train, test, step] => Ok(Plan { train, test, step }),
        _ => Err("write it as TRAIN:TEST or TRAIN:TEST:STEP".to_owned()),
    }
}

fn stretch(text: &str) -> Result<Stretch, String> {
    match text.parse::<u32>() {
        Ok(0) => Err("a stretch of no bars".to_owned()),
        Ok(bars) => Ok(Stretch::Bars(bars)),
        Err(_) => text.parse().map(Stretch::Time).map_err(|error| format!("{error}")),
    }
}
