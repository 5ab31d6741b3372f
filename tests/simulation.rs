//! A simulation by seed of the whole program: market, strategy, writer, faults, restarts,
//! checkpoints, audits.
//!
//! One seed is one run, twice the same. Without arguments a fixed number of seeds is run, as a
//! test. `cargo test --release --test simulation -- --seeds 10000 --threads 2` runs more,
//! `--hours 3` goes on for hours, `--seed 12 --trace` shows one. A seed that fails is printed with the least
//! list of its actions that still fails, and the command that runs just those.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]
#![expect(clippy::print_stdout, reason = "what was run and found is the report")]

#[path = "simulation/mod.rs"]
mod simulated;
#[expect(dead_code, reason = "only some of what tests share is needed here")]
mod support;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use clap::{Parser, value_parser};
use schwabot::ledger::clock::{Host, Machine, Stopwatch};

use simulated::{Failed, Figures, Plan, Selection, catch_panics, shrink, try_plan};

/// Seeds that a change must pass.
const USUAL_SEEDS: u64 = 150;

#[derive(Debug, Parser)]
#[command(about = "Runs the whole program on machines that fail, by seed")]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = USUAL_SEEDS, value_parser = value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first of them; 0, or one drawn where --hours is given.
    #[arg(long)]
    from: Option<u64>,
    /// Seeds run at a time.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Go on with fresh seeds until so many hours are over.
    #[arg(long)]
    hours: Option<f64>,
    /// Run one seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Run only these actions of the seed, e.g. 0,3,5/4: the last with a quarter of its market.
    #[arg(long, requires = "seed")]
    only: Option<Selection>,
    /// Print every action.
    #[arg(long)]
    trace: bool,
    /// Run every so manieth seed twice and compare.
    #[arg(long, default_value_t = 5)]
    again: u64,
    /// What test runners say besides; no seed depends on it.
    #[command(flatten)]
    harness: Harness,
}

/// Flags of the usual test harness, which this one takes and leaves alone.
#[derive(Debug, clap::Args)]
struct Harness {
    /// Run only if one of these is part of the name `simulation`.
    #[arg(hide = true)]
    filters: Vec<String>,
    #[arg(long, hide = true, value_name = "FILTER")]
    skip: Vec<String>,
    #[arg(long, hide = true, alias = "no-capture")]
    nocapture: bool,
    #[arg(long, short, hide = true)]
    quiet: bool,
    #[arg(long, hide = true)]
    exact: bool,
    #[arg(long, hide = true)]
    ignored: bool,
    #[arg(long, hide = true)]
    include_ignored: bool,
    #[arg(long, hide = true)]
    show_output: bool,
    #[arg(long, hide = true)]
    list: bool,
    #[arg(long, hide = true)]
    test_threads: Option<String>,
    #[arg(long, hide = true)]
    format: Option<String>,
    #[arg(long, hide = true)]
    color: Option<String>,
}

impl Harness {
    /// Does whoever runs tests leave this one out?
    fn leaves_out(&self) -> bool {
        let meant = |filter: &String| NAME.contains(filter.as_str());
        let left = !self.filters.is_empty() && !self.filters.iter().any(meant);
        left || self.skip.iter().any(meant) || self.ignored
    }
}

const NAME: &str = "simulation";

/// What all threads share.
struct Shared {
    next: AtomicU64,
    stop: AtomicBool,
    seeds: AtomicU64,
    twice: AtomicU64,
    figures: Mutex<Figures>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.harness.list {
        println!("{NAME}: test");
        return ExitCode::SUCCESS;
    }
    if arguments.harness.leaves_out() {
        return ExitCode::SUCCESS;
    }
    catch_panics();
    match arguments.seed {
        Some(seed) => one(seed, &arguments),
        None => many(&arguments),
    }
}

fn one(seed: u64, arguments: &Arguments) -> ExitCode {
    let plan = Plan::of(seed);
    let selection = arguments.only.clone().unwrap_or_else(|| Selection::all(&plan));
    let show = |line: &str| {
        if arguments.trace {
            println!("{line}");
        }
    };
    match try_plan(&plan, &selection, show) {
        Ok(outcome) => {
            println!("seed {seed}: nothing broken, {}", outcome.digest);
            ExitCode::SUCCESS
        }
        Err(failed) if arguments.only.is_some() => {
            println!("seed {seed}: broken: {}\n{}", failed.violation.law, failed.violation.detail);
            ExitCode::FAILURE
        }
        Err(failed) => {
            report(&plan, failed);
            ExitCode::FAILURE
        }
    }
}

/// Tells a failure and the least list of actions that leads to it.
fn report(plan: &Plan, failed: Failed) {
    let seed = plan.seed;
    println!("seed {seed}: BROKEN: {}\n{}", failed.violation.law, failed.violation.detail);
    println!("the actions up to there:\n{}", failed.trace.join("\n"));
    println!("shrinking ...");
    let (least, failed) = shrink(plan, Selection::all(plan), failed);
    println!("the least of them:\n{}", failed.trace.join("\n"));
    println!("{}: {}", failed.violation.law, failed.violation.detail);
    println!(
        "again: cargo test --release --test simulation -- --seed {seed} --only {least} --trace"
    );
}

fn many(arguments: &Arguments) -> ExitCode {
    let start = Stopwatch::start();
    let from = arguments.from.unwrap_or_else(|| first_seed(arguments));
    let shared = Shared {
        next: AtomicU64::new(from),
        stop: AtomicBool::new(false),
        seeds: AtomicU64::new(0),
        twice: AtomicU64::new(0),
        figures: Mutex::default(),
    };
    let hours = arguments.hours.map(|hours| Duration::from_secs_f64(hours * 3600.0));
    let is_over = |seed: u64| match hours {
        Some(hours) => start.elapsed() >= hours,
        None => seed - from >= arguments.seeds,
    };
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads.max(1) {
            scope.spawn(|| {
                while !shared.stop.load(Ordering::Relaxed) {
                    let seed = shared.next.fetch_add(1, Ordering::Relaxed);
                    if is_over(seed) {
                        return;
                    }
                    run_seed(seed, arguments, &shared);
                }
            });
        }
    });
    let figures = *shared.figures.lock().unwrap();
    let (seeds, twice) = (shared.seeds.into_inner(), shared.twice.into_inner());
    let broken = shared.stop.into_inner();
    let seconds = start.elapsed().as_secs_f64();
    println!("{}", summary(&figures, seeds, twice, seconds));
    let usual = from == 0 && hours.is_none() && arguments.seeds >= USUAL_SEEDS;
    let mut rare = if usual && !broken { rare(&figures) } else { Vec::new() };
    if twice < seeds.checked_div(arguments.again).unwrap_or(0) && !broken {
        rare.push(format!("{twice} of {seeds} seeds were run twice"));
    }
    rare.iter().for_each(|line| println!("simulation: TOO LITTLE TESTED: {line}"));
    if broken || !rare.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// What the usual seeds did less often than they must to prove anything: each floor is about half
/// of what they do.
fn rare(figures: &Figures) -> Vec<String> {
    let floors = [
        ("actions", figures.actions, 600),
        ("runs", figures.runs, 220),
        ("looks beside a writer", figures.beside, 25),
        ("power cuts", figures.power_cuts, 100),
        ("kills", figures.kills, 20),
        ("failures", figures.failures, 150),
        ("openings", figures.openings, 240),
        ("checkpoints", figures.notes, 37),
        ("cosignatures", figures.cosignatures, 4),
        ("audits", figures.audits, 160),
        ("bits of rot", figures.rot, 24),
        ("rollbacks", figures.rollbacks, 3),
        ("recovery records", figures.recoveries, 9),
        ("acknowledged records", figures.acknowledged, 50_000),
        ("changing calls", figures.calls, 75_000),
    ];
    let missed = floors.iter().filter(|(_, done, least)| done < least);
    missed.map(|(what, done, least)| format!("{done} {what}, at least {least}")).collect()
}

/// Nobody has run the seeds from here on.
fn first_seed(arguments: &Arguments) -> u64 {
    if arguments.hours.is_none() {
        return 0;
    }
    let mut drawn = [0; 4];
    Machine.random(&mut drawn).unwrap();
    let from = u64::from(u32::from_le_bytes(drawn)) << 16;
    println!("simulation: from seed {from} on");
    from
}

fn run_seed(seed: u64, arguments: &Arguments, shared: &Shared) {
    let plan = Plan::of(seed);
    let all = Selection::all(&plan);
    let tell = |failed: Failed| {
        if !shared.stop.swap(true, Ordering::Relaxed) {
            report(&plan, failed);
        }
    };
    let outcome = match try_plan(&plan, &all, |_| {}) {
        Ok(outcome) => outcome,
        Err(failed) => return tell(failed),
    };
    let done = shared.seeds.fetch_add(1, Ordering::Relaxed) + 1;
    if done.is_multiple_of(1_000) {
        println!("simulation: {done} seeds so far, the last is {seed}");
    }
    shared.figures.lock().unwrap().add(&outcome.figures);
    if arguments.again == 0 || !seed.is_multiple_of(arguments.again) {
        return;
    }
    shared.twice.fetch_add(1, Ordering::Relaxed);
    match try_plan(&plan, &all, |_| {}) {
        Ok(again) if again == outcome => {}
        Ok(again) => {
            shared.stop.store(true, Ordering::Relaxed);
            let lines = outcome.trace.iter().zip(&again.trace).find(|(one, two)| one != two);
            println!("seed {seed}: BROKEN: one seed is one run, twice the same\n{lines:#?}");
        }
        Err(failed) => tell(failed),
    }
}

fn summary(figures: &Figures, seeds: u64, twice: u64, seconds: f64) -> String {
    let Figures { actions, power_cuts, kills, failures, openings, .. } = figures;
    let Figures { notes, cosignatures, audits, rot, rollbacks, .. } = figures;
    let Figures { recoveries, acknowledged, calls, runs, beside, .. } = figures;
    format!(
        "simulation: {seeds} seeds ({twice} twice the same), {actions} actions, {runs} runs, \
         {calls} changing calls to the disk, {failures} failures, {power_cuts} power cuts, \
         {kills} kills, {openings} openings, {recoveries} recovery records, {notes} checkpoints, \
         {cosignatures} cosignatures, {audits} audits, {beside} looks beside a writer, {rot} bits \
         of rot found, {rollbacks} rollbacks found, {acknowledged} records acknowledged and kept; \
         {seconds:.1} s"
    )
}
