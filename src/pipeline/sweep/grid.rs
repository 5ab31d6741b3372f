//! What is tried: strategies, and the values of their parameters, all combined.
//!
//! ```text
//! fast=5,10,20              these values
//! slow=20..100:20           20, 40, 60, 80, 100; decimals are exact
//! sma-cross.fast=5,10       only for this strategy
//! ```
//!
//! The same as a file:
//!
//! ```toml
//! strategy = ["sma-cross"]
//! [param]
//! fast = "5,10,20"
//! "sma-cross.slow" = "20..100:20"
//! ```
//!
//! Invariants: trials stand in the order of the strategies, then of the axes, the last one fastest;
//! two that come to the same configuration are one; a combination that its strategy does not take
//! is left out and told, an unknown name is an error.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use super::error::SweepError;
use super::journal::TRIAL;
use crate::event::{Mode, Parameter, RunConfig, RunId};
use crate::kernel::run_started;
use crate::ledger::disk::{RealDisk, read_whole};
use crate::market::MarketPair;
use crate::pipeline::settings::STRATEGY;
use crate::pipeline::{PipelineError, RunSettings, SettingsError, market_config};
use crate::strategies::StrategyError;
use crate::units::Money;

/// The most trials of a sweep.
pub const TRIALS_MAX: usize = 10_000;
/// The longest file of a grid.
const BYTES_MAX: usize = 1 << 20;

/// The values of one parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axis {
    /// The strategy it is for; none for all.
    pub strategy: Option<String>,
    /// The parameter.
    pub name: String,
    /// Its values, in order.
    pub values: Vec<String>,
}

impl Axis {
    /// Reads an axis.
    ///
    /// # Errors
    /// [`SweepError::Axis`].
    ///
    /// # Examples
    /// ```
    /// use schwabot::pipeline::Axis;
    /// assert_eq!(Axis::parse("slow=0.5..1.5:0.25")?.values, ["0.5", "0.75", "1", "1.25", "1.5"]);
    /// assert!(Axis::parse("slow").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, SweepError> {
        let (name, values) = text.split_once('=').unwrap_or((text, ""));
        Self::of(name, values).map_err(|reason| SweepError::Axis { text: text.to_owned(), reason })
    }

    fn of(name: &str, values: &str) -> Result<Self, String> {
        let (strategy, name) = match name.split_once('.') {
            Some((strategy, name)) => (Some(strategy.to_owned()), name),
            None => (None, name),
        };
        let values = match values.split_once("..") {
            Some((low, rest)) => range(low, rest)?,
            None => values.split(',').map(str::to_owned).collect(),
        };
        if name.is_empty() || values.iter().any(String::is_empty) {
            return Err("write it as NAME=a,b,c or NAME=low..high:step".to_owned());
        }
        let once: BTreeSet<&String> = values.iter().collect();
        if once.len() < values.len() {
            return Err("a value stands there twice".to_owned());
        }
        Ok(Self { strategy, name: name.to_owned(), values })
    }
}

/// The values from `low` to `high`, both included as far as the step meets them.
fn range(low: &str, rest: &str) -> Result<Vec<String>, String> {
    let (high, step) = rest.split_once(':').unwrap_or((rest, "1"));
    let read = |text: &str| {
        let value = text.parse::<Money>();
        value.map_err(|error| format!("`{text}`: {error}"))
    };
    let (low, high, step) = (read(low)?, read(high)?, read(step)?);
    if !step.is_positive() || high < low {
        return Err("a range rises, by a step above zero".to_owned());
    }
    let mut values = Vec::new();
    let mut value = low;
    while value <= high {
        if values.len() == TRIALS_MAX {
            return Err(format!("a range has at most {TRIALS_MAX} values"));
        }
        values.push(value.to_string());
        value = value.plus(step).map_err(|error| error.to_string())?;
    }
    Ok(values)
}

/// Strategies and axes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grid {
    /// The strategies; none for the usual one.
    pub strategies: Vec<String>,
    /// The axes.
    pub axes: Vec<Axis>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    strategy: Vec<String>,
    #[serde(default)]
    param: std::collections::BTreeMap<String, String>,
}

/// One run of a sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Its run's id: a digest of the configuration.
    pub id: RunId,
    /// The complete configuration.
    pub config: RunConfig,
    /// The parameters that the grid varies, as this trial has them.
    pub varied: Vec<Parameter>,
}

impl Trial {
    /// Returns the name of its directory.
    #[must_use]
    pub fn directory(&self) -> String {
        format!("{TRIAL}{}", self.id)
    }

    /// Returns strategy and varied parameters, for people.
    #[must_use]
    pub fn label(&self) -> String {
        let varied = self.varied.iter().map(|known| format!(" {}={}", known.name, known.value));
        format!("{}{}", self.config.strategy.name, varied.collect::<String>())
    }
}

/// The trials of a grid.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// What is run.
    pub trials: Vec<Trial>,
    /// Combinations that their strategy does not take.
    pub unusable: usize,
    /// What is wrong with the first of them.
    pub first_reason: Option<String>,
}

impl Grid {
    /// Reads a grid from a file.
    ///
    /// # Errors
    /// [`SweepError::File`], with line and column where the text is no TOML.
    pub fn read(path: &Path) -> Result<Self, SweepError> {
        let bad = |reason: String| SweepError::File { file: path.to_owned(), reason };
        let bytes =
            read_whole(&RealDisk, path, BYTES_MAX).map_err(|error| bad(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|error| bad(error.to_string()))?;
        let raw: Raw = toml::from_str(&text).map_err(|error| bad(error.to_string()))?;
        let axes = raw.param.iter().map(|(name, values)| {
            Axis::of(name, values).map_err(|reason| bad(format!("param `{name}`: {reason}")))
        });
        Ok(Self { strategies: raw.strategy, axes: axes.collect::<Result<_, _>>()? })
    }

    /// Returns these strategies and axes with those of another grid behind them.
    ///
    /// # Errors
    /// [`SweepError::Axis`] where both have an axis of one name.
    pub fn and(mut self, other: Self) -> Result<Self, SweepError> {
        self.strategies.extend(other.strategies);
        for axis in other.axes {
            let same =
                |known: &Axis| (&known.strategy, &known.name) == (&axis.strategy, &axis.name);
            if self.axes.iter().any(same) {
                let reason = "there are two axes of this name".to_owned();
                return Err(SweepError::Axis { text: axis.name, reason });
            }
            self.axes.push(axis);
        }
        Ok(self)
    }

    /// Returns every combination as a trial over these pairs; `base` says the rest.
    ///
    /// # Errors
    /// [`SweepError`] for unknown names, for settings that make no run, for more than
    /// [`TRIALS_MAX`] combinations, and where none of them can be run.
    pub fn plan(&self, base: &RunSettings, pairs: &[MarketPair]) -> Result<Plan, SweepError> {
        let mut plan = Plan::default();
        let mut seen = BTreeSet::new();
        let usual = [base.strategy.clone().unwrap_or_else(|| STRATEGY.to_owned())];
        let named = self.strategies.as_slice();
        let strategies = if named.is_empty() { &usual[..] } else { named };
        let aimless = |axis: &&Axis| {
            axis.strategy.as_ref().is_some_and(|wanted| !strategies.contains(wanted))
        };
        if let Some(axis) = self.axes.iter().find(aimless) {
            let reason = "no strategy of this sweep has that name".to_owned();
            let text = axis.strategy.clone().unwrap_or_default();
            return Err(SweepError::Axis { text, reason });
        }
        for strategy in strategies {
            let axes: Vec<&Axis> = self
                .axes
                .iter()
                .filter(|axis| axis.strategy.as_ref().is_none_or(|wanted| wanted == strategy))
                .collect();
            let mut lengths = axes.iter().map(|axis| axis.values.len());
            let count = lengths.try_fold(1_usize, usize::checked_mul);
            let room = TRIALS_MAX.saturating_sub(plan.trials.len() + plan.unusable);
            let count = count.filter(|count| *count <= room);
            let count = count.ok_or(SweepError::TooMany { most: TRIALS_MAX })?;
            for number in 0..count {
                let point = point(&axes, number);
                let settings = with(base, strategy, &point);
                match trial(&settings, pairs, point) {
                    Ok(trial) if seen.insert(trial.id) => plan.trials.push(trial),
                    Ok(_) => {}
                    Err(SweepError::Strategy(error @ StrategyError::BadParameter { .. })) => {
                        plan.unusable += 1;
                        plan.first_reason.get_or_insert_with(|| error.to_string());
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        match (plan.trials.is_empty(), &plan.first_reason) {
            (true, Some(reason)) => Err(SweepError::Nothing { reason: reason.clone() }),
            _ => Ok(plan),
        }
    }
}

/// The parameters of the n-th combination; the last axis runs fastest.
fn point(axes: &[&Axis], number: usize) -> Vec<Parameter> {
    let mut rest = number;
    let mut point: Vec<Parameter> = axes
        .iter()
        .rev()
        .map(|axis| {
            let value = axis.values[rest % axis.values.len()].clone();
            rest /= axis.values.len();
            Parameter { name: axis.name.clone(), value }
        })
        .collect();
    point.reverse();
    point
}

fn with(base: &RunSettings, strategy: &str, point: &[Parameter]) -> RunSettings {
    let own = RunSettings {
        strategy: Some(strategy.to_owned()),
        parameters: point.iter().map(|known| (known.name.clone(), known.value.clone())).collect(),
        ..RunSettings::default()
    };
    own.or(base.clone())
}

fn trial(
    settings: &RunSettings,
    pairs: &[MarketPair],
    varied: Vec<Parameter>,
) -> Result<Trial, SweepError> {
    let config = market_config(settings, pairs).map_err(|error| match error {
        SettingsError::Strategy(error) => SweepError::Strategy(error),
        error => error.into(),
    })?;
    // Built once to be refused early, before any trial is run.
    drop(crate::strategies::build(&config.strategy, &config)?);
    let started = run_started(Mode::Backtest, config.clone(), None, 0);
    let started = started.map_err(PipelineError::from)?;
    Ok(Trial { id: started.run, config, varied })
}
