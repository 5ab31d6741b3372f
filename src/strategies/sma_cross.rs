//! Buys when a fast mean of closes crosses above a slow one, sells when it crosses below.
//!
//! Long only. Means are compared without division, as exact integer sums: `fast_sum * slow` with
//! `slow_sum * fast`. An up-cross is fast > slow now and fast <= slow one bar before; a down-cross
//! is the mirror. Both means exist from bar `slow - 1` (zero-based) on, so the first possible cross
//! is at bar `slow`: 50 by default. A bar costs the same whatever the windows' lengths.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::parameters::{Parameters, bad_parameter as bad, parameter};
use super::{Intention, OrderIntention, Size, Stance, Strategy, StrategyError, View};
use crate::event::{
    Direction, Event, OrderReason, PairId, Parameter, RunConfig, Side, SignalFired, Trigger,
};
use crate::units::{Price, Quantity, Ratio};

/// The name under which the strategy is known.
pub const NAME: &str = "sma-cross";
/// The longest slow window, in bars.
pub const SLOW_BARS_MAX: u32 = 10_000;

const FAST_BARS: u32 = 10;
const SLOW_BARS: u32 = 50;
/// 95 % of equity: what is left pays the fee and the slippage.
const FRACTION: Ratio = Ratio::from_raw(950_000_000);

struct Settings {
    fast: u32,
    slow: u32,
    size: Size,
}

fn settings(given: &[Parameter]) -> Result<Settings, StrategyError> {
    let given = Parameters::of(NAME, &["fast", "slow", "fraction", "quantity"], given)?;
    let fast = given.get("fast")?.unwrap_or(FAST_BARS);
    let slow = given.get("slow")?.unwrap_or(SLOW_BARS);
    if fast == 0 {
        return Err(bad("fast", &fast, &"at least one bar is needed"));
    }
    if slow <= fast || slow > SLOW_BARS_MAX {
        let reason = format!("must be above fast = {fast} and at most {SLOW_BARS_MAX}");
        return Err(bad("slow", &slow, &reason));
    }
    let size = match (given.get::<Quantity>("quantity")?, given.get::<Ratio>("fraction")?) {
        (Some(quantity), None) if quantity.is_positive() => Size::Quantity(quantity),
        (Some(quantity), None) => return Err(bad("quantity", &quantity, &"must be positive")),
        (Some(quantity), Some(_)) => {
            return Err(bad("quantity", &quantity, &"give either quantity or fraction"));
        }
        (None, fraction) => {
            let fraction = fraction.unwrap_or(FRACTION);
            if !fraction.is_positive() || fraction > Ratio::ONE {
                return Err(bad("fraction", &fraction, &"must be above 0 and at most 1"));
            }
            Size::ShareOfEquity(fraction)
        }
    };
    Ok(Settings { fast, slow, size })
}

/// Returns all parameters in canonical form, defaults written out, sorted by name.
///
/// # Errors
/// [`StrategyError`] for parameters that are unknown, repeated or unusable.
pub fn canonical_parameters(given: &[Parameter]) -> Result<Vec<Parameter>, StrategyError> {
    let settings = settings(given)?;
    let mut all = vec![parameter("fast", &settings.fast)];
    match settings.size {
        Size::Quantity(quantity) => all.push(parameter("quantity", &quantity)),
        Size::ShareOfEquity(fraction) => all.push(parameter("fraction", &fraction)),
        Size::Notional(_) | Size::NotionalWithinCash(_) | Size::Position => {}
    }
    all.push(parameter("slow", &settings.slow));
    Ok(all)
}

/// The strategy.
pub struct SmaCross {
    settings: Settings,
    pairs: Vec<Windows>,
}

impl SmaCross {
    /// Makes the strategy for the pairs of a run.
    ///
    /// # Errors
    /// As [`canonical_parameters`].
    pub fn new(parameters: &[Parameter], run: &RunConfig) -> Result<Self, StrategyError> {
        let settings = settings(parameters)?;
        let pairs = vec![Windows::default(); run.instruments.len()];
        Ok(Self { settings, pairs })
    }

    fn want(&self, view: &dyn View, pair: PairId, direction: Direction) -> Option<OrderIntention> {
        let (held, waits) = (view.position(pair), !view.pending(pair).is_empty());
        let reason = OrderReason::Signal;
        match direction {
            Direction::Up if held == Quantity::ZERO && !waits => {
                let (size, stance) = (self.settings.size, Stance::Open);
                Some(OrderIntention { pair, side: Side::Buy, size, stance, reason })
            }
            Direction::Down if held.is_positive() && !waits => {
                let (size, stance) = (Size::Position, Stance::Reduce);
                Some(OrderIntention { pair, side: Side::Sell, size, stance, reason })
            }
            Direction::Up | Direction::Down => None,
        }
    }
}

impl Strategy for SmaCross {
    fn observe(&mut self, _view: &dyn View, input: &Event) {
        if let Event::Bar(bar) = input
            && let Some(windows) = self.pairs.get_mut(usize::from(bar.pair.0))
        {
            windows.push(bar.close, self.settings.fast as usize, self.settings.slow as usize);
        }
    }

    fn decide(&mut self, view: &dyn View, wanted: &mut Vec<Intention>) {
        for &pair in view.instant() {
            let place = usize::from(pair.0);
            // A pair that is only watched makes no signals here: it could act on none.
            if !view.config().instruments.get(place).is_some_and(|known| known.tradable) {
                continue;
            }
            let Some(direction) = self.pairs.get(place).and_then(|windows| windows.cross) else {
                continue;
            };
            let trigger = Trigger::Cross;
            wanted.push(Intention::Signal(SignalFired {
                pair,
                trigger,
                direction,
                strength: None,
            }));
            wanted.extend(self.want(view, pair, direction).map(Intention::Order));
        }
    }
}

/// The closes of one pair.
#[derive(Clone, Default)]
struct Windows {
    /// The newest closes, at most `slow` of them.
    closes: VecDeque<i128>,
    fast_sum: i128,
    slow_sum: i128,
    /// How fast compared with slow at the newest bar.
    order: Option<Ordering>,
    /// The cross that the newest bar made.
    cross: Option<Direction>,
}

impl Windows {
    fn push(&mut self, close: Price, fast: usize, slow: usize) {
        // Beyond this the products below could overflow; it is 10^18 units for the longest
        // windows. Such a price is no market's: the windows start anew behind it.
        let limit = i128::MAX / (fast as i128 * slow as i128);
        if !(0..=limit).contains(&close.raw()) {
            *self = Self::default();
            return;
        }
        self.closes.push_back(close.raw());
        self.fast_sum += close.raw();
        self.slow_sum += close.raw();
        let count = self.closes.len();
        if count > fast {
            self.fast_sum -= self.closes[count - 1 - fast];
        }
        if count > slow {
            self.slow_sum -= self.closes.pop_front().unwrap_or(0);
        }
        let before = self.order;
        self.order = (count >= slow)
            .then(|| (self.fast_sum * slow as i128).cmp(&(self.slow_sum * fast as i128)));
        self.cross = match (before, self.order) {
            (Some(Ordering::Less | Ordering::Equal), Some(Ordering::Greater)) => {
                Some(Direction::Up)
            }
            (Some(Ordering::Greater | Ordering::Equal), Some(Ordering::Less)) => {
                Some(Direction::Down)
            }
            _ => None,
        };
    }
}
