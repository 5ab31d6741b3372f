//! What a pair's bars say: windows, detectors, features.
//!
//! Detectors look at the bars before the newest one and measure the newest against them, never
//! against itself. A return never crosses a gap; a gap longer than the settings allow restarts
//! every window, but neither the count of bars nor the scaling. Nothing fires before the warm-up
//! is over and the features are scaled.
//!
//! A feature is scaled by what it was over the bars of the warm-up on which it existed. While its
//! window fills, a feature is measured over what there is, from a quarter of the window on; the
//! warm-up waits until every feature was there [`SCALED_BARS_MIN`] times, at most twice its length.

use crate::event::{
    Bar, Direction, FeatureScalingFrozen, Features, FrozenScale, PairId, Trigger, VECTOR_FEATURES,
};
use crate::signals::{
    ChronoResonance, ClockRate, EmaCross, FeatureScaling, LogVolumeWindow, Moments, ReturnWindow,
    fisher_p_value, ln_return, permutation_entropy,
};
use crate::time::{Span, Timestamp};
use crate::units::{Price, Ratio};

use super::settings::Settings;

/// Values a feature must have shown before it is scaled.
pub(super) const SCALED_BARS_MIN: u64 = 60;
/// Order of the permutation entropy: six kinds, which 240 returns fill well.
const ENTROPY_ORDER: usize = 3;

/// A detector fired at the newest bar.
#[derive(Clone, Debug)]
pub(super) struct Firing {
    pub(super) trigger: Trigger,
    pub(super) direction: Direction,
    /// |z|, where the detector has one.
    pub(super) strength: Option<Ratio>,
}

/// The windows of one pair.
pub(super) struct Sensors {
    pair: PairId,
    window: u32,
    warm_up: u64,
    clock_least: u32,
    spike: Ratio,
    surge: Ratio,
    gap: Span,
    returns: ReturnWindow,
    volumes: LogVolumeWindow,
    averages: EmaCross,
    chrono: ChronoResonance,
    clock: ClockRate,
    last: Option<(Price, Timestamp)>,
    newest: Newest,
    /// Which average stood above at the last bar on which they differed.
    above: Option<Direction>,
    bars: u64,
    warming: [Moments; VECTOR_FEATURES.len()],
    scales: Option<[Option<FeatureScaling>; VECTOR_FEATURES.len()]>,
    fired: Vec<Firing>,
}

/// What the newest bar showed.
#[derive(Clone, Default)]
struct Newest {
    volume: Option<crate::units::Quantity>,
    volume_z: Option<Ratio>,
    /// True when the warm-up ended with it.
    scaled_now: bool,
}

impl Sensors {
    pub(super) fn new(pair: PairId, settings: &Settings) -> Self {
        Self {
            pair,
            window: settings.window,
            warm_up: u64::from(settings.warm_up),
            clock_least: settings.clock_short.saturating_mul(4).min(settings.clock_long),
            spike: settings.spike,
            surge: settings.surge,
            gap: settings.gap(),
            returns: ReturnWindow::new(settings.window),
            volumes: LogVolumeWindow::new(settings.window),
            averages: EmaCross::new(settings.ema_fast, settings.ema_slow),
            chrono: ChronoResonance::new(settings.chrono),
            clock: ClockRate::new(settings.clock_short, settings.clock_long),
            last: None,
            newest: Newest::default(),
            above: None,
            bars: 0,
            warming: [Moments::default(); VECTOR_FEATURES.len()],
            scales: None,
            fired: Vec::new(),
        }
    }

    /// What fired at the newest bar.
    pub(super) fn fired(&self) -> &[Firing] {
        &self.fired
    }

    /// True once the warm-up is over.
    pub(super) const fn is_scaled(&self) -> bool {
        self.scales.is_some()
    }

    /// Takes the newest bar. Bars come checked: the world has folded them.
    pub(super) fn observe(&mut self, bar: &Bar) {
        self.fired.clear();
        let ready = self.scales.is_some();
        let change = self.change_to(bar);
        self.bars += 1;
        let volume_z = self.volumes.push_scored(bar.volume).ok().flatten();
        let spike_z = change.and_then(|change| self.returns.push_scored(change).ok().flatten());
        if let Some(change) = change {
            // A return that the window took is taken by these two as well: the bounds are one.
            let taken = self.chrono.push(change).and_then(|()| self.clock.push_return(change));
            debug_assert!(taken.is_ok(), "windows disagree on what a return may be");
        }
        let crossed = self.cross(bar.close);
        self.newest = Newest { volume: Some(bar.volume), volume_z, scaled_now: false };
        self.last = Some((bar.close, bar.available_at));
        if ready {
            self.detect(change, spike_z, volume_z, crossed);
        } else {
            self.warm();
        }
    }

    /// The log-return to the newest close; none at the first bar and behind a gap.
    fn change_to(&mut self, bar: &Bar) -> Option<Ratio> {
        let (close, known) = self.last?;
        if bar.open_time <= known {
            return ln_return(close, bar.close).ok();
        }
        if bar.open_time.since(known).is_none_or(|missing| missing > self.gap) {
            self.returns.clear();
            self.volumes.clear();
            self.averages.clear();
            self.chrono.clear();
            self.clock.clear();
            self.above = None;
        }
        None
    }

    /// Moves the averages on; tells when the fast one changed sides.
    fn cross(&mut self, close: Price) -> Option<Direction> {
        self.averages.push(close).ok()?;
        let spread = self.averages.spread()?;
        let side = match spread.raw() {
            0 => return None,
            raw if raw > 0 => Direction::Up,
            _ => Direction::Down,
        };
        let before = self.above.replace(side);
        (before.is_some_and(|before| before != side)).then_some(side)
    }

    fn detect(
        &mut self,
        change: Option<Ratio>,
        spike_z: Option<Ratio>,
        volume_z: Option<Ratio>,
        crossed: Option<Direction>,
    ) {
        let direction = match change.map_or(0, Ratio::raw) {
            0 => None,
            raw if raw > 0 => Some(Direction::Up),
            _ => Some(Direction::Down),
        };
        let size = |z: Ratio| Ratio::from_raw(z.raw().saturating_abs());
        if let (Some(z), Some(direction)) = (spike_z.map(size), direction)
            && z > self.spike
        {
            let trigger = Trigger::PriceSpike;
            self.fired.push(Firing { trigger, direction, strength: Some(z) });
        }
        if let (Some(z), Some(direction)) = (volume_z, direction)
            && z > self.surge
        {
            let trigger = Trigger::VolumeSurge;
            self.fired.push(Firing { trigger, direction, strength: Some(z) });
        }
        if let Some(direction) = crossed {
            let trigger = Trigger::TrendReversal;
            self.fired.push(Firing { trigger, direction, strength: None });
        }
    }

    /// Collects what the features are over the warm-up, and freezes their scaling at its end.
    fn warm(&mut self) {
        let values = self.vector_features().vector_values();
        for (moments, value) in self.warming.iter_mut().zip(values) {
            if let Some(value) = value {
                // A value beyond all use is left out of the scaling.
                let _beyond_use = moments.push(value);
            }
        }
        let seen = self.warming.iter().all(|moments| moments.count() >= SCALED_BARS_MIN);
        if self.bars >= self.warm_up && (seen || self.bars >= self.warm_up.saturating_mul(2)) {
            self.scales = Some(self.warming.map(|moments| FeatureScaling::frozen(&moments).ok()));
            self.newest.scaled_now = true;
        }
    }

    /// The event that tells of the end of the warm-up, at the bar that ended it.
    pub(super) fn frozen_now(&self) -> Option<FeatureScalingFrozen> {
        let scales = self.scales.as_ref().filter(|_| self.newest.scaled_now)?;
        let frozen = |scale: &Option<FeatureScaling>| {
            scale.map(|FeatureScaling { mean, deviation }| FrozenScale { mean, deviation })
        };
        let scales = scales.iter().map(frozen).collect();
        Some(FeatureScalingFrozen { pair: self.pair, bars: self.bars, scales })
    }

    /// The features that make a vector: cheap enough for every bar of the warm-up.
    fn vector_features(&self) -> Features {
        let enough = self.returns.len() >= self.window as usize / 4;
        let resonance = self.chrono.resonance();
        Features {
            drift_t: self.returns.drift_t().filter(|_| enough),
            volatility: self.returns.deviation().filter(|_| enough),
            volume_z: self.newest.volume_z,
            ln_market_clock_rate: self.clock.log_rate_so_far(self.clock_least),
            periodicity_g: resonance.map(|strongest| strongest.share),
            dominant_phase: resonance.map(|strongest| strongest.phase),
            periodicity_p: None,
            dominant_period: resonance.map(|strongest| strongest.period),
            permutation_entropy: None,
            volume: self.newest.volume,
        }
    }

    /// Every feature at the newest bar.
    pub(super) fn features(&self) -> Features {
        let vector = self.vector_features();
        let p_value = |share: Ratio| fisher_p_value(share, self.chrono.frequencies()).ok();
        let returns: Vec<Ratio> = self.returns.values().collect();
        Features {
            periodicity_p: vector.periodicity_g.and_then(p_value),
            permutation_entropy: permutation_entropy(&returns, ENTROPY_ORDER).ok(),
            ..vector
        }
    }

    /// The features in units of the warm-up; zero where one is missing or was never scaled.
    pub(super) fn vector(&self, features: &Features) -> Vec<Ratio> {
        let Some(scales) = &self.scales else { return vec![Ratio::ZERO; VECTOR_FEATURES.len()] };
        let scaled = scales.iter().zip(features.vector_values()).map(|(scale, value)| {
            let scaled = scale.zip(value).and_then(|(scale, value)| scale.z(value).ok());
            scaled.unwrap_or(Ratio::ZERO)
        });
        scaled.collect()
    }
}
