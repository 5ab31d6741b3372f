//! `sweep`: many runs side by side, judged on data that they did not see.

use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

use super::sweep_answer::{Told, tell};
use crate::cli::args_sweep::{Plan, Stretch, SweepArgs};
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, INTERRUPTED, Outcome};
use crate::cli::text::{count, note};
use crate::ledger::disk::{Readers, RealDisk, write_whole};
use crate::market::{DataFile, MarketOptions, PairSymbol, open_market, parse_data_argument};
use crate::pipeline::{
    Grid, RunFile, RunSettings, Sweep, Trial, TrialResult, VenueSettings, run_sweep, usual_threads,
};
use crate::report::{Judgement, WalkForward, judge, selection_page};
use crate::time::{MINUTE_NS, Span};

/// Returns are measured over an hour where nobody says more.
const PERIOD: Span = Span::from_nanos(60 * MINUTE_NS);

pub(in crate::cli) fn run(args: &SweepArgs) -> Outcome {
    let file = args.config.as_deref().map(RunFile::read).transpose()?.unwrap_or_default();
    let files = data_files(args, &file)?;
    let market_options = MarketOptions {
        interval: args.interval.or(file.interval),
        skip_malformed: args.skip_malformed || file.skip_malformed.unwrap_or_default(),
    };
    let market = open_market(&files, &market_options)?;
    let interval = market.pairs.iter().map(|pair| pair.interval).max().unwrap_or(PERIOD);
    let period = args.period.unwrap_or(PERIOD.max(interval));
    if period.nanos() % interval.nanos() != 0 {
        let text = format!("--period {period} is no whole number of bars of {interval}");
        return Err(CliError::Usage(text));
    }
    let walk = args.walk_forward.map(|plan| in_periods(plan, interval, period)).transpose()?;
    if let Some(page) = &args.page {
        refuse_page(page, args.force)?;
    }
    let own = Grid { strategies: args.strategy.clone(), axes: args.param.clone() };
    let grid = match &args.grid {
        Some(path) => own.and(Grid::read(path)?)?,
        None => own,
    };
    let plan = grid.plan(&settings(args).or(file.run.clone()), &market.pairs)?;
    if let Some(reason) = &plan.first_reason {
        let left_out = count(plan.unusable as u64, "combination");
        note(&format_args!("{left_out} left out, the first because {reason}"));
    }
    interrupt::listen()?;
    let bar = progress(plan.trials.len());
    let results = run_sweep(&Sweep {
        files: &files,
        market: market_options,
        trials: &plan.trials,
        out: args.out.as_deref(),
        jobs: args.jobs.map_or_else(usual_threads, usize::from),
        period,
        go_on: &|| !interrupt::asked(),
        done: &|done| bar.set_position(done as u64),
    });
    bar.finish_and_clear();
    let results = results?;
    let Some(results) = results.iter().cloned().collect::<Option<Vec<TrialResult>>>() else {
        return Ok(stopped(args, results.iter().flatten().count(), plan.trials.len()));
    };
    let reused = results.iter().filter(|result| result.reused).count();
    if reused > 0 {
        let trials = count(reused as u64, "trial");
        note(&format_args!("{trials} finished before: known again by the head, not run again"));
    }
    let curves: Vec<_> = results.iter().map(|result| &result.curve).collect();
    let judged: Judgement = judge(&curves, walk)?;
    let told =
        Told { inputs: &market.inputs, plan: &plan, results: &results, judged: &judged, period };
    // What was worked out is told even where the page fails, and the page is written even where
    // nobody reads on.
    let table = tell(args, &told);
    if let Some(page) = &args.page {
        write_page(page, &told)?;
    }
    table?;
    Ok(0)
}

fn write_page(page: &Path, told: &Told<'_>) -> Result<(), CliError> {
    let labels: Vec<String> = told.plan.trials.iter().map(Trial::label).collect();
    let heads: Vec<String> = told
        .results
        .iter()
        .map(|result| result.head.map_or_else(String::new, |head| head.root.to_string()))
        .collect();
    let text = selection_page(told.judged, &labels, &heads);
    let written = write_whole(&RealDisk, page, text.as_bytes(), Readers::Usual);
    written.map_err(|error| CliError::File { path: page.to_owned(), what: error.to_string() })
}

/// Says how to go on.
fn stopped(args: &SweepArgs, done: usize, all: usize) -> u8 {
    match &args.out {
        Some(out) => note(&format_args!(
            "stopped: {done} of {all} trials are finished in {}; the same command goes on there",
            out.display()
        )),
        None => note(&format_args!("stopped after {done} of {all} trials; nothing was recorded")),
    }
    INTERRUPTED
}

fn progress(trials: usize) -> ProgressBar {
    let bar = ProgressBar::new(trials as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} trials, {eta} left") {
        bar.set_style(style);
    }
    bar
}

/// A page that is there is not lost by a mistyped name, and what is no file is never replaced. A
/// folder that is missing is told before the trials run, and not after them.
fn refuse_page(page: &Path, force: bool) -> Result<(), CliError> {
    let folder = page.parent().filter(|folder| *folder != Path::new(""));
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        let what = "is no directory, so no page can be written there".to_owned();
        return Err(CliError::File { path: folder.to_owned(), what });
    }
    let what = match std::fs::symlink_metadata(page) {
        Ok(there) if !there.is_file() => "is no plain file, and is not replaced",
        Ok(_) if !force => "is already there: take another name, or replace it with --force",
        _ => return Ok(()),
    };
    Err(CliError::File { path: page.to_owned(), what: what.to_owned() })
}

fn in_periods(plan: Plan, interval: Span, period: Span) -> Result<WalkForward, CliError> {
    let periods = |stretch: Stretch| {
        let nanos = match stretch {
            Stretch::Bars(bars) => interval.nanos().saturating_mul(i64::from(bars)),
            Stretch::Time(span) => span.nanos(),
        };
        let whole = nanos % period.nanos() == 0;
        usize::try_from(nanos / period.nanos()).ok().filter(|_| whole).ok_or_else(|| {
            let span = Span::from_nanos(nanos);
            CliError::Usage(format!(
                "--walk-forward: {span} is no whole number of {period} periods"
            ))
        })
    };
    let plan = WalkForward {
        train: periods(plan.train)?,
        test: periods(plan.test)?,
        step: periods(plan.step)?,
    };
    plan.check()?;
    Ok(plan)
}

fn data_files(args: &SweepArgs, file: &RunFile) -> Result<Vec<DataFile>, CliError> {
    let mut files: Vec<DataFile> = args
        .data
        .iter()
        .map(|argument| match argument.to_str() {
            Some(text) => parse_data_argument(text),
            None => DataFile { path: argument.into(), pair: None, format: None },
        })
        .collect();
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
    for known in &mut files {
        known.pair = known.pair.take().or_else(|| named.clone());
        known.format = args.data_format.or(file.data_format);
    }
    Ok(files)
}

fn settings(args: &SweepArgs) -> RunSettings {
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
