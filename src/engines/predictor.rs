//! The pattern predictor: how likely the next bar rises, given the last few bits of the path.
//!
//! For each context (the last k bits, k the word's width up to [`CONTEXT_BITS_MAX`]) the forecast
//! is the posterior mean of a rise under a flat Beta(1, 1) prior. It is advisory: nothing is
//! ordered by it. And it is judged prequentially (A. P. Dawid, Journal of the Royal Statistical
//! Society A 147 (1984) 278-292): each forecast is scored before its bar is learned, against the
//! *running* share of rises, which knows no more than the forecast did.
//!
//! The verdict compares the two forecasts bar by bar: the mean difference of their log-losses over
//! its standard error. Only above 1.96 something is predicted; otherwise it says that there is
//! nothing to predict.

use serde::Serialize;

use crate::event::wire::{Decode, Encode};
use crate::signals::{ForecastScore, Moments, flat_posterior, log_loss};
use crate::units::Ratio;

/// The longest context, in bits: a longer one would never see its cases again.
pub const CONTEXT_BITS_MAX: u8 = 8;

/// Counts after which a context halves them: far beyond any run, and no sum can leave its range.
const COUNT_MAX: u64 = 1 << 50;

/// What the record of forecasts says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PredictorVerdict {
    /// The forecasts are no better than the share of rises so far.
    NothingToPredict,
    /// The forecasts are better, beyond what chance explains.
    Predicts,
}

/// The predictor of a pair in figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PredictorReport {
    /// Bits of its context.
    pub context_bits: u8,
    /// Forecasts that were scored.
    pub forecasts: u64,
    /// Their mean log-loss; a coin has 0.693147181.
    pub log_loss: Option<Ratio>,
    /// The mean log-loss of the running share of rises.
    pub base_log_loss: Option<Ratio>,
    /// Share of forecasts whose likelier side came.
    pub hit_rate: Option<Ratio>,
    /// The lower end of its 95 % interval.
    pub hit_rate_lower: Option<Ratio>,
    /// The upper end.
    pub hit_rate_upper: Option<Ratio>,
    /// The same share for the running share of rises.
    pub base_hit_rate: Option<Ratio>,
    /// Mean gain in log-loss over the base, in standard errors; none where it does not vary.
    pub gain_score: Option<Ratio>,
    /// What follows.
    pub verdict: PredictorVerdict,
}

/// Bars that followed a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Encode, Decode)]
struct Followed {
    ups: u64,
    all: u64,
}

impl Followed {
    fn probability(self) -> Ratio {
        flat_posterior(self.ups, self.all)
    }

    fn push(&mut self, up: bool) {
        if self.all < COUNT_MAX {
            self.ups += u64::from(up);
            self.all += 1;
        }
    }
}

/// The predictor of one pair.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Predictor {
    bits: u8,
    /// The newest bits, the newest lowest, and how many there are, at most `bits`.
    context: u8,
    seen: u8,
    followed: Vec<Followed>,
    base: Followed,
    score: ForecastScore,
    base_score: ForecastScore,
    /// Base log-loss less own, bar by bar.
    gains: Moments,
}

impl Predictor {
    pub(super) fn new(word_bits: u8) -> Self {
        let bits = word_bits.clamp(1, CONTEXT_BITS_MAX);
        Self {
            bits,
            context: 0,
            seen: 0,
            followed: vec![Followed::default(); 1 << bits],
            base: Followed::default(),
            score: ForecastScore::default(),
            base_score: ForecastScore::default(),
            gains: Moments::default(),
        }
    }

    /// What the next bar is given for rising; none before there is a whole context.
    pub(super) fn up_probability(&self) -> Option<Ratio> {
        if self.seen < self.bits {
            return None;
        }
        self.followed.get(usize::from(self.context)).map(|followed| followed.probability())
    }

    /// Scores the forecast of a bar, then learns it.
    pub(super) fn push(&mut self, up: bool) {
        if let Some(own) = self.up_probability() {
            let base = self.base.probability();
            // Both are probabilities, so both have a log-loss.
            if let (Ok(own_loss), Ok(base_loss)) = (log_loss(own, up), log_loss(base, up)) {
                let _full = self.score.push(own, up);
                let _full = self.base_score.push(base, up);
                // Beyond a million bars the test rests on the first million.
                let _full = base_loss.minus(own_loss).map(|gain| self.gains.push(gain));
            }
            if let Some(followed) = self.followed.get_mut(usize::from(self.context)) {
                followed.push(up);
            }
        }
        self.base.push(up);
        let mask = u8::MAX >> (8 - self.bits);
        self.context = (self.context << 1 | u8::from(up)) & mask;
        self.seen = (self.seen + 1).min(self.bits);
    }

    /// Forgets the path, as behind a gap, and nothing that was learned.
    pub(super) fn restart(&mut self) {
        self.context = 0;
        self.seen = 0;
    }

    pub(super) fn report(&self) -> PredictorReport {
        let bounds = self.score.hit_rate_bounds().ok();
        let hit_rate = |score: &ForecastScore| Ratio::of_counts(score.hits, score.decided);
        let gain_score = self.gains.mean_in_errors();
        /// 1.96 standard errors.
        const BORDER: i64 = 1_960_000_000;
        let verdict = match gain_score {
            Some(score) if score.raw() > BORDER => PredictorVerdict::Predicts,
            _ => PredictorVerdict::NothingToPredict,
        };
        PredictorReport {
            context_bits: self.bits,
            forecasts: self.score.forecasts,
            log_loss: self.score.mean_log_loss(),
            base_log_loss: self.base_score.mean_log_loss(),
            hit_rate: hit_rate(&self.score),
            hit_rate_lower: bounds.map(|bounds| bounds.lower),
            hit_rate_upper: bounds.map(|bounds| bounds.upper),
            base_hit_rate: hit_rate(&self.base_score),
            gain_score,
            verdict,
        }
    }
}
