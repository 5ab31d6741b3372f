//! What a sweep came to, as text, JSON and CSV. Nothing of it depends on the number of jobs.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::cli::args_sweep::{SweepArgs, SweepFormat};
use crate::cli::outcome::CliError;
use crate::cli::text::{Screen, count};
use crate::pipeline::{Plan, TrialResult};
use crate::report::{FIGURE_NAMES, Figures, Judged, Judgement};
use crate::time::Span;

/// All there is to tell.
pub(super) struct Answer<'a> {
    pub(super) plan: &'a Plan,
    pub(super) results: &'a [TrialResult],
    pub(super) judged: &'a Judgement,
    pub(super) period: Span,
}

pub(super) fn tell(args: &SweepArgs, answer: &Answer<'_>) -> Result<(), CliError> {
    let mut screen = Screen::new();
    match args.format {
        SweepFormat::Text => in_words(&mut screen, answer, args.top)?,
        SweepFormat::Json => {
            let mut all = answer.head();
            all["ranked"] = answer.trials().collect();
            all["held"] = json!(answer.judged.held);
            all["walk_forward"] = json!(answer.judged.followed);
            screen.json(&all)?;
        }
        SweepFormat::Jsonl => {
            screen.json(&answer.head())?;
            answer.trials().try_for_each(|trial| screen.json(&trial))?;
            screen.json(&typed("held", json!(answer.judged.held)))?;
            if let Some(followed) = &answer.judged.followed {
                for window in &followed.windows {
                    screen.json(&typed("window", json!(window)))?;
                }
                let figures = json!({ "plan": followed.plan, "figures": followed.figures });
                screen.json(&typed("walk_forward", figures))?;
            }
        }
        SweepFormat::Csv => as_csv(&mut screen, answer)?,
    }
    screen.flush()
}

fn typed(name: &str, mut value: Value) -> Value {
    value["type"] = name.into();
    value
}

impl Answer<'_> {
    fn head(&self) -> Value {
        json!({
            "type": "sweep",
            "schema": 1,
            "trials": self.judged.trials,
            "unusable": self.plan.unusable,
            "period_seconds": self.judged.period_seconds,
            "periods": self.judged.periods,
            "overfitting": self.judged.overfitting,
        })
    }

    /// The trials, best first.
    fn trials(&self) -> impl Iterator<Item = Value> {
        (1_u64..).zip(&self.judged.ranked).map(|(rank, judged)| {
            let (trial, result) = (&self.plan.trials[judged.trial], &self.results[judged.trial]);
            let strategy = &trial.config.strategy;
            let parameters: Map<String, Value> = strategy
                .parameters
                .iter()
                .map(|known| (known.name.clone(), known.value.as_str().into()))
                .collect();
            json!({
                "type": "trial",
                "rank": rank,
                "trial": trial.id,
                "label": trial.label(),
                "strategy": strategy.name,
                "parameters": parameters,
                "head": result.head,
                "bars": result.curve.bars,
                "trades": result.curve.trades,
                "whole": judged.whole,
                "test": judged.test,
                "chosen": judged.chosen,
            })
        })
    }
}

fn in_words(screen: &mut Screen, answer: &Answer<'_>, top: usize) -> Result<(), CliError> {
    let judged = answer.judged;
    let (trials, period) = (count(judged.trials, "trial"), answer.period);
    screen.line(format_args!("{trials} over {} periods of {period}", judged.periods))?;
    let tested = judged.followed.is_some();
    let mut header = vec!["#", "trial", "trades", "return %", "fall %", "Sharpe", "deflated"];
    if tested {
        header.extend(["test return %", "test Sharpe", "test deflated", "chosen"]);
    }
    let row = |rank: String, label: String, trades: String, one: &Judged| {
        let [returned, fall, sharpe, deflated] = one.whole.cells();
        let mut cells = vec![rank, label, trades, returned, fall, sharpe, deflated];
        if tested {
            let [returned, _, sharpe, deflated] = one.test.unwrap_or_default().cells();
            cells.extend([returned, sharpe, deflated, one.chosen.to_string()]);
        }
        cells
    };
    let dash = || "-".to_owned();
    let mut rows = vec![row(dash(), "held: buy and hold".to_owned(), dash(), &judged.held)];
    for (rank, one) in (1_usize..).zip(judged.ranked.iter().take(top)) {
        let trades = answer.results[one.trial].curve.trades.to_string();
        rows.push(row(rank.to_string(), answer.plan.trials[one.trial].label(), trades, one));
    }
    screen.table(&header, &rows)?;
    let rest = judged.ranked.len().saturating_sub(top);
    if rest > 0 {
        screen.line(format_args!("... and {}", count(rest as u64, "trial")))?;
    }
    if let Some(followed) = &judged.followed {
        let [returned, fall, sharpe, deflated] = followed.figures.cells();
        let windows = count(followed.windows.len() as u64, "window");
        screen.line(format_args!("walk-forward, {windows}: what the choices earned unseen"))?;
        screen.field("return %", returned)?;
        screen.field("fall %", fall)?;
        screen.field("Sharpe", sharpe)?;
        screen.field("deflated", format_args!("{deflated}, by {trials}"))?;
        let best = answer.plan.trials.get(followed.windows.last().map_or(0, |last| last.chosen));
        if let Some(best) = best {
            screen.field("chosen last", best.label())?;
        }
    }
    match &judged.overfitting {
        Some(found) => screen.line(format_args!(
            "probability that the best of all is the best by chance: {} ({} ways)",
            found.in_words(),
            found.ways
        )),
        None => screen.line("too few trials or periods to say how likely the best is chance"),
    }
}

fn as_csv(screen: &mut Screen, answer: &Answer<'_>) -> Result<(), CliError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let named = |prefix: &'static str| FIGURE_NAMES.map(|name| format!("{prefix}_{name}"));
    let first = ["type", "rank", "trial", "label", "size", "root", "bars", "trades", "chosen"];
    let header = first.map(str::to_owned).into_iter().chain(named("whole")).chain(named("test"));
    writer.write_record(header).map_err(io::Error::from)?;
    for (rank, one) in (1_u64..).zip(&answer.judged.ranked) {
        let (trial, result) = (&answer.plan.trials[one.trial], &answer.results[one.trial]);
        let (size, root) = result
            .head
            .map_or_else(Default::default, |head| (head.size.to_string(), head.root.to_string()));
        let own = [
            "trial".to_owned(),
            rank.to_string(),
            trial.id.to_string(),
            trial.label(),
            size,
            root,
            result.curve.bars.to_string(),
            result.curve.trades.to_string(),
            one.chosen.to_string(),
        ];
        let test = one.test.map_or_else(Default::default, |test: Figures| test.fields());
        let row = own.into_iter().chain(one.whole.fields()).chain(test);
        writer.write_record(row).map_err(io::Error::from)?;
    }
    let bytes = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    Ok(screen.raw().write_all(&bytes)?)
}
