//! `demo`: a made-up market is traded, the story told, and the ledger verified.

use std::path::Path;

use serde_json::json;

use super::place::ledger_at;
use super::verify::end_in_words;
use crate::audit::{Report, Verdict, VerifyOptions, verify};
use crate::cli::answer::Answer;
use crate::cli::args::{DemoArgs, Format};
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, INTERRUPTED, Outcome};
use crate::cli::progress::Watch;
use crate::cli::text::{BAD, GOOD, Screen, amount, amount_or_none, count};
use crate::engines::GhostReport;
use crate::event::{Direction, Mode, Trigger};
use crate::kernel::{RunState, World};
use crate::ledger::{Reader, SyncMode, WriterOptions};
use crate::market::{SyntheticConfig, SyntheticMarket};
use crate::pipeline::{
    InstrumentSettings, Job, RunOptions, RunSettings, Summary, market_config, run as run_job,
    usual_threads,
};
use crate::projections::{UpTo, fold};
use crate::registries::TradeResult;
use crate::strategies::{Catalogue, schwabot};

/// The pairs that are traded: with the planted drift, and without.
const PLANTED: &str = "ETH/USDC";
const CONTROL: &str = "BTC/USDC";
/// The pair that is made of the other two, and only watched.
const CROSS: &str = "ETH/BTC";

pub(in crate::cli) fn run(args: &DemoArgs) -> Outcome {
    let market =
        SyntheticConfig { seed: args.seed, bars: args.cycles, ..SyntheticConfig::default() };
    let source = SyntheticMarket::new(market.clone())?;
    let pairs = source.pairs();
    let watched = InstrumentSettings { tradable: Some(false), ..InstrumentSettings::default() };
    let named = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let settings = RunSettings {
        strategy: Some(schwabot::NAME.to_owned()),
        // Five thousand minutes are short: the warm-up and the horizon are shortened with them.
        parameters: [("warm-up", "240"), ("horizon-minutes", "30")].map(named).into(),
        instruments: [(CROSS.to_owned(), watched)].into(),
        ..RunSettings::default()
    };
    let config = market_config(&settings, &pairs)?;
    let bars = args.cycles.saturating_mul(pairs.len() as u64);
    let job = Job {
        mode: Mode::Demo,
        config,
        generator: Some(source.generator()),
        origin: market.start,
        inputs: Vec::new(),
        source,
        strategies: Catalogue::default(),
    };
    let options = RunOptions {
        writer: WriterOptions { sync: SyncMode::End, ..WriterOptions::default() },
        append: false,
        threads: usual_threads(),
    };
    let ledger = ledger_at(args.ledger.clone(), "demo")?;
    interrupt::listen()?;
    let mut watch = Watch::new(Some(bars));
    let summary = run_job(&ledger, job, &options, |progress| watch.step(progress));
    drop(watch);
    let summary = summary?;
    let world = fold(&Reader::open(&ledger)?, UpTo::End)?.world;
    let report = verify(&ledger, &VerifyOptions::default())?;
    let code = if summary.stopped { INTERRUPTED } else { report.exit_code() };
    let told = match args.format {
        Format::Text => tell(&market, &summary, &world, &report, &ledger),
        format => answer(format, &market, &summary, &report, &ledger),
    };
    match told {
        // The verdict stands, whoever reads the story to its end.
        Ok(()) | Err(CliError::ClosedPipe) => Ok(code),
        Err(error) => Err(error),
    }
}

/// The same for programs.
fn answer(
    format: Format,
    market: &SyntheticConfig,
    summary: &Summary,
    report: &Report,
    ledger: &Path,
) -> Result<(), CliError> {
    let fields = json!({
        "ledger": ledger.to_string_lossy(),
        "seed": market.seed,
        "cycles": market.bars,
        "run": summary.run,
        "stopped": summary.stopped,
        "records": summary.records,
        "head": summary.head,
        "chain_head": summary.chain_head,
        "counters": summary.counters,
        "accounts": summary.accounts,
        "engines": summary.engines,
        "verdict": report.verdict(),
        "exit_code": report.exit_code(),
        "re_executed": report.re_executed,
    });
    let mut screen = Screen::new();
    screen.answer(format, &Answer::new("demo", &fields))?;
    screen.flush()
}

fn tell(
    market: &SyntheticConfig,
    summary: &Summary,
    world: &World,
    report: &Report,
    ledger: &Path,
) -> Result<(), CliError> {
    let mut screen = Screen::new();
    tell_market(&mut screen, market)?;
    tell_trading(&mut screen, summary, world)?;
    tell_record(&mut screen, summary, report, ledger)?;
    screen.flush()
}

fn tell_market(screen: &mut Screen, market: &SyntheticConfig) -> Result<(), CliError> {
    let (bars, seed, start) = (market.bars, market.seed, market.start);
    screen.line("THE MARKET")?;
    screen.line(format_args!("  Made up: {bars} minutes from {start}, seed {seed}."))?;
    screen.line("  BTC/USDC and ETH/USDC are traded; ETH/BTC, their ratio, is only watched.")?;
    let (drift, minutes) = (market.drift_ppm, market.drift_bars);
    screen.line(format_args!(
        "  Planted, and said so: after each up-burst ETH/USDC drifts up by {drift} millionths a \
         minute for {minutes} minutes."
    ))?;
    screen.line("  BTC/USDC has the same bursts and nothing after them: the control.")
}

fn tell_trading(screen: &mut Screen, summary: &Summary, world: &World) -> Result<(), CliError> {
    let counters = &summary.counters;
    screen.line("THE DECISIONS")?;
    if let Some(engines) = &summary.engines {
        tell_ghosts(screen, &engines.ghosts, world)?;
    }
    screen.line(format_args!(
        "  {} orders placed, {} refused, {} fills; they fill at the next open, fee {} a side.",
        counters.orders, counters.refused, counters.fills, summary.fee_rate
    ))?;
    let performance = world.trades().performance(&summary.account_currency);
    screen.line(format_args!(
        "  {} closed, {} of them with a profit; {} left open.",
        count(counters.trades, "trade"),
        performance.successful,
        count(summary.open_positions, "position")
    ))?;
    for (name, result) in [("best", performance.best), ("worst", performance.worst)] {
        if let Some(result) = result {
            screen.line(format_args!("  The {name} trade: {}", trade_in_words(world, &result)))?;
        }
    }
    if let Some(account) = summary.account() {
        let currency = &account.currency;
        screen.line(format_args!(
            "  Money: {} {currency} became {}; closed trades {}, open ones {}, fees {}.",
            amount(account.opening),
            amount_or_none(account.equity),
            amount(account.net_profit),
            amount_or_none(account.unrealised),
            amount(account.fees)
        ))?;
    }
    screen.line("  No edge is claimed: the point is that all of this can be checked.")
}

fn tell_ghosts(screen: &mut Screen, ghosts: &GhostReport, world: &World) -> Result<(), CliError> {
    screen.line(
        "  schwabot: every spike, surge and turn is first followed on paper, as a ghost. A ghost",
    )?;
    screen.line(
        "  becomes an order only when the ghosts before it earned their costs: 20 cases at",
    )?;
    screen.line("  least, and a share of winners whose 95 % lower bound is above one half.")?;
    screen.line(format_args!(
        "  {} firings, {} ghosts opened; of {} closed, {} earned something.",
        ghosts.firings, ghosts.opened, ghosts.closed, ghosts.successes
    ))?;
    for (symbol, what) in [(PLANTED, "planted drift"), (CONTROL, "control")] {
        let (cases, successes) = up_bursts(world, symbol);
        screen.line(format_args!(
            "  {symbol}, {what}: {successes} of {cases} ghosts after an up-surge of volume earned \
             something."
        ))?;
    }
    screen.line(format_args!(
        "  {} keys have cases, {} ever passed the gate: {} ghosts flipped into orders.",
        ghosts.keys_tested, ghosts.keys_ever_passed, ghosts.triggered
    ))
}

/// Cases and successes of the ghosts that up-surges of a pair opened.
fn up_bursts(world: &World, symbol: &str) -> (u64, u64) {
    let engines = world.run().and_then(RunState::engines);
    let evidence = engines.into_iter().flat_map(|engines| engines.ghosts.evidence());
    let own = evidence.filter(|(key, _)| {
        let pair = format!("{}/{}", key.leg.to, key.leg.from);
        (key.trigger, key.direction) == (Trigger::VolumeSurge, Direction::Up) && pair == symbol
    });
    own.fold((0, 0), |(cases, wins), (_, seen)| (cases + seen.cases(), wins + seen.successes()))
}

fn trade_in_words(world: &World, result: &TradeResult) -> String {
    let Some(entry) = world.trades().get(&result.hash) else { return amount(result.net) };
    let trade = &entry.trade;
    format!(
        "{} {} at {} ({}), out at {} ({}): {}",
        trade.quantity,
        trade.symbol,
        trade.entry.price,
        trade.entry.time,
        trade.exit.price,
        trade.exit.time,
        amount(result.net)
    )
}

fn tell_record(
    screen: &mut Screen,
    summary: &Summary,
    report: &Report,
    ledger: &Path,
) -> Result<(), CliError> {
    let path = ledger.display();
    screen.line("THE RECORD")?;
    let bars = summary.counters.bars;
    screen
        .line(format_args!("  {bars} bars and all that followed: {} records", summary.records))?;
    screen.line(format_args!("  in {path}"))?;
    if summary.stopped {
        screen
            .line(format_args!("  Stopped by Ctrl-C at {}; the run has no end.", summary.time))?;
    }
    screen.line("THE PROOF")?;
    let verdict = report.verdict();
    let style = if verdict == Verdict::Intact { GOOD } else { BAD };
    screen
        .styled(style, format_args!("  Verified: {verdict} (end: {})", end_in_words(report.end)))?;
    screen.line(format_args!(
        "  {} decisions were re-executed from their inputs, byte for byte.",
        report.re_executed
    ))?;
    screen
        .line(format_args!("  Head: {} records, root {}", summary.head.size, summary.head.root))?;
    screen.line("NEXT")?;
    screen.line(format_args!("  schwabot state {path} trades"))?;
    screen.line(format_args!("  schwabot replay {path} --kind trade_closed --format jsonl"))?;
    screen.line(format_args!("  schwabot verify {path}"))
}
