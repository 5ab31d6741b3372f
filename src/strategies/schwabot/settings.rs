//! The settings of the strategy, as text and as values.
//!
//! Every default was chosen for a reason that needs no data, and none is to be tuned for profit:
//! windows of a trading session's length, the usual 95 % bound, a quarter of Kelly's stake. The
//! horizon's reason: a round trip costs at most a tenth of the deviation that even a calm pair
//! shows in 240 minutes.

use std::fmt;
use std::str::FromStr;

use crate::engines::{EngineSettings, Family, GateSettings};
use crate::event::{Parameter, RunConfig, WeightRule};
use crate::signals::{CHRONO_BARS_MAX, CHRONO_BARS_MIN, EMA_SPAN_MAX, UpDownWord, WINDOW_BARS_MAX};
use crate::strategies::parameters::{Parameters, bad_parameter as bad, parameter};
use crate::strategies::{RiskLimits, StrategyError};
use crate::time::{MINUTE_NS, Span};
use crate::units::{Ratio, UnitError};

use super::NAME;

/// Currencies that an instant cycle may join.
const ORBIT_LEGS_MAX: u8 = 3;
/// The longest horizon and gap, in minutes: a year.
const MINUTES_MAX: u32 = 525_600;

/// A share that may be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit(Option<Ratio>);

impl FromStr for Limit {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        if text == "off" { Ok(Self(None)) } else { text.parse().map(|share| Self(Some(share))) }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(share) => share.fmt(f),
            None => f.write_str("off"),
        }
    }
}

/// Everything that can be set.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// Width of the up/down word: the bit phase.
    pub(super) word_bits: u8,
    /// Bars over which the detectors look back.
    pub(super) window: u32,
    /// Bars of a pair before anything fires.
    pub(super) warm_up: u32,
    pub(super) horizon_minutes: u32,
    /// A longer gap restarts the windows.
    pub(super) gap_minutes: u32,
    pub(super) spike: Ratio,
    pub(super) surge: Ratio,
    pub(super) ema_fast: u32,
    pub(super) ema_slow: u32,
    pub(super) chrono: u32,
    pub(super) clock_short: u32,
    pub(super) clock_long: u32,
    pub(super) gate: GateSettings,
    /// The largest share of equity in one position.
    pub(super) position_cap: Ratio,
    rule: WeightRule,
    pub(super) carry_evidence: bool,
    take_profit: Limit,
    stop: Limit,
    max_exposure: Limit,
    daily_loss: Limit,
    max_drawdown: Limit,
}

/// The names of all settings, sorted.
const NAMES: [&str; 27] = [
    "carry-evidence",
    "chrono",
    "clock-long",
    "clock-short",
    "daily-loss",
    "ema-fast",
    "ema-slow",
    "gap-minutes",
    "gate-bound",
    "gate-cases",
    "gate-edge",
    "gate-family",
    "gate-z",
    "horizon-minutes",
    "kelly-cap",
    "kelly-share",
    "max-drawdown",
    "max-exposure",
    "position-cap",
    "spike",
    "stop",
    "surge",
    "take-profit",
    "warm-up",
    "weights",
    "window",
    "word-bits",
];

impl Settings {
    /// Reads what was given over the defaults.
    pub(super) fn read(given: &[Parameter]) -> Result<Self, StrategyError> {
        let given = Parameters::of(NAME, &NAMES, given)?;
        let usual = GateSettings::default();
        let limit = |name| Ok::<_, StrategyError>(given.get(name)?.unwrap_or(Limit(None)));
        let settings = Self {
            word_bits: given.get("word-bits")?.unwrap_or(4),
            window: given.get("window")?.unwrap_or(240),
            warm_up: given.get("warm-up")?.unwrap_or(1_440),
            horizon_minutes: given.get("horizon-minutes")?.unwrap_or(240),
            gap_minutes: given.get("gap-minutes")?.unwrap_or(60),
            spike: given.get("spike")?.unwrap_or(Ratio::from_raw(4_000_000_000)),
            surge: given.get("surge")?.unwrap_or(Ratio::from_raw(3_000_000_000)),
            ema_fast: given.get("ema-fast")?.unwrap_or(60),
            ema_slow: given.get("ema-slow")?.unwrap_or(240),
            chrono: given.get("chrono")?.unwrap_or(129),
            clock_short: given.get("clock-short")?.unwrap_or(60),
            clock_long: given.get("clock-long")?.unwrap_or(1_440),
            gate: GateSettings {
                min_cases: given.get("gate-cases")?.unwrap_or(usual.min_cases),
                bound: given.get("gate-bound")?.unwrap_or(usual.bound),
                z: given.get("gate-z")?.unwrap_or(usual.z),
                need_edge: given.get("gate-edge")?.unwrap_or(usual.need_edge),
                family: family(given.get::<String>("gate-family")?.as_deref())?,
                kelly_share: given.get("kelly-share")?.unwrap_or(usual.kelly_share),
                kelly_cap: given.get("kelly-cap")?.unwrap_or(usual.kelly_cap),
            },
            position_cap: given.get("position-cap")?.unwrap_or(Ratio::from_raw(100_000_000)),
            rule: rule(given.get::<String>("weights")?.as_deref())?,
            carry_evidence: given.get("carry-evidence")?.unwrap_or(false),
            take_profit: limit("take-profit")?,
            stop: limit("stop")?,
            max_exposure: limit("max-exposure")?,
            daily_loss: limit("daily-loss")?,
            max_drawdown: limit("max-drawdown")?,
        };
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), StrategyError> {
        UpDownWord::new(0, self.word_bits)
            .map_err(|_| bad("word-bits", &self.word_bits, &"must be from 2 to 64"))?;
        bars("window", self.window, 4, WINDOW_BARS_MAX)?;
        bars("warm-up", self.warm_up, 2, WINDOW_BARS_MAX)?;
        bars("horizon-minutes", self.horizon_minutes, 1, MINUTES_MAX)?;
        bars("gap-minutes", self.gap_minutes, 1, MINUTES_MAX)?;
        bars("ema-slow", self.ema_slow, 2, EMA_SPAN_MAX)?;
        bars("ema-fast", self.ema_fast, 1, self.ema_slow - 1)?;
        bars("chrono", self.chrono, CHRONO_BARS_MIN, CHRONO_BARS_MAX)?;
        bars("clock-long", self.clock_long, 2, WINDOW_BARS_MAX)?;
        bars("clock-short", self.clock_short, 1, self.clock_long - 1)?;
        for (name, score) in [("spike", self.spike), ("surge", self.surge)] {
            if !score.is_positive() {
                return Err(bad(name, &score, &"must be above 0"));
            }
        }
        let gate = &self.gate;
        if !gate.z.is_positive() || gate.z > Ratio::from_raw(10 * Ratio::ONE.raw()) {
            return Err(bad("gate-z", &gate.z, &"must be above 0 and at most 10"));
        }
        share("gate-bound", gate.bound, gate.bound >= Ratio::ZERO)?;
        share("kelly-share", gate.kelly_share, gate.kelly_share.is_positive())?;
        share("kelly-cap", gate.kelly_cap, gate.kelly_cap.is_positive())?;
        share("position-cap", self.position_cap, self.position_cap.is_positive())?;
        let limits = [
            ("stop", self.stop),
            ("max-exposure", self.max_exposure),
            ("daily-loss", self.daily_loss),
            ("max-drawdown", self.max_drawdown),
        ];
        for (name, limit) in limits {
            limit.0.map_or(Ok(()), |given| share(name, given, given.is_positive()))?;
        }
        match self.take_profit.0 {
            Some(given) if !given.is_positive() => {
                Err(bad("take-profit", &given, &"must be above 0, or off"))
            }
            _ => Ok(()),
        }
    }

    /// Returns all settings in canonical form, sorted by name.
    pub(super) fn written_out(&self) -> Vec<Parameter> {
        let gate = &self.gate;
        let family = match gate.family {
            Family::None => "none",
            Family::Bonferroni => "bonferroni",
        };
        let rule = match self.rule {
            WeightRule::Exponentiated => "exponentiated",
            WeightRule::Additive => "additive",
        };
        let values: [&dyn fmt::Display; NAMES.len()] = [
            &self.carry_evidence,
            &self.chrono,
            &self.clock_long,
            &self.clock_short,
            &self.daily_loss,
            &self.ema_fast,
            &self.ema_slow,
            &self.gap_minutes,
            &gate.bound,
            &gate.min_cases,
            &gate.need_edge,
            &family,
            &gate.z,
            &self.horizon_minutes,
            &gate.kelly_cap,
            &gate.kelly_share,
            &self.max_drawdown,
            &self.max_exposure,
            &self.position_cap,
            &self.spike,
            &self.stop,
            &self.surge,
            &self.take_profit,
            &self.warm_up,
            &rule,
            &self.window,
            &self.word_bits,
        ];
        NAMES.iter().zip(values).map(|(name, value)| parameter(name, value)).collect()
    }

    /// Returns what the engines of a run need to know.
    pub(super) fn engines(&self, run: &RunConfig) -> EngineSettings {
        EngineSettings {
            word_bits: self.word_bits,
            gate: self.gate.clone(),
            rule: self.rule,
            orbit_legs_max: ORBIT_LEGS_MAX,
            fee_rate: run.venue.fee_rate,
            half_spread: run.venue.half_spread,
            instruments: run.instruments.clone(),
        }
    }

    pub(super) fn limits(&self) -> RiskLimits {
        RiskLimits {
            max_exposure: self.max_exposure.0,
            daily_loss: self.daily_loss.0,
            max_drawdown: self.max_drawdown.0,
        }
    }

    pub(super) const fn take_profit(&self) -> Option<Ratio> {
        self.take_profit.0
    }

    pub(super) const fn stop(&self) -> Option<Ratio> {
        self.stop.0
    }

    pub(super) fn horizon(&self) -> Span {
        Span::from_nanos(i64::from(self.horizon_minutes) * MINUTE_NS)
    }

    pub(super) fn gap(&self) -> Span {
        Span::from_nanos(i64::from(self.gap_minutes) * MINUTE_NS)
    }
}

fn bars(name: &'static str, given: u32, least: u32, most: u32) -> Result<(), StrategyError> {
    if (least..=most).contains(&given) {
        return Ok(());
    }
    Err(bad(name, &given, &format!("must be from {least} to {most}")))
}

fn share(name: &'static str, given: Ratio, sound: bool) -> Result<(), StrategyError> {
    if sound && given <= Ratio::ONE {
        return Ok(());
    }
    Err(bad(name, &given, &"must be a share: above 0 and at most 1"))
}

fn family(given: Option<&str>) -> Result<Family, StrategyError> {
    match given {
        None | Some("none") => Ok(Family::None),
        Some("bonferroni") => Ok(Family::Bonferroni),
        Some(other) => Err(bad("gate-family", &other, &"none or bonferroni")),
    }
}

fn rule(given: Option<&str>) -> Result<WeightRule, StrategyError> {
    match given {
        None | Some("exponentiated") => Ok(WeightRule::Exponentiated),
        Some("additive") => Ok(WeightRule::Additive),
        Some(other) => Err(bad("weights", &other, &"exponentiated or additive")),
    }
}
