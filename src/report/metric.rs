//! A figure that explains itself: its formula, on how many values it rests, and over which time.

use serde::Serialize;

use super::words::shown;
use crate::time::Timestamp;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A share: 0.25 is shown as 25 %.
    Share,
    /// A plain number.
    Number,
    /// Money of the account's currency.
    Money,
    /// Whole things.
    Count,
    /// Seconds, shown as days, hours and minutes.
    Seconds,
}

/// The time that a figure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Range {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metric {
    /// The group that it is shown in.
    pub group: &'static str,
    /// Its name for programs.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The figure, always finite; none where it is undefined.
    pub value: Option<f64>,
    /// What it counts.
    pub unit: Unit,
    /// How it is worked out, and when it is undefined.
    pub formula: &'static str,
    /// How many returns or trades it rests on.
    pub periods: u64,
    /// What these are.
    pub of: &'static str,
    /// The time that it is about.
    pub range: Range,
}

impl Metric {
    /// Returns the figure as people read it, `undefined` where it is none.
    #[must_use]
    pub fn shown(&self) -> String {
        self.value.map_or("undefined".to_owned(), |value| shown(value, self.unit))
    }
}

/// Makes the figures of one group, which rest on the same values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) group: &'static str,
    pub(super) periods: u64,
    pub(super) of: &'static str,
    pub(super) range: Range,
}

impl Group {
    /// One figure; a value that is not finite is none.
    pub(super) fn metric(
        &self,
        (name, title, unit): (&'static str, &'static str, Unit),
        value: Option<f64>,
        formula: &'static str,
    ) -> Metric {
        let Self { group, periods, of, range } = *self;
        let value = value.filter(|value| value.is_finite());
        Metric { group, name, title, value, unit, formula, periods, of, range }
    }
}
