//! The page and its data: complete, equal for equal ledgers, safe, and recomputable.

use std::path::Path;

use schwabot::audit::{Verdict, VerifyOptions};
use schwabot::event::{Event, Mode, RunConfig};
use schwabot::kernel::{default_config, default_instrument};
use schwabot::ledger::{SyncMode, Writer, WriterOptions};
use schwabot::market::SyntheticMarket;
use schwabot::pipeline::{self, Job, RunOptions};
use schwabot::projections::UpTo;
use schwabot::report::{
    Cell, Closes, Metric, Period, Range, SheetOptions, TearSheet, TradeFigures, Trials,
    return_metrics, tear_sheet, value_of,
};
use schwabot::strategies;

use crate::support::{copy_dir, demo};

fn options(threads: usize) -> SheetOptions {
    let verify = VerifyOptions { threads, ..VerifyOptions::default() };
    SheetOptions { up_to: UpTo::End, period: None, trials: None, verify }
}

fn sheet(ledger: &Path) -> TearSheet {
    tear_sheet(ledger, &options(2)).unwrap()
}

/// Runs the built-in crossing over the synthetic market, with the pairs called as said.
fn record(ledger: &Path, names: &[(&str, &str)], bars: u64) {
    let market = demo::market(3, bars);
    let source = SyntheticMarket::new(market.clone()).unwrap();
    let pairs = source.pairs();
    let mut instruments: Vec<_> = pairs
        .iter()
        .map(|pair| default_instrument(pair.symbol.base(), pair.symbol.quote(), pair.interval))
        .collect();
    for (known, (base, quote)) in instruments.iter_mut().zip(names) {
        (known.base, known.quote) = ((*base).to_owned(), (*quote).to_owned());
    }
    let strategy = strategies::canonical("sma-cross", &[]).unwrap();
    let config: RunConfig = default_config(strategy, instruments);
    let job = Job {
        mode: Mode::Backtest,
        strategies: strategies::Catalogue::default(),
        config,
        generator: Some(source.generator()),
        origin: market.start,
        inputs: vec![],
        source,
    };
    let mut options = RunOptions { threads: 1, append: true, ..RunOptions::default() };
    options.writer.sync = SyncMode::End;
    pipeline::run(ledger, job, &options, |_| std::ops::ControlFlow::Continue(())).unwrap();
}

fn demo_ledger(folder: &Path) -> std::path::PathBuf {
    let ledger = folder.join("ledger");
    demo::record(&ledger, &[], 1, 5_000);
    ledger
}

/// Tags of the page that do not close what was opened last.
fn unbalanced(page: &str) -> Vec<String> {
    const EMPTY: [&str; 3] = ["meta", "input", "!DOCTYPE"];
    let mut open: Vec<&str> = Vec::new();
    let mut wrong = Vec::new();
    let body = page.split_once("<style>").map(|(head, rest)| (head, rest.split_once("</style>")));
    let Some((head, Some((_, rest)))) = body else { return vec!["no style".to_owned()] };
    for tag in head.split('<').skip(1).chain(rest.split('<').skip(1)) {
        let Some((inside, _)) = tag.split_once('>') else {
            wrong.push(format!("`{tag}` does not end"));
            continue;
        };
        let name = inside.trim_end_matches('/').split_whitespace().next().unwrap();
        if let Some(closed) = name.strip_prefix('/') {
            if open.pop() != Some(closed) {
                wrong.push(format!("`{closed}` closes something else"));
            }
        } else if !EMPTY.contains(&name) && !inside.ends_with('/') {
            open.push(name);
        }
    }
    wrong.extend(open.into_iter().map(|name| format!("`{name}` is never closed")));
    wrong
}

#[test]
fn the_demos_page_has_every_section_every_figure_and_the_proof() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = demo_ledger(folder.path());
    let sheet = sheet(&ledger);
    let page = sheet.page("");
    let sections = [
        "proof", "equity", "returns", "figures", "trades", "ghosts", "orbits", "flips", "patterns",
        "health", "run", "check",
    ];
    for id in sections {
        assert!(page.contains(&format!("id=\"{id}\"")), "section {id}");
    }
    let drawings = [
        "equity-t",
        "drawdown-t",
        "exposure-t",
        "distribution-t",
        "rolling-sharpe-t",
        "price-2-t",
        "weights-t",
        "bit-phases-t",
        "trade-returns-t",
    ];
    for id in drawings {
        assert!(page.contains(&format!("id=\"{id}\"")), "drawing {id}");
    }
    assert!(sheet.metrics.len() > 70 && sheet.tables.len() == 20, "{}", sheet.tables.len());
    for metric in &sheet.metrics {
        assert!(page.contains(metric.title), "{}", metric.name);
    }
    for table in &sheet.tables {
        assert!(page.contains(table.title), "{}", table.name);
        for row in &table.rows {
            assert_eq!(row.len(), table.columns.len(), "{}", table.name);
        }
    }
    assert!(
        page.contains("Verified: intact") && page.contains("17497"),
        "a ledger without command"
    );
    assert!(page.contains(&sheet.proof.root.unwrap().to_string()));
    assert_eq!(unbalanced(&page), [""; 0]);
    for number in ["NaN", "inf ", "infinity", "-0.00 "] {
        assert!(!page.contains(number), "{number}");
    }
}

#[test]
fn equal_ledgers_give_equal_pages_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = demo_ledger(folder.path());
    let copy = folder.path().join("another name");
    copy_dir(&ledger, &copy);
    let pages = [
        sheet(&ledger).page(""),
        tear_sheet(&copy, &options(1)).unwrap().page(""),
        sheet(&copy).page(""),
    ];
    assert!(pages[0] == pages[1] && pages[1] == pages[2]);
    assert!(!pages[0].contains(folder.path().to_str().unwrap()), "a page names no place");
}

#[test]
fn the_page_asks_for_nothing_and_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let page = sheet(&demo_ledger(folder.path())).page("");
    assert_eq!(page.matches("http").count(), 1, "only `http-equiv` has these letters");
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'"));
    for word in ["<script", "url(", "@import", " src=", "<link", "<iframe", "<form", "onload"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn names_out_of_data_stay_text() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger");
    let hostile = "<img src=x onerror=alert(1)>\"'&\u{202e}\u{7}";
    record(&ledger, &[("A", "USDC"), (hostile, "BTC"), (hostile, "USDC")], 3_000);
    let sheet = sheet(&ledger);
    let page = sheet.page(" --at \"<b>");
    assert!(!sheet.trades.is_empty());
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;\\u{202e}\\u{7}"));
    assert!(!page.contains("<img") && !page.contains("<b>") && !page.contains('\u{202e}'));
    assert_eq!(unbalanced(&page), [""; 0]);
}

fn same(left: &[Metric], right: &[Metric]) {
    for metric in right {
        let found = value_of(left, metric.name);
        // Whoever reads JSON may read a float to a unit in the last place.
        let equal = found.zip(metric.value).is_none_or(|(l, r)| (l - r).abs() <= 1e-6 * l.abs());
        assert!(equal && found.is_some() == metric.value.is_some(), "{} {found:?}", metric.name);
    }
}

#[test]
fn every_figure_of_the_returns_can_be_recomputed_from_the_json() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = demo_ledger(folder.path());
    let trials = Trials { count: 40, sharpe_variance: 0.001 };
    let with = SheetOptions { period: Some(Period::Hour), trials: Some(trials), ..options(1) };
    let sheet = tear_sheet(&ledger, &with).unwrap();
    let json: serde_json::Value =
        serde_json::from_str(&serde_json::to_string(&sheet).unwrap()).unwrap();
    assert_eq!(json["schema"], "schwabot/report/1");
    let opening = json["opening"].as_f64().unwrap();
    let (mut equity, mut held) =
        (Closes::new(Period::Hour, opening), Closes::new(Period::Hour, opening));
    for row in json["closes"].as_array().unwrap() {
        let end = row["end"].as_str().unwrap().parse().unwrap();
        equity.push(end, row["equity"].as_f64().unwrap());
        held.push(end, row["buy_and_hold"].as_f64().unwrap());
    }
    // Two pairs share the cash.
    assert!((held.values()[0] / opening - 1.0).abs() < 0.2, "{}", held.values()[0]);
    let Range { from, to } = sheet.metrics[0].range;
    let again = return_metrics(&equity, Some(&held), Some(&trials), Range { from, to });
    assert!(again.len() > 35 && value_of(&again, "deflated_sharpe").is_some());
    same(&sheet.metrics, &again);
    // And the trades' from the trades.
    let listed = json["trades"].as_array().unwrap();
    let nets: Vec<f64> =
        listed.iter().map(|trade| trade["net"].as_str().unwrap().parse().unwrap()).collect();
    let value = |name: &str| value_of(&sheet.metrics, name).unwrap();
    assert!((value("net_profit") - nets.iter().sum::<f64>()).abs() < 1e-9);
    let won = nets.iter().filter(|net| **net > 0.0).count();
    assert_eq!(value("win_rate"), won as f64 / nets.len() as f64);
    assert_eq!(value("trades"), nets.len() as f64);
}

#[test]
fn equity_is_what_the_world_says_and_profit_adds_up() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger");
    record(&ledger, &[], 4_000);
    let sheet = sheet(&ledger);
    let value = |name: &str| value_of(&sheet.metrics, name).unwrap();
    let reader = schwabot::ledger::Reader::<Event>::open(&ledger).unwrap();
    let folded = schwabot::projections::fold(&reader, UpTo::End).unwrap();
    let run = folded.world.run().unwrap();
    let currency = &run.started().config.account_currency;
    let exact: f64 = run.equity(currency).unwrap().to_string().parse().unwrap();
    assert!((value("equity") - exact).abs() < 1e-6);
    assert_eq!(sheet.closes.last().unwrap().equity, value("equity"));
    let sum = value("opening") + value("net_profit") + value("unrealised");
    assert!((sum - exact).abs() < 1e-6, "{sum} is not {exact}");
    assert!(value("trades") > 10.0 && value("trades") == value("long_trades"));
    // The world measures before what a close causes, the sheet after it: never far apart.
    let track = run.equity_tracks().iter().zip(run.portfolio().accounts());
    let mut own =
        track.filter(|(_, account)| account.currency == *currency).map(|(track, _)| track);
    let worst: f64 = own.next_back().unwrap().max_drawdown.to_string().parse().unwrap();
    let share = worst / value("opening");
    assert!((value("close_max_drawdown") - share).abs() < 0.2 * share, "{share}");
    assert!(value("close_max_drawdown") >= value("max_drawdown"));
    let by_pair = sheet.tables.iter().find(|table| table.name == "by_pair").unwrap();
    let nets: f64 =
        by_pair.rows.iter().map(|row| if let Cell::Number(net) = row[3] { net } else { 0.0 }).sum();
    assert!((nets - value("net_profit")).abs() < 1e-9);
}

#[test]
fn a_past_state_gives_the_figures_of_then() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = demo_ledger(folder.path());
    let (whole, half) =
        (sheet(&ledger), SheetOptions { up_to: UpTo::Sequence(9_000), ..options(1) });
    let half = tear_sheet(&ledger, &half).unwrap();
    let run = half.run.as_ref().unwrap();
    assert_eq!((run.first_sequence, run.last_sequence, run.ended), (0, 9_000, false));
    let known = half.closes.len() - 1;
    assert!(known > 10 && known < whole.closes.len());
    assert_eq!(half.closes[..known], whole.closes[..known]);
    assert_eq!(half.trades[..], whole.trades[..half.trades.len()]);
    assert_eq!(half.proof, whole.proof, "the audit is of the whole ledger");
    assert!(half.notes.iter().any(|note| note.contains("no end")));
    let beyond = SheetOptions { up_to: UpTo::Sequence(1_000_000), ..options(1) };
    assert!(tear_sheet(&ledger, &beyond).unwrap_err().to_string().contains("no record 1000000"));
}

#[test]
fn where_there_is_nothing_the_page_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    Writer::<Event>::open(&empty, &WriterOptions::default()).unwrap().close().unwrap();
    let found = sheet(&empty);
    let page = found.page("");
    assert!(found.run.is_none() && found.metrics.is_empty());
    assert!(
        page.contains("The log has no run up to here") && page.contains("No soulprint was taken")
    );
    assert_eq!(unbalanced(&page), [""; 0]);

    let single = folder.path().join("single");
    record(&single, &[], 1);
    let found = sheet(&single);
    let page = found.page("");
    assert_eq!(found.closes.len(), 1);
    assert!(page.contains("No trade was closed.") && page.contains("ratios of so few"));
    assert!(page.contains("There are 1 returns, fewer than that."));
    assert!(page.contains("The strategy of this run has no use for the engines."));
    assert_eq!(value_of(&found.metrics, "sharpe"), None);
    assert_eq!(unbalanced(&page), [""; 0]);
}

#[test]
fn figures_are_of_the_newest_run_and_the_page_says_how_many_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger");
    record(&ledger, &[], 500);
    let before = sheet(&ledger);
    record(&ledger, &[], 500);
    let both = sheet(&ledger);
    assert_eq!(both.proof.verdict, Verdict::Intact);
    assert!(both.notes[0].contains("2 runs"), "{:?}", both.notes);
    assert_eq!(both.closes, before.closes, "the same market, traded again");
    assert_eq!(both.trades.len(), before.trades.len());
    assert!(both.run.unwrap().first_sequence > 0);
}

#[test]
fn a_trade_is_worth_what_the_log_says() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger");
    record(&ledger, &[], 2_000);
    let sheet = sheet(&ledger);
    let reader = schwabot::ledger::Reader::<Event>::open(&ledger).unwrap();
    let folded = schwabot::projections::fold(&reader, UpTo::End).unwrap();
    let first = &sheet.trades[0];
    let entry = folded.world.trades().get(&first.hash).unwrap();
    let figures = TradeFigures::from(&entry.trade);
    let exact = |text: String| text.parse::<f64>().unwrap();
    assert_eq!(figures.net, exact(entry.trade.net.to_string()));
    let stake = entry.trade.entry.price.times(entry.trade.quantity).unwrap();
    assert!((figures.entry_notional - exact(stake.to_string())).abs() < 1e-9);
    let gross = exact(first.gross.to_string());
    assert!((gross - figures.net - figures.fees).abs() < 1e-9);
}

#[test]
fn a_drawing_has_some_hundred_points_however_long_the_run_and_ends_where_equity_does() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = demo_ledger(folder.path());
    let found = sheet(&ledger);
    let page = found.page("");
    let line = page.split("<path class=\"line s0\" d=\"M").nth(1).unwrap();
    let points: Vec<&str> = line.split_once('"').unwrap().0.split('L').collect();
    assert!((600..=1_201).contains(&points.len()), "{} of 5000 closes", points.len());
    assert!(points[0].starts_with("0.0 ") && points.last().unwrap().starts_with("1000.0 "));
    let text = page.split("id=\"equity-d\">").nth(1).unwrap().split('<').next().unwrap();
    assert!(text.starts_with("From 10\u{202f}000.00 on 2025-01-01 00:00 to "), "{text}");
}
