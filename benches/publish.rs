//! What came out of a whole run, written into the documents between two marks each.
//!
//! `README.md` gets the comparisons, `src/docs/BENCHMARKS.md` every line with its spread.

use std::fmt::Write as _;
use std::path::Path;

use schwabot::measure::Reached;

use crate::harness::{Outcome, Run};

const BEGIN: &str = "<!-- written by cargo bench -- --publish -->";
const END: &str = "<!-- end of what is written -->";

/// One contender beside others.
pub(crate) struct Comparison {
    who: &'static str,
    others: &'static [&'static str],
    aim: &'static str,
    /// Median over the rounds of its rate over the best of theirs, in hundredths.
    ratio_percent: Option<u64>,
}

impl Comparison {
    /// `reached` holds the rounds of each of `names`; others that did not run are left out.
    pub(crate) fn new(
        who: &'static str,
        others: &'static [&'static str],
        aim: &'static str,
        names: &[&str],
        reached: &[Vec<Reached>],
    ) -> Self {
        let rates = |name: &str| {
            let place = names.iter().position(|one| *one == name);
            place.map(|place| reached[place].iter().map(Reached::per_second).collect::<Vec<_>>())
        };
        let others_rates: Vec<_> = others.iter().filter_map(|name| rates(name)).collect();
        let own = rates(who).unwrap_or_default();
        let mut ratios: Vec<u64> = (0..own.len())
            .filter_map(|round| {
                let best = others_rates.iter().map(|rates| rates[round]).max()?;
                (own[round] * 100).checked_div(best)
            })
            .collect();
        ratios.sort_unstable();
        let ratio_percent = ratios.get(ratios.len() / 2).copied();
        Self { who, others, aim, ratio_percent }
    }

    /// A row of README's table.
    fn row(&self, outcome: &Outcome, first: bool) -> String {
        let line = |name: &str| outcome.lines.iter().find(|line| line.name == name);
        let Some(own) = line(self.who) else { return String::new() };
        let work = if first { format!("{}: {}", outcome.title, self.who) } else { String::new() };
        let waits = own
            .waits_micros
            .filter(|_| first)
            .map_or_else(String::new, |[p50, p99, _]| format!(" (p50 {p50} us, p99 {p99} us)"));
        let unit = outcome.unit.strip_suffix("/s").filter(|unit| *unit != "records");
        let unit = unit.map_or_else(String::new, |unit| format!(" {unit}"));
        let rate = if first { short(own.records_per_second) + &unit } else { String::new() };
        let others = self.others.iter().filter_map(|name| {
            line(name).map(|other| format!("{name} {}", short(other.records_per_second)))
        });
        let others = others.collect::<Vec<_>>().join(", ");
        let best = if self.others.len() > 1 { " of the best" } else { "" };
        let ratio = self.ratio_percent.map_or_else(String::new, |percent| {
            format!("{}.{:02}{best}", percent / 100, percent % 100)
        });
        format!("| {work}{waits} | {rate} | {others} | {ratio} | {} |\n", self.aim)
    }
}

/// Writes both documents.
pub(crate) fn publish(run: &Run) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut readme = String::from("| work | a second | beside it | ratio | aimed at |\n");
    readme.push_str("|---|---|---|---|---|\n");
    for outcome in &run.outcomes {
        let mut before = "";
        for comparison in &outcome.comparisons {
            readme.push_str(&comparison.row(outcome, comparison.who != before));
            before = comparison.who;
        }
    }
    replace(&root.join("README.md"), &readme);
    let mut whole = format!("{}\n", run.conditions());
    for outcome in &run.outcomes {
        whole.push_str(&table(outcome));
    }
    replace(&root.join("src/docs/BENCHMARKS.md"), &whole);
}

/// Puts a text between the marks of a document.
fn replace(path: &Path, text: &str) {
    let document = std::fs::read_to_string(path).unwrap();
    let (before, rest) = document.split_once(BEGIN).expect("the mark that begins");
    let (_, after) = rest.split_once(END).expect("the mark that ends");
    std::fs::write(path, format!("{before}{BEGIN}\n\n{text}\n{END}{after}")).unwrap();
    println!("written: {}", path.display());
}

/// All lines of a table, with their spread.
fn table(outcome: &Outcome) -> String {
    let mut text = format!("\n### {}\n\n", outcome.title);
    let waits = outcome.lines.iter().any(|line| line.waits_micros.is_some());
    let (head, rule) = if waits { (" p50, p99, p99.9 in us |", "---|") } else { ("", "") };
    let _ = writeln!(text, "| | {} | least | most | ratio to the first |{head}", outcome.unit);
    let _ = writeln!(text, "|---|---|---|---|---|{rule}");
    for line in &outcome.lines {
        let cells = [line.records_per_second, line.least, line.most].map(short).join(" | ");
        let _ = write!(text, "| {} | {cells} | {} |", line.name, line.ratio());
        if let Some([half, most, last]) = line.waits_micros {
            let _ = write!(text, " {half}, {most}, {last} |");
        } else if waits {
            text.push_str(" |");
        }
        text.push('\n');
    }
    text
}

/// Three digits and a unit.
fn short(rate: u64) -> String {
    match rate as f64 {
        rate if rate >= 1e7 => format!("{:.1} M", rate / 1e6),
        rate if rate >= 1e6 => format!("{:.2} M", rate / 1e6),
        rate if rate >= 1e5 => format!("{:.0} k", rate / 1e3),
        rate if rate >= 1e4 => format!("{:.1} k", rate / 1e3),
        rate if rate >= 1e3 => format!("{:.2} k", rate / 1e3),
        rate => format!("{rate:.0}"),
    }
}
