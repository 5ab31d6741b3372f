//! A sweep as one self-contained page: what following the choices came to, and a table of all
//! trials. It needs no network and no script; whatever comes from data is escaped; the same
//! judgement gives the same bytes.

use super::charts::{over_time, place, row, with_values};
use super::metric::Unit;
use super::page_parts;
use super::selection::{Figures, Followed, Judged, Judgement, UnitPoint};
use super::svg::Stroke;
use super::table::{COUNT, Cell, NUMBER, SHARE, TEXT, Table};
use super::words::{counted, escaped, fixed, minute};

const STYLE: &str = include_str!("page.css");
/// Points that are drawn of a curve, about.
const POINTS_DRAWN: usize = 1_200;

/// Returns the page of a judgement; `labels` and `heads` (roots, or nothing) are those of the
/// trials.
#[must_use]
pub fn selection_page(judged: &Judgement, labels: &[String], heads: &[String]) -> String {
    let title = format!("Sweep of {} trials", judged.trials);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header><div><h1>{title}</h1><p class=\"dim\">{} of {} s</p></div></header>\n<main>\n",
        counted(usize::try_from(judged.periods).unwrap_or(usize::MAX), "period"),
        judged.period_seconds
    );
    out.push_str(&format!("<p>{}</p>\n", escaped(&warning(judged))));
    if let Some(followed) = &judged.followed {
        out.push_str("<h2>Walk-forward: what the choices earned unseen</h2>\n");
        page_parts::table(&followed_table(judged, followed), &mut out);
        drawing(followed, &mut out);
        page_parts::table(&windows(followed, labels), &mut out);
    }
    out.push_str("<h2>Trials</h2>\n");
    page_parts::table(&trials(judged, labels, heads), &mut out);
    out.push_str(
        "</main>\n<footer><p>Made by schwabot. It is no claim of an edge.</p></footer>\n\
         </body>\n</html>\n",
    );
    out
}

fn warning(judged: &Judgement) -> String {
    let by_chance = match &judged.overfitting {
        Some(found) => format!(
            "The probability that the best of all periods is the best by chance is {} ({} ways to \
             halve {} blocks).",
            found.in_words(),
            found.ways,
            found.blocks
        ),
        None => "There are too few trials, trades or periods to say how likely the best is \
                 chance."
            .into(),
    };
    format!(
        "The best of {} trials looks good by chance alone. “Deflated” is the probability that the \
         true Sharpe ratio is above what the best of so many trials without skill would show. \
         {by_chance}",
        judged.trials
    )
}

/// The figures that every row shows: return, fall, Sharpe ratio of a year, deflated.
fn figures(figures: &Figures) -> [Cell; 4] {
    [
        figures.total_return.into(),
        figures.max_drawdown.into(),
        figures.sharpe_year.into(),
        figures.deflated_sharpe.into(),
    ]
}

fn followed_table(judged: &Judgement, followed: &Followed) -> Table {
    let variance = followed.figures.sharpe_variance;
    let variance = variance.map_or_else(|| "unknown".to_owned(), |value| fixed(value, 9));
    let mut table = Table::new(
        "walk_forward",
        "Joined test periods",
        &[
            ("what", TEXT),
            ("return", SHARE),
            ("fall", SHARE),
            ("Sharpe", NUMBER),
            ("deflated", NUMBER),
        ],
    )
    .noted(format!(
        "Deflated by {} trials; variance of their Sharpe ratios of one period: {variance}.",
        judged.trials
    ));
    let held = judged.held.test.unwrap_or_default();
    for (name, row) in [("choices followed", &followed.figures), ("buy and hold", &held)] {
        table.rows.push(std::iter::once(Cell::from(name)).chain(figures(row)).collect());
    }
    table
}

/// The joined curve beside what was held.
fn drawing(followed: &Followed, out: &mut String) {
    let (Some(first), Some(last)) = (followed.curve.first(), followed.curve.last()) else { return };
    let begin = followed.windows.first().map_or(first.time, |window| window.test_from);
    let title = "One unit that followed the choices, and buy and hold";
    let chart = over_time("followed", title, begin, last.time);
    let values = followed.curve.iter().chain(&followed.held).map(|point| point.value);
    let mut chart = with_values(chart, values.chain(std::iter::once(1.0)), Unit::Number);
    let line = |points: &[UnitPoint]| -> Vec<(f64, f64)> {
        // Every so many points, and the last one always.
        let every = points.len().div_ceil(POINTS_DRAWN).max(1);
        let kept = points.iter().rev().step_by(every).map(|point| (place(point.time), point.value));
        let mut kept: Vec<(f64, f64)> = kept.collect();
        kept.push((place(begin), 1.0));
        kept.reverse();
        kept
    };
    chart.description = format!(
        "From {} to {} one unit became {}; held, it became {}.",
        minute(begin),
        minute(last.time),
        fixed(last.value, 4),
        fixed(followed.held.last().map_or(1.0, |point| point.value), 4)
    );
    chart.rows = vec![
        row("buy and hold", 1, Stroke::Line, line(&followed.held)),
        row("choices followed", 0, Stroke::Line, line(&followed.curve)),
    ];
    chart.wide = true;
    chart.write(out);
}

fn windows(followed: &Followed, labels: &[String]) -> Table {
    let mut table = Table::new(
        "windows",
        "Windows",
        &[
            ("tested from", TEXT),
            ("to", TEXT),
            ("chosen", TEXT),
            ("train Sharpe, a period", NUMBER),
            ("test Sharpe, a period", NUMBER),
            ("test return", SHARE),
            ("cost of the change", SHARE),
        ],
    );
    for window in &followed.windows {
        table.rows.push(vec![
            minute(window.test_from).into(),
            minute(window.test_to).into(),
            label(labels, window.chosen),
            window.train_sharpe.into(),
            window.test_sharpe.into(),
            window.test_return.into(),
            window.change_cost.into(),
        ]);
    }
    table
}

fn label(labels: &[String], trial: usize) -> Cell {
    labels.get(trial).map_or(Cell::Nothing, |label| label.as_str().into())
}

fn trials(judged: &Judgement, labels: &[String], heads: &[String]) -> Table {
    let tested = judged.followed.is_some();
    let mut columns = vec![
        ("trial", TEXT),
        ("rank", COUNT),
        ("return", SHARE),
        ("fall", SHARE),
        ("Sharpe", NUMBER),
        ("deflated", NUMBER),
    ];
    if tested {
        columns.extend([
            ("test return", SHARE),
            ("test fall", SHARE),
            ("test Sharpe", NUMBER),
            ("test deflated", NUMBER),
            ("chosen", COUNT),
        ]);
    }
    columns.push(("root of its ledger", TEXT));
    let by = if tested { "the test periods" } else { "all periods" };
    let mut table = Table::new("trials", "All trials", &columns)
        .noted(format!("Ranked by the Sharpe ratio of {by}; ratios are of a year of 365 days."));
    let cells = |name: Cell, rank: Cell, one: &Judged, head: Cell| -> Vec<Cell> {
        let mut row = vec![name, rank];
        row.extend(figures(&one.whole));
        if tested {
            row.extend(figures(&one.test.unwrap_or_default()));
            row.push(one.chosen.into());
        }
        row.push(head);
        row
    };
    let held = cells("buy and hold".into(), Cell::Nothing, &judged.held, Cell::Nothing);
    table.rows.push(held);
    for (rank, one) in (1_u64..).zip(&judged.ranked) {
        let head = heads.get(one.trial).map_or(Cell::Nothing, |head| head.as_str().into());
        table.rows.push(cells(label(labels, one.trial), rank.into(), one, head));
    }
    table
}
