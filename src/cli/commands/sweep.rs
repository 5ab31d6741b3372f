//! `sweep`: many runs side by side, judged on data that they did not see.

use indicatif::{ProgressBar, ProgressStyle};

use super::page::{refuse_place, write_page};
use super::run_inputs::{data_files, market_options, settings};
use super::sweep_answer::{Told, tell};
use crate::cli::args_sweep::{Plan, Stretch, SweepArgs};
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, INTERRUPTED, Outcome};
use crate::cli::text::{count, note};
use crate::market::open_market;
use crate::pipeline::{Grid, RunFile, Sweep, Trial, TrialResult, run_sweep, usual_threads};
use crate::report::{Judgement, WalkForward, judge, selection_page};
use crate::time::{MINUTE_NS, Span};

/// Returns are measured over an hour where nobody says more.
const PERIOD: Span = Span::from_nanos(60 * MINUTE_NS);

pub(in crate::cli) fn run(args: &SweepArgs) -> Outcome {
    if let Some(page) = &args.page {
        refuse_place(page, args.force)?;
    }
    let file = args.config.as_deref().map(RunFile::read).transpose()?.unwrap_or_default();
    let files = data_files(&args.data, &args.run, &file)?;
    let market_options = market_options(&args.run, &file);
    let market = open_market(&files, &market_options)?;
    let interval = market.pairs.iter().map(|pair| pair.interval).max().unwrap_or(PERIOD);
    let period = args.period.unwrap_or(PERIOD.max(interval));
    if period.nanos() % interval.nanos() != 0 {
        let text = format!("--period {period} is no whole number of bars of {interval}");
        return Err(CliError::Usage(text));
    }
    let walk = args.walk_forward.map(|plan| in_periods(plan, interval, period)).transpose()?;
    let own = Grid { strategies: args.strategy.clone(), axes: args.param.clone() };
    let grid = match &args.grid {
        Some(path) => own.and(Grid::read(path)?)?,
        None => own,
    };
    let plan = grid.plan(&settings(&args.run).or(file.run.clone()), &market.pairs)?;
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
        write_page(page, &page_of(&told))?;
    }
    table?;
    Ok(0)
}

fn page_of(told: &Told<'_>) -> String {
    let labels: Vec<String> = told.plan.trials.iter().map(Trial::label).collect();
    let heads: Vec<String> = told
        .results
        .iter()
        .map(|result| result.head.map_or_else(String::new, |head| head.root.to_string()))
        .collect();
    selection_page(told.judged, &labels, &heads)
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
