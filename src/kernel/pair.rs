//! What a run knows of one pair.
//!
//! The windows lag by one bar: a bar enters them when the next one arrives. So they always hold
//! the bars *before* the last one, and a fill at the last bar's open or close is priced from
//! nothing that came with that bar.

use std::collections::BTreeMap;

use super::quality::PairQuality;
use crate::event::wire::{Decode, Encode};
use crate::event::{Bar, FeatureScalingFrozen, Instrument, SignalFired};
use crate::signals::{ReturnWindow, VOLUME_MAX, VolumeWindow, ln_return};
use crate::strategies::{GhostEntry, Pending};
use crate::time::Timestamp;
use crate::units::{Price, Quantity, Ratio};

/// The newest bar of a pair, as far as it is still needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LastBar {
    /// When it began.
    pub open_time: Timestamp,
    /// When it was over.
    pub available_at: Timestamp,
    /// Its last price.
    pub close: Price,
    /// Amount traded, in the instrument's volume unit.
    pub volume: Quantity,
    /// Log-return from the bar before; none across a gap.
    pub change: Option<Ratio>,
}

/// The state of one pair in a run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PairState {
    /// The pair as `BASE/QUOTE`.
    pub symbol: String,
    /// Its newest bar.
    pub last: Option<LastBar>,
    /// Bars seen, and what is wrong with the data.
    pub quality: PairQuality,
    /// Orders that wait for their fill, by number.
    pub pending: BTreeMap<u64, Pending>,
    /// Returns of the bars before the last.
    pub returns: ReturnWindow,
    /// Volumes of the bars before the last.
    pub volumes: VolumeWindow,
    /// How its features are scaled, once its warm-up is over.
    pub scaling: Option<FeatureScalingFrozen>,
    /// The signal that fired in this instant and belongs to the next order.
    pub(super) signal: Option<SignalFired>,
    /// The ghost that passed the gate in this instant and flips into the next order.
    pub(super) flipping: Option<Box<GhostEntry>>,
}

impl PairState {
    pub(super) fn new(instrument: &Instrument, window_bars: u32) -> Self {
        Self {
            symbol: instrument.symbol(),
            last: None,
            quality: PairQuality::new(instrument),
            pending: BTreeMap::new(),
            returns: ReturnWindow::new(window_bars),
            volumes: VolumeWindow::new(window_bars),
            scaling: None,
            signal: None,
            flipping: None,
        }
    }

    /// Takes a bar, or says what is wrong with it and takes nothing.
    pub(super) fn fold_bar(&mut self, bar: &Bar) -> Result<(), &'static str> {
        self.check(bar)?;
        let mut change = None;
        if let Some(last) = self.last {
            // The checks of the earlier bar make both pushes possible.
            self.volumes.push(last.volume).map_err(|_| "volume out of range")?;
            if let Some(change) = last.change {
                self.returns.push(change).map_err(|_| "return out of range")?;
            }
            // No return crosses a gap. Longer gaps do not restart these windows: they price the
            // cost of an order, and a cost must not vanish because a venue was down for an hour.
            if bar.open_time <= last.available_at {
                change = Some(ln_return(last.close, bar.close).map_err(|_| "no log-return")?);
            }
        }
        self.last = Some(LastBar {
            open_time: bar.open_time,
            available_at: bar.available_at,
            close: bar.close,
            volume: bar.volume,
            change,
        });
        self.quality.bars += 1;
        self.signal = None;
        self.flipping = None;
        Ok(())
    }

    fn check(&self, bar: &Bar) -> Result<(), &'static str> {
        if !bar.low.is_positive() {
            return Err("a price is not positive");
        }
        if bar.low > bar.open.min(bar.close) || bar.high < bar.open.max(bar.close) {
            return Err("open or close lies outside low and high");
        }
        if !(Quantity::ZERO..=VOLUME_MAX).contains(&bar.volume) {
            return Err("the volume is out of range");
        }
        if bar.available_at <= bar.open_time {
            return Err("it is over before it began");
        }
        match self.last {
            Some(last) if bar.open_time <= last.open_time => {
                Err("it does not begin after the bar before")
            }
            _ => Ok(()),
        }
    }
}
