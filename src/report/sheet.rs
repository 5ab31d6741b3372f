//! The tear sheet of a ledger: its newest run, in figures, tables and drawings.

use std::path::Path;

use serde::Serialize;

use super::account::{account_metrics, notes};
use super::charts::{self, Figure, PAIRS_DRAWN};
use super::equity::{Curve, Watcher};
use super::evidence::evidence;
use super::metric::{Metric, Range};
use super::metrics::return_metrics;
use super::patterns::imports;
use super::proof::Proof;
use super::returns::Period;
use super::sharpe::Trials;
use super::slices::{deepest_falls, months, newest_trades, trade_slices};
use super::table::Table;
use super::trades::{TradeFigures, trade_metrics};
use crate::audit::{AuditError, VerifyOptions, verify};
use crate::event::{Event, FillModel, InputFile, Mode, RunId, RunStarted};
use crate::hash::Digest;
use crate::kernel::RunState;
use crate::ledger::{LedgerError, Reader};
use crate::projections::{Folded, ProjectionError, UpTo, fold_watched, imported_files};
use crate::registries::{Page, TradeEntry};
use crate::time::Timestamp;
use crate::units::{MoneyExact, Price, Quantity, Ratio};

/// Below so many days, returns are those of hours unless it was said otherwise.
pub const DAYS_ENOUGH: usize = 30;

/// How a tear sheet is made.
#[derive(Clone)]
pub struct SheetOptions {
    /// Up to where the log is read; the audit looks at all of it.
    pub up_to: UpTo,
    /// The length of the returns; else days, or hours where there are fewer than [`DAYS_ENOUGH`].
    pub period: Option<Period>,
    /// Among how many results this one was picked.
    pub trials: Option<Trials>,
    /// How the ledger is verified.
    pub verify: VerifyOptions,
}

/// Why there is no tear sheet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The ledger could not be verified at all.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The log cannot be folded.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
}

/// What a run was asked to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunFacts {
    /// Its id.
    pub run: RunId,
    /// How it met the world.
    pub mode: Mode,
    /// The kernel that decided.
    pub kernel: u32,
    /// Who decided, with all settings.
    pub strategy: crate::event::StrategyConfig,
    /// The seeded market, where there was one.
    pub generator: Option<crate::event::Generator>,
    /// Its pairs, as `BASE/QUOTE`.
    pub pairs: Vec<String>,
    /// The currency of all figures.
    pub currency: String,
    /// When orders filled.
    pub fill: FillModel,
    /// Fee as a share of the notional, once a side.
    pub fee_rate: Ratio,
    /// Half the spread as a share of the price.
    pub half_spread: Ratio,
    /// True after its last event.
    pub ended: bool,
    /// True where its evidence comes from a run that read one of the same files.
    pub in_sample: bool,
    /// How many runs the log has up to here; this one is the newest.
    pub runs: u64,
    /// Its first record.
    pub first_sequence: u64,
    /// The last record that the page knows.
    pub last_sequence: u64,
    /// The files that it read.
    pub files: Vec<InputFile>,
}

/// The end of one period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CloseRow {
    /// When it ends.
    pub end: Timestamp,
    /// Cash and positions at its last close.
    pub equity: f64,
    /// Buy and hold then.
    pub buy_and_hold: Option<f64>,
}

/// A closed trade, exactly as it is in the log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TradeRow {
    /// Its canonical hash.
    pub hash: Digest,
    /// Its record.
    pub sequence: u64,
    /// The pair.
    pub pair: String,
    /// True where it was entered by a buy.
    pub long: bool,
    /// How much base currency.
    pub quantity: Quantity,
    /// When it was entered.
    pub entry_time: Timestamp,
    /// At which price.
    pub entry_price: Price,
    /// When it was left.
    pub exit_time: Timestamp,
    /// At which price.
    pub exit_price: Price,
    /// Profit before fees.
    pub gross: MoneyExact,
    /// Profit after fees.
    pub net: MoneyExact,
}

/// A tear sheet: everything that its page shows. As JSON it is the same without the drawings.
#[derive(Clone, Debug, Serialize)]
pub struct TearSheet {
    /// Version of this object.
    pub schema: &'static str,
    /// Version of the program that worked it out.
    pub program: &'static str,
    /// What the audit of the ledger said.
    pub proof: Proof,
    /// What the run was; none in a log without one.
    pub run: Option<RunFacts>,
    /// The length of the returns.
    pub period: Period,
    /// How many of them a year has.
    pub periods_a_year: f64,
    /// The value before the first period.
    pub opening: Option<f64>,
    /// The ends of the periods: what the returns are made of.
    pub closes: Vec<CloseRow>,
    /// All figures.
    pub metrics: Vec<Metric>,
    /// All tables.
    pub tables: Vec<Table>,
    /// All closed trades of the run in its currency, in the order of their exits.
    pub trades: Vec<TradeRow>,
    /// What is to be known when reading it.
    pub notes: Vec<String>,
    #[serde(skip)]
    pub(super) figures: Vec<(&'static str, Figure)>,
}

/// Makes the tear sheet of the ledger at `path`: verifies it, and folds it once from its first
/// record.
///
/// # Errors
/// [`ReportError`] when the ledger cannot be read. A verdict that is not good is no error: the
/// sheet says it.
///
/// # Examples
/// ```
/// use schwabot::audit::{Verdict, VerifyOptions};
/// use schwabot::event::Event;
/// use schwabot::ledger::{Writer, WriterOptions};
/// use schwabot::projections::UpTo;
/// use schwabot::report::{SheetOptions, tear_sheet};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("ledger");
/// Writer::<Event>::open(&path, &WriterOptions::default())?.close()?;
/// let verify = VerifyOptions::default();
/// let options = SheetOptions { up_to: UpTo::End, period: None, trials: None, verify };
/// let sheet = tear_sheet(&path, &options)?;
/// assert_eq!(sheet.proof.verdict, Verdict::Intact);
/// assert!(sheet.run.is_none() && sheet.notes[0].contains("no run"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn tear_sheet(path: &Path, options: &SheetOptions) -> Result<TearSheet, ReportError> {
    let proof = Proof::of(&verify(path, &options.verify)?);
    let reader = Reader::<Event>::open(path)?;
    let mut watcher = Watcher::default();
    let folded = fold_watched(&reader, options.up_to, &mut |world, event, _, time| {
        watcher.see(world, event, time);
    })?;
    let curve = watcher.finish(&folded.world);
    let imported = imported_files(&reader, options.up_to)?;
    let mut sheet = sheet_of(proof, &folded, curve.as_ref(), options);
    if !imported.is_empty() {
        let all = imported.len();
        sheet.notes.push(format!(
            "Other people's files were imported ({all}): they are listed, and are in no figure."
        ));
    }
    sheet.tables.push(imports(&imported));
    Ok(sheet)
}

fn sheet_of(
    proof: Proof,
    folded: &Folded,
    curve: Option<&Curve>,
    options: &SheetOptions,
) -> TearSheet {
    let run = folded.world.run();
    let usual = curve.is_some_and(|curve| curve.days.values().len() >= DAYS_ENOUGH);
    let usual = if usual { Period::Day } else { Period::Hour };
    let period = options.period.unwrap_or(usual);
    let mut sheet = TearSheet {
        schema: "schwabot/report/1",
        program: env!("CARGO_PKG_VERSION"),
        proof,
        run: None,
        period,
        periods_a_year: period.a_year(),
        opening: curve.map(|curve| curve.opening),
        closes: Vec::new(),
        metrics: Vec::new(),
        tables: Vec::new(),
        trades: Vec::new(),
        notes: Vec::new(),
        figures: Vec::new(),
    };
    if let (Some(run), Some(curve)) = (run, curve) {
        sheet.run = Some(facts(run, curve, folded));
        fill(&mut sheet, run, curve, folded, options.trials.as_ref());
    } else {
        sheet.notes.push("The log has no run up to here: there is nothing to measure.".to_owned());
    }
    sheet.tables.extend(evidence(folded));
    sheet
}

fn facts(run: &RunState, curve: &Curve, folded: &Folded) -> RunFacts {
    let RunStarted { run: id, mode, kernel, config, generator } = run.started().clone();
    RunFacts {
        run: id,
        mode,
        kernel,
        strategy: config.strategy,
        generator,
        pairs: config.instruments.iter().map(crate::event::Instrument::symbol).collect(),
        currency: config.account_currency,
        fill: config.venue.fill,
        fee_rate: config.venue.fee_rate,
        half_spread: config.venue.half_spread,
        ended: run.ended(),
        in_sample: folded.in_sample,
        runs: folded.world.runs(),
        first_sequence: run.first_sequence(),
        last_sequence: folded.records.saturating_sub(1),
        files: curve.files.clone(),
    }
}

/// The closed trades of the run that are paid in its currency, and how many are not.
fn own_trades<'a>(run: &RunState, folded: &'a Folded) -> (Vec<&'a TradeEntry>, usize) {
    let config = &run.started().config;
    let own = folded.world.trades().by_exit(Page::ALL);
    let own = own.filter(|entry| entry.trade.run == run.started().run);
    let (own, other): (Vec<_>, Vec<_>) = own.partition(|entry| {
        let known = config.instruments.get(usize::from(entry.trade.pair.0));
        known.is_some_and(|known| known.quote == config.account_currency)
    });
    (own, other.len())
}

fn fill(
    sheet: &mut TearSheet,
    run: &RunState,
    curve: &Curve,
    folded: &Folded,
    trials: Option<&Trials>,
) {
    let (trades, other) = own_trades(run, folded);
    let figures: Vec<TradeFigures> =
        trades.iter().map(|entry| TradeFigures::from(&entry.trade)).collect();
    let from = curve.first_bar.unwrap_or(curve.began);
    let range = Range { from, to: curve.last.unwrap_or(from).max(from) };
    let (closes, held) = curve.closes(sheet.period);
    sheet.metrics = account_metrics(run, curve, range);
    sheet.metrics.extend(return_metrics(closes, held, trials, range));
    sheet.metrics.extend(trade_metrics(&figures, curve.opening, range));
    let held_values = held.map(super::returns::Closes::values).unwrap_or_default();
    let rows = closes.ends().zip(closes.values()).enumerate();
    sheet.closes = rows
        .map(|(place, (end, equity))| CloseRow {
            end,
            equity: *equity,
            buy_and_hold: held_values.get(place).copied(),
        })
        .collect();
    sheet.tables = vec![months(closes), deepest_falls(&curve.falls)];
    sheet.tables.extend(trade_slices(&trades));
    sheet.tables.push(newest_trades(&trades));
    sheet.trades = trades.iter().map(|entry| trade_row(entry)).collect();
    sheet.notes = notes(sheet, run, curve, other);
    sheet.figures = drawings(run, curve, &trades, sheet.period);
}

fn trade_row(entry: &TradeEntry) -> TradeRow {
    let trade = &entry.trade;
    TradeRow {
        hash: entry.hash,
        sequence: entry.sequence,
        pair: trade.symbol.clone(),
        long: trade.side == crate::event::Side::Buy,
        quantity: trade.quantity,
        entry_time: trade.entry.time,
        entry_price: trade.entry.price,
        exit_time: trade.exit.time,
        exit_price: trade.exit.price,
        gross: trade.gross,
        net: trade.net,
    }
}

fn drawings(
    run: &RunState,
    curve: &Curve,
    trades: &[&TradeEntry],
    period: Period,
) -> Vec<(&'static str, Figure)> {
    let (closes, _) = curve.closes(period);
    let returns = closes.returns().unwrap_or_default();
    let shares: Vec<f64> =
        trades.iter().filter_map(|e| TradeFigures::from(&e.trade).net_return()).collect();
    let title = format!("Returns of {}", period.one());
    let mut drawn = vec![
        ("equity", charts::equity(curve)),
        ("equity", charts::drawdown(curve)),
        ("equity", charts::exposure(curve)),
        ("returns", charts::distribution("distribution", &title, &returns, "returns")),
        ("returns", charts::rolling_sharpe(closes)),
        (
            "trades",
            charts::distribution(
                "trade-returns",
                "Net returns of trades",
                &shares,
                "closed trades",
            ),
        ),
    ];
    let traded: Vec<(usize, &str)> = run
        .pairs()
        .iter()
        .enumerate()
        .filter(|(_, pair)| trades.iter().any(|entry| entry.trade.symbol == pair.symbol))
        .map(|(place, pair)| (place, pair.symbol.as_str()))
        .collect();
    for pair in traded.into_iter().take(PAIRS_DRAWN) {
        drawn.push(("trades", charts::trades_on_price(pair, curve, trades)));
    }
    if let Some(engines) = run.engines() {
        drawn.push(("orbits", charts::weights(curve, engines)));
        drawn.push(("flips", charts::bit_phases(engines)));
    }
    drawn
}
