//! What the engines say: ghosts and their evidence, orbits and weights, flips and the predictor.

use super::patterns::{LISTED, buckets, correlations, data, health, neighbours};
use super::table::{COUNT, Cell, NUMBER, SHARE, TEXT, Table};
use crate::engines::{EngineMetrics, Engines, PredictorVerdict};
use crate::event::IgnoreReason;
use crate::kernel::RunState;
use crate::projections::Folded;

/// Returns the tables of engines and registries, each with a note where there is nothing to show.
pub(super) fn evidence(folded: &Folded) -> Vec<Table> {
    let registries = folded.world.registries();
    let run = folded.world.run();
    let engines = run.and_then(RunState::engines);
    let without = match run {
        Some(_) => "The strategy of this run has no use for the engines.",
        None => "There is no run.",
    };
    let of_engines: [fn(&Engines) -> Table; 7] =
        [by_engine, ghosts, evidence_keys, orbits, weights, flips, predictors];
    let none = EmptyEngines::tables();
    let mut tables: Vec<Table> = match engines {
        Some(engines) => of_engines.iter().map(|table| table(engines)).collect(),
        None => none.into_iter().map(|table| table.noted(without)).collect(),
    };
    tables.push(buckets(registries));
    tables.push(neighbours(registries));
    tables.push(correlations(registries));
    tables.push(health(folded));
    tables.push(data(run));
    tables
}

/// The tables of the engines without a row: their names and columns are told once.
struct EmptyEngines;

impl EmptyEngines {
    fn by_engine() -> Table {
        let columns = [
            ("Engine", TEXT),
            ("Operations", COUNT),
            ("Successes", COUNT),
            ("Failures", COUNT),
            ("Success rate", SHARE),
            ("Mean confidence", SHARE),
        ];
        Table::new("by_engine", "By engine", &columns)
    }

    fn ghosts() -> Table {
        Table::new("ghosts", "From firing to order", &[("What", TEXT), ("How many", COUNT)])
    }

    fn evidence_keys() -> Table {
        let columns = [
            ("Key", TEXT),
            ("Cases", COUNT),
            ("Won", COUNT),
            ("Lower bound", SHARE),
            ("Mean net return", SHARE),
            ("Gate", TEXT),
        ];
        Table::new("ghost_evidence", "Ghost evidence by key", &columns)
    }

    fn orbits() -> Table {
        Table::new("orbits", "Cycles", &[("What", TEXT), ("How many", COUNT)])
    }

    fn weights() -> Table {
        let columns = [("Leg", TEXT), ("Bits", COUNT), ("Weight", SHARE)];
        Table::new("weights", "Allocation weights at the end", &columns)
    }

    fn flips() -> Table {
        Table::new("bit_phases", "Bit phases", &[("Width of the word", COUNT), ("Flips", COUNT)])
    }

    fn predictors() -> Table {
        let columns = [
            ("Pair", TEXT),
            ("Forecasts", COUNT),
            ("Log-loss", NUMBER),
            ("of the base rate", NUMBER),
            ("Hit rate", SHARE),
            ("from", SHARE),
            ("to", SHARE),
            ("Gain, in errors", NUMBER),
            ("Verdict", TEXT),
        ];
        Table::new("predictors", "Pattern predictor", &columns)
    }

    fn tables() -> [Table; 7] {
        [
            Self::by_engine(),
            Self::ghosts(),
            Self::evidence_keys(),
            Self::orbits(),
            Self::weights(),
            Self::flips(),
            Self::predictors(),
        ]
    }
}

fn by_engine(engines: &Engines) -> Table {
    let row = |name: &str, figures: EngineMetrics| {
        vec![
            name.into(),
            figures.operations.into(),
            figures.successes.into(),
            figures.failures.into(),
            figures.success_rate.into(),
            figures.mean_confidence.into(),
        ]
    };
    let mut table = EmptyEngines::by_engine();
    table.rows = vec![
        row("ghost flip", engines.ghosts.metrics()),
        row("profit orbit", engines.orbits.metrics()),
        row("pair flip", engines.flips.metrics()),
    ];
    table
}

fn ghosts(engines: &Engines) -> Table {
    let report = engines.ghosts.report();
    let counted = [
        ("firings", report.firings),
        ("ghosts opened", report.opened),
        ("ghosts closed", report.closed),
        ("of these earned their costs", report.successes),
        ("ghosts open", report.open),
        ("cases fed by the operator", report.appended),
        ("keys tested", report.keys_tested),
        ("keys that pass now", report.keys_passed),
        ("keys that ever passed", report.keys_ever_passed),
        ("flipped into an order", report.triggered),
    ];
    let mut table = EmptyEngines::ghosts();
    let ignored = report.ignored.iter().map(|(reason, count)| {
        let known = IgnoreReason::ALL.into_iter().find(|known| known.name() == *reason);
        vec![format!("ignored: {}", known.map_or(*reason, in_words)).into(), (*count).into()]
    });
    let counted = counted.into_iter().map(|(what, count)| vec![what.into(), count.into()]);
    table.rows = counted.chain(ignored).collect();
    table
}

/// Refused or not, and the cases, many before few.
type Rank = (bool, std::cmp::Reverse<u64>);

fn evidence_keys(engines: &Engines) -> Table {
    let mut rows: Vec<(Rank, Vec<Cell>)> = engines
        .ghosts
        .evidence()
        .map(|(key, seen)| {
            let judged = engines.ghosts.judge(key);
            let gate = judged.refusal.map_or("passes", in_words);
            let row = vec![
                key.to_string().into(),
                seen.cases().into(),
                seen.successes().into(),
                judged.lower_bound.into(),
                judged.mean_net_return.into(),
                gate.into(),
            ];
            ((judged.refusal.is_some(), std::cmp::Reverse(seen.cases())), row)
        })
        .collect();
    // Those that pass first, then those with the most cases; equal ones in their own order.
    rows.sort_by_key(|(rank, _)| *rank);
    let mut table = EmptyEngines::evidence_keys();
    table.note = match rows.len() {
        0 => "No ghost has closed yet.".to_owned(),
        all if all > LISTED => {
            format!("{LISTED} keys of {all}: those that pass, then those with the most cases.")
        }
        _ => String::new(),
    };
    table.rows = rows.into_iter().take(LISTED).map(|(_, row)| row).collect();
    table
}

fn orbits(engines: &Engines) -> Table {
    let report = engines.orbits.report();
    let counted = [
        ("cycles run", report.cycles),
        ("round trips", report.round_trips),
        ("instant cycles that were priced", report.instant),
        ("commanded", report.commanded),
        ("instant cycles there are", report.instant_cycles_available),
        ("selections", report.selections),
        ("changes of weights", report.weight_changes),
    ];
    let mut table = EmptyEngines::orbits();
    table.rows = counted.into_iter().map(|(what, count)| vec![what.into(), count.into()]).collect();
    table
}

fn weights(engines: &Engines) -> Table {
    let mut table = EmptyEngines::weights();
    let rows = engines.orbits.weights().map(|known| {
        vec![known.leg.to_string().into(), u64::from(known.word_bits).into(), known.weight.into()]
    });
    table.rows = rows.collect();
    table
}

fn flips(engines: &Engines) -> Table {
    let mut table = EmptyEngines::flips();
    let report = engines.flips.report();
    let rows = report.bit_phases.iter();
    table.rows = rows.map(|(bits, flips)| vec![u64::from(*bits).into(), (*flips).into()]).collect();
    if table.rows.is_empty() {
        table.note = "No word was flipped.".to_owned();
    }
    table
}

fn predictors(engines: &Engines) -> Table {
    let mut table = EmptyEngines::predictors();
    let report = engines.flips.report();
    let rows = report.pairs.iter().map(|pair| {
        let found = &pair.predictor;
        let verdict = match found.verdict {
            PredictorVerdict::NothingToPredict => "nothing to predict",
            PredictorVerdict::Predicts => "predicts",
        };
        vec![
            pair.symbol.as_str().into(),
            found.forecasts.into(),
            found.log_loss.into(),
            found.base_log_loss.into(),
            found.hit_rate.into(),
            found.hit_rate_lower.into(),
            found.hit_rate_upper.into(),
            found.gain_score.into(),
            verdict.into(),
        ]
    });
    table.rows = rows.collect();
    table.noted("Of each pair: is the next bar more predictable than its share of rises?")
}

/// Why the gate refuses, in words.
const fn in_words(reason: IgnoreReason) -> &'static str {
    match reason {
        IgnoreReason::NoEvidence => "no case yet",
        IgnoreReason::TooFew => "too few cases",
        IgnoreReason::Bound => "lower bound too low",
        IgnoreReason::NoEdge => "nothing earned on average",
        IgnoreReason::PositionOpen => "a position was open",
        IgnoreReason::GhostOpen => "a ghost of the key was open",
        IgnoreReason::NoCash => "no cash",
        IgnoreReason::NoPrice => "no price",
    }
}
