//! Which of many trials to believe, and how far.
//!
//! The best of many trials looks good by chance alone. So every figure here says how many trials
//! stood beside it, the Sharpe ratio is deflated by them, and with a walk-forward plan parameters
//! are chosen on one stretch of time and judged on the next, which they did not see.
//!
//! Walk-forward: for each window the trial with the highest Sharpe ratio over the training periods
//! is followed over the test periods. Every trial is one run over all the data, and decides by
//! what is past; so what it does in a test period is a function of the bars up to it. Going over
//! from one trial to another pays fee and half spread on what both hold at that moment.
//!
//! Invariants: a choice sees no return behind its training periods; ties go to the trial that
//! stands first; the same curves give the same figures, on every machine; nothing is infinite or
//! no number.

use serde::Serialize;

use super::overfitting::{Overfitting, overfitting};
use super::returns::{max_drawdown, total_return};
use super::selection_rows::{Row, held, row};
use super::sharpe::{SharpeEstimate, Trials, deflated_sharpe, probabilistic_sharpe};
use super::statistics::{deviation, finite};
use crate::projections::EquityCurve;
use crate::time::{DAY_NS, Timestamp};

/// The most returns of all trials together: each takes some 32 bytes while they are judged.
const RETURNS_MAX: usize = 50_000_000;

/// How trials are chosen and judged by turns, in periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WalkForward {
    /// Periods that a choice may see.
    pub train: usize,
    /// Periods that it is judged by.
    pub test: usize,
    /// Periods from one window to the next, at least `test`.
    pub step: usize,
}

impl WalkForward {
    /// Checks what can be said before there are any data.
    ///
    /// # Errors
    /// [`SelectionError::Overlap`].
    pub const fn check(&self) -> Result<(), SelectionError> {
        let Self { test, step, .. } = *self;
        if step < test { Err(SelectionError::Overlap { step, test }) } else { Ok(()) }
    }
}

/// The figures of a row of returns. All Sharpe ratios are of one period but `sharpe_year`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// How many returns.
    pub returns: u64,
    /// What one unit gained.
    pub total_return: Option<f64>,
    /// The deepest fall below an earlier peak, as a share.
    pub max_drawdown: Option<f64>,
    /// Mean over sample deviation.
    pub sharpe: Option<f64>,
    /// The same for a year: times the root of the periods of 365 days.
    pub sharpe_year: Option<f64>,
    /// Probability that the true ratio is above zero (Bailey and Lopez de Prado 2012).
    pub probabilistic_sharpe: Option<f64>,
    /// Probability that it is above what the best of so many trials without skill would show
    /// (the same, 2014).
    pub deflated_sharpe: Option<f64>,
    /// Trials that it is deflated by.
    pub trials: u64,
    /// Variance of their Sharpe ratios over the same periods.
    pub sharpe_variance: Option<f64>,
}

/// What one trial came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// Its place among the trials.
    pub trial: usize,
    /// Over all periods.
    pub whole: Figures,
    /// Over the test periods of all windows.
    pub test: Option<Figures>,
    /// Windows in which it was chosen.
    pub chosen: u64,
}

/// One window of a walk-forward.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Window {
    /// When its training begins.
    pub train_from: Timestamp,
    /// When training ends and testing begins.
    pub test_from: Timestamp,
    /// When testing ends.
    pub test_to: Timestamp,
    /// The trial that was chosen.
    pub chosen: usize,
    /// Its Sharpe ratio over the training periods, which it was chosen by.
    pub train_sharpe: Option<f64>,
    /// Its Sharpe ratio over the test periods.
    pub test_sharpe: Option<f64>,
    /// What one unit gained over the test periods, the change of trials paid.
    pub test_return: Option<f64>,
    /// What the change cost, as a share of equity.
    pub change_cost: f64,
}

/// A point of a curve that begins with one unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct UnitPoint {
    /// When.
    pub time: Timestamp,
    /// What one unit has become.
    pub value: f64,
}

/// What following the choices came to, on data that they did not see.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Followed {
    /// The plan.
    pub plan: WalkForward,
    /// Its windows.
    pub windows: Vec<Window>,
    /// Over the test periods of all windows, joined.
    pub figures: Figures,
    /// The joined curve.
    pub curve: Vec<UnitPoint>,
    /// What was held, over the same periods.
    pub held: Vec<UnitPoint>,
}

/// Many trials, judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// How many trials were tested.
    pub trials: u64,
    /// Length of a period in seconds.
    pub period_seconds: i64,
    /// How many periods the data cover.
    pub periods: u64,
    /// The trials, best first: by the Sharpe ratio of the test periods, or of all without a plan.
    pub ranked: Vec<Judged>,
    /// The same cash spread evenly over the pairs at their first opens, and held.
    pub held: Judged,
    /// What following the choices came to.
    pub followed: Option<Followed>,
    /// How likely the choice of the best of all periods is none; none below two trials, with too
    /// few periods, or where no trial has a ratio.
    pub overfitting: Option<Overfitting>,
}

/// Why trials cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// There is nothing to judge.
    #[error("there is no trial with a bar")]
    Nothing,
    /// The data are too short for a single window.
    #[error("{periods} periods are too few for one window of {train} to train and {test} to test")]
    TooShort {
        /// What there is.
        periods: usize,
        /// What a window trains on.
        train: usize,
        /// What it tests on.
        test: usize,
    },
    /// The figures would not fit into memory.
    #[error(
        "{trials} trials over {periods} periods are more than {most} returns: take a longer \
         --period"
    )]
    TooMany {
        /// The trials.
        trials: usize,
        /// The periods from the first bar to the last.
        periods: usize,
        /// How many returns there may be.
        most: usize,
    },
    /// Windows would test some periods twice.
    #[error("a step of {step} periods is below the {test} that are tested: they would count twice")]
    Overlap {
        /// The step.
        step: usize,
        /// The test.
        test: usize,
    },
}

/// Judges trials by their curves, which are of one market and one length of period.
///
/// # Errors
/// [`SelectionError`].
pub fn judge(
    curves: &[&EquityCurve],
    plan: Option<WalkForward>,
) -> Result<Judgement, SelectionError> {
    let first = curves.iter().filter_map(|curve| curve.points.first()).map(|point| point.period);
    let last = curves.iter().filter_map(|curve| curve.points.last()).map(|point| point.period);
    let (Some(first), Some(last), Some(curve)) = (first.min(), last.max(), curves.first()) else {
        return Err(SelectionError::Nothing);
    };
    let periods = usize::try_from(last.saturating_sub(first).saturating_add(1)).unwrap_or(0);
    let trials = curves.len();
    if trials.checked_mul(periods).is_none_or(|returns| returns > RETURNS_MAX) {
        return Err(SelectionError::TooMany { trials, periods, most: RETURNS_MAX });
    }
    let rows: Vec<Row> = curves.iter().map(|curve| row(curve, first, periods)).collect();
    let scale = Scale { a_year: 365.0 * DAY_NS as f64 / curve.period.nanos() as f64 };
    let windows = plan.map(|plan| windows(plan, periods)).transpose()?;
    let tested: Option<Vec<usize>> = windows
        .as_ref()
        .map(|windows| windows.iter().flat_map(|window| window.1.clone()).collect());
    let whole: Vec<Vec<f64>> = rows.iter().map(|row| row.returns.clone()).collect();
    let test: Option<Vec<Vec<f64>>> = tested.as_ref().map(|places| {
        let pick = |row: &Row| places.iter().map(|place| row.returns[*place]).collect();
        rows.iter().map(pick).collect()
    });
    let trials = trials_of(&whole);
    let test_trials = test.as_deref().map(trials_of);
    let held = held(curve, first, periods);
    let followed = plan.zip(windows).zip(test_trials).map(|((plan, windows), trials)| {
        follow((&rows, &held), curve, first, (plan, &windows), &scale, trials)
    });
    let mut ranked: Vec<Judged> = (0..rows.len())
        .map(|trial| {
            let windows = followed.iter().flat_map(|followed| &followed.windows);
            Judged {
                trial,
                whole: scale.figures(&whole[trial], trials),
                test: test
                    .as_ref()
                    .zip(test_trials)
                    .map(|(test, trials)| scale.figures(&test[trial], trials)),
                chosen: windows.filter(|window| window.chosen == trial).count() as u64,
            }
        })
        .collect();
    ranked.sort_by(|left, right| {
        let key = |judged: &Judged| {
            judged.test.unwrap_or(judged.whole).sharpe.unwrap_or(f64::NEG_INFINITY)
        };
        key(right).total_cmp(&key(left)).then(left.trial.cmp(&right.trial))
    });
    let one = Tried { count: 1, variance: Some(0.0) };
    let held_test: Option<Vec<f64>> =
        tested.map(|places| places.iter().map(|place| held[*place]).collect());
    Ok(Judgement {
        trials: rows.len() as u64,
        period_seconds: curve.period.nanos() / 1_000_000_000,
        periods: periods as u64,
        ranked,
        held: Judged {
            trial: rows.len(),
            whole: scale.figures(&held, one),
            test: held_test.map(|returns| scale.figures(&returns, one)),
            chosen: 0,
        },
        followed,
        overfitting: overfitting(&whole),
    })
}

/// How many trials there were, and how their Sharpe ratios vary.
#[derive(Clone, Copy)]
struct Tried {
    count: u64,
    variance: Option<f64>,
}

fn trials_of(rows: &[Vec<f64>]) -> Tried {
    let sharpes: Vec<f64> =
        rows.iter().filter_map(|row| SharpeEstimate::of(row)).map(|one| one.sharpe).collect();
    let spread = if sharpes.len() == 1 { Some(0.0) } else { deviation(&sharpes) };
    Tried { count: rows.len() as u64, variance: spread.and_then(|one| finite(one * one)) }
}

/// How figures of a period become figures of a year.
struct Scale {
    a_year: f64,
}

impl Scale {
    fn figures(&self, returns: &[f64], tried: Tried) -> Figures {
        let estimate = SharpeEstimate::of(returns);
        let trials =
            tried.variance.map(|sharpe_variance| Trials { count: tried.count, sharpe_variance });
        Figures {
            returns: returns.len() as u64,
            total_return: total_return(returns),
            max_drawdown: max_drawdown(returns),
            sharpe: estimate.map(|one| one.sharpe),
            sharpe_year: estimate.and_then(|one| finite(one.sharpe * self.a_year.sqrt())),
            probabilistic_sharpe: estimate.and_then(|one| probabilistic_sharpe(&one, 0.0)),
            deflated_sharpe: estimate
                .zip(trials)
                .and_then(|(one, trials)| deflated_sharpe(&one, &trials)),
            trials: tried.count,
            sharpe_variance: tried.variance,
        }
    }
}

type Ranges = (std::ops::Range<usize>, std::ops::Range<usize>);

/// The windows that fit: training periods, and the test periods behind them.
fn windows(plan: WalkForward, periods: usize) -> Result<Vec<Ranges>, SelectionError> {
    let WalkForward { train, test, step } = plan;
    plan.check()?;
    let mut windows = Vec::new();
    let mut from = 0;
    while from + train + test <= periods {
        windows.push((from..from + train, from + train..from + train + test));
        from += step;
    }
    if windows.is_empty() || train == 0 || test == 0 {
        return Err(SelectionError::TooShort { periods, train, test });
    }
    Ok(windows)
}

/// The trial with the highest Sharpe ratio; the first where several or none have it.
fn choose(rows: &[Row], seen: &std::ops::Range<usize>) -> (usize, Option<f64>) {
    let mut best = (0, None);
    for (trial, row) in rows.iter().enumerate() {
        let sharpe = SharpeEstimate::of(&row.returns[seen.clone()]).map(|one| one.sharpe);
        if sharpe.is_some_and(|sharpe| best.1.is_none_or(|best| sharpe > best)) {
            best = (trial, sharpe);
        }
    }
    best
}

fn follow(
    (rows, held): (&[Row], &[f64]),
    curve: &EquityCurve,
    first: i64,
    (plan, windows): (WalkForward, &[Ranges]),
    scale: &Scale,
    trials: Tried,
) -> Followed {
    let side = curve.side_cost.raw() as f64 / 1e9;
    let end_of = |place: usize| curve.end_of(first.saturating_add(place as i64 - 1));
    let invested = |trial: usize, place: usize| {
        place.checked_sub(1).map_or(0.0, |before| rows[trial].invested[before])
    };
    let mut joined = Vec::new();
    let (mut told, mut points, mut beside) = (Vec::new(), Vec::new(), Vec::new());
    let (mut following, mut value, mut kept): (Option<(usize, usize)>, f64, f64) = (None, 1.0, 1.0);
    for (train, test) in windows {
        let (chosen, train_sharpe) = choose(rows, train);
        let same = following == Some((chosen, test.start));
        let left = following.map_or(0.0, |(trial, end)| invested(trial, end).abs());
        let change = if same { 0.0 } else { side * (left + invested(chosen, test.start).abs()) };
        let mut own: Vec<f64> = rows[chosen].returns[test.clone()].to_vec();
        if let Some(one) = own.first_mut() {
            *one = (1.0 + *one) * (1.0 - change) - 1.0;
        }
        for (place, one) in test.clone().zip(&own) {
            let time = end_of(place + 1);
            value *= 1.0 + one;
            kept *= 1.0 + held[place];
            points.push(UnitPoint { time, value });
            beside.push(UnitPoint { time, value: kept });
        }
        told.push(Window {
            train_from: end_of(train.start),
            test_from: end_of(test.start),
            test_to: end_of(test.end),
            chosen,
            train_sharpe,
            test_sharpe: SharpeEstimate::of(&own).map(|one| one.sharpe),
            test_return: total_return(&own),
            change_cost: change,
        });
        joined.extend(own);
        following = Some((chosen, test.end));
    }
    let figures = scale.figures(&joined, trials);
    Followed { plan, windows: told, figures, curve: points, held: beside }
}
