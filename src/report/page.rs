//! The page: one file of HTML that needs nothing else.
//!
//! No script, no network (its Content-Security-Policy forbids both), no clock. Everything that
//! comes from data is escaped here, in the one place where text becomes HTML. The theme follows the
//! reader's machine unless one of three buttons says otherwise; style alone does that.

use super::charts::Figure;
use super::metric::Metric;
use super::page_parts::{figure, heat_map, metric_card, table};
use super::proof::Proof;
use super::sheet::{RunFacts, TearSheet};
use super::words::{counted, escaped, minute};
use crate::audit::{Level, Verdict};
use crate::event::{FillModel, Mode};
use crate::ledger::LedgerEnd;

const STYLE: &str = include_str!("page.css");

/// The sections, in their order: where they are, what they are called, which tables they hold.
const SECTIONS: [(&str, &str, &[&str]); 9] = [
    ("equity", "Equity", &["worst_drawdowns"]),
    ("returns", "Returns", &["months"]),
    ("figures", "Figures", &[]),
    ("trades", "Trades", &["by_pair", "by_strategy", "by_trigger", "by_exit", "newest_trades"]),
    ("ghosts", "Ghost evidence", &["by_engine", "ghosts", "ghost_evidence"]),
    ("orbits", "Orbit weights", &["orbits", "weights"]),
    ("flips", "Bit phases", &["bit_phases", "predictors"]),
    ("patterns", "Patterns", &["by_bucket", "soulprint_neighbours", "correlations"]),
    ("health", "Registry health and data", &["registry_health", "data_quality", "imports"]),
];

/// The figures at the top of the page.
const HEADLINE: [&str; 10] = [
    "total_return",
    "benchmark_return",
    "annual_return",
    "sharpe",
    "probabilistic_sharpe",
    "close_max_drawdown",
    "exposure_time",
    "trades",
    "win_rate",
    "profit_factor",
];

impl TearSheet {
    /// Returns the sheet as one page of HTML, the same bytes for the same ledger. `flags` are those
    /// that the sheet was asked for with; the page tells how to make it again.
    #[must_use]
    pub fn page(&self, flags: &str) -> String {
        let mut out = String::with_capacity(256 << 10);
        let title = self.title();
        out.push_str(&format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
             style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
            title = escaped(&title)
        ));
        self.write_header(&title, &mut out);
        out.push_str("<main>\n");
        self.write_proof(&mut out);
        self.write_summary(&mut out);
        self.write_contents(&mut out);
        for (id, name, tables) in SECTIONS {
            self.write_section(id, name, tables, &mut out);
        }
        self.write_run(&mut out);
        self.write_check(flags, &mut out);
        let program = escaped(self.program);
        out.push_str(&format!(
            "</main>\n<footer><p>Made by schwabot {program} from the log alone. It is no claim of \
             an edge.</p></footer>\n</body>\n</html>\n"
        ));
        out
    }

    fn title(&self) -> String {
        match &self.run {
            None => "Tear sheet of a ledger without a run".to_owned(),
            Some(run) => format!("{} on {}", run.strategy.name, few(&run.pairs)),
        }
    }

    fn write_header(&self, title: &str, out: &mut String) {
        let about = self.run.as_ref().map(|run| {
            let mode = match run.mode {
                Mode::Demo => "a demo on a made-up market",
                Mode::Backtest => "a backtest",
                Mode::Live => "a live run",
            };
            let range = self.metrics.first().map(|metric| metric.range);
            let times =
                range.map(|range| format!(", {} to {} UTC", minute(range.from), minute(range.to)));
            format!("{mode}{}", times.unwrap_or_default())
        });
        out.push_str(&format!(
            "<header><div><h1>{}</h1><p class=\"dim\">Tear sheet of {}</p></div>\
             <fieldset><legend>Theme</legend>",
            escaped(title),
            escaped(&about.unwrap_or_else(|| "a log without a run".to_owned()))
        ));
        for (name, label, checked) in
            [("auto", "auto", " checked"), ("light", "light", ""), ("dark", "dark", "")]
        {
            out.push_str(&format!(
                "<label><input type=\"radio\" name=\"theme\" id=\"theme-{name}\"{checked}>{label}\
                 </label>"
            ));
        }
        out.push_str("</fieldset></header>\n");
    }

    fn write_proof(&self, out: &mut String) {
        let proof = &self.proof;
        let class = if proof.verdict == Verdict::Intact { "proof intact" } else { "proof" };
        let verdict = escaped(&proof.verdict.to_string());
        out.push_str(&format!(
            "<section class=\"{class}\" id=\"proof\"><h2>Verified: {verdict}</h2><dl>"
        ));
        for (name, value) in proof_rows(proof, self.run.as_ref()) {
            let class = if name == "Root" { " class=\"hash\"" } else { "" };
            out.push_str(&format!("<dt>{name}</dt><dd{class}>{}</dd>", escaped(&value)));
        }
        out.push_str("</dl>");
        write_inputs(self.run.as_ref(), out);
        out.push_str("<p><a href=\"#check\">How to check this page</a></p></section>\n");
    }

    fn write_summary(&self, out: &mut String) {
        let named = HEADLINE.iter().filter_map(|name| self.named(name));
        let tiles: Vec<&Metric> = named.filter(|metric| metric.value.is_some()).collect();
        if !tiles.is_empty() {
            out.push_str("<section aria-label=\"The main figures\"><div class=\"tiles\">");
            for metric in tiles {
                let value = metric.shown();
                out.push_str(&format!(
                    "<div title=\"{}\"><span class=\"name\">{}</span>\
                     <span class=\"value\">{}</span></div>",
                    escaped(metric.formula),
                    escaped(metric.title),
                    escaped(&value)
                ));
            }
            out.push_str("</div></section>\n");
        }
        if !self.notes.is_empty() {
            out.push_str("<ul class=\"notes\">");
            for note in &self.notes {
                out.push_str(&format!("<li>{}</li>", escaped(note)));
            }
            out.push_str("</ul>\n");
        }
    }

    fn named(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    fn write_contents(&self, out: &mut String) {
        out.push_str("<nav aria-label=\"Contents\"><ul>");
        let all = SECTIONS.iter().map(|(id, name, _)| (*id, *name));
        let all = all.chain([("run", "The run"), ("check", "How to check")]);
        for (id, name) in all {
            out.push_str(&format!("<li><a href=\"#{id}\">{name}</a></li>"));
        }
        out.push_str("</ul></nav>\n");
    }

    fn write_section(&self, id: &str, name: &str, tables: &[&str], out: &mut String) {
        out.push_str(&format!("<section id=\"{id}\"><h2>{name}</h2>\n"));
        let figures: Vec<&Figure> =
            self.figures.iter().filter(|(section, _)| *section == id).map(|(_, f)| f).collect();
        if id == "figures" {
            self.write_figures(out);
        }
        // The map of months stands before the drawings of its section.
        let before = if id == "returns" { tables } else { &[] };
        let after = if id == "returns" { &[] } else { tables };
        self.write_tables(before, out);
        let (wide, narrow): (Vec<_>, Vec<_>) =
            figures.into_iter().partition(|drawn| drawn.is_wide());
        wide.into_iter().for_each(|drawn| figure(drawn, out));
        if !narrow.is_empty() {
            out.push_str("<div class=\"charts\">\n");
            narrow.into_iter().for_each(|drawn| figure(drawn, out));
            out.push_str("</div>\n");
        }
        self.write_tables(after, out);
        out.push_str("</section>\n");
    }

    fn write_tables(&self, names: &[&str], out: &mut String) {
        for name in names {
            match self.tables.iter().find(|known| known.name == *name) {
                Some(known) if known.name == "months" => heat_map(known, out),
                Some(known) => table(known, out),
                // Tables of a run are not there where the log has none.
                None => {}
            }
        }
    }

    fn write_figures(&self, out: &mut String) {
        if self.metrics.is_empty() {
            out.push_str("<p>There is no run, hence no figure.</p>\n");
            return;
        }
        let currency = self.run.as_ref().map(|run| run.currency.as_str()).unwrap_or_default();
        out.push_str(&format!(
            "<p>Money is in {}. r is the return of {}, P = {} of them a year. Point at a figure, \
             or open the list below its card, for its formula.</p>\n<div class=\"cards\">\n",
            escaped(currency),
            self.period.one(),
            self.periods_a_year
        ));
        for group in self.metrics.chunk_by(|a, b| a.group == b.group) {
            metric_card(group, out);
        }
        out.push_str("</div>\n");
    }

    fn write_run(&self, out: &mut String) {
        out.push_str("<section id=\"run\"><h2>The run</h2>\n");
        let Some(run) = &self.run else {
            out.push_str("<p>The log has no run up to here.</p></section>\n");
            return;
        };
        out.push_str("<dl>");
        for (name, value) in run_rows(run) {
            out.push_str(&format!("<dt>{}</dt><dd>{}</dd>", escaped(&name), escaped(&value)));
        }
        out.push_str("</dl></section>\n");
    }

    fn write_check(&self, flags: &str, out: &mut String) {
        let flags = escaped(flags);
        out.push_str(&format!(
            "<section id=\"check\"><h2>How to check this page</h2>\n\
             <p>Nothing on this page needs to be believed. With the ledger in the directory LEDGER \
             and this page in report.html, a program of the same version makes the same bytes \
             again:</p>\n\
             <pre tabindex=\"0\"><code>schwabot verify LEDGER\n\
             schwabot report LEDGER{flags} -o again.html\n\
             cmp report.html again.html</code></pre>\n\
             <p>The first command says the verdict and the root above. Figures, tables, returns \
             and trades as data, and the records that they come from:</p>\n\
             <pre tabindex=\"0\"><code>schwabot report LEDGER{flags} --format json\n\
             schwabot replay LEDGER --kind trade_closed --format jsonl</code></pre>\n"
        ));
        if let Some(run) = &self.run {
            out.push_str(&format!(
                "<p>The page tells of records {} to {}. A ledger that has grown since, or got a \
                 checkpoint, still has this state: ask for it with <code>--at {}</code>. Only the \
                 box at the top then tells of the longer log.</p>\n",
                run.first_sequence, run.last_sequence, run.last_sequence
            ));
        }
        out.push_str(
            "<p>What a verdict proves: nothing was changed by accident, and every decision follows \
             from the recorded inputs. That its operator did not write another history needs a \
             checkpoint that somebody else kept: \
             <code>schwabot verify LEDGER --against NOTE</code>.</p></section>\n",
        );
    }
}

/// Some names in one line.
fn few(names: &[String]) -> String {
    const SHOWN: usize = 3;
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..SHOWN].join(", ")),
    }
}

fn proof_rows(proof: &Proof, run: Option<&RunFacts>) -> Vec<(&'static str, String)> {
    let mut rows = vec![("Checked", level(proof.level).to_owned())];
    let end = match proof.end {
        LedgerEnd::Closed => "closed",
        LedgerEnd::Open => "open: its writer did not close it",
        LedgerEnd::Live => "live: a writer was at work",
    };
    match (proof.size, proof.root) {
        (Some(size), Some(root)) => {
            rows.push(("Head", format!("{size} records; the ledger is {end}")));
            rows.push(("Root", root.to_string()));
        }
        _ => rows.push(("Head", format!("not known; the ledger is {end}"))),
    }
    rows.push(("Checkpoint", checkpoint(proof)));
    if proof.level == Level::Derive {
        let mut text =
            format!("{} re-executed from their inputs, byte for byte", proof.re_executed);
        if proof.passed_over > 0 {
            let steps = proof.passed_over;
            text.push_str(&format!("; {steps} steps taken as recorded: their inputs are sealed"));
        }
        rows.push(("Decisions", text));
    }
    let seen: Vec<String> = proof
        .vantage
        .iter()
        .map(|(vantage, inputs)| format!("{inputs} {}", vantage.in_words()))
        .collect();
    if !seen.is_empty() {
        rows.push(("Inputs rest on", seen.join(", ")));
    }
    if proof.faults + proof.findings > 0 {
        rows.push(("Wrong", format!("{} faults, {} findings", proof.faults, proof.findings)));
    }
    rows.extend(proof.not_checked.iter().map(|text| ("Not checked", text.clone())));
    if let Some(run) = run {
        let (first, last) = (run.first_sequence, run.last_sequence);
        rows.push(("This page", format!("records {first} to {last}, kernel {}", run.kernel)));
        if let Some(market) = &run.generator {
            let text =
                format!("{}, seed {}, {} bars a pair", market.name, market.seed, market.bars);
            rows.push(("Made-up market", text));
        }
    }
    rows
}

/// The digests of the input files: many of them only where they are asked for.
fn write_inputs(run: Option<&RunFacts>, out: &mut String) {
    const AT_ONCE: usize = 3;
    let Some(run) = run.filter(|run| !run.files.is_empty()) else { return };
    let open = if run.files.len() <= AT_ONCE { " open" } else { "" };
    let files = counted(run.files.len(), "input file");
    out.push_str(&format!("<details{open}><summary>{files}: SHA-256 of each</summary><dl>"));
    for file in &run.files {
        let pair = file.pair.and_then(|pair| run.pairs.get(usize::from(pair.0)));
        let of = escaped(pair.map_or("commands", String::as_str));
        let (digest, bytes) = (file.digest, file.bytes);
        out.push_str(&format!("<dt>{of}, {bytes} bytes</dt><dd class=\"hash\">{digest}</dd>"));
    }
    out.push_str("</dl></details>");
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::Chain => "every stored byte",
        Level::Tree => "every stored byte, and the root over all records",
        Level::State => "every stored byte, the root, and what the log means",
        Level::Derive => "every stored byte, the root, the meaning, and every decision",
    }
}

fn checkpoint(proof: &Proof) -> String {
    let Some(note) = &proof.checkpoint else {
        return "none: nobody signed a head of this log".to_owned();
    };
    let by = if note.signed_by.is_empty() {
        "by no key that is known here".to_owned()
    } else {
        format!("by {}", note.signed_by.join(", "))
    };
    let holds = match note.holds {
        Some(true) => "the log has its root",
        Some(false) => "it does not hold",
        None => "its root could not be compared",
    };
    let (size, newer) = (note.size, proof.unanchored);
    format!("{size} records of {} signed {by}; {holds}; {newer} records are newer", note.origin)
}

fn run_rows(run: &RunFacts) -> Vec<(String, String)> {
    let fill = match run.fill {
        FillModel::NextOpen => "at the open of the pair's next bar",
        FillModel::ThisClose => "at the close of the bar that decided",
    };
    let mut rows = vec![
        ("Run".to_owned(), run.run.to_string()),
        ("Kernel".to_owned(), run.kernel.to_string()),
        ("Strategy".to_owned(), run.strategy.name.clone()),
    ];
    let parameters = &run.strategy.parameters;
    rows.extend(parameters.iter().map(|known| (known.name.clone(), known.value.clone())));
    rows.extend([
        ("Pairs".to_owned(), run.pairs.join(", ")),
        ("Orders fill".to_owned(), fill.to_owned()),
        ("Fee, a side".to_owned(), run.fee_rate.to_string()),
        ("Half the spread".to_owned(), run.half_spread.to_string()),
        ("Ended".to_owned(), if run.ended { "yes" } else { "no" }.to_owned()),
    ]);
    rows
}
