//! What a run over candle files is made of, by its arguments and, behind them, its file.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::cli::args_run::RunArgs;
use crate::cli::outcome::CliError;
use crate::market::{DataFile, MarketOptions, PairSymbol, parse_data_argument};
use crate::pipeline::{RunFile, RunSettings, VenueSettings};

/// The files to read: those of the arguments, else those of the run file.
pub(super) fn data_files(
    data: &[OsString],
    args: &RunArgs,
    file: &RunFile,
) -> Result<Vec<DataFile>, CliError> {
    let mut files: Vec<DataFile> = data.iter().map(data_file).collect();
    if files.is_empty() {
        files.clone_from(&file.data);
    }
    if files.is_empty() {
        let text = "no data: give --data [PAIR=]FILE, or `data` in the file of --config";
        return Err(CliError::Usage(text.to_owned()));
    }
    let named = match &file.pair {
        Some(text) if args.pair.is_none() => Some(PairSymbol::parse(text).ok_or_else(|| {
            CliError::Usage(format!("pair `{text}`: write it as BASE/QUOTE, in capitals"))
        })?),
        _ => args.pair.clone(),
    };
    let format = args.data_format.or(file.data_format);
    for known in &mut files {
        known.pair = known.pair.take().or_else(|| named.clone());
        known.format = format;
    }
    Ok(files)
}

fn data_file(argument: &OsString) -> DataFile {
    match argument.to_str() {
        Some(text) => parse_data_argument(text),
        None => DataFile { path: PathBuf::from(argument), pair: None, format: None },
    }
}

/// How the files are read.
pub(super) fn market_options(args: &RunArgs, file: &RunFile) -> MarketOptions {
    MarketOptions {
        interval: args.interval.or(file.interval),
        skip_malformed: args.skip_malformed || file.skip_malformed.unwrap_or_default(),
    }
}

/// The settings that the arguments say; no strategy.
pub(super) fn settings(args: &RunArgs) -> RunSettings {
    RunSettings {
        cash: args.cash.iter().cloned().collect(),
        venue: VenueSettings {
            fill: args.fill,
            fee: args.fee,
            half_spread: args.half_spread,
            impact: args.impact,
            impact_window_bars: None,
            allow_short: args.allow_short.then_some(true),
        },
        ..RunSettings::default()
    }
}
