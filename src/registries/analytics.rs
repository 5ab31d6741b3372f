//! What the registries say about performance: canonical, specialised, and across them.
//!
//! Every figure is computed from the entries when it is asked for. Profits of different quote
//! currencies are never added up; what is compared over pairs is the net return, a share of the
//! entry notional. A correlation says how many pairs it rests on, its 95 % interval, and its
//! p-value after Holm's adjustment for all that were tested together.

use std::collections::BTreeMap;

use serde::Serialize;

use super::coordinator::{Registries, net_return_of};
use super::soulprints::SoulprintEntry;
use super::trade::{Performance, TradeEntry};
use super::{Bucket, Page};
use crate::event::VECTOR_FEATURES;
use crate::signals::{CORRELATION_PAIRS_MAX, ForecastScore, Moments, holm_adjusted, spearman};
use crate::time::{DAY_NS, Timestamp};
use crate::units::{MoneyExact, Ratio};

/// Patterns that are listed.
const TOP_BUCKETS: usize = 10;

/// Trades of one kind: count, successes, and what they earned by quote currency.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
pub struct Slice {
    /// Trades.
    pub trades: u64,
    /// Those with a net profit above zero.
    pub successes: u64,
    /// Their share.
    pub success_rate: Option<Ratio>,
    /// Net profit by quote currency.
    pub net: BTreeMap<String, MoneyExact>,
}

/// The trades in one quote currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuotePerformance {
    /// Counts and profit.
    #[serde(flatten)]
    pub performance: Performance,
    /// Sum of the profits over the sum of the losses; none without a loss.
    pub profit_factor: Option<Ratio>,
    /// Mean net return a trade.
    pub mean_net_return: Option<Ratio>,
    /// Mean over sample deviation of the net returns a trade: not annualised.
    pub sharpe_per_trade: Option<Ratio>,
    /// Deepest fall of the summed net profits below an earlier peak, in the order of the exits.
    pub max_drawdown: MoneyExact,
}

/// One week of one trigger's trades.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WeekTrend {
    /// The Monday (UTC) that it begins with.
    pub week: Timestamp,
    /// What triggered the entries: the engine's detector, or the strategy where none is told.
    pub trigger: String,
    /// Its trades.
    #[serde(flatten)]
    pub slice: Slice,
}

/// A rank correlation with the net return.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NetReturnCorrelation {
    /// What is compared with the net return.
    pub what: &'static str,
    /// Pairs it rests on.
    pub pairs: u64,
    /// Spearman's rho; none below four pairs, or where one side does not vary.
    pub rho: Option<Ratio>,
    /// The lower end of its 95 % interval.
    pub lower: Option<Ratio>,
    /// The upper end.
    pub upper: Option<Ratio>,
    /// Two-sided p-value against no correlation.
    pub p_value: Option<Ratio>,
    /// The same after Holm's adjustment for all correlations of this list.
    pub p_holm: Option<Ratio>,
}

/// How the predictions of patterns did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PatternSuccess {
    /// Predictions made at entries.
    pub predictions: u64,
    /// Those that met their outcome.
    pub scored: u64,
    /// Those whose likelier side came.
    pub hits: u64,
    /// Their share of the decided ones: the pattern success rate.
    pub hit_rate: Option<Ratio>,
    /// Mean log-loss; a coin has 0.693147181.
    pub log_loss: Option<Ratio>,
}

/// One pattern in figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BucketEffect {
    /// The pattern.
    #[serde(flatten)]
    pub bucket: Bucket,
    /// Trades.
    pub support: u64,
    /// Posterior mean of success.
    pub confidence: Ratio,
    /// Mean net return.
    pub mean_net_return: Ratio,
    /// Mean holding time.
    pub mean_holding: crate::time::Span,
    /// How its worst trade rates.
    pub risk_level: &'static str,
}

impl BucketEffect {
    /// Returns a pattern in figures.
    #[must_use]
    pub fn of(bucket: &Bucket) -> Self {
        Self {
            support: bucket.support(),
            confidence: bucket.confidence(),
            mean_net_return: bucket.mean_net_return(),
            mean_holding: bucket.mean_holding(),
            risk_level: bucket.risk_level(),
            bucket: bucket.clone(),
        }
    }
}

/// All that the registries say about performance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Analytics {
    /// By quote currency.
    pub by_quote: BTreeMap<String, QuotePerformance>,
    /// By strategy.
    pub by_strategy: BTreeMap<String, Slice>,
    /// By trigger.
    pub by_trigger: BTreeMap<String, Slice>,
    /// By hour (UTC) of the exit, 0 to 23.
    pub by_hour: BTreeMap<u8, Slice>,
    /// By weekday (UTC) of the exit, 1 = Monday to 7.
    pub by_weekday: BTreeMap<u8, Slice>,
    /// By week and trigger, in the order of time.
    pub trend: Vec<WeekTrend>,
    /// How the predictions of patterns did.
    pub patterns: PatternSuccess,
    /// The patterns with the highest confidence.
    pub top_buckets: Vec<BucketEffect>,
    /// What goes with the net return: features of the soulprint, the pattern's posterior, the
    /// predictor's probability, the orbit weight.
    pub correlations: Vec<NetReturnCorrelation>,
}

impl Registries {
    /// Returns everything that the registries say about performance.
    ///
    /// Takes time by everything the registries hold.
    #[must_use]
    pub fn analytics(&self) -> Analytics {
        let mut slices = Slices::default();
        self.trades().all(Page::ALL).for_each(|entry| slices.take(entry));
        let by_quote = self.trades().quotes().map(|quote| (quote.to_owned(), self.quote(quote)));
        let top = self.buckets().top(TOP_BUCKETS, 1);
        Analytics {
            by_quote: by_quote.collect(),
            by_strategy: slices.by_strategy,
            by_trigger: slices.by_trigger,
            by_hour: slices.by_hour,
            by_weekday: slices.by_weekday,
            trend: slices
                .by_week
                .into_iter()
                .map(|((week, trigger), slice)| WeekTrend { week, trigger, slice })
                .collect(),
            patterns: self.pattern_success(),
            top_buckets: top.into_iter().map(BucketEffect::of).collect(),
            correlations: self.correlations(),
        }
    }

    fn quote(&self, quote: &str) -> QuotePerformance {
        let suffix = format!("/{quote}");
        let (mut won, mut lost) = (MoneyExact::ZERO, MoneyExact::ZERO);
        let (mut sum, mut peak, mut fall) = (MoneyExact::ZERO, MoneyExact::ZERO, MoneyExact::ZERO);
        let mut returns = Moments::default();
        for entry in self.trades().by_exit(Page::ALL) {
            let trade = &entry.trade;
            if !trade.symbol.ends_with(&suffix) {
                continue;
            }
            // The registry's own totals fit, so partial sums that do not are left out.
            let side = if trade.is_success() { &mut won } else { &mut lost };
            *side = side.plus(trade.net).unwrap_or(*side);
            sum = sum.plus(trade.net).unwrap_or(sum);
            peak = peak.max(sum);
            fall = peak.minus(sum).map_or(fall, |below| fall.max(below));
            if let Some(net_return) = net_return_of(trade) {
                // Beyond a million trades the moments stay those of the first million.
                let _full = returns.push(net_return);
            }
        }
        let losses = lost.negated().unwrap_or(MoneyExact::ZERO);
        QuotePerformance {
            performance: self.trades().performance(quote),
            profit_factor: won.ratio_to(losses),
            mean_net_return: returns.mean(),
            sharpe_per_trade: returns.mean_in_deviations(),
            max_drawdown: fall,
        }
    }

    fn pattern_success(&self) -> PatternSuccess {
        let mut score = ForecastScore::default();
        for scored in self.buckets().scored() {
            // A posterior is a probability, so it has a log-loss.
            let _full = score.push(scored.expected_success, scored.success);
        }
        PatternSuccess {
            predictions: self.buckets().predictions(),
            scored: score.forecasts,
            hits: score.hits,
            hit_rate: Ratio::of_counts(score.hits, score.decided),
            log_loss: score.mean_log_loss(),
        }
    }

    fn correlations(&self) -> Vec<NetReturnCorrelation> {
        let feature =
            |place: usize| move |entry: &SoulprintEntry| entry.soulprint.vector.get(place).copied();
        let mut found: Vec<NetReturnCorrelation> = VECTOR_FEATURES
            .into_iter()
            .enumerate()
            .map(|(place, name)| self.correlation(name, feature(place)))
            .collect();
        found.push(self.correlation("confidence", |entry| Some(entry.soulprint.confidence)));
        found.push(self.correlation("bucket_posterior", |entry| {
            self.buckets().prediction(&entry.id).map(|known| known.expected_success)
        }));
        found.push(self.correlation("up_probability", |entry| entry.soulprint.up_probability));
        found.push(self.correlation("orbit_weight", |entry| entry.soulprint.weight));
        let p_values: Vec<Ratio> = found.iter().filter_map(|known| known.p_value).collect();
        let adjusted = holm_adjusted(&p_values).unwrap_or_default();
        let tested = found.iter_mut().filter(|known| known.p_value.is_some());
        tested.zip(adjusted).for_each(|(known, p)| known.p_holm = Some(p));
        found
    }

    /// Correlates something of a soulprint with the net return that it came to.
    fn correlation(
        &self,
        what: &'static str,
        value: impl Fn(&SoulprintEntry) -> Option<Ratio>,
    ) -> NetReturnCorrelation {
        let pairs =
            self.soulprints().all().filter_map(|entry| Some((value(entry)?, entry.net_return()?)));
        let (left, right): (Vec<Ratio>, Vec<Ratio>) = pairs.take(CORRELATION_PAIRS_MAX).unzip();
        let found = spearman(&left, &right).ok();
        NetReturnCorrelation {
            what,
            pairs: left.len() as u64,
            rho: found.map(|found| found.rho),
            lower: found.map(|found| found.lower),
            upper: found.map(|found| found.upper),
            p_value: found.map(|found| found.p_value),
            p_holm: None,
        }
    }
}

#[derive(Default)]
struct Slices {
    by_strategy: BTreeMap<String, Slice>,
    by_trigger: BTreeMap<String, Slice>,
    by_hour: BTreeMap<u8, Slice>,
    by_weekday: BTreeMap<u8, Slice>,
    by_week: BTreeMap<(Timestamp, String), Slice>,
}

impl Slices {
    fn take(&mut self, entry: &TradeEntry) {
        let trade = &entry.trade;
        let (day, hour) = day_and_hour(trade.exit.time);
        let trigger = match trade.trigger {
            Some(trigger) => trigger.name().to_owned(),
            None => trade.strategy.clone(),
        };
        let monday = (day - days_since_monday(day)).saturating_mul(DAY_NS);
        // Days since Monday are 0 to 6, so the cast is exact.
        let weekday = days_since_monday(day) as u8 + 1;
        let week = (Timestamp::from_nanos(monday), trigger.clone());
        self.by_strategy.entry(trade.strategy.clone()).or_default().take(entry);
        self.by_trigger.entry(trigger).or_default().take(entry);
        self.by_hour.entry(hour).or_default().take(entry);
        self.by_weekday.entry(weekday).or_default().take(entry);
        self.by_week.entry(week).or_default().take(entry);
    }
}

impl Slice {
    fn take(&mut self, entry: &TradeEntry) {
        let trade = &entry.trade;
        self.trades += 1;
        self.successes += u64::from(trade.is_success());
        self.success_rate = Ratio::of_counts(self.successes, self.trades);
        let quote = super::trade::quote_of(&trade.symbol);
        let sum = self.net.entry(quote.to_owned()).or_default();
        *sum = sum.plus(trade.net).unwrap_or(*sum);
    }
}

/// Days since 1970 and the hour of the day, in UTC.
fn day_and_hour(time: Timestamp) -> (i64, u8) {
    let (day, rest) = (time.nanos().div_euclid(DAY_NS), time.nanos().rem_euclid(DAY_NS));
    // 0 to 23, so the cast is exact.
    (day, (rest / (DAY_NS / 24)) as u8)
}

/// 0 for a Monday; 1970 began on a Thursday.
fn days_since_monday(day: i64) -> i64 {
    (day + 3).rem_euclid(7)
}
