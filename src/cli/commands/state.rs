//! `state`: what the log amounts to, at its end or at any moment before.

use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::answer::Answer;
use crate::cli::args::{Format, StateArgs, What};
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::progress::Reading;
use crate::cli::text::{DIM, Screen, amount, amount_or_none, count};
use crate::kernel::{PairQuality, RunState};
use crate::ledger::Reader;
use crate::projections::{DataQuality, Folded, UpTo, account_summaries, fold};
use crate::registries::{Page, TradeEntry, TradeQuery};
use crate::units::{MoneyExact, Price, Quantity};

/// Columns of the table of trades.
const TRADE_COLUMNS: &[&str] = &[
    "sequence",
    "hash",
    "trade.trade",
    "trade.symbol",
    "trade.quantity",
    "trade.entry.time",
    "trade.entry.price",
    "trade.exit.time",
    "trade.exit.price",
    "trade.gross",
    "trade.net",
];

/// Columns of the table of what is wrong with the data.
const DATA_COLUMNS: &[&str] = &[
    "symbol",
    "bars",
    "gaps",
    "missing_bars",
    "longest_gap",
    "duplicates",
    "disorders",
    "malformed",
    "off_grid",
];

pub(in crate::cli) fn run(args: &StateArgs) -> Outcome {
    let reading = Reading::new("folding", &args.ledger, 1);
    interrupt::end_at_once("nothing was changed; the same command begins again".to_owned())?;
    let reader = Reader::open_on(reading.disk(), &args.ledger)?;
    if args.what == What::Imports {
        return super::state_imports::run(args, &reader);
    }
    let folded = fold(&reader, args.at.unwrap_or(UpTo::End))?;
    drop(reading);
    let mut screen = Screen::new();
    match args.format {
        Format::Text => {
            let moment = folded.time.map(|time| format!(", {time}")).unwrap_or_default();
            let records = count(folded.records, "record");
            screen.styled(DIM, format_args!("after {records}{moment}"))?;
            tell(&mut screen, args, &folded)?;
        }
        format => {
            let fields = as_json(args, &folded);
            let answer = Answer::new("state", &fields);
            match listed(args.what, args.near.is_some()) {
                Some((path, kind, columns)) => {
                    let members = fields.pointer(path).and_then(Value::as_array);
                    let members = members.cloned().unwrap_or_default();
                    screen.answer(format, &answer.listing(kind, columns, members))?;
                }
                None => screen.answer(format, &answer)?,
            }
        }
    }
    screen.flush()?;
    Ok(0)
}

/// What is held of one pair.
#[derive(Serialize)]
pub(in crate::cli) struct Held {
    pub(in crate::cli) symbol: String,
    side: crate::event::Side,
    pub(in crate::cli) quantity: Quantity,
    basis: MoneyExact,
    pub(in crate::cli) mark: Option<Price>,
    pub(in crate::cli) unrealised: Option<MoneyExact>,
}

/// What is held, pair by pair.
pub(in crate::cli) fn positions(run: &RunState) -> Vec<Held> {
    let places = run.portfolio().positions().iter().zip(run.pairs());
    let held = places.filter_map(|(position, pair)| {
        let mark = pair.last.map(|last| last.close);
        Some(Held {
            symbol: pair.symbol.clone(),
            side: position.side()?,
            quantity: position.quantity,
            basis: position.basis,
            mark,
            unrealised: mark.and_then(|mark| position.unrealised(mark).ok()),
        })
    });
    held.collect()
}

fn trades<'a>(args: &'a StateArgs, folded: &'a Folded) -> Vec<&'a TradeEntry> {
    let page = Page { offset: args.offset, limit: args.limit.unwrap_or(usize::MAX) };
    let (symbol, strategy) = (args.symbol.as_deref(), args.strategy.as_deref());
    let query = TradeQuery { symbol, strategy, ..TradeQuery::default() };
    folded.world.trades().query(query, page).collect()
}

fn as_json(args: &StateArgs, folded: &Folded) -> Value {
    let world = &folded.world;
    let run = world.run();
    let performance = |quote: &str| (quote.to_owned(), json!(world.trades().performance(quote)));
    let by_quote: serde_json::Map<String, Value> =
        world.trades().quotes().map(performance).collect();
    let accounts = run.map(account_summaries);
    let domain = super::state_domain::as_json(args, folded);
    let (name, value) = domain.unwrap_or_else(|| match args.what {
        What::Summary => (
            "summary",
            json!({
                "runs": world.runs(),
                "unfinished_runs": world.unfinished_runs(),
                "run": run.map(|run| run.started().run),
                "mode": run.map(|run| run.started().mode),
                "strategy": run.map(|run| &run.started().config.strategy),
                "ended": run.map(RunState::ended),
                "counters": run.map(RunState::counters),
                "accounts": accounts,
                "positions": run.map(positions),
                "trades": world.trades().len(),
                "findings": world.findings().total(),
            }),
        ),
        What::Trades => {
            let entries = trades(args, folded);
            let listed = entries.iter().map(|entry| {
                json!({"hash": entry.hash, "sequence": entry.sequence, "trade": entry.trade})
            });
            ("trades", listed.collect())
        }
        What::Positions => ("positions", json!(run.map(positions))),
        What::Metrics => (
            "metrics",
            json!({
                "counters": run.map(RunState::counters),
                "accounts": accounts,
                "by_quote": by_quote,
            }),
        ),
        What::Data => ("data", json!(run.map(DataQuality::of))),
        What::Findings => (
            "findings",
            json!({"total": world.findings().total(), "first": world.findings().kept()}),
        ),
        What::Config => ("config", json!(run.map(RunState::started))),
        // Answered above.
        _ => ("state", Value::Null),
    });
    json!({"records": folded.records, "time": folded.time, name: value})
}

/// Where the list stands in the answer about a part of the state, the type of its members, and the
/// columns of its table; none for a part that is no list.
fn listed(what: What, near: bool) -> Option<(&'static str, &'static str, &'static [&'static str])> {
    Some(match what {
        What::Trades => ("/trades", "trade", TRADE_COLUMNS),
        What::Positions => (
            "/positions",
            "position",
            &["symbol", "side", "quantity", "basis", "mark", "unrealised"],
        ),
        What::Data => ("/data", "data_quality", DATA_COLUMNS),
        What::Findings => ("/findings/first", "finding", &["finding"]),
        _ => return super::state_domain::listed(what, near),
    })
}

fn tell(screen: &mut Screen, args: &StateArgs, folded: &Folded) -> Result<(), CliError> {
    let world = &folded.world;
    if super::state_domain::tell(screen, args, folded)? {
        return Ok(());
    }
    if args.what == What::Trades {
        return tell_trades(screen, &trades(args, folded));
    }
    if args.what == What::Findings {
        screen.line(count(world.findings().total(), "finding"))?;
        return world.findings().kept().iter().try_for_each(|finding| screen.line(finding));
    }
    let Some(run) = world.run() else { return screen.line("no run has begun") };
    match args.what {
        What::Positions => tell_positions(screen, run),
        What::Data => tell_data(screen, folded),
        What::Config => tell_config(screen, run),
        What::Metrics => {
            tell_counters(screen, run)?;
            tell_accounts(screen, run)?;
            world.trades().quotes().try_for_each(|quote| tell_performance(screen, folded, quote))
        }
        _ => {
            let started = run.started();
            let end = if run.ended() { "ended" } else { "not ended" };
            screen.field("runs", world.runs())?;
            screen.field("last run", format_args!("{} ({end})", started.run))?;
            screen.field("strategy", &started.config.strategy.name)?;
            tell_counters(screen, run)?;
            tell_accounts(screen, run)?;
            tell_positions(screen, run)?;
            screen.field("findings", world.findings().total())
        }
    }
}

fn tell_counters(screen: &mut Screen, run: &RunState) -> Result<(), CliError> {
    let counters = run.counters();
    let numbers = [
        ("bars", counters.bars),
        ("defects", counters.defects),
        ("signals", counters.signals),
        ("orders", counters.orders),
        ("refused", counters.refused),
        ("fills", counters.fills),
        ("rejected", counters.rejected),
        ("expired", counters.expired),
        ("trades", counters.trades),
    ];
    numbers.iter().try_for_each(|(name, number)| screen.field(name, number))
}

fn tell_accounts(screen: &mut Screen, run: &RunState) -> Result<(), CliError> {
    let rows: Vec<Vec<String>> = account_summaries(run)
        .iter()
        .map(|account| {
            vec![
                account.currency.clone(),
                amount(account.opening),
                amount(account.cash),
                amount(account.net_profit),
                amount_or_none(account.unrealised),
                amount_or_none(account.equity),
                amount(account.fees),
                amount(account.max_drawdown),
            ]
        })
        .collect();
    let header =
        ["currency", "opening", "cash", "net profit", "unrealised", "equity", "fees", "worst fall"];
    screen.table(&header, &rows)
}

fn tell_positions(screen: &mut Screen, run: &RunState) -> Result<(), CliError> {
    let held = positions(run);
    if held.is_empty() {
        return screen.line("  no open position");
    }
    let rows: Vec<Vec<String>> = held
        .iter()
        .map(|held| {
            let mark = held.mark.map_or("-".to_owned(), |mark| mark.to_string());
            let (quantity, basis) = (held.quantity.to_string(), amount(held.basis));
            vec![held.symbol.clone(), quantity, basis, mark, amount_or_none(held.unrealised)]
        })
        .collect();
    screen.table(&["position", "quantity", "cost", "last close", "unrealised"], &rows)
}

fn tell_performance(screen: &mut Screen, folded: &Folded, quote: &str) -> Result<(), CliError> {
    let sums = folded.world.trades().performance(quote);
    screen.line(format_args!("trades in {quote}, all runs"))?;
    screen.field("closed", sums.total)?;
    let rate = sums.success_rate.map_or("-".to_owned(), |rate| rate.to_string());
    screen.field("successful", format_args!("{} (share {rate})", sums.successful))?;
    screen.field("gross", amount(sums.total_gross))?;
    screen.field("net", amount(sums.total_net))?;
    if let Some(average) = sums.average_net {
        screen.field("mean net", amount(average))?;
    }
    for (name, result) in [("best", sums.best), ("worst", sums.worst)] {
        if let Some(result) = result {
            screen.field(name, format_args!("{}, trade {}", amount(result.net), result.hash))?;
        }
    }
    Ok(())
}

fn tell_trades(screen: &mut Screen, entries: &[&TradeEntry]) -> Result<(), CliError> {
    if entries.is_empty() {
        return screen.line("no trade");
    }
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|entry| {
            let trade = &entry.trade;
            vec![
                trade.trade.to_string(),
                trade.symbol.clone(),
                trade.quantity.to_string(),
                trade.entry.time.to_string(),
                trade.entry.price.to_string(),
                trade.exit.time.to_string(),
                trade.exit.price.to_string(),
                amount(trade.net),
                entry.hash.short(),
            ]
        })
        .collect();
    let header = ["trade", "pair", "quantity", "entry", "price", "exit", "price", "net", "hash"];
    screen.table(&header, &rows)
}

fn tell_data(screen: &mut Screen, folded: &Folded) -> Result<(), CliError> {
    for pair in folded.world.run().map(DataQuality::of).unwrap_or_default().pairs() {
        screen
            .field(&pair.symbol, format_args!("{} bars; {}", pair.bars, defects_in_words(pair)))?;
    }
    Ok(())
}

/// The defects of one pair in one line.
pub(super) fn defects_in_words(pair: &PairQuality) -> String {
    let mut parts = Vec::new();
    if pair.gaps > 0 {
        let bars = count(pair.missing_bars, "bar");
        let mut text = format!("{} ({bars} missing", count(pair.gaps, "gap"));
        if let Some((from, length)) = pair.longest_gap {
            text = format!("{text}, longest {length} from {from}");
        }
        parts.push(text + ")");
    }
    let kinds = [
        (pair.duplicates, "repeated row"),
        (pair.disorders, "row out of order"),
        (pair.malformed, "malformed row"),
        (pair.off_grid, "bar off the grid"),
    ];
    for (number, noun) in kinds.into_iter().filter(|(number, _)| *number > 0) {
        parts.push(format!("{number} x {noun}"));
    }
    if parts.is_empty() { "no defect".to_owned() } else { parts.join(", ") }
}

fn tell_config(screen: &mut Screen, run: &RunState) -> Result<(), CliError> {
    let started = run.started();
    let config = &started.config;
    screen.field("run", started.run)?;
    screen.field("kernel", started.kernel)?;
    if let Some(generator) = &started.generator {
        let market =
            format!("{}, seed {}, {} bars", generator.name, generator.seed, generator.bars);
        screen.field("market", market)?;
    }
    screen.field("strategy", &config.strategy.name)?;
    for parameter in &config.strategy.parameters {
        screen.field(&format!("  {}", parameter.name), &parameter.value)?;
    }
    screen.field("fee", config.venue.fee_rate)?;
    screen.field("half spread", config.venue.half_spread)?;
    let bars = config.venue.impact_window_bars;
    screen.field("impact", format_args!("{} over {bars} bars", config.venue.impact))?;
    screen
        .field("short sales", if config.venue.allow_short { "allowed" } else { "not allowed" })?;
    for balance in &config.balances {
        screen.field("cash", format_args!("{} {}", balance.amount, balance.currency))?;
    }
    for known in &config.instruments {
        let watched = if known.tradable { "" } else { ", only watched" };
        let text = format!(
            "{} bars, tick {}, lot {}, smallest order {} {}{watched}",
            known.interval, known.tick, known.lot, known.min_notional, known.quote
        );
        screen.field(&known.symbol(), text)?;
    }
    Ok(())
}
