//! A sweep as one self-contained page: a table of all trials, and what following the choices came
//! to. It needs no network and no script; whatever comes from data is escaped; the same judgement
//! gives the same bytes.

use std::fmt::Write;

use super::selection::{Followed, Judged, Judgement, UnitPoint};
use super::selection_words::{percent, shown};

const STYLE: &str = include_str!("selection_page.css");
/// Size of the drawing, in its own units.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 320.0;
/// Left and lower border, where the labels stand.
const BORDER: f64 = 56.0;

/// Text as HTML.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// Returns the page of a judgement; `labels` and `heads` (roots, or nothing) are those of the trials.
#[must_use]
pub fn selection_page(judged: &Judgement, labels: &[String], heads: &[String]) -> String {
    let mut page = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n");
    page.push_str("<meta charset=\"utf-8\">\n");
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
    );
    page.push_str("<title>Sweep</title>\n<style>\n");
    page.push_str(STYLE);
    page.push_str("</style>\n</head>\n<body>\n<main>\n");
    let (trials, periods, seconds) = (judged.trials, judged.periods, judged.period_seconds);
    // Writing into a string cannot fail.
    let _ = writeln!(page, "<h1>{trials} trials over {periods} periods of {seconds} s</h1>");
    let _ = writeln!(page, "<p>{}</p>", warning(judged));
    if let Some(followed) = &judged.followed {
        walk(&mut page, judged, followed, labels);
    }
    table(&mut page, judged, labels, heads);
    page.push_str("</main>\n</body>\n</html>\n");
    page
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
        None => "There are too few trials or periods to say how likely the best is chance.".into(),
    };
    format!(
        "The best of {} trials looks good by chance alone. \"Deflated\" is the probability that the \
         true Sharpe ratio is above what the best of so many trials without skill would show. \
         {by_chance}",
        judged.trials
    )
}

fn walk(page: &mut String, judged: &Judgement, followed: &Followed, labels: &[String]) {
    page.push_str("<h2>Walk-forward: what the choices earned on data they did not see</h2>\n");
    let [returned, fall, sharpe, deflated] = followed.figures.cells();
    let _ = writeln!(
        page,
        "<p>Return {returned} %, deepest fall {fall} %, Sharpe {sharpe} a year, deflated {deflated} \
         by {} trials (variance of their Sharpe ratios of one period: {}).</p>",
        judged.trials,
        shown(followed.figures.sharpe_variance, 9)
    );
    drawing(page, &followed.curve);
    page.push_str("<div class=\"scroll\"><table>\n<caption>Windows</caption>\n<tr>");
    for name in ["#", "chosen", "tested from", "to", "train Sharpe", "return %", "change cost %"] {
        let _ = write!(page, "<th scope=\"col\">{name}</th>");
    }
    page.push_str("</tr>\n");
    for (number, window) in (1..).zip(&followed.windows) {
        let label = labels.get(window.chosen).map(|label| escaped(label)).unwrap_or_default();
        let _ = writeln!(
            page,
            "<tr><td>{number}</td><td>{label}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
             <td>{}</td></tr>",
            window.test_from,
            window.test_to,
            shown(window.train_sharpe, 4),
            percent(window.test_return),
            percent(Some(window.change_cost))
        );
    }
    page.push_str("</table></div>\n");
}

/// The joined curve, as one line between its lowest and highest value.
fn drawing(page: &mut String, curve: &[UnitPoint]) {
    let (Some(first), Some(last)) = (curve.first(), curve.last()) else { return };
    let low = curve.iter().map(|point| point.value).fold(1.0, f64::min);
    let high = curve.iter().map(|point| point.value).fold(1.0, f64::max);
    let span = if high > low { high - low } else { 1.0 };
    let steps = (curve.len() as f64).max(1.0);
    let x = |place: f64| BORDER + (WIDTH - BORDER) * place / steps;
    let y = |value: f64| (HEIGHT - BORDER) * (1.0 - (value - low) / span) + BORDER / 2.0;
    let mut path = format!("M{:.1} {:.1}", x(0.0), y(1.0));
    for (place, point) in (1_u32..).zip(curve) {
        let _ = write!(path, "L{:.1} {:.1}", x(f64::from(place)), y(point.value));
    }
    let _ = writeln!(
        page,
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"t d\">\
         <title id=\"t\">One unit that followed the choices</title>\
         <desc id=\"d\">From {} to {} it went from 1 to {:.4}, lowest {low:.4}, highest {high:.4}.\
         </desc>\
         <line class=\"axis\" x1=\"{BORDER}\" x2=\"{WIDTH}\" y1=\"{one:.1}\" y2=\"{one:.1}\"/>\
         <path class=\"walk\" d=\"{path}\"/>\
         <text x=\"0\" y=\"{:.1}\">{high:.3}</text><text x=\"0\" y=\"{:.1}\">{low:.3}</text>\
         <text x=\"{BORDER}\" y=\"{HEIGHT}\">{}</text>\
         <text x=\"{WIDTH}\" y=\"{HEIGHT}\" text-anchor=\"end\">{}</text></svg>",
        first.time,
        last.time,
        last.value,
        y(high) + 5.0,
        y(low) + 5.0,
        first.time,
        last.time,
        one = y(1.0)
    );
}

fn table(page: &mut String, judged: &Judgement, labels: &[String], heads: &[String]) {
    let tested = judged.followed.is_some();
    let by = if tested { "the test periods" } else { "all periods" };
    page.push_str("<h2>Trials</h2>\n<div class=\"scroll\"><table>\n");
    let _ = writeln!(page, "<caption>Ranked by the Sharpe ratio of {by}; ratios are of a year");
    page.push_str("</caption>\n<tr>");
    let mut names = vec!["#", "trial", "return %", "fall %", "Sharpe", "deflated"];
    if tested {
        names.extend(["test return %", "test Sharpe", "test deflated", "chosen"]);
    }
    names.push("root of its ledger");
    for name in names {
        let _ = write!(page, "<th scope=\"col\">{name}</th>");
    }
    page.push_str("</tr>\n");
    row(page, "", "held: the same cash spread evenly at the first opens", &judged.held, tested, "");
    for (rank, one) in (1..).zip(&judged.ranked) {
        let label = labels.get(one.trial).map(|label| escaped(label)).unwrap_or_default();
        let head = heads.get(one.trial).map(|head| escaped(head)).unwrap_or_default();
        row(page, &format!("{rank}"), &label, one, tested, &head);
    }
    page.push_str("</table></div>\n");
}

fn row(page: &mut String, rank: &str, label: &str, one: &Judged, tested: bool, head: &str) {
    let [returned, fall, sharpe, deflated] = one.whole.cells();
    let _ = write!(page, "<tr><td>{rank}</td><td>{label}</td>");
    for cell in [returned, fall, sharpe, deflated] {
        let _ = write!(page, "<td>{cell}</td>");
    }
    if tested {
        let [returned, _, sharpe, deflated] = one.test.unwrap_or_default().cells();
        for cell in [returned, sharpe, deflated, one.chosen.to_string()] {
            let _ = write!(page, "<td>{cell}</td>");
        }
    }
    let _ = writeln!(page, "<td><code>{head}</code></td></tr>");
}
