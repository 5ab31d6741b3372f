//! The arguments that every run over candle files takes, alone or as one of many.

use clap::Args;

use super::args::{cash, pair};
use crate::event::{FileFormat, FillModel};
use crate::market::PairSymbol;
use crate::pipeline::{file_format, fill_model};
use crate::time::Span;
use crate::units::{Money, Ratio};

/// What is read, and what it costs to trade.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The pair (BASE/QUOTE) of the files that name none
    #[arg(long, value_parser = pair)]
    pub(super) pair: Option<PairSymbol>,
    /// Opening cash [default: 10000 of the first pair's quote currency]
    #[arg(long, value_name = "CUR=AMOUNT", value_parser = cash)]
    pub(super) cash: Vec<(String, Money)>,
    /// Fee a side, as a share of the notional [default: 0.001]
    #[arg(long, value_name = "RATE")]
    pub(super) fee: Option<Ratio>,
    /// Half the spread, as a share of the price [default: 0.0001]
    #[arg(long, value_name = "R")]
    pub(super) half_spread: Option<Ratio>,
    /// Factor of the square-root impact; 0 switches it off [default: 1]
    #[arg(long, value_name = "Y")]
    pub(super) impact: Option<Ratio>,
    /// When orders fill: next-open or this-close [default: next-open]
    #[arg(long, value_parser = fill_model)]
    pub(super) fill: Option<FillModel>,
    /// Length of the bars, such as 1m, 15m, 1h, 1d
    #[arg(long)]
    pub(super) interval: Option<Span>,
    /// Format of the files: binance-klines, freqtrade, ohlcv; else read off their first bytes
    #[arg(long, value_parser = file_format)]
    pub(super) data_format: Option<FileFormat>,
    /// Leave malformed rows out, and record that
    #[arg(long)]
    pub(super) skip_malformed: bool,
    /// Allow selling more than is held
    #[arg(long)]
    pub(super) allow_short: bool,
}
