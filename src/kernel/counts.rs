//! A run in figures: records by kind, and the equity of its accounts over time.

use serde::Serialize;

use super::run::RunState;
use crate::event::wire::{Decode, Encode};
use crate::time::{DAY_NS, Timestamp};
use crate::units::MoneyExact;

/// What a run's records add up to, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Encode, Decode, Serialize)]
pub struct Counters {
    /// Bars.
    pub bars: u64,
    /// Data defects.
    pub defects: u64,
    /// Signals that fired.
    pub signals: u64,
    /// Orders placed.
    pub orders: u64,
    /// Intentions refused.
    pub refused: u64,
    /// Fills.
    pub fills: u64,
    /// Orders that the venue turned away.
    pub rejected: u64,
    /// Orders that ended with the data.
    pub expired: u64,
    /// Closed round trips.
    pub trades: u64,
    /// An operator's commands.
    pub commands: u64,
}

/// The equity of one account, measured when the last input of an instant is folded: before
/// anything that this input causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct EquityTrack {
    /// The newest figure.
    pub latest: MoneyExact,
    /// The highest so far.
    pub peak: MoneyExact,
    /// The deepest fall below an earlier peak so far.
    pub max_drawdown: MoneyExact,
    /// The newest figure of the day (UTC) before, or the opening cash.
    pub day_open: MoneyExact,
    /// Days since 1970 of the newest figure.
    pub day: i64,
}

impl RunState {
    /// Measures every account at the last closes.
    pub(super) fn track_equity(&mut self, time: Timestamp) {
        let day = time.nanos().div_euclid(DAY_NS);
        for account in 0..self.equity.len() {
            // A sum that does not fit leaves the track where it was.
            let Ok(now) = self.portfolio().equity(account, |pair| self.mark(pair)) else {
                continue;
            };
            let track = &mut self.equity[account];
            if track.day != day {
                (track.day, track.day_open) = (day, track.latest);
            }
            track.latest = now;
            track.peak = track.peak.max(now);
            if let Ok(fall) = track.peak.minus(now) {
                track.max_drawdown = track.max_drawdown.max(fall);
            }
        }
    }
}
