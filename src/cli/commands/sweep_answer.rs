//! What a sweep came to, for people and for programs. Nothing of it depends on the number of jobs.

use serde_json::{Map, Value, json};

use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_sweep::SweepArgs;
use crate::cli::outcome::CliError;
use crate::cli::text::{Screen, count};
use crate::event::InputFile;
use crate::pipeline::{Plan, Trial, TrialResult};
use crate::report::{Judged, Judgement};
use crate::time::Span;

/// Columns of the table of trials.
const TRIAL_COLUMNS: &[&str] = &[
    "rank",
    "trial",
    "label",
    "head.size",
    "head.root",
    "bars",
    "trades",
    "keys",
    "chosen",
    "whole.returns",
    "whole.total_return",
    "whole.max_drawdown",
    "whole.sharpe",
    "whole.sharpe_year",
    "whole.probabilistic_sharpe",
    "whole.deflated_sharpe",
    "whole.trials",
    "whole.sharpe_variance",
    "test.returns",
    "test.total_return",
    "test.max_drawdown",
    "test.sharpe",
    "test.sharpe_year",
    "test.probabilistic_sharpe",
    "test.deflated_sharpe",
    "test.trials",
    "test.sharpe_variance",
];

/// All there is to tell.
pub(super) struct Told<'a> {
    pub(super) inputs: &'a [InputFile],
    pub(super) plan: &'a Plan,
    pub(super) results: &'a [TrialResult],
    pub(super) judged: &'a Judgement,
    pub(super) period: Span,
}

pub(super) fn tell(args: &SweepArgs, told: &Told<'_>) -> Result<(), CliError> {
    let mut screen = Screen::new();
    match args.format {
        Format::Text => in_words(&mut screen, told, args.top)?,
        format => {
            let trials: Vec<Value> = told.trials().collect();
            let judged = told.judged;
            let fields = json!({
                "trials": judged.trials,
                "unusable": told.plan.unusable,
                "inputs": told.inputs,
                "period_seconds": judged.period_seconds,
                "periods": judged.periods,
                "overfitting": judged.overfitting,
                "ranked": trials,
                "held": { "whole": judged.held.whole, "test": judged.held.test },
                "walk_forward": told.walk_forward(),
            });
            let answer = Answer::new("sweep", &fields);
            screen.answer(format, &answer.listing("trial", TRIAL_COLUMNS, trials))?;
        }
    }
    screen.flush()
}

impl Told<'_> {
    fn trial(&self, place: usize) -> Option<&Trial> {
        self.plan.trials.get(place)
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
                "rank": rank,
                "trial": trial.id,
                "label": trial.label(),
                "strategy": strategy.name,
                "parameters": parameters,
                "head": result.head,
                "bars": result.curve.bars,
                "trades": result.curve.trades,
                "keys": result.curve.keys,
                "chosen": judged.chosen,
                "whole": judged.whole,
                "test": judged.test,
            })
        })
    }

    /// The walk-forward, its choices named by the ids of their trials.
    fn walk_forward(&self) -> Value {
        let mut told = json!(self.judged.followed);
        if let Some(windows) = told["windows"].as_array_mut() {
            for window in windows {
                let place = window["chosen"].as_u64().and_then(|place| usize::try_from(place).ok());
                let trial = place.and_then(|place| self.trial(place));
                window["chosen"] = json!(trial.map(|trial| trial.id));
            }
        }
        told
    }
}

fn in_words(screen: &mut Screen, told: &Told<'_>, top: usize) -> Result<(), CliError> {
    let judged = told.judged;
    let (trials, period) = (count(judged.trials, "trial"), told.period);
    screen.line(format_args!("{trials} over {} periods of {period}", judged.periods))?;
    table(screen, told, top)?;
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
        let last = followed.windows.last().and_then(|window| told.trial(window.chosen));
        if let Some(last) = last {
            screen.field("chosen last", last.label())?;
        }
    }
    match &judged.overfitting {
        Some(found) => screen.line(format_args!(
            "probability that the best of all is the best by chance: {} ({} ways)",
            found.in_words(),
            found.ways
        )),
        None => {
            screen.line("too few trials, trades or periods to say how likely the best is chance")
        }
    }
}

fn table(screen: &mut Screen, told: &Told<'_>, top: usize) -> Result<(), CliError> {
    let judged = told.judged;
    let tested = judged.followed.is_some();
    let gated = told.results.iter().any(|result| result.curve.keys.is_some());
    let mut header = vec!["#", "trial", "trades"];
    header.extend(gated.then_some("keys"));
    header.extend(["return %", "fall %", "Sharpe", "deflated"]);
    if tested {
        header.extend(["test return %", "test Sharpe", "test deflated", "chosen"]);
    }
    let dash = || "-".to_owned();
    let row = |first: [String; 2], result: Option<&TrialResult>, one: &Judged| {
        let mut cells = Vec::from(first);
        cells.push(result.map_or_else(dash, |result| result.curve.trades.to_string()));
        let keys = result.and_then(|result| result.curve.keys);
        cells.extend(gated.then(|| keys.map_or_else(dash, |keys| keys.to_string())));
        cells.extend(one.whole.cells());
        if tested {
            let [returned, _, sharpe, deflated] = one.test.unwrap_or_default().cells();
            cells.extend([returned, sharpe, deflated, one.chosen.to_string()]);
        }
        cells
    };
    let mut rows = vec![row([dash(), "buy and hold".to_owned()], None, &judged.held)];
    for (rank, one) in (1_usize..).zip(judged.ranked.iter().take(top)) {
        let label = told.trial(one.trial).map(Trial::label).unwrap_or_default();
        rows.push(row([rank.to_string(), label], told.results.get(one.trial), one));
    }
    screen.table(&header, &rows)
}
