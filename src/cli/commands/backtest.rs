//! `backtest`: a strategy over candle files, everything recorded.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::figures::{Figures, tell_figures, tell_time};
use super::place::ledger_at;
use super::run_inputs;
use crate::cli::answer::Answer;
use crate::cli::args::{BacktestArgs, Format};
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, INTERRUPTED, Outcome};
use crate::cli::progress::Watch;
use crate::cli::text::{Screen, count, note};
use crate::event::{FillModel, Mode, RunConfig, StrategyConfig};
use crate::ledger::clock::Stopwatch;
use crate::ledger::{Reader, SyncMode, WriterOptions};
use crate::market::{
    CommandFile, CommandedSource, DataFile, MarketOptions, PERMUTED_BARS_MAX, PermutableMarket,
    Source, open_market,
};
use crate::pipeline::{
    Job, PermutationOutcome, PipelineError, RunFile, RunOptions, RunSettings, Summary,
    market_config, run as run_job, run_permutations, run_unrecorded, usual_threads,
};
use crate::projections::{UpTo, fold};
use crate::strategies::{self, Catalogue};
use crate::time::Timestamp;

pub(in crate::cli) fn run(args: &BacktestArgs) -> Outcome {
    let clock = Stopwatch::start();
    let file = match &args.config {
        Some(path) => RunFile::read(path)?,
        None => RunFile::default(),
    };
    let files = run_inputs::data_files(&args.data, &args.run, &file)?;
    let market_options = run_inputs::market_options(&args.run, &file);
    let market = open_market(&files, &market_options)?;
    let config = market_config(&settings(args).or(file.run.clone()), &market.pairs)?;
    let story = Story::new(&config, &files);
    let options = run_options(args, &file);
    let (shuffled, threads) = (config.clone(), options.threads);
    let commands = args.commands.as_ref().or(file.commands.as_ref());
    let commands = commands.map(|path| CommandFile::read(path)).transpose()?;
    let mut inputs = market.inputs;
    inputs.extend(commands.iter().map(|file| file.input.clone()));
    let commands = commands.map_or_else(Vec::new, |file| file.commands);
    let job = Job {
        mode: Mode::Backtest,
        config,
        generator: None,
        // A start read off the data would put later knowledge into the first record.
        origin: Timestamp::from_nanos(0),
        inputs,
        source: CommandedSource::new(market.source, commands),
        strategies: Catalogue::default(),
    };
    if args.no_ledger {
        return run_without_ledger(args, &story, job, options.threads, clock);
    }
    let ledger = ledger_at(args.ledger.clone().or(file.ledger), "backtest")?;
    interrupt::listen()?;
    let mut watch = Watch::new(None);
    let alone = Stopwatch::start();
    let summary = run_job(&ledger, job, &options, |progress| watch.step(progress));
    drop(watch);
    let summary = summary.inspect_err(|error| {
        if !matches!(error, PipelineError::HoldsEvents { .. }) {
            say_what_is_left(&ledger);
        }
    })?;
    let (alone, elapsed) = (alone.elapsed(), clock.elapsed());
    let permutations = if summary.engines.is_some() && !summary.stopped {
        permute(&shuffled, &files, &market_options, args.permutations, threads)?
    } else {
        Vec::new()
    };
    let in_sample = is_in_sample(&shuffled, &ledger)?;
    let mut screen = Screen::new();
    match args.format {
        Format::Text => story.tell(&mut screen, &summary, &permutations, &ledger, elapsed)?,
        format => {
            story.notes.iter().for_each(|text| note(text));
            let mut answer = as_json(&summary, &ledger, elapsed, &story.notes);
            answer["run_seconds"] = json!(alone.as_secs_f64());
            answer["permutations"] = json!(permutations);
            answer["in_sample"] = json!(in_sample);
            screen.answer(format, &Answer::new("backtest", &answer))?;
        }
    }
    screen.flush()?;
    Ok(if summary.stopped { INTERRUPTED } else { 0 })
}

/// The same run with nothing recorded. Its market is not shuffled either: that is for judging a run
/// that is kept.
fn run_without_ledger<S: Source + Send>(
    args: &BacktestArgs,
    story: &Story,
    job: Job<S>,
    threads: usize,
    clock: Stopwatch,
) -> Outcome {
    interrupt::listen()?;
    let mut watch = Watch::new(None);
    let alone = Stopwatch::start();
    let figures = run_unrecorded(job, threads, |progress| watch.step(progress))?;
    drop(watch);
    let (alone, elapsed) = (alone.elapsed(), clock.elapsed());
    let mut screen = Screen::new();
    match args.format {
        Format::Text => {
            screen.line(&story.title)?;
            story.notes.iter().try_for_each(|text| screen.line(text))?;
            tell_figures(&mut screen, &Figures::from(&figures))?;
            screen.field("ledger", "none: nothing was recorded")?;
            tell_time(&mut screen, figures.counters.bars, elapsed)?;
        }
        format => {
            story.notes.iter().for_each(|text| note(text));
            let fields = json!({
                "bars": figures.counters.bars,
                "trades": figures.counters.trades,
                "account_currency": figures.account_currency,
                "elapsed_seconds": elapsed.as_secs_f64(),
                "run_seconds": alone.as_secs_f64(),
                "run": figures.run,
                "ledger": null,
                "stopped": figures.stopped,
                "counters": figures.counters,
                "accounts": figures.accounts,
                "data": figures.quality,
                "notes": story.notes,
            });
            screen.answer(format, &Answer::new("backtest", &fields))?;
        }
    }
    screen.flush()?;
    Ok(if figures.stopped { INTERRUPTED } else { 0 })
}

/// Whether the run was judged on data that its evidence came from; then that is said.
fn is_in_sample(config: &RunConfig, ledger: &Path) -> Result<bool, CliError> {
    // A run that took no evidence over never is, and this reads nothing then.
    let mut parameters = config.strategy.parameters.iter();
    let carries = parameters
        .any(|known| (known.name.as_str(), known.value.as_str()) == ("carry-evidence", "true"));
    let in_sample = carries && fold(&Reader::open(ledger)?, UpTo::End)?.in_sample;
    if in_sample {
        note(&"in sample: the evidence was carried over from a run on the same files");
    }
    Ok(in_sample)
}

fn run_options(args: &BacktestArgs, file: &RunFile) -> RunOptions {
    let usual = WriterOptions::default();
    RunOptions {
        writer: WriterOptions {
            sync: args.sync.or(file.sync).unwrap_or(SyncMode::End),
            segment_bytes: args.segment_bytes.or(file.segment_bytes).unwrap_or(usual.segment_bytes),
            ..usual
        },
        append: args.append || file.append.unwrap_or_default(),
        threads: args.threads.asked().or(file.threads).unwrap_or_else(usual_threads),
    }
}

/// Runs the same configuration on the same bars, shuffled with the seeds from 1 on.
fn permute(
    config: &RunConfig,
    files: &[DataFile],
    options: &MarketOptions,
    seeds: u64,
    threads: usize,
) -> Result<Vec<PermutationOutcome>, CliError> {
    if seeds == 0 {
        return Ok(Vec::new());
    }
    let mut market = open_market(files, options)?;
    let symbols = market.pairs.iter().map(|pair| pair.symbol.to_string()).collect();
    let Some(market) = PermutableMarket::read(&mut market.source, symbols)? else {
        note(&format_args!("more than {PERMUTED_BARS_MAX} bars: they are not shuffled"));
        return Ok(Vec::new());
    };
    let seeds: Vec<u64> = (1..=seeds).collect();
    let known = Catalogue::default();
    Ok(run_permutations(config, &known, &market, &seeds, threads, || !interrupt::asked())?)
}

/// After an error, what was recorded until then is still there.
fn say_what_is_left(ledger: &Path) {
    if let Ok(reader) = crate::ledger::Reader::<crate::event::Event>::open(ledger)
        && !reader.is_empty()
    {
        let records = count(reader.len(), "record");
        note(&format_args!("{} holds the {records} up to here", ledger.display()));
    }
}

fn settings(args: &BacktestArgs) -> RunSettings {
    RunSettings {
        strategy: args.strategy.clone(),
        parameters: args.param.iter().cloned().collect(),
        ..run_inputs::settings(&args.run)
    }
}

/// What is said about a run besides its figures.
struct Story {
    title: String,
    notes: Vec<String>,
}

impl Story {
    fn new(config: &RunConfig, files: &[DataFile]) -> Self {
        let pairs: Vec<String> = config
            .instruments
            .iter()
            .map(|known| format!("{} ({} bars)", known.symbol(), known.interval))
            .collect();
        let parameters = parameters_in_words(config);
        let fill = match config.venue.fill {
            FillModel::NextOpen => "next open",
            FillModel::ThisClose => "same close",
        };
        let title = format!(
            "{} ({}) on {}; orders fill at the {fill}, fee {} a side",
            config.strategy.name,
            parameters,
            pairs.join(", "),
            config.venue.fee_rate,
        );
        let perpetual = |text: &str| text.to_ascii_uppercase().contains("PERP");
        let symbols = config.instruments.iter().any(|known| perpetual(&known.symbol()));
        let names = files.iter().filter_map(|file| file.path.file_name());
        let notes = if symbols || names.into_iter().any(|name| perpetual(&name.to_string_lossy())) {
            vec!["perpetual contracts are priced as spot: no funding".to_owned()]
        } else {
            Vec::new()
        };
        Self { title, notes }
    }

    fn tell(
        &self,
        screen: &mut Screen,
        summary: &Summary,
        permutations: &[PermutationOutcome],
        ledger: &Path,
        elapsed: Duration,
    ) -> Result<(), CliError> {
        screen.line(&self.title)?;
        for text in &self.notes {
            screen.line(text)?;
        }
        tell_figures(screen, &Figures::from(summary))?;
        super::engines::tell(screen, summary, permutations)?;
        if let Some(failure) = &summary.snapshot_failure {
            note(&format_args!("{failure}; the log is whole all the same"));
        }
        screen.field("ledger", ledger.display())?;
        let head = format!("{} records, root {}", summary.head.size, summary.head.root);
        screen.field("head", head)?;
        screen.field("chain head", summary.chain_head)?;
        tell_time(screen, summary.counters.bars, elapsed)?;
        screen.line(format_args!("check it: schwabot verify {}", ledger.display()))
    }
}

/// All parameters where they are few, and else those that are not the default.
fn parameters_in_words(config: &RunConfig) -> String {
    /// As many as fit a line.
    const FEW: usize = 4;
    let StrategyConfig { name, parameters } = &config.strategy;
    let usual = strategies::canonical(name, &[]).map(|usual| usual.parameters).unwrap_or_default();
    let few = parameters.len() <= FEW;
    let told = parameters.iter().filter(|known| few || !usual.contains(known));
    let told: Vec<String> = told.map(|known| format!("{} = {}", known.name, known.value)).collect();
    if told.is_empty() { "defaults".to_owned() } else { told.join(", ") }
}

fn as_json(
    summary: &Summary,
    ledger: &Path,
    elapsed: Duration,
    notes: &[String],
) -> serde_json::Value {
    let account = summary.account();
    json!({
        "records": summary.records,
        "bars": summary.counters.bars,
        "trades": summary.counters.trades,
        "head": summary.head,
        "chain_head": summary.chain_head,
        "net_profit": account.map(|account| account.net_profit),
        "unrealised": account.and_then(|account| account.unrealised),
        "equity": account.and_then(|account| account.equity),
        "account_currency": summary.account_currency,
        "elapsed_seconds": elapsed.as_secs_f64(),
        "run": summary.run,
        "ledger": ledger.to_string_lossy(),
        "stopped": summary.stopped,
        "counters": summary.counters,
        "accounts": summary.accounts,
        "data": summary.quality,
        "engines": summary.engines,
        "registries": summary.registries,
        "notes": notes,
    })
}
