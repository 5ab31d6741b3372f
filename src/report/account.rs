//! The figures of the account itself, measured at every close, and what is to be known when reading
//! a sheet.

use super::equity::Curve;
use super::metric::{Group, Metric, Range, Unit};
use super::sheet::{DAYS_ENOUGH, TearSheet};
use super::statistics::quotient;
use super::trades::amount;
use crate::kernel::RunState;

/// Below so many days, figures of a year are guesses.
const DAYS_OF_A_YEAR: usize = 365;

/// Returns the figures of the account.
pub(super) fn account_metrics(run: &RunState, curve: &Curve, range: Range) -> Vec<Metric> {
    let group = Group { group: "Account", periods: curve.instants, of: "closes", range };
    let account = run.portfolio().account(&curve.currency);
    let seconds = range.to.nanos().saturating_sub(range.from.nanos()) as f64 / 1e9;
    let measured = |value: f64| Some(value).filter(|_| curve.instants > 0);
    let (open, falls) = (run.unrealised(&curve.currency).map(amount), &curve.falls);
    let depth = falls.deepest().map_or_else(|| measured(0.0), |fall| Some(fall.depth));
    let figures = [
        (("opening", "Opening cash", Unit::Money), Some(curve.opening), "as configured"),
        (
            ("equity", "Equity at the end", Unit::Money),
            measured(curve.equity),
            "cash and positions at the last closes",
        ),
        (("peak", "Highest equity", Unit::Money), measured(curve.peak), "largest at any close"),
        (("lowest", "Lowest equity", Unit::Money), measured(curve.lowest), "smallest at any close"),
        (
            ("unrealised", "Unrealised profit", Unit::Money),
            open,
            "open positions at the last closes, entry fees taken off",
        ),
        (
            ("fees", "Fees", Unit::Money),
            account.map(|account| amount(account.fees)),
            "all fees of the account, those of open positions included",
        ),
        (
            ("duration", "Duration", Unit::Seconds),
            measured(seconds),
            "from the open of the first bar to the last close",
        ),
        (
            ("close_max_drawdown", "Maximum drawdown", Unit::Share),
            depth,
            "largest (peak so far - equity) / peak so far, at every close",
        ),
        (
            ("close_average_drawdown", "Average drawdown", Unit::Share),
            falls.mean_depth(),
            "mean depth of all falls below an earlier peak, at every close",
        ),
        (
            ("longest_drawdown", "Longest drawdown", Unit::Seconds),
            falls.longest_seconds(),
            "from a peak to the first close that is no longer below it, or to the end",
        ),
        (
            ("average_drawdown_length", "Average length of a drawdown", Unit::Seconds),
            falls.mean_seconds(),
            "mean of the same",
        ),
        (
            ("exposure_time", "Time with a position", Unit::Share),
            quotient(curve.seconds_held, seconds),
            "time after closes with an open position / duration",
        ),
        (
            ("mean_exposure", "Mean exposure", Unit::Share),
            quotient(curve.share_seconds, seconds),
            "mean over time of the size of all positions / equity",
        ),
        (
            ("max_exposure", "Largest exposure", Unit::Share),
            measured(curve.exposure_max),
            "largest size of all positions / equity, at any close",
        ),
    ];
    figures.map(|(named, value, formula)| group.metric(named, value, formula)).into()
}

/// Returns what is to be known when reading the sheet.
pub(super) fn notes(sheet: &TearSheet, run: &RunState, curve: &Curve, other: usize) -> Vec<String> {
    let (closes, _) = curve.closes(sheet.period);
    let (few, one) = (closes.values().len(), sheet.period.one());
    let runs = sheet.run.as_ref().map_or(1, |facts| facts.runs);
    let in_sample = sheet.run.as_ref().is_some_and(|facts| facts.in_sample);
    let (measured, days) = (curve.instants > 0, curve.days.values().len());
    let notes = [
        (
            runs > 1,
            format!(
                "The log has {runs} runs. Figures and drawings are of the newest one, registries \
                 of all."
            ),
        ),
        (!run.ended(), "The run has no end up to here: figures may still change.".to_owned()),
        (
            in_sample,
            "In sample: evidence was carried over from a run on one of the same files.".to_owned(),
        ),
        (!measured, "No bar closed: there is nothing to measure.".to_owned()),
        (
            measured && few < DAYS_ENOUGH,
            format!("There are only {few} returns of {one}: ratios of so few say next to nothing."),
        ),
        (
            measured && days < DAYS_OF_A_YEAR,
            format!("The run touched {days} days: figures of a year are extrapolated from them."),
        ),
        (sheet.trades.is_empty(), "No trade was closed.".to_owned()),
        (
            other > 0,
            format!(
                "{other} trades are paid in another currency than {} and are in no figure here.",
                curve.currency
            ),
        ),
        (
            curve.unmeasured > 0,
            format!("{} closes are left out: exact equity does not fit.", curve.unmeasured),
        ),
        (
            closes.returns().is_none(),
            "Equity was not positive at some time: returns are undefined.".to_owned(),
        ),
    ];
    notes.into_iter().filter(|(wanted, _)| *wanted).map(|(_, text)| text).collect()
}
