//! Plans tried, and those that fail made small.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use super::life::{Outcome, live};
use super::model::Violation;
use super::plan::{Action, Plan};

/// Some actions of a plan: their places, and how often each one's market is halved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection(pub(crate) Vec<(usize, u32)>);

impl Selection {
    pub(crate) fn all(plan: &Plan) -> Self {
        Self((0..plan.actions.len()).map(|place| (place, 0)).collect())
    }

    fn of(&self, plan: &Plan) -> Vec<(usize, Action)> {
        let chosen = self.0.iter().filter(|(place, _)| *place < plan.actions.len());
        chosen.map(|(place, times)| (*place, plan.actions[*place].halved(*times))).collect()
    }
}

impl std::fmt::Display for Selection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = self.0.iter().map(|(place, times)| match times {
            0 => place.to_string(),
            times => format!("{place}/{}", 1_u64 << times),
        });
        f.write_str(&parts.collect::<Vec<_>>().join(","))
    }
}

impl std::str::FromStr for Selection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let part = |text: &str| {
            let (place, by) = text.split_once('/').unwrap_or((text, "1"));
            let place = place.parse().map_err(|_| format!("`{place}` is no place"))?;
            let by: u64 = by.parse().map_err(|_| format!("`{by}` is no number"))?;
            Ok((place, by.max(1).ilog2()))
        };
        text.split(',').map(part).collect::<Result<_, String>>().map(Self)
    }
}

/// A run that broke a law.
#[derive(Debug, Clone)]
pub(crate) struct Failed {
    pub(crate) violation: Violation,
    /// One line an action, up to the one that broke it.
    pub(crate) trace: Vec<String>,
}

/// The last panic, of whichever thread.
static PANIC: Mutex<String> = Mutex::new(String::new());

/// Keeps where a panic happened for the report, and prints nothing.
pub(crate) fn catch_panics() {
    std::panic::set_hook(Box::new(|info| {
        *PANIC.lock().unwrap() = info.to_string();
    }));
}

/// Lives some actions of a plan.
pub(crate) fn try_plan(
    plan: &Plan,
    selection: &Selection,
    mut show: impl FnMut(&str),
) -> Result<Outcome, Failed> {
    let mut trace = Vec::new();
    let note = |line: &str| {
        show(line);
        trace.push(line.to_owned());
    };
    let lived = catch_unwind(AssertUnwindSafe(|| live(plan, &selection.of(plan), note)));
    let violation = match lived {
        Ok(Ok(outcome)) => return Ok(outcome),
        Ok(Err(violation)) => violation,
        Err(_) => {
            let detail = std::mem::take(&mut *PANIC.lock().unwrap());
            Violation { law: "nothing panics", detail }
        }
    };
    Err(Failed { violation, trace })
}

/// Looks for the least list of actions that breaks the same law.
pub(crate) fn shrink(plan: &Plan, selection: Selection, failed: Failed) -> (Selection, Failed) {
    let (mut best, mut failed) = (selection, failed);
    let fails = |shorter: &Selection, failed: &mut Failed| {
        let again = try_plan(plan, shorter, |_| {}).err();
        let same = again.filter(|again| again.violation.law == failed.violation.law);
        same.map(|again| *failed = again).is_some()
    };
    let mut width = best.0.len().div_ceil(2);
    while width > 0 {
        let mut place = 0;
        while place < best.0.len() {
            let end = (place + width).min(best.0.len());
            let mut shorter = best.clone();
            drop(shorter.0.drain(place..end));
            if fails(&shorter, &mut failed) {
                best = shorter;
            } else {
                place = end;
            }
        }
        width /= 2;
    }
    for place in 0..best.0.len() {
        for _ in 0..10 {
            let mut smaller = best.clone();
            smaller.0[place].1 += 1;
            let runs = matches!(plan.actions[smaller.0[place].0], Action::Run(_));
            if !runs || !fails(&smaller, &mut failed) {
                break;
            }
            best = smaller;
        }
    }
    (best, failed)
}
